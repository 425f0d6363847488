"""What a verb shows where somebody looks: progress and colours.

Progress goes to stderr while that is a terminal (see `c4py.progress`); nothing is shown with `--quiet` or on a terminal
that is dumb, as one without TERM is. Colours are for results on a terminal, and none are there with NO_COLOR
(https://no-color.org).
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from c4py.cli.messages import Messages, StatusMessages

#: Control sequences of the colours that are used, by what they say.
COLOURS = {"good": "32", "bad": "31", "doubtful": "33", "faint": "2", "strong": "1"}


def shown_progress(options: argparse.Namespace) -> bool:
    """Say whether to show progress: the value of `progress` for a function of the library."""
    return not getattr(options, "quiet", False) and is_screen(sys.stderr)


def told_progress(options: argparse.Namespace) -> tuple[Messages | None, bool | StatusMessages]:
    """Give what `--json` prints JSON lines with, and the value of `progress` for a function of the library."""
    if not options.json:
        return None, shown_progress(options)
    from c4py.cli.messages import Messages

    messages = Messages(sys.stdout)
    return messages, False if getattr(options, "quiet", False) else messages.progress


def shell_word(path: str) -> str:
    """Write a path as one word of a shell, all of it seen and none of it obeyed."""
    if path.startswith("-"):
        path = f"./{path}"
    if path.isprintable():
        from shlex import quote

        return quote(path)
    # As bash and zsh read it: each byte that is not shown is three octal digits.
    shown = (
        c if c.isprintable() and c not in "\\'" else "".join(f"\\{byte:03o}" for byte in os.fsencode(c)) for c in path
    )
    return f"$'{''.join(shown)}'"


def manifest_word(directory: str) -> str:
    """Give a name for the manifest of a directory, as a word of a shell."""
    name = os.path.basename(os.path.normpath(directory))
    return shell_word("output.c4m" if name in ("", ".", "..", "/") else f"{name}.c4m")


def is_screen(stream: TextIO) -> bool:
    """Say whether a stream is a terminal that can do more than print lines."""
    return (os.environ.get("TERM") or "dumb") not in ("dumb", "unknown") and stream.isatty()


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Give a text its colour, one of COLOURS, where the stream (stdout) is a screen and colours are wanted."""
    if os.environ.get("NO_COLOR") or not is_screen(sys.stdout if stream is None else stream):
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"

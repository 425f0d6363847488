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


def is_screen(stream: TextIO) -> bool:
    """Say whether a stream is a terminal that can do more than print lines."""
    return (os.environ.get("TERM") or "dumb") not in ("dumb", "unknown") and stream.isatty()


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Give a text its colour, one of COLOURS, where the stream (stdout) is a screen and colours are wanted."""
    if os.environ.get("NO_COLOR") or not is_screen(sys.stdout if stream is None else stream):
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"

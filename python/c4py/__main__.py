"""The command as a process: the script `c4py`, and `python -m c4py`.

What was ended by a signal is seen to be: when all is cleaned up, the process dies by that signal, so that the loop of a
shell ends with Ctrl-C. A shell tells it as 128 and the signal's number. That is done here and not in `c4py.cli.main`,
which anybody may call who wants to live on.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def run() -> NoReturn:
    """Run the command with the arguments of the process, and end the process."""
    code: object
    try:
        from c4py.cli import main

        code = main()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        # Ctrl-C once more, while the first was cleaned up after.
        code = 130
    if isinstance(code, int) and code > 128:
        _die_by(code - 128)
    raise SystemExit(code)


def _die_by(number: int) -> None:
    """Die by a signal; this returns where signals are blocked, or not heard, as in the first process of a container."""
    import signal

    if sys.stderr is not None:
        sys.stderr.flush()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


if __name__ == "__main__":
    run()

"""Arguments of the verbs: what is wrong with them is a CommandError, and shown as it is but for control characters."""

from __future__ import annotations

import argparse

from c4py._visible import visible
from c4py.cli import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

#: What the library takes.
MOST_WORKERS = 1024


class Parser(argparse.ArgumentParser):
    """A parser whose verb ends with `usage_code` when its arguments are wrong."""

    def __init__(self, *, usage_code: int = 1, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)
        self.usage_code = usage_code

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, as a CommandError."""
        raise CommandError(f"{self.prog}: {visible(message, is_escaped=True)}", self.usage_code)

    def parse_mixed(self, arguments: Sequence[str], operands: str) -> argparse.Namespace:
        """Parse flags and operands in any order; what follows `--` are operands, whatever it looks like."""
        end = arguments.index("--") if "--" in arguments else len(arguments)
        options = self.parse_intermixed_args(arguments[:end])
        setattr(options, operands, [*getattr(options, operands), *arguments[end + 1 :]])
        return options


def worker_count(text: str) -> int:
    """Take a number of threads."""
    try:
        count = int(text)
    except ValueError:
        count = 0
    if not 1 <= count <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"not a number from 1 to {MOST_WORKERS}: {text!r}")
    return count

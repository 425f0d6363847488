"""Arguments of the verbs: what is wrong with them is a CommandError, and shown as it is but for control characters."""

from __future__ import annotations

import argparse
import os

from c4py._visible import visible
from c4py.cli import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn


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


def refuse_output_inside(directory: str, prog: str) -> None:
    """Refuse output into a file of the directory that is worked on, where the system says what the output is.

    It would be removed with what is there, or be seen while it is empty. Raises CommandError.
    """
    try:
        printed = os.path.realpath(os.readlink("/proc/self/fd/1"))
    except OSError:
        return
    root = os.path.realpath(directory)
    if os.path.isfile(printed) and os.path.commonpath([printed, root]) == root:
        raise CommandError(f"{prog}: the output {visible(printed)} lies in the directory that is worked on")

"""Arguments of the verbs, and actions below a verb.

What is wrong with arguments is a CommandError, and shown as it is but for control characters.
"""

from __future__ import annotations

import argparse
import os
import sys

from c4py._visible import visible
from c4py.cli import CommandError, command_errors, did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn

    #: What an action does, in a few words for the usage; what makes its parser; what does it, given both.
    Action = tuple[str, Callable[[], "Parser"], Callable[["Parser", list[str]], int]]

#: Exit code of wrong usage of a verb where 1 is that of a finding.
WRONG_USAGE = 2

#: Most threads that the library takes.
MOST_WORKERS = 1024


class Parser(argparse.ArgumentParser):
    """A parser whose verb ends with `usage_code` when its arguments are wrong."""

    def __init__(self, *, usage_code: int = 1, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)
        self.usage_code = usage_code

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, as a CommandError, and which flag may be meant by an unknown one."""
        unknown = message.removeprefix("unrecognized arguments: ").split(" ")[0] if "unrecognized" in message else ""
        known = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
        hint = did_you_mean(unknown.split("=")[0], known) if unknown.startswith("--") else ""
        raise CommandError(f"{self.prog}: {visible(message, is_escaped=True)}{hint}", self.usage_code)

    def add_json(self) -> None:
        """Take `--json`: the result is printed as JSON."""
        self.add_argument("--json", action="store_true", help="print JSON")

    def add_json_lines(self) -> None:
        """Take `--json` where the work is long: how far it is is printed as JSON lines, and the result as the last."""
        self.add_argument("--json", action="store_true", help="print JSON lines, the result last")

    def add_quiet(self) -> None:
        """Take `--quiet` where a verb has no other meaning for it: no progress is shown."""
        self.add_argument("-q", "--quiet", action="store_true", help="show no progress")

    def parse_mixed(self, arguments: Sequence[str], operands: str) -> argparse.Namespace:
        """Parse flags and operands in any order; what follows `--` are operands, whatever it looks like."""
        end = arguments.index("--") if "--" in arguments else len(arguments)
        options = self.parse_intermixed_args(arguments[:end])
        setattr(options, operands, [*getattr(options, operands), *arguments[end + 1 :]])
        return options


def run_action(
    verb: str, actions: Mapping[str, Action], arguments: Sequence[str], *, usage_code: int = WRONG_USAGE
) -> int:
    """Run the action that the first argument names with the others, or print which there are."""
    action, *given = arguments or [""]
    if action in ("-h", "--help", "help"):
        sys.stdout.write(action_usage(verb, actions))
        return 0
    if action not in actions:
        message = f"c4py {verb}: unknown action {visible(repr(action), is_escaped=True)}" if action else ""
        hint = f"{did_you_mean(action, actions)}\n" if action else ""
        raise CommandError(f"{message}{hint}{action_usage(verb, actions)}", usage_code)
    _, build_parser, perform = actions[action]
    with command_errors(f"c4py {verb} {action}"):
        return perform(build_parser(), given)


def action_usage(verb: str, actions: Mapping[str, Action]) -> str:
    """Write which actions a verb has."""
    usage = f"usage: c4py {verb} ACTION [flags] [arguments]\n\nactions:\n"
    usage += "".join(f"  {name:<10}{what}\n" for name, (what, _, _) in actions.items())
    return f"{usage}\n'c4py {verb} ACTION --help' tells more about an action.\n"


def worker_count(text: str) -> int:
    """Take a number of threads."""
    try:
        count = int(text)
    except ValueError:
        count = 0
    if not 1 <= count <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"not a number from 1 to {MOST_WORKERS}: {text!r}")
    return count


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

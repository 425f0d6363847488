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
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, NoReturn

    #: What an action does, in a few words for the usage; what makes its parser; what does it, given both.
    Action = tuple[str, Callable[[], "Parser"], Callable[["Parser", list[str]], int]]

#: Exit code of wrong usage of a verb where 1 is that of a finding.
WRONG_USAGE = 2

#: How a directory is scanned, by the values of a flag.
MODES = {
    **dict.fromkeys(("s", "1", "structure"), "structure"),
    **dict.fromkeys(("m", "2", "metadata"), "metadata"),
    **dict.fromkeys(("", "f", "3", "full"), "full"),
}

#: Most threads that the library takes.
MOST_WORKERS = 1024


#: Most columns of help, on any terminal, and of a command in it that has words beside it.
HELP_COLUMNS, EXAMPLE_COLUMNS = 100, 50


def exit_codes(text: str) -> list[tuple[int, str]]:
    """Read the paragraph of an epilog that begins with "exit codes:": codes and what they mean."""
    import re

    told = " ".join(text.removeprefix("exit codes:").split())
    # What a code means ends where the next one begins.
    return sorted((int(code), what) for code, what in re.findall(r"(?:^|[,;] )(\d+) (.*?)(?=[,;] \d+ |$)", told))


def examples(text: str) -> list[tuple[str, str]]:
    """Read the paragraph of an epilog that begins with "examples:": commands and what they do.

    A command is indented by two; what it does stands after it, behind two spaces, or deeper below it. Words tell of the
    commands above them that have none as well.
    """
    told: list[tuple[str, str]] = []
    for line in text.splitlines()[1:]:
        if line.startswith("   ") and told:
            command, what = told[-1]
            told[-1] = command, f"{what} {line.strip()}".strip()
        else:
            command, _, what = line.strip().partition("  ")
            told.append((command, what.strip()))
    return told


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Writes help for a column of flags in which a value stands once, after all names of its flag.

    So does argparse itself from Python 3.13 on. A value that is only taken after `=` has the metavar `[=VALUE]`.
    """

    def __init__(self, prog: str, **options: Any) -> None:
        import shutil

        columns = min(shutil.get_terminal_size().columns - 2, HELP_COLUMNS)
        super().__init__(prog, max_help_position=28, width=columns, **options)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, action.dest.upper())
        return f"{', '.join(action.option_strings)} {value}".replace(" [=", "[=")

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002 - no text is indented as a whole
        """Fill paragraphs, and write examples and exit codes as tables; what is indented stays as it is."""
        paragraphs = text.strip("\n").split("\n\n")
        return "\n\n".join(self._paragraph(paragraph, width) for paragraph in paragraphs) + "\n"

    def _paragraph(self, text: str, width: int) -> str:
        from textwrap import fill

        if text.startswith("exit codes:"):
            codes = exit_codes(text)
            return "\n".join(
                ["exit codes:", *(fill(f"  {code:<5}{what}", width, subsequent_indent=" " * 7) for code, what in codes)]
            )
        if text.startswith("examples:"):
            return "\n".join(["examples:", *self._example_lines(examples(text), width)])
        return text if text.startswith(" ") else fill(text, width)

    def _example_lines(self, told: list[tuple[str, str]], width: int) -> Iterator[str]:
        """Write commands, and what they do in a second column; below a command that is too long for the first."""
        from textwrap import wrap

        most = min(EXAMPLE_COLUMNS, width // 2)
        column = max((len(command) for command, _ in told if len(command) <= most), default=0) + 4
        for command, what in told:
            lines = wrap(what, width - column) or [""]
            if len(command) + 4 > column:
                yield f"  {command}"
            else:
                lines[0] = f"  {command:<{column - 2}}{lines[0]}".rstrip()
                yield lines.pop(0)
            yield from (" " * column + line for line in lines if line)


class Parser(argparse.ArgumentParser):
    """A parser whose verb ends with `usage_code` when its arguments are wrong."""

    def __init__(self, *, usage_code: int = 1, **options: Any) -> None:
        super().__init__(formatter_class=HelpFormatter, allow_abbrev=False, add_help=False, **options)
        self._positionals.title = "arguments"
        self._optionals.title = "flags"
        self.add_argument("-h", "--help", action="help", help="print this")
        self.usage_code = usage_code

    def format_usage(self) -> str:
        """Write how the verb is used, in one line or a few."""
        return super().format_usage().replace(" [=", "[=")

    def format_help(self) -> str:
        """Write what the verb does, with what it takes, examples, and exit codes."""
        return super().format_help().replace(" [=", "[=")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, as a CommandError, and which flag may be meant by an unknown one."""
        unknown = message.removeprefix("unrecognized arguments: ").split(" ")[0] if "unrecognized" in message else ""
        known = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
        hint = did_you_mean(unknown.split("=")[0], known) if unknown.startswith("--") else ""
        raise CommandError(f"{self.prog}: {visible(message, is_escaped=True)}{hint}", self.usage_code)

    def refuse(self, missing: str) -> NoReturn:
        """Print how the verb is used, and what is missing, as a CommandError."""
        raise CommandError(f"{self.format_usage()}{self.prog}: {missing}", self.usage_code)

    def add_json(self) -> None:
        """Take `--json`: the result is printed as JSON."""
        self.add_argument("--json", action="store_true", help="print JSON")

    def add_json_lines(self) -> None:
        """Take `--json` where the work is long: how far it is is printed as JSON lines, and the result as the last."""
        self.add_argument("--json", action="store_true", help="print JSON lines, the result last")

    def add_quiet(self, what: str = "show no progress") -> None:
        """Take `--quiet`: no progress is shown, and whatever else it means to the verb."""
        self.add_argument("-q", "--quiet", action="store_true", help=what)

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


def scan_mode(text: str) -> str:
    """Give the mode of a scan that a flag names."""
    try:
        return MODES[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"unknown scan mode {text!r} (use s/m/f or 1/2/3)") from None


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
    if output_inside(directory):
        printed = visible(os.path.join(directory, output_inside(directory)))
        raise CommandError(f"{prog}: the output {printed} lies in the directory that is worked on")


def output_inside(directory: str) -> str:
    """Give the path in a directory of the file that the output goes to; "" where it goes elsewhere, or nobody knows."""
    try:
        printed = os.path.realpath(os.readlink("/proc/self/fd/1"))
    except OSError:
        return ""
    root = os.path.realpath(directory)
    is_inside = os.path.isfile(printed) and os.path.commonpath([printed, root]) == root
    return os.path.relpath(printed, root) if is_inside else ""

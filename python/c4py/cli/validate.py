"""`c4py validate`: whether the text of manifests is sound.

An issue is a line that editors and `grep` take for what a compiler says. All lines of a file are checked, whatever
stands in those before.
"""

from __future__ import annotations

import os
import sys

import c4py
from c4py._visible import visible
from c4py.cli import CommandError, describe, fail
from c4py.cli.chain import refuse_directory
from c4py.cli.parser import WRONG_USAGE, Parser
from c4py.cli.terminal import paint
from c4py.cli.tree import refuse_output_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

EPILOG = """\
An issue is printed as FILE:LINE: error: what is wrong (code), or as a warning: what can be used and may surprise.

examples:
  c4py validate delivery.c4m              check a manifest
  c4py validate *.c4m                     check several
  c4py id shots/ | c4py validate -        check what another program writes
  c4py validate --strict --quiet in.c4m && c4py patch in.c4m shots/
                                          use a manifest only if there is nothing to say about it
  c4py validate --codes                   what is looked for
  c4py validate --json in.c4m | jq '.files[].issues[].code'

exit codes: 0 valid, with or without warnings; 1 errors, with --strict warnings too; 2 wrong usage, or a file could not
be read; 130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        usage_code=WRONG_USAGE,
        prog="c4py validate",
        usage="%(prog)s [flags] MANIFEST...",
        description="Check the text of manifests: whether they can be read, contradict themselves, or may do harm.",
        epilog=EPILOG,
    )
    parser.add_argument("path", nargs="*", metavar="MANIFEST", help="a manifest, or - for one on standard input")
    parser.add_argument("--strict", action="store_true", help="end with 1 for warnings as well")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing; the exit code tells")
    parser.add_argument(
        "--limit", type=_limit, default=100, metavar="N", help="issues of each code that are listed (100)"
    )
    parser.add_argument("--codes", action="store_true", help="list the codes of issues and what they mean")
    parser.add_json()
    return parser


def _limit(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


# What argparse calls it in its messages.
_limit.__name__ = "number of issues"


def run(arguments: Sequence[str]) -> int:
    """Print what is wrong with manifests."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "path")
    if options.codes:
        if options.path:
            parser.error("--codes takes no MANIFEST")
        _print_codes(is_json=options.json)
        return 0
    if not options.path:
        parser.error("at least one MANIFEST is expected")
    if options.path.count("-") > 1:
        parser.error("standard input can be read once")
    if not options.quiet:
        refuse_output_over("validate", options.path, code=WRONG_USAGE)
    return _print_json(options) if options.json and not options.quiet else _print(options)


def _validate(options: argparse.Namespace, path: str) -> c4py.ValidationResult | None:
    """Check a file; None for one that cannot be read, which is told."""
    from pathlib import Path

    try:
        if not options.quiet and path != "-" and not os.path.isdir(path) and not os.path.getsize(path):
            fail(f"c4py validate: note: {visible(path)} is empty: a manifest without entries", 0)
        refuse_directory("validate", path, WRONG_USAGE)
        return c4py.validate(sys.stdin.buffer if path == "-" else Path(path), limit=options.limit)
    except OSError as error:
        fail(f"c4py validate: {describe(OSError(error.errno, error.strerror, path))}", 0)
    except CommandError as error:
        fail(str(error), 0)
    return None


def _code(options: argparse.Namespace, result: c4py.ValidationResult | None) -> int:
    if result is None:
        return WRONG_USAGE
    return 1 if not result.is_valid or (options.strict and result.issues) else 0


def _print(options: argparse.Namespace) -> int:
    code = 0
    for path in options.path:
        result = _validate(options, path)
        code = max(code, _code(options, result))
        if result is not None and not options.quiet:
            name = "<stdin>" if path == "-" else visible(path)
            sys.stdout.writelines(_line(name, issue) for issue in result.issues)
            for omitted, count in result.omitted.items():
                print(f"{name}: {count:,} more of code {omitted}")
            print(f"{name}: {_summary(result)}")
    return code


def _line(name: str, issue: c4py.Issue) -> str:
    place = f"{name}:{issue.line}" if issue.line else name
    kind = issue.severity.value
    severity = paint(kind, "bad" if kind == "error" else "doubtful")
    subject = f"{visible(issue.path)}: " if issue.path else ""
    return f"{place}: {severity}: {subject}{visible(issue.message, is_escaped=True)} ({issue.code})\n"


def _summary(result: c4py.ValidationResult) -> str:
    """Say whether it is valid, and count what is listed and what is not."""
    omitted = {"error": 0, "warning": 0}
    for code, is_error, _ in _codes() if result.omitted else ():
        omitted["error" if is_error else "warning"] += result.omitted.get(code, 0)
    counts = {
        "error": len(result.errors) + omitted["error"],
        "warning": len(result.warnings) + omitted["warning"],
    }
    word = paint("valid", "good") if result.is_valid else paint("not valid", "bad")
    return ", ".join(
        [word, *(f"{count:,} {what}{'s' if count > 1 else ''}" for what, count in counts.items() if count)]
    )


def _codes() -> list[tuple[str, bool, str]]:
    from c4py._rust import validation_codes

    return validation_codes()


def _print_codes(*, is_json: bool) -> None:
    if is_json:
        import json

        keys = ("code", "severity", "meaning")
        rows = [(code, "error" if is_error else "warning", meaning) for code, is_error, meaning in _codes()]
        print(json.dumps({"codes": [dict(zip(keys, row, strict=True)) for row in rows]}))
        return
    for code, is_error, meaning in _codes():
        print(f"{code:<24}{'error' if is_error else 'warning':<9}{meaning}")


def _print_json(options: argparse.Namespace) -> int:
    """Print one document: what each file is, as `ValidationResult.to_json` has it, with its name; null if unread."""
    import json

    from c4py._rust import utf8_name

    code = 0
    separator = '{"files": ['
    for path in options.path:
        result = _validate(options, path)
        code = max(code, _code(options, result))
        unread: dict[str, object] = {"valid": None, "issues": [], "omitted": {}}
        found = unread if result is None else json.loads(result.to_json())
        sys.stdout.write(separator + json.dumps({"file": utf8_name(path)} | found))
        separator = ", "
    print("]}")
    return code

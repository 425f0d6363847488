"""`c4py dupes`: files of one content, as `c4py.find_duplicates` finds them."""

from __future__ import annotations

import sys

import c4py
from c4py._visible import visible
from c4py.cli import command_errors, fail, issue_text
from c4py.cli.parser import WRONG_USAGE, Parser
from c4py.cli.terminal import shown_progress
from c4py.report.quantity import count, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Bytes of the units of a size.
UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}

EPILOG = """\
A directory is scanned, a file with the extension .c4m is read as a manifest, - is a manifest on standard input.
Only files whose size occurs more than once are read, each once. Groups come in order of the bytes that they waste: all
but one copy. Names of one file (hard links) waste nothing, and are no duplicates by themselves. Empty files are left
out.

With --directories whole directories with the same listing (names, modes, times and content) are found as well; what
lies in them is not listed again. All files are read for that.

examples:
  c4py dupes shots/                         the copies in a directory
  c4py dupes --min-size 100M /mnt/a /mnt/b  large ones, in both
  c4py dupes new/ delivered.c4m             what of new/ was delivered before
  c4py dupes --json shots/ | jq .wasted     the bytes that could be saved

exit codes: 0 no duplicates, 1 duplicates, 2 an error, wrong usage too, 3 some files could not be read: there may be
more, 130 interrupted
"""


def run(arguments: Sequence[str]) -> int:
    """Print the files of one content."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "path")
    if not options.path:
        parser.error("at least one TREE is expected")
    with command_errors("c4py dupes", WRONG_USAGE):
        report = c4py.find_duplicates(
            _sources(options.path),
            directories=options.directories,
            min_size=options.min_size,
            empty=options.empty,
            exclude=options.exclude,
            progress=shown_progress(options),
        )
    for issue in report.errors:
        fail(f"c4py dupes: {issue_text(issue, '')}", 0)
    if options.json:
        report.write_json(sys.stdout)
    else:
        _print(report)
    if any(issue.is_error for issue in report.errors):
        return 3
    return 1 if report.groups else 0


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        usage_code=WRONG_USAGE,
        prog="c4py dupes",
        description="Print the files that have the same content, and what they waste.",
        epilog=EPILOG,
    )
    parser.add_argument("path", nargs="*", metavar="TREE", help="a directory, a manifest (.c4m), or - for one on stdin")
    parser.add_argument("--directories", action="store_true", help="find whole directories as well")
    parser.add_argument(
        "--min-size",
        type=_size,
        default=1,
        metavar="SIZE",
        help="leave out what is smaller: 4096, 10K, 1.5GiB; units are powers of 1024",
    )
    parser.add_argument("--empty", action="store_true", help="empty files as well")
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out names or paths that match"
    )
    parser.add_json()
    parser.add_quiet()
    return parser


def _size(text: str) -> int:
    # 10K, 10KB and 10KiB are the same.
    text = text.upper()
    bare = text.removesuffix("B").removesuffix("I") if text[-2:-1].isalpha() else text
    unit = UNITS.get(bare[-1:], 0)
    number = float(bare[:-1]) * unit if unit else float(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return round(number)


# What argparse calls it in its messages.
_size.__name__ = "size"


def _sources(paths: Sequence[str]) -> dict[str, str | c4py.Manifest]:
    """Give the arguments by their names; - is a manifest on standard input."""
    return {path: c4py.load(sys.stdin.buffer) if path == "-" else path for path in dict.fromkeys(paths)}


def _print(report: c4py.DuplicateReport) -> None:
    for group in report.groups:
        number = len(group.copies)
        what = count(number, "directory", "directories") if group.type == "directory" else count(number, "file")
        each = "size not known" if group.size is None else f"{size(group.size)} each, {size(group.wasted)} wasted"
        print(f"{what}, {each}: {group.c4id}")
        first: dict[int, c4py.DuplicateCopy] = {}
        for copy in group.copies:
            link = f" (hard link to {_shown(group, first[copy.file])})" if copy.file in first else ""
            print(f"  {_shown(group, copy)}{link}")
            first.setdefault(copy.file, copy)
        print()
    if report.groups:
        print(f"{count(len(report.groups), 'group')}, {size(report.wasted)} wasted")


def _shown(group: c4py.DuplicateGroup, copy: c4py.DuplicateCopy) -> str:
    """Write where a copy is, on the disk or in a manifest."""
    name = visible(f"{copy.source}: {copy.path}" if copy.location is None else copy.location)
    return name + ("/" if group.type == "directory" else "")

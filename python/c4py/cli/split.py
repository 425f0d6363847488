"""`c4py split`: a chain of patches cut in two files.

Both files are written beside their places before either is put there: what cannot be written leaves nothing behind.
The chain itself is never a place to write to.
"""

from __future__ import annotations

import os

import c4py
from c4py._replace import replace_paths
from c4py._visible import visible
from c4py.cli import CommandError, fail
from c4py.cli.chain import read_text, refuse_directory
from c4py.cli.parser import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
BEFORE becomes the state after section N, as a manifest of its own; AFTER the sections that follow, as a chain that
continues from it. The two files in a row are the rest of the history again, in one line of descent or in several.
AFTER is left as it is where nothing follows section N. Files of these names are replaced; the chain that is split
stays.

examples:
  c4py log shots.c4m                                  the sections and their numbers
  c4py split shots.c4m 3 common.c4m rest.c4m          cut after the third
  c4py diff common.c4m release/ > release.c4m         and go on from there in another direction
  c4py log common.c4m release.c4m

exit codes: 0 done, 1 an error: nothing was written, 130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py split",
        usage="%(prog)s [-h] [--json] MANIFEST N BEFORE AFTER",
        description="Split a chain of patches in two after its section N.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "operand",
        nargs="*",
        metavar="MANIFEST",
        help="the chain (- for stdin), the number of the last section that BEFORE has, BEFORE and AFTER",
    )
    parser.add_json()
    return parser


def run(arguments: Sequence[str]) -> int:
    """Write the state after a section to one file, and the sections that follow to another."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "operand")
    if len(options.operand) != 4:
        parser.refuse("a MANIFEST, N, BEFORE and AFTER are expected")
    source, number, before, after = options.operand
    count = int(number) if number.isascii() and number.isdigit() else 0
    if count < 1:
        raise CommandError(f"c4py split: N must be a positive integer, got {visible(number)!r}")
    refuse_directory("split", source)
    _refuse_one_place(source, before, after)
    try:
        state, rest = c4py.split_chain(read_text(source), count)
    except c4py.ParseError as error:
        raise CommandError(f"c4py split: {visible(source)}: {error}") from None
    parts = {after: rest, before: state} if rest else {before: state}
    replace_paths({path: text.encode() for path, text in parts.items()})
    if not rest:
        what = "left as it is" if os.path.lexists(after) else "not created"
        fail(f"Note: no patches after position {count}; {visible(after)} {what}", 0)
    if options.json:
        _print_json(state, before, after if rest else None)
    return 0


def _refuse_one_place(source: str, before: str, after: str) -> None:
    """Refuse to write over the chain, or one part over the other, whatever the names are."""
    for path in (before, after):
        if path == "-":
            raise CommandError("c4py split: - is no file to write to: the two parts are two files")
        if source != "-" and _is_same(path, source):
            raise CommandError(f"c4py split: {visible(path)} is the chain that is split: name another file")
    if _is_same(before, after) and os.path.realpath(before) != os.devnull:
        raise CommandError(f"c4py split: {visible(before)} and {visible(after)} are one file: name two")


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def _print_json(state: str, before: str, after: str | None) -> None:
    import json

    from c4py._rust import utf8_name

    c4id = c4py.loads(state).compute_c4id()
    names = {"before": utf8_name(before), "after": after and utf8_name(after)}
    print(json.dumps(names | {"c4id": str(c4id)}))

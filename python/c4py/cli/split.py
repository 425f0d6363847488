"""`c4py split`: a chain of patches cut in two files.

Both files are written beside their places before either is put there: what cannot be written leaves nothing behind.
The chain itself is never a place to write to.
"""

from __future__ import annotations

import os

import c4py
from c4py._links import ENDING_BYTES
from c4py._replace import replace_paths
from c4py._rust import loads
from c4py._visible import visible
from c4py.cli import CommandError, fail
from c4py.cli.chain import (
    configured_store,
    is_same_file,
    note_contradiction,
    read_text,
    refuse_directory,
    refuse_overwriting,
)
from c4py.cli.parser import Parser
from c4py.diff import chain_base

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
        text = read_text(source)
        state, rest = c4py.split_chain(text, count)
        based = _state(text, source, count)
        state = state if based is None else based
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
        refuse_overwriting("split", path, source, "the chain that is split")
    if is_same_file(before, after) and os.path.realpath(before) != os.devnull:
        raise CommandError(f"c4py split: {visible(before)} and {visible(after)} are one file: name two")


def _state(text: bytes, source: str, count: int) -> str | None:
    """Give the state after a section of a chain that continues from a manifest elsewhere; None where it is its own.

    The entries of a patch alone are no state: everything that it does not name would be lost.
    """
    manifest = loads(text, None, is_joined=True)
    try:
        base = chain_base(manifest, store=configured_store())
        state = None if manifest.base is None else c4py.resolve_chain(manifest, base=base, stop_at=count)
    except (c4py.ContentNotFound, c4py.PatchError):
        name = "standard input" if source == "-" else visible(source)
        raise CommandError(
            f"c4py split: {name} is a patch of {manifest.base}, which is in no store: "
            "put it behind the manifest that it was made from, as in 'cat old.c4m patch.c4m | c4py split - ...'"
        ) from None
    note_contradiction("split", source, manifest, base=base, ending=text[-ENDING_BYTES:])
    return None if state is None else c4py.dumps(state)


def _print_json(state: str, before: str, after: str | None) -> None:
    import json

    from c4py._rust import utf8_name

    c4id = c4py.loads(state).compute_c4id()
    names = {"before": utf8_name(before), "after": after and utf8_name(after)}
    print(json.dumps(names | {"c4id": str(c4id)}))

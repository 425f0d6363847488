"""`c4py log`: the sections of a chain of patches, and what each changed."""

from __future__ import annotations

import sys

import c4py
from c4py._visible import visible
from c4py.cli import fail
from c4py.cli.chain import configured_store, note_contradiction, read_chain, refuse_directory
from c4py.cli.parser import Parser
from c4py.cli.terminal import paint
from c4py.cli.tree import refuse_output_over
from c4py.diff import chain_base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
Each section has a line: its number, the ID of the state after it, and how many entries it added (+), removed (-) and
changed (~); of a first state how many files and directories it has. Several files are one chain, each continuing the
one before.

examples:
  c4py log shots.c4m                    the sections of a chain
  c4py log base.c4m mon.c4m tue.c4m     of a chain in several files
  c4py diff shots.c4m shots/ >> shots.c4m
                                        what makes a chain of a manifest: append what changed
  c4py patch -n 3 shots.c4m             the state after the third line of the log
  c4py log --json shots.c4m | jq '.sections[-1].c4id'

exit codes: 0 done, 1 an error, 130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py log",
        usage="%(prog)s [-h] [--json] MANIFEST...",
        description="List the sections of a chain of patches, and what each changed.",
        epilog=EPILOG,
    )
    parser.add_argument("path", nargs="*", metavar="MANIFEST", help="a chain, or the next part of it; - for stdin")
    parser.add_json()
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print a line for each section of a chain."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "path")
    if not options.path:
        parser.refuse("at least one MANIFEST is expected")
    for path in options.path:
        refuse_directory("log", path)
    refuse_output_over("log", options.path)
    manifest, ending = read_chain("log", options.path)
    sections = _sections(manifest, options.path[0], ending)
    if options.json:
        _print_json(sections)
    elif not sections:
        fail("No patches found.", 0)
    else:
        sys.stdout.writelines(map(_line, sections))
    return 0


def _sections(manifest: c4py.Manifest, path: str, ending: bytes) -> list[c4py.PatchInfo]:
    """List the sections; the state that the first one continues from is taken from the store that is configured."""
    base, where = None, "no store is configured"
    sections = None
    try:
        base = chain_base(manifest, store=configured_store())
        sections = c4py.log_chain(manifest, base=base)
    except (c4py.ContentNotFound, c4py.PatchError) as error:
        base, where = None, visible(str(error), is_escaped=True)
    if manifest.base is not None and base is None:
        fail(f"c4py log: note: section 1 continues from {manifest.base} and is shown as a first state: {where}", 0)
    note_contradiction("log", path, manifest, base=base, ending=ending)
    return c4py.log_chain(manifest) if sections is None else sections


def _line(section: c4py.PatchInfo) -> str:
    if section.is_base:
        what = f"(base)  {section.entry_count - section.dir_count} files, {section.dir_count} dirs"
    else:
        counts = (("+", section.added, "good"), ("-", section.removed, "bad"), ("~", section.modified, "doubtful"))
        what = " ".join(
            paint(f"{sign}{count}", colour) if count else f"{sign}{count}" for sign, count, colour in counts
        )
    return f"{section.index}  {section.c4id}  {what}\n"


def _print_json(sections: Sequence[c4py.PatchInfo]) -> None:
    import json

    names = ("index", "c4id", "is_base", "added", "removed", "modified", "entry_count", "dir_count")
    objects = [{name: getattr(section, name) for name in names} for section in sections]
    print(json.dumps({"sections": objects}, default=str))

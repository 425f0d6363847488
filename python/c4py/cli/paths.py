"""`c4py paths`: a manifest as a list of paths, and a list of paths as a manifest.

Which of the two is given is told by its first line that is not blank, as in the reference: that of a manifest begins
with a mode. Paths are printed as their bytes are, but on a screen, where no name may do anything.
"""

from __future__ import annotations

import os
import re
import sys

import c4py
from c4py._rust import PathBlocks, dumps_bytes, loads, utf8_name
from c4py._visible import visible
from c4py.cli import CommandError, fail
from c4py.cli.chain import note_contradiction, read_text, refuse_directory
from c4py.cli.parser import Parser
from c4py.cli.terminal import is_screen
from c4py.cli.tree import refuse_output_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The first field of an entry, and that another follows.
FIRST_FIELD = re.compile(rb"\s*(?:-|[-dlbcsp][-r][-w][-xsS][-r][-w][-xsS][-r][-w][-xtT]) ")

EPILOG = """\
A manifest becomes the paths of its entries, one a line, directories with a slash; a list of paths becomes a manifest
that knows nothing but names. Without FILE standard input is read.

examples:
  c4py paths shots.c4m                                the paths of a manifest
  c4py paths -0 shots.c4m | xargs -0 ls -d            for programs: names may hold line ends
  c4py paths shots.c4m | grep '[.]exr$' | c4py paths  a manifest of some of them
  find . -mindepth 1 -printf '%P\\0' | c4py paths -0   a manifest of what find finds
  c4py diff a/ b/ | c4py paths --from manifest        what a patch names: its first line is an ID
  c4py paths --json shots.c4m | jq '.paths | length'

White space around a line is not part of its path; with -0 every byte is. A list is taken as it is: what names no member
of a directory (., .., nothing) is an entry that 'c4py validate' reports, and that nothing makes a file of. Validate a
manifest of somebody else before its paths are given to other commands.

exit codes: 0 done, 1 an error, 130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py paths",
        usage="%(prog)s [-h] [-0] [--from manifest|paths] [--json] [FILE]",
        description="Print the paths of a manifest, or make a manifest of paths.",
        epilog=EPILOG,
    )
    parser.add_argument("source", nargs="*", metavar="FILE", help="a manifest or a list of paths; - for stdin")
    parser.add_argument("-0", "--null", action="store_true", help="paths end in NUL, not in a line end")
    parser.add_argument(
        "--from",
        dest="origin",
        choices=("manifest", "paths"),
        help="what is given; by default its first line tells: that of a manifest begins with a mode",
    )
    parser.add_json()
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the paths of a manifest, or the manifest of paths."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "source")
    if len(options.source) > 1 or not (options.source or _is_piped()):
        parser.refuse("one FILE is expected, or a list on standard input")
    (source,) = options.source or ["-"]
    refuse_directory("paths", source)
    refuse_output_over("paths", [source])
    text = read_text(source)
    origin = options.origin or ("manifest" if FIRST_FIELD.match(text) else "paths")
    if origin == "manifest":
        # As in the reference the line ends of Windows are no error here.
        manifest = loads(text.replace(b"\r\n", b"\n"), None if source == "-" else source)
        del text
        note_contradiction("paths", source, manifest)
        _print_paths(manifest, is_null=options.null, is_json=options.json)
    else:
        if not options.null and b"\0" in text:
            name = "standard input" if source == "-" else visible(source)
            raise CommandError(
                f"c4py paths: {name}: neither a manifest nor a list of paths: there are NUL bytes in it; "
                "-0 takes a list whose paths end in NUL"
            )
        _note_no_names(text, b"\0" if options.null else b"\n")
        _print_manifest(c4py.loads_paths(text, null=options.null), is_json=options.json)
    return 0


def _is_piped() -> bool:
    import stat

    return not stat.S_ISCHR(os.fstat(0).st_mode)


def _print_paths(manifest: c4py.Manifest, *, is_null: bool, is_json: bool) -> None:
    if is_json:
        _print_json(manifest)
        return
    if not is_null and is_screen(sys.stdout):
        sys.stdout.writelines(f"{visible(path)}\n" for path in _paths(manifest))
        return
    blocks = PathBlocks(manifest, null=is_null)
    sys.stdout.flush()
    lines = 0
    for block in blocks:
        sys.stdout.buffer.write(block)
        lines += 0 if is_null else block.count(b"\n")
    if lines > len(blocks):
        fail(f"c4py paths: note: {lines - len(blocks)} line ends are part of names: -0 tells the paths apart", 0)


def _paths(manifest: c4py.Manifest) -> Iterator[str]:
    for block in PathBlocks(manifest, null=True):
        yield from map(os.fsdecode, block.split(b"\0")[:-1])


def _print_json(manifest: c4py.Manifest) -> None:
    from c4py._json import write_objects

    sys.stdout.write('{"paths": [')
    write_objects(map(utf8_name, _paths(manifest)), sys.stdout.write)
    sys.stdout.write("]}\n")


def _print_manifest(manifest: c4py.Manifest, *, is_json: bool) -> None:
    if is_json:
        from c4py._json import write_manifest

        manifest.sort_entries()
        write_manifest(manifest, sys.stdout.write)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(dumps_bytes(manifest))


def _note_no_names(text: bytes, end: bytes) -> None:
    """Say that paths have components that are no names, as those that `find .` prints."""
    starts = (b"./", b"../", b"/")
    if text.startswith(starts) or any(mark in text for mark in (b"//", b"/./", b"/../", *(end + s for s in starts))):
        fail(
            "c4py paths: note: some paths are absolute or have '.', '..' or empty components, which name no member of "
            "a directory; find prints none of them with -mindepth 1 -printf '%P\\n'",
            0,
        )

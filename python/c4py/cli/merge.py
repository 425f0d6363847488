"""`c4py merge`: several trees become one.

Trees are taken in one after the other; what is in one of them is in the result. Two that have different content at one
path are in conflict: each such path is told on stderr, nothing is printed, and the exit code is 1. With `--keep-both`
the result is printed all the same: the newer entry keeps the name, the other one is `NAME.conflict` beside it. A file
in one tree where another has a directory is a conflict as well; there both keep the name, and no directory can be made
of the result until one is renamed.

With `--base` a tree counts for what it changed since the base: what it does not have, it has removed. Where something
of a directory could not be read nothing is merged, because it would look as if it were not there; `--json` prints what
that was.
"""

from __future__ import annotations

import os
import sys

import c4py
from c4py._rust import PathBlocks, dumps_bytes
from c4py._visible import visible
from c4py.cli import fail
from c4py.cli.parser import Parser, scan_mode, worker_count
from c4py.cli.terminal import shown_progress
from c4py.cli.tree import read_manifest, refuse_output_over, refuse_two_streams, scan_tree, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

EPILOG = """\
examples:
  c4py merge plates.c4m comps.c4m > all.c4m    one manifest of both
  c4py merge assets/ overrides/ extras.c4m     directories as well
  c4py merge --base old.c4m mine.c4m theirs.c4m
                                               what both sides changed since old.c4m
  c4py merge --keep-both mine.c4m theirs.c4m   print all: of two that differ one is NAME.conflict
  c4py merge --json a/ b/ | jq '.conflicts'    the conflicts, and the manifest
  c4py id a/ | c4py merge - b.c4m              - is a manifest on standard input

Two files are the same when their IDs are, two directories always; their metadata is that of the base, or else of the
tree that comes first. A file and a directory of one name are in conflict: --keep-both prints both under that name, and
one has to be renamed before patch can make a directory of it.

Where something of a directory cannot be read, --json prints {"c4id": null, ...} and tells in "errors" what it is.

exit codes: 0 done, 1 conflicts, or an error, 3 some files could not be read, and nothing is merged, 130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py merge",
        usage="%(prog)s [-e] [-m MODE] [flags] TREE TREE...",
        description="Print one manifest of several trees.",
        epilog=EPILOG,
    )
    parser.add_argument("path", nargs="*", metavar="TREE", help="a directory, a manifest (.c4m), or - for one on stdin")
    parser.add_argument("--base", metavar="TREE", help="what all of them were made from: a three-way merge")
    parser.add_argument(
        "-m", "--mode", type=scan_mode, default="full", help="s: names only, m: metadata, f: IDs as well (the default)"
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out names or paths that match"
    )
    parser.add_argument("--workers", type=worker_count, metavar="N", help="threads; by default one a processor")
    parser.add_argument("--keep-both", action="store_true", help="print the result of conflicts as well")
    parser.add_quiet()
    form = parser.add_mutually_exclusive_group()
    form.add_argument("-e", "--ergonomic", action="store_true", help="print the form for people; not to be kept")
    form.add_argument("--json", action="store_true", help="print JSON: the manifest and the conflicts")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print one manifest of all trees."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "path")
    if len(options.path) < 2:
        parser.error(f"two trees or more are expected: {len(options.path)} given")
    paths = [*options.path, *([] if options.base is None else [options.base])]
    refuse_two_streams("merge", paths)
    refuse_output_over("merge", paths)
    trees, errors, code = _trees(options, paths)
    if code:
        if options.json:
            _print_json(None, [], errors)
        return fail("c4py merge: nothing is merged: not all could be read; --exclude leaves out", code)
    base = None if options.base is None else trees.pop()
    merged, conflicts = _merged(base, trees)
    for conflict in conflicts:
        fail(f"conflict: {visible(conflict.path)}", 0)
    clashes = _clashes(trees, merged)
    for clash in clashes:
        fail(f"conflict: {visible(clash.path)}: a file in one tree, a directory in another", 0)
    conflicts += clashes
    if options.json:
        _print_json(merged, conflicts, errors)
    elif options.keep_both or not conflicts:
        sys.stdout.flush()
        sys.stdout.buffer.write(dumps_bytes(merged, pretty=options.ergonomic))
    return 1 if conflicts else 0


def _trees(options: argparse.Namespace, paths: Sequence[str]) -> tuple[list[c4py.Manifest], list[c4py.ScanIssue], int]:
    """Read all trees, and give what the scans told; the exit code is 3 where something could not be read."""
    trees: dict[str, c4py.Manifest] = {}
    code = 0
    # Manifests come first: one that is none is told before a scan, which may take hours.
    for path in sorted(dict.fromkeys(paths), key=os.path.isdir):
        if not os.path.isdir(path):
            trees[path] = whole("merge", path, read_manifest("merge", path))
            continue
        trees[path], found = scan_tree(
            "merge",
            path,
            is_printed=True,
            mode=options.mode,
            exclude=options.exclude,
            workers=options.workers,
            progress=shown_progress(options),
        )
        code = max(code, found)
    return [trees[path] for path in paths], [issue for tree in trees.values() for issue in tree.errors], code


def _merged(base: c4py.Manifest | None, trees: list[c4py.Manifest]) -> tuple[c4py.Manifest, list[c4py.Conflict]]:
    """Merge the trees one after the other; of the conflicts at one path the first is given."""
    merged, *others = trees
    conflicts: dict[str, c4py.Conflict] = {}
    for tree in others:
        merged, found = c4py.merge(base, merged, tree)
        for conflict in found:
            conflicts.setdefault(conflict.path, conflict)
    return merged, list(conflicts.values())


def _clashes(trees: list[c4py.Manifest], merged: c4py.Manifest) -> list[c4py.Conflict]:
    """Find the paths at which one tree has a file and another a directory.

    The merge is that of the reference, which has both: to the library they are entries of two names, `x` and `x/`.
    """
    directories = {path[:-1] for path in _paths(merged) if path.endswith(b"/")}
    clashes = []
    for name in _paths(merged) if directories else ():
        if name in directories:
            path = os.fsdecode(name)
            first, *others = (tree[path] for tree in trees if path in tree)
            other = next((entry for entry in others if entry.is_dir() != first.is_dir()), None)
            clashes.append(c4py.Conflict(path, first, other))
    return clashes


def _paths(manifest: c4py.Manifest) -> Iterator[bytes]:
    for block in PathBlocks(manifest, null=True):
        yield from block.split(b"\0")[:-1]


def _print_json(merged: c4py.Manifest | None, conflicts: list[c4py.Conflict], errors: Sequence[c4py.ScanIssue]) -> None:
    """Print the manifest in the shape that all have, and the conflicts with the entries of both sides."""
    from c4py._json import write_manifest

    write_manifest(merged, sys.stdout.write, errors=errors, conflicts=map(_conflict_object, conflicts))


def _conflict_object(conflict: c4py.Conflict) -> dict[str, object]:
    from c4py._json import entry_object
    from c4py._rust import utf8_name

    return {
        "path": utf8_name(conflict.path),
        "local": None if conflict.local_entry is None else entry_object(conflict.local_entry),
        "remote": None if conflict.remote_entry is None else entry_object(conflict.remote_entry),
    }

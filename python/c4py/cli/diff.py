"""`c4py diff`: what changed from one tree to another.

The result is a patch: the ID of the old tree, the entries that changed, the ID of the new tree; nothing when no entry
differs. Behind the old manifest it makes a chain, which every verb reads as the new tree.

A directory counts as what `c4py id` prints of it: `c4py diff old.c4m DIR` is `c4py diff old.c4m <(c4py id DIR)`. Where
something of it cannot be read, no patch is printed. One would say that the tree is in a state that nobody has seen;
`--summary` and `--json` tell what is known, and list what could not be read apart from it.
"""

from __future__ import annotations

import os
import sys

import c4py
from c4py._rust import dumps_bytes, loads, patch_diff
from c4py._visible import visible
from c4py.cli import CommandError, fail
from c4py.cli.parser import Parser, scan_mode, worker_count
from c4py.cli.terminal import shown_progress
from c4py.cli.tree import (
    read_manifest,
    refuse_output_over,
    refuse_two_streams,
    scan_before_change,
    scan_tree,
    state_before,
    whole,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from c4py.cli.tree import ScanArguments

EPILOG = """\
examples:
  c4py diff monday.c4m friday.c4m              what changed, as a patch
  c4py diff shots.c4m shots/                   what changed in a directory since its manifest was made
  c4py diff shots.c4m shots/ >> shots.c4m      and keep the history: c4py log shots.c4m lists it
  c4py diff --summary shots.c4m shots/         the same for people: what came, went, changed and moved
  c4py diff --quick shots.c4m shots/           read only files whose size or time is another than in the manifest
  c4py diff --json a/ b/                       two directories, as JSON
  c4py id shots/ | c4py diff shots.c4m -       - is a manifest on standard input
  c4py diff -r change.c4m shots/               what c4py patch -r change.c4m shots/ would change

A manifest that was made with -m m or -m s is compared with the same flag. In a patch every field of a line counts; to
--json a file whose time alone differs is the same, and --summary tells it from one whose content differs.

With -r the trees are swapped. Where the first is a change that c4py patch -s printed, and the second a directory, the
directory is compared with the state before the change, which is in the store.

exit codes: 0 done, with or without differences; 1 an error; 3 some files could not be read, and there is no patch;
4 the content in the store is not that of the ID, 130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py diff",
        usage="%(prog)s [-r] [-s] [-e] [-q] [-m MODE] [flags] TREE TREE",
        description="Print what changed from one tree to another, as a patch.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "path",
        nargs="*",
        metavar="TREE",
        help="the old and the new: a directory, a manifest (.c4m), or - for one on stdin",
    )
    parser.add_argument(
        "-r", "--reverse", action="store_true", help="swap the trees; or preview how a change is undone"
    )
    parser.add_argument("-s", "--store", action="store_true", help="store the content of directories")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument(
        "-m", "--mode", type=scan_mode, default="full", help="s: names only, m: metadata, f: IDs as well (the default)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="take IDs from the manifest where size and time of a file are the same"
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out names or paths that match"
    )
    parser.add_argument("--workers", type=worker_count, metavar="N", help="threads; by default one a processor")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("-e", "--ergonomic", action="store_true", help="print the form for people; not to be kept")
    form.add_argument("--summary", action="store_true", help="print paths, and how many of each kind")
    form.add_argument("--json", action="store_true", help="print JSON")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print what changed from one tree to the other."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "path")
    paths: list[str] = options.path
    if len(paths) != 2:
        parser.error(f"two trees are expected, the old and the new: {len(paths)} given")
    refuse_two_streams("diff", paths)
    if options.mode != "full" and (options.store or options.quick):
        raise CommandError("c4py diff: -s and --quick are for IDs of content, and -m s and -m m have none")
    if not options.quiet:
        # What is for people is no part of a chain.
        is_patch = not (options.ergonomic or options.summary or options.json)
        hint = ": use '>>' to keep what is there" if is_patch else ""
        refuse_output_over("diff", paths, may_append=is_patch, hint=hint)
    old, new, code = _trees(options, paths)
    if not options.quiet:
        _print(options, old, new, code)
    return code


def _trees(options: argparse.Namespace, paths: list[str]) -> tuple[c4py.Manifest, c4py.Manifest, int]:
    """Read what is to be compared, old and new; the exit code is 3 where some of it could not be read."""
    # Before a scan, which may take hours: a manifest that is none is told at once.
    listed = {path: read_manifest("diff", path) for path in paths if not os.path.isdir(path)}
    first, second = paths
    scan: ScanArguments = {
        "mode": options.mode,
        "exclude": options.exclude,
        "workers": options.workers,
        "progress": shown_progress(options),
        "store": c4py.open_store(durability="batch") if options.store else None,
    }
    if options.reverse and first in listed and second not in listed and listed[first].base is not None:
        return _way_back(options, first, listed[first], second, scan)
    listed = {path: whole("diff", path, manifest) for path, manifest in listed.items()}
    scan["guide"] = _guide(options, listed)
    trees, code = dict(listed), 0
    for path in reversed(paths) if options.reverse else paths:
        if path not in trees:
            manifest, found = scan_tree("diff", path, is_printed=not options.quiet, **scan)
            trees[path] = _as_read(manifest) if listed else manifest
            code = max(code, found)
    old, new = (trees[path] for path in (reversed(paths) if options.reverse else paths))
    return old, new, code


def _guide(options: argparse.Namespace, listed: dict[str, c4py.Manifest]) -> c4py.Manifest | None:
    """Look at the manifest that a directory is compared with: whether it has IDs, and may save reading files."""
    if len(listed) != 1 or all(path in listed for path in options.path):
        if options.quick:
            raise CommandError("c4py diff: --quick takes a manifest and a directory")
        return None
    ((path, manifest),) = listed.items()
    has_ids = any(entry.c4id is not None for entry in manifest)
    if len(manifest) and has_ids != (options.mode == "full") and not options.quiet:
        mode = options.mode[0]
        has, hint = ("IDs", f"no -m {mode}, or --quick instead,") if has_ids else ("no IDs", "-m m or -m s")
        fail(f"c4py diff: note: {visible(path)} has {has}, so that all entries differ; {hint} may be meant", 0)
    return manifest if options.quick else None


def _as_read(manifest: c4py.Manifest) -> c4py.Manifest:
    """Give a scanned manifest as it is when it is read back, where that differs: what it is compared with was read."""
    codes = {issue.code for issue in manifest.errors}
    # What could not be read is told by the manifest as it is.
    if "trailing-backslash" in codes and not any(issue.is_error for issue in manifest.errors):
        return loads(dumps_bytes(manifest))
    return manifest


def _way_back(
    options: argparse.Namespace, path: str, change: c4py.Manifest, directory: str, scan: ScanArguments
) -> tuple[c4py.Manifest, c4py.Manifest, int]:
    """Read a directory and the state before a change, as `c4py patch -r` does."""
    if options.mode != "full" or options.quick:
        raise CommandError("c4py diff: a change is undone by the content of files: neither -m s, -m m nor --quick")
    before = state_before("diff", path, change)
    now, code = scan_before_change("diff", directory, before, is_printed=not options.quiet, **scan)
    return now, before, code


def _print(options: argparse.Namespace, old: c4py.Manifest, new: c4py.Manifest, code: int) -> None:
    if options.json:
        print(c4py.diff(old, new).to_json())
    elif options.summary:
        from c4py.cli.changes import lines

        for line in lines(old, new):
            print(line)
    elif code:
        fail("c4py diff: no patch: not all could be read; --summary tells what is known, --exclude leaves out", 0)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(patch_diff(old, new, pretty=options.ergonomic, closed=True))

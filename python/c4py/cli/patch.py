"""`c4py patch`: bring a directory or a manifest to a state.

What it does depends on what its arguments are, as with the ecosystem's `c4 patch`:

    MANIFEST             print the last state of its chain
    DIR                  print the directory's manifest, and store its content
    MANIFEST OUT.c4m     write the last state
    DIR OUT.c4m          write the directory's manifest, and store its content
    MANIFEST DEST        make the directory DEST what the manifest says
    DIR DEST             make the directory DEST what DIR is
    MANIFEST MANIFEST MANIFEST...
                         print the last state of a chain in several files

Where a directory is changed, the change is printed as a patch before anything is touched: with `-s` the state before is
kept in the store, and `-r` goes back to it.
"""

from __future__ import annotations

import os
import sys

import c4py
from c4py._rust import dumps_bytes, loads, patch_diff
from c4py._visible import visible
from c4py.cli import CommandError, fail
from c4py.cli.id import scan_mode
from c4py.cli.parser import Parser, refuse_output_inside
from c4py.cli.tree import configured_store, scan_before_change, scan_tree, state_before
from c4py.reconcile import refuse_lost_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from c4py.store import FSStore, MultiStore, ObjectStore

EPILOG = """\
examples:
  c4py patch shots.c4m                       the last state of a chain
  c4py patch -n 3 shots.c4m                  the state after its third section
  c4py patch delivery.c4m shots/ > change.c4m
                                             make shots/ what the manifest says; content comes from the store
  c4py patch --dry-run delivery.c4m shots/   what would be done
  c4py patch --source /mnt/backup delivery.c4m shots/
                                             take content from another directory as well
  c4py patch -s delivery.c4m shots/ > change.c4m
  c4py patch -r change.c4m shots/            keep what is replaced in the store, and go back
  c4py patch plates/ copy/                   make copy/ the same as plates/

Everything is looked up before anything is changed: where content is missing the command says which, and touches
nothing. It can be interrupted, and run again.

exit codes: 0 done, 1 an error, 3 some files could not be read, 4 the content in the store is not that of the ID,
130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py patch",
        usage="%(prog)s [flags] target [dest]",
        description="Bring a directory or a manifest to a state.",
        epilog=EPILOG,
    )
    parser.add_argument("path", nargs="*", metavar="target", help="a manifest (- for stdin) or a directory")
    parser.add_argument("-s", "--store", action="store_true", help="store what is removed and the state before")
    parser.add_argument("-r", "--reverse", action="store_true", help="target is a change that -s printed: undo it")
    parser.add_argument("-e", "--ergonomic", action="store_true", help="print or write the form for people")
    parser.add_argument("-n", "--number", type=int, default=0, metavar="N", help="the state after section N")
    parser.add_argument("-m", "--mode", type=scan_mode, default="full", help="how a directory is scanned, as in id")
    parser.add_argument("--source", action="append", default=[], metavar="DIR", help="another source of content")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and touch nothing")
    parser.add_argument("--no-store", action="store_true", help="store nothing of what is scanned")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print, write or bring about the state that the arguments name."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "path")
    paths: list[str] = options.path
    if not paths:
        raise CommandError(parser.format_usage())
    if options.reverse and len(paths) != 2:
        raise CommandError("c4py patch: -r takes a change and a directory")
    if len(paths) > 2 and any(os.path.isdir(path) for path in paths):
        raise CommandError("c4py patch: of three and more arguments all are manifests")
    is_directory = os.path.isdir(paths[0])
    if len(paths) == 2 and not _names_manifest(paths[1]):
        return _reconcile(options, paths[0], paths[1], is_directory=is_directory)
    if options.dry_run or options.source:
        raise CommandError("c4py patch: --dry-run and --source are for a directory that is changed")
    if is_directory:
        manifest, code = _scan(options, paths[0])
    else:
        manifest, code = _read(paths if len(paths) > 2 else paths[:1], options.number, is_shown=True), 0
    if len(paths) == 2:
        c4py.dump(manifest, paths[1], pretty=options.ergonomic)
        fail(f"Wrote {visible(paths[1])}", 0)
    else:
        _print(dumps_bytes(manifest, pretty=options.ergonomic))
    return code


def _names_manifest(path: str) -> bool:
    return path.endswith(".c4m") and not os.path.isdir(path)


def _text(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def _load(paths: Sequence[str]) -> c4py.Manifest:
    """Read one chain from several files."""
    texts = [_text(path) for path in paths]
    if not any(text.strip() for text in texts):
        raise CommandError(f"c4py patch: no content found in {', '.join(map(visible, paths))}")
    for number, text in enumerate(texts):
        # A last line without an end of its own is still a line.
        if text and not text.endswith(b"\n"):
            texts[number] = text + b"\n"
    try:
        return loads(b"".join(texts), paths[0] if len(paths) == 1 else None, is_joined=True)
    except c4py.ParseError as error:
        line = error.line
        if len(paths) == 1 or line is None:
            raise
        for path, text in zip(paths, texts, strict=True):
            lines = text.count(b"\n")
            if line <= lines:
                raise CommandError(f"c4py patch: {visible(path)}: in its line {line}: {error}") from None
            line -= lines
        raise


def _read(paths: Sequence[str], number: int, *, is_shown: bool) -> c4py.Manifest:
    """Give the state of a chain after so many of its sections.

    Of a patch whose base is not at hand the entries alone are given where they are only shown: a directory that was
    brought to them would lose everything else.
    """
    manifest = _load(paths)
    if manifest.base is not None:
        try:
            return c4py.resolve_chain(manifest, store=configured_store(), stop_at=number)
        except (c4py.ContentNotFound, c4py.PatchError) as error:
            if not is_shown:
                raise
            # As in the reference: the entries that there are.
            fail(
                f"c4py patch: note: {visible(str(error), is_escaped=True)}; these are the entries of the patch alone", 0
            )
            manifest.base = None
    return c4py.resolve_chain(manifest, stop_at=number)


def _scan(options: argparse.Namespace, path: str) -> tuple[c4py.Manifest, int]:
    """Scan a directory; what is read is stored where a store is configured."""
    store = None if options.no_store or options.mode != "full" else configured_store()
    return scan_tree("patch", path, store=store, mode=options.mode)


def _reconcile(options: argparse.Namespace, target: str, dest: str, *, is_directory: bool) -> int:
    """Make a directory what the target says; the change is printed first."""
    if options.mode != "full":
        raise CommandError("c4py patch: a directory is brought to a state by the content of its files: -m f")
    if dest == "-" or (os.path.lexists(dest) and not os.path.isdir(dest)):
        raise CommandError(f"c4py patch: {visible(dest)}: neither a directory nor the name of a manifest (.c4m)")
    refuse_output_inside(dest, "c4py patch")
    sources = [*options.source]
    if options.reverse:
        manifest = state_before("patch", target, _load([target]))
    elif is_directory:
        manifest, code = scan_tree("patch", target)
        if code:
            # Nobody knows what the directory should become.
            return 3
        sources.append(target)
    else:
        manifest = _read([target], options.number, is_shown=False)
    if target != "-" and not is_directory:
        refuse_lost_manifest(target, manifest, dest)
    store = c4py.open_store(durability="batch") if options.store else configured_store()
    if options.dry_run:
        return _show_plan(manifest, dest, store, sources)
    before, code = scan_before_change("patch", dest, manifest)
    if code:
        return code
    if options.store and store is not None:
        from c4py.store.manifests import put_manifest

        # Under the ID that the change begins with; its content is kept by what changes the directory.
        put_manifest(store, before)
    # Before anything is touched: whoever interrupts the command has what undoes it.
    _print(patch_diff(before, manifest, closed=True))
    try:
        result = c4py.reconcile(manifest, dest, store=store, sources=sources, keep_removed=options.store)
    except c4py.MissingContent as error:
        raise CommandError(_missing(error.missing)) from None
    return _tell(result)


def _tell(result: c4py.ReconcileResult) -> int:
    for error in result.errors:
        fail(f"c4py patch: {visible(error, is_escaped=True)}", 0)
    counts = {
        "created": result.created,
        "updated": result.updated,
        "moved": result.moved,
        "removed": result.removed,
        "unchanged": result.skipped,
    }
    fail(", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing to do", 0)
    for path in result.not_made:
        fail(f"c4py patch: {visible(path)}: a device, pipe or socket is not made", 0)
    return 4 if result.is_corrupt else 1 if result.errors else 0


def _show_plan(
    manifest: c4py.Manifest, dest: str, store: FSStore | MultiStore | ObjectStore | None, sources: Sequence[str]
) -> int:
    plan = c4py.reconcile(manifest, dest, store=store, sources=sources, dry_run=True)
    fail(f"{len(plan.operations)} operations planned", 0)
    for operation in plan.operations:
        print(visible(str(operation), is_escaped=True))
    if plan.missing:
        raise CommandError(_missing(plan.missing_paths))
    return 0


def _missing(missing: Sequence[tuple[str, c4py.C4ID]]) -> str:
    lines = [f"Missing content for {len(missing)} entries:"]
    lines += [f"  {visible(path)} {c4id}" for path, c4id in missing]
    lines.append("Name a directory that has it with --source, or a store that does (C4_STORE, c4py store init).")
    return "\n".join(lines)


def _print(text: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()

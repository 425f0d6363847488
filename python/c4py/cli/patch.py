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
from c4py._links import ENDING_BYTES, closing_id, sound_state
from c4py._rust import dumps_bytes, patch_diff
from c4py._visible import visible
from c4py.cli import CommandError, fail
from c4py.cli.chain import configured_store, note_contradiction, read_chain, refuse_overwriting
from c4py.cli.outcome import Outcome
from c4py.cli.parser import Parser, refuse_output_inside, scan_mode
from c4py.cli.terminal import shown_progress
from c4py.cli.tree import refuse_output_over, scan_tree, state_before
from c4py.diff import chain_base
from c4py.reconcile import refuse_lost_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


EPILOG = """\
What it does depends on the operands:

  MANIFEST                     print the last state of its chain
  MANIFEST OUT.c4m             write that to a file
  MANIFEST MANIFEST MANIFEST   print the last state of a chain in three or
                               more files
  DIRECTORY                    print its manifest, and store its content, if
                               a store is configured
  DIRECTORY OUT.c4m            write that to a file
  MANIFEST DIRECTORY           make the directory what the manifest says
  DIRECTORY DIRECTORY          make the second what the first is

examples:
  c4py patch shots.c4m                       the last state of a chain
  c4py patch -n 3 shots.c4m                  the state after its third section
  c4py patch delivery.c4m shots/ > change.c4m
                                             make shots/ what the manifest says, from the store
  c4py patch --dry-run delivery.c4m shots/   what would be done
  c4py patch --source /mnt/backup delivery.c4m shots/
                                             take content from another directory as well
  c4py patch -s delivery.c4m shots/ > change.c4m
  c4py patch -r change.c4m shots/            keep in the store what is replaced, and go back
  c4py patch plates/ copy/                   make copy/ the same as plates/
  c4py patch --json a.c4m shots/ | jq 'select(.message_type == "missing").path'
                                             what is nowhere to be had, for a program

Everything is looked up before anything is changed: where content is missing the command says which, and touches
nothing. It can be interrupted, and run again. 'c4py explain patch' says the same in plain words.

--json prints a manifest and what a dry run found as one document, what is written to a .c4m file as one that names it,
and where a directory is changed JSON lines: "status", "change" (the patch, before anything is touched), "missing",
"error", "not_made", and "summary" last.

exit codes: 0 done, 1 an error, 3 some files could not be read, 4 the content in the store is not that of the ID,
130 interrupted
"""

#: What to do about missing content.
REMEDY = "Name a directory that has it with --source, or a store that does (C4_STORE, c4py store init)."


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py patch",
        usage="%(prog)s [flags] TREE [DESTINATION]",
        description="Bring a directory or a manifest to a state.",
        epilog=EPILOG,
    )
    parser.add_argument("path", nargs="*", metavar="TREE", help="a manifest (- for stdin) or a directory; see below")
    parser.add_argument("-s", "--store", action="store_true", help="store what is removed and the state before")
    parser.add_argument("-r", "--reverse", action="store_true", help="undo the change that -s has printed")
    parser.add_argument(
        "-e", "--ergonomic", action="store_true", help="print or write the form for people; not to be kept"
    )
    parser.add_argument("-n", "--number", type=int, default=0, metavar="N", help="the state after section N")
    parser.add_argument(
        "-m",
        "--mode",
        type=scan_mode,
        default="full",
        metavar="MODE",
        help="how to scan a directory, as in id",
    )
    parser.add_argument(
        "--source", action="append", default=[], metavar="DIRECTORY", help="take content from there too"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and touch nothing")
    parser.add_argument("--no-store", action="store_true", help="store nothing of what is scanned")
    parser.add_json()
    parser.add_quiet()
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print, write or bring about the state that the arguments name."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "path")
    paths: list[str] = options.path
    if not paths:
        parser.refuse("a TREE is expected")
    if options.reverse and len(paths) != 2:
        raise CommandError("c4py patch: -r takes a change and a directory")
    if len(paths) > 2 and any(os.path.isdir(path) for path in paths):
        raise CommandError("c4py patch: of three and more arguments all are manifests")
    # What undoes a change goes behind it, as in a chain.
    refuse_output_over("patch", paths[:1] if len(paths) == 2 else paths, may_append=options.reverse)
    is_directory = os.path.isdir(paths[0])
    if len(paths) == 2 and not names_manifest(paths[1]):
        return _reconcile(options, paths[0], paths[1], is_directory=is_directory)
    if options.dry_run or options.source:
        raise CommandError("c4py patch: --dry-run and --source are for a directory that is changed")
    if is_directory:
        manifest, code = _scan(options, paths[0])
    elif len(paths) == 2:
        manifest, code = read_state("patch", paths[:1], options.number, is_shown=False), 0
        refuse_lost_chain("patch", paths[0], manifest, paths[1])
    else:
        manifest, code = read_state("patch", paths, options.number, is_shown=True), 0
    if len(paths) == 2:
        c4py.dump(manifest, paths[1], pretty=options.ergonomic)
        _tell_written(options, paths[1], manifest)
    elif options.json:
        from c4py._json import write_manifest

        write_manifest(manifest, sys.stdout.write)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(dumps_bytes(manifest, pretty=options.ergonomic))
        sys.stdout.buffer.flush()
    return code


def _tell_written(options: argparse.Namespace, path: str, manifest: c4py.Manifest) -> None:
    if not options.json:
        fail(f"Wrote {visible(path)}", 0)
        return
    import json

    from c4py._json import issue_object
    from c4py._rust import utf8_name

    errors = list(map(issue_object, manifest.errors))
    print(json.dumps({"written": utf8_name(path), "c4id": str(manifest.compute_c4id()), "errors": errors}))


def names_manifest(path: str) -> bool:
    """Say whether a destination is the name of a manifest, and no directory."""
    return path.endswith(".c4m") and not os.path.isdir(path)


def load(paths: Sequence[str]) -> c4py.Manifest:
    """Read one chain from several files."""
    return _load(paths)[0]


def _load(paths: Sequence[str]) -> tuple[c4py.Manifest, bytes]:
    manifest, ending = read_chain("patch", paths)
    if not manifest.patch_sections and not len(manifest) and manifest.base is None:
        raise CommandError(f"c4py patch: no content found in {', '.join(map(visible, paths))}")
    return manifest, ending


def read_state(verb: str, paths: Sequence[str], number: int, *, is_shown: bool) -> c4py.Manifest:
    """Give the state of a chain after so many of its sections.

    A number beyond the last section means the last state, as in the reference, where that is only shown; it is an error
    where it is kept. A chain that contradicts itself is noted where it is only shown, and of a patch whose base is not
    at hand the entries alone are given: a directory that was brought to those would lose everything else, and a file of
    them would pass for a state.
    """
    manifest, ending = _load(paths)
    sections = max(1, len(manifest.patch_sections))
    if number > sections:
        beyond = f"no section {number}: the chain has {sections} section{'s' if sections > 1 else ''}"
        if not is_shown:
            raise CommandError(f"c4py {verb}: {beyond}")
        fail(f"c4py {verb}: note: {beyond}; this is its last state", 0)
    if not is_shown:
        store = None if manifest.base is None else configured_store()
        return sound_state(manifest, store=store, stop_at=number, ending=ending)
    base = None
    if manifest.base is not None:
        try:
            base = chain_base(manifest, store=configured_store())
            state = c4py.resolve_chain(manifest, base=base, stop_at=number)
        except (c4py.ContentNotFound, c4py.PatchError) as error:
            # As in the reference: the entries that there are.
            why = visible(str(error), is_escaped=True)
            fail(f"c4py {verb}: note: {why}; these are the entries of the patch alone", 0)
            manifest.base = None
            return c4py.resolve_chain(manifest, stop_at=number)
    else:
        state = c4py.resolve_chain(manifest, stop_at=number)
    note_contradiction(verb, paths[0], manifest, base=base, stop_at=number, ending=ending)
    return state


def refuse_lost_chain(verb: str, source: str, state: c4py.Manifest, output: str) -> None:
    """Refuse to write a state over the manifest that it is read from, or over the patch that continues from it.

    Two files of one chain are easily taken for the first and the second part of it.
    """
    refuse_overwriting(verb, output, source, "the manifest that is read")
    if not os.path.isfile(output):
        return
    with open(output, "rb") as file:
        first = closing_id(file.read(ENDING_BYTES).lstrip().partition(b"\n")[0])
    if first is not None and first == state.compute_c4id():
        files = f"{visible(source)} {visible(output)}"
        raise CommandError(
            f"c4py {verb}: {visible(output)} is a patch of {visible(source)}, and would be overwritten with its state: "
            f"'cat {files} | c4py patch -' prints what the two say together"
        )


def _scan(options: argparse.Namespace, path: str) -> tuple[c4py.Manifest, int]:
    """Scan a directory; what is read is stored where a store is configured."""
    store = None if options.no_store or options.mode != "full" else configured_store()
    return scan_tree("patch", path, store=store, mode=options.mode, progress=shown_progress(options))


def _reconcile(options: argparse.Namespace, target: str, dest: str, *, is_directory: bool) -> int:
    """Make a directory what the target says; the change is printed first."""
    if options.mode != "full":
        raise CommandError("c4py patch: a directory is brought to a state by the content of its files: -m f")
    refuse_no_directory("c4py patch", dest)
    refuse_output_inside(dest, "c4py patch")
    outcome = Outcome(options, "c4py patch", summary=sys.stderr, remedy=REMEDY)
    sources = [*options.source]
    if is_directory and not options.reverse:
        manifest = c4py.scan(target, progress=outcome.progress, on_error="record")
        if outcome.tell_unread(manifest.errors, target):
            # Nobody knows what the directory should become.
            return 3
        sources.append(target)
    else:
        manifest = (
            state_before("patch", target, load([target]))
            if options.reverse
            else read_state("patch", [target], options.number, is_shown=False)
        )
    if target != "-" and not is_directory:
        refuse_lost_manifest(target, manifest, dest)
    store = c4py.open_store(durability="batch") if options.store else configured_store()

    def bring(*, dry_run: bool) -> c4py.ReconcilePlan | c4py.ReconcileResult:
        return c4py.reconcile(
            manifest,
            dest,
            store=store,
            sources=sources,
            dry_run=dry_run,
            keep_removed=options.store,
            progress=outcome.progress,
        )

    before = c4py.Manifest()
    if os.path.isdir(dest):
        # For a dry run too: it would promise what then fails.
        before = _as_it_is(dest, manifest, outcome)
        if outcome.tell_unread(before.errors, dest):
            return 3
    if options.dry_run:
        return outcome.tell(lambda: bring(dry_run=True))
    if options.store and store is not None:
        from c4py.store.manifests import put_manifest

        # Under the ID that the change begins with; its content is kept by what changes the directory.
        put_manifest(store, before)
    change = patch_diff(before, manifest, closed=True)
    if change:
        # Before anything is touched: whoever interrupts the command has what undoes it.
        outcome.tell_change(change)
    return outcome.tell(lambda: bring(dry_run=False))


def refuse_no_directory(command: str, dest: str) -> None:
    """Refuse what can be no directory that is changed."""
    if dest == "-" or (os.path.lexists(dest) and not os.path.isdir(dest)):
        raise CommandError(f"{command}: {visible(dest)}: neither a directory nor the name of a manifest (.c4m)")


def _as_it_is(dest: str, target: c4py.Manifest, outcome: Outcome) -> c4py.Manifest:
    """Scan a directory before it is changed.

    Nothing outside is read: a link that stays as it is has the ID that the target gives it.
    """
    progress = outcome.progress
    return c4py.scan(dest, link_ids="inside", link_guide=target, progress=progress, on_error="record")

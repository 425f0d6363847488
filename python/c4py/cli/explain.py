"""`c4py explain`: what `id`, `diff` or `patch` would tell or do, in plain words.

Nothing is changed and nothing is stored. What is said is that of the ecosystem's `c4 explain`, in its words; what that
leaves out is said as well: directories that no file speaks for, files that move, modes and times, and on stderr which
content is missing.
"""

from __future__ import annotations

import os
import stat
import sys

import c4py
from c4py._visible import visible
from c4py.cli import CommandError, command_errors, did_you_mean, fail
from c4py.cli.parser import Parser, action_usage
from c4py.cli.plain_words import (
    COUNTED,
    Work,
    count_text,
    directories_text,
    files_text,
    find_changes,
    size_text,
    unchanged_files,
)
from c4py.cli.terminal import is_screen, manifest_word, paint, shell_word, shown_progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from c4py.cli.parser import Action

USAGE = """\
c4py explain — see what a command would do, in plain language

Usage:
  c4py explain id <path>               What does this directory or c4m file contain?
  c4py explain diff <old> <new>         What changed between two states?
  c4py explain patch <target> [<dest>]  What would reconciliation do?

The explain command never modifies any files. It is always safe to run.
"""

#: Files of a kind that a screen shows; whoever pipes the text gets all.
SHOWN = 100


def build_actions() -> dict[str, Action]:
    """Give the actions by name, each with what it does, the parser of its arguments, and its function."""
    return {
        "id": ("tell what a directory or a manifest contains", _id_parser, _id),
        "diff": ("tell what changed between two trees", _diff_parser, _diff),
        "patch": ("tell what patch would do to a directory", _patch_parser, _patch),
    }


def run(arguments: Sequence[str]) -> int:
    """Explain what the arguments name; without any, print the usage."""
    action, *given = arguments or [""]
    if action in ("-h", "--help", "help"):
        sys.stdout.write(action_usage("explain", build_actions()))
        return 0
    if action not in build_actions():
        sys.stdout.write(USAGE)
        if not action:
            return 0
        hint = did_you_mean(action, build_actions())
        return fail(f"c4py explain: unknown command {visible(repr(action), is_escaped=True)}{hint}", 1)
    _, build_parser, perform = build_actions()[action]
    with command_errors(f"c4py explain {action}"):
        return perform(build_parser(), given)


def _parser(action: str, description: str, operands: str, epilog: str) -> Parser:
    parser = Parser(
        prog=f"c4py explain {action}",
        usage=f"%(prog)s [flags] {operands}",
        description=f"{description} Nothing is changed.",
        epilog=f"{epilog}\nexit codes: 0 done, 1 an error, 3 some files could not be read, 130 interrupted\n",
    )
    parser.add_json()
    parser.add_quiet()
    return parser


def _operands(parser: Parser, arguments: list[str], counts: range, missing: str) -> argparse.Namespace:
    options = parser.parse_mixed(arguments, "path")
    if len(options.path) not in counts:
        parser.refuse(missing)
    return options


# What is there


def _id_parser() -> Parser:
    parser = _parser(
        "id",
        "Tell what a directory or a manifest contains, and what c4py id would make of it. No file is read.",
        "PATH",
        """\
examples:
  c4py explain id shots/        how many files, and how large
  c4py explain id shots.c4m     the same of a manifest
""",
    )
    parser.add_argument("path", nargs="*", metavar="PATH", help="a directory, a manifest (.c4m) or a file")
    return parser


def _id(parser: Parser, arguments: list[str]) -> int:
    options = _operands(parser, arguments, range(1, 2), "one PATH is expected")
    path = options.path[0]
    manifest, code = _listing("explain id", options, path)
    files, directories, size = manifest.file_count(), manifest.dir_count(), manifest.total_size()
    if options.json:
        from c4py._json import issue_object
        from c4py._rust import utf8_name

        _print_json(
            {
                "path": utf8_name(path),
                "files": files,
                "directories": directories,
                "bytes": size,
                "errors": list(map(issue_object, manifest.errors)),
            }
        )
        return code
    within = f"{files_text(files)} in {directories_text(directories)} ({size_text(size)})"
    output = manifest_word(path)
    print(f"Scanning {visible(path)}: {paint(within, 'strong')}")
    print("\nThis produces a c4m file — a text description of every file:")
    print("  permissions  timestamp  size  name  identity")
    if path != "-":
        print(f"\nSave it:  c4py id {shell_word(path)} > {output}\nDiff it:  c4py diff {output} {shell_word(path)}")
    return code


def _listing(verb: str, options: argparse.Namespace, path: str) -> tuple[c4py.Manifest, int]:
    """List what `id` would read: names and sizes, no content; with the exit code."""
    from c4py.cli.tree import read_tree

    status = None if path == "-" else os.lstat(path)
    is_link = os.path.islink(path.rstrip("/"))
    if status is None or (stat.S_ISREG(status.st_mode) and path.endswith(".c4m")):
        return read_tree(verb, path)
    if stat.S_ISDIR(status.st_mode) and not is_link:
        return read_tree(verb, path, mode="metadata", progress=shown_progress(options))
    name = os.path.basename(path.rstrip("/"))
    return c4py.Manifest([c4py.Entry(name, mode=status.st_mode, size=status.st_size)]), 0


# What changed


def _diff_parser() -> Parser:
    parser = _parser(
        "diff",
        "Tell what changed between two trees. The files of a directory are read.",
        "TREE TREE",
        """\
examples:
  c4py explain diff monday.c4m friday.c4m
  c4py explain diff shots.c4m shots/    what changed since the manifest was made
""",
    )
    parser.add_argument(
        "path", nargs="*", metavar="TREE", help="the old and the new: a manifest (- for stdin) or a directory"
    )
    return parser


def _diff(parser: Parser, arguments: list[str]) -> int:
    from c4py.cli.tree import read_trees, refuse_output_over, refuse_two_streams

    options = _operands(parser, arguments, range(2, 3), "two trees are expected, OLD and NEW")
    refuse_two_streams("explain diff", options.path)
    refuse_output_over("explain diff", options.path)
    read = read_trees("explain diff", options.path, is_printed=True, progress=shown_progress(options))
    (old, first_code), (new, second_code) = read
    tell = _print_diff_json if options.json else _print_diff
    tell(options.path, old, new, c4py.diff(old, new))
    return max(first_code, second_code)


def _print_diff(paths: Sequence[str], old: c4py.Manifest, new: c4py.Manifest, found: c4py.DiffResult) -> None:
    colours = {"modified": "doubtful", "added": "good", "removed": "bad"}
    sides = [f"{visible(path)} ({files_text(tree.file_count())})" for path, tree in zip(paths, (old, new), strict=True)]
    print(f"Comparing {' against '.join(sides)}:\n")
    is_same = True
    for kind, (files, directories) in find_changes(found).items():
        for changes, count in ((files, files_text(len(files))), (directories, directories_text(len(directories)))):
            if changes:
                is_same = False
                print(paint(f"  {count} {kind}", colours[kind]))
                _print_items(changes)
    unread = list(dict.fromkeys(visible(issue.path) or "." for issue in found.errors if issue.is_error))
    if is_same:
        print("  No differences in what could be read." if unread else "  No differences.")
    if unread:
        print(paint(f"  {count_text(len(unread), 'path')} could not be read", "bad"))
        _print_items(unread)
    unchanged = unchanged_files(found)
    if unchanged:
        print(f"\n{files_text(unchanged)} unchanged.")


def _print_items(items: Sequence[object]) -> None:
    """Print what there is of a kind; on a screen, the first of it and how much more there is."""
    shown = items[:SHOWN] if is_screen(sys.stdout) else items
    for item in shown:
        print(f"    {item}")
    if len(items) > len(shown):
        print(f"    and {len(items) - len(shown):,} more")


def _print_diff_json(paths: Sequence[str], old: c4py.Manifest, new: c4py.Manifest, found: c4py.DiffResult) -> None:
    from c4py._json import issue_object
    from c4py._rust import utf8_name

    document: dict[str, object] = {
        side: {"path": utf8_name(path), "files": tree.file_count()}
        for side, path, tree in zip(("old", "new"), paths, (old, new), strict=True)
    }
    for kind, changes in find_changes(found).items():
        document[kind] = [change.json() for of_type in changes for change in of_type]
    _print_json(document | {"unchanged": unchanged_files(found), "errors": list(map(issue_object, found.errors))})


# What would be done


def _patch_parser() -> Parser:
    parser = _parser(
        "patch",
        "Tell what c4py patch would do. The files of a directory are read.",
        "TREE [DESTINATION]",
        """\
examples:
  c4py explain patch delivery.c4m shots/    what it would become, and what is missing
  c4py explain patch --source /mnt/usb delivery.c4m shots/
                                            the same, with content from there
  c4py explain patch -r change.c4m shots/   what going back would do
  c4py explain patch plates/ copy/          what would be copied, moved and removed
  c4py explain patch delivery.c4m           how many files, and how large

c4py patch --dry-run lists every operation.
""",
    )
    parser.add_argument(
        "path", nargs="*", metavar="TREE", help="a manifest or a directory, and a directory that would become it"
    )
    parser.add_argument("-r", "--reverse", action="store_true", help="undo the change that patch -s has printed")
    parser.add_argument("-n", "--number", type=int, default=0, metavar="N", help="the state after section N")
    parser.add_argument(
        "--source", action="append", default=[], metavar="DIRECTORY", help="take content from there too"
    )
    return parser


def _patch(parser: Parser, arguments: list[str]) -> int:
    from c4py.cli.patch import names_manifest, read_state, refuse_lost_chain

    options = _operands(parser, arguments, range(1, 3), "a TREE is expected, and a DESTINATION if there is one")
    target, *dest = options.path
    if dest and not names_manifest(dest[0]):
        return _reconcile(options, target, dest[0])
    if options.reverse or options.source:
        raise CommandError("c4py explain patch: -r and --source are for a directory that is changed")
    if os.path.isdir(target):
        manifest, code = _listing("explain patch", options, target)
    else:
        manifest, code = read_state("explain patch", [target], options.number, is_shown=not dest), 0
        if dest:
            refuse_lost_chain("explain patch", target, manifest, dest[0])
    files, size = manifest.file_count(), manifest.total_size()
    if options.json:
        from c4py._json import issue_object
        from c4py._rust import utf8_name

        written = utf8_name(dest[0]) if dest else None
        errors = list(map(issue_object, manifest.errors))
        _print_json(
            {"target": utf8_name(target), "destination": written, "files": files, "bytes": size, "errors": errors}
        )
        return code
    print(f"Target: {visible(target)} ({files_text(files)}, {size_text(size)})\n")
    if dest:
        print(f"It would be written to {visible(dest[0])}.\n\nRun without 'explain' to apply.")
    else:
        print("Provide a destination directory to see the reconciliation plan:")
        print(f"  c4py explain patch {shell_word(target)} ./dest/")
    return code


def _reconcile(options: argparse.Namespace, target: str, dest: str) -> int:
    from c4py.cli.chain import configured_store
    from c4py.cli.outcome import missing_text
    from c4py.cli.patch import REMEDY, load, read_state, refuse_no_directory
    from c4py.cli.tree import read_tree, scan_before_change, state_before
    from c4py.reconcile import refuse_lost_manifest

    refuse_no_directory("c4py explain patch", dest)
    progress = shown_progress(options)
    sources = [*options.source]
    errors: list[c4py.ScanIssue] = []
    if os.path.isdir(target) and not options.reverse:
        manifest, code = read_tree("explain patch", target, progress=progress)
        errors = manifest.errors
        if code:
            # Nobody knows what the directory should become.
            if options.json:
                _print_plan_json(target, dest, None, errors)
            return code
        sources.append(target)
    else:
        manifest = (
            state_before("explain patch", target, load([target]))
            if options.reverse
            else read_state("explain patch", [target], options.number, is_shown=False)
        )
        if target != "-":
            refuse_lost_manifest(target, manifest, dest)
    # As patch does it, which changes nothing that it cannot read.
    before, code = scan_before_change("explain patch", dest, manifest, progress=progress)
    errors = [*errors, *before.errors]
    if code:
        if options.json:
            _print_plan_json(target, dest, None, errors)
        return code
    store = configured_store()
    plan = c4py.reconcile(manifest, dest, store=store, sources=sources, dry_run=True, progress=progress)
    if options.json:
        _print_plan_json(target, dest, (plan, Work(plan, manifest, dest)), errors)
        return 0
    work = Work(plan, manifest, dest)
    stores = _store_names()
    print(f"Reconciling {visible(dest)} to match {visible(target)}:\n")
    for line, colour in work.lines():
        print(paint(f"  {line}", colour))
    if plan.skipped:
        print(f"  {files_text(plan.skipped)} already correct — skipping")
    if work.is_empty:
        print("  Already up to date — nothing to do.")
    print(f"\nStore: {', '.join(map(visible, stores)) or 'not configured'}", end="")
    print(" (all content available)" if stores and not plan.missing else "")
    if stores and plan.missing:
        print(f"Missing: {files_text(len(plan.missing_paths))} ({size_text(work.missing_bytes)}) — not in store")
    if not work.is_empty:
        print("\nRun without 'explain' to apply.")
    sys.stdout.flush()
    for path in plan.not_made:
        fail(f"c4py explain patch: {visible(path)}: a device, pipe or socket is not made", 0)
    if plan.missing:
        fail(f"{missing_text(plan.missing_paths)}\nc4py patch would touch nothing. {REMEDY}", 0)
    return 0


def _print_plan_json(
    target: str, dest: str, found: tuple[c4py.ReconcilePlan, Work] | None, errors: Sequence[c4py.ScanIssue]
) -> None:
    """Print what would be done; None where nobody knows."""
    from c4py._json import issue_object
    from c4py._rust import utf8_name
    from c4py.cli.outcome import missing_objects

    plan, work = (None, None) if found is None else found
    _print_json(
        {
            "target": utf8_name(target),
            "destination": utf8_name(dest),
            **(work.counts if work else dict.fromkeys(COUNTED)),
            "bytes": sum(work.bytes.values()) if work else None,
            "unchanged": plan.skipped if plan else None,
            "missing": missing_objects(plan.missing_paths) if plan else [],
            "not_made": list(map(utf8_name, plan.not_made)) if plan else [],
            "stores": list(map(utf8_name, _store_names())),
            "errors": list(map(issue_object, errors)),
        }
    )


def _store_names() -> tuple[str, ...]:
    """Give the paths and URIs of the stores that are configured."""
    from c4py.store import configured_stores

    try:
        return configured_stores()[1]
    except (c4py.StoreNotConfigured, PermissionError):
        return ()


def _print_json(document: dict[str, object]) -> None:
    import json

    print(json.dumps(document))

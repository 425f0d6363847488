"""`c4py workspace`: a directory that one manifest after the other is checked out into."""

from __future__ import annotations

import os
import sys

import c4py
from c4py._visible import visible
from c4py.cli import fail, issue_text
from c4py.cli.outcome import Outcome
from c4py.cli.parser import WRONG_USAGE, Parser, refuse_output_inside, run_action
from c4py.cli.terminal import shown_progress
from c4py.cli.tree import tell_issues

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from c4py.cli.parser import Action


def build_actions() -> dict[str, Action]:
    """Give the actions by name, each with what it does, the parser of its arguments, and its function."""
    return {
        "checkout": ("bring the directory to the state of a manifest", _checkout_parser, _checkout),
        "snapshot": ("print a manifest of the directory, and store its content", _snapshot_parser, _snapshot),
        "reset": ("bring the directory back to what was checked out", _reset_parser, _reset),
        "diff": ("tell what changed since the checkout", _diff_parser, _diff),
        "status": ("tell what was checked out", _status_parser, _status),
    }


def run(arguments: Sequence[str]) -> int:
    """Run an action on a workspace."""
    return run_action("workspace", build_actions(), arguments)


def _parser(action: str, description: str, codes: str, *, examples: str = "") -> Parser:
    parser = Parser(
        usage_code=WRONG_USAGE,
        prog=f"c4py workspace {action}",
        description=description,
        epilog=f"{examples}\nexit codes: {codes}, 2 wrong usage, 130 interrupted\n",
    )
    parser.add_argument("-C", "--directory", default=".", metavar="DIRECTORY", help="the workspace (here: .)")
    return parser


def _add_store(parser: Parser) -> None:
    parser.add_argument("--store", metavar="DIRECTORY|URI", help="the store, instead of the one that is configured")


def _workspace(options: argparse.Namespace) -> c4py.Workspace:
    store = getattr(options, "store", None)
    return c4py.Workspace(options.directory, store=None if store is None else c4py.open_store(store))


def _checkout_parser() -> Parser:
    parser = _parser(
        "checkout",
        "Bring the directory to the state of a manifest. What is not in the manifest is removed.",
        "0 done, 1 an error, 4 corrupt content in the store",
        examples="""\
examples:
  c4py workspace checkout -C shots one.c4m      the first time, in an empty directory
  c4py workspace checkout -C shots -n two.c4m   what would be done
  c4py workspace checkout -C shots --keep-removed two.c4m
                                                what is removed goes into the store
  c4py workspace checkout -C shots --source /mnt/usb/shots two.c4m
                                                content comes from there as well
""",
    )
    _add_store(parser)
    parser.add_argument("manifest", nargs="*", metavar="MANIFEST", help="a c4m file")
    parser.add_argument("-n", "--dry-run", action="store_true", help="print what would be done, and do nothing")
    parser.add_argument(
        "--source", action="append", default=[], metavar="DIRECTORY", help="take content from there too"
    )
    parser.add_argument("--keep-removed", action="store_true", help="put what is removed into the store first")
    parser.add_json()
    parser.add_quiet()
    parser.add_argument(
        "-f", "--force", action="store_true", help="also in a directory with files that is no workspace yet"
    )
    return parser


def _checkout(parser: Parser, arguments: list[str]) -> int:
    options = parser.parse_mixed(arguments, "manifest")
    if len(options.manifest) != 1:
        parser.error("one MANIFEST is expected")
    refuse_output_inside(options.directory, parser.prog)
    workspace = _workspace(options)
    if not options.force and not options.dry_run and _is_foreign(options.directory):
        place = visible(options.directory)
        return fail(f"c4py workspace checkout: {place} is no workspace, and not empty; -f removes what is in it", 1)
    outcome = _outcome(
        parser, options, "Name a directory that has it with --source, or a store that does (--store, C4_STORE)."
    )
    return outcome.tell(
        lambda: workspace.checkout(
            options.manifest[0],
            dry_run=options.dry_run,
            keep_removed=options.keep_removed,
            sources=options.source,
            progress=outcome.progress,
        )
    )


def _is_foreign(directory: str) -> bool:
    """Say whether a directory has files, and no workspace's state among them.

    A manifest beside them says nothing: it may have come with a download.
    """
    from c4py.workspace import STATE_FILE

    try:
        is_empty = not os.listdir(directory)
    except FileNotFoundError:
        return False
    return not is_empty and not os.path.isfile(os.path.join(directory, STATE_FILE))


def _reset_parser() -> Parser:
    parser = _parser(
        "reset",
        "Bring the directory back to the manifest that was checked out last. What changed since is lost.",
        "0 done, 1 an error, 4 corrupt content in the store",
        examples="""\
examples:
  c4py workspace reset -C shots                 undo what was edited
  c4py workspace reset -C shots --keep-removed  and keep that in the store
""",
    )
    _add_store(parser)
    parser.add_argument("--keep-removed", action="store_true", help="put what is removed into the store first")
    parser.add_json()
    parser.add_quiet()
    return parser


def _reset(parser: Parser, arguments: list[str]) -> int:
    options = parser.parse_args(arguments)
    refuse_output_inside(options.directory, parser.prog)
    outcome = _outcome(parser, options, "Name a store that has it (--store, C4_STORE), or check out with --source.")
    workspace = _workspace(options)
    return outcome.tell(lambda: workspace.reset(keep_removed=options.keep_removed, progress=outcome.progress))


def _outcome(parser: Parser, options: argparse.Namespace, remedy: str) -> Outcome:
    return Outcome(options, parser.prog, summary=sys.stdout, remedy=remedy)


def _snapshot_parser() -> Parser:
    parser = _parser(
        "snapshot",
        "Print a manifest of the directory as it is, and put its content into the store.",
        "0 done, 1 an error, 3 some files could not be read",
        examples="""\
examples:
  c4py workspace snapshot -C shots > today.c4m
  c4py workspace snapshot -C shots --no-store   the manifest alone
  c4py workspace snapshot -C shots --json | jq -r .c4id
                                                the ID of the directory, for a program
""",
    )
    _add_store(parser)
    parser.add_argument("--no-store", action="store_true", help="store no content")
    parser.add_json()
    parser.add_quiet()
    return parser


def _snapshot(parser: Parser, arguments: list[str]) -> int:
    options = parser.parse_args(arguments)
    refuse_output_inside(options.directory, parser.prog)
    workspace = _workspace(options)
    manifest = workspace.snapshot(
        store_content=not options.no_store, progress=shown_progress(options), on_error="record"
    )
    code = tell_issues("workspace snapshot", manifest, options.directory)
    if options.json:
        from c4py._json import write_manifest

        write_manifest(manifest, sys.stdout.write)
    elif code:
        fail("c4py workspace snapshot: not everything could be read", code)
    else:
        c4py.dump(manifest, sys.stdout.buffer)
    return code


def _diff_parser() -> Parser:
    parser = _parser(
        "diff",
        "Tell what changed since the checkout. The files are read.",
        "0 nothing changed, 1 something did, or an error, 3 some files could not be read",
        examples="""\
examples:
  c4py workspace diff -C shots                  + what is new, - what is gone, ~ what is different
  c4py workspace diff -C shots --json | jq -r .added[].path
                                                the paths that are new, for a program
""",
    )
    parser.add_json()
    parser.add_quiet()
    return parser


def _diff(parser: Parser, arguments: list[str]) -> int:
    options = parser.parse_args(arguments)
    refuse_output_inside(options.directory, parser.prog)
    found = _workspace(options).diff_from_current(progress=shown_progress(options), on_error="record")
    for issue in found.errors:
        fail(f"c4py workspace diff: {issue_text(issue, options.directory)}", 0)
    if options.json:
        print(found.to_json())
    else:
        for sign, entries in (("+", found.added), ("-", found.removed), ("~", found.modified)):
            for entry in entries:
                print(sign, visible(entry.path))
    if found.errors:
        return 3
    return 0 if found.is_empty else 1


def _status_parser() -> Parser:
    parser = _parser(
        "status",
        "Tell what was checked out.",
        "0 a manifest was checked out, 1 none, or not to its end, or an error",
        examples="""\
examples:
  c4py workspace status -C shots                its manifest, and whether the checkout has ended
  c4py workspace status -C shots --json | jq -r .manifest_c4id
                                                the ID of its manifest, for a program
""",
    )
    parser.add_json()
    return parser


def _status(parser: Parser, arguments: list[str]) -> int:
    options = parser.parse_args(arguments)
    status = _workspace(options).status()
    if options.json:
        import json

        from c4py._rust import utf8_name

        print(
            json.dumps({name: utf8_name(value) if isinstance(value, str) else value for name, value in status.items()})
        )
    else:
        if not status["has_manifest"] and not status["interrupted"] and not status["damaged"]:
            fail(f"c4py workspace status: {visible(options.directory)}: no workspace: nothing was checked out here", 0)
        for name, value in status.items():
            if value is not None:
                shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else visible(str(value))
                print(f"{name:<15}{shown}")
    return 0 if status["has_manifest"] and not status["interrupted"] else 1

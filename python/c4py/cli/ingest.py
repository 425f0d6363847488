"""`c4py ingest`: a bundle is taken in."""

from __future__ import annotations

import os

import c4py
from c4py._rust import utf8_name
from c4py._visible import visible
from c4py.cli import CommandError, fail
from c4py.cli.parser import WRONG_USAGE, Parser
from c4py.cli.terminal import told_progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
examples:
  c4py ingest /mnt/usb/shots                content into the store, manifests into this directory
  c4py ingest -C manifests shots.tar.zst    manifests into another one
  c4py ingest --json shots.tar.zst          how far it is, for a program

All content is verified. What the store has already is not read again, so that a second run goes on where the first was.

exit codes: 0 done, 1 an error, also where the bundle lacks content, 2 wrong usage, 4 corrupt content in the bundle,
130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        usage_code=WRONG_USAGE,
        prog="c4py ingest",
        usage="%(prog)s [flags] BUNDLE",
        description="Take a bundle in: its content into the store, its manifests into a directory.",
        epilog=EPILOG,
    )
    parser.add_argument("bundle", nargs="*", metavar="BUNDLE", help="a directory or tar file that c4py pool made")
    parser.add_argument("--store", metavar="DIRECTORY|URI", help="the store, instead of the one that is configured")
    parser.add_argument("-C", "--directory", default=".", metavar="DIRECTORY", help="where manifests go (here: .)")
    parser.add_json_lines()
    parser.add_quiet()
    return parser


def run(arguments: Sequence[str]) -> int:
    """Take a bundle in."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "bundle")
    if len(options.bundle) != 1:
        parser.error("one BUNDLE is expected")
    (bundle,) = options.bundle
    os.stat(bundle)
    store = c4py.open_store(options.store, durability="batch")
    messages, progress = told_progress(options)
    try:
        result = c4py.ingest(bundle, store=store, destination=options.directory, progress=progress)
    except ImportError as error:
        raise CommandError(f"c4py ingest: {error}") from None
    except c4py.BundleError as error:
        # What is wrong in a directory is named by its path.
        name = "" if os.path.isdir(bundle) else f"{visible(bundle)}: "
        raise CommandError(f"c4py ingest: {name}{visible(str(error), is_escaped=True)}") from None
    if messages is not None:
        messages.send(
            "summary",
            copied=result.copied,
            skipped=result.skipped,
            missing=result.missing,
            manifests=list(map(utf8_name, result.manifests)),
        )
        return 1 if result.missing else 0
    print(f"{result.copied:,} copied, {result.skipped:,} skipped, {result.missing:,} missing")
    for name in result.manifests:
        print(visible(name))
    if result.missing:
        return fail(f"c4py ingest: {result.missing:,} objects are in neither the bundle nor the store", 1)
    return 0

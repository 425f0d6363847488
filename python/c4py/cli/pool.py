"""`c4py pool`: a manifest and its content become a bundle."""

from __future__ import annotations

import os

import c4py
from c4py._rust import utf8_name
from c4py._visible import visible
from c4py.cli import CommandError, fail
from c4py.cli.chain import refuse_directory
from c4py.cli.parser import WRONG_USAGE, Parser
from c4py.cli.terminal import told_progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
examples:
  c4py pool shots.c4m /mnt/usb/shots    a directory
  c4py pool shots.c4m shots.tar.gz      one file: .tar, .tar.gz, or .tar.zst (needs c4py[zstd])
  c4py pool --json shots.c4m usb/ | jq 'select(.message_type == "missing").path'
                                        what the store does not have, for a program
  sh /mnt/usb/shots/extract.sh DIR      make the tree, wherever the bundle is

A directory that was interrupted goes on where it was; what is damaged in it is copied again.

exit codes: 0 done, 1 an error, also where content is missing, 2 wrong usage, 4 corrupt content in the store,
130 interrupted
"""

#: Endings of archives and compressed files that no bundle is.
OTHER_ARCHIVES = (".7z", ".bz2", ".gz", ".lz", ".lz4", ".lzma", ".rar", ".tbz2", ".txz", ".xz", ".zip", ".zst")

#: Missing files that are named.
SHOWN = 20


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        usage_code=WRONG_USAGE,
        prog="c4py pool",
        usage="%(prog)s [flags] MANIFEST BUNDLE",
        description="Bundle a manifest with all content that it needs, to be carried anywhere.",
        epilog=EPILOG,
    )
    parser.add_argument("operands", nargs="*", metavar="MANIFEST BUNDLE", help="a c4m file; a directory or tar file")
    parser.add_argument("--store", metavar="DIRECTORY|URI", help="the store, instead of the one that is configured")
    parser.add_json_lines()
    parser.add_quiet()
    return parser


def run(arguments: Sequence[str]) -> int:
    """Make a bundle."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "operands")
    if len(options.operands) != 2:
        parser.error("a MANIFEST and a BUNDLE are expected")
    manifest, bundle = options.operands
    refuse_directory("pool", manifest)
    # What is wrong with the arguments is told before what is wrong with the store.
    os.stat(manifest)
    _refuse_other_archive(bundle)
    messages, progress = told_progress(options)
    try:
        result = c4py.pool(manifest, bundle, store=c4py.open_store(options.store), progress=progress)
    except ImportError as error:
        raise CommandError(f"c4py pool: {error}") from None
    if messages is not None:
        for path, c4id in result.missing_paths:
            messages.send("missing", path=utf8_name(path), c4id=str(c4id))
        messages.send("summary", copied=result.copied, skipped=result.skipped, missing=result.missing)
        return 1 if result.missing else 0
    print(f"{result.copied:,} copied, {result.skipped:,} skipped, {result.missing:,} missing")
    for path, c4id in result.missing_paths[:SHOWN]:
        fail(f"c4py pool: missing: {visible(path)} {c4id}", 1)
    if result.missing > SHOWN:
        fail(f"c4py pool: and {result.missing - SHOWN:,} more; --json lists all", 1)
    return 1 if result.missing else 0


def _refuse_other_archive(bundle: str) -> None:
    """Refuse a name that says that an archive of another kind is meant: it would be a directory."""
    from c4py.bundle.archive import compression_of

    if bundle.endswith(OTHER_ARCHIVES) and compression_of(bundle) is None and not os.path.isdir(bundle):
        raise CommandError(
            f"c4py pool: {visible(bundle)}: a bundle is a directory, a .tar, .tar.gz or .tar.zst file", WRONG_USAGE
        )

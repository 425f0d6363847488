"""`c4py cat`: the content of an ID, or of a file.

An ID names content of the store that is configured; anything else is a path. Content is copied to stdout byte for byte,
and hashed on the way. A file with the extension .c4m is printed in canonical form, as `c4py id` does.
"""

from __future__ import annotations

import sys

import c4py
from c4py._rust import ManifestDetector, dumps_bytes
from c4py._visible import visible
from c4py.cli import CommandError
from c4py.cli.chain import absent_stores
from c4py.cli.parser import Parser
from c4py.cli.tree import refuse_output_over
from c4py.store.content import READ_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import BinaryIO

#: Characters of an ID, and by how many a text may be longer or shorter and still be meant as one.
ID_LENGTH, NEAR = 90, 10

EPILOG = """\
examples:
  c4py cat c43inc2q... > plate.exr  the content of an ID, from the store
  c4py cat -r c45x7nM2...           the whole manifest of a directory that was stored
  c4py cat -e shots.c4m             a manifest in the form for people
  c4py cat -r -e shots.c4m          with what the store has of its directories

-e and -r change how a manifest is printed; any other content is printed as it is.
An ID is never taken for the name of a file: write ./NAME for that.

exit codes: 0 done, 1 an error, 4 the content in the store is not that of the ID, 130 interrupted
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py cat",
        usage="%(prog)s [-h] [-e] [-r] C4ID|FILE",
        description="Print the content of an ID, or a file; verified while it is printed.",
        epilog=EPILOG,
    )
    parser.add_argument("target", nargs="*", metavar="C4ID|FILE", help="what is printed: one ID or file")
    parser.add_argument("-e", "--ergonomic", action="store_true", help="print a manifest in the form for people")
    parser.add_argument(
        "-r",
        "--recursive",
        action="store_true",
        help="print a manifest with what the store has of its directories",
    )
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the content of an ID or a file."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "target")
    if len(options.target) != 1:
        parser.refuse("one C4ID or FILE is expected")
    (target,) = options.target
    sys.stdout.flush()
    try:
        c4id = c4py.parse(target)
    except (ValueError, TypeError):
        refuse_output_over("cat", [target])
        _print_file(options, target)
    else:
        _print_stored(options, c4id)
    return 0


def _print_stored(options: argparse.Namespace, c4id: c4py.C4ID) -> None:
    printed = sys.stdout.buffer
    try:
        with c4py.open_store().open(c4id) as source:
            _print(options, source)
    except c4py.ContentNotFound as error:
        raise CommandError(f"c4py cat: {error}{absent_stores()}") from None
    except c4py.StoreCorrupt as error:
        printed.flush()
        what = "; what was printed is not the content of the ID" if error.c4id == c4id else ""
        raise CommandError(f"c4py cat: {error}{what}", 4) from None


def _print_file(options: argparse.Namespace, path: str) -> None:
    try:
        source = open(path, "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        if path.startswith("c4") and "/" not in path and abs(len(path) - ID_LENGTH) <= NEAR:
            raise CommandError(f"c4py cat: {_wrong_id(path)}") from None
        raise CommandError(f'c4py cat: "{visible(path)}" is not a file path or C4 ID') from None
    with source:
        if path.endswith(".c4m"):
            _print_manifest(options, c4py.load(source))
        else:
            _print(options, source)


def _wrong_id(text: str) -> str:
    """Say what makes a text no C4 ID."""
    try:
        c4py.parse(text)
    except ValueError as error:
        return visible(str(error), is_escaped=True)
    raise AssertionError(text)


def _print(options: argparse.Namespace, source: BinaryIO) -> None:
    """Copy a source to stdout; where a manifest is to be printed otherwise, what is one is held until its end."""
    kept: list[bytes] = []
    detector = ManifestDetector() if options.ergonomic or options.recursive else None
    while piece := source.read(READ_BYTES):
        if detector is None:
            sys.stdout.buffer.write(piece)
            continue
        kept.append(piece)
        if not detector.update(piece):
            detector = None
            sys.stdout.buffer.writelines(kept)
            kept.clear()
    if detector is None:
        return
    if detector.finish() is None:
        sys.stdout.buffer.writelines(kept)
    else:
        _print_manifest(options, c4py.loads(b"".join(kept)))


def _print_manifest(options: argparse.Namespace, manifest: c4py.Manifest) -> None:
    if options.recursive:
        from c4py.store.manifests import load_stored, with_directories

        store = c4py.open_store()
        if manifest.base is not None:
            # What is shown may have directories that nothing says the entries of.
            manifest = c4py.resolve_chain(manifest, base=load_stored(store, manifest.base))
        manifest = with_directories(manifest, store)
    sys.stdout.buffer.write(dumps_bytes(manifest, pretty=options.ergonomic))

"""`c4py dupes`: files of one content.

Files of a size of their own have a content of their own: of the others each is read once, whatever its names. What is
read from a manifest is not looked for on the disk.
"""

from __future__ import annotations

import os
import sys
from collections import Counter

import c4py
from c4py._rust import ManifestDetector, entry_type, utf8_name
from c4py._visible import visible
from c4py.cli import command_errors, fail, reason
from c4py.cli.parser import WRONG_USAGE, Parser
from c4py.cli.terminal import shown_progress
from c4py.report.quantity import count, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

#: Bytes of the units of a size.
UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}

#: Bytes of the pieces in which the start of a file is looked at: whether it may be a manifest.
PIECE_BYTES = 65_536

EPILOG = """\
A directory is scanned, a file with the extension .c4m is read as a manifest, - is a manifest on standard input.
Only files whose size occurs more than once are read, each once. Groups come in order of the bytes that they waste: all
but one copy. Names of one file (hard links) waste nothing, and are no duplicates by themselves. Empty files are left
out.

With --directories whole directories with the same listing (names, modes, times and content) are found as well; what
lies in them is not listed again. All files are read for that.

examples:
  c4py dupes shots/                         the copies in a directory
  c4py dupes --min-size 100M /mnt/a /mnt/b  large ones, in both
  c4py dupes new/ delivered.c4m             what of new/ was delivered before
  c4py dupes --json shots/ | jq .wasted     the bytes that could be saved

exit codes: 0 no duplicates, 1 duplicates, 2 an error, wrong usage too, 3 some files could not be read: there may be
more, 130 interrupted
"""


class Copy:
    """A file or a directory that may have copies.

    source: the argument that has it; path: below that. place: where it is on the disk, "" for what a manifest lists.
    file: what all names of one file have in common, and no other has.
    """

    __slots__ = ("c4id", "file", "path", "place", "size", "source", "type")

    def __init__(self, source: str, path: str, entry: c4py.Entry, *, is_listed: bool) -> None:
        self.source = source
        self.path = path
        self.place = "" if is_listed else os.path.join(source, path)
        self.type = "directory" if entry.is_dir() else "file"
        self.size = entry.size
        self.c4id = entry.c4id
        self.file: object = (source, path)
        if is_listed and entry.hard_link:
            # Links without the number of a group are those of one content.
            self.file = (source, entry.hard_link if entry.hard_link > 0 else entry.c4id)

    def shown(self) -> str:
        """Write where it is, on the disk or in a manifest."""
        return visible(self.place or f"{self.source}: {self.path}") + ("/" if self.type == "directory" else "")


class Group:
    """Copies of one content, the first name of each file first."""

    __slots__ = ("c4id", "copies", "is_directories", "size", "wasted")

    def __init__(self, c4id: c4py.C4ID, copies: list[Copy]) -> None:
        self.c4id = c4id
        self.copies = copies
        self.is_directories = copies[0].type == "directory"
        self.size = max(copy.size for copy in copies)
        self.wasted = max(self.size, 0) * (len({copy.file for copy in copies}) - 1)

    def links(self) -> Iterator[tuple[Copy, Copy | None]]:
        """Give each copy, and the one before that is another name of the same file."""
        first: dict[object, Copy] = {}
        for copy in self.copies:
            yield copy, first.get(copy.file)
            first.setdefault(copy.file, copy)


def run(arguments: Sequence[str]) -> int:
    """Print the files of one content."""
    parser = build_parser()
    options = parser.parse_mixed(arguments, "path")
    if not options.path:
        parser.error("at least one TREE is expected")
    with command_errors("c4py dupes", WRONG_USAGE):
        copies, issues = _copies(options)
        issues += _identify(copies, progress=shown_progress(options))
    for issue in issues:
        fail(f"c4py dupes: {issue}", 0)
    groups = _groups(copies)
    _print_json(groups, issues) if options.json else _print(groups)
    if any(issue.is_error for issue in issues):
        return 3
    return 1 if groups else 0


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        usage_code=WRONG_USAGE,
        prog="c4py dupes",
        description="Print the files that have the same content, and what they waste.",
        epilog=EPILOG,
    )
    parser.add_argument("path", nargs="*", metavar="TREE", help="a directory, a manifest (.c4m), or - for one on stdin")
    parser.add_argument("--directories", action="store_true", help="find whole directories as well")
    parser.add_argument(
        "--min-size",
        type=_size,
        default=1,
        metavar="SIZE",
        help="leave out what is smaller: 4096, 10K, 1.5GiB; units are powers of 1024",
    )
    parser.add_argument("--empty", action="store_true", help="empty files as well")
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out names or paths that match"
    )
    parser.add_json()
    parser.add_quiet()
    return parser


def _size(text: str) -> int:
    # 10K, 10KB and 10KiB are the same.
    text = text.upper()
    bare = text.removesuffix("B").removesuffix("I") if text[-2:-1].isalpha() else text
    unit = UNITS.get(bare[-1:], 0)
    number = float(bare[:-1]) * unit if unit else float(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return round(number)


# What argparse calls it in its messages.
_size.__name__ = "size"


def _copies(options: argparse.Namespace) -> tuple[list[Copy], list[c4py.ScanIssue]]:
    """Find what may have copies, and what could not be looked at."""
    issues: list[c4py.ScanIssue] = []
    manifests: list[tuple[str, c4py.Manifest]] = []
    for source in dict.fromkeys(options.path):
        if _is_listed(source):
            manifests.append((source, c4py.load(sys.stdin.buffer if source == "-" else source)))
        else:
            manifest = c4py.scan(
                source,
                mode="full" if options.directories else "metadata",
                exclude=options.exclude,
                on_error="record",
                link_ids="none",
                progress=shown_progress(options),
            )
            for issue in manifest.errors:
                place = os.path.join(source, issue.path) if issue.path else source
                issues.append(c4py.ScanIssue(place, issue.code, issue.message, issue.is_error))
            manifests.append((source, manifest))
    found = [copy for source, manifest in manifests for copy in _found(source, manifest, options)]
    return _once(found), issues


def _is_listed(source: str) -> bool:
    """Say whether an argument is a manifest and not a directory."""
    return source == "-" or (source.endswith(".c4m") and not os.path.isdir(source))


def _found(source: str, manifest: c4py.Manifest, options: argparse.Namespace) -> Iterator[Copy]:
    is_listed = _is_listed(source)
    kinds = ("file", "directory") if options.directories else ("file",)
    if any(entry.is_sequence for entry in manifest):
        manifest = manifest.expand_sequences()
    for path, entry in manifest.flat_entries():
        is_wanted = options.empty if entry.size == 0 else entry.size < 0 or entry.size >= options.min_size
        if is_wanted and entry_type(entry) in kinds and not (is_listed and entry.c4id is None):
            yield Copy(source, path, entry, is_listed=is_listed)


def _once(found: list[Copy]) -> list[Copy]:
    """Leave out what has no copy by its size, and what is there twice because directories overlap."""
    sizes = Counter(copy.size for copy in found)
    is_any_size_possible = -1 in sizes
    places = set()
    kept = []
    for copy in found:
        place = copy.place and os.path.abspath(copy.place)
        if (is_any_size_possible or sizes[copy.size] > 1) and place not in places:
            kept.append(copy)
            if place:
                places.add(place)
    return kept


def _identify(copies: list[Copy], *, progress: bool) -> list[c4py.ScanIssue]:
    """Give each file on the disk its ID, reading it once; what could not be read is given back."""
    files: dict[object, list[Copy]] = {}
    issues: list[c4py.ScanIssue] = []
    for copy in copies:
        if copy.place and copy.type == "file":
            try:
                status = os.lstat(copy.place)
            except OSError as error:
                issues.append(_unread(copy.place, error))
                continue
            copy.file = (status.st_dev, status.st_ino)
            files.setdefault(copy.file, []).append(copy)
    unknown = {names[0].place: names for names in files.values() if names[0].c4id is None}
    for path, c4id in c4py.identify_files(unknown, progress=progress).items():
        place = os.fspath(path)
        try:
            c4id = _id_of_bytes(place, c4id)
        except OSError as error:
            issues.append(_unread(place, error))
            continue
        for copy in unknown[place]:
            copy.c4id = c4id
    return issues


def _unread(path: str, error: OSError) -> c4py.ScanIssue:
    return c4py.ScanIssue(path, "unreadable", reason(error), is_error=True)


def _id_of_bytes(path: str, c4id: c4py.C4ID | None) -> c4py.C4ID:
    """Give the ID of the bytes of a file: `identify_files` gives a manifest that of its canonical text.

    None is that of a file that could not be read: why, reading it says.
    """
    with open(path, "rb", buffering=0) as file:
        if c4id is not None:
            detector = ManifestDetector()
            while piece := file.read(PIECE_BYTES):
                if not detector.update(piece):
                    return c4id
            file.seek(0)
        return c4py.identify(file)


def _groups(copies: Iterable[Copy]) -> list[Group]:
    """Put copies of one content together, those that waste most first."""
    alike: dict[tuple[str, c4py.C4ID], list[Copy]] = {}
    for copy in copies:
        if copy.c4id is not None:
            alike.setdefault((copy.type, copy.c4id), []).append(copy)
    groups = [Group(c4id, found) for (_, c4id), found in alike.items() if len({copy.file for copy in found}) > 1]
    inside = {(copy.source, copy.path): group.c4id for group in groups for copy in group.copies if group.is_directories}

    def is_told(group: Group) -> bool:
        """Say whether its copies lie in the copies of one directory, one in each."""
        parents = {(copy.source, os.path.dirname(copy.path)) for copy in group.copies}
        above = {inside.get(parent) for parent in parents}
        return len(parents) == len(group.copies) and len(above) == 1 and None not in above

    return sorted((group for group in groups if not is_told(group)), key=lambda group: -group.wasted)


def _print(groups: list[Group]) -> None:
    for group in groups:
        number = len(group.copies)
        what = count(number, "directory", "directories") if group.is_directories else count(number, "file")
        each = "size not known" if group.size < 0 else f"{size(group.size)} each, {size(group.wasted)} wasted"
        print(f"{what}, {each}: {group.c4id}")
        for copy, link in group.links():
            print(f"  {copy.shown()}" + (f" (hard link to {link.shown()})" if link else ""))
        print()
    if groups:
        print(f"{count(len(groups), 'group')}, {size(sum(group.wasted for group in groups))} wasted")


def _print_json(groups: list[Group], issues: list[c4py.ScanIssue]) -> None:
    import json

    from c4py._json import issue_object, write_objects

    sys.stdout.write(f'{{"wasted": {sum(group.wasted for group in groups)}, "groups": [')
    write_objects(map(_group_object, groups), sys.stdout.write)
    sys.stdout.write(f'], "errors": {json.dumps(list(map(issue_object, issues)))}}}\n')


def _group_object(group: Group) -> dict[str, object]:
    return {
        "c4id": str(group.c4id),
        "type": group.copies[0].type,
        "size": group.size if group.size >= 0 else None,
        "wasted": group.wasted,
        "copies": list(_copy_objects(group)),
    }


def _copy_objects(group: Group) -> Iterator[dict[str, str | int]]:
    """Make the JSON objects of copies; those with the same number in "file" are names of one file."""
    numbers: dict[object, int] = {}
    for copy in group.copies:
        number = numbers.setdefault(copy.file, len(numbers))
        yield {"source": utf8_name(copy.source), "path": utf8_name(copy.path), "file": number}

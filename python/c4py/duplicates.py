"""Files of one content, in directories and manifests, and what they waste.

Files of a size of their own have a content of their own: of the others each is read once, whatever its names. What is
read from a manifest is not looked for on the disk. What cannot be read is told beside what was found, and has no copies
as far as anybody knows. `Manifest.duplicates` is for one manifest that has IDs.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping

from c4py._record import Record
from c4py._rust import C4ID, Manifest, ManifestDetector, ScanIssue, entry_type, identify, utf8_name
from c4py.id import identify_files
from c4py.scanner import scan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Literal

    from c4py._rust import Entry
    from c4py._types import Progress, StrPath, TextWriter

__all__ = ["DuplicateCopy", "DuplicateGroup", "DuplicateReport", "find_duplicates"]

#: Bytes of the pieces in which the start of a file is looked at: whether it may be a manifest.
PIECE_BYTES = 65_536


class DuplicateCopy(Record):
    """One of the copies of a content.

    source: the directory or the manifest that has it, by its name; path: below that. location: where it is on the disk,
    None for what a manifest lists. file: a number; copies of a group with the same one are names of one file.
    """

    __slots__ = ("file", "location", "path", "source")
    __match_args__ = ("source", "path", "location", "file")

    def __init__(self, source: str, path: str, location: str | None, file: int) -> None:
        self.source = source
        self.path = path
        self.location = location
        self.file = file


class DuplicateGroup(Record):
    """Copies of one content.

    type: what they are. size: bytes of one copy, None where it is not known. wasted: bytes of all files but one.
    copies: in the order of the sources, and in each of its manifest.
    """

    __slots__ = ("c4id", "copies", "size", "type", "wasted")
    __match_args__ = ("c4id", "type", "size", "wasted", "copies")

    def __init__(
        self,
        c4id: C4ID,
        type: Literal["file", "directory"],  # noqa: A002 - as entries have it
        size: int | None,
        wasted: int,
        copies: list[DuplicateCopy],
    ) -> None:
        self.c4id = c4id
        self.type = type
        self.size = size
        self.wasted = wasted
        self.copies = copies


class DuplicateReport(Record):
    """What `find_duplicates` found.

    groups: those that waste most first. errors: what could not be looked at or is worth knowing, as ScanIssue, each
    path with its source: where an `is_error` is among them, there may be more copies.
    """

    __slots__ = ("errors", "groups")
    __match_args__ = ("groups", "errors")

    def __init__(self, groups: list[DuplicateGroup], errors: list[ScanIssue]) -> None:
        self.groups = groups
        self.errors = errors

    @property
    def wasted(self) -> int:
        """Bytes of all files but one of each group."""
        return sum(group.wasted for group in self.groups)

    def to_json(self) -> str:
        """Write the report as a JSON object, in ASCII and in one line.

        "wasted" is a number, "groups" a list of objects with c4id, type, size, wasted and copies, null for what is
        unknown; a copy has source, path and file. "errors" is a list of objects with path, code, message and is_error.
        Names are as in the Arrow columns: `c4py.safename.unsafe_name` reads a component with a "¤".
        """
        pieces: list[str] = []
        self._write(pieces.append)
        return "".join(pieces)

    def write_json(self, file: TextWriter) -> None:
        """Write what `to_json` gives to a text file, and a line end, piece by piece."""
        self._write(file.write)
        file.write("\n")

    def _write(self, write: Callable[[str], object]) -> None:
        from c4py._json import issue_object, write_objects

        write(f'{{"wasted": {self.wasted}, "groups": [')
        write_objects(map(_group_object, self.groups), write)
        write('], "errors": [')
        write_objects(map(issue_object, self.errors), write)
        write("]}")


def _group_object(group: DuplicateGroup) -> dict[str, object]:
    return {
        "c4id": str(group.c4id),
        "type": group.type,
        "size": group.size,
        "wasted": group.wasted,
        "copies": [
            {"source": utf8_name(copy.source), "path": utf8_name(copy.path), "file": copy.file} for copy in group.copies
        ],
    }


def find_duplicates(
    sources: StrPath | Iterable[StrPath] | Mapping[str, StrPath | Manifest],
    *,
    directories: bool = False,
    min_size: int = 1,
    empty: bool = False,
    exclude: Iterable[str | bytes] | str | bytes = (),
    progress: Progress = None,
) -> DuplicateReport:
    """Find the files that have the same content, in one directory or in many, or in manifests.

    sources: paths of directories, which are scanned, and of c4m files, which are read; with names of one's own as a
    mapping, whose values may be Manifests as well. Only files whose size occurs more than once are read, each once.
    Names of one file (hard links) waste nothing, and are no duplicates by themselves. Where directories overlap, each
    file is looked at once.

    directories: find whole directories with the same listing (names, modes, times and content) as well; what lies in
    them is not listed again. All files are read for that.
    min_size: bytes; smaller files are left out. empty: take empty files, whatever min_size is.
    exclude: globs of names and paths in directories, as `c4py.scan` takes them.
    progress: that of `c4py.scan` for each directory, and then for the files that are read.

    What cannot be read is in the report's `errors`. Raises FileNotFoundError or NotADirectory for a source that is not
    there or is neither, ParseError for a text that is no manifest.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     for name, content in {"a": "one", "b": "one", "c": "two"}.items():
    ...         _ = pathlib.Path(directory, name).write_text(content)
    ...     report = c4py.find_duplicates(directory)
    >>> report.wasted
    3
    >>> [[copy.path for copy in group.copies] for group in report.groups]
    [['a', 'b']]
    """
    if isinstance(min_size, bool) or not isinstance(min_size, int):
        raise TypeError(f"min_size must be int, not {type(min_size).__name__}")
    if min_size < 0:
        raise ValueError(f"min_size must be 0 or more, not {min_size}")
    errors: list[ScanIssue] = []
    trees: list[_Tree] = []
    for name, source in _named(sources).items():
        if isinstance(source, Manifest):
            trees.append(_Tree(name, source, None))
        elif _is_manifest_file(source):
            from c4py.decoder import load

            trees.append(_Tree(name, load(source), None))
        else:
            root = os.fsdecode(source)
            manifest = scan(
                source,
                mode="full" if directories else "metadata",
                exclude=exclude,
                on_error="record",
                link_ids="none",
                progress=progress,
            )
            for issue in manifest.errors:
                place = os.path.join(root, issue.path) if issue.path else root
                errors.append(ScanIssue(place, issue.code, issue.message, issue.is_error))
            trees.append(_Tree(name, manifest, root))
    candidates = _candidates(trees, directories=directories, min_size=min_size, empty=empty)
    errors += _identify(candidates, progress)
    return DuplicateReport(_groups(candidates), errors)


def _named(
    sources: StrPath | Iterable[StrPath] | Mapping[str, StrPath | Manifest],
) -> Mapping[str, StrPath | Manifest]:
    """Give the sources by their names."""
    if isinstance(sources, Mapping):
        return sources
    if isinstance(sources, Manifest):
        raise TypeError("sources must be paths, or a mapping of names to paths and Manifests, not Manifest")
    paths = [sources] if isinstance(sources, (str, bytes, os.PathLike)) else sources
    return {os.fsdecode(path): path for path in paths}


def _is_manifest_file(source: StrPath) -> bool:
    """Say whether a source is a manifest and not a directory."""
    return os.fsdecode(source).endswith(".c4m") and not os.path.isdir(source)


class _Tree:
    """A source: its name, its manifest, and where it is on the disk, None for a manifest."""

    __slots__ = ("manifest", "name", "root")

    def __init__(self, name: str, manifest: Manifest, root: str | None) -> None:
        self.name = name
        is_folded = any(entry.is_sequence for entry in manifest)
        self.manifest = manifest.expand_sequences() if is_folded else manifest
        self.root = root


class _Candidate:
    """A file or a directory that may have copies.

    location: where it is on the disk, None for what a manifest lists. key: what all names of one file have in common,
    and no other file has.
    """

    __slots__ = ("c4id", "key", "location", "path", "size", "source", "type")

    def __init__(self, tree: _Tree, path: str, entry: Entry) -> None:
        self.source = tree.name
        self.path = path
        self.location = None if tree.root is None else os.path.join(tree.root, path)
        self.type: Literal["file", "directory"] = "directory" if entry.is_dir() else "file"
        self.size = entry.size
        self.c4id = entry.c4id
        self.key: object = (tree.name, path)
        if tree.root is None and entry.hard_link:
            # Links without the number of a group are those of one content.
            self.key = (tree.name, entry.hard_link if entry.hard_link > 0 else entry.c4id)


def _candidates(trees: list[_Tree], *, directories: bool, min_size: int, empty: bool) -> list[_Candidate]:
    """List what may have copies by its size; what is there twice because directories overlap, once."""
    kinds = ("file", "directory") if directories else ("file",)

    def wanted(tree: _Tree) -> Iterator[tuple[str, Entry]]:
        for path, entry in tree.manifest.flat_entries():
            is_wanted = empty if entry.size == 0 else entry.size < 0 or entry.size >= min_size
            if is_wanted and entry_type(entry) in kinds and (tree.root is not None or entry.c4id is not None):
                yield path, entry

    # Sizes first: most files of a large tree may be alone with theirs, and need no place in memory.
    sizes = Counter(entry.size for tree in trees for _, entry in wanted(tree))
    is_any_size_possible = -1 in sizes
    locations: set[str] = set()
    kept = []
    for tree in trees:
        for path, entry in wanted(tree):
            if not is_any_size_possible and sizes[entry.size] == 1:
                continue
            candidate = _Candidate(tree, path, entry)
            if candidate.location is not None:
                location = os.path.abspath(candidate.location)
                if location in locations:
                    continue
                locations.add(location)
            kept.append(candidate)
    return kept


def _identify(candidates: Iterable[_Candidate], progress: Progress) -> list[ScanIssue]:
    """Give each file on the disk its ID, reading it once; what could not be read is given back."""
    files: dict[tuple[int, int], list[_Candidate]] = {}
    issues: list[ScanIssue] = []
    for candidate in candidates:
        if candidate.location is not None and candidate.type == "file":
            try:
                status = os.lstat(candidate.location)
            except OSError as error:
                issues.append(_unread(candidate.location, error))
                continue
            key = (status.st_dev, status.st_ino)
            candidate.key = key
            files.setdefault(key, []).append(candidate)
    unknown = {names[0].location or "": names for names in files.values() if names[0].c4id is None}
    for path, c4id in identify_files(unknown, progress=progress).items():
        location = os.fspath(path)
        try:
            c4id = _id_of_bytes(location, c4id)
        except OSError as error:
            issues.append(_unread(location, error))
            continue
        for candidate in unknown[location]:
            candidate.c4id = c4id
    return issues


def _unread(path: str, error: OSError) -> ScanIssue:
    return ScanIssue(path, "unreadable", error.strerror or str(error), is_error=True)


def _id_of_bytes(path: str, c4id: C4ID | None) -> C4ID:
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
        return identify(file)


def _groups(candidates: Iterable[_Candidate]) -> list[DuplicateGroup]:
    """Put copies of one content together, those that waste most first."""
    alike: dict[tuple[str, C4ID], list[_Candidate]] = {}
    for candidate in candidates:
        if candidate.c4id is not None:
            alike.setdefault((candidate.type, candidate.c4id), []).append(candidate)
    groups = [_group(c4id, found) for (_, c4id), found in alike.items() if len({copy.key for copy in found}) > 1]
    inside = {
        (copy.source, copy.path): group.c4id for group in groups for copy in group.copies if group.type == "directory"
    }

    def is_told(group: DuplicateGroup) -> bool:
        """Say whether its copies lie in the copies of one directory, one in each."""
        parents = {(copy.source, os.path.dirname(copy.path)) for copy in group.copies}
        above = {inside.get(parent) for parent in parents}
        return len(parents) == len(group.copies) and len(above) == 1 and None not in above

    return sorted((group for group in groups if not is_told(group)), key=lambda group: -group.wasted)


def _group(c4id: C4ID, found: list[_Candidate]) -> DuplicateGroup:
    numbers: dict[object, int] = {}
    copies = [
        DuplicateCopy(copy.source, copy.path, copy.location, numbers.setdefault(copy.key, len(numbers)))
        for copy in found
    ]
    size = max(copy.size for copy in found)
    wasted = max(size, 0) * (len(numbers) - 1)
    return DuplicateGroup(c4id, found[0].type, size if size >= 0 else None, wasted, copies)

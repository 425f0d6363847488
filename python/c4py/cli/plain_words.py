"""Differences and plans in plain words, for `c4py explain`: what people would count, and what it is called."""

from __future__ import annotations

import os

from c4py._rust import entry_type, format_mode, utf8_name
from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import c4py
    from c4py.reconcile import ReconcilePlan


def count_text(number: int, one: str, many: str = "") -> str:
    """Write a number and what is counted."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def files_text(number: int) -> str:
    """Write a number of files."""
    return count_text(number, "file")


def directories_text(number: int) -> str:
    """Write a number of directories."""
    return count_text(number, "directory", "directories")


def size_text(size: int) -> str:
    """Write a size, to the byte; a negative one is not known."""
    return "unknown size" if size < 0 else f"{size:,} bytes"


#: Types of the operations of a plan.
KINDS = ("mkdir", "create", "move", "update", "symlink", "chmod", "times", "remove", "rmdir")

#: What there is to do, as it is counted.
COUNTED = ("create", "update", "move", "remove", "link", "make_directory", "remove_directory", "set")

#: Colours of what is done; all else is doubtful.
COLOURS = {
    "create": "good",
    "link": "good",
    "make_directory": "good",
    "remove": "bad",
    "remove_directory": "bad",
}


class Change:
    """What became of one entry.

    path: as in the manifests. type: as `entry_type` gives it. is_directory: whether it is one. sizes: in bytes, as it
    was and as it is, those that there are; -1 for what is not known. modes: as it had and has, where nothing else says
    what changed. content: what is told of the content, in words.
    """

    __slots__ = ("content", "is_directory", "modes", "path", "sizes", "type")

    def __init__(self, old: c4py.Entry | None, new: c4py.Entry | None) -> None:
        sides = [entry for entry in (old, new) if entry is not None]
        self.path = sides[0].path
        self.type = entry_type(sides[-1])
        self.is_directory = sides[-1].is_dir()
        self.sizes = [entry.size for entry in sides]
        self.modes: list[int] = []
        if old is not None and new is not None and old.mode != new.mode:
            is_content_same = self.is_directory or (old.size == new.size and old.c4id == new.c4id)
            self.modes = [old.mode, new.mode] if is_content_same else []
        if self.is_directory:
            self.content = []
        elif old is not None and new is not None and old.is_symlink() and new.is_symlink():
            self.content = _link_change(old, new)
        else:
            self.content = [" -> ".join(map(size_text, self.sizes))]

    def __str__(self) -> str:
        path = visible(self.path) + ("/" if self.is_directory else "")
        modes = [" -> ".join(map(format_mode, self.modes))] if self.modes else []
        return f"{path:<30} {', '.join(self.content + modes)}".rstrip()

    def json(self) -> dict[str, object]:
        """Make its JSON object; sizes of directories say nothing of them."""
        sizes = [] if self.is_directory else [None if size < 0 else size for size in self.sizes]
        return {"path": utf8_name(self.path), "type": self.type, "sizes": sizes, "modes": self.modes}


def _link_change(old: c4py.Entry, new: c4py.Entry) -> list[str]:
    """Tell what changed of a link: its size is the length of its target's name, and says nothing."""
    if old.target != new.target:
        return [f"points at {visible(new.target)}, not at {visible(old.target)}"]
    if old.c4id is not None and new.c4id is not None and old.c4id != new.c4id:
        return ["what it points at changed"]
    return ["its time changed"] if old.mode == new.mode else []


def find_changes(found: c4py.DiffResult) -> dict[str, tuple[list[Change], list[Change]]]:
    """Give the files and the directories of each kind of change that are worth telling.

    A directory that a file below it speaks for is not told, nor is one in which other files are: that is what they say.
    """
    kinds = {
        "modified": map(Change, found.modified_from, found.modified),
        "added": (Change(None, entry) for entry in found.added),
        "removed": (Change(entry, None) for entry in found.removed),
    }
    told = {}
    for kind, changes in kinds.items():
        files: list[Change] = []
        directories: list[Change] = []
        for change in changes:
            (directories if change.is_directory else files).append(change)
        if kind == "modified":
            directories = [change for change in directories if change.modes]
        else:
            spoken_for = _above(change.path for change in [*files, *directories])
            directories = [change for change in directories if change.path not in spoken_for]
        told[kind] = files, directories
    return told


def _above(paths: Iterable[str]) -> set[str]:
    """Give the directories that lead to the paths."""
    above = set()
    for path in paths:
        parent = os.path.dirname(path)
        while parent and parent not in above:
            above.add(parent)
            parent = os.path.dirname(parent)
    return above


def unchanged_files(found: c4py.DiffResult) -> int:
    """Count the files that are the same."""
    return sum(not entry.is_dir() for entry in found.same)


class Work:
    """What there is to do, counted as people count it; files without content are among those to create or update.

    counts: by what is done. bytes: of the files to create and of those to update, where sizes are known; missing_bytes:
    of those without content.
    """

    def __init__(self, plan: ReconcilePlan, target: c4py.Manifest, dest: str) -> None:
        paths: dict[str, list[str]] = {kind: [] for kind in KINDS}
        left: list[str] = []
        for operation in plan.operations:
            paths[operation.type].append(operation.path)
            if operation.source is not None:
                left.append(operation.source)
        missing = [path for path, _ in plan.missing_paths]
        for path in missing:
            paths["update" if os.path.isfile(os.path.join(dest, path)) else "create"].append(path)
        self.bytes = {kind: _known_size(target, paths[kind]) for kind in ("create", "update")}
        self.missing_bytes = _known_size(target, missing)
        is_directory = {path: path in target and target[path].is_dir() for path in paths["times"]}
        attributes = {*paths["chmod"], *(path for path in paths["times"] if not is_directory[path])}
        counts = (
            len(paths["create"]),
            len(paths["update"]),
            len(paths["move"]),
            len(paths["remove"]),
            len(paths["symlink"]),
            _innermost(paths["mkdir"], paths["create"] + paths["move"] + paths["symlink"]),
            _innermost(paths["rmdir"], paths["remove"] + left),
            len(attributes),
        )
        self.counts = dict(zip(COUNTED, counts, strict=True))
        if not any(self.counts.values()):
            # The time of a directory is set whenever something in it is made: it is told where there is nothing else.
            self.counts["set"] = len(paths["times"])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not any(self.counts.values())

    def lines(self) -> Iterator[tuple[str, str]]:
        """Give a line for each thing to do, and its colour."""
        for kind, number in self.counts.items():
            if not number:
                continue
            match kind:
                case "create" | "update":
                    text = f"{files_text(number)} to {kind} ({size_text(self.bytes[kind])})"
                case "move" | "remove":
                    text = f"{files_text(number)} to {kind}"
                case "link":
                    text = f"{count_text(number, 'symbolic link')} to make"
                case "make_directory" | "remove_directory":
                    text = f"{directories_text(number)} to {kind.removesuffix('_directory')}"
                case _:
                    text = f"{count_text(number, 'mode or time', 'modes or times')} to set"
            yield text, COLOURS.get(kind, "doubtful")


def _known_size(target: c4py.Manifest, paths: Iterable[str]) -> int:
    """Sum the sizes that are known: that of a member of a sequence is not."""
    return sum(max(target[path].size, 0) for path in paths if path in target)


def _innermost(directories: Sequence[str], told: Sequence[str]) -> int:
    """Count the directories that nothing below them speaks for."""
    spoken_for = _above([*told, *directories])
    return sum(path not in spoken_for for path in directories)

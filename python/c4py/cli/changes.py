"""What differs between two trees, as lines for people.

A line has a mark and a path: `-` gone, `+` new, `~` changed, `>` moved, `?` could not be read. A directory ends in a
slash, and is told as changed only where nothing below it is, or its mode differs: its ID changes with all below it.
"""

from __future__ import annotations

import c4py
from c4py._rust import human_size
from c4py._visible import visible
from c4py.cli.terminal import paint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def lines(old: c4py.Manifest, new: c4py.Manifest) -> Iterator[str]:
    """Give the lines of all that differs, and a last one that tells how much of what there is."""
    result = c4py.diff(old, new)
    gone = {move.old.path for move in result.moved}
    come = {move.new.path for move in result.moved}
    removed = [entry for entry in result.removed if entry.path not in gone]
    added = [entry for entry in result.added if entry.path not in come]
    touched = [] if result.errors else _touched(old, new, result)
    above = _above([*result.removed, *result.added, *touched])
    modified = _told(result, above)
    for entry in removed:
        yield paint(f"- {_name(entry)}", "bad")
    for entry in added:
        yield paint(f"+ {_name(entry)}", "good")
    for entry in modified:
        yield paint(f"~ {_name(entry)}", "doubtful")
    touched = [entry for entry in touched if not entry.is_dir() or entry.path not in above]
    for entry in touched:
        yield paint(f"~ {_name(entry)} (not its content)", "doubtful")
    for move in result.moved:
        yield paint(f"> {_name(move.old)} is {_name(move.new)}", "strong")
    for issue in result.errors:
        yield paint(f"? {visible(issue.path) or '.'}", "bad")
    totals = [
        _total(removed, "removed"),
        _total(added, "added"),
        _total([*modified, *touched], "changed"),
        f"{len(result.moved):,} moved" if result.moved else "",
        f"{len(result.errors):,} unreadable" if result.errors else "",
    ]
    yield ", ".join(filter(None, totals)) or "nothing differs"


def _name(entry: c4py.Entry) -> str:
    return visible(entry.path) + "/" * entry.is_dir()


def _total(entries: list[c4py.Entry], what: str) -> str:
    """Write how many entries there are, and the bytes of the files among them whose size is known."""
    if not entries:
        return ""
    size = sum(entry.size for entry in entries if not entry.is_dir() and entry.size > 0)
    return f"{len(entries):,} {what} ({human_size(size)})"


def _touched(old: c4py.Manifest, new: c4py.Manifest, result: c4py.DiffResult) -> list[c4py.Entry]:
    """Find the entries whose lines differ though their content and mode are the same: those of the patch."""
    patch = c4py.loads(c4py.patch_diff(old, new))
    paths = {entry.path for section in patch.patch_sections or [patch.entries] for entry in section}
    paths -= {entry.path for entry in result.modified}
    return [new[path] for path in sorted(paths) if path in old and path in new and old[path] != new[path]]


def _told(result: c4py.DiffResult, above: set[str]) -> list[c4py.Entry]:
    """Leave out the directories that differ for what is told below them; add what leads to the others to `above`."""
    told = []
    # What is in a directory comes after it.
    for before, entry in zip(reversed(result.modified_from), reversed(result.modified), strict=True):
        if not entry.is_dir() or entry.path not in above or before.mode != entry.mode:
            told.append(entry)
            above |= _above([entry])
    return told[::-1]


def _above(entries: Iterable[c4py.Entry]) -> set[str]:
    """Give the paths of all directories that lead to entries."""
    above: set[str] = set()
    for entry in entries:
        path = entry.path.rpartition("/")[0]
        while path and path not in above:
            above.add(path)
            path = path.rpartition("/")[0]
    return above

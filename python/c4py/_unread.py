"""What a scan could not read is no result of a comparison: nobody knows whether it differs."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from c4py._rust import Manifest
    from c4py.diff import DiffResult


class _Known(Sequence["Any"]):
    """Some of a sequence, by their positions: entries keep their paths, also through pickle."""

    __slots__ = ("_every", "_positions")

    def __init__(self, every: Sequence[Any], positions: Sequence[int]) -> None:
        self._every = every
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return _Known(self._every, self._positions[index])
        return self._every[self._positions[index]]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        return _Known, (self._every, self._positions)


def leave_out(result: DiffResult, manifests: Iterable[Manifest]) -> None:
    """Take out of the lists what could not be read in either manifest, what is below it, and the directories above.

    A directory above has an ID that does not tell what is in it.
    """
    unread = {path for manifest in manifests for path in _unread(manifest)}
    above = {parent for path in unread for parent in _parents(path)}

    def is_known(path: str) -> bool:
        return path not in unread and path not in above and unread.isdisjoint(_parents(path))

    moves = (is_known(move.old.path) and is_known(move.new.path) for move in result.moved)
    modified = [is_known(entry.path) for entry in result.modified]
    for kind, known in (
        *((kind, (is_known(entry.path) for entry in getattr(result, kind))) for kind in ("added", "removed", "same")),
        ("modified", modified),
        ("modified_from", modified),
        ("moved", moves),
    ):
        positions = array("q", (position for position, is_kept in enumerate(known) if is_kept))
        setattr(result, kind, _Known(getattr(result, kind), positions))


def _unread(manifest: Manifest) -> set[str]:
    """Give the paths of what could not be read; "" is the whole tree."""
    unread = {issue.path for issue in manifest.errors if issue.is_error}
    if any(path.startswith("/") for path in unread):
        # Something outside, that a link leads to: the ID of any link may not tell what is in its target.
        unread |= {entry.path for entry in manifest if entry.is_symlink()}
    return unread


def _parents(path: str) -> list[str]:
    """Give the paths of the directories above, the root's, "", included."""
    parents = []
    while path:
        path = path.rpartition("/")[0]
        parents.append(path)
    return parents

"""What a scan could not read is no result of a comparison: nobody knows whether it differs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from c4py._rust import Manifest
    from c4py.diff import DiffResult


def leave_out(result: DiffResult, manifests: Iterable[Manifest]) -> None:
    """Take out of the lists what could not be read in either manifest, what is below it, and the directories above.

    A directory above has an ID that does not tell what is in it.
    """
    unread = {path for manifest in manifests for path in _unread(manifest)}
    above = {parent for path in unread for parent in _parents(path)}

    def is_known(path: str) -> bool:
        return path not in unread and path not in above and unread.isdisjoint(_parents(path))

    pairs = zip(result.modified_from, result.modified, strict=True)
    result.modified_from = [entry for entry, other in pairs if is_known(other.path)]  # type: ignore[assignment]
    for kind in ("added", "removed", "modified", "same"):
        setattr(result, kind, [entry for entry in getattr(result, kind) if is_known(entry.path)])
    result.moved = [move for move in result.moved if is_known(move.old.path) and is_known(move.new.path)]


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

"""A directory is brought to the state that a manifest describes.

    plan     the directory, compared with the manifest      -> what to do, or every ID that is nowhere to be had
    apply    relative to the open directory, no link followed, each file verified before it has its name

Nothing is touched before the plan is whole. What is interrupted is done by another run.
"""

from __future__ import annotations

import os
import stat

from c4py._rust import C4ID, Entry, Manifest, human_size, identify_file, plan_reconciliation
from c4py._visible import visible
from c4py.decoder import load
from c4py.entry import NULL_TIMESTAMP
from c4py.errors import MissingContent, ReconcileError, StoreNotConfigured, UnusableManifest
from c4py.store import FSStore, MultiStore, Store, open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Literal, overload

    from c4py._rust import Reconciliation, TreeStore
    from c4py._types import Progress, StrPath
    from c4py.progress import Listener
    from c4py.store.manifests import SourceOfContent
    from c4py.store.protocol import AnyStore

__all__ = [
    "C4ID",
    "NULL_TIMESTAMP",
    "Entry",
    "Manifest",
    "ReconcileOp",
    "ReconcilePlan",
    "ReconcileResult",
    "Store",
    "identify_file",
    "load",
    "open_store",
    "reconcile",
]

#: The directory in which content waits; what a killed run left there is no part of a state.
STAGING = ".c4-reconcile"

#: Names in the root that are neither compared nor touched: the state of a workspace.
LEFT_ALONE = (".c4-workspace.json", ".c4-workspace-manifest.c4m")


class ReconcileOp:
    """One thing that is done to a directory.

    type: "mkdir", "create", "move", "update", "symlink", "chmod", "times", "remove" or "rmdir". path: relative to the
    directory. source: for a move, where the file is now; else None.

    >>> print(c4py.ReconcileOp("move", "b", "a"))
    move b from a
    """

    __slots__ = ("path", "source", "type")
    __match_args__ = ("type", "path", "source")

    type: str
    path: str
    source: str | None

    def __init__(self, type: str, path: str, source: str | None = None) -> None:  # noqa: A002
        self.type = type
        self.path = path
        self.source = source

    def _values(self) -> tuple[str, str, str | None]:
        return self.type, self.path, self.source

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, ReconcileOp) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        source = "" if self.source is None else f" from {visible(self.source)}"
        return f"{self.type} {visible(self.path)}{source}"

    def __repr__(self) -> str:
        source = "" if self.source is None else f", source={self.source!r}"
        return f"ReconcileOp({self.type!r}, {self.path!r}{source})"

    def __reduce__(self) -> tuple[object, ...]:
        return ReconcileOp, self._values()


class ReconcilePlan:
    """What would be done to a directory, in the order in which it is shown.

    operations: a list of ReconcileOp, made when it is asked for: directories from the top down, files and links, modes
    and times of what stays, what is removed from the bottom up. missing: IDs of content that is nowhere to be had, each
    once; missing_paths: (path, C4ID) of every file that needs such; the operations lack these files. not_made: paths of
    devices, pipes and sockets, which are never made. skipped: files and links that are as they are to be. bytes: how
    many are to be written or shared.
    """

    __slots__ = ("_native", "_operations", "bytes", "missing", "missing_paths", "not_made", "skipped")

    missing: list[C4ID]
    missing_paths: list[tuple[str, C4ID]]
    not_made: list[str]
    skipped: int
    bytes: int

    def __init__(
        self,
        operations: Iterable[ReconcileOp] = (),
        missing: Iterable[C4ID] = (),
        missing_paths: Iterable[tuple[str, C4ID]] = (),
        not_made: Iterable[str] = (),
        skipped: int = 0,
        bytes: int = 0,  # noqa: A002
    ) -> None:
        self._native: Reconciliation | None = None
        self._operations: list[ReconcileOp] | None = list(operations)
        self.missing_paths = list(missing_paths)
        self.missing = list(dict.fromkeys([*missing, *(c4id for _, c4id in self.missing_paths)]))
        self.not_made = list(not_made)
        self.skipped = skipped
        self.bytes = bytes

    @classmethod
    def _of(cls, native: Reconciliation) -> ReconcilePlan:
        plan = cls((), (), native.missing(), native.not_made(), native.skipped, native.bytes)
        plan._native = native
        plan._operations = None
        return plan

    @property
    def operations(self) -> list[ReconcileOp]:
        """What would be done."""
        if self._operations is None:
            found = [] if self._native is None else self._native.operations()
            self._operations = [ReconcileOp(*values) for values in found]
        return self._operations

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do, and nothing missing."""
        return not self._counts() and not self.missing

    def summary(self) -> str:
        """Say in a line how much there is to do."""
        parts = [f"{count:,} {kind}" for kind, count in self._counts().items()]
        text = ", ".join(parts) if parts else "nothing to do"
        if self.bytes:
            text += f", {human_size(self.bytes)} to write"
        if self.missing:
            text += f", {len(self.missing_paths) or len(self.missing):,} without content"
        return text

    def _counts(self) -> dict[str, int]:
        """Count the operations of each type that there is."""
        if self._operations is None and self._native is not None:
            return {kind: count for kind, count in self._native.counts().items() if count}
        counts: dict[str, int] = {}
        for operation in self.operations:
            counts[operation.type] = counts.get(operation.type, 0) + 1
        return counts

    def __str__(self) -> str:
        """Write one line an operation, then one for each file without content and each that is never made."""
        lines = [str(operation) for operation in self.operations]
        lines += [f"missing {visible(path)}: {c4id}" for path, c4id in self.missing_paths]
        lines += [f"not made {visible(path)}" for path in self.not_made]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<ReconcilePlan: {self.summary()}>"

    def _values(self) -> tuple[object, ...]:
        return self.operations, self.missing, self.missing_paths, self.not_made, self.skipped, self.bytes

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, ReconcilePlan) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values."""
        return ReconcilePlan, self._values()


class ReconcileResult:
    """What was done to a directory.

    created: directories, files and links that were made. updated: files that were given other content. moved: files
    that were given another place. removed: files, links and directories. skipped: files and links that were as they are
    to be. errors: what could not be done, each as "type path: reason". before: with `keep_removed`, the manifest of the
    state before, all of whose content is in the store. not_made: paths of devices, pipes and sockets, which are never
    made. is_corrupt: whether content that was to be taken is not that of its ID.
    """

    __slots__ = ("before", "created", "errors", "is_corrupt", "moved", "not_made", "removed", "skipped", "updated")

    created: int
    removed: int
    updated: int
    skipped: int
    errors: list[str]
    moved: int
    before: Manifest | None
    not_made: list[str]
    is_corrupt: bool

    def __init__(
        self,
        created: int = 0,
        removed: int = 0,
        updated: int = 0,
        skipped: int = 0,
        errors: Iterable[str] = (),
        moved: int = 0,
        before: Manifest | None = None,
        not_made: Iterable[str] = (),
        is_corrupt: bool = False,
    ) -> None:
        self.created = created
        self.removed = removed
        self.updated = updated
        self.skipped = skipped
        self.errors = list(errors)
        self.moved = moved
        self.before = before
        self.not_made = list(not_made)
        self.is_corrupt = is_corrupt

    @property
    def is_ok(self) -> bool:
        """Whether everything was done."""
        return not self.errors

    def raise_if_failed(self) -> None:
        """Raise ReconcileError, with this as its `result`, unless everything was done."""
        if self.errors:
            more = f"; and {len(self.errors) - 3} more" if len(self.errors) > 3 else ""
            raise ReconcileError("; ".join(self.errors[:3]) + more, self)

    def summary(self) -> str:
        """Say in a line what was done."""
        text = (
            f"{self.created:,} created, {self.updated:,} updated, {self.moved:,} moved, {self.removed:,} removed, "
            f"{self.skipped:,} unchanged"
        )
        if self.not_made:
            text += f", {len(self.not_made):,} not made"
        return f"{text}, {len(self.errors):,} failed" if self.errors else text

    def __str__(self) -> str:
        """Write the summary, and a line for each error and each that is never made."""
        errors = (visible(error, is_escaped=True) for error in self.errors)
        return "\n".join([self.summary(), *errors, *(f"not made {visible(path)}" for path in self.not_made)])

    def __repr__(self) -> str:
        return f"<ReconcileResult: {self.summary()}>"

    def _values(self) -> tuple[object, ...]:
        counts = self.created, self.removed, self.updated, self.skipped
        return *counts, self.errors, self.moved, self.before, self.not_made, self.is_corrupt

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, ReconcileResult) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values."""
        return ReconcileResult, self._values()


if TYPE_CHECKING:

    @overload
    def reconcile(
        manifest_or_path: Manifest | StrPath,
        directory: StrPath,
        *,
        store: AnyStore | None = None,
        dry_run: Literal[False] = False,
        progress: Progress[str, str, int, int] = None,
        link: Literal["auto", "copy", "reflink", "hardlink"] = "auto",
        sources: Iterable[StrPath | AnyStore] = (),
        keep_removed: bool = False,
        special_bits: bool = False,
        workers: int | None = None,
    ) -> ReconcileResult: ...

    @overload
    def reconcile(
        manifest_or_path: Manifest | StrPath,
        directory: StrPath,
        *,
        store: AnyStore | None = None,
        dry_run: Literal[True],
        progress: Progress[str, str, int, int] = None,
        link: Literal["auto", "copy", "reflink", "hardlink"] = "auto",
        sources: Iterable[StrPath | AnyStore] = (),
        keep_removed: bool = False,
        special_bits: bool = False,
        workers: int | None = None,
    ) -> ReconcilePlan: ...

    @overload
    def reconcile(
        manifest_or_path: Manifest | StrPath,
        directory: StrPath,
        *,
        store: AnyStore | None = None,
        dry_run: bool = False,
        progress: Progress[str, str, int, int] = None,
        link: Literal["auto", "copy", "reflink", "hardlink"] = "auto",
        sources: Iterable[StrPath | AnyStore] = (),
        keep_removed: bool = False,
        special_bits: bool = False,
        workers: int | None = None,
    ) -> ReconcilePlan | ReconcileResult: ...


def reconcile(
    manifest_or_path: Manifest | StrPath,
    directory: StrPath,
    *,
    store: AnyStore | None = None,
    dry_run: bool = False,
    progress: Progress[str, str, int, int] = None,
    link: Literal["auto", "copy", "reflink", "hardlink"] = "auto",
    sources: Iterable[StrPath | AnyStore] = (),
    keep_removed: bool = False,
    special_bits: bool = False,
    workers: int | None = None,
) -> ReconcilePlan | ReconcileResult:
    """Make a directory what a manifest describes: the ReconcileResult, or with `dry_run` the ReconcilePlan.

    Everything that the manifest does not name is removed, but for the two files of a workspace. Files are compared by
    their content, modes and times by what the manifest says of them. Content that lies in the directory already is
    moved; other content comes from the store, then from the sources. Nothing is touched before all of it was found,
    nothing outside the directory is ever touched, and no symbolic link is followed. Devices, pipes and sockets are not
    made.

    manifest_or_path: a Manifest, or the path of one. directory: it is made if it is not there.
    store: by default the one that is configured, if one is.
    dry_run: only say what would be done. Nothing is written; files are read to compare them.
    progress: a function of (type, path, index, count of operations), called in this thread as operations end; an object
    with `update(ScanStats)`, told of the comparison as well; or True for a bar on stderr. An exception in it stops the
    work. See `c4py.progress`.
    link: how content comes from a store or a source: "auto" shares its blocks where the file system can and copies
    elsewhere, "copy" copies, "reflink" shares them or fails. With "hardlink" files are names of the store's own
    read-only objects, with their modes and times, or it fails: whoever writes to one damages the store.
    sources: directories, and stores, where content is looked for. Of a directory those files are read whose size is
    needed.
    keep_removed: first put the whole directory as it is into the store; the result's `before` is the manifest of that,
    which is in the store as well, and to reconcile it brings everything back (with `special_bits` those too). A device,
    pipe or socket that would be removed is refused, with ReconcileError: nothing could make it again.
    special_bits: whether set-user-ID, set-group-ID and sticky bits are set.
    workers: threads, by default one a processor.

    Raises MissingContent, with all that is nowhere to be had; UnusableManifest for a manifest that no directory can be
    brought to, or whose own file would be removed, and PathTraversal for one with a name such as `..`; PatchError for a
    chain that contradicts itself: an ID between its sections is not that of what stands above it;
    StoreNotConfigured where `keep_removed` needs a store and there is none; OSError for a directory that cannot be
    listed whole, ScanError for one that cannot be kept; what a store raises. Single operations that fail are in
    `result.errors`: see `result.raise_if_failed()`. After
    KeyboardInterrupt another run completes the work.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     manifest = c4py.Manifest([c4py.Entry("empty", size=0), c4py.Entry("plates/")])
    ...     print(c4py.reconcile(manifest, directory, dry_run=True))
    ...     c4py.reconcile(manifest, directory)
    mkdir plates
    create empty
    <ReconcileResult: 2 created, 0 updated, 0 moved, 0 removed, 0 unchanged>
    """
    if not isinstance(link, str):
        raise TypeError(f"link must be str, not {type(link).__name__}")
    from c4py._links import own_state, read_ending
    from c4py.progress import Listener

    listener = Listener(progress)
    if isinstance(manifest_or_path, Manifest):
        manifest = own_state(manifest_or_path)
    else:
        manifest = own_state(load(manifest_or_path), ending=read_ending(manifest_or_path))
        refuse_lost_manifest(manifest_or_path, manifest, directory)
    if store is not None and not hasattr(store, "get"):
        raise TypeError(f"store must have methods has and get, not be {type(store).__name__}")
    note = ""
    if store is None:
        try:
            store = open_store()
        except (StoreNotConfigured, PermissionError) as error:
            # Where all content is found elsewhere it does not matter.
            if keep_removed:
                raise
            note = str(error)
    if isinstance(sources, (str, bytes, os.PathLike, Store)):
        sources = (sources,)
    with listener:
        native = plan_reconciliation(
            manifest,
            directory,
            _parts(store) + [part for source in sources for part in _parts(source)],
            link,
            bool(special_bits),
            workers,
            listener.observe,
        )
        if dry_run:
            return ReconcilePlan._of(native)
        missing = native.missing()
        if missing:
            raise MissingContent(missing, note)
        before = None
        if keep_removed and store is not None:
            before = _keep(directory, store, workers, native, listener)
        on_done = None if listener.function is None else _counted(listener.function, len(native))
        done, errors, is_corrupt = native.apply(listener.observe, on_done)
    return ReconcileResult(
        created=done["mkdir"] + done["create"] + done["symlink"],
        removed=done["remove"] + done["rmdir"],
        updated=done["update"],
        skipped=native.skipped,
        errors=errors,
        moved=done["move"],
        before=before,
        not_made=native.not_made(),
        is_corrupt=is_corrupt,
    )


def refuse_lost_manifest(path: StrPath, manifest: Manifest, directory: StrPath) -> None:
    """Refuse to bring a directory to the state of a manifest whose file lies there, and which does not name it.

    It would be removed. Raises UnusableManifest.
    """
    root = os.path.join(os.path.realpath(os.fsdecode(directory)), "")
    place = os.path.realpath(os.fsdecode(path))
    if not place.startswith(root) or not os.path.isfile(place):
        return
    inside = place.removeprefix(root)
    if inside not in manifest and inside not in LEFT_ALONE:
        raise UnusableManifest(
            f"{visible(os.fsdecode(path))} lies in the directory, and is not among what it names: it would be removed"
        )


def _parts(store: AnyStore | StrPath | None) -> list[TreeStore | SourceOfContent | StrPath]:
    """Give what is asked for content: the stores of several in their order, those in directories as the core's own."""
    if store is None:
        return []
    if isinstance(store, MultiStore) and type(store).get is MultiStore.get and type(store).has is MultiStore.has:
        return [part for inner in store.stores for part in _parts(inner)]
    if isinstance(store, FSStore) and type(store).get is FSStore.get and type(store).has is FSStore.has:
        return [store.tree]
    return [store]


def _keep(
    directory: StrPath,
    store: AnyStore,
    workers: int | None,
    plan: Reconciliation,
    listener: Listener,
) -> Manifest:
    """Put a directory as it is into a store; its manifest."""
    from c4py.scanner import scan
    from c4py.store.manifests import put_manifest

    if not os.path.lexists(directory):
        return Manifest()
    before = without_state(scan(directory, store=store, link_ids="none", workers=workers, progress=listener))
    _refuse_what_cannot_be_kept(before, plan)
    put_manifest(store, before)
    flush = getattr(store, "flush", None)
    if flush is not None:
        flush()
    return before


def without_state(manifest: Manifest) -> Manifest:
    """Take the files of the state out of a scan, and the content that a checkout which was interrupted left waiting.

    What is below them goes with them where they are directories. A scan's patterns cannot say that a name is meant at
    the root alone.
    """
    entries = manifest.entries
    for name in (*LEFT_ALONE, STAGING):
        if name not in manifest:
            continue
        start = entries.index(manifest[name])
        end = start + 1
        while end < len(entries) and entries[end].depth > 0:
            end += 1
        del entries[start:end]
    return manifest


def _refuse_what_cannot_be_kept(before: Manifest, plan: Reconciliation) -> None:
    """Refuse to remove a device, pipe or socket: nothing could make it again."""
    special = {
        path
        for path, entry in before.flat_entries()
        if entry.mode and stat.S_IFMT(entry.mode) in (stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK)
    }
    if not special:
        return
    for kind, path, _ in plan.operations():
        if kind == "remove" and path in special:
            raise ReconcileError(f"{visible(path)}: a device, pipe or socket cannot be kept: move it away first")


def _counted(progress: Callable[[str, str, int, int], object], total: int) -> Callable[[str, str], None]:
    done = 0

    def call(kind: str, path: str) -> None:
        nonlocal done
        progress(kind, path, done, total)
        done += 1

    return call

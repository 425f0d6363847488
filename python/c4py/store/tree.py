"""The content store in a directory, which the tools of the C4 family share."""

from __future__ import annotations

import os

from c4py._rust import C4ID, TreeStore, store_ids
from c4py.errors import ContentNotFound, StoreError
from c4py.store.protocol import Store, as_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO, Literal, Self
    from weakref import WeakValueDictionary

    from c4py._rust import Manifest
    from c4py._types import Progress, StrPath
    from c4py.store.report import GcReport, StoreReport, StoreStats

#: Objects that a directory of a store holds before it is split, in all tools.
SPLIT_THRESHOLD = 4096

#: The stores of this process by their identity, as long as they live; made when there is one.
_stores: WeakValueDictionary[int, FSStore] | None = None


def _remember(store: FSStore) -> None:
    """Have a store flushed when the interpreter ends, and made anew in processes that are forked from this one."""
    global _stores
    if _stores is None:
        import atexit
        from weakref import WeakValueDictionary

        _stores = WeakValueDictionary()
        atexit.register(_flush_all)
        # A thread that was at work in the parent may have left the core's locks taken in its copy.
        os.register_at_fork(after_in_child=_make_anew)
    _stores[id(store)] = store


def _make_anew() -> None:
    for store in list((_stores or {}).values()):
        store.tree = TreeStore(store.tree.root, store.split_threshold, store.durability)


def _flush_all() -> None:
    failure = None
    for store in list((_stores or {}).values()):
        try:
            store.flush()
        except StoreError as error:
            failure = failure or error
    if failure is not None:
        raise failure


class FSStore(Store):
    """A content store in a directory.

    Each object is a file named by its ID, which lies in the root as long as that holds no more than `split_threshold`
    objects, then in two-character directories. Other tools, other processes and other threads may read and write the
    directory at the same time. The directory is made by the first `put`.

    durability says when an object that was put survives a crash of the machine: with "full" as soon as `put` returns;
    with "batch" when `flush` or `close` returns, or the `with` block ends, which costs far less for many objects (until
    then only this store has them); with "none" whenever the system comes to it, for scratch. A crash of the process
    alone never leaves an object under a wrong ID.

    What is stored are bytes as they are: a c4m file is not brought to its canonical form. Failures are StoreError, an
    OSError with `errno` and `filename`.

    >>> import io, tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     store = c4py.FSStore(directory)
    ...     c4id = store.put(io.BytesIO(b"hello world"))
    ...     with store.get(c4id) as content:
    ...         content.read(), len(store)
    (b'hello world', 1)
    """

    #: Threads that may call `put` at once.
    concurrency = 16

    def __init__(
        self,
        root: StrPath,
        *,
        split_threshold: int = SPLIT_THRESHOLD,
        durability: Literal["full", "batch", "none"] = "full",
    ) -> None:
        for argument, value, kind in (("split_threshold", split_threshold, int), ("durability", durability, str)):
            if not isinstance(value, kind):
                raise TypeError(f"{argument} must be {kind.__name__}, not {type(value).__name__}")
        if split_threshold < 0:
            raise ValueError(f"split_threshold must not be negative: {split_threshold}")
        if not os.fspath(root):
            raise ValueError("root must not be empty")
        self._settings = split_threshold, durability
        #: The core's store, which scans put into.
        self.tree = TreeStore(root, split_threshold, durability)
        _remember(self)

    @property
    def split_threshold(self) -> int:
        """Objects that a directory holds before it is split."""
        return self._settings[0]

    @split_threshold.setter
    def split_threshold(self, value: int) -> None:
        self.flush()
        self.__init__(self.tree.root, split_threshold=value, durability=self.durability)  # type: ignore[misc]

    @property
    def durability(self) -> Literal["full", "batch", "none"]:
        """When an object that was put survives a crash of the machine."""
        return self._settings[1]

    @property
    def root(self) -> Path:
        """The directory, as an absolute path."""
        from pathlib import Path

        return Path(self.tree.root)

    def has(self, c4id: C4ID | str) -> bool:
        """Say whether the store has an object. What has the name of an ID and is no regular file raises StoreError."""
        return self.tree.find(c4id) is not None

    def get(self, c4id: C4ID | str, *, verify: bool = False) -> BinaryIO:
        """Open an object for reading; the caller closes it.

        With `verify`, reading to the end raises StoreCorrupt if the bytes are not those of the ID; without it the
        stream is a file, which can seek. Raises ContentNotFound.
        """
        found = self.tree.open(c4id)
        if found is None:
            raise ContentNotFound(as_id(c4id))
        descriptor, path = found
        file = open(path, "rb", opener=lambda _path, _flags: descriptor)  # noqa: SIM115
        if not verify:
            return file
        from c4py.store.content import verified

        return verified(file, as_id(c4id))

    def open(self, c4id: C4ID | str, *, verify: bool = True) -> BinaryIO:
        """Open an object for reading, verified unless asked otherwise: see `get`."""
        return self.get(c4id, verify=verify)

    def put(self, source: BinaryIO) -> C4ID:
        """Store what is left in a binary stream, in bounded memory, and return its ID.

        Nothing is written of what the store has already. A stream that fails leaves nothing.
        """
        return self.tree.put(source)

    def path(self, c4id: C4ID | str) -> Path:
        """Give the path of an object, which a split of its directory moves. Raises ContentNotFound."""
        from pathlib import Path

        path = self.tree.find(c4id)
        if path is None:
            raise ContentNotFound(as_id(c4id))
        return Path(path)

    def remove(self, c4id: C4ID | str) -> bool:
        """Remove an object, and say whether there was one. Nothing is asked about who needs it: see `gc`."""
        return self.tree.remove(c4id)

    def flush(self) -> None:
        """Make what was put with durability "batch" durable.

        After StoreError, what was put since the last flush must be taken for lost, and put again.
        """
        self.tree.flush()

    def close(self) -> None:
        """Flush. The store can be used on."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def __contains__(self, c4id: object) -> bool:
        return self.has(c4id)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[C4ID]:
        """Give the IDs of all objects, in no order that means anything; those put meanwhile may be among them."""
        self.flush()
        return store_ids(self.tree.root) if self._is_made() else iter(())

    def __len__(self) -> int:
        """Count the objects. The whole directory is walked."""
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        """Be true: a store that holds nothing is a store."""
        return True

    def stats(self, *, progress: Progress = None) -> StoreStats:
        """Count objects, their bytes, and directories by depth. The whole directory is walked, and no object read."""
        from c4py.store.check import StoreStats, directory_stats

        self.flush()
        return directory_stats(self.tree.root, progress=progress) if self._is_made() else StoreStats(0, 0)

    def verify(
        self,
        *,
        sample: float | int | None = None,
        seed: int = 0,
        time_limit: float | timedelta | None = None,
        progress: Progress = None,
        workers: int | None = None,
        resume: StoreReport | C4ID | str | None = None,
        quarantine: bool = False,
        drop_cache: bool = False,
    ) -> StoreReport:
        """Hash the objects again and report what is not as it should be: see `c4py.store.check.verify_directory`."""
        from c4py.store.check import verify_directory

        self.flush()
        return verify_directory(
            self.tree.root,
            sample=sample,
            seed=seed,
            time_limit=time_limit,
            progress=progress,
            workers=workers,
            resume=resume,
            quarantine=quarantine,
            drop_cache=drop_cache,
        )

    def gc(
        self,
        roots: Manifest | C4ID | StrPath | Iterable[Manifest | C4ID | StrPath],
        dry_run: bool = True,
        *,
        grace: float | timedelta = 86_400.0,
        progress: Progress = None,
    ) -> GcReport:
        """Remove what no root refers to, or say what would go: see `c4py.store.check.collect_garbage`."""
        from c4py.store.check import collect_garbage

        self.flush()
        return collect_garbage(self.tree.root, roots, dry_run=dry_run, grace=grace, progress=progress)

    def _is_made(self) -> bool:
        """Say whether there is a directory: the first put makes it. What cannot be looked at is no empty store."""
        try:
            os.lstat(self.tree.root)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(error.errno, f"cannot look at the store: {error.strerror}", self.tree.root) from None
        return True

    def __del__(self) -> None:
        """Flush a store that is forgotten: what was put and not flushed would be lost."""
        if hasattr(self, "tree") and self.durability == "batch":
            self.flush()

    def __repr__(self) -> str:
        return f"FSStore({self.tree.root!r}, split_threshold={self.split_threshold}, durability={self.durability!r})"

    def __eq__(self, other: object) -> bool:
        return self.__getstate__() == other.__getstate__() if isinstance(other, FSStore) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.tree.root)

    def __getstate__(self) -> tuple[str, int, str]:
        """Pickle by the directory and its settings; what was put and not flushed stays with this process."""
        return self.tree.root, self.split_threshold, self.durability

    def __setstate__(self, state: tuple[str, int, Literal["full", "batch", "none"]]) -> None:
        root, split_threshold, durability = state
        self.__init__(root, split_threshold=split_threshold, durability=durability)  # type: ignore[misc]

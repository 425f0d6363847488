"""Several stores as one."""

from __future__ import annotations

from c4py._rust import C4ID
from c4py.errors import ContentNotFound
from c4py.store.content import verified
from c4py.store.protocol import Store, as_id
from c4py.store.report import StoreStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO, TypeVar

    from c4py._types import Progress
    from c4py.store.protocol import AnyStore

    T = TypeVar("T")


class MultiStore(Store):
    """Several stores as one: the first is written, all are read in order.

    A store that fails when it is asked hides nothing that a later one has; its failure is raised when none has it.
    That ends where a content is open: the one that gave it is read to the end. The stores are any that have `has`,
    `get` and `put`; `stores` is the tuple of them.

    >>> import io
    >>> fast, archive = c4py.MemoryStore(), c4py.MemoryStore()
    >>> c4id = archive.put(io.BytesIO(b"plate"))
    >>> store = c4py.MultiStore([fast, archive])
    >>> store.get(c4id).read()
    b'plate'
    >>> store.put(io.BytesIO(b"comp")) in fast
    True

    Raises ValueError for no stores, and TypeError for what is none.
    """

    stores: tuple[AnyStore, ...]

    def __init__(self, stores: Iterable[AnyStore]) -> None:
        try:
            self.stores = tuple(stores)
        except TypeError:
            raise TypeError(f"stores must be several stores, not {type(stores).__name__}") from None
        for store in self.stores:
            if isinstance(store, type) or not isinstance(store, Store):
                raise TypeError(f"a store has has(), get() and put(); {type(store).__name__} is none")
        if not self.stores:
            raise ValueError("stores must not be empty: the first is written")

    @property
    def concurrency(self) -> int:  # type: ignore[override]
        """Threads of a scan that may call `put` at once: as many as the first store allows."""
        return int(getattr(self.stores[0], "concurrency", 1))

    def has(self, c4id: C4ID | str) -> bool:
        """Say whether one of the stores has the content of an ID."""
        c4id = as_id(c4id)
        failure = None
        for store in self.stores:
            try:
                if store.has(c4id):
                    return True
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return False

    def get(self, c4id: C4ID | str, *, verify: bool = False) -> BinaryIO:
        """Open the content of an ID in the first store that has it; raise ContentNotFound where none has.

        With `verify`, reading to the end raises StoreCorrupt if the bytes do not have the ID.
        """
        c4id = as_id(c4id)
        failure: Exception = ContentNotFound(c4id)
        for store in self.stores:
            try:
                source = store.get(c4id)
            except ContentNotFound:
                continue
            except Exception as error:
                if isinstance(failure, ContentNotFound):
                    failure = error
                continue
            return verified(source, c4id) if verify else source
        raise failure

    def put(self, source: BinaryIO) -> C4ID:
        """Store what is left in a binary stream in the first store, and return its ID."""
        return self.stores[0].put(source)

    def open(self, c4id: C4ID | str, *, verify: bool = True) -> BinaryIO:
        """Open the content of an ID; with `verify`, reading to the end raises StoreCorrupt if it is not that."""
        return self.get(c4id, verify=verify)

    def remove(self, c4id: C4ID | str) -> bool:
        """Remove the content of an ID from the first store, and say whether it was there.

        The others are never written: what they have is still read.
        """
        remove: Callable[[C4ID], bool] = self._method(self.stores[0], "remove")
        return remove(as_id(c4id))

    def stats(self, *, progress: Progress = None) -> StoreStats:
        """Count the objects and bytes of all stores; content that two of them have counts twice.

        progress: what is given to the `stats` of each store.
        """
        # A store of one's own may take no argument, as long as nobody wants to know.
        given = {} if progress is None or progress is False else {"progress": progress}
        parts: list[StoreStats] = [self._method(store, "stats")(**given) for store in self.stores]
        levels = max(len(part.depths) for part in parts)
        whole = StoreStats(
            0, 0, [sum(sum(part.depths[level : level + 1]) for part in parts) for level in range(levels)]
        )
        for name in ("objects", "bytes", "misplaced", "stray", "temporary", "quarantined", "quarantined_bytes"):
            setattr(whole, name, sum(getattr(part, name) for part in parts))
        return whole

    def flush(self) -> None:
        """Wait until what was put is durable, where the first store has such a thing."""
        flush = getattr(self.stores[0], "flush", None)
        if flush is not None:
            flush()

    def close(self) -> None:
        """Close the stores that can be closed, all of them, then raise the first failure."""
        failure = None
        for store in self.stores:
            try:
                getattr(store, "close", bool)()
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _method(self, store: AnyStore, name: str) -> Callable[..., T]:
        method: Callable[..., T] | None = getattr(store, name, None)
        if method is None:
            raise TypeError(f"{type(store).__name__} has no {name}()")
        return method

    def __contains__(self, c4id: C4ID | str) -> bool:
        return self.has(c4id)

    def __iter__(self) -> Iterator[C4ID]:
        """Give each ID once, in bounded memory: an ID of a later store is asked for in the earlier ones."""
        for number, store in enumerate(self.stores):
            ids: Iterator[C4ID] = self._method(store, "__iter__")()
            for c4id in ids:
                if not any(earlier.has(c4id) for earlier in self.stores[:number]):
                    yield c4id

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> MultiStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"MultiStore({list(self.stores)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return MultiStore, (self.stores,)

"""What a content store is: the protocol.

A store keeps contents by their C4 IDs. Three methods make one: `has`, `get` and `put`. A class that has them works
wherever a store of this package does, whether it inherits from `Store` or not; one that inherits gets `open`, `in` and
`concurrency` with them. What is stored is bytes as they are: a store never canonicalises a c4m text (the identity of a
file that holds one is the caller's matter, see `c4py.identify_file`).
"""

from __future__ import annotations

import abc

from c4py._rust import C4ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta
    from typing import BinaryIO, Protocol

    from c4py._types import Progress
    from c4py.store.report import StoreReport

    class AnyStore(Protocol):
        """What makes a store: a class that inherits from Store, or not."""

        def has(self, c4id: C4ID, /) -> bool:
            """Say whether the store has the content of an ID."""

        def get(self, c4id: C4ID, /) -> BinaryIO:
            """Open the content of an ID; raise ContentNotFound where there is none."""

        def put(self, source: BinaryIO, /) -> C4ID:
            """Store what is left in a binary stream, and return its ID."""


class Store(abc.ABC):
    """A place that keeps contents by their C4 IDs.

    A class of one's own has `has(c4id)`, `get(c4id)`, which returns a binary stream or raises ContentNotFound, and
    `put(source)`, which reads a binary stream to its end and returns the ID of what it read. The package calls them
    with a C4ID. `isinstance(thing, Store)` asks for the three methods, not for the base class.

    `concurrency` is how many threads may call `put` at once. Where it is 1, only the thread that called `scan`
    does, so that a store over a database connection of that thread is safe.

    >>> import io
    >>> class Shelf(c4py.Store):
    ...     def __init__(self):
    ...         self.contents = {}
    ...     def has(self, c4id):
    ...         return c4id in self.contents
    ...     def get(self, c4id):
    ...         if c4id not in self.contents:
    ...             raise c4py.ContentNotFound(c4id)
    ...         return io.BytesIO(self.contents[c4id])
    ...     def put(self, source):
    ...         data = source.read()
    ...         c4id = c4py.identify_bytes(data)
    ...         self.contents[c4id] = data
    ...         return c4id
    >>> shelf = Shelf()
    >>> c4id = shelf.put(io.BytesIO(b"frame 1"))
    >>> c4id in shelf, shelf.open(c4id).read()
    (True, b'frame 1')
    """

    #: Threads that may call `put` at once.
    concurrency: int = 1

    @abc.abstractmethod
    def has(self, c4id: C4ID) -> bool:
        """Say whether the store has the content of an ID."""

    @abc.abstractmethod
    def get(self, c4id: C4ID) -> BinaryIO:
        """Open the content of an ID; raise ContentNotFound where there is none."""

    @abc.abstractmethod
    def put(self, source: BinaryIO) -> C4ID:
        """Store what is left in a binary stream, and return its ID."""

    def open(self, c4id: C4ID | str, *, verify: bool = True) -> BinaryIO:
        """Open the content of an ID; with `verify`, reading to the end raises StoreCorrupt if it is not that."""
        from c4py.store.content import verified

        c4id = as_id(c4id)
        source = self.get(c4id)
        return verified(source, c4id) if verify else source

    def verify(
        self,
        *,
        sample: float | int | None = None,
        seed: int = 0,
        time_limit: float | timedelta | None = None,
        progress: Progress = None,
        workers: int | None = None,
        resume: StoreReport | C4ID | str | None = None,
    ) -> StoreReport:
        """Read all content, compare it with its IDs and report: see `c4py.store.check.verify_store`.

        The store must list its objects. workers: threads that read, by default up to 8 where the store allows several.
        """
        from c4py.store.check import verify_store

        return verify_store(
            self,  # type: ignore[arg-type]  # those that list nothing raise TypeError
            sample=sample,
            seed=seed,
            time_limit=time_limit,
            progress=progress,
            workers=min(self.concurrency, 8) if workers is None else workers,
            resume=resume,
        )

    def __contains__(self, c4id: C4ID | str) -> bool:
        return self.has(as_id(c4id))

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        is_one = cls is Store and all(callable(getattr(other, name, None)) for name in ("has", "get", "put"))
        return is_one or NotImplemented


def as_id(c4id: C4ID | str) -> C4ID:
    """Take an ID as a user gives it: as one, or as its text.

    Raises TypeError for anything else, bytes included, and InvalidC4ID for a text that is no ID.
    """
    if isinstance(c4id, C4ID):
        return c4id
    if not isinstance(c4id, str):
        raise TypeError(f"c4id must be C4ID or str, not {type(c4id).__name__}")
    return C4ID(c4id)

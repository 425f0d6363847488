"""A store in memory, for tests and for what is small."""

from __future__ import annotations

import _thread
import io

from c4py._rust import C4ID, identify_bytes
from c4py.errors import ContentNotFound
from c4py.store.content import pieces, verified
from c4py.store.protocol import Store, as_id
from c4py.store.report import StoreStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from c4py._types import Progress


class MemoryStore(Store):
    """A store that holds its contents in memory; threads may use it at once.

    Pickling takes the contents along: what comes out is another store.

    >>> import io
    >>> store = c4py.MemoryStore()
    >>> c4id = store.put(io.BytesIO(b"hello world"))
    >>> store.get(c4id).read()
    b'hello world'
    >>> len(store), c4id in store
    (1, True)
    """

    #: Threads of a scan that may call `put` at once.
    concurrency = 16

    def __init__(self) -> None:
        # `threading` is not worth importing for one lock.
        self._lock = _thread.allocate_lock()
        self._contents: dict[C4ID, bytes] = {}

    def has(self, c4id: C4ID | str) -> bool:
        """Say whether the store has the content of an ID."""
        return as_id(c4id) in self._contents

    def get(self, c4id: C4ID | str, *, verify: bool = False) -> BinaryIO:
        """Open the content of an ID; raise ContentNotFound where there is none.

        With `verify`, reading to the end raises StoreCorrupt if the bytes do not have the ID.
        """
        c4id = as_id(c4id)
        try:
            source = io.BytesIO(self._contents[c4id])
        except KeyError:
            raise ContentNotFound(c4id) from None
        return verified(source, c4id) if verify else source

    def put(self, source: BinaryIO) -> C4ID:
        """Store what is left in a binary stream, and return its ID; nothing is stored of a stream that fails."""
        content = b"".join(pieces(source))
        c4id = identify_bytes(content)
        with self._lock:
            self._contents.setdefault(c4id, content)
        return c4id

    def open(self, c4id: C4ID | str, *, verify: bool = True) -> BinaryIO:
        """Open the content of an ID; with `verify`, reading to the end raises StoreCorrupt if it is not that."""
        return self.get(c4id, verify=verify)

    def remove(self, c4id: C4ID | str) -> bool:
        """Remove the content of an ID, and say whether it was there."""
        c4id = as_id(c4id)
        with self._lock:
            return self._contents.pop(c4id, None) is not None

    def stats(self, *, progress: Progress = None) -> StoreStats:  # noqa: ARG002 - it is quick
        """Count the objects and their bytes."""
        with self._lock:
            return StoreStats(len(self._contents), sum(map(len, self._contents.values())))

    def flush(self) -> None:
        """Do nothing: there is nothing to wait for."""

    def close(self) -> None:
        """Do nothing: the contents stay."""

    def __contains__(self, c4id: C4ID | str) -> bool:
        return self.has(c4id)

    def __iter__(self) -> Iterator[C4ID]:
        with self._lock:
            return iter(list(self._contents))

    def __len__(self) -> int:
        return len(self._contents)

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> MemoryStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<MemoryStore of {len(self):,} objects>"

    def __reduce__(self) -> tuple[object, ...]:
        with self._lock:
            return _memory_store, (dict(self._contents),)


def _memory_store(contents: dict[C4ID, bytes]) -> MemoryStore:
    store = MemoryStore()
    store._contents.update(contents)
    return store

"""Bytes on their way into and out of a store.

`verified` wraps a stream of content so that whoever reads it to its end knows that it is what its ID says; `pieces`
reads a user's stream in bounded memory. Neither holds more than a buffer.
"""

from __future__ import annotations

import io

from c4py._rust import C4ID
from c4py.errors import StoreCorrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Protocol

    class Source(Protocol):
        """What can be read and closed."""

        def read(self, size: int, /) -> bytes | None:
            """Read up to so many bytes; none at the end."""

        def close(self) -> None:
            """Close."""


#: Bytes asked of a stream at once, and the buffer of a reader: a SHA-512 of so many takes far longer than the call.
READ_BYTES = 256 * 1024


def pieces(source: BinaryIO) -> Iterator[bytes]:
    """Read what is left in a binary stream, piece by piece.

    Raises TypeError, with the argument's name, for what is no binary stream, and BlockingIOError for one that has
    nothing to give at the moment and does not wait.
    """
    read = getattr(source, "read", None)
    if not callable(read):
        raise TypeError(f"source must be a binary stream, not {type(source).__name__}")
    while True:
        piece = read(READ_BYTES)
        if piece is None:
            raise BlockingIOError("source has nothing to read now, and does not wait")
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"source must be a binary stream: its read() gives {type(piece).__name__}, not bytes")
        if not piece:
            return
        yield bytes(piece)


def verified(source: Source, c4id: C4ID) -> io.BufferedReader:
    """Read a stream that must have the content of an ID.

    At the end of the bytes StoreCorrupt is raised if they are not that content, so that truncated content is not taken
    for whole. Until then nothing is known: whoever stops early, or closes, has read bytes that nobody vouches for.
    Closing closes the source. The reader is not seekable. A fresh reader of this kind and ID is returned as it is.
    """
    if isinstance(source, io.BufferedReader) and isinstance(source.raw, _Verified) and source.raw.is_fresh(c4id):
        return source
    return io.BufferedReader(_Verified(source, c4id), READ_BYTES)


class _Verified(io.RawIOBase):
    """Reads a source and hashes what it gives."""

    def __init__(self, source: Source, c4id: C4ID) -> None:
        import hashlib

        self._source = source
        self._c4id = c4id
        self._hash = hashlib.sha512()
        self._was_read = False

    def is_fresh(self, c4id: C4ID) -> bool:
        """Say whether this is of an ID, and still at its beginning."""
        return self._c4id == c4id and not self._was_read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int | None:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        self._was_read = True
        piece = self._source.read(len(view))
        if piece is None:
            return None
        if not piece and len(view):
            actual = C4ID(self._hash.digest())
            if actual != self._c4id:
                raise StoreCorrupt(self._c4id, actual)
            return 0
        # A source that gives more than was asked for fails here, by ValueError, rather than lose bytes.
        view[: len(piece)] = piece
        self._hash.update(piece)
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            try:
                super().close()
            finally:
                self._source.close()

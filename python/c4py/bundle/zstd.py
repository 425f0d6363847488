"""Frames of zstd, followed on their way into the decompressor (RFC 8878, section 3.1).

The decompressor of `zstandard` takes a file that was cut off for one that ended: its stream reader has no word for the
difference, and what has one gives all that a piece becomes at once, in memory without bound.
"""

from __future__ import annotations

from c4py.bundle.tar import ended_early

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

#: How frames begin that hold no data: this and the fifteen numbers after it.
SKIPPABLE = 0x184D2A50

#: Bytes of the fields of a header, by what its descriptor says of them.
DICTIONARY_ID, CONTENT_SIZE = (0, 1, 2, 4), (0, 2, 4, 8)

#: The type of a block of one byte that is repeated.
REPEATED = 1


class ZstdFrames:
    """A file of frames, to be read to its end; raises BundleError where that is not the end of a frame."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # Bytes that follow before the next header, and those of a header that is not whole.
        self._to_skip = 0
        self._header = b""
        self._is_in_frame = False
        self._checksum = 0

    def read(self, size: int) -> bytes:
        """Read up to so many bytes."""
        data = self._file.read(size)
        if data:
            self._follow(data)
        elif self._to_skip or self._header or self._is_in_frame:
            raise ended_early()
        return data

    def _follow(self, data: bytes) -> None:
        data = self._header + data
        at = 0
        while True:
            step = min(self._to_skip, len(data) - at)
            at += step
            self._to_skip -= step
            taken = 0 if self._to_skip else self._block(data, at) if self._is_in_frame else self._frame(data, at)
            if not taken:
                break
            at += taken
        self._header = data[at:]

    def _block(self, data: bytes, at: int) -> int:
        """Take the header of a block and return its length, 0 where it is not whole."""
        if len(data) - at < 3:
            return 0
        header = int.from_bytes(data[at : at + 3], "little")
        self._to_skip = 1 if header >> 1 & 3 == REPEATED else header >> 3
        if header & 1:
            self._to_skip += self._checksum
            self._is_in_frame = False
        return 3

    def _frame(self, data: bytes, at: int) -> int:
        """Take the beginning of a frame's header and return its length, 0 where it is not whole."""
        if len(data) - at < 8:
            # The smallest frame has nine bytes, and one that is skipped has eight.
            return 0
        if int.from_bytes(data[at : at + 4], "little") & ~15 == SKIPPABLE:
            self._to_skip = int.from_bytes(data[at + 4 : at + 8], "little")
            return 8
        descriptor = data[at + 4]
        is_single = descriptor >> 5 & 1
        self._to_skip = DICTIONARY_ID[descriptor & 3] + max(CONTENT_SIZE[descriptor >> 6], is_single) + (1 - is_single)
        self._checksum = 4 if descriptor & 4 else 0
        self._is_in_frame = True
        return 5

"""Types of arguments; imported by type checkers only."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, TypedDict

from c4py._rust import Entry, EntryView, ScanStats

#: A path of a user's choice.
StrPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


#: Entries that something has found.
Entries: TypeAlias = "EntryView | Sequence[Entry]"


class ProgressObserver(Protocol):
    """An object that is told how far a scan is."""

    def update(self, stats: ScanStats, /) -> object:
        """Take note."""


#: A function of (path, done, total), True for a line on stderr, an object with `update(ScanStats)`, or None.
Progress: TypeAlias = Callable[[str, int, int], object] | ProgressObserver | bool | None

#: bytes, bytearray, memoryview, mmap, an array: what `memoryview` takes.
ReadableBuffer: TypeAlias = "bytes | bytearray | memoryview | SupportsBuffer"


class SupportsBuffer(Protocol):
    """An object with the buffer protocol."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """Give a view."""


class ScanOptions(TypedDict):
    """Options of a scan, as the extension module takes them."""

    mode: str
    hidden: bool
    exclude: list[str | bytes]
    exclude_file_name: bytes | None
    follow_symlinks: bool
    link_ids: str
    sequences: bool
    workers: int | None

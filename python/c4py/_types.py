"""Types of arguments; imported by type checkers only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias, TypedDict, overload

from typing_extensions import ParamSpec

from c4py._rust import C4ID, Entry, Manifest, ScanIssue, ScanStats

#: A path of a user's choice.
StrPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class ProgressObserver(Protocol):
    """An object that is told how far work is."""

    def update(self, stats: ScanStats, /) -> object:
        """Take note."""


#: What a function that is told is called with: (path, done, total), where an argument of Progress says nothing else.
_Told = ParamSpec("_Told", default=[str, int, int])

#: What `progress` may be, for every function that takes it: see `c4py.progress`.
Progress: TypeAlias = Callable[_Told, object] | ProgressObserver | bool | None

#: bytes, bytearray, memoryview, mmap, an array: what `memoryview` takes.
ReadableBuffer: TypeAlias = "bytes | bytearray | memoryview | SupportsBuffer"


class SupportsBuffer(Protocol):
    """An object with the buffer protocol."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """Give a view."""


class TextWriter(Protocol):
    """A text file that is open for writing, or whatever takes text as one does."""

    def write(self, text: str, /) -> object:
        """Take a text."""


class SupportsArrowStream(Protocol):
    """An object with the Arrow PyCapsule interface for streams: a data frame, a table, a query."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give a capsule."""


class SupportsArrowArray(Protocol):
    """An object with the Arrow PyCapsule interface for arrays: a record batch."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Give the capsules of the schema and of the array."""


#: A table of any library.
SupportsArrow: TypeAlias = SupportsArrowStream | SupportsArrowArray


class ScanOptions(TypedDict):
    """Options of a scan, as the extension module takes them."""

    mode: str
    hidden: bool
    exclude: list[str | bytes]
    exclude_file_name: bytes | None
    follow_symlinks: bool
    link_ids: str
    link_guide: Manifest | None
    sequences: bool
    workers: int | None
    only: Manifest | None
    guide: Manifest | None
    cache: StrPath | None


class VerifyOptions(TypedDict):
    """Options of a store's verification, as the extension module takes them."""

    sample: float | None
    seed: int
    time_limit: float | None
    workers: int | None
    resume: C4ID | None
    quarantine: bool
    drop_cache: bool


class VerifyTreeOptions(TypedDict):
    """Options of a directory's verification, as the extension module takes them."""

    quick: bool
    sample: float | None
    metadata: bool
    drop_cache: bool
    workers: int | None


class Entries(Protocol):
    """Entries in a row."""

    def __len__(self) -> int:
        """How many."""

    def __iter__(self) -> Iterator[Entry]:
        """One after the other."""

    @overload
    def __getitem__(self, index: int, /) -> Entry: ...

    @overload
    def __getitem__(self, index: slice, /) -> Entries: ...


class Move(Protocol):
    """An entry that is at another path."""

    @property
    def old(self) -> Entry:
        """The entry where it was."""

    @property
    def new(self) -> Entry:
        """The entry where it is."""


class Differences(Protocol):
    """What differs between two manifests; a DiffResult."""

    @property
    def added(self) -> Entries:
        """Entries that only the second has."""

    @property
    def removed(self) -> Entries:
        """Entries that only the first has."""

    @property
    def modified(self) -> Entries:
        """Entries of the second that differ."""

    @property
    def same(self) -> Entries:
        """Entries that agree."""

    @property
    def moved(self) -> Sequence[Move]:
        """Entries that were removed here and added there."""

    @property
    def errors(self) -> Sequence[ScanIssue]:
        """What could not be read."""

    def summary(self) -> str:
        """Say it in a line."""

"""What the reports are written from; imported by type checkers only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from c4py._rust import C4ID
from c4py._types import Move


class Corrupt(Protocol):
    """A file whose content is not what the manifest says."""

    @property
    def path(self) -> str:
        """Where it is, in the manifest."""

    @property
    def expected(self) -> C4ID:
        """The ID in the manifest."""

    @property
    def actual(self) -> C4ID:
        """The ID of what was read."""


class Unreadable(Protocol):
    """A file that is there and could not be read."""

    @property
    def path(self) -> str:
        """Where it is, in the manifest."""

    @property
    def message(self) -> str:
        """Why."""


class Changed(Protocol):
    """A field of an entry that is not what the manifest says."""

    @property
    def path(self) -> str:
        """Where the entry is, in the manifest."""

    @property
    def field(self) -> str:
        """The name of the field: mode, time, size, type or target."""

    @property
    def expected(self) -> str:
        """What the manifest says, as it writes it."""

    @property
    def actual(self) -> str:
        """What was found, in the same form."""


class Report(Protocol):
    """A verification; a VerifyReport."""

    @property
    def ok(self) -> Sequence[str]:
        """Paths that are as the manifest says, content included."""

    @property
    def missing(self) -> Sequence[str]:
        """Paths that only the manifest has."""

    @property
    def extra(self) -> Sequence[str]:
        """Paths that only the directory has."""

    @property
    def unverified(self) -> Sequence[str]:
        """Paths that agree as far as was looked; their content was not read, or there is no ID to compare it with."""

    @property
    def corrupt(self) -> Sequence[Corrupt]:
        """Files with other content."""

    @property
    def canonical_only(self) -> Sequence[Corrupt]:
        """Manifests with other bytes, which in canonical form are those expected."""

    @property
    def unreadable(self) -> Sequence[Unreadable]:
        """Files that could not be read."""

    @property
    def changed(self) -> Sequence[Changed]:
        """Fields that differ."""

    @property
    def moved(self) -> Sequence[Move]:
        """Missing and extra paths with the same content."""

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed."""

    @property
    def mode(self) -> Literal["full", "quick", "sample"]:
        """How much content was read."""

    @property
    def sample(self) -> float | None:
        """The share of files that was read."""

    @property
    def metadata(self) -> bool:
        """Whether modes and times were compared."""

    @property
    def accept_canonical(self) -> bool:
        """Whether what is in `canonical_only` is right."""

    @property
    def root(self) -> str:
        """The directory."""

    @property
    def manifest_path(self) -> str | None:
        """The file of the manifest."""

    @property
    def manifest_id(self) -> C4ID:
        """The ID of the manifest."""

    @property
    def started(self) -> datetime:
        """When it began, in UTC."""

    @property
    def ended(self) -> datetime:
        """When it was done, in UTC."""

    @property
    def files_total(self) -> int:
        """Files in the manifest."""

    @property
    def files_read(self) -> int:
        """Files whose content was read."""

    @property
    def bytes_total(self) -> int:
        """Bytes of the files in the manifest."""

    @property
    def bytes_read(self) -> int:
        """Bytes that were read."""

    @property
    def workers(self) -> int:
        """Threads that read."""

    @property
    def cache_dropped(self) -> bool | None:
        """Whether what was read came from the disk and not from memory; None: not asked for."""

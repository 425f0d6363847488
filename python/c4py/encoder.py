"""A manifest becomes text."""

from __future__ import annotations

import io
import os

from c4py._replace import replace_path
from c4py._rust import Entry, Manifest, dumps_bytes, format_mode, format_name
from c4py._rust import dumps as _dumps
from c4py.entry import NULL_TIMESTAMP, FlowDirection, format_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, TypeGuard

    from c4py._types import StrPath

__all__ = [
    "NULL_TIMESTAMP",
    "Entry",
    "FlowDirection",
    "Manifest",
    "dump",
    "dumps",
    "format_mode",
    "format_name",
    "format_target",
]


def dumps(manifest: Manifest, *, pretty: bool = False) -> str:
    r"""Write a manifest as text: every entry in canonical order, indented by two spaces a level.

    `pretty` gives the form for people: local time, sizes with commas, IDs in a column. Both forms read back.

    Raises ValueError for an entry whose time is outside the years 0 to 9999.

    >>> import c4py
    >>> c4py.dumps(c4py.Manifest([c4py.Entry("a", size=1)]))
    '- - 1 a -\n'
    """
    return _dumps(manifest, pretty=pretty)


def dump(manifest: Manifest, dest: StrPath | IO[str] | IO[bytes], *, pretty: bool = False) -> None:
    """Write a manifest to a path, or to an open text or binary file.

    A file at a path is replaced as a whole or not at all: it is written beside its place, made durable, and renamed.
    A symbolic link at the path stays, and what it points at is replaced.
    """
    text = dumps_bytes(manifest, pretty=pretty)
    if isinstance(dest, (str, bytes, os.PathLike)):
        replace_path(os.fspath(dest), text)
    elif not hasattr(dest, "write"):
        raise TypeError(f"dest must be a path or an open file, not {type(dest).__name__}")
    elif isinstance(dest, io.RawIOBase):
        with memoryview(text) as rest:
            written = 0
            while written < len(rest):
                # A file without a buffer writes as much as the system takes.
                written += dest.write(rest[written:]) or 0
    elif _is_binary(dest):
        dest.write(text)
    else:
        dest.write(text.decode())  # type: ignore[call-overload]


def _is_binary(file: IO[str] | IO[bytes]) -> TypeGuard[IO[bytes]]:
    if isinstance(file, io.TextIOBase):
        return False
    return isinstance(file, io.IOBase) or "b" in str(getattr(file, "mode", ""))

"""Tar files, as far as bundles are some: regular files in a stream, nothing else.

`tarfile` is not used for reading: it holds what a header claims in memory, and knows links, devices and sparse files,
which a bundle has none of. Read are the formats ustar, pax and GNU; memory is bounded whatever a header says.
"""

from __future__ import annotations

import io

from c4py.errors import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

BLOCK = 512

#: Bytes of a header that extends another: a name and a size. Names in a tree have at most 255 bytes each.
MAX_EXTENSION = 64 * 1024

#: Bytes that may follow the end of an archive, as padding. GNU tar pads to 10 KiB, tapes to more.
MAX_PADDING = 1024 * 1024

REGULAR, DIRECTORY, PAX, GNU_NAME = b"0\0", b"5", b"x", b"L"


class Member(io.RawIOBase):
    """A member of an archive: its name as it stands there, its size, whether it is a directory; and its bytes."""

    def __init__(self, archive: BinaryIO, name: str, size: int, *, is_directory: bool) -> None:
        super().__init__()
        self.name = name
        self.size = size
        self.is_directory = is_directory
        self._archive = archive
        self._left = size

    def readable(self) -> bool:
        """Be readable."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read bytes of the member; raises BundleError where the archive ends before it does."""
        view = memoryview(buffer).cast("B")
        piece = self._archive.read(min(len(view), self._left))
        if not piece and self._left and len(view):
            raise ended_early()
        view[: len(piece)] = piece
        self._left -= len(piece)
        return len(piece)

    def skip(self) -> None:
        """Go to where the next member begins."""
        to_skip = self._left + -self.size % BLOCK
        while to_skip:
            piece = self._archive.read(min(to_skip, 1024 * 1024))
            if not piece:
                raise ended_early()
            to_skip -= len(piece)
        self._left = 0


def ended_early() -> BundleError:
    """Say that an archive is not whole."""
    return BundleError("the file ends early")


def members(archive: BinaryIO) -> Iterator[Member]:
    """Give the members of an archive, each to be read before the next is asked for.

    Raises BundleError for what is no tar file, for a member that is neither a regular file nor a directory, and for an
    archive without an end, or with more after it.
    """
    name: str | None = None
    size: int | None = None
    while True:
        header = _read(archive, BLOCK)
        if not header.strip(b"\0"):
            break
        if not _is_header(header):
            raise BundleError("not a tar file, or damaged")
        kind = header[156:157]
        own_size = _number(header[124:136])
        if kind in (PAX, GNU_NAME):
            if own_size > MAX_EXTENSION:
                raise BundleError("a header of the tar file is too large")
            text = _read(archive, own_size)
            _read(archive, -own_size % BLOCK)
            if kind == GNU_NAME:
                name = _text(text.rstrip(b"\0"))
            else:
                pax = _pax(text)
                name = _text(pax[b"path"]) if b"path" in pax else name
                size = _size(pax[b"size"]) if b"size" in pax else size
            continue
        member_name = _name(header) if name is None else name
        if kind not in REGULAR and kind != DIRECTORY:
            raise BundleError("neither a regular file nor a directory", member_name)
        member_size = own_size if size is None else size
        is_directory = kind == DIRECTORY
        member = Member(archive, member_name, 0 if is_directory else member_size, is_directory=is_directory)
        yield member
        member.skip()
        name = size = None
    padding = 0
    while piece := archive.read(64 * 1024):
        padding += len(piece)
        if padding > MAX_PADDING or piece.strip(b"\0"):
            raise BundleError("something follows the end of the tar file")
    if padding < BLOCK:
        raise ended_early()


def header(name: str, size: int, mode: int) -> bytes:
    """Write the header of a regular file: of no owner, of no time, the same wherever it is written."""
    import tarfile

    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = mode
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _read(archive: BinaryIO, size: int) -> bytes:
    """Read so many bytes, which are few."""
    data = b""
    while len(data) < size:
        piece = archive.read(size - len(data))
        if not piece:
            raise ended_early()
        data += piece
    return data


def _is_header(header: bytes) -> bool:
    """Compare a header with its checksum: the sum of its bytes, those of the checksum taken for spaces."""
    expected = header[148:156].strip(b" \0")
    total = sum(header[:148]) + sum(header[156:]) + 8 * ord(" ")
    return expected.isdigit() and int(expected, 8) == total if expected.strip(b"01234567") == b"" else False


def _number(field: bytes) -> int:
    """Read a number: octal digits, or after a byte of 0x80 the bytes of a larger one. A negative one is none."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise BundleError("a header of the tar file is damaged")
    return int(digits or b"0", 8)


def _size(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 20:
        raise BundleError("a header of the tar file is damaged")
    return int(digits)


def _name(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    # Where GNU tar has times, ustar has the directories of a long name.
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _pax(text: bytes) -> dict[bytes, bytes]:
    """Read the records of a pax header: length, space, key, equals sign, value, line end."""
    records: dict[bytes, bytes] = {}
    while text:
        length, _, _ = text.partition(b" ")
        if not (length.isdigit() and len(length) < 7 and len(length) + 2 < int(length) <= len(text)):
            raise BundleError("a header of the tar file is damaged")
        record = text[len(length) + 1 : int(length)]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise BundleError("a header of the tar file is damaged")
        records[key] = value[:-1]
        text = text[int(length) :]
    return records

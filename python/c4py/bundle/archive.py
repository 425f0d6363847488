"""A bundle as one file: a tar file, compressed or not, written and read as a stream."""

from __future__ import annotations

import contextlib
import io
import os
import zlib

from c4py._replace import NewFile, open_directory, open_regular
from c4py._rust import C4ID
from c4py.bundle import IDS, MANIFEST_SUFFIX, SCRIPT, STORE
from c4py.bundle.contents import EMPTY, open_content, total_size, write_ids
from c4py.bundle.script import extract_script
from c4py.bundle.tar import BLOCK, Member, header, members
from c4py.bundle.zstd import ZstdFrames
from c4py.errors import BundleError, InvalidC4ID, NotARegularFile, StoreCorrupt
from c4py.pool import PoolResult
from c4py.progress import Steps
from c4py.store.content import READ_BYTES
from c4py.store.tree import SPLIT_THRESHOLD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

    from c4py._types import Progress, StrPath
    from c4py.bundle.contents import Contents
    from c4py.bundle.intake import Intake

#: How names end, and how such a file is compressed.
COMPRESSIONS = {".tar": "", ".tar.gz": "gzip", ".tgz": "gzip", ".tar.zst": "zstd", ".tzst": "zstd"}

#: Content of a store that is no file waits in memory up to this size, larger content in a temporary file: the header
#: of a member, which has its size, comes first.
IN_MEMORY = 16 * 1024 * 1024

#: What is no object is at most so many times as large as the compressed file it comes from: IDs do not compress, and a
#: manifest in which hardly anything has one not so well. What such a file can grow to would have no bound otherwise.
MAX_RATIO = 1000


def compression_of(path: str) -> str | None:
    """Say how a file of this name is compressed: "", "gzip", "zstd"; None where it is no archive."""
    return next((found for suffix, found in COMPRESSIONS.items() if path.endswith(suffix)), None)


def write_archive(contents: Contents, output: str, compression: str, progress: Progress) -> PoolResult:
    """Write a bundle as one file, which appears when it is whole."""
    result = PoolResult()
    place, name = os.path.split(os.path.realpath(output))
    directory = open_directory(place)
    try:
        with NewFile(directory, name) as file, Steps(progress) as steps:
            with _compressed(file, compression) as archive:
                _write_members(contents, archive, result, steps)
            file.replace()
    finally:
        os.close(directory)
    return result


def _write_members(contents: Contents, archive: _Sink, result: PoolResult, steps: Steps) -> None:
    ids = contents.ids
    _write_member(archive, IDS, sum(map(len, write_ids(ids))), write_ids(ids))
    for name, text, mode in (
        (contents.name, contents.text, 0o644),
        (SCRIPT, extract_script(contents.name, contents.text_id), 0o755),
    ):
        _write_member(archive, name, len(text), [text], mode)
    missing: set[C4ID] = set()
    objects = sorted({*ids, *contents.listings()})
    sizes = contents.sizes(steps)
    steps.total = len(objects)
    steps.bytes_total = total_size({c4id for _, c4id in contents.needed}, sizes)
    for done, c4id in enumerate(objects):
        # What no entry needs, a listing or the text itself, is small, and in no total.
        steps.begin(str(c4id), done, sizes.get(c4id, 0 if steps.bytes_total else -1))
        path = _object_path(c4id, len(objects))
        if c4id == contents.text_id:
            _write_member(archive, path, len(contents.text), [contents.text], 0o444)
            continue
        try:
            if not _write_object(contents, archive, c4id, path, steps):
                missing.add(c4id)
        except StoreCorrupt as error:
            needed_for = next((place for place, needed in contents.needed if needed == c4id), None)
            raise StoreCorrupt(error.c4id, error.actual, needed_for) from None
    steps.end(len(objects))
    archive.write(b"\0" * 2 * BLOCK)
    written: set[C4ID] = set()
    for place, c4id in contents.needed:
        if c4id in missing:
            result.missing += 1
            result.missing_paths.append((place, c4id))
        elif c4id in written:
            result.skipped += 1
        else:
            result.copied += 1
            written.add(c4id)


def _object_path(c4id: C4ID, count: int) -> str:
    """Give the path of an object: in the store's root, or where that would hold too many, as after two splits."""
    name = str(c4id)
    return f"{STORE}/{name}" if count <= SPLIT_THRESHOLD else f"{STORE}/{name[:2]}/{name[2:4]}/{name}"


def _write_object(contents: Contents, archive: _Sink, c4id: C4ID, path: str, steps: Steps) -> bool:
    """Write an object and say whether the store has it."""
    source = open_content(contents.store, c4id)
    if source is None:
        return False
    with source:
        size = 0 if c4id == EMPTY else _file_size(contents.store, c4id)
        if size is not None:
            _write_member(archive, path, size, _pieces(steps.reading(source)), 0o444)
            return True
        import tempfile

        with tempfile.SpooledTemporaryFile(IN_MEMORY) as spooled:
            for piece in _pieces(steps.reading(source)):
                spooled.write(piece)
            size = spooled.tell()
            spooled.seek(0)
            _write_member(archive, path, size, _pieces(spooled), 0o444)  # type: ignore[arg-type]
    return True


def _file_size(store: object, c4id: C4ID) -> int | None:
    """Give the size of an object that is a file, None where it is none."""
    from c4py.store.tree import FSStore

    if not isinstance(store, FSStore):
        return None
    path = store.tree.find(c4id)
    return None if path is None else os.stat(path).st_size


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    while piece := source.read(READ_BYTES):
        yield piece


def _write_member(archive: _Sink, name: str, size: int, data: Any, mode: int = 0o644) -> None:
    archive.write(header(name, size, mode))
    written = 0
    for piece in data:
        archive.write(piece)
        written += len(piece)
    if written != size:
        # An object that is sound as far as it goes, and whose file has grown or shrunk: its hash says so before.
        raise BundleError("the size changed while it was read", name)
    archive.write(b"\0" * (-size % BLOCK))


class _Sink:
    """Writes into a file through a compressor, if there is one."""

    def __init__(self, file: NewFile, compressor: Any) -> None:
        self._file = file
        self._compressor = compressor

    def write(self, data: bytes) -> None:
        """Write bytes."""
        if self._compressor is not None:
            data = self._compressor.compress(data)
        if data:
            self._file.write(data)

    def finish(self) -> None:
        """Write what the compressor holds."""
        if self._compressor is not None:
            self._file.write(self._compressor.flush())


@contextlib.contextmanager
def _compressed(file: NewFile, compression: str) -> Iterator[_Sink]:
    compressor: Any = None
    if compression == "gzip":
        # Of the header of a gzip file zlib writes no name and no time.
        compressor = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    elif compression == "zstd":
        compressor = _zstd().ZstdCompressor(write_checksum=True).compressobj()
    sink = _Sink(file, compressor)
    yield sink
    sink.finish()


def _zstd() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise ImportError("bundles with zstd need zstandard: pip install 'c4py[zstd]'") from error
    return zstandard


def read_archive(path: StrPath, intake: Intake) -> None:
    """Hand over what is in a bundle, in one pass and bounded memory."""
    try:
        descriptor = open_regular(os.path.realpath(os.fsdecode(path)))
    except NotARegularFile:
        raise NotARegularFile(None, "neither a directory nor a regular file", path) from None
    with open(descriptor, "rb") as file:
        archive, limit = _decompressed(file, os.fstat(file.fileno()).st_size)
        taken: set[str] = set()
        try:
            for member in members(archive):
                _take(member, limit, taken, intake)
        except (EOFError, zlib.error) as error:
            raise BundleError(f"the compressed file is damaged: {error}") from None
        except OSError as error:
            if type(error).__name__ == "BadGzipFile":
                raise BundleError(f"the compressed file is damaged: {error}") from None
            raise
        except Exception as error:
            if type(error).__name__ == "ZstdError":
                raise BundleError(f"the compressed file is damaged: {error}") from None
            raise
    if not taken:
        raise BundleError("no bundle: it has neither content nor a manifest")


def _decompressed(file: BinaryIO, size: int) -> tuple[BinaryIO, int]:
    """Give the stream of an archive, by what its first bytes are, and how large what is no object may be."""
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        import gzip

        return io.BufferedReader(gzip.GzipFile(fileobj=file), READ_BYTES), MAX_RATIO * size
    if magic == b"\x28\xb5\x2f\xfd":
        # It refuses windows of more than 128 MiB.
        reader = _zstd().ZstdDecompressor().stream_reader(ZstdFrames(file), read_across_frames=True, closefd=False)
        return io.BufferedReader(reader, READ_BYTES), MAX_RATIO * size
    return file, size


def _take(member: Member, limit: int, taken: set[str], intake: Intake) -> None:
    """Hand over a member, if it is one of a bundle."""
    name = member.name.removeprefix("./")
    if member.is_directory:
        parts = name.rstrip("/").split("/")
        if name in ("", ".") or (parts[0] == STORE and all(len(part) == 2 and part != ".." for part in parts[1:])):
            return
        raise BundleError("a bundle has no such directory", member.name)
    c4id = _object_id(name)
    is_manifest = "/" not in name and name.endswith(MANIFEST_SUFFIX) and "\0" not in name
    if c4id is None and not is_manifest and name not in (IDS, SCRIPT):
        raise BundleError("a bundle has no such file", member.name)
    key = name if c4id is None else str(c4id)
    if key in taken:
        raise BundleError("it is there twice", member.name)
    taken.add(key)
    if c4id is not None:
        intake.take_object(c4id, name, lambda: io.BufferedReader(member, READ_BYTES))
        return
    if member.size > limit:
        raise BundleError(f"it has {member.size:,} bytes, too many for what is compressed in so few", member.name)
    if name == IDS:
        intake.take_ids(member)  # type: ignore[arg-type]
    elif is_manifest:
        intake.take_manifest(name, member)  # type: ignore[arg-type]


def _object_id(name: str) -> C4ID | None:
    """Give the ID of an object's path in a bundle, None for what is no such path."""
    directories, _, last = name.rpartition("/")
    top, *below = directories.split("/")
    if top != STORE or any(len(part) != 2 or part == ".." for part in below):
        return None
    try:
        return C4ID(last)
    except InvalidC4ID:
        return None

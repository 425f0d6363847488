"""IDs of bytes, streams, files and sets."""

from __future__ import annotations

import array
import copy
import ctypes
import io
import mmap
import os
import pickle
import random
import sys
import threading
from pathlib import Path
from typing import Any

import c4py
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meanwhile import meanwhile
from simple_c4 import c4

ONE = c4py.identify_bytes(b"hello world")


@given(st.binary(max_size=5000))
def test_an_id_is_the_sha512_in_base_58(data: bytes) -> None:
    assert str(c4py.identify_bytes(data)) == c4(data)


@given(st.binary(min_size=64, max_size=64))
def test_every_digest_has_one_text(digest: bytes) -> None:
    one = c4py.C4ID(digest)
    assert c4py.parse(str(one)) == one == c4py.C4ID(str(one))
    assert (one.digest, bytes(one), one.hex()) == (digest, digest, digest.hex())


@given(st.lists(st.binary(min_size=64, max_size=64), max_size=20))
def test_ids_are_ordered_as_their_digests_and_as_their_texts(digests: list[bytes]) -> None:
    ids = sorted(map(c4py.C4ID, digests))
    assert [one.digest for one in ids] == sorted(digests)
    assert [str(one) for one in ids] == sorted(map(str, ids))


def test_any_contiguous_buffer_is_taken_without_a_copy() -> None:
    data = bytes(range(256)) * 64
    with mmap.mmap(-1, len(data)) as mapped:
        mapped[:] = data
        buffers = [
            bytearray(data),
            memoryview(data),
            array.array("d", data),
            np.frombuffer(data, dtype=">u4").reshape(16, -1),
            (ctypes.c_uint8 * len(data)).from_buffer_copy(data),
            mapped,
        ]
        assert {c4py.identify_bytes(buffer) for buffer in buffers} == {c4py.identify_bytes(data)}  # type: ignore[arg-type]
        buffers.clear()
    assert c4py.identify_bytes(memoryview(data)[100:200]) == c4py.identify_bytes(data[100:200])
    assert c4py.identify_bytes(bytearray()) == c4py.identify_bytes(b"")
    with pytest.raises(BufferError, match="buffer must be C-contiguous"):
        c4py.identify_bytes(memoryview(data)[::2])


def test_other_threads_run_while_many_bytes_are_hashed() -> None:
    data = bytes(64 << 20)
    turns = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1

    thread = threading.Thread(target=count)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1)  # a thread that kept the interpreter would not be asked for it
    try:
        thread.start()
        before = turns
        c4py.identify_bytes(data)
        assert turns > before
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)


def test_wrong_values_say_what_is_wrong() -> None:
    untyped: Any = c4py
    for value, message in [
        ("c4short", "a C4 ID is 90 characters long, this is 7"),
        ("C4" + "1" * 88, 'a C4 ID starts with "c4"'),
        ("c4" + "1" * 40 + "0" + "1" * 47, "position 42 holds no base-58 digit"),
        ("c4" + "z" * 88, "the value does not fit 512 bits"),
        (b"\0" * 63, "a digest has 64 bytes, this has 63"),
        ("\ud800", "a C4 ID is 90 characters long"),
    ]:
        with pytest.raises(c4py.InvalidC4ID, match=message) as error:
            untyped.C4ID(value)
        assert isinstance(error.value, ValueError)
        assert isinstance(error.value, c4py.C4Error)
    for call, message in [
        (lambda: untyped.C4ID(5), "value must be str or bytes, not int"),
        (lambda: untyped.parse(None), "s must be str, not NoneType"),
        (lambda: untyped.identify_bytes("text"), "buffer must be a bytes-like object, not str"),
        (lambda: untyped.identify(io.StringIO("x")), "stream must be a binary stream"),
        (lambda: untyped.identify(7), "stream must be a binary stream, not int"),
        (lambda: untyped.identify_file(3.5), "path must be str, bytes or os.PathLike, not float"),
        (lambda: untyped.tree_id(["x"]), r"ids\[0\] must be a C4ID, not str"),
        (lambda: untyped.verify("/dev/null", 5), "expected must be C4ID or str, not int"),
        (lambda: untyped.C4ID(ONE.digest) < 5, "not supported"),
    ]:
        with pytest.raises(TypeError, match=message):
            call()  # type: ignore[no-untyped-call]


def test_an_id_is_an_immutable_value() -> None:
    assert repr(ONE) == f"C4ID('{ONE}')"
    assert hash(ONE) == hash(ONE.digest)
    assert pickle.loads(pickle.dumps(ONE)) == copy.copy(ONE) == copy.deepcopy(ONE) == ONE
    assert str(ONE) != ONE
    with pytest.raises(AttributeError):
        ONE.digest = b""  # type: ignore[misc]
    with pytest.raises(AttributeError):
        ONE.other = 1  # type: ignore[attr-defined]
    nil = c4py.C4ID(bytes(64))
    assert not nil
    assert nil.is_nil()
    assert str(nil) == "c4" + "1" * 88


def test_pydantic_validates_an_id_and_writes_its_text() -> None:
    class Asset(pydantic.BaseModel):
        id: c4py.C4ID

    asset = Asset(id=ONE)
    assert Asset.model_validate_json(asset.model_dump_json()) == asset == Asset(id=str(ONE))  # type: ignore[arg-type]
    assert asset.model_dump(mode="json") == {"id": str(ONE)}
    with pytest.raises(pydantic.ValidationError):
        Asset(id="c4nothing")  # type: ignore[arg-type]


class Pieces(io.RawIOBase):
    """A stream that gives what it likes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int = -1) -> bytes:
        taken = self.data[: random.Random(len(self.data)).randrange(1, max(2, size))]
        self.data = self.data[len(taken) :]
        return taken


def test_a_stream_is_hashed_to_its_end_whatever_its_pieces() -> None:
    data = os.urandom(100_000)
    for stream in (io.BytesIO(data), Pieces(data), io.BufferedReader(io.BytesIO(data))):
        assert c4py.identify(stream, buf_size=7000) == c4py.identify_bytes(data)
    rest = io.BytesIO(data)
    rest.seek(99_999)
    assert c4py.identify(rest) == c4py.identify_bytes(data[-1:])
    with pytest.raises(ValueError, match="buf_size must be at least 1"):
        c4py.identify(io.BytesIO(), buf_size=0)


def test_a_file_by_any_kind_of_path(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"not-utf8-\xff")
    with open(path, "wb") as file:
        file.write(b"hello world")
    assert (
        c4py.identify_file(path) == c4py.identify_file(os.fsdecode(path)) == c4py.identify_file(Path(os.fsdecode(path)))
    )
    assert c4py.verify(path, ONE)
    assert c4py.verify(path, str(ONE))
    link = tmp_path / "link"
    link.symlink_to(os.fsdecode(path))
    assert c4py.identify_file(link) == ONE


def test_a_manifest_file_has_the_id_of_its_canonical_text(tmp_path: Path) -> None:
    canonical = "- - 3 apples -\n- - 5 groceries -\n"
    loose = "\n- - 5 groceries\n\n- - 3 apples"
    path = tmp_path / "list"
    path.write_text(loose)
    assert c4py.identify_file(path) == c4py.identify_bytes(canonical.encode())
    assert c4py.verify(path, c4py.identify_bytes(canonical.encode()))
    assert c4py.verify(path, c4py.identify_bytes(loose.encode())), "the ID of its bytes will do as well"
    for content in (b"- item one\n", b"", b"\n", b"hello", b"- - - x\r\n", b"\xff"):
        path.write_bytes(content)
        assert c4py.identify_file(path) == c4py.identify_bytes(content)
        assert not c4py.verify(path, ONE)


def test_a_long_file_that_looks_like_a_manifest_at_first(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    line = b"-rw-r--r-- 2025-01-01T00:00:00Z 5 name -\n"
    path.write_bytes(line * 20_000 + b"and then something else\n")
    assert c4py.identify_file(path) == c4py.identify_bytes(path.read_bytes())
    path.write_bytes(b"d" * 3_000_000)
    assert c4py.identify_file(path) == c4py.identify_bytes(path.read_bytes())


def test_what_is_no_file_is_refused_and_never_blocks(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    for path in (fifo, "/dev/null", "/dev/zero"):
        with pytest.raises(c4py.NotARegularFile, match="not a regular file") as error:
            c4py.identify_file(path)
        assert error.value.filename == path
        with pytest.raises(c4py.NotARegularFile):
            c4py.verify(path, ONE)
    with pytest.raises(IsADirectoryError):
        c4py.identify_file(tmp_path)
    missing = str(tmp_path / "missing")
    with pytest.raises(FileNotFoundError) as missing_error:
        c4py.identify_file(missing)
    assert missing_error.value.filename == missing
    with pytest.raises(ValueError, match="path holds a NUL byte"):
        c4py.identify_file("a\0b")


def test_a_file_that_may_not_be_read(unprivileged: None) -> None:
    del unprivileged
    with pytest.raises(PermissionError):
        c4py.identify_file("/etc/shadow")


def test_a_file_that_is_written_to_all_the_time_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "busy"
    path.write_bytes(bytes(30_000_000))
    with open(path, "r+b", buffering=0) as file:

        def write() -> None:
            file.seek(0)
            file.write(os.urandom(8))

        with meanwhile(write), pytest.raises(c4py.ChangedDuringRead, match="changed while it was read"):
            c4py.identify_file(path)


def test_verify_of_a_directory_compares_its_id(tree: Path) -> None:
    manifest = c4py.scan(tree)
    assert c4py.verify(tree, manifest.compute_c4id())
    entry = manifest["d"]
    assert entry.c4id is not None
    assert c4py.verify(tree / "d", entry.c4id)
    (tree / "d" / "x.bin").write_bytes(b"other")
    assert not c4py.verify(tree / "d", entry.c4id)


def test_many_files_at_once(tmp_path: Path) -> None:
    paths = []
    for number in range(50):
        path = tmp_path / str(number)
        path.write_bytes(bytes([number]) * number)
        paths.append(path)
    calls: list[tuple[str, int, int]] = []
    ids = c4py.identify_files(
        [*map(str, paths), tmp_path / "missing"], workers=3, progress=lambda *args: calls.append(args)
    )
    assert ids == {path: c4py.identify_file(path) for path in paths} | {tmp_path / "missing": None}
    assert list(ids) == [*paths, tmp_path / "missing"], "in the order given"
    assert calls[-1][1:] == (51, 51)
    assert c4py.identify_files([]) == {}
    with pytest.raises(ValueError, match="workers must be between 1 and 1024"):
        c4py.identify_files([], workers=0)


def test_the_tree_id_of_nothing_and_of_one() -> None:
    assert c4py.tree_id([]).is_nil()
    assert c4py.tree_id([ONE, ONE]) == ONE


def test_a_named_manifest_that_is_none_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "noise.c4m"
    path.write_bytes(bytes(range(256)) * 5000)
    assert c4py.identify_file(path) == c4py.identify_bytes(path.read_bytes())
    (tmp_path / ".c4m").write_bytes(b"- - 2 b -\n- - 1 a -\n")
    assert c4py.identify_file(tmp_path / ".c4m") == c4py.identify_bytes(b"- - 1 a -\n- - 2 b -\n")


def test_one_path_in_the_place_of_many_is_refused() -> None:
    with pytest.raises(TypeError, match="paths must be an iterable of paths, not str"):
        c4py.identify_files("abc")


def test_a_manifest_with_lines_longer_than_are_kept(tmp_path: Path) -> None:
    id_list = "".join(str(c4py.identify_bytes(bytes([number]))) for number in range(40)) * 1000  # 3.6 MB, one line
    manifest = tmp_path / "long.c4m"
    manifest.write_text("- - 1 b -\n- - 2 a -\n" + id_list + "\n")
    noise = tmp_path / "noise"
    noise.write_text(id_list + "!")
    ids = c4py.identify_files([manifest, noise, manifest, noise], workers=1)
    assert ids == {path: c4py.identify_file(path) for path in (manifest, noise)}
    assert ids[manifest] == c4py.identify_bytes(c4py.dumps(c4py.load(manifest)).encode())
    assert ids[noise] == c4py.identify_bytes(noise.read_bytes())

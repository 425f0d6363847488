"""The conformance suite over the stores that need no server, and what is particular to each."""

from __future__ import annotations

import io
import os
import pickle
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import c4py
import pytest
from c4py.store import StoreStats
from c4py.store.content import READ_BYTES, pieces, verified
from dict_store import DictStore
from store_conformance import StoreConformance, Subject, put


class Database:
    """A user's store: a table of SQLite, whose connection may be used by the thread that made it, and by no other."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("CREATE TABLE IF NOT EXISTS objects (id TEXT PRIMARY KEY, content BLOB)")

    def has(self, c4id: c4py.C4ID) -> bool:
        return self.connection.execute("SELECT 1 FROM objects WHERE id = ?", (str(c4id),)).fetchone() is not None

    def get(self, c4id: c4py.C4ID) -> BinaryIO:
        row = self.connection.execute("SELECT content FROM objects WHERE id = ?", (str(c4id),)).fetchone()
        if row is None:
            raise c4py.ContentNotFound(c4id)
        return io.BytesIO(row[0])

    def put(self, source: BinaryIO) -> c4py.C4ID:
        data = source.read()
        c4id = c4py.identify_bytes(data)
        self.connection.execute("INSERT OR IGNORE INTO objects VALUES (?, ?)", (str(c4id), data))
        return c4id


class Inheriting(c4py.Store):
    """A user's store as scripts of 1.0.20 make one."""

    def __init__(self) -> None:
        self.inner = DictStore()

    def has(self, c4id: c4py.C4ID) -> bool:
        return self.inner.has(c4id)

    def get(self, c4id: c4py.C4ID) -> BinaryIO:
        return self.inner.get(c4id)

    def put(self, source: BinaryIO) -> c4py.C4ID:
        return self.inner.put(source)


class Broken:
    """A store whose server is away."""

    def has(self, _: c4py.C4ID) -> bool:
        raise c4py.StoreError("the server is away")

    def get(self, _: c4py.C4ID) -> BinaryIO:
        raise c4py.StoreError("the server is away")

    def put(self, _: BinaryIO) -> c4py.C4ID:
        raise c4py.StoreError("the server is away")


def replace_file(store: c4py.FSStore, c4id: c4py.C4ID, data: bytes) -> None:
    path = store.path(c4id)
    os.chmod(path, 0o644)
    with open(path, "wb") as file:
        file.write(data)


def strangers(root: Path) -> list[str]:
    """Name the files of a store directory that are no objects, and the directories that hold none of a store's."""
    found = [name for _, _, names in os.walk(root) for name in names]
    found += [name for _, names, _ in os.walk(root) for name in names if len(name) != 2]
    return [name for name in found if not re.fullmatch("c4[1-9A-HJ-NP-Za-km-z]{88}|..", name)]


class TestFSStore(StoreConformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        store = c4py.FSStore(tmp_path / "store")
        return Subject(
            store,
            lambda c4id, data: replace_file(store, c4id, data),
            lambda: strangers(tmp_path / "store"),
        )


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        store = c4py.MemoryStore()
        return Subject(store, store._contents.__setitem__, pickles="copy")


class TestMultiStore(StoreConformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        first = c4py.FSStore(tmp_path / "store")
        return Subject(
            c4py.MultiStore([first, c4py.MemoryStore(), c4py.FSStore(tmp_path / "other")]),
            lambda c4id, data: replace_file(first, c4id, data),
            lambda: strangers(tmp_path / "store"),
        )


class TestDict(StoreConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        store = DictStore()
        return Subject(store, store.contents.__setitem__, is_ours=False, pickles="copy")


class TestDatabase(StoreConformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Iterator[Subject]:
        store = Database(str(tmp_path / "objects.sqlite"))

        def replace(c4id: c4py.C4ID, data: bytes) -> None:
            store.connection.execute("UPDATE objects SET content = ? WHERE id = ?", (data, str(c4id)))

        yield Subject(store, replace, is_ours=False, pickles=None, threads=False)
        store.connection.close()


def test_a_store_is_what_has_the_three_methods() -> None:
    class NoPut:
        has = get = DictStore.has

    assert isinstance(DictStore(), c4py.Store)
    assert issubclass(Database, c4py.Store)
    assert not isinstance(NoPut(), c4py.Store)
    assert not isinstance({}, c4py.Store)
    assert not issubclass(DictStore, Inheriting)
    assert getattr(Inheriting(), "concurrency") == 1  # noqa: B009 - no part of the protocol


def test_a_class_that_inherits_must_have_the_three_methods() -> None:
    class Half(c4py.Store):
        def has(self, c4id: c4py.C4ID) -> bool:
            del c4id
            return False

    with pytest.raises(TypeError, match="abstract"):
        Half()  # type: ignore[abstract]


def test_a_class_that_inherits_gets_a_verifying_open_and_in() -> None:
    store = Inheriting()
    c4id = put(store, b"hello")
    assert c4id in store
    assert str(c4id) in store
    assert store.open(str(c4id)).read() == b"hello"
    store.inner.contents[c4id] = b"other"
    with store.open(c4id) as stream, pytest.raises(c4py.StoreCorrupt):
        stream.read()
    assert store.open(c4id, verify=False).read() == b"other"


def test_the_first_of_several_is_written_and_all_are_read_in_order() -> None:
    first, second = c4py.MemoryStore(), DictStore()
    archived = put(second, b"archived")
    both = put(second, b"both")
    put(first, b"both")
    store = c4py.MultiStore([first, second])
    new = put(store, b"new")
    assert first.has(new)
    assert not second.has(new)
    assert store.get(archived).read() == b"archived"
    second.contents[both] = b"not asked"
    assert store.get(both).read() == b"both"
    assert store.remove(archived) is False
    assert store.remove(new) is True
    assert store.has(archived)
    with pytest.raises(TypeError, match="DictStore has no __iter__"):
        list(store)
    with pytest.raises(TypeError, match="DictStore has no stats"):
        store.stats()
    with pytest.raises(TypeError, match="DictStore has no remove"):
        c4py.MultiStore([second]).remove(archived)


def test_ids_that_several_stores_have_are_given_once() -> None:
    stores = [c4py.MemoryStore() for _ in range(3)]
    for number, store in enumerate(stores):
        for item in range(number, number + 3):
            put(store, b"%d" % item)
    several = c4py.MultiStore(stores)
    assert sorted(several) == sorted(c4py.identify_bytes(b"%d" % item) for item in range(5))
    assert len(several) == 5
    assert several.stats() == StoreStats(9, 9)


@pytest.mark.parametrize("position", [0, 1])
def test_a_store_that_fails_hides_nothing_of_another(position: int) -> None:
    good = c4py.MemoryStore()
    c4id = put(good, b"there")
    store = c4py.MultiStore([Broken(), good] if position else [good, Broken()])
    assert store.has(c4id)
    assert store.get(c4id).read() == b"there"
    missing = c4py.identify_bytes(b"missing")
    for attempt in (store.has, store.get, store.open):
        with pytest.raises(c4py.StoreError, match="the server is away") as caught:
            attempt(missing)
        assert not isinstance(caught.value, c4py.ContentNotFound)
    store.close()


def test_several_are_closed_though_one_fails() -> None:
    class Closing(DictStore):
        closed = False

        def close(self) -> None:
            self.closed = True
            raise OSError("still busy")

    stores = [Closing(), Closing()]
    with pytest.raises(OSError, match="still busy"), c4py.MultiStore(stores):
        pass
    assert [store.closed for store in stores] == [True, True]


def test_several_must_be_stores() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        c4py.MultiStore([])
    with pytest.raises(TypeError, match="stores must be several stores, not MemoryStore|dict is none"):
        c4py.MultiStore([{}])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="type is none"):
        c4py.MultiStore([DictStore])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="stores must be several stores, not int"):
        c4py.MultiStore(5)  # type: ignore[arg-type]


def test_as_many_threads_may_write_several_as_may_write_the_first(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "db"))
    assert c4py.MultiStore([c4py.MemoryStore(), database]).concurrency == 16
    assert c4py.MultiStore([database, c4py.MemoryStore()]).concurrency == 1
    database.connection.close()


def test_a_verifying_reader_is_a_binary_stream() -> None:
    text = b"".join(b"line %d\n" % number for number in range(100_000))
    c4id = c4py.identify_bytes(text)
    with verified(io.BytesIO(text), c4id) as stream:
        assert (stream.readable(), stream.seekable(), stream.writable()) == (True, False, False)
        assert list(stream) == text.splitlines(keepends=True)
        with pytest.raises(io.UnsupportedOperation):
            stream.seek(0)
    with verified(io.BytesIO(text), c4id) as stream:
        buffer = bytearray(len(text) + 10)
        assert stream.readinto(buffer) == len(text)
        assert buffer[: len(text)] == text


def test_a_verifying_reader_closes_its_source_and_holds_a_buffer_of_it() -> None:
    source = io.BytesIO(bytes(10_000_000))
    stream = verified(source, c4py.identify_bytes(bytes(10_000_000)))
    assert stream.read(1) == b"\0"
    assert source.tell() <= READ_BYTES
    stream.close()
    assert source.closed
    with pytest.raises(ValueError, match="closed"):
        stream.read()
    stream.close()


def test_what_is_verified_already_is_not_hashed_twice() -> None:
    c4id, other = c4py.identify_bytes(b"hello"), c4py.identify_bytes(b"other")
    stream = verified(io.BytesIO(b"hello"), c4id)
    assert verified(stream, c4id) is stream
    with verified(stream, other) as wrapped, pytest.raises(c4py.StoreCorrupt) as caught:
        wrapped.read()
    assert (caught.value.c4id, caught.value.actual) == (other, c4id)
    begun = verified(io.BytesIO(b"hello"), c4id)
    assert begun.read(1) == b"h"
    with verified(begun, c4id) as rest, pytest.raises(c4py.StoreCorrupt):
        rest.read()


def test_a_failure_of_the_source_is_not_taken_for_its_end() -> None:
    class Source(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError(5, "Input/output error")
            return data

    with (
        verified(Source(b"half"), c4py.identify_bytes(b"half")) as stream,
        pytest.raises(OSError, match="Input/output"),
    ):
        stream.read()


def test_a_source_that_gives_more_than_asked_loses_nothing_in_silence() -> None:
    class Source(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            del size
            return super().read()

    with (
        verified(Source(bytes(READ_BYTES + 1)), c4py.identify_bytes(b"")) as stream,
        pytest.raises(ValueError, match="memoryview assignment"),
    ):
        stream.read(1)


def test_a_stream_with_nothing_to_give_now_is_no_end() -> None:
    class Waiting(io.RawIOBase):
        def read(self, size: int = -1, /) -> None:
            del size

    with pytest.raises(BlockingIOError):
        list(pieces(Waiting()))  # type: ignore[arg-type]
    with pytest.raises(BlockingIOError):
        c4py.MemoryStore().put(Waiting())  # type: ignore[arg-type]


def test_pieces_may_be_any_kind_of_bytes() -> None:
    class Views(io.BytesIO):
        def read(self, size: int | None = -1, /) -> memoryview:  # type: ignore[override]
            return memoryview(super().read(size))

    store = c4py.MemoryStore()
    assert store.get(store.put(Views(b"view"))).read() == b"view"


@pytest.mark.parametrize(
    "error",
    [
        c4py.ContentNotFound(c4py.identify_bytes(b"a")),
        c4py.StoreCorrupt(c4py.identify_bytes(b"a"), c4py.identify_bytes(b"b")),
        c4py.StoreNotConfigured("no store"),
        c4py.StoreError("away"),
    ],
)
def test_errors_can_be_pickled(error: c4py.StoreError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
    assert isinstance(error, OSError)
    assert isinstance(error, c4py.C4Error)


def test_stats_say_what_they_count() -> None:
    stats = StoreStats(1234567, 89, [1, 0, 3])
    assert str(stats) == "1,234,567 objects, 89 B"
    assert repr(stats).startswith("StoreStats(bytes=89, depths=[1, 0, 3], ")
    assert pickle.loads(pickle.dumps(stats)) == stats
    assert stats != StoreStats(1234567, 89)

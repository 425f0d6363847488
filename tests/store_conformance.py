"""What every store must do, ours and users' own: one suite that is run over each of them.

A subclass of `StoreConformance` has a fixture `subject` that gives a Subject: an empty store and what the suite cannot
know about it.
"""

from __future__ import annotations

import io
import os
import pickle
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import c4py
import pytest
from c4py.store.content import READ_BYTES

if TYPE_CHECKING:
    from c4py.store.protocol import AnyStore

#: Bytes of a part of the object store's: the suite needs no obstore for the other stores.
PART_BYTES = 8 * 1024 * 1024

SIZES = [0, 1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, PART_BYTES, PART_BYTES + 1, 21_000_003]


@dataclass
class Subject:
    """A store under test.

    `replace(c4id, content)` puts other bytes in the place of an object, behind the store's back. `leftovers()` names
    what lies in the store and is no object. `is_ours` says that arguments are checked as our stores do; `pickles` is
    "same" where the copy sees what the original has stored since, "copy" where it does not, and None where there is
    none. `threads` says that threads may use it at once.
    """

    store: Any
    replace: Callable[[c4py.C4ID, bytes], None]
    leftovers: Callable[[], Iterable[str]] = field(default=tuple)
    is_ours: bool = True
    pickles: str | None = "same"
    threads: bool = True


class ShortReads(io.RawIOBase):
    """A stream that gives fewer bytes than it is asked for, as a socket does."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        self._random = random.Random(7)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self._content.read()
        return self._content.read(self._random.randint(1, max(1, min(size, 70_000))))


class Failing:
    """A stream that breaks in the middle."""

    def __init__(self, good: int) -> None:
        self.good = good

    def read(self, size: int = -1, /) -> bytes:
        if self.good <= 0 or size < 0:
            raise ConnectionResetError("the camera was unplugged")
        count = min(size, self.good)
        self.good -= count
        return bytes(count)


def content(size: int, seed: int = 0) -> bytes:
    return random.Random(f"{size} {seed}").randbytes(size)


def put(store: AnyStore, data: bytes) -> c4py.C4ID:
    return store.put(io.BytesIO(data))


def read(store: c4py.Store, c4id: c4py.C4ID | str) -> bytes:
    """Read content as a verifying reader gives it, of whatever store."""
    opener = store if hasattr(store, "open") else c4py.MultiStore([store])
    with opener.open(c4id) as stream:
        return bytes(stream.read())


def known(c4id: c4py.C4ID | None) -> c4py.C4ID:
    assert c4id is not None
    return c4id


class StoreConformance:
    """The suite."""

    def test_it_is_a_store(self, subject: Subject) -> None:
        assert isinstance(subject.store, c4py.Store)
        assert subject.store  # an empty store is not false

    @pytest.mark.parametrize("size", SIZES)
    def test_content_comes_back_as_it_was_put(self, subject: Subject, size: int) -> None:
        data = content(size)
        c4id = put(subject.store, data)
        assert c4id == c4py.identify_bytes(data)
        assert subject.store.has(c4id)
        assert read(subject.store, c4id) == data
        with subject.store.get(c4id) as stream:
            assert stream.read() == data
        assert list(subject.leftovers()) == []

    def test_content_is_read_piece_by_piece(self, subject: Subject) -> None:
        data = content(1_000_003)
        c4id = put(subject.store, data)
        with c4py.MultiStore([subject.store]).open(c4id) as stream:
            assert stream.read(10) == data[:10]
            pieces = [data[:10]]
            while piece := stream.read(99_991):
                pieces.append(piece)
            assert stream.read() == b""
        assert b"".join(pieces) == data

    def test_putting_twice_is_putting_once(self, subject: Subject) -> None:
        first = put(subject.store, b"twice")
        assert put(subject.store, b"twice") == first
        assert read(subject.store, first) == b"twice"
        if hasattr(subject.store, "__iter__"):
            assert list(subject.store) == [first]
        assert list(subject.leftovers()) == []

    def test_what_is_not_there_is_not_found(self, subject: Subject) -> None:
        c4id = c4py.identify_bytes(b"never stored")
        assert not subject.store.has(c4id)
        attempts: list[Callable[[c4py.C4ID], object]] = [subject.store.get, lambda c4id: read(subject.store, c4id)]
        for attempt in attempts:
            with pytest.raises(c4py.ContentNotFound) as caught:
                attempt(c4id)
            assert caught.value.c4id == c4id
            assert isinstance(caught.value, KeyError)
            assert str(c4id) in str(caught.value)
            assert not str(caught.value).startswith(("'", '"'))

    def test_ids_are_given_as_such_or_as_texts(self, subject: Subject) -> None:
        if not subject.is_ours:
            return
        store = subject.store
        c4id = put(store, b"by its name")
        assert store.has(str(c4id))
        assert c4id in store
        assert str(c4id) in store
        assert c4py.identify_bytes(b"other") not in store
        assert read(store, str(c4id)) == b"by its name"
        with store.get(str(c4id)) as stream:
            assert stream.read() == b"by its name"
        for attempt in (store.has, store.get, store.open, store.remove, store.__contains__):
            with pytest.raises(TypeError, match="c4id must be C4ID or str, not bytes"):
                attempt(c4id.digest)
            with pytest.raises(TypeError, match="c4id must be C4ID or str, not "):
                attempt(None)
            for wrong in ("", "c4", "../../etc/passwd", str(c4id)[:-1], f"{c4id}1", "c4" + "0" * 88, "c4" + "z" * 88):
                with pytest.raises(c4py.InvalidC4ID):
                    attempt(wrong)

    def test_arguments_may_be_named_as_scripts_of_1_0_20_do(self, subject: Subject) -> None:
        if not subject.is_ours:
            return
        store = subject.store
        c4id = store.put(source=io.BytesIO(b"named"))
        assert store.has(c4id=c4id)
        for opener in (store.get, store.open):
            with opener(c4id=c4id) as stream:
                assert stream.read() == b"named"
        assert store.remove(c4id=c4id)

    def test_streams_that_give_less_than_asked_are_read_to_their_end(self, subject: Subject) -> None:
        data = content(500_000)
        c4id = subject.store.put(ShortReads(data))
        assert c4id == c4py.identify_bytes(data)
        assert read(subject.store, c4id) == data

    @pytest.mark.parametrize("good", [0, 5, 1_000_000, PART_BYTES + 5])
    def test_of_a_stream_that_breaks_nothing_is_stored(self, subject: Subject, good: int) -> None:
        with pytest.raises(ConnectionResetError, match="unplugged"):
            subject.store.put(Failing(good))
        assert not subject.store.has(c4py.identify_bytes(bytes(good)))
        if hasattr(subject.store, "__iter__"):
            assert list(subject.store) == []
        assert list(subject.leftovers()) == []

    def test_what_is_no_binary_stream_is_a_type_error(self, subject: Subject) -> None:
        if not subject.is_ours:
            return
        for source in (io.StringIO("text"), io.StringIO(""), "text", b"bytes", None, 5):
            with pytest.raises(TypeError, match="source must be a binary stream"):
                subject.store.put(source)
        assert list(subject.store) == []
        assert list(subject.leftovers()) == []

    def test_a_c4m_text_is_not_rewritten(self, subject: Subject) -> None:
        text = b"-rw-r--r--  2025-01-01T00:00:00Z   5   b.txt  -\n- - 1 a.txt -\n\n"
        c4id = put(subject.store, text)
        assert c4id == c4py.identify_bytes(text)
        assert read(subject.store, c4id) == text

    @pytest.mark.parametrize(
        "other", [b"other content", b"", b"precious content!", b"precious conten", b"precious_content"]
    )
    def test_corrupt_content_is_told_at_its_end(self, subject: Subject, other: bytes) -> None:
        c4id = put(subject.store, b"precious content")
        subject.replace(c4id, other)
        with c4py.MultiStore([subject.store]).open(c4id) as stream:
            with pytest.raises(c4py.StoreCorrupt) as caught:
                stream.read()
            with pytest.raises(c4py.StoreCorrupt):
                stream.read()
        assert (caught.value.c4id, caught.value.actual) == (c4id, c4py.identify_bytes(other))
        if subject.is_ours:
            with pytest.raises(c4py.StoreCorrupt):
                read(subject.store, c4id)
            with subject.store.get(c4id, verify=True) as stream, pytest.raises(c4py.StoreCorrupt):
                stream.read()
            for unverified in (subject.store.open(c4id, verify=False), subject.store.get(c4id, verify=False)):
                with unverified as stream:
                    assert stream.read() == other

    def test_whoever_stops_early_is_told_nothing(self, subject: Subject) -> None:
        c4id = put(subject.store, content(600_000))
        subject.replace(c4id, content(600_000, seed=1))
        with c4py.MultiStore([subject.store]).open(c4id) as stream:
            assert len(stream.read(10)) == 10

    def test_threads_may_use_it_at_once(self, subject: Subject) -> None:
        store = subject.store
        if not subject.threads:
            return
        contents = [content(20_000 + number % 7, seed=number % 13) for number in range(40)]
        failures: list[BaseException] = []
        start = threading.Barrier(8)

        def work(number: int) -> None:
            try:
                start.wait()
                for data in contents[number % 3 :]:
                    assert read(store, put(store, data)) == data
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        if subject.is_ours:
            assert sorted(store) == sorted({c4py.identify_bytes(data) for data in contents})
        assert list(subject.leftovers()) == []

    def test_removing_says_whether_it_was_there(self, subject: Subject) -> None:
        store = subject.store
        assert hasattr(store, "remove") == subject.is_ours
        if not subject.is_ours:
            return
        c4id, other = put(store, b"one"), put(store, b"two")
        assert store.remove(c4id) is True
        assert store.remove(str(c4id)) is False
        assert not store.has(c4id)
        assert list(store) == [other]

    def test_iterating_gives_every_id_once(self, subject: Subject) -> None:
        store = subject.store
        assert hasattr(store, "__iter__") == subject.is_ours
        if not subject.is_ours:
            return
        assert (list(store), len(store)) == ([], 0)
        assert (store.stats().objects, store.stats().bytes) == (0, 0)
        contents = [content(number) for number in range(60)]
        ids = [put(store, data) for data in contents]
        assert sorted(store) == sorted(ids)
        assert len(store) == 60
        assert (store.stats().objects, store.stats().bytes) == (60, sum(map(len, contents)))

    def test_it_can_be_pickled(self, subject: Subject) -> None:
        if subject.pickles is None:
            return
        c4id = put(subject.store, b"before")
        copy = pickle.loads(pickle.dumps(subject.store))
        assert read(copy, c4id) == b"before"
        later = put(subject.store, b"after")
        assert copy.has(later) == (subject.pickles == "same")

    def test_it_can_be_closed_and_flushed(self, subject: Subject) -> None:
        with c4py.MultiStore([subject.store]) as several:
            c4id = put(several, b"flushed")
            several.flush()
            assert several.has(c4id)

    @pytest.mark.store
    def test_a_scan_stores_what_it_reads(self, subject: Subject, tmp_path: Path) -> None:
        root = tmp_path / "scanned"
        (root / "d" / "e").mkdir(parents=True)
        files = {"a.txt": b"hello world", "d/b.bin": content(300_000), "d/e/empty": b"", "d/list.c4m": b"- - 1 x -\n"}
        for path, data in files.items():
            (root / path).write_bytes(data)
        os.symlink("a.txt", root / "link")
        manifest = c4py.scan(root, store=subject.store)
        for path, data in files.items():
            assert read(subject.store, known(manifest[path].c4id)) == data
        for path in ("d", "d/e"):
            text = read(subject.store, known(manifest[path].c4id))
            assert c4py.loads(text).compute_c4id() == manifest[path].c4id
        assert list(subject.leftovers()) == []

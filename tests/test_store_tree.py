"""The store in a directory: what a put finds there, when objects are young, and processes that fork."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import threading
import time
from pathlib import Path

import c4py
import pytest


def put(store: c4py.FSStore, content: bytes) -> c4py.C4ID:
    return store.put(io.BytesIO(content))


def lies(root: Path) -> dict[str, bytes]:
    """Give the content of each object by its path below the root."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("c4*") if path.is_file()}


def test_an_object_is_as_old_as_its_name(tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path, durability="batch")
    c4id = put(store, b"waits")
    path = next(tmp_path.glob(".ingest.*/.0"))
    os.utime(path, (0, 0))
    before = time.time() - 1
    store.flush()
    assert store.path(c4id).stat().st_mtime > before
    assert store.gc([put(store, b"root")], dry_run=False, grace=3600).removed_count == 0
    assert c4id in store


def test_what_is_put_again_is_young_again(tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path, durability="none")
    c4id = put(store, b"again")
    os.utime(store.path(c4id), (0, 0))
    put(store, b"again")
    assert store.path(c4id).stat().st_mtime > time.time() - 100


@pytest.mark.parametrize("damage", [b"BAD!", b"good"])
def test_of_two_copies_a_whole_one_stays(tmp_path: Path, damage: bytes) -> None:
    store = c4py.FSStore(tmp_path, split_threshold=1, durability="none")
    c4id = c4py.identify_bytes(b"good")
    below = tmp_path / "c4" / str(c4id)[2:4]
    below.mkdir(parents=True)
    (tmp_path / "c4" / str(c4id)).write_bytes(b"good")
    (below / str(c4id)).write_bytes(damage)
    # Two more in c4/ make a split of it.
    for number in range(200):
        put(store, b"%d" % number)
    assert lies(below) == {str(c4id): b"good"} or store.get(c4id).read() == b"good"
    assert not (tmp_path / "c4" / str(c4id)).exists()


def test_what_an_interrupted_split_left_above_is_not_stored_twice(tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path, durability="none")
    ids = [put(store, b"%d" % number) for number in range(5)]
    (tmp_path / "c4").mkdir()
    assert all(c4id in store for c4id in ids)
    assert [put(store, b"%d" % number) for number in range(5)] == ids
    assert set(lies(tmp_path)) == {f"c4/{c4id}" for c4id in ids}


def test_the_threshold_can_be_changed(tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path)
    for number in range(3):
        put(store, b"%d" % number)
    store.split_threshold = 2
    put(store, b"3")
    assert all(path.startswith("c4/") for path in lies(tmp_path))


@pytest.mark.parametrize("settings", [{"split_threshold": "4"}, {"split_threshold": -1}, {"durability": None}])
def test_settings_are_checked_by_name(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(settings))):
        c4py.FSStore(tmp_path, **settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="root"):
        c4py.FSStore("")


def test_a_store_that_cannot_be_looked_at_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = c4py.FSStore(tmp_path / "file" / "store")
    for look in (lambda: len(store), store.stats, lambda: list(store)):
        with pytest.raises(c4py.StoreError, match="Not a directory"):
            look()


def test_arguments_have_names(tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path)
    c4id = store.put(source=io.BytesIO(b"x"))
    assert store.has(c4id=c4id)
    with store.get(c4id=c4id) as content:
        assert content.read() == b"x"


def _put_in_a_child(store: c4py.FSStore, number: int) -> None:
    put(store, b"child %d" % number)
    store.flush()


@pytest.mark.parametrize("durability", ["batch", "none"])
def test_a_process_forked_while_threads_put_can_put(tmp_path: Path, durability: str) -> None:
    store = c4py.FSStore(tmp_path, durability=durability)  # type: ignore[arg-type]
    done = threading.Event()

    def work(name: int) -> None:
        number = 0
        while not done.is_set():
            put(store, b"%d %d" % (name, number))
            number += 1
            if number % 50 == 0:
                store.flush()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    try:
        context = multiprocessing.get_context("fork")
        for number in range(30):
            process = context.Process(target=_put_in_a_child, args=(store, number))
            process.start()
            process.join(timeout=30)
            assert process.exitcode == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
    store.flush()
    assert all(c4py.identify_bytes(b"child %d" % number) in store for number in range(30))


def test_a_forgotten_store_is_flushed(tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path, durability="batch")
    c4id = put(store, b"forgotten")
    del store
    gc.collect()
    assert list(lies(tmp_path)) == [str(c4id)]
    assert not list(tmp_path.glob(".*"))

"""Where the content of a directory comes from, and where what is removed from it is kept."""

from __future__ import annotations

import io
import os
import pickle
import threading
from pathlib import Path
from typing import BinaryIO

import c4py
import pytest
from c4py import FSStore, Manifest, ReconcileResult
from dict_store import DictStore
from reconciled_trees import assert_state, bring, build, plan, snapshot

pytestmark = pytest.mark.usefixtures("no_configured_store")


def test_all_content_that_is_nowhere_is_named_before_anything_is_touched(tmp_path: Path, store: FSStore) -> None:
    state = build(tmp_path / "state", {"a": b"1", "b": b"2", "c": b"2", "d": b"4"})
    manifest = c4py.scan(state)
    store.put(io.BytesIO(b"1"))
    work = build(tmp_path / "work", {"old": b"4", "gone": b"x"})
    before = snapshot(work)
    found = plan(manifest, work, store=store)
    two = c4py.identify_bytes(b"2")
    assert found.missing == [two]
    assert found.missing_paths == [("b", two), ("c", two)]
    assert not found.is_empty
    with pytest.raises(c4py.MissingContent, match=r"^2 entries need .*: b: c4.*; c: c4") as caught:
        c4py.reconcile(manifest, work, store=store)
    assert caught.value.missing == [("b", two), ("c", two)]
    assert isinstance(caught.value, c4py.ContentNotFound)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.missing, str(copy)) == (caught.value.missing, str(caught.value))
    with pytest.raises(c4py.MissingContent, match=r"\(no content store is configured"):
        c4py.reconcile(manifest, work)
    assert snapshot(work) == before


def test_content_comes_from_other_directories(tmp_path: Path) -> None:
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"one", "d": {"b": b"two!", "c": b"three"}}))
    first = build(tmp_path / "first", {"x": {"y": b"one"}, "link": "x"})
    second = build(tmp_path / "second", {"b": b"two!", "c": b"three", "large": b"-" * 1000})
    bring(manifest, tmp_path / "work", sources=[first, second])
    assert_state(tmp_path / "work", manifest)
    bring(manifest, tmp_path / "again", sources=tmp_path / "state")
    assert_state(tmp_path / "again", manifest)
    with pytest.raises(FileNotFoundError):
        c4py.reconcile(manifest, tmp_path / "work", sources=[tmp_path / "none"])
    with pytest.raises(NotADirectoryError):
        c4py.reconcile(manifest, tmp_path / "work", sources=[second / "b"])


def test_a_source_that_holds_the_directory_gives_only_what_is_beside_it(tmp_path: Path) -> None:
    show = build(tmp_path / "show", {"library": {"a": b"one"}, "shot": {"b": b"two"}})
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"one", "b2": b"two", "b3": b"two"}))
    bring(manifest, show / "shot", sources=[show])
    assert_state(show / "shot", manifest)
    with pytest.raises(ValueError, match="the source lies in the directory"):
        c4py.reconcile(manifest, show, sources=[show / "library"])
    with pytest.raises(ValueError, match="the store lies in the directory"):
        c4py.reconcile(manifest, show, store=build_store(show / "store"))


def build_store(root: Path) -> FSStore:
    store = FSStore(root)
    store.put(io.BytesIO(b"anything"))
    return store


class Shelf(DictStore):
    """A store that keeps the threads that ask it, and raises what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.error: BaseException | None = None

    def has(self, c4id: c4py.C4ID) -> bool:
        self.threads.add(threading.get_ident())
        return super().has(c4id)

    def get(self, c4id: c4py.C4ID) -> BinaryIO:
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        return super().get(c4id)


def test_any_store_gives_content_in_the_thread_that_asks(tmp_path: Path) -> None:
    shelf = Shelf()
    state = build(tmp_path / "state", {f"f{number}": b"%d" % number * 300_000 for number in range(12)})
    manifest = c4py.scan(state, store=shelf)
    bring(manifest, tmp_path / "work", store=shelf)
    assert_state(tmp_path / "work", manifest)
    assert shelf.threads == {threading.get_ident()}
    both = c4py.MultiStore([c4py.FSStore(tmp_path / "empty"), shelf])
    bring(manifest, tmp_path / "again", store=both)
    assert_state(tmp_path / "again", manifest)


@pytest.mark.parametrize("error", [ZeroDivisionError("my own"), KeyboardInterrupt()])
def test_what_a_store_raises_comes_out_as_it_is(tmp_path: Path, error: BaseException) -> None:
    shelf = Shelf()
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"1", "b": b"2"}), store=shelf)
    work = build(tmp_path / "work", {"kept": b"old"})
    shelf.error = error
    with pytest.raises(type(error)) as caught:
        c4py.reconcile(manifest, work, store=shelf)
    assert caught.value is error
    assert (work / "kept").read_bytes() == b"old"
    shelf.error = None
    bring(manifest, work, store=shelf)
    assert_state(work, manifest)


def test_a_store_that_lies_never_has_its_content_named(tmp_path: Path) -> None:
    shelf = Shelf()
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"1", "b": b"2"}), store=shelf)
    shelf.contents[c4py.identify_bytes(b"2")] = b"3"
    work = build(tmp_path / "work", {"old": b"old"})
    result = c4py.reconcile(manifest, work, store=shelf)
    assert isinstance(result, ReconcileResult)
    assert not result.is_ok
    assert len(result.errors) >= 1
    assert result.errors[0].startswith("create b: ")
    assert (work / "a").read_bytes() == b"1"
    assert not (work / "b").exists()
    assert (work / "old").exists()
    with pytest.raises(c4py.ReconcileError, match="create b: ") as caught:
        result.raise_if_failed()
    assert caught.value.result is result
    assert isinstance(caught.value, OSError)


def test_a_configured_store_is_used(tmp_path: Path, store: FSStore, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"1"}), store=store)
    monkeypatch.setenv("C4_STORE", str(tmp_path / "store"))
    bring(manifest, tmp_path / "work")
    assert_state(tmp_path / "work", manifest)


def test_what_is_removed_can_be_kept_and_brought_back(tmp_path: Path, store: FSStore) -> None:
    old = {"a": b"1", "d": {"b": b"2", "link": "../a"}, "e": {}}
    work = build(tmp_path / "work", old)
    build(work / ".c4-reconcile", {"7": b"left by a killed run"})
    os.utime(work, (1_000_000_000, 1_000_000_000))
    manifest = c4py.scan(build(tmp_path / "state", {"c": b"3"}), store=store)
    result = bring(manifest, work, store=store, keep_removed=True)
    assert_state(work, manifest)
    before = result.before
    assert before is not None
    assert [entry.path for entry in before] == ["a", "d", "d/b", "d/link", "e"]
    assert before.compute_c4id() in store
    assert c4py.identify_bytes(b"left by a killed run") in store
    bring(before, work, store=store)
    assert_state_without_link_ids(work, before)
    assert bring(manifest, tmp_path / "new", store=store, keep_removed=True).before == Manifest()
    with pytest.raises(c4py.StoreNotConfigured):
        c4py.reconcile(manifest, work, keep_removed=True)


def assert_state_without_link_ids(directory: Path, manifest: Manifest) -> None:
    assert c4py.dumps(c4py.scan(directory, link_ids="none")) == c4py.dumps(manifest)

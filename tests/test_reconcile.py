"""A directory is brought to the state that a manifest describes."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py import Entry, FSStore, Manifest, ReconcileOp, ReconcilePlan, ReconcileResult
from c4py._rust import dumps_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reconciled_trees import assert_state, bring, build, lines, plan

pytestmark = pytest.mark.usefixtures("no_configured_store")


# What comes of it


def test_a_directory_that_is_not_there_becomes_what_was_scanned(tree: Path, tmp_path: Path, store: FSStore) -> None:
    os.remove(tree / "pipe")
    manifest = c4py.scan(tree, store=store)
    result = bring(manifest, tmp_path / "new" / "place", store=store)
    assert_state(tmp_path / "new" / "place", manifest)
    assert (result.created, result.updated, result.moved, result.removed, result.skipped) == (8, 0, 0, 0, 0)


def test_only_what_differs_is_done(tmp_path: Path, store: FSStore) -> None:
    state = build(tmp_path / "state", {"same": b"1", "other": b"22", "new": b"333", "d": {"x": b"4"}, "link": "same"})
    manifest = c4py.scan(state, store=store)
    work = build(tmp_path / "work", {"same": b"1", "other": b"xx", "old": b"55", "e": {"y": b"6"}, "link": "old"})
    os.utime(work / "other", (0, 0))
    before = (work / "same").stat().st_ino
    found = plan(manifest, work, store=store)
    done = [line for line in lines(found) if not line.startswith("times")]
    assert done == [
        "mkdir d",
        "symlink link",
        "create new",
        "update other",
        "create d/x",
        "remove e/y",
        "rmdir e",
        "remove old",
    ]
    result = bring(manifest, work, store=store)
    assert (result.created, result.updated, result.removed, result.skipped) == (4, 1, 3, 1)
    assert (work / "same").stat().st_ino == before
    assert_state(work, manifest)


def test_content_that_is_in_the_tree_moves_and_needs_no_store(tmp_path: Path) -> None:
    state = build(tmp_path / "state", {"plates": {"a.exr": b"plate a", "b.exr": b"plate b"}, "copy": b"plate a"})
    manifest = c4py.scan(state)
    work = build(tmp_path / "work", {"old": {"b.exr": b"plate b", "z": b"plate a"}, "junk": b"plate !"})
    inode = (work / "old" / "b.exr").stat().st_ino
    found = plan(manifest, work)
    assert [(op.type, op.path, op.source) for op in found.operations if op.type == "move"] == [
        ("move", "copy", "old/z"),
        ("move", "plates/b.exr", "old/b.exr"),
    ]
    assert "create plates/a.exr" in lines(found)
    result = bring(manifest, work)
    assert result.moved == 2
    assert (work / "plates" / "b.exr").stat().st_ino == inode
    assert_state(work, manifest)


def test_files_that_exchange_their_names_move_in_a_circle(tmp_path: Path) -> None:
    names = [f"frame.{number:04}.exr" for number in range(20)]
    state = build(tmp_path / "state", {name: b"%03d" % at for at, name in enumerate(names)})
    work = build(tmp_path / "work", {name: b"%03d" % ((at + 1) % 20) for at, name in enumerate(names)})
    manifest = c4py.scan(state)
    inodes = {path.stat().st_ino for path in work.iterdir()}
    found = plan(manifest, work)
    assert {op.type for op in found.operations} <= {"move", "times"}
    assert bring(manifest, work).moved == 20
    assert_state(work, manifest)
    assert {path.stat().st_ino for path in work.iterdir()} == inodes


def test_of_several_files_with_one_content_that_of_the_same_name_moves(tmp_path: Path) -> None:
    manifest = c4py.scan(build(tmp_path / "state", {"new": {"b": b"same", "a": b"same"}}))
    work = build(tmp_path / "work", {"old": {"a": b"same", "b": b"same", "c": b"same"}})
    moves = {op.path: op.source for op in plan(manifest, work).operations if op.type == "move"}
    assert moves == {"new/a": "old/a", "new/b": "old/b"}
    bring(manifest, work)
    assert_state(work, manifest)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"x": b"file"}, {"x": {"below": b"1"}}),
        ({"x": {"below": {"deeper": b"1"}}}, {"x": b"file"}),
        ({"x": "nowhere"}, {"x": {"below": b"1"}}),
        ({"x": {"below": b"1"}}, {"x": "nowhere"}),
        ({"x": b"file"}, {"x": "nowhere"}),
        ({"x": "nowhere"}, {"x": b"file"}),
        ({"x": {"x": b"1"}}, {"x": b"1"}),
        ({"x": b"1"}, {"x": {"x": {"x": b"1"}}}),
        ({"a": {"b": b"1"}, "b": b"2"}, {"a": b"2", "b": {"a": b"1"}}),
    ],
)
def test_types_change(tmp_path: Path, store: FSStore, old: dict[str, Any], new: dict[str, Any]) -> None:
    manifest = c4py.scan(build(tmp_path / "state", new), store=store)
    work = build(tmp_path / "work", old)
    bring(manifest, work, store=store)
    assert_state(work, manifest)


def test_modes_and_times_are_set_where_the_manifest_names_them(tmp_path: Path, store: FSStore) -> None:
    work = build(tmp_path / "work", {"f": b"1", "d": {"g": b"2"}})
    manifest = c4py.scan(work, store=store)
    os.chmod(work / "f", 0o600)
    os.utime(work / "d", (5, 5))
    assert sorted(lines(plan(manifest, work))) == ["chmod f", "times d"]
    bring(manifest, work)
    assert_state(work, manifest)
    for entry in manifest:
        entry.mode = 0o040000 if entry.is_dir() else 0
        entry.timestamp_s = 0
    os.chmod(work / "f", 0o640)
    found = plan(manifest, work)
    assert [op for op in found.operations if op.path != "d"] == []


def test_special_bits_are_set_only_when_asked_for(tmp_path: Path) -> None:
    work = build(tmp_path / "work", {"f": b"1"})
    manifest = c4py.scan(work)
    manifest["f"].mode = 0o4755
    bring(manifest, work)
    assert stat.S_IMODE((work / "f").stat().st_mode) == 0o755
    bring(manifest, work, special_bits=True)
    assert stat.S_IMODE((work / "f").stat().st_mode) == 0o4755


def test_deep_trees_and_odd_names(tmp_path: Path, store: FSStore) -> None:
    state = tmp_path / "state"
    deep = os.path.join(os.fsencode(state), *[b"d\xff\xe2\x80\xae\n"] * 300)
    assert len(deep) < 4096
    os.makedirs(deep)
    for name in (b"\x1b[31m", b"a\\b", b"[1-3]", b" ", b'"', b"-", b"c4", b"x" * 255):
        with open(os.path.join(deep, name), "wb") as file:
            file.write(name)
    manifest = c4py.scan(state, store=store)
    bring(manifest, tmp_path / "work", store=store)
    assert_state(tmp_path / "work", manifest)
    shown = str(plan(manifest, tmp_path / "work2", store=store))
    assert not {"\x1b", "\u202e"} & set(shown)
    assert len(shown.splitlines()) == len(manifest)


def test_a_manifest_is_taken_from_a_file(tmp_path: Path, store: FSStore) -> None:
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"1"}), store=store)
    c4py.dump(manifest, tmp_path / "m.c4m")
    bring(tmp_path / "m.c4m", tmp_path / "work", store=store)
    assert_state(tmp_path / "work", manifest)
    with pytest.raises(FileNotFoundError):
        c4py.reconcile(tmp_path / "none.c4m", tmp_path / "work")
    with pytest.raises(TypeError):
        c4py.reconcile(3, tmp_path / "work")  # type: ignore[call-overload]


def test_sequences_are_brought_as_their_members(tmp_path: Path, store: FSStore) -> None:
    names = {f"plate.{number:04}.exr": b"%d" % number for number in range(1001, 1040)}
    state = build(tmp_path / "state", names)
    folded = c4py.scan(state, store=store, sequences=True)
    assert len(folded) == 1
    work = build(tmp_path / "work", {"plate.1001.exr": b"1001", "plate.9999.exr": b"1002"})
    result = bring(folded, work, store=store)
    # No sizes are known: what goes is not read where a store has the content.
    assert (result.created, result.moved, result.removed) == (38, 0, 1)
    assert {path.name: path.read_bytes() for path in work.iterdir()} == names
    for number in range(1039, 1000, -1):
        os.rename(work / f"plate.{number}.exr", work / f"plate.{number + 1}.exr")
    assert bring(folded, work).moved == 39
    assert {path.name: path.read_bytes() for path in work.iterdir()} == names
    # The ID list is in the store, where the manifest does not have it.
    bare = c4py.loads(dumps_bytes(folded, id_lists=False))
    bring(bare, tmp_path / "again", store=store)
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == names
    with pytest.raises(c4py.UnusableManifest, match="list c4"):
        c4py.reconcile(bare, tmp_path / "never", sources=[state])


def test_a_file_without_an_id_stays_as_it_is_and_cannot_be_made(tmp_path: Path) -> None:
    work = build(tmp_path / "work", {"known": b"anything"})
    manifest = Manifest([Entry("known", 0o600), Entry("empty", size=0)])
    bring(manifest, work)
    assert (work / "known").read_bytes() == b"anything"
    assert stat.S_IMODE((work / "known").stat().st_mode) == 0o600
    assert (work / "empty").read_bytes() == b""
    with pytest.raises(c4py.UnusableManifest, match=r"^known: .*nobody knows its content") as caught:
        c4py.reconcile(manifest, tmp_path / "elsewhere")
    assert caught.value.path == "known"
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_no_file_is_never_made_and_stays_where_it_is(tmp_path: Path) -> None:
    work = build(tmp_path / "work", {})
    os.mkfifo(work / "pipe")
    manifest = c4py.scan(work)
    assert plan(manifest, work).is_empty
    found = plan(manifest, tmp_path / "other")
    assert found.not_made == ["pipe"]
    assert lines(found) == ["not made pipe"]
    bring(manifest, tmp_path / "other")
    assert not (tmp_path / "other" / "pipe").exists()
    bring(Manifest(), work)
    assert list(work.iterdir()) == []


def test_the_state_of_a_workspace_is_left_alone(tmp_path: Path, store: FSStore) -> None:
    names = [".c4-workspace.json", ".c4-workspace-manifest.c4m"]
    work = build(tmp_path / "work", dict.fromkeys(names, b"state") | {"d": {names[0]: b"not at the root"}})
    assert lines(plan(Manifest(), work)) == [f"remove d/{names[0]}", "rmdir d"]
    foreign = c4py.scan(build(tmp_path / "state", {names[0]: b"foreign", "a": b"1"}), store=store)
    bring(foreign, work, store=store)
    assert (work / names[0]).read_bytes() == (work / names[1]).read_bytes() == b"state"
    assert sorted(path.name for path in work.iterdir()) == sorted([*names, "a"])


# Interruptions, progress, values


@pytest.mark.usefixtures("_shown_at_once")
def test_progress_is_told_of_every_operation(tmp_path: Path, store: FSStore, capfd: pytest.CaptureFixture[str]) -> None:
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"1", "d": {"b": b"2"}}), store=store)
    told: list[tuple[str, str, int, int]] = []
    threads = set()

    def progress(kind: str, path: str, index: int, total: int) -> None:
        told.append((kind, path, index, total))
        threads.add(threading.get_ident())

    bring(manifest, tmp_path / "work", store=store, progress=progress)
    assert sorted(told) == sorted((kind, path, index, 3) for index, (kind, path, _, _) in enumerate(told))
    assert {(kind, path) for kind, path, _, _ in told} == {("mkdir", "d"), ("create", "a"), ("create", "d/b")}
    assert threads == {threading.get_ident()}
    assert capfd.readouterr().err == ""
    bring(manifest, tmp_path / "again", store=store, progress=True)
    assert "writing 2 of 2 files, 100 %" in capfd.readouterr().err
    with pytest.raises(TypeError, match="progress must be a function, True or an object with update"):
        c4py.reconcile(manifest, tmp_path / "again", progress=3)  # type: ignore[call-overload]


def test_an_exception_in_progress_stops_the_work_which_can_be_done_again(tmp_path: Path, store: FSStore) -> None:
    state = build(tmp_path / "state", {f"f{number}": b"%d" % number for number in range(50)})
    manifest = c4py.scan(state, store=store)
    work = build(tmp_path / "work", {"old": b"7"})

    def progress(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        c4py.reconcile(manifest, work, store=store, progress=progress)
    bring(manifest, work, store=store)
    assert_state(work, manifest)


def test_ctrl_c_stops_it_and_another_run_completes_it(tmp_path: Path) -> None:
    state = build(tmp_path / "state", {f"f{number}": b"%d" % number for number in range(20)})
    c4py.dump(c4py.scan(state), tmp_path / "m.c4m")
    code = f"""
import os, signal, sys, threading, time
import c4py
sys.path.insert(0, {str(Path(__file__).parent)!r})
class Slow:
    concurrency = 4
    store = c4py.FSStore({str(tmp_path / "store")!r})
    def has(self, c4id): return True
    def get(self, c4id):
        import io
        if not hasattr(self, "began"):
            self.began = True
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(0.2)
        raise c4py.ContentNotFound(c4id)
    def put(self, source): raise NotImplementedError
try:
    c4py.reconcile({str(tmp_path / "m.c4m")!r}, {str(tmp_path / "work")!r}, store=Slow())
except KeyboardInterrupt:
    print("stopped")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "stopped\n"
    manifest = c4py.load(tmp_path / "m.c4m")
    bring(manifest, tmp_path / "work", sources=[state])
    assert_state(tmp_path / "work", manifest)


def test_plans_results_and_operations_are_values() -> None:
    op = ReconcileOp("move", "b\x1b", "a")
    assert pickle.loads(pickle.dumps(op)) == op != ReconcileOp("move", "b\x1b")
    assert repr(op) == "ReconcileOp('move', 'b\\x1b', source='a')"
    assert str(op) == "move b\\x1b from a"
    a_plan = ReconcilePlan([op], missing_paths=[("x", c4py.identify_bytes(b""))], skipped=3)
    assert pickle.loads(pickle.dumps(a_plan)) == a_plan != ReconcilePlan([op])
    assert a_plan.summary() == "1 move, 1 without content"
    assert ReconcilePlan().is_empty
    assert ReconcilePlan().summary() == "nothing to do"
    result = ReconcileResult(created=1, errors=["create x: no"])
    assert pickle.loads(pickle.dumps(result)) == result != ReconcileResult(created=1)
    assert str(result).splitlines()[1:] == ["create x: no"]
    with pytest.raises(TypeError):
        hash(a_plan)


# Properties

NAMES = st.sampled_from(["a", "b", "c", "d", "ü", "\udcff", "x\n", "z.c4m"])
CONTENTS = st.sampled_from([b"", b"1", b"2", b"33", b"44", b"555"])
TREES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(NAMES, CONTENTS | st.sampled_from(["a", "../b", "/nowhere"]), max_size=5),
    lambda below: st.dictionaries(NAMES, CONTENTS | st.just("a") | below, max_size=5),
    max_leaves=15,
)


@pytest.fixture
def scratch() -> Iterator[Callable[[], Path]]:
    """Give an empty directory for each example."""
    with tempfile.TemporaryDirectory() as root:
        count = iter(range(1_000_000))
        yield lambda: Path(root) / str(next(count))


@given(old=TREES, new=TREES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_becomes_any_other_and_back(
    scratch: Callable[[], Path], old: dict[str, Any], new: dict[str, Any]
) -> None:
    root = scratch()
    store = FSStore(root / "store", durability="none")
    work, state = build(root / "work", old), build(root / "state", new)
    manifest = c4py.scan(state, store=store, link_ids="none")
    result = bring(manifest, work, store=store, keep_removed=True)
    assert c4py.dumps(c4py.scan(work, link_ids="none")) == c4py.dumps(manifest)
    assert plan(manifest, work).is_empty
    assert result.before is not None
    bring(result.before, work, store=store)
    assert c4py.dumps(c4py.scan(work, link_ids="none")) == c4py.dumps(result.before)


@given(old=TREES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_files_moved_elsewhere_need_no_content_from_anywhere(
    scratch: Callable[[], Path], old: dict[str, Any]
) -> None:
    root = scratch()
    work, state = build(root / "work", old), build(root / "state", {"moved": old, "again": old})
    manifest = c4py.scan(state, link_ids="none")
    bring(manifest, work)
    assert c4py.dumps(c4py.scan(work, link_ids="none")) == c4py.dumps(manifest)

"""Workspaces: one manifest after the other in a directory, and what is known of it."""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import c4py
import pytest
from bundles import listing
from c4py.workspace import MANIFEST_FILE, STATE_FILE, WorkspaceState
from dict_store import DictStore
from workspaces import again, files

# Checkouts


def test_a_checkout_makes_the_tree(tmp_path: Path, workspace: c4py.Workspace, one: c4py.Manifest) -> None:
    assert files(workspace) == listing(tmp_path / "source")
    assert workspace.current == one
    assert workspace.diff_from_current().is_empty
    assert workspace.snapshot(store_content=False) == one


def test_another_process_sees_what_was_checked_out(workspace: c4py.Workspace, one: c4py.Manifest) -> None:
    other = again(workspace)
    assert other.current == one
    assert other.status() == workspace.status()
    assert other.diff_from_current().is_empty


def test_switching_brings_the_other_state_and_back(
    tmp_path: Path, workspace: c4py.Workspace, one: c4py.Manifest, two: c4py.Manifest
) -> None:
    before = files(workspace)
    done = workspace.checkout(two)
    assert isinstance(done, c4py.ReconcileResult)
    assert done.moved == 1
    assert files(workspace) == listing(tmp_path / "source")
    assert workspace.current == two
    workspace.checkout(one)
    assert files(workspace) == before


def test_reset_undoes_changes(workspace: c4py.Workspace) -> None:
    before = files(workspace)
    (workspace.path / "a.txt").write_text("mine")
    (workspace.path / "more").write_text("mine")
    (workspace.path / "d" / "large.bin").unlink()
    found = workspace.diff_from_current()
    assert [entry.path for entry in found.added] == ["more"]
    assert [entry.path for entry in found.removed] == ["d/large.bin"]
    assert "a.txt" in [entry.path for entry in found.modified]
    workspace.reset()
    assert files(workspace) == before
    assert workspace.diff_from_current().is_empty


def test_what_is_removed_can_be_kept(workspace: c4py.Workspace) -> None:
    (workspace.path / "a.txt").write_text("mine")
    done = workspace.reset(keep_removed=True)
    assert isinstance(done, c4py.ReconcileResult)
    assert done.before is not None
    assert (workspace.path / "a.txt").read_text() == "hello"
    workspace.checkout(done.before)
    assert (workspace.path / "a.txt").read_text() == "mine"


def test_what_is_kept_has_no_files_of_the_state(workspace: c4py.Workspace) -> None:
    before = workspace.snapshot()
    done = workspace.reset(keep_removed=True)
    assert isinstance(done, c4py.ReconcileResult)
    assert done.before is not None
    assert [path for path, _ in done.before.flat_entries()] == [path for path, _ in before.flat_entries()]


def test_a_dry_run_changes_nothing(tmp_path: Path, store: c4py.FSStore, one: c4py.Manifest) -> None:
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    plan = workspace.checkout(one, dry_run=True)
    assert isinstance(plan, c4py.ReconcilePlan)
    assert plan.operations
    assert not workspace.path.exists()
    assert workspace.current is None


def test_progress_and_sources_are_those_of_reconcile(tmp_path: Path, one: c4py.Manifest) -> None:
    told: list[tuple[str, str, int, int]] = []
    workspace = c4py.Workspace(tmp_path / "ws", store=DictStore())
    workspace.checkout(one, progress=lambda *values: told.append(values), sources=[tmp_path / "source"], link="copy")
    assert ("create", "a.txt") in {values[:2] for values in told}
    assert files(workspace) == listing(tmp_path / "source")


def test_the_last_state_of_a_chain_is_checked_out(
    tmp_path: Path, workspace: c4py.Workspace, one: c4py.Manifest, two: c4py.Manifest
) -> None:
    (tmp_path / "chain.c4m").write_text(c4py.dumps(one) + c4py.patch_diff(one, two))
    workspace.checkout(tmp_path / "chain.c4m")
    assert files(workspace) == listing(tmp_path / "source")
    assert again(workspace).current == two
    assert workspace.status()["manifest_path"] == str(tmp_path / "chain.c4m")


def test_a_patch_finds_what_it_continues_from_in_the_store(
    tmp_path: Path, workspace: c4py.Workspace, one: c4py.Manifest, two: c4py.Manifest
) -> None:
    (tmp_path / "patch.c4m").write_text(c4py.patch_diff(one, two))
    workspace.checkout(tmp_path / "patch.c4m")
    assert workspace.current == two


def test_sequences_are_expanded(tmp_path: Path, store: c4py.FSStore, one: c4py.Manifest) -> None:
    assert one
    folded = c4py.scan(tmp_path / "source", store=store, sequences=True)
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    workspace.checkout(folded)
    assert (workspace.path / "d" / "seq" / "f.0003.exr").read_text() == "frame 3"
    assert again(workspace).current == folded
    assert not again(workspace).diff_from_current().removed


def test_a_manifest_that_lies_in_the_workspace_is_refused_before_anything_is_removed(workspace: c4py.Workspace) -> None:
    c4py.dump(c4py.Manifest(), workspace.path / "other.c4m")
    before = listing(workspace.path)
    for is_dry in (True, False):
        with pytest.raises(c4py.UnusableManifest, match=r"other\.c4m lies in the directory"):
            workspace.checkout(workspace.path / "other.c4m", dry_run=is_dry)
    assert listing(workspace.path) == before
    assert again(workspace).status() == workspace.status()


def test_the_manifest_of_the_state_can_be_checked_out_by_its_path(workspace: c4py.Workspace) -> None:
    before = files(workspace)
    (workspace.path / "more").write_text("mine")
    workspace.checkout(workspace.path / MANIFEST_FILE)
    assert files(workspace) == before


def test_a_manifest_that_changes_later_is_not_what_was_checked_out(
    workspace: c4py.Workspace, one: c4py.Manifest
) -> None:
    one.entries.clear()
    assert workspace.current is not None
    assert len(workspace.current) > 0
    assert workspace.diff_from_current().is_empty


# Comparison


def test_a_clean_checkout_of_folded_sequences_has_no_changes(tmp_path: Path, store: c4py.FSStore) -> None:
    deep = tmp_path / "d" / "shots" / "plates" / "deep"
    deep.mkdir(parents=True)
    for number in range(1, 5):
        (deep.parent / f"f.{number:04d}.exr").write_text(f"frame {number}")
    (deep / "notes.txt").write_text("notes")
    manifest = c4py.scan(tmp_path / "d", store=store, sequences=True)
    assert any(entry.is_sequence for entry in manifest)
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    workspace.checkout(manifest)
    assert workspace.diff_from_current().is_empty
    (workspace.path / "shots" / "plates" / "f.0002.exr").write_text("retouched")
    found = workspace.diff_from_current()
    assert [entry.path for entry in found.modified] == ["shots/plates/f.0002.exr"]
    assert workspace.current == manifest


@pytest.mark.parametrize("field", ["mode", "timestamp_s", "size"])
def test_what_a_manifest_leaves_open_is_no_change(
    tmp_path: Path, store: c4py.FSStore, one: c4py.Manifest, field: str
) -> None:
    for entry in one:
        if entry.is_symlink() and field == "mode":
            continue  # it would be a file
        setattr(entry, field, -1 if field == "size" else 0)
    one = c4py.loads(c4py.dumps(one))
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    workspace.checkout(one)
    assert workspace.diff_from_current().is_empty
    (workspace.path / "a.txt").write_text("mine!")
    found = workspace.diff_from_current()
    assert [entry.path for entry in found.modified] == ["a.txt"]
    assert workspace.current == one


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: os.symlink("b", path)])
def test_another_kind_of_file_is_a_change_whatever_a_manifest_leaves_open(
    tmp_path: Path, store: c4py.FSStore, make: Callable[[Path], None]
) -> None:
    c4id = store.put(io.BytesIO(b"x"))
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    workspace.checkout(c4py.Manifest([c4py.Entry("a", c4id=c4id)]))
    assert workspace.diff_from_current().is_empty
    (workspace.path / "a").unlink()
    make(workspace.path / "a")
    assert not workspace.diff_from_current().is_empty


def test_modes_of_directories_are_compared(workspace: c4py.Workspace) -> None:
    (workspace.path / "d").chmod(0o700)
    assert [entry.path for entry in workspace.diff_from_current().modified] == ["d"]


def test_links_are_compared_by_their_targets(tmp_path: Path, store: c4py.FSStore) -> None:
    (tmp_path / "outside").write_text("outside")
    source = tmp_path / "source" / "d"
    source.mkdir(parents=True)
    (source / "link").symlink_to(tmp_path / "outside")
    manifest = c4py.scan(tmp_path / "source", store=store)
    assert manifest["d/link"].c4id == c4py.identify_bytes(b"outside")
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    workspace.checkout(manifest)
    (tmp_path / "outside").write_text("changed")
    assert workspace.diff_from_current().is_empty
    (workspace.path / "d" / "link").unlink()
    (workspace.path / "d" / "link").symlink_to("elsewhere")
    assert "d/link" in [entry.path for entry in workspace.diff_from_current().modified]


def test_nothing_outside_is_read_or_stored_through_a_link(tmp_path: Path, workspace: c4py.Workspace) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (workspace.path / "file").symlink_to(tmp_path / "outside" / "secret")
    (workspace.path / "tree").symlink_to(tmp_path / "outside")
    (workspace.path / "d" / "up").symlink_to("../../outside/secret")
    (workspace.path / "d" / "again").symlink_to("../file")
    (workspace.path / "d" / "down").symlink_to("../tree/secret")
    snapshot = workspace.snapshot()
    assert not workspace.store.has(c4py.identify_bytes(b"secret"))
    for path in ("file", "tree", "d/up", "d/again", "d/down"):
        assert snapshot[path].c4id is None, path
    (tmp_path / "outside" / "secret").chmod(0)
    found = workspace.diff_from_current()
    assert {entry.path for entry in found.added} == {"file", "tree", "d/up", "d/again", "d/down"}


# Snapshots


def test_a_snapshot_can_be_checked_out(tmp_path: Path, workspace: c4py.Workspace) -> None:
    (workspace.path / "more").write_text("mine")
    snapshot = workspace.snapshot()
    assert STATE_FILE not in snapshot
    assert MANIFEST_FILE not in snapshot
    assert workspace.store.has(c4py.identify_bytes(b"mine"))
    expected = files(workspace)
    workspace.reset()
    workspace.checkout(snapshot)
    assert files(workspace) == expected
    other = c4py.Workspace(tmp_path / "other", store=workspace.store)
    other.checkout(snapshot)
    assert files(other) == expected


def test_the_listing_of_a_snapshot_is_in_the_store(workspace: c4py.Workspace) -> None:
    from c4py.store.manifests import load_stored

    snapshot = workspace.snapshot()
    assert load_stored(workspace.store, snapshot.compute_c4id()) == snapshot


def test_without_content_nothing_is_stored(workspace: c4py.Workspace) -> None:
    (workspace.path / "more").write_text("mine")
    snapshot = c4py.Workspace(workspace.path).snapshot(store_content=False)
    assert snapshot["more"].c4id == c4py.identify_bytes(b"mine")
    assert not workspace.store.has(c4py.identify_bytes(b"mine"))


def test_names_of_the_state_further_down_are_files_like_others(workspace: c4py.Workspace) -> None:
    (workspace.path / "d" / STATE_FILE).write_text("mine")
    (workspace.path / "d" / MANIFEST_FILE).write_text("mine")
    snapshot = workspace.snapshot()
    assert f"d/{STATE_FILE}" in snapshot
    assert f"d/{MANIFEST_FILE}" in snapshot
    workspace.reset()
    assert not (workspace.path / "d" / STATE_FILE).exists()
    workspace.checkout(snapshot)
    assert (workspace.path / "d" / STATE_FILE).read_text() == "mine"


def test_a_directory_with_a_name_of_the_state_is_left_out_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "ws" / STATE_FILE / "below").mkdir(parents=True)
    (tmp_path / "ws" / STATE_FILE / "below" / "file").write_text("x")
    (tmp_path / "ws" / "other").mkdir()
    workspace = c4py.Workspace(tmp_path / "ws", store=DictStore())
    assert [entry.path for entry in workspace.snapshot()] == ["other"]
    assert workspace.status()["damaged"] == f"{STATE_FILE}: not a regular file"


def test_what_an_interrupted_checkout_left_waiting_is_no_part_of_a_snapshot(workspace: c4py.Workspace) -> None:
    (workspace.path / ".c4-reconcile").mkdir()
    (workspace.path / ".c4-reconcile" / "0").write_text("waiting")
    assert workspace.diff_from_current().is_empty
    workspace.checkout(workspace.snapshot())
    assert workspace.diff_from_current().is_empty


# Errors and interruptions


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_raises_or_is_recorded() -> None:
    import tempfile

    # pytest's directories belong to the user who started it.
    with tempfile.TemporaryDirectory() as directory:
        workspace = c4py.Workspace(f"{directory}/ws", store=c4py.MemoryStore())
        workspace.checkout(c4py.Manifest([c4py.Entry("a", size=0, c4id=c4py.identify_bytes(b""))]))
        (workspace.path / "secret").touch(mode=0)
        for call in (workspace.snapshot, workspace.diff_from_current):
            with pytest.raises(c4py.ScanError):
                call()
        snapshot = workspace.snapshot(on_error="record")
        assert [entry.path for entry in snapshot] == ["a", "secret"]
        assert [issue.path for issue in snapshot.errors] == ["secret"]
        found = workspace.diff_from_current(on_error="record")
        assert [issue.path for issue in found.errors] == ["secret"]
        assert (len(found.added), len(found.removed), [entry.path for entry in found.same]) == (0, 0, ["a"])


def test_nothing_checked_out_is_an_error(tmp_path: Path) -> None:
    workspace = c4py.Workspace(tmp_path / "ws")
    for action in (workspace.reset, workspace.diff_from_current):
        with pytest.raises(c4py.WorkspaceEmpty, match="no manifest was checked out"):
            action()
        with pytest.raises(RuntimeError):
            action()
    assert workspace.status()["exists"] is False
    assert not workspace.path.exists()


def test_missing_content_changes_nothing(
    tmp_path: Path, workspace: c4py.Workspace, two: c4py.Manifest, store: c4py.FSStore
) -> None:
    before = listing(workspace.path)
    store.remove(c4py.identify_bytes(b"changed"))
    with pytest.raises(c4py.MissingContent):
        workspace.checkout(two)
    assert listing(workspace.path) == before
    assert workspace.status()["interrupted"] is None
    fresh = c4py.Workspace(tmp_path / "fresh", store=store)
    with pytest.raises(c4py.MissingContent):
        fresh.checkout(two)
    assert not fresh.path.exists()
    (tmp_path / "fresh").mkdir()
    with pytest.raises(c4py.MissingContent):
        fresh.checkout(two)
    assert os.listdir(fresh.path) == []


def test_a_manifest_that_no_directory_can_be_brought_to_changes_nothing(workspace: c4py.Workspace) -> None:
    before = listing(workspace.path)
    for name in ("..", "a/b"):
        with pytest.raises((c4py.UnusableManifest, ValueError)):
            workspace.checkout(c4py.Manifest([c4py.Entry(name, 0o100644, size=0)]))
        assert listing(workspace.path) == before


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, KeyError])
def test_an_interrupted_checkout_is_known_and_goes_on(
    workspace: c4py.Workspace, one: c4py.Manifest, two: c4py.Manifest, tmp_path: Path, failure: type[BaseException]
) -> None:
    before = files(workspace)

    def stop(_type: str, _path: str, index: int, _total: int) -> None:
        if index == 1:
            raise failure

    with pytest.raises(failure):
        workspace.checkout(two, progress=stop)
    found = again(workspace)
    assert found.status()["interrupted"] == str(c4py.identify_bytes(c4py.dumps(two).encode()))
    assert found.current == workspace.current == one
    found.checkout(two)
    assert files(found) == listing(tmp_path / "source")
    assert found.status()["interrupted"] is None
    with pytest.raises(failure):
        found.checkout(one, progress=stop)
    again(found).checkout(one)
    assert files(found) == before


def test_a_first_checkout_that_was_interrupted_is_known(
    tmp_path: Path, store: c4py.FSStore, one: c4py.Manifest
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        c4py.Workspace(tmp_path / "ws", store=store).checkout(one, progress=stop)
    found = c4py.Workspace(tmp_path / "ws", store=store)
    with pytest.raises(c4py.WorkspaceEmpty, match="the first checkout was interrupted"):
        found.reset()
    found.checkout(one)
    assert found.diff_from_current().is_empty


def test_a_state_that_was_not_written_any_more_is_completed(workspace: c4py.Workspace, two: c4py.Manifest) -> None:
    """The manifest is written after the checkout, then the state: a kill may come between them."""
    state = (workspace.path / STATE_FILE).read_bytes()
    workspace.checkout(two)
    text_id = str(c4py.identify_bytes((workspace.path / MANIFEST_FILE).read_bytes()))
    (workspace.path / STATE_FILE).write_text(json.dumps(json.loads(state) | {"checking_out": text_id}))
    found = again(workspace)
    assert found.current == two
    assert found.status()["interrupted"] is None
    assert found.status()["manifest_c4id"] == str(two.compute_c4id())


# Values


def test_status_tells_what_1_0_20_does_and_more(workspace: c4py.Workspace, one: c4py.Manifest) -> None:
    status = workspace.status()
    assert status["path"] == str(workspace.path)
    assert (status["exists"], status["has_manifest"]) == (True, True)
    assert status["manifest_c4id"] == str(one.compute_c4id())
    assert str(status["created"]) <= str(status["last_checkout"])
    assert status["manifest_path"] is None


def test_a_state_compares_by_its_values() -> None:
    state = WorkspaceState(manifest_c4id="c4x", created="now")
    assert repr(state) == "WorkspaceState(created='now', manifest_c4id='c4x')"
    assert state == WorkspaceState(created="now", manifest_c4id="c4x") != WorkspaceState()
    assert pickle.loads(pickle.dumps(state)) == state


def test_the_store_is_opened_when_it_is_needed(
    tmp_path: Path, one: c4py.Manifest, store: c4py.FSStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("C4_STORE", raising=False)
    workspace = c4py.Workspace(os.fsencode(tmp_path / "ws"))
    assert workspace.status()["exists"] is False
    with pytest.raises(c4py.StoreNotConfigured):
        workspace.checkout(one)
    assert not workspace.path.exists()
    monkeypatch.setenv("C4_STORE", str(store.root))
    workspace.checkout(one)
    workspace.store = c4py.MemoryStore()
    assert workspace.store.put(io.BytesIO(b"x")) == c4py.identify_bytes(b"x")


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="path must be"):
        c4py.Workspace(1)  # type: ignore[arg-type]
    (tmp_path / "file").touch()
    workspace = c4py.Workspace(tmp_path / "file", store=DictStore())
    with pytest.raises(OSError, match="file"):
        workspace.checkout(c4py.Manifest())

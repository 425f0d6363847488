"""Workspaces whose state was damaged, or made by somebody else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import c4py
import pytest
from bundles import listing
from c4py.workspace import MANIFEST_FILE, STATE_FILE
from workspaces import again, files


def test_a_manifest_without_a_state_is_not_believed(tmp_path: Path, store: c4py.FSStore) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "mine").write_text("mine")
    c4py.dump(c4py.Manifest(), tmp_path / "ws" / MANIFEST_FILE)
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    assert workspace.current is None
    assert workspace.status()["damaged"] == f"{MANIFEST_FILE}: it is not the one that was checked out"
    with pytest.raises(c4py.WorkspaceEmpty):
        workspace.reset()
    assert (tmp_path / "ws" / "mine").exists()


def test_a_manifest_beside_a_first_checkout_that_was_interrupted_is_not_believed(
    tmp_path: Path, store: c4py.FSStore
) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / STATE_FILE).write_text(json.dumps({"checking_out": str(c4py.identify_bytes(b"another"))}))
    c4py.dump(c4py.Manifest(), tmp_path / "ws" / MANIFEST_FILE)
    assert c4py.Workspace(tmp_path / "ws", store=store).current is None


@pytest.mark.parametrize("name", [STATE_FILE, MANIFEST_FILE])
def test_a_directory_in_place_of_the_state_is_named_before_anything_is_touched(
    workspace: c4py.Workspace, two: c4py.Manifest, name: str
) -> None:
    (workspace.path / name).unlink()
    (workspace.path / name).mkdir()
    before = listing(workspace.path)
    with pytest.raises(IsADirectoryError) as raised:
        again(workspace).checkout(two)
    assert raised.value.filename == str(workspace.path / name)
    assert listing(workspace.path) == before


@pytest.mark.parametrize("how", ["flipped", "truncated", "appended"])
def test_a_manifest_that_was_changed_is_not_used(workspace: c4py.Workspace, one: c4py.Manifest, how: str) -> None:
    path = workspace.path / MANIFEST_FILE
    text = path.read_bytes()
    at = text.index(b" 5 ") + 1
    changed = {"flipped": text[:at] + b"4" + text[at + 1 :], "truncated": text[:-1], "appended": text + b"\n"}[how]
    path.write_bytes(changed)
    before = files(workspace)
    found = again(workspace)
    assert found.current is None
    assert found.status()["damaged"] == f"{MANIFEST_FILE}: it is not the one that was checked out"
    with pytest.raises(c4py.WorkspaceEmpty, match="it is not the one that was checked out"):
        found.reset()
    assert files(found) == before
    found.checkout(one)
    assert found.status()["damaged"] is None
    assert again(found).current == one


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b'{"created": 1}',
        b'{"text_c4id": null}',
        b'{"manifest_path": "\\ud800"}',
        b"\xff",
        b"[" * 100_000,
        b" " * 100_000,
        b"\0",
    ],
)
def test_a_damaged_state_counts_as_none_and_says_so(workspace: c4py.Workspace, one: c4py.Manifest, text: bytes) -> None:
    before = files(workspace)
    (workspace.path / STATE_FILE).write_bytes(text)
    found = again(workspace)
    assert found.current is None
    assert str(found.status()["damaged"]).startswith(f"{STATE_FILE}: ")
    with pytest.raises(c4py.WorkspaceEmpty):
        found.reset()
    assert files(found) == before
    found.checkout(one)
    assert again(found).current == one


def make_link(path: Path, outside: Path) -> None:
    path.symlink_to(outside)


def make_pipe(path: Path, _outside: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [make_link, make_pipe])
@pytest.mark.parametrize("name", [STATE_FILE, MANIFEST_FILE])
def test_links_and_pipes_in_place_of_the_state_are_neither_read_nor_written_through(
    tmp_path: Path, workspace: c4py.Workspace, one: c4py.Manifest, name: str, make: Callable[[Path, Path], None]
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes((workspace.path / name).read_bytes())
    (workspace.path / name).unlink()
    make(workspace.path / name, outside)
    expected = outside.read_bytes()
    found = again(workspace)
    assert found.current is None
    assert str(found.status()["damaged"]).startswith(f"{name}: ")
    found.checkout(one)
    assert outside.read_bytes() == expected
    assert not (workspace.path / name).is_symlink()
    assert again(found).current == one


def test_files_of_1_0_20_are_read(tmp_path: Path, store: c4py.FSStore, one: c4py.Manifest) -> None:
    (tmp_path / "ws").mkdir()
    state = {"manifest_c4id": "c4x", "manifest_path": "", "created": "then", "last_checkout": "later"}
    (tmp_path / "ws" / STATE_FILE).write_text(json.dumps(state, indent=2))
    c4py.dump(one, tmp_path / "ws" / MANIFEST_FILE)
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    assert workspace.current == one
    status = workspace.status()
    assert (status["manifest_c4id"], status["created"], status["last_checkout"]) == ("c4x", "then", "later")
    assert (status["interrupted"], status["damaged"]) == (None, None)
    workspace.reset()
    assert workspace.diff_from_current().is_empty
    assert workspace.status()["created"] == "then"


def test_no_temporary_file_stays(workspace: c4py.Workspace, two: c4py.Manifest) -> None:
    workspace.checkout(two)
    hidden = {name for name in os.listdir(workspace.path) if name.startswith(".")}
    assert hidden == {STATE_FILE, MANIFEST_FILE}

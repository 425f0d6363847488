"""Dry runs, and manifests and directories that are refused: nothing is touched, and never anything outside."""

from __future__ import annotations

import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py import Entry, FSStore, Manifest
from dict_store import DictStore
from reconciled_trees import bring, build, lines, plan, snapshot

pytestmark = pytest.mark.usefixtures("no_configured_store")


def test_a_dry_run_touches_nothing(tmp_path: Path, store: FSStore) -> None:
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"1", "d": {"b": b"2"}}), store=store)
    work = build(tmp_path / "work", {"x": b"2", "d": b"3"})
    before = snapshot(tmp_path)
    found = plan(manifest, work, store=store, keep_removed=True)
    plan(manifest, tmp_path / "not" / "there", store=store)
    assert snapshot(tmp_path) == before
    assert [str(op) for op in found.operations] == lines(found)
    assert found.bytes == 1
    assert repr(found) == "<ReconcilePlan: 1 mkdir, 1 create, 1 move, 1 remove, 1 B to write>"


def refused(manifest: Manifest, tmp_path: Path, error: type[c4py.UnusableManifest] = c4py.UnusableManifest) -> str:
    """See that a manifest is refused and nothing touched; the text."""
    work = build(tmp_path / "work", {"a": b"1", "d": {"b": b"2"}})
    before = snapshot(tmp_path)
    with pytest.raises(error) as caught:
        c4py.reconcile(manifest, work)
    with pytest.raises(error):
        c4py.reconcile(manifest, work, dry_run=True)
    with pytest.raises(error):
        c4py.reconcile(manifest, tmp_path / "new")
    assert snapshot(tmp_path) == before
    assert type(caught.value) is error
    assert isinstance(caught.value, ValueError)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.path) == (str(caught.value), caught.value.path)
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["..", ".", "", "/", "../", "./", "a/b", "/etc/passwd", "..//", "a\0b", "d/../../x", "../../../x"]
)
def test_names_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    mode = 0o040755 if name.endswith("/") else 0o644
    manifest = Manifest([Entry("d/", 0o040755), Entry(name, mode, size=0, depth=1)])
    assert refused(manifest, tmp_path, c4py.PathTraversal).startswith("d/")


@pytest.mark.parametrize(
    "field",
    ["¤⠮⠮¤", "¤⠮¤.", "¤⠯¤", "a¤⠯¤b", "\\0", "¤⠀¤", "¤⠮⠮⠯⠮⠮⠯⡥⡴⡣¤", ".¤⠮¤", "¤⠮⠮¤/"],
)
def test_names_that_lead_out_are_refused_however_they_are_written(field: str, tmp_path: Path) -> None:
    mode = "drwxr-xr-x" if field.endswith("/") else "-rw-r--r--"
    manifest = c4py.loads(f"{mode} - 0 {field} -\n")
    refused(manifest, tmp_path, c4py.PathTraversal)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([Entry("x", size=0), Entry("x", size=0)], "x: two entries have this name"),
        ([Entry("x", size=0), Entry("x/")], "x/: two entries have this name"),
        ([Entry("x", 0o120777, target="/etc"), Entry("x/"), Entry("y", size=0, depth=1)], "x/: two entries"),
        ([Entry("x", 0o120777, target="/etc"), Entry("y", size=0, depth=1)], "y: the entry has no directory above it"),
        ([Entry("d/"), Entry("x", 0o120777, target="/etc"), Entry("y", size=0, depth=1)], "y: the entry has no dir"),
        ([Entry("y", size=0, depth=7)], "y: the entry has no directory above it"),
        ([Entry(".c4-reconcile/")], "the directory in which content waits"),
        ([Entry(".C4-Reconcile", size=0)], "the directory in which content waits"),
        ([Entry("x", 0o120777)], "x: the target of the symbolic link is not known"),
        ([Entry("x", 0o120777, target="a\0b")], "x: the target of the symbolic link holds a NUL byte"),
        ([Entry("x/", 0o010644)], "x/: the name is that of a directory, and the mode is not"),
    ],
)
def test_entries_that_meet_or_hang_in_the_air_are_refused(entries: list[Entry], message: str, tmp_path: Path) -> None:
    assert message in refused(Manifest(entries), tmp_path)


@pytest.mark.parametrize(
    "name",
    ["f.[0-999999999].exr", "f.[5-1].exr", "f.[1-9:0].exr", "f.[" + ",".join(["1-3:2"] * 5) + "].exr"],
)
def test_sequence_bombs_are_refused_and_cost_nothing(name: str, tmp_path: Path) -> None:
    entry = Entry(name, 0o644)
    entry.is_sequence = True
    message = refused(Manifest([entry]), tmp_path)
    assert "f." in message


def test_a_sequence_that_stands_for_a_name_twice_is_refused(tmp_path: Path) -> None:
    text = "-rw-r--r-- - - f.[1-3] -\n-rw-r--r-- - - f.[3-4] -\n"
    assert "two entries have this name" in refused(c4py.loads(text), tmp_path)


def test_a_patch_is_no_state(tmp_path: Path) -> None:
    base = c4py.identify_bytes(b"base")
    manifest = c4py.loads(f"{base}\n-rw-r--r-- - 0 x -\n")
    assert f"the manifest is a patch of {base}" in refused(manifest, tmp_path)


def test_sizes_and_flow_links_of_any_kind_do_no_harm(tmp_path: Path, store: FSStore) -> None:
    manifest = c4py.scan(build(tmp_path / "state", {"a": b"1"}), store=store)
    manifest.entries.append(Entry("d/", 0o040755, size=2**63 - 1))
    manifest["a"].size = -5
    manifest["a"].flow_direction = c4py.FlowDirection.INBOUND
    manifest["a"].flow_target = "nas:/etc/passwd"
    bring(manifest, tmp_path / "work", store=store)
    assert (tmp_path / "work" / "a").read_bytes() == b"1"


def test_a_link_with_a_target_outside_is_made_and_not_followed(tmp_path: Path, store: FSStore) -> None:
    outside = build(tmp_path / "outside", {"victim": b"untouched"})
    state = build(tmp_path / "state", {"link": str(outside), "up": "../outside/victim", "loop": "loop"})
    manifest = c4py.scan(state, store=store)
    work = build(tmp_path / "work", {"link": {"victim": b"old"}, "up": b"old"})
    before = snapshot(outside)
    bring(manifest, work, store=store)
    assert os.readlink(work / "link") == str(outside)
    bring(
        c4py.scan(build(tmp_path / "other", {"link": {"victim": b"new"}, "up": b"new"}), store=store), work, store=store
    )
    assert snapshot(outside) == before
    assert (work / "link" / "victim").read_bytes() == b"new"


def test_a_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    outside = build(tmp_path / "outside", {"victim": b"untouched"})
    (tmp_path / "link").symlink_to(outside)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    before = snapshot(outside)
    for name in ("link", "link/", "dangling"):
        with pytest.raises(NotADirectoryError, match="is a symbolic link"):
            c4py.reconcile(Manifest(), f"{tmp_path}/{name}")
    assert snapshot(outside) == before
    with pytest.raises(NotADirectoryError):
        c4py.reconcile(Manifest(), outside / "victim")


@pytest.mark.usefixtures("no_configured_store", "unprivileged")
def test_a_directory_that_cannot_be_listed_whole_is_not_touched() -> None:
    with tempfile.TemporaryDirectory() as root:
        work = build(Path(root) / "work", {"a": b"1", "d": {"b": b"2"}})
        os.chmod(work / "d", 0)
        try:
            with pytest.raises(PermissionError) as caught:
                c4py.reconcile(Manifest(), work, store=DictStore())
            assert caught.value.filename == str(work / "d")
            assert (work / "a").exists()
        finally:
            os.chmod(work / "d", 0o700)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"link": "soft"}, ValueError, "link must be 'auto', 'copy', 'reflink' or 'hardlink', not \"soft\""),
        ({"link": 3}, TypeError, "link must be str, not int"),
        ({"workers": 0}, ValueError, "workers must be between 1 and 1024"),
        ({"sources": [3]}, TypeError, "sources must be str, bytes or os.PathLike, not int"),
    ],
)
def test_wrong_arguments_are_named(
    options: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        c4py.reconcile(Manifest(), tmp_path / "work", **options)
    assert str(caught.value) == message


def test_a_listing_of_one_level_empties_no_directory(tmp_path: Path, store: c4py.FSStore) -> None:
    """A store keeps a directory as such a listing, which `c4py cat ID` prints."""
    root = tmp_path / "d"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_text("kept")
    whole = c4py.scan(root, store=store)
    with store.get(whole.compute_c4id()) as listing:
        level = c4py.loads(listing.read())
    assert [entry.path for entry in level] == ["sub"]
    for dry_run in (True, False):
        with pytest.raises(c4py.UnusableManifest, match="sub/: the manifest lists one level alone"):
            c4py.reconcile(level, root, store=store, dry_run=dry_run)
    assert (root / "sub" / "file").read_text() == "kept"
    # A directory that is empty by its ID, or has none, is what it looks like.
    (root / "sub" / "file").unlink()
    c4py.reconcile(c4py.scan(root), root)
    c4py.reconcile(c4py.loads("drwxr-xr-x - 0 sub/ -\n"), root)

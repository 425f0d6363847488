"""A directory compared with a manifest: every difference is in the right list, and what was not read is never ok."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import c4py
import pytest
from c4py import C4ID, ChangedEntry, CorruptEntry, Entry, Manifest, UnreadableEntry, VerifyReport
from hypothesis import given, settings
from hypothesis import strategies as st
from meanwhile import meanwhile

LISTS = ("ok", "missing", "corrupt", "extra", "unreadable", "changed", "moved", "canonical_only", "unverified")


def findings(report: VerifyReport) -> dict[str, list[str]]:
    """Give the paths of the lists that are not empty, but for `ok`."""
    return {
        name: [getattr(item, "path", item) if name != "moved" else item.old.path for item in getattr(report, name)]
        for name in LISTS
        if name != "ok" and getattr(report, name)
    }


def write(path: Path, content: str | bytes = "", time: int = 1_700_000_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (time, time))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a tree in which every file has content of its own."""
    root = tmp_path / "root"
    write(root / "a", "content of a")
    write(root / ".hidden", "hidden")
    write(root / "d/b", "content of b")
    write(root / "d/e/c", "content of c, longer")
    (root / "empty").mkdir()
    (root / "link").symlink_to("a")
    os.mkfifo(root / "pipe")
    return root


# What agrees


def test_a_tree_is_what_a_scan_says_of_it(tree: Path) -> None:
    manifest = c4py.scan(tree)
    for options in ({}, {"metadata": True}, {"workers": 1}, {"sample": 1.0}, {"drop_cache": True}):
        report = c4py.verify_tree(manifest, tree, **options)
        assert report.is_ok
        assert report.ok == [path for path, _ in manifest.flat_entries()]
        assert findings(report) == {}
        report.raise_if_failed()


def test_the_report_says_what_was_done(root: Path, tmp_path: Path) -> None:
    c4m = tmp_path / "root.c4m"
    c4py.dump(c4py.scan(root), c4m)
    before = datetime.now(UTC)
    report = c4py.verify_tree(c4m, root, workers=2)
    assert report.mode == "full"
    assert (report.metadata, report.sample, report.accept_canonical, report.cache_dropped) == (False, None, False, None)
    assert (report.root, report.manifest_path) == (str(root), str(c4m))
    assert report.manifest_id == c4py.scan(root).compute_c4id()
    assert before <= report.started <= report.ended <= datetime.now(UTC)
    size = sum(len(text) for text in ("content of a", "hidden", "content of b", "content of c, longer"))
    assert (report.files_total, report.files_read, report.bytes_read) == (6, 4, size)
    assert report.bytes_total == size + len("a")
    assert report.workers == 2
    assert report.counts["ok"] == len(report.ok) == 9


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_a_manifest_and_a_directory_are_named_as_any_path(
    root: Path, tmp_path: Path, kind: Callable[[str], str | bytes | Path]
) -> None:
    c4m = tmp_path / "root.c4m"
    c4py.dump(c4py.scan(root), c4m)
    assert c4py.verify_tree(kind(str(c4m)), kind(str(root))).is_ok


def test_what_a_manifest_does_not_say_is_not_compared(root: Path) -> None:
    manifest = c4py.scan(root)
    for entry in manifest:
        entry.mode = 0 if not entry.is_dir() and not entry.target and entry.c4id else entry.mode
        entry.timestamp_s = 0
        entry.size = -1
    assert c4py.verify_tree(manifest, root, metadata=True).is_ok


def test_the_times_of_a_structure_scan_are_not_compared(root: Path) -> None:
    report = c4py.verify_tree(c4py.scan(root, mode="structure"), root, metadata=True)
    assert findings(report) == {"unverified": [".hidden", "a", "pipe", "d/b", "d/e/c"]}
    assert report.ok == ["link", "d", "d/e", "empty"]
    assert not report.is_ok


def test_a_link_is_compared_by_its_target_and_not_by_the_id_of_what_that_is(root: Path) -> None:
    manifest = c4py.scan(root)
    assert manifest["link"].c4id == manifest["a"].c4id
    (root / "a").write_text("other")
    assert findings(c4py.verify_tree(manifest, root)) == {"corrupt": ["a"]}


def test_a_file_with_several_names_is_read_once(root: Path) -> None:
    os.link(root / "a", root / "d" / "same")
    report = c4py.verify_tree(c4py.scan(root), root)
    assert report.is_ok
    assert report.files_read == 4
    (root / "a").write_text("CONTENT OF A")
    again = c4py.verify_tree(c4py.scan(root), root)
    assert again.is_ok


def test_a_sequence_is_verified_member_by_member(tmp_path: Path) -> None:
    for number in range(1, 8):
        write(tmp_path / "s" / f"f.{number:04}.exr", f"frame {number}", 1_700_000_000 + number)
        (tmp_path / "s" / f"f.{number:04}.exr").chmod(0o600 + 0o004 * (number % 2))
    manifest = c4py.scan(tmp_path / "s", sequences=True)
    assert len(manifest) == 1
    assert c4py.verify_tree(manifest, tmp_path / "s", metadata=True).is_ok
    assert c4py.verify_tree(c4py.loads(c4py.dumps(manifest)), tmp_path / "s").is_ok
    (tmp_path / "s" / "f.0003.exr").write_text("frame x")
    (tmp_path / "s" / "f.0005.exr").unlink()
    write(tmp_path / "s" / "f.0008.exr", "frame 8")
    report = c4py.verify_tree(manifest, tmp_path / "s")
    assert findings(report) == {"missing": ["f.0005.exr"], "corrupt": ["f.0003.exr"], "extra": ["f.0008.exr"]}
    assert report.corrupt[0].expected == c4py.identify_bytes(b"frame 3")


def test_members_of_a_sequence_without_its_list_are_looked_for_by_name(tmp_path: Path) -> None:
    for number in (1, 2, 4):
        write(tmp_path / f"f.{number}.exr", "x")
    report = c4py.verify_tree(Manifest([Entry("f.[1-4].exr", is_sequence=True)]), tmp_path)
    assert findings(report) == {"missing": ["f.3.exr"], "unverified": ["f.1.exr", "f.2.exr", "f.4.exr"]}
    assert not report.is_ok


def test_the_state_of_a_workspace_is_no_part_of_the_tree(root: Path) -> None:
    manifest = c4py.scan(root)
    for name in (".c4-workspace.json", ".c4-workspace-manifest.c4m"):
        (root / name).write_text("{}")
        (root / "d" / name).write_text("{}")
    report = c4py.verify_tree(manifest, root)
    assert report.extra == ["d/.c4-workspace-manifest.c4m", "d/.c4-workspace.json"]
    manifest = c4py.scan(root)
    (root / ".c4-workspace.json").write_text("[]")
    assert findings(c4py.verify_tree(manifest, root)) == {"corrupt": [".c4-workspace.json"]}


def test_the_order_of_a_manifest_does_not_matter(root: Path) -> None:
    manifest = c4py.scan(root)
    turned = Manifest([entry for entry in reversed(list(manifest)) if entry.depth == 0 and not entry.is_dir()])
    turned.entries.extend(entry for entry in manifest if entry.depth or entry.is_dir())
    assert c4py.verify_tree(turned, root).ok == c4py.verify_tree(manifest, root).ok


def test_a_directory_by_its_mode_alone_is_one(root: Path) -> None:
    manifest = c4py.scan(root)
    for entry in manifest:
        if entry.is_dir():
            entry.name = entry.name.rstrip("/")
    report = c4py.verify_tree(manifest, root)
    assert report.is_ok
    assert "d/e" in report.ok


# What does not


def test_every_kind_of_difference_is_in_its_list(root: Path) -> None:
    manifest = c4py.scan(root)
    write(root / "a", "content of A")
    (root / "d/b").unlink()
    write(root / "new", "new")
    (root / "link").unlink()
    (root / "link").symlink_to("d")
    (root / "empty").rmdir()
    report = c4py.verify_tree(manifest, root)
    assert findings(report) == {"missing": ["d/b", "empty"], "corrupt": ["a"], "extra": ["new"], "changed": ["link"]}
    expected, actual = (c4py.identify_bytes(text) for text in (b"content of a", b"content of A"))
    assert report.corrupt == [CorruptEntry("a", expected, actual)]
    assert report.changed == [ChangedEntry("link", "target", "a", "d")]
    assert report.ok == [".hidden", "pipe", "d", "d/e", "d/e/c"]
    assert not report.is_ok


def test_directories_are_listed_only_when_no_file_is_below(root: Path) -> None:
    manifest = c4py.scan(root)
    shutil.rmtree(root / "d")
    (root / "empty").rmdir()
    (root / "x/y/z").mkdir(parents=True)
    write(root / "v/w/file", "x")
    report = c4py.verify_tree(manifest, root)
    assert findings(report) == {
        "missing": ["d/b", "d/e/c", "empty"],
        "extra": ["v/w/file", "x", "x/y", "x/y/z"],
    }


@pytest.mark.parametrize("quick", [False, True])
def test_another_type_is_a_failure_always(root: Path, quick: bool) -> None:
    manifest = c4py.scan(root)
    (root / "a").unlink()
    (root / "a").mkdir()
    write(root / "a/below", "x")
    shutil.rmtree(root / "d")
    write(root / "d", "a file")
    (root / "pipe").unlink()
    write(root / "pipe", "x")
    (root / ".hidden").unlink()
    os.mkfifo(root / ".hidden")
    report = c4py.verify_tree(manifest, root, quick=quick)
    assert report.changed == [
        ChangedEntry(".hidden", "type", "file", "pipe"),
        ChangedEntry("a", "type", "file", "directory"),
        ChangedEntry("pipe", "type", "pipe", "file"),
        ChangedEntry("d", "type", "directory", "file"),
    ]
    assert (report.missing, report.extra) == (["d/b", "d/e/c"], ["a/below"])
    assert not set(report.ok) & {".hidden", "a", "pipe", "d"}


def test_sockets_are_compared_by_type(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        try:
            os.chdir(root)
            server.bind("socket")
        finally:
            os.chdir(here)
        manifest = c4py.scan(root)
        assert c4py.verify_tree(manifest, root, metadata=True).is_ok


def test_metadata_is_compared_when_asked_for(root: Path) -> None:
    (root / "a").chmod(0o644)
    manifest = c4py.scan(root)
    (root / "a").chmod(0o600)
    os.utime(root / "d/b", (1_600_000_000, 1_600_000_000))
    (root / "d").chmod(0o700)
    assert c4py.verify_tree(manifest, root).is_ok
    report = c4py.verify_tree(manifest, root, metadata=True)
    assert [change for change in report.changed if change.field != "time"] == [
        ChangedEntry("a", "mode", "-rw-r--r--", "-rw-------"),
        ChangedEntry("d", "mode", "drwxr-xr-x", "drwx------"),
    ]
    assert ChangedEntry("d/b", "time", "2023-11-14T22:13:20Z", "2020-09-13T12:26:40Z") in report.changed
    assert set(report.ok).isdisjoint({"a", "d/b", "d"})
    assert report.metadata
    assert not report.is_ok


def test_a_corrupt_file_of_another_size_is_in_both_lists_with_metadata(root: Path) -> None:
    manifest = c4py.scan(root)
    write(root / "a", "short")
    report = c4py.verify_tree(manifest, root, metadata=True)
    assert findings(report) == {"corrupt": ["a"], "changed": ["a"]}
    assert report.changed == [ChangedEntry("a", "size", "12", "5")]


def test_without_an_id_the_size_is_compared(root: Path) -> None:
    manifest = c4py.scan(root, mode="metadata")
    write(root / "a", "longer than it was before")
    report = c4py.verify_tree(manifest, root)
    assert report.changed == [ChangedEntry("a", "size", "12", "25")]
    assert report.files_read == 0
    assert report.unverified == [".hidden", "d/b", "d/e/c"]


def test_what_moved_is_found_by_content_and_size(root: Path) -> None:
    write(root / "one/name", "twin")
    write(root / "two/other", "twin")
    manifest = c4py.scan(root)
    (root / "new").mkdir()
    (root / "d/b").rename(root / "new/b")
    (root / "one/name").rename(root / "new/x")
    (root / "two/other").rename(root / "new/name")
    write(root / "new/of one size", "CONTENT OF B")
    write(root / "new/of no size that is missing", "")
    report = c4py.verify_tree(manifest, root)
    # Of two with one content, that of the same name comes first.
    assert [(move.old.path, move.new.path) for move in report.moved] == [
        ("d/b", "new/b"),
        ("one/name", "new/name"),
        ("two/other", "new/x"),
    ]
    assert report.missing == ["d/b", "one/name", "two/other"]
    assert report.extra == ["new/b", "new/name", "new/of no size that is missing", "new/of one size", "new/x"]
    assert report.files_read == len(["a", ".hidden", "c"]) + len(["b", "x", "name", "of one size"])


def test_a_manifest_in_other_words_is_right_in_canonical_form_only(tmp_path: Path) -> None:
    loose, canonical = b"- - 2 b -\n\n- - 1 a -\n", b"- - 1 a -\n- - 2 b -\n"
    for name in ("note.c4m", "note"):
        (tmp_path / name).write_bytes(canonical)
    (tmp_path / "big").write_bytes(b"x" * 100_000)
    manifest = c4py.scan(tmp_path)
    for name in ("note.c4m", "note"):
        (tmp_path / name).write_bytes(loose)
    report = c4py.verify_tree(manifest, tmp_path)
    entry = CorruptEntry("note", c4py.identify_bytes(canonical), c4py.identify_bytes(loose))
    assert report.canonical_only == [entry, CorruptEntry("note.c4m", entry.expected, entry.actual)]
    assert (report.corrupt, report.ok, report.is_ok) == ([], ["big"], False)
    assert c4py.verify_tree(manifest, tmp_path, accept_canonical=True).is_ok
    (tmp_path / "note").write_bytes(loose + b"- - 3 c -\n")
    report = c4py.verify_tree(manifest, tmp_path, accept_canonical=True)
    assert findings(report) == {"corrupt": ["note"], "canonical_only": ["note.c4m"]}
    assert not report.is_ok


# Less than all


def test_quick_reads_nothing_and_calls_no_file_ok(root: Path) -> None:
    manifest = c4py.scan(root)
    report = c4py.verify_tree(manifest, root, quick=True)
    assert (report.mode, report.is_ok, report.files_read, report.bytes_read) == ("quick", True, 0, 0)
    assert report.unverified == [".hidden", "a", "d/b", "d/e/c"]
    assert report.ok == ["link", "pipe", "d", "d/e", "empty"]
    write(root / "a", "CONTENT OF A")
    write(root / "d/b", "content of b", 1_700_000_001)
    write(root / "d/e/c", "shorter")
    report = c4py.verify_tree(manifest, root, quick=True)
    assert report.changed == [
        ChangedEntry("d/b", "time", "2023-11-14T22:13:20Z", "2023-11-14T22:13:21Z"),
        ChangedEntry("d/e/c", "size", "20", "7"),
    ]
    assert report.unverified == [".hidden", "a"]
    assert not report.is_ok


def test_a_sample_is_of_the_share_that_was_asked_for_and_always_the_same(tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path / f"d{number % 3}/f{number}", f"content {number}")
    manifest = c4py.scan(tmp_path)
    report = c4py.verify_tree(manifest, tmp_path, sample=0.26)
    files = [path for path in report.ok if (tmp_path / path).is_file()]
    assert len(files) == report.files_read == 11
    assert len(report.unverified) == 29
    assert (report.mode, report.sample, report.is_ok) == ("sample", 0.26, True)
    assert c4py.verify_tree(manifest, tmp_path, sample=0.26, workers=1).ok == report.ok
    larger = c4py.verify_tree(manifest, tmp_path, sample=0.5)
    assert set(report.ok) < set(larger.ok)
    for path in [*files, *report.unverified]:
        time = os.stat(tmp_path / path).st_mtime
        (tmp_path / path).write_bytes((tmp_path / path).read_bytes().upper())
        os.utime(tmp_path / path, (time, time))
    changed = c4py.verify_tree(manifest, tmp_path, sample=0.26)
    assert findings(changed) == {"corrupt": files, "unverified": report.unverified}


def test_the_smallest_share_is_one_file(root: Path) -> None:
    assert c4py.verify_tree(c4py.scan(root), root, sample=0.000001).files_read == 1


def test_dropping_the_cache_is_reported(root: Path) -> None:
    manifest = c4py.scan(root)
    report = c4py.verify_tree(manifest, root, drop_cache=True)
    assert report.cache_dropped is (sys.platform == "linux")
    assert report.is_ok


# What cannot be read


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_is_neither_missing_nor_ok() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        for path in ("a", ".hidden", "d/b", "d/e/c"):
            write(root / path, path)
        (root / "empty").mkdir()
        (root / "link").symlink_to("a")
        manifest = c4py.scan(root)
        (root / "a").chmod(0)
        (root / "d/e").chmod(0)
        (root / "new").mkdir(mode=0)
        told: list[tuple[str, str]] = []
        report = c4py.verify_tree(manifest, root, on_result=lambda *result: told.append(result))
        for path in ("a", "d/e", "new"):
            (root / path).chmod(0o700)
    assert [entry.path for entry in report.unreadable] == ["a", "d/e", "d/e/c", "new"]
    assert report.unreadable[0].message.startswith("cannot open the file: Permission denied")
    assert report.unreadable[2] == UnreadableEntry("d/e/c", "it is in a directory that cannot be read")
    assert findings(report) == {"unreadable": ["a", "d/e", "d/e/c", "new"], "extra": ["new"]}
    assert set(report.ok) == {".hidden", "link", "d", "d/b", "empty"}
    assert {path for kind, path in told if kind == "unreadable"} == {"a", "d/e", "d/e/c", "new"}


def test_a_file_that_grows_all_the_time_is_never_ok(tmp_path: Path) -> None:
    path = write(tmp_path / "grows", b"x" * 30_000_000)
    manifest = c4py.scan(tmp_path)
    with open(path, "ab", buffering=0) as file:

        def grow() -> None:
            file.write(b"y")

        grow()
        with meanwhile(grow):
            report = c4py.verify_tree(manifest, tmp_path)
    assert report.ok == []
    assert set(findings(report)) <= {"unreadable", "corrupt"}
    for entry in report.unreadable:
        assert entry.message == "changed while it was read"


def test_a_directory_that_becomes_a_link_leads_nowhere(tmp_path: Path) -> None:
    inside, outside = tmp_path / "root/d", tmp_path / "outside"
    for number in range(50):
        write(inside / f"f{number}", "right")
        write(outside / f"f{number}", "right")
    manifest = c4py.scan(tmp_path / "root")
    shutil.rmtree(inside)

    def swap() -> None:
        inside.symlink_to(outside)
        inside.unlink()
        inside.mkdir()
        inside.rmdir()

    with meanwhile(swap):
        for _ in range(30):
            report = c4py.verify_tree(manifest, tmp_path / "root")
            assert not any(path.startswith("d/f") for path in report.ok)
            assert not report.is_ok


def test_a_directory_that_is_itself_a_link_is_followed_and_none_below(root: Path, tmp_path: Path) -> None:
    manifest = c4py.scan(root)
    (tmp_path / "link to root").symlink_to(root)
    assert c4py.verify_tree(manifest, tmp_path / "link to root").is_ok
    (root / "d").rename(tmp_path / "elsewhere")
    (root / "d").symlink_to(tmp_path / "elsewhere")
    report = c4py.verify_tree(manifest, root)
    assert report.changed == [ChangedEntry("d", "type", "directory", "symlink")]
    assert report.missing == ["d/b", "d/e/c"]


# Manifests and directories that are refused


@pytest.mark.parametrize("name", ["..", ".", "", "../", "./", "a/b", "/", "/etc", "x\0y", "../../x"])
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    entry = Entry("fine", size=1)
    entry.name = name
    manifest = Manifest([Entry("d/", 0o40755), entry])
    entry.depth = 1
    manifest.entries[1].depth = 1
    with pytest.raises(c4py.PathTraversal) as caught:
        c4py.verify_tree(manifest, tmp_path / "is not even there")
    assert caught.value.path == f"d/{name}"
    assert isinstance(caught.value, ValueError)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), c4py.PathTraversal)


def test_two_entries_at_one_path_are_refused(tmp_path: Path) -> None:
    frames = Entry("f.[1-3].x", is_sequence=True)
    for entries in (
        [Entry("a"), Entry("a")],
        [Entry("a"), Entry("a/", 0o40755)],
        [Entry("a/", 0o40755), Entry("b", depth=1), Entry("a/", 0o40755)],
        [frames, Entry("f.2.x")],
        [frames, Entry("f.[3-4].x", is_sequence=True)],
    ):
        manifest = Manifest()
        manifest.entries.extend(entries)
        with pytest.raises(ValueError, match=r"^(a|a/|f\.2\.x|f\.3\.x): two entries have this name$"):
            c4py.verify_tree(manifest, tmp_path)


def test_an_orphan_a_patch_and_a_bomb_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^x: the entry has no directory above it$"):
        c4py.verify_tree(Manifest([Entry("x", depth=3)]), tmp_path)
    base = c4py.identify_bytes(b"base")
    with pytest.raises(ValueError, match=f"^the manifest is a patch on {base}"):
        c4py.verify_tree(c4py.loads(f"{base}\n- - 1 a -\n"), tmp_path)
    with pytest.raises(ValueError, match="stands for 1000000000 names"):
        c4py.verify_tree(Manifest([Entry("f.[0-999999999].x", is_sequence=True)]), tmp_path)


def test_what_is_no_manifest_or_no_directory_is_said(root: Path, tmp_path: Path) -> None:
    manifest = c4py.scan(root)
    with pytest.raises(FileNotFoundError):
        c4py.verify_tree(manifest, root / "nothing")
    with pytest.raises(NotADirectoryError):
        c4py.verify_tree(manifest, root / "a")
    with pytest.raises(FileNotFoundError):
        c4py.verify_tree(tmp_path / "nothing.c4m", root)
    with pytest.raises(c4py.ParseError):
        c4py.verify_tree(root / "a", root)


def test_a_wrong_argument_is_named(root: Path) -> None:
    manifest = Manifest()
    for arguments, message in (
        ({"sample": "x"}, "sample must be float or None, not str"),
        ({"sample": True}, "sample must be float or None, not bool"),
        ({"on_result": 1}, "on_result must be a function, not int"),
        ({"progress": 1}, "progress must be a function"),
    ):
        with pytest.raises(TypeError, match=message):
            c4py.verify_tree(manifest, root, **arguments)
    for values in ({"sample": 0.0}, {"sample": 1.5}, {"sample": 0.5, "quick": True}, {"workers": 0}):
        with pytest.raises(ValueError, match="sample|workers"):
            c4py.verify_tree(manifest, root, **values)
    with pytest.raises(TypeError, match="manifest_or_path must be a Manifest, str, bytes or os.PathLike, not int"):
        c4py.verify_tree(3, root)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="directory must be str, bytes or os.PathLike, not int"):
        c4py.verify_tree(manifest, 3)  # type: ignore[arg-type]


def test_sizes_without_bound_add_up_to_the_largest_number(tmp_path: Path) -> None:
    entries = [Entry(f"f{number}", size=2**63 - 1) for number in range(3)]
    report = c4py.verify_tree(Manifest(entries), tmp_path)
    assert report.bytes_total == 2**64 - 1
    assert report.missing == ["f0", "f1", "f2"]


# While it runs


def test_findings_are_told_once_each_in_the_calling_thread(root: Path) -> None:
    manifest = c4py.scan(root)
    write(root / "a", "content of A")
    (root / "d/b").rename(root / "moved here")
    threads, told = set(), []

    def on_result(kind: str, path: str) -> None:
        threads.add(threading.get_ident())
        told.append((kind, path))

    report = c4py.verify_tree(manifest, root, on_result=on_result)
    expected = [(name, path) for name, paths in findings(report).items() for path in paths]
    assert sorted(told) == sorted(expected + [("ok", path) for path in report.ok])
    assert threads == {threading.get_ident()}


def test_progress_is_that_of_a_scan(root: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    manifest = c4py.scan(root)
    c4py.verify_tree(manifest, root, progress=lambda *call: calls.append(call))
    assert calls[-1][1:] == (4, 4)
    assert calls[-1][0].startswith(str(root))
    stats: list[c4py.ScanStats] = []

    class Observer:
        def update(self, value: c4py.ScanStats) -> None:
            stats.append(value)

    c4py.verify_tree(manifest, root, progress=Observer())
    assert (stats[-1].phase, stats[-1].files_done, stats[-1].bytes_total) == ("done", 4, 50)


@pytest.mark.parametrize("argument", ["progress", "on_result"])
def test_an_exception_in_a_function_stops_the_work(root: Path, argument: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        c4py.verify_tree(c4py.scan(root), root, **{argument: fail})  # type: ignore[arg-type]


def test_an_interrupt_stops_the_work(tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as file:
        file.truncate(40_000_000_000)
    entry = Entry("large", 0o644, c4id=c4py.identify_bytes(b"other"))
    code = (
        "import _thread, c4py, sys, threading; m = c4py.loads(sys.argv[2]);"
        "threading.Timer(0.5, _thread.interrupt_main).start();"
        "c4py.verify_tree(m, sys.argv[1])"
    )
    text = c4py.dumps(Manifest([entry]))
    done = subprocess.run([sys.executable, "-c", code, tmp_path, text], capture_output=True, check=False, timeout=60)
    assert b"KeyboardInterrupt" in done.stderr


# The report


def test_a_report_can_be_pickled_copied_and_compared(root: Path) -> None:
    manifest = c4py.scan(root)
    write(root / "a", "content of A")
    (root / "d/b").rename(root / "moved here")
    report = c4py.verify_tree(manifest, root, metadata=True)
    for other in (pickle.loads(pickle.dumps(report)), copy.copy(report), copy.deepcopy(report)):
        assert other == report
        assert all(getattr(other, name) == getattr(report, name) for name in LISTS)
        assert other.is_ok is report.is_ok
        assert repr(other) == repr(report)
    again = c4py.verify_tree(manifest, root, metadata=True)
    assert again != report  # it began later
    assert again.corrupt == report.corrupt
    assert report != 3
    with pytest.raises(TypeError):
        hash(report)


def test_counting_makes_no_list(root: Path) -> None:
    report = c4py.verify_tree(c4py.scan(root), root)
    assert report.is_ok
    assert "9 ok" in repr(report)
    assert "ok" not in vars(report)
    assert report.ok is report.ok
    report.ok.pop()
    assert report.counts["ok"] == 8
    with pytest.raises(AttributeError, match="no attribute 'okay'"):
        report.okay  # noqa: B018  # type: ignore[attr-defined]


def test_a_report_can_be_made_by_hand() -> None:
    report = VerifyReport(["a"], ["b"], [], ["c"])
    assert (report.ok, report.missing, report.extra, report.is_ok) == (["a"], ["b"], ["c"], False)
    assert VerifyReport(["a"]).is_ok
    assert not VerifyReport(unverified=["a"]).is_ok
    assert VerifyReport(unverified=["a"], mode="quick").is_ok
    for name in ("summary", "to_json", "to_csv", "to_junit", "to_html", "_repr_html_"):
        assert callable(getattr(report, name))


def test_raise_if_failed_tells_counts_and_first_names(root: Path) -> None:
    manifest = c4py.scan(root)
    for number in range(5):
        write(root / f"\x1b[31m{number}", "x")
    write(root / "a", "content of A")
    report = c4py.verify_tree(manifest, root)
    with pytest.raises(c4py.VerifyError) as caught:
        report.raise_if_failed()
    assert caught.value.report is report
    message = str(caught.value)
    assert "1 corrupt (a); 5 extra (\\x1b[31m0, \\x1b[31m1, \\x1b[31m2, ...)" in message
    assert "\x1b" not in message
    assert isinstance(caught.value, c4py.C4Error)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.report) == (message, report)


def test_records_are_values() -> None:
    c4id = C4ID(bytes(64))
    for record in (CorruptEntry("p", c4id, c4id), UnreadableEntry("p", "m"), ChangedEntry("p", "mode", "1", "2")):
        assert pickle.loads(pickle.dumps(record)) == record
        assert copy.copy(record) == record
        assert record != 3
        assert repr(record).startswith(f"{type(record).__name__}(path='p', ")
    match ChangedEntry("p", "mode", "1", "2"):
        case ChangedEntry(path, field, expected, actual):
            assert (path, field, expected, actual) == ("p", "mode", "1", "2")
    assert ChangedEntry("p", "mode", "1", "2") != ChangedEntry("p", "mode", "1", "3")


# Properties

NAMES = st.sampled_from(
    ["a", "b", "c10", "c9", ".h", "ü", "\udcff", "x\x1b[0m", "\u202e", "sp ace", "[1-3]", "s.001.x", "s.002.x"]
)
TREES = st.recursive(
    st.dictionaries(NAMES, st.binary(max_size=3), max_size=5),
    lambda below: st.dictionaries(NAMES, st.binary(max_size=3) | below, max_size=4),
    max_leaves=10,
)


def make(tree: dict[str, object], root: str) -> list[str]:
    """Write a tree and list its files."""
    files = []
    for name, value in tree.items():
        path = os.path.join(root, name)
        if isinstance(value, dict):
            os.mkdir(path)
            files += [os.path.join(name, file) for file in make(value, path)]
        else:
            Path(path).write_bytes(value)  # type: ignore[arg-type]
            os.utime(path, (1_700_000_000, 1_700_000_000))
            files.append(name)
    return files


@settings(max_examples=120, deadline=None)
@given(tree=TREES, data=st.data(), fold=st.booleans())
def test_one_change_is_found_in_exactly_its_list(tree: dict[str, object], data: st.DataObject, fold: bool) -> None:
    with tempfile.TemporaryDirectory() as root:
        files = make(tree, root)
        manifest = c4py.scan(root, sequences=fold)
        # What is written out is what is verified.
        manifest = c4py.loads(c4py.dumps(manifest).encode(errors="surrogateescape"))
        full = c4py.verify_tree(manifest, root, metadata=not fold)
        assert full.is_ok
        assert sum(os.path.isfile(os.path.join(root, path)) for path in full.ok) == len(files)
        if not files:
            return
        path = data.draw(st.sampled_from(files))
        whole = os.path.join(root, path)
        content = Path(whole).read_bytes()
        change = data.draw(st.sampled_from(["flip", "append", "truncate", "remove", "add", "rename", "retype"]))
        expected: dict[str, list[str]]
        if change == "flip" and content:
            Path(whole).write_bytes(bytes([content[0] ^ 1]) + content[1:])
            expected = {"corrupt": [path]}
        elif change == "append":
            Path(whole).write_bytes(content + b"+")
            expected = {"corrupt": [path]}
        elif change == "truncate" and content:
            Path(whole).write_bytes(content[:-1])
            expected = {"corrupt": [path]}
        elif change == "remove":
            os.unlink(whole)
            expected = {"missing": [path]}
        elif change == "rename":
            os.rename(whole, os.path.join(root, "new"))
            # Without a size in the manifest no one looks for the file elsewhere.
            expected = {"missing": [path], "extra": ["new"]} | ({"moved": [path]} if path in manifest else {})
        elif change == "retype":
            os.unlink(whole)
            os.symlink("somewhere", whole)
            expected = {"changed": [path]}
        else:
            Path(root, "new").write_bytes(b"longer than any other")
            expected = {"extra": ["new"]}
        assert findings(c4py.verify_tree(manifest, root)) == expected
        assert not c4py.verify_tree(manifest, root).is_ok

"""A directory compared with a manifest: every difference is in the right list, and what was not read is never ok."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import c4py
import pytest
from c4py import ChangedEntry, CorruptEntry, Entry, Manifest
from hypothesis import given, settings
from hypothesis import strategies as st
from verified_trees import findings, make_tree, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "root")


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


# Properties

NAMES = st.sampled_from(
    ["a", "b", "c10", "c9", ".h", "ü", "\udcff", "x\x1b[0m", "\u202e", "sp ace", "[1-3]", "s.001.x", "s.002.x"]
)
TREES = st.recursive(
    st.dictionaries(NAMES, st.binary(max_size=3), max_size=5),
    lambda below: st.dictionaries(NAMES, st.binary(max_size=3) | below, max_size=4),
    max_leaves=10,
)


def write_tree(tree: dict[str, object], root: str) -> list[str]:
    """Write a tree and list its files."""
    files = []
    for name, value in tree.items():
        path = os.path.join(root, name)
        if isinstance(value, dict):
            os.mkdir(path)
            files += [os.path.join(name, file) for file in write_tree(value, path)]
        else:
            Path(path).write_bytes(value)  # type: ignore[arg-type]
            os.utime(path, (1_700_000_000, 1_700_000_000))
            files.append(name)
    return files


@settings(max_examples=120)
@given(tree=TREES, data=st.data(), fold=st.booleans())
def test_one_change_is_found_in_exactly_its_list(tree: dict[str, object], data: st.DataObject, fold: bool) -> None:
    with tempfile.TemporaryDirectory() as root:
        files = write_tree(tree, root)
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

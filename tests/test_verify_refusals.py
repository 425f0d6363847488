"""What is not verified: files that cannot be read or do not keep still, and manifests that are refused."""

from __future__ import annotations

import pickle
import shutil
import tempfile
from pathlib import Path

import c4py
import pytest
from c4py import ChangedEntry, Entry, Manifest, UnreadableEntry
from meanwhile import meanwhile
from verified_trees import findings, make_tree, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "root")


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

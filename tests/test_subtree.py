"""One directory of a manifest."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import c4py
import pytest
from c4py import Entry, Manifest
from hypothesis import given
from hypothesis import strategies as st
from random_trees import Tree, keyed, to_manifest, trees

IDS = [c4py.identify_bytes(bytes([number])) for number in range(4)]
TEXT = """\
- - 1 a.txt -
- - - d/ -
  - - 2 b.txt -
  - - - e/ -
    - - 3 c.txt -
- - - z/ -
"""


@pytest.fixture
def manifest() -> Manifest:
    return c4py.loads(TEXT)


def paths(entries: Any) -> list[str]:
    return [entry.path for entry in entries]


def test_children(manifest: Manifest) -> None:
    assert paths(manifest.children()) == paths(manifest.children("")) == ["a.txt", "d", "z"]
    for path in ("d", "d/", b"d", PurePosixPath("d")):
        assert paths(manifest.children(path)) == ["d/b.txt", "d/e"]
    assert paths(manifest.children("d/e")) == ["d/e/c.txt"]
    assert manifest.children("z") == []
    assert Manifest().children() == []


def test_children_are_entries_of_the_manifest_and_follow_its_changes(manifest: Manifest) -> None:
    first = manifest.children("d")[0]
    first.size = 99
    assert manifest["d/b.txt"].size == 99
    manifest.entries.append(Entry("y", depth=1))
    assert paths(manifest.children("z")) == ["z/y"]
    manifest["z/y"].depth = 0
    assert manifest.children("z") == []
    assert paths(manifest.children()) == ["a.txt", "d", "z", "y"]


def test_a_subtree_begins_with_its_own_depths_and_paths(manifest: Manifest) -> None:
    subtree = manifest.subtree("d")
    assert c4py.dumps(subtree) == "- - 2 b.txt -\n- - - e/ -\n  - - 3 c.txt -\n"
    subtree["b.txt"].size = 7
    assert manifest["d/b.txt"].size == 2
    assert len(manifest.subtree("z")) == 0
    assert manifest.subtree("") == manifest


def test_a_subtree_of_a_scan_has_the_id_of_its_directory(tree: Any) -> None:
    manifest = c4py.scan(tree)
    assert manifest.subtree("d").compute_c4id() == manifest["d"].c4id
    assert manifest.subtree("d/e").compute_c4id() == manifest["d/e"].c4id


def test_a_subtree_keeps_the_id_lists_of_its_sequences_and_no_others() -> None:
    lists = ["".join(map(str, ids)) for ids in (IDS[:2], IDS[2:])]
    first, second = (c4py.identify_bytes(text.encode()) for text in lists)
    manifest = c4py.loads(f"- - 2 f.[1-2] {first}\n- - - d/ -\n  - - 2 f.[1-2] {second}\n{lists[0]}\n{lists[1]}\n")
    text = c4py.dumps(manifest.subtree("d"))
    assert lists[1] in text
    assert lists[0] not in text
    both = c4py.dumps(c4py.loads("- - - x/ -\n").with_subtree("x", manifest))
    assert lists[0] in both
    assert lists[1] in both


def test_a_directory_is_meant_where_a_file_has_its_name() -> None:
    manifest = c4py.loads("- - - x -\n- - - x/ -\n  - - - y -\n")
    assert paths(manifest.children("x")) == ["x/y"]
    assert paths(manifest.subtree("x")) == ["y"]


def test_a_directory_by_its_mode_alone() -> None:
    manifest = Manifest([Entry("q", 0o40755), Entry("x", depth=1)])
    for path in ("q", "q/"):
        assert paths(manifest.children(path)) == ["q/x"]
        assert paths(manifest.subtree(path)) == ["x"]


def test_other_contents_of_a_directory(manifest: Manifest) -> None:
    before = manifest.copy()
    result = manifest.with_subtree("d", c4py.loads("- - - n/ -\n  - - 5 m -\n"))
    assert paths(result) == ["a.txt", "d", "d/n", "d/n/m", "z"]
    assert manifest == before
    assert paths(manifest.with_subtree("d/e/", Manifest())) == ["a.txt", "d", "d/b.txt", "d/e", "z"]
    assert manifest.with_subtree("", c4py.loads("- - - n -\n")) == c4py.loads("- - - n -\n")


def test_a_directory_may_be_put_into_itself(manifest: Manifest) -> None:
    result = manifest.with_subtree("z", manifest)
    assert paths(result)[-7:] == ["z", "z/a.txt", "z/d", "z/d/b.txt", "z/d/e", "z/d/e/c.txt", "z/z"]


def test_the_base_of_a_patch_stays_with_the_whole() -> None:
    manifest = c4py.loads(f"{IDS[0]}\n- - - d/ -\n  - - - x -\n")
    assert manifest.with_subtree("d", Manifest()).base == IDS[0]
    assert manifest.subtree("d").base is None
    assert manifest.with_subtree("d", Manifest()).patch_sections == ()


def test_a_path_that_is_no_directory(manifest: Manifest) -> None:
    calls = [manifest.children, manifest.subtree, lambda path: manifest.with_subtree(path, Manifest())]
    for call in calls:
        for missing in ("nope", "d/nope/", b"nope", "a.txt/x", "/", "/d", "\udcff"):
            with pytest.raises(KeyError) as raised:
                call(missing)  # type: ignore[operator]
            assert raised.value.args == (missing,)
        for path in ("a.txt", "d/b.txt", "a.txt/"):
            if path.endswith("/"):
                with pytest.raises(KeyError):
                    call(path)  # type: ignore[operator]
                continue
            with pytest.raises(c4py.NotADirectory, match=path) as error:
                call(path)  # type: ignore[operator]
            assert isinstance(error.value, NotADirectoryError)
            assert error.value.filename == path
        with pytest.raises(TypeError, match="path must be str, bytes or os.PathLike, not int"):
            call(5)  # type: ignore[operator]
    with pytest.raises(TypeError, match="subtree must be a Manifest, not str"):
        manifest.with_subtree("d", "x")  # type: ignore[arg-type]


def test_entries_whose_directories_are_not_listed() -> None:
    whole = c4py.loads(TEXT)
    filtered = whole.filter(lambda path, _: path in ("d", "d/e/c.txt"))
    subtree = filtered.subtree("d")
    assert paths(subtree) == ["e/c.txt"]
    assert paths(filtered.with_subtree("d", Manifest())) == ["d"]
    assert paths(whole.with_subtree("z", subtree)) == [*paths(whole), "z/e/c.txt"]
    assert paths(filtered.children("d")) == []


def test_orphans_are_in_no_directory() -> None:
    manifest = Manifest([Entry("d/"), Entry("x", depth=1), Entry("orphan", depth=5)])
    assert paths(manifest.children()) == ["d"]
    assert paths(manifest.subtree("d")) == ["x"]
    assert paths(manifest.with_subtree("d", Manifest())) == ["d", "orphan"]
    assert len(manifest.subtree("")) == 3
    deepest = Manifest([Entry("orphan", depth=2**32 - 1)])
    assert paths(manifest.with_subtree("d", deepest)) == ["d", "orphan", "orphan"]


@given(trees(), st.data())
def test_what_is_taken_out_and_put_back_changes_nothing(tree: Tree, data: st.DataObject) -> None:
    manifest = to_manifest(tree)
    directories = ["", *(path for path, entry in keyed(manifest).items() if entry.is_dir())]
    path = data.draw(st.sampled_from(directories))
    subtree = manifest.subtree(path)
    assert manifest.with_subtree(path, subtree) == manifest
    assert {path + inner: entry.c4id for inner, entry in keyed(subtree).items()} == {
        whole: entry.c4id for whole, entry in keyed(manifest).items() if whole.startswith(path) and whole != path
    }
    other = to_manifest(data.draw(trees()))
    assert manifest.with_subtree(path, other).subtree(path) == other


@given(trees())
def test_all_entries_are_children_of_a_directory_once(tree: Tree) -> None:
    manifest = to_manifest(tree)
    found = paths(manifest.children())
    for path, entry in keyed(manifest).items():
        if entry.is_dir():
            found += paths(manifest.children(path))
    assert sorted(found) == sorted(paths(manifest))

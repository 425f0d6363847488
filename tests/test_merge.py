"""Merges, and manifests as sets."""

from __future__ import annotations

import copy
import pickle
import threading
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py import Conflict, Entry, Manifest, difference, intersect, merge, union
from hypothesis import given
from random_trees import Tree, content_id, files, keyed, to_manifest, trees

IDS = [c4py.identify_bytes(bytes([number])) for number in range(8)]


def file(name: str, content: int, day: int = 1, depth: int = 0) -> str:
    return f"{'  ' * depth}-rw-r--r-- 2025-01-{day:02}T00:00:00Z 5 {name} {IDS[content]}\n"


def directory(name: str, content: int = 7, depth: int = 0) -> str:
    return f"{'  ' * depth}drwxr-xr-x 2025-01-01T00:00:00Z 9 {name}/ {IDS[content]}\n"


def paths(manifest: Manifest) -> list[str]:
    return [entry.path for entry in manifest]


def test_changes_of_both_sides_are_taken() -> None:
    base = c4py.loads(file("changed", 0) + file("deleted", 1) + file("same", 2))
    local = c4py.loads(file("added", 4) + file("changed", 3, 2) + file("deleted", 1) + file("same", 2))
    remote = c4py.loads(file("changed", 0) + file("new", 5) + file("same", 2, 9))
    merged, conflicts = merge(base, local, remote)
    assert c4py.dumps(merged) == file("added", 4) + file("changed", 3, 2) + file("new", 5) + file("same", 2)
    assert conflicts == []
    assert (merged.base, merged.patch_sections, merged.errors) == (None, (), [])


def test_a_conflict_keeps_both_and_gives_the_entries_as_they_are_in_the_sides() -> None:
    local, remote = (c4py.loads(directory("d") + file("a", number, number, 1)) for number in (1, 2))
    merged, (conflict,) = merge(None, local, remote)
    assert paths(merged) == ["d", "d/a", "d/a.conflict"]
    assert merged["d/a"].c4id == IDS[2]
    assert merged["d/a.conflict"].c4id == IDS[1]
    assert conflict.path == "d/a"
    assert conflict.local_entry is not None
    assert conflict.local_entry.path == "d/a"
    conflict.local_entry.size = 77
    assert local["d/a"].size == 77
    assert merged["d/a.conflict"].size == 5


def test_of_one_date_the_local_entry_keeps_the_name() -> None:
    merged, _ = merge(None, c4py.loads(file("a", 1)), c4py.loads(file("a", 2)))
    assert (merged["a"].c4id, merged["a.conflict"].c4id) == (IDS[1], IDS[2])


def test_the_loser_takes_no_name_that_either_side_has() -> None:
    # `.conflict` is deleted by the merge, `.conflict2/` is a directory: no name for a file either.
    base = c4py.loads(file("a.conflict", 3))
    local = c4py.loads(file("a", 1) + file("a.conflict", 3) + directory("a.conflict2"))
    remote = c4py.loads(file("a", 2, 2) + file("a.conflict3", 4))
    merged, conflicts = merge(base, local, remote)
    assert paths(merged) == ["a", "a.conflict3", "a.conflict4", "a.conflict2"]
    assert merged["a.conflict4"].c4id == IDS[1]
    assert len(conflicts) == 1
    # Once more: the names count on.
    again, _ = merge(None, merged, c4py.loads(file("a", 5, 3)))
    assert again["a.conflict"].c4id == IDS[2]


def test_conflicts_of_a_file_and_a_directory_of_one_name_do_not_take_one_name() -> None:
    line = "drwxr-xr-x 2025-01-0{0}T00:00:00Z 0 a/ {1} n:x -\n"
    local = c4py.loads(file("a", 1) + line.format(1, "->"))
    remote = c4py.loads(file("a", 2, 2) + line.format(2, "<-"))
    merged, conflicts = merge(None, local, remote)
    assert [entry.name for entry in merged] == ["a", "a.conflict", "a.conflict2/", "a/"]
    assert [conflict.path for conflict in conflicts] == ["a", "a"]


def test_a_file_and_a_directory_by_mode_alone_of_one_name_are_both_kept() -> None:
    local = c4py.loads(f"-rw-r--r-- 2025-01-09T00:00:00Z 5 q {IDS[1]}\n")
    remote = Manifest([Entry("q", 0o40755), Entry("inside", c4id=IDS[2], depth=1)])
    for a, b in ((local, remote), (remote, local)):
        merged, conflicts = merge(None, a, b)
        assert {(entry.path, entry.c4id) for entry in merged} == {
            ("q", None), ("q.conflict", IDS[1]), ("q/inside", IDS[2]),
        }  # fmt: skip
        assert [conflict.path for conflict in conflicts] == ["q"]
        assert paths(union(a, b)) == ["q", "q/inside"]
    changed = Manifest([Entry("q", 0o40755), Entry("inside", c4id=IDS[3], depth=1)])
    for a, b in ((local, changed), (changed, local)):
        merged, conflicts = merge(remote, a, b)
        assert (paths(merged), merged["q/inside"].c4id) == (["q.conflict", "q", "q/inside"], IDS[3])
        assert [conflict.path for conflict in conflicts] == ["q", "q/inside"]


def test_a_deleted_directory_comes_back_for_what_is_changed_in_it() -> None:
    base = c4py.loads(directory("d") + directory("e", 6, 1) + file("a", 0, 1, 2) + file("b", 1, 1, 2))
    local = c4py.loads(directory("d") + directory("e", 6, 1) + file("a", 2, 2, 2) + file("b", 1, 1, 2))
    merged, (conflict,) = merge(base, local, Manifest())
    assert paths(merged) == ["d", "d/e", "d/e/a"]
    assert merged["d"].canonical() == "drwxr-xr-x 0001-01-01T00:00:00Z - d/ -"
    assert conflict.remote_entry is None
    assert merge(base, Manifest(), local)[1][0].local_entry is None


def test_the_two_sides_and_the_base_may_be_one_manifest() -> None:
    manifest = c4py.loads(directory("d") + file("a", 0, 1, 1))
    assert merge(manifest, manifest, manifest) == (manifest, [])
    assert merge(None, manifest, manifest) == (manifest, [])
    assert union(manifest, manifest) == manifest
    assert files(intersect(manifest, manifest)) == files(manifest)
    assert len(difference(manifest, manifest)) == 0


def test_id_lists_of_sequences_are_kept() -> None:
    frames = c4py.loads("".join(file(f"f.{number}", number) for number in range(1, 5)))
    lists = "".join(str(IDS[number]) for number in range(1, 5))
    sequence = f"-rw-r--r-- 2025-01-01T00:00:00Z 20 f.[1-4] {c4py.identify_bytes(lists.encode())}\n{lists}\n"
    folded = c4py.loads(sequence)
    for result in (
        merge(None, folded, frames)[0],
        merge(folded, folded, folded)[0],
        union(frames, folded),
        intersect(folded, folded),
        difference(folded, frames),
    ):
        assert lists in c4py.dumps(result)
    assert lists not in c4py.dumps(difference(frames, folded))
    assert lists not in c4py.dumps(intersect(folded, frames, by="path"))


def test_a_deep_chain_of_directories_is_no_recursion() -> None:
    deep = Manifest([Entry("d/", c4id=IDS[1], depth=depth) for depth in range(20_000)])
    deep.entries.append(Entry("f", c4id=IDS[0], depth=20_000))
    merged, conflicts = merge(None, deep, deep)
    assert (len(merged), conflicts) == (20_001, [])
    assert len(intersect(deep, deep)) == len(difference(deep, Manifest())) == len(union(deep, Manifest())) == 20_001
    assert len(deep.subtree("d/" * 19_000)) == 1001


def test_orphans_are_taken_for_what_their_paths_say() -> None:
    orphans = Manifest([Entry("o", c4id=IDS[1], depth=3), Entry("d/"), Entry("o", c4id=IDS[2], depth=7)])
    assert orphans["o"].c4id == IDS[2]
    merged, _ = merge(None, orphans, Manifest())
    assert [(entry.path, entry.c4id) for entry in merged] == [("o", IDS[2]), ("d", None)]
    both = Manifest([Entry("o", c4id=IDS[1]), Entry("o", c4id=IDS[2], depth=3)])
    assert both["o"].c4id == IDS[1]
    assert [entry.c4id for entry in union(both, Manifest())] == [IDS[1]]


class TestFiltered:
    """Entries whose directories are not listed count where their paths say."""

    whole = c4py.loads(
        directory("a") + directory("b", 6, 1) + file("x.exr", 1, 1, 2) + file("y.txt", 2, 1, 2) + file("z.exr", 3, 1, 1)
    )

    def test_it_is_matched_by_path(self) -> None:
        frames = self.whole.filter("*.exr")
        assert paths(difference(self.whole, frames, by="path")) == ["a", "a/b", "a/b/y.txt"]
        assert paths(difference(frames, self.whole, by="path")) == []
        assert paths(intersect(frames, self.whole, by="path")) == ["a", "a/z.exr", "a/b", "a/b/x.exr"]
        assert paths(intersect(self.whole, frames, by="path")) == ["a", "a/z.exr", "a/b", "a/b/x.exr"]

    def test_its_directories_are_those_of_the_other(self) -> None:
        frames = self.whole.filter("*.exr")
        for a, b in ((frames, self.whole), (self.whole, frames)):
            assert paths(union(a, b)) == paths(self.whole)
            assert [entry.mode for entry in union(a, b)] == [entry.mode for entry in self.whole]
            assert merge(None, a, b) == (self.whole, [])

    def test_what_it_does_not_list_is_deleted_by_a_merge(self) -> None:
        frames = self.whole.filter("*.exr")
        merged, conflicts = merge(self.whole, frames, self.whole)
        assert (paths(merged), conflicts) == (["a", "a/z.exr", "a/b", "a/b/x.exr"], [])
        assert [entry.c4id for entry in merged] == [IDS[7], IDS[3], IDS[6], IDS[1]]

    def test_a_listed_directory_below_one_that_is_not(self) -> None:
        kept = self.whole.filter(lambda path, _: path in ("a/b", "a/b/x.exr", "a/z.exr"))
        assert paths(union(kept, Manifest())) == ["a", "a/z.exr", "a/b", "a/b/x.exr"]
        assert paths(union(Manifest(), kept)) == ["a", "a/z.exr", "a/b", "a/b/x.exr"]


def test_what_has_still_to_be_copied() -> None:
    shoot = c4py.loads(directory("d") + file("moved", 1, 1, 1) + file("new", 2, 1, 1) + "  -rw-r--r-- - - unknown -\n")
    archive = c4py.loads(file("elsewhere", 1) + "-rw-r--r-- - - unknown -\n")
    left = difference(shoot, archive)
    assert paths(left) == ["d", "d/new", "d/unknown"]
    assert left["d"].canonical() == "drwxr-xr-x 2025-01-01T00:00:00Z - d/ -"
    assert paths(difference(shoot, Manifest())) == paths(shoot)
    assert difference(shoot, Manifest()) == shoot


def test_by_path_directories_that_only_one_has_are_in_the_difference() -> None:
    old = c4py.loads(directory("d"))
    new = c4py.loads(directory("d") + directory("empty", 6, 1) + directory("e"))
    assert paths(difference(new, old, by="path")) == ["d", "d/empty", "e"]
    assert paths(difference(new, old, by="id")) == []


def test_wrong_arguments_are_named() -> None:
    m = Manifest()
    calls: list[tuple[Any, tuple[Any, ...], str]] = [
        (merge, (5, m, m), "base must be a Manifest, not int"),
        (merge, (None, None, m), "local must be a Manifest, not NoneType"),
        (merge, (None, m, "x"), "remote must be a Manifest, not str"),
        (intersect, ([], m), "a must be a Manifest, not list"),
        (difference, (m, b""), "b must be a Manifest, not bytes"),
        (union, (m, 1.5), "b must be a Manifest, not float"),
        (intersect, (m, m, 5), "by must be 'id' or 'path', not int"),
        (Conflict, (5, None, None), "path must be str or bytes, not int"),
        (Conflict, ("p", "x", None), "local_entry must be an Entry, not str"),
        (Conflict, ("p", None, 1), "remote_entry must be an Entry, not int"),
    ]
    for function, arguments, message in calls:
        with pytest.raises(TypeError, match=message):
            function(*arguments)
    for by in ("size", "ID", "", "\udcff"):
        with pytest.raises(ValueError, match="by must be 'id' or 'path', not "):
            difference(m, m, by=by)  # type: ignore[arg-type]


def test_a_conflict_is_a_value() -> None:
    conflict = Conflict("d/x\udcff", Entry("x", size=1), None)
    assert conflict == Conflict(b"d/x\xff", Entry("x", size=1), None)
    assert conflict != Conflict("d/x\udcff", Entry("x", size=2), None)
    assert conflict != Conflict("d/x\udcff", None, Entry("x", size=1))
    assert conflict != "d/x"
    assert repr(Conflict("p\x1b", None, None)) == "Conflict(path='p\\x1b', local_entry=None, remote_entry=None)"
    assert "local_entry=Entry(name='x'" in repr(conflict)
    for made in (pickle.loads(pickle.dumps(conflict)), copy.copy(conflict), copy.deepcopy(conflict)):
        assert made == conflict
    with pytest.raises(AttributeError):
        conflict.path = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="unhashable"):
        hash(conflict)
    match conflict:
        case Conflict(path, local, None):
            assert (path, local) == ("d/x\udcff", Entry("x", size=1))
        case _:
            raise AssertionError(conflict)


def test_threads_that_read_two_manifests_both_ways_and_write_them_do_not_wait_for_ever() -> None:
    text = directory("d") + "".join(file(f"f{number}", number % 8, 1, 1) for number in range(300))
    a, b = c4py.loads(text), c4py.loads(text)
    failed: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            for _ in range(60):
                work()
        except BaseException as error:
            failed.append(error)

    work = [
        lambda: merge(a, b, a),
        lambda: merge(b, a, b),
        lambda: a == b,
        lambda: union(b, a),
        lambda: a.sort_entries(),
        lambda: setattr(b[3], "size", 5),
        lambda: b.sort_entries(),
        lambda: a["d/f7"].path,
    ]
    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not failed


def test_scans_are_merged(tmp_path: Path) -> None:
    for side, names in (("p", ["a", "shared/x"]), ("q", ["b", "shared/y"])):
        for name in names:
            (tmp_path / side / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / side / name).write_text(name)
    merged, conflicts = merge(None, c4py.scan(tmp_path / "p"), c4py.scan(tmp_path / "q"))
    assert (paths(merged), conflicts) == (["a", "b", "shared", "shared/x", "shared/y"], [])


@given(trees(), trees(), trees())
def test_a_merge_is_what_a_comparison_path_by_path_gives(base: Tree, local: Tree, remote: Tree) -> None:
    b, l, r = (files(to_manifest(tree)) for tree in (base, local, remote))  # noqa: E741
    merged, conflicts = merge(*(to_manifest(tree) for tree in (base, local, remote)))
    found = files(merged)
    assert len(keyed(merged)) == len(merged)
    lost: dict[str, list[object]] = {}
    for path in {*b, *l, *r}:
        mine, theirs = ((path in side, side.get(path)) for side in (l, r))
        before = (path in b, b.get(path))
        if mine == theirs or theirs == before:
            expected = mine
        elif mine == before:
            expected = theirs
        else:
            # The content tells the date: the larger is newer.
            sides = sorted(
                (s for s in (mine, theirs) if s[0]),
                key=lambda s: next(c for c in range(5) if content_id(c) == s[1]),
            )
            expected = sides.pop()
            lost[path] = [content for _, content in sides]
        assert (path in found, found.get(path)) == expected or not expected[0], path
        if not expected[0]:
            assert path not in found or path.rpartition(".conflict")[0] in lost
    assert {conflict.path for conflict in conflicts} == set(lost)
    for path, contents in lost.items():
        for content in contents:
            beside = [p for p in found if p not in {*l, *r} and p.startswith(f"{path}.conflict")]
            assert content in [found[p] for p in beside]
    assert set(found) <= {*b, *l, *r} | {p for p in found if p.rpartition(".conflict")[0] in lost}


@given(trees(), trees())
def test_a_merge_with_the_unchanged_is_the_changed(base: Tree, changed: Tree) -> None:
    b, x = to_manifest(base), to_manifest(changed)
    for result in (merge(b, x, x), merge(b, b, x), merge(b, x, b)):
        merged, conflicts = result
        assert conflicts == []
        # Metadata is no change, and directories keep that of the base.
        assert files(merged) == files(x)
        assert set(keyed(merged)) == set(keyed(x))
    assert merge(None, x, x) == (x, [])
    assert merge(None, x, Manifest()) == (x, [])
    assert merge(None, Manifest(), x) == (x, [])


@given(trees(), trees())
def test_sets_of_paths(first: Tree, second: Tree) -> None:
    a, b = to_manifest(first), to_manifest(second)
    assert set(keyed(union(a, b))) == {*keyed(a), *keyed(b)}
    assert files(union(a, b)) == files(b) | files(a)
    both, alone = intersect(a, b, by="path"), difference(a, b, by="path")
    assert set(files(both)) | set(files(alone)) == set(files(a))
    assert not set(files(both)) & set(files(alone))
    assert files(both).items() <= files(b).items()
    assert files(union(alone, b)) == files(a) | files(b)
    assert set(keyed(union(a, difference(b, a, by="path")))) == {*keyed(a), *keyed(b)}
    assert union(a, a) == a
    assert union(a, Manifest()) == union(Manifest(), a) == a


@given(trees(), trees())
def test_sets_of_content(first: Tree, second: Tree) -> None:
    a, b = to_manifest(first), to_manifest(second)
    known = {c4id for c4id in files(b).values() if c4id}
    assert files(difference(a, b)) == {path: c4id for path, c4id in files(a).items() if c4id not in known}
    assert files(intersect(b, a)) == {path: c4id for path, c4id in files(a).items() if c4id in known}


@given(trees(), trees())
def test_a_directory_with_an_id_is_the_one_that_had_it(first: Tree, second: Tree) -> None:
    a, b = to_manifest(first), to_manifest(second)
    for result in (difference(a, b), difference(a, b, by="path"), union(a, b)):
        for path, entry in keyed(result).items():
            if entry.is_dir() and entry.c4id:
                sides = [side.subtree(path) for side in (a, b) if path in side and side[path].c4id == entry.c4id]
                assert result.subtree(path) in sides
                assert entry.size >= 0

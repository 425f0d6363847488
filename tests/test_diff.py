"""Diffs, patches and chains, as users call them."""

from __future__ import annotations

import copy
import io
import pickle
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import c4py
import c4py._unread  # before a test is somebody who cannot read the interpreter's own files
import pytest
from c4py import C4ID, DiffResult, Entry, Manifest
from hypothesis import given, settings
from hypothesis import strategies as st

OLD = "- - 1 a -\n- - 2 b -\ndrwxr-xr-x - - d/ -\n  - - 3 x -\n"
NEW = "- - 1 a -\n- - 9 b -\ndrwxr-xr-x - 7 d/ -\n  - - 3 y -\n"


@pytest.fixture
def old() -> Manifest:
    return c4py.loads(OLD)


@pytest.fixture
def new() -> Manifest:
    return c4py.loads(NEW)


def test_a_diff_sorts_entries_by_path_and_says_so_in_one_line(old: Manifest, new: Manifest) -> None:
    result = c4py.diff(old, new)
    assert [e.path for e in result.added] == ["d/y"]
    assert [e.path for e in result.removed] == ["d/x"]
    assert [(e.path, e.size) for e in result.modified] == [("b", 9), ("d", 7)]
    assert [e.size for e in result.modified_from] == [2, -1]
    assert [e.path for e in result.same] == ["a"]
    assert not result.is_empty
    assert c4py.diff(old, old).is_empty
    assert result.summary() == "1 added, 1 removed, 2 modified, 1 same"
    assert repr(result) == "<c4py.DiffResult: 1 added, 1 removed, 2 modified, 1 same>"


def test_the_parts_of_a_diff_are_sequences(old: Manifest, new: Manifest) -> None:
    part = c4py.diff(old, new).modified
    assert len(part) == 2
    assert part[0].name == part[-2].name == "b"
    assert [e.name for e in part[::-1]] == ["d/", "b"]
    assert len(part[5:]) == 0
    assert part[1] in part
    assert Entry("b") not in part
    assert "b" not in part
    assert part.index(part[1]) == 1
    assert part.count(part[0]) == 1
    assert part == list(part) == part[:]
    assert [*part, *part] == part + part == list(part) + part
    assert sorted(e.name for e in part) == ["b", "d/"]
    with pytest.raises(IndexError):
        part[2]
    with pytest.raises(ValueError, match="not in the list"):
        part.index(Entry("zzz"))


def test_the_parts_of_a_diff_are_sequences_by_their_type(old: Manifest, new: Manifest) -> None:
    result = c4py.diff(old, new)
    assert isinstance(result.modified, Sequence)
    assert isinstance(result.moved, Sequence)
    part = result.modified
    assert [e.name for e in reversed(part)] == ["d/", "b"]
    assert part.index(part[1], 1) == part.index(part[1], -1, 2) == 1
    for start, stop in ((0, 1), (2, 9), (-2, -1)):
        with pytest.raises(ValueError, match="not in the list"):
            part.index(part[1], start, stop)
    assert type(part).__module__ == "c4py.manifest"


def test_moves_are_a_sequence_that_cannot_be_changed() -> None:
    old, new = (Manifest(Entry(f"{side}{n}", c4id=c4py.identify_bytes(bytes([n]))) for n in range(3)) for side in "ab")
    moved = c4py.diff(old, new).moved
    assert len(moved) == 3
    assert moved.index(moved[1]) == 1
    assert moved.count(moved[2]) == 1
    assert moved[0] in moved
    assert "a0" not in moved
    assert [move.old.name for move in reversed(moved)] == ["a2", "a1", "a0"]
    assert moved == list(moved) == moved[:]
    assert moved != moved[:2]
    first, rest = moved[0], moved[1:]
    assert first not in rest
    with pytest.raises(AttributeError, match="cannot assign to 'old'"):
        setattr(first, "old", old[0])  # noqa: B010 - as untyped code does
    with pytest.raises(AttributeError, match="cannot delete 'old'"):
        delattr(first, "old")


def test_a_result_that_is_made_of_nothing_has_lists_of_its_own() -> None:
    parts = ("added", "removed", "modified", "same", "moved", "modified_from")
    one, other = DiffResult(), DiffResult()
    for part in parts:
        assert getattr(one, part) == []
        assert getattr(one, part) is not getattr(other, part)


def test_messages_hold_no_control_characters() -> None:
    orphan = [Entry("x\x1b[31m", depth=1)]
    with pytest.raises(c4py.PatchError, match="has no directory above it") as patch:
        c4py.apply_patch(Manifest([Entry("a")]), orphan)
    hostile = Entry("x\x1b[31m")
    hostile.timestamp_s = 2**50
    with pytest.raises(ValueError, match="outside the years") as encode:
        hostile.canonical()
    with pytest.raises(c4py.ParseError) as parse:
        c4py.loads("@")
    at_path = c4py.ParseError("expected a name", path=b"a\x1b[31m\n\xff", line=1)
    for text in (str(patch.value), str(encode.value), str(parse.value), str(at_path)):
        assert text.isprintable()


def test_entries_of_a_diff_are_those_of_the_manifests(old: Manifest, new: Manifest) -> None:
    c4py.diff(old, new).modified[0].size = 123
    assert new["b"].size == 123


def test_a_diff_can_be_compared_copied_and_pickled(old: Manifest, new: Manifest) -> None:
    result = c4py.diff(old, new)
    again = pickle.loads(pickle.dumps(result))
    assert again == result
    assert list(again.added) == list(result.added)
    assert c4py.diff(old, old) != result
    assert copy.copy(result) == result


def test_content_at_another_path_has_moved() -> None:
    one, two = c4py.identify_bytes(b"1"), c4py.identify_bytes(b"2")
    old = c4py.loads(f"-rw-r--r-- - 1 a2 {one}\n-rw-r--r-- - 1 a10 {one}\n-rw-r--r-- - 1 b {two}\n")
    new = c4py.loads(f"-rw-r--r-- - 1 c {two}\nd--------- - - d/ -\n  -rw-r--r-- - 1 a2 {one}\n")
    result = c4py.diff(old, new)
    assert [(m.old.path, m.new.path) for m in result.moved] == [("b", "c"), ("a2", "d/a2")]
    assert repr(result.moved) == "[<Moved 'b' to 'c'>, <Moved 'a2' to 'd/a2'>]"
    assert len(result.removed) == 3
    assert len(result.added) == 3
    old_entry, new_entry = result.moved[0]
    assert old_entry == old["b"]
    assert result.moved[1:] == [result.moved[1]]
    assert new_entry == new["c"]
    assert pickle.loads(pickle.dumps(result)).moved == result.moved
    assert result.summary().endswith("(2 moved)")


def test_a_link_is_not_what_a_file_became() -> None:
    one = c4py.identify_bytes(b"1")
    old = c4py.loads(f"-rw-r--r-- - 1 a {one}\n")
    new = c4py.loads(f"lrwxrwxrwx - 1 b -> a {one}\n")
    assert not c4py.diff(old, new).moved


def test_a_patch_appended_to_the_old_text_is_a_chain(old: Manifest, new: Manifest) -> None:
    patch = c4py.patch_diff(old, new)
    assert patch.startswith(f"{old.compute_c4id()}\n")
    chain = c4py.loads(c4py.dumps(old) + patch)
    assert c4py.dumps(chain) == c4py.dumps(c4py.resolve_chain(chain)) == NEW
    assert c4py.dumps(c4py.resolve_chain(chain, stop_at=1)) == OLD
    for every in (0, -1, 2, 77):
        assert c4py.dumps(c4py.resolve_chain(chain, stop_at=every)) == NEW
    assert len(chain.patch_sections) == 2
    assert c4py.resolve_chain(chain).patch_sections == ()
    assert c4py.dumps(c4py.resolve_chain(old)) == OLD


def test_a_patch_can_be_closed_and_in_the_form_for_people(old: Manifest, new: Manifest) -> None:
    patch = c4py.patch_diff(old, new)
    assert c4py.patch_diff(old, new, closed=True) == f"{patch}{new.compute_c4id()}\n"
    assert c4py.patch_diff(old, old, closed=True) == ""
    assert c4py.patch_diff(old, old) == f"{old.compute_c4id()}\n"
    dated = c4py.loads("-rw-r--r-- 2024-01-02T03:04:05Z 1000 a -\n")
    pretty = c4py.patch_diff(old, dated, pretty=True)
    assert "-rw-r--r-- Jan  2 03:04:05 2024 UTC 1,000 a  " in pretty
    assert pretty.startswith(f"{old.compute_c4id()}\n")


@pytest.mark.usefixtures("unprivileged")
def test_what_a_scan_could_not_read_is_in_no_list() -> None:
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        for path in ("closed/below/file", "d/secret", "d/same", "e/same", "gone"):
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(path)
        before = c4py.scan(tree)
        (tree / "gone").rename(tree / "d" / "new")
        (tree / "closed").chmod(0)
        (tree / "d" / "secret").chmod(0)
        after = c4py.scan(tree, on_error="record")
        (tree / "closed").chmod(0o700)
        there = c4py.diff(before, after)
        back = pickle.loads(pickle.dumps(c4py.diff(after, before)))
        for result, added, removed in ((there, ["d/new"], ["gone"]), (back, ["gone"], ["d/new"])):
            assert [issue.path for issue in result.errors] == ["closed", "d/secret"]
            assert [entry.path for entry in result.added] == added
            assert [entry.path for entry in result.removed] == removed
            assert [(move.old.path, move.new.path) for move in result.moved] == [(*removed, *added)]
            assert [entry.path for entry in result.modified] == []
            # Not d: what is in it is not all known.
            assert [entry.path for entry in result.same] == ["d/same", "e", "e/same"]
            assert result.summary() == "1 added, 1 removed, 0 modified, 3 same (1 moved), 2 unreadable"
        unread = c4py.diff(after, after)
        assert (unread.is_empty, len(unread.modified), len(unread.added)) == (False, 0, 0)
        assert unread != c4py.diff(before, before)


@pytest.mark.usefixtures("unprivileged")
def test_a_link_to_what_cannot_be_read_is_neither_changed_nor_unchanged() -> None:
    with tempfile.TemporaryDirectory() as directory:
        outside, tree = Path(directory) / "outside", Path(directory) / "tree"
        outside.mkdir()
        tree.mkdir()
        (outside / "file").write_text("x")
        (tree / "link").symlink_to("../outside")
        old = c4py.scan(tree)
        (outside / "file").chmod(0)
        new = c4py.scan(tree, on_error="record")
        assert old["link"] != new["link"]
        result = c4py.diff(old, new)
        assert not result.is_empty
        assert [len(found) for found in (result.added, result.removed, result.modified, result.same)] == [0] * 4
        assert result.summary() == "0 added, 0 removed, 0 modified, 0 same, 1 unreadable"


def test_a_patch_applies_to_its_base_alone(old: Manifest, new: Manifest) -> None:
    patch = c4py.loads(c4py.patch_diff(old, new))
    assert c4py.dumps(c4py.apply_patch(old, patch)) == NEW
    assert c4py.dumps(c4py.apply_patch(old, patch.entries)) == NEW
    assert c4py.dumps(c4py.apply_patch(old, list(patch))) == NEW
    assert c4py.dumps(old) == OLD
    with pytest.raises(c4py.PatchError, match="section 1 is a patch of c4") as caught:
        c4py.apply_patch(new, patch)
    assert caught.value.section == 1
    assert isinstance(caught.value, ValueError)
    assert pickle.loads(pickle.dumps(caught.value)).section == 1
    assert c4py.dumps(c4py.apply_patch(old, [])) == OLD


def test_a_patch_that_does_not_apply_changes_nothing(old: Manifest) -> None:
    with pytest.raises(c4py.PatchError, match="section 1 does not apply: entry 2, deep, has no directory above it"):
        c4py.apply_patch(old, [Entry("a", size=5), Entry("deep", depth=1)])
    assert c4py.dumps(old) == OLD
    text = OLD + f"{old.compute_c4id()}\n  - - 1 z -\n"
    with pytest.raises(c4py.ParseError, match="line 6.*section 2 does not apply") as caught:
        c4py.loads(text)
    assert caught.value.line == 6


def test_an_empty_section_is_named(old: Manifest) -> None:
    one, two = c4py.identify_bytes(b"1"), c4py.identify_bytes(b"2")
    with pytest.raises(c4py.EmptyPatch, match="section 2 is empty"):
        c4py.loads(f"{OLD}{one}\n{two}\n- - 1 z -\n")
    assert c4py.loads(f"{OLD}{one}\n{one}\n") == old


def test_a_chain_with_an_external_base_needs_it(old: Manifest, new: Manifest) -> None:
    patch = c4py.loads(c4py.patch_diff(old, new))
    assert patch.base == old.compute_c4id()
    with pytest.raises(c4py.PatchError, match=f"section 1 continues from {patch.base}"):
        c4py.resolve_chain(patch)
    with pytest.raises(c4py.PatchError, match="section 1 is a patch of"):
        c4py.resolve_chain(patch, base=new)
    assert c4py.dumps(c4py.resolve_chain(patch, base=old)) == NEW
    third = c4py.loads("- - 1 a -\n")
    two = c4py.loads(c4py.patch_diff(old, new) + c4py.patch_diff(new, third))
    assert c4py.dumps(c4py.resolve_chain(two, base=old)) == "- - 1 a -\n"
    assert c4py.dumps(c4py.resolve_chain(two, base=old, stop_at=1)) == NEW
    assert [i.index for i in c4py.log_chain(two, base=old)] == [1, 2]
    assert not any(i.is_base for i in c4py.log_chain(two, base=old))
    assert c4py.log_chain(two)[0].is_base


class Contents:
    """A store of texts."""

    def __init__(self, *texts: str) -> None:
        self.texts = {c4py.identify_bytes(text.encode()): text.encode() for text in texts}
        self.read: list[C4ID] = []

    def get(self, c4id: C4ID) -> BinaryIO:
        self.read.append(c4id)
        return io.BytesIO(self.texts[c4id])


def test_a_base_is_read_from_a_store_with_its_directories() -> None:
    inner = "-rw-r--r-- 2020-01-01T00:00:00Z 3 x -\n"
    middle = f"drwxr-xr-x 2020-01-01T00:00:00Z 99 e/ {c4py.identify_bytes(inner.encode())}\n"
    outer = (
        "-rw-r--r-- 2020-01-01T00:00:00Z 3 a -\n"
        f"drwxr-xr-x 2020-01-01T00:00:00Z 198 d/ {c4py.identify_bytes(middle.encode())}\n"
        f"drwxr-xr-x 2020-01-01T00:00:00Z 0 empty/ {c4py.identify_bytes(b'')}\n"
    )
    store = Contents(inner, middle, outer)
    base_id = c4py.identify_bytes(outer.encode())
    chain = c4py.loads(f"{base_id}\n- - 1 new -\n")
    resolved = c4py.resolve_chain(chain, store=store)
    assert [p for p, _ in resolved.flat_entries()] == ["a", "new", "d", "d/e", "d/e/x", "empty"]
    assert len(store.read) == 3
    assert c4py.log_chain(chain, store=store)[0].added == 1
    elsewhere = c4py.loads(f"{c4py.identify_bytes(b'?')}\n- - 1 new -\n")
    with pytest.raises(KeyError):
        c4py.resolve_chain(elsewhere, store=store)
    with pytest.raises(TypeError, match="store must have a method get, not int"):
        c4py.resolve_chain(chain, store=3)  # type: ignore[arg-type]


def test_a_stored_text_that_is_not_what_its_id_says_is_refused() -> None:
    inner = "-rw-r--r-- 2020-01-01T00:00:00Z 3 x -\n"
    inner_id = c4py.identify_bytes(inner.encode())
    outer = f"drwxr-xr-x 2020-01-01T00:00:00Z 99 d/ {inner_id}\n"
    store = Contents(inner, outer)
    chain = c4py.loads(f"{c4py.identify_bytes(outer.encode())}\n- - 1 new -\n")
    store.texts[inner_id] = b"- - 666 EVIL -\n"
    with pytest.raises(c4py.StoreCorrupt) as caught:
        c4py.resolve_chain(chain, store=store)
    assert caught.value.c4id == inner_id
    assert caught.value.actual == c4py.identify_bytes(b"- - 666 EVIL -\n")
    assert pickle.loads(pickle.dumps(caught.value)).c4id == inner_id


def test_a_base_that_is_a_patch_itself_is_refused() -> None:
    text = f"{c4py.identify_bytes(b'?')}\n- - 1 a -\n"
    chain = c4py.loads(f"{c4py.identify_bytes(text.encode())}\n- - 1 new -\n")
    with pytest.raises(c4py.PatchError, match="which is a patch of"):
        c4py.resolve_chain(chain, store=Contents(text))


def test_a_base_is_known_by_either_of_its_ids(old: Manifest) -> None:
    whole = c4py.identify_bytes(c4py.dumps(old).encode())
    assert whole != old.compute_c4id()
    chain = c4py.loads(f"{whole}\n- - 1 a -\n")
    assert "a" not in c4py.resolve_chain(chain, base=old)


def test_manifests_without_their_directories_have_no_patch() -> None:
    kept = c4py.loads("d--------- - - d/ -\n  - - 1 x -\n").filter("*x")
    for pair in ((kept, Manifest()), (Manifest(), kept)):
        with pytest.raises(ValueError, match="the directories of d/x are not in the manifest"):
            c4py.patch_diff(*pair)
    whole = c4py.loads("d--------- - - d/ -\n  - - 1 x -\n").filter("*x", parents=True)
    assert c4py.patch_diff(whole, Manifest()).endswith("d/ -\n")


def test_a_log_counts_paths(old: Manifest, new: Manifest) -> None:
    chain = c4py.loads(c4py.dumps(old) + c4py.patch_diff(old, new))
    first, second = c4py.log_chain(chain)
    assert first == c4py.PatchInfo(1, old.compute_c4id(), is_base=True, entry_count=4, dir_count=1)
    assert second == c4py.PatchInfo(2, new.compute_c4id(), 1, 1, 0, entry_count=4, dir_count=1)
    assert pickle.loads(pickle.dumps(second)) == second
    assert repr(second).startswith("PatchInfo(index=2, c4id=C4ID(")
    assert c4py.log_chain(Manifest()) == []
    assert c4py.log_chain(old) == [first]


def test_a_chain_is_split_as_text(old: Manifest, new: Manifest) -> None:
    text = c4py.dumps(old) + c4py.patch_diff(old, new)
    before, after = c4py.split_chain(text, 1)
    assert before == OLD
    assert before + after == text
    assert c4py.split_chain(text.encode(), 2) == (NEW, "")
    with pytest.raises(ValueError, match="cannot split after section 3: the chain has 2"):
        c4py.split_chain(text, 3)
    with pytest.raises(ValueError, match="n must be 1 or more, not 0"):
        c4py.split_chain(text, 0)
    with pytest.raises(c4py.ParseError):
        c4py.split_chain("nonsense", 1)


def test_wrong_types_name_the_argument(old: Manifest) -> None:
    for call, argument in (
        (lambda: c4py.diff("x", old), "a must be a Manifest, not str"),  # type: ignore[arg-type]
        (lambda: c4py.diff(old, None), "b must be a Manifest, not NoneType"),  # type: ignore[arg-type]
        (lambda: c4py.patch_diff(old, 1), "new must be a Manifest"),  # type: ignore[arg-type]
        (lambda: c4py.patch_diff(old, old, closed="no"), "closed must be"),  # type: ignore[arg-type]
        (lambda: c4py.patch_diff(old, old, pretty=1), "pretty must be"),  # type: ignore[arg-type]
        (lambda: c4py.apply_patch(1, []), "base must be a Manifest"),  # type: ignore[arg-type]
        (lambda: c4py.apply_patch(old, 3), "patch_entries must be a Manifest or an iterable"),  # type: ignore[arg-type]
        (lambda: c4py.apply_patch(old, ["a"]), "patch_entries must be a Manifest or an"),  # type: ignore[list-item]
        (lambda: c4py.resolve_chain(old, base="x"), "base must be a Manifest"),  # type: ignore[arg-type]
        (lambda: c4py.split_chain(3, 1), "text must be"),  # type: ignore[arg-type]
        (lambda: c4py.split_chain("", "1"), "n must be int, not str"),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match=argument):
            call()


def test_two_threads_compare_the_same_two_manifests_both_ways(old: Manifest, new: Manifest) -> None:
    """Locks are taken in one order, also beside a thread that writes."""

    def compare(a: Manifest, b: Manifest) -> None:
        for _ in range(300):
            c4py.diff(a, b)
            c4py.diff(a, a)
            a.entries[0].size = 1

    threads = [threading.Thread(target=compare, args=pair) for pair in ((old, new), (new, old))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Trees of few names; lines of directories often stay equal while their children differ."""
    entries: list[Entry] = []

    def fill(depth: int) -> None:
        for name in draw(st.lists(st.sampled_from(["a", "b", "f9", "f10", "d/", "e/"]), unique=True, max_size=4)):
            size = draw(st.sampled_from([-1, 0, 1]))
            one = draw(st.sampled_from([None, c4py.identify_bytes(b"1")]))
            entries.append(Entry(name, mode=0o40755 if name[-1] == "/" else 0o644, size=size, depth=depth, c4id=one))
            if name[-1] == "/" and depth < 3:
                fill(depth + 1)

    fill(0)
    return Manifest(entries)


@settings(max_examples=300)
@given(manifests(), manifests())
def test_a_patch_of_any_two_manifests_gives_back_the_second(a: Manifest, b: Manifest) -> None:
    patch = c4py.patch_diff(a, b)
    assert c4py.dumps(c4py.resolve_chain(c4py.loads(c4py.dumps(a) + patch))) == c4py.dumps(b)
    assert c4py.dumps(c4py.apply_patch(a, c4py.loads(patch))) == c4py.dumps(b)
    result = c4py.diff(a, b)
    assert len(result.same) + len(result.modified) + len(result.removed) == len(a)
    assert len(result.same) + len(result.modified) + len(result.added) == len(b)


def test_manifests_that_were_filtered_are_compared_by_their_paths() -> None:
    old = c4py.loads("d--------- - - a/ -\n  - - 1 x.exr -\n  - - 1 y -\nd--------- - - b/ -\n  - - 2 x.exr -\n")
    new = c4py.loads("d--------- - - a/ -\n  - - 1 x.exr -\nd--------- - - b/ -\n  - - 3 x.exr -\n  - - 4 z.exr -\n")
    kept = c4py.diff(old.filter("*.exr"), new.filter("*.exr"))
    assert [e.path for e in kept.same] == ["a/x.exr"]
    assert [e.path for e in kept.modified] == ["b/x.exr"]
    assert [e.path for e in kept.added] == ["b/z.exr"]
    assert [e.path for e in c4py.diff(old.filter("*.exr"), new).added] == ["a", "b", "b/z.exr"]
    assert c4py.diff(old.filter("*"), old).is_empty


def test_a_range_and_a_name_that_looks_like_one_differ() -> None:
    sequence, name = c4py.loads("- - 1 s[1-2] -\n"), c4py.loads("- - 1 s\\[1-2\\] -\n")
    assert [e.is_sequence for e in c4py.apply_patch(sequence, c4py.loads(c4py.patch_diff(sequence, name)))] == [False]


def test_a_patch_of_entries_without_their_directories_is_refused() -> None:
    kept = c4py.loads("- - - d/ -\n  - - 1 x -\n").filter("*x")
    chain = c4py.loads(f"{kept.compute_c4id()}\n- - 1 new -\n")
    for call in (
        lambda: c4py.apply_patch(kept, [Entry("k/")]),
        lambda: c4py.apply_patch(Manifest(), kept),
        lambda: c4py.log_chain(chain, base=kept),
        lambda: c4py.resolve_chain(chain, base=kept),
    ):
        with pytest.raises(ValueError, match="the directories of d/x are not in the manifest"):
            call()


def test_a_log_takes_a_base_only_where_the_chain_has_none(old: Manifest, new: Manifest) -> None:
    assert c4py.log_chain(old, base=new) == c4py.log_chain(old)


def test_entries_of_a_diff_keep_their_paths_through_pickle(old: Manifest, new: Manifest) -> None:
    again = pickle.loads(pickle.dumps(c4py.diff(old, new)))
    assert [e.path for e in again.added] == ["d/y"]
    assert '"path": "d/y"' in again.to_json()


def test_a_path_with_a_slash_is_that_of_a_directory_also_where_its_parent_is_missing() -> None:
    manifest = c4py.loads("- - - c/ -\n  - - 1 b -\n  - - - b/ -\n    - - 2 x -\n")
    kept = manifest.filter(lambda _, entry: entry.name in ("b", "x"))
    assert "c/b/" not in kept
    assert kept["c/b"].size == 1
    result = c4py.diff(manifest, kept)
    assert [e.path for e in result.same] == ["c/b", "c/b/x"]
    assert [e.path for e in c4py.union(kept, manifest)] == ["c", "c/b", "c/b", "c/b/x"]
    both = manifest.filter(lambda _, entry: entry.name in ("b", "b/"))
    assert both["c/b"].name == "b"
    assert both["c/b/"].name == "b/"


def test_deep_manifests_without_their_directories_are_compared() -> None:
    manifest = Manifest([*(Entry("d/", depth=depth) for depth in range(3000)), Entry("x", depth=3000, size=1)])
    kept = manifest.filter(lambda _, entry: entry.name == "x")
    assert c4py.diff(kept, kept.copy()).is_empty
    assert len(c4py.union(kept, kept)) == 3001

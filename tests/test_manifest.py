"""Manifests: a list, a tree, and their IDs."""

from __future__ import annotations

import copy
import pickle
import random
import threading
from collections.abc import MutableSequence
from pathlib import Path

import c4py
import pytest
from c4py import Entry, Manifest
from c4py.manifest import EntryList
from hypothesis import given
from hypothesis import strategies as st

TEXT = """\
-rw-r--r-- 2025-01-01T00:00:00Z 3 a.txt -
-rw-r--r-- 2025-01-01T00:00:00Z 4 b.txt -
drwxr-xr-x - - d/ -
  -rw-r--r-- 2025-01-02T00:00:00Z 5 a.txt -
  drwxr-xr-x - - e/ -
    -rw-r--r-- 2025-01-03T00:00:00Z 6 deep.exr -
"""


@pytest.fixture
def manifest() -> Manifest:
    return c4py.loads(TEXT)


def names(manifest: Manifest | EntryList) -> list[str]:
    return [entry.name for entry in manifest]


def test_lookup_by_index_and_path(manifest: Manifest) -> None:
    assert len(manifest) == 6
    assert manifest[0].name == "a.txt"
    assert manifest[-1].name == "deep.exr"
    assert [entry.name for entry in manifest[2:4]] == ["d/", "a.txt"]
    for path in ("d/e/deep.exr", b"d/e/deep.exr", "d", "d/", "d/e", "d/e/", "a.txt"):
        assert path in manifest
        assert manifest[path].path == (path.decode() if isinstance(path, bytes) else path).rstrip("/")
    for path in ("nope", "d/nope", "a.txt/", "a.txt/x", "", "/", "d//e", "/d"):
        assert path not in manifest
        with pytest.raises(KeyError, match="nope|''|a.txt|/"):
            manifest[path]
    assert manifest["d/a.txt"] in manifest
    assert Entry("a.txt") not in manifest
    assert 5 not in manifest
    with pytest.raises(IndexError):
        manifest[6]
    with pytest.raises(TypeError, match="key must be int, slice or path, not float"):
        manifest[1.5]  # type: ignore[call-overload]


def test_an_index_follows_what_changes(manifest: Manifest) -> None:
    assert "d/e/deep.exr" in manifest
    manifest["d/e"].name = "f/"
    assert "d/e/deep.exr" not in manifest
    assert "d/f/deep.exr" in manifest
    manifest.entries.append(Entry("top"))
    assert manifest["top"].depth == 0
    manifest["d/f/deep.exr"].depth = 0
    assert "deep.exr" in manifest


def test_a_file_and_a_directory_of_one_name_are_both_found() -> None:
    manifest = c4py.loads("- - 1 n -\ndrwxr-xr-x - - n/ -\n  - - 2 n -\n")
    assert manifest["n"].size == 1
    assert manifest["n/"].is_dir()
    assert manifest["n/n"].size == 2


def test_entries_is_a_list() -> None:
    entries = Manifest([Entry("a"), Entry("b"), Entry("c")]).entries
    plain = list(entries)
    assert isinstance(entries, MutableSequence)
    assert entries == plain
    assert entries != [Entry("a")]
    assert (len(entries), entries[-1].name, names(entries)) == (3, "c", ["a", "b", "c"])
    assert [entry.name for entry in reversed(entries)] == ["c", "b", "a"]
    entries.append(Entry("d"))
    entries.insert(0, Entry("first"))
    entries.insert(-1, Entry("before-last"))
    assert names(entries) == ["first", "a", "b", "c", "before-last", "d"]
    assert entries.pop().name == "d"
    assert entries.pop(0).name == "first"
    entries.remove(Entry("b"))
    assert Entry("c") in entries
    assert Entry("b") not in entries
    assert entries.index(Entry("c")) == 1
    assert entries.count(Entry("a")) == 1
    entries[0] = Entry("z")
    entries.extend([Entry("m"), Entry("n")])
    entries.sort(key=lambda entry: entry.name, reverse=True)
    assert names(entries) == ["z", "n", "m", "c", "before-last"]
    entries[1:3] = [Entry("x")]
    assert names(entries) == ["z", "x", "c", "before-last"]
    del entries[::2]
    assert names(entries) == ["x", "before-last"]
    entries.reverse()
    assert [entry.name for entry in entries.copy()] == ["before-last", "x"]
    entries.clear()
    assert entries == []
    assert repr(entries) == "[]"


def test_misuse_of_the_list_is_told() -> None:
    manifest = Manifest()
    with pytest.raises(TypeError, match="entry must be an Entry, not str"):
        manifest.entries.append("a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"entries\[1\] must be an Entry, not int"):
        Manifest([Entry("a"), 1])  # type: ignore[list-item]
    with pytest.raises(IndexError):
        manifest.entries[0]
    with pytest.raises(IndexError):
        manifest.entries.pop()
    with pytest.raises(ValueError, match="not in the list"):
        manifest.entries.remove(Entry("a"))
    with pytest.raises(TypeError, match="index must be int or slice, not str"):
        manifest.entries["a"]  # type: ignore[call-overload]


def test_what_is_no_entry_extends_nothing() -> None:
    manifest = Manifest()
    with pytest.raises(TypeError, match=r"entries\[1\] must be an Entry, not str"):
        manifest.entries.extend([Entry("a"), "b"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="entries must be an iterable of Entry, not int"):
        manifest.entries.extend(3)  # type: ignore[arg-type]
    assert len(manifest) == 0


def test_copies_of_entries_are_lists(manifest: Manifest) -> None:
    for again in (copy.deepcopy(manifest.entries), pickle.loads(pickle.dumps(manifest.entries))):
        assert type(again) is list
        assert again == manifest.entries
        assert [entry.path for entry in again] == [entry.path for entry in manifest]
        again[0].name = "other"
        assert manifest[0].name == "a.txt"
    shallow = copy.copy(manifest.entries)
    shallow[0].name = "new"
    assert manifest[0].name == "new"


def test_the_repr_of_a_long_list_is_short() -> None:
    manifest = Manifest(Entry(f"n{number}") for number in range(1000))
    text = repr(manifest.entries)
    assert text.endswith(", ... 995 more]")
    assert text.count("Entry(") == 5
    assert repr(Manifest([Entry("a")]).entries) == repr([Entry("a")])


def test_equality_is_that_of_lists() -> None:
    manifest = Manifest([Entry("a"), Entry("b")])
    assert manifest.entries != []
    assert manifest.entries == [Entry("a"), Entry("b")]
    assert manifest.entries != (Entry("a"), Entry("b"))
    assert manifest.entries == manifest.entries
    assert manifest.entries == c4py.diff(Manifest(), manifest).added
    assert c4py.diff(Manifest(), manifest).added == manifest.entries


@given(st.slices(7), st.integers(-9, 9), st.integers(-9, 9))
def test_slices_and_bounds_are_those_of_a_list(part: slice, start: int, stop: int) -> None:
    manifest = Manifest(Entry(str(number % 4)) for number in range(7))
    plain = list(manifest)
    added = c4py.diff(Manifest(), Manifest(Entry(str(number)) for number in range(7))).added
    assert manifest[part] == manifest.entries[part] == plain[part]
    assert added[part] == list(added)[part]
    for value in (Entry("2"), Entry("9")):
        try:
            expected: object = plain.index(value, start, stop)
        except ValueError:
            with pytest.raises(ValueError, match="not in the list"):
                manifest.entries.index(value, start, stop)
        else:
            assert manifest.entries.index(value, start, stop) == expected
    del manifest.entries[part]
    del plain[part]
    assert manifest.entries == plain


@pytest.mark.parametrize("seed", range(20))
def test_entries_does_what_a_list_does(seed: int) -> None:
    dice = random.Random(seed)
    manifest, plain = Manifest(), list[Entry]()
    for number in range(80):
        match dice.randrange(7):
            case 0 | 1:
                at = dice.randrange(-3, len(plain) + 3)
                manifest.entries.insert(at, Entry(f"n{number}"))
                plain.insert(at, Entry(f"n{number}"))
            case 2 if plain:
                at = dice.randrange(-len(plain), len(plain))
                assert manifest.entries.pop(at) == plain.pop(at)
            case 3 if plain:
                at = dice.randrange(len(plain))
                manifest.entries[at] = Entry(f"s{number}")
                plain[at] = Entry(f"s{number}")
            case 4:
                low, high = sorted(dice.choices(range(-2, len(plain) + 2), k=2))
                manifest.entries[low:high] = [Entry(f"r{number}")]
                plain[low:high] = [Entry(f"r{number}")]
            case 5:
                manifest.entries.sort(key=lambda entry: entry.name)
                plain.sort(key=lambda entry: entry.name)
            case _:
                manifest.entries = manifest.entries[::-1]
                plain.reverse()
        assert manifest.entries == plain


def test_counts(manifest: Manifest) -> None:
    assert manifest.summary() == "4 files, 2 directories, 18 B total, 0 unique C4 IDs"
    assert (manifest.file_count(), manifest.dir_count(), manifest.total_size(), manifest.human_total()) == (
        4,
        2,
        18,
        "18 B",
    )
    assert repr(manifest) == f"<c4py.Manifest: {manifest.summary()}>"
    big = Manifest([Entry(f"f{i}", size=14 * 2**30) for i in range(1247)])
    assert big.summary() == "1,247 files, 0 directories, 17.0 TB total, 0 unique C4 IDs"
    assert Manifest([Entry("x", size=1536)]).human_total() == "1.5 KB"
    assert Manifest().summary() == "0 files, 0 directories, 0 B total, 0 unique C4 IDs"


def test_paths_of_all_entries(manifest: Manifest) -> None:
    paths = ["a.txt", "b.txt", "d", "d/a.txt", "d/e", "d/e/deep.exr"]
    assert [path for path, _ in manifest.flat_entries()] == [entry.path for entry in manifest] == paths
    assert [path for path, _ in manifest.files()] == ["a.txt", "b.txt", "d/a.txt", "d/e/deep.exr"]
    assert [path for path, _ in manifest.directories()] == ["d", "d/e"]
    assert dict(manifest.files())["d/a.txt"].size == 5


def test_filter_keeps_what_matches_with_its_path(manifest: Manifest) -> None:
    for found in (
        manifest.filter("*a.txt"),
        manifest.filter(lambda path, entry: path.endswith(entry.name) and "a" in path),
    ):
        assert [entry.path for entry in found] == ["a.txt", "d/a.txt"]
        assert found["d/a.txt"].size == 5
    assert [entry.path for entry in manifest.filter("*.exr")] == ["d/e/deep.exr"], "* crosses slashes"
    assert [entry.path for entry in manifest.filter("*.exr", parents=True)] == ["d", "d/e", "d/e/deep.exr"]
    assert c4py.dumps(manifest.filter("*", parents=True)) == TEXT
    found = manifest.filter("d/*")
    assert [entry.path for entry in found] == ["d/a.txt", "d/e", "d/e/deep.exr"]
    assert [entry.path for entry in pickle.loads(pickle.dumps(found))] == [entry.path for entry in found.copy()]
    assert [entry.path for entry in found.filter("*.exr")] == ["d/e/deep.exr"]
    assert len(manifest) == 6
    with pytest.raises(TypeError, match="pattern_or_func must be a glob or a function, not int"):
        manifest.filter(5)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        manifest.filter(lambda _path, _entry: 1 / 0)


def test_duplicates_are_regular_files_of_one_content() -> None:
    one, two = c4py.identify_bytes(b"1"), c4py.identify_bytes(b"2")
    manifest = Manifest(
        [
            Entry("a", c4id=two),
            Entry("b", c4id=one),
            Entry("c", c4id=two),
            Entry("l", mode=0o120777, target="a", c4id=two),
            Entry("d/", mode=0o040755, c4id=one),
            Entry("e/", mode=0o040755, c4id=one),
            Entry("x"),
            Entry("y"),
        ]
    )
    assert manifest.duplicates() == {two: ["a", "c"]}
    assert list(manifest.duplicates(directories=True).items()) == [(two, ["a", "c"]), (one, ["b", "d", "e"])]


def test_a_copy_is_its_own(manifest: Manifest) -> None:
    for other in (manifest.copy(), copy.copy(manifest), copy.deepcopy(manifest), pickle.loads(pickle.dumps(manifest))):
        assert other == manifest
        other[0].size = 99
        other.entries.pop()
        assert other != manifest
    assert len(manifest) == 6
    assert manifest != "text"


def test_everything_of_a_manifest_is_pickled() -> None:
    one = c4py.identify_bytes(b"1")
    lists = f"{one}{one}\n"
    text = f"{one}\n- - 1 a -> t -\n{c4py.identify_bytes(b'2')}\n- - 2 b -\n{lists}"
    manifest = c4py.loads(text)
    manifest.entries.append(Entry("unsorted\udcff"))
    manifest.entries.insert(0, Entry("z"))
    del manifest.entries[1]
    again = pickle.loads(pickle.dumps(manifest))
    assert again == manifest
    assert again.base == one
    assert again.patch_sections == manifest.patch_sections
    assert c4py.dumps(again).endswith(lists)


def test_canonical_order_and_the_last_of_a_name() -> None:
    manifest = Manifest([Entry(name) for name in ("f10", "z/", "f9", "dup", "f01", "f1", "dup")])
    manifest[3].size, manifest[6].size = 1, 2
    manifest.sort_entries()
    assert names(manifest) == ["dup", "f1", "f01", "f9", "f10", "z/"]
    assert manifest["dup"].size == 2


def test_a_manifest_has_the_id_of_its_top_level_filled_in(manifest: Manifest) -> None:
    before = c4py.dumps(manifest)
    whole = manifest.compute_c4id()
    assert c4py.dumps(manifest) == before
    inner = "-rw-r--r-- 2025-01-03T00:00:00Z 6 deep.exr -\n"
    size_e = 6 + len(inner)
    line_a = "-rw-r--r-- 2025-01-02T00:00:00Z 5 a.txt -\n"
    line_e = f"drwxr-xr-x 2025-01-03T00:00:00Z {size_e} e/ -\n"
    size_d = 5 + size_e + len(line_a) + len(line_e)
    top = "".join(TEXT.splitlines(keepends=True)[:2]) + f"drwxr-xr-x 2025-01-03T00:00:00Z {size_d} d/ -\n"
    assert whole == c4py.identify_bytes(top.encode())
    assert Manifest().compute_c4id() == c4py.identify_bytes(b"")
    shuffled = manifest.copy()
    shuffled.entries = [shuffled[i] for i in (2, 4, 5, 3, 1, 0)]
    assert shuffled.compute_c4id() == whole


def test_ten_thousand_levels_as_text_and_a_hundred_thousand_in_memory() -> None:
    depth = 10_000
    manifest = Manifest([Entry("d/", mode=0o040755, depth=level) for level in range(depth)])
    text = c4py.dumps(manifest)
    again = c4py.loads(text)
    assert again == manifest
    assert again.compute_c4id() == manifest.compute_c4id()
    assert len(again[-1].path) == 2 * depth - 1
    deep = Manifest([Entry("d/", mode=0o040755, depth=level) for level in range(100_000)])
    deep.sort_entries()
    assert deep.compute_c4id()
    assert deep[-1].path == "/".join("d" * 100_000)
    assert deep["/".join("d" * 100_000)] == deep[-1]


def test_a_number_in_the_text_decides_on_no_memory() -> None:
    text = " - - 1 a -\n" + " " * 1_000_000 + "drwxr-xr-x - - far/ -\n" + " " * 1_000_001 + "- - 2 b -\n"
    manifest = c4py.loads(text)
    assert [entry.depth for entry in manifest] == [1, 1_000_000, 1_000_001]
    assert manifest.compute_c4id()


def test_two_threads_use_one_manifest() -> None:
    manifest = Manifest([Entry(f"f{i}", size=i) for i in range(2000)])
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(20):
                assert manifest.compute_c4id()
                assert sum(entry.size for entry in manifest) >= 0
                assert c4py.dumps(manifest)
        except BaseException as error:
            failures.append(error)

    def write() -> None:
        try:
            for number in range(500):
                manifest.entries.append(Entry(f"new{number}"))
                manifest[number].size = 0
                manifest.sort_entries()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=target) for target in (read, read, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive()
    assert not failures
    assert len(manifest) == 2500


def test_a_filtered_manifest_mixes_no_directories_up() -> None:
    manifest = c4py.loads("- - - a/ -\n  - - 1 x -\n- - - b/ -\n  - - - sub/ -\n    - - 3 z -\n  - - 2 x -\n")
    kept = manifest.filter(lambda path, _: path in ("a", "a/x", "b/x", "b/sub", "b/sub/z"))
    assert sorted(path for path, _ in kept.flat_entries()) == ["a", "a/x", "b/sub", "b/sub/z", "b/x"]
    assert (kept["a/x"].size, kept["b/x"].size, kept["b/sub/z"].size) == (1, 2, 3)
    assert "x" not in kept
    assert c4py.dumps(kept).count(" x ") == 2, "the text has both"
    again = pickle.loads(pickle.dumps(kept))
    assert [path for path, _ in again.flat_entries()] == [path for path, _ in kept.flat_entries()]


def test_a_filtered_manifest_keeps_id_lists_and_base(tmp_path: Path) -> None:
    for frame in range(1, 5):
        (tmp_path / f"f.{frame:04}.exr").write_bytes(bytes(frame))
    (tmp_path / "readme").write_bytes(b"")
    manifest = c4py.scan(tmp_path, sequences=True)
    manifest.base = c4py.identify_bytes(b"base")
    kept = manifest.filter("*.exr")
    assert kept.base == manifest.base
    assert len(c4py.dumps(kept).splitlines()) == 2, "the sequence and its list"


def test_a_callback_may_change_the_list_it_filters() -> None:
    manifest = Manifest([Entry(str(number)) for number in range(10)])

    def shrink(path: str, entry: Entry) -> bool:
        manifest.entries.pop()
        return path == entry.name

    assert len(manifest.filter(shrink)) == 5


def test_entries_join_and_are_looked_for_between_indexes() -> None:
    manifest = Manifest([Entry("a")])
    manifest.entries += [Entry("b"), Entry("a")]
    assert [entry.name for entry in manifest] == ["a", "b", "a"]
    assert [entry.name for entry in manifest.entries + manifest.entries] == ["a", "b", "a"] * 2
    assert [entry.name for entry in [Entry("0")] + manifest.entries] == ["0", "a", "b", "a"]  # noqa: RUF005
    assert manifest.entries.index(Entry("a"), 1) == manifest.entries.index(Entry("a"), -2) == 2
    with pytest.raises(ValueError, match="not in the list"):
        manifest.entries.index(Entry("a"), 1, 2)
    for index in (3, -4, 10**30, -(10**30)):
        with pytest.raises(IndexError):
            manifest[index]
        with pytest.raises(IndexError):
            manifest.entries[index]


def test_values_without_a_text_are_refused() -> None:
    with pytest.raises(ValueError, match="flow_target"):
        Entry("a", flow_direction=c4py.FlowDirection.OUTBOUND, flow_target="x\n- - 1 b -")
    with pytest.raises(ValueError, match="depth"):
        c4py.dumps(Manifest([Entry("a", depth=2**32 - 1)]))
    with pytest.raises(ValueError, match="depth"):
        Entry("a", depth=1).format(2**62)


def test_paths_tell_manifests_apart() -> None:
    kept = c4py.loads("d--------- - - d/ -\n  - - 1 x -\n").filter("*x")
    assert Manifest(list(kept)) != kept
    assert kept.copy() == kept


def test_sizes_are_summed_beyond_64_bits() -> None:
    manifest = Manifest([Entry(name, size=2**63 - 1) for name in "abc"])
    assert manifest.total_size() == 3 * (2**63 - 1)
    assert manifest.human_total() == "24.0 EB"


def test_lookups_beside_writes_see_them() -> None:
    manifest = Manifest()
    for number in range(2000):
        name = f"f{number}"
        assert name not in manifest
        manifest.entries.append(Entry(name, size=number))
    manifest.entries.append(Entry("d/", mode=0o40755))
    manifest.entries.append(Entry("x", depth=1))
    assert manifest["d/x"].depth == 1
    assert manifest["f7"].size == 7
    for path, entry in manifest.flat_entries():
        entry.mode = 0o40700 if path == "d" else 0o600
        entry.name = entry.name.replace("f", "g")
    assert "f7" not in manifest
    assert manifest["g7"].mode == 0o600
    manifest["g7"].mode = 0o40755
    manifest.entries.append(Entry("y", depth=1))
    assert manifest["d/y"].depth == 1

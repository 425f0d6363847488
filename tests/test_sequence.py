"""Sequences: one name with a range, and what a manifest does with numbered files."""

from __future__ import annotations

import copy
import os
import pickle
import sys

import c4py
import pytest
from c4py.sequence import Sequence, is_sequence
from hypothesis import given
from hypothesis import strategies as st

HUGE = "f.[0-9223372036854775806].exr"


def some_id(name: str) -> c4py.C4ID:
    return c4py.identify_bytes(os.fsencode(name))


def files(*names: str, mode: int = 0o644) -> c4py.Manifest:
    return c4py.Manifest([c4py.Entry(name, mode=mode, size=10, c4id=some_id(name)) for name in names])


def frames(first: int, last: int, pattern: str = "f.%04d.exr") -> list[str]:
    return [pattern % number for number in range(first, last + 1)]


def two_directories(pattern: str, *numbers: range) -> str:
    """Give the text of directories `a` and `b` with a file for each number."""
    lines = []
    for directory, inside in zip("ab", numbers, strict=True):
        lines.append(f"drwxr-xr-x - - {directory}/ -\n")
        lines += [f"  -rw-r--r-- - 5 {pattern.format(n)} {some_id(f'{directory}{n}')}\n" for n in inside]
    return "".join(lines)


def names(manifest: c4py.Manifest) -> list[str]:
    return [path for path, _ in manifest.flat_entries()]


# One sequence


def test_a_sequence_says_what_it_is_made_of() -> None:
    sequence = Sequence("frame.[0098-0102:2].exr")
    assert (sequence.prefix, sequence.suffix, sequence.padding) == ("frame.", ".exr", 4)
    assert sequence.ranges == ((98, 102, 2),)
    assert sequence.frames == "98-102x2"
    assert list(sequence) == ["frame.0098.exr", "frame.0100.exr", "frame.0102.exr"]
    assert list(sequence.numbers()) == [98, 100, 102]
    assert (sequence[0], sequence[-1]) == ("frame.0098.exr", "frame.0102.exr")
    assert str(sequence) == "frame.[0098-0102:2].exr"
    assert repr(sequence) == "Sequence('frame.[0098-0102:2].exr')"


def test_bytes_and_names_that_are_no_utf8_are_taken() -> None:
    assert Sequence(b"f[1-2]") == Sequence("f[1-2]")
    odd = Sequence(b"\xff[1-2]\x1b")
    assert list(odd) == ["\udcff1\x1b", "\udcff2\x1b"]
    assert b"\xff1\x1b" in odd
    assert Sequence(repr(odd)[len("Sequence('") : -2].encode().decode("unicode_escape")) == odd


def test_a_name_is_in_a_sequence_by_its_number_and_width() -> None:
    sequence = Sequence("f.[0001-0010:3].exr")
    assert "f.0004.exr" in sequence
    assert "f.0005.exr" not in sequence
    assert "f.4.exr" not in sequence
    assert sequence.number_of("f.0005.exr") == 5
    assert sequence.number_of("g.0005.exr") is None
    assert sequence.name(12345) == "f.12345.exr"
    assert sequence.contains(10)
    assert not sequence.contains(10**30)


def test_sequences_are_values() -> None:
    one, same, other = Sequence("f[1-3]"), Sequence("f[1,2,3]"), Sequence("f[01-03]")
    assert one == same != other
    assert len({one, same, other}) == 2
    assert one != "f[1-3]"
    for again in (pickle.loads(pickle.dumps(one)), copy.copy(one), copy.deepcopy(one)):
        assert again == one
    unpadded = Sequence.from_text("f.%d.exr", "10-20")
    assert pickle.loads(pickle.dumps(unpadded)).padding == unpadded.padding == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("plain.exr", r"plain\.exr holds no range"),
        ("f[a-b]", "holds no range"),
        ("f[]", "holds no range"),
        ("f[3-1]", "the range 3-1 is reversed"),
        ("f[1-10:0]", "a step is a number from 1 on"),
        ("f[1-10:0,20]", "a step is a number from 1 on"),
        ("f[1-10:-1]", "a step is a number from 1 on"),
        ("f[1-10:]", "a step is a number from 1 on"),
        ("f[1,,3]", "not a number"),
        ("f[1-9223372036854775807]", "not a number up to 9223372036854775806"),
        ("f[99999999999999999999]", "not a number"),
        ("\x1b[2J\u202e", "holds no range"),
    ],
)
def test_what_is_no_sequence_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        Sequence(name)
    assert str(error.value).isprintable()


def test_is_sequence_asks_for_a_range_in_brackets() -> None:
    assert is_sequence("f.[1-3].exr")
    assert is_sequence("f[3-1]")
    assert not is_sequence("f.[x].exr")
    assert not is_sequence("")


def test_huge_ranges_cost_nothing_until_they_are_expanded() -> None:
    huge = Sequence(HUGE)
    assert huge.count == sys.maxsize == len(huge)
    assert huge[-1] == "f.9223372036854775806.exr"
    assert "f.1000000000000.exr" in huge
    assert next(iter(huge)) == "f.0.exr"
    assert bool(huge)
    with pytest.raises(ValueError, match=r"stands for 9223372036854775807 names, more than the limit of 1000000"):
        huge.expand()
    beyond = Sequence("f[-5-9223372036854775806]")
    assert beyond.count == sys.maxsize + 5
    with pytest.raises(OverflowError, match=r"it is in \.count"):
        len(beyond)
    assert beyond[sys.maxsize] == "f9223372036854775802"
    assert Sequence("f[0-999999999999:2,1000000000000-2000000000000]").count == 500_000_000_000 + 1_000_000_000_001


def test_expansion_is_bounded_in_names_and_in_bytes() -> None:
    assert len(Sequence("f[1-1000]").expand(limit=1000)) == 1000
    with pytest.raises(ValueError, match="stands for 1001 names, more than the limit of 1000"):
        Sequence("f[1-1001]").expand(limit=1000)
    with pytest.raises(ValueError, match="names of 10000[0-9]* bytes"):
        Sequence(f"f[{'1'.zfill(100_000)}-{'900000'.zfill(100_000)}]").expand()
    with pytest.raises(ValueError, match="overlap"):
        Sequence("f[0-99999999:2,0-99999999:3]")


def test_wrong_types_name_the_argument() -> None:
    sequence, manifest = Sequence("f[1-3]"), c4py.Manifest()
    for call, message in (
        (lambda: Sequence(3), "name must be str or bytes, not int"),  # type: ignore[arg-type]
        (lambda: is_sequence(None), "name must be str or bytes, not NoneType"),  # type: ignore[arg-type]
        (lambda: 3 in sequence, "name must be str or bytes, not int"),  # type: ignore[operator]
        (lambda: sequence.contains("3"), "number must be int, not str"),  # type: ignore[arg-type]
        (lambda: sequence.name("3"), "number must be int, not str"),  # type: ignore[arg-type]
        (lambda: sequence["a"], "index must be int, not str"),  # type: ignore[index]
        (lambda: sequence.expand(limit="a"), "limit must be int, not str"),  # type: ignore[arg-type]
        (lambda: Sequence.from_text(1), "text must be str or bytes, not int"),  # type: ignore[arg-type]
        (lambda: Sequence.from_text("a#", 1), "frames must be str or bytes, not int"),  # type: ignore[arg-type]
        (lambda: manifest.expand_sequences(limit=1.5), "limit must be int, not float"),  # type: ignore[arg-type]
        (lambda: manifest.with_sequences(min_length="3"), "min_length must be int"),  # type: ignore[arg-type]
        (lambda: manifest.with_sequences(number=1), "number must be str or bytes, not int"),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match=message):
            call()
    for refused, message in (
        (lambda: manifest.missing_frames(number="middle"), "number must be 'first' or 'last', not 'middle'"),  # type: ignore[arg-type]
        (lambda: manifest.with_sequences(min_length=0), "min_length must be at least 1"),
        (lambda: manifest.expand_sequences(limit=-1), "limit must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            refused()
    with pytest.raises(IndexError):
        _ = sequence[3]
    with pytest.raises(IndexError):
        _ = sequence[-4]
    with pytest.raises(OverflowError):
        sequence.name(2**63)


# Forms of other tools


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("beauty.%04d.exr 1001-1100", "beauty.[1001-1100].exr"),
        ("beauty.####.exr 1-10x2", "beauty.[0001-0010:2].exr"),
        ("beauty.@@@.exr 1-3,7", "beauty.[001-003,007].exr"),
        ("beauty.$F4.exr 1-3", "beauty.[0001-0003].exr"),
        ("sh010/beauty.####.mp4 1-3", "sh010/beauty.[0001-0003].mp4"),
        ("a.#.exr 1-10x2,15,20-30", "a.[1-9:2,15,20-30].exr"),
    ],
)
def test_patterns_of_other_tools_are_read(text: str, name: str) -> None:
    assert str(Sequence.from_text(text)) == name
    pattern, frames = text.rsplit(" ", 1)
    assert str(Sequence.from_text(pattern, frames)) == name


def test_patterns_are_written_for_other_tools() -> None:
    sequence = Sequence("100%.[1001-1010:3,1100].exr")
    assert sequence.to_printf() == ("100%%.%04d.exr", "1001-1010x3,1100")
    assert sequence.to_hashes() == ("100%.####.exr", "1001-1010x3,1100")
    assert Sequence("f[8-12]").to_printf() == ("f%d", "8-12")
    assert Sequence.from_text(*sequence.to_printf()) == Sequence.from_text(*sequence.to_hashes()) == sequence
    pattern, _ = sequence.to_printf()
    assert [pattern % number for number in sequence.numbers()] == list(sequence)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beauty.####.exr", "comes without frames"),
        ("beauty.exr 1-3", "has no place for the number"),
        ("beauty.#.exr 1-10y2", "comes without frames"),
        ("beauty.#.exr 3-1", "reversed"),
        ("beauty.%099999d.exr 1-3", "more than 255 digits"),
    ],
)
def test_patterns_that_lack_something_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sequence.from_text(text)


# Folding


def test_numbered_files_fold_within_their_directory() -> None:
    manifest = c4py.loads(two_directories("f.{:02}.x", range(1, 4), range(2, 5)))
    folded = manifest.with_sequences()
    assert names(folded) == ["a", "a/f.[01-03].x", "b", "b/f.[02-04].x"]
    assert folded["a/f.[01-03].x"].size == 15
    assert len(manifest) == 8, "the manifest itself stays"
    assert names(folded.expand_sequences()) == names(manifest)


def test_the_number_that_counts_is_the_first_or_the_last() -> None:
    shots = files(*frames(1, 4, "shot_010_v002.%04d.mp4"))
    assert len(shots.with_sequences()) == 4
    assert names(shots.with_sequences(number="last")) == ["shot_010_v002.[0001-0004].mp4"]
    versions = files(*frames(1, 3, "a_v%03d.0001.exr"))
    assert names(versions.with_sequences()) == ["a_v[001-003].0001.exr"]
    assert len(versions.with_sequences(number="last")) == 3


def test_min_length_says_what_is_worth_folding() -> None:
    manifest = files(*frames(1, 2), *frames(10, 14))
    assert len(manifest.with_sequences(min_length=1)) == 2
    assert len(manifest.with_sequences()) == 3
    assert len(manifest.with_sequences(min_length=6)) == 7
    assert len(manifest.with_sequences(min_length=10**30)) == 7


def test_a_pattern_that_would_be_read_otherwise_is_not_made() -> None:
    for literal in (frames(1, 3, "a[1].%02d.x"), frames(1, 3, "[-]%02d")):
        manifest = files(*literal)
        for folded in (manifest.with_sequences(number="last"), manifest.with_sequences(number="first")):
            assert sorted(names(folded)) == sorted(literal)
    there = files(*frames(1, 3), "f.[0001-0003].exr")
    assert len(there.with_sequences()) == 4


def test_duplicates_and_the_largest_numbers_do_no_harm() -> None:
    manifest = files("f9223372036854775807", "f9223372036854775807", "f9223372036854775806", "f9223372036854775805")
    assert names(manifest.with_sequences(min_length=2)) == [
        "f9223372036854775807",
        "f[9223372036854775805-9223372036854775806]",
    ]
    twice = files("f1", "f1", "f2", "f3")
    assert names(twice.with_sequences()) == ["f[1-3]"]


def test_links_fold_to_targets_that_can_be_found_again() -> None:
    def links(targets: list[str]) -> c4py.Manifest:
        return c4py.Manifest(
            [c4py.Entry(f"l.{n}", mode=0o120777, target=target) for n, target in enumerate(targets, 1)]
        )

    def targets(manifest: c4py.Manifest) -> list[str]:
        return [entry.target for entry in manifest.with_sequences().expand_sequences()]

    for kept in (["t.07", "t.08", "t.09"], ["t.1", "t.1", "t.1"], ["a[x].5", "a[x].6", "a[x].7"]):
        assert targets(links(kept)) == kept
    for lost in (["t.1", "t.3", "t.2"], ["t.1", "t.2", "u.3"], ["t.1", "t.9", "t.3"], ["a", "a", "a"]):
        assert links(lost).with_sequences()[0].target == "..."
        assert targets(links(lost)) == ["", "", ""]
    one_for_all = c4py.loads("lrwxrwxrwx - - l.[1-2] -> somewhere -\n")
    assert [entry.target for entry in one_for_all.expand_sequences()] == ["somewhere", "somewhere"]


def test_files_taken_out_of_their_directories_keep_their_paths() -> None:
    text = two_directories("f.{}.x", range(1, 4), range(4, 7))
    found = c4py.loads(text).filter("*.x")
    folded = found.with_sequences()
    assert names(folded) == ["a/f.[1-3].x", "b/f.[4-6].x"]
    assert [path for path, _ in folded.expand_sequences().flat_entries()] == names(found)
    assert found.missing_frames() == []


def test_entries_without_their_directory_are_left_alone() -> None:
    orphans = c4py.Manifest(
        [c4py.Entry(f"f.{n}", depth=depth, c4id=some_id("")) for n, depth in ((1, 1), (2, 3), (3, 1))]
    )
    assert len(orphans.with_sequences()) == 3
    assert orphans.missing_frames(min_length=1) == []


def test_a_folded_manifest_survives_text_and_pickle() -> None:
    manifest = files(*frames(1, 5), "notes.txt")
    folded = manifest.with_sequences()
    assert "".join(str(some_id(name)) for name in frames(1, 5)) in c4py.dumps(folded)
    for again in (c4py.loads(c4py.dumps(folded)), pickle.loads(pickle.dumps(folded)), folded.copy()):
        assert again == folded
        assert [entry.c4id for entry in again.expand_sequences()] == [some_id(name) for name in frames(1, 5)] + [
            some_id("notes.txt")
        ]
    assert folded.with_sequences() == folded


# Expanding


def test_members_have_what_is_known_of_their_sequence() -> None:
    expanded = files(*frames(8, 10, "f.%02d"), mode=0o600).with_sequences().expand_sequences()
    assert [(e.name, e.mode, e.size, e.c4id, e.is_sequence) for e in expanded] == [
        (name, 0o600, -1, some_id(name), False) for name in frames(8, 10, "f.%02d")
    ]
    assert len(c4py.dumps(expanded).splitlines()) == 3, "the ID list is gone with its sequence"


def test_an_id_is_never_a_guess() -> None:
    ids = [some_id(str(n)) for n in range(3)]
    listed = "".join(map(str, ids))
    list_id = c4py.identify_bytes(listed.encode())
    assert [e.c4id for e in c4py.loads(f"- - - f.[1-3] {list_id}\n{listed}\n").expand_sequences()] == ids
    for text in (
        f"- - - f.[1-4] {list_id}\n{listed}\n",
        f"- - - f.[1-2] {list_id}\n{listed}\n",
        f"- - - f.[1-3] {list_id}\n",
        f"- - - f.[1-3] {ids[0]}\n{listed}\n",
        "- - - f.[1-3] -\n",
    ):
        assert {e.c4id for e in c4py.loads(text).expand_sequences()} == {None}, text


def test_a_list_is_kept_while_a_sequence_needs_it() -> None:
    ids = "".join(str(some_id(str(n))) for n in range(2))
    list_id = c4py.identify_bytes(ids.encode())
    manifest = c4py.loads(f"- - - a.[1-2] {list_id}\n- - - b.[2-1] {list_id}\n{ids}\n")
    expanded = manifest.expand_sequences()
    assert names(expanded) == ["a.1", "a.2", "b.[2-1]"]
    assert c4py.dumps(expanded).endswith(f"{ids}\n")


def test_a_file_that_is_there_stays_instead_of_a_member() -> None:
    for text in ("- - 7 f.2 -\n- - - f.[1-3] -\n", "- - - f.[1-3] -\n- - 7 f.2 -\n"):
        for indented in (text, "drwxr-xr-x - - d/ -\n" + "".join(f"  {line}\n" for line in text.splitlines())):
            expanded = c4py.loads(indented).expand_sequences()
            assert [entry.size for entry in expanded if not entry.is_dir()] == [-1, 7, -1]


def test_directories_expand_when_nothing_is_below_them() -> None:
    assert names(c4py.loads("drwxr-xr-x - - shot_[010-030:10]/ -\n").expand_sequences()) == [
        "shot_010",
        "shot_020",
        "shot_030",
    ]
    kept = c4py.loads("drwxr-xr-x - - shot_[010-030:10]/ -\n  - - - f.[1-2] -\n").expand_sequences()
    assert names(kept) == ["shot_[010-030:10]", "shot_[010-030:10]/f.1", "shot_[010-030:10]/f.2"]


def test_ranges_that_cannot_be_read_stay() -> None:
    text = "- - - f.[1-10:0] -\n- - - f.[2-9223372036854775807] -\n- - - f.[5-1] -\n"
    assert c4py.dumps(c4py.loads(text).expand_sequences()) == c4py.dumps(c4py.loads(text))


def test_bombs_are_refused_with_the_entry_and_its_count() -> None:
    bomb = c4py.loads("drwxr-xr-x - - d/ -\n  - - - f.[0-999999999] -\n")
    with pytest.raises(ValueError, match=r"d/f\.\[0-999999999\] stands for 1000000000 names, more than the limit"):
        bomb.expand_sequences()
    small = c4py.loads("".join(f"- - - {letter}.[1-50] -\n" for letter in "abc"))
    assert len(small.expand_sequences(limit=150)) == 150
    with pytest.raises(ValueError, match=r"c\.\[1-50\] stands for 50 names, more than the 49 that the limit of 149"):
        small.expand_sequences(limit=149)
    with pytest.raises(ValueError, match="ranges with steps overlap"):
        c4py.loads("- - - f.[0-99999999:2,0-99999999:3] -\n").expand_sequences()
    with pytest.raises(ValueError, match="bytes"):
        c4py.loads(f"lrwxrwxrwx - - f.[1-900000] -> {'t' * 10_000} -\n").expand_sequences()


# Missing frames


def missing(manifest: c4py.Manifest, **options: int) -> list[str]:
    return [" ".join(gap.to_hashes()) for gap in manifest.missing_frames(**options)]  # type: ignore[arg-type]


def test_missing_frames_are_sequences_of_paths() -> None:
    text = "drwxr-xr-x - - sh010/ -\n" + "".join(
        f"  - - - beauty_v2.{n}.exr -\n" for n in (1001, 1002, 1003, 1007, 1008, 1009, 1010, 1012)
    )
    (gap,) = c4py.loads(text).missing_frames()
    assert str(gap) == "sh010/beauty_v2.[1004-1006,1011].exr"
    assert gap.frames == "1004-1006,1011"
    assert gap[0] == "sh010/beauty_v2.1004.exr"


def test_folded_and_unfolded_frames_are_counted_together() -> None:
    manifest = files(*frames(1, 4), *frames(8, 9), *frames(12, 20))
    assert missing(manifest) == missing(manifest.with_sequences()) == ["f.####.exr 5-7,10-11"]
    assert missing(c4py.loads("- - - f.[1-3,7-9] -\n")) == ["f.# 4-6"]
    assert missing(c4py.loads("- - - f.[1-9:2] -\n- - - f.[4] -\n")) == ["f.# 2,6,8"]
    assert missing(c4py.loads("- - - f.[1-9:4] -\n")) == ["f.# 2-4,6-8"]


def test_frames_count_on_over_the_width_of_their_numbers() -> None:
    assert missing(files("f.8", "f.9", "f.11", "f.12")) == ["f.# 10"]
    assert missing(files("f.098", "f.099", "f.1002")) == ["f.### 100-1001"]
    # Two sequences of their own, since 1 and 01 are both there.
    assert missing(files("f.1", "f.2", "f.4", "f.01", "f.02", "f.05")) == ["f.# 3", "f.## 3-4"]


def test_what_is_no_sequence_misses_nothing() -> None:
    assert missing(files("readme2.txt", "v1.mov", "v9.mov", *frames(1, 9))) == []
    assert missing(files("v1.mov", "v9.mov"), min_length=2) == ["v#.mov 2-8"]
    directories = c4py.loads("drwxr-xr-x - - s1/ -\ndrwxr-xr-x - - s3/ -\ndrwxr-xr-x - - s[5-6]/ -\n")
    assert directories.missing_frames(min_length=1) == []
    assert c4py.Manifest().missing_frames() == []
    assert missing(c4py.loads("- - - f.[5-1] -\n"), min_length=1) == []


def test_huge_gaps_cost_nothing() -> None:
    assert missing(files("f.1", "f.2", "f.9000000000000000000")) == ["f.# 3-8999999999999999999"]
    assert missing(c4py.loads("- - - f.[0-1000000000000:2] -\n")) == ["f.# 1-999999999999x2"]
    with pytest.raises(ValueError, match="leave gaps, and hold more than 1000000 numbers"):
        c4py.loads("- - - f.[0-1000000000000:3] -\n").missing_frames()


# Properties

NAMES = st.lists(
    st.one_of(
        st.integers(0, 30).map("f.{}.exr".format),
        st.integers(0, 30).map("f.{:03}.exr".format),
        st.integers(0, 12).map("a[1].{:02}".format),
        st.text("a0129[]-.,: ", min_size=1, max_size=6).filter(lambda name: name not in (".", "..")),
    ),
    max_size=40,
    unique=True,
)


@given(NAMES, st.sampled_from(["first", "last"]), st.integers(1, 5))
def test_folding_and_expanding_gives_back_names_ids_and_modes(names: list[str], number: str, least: int) -> None:
    manifest = files(*names)
    folded = manifest.with_sequences(number=number, min_length=least)  # type: ignore[arg-type]
    for again in (folded, c4py.loads(c4py.dumps(folded))):
        expanded = again.expand_sequences()
        assert {(e.name, e.c4id, e.mode) for e in expanded} == {(e.name, e.c4id, e.mode) for e in manifest}
        assert len(expanded) == len(names)
    assert folded.total_size() == manifest.total_size()
    assert folded.with_sequences(number=number, min_length=least) == folded  # type: ignore[arg-type]


@given(st.sets(st.integers(0, 60), min_size=3), st.integers(1, 4))
def test_missing_frames_are_all_between_the_first_and_the_last(present: set[int], padding: int) -> None:
    manifest = files(*(f"f.{n:0{padding}}" for n in present))
    expected = [f"f.{n:0{padding}}" for n in range(min(present), max(present)) if n not in present]
    for counted in (manifest, manifest.with_sequences()):
        found = sorted(path for gap in counted.missing_frames() for path in gap)
        assert found == sorted(expected)
        assert all(list(Sequence(str(gap))) == list(gap) for gap in counted.missing_frames())


@given(st.text(max_size=20))
def test_any_text_is_a_sequence_or_a_value_error(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    for read in (Sequence, Sequence.from_text):
        try:
            sequence = read(text)
        except ValueError:
            continue
        assert sequence.count >= 1
        assert next(iter(sequence)) in sequence

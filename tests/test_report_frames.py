"""Paths that failed, folded into numbered sequences."""

from __future__ import annotations

import pytest
from c4py.report.frames import fold
from hypothesis import given
from hypothesis import strategies as st


def frames(*numbers: int, pattern: str = "plate.{:04}.exr") -> list[str]:
    return [pattern.format(number) for number in numbers]


def folded(others: list[str], **failed: list[str]) -> list[str]:
    sequences, _ = fold(failed, others)
    return list(map(str, sequences))


def test_missing_frames_are_ranges_of_what_the_manifest_has() -> None:
    missing = frames(1007, 1100, 1101)
    others = [path for path in frames(*range(1001, 1241)) if path not in missing]
    assert folded(others, missing=missing) == ["plate.[1001-1240].exr: missing 1007, 1100-1101"]


def test_each_status_has_its_frames_and_extra_ones_are_not_in_the_range() -> None:
    assert folded(
        frames(1, 2, 3, 6), corrupt=frames(4), missing=frames(5, 7), unreadable=frames(8), extra=frames(9, 20)
    ) == ["plate.[0001-0008].exr: corrupt 0004; missing 0005, 0007; unreadable 0008; extra 0009, 0020"]


def test_a_manifest_with_gaps_shows_them() -> None:
    assert folded(frames(1, 2, 3, 11, 12), missing=frames(10)) == ["plate.[0001-0003,0010-0012].exr: missing 0010"]


def test_frames_on_twos_are_one_sequence() -> None:
    assert folded(frames(1, 3, 7), missing=frames(5, 9)) == ["plate.[0001,0003,0005,0007,0009].exr: missing 0005, 0009"]


def test_a_sequence_that_is_extra_as_a_whole_shows_what_was_found() -> None:
    assert folded(["a.txt"], extra=frames(1, 2, 3)) == ["plate.[0001-0003].exr: extra 0001-0003"]


def test_directories_and_extensions_are_apart() -> None:
    others = [f"{d}/f.{n}.{e}" for d in "ab" for n in (1, 2, 4) for e in ("exr", "jpg")]
    missing = ["b/f.3.jpg", "a/f.3.exr"]
    assert folded(others, missing=missing) == ["b/f.[1-4].jpg: missing 3", "a/f.[1-4].exr: missing 3"]


def test_widths_are_apart_unless_none_has_more_zeros() -> None:
    assert folded(["f.8", "f.10", "f.11"], missing=["f.9"]) == ["f.[8-11]: missing 9"]
    assert folded(["f.08", "f.10", "f.11", "f.8"], missing=["f.9", "f.10"]) == ["f.[08,10-11]: missing 10"]
    assert folded(["f.998", "f.1002"], missing=["f.999", "f.1003"]) == ["f.[998-999,1002-1003]: missing 999, 1003"]


def test_few_files_are_no_sequence_and_what_failed_nowhere_is_not_shown() -> None:
    assert fold({"missing": ["v.1", "x"]}, ["v.2"]) == ([], set())
    assert fold({"missing": ["x"]}, frames(1, 2, 3)) == ([], set())
    assert fold({}, frames(1, 2, 3)) == ([], set())


def test_the_paths_that_are_in_a_sequence_are_told() -> None:
    sequences, members = fold({"missing": ["d/f.2.exr", "d/x"], "extra": ["d/f.9.exr"]}, ["d/f.1.exr", "d/f.3.exr"])
    assert members == {"d/f.2.exr", "d/f.9.exr"}
    assert [sequence.found for sequence in sequences] == [{"missing": [2], "extra": [9]}]


def test_a_path_counts_where_it_comes_first() -> None:
    assert folded(frames(1, 2, 3), corrupt=frames(2), extra=frames(2)) == ["plate.[0001-0003].exr: corrupt 0002"]


def test_many_ranges_are_cut_and_counted() -> None:
    (text,) = folded(frames(*range(0, 1000, 2)), missing=frames(*range(1, 1000, 2)))
    assert text.startswith("plate.[0000-0999].exr: missing 0001, 0003, ")
    assert text.endswith("0023, … 488 more")


@pytest.mark.parametrize("hostile", ["\x1b[31m", "\u202e", "<script>", "[1-3]", "\udcff", "a\nb", "\\", "¤", " -> x"])
def test_hostile_names_fold_and_are_seen(hostile: str) -> None:
    paths = [f"{hostile}/{hostile}.{number}.exr" for number in range(1, 5)]
    sequences, members = fold({"missing": paths[1:2]}, [*paths[:1], *paths[2:]])
    assert all(str(sequence).isprintable() for sequence in sequences)
    # What has a line break or a range in its name is in no sequence, as in a scan.
    assert members == (set() if hostile in ("a\nb", "[1-3]") else {paths[1]})


NAMES = st.from_regex(r"\A[ab]?[.\[]?[0-9]{0,3}(\.[ab0-9\]-]{0,3})?\Z").filter(lambda name: name not in ("", ".", ".."))


@given(st.dictionaries(st.tuples(st.sampled_from(["", "d", "d/e"]), NAMES), st.sampled_from(["", "missing", "extra"])))
def test_every_member_is_a_path_that_failed_and_counts_once(statuses: dict[tuple[str, str], str]) -> None:
    paths = {f"{directory}/{name}".removeprefix("/"): status for (directory, name), status in statuses.items()}
    failed = {kind: [path for path in paths if paths[path] == kind] for kind in ("missing", "extra")}
    sequences, members = fold(failed, [path for path in paths if not paths[path]])
    assert members <= {path for path in paths if paths[path]}
    assert sum(len(found) for sequence in sequences for found in sequence.found.values()) == len(members)
    assert (sequences == []) == (members == set())
    again, same = fold(failed, [path for path in paths if not paths[path]])
    assert (list(map(str, again)), same) == (list(map(str, sequences)), members)

"""The reference results of `vectors/sequences.jsonl`, through the public API. Cases that c4py decides differently are
named, with the reason."""

from __future__ import annotations

import c4py
import pytest
from c4py.safename import unsafe_name
from c4py.sequence import Sequence, is_sequence
from vector_cases import Case, check_all, name, raw

#: Patterns that the reference takes. A step of 0 is 1 to it in a list and hangs alone; so does the number 2^63 - 1.
STRICTER = {"a[1-10:0,20]", "a[9223372036854775807]"}

#: The reference folds these into another directory, over files of the same names.
FOLDED_PER_DIRECTORY = "nested-same-names-two-dirs"

NO_LIST = "without an ID list the reference gives each member the ID of the sequence; here it has none"
ESCAPED = "the reference takes escaped brackets for a range"
LINKS = "the reference drops the targets of links; here they are the members of the range"
EXPANDED_OTHERWISE = {
    "list-of-other": NO_LIST,
    "without-list": NO_LIST,
    "stepped": NO_LIST,
    "two-ranges": NO_LIST,
    "escaped-prefix": NO_LIST,
    "sequence-already-present": NO_LIST,
    "with-wrong-count": "a list of another length leaves the sequence in the reference; here the members have no ID",
    "escaped-literal": ESCAPED,
    "names-with-digit-brackets": ESCAPED,
    "dir-sequence": "the reference puts the entries below into the last member; here the directory stays",
    "symlink-sequence": LINKS,
    "symlink-uniform": LINKS,
    "symlink-same-number": LINKS,
    "symlink-and-file-same-names": LINKS,
}


def check_parse(case: Case) -> None:
    # The reference reads patterns as they stand in a line, Sequence reads names.
    written = name(case, "pattern")
    pattern = unsafe_name(c4py._rust.unescape_field(written))
    assert is_sequence(pattern) == case["is_sequence"]
    if "error" in case or written in STRICTER:
        with pytest.raises(ValueError, match=r"range|step|number"):
            Sequence(pattern)
        return
    sequence = Sequence(pattern)
    assert (sequence.prefix, sequence.suffix) == (name(case, "prefix"), name(case, "suffix"))
    assert sequence.padding == case["padding"]
    assert [list(one) for one in sequence.ranges] == case["ranges"]
    assert sequence.count == len(sequence) == case["count"]
    if "expand" in case:
        expected = case["expand"]
        assert sequence.expand(limit=60) == list(sequence) == expected
        assert [sequence[at] for at in range(len(sequence))] == expected
        assert all(member in sequence for member in expected)
        assert [sequence.number_of(member) for member in expected] == list(sequence.numbers())
    tried = [-5, 0, 1, 2, 3, 5, 10, 50, 99, 100, 1000]
    assert [number for number in tried if sequence.contains(number)] == case["contains"]
    assert Sequence(str(sequence)) == sequence


def check_detect(case: Case) -> None:
    manifest = c4py.loads(raw(case, "text"))
    before = c4py.dumps(manifest)
    folded = manifest.with_sequences(min_length=case["min_length"])
    assert c4py.dumps(manifest) == before
    if case["case"] == FOLDED_PER_DIRECTORY:
        assert [path for path, _ in folded.files()] == ["d/f.[01-03].x", "e/f.[02-05].x"]
        return
    assert c4py.dumps(folded) == case["marshal"]
    assert str(folded.compute_c4id()) == case["id"]
    assert (c4py.loads(case["marshal"]) == folded) == case["reread_same"]


def check_expand(case: Case, text: str | bytes) -> None:
    expanded = c4py.loads(text).expand_sequences(limit=1000)
    # The reference leaves sequences beside their members.
    reference = c4py.loads(raw(case, "expand_embedded"))
    reference.entries = [entry for entry in reference if not entry.is_sequence or entry.name == "f.[5-1].x"]
    assert (list(expanded) == list(reference)) == (case["case"] not in EXPANDED_OTHERWISE)
    match EXPANDED_OTHERWISE.get(case["case"]):
        case _ if case["case"] == "dir-sequence":
            assert c4py.dumps(expanded) == c4py.dumps(c4py.loads(text))
        case reason if reason == ESCAPED:
            assert c4py.dumps(expanded) == c4py.dumps(c4py.loads(text))
        case reason if reason == LINKS:
            assert [entry.name for entry in expanded] == [entry.name for entry in reference]
            assert all(entry.target for entry in expanded if entry.is_symlink())
        case str():
            assert [entry.name for entry in expanded] == [
                entry.name for entry in c4py.loads(raw(case, "expand_embedded")).expand_sequences()
            ]
            ids_of_lists = {entry.c4id for entry in expanded} - {None}
            assert ids_of_lists == (
                {entry.c4id for entry in reference if entry.name.startswith("f.")}
                if case["case"] == "sequence-already-present"
                else set()
            )


def test_sequences() -> None:
    def check(case: Case) -> None:
        match case["kind"]:
            case "parse":
                check_parse(case)
            case "detect":
                check_detect(case)
                check_expand(case, case["marshal"])
            case "expand":
                check_expand(case, raw(case, "text"))
            case kind:
                raise AssertionError(kind)

    check_all("sequences", check, count=327)

"""The reference results of `vectors/`, through the public API. Cases that c4py decides differently are named, with the
reason; those that the Rust tests name as well are decided in the core."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import c4py
import pytest
from c4py.entry import NULL_TIMESTAMP, FlowDirection, format_mode, format_name, format_target, parse_mode
from c4py.naturalsort import natural_sort_key
from c4py.safename import safe_name, unsafe_name
from vector_cases import VECTORS, Case, cases, check_all, name, raw, raws

EPOCH = "1970-01-01T00:00:00Z"


def test_the_copy_is_the_shared_one() -> None:
    shared = VECTORS.parent.parent / "shared"
    if not shared.is_dir():
        pytest.skip("no shared folder beside the checkout")
    for copy, original in ((VECTORS, shared / "vectors"), (VECTORS.parent / "tests/acceptance", shared / "acceptance")):
        for path in original.iterdir():
            assert (copy / path.name).read_bytes() == path.read_bytes(), path.name


def pattern(case: Case) -> bytes:
    length: int = case["len"]
    match case["pattern"]:
        case "repeat":
            return bytes([case["byte"]]) * length
        case "lcg":
            state, out = case["seed"], bytearray()
            for _ in range(length):
                state = (state * 1664525 + 1013904223) % 2**32
                out.append(state >> 24)
            return bytes(out)
        case _:
            block: bytes = raw(case, "block")
            return (block * (length // len(block) + 1))[:length]


def test_ids() -> None:
    def check(case: Case) -> None:
        match case["kind"]:
            case "content":
                one = c4py.identify_bytes(raw(case, "content"))
            case "pattern":
                one = c4py.identify_bytes(pattern(case))
            case _:
                one = c4py.C4ID(bytes.fromhex(case["digest"]))
        assert str(one) == case["id"]
        assert one.hex() == case["digest"]
        assert c4py.parse(case["id"]) == one
        assert one.is_nil() == case.get("is_nil", False) == (not one)

    check_all("ids", check, count=666)


def test_id_parse() -> None:
    def check(case: Case) -> None:
        text = raw(case, "input").decode("utf-8", "surrogateescape")
        if case["ok"] and not case.get("lax"):
            assert c4py.parse(text).hex() == case["digest"]
        else:
            # lax: a prefix other than c4, a value of 2^512 or more
            with pytest.raises(c4py.InvalidC4ID):
                c4py.parse(text)

    check_all("id_parse", check, count=307)


def test_tree_ids() -> None:
    def check(case: Case) -> None:
        if case["kind"] == "tree":
            assert str(c4py.tree_id(map(c4py.parse, case["ids"]))) == case["tree_id"]
        else:
            left, right = c4py.parse(case["left"]), c4py.parse(case["right"])
            assert str(c4py.tree_id([left, right])) == case["sum"]
            assert (left > right) - (left < right) == case["cmp"]

    check_all("tree_ids", check, count=105)


def test_natural_sort() -> None:
    def check(case: Case) -> None:
        if case["kind"] == "pair":
            a, b = natural_sort_key(raw(case, "a")), natural_sort_key(raw(case, "b"))
            # Names that tie in the reference are ordered by their bytes here.
            assert case.get("tie") or (a < b, b < a) == (case.get("less", False), case.get("greater", False))
        elif not case.get("has_ties"):
            names = raws(case, "names")
            assert sorted(range(len(names)), key=lambda at: natural_sort_key(names[at])) == case["order"]

    check_all("natural_sort", check, count=1530)


def test_safename() -> None:
    def check(case: Case) -> None:
        if case["kind"] == "encode":
            plain = name(case, "raw")
            assert safe_name(plain) == safe_name(raw(case, "raw")) == case["encoded"]
            assert os.fsencode(unsafe_name(case["encoded"])) == raw(case, "decoded")
            assert format_name(plain) == case["field"]
            assert not plain or format_target(plain) == case["target_field"]
        else:
            decoded = unsafe_name(name(case, "encoded"))
            assert os.fsencode(decoded) == raw(case, "decoded")
            assert os.fsencode(safe_name(decoded)) == raw(case, "reencoded")

    check_all("safename", check, count=2015)


def entry_of(value: Case) -> c4py.Entry:
    entry = c4py.Entry(
        name(value, "name"),
        mode=value["st_mode"],
        size=value["size"],
        c4id=value["id"],
        depth=value["depth"],
        target=name(value, "target"),
        hard_link=value.get("hard_link", 0),
        flow_direction=FlowDirection(value.get("flow", "")),
        flow_target=name(value, "flow_target"),
        is_sequence=value.get("is_sequence", False),
        pattern=name(value, "pattern"),
    )
    entry.timestamp_s = value["ts"]
    return entry


def test_entries() -> None:
    def check(case: Case) -> None:
        match case["kind"]:
            case "mode_table":
                for bits, text in enumerate(case["modes"]):
                    assert format_mode(case["st_type"] | bits) == text
                    assert format_mode(parse_mode(text)) == text
            case "parse_mode":
                text = raw(case, "mode").decode("utf-8", "surrogateescape")
                if case["ok"] and (not case.get("lax") or text == "-"):
                    assert parse_mode(text) == c4py.Entry("m", mode=case["st_mode"]).mode
                else:  # lax: letters where they do not belong
                    with pytest.raises(ValueError, match=r"mode|surrogates"):
                        parse_mode(text)
            case _:
                check_entry(case)

    def check_entry(case: Case) -> None:
        value = case["entry"]
        entry = entry_of(value)
        if value["ts"] not in range(-62_167_219_200, 253_402_300_800):
            with pytest.raises(ValueError, match="outside the years 0 to 9999"):
                entry.canonical()
            return
        if case.get("st_mode_exact") is False:
            return  # a mode of the reference's own that no st_mode stands for
        canonical, indented = case["canonical"], case["format2"]
        if canonical.startswith("?") and value["st_mode"] & 0o170000 == 0o020000:
            # The reference writes a character device of a file system so that it cannot be read back.
            canonical, indented = canonical.replace("?", "c", 1), indented.replace("?", "c", 1)
        if "ts_nsec" in value and value["ts"] == 0:
            canonical, indented = canonical.replace(EPOCH, "-"), indented.replace(EPOCH, "-")
        assert entry.canonical() == canonical
        assert entry.format(2) == indented

    check_all("entries", check, count=1048)


def test_timestamps(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(case: Case) -> None:
        monkeypatch.setenv("TZ", case["tz"])
        if not case["ok"]:
            with pytest.raises(c4py.ParseError) as error:
                c4py.loads(raw(case, "line"))
            assert error.value.line == 1
            return
        entry = c4py.loads(raw(case, "line"))[0]
        assert (entry.timestamp_s, entry.size, entry.name) == (case["ts"], case["size"], name(case, "name"))
        assert entry.has_null_timestamp() == (case["ts"] == 0)
        if case["ts"] in range(-62_135_596_800, 253_402_300_800):
            assert entry.timestamp == NULL_TIMESTAMP + datetime.timedelta(seconds=case["ts"])
            assert entry.canonical() == (
                case["canonical"].replace(EPOCH, "-") if case["ts"] == 0 else case["canonical"]
            )
        else:  # year 0, or an offset that leads out of year 9999
            with pytest.raises(OverflowError):
                _ = entry.timestamp

    check_all("timestamps", check, count=439)


#: Cases of decode_ok that c4py refuses.
STRICTER = {
    "name-forbidden-08": "a path in the place of a name",
    "name-forbidden-10": "a path in the place of a name",
    "name-forbidden-dir-08": "a path in the place of a name",
    "fuzz-169": "text glued to a directory's slash, which would lose the ID in it",
    "list-with-overflow-id": "an ID of 2^512 or more in an ID list",
}


def check_decoded(case: Case, manifest: c4py.Manifest) -> None:
    text = raw(case, "marshal").decode()
    assert c4py.dumps(manifest) == text
    assert list(manifest) == [entry_of(value) for value in case["entries"]]
    assert len(manifest) == case["n"]
    assert str(manifest.compute_c4id()) == case["id"]
    if not manifest.patch_sections:  # the reference forgets the base once a patch is applied
        assert (str(manifest.base) if manifest.base else None) == case.get("base")


def test_decode_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(case: Case) -> None:
        monkeypatch.setenv("TZ", case.get("tz", "UTC"))
        if case["case"] in STRICTER:
            with pytest.raises(c4py.ParseError):
                c4py.loads(raw(case, "text"))
            return
        check_decoded(case, c4py.loads(raw(case, "text")))

    check_all("decode_ok", check, count=640)


#: What texts of decode_err do that makes c4py refuse them as well; other lax texts are read and left to `validate`.
REFUSED = (
    "field grammar",
    "UTF-8",
    "raw control character",
    "not a space",
    "after the directory name",
    "512 bits",
    "overflow",
    "permission characters",
)


def test_decode_err() -> None:
    def check(case: Case) -> None:
        text = raw(case, "text")
        if case.get("lax"):
            reason = case["lax_reason"]
            try:
                manifest = c4py.loads(text)
            except c4py.ParseError:
                in_name = "path separator" in reason or "NUL byte" in reason
                assert in_name or any(refused in reason for refused in REFUSED)
            else:
                assert not any(refused in reason for refused in REFUSED), f"should be refused: {reason}"
                check_decoded(case, manifest)
        elif case.get("error_class") == "empty_patch" and case["case"] != "base-two-only":
            # A closing ID is accepted, and so is the next diff's opening one when it is the same.
            c4py.loads(text)
        else:
            with pytest.raises(c4py.ParseError) as error:
                c4py.loads(text)
            assert 1 <= error.value.line <= text.count(b"\n") + 1
            assert isinstance(error.value, c4py.EmptyPatch) == (case.get("error_class") == "empty_patch")

    check_all("decode_err", check, count=360)


def test_pretty(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(case: Case) -> None:
        for key, zone in (("utc", "UTC"), ("los_angeles", "America/Los_Angeles"), ("kolkata", "Asia/Kolkata")):
            monkeypatch.setenv("TZ", zone)
            manifest = c4py.loads(raw(case, "text"))
            pretty = c4py.dumps(manifest, pretty=True)
            assert pretty == case[f"pretty_{key}"]
            again = c4py.dumps(c4py.loads(pretty))
            assert case[f"reparse_{key}"] == ("same" if again == c4py.dumps(manifest) else "differs")

    check_all("pretty", check, count=145)


def test_propagate() -> None:
    def check(case: Case) -> None:
        manifest = c4py.loads(raw(case, "text"))
        if case["case"] == "huge-sizes-overflow":
            assert str(manifest.compute_c4id()) != case["id"]  # the reference wraps; here the sum is unknown
        else:
            assert str(manifest.compute_c4id()) == case["id"]
            assert c4py.identify_bytes(raw(case, "canonical_form")) == manifest.compute_c4id()
        assert c4py.dumps(manifest) == c4py.dumps(c4py.loads(raw(case, "text")))

    check_all("propagate", check, count=106)


def test_chains_load_as_their_last_state() -> None:
    def check(case: Case) -> None:
        if "decode" in case or "decode_b64" in case:
            assert c4py.dumps(c4py.loads(raw(case, "text"))).encode() == raw(case, "decode")

    check_all("chain", check, count=94)


def test_identify_stdin(tmp_path: Path) -> None:
    def check(case: Case) -> None:
        path = tmp_path / "content"
        path.write_bytes(raw(case, "content"))
        if "id" not in case:  # the reference crashes; here what does not parse has the ID of its bytes
            assert c4py.identify_file(path) == c4py.identify_bytes(raw(case, "content"))
            return
        expected = case["id"]
        if case["case"] == "chain-closed":
            # A closing ID is part of a manifest here: the file has the ID of its canonical text.
            expected = str(
                c4py.loads(raw(case, "content"))
                and c4py.identify_bytes(c4py.dumps(c4py.loads(raw(case, "content"))).encode())
            )
        assert str(c4py.identify_file(path)) == expected
        assert c4py.verify(path, expected)
        assert c4py.verify(path, case["raw_id"])

    check_all("identify_stdin", check, count=68)


def test_every_file_of_vectors_is_known() -> None:
    later = {"diff", "entry_paths", "merge", "patch", "store", "subtree", "validate"}
    used = {
        "chain",
        "cli",
        "decode_err",
        "decode_ok",
        "entries",
        "id_parse",
        "identify_stdin",
        "ids",
        "natural_sort",
        "pretty",
        "propagate",
        "safename",
        "scan",
        "sequences",
        "timestamps",
        "tree_ids",
    }
    assert {path.stem for path in VECTORS.glob("*.jsonl")} == later | used
    assert sum(len(cases(stem)) for stem in later | used) == 9161

"""Entries: values, handles, and their lines."""

from __future__ import annotations

import copy
import datetime
import functools
import io
import pickle
from collections.abc import Callable
from typing import Any

import c4py.safename
import pytest
from c4py import Entry, FlowDirection
from c4py.entry import (
    NULL_TIMESTAMP,
    SEQUENCE_PATTERN,
    format_mode,
    format_size,
    format_timestamp,
    normalize_mode,
    parse_mode,
)

UTC = datetime.timezone.utc  # noqa: UP017


def test_an_entry_of_which_only_the_name_is_known() -> None:
    entry = Entry("a")
    assert (entry.mode, entry.timestamp, entry.size, entry.c4id, entry.depth) == (0, NULL_TIMESTAMP, -1, None, 0)
    assert (entry.target, entry.hard_link, entry.flow_direction, entry.flow_target) == ("", 0, FlowDirection.NONE, "")
    assert entry.has_null_mode()
    assert entry.has_null_timestamp()
    assert entry.has_null_size()
    assert entry.has_null_c4id()
    assert entry.canonical() == "- - - a -"
    assert entry.human_size() == "-"
    assert entry.path == "a"


def test_fields_are_read_and_written_as_attributes() -> None:
    entry = Entry("a", 0o644, datetime.datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC), 1536, c4py.identify_bytes(b""), 2)
    assert entry.canonical() == f"-rw-r--r-- 2025-01-02T03:04:05Z 1536 a {c4py.identify_bytes(b'')}"
    entry.name, entry.mode, entry.size, entry.depth = "d/", 0o040755, 0, 1
    entry.timestamp = datetime.datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    entry.c4id = None
    assert entry.format() == "  drwxr-xr-x 1999-12-31T23:59:59Z 0 d/ -"
    assert entry.format(4) == "    drwxr-xr-x 1999-12-31T23:59:59Z 0 d/ -"
    assert entry.format(pretty=True).startswith("  drwxr-xr-x Dec 31 23:59:59 1999 UTC 0 d/   ")
    assert entry.is_dir()
    entry.flow_direction, entry.flow_target = FlowDirection.INBOUND, "nas:in"
    assert entry.is_flow_linked()
    assert entry.flow_operator() == "<-"
    assert entry.canonical().endswith("d/ <- nas:in -")
    link = Entry("l", mode=0o120777, target="a b")
    assert link.is_symlink()
    assert link.canonical() == "lrwxrwxrwx - - l -> a\\ b -"
    link.target = ""
    link.hard_link = 3
    assert link.canonical() == "lrwxrwxrwx - - l ->3 -"
    sequence = Entry("f.[1-3].x", is_sequence=True)
    assert sequence.pattern == "f.[1-3].x"
    assert sequence.canonical() == "- - - f.[1-3].x -"


def test_times_are_whole_seconds_in_utc() -> None:
    entry = Entry("a", timestamp=datetime.datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC))
    assert entry.timestamp_s == -1
    entry.timestamp = datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    assert entry.timestamp == datetime.datetime(2025, 6, 1, 10, tzinfo=UTC)
    entry.timestamp = datetime.datetime(2025, 6, 1, 12)
    assert entry.timestamp.hour == 12
    entry.timestamp_s = -62_167_219_200
    assert entry.canonical() == "- 0000-01-01T00:00:00Z - a -"
    with pytest.raises(OverflowError):
        _ = entry.timestamp
    assert "timestamp_s=-62167219200" in repr(entry)
    entry.timestamp_s = 253_402_300_800
    with pytest.raises(ValueError, match="the time of a is outside the years 0 to 9999"):
        entry.canonical()


def test_wrong_types_name_the_argument() -> None:
    untyped: Any = Entry
    for call, message in [
        (lambda: untyped(5), "name must be str or bytes, not int"),
        (lambda: untyped("a", timestamp=0), "timestamp must be a datetime, not int"),
        (lambda: untyped("a", c4id=7), "c4id must be C4ID or str, not int"),
        (lambda: untyped("a", flow_direction="sideways"), "flow_direction must be a FlowDirection, not str"),
        (lambda: setattr(untyped("a"), "target", 1), "target must be str or bytes, not int"),
    ]:
        with pytest.raises(TypeError, match=message):
            call()  # type: ignore[no-untyped-call]
    with pytest.raises(c4py.InvalidC4ID):
        Entry("a", c4id="c4")


def test_entries_are_equal_by_value_copied_and_pickled() -> None:
    entry = Entry("a\udcff", mode=0o644, size=5, target="t", flow_direction=FlowDirection.OUTBOUND, flow_target="x:y")
    entry.timestamp_s = -62_167_219_200
    assert copy.copy(entry) == copy.deepcopy(entry) == pickle.loads(pickle.dumps(entry)) == entry
    assert entry != Entry("a")
    assert entry != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(entry)
    assert Entry("a") in [Entry("b"), Entry("a")]


def test_an_entry_in_a_manifest_reads_and_writes_there() -> None:
    entry = Entry("b", size=1)
    manifest = c4py.Manifest([entry])
    entry.size = 2
    assert manifest[0].size == 2
    manifest[0].name = "c"
    assert entry.name == "c"
    other = c4py.Manifest([entry])
    other[0].size = 99
    assert entry.size == 2, "an entry of one manifest is copied into another"


def test_a_handle_stays_valid_when_its_list_changes() -> None:
    manifest = c4py.loads("- - 1 a -\n- - 2 b -\n- - 3 c -\n")
    handle = manifest["b"]
    manifest.entries.insert(0, Entry("zzz"))
    manifest.entries.reverse()
    manifest.sort_entries()
    assert (handle.name, handle.path) == ("b", "b")
    del manifest.entries[1]
    assert [entry.name for entry in manifest] == ["a", "c", "zzz"]
    assert handle.size == 2, "what was taken out keeps its values"
    handle.size = 7
    manifest.entries.append(handle)
    assert manifest["b"].size == 7


def test_the_modules_functions_of_fields() -> None:
    found = SEQUENCE_PATTERN.search("f.[1-3].x")
    assert found
    assert found[1] == "1-3"
    assert format_mode(0) == "----------"
    assert format_mode(0o100644) == format_mode(0o644) == "-rw-r--r--"
    assert parse_mode("drwxr-xr-x") == 0o040755
    assert parse_mode("-") == 0
    assert normalize_mode(0o100600) == 0o600
    assert format_size(-1) == "-"
    assert format_size(5) == "5"
    assert format_timestamp(NULL_TIMESTAMP) == "-"
    with pytest.raises(ValueError, match="not a mode of ten characters"):
        parse_mode("rwx")


untyped: Any = c4py

MISUSES: list[tuple[Callable[[], object], type[Exception], str]] = [
    *(
        (functools.partial(untyped.Entry, "a", **{field: "5"}), TypeError, f"{field} must be int, not str")
        for field in ("mode", "size", "depth", "hard_link")
    ),
    *(
        (functools.partial(untyped.Entry, "a", **{field: 2**64}), ValueError, f"{field} is out of range")
        for field in ("mode", "size", "depth", "hard_link")
    ),
    *(
        (functools.partial(untyped.Entry, "a", **{field: None}), TypeError, f"{field} must be int, not NoneType")
        for field in ("mode", "size", "depth", "hard_link")
    ),
    *(
        (functools.partial(setattr, Entry("a"), field, "5"), TypeError, f"{field} must be int, not str")
        for field in ("mode", "size", "depth", "hard_link")
    ),
    (lambda: untyped.Entry("a", depth=-1), ValueError, "depth is out of range"),
    (lambda: untyped.Entry("a", is_sequence=1), TypeError, "is_sequence must be bool, not int"),
    (lambda: setattr(Entry("a"), "is_sequence", 1), TypeError, "is_sequence must be bool, not int"),
    (lambda: untyped.Entry("a").format("x"), TypeError, "indent_width must be int, not str"),
    (lambda: untyped.Entry("a").format(pretty=1), TypeError, "pretty must be bool, not int"),
    (lambda: untyped.dumps(untyped.Manifest(), pretty="x"), TypeError, "pretty must be bool, not str"),
    (
        lambda: untyped.dump(untyped.Manifest(), io.StringIO(), pretty="x"),
        TypeError,
        "pretty must be bool, not str",
    ),
    (lambda: untyped.safename.escape_field("a", "x"), TypeError, "is_sequence must be bool, not str"),
    (lambda: untyped.entry.format_name("a", "x"), TypeError, "is_sequence must be bool, not str"),
    (lambda: untyped.entry.format_mode("x"), TypeError, "mode must be int, not str"),
    (lambda: untyped.entry.format_mode(-1), ValueError, "mode is out of range"),
    (lambda: untyped.entry.parse_mode(3), TypeError, "text must be str, not int"),
    (lambda: untyped.entry.normalize_mode("x"), TypeError, "mode must be int, not str"),
    (lambda: untyped.entry.format_size(None), TypeError, "size must be int, not NoneType"),
    (lambda: untyped.resolve_chain(untyped.Manifest(), stop_at="x"), TypeError, "stop_at must be int, not str"),
    (lambda: untyped.resolve_chain(untyped.Manifest(), store=3), TypeError, "store must have a method get, not int"),
    (lambda: untyped.log_chain(untyped.Manifest(), store=3), TypeError, "store must have a method get, not int"),
    (lambda: untyped.tree_id(["x"]), TypeError, "ids[0] must be a C4ID, not str"),
    (lambda: untyped.tree_id(3), TypeError, "ids must be an iterable of C4ID, not int"),
    (lambda: untyped.Manifest().children(None), TypeError, "path must be str, bytes or os.PathLike, not NoneType"),
    (lambda: untyped.Entry("a", flow_direction="=>"), TypeError, "flow_direction must be a FlowDirection, not str"),
]


@pytest.mark.parametrize("number", range(len(MISUSES)))
def test_a_wrong_argument_is_named(number: int) -> None:
    misuse, error, message = MISUSES[number]
    with pytest.raises(error) as raised:
        misuse()
    assert str(raised.value).startswith(message)


def test_a_flow_direction_may_be_its_operator() -> None:
    entry = Entry("a", flow_direction="->", flow_target="there:")
    assert entry.flow_direction is FlowDirection.OUTBOUND
    entry.flow_direction = "<-"
    assert entry.flow_direction is FlowDirection.INBOUND

"""A verification as text, JSON, CSV and JUnit XML."""

from __future__ import annotations

import csv
import doctest
import importlib
import io
import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from xml.etree import ElementTree

import c4py
import pytest
from c4py._rust import utf8_name
from c4py._visible import visible
from c4py.report.as_csv import to_csv
from c4py.report.as_json import to_json
from c4py.report.junit import to_junit
from c4py.report.outcome import STATUSES, counts, is_failure
from c4py.report.quantity import count, duration, share, size
from c4py.report.text import summary
from c4py.safename import unsafe_name
from report_samples import (
    EVERY_COUNT,
    HOSTILE,
    START,
    Changed,
    Corrupt,
    Sample,
    of_every_kind,
    of_hostile_names,
    some_id,
)


def table(report: Sample) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(report), newline="")))


def suite(report: Sample) -> ElementTree.Element:
    """Read JUnit XML, and hold it to what build servers expect."""
    root = ElementTree.fromstring(to_junit(report).encode())
    assert root.tag == "testsuites"
    (only,) = root
    assert only.tag == "testsuite"
    assert [child.tag for child in only] == ["properties"] + ["testcase"] * (len(only) - 1)
    cases = only.findall("testcase")
    for case in cases:
        assert case.get("name")
        assert case.get("classname")
        assert [child.tag for child in case] in ([], ["failure"], ["error"], ["skipped"], ["system-out"])
        assert all(child.get("type") and child.get("message") for child in case if child.tag in ("failure", "error"))
    for element in (root, only):
        assert element.get("name")
        assert element.get("time") == "2.000"
        assert element.get("tests") == str(len(cases))
        assert element.get("failures") == str(len(only.findall("testcase/failure")))
        assert element.get("errors") == str(len(only.findall("testcase/error")))
    assert only.get("skipped") == str(len(only.findall("testcase/skipped")))
    assert only.get("timestamp") == "2025-06-03T14:02:11"
    return only


# What the formats agree on


def test_the_formats_agree_on_what_became_of_each_path() -> None:
    report = of_every_kind()
    assert counts(report) == EVERY_COUNT
    assert json.loads(to_json(report))["counts"] == EVERY_COUNT
    rows = table(report)
    assert Counter(row["status"] for row in rows) == EVERY_COUNT
    assert len({row["path"] for row in rows}) == len(rows)
    cases = suite(report)
    kinds = Counter(child.get("type") for case in cases.findall("testcase") for child in case)
    assert kinds == {status: number for status, number in EVERY_COUNT.items() if status != "ok"}
    assert len(cases.findall("testcase")) == sum(EVERY_COUNT.values())
    first = summary(report).splitlines()[0]
    assert first == (
        "failed: 2 corrupt, 5 missing, 2 unreadable, 1 canonical form only, 1 changed, 2 extra, 1 unverified"
    )


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "ok"])
@pytest.mark.parametrize("mode", ["full", "quick", "sample"])
@pytest.mark.parametrize("accept", [False, True])
def test_what_fails_is_what_makes_a_report_not_ok(status: str, mode: str, accept: bool) -> None:
    record: object = "f"
    if status in ("corrupt", "canonical_only"):
        record = Corrupt("f")
    elif status == "changed":
        record = Changed("f")
    elif status == "unreadable":
        record = of_every_kind().unreadable[0]
    report = Sample(**{status: [record]}, mode=mode, accept_canonical=accept)  # type: ignore[arg-type]
    assert is_failure(status, report) == (not report.is_ok)
    cases = suite(report)
    assert (cases.get("failures") == cases.get("errors") == "0") == report.is_ok
    assert summary(report).startswith("failed: 1 ") == (not report.is_ok)


def test_a_change_beside_an_accepted_manifest_fails() -> None:
    report = Sample(canonical_only=[Corrupt("f")], changed=[Changed("f")], accept_canonical=True)
    assert suite(report).get("failures") == "1"
    report.accept_canonical = False
    (row,) = table(report)
    assert (row["status"], row["detail"]) == ("canonical_only", "also changed: mode")


def test_an_empty_report_is_written_by_all() -> None:
    report = Sample()
    assert summary(report).splitlines()[0] == "ok: the manifest is empty, and so is the directory"
    assert table(report) == []
    assert json.loads(to_json(report))["counts"] == dict.fromkeys(STATUSES, 0)
    assert suite(report).get("tests") == "0"


def test_hostile_names_are_seen_and_do_nothing() -> None:
    report = of_hostile_names()
    for text in (summary(report), to_csv(report), to_junit(report)):
        assert text.replace("\r\n", "").replace("\n", "").isprintable()
        assert text.encode()
    names = {case.get("name") for case in suite(report).findall("testcase[@classname='ok']")}
    assert names <= {visible(name) for name in HOSTILE}
    assert visible("\x1b[31mred") in names


# Text


def test_a_summary_says_what_was_verified_and_how() -> None:
    report = of_every_kind()
    report.cache_dropped = False
    assert summary(report).splitlines()[1:] == [
        "full: content, modes and times; 249 files in the manifest, 240 read",
        "3.7 GB (4,000,000,000 bytes) of 4.7 GB (5,000,000,000 bytes) in 2.0 s, 1.9 GB/s, 120 files/s",
        "1 path moved: both missing and extra",
        "the cache could not be dropped: reads may be from memory",
        f"manifest /mnt/show.c4m {some_id('manifest')}",
        "directory /mnt/show",
    ]


def test_content_that_was_not_read_is_never_called_ok() -> None:
    quick = Sample(ok=["d"], unverified=["d/a", "b"], mode="quick", files_total=2, bytes_total=9)
    lines = summary(quick).splitlines()
    assert lines[:3] == [
        "no difference found in 3 paths; content was not read",
        "quick: presence, type, size and time were compared, content was not read; 2 files in the manifest, 0 read",
        "took 2.0 s",
    ]
    sample = Sample(ok=["a"], unverified=["b"], mode="sample", sample=0.5, files_total=2, files_read=1, bytes_read=4)
    lines = summary(sample).splitlines()
    assert lines[:2] == [
        "no difference found in 2 paths; part of the content was not read",
        "sample of 50%: the content of the others was not read; 2 files in the manifest, 1 read",
    ]
    for report in (quick, sample):
        assert not any(line.startswith("ok") for line in summary(report).splitlines())
        assert suite(report).get("skipped") == str(len(report.unverified))


def test_one_is_not_plural() -> None:
    report = Sample(ok=["a"], files_total=1, files_read=1, bytes_total=1, bytes_read=1, manifest_path=None)
    assert summary(report).splitlines() == [
        "ok: 1 path as the manifest says, content included",
        "full: content; 1 file in the manifest, 1 read",
        "1 byte in 2.0 s, 0 B/s, 0.5 files/s",
        f"manifest {some_id('manifest')}",
        "directory /mnt/show",
    ]


def test_quantities_are_for_people_and_exact() -> None:
    assert [count(1, "file"), count(0, "file"), count(1000, "file")] == ["1 file", "0 files", "1,000 files"]
    assert [size(1), size(1023), size(2048)] == ["1 byte", "1,023 bytes", "2.0 KB (2,048 bytes)"]
    lasted = (0, 0.0004, 0.9999, 1, 59.94, 59.96, 3599.6, 86_400, 90_061)
    assert [duration(number) for number in lasted] == [
        *("0 ms", "0 ms", "1000 ms", "1.0 s", "59.9 s", "1 min", "1 h", "1 d", "1 d 1 h 1 min"),
    ]
    assert [share(1), share(0.3333), share(0.05)] == ["100%", "33.33%", "5%"]


def test_a_clock_that_went_back_breaks_nothing() -> None:
    report = of_every_kind()
    report.ended = START - timedelta(seconds=5)
    assert "in 0 ms" in summary(report)
    document = json.loads(to_json(report))
    assert (document["seconds"], document["throughput"]["bytes_per_second"]) == (0, None)


# JSON


def test_json_has_every_list_in_full() -> None:
    report = of_every_kind()
    document = json.loads(to_json(report))
    expected, actual = str(some_id("expected")), str(some_id("actual"))
    assert (document["schema"], document["schema_version"]) == ("c4py.verify-report", 1)
    assert document["tool"] == {"name": "c4py", "version": c4py.__version__}
    assert document["is_ok"] is False
    assert (document["root"], document["manifest"]) == (
        "/mnt/show",
        {"path": "/mnt/show.c4m", "c4id": str(some_id("manifest"))},
    )
    assert (document["mode"], document["sample"], document["metadata"], document["accept_canonical"]) == (
        *("full", None),
        *(True, False),
    )
    assert (document["workers"], document["cache_dropped"]) == (2, None)
    assert (document["started"], document["ended"]) == ("2025-06-03T14:02:11Z", "2025-06-03T14:02:13Z")
    assert document["totals"] == {"files": 249, "files_read": 240, "bytes": 5 * 10**9, "bytes_read": 4 * 10**9}
    assert document["throughput"] == {"bytes_per_second": 2e9, "files_per_second": 120}
    assert document["corrupt"][1] == {"path": "mix.wav", "expected": expected, "actual": actual}
    assert document["canonical_only"] == [{"path": "list.c4m", "expected": expected, "actual": actual}]
    assert document["unreadable"][0] == {"path": "secret/key", "message": "Permission denied (os error 13)"}
    assert document["changed"][2] == {"path": "mix.wav", "field": "size", "expected": "5", "actual": "7"}
    assert document["moved"] == [{"old": "old.wav", "new": "new.wav"}]
    for name in ("ok", "missing", "extra", "unverified"):
        assert document[name] == getattr(report, name)
    assert len(document["changed"]) == 3


def test_json_is_what_strict_parsers_take_and_names_come_back() -> None:
    text = to_json(of_hostile_names())
    assert text.isascii()
    document = json.loads(text)
    json.dumps(document, ensure_ascii=False).encode()  # no lone surrogate
    assert document["missing"] == [utf8_name(name) for name in HOSTILE]
    assert ["/".join(map(unsafe_name, name.split("/"))) for name in document["missing"]] == HOSTILE


# CSV


def test_a_row_says_what_was_expected_and_what_is() -> None:
    rows = {row["path"]: row for row in table(of_every_kind())}
    assert rows["mix.wav"] == {
        "status": "corrupt",
        "path": "mix.wav",
        "expected": str(some_id("expected")),
        "actual": str(some_id("actual")),
        "detail": "also changed: size",
    }
    assert rows["readme"]["expected"] == "mode -rw-r--r--, time 2025-01-01T00:00:00Z"
    assert rows["readme"]["actual"] == "mode -rwxrwxrwx, time 2025-05-30T09:12:44Z"
    assert rows["old.wav"]["detail"] == "moved to new.wav"
    assert rows["new.wav"]["detail"] == "moved from old.wav"
    assert rows["secret/key"]["detail"] == "Permission denied (os error 13)"
    assert to_csv(Sample()) == "status,path,expected,actual,detail\r\n"


def test_no_cell_is_a_formula_whatever_separates_the_cells() -> None:
    text = to_csv(of_hostile_names())
    assert ";" not in text
    assert "\t" not in text
    for row in table(of_hostile_names()):
        for cell in row.values():
            assert not cell.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    paths = [row["path"] for row in table(of_hostile_names()) if row["status"] == "missing"]
    back = [path[1:] if path.lstrip().startswith("'") else path for path in paths]
    assert back == [visible(name).replace(";", r"\x3b") for name in HOSTILE]


# JUnit


def test_a_case_says_where_and_why_it_failed() -> None:
    cases = {(case.get("classname"), case.get("name")): case for case in suite(of_every_kind()).findall("testcase")}
    (failure,) = cases[".", "mix.wav"]
    message = f"corrupt; expected {some_id('expected')}, is {some_id('actual')}; also changed: size"
    assert (failure.tag, failure.get("type"), failure.get("message")) == ("failure", "corrupt", message)
    (error,) = cases["secret", "key"]
    assert (error.tag, error.get("message")) == ("error", "unreadable; Permission denied (os error 13)")
    assert len(cases["shots", "plate.1001.exr"]) == 0
    assert cases[".", "gone"][0].get("type") == "missing"
    assert cases[".", "."][0].tag == "error"


def test_junit_says_what_was_verified() -> None:
    properties = {one.get("name"): one.get("value") for one in suite(of_every_kind()).findall("properties/property")}
    assert properties == {
        "tool": f"c4py {c4py.__version__}",
        "root": "/mnt/show",
        "manifest": "/mnt/show.c4m",
        "manifest_id": str(some_id("manifest")),
        "mode": "full",
        "scope": "full: content, modes and times; 249 files in the manifest, 240 read",
    }


@pytest.mark.parametrize("module", ["as_csv", "frames", "quantity"])
def test_examples_in_docstrings(module: str) -> None:
    failed, attempted = doctest.testmod(importlib.import_module(f"c4py.report.{module}"))
    assert (failed, attempted > 0) == (0, True)


def test_a_report_costs_the_import_of_the_package_nothing() -> None:
    code = (
        "import c4py, sys; assert not [name for name in sys.modules if name.startswith(('c4py.report', 'xml', 'csv'))]"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"], check=True)

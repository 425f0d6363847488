"""What is told of a verification: while it runs, and by its report."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import c4py
import pytest
from c4py import C4ID, ChangedEntry, CorruptEntry, Entry, Manifest, UnreadableEntry, VerifyReport
from verified_trees import LISTS, findings, make_tree, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "root")


# While it runs


def test_findings_are_told_once_each_in_the_calling_thread(root: Path) -> None:
    manifest = c4py.scan(root)
    write(root / "a", "content of A")
    (root / "d/b").rename(root / "moved here")
    threads, told = set(), []

    def on_result(kind: str, path: str) -> None:
        threads.add(threading.get_ident())
        told.append((kind, path))

    report = c4py.verify_tree(manifest, root, on_result=on_result)
    expected = [(name, path) for name, paths in findings(report).items() for path in paths]
    assert sorted(told) == sorted(expected + [("ok", path) for path in report.ok])
    assert threads == {threading.get_ident()}


def test_progress_is_that_of_a_scan(root: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    manifest = c4py.scan(root)
    c4py.verify_tree(manifest, root, progress=lambda *call: calls.append(call))
    assert calls[-1][1:] == (4, 4)
    assert calls[-1][0].startswith(str(root))
    stats: list[c4py.ScanStats] = []

    class Observer:
        def update(self, value: c4py.ScanStats) -> None:
            stats.append(value)

    c4py.verify_tree(manifest, root, progress=Observer())
    assert (stats[-1].phase, stats[-1].files_done, stats[-1].bytes_total) == ("done", 4, 50)


@pytest.mark.parametrize("argument", ["progress", "on_result"])
def test_an_exception_in_a_function_stops_the_work(root: Path, argument: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        c4py.verify_tree(c4py.scan(root), root, **{argument: fail})  # type: ignore[arg-type]


def test_an_interrupt_stops_the_work(tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as file:
        file.truncate(40_000_000_000)
    entry = Entry("large", 0o644, c4id=c4py.identify_bytes(b"other"))
    code = (
        "import _thread, c4py, sys, threading; m = c4py.loads(sys.argv[2]);"
        "threading.Timer(0.5, _thread.interrupt_main).start();"
        "c4py.verify_tree(m, sys.argv[1])"
    )
    text = c4py.dumps(Manifest([entry]))
    done = subprocess.run([sys.executable, "-c", code, tmp_path, text], capture_output=True, check=False, timeout=60)
    assert b"KeyboardInterrupt" in done.stderr


# The report


def test_a_report_can_be_pickled_copied_and_compared(root: Path) -> None:
    manifest = c4py.scan(root)
    write(root / "a", "content of A")
    (root / "d/b").rename(root / "moved here")
    report = c4py.verify_tree(manifest, root, metadata=True)
    for other in (pickle.loads(pickle.dumps(report)), copy.copy(report), copy.deepcopy(report)):
        assert other == report
        assert all(getattr(other, name) == getattr(report, name) for name in LISTS)
        assert other.is_ok is report.is_ok
        assert repr(other) == repr(report)
    again = c4py.verify_tree(manifest, root, metadata=True)
    assert again != report  # it began later
    assert again.corrupt == report.corrupt
    assert report != 3
    with pytest.raises(TypeError):
        hash(report)


def test_counting_makes_no_list(root: Path) -> None:
    report = c4py.verify_tree(c4py.scan(root), root)
    assert report.is_ok
    assert "9 ok" in repr(report)
    assert "ok" not in vars(report)
    assert report.ok is report.ok
    report.ok.pop()
    assert report.counts["ok"] == 8
    with pytest.raises(AttributeError, match="no attribute 'okay'"):
        report.okay  # noqa: B018  # type: ignore[attr-defined]


def test_a_report_can_be_made_by_hand() -> None:
    report = VerifyReport(["a"], ["b"], [], ["c"])
    assert (report.ok, report.missing, report.extra, report.is_ok) == (["a"], ["b"], ["c"], False)
    assert VerifyReport(["a"]).is_ok
    assert not VerifyReport(unverified=["a"]).is_ok
    assert VerifyReport(unverified=["a"], mode="quick").is_ok
    for name in ("summary", "to_json", "to_csv", "to_junit", "to_html", "_repr_html_"):
        assert callable(getattr(report, name))


def test_raise_if_failed_tells_counts_and_first_names(root: Path) -> None:
    manifest = c4py.scan(root)
    for number in range(5):
        write(root / f"\x1b[31m{number}", "x")
    write(root / "a", "content of A")
    report = c4py.verify_tree(manifest, root)
    with pytest.raises(c4py.VerifyError) as caught:
        report.raise_if_failed()
    assert caught.value.report is report
    message = str(caught.value)
    assert "1 corrupt (a); 5 extra (\\x1b[31m0, \\x1b[31m1, \\x1b[31m2, ...)" in message
    assert "\x1b" not in message
    assert isinstance(caught.value, c4py.C4Error)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.report) == (message, report)


def test_records_are_values() -> None:
    c4id = C4ID(bytes(64))
    for record in (CorruptEntry("p", c4id, c4id), UnreadableEntry("p", "m"), ChangedEntry("p", "mode", "1", "2")):
        assert pickle.loads(pickle.dumps(record)) == record
        assert copy.copy(record) == record
        assert record != 3
        assert repr(record).startswith(f"{type(record).__name__}(path='p', ")
    match ChangedEntry("p", "mode", "1", "2"):
        case ChangedEntry(path, field, expected, actual):
            assert (path, field, expected, actual) == ("p", "mode", "1", "2")
    assert ChangedEntry("p", "mode", "1", "2") != ChangedEntry("p", "mode", "1", "3")

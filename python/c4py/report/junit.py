"""A verification as JUnit XML, for build servers."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from c4py._rust import __version__
from c4py._visible import visible
from c4py.report.outcome import NAMES, STATUSES, Outcome, counts, is_failure, outcomes
from c4py.report.quantity import seconds
from c4py.report.text import scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from c4py.report.protocol import Report

_SUITE = "c4py verify"


def to_junit(report: Report) -> str:
    """Write a verification as JUnit XML: one test suite, with a test case for each path, those that failed first.

    The class of a case is the directory, its name the name of the file. What failed is a failure with its status as the
    type, what could not be read an error. Content that was not read is skipped; in full mode, where a verification with
    such content is not ok, it is a failure. So there are failures or errors if and only if the report is not ok.
    Control characters, which XML forbids, direction marks, bytes that are no UTF-8 and backslashes are escapes.
    """
    return "".join(_parts(report))


def _parts(report: Report) -> Iterator[str]:
    found = counts(report)
    tests = sum(found.values())
    errors = found["unreadable"]
    failures = sum(found[status] for status in found if is_failure(status, report)) - errors
    skipped = 0 if is_failure("unverified", report) else found["unverified"]
    time = f"{seconds(report):.3f}"
    tallies = f'tests="{tests}" failures="{failures}" errors="{errors}"'
    started = report.started.strftime("%Y-%m-%dT%H:%M:%S")
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="{_SUITE}" {tallies} time="{time}">\n'
    yield f'<testsuite name="{_SUITE}" {tallies} skipped="{skipped}" time="{time}" timestamp="{started}">\n'
    yield "<properties>\n"
    for name, value in _properties(report):
        yield f'<property name="{name}" value={quoteattr(visible(value))}/>\n'
    yield "</properties>\n"
    for outcome in outcomes(report):
        yield _case(outcome, report)
    yield "</testsuite>\n</testsuites>\n"


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "tool", f"c4py {__version__}"
    yield "root", report.root
    if report.manifest_path is not None:
        yield "manifest", report.manifest_path
    yield "manifest_id", str(report.manifest_id)
    yield "mode", report.mode
    yield "scope", scope(report)


def _case(outcome: Outcome, report: Report) -> str:
    directory, _, name = outcome.path.rpartition("/")
    start = f"<testcase classname={quoteattr(visible(directory or '.'))} name={quoteattr(visible(name or '.'))}"
    result = _result(outcome, report)
    return f"{start}>{result}</testcase>\n" if result else f"{start}/>\n"


def _result(outcome: Outcome, report: Report) -> str:
    status, _, expected, actual, detail = outcome
    if not is_failure(status, report):
        return {
            "unverified": '<skipped message="the content was not compared"/>',
            "canonical_only": "<system-out>accepted in canonical form</system-out>",
        }.get(status, "")
    element = "error" if status == "unreadable" else "failure"
    compared = f"expected {expected}, is {actual}" if expected or actual else ""
    message = "; ".join(text for text in (NAMES[status], compared, detail) if text)
    return f'<{element} type="{status}" message={quoteattr(message)}>{escape(STATUSES[status])}</{element}>'

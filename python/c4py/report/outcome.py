"""What became of each path of a verification, once: what the reports agree on."""

from __future__ import annotations

from typing import NamedTuple

from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from c4py.report.protocol import Changed, Report

#: What can become of a path, the worst first, and what it means. A path that is on several lists has the first of them.
STATUSES = {
    "corrupt": "the content is not what the manifest says",
    "missing": "in the manifest, not in the directory",
    "unreadable": "there, and could not be read",
    "canonical_only": "other bytes; in canonical form it is the manifest expected",
    "changed": "mode, time, size, type or target differ",
    "extra": "in the directory, not in the manifest",
    "unverified": "agrees as far as was looked; the content was not compared",
    "ok": "as the manifest says",
}

#: The statuses of paths at which no difference was found.
AGREEING = ("unverified", "ok")

#: What the statuses are called.
NAMES = {**{status: status for status in STATUSES}, "canonical_only": "canonical form only"}


class Outcome(NamedTuple):
    """What became of a path. What is expected and actual is text as in the manifest; "" for what is not known."""

    status: str
    path: str
    expected: str = ""
    actual: str = ""
    detail: str = ""


def outcomes(report: Report) -> Iterator[Outcome]:
    """Give what became of each path: each path once, what is in `differing` first.

    Memory goes with the number of those.
    """
    told = set()
    for outcome in differing(report):
        told.add(outcome.path)
        yield outcome
    for status in AGREEING:
        for path in getattr(report, status):
            if path not in told:
                yield Outcome(status, path)


def counts(report: Report) -> dict[str, int]:
    """Count the paths of each of STATUSES; together they are all paths."""
    found = dict.fromkeys(STATUSES, 0)
    told = set()
    for outcome in differing(report):
        told.add(outcome.path)
        found[outcome.status] += 1
    for status in AGREEING:
        paths = getattr(report, status)
        found[status] = len(paths) - (sum(map(told.__contains__, paths)) if told else 0)
    return found


def differing(report: Report) -> Iterator[Outcome]:
    """Give what became of each path at which a difference was found, or that could not be read: each path once."""
    told = set()
    for outcome in _found(report):
        if outcome.path not in told:
            told.add(outcome.path)
            yield outcome


def failing(report: Report) -> list[str]:
    """Give the statuses that make the verification fail, the worst first."""
    return [status for status in STATUSES if is_failure(status, report)]


def is_failure(status: str, report: Report) -> bool:
    """Say whether a path with a status makes the verification fail."""
    if status == "canonical_only":
        return not report.accept_canonical
    if status == "unverified":
        return report.mode == "full"
    return status != "ok"


def _found(report: Report) -> Iterator[Outcome]:
    changes: dict[str, list[Changed]] = {}
    for change in report.changed:
        changes.setdefault(change.path, []).append(change)
    moved_to = {move.old.path: move.new.path for move in report.moved}
    moved_from = {move.new.path: move.old.path for move in report.moved}

    def also(path: str) -> str:
        return f"also changed: {', '.join(change.field for change in changes[path])}" if path in changes else ""

    for entry in report.corrupt:
        yield Outcome("corrupt", entry.path, str(entry.expected), str(entry.actual), also(entry.path))
    for path in report.missing:
        yield Outcome("missing", path, detail=f"moved to {visible(moved_to[path])}" if path in moved_to else "")
    for unreadable in report.unreadable:
        yield Outcome("unreadable", unreadable.path, detail=visible(unreadable.message, is_escaped=True))
    for entry in report.canonical_only:
        # Where it is accepted, what changed besides is what fails.
        if not (report.accept_canonical and entry.path in changes):
            yield Outcome("canonical_only", entry.path, str(entry.expected), str(entry.actual), also(entry.path))
    for path, fields in changes.items():
        yield Outcome(
            "changed",
            path,
            ", ".join(f"{change.field} {visible(change.expected)}" for change in fields),
            ", ".join(f"{change.field} {visible(change.actual)}" for change in fields),
        )
    for path in report.extra:
        yield Outcome("extra", path, detail=f"moved from {visible(moved_from[path])}" if path in moved_from else "")

"""A verification as one JSON document."""

from __future__ import annotations

import json

from c4py._rust import __version__, utf8_name
from c4py._visible import visible
from c4py.report.outcome import counts
from c4py.report.quantity import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from c4py.report.protocol import Changed, Corrupt, Report

#: Name of the form of the document, and its version: another one where a name or a meaning changed.
SCHEMA = "c4py.verify-report"
SCHEMA_VERSION = 1


def to_json(report: Report) -> str:
    """Write a verification as a JSON object, in ASCII.

    schema, schema_version: the form, "c4py.verify-report" 1. tool: name, version.
    is_ok; root; manifest: path (null for one that was no file), c4id.
    mode: "full", "quick" (content was not read) or "sample"; sample: the share of files that was to be read, or null;
    metadata, accept_canonical: as asked for; workers; cache_dropped: null if not asked for.
    started, ended: ISO 8601, UTC; seconds between them.
    totals: files, files_read, bytes, bytes_read; throughput: bytes_per_second, files_per_second, null if nothing was
    read. counts: paths of each status, where each path counts once, as the worst it is.
    ok, missing, extra, unverified: lists of paths. corrupt, canonical_only: lists of {path, expected, actual}, IDs.
    unreadable: {path, message}. changed: {path, field, expected, actual}, as a c4m line writes them. moved: {old, new}.

    A component of a path that is no UTF-8 or holds a "¤" is in its safe form, which `c4py.safename.unsafe_name` reads.
    """
    lasted = seconds(report)

    def rate(number: int) -> float | None:
        return number / lasted if lasted and report.files_read else None

    document: dict[str, object] = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "c4py", "version": __version__},
        "is_ok": report.is_ok,
        "root": utf8_name(report.root),
        "manifest": {
            "path": None if report.manifest_path is None else utf8_name(report.manifest_path),
            "c4id": str(report.manifest_id),
        },
        "mode": report.mode,
        "sample": report.sample,
        "metadata": report.metadata,
        "accept_canonical": report.accept_canonical,
        "workers": report.workers,
        "cache_dropped": report.cache_dropped,
        "started": _iso(report.started),
        "ended": _iso(report.ended),
        "seconds": lasted,
        "totals": {
            "files": report.files_total,
            "files_read": report.files_read,
            "bytes": report.bytes_total,
            "bytes_read": report.bytes_read,
        },
        "throughput": {"bytes_per_second": rate(report.bytes_read), "files_per_second": rate(report.files_read)},
        "counts": counts(report),
        "corrupt": list(map(_corrupt, report.corrupt)),
        "missing": list(map(utf8_name, report.missing)),
        "unreadable": [
            {"path": utf8_name(entry.path), "message": visible(entry.message, is_escaped=True)}
            for entry in report.unreadable
        ],
        "canonical_only": list(map(_corrupt, report.canonical_only)),
        "changed": list(map(_changed, report.changed)),
        "extra": list(map(utf8_name, report.extra)),
        "moved": [{"old": utf8_name(move.old.path), "new": utf8_name(move.new.path)} for move in report.moved],
        "unverified": list(map(utf8_name, report.unverified)),
        "ok": list(map(utf8_name, report.ok)),
    }
    return json.dumps(document)


def _corrupt(entry: Corrupt) -> dict[str, str]:
    return {"path": utf8_name(entry.path), "expected": str(entry.expected), "actual": str(entry.actual)}


def _changed(change: Changed) -> dict[str, str]:
    return {
        "path": utf8_name(change.path),
        "field": change.field,
        "expected": _utf8(change.expected),
        "actual": _utf8(change.actual),
    }


def _utf8(text: str) -> str:
    """Write bytes that are no UTF-8 as escapes; a c4m line holds none."""
    return text.encode("utf-8", "backslashreplace").decode()


def _iso(time: datetime) -> str:
    from datetime import UTC

    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")

"""Results as JSON."""

from __future__ import annotations

import json

from c4py._rust import EntryObjects, entry_type, utf8_name
from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from c4py._rust import Entry, Manifest, ScanIssue
    from c4py._types import Differences

#: Objects that are written at once.
BATCH = 1024


def entry_object(entry: Entry) -> dict[str, str | int | None]:
    """Make the JSON object of an entry; what is unknown or not there is null.

    path: without the slash of a directory. type: as in the Arrow column of that name. mode: st_mode without the bit of
    a regular file, as a number. mtime: seconds since 1970-01-01T00:00:00Z. size: bytes. c4id, target: text. Names are
    as in the Arrow columns: a component that is no UTF-8 or holds a "¤" is in its safe form (c4py.safename).
    """
    return {
        "path": utf8_name(entry.path),
        "type": entry_type(entry),
        "mode": entry.mode or None,
        "mtime": entry.timestamp_s or None,
        "size": None if entry.has_null_size() else entry.size,
        "c4id": None if entry.c4id is None else str(entry.c4id),
        "target": utf8_name(entry.target) or None,
    }


def diff_json(result: Differences) -> str:
    """Write what differs as one JSON object.

    "added", "removed" and "modified" are lists of entries as `entry_object` makes them, a modified one as it is in the
    second manifest; "moved" is a list of {"old": entry, "new": entry}; "same" is the count of entries that agree;
    "errors" are what could not be read, as `issue_object` makes them, which is in none of the lists.
    All of it is ASCII, and no escape stands for a lone surrogate, which strict parsers refuse.
    """
    changes: dict[str, object] = {
        name: [entry_object(entry) for entry in getattr(result, name)] for name in ("added", "removed", "modified")
    }
    changes["moved"] = [{"old": entry_object(move.old), "new": entry_object(move.new)} for move in result.moved]
    changes["same"] = len(result.same)
    changes["errors"] = [issue_object(issue) for issue in result.errors]
    return json.dumps(changes)


def write_manifest(
    manifest: Manifest | None,
    write: Callable[[str], object],
    *,
    errors: Iterable[ScanIssue] | None = None,
    **lists: Iterable[object],
) -> None:
    """Write a manifest as one JSON object, piece by piece: ASCII, in one line, with the end of the line.

    "c4id" is the ID of the manifest; "entries" is a list of entries as `entry_object` makes them, in the order of the
    manifest; "errors" is a list of what could not be read or was left out, as `issue_object` makes them: by default
    the manifest's own. lists: what else the object has, by its keys. None is a manifest that nobody knows: "c4id" is
    null then, and there are no entries.
    """
    write('{"c4id": null, "entries": [' if manifest is None else f'{{"c4id": "{manifest.compute_c4id()}", "entries": [')
    for objects in () if manifest is None else EntryObjects(manifest):
        write(objects)
    if errors is None:
        errors = () if manifest is None else manifest.errors
    for key, items in {"errors": map(issue_object, errors), **lists}.items():
        write(f'], "{key}": [')
        write_objects(items, write)
    write("]}\n")


def manifest_json(manifest: Manifest) -> str:
    """Write a manifest as one JSON object, with no end of the line."""
    pieces: list[str] = []
    write_manifest(manifest, pieces.append)
    return "".join(pieces).removesuffix("\n")


def issue_object(issue: ScanIssue) -> dict[str, str | bool]:
    """Make the JSON object of an issue of a scan; is_error: whether something was not read because of it."""
    return {
        "path": utf8_name(issue.path),
        "code": issue.code,
        "message": visible(issue.message, is_escaped=True),
        "is_error": issue.is_error,
    }


def write_objects(objects: Iterable[object], write: Callable[[str], object]) -> None:
    """Write what a JSON list holds, a batch at a time."""
    batch = []
    separator = ""
    for item in objects:
        batch.append(item)
        if len(batch) == BATCH:
            write(separator + json.dumps(batch)[1:-1])
            separator = ", "
            batch.clear()
    if batch:
        write(separator + json.dumps(batch)[1:-1])

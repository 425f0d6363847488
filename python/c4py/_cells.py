"""Cells of the tables that people see, in HTML and on terminals: every character is seen, and none is obeyed."""

from __future__ import annotations

from c4py._rust import entry_type, format_mode
from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py._rust import Entry
    from c4py._types import Entries

#: Entries at the start of a list that are shown, and at its end.
FIRST = 20
LAST = 5
#: Longest text of a cell, in characters.
WIDTH = 120
#: Characters of an ID that are shown.
ID_WIDTH = 12

COLUMNS = ("path", "type", "mode", "mtime", "size", "c4id")


def short(text: str) -> str:
    """Leave out the middle of a long text."""
    if len(text) <= WIDTH:
        return text
    return f"{text[: WIDTH // 2]}…{text[-(WIDTH // 2 - 1) :]}"


def path(entry: Entry, *, whole: bool = False) -> str:
    """Path of an entry with the slash of a directory and the target of a link; long ones are shortened or whole."""
    shown = visible if whole else _short_visible
    text = shown(entry.path) + ("/" if entry.is_dir() else "")
    return f"{text} → {shown(entry.target)}" if entry.target else text


def _short_visible(text: str) -> str:
    return short(visible(text))


def mtime(entry: Entry) -> str:
    """Time of an entry, in UTC."""
    if entry.has_null_timestamp():
        return "-"
    try:
        return entry.timestamp.isoformat(sep=" ").removesuffix("+00:00")
    except OverflowError:
        return f"{entry.timestamp_s} s"


def cells(entry: Entry) -> tuple[str, str, str, str, str, str]:
    """Write an entry as the text of COLUMNS."""
    return (
        path(entry),
        entry_type(entry) or "?",
        "-" if entry.has_null_mode() else format_mode(entry.mode),
        mtime(entry),
        entry.human_size(),
        "-" if entry.c4id is None else f"{str(entry.c4id)[:ID_WIDTH]}…",
    )


def shown(entries: Entries) -> tuple[list[Entry], list[Entry]]:
    """Take the first and the last entries of a list, and look at no others."""
    count = len(entries)
    if count <= FIRST + LAST:
        return [entries[i] for i in range(count)], []
    return [entries[i] for i in range(FIRST)], [entries[i] for i in range(count - LAST, count)]

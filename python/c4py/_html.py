"""Manifests and differences as HTML, for notebooks: plain tables without colours, so that any theme suits them."""

from __future__ import annotations

from html import escape

from c4py import _cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from c4py._rust import Entry, Manifest
    from c4py._types import Differences, Entries

_LEFT = "text-align:left;white-space:pre"
_RIGHT = "text-align:right;white-space:pre"
_STYLES = tuple(_RIGHT if column == "size" else _LEFT for column in _cells.COLUMNS)


def _cell(text: str, style: str, title: str = "") -> str:
    hint = f' title="{escape(title)}"' if title else ""
    return f'<td style="{style}"{hint}>{escape(text)}</td>'


def _path_cell(entry: Entry) -> str:
    return _cell(_cells.path(entry), _LEFT, _cells.path(entry, whole=True))


def _row(entry: Entry) -> str:
    size = "" if entry.has_null_size() else f"{entry.size:,} bytes"
    titles = (_cells.path(entry, whole=True), "", "", "", size, str(entry.c4id or ""))
    return "<tr>" + "".join(map(_cell, _cells.cells(entry), _STYLES, titles)) + "</tr>"


def _rows(entries: Entries) -> Iterator[str]:
    first, last = _cells.shown(entries)
    yield from map(_row, first)
    if last:
        more = len(entries) - len(first) - len(last)
        yield f'<tr><td colspan="{len(_cells.COLUMNS)}" style="{_LEFT}">… {more:,} more …</td></tr>'
        yield from map(_row, last)


def _table(entries: Entries) -> str:
    head = "".join(f'<th style="{style}">{name}</th>' for name, style in zip(_cells.COLUMNS, _STYLES, strict=True))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(_rows(entries))}</tbody></table>"


def manifest_html(manifest: Manifest) -> str:
    """Write the first and last entries of a manifest, and its summary, as HTML."""
    table = _table(manifest.entries) if len(manifest) else ""
    return f"<div><p>{escape(manifest.summary())}</p>{table}</div>"


def diff_html(result: Differences) -> str:
    """Write what differs as HTML: a table each of what was added, removed, modified and moved."""
    parts = [f"<div><p>{escape(result.summary())}</p>"]
    for title in ("added", "removed", "modified"):
        entries = getattr(result, title)
        if len(entries):
            parts.append(f"<p><b>{title}</b> ({len(entries):,})</p>{_table(entries)}")
    if len(result.moved):
        moved = [result.moved[i] for i in range(min(len(result.moved), _cells.FIRST))]
        rows = "".join(f"<tr>{_path_cell(move.old)}{_path_cell(move.new)}</tr>" for move in moved)
        more = len(result.moved) - len(moved)
        rows += f'<tr><td colspan="2" style="{_LEFT}">… {more:,} more</td></tr>' if more else ""
        head = f'<tr><th style="{_LEFT}">from</th><th style="{_LEFT}">to</th></tr>'
        parts.append(
            f"<p><b>moved</b> ({len(result.moved):,})</p><table><thead>{head}</thead><tbody>{rows}</tbody></table>"
        )
    return "".join([*parts, "</div>"])

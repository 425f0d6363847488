"""Manifests and differences as tables of rich. Names are text: no markup in them is obeyed."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from c4py import _cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py._rust import Manifest
    from c4py._types import Differences, Entries

_STYLES = {"added": "green", "removed": "red", "modified": "yellow", "moved": "cyan"}


def _columns(table: Table) -> None:
    for name in _cells.COLUMNS:
        # A path that is too long goes on in the next line; the other columns are of bounded width.
        table.add_column(
            name,
            justify="right" if name == "size" else "left",
            no_wrap=name != "path",
            overflow="fold" if name == "path" else "ellipsis",
        )


def _add(table: Table, entries: Entries, *before: Text) -> None:
    first, last = _cells.shown(entries)
    for entry in first:
        table.add_row(*before, *map(Text, _cells.cells(entry)))
    if last:
        table.add_row(*before, Text(f"… {len(entries) - len(first) - len(last):,} more …"))
        for entry in last:
            table.add_row(*before, *map(Text, _cells.cells(entry)))


def manifest_table(manifest: Manifest) -> Table:
    """Make a table of the first and last entries of a manifest."""
    table = Table(caption=Text(manifest.summary()), caption_justify="left")
    _columns(table)
    _add(table, manifest.entries)
    return table


def diff_table(result: Differences) -> Table:
    """Make a table of what differs: the first and last entries that were added, removed, modified and moved."""
    table = Table(caption=Text(result.summary()), caption_justify="left")
    table.add_column("change", no_wrap=True)
    _columns(table)
    for change in ("added", "removed", "modified"):
        _add(table, getattr(result, change), Text(change, _STYLES[change]))
    word = Text("moved", _STYLES["moved"])
    for number in range(min(len(result.moved), _cells.FIRST)):
        move = result.moved[number]
        _, *others = _cells.cells(move.new)
        table.add_row(word, Text(f"{_cells.path(move.old)} ⇒ {_cells.path(move.new)}"), *map(Text, others))
    if len(result.moved) > _cells.FIRST:
        table.add_row(word, Text(f"… {len(result.moved) - _cells.FIRST:,} more"))
    return table

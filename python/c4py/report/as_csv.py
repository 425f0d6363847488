"""A verification as a table for spreadsheets: RFC 4180, in which no cell is a formula."""

from __future__ import annotations

import csv
import io

from c4py._visible import visible
from c4py.report.outcome import outcomes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py.report.protocol import Report

COLUMNS = ("status", "path", "expected", "actual", "detail")

#: What a formula begins with, the full-width forms and the minus sign among it, and the mark that keeps one from being
#: one: a text that begins with the mark gets one more, so that the first can always be taken off.
_FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "−", "'")


def cell(text: str) -> str:
    r"""Write a text that is `visible` already so that a spreadsheet takes it for text.

    What would begin a formula, also after spaces, gets an apostrophe before it. A semicolon is written as \x3b: where
    semicolons separate cells, a spreadsheet would begin a new one there.

    >>> from c4py.report.as_csv import cell
    >>> print(cell("=1+1"), cell("a=1"), cell("a;=1"))
    '=1+1 a=1 a\x3b=1
    """
    return ("'" if text.lstrip().startswith(_FORMULAS) else "") + text.replace(";", r"\x3b")


def to_csv(report: Report) -> str:
    """Write a verification as CSV: a row for each path, those that failed first.

    The columns are status, path, expected, actual and detail. In all of them control characters, direction marks, bytes
    that are no UTF-8 and backslashes are escapes of Python, and no cell is a formula (see `cell`); `to_json` has the
    paths as programs want them. Where several fields of a path changed, expected and actual name each of them.

    A file of it is UTF-8 with no byte order mark, as programs expect. Excel takes such a file for another encoding when
    it is opened: import it with Data > From Text/CSV, File Origin "65001: Unicode (UTF-8)", Delimiter "Comma".
    """
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    writer.writerows(
        (status, cell(visible(path)), cell(expected), cell(actual), cell(detail))
        for status, path, expected, actual, detail in outcomes(report)
    )
    return table.getvalue()

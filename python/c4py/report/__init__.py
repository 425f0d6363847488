"""Reports of a verification: for people, programs, spreadsheets, build servers and clients.

`c4py.report.text`, `.as_json`, `.as_csv`, `.junit` and `.html` write a `VerifyReport` (c4py.verify), whose methods call
them. All of them take a name for hostile: what it holds is seen and never obeyed. None says of content that was not
read that it is as it should be.
"""

from __future__ import annotations

import os

from c4py._replace import replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py._types import StrPath

__all__ = ["save"]


def save(text: str, path: StrPath | None) -> str:
    """Give back a report, and write it to a path in UTF-8 if there is one: as a whole or not at all."""
    if path is not None:
        replace_file(os.fspath(path), text.encode())
    return text

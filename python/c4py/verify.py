"""Whether content is what an ID says."""

from __future__ import annotations

import os
import stat

from c4py._rust import C4ID, Manifest, identify_file, verify_file
from c4py._rust import parse as _parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py._types import StrPath

__all__ = ["C4ID", "Manifest", "identify_file", "verify"]


def verify(path: StrPath, expected: C4ID | str) -> bool:
    """Whether the file or directory at a path has an ID; a symbolic link is followed.

    A file has the ID of its bytes and, if it is a c4m manifest, that of its canonical text; either will do. A directory
    has the ID of its listing: it is scanned. A pipe, socket or device raises NotARegularFile and is not read; a path
    that does not exist raises FileNotFoundError; a directory that cannot be read whole raises ScanError.
    """
    if isinstance(expected, str):
        expected = _parse(expected)
    elif not isinstance(expected, C4ID):
        raise TypeError(f"expected must be C4ID or str, not {type(expected).__name__}")
    if stat.S_ISDIR(os.stat(path).st_mode):
        from c4py.scanner import scan

        return scan(path).compute_c4id() == expected
    return verify_file(path, expected)

"""Text becomes a manifest."""

from __future__ import annotations

import os

from c4py._rust import C4ID, Entry, Manifest, load_path, parse, parse_mode
from c4py._rust import loads as _loads
from c4py.entry import NULL_SIZE, NULL_TIMESTAMP, FlowDirection
from c4py.id import C4_ID_LENGTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import IO

    from c4py._types import ReadableBuffer, StrPath

    SEQUENCE_PATTERN: re.Pattern[str]

__all__ = [
    "C4ID",
    "C4_ID_LENGTH",
    "NULL_SIZE",
    "NULL_TIMESTAMP",
    "SEQUENCE_PATTERN",
    "Entry",
    "FlowDirection",
    "Manifest",
    "load",
    "loads",
    "parse",
    "parse_mode",
]


def __getattr__(name: str) -> object:
    if name == "SEQUENCE_PATTERN":
        from c4py.entry import SEQUENCE_PATTERN  # made when it is asked for

        return SEQUENCE_PATTERN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def loads(text: str | ReadableBuffer) -> Manifest:
    r"""Read a manifest from text or bytes.

    The entries are in canonical order. A text of several sections is resolved to its last state; the sections are kept
    in `patch_sections`. Pretty dates are in local time.

    Raises ParseError, a ValueError, with the line and what was expected there.

    >>> from c4py import loads
    >>> loads("- - 2 b -\n- - 1 a -\n")[0].name
    'a'
    """
    return _loads(text)


def load(source: StrPath | IO[str] | IO[bytes]) -> Manifest:
    """Read a manifest from a path, or from an open text or binary file.

    Raises ParseError, a ValueError, with the path, the line and what was expected there.
    """
    if isinstance(source, (str, bytes, os.PathLike)):
        if os.path.exists(source) and not os.path.isfile(source) and not os.path.isdir(source):
            with open(source, "rb") as file:  # a pipe: Ctrl-C is heard while it is silent
                return _loads(file.read(), source)
        return load_path(source)
    read = getattr(source, "read", None)
    if read is None:
        raise TypeError(f"source must be a path or an open file, not {type(source).__name__}")
    return _loads(read(), getattr(source, "name", None))

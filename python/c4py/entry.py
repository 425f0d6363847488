"""Entries of a manifest, and the fields of their lines."""

from __future__ import annotations

import datetime as _datetime
from enum import Enum

from c4py._rust import C4ID, Entry, format_mode, format_name, parse_mode

__all__ = [
    "C4ID",
    "NULL_SIZE",
    "NULL_TIMESTAMP",
    "SEQUENCE_PATTERN",
    "Entry",
    "FlowDirection",
    "format_mode",
    "format_name",
    "format_size",
    "format_target",
    "format_timestamp",
    "normalize_mode",
    "parse_mode",
]

#: Size of an entry whose size is unknown.
NULL_SIZE = -1
#: Time of an entry whose time is unknown; a file dated exactly to the epoch has it too.
NULL_TIMESTAMP = _datetime.datetime(1970, 1, 1, tzinfo=_datetime.timezone.utc)  # noqa: UP017


TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

    #: A range of numbers in the name of a sequence, with its brackets.
    SEQUENCE_PATTERN: re.Pattern[str]


def __getattr__(name: str) -> object:
    if name == "SEQUENCE_PATTERN":
        import re  # only for those who ask: importing it takes as long as all of c4py

        return re.compile(r"\[([0-9,\-:]+)\]")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class FlowDirection(Enum):
    """Direction of a flow link: whether content comes from a location or goes to it."""

    NONE = ""
    OUTBOUND = "->"
    INBOUND = "<-"
    BIDIRECTIONAL = "<>"


def format_size(size: int) -> str:
    """Write a size as a line has it: decimal bytes, "-" when it is unknown."""
    if not isinstance(size, int):
        raise TypeError(f"size must be int, not {type(size).__name__}")
    return "-" if size < 0 else str(size)


def format_target(target: str) -> str:
    """Write a link target as a line has it: its safe form, with a backslash before space and quote."""
    entry = Entry("l", target=target)
    return entry.canonical()[len("- - - l -> ") : -len(" -")] if target else ""


def format_timestamp(ts: _datetime.datetime) -> str:
    """Write a time as a line has it: YYYY-MM-DDTHH:MM:SSZ, "-" when it is unknown."""
    return Entry("t", timestamp=ts).canonical().split(" ")[1]


def normalize_mode(mode: int) -> int:
    """Drop the bit of a regular file from an st_mode."""
    return Entry("m", mode=mode).mode

"""File trees as lists of entries."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence

from c4py._rust import C4ID, Entry, EntryList, EntryView, Manifest
from c4py.entry import NULL_SIZE, NULL_TIMESTAMP

__all__ = ["C4ID", "NULL_SIZE", "NULL_TIMESTAMP", "Entry", "EntryList", "EntryView", "Manifest"]

MutableSequence.register(EntryList)
Sequence.register(EntryView)

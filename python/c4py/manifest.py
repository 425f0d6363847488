"""File trees as lists of entries."""

from __future__ import annotations

from collections.abc import MutableSequence

from c4py._rust import EntryList, Manifest
from c4py.entry import NULL_SIZE, NULL_TIMESTAMP

__all__ = ["NULL_SIZE", "NULL_TIMESTAMP", "EntryList", "Manifest"]

MutableSequence.register(EntryList)

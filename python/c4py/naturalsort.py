"""The order of names: numbers as numbers, everything else as text."""

from __future__ import annotations

from c4py._rust import natural_sort_key

__all__ = ["natural_sort_key"]

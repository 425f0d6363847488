"""Manifests become one: three-way merge, and what is in both, in either, in one alone."""

from __future__ import annotations

from c4py._rust import Conflict, difference, intersect, merge, union

__all__ = ["Conflict", "difference", "intersect", "merge", "union"]

"""Sequences: names that hold a range of numbers and stand for several files, as `frame.[0001-0100].exr`.

`Manifest.with_sequences`, `Manifest.expand_sequences` and `Manifest.missing_frames` work on whole manifests.
"""

from __future__ import annotations

from c4py._rust import Sequence, is_sequence

__all__ = ["Sequence", "is_sequence"]

"""Arguments of verbs that take a tree: a directory, a manifest, or `-` for a manifest on standard input."""

from __future__ import annotations

import os
import sys

import c4py
from c4py.cli import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from c4py.store import FSStore, MultiStore, ObjectStore


def read_tree(
    verb: str,
    path: str,
    *,
    mode: Literal["structure", "metadata", "full"] = "full",
    store: FSStore | MultiStore | ObjectStore | None = None,
    progress: bool = False,
) -> tuple[c4py.Manifest, int]:
    """Read a manifest, or scan a directory, whose content goes into the store where one is given.

    What could not be read is told; the exit code is 3 then, and 0 otherwise. A chain is its last state.
    """
    if path == "-":
        return c4py.load(sys.stdin.buffer), 0
    if not os.path.isdir(path):
        return c4py.load(path), 0
    manifest = c4py.scan(path, mode=mode, store=store, progress=progress, on_error="record")
    if store is not None:
        store.flush()
    for issue in manifest.errors:
        fail(f"c4py {verb}: {issue}", 0)
    return manifest, 3 if any(issue.is_error for issue in manifest.errors) else 0

"""Random small trees, for properties of operations on manifests."""

from __future__ import annotations

from typing import TypeAlias

import c4py
from c4py import C4ID, Entry, Manifest
from hypothesis import strategies as st

#: Content by name; a directory is a tree. Content 0 has no ID.
Tree: TypeAlias = "dict[str, int | Tree]"

#: Names that sort, clash and read in every odd way, those that a merge gives to losers among them.
NAMES = ["a", "b", "a.conflict", "a.conflict2", "b10", "b9", "ü", "\udcff", "x\x1b[0m", "\u202e"]


def trees() -> st.SearchStrategy[Tree]:
    content = st.integers(0, 4)
    return st.recursive(
        st.dictionaries(st.sampled_from(NAMES), content, max_size=5),
        lambda below: st.dictionaries(st.sampled_from(NAMES), content | below, max_size=4),
        max_leaves=12,
    )


def content_id(content: int) -> C4ID | None:
    return c4py.identify_bytes(str(content).encode()) if content else None


def to_manifest(tree: Tree) -> Manifest:
    """List a tree: a file's size and date tell its content, a directory's ID is that of its listing."""
    manifest = Manifest()

    def add(below: Tree, depth: int) -> None:
        for name, value in below.items():
            if isinstance(value, int):
                entry = Entry(name, 0o644, size=value, c4id=content_id(value), depth=depth)
                entry.timestamp_s = 1_000_000 + value
                manifest.entries.append(entry)
            else:
                listing = to_manifest(value)
                entry = Entry(f"{name}/", 0o40755, size=1, c4id=listing.compute_c4id(), depth=depth)
                entry.timestamp_s = 1_000_000
                manifest.entries.append(entry)
                add(value, depth + 1)

    add(tree, 0)
    manifest.sort_entries()
    return manifest


def keyed(manifest: Manifest) -> dict[str, Entry]:
    """Give the entries by path; that of a directory ends in a slash."""
    return {entry.path + "/" * entry.is_dir(): entry for entry in manifest}


def files(manifest: Manifest) -> dict[str, C4ID | None]:
    return {path: entry.c4id for path, entry in keyed(manifest).items() if not entry.is_dir()}

"""Bundles: a manifest and the content that it needs, in a directory or a tar file that carries itself.

    NAME.c4m      the manifest, byte for byte
    store/        the content, as every tool of the family reads it: a content store in a directory
    store.ids     the IDs of what there must be, one a line: first that of the manifest's bytes
    extract.sh    makes the tree with standard tools and any C4 tool

The manifest's bytes are an object of the store as well. `c4py.pool` writes bundles and `c4py.ingest` takes them in; a
bundle of c4py 1.0.20 has no `store.ids`. What a bundle holds is not trusted: names are those of this list, content is
what its ID says, and nothing but regular files is opened.
"""

from __future__ import annotations

#: Names in a bundle.
STORE, IDS, SCRIPT = "store", "store.ids", "extract.sh"

#: How the name of a manifest ends.
MANIFEST_SUFFIX = ".c4m"

r"""Manifests as lists of paths, as `find` prints them and `xargs` reads them.

A path is the names that lead to an entry with a slash after each directory, that of the entry itself too. Lists are
bytes, as names are: no escapes, no safe names. Each path ends with a line feed, or with NUL (`null=True`): a name may
hold the one, and no file system gives it the other.

A list is taken as it is. `.`, `..` and empty components, those of `./a`, `/a` and `a//b`, become entries of those
names, which `c4py.validate` reports; nothing that touches a file system accepts them.
"""

from __future__ import annotations

from c4py._rust import Manifest, PathBlocks, decode_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py._types import ReadableBuffer

__all__ = ["Manifest", "dumps_paths", "loads_paths"]


def dumps_paths(manifest: Manifest, *, null: bool = False) -> bytes:
    r"""Write the paths of a manifest, sorted by their bytes, each with a line feed after it, or with NUL.

    Entries whose directories are not in the manifest come last, with the paths that are known of them. A sequence is
    one path, with its range.

    Raises ValueError for a name with NUL in a list of paths that end in NUL: it would be read as two.

    >>> import c4py
    >>> c4py.dumps_paths(c4py.loads("- - - shots/ -\n  - - - a.exr -\n- - - notes.txt -\n"))
    b'notes.txt\nshots/\nshots/a.exr\n'
    """
    return b"".join(PathBlocks(manifest, null=null))


def loads_paths(text: str | ReadableBuffer, *, null: bool = False) -> Manifest:
    r"""Read a list of paths as a manifest of which nothing but the names is known.

    A path that ends in a slash is a directory, and so is one that another leads through. A path that is there twice is
    one entry. White space around a line is not part of its path, blank lines are none; what NUL ends is taken as it is.

    >>> import c4py
    >>> manifest = c4py.loads_paths("shots/a.exr\nshots/b.exr\nnotes.txt\n")
    >>> [entry.path for entry in manifest]
    ['shots', 'shots/a.exr', 'shots/b.exr', 'notes.txt']

    Paths of a program, whatever is in their names:

    >>> import os
    >>> paths = ["a\nb/c", b"\xff"]
    >>> c4py.loads_paths(b"\0".join(map(os.fsencode, paths)), null=True).file_count()
    2
    """
    return decode_paths(text, null=null)

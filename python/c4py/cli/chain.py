"""Arguments of verbs that take a chain of patches: one file, several that continue each other, or `-` for stdin."""

from __future__ import annotations

import sys

import c4py
from c4py._rust import loads
from c4py._visible import visible
from c4py.cli import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from c4py.store import FSStore, MultiStore, ObjectStore


def read_text(path: str) -> bytes:
    """Read a file, or standard input for `-`."""
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def read_chain(verb: str, paths: Sequence[str]) -> c4py.Manifest:
    """Read one chain from several files; an error names the file and its line. Files that hold nothing are no chain."""
    texts = [read_text(path) for path in paths]
    for number, text in enumerate(texts):
        # A last line without an end of its own is still a line.
        if text and not text.endswith(b"\n"):
            texts[number] = text + b"\n"
    try:
        return loads(b"".join(texts), paths[0] if len(paths) == 1 else None, is_joined=True)
    except c4py.ParseError as error:
        line = error.line
        if len(paths) == 1 or line is None:
            raise
        for path, text in zip(paths, texts, strict=True):
            lines = text.count(b"\n")
            if line <= lines:
                raise CommandError(f"c4py {verb}: {visible(path)}: in its line {line}: {error}") from None
            line -= lines
        raise


def configured_store() -> FSStore | MultiStore | ObjectStore | None:
    """Open the store that is configured, if there is one."""
    try:
        return c4py.open_store(durability="batch")
    except (c4py.StoreNotConfigured, PermissionError):
        return None

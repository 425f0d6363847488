"""Arguments of verbs that take a chain of patches: one file, several that continue each other, or `-` for stdin."""

from __future__ import annotations

import os
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


def refuse_directory(verb: str, path: str, code: int = 1) -> None:
    """Refuse a directory in the place of a manifest, and say what makes one of it."""
    if path != "-" and os.path.isdir(path):
        from c4py.cli.terminal import manifest_word, shell_word

        raise CommandError(
            f"c4py {verb}: {visible(path)} is a directory, and a manifest is expected: "
            f"make a manifest of it: c4py id {shell_word(path)} > {manifest_word(path)}",
            code,
        )


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


def absent_stores() -> str:
    """Say which of the stores that are configured are not there, as the end of a message."""
    from c4py.store import configured_stores

    try:
        _, stores = configured_stores()
    except (c4py.StoreNotConfigured, PermissionError):
        return ""
    absent = [visible(store) for store in stores if "://" not in store and not os.path.isdir(store)]
    return f"; no store is there: {', '.join(absent)}" if absent else ""


def configured_store() -> FSStore | MultiStore | ObjectStore | None:
    """Open the store that is configured, if there is one."""
    try:
        return c4py.open_store(durability="batch")
    except (c4py.StoreNotConfigured, PermissionError):
        return None

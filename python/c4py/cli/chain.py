"""Arguments of verbs that take a chain of patches: one file, several that continue each other, or `-` for stdin."""

from __future__ import annotations

import os
import sys

import c4py
from c4py._rust import loads
from c4py._visible import visible
from c4py.cli import CommandError, fail

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


def read_chain(verb: str, paths: Sequence[str]) -> tuple[c4py.Manifest, bytes]:
    """Read one chain from several files, and the end of its text, where its closing ID is.

    An error names the file and its line. Files that hold nothing are no chain.
    """
    from c4py._links import ENDING_BYTES

    texts = [read_text(path) for path in paths]
    for number, text in enumerate(texts):
        # A last line without an end of its own is still a line.
        if text and not text.endswith(b"\n"):
            texts[number] = text + b"\n"
    try:
        text = b"".join(texts)
        return loads(text, paths[0] if len(paths) == 1 else None, is_joined=True), text[-ENDING_BYTES:]
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


def note_contradiction(
    verb: str,
    path: str,
    manifest: c4py.Manifest,
    *,
    base: c4py.Manifest | None = None,
    stop_at: int = 0,
    ending: bytes = b"",
) -> None:
    """Say of a chain that is only shown that it contradicts itself: nothing is brought to such a state."""
    from c4py._links import contradiction

    found = contradiction(manifest, base=base, stop_at=stop_at, ending=ending)
    if found is not None:
        name = "standard input" if path == "-" else visible(path)
        fail(f"c4py {verb}: note: {name}: {found}", 0)


def refuse_overwriting(verb: str, output: str, source: str, what: str, *, code: int = 1) -> None:
    """Refuse to write over what is read, by whatever name: it is another one, a link, or a hard link."""
    if source != "-" and is_same_file(output, source):
        raise CommandError(f"c4py {verb}: {visible(output)} is {what}: name another file", code)


def is_same_file(path: str, other: str) -> bool:
    """Say whether two paths are those of one file, which may be yet to be made."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def configured_store() -> FSStore | MultiStore | ObjectStore | None:
    """Open the store that is configured, if there is one."""
    try:
        return c4py.open_store(durability="batch")
    except (c4py.StoreNotConfigured, PermissionError):
        return None

"""What a bundle of a manifest holds: the manifest's bytes, and the IDs of the content that its last state needs."""

from __future__ import annotations

import io
import os
import stat

from c4py import _rust
from c4py._rust import C4ID, Manifest, dumps_bytes, identify_bytes
from c4py.bundle import MANIFEST_SUFFIX
from c4py.diff import resolve_chain
from c4py.errors import BundleError
from c4py.store.content import READ_BYTES, verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from c4py._rust import Entry
    from c4py._types import StrPath
    from c4py.progress import Steps
    from c4py.store.protocol import AnyStore

#: Characters of an ID in text.
ID_LENGTH = 90

EMPTY = identify_bytes(b"")


class Contents:
    """What a bundle of a manifest holds.

    name: of the manifest's file. text: its bytes. text_id: their ID. state: the manifest, the last state of a chain.
    store: where content comes from. needed: paths and IDs of what the tree cannot be made without.
    texts: IDs of the manifests that a chain continues from, which have no path.
    """

    def __init__(self, manifest_or_path: Manifest | StrPath, store: AnyStore) -> None:
        if isinstance(manifest_or_path, Manifest):
            manifest = manifest_or_path
            self.name = "manifest" + MANIFEST_SUFFIX
            self.text = dumps_bytes(manifest)
        elif isinstance(manifest_or_path, (str, bytes, os.PathLike)):
            self.name = os.path.basename(os.fsdecode(manifest_or_path))
            if not self.name.endswith(MANIFEST_SUFFIX):
                self.name += MANIFEST_SUFFIX
            with open(manifest_or_path, "rb") as file:
                self.text = file.read()
            manifest = _rust.loads(self.text, manifest_or_path)
        else:
            kind = type(manifest_or_path).__name__
            raise TypeError(f"manifest_or_path must be a Manifest, str, bytes or os.PathLike, not {kind}")
        check_manifest_name(self.name)
        self.text_id = identify_bytes(self.text)
        self.store = store
        recorded = _Recorded(store)
        self.state = manifest if manifest.base is None else resolve_chain(manifest, store=recorded)
        self.texts = list(dict.fromkeys(recorded.ids))
        self.store = store
        self.needed = list(self._needed())

    @property
    def ids(self) -> list[C4ID]:
        """The IDs of what a bundle must have, that of the manifest first, the others sorted."""
        others = {c4id for _, c4id in self.needed}
        others.update(self.texts)
        others.discard(self.text_id)
        return [self.text_id, *sorted(others)]

    def sizes(self, progress: Steps) -> dict[C4ID, int]:
        """Give the sizes of what is needed, as far as the manifest says them and somebody wants to know."""
        if not progress.is_heard:
            return {}
        return {c4id: entry.size for _, entry, c4id in self._files() if entry.size >= 0 and not entry.is_sequence}

    def listings(self) -> Iterator[C4ID]:
        """Give the IDs of the directories that the store has the texts of, that of the top among them, each once."""
        given: set[C4ID] = set()
        for c4id in (self.state.compute_c4id(), *(entry.c4id for _, entry in self.state.directories())):
            if c4id is not None and c4id not in given and self.store.has(c4id):
                given.add(c4id)
                yield c4id

    def _needed(self) -> Iterator[tuple[str, C4ID]]:
        lists: dict[C4ID, bytes] | None = None
        for path, entry, c4id in self._files():
            if not entry.is_sequence:
                yield path, c4id
                continue
            if lists is None:
                lists = _inline_lists(self.state)
            members = lists.get(c4id)
            if members is None:
                yield path, c4id
                members = self._stored_list(c4id)
            for start in range(0, len(members), ID_LENGTH):
                yield path, C4ID(members[start : start + ID_LENGTH].decode("ascii"))

    def _files(self) -> Iterator[tuple[str, Entry, C4ID]]:
        """Give the files and sequences that have content; of a link, its ID is that of what is elsewhere."""
        for path, entry in self.state.flat_entries():
            if entry.c4id is None or entry.c4id.is_nil() or stat.S_IFMT(entry.mode) not in (0, stat.S_IFREG):
                continue
            if not entry.is_dir() and not entry.is_symlink():
                yield path, entry, entry.c4id

    def _stored_list(self, c4id: C4ID) -> bytes:
        """Read the members of a sequence from the store; none where that does not have them."""
        if not self.store.has(c4id):
            return b""
        with verified(self.store.get(c4id), c4id) as source:
            members = source.read()
        if not _is_list(members):
            raise BundleError(f"the list of a sequence is none: {c4id}", None)
        return members


def total_size(ids: Iterable[C4ID], sizes: dict[C4ID, int]) -> int:
    """Add up sizes; 0 where one is not known."""
    total = 0
    for c4id in ids:
        size = sizes.get(c4id)
        if size is None:
            return 0
        total += size
    return total


def check_manifest_name(name: str) -> None:
    """Raise BundleError for a name that begins with a dot: that of a tool's own file, such as a workspace's state."""
    if name.startswith("."):
        raise BundleError("the name of a bundle's manifest does not begin with a dot", name)


def read_ids(source: BinaryIO) -> Iterator[C4ID]:
    """Read IDs, one a line, in memory for one line. Raises BundleError for anything else."""
    rest = b""
    while piece := source.read(READ_BYTES):
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield _read_id(line)
        if len(rest) > ID_LENGTH:
            break
    if rest:
        raise _bad_ids()


def write_ids(ids: list[C4ID]) -> Iterator[bytes]:
    """Give the text of IDs, one a line."""
    for start in range(0, len(ids), 1000):
        yield "".join(f"{c4id}\n" for c4id in ids[start : start + 1000]).encode()


def open_content(store: AnyStore, c4id: C4ID) -> BinaryIO | None:
    """Open content of a store so that reading it to the end verifies it; None where the store does not have it.

    There is always content of no bytes.
    """
    if c4id == EMPTY:
        return io.BytesIO()
    if not store.has(c4id):
        return None
    try:
        return verified(store.get(c4id), c4id)
    except KeyError:  # ContentNotFound: somebody removed it meanwhile
        return None


def _read_id(line: bytes) -> C4ID:
    try:
        return C4ID(line.decode("ascii"))
    except ValueError:
        raise _bad_ids() from None


def _bad_ids() -> BundleError:
    return BundleError("not a list of IDs, one a line", "store.ids")


def _inline_lists(manifest: Manifest) -> dict[C4ID, bytes]:
    """Find the lists of members that are in a manifest: they are the last lines of its text."""
    text = dumps_bytes(manifest)
    lists: dict[C4ID, bytes] = {}
    end = len(text) - 1
    while end > 0:
        start = text.rfind(b"\n", 0, end) + 1
        line = text[start:end]
        if not _is_list(line):
            break
        lists[identify_bytes(line)] = line
        end = start - 1
    return lists


def _is_list(text: bytes) -> bool:
    return bool(text) and len(text) % ID_LENGTH == 0 and text.isalnum() and text[::ID_LENGTH].strip(b"c") == b""


class _Recorded:
    """A store that is read from, and the IDs of what was."""

    def __init__(self, store: AnyStore) -> None:
        self.store = store
        self.ids: list[C4ID] = []

    def get(self, c4id: C4ID, /) -> BinaryIO:
        self.ids.append(c4id)
        return self.store.get(c4id)

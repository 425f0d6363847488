"""Manifests in a store: put in canonical form, and read back with what is in their directories.

A store keeps bytes. Identifying a *file* is aware of manifests (`c4py.identify_file`), so whoever stores a file under
the ID that it is known by stores the canonical text of one that is a manifest: `put_content` and `put_file` do. A
directory's ID is that of its one-level text, which a scan, or `put_manifest`, has stored; `load_stored` and
`with_directories` put a tree together from such texts. What is read is hashed before it is believed; nothing here
recurses.
"""

from __future__ import annotations

import io
import os
import stat

from c4py._rust import C4ID, Entry, Manifest, ManifestDetector, dumps_bytes, identify_bytes, listings, loads
from c4py._visible import visible
from c4py.errors import ChangedDuringRead, ContentNotFound, NotARegularFile, ParseError
from c4py.store.content import READ_BYTES, verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO, Protocol

    from c4py._types import StrPath
    from c4py.store.content import Source
    from c4py.store.protocol import AnyStore

    class SourceOfContent(Protocol):
        """A store, as far as it is read from."""

        def get(self, c4id: C4ID, /) -> BinaryIO:
            """Open the content of an ID."""


#: Entries of a manifest that is read directory by directory: a few texts can stand for any number.
MAX_STORED_ENTRIES = 10_000_000

#: Listings that are kept, in case that they are met again, and the most entries of one: there are a million at most.
#: What a listing of more costs to read once more is little beside what its entries cost.
KEPT_LISTINGS = 1000
KEPT_ENTRIES = 1000

_EMPTY = identify_bytes(b"")


def put_content(store: AnyStore, source: Source, *, named_manifest: bool = False) -> C4ID:
    """Store what is left in a binary stream under the ID that `identify_file` gives to such a file, and return that.

    A c4m manifest is stored in canonical form, and held in memory; any other content as it is, in bounded memory: it
    streams into the store while it is found out. `named_manifest`: whether the content has a name that ends in `.c4m`.
    """
    reader = _Detected(source, named_manifest)
    try:
        return store.put(reader)  # type: ignore[arg-type]
    except _IsManifest as found:
        return store.put(io.BytesIO(found.text))


def put_file(store: AnyStore, path: StrPath) -> C4ID:
    """Store a file as `put_content` does; a symbolic link is followed.

    Raises NotARegularFile for a pipe, socket or device, which is never read, and ChangedDuringRead for a file that was
    written to while it was read, twice in a row.
    """
    for _ in range(2):
        with open(path, "rb", buffering=0, opener=_open_without_waiting) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise NotARegularFile(None, "not a regular file", path)
            c4id = put_content(store, file, named_manifest=os.fsencode(path).endswith(b".c4m"))
            if _version(os.fstat(file.fileno())) == _version(before):
                return c4id
    raise ChangedDuringRead(None, "the file changed while it was read", path)


def put_manifest(store: AnyStore, manifest: Manifest) -> C4ID:
    """Store a manifest in canonical form, and the one-level texts that its directories are known by.

    Those are that of its top level, which `compute_c4id` and patches name, and those of the directories that have an ID
    and all of whose entries are in the manifest. What is in a directory without an ID is in the canonical text alone:
    nothing in the others leads to it. The ID is that of the canonical text.

    Raises ValueError for a time outside the years 0 to 9999; nothing is stored.
    """
    for text in listings(manifest):
        store.put(io.BytesIO(text))
    return store.put(io.BytesIO(dumps_bytes(manifest)))


def load_stored(
    store: SourceOfContent, c4id: C4ID, *, recursive: bool = True, max_entries: int = MAX_STORED_ENTRIES
) -> Manifest:
    """Read the manifest whose text a store has under an ID; when `recursive`, with what is in its directories.

    max_entries: how many entries there may be with those.

    Raises ContentNotFound, with the path where it is a directory's text that is not there; StoreCorrupt for content
    that is not that of its ID; ParseError for content that is no manifest; ValueError for too many entries.
    """
    manifest = _read(c4id, store)
    return with_directories(manifest, store, max_entries=max_entries) if recursive else manifest


def unknown_directory(manifest: Manifest) -> str | None:
    """Find a directory of which nobody knows what is in it: its path, with a slash at its end, or None.

    It has no ID, and no entry below it is listed; a size of 0 says that there is none.
    """
    found: tuple[str, int] | None = None
    for path, entry in manifest.flat_entries():
        if found is not None and entry.depth <= found[1]:
            break
        is_unknown = entry.is_dir() and entry.c4id is None and entry.size != 0
        found = (f"{path.rstrip('/')}/", entry.depth) if is_unknown else None
    return None if found is None else found[0]


def with_directories(manifest: Manifest, store: SourceOfContent, *, max_entries: int = MAX_STORED_ENTRIES) -> Manifest:
    """Add what is in the directories that a manifest names by their IDs alone: the text of each lies under its ID.

    Raises what `load_stored` does.
    """
    entries: list[Entry] = []
    kept: dict[C4ID, list[Entry]] = {}
    # Lists that are being read, each with how deep it lies and the directory that it is of.
    lists: list[tuple[Iterator[tuple[Entry, Entry | None]], int, Entry | None]] = [
        (_with_next(list(manifest)), 0, None)
    ]
    while lists:
        items, depth, _ = lists[-1]
        entry, following = next(items, (None, None))
        if entry is None:
            lists.pop()
            continue
        listed = entry.__copy__()
        listed.depth += depth
        entries.append(listed)
        if len(entries) > max_entries:
            raise ValueError(f"the stored manifest has more than {max_entries:,} entries")
        # A listing may hold the entries below its directories.
        is_open = following is not None and following.depth > entry.depth
        if entry.is_dir() and entry.c4id is not None and entry.c4id != _EMPTY and not is_open:
            listing = kept.get(entry.c4id)
            if listing is None:
                listing = _read_listing(entry, entry.c4id, store, (above for *_, above in lists if above is not None))
                if len(listing) <= KEPT_ENTRIES:
                    if len(kept) == KEPT_LISTINGS:
                        del kept[next(iter(kept))]
                    kept[entry.c4id] = listing
            lists.append((_with_next(listing), listed.depth + 1, entry))
    return Manifest(entries)


def _read_listing(entry: Entry, c4id: C4ID, store: SourceOfContent, above: Iterable[Entry]) -> list[Entry]:
    """Read what is in a directory."""
    try:
        listing = _read(c4id, store)
    except ContentNotFound as error:
        raise ContentNotFound(error.c4id, _path(above, entry)) from None
    if listing.base is not None:
        where = visible(_path(above, entry))
        raise ValueError(f"{where}: {c4id} is a patch of {listing.base}, not the listing of a directory")
    return list(listing)


def _read(c4id: C4ID, store: SourceOfContent) -> Manifest:
    """Read the manifest whose text a store has under an ID, once it is seen to be that text.

    Of content that is no manifest no more is held than it takes to see that.
    """
    detector = ManifestDetector(named_manifest=True)
    kept: list[bytes] = []
    may_be_manifest = True
    with verified(store.get(c4id), c4id) as source:
        while piece := source.read(READ_BYTES):
            if may_be_manifest:
                kept.append(piece)
                may_be_manifest = detector.update(piece)
    manifest = loads(b"".join(kept), str(c4id))
    if not may_be_manifest:
        raise ParseError(f"the content of {c4id} is no manifest")
    return manifest


def _with_next(entries: list[Entry]) -> Iterator[tuple[Entry, Entry | None]]:
    following: list[Entry | None] = [*entries[1:], None]
    # None follows the last one, if there is one.
    return zip(entries, following, strict=False)


def _path(above: Iterable[Entry], entry: Entry) -> str:
    return "".join(f"{directory.path.rstrip('/')}/" for directory in [*above, entry])


class _IsManifest(Exception):
    """Ends a put: what was read is a manifest, whose canonical text is to be stored instead."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.text = text


class _Detected:
    """Reads a source, and raises _IsManifest at its end where all of it was a manifest.

    A store keeps nothing of a stream that fails.
    """

    def __init__(self, source: Source, named_manifest: bool) -> None:
        self._source = source
        self._detector: ManifestDetector | None = ManifestDetector(named_manifest=named_manifest)

    def read(self, size: int, /) -> bytes | None:
        piece = self._source.read(size)
        if self._detector is not None and piece is not None:
            if piece:
                if not self._detector.update(piece):
                    self._detector = None
            else:
                text = self._detector.finish()
                if text is not None:
                    raise _IsManifest(text)
        return piece


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _version(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns

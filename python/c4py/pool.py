"""Bundles that carry a manifest and its content, and taking them in: see `c4py.bundle` for what is in one.

`c4py.pool` is the function, also after this module was imported; the names of the module are imported from it.
"""

from __future__ import annotations

import os

from c4py._rust import C4ID, Manifest
from c4py.decoder import load
from c4py.encoder import dump
from c4py.store import FSStore, Store, open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py._types import Progress, StrPath
    from c4py.store.protocol import AnyStore

__all__ = [
    "FSStore",
    "IngestResult",
    "Manifest",
    "PoolResult",
    "Store",
    "dump",
    "ingest",
    "load",
    "open_store",
    "pool",
]


class _Result:
    """Counts that compare and print by their values."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self).__annotations__)
        return f"{type(self).__name__}({values})"


class PoolResult(_Result):
    """What `pool` did.

    copied: objects that were written. skipped: files whose content was in the bundle already, written before or for
    another file. missing: files whose content the store does not have; missing_paths: their paths and IDs. The
    manifest's own text and the listings of directories are not counted.
    """

    __slots__ = ("copied", "missing", "missing_paths", "skipped")

    copied: int
    skipped: int
    missing: int
    missing_paths: list[tuple[str, C4ID]]

    def __init__(
        self,
        copied: int = 0,
        skipped: int = 0,
        missing: int = 0,
        missing_paths: list[tuple[str, C4ID]] | None = None,
    ) -> None:
        self.copied = copied
        self.skipped = skipped
        self.missing = missing
        self.missing_paths = [] if missing_paths is None else missing_paths


class IngestResult(_Result):
    """What `ingest` did.

    copied: objects that were put into the store. skipped: objects that it had. manifests: names of the c4m files that
    are in the destination now. missing: objects that the bundle should have, and neither it nor the store has.
    """

    __slots__ = ("copied", "manifests", "missing", "skipped")

    copied: int
    skipped: int
    manifests: list[str]
    missing: int

    def __init__(self, copied: int = 0, skipped: int = 0, manifests: list[str] | None = None, missing: int = 0) -> None:
        self.copied = copied
        self.skipped = skipped
        self.manifests = [] if manifests is None else manifests
        self.missing = missing


def pool(
    manifest_or_path: Manifest | StrPath,
    output_dir: StrPath,
    *,
    store: AnyStore | None = None,
    progress: Progress = None,
) -> PoolResult:
    """Bundle a manifest with all content that its tree is made of, so that it can be carried anywhere.

    output_dir: a directory, which is made and may hold other bundles' content, but no other file of the manifest's
    name, and `extract.sh` or `store.ids` only as a bundle has them; or one file, where the name ends in `.tar`,
    `.tar.gz`, `.tgz`, `.tar.zst` or `.tzst` (zstd needs `pip install 'c4py[zstd]'`), in which the same bundle has the
    same bytes whenever and wherever it is made, for one version of the compressor. `sh extract.sh DIRECTORY` in the
    bundle makes the tree.

    A c4m file is bundled byte for byte, under its name; a Manifest is `manifest.c4m`. What is needed is the content of
    the files of the last state, members of sequences included, and the manifests that a chain continues from. Listings
    of directories are taken along where the store has them. store: where content comes from, by default the store that
    is configured.

    Content that the store does not have is in the result's `missing` and `missing_paths`, and the rest is bundled;
    `extract.sh` then refuses until it is there. Each object is verified while it is copied. A directory that was
    interrupted goes on where it was: what is there is read, copied again only where it is damaged, and else skipped;
    the manifest and the script come last. A tar file appears when it is whole.

    progress: a function of (path or ID, objects done, objects in all), called before each and at the end; or what else
    `c4py.progress` says.

    Raises StoreCorrupt for content of the store that is not what its ID says; ParseError for a text that is no
    manifest; FileExistsError for a file in the directory that would be replaced; BundleError for a c4m file whose name
    begins with a dot, which `ingest` takes from no bundle.

    >>> import io, tempfile
    >>> store = c4py.MemoryStore()
    >>> c4id = store.put(io.BytesIO(b"hello"))
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     manifest = c4py.Manifest([c4py.Entry("a.txt", size=5, c4id=c4id)])
    ...     c4py.pool(manifest, f"{directory}/bundle", store=store).copied
    ...     c4py.ingest(f"{directory}/bundle", store=c4py.MemoryStore(), destination=directory).manifests
    1
    ['manifest.c4m']
    """
    from c4py.bundle.contents import Contents

    if not isinstance(output_dir, (str, bytes, os.PathLike)):
        raise TypeError(f"output_dir must be str, bytes or os.PathLike, not {type(output_dir).__name__}")
    contents = Contents(manifest_or_path, open_store() if store is None else store)
    output = os.fsdecode(output_dir)
    if not os.path.isdir(output):
        from c4py.bundle.archive import compression_of, write_archive

        compression = compression_of(output)
        if compression is not None:
            return write_archive(contents, output, compression, progress)
    from c4py.bundle.directory import write_directory

    return write_directory(contents, output, progress)


def ingest(
    bundle_dir: StrPath,
    *,
    store: AnyStore | None = None,
    destination: StrPath | None = None,
    progress: Progress = None,
) -> IngestResult:
    """Take a bundle in: its content into a store, its manifests into a directory.

    bundle_dir: a directory, or a tar file, compressed or not, as `pool` makes them; also the directory that c4py 1.0.20
    made. store: by default the one that is configured. destination: the directory for the c4m files, by default the
    current one. progress: a function of (ID, objects done, objects in all or 0 where the bundle does not say), called
    before each and at the end; or what else `c4py.progress` says.

    Each object is verified while it is put; what the store has already is not read. Objects that are sound are taken
    even where others are not, so that a second run of a repaired bundle has less to do; the manifests come last, and
    only from a bundle that was sound. A manifest must be the one that was bundled, and its name must not begin with a
    dot, as those of a workspace's state do; nothing takes the place of a file of its name with other content. Links,
    pipes and devices in a bundle are not opened; what is in a tar file and belongs to no bundle is refused. Memory is
    bounded but for the list of IDs, and so is what is written of a manifest in a compressed file; an object may be as
    large as the store has room.

    Raises StoreCorrupt for an object whose bytes are not what its name says; BundleError, a ValueError with the path in
    the bundle, for what is damaged otherwise, or is no bundle; FileExistsError for another file in a manifest's place,
    before anything of a directory is taken in.
    """
    from c4py.bundle.intake import Intake

    if not isinstance(bundle_dir, (str, bytes, os.PathLike)):
        raise TypeError(f"bundle_dir must be str, bytes or os.PathLike, not {type(bundle_dir).__name__}")
    taken_into = open_store(durability="batch") if store is None else store
    with Intake(taken_into, os.curdir if destination is None else destination, progress) as intake:
        if os.path.isdir(bundle_dir):
            from c4py.bundle.directory import read_directory

            read_directory(bundle_dir, intake)
        else:
            from c4py.bundle.archive import read_archive

            read_archive(bundle_dir, intake)
        return intake.finish()

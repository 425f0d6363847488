"""Directory trees become manifests."""

from __future__ import annotations

import os
import sys

from c4py._rust import C4ID, Entry, Manifest, ScanIssue, ScanStats, identify_bytes
from c4py._rust import scan as _scan
from c4py.entry import NULL_TIMESTAMP, normalize_mode
from c4py.errors import ScanError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from c4py._rust import TreeStore
    from c4py._types import Progress, ScanOptions, StrPath
    from c4py.store.protocol import AnyStore

__all__ = [
    "C4ID",
    "NULL_TIMESTAMP",
    "Entry",
    "Manifest",
    "ScanIssue",
    "ScanStats",
    "identify_bytes",
    "normalize_mode",
    "scan",
]


def scan(
    path: StrPath,
    *,
    store: AnyStore | None = None,
    follow_symlinks: bool = False,
    compute_ids: bool = True,
    progress: Progress = None,
    hidden: bool = True,
    exclude: Iterable[str | bytes] | str | bytes = (),
    exclude_file: StrPath | None = None,
    mode: Literal["structure", "metadata", "full"] = "full",
    sequences: bool = False,
    workers: int | None = None,
    on_error: Literal["raise", "record"] = "raise",
    link_ids: Literal["follow", "inside", "none"] = "follow",
    link_guide: Manifest | StrPath | None = None,
    guide: Manifest | StrPath | None = None,
    cache: bool | StrPath | None = None,
    only: Manifest | StrPath | None = None,
) -> Manifest:
    """Describe a directory tree: names, types, permissions, times, sizes and IDs.

    The result is the same whatever the count of workers. Each file is read once. Devices, pipes and sockets are listed
    and never opened. A symbolic link is listed with its target, and has the ID of what it points at.

    mode: "structure" gives names only, "metadata" leaves IDs out (as does `compute_ids=False`).
    hidden: whether names that begin with a dot are included.
    exclude: globs that match a name, or a path relative to the root; `*` covers no slash, `**` does.
    exclude_file: a file of globs, one a line, `#` for comments. The environment variable C4_EXCLUDE_FILE names a file
    that is looked for in the root and every directory, and holds for that directory and below.
    follow_symlinks: put what links point at in their place; a link to a directory above is left a link.
    link_ids: "follow" gives a link the ID of its target wherever that is, "inside" only if it lies in the tree.
    link_guide: a manifest of the tree, or the path of one. Where `link_ids` is not "follow", a link that does not point
    into the tree takes the ID that the link of the same path and target has there; nothing is read for it.
    sequences: fold numbered files of a directory; the members' IDs are kept with the manifest.
    workers: threads, by default one a processor.
    store: a store that everything read is put into, in the same pass: the content of files, and the one-level texts of
    directories, that of the root included. When the manifest is returned, all that it names is in the store and durable
    (with an FSStore of durability "none", there). A file is read once; for many small files, "batch" is far faster than
    "full". A store of one's own is called by this thread only, unless its `concurrency` says more.
    progress: a function of (path, files done, files in all), an object with `update(ScanStats)`, or True for a bar on
    stderr; called in this thread, about 25 times a second and at the end. An exception in it stops the scan. See
    `c4py.progress`.
    on_error: what cannot be read, or changes while it is read, is in the manifest without an ID and in
    `manifest.errors`; with "raise", ScanError is raised at the end, with both.

    guide: a manifest of the tree as it was, or the path of one. A regular file that has the same path, size and time,
    in whole seconds, takes its ID from there and is not read. That is as sure as the times are: a change that keeps
    size and second goes unseen. Files of a sequence are read, since it has no size and time of each.
    cache: a directory in which the IDs of files are kept from scan to scan, True for one in the user's cache directory
    (`$XDG_CACHE_HOME` or `~/.cache`; on macOS `~/Library/Caches`). A file that still has its device, inode, size, and
    times of modification and change in nanoseconds is not opened. Files that changed in the two seconds before they
    were hashed are not kept, nor are those on a file system that keeps whole seconds only. A scan that was interrupted
    or killed goes on where it was. Several processes may use one cache, on NFS as well; a damaged one costs time and
    never gives a wrong ID. Where it cannot be written, `manifest.errors` has an issue "cache" that is no error. It had
    better not lie in the tree, where its files are listed like all others.
    With a store, a file is read all the same when the store does not have it.
    only: a manifest that lists what to take, or the path of one: entries whose path is not in it are left out, as if
    they were not there. What else its entries say does not count; a sequence stands for its files.

    Raises FileNotFoundError, PermissionError; StoreError, or what a store of one's own raises, when the store fails;
    ParseError, when a guide or a list is none; NotADirectory, which is both a NotADirectoryError and a ValueError.
    KeyboardInterrupt stops the scan at once.
    """
    from c4py.progress import Listener

    if on_error not in ("raise", "record"):
        raise ValueError(f"on_error must be 'raise' or 'record', not {on_error!r}")
    for argument, value in (("mode", mode), ("link_ids", link_ids)):
        if not isinstance(value, str):
            raise TypeError(f"{argument} must be str, not {type(value).__name__}")
    patterns: list[str | bytes] = [exclude] if isinstance(exclude, (str, bytes)) else [*exclude]
    if exclude_file is not None:
        patterns += read_patterns(exclude_file)
    options: ScanOptions = {
        "mode": mode if compute_ids or mode != "full" else "metadata",
        "hidden": bool(hidden),
        "exclude": patterns,
        "exclude_file_name": os.environb.get(b"C4_EXCLUDE_FILE") or None,
        "follow_symlinks": bool(follow_symlinks),
        "link_ids": link_ids,
        "link_guide": _manifest("link_guide", link_guide),
        "sequences": bool(sequences),
        "workers": workers,
        "only": _manifest("only", only),
        "guide": _manifest("guide", guide),
        "cache": _cache_directory() if cache is True else None if cache is False else cache,
    }
    listener = Listener(progress)
    if b"/" in (options["exclude_file_name"] or b""):
        raise ValueError("C4_EXCLUDE_FILE must be a name without a slash")
    with listener:
        manifest = _scan(path, options, listener.of_tree(path), None if store is None else _sink(store))
    errors = [issue for issue in manifest.errors if issue.is_error]
    if errors and on_error == "raise":
        raise ScanError(manifest, errors)
    return manifest


def _manifest(argument: str, value: Manifest | StrPath | None) -> Manifest | None:
    """Give a manifest, or that at a path."""
    if value is None or isinstance(value, Manifest):
        return value
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{argument} must be a Manifest or a path, not {type(value).__name__}")
    from c4py.decoder import load

    return load(value)


def _cache_directory() -> str:
    """Give the directory of the user's own cache."""
    home = os.path.expanduser("~")
    if sys.platform == "darwin":
        caches = os.path.join(home, "Library", "Caches")
    else:
        # The specification of base directories has relative paths ignored.
        caches = os.environ.get("XDG_CACHE_HOME", "")
        caches = caches if os.path.isabs(caches) else os.path.join(home, ".cache")
    return os.path.join(caches, "c4py", "scan")


def _sink(store: AnyStore) -> AnyStore | TreeStore:
    """Give what a scan puts into: the core's own store where `put` is that of FSStore, else the store itself."""
    from c4py.store import FSStore, MultiStore

    if isinstance(store, MultiStore) and type(store).put is MultiStore.put:
        store = store.stores[0]
    if isinstance(store, FSStore) and type(store).put is FSStore.put:
        return store.tree
    return store


def read_patterns(exclude_file: StrPath) -> list[bytes]:
    """Read a file of globs, one a line; blank lines and comments are left out."""
    with open(exclude_file, "rb") as file:
        lines = (line.strip() for line in file)
        return [line for line in lines if line and not line.startswith(b"#")]

"""A bundle as a directory."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat

from c4py._replace import open_directory, open_regular, replace_file
from c4py._rust import C4ID
from c4py.bundle import IDS, MANIFEST_SUFFIX, SCRIPT, STORE
from c4py.bundle.contents import open_content, total_size, write_ids
from c4py.bundle.intake import is_placed
from c4py.bundle.script import extract_script
from c4py.errors import BundleError, InvalidC4ID, NotARegularFile, StoreCorrupt
from c4py.pool import PoolResult
from c4py.progress import Steps
from c4py.store.tree import FSStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from c4py._types import Progress, StrPath
    from c4py.bundle.contents import Contents
    from c4py.bundle.intake import Intake

#: Directories of a store have names of so many characters, and an ID gives names for so many of them.
LEAF_NAME, MAX_DEPTH = 2, 45


def write_directory(contents: Contents, output: str, progress: Progress) -> PoolResult:
    """Write a bundle, or what is missing or damaged in one; the manifest and the script last."""
    os.makedirs(output, exist_ok=True)
    result = PoolResult()
    directory = open_directory(output)
    try:
        try:
            _refuse_others(directory, contents)
        except FileExistsError as error:
            raise FileExistsError(error.errno, error.strerror, os.path.join(output, error.filename)) from None
        with (
            FSStore(os.path.join(output, STORE), durability="batch") as store,
            Steps(progress, total=len(contents.needed)) as steps,
        ):
            sizes = contents.sizes(steps)
            steps.bytes_total = total_size((c4id for _, c4id in contents.needed), sizes)
            bundled = _Bundled(store, steps)
            for done, (path, c4id) in enumerate(contents.needed):
                steps.begin(path, done, sizes.get(c4id, -1))
                if bundled.has(c4id):
                    result.skipped += 1
                elif bundled.take(c4id, open_content(contents.store, c4id), path):
                    result.copied += 1
                else:
                    result.missing += 1
                    result.missing_paths.append((path, c4id))
            for c4id in (*contents.texts, *contents.listings()):
                if not bundled.has(c4id):
                    bundled.take(c4id, open_content(contents.store, c4id))
            if not bundled.has(contents.text_id):
                bundled.take(contents.text_id, io.BytesIO(contents.text))
            steps.end(len(contents.needed))
        replace_file(directory, IDS, write_ids(contents.ids))
        replace_file(directory, contents.name, [contents.text])
        replace_file(directory, SCRIPT, [extract_script(contents.name, contents.text_id)], 0o777)
    finally:
        os.close(directory)
    return result


def _refuse_others(directory: int, contents: Contents) -> None:
    """Raise FileExistsError where a file of the user's would be replaced.

    Another manifest is never replaced; the list and the script are where the list is there, as in a bundle.
    """
    is_placed(contents.name, directory, contents.text_id)
    is_bundle = False
    for name in (IDS, SCRIPT):
        try:
            found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            continue
        is_bundle = is_bundle or (name == IDS and stat.S_ISREG(found.st_mode))
        if not is_bundle:
            raise FileExistsError(errno.EEXIST, "there is something else of this name, and no bundle", name)


class _Bundled:
    """The store of a bundle; each of its objects is read before it is relied on, once."""

    def __init__(self, store: FSStore, steps: Steps) -> None:
        self._store = store
        self._steps = steps
        self._sound: set[C4ID] = set()

    def has(self, c4id: C4ID) -> bool:
        """Say whether an object is there and sound."""
        if c4id not in self._sound and self._store.has(c4id):
            with self._store.get(c4id) as file:
                if C4ID(hashlib.file_digest(file, "sha512").digest()) == c4id:  # type: ignore[arg-type]
                    self._sound.add(c4id)
        return c4id in self._sound

    def take(self, c4id: C4ID, source: BinaryIO | None, path: str | None = None) -> bool:
        """Put an object, in the place of one that is damaged, and say whether there is a source.

        Nothing stays of one that is corrupt: StoreCorrupt names the path.
        """
        if source is None:
            return False
        with source:
            # What has the name of an object is never written again.
            self._store.remove(c4id)
            try:
                self._store.put(self._steps.reading(source))
            except StoreCorrupt as error:
                raise StoreCorrupt(error.c4id, error.actual, path) from None
        self._sound.add(c4id)
        return True


def read_directory(path: StrPath, intake: Intake) -> None:
    """Hand over what is in a bundle: the list of IDs, the manifests, the objects."""
    directory = open_directory(path)
    try:
        names = sorted(entry for entry in os.listdir(directory) if _is_member(entry))
        if not names:
            raise BundleError("no bundle: it has neither a store nor a manifest", os.fsdecode(path))
        if IDS in names:
            with _open(IDS, directory) as source:
                intake.take_ids(source)
        for name in names:
            if name.endswith(MANIFEST_SUFFIX):
                # 1.0.20 takes files of this name alone.
                if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                    continue
                with _open(name, directory) as source:
                    intake.take_manifest(name, source)
        if STORE in names:
            for c4id, place, name, leaf in _objects(directory):
                intake.take_object(c4id, place, lambda name=name, leaf=leaf: _open(name, leaf))  # type: ignore[misc]
    finally:
        os.close(directory)


def _is_member(name: str) -> bool:
    return name in (STORE, IDS) or name.endswith(MANIFEST_SUFFIX)


def _open(name: str, directory: int) -> io.FileIO:
    try:
        return io.FileIO(open_regular(name, directory))
    except NotARegularFile:
        raise BundleError("not a regular file", name) from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            raise BundleError("not a regular file", name) from None
        raise


def _objects(bundle: int) -> Iterator[tuple[C4ID, str, str, int]]:
    """Give the objects of a bundle's store: ID, path in the bundle, and name in an open directory.

    No link is followed, and no directory entered whose name is none of a store's: what was set aside as corrupt is not
    looked at.
    """
    root = _open_below(STORE, bundle, STORE)
    # Directories that are being listed, each open, with its path and the names that are left.
    listed = [(root, STORE, _names(root))]
    try:
        while listed:
            directory, path, names = listed[-1]
            if not names:
                os.close(directory)
                listed.pop()
                continue
            name = names.pop()
            place = f"{path}/{name}"
            if len(name) == LEAF_NAME:
                if len(listed) <= MAX_DEPTH:
                    below = _open_below(name, directory, place)
                    listed.append((below, place, _names(below)))
                continue
            try:
                c4id = C4ID(name)
            except InvalidC4ID:
                continue
            yield c4id, place, name, directory
    finally:
        for directory, _, _ in listed:
            os.close(directory)


def _names(directory: int) -> list[str]:
    return sorted(os.listdir(directory), reverse=True)


def _open_below(name: str, directory: int, place: str) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except NotADirectoryError:
        raise BundleError("not a directory", place) from None

"""What a bundle hands over, checked: content goes into a store, manifests beside their places until all is known."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable

from c4py._replace import NewFile, open_directory, open_regular
from c4py._rust import C4ID
from c4py.bundle.contents import check_manifest_name, read_ids
from c4py.errors import BundleError, NotARegularFile, StoreCorrupt
from c4py.pool import IngestResult
from c4py.progress import Steps
from c4py.store.content import pieces, verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from c4py._types import Progress, StrPath
    from c4py.store.protocol import AnyStore

    #: What can be read to its end, and closed.
    Opened = Callable[[], BinaryIO]


class Intake:
    """Takes a bundle in; leaving the `with` block removes what was not placed."""

    def __init__(self, store: AnyStore, destination: StrPath, progress: Progress) -> None:
        self._store = store
        self._steps = Steps(progress)
        self._result = IngestResult()
        #: What there must be, with the manifest's ID; None where the bundle does not say.
        self._ids: list[C4ID] | None = None
        self._objects: set[C4ID] = set()
        self._failure: StoreCorrupt | BundleError | None = None
        self._failures = 0
        self._manifests: list[NewFile] = []
        self._manifest_ids: dict[str, C4ID] = {}
        self._directory = open_directory(destination)

    def take_ids(self, source: BinaryIO) -> None:
        """Take the list of what there must be."""
        self._ids = list(read_ids(source))
        if not self._ids:
            raise BundleError("the list is empty", "store.ids")
        self._steps.total = len(self._ids)

    def take_manifest(self, name: str, source: BinaryIO) -> None:
        """Take a manifest; it waits beside its place.

        Raises FileExistsError where another file is there, and BundleError for a name that no bundle's manifest has.
        """
        check_manifest_name(name)
        file = NewFile(self._directory, name)
        self._manifests.append(file)
        sha512 = hashlib.sha512()
        for piece in pieces(source):
            sha512.update(piece)
            file.write(piece)
        self._manifest_ids[name] = C4ID(sha512.digest())
        is_placed(name, self._directory, self._manifest_ids[name])

    def take_object(self, c4id: C4ID, place: str, opened: Opened) -> None:
        """Take an object, unless the store has it; `opened` opens what is at a place in the bundle.

        One that is not what its ID says is not taken, and makes `finish` fail.
        """
        self._objects.add(c4id)
        self._steps.begin(str(c4id), self._done)
        if self._store.has(c4id):
            self._result.skipped += 1
            return
        try:
            with verified(self._steps.reading(opened()), c4id) as source:
                self._store.put(source)
        except StoreCorrupt as error:
            self._fail(StoreCorrupt(error.c4id, error.actual, place, "the bundle"))
        except BundleError as error:
            self._fail(BundleError(error.message, place))
        else:
            self._result.copied += 1

    def finish(self) -> IngestResult:
        """Make durable what was taken, and place the manifests of a bundle that was sound."""
        self._steps.end(self._done)
        flush = getattr(self._store, "flush", None)
        if callable(flush):
            flush()
        if self._failure is not None:
            if self._failures > 1:
                self._failure.add_note(f"and {self._failures - 1:,} more objects were refused")
            raise self._failure
        if self._ids is not None:
            known = self._objects
            for name, c4id in self._manifest_ids.items():
                # A manifest that was bundled is an object too.
                if c4id not in known and c4id != self._ids[0]:
                    raise BundleError("not the manifest that was bundled", name)
            self._result.missing = sum(c4id not in known and not self._store.has(c4id) for c4id in set(self._ids))
        elif not self._manifests and not self._objects:
            raise BundleError("no bundle: it has neither content nor a manifest")
        for file in self._manifests:
            if not is_placed(file.name, self._directory, self._manifest_ids[file.name]):
                file.place()
            self._result.manifests.append(file.name)
        return self._result

    @property
    def _done(self) -> int:
        """How many objects were taken; listings are not in the list of what there must be, and not in its count."""
        done = self._result.copied + self._result.skipped
        return min(done, self._steps.total or done)

    def _fail(self, error: StoreCorrupt | BundleError) -> None:
        self._failure = self._failure or error
        self._failures += 1

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *_: object) -> None:
        self._steps.__exit__()
        for file in self._manifests:
            file.__exit__()
        os.close(self._directory)


def is_placed(name: str, directory: int, c4id: C4ID) -> bool:
    """Say whether a manifest is in a directory; raises FileExistsError for something else of its name."""
    try:
        descriptor = open_regular(name, directory)
    except FileNotFoundError:
        return False
    except OSError as error:
        if not isinstance(error, NotARegularFile) and error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        raise FileExistsError(errno.EEXIST, "there is something else of this name", name) from None
    with open(descriptor, "rb", buffering=0) as file:
        if C4ID(hashlib.file_digest(file, "sha512").digest()) != c4id:
            raise FileExistsError(errno.EEXIST, "there is another file of this name", name)
    return True

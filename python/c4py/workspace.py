"""A directory that one manifest after the other is checked out into.

What was checked out is kept in two files at the directory's root, `.c4-workspace.json` and
`.c4-workspace-manifest.c4m`, which reconciling leaves alone and snapshots leave out. They are as little trusted as
anything in the directory: links and pipes in their place are not opened, and a manifest that the state does not vouch
for is not used: one that lies there alone may have come from anywhere.
"""

from __future__ import annotations

import errno
import os
import stat

from c4py._rust import Manifest
from c4py._visible import visible
from c4py.diff import DiffResult, diff
from c4py.errors import MissingContent, ParseError, UnusableManifest, WorkspaceEmpty
from c4py.reconcile import (
    LEFT_ALONE,
    ReconcilePlan,
    ReconcileResult,
    reconcile,
    refuse_lost_manifest,
    without_state,
)
from c4py.scanner import scan
from c4py.store import Store, open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Literal

    from c4py._rust import Entry
    from c4py._types import Progress, StrPath
    from c4py.store.protocol import AnyStore

    #: A function of (operation, path, index, total), or True for a line on stderr.

__all__ = [
    "DiffResult",
    "Manifest",
    "ReconcilePlan",
    "ReconcileResult",
    "Store",
    "Workspace",
    "WorkspaceState",
    "diff",
    "open_store",
    "reconcile",
    "scan",
]

#: Files of the state, at the root of the directory.
STATE_FILE, MANIFEST_FILE = LEFT_ALONE

#: Bytes of a state: it holds a few IDs and dates.
MAX_STATE = 64 * 1024


class WorkspaceState:
    """What is known of a workspace: texts, empty where nothing is known.

    manifest_c4id: ID of the manifest that was checked out. manifest_path: the file that it came from. created,
    last_checkout: when, as ISO 8601. text_c4id: ID of the bytes of the manifest that is kept. checking_out: ID of the
    bytes of the manifest whose checkout began and is not known to have ended.
    """

    __slots__ = ("checking_out", "created", "last_checkout", "manifest_c4id", "manifest_path", "text_c4id")

    def __init__(
        self,
        manifest_c4id: str = "",
        manifest_path: str = "",
        created: str = "",
        last_checkout: str = "",
        text_c4id: str = "",
        checking_out: str = "",
    ) -> None:
        self.manifest_c4id = manifest_c4id
        self.manifest_path = manifest_path
        self.created = created
        self.last_checkout = last_checkout
        self.text_c4id = text_c4id
        self.checking_out = checking_out

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WorkspaceState):
            return NotImplemented
        return self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._values().items() if value)
        return f"WorkspaceState({shown})"

    def _values(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def _from_json(cls, text: bytes) -> WorkspaceState:
        """Read a state; raises ValueError for what is none. Names that are not known are left out."""
        import json

        try:
            values = json.loads(text)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        if not isinstance(values, dict):
            raise ValueError("it is no object")
        known = {name: value for name, value in values.items() if name in cls.__slots__}
        if not all(isinstance(value, str) for value in known.values()):
            raise ValueError("it has a value that is no text")
        for value in known.values():
            # Paths may have lone surrogates that stand for bytes, and no others.
            value.encode("utf-8", "surrogateescape")
        return cls(**known)

    def _to_json(self) -> bytes:
        import json

        return (json.dumps(self._values(), indent=2) + "\n").encode()


class Workspace:
    """A directory that one manifest after the other is checked out into.

    `path` is the directory, which the first checkout makes; `store` where content comes from and snapshots go, by
    default the store that is configured, opened when it is needed; `current` the manifest that was checked out last, or
    None. Files of 1.0.20 are read. A state that is damaged counts as none, and `status` says so; what is in the
    directory stays as it is until the next checkout.

    >>> import tempfile
    >>> store = c4py.MemoryStore()
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     workspace = c4py.Workspace(directory, store=store)
    ...     len(workspace.snapshot()), workspace.current
    (0, None)
    """

    def __init__(self, path: StrPath, *, store: AnyStore | None = None) -> None:
        from pathlib import Path

        if not isinstance(path, (str, bytes, os.PathLike)):
            raise TypeError(f"path must be str, bytes or os.PathLike, not {type(path).__name__}")
        self.path: Path = Path(os.fsdecode(path))
        self.current: Manifest | None = None
        self._store = store
        self._damage: str | None = None
        self._state = WorkspaceState()
        self._load()

    @property
    def store(self) -> AnyStore:
        """Where content comes from and snapshots go; raises StoreNotConfigured where none is given or configured."""
        if self._store is None:
            self._store = open_store()
        return self._store

    @store.setter
    def store(self, store: AnyStore) -> None:
        self._store = store

    def checkout(
        self,
        manifest: Manifest | StrPath,
        *,
        progress: Progress[str, str, int, int] = None,
        dry_run: bool = False,
        keep_removed: bool = False,
        link: Literal["auto", "copy", "reflink", "hardlink"] = "auto",
        sources: Iterable[StrPath | AnyStore] = (),
    ) -> ReconcileResult | ReconcilePlan:
        """Bring the directory to the state of a manifest; what is not in the manifest is removed.

        Changes since the last checkout that are in no store are lost, unless `keep_removed` puts them into the store:
        see `c4py.reconcile`, whose arguments these are and whose errors are raised. Of a patch chain the last state is
        checked out; PatchError is raised for one that contradicts itself. dry_run: change nothing, and return the plan.
        Raises UnusableManifest as well for the path of a manifest that lies in the directory and would be removed from
        it, and IsADirectoryError for a directory in the place of a file of the state.

        The state is written when the checkout is done. One that is interrupted is in `status()` until a checkout ends:
        the same one again goes on where it was, and `reset` goes back.
        """
        from c4py._links import read_ending, sound_state
        from c4py._rust import dumps_bytes, identify_bytes, load_path

        given = manifest if isinstance(manifest, Manifest) else load_path(manifest)
        ending = b"" if isinstance(manifest, Manifest) else read_ending(manifest)
        store = self.store
        given = sound_state(given, store=store, ending=ending)
        if not isinstance(manifest, Manifest):
            refuse_lost_manifest(manifest, given, self.path)

        def bring(*, dry_run: bool) -> ReconcileResult | ReconcilePlan:
            return reconcile(
                given,
                self.path,
                store=store,
                dry_run=dry_run,
                progress=progress,
                link=link,
                sources=sources,
                keep_removed=keep_removed,
            )

        if dry_run:
            return bring(dry_run=True)
        text = dumps_bytes(given)
        text_c4id = str(identify_bytes(text))
        before = self._begin(text_c4id)
        try:
            result = bring(dry_run=False)
        except (MissingContent, UnusableManifest):
            # They are raised before anything is touched.
            self._take_back(*before)
            raise
        if not result.errors:  # type: ignore[union-attr]
            self._end(given, "" if isinstance(manifest, Manifest) else os.path.abspath(os.fsdecode(manifest)), text)
        return result

    def snapshot(
        self,
        *,
        store_content: bool = True,
        progress: Progress = None,
        on_error: Literal["raise", "record"] = "raise",
    ) -> Manifest:
        """Describe the directory as it is now, the files of the state left out.

        Nothing outside the directory is read: of the links, those that lead to something in it have its ID.
        store_content: put the content into the store in the same pass, so that the snapshot can be checked out later.
        progress, on_error, and what is raised, are those of `c4py.scan`.
        """
        store = self.store if store_content else None
        manifest = without_state(scan(self.path, store=store, link_ids="inside", progress=progress, on_error=on_error))
        if store is not None:
            _put_listing(store, manifest)
        return manifest

    def reset(
        self, *, progress: Progress[str, str, int, int] = None, keep_removed: bool = False
    ) -> ReconcileResult | ReconcilePlan:
        """Bring the directory back to the manifest that was checked out last.

        Raises WorkspaceEmpty, a RuntimeError, where there is none.
        """
        return self.checkout(self._current(), progress=progress, keep_removed=keep_removed)

    def diff_from_current(
        self, *, progress: Progress = None, on_error: Literal["raise", "record"] = "raise"
    ) -> DiffResult:
        """Compare the manifest that was checked out last with the directory as it is now, whose files are read.

        Compared is what a checkout makes: the members of sequences, links by their targets, directories by their
        modes, what is in them by itself; nothing that the manifest leaves open. In `modified_from`, such fields are as
        they are now. on_error: what cannot be read raises ScanError, or is in the `errors` of the result.

        Raises WorkspaceEmpty, a RuntimeError, where there is none.
        """
        current = self._current()
        is_folded = any(entry.is_sequence for entry in current)
        current = current.expand_sequences() if is_folded else current.copy()
        snapshot = self.snapshot(store_content=False, progress=progress, on_error=on_error)
        found = diff(current, snapshot)
        for before, now in list(zip(found.modified_from, found.modified, strict=True)):
            _take_over_what_is_open(before, now)
        return diff(current, snapshot)

    def status(self) -> dict[str, object]:
        """Tell about the workspace.

        path, exists, has_manifest, manifest_c4id, created and last_checkout are those of 1.0.20; manifest_path is the
        file that was checked out, interrupted the ID of the text of a manifest whose checkout did not end, and damaged
        says why a state that is there is not used. None where there is nothing to say.
        """
        state = self._state
        return {
            "path": str(self.path),
            "exists": self.path.exists(),
            "has_manifest": self.current is not None,
            "manifest_c4id": state.manifest_c4id or None,
            "created": state.created or None,
            "last_checkout": state.last_checkout or None,
            "manifest_path": state.manifest_path or None,
            "interrupted": state.checking_out or None,
            "damaged": self._damage,
        }

    def __repr__(self) -> str:
        return f"<Workspace {str(self.path)!r}>"

    def _current(self) -> Manifest:
        if self.current is not None:
            return self.current
        place = visible(str(self.path))
        if self._damage is not None:
            raise WorkspaceEmpty(f"{place}: what was checked out is not known: {self._damage}")
        if self._state.checking_out:
            raise WorkspaceEmpty(f"{place}: the first checkout was interrupted: check the manifest out again")
        raise WorkspaceEmpty(f"{place}: no manifest was checked out")

    def _load(self) -> None:
        """Read what the directory says; what is damaged counts as nothing."""
        from c4py._replace import open_directory
        from c4py._rust import identify_bytes, loads

        self._state = WorkspaceState(created=_now())
        try:
            directory = open_directory(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            try:
                text = _read(STATE_FILE, directory, MAX_STATE)
                if text is not None:
                    self._state = WorkspaceState._from_json(text)
            except (OSError, ValueError) as error:
                self._damage = f"{STATE_FILE}: {_reason(error)}"
                return
            try:
                kept = _read(MANIFEST_FILE, directory, None)
                if kept is None:
                    return
                c4id = str(identify_bytes(kept))
                state = self._state
                if state.checking_out and c4id == state.checking_out != state.text_c4id:
                    # It is written after the checkout, and only the state was not.
                    state.text_c4id, state.checking_out = c4id, ""
                    state.manifest_c4id = str(loads(kept).compute_c4id())
                # 1.0.20 writes the manifest's ID alone.
                if c4id != state.text_c4id if state.text_c4id else not state.manifest_c4id:
                    raise ValueError("it is not the one that was checked out")
                self.current = loads(kept)
            except (OSError, ValueError) as error:
                self._damage = f"{MANIFEST_FILE}: {_reason(error)}"
        finally:
            os.close(directory)

    def _begin(self, text_c4id: str) -> tuple[bool, bytes | None]:
        """Write down that a checkout begins; say whether the directory was made, and give the state as it was."""
        from c4py._replace import open_directory, replace_file

        was_made = not os.path.isdir(self.path)
        os.makedirs(self.path, exist_ok=True)
        for path in (self.path / name for name in LEFT_ALONE):
            if path.is_dir() and not path.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        directory = open_directory(self.path)
        try:
            try:
                before = _read(STATE_FILE, directory, MAX_STATE)
            except (OSError, ValueError):
                before = None
            self._state.checking_out = text_c4id
            replace_file(directory, STATE_FILE, [self._state._to_json()])
            return was_made, before
        finally:
            os.close(directory)

    def _take_back(self, was_made: bool, before: bytes | None) -> None:
        """Undo `_begin`: nothing was touched."""
        import contextlib

        from c4py._replace import open_directory, replace_file

        self._state.checking_out = ""
        directory = open_directory(self.path)
        try:
            if before is None:
                os.unlink(STATE_FILE, dir_fd=directory)
            else:
                replace_file(directory, STATE_FILE, [before])
        finally:
            os.close(directory)
        if was_made:
            with contextlib.suppress(OSError):  # somebody uses it already
                os.rmdir(self.path)

    def _end(self, manifest: Manifest, path: str, text: bytes) -> None:
        """Write down what was checked out: the manifest first, which the state then vouches for."""
        from c4py._replace import open_directory, replace_file
        from c4py._rust import identify_bytes, loads

        # The caller's manifest may change later.
        self.current = loads(text)
        self._damage = None
        self._state = WorkspaceState(
            manifest_c4id=str(manifest.compute_c4id()),
            manifest_path=path,
            created=self._state.created or _now(),
            last_checkout=_now(),
            text_c4id=str(identify_bytes(text)),
        )
        directory = open_directory(self.path)
        try:
            replace_file(directory, MANIFEST_FILE, [text])
            replace_file(directory, STATE_FILE, [self._state._to_json()])
        finally:
            os.close(directory)


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat()


def _read(name: str, directory: int, limit: int | None) -> bytes | None:
    """Read a file of the state, None where there is none; nothing but a regular file is opened."""
    from c4py._replace import open_regular

    try:
        descriptor = open_regular(name, directory)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        text = file.read() if limit is None else file.read(limit + 1)
    if limit is not None and len(text) > limit:
        raise ValueError("it is too large")
    return text


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return error.message if isinstance(error, ParseError) else visible(str(error), is_escaped=True)


def _take_over_what_is_open(before: Entry, now: Entry) -> None:
    """Take over from an entry as it is what the one that was checked out says nothing of that could be compared.

    The ID and the size of a directory depend on links outside, on folded sequences and on fields that are open below.
    The ID of a link is that of what it leads to.
    """
    kind = stat.S_IFMT(now.mode)
    if (before.is_dir(), before.is_symlink()) != (now.is_dir(), now.is_symlink()):
        return
    if before.has_null_mode() and kind in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        before.mode = now.mode
    if before.has_null_timestamp():
        before.timestamp_s = now.timestamp_s
    if before.is_dir() or before.is_symlink():
        before.c4id = now.c4id
        before.size = now.size
    else:
        if before.c4id is None:
            before.c4id = now.c4id
        if before.has_null_size():
            before.size = now.size


def _put_listing(store: AnyStore, manifest: Manifest) -> None:
    """Store the text that the snapshot's directory is known by: the scan has stored one with the state in it."""
    import io

    from c4py._rust import dumps_bytes

    top = [entry.__copy__() for entry in manifest.children()]
    store.put(io.BytesIO(dumps_bytes(Manifest(top), id_lists=False)))

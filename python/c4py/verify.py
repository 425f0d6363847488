"""Whether content is what an ID says, and a directory what a manifest says.

`c4py.verify` is the function, also after this module was imported; the names of the module are imported from it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from c4py import _rust
from c4py._record import Record
from c4py._rust import C4ID, Manifest, identify_file, verify_file
from c4py._rust import parse as _parse
from c4py.diff import Moved
from c4py.errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Literal

    from c4py._rust import Findings
    from c4py._types import Progress, StrPath, VerifyTreeOptions

__all__ = [
    "C4ID",
    "ChangedEntry",
    "CorruptEntry",
    "Manifest",
    "Moved",
    "ProgressCallback",
    "UnreadableEntry",
    "VerifyError",
    "VerifyReport",
    "identify_file",
    "verify",
    "verify_tree",
]


#: What `progress` may be, among others: a function of (path, files done, files in all).
ProgressCallback = Callable[[str, int, int], object]


def verify(path: StrPath, expected: C4ID | str) -> bool:
    """Whether the file or directory at a path has an ID; a symbolic link is followed.

    A file has the ID of its bytes and, if it is a c4m manifest, that of its canonical text; either will do. A directory
    has the ID of its listing: it is scanned. A pipe, socket or device raises NotARegularFile and is not read; a path
    that does not exist raises FileNotFoundError; a directory that cannot be read whole raises ScanError.
    """
    if isinstance(expected, str):
        expected = _parse(expected)
    elif not isinstance(expected, C4ID):
        raise TypeError(f"expected must be C4ID or str, not {type(expected).__name__}")
    if stat.S_ISDIR(os.stat(path).st_mode):
        from c4py.scanner import scan

        return scan(path).compute_c4id() == expected
    return verify_file(path, expected)


class CorruptEntry(Record):
    """A file whose content has another ID than the manifest says: `actual` is that of the bytes that are there."""

    __slots__ = ("actual", "expected", "path")
    __match_args__ = ("path", "expected", "actual")

    def __init__(self, path: str, expected: C4ID, actual: C4ID) -> None:
        self.path = path
        self.expected = expected
        self.actual = actual


class UnreadableEntry(Record):
    """A path that could not be read, and why; "" is the directory itself."""

    __slots__ = ("message", "path")
    __match_args__ = ("path", "message")

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        self.message = message


class ChangedEntry(Record):
    """An entry that differs in something else than content.

    field: "mode", "time", "size", "type" or "target"; expected, actual: as a line of a manifest writes them, a type as
    "file", "directory", "symlink", "pipe", "socket", "block device" or "char device".
    """

    __slots__ = ("actual", "expected", "field", "path")
    __match_args__ = ("path", "field", "expected", "actual")

    def __init__(self, path: str, field: str, expected: str, actual: str) -> None:
        self.path = path
        self.field = field
        self.expected = expected
        self.actual = actual


#: The lists of a report, the findings among them first, and how each is made from what the core gives.
_LISTS: dict[str, Callable[[Findings], list[object]]] = {
    "missing": lambda findings: findings.values("missing"),
    "corrupt": lambda findings: [CorruptEntry(*values) for values in findings.values("corrupt")],
    "extra": lambda findings: findings.values("extra"),
    "unreadable": lambda findings: [UnreadableEntry(*values) for values in findings.values("unreadable")],
    "changed": lambda findings: [ChangedEntry(*values) for values in findings.values("changed")],
    "canonical_only": lambda findings: [CorruptEntry(*values) for values in findings.values("canonical_only")],
    "moved": lambda findings: list(map(Moved, *findings.moved())),
    "ok": lambda findings: findings.values("ok"),
    "unverified": lambda findings: findings.values("unverified"),
}

#: The other values of a report.
_VALUES = (
    "mode",
    "metadata",
    "sample",
    "accept_canonical",
    "root",
    "manifest_path",
    "manifest_id",
    "started",
    "ended",
    "files_total",
    "files_read",
    "bytes_total",
    "bytes_read",
    "workers",
    "cache_dropped",
)

#: Names that a message shows.
_SHOWN = 3


class VerifyReport:
    """What became of a directory that was compared with a manifest.

    Lists of paths relative to the root, in canonical order; each is made when it is first
    asked for:

    ok: files of which every byte was read, and it is what the manifest says; directories and special files that are
    there with the right type, links with the right target as well. With `metadata=True` the metadata agrees, too.
    missing, extra: what only the manifest, or only the directory has: all files, and directories with no file below.
    corrupt: CorruptEntry of files with other content. canonical_only: CorruptEntry of manifests whose bytes differ, and
    which are the expected ones in canonical form.
    unreadable: UnreadableEntry of what could not be read, or lies in a directory that could not; never missing nor ok.
    changed: ChangedEntry, one for each value that differs; a corrupt file may be there as well.
    moved: Moved, pairs of a missing and an extra entry with one content, which stay in those lists; looked for when
    mode is "full" and the manifest says the size.
    unverified: what is there and agrees as far as was looked, and whose content was not read, or has no ID to compare
    with.

    mode: "full", "quick" or "sample"; sample: the share that was to be read; metadata, accept_canonical: as asked for.
    root: the directory, absolute. manifest_path: of the file, if it was one; manifest_id. started, ended: in UTC.
    files_total, bytes_total: of what the manifest has besides directories, as far as sizes are known.
    files_read, bytes_read: what was read: a file with several names once, and extra files that may be missing ones.
    workers: threads. cache_dropped: whether the system took the advice to read each file from the disk; None if it was
    not asked to.

    Two reports are equal when all of that is. A report is not true or false: ask for `is_ok`.
    """

    ok: list[str]
    missing: list[str]
    corrupt: list[CorruptEntry]
    extra: list[str]
    unreadable: list[UnreadableEntry]
    changed: list[ChangedEntry]
    moved: list[Moved]
    canonical_only: list[CorruptEntry]
    unverified: list[str]

    def __init__(
        self,
        ok: Iterable[str] = (),
        missing: Iterable[str] = (),
        corrupt: Iterable[CorruptEntry] = (),
        extra: Iterable[str] = (),
        *,
        unreadable: Iterable[UnreadableEntry] = (),
        changed: Iterable[ChangedEntry] = (),
        moved: Iterable[Moved] = (),
        canonical_only: Iterable[CorruptEntry] = (),
        unverified: Iterable[str] = (),
        mode: Literal["full", "quick", "sample"] = "full",
        metadata: bool = False,
        sample: float | None = None,
        accept_canonical: bool = False,
        root: str = "",
        manifest_path: str | None = None,
        manifest_id: C4ID | None = None,
        started: datetime | None = None,
        ended: datetime | None = None,
        files_total: int = 0,
        files_read: int = 0,
        bytes_total: int = 0,
        bytes_read: int = 0,
        workers: int = 1,
        cache_dropped: bool | None = None,
    ) -> None:
        now = _now()
        self._findings: Findings | None = None
        self.ok = list(ok)
        self.missing = list(missing)
        self.corrupt = list(corrupt)
        self.extra = list(extra)
        self.unreadable = list(unreadable)
        self.changed = list(changed)
        self.moved = list(moved)
        self.canonical_only = list(canonical_only)
        self.unverified = list(unverified)
        self.mode = mode
        self.metadata = metadata
        self.sample = sample
        self.accept_canonical = accept_canonical
        self.root = root
        self.manifest_path = manifest_path
        self.manifest_id = Manifest().compute_c4id() if manifest_id is None else manifest_id
        self.started = now if started is None else started
        self.ended = now if ended is None else ended
        self.files_total = files_total
        self.files_read = files_read
        self.bytes_total = bytes_total
        self.bytes_read = bytes_read
        self.workers = workers
        self.cache_dropped = cache_dropped

    @classmethod
    def _of(cls, findings: Findings, **values: object) -> VerifyReport:
        """Make a report whose lists are made when they are asked for."""
        report = cls(**values, **findings.totals())  # type: ignore[arg-type]
        report._findings = findings
        for name in _LISTS:
            del report.__dict__[name]
        return report

    def __getattr__(self, name: str) -> list[object]:
        findings = self.__dict__.get("_findings")
        if name not in _LISTS or findings is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        made = self.__dict__[name] = _LISTS[name](findings)
        return made

    @property
    def counts(self) -> dict[str, int]:
        """How long each list is; none is made for it."""
        counted = {} if self._findings is None else self._findings.counts()
        return {name: len(self.__dict__[name]) if name in self.__dict__ else counted[name] for name in _LISTS}

    @property
    def is_ok(self) -> bool:
        """Whether the directory is what the manifest says, as far as was asked for.

        Nothing is missing, corrupt, extra, unreadable or changed; nothing is in canonical_only, unless that was to be
        accepted; and in mode "full" nothing is unverified.
        """
        from c4py.report.outcome import failing

        counts = self.counts
        return not any(counts[status] for status in failing(self))

    def raise_if_failed(self) -> None:
        """Raise VerifyError, with this report, unless `is_ok`."""
        if not self.is_ok:
            raise VerifyError(self)

    def summary(self) -> str:
        """Say in text what was found."""
        from c4py.report.text import summary

        return summary(self)

    def to_json(self, path: StrPath | None = None) -> str:
        """Write the report as JSON; into a file as well, if a path is given."""
        from c4py.report.as_json import to_json

        return _written(to_json(self), path)

    def to_csv(self, path: StrPath | None = None) -> str:
        """Write the report as CSV, safe to open in a spreadsheet; into a file as well, if a path is given.

        The file is UTF-8 with no byte order mark. Excel is to import it (Data > From Text/CSV, File Origin "65001:
        Unicode (UTF-8)"): where the file is just opened, letters beyond ASCII are shown as others.
        """
        from c4py.report.as_csv import to_csv

        return _written(to_csv(self), path)

    def to_junit(self, path: StrPath | None = None) -> str:
        """Write the report as JUnit XML; into a file as well, if a path is given."""
        from c4py.report.junit import to_junit

        return _written(to_junit(self), path)

    def to_html(self, path: StrPath | None = None) -> str:
        """Write the report as one HTML page that needs nothing else; into a file as well, if a path is given."""
        from c4py.report.html import to_html

        return _written(to_html(self), path)

    def save(self, path: StrPath) -> None:
        """Write the report into a file, in the form of the name's extension: .json, .html, .csv, or .xml for JUnit.

        Raises ValueError for any other extension.
        """
        from c4py.report.file import form_of

        getattr(self, f"to_{form_of(os.fsdecode(path))}")(path)

    def _repr_html_(self) -> str:
        from c4py.report.html import to_fragment

        return to_fragment(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VerifyReport):
            return NotImplemented
        if self.counts != other.counts:
            return False
        return all(getattr(self, name) == getattr(other, name) for name in (*_VALUES, *_LISTS))

    __hash__ = None  # type: ignore[assignment]  # values can change

    def __repr__(self) -> str:
        counted = ", ".join(f"{count:,} {name}" for name, count in self.counts.items() if count or name == "ok")
        return f"<VerifyReport of {self.root!r}, {self.mode}: {counted}>"

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in (*_LISTS, *_VALUES)} | {"_findings": None}


def verify_tree(
    manifest_or_path: Manifest | StrPath,
    directory: StrPath,
    *,
    progress: Progress = None,
    workers: int | None = None,
    metadata: bool = False,
    quick: bool = False,
    sample: float | None = None,
    drop_cache: bool = False,
    accept_canonical: bool = False,
    on_result: Callable[[str, str], object] | None = None,
) -> VerifyReport:
    """Compare a directory with a manifest, or with the one in a c4m file.

    Every file that has an ID is read and hashed, a file with several names once. What the manifest does not say is not
    compared: a null mode, time, size or ID, the times of a structure scan. Directories are compared by presence and
    type, links by their targets, devices, pipes and sockets by their type: a wrong type or target is in `changed`
    always. The members of a sequence are verified one by one with the IDs of its list; without the list they are looked
    for by name, and are `unverified`. Hidden files count as any other; `.c4-workspace.json` and
    `.c4-workspace-manifest.c4m` in the root are no part of the tree, unless the manifest names them.

    metadata: compare modes, times (whole seconds) and sizes as well; not the sizes of directories.
    quick: read no file; compare presence, type, size and time. What agrees is `unverified`, never `ok`.
    sample: read this share of the files with an ID, above 0 and up to 1, rounded up to whole files, and compare the
    others as `quick` does. Which ones depends on their paths alone: the same manifest gives the same files.
    drop_cache: ask the system to write what it has to and then to read each file from the disk; whether it took the
    advice is in `cache_dropped`. It is only advice: a network or memory file system may answer from memory.
    accept_canonical: whether a manifest whose bytes differ, and which is the expected one in canonical form, is right.
    workers: threads, by default one a processor.
    progress: a function of (path, files done, files in all), an object with `update(ScanStats)`, or True for a bar on
    stderr; called in this thread, about 25 times a second and at the end: see `c4py.progress`.
    on_result: a function of (kind, path), called in this thread while the work goes on, once for each path in the lists
    ok, missing, corrupt, extra, unreadable, changed, canonical_only and unverified, `kind` being the list's name, and
    once for each "moved" with the old path. A corrupt path is told of as such, also when it is in `changed`.
    An exception in either function, or Ctrl-C, stops the work.

    Raises FileNotFoundError, PermissionError, and NotADirectory for a directory that is none; ParseError for a file
    that is no manifest. Before anything is read: PathTraversal for a name that is none of a file; ValueError for an
    entry that is there twice, is in no directory, or is a sequence of too many names, and for a patch whose base is not
    known; PatchError, a ValueError, for a chain that contradicts itself.

    >>> import c4py, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("hello world")
    ...     manifest = c4py.scan(folder)
    ...     _ = Path(folder, "a.txt").write_text("hello there")
    ...     c4py.verify_tree(manifest, folder).corrupt[0].path
    'a.txt'
    """
    if on_result is not None and not callable(on_result):
        raise TypeError(f"on_result must be a function, not {type(on_result).__name__}")
    share = _share(sample)
    if quick and share is not None:
        raise ValueError("quick reads nothing, and sample a share: give one of them")
    from c4py._links import own_state, read_ending

    manifest_path = None
    if isinstance(manifest_or_path, Manifest):
        manifest = own_state(manifest_or_path)
    elif isinstance(manifest_or_path, (str, bytes, os.PathLike)):
        from c4py.decoder import load

        manifest = own_state(load(manifest_or_path), ending=read_ending(manifest_or_path))
        manifest_path = os.path.abspath(os.fsdecode(manifest_or_path))
    else:
        raise TypeError(
            f"manifest_or_path must be a Manifest, str, bytes or os.PathLike, not {type(manifest_or_path).__name__}"
        )
    options: VerifyTreeOptions = {
        "quick": bool(quick),
        "sample": share,
        "metadata": bool(metadata),
        "drop_cache": bool(drop_cache),
        "workers": workers,
    }
    from c4py.progress import Listener

    listener = Listener(progress)
    started = _now()
    with listener:
        findings = _rust.verify_tree(manifest, directory, options, listener.of_tree(directory), on_result)
    return VerifyReport._of(
        findings,
        mode="quick" if quick else "full" if share is None else "sample",
        metadata=bool(metadata),
        sample=share,
        accept_canonical=bool(accept_canonical),
        root=os.path.abspath(os.fsdecode(directory)),
        manifest_path=manifest_path,
        manifest_id=manifest.compute_c4id(),
        started=started,
        ended=_now(),
        workers=(os.cpu_count() or 1) if workers is None else workers,
    )


def _share(sample: object) -> float | None:
    if sample is None:
        return None
    if isinstance(sample, bool) or not isinstance(sample, (int, float)):
        raise TypeError(f"sample must be float or None, not {type(sample).__name__}")
    if not 0 < sample <= 1:
        raise ValueError(f"sample must be above 0 and at most 1, not {sample}")
    return float(sample)


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _written(text: str, path: StrPath | None) -> str:
    if path is not None:
        from c4py._replace import replace_path

        replace_path(os.fspath(path), text.encode())
    return text

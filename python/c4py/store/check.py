"""Whether a store is sound, what it holds, and what may go.

What is said of a store directory holds for any that the C4 tools share: it is walked, whatever its layout, and what is
no regular file is never opened.
"""

from __future__ import annotations

import math
import os

from c4py._rust import C4ID, Manifest, identify, store_gc, store_stats, store_verify
from c4py._rust import parse as _parse
from c4py._visible import visible
from c4py.errors import StoreCorrupt
from c4py.progress import Listener, Steps
from c4py.store.protocol import as_id
from c4py.store.report import KINDS, GcReport, StoreFinding, StoreReport, StoreStats, count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import timedelta
    from typing import Any, BinaryIO, Protocol, TypeAlias

    from c4py._types import Progress, StrPath, VerifyOptions

    _Root: TypeAlias = Manifest | C4ID | StrPath

    class IterableStore(Protocol):
        """A store that lists its objects."""

        def __iter__(self) -> Iterator[C4ID] | Iterator[str]:
            """Give the IDs of the objects."""

        def get(self, c4id: C4ID, /) -> BinaryIO:
            """Open an object; raises a KeyError when it is not there."""


__all__ = [
    "DEFAULT_GRACE",
    "GcReport",
    "StoreFinding",
    "StoreReport",
    "StoreStats",
    "collect_garbage",
    "directory_stats",
    "verify_directory",
    "verify_store",
]

#: How old garbage must be, in seconds: a day.
DEFAULT_GRACE = 86_400.0

#: How many numbers the first 64 bits of a digest can be, and that divided by the golden ratio, as in the core.
_NUMBERS = 2**64
_GOLDEN = 0x9E37_79B9_7F4A_7C15

_MESSAGES = {
    "shadowed": "lies above the directory where it would be put; readers find it",
    "unreachable": "lies where no reader looks for it",
    "taken-out": "was being removed when garbage collection was killed; the next one puts it back",
    "name": "its name is no C4 ID",
    "directory": "no C4 ID leads to this directory",
    "symlink": "a symbolic link, which is not followed",
    "special": "a pipe, socket or device, which is not opened",
    "loop": "leads to a directory that was listed already",
    "live": "of a writer that lives",
    "dead": "of a writer that died",
    "foreign": "of another tool",
    "hidden": "its name begins with a dot",
}


def directory_stats(root: StrPath, *, progress: Progress = None) -> StoreStats:
    """Count what a store directory holds; every object is looked at, none is opened.

    Raises StoreError for what cannot be looked at.
    """
    return StoreStats(**_watched(root, progress, lambda tick: store_stats(root, tick)))


def verify_directory(
    root: StrPath,
    *,
    sample: float | int | None = None,
    seed: int = 0,
    time_limit: float | timedelta | None = None,
    progress: Progress = None,
    workers: int | None = None,
    resume: StoreReport | C4ID | str | None = None,
    quarantine: bool = False,
    drop_cache: bool = False,
) -> StoreReport:
    """Read the objects of a store directory and compare them with their IDs.

    What seems wrong is read once more, so that one misread, or an object that others move or remove meanwhile, is never
    reported. Objects may be put, moved and removed by others all the time.

    sample: a float from 0 to 1 is the part of the objects to check, an int how many; all by default.
    seed: another one chooses other objects; n successive seeds of a part of 1/n together check everything.
    time_limit: seconds, or a timedelta, after which no other object is begun; at least one is checked.
    resume: a report that is not complete, or its cursor: the objects up to it are left out.
    quarantine: move corrupt objects to `quarantine/` in the root, under a name that is not taken.
    drop_cache: tell the system to forget what was read, so that the next reader reads the disk again.
    workers: threads, by default one a processor.
    progress: as in `scan`; the total is that of the objects to check.

    Raises StoreError for a root that cannot be listed. KeyboardInterrupt stops the work at once.
    """
    options: VerifyOptions = {
        "sample": sample,
        "seed": _seed(seed),
        "time_limit": None if time_limit is None else _seconds("time_limit", time_limit),
        "workers": workers,
        "resume": _cursor(resume),
        "quarantine": bool(quarantine),
        "drop_cache": bool(drop_cache),
    }
    values = _watched(root, progress, lambda tick: store_verify(root, options, tick))
    omitted: dict[str, int] = {}
    lists = {kind: _listed(kind, values, omitted) for kind in KINDS}

    def told(kind: str) -> list[StoreFinding]:
        return [StoreFinding(path, code, _MESSAGES[code]) for path, code in lists[kind]]

    return StoreReport(
        values["checked"],
        values["bytes"],
        corrupt=[_corrupt(*found) for found in lists["corrupt"]],
        unreadable=[StoreFinding(path, "unreadable", message) for path, message in lists["unreadable"]],
        misplaced=[StoreFinding(path, code, _MESSAGES[code], c4id) for path, c4id, code in lists["misplaced"]],
        stray=told("stray"),
        temporary=told("temporary"),
        quarantined=lists["quarantined"],
        complete=values["complete"],
        cursor=values["cursor"],
        omitted=omitted,
    )


def collect_garbage(
    root: StrPath,
    roots: _Root | Iterable[_Root],
    *,
    dry_run: bool = True,
    grace: float | timedelta = DEFAULT_GRACE,
    progress: Progress = None,
) -> GcReport:
    """Remove the objects of a store directory that no root refers to and that are older than a grace.

    roots: manifests, as Manifest, as the path of a c4m file or as its text in bytes; and IDs of objects, which are
    kept, with all they refer to if they are manifests. Followed are all states of a patch chain and its base, the
    listings of directories, the members of sequences, and files whose names end in `.c4m`, wherever the store has them.
    Of a manifest itself is kept what it is stored as: the listing of its top level, its canonical text, its bytes.
    dry_run: only report what would be removed; nothing at all is changed.
    grace: seconds, or a timedelta; what was written or put since is kept. The default is a day.
    progress: as in `scan`; the total is 0, since it is not known.

    Puts of c4py may go on at the same time: an object that is put while it is being removed stays. Other tools do not
    make an object young again that they find already there: unless the grace covers all that they are doing, run this
    when they do not write. Directories are left in place, and so are objects that no reader finds.

    Raises, before anything is removed, for a root of which it is not known what it refers to: OSError or ParseError for
    a file, StoreCorrupt for a listing whose content is not that of its ID, StoreError for a base, a listing or an
    object that the store does not have, and for a store that cannot be listed. ValueError when there are no roots,
    since everything would be removed.
    """
    given = _roots(roots)
    if not given:
        raise ValueError("roots must hold at least one: without any, everything would be removed")
    seconds = _seconds("grace", grace)
    values = _watched(root, progress, lambda tick: store_gc(root, given, bool(dry_run), seconds, tick))
    omitted: dict[str, int] = {}
    values["removed_count"] = values["removed"][1]
    for name in ("removed", "unresolved", "failed"):
        values[name] = _listed(name, values, omitted)
    values["failed"] = [StoreFinding(path, "failed", message) for path, message in values["failed"]]
    return GcReport(**values, omitted=omitted)


def verify_store(
    store: IterableStore,
    *,
    sample: float | None = None,
    seed: int = 0,
    time_limit: float | timedelta | None = None,
    progress: Progress = None,
    workers: int = 1,
    resume: StoreReport | C4ID | str | None = None,
) -> StoreReport:
    """Read the objects of any store that lists them and compare them with their IDs, as `verify_directory` does.

    The IDs are listed first, and held in memory. An object that is gone by the time it is read (`get` raises a
    KeyError) is left out, unless all of them are: a store that has nothing of what it lists is not sound. One that
    cannot be read (OSError) is in the report. workers: threads that call `get` at once.
    """
    import time

    if isinstance(workers, bool) or not isinstance(workers, int):
        raise TypeError(f"workers must be int, not {type(workers).__name__}")
    if not 1 <= workers <= 1024:
        raise ValueError("workers must be between 1 and 1024")
    deadline = None if time_limit is None else time.monotonic() + _seconds("time_limit", time_limit)
    cursor = _cursor(resume)
    chosen = _chosen({as_id(c4id) for c4id in store}, sample, _seed(seed))
    ids = sorted(c4id for c4id in chosen if cursor is None or c4id > cursor)
    report = StoreReport(cursor=cursor)
    done = gone = 0
    with Steps(progress, total=len(ids), phase="hash") as steps:
        for c4id, found in _results(store, ids, workers, lambda: deadline is not None and time.monotonic() >= deadline):
            done += 1
            if isinstance(found, StoreFinding):
                getattr(report, found.code).append(found)
            if found is None:
                gone += 1
            elif isinstance(found, int):
                report.checked += 1
                report.bytes += found
            elif found.code == "corrupt":
                report.checked += 1
                report.bytes += found.size or 0
            report.cursor = c4id
            steps.read(found if isinstance(found, int) else 0)
            steps.begin(str(c4id), done)
        steps.end(done)
    if done and gone == done:
        report.unreadable.append(StoreFinding(str(ids[0]), "unreadable", "listed, and not there", ids[0]))
        if gone > 1:
            report.omitted["unreadable"] = gone - 1
    report.complete = done == len(ids)
    if report.complete:
        report.cursor = None
    return report


def _chosen(ids: set[C4ID], sample: float | None, seed: int) -> Iterable[C4ID]:
    """Choose as the core does: by the first 64 bits of the digests, from a place on that depends on the seed."""
    if sample is None:
        return ids
    if isinstance(sample, bool) or not isinstance(sample, (int, float)):
        raise TypeError(f"sample must be float, int or None, not {type(sample).__name__}")
    if not (0 <= sample <= 1 if isinstance(sample, float) else sample >= 0):
        raise ValueError(f"sample must be a float from 0 to 1, or an int of 0 or more, not {sample}")
    if isinstance(sample, float):
        width = math.ceil(sample * _NUMBERS)
        return (c4id for c4id in ids if (_number(c4id) - seed * width) % _NUMBERS < width)
    return sorted(ids, key=lambda c4id: (_number(c4id) - seed * _GOLDEN) % _NUMBERS)[:sample]


def _number(c4id: C4ID) -> int:
    return int.from_bytes(c4id.digest[:8], "big")


def _results(
    store: IterableStore, ids: list[C4ID], workers: int, is_late: Callable[[], bool]
) -> Iterator[tuple[C4ID, StoreFinding | int | None]]:
    """Check objects in order, until time runs out; at least one."""
    if workers == 1:
        # In this thread: a store of the user's own may know no other.
        for number, c4id in enumerate(ids):
            if number and is_late():
                return
            yield c4id, _checked(store, c4id)
        return
    from collections import deque
    from concurrent.futures import Future, ThreadPoolExecutor

    pending: deque[tuple[C4ID, Future[StoreFinding | int | None]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="c4-verify") as pool:
        for number, c4id in enumerate(ids):
            if number and is_late():
                break
            pending.append((c4id, pool.submit(_checked, store, c4id)))
            if len(pending) == 2 * workers:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()


def _checked(store: IterableStore, c4id: C4ID) -> StoreFinding | int | None:
    """Bytes of an object that is what its ID says, or what is wrong with it; None when it is gone."""
    for attempt in (1, 2):
        try:
            stream = store.get(c4id)
            try:
                counted = _Counted(stream)
                actual = identify(counted)
            finally:
                stream.close()
        except KeyError:
            return None
        except StoreCorrupt as error:
            # The store hashes what it gives itself; how much that was, a reader with a buffer does not tell.
            found = _corrupt(c4id, error.actual, str(c4id), None)
        except OSError as error:
            found = StoreFinding(str(c4id), "unreadable", str(error), c4id)
        else:
            if actual == c4id:
                return counted.bytes
            found = _corrupt(c4id, actual, str(c4id), counted.bytes)
        # A misread, or a connection that broke: once more.
        if attempt == 2:
            break
    return found


class _Counted:
    """A stream that counts the bytes that are read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self.stream.read(size)
        self.bytes += len(data)
        return data


def _watched(root: StrPath, progress: Progress, work: Callable[[Callable[..., object] | None], Any]) -> Any:
    with Listener(progress) as listener:
        return work(listener.of_tree(root))


def _listed(kind: str, values: dict[str, Any], omitted: dict[str, int]) -> list[Any]:
    items, count = values[kind]
    if count > len(items):
        omitted[kind] = count - len(items)
    return items  # type: ignore[no-any-return]


def _corrupt(
    c4id: C4ID, actual: C4ID, path: str, size: int | None, moved: str | None = None, failure: str | None = None
) -> StoreFinding:
    message = f"the content is that of {actual}"
    if size is not None:
        message += f", of {count(size, 'byte')}"
    if moved is not None:
        message += f"; moved to {visible(moved)}"
    if failure is not None:
        message += f"; it could not be moved to quarantine: {failure}"
    return StoreFinding(path, "corrupt", message, c4id, actual, size, moved)


def _roots(roots: Any) -> list[_Root]:
    if isinstance(roots, (Manifest, C4ID, str, bytes, os.PathLike)):
        return [roots]
    try:
        return list(roots)
    except TypeError:
        expected = "Manifest, C4ID, path or bytes, or an iterable of these"
        raise TypeError(f"roots must be {expected}, not {type(roots).__name__}") from None


def _seconds(argument: str, value: object) -> float:
    total_seconds = getattr(value, "total_seconds", None)
    if total_seconds is not None:
        value = total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{argument} must be seconds or a timedelta, not {type(value).__name__}")
    if not value >= 0:
        raise ValueError(f"{argument} must be 0 seconds or more, not {value}")
    return float(min(value, 10**18))


def _seed(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed must be int, not {type(seed).__name__}")
    return seed % _NUMBERS


def _cursor(resume: StoreReport | C4ID | str | None) -> C4ID | None:
    if isinstance(resume, StoreReport):
        if resume.complete:
            raise ValueError("resume is a report that is complete: there is nothing left to check")
        return resume.cursor
    if isinstance(resume, str):
        return _parse(resume)
    if resume is None or isinstance(resume, C4ID):
        return resume
    raise TypeError(f"resume must be StoreReport, C4ID or str, not {type(resume).__name__}")

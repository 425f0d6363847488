"""What is said of stores: counts, findings, reports."""

from __future__ import annotations

from c4py._rust import C4ID, human_size, utf8_name
from c4py._visible import visible
from c4py.errors import StoreCorrupt, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["KINDS", "GcReport", "StoreFinding", "StoreReport", "StoreStats", "count"]

#: Findings of a kind that are shown.
_SHOWN = 20

#: The lists of a StoreReport, by name, with what they are called in a sentence.
KINDS = {
    "corrupt": "corrupt",
    "unreadable": "unreadable",
    "misplaced": "misplaced",
    "stray": "stray",
    "temporary": "temporary",
    "quarantined": "in quarantine",
}


def count(number: int, what: str) -> str:
    """Write how many there are of something."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class _Record:
    """Values by their names; equal ones have equal values."""

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # values can change

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    def __reduce__(self) -> tuple[object, ...]:
        return _made_again, (type(self), dict(zip(self.__slots__, self._values(), strict=True)))


def _made_again(cls: Callable[..., _Record], values: dict[str, object]) -> _Record:
    return cls(**values)


class StoreStats(_Record):
    """What a store holds.

    objects: how many. bytes: of all of them. depths: of a directory, how many objects lie in the root, in `c4/`, in
    `c4/xx/` and so on. misplaced: objects that no reader finds, or that lie in two places. stray: things that do not
    belong there. temporary: temporary files, and directories of writers. quarantined, quarantined_bytes: files that
    were taken out as corrupt.
    """

    __slots__ = (
        "bytes",
        "depths",
        "misplaced",
        "objects",
        "quarantined",
        "quarantined_bytes",
        "stray",
        "temporary",
    )

    def __init__(
        self,
        objects: int,
        bytes: int,  # noqa: A002 - the name of the value
        depths: Iterable[int] = (),
        misplaced: int = 0,
        stray: int = 0,
        temporary: int = 0,
        quarantined: int = 0,
        quarantined_bytes: int = 0,
    ) -> None:
        self.objects = objects
        self.bytes = bytes
        self.depths = list(depths)
        self.misplaced = misplaced
        self.stray = stray
        self.temporary = temporary
        self.quarantined = quarantined
        self.quarantined_bytes = quarantined_bytes

    def __str__(self) -> str:
        parts = [count(self.objects, "object"), human_size(self.bytes)]
        parts += [f"{getattr(self, kind):,} {name}" for kind, name in KINDS.items() if getattr(self, kind, 0)]
        return ", ".join(parts)


class StoreFinding(_Record):
    """One thing in a store that is not an object in its place with the content of its ID.

    path: relative to the root of a directory, the ID in any other store. code: "corrupt" or "unreadable"; of an object
    "shadowed", "unreachable" or "taken-out"; of a stray "name", "directory", "symlink", "special" or "loop"; of a
    temporary "live", "dead", "foreign" or "hidden". message: the same in words. c4id: of an object. actual, size: the
    ID and the bytes of a corrupt one's content. moved: its path in quarantine, when it was moved there.

    `str()` is one line, what a terminal would obey escaped.
    """

    __slots__ = ("actual", "c4id", "code", "message", "moved", "path", "size")

    def __init__(
        self,
        path: str,
        code: str,
        message: str,
        c4id: C4ID | None = None,
        actual: C4ID | None = None,
        size: int | None = None,
        moved: str | None = None,
    ) -> None:
        self.path = path
        self.code = code
        self.message = message
        self.c4id = c4id
        self.actual = actual
        self.size = size
        self.moved = moved

    def _cells(self) -> tuple[str, str]:
        return visible(self.path), visible(self.message, is_escaped=True)

    def __str__(self) -> str:
        return ": ".join(self._cells())

    def _object(self) -> dict[str, str | int | None]:
        return {
            "path": utf8_name(self.path),
            "code": self.code,
            "message": visible(self.message, is_escaped=True),
            "c4id": None if self.c4id is None else str(self.c4id),
            "actual": None if self.actual is None else str(self.actual),
            "size": self.size,
            "moved": None if self.moved is None else utf8_name(self.moved),
        }


class StoreReport(_Record):
    """What a verification found; true if the store is sound as far as it was checked.

    checked, bytes: objects that were read to their end, and their bytes. corrupt: objects whose content is not that of
    their ID. unreadable: objects and directories that cannot be read. misplaced: objects that are not where they would
    be put now; harmless when "shadowed". stray: things that do not belong there. temporary: temporary files. All of
    these are lists of StoreFinding. quarantined: paths of the files in quarantine. complete: whether all objects of the
    sample were considered. cursor: where to resume, when not. omitted: how many findings of a list were counted and not
    listed.
    """

    __slots__ = (
        "bytes",
        "checked",
        "complete",
        "corrupt",
        "cursor",
        "misplaced",
        "omitted",
        "quarantined",
        "stray",
        "temporary",
        "unreadable",
    )

    def __init__(
        self,
        checked: int = 0,
        bytes: int = 0,  # noqa: A002 - the name of the value
        *,
        corrupt: Iterable[StoreFinding] = (),
        unreadable: Iterable[StoreFinding] = (),
        misplaced: Iterable[StoreFinding] = (),
        stray: Iterable[StoreFinding] = (),
        temporary: Iterable[StoreFinding] = (),
        quarantined: Iterable[str] = (),
        complete: bool = True,
        cursor: C4ID | None = None,
        omitted: Mapping[str, int] | None = None,
    ) -> None:
        self.checked = checked
        self.bytes = bytes
        self.corrupt = list(corrupt)
        self.unreadable = list(unreadable)
        self.misplaced = list(misplaced)
        self.stray = list(stray)
        self.temporary = list(temporary)
        self.quarantined = list(quarantined)
        self.complete = complete
        self.cursor = cursor
        self.omitted = dict(omitted or {})

    @property
    def is_ok(self) -> bool:
        """Whether every object that was checked is what it should be, and readers find all objects."""
        return not self.corrupt and not self.unreadable and not any(self._lost())

    def __bool__(self) -> bool:
        return self.is_ok

    def _lost(self) -> Iterator[StoreFinding]:
        return (finding for finding in self.misplaced if finding.code != "shadowed")

    def raise_if_failed(self) -> None:
        """Raise StoreCorrupt for the first corrupt object, or StoreError for whatever else is not as it should be."""
        if self.is_ok:
            return
        if self.corrupt:
            first = self.corrupt[0]
            if first.c4id is not None and first.actual is not None:
                error: StoreError = StoreCorrupt(first.c4id, first.actual)
                error.add_note(self._summary())
                raise error
        failed = [*self.unreadable, *self._lost()]
        raise StoreError(f"{self._summary()}: {'; '.join(map(str, failed[:3]))}{'; …' if len(failed) > 3 else ''}")

    def _counts(self) -> dict[str, int]:
        return {kind: len(getattr(self, kind)) + self.omitted.get(kind, 0) for kind in KINDS}

    def _summary(self) -> str:
        parts = [f"{count(self.checked, 'object')} checked", human_size(self.bytes)]
        parts += [f"{number:,} {KINDS[kind]}" for kind, number in self._counts().items() if number]
        if not self.complete:
            parts.append("not complete")
        return ", ".join(parts)

    def __repr__(self) -> str:
        return f"<c4py.StoreReport: {self._summary()}>"

    def __str__(self) -> str:
        lines = [str(finding) for kind in list(KINDS)[:-1] for finding in getattr(self, kind)]
        if not self.complete and self.cursor is not None:
            lines.append(f"resume after {self.cursor}")
        return "\n".join([*lines, self._summary()])

    def _findings(self) -> dict[str, list[StoreFinding]]:
        return {kind: getattr(self, kind) for kind in list(KINDS)[:-1]}

    def to_json(self) -> str:
        """Give the report as JSON in ASCII: its values by their names, and `ok`.

        A component of a path that is no UTF-8 or holds a "¤" is in its safe form (c4py.safename).
        """
        import json

        return json.dumps(self.as_object())

    def as_object(self) -> dict[str, object]:
        """Give what `to_json` writes."""
        values: dict[str, object] = {
            "ok": self.is_ok,
            "checked": self.checked,
            "bytes": self.bytes,
            "complete": self.complete,
            "cursor": None if self.cursor is None else str(self.cursor),
        }
        for kind, findings in self._findings().items():
            values[kind] = [finding._object() for finding in findings]
        values["quarantined"] = [utf8_name(path) for path in self.quarantined]
        values["omitted"] = self.omitted
        return values

    def _repr_html_(self) -> str:
        return _html(self._summary(), self._findings(), self._counts())


class GcReport(_Record):
    """What garbage collection removed, or would remove.

    dry_run: whether nothing was changed. marked: IDs that the roots refer to, whether or not the store has them. kept:
    objects that are marked. young: objects that are not, and are younger than the grace. removed: the IDs of the
    others, at most 10,000; removed_count, removed_bytes: of all of them. temporary: temporary files of writers that
    died, which were removed. put_back: objects that got their names back, which a run that was killed had taken out.
    unidentified: files of the roots that have no ID, so that their content is not marked. unresolved: IDs of
    directories and bases that manifests among the files refer to and the store does not have, so that what they list is
    not marked. failed: what could not be listed or removed. omitted: how many of a list were counted and not listed.
    """

    __slots__ = (
        "dry_run",
        "failed",
        "kept",
        "marked",
        "omitted",
        "put_back",
        "removed",
        "removed_bytes",
        "removed_count",
        "temporary",
        "unidentified",
        "unresolved",
        "young",
    )

    def __init__(
        self,
        *,
        dry_run: bool,
        marked: int = 0,
        kept: int = 0,
        young: int = 0,
        removed: Iterable[C4ID] = (),
        removed_count: int = 0,
        removed_bytes: int = 0,
        temporary: int = 0,
        put_back: int = 0,
        unidentified: int = 0,
        unresolved: Iterable[C4ID] = (),
        failed: Iterable[StoreFinding] = (),
        omitted: Mapping[str, int] | None = None,
    ) -> None:
        self.dry_run = dry_run
        self.marked = marked
        self.kept = kept
        self.young = young
        self.removed = list(removed)
        self.removed_count = removed_count
        self.removed_bytes = removed_bytes
        self.temporary = temporary
        self.put_back = put_back
        self.unidentified = unidentified
        self.unresolved = list(unresolved)
        self.failed = list(failed)
        self.omitted = dict(omitted or {})

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def __bool__(self) -> bool:
        return self.is_ok

    def _summary(self) -> str:
        done = "would be removed" if self.dry_run else "removed"
        parts = [
            f"{count(self.removed_count, 'object')} {done}",
            human_size(self.removed_bytes),
            f"{self.kept:,} kept",
            f"{self.young:,} too young",
        ]
        unresolved = len(self.unresolved) + self.omitted.get("unresolved", 0)
        failed = len(self.failed) + self.omitted.get("failed", 0)
        more = {
            f"temporary {done}": self.temporary,
            "put back": self.put_back,
            "files of the roots without an ID": self.unidentified,
            "lists of manifests among the files not found": unresolved,
            "failed": failed,
        }
        return ", ".join(parts + [f"{number:,} {what}" for what, number in more.items() if number])

    def __repr__(self) -> str:
        return f"<c4py.GcReport: {self._summary()}>"

    def __str__(self) -> str:
        return "\n".join([*map(str, self.failed), self._summary()])

    def to_json(self) -> str:
        """Give the report as JSON in ASCII: its values by their names, and `ok`."""
        import json

        return json.dumps(self.as_object())

    def as_object(self) -> dict[str, object]:
        """Give what `to_json` writes."""
        values: dict[str, object] = {"ok": self.is_ok}
        values |= {name: getattr(self, name) for name in self.__slots__}
        values["removed"] = [str(c4id) for c4id in self.removed]
        values["unresolved"] = [str(c4id) for c4id in self.unresolved]
        values["failed"] = [finding._object() for finding in self.failed]
        return values

    def _repr_html_(self) -> str:
        failed = len(self.failed) + self.omitted.get("failed", 0)
        return _html(self._summary(), {"failed": self.failed}, {"failed": failed})


def _html(summary: str, findings: Mapping[str, list[StoreFinding]], counts: Mapping[str, int]) -> str:
    from html import escape

    parts = [f"<div><p>{escape(summary)}</p>"]
    for kind, found in findings.items():
        if not found:
            continue
        rows = "".join(
            f"<tr><td>{escape(path)}</td><td>{escape(message)}</td></tr>"
            for path, message in (finding._cells() for finding in found[:_SHOWN])
        )
        more = counts[kind] - min(len(found), _SHOWN)
        rows += f'<tr><td colspan="2">… {more:,} more</td></tr>' if more else ""
        parts.append(f"<p><b>{escape(kind)}</b> ({counts[kind]:,})</p><table><tbody>{rows}</tbody></table>")
    return "".join([*parts, "</div>"])

"""The exceptions of c4py.

    C4Error
    ├── InvalidC4ID (ValueError)          a text or bytes that are no C4 ID
    ├── ParseError (ValueError)           a text that is no c4m manifest: .path .line .column
    │   └── EmptyPatch                    two different boundary IDs with no entry between them
    ├── PatchError (ValueError)           a patch that does not apply, a chain that contradicts itself: .section
    ├── ScanError (OSError)               entries that could not be read: .manifest .errors
    ├── UnusableManifest (ValueError)     a manifest that no directory can be: .path
    │   └── PathTraversal                 a name that would lead out of its directory
    ├── ReconcileError (OSError)          a directory that was not brought to a state, or not wholly: .result
    ├── NotADirectory (NotADirectoryError, ValueError)   a scan of something else
    ├── VerifyError                       a directory that is not what a manifest says: .report
    ├── NotARegularFile (OSError)         a pipe, socket or device where a file is needed
    ├── ChangedDuringRead (OSError)       a file that was written to while it was read
    ├── BundleError (ValueError)          a bundle that is none, or is damaged: .path
    ├── WorkspaceEmpty (RuntimeError)     a workspace into which no manifest was checked out
    └── StoreError (OSError)              a store that does not do what it should
        ├── ContentNotFound (KeyError)    content that no store asked has: .c4id .path
        │   └── MissingContent            all that a reconciliation needs and nobody has: .missing
        ├── StoreCorrupt                  content that is not what its ID says: .c4id .actual .path
        └── StoreNotConfigured (ValueError)   no store is named where one is needed, or not as it must be

What Python says itself is raised as it is: FileNotFoundError, PermissionError, IsADirectoryError, TypeError.
"""

from __future__ import annotations

import os

from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from c4py._rust import C4ID, Manifest
    from c4py.reconcile import ReconcileResult
    from c4py.scanner import ScanIssue
    from c4py.verify import VerifyReport

__all__ = [
    "BundleError",
    "C4Error",
    "ChangedDuringRead",
    "ContentNotFound",
    "EmptyPatch",
    "InvalidC4ID",
    "MissingContent",
    "NotADirectory",
    "NotARegularFile",
    "ParseError",
    "PatchError",
    "PathTraversal",
    "ReconcileError",
    "ScanError",
    "StoreCorrupt",
    "StoreError",
    "StoreNotConfigured",
    "UnusableManifest",
    "VerifyError",
    "WorkspaceEmpty",
]


class C4Error(Exception):
    """Base of the exceptions of c4py."""


class InvalidC4ID(C4Error, ValueError):
    """A text or bytes that are no C4 ID."""


class ParseError(C4Error, ValueError):
    """A text that is no c4m manifest.

    `path` is the file's path, or None; `line` and `column` count from 1, `column` is None where it is not known.
    """

    def __init__(self, message: str, *, path: object = None, line: int = 0, column: int | None = None) -> None:
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        place = f"line {line}" if column is None else f"line {line}, column {column}"
        if path is not None:
            place = f"{visible(os.fsdecode(path) if isinstance(path, bytes) else str(path))}: {place}"
        super().__init__(f"{place}: {message}" if line else message)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values, not by the text that was made of them."""
        return _parse_error, (type(self), self.message, self.path, self.line, self.column)


def _parse_error(cls: type[ParseError], message: str, path: object, line: int, column: int | None) -> ParseError:
    return cls(message, path=path, line=line, column=column)


class EmptyPatch(ParseError):
    """Two different boundary IDs with no entry between them."""


class PatchError(C4Error, ValueError):
    """A patch that does not apply, a chain that contradicts itself or whose base is not given.

    `section` is the number of the section, from 1.
    """

    def __init__(self, message: str, section: int) -> None:
        self.message = message
        self.section = section
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values."""
        return type(self), (self.message, self.section)


class ChangedDuringRead(C4Error, OSError):
    """A file that was written to, or replaced, while it was read."""


class BundleError(C4Error, ValueError):
    """A bundle that is none, is damaged or holds what no bundle does; `path` is the path in it, or None."""

    def __init__(self, message: str, path: str | None = None) -> None:
        self.message = message
        self.path = path
        super().__init__(message if path is None else f"{visible(path)}: {message}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values."""
        return type(self), (self.message, self.path)


class WorkspaceEmpty(C4Error, RuntimeError):
    """A workspace into which no manifest was checked out."""


class StoreError(C4Error, OSError):
    """A store that does not do what it should."""


class ContentNotFound(StoreError, KeyError):
    """Content that no store asked has; `c4id` is its ID, `path` what it was needed for, or None."""

    def __init__(self, c4id: C4ID, path: str | None = None) -> None:
        self.c4id = c4id
        self.path = path
        super().__init__(f"{'' if path is None else f'{visible(path)}: '}content not found: {c4id}")

    # A KeyError shows its argument as a repr.
    __str__ = Exception.__str__

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values."""
        return type(self), (self.c4id, self.path)


class MissingContent(ContentNotFound):
    """Content that a reconciliation needs and that is nowhere to be had; nothing was touched.

    `missing` is the list of (path, C4ID), `c4id` and `path` are those of the first. `note` says where nobody looked.
    """

    def __init__(self, missing: Sequence[tuple[str, C4ID]], note: str = "") -> None:
        self.missing = list(missing)
        self.note = note
        path, c4id = self.missing[0]
        super().__init__(c4id, path)
        count = len(self.missing)
        shown = "; ".join(f"{visible(path)}: {c4id}" for path, c4id in self.missing[:3])
        more = f"; and {count - 3} more" if count > 3 else ""
        entries = f"{count} entries need" if count != 1 else "1 entry needs"
        self.args = (f"{entries} content that is nowhere to be had: {shown}{more}{f' ({note})' if note else ''}",)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values."""
        return type(self), (self.missing, self.note)


class StoreCorrupt(StoreError):
    """Content of a store that is not what its ID says; `actual` is the ID of what is there.

    `path` is what it was needed for, or where in a bundle it is, or None; `holder` says what has it.
    """

    def __init__(self, c4id: C4ID, actual: C4ID, path: str | None = None, holder: str = "the store") -> None:
        self.c4id = c4id
        self.actual = actual
        self.path = path
        self.holder = holder
        place = "" if path is None else f"{visible(path)}: "
        super().__init__(f"{place}{holder} has other content under {c4id}: that of {actual}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values."""
        return type(self), (self.c4id, self.actual, self.path, self.holder)


class StoreNotConfigured(StoreError, ValueError):
    """No store is named where one is needed, or what names it is not as it must be."""


class UnusableManifest(C4Error, ValueError):
    """A manifest that no directory can be; `path` is that of the entry at fault, if it is one."""

    def __init__(self, message: str, path: str | None = None) -> None:
        self.path = path
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the values."""
        return type(self), (self.args[0], self.path)


class PathTraversal(UnusableManifest):
    """A name that would lead out of its directory: `..`, an empty one, or one with a slash; `path` is the entry's."""


class ReconcileError(C4Error, OSError):
    """A directory that was not brought to a state, or not wholly; `result` says what was done, if anything was."""

    def __init__(self, message: str, result: ReconcileResult | None = None) -> None:
        self.result = result
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the result."""
        return type(self), (self.args[0], self.result)


class NotADirectory(C4Error, NotADirectoryError, ValueError):
    """A path that should be a directory and is something else."""


class NotARegularFile(C4Error, OSError):
    """A pipe, socket or device where a file is needed; it is not read."""


class ScanError(C4Error, OSError):
    """A scan that could not read everything.

    `manifest` holds all entries, those that could not be read with no ID; `errors` is the list of ScanIssue.
    """

    def __init__(self, manifest: Manifest, errors: Sequence[ScanIssue]) -> None:
        self.manifest = manifest
        self.errors = list(errors)
        shown = "; ".join(str(error) for error in self.errors[:3])
        more = f"; and {len(self.errors) - 3} more" if len(self.errors) > 3 else ""
        count = f"{len(self.errors)} problem{'s' if len(self.errors) != 1 else ''}"
        super().__init__(f"the scan met {count}: {shown}{more}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the manifest and the list."""
        return type(self), (self.manifest, self.errors)


class VerifyError(C4Error):
    """A directory that is not what a manifest says; `report` is the VerifyReport."""

    def __init__(self, report: VerifyReport) -> None:
        self.report = report
        super().__init__(f"{visible(report.root)} is not what the manifest says: {_findings(report)}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the report."""
        return type(self), (self.report,)


def _findings(report: VerifyReport) -> str:
    """Count what failed, with the first paths of each list."""
    from c4py.report.outcome import failing

    parts = []
    for name in failing(report):
        if listed := getattr(report, name):
            shown = ", ".join(visible(getattr(item, "path", item)) or "." for item in listed[:3])
            more = ", ..." if len(listed) > 3 else ""
            parts.append(f"{len(listed):,} {name.replace('_', ' ')} ({shown}{more})")
    return "; ".join(parts)

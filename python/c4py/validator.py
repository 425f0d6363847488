"""Whether a manifest is sound: all that can be said of it without a file system.

Every issue has a code. *Errors* are what cannot be read, contradicts itself, or must not touch a file system;
*warnings* are what can be used and may surprise. The codes are stable.

Lines of a text that are none.
    not-utf8                 error    a line is not UTF-8
    byte-order-mark          error    the text starts with a byte order mark
    carriage-return          error    a line holds a CR
    control-character        error    a line holds a raw control character
    directive                error    a line starts with @
    syntax                   error    a field is missing or not what it must be
    size-range               error    a size or a sum of sizes is 2^63 or more, or a size is below -1
    bad-id                   error    an ID is none
    empty-patch              error    two different boundary IDs with no entry between them

Entries that no file system can hold, or that a line cannot.
    empty-name               error    a name is empty or a slash alone
    dot-name                 error    a name is . or ..
    slash-in-name            error    a name is a path, or an escape hides its slash
    nul-in-name              error    a name or link target holds NUL
    bad-mode                 error    a mode has a file type that does not exist
    time-range               error    a time is outside the years 0 to 9999
    depth-range              error    a depth is too large to indent its line
    no-round-trip            error    an entry that is written reads back as another one

Entries that contradict each other.
    duplicate-name           error    siblings have one name; the last one wins
    file-and-directory       error    a file and a directory have one name
    through-symlink          error    a directory is a symbolic link too: its entries would lie elsewhere
    orphan                   error    an entry has no directory above it
    misplaced-entry          error    an entry does not follow the directory that it is read as a child of
    hard-link-mismatch       error    members of a hard-link group differ in ID or size
    flow-path                error    the path of a flow link holds ..
    flow-symlink             error    a flow link has the mode of a symbolic link
    sequence-range           error    a range is reversed, has step 0 or a part that is no number
    list-length              error    an ID list has another length than its sequence

Patch chains.
    chain-link               error    a boundary ID is not the ID of what stands above it
    patch-below-removal      error    a patch changes entries below a directory that it removes
    unchecked-link           warning  boundary IDs below an external base, or in a very long chain

Spelling of a text.
    non-canonical            warning  a line is not written as dumps writes it
    pretty-form              warning  the text is in the pretty form
    offset-time              warning  a time has an offset, which is not kept
    mode-zero                warning  a mode of ten dashes is read as unknown
    unsorted                 warning  an entry is not in canonical order
    no-final-newline         warning  the text does not end with a line end: it may be cut off
    sequence-name            warning  the range of a sequence becomes another one on rewriting

Names that confuse people, programs or other file systems.
    control-in-name          warning  a name holds control characters
    invisible-in-name        warning  a name holds invisible characters or turns text around
    not-utf8-name            warning  a name is not UTF-8
    trailing-backslash       warning  a name or target ends with a backslash: its line does not read back
    long-name                warning  a name has more than 255 bytes
    long-path                warning  a path has more than 4,095 bytes
    case-twins               warning  siblings differ only in case
    unicode-twins            warning  siblings differ only in Unicode normalization

Metadata.
    special-bits             warning  a mode has set-user-ID, set-group-ID or sticky bits
    special-file             warning  an entry is a device, pipe or socket
    directory-without-slash  warning  a directory by its mode has no slash
    slash-without-directory  warning  a directory by its slash has another mode
    year-zero                warning  a time lies in the year 0, which many programs do not know
    directory-id             warning  a directory's ID is not that of its entries

Links and sequences.
    empty-target             warning  a symbolic link has no target
    absolute-target          warning  a symbolic link has an absolute target
    outside-target           warning  a symbolic link leads out of the tree
    target-without-symlink   warning  an entry with a target is no symbolic link
    flow-label               warning  the location of a flow link has no valid label
    hard-link-alone          warning  a hard-link group has one member
    hard-link-directory      warning  a directory is a hard link
    huge-sequence            warning  a sequence has more than 10,000,000 members
    unused-list              warning  no entry refers to an ID list

About the spelling of a text only a text is asked: a Manifest has none. Whether IDs are those of any content is not
checked: `identify_file` and `verify` do that.
"""

from __future__ import annotations

import os
from enum import Enum

from c4py._rust import Entry, Manifest, parse_mode, utf8_name, validate_manifest, validate_path, validate_text
from c4py._rust import parse as _parse
from c4py._visible import visible
from c4py.entry import NULL_SIZE, NULL_TIMESTAMP
from c4py.id import BASE58_ALPHABET, C4_ID_LENGTH, C4_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import IO

    from c4py._types import ReadableBuffer

__all__ = [
    "BASE58_ALPHABET",
    "C4_ID_LENGTH",
    "C4_PREFIX",
    "NULL_SIZE",
    "NULL_TIMESTAMP",
    "Entry",
    "Issue",
    "Manifest",
    "Severity",
    "ValidationResult",
    "validate",
    "validate_c4id_string",
    "validate_mode_string",
]


class Severity(Enum):
    """How grave an issue is."""

    ERROR = "error"
    WARNING = "warning"


class Issue:
    """One thing that is wrong with a manifest, or worth knowing.

    line: line of the text, or place in the list of a Manifest, from 1; 0 for the manifest as a whole. code: its kind,
    as listed in `c4py.validator`. column: character of the line, from 1; None where it is not known. path: of the
    entry; None for an issue of a line or of the whole; one of more than 4,096 bytes is cut off at its start.

    Issues cannot be changed; equal ones have equal values. `str()` is one line, what a terminal would obey escaped.
    """

    __slots__ = ("code", "column", "line", "message", "path", "severity")

    severity: Severity
    message: str
    line: int
    code: str
    column: int | None
    path: str | None

    def __init__(
        self,
        severity: Severity,
        message: str,
        line: int = 0,
        code: str = "",
        column: int | None = None,
        path: str | None = None,
    ) -> None:
        values = {"severity": severity, "message": message, "line": line, "code": code, "column": column, "path": path}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _values(self) -> tuple[Severity, str, int, str, int | None, str | None]:
        return self.severity, self.message, self.line, self.code, self.column, self.path

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Issue cannot be changed: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an Issue cannot be changed: {name}")

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, Issue) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __reduce__(self) -> tuple[object, ...]:
        return Issue, self._values()

    def __repr__(self) -> str:
        return (
            f"Issue({self.severity}, {self.message!r}, line={self.line}, code={self.code!r}, "
            f"column={self.column}, path={self.path!r})"
        )

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else ""
        if self.column is not None:
            place += f", column {self.column}"
        if self.path is not None:
            path = visible(self.path) or "''"
            place += f" ({path})" if place else path
        code = f" [{visible(self.code)}]" if self.code else ""
        return f"{place}{': ' if place else ''}{self.severity.value}: {visible(self.message, is_escaped=True)}{code}"


class ValidationResult:
    """The issues of a manifest, by line; true if it is valid.

    issues: a list of Issue, at most `limit` of each code. omitted: how many more there are, by code.
    """

    def __init__(self, issues: Iterable[Issue] | None = None, omitted: Mapping[str, int] | None = None) -> None:
        self.issues = list(issues or ())
        self.omitted = dict(omitted or {})

    @property
    def errors(self) -> list[Issue]:
        """The issues that are errors."""
        return [issue for issue in self.issues if issue.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Issue]:
        """The issues that are warnings."""
        return [issue for issue in self.issues if issue.severity is Severity.WARNING]

    @property
    def is_valid(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def __bool__(self) -> bool:
        return self.is_valid

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ValidationResult):
            return NotImplemented
        return (self.issues, self.omitted) == (other.issues, other.omitted)

    __hash__ = None  # type: ignore[assignment]  # its lists can change

    def __repr__(self) -> str:
        return f"<c4py.ValidationResult: {self._summary()}>"

    def __str__(self) -> str:
        return "\n".join([*map(str, self.issues), self._summary()])

    def _summary(self) -> str:
        counts = [_count(len(self.errors), "error"), _count(len(self.warnings), "warning")]
        if self.omitted:
            counts.append(f"{sum(self.omitted.values())} more not listed")
        return f"{'valid' if self.is_valid else 'not valid'}, {', '.join(counts)}"

    def to_json(self) -> str:
        """Give the result as JSON in ASCII.

        An object with `valid`, `omitted` and `issues`, each of them with the values of an Issue by their names. A
        component of a path that is no UTF-8 or holds a "¤" is in its safe form (c4py.safename).
        """
        import json

        issues = [
            {
                "severity": issue.severity.value,
                "code": issue.code,
                "message": visible(issue.message, is_escaped=True),
                "line": issue.line,
                "column": issue.column,
                "path": None if issue.path is None else utf8_name(issue.path),
            }
            for issue in self.issues
        ]
        return json.dumps({"valid": self.is_valid, "issues": issues, "omitted": self.omitted})


def validate(
    manifest: Manifest | str | ReadableBuffer | os.PathLike[str] | os.PathLike[bytes] | IO[str] | IO[bytes],
    *,
    limit: int = 1000,
) -> ValidationResult:
    r"""Check a manifest, a text, or the file at a path.

    A str that is empty or holds a line feed is a text, any other str is a path; bytes are always a text, an os.PathLike
    is always a path; an open file is read to its end. All lines of a text are checked, whatever stands in those before;
    what it says is checked as well, as of a manifest in memory. A text may have issues that the Manifest loaded from it
    has not: `load` keeps the last of siblings with one name, and no spelling. Pretty dates are in local time.

    limit: issues of each code that are listed, at least 1; the others are counted in `omitted`.

    What the text says never raises. FileNotFoundError, IsADirectoryError, PermissionError are raised for a path that
    cannot be read, TypeError for what is no manifest, ValueError for a limit below 1 and for a path with a NUL.

    >>> import c4py
    >>> print(c4py.validate("- - 1 a -\n- - 2 b\n- - 3 ../ -\n"))
    line 2: warning: the line would be written differently [non-canonical]
    line 3, column 7 (../): error: the name is that of a directory itself or of the one above [dot-name]
    not valid, 1 error, 1 warning
    """
    if not isinstance(limit, int):
        raise TypeError(f"limit must be int, not {type(limit).__name__}")
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    limit = min(limit, 2**63 - 1)
    if isinstance(manifest, Manifest):
        found = validate_manifest(manifest, limit)
    elif isinstance(manifest, os.PathLike) or (isinstance(manifest, str) and manifest and "\n" not in manifest):
        if os.path.exists(manifest) and not os.path.isfile(manifest) and not os.path.isdir(manifest):
            with open(manifest, "rb") as file:  # a pipe: Ctrl-C is heard while it is silent
                found = validate_text(file.read(), limit)
        else:
            found = validate_path(manifest, limit)
    elif not isinstance(manifest, (str, bytes, bytearray, memoryview)) and hasattr(manifest, "read"):
        found = validate_text(manifest.read(), limit)
    else:
        found = validate_text(manifest, limit)
    issues, omitted = found
    result = (
        Issue(Severity.ERROR if is_error else Severity.WARNING, message, line, code, column, path)
        for is_error, message, line, code, column, path in issues
    )
    return ValidationResult(result, omitted)


def validate_mode_string(mode_str: str) -> list[str]:
    """Give what is wrong with the mode field of a line: ten characters, or "-" for unknown. Empty if nothing is.

    >>> from c4py.validator import validate_mode_string
    >>> validate_mode_string("-rw-r--r--"), validate_mode_string("-")
    ([], [])
    """
    try:
        parse_mode(mode_str)
    except ValueError as error:
        return [str(error)]
    return []


def validate_c4id_string(id_str: str) -> list[str]:
    """Give what is wrong with the ID field of a line: a C4 ID, or "-" for none. Empty if nothing is.

    >>> from c4py.validator import validate_c4id_string
    >>> validate_c4id_string("c41")
    ['a C4 ID is 90 characters long, this is 3']
    """
    if id_str == "-":
        return []
    try:
        _parse(id_str)
    except ValueError as error:
        return [str(error)]
    return []


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

"""What differs between manifests: comparison, patches, chains of them, merging.

`c4py.diff` is the function, also after this module was imported; the names of the module are imported from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from c4py import _rust
from c4py._rust import C4ID, Entry, Manifest
from c4py.errors import PatchError
from c4py.merge import Conflict, difference, intersect, merge, union

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from c4py._rust import EntryView, ScanIssue
    from c4py._types import Entries, ReadableBuffer
    from c4py.store.manifests import SourceOfContent

__all__ = [
    "C4ID",
    "Conflict",
    "DiffResult",
    "Entry",
    "Manifest",
    "Moved",
    "PatchInfo",
    "apply_patch",
    "diff",
    "difference",
    "intersect",
    "log_chain",
    "merge",
    "patch_diff",
    "resolve_chain",
    "split_chain",
    "union",
]

#: The ID of the empty manifest, which is no secret of any store.
EMPTY = _rust.identify_bytes(b"")


class Moved:
    """One content at a path that went and at a path that came: `old` and `new` are the entries."""

    __slots__ = ("new", "old")
    __match_args__ = ("old", "new")

    old: Entry
    new: Entry

    def __init__(self, old: Entry, new: Entry) -> None:
        object.__setattr__(self, "old", old)
        object.__setattr__(self, "new", new)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moved):
            return NotImplemented
        return (self.old, self.new) == (other.old, other.new)

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[Entry]:
        return iter((self.old, self.new))

    def __repr__(self) -> str:
        return f"<Moved {self.old.path!r} to {self.new.path!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        return Moved, (self.old, self.new)


class _MovedEntries(Sequence[Moved]):
    """A sequence of Moved, made from two sequences when they are asked for."""

    __slots__ = ("_new", "_old")

    def __init__(self, old: Entries, new: Entries) -> None:
        self._old = old
        self._new = new

    def __len__(self) -> int:
        return len(self._old)

    def __getitem__(self, index: int | slice) -> Moved | _MovedEntries:  # type: ignore[override]
        if isinstance(index, slice):
            return _MovedEntries(self._old[index], self._new[index])
        return Moved(self._old[index], self._new[index])

    def __iter__(self) -> Iterator[Moved]:
        return map(Moved, self._old, self._new)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (_MovedEntries, list)):
            return NotImplemented
        return len(self) == len(other) and all(move == another for move, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        more = f", ... {len(self) - 5} more" if len(self) > 5 else ""
        return "[" + ", ".join(map(repr, self[:5])) + more + "]"

    def __reduce__(self) -> tuple[object, ...]:
        return _MovedEntries, (self._old, self._new)


class DiffResult:
    """What became of the entries of two manifests, `a` and `b`; sequences of Entry in the order of their manifest.

    added: of b, whose path is not in a. removed: of a, whose path is not in b. modified: of b, at a path of both where
    they are not the same; modified_from: the entries of a there. same: of a, at a path of both where they are the same.
    moved: pairs of a removed and an added entry with one content, which are in those as well; where several entries
    have it, they pair in canonical order. The entries read and write their manifests.
    errors: what the scans that made a and b could not read, as ScanIssue. Nobody knows whether it differs: what is
    there, below it, and the directories above, are in none of the lists.
    """

    __slots__ = ("added", "errors", "modified", "modified_from", "moved", "removed", "same")

    added: EntryView
    removed: EntryView
    modified: EntryView
    same: EntryView
    moved: Sequence[Moved]
    modified_from: EntryView
    errors: Sequence[ScanIssue]

    def __init__(
        self,
        added: Entries | None = None,
        removed: Entries | None = None,
        modified: Entries | None = None,
        same: Entries | None = None,
        moved: Sequence[Moved] | None = None,
        *,
        modified_from: Entries | None = None,
        errors: Sequence[ScanIssue] | None = None,
    ) -> None:
        for name, value in (
            ("added", added),
            ("removed", removed),
            ("modified", modified),
            ("same", same),
            ("moved", moved),
            ("modified_from", modified_from),
            ("errors", errors),
        ):
            setattr(self, name, [] if value is None else value)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added, removed or modified, and all of it is known."""
        return not (len(self.added) or len(self.removed) or len(self.modified) or len(self.errors))

    def summary(self) -> str:
        """Say in one line how many entries there are of each kind.

        >>> from c4py import diff, loads
        >>> diff(loads("- - 1 a -"), loads("- - 2 a -")).summary()
        '0 added, 0 removed, 1 modified, 0 same'
        """
        counts = ", ".join(f"{len(getattr(self, kind)):,} {kind}" for kind in ("added", "removed", "modified", "same"))
        counts += f" ({len(self.moved):,} moved)" if len(self.moved) else ""
        return counts + (f", {len(self.errors):,} unreadable" if len(self.errors) else "")

    def to_json(self) -> str:
        """Write the result as a JSON object.

        "added", "removed" and "modified" are lists of entries: objects with path, type, mode (a number), mtime
        (seconds), size, c4id and target, null for what is unknown. "moved" is a list of {"old": entry, "new": entry},
        "same" a count, "errors" a list of objects with path, code and message. A component of a path or target that is
        no UTF-8 or holds a "¤" is in its safe form, as in the Arrow columns; `c4py.safename.unsafe_name` reads it.
        """
        from c4py._json import diff_json

        return diff_json(self)

    def _repr_html_(self) -> str:
        """Show the result in a notebook."""
        from c4py._html import diff_html

        return diff_html(self)

    def __rich__(self) -> object:
        """Show the result as a table of rich."""
        from c4py._rich import diff_table

        return diff_table(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DiffResult):
            return NotImplemented
        return all(
            list(getattr(self, kind)) == list(getattr(other, kind))
            for kind in ("added", "removed", "modified", "same", "moved", "errors")
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<c4py.DiffResult: {self.summary()}>"

    def __reduce__(self) -> tuple[object, ...]:
        return _diff_result, tuple(getattr(self, kind) for kind in sorted(self.__slots__))


def _diff_result(*values: Entries) -> DiffResult:
    return DiffResult(**dict(zip(sorted(DiffResult.__slots__), values, strict=True)))  # type: ignore[arg-type]


class PatchInfo:
    """A section of a chain and the state after it.

    index: from 1. c4id: the ID of the state after the section. added, removed, modified: paths that are new, gone, or
    have another ID than in the state before; 0 for a first state. is_base: whether the section is a first state.
    entry_count: entries of the state after the section; dir_count: those of them that are directories.
    """

    __slots__ = ("added", "c4id", "dir_count", "entry_count", "index", "is_base", "modified", "removed")
    #: In the order of the arguments.
    _FIELDS = ("index", "c4id", "added", "removed", "modified", "is_base", "entry_count", "dir_count")

    def __init__(
        self,
        index: int,
        c4id: C4ID | None,
        added: int = 0,
        removed: int = 0,
        modified: int = 0,
        is_base: bool = False,
        entry_count: int = 0,
        dir_count: int = 0,
    ) -> None:
        self.index = index
        self.c4id = c4id
        self.added = added
        self.removed = removed
        self.modified = modified
        self.is_base = is_base
        self.entry_count = entry_count
        self.dir_count = dir_count

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, field) for field in self._FIELDS)

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, PatchInfo) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = zip(self._FIELDS, self._values(), strict=True)
        return "PatchInfo(" + ", ".join(f"{field}={value!r}" for field, value in values) + ")"

    def __reduce__(self) -> tuple[object, ...]:
        return PatchInfo, self._values()


def diff(a: Manifest, b: Manifest) -> DiffResult:
    r"""Compare two manifests by full path.

    Two entries at one path are the same when both have an ID and IDs and modes are equal, or else when mode, size, time
    and link target are. An ID says what content is, so a changed time alone is no change where there are IDs. What a
    scan could not read is neither the same nor modified: it is in `errors` alone.

    >>> import c4py
    >>> old = c4py.loads("- - 1 a -\n- - 2 b -\n")
    >>> new = c4py.loads("- - 1 a -\n- - 3 c -\n")
    >>> [entry.path for entry in c4py.diff(old, new).added]
    ['c']
    """
    found = _rust.diff(a, b)
    result = DiffResult(
        added=found["added"],
        removed=found["removed"],
        modified=found["modified"],
        same=found["same"],
        moved=_MovedEntries(found["moved_from"], found["moved_to"]),
        modified_from=found["modified_from"],
        errors=[issue for manifest in (a, b) for issue in manifest.errors if issue.is_error],
    )
    if result.errors:
        from c4py._unread import leave_out

        leave_out(result, (a, b))
    return result


def patch_diff(old: Manifest, new: Manifest, *, pretty: bool = False, closed: bool = False) -> str:
    """Give the patch that turns one manifest into another, as c4m text.

    Its first line is the ID of `old`; then come the entries that changed, each below the directories that lead to it.
    Appended to the text of `old` it makes a chain whose last state is `new`; nothing follows the ID when no line
    differs. Any field of a line counts. Entries that have no parent and ID lists of sequences are not part of a patch.

    A directory whose own line is the same while something below it changed is named twice, in two sections: its line
    alone would remove it.

    pretty: write the entries in the form for people, with dates in local time.
    closed: write the ID of `new` as the last line, as the command `diff` does, and "" when no line differs.

    What a scan could not read is without an ID in its manifest, and as such in a patch: see `manifest.errors`.

    Raises ValueError for a time outside the years 0 to 9999.
    """
    return _rust.patch_diff(old, new, pretty=pretty, closed=closed).decode()


def apply_patch(base: Manifest, patch_entries: Manifest | Iterable[Entry]) -> Manifest:
    """Apply a patch to a manifest and return the result, in canonical order; both stay as they are.

    `patch_entries` are the entries of one section, or the manifest that a patch's text was loaded as, all sections of
    which are applied. An entry that equals one of the base in every field of its line removes it, with all below it;
    one that differs replaces it; a new path adds. Without entries the result is the base. Of the IDs between the
    sections of a text only the first is compared.

    Raises PatchError, a ValueError with the number of the section, when the text is a patch of another manifest, or
    when an entry has no directory above it in the patch. Nothing is applied then.
    """
    return _rust.apply_patch(base, patch_entries)


def resolve_chain(
    manifest: Manifest,
    *,
    base: Manifest | None = None,
    store: SourceOfContent | None = None,
    stop_at: int | None = None,
) -> Manifest:
    """Give the state of a chain after its first `stop_at` sections, by default after all of them.

    As with `c4 patch -n`, zero, a negative number or one that is larger than the count of sections mean all. A manifest
    that was no chain is its own state. A chain that continues from an external manifest (`manifest.base`) needs that
    manifest, as `base` or in a `store` that has its text, and those of the directories in it, under their IDs.

    Raises PatchError, a ValueError with the number of the section, when the base is not given or is another one, or is
    in the store and has a directory without an ID, to whose entries nothing leads; ContentNotFound, when it is not in
    the store; and StoreCorrupt when what the store has is not what its ID says.
    """
    base = chain_base(manifest, base=base, store=store)
    return _rust.resolve_chain(manifest, base, 0 if stop_at is None else stop_at)


def log_chain(
    manifest: Manifest, *, base: Manifest | None = None, store: SourceOfContent | None = None
) -> list[PatchInfo]:
    """List the sections of a chain, each with the ID of the state after it and what it changed.

    A manifest that was no chain is one section; an empty one is none. The first section of a chain that continues from
    an external manifest counts as a first state unless that manifest is given, as `base` or in a `store`. Each section
    costs as much as reading the state after it: a long chain over a large manifest takes its time.
    """
    return [PatchInfo(*values) for values in _rust.log_chain(manifest, chain_base(manifest, base=base, store=store))]


def split_chain(text: str | ReadableBuffer, n: int) -> tuple[str, str]:
    """Cut the text of a chain after its section `n`, counted from 1.

    The first text is the state there, as a manifest; the second the sections after it, as a chain that continues from
    that state, or "" when there are none. Of several boundaries with nothing between them the last counts.

    Raises ParseError for a text that is no chain and ValueError when `n` is not one of its sections.
    """
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"n must be int, not {type(n).__name__}")
    if n < 1:
        raise ValueError(f"n must be 1 or more, not {n}")
    before, after = _rust.split_chain(text, min(n, 2**63 - 1))
    return before.decode(), after.decode()


def chain_base(
    manifest: Manifest, *, base: Manifest | None = None, store: SourceOfContent | None = None
) -> Manifest | None:
    """Find the manifest that a chain continues from, where it is not the chain's own; None where it is not at hand.

    The empty manifest is known by its ID, and in no store that nobody put it into.
    """
    if store is not None and not hasattr(store, "get"):
        raise TypeError(f"store must have a method get, not {type(store).__name__}")
    if base is not None or manifest.base is None:
        return base
    if manifest.base == EMPTY:
        return Manifest()
    if store is None:
        return None
    from c4py.store.manifests import load_stored, unknown_directory, with_directories

    found = load_stored(store, manifest.base, recursive=False)
    if found.base is not None:
        raise PatchError(f"section 1 continues from {manifest.base}, which is a patch of {found.base} itself", 1)
    found = with_directories(found, store)
    unknown = unknown_directory(found)
    if unknown is not None:
        from c4py._visible import visible

        what = f"{manifest.base}, which has no ID for {visible(unknown)}: nothing says what is in it"
        raise PatchError(f"section 1 continues from {what}", 1)
    return found

"""Arguments of verbs that take a tree: a directory, a manifest, or `-` for a manifest on standard input.

A directory is scanned as `c4py id` does it, so that its manifest is that of `c4py id`, whatever it is compared with.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

import c4py
from c4py._rust import loads
from c4py._visible import visible
from c4py.cli import CommandError, fail, issue_text
from c4py.cli.chain import configured_store, note_contradiction, read_text
from c4py.cli.parser import output_inside
from c4py.diff import chain_base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, TypedDict, Unpack

    from c4py._types import Progress
    from c4py.store import FSStore, MultiStore, ObjectStore

    class ScanArguments(TypedDict, total=False):
        """What a scan is told; `c4py.scan` says what it means."""

        mode: Literal["structure", "metadata", "full"]
        store: FSStore | MultiStore | ObjectStore | None
        progress: Progress
        exclude: Sequence[str | bytes]
        workers: int | None
        guide: c4py.Manifest | None


def read_tree(
    verb: str, path: str, *, is_printed: bool = False, **options: Unpack[ScanArguments]
) -> tuple[c4py.Manifest, int]:
    """Read a manifest, or scan a directory, whose content goes into the store where one is given.

    What could not be read is told; the exit code is 3 then, and 0 otherwise. A chain is its last state. is_printed is
    that of `scan_tree`.
    """
    if os.path.isdir(path):
        return scan_tree(verb, path, is_printed=is_printed, **options)
    return whole(verb, path, read_manifest(verb, path)), 0


def read_trees(
    verb: str, paths: Sequence[str], *, is_printed: bool = False, **options: Unpack[ScanArguments]
) -> list[tuple[c4py.Manifest, int]]:
    """Read several trees as `read_tree` does; one that is named twice is read, and told of, once."""
    read = {path: read_tree(verb, path, is_printed=is_printed, **options) for path in dict.fromkeys(paths)}
    return [read[path] for path in paths]


def scan_tree(
    verb: str,
    path: str,
    *,
    link_ids: Literal["follow", "inside", "none"] = "follow",
    link_guide: c4py.Manifest | None = None,
    is_printed: bool = False,
    **options: Unpack[ScanArguments],
) -> tuple[c4py.Manifest, int]:
    """Scan a directory; what was stored is durable when the manifest is returned. The exit code is as in `read_tree`.

    is_printed: whether what comes of it is printed. Output into a file that the manifest lists is refused then, where
    it can be before the scan: the manifest would tell how that file was before.
    """
    is_any_excluded = bool(options.get("exclude")) or "C4_EXCLUDE_FILE" in os.environ
    printed = output_inside(path) if is_printed else ""
    if printed and not is_any_excluded:
        raise _listed_output(verb, path, printed)
    manifest = c4py.scan(path, on_error="record", link_ids=link_ids, link_guide=link_guide, **options)
    store = options.get("store")
    if store is not None:
        store.flush()
    if printed and printed in manifest:
        raise _listed_output(verb, path, printed)
    return manifest, tell_issues(verb, manifest, path)


def _listed_output(verb: str, directory: str, name: str) -> CommandError:
    path = visible(os.path.join(directory, name))
    return CommandError(
        f"c4py {verb}: the output {path} lies in the directory that is read, and would not be what is said of it: "
        f"write it elsewhere, or leave it out with --exclude {visible(name)}"
    )


def tell_issues(verb: str, manifest: c4py.Manifest, root: str) -> int:
    """Print what a scan could not read, and what else is worth knowing; give the exit code, 3 or 0."""
    for issue in manifest.errors:
        fail(f"c4py {verb}: {issue_text(issue, root)}", 0)
    return 3 if any(issue.is_error for issue in manifest.errors) else 0


def read_manifest(verb: str, path: str) -> c4py.Manifest:
    """Read a manifest from a path or standard input; its `base` is set where it continues from another one."""
    if path != "-":
        return c4py.load(path)
    try:
        return loads(read_text(path))
    except c4py.ParseError as error:
        raise CommandError(f"c4py {verb}: standard input: {visible(str(error), is_escaped=True)}") from None


def whole(verb: str, path: str, manifest: c4py.Manifest) -> c4py.Manifest:
    """Give the last state of a chain that continues from a manifest in the configured store.

    The entries of a patch alone are no tree: everything that it does not name would look removed.
    """
    if manifest.base is None:
        note_contradiction(verb, path, manifest)
        return manifest
    name = "standard input" if path == "-" else visible(path)
    try:
        base = chain_base(manifest, store=configured_store())
        state = c4py.resolve_chain(manifest, base=base)
    except (c4py.ContentNotFound, c4py.PatchError):
        raise CommandError(
            f"c4py {verb}: {name} is a patch of {manifest.base}, which no store has whole: "
            "put it behind the manifest that it was made from, as in 'cat old.c4m patch.c4m'"
        ) from None
    note_contradiction(verb, path, manifest, base=base)
    return state


def state_before(verb: str, path: str, change: c4py.Manifest) -> c4py.Manifest:
    """Read the state that a change was made from, which `-s` has put into the store."""
    if change.base is None:
        raise CommandError(f"c4py {verb}: {visible(path)} does not begin with the ID of the state before: no change")
    from c4py.store.manifests import load_stored, unknown_directory

    before = load_stored(c4py.open_store(), change.base)
    unknown = unknown_directory(before)
    if unknown is not None:
        raise CommandError(
            f"c4py {verb}: {visible(path)}: the state before has no ID for {visible(unknown)}, and nothing says what "
            "was in it: nothing is undone"
        )
    return before


def scan_before_change(
    verb: str, path: str, target: c4py.Manifest, *, is_printed: bool = False, **options: Unpack[ScanArguments]
) -> tuple[c4py.Manifest, int]:
    """Scan a directory that is to become what a manifest says; the exit code is as in `read_tree`.

    Nothing outside is read: a link that stays as it is has the ID that the target gives it.
    """
    if not os.path.isdir(path):
        return c4py.Manifest(), 0
    return scan_tree(verb, path, link_ids="inside", link_guide=target, is_printed=is_printed, **options)


def refuse_two_streams(verb: str, paths: Sequence[str]) -> None:
    """Refuse `-` where it stands for two arguments: standard input is read once."""
    if paths.count("-") > 1:
        raise CommandError(f"c4py {verb}: standard input (-) can be one of the arguments, not two")


def refuse_output_over(
    verb: str, paths: Sequence[str], *, may_append: bool = False, hint: str = "", code: int = 1
) -> None:
    """Refuse output over an argument: the shell has emptied the file before the verb began.

    may_append: whether it may be written behind what is there. hint: what to do instead. code: the exit code.
    """
    import fcntl

    try:
        printed = os.fstat(1)
        is_appended = bool(fcntl.fcntl(1, fcntl.F_GETFL) & os.O_APPEND)
    except OSError:
        return
    if not stat.S_ISREG(printed.st_mode) or (is_appended and may_append):
        return
    what = "be written behind what it holds" if is_appended else "replace it"
    for path in paths:
        with suppress(OSError):
            if os.path.samestat(os.fstat(0) if path == "-" else os.stat(path), printed):
                name = "standard input" if path == "-" else visible(path)
                raise CommandError(f"c4py {verb}: {name} is an argument, and the output would {what}{hint}", code)

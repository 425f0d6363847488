"""`c4py id`: the c4m entries of files and directories.

The output is that of the ecosystem's `c4 id`, byte for byte. A directory is scanned; a file with the extension .c4m is
read as a manifest and written in canonical form; several files make one manifest. The first directory or manifest among
the arguments is printed alone.

With `-s` what is identified is stored as well, under the IDs that are printed: a file that is a manifest in canonical
form, every file of a directory as it is, and the one-level texts of directories. It is durable before anything is
printed. With `--json` entries are one document, that of Manifest.to_json, and bare IDs another.
"""

from __future__ import annotations

import argparse
import os
import stat
import sys

import c4py
from c4py._rust import dumps_bytes, identify_content, utf8_name
from c4py._visible import visible
from c4py.cli import CommandError, fail, issue_text
from c4py.cli.parser import Parser, scan_mode
from c4py.cli.terminal import shown_progress
from c4py.cli.tree import refuse_output_over
from c4py.scanner import read_patterns
from c4py.store import is_store_automatic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from c4py.store import FSStore, MultiStore, ObjectStore

    #: A path, None for standard input; its ID; what could not be read of it.
    Identified = tuple[str | None, c4py.C4ID, list[c4py.ScanIssue]]
    #: IDs of files, with what tells that they have changed since.
    Known = dict[str, tuple[tuple[int, ...], c4py.C4ID]]

EPILOG = """\
examples:
  c4py id shots/                  the manifest of a directory
  c4py id shots/ > shots.c4m      keep it
  c4py id -i plate.exr            the bare ID of a file
  c4py id -m m --exclude '*.tmp' shots/
                                  names, times and sizes only, some left out
  tar c shots | c4py id           the ID of a stream
  c4py id -c list.c4m shots/      only what list.c4m lists
  c4py id --json shots/ | jq '.entries[] | select(.size > 1e9) | .path'
                                  the large files, for a program
  c4py id --cache shots/          read only what has changed since the last time
  c4py id -s shots/ > shots.c4m   the same as without -s, and the content is stored

-s stores in the store that C4_STORE or ~/.c4/config names (see c4py store init); a line 'store_auto = true' there says
that it is always meant, unless there is -x.

--json prints {"c4id", "entries", "errors"}, and {"ids"} with -i and of standard input; what could not be read is in
"errors".

exit codes: 0 done, 1 an error, 3 some files could not be read, 130 interrupted
"""

#: What a structure scan writes for every time.
YEAR_1 = -62_135_596_800


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py id",
        description="Print the c4m entries of files and directories; without a path, the ID of standard input.",
        epilog=EPILOG,
    )
    parser.add_argument("path", nargs="*", metavar="PATH", help="a directory, a manifest (.c4m), or files")
    parser.add_argument("-i", "--id-only", action="store_true", help="print bare IDs, one a line")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("-e", "--ergonomic", action="store_true", help="print the form for people; not to be kept")
    form.add_argument("--json", action="store_true", help="print JSON")
    parser.add_quiet("print nothing, and show no progress")
    parser.add_argument("-s", "--store", action="store_true", default=None, help="store what is identified")
    parser.add_argument(
        "-x",
        "--no-store",
        dest="store",
        action="store_false",
        default=None,
        help="store nothing, whatever is configured",
    )
    parser.add_argument("-S", "--sequence", action="store_true", help="fold numbered files into sequences")
    parser.add_argument(
        "-m",
        "--mode",
        type=scan_mode,
        default="full",
        metavar="MODE",
        help="s: names only; m: modes, times and sizes as well; f: IDs as well (the default)",
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out names or paths that match"
    )
    parser.add_argument(
        "-c",
        "--continue",
        dest="only",
        metavar="MANIFEST",
        help="of a directory take only what is listed in this manifest",
    )
    parser.add_argument(
        "--cache",
        metavar="[=DIRECTORY]",
        help="do not read files that have not changed since a scan with this cache; without a directory the user's own",
    )
    parser.add_argument(
        "--exclude-file", action="append", default=[], metavar="FILE", help="a file of globs to leave out"
    )
    return parser


def _with_cache_value(arguments: Sequence[str]) -> list[str]:
    """Give `--cache` alone an empty value: else what follows it would be the value, where it is a path to scan."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [*("--cache=" if flag == "--cache" else flag for flag in arguments[:end]), *arguments[end:]]


def run(arguments: Sequence[str]) -> int:
    """Print the entries or IDs of the paths."""
    parser = build_parser()
    options = parser.parse_mixed(_with_cache_value(arguments), "path")
    if not options.path and stat.S_ISCHR(os.fstat(0).st_mode):
        parser.refuse("a PATH is expected, or something on standard input")
    if not options.quiet:
        refuse_output_over("id", options.path)
    options.store = _store(options)
    if not options.path:
        return _print_ids(options, [(None, _identify_stream(options), [])])
    if options.id_only:
        return _print_bare(options)
    # As in the reference the last of several files of one name is listed.
    entries: dict[str, c4py.Entry] = {}
    listed: dict[str, str] = {}
    known = _identify_together(options)
    for path in options.path:
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode) and not os.path.islink(path.rstrip("/")):
            # As in the reference the ID lists of sequences that were folded just now are not printed.
            _note_alone(options, path)
            return _print(options, *_scan(options, path), id_lists=False)
        if path.endswith(".c4m") and stat.S_ISREG(status.st_mode):
            _note_alone(options, path)
            manifest = c4py.load(path)
            if options.store is not None:
                from c4py.store.manifests import put_manifest

                put_manifest(options.store, manifest)
            return _print(options, manifest, 0)
        entry = _file_entry(options, path, known)
        entries[entry.name] = entry
        listed[entry.name] = path
    _note_not_printed(
        options, set(listed.values()), "of several files of one name the last is listed; -i prints the ID of each"
    )
    return _print(options, c4py.Manifest(entries.values()), 0)


def _note_alone(options: argparse.Namespace, path: str) -> None:
    _note_not_printed(
        options, {path}, f"{visible(path)} is printed alone; 'c4py merge' makes one manifest of all, -i prints bare IDs"
    )


def _note_not_printed(options: argparse.Namespace, printed: set[str], why: str) -> None:
    """Name the arguments that have no part in what is printed."""
    left_out = [visible(path) for path in options.path if path not in printed]
    if left_out and not options.quiet:
        fail(f"c4py id: note: not printed: {', '.join(left_out)}: {why}", 0)


def _store(options: argparse.Namespace) -> FSStore | MultiStore | ObjectStore | None:
    """Open the store that is written to, if one is."""
    if options.store is None:
        options.store = options.mode == "full" and is_store_automatic()
    if not options.store:
        return None
    if options.mode != "full":
        raise CommandError("c4py id: -s stores content, and -m s and -m m read none")
    return c4py.open_store(durability="batch")


def _identify_stream(options: argparse.Namespace) -> c4py.C4ID:
    from c4py.progress import Steps

    status = os.fstat(0)
    with Steps(shown_progress(options), phase="hash") as steps:
        # Of a file that is redirected it is known how long it is; of a pipe not.
        steps.bytes_total = status.st_size if stat.S_ISREG(status.st_mode) else 0
        source = steps.reading(sys.stdin.buffer)
        if options.store is None:
            return identify_content(source)
        from c4py.store.manifests import put_content

        return put_content(options.store, source)


def _identify_together(options: argparse.Namespace) -> Known:
    """Identify the files among the paths, side by side; what cannot be read has no ID here.

    It ends at the first path that is printed alone, and at one that is not there: nothing comes after them.
    """
    if options.store is not None or not (options.id_only or options.mode == "full"):
        return {}
    is_shown = shown_progress(options)
    states: dict[str, tuple[int, ...]] = {}
    for path in options.path:
        try:
            status = os.stat(path)
        except OSError:
            break
        if not options.id_only and (stat.S_ISDIR(status.st_mode) or path.endswith(".c4m")):
            break
        if stat.S_ISREG(status.st_mode):
            states[path] = _state(status)
    if len(states) < 2 and not is_shown:
        # One alone is quicker without threads.
        return {}
    from pathlib import Path

    found = c4py.identify_files(states, progress=is_shown)
    ids = ((path, state, found[Path(path)]) for path, state in states.items())
    return {path: (state, c4id) for path, state, c4id in ids if c4id is not None}


def _state(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _identify_file(options: argparse.Namespace, path: str, known: Known) -> c4py.C4ID:
    if options.store is None:
        state, c4id = known.get(path, (None, None))
        if c4id is not None and state == _state(os.stat(path)):
            return c4id
        # Of what has no ID, this says why.
        return c4py.identify_file(path)
    from c4py.store.manifests import put_file

    return put_file(options.store, path)


def _scan(options: argparse.Namespace, path: str) -> tuple[c4py.Manifest, int]:
    exclude: list[str | bytes] = list(options.exclude)
    for name in options.exclude_file:
        try:
            exclude += read_patterns(name)
        except FileNotFoundError:
            # As in the reference no error: what a shared configuration names need not be everywhere.
            fail(f"c4py id: no file of patterns {visible(name)}", 0)
    manifest = c4py.scan(
        path,
        store=options.store,
        mode=options.mode,
        exclude=exclude,
        only=options.only,
        cache=True if options.cache == "" else options.cache,
        sequences=options.sequence,
        on_error="record",
        progress=shown_progress(options),
    )
    for issue in manifest.errors:
        fail(f"c4py id: {issue_text(issue, path)}", 0)
    return manifest, 3 if any(issue.is_error for issue in manifest.errors) else 0


def _file_entry(options: argparse.Namespace, path: str, known: Known) -> c4py.Entry:
    """Give the entry of one file; a link has the ID of what it points at, and as in the reference no target."""
    bare = path.rstrip("/")
    entry = c4py.Entry(os.path.basename(bare))
    if options.mode == "structure":
        entry.timestamp_s = YEAR_1
        return entry
    status = os.lstat(bare)
    entry.mode = status.st_mode
    entry.size = status.st_size
    entry.timestamp_s = status.st_mtime_ns // 1_000_000_000
    # A link with a slash at its end is listed as it stands; what is neither file nor link is never opened.
    is_content = stat.S_ISREG(status.st_mode) or (stat.S_ISLNK(status.st_mode) and bare == path)
    if options.mode == "full" and is_content:
        entry.c4id = _identify_file(options, bare, known)
    return entry


def _print_bare(options: argparse.Namespace) -> int:
    code = 0
    ids: list[Identified] = []
    known = _identify_together(options)
    for path in options.path:
        if os.path.isdir(path):
            manifest, found = _scan(options, path)
            code = max(code, found)
            ids.append((path, manifest.compute_c4id(), manifest.errors))
        else:
            ids.append((path, _identify_file(options, path, known), []))
    _print_ids(options, ids)
    return code


def _print_ids(options: argparse.Namespace, ids: list[Identified]) -> int:
    _flush(options)
    if options.quiet:
        return 0
    if options.json:
        import json

        from c4py._json import issue_object

        objects = [
            {
                "path": None if path is None else utf8_name(path),
                "c4id": str(c4id),
                "errors": list(map(issue_object, errors)),
            }
            for path, c4id, errors in ids
        ]
        print(json.dumps({"ids": objects}))
    else:
        print(*(c4id for _, c4id, _ in ids), sep="\n")
    return 0


def _print(options: argparse.Namespace, manifest: c4py.Manifest, code: int, *, id_lists: bool = True) -> int:
    _flush(options)
    if options.quiet:
        return code
    if options.json:
        manifest.write_json(sys.stdout)
    else:
        text = dumps_bytes(manifest, pretty=options.ergonomic, id_lists=id_lists)
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
    return code


def _flush(options: argparse.Namespace) -> None:
    """Make durable what was stored, before its IDs are printed."""
    if options.store is not None:
        options.store.flush()

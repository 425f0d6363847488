"""`c4py verify`: whether a directory is what a manifest says.

What was found goes to stdout, unless a report does. A report is written as a whole or not at all, and one that cannot
be written keeps no other from being written.
"""

from __future__ import annotations

import sys

import c4py
from c4py._visible import visible
from c4py.cli import CommandError, describe, fail
from c4py.cli.parser import WRONG_USAGE, Parser, worker_count
from c4py.report.outcome import failing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

EPILOG = """\
examples:
  c4py verify delivery.c4m delivery/                read every file, and compare
  c4py verify delivery.c4m delivery/ --html report.html --junit report.xml
                                                    and write reports
  c4py verify delivery.c4m delivery/ --quick        no file is read: names, types, sizes, times
  c4py verify delivery.c4m delivery/ --sample 5%    read one file of twenty, always the same ones
  c4py id a/ | c4py verify - b/                     compare two directories

exit codes: 0 the directory is what the manifest says; 1 it is not; 2 it was not compared (wrong usage, no such
directory, no manifest), or a report could not be written; 3 some files could not be read, and nothing else is wrong;
130 interrupted
"""

#: Exit code where some files could not be read, and nothing else is wrong.
UNREADABLE = 3

#: Reports by their flags; the method of a VerifyReport has the same name.
REPORTS = ("json", "html", "csv", "junit")


def run(arguments: Sequence[str]) -> int:
    """Compare a directory with a manifest, and say what differs."""
    options = build_parser().parse_args(arguments)
    reports = {name: path for name in REPORTS if (path := getattr(options, name)) is not None}
    to_stdout = [name for name, path in reports.items() if path == "-"]
    if len(to_stdout) > 1:
        raise CommandError("c4py verify: one report can go to standard output, not two", WRONG_USAGE)
    report = _verify(options)
    code = _code(report)
    for name, path in reports.items():
        if path != "-":
            try:
                getattr(report, f"to_{name}")(path)
            except OSError as error:
                code = fail(f"c4py verify: {describe(error)}", WRONG_USAGE)
    for name in to_stdout:
        text = getattr(report, f"to_{name}")()
        sys.stdout.buffer.write(text.encode() if text.endswith("\n") else f"{text}\n".encode())
    if not options.quiet and not to_stdout:
        for line in _lines(report):
            print(line)
    return code


def _code(report: c4py.VerifyReport) -> int:
    failed = [status for status in failing(report) if report.counts[status]]
    if failed == ["unreadable"]:
        return UNREADABLE
    return 1 if failed else 0


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        usage_code=WRONG_USAGE,
        prog="c4py verify",
        description="Compare a directory with a manifest: every file is read, and has to have its ID.",
        epilog=EPILOG,
    )
    parser.add_argument("manifest", metavar="MANIFEST", help="a c4m file; - for standard input")
    parser.add_argument("directory", metavar="DIRECTORY", help="the directory that it should describe")
    for name, what in zip(REPORTS, ("JSON", "one HTML page", "CSV", "JUnit XML"), strict=True):
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write a report as {what}; - for standard output")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--quick", action="store_true", help="read no file; compare presence, type, size and time")
    much.add_argument(
        "--sample", type=_share, metavar="PART", help="read a share of the files, such as 0.1 or 10%%; always the same"
    )
    parser.add_argument("--metadata", action="store_true", help="compare modes, times and sizes as well")
    parser.add_argument("--workers", type=worker_count, metavar="N", help="threads; by default one a processor")
    parser.add_argument("--drop-cache", action="store_true", help="ask the system to read from the disk")
    parser.add_argument(
        "--accept-canonical", action="store_true", help="accept manifests that are right in canonical form"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing; the exit code tells")
    return parser


def _share(text: str) -> float:
    from argparse import ArgumentTypeError

    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise ArgumentTypeError(f"no share above 0 and up to 1 (0.1, 10%): {text!r}")
    return share


def _verify(options: argparse.Namespace) -> c4py.VerifyReport:
    return c4py.verify_tree(
        c4py.load(sys.stdin.buffer) if options.manifest == "-" else options.manifest,
        options.directory,
        workers=options.workers,
        metadata=options.metadata,
        quick=options.quick,
        sample=options.sample,
        drop_cache=options.drop_cache,
        accept_canonical=options.accept_canonical,
    )


def _lines(report: c4py.VerifyReport) -> Iterable[str]:
    """Write the result for people: one line when all is right, else a heading and the paths of each list."""
    counts = report.counts
    if report.is_ok and report.mode == "full":
        yield f"OK: {report.files_total} files verified"
    elif report.is_ok:
        how = "quick: no file was read" if report.mode == "quick" else f"sample of {report.sample:.4g}"
        yield f"OK: {report.files_total} files, {report.files_read} of them read ({how})"
    elif counts["ok"]:
        yield f"ok: {counts['ok']} {'entry matches' if counts['ok'] == 1 else 'entries match'}"
    yield from _list(counts, "missing", (f"  - {visible(path)}" for path in report.missing))
    yield from _list(
        counts,
        "corrupt",
        (
            f"  ! {visible(entry.path)}\n    expected: {entry.expected}\n    actual:   {entry.actual}"
            for entry in report.corrupt
        ),
    )
    yield from _list(counts, "extra", (f"  + {visible(path)}" for path in report.extra))
    yield from _list(
        counts,
        "unreadable",
        (f"  ? {visible(entry.path) or '.'}: {visible(entry.message, is_escaped=True)}" for entry in report.unreadable),
    )
    yield from _list(
        counts,
        "changed",
        (
            f"  ~ {visible(entry.path)}: {entry.field} {visible(entry.expected, is_escaped=True)}, "
            f"is {visible(entry.actual, is_escaped=True)}"
            for entry in report.changed
        ),
    )
    yield from _list(counts, "moved", (f"  > {visible(old.path)} is {visible(new.path)}" for old, new in report.moved))
    yield from _list(counts, "canonical_only", (f"  = {visible(entry.path)}" for entry in report.canonical_only))
    if report.mode == "full":
        yield from _list(counts, "unverified", (f"  . {visible(path)}" for path in report.unverified))
    elif counts["unverified"] and not report.is_ok:
        yield f"unverified: {counts['unverified']} entries"


def _list(counts: dict[str, int], name: str, lines: Iterable[str]) -> Iterable[str]:
    if counts[name]:
        one, many = ("value", "values") if name == "changed" else ("entry", "entries")
        yield f"{name.replace('_', ' ')}: {counts[name]} {one if counts[name] == 1 else many}"
        yield from lines

"""`c4py verify`: whether a directory is what a manifest says.

What was found goes to stdout, as lines or as JSON. A report is written as a whole or not at all, and one that cannot be
written keeps no other from being written.
"""

from __future__ import annotations

import os
import sys

import c4py
from c4py._rust import human_size
from c4py._visible import visible
from c4py.cli import describe, fail, without_number
from c4py.cli.chain import refuse_directory, refuse_overwriting
from c4py.cli.parser import WRONG_USAGE, Parser, worker_count
from c4py.cli.terminal import paint, shell_word, shown_progress
from c4py.report.outcome import NAMES, failing
from c4py.report.quantity import count, share

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

EPILOG = """\
examples:
  c4py verify delivery.c4m delivery/                read every file, and compare
  c4py verify delivery.c4m delivery/ --report report.html --report nightly.xml
                                                    write reports too: .json, .html, .csv, .xml
  c4py verify delivery.c4m delivery/ --json | jq -r '.missing[]'
                                                    the paths that are missing, for a program
  c4py verify delivery.c4m delivery/ --quick        no file is read: names, types, sizes, times
  c4py verify delivery.c4m delivery/ --sample 5%    read one file of twenty, always the same ones
  c4py id a/ | c4py verify - b/                     compare two directories

exit codes: 0 the directory is what the manifest says; 1 it is not; 2 it was not compared (wrong usage, no such
directory, no manifest), or a report could not be written; 3 some files could not be read, and nothing else is wrong;
130 interrupted
"""

#: Exit code where some files could not be read, and nothing else is wrong.
UNREADABLE = 3

#: What there is to do about a status that fails.
REMEDIES = {
    "corrupt": "copy what is corrupt or missing again, and verify again",
    "missing": "copy what is corrupt or missing again, and verify again",
    "unreadable": "make what is unreadable readable, and verify again",
    "canonical_only": "--accept-canonical accepts manifests that are right in canonical form",
    "changed": "to see what would make the directory right: c4py patch --dry-run {manifest} {directory}",
    "extra": "to see what would make the directory right: c4py patch --dry-run {manifest} {directory}",
    "unverified": "a manifest that has the IDs of all files ('c4py id') verifies what is unverified",
}


def run(arguments: Sequence[str]) -> int:
    """Compare a directory with a manifest, and say what differs."""
    options = build_parser().parse_args(arguments)
    if os.path.isdir(options.manifest) and os.path.isfile(options.directory):
        exchanged = f"{shell_word(options.directory)} {shell_word(options.manifest)}"
        return fail(f"c4py verify: the manifest comes first: c4py verify {exchanged}", WRONG_USAGE)
    refuse_directory("verify", options.manifest, WRONG_USAGE)
    for path in options.report:
        refuse_overwriting("verify", path, options.manifest, "the manifest that is compared", code=WRONG_USAGE)
    report = _verify(options)
    if not options.quiet and not any(number for status, number in report.counts.items() if status != "extra"):
        fail("c4py verify: note: the manifest has no entries", 0)
    code = _code(report)
    for path in options.report:
        try:
            report.save(path)
        except OSError as error:
            code = fail(f"c4py verify: {describe(error)}", WRONG_USAGE)
    if options.json and not options.quiet:
        print(report.to_json())
    elif not options.quiet:
        for line in _lines(report, options):
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
    parser.add_json()
    parser.add_argument(
        "--report",
        type=_report,
        action="append",
        default=[],
        metavar="FILE",
        help="write a report as well, a .json, .html, .csv or .xml (JUnit) file; as often as wanted",
    )
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
    parser.add_quiet("print nothing, and show no progress; the exit code tells")
    return parser


def _report(path: str) -> str:
    from argparse import ArgumentTypeError

    from c4py.report.file import form_of

    try:
        form_of(path)
    except ValueError as error:
        raise ArgumentTypeError(f"{error}; --json prints one") from None
    return path


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
        progress=shown_progress(options),
    )


def _lines(report: c4py.VerifyReport, options: argparse.Namespace) -> Iterator[str]:
    """Write the result for people: one line when all is right; else the paths of each list, and what is to be done."""
    counts = report.counts
    if not report.is_ok and counts["ok"]:
        yield paint(f"ok: {counts['ok']:,} {'entry matches' if counts['ok'] == 1 else 'entries match'}", "good")
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
        (
            f"  ? {visible(entry.path) or '.'}: {visible(without_number(entry.message), is_escaped=True)}"
            for entry in report.unreadable
        ),
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
        yield f"unverified: {count(counts['unverified'], 'entry', 'entries')}"
    yield from _end(report, options)


def _list(counts: dict[str, int], name: str, lines: Iterable[str]) -> Iterator[str]:
    if counts[name]:
        one, many = ("value", "values") if name == "changed" else ("entry", "entries")
        colour = "bad" if name in ("missing", "corrupt", "unreadable") else "doubtful"
        yield paint(f"{name.replace('_', ' ')}: {count(counts[name], one, many)}", colour)
        yield from lines


def _end(report: c4py.VerifyReport, options: argparse.Namespace) -> Iterator[str]:
    """Say what is to be done, and whether all is right."""
    failed = {status: report.counts[status] for status in failing(report) if report.counts[status]}
    for remedy in dict.fromkeys(REMEDIES[status] for status in failed):
        manifest = "-" if options.manifest == "-" else shell_word(options.manifest)
        yield f"next: {remedy.format(manifest=manifest, directory=shell_word(options.directory))}"
    files = count(report.files_total, "file")
    if failed:
        found = ", ".join(f"{number:,} {NAMES[status]}" for status, number in failed.items())
        yield f"{paint('FAILED', 'bad')}: {found}; {report.files_read:,} of {files} read{_bytes(report)}"
    elif report.mode == "full":
        yield f"{paint('OK', 'good')}: {files} verified{_bytes(report)}"
    else:
        how = "quick: no file was read" if report.mode == "quick" else f"sample of {share(report.sample or 0)}"
        yield f"{paint('OK', 'good')}: {files}, {report.files_read:,} of them read{_bytes(report)} ({how})"


def _bytes(report: c4py.VerifyReport) -> str:
    return f", {human_size(report.bytes_read)}" if report.bytes_read else ""

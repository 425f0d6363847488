"""A verification as one HTML page that needs nothing else: for clients, in print, in the dark, on a phone.

The page has no script and loads nothing, and says so to the browser. Long lists are cut; the JSON and CSV reports have
all of them.
"""

from __future__ import annotations

from html import escape
from itertools import chain, islice

from c4py._rust import __version__
from c4py._visible import visible
from c4py.report.frames import FrameSequence, fold
from c4py.report.outcome import NAMES, STATUSES, Outcome, counts, differing, is_failure
from c4py.report.quantity import count, duration, moment, seconds, share, size, throughput
from c4py.report.style import STYLE
from c4py.report.text import cache, scope, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from c4py.report.protocol import Report

#: Items of a section that are shown.
SHOWN = 500
#: Items of a section that are shown in a notebook.
SHOWN_IN_A_NOTEBOOK = 20

#: The colour of a status, its sign, and the pattern of its part of the bar: a class of the style sheet, a character,
#: the path of a hatch, 8 wide and high.
LOOKS = {
    "corrupt": ("bad", "✗", ""),
    "missing": ("bad", "−", "M0 8L8 0"),
    "unreadable": ("bad", "!", "M0 4H8"),
    "canonical_only": ("warn", "≈", "M0 0L8 8M0 8L8 0"),
    "changed": ("warn", "~", "M4 0V8"),
    "extra": ("move", "+", "M0 4H8M4 0V8"),
    "unverified": ("unknown", "?", "M0 0L8 8"),
    "ok": ("good", "✓", ""),
}
#: Statuses whose paths are folded into sequences.
_FOLDED = ("corrupt", "missing", "unreadable", "canonical_only", "extra")
#: Narrower than this share in percent, a part of the bar could not be seen.
_LEAST = 0.6


def to_html(report: Report) -> str:
    """Write a verification as an HTML page in UTF-8."""
    return "".join(_page(report))


def to_fragment(report: Report) -> str:
    """Write the outcome and the first of what failed as HTML for a notebook, without a style of its own."""
    unverified = (Outcome("unverified", path) for path in report.unverified[:SHOWN_IN_A_NOTEBOOK])
    failed = (outcome for outcome in chain(differing(report), unverified) if is_failure(outcome.status, report))
    rows = list(islice(failed, SHOWN_IN_A_NOTEBOOK))
    table = "".join(
        f"<tr><td>{escape(NAMES[status])}</td><td>{escape(visible(path))}</td><td>{escape(detail)}</td></tr>"
        for status, path, _, _, detail in rows
    )
    more = sum(number for status, number in counts(report).items() if is_failure(status, report)) - len(rows)
    table += f'<tr><td colspan="3">… {more:,} more</td></tr>' if more else ""
    head = f"<p><b>{escape(verdict(report))}</b></p><p>{escape(scope(report))}</p>"
    return f"<div>{head}{f'<table><tbody>{table}</tbody></table>' if table else ''}</div>"


def _page(report: Report) -> Iterator[str]:
    found = counts(report)
    title = f"{_verdict(report)[0]}: {visible(report.root)}"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    )
    yield from _head(report, found)
    yield from _facts(report)
    folded, members = _frames(report)
    if folded:
        yield from _frames_section(folded)
    groups: dict[str, list[Outcome]] = {status: [] for status in _ROWS}
    for outcome in differing(report):
        group = groups.get(outcome.status, [])
        if len(group) < SHOWN and not _is_told(outcome, members):
            group.append(outcome)
    if is_failure("unverified", report):
        groups["unverified"] = [Outcome("unverified", path) for path in report.unverified[:SHOWN]]
    for status, group in groups.items():
        if found[status] and (is_failure(status, report) or status == "canonical_only"):
            yield from _section(report, status, group, found[status])
        if status == "canonical_only" and report.changed:
            yield from _changed(report)
        if status == "extra" and report.moved:
            yield from _moved(report)
    made = (
        f"Made by c4py {escape(__version__)}. Lists are complete in the JSON and CSV reports of the same verification."
    )
    yield f"<footer>{made}</footer>\n</body>\n</html>\n"


def _verdict(report: Report) -> tuple[str, str, str]:
    """Give the verdict in a word or two, its class and its sign."""
    if not report.is_ok:
        return "Verification failed", "bad", "✗"
    if report.mode == "full":
        return "Verified", "good", "✓"
    return "No difference found", "unknown", "≈"


def _head(report: Report, found: dict[str, int]) -> Iterator[str]:
    word, look, sign = _verdict(report)
    yield "<header>\n<h1>Verification of a directory against its manifest</h1>\n"
    yield f'<p class="verdict {look}"><span class="sign" aria-hidden="true">{sign}</span>{word}</p>\n'
    yield f"<p>{escape(_sentence(report))}</p>\n</header>\n"
    total = sum(found.values())
    if total:
        # What is as it should be comes first, then the worst.
        shown = {status: found[status] for status in ("ok", *STATUSES) if found[status]}
        yield _bar(shown, total)
        yield '<ul class="legend">\n'
        for status, number in shown.items():
            yield (
                f'<li title="{escape(STATUSES[status])}">{_swatch(status)}<b>{number:,}</b> '
                f'{NAMES[status]} <span class="quiet">{escape(_part(number, total))}</span></li>\n'
            )
        yield "</ul>\n"


def _sentence(report: Report) -> str:
    """Say what was found and how, as sentences, without what the heading says."""
    texts = [scope(report)]
    if not report.is_ok or report.mode == "full":
        texts.insert(0, verdict(report).removeprefix("failed: ").removeprefix("ok: "))
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in texts)


def _part(number: int, total: int) -> str:
    part = number / total * 100
    if number == total:
        return "100%"
    return "<0.1%" if part < 0.1 else ">99.9%" if part > 99.9 else f"{part:.1f}%"


def _pattern(status: str) -> str:
    look, _, hatch = LOOKS[status]
    lines = f'<path d="{hatch}" stroke="var(--page)" stroke-width="1.6"/>' if hatch else ""
    return (
        f'<pattern id="{status}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="var(--{look})"/>{lines}</pattern>'
    )


def _swatch(status: str) -> str:
    return f'<svg aria-hidden="true"><rect width="100%" height="100%" fill="url(#{status})"/></svg>'


def _bar(shown: dict[str, int], total: int) -> str:
    """Draw the shares of the statuses; a small one is wide enough to be seen."""
    widths = {status: max(number / total * 100, _LEAST) for status, number in shown.items()}
    scale = 100 / sum(widths.values())
    label = "Outcome: " + ", ".join(f"{number:,} {NAMES[status]}" for status, number in shown.items())
    parts = [f'<svg class="bar" role="img" aria-label="{escape(label)}"><title>{escape(label)}</title><defs>']
    parts += map(_pattern, shown)
    parts.append("</defs>")
    left = 0.0
    for status in shown:
        width = widths[status] * scale
        parts.append(f'<rect x="{left:.3f}%" width="{width:.3f}%" height="100%" fill="url(#{status})"/>')
        left += width
    return "".join([*parts, "</svg>\n"])


def _facts(report: Report) -> Iterator[str]:
    yield "<dl>\n"
    for name, value, is_code in _facts_of(report):
        text = escape(visible(value, is_escaped=not is_code))
        shown = f'<span class="path">{text}</span>' if is_code else text
        yield f"<dt>{name}</dt><dd>{shown}</dd>\n"
    yield "</dl>\n"


def _facts_of(report: Report) -> Iterator[tuple[str, str, bool]]:
    yield "Directory", report.root, True
    if report.manifest_path is not None:
        yield "Manifest", report.manifest_path, True
    yield "Manifest ID", str(report.manifest_id), True
    part = "" if report.sample is None else f" of {share(report.sample)}"
    metadata = ", modes and times compared" if report.metadata else ", modes and times not compared"
    read = {"quick": ": content was not read", "sample": f"{part}: part of the content was read"}.get(report.mode, "")
    yield "Mode", f"{report.mode}{read}{'' if report.mode == 'quick' else metadata}", False
    if report.accept_canonical:
        yield "Accepted", "manifests that agree in canonical form only", False
    yield "Started", moment(report.started), False
    yield "Ended", moment(report.ended), False
    yield "Duration", duration(seconds(report)), False
    yield "Files", f"{count(report.files_total, 'file')} in the manifest, {report.files_read:,} read", False
    yield "Content", f"{size(report.bytes_total)} in the manifest, {size(report.bytes_read)} read", False
    fast = throughput(report)
    if fast:
        yield "Throughput", f"{fast}, {count(report.workers, 'worker')}", False
    if report.cache_dropped is not None:
        yield "Disk", cache(report), False
    yield "Tool", f"c4py {__version__} (C4 IDs: SMPTE ST 2114)", False


def _frames(report: Report) -> tuple[list[FrameSequence], set[str]]:
    failed: dict[str, list[str]] = {status: [] for status in _FOLDED}
    others: list[str] = []
    for outcome in differing(report):
        failed.get(outcome.status, others).append(outcome.path)
    return fold(failed, chain(others, report.unverified, report.ok))


def _is_told(outcome: Outcome, members: set[str]) -> bool:
    """Say whether the frames tell all of an outcome."""
    return outcome.path in members and not (outcome.expected or outcome.detail)


def _table(rows: Iterable[str], columns: Iterable[tuple[str, str]], more: int) -> Iterator[str]:
    columns = tuple(columns)
    # The head of one column says nothing to those who see the title above it.
    yield f"<table{' class=plain' if len(columns) == 1 else ''}>\n<thead><tr>"
    for name, look in columns:
        yield f'<th scope="col" class="{look}">{name}</th>' if look else f'<th scope="col">{name}</th>'
    yield "</tr></thead>\n<tbody>\n"
    yield from rows
    yield "</tbody>\n</table>\n"
    if more > 0:
        yield f'<p class="more">… and {more:,} more: the JSON and CSV reports have all.</p>\n'


def _title(status: str, title: str, number: int) -> str:
    look, sign, _ = LOOKS[status]
    return (
        f'<h2><span class="sign {look}" aria-hidden="true">{sign}</span>{title} '
        f'<span class="number">{number:,}</span></h2>\n'
    )


def _frames_section(folded: list[FrameSequence]) -> Iterator[str]:
    yield f'<section>\n<h2>Frames <span class="number">{count(len(folded), "sequence")}</span></h2>\n'
    yield '<p class="quiet">The range is that of the manifest.</p>\n'
    rows = (
        f'<tr><td><span class="path">{escape(sequence.name())}</span></td>'
        f"<td>{'<br>'.join(_frames_found(sequence))}</td></tr>\n"
        for sequence in folded[:SHOWN]
    )
    yield from _table(rows, (("Sequence", ""), ("Frames", "")), len(folded) - SHOWN)
    yield "</section>\n"


def _frames_found(sequence: FrameSequence) -> Iterator[str]:
    for status, numbers in sequence.found.items():
        look, sign, _ = LOOKS[status]
        of = f"of {len(sequence.expected):,}" if status != "extra" else "extra"
        tally = f"{len(numbers):,} {of}" if len(numbers) > 1 or status != "extra" else "1 extra"
        yield (
            f'<span class="sign {look}" aria-hidden="true">{sign}</span>{NAMES[status]} '
            f'<span class="mono">{escape(sequence.frames(numbers))}</span> <span class="quiet">({tally})</span>'
        )


def _section(report: Report, status: str, group: list[Outcome], number: int) -> Iterator[str]:
    yield f"<section>\n{_title(status, NAMES[status].capitalize(), number)}"
    accepted = ", accepted" if status == "canonical_only" and report.accept_canonical else ""
    yield f'<p class="quiet">{escape(STATUSES[status].capitalize())}{accepted}.</p>\n'
    told = number - len(group)
    if status in _FOLDED and len(group) < SHOWN:
        if told:
            yield f"<p>{count(told, 'path')} {'is' if told == 1 else 'are'} listed above, under Frames.</p>\n"
        told = 0
    if group:
        rows, columns = _ROWS[status]
        yield from _table(map(rows, group), columns, told)
    yield "</section>\n"


def _path(path: str) -> str:
    # The path of the root is "".
    return f'<span class="path">{escape(visible(path) or ".")}</span>'


def _path_row(outcome: Outcome) -> str:
    return f"<tr><td>{_path(outcome.path)}</td></tr>\n"


def _detail_row(outcome: Outcome) -> str:
    detail = f'<span class="path">{escape(outcome.detail)}</span>' if outcome.detail else ""
    return f"<tr><td>{_path(outcome.path)}</td><td>{detail}</td></tr>\n"


def _ids_row(outcome: Outcome) -> str:
    detail = f'<div class="quiet">{escape(outcome.detail)}</div>' if outcome.detail else ""
    return (
        f'<tr><td>{_path(outcome.path)}{detail}<div class="ids">'
        f'<span>expected</span><span class="id">{outcome.expected}</span>'
        f'<span>actual</span><span class="id">{outcome.actual}</span></div></td></tr>\n'
    )


def _changed(report: Report) -> Iterator[str]:
    number = len(report.changed)
    paths = len({change.path for change in report.changed})
    yield f"<section>\n{_title('changed', 'Changed', paths)}"
    yield f'<p class="quiet">{count(number, "value")} that the manifest says otherwise.</p>\n'
    rows = (
        f'<tr><td>{_path(change.path)}</td><td data-name="field">{escape(visible(change.field))}</td>'
        f'<td data-name="expected"><span class="mono">{escape(visible(change.expected))}</span></td>'
        f'<td data-name="actual"><span class="mono">{escape(visible(change.actual))}</span></td></tr>\n'
        for change in islice(report.changed, SHOWN)
    )
    columns = (("Path", ""), ("Field", "narrow"), ("Expected", "quarter"), ("Actual", "quarter"))
    yield from _table(rows, columns, number - SHOWN)
    yield "</section>\n"


def _moved(report: Report) -> Iterator[str]:
    number = len(report.moved)
    yield f'<section>\n<h2><span class="sign move" aria-hidden="true">→</span>Moved <span class="number">{number:,}'
    yield '</span></h2>\n<p class="quiet">The same content at another path; both paths are listed above as well.</p>\n'
    rows = (
        f'<tr><td>{_path(move.old.path)}</td><td data-name="to">{_path(move.new.path)}</td></tr>\n'
        for move in islice(report.moved, SHOWN)
    )
    yield from _table(rows, (("From", ""), ("To", "")), number - SHOWN)
    yield "</section>\n"


_ONE = (("Path", ""),)
_DETAILS = (("Path", ""), ("Note", "middle"))
#: How a path of a status is shown, and the heads of the columns.
_ROWS = {
    "corrupt": (_ids_row, _ONE),
    "missing": (_detail_row, _DETAILS),
    "unreadable": (_detail_row, (("Path", ""), ("Message", "middle"))),
    "canonical_only": (_ids_row, _ONE),
    "extra": (_detail_row, _DETAILS),
    "unverified": (_path_row, _ONE),
}

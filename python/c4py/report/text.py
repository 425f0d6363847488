"""A verification in a few lines, for people."""

from __future__ import annotations

from c4py._visible import visible
from c4py.report.outcome import NAMES, counts, is_failure
from c4py.report.quantity import count, duration, seconds, share, size, throughput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py.report.protocol import Report


def verdict(report: Report) -> str:
    """Say in one line whether a directory is what its manifest says, as far as was looked."""
    found = counts(report)
    failed = [f"{found[status]:,} {NAMES[status]}" for status in found if found[status] and is_failure(status, report)]
    if not report.is_ok:
        return f"failed: {', '.join(failed)}" if failed else "failed"
    if not sum(found.values()):
        return "ok: the manifest is empty, and so is the directory"
    if report.mode == "quick":
        return f"no difference found in {count(sum(found.values()), 'path')}; content was not read"
    if report.mode == "sample":
        return f"no difference found in {count(sum(found.values()), 'path')}; part of the content was not read"
    return f"ok: {count(sum(found.values()), 'path')} as the manifest says, content included"


def scope(report: Report) -> str:
    """Say in one line what was compared, and what was not."""
    also = ", modes and times" if report.metadata else ""
    # A file with several names is read once, and an extra one may be read to find out whether it moved.
    files = f"{count(report.files_total, 'file')} in the manifest, {report.files_read:,} read"
    if report.mode == "quick":
        return f"quick: presence, type, size and time were compared, content was not read; {files}"
    if report.mode == "sample":
        part = "" if report.sample is None else f" of {share(report.sample)}"
        return f"sample{part}{also}: the content of the others was not read; {files}"
    return f"full: content{also}; {files}"


def summary(report: Report) -> str:
    r"""Say in a few lines what was verified, how, and what was found.

    The first line is the verdict. Content that was not read is never called ok: a quick verification finds no
    difference, at best.
    """
    lines = [verdict(report), scope(report)]
    lasted = duration(seconds(report))
    if report.files_read:
        fast = throughput(report)
        total = "" if report.bytes_read == report.bytes_total else f" of {size(report.bytes_total)}"
        lines.append(f"{size(report.bytes_read)}{total} in {lasted}{fast and f', {fast}'}")
    else:
        lines.append(f"took {lasted}")
    if report.moved:
        lines.append(f"{count(len(report.moved), 'path')} moved: both missing and extra")
    if report.cache_dropped is not None:
        lines.append(cache(report))
    manifest = "" if report.manifest_path is None else f"{visible(report.manifest_path)} "
    lines.append(f"manifest {manifest}{report.manifest_id}")
    lines.append(f"directory {visible(report.root)}")
    return "\n".join(lines)


def cache(report: Report) -> str:
    """Say whether the content came from the disk; "" if that was not asked for."""
    if report.cache_dropped is None:
        return ""
    return (
        "read from the disk, as the system says"
        if report.cache_dropped
        else "the cache could not be dropped: reads may be from memory"
    )

"""Numbers as people read them: how many, how large, how long, how fast."""

from __future__ import annotations

from c4py._rust import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from c4py.report.protocol import Report


def count(number: int, what: str, plural: str = "") -> str:
    """Write how many there are of something.

    >>> from c4py.report.quantity import count
    >>> count(1, "file"), count(1200, "file"), count(2, "directory", "directories")
    ('1 file', '1,200 files', '2 directories')
    """
    return f"{number:,} {what if number == 1 else plural or f'{what}s'}"


def size(number: int) -> str:
    """Write a number of bytes for people, and exactly.

    >>> from c4py.report.quantity import size
    >>> size(5), size(123_456_789)
    ('5 bytes', '117.7 MB (123,456,789 bytes)')
    """
    exact = count(number, "byte")
    return exact if number < 1024 else f"{human_size(number)} ({exact})"


def seconds(report: Report) -> float:
    """Give how long a verification took."""
    return max((report.ended - report.started).total_seconds(), 0.0)


def duration(lasted: float) -> str:
    """Write how long something took.

    >>> from c4py.report.quantity import duration
    >>> duration(0.04), duration(12.34), duration(75), duration(3_725), duration(100_000)
    ('40 ms', '12.3 s', '1 min 15 s', '1 h 2 min 5 s', '1 d 3 h 46 min')
    """
    if lasted < 1:
        return f"{round(lasted * 1000)} ms"
    if lasted < 59.95:
        return f"{lasted:.1f} s"
    minutes, rest = divmod(round(lasted), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (0 if days else rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def moment(time: datetime) -> str:
    """Write a time, in UTC.

    >>> from datetime import datetime, timezone
    >>> from c4py.report.quantity import moment
    >>> moment(datetime(2025, 1, 1, 12, tzinfo=timezone.utc))
    '2025-01-01 12:00:00 UTC'
    """
    from datetime import UTC

    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def throughput(report: Report) -> str:
    """Write how fast content was read; "" if none was."""
    lasted = seconds(report)
    if not report.files_read or not lasted:
        return ""
    # Tenths of a file tell nothing where there are many.
    files = report.files_read / lasted
    return f"{human_size(round(report.bytes_read / lasted))}/s, {files:,.{0 if files >= 10 else 1}f} files/s"


def share(part: float) -> str:
    """Write a share as a percentage.

    >>> from c4py.report.quantity import share
    >>> share(0.05), share(0.125), share(0.00001)
    ('5%', '12.5%', '0.001%')
    """
    return f"{part * 100:.4g}%"

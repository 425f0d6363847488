"""How far long work is: what `progress` may be, wherever a function of the library takes it.

    None, False    nothing is told
    True           a bar on stderr (with rich, on a terminal), or a line there that is written over and over
    a function     called with (path, files done, files in all), or with what the function that takes it says
    an object      its `update` is called with a ScanStats

Whatever it is, it is called in the thread that called the function, about 25 times a second and at the end; an
exception in it stops the work. What `True` shows appears when the work has taken a moment, and is gone when the work
ends, however it ends; nothing else should be written to stderr meanwhile. On a terminal it is shown only in the
foreground. Where there is little room whole parts of it are left out. Names in it are text: no control character and no
markup is obeyed.

Work of one's own tells in the same way by a `Listener`, or by `Steps` where it goes through objects one by one:

>>> from c4py.progress import Steps
>>> def sizes(names, progress=None):
...     with Steps(progress, total=len(names), phase="hash") as steps:
...         for done, name in enumerate(names):
...             steps.begin(name, done)
...         steps.end(len(names))
>>> sizes(["a", "b"], progress=lambda name, done, total: print(done, total, repr(name)))
0 2 'a'
1 2 'b'
2 2 ''
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from contextlib import suppress

from c4py._rust import ScanStats, human_size
from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO, Literal, Protocol, TextIO

    from c4py._types import Progress as Progress
    from c4py._types import ProgressObserver as ProgressObserver
    from c4py._types import StrPath

    class Screen(Protocol):
        """Shows a moment in the place of the one before."""

        def show(self, stats: ScanStats, speed: Speed) -> None:
            """Show a moment."""

        def end(self) -> None:
            """Take away what is shown."""


__all__ = ["Listener", "ScanStats", "Steps"]

#: Seconds that work may take before anything of it is shown.
SHOWN_AFTER = 0.3
#: Least seconds from one picture to the next, and from one ScanStats of `Steps` to the next.
REDRAWN_AFTER, TOLD_AFTER = 0.1, 0.04
#: Seconds over which a speed is the average, and how many must have passed before the time that is left is told.
SPEED_OF, SPEED_KNOWN_AFTER = 5.0, 1.0
#: Cells of a screen that a path needs to be worth showing beside the figures.
PATH_CELLS = 16

#: Parts of a line, in the order in which they are left out where it is too long: when path and bar have no room.
LEFT_OUT = ("bytes", "files", "phase", "speed", "left", "percent")
#: Cells that a terminal takes for the `^C` that it shows.
ECHO_CELLS = 2

#: What is being done, by the phase.
PHASES = {
    "walk": "listing",
    "hash": "reading",
    "assemble": "finishing",
    "sweep": "sweeping",
    "apply": "writing",
    "copy": "copying",
    "done": "finishing",
}


class Listener:
    """Who is told how far work is; leaving the `with` block takes away what is shown.

    function: the function that was given, or None. observe: what takes a ScanStats, or None. Raises TypeError for what
    `progress` cannot be.
    """

    __slots__ = ("_display", "function", "observe")

    def __init__(self, progress: Progress[...]) -> None:
        self.function: Callable[..., object] | None = None
        self.observe: Callable[[ScanStats], object] | None = None
        self._display: _Display | None = None
        if progress is True:
            self._display = _Display()
            self.observe = self._display.update
        elif progress is not None and progress is not False:
            update = getattr(progress, "update", None)
            if callable(update):
                self.observe = update
            elif callable(progress):
                self.function = progress
            else:
                kind = type(progress).__name__
                raise TypeError(f"progress must be a function, True or an object with update(), not {kind}")

    def of_tree(self, root: StrPath) -> Callable[[ScanStats], object] | None:
        """Give what is to be called with a ScanStats by work on a directory; None where nobody listens.

        A function is called with whole paths, and not before the files are counted.
        """
        function = self.function
        if function is None:
            return self.observe
        prefix = os.path.join(os.path.abspath(os.fsdecode(root)), "")

        def call(stats: ScanStats) -> None:
            if stats.phase != "walk":
                function(os.path.join(prefix, stats.path), stats.files_done, stats.files_total)

        return call

    def update(self, stats: ScanStats) -> None:
        """Pass a moment on, if anybody takes it: a listener is what `progress` may be for work that is a part."""
        if self.observe is not None:
            self.observe(stats)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        if self._display is not None:
            self._display.end()


class Steps:
    """Work on objects one after the other that tells how far it is; leaving the `with` block takes away what is shown.

    A function is called with (name, done, total) before each object, and at the end with an empty name; what takes a
    ScanStats, also while an object is read. total, bytes_total: 0 where they are not known.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        total: int = 0,
        bytes_total: int = 0,
        phase: Literal["copy", "hash", "walk"] = "copy",
    ) -> None:
        self._listener = Listener(progress)
        self._phase = phase
        self._name = ""
        self._done = 0
        self._bytes = 0
        #: What `_bytes` is when the object is done, where its size is known.
        self._bytes_then: int | None = None
        self._next = 0.0
        self.total = total
        self.bytes_total = bytes_total

    @property
    def is_heard(self) -> bool:
        """Whether anybody takes bytes and totals: else they need not be found out."""
        return self._listener.observe is not None

    def begin(self, name: str, done: int, size: int = -1) -> None:
        """Tell which object is next, how many are done, and how large it is, where that is known."""
        self._settle()
        if size >= 0:
            self._bytes_then = self._bytes + size
        self._tell(name, done)

    def reading(self, source: BinaryIO) -> BinaryIO:
        """Give a stream that reads another, and whose bytes are told."""
        return _Counted(source, self) if self.is_heard else source  # type: ignore[return-value]

    def read(self, count: int) -> None:
        """Tell that so many more bytes were read."""
        self._bytes += count
        self._observe()

    def end(self, done: int) -> None:
        """Tell that all is done."""
        self._settle()
        self._next = 0.0
        self._tell("", done)

    def _settle(self) -> None:
        if self._bytes_then is not None:
            self._bytes, self._bytes_then = self._bytes_then, None

    def _tell(self, name: str, done: int) -> None:
        self._name, self._done = name, done
        if self._listener.function is not None:
            self._listener.function(name, done, self.total)
        self._observe()

    def _observe(self) -> None:
        observe = self._listener.observe
        if observe is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + TOLD_AFTER
        stats = ScanStats(
            self._phase,
            entries=self.total or self._done,
            files_done=self._done,
            files_total=self.total,
            bytes_done=self._bytes,
            bytes_total=self.bytes_total,
            path=self._name,
        )
        observe(stats)

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.__exit__()


class _Counted:
    """A stream whose bytes are told as they are read."""

    def __init__(self, source: BinaryIO, steps: Steps) -> None:
        self._source = source
        self._steps = steps

    def read(self, size: int = -1, /) -> bytes:
        piece = self._source.read(size)
        self._steps.read(len(piece or b""))
        return piece

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Speed:
    """How fast work goes, over the last seconds."""

    def __init__(self) -> None:
        self._phase = ""
        #: Times, bytes and files.
        self._moments: deque[tuple[float, int, int]] = deque()

    def note(self, now: float, stats: ScanStats) -> None:
        """Take note of a moment."""
        if stats.phase != self._phase:
            self._phase = stats.phase
            self._moments.clear()
        self._moments.append((now, stats.bytes_done, stats.files_done))
        while len(self._moments) > 2 and now - self._moments[0][0] > SPEED_OF:
            self._moments.popleft()

    @property
    def seconds(self) -> float:
        """How long it has been measured."""
        return self._moments[-1][0] - self._moments[0][0] if self._moments else 0.0

    @property
    def bytes(self) -> float:
        """Bytes per second."""
        return self._per_second(1)

    @property
    def files(self) -> float:
        """Files per second."""
        return self._per_second(2)

    def _per_second(self, which: int) -> float:
        return (self._moments[-1][which] - self._moments[0][which]) / self.seconds if self.seconds > 0 else 0.0


def figures(stats: ScanStats, speed: Speed) -> str:
    """Write how far work is: files, percent, bytes, speed, and the time that is left, as far as they are known.

    >>> from c4py.progress import Speed, figures
    >>> figures(c4py.ScanStats("hash", files_done=1, files_total=3, bytes_done=2048, bytes_total=8192), Speed())
    '1 of 3 files, 25 %, 2.0 KB of 8.0 KB'
    """
    return ", ".join(_figures(stats, speed).values())


def fitting(stats: ScanStats, speed: Speed, cells: int) -> tuple[str, str, int]:
    """Write what is being done and the figures that fit into so many cells; count the cells that are left for more.

    None are left where a figure was left out.

    >>> from c4py.progress import Speed, fitting
    >>> half = c4py.ScanStats("hash", files_done=1, files_total=3, bytes_done=2048, bytes_total=8192)
    >>> fitting(half, Speed(), 30)
    ('reading', '1 of 3 files, 25 %', 0)
    """
    parts = {"phase": PHASES[stats.phase], **_figures(stats, speed)}
    count = len(parts)
    for name in ("", *LEFT_OUT):
        parts.pop(name, None)
        what = parts.get("phase", "")
        words = ", ".join(text for part, text in parts.items() if part != "phase")
        rest = cells - len(what) - bool(what and words) - len(words)
        if rest >= 0:
            break
    return what, words, rest if len(parts) == count else 0


def _figures(stats: ScanStats, speed: Speed) -> dict[str, str]:
    if stats.phase == "walk":
        return {"files": f"{stats.entries:,} entries"}
    parts = {}
    if stats.files_total > 1:
        parts["files"] = f"{stats.files_done:,} of {stats.files_total:,} files"
    elif stats.files_done:
        parts["files"] = f"{stats.files_done:,} files"
    part = _part(stats)
    if part is not None:
        parts["percent"] = f"{int(100 * part)} %"
    if stats.bytes_total:
        parts["bytes"] = f"{human_size(stats.bytes_done)} of {human_size(stats.bytes_total)}"
    elif stats.bytes_done:
        parts["bytes"] = human_size(stats.bytes_done)
    if speed.bytes > 0:
        parts["speed"] = f"{human_size(int(speed.bytes))}/s"
    elif speed.files >= 1:
        parts["speed"] = f"{int(speed.files):,} files/s"
    left = _seconds_left(stats, speed)
    if left is not None:
        parts["left"] = f"{_duration(left)} left"
    return parts


def _part(stats: ScanStats) -> float | None:
    """Say which part is done, by bytes where their total is known; None where no total is."""
    if stats.bytes_total:
        return min(stats.bytes_done / stats.bytes_total, 1.0)
    return min(stats.files_done / stats.files_total, 1.0) if stats.files_total else None


def _seconds_left(stats: ScanStats, speed: Speed) -> float | None:
    if speed.seconds < SPEED_KNOWN_AFTER:
        return None
    if stats.bytes_total:
        left, rate = stats.bytes_total - stats.bytes_done, speed.bytes
    else:
        left, rate = stats.files_total - stats.files_done, speed.files
    return left / rate if left > 0 and rate > 0 else None


def _duration(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    if hours >= 100:
        return f"{hours // 24:,} days"
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _cells(text: str) -> int:
    """Count the cells of a screen that a text takes at most: no terminal takes more than two for what is not ASCII."""
    return len(text) if text.isascii() else sum(1 if c.isascii() else 2 for c in text)


def last_of_path(path: str, cells: int, encoding: str) -> str:
    """Write the end of a path that fits into so many cells, every character as one that is seen and not obeyed."""
    shown = visible(path[-cells:]).encode(encoding, "backslashreplace").decode(encoding)
    if len(path) <= cells and _cells(shown) <= cells:
        return shown
    shown = shown[-cells:]
    while _cells(shown) > cells - 3:
        shown = shown[1:]
    return "..." + shown


class _Display:
    """What `True` shows, when the work has taken a moment."""

    def __init__(self) -> None:
        self._next = time.monotonic() + SHOWN_AFTER
        self._speed = Speed()
        self._stream: TextIO | None = None
        self._screen: Screen | None = None

    def update(self, stats: ScanStats) -> None:
        """Show a moment, if it is time."""
        now = time.monotonic()
        if now < self._next or sys.stderr is None:
            return
        self._next = now + REDRAWN_AFTER
        self._speed.note(now, stats)
        try:
            if self._screen is None or self._stream is None:
                self._stream = sys.stderr
                self._screen = _screen(self._stream)
            if not _is_background(self._stream):
                self._screen.show(stats, self._speed)
        except (OSError, ValueError):
            # Work goes on although nobody can see how far it is: a stream that was closed, a terminal that is gone.
            self._next = float("inf")

    def end(self) -> None:
        """Take away what is shown."""
        if self._screen is not None and self._stream is not None:
            with suppress(OSError, ValueError):
                if not _is_background(self._stream):
                    self._screen.end()


def _is_background(stream: TextIO) -> bool:
    """Say whether a stream is a terminal at which others are in the foreground.

    What is drawn then is drawn over what they show, and `stty tostop` has who draws stopped.
    """
    if not stream.isatty():
        return False
    try:
        return os.tcgetpgrp(stream.fileno()) != os.getpgrp()
    except OSError:  # not the terminal of this process
        return True


def _screen(stream: TextIO) -> Screen:
    if stream.isatty() and (os.environ.get("TERM") or "dumb") not in ("dumb", "unknown"):
        with suppress(ImportError):
            from c4py._rich_progress import Bar

            return Bar(stream)
    return _Line(stream)


class _Line:
    """A line that is written over and over; there are no control sequences in it, so that any screen can show it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._cells = 0

    def show(self, stats: ScanStats, speed: Speed) -> None:
        columns = room(self._stream)
        what, words, rest = fitting(stats, speed, columns)
        text = " ".join(filter(None, (what, words)))
        rest -= 2
        if stats.path and rest >= PATH_CELLS:
            text += "  " + last_of_path(stats.path, rest, self._stream.encoding or "ascii")
        self._write(text)

    def end(self) -> None:
        if self._cells:
            self._write("")

    def _write(self, text: str) -> None:
        # No more than there is room for: beyond it blanks go on in the next line, where the window has become narrower.
        blanks = min(self._cells, room(self._stream)) + ECHO_CELLS if self._cells else 0
        # Ctrl-C may come when the text is there and this function has not gone on.
        self._cells = max(self._cells, _cells(text))
        self._stream.write("\r" + " " * blanks + "\r" + text)
        self._stream.flush()
        self._cells = _cells(text)


def room(stream: TextIO) -> int:
    """Count the cells that a line may have, so that it can be written over.

    After the last cell a terminal may go on in the next line, and some are for the `^C` that it shows.
    """
    from shutil import get_terminal_size

    columns = 0
    if "COLUMNS" not in os.environ:
        # That of shutil is the terminal of stdout, which may be another or none.
        with suppress(OSError, ValueError):
            columns = os.get_terminal_size(stream.fileno()).columns
    return max((columns or get_terminal_size().columns) - 1 - ECHO_CELLS, 1)

"""How far work is, as a bar of rich. Names are text: no markup and no control character in them is obeyed."""

from __future__ import annotations

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from c4py.progress import PATH_CELLS, fitting, last_of_path, room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from c4py._rust import ScanStats
    from c4py.progress import Speed

#: Cells of a bar, at least and at most.
SHORTEST, LONGEST = 8, 30


class Bar:
    """A line with a bar, figures, and the path where there is room.

    It is one line, drawn in one write and removed without knowing what is there: Ctrl-C may come at any moment.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console = Console(file=stream, force_terminal=True, highlight=False)

    def show(self, stats: ScanStats, speed: Speed) -> None:
        """Show a moment."""
        columns = room(self._stream)
        what, words, rest = fitting(stats, speed, columns)
        rest -= 1
        line = Table.grid(padding=(0, 1, 0, 0))
        parts: list[Text | ProgressBar] = [Text(text, no_wrap=True) for text in (what, words) if text]
        # Without colours what is done of a bar does not differ from what is not.
        if rest >= SHORTEST and not self._console.no_color:
            length = min(max(rest // 3, SHORTEST), LONGEST)
            parts.insert(1, _bar(stats, length))
            rest -= length + 1
        if stats.path and rest >= PATH_CELLS:
            parts.append(Text(last_of_path(stats.path, rest, self._stream.encoding or "ascii"), "dim"))
        line.add_row(*parts)
        with self._console.capture() as captured:
            self._console.print(line, end="", width=columns, no_wrap=True, crop=True)
        self._write(captured.get().rstrip("\n"))

    def end(self) -> None:
        """Take the bar away."""
        self._write("")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r{text}\x1b[K")
        self._stream.flush()


def _bar(stats: ScanStats, length: int) -> ProgressBar:
    if stats.phase != "walk":
        for done, total in ((stats.bytes_done, stats.bytes_total), (stats.files_done, stats.files_total)):
            if total:
                return ProgressBar(total=total, completed=min(done, total), width=length)
    return ProgressBar(total=None, width=length, pulse=True)

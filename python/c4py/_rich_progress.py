"""How far work is, as a bar of rich. Names are text: no markup and no control character in them is obeyed."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from c4py.progress import PHASES, figures, last_of_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from c4py._rust import ScanStats
    from c4py.progress import Speed

#: Cells of a bar, at least and at most.
SHORTEST, LONGEST = 8, 40


class Bar:
    """A line with a bar and figures, and below it the path."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, force_terminal=True, highlight=False)
        self._encoding = stream.encoding or "ascii"
        # Redrawn when there is something new: no thread of its own, which would go on while the work is held up.
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        # Whoever is killed or stopped leaves a terminal that has its cursor.
        self._console.show_cursor(True)

    def show(self, stats: ScanStats, speed: Speed) -> None:
        """Show a moment."""
        columns = self._console.width
        what, words = PHASES[stats.phase], figures(stats, speed)
        length = min(columns - len(what) - len(words) - 3, LONGEST)
        line: Table | Text = Text(f"{what} {words}", no_wrap=True, overflow="ellipsis")
        if length >= SHORTEST:
            line = Table.grid(padding=(0, 1, 0, 0))
            line.add_row(Text(what), _bar(stats, length), Text(words, no_wrap=True))
        path = last_of_path(stats.path, max(columns - 1, 4), self._encoding)
        self._live.update(Group(line, Text(path, "dim", no_wrap=True, overflow="crop")), refresh=True)

    def end(self) -> None:
        """Take the bar away."""
        self._live.stop()


def _bar(stats: ScanStats, length: int) -> ProgressBar:
    if stats.phase != "walk":
        for done, total in ((stats.bytes_done, stats.bytes_total), (stats.files_done, stats.files_total)):
            if total:
                return ProgressBar(total=total, completed=min(done, total), width=length)
    return ProgressBar(total=None, width=length, pulse=True)

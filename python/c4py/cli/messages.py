"""JSON lines of long work: what `--json` prints where there is something to tell before the end.

One JSON object a line, all of it ASCII, written out at once; "message_type" says what it tells:

    status    how far the work is, the first at once and then at most one a second
    error     what could not be done: "message"
    missing   content that is nowhere to be had: "path", "c4id"
    change    a change as a patch, before anything is touched: "patch"
    summary   what was done, last

A status has the same fields everywhere, null for what is not known: "phase" ("walk", "hash", "apply", ...), "path",
"done" and "total" (entries, files, objects or operations), "bytes_done" and "bytes_total", and "seconds" since the
start. Whoever reads has to pass over message types and fields that it does not know.
"""

from __future__ import annotations

import json
import time

from c4py._rust import utf8_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from c4py._rust import ScanStats

#: Seconds between two lines of status.
INTERVAL = 1.0


class Messages:
    """Writes JSON lines to a stream; `progress` is a value of `progress` for every function of the library."""

    def __init__(self, stream: TextIO, *, interval: float = INTERVAL) -> None:
        self._stream = stream
        self.progress = StatusMessages(self, interval)

    def send(self, message_type: str, **fields: object) -> None:
        """Write a message. Names are to be given as `utf8_name` makes them, other text of others as `visible` does."""
        self._stream.write(json.dumps({"message_type": message_type, **fields}) + "\n")
        self._stream.flush()


class StatusMessages:
    """Sends how far work is, at most once in an interval: what a function of the library calls as its `progress`."""

    def __init__(self, messages: Messages, interval: float) -> None:
        self._messages = messages
        self._interval = interval
        self._start = time.monotonic()
        self._next = self._start

    def __call__(self, *told: str | int) -> None:
        """Take (path or ID, done, total), or (type of the operation, path, its index, count of operations)."""
        match told:
            case (_, str(path), int(index), int(total)):
                self._tell("apply", path, index + 1, total)
            case (str(path), int(done), int(total)):
                self._tell(None, path, done, total)
            case _:
                raise TypeError(f"progress takes three or four values, not {told!r}")

    def update(self, stats: ScanStats) -> None:
        """Take what a scan tells."""
        if stats.phase == "walk":
            self._tell("walk", stats.path, stats.entries, None)
        else:
            self._tell(
                stats.phase, stats.path, stats.files_done, stats.files_total, stats.bytes_done, stats.bytes_total
            )

    def _tell(
        self,
        phase: str | None,
        path: str,
        done: int,
        total: int | None,
        bytes_done: int | None = None,
        bytes_total: int | None = None,
    ) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._interval
        self._messages.send(
            "status",
            phase=phase,
            path=utf8_name(path) or None,
            done=done,
            total=total or None,
            bytes_done=bytes_done,
            bytes_total=bytes_total or None,
            seconds=round(now - self._start, 3),
        )

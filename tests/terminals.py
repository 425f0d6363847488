"""Runs the command on a terminal of its own, and says what is on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from command import environment, hear_signals

#: Runs the command, and shows all progress, of quick work too. WITHOUT are modules that cannot be imported.
SHOWN = """
import os, sys
for name in os.environ.get("WITHOUT", "").split():
    sys.modules[name] = None
import c4py.progress as progress
progress.SHOWN_AFTER = progress.REDRAWN_AFTER = progress.TOLD_AFTER = 0.0
from c4py.__main__ import run
run()
"""

#: What a terminal is sent, piece by piece: a control sequence, a control character, or text.
_PIECES = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """The lines of a screen after a text was sent to it, and every line that was on it before something else."""

    def __init__(self, sent: str, columns: int) -> None:
        self.lines = [""]
        self.seen: list[str] = []
        row = column = end = 0
        for piece in _PIECES.finditer(sent):
            assert piece.start() == end, f"not understood: {sent[end : end + 20]!r}"
            end = piece.end()
            argument, command, control, text = piece.groups()
            if text:
                assert text.isprintable()
                wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
                assert column + len(text) + wide <= columns, "a line goes beyond the screen"
                # The second cell of a wide character is a blank that is not read.
                cells = "".join(c + "\0" if unicodedata.east_asian_width(c) in "WF" else c for c in text)
                line = self.lines[row].ljust(column)
                self.lines[row] = line[:column] + cells + line[column + len(cells) :]
                column += len(cells)
            elif control == "\r":
                self.seen.append(self.lines[row].replace("\0", "").rstrip())
                column = 0
            elif control == "\n":
                row, column = row + 1, 0
                self.lines += [""] * (row + 1 - len(self.lines))
            elif command == "A":
                row -= int(argument or 1)
                assert row >= 0, "above the screen"
            elif command == "K":
                self.lines[row] = "" if argument == "2" else self.lines[row][:column]
            else:
                assert command in "mhl", f"not understood: {piece[0]!r}"
        assert end == len(sent), f"not understood: {sent[end : end + 20]!r}"

    @property
    def text(self) -> str:
        """What can be read on it."""
        return "\n".join(line.replace("\0", "").rstrip() for line in self.lines).strip("\n")


def _take_terminal() -> None:
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)
    hear_signals()


class OnTerminal:
    """A command whose stderr, and whatever else is not given, is a terminal; it is killed when the test ends.

    runner: a command that runs it, which finds it in its last arguments.
    """

    def __init__(
        self,
        home: Path,
        arguments: Sequence[str | Path],
        *,
        columns: int = 120,
        code: str | None = SHOWN,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.PIPE,
        store: Path | str | None = None,
        runner: Sequence[str] = (),
        **variables: str,
    ) -> None:
        self._master, slave = pty.openpty()
        self._columns = columns
        self.sent = b""
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [*runner, sys.executable, *(["-m", "c4py"] if code is None else ["-c", code]), *map(str, arguments)]
        self.process = subprocess.Popen(
            command,
            cwd=home,
            env=environment(home, store) | {"TERM": "xterm", "LC_ALL": "C.UTF-8"} | variables,
            stdin=slave if stdin is None else stdin,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)

    def wait_for(self, is_there: Callable[[str], bool], seconds: float = 60.0) -> None:
        """Read until what was sent is what is waited for."""
        limit = time.monotonic() + seconds
        while not is_there(self.sent.decode(errors="replace")):
            assert time.monotonic() < limit, self.sent
            assert self._read(1.0) or self.process.poll() is None, self.sent

    def resize(self, columns: int) -> None:
        """Make the window as wide as that."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._master, b"\x03")

    def end(self, seconds: float = 60.0) -> tuple[int, bytes, Screen]:
        """Wait for the end: exit code, stdout where that is no terminal, and the screen."""
        limit = time.monotonic() + seconds
        try:
            while self._read(0.2) or self.process.poll() is None:
                assert time.monotonic() < limit, "it goes on"
            while self._read(0.0):
                pass
            out = self.process.stdout.read() if self.process.stdout is not None else b""
        finally:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
            os.close(self._master)
        return self.process.returncode, out, Screen(self.sent.decode(), self._columns)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # whoever had the terminal has ended
            time.sleep(min(seconds, 0.01))
            return False
        self.sent += data
        return bool(data)

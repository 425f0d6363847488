"""The standard streams as the verbs use them, whoever calls the command.

Within `standard_streams` stdout takes text and bytes, holds both back together, and writes all of what it was given or
raises. Python's own does not always: unbuffered (`python -u`, PYTHONUNBUFFERED) a write that the system cuts short is
taken for whole, and a stream of a notebook or of a test takes no bytes. What could not be written is forgotten at the
end, and the caller's stream is as it was.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: Bytes that are held back: a pipe takes twice as many.
BUFFER_BYTES = 32_768

#: What errors call stdout.
NAME = "standard output"

#: What is done to characters that an encoding lacks, unless PYTHONIOENCODING names something else.
DEFAULT_ERRORS = ("strict", "surrogateescape")


class _Sink(io.RawIOBase):
    """Passes bytes on to a stream of bytes or, decoded, to one of text; it closes neither."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        buffer = getattr(stream, "buffer", None)
        self._bytes = getattr(buffer, "raw", buffer)
        if self._bytes is None:
            from codecs import getincrementaldecoder

            self._decoder = getincrementaldecoder("utf-8")("backslashreplace")
        self.is_forgetful = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int | None:
        if self.is_forgetful:
            return len(data)
        if self._bytes is None:
            self._stream.write(self._decoder.decode(bytes(data)))
            return len(data)
        try:
            written: int | None = self._bytes.write(data)
        except OSError as error:
            # Told once.
            self.is_forgetful = True
            raise type(error)(error.errno, error.strerror, NAME) from None
        return written

    def flush(self) -> None:
        if not self.is_forgetful and not self.closed:
            self._stream.flush()

    def fileno(self) -> int:
        number: int = self._stream.fileno()
        return number

    def isatty(self) -> bool:
        return bool(self._stream.isatty())


@contextmanager
def standard_streams() -> Iterator[None]:
    """Have streams that take whatever a verb gives them, and put back what was there.

    A stream that the caller closed gets a descriptor on which all fails: without one the next file that is opened would
    have its number. Messages that nobody wants go into nothing.
    """
    for name, flags, mode in (("stdin", os.O_WRONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            # Open until the process ends.
            setattr(sys, name, open(os.open(os.devnull, flags), mode))  # noqa: SIM115
    stdout, stderr = sys.stdout, sys.stderr
    stdout.flush()
    sink = _Sink(stdout)
    errors = getattr(stdout, "errors", None) or "strict"
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(sink, BUFFER_BYTES),
        encoding=getattr(stdout, "encoding", None) if hasattr(stdout, "buffer") else "utf-8",
        errors="backslashreplace" if errors in DEFAULT_ERRORS else errors,
        newline="\n",
        line_buffering=stdout.isatty(),
    )
    strict = stderr if isinstance(stderr, io.TextIOWrapper) and stderr.errors in DEFAULT_ERRORS else None
    strict_errors = getattr(stderr, "errors", None)
    if strict is not None:
        strict.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        sink.is_forgetful = True
        sys.stdout.close()
        sys.stdout = stdout
        if strict is not None:
            strict.reconfigure(errors=strict_errors)

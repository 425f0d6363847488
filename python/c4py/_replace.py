"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat


def replace_file(dest: str | bytes, content: bytes) -> None:
    """Give the file at a path this content, as a whole or not at all.

    It is written beside its place, made durable, and renamed. A symbolic link at the path stays, and what it points at
    is replaced; a pipe or a device is written to. An OSError names the path that was asked for.
    """
    path = os.path.realpath(os.fsencode(dest))
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(21, os.strerror(21), dest)
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as file:  # a terminal or a pipe: there is nothing to replace
            file.write(content)
        return
    directory, name = os.path.split(path)
    beside = os.path.join(directory, b"." + name[:200] + b"." + os.urandom(6).hex().encode() + b".tmp")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _of(error, dest) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
        os.rename(beside, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        raise
    _sync_directory(directory or b".")


def _of(error: OSError, dest: str | bytes) -> OSError:
    """Name the file that was asked for, not the one beside it."""
    return OSError(error.errno, error.strerror, dest)


def _sync_directory(directory: bytes) -> None:
    """Make the rename durable, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

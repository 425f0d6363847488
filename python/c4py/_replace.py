"""Files are replaced as a whole: at a path, or by their names in an open directory.

What is written has another name until it is whole and durable. A symbolic link at a path is followed: it stays, and
what it names is replaced. In an open directory a link is replaced itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class NewFile:
    """A file beside its place; `replace` or `place` gives it its name, and leaving the `with` block removes it else."""

    def __init__(self, directory: int, name: str, mode: int = 0o666) -> None:
        self.directory = directory
        self.name = name
        # A name may have 255 bytes, and so may this.
        self._beside = f".c4py.{os.urandom(12).hex()}.tmp"
        with self._named():
            self._descriptor = os.open(self._beside, _NEW, mode, dir_fd=directory)
        self._is_beside = True

    def set_mode(self, mode: int) -> None:
        """Set the permission bits, whatever the umask is."""
        os.fchmod(self._descriptor, mode)

    def write(self, data: bytes) -> None:
        """Write all of some bytes."""
        view = memoryview(data)
        with self._named():
            while view:
                view = view[os.write(self._descriptor, view) :]

    def read_descriptor(self) -> int:
        """Open for reading what was written."""
        return os.open(self._beside, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.directory)

    def replace(self) -> None:
        """Put the file in its place, whatever file or link is there. Raises IsADirectoryError."""
        self.synchronize()
        self._rename()
        synchronize(self.directory)

    def place(self) -> None:
        """Put the file in its place if nothing is there; raises FileExistsError else."""
        self.synchronize()
        try:
            os.link(
                self._beside,
                self.name,
                src_dir_fd=self.directory,
                dst_dir_fd=self.directory,
                follow_symlinks=False,
            )
        except FileExistsError:
            raise FileExistsError(errno.EEXIST, "there is another file of this name", self.name) from None
        except OSError:
            # The file system has no hard links: between the question and the answer another file may come.
            with contextlib.suppress(FileNotFoundError):
                os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
                raise FileExistsError(errno.EEXIST, "there is another file of this name", self.name) from None
            self._rename()
        synchronize(self.directory)

    def _rename(self) -> None:
        with self._named():
            os.rename(self._beside, self.name, src_dir_fd=self.directory, dst_dir_fd=self.directory)
        self._is_beside = False

    def synchronize(self) -> None:
        """Make what was written durable."""
        with self._named():
            os.fsync(self._descriptor)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Have errors name the file by the name that it gets."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.name) from None

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        if self._is_beside:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._beside, dir_fd=self.directory)


def replace_file(directory: int, name: str, pieces: Iterable[bytes], mode: int = 0o666) -> None:
    """Give a file in an open directory new content, all of it or none."""
    with NewFile(directory, name, mode) as file:
        for piece in pieces:
            file.write(piece)
        file.replace()


def replace_path(dest: str | bytes, content: bytes, mode: int = 0o666) -> None:
    """Give the file at a path new content, all of it or none; it keeps its permission bits, a new one has `mode`.

    What is no file (a terminal, a pipe) is written to, and so is the file that is this process's standard output or
    error, or that the caller opened (/dev/stdout, /dev/fd/3). Every OSError names `dest`, not the file beside it.
    """
    replace_paths({dest: content}, mode)


def replace_paths(contents: Mapping[str | bytes, bytes], mode: int = 0o666) -> None:
    """Give the files at several paths new content as `replace_path` does.

    All of it is written and durable before any file gets its name, in the order of the mapping: what cannot be written
    leaves every file as it is. The paths are those of different files.
    """
    with contextlib.ExitStack() as opened:
        written = []
        for dest, content in contents.items():
            with _called(dest):
                written.append((dest, _write_beside(os.fsdecode(dest), content, mode, opened)))
        for dest, put in written:
            with _called(dest):
                put()


@contextlib.contextmanager
def _called(dest: str | bytes) -> Iterator[None]:
    """Have errors name a file as the caller does."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, dest) from None


def _write_beside(path: str, content: bytes, mode: int, opened: contextlib.ExitStack) -> Callable[[], object]:
    """Write what a path will hold beside it, and give what puts it there."""
    try:
        old = os.stat(path).st_mode
    except FileNotFoundError:
        old = None
    if old is not None and stat.S_ISDIR(old):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if old is not None and not stat.S_ISREG(old):
        # The name that a pipe has behind /dev/stdout is none to open it by.
        return lambda: _write_into(path, content)
    descriptor = None if old is None else _open_descriptor(path)
    if descriptor is not None:
        return lambda: _write_to(descriptor, content)
    path = os.path.realpath(path)
    directory = _open_parent(path)
    opened.callback(os.close, directory)
    new = opened.enter_context(NewFile(directory, os.path.basename(path), mode))
    new.write(content)
    if old is not None:
        new.set_mode(stat.S_IMODE(old))
    new.synchronize()
    return new.replace


def _open_descriptor(path: str) -> int | None:
    """Give the descriptor on which the caller has opened the file at a path: in a new file it would see nothing."""
    directory, name = os.path.split(os.path.abspath(path))
    if directory in ("/dev/fd", "/proc/self/fd") and name.isdecimal():
        return int(name)
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                return descriptor
    return None


def _write_to(descriptor: int, content: bytes) -> None:
    """Write to an open file, where it stands: behind what this process has printed."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _write_into(path: str, content: bytes) -> None:
    """Write to what is no file, in which there is nothing to replace."""
    with open(path, "wb") as file:
        file.write(content)


def _open_parent(path: str) -> int:
    """Open the directory of a path, to name files in it, also where it may not be listed."""
    parent = os.path.dirname(path)
    try:
        return open_directory(parent)
    except PermissionError:
        # Where the system has no O_PATH, that is all. Names cannot be made durable by such a descriptor.
        return os.open(parent, getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)


def synchronize(directory: int) -> None:
    """Make names durable, where the file system can."""
    with contextlib.suppress(OSError):
        os.fsync(directory)


def open_directory(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> int:
    """Open a directory, to name files in it; a link to one is followed."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def open_regular(name: str, directory: int | None = None) -> int:
    """Open a file for reading, following no link and waiting for no pipe; anything but a file is an OSError."""
    from c4py.errors import NotARegularFile

    descriptor = os.open(
        name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=directory
    )
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotARegularFile(None, "not a regular file", name)
    return descriptor

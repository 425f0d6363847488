"""Writing manifests: text, files, and what happens when writing fails."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, cast

import c4py
import pytest
from c4py import Entry, Manifest

MANIFEST = Manifest([Entry("b", size=1234567), Entry("a", mode=0o644, size=5)])
TEXT = "-rw-r--r-- - 5 a -\n- - 1234567 b -\n"


def test_text_is_in_canonical_order_and_the_list_is_not_changed() -> None:
    assert c4py.dumps(MANIFEST) == TEXT
    assert [entry.name for entry in MANIFEST] == ["b", "a"]


def test_pretty_text_is_in_local_time_and_reads_back(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = c4py.loads("-rw-r--r-- 2025-07-01T12:00:00Z 1234567 a -\n")
    for zone, date in (("UTC", "Jul  1 12:00:00 2025 UTC"), ("America/New_York", "Jul  1 08:00:00 2025 EDT")):
        monkeypatch.setenv("TZ", zone)
        pretty = c4py.dumps(manifest, pretty=True)
        assert pretty.startswith(f"-rw-r--r-- {date} 1,234,567 a ")
        assert c4py.loads(pretty) == manifest
    monkeypatch.setenv("TZ", "No/Such_Zone")
    assert " UTC " in c4py.dumps(manifest, pretty=True)


def test_any_destination(tmp_path: Path) -> None:
    path = tmp_path / "m.c4m"
    for dest in (path, str(path), os.fsencode(path)):
        c4py.dump(MANIFEST, dest)
        assert path.read_text() == TEXT
        path.unlink()
    with open(path, "w") as text_file:
        c4py.dump(MANIFEST, text_file)
    with open(path, "ab") as binary_file:
        c4py.dump(MANIFEST, binary_file)
    assert path.read_text() == TEXT * 2
    text, binary = io.StringIO(), io.BytesIO()
    c4py.dump(MANIFEST, text)
    c4py.dump(MANIFEST, binary, pretty=True)
    assert text.getvalue() == TEXT
    assert binary.getvalue().startswith(b"-rw-r--r-- -")
    assert list(tmp_path.iterdir()) == [path], "nothing stays beside it"


def test_wrong_types_name_the_argument(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="manifest must be a Manifest, not str"):
        c4py.dumps("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dest must be a path or an open file, not int"):
        c4py.dump(MANIFEST, 5)  # type: ignore[arg-type]
    with pytest.raises(IsADirectoryError):
        c4py.dump(MANIFEST, tmp_path)
    with pytest.raises(FileNotFoundError):
        c4py.dump(MANIFEST, tmp_path / "none" / "m.c4m")


def test_a_file_keeps_its_permissions_and_a_link_its_place(tmp_path: Path) -> None:
    path, link = tmp_path / "real.c4m", tmp_path / "link.c4m"
    path.write_text("old")
    path.chmod(0o600)
    link.symlink_to("real.c4m")
    c4py.dump(MANIFEST, link)
    assert link.is_symlink()
    assert path.read_text() == TEXT
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("unprivileged")
def test_a_directory_that_may_not_be_listed_is_written_into() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o300)
        path = Path(folder, "m.c4m")
        for _ in range(2):
            c4py.dump(MANIFEST, path)
            assert path.read_text() == TEXT
        os.chmod(folder, 0o700)
        assert os.listdir(folder) == ["m.c4m"]


def test_every_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/full")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for dest in ("/dev/full", tmp_path / "link", tmp_path / "loop", tmp_path / "file" / "m.c4m", tmp_path, b"none/m"):
        with pytest.raises(OSError, match=r"^\[Errno ") as caught:
            c4py.dump(MANIFEST, dest)
        assert caught.value.filename == os.fspath(dest)
    assert sorted(os.listdir(tmp_path)) == ["file", "link", "loop"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    c4py.dump(MANIFEST, fifo)
    assert os.read(reader, 1000).decode() == TEXT
    os.close(reader)
    assert fifo.is_fifo()


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/3", "printed.c4m"])
@pytest.mark.parametrize("mode", [">", ">>"])
def test_a_file_that_is_open_is_written_to_where_it_stands(tmp_path: Path, path: str, mode: str) -> None:
    printed = tmp_path / "printed.c4m"
    printed.write_text("from before\n")
    code = (
        "import sys, c4py; print('printed'); c4py.dump(c4py.Manifest([c4py.Entry('a', size=1)]), sys.argv[1]);"
        "print('after')"
    )
    command = ["bash", "-c", f'exec "$@" {mode} printed.c4m 2>&1 3>&1', "-", sys.executable, "-c", code, path]
    subprocess.run(command, cwd=tmp_path, check=True)
    before = "from before\n" if mode == ">>" else ""
    assert printed.read_text() == f"{before}printed\n- - 1 a -\nafter\n"
    assert os.listdir(tmp_path) == ["printed.c4m"]


@pytest.mark.parametrize("call", ["fsync", "rename", "fchmod"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "m.c4m"
    path.write_text("old")

    def fail(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left") as caught:
        c4py.dump(MANIFEST, path)
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_file_system_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "m.c4m"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            c4py.dump(Manifest([Entry(f"f{i}") for i in range(1000)]), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_writes_in_parts_gets_the_whole_text() -> None:
    class Parts(io.RawIOBase):
        text = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.text += bytes(data[:7])
            return min(len(data), 7)

    parts = Parts()
    manifest = c4py.loads("- - 1 a -\n- - 2 b -\n")
    c4py.dump(manifest, cast("IO[bytes]", parts))
    assert parts.text == c4py.dumps(manifest).encode()

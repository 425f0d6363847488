"""Scans that need not read: with a guide, with a cache, and of what a list names only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import c4py
import pytest
from c4py import ScanStats
from command import COMMAND, c4py_run, environment

#: Longer than the times of a file are too young to be trusted, in seconds.
YOUTH = 2.05

#: Files of the tree that have content to hash.
FILES = 4


class Last:
    """Keeps the last of what a scan tells."""

    stats: ScanStats

    def update(self, stats: ScanStats) -> None:
        self.stats = stats


def hashed(root: Path, **options: object) -> int:
    """Scan, compare with a scan that reads all, and count the files that were read."""
    last = Last()
    manifest = c4py.scan(root, progress=last, **options)  # type: ignore[arg-type]
    assert manifest.errors == []
    assert c4py.dumps(manifest) == c4py.dumps(c4py.scan(root))
    assert last.stats.files_known + last.stats.files_total == FILES
    return last.stats.files_done


@pytest.fixture(scope="module")
def _old_trees(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Make a tree for each test that wants one with times to be trusted, and wait once for all."""
    trees = []
    for number in range(12):
        root = tmp_path_factory.mktemp("old") / f"tree{number}"
        (root / "d").mkdir(parents=True)
        for name, content in {"a": b"one", "b": b"two", "d/c": bytes(200_000), "d/a": b"one"}.items():
            (root / name).write_bytes(content)
        (root / "link").symlink_to("d/c")
        trees.append(root)
    time.sleep(YOUTH)
    return trees


@pytest.fixture
def old(_old_trees: list[Path]) -> Path:
    return _old_trees.pop()


def test_a_cache_of_ones_own_and_that_of_the_user(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hashed(old, cache=tmp_path / "cache") == FILES
    for cache in (tmp_path / "cache", str(tmp_path / "cache"), os.fsencode(tmp_path / "cache")):
        assert hashed(old, cache=cache) == 0
    assert hashed(old, cache=None) == hashed(old, cache=False) == FILES
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.platform", "linux")
    for place in ("xdg", "home/.cache"):
        assert hashed(old, cache=True) == FILES
        assert hashed(old, cache=True) == 0
        assert len(list((tmp_path / place / "c4py" / "scan").iterdir())) == 1
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr("sys.platform", "darwin")
    assert hashed(old, cache=True) == FILES
    assert (tmp_path / "home" / "Library" / "Caches" / "c4py" / "scan").is_dir()


def test_what_has_changed_is_read_and_nothing_else(old: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert hashed(old, cache=cache) == FILES
    before = (old / "a").stat()
    (old / "a").write_bytes(b"eno")
    os.utime(old / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    last = Last()
    assert c4py.scan(old, cache=cache, progress=last)["a"].c4id == c4py.identify_bytes(b"eno")
    assert (last.stats.files_done, last.stats.bytes_done) == (1, 3)
    assert (last.stats.files_known, last.stats.bytes_known) == (FILES - 1, 200_006)
    assert "files_known=3, bytes_known=200006" in repr(last.stats)


def test_a_guide_as_a_manifest_and_as_a_path(old: Path, tmp_path: Path) -> None:
    guide = c4py.scan(old)
    c4py.dump(guide, tmp_path / "guide.c4m")
    for given in (guide, tmp_path / "guide.c4m", str(tmp_path / "guide.c4m")):
        assert hashed(old, guide=given) == 0
    (old / "a").write_bytes(b"three")
    assert hashed(old, guide=guide) == 1
    guide["b"].c4id = c4py.identify_bytes(b"another")
    believed = c4py.scan(old, guide=guide)
    assert believed["b"].c4id == c4py.identify_bytes(b"another")
    assert believed.compute_c4id() != c4py.scan(old).compute_c4id()


def test_a_guide_that_is_changed_while_it_is_used(old: Path) -> None:
    guide = c4py.scan(old)

    def spoil(_: ScanStats) -> None:
        guide["b"].c4id = c4py.identify_bytes(b"another")

    manifest = c4py.scan(old, guide=guide, progress=type("Spoiler", (), {"update": staticmethod(spoil)})())
    assert c4py.dumps(manifest) == c4py.dumps(c4py.scan(old))


def test_only_what_a_list_names_is_taken(old: Path, tmp_path: Path) -> None:
    listed = c4py.loads("- - - a -\n- - - link -\n- - - d/ -\n  - - - c -\n  - - - nowhere -\n")
    manifest = c4py.scan(old, only=listed)
    assert [path for path, _ in manifest.flat_entries()] == ["a", "link", "d", "d/c"]
    (old / "b").unlink()
    (old / "d" / "a").unlink()
    whole = c4py.scan(old)
    # The times of directories are those of directories, whatever is left out.
    manifest["d"].timestamp_s = whole["d"].timestamp_s
    assert c4py.dumps(manifest) == c4py.dumps(whole), "as if the rest were not there"
    (tmp_path / "list.c4m").write_text("- - - d -\n- - - a/ -\n")
    assert len(c4py.scan(old, only=tmp_path / "list.c4m")) == 0, "a slash tells directories from files"
    assert len(c4py.scan(old, only=c4py.Manifest())) == 0


def test_a_list_may_hold_sequences(tmp_path: Path) -> None:
    for number in range(1, 8):
        (tmp_path / f"f.{number:04}.exr").write_text(str(number))
    manifest = c4py.scan(tmp_path, only=c4py.loads("- - - f.[0002-0004,0007].exr -\n"))
    assert [entry.name[2:6] for entry in manifest] == ["0002", "0003", "0004", "0007"]
    with pytest.raises(ValueError, match="1000000"):
        c4py.scan(tmp_path, only=c4py.loads("- - - f.[1-99999999].exr -\n"))


def test_wrong_arguments_are_named(tree: Path, tmp_path: Path) -> None:
    for name in ("guide", "only"):
        with pytest.raises(TypeError, match=f"{name} must be a Manifest or a path, not int"):
            c4py.scan(tree, **{name: 3})  # type: ignore[arg-type]
        with pytest.raises(FileNotFoundError):
            c4py.scan(tree, **{name: tmp_path / "missing"})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"cache must be str, bytes or os\.PathLike, not int"):
        c4py.scan(tree, cache=3)  # type: ignore[arg-type]
    (tmp_path / "bad.c4m").write_text("nonsense\n")
    with pytest.raises(c4py.ParseError, match=r"bad\.c4m"):
        c4py.scan(tree, guide=tmp_path / "bad.c4m")


def test_a_cache_that_cannot_be_written_is_an_issue_and_no_error(old: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    manifest = c4py.scan(old, cache=tmp_path / "file" / "cache")
    assert [(issue.path, issue.code, issue.is_error) for issue in manifest.errors] == [("", "cache", False)]
    assert str(manifest.errors[0]).startswith(f".: cannot use the cache {tmp_path}/file/cache: ")
    assert c4py.dumps(manifest) == c4py.dumps(c4py.scan(old))


class Shelf(c4py.Store):
    """A store of one's own."""

    def __init__(self) -> None:
        self.contents: dict[c4py.C4ID, bytes] = {}

    def has(self, c4id: c4py.C4ID) -> bool:
        return c4id in self.contents

    def get(self, c4id: c4py.C4ID) -> BinaryIO:
        raise NotImplementedError

    def put(self, source: BinaryIO) -> c4py.C4ID:
        data = source.read()
        c4id = c4py.identify_bytes(data)
        self.contents[c4id] = data
        return c4id


class NeverHas(Shelf):
    def has(self, c4id: c4py.C4ID) -> bool:
        raise RuntimeError(f"no telling of {c4id}")


@pytest.mark.parametrize("make", [Shelf, lambda: c4py.FSStore("store")])
def test_with_a_store_only_what_it_has_goes_unread(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], c4py.Store]
) -> None:
    monkeypatch.chdir(tmp_path)
    cache = tmp_path / "cache"
    assert hashed(old, cache=cache) == FILES
    store = make()
    assert hashed(old, cache=cache, store=store) == FILES, "it has nothing"
    assert hashed(old, cache=cache, store=store) == 0
    assert hashed(old, guide=c4py.scan(old), store=store) == 0
    assert all(store.has(entry.c4id) for entry in c4py.scan(old) if entry.c4id)
    with pytest.raises(RuntimeError, match="no telling"):
        c4py.scan(old, cache=cache, store=NeverHas())


def test_the_command(old: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    tree = home / "tree"
    shutil.move(old, tree)
    plain = c4py_run("id", "tree", home=home).stdout
    for flags in (["--cache"], [f"--cache={tmp_path}/cache"], ["-i", "--cache"], ["--cache", "-m", "m"]):
        rest = [flag for flag in flags if not flag.startswith("--cache")]
        done = c4py_run("id", *flags, "tree", home=home)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == c4py_run("id", *rest, "tree", home=home).stdout
    assert (home / ".cache" / "c4py" / "scan").is_dir()
    assert (tmp_path / "cache").is_dir()
    (home / "list.c4m").write_bytes(b"".join(line for line in plain.splitlines(True) if b" b " not in line))
    for flag in (["-c", "list.c4m"], ["--continue=list.c4m"]):
        listed = c4py_run("id", *flag, "tree", home=home)
        assert listed.stdout == (home / "list.c4m").read_bytes()
    missing = c4py_run("id", "-c", "missing.c4m", "tree", home=home)
    assert (missing.returncode, missing.stdout) == (1, b"")
    assert b"missing.c4m" in missing.stderr


@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
def test_the_command_opens_no_file_that_it_knows(old: Path, tmp_path: Path) -> None:
    trace = [
        "strace",
        "-f",
        "-y",
        "-s",
        "300",
        "-o",
        str(tmp_path / "log"),
        "-e",
        "trace=open,openat,openat2,mmap,read,pread64",
    ]
    for is_known in (False, True):
        subprocess.run(
            [*trace, *COMMAND, "id", "--cache", str(old)], env=environment(tmp_path), capture_output=True, check=True
        )
        lines = (tmp_path / "log").read_text(errors="replace").splitlines()
        assert any(f"<{old}>" in line for line in lines)
        files = [line for line in lines if f"<{old}" in line and any(f"/{name}>" in line for name in "abc")]
        assert (len(files) == 0) is is_known, files


def test_an_interrupted_scan_keeps_what_it_hashed(old: Path, tmp_path: Path) -> None:
    with open(old / "endless", "wb") as file:
        file.truncate(1 << 40)
    script = """
import sys, c4py
c4py.scan(sys.argv[1], cache=sys.argv[2], progress=lambda path, done, total: print(done, flush=True))
"""
    command = [sys.executable, "-c", script, str(old), str(tmp_path / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        for line in process.stdout:
            if int(line) == FILES:
                break
        process.send_signal(2)
        process.stdout.read()
        assert process.wait(timeout=60) != 0
    (old / "endless").unlink()
    assert hashed(old, cache=tmp_path / "cache") == 0

"""Faults around a store in a directory: full and read-only disks, limits, strange files, signals, forks, threads."""

from __future__ import annotations

import errno
import hashlib
import io
import itertools
import multiprocessing
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import c4py
import pytest
from meanwhile import meanwhile

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="mounts and limits are those of Linux")


def expected_id(content: bytes) -> c4py.C4ID:
    return c4py.C4ID(hashlib.sha512(content).digest())


def stored(store: c4py.FSStore) -> dict[c4py.C4ID, bytes]:
    """Give all objects, each of which has the bytes of its ID, of a store with no temporary in it."""
    names = [name for _, _, files in os.walk(store.root) for name in files if name.startswith("c4")]
    objects = {}
    for c4id in map(c4py.C4ID, filter(lambda name: len(name) == 90, names)):
        with store.get(c4id, verify=True) as content:
            objects[c4id] = content.read()
    assert all(expected_id(content) == c4id for c4id, content in objects.items())
    assert [name for name in os.listdir(store.root) if name.startswith(".")] == []
    return objects


def mount(*words: str) -> None:
    """Mount, or fail: who may not is not root, and those who are see to it that the tests run."""
    result = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"root must be able to mount here: {result.stderr}"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    path = tmp_path / "disk"
    path.mkdir()
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path))
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Make a tree of many small files and a few large ones."""
    root = tmp_path / "files"
    for number in range(200):
        path = root / f"d{number % 7}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"file {number} ".encode() * (number % 50 + (30_000 if number % 40 == 0 else 0)))
    return root


@LINUX
@pytest.mark.parametrize("durability", ["full", "batch", "none"])
def test_a_full_disk_fails_the_put_and_leaves_nothing(disk: Path, durability: Any) -> None:
    store = c4py.FSStore(disk / "store", durability=durability)
    kept = store.put(io.BytesIO(b"kept" * 1000))
    store.flush()
    with pytest.raises(c4py.StoreError) as failed:
        store.put(io.BytesIO(bytes(4 << 20)))
    assert failed.value.errno == errno.ENOSPC
    assert str(failed.value.filename).startswith(str(disk))
    assert list(stored(store)) == [kept]
    small = store.put(io.BytesIO(b"room for this"))
    store.flush()
    assert set(stored(store)) == {kept, small}


@LINUX
@pytest.mark.parametrize("durability", ["full", "batch", "none"])
def test_a_full_disk_fails_the_scan(disk: Path, files: Path, durability: Any) -> None:
    store = c4py.FSStore(disk / "store", durability=durability)
    (files / "huge").write_bytes(bytes(4 << 20))
    with pytest.raises(c4py.StoreError) as failed:
        c4py.scan(files, store=store, workers=2)
    assert failed.value.errno == errno.ENOSPC
    assert failed.value.filename
    (files / "huge").unlink()
    store.flush()
    before = set(stored(store))
    for path in disk.rglob("*"):
        if path.is_file():
            path.unlink()
    for path in list(files.rglob("f*"))[20:]:
        path.unlink()
    manifest = c4py.scan(files, store=store, workers=2)
    assert {entry.c4id for _, entry in manifest.flat_entries()} <= set(stored(store))
    assert before is not None


@LINUX
def test_a_read_only_store_is_read_and_refuses_what_is_new(disk: Path) -> None:
    root = disk / "store"
    content = b"there already"
    c4id = c4py.FSStore(root).put(io.BytesIO(content))
    mount("-o", "remount,ro", str(disk))
    for durability in ("full", "none"):
        store = c4py.FSStore(root, durability=durability)
        assert store.has(c4id)
        assert store.get(c4id, verify=True).read() == content
        assert store.put(io.BytesIO(content)) == c4id
        with pytest.raises(c4py.StoreError) as failed:
            store.put(io.BytesIO(b"new"))
        assert failed.value.errno == errno.EROFS
        assert str(failed.value.filename).startswith(str(root))
        with pytest.raises(c4py.StoreError) as failed:
            store.remove(c4id)
        assert failed.value.errno == errno.EROFS
    assert stored(store) == {c4id: content}


def child(code: str, *arguments: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, which must come to its end."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


FILE_SIZE = """
import errno, io, resource, signal, sys, c4py
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
store = c4py.FSStore(sys.argv[1])
try:
    store.put(io.BytesIO(bytes(3 << 20)))
except c4py.StoreError as error:
    print(error.errno == errno.EFBIG, sys.argv[1] in error.filename)
print(store.put(io.BytesIO(b"small")))
"""


@LINUX
def test_a_limit_to_the_size_of_files_fails_the_put_of_a_larger_one(tmp_path: Path) -> None:
    result = child(FILE_SIZE, tmp_path / "store")
    assert result.stdout.split() == ["True", "True", str(expected_id(b"small"))], result.stderr
    assert stored(c4py.FSStore(tmp_path / "store")) == {expected_id(b"small"): b"small"}


FEW_DESCRIPTORS = """
import resource, sys, c4py
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
store = c4py.FSStore(sys.argv[2], split_threshold=50, durability=sys.argv[3])
c4py.dump(c4py.scan(sys.argv[1], store=store, workers=4), sys.stdout.buffer)
"""


@LINUX
@pytest.mark.parametrize("durability", ["full", "batch", "none"])
def test_a_scan_into_a_store_needs_few_descriptors(tmp_path: Path, durability: str) -> None:
    root = tmp_path / "files"
    root.mkdir()
    for number in range(500):
        (root / str(number)).write_bytes(f"{number}".encode() * (40_000 if number % 50 == 0 else 10))
    result = child(FEW_DESCRIPTORS, root, tmp_path / "store", durability)
    assert result.returncode == 0, result.stderr
    manifest = c4py.loads(result.stdout)
    assert manifest == c4py.scan(root)
    objects = stored(c4py.FSStore(tmp_path / "store"))
    assert {entry.c4id for _, entry in manifest.flat_entries()} <= set(objects)


def symlink(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def listen(path: Path) -> None:
    # The path of a socket is short.
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{here}/s")
    os.close(here)
    (path.parent / "s").rename(path)


STRANGE = """
import errno, io, sys, c4py
store = c4py.FSStore(sys.argv[1])
for call in (store.has, store.get, store.path, lambda c4id: store.get(c4id, verify=True).read()):
    try:
        call(sys.argv[2])
        print("no error")
    except c4py.StoreError as error:
        print("refused" if sys.argv[2] in str(error) else error)
"""


@LINUX
@pytest.mark.parametrize("make", [symlink, os.mkfifo, listen, Path.mkdir])
def test_an_object_that_is_no_regular_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    store = c4py.FSStore(tmp_path)
    c4id = store.put(io.BytesIO(b"content"))
    path = store.path(c4id)
    path.unlink()
    make(path)
    result = child(STRANGE, tmp_path, str(c4id), timeout=20)
    assert result.stdout.split() == ["refused"] * 4, result.stdout + result.stderr
    if path.is_dir():
        with pytest.raises(c4py.StoreError):
            store.put(io.BytesIO(b"content"))
    else:
        assert store.put(io.BytesIO(b"content")) == c4id
        assert stored(store) == {c4id: b"content"}


@pytest.mark.parametrize("durability", ["full", "batch", "none"])
def test_a_truncated_object_is_found_out_and_healed(tmp_path: Path, durability: Any) -> None:
    content = os.urandom(300_000)
    store = c4py.FSStore(tmp_path, durability=durability)
    c4id = store.put(io.BytesIO(content))
    store.flush()
    path = store.path(c4id)
    path.chmod(0o644)
    os.truncate(path, 1000)
    with pytest.raises(c4py.StoreCorrupt):
        store.get(c4id, verify=True).read()
    assert store.put(io.BytesIO(content)) == c4id
    store.flush()
    assert stored(store) == {c4id: content}


def test_a_file_with_the_name_of_a_directory_stays_and_nothing_is_split(tmp_path: Path) -> None:
    (tmp_path / "c4").write_text("in the way")
    code = """
import io, sys, c4py
store = c4py.FSStore(sys.argv[1], split_threshold=2)
for number in range(4):
    store.put(io.BytesIO(b"%d" % number))
"""
    result = child(code, tmp_path, timeout=20)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "c4").read_text() == "in the way"
    assert len(stored(c4py.FSStore(tmp_path))) == 4


@LINUX
def test_objects_that_are_links_to_one_file_are_split(tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path, split_threshold=100)
    ids = [store.put(io.BytesIO(b"%d" % number)) for number in range(20)]
    below = tmp_path / "c4" / str(ids[0])[2:4]
    below.mkdir(parents=True)
    twins = [c4id for c4id in ids if str(c4id)[2:4] == below.name]
    for c4id in twins:
        (below / str(c4id)).hardlink_to(tmp_path / str(c4id))
        (tmp_path / str(c4id)).rename(tmp_path / "c4" / str(c4id))
    code = """
import io, sys, c4py
for number in range(20, 60):
    c4py.FSStore(sys.argv[1], split_threshold=1).put(io.BytesIO(b"%d" % number))
"""
    result = child(code, tmp_path, timeout=30)
    assert result.returncode == 0, result.stderr
    assert len(stored(store)) == 60


INTERRUPTED = """
import io, os, signal, sys, c4py
signal.signal(signal.SIGINT, signal.default_int_handler)
store = c4py.FSStore(sys.argv[1], durability=sys.argv[3])
print("go", flush=True)
try:
    if sys.argv[2] == "endless":
        store.put(open("/dev/zero", "rb"))
    else:
        c4py.scan(sys.argv[2], store=store, workers=2)
except KeyboardInterrupt:
    print([name for name in os.listdir(sys.argv[1]) if name.startswith(".")])
"""


@LINUX
@pytest.mark.parametrize("durability", ["batch", "none"])
@pytest.mark.parametrize("work", ["endless", "scan"])
def test_ctrl_c_stops_what_stores_and_leaves_nothing(tmp_path: Path, work: str, durability: str) -> None:
    tree, root = tmp_path / "tree", tmp_path / "store"
    tree.mkdir()
    root.mkdir()
    for number in range(30):
        (tree / f"small{number}").write_bytes(b"%d" % number)
    with open(tree / "sparse", "wb") as file:
        file.truncate(400 << 30)
    command = [sys.executable, "-c", INTERRUPTED, str(root), work if work == "endless" else str(tree), durability]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            time.sleep(0.4)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, output.splitlines()[:1]) == (0, ["[]"]) or durability == "batch", output
    assert process.returncode == 0
    stored(c4py.FSStore(root))


def put_in_a_child(store: c4py.FSStore, results: Any) -> None:
    c4id = store.put(io.BytesIO(b"of the child"))
    store.flush()
    results.put((store.has(c4id), store.has(expected_id(b"of the parent"))))


@LINUX
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("durability", ["full", "batch", "none"])
def test_a_child_of_fork_leaves_what_its_parent_has_pending(tmp_path: Path, durability: Any) -> None:
    store = c4py.FSStore(tmp_path, durability=durability)
    pending = store.put(io.BytesIO(b"of the parent"))
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=put_in_a_child, args=(store, results))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert results.get() == (True, durability != "batch")
    with store.get(pending) as content:
        assert content.read() == b"of the parent"
    store.close()
    assert set(stored(store).values()) == {b"of the parent", b"of the child"}


def test_two_threads_scan_into_one_store(tmp_path: Path, files: Path) -> None:
    store = c4py.FSStore(tmp_path / "store", split_threshold=20, durability="batch")
    manifests: list[c4py.Manifest] = []
    threads = [
        threading.Thread(target=lambda: manifests.append(c4py.scan(files, store=store, workers=2))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    plain = c4py.scan(files)
    assert manifests == [plain, plain]
    assert {entry.c4id for _, entry in plain.flat_entries()} <= set(stored(store))


def test_a_progress_callback_that_raises_ends_the_scan(tmp_path: Path, files: Path) -> None:
    with open(files / "sparse", "wb") as file:
        file.truncate(40 << 30)

    def fail(*_args: object) -> None:
        raise ZeroDivisionError("in the callback")

    store = c4py.FSStore(tmp_path / "store", durability="none")
    with pytest.raises(ZeroDivisionError, match="in the callback"):
        c4py.scan(files, store=store, progress=fail)
    stored(store)


class Own(c4py.Store):
    """A store of a user's, in memory."""

    def __init__(self, concurrency: int = 1) -> None:
        self.concurrency = concurrency
        self.contents: dict[c4py.C4ID, bytes] = {}
        self.threads: set[int] = set()
        self.inside = self.most = 0
        self.lock = threading.Lock()

    def has(self, c4id: c4py.C4ID, /) -> bool:
        return c4id in self.contents

    def get(self, c4id: c4py.C4ID, /) -> BinaryIO:
        return io.BytesIO(self.contents[c4id])

    def put(self, source: BinaryIO, /) -> c4py.C4ID:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.threads.add(threading.get_ident())
        try:
            time.sleep(0.001)
            content = source.read()
            c4id = expected_id(content)
            self.contents[c4id] = content
            return c4id
        finally:
            with self.lock:
                self.inside -= 1


def test_what_a_store_of_the_user_raises_comes_out_of_the_scan(files: Path) -> None:
    class Failing(Own):
        def put(self, source: BinaryIO, /) -> c4py.C4ID:
            if len(self.contents) == 30:
                raise LookupError("the thirty-first")
            return super().put(source)

    store = Failing()
    with pytest.raises(LookupError, match="the thirty-first"):
        c4py.scan(files, store=store)
    assert len(store.contents) == 30


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_store_is_called_by_no_more_threads_than_it_says(files: Path, concurrency: int) -> None:
    store = Own(concurrency)
    manifest = c4py.scan(files, store=store, workers=8)
    assert {entry.c4id for _, entry in manifest.flat_entries()} <= set(store.contents)
    assert store.most <= concurrency
    if concurrency == 1:
        assert store.threads == {threading.get_ident()}


def test_a_store_over_sqlite_is_called_in_the_thread_of_its_connection(files: Path) -> None:
    class Table(c4py.Store):
        def __init__(self) -> None:
            self.database = sqlite3.connect(":memory:")
            self.database.execute("create table objects (id text primary key, content blob)")

        def has(self, c4id: c4py.C4ID, /) -> bool:
            return bool(self.database.execute("select 1 from objects where id = ?", [str(c4id)]).fetchone())

        def get(self, c4id: c4py.C4ID, /) -> BinaryIO:
            found = self.database.execute("select content from objects where id = ?", [str(c4id)]).fetchone()
            return io.BytesIO(found[0])

        def put(self, source: BinaryIO, /) -> c4py.C4ID:
            content = source.read()
            c4id = expected_id(content)
            self.database.execute("insert or ignore into objects values (?, ?)", [str(c4id), content])
            return c4id

    store = Table()
    manifest = c4py.scan(files, store=store, workers=4)
    assert all(store.has(entry.c4id) for _, entry in manifest.flat_entries() if entry.c4id)
    store.database.close()


@pytest.mark.parametrize("size", [3_000, 3_000_000])
def test_a_file_that_changes_while_it_is_stored_is_under_no_wrong_id(tmp_path: Path, size: int) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(20):
        (tree / f"still{number}").write_bytes(b"%d" % number * 1000)
    numbers = itertools.count(1)

    def change() -> None:
        number = next(numbers)
        (tree / "changing").write_bytes(number.to_bytes(8, "little") * (size // 8 + number % 100))

    store = c4py.FSStore(tmp_path / "store", durability="none", split_threshold=50)
    with meanwhile(change):
        for _ in range(15):
            manifest = c4py.scan(tree, store=store, on_error="record", workers=2)
            objects = stored(store)
            assert {entry.c4id for _, entry in manifest.flat_entries() if entry.c4id} <= set(objects)
            assert {issue.path for issue in manifest.errors} <= {"changing"}


@pytest.fixture
def sharing_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system where files share blocks."""
    if os.geteuid() != 0 or shutil.which("mkfs.xfs") is None:
        pytest.skip("only root mounts, and xfsprogs makes the file system")
    image, path = tmp_path / "image", tmp_path / "disk"
    with open(image, "wb") as file:
        file.truncate(400 << 20)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)], check=True)
    path.mkdir()
    mount("-o", "loop", str(image), str(path))
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def free(path: Path) -> int:
    os.sync()
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


@LINUX
def test_large_files_share_their_blocks_with_the_store(sharing_disk: Path) -> None:
    tree = sharing_disk / "tree"
    tree.mkdir()
    contents = [os.urandom(30_000_000) for _ in range(3)]
    for number, content in enumerate(contents):
        (tree / f"frame{number}").write_bytes(content)
    (tree / "small").write_bytes(b"small")
    before = free(sharing_disk)
    store = c4py.FSStore(sharing_disk / "store")
    manifest = c4py.scan(tree, store=store)
    assert before - free(sharing_disk) < 10_000_000
    assert manifest == c4py.scan(tree)
    assert {expected_id(content) for content in [*contents, b"small"]} <= set(stored(store))
    extents = subprocess.run(
        ["filefrag", "-v", str(store.path(expected_id(contents[0])))], capture_output=True, text=True
    )
    assert "shared" in extents.stdout
    # What is written to the file later is not written to the object.
    with open(tree / "frame0", "r+b") as file:
        file.write(b"changed")
    assert stored(store)[expected_id(contents[0])] == contents[0]


@LINUX
def test_a_file_that_changes_while_it_is_shared_is_under_no_wrong_id(sharing_disk: Path) -> None:
    test_a_file_that_changes_while_it_is_stored_is_under_no_wrong_id(sharing_disk, 3_000_000)

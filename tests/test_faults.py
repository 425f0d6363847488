"""Faults among many files that are hashed side by side: a neighbour's ID is always its own."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import c4py
import pytest
from meanwhile import meanwhile
from worker_threads import worker_threads

#: Sizes around the edges of blocks and buffers, and any other.
EDGES = [0, 1, 111, 112, 127, 128, 129, 65_279, 65_280, 65_281, 65_536, 130_000]


def expected_id(content: bytes) -> c4py.C4ID:
    return c4py.C4ID(hashlib.sha512(content).digest())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, c4py.C4ID]]:
    """Make a thousand files in ten directories, with the IDs that they must have whatever happens beside them."""
    root = tmp_path_factory.mktemp("good")
    sizes = random.Random(1)
    ids = {}
    for number in range(1000):
        size = EDGES[number % 12] if number % 2 else sizes.randrange(30_000)
        path = f"d{number % 10}/f{number:04}"
        (root / path).parent.mkdir(exist_ok=True)
        content = sizes.randbytes(size)
        (root / path).write_bytes(content)
        ids[path] = expected_id(content)
    return root, ids


#: What `replace` has written.
REPLACEMENTS: set[c4py.C4ID] = set()


def zeros(*sizes: int) -> set[c4py.C4ID]:
    return {expected_id(bytes(size)) for size in sizes}


def append(path: Path) -> None:
    with open(path, "ab", buffering=0) as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.truncate(path, 70_000)
        os.truncate(path, 300_000)


def replace(path: Path) -> None:
    new = path.with_name(".new")
    content = os.urandom(8) * 20_000
    REPLACEMENTS.add(expected_id(content))
    new.write_bytes(content)
    new.replace(path)


def vanish(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(bytes(100_000))


def turn_into_a_link(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/etc/passwd")
    path.unlink()
    path.write_bytes(bytes(100_000))


def lose_permission(path: Path) -> None:
    path.chmod(0)
    path.chmod(0o644)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("misbehave", [append, shrink, replace, vanish, turn_into_a_link, lose_permission])
def test_a_file_that_misbehaves_among_a_thousand(
    good: tuple[Path, dict[str, c4py.C4ID]], misbehave: Callable[[Path], None], workers: int
) -> None:
    root, ids = good
    bad = [root / f"d{number}" / "a-bad-one" for number in (0, 4, 9)]
    for path in bad:
        path.write_bytes(bytes(300_000))

    def misbehave_everywhere() -> None:
        for path in bad:
            misbehave(path)

    try:
        with meanwhile(misbehave_everywhere):
            manifest = c4py.scan(root, workers=workers, on_error="record")
            files = c4py.identify_files([*bad, *(root / path for path in ids)], workers=workers)
    finally:
        for path in bad:
            path.unlink(missing_ok=True)
    assert {path: manifest[path].c4id for path in ids} == ids
    assert {path: files[root / path] for path in ids} == ids
    reported = {issue.path for issue in manifest.errors}
    assert reported <= {f"d{number}/{name}" for number in (0, 4, 9) for name in ("a-bad-one", ".new")}
    possible: dict[Callable[[Path], None], set[c4py.C4ID]] = {
        replace: REPLACEMENTS | zeros(300_000),
        shrink: zeros(70_000, 300_000),
        lose_permission: zeros(300_000),
    }
    for number in (0, 4, 9):
        name = f"d{number}/a-bad-one"
        found = {one for one in (manifest[name].c4id if name in manifest else None, files[root / name]) if one}
        assert found <= possible.get(misbehave, found), "it never had that content"
        assert found or name not in manifest or name in reported


def test_a_huge_file_among_a_thousand(good: tuple[Path, dict[str, c4py.C4ID]]) -> None:
    root, ids = good
    huge = root / "d3" / "huge"
    with open(huge, "wb") as file:
        file.truncate(150_000_000)
    try:
        for workers in (1, 2):
            manifest = c4py.scan(root, workers=workers)
            assert {path: manifest[path].c4id for path in ids} == ids
            assert manifest["d3/huge"].c4id == expected_id(bytes(150_000_000))
    finally:
        huge.unlink()


def test_what_cannot_be_read_among_a_thousand(good: tuple[Path, dict[str, c4py.C4ID]], tmp_path: Path) -> None:
    root, ids = good
    os.mkfifo(tmp_path / "pipe")
    bad = [tmp_path / "missing", tmp_path, tmp_path / "pipe"]
    paths = [path for number, name in enumerate(ids) for path in (root / name, bad[number % 3])]
    files = c4py.identify_files(paths, workers=2)
    assert [files[path] for path in bad] == [None] * 3
    assert {path: files[root / path] for path in ids} == ids


LIMITED = """
import json, os, resource, sys, c4py
root, left = sys.argv[1], int(sys.argv[2])
paths = [os.path.join(folder, file) for folder, _, files in os.walk(root) for file in files]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    for descriptor in held[:left]:
        os.close(descriptor)
files = c4py.identify_files(paths, workers=2)
manifest = c4py.scan(root, workers=2, on_error="record")
print(json.dumps([
    {os.path.relpath(path, root): str(one) for path, one in files.items()},
    {path: str(entry.c4id) for path, entry in manifest.flat_entries() if not entry.is_dir()},
    [str(issue) for issue in manifest.errors],
]))
"""


@pytest.mark.parametrize("left", [8, 12, 40])
def test_a_process_with_few_descriptors_left_uses_fewer_lanes(tmp_path: Path, left: int) -> None:
    ids = {}
    for number in range(60):
        content = os.urandom(8) * 30_000
        (tmp_path / f"{number}").write_bytes(content)
        ids[f"{number}"] = str(expected_id(content))
    for number in range(10):  # each of these is read twice
        (tmp_path / f"{number}.c4m").write_text(f"- - {number} a -\n")
        ids[f"{number}.c4m"] = str(expected_id(f"- - {number} a -\n".encode()))
    command = [sys.executable, "-c", LIMITED, str(tmp_path), str(left)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == [ids, ids, []]


FAULTY = """
import json, sys, c4py
manifest = c4py.scan(sys.argv[1], workers=2, on_error="record")
print(json.dumps([
    {path: str(entry.c4id) for path, entry in manifest.flat_entries() if not entry.is_dir()},
    [[issue.path, issue.code, issue.message] for issue in manifest.errors],
]))
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes the faults")
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("read:error=EIO", "cannot read the file: Input/output error (os error 5)"),
        ("read:error=ESTALE:when=2", "cannot read the file: Stale file handle (os error 116)"),
        ("fstat:error=ESTALE", "cannot read the file: Stale file handle (os error 116)"),
        ("openat:error=ESTALE", "cannot open the file: Stale file handle (os error 116)"),
        ("openat:error=EMFILE:when=1..3", None),
        ("read:error=EINTR:when=1..5", None),
    ],
)
def test_system_calls_that_fail_for_one_file(tmp_path: Path, fault: str, message: str | None) -> None:
    ids = {}
    for number in range(40):
        content = os.urandom(8) * (40_000 if number % 5 == 0 else 500)
        (tmp_path / f"{number}").write_bytes(content)
        ids[f"{number}"] = str(expected_id(content))
    # strace knows the file by its path where it is open, and by its name where that is opened in the directory.
    log = tmp_path.parent / "strace.log"
    trace = ["strace", "-f", "-qq", "-o", str(log), "-P", str(tmp_path / "10"), "-P", "10", "-e", f"inject={fault}"]
    command = [*trace, sys.executable, "-c", FAULTY, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ptrace" in result.stderr:
        pytest.skip("processes may not be traced here")
    assert result.returncode == 0, result.stderr
    found, errors = json.loads(result.stdout)
    assert "INJECTED" in log.read_text(), "the fault did not happen"
    if message is None:
        assert (found, errors) == (ids, [])
    else:
        assert found == ids | {"10": "None"}
        assert errors == [["10", "unreadable", message]]


def test_identify_files_in_a_child_of_fork(good: tuple[Path, dict[str, c4py.C4ID]]) -> None:
    root, ids = good
    paths = [root / path for path in ids]
    assert dict(zip(ids, c4py.identify_files(paths, workers=4).values(), strict=True)) == ids
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            again = c4py.identify_files(paths, workers=4)
            os.write(write, b"same" if list(again.values()) == list(ids.values()) else b"different")
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        assert pipe.read() == b"same"
    os.waitpid(child, 0)


def test_a_callback_that_raises_stops_identify_files(good: tuple[Path, dict[str, c4py.C4ID]]) -> None:
    root, ids = good

    def fail(*_args: object) -> None:
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        c4py.identify_files([root / path for path in ids], workers=4, progress=fail)
    assert worker_threads() == set()


INTERRUPTED = """
import os, signal, sys, c4py
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[2])
from worker_threads import worker_threads
print("go", flush=True)
try:
    c4py.identify_files([os.path.join(sys.argv[1], name) for name in os.listdir(sys.argv[1])], workers=2)
except KeyboardInterrupt:
    print(sorted(worker_threads()))
"""


def test_ctrl_c_stops_identify_files(tmp_path: Path) -> None:
    for number in range(12):
        with open(tmp_path / str(number), "wb") as file:
            file.truncate(40 << 30)  # sparse: minutes of hashing
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), os.path.dirname(__file__)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout
            child.stdout.readline()
            time.sleep(0.3)
            child.send_signal(signal.SIGINT)
            output, _ = child.communicate(timeout=30)
        finally:
            child.kill()
    assert (child.returncode, output) == (0, "[]\n")

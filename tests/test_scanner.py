"""Scans: options, progress, interruption, and trees that misbehave."""

from __future__ import annotations

import itertools
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import c4py
import pytest
from c4py import ScanIssue, ScanStats
from meanwhile import meanwhile
from worker_threads import worker_threads


def paths(manifest: c4py.Manifest) -> list[str]:
    return [path for path, _ in manifest.flat_entries()]


def test_every_kind_of_entry(tree: Path) -> None:
    manifest = c4py.scan(tree)
    assert paths(manifest) == [
        "a.txt",
        "dangling",
        "link",
        "not-utf8-\udcff",
        "pipe",
        "d",
        "d/x.bin",
        "d/e",
        "d/e/empty",
    ]
    assert manifest["a.txt"].c4id == manifest["link"].c4id == c4py.identify_bytes(b"hello world")
    assert (manifest["link"].target, manifest["link"].size) == ("a.txt", 5)
    assert manifest["dangling"].c4id is manifest["pipe"].c4id is None
    assert manifest["pipe"].canonical().startswith("p")
    assert manifest["not-utf8-\udcff"].c4id == c4py.identify_bytes(b"bytes")
    assert manifest["d/e"].c4id == c4py.identify_bytes(manifest["d/e/empty"].canonical().encode() + b"\n")
    for path, entry in manifest.flat_entries():
        status = os.lstat(tree / path)
        assert entry.timestamp_s == status.st_mtime_ns // 10**9
        assert entry.mode == (status.st_mode & 0o7777 if entry.mode & 0o170000 == 0 else status.st_mode)
        assert entry.is_dir() or entry.size == status.st_size
    assert c4py.loads(c4py.dumps(manifest)) == manifest
    assert manifest.errors == []


def test_any_kind_of_path(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = c4py.scan(tree)
    monkeypatch.chdir(tree.parent)
    (tree.parent / "link").symlink_to("tree")
    for path in (str(tree), os.fsencode(tree), "tree", "tree/", "./tree/d/..", "link", "link/"):
        assert c4py.scan(path) == expected
    monkeypatch.chdir(tree)
    assert c4py.scan(".") == expected


def test_modes(tree: Path) -> None:
    names = c4py.scan(tree, mode="structure")
    assert {(entry.mode, entry.timestamp_s) for entry in names} == {(0, -62_135_596_800)}
    metadata = c4py.scan(tree, compute_ids=False)
    assert metadata == c4py.scan(tree, mode="metadata")
    assert paths(names) == paths(metadata) == paths(c4py.scan(tree))
    assert not any(entry.c4id for entry in metadata)
    assert metadata["a.txt"].size == 11


def test_wrong_arguments_say_what_they_may_be(tree: Path) -> None:
    for options, message in [
        ({"mode": "deep"}, "mode must be 'structure', 'metadata' or 'full', not \"deep\""),
        ({"link_ids": "x"}, "link_ids must be 'follow', 'inside' or 'none', not \"x\""),
        ({"on_error": "ignore"}, "on_error must be 'raise' or 'record', not 'ignore'"),
        ({"workers": 0}, "workers must be between 1 and 1024"),
    ]:
        with pytest.raises(ValueError, match=message):
            c4py.scan(tree, **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="path must be str, bytes or os.PathLike, not int"):
        c4py.scan(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="exclude must be str or bytes, not int"):
        c4py.scan(tree, exclude=[3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="progress must be a function, True or an object with update"):
        c4py.scan(tree, progress=3)  # type: ignore[arg-type]
    with pytest.raises(c4py.NotADirectory) as error:
        c4py.scan(str(tree / "a.txt"))
    assert isinstance(error.value, NotADirectoryError)
    assert isinstance(error.value, ValueError)
    assert error.value.filename == str(tree / "a.txt")
    with pytest.raises(FileNotFoundError):
        c4py.scan(tree / "missing")
    with pytest.raises(FileNotFoundError):
        c4py.scan(tree, exclude_file=tree / "missing")


def test_an_empty_directory(tmp_path: Path) -> None:
    manifest = c4py.scan(tmp_path)
    assert len(manifest) == 0
    assert c4py.dumps(manifest) == ""
    assert manifest.compute_c4id() == c4py.identify_bytes(b"")


def test_what_is_excluded_is_excluded_everywhere(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "d" / "keep.tmp").touch()
    (tree / "d" / ".hidden").touch()
    without = c4py.scan(tree, exclude="*.tmp")
    assert "d/keep.tmp" not in without
    (tree / ".rules").write_text("# what nobody wants\n\n*.tmp\n  d/e  \n")
    listed = c4py.scan(tree, exclude_file=tree / ".rules")
    assert "d/e" not in listed
    assert "d/keep.tmp" not in listed
    (tree / "d" / "keep.tmp").unlink()
    (tree / ".rules").unlink()
    assert without["d"].c4id == c4py.scan(tree)["d"].c4id, "as if it were not there"
    assert [p for p in paths(c4py.scan(tree, hidden=False)) if "hidden" in p] == []
    assert "d/.hidden" in c4py.scan(tree)
    assert paths(c4py.scan(tree, exclude=["d/**", b"not-*", "*.txt"])) == ["dangling", "link", "pipe", "d"]
    assert paths(c4py.scan(tree, exclude=["["])) == paths(c4py.scan(tree)), "a malformed pattern matches nothing"
    (tree / "d" / ".c4ignore").write_text("x.bin\n")
    monkeypatch.setenv("C4_EXCLUDE_FILE", ".c4ignore")
    manifest = c4py.scan(tree)
    assert "d/x.bin" not in manifest
    assert "d/.c4ignore" in manifest


def test_numbered_files_fold_within_their_directory(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(998, 1003):
            (tmp_path / folder / f"f.{number:04}.exr").write_text(f"{folder}{number}")
    (tmp_path / "a" / "readme").touch()
    manifest = c4py.scan(tmp_path, sequences=True)
    assert paths(manifest) == ["a", "a/f.[0998-1002].exr", "a/readme", "b", "b/f.[0998-1002].exr"]
    sequence = manifest["a/f.[0998-1002].exr"]
    members = [c4py.identify_file(tmp_path / "a" / f"f.{number:04}.exr") for number in range(998, 1003)]
    assert sequence.is_sequence
    assert sequence.c4id == c4py.identify_bytes("".join(map(str, members)).encode())
    assert "".join(map(str, members)) in c4py.dumps(manifest).splitlines()


def test_a_file_that_cannot_be_read_is_listed_and_reported(unprivileged: None) -> None:
    del unprivileged
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:
        os.chmod(root, 0o755)
        Path(root, "ok").write_text("ok")
        Path(root, "secret").write_text("secret")
        Path(root, "secret").chmod(0)
        Path(root, "closed").mkdir(mode=0)
        with pytest.raises(c4py.ScanError, match="the scan met 2 problems: closed: cannot open the directory") as error:
            c4py.scan(root)
        manifest = error.value.manifest
        assert paths(manifest) == ["ok", "secret", "closed"]
        assert manifest["secret"].c4id is manifest["closed"].c4id is None
        assert manifest["ok"].c4id == c4py.identify_bytes(b"ok")
        assert isinstance(error.value, OSError)
        assert [issue.path for issue in error.value.errors] == ["closed", "secret"]
        assert all(issue.is_error and issue.code == "unreadable" for issue in error.value.errors)
        recorded = c4py.scan(root, on_error="record")
        assert recorded == manifest
        assert recorded.errors == error.value.errors
        again = pickle.loads(pickle.dumps(error.value))
        assert (str(again), again.errors) == (str(error.value), error.value.errors)
        Path(root, "closed").chmod(0o700)


def test_issues_worth_knowing_do_not_raise(tmp_path: Path) -> None:
    (tmp_path / "up").symlink_to(".")
    (tmp_path / "odd\\").touch()
    (tmp_path / "esc\x1b[31m\\").touch()
    manifest = c4py.scan(tmp_path)
    assert [(issue.code, issue.is_error) for issue in manifest.errors] == [
        ("trailing-backslash", False),
        ("trailing-backslash", False),
        ("link-cycle", False),
    ]
    assert str(manifest.errors[0]) == r"esc\x1b[31m\\: a name that ends in a backslash does not read back from text"
    issue = manifest.errors[2]
    assert str(issue) == "up: the link leads back to a directory above it"
    assert issue == ScanIssue("up", "link-cycle", "the link leads back to a directory above it", False)
    assert {issue} == {pickle.loads(pickle.dumps(issue))}
    assert repr(issue).startswith("ScanIssue(path='up', code='link-cycle', ")


def test_times_that_have_no_text_are_reported(tmp_path: Path) -> None:
    # Not every file system has such times; the one in memory does.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else tmp_path) as name:
        path = Path(name) / "future"
        path.touch()
        try:
            os.utime(path, (253_402_300_800, 253_402_300_800))
        except OverflowError:
            pytest.skip("this system has no such times")
        if path.stat().st_mtime < 253_402_300_800:
            pytest.skip("this file system has no such times")
        with pytest.raises(c4py.ScanError, match="future: the time is outside the years 0 to 9999"):
            c4py.scan(name)


def test_hard_links_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100_000))
    for number in range(20):
        os.link(tmp_path / "a", tmp_path / f"link{number}")
    seen: list[ScanStats] = []

    class Observer:
        def update(self, stats: ScanStats) -> None:
            seen.append(stats)

    manifest = c4py.scan(tmp_path, progress=Observer())
    assert len({entry.c4id for entry in manifest}) == 1
    assert (seen[-1].files_total, seen[-1].bytes_done, seen[-1].entries) == (1, 100_000, 21)


def test_a_name_of_255_bytes_and_a_tree_beyond_any_path(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("n" * 255, dir_fd=directory)
        below = os.open("n" * 255, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = below
    with open(os.open("leaf", os.O_WRONLY | os.O_CREAT, dir_fd=directory), "wb") as file:
        file.write(b"leaf")
    os.close(directory)
    manifest = c4py.scan(tmp_path)
    assert len(manifest) == 41
    assert manifest["/".join(["n" * 255] * 40 + ["leaf"])].c4id == c4py.identify_bytes(b"leaf")
    subprocess.run(["rm", "-rf", tmp_path / ("n" * 255)], check=True)


@pytest.mark.usefixtures("_shown_at_once")
def test_progress_as_a_function_an_object_and_a_line(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[str, int, int]] = []
    c4py.scan(tree, progress=lambda *args: calls.append(args))
    assert calls[-1][1:] == (4, 4)
    assert all(path.startswith(f"{tree}/") for path, _, _ in calls)
    c4py.scan(tree, progress=True)
    err = capfd.readouterr().err
    assert "4 of 4 files, 100 %" in err
    assert err.endswith("\r")


def test_an_exception_in_the_callback_stops_the_scan(tree: Path) -> None:
    def fail(*_args: object) -> None:
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        c4py.scan(tree, progress=fail)
    assert worker_threads() == set()


def test_threads_belong_to_the_call(tree: Path) -> None:
    before = threading.active_count()
    for workers in (1, 4):
        c4py.scan(tree, workers=workers)
    assert worker_threads() == set()
    assert threading.active_count() == before


SLOW = """
import signal, sys, c4py
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may have been started with the signal ignored
print("go", flush=True)
c4py.scan(sys.argv[1], workers=2)
"""


def test_ctrl_c_stops_a_scan_at_once(tmp_path: Path) -> None:
    for number in range(4):
        with open(tmp_path / str(number), "wb") as file:
            file.truncate(40 << 30)  # sparse: minutes of hashing
    command = [sys.executable, "-c", SLOW, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            assert child.stdout
            assert child.stderr
            child.stdout.readline()
            time.sleep(0.5)
            child.send_signal(signal.SIGINT)
            assert child.wait(timeout=30) == -signal.SIGINT
            assert b"KeyboardInterrupt" in child.stderr.read()
        finally:
            child.kill()


def test_a_child_of_fork_scans_as_its_parent_does(tree: Path) -> None:
    expected = c4py.scan(tree).compute_c4id()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, c4py.scan(tree, workers=2).compute_c4id().digest)
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        assert pipe.read() == expected.digest
    os.waitpid(child, 0)


def test_a_file_that_grows_all_the_time_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(bytes(20_000_000))
    (tmp_path / "still").write_text("still")
    with open(path, "ab", buffering=0) as file:

        def grow() -> None:
            file.write(b"line\n")
            time.sleep(0.0005)

        with meanwhile(grow), pytest.raises(c4py.ScanError, match="log: changed while it was read") as error:
            c4py.scan(tmp_path)
    assert error.value.manifest["log"].c4id is None
    assert error.value.manifest["still"].c4id == c4py.identify_bytes(b"still")


def test_a_tree_that_changes_all_the_time_is_scanned_without_a_crash(tmp_path: Path) -> None:
    """Files and directories come, go, and become links to elsewhere while they are read."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    numbers = itertools.count(1)

    def churn() -> None:
        number = next(numbers)
        directory, aside = root / f"d{number % 7}", root / f".aside{number}"
        directory.mkdir(exist_ok=True) if not directory.is_symlink() else None
        (directory / "secret").write_text("mine") if not directory.is_symlink() else None
        directory.rename(aside)
        directory.symlink_to(outside)
        directory.unlink()
        aside.rename(directory)
        (directory / "secret").unlink()

    with meanwhile(churn):
        for _ in range(60):
            manifest = c4py.scan(root, on_error="record", link_ids="none")
            secret = c4py.identify_bytes(b"secret")
            assert not [path for path, entry in manifest.flat_entries() if entry.c4id == secret], "read through a link"


def test_few_open_files_are_enough(tmp_path: Path) -> None:
    for first in range(12):
        for second in range(12):
            (tmp_path / f"a{first}" / f"b{second}").mkdir(parents=True)
            (tmp_path / f"a{first}" / f"b{second}" / "f").touch()
    code = (
        "import resource, sys, c4py; resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24));"
        "print(c4py.scan(sys.argv[1], workers=2).compute_c4id())"
    )
    result = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(c4py.scan(tmp_path).compute_c4id())


def test_links_inside_and_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").write_text("outside")
    (root / "file").write_text("file")
    (root / "in").symlink_to("file")
    (root / "out").symlink_to("../outside")
    ids = {mode: c4py.scan(root, link_ids=mode) for mode in ("follow", "inside", "none")}
    assert ids["follow"]["out"].c4id == c4py.identify_bytes(b"outside")
    assert ids["inside"]["out"].c4id is None
    assert ids["inside"]["in"].c4id == c4py.identify_bytes(b"file")
    assert ids["none"]["in"].c4id is None


def test_links_to_outside_take_their_ids_from_a_manifest(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.write_text("outside")
    (root / "d" / "file").write_text("file")
    for name, target in (("in", "file"), ("out", str(outside)), ("other", str(outside)), ("gone", "gone-file")):
        (root / "d" / name).symlink_to(target)
    whole = c4py.scan(root)
    outside.unlink()
    assert c4py.dumps(c4py.scan(root, link_ids="inside", link_guide=whole)) == c4py.dumps(whole)
    # What is stored is that as well.
    store = c4py.MemoryStore()
    c4py.dump(whole, tmp_path / "whole.c4m")
    again = c4py.scan(root, link_ids="inside", link_guide=tmp_path / "whole.c4m", store=store)
    assert set(store) > {whole["d"].c4id, whole.compute_c4id()}
    assert again.compute_c4id() == whole.compute_c4id()
    # One that points at something else than the guide's, or into the tree, has nothing of the guide.
    (root / "d" / "other").unlink()
    (root / "d" / "other").symlink_to(tmp_path / "elsewhere")
    whole["d/gone"].c4id = c4py.identify_bytes(b"?")
    again = c4py.scan(root, link_ids="inside", link_guide=whole)
    assert again["d/other"].c4id is None
    assert again["d/gone"].c4id is None
    assert again["d/out"].c4id == c4py.identify_bytes(b"outside")
    none = c4py.scan(root, link_ids="none", link_guide=whole)
    assert (none["d/in"].c4id, none["d/out"].c4id) == (None, c4py.identify_bytes(b"outside"))
    # Whoever reads what links point at asks no guide.
    assert c4py.scan(root, link_guide=whole)["d/out"].c4id is None
    with pytest.raises(TypeError, match="link_guide must be a Manifest or a path, not int"):
        c4py.scan(root, link_guide=1)  # type: ignore[arg-type]


def test_following_links(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("f")
    (tmp_path / "d" / "up").symlink_to("..")
    (tmp_path / "l").symlink_to("d")
    manifest = c4py.scan(tmp_path, follow_symlinks=True)
    assert manifest["l/f"].c4id == c4py.identify_bytes(b"f")
    assert manifest["l"].is_dir()
    assert manifest["d/up"].is_symlink()
    assert {issue.code for issue in manifest.errors} == {"link-cycle"}


@pytest.mark.usefixtures("unprivileged")
def test_another_name_of_an_unreadable_file_has_no_id_and_is_reported() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "first").write_bytes(b"secret")
        (root / "second").hardlink_to(root / "first")
        (root / "third").symlink_to("first")
        (root / "first").chmod(0)
        manifest = c4py.scan(root, on_error="record")
        assert [entry.c4id for entry in manifest] == [None] * 3
        assert [(issue.path, issue.code) for issue in manifest.errors] == [
            ("first", "unreadable"),
            ("second", "unreadable"),
            ("third", "unreadable"),
        ]


def test_a_range_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    for frame in range(1, 4):
        (tmp_path / f"f.{frame}").write_bytes(bytes(frame))
    (tmp_path / "f.[1-3]").write_bytes(b"own")
    manifest = c4py.scan(tmp_path, sequences=True)
    assert sorted(paths(manifest)) == ["f.1", "f.2", "f.3", "f.[1-3]"]


def test_a_file_of_patterns_that_is_too_long_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C4_EXCLUDE_FILE", ".exclude")
    (tmp_path / ".exclude").write_bytes(b"*.tmp\n" * 200_000)
    manifest = c4py.scan(tmp_path, on_error="record")
    assert [(issue.path, issue.code) for issue in manifest.errors] == [(".exclude", "unreadable")]
    monkeypatch.setenv("C4_EXCLUDE_FILE", "../exclude")
    with pytest.raises(ValueError, match="C4_EXCLUDE_FILE"):
        c4py.scan(tmp_path)


def test_many_links_to_files_outside_need_few_descriptors(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    root.mkdir()
    for number in range(300):
        (outside / str(number)).mkdir(parents=True)
        (outside / str(number) / "f").write_bytes(b"%d" % number)
        (root / f"file{number}").symlink_to(outside / str(number) / "f")
        (root / f"directory{number}").symlink_to(outside / str(number))
    code = (
        "import resource, sys, c4py\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "print(all(entry.c4id for entry in c4py.scan(sys.argv[1])))"
    )
    result = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "True\n"

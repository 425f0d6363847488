"""Stores are counted, verified and cleaned: what is found, what is left alone, and how it is told."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import c4py
import pytest
from c4py import _rust
from c4py.store.check import (
    GcReport,
    StoreFinding,
    StoreReport,
    StoreStats,
    collect_garbage,
    directory_stats,
    verify_directory,
    verify_store,
)
from c4py.store.content import verified
from c4py.store.manifests import put_manifest
from command import hear_signals

OLD = time.time() - 48 * 3600


def place(root: Path, c4id: c4py.C4ID) -> Path:
    """Find the directory that attracts an object."""
    text, directory = str(c4id), root
    for at in range(0, 88, 2):
        below = directory / text[at : at + 2]
        if not below.is_dir():
            break
        directory = below
    return directory


def put(root: Path, content: bytes, *, levels: int = 0) -> c4py.C4ID:
    c4id = c4py.identify_bytes(content)
    text = str(c4id)
    root.joinpath(*(text[at : at + 2] for at in range(0, 2 * levels, 2))).mkdir(parents=True, exist_ok=True)
    path = place(root, c4id) / text
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))
    return c4id


def damage(root: Path, c4id: c4py.C4ID, content: bytes) -> None:
    (place(root, c4id) / str(c4id)).write_bytes(content)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    root.mkdir()
    for number in range(200):
        put(root, b"object %d" % number, levels=number % 4)
    return root


def ids_of(root: Path) -> list[c4py.C4ID]:
    return list(_rust.store_ids(root))


def test_ids_come_in_order_and_a_list_of_them_is_never_made(store: Path) -> None:
    expected = sorted(c4py.identify_bytes(b"object %d" % number) for number in range(200))
    assert ids_of(store) == expected
    ids = _rust.store_ids(os.fsencode(store))
    assert iter(ids) is ids
    assert next(ids) == expected[0]
    with pytest.raises(c4py.StoreError) as error:
        _rust.store_ids(store / "no")
    assert (error.value.errno, error.value.filename) == (errno.ENOENT, str(store / "no"))
    with pytest.raises(TypeError, match="root must be str, bytes or os.PathLike, not int"):
        _rust.store_ids(1)  # type: ignore[arg-type]


def test_stats_count_objects_bytes_and_depths(store: Path) -> None:
    (store / "stray").touch()
    (store / ".ingest.x").touch()
    (store / "quarantine").mkdir()
    (store / "quarantine" / "bad").write_bytes(b"123")
    stats = directory_stats(store)
    assert (stats.objects, stats.bytes) == (200, sum(len(b"object %d" % number) for number in range(200)))
    assert len(stats.depths) == 4
    assert sum(stats.depths) == 200
    assert (stats.stray, stats.temporary, stats.quarantined, stats.quarantined_bytes) == (1, 1, 1, 3)
    assert str(stats) == "200 objects, 1.8 KB, 1 stray, 1 temporary, 1 in quarantine"
    assert pickle.loads(pickle.dumps(stats)) == stats
    assert eval(repr(stats), {"StoreStats": StoreStats}) == stats
    assert StoreStats(0, 0) != stats


def test_a_sound_store_is_ok(store: Path) -> None:
    report = verify_directory(store)
    assert report
    assert report.is_ok
    assert report.complete
    assert (report.checked, report.cursor, report.corrupt, report.stray) == (200, None, [], [])
    assert {finding.code for finding in report.misplaced} <= {"shadowed"}
    report.raise_if_failed()
    assert str(report).endswith(
        "200 objects checked, 1.8 KB" + (f", {len(report.misplaced)} misplaced" * bool(report.misplaced))
    )


def test_everything_that_is_wrong_is_told_and_harms_no_screen(store: Path) -> None:
    corrupt = put(store, b"good")
    damage(store, corrupt, b"bad")
    link, fifo, directory, sock = (str(c4py.identify_bytes(bytes([n]))) for n in range(4))
    (store / link).symlink_to("/etc/passwd")
    os.mkfifo(store / fifo)
    (store / directory).mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.relpath(store / "s"))
    (store / "s").rename(store / sock)
    hostile = "esc\x1b[31m\n<script>\u202e\udcff"
    (store / hostile).touch()
    (store / "zz").mkdir()
    lost = put(store, b"lost")
    (place(store, lost) / str(lost)).rename(store / "zz" / str(lost))
    (store / ".ingest.123").touch()
    report = verify_directory(store)
    server.close()
    assert not report
    assert not report.is_ok
    (found,) = report.corrupt
    assert (found.c4id, found.actual, found.size, found.moved) == (corrupt, c4py.identify_bytes(b"bad"), 3, None)
    assert (store / found.path).read_bytes() == b"bad"
    assert {finding.path: finding.code for finding in report.stray} == {
        link: "symlink",
        fifo: "special",
        directory: "directory",
        sock: "special",
        hostile: "name",
    }
    assert [(f.path, f.c4id) for f in report.misplaced if f.code != "shadowed"] == [(f"zz/{lost}", lost)]
    assert [(f.path, f.code) for f in report.temporary] == [(".ingest.123", "foreign")]
    for text in (str(report), repr(report), report._repr_html_(), report.to_json()):
        assert not set("\x1b\u202e\udcff") & set(text)
        assert "esc\n" not in text
    assert "<script>" not in report._repr_html_()
    values = json.loads(report.to_json())
    assert values["ok"] is False
    assert values["corrupt"][0]["actual"] == str(c4py.identify_bytes(b"bad"))
    with pytest.raises(c4py.StoreCorrupt) as error:
        report.raise_if_failed()
    assert (error.value.c4id, error.value.actual) == (corrupt, found.actual)
    (store / found.path).unlink()
    with pytest.raises(c4py.StoreError, match=f"zz/{lost}: lies where no reader looks for it"):
        verify_directory(store).raise_if_failed()
    assert pickle.loads(pickle.dumps(report)) == report


def test_corrupt_objects_go_to_quarantine_only_when_asked(store: Path) -> None:
    c4id = put(store, b"good")
    damage(store, c4id, b"")
    assert verify_directory(store).corrupt[0].moved is None
    report = verify_directory(store, quarantine=True)
    assert report.corrupt[0].moved == f"quarantine/{c4id}"
    assert report.quarantined == [f"quarantine/{c4id}"]
    assert "moved to quarantine/c4" in str(report)
    assert (store / "quarantine" / str(c4id)).read_bytes() == b""
    assert verify_directory(store).is_ok
    assert c4id not in ids_of(store)


def test_samples_and_limits_of_time(store: Path) -> None:
    for number in range(200):
        damage(store, c4py.identify_bytes(b"object %d" % number), b"damaged")
    everything = ids_of(store)

    def corrupt(**options: Any) -> list[c4py.C4ID]:
        return [f.c4id for f in verify_directory(store, **options).corrupt if f.c4id is not None]

    assert len(corrupt(sample=17)) == 17
    assert corrupt(sample=17, seed=1) != corrupt(sample=17)
    assert corrupt(sample=1.0) == corrupt(sample=2**70) == everything
    assert corrupt(sample=0) == corrupt(sample=0.0) == []
    quarters = [c4id for seed in range(-2, 2) for c4id in corrupt(sample=0.25, seed=seed)]
    assert sorted(set(quarters)) == everything
    found, report = [], None
    while report is None or not report.complete:
        report = verify_directory(store, time_limit=0, resume=report, workers=1)
        found += [f.c4id for f in report.corrupt]
        if report.cursor is not None:
            assert f"resume after {report.cursor}" in str(report)
            assert report.cursor == everything[len(found) - 1]
    assert found == everything
    assert verify_directory(store, time_limit=timedelta(hours=1)).complete
    assert corrupt(resume=everything[150]) == corrupt(resume=str(everything[150])) == everything[151:]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sample": 1.5}, ValueError, "sample must be a float from 0 to 1, or an int of 0 or more"),
        ({"sample": float("nan")}, ValueError, "sample must be a float from 0 to 1"),
        ({"sample": -1}, ValueError, "sample must be a float from 0 to 1, or an int of 0 or more"),
        ({"sample": True}, TypeError, "sample must be float, int or None, not bool"),
        ({"sample": "all"}, TypeError, "sample must be float, int or None, not str"),
        ({"seed": 1.0}, TypeError, "seed must be int, not float"),
        ({"time_limit": -1}, ValueError, "time_limit must be 0 seconds or more, not -1"),
        ({"time_limit": float("nan")}, ValueError, "time_limit must be 0 seconds or more"),
        ({"time_limit": "1 h"}, TypeError, "time_limit must be seconds or a timedelta, not str"),
        ({"workers": 0}, ValueError, "workers must be between 1 and 1024"),
        ({"resume": 5}, TypeError, "resume must be StoreReport, C4ID or str, not int"),
        ({"resume": "c4"}, c4py.InvalidC4ID, "90 characters"),
        ({"resume": StoreReport()}, ValueError, "there is nothing left to check"),
        ({"progress": 5}, TypeError, "progress must be a function"),
    ],
)
def test_bad_options_are_named(store: Path, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        verify_directory(store, **options)
    with pytest.raises(error, match=message):
        verify_store(MemoryStore(), **options)


@pytest.mark.usefixtures("_shown_at_once")
def test_progress_is_told_as_in_a_scan(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[str, int, int]] = []
    verify_directory(store, progress=lambda path, done, total: calls.append((path, done, total)))
    assert calls[-1][1:] == (200, 200)
    assert calls[-1][0].startswith(f"{store}/")
    observed: list[c4py.ScanStats] = []

    class Observer:
        def update(self, stats: c4py.ScanStats) -> None:
            observed.append(stats)

    collect_garbage(store, b"", progress=Observer())
    assert (observed[-1].phase, observed[-1].files_done) == ("sweep", 200)
    verify_directory(store, progress=True)
    directory_stats(store, progress=True)
    collect_garbage(store, b"", progress=True)
    assert "200 of 200 files, 100 %" in capsys.readouterr().err


def test_a_progress_function_that_raises_stops_the_work(store: Path) -> None:
    def stop(*_: object) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        verify_directory(store, progress=stop)
    with pytest.raises(RuntimeError, match="stop"):
        verify_store(MemoryStore([b"a", b"b"]), progress=stop)


def test_ctrl_c_stops_a_verification(tmp_path: Path) -> None:
    # One sparse object that takes many seconds to read.
    name = str(c4py.identify_bytes(b"large"))
    with (tmp_path / name).open("wb") as file:
        file.truncate(20 << 30)
    code = f"from c4py.store.check import verify_directory; print(flush=True); verify_directory({str(tmp_path)!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=hear_signals
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert error.rstrip().endswith(b"KeyboardInterrupt")


def line(name: str, content: bytes) -> bytes:
    return b"-rw-r--r-- 2025-01-01T00:00:00Z %d %s %s\n" % (
        len(content),
        name.encode(),
        str(c4py.identify_bytes(content)).encode(),
    )


def test_garbage_is_collected_for_any_form_of_roots(store: Path, tmp_path: Path) -> None:
    text = b"".join(line(f"f{number}", b"object %d" % number) for number in range(100))
    path = tmp_path / "root.c4m"
    path.write_bytes(text)
    nested = put(store, line("g", b"object 100"))
    everything = ids_of(store)
    manifest = c4py.loads(text.decode())
    for roots in (
        manifest,
        path,
        str(path),
        text,
        [path],
        iter([manifest]),
        (path, c4py.identify_bytes(b"object 5"), str(nested)),
    ):
        dry = collect_garbage(store, roots)
        assert dry.dry_run
        assert dry.removed_count == len(dry.removed) >= 99
        assert dry.kept >= 100
        assert ids_of(store) == everything
    report = collect_garbage(store, [path, nested], dry_run=False)
    assert (report.kept, report.removed_count, report.young) == (102, 99, 0)
    assert report.is_ok
    assert set(ids_of(store)) == set(everything) - set(report.removed)
    assert str(report) == "99 objects removed, 990 B, 102 kept, 0 too young"
    assert pickle.loads(pickle.dumps(report)) == report
    assert json.loads(report.to_json())["removed_count"] == 99
    assert "99 objects removed" in report._repr_html_()
    assert repr(dry).startswith("<c4py.GcReport: 99 objects would be removed, ")


def test_a_scanned_tree_with_its_listings_is_kept(tmp_path: Path) -> None:
    tree, root = tmp_path / "tree", tmp_path / "store"
    (tree / "a" / "b").mkdir(parents=True)
    root.mkdir()
    (tree / "a" / "b" / "f").write_bytes(b"deep")
    for frame in range(5):
        (tree / f"frame.{frame:04}.exr").write_bytes(b"%d" % frame)
    manifest = c4py.scan(tree, sequences=True)
    needed = [put(root, b"deep"), *(put(root, b"%d" % frame) for frame in range(5))]
    put(root, b"garbage")
    collect_garbage(root, manifest, dry_run=False)
    assert ids_of(root) == sorted(needed)
    # What a scan stores of it, its own listing among them, is needed; and so are the manifest's texts.
    stored = c4py.FSStore(tmp_path / "scanned")
    manifest = c4py.scan(tree, sequences=True, store=stored)
    file = tmp_path / "tree.c4m"
    c4py.dump(manifest, file, pretty=True)
    put_manifest(stored, manifest)
    before = set(stored)
    assert {manifest.compute_c4id(), c4py.identify_file(file)} < before
    pretty = stored.put(io.BytesIO(file.read_bytes()))
    for c4id in stored:
        os.utime(stored.path(c4id), (OLD, OLD))
    for roots in (file, file.read_bytes()):
        assert stored.gc(roots, False, grace=0).removed == []
    assert stored.gc(manifest, False, grace=0).removed == [pretty]
    assert set(stored) == before
    # The directory alone, by its ID: its listings must be there.
    directory = manifest["a"].c4id
    assert directory is not None
    with pytest.raises(c4py.StoreError, match=rf"root 1 \({directory}\) refers to: the store does not have the object"):
        collect_garbage(root, directory)
    put(root, manifest["a/b"].canonical().encode() + b"\n")
    with pytest.raises(c4py.StoreError, match="the store does not have the list of the directory"):
        collect_garbage(root, directory)
    put(root, manifest["a/b/f"].canonical().encode() + b"\n")
    assert collect_garbage(root, directory).kept == 3


def test_what_fails_in_a_store_is_a_store_error(tmp_path: Path) -> None:
    file, loop = tmp_path / "file", tmp_path / "loop"
    file.touch()
    loop.symlink_to(loop)
    for path, number in ((file, errno.ENOTDIR), (loop, errno.ELOOP)):
        store = c4py.FSStore(path)
        for work in (
            lambda store=store: list(store),
            store.stats,
            store.verify,
            lambda store=store: store.gc(b"", False),
            lambda store=store: store.gc(c4py.identify_bytes(b"x")),
        ):
            with pytest.raises(c4py.StoreError) as error:
                work()
            assert (error.value.errno, error.value.filename) == (number, str(path))
            assert str(error.value) == f"[Errno {number}] {os.strerror(number)}: '{path}'"


@pytest.mark.parametrize(
    ("roots", "error", "message"),
    [
        ([], ValueError, "roots must hold at least one: without any, everything would be removed"),
        ("no.c4m", FileNotFoundError, "no.c4m"),
        (b"nonsense", c4py.ParseError, "line 1"),
        ([b"", 5], TypeError, "roots must be Manifest, C4ID, path or bytes, or an iterable of these, not int"),
        (5, TypeError, "roots must be Manifest, C4ID, path or bytes, or an iterable of these, not int"),
        (None, TypeError, "roots must be .*, not NoneType"),
        (c4py.identify_bytes(b"absent"), c4py.StoreError, "the store does not have the object c4"),
    ],
)
def test_roots_that_cannot_be_followed_are_refused(
    store: Path, roots: Any, error: type[Exception], message: str
) -> None:
    before = ids_of(store)
    with pytest.raises(error, match=message):
        collect_garbage(store, roots, dry_run=False)
    assert ids_of(store) == before


def test_a_root_file_that_does_not_parse_is_named(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad\x1b.c4m"
    path.write_bytes(b"nonsense\n")
    with pytest.raises(c4py.ParseError) as error:
        collect_garbage(store, path)
    assert error.value.path == path
    corrupt = put(store, line("f", b"f"))
    damage(store, corrupt, b"nonsense")
    with pytest.raises(c4py.StoreCorrupt) as corruption:
        collect_garbage(store, [b"", corrupt])
    assert corruption.value.c4id == corrupt
    assert corruption.value.__notes__ == [f"so it is not known what root 2 ({corrupt}) refers to"]


def test_the_grace_is_a_day_and_can_be_anything(store: Path) -> None:
    young = c4py.identify_bytes(b"object 1")
    os.utime(place(store, young) / str(young))
    assert collect_garbage(store, b"").young == 1
    for grace in (72 * 3600, timedelta(days=3), float("inf"), 10**400):
        assert collect_garbage(store, b"", grace=grace).young == 200
    bad: list[tuple[Any, type[Exception]]] = [(-1, ValueError), ("1", TypeError), (None, TypeError)]
    for wrong, error in bad:
        with pytest.raises(error, match="grace must be"):
            collect_garbage(store, b"", grace=wrong)


class MemoryStore:
    """A store of a user's own."""

    def __init__(self, contents: list[bytes] | None = None) -> None:
        self.contents = {c4py.identify_bytes(content): content for content in contents or []}
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[c4py.C4ID]:
        return iter(list(self.contents))

    def get(self, c4id: c4py.C4ID, /) -> BinaryIO:
        self.threads.add(threading.get_ident())
        content: bytes | Exception = self.contents[c4id]
        if isinstance(content, Exception):
            raise content
        return io.BytesIO(content)


@pytest.mark.parametrize("workers", [1, 4])
def test_any_store_that_lists_its_objects_is_verified(workers: int) -> None:
    store = MemoryStore([b"%d" % number for number in range(50)])
    ids = sorted(store)
    report = verify_store(store, workers=workers)
    assert (report.is_ok, report.complete, report.checked, report.bytes) == (True, True, 50, 90)
    if workers == 1:
        assert store.threads == {threading.get_ident()}
    store.contents[ids[3]] = b"bad"
    store.contents[ids[7]] = OSError("the disk is gone\x1b")  # type: ignore[assignment]
    report = verify_store(store, workers=workers)
    assert [(f.c4id, f.actual, f.size) for f in report.corrupt] == [(ids[3], c4py.identify_bytes(b"bad"), 3)]
    assert [f.c4id for f in report.unreadable] == [ids[7]]
    assert "\x1b" not in str(report)
    assert report.checked == 49
    found, part = 0, None
    while part is None or not part.complete:
        part = verify_store(store, workers=workers, time_limit=0, resume=part)
        found += len(part.corrupt) + len(part.unreadable)
    assert found == 2
    assert verify_store(store, sample=10).checked + len(verify_store(store, sample=10).unreadable) == 10
    parts = [verify_store(store, sample=0.5, seed=seed) for seed in (0, 1)]
    assert sum(len(part.corrupt) for part in parts) >= 1


def test_an_object_that_is_gone_or_misread_once_is_not_reported() -> None:
    class Flaky(MemoryStore):
        def __init__(self, contents: list[bytes]) -> None:
            super().__init__(contents)
            self.reads: dict[c4py.C4ID, int] = {}

        def get(self, c4id: c4py.C4ID, /) -> BinaryIO:
            self.reads[c4id] = self.reads.get(c4id, 0) + 1
            if self.contents[c4id] == b"gone":
                raise KeyError(c4id)
            if self.reads[c4id] == 1:
                return io.BytesIO(b"misread")
            return super().get(c4id)

    report = verify_store(Flaky([b"gone", b"a", b"b"]))
    assert (report.is_ok, report.checked, report.bytes) == (True, 2, 2)


def test_ids_that_a_store_lists_as_text_are_read() -> None:
    class Texts(MemoryStore):
        def __iter__(self) -> Iterator[str]:  # type: ignore[override]
            return map(str, self.contents)

    store = Texts([b"a", b"b"])
    assert verify_store(store).checked == 2
    store.contents[c4py.identify_bytes(b"c")] = b"bad"
    assert [found.c4id for found in verify_store(store).corrupt] == [c4py.identify_bytes(b"c")]


def test_a_store_that_has_nothing_of_what_it_lists_is_not_sound() -> None:
    class Empty(MemoryStore):
        def get(self, c4id: c4py.C4ID, /) -> BinaryIO:
            raise c4py.ContentNotFound(c4id)

    report = verify_store(Empty([b"a", b"b", b"c"]))
    assert (report.is_ok, report.checked, report.complete) == (False, 0, True)
    assert report.unreadable[0].message == "listed, and not there"
    assert str(report).endswith("0 objects checked, 0 B, 3 unreadable")
    assert verify_store(Empty()).is_ok


def test_what_is_corrupt_is_told_in_the_same_words_whoever_finds_it(tmp_path: Path) -> None:
    c4id = put(tmp_path, b"good")
    damage(tmp_path, c4id, b"bad")
    (expected,) = verify_directory(tmp_path).corrupt

    class Verifying(MemoryStore):
        def get(self, c4id: c4py.C4ID, /) -> BinaryIO:
            return verified(super().get(c4id), c4id)

    for store, size, message in (
        (MemoryStore(), 3, expected.message),
        (Verifying(), None, expected.message.removesuffix(", of 3 bytes")),
    ):
        store.contents[c4id] = b"bad"
        report = verify_store(store)
        (found,) = report.corrupt
        assert (found.message, found.actual, found.size) == (message, expected.actual, size)
        assert report.checked == 1


def test_the_same_objects_are_sampled_whatever_the_store(store: Path) -> None:
    memory = MemoryStore([b"object %d" % number for number in range(200)])
    for number in range(200):
        c4id = c4py.identify_bytes(b"object %d" % number)
        damage(store, c4id, b"bad")
        memory.contents[c4id] = b"bad"
    options: list[dict[str, Any]] = [{"sample": 20}, {"sample": 20, "seed": 9}, {"sample": 0.3, "seed": 2}]
    for option in options:
        expected = [f.c4id for f in verify_directory(store, **option).corrupt]
        assert [f.c4id for f in verify_store(memory, **option).corrupt] == expected


def test_long_lists_are_counted_and_cut_short() -> None:
    finding = StoreFinding("a/b", "name", "x")
    report = StoreReport(stray=[finding] * 30, omitted={"stray": 1000})
    assert "1,030 stray" in str(report)
    assert "… 1,010 more" in report._repr_html_()
    gc = GcReport(dry_run=False, failed=[finding], omitted={"failed": 5})
    assert not gc
    assert "6 failed" in str(gc)


def test_verification_in_a_child_after_a_fork(store: Path) -> None:
    verify_directory(store)
    check: Callable[[], bool] = lambda: verify_directory(store).checked == 200  # noqa: E731
    child = os.fork()
    if child == 0:
        os._exit(0 if check() else 1)
    assert os.waitpid(child, 0)[1] == 0

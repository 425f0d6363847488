"""Manifests, trees and processes that mean harm: nothing outside a directory is read or written, nothing is lost.

Each test stands for a kind of attack that other tools have failed on: archive extractors, version control systems that
checked out through links, backup tools that restored outside their directory.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import c4py
import pytest
from c4py import Entry, Manifest
from meanwhile import meanwhile

CONTENT = b"content"
SECRET = b"what no attack may read or change"
FILE, DIRECTORY, LINK = 0o100644, 0o40755, 0o120777


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Make a directory that nothing may touch."""
    outside = tmp_path / "outside"
    (outside / "d").mkdir(parents=True)
    (outside / "secret").write_bytes(SECRET)
    (outside / "d" / "secret").write_bytes(SECRET)
    return outside


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """Make the directory that is attacked."""
    inside = tmp_path / "inside"
    (inside / "d").mkdir(parents=True)
    (inside / "kept").write_bytes(b"kept")
    return inside


def state(root: Path) -> dict[str, tuple[object, ...]]:
    """Tell everything about a tree but when it was looked at."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        target = os.readlink(path) if path.is_symlink() else ""
        found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_nlink, content, target)
    return found


@contextmanager
def untouched(*roots: Path) -> Iterator[None]:
    before = [state(root) for root in roots]
    yield
    assert [state(root) for root in roots] == before


def put(store: c4py.Store, content: bytes = CONTENT) -> c4py.C4ID:
    return store.put(io.BytesIO(content))


def file(name: str, c4id: c4py.C4ID, depth: int = 0, mode: int = FILE) -> Entry:
    return Entry(name, mode=mode, size=len(CONTENT), c4id=c4id, depth=depth)


# 1. Names and paths


@pytest.mark.parametrize(
    "name",
    [
        *(
            b"..",
            b".",
            b"../escaped",
            b"./x",
            b"/abs",
            b"a/b",
            b"a\0b",
            b"",
            b"d/../../outside/x",
            b"../outside/secret",
        ),
        *(b"../", b"./", b"/", b"a/b/", b"../outside/"),
    ],
)
@pytest.mark.parametrize("depth", [0, 1])
def test_a_name_that_is_no_name_is_refused(
    inside: Path, outside: Path, store: c4py.FSStore, name: bytes, depth: int
) -> None:
    c4id = put(store)
    above = [Entry("d/", mode=DIRECTORY)] if depth else []
    mode = DIRECTORY if name.endswith(b"/") else FILE
    entries = [file("good", c4id), *above, file(os.fsdecode(name), c4id, depth, mode)]
    manifest = Manifest(entries)
    with untouched(inside, outside):
        for dry_run in (True, False):
            with pytest.raises(c4py.PathTraversal) as refused:
                c4py.reconcile(manifest, inside, store=store, dry_run=dry_run)
            assert isinstance(refused.value, ValueError)
        with pytest.raises(c4py.PathTraversal):
            c4py.verify_tree(manifest, inside)
    with untouched(inside / "d", inside / "kept", outside), pytest.raises(c4py.PathTraversal):
        c4py.Workspace(inside, store=store).checkout(manifest)
    assert sorted(os.listdir(inside)) == ["d", "kept"]


@pytest.mark.parametrize("spelled", ["..¤⠯¤name", "¤⠮¤¤⠮¤", "a\\0b", "¤⠯¤abs", "¤⠮⠮⠯⠭¤", ".¤⠮¤", "..", "."])
def test_a_name_is_looked_at_after_it_was_decoded(inside: Path, outside: Path, tmp_path: Path, spelled: str) -> None:
    store = c4py.FSStore(tmp_path / "store")
    c4id = put(store)
    path = tmp_path / "evil.c4m"
    path.write_text(
        f"-rw-r--r-- 2025-01-01T00:00:00Z 7 good {c4id}\n-rw-r--r-- 2025-01-01T00:00:00Z 7 {spelled} {c4id}\n"
    )
    with untouched(inside, outside), pytest.raises(c4py.PathTraversal):
        c4py.reconcile(path, inside, store=store)


def test_a_directory_that_escapes_is_refused_with_what_is_in_it(
    inside: Path, outside: Path, store: c4py.FSStore
) -> None:
    c4id = put(store)
    text = f"d--------- - - ../ -\n  d--------- - - outside/ -\n    -rw-r--r-- - 7 secret {c4id}\n"
    with untouched(inside, outside), pytest.raises(c4py.PathTraversal, match=r"\.\."):
        c4py.reconcile(c4py.loads(text), inside, store=store)


# 2. Names that harm whoever prints them


@pytest.mark.parametrize(
    "name", ["a\nb", "a\rb", "\x1b]0;title\x07", "\u202egnp.exe", "\udcff", "<script>", "=cmd()", "-rf", " x "]
)
def test_names_for_terminals_and_spreadsheets_are_only_names(inside: Path, store: c4py.FSStore, name: str) -> None:
    manifest = Manifest([file(name, put(store))])
    result = c4py.reconcile(manifest, inside, store=store)
    assert not result.errors
    assert os.listdir(os.fsencode(inside)) == [os.fsencode(name)]
    (inside / name).write_bytes(b"changed")
    report = c4py.verify_tree(manifest, inside)
    assert [entry.path for entry in report.corrupt] == [name]
    for text in (report.summary(), report.to_html(), report.to_csv(), report.to_junit(), str(result)):
        assert not {"\x1b", "\u202e", "\udcff"} & set(text)
    assert "<script>" not in report.to_html() + report.to_junit()


def test_names_of_255_bytes_work_and_of_256_are_refused(inside: Path, store: c4py.FSStore) -> None:
    c4id = put(store)
    c4py.reconcile(Manifest([file("n" * 255, c4id)]), inside, store=store)
    assert (inside / ("n" * 255)).read_bytes() == CONTENT
    with pytest.raises(c4py.UnusableManifest, match="m" * 20):
        c4py.reconcile(Manifest([file("l", c4id), file("m" * 256, c4id)]), inside, store=store)
    assert os.listdir(inside) == ["n" * 255]


def test_a_tree_deeper_than_any_path_is_made_and_verified_and_removed(tmp_path: Path, store: c4py.FSStore) -> None:
    depth = 2000
    entries = [Entry("d/", mode=DIRECTORY, depth=level) for level in range(depth)]
    manifest = Manifest([*entries, file("f", put(store), depth)])
    deep = tmp_path / "deep"
    result = c4py.reconcile(manifest, deep, store=store)
    assert not result.errors
    assert c4py.verify_tree(manifest, deep).is_ok
    assert not c4py.reconcile(Manifest(), deep, store=store).errors
    assert os.listdir(deep) == []


# 3. Twins


@pytest.mark.parametrize("names", [("x", "x"), ("x", "x/"), ("x/", "x/")])
def test_two_entries_of_one_name_are_refused(
    inside: Path, outside: Path, store: c4py.FSStore, names: tuple[str, str]
) -> None:
    c4id = put(store)
    entries = [file(name, c4id, mode=DIRECTORY if name.endswith("/") else FILE) for name in names]
    manifest = Manifest(entries)
    with untouched(inside, outside):
        with pytest.raises(ValueError, match="x"):
            c4py.reconcile(manifest, inside, store=store)
        with pytest.raises(ValueError, match="x"):
            c4py.verify_tree(manifest, inside)


def test_an_entry_with_no_directory_above_it_is_refused(inside: Path, store: c4py.FSStore) -> None:
    manifest = c4py.loads(f"- - 0 a -\n  -rw-r--r-- - 7 orphan {put(store)}\n")
    with untouched(inside), pytest.raises(ValueError, match="orphan"):
        c4py.reconcile(manifest, inside, store=store)


# 4. Links


@pytest.mark.parametrize("target", ["../outside", "..", "/etc", "."])
def test_a_link_and_a_child_through_it_in_one_manifest(
    inside: Path, outside: Path, store: c4py.FSStore, target: str
) -> None:
    c4id = put(store)
    twins = Manifest([Entry("l", mode=LINK, target=target), Entry("l/", mode=DIRECTORY), file("secret", c4id, 1)])
    with untouched(inside, outside), pytest.raises(ValueError, match="l"):
        c4py.reconcile(twins, inside, store=store)
    below = Manifest([Entry("l", mode=LINK, target=target), file("secret", c4id, 1)])
    with untouched(inside, outside), pytest.raises(ValueError, match="secret"):
        c4py.reconcile(below, inside, store=store)


@pytest.mark.parametrize("target", ["../outside", "../outside/secret", "/etc/passwd", "loop", "nowhere"])
def test_a_link_is_made_as_it_is_written_and_never_followed(
    inside: Path, outside: Path, store: c4py.FSStore, target: str
) -> None:
    manifest = Manifest([Entry("loop", mode=LINK, target=target, timestamp=c4py.entry.NULL_TIMESTAMP)])
    with untouched(outside):
        assert not c4py.reconcile(manifest, inside, store=store).errors
        assert os.readlink(inside / "loop") == target
        assert c4py.verify_tree(manifest, inside).is_ok
        # In its place a file, and then a directory.
        assert not c4py.reconcile(Manifest([file("loop", put(store))]), inside, store=store).errors
        assert not c4py.reconcile(manifest, inside, store=store).errors
        assert not c4py.reconcile(
            Manifest([Entry("loop/", mode=DIRECTORY), file("secret", put(store), 1)]), inside, store=store
        ).errors
    assert (inside / "loop" / "secret").read_bytes() == CONTENT


def test_a_link_on_disk_where_a_directory_is_expected_is_replaced(
    inside: Path, outside: Path, store: c4py.FSStore
) -> None:
    (inside / "d").rmdir()
    (inside / "d").symlink_to(outside)
    manifest = Manifest([Entry("d/", mode=DIRECTORY), file("secret", put(store), 1)])
    with untouched(outside):
        report = c4py.verify_tree(manifest, inside)
        assert not report.is_ok
        assert report.ok == []
        assert not c4py.reconcile(manifest, inside, store=store).errors
    assert not (inside / "d").is_symlink()
    assert (inside / "d" / "secret").read_bytes() == CONTENT


def test_what_lies_behind_a_link_is_not_removed(inside: Path, outside: Path, store: c4py.FSStore) -> None:
    (inside / "link").symlink_to(outside)
    with untouched(outside):
        assert not c4py.reconcile(Manifest(), inside, store=store).errors
    assert os.listdir(inside) == []


def test_a_directory_that_is_a_link_itself_is_refused(tmp_path: Path, outside: Path, store: c4py.FSStore) -> None:
    link = tmp_path / "link"
    link.symlink_to(outside)
    with untouched(outside), pytest.raises(OSError, match="link"):
        c4py.reconcile(Manifest([file("x", put(store))]), link, store=store)


def test_a_file_with_other_names_outside_is_replaced_and_not_written_to(
    inside: Path, outside: Path, store: c4py.FSStore
) -> None:
    os.link(outside / "secret", inside / "hard")
    c4id = put(store)
    other = Manifest([Entry("hard", mode=0o100600, size=7, c4id=c4id, timestamp=c4py.entry.NULL_TIMESTAMP)])
    before = (outside / "secret").stat()
    assert not c4py.reconcile(other, inside, store=store).errors
    assert (inside / "hard").read_bytes() == CONTENT
    after = (outside / "secret").stat()
    assert (outside / "secret").read_bytes() == SECRET
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    # Neither are its permissions and its time those of another name.
    (inside / "hard").unlink()
    os.link(outside / "secret", inside / "hard")
    same = Entry("hard", mode=0o100600, size=len(SECRET), c4id=c4py.identify_bytes(SECRET))
    same.timestamp_s = 1_000_000
    assert not c4py.reconcile(Manifest([same]), inside, store=store).errors
    after = (outside / "secret").stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert c4py.verify_tree(Manifest([same]), inside, metadata=True).is_ok


@contextmanager
def swapped(path: Path, outside: Path) -> Iterator[None]:
    """Exchange a directory for a link to another, over and over, in a process of its own."""
    program = """
import os, sys
path, outside = sys.argv[1:]
print(flush=True)
while True:
    try:
        os.rename(path, path + ".away")
        os.symlink(outside, path)
        os.unlink(path)
    except OSError:
        pass
    try:
        os.rename(path + ".away", path)
    except OSError:
        pass
"""
    with subprocess.Popen([sys.executable, "-c", program, path, outside], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


def test_a_directory_that_a_process_exchanges_for_a_link_leads_nowhere(
    tmp_path: Path, outside: Path, store: c4py.FSStore
) -> None:
    c4id = put(store)
    entries = [
        Entry("d/", mode=DIRECTORY),
        *(file(f"f{number}", c4id, 1) for number in range(200)),
        file("secret", c4id, 1),
    ]
    manifest, empty = Manifest(entries), Manifest([Entry("d/", mode=DIRECTORY)])
    inside = tmp_path / "inside"
    (inside / "d").mkdir(parents=True)
    with untouched(outside), swapped(inside / "d", outside):
        for _ in range(20):
            for target in (manifest, empty):
                try:
                    c4py.reconcile(target, inside, store=store)
                    report = c4py.verify_tree(manifest, inside)
                except (OSError, c4py.C4Error):
                    continue
                # Whatever is ok was read inside, and has the content.
                assert "d/secret" not in report.ok or c4id != c4py.identify_bytes(SECRET)
    # Once nobody interferes the directory reaches its state.
    shutil.rmtree(inside / "d.away", ignore_errors=True)
    if (inside / "d").is_symlink():
        (inside / "d").unlink()
    assert not c4py.reconcile(manifest, inside, store=store).errors
    assert c4py.verify_tree(manifest, inside).is_ok


# 5. Pipes and devices in the place of content


@pytest.mark.parametrize("kind", ["link", "pipe", "device"])
def test_an_object_that_is_no_file_is_refused_and_does_not_block(
    inside: Path, outside: Path, store: c4py.FSStore, kind: str
) -> None:
    c4id = put(store)
    path = store.path(c4id)
    path.unlink()
    if kind == "link":
        path.symlink_to(outside / "secret")
    elif kind == "pipe":
        os.mkfifo(path)
    elif os.geteuid() == 0:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    else:
        pytest.skip("only root makes devices")
    with untouched(inside, outside), pytest.raises(OSError, match="regular|not found"):
        c4py.reconcile(Manifest([file("x", c4id)]), inside, store=store)


def test_a_pipe_in_the_way_is_not_opened(inside: Path, store: c4py.FSStore) -> None:
    os.mkfifo(inside / "x")
    manifest = Manifest([file("x", put(store))])
    report = c4py.verify_tree(manifest, inside)
    assert not report.is_ok
    assert report.ok == []
    assert not c4py.reconcile(manifest, inside, store=store).errors
    assert (inside / "x").read_bytes() == CONTENT


# 6. Modes


def test_no_device_is_made_and_no_special_bit_set(inside: Path, store: c4py.FSStore) -> None:
    c4id = put(store)
    special = [file("suid", c4id, mode=0o104755), file("sgid", c4id, mode=0o102755), file("none", c4id, mode=0o100100)]
    devices = [Entry("block", mode=0o60644), Entry("char", mode=0o20644), Entry("socket", mode=0o140644)]
    manifest = Manifest([*special, *devices, Entry("sticky/", mode=0o41777)])
    plan = c4py.reconcile(manifest, inside, store=store, dry_run=True)
    assert sorted(plan.not_made) == ["block", "char", "socket"]
    assert not c4py.reconcile(manifest, inside, store=store).errors
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in inside.iterdir()}
    assert modes == {"suid": 0o755, "sgid": 0o755, "none": 0o100, "sticky": 0o777}
    assert not c4py.reconcile(manifest, inside, store=store, special_bits=True).errors
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in inside.iterdir()}
    assert modes == {"suid": 0o4755, "sgid": 0o2755, "none": 0o100, "sticky": 0o1777}


@pytest.mark.parametrize("seconds", [-(2**33), -1, 1, 2**31, 2**33, 253_402_300_799])
def test_far_times_are_set_or_found_by_a_verification(inside: Path, store: c4py.FSStore, seconds: int) -> None:
    entry = file("x", put(store))
    entry.timestamp_s = seconds
    assert not c4py.reconcile(Manifest([entry]), inside, store=store).errors
    is_held = (inside / "x").stat().st_mtime_ns // 10**9 == seconds
    # What the file system does not hold is the nearest that it does, and said so.
    assert c4py.verify_tree(Manifest([entry]), inside, metadata=True).is_ok == is_held
    assert is_held or abs(seconds) >= 2**33


# 7. Numbers


@pytest.mark.parametrize("size", [2**63 - 1, -(2**62), 0])
def test_a_size_that_is_a_lie_costs_nothing(inside: Path, store: c4py.FSStore, size: int) -> None:
    entry = file("x", put(store))
    entry.size = size
    assert not c4py.verify_tree(Manifest([entry]), inside).is_ok
    result = c4py.reconcile(Manifest([entry]), inside, store=store)
    assert result.errors or (inside / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["f[0-999999999].x", "f[5-1].x", "f[0-9:0].x"])
def test_a_sequence_that_is_a_bomb_is_bounded(inside: Path, store: c4py.FSStore, name: str) -> None:
    manifest = c4py.loads(f"-rw-r--r-- 2025-01-01T00:00:00Z 7 {name} {put(store)}\n")
    try:
        c4py.reconcile(manifest, inside, store=store)
    except (ValueError, OSError):
        assert sorted(os.listdir(inside)) == ["d", "kept"]
    else:
        # A notation that is none is a name.
        assert os.listdir(inside) == [name]


# 8. Damage


@pytest.mark.parametrize("damage", [lambda text: text[:-1], lambda text: text + b"x", lambda text: b"X" + text[1:]])
def test_a_damaged_object_never_has_a_name(inside: Path, store: c4py.FSStore, damage: Callable[[bytes], bytes]) -> None:
    c4id = put(store)
    path = store.path(c4id)
    path.chmod(0o600)
    path.write_bytes(damage(CONTENT))
    manifest = Manifest([file("x", c4id), Entry("d/", mode=DIRECTORY)])
    before = (inside / "kept").read_bytes()
    result = c4py.reconcile(manifest, inside, store=store)
    assert result.errors[0].startswith("create x: the content ")
    assert not (inside / "x").exists()
    # What was to be removed stays while something is wrong.
    assert (inside / "kept").read_bytes() == before
    assert sorted(os.listdir(inside)) == ["d", "kept"]


# 10. Races


def test_a_file_that_is_written_to_all_the_time_is_never_ok(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    size = 1 << 24
    (root / "x").write_bytes(b"\0" * size)
    manifest = c4py.scan(root)
    with open(root / "x", "r+b", buffering=0) as file:

        def write() -> None:
            file.seek(0)
            file.write(os.urandom(8))

        with meanwhile(write):
            report = c4py.verify_tree(manifest, root)
    assert not report.is_ok
    assert report.ok == []

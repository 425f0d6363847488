"""`c4py id -s`: what is identified is stored, under the IDs that are printed."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py.cli import main
from command import COMMAND, MEASURED, c4py_run, environment

#: Two spellings of one manifest.
LOOSE = b"- - 2 b -\n\n- - 1 a -\n"
CANONICAL = b"- - 1 a -\n- - 2 b -\n"


def contents(store: c4py.FSStore) -> dict[str, bytes]:
    """Read a store directory that was not split: every object is what its name says, and nothing else lies there."""
    found = {path.name: path.read_bytes() for path in store.root.iterdir()}
    assert all(str(c4py.identify_bytes(content)) == name for name, content in found.items())
    return found


def run_stored(home: Path, store: c4py.FSStore, *arguments: str | Path, piped: bytes | None = None) -> bytes:
    """Run `id -s`, and see that it prints what `id` prints."""
    done = c4py_run("id", "-s", *arguments, home=home, store=store.root, piped=piped)
    assert (done.returncode, done.stderr) == (0, b"")
    assert c4py_run("id", *arguments, home=home, piped=piped).stdout == done.stdout
    return done.stdout


def test_files_are_stored_under_the_ids_that_are_printed(home: Path, store: c4py.FSStore) -> None:
    (home / "one").write_bytes(b"1")
    (home / "two").write_bytes(b"22")
    (home / "link").symlink_to("two")
    os.mkfifo(home / "pipe")
    printed = run_stored(home, store, "one", "two", "link", "pipe")
    assert sorted(contents(store).values()) == [b"1", b"22"]
    assert all(name.encode() in printed for name in contents(store))


def test_many_files_are_printed_in_their_order_with_what_they_are(home: Path) -> None:
    """Each is what it is alone, whatever stands before and behind it."""
    (home / "d").mkdir()
    (home / "note").write_bytes(LOOSE)
    for name in ("b", "a", "d/c", "\udcff", "empty"):
        (home / name).write_bytes(name.encode(errors="surrogateescape") if name != "empty" else b"")
    (home / "link").symlink_to("a")
    (home / "to_d").symlink_to("d")
    os.mkfifo(home / "pipe")
    paths = ["b", "./b", "a", "d/c", "link", "to_d/", "pipe", "b", "\udcff", ".//a", "note", "empty"]
    alone = [c4py_run("id", "--", path, home=home).stdout for path in paths]
    done = c4py_run("id", "-q", *paths, home=home)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    done = c4py_run("id", *paths, home=home)
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 1)
    assert done.stderr.startswith(b"c4py id: note: not printed: ./b, a: of several files of one name the last")
    assert done.stdout == c4py.dumps(c4py.Manifest([entry for text in alone for entry in c4py.loads(text)])).encode()
    files = [path for path in paths if path != "pipe"]
    bare = [c4py_run("id", "-i", path, home=home).stdout for path in files]
    done = c4py_run("id", "-i", *files, home=home)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"".join(bare), b"")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("gone", "gone: No such file or directory"),
        ("broken", "broken: No such file or directory"),
        ("to_pipe", "to_pipe: not a regular file"),
        ("a/", "a/: Not a directory"),
        ("to_d", "to_d: Is a directory"),
    ],
)
def test_the_first_of_many_files_that_cannot_be_identified_is_named(home: Path, wrong: str, message: str) -> None:
    (home / "d").mkdir()
    for name in ("a", "b"):
        (home / name).write_text(name)
    for name, target in (("broken", "nowhere"), ("to_pipe", "pipe"), ("to_d", "d")):
        (home / name).symlink_to(target)
    os.mkfifo(home / "pipe")
    for paths in ([wrong, "a", "b"], ["a", "b", wrong], ["a", wrong, "b", "gone"]):
        done = c4py_run("id", *paths, home=home)
        assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", f"c4py id: {message}\n")


def test_after_files_a_directory_or_manifest_is_printed_alone(home: Path, tree: Path) -> None:
    for name in ("a", "b"):
        (home / name).write_text(name)
    (home / "m.c4m").write_bytes(LOOSE)
    assert c4py_run("id", "a", "b", tree, "gone", home=home).stdout == c4py.dumps(c4py.scan(tree)).encode()
    assert c4py_run("id", "a", "b", "m.c4m", "gone", home=home).stdout == CANONICAL
    bare = c4py_run("id", "-i", "a", tree, "m.c4m", "b", home=home).stdout.decode().split()
    assert bare == [
        str(c4id)
        for c4id in (
            c4py.identify_bytes(b"a"),
            c4py.scan(tree).compute_c4id(),
            c4py.identify_bytes(CANONICAL),
            c4py.identify_bytes(b"b"),
        )
    ]


def test_a_file_that_changes_after_it_was_identified_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_text("before")
    identify_files = c4py.identify_files

    def change_then(*arguments: Any, **options: Any) -> dict[Path, c4py.C4ID | None]:
        found = identify_files(*arguments, **options)
        paths[0].write_text("after it")
        return found

    monkeypatch.setattr(c4py, "identify_files", change_then)
    assert main(["id", "-x", *map(str, paths)]) == 0
    printed = c4py.loads(capfd.readouterr().out)
    assert [(entry.size, entry.c4id) for entry in printed] == [
        (8, c4py.identify_bytes(b"after it")),
        (6, c4py.identify_bytes(b"before")),
    ]


def test_a_file_that_is_a_manifest_is_stored_in_canonical_form(home: Path, store: c4py.FSStore) -> None:
    (home / "note").write_bytes(LOOSE)
    run_stored(home, store, "note")
    assert list(contents(store).values()) == [CANONICAL]
    run_stored(home, store, "-i", "note")
    assert list(contents(store).values()) == [CANONICAL]


def test_a_chain_is_stored_as_its_last_state(home: Path, store: c4py.FSStore) -> None:
    first = b"- - 1 a -\n"
    text = first + b"%s\n- - 2 b -\n" % str(c4py.identify_bytes(first)).encode()
    for name in ("chain.c4m", "chain"):
        (home / name).write_bytes(text)
        run_stored(home, store, "-i", name)
    assert list(contents(store).values()) == [CANONICAL]


def test_a_directory_is_stored_as_it_is_with_its_listings(home: Path, store: c4py.FSStore, tree: Path) -> None:
    (tree / "d" / "note.c4m").write_bytes(LOOSE)
    printed = run_stored(home, store, tree)
    manifest = c4py.loads(printed)
    assert LOOSE in contents(store).values()
    assert {entry.c4id for entry in manifest if entry.c4id} <= set(map(c4py.parse, contents(store)))
    assert manifest.compute_c4id() in store
    again = c4py_run("cat", "-r", str(manifest.compute_c4id()), home=home, store=store.root)
    assert again.stdout == printed
    c4id = run_stored(home, store, "-i", tree).decode().strip()
    assert c4id == str(manifest.compute_c4id())


def test_quiet_stores_and_prints_nothing(home: Path, store: c4py.FSStore, tree: Path) -> None:
    done = c4py_run("id", "-sq", tree, home=home, store=store.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert c4py.scan(tree).compute_c4id() in store


def test_a_manifest_is_stored_with_the_listings_of_its_directories(home: Path, store: c4py.FSStore, tree: Path) -> None:
    manifest = c4py.scan(tree)
    (home / "tree.c4m").write_text(c4py.dumps(manifest, pretty=True))
    printed = run_stored(home, store, "tree.c4m")
    assert printed.decode() == c4py.dumps(manifest)
    assert c4py.identify_bytes(printed) in store
    directories = {entry.c4id for _, entry in manifest.directories()}
    assert {c4id for c4id in directories | {manifest.compute_c4id()} if c4id not in store} == set()
    # The text, the listing of the top and those of its two directories: no content, which was not there.
    assert len(contents(store)) == 2 + len(directories)
    for c4id in (c4py.identify_bytes(printed), manifest.compute_c4id()):
        assert c4py_run("cat", "-r", str(c4id), home=home, store=store.root).stdout == printed


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain\n",
        b"\x00" * 600_000,
        b"- - 1 a -\n" * 60_000 + b"but this is no entry\n",
        b"- - 1 a -\n" + b"x" * 300_000,
    ],
)
def test_a_stream_is_stored_as_it_is(home: Path, store: c4py.FSStore, content: bytes) -> None:
    printed = run_stored(home, store, piped=content)
    assert contents(store) == {printed.decode().strip(): content}


def test_a_stream_that_is_a_manifest_is_stored_in_canonical_form(home: Path, store: c4py.FSStore) -> None:
    many = b"".join(b"- - %d n%06d -\n" % (number, number) for number in range(60_000))
    for text, canonical in ((LOOSE, CANONICAL), (b"\n" + many, many)):
        printed = run_stored(home, store, piped=text)
        assert contents(store)[printed.decode().strip()] == canonical
    assert len(contents(store)) == 2


def test_a_large_stream_goes_through_the_store_in_bounded_memory(home: Path, store: c4py.FSStore) -> None:
    block, blocks = os.urandom(1 << 20), 300
    variables = environment(home, store.root)
    pipe = subprocess.PIPE
    with subprocess.Popen([*MEASURED, "id", "-s"], env=variables, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        assert child.stdin
        for _ in range(blocks):
            child.stdin.write(block)
        printed, peak_of_put = child.communicate()
    with subprocess.Popen([*MEASURED, "cat", printed.strip()], env=variables, stdout=pipe, stderr=pipe) as child:
        assert child.stdout
        assert all(child.stdout.read(len(block)) == block for _ in range(blocks))
        rest, peak_of_get = child.communicate()
    assert rest == b""
    # MiB: the interpreter and a few buffers.
    assert max(int(peak_of_put), int(peak_of_get)) < 120


def test_without_a_store_it_is_said_how_to_have_one(home: Path) -> None:
    (home / "x").touch()
    done = c4py_run("id", "-s", "x", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py id: no content store is configured: ")
    assert b"c4py store init" in done.stderr


@pytest.mark.parametrize("mode", ["s", "m"])
def test_what_is_not_read_cannot_be_stored(home: Path, store: c4py.FSStore, mode: str) -> None:
    done = c4py_run("id", "-s", "-m", mode, ".", home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"c4py id: -s stores content, and -m s and -m m read none\n"


def configure(home: Path, text: str) -> None:
    (home / ".c4").mkdir()
    (home / ".c4" / "config").write_text(text)


def test_the_configuration_can_say_that_it_is_always_stored(home: Path, store: c4py.FSStore) -> None:
    configure(home, f"store = {store.root}\nstore_auto = true\n")
    (home / "x").write_bytes(b"x")
    assert c4py_run("id", "-m", "m", "x", home=home).returncode == 0
    assert c4py_run("id", "-x", "x", home=home).returncode == 0
    assert not store.root.exists()
    assert c4py_run("id", "x", home=home).returncode == 0
    assert list(contents(store).values()) == [b"x"]


@pytest.mark.parametrize("text", ["[core]\ngarbage\n= x\n", "store_auto = perhaps\n", "store =\n"])
def test_without_s_a_strange_configuration_is_no_error(home: Path, text: str) -> None:
    configure(home, text)
    (home / "x").touch()
    done = c4py_run("id", "-i", "x", home=home)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().strip() == str(c4py.identify_bytes(b""))
    assert c4py_run("id", "-x", "x", home=home).returncode == 0


def test_with_s_the_configuration_is_named_where_it_is_wrong(home: Path, store: c4py.FSStore) -> None:
    configure(home, f"store = {store.root}\nstore_auto = perhaps\n")
    (home / "x").touch()
    done = c4py_run("id", "-s", "x", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b".c4/config: line 2: store_auto must be true or false" in done.stderr
    assert not store.root.exists()


@pytest.mark.parametrize("nowhere", ["/dev/null", "/nonexistent"])
def test_identifying_needs_no_home(tmp_path: Path, nowhere: str) -> None:
    (tmp_path / "x").touch()
    command = [*COMMAND, "id", "-i", "x"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(Path(nowhere)), capture_output=True, check=True)
    assert done.stdout.decode().strip() == str(c4py.identify_bytes(b""))


@pytest.fixture
def shared_directory() -> Iterator[Path]:
    """Make a directory that any user may write to."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o777)
        yield Path(path)


@pytest.mark.usefixtures("unprivileged")
def test_an_unreadable_file_is_reported_and_the_rest_is_stored(
    shared_directory: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    store, tree = c4py.FSStore(shared_directory / "store"), shared_directory / "tree"
    monkeypatch.setenv("C4_STORE", str(store.root))
    tree.mkdir()
    for name in ("readable", "secret"):
        (tree / name).write_text(name)
    (tree / "secret").chmod(0)
    # In this process: the interpreter may lie where another user cannot run it.
    assert main(["id", "-s", str(tree)]) == 3
    printed = capfd.readouterr()
    assert "secret" in printed.err
    assert [entry.c4id is None for entry in c4py.loads(printed.out)] == [False, True]
    assert b"readable" in contents(store).values()
    assert main(["id", "-s", str(tree / "secret")]) == 1
    assert capfd.readouterr().err == f"c4py id: {tree}/secret: Permission denied\n"


def test_what_is_no_regular_file_is_not_read(home: Path, store: c4py.FSStore) -> None:
    os.mkfifo(home / "pipe")
    done = c4py_run("id", "-s", "-i", "pipe", home=home, store=store.root)
    assert done.returncode == 1
    assert done.stderr == b"c4py id: pipe: not a regular file\n"


def test_hostile_names_are_names(home: Path, store: c4py.FSStore) -> None:
    for name in (b"-s", b"-", b"--", b"\x1b[31m\xff", str(c4py.identify_bytes(b"")).encode()):
        (home / os.fsdecode(name)).write_bytes(name)
        done = c4py_run("id", "-s", "--", name, home=home, store=store.root)
        assert (done.returncode, done.stderr) == (0, b"")
        assert c4py.identify_bytes(name) in store

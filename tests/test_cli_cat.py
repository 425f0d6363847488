"""`c4py cat`: contents of the store and of files, and manifests with what is in their directories."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import BinaryIO

import c4py
import pytest
from c4py.store import manifests
from c4py.store.content import READ_BYTES
from command import COMMAND, c4py_run, environment
from vector_cases import Case, check_all, create, raw


def put(store: c4py.FSStore, content: bytes) -> c4py.C4ID:
    return store.put(io.BytesIO(content))


def damage(store: c4py.FSStore, c4id: c4py.C4ID, content: bytes) -> c4py.C4ID:
    path = store.path(c4id)
    path.chmod(0o600)
    path.write_bytes(content)
    return c4py.identify_bytes(content)


def test_cat_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["cat"]:
            return
        seen.add(case["case"])
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            done = c4py_run(*case["argv"], home=Path(directory))
        assert (done.returncode, done.stdout) == (case["exit_code"], raw(case, "stdout")), done.stderr
        if case["exit_code"]:
            # The messages of the reference, by this command's name.
            said = case["stderr_first_line"].replace("Error: ", "c4py cat: ")
            usage = "usage: c4py cat [-h] [-e] [-r] C4ID|FILE"
            said = said.replace("Usage: c4 cat [flags] <c4id|file.c4m>", usage)
            assert done.stderr.decode().splitlines()[0] == said

    check_all("cli", check, count=393)
    assert seen == {"cat-c4m", "cat-c4m-e", "cat-plain", "cat-no-store", "cat-no-args"}


@pytest.mark.parametrize("content", [b"", b"plain", b"- - 2 b -\n- - 1 a -\n", bytes(range(256)) * 4000])
def test_stored_content_is_printed_byte_for_byte(home: Path, store: c4py.FSStore, content: bytes) -> None:
    done = c4py_run("cat", str(put(store, content)), home=home, store=store.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, content, b"")


def test_an_id_is_never_the_name_of_a_file(home: Path, store: c4py.FSStore) -> None:
    c4id = str(put(store, b"content"))
    (home / c4id).write_bytes(b"something else")
    assert c4py_run("cat", c4id, home=home, store=store.root).stdout == b"content"
    assert c4py_run("cat", f"./{c4id}", home=home, store=store.root).stdout == b"something else"


def test_content_that_is_not_there_is_an_error(home: Path, store: c4py.FSStore) -> None:
    put(store, b"something")
    c4id = c4py.identify_bytes(b"else")
    for flags in ([], ["-r"], ["-e"]):
        done = c4py_run("cat", *flags, str(c4id), home=home, store=store.root)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == f"c4py cat: content not found: {c4id}\n"


def test_without_a_store_it_is_said_how_to_have_one(home: Path) -> None:
    done = c4py_run("cat", str(c4py.identify_bytes(b"")), home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py cat: no content store is configured: ")


@pytest.mark.parametrize("size", [3, 1_000_000])
def test_corrupt_content_ends_with_4(home: Path, store: c4py.FSStore, size: int) -> None:
    c4id = put(store, b"x" * size)
    actual = damage(store, c4id, b"x" * (size - 1) + b"y")
    done = c4py_run("cat", str(c4id), home=home, store=store.root)
    assert done.returncode == 4
    # What fits into a buffer is known to be wrong before any of it is printed.
    assert len(done.stdout) <= size - size % READ_BYTES
    assert done.stderr.decode() == (
        f"c4py cat: the store has other content under {c4id}: that of {actual}; "
        "what was printed is not the content of the ID\n"
    )


def test_truncated_content_ends_with_4(home: Path, store: c4py.FSStore) -> None:
    c4id = put(store, b"x" * 1000)
    damage(store, c4id, b"x" * 999)
    assert c4py_run("cat", str(c4id), home=home, store=store.root).returncode == 4


def test_several_stores_are_asked_in_order(home: Path, tmp_path: Path, store: c4py.FSStore) -> None:
    c4id = put(store, b"archived")
    done = c4py_run("cat", str(c4id), home=home, store=f"{tmp_path}/fast,{store.root}")
    assert done.stdout == b"archived"


def test_a_reader_who_has_enough_ends_it_quietly(home: Path, store: c4py.FSStore) -> None:
    c4id = put(store, b"x" * 5_000_000)
    with subprocess.Popen(
        [*COMMAND, "cat", str(c4id)],
        env=environment(home, store.root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout
        assert child.stderr
        assert child.stdout.read(10) == b"x" * 10
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == -signal.SIGPIPE


def test_a_file_is_printed_as_it_is_unless_it_is_named_a_manifest(home: Path) -> None:
    text = b"- - 1234 b -\n- - 1 a -\n"
    (home / "note").write_bytes(text)
    (home / "note.c4m").write_bytes(text)
    assert c4py_run("cat", "note", home=home).stdout == text
    assert c4py_run("cat", "note.c4m", home=home).stdout == b"- - 1 a -\n- - 1234 b -\n"
    pretty = c4py.dumps(c4py.loads(text), pretty=True).encode()
    for name in ("note", "note.c4m"):
        assert c4py_run("cat", "-e", name, home=home).stdout == pretty
    (home / "broken.c4m").write_bytes(b"no manifest\n")
    done = c4py_run("cat", "broken.c4m", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"broken.c4m: line 1" in done.stderr


@pytest.mark.parametrize("flag", ["-e", "-r"])
@pytest.mark.parametrize(
    "content", [b"", b"\n", b"plain\n", b"- - 1 a -\nplain\n", b"- - 1 a -\n" * 50_000 + b"\x00" * 500_000]
)
def test_the_form_of_a_manifest_is_not_that_of_other_content(
    home: Path, store: c4py.FSStore, content: bytes, flag: str
) -> None:
    done = c4py_run("cat", flag, str(put(store, content)), home=home, store=store.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, content, b"")


def test_a_directory_and_wrong_usage_are_errors(home: Path) -> None:
    done = c4py_run("cat", ".", home=home)
    assert (done.returncode, done.stderr) == (1, b"c4py cat: .: Is a directory\n")
    for arguments in (["a", "b"], ["-z", "a"]):
        done = c4py_run("cat", *arguments, home=home)
        assert (done.returncode, done.stdout) == (1, b"")


def test_hostile_names_are_shown_and_not_obeyed(home: Path) -> None:
    done = c4py_run("cat", b"\x1b[31m\n\xff", home=home)
    assert done.returncode == 1
    assert done.stderr == b'c4py cat: "\\x1b[31m\\n\\udcff" is not a file path or C4 ID\n'
    for name in ("-", "-e", "--"):
        (home / name).write_text(name)
        assert c4py_run("cat", "--", name, home=home).stdout == name.encode()
    assert c4py_run("cat", "-", home=home).stdout == b"-"


def test_a_pipe_that_is_named_is_read(home: Path) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as file:
        file.write(b"- - 1 a -\n")
    done = subprocess.run(
        [*COMMAND, "cat", "-e", f"/dev/fd/{read}"],
        env=environment(home),
        capture_output=True,
        pass_fds=[read],
        check=True,
    )
    os.close(read)
    assert done.stdout == c4py.dumps(c4py.loads("- - 1 a -\n"), pretty=True).encode()


# What is in directories


def put_tree(store: c4py.FSStore) -> tuple[c4py.Manifest, list[c4py.C4ID]]:
    """Store a tree of three levels; its manifest, and the IDs of its listings from the top."""
    inner = b"-rw-r--r-- 2020-01-01T00:00:00Z 3 x -\n"
    middle = b"drwxr-xr-x 2020-01-01T00:00:00Z 99 e/ %s\n" % str(c4py.identify_bytes(inner)).encode()
    outer = (
        b"-rw-r--r-- 2020-01-01T00:00:00Z 3 a -\n"
        b"drwxr-xr-x 2020-01-01T00:00:00Z 198 d/ %s\n"
        % str(c4py.identify_bytes(middle)).encode()
        + b"drwxr-xr-x 2020-01-01T00:00:00Z 0 empty/ %s\n" % str(c4py.identify_bytes(b"")).encode()
        + b"drwxr-xr-x 2020-01-01T00:00:00Z 5 unknown/ -\n"
    )
    ids = [put(store, text) for text in (outer, middle, inner)]
    return c4py.loads(outer), ids


def test_directories_are_read_from_the_store(home: Path, store: c4py.FSStore) -> None:
    top, ids = put_tree(store)
    done = c4py_run("cat", "-r", str(ids[0]), home=home, store=store.root)
    assert done.returncode == 0, done.stderr
    whole = c4py.loads(done.stdout)
    assert [path for path, _ in whole.flat_entries()] == ["a", "d", "d/e", "d/e/x", "empty", "unknown"]
    assert c4py.dumps(whole).encode() == done.stdout
    assert whole.compute_c4id() == top.compute_c4id()
    (home / "top.c4m").write_text(c4py.dumps(top))
    assert c4py_run("cat", "-r", "top.c4m", home=home, store=store.root).stdout == done.stdout
    (home / "whole.c4m").write_bytes(done.stdout)
    assert c4py_run("cat", "-r", "whole.c4m", home=home, store=store.root).stdout == done.stdout
    pretty = c4py_run("cat", "-re", "top.c4m", home=home, store=store.root)
    assert pretty.stdout.decode() == c4py.dumps(whole, pretty=True)
    assert c4py_run("cat", str(ids[0]), home=home, store=store.root).stdout == store.path(ids[0]).read_bytes()


def test_a_patch_of_a_stored_manifest_is_printed_as_the_state_after_it(home: Path, store: c4py.FSStore) -> None:
    _, ids = put_tree(store)
    (home / "patch.c4m").write_text(f"{ids[0]}\n- - 1 new -\n")
    done = c4py_run("cat", "-r", "patch.c4m", home=home, store=store.root)
    assert [path for path, _ in c4py.loads(done.stdout).files()] == ["a", "new", "d/e/x"]


def test_a_listing_that_is_not_there_is_named(home: Path, store: c4py.FSStore) -> None:
    _, ids = put_tree(store)
    store.remove(ids[2])
    done = c4py_run("cat", "-r", str(ids[0]), home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"c4py cat: d/e/: content not found: {ids[2]}\n"


def test_a_listing_that_is_corrupt_ends_with_4(home: Path, store: c4py.FSStore) -> None:
    _, ids = put_tree(store)
    actual = damage(store, ids[1], b"- - 666 EVIL -\n")
    done = c4py_run("cat", "-r", str(ids[0]), home=home, store=store.root)
    assert (done.returncode, done.stdout) == (4, b"")
    assert done.stderr.decode() == f"c4py cat: the store has other content under {ids[1]}: that of {actual}\n"


def test_a_listing_that_is_no_manifest_is_an_error(home: Path, store: c4py.FSStore) -> None:
    for content in (b"\x00" * 1_000_000, b"plain\n", b"- - 1 a -\n" * 100_000 + b"plain"):
        c4id = put(store, content)
        (home / "top.c4m").write_text(f"d--------- - - d/ {c4id}\n")
        done = c4py_run("cat", "-r", "top.c4m", home=home, store=store.root)
        assert (done.returncode, done.stdout) == (1, b"")
        assert str(c4id).encode() in done.stderr
    patch = put(store, f"{c4py.identify_bytes(b'?')}\n- - 1 a -\n".encode())
    (home / "top.c4m").write_text(f"d--------- - - d/ {patch}\n")
    done = c4py_run("cat", "-r", "top.c4m", home=home, store=store.root)
    assert done.returncode == 1
    assert f"d/: {patch} is a patch of " in done.stderr.decode()


def test_a_few_texts_that_stand_for_many_entries_are_refused_and_read_once(store: c4py.FSStore) -> None:
    class Counting:
        def __init__(self) -> None:
            self.reads = 0

        def get(self, c4id: c4py.C4ID, /) -> BinaryIO:
            self.reads += 1
            return store.get(c4id)

    text = b"- - 1 x -\n"
    for _ in range(20):
        c4id = put(store, text)
        text = b"".join(b"d--------- - - d%d/ %s\n" % (number, str(c4id).encode()) for number in range(10))
    counting = Counting()
    with pytest.raises(ValueError, match="more than 10,000 entries"):
        manifests.load_stored(counting, put(store, text), max_entries=10_000)
    assert counting.reads == 21
    # A long listing is not kept, but read again.
    c4id = put(store, b"".join(b"- - 1 x%d -\n" % number for number in range(manifests.KEPT_ENTRIES + 1)))
    text = b"".join(b"d--------- - - d%d/ %s\n" % (number, str(c4id).encode()) for number in range(3))
    counting = Counting()
    assert len(manifests.load_stored(counting, put(store, text))) == 3 * (manifests.KEPT_ENTRIES + 2)
    assert counting.reads == 4


def test_listings_beyond_the_number_that_is_kept_are_read_again(
    store: c4py.FSStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "KEPT_LISTINGS", 2)
    ids = [str(put(store, b"- - 1 x%d -\n" % number)).encode() for number in range(4)]
    text = b"".join(b"d--------- - - d%02d/ %s\n" % (number, ids[number % 4]) for number in range(12))
    whole = manifests.load_stored(store, put(store, text))
    assert [path for path, _ in whole.files()] == [f"d{number:02}/x{number % 4}" for number in range(12)]


def test_a_deep_tree_needs_no_deep_stack(store: c4py.FSStore) -> None:
    text = b"- - 1 x -\n"
    for _ in range(3000):
        text = b"d--------- - - d/ %s\n" % str(put(store, text)).encode()
    whole = manifests.load_stored(store, put(store, text))
    assert len(whole) == 3001
    store.remove(c4py.identify_bytes(b"- - 1 x -\n"))
    with pytest.raises(c4py.ContentNotFound) as caught:
        manifests.load_stored(store, c4py.identify_bytes(text))
    assert caught.value.path == "d/" * 3000

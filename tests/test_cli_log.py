"""`c4py log`: the sections of chains, from files and standard input."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import c4py
from c4py.store.manifests import put_manifest
from command import c4py_run
from vector_cases import Case, check_all, create, raw

IDS = [str(c4py.identify_bytes(content)) for content in (b"old", b"new")]
OLD = f"- - 3 a {IDS[0]}\n- - - d/ -\n  - - 2 b -\n"
NEW = f"- - 3 a {IDS[1]}\n- - 4 c -\n- - - d/ -\n  - - 2 b -\n"

#: Cases of which stderr is the reference's, word for word.
SAME_MESSAGES = {"log-empty": "No patches found."}


def write_chain(home: Path) -> list[c4py.C4ID]:
    """Make a chain in one file, the same in two, and give the IDs of its states."""
    old, new = c4py.loads(OLD), c4py.loads(NEW)
    patch = c4py.patch_diff(old, new)
    (home / "chain.c4m").write_text(OLD + patch)
    (home / "base.c4m").write_text(OLD.rstrip("\n"))
    (home / "next.c4m").write_text(patch)
    return [old.compute_c4id(), new.compute_c4id()]


def test_log_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["log"]:
            return
        seen.add(case["case"])
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            done = c4py_run(*case["argv"], home=Path(directory))
        assert (done.returncode, done.stdout) == (case["exit_code"], raw(case, "stdout")), done.stderr
        said = done.stderr.decode().splitlines()
        if case["exit_code"]:
            assert said[0].startswith(("c4py log: ", "usage: c4py log"))
        elif case["case"] in SAME_MESSAGES:
            assert said == [SAME_MESSAGES[case["case"]]]
        elif case["case"] != "log-diff-file-only":
            assert said == []

    check_all("cli", check, count=393)
    assert len(seen) == 23
    assert set(SAME_MESSAGES) <= seen


def test_a_chain_in_one_file_in_several_and_on_standard_input_is_one_chain(home: Path) -> None:
    old, new = write_chain(home)
    expected = f"1  {old}  (base)  2 files, 1 dirs\n2  {new}  +1 -0 ~1\n".encode()
    for arguments, piped in (
        (["chain.c4m"], None),
        (["base.c4m", "next.c4m"], None),
        (["-"], (home / "chain.c4m").read_bytes()),
        (["base.c4m", "-"], (home / "next.c4m").read_bytes()),
    ):
        done = c4py_run("log", *arguments, home=home, piped=piped)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, b"")


def test_json_is_one_document(home: Path) -> None:
    old, new = write_chain(home)
    done = c4py_run("log", "--json", "chain.c4m", home=home)
    assert done.stdout.count(b"\n") == 1
    first = {"is_base": True, "added": 0, "removed": 0, "modified": 0, "entry_count": 3, "dir_count": 1}
    second = {"is_base": False, "added": 1, "removed": 0, "modified": 1, "entry_count": 4, "dir_count": 1}
    assert json.loads(done.stdout) == {
        "sections": [{"index": 1, "c4id": str(old)} | first, {"index": 2, "c4id": str(new)} | second]
    }
    (home / "empty.c4m").touch()
    done = c4py_run("log", "--json", "empty.c4m", home=home)
    assert (done.returncode, done.stdout, done.stderr) == (0, b'{"sections": []}\n', b"")


def test_a_patch_whose_base_is_in_the_store_is_shown_as_one(home: Path, store: c4py.FSStore) -> None:
    old, new = c4py.loads(f"- - 3 a {IDS[0]}\n"), c4py.loads(f"- - 3 a {IDS[1]}\n- - 4 c -\n")
    (home / "next.c4m").write_text(c4py.patch_diff(old, new))
    alone = c4py_run("log", "next.c4m", home=home)
    assert alone.returncode == 0
    assert b"  (base)  2 files, 0 dirs\n" in alone.stdout
    note = f"c4py log: note: section 1 continues from {old.compute_c4id()} and is shown as a first state: "
    assert alone.stderr.decode() == f"{note}no store is configured\n"
    missing = c4py_run("log", "next.c4m", home=home, store=store.root)
    assert (missing.returncode, missing.stdout) == (0, alone.stdout)
    assert missing.stderr.decode().startswith(f"{note}content not found")
    put_manifest(store, old)
    found = c4py_run("log", "next.c4m", home=home, store=store.root)
    assert (found.stdout, found.stderr) == (f"1  {new.compute_c4id()}  +1 -0 ~1\n".encode(), b"")


def test_an_error_in_several_files_names_the_file_and_its_line(home: Path) -> None:
    write_chain(home)
    (home / "bad\x1b.c4m").write_text("- - 1 c -\nnonsense\n")
    done = c4py_run("log", "base.c4m", "next.c4m", "bad\x1b.c4m", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py log: bad\\x1b.c4m: in its line 2: ")
    done = c4py_run("log", "nothing.c4m", home=home)
    assert done.returncode == 1
    assert done.stderr.startswith(b"c4py log: nothing.c4m: No such file or directory")

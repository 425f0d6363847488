"""`c4py patch`: chains resolved, directories scanned, and directories brought to a state."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import c4py
import pytest
from command import COMMAND, c4py_run, environment
from vector_cases import Case, check_all, create, raw

#: `patch` cases of cli.jsonl that c4py decides differently.
DEVIATIONS = {
    "patch-dir-missing-content": "the state before has the IDs of its directories: what did not change is not printed",
}

#: First lines of stderr that are the reference's, word for word.
SAME_MESSAGES = ("Wrote ", "0 operations planned", "Missing content for")


def test_patch_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["patch"]:
            return
        seen.add(case["case"])
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            done = c4py_run(*case["argv"], home=Path(directory))
            files = {item["path"]: item["content"] for item in case.get("files_written", [])}
            written = {path: (Path(directory) / path).read_text() for path in files}
        assert done.returncode == case["exit_code"], done.stderr
        assert written == files
        said = done.stderr.decode().splitlines()
        if case.get("stderr_first_line", "").startswith(SAME_MESSAGES):
            assert said[0] == case["stderr_first_line"]
        elif case["exit_code"]:
            assert said[0].startswith(("c4py patch: ", "usage: c4py patch"))
        if case["case"] not in DEVIATIONS:
            assert done.stdout == raw(case, "stdout"), done.stderr
            return
        # The patch is one from the directory, whole, to the target.
        first, *lines, last = done.stdout.decode().splitlines()
        expected = raw(case, "stdout").decode().splitlines()
        assert lines == [line for line in expected[1:-1] if not line.endswith("/") and " zz " in line]
        assert c4py.parse(first) != c4py.parse(expected[0])
        assert last == expected[-1]

    check_all("cli", check, count=393)
    assert len(seen) == 127
    assert set(DEVIATIONS) <= seen


def two_files(home: Path) -> None:
    """Make a chain in two files: the second continues from the first."""
    old, new = c4py.loads("- - 1 a -\n"), c4py.loads("- - 1 a -\n- - 2 b -\n")
    c4py.dump(old, home / "base.c4m")
    (home / "1.c4m").write_text(c4py.patch_diff(old, new))


def test_a_patch_whose_base_is_in_the_store_is_resolved(home: Path, store: c4py.FSStore) -> None:
    two_files(home)
    alone = c4py_run("patch", "1.c4m", home=home)
    assert alone.stdout == b"- - 2 b -\n"
    assert b"note: section 1 continues from c4" in alone.stderr
    assert c4py_run("id", "-s", "base.c4m", home=home, store=store.root).returncode == 0
    assert c4py_run("patch", "1.c4m", home=home, store=store.root).stdout == b"- - 1 a -\n- - 2 b -\n"


def test_standard_input_is_a_manifest(home: Path) -> None:
    two_files(home)
    chain = (home / "base.c4m").read_bytes() + (home / "1.c4m").read_bytes()
    done = c4py_run("patch", "-", "out.c4m", home=home, piped=chain)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"Wrote out.c4m\n")
    assert (home / "out.c4m").read_bytes() == b"- - 1 a -\n- - 2 b -\n"


def test_an_error_in_several_files_names_the_file_and_its_line(home: Path) -> None:
    two_files(home)
    (home / "bad.c4m").write_text("- - 1 c -\nnonsense\n")
    done = c4py_run("patch", "base.c4m", "1.c4m", "bad.c4m", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py patch: bad.c4m: in its line 2: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dry-run", "TREE"), b"for a directory that is changed"),
        (("--source", "TREE", "base.c4m"), b"for a directory that is changed"),
        (("-r", "base.c4m"), b"-r takes a change and a directory"),
        (("base.c4m", "TREE", "1.c4m"), b"all are manifests"),
        (("base.c4m", "1.txt"), b"neither a directory nor the name of a manifest"),
        (("-m", "m", "base.c4m", "TREE"), b"by the content of its files"),
        (("nothing.c4m",), b"nothing.c4m"),
    ],
)
def test_wrong_arguments_are_refused(home: Path, tree: Path, arguments: tuple[str, ...], said: bytes) -> None:
    two_files(home)
    (home / "1.txt").write_text("")
    before = sorted(tree.rglob("*"))
    done = c4py_run("patch", *(argument.replace("TREE", str(tree)) for argument in arguments), home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert said in done.stderr
    assert sorted(tree.rglob("*")) == before


def test_a_directory_is_printed_or_written_and_stored(home: Path, store: c4py.FSStore, tree: Path) -> None:
    expected = c4py.dumps(c4py.scan(tree)).encode()
    assert c4py_run("patch", "--no-store", tree, home=home, store=store.root).stdout == expected
    assert len(store) == 0
    assert c4py_run("patch", tree, home=home).stdout == expected
    done = c4py_run("patch", tree, "out.c4m", home=home, store=store.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"Wrote out.c4m\n")
    assert (home / "out.c4m").read_bytes() == expected
    assert all(entry.c4id in store for entry in c4py.loads(expected) if entry.c4id)


def test_a_directory_becomes_what_a_manifest_says_and_goes_back(home: Path, store: c4py.FSStore, tree: Path) -> None:
    before = c4py.scan(tree)
    other = home / "other"
    other.mkdir()
    (other / "new").write_text("new")
    target = c4py.scan(other, store=store)
    c4py.dump(target, home / "target.c4m")
    plan = c4py_run("patch", "--dry-run", "target.c4m", tree, home=home, store=store.root)
    assert plan.returncode == 0
    assert plan.stdout.splitlines()[0] == b"create new"
    assert c4py.scan(tree) == before
    done = c4py_run("patch", "-s", "target.c4m", tree, home=home, store=store.root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == f"{c4py.patch_diff(before, target)}{target.compute_c4id()}\n"
    assert c4py.scan(tree) == target
    (home / "change.c4m").write_bytes(done.stdout)
    back = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert back.returncode == 0, back.stderr
    assert c4py.scan(tree) == before
    again = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert (again.returncode, again.stdout, again.stderr) == (0, b"", b"nothing to do\n")


def test_a_directory_becomes_what_another_is(home: Path, tree: Path) -> None:
    done = c4py_run("patch", tree, "copy", home=home)
    assert done.returncode == 0, done.stderr
    assert c4py.scan(home / "copy") == c4py.scan(tree)
    state = c4py.loads(b"".join(line + b"\n" for line in done.stdout.splitlines()[1:-1]))
    assert c4py.dumps(state) == c4py.dumps(c4py.scan(tree))


def test_content_comes_from_a_source(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "target.c4m")
    missing = c4py_run("patch", "target.c4m", "copy", home=home)
    assert missing.returncode == 1
    assert missing.stderr.startswith(b"Missing content for ")
    assert not (home / "copy").exists()
    assert c4py_run("patch", "--source", tree, "target.c4m", "copy", home=home).returncode == 0
    assert c4py.scan(home / "copy") == c4py.scan(tree)


def test_output_into_the_directory_that_is_changed_is_refused(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "target.c4m")
    with open(tree / "change.c4m", "wb") as printed:
        done = subprocess.run(
            [*COMMAND, "patch", "target.c4m", tree],
            cwd=home,
            env=environment(home),
            stdout=printed,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert b"lies in the directory that is changed" in done.stderr
    assert os.path.exists(tree / "change.c4m")


def test_a_change_without_a_state_before_is_refused(home: Path, store: c4py.FSStore, tree: Path) -> None:
    (home / "change.c4m").write_text("- - 1 a -\n")
    done = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"does not begin with the ID of the state before" in done.stderr


def test_what_dash_s_did_not_keep_cannot_be_reversed(home: Path, store: c4py.FSStore, tree: Path) -> None:
    (home / "change.c4m").write_text(c4py.patch_diff(c4py.loads("- - 1 gone -\n"), c4py.scan(tree)))
    before = c4py.scan(tree)
    done = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"content not found" in done.stderr
    assert c4py.scan(tree) == before

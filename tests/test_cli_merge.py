"""`c4py merge`: manifests and directories become one manifest."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path

import c4py
import pytest
from c4py.cli import main
from command import COMMAND, c4py_run, environment
from vector_cases import Case, check_all, create, raw

#: `merge` cases of cli.jsonl that c4py decides differently.
DEVIATIONS: dict[str, str] = {}


def test_merge_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["merge"]:
            return
        seen.add(case["case"])
        piped = base64.b64decode(case["stdin_b64"]) if "stdin_b64" in case else None
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            done = c4py_run(*case["argv"], home=Path(directory), piped=piped)
        assert done.returncode == case["exit_code"], done.stderr
        assert done.stdout == raw(case, "stdout"), done.stderr
        said = done.stderr.decode().splitlines()
        if case.get("stderr_first_line", "").startswith("conflict: "):
            assert said[0] == case["stderr_first_line"]
        elif case["exit_code"]:
            assert said[0].startswith("c4py merge: ")
        else:
            assert said == []

    check_all("cli", check, count=393)
    assert len(seen) == 21
    assert set(DEVIATIONS) <= seen


def of(content: str) -> str:
    return str(c4py.identify_bytes(content.encode()))


def line(name: str, content: str, year: int = 2020) -> str:
    return f"-rw-r--r-- {year}-01-01T00:00:00Z {len(content)} {name} {of(content)}\n"


@pytest.fixture
def three(home: Path) -> Path:
    """Make three manifests that have content of their own, and two of them another `x`."""
    (home / "a.c4m").write_text(line("a", "a") + line("x", "old"))
    (home / "b.c4m").write_text(line("b", "b") + line("x", "new", 2021))
    (home / "c.c4m").write_text(line("c", "c"))
    return home


def test_trees_are_merged_one_after_the_other(three: Path, tree: Path) -> None:
    done = c4py_run("merge", "a.c4m", "-", tree, home=three, piped=(three / "c.c4m").read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    expected = c4py.load(three / "a.c4m")
    for other in (c4py.load(three / "c.c4m"), c4py.scan(tree)):
        expected, conflicts = c4py.merge(None, expected, other)
        assert conflicts == []
    assert done.stdout == c4py.dumps(expected).encode()


def test_conflicts_are_told_and_nothing_is_printed(three: Path) -> None:
    (three / "b2.c4m").write_text(line("x", "third", 2022) + line("y\x1b".replace("\x1b", "¤⠛¤"), "1"))
    (three / "c.c4m").write_text(line("y¤⠛¤", "2"))
    done = c4py_run("merge", "a.c4m", "b.c4m", "b2.c4m", "c.c4m", home=three)
    assert (done.returncode, done.stdout) == (1, b"")
    # Each path once, with all that a terminal would obey escaped.
    assert done.stderr.decode().splitlines() == ["conflict: x", "conflict: y\\x1b"]


def test_a_file_and_a_directory_of_one_name_are_in_conflict(three: Path) -> None:
    (three / "file.c4m").write_text(line("x", "file") + line("y", "file"))
    (three / "directory.c4m").write_text("drwxr-xr-x - - x/ -\n  - - - y/ -\n    - - - z -\n")
    said = b"conflict: x: a file in one tree, a directory in another\n"
    for paths in (["file.c4m", "directory.c4m"], ["directory.c4m", "c.c4m", "file.c4m"]):
        done = c4py_run("merge", *paths, home=three)
        assert (done.returncode, done.stdout, done.stderr) == (1, b"", said)
    # With a base it is one as well.
    done = c4py_run("merge", "--base", "c.c4m", "file.c4m", "directory.c4m", home=three)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", said)
    kept = c4py_run("merge", "--keep-both", "file.c4m", "directory.c4m", home=three)
    assert (kept.returncode, kept.stderr) == (1, said)
    assert [entry.name for entry in c4py.loads(kept.stdout)] == ["x", "y", "x/", "y/", "z"]
    told = json.loads(c4py_run("merge", "--json", "directory.c4m", "file.c4m", home=three).stdout)
    (conflict,) = told["conflicts"]
    sides = (conflict[side]["type"] for side in ("local", "remote"))
    assert (conflict["path"], *sides) == ("x", "directory", "file")
    (three / "both.c4m").write_text("- - - d/ -\n  - - - x -\n")
    (three / "nested.c4m").write_text("- - - d/ -\n  - - - x/ -\n    - - - z -\n")
    done = c4py_run("merge", "both.c4m", "nested.c4m", home=three)
    assert (done.returncode, done.stderr) == (1, said.replace(b" x:", b" d/x:"))


def test_a_path_is_one_conflict_however_many_trees_differ(three: Path) -> None:
    (three / "b2.c4m").write_text(line("x", "third", 2022))
    done = c4py_run("merge", "--json", "a.c4m", "b.c4m", "b2.c4m", home=three)
    assert (done.returncode, done.stderr) == (1, b"conflict: x\n")
    assert [conflict["path"] for conflict in json.loads(done.stdout)["conflicts"]] == ["x"]


def test_both_sides_of_a_conflict_can_be_kept(three: Path) -> None:
    done = c4py_run("merge", "--keep-both", "a.c4m", "b.c4m", home=three)
    assert (done.returncode, done.stderr) == (1, b"conflict: x\n")
    merged = c4py.loads(done.stdout)
    assert {entry.name: str(entry.c4id) for entry in merged} == {
        "a": of("a"),
        "b": of("b"),
        "x": of("new"),
        "x.conflict": of("old"),
    }


def test_a_name_that_is_taken_is_not_given_to_the_loser(three: Path) -> None:
    with open(three / "a.c4m", "a") as file:
        file.write(line("x.conflict", "precious"))
    merged = c4py.loads(c4py_run("merge", "--keep-both", "a.c4m", "b.c4m", home=three).stdout)
    assert str(merged["x.conflict"].c4id) == of("precious")
    assert str(merged["x.conflict2"].c4id) == of("old")


def test_with_a_base_what_one_side_changed_or_removed_counts(three: Path) -> None:
    (three / "base.c4m").write_text(line("x", "old") + line("gone", "gone") + line("kept", "kept"))
    (three / "mine.c4m").write_text(line("x", "old") + line("gone", "gone") + line("kept", "kept") + line("new", "new"))
    (three / "theirs.c4m").write_text(line("x", "changed") + line("kept", "kept"))
    done = c4py_run("merge", "--base", "base.c4m", "mine.c4m", "theirs.c4m", home=three)
    assert (done.returncode, done.stderr) == (0, b"")
    merged = c4py.loads(done.stdout)
    assert [entry.name for entry in merged] == ["kept", "new", "x"]
    assert str(merged["x"].c4id) == of("changed")
    without = c4py_run("merge", "mine.c4m", "theirs.c4m", home=three)
    assert (without.returncode, without.stderr) == (1, b"conflict: x\n")
    (three / "mine.c4m").write_text(line("kept", "changed") + line("gone", "gone"))
    both = c4py_run("merge", "--base", "base.c4m", "mine.c4m", "theirs.c4m", home=three)
    assert (both.returncode, both.stdout, both.stderr) == (1, b"", b"conflict: x\n")


def test_json_is_one_document(three: Path) -> None:
    done = c4py_run("merge", "--json", "a.c4m", "b.c4m", "c.c4m", home=three)
    assert (done.returncode, done.stderr) == (1, b"conflict: x\n")
    assert done.stdout.isascii()
    assert done.stdout.count(b"\n") == 1
    document = json.loads(done.stdout)
    assert list(document) == ["c4id", "entries", "errors", "conflicts"]
    assert [entry["path"] for entry in document["entries"]] == ["a", "b", "c", "x", "x.conflict"]
    (conflict,) = document["conflicts"]
    assert (conflict["path"], conflict["local"]["c4id"], conflict["remote"]["c4id"]) == ("x", of("old"), of("new"))
    clean = c4py_run("merge", "--json", "a.c4m", "c.c4m", home=three)
    assert (clean.returncode, clean.stderr) == (0, b"")
    merged, _ = c4py.merge(None, c4py.load(three / "a.c4m"), c4py.load(three / "c.c4m"))
    document = json.loads(clean.stdout)
    assert (document["c4id"], document["conflicts"], document["errors"]) == (str(merged.compute_c4id()), [], [])


def test_json_tells_a_side_that_deleted_as_null(three: Path) -> None:
    (three / "base.c4m").write_text(line("x", "first"))
    (three / "empty.c4m").write_text("")
    done = c4py_run("merge", "--json", "--base", "base.c4m", "a.c4m", "empty.c4m", home=three)
    assert done.returncode == 1
    (conflict,) = json.loads(done.stdout)["conflicts"]
    assert (conflict["local"]["c4id"], conflict["remote"]) == (of("old"), None)


def test_the_mode_and_what_is_excluded_hold_for_directories(three: Path, tree: Path) -> None:
    done = c4py_run("merge", "-m", "m", "--exclude", "*.bin", "--workers", "2", "c.c4m", tree, home=three)
    assert done.returncode == 0
    merged = c4py.loads(done.stdout)
    assert [entry.path for entry in merged if entry.c4id] == ["c"]
    assert "d/e/empty" in merged
    assert "d/x.bin" not in merged


def test_chains_and_patches_are_read_as_their_last_state(three: Path, store: c4py.FSStore) -> None:
    patch = c4py_run("diff", "a.c4m", "c.c4m", home=three).stdout
    (three / "chain.c4m").write_bytes((three / "a.c4m").read_bytes() + patch)
    (three / "patch.c4m").write_bytes(patch)
    expected = c4py_run("merge", "b.c4m", "c.c4m", home=three).stdout
    assert c4py_run("merge", "b.c4m", "chain.c4m", home=three).stdout == expected
    refused = c4py_run("merge", "b.c4m", "patch.c4m", home=three)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"patch.c4m is a patch of c4" in refused.stderr
    assert c4py_run("id", "-s", "a.c4m", home=three, store=store.root).returncode == 0
    assert c4py_run("merge", "b.c4m", "patch.c4m", home=three, store=store.root).stdout == expected


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_does_not_look_removed(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tree, old = Path(directory) / "tree", Path(directory) / "old.c4m"
        (tree / "closed").mkdir(parents=True)
        (tree / "closed" / "file").write_text("x")
        c4py.dump(c4py.scan(tree), old)
        (tree / "closed").chmod(0)
        for flags in ([], ["--json"], ["--keep-both"], ["--base", str(old)]):
            assert main(["merge", *flags, str(old), str(tree)]) == 3
            printed = capfd.readouterr()
            if flags == ["--json"]:
                told = json.loads(printed.out)
                assert (told["c4id"], told["entries"], told["conflicts"]) == (None, [], [])
                assert [error["path"] for error in told["errors"]] == ["closed"]
            else:
                assert printed.out == ""
            assert f"c4py merge: {tree}/closed: cannot open the directory: Permission denied\n" in printed.err
            assert "nothing is merged" in printed.err
        assert main(["merge", "--exclude", "closed", str(old), str(tree)]) == 0
        (tree / "closed").chmod(0o700)


@pytest.mark.parametrize(("where", "said"), [("a.c4m", b"is an argument"), ("TREE/all.c4m", b"lies in the directory")])
@pytest.mark.parametrize("flags", [os.O_TRUNC, os.O_APPEND])
def test_output_over_what_is_read_is_refused(three: Path, tree: Path, where: str, said: bytes, flags: int) -> None:
    path = where.replace("TREE", str(tree))
    printed = os.open(three / path, os.O_WRONLY | os.O_CREAT | flags, 0o644)
    try:
        done = subprocess.run(
            [*COMMAND, "merge", "a.c4m", "c.c4m", tree],
            cwd=three,
            env=environment(three),
            stdout=printed,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(printed)
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), b"0 given"),
        (("a.c4m",), b"two trees or more are expected: 1 given"),
        (("-", "-"), b"standard input (-) can be one of the arguments"),
        (("--base", "-", "-", "a.c4m"), b"standard input (-) can be one of the arguments"),
        (("a.c4m", "no.c4m"), b"no.c4m"),
        (("a.c4m", "bad.txt"), b"bad.txt: line 2"),
        (("a.c4m", "-"), b"standard input: line 1"),
        (("--json", "-e", "a.c4m", "a.c4m"), b"not allowed with"),
        (("-m", "x", "a.c4m", "a.c4m"), b"unknown scan mode"),
    ],
)
def test_wrong_arguments_are_refused(three: Path, arguments: tuple[str, ...], said: bytes) -> None:
    (three / "bad.txt").write_text("- - 1 a -\nnonsense\n")
    done = c4py_run("merge", *arguments, home=three, piped=b"nonsense")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py merge: ")
    assert said in done.stderr


def test_a_manifest_that_is_none_is_told_before_a_directory_is_read(three: Path, tree: Path) -> None:
    (three / "bad.c4m").write_text("nonsense\n")
    (tree / "up").symlink_to("..")
    assert b"up: the link leads back" in c4py_run("merge", tree, "a.c4m", home=three).stderr
    done = c4py_run("merge", tree, "bad.c4m", home=three)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py merge: bad.c4m: line 1")
    assert b"up" not in done.stderr

"""`c4py intersect`: what manifests and directories have in common."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import c4py
import pytest
from c4py.cli import main
from command import c4py_run
from vector_cases import Case, check_all, create, raw


def test_intersect_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["intersect"]:
            return
        seen.add(case["case"])
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            done = c4py_run(*case["argv"], home=Path(directory))
        assert (done.returncode, done.stdout) == (case["exit_code"], raw(case, "stdout")), done.stderr
        if case["exit_code"]:
            assert done.stderr.decode().startswith(("c4py intersect: ", "usage: c4py intersect"))

    check_all("cli", check, count=393)
    assert len(seen) == 25


def two_directories(home: Path) -> None:
    """Make a/ and b/: one content under two names, one name with two contents."""
    for name, files in {"a": {"one": "same", "two": "old"}, "b": {"moved": "same", "two": "new"}}.items():
        (home / name).mkdir()
        for file, content in files.items():
            (home / name / file).write_text(content)


def test_directories_manifests_and_standard_input_are_trees(home: Path) -> None:
    two_directories(home)
    c4py.dump(c4py.scan(home / "a"), home / "a.c4m")
    piped = (home / "a.c4m").read_bytes()
    b = c4py.scan(home / "b")
    for by, kept in (("id", "moved"), ("path", "two")):
        expected = c4py.dumps(b.filter(kept)).encode()
        for a in ("a", "a.c4m", "-"):
            done = c4py_run("intersect", by, a, "b", home=home, piped=piped if a == "-" else None)
            assert (done.returncode, done.stdout, done.stderr) == (0, expected, b"")


def test_flags_stand_anywhere(home: Path) -> None:
    two_directories(home)
    common = c4py.intersect(c4py.scan(home / "a"), c4py.scan(home / "b"), by="path")
    done = c4py_run("intersect", "path", "a", "-e", "b", "--quiet", home=home)
    assert done.stdout.decode() == c4py.dumps(common, pretty=True)
    document = json.loads(c4py_run("intersect", "path", "--json", "a", "b", home=home).stdout)
    assert document["c4id"] == str(common.compute_c4id())
    assert [entry["path"] for entry in document["entries"]] == ["two"]
    assert document["errors"] == []
    done = c4py_run("intersect", "path", "-m", "s", "a", "b", home=home)
    assert [entry.name for entry in c4py.loads(done.stdout)] == ["two"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["idd", "a", "b"], "c4py intersect: unknown action 'idd'; did you mean 'id'?"),
        (["\x1b[0m"], "unknown action '\\x1b[0m'"),
        (["id", "a", "b", "c"], "usage: c4py intersect id"),
        (["path", "-", "-"], "standard input (-) can be one of the arguments, not two"),
        (["id", "-m", "m", "a", "b"], "unrecognized arguments: -m"),
        (["id", "a", "none.c4m"], "none.c4m: No such file or directory"),
    ],
)
def test_wrong_usage_and_errors_end_with_1(home: Path, arguments: list[str], said: str) -> None:
    two_directories(home)
    done = c4py_run("intersect", *arguments, home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert said in done.stderr.decode()


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_ends_with_3(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        two_directories(Path(directory))
        (Path(directory) / "a" / "closed").touch(mode=0)
        assert main(["intersect", "id", f"{directory}/a", f"{directory}/b"]) == 3
        printed = capfd.readouterr()
        assert [entry.name for entry in c4py.loads(printed.out)] == ["moved"]
        assert "closed: cannot open the file" in printed.err
        # A directory that is named twice is read once.
        assert main(["intersect", "id", f"{directory}/a", f"{directory}/a"]) == 3
        assert capfd.readouterr().err.count("closed: ") == 1

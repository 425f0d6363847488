"""Output that is redirected into what a verb reads: the shell has emptied the file, or would make a mixture of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import c4py
import pytest
from command import COMMAND, environment


@pytest.fixture
def home(home: Path) -> Path:
    """Make a directory, its manifest, and a list of paths."""
    (home / "d").mkdir()
    (home / "d" / "a").write_text("a")
    c4py.dump(c4py.scan(home / "d"), home / "x.c4m")
    (home / "list").write_text("one\n")
    return home


def shell(home: Path, line: str) -> tuple[int, str]:
    """Run a line of a shell in which c4py is the command: its exit code and what it said."""
    done = subprocess.run(
        ["bash", "-c", f'c4py() {{ "{COMMAND[0]}" -m c4py "$@"; }}; {line}'],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


#: Commands that read x.c4m, and the exit code where their output goes into it.
READERS = {
    "id x.c4m": 1,
    "id -i x.c4m": 1,
    "cat x.c4m": 1,
    "paths x.c4m": 1,
    "paths - < x.c4m": 1,
    "log x.c4m": 1,
    "validate x.c4m": 2,
    "validate --json d/a x.c4m": 2,
    "patch x.c4m": 1,
    "patch list x.c4m x.c4m": 1,
    "merge d x.c4m": 1,
    "intersect id d x.c4m": 1,
    "intersect path x.c4m d": 1,
    "intersect path --json x.c4m d": 1,
    "explain diff x.c4m d": 1,
}


@pytest.mark.parametrize(("command", "code"), READERS.items())
def test_output_over_what_is_read_is_an_error(home: Path, command: str, code: int) -> None:
    name = "standard input" if "<" in command else "x.c4m"
    words = command.split()
    verb = " ".join(words[:2]) if words[0] in ("explain", "intersect") else words[0]
    before = (home / "x.c4m").read_bytes()
    said = f"c4py {verb}: {name} is an argument, and the output would"
    assert shell(home, f"c4py {command} >> x.c4m") == (code, f"{said} be written behind what it holds\n")
    assert (home / "x.c4m").read_bytes() == before
    assert shell(home, f"c4py {command} > x.c4m") == (code, f"{said} replace it\n")


@pytest.mark.parametrize(
    "command", ["intersect id x.c4m d", "intersect path d d", "explain diff x.c4m d", "merge x.c4m d"]
)
def test_output_into_a_directory_that_is_listed_is_an_error(home: Path, command: str) -> None:
    code, said = shell(home, f"c4py {command} > d/out.txt")
    assert code == 1
    assert "the output d/out.txt lies in the directory that is read" in said


def test_output_that_goes_elsewhere_is_written(home: Path) -> None:
    for command in ("id x.c4m", "id d/a", "intersect id x.c4m d", "paths x.c4m", "cat x.c4m", "validate x.c4m"):
        before = (home / "list").read_bytes()
        assert shell(home, f"c4py {command} >> list") == (0, "")
        assert (home / "list").read_bytes().startswith(before)
        assert (home / "list").read_bytes() != before
    assert shell(home, "c4py validate -q x.c4m >> x.c4m") == (0, "")


def test_what_undoes_a_change_goes_behind_it(home: Path) -> None:
    """A change and the way back are a chain."""
    (home / "new").mkdir()
    assert shell(home, "export C4_STORE=$PWD/store; c4py store init -q; c4py id -s d > x.c4m")[0] == 0
    assert shell(home, "export C4_STORE=$PWD/store; c4py patch -q -s x.c4m new > change.c4m")[0] == 0
    assert shell(home, "export C4_STORE=$PWD/store; c4py patch -q -r change.c4m new >> change.c4m")[0] == 0
    assert list((home / "new").iterdir()) == []
    assert shell(home, "c4py log change.c4m > log")[0] == 0
    assert len((home / "log").read_text().splitlines()) == 2

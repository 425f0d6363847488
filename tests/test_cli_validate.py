"""`c4py validate`: issues of manifests as lines that editors understand, and as JSON."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import c4py
import pytest
from c4py._rust import validation_codes
from command import COMMAND, c4py_run, environment

WRONG = "- - 1 ../ -\n- - 2 b -\n- - 1 a -\n"
WARNED = "- - 2 b -\n- - 1 a -\n"
VALID = "- - 1 a -\n"


@pytest.fixture
def manifests(home: Path) -> Path:
    """Write a manifest of each kind."""
    (home / "wrong.c4m").write_text(WRONG)
    (home / "warned.c4m").write_text(WARNED)
    (home / "valid.c4m").write_text(VALID)
    return home


def test_issues_are_lines_as_compilers_print_them(manifests: Path) -> None:
    done = c4py_run("validate", "wrong.c4m", home=manifests)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.decode().splitlines() == [
        "wrong.c4m:1: error: ../: the name is that of a directory itself or of the one above (dot-name)",
        "wrong.c4m:2: warning: b: belongs above line 1 (unsorted)",
        "wrong.c4m:3: warning: a: belongs above line 2 (unsorted)",
        "wrong.c4m: not valid, 1 error, 2 warnings",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["valid.c4m"], 0),
        (["warned.c4m"], 0),
        (["wrong.c4m"], 1),
        (["valid.c4m", "wrong.c4m", "valid.c4m"], 1),
        (["--strict", "valid.c4m"], 0),
        (["--strict", "warned.c4m"], 1),
        (["none.c4m"], 2),
        (["wrong.c4m", "none.c4m", "valid.c4m"], 2),
        (["."], 2),
        ([], 2),
        (["--limit", "0", "valid.c4m"], 2),
        (["-", "-"], 2),
        (["--codes", "valid.c4m"], 2),
        (["--unknown", "valid.c4m"], 2),
    ],
)
def test_exit_codes(manifests: Path, arguments: list[str], code: int) -> None:
    done = c4py_run("validate", *arguments, home=manifests)
    assert done.returncode == code
    assert bool(done.stderr) == (code == 2)
    quiet = c4py_run("validate", "--quiet", *arguments, home=manifests)
    assert (quiet.returncode, quiet.stdout) == (code, b"")


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_checked(manifests: Path) -> None:
    done = c4py_run("validate", "none.c4m", "valid.c4m", home=manifests)
    assert done.stdout == b"valid.c4m: valid\n"
    assert done.stderr.startswith(b"c4py validate: none.c4m: No such file or directory")


def test_standard_input_is_a_manifest(manifests: Path) -> None:
    done = c4py_run("validate", "-", home=manifests, piped=WARNED.encode())
    assert done.stdout.splitlines()[-1] == b"<stdin>: valid, 1 warning"
    assert done.stdout.startswith(b"<stdin>:2: warning: a: belongs above line 1 (unsorted)\n")


def test_json_is_one_document(manifests: Path) -> None:
    done = c4py_run("validate", "--json", "wrong.c4m", "none.c4m", "valid.c4m", home=manifests)
    assert done.returncode == 2
    assert done.stdout.count(b"\n") == 1
    wrong, unread, valid = json.loads(done.stdout)["files"]
    assert wrong == {"file": "wrong.c4m"} | json.loads(c4py.validate(WRONG, limit=100).to_json())
    assert unread == {"file": "none.c4m", "valid": None, "issues": [], "omitted": {}}
    assert valid == {"file": "valid.c4m", "valid": True, "issues": [], "omitted": {}}


def test_what_is_not_listed_is_counted(home: Path) -> None:
    (home / "many.c4m").write_text("".join(f"nonsense {number}\n" for number in range(5)))
    done = c4py_run("validate", "--limit", "2", "many.c4m", home=home)
    lines = done.stdout.decode().splitlines()
    assert [line.split(":")[:2] for line in lines[:2]] == [["many.c4m", "1"], ["many.c4m", "2"]]
    assert lines[2:] == ["many.c4m: 3 more of code syntax", "many.c4m: not valid, 5 errors"]
    (document,) = json.loads(c4py_run("validate", "--json", "--limit=2", "many.c4m", home=home).stdout)["files"]
    assert (len(document["issues"]), document["omitted"]) == (2, {"syntax": 3})


def test_codes_are_listed_with_what_they_mean(home: Path) -> None:
    lines = c4py_run("validate", "--codes", home=home).stdout.decode().splitlines()
    rows = [(code, "error" if is_error else "warning", meaning) for code, is_error, meaning in validation_codes()]
    assert [tuple(line.split(maxsplit=2)) for line in lines] == rows
    document = json.loads(c4py_run("validate", "--codes", "--json", home=home).stdout)
    assert [tuple(row.values()) for row in document["codes"]] == rows


def test_names_of_files_and_entries_do_nothing_to_a_terminal(home: Path) -> None:
    (home / "\x1b[31m.c4m").write_text(c4py.dumps(c4py.Manifest([c4py.Entry("\x1b]0;x\x07\u202e")])))
    done = c4py_run("validate", "\x1b[31m.c4m", home=home)
    assert b"\\x1b[31m.c4m:1: warning: \\x1b]0;x\\x07\\u202e: " in done.stdout
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("is_coloured", [True, False])
def test_colours_are_for_terminals(manifests: Path, is_coloured: bool) -> None:
    master, slave = pty.openpty()
    variables = {"TERM": "xterm"} if is_coloured else {"TERM": "xterm", "NO_COLOR": "1"}
    subprocess.run(
        [*COMMAND, "validate", "valid.c4m"],
        cwd=manifests,
        env=environment(manifests) | variables,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        timeout=60,
        check=True,
    )
    os.close(slave)
    assert os.read(master, 1000) == (b"valid.c4m: \x1b[32mvalid\x1b[0m\r\n" if is_coloured else b"valid.c4m: valid\r\n")
    os.close(master)

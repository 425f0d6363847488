"""`c4py paths`: manifests and lists of paths, both ways."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import tempfile
from pathlib import Path

import c4py
import pytest
from command import COMMAND, c4py_run, environment
from vector_cases import Case, check_all, create, raw


def test_paths_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["paths"]:
            return
        seen.add(case["case"])
        piped = raw(case, "stdin") if "stdin_b64" in case else None
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            done = c4py_run(*case["argv"], home=Path(directory), piped=piped)
        assert (done.returncode, done.stdout) == (case["exit_code"], raw(case, "stdout")), done.stderr
        if case["exit_code"]:
            assert done.stderr.decode().startswith(("c4py paths: ", "usage: c4py paths"))

    check_all("cli", check, count=393)
    assert len(seen) == 54


def test_a_list_goes_there_and_back(home: Path) -> None:
    made = c4py_run("paths", home=home, piped=b"shots/b.exr\nshots/a.exr\nnotes.txt\n")
    assert made.stdout == b"- - - notes.txt -\n- - - shots/ -\n  - - - a.exr -\n  - - - b.exr -\n"
    assert c4py_run("paths", home=home, piped=made.stdout).stdout == b"notes.txt\nshots/\nshots/a.exr\nshots/b.exr\n"


def test_with_nul_every_name_goes_there_and_back(home: Path) -> None:
    paths = b" a\r\n/x\0\xff\x1b[31m\0- x\0"
    made = c4py_run("paths", "-0", home=home, piped=paths)
    assert (made.returncode, made.stderr) == (0, b"")
    (home / "made.c4m").write_bytes(made.stdout)
    back = c4py_run("paths", "--null", "made.c4m", home=home)
    assert (back.returncode, back.stderr) == (0, b"")
    assert sorted(back.stdout.split(b"\0")) == sorted([b"", b" a\r\n/", b" a\r\n/x", b"\xff\x1b[31m", b"- x"])


def test_line_ends_in_names_are_told(home: Path) -> None:
    c4py.dump(c4py.Manifest([c4py.Entry("a\nb"), c4py.Entry("c")]), home / "a.c4m")
    done = c4py_run("paths", "a.c4m", home=home)
    assert (done.returncode, done.stdout) == (0, b"a\nb\nc\n")
    assert done.stderr == b"c4py paths: note: 1 line ends are part of names: -0 tells the paths apart\n"


def test_a_name_with_nul_is_never_two_paths(home: Path) -> None:
    c4py.dump(c4py.Manifest([c4py.Entry("a\0-rf")]), home / "a.c4m")
    done = c4py_run("paths", "-0", "a.c4m", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"c4py paths: a name holds NUL: a\\0-rf\n"


@pytest.mark.parametrize("text", [b"./a\n", b"a//b\n", b"b\n../a\n", b"a/../b\n", b"b\n/a\n"])
def test_what_names_no_member_of_a_directory_is_told(home: Path, text: bytes) -> None:
    done = c4py_run("paths", home=home, piped=text)
    assert done.returncode == 0
    assert done.stderr.startswith(b"c4py paths: note: some paths are absolute or have '.', '..' or empty components")
    assert c4py_run("paths", "-0", home=home, piped=text.replace(b"\n", b"\0")).stderr == done.stderr
    assert c4py_run("paths", home=home, piped=b"a/b\n.c/d..\n").stderr == b""


def test_what_is_given_can_be_said(home: Path) -> None:
    old, new = c4py.loads("- - 1 a -\n"), c4py.loads("- - 1 a -\n- - 2 b -\n")
    patch = c4py.patch_diff(old, new).encode()
    assert c4py_run("paths", "--from", "manifest", home=home, piped=patch).stdout == b"b\n"
    assert c4py_run("paths", "--from=paths", home=home, piped=b"- x\n").stdout == b"- - - -\\ x -\n"
    done = c4py_run("paths", "--from", "list", home=home, piped=b"")
    assert (done.returncode, done.stdout) == (1, b"")


def test_json_is_one_document_either_way(home: Path) -> None:
    many = "".join(f"d/{number}\n" for number in range(5000)).encode()
    made = c4py_run("paths", "--json", home=home, piped=many)
    document = json.loads(made.stdout)
    assert made.stdout.count(b"\n") == 1
    assert document["c4id"] == str(c4py.loads_paths(many).compute_c4id())
    assert [entry["path"] for entry in document["entries"]] == ["d", *(f"d/{number}" for number in range(5000))]
    manifest = c4py_run("paths", home=home, piped=many + b"\xff\n").stdout
    listed = c4py_run("paths", "--json", home=home, piped=manifest)
    paths = json.loads(listed.stdout)["paths"]
    assert paths == ["d/", *sorted(f"d/{number}" for number in range(5000)), "\u00a4\u28ff\u00a4"]
    assert c4py_run("paths", "--json", "--from", "manifest", home=home, piped=b"").stdout == b'{"paths": []}\n'


def test_an_error_names_the_file_and_the_line(home: Path) -> None:
    (home / "a.c4m").write_text("- - - a -\nnonsense\n")
    done = c4py_run("paths", "a.c4m", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py paths: a.c4m: line 2")
    done = c4py_run("paths", "none", home=home)
    assert done.returncode == 1
    assert done.stderr.startswith(b"c4py paths: none: No such file or directory")


def test_a_terminal_is_shown_names_that_do_nothing(home: Path) -> None:
    c4py.dump(c4py.Manifest([c4py.Entry("\x1b]0;title\x07\u202e\udcff")]), home / "a.c4m")
    master, slave = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "paths", "a.c4m"],
        cwd=home,
        env=environment(home) | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        timeout=60,
        check=False,
    )
    os.close(slave)
    assert done.returncode == 0
    assert os.read(master, 1000) == b"\\x1b]0;title\\x07\\u202e\\udcff\r\n"
    os.close(master)


def test_who_has_read_enough_ends_the_command_quietly(home: Path) -> None:
    c4py.dump(c4py.loads_paths("\n".join(f"{number:07}" for number in range(150_000))), home / "a.c4m")
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -1; echo ${PIPESTATUS[0]}', "-", *COMMAND, "paths", "a.c4m"],
        cwd=home,
        env=environment(home),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"0000000\n141\n", b"")

"""`c4py split`: chains cut in two files, all of it or nothing."""

from __future__ import annotations

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

STATES = ["- - 1 a -\n", "- - 1 a -\n- - 2 b -\n", "- - 1 a -\n- - 3 b -\n"]


def write_chain(home: Path) -> str:
    """Make a chain of three sections, chain.c4m."""
    states = [c4py.loads(state) for state in STATES]
    text = STATES[0] + c4py.patch_diff(states[0], states[1]) + c4py.patch_diff(states[1], states[2])
    (home / "chain.c4m").write_text(text)
    return text


def test_split_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["split"]:
            return
        seen.add(case["case"])
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            before = set(os.listdir(directory))
            done = c4py_run(*case["argv"], home=Path(directory))
            files = {item["path"]: item["content"] for item in case.get("files_written", [])}
            made = set(os.listdir(directory)) - before
            written = {path: (Path(directory) / path).read_text() for path in made}
        assert (done.returncode, done.stdout) == (case["exit_code"], raw(case, "stdout")), done.stderr
        assert written == files
        said = done.stderr.decode().splitlines()
        if case["exit_code"]:
            assert said[0].startswith(("c4py split: ", "usage: c4py split"))
        else:
            assert said == ([case["stderr_first_line"]] if "stderr_first_line" in case else [])

    check_all("cli", check, count=393)
    assert len(seen) == 50


def test_the_parts_in_a_row_are_the_rest_of_the_history(home: Path) -> None:
    write_chain(home)
    assert c4py_run("split", "chain.c4m", "2", "before.c4m", "after.c4m", home=home).returncode == 0
    assert (home / "before.c4m").read_text() == STATES[1]
    rest = c4py.load(home / "before.c4m"), c4py.load(home / "after.c4m")
    assert rest[1].base == rest[0].compute_c4id()
    assert c4py.dumps(c4py.resolve_chain(rest[1], base=rest[0])) == STATES[2]
    piped = (home / "before.c4m").read_bytes() + (home / "after.c4m").read_bytes()
    assert c4py_run("patch", "-", home=home, piped=piped).stdout == STATES[2].encode()


def test_the_chain_comes_from_standard_input_and_json_says_what_was_written(home: Path) -> None:
    text = write_chain(home)
    done = c4py_run("split", "--json", "-", "1", "before.c4m", "after.c4m", home=home, piped=text.encode())
    assert json.loads(done.stdout) == {
        "before": "before.c4m",
        "after": "after.c4m",
        "c4id": str(c4py.loads(STATES[0]).compute_c4id()),
    }
    done = c4py_run("split", "chain.c4m", "3", "before.c4m", "after.c4m", "--json", home=home)
    assert json.loads(done.stdout)["after"] is None
    assert done.stderr == b"Note: no patches after position 3; after.c4m left as it is\n"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("chain.c4m", "after.c4m", b"chain.c4m is the chain that is split"),
        ("before.c4m", "./chain.c4m", b"chain.c4m is the chain that is split"),
        ("link.c4m", "after.c4m", b"link.c4m is the chain that is split"),
        ("hard.c4m", "after.c4m", b"hard.c4m is the chain that is split"),
        ("new.c4m", "d/../new.c4m", b"are one file"),
        ("new.c4m", "dangling.c4m", b"are one file"),
        ("-", "after.c4m", b"- is no file to write to"),
        ("before.c4m", "-", b"- is no file to write to"),
        ("before.c4m", "d", b"d: Is a directory"),
        ("d", "after.c4m", b"d: Is a directory"),
        ("before.c4m", "none/after.c4m", b"none/after.c4m: No such file or directory"),
        ("none/before.c4m", "after.c4m", b"none/before.c4m: No such file or directory"),
    ],
)
def test_what_cannot_be_written_leaves_everything_as_it_is(home: Path, before: str, after: str, said: bytes) -> None:
    text = write_chain(home)
    (home / "d").mkdir()
    (home / "link.c4m").symlink_to("chain.c4m")
    (home / "hard.c4m").hardlink_to(home / "chain.c4m")
    (home / "dangling.c4m").symlink_to("new.c4m")
    (home / "before.c4m").write_text("old")
    (home / "after.c4m").write_text("old")
    names = sorted(os.listdir(home))
    done = c4py_run("split", "chain.c4m", "1", before, after, home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py split: ")
    assert said in done.stderr
    assert sorted(os.listdir(home)) == names
    assert (home / "chain.c4m").read_text() == text
    assert {(home / name).read_text() for name in ("before.c4m", "after.c4m")} == {"old"}


@pytest.mark.usefixtures("unprivileged")
def test_a_directory_that_may_not_be_written_to_leaves_everything_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        write_chain(home)
        (home / "closed").mkdir(mode=0o555)
        paths = [str(home / name) for name in ("before.c4m", "closed/after.c4m")]
        assert main(["split", str(home / "chain.c4m"), "1", *paths]) == 1
        assert capfd.readouterr().err == f"c4py split: {paths[1]}: Permission denied\n"
        assert sorted(os.listdir(home)) == ["chain.c4m", "closed"]


def test_a_disk_that_is_full_leaves_everything_as_it_is(home: Path) -> None:
    """The second part is larger than any file may be: what was written of the first goes too."""
    states = [c4py.loads("- - 1 a -\n"), c4py.loads("".join(f"- - {n} file-{n} -\n" for n in range(2000)))]
    (home / "chain.c4m").write_text(c4py.dumps(states[0]) + c4py.patch_diff(*states))
    (home / "before.c4m").write_text("old")
    done = subprocess.run(
        [
            "bash",
            "-c",
            'trap "" XFSZ; ulimit -f 8; exec "$@"',
            "-",
            *COMMAND,
            "split",
            "chain.c4m",
            "1",
            "before.c4m",
            "after.c4m",
        ],
        cwd=home,
        env=environment(home),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"c4py split: after.c4m: File too large\n")
    assert sorted(os.listdir(home)) == ["before.c4m", "chain.c4m"]
    assert (home / "before.c4m").read_text() == "old"


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "before.c4m"])
def test_output_that_was_redirected_keeps_what_is_in_its_file(home: Path, place: str) -> None:
    write_chain(home)
    command = f'echo first > before.c4m; "$1" -m c4py split chain.c4m 1 {place} rest.c4m >> before.c4m'
    subprocess.run(["bash", "-c", command, "-", COMMAND[0]], cwd=home, env=environment(home), check=True)
    assert (home / "before.c4m").read_text() == "first\n" + STATES[0]
    assert sorted(os.listdir(home)) == ["before.c4m", "chain.c4m", "rest.c4m"]


def test_what_is_no_file_is_written_to(home: Path) -> None:
    write_chain(home)
    done = c4py_run("split", "chain.c4m", "2", "/dev/null", "/dev/stdout", home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"c4")
    assert os.listdir(home) == ["chain.c4m"]
    assert c4py_run("split", "chain.c4m", "2", "/dev/null", "/dev/null", home=home).returncode == 0


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "", "\u0662", "4", str(2**70), "9" * 5000])
def test_a_section_that_is_not_there_is_refused(home: Path, number: str) -> None:
    write_chain(home)
    done = c4py_run("split", "chain.c4m", number, "before.c4m", "after.c4m", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py split: ")
    assert os.listdir(home) == ["chain.c4m"]


def test_a_text_that_is_no_chain_is_named_with_its_line(home: Path) -> None:
    (home / "bad.c4m").write_text("- - 1 a -\nnonsense\n")
    done = c4py_run("split", "bad.c4m", "1", "before.c4m", "after.c4m", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py split: bad.c4m: line 2")
    assert os.listdir(home) == ["bad.c4m"]

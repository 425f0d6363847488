"""The standard streams of the command: encodings without a character, closed descriptors, a full disk."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import c4py
import pytest
from c4py.cli import main
from command import COMMAND, environment


@pytest.fixture
def delivery(home: Path) -> Path:
    """Make a directory with two files of one content and names that ASCII lacks, and its manifest beside it."""
    root = home / "d"
    root.mkdir()
    (root / "\u00e4").write_text("content")
    (root / "\u65e5").write_text("content")
    c4py.dump(c4py.scan(root), home / "m.c4m")
    return root


def shell(home: Path, command: str, **variables: str) -> tuple[int, str, str]:
    """Run what a shell makes of a line in which c4py is the command."""
    done = subprocess.run(
        ["bash", "-c", 'c4py() { "$PYTHON" -m c4py "$@"; }; ' + command],
        cwd=home,
        env=environment(home) | variables | {"PYTHON": COMMAND[0]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.usefixtures("delivery")
def test_a_character_that_the_encoding_lacks_is_an_escape(home: Path) -> None:
    code, out, err = shell(home, "c4py dupes d", PYTHONIOENCODING="ascii")
    assert (code, err) == (1, "")
    assert out.splitlines()[1:3] == ["  d/\\xe4", "  d/\\u65e5"]
    assert shell(home, "c4py patch m.c4m new --dry-run --source d", PYTHONIOENCODING="ascii")[0] == 0
    code, out, err = shell(home, "c4py verify m.c4m new\u00e9", PYTHONIOENCODING="ascii")
    assert (code, out) == (2, "")
    assert err.startswith("c4py verify: new\\xe9: ")


@pytest.mark.usefixtures("delivery")
def test_manifests_are_utf_8_whatever_the_encoding(home: Path) -> None:
    manifest = (home / "m.c4m").read_text()
    assert shell(home, "c4py id d", PYTHONIOENCODING="ascii") == (0, manifest, "")


@pytest.mark.usefixtures("delivery")
def test_an_encoding_that_was_chosen_with_its_errors_is_left_alone(home: Path) -> None:
    code, out, _ = shell(home, "c4py dupes d", PYTHONIOENCODING="ascii:replace")
    assert code == 1
    assert out.splitlines()[1:3] == ["  d/?", "  d/?"]


@pytest.mark.usefixtures("delivery")
@pytest.mark.parametrize(("closed", "why"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")])
def test_output_that_cannot_be_written_is_an_error(home: Path, closed: str, why: str) -> None:
    for arguments, code in (("verify m.c4m d", 2), ("dupes d", 2), ("version", 1), ("id d", 1)):
        verb = arguments.split(maxsplit=1)[0]
        message = f"c4py {verb}: standard output: {why}\n"
        assert shell(home, f"c4py {arguments} {closed}") == (code, "", message)


@pytest.mark.parametrize(("closed", "why"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")])
def test_large_output_fails_as_small_output_does(home: Path, closed: str, why: str) -> None:
    (home / "list").write_text("".join(f"{number:0100}\n" for number in range(20_000)))
    assert shell(home, f"c4py paths list {closed}") == (1, "", f"c4py paths: standard output: {why}\n")


def test_a_command_that_prints_nothing_needs_no_output(home: Path, delivery: Path) -> None:
    assert shell(home, "c4py verify -q m.c4m d >&-") == (0, "", "")
    assert shell(home, "c4py verify -q m.c4m d <&- >&- 2>&-") == (0, "", "")
    (delivery / "more").touch()
    assert shell(home, "c4py verify -q m.c4m d --report r.json >&-") == (1, "", "")
    assert (home / "r.json").read_text().startswith("{")


@pytest.mark.usefixtures("delivery")
def test_messages_that_nobody_wants_do_not_go_to_the_output(home: Path) -> None:
    assert shell(home, "c4py verify nothing.c4m d 2>&-") == (2, "", "")


@pytest.mark.usefixtures("delivery")
def test_closed_input_is_an_error(home: Path) -> None:
    assert shell(home, "c4py verify - d <&-") == (2, "", "c4py verify: Bad file descriptor\n")
    assert os.listdir(home / "d") != []


def test_output_that_nobody_reads_to_its_end_ends_quietly(home: Path, delivery: Path) -> None:
    for number in range(2000):
        (delivery / f"{'n' * 100}{number}").touch()
    code, out, err = shell(home, "c4py verify m.c4m d | head -n 1; exit ${PIPESTATUS[0]}")
    assert (code, out, err) == (141, "ok: 2 entries match\n", "")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of a mebibyte."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("mounting is for root, on Linux")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("verb", ["id", "cat", "patch", "paths", "merge"])
def test_output_that_is_cut_short_is_an_error(home: Path, small: Path, verb: str, unbuffered: str) -> None:
    c4py.dump(c4py.Manifest([c4py.Entry(f"{'n' * 200}{number}", size=1) for number in range(10_000)]), home / "m.c4m")
    arguments = ["m.c4m", "m.c4m"] if verb == "merge" else ["m.c4m"]
    variables = environment(home) | {"PYTHONUNBUFFERED": unbuffered}
    with open(small / "out", "wb") as out:
        done = subprocess.run(
            [*COMMAND, verb, *arguments],
            cwd=home,
            env=variables,
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == f"c4py {verb}: standard output: No space left on device\n".encode()
    with subprocess.Popen([*COMMAND, verb, *arguments], cwd=home, env=variables, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read(1)
        child.stdout.close()
        assert child.wait(60) == -signal.SIGPIPE


def test_the_command_can_be_called_in_a_process(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    c4py.dump(c4py.loads("- - 1 ä -\n"), home / "m.c4m")
    path = str(home / "m.c4m")
    for verb in ("id", "cat", "paths", "patch"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            assert main([verb, path]) == 0
            assert sys.stdout is printed
        assert "ä" in printed.getvalue()
        stdout = sys.stdout
        assert main([verb, path]) == 0
        assert sys.stdout is stdout
        assert capsys.readouterr().out == printed.getvalue()
    assert main(["id", "--help"]) == 0
    assert "usage: c4py id" in capsys.readouterr().out
    assert main(["id", "--unknown"]) == 1


def test_a_pipe_that_is_closed_leaves_the_streams_of_a_caller_alone(home: Path) -> None:
    (home / "m.c4m").write_text("".join(f"- - {number} n{number} -\n" for number in range(100_000)))
    code = (
        "import os, sys; from c4py.cli import main\n"
        "before = os.fstat(1); handler = sys.stdout.errors\n"
        "assert main(['id', 'm.c4m']) == 141\n"
        "assert os.path.samestat(os.fstat(1), before) and sys.stdout.errors == handler\n"
        "print('sound', file=sys.stderr)"
    )
    for unbuffered in ("", "1"):
        variables = environment(home) | {"PYTHONUNBUFFERED": unbuffered}
        pipe = subprocess.PIPE
        with subprocess.Popen([sys.executable, "-c", code], cwd=home, env=variables, stdout=pipe, stderr=pipe) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            child.stdout.close()
            assert child.stderr.read() == b"sound\n"
            assert child.wait(60) == 0

"""The command as such: forms without a verb, what is said to wrong ones, and what starting costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import c4py
import pytest
from c4py.cli import GROUPS, VERBS
from command import COMMAND, c4py_run, environment
from vector_cases import Case, check_all, create, raw

#: Modules that only those verbs may import that need them.
COSTLY = {
    *(
        "argparse",
        "asyncio",
        "difflib",
        "html",
        "http",
        "importlib.metadata",
        "inspect",
        "json",
        "logging",
        "re",
        "rich",
    ),
    *("shutil", "socket", "tempfile", "typing", "unittest", "urllib.parse", "zipfile"),
}


def test_cases_without_a_verb() -> None:
    seen = set()

    def check(case: Case) -> None:
        argv = case["argv"]
        if argv[:1] and argv[0] in VERBS:
            return
        seen.add(case["case"])
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            piped = raw(case, "stdin") if "stdin_b64" in case else None
            done = c4py_run(*argv, home=Path(directory), piped=piped)
        assert done.returncode == case["exit_code"], done.stderr
        assert done.stdout == raw(case, "stdout"), done.stderr
        assert bool(done.stderr) == bool(case["exit_code"])

    check_all("cli", check, count=393)
    assert seen == {"stdin-bare", "file-bare-x", "dir-bare-x", "file-bare-no-store", "no-args", "unknown-command"}


def test_a_path_without_a_verb_is_identified(home: Path, tree: Path) -> None:
    assert c4py_run(tree, home=home).stdout == c4py.dumps(c4py.scan(tree)).encode()
    assert c4py_run("-i", tree, home=home).stdout == f"{c4py.scan(tree).compute_c4id()}\n".encode()
    (home / "diff").write_bytes(b"1")
    assert c4py_run("./diff", home=home).stdout.split()[3] == b"diff"
    # A verb goes before a file of that name.
    assert c4py_run("diff", home=home).returncode == 1


def test_what_is_piped_without_a_verb_is_identified(home: Path) -> None:
    expected = f"{c4py.identify_bytes(b'piped')}\n".encode()
    assert c4py_run(home=home, piped=b"piped").stdout == expected
    (home / "file").write_bytes(b"piped")
    with open(home / "file", "rb") as file:
        done = subprocess.run(COMMAND, stdin=file, capture_output=True, env=environment(home), check=True, timeout=60)
    assert done.stdout == expected


@pytest.mark.parametrize("arguments", [("-h",), ("--help",), ("help",)])
def test_help_lists_every_verb_once(home: Path, arguments: tuple[str, ...]) -> None:
    done = c4py_run(*arguments, home=home)
    assert (done.returncode, done.stderr) == (0, b"")
    listed = [line.split()[0] for line in done.stdout.decode().splitlines() if line[:2] == "  " != line[2:4]]
    assert sorted(listed) == sorted(VERBS)
    assert len(VERBS) == sum(map(len, GROUPS.values()))
    assert max(map(len, done.stdout.decode().splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("verfy", "a.c4m", "a"), "did you mean 'verify'?"),
        (("shots.c4", "a"), "neither a verb nor a file: 'shots.c4'"),
        (("store", "vrfy"), "did you mean 'verify'?"),
        (("id", "--exlude=*.tmp", "."), "did you mean '--exclude'?"),
        (("id", "shot"), "did you mean 'shots'?"),
        (("verify", "delivery.c4", "shots"), "did you mean 'delivery.c4m'?"),
        (("patch", "sub/delivery", "shots"), "did you mean 'sub/delivery.c4m'?"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(home: Path, arguments: tuple[str, ...], meant: str) -> None:
    (home / "shots").mkdir()
    (home / "delivery.c4m").write_text("")
    (home / "sub").mkdir()
    (home / "sub" / "delivery.c4m").write_text("")
    done = c4py_run(*arguments, home=home)
    assert done.returncode in (1, 2)
    assert done.stdout == b""
    assert meant in done.stderr.decode()


def test_a_wrong_word_with_control_characters_is_shown_escaped(home: Path) -> None:
    (home / "a\x1b[31m.c4m").write_text("")
    for arguments in (("a\x1b[31m",), ("id", "a\x1b[31mc4m"), ("store", "\x1b[2J"), ("id", "--\x1b[2J")):
        done = c4py_run(*arguments, home=home)
        assert done.returncode
        assert b"\x1b" not in done.stderr


def imported(home: Path, *arguments: str) -> set[str]:
    """Give the modules that were imported when the verb has ended."""
    code = "import sys; from c4py.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=home,
        env=environment(home),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    return set(done.stderr.decode().split())


def test_a_verb_imports_what_it_uses(home: Path) -> None:
    (home / "a.c4m").write_text("- - 1 a -\n")
    bare = imported(home, "version")
    assert not bare.intersection(COSTLY)
    ours = {name for name in bare if name.startswith("c4py.cli")}
    assert ours == {"c4py.cli", "c4py.cli.streams", "c4py.cli.version"}
    for verb, *arguments in (["id", "a.c4m"], ["diff", "a.c4m", "a.c4m"], ["log", "a.c4m"], ["paths", "a.c4m"]):
        used = imported(home, verb, *arguments)
        # argparse brings its own.
        assert not used.intersection({"json", "html", "rich", "difflib", "logging", "typing", "c4py.report.html"}), verb
        verbs = {name.removeprefix("c4py.cli.") for name in used if name.startswith("c4py.cli.")}.intersection(VERBS)
        assert verbs == {verb}


def test_the_version_is_that_of_the_package(home: Path) -> None:
    for arguments in (("version",), ("--version",)):
        done = c4py_run(*arguments, home=home)
        assert (done.returncode, done.stdout.decode()) == (0, f"c4py {c4py.__version__}\n")
    assert c4py_run("version", "now", home=home).returncode == 1


def test_the_environment_of_nobody_is_enough(home: Path) -> None:
    done = subprocess.run([*COMMAND, "version"], env={}, cwd=home, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.environ  # the command needs none of it

"""`c4py man`: the manual page, and what the package ships of it and of the completion scripts."""

from __future__ import annotations

import ast
import os
import pty
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from c4py.cli import VERBS
from c4py.cli.completion import script
from c4py.cli.grammar import all_verbs, performed
from c4py.cli.man import ENVIRONMENT, page
from command import COMMAND, c4py_run, environment

REPOSITORY = Path(__file__).parent.parent

#: What the package ships, below the directory in which it is installed, and what makes it.
SHIPPED: dict[str, Callable[[], str]] = {
    "share/man/man1/c4py.1": page,
    "share/bash-completion/completions/c4py": lambda: script("bash"),
    "share/zsh/site-functions/_c4py": lambda: script("zsh"),
    "share/fish/vendor_completions.d/c4py.fish": lambda: script("fish"),
}


@pytest.fixture(scope="module")
def shown() -> str:
    """Give the page as it is read, without emphasis."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-P-c", "-P-b", "-P-u", "-rLL=78n", "-rHY=0"],
        input=page(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_verb_and_action_is_told_with_its_flags_and_examples(shown: str) -> None:
    filled = " ".join(shown.split())
    for command in performed(all_verbs()):
        assert f"\n   c4py {command.name}\n" in shown
        assert " ".join(command.description.split()) in filled
        for flag in command.flags:
            if flag.names[-1] != "--help":
                assert re.search(rf"(^|\s){re.escape(', '.join(flag.names))}\b", shown), flag.names
        for example in command.examples:
            assert example.command in shown
    for verb, what in VERBS.items():
        assert f" {verb} {what[0].upper()}{what[1:]}." in filled


def test_what_can_be_copied_is_ascii_and_no_typography(shown: str) -> None:
    assert "--exclude '*.tmp' shots/" in shown
    assert "~/.c4/config" in shown
    assert shown.isascii()


CHECKS = {
    "groff": ["groff", "-man", "-ww", "-z"],
    "man": ["man", "--warnings", "-l", "-"],
    "mandoc": ["mandoc", "-T", "lint"],
}


@pytest.mark.parametrize("tool", CHECKS)
def test_readers_of_manual_pages_find_no_fault(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run(CHECKS[tool], input=page(), capture_output=True, text=True, check=False)
    said = done.stderr if tool == "man" else done.stdout + done.stderr
    # A date would be another one at every build of the same page.
    assert [line for line in said.splitlines() if "missing date" not in line] == []


def test_the_command_prints_the_page_where_nobody_looks(home: Path) -> None:
    done = c4py_run("man", home=home)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, page(), b"")


def test_on_a_terminal_man_shows_the_page(home: Path) -> None:
    (home / "bin").mkdir()
    man = home / "bin" / "man"
    man.write_text('#!/bin/sh\ncase $1 in */*) ;; *) exit 9 ;; esac\ncp "$1" shown\necho "shown by man"\n')
    man.chmod(0o755)
    code, said = on_terminal(home, str(home / "bin") + ":/usr/bin:/bin")
    assert (code, said.strip()) == (0, b"shown by man")
    assert (home / "shown").read_text() == page()


def test_on_a_terminal_without_man_the_page_is_printed(home: Path) -> None:
    code, said = on_terminal(home, str(home))
    assert code == 0
    assert said.decode().replace("\r\n", "\n") == page()


def on_terminal(home: Path, path: str) -> tuple[int, bytes]:
    """Run `c4py man` in a terminal, with programs of a path; its exit code and what the terminal gets."""
    ours, its = pty.openpty()
    try:
        child = subprocess.Popen(
            [*COMMAND, "man"], cwd=home, env=environment(home) | {"PATH": path, "TERM": "xterm"}, stdout=its
        )
    finally:
        os.close(its)
    said = b""
    try:
        while piece := os.read(ours, 65_536):
            said += piece
    except OSError:
        pass  # the end, on Linux
    os.close(ours)
    return child.wait(timeout=60), said


def test_every_environment_variable_that_is_read_is_told() -> None:
    known = [pattern.strip() for names in ENVIRONMENT for pattern in names.split(",")]
    read = set(variables_of_python()) | set(variables_of_rust())
    assert {name for name in read if not any(fnmatch(name, pattern) for pattern in known)} == set()
    # What the home directory is, `expanduser` reads; obstore reads the credentials.
    assert {name for name in known if not any(fnmatch(other, name) for other in read)} == {"HOME", "GOOGLE_*"}


def variables_of_python() -> Iterator[str]:
    """Give the environment variables that the package reads; of names that are no literals, all of the module."""
    for path in (REPOSITORY / "python" / "c4py").rglob("*.py"):
        module = ast.parse(path.read_text())
        for node in ast.walk(module):
            name: ast.expr | None = None
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ" | "environb")), args=[name, *_]):
                    pass
                case ast.Subscript(value=ast.Attribute(attr="environ" | "environb"), slice=name):
                    pass
                case ast.Call(func=ast.Attribute(attr="getenv"), args=[name, *_]):
                    pass
                case ast.Compare(left=name, comparators=[ast.Attribute(attr="environ" | "environb")]):
                    pass
            if isinstance(name, ast.Constant):
                yield name.value.decode() if isinstance(name.value, bytes) else str(name.value)
            elif name is not None:
                yield from re.findall(r'"([A-Z]+(?:_[A-Z0-9]+)+)"', path.read_text())


def variables_of_rust() -> Iterator[str]:
    """Give the environment variables that the crates read, by literals and by constants."""
    for path in (REPOSITORY / "rust").glob("*/src/**/*.rs"):
        text = path.read_text()
        yield from re.findall(r'env::var(?:_os)?\("(\w+)"', text)
        yield from re.findall(r'const \w*VARIABLE: &str = "(\w+)"', text)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_is_what_the_command_gives(name: str) -> None:
    shipped = (REPOSITORY / "wheel" / "data" / name).read_text()
    assert shipped == SHIPPED[name](), f"{name} is not that of the verbs: make wheel-data"

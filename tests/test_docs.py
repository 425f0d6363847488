"""What the documentation shows is run: README, and the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import c4py
import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.fixture
def shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the tree that the README speaks of."""
    (tmp_path / "shots" / "sh010").mkdir(parents=True)
    for path, content in (
        ("notes.txt", "approved"),
        ("sh010/beauty.1001.exr", "frame 001"),
        ("sh010/beauty.1002.exr", "frame 001"),
    ):
        (tmp_path / "shots" / path).write_text(content)
        (tmp_path / "shots" / path).chmod(0o644)
    (tmp_path / "shots" / "sh010").chmod(0o755)
    for path in ("notes.txt", "sh010/beauty.1001.exr", "sh010/beauty.1002.exr", "sh010"):
        os.utime(tmp_path / "shots" / path, (1735689600, 1735689600))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_of_the_readme(shots: Path, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    del shots
    code = blocks("python")[number]
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    for promised in re.findall(r"print\(.*\)\s+# (.*)", code):
        assert promised in printed


def test_console_of_the_readme(shots: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "TZ": "UTC", "HOME": str(shots), "C4_STORE": ""}
    session = "".join(blocks("console"))
    for command, expected in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", session, re.MULTILINE):
        result = subprocess.run(
            command, shell=True, cwd=shots, env=environment, capture_output=True, text=True, check=True
        )
        assert result.stdout == expected, command
    assert c4py.load(shots / "shots.c4m") == c4py.scan(shots / "shots")


def test_the_readme_has_the_two_commands() -> None:
    commands = re.findall(r"^python3 -m venv .*", README, re.MULTILINE)
    assert len(commands) == 2
    assert commands[1].endswith("pytest")


def test_examples_in_docstrings() -> None:
    modules = [
        c4py,
        *(
            importlib.import_module(f"c4py.{module.name}")
            for module in pkgutil.iter_modules(c4py.__path__)
            if module.name not in ("__main__", "_types")
        ),
    ]
    attempted = 0
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in modules:
        things = [module, *(getattr(module, name) for name in dir(module) if not name.startswith("_"))]
        for thing in things:
            if thing is not module and (inspect.ismodule(thing) or not callable(thing)):
                continue
            if thing is not module and not getattr(thing, "__module__", "c4py").startswith(("c4py", "builtins")):
                continue
            for test in finder.find(thing, module=None if thing is module else False, globs={"c4py": c4py}):
                result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
                assert result.failed == 0, test.name
                attempted += result.attempted
    assert attempted >= 8

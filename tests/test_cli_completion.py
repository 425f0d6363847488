"""`c4py completion`: the scripts, in the shells that they are for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from c4py.cli import VERBS
from c4py.cli.completion import SHELLS, script
from c4py.cli.grammar import all_verbs, performed
from command import c4py_run
from completed import Shell, offered_by_bash, offered_by_fish


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


#: Comes with the tests, beside their Python.
SHELLCHECK = str(Path(sys.executable).parent / "shellcheck")

bash, zsh, fish = map(needs, SHELLS)

#: Shells that can be asked without a terminal.
ASKED = [
    pytest.param(offered_by_bash, id="bash", marks=bash),
    pytest.param(offered_by_fish, id="fish", marks=fish),
]
Offered = Callable[[str, Path], list[str]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a directory with a file, a manifest and directories."""
    for directory in ("plates", "my shots/sub", "store here"):
        (tmp_path / directory).mkdir(parents=True)
    for file in ("notes.txt", "list.c4m", "my list.c4m", "my shots/inner.c4m", "plates/a.c4m", "plates/b.exr"):
        (tmp_path / file).touch()
    return tmp_path


def slashed(names: list[str]) -> list[str]:
    """Give names without the slash that fish writes after directories and bash leaves to readline."""
    return sorted(name.rstrip("/") for name in names)


@pytest.mark.parametrize("offered", ASKED)
def test_the_first_word_is_a_verb_or_a_file(offered: Offered, place: Path) -> None:
    found = slashed(offered("c4py ", place))
    assert set(found) >= {*VERBS, "help", "notes.txt", "plates", "my shots"}
    assert not [word for word in found if word.startswith("-")]
    assert slashed(offered("c4py ver", place)) == ["verify", "version"]
    assert slashed(offered("c4py pl", place)) == ["plates"]
    assert {"--help", "--version", "--exclude", "--id-only"} <= set(offered("c4py --", place))


@pytest.mark.parametrize("offered", ASKED)
def test_a_verb_has_its_flags(offered: Offered, place: Path) -> None:
    for command in performed(all_verbs()):
        found = offered(f"c4py {command.name} --", place)
        assert set(found) - {"--"} == {name for flag in command.flags for name in flag.names if name.startswith("--")}


@pytest.mark.parametrize("offered", ASKED)
def test_actions_follow_their_verb(offered: Offered, place: Path) -> None:
    for verb in all_verbs():
        if verb.actions:
            assert offered(f"c4py {verb.name} ", place) == sorted(action.words[-1] for action in verb.actions)
    assert offered("c4py store v", place) == ["verify"]


@pytest.mark.parametrize("offered", ASKED)
def test_an_operand_is_what_its_place_asks_for(offered: Offered, place: Path) -> None:
    manifests = ["list.c4m", "my list.c4m", "my shots", "plates", "store here"]
    directories = ["my shots", "plates", "store here"]
    assert slashed(offered("c4py verify ", place)) == manifests
    assert slashed(offered("c4py verify list.c4m ", place)) == directories
    assert slashed(offered("c4py verify --quick --workers 4 list.c4m ", place)) == directories
    assert slashed(offered("c4py verify -- list.c4m ", place)) == directories
    assert slashed(offered("c4py verify list.c4m plates ", place)) == []
    assert slashed(offered("c4py pool l", place)) == ["list.c4m"]
    assert slashed(offered("c4py pool list.c4m n", place)) == ["notes.txt"]
    assert slashed(offered("c4py dupes plates list.c4m ", place)) == manifests
    assert slashed(offered("c4py workspace checkout ", place)) == manifests
    assert offered("c4py completion ", place) == ["bash", "fish", "zsh"]
    assert set(offered("c4py help ", place)) >= set(VERBS)
    assert slashed(offered("c4py help store v", place)) == ["verify"]


@pytest.mark.parametrize("offered", ASKED)
def test_without_a_verb_the_operands_and_flags_are_those_of_id(offered: Offered, place: Path) -> None:
    assert slashed(offered("c4py notes.txt pl", place)) == ["plates"]
    assert slashed(offered("c4py -x notes.txt pl", place)) == ["plates"]
    assert offered("c4py notes.txt --excl", place) == ["--exclude", "--exclude-file"]
    assert offered("c4py -m ", place) == ["f", "m", "s"]


@pytest.mark.parametrize("offered", ASKED)
def test_a_value_is_what_its_flag_asks_for(offered: Offered, place: Path) -> None:
    assert offered("c4py id -m ", place) == ["f", "m", "s"]
    assert offered("c4py id --mode ", place) == ["f", "m", "s"]
    assert slashed(offered("c4py id -c l", place)) == ["list.c4m"]
    assert slashed(offered("c4py id -c n", place)) == []
    assert slashed(offered("c4py id --exclude ", place)) == []
    assert slashed(offered("c4py id --exclude-file n", place)) == ["notes.txt"]
    assert slashed(offered("c4py ingest -C ", place)) == ["my shots", "plates", "store here"]
    # What may follow --cache is a path: a value is only taken after the sign.
    assert slashed(offered("c4py id --cache n", place)) == ["notes.txt"]


def test_a_value_stands_after_the_sign_as_well(place: Path) -> None:
    # bash replaces what follows the sign, fish the whole word.
    assert offered_by_bash("c4py id --mode=", place) == ["f", "m", "s"]
    assert offered_by_bash("c4py id --continue=l", place) == ["list.c4m"]
    assert offered_by_bash("c4py id --cache=p", place) == ["plates"]
    assert offered_by_bash("c4py id --exclude=", place) == []
    assert offered_by_bash("c4py ingest --directory=plates -", place)[0] == "--directory"
    assert offered_by_bash("c4py verify --json=a list.c4m p", place) == ["plates"]


@fish
def test_fish_completes_a_value_after_the_sign(place: Path) -> None:
    assert offered_by_fish("c4py id --mode=", place) == ["--mode=f", "--mode=m", "--mode=s"]
    assert offered_by_fish("c4py id --continue=l", place) == ["--continue=list.c4m"]
    assert offered_by_fish("c4py ingest --directory=pl", place) == ["--directory=plates/"]


def test_a_name_with_a_colon_is_one_operand(place: Path) -> None:
    (place / "a:b").mkdir()
    # What bash replaces begins after the colon.
    assert offered_by_bash("c4py dupes a:", place) == ["b"]
    assert offered_by_bash("c4py verify a:b.c4m pl", place) == ["plates"]


@pytest.fixture(params=[pytest.param("bash", marks=bash), pytest.param("zsh", marks=zsh)])
def shell(request: pytest.FixtureRequest, place: Path) -> Iterator[Shell]:
    shell = Shell(request.param, place)
    yield shell
    shell.close()


def test_the_key_completes_in_a_terminal(shell: Shell) -> None:
    assert shell.completed("c4py inte") == ["intersect"]
    assert shell.completed("c4py store gc --gra") == ["store", "gc", "--grace"]
    assert shell.completed("c4py verify li") == ["verify", "list.c4m"]
    assert shell.completed("c4py verify list.c4m pla") == ["verify", "list.c4m", "plates/"]
    assert shell.completed("c4py verify plates/") == ["verify", "plates/a.c4m"]
    assert shell.completed("c4py not") == ["notes.txt"]
    assert shell.completed("c4py completion f") == ["completion", "fish"]
    assert shell.completed("c4py id --exclude not") == ["id", "--exclude", "not"]
    assert shell.completed("c4py id --continue=li") == ["id", "--continue=list.c4m"]
    assert shell.completed("c4py notes.txt --exclude-") == ["notes.txt", "--exclude-file"]


def test_names_with_spaces_are_completed_whole(shell: Shell) -> None:
    assert shell.completed("c4py verify my\\ l") == ["verify", "my list.c4m"]
    assert shell.completed("c4py verify 'my l") == ["verify", "my list.c4m"]
    assert shell.completed("c4py verify my\\ shots/i") == ["verify", "my shots/inner.c4m"]
    assert shell.completed("c4py ingest -C sto") == ["ingest", "-C", "store here/"]
    assert shell.completed("c4py verify list.c4m my") == ["verify", "list.c4m", "my shots/"]


def test_a_directory_named_like_a_verb_does_not_change_the_verb(shell: Shell) -> None:
    (shell.directory / "intersect").mkdir()
    assert shell.completed("c4py inters") == ["intersect"]
    (shell.directory / "gc").mkdir()
    assert shell.completed("c4py store g") == ["store", "gc"]


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(["bash", "-n"], id="bash", marks=bash),
        pytest.param(["zsh", "-n"], id="zsh", marks=zsh),
        pytest.param(["fish", "--no-execute"], id="fish", marks=fish),
        pytest.param([SHELLCHECK, "--shell=bash", "--severity=style"], id="shellcheck"),
    ],
)
def test_the_scripts_have_no_errors(check: list[str], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if shutil.which(check[0]) is None:
        pytest.skip(f"{check[0]} is not installed")
    shell = request.node.callspec.id
    (tmp_path / "script").write_text(script("bash" if shell == "shellcheck" else shell))
    done = subprocess.run([*check, str(tmp_path / "script")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell: str, home: Path) -> None:
    done = c4py_run("completion", shell, home=home)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, script(shell), b"")


def test_an_unknown_shell_is_an_error(home: Path) -> None:
    done = c4py_run("completion", "tcsh", home=home)
    assert done.returncode == 1
    assert done.stderr.startswith(b"c4py completion: argument SHELL: invalid choice: 'tcsh' (choose from")
    assert c4py_run("completion", home=home).returncode == 1

"""What `--help` says: of every verb and action, read from the parsers that take the arguments."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from c4py.cli import VERBS, main
from c4py.cli.grammar import VALUES, Command, Flag, Operand, all_verbs, completed_by, parsers, performed
from c4py.cli.parser import HELP_COLUMNS, Parser
from command import COMMAND, c4py_run, environment

COMMANDS = {command.words: command for command in performed(all_verbs())}
PARSERS = dict(parsers())


@pytest.fixture(params=COMMANDS.values(), ids=lambda command: command.name)
def command(request: pytest.FixtureRequest) -> Command:
    found: Command = request.param
    return found


def helped(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Give what `--help` prints in a terminal that is wide."""
    monkeypatch.setenv("COLUMNS", "200")
    assert main([*words, "--help"]) == 0
    return capsys.readouterr().out


def test_every_verb_is_one_that_there_is() -> None:
    assert {words[0] for words in COMMANDS} == set(VERBS)
    assert set(PARSERS) == set(COMMANDS)


def test_it_has_a_sentence_examples_and_exit_codes(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = helped(command.words, monkeypatch, capsys)
    assert said.startswith(f"usage: c4py {command.name}")
    assert command.description[0].isupper()
    assert command.description.endswith(".")
    assert "\nexamples:\n  c4py " in said
    assert "\nexit codes:\n  0    " in said
    codes = [code for code, _ in command.exit_codes]
    assert codes == sorted(set(codes))
    assert codes[0] == 0
    assert len(codes) > 1


def test_it_fits_its_columns(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = helped(command.words, monkeypatch, capsys)
    assert [line for line in said.splitlines() if len(line) > HELP_COLUMNS] == []
    assert said.isascii()
    assert said.count("\n\n\n") == 0


def test_every_flag_and_operand_is_told_in_one_vocabulary(command: Command) -> None:
    assert command.flags[0].names == ("-h", "--help")
    for flag in command.flags:
        assert flag.what, flag.names
        assert not flag.what.endswith("."), flag.names
        # A short name alone tells nothing.
        assert flag.names[-1].startswith("--"), flag.names
    names = [name for flag in command.flags for name in flag.names]
    assert len(names) == len(set(names))
    values: list[Flag | Operand] = [*command.operands]
    values += [flag for flag in command.flags if flag.metavar]
    for value in values:
        assert value.what
        unknown = [word for word in value.metavar.split("|") if word not in VALUES and not value.choices]
        assert unknown == [], f"metavars are words of c4py.cli.grammar.VALUES: {value}"
        completed_by(value)


def commands_of(line: str) -> Iterator[list[str]]:
    """Give the commands of a shell's line, without redirections; what stands for another command is a path."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    words.whitespace_split = True
    command: list[str] = []
    outer: list[str] = []
    is_redirected = False
    for word in words:
        if word == "<(":
            outer, command = [*command, "/dev/fd/63"], []
        elif word == ")":
            yield command
            command, outer = outer, []
        elif set(word) <= set("|&;"):
            yield command
            command = []
        elif set(word) <= set("<>"):
            is_redirected = True
        elif is_redirected:
            is_redirected = False
        else:
            command.append(word)
    yield command


def test_a_line_of_a_shell_is_taken_apart() -> None:
    assert list(commands_of("c4py diff a <(c4py id 'b c/') >> a.c4m | head -3  # why")) == [
        ["c4py", "id", "b c/"],
        ["c4py", "diff", "a", "/dev/fd/63"],
        ["head", "-3"],
    ]


def parser_of(arguments: list[str]) -> tuple[tuple[str, ...], Parser, list[str]]:
    """Give the parser of what follows `c4py`, and the arguments that it gets."""
    for count in (2, 1):
        if tuple(arguments[:count]) in PARSERS:
            return tuple(arguments[:count]), PARSERS[tuple(arguments[:count])], arguments[count:]
    return ("id",), PARSERS[("id",)], arguments


def test_examples_can_be_given(command: Command) -> None:
    tried = []
    for example in command.examples:
        assert example.command.split(maxsplit=1)[0], example
        for words in commands_of(example.command):
            if words[:1] != ["c4py"]:
                continue
            if words[1:2] == ["help"]:
                continue
            found, parser, arguments = parser_of(words[1:])
            # Its value is only taken after the sign, which the verb sees to.
            arguments = ["--cache=" if word == "--cache" else word for word in arguments]
            parser.parse_intermixed_args(arguments)
            tried.append(found)
    assert command.words in tried


def test_examples_say_what_they_do(command: Command) -> None:
    assert any(example.what for example in command.examples)


@pytest.mark.parametrize("words", [("id",), ("store", "gc"), ("store",), ()], ids=" ".join)
def test_help_is_a_verb_as_well(words: tuple[str, ...], home: Path) -> None:
    asked = c4py_run("help", *words, home=home)
    flagged = c4py_run(*words, "--help", home=home)
    assert (asked.returncode, asked.stderr) == (0, b"")
    assert asked.stdout == flagged.stdout
    assert asked.stdout


def test_help_of_what_is_no_verb_is_an_error(home: Path) -> None:
    done = c4py_run("help", "verfy", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"did you mean 'verify'?" in done.stderr


def test_help_of_what_is_no_action_is_an_error(home: Path) -> None:
    done = c4py_run("help", "store", "vrfy", home=home)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"did you mean 'verify'?" in done.stderr


def test_help_imports_nothing_that_only_work_needs(home: Path) -> None:
    heavy = {"rich", "json", "html", "difflib", "obstore", "matplotlib", "numpy", "asyncio", "subprocess"}
    code = (
        "import sys; from c4py.cli import main\n"
        f"for words in {list(COMMANDS)!r}:\n"
        "    assert main([*words, '--help']) == 0\n"
        f"print(*sorted(set(sys.modules) & {heavy!r}), file=sys.stderr)"
    )
    done = subprocess.run(
        [COMMAND[0], "-c", code], env=environment(home), capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.split() == []


def test_help_is_narrow_where_the_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    said = PARSERS[("id",)].format_help()
    commands = {f"  {example.command}" for example in COMMANDS[("id",)].examples}
    assert [line for line in said.splitlines() if len(line) > 60 and line not in commands] == []


def test_a_usage_error_names_the_flag_that_may_be_meant(home: Path) -> None:
    done = c4py_run("verify", "--quik", "a.c4m", "a", home=home)
    assert done.returncode == 2
    assert b"did you mean '--quick'?" in done.stderr

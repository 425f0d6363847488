"""The completion script for zsh: one function a command, which gives `_arguments` what the command takes."""

from __future__ import annotations

from shlex import quote

from c4py.cli.grammar import DIRECTORIES, FILES, MANIFESTS, completed_by, performed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from c4py.cli.grammar import Command, Flag, Operand

HEAD = """\
#compdef c4py
# Completion of c4py for zsh: c4py completion zsh
# It has what the command takes in it, and starts nothing.
"""

TAIL = """\

_c4py() {
  local -a verbs=(VERBS)
  if [[ $words[2] == help ]]; then
    shift words
    (( CURRENT-- ))
    (( CURRENT == 2 )) && { _c4py_verbs; return }
  elif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _alternative 'verbs:verb:_c4py_verbs' 'help:help:(help)' 'files:file:_files'
    return
  fi
  local command=$words[2]
  if (( ${verbs[(Ie)$command]} )); then
    shift words
    (( CURRENT-- ))
    _c4py_$command
  else
    # What was left out is id.
    _c4py_id
  fi
}

# Found as a function of compinit's, the script is run to complete; sourced, it says what it is for.
if [[ $funcstack[1] == _c4py ]]; then
  _c4py "$@"
else
  compdef _c4py c4py
fi
"""

#: What completes a kind of files.
ACTIONS = {FILES: "_files", DIRECTORIES: "_files -/", MANIFESTS: "_files -g '*.c4m(-.)'"}


def script(verbs: Sequence[Command]) -> str:
    """Write the script."""
    parts = [HEAD, _words("_c4py_verbs", "verb", verbs)]
    parts += [_dispatch(verb) for verb in verbs if verb.actions]
    parts += [_function(command) for command in performed(verbs)]
    return "\n".join(parts) + TAIL.replace("VERBS", " ".join(verb.name for verb in verbs))


def _words(function: str, what: str, commands: Iterable[Command]) -> str:
    told = "\n".join(f"    {quote(command.words[-1] + ':' + command.what)}" for command in commands)
    return f"{function}() {{\n  local -a told=(\n{told}\n  )\n  _describe {what} told\n}}\n"


def _dispatch(verb: Command) -> str:
    function = f"_c4py_{verb.name}"
    cases = "\n".join(f"    {action.words[-1]}) {_name(action)} ;;" for action in verb.actions)
    return (
        _words(f"{function}_actions", "action", verb.actions)
        + f"\n{function}() {{\n  (( CURRENT == 2 )) && {{ {function}_actions; return }}\n"
        + f"  local action=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $action in\n{cases}\n  esac\n}}\n"
    )


def _name(command: Command) -> str:
    return "_c4py_" + "_".join(command.words)


def _function(command: Command) -> str:
    specs = [spec for flag in command.flags for spec in _flag(flag)]
    specs += [_operand(place, operand) for place, operand in enumerate(command.operands, 1)]
    lines = " \\\n    ".join(["_arguments -s -S :", *specs])
    return f"{_name(command)}() {{\n  {lines}\n}}\n"


def _flag(flag: Flag) -> Iterable[str]:
    told = f"[{_escaped(flag.what, '[]')}]"
    for name in flag.names:
        if flag.is_value_optional:
            end = f"=-{told}::{_value(flag)}"
        elif flag.metavar:
            end = f"{'=' if name.startswith('--') else '+'}{told}:{_value(flag)}"
        else:
            end = told
        # A flag may stand there more than once: the last one counts, or all do.
        yield quote(f"*{name}{end}")


def _operand(place: int, operand: Operand) -> str:
    return quote(f"{'*' if operand.is_many else place}:{_value(operand)}")


def _value(value: Flag | Operand) -> str:
    kind = completed_by(value)
    action = ACTIONS[kind] if isinstance(kind, str) else f"({' '.join(kind)})" if kind else " "
    return f"{_escaped(value.metavar, ':')}:{action}"


def _escaped(text: str, special: str) -> str:
    return "".join(f"\\{character}" if character in special + "\\" else character for character in text)

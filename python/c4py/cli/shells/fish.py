"""The completion script for fish: one line a flag and an operand, with the condition where it stands."""

from __future__ import annotations

from c4py.cli.grammar import DIRECTORIES, FILES, MANIFESTS, completed_by, performed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from c4py.cli.grammar import Command, Flag, Operand

HEAD = """\
# Completion of c4py for fish: c4py completion fish
# It has what the command takes in it, and starts nothing.

# Say whether the command that is typed is this one and, where a number follows it, whether so many operands stand
# before the cursor; with --from, so many or more.
function __c4py_is
    argparse from -- $argv
    set -l words (commandline -opc)[2..]
    set -l command
    if test "$words[1]" = help
        set -e words[1]
    end
    if contains -- "$words[1]" $__c4py_verbs
        set command $words[1]
        set -e words[1]
        if contains -- "$command $words[1]" $__c4py_actions
            set command "$command $words[1]"
            set -e words[1]
        end
    else if set -q words[1]
        # What was left out is id.
        set command id
    end
    test "$command" = "$argv[1]"; or return
    set -q argv[2]; or return 0
    set -l count 0
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                set count (math $count + (count $words))
                break
            case '-*'
                if contains -- "$command $words[1]" $__c4py_valued
                    set -e words[1]
                end
            case '*'
                set count (math $count + 1)
        end
        set -e words[1]
    end
    if set -q _flag_from
        test $count -ge $argv[2]
    else
        test $count -eq $argv[2]
    end
end

# Manifests, and the directories on the way to them.
function __c4py_manifests
    set -l typed (commandline -ct | string replace -r '^--[^=]*=' '')
    complete -C "'' $typed" | string match -r '^[^\\t]*(?:/|\\.c4m)(?=\\t|$)'
end

complete -c c4py -f
"""

#: What completes a kind of files.
ACTIONS = {
    FILES: "-rF",
    DIRECTORIES: "-xa '(__fish_complete_directories)'",
    MANIFESTS: "-xa '(__c4py_manifests)'",
}


def script(verbs: Sequence[Command]) -> str:
    """Write the script."""
    actions = [action for verb in verbs for action in verb.actions]
    valued = [
        f"{command.name} {name}"
        for command in performed(verbs)
        for flag in command.flags
        if flag.metavar and not flag.is_value_optional
        for name in flag.names
    ]
    parts = [
        f"set -g __c4py_verbs {' '.join(verb.name for verb in verbs)}",
        f"set -g __c4py_actions {' '.join(map(_quoted, (action.name for action in actions)))}",
        f"set -g __c4py_valued {' '.join(map(_quoted, valued))}",
        "",
        HEAD,
        *_top(verbs),
    ]
    for verb in verbs:
        parts += [_word(verb.name, action) for action in verb.actions]
    for command in performed(verbs):
        parts += [f"\n# {command.name}", *_lines(command)]
    return "\n".join(parts) + "\n"


def _top(verbs: Sequence[Command]) -> Iterable[str]:
    for verb in verbs:
        yield _word("", verb)
    yield _line("", "-a help", "tell what a verb does")
    yield _line("", "-l version", "print the version")
    # A file alone is the same as `id`, and so are its flags.
    yield f"complete -c c4py -n {_quoted(_condition(''))} -F"
    for verb in verbs:
        if verb.words == ("id",):
            yield from (_flag("", flag) for flag in verb.flags)


def _word(before: str, command: Command) -> str:
    return _line(before, f"-a {command.words[-1]}", command.what)


def _lines(command: Command) -> Iterable[str]:
    for flag in command.flags:
        yield _flag(command.name, flag)
    for place, operand in enumerate(command.operands):
        value = _value(operand).replace("-rF", "-F").replace("-xa", "-a")
        if value:
            condition = _condition(command.name, place, is_from=operand.is_many)
            yield f"complete -c c4py -n {_quoted(condition)} {value}"


def _flag(command: str, flag: Flag) -> str:
    names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names]
    # A value that may be left out is none that is asked for.
    value = _value(flag) or "-x" if flag.metavar and not flag.is_value_optional else ""
    return _line(command, " ".join([*names, value]).strip(), flag.what)


def _value(value: Flag | Operand) -> str:
    kind = completed_by(value)
    if isinstance(kind, str):
        return ACTIONS[kind]
    return f"-xa {_quoted(' '.join(kind))}" if kind else ""


def _line(command: str, what: str, told: str) -> str:
    return f"complete -c c4py -n {_quoted(_condition(command))} {what} -d {_quoted(told)}"


def _condition(command: str, place: int | None = None, *, is_from: bool = False) -> str:
    words = ["__c4py_is", *(["--from"] if is_from else []), f'"{command}"', *([] if place is None else [str(place)])]
    return " ".join(words)


def _quoted(text: str) -> str:
    r"""Quote a text as fish reads it: within '' only \\ and \' are escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

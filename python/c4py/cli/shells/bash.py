"""The completion script for bash, from 3.2 on.

Words are put together again that bash breaks at `=` and `:`; what is offered lacks the part that stands before such a
character, since only what follows it is replaced.
"""

from __future__ import annotations

from shlex import quote

from c4py.cli.grammar import completed_by, performed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from c4py.cli.grammar import Command, Flag, Operand

HEAD = """\
# Completion of c4py for bash: c4py completion bash
# It has what the command takes in it, and starts nothing.

# What a command takes: flags; flags with a value, each with what completes that; what completes the operands, by place,
# the last for all that follow. @files, @directories and @manifests are kinds of files, anything else is words.
_c4py_takes() {
    values=()
    case $1 in
"""

TAIL = """\
    esac
}

_c4py_offer() {
    local IFS=$' \\t\\n' offered=() line
    # Of names readline quotes what is special, and adds the slash of directories. A verb that is offered beside them is
    # none, even where a directory has its name.
    if [[ $1 == @* ]] && { [[ -z $2 ]] || ((${#COMPREPLY[@]} == 0)); } && type compopt >/dev/null 2>&1; then
        compopt -o filenames 2>/dev/null
    fi
    while IFS= read -r line; do
        offered+=("${line#"$3"}")
    done < <(
        case $1 in
            @files) compgen -f -- "$2" ;;
            @directories) compgen -d -- "$2" ;;
            @manifests)
                compgen -d -- "$2"
                compgen -f -X '!*.c4m' -- "$2"
                ;;
            *) compgen -W "$1" -- "$2" ;;
        esac
    )
    COMPREPLY+=("${offered[@]+"${offered[@]}"}")
}

_c4py() {
    local line=${COMP_LINE:0:COMP_POINT} words=() word current before command first i last
    local flags=() values=() operands=() value kind at=0 is_ended='' is_value=''
    local verbs='VERBS'
    COMPREPLY=()

    # The words as they were typed, up to the cursor.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        last=$((${#words[@]} - 1))
        if ((last < 0)) || [[ $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            words+=('')
            last=$((last + 1))
            before=''
        else
            before=${words[last]}
        fi
        if ((i == COMP_CWORD)); then
            word=$line
        fi
        words[last]+=$word
        line=${line#"$word"}
    done
    current=${words[last]}
    # Alone, a character that breaks words is none to be replaced.
    case ${COMP_WORDS[COMP_CWORD]} in
        '=' | ':') before=$current ;;
    esac

    if ((last == 1)); then
        if [[ $current == -* ]]; then
            _c4py_takes id
            _c4py_offer "${flags[*]} --version" "$current" ''
        else
            _c4py_offer "$verbs help" "$current" ''
            _c4py_offer @files "$current" "$before"
        fi
        return
    fi
    command=${words[1]}
    first=2
    if [[ $command == help ]]; then
        if ((last == 2)); then
            _c4py_offer "$verbs" "$current" ''
            return
        fi
        command=${words[2]}
        first=3
    fi
    case " $verbs " in
        *" $command "*) ;;
        *)
            command=id
            first=1
            ;;
    esac
    _c4py_takes "$command"
    if [[ ${operands[0]-} == @actions ]]; then
        if ((last == first)); then
            _c4py_offer "${flags[*]}" "$current" ''
            return
        fi
        command="$command ${words[first]}"
        first=$((first + 1))
        flags=() operands=()
        _c4py_takes "$command"
    fi

    for ((i = first; i < last; i++)); do
        word=${words[i]}
        if [[ -n $is_value ]]; then
            is_value=''
        elif [[ -n $is_ended || $word != -?* ]]; then
            at=$((at + 1))
        elif [[ $word == -- ]]; then
            is_ended=1
        else
            for value in "${values[@]+"${values[@]}"}"; do
                if [[ ${value%%=*} == "$word" ]]; then
                    is_value=1
                    kind=${value#*=}
                fi
            done
        fi
    done
    if [[ -n $is_value ]]; then
        _c4py_offer "$kind" "$current" "$before"
    elif [[ -z $is_ended && $current == --*=* ]]; then
        for value in "${values[@]+"${values[@]}"}"; do
            word=${value%%=*}
            if [[ ${word%'[]'} == "${current%%=*}" ]]; then
                _c4py_offer "${value#*=}" "${current#*=}" "${before#*=}"
            fi
        done
        if [[ $COMP_WORDBREAKS != *=* ]]; then
            COMPREPLY=("${COMPREPLY[@]/#/${current%%=*}=}")
        fi
    elif [[ -z $is_ended && $current == -* ]]; then
        _c4py_offer "${flags[*]}" "$current" ''
    elif ((${#operands[@]})); then
        if ((at >= ${#operands[@]})); then
            at=$((${#operands[@]} - 1))
        fi
        _c4py_offer "${operands[at]}" "$current" "$before"
    fi
}

complete -F _c4py c4py
"""


def script(verbs: Sequence[Command]) -> str:
    """Write the script."""
    cases = "".join(_takes(command) for command in _all(verbs))
    return HEAD + cases + TAIL.replace("VERBS", " ".join(verb.name for verb in verbs))


def _all(verbs: Sequence[Command]) -> Iterable[Command]:
    """Give verbs that have actions, and all that has arguments of its own."""
    yield from (verb for verb in verbs if verb.actions)
    yield from performed(verbs)


def _takes(command: Command) -> str:
    if command.actions:
        flags = [action.words[-1] for action in command.actions]
        operands = ["@actions"]
    else:
        flags = [name for flag in command.flags for name in flag.names]
        operands = [_kind(operand) for operand in command.operands]
        if command.operands and not command.operands[-1].is_many:
            operands.append("")
    # Of a flag whose value is only taken after `=` the next word is no value.
    values = [
        f"{name}{'[]' if flag.is_value_optional else ''}={_kind(flag)}"
        for flag in command.flags
        if flag.metavar
        for name in flag.names
    ]
    lines = [f"        {quote(command.name)})", f"            flags=({' '.join(map(quote, flags))})"]
    lines += [f"            values=({' '.join(map(quote, values))})"] if values else []
    lines += [f"            operands=({' '.join(map(quote, operands))})"] if operands else []
    return "\n".join([*lines, "            ;;\n"])


def _kind(value: Flag | Operand) -> str:
    kind = completed_by(value)
    return f"@{kind}" if isinstance(kind, str) else " ".join(kind)

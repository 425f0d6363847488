"""What can be written after `c4py`: verbs, actions, flags and operands, as the parsers of the verbs have them.

Completion and the manual are made from it. What a value is, its metavar says: that of a flag, and of an operand word by
word (`MANIFEST BUNDLE` are two operands). `A|B` is one of both; `[=A]` is a value that may be left out, and is only
taken after `=`.
"""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from typing import NamedTuple

from c4py.cli import VERBS
from c4py.cli.parser import examples, exit_codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from c4py.cli.parser import Parser

#: What files complete a value: all, directories alone, or manifests and the directories on the way to them.
FILES, DIRECTORIES, MANIFESTS = "files", "directories", "manifests"

#: The words of metavars: what completes a value of it, a kind of files or words; nothing where that is empty.
VALUES: dict[str, str | tuple[str, ...]] = {
    "MANIFEST": MANIFESTS,
    "TREE": MANIFESTS,
    "DIRECTORY": DIRECTORIES,
    "FILE": FILES,
    "PATH": FILES,
    "BUNDLE": FILES,
    "STORE": DIRECTORIES,
    "URI": (),
    "MODE": ("s", "m", "f"),
    "SHELL": ("bash", "zsh", "fish"),
    "C4ID": (),
    "GLOB": (),
    "N": (),
    "PART": (),
    "SIZE": (),
    "TIME": (),
}


class Flag(NamedTuple):
    """A flag: its names, short ones first; its metavar, "" without a value; what it does."""

    names: tuple[str, ...]
    metavar: str
    what: str
    choices: tuple[str, ...] = ()
    is_value_optional: bool = False


class Operand(NamedTuple):
    """What may stand at one place of the command line, or from there on."""

    metavar: str
    what: str
    choices: tuple[str, ...] = ()
    is_many: bool = False


class Example(NamedTuple):
    """A command that can be given, and what it does; several commands are told together where one has no words."""

    command: str
    what: str


class Command(NamedTuple):
    """A verb, or an action of one: `words` are what follows `c4py`."""

    words: tuple[str, ...]
    what: str
    usage: str = ""
    description: str = ""
    flags: tuple[Flag, ...] = ()
    operands: tuple[Operand, ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()
    exit_codes: tuple[tuple[int, str], ...] = ()
    actions: tuple[Command, ...] = ()

    @property
    def name(self) -> str:
        """Verb and action."""
        return " ".join(self.words)


def all_verbs() -> tuple[Command, ...]:
    """Describe every verb, in the order of the usage."""
    return tuple(_verb(verb, what) for verb, what in VERBS.items())


def performed(verbs: Iterable[Command]) -> Iterator[Command]:
    """Give what has arguments of its own: verbs, and of verbs with actions the actions."""
    for verb in verbs:
        yield from verb.actions or (verb,)


def parsers() -> Iterator[tuple[tuple[str, ...], Parser]]:
    """Give the parser of every verb and action."""
    for verb in VERBS:
        module = import_module(f"c4py.cli.{verb}")
        if hasattr(module, "build_actions"):
            for action, (_, build_parser, _) in module.build_actions().items():
                yield (verb, action), build_parser()
        else:
            yield (verb,), module.build_parser()


def completed_by(value: Flag | Operand) -> str | tuple[str, ...]:
    """Tell what completes a value: a kind of files, or words; nothing where that is empty."""
    if value.choices:
        return value.choices
    for word in value.metavar.split("|"):
        if VALUES.get(word):
            return VALUES[word]
    return ()


def described(words: tuple[str, ...], what: str, parser: Parser) -> Command:
    """Describe what a parser takes."""
    formatter = parser._get_formatter()
    flags: list[Flag] = []
    operands: list[Operand] = []
    for argument in parser._actions:
        text = formatter._expand_help(argument) if argument.help else ""
        choices = tuple(map(str, argument.choices or ()))
        if argument.option_strings:
            flags.append(_flag(argument, text, choices))
        else:
            operands += _operands(argument, text, choices)
    notes, told, codes = _epilog(parser.epilog or "")
    return Command(
        words=words,
        what=what,
        usage=" ".join(parser.format_usage().removeprefix("usage: ").split()),
        description=parser.description or "",
        flags=tuple(flags),
        operands=tuple(operands),
        examples=told,
        notes=notes,
        exit_codes=tuple(codes),
    )


def _verb(verb: str, what: str) -> Command:
    module = import_module(f"c4py.cli.{verb}")
    if not hasattr(module, "build_actions"):
        return described((verb,), what, module.build_parser())
    actions = tuple(
        described((verb, action), told, build_parser())
        for action, (told, build_parser, _) in module.build_actions().items()
    )
    return Command((verb,), what, usage=f"c4py {verb} ACTION [flags] [arguments]", actions=actions)


def _flag(argument: argparse.Action, what: str, choices: tuple[str, ...]) -> Flag:
    metavar = ""
    if argument.nargs != 0:
        metavar = str(argument.metavar or argument.dest.upper())
    is_optional = metavar.startswith("[=")
    names = sorted(argument.option_strings, key=lambda name: name.startswith("--"))
    return Flag(tuple(names), metavar.strip("[=]") if is_optional else metavar, what, choices, is_optional)


def _operands(argument: argparse.Action, what: str, choices: tuple[str, ...]) -> Iterator[Operand]:
    metavar = argument.metavar or argument.dest.upper()
    words = metavar.split() if isinstance(metavar, str) else list(metavar)
    is_last_many = argument.nargs in ("*", "+") and len(words) == 1
    for place, word in enumerate(words, 1):
        is_many = place == len(words) and (is_last_many or word.endswith("..."))
        yield Operand(word.strip("[].").removesuffix("..."), what, choices, is_many)


def _epilog(text: str) -> tuple[tuple[str, ...], tuple[Example, ...], tuple[tuple[int, str], ...]]:
    """Take an epilog apart: paragraphs, examples, and exit codes."""
    notes: list[str] = []
    found: list[Example] = []
    codes: list[tuple[int, str]] = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if paragraph.startswith("exit codes:"):
            codes = exit_codes(paragraph)
        elif paragraph.startswith("examples:"):
            found += [Example(*example) for example in examples(paragraph)]
        elif paragraph.strip():
            notes.append(paragraph)
    return tuple(notes), tuple(found), tuple(codes)

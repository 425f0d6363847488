"""`c4py man`: the manual page, c4py(1), made from the parsers of the verbs.

It is written with the macros of man(7), which every reader of manual pages knows.
"""

from __future__ import annotations

import re
import sys
from textwrap import wrap

import c4py
from c4py.cli.parser import Parser
from c4py.cli.terminal import is_screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from c4py.cli.grammar import Command, Flag

EPILOG = """\
Where the output is a terminal, man(1) shows the page, if it is installed.

examples:
  c4py man
  c4py man > ~/.local/share/man/man1/c4py.1     from then on: man c4py
  c4py man | mandoc -T html > c4py.html         the same for a browser

exit codes: 0 done, 1 wrong usage
"""

#: Characters of a line of text in the source of the page, before they are escaped.
LINE = 68

#: What the command is for.
ABOUT = """\
c4py names files by what is in them: the C4 ID of a file (SMPTE ST 2114:2017) is the SHA-512 of its content, written in
90 characters that begin with c4. A c4m manifest is a text that lists a directory tree with modes, times, sizes and IDs,
and has an ID itself. With both, trees are described, compared, verified, and brought to a state.

A path alone is the same as `c4py id PATH`; what is piped into c4py alone gets its ID. Results go to standard output,
everything else to standard error. Flags may stand before and after operands; `--` ends them. An operand `-` is a
manifest on standard input, where a manifest is taken. Names in messages are shown with escapes where a terminal would
act on them; in manifests and paths they are as they are."""

#: Exit codes that mean the same everywhere.
EXIT_CODES = {
    0: "Done. A comparison that finds something is done as well, but for the verbs below.",
    1: "An error, wrong usage too. Of dupes, validate, verify and workspace: something was found.",
    2: "Wrong usage of dupes, ingest, pool, store, validate, verify and workspace, and an error of those that find.",
    3: "Some files could not be read; everything else is done.",
    4: "Content of a store or bundle is not that of its ID.",
    130: "Interrupted by Ctrl-C (SIGINT). Nothing is half written.",
    141: "Whoever read the output has closed it (SIGPIPE).",
}

#: Environment variables, by name or pattern.
ENVIRONMENT = {
    "C4_STORE": "The content store: a directory, or s3://, gs:// or az:// with bucket and prefix. Several, with "
    "commas between them, are read in their order, and the first is written to. It goes before ~/.c4/config.",
    "C4_EXCLUDE_FILE": "The name of a file of globs, such as .c4ignore. Where a scanned directory has one, what it "
    "lists is left out there and below.",
    "C4_SHA512_PLATFORM": "Which code computes SHA-512: auto (the best for this processor), portable, x86_avx2 or "
    "x86_avx512. One that the processor lacks is an error.",
    "NO_COLOR": "If it is set and not empty, there are no colours.",
    "COLUMNS": "How many columns help and progress have; else as many as the terminal has.",
    "TERM": "If it is dumb, there are neither colours nor progress.",
    "TZ": "The time zone of the form for people (-e), written and read.",
    "HOME": "Where ~/.c4 is.",
    "XDG_CACHE_HOME": "Where the cache of `id --cache` is, c4py/; else ~/.cache.",
    "AWS_*, AZURE_*, GOOGLE_*": "Credentials, region and endpoint of a store that is a bucket, as the provider's own "
    "tools have them.",
}

FILES = {
    "~/.c4/config": "What is configured, one a line: `store = PATH` or URI, several of them as in C4_STORE; "
    "`store_auto = true`: id stores without -s. `c4py store init` writes it.",
    "~/.c4/store": "The content store that `c4py store init` makes where no other place is given.",
    "~/.cache/c4py/": "IDs of files that `id --cache` has read. It can be removed at any time.",
    ".c4-workspace.json, .c4-workspace-manifest.c4m": "In a directory that c4py workspace works on: what was checked "
    "out.",
}

SEE_ALSO = """\
sha512sum(1), diff(1), rsync(1)

SMPTE ST 2114:2017, Unique Digital Identifier (C4 ID)."""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    return Parser(
        prog="c4py man",
        description="Print the manual page c4py(1): all verbs, exit codes, environment and files.",
        epilog=EPILOG,
    )


def run(arguments: Sequence[str]) -> int:
    """Print the page, or show it."""
    build_parser().parse_args(arguments)
    if is_screen(sys.stdout) and (code := _show(page())) is not None:
        return code
    sys.stdout.write(page())
    return 0


def _show(text: str) -> int | None:
    """Let man(1) show the page; None where it is not installed."""
    import subprocess
    from shutil import which
    from tempfile import NamedTemporaryFile

    if which("man") is None:
        return None
    # A name with a slash is a file for every man(1); not every one reads from a pipe.
    with NamedTemporaryFile("w", prefix="c4py.", suffix=".1") as file:
        file.write(text)
        file.flush()
        return subprocess.run(["man", file.name], check=False).returncode


def page() -> str:
    """Write the page."""
    from c4py.cli import GROUPS
    from c4py.cli.grammar import all_verbs, performed

    verbs = all_verbs()
    lines = [f'.TH C4PY 1 "" "c4py {c4py.__version__}" "c4py manual"']
    lines += [".SH NAME", r"c4py \- C4 IDs (SMPTE ST 2114) and manifests of files and directories"]
    lines += [".SH SYNOPSIS", *_synopsis(), ".SH DESCRIPTION", *_paragraphs(ABOUT)]
    by_name = {verb.name: verb for verb in verbs}
    for group, names in GROUPS.items():
        lines += [".PP", f"To {_text(group)}:" if group != "the command itself" else "Of the command itself:"]
        for name in names:
            lines += [".TP", f".B {_text(name)}", _filled(_sentence(by_name[name].what))]
    lines += [".SH VERBS"]
    for command in performed(verbs):
        lines += _command(command)
    codes = {str(code): what for code, what in EXIT_CODES.items()}
    for title, told in (("EXIT STATUS", codes), ("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        lines += [f".SH {title}"]
        for name, what in told.items():
            lines += [".TP", f".B {_text(name)}", _filled(what)]
    lines += [".SH SEE ALSO", *_paragraphs(SEE_ALSO)]
    return "\n".join(lines) + "\n"


def _synopsis() -> Iterator[str]:
    yield r".B c4py"
    yield r"\fIVERB\fR [\fIflags\fR] [\fIarguments\fR]"
    yield ".br"
    yield ".B c4py"
    yield r"\fIPATH\fR..."
    yield ".br"
    yield r"\fICOMMAND\fR | \fBc4py\fR"


def _command(command: Command) -> Iterator[str]:
    yield f".SS c4py {_text(command.name)}"
    yield _filled(command.usage)
    yield from (".PP", _filled(command.description))
    for operand in command.operands:
        yield from (".TP", rf"\fI{_text(operand.metavar)}\fR", _filled(_sentence(operand.what)))
    for flag in command.flags:
        if flag.names[-1] != "--help":
            yield from (".TP", _names(flag), _filled(_sentence(flag.what)))
    for note in command.notes:
        yield from _note(note)
    if command.examples:
        yield from (".PP", "Examples:")
    for example in command.examples:
        yield from (".PP", ".EX", f"  {_text(example.command)}", ".EE")
        if example.what:
            yield from (".RS 4", _filled(_sentence(example.what)), ".RE")
    if command.exit_codes:
        told = "; ".join(f"{code} {what}" for code, what in command.exit_codes)
        yield from (".PP", _filled(f"Exit codes: {told}."))


def _names(flag: Flag) -> str:
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in flag.names)
    if not flag.metavar:
        return names
    value = rf"\fI{_text(flag.metavar)}\fR"
    return f"{names}[={value}]" if flag.is_value_optional else f"{names} {value}"


def _note(note: str) -> Iterator[str]:
    """Give a paragraph; lines that are indented stay as they are."""
    yield ".PP"
    if note.startswith("  "):
        yield from (".EX", *(_line(line) for line in note.splitlines()), ".EE")
    else:
        yield _filled(" ".join(note.split()))


def _paragraphs(text: str) -> Iterator[str]:
    for at, paragraph in enumerate(text.split("\n\n")):
        if at:
            yield ".PP"
        yield _filled(" ".join(paragraph.split()))


def _sentence(text: str) -> str:
    """Make a sentence of a few words of help."""
    # A word that is no word of the language stays: `c4m`, and `s:` of a list.
    is_word = re.match(r"[a-z]+\b(?!:)", text)
    return (text[:1].upper() + text[1:] if is_word else text) + ("" if text.endswith((".", ":")) else ".")


def _filled(text: str) -> str:
    """Give text that is filled by roff, in lines that are none of its requests."""
    filled = "\n".join(map(_line, wrap(text, LINE, break_long_words=False, break_on_hyphens=False)))
    # What stands between backquotes is bold.
    return re.sub(r"\\\(ga(.*?)\\\(ga", r"\\fB\1\\fR", filled, flags=re.DOTALL)


def _line(text: str) -> str:
    """Give a line that is no request of roff."""
    return rf"\&{_text(text)}" if text.startswith((".", "'")) else _text(text)


#: Characters that roff would change or act on: hyphens and quotes have to stay what can be copied.
ESCAPES = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


def _text(text: str) -> str:
    return "".join(ESCAPES.get(character) or _character(character) for character in text)


def _character(character: str) -> str:
    return character if character.isascii() else rf"\[u{ord(character):04X}]"

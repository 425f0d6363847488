"""The command `c4py`.

One module a verb, imported when the verb is used; each is thin over the library. Results go to stdout, messages to
stderr. Exit codes: 0 done; 1 an error, wrong usage too; 3 some files could not be read; 4 content of a store is not
that of its ID. `dupes`, `ingest`, `pool`, `store`, `validate`, `verify` and `workspace` are no verbs of the family's
other command: there 1 is a finding as well, and wrong usage is 2.

What is ended by a signal cleans up, and the process dies by that signal: a shell tells 130 of Ctrl-C, 143 of SIGTERM,
129 of SIGHUP, and 141 where nobody reads the output. `main` itself kills nobody: it returns 130 and 141, and raises
SystemExit with 143 or 129 for who is told to end; `c4py.__main__` makes signals of them.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from errno import ENOSPC

from c4py._visible import visible
from c4py.errors import C4Error, StoreCorrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from c4py._rust import ScanIssue

#: Verbs and what they do, by what people want.
GROUPS = {
    "name and describe": {
        "id": "print the c4m entries, or the bare IDs, of files and directories",
        "cat": "print the content of an ID, or a manifest",
        "paths": "print the paths of a manifest, or make a manifest of paths",
        "explain": "say in plain words what id, diff or patch would do",
    },
    "compare and combine": {
        "diff": "print what changed between two trees, as a patch",
        "merge": "combine trees into one manifest",
        "intersect": "print what two trees have in common",
        "dupes": "print the files that have the same content",
    },
    "check": {
        "verify": "compare a directory with a manifest",
        "validate": "check the text of manifests",
    },
    "bring to a state": {
        "patch": "bring a directory or a manifest to a state",
        "workspace": "check manifests out into a directory, and tell what changed",
    },
    "keep history": {
        "log": "list the sections of a chain of patches",
        "split": "split a chain of patches in two",
    },
    "keep and carry content": {
        "store": "make, list, check and clean the content store",
        "pool": "bundle a manifest with all content that it needs",
        "ingest": "take a bundle in: its content and its manifests",
    },
    "the command itself": {
        "version": "print the version",
        "completion": "print what makes a shell complete arguments",
        "man": "print the manual page",
    },
}

VERBS = {verb: what for verbs in GROUPS.values() for verb, what in verbs.items()}

#: Verbs of which 1 says that something was found: an error of theirs is 2.
FINDERS = ("dupes", "validate", "verify")


#: Files of a directory among which one is looked for that may be meant.
MOST_LOOKED_AT = 2000

#: How much of two names without their extensions is the same, where one may be meant by the other.
LEAST_ALIKE = 0.6


class CommandError(Exception):
    """A message for the user; the command ends with its exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code, in any thread; streams and signals of the caller stay as they are."""
    from c4py.cli.streams import standard_streams

    with standard_streams():
        given = _with_verb(list(sys.argv[1:] if arguments is None else arguments))
        verb = given.pop(0) if given else ""
        error_code = 2 if verb in FINDERS else 1
        try:
            code = _perform(verb, given, error_code)
            sys.stdout.flush()
        except KeyboardInterrupt:
            return fail("c4py: interrupted", 130)
        except BrokenPipeError:
            # Whoever read the output has enough.
            return 141
        except OSError as error:
            return fail(f"c4py {verb}: {describe(error)}", error_code)
        return code


def _perform(verb: str, arguments: list[str], error_code: int) -> int:
    try:
        with _ended_by_signals(), command_errors(f"c4py {verb}", error_code):
            return _run(verb, arguments)
    except CommandError as error:
        return fail(str(error), error.code)
    except SystemExit as ended:
        if ended.code:
            raise  # a signal
        # Help was printed.
        return 0


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the command as Ctrl-C does: what is half-written is removed."""
    import signal

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    # Who ignores them, as nohup does, goes on doing so.
    taken = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    with suppress(ValueError):  # not the main thread
        for number in taken:
            signal.signal(number, end)
    try:
        yield
    finally:
        with suppress(ValueError):
            for number in taken:
                signal.signal(number, signal.SIG_DFL)


def _run(verb: str, arguments: list[str]) -> int:
    if verb == "help":
        verb, *action = arguments or [""]
        arguments = [*action, "--help"]
    if verb in ("", "-h", "--help") and (verb or arguments):
        sys.stdout.write(usage())
        return 0
    if verb not in VERBS:
        if not verb:
            raise CommandError(usage())
        hint = did_you_mean(verb, VERBS)
        hint = hint or _unexpanded_home(verb)
        what = visible(repr(verb), is_escaped=True)
        raise CommandError(f"c4py: neither a verb nor a file: {what}{hint}\n'c4py --help' lists the verbs")
    from importlib import import_module

    code: int = import_module(f"c4py.cli.{verb}").run(arguments)
    return code


def _with_verb(arguments: list[str]) -> list[str]:
    """Add the verb that was left out: `id` where a path, a flag of `id` or something piped is all there is."""
    if not arguments:
        return [] if _is_device(0) else ["id"]
    first = arguments[0]
    if first in ("-V", "-v", "--version"):
        return ["version", *arguments[1:]]
    if first in VERBS or first in ("-h", "--help", "help"):
        return arguments
    return ["id", *arguments] if first.startswith("-") or os.path.lexists(first) else arguments


def _is_device(descriptor: int) -> bool:
    from stat import S_ISCHR

    try:
        return S_ISCHR(os.fstat(descriptor).st_mode)
    except OSError:
        return True


def usage() -> str:
    """Write what the command does, and its verbs."""
    lines = ["c4py - C4 IDs (SMPTE ST 2114) and manifests of files and directories", ""]
    lines += ["usage: c4py VERB [flags] [arguments]", "       c4py PATH...            the same as c4py id PATH..."]
    lines += ["       COMMAND | c4py          the C4 ID of what is piped"]
    lines += ["       c4py --version | --help"]
    for group, verbs in GROUPS.items():
        lines += ["", f"{group}:", *(f"  {verb:<12}{what}" for verb, what in verbs.items())]
    lines += ["", "'c4py VERB --help' tells more about a verb, with examples."]
    return "\n".join(lines) + "\n"


def did_you_mean(word: str, known: Iterable[str], directory: str = "") -> str:
    """Give the end of a message: which known word may be meant by one that is not known, or nothing.

    Words that are files get the directory in which they lie.
    """
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {visible(repr(os.path.join(directory, *close)), is_escaped=True)}?" if close else ""


def _did_you_mean_file(error: OSError) -> str:
    """Give the end of a message: which file of the directory may be meant by one that is not there, or nothing."""
    if not isinstance(error, FileNotFoundError) or not isinstance(error.filename, (str, bytes, os.PathLike)):
        return ""
    path = os.fsdecode(error.filename)
    directory, name = os.path.split(path.rstrip("/"))
    try:
        with os.scandir(directory or ".") as listing:
            names = [entry.name for entry, _ in zip(listing, range(MOST_LOOKED_AT), strict=False)]
    except OSError:
        return _unexpanded_home(path)
    # Something below it may be missing: a manifest that is there, and a store that is not.
    return "" if name in names else did_you_mean(name, _alike(name, names), directory)


def _alike(name: str, names: Iterable[str]) -> list[str]:
    """Leave out names that have little more than their extension in common with a name."""
    from difflib import SequenceMatcher

    match = SequenceMatcher(b=os.path.splitext(name)[0])
    alike = []
    for other in names:
        match.set_seq1(os.path.splitext(other)[0])
        if match.ratio() >= LEAST_ALIKE:
            alike.append(other)
    return alike


def _unexpanded_home(path: str) -> str:
    """Give the end of a message: that a path begins with a ~ that no shell has read, or nothing."""
    return "; the shell did not expand ~: write it without quotes, or as $HOME" if path.startswith("~") else ""


def describe(error: OSError) -> str:
    """Say what is wrong and with which file, as Python does, without the number."""
    is_named = isinstance(error.filename, (str, bytes, os.PathLike))
    name = f"{visible(os.fsdecode(error.filename))}: " if is_named else ""
    return f"{name}{reason(error)}"


def issue_text(issue: ScanIssue, root: str) -> str:
    """Write what a scan could not read, with the path as it is reached by the argument that was scanned."""
    place = os.path.join(root, issue.path) if issue.path else root
    return visible(f"{visible(place)}: {without_number(issue.message)}", is_escaped=True)


def without_number(message: str) -> str:
    """Leave out the number that the system has for what is wrong."""
    text, is_numbered, _ = message.rpartition(" (os error ")
    return text if is_numbered else message


@contextmanager
def command_errors(command: str, code: int = 1) -> Iterator[None]:
    """Turn what the system and the library raise into a CommandError that begins with the command.

    Its exit code is `code`, but 4 where content of a store is not that of its ID.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        code = 4 if isinstance(error, StoreCorrupt) else code
        # Whatever writes a file names it.
        place = "standard output: " if error.errno == ENOSPC and error.filename is None else ""
        raise CommandError(f"{command}: {place}{describe(error)}{_did_you_mean_file(error)}", code) from None
    except (C4Error, ValueError) as error:
        raise CommandError(f"{command}: {visible(str(error), is_escaped=True)}", code) from None


def reason(error: OSError) -> str:
    """Say what is wrong as Python does, without the number and the path."""
    return error.strerror or visible(str(error), is_escaped=True)


def fail(message: str, code: int) -> int:
    """Print a message for the user and give back the exit code."""
    print(message.rstrip("\n"), file=sys.stderr)
    return code

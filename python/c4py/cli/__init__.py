"""The command `c4py`.

One module a verb, imported when the verb is used; each is thin over the library. Results go to stdout, messages to
stderr. Exit codes: 0 done; 1 an error, wrong usage too; 3 some files could not be read; 4 content of a store is not
that of its ID; 130 interrupted. `dupes`, `ingest`, `pool`, `store`, `verify` and `workspace` are no verbs of the
family's other command: there 1 is a finding as well, and wrong usage is 2.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager

from c4py._visible import visible
from c4py.errors import C4Error, StoreCorrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Verbs and what they do.
VERBS = {
    "cat": "print the content of an ID, or a manifest",
    "dupes": "print the files that have the same content",
    "id": "print the c4m entries, or the bare IDs, of files and directories",
    "ingest": "take a bundle in: its content and its manifests",
    "patch": "bring a directory or a manifest to a state",
    "pool": "bundle a manifest with all content that it needs",
    "store": "make, list, check and clean the content store",
    "verify": "compare a directory with a manifest",
    "version": "print the version",
    "workspace": "check manifests out into a directory, and tell what changed",
}

USAGE = "usage: c4py VERB [flags] [arguments]\n\nverbs:\n" + "".join(
    f"  {verb:<11}{what}\n" for verb, what in VERBS.items()
)
USAGE += "\n'c4py VERB --help' tells more about a verb.\n"


#: Verbs of which 1 says that something was found: an error of theirs is 2.
FINDERS = ("dupes", "verify")


class CommandError(Exception):
    """A message for the user; the command ends with its exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    verb = given.pop(0) if given else ""
    error_code = 2 if verb in FINDERS else 1
    _open_streams()
    try:
        with command_errors(f"c4py {verb}", error_code):
            code = _run(verb, given)
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            return fail(f"c4py {verb}: standard output: {reason(error)}", error_code)
    except CommandError as error:
        return fail(str(error), error.code)
    except KeyboardInterrupt:
        return fail("c4py: interrupted", 130)
    except BrokenPipeError:
        # Whoever read the output has enough.
        return 141
    finally:
        _end_output()
    return code


def _run(verb: str, arguments: list[str]) -> int:
    if verb in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return 0
    if verb not in VERBS:
        raise CommandError(f"unknown verb {verb!r}\n{USAGE}" if verb else USAGE)
    from importlib import import_module

    code: int = import_module(f"c4py.cli.{verb}").run(arguments)
    return code


def _open_streams() -> None:
    """Let the streams take any text, and give those that the caller closed a descriptor on which all fails.

    A character that the encoding lacks is written as an escape of Python. Without a descriptor the next file that is
    opened would have the number of the stream. Messages that nobody wants go into nothing.
    """
    for name, flags, mode in (("stdin", os.O_WRONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.open(os.devnull, flags), mode)  # noqa: SIM115 - open until the process ends
            setattr(sys, name, stream)
        # Whoever chose something else by PYTHONIOENCODING gets that.
        if mode == "w" and isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def _end_output() -> None:
    """Let what cannot be written go into nothing: at exit Python writes it once more, and complains."""
    try:
        sys.stdout.flush()
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def describe(error: OSError) -> str:
    """Say what is wrong and with which file, as Python does, without the number."""
    name = f"{visible(os.fsdecode(error.filename))}: " if isinstance(error.filename, (str, bytes)) else ""
    return f"{name}{reason(error)}"


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
        raise CommandError(f"{command}: {describe(error)}", code) from None
    except (C4Error, ValueError) as error:
        raise CommandError(f"{command}: {visible(str(error), is_escaped=True)}", code) from None


def reason(error: OSError) -> str:
    """Say what is wrong as Python does, without the number and the path."""
    return error.strerror or visible(str(error), is_escaped=True)


def fail(message: str, code: int) -> int:
    """Print a message for the user and give back the exit code."""
    print(message.rstrip("\n"), file=sys.stderr)
    return code

"""The command `c4py`.

One module a verb, imported when the verb is used; each is thin over the library. Results go to stdout, messages to
stderr. Exit codes: 0 done; 1 an error, wrong usage too; 3 some files could not be read; 4 content of a store is not
that of its ID; 130 interrupted. `dupes`, `ingest`, `pool`, `store`, `verify` and `workspace` are no verbs of the
family's other command: there 1 is a finding as well, and wrong usage is 2.
"""

from __future__ import annotations

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


class CommandError(Exception):
    """A message for the user; the command ends with its exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    verb = given.pop(0) if given else ""
    try:
        if verb in ("-h", "--help", "help"):
            sys.stdout.write(USAGE)
            return 0
        if verb not in VERBS:
            raise CommandError(f"unknown verb {verb!r}\n{USAGE}" if verb else USAGE)
        from importlib import import_module

        with command_errors(f"c4py {verb}"):
            code: int = import_module(f"c4py.cli.{verb}").run(given)
            sys.stdout.flush()
    except CommandError as error:
        return fail(str(error), error.code)
    except KeyboardInterrupt:
        return fail("c4py: interrupted", 130)
    except BrokenPipeError:
        # Whoever read the output has enough. Python flushes once more at exit: into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


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
        name = f"{visible(os.fsdecode(error.filename))}: " if isinstance(error.filename, (str, bytes)) else ""
        code = 4 if isinstance(error, StoreCorrupt) else code
        raise CommandError(f"{command}: {name}{reason(error)}", code) from None
    except (C4Error, ValueError) as error:
        raise CommandError(f"{command}: {visible(str(error), is_escaped=True)}", code) from None


def reason(error: OSError) -> str:
    """Say what is wrong as Python does, without the number and the path."""
    return error.strerror or visible(str(error), is_escaped=True)


def fail(message: str, code: int) -> int:
    """Print a message for the user and give back the exit code."""
    print(message.rstrip("\n"), file=sys.stderr)
    return code

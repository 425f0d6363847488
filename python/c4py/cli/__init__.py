"""The command `c4py`.

One module a verb, imported when the verb is used; each is thin over the library. Results go to stdout, messages to
stderr. Exit codes: 0 done; 1 an error, wrong usage too; 3 some files could not be read; 4 content of a store is not
that of its ID; 130 interrupted. `store`, `pool`, `ingest` and `workspace` are no verbs of the family's other command:
there 1 is a finding as well, and wrong usage is 2.
"""

from __future__ import annotations

import os
import sys

from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Verbs and what they do.
VERBS = {
    "cat": "print the content of an ID, or a manifest",
    "id": "print the c4m entries, or the bare IDs, of files and directories",
    "ingest": "take a bundle in: its content and its manifests",
    "pool": "bundle a manifest with all content that it needs",
    "store": "make, list, check and clean the content store",
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
        if verb == "id":
            from c4py.cli.id import run
        elif verb == "cat":
            from c4py.cli.cat import run
        elif verb == "ingest":
            from c4py.cli.ingest import run
        elif verb == "pool":
            from c4py.cli.pool import run
        elif verb == "store":
            from c4py.cli.store import run
        elif verb == "workspace":
            from c4py.cli.workspace import run
        else:
            from c4py.cli.version import run
        code = run(given)
        sys.stdout.flush()
    except CommandError as error:
        return fail(str(error), error.code)
    except KeyboardInterrupt:
        return fail("c4py: interrupted", 130)
    except BrokenPipeError:
        # Whoever read the output has enough. Python flushes once more at exit: into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        name = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
        return fail(f"c4py {verb}: {visible(name)}{error.strerror or error}", 4 if is_corrupt(error) else 1)
    except ValueError as error:
        return fail(f"c4py {verb}: {visible(str(error), is_escaped=True)}", 1)
    return code


def is_corrupt(error: OSError) -> bool:
    """Say whether content of a store was not that of its ID."""
    from c4py.errors import StoreCorrupt

    return isinstance(error, StoreCorrupt)


def fail(message: str, code: int) -> int:
    """Print a message for the user and give back the exit code."""
    print(message.rstrip("\n"), file=sys.stderr)
    return code

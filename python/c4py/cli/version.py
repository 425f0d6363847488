"""`c4py version`."""

from __future__ import annotations

from c4py import __version__
from c4py.cli import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Print the version."""
    if arguments:
        raise CommandError("usage: c4py version")
    print(f"c4py {__version__}")
    return 0

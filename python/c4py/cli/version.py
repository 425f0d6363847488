"""`c4py version`."""

from __future__ import annotations

import sys

from c4py import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from c4py.cli.parser import Parser

EPILOG = """\
examples:
  c4py version                            the version
  c4py version --json | jq -r .version    for a script

exit codes: 0 done, 1 wrong usage
"""


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    from c4py.cli.parser import Parser

    parser = Parser(prog="c4py version", description="Print the version.", epilog=EPILOG)
    parser.add_json()
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the version."""
    if not arguments:
        # The quickest of the verbs: it needs no parser.
        print(f"c4py {__version__}")
        return 0
    build_parser().parse_args(arguments)
    import json
    import platform

    told = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform}/{platform.machine()}",
    }
    print(json.dumps(told))
    return 0

"""`c4py intersect`: what two trees have in common, by content or by path."""

from __future__ import annotations

import sys

import c4py
from c4py._rust import dumps_bytes
from c4py.cli.parser import Parser, run_action, scan_mode
from c4py.cli.terminal import shown_progress
from c4py.cli.tree import read_trees, refuse_output_over, refuse_two_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from c4py.cli.parser import Action

EPILOG_END = """
What is printed are entries of B, below the directories that lead to them; of those only the names. A tree is a
directory, a manifest (.c4m), or - for a manifest on standard input.

exit codes: 0 done, also where nothing is in both; 1 an error; 3 some files could not be read; 130 interrupted
"""

ID_EPILOG = f"""\
examples:
  c4py intersect id delivered.c4m shots/      what of shots/ was delivered, whatever it was called
  c4py intersect id a.c4m b.c4m | c4py paths  its paths in b.c4m
  c4py intersect id --json a.c4m b.c4m | jq '.entries | length'
{EPILOG_END}"""

PATH_EPILOG = f"""\
examples:
  c4py intersect path monday.c4m shots/       what of shots/ was there on Monday, whatever is in it now
  c4py id a/ | c4py intersect path - b/       paths that two directories have in common
{EPILOG_END}"""


def build_actions() -> dict[str, Action]:
    """Give the actions by name, each with what it does, the parser of its arguments, and its function."""
    return {
        "id": ("print the files of B whose content is in A as well", _id_parser, _print_by_id),
        "path": ("print the files of B whose path is in A as well", _path_parser, _print_by_path),
    }


def run(arguments: Sequence[str]) -> int:
    """Print what two trees have in common."""
    return run_action("intersect", build_actions(), arguments, usage_code=1)


def _id_parser() -> Parser:
    return _parser("id", "Print the files of B whose content is in A as well, wherever they are.", ID_EPILOG)


def _path_parser() -> Parser:
    parser = _parser("path", "Print the files of B whose path is in A as well, whatever they hold.", PATH_EPILOG)
    parser.add_argument("-m", "--mode", type=scan_mode, default="full", help="how a directory is scanned, as in id")
    return parser


def _parser(action: str, description: str, epilog: str) -> Parser:
    parser = Parser(
        prog=f"c4py intersect {action}",
        usage="%(prog)s [flags] TREE TREE",
        description=description,
        epilog=epilog,
    )
    parser.add_argument("tree", nargs="*", metavar="TREE", help="A, then B")
    parser.add_argument("-e", "--ergonomic", action="store_true", help="print the form for people; not to be kept")
    parser.add_json()
    parser.add_quiet()
    return parser


def _print_by_id(parser: Parser, arguments: list[str]) -> int:
    return _print(parser, arguments, "id")


def _print_by_path(parser: Parser, arguments: list[str]) -> int:
    return _print(parser, arguments, "path")


def _print(parser: Parser, arguments: list[str], by: Literal["id", "path"]) -> int:
    options = parser.parse_mixed(arguments, "tree")
    if len(options.tree) != 2:
        parser.refuse("two trees are expected, A and B")
    verb = f"intersect {by}"
    refuse_two_streams(verb, options.tree)
    refuse_output_over(verb, options.tree)
    # What has no ID is nothing's content.
    mode: Literal["structure", "metadata", "full"] = "full" if by == "id" else options.mode
    read = read_trees(verb, options.tree, is_printed=True, mode=mode, progress=shown_progress(options))
    (a, a_code), (b, b_code) = read
    manifest = c4py.intersect(a, b, by=by)
    if options.json:
        from c4py._json import write_manifest

        write_manifest(manifest, sys.stdout.write, errors=[*a.errors, *([] if a is b else b.errors)])
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(dumps_bytes(manifest, pretty=options.ergonomic))
    return max(a_code, b_code)

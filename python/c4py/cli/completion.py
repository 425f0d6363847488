"""`c4py completion`: what makes a shell complete the arguments of the command.

The script is text that has all verbs, actions, flags and kinds of values in it, made from the parsers of the verbs:
pressing the key starts no Python. argcomplete does that at every key press. shtab writes such scripts for bash and zsh,
but none for fish, and it knows one command with subparsers, where each verb here has a parser of its own. Either would
be the only dependency of the base install.
"""

from __future__ import annotations

import sys
from importlib import import_module

from c4py.cli.parser import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
Where each shell looks for the script (mkdir -p makes the directory):

  bash  ~/.local/share/bash-completion/completions/c4py
        with the package bash-completion; without it any file, which ~/.bashrc
        reads: . FILE
  zsh   ~/.zfunc/_c4py
        or another directory of $fpath; in ~/.zshrc:
        fpath+=~/.zfunc; autoload -U compinit; compinit
  fish  ~/.config/fish/completions/c4py.fish
        written there and not sourced: else fish adds flags that it reads in
        the manual page, those of all verbs

The next shell that is started completes. Write the script again when c4py was updated. Where c4py is installed below
/usr or /usr/local, the shells find the script of the package.

examples:
  c4py completion bash > ~/.local/share/bash-completion/completions/c4py
  c4py completion zsh > ~/.zfunc/_c4py
  c4py completion fish > ~/.config/fish/completions/c4py.fish
                                    for every shell to come
  source <(c4py completion bash)    for this bash alone

exit codes: 0 done, 1 wrong usage
"""

SHELLS = ("bash", "zsh", "fish")


def build_parser() -> Parser:
    """Make the parser of the verb's arguments."""
    parser = Parser(
        prog="c4py completion",
        description="Print the script that makes a shell complete verbs, flags and files after c4py.",
        epilog=EPILOG,
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the script for a shell."""
    options = build_parser().parse_args(arguments)
    sys.stdout.write(script(options.shell))
    return 0


def script(shell: str) -> str:
    """Write the completion script for a shell, one of SHELLS."""
    from c4py.cli.grammar import all_verbs

    text: str = import_module(f"c4py.cli.shells.{shell}").script(all_verbs())
    return text

"""Completes command lines in real shells: bash and zsh as a user types, fish by its own question.

In a terminal the command is a function that writes its arguments down, so that what a line means after the key was
pressed is what is compared, not what a screen shows.
"""

from __future__ import annotations

import os
import pty
import select
import shlex
import subprocess
import time
from pathlib import Path

from c4py.cli.completion import script

#: Seconds in which a shell has answered.
PATIENCE = 30

#: Options that keep the shells from reading what the user has.
STARTED = {"bash": ["bash", "--noprofile", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}

#: What is typed first: the prompt is one word, and completion is that of the script alone.
PREPARED = {
    "bash": "PS1='ready> '; bind 'set enable-bracketed-paste off'; . ~/script",
    "zsh": "PS1='ready> '; unset zle_bracketed_paste; setopt no_list_beep no_auto_remove_slash;"
    " autoload -U compinit; compinit -u -d ~/dump;"
    " bindkey '^I' complete-word; . ~/script",
}


def _beside(directory: Path, shell: str) -> Path:
    """Make a directory for the script and what a shell writes, which is not completed."""
    beside = directory.parent / f"{directory.name}-{shell}"
    beside.mkdir(exist_ok=True)
    (beside / "script").write_text(script(shell))
    return beside


def offered_by_bash(line: str, directory: Path) -> list[str]:
    """Give what bash offers at the end of a line: the words that its completion function has found."""
    source = shlex.quote(str(_beside(directory, "bash") / "script"))
    # The words as readline breaks them; what the line ends with is the last, and may be empty.
    code = (
        f". {source}; COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}};"
        " COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:';"
        f' COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _c4py; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-uc", code, "bash", *_broken(line)],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert done.stderr == ""
    return sorted(filter(None, done.stdout.splitlines()))


def _broken(line: str) -> list[str]:
    words: list[str] = []
    for word in line.split(" "):
        parts = word.replace("=", " = ").replace(":", " : ").split()
        words += parts or [""]
    return words


def offered_by_fish(line: str, directory: Path) -> list[str]:
    """Give what fish offers at the end of a line."""
    home = _beside(directory, "fish")
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {home}/script; complete -C {shlex.quote(line)}"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
        env=os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)},
    )
    assert done.stderr == ""
    return sorted(offered.split("\t")[0] for offered in done.stdout.splitlines())


class Shell:
    """A shell in a terminal, in a directory, that completes by the script."""

    def __init__(self, name: str, directory: Path) -> None:
        self.directory = directory
        self.beside = _beside(directory, name)
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(directory)
            os.execvpe(
                STARTED[name][0],
                STARTED[name],
                os.environ | {"TERM": "xterm", "HOME": str(self.beside), "COLUMNS": "200"},
            )
        self._type(f"{PREPARED[name]}; c4py() {{ printf '%s\\n' \"$@\" > ~/answer.new; mv ~/answer.new ~/answer; }}\n")
        # Nothing is typed before the script is read: what completes would be the shell's own.
        self._type(": > ~/started\n")
        self._wait(self.beside / "started")

    def completed(self, line: str) -> list[str]:
        """Type a line, press the key, and give the arguments that the command gets."""
        answer = self.beside / "answer"
        answer.unlink(missing_ok=True)
        self._type(f"{line}\t")
        # A shell that is still listing would take the end of the line for an answer.
        self._quiet()
        self._type("\n")
        self._wait(answer)
        return answer.read_text().splitlines()

    def close(self) -> None:
        """End the shell."""
        os.close(self.terminal)
        os.waitpid(self.child, 0)

    def _type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def _wait(self, path: Path) -> None:
        until = time.monotonic() + PATIENCE
        while not path.exists():
            assert time.monotonic() < until, f"no {path.name}"
            self._read(0.02)

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        return os.read(self.terminal, 65_536) if ready else b""

    def _quiet(self) -> None:
        """Read until nothing has come for a while."""
        while self._read(0.3):
            pass

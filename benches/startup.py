"""Time what starting the command costs beside `python -c pass`, in one run, and print ratios and differences.

    python benches/startup.py [--runs 21]

The interpreter alone and each form of the command take turns, with one unmeasured run of each before. Small files, so
that starting is all there is. The command runs as it is installed, from `sys.prefix`.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import turns

FORMS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import c4py'": [sys.executable, "-c", "import c4py"],
    "c4py version": ["version"],
    "c4py id FILE": ["id", "file"],
    "c4py diff": ["diff", "one.c4m", "two.c4m"],
    "c4py paths": ["paths", "one.c4m"],
    "c4py id --help": ["id", "--help"],
}


def run(arguments: list[str], directory: str) -> None:
    """Run a form to its end."""
    subprocess.run(arguments, cwd=directory, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21, help="measured runs of each (default: 21)")
    args = parser.parse_args()
    command = os.path.join(sys.prefix, "bin", "c4py")
    with tempfile.TemporaryDirectory() as directory:
        for name, text in {"file": "1", "one.c4m": "- - 1 a -\n", "two.c4m": "- - 2 a -\n"}.items():
            (Path(directory) / name).write_text(text)
        forms = {
            name: functools.partial(run, form if form[0] == sys.executable else [command, *form], directory)
            for name, form in FORMS.items()
        }
        seconds = turns.take_turns(forms, args.runs)
    bare = seconds["python -c pass"]
    for name, taken in seconds.items():
        print(f"{name:<26}{taken / bare:6.2f}   {1000 * (taken - bare):+6.1f} ms")


if __name__ == "__main__":
    main()

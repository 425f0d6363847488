"""Time verifying trees beside scanning them and beside other tools that check trees, in one run, and print ratios.

    python benches/verify.py DIRECTORY [--scale 0.1] [--runs 5]

DIRECTORY keeps the trees (benches/trees.py) from one call to the next. A tool that is not on the PATH is left out. The
tools take turns, each with one unmeasured run before; a figure is the median of its runs, with the files in the page
cache and the manifest or list of sums of each tool written before. Only ratios of one run mean anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import c4py
import turns


def sums(name: str, command: str, tree: Path, beside: Path) -> dict[str, Callable[[], None]]:
    """Write the list of sums of a tool that is here, and give what checks it."""
    if shutil.which(command) is None:
        return {}
    listed = beside / f"{tree.name}.{command}"
    with open(listed, "wb") as out:
        script = f"find . -type f -print0 | xargs -0 -n5000 {command}"
        subprocess.run(["bash", "-c", script], cwd=tree, stdout=out, check=True)

    def check() -> None:
        subprocess.run([command, "--check", "--quiet", str(listed)], cwd=tree, check=True)

    return {name: check}


def snapdir(tree: Path, beside: Path) -> dict[str, Callable[[], None]]:
    """Keep the ID that snapdir gives a tree, and give what finds out whether it still has it."""
    if shutil.which("snapdir") is None:
        return {}

    def identify() -> bytes:
        environment = {**os.environ, "SNAPDIR_CACHE": str(beside / "snapdir")}
        done = subprocess.run(["snapdir", "id", str(tree)], env=environment, capture_output=True, check=True)
        return done.stdout

    expected = identify()

    def check() -> None:
        if identify() != expected:
            raise SystemExit("snapdir: another ID")

    return {"snapdir id (BLAKE3)": check}


def ours(tree: Path) -> dict[str, Callable[[], None]]:
    """Give scans and verifications."""
    manifest = c4py.scan(tree)

    def scan(mode: Literal["full", "metadata"]) -> Callable[[], None]:
        def act() -> None:
            c4py.scan(tree, mode=mode)

        return act

    def verify(**options: bool) -> Callable[[], None]:
        return lambda: c4py.verify_tree(manifest, tree, **options).raise_if_failed()  # type: ignore[arg-type]

    def listed() -> None:
        assert len(c4py.verify_tree(manifest, tree).ok) == len(manifest)

    return {
        "scan": scan("full"),
        "verify_tree": verify(),
        "verify_tree, ok listed": listed,
        "verify_tree, metadata": verify(metadata=True),
        "verify_tree, on_result": lambda: c4py.verify_tree(manifest, tree, on_result=lambda *_: None).raise_if_failed(),
        "scan, metadata": scan("metadata"),
        "verify_tree, quick": verify(quick=True),
    }


def main() -> None:
    """Measure what the command line asks for."""
    args = turns.parser(__doc__, default_trees=["frames", "small"]).parse_args()
    directory = Path(args.directory)
    for name, tree in turns.trees_of(args):
        actions = ours(tree)
        actions |= sums("sha512sum --check", "sha512sum", tree, directory)
        actions |= sums("b3sum --check (BLAKE3)", "b3sum", tree, directory)
        actions |= snapdir(tree, directory)
        seconds = turns.take_turns(actions, args.runs)
        print(f"\n{name}\n{'':24} {'seconds':>9} {'scan x':>8}")
        for action, taken in seconds.items():
            print(f"{action:24} {taken:9.3f} {taken / seconds['scan']:8.2f}", flush=True)


if __name__ == "__main__":
    main()

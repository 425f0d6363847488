"""Time rescans of unchanged trees beside a metadata scan, in one run, and print ratios.

    python benches/rescans.py DIRECTORY [--scale 0.1] [--runs 7]

DIRECTORY keeps the trees (benches/trees.py) from one call to the next. A metadata scan, a full one, one with a cache
that knows every file, and one with a guide take turns, each with one unmeasured run before; a figure is the median of
its runs, with the tree in the page cache. Bytes are what the process read in one run more, its own cache included
(Linux).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import c4py
import turns


def bytes_read() -> int:
    """Say how many bytes this process has read from files; 0 where the system does not say."""
    try:
        text = Path("/proc/self/io").read_text()
    except OSError:
        return 0
    return int(text.split()[1])


def bytes_read_by(action: Callable[[], object]) -> int:
    """Run an action once and say how many bytes it read."""
    before = bytes_read()
    action()
    return bytes_read() - before


def main() -> None:
    """Measure what the command line asks for."""
    args = turns.parser(__doc__, default_trees=["small", "frames"], runs=7).parse_args()
    cache = Path(args.directory) / "cache"
    for name, tree in turns.trees_of(args):
        time.sleep(2.1)  # a file that was written just now is hashed again
        shutil.rmtree(cache, ignore_errors=True)
        guide = c4py.scan(tree, cache=cache)
        actions: dict[str, Callable[[], object]] = {
            "metadata": lambda tree=tree: c4py.scan(tree, mode="metadata"),  # type: ignore[misc]
            "full": lambda tree=tree: c4py.scan(tree),  # type: ignore[misc]
            "with a cache": lambda tree=tree: c4py.scan(tree, cache=cache),  # type: ignore[misc]
            "with a guide": lambda tree=tree, guide=guide: c4py.scan(tree, guide=guide),  # type: ignore[misc]
        }
        results = turns.take_turns(actions, args.runs)
        base = results["metadata"]
        print(f"\n{name}: {len(guide):,} entries\n{'':16} {'seconds':>9} {'ratio':>7} {'bytes read':>15}")
        for label, seconds in results.items():
            read = bytes_read_by(actions[label])
            print(f"{label:16} {seconds:9.3f} {seconds / base:7.2f} {read:15,}", flush=True)


if __name__ == "__main__":
    main()

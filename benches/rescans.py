"""Time rescans of unchanged trees beside a metadata scan, in one run, and print ratios.

    python benches/rescans.py DIRECTORY [--scale 0.1] [--runs 7]

DIRECTORY keeps the trees (benches/trees.py) from one call to the next. A metadata scan, a full one, one with a cache
that knows every file, and one with a guide take turns, each with one unmeasured run before; a figure is the median of
its runs, with the tree in the page cache. Bytes are what the process read in one run, its own cache included (Linux).
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import c4py
import trees


def bytes_read() -> int:
    """Say how many bytes this process has read from files; 0 where the system does not say."""
    try:
        text = Path("/proc/self/io").read_text()
    except OSError:
        return 0
    return int(text.split()[1])


def measure(actions: dict[str, Callable[[], object]], runs: int) -> dict[str, tuple[float, int]]:
    """Let actions take turns: the median time of each, and the bytes that its last run read."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    read = dict.fromkeys(actions, 0)
    for turn in range(runs + 1):
        for name, action in actions.items():
            before = bytes_read()
            start = time.perf_counter()
            action()
            if turn:
                times[name].append(time.perf_counter() - start)
            read[name] = bytes_read() - before
    return {name: (statistics.median(seconds), read[name]) for name, seconds in times.items()}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="where the trees are")
    parser.add_argument("--trees", nargs="+", choices=trees.TREES, default=["small", "frames"])
    parser.add_argument("--scale", type=float, default=1.0, help="how many of the files (default: 1)")
    parser.add_argument("--runs", type=int, default=7, help="measured runs of each (default: 7)")
    args = parser.parse_args()
    directory = Path(args.directory)
    cache = directory / "cache"
    for name in args.trees:
        tree = trees.write(name, directory / f"{name}-{args.scale}", args.scale)
        time.sleep(2.1)  # a file that was written just now is hashed again
        shutil.rmtree(cache, ignore_errors=True)
        guide = c4py.scan(tree, cache=cache)
        actions: dict[str, Callable[[], object]] = {
            "metadata": lambda tree=tree: c4py.scan(tree, mode="metadata"),  # type: ignore[misc]
            "full": lambda tree=tree: c4py.scan(tree),  # type: ignore[misc]
            "with a cache": lambda tree=tree: c4py.scan(tree, cache=cache),  # type: ignore[misc]
            "with a guide": lambda tree=tree, guide=guide: c4py.scan(tree, guide=guide),  # type: ignore[misc]
        }
        results = measure(actions, args.runs)
        base = results["metadata"][0]
        print(f"\n{name}: {len(guide):,} entries\n{'':16} {'seconds':>9} {'ratio':>7} {'bytes read':>15}")
        for label, (seconds, read) in results.items():
            print(f"{label:16} {seconds:9.3f} {seconds / base:7.2f} {read:15,}", flush=True)


if __name__ == "__main__":
    main()

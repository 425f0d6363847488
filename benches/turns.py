"""What the benchmarks on trees share: their arguments, and actions that take turns.

A machine gets slower and faster while a benchmark runs. Actions that take turns meet the same changes, so that their
ratios hold where the seconds do not.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import trees


def parser(description: str | None, *, default_trees: list[str], runs: int = 5) -> argparse.ArgumentParser:
    """Make a parser with the arguments that all have: where trees are, which, how large, and how often."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("directory", help="where the trees are")
    made.add_argument("--trees", nargs="+", choices=trees.TREES, default=default_trees)
    made.add_argument("--scale", type=float, default=1.0, help="how many of the files (default: 1)")
    made.add_argument("--runs", type=int, default=runs, help=f"measured runs of each (default: {runs})")
    return made


def trees_of(args: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Write the trees that the arguments name, one after the other, unless they are there: names and roots."""
    for name in args.trees:
        yield name, trees.write(name, Path(args.directory) / f"{name}-{args.scale}", args.scale)


def seconds_of(action: Callable[[], object]) -> float:
    """Time an action once."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def medians(timers: Mapping[str, Callable[[], float]], runs: int) -> dict[str, float]:
    """Let timers take turns, each with one unmeasured run before; the median of what each says, in seconds."""
    times: dict[str, list[float]] = {name: [] for name in timers}
    for turn in range(runs + 1):
        for name, timer in timers.items():
            seconds = timer()
            if turn:
                times[name].append(seconds)
    return {name: statistics.median(taken) for name, taken in times.items()}


def take_turns(actions: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Time actions in turns, each with one unmeasured run before; the median of each, in seconds."""
    return medians({name: functools.partial(seconds_of, action) for name, action in actions.items()}, runs)

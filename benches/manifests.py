"""Time what is done with manifests of 100,000 to ten million entries: does the cost grow as the entries do?

    python benches/manifests.py DIRECTORY [--sizes 100000,1000000,10000000] [--runs 5] [--peer ENV/bin/python]
                                          [--plot manifests.png]

DIRECTORY keeps the texts from one call to the next; they need 310 bytes of disk an entry, a run about 1 KB of memory.
Every size has a process of its own, which does everything once a run, on manifests that it loads anew; no call finds
what an earlier one remembered of a manifest. A figure is the median of the runs after an unmeasured one. A peer, an
interpreter that has c4py 1.0.20, takes turns with ours at the smallest size. Only ratios of one run mean anything.
Needs pyarrow, and Linux for the memory.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import c4py

#: Entries of a sequence, directories included; a size is a multiple of it.
SEQUENCE = 1000
#: From this size on there are three runs at most, and none before them.
LARGE = 10_000_000

#: Entries for which the Go package was measured.
GO_ENTRIES = 1_000_000
#: Seconds of the Go package and of c4py 1.0.20 (ten times 100,000 entries) on one other machine, and the goal: how many
#: times as fast as the Go package.
GO = {"load": (3.5, 20, 15), "dump": (6.1, 40, 20), "ID": (0.84, 30, 10), "patch_diff": (6.7, 40, 20)}

#: Names in canonical order; what a directory holds, None for a file.
Tree: TypeAlias = dict[str, "Tree | None"]
#: Seconds of an operation, or bytes an entry.
Figures: TypeAlias = dict[str, float]

MEMORY = {
    "text": "text",
    "columns": "manifest (`__sizeof__`), less names",
    "resident": "resident after load",
    "peak": "most while loading",
}

STAMPS = [f"2025-{1 + day % 12:02}-{1 + day % 28:02}T{hour:02}:30:00Z" for day in range(84) for hour in range(24)]


def _numbered(stem: str, suffix: str, count: int) -> Tree:
    return {f"{stem}.{1001 + number}.{suffix}": None for number in range(count)}


def _sequence() -> Tree:
    """Give what every sequence holds: 99 directories, down to three levels, and 900 files."""
    assets = ("bridge", "car", "crowd", "dog", "house", "road", "tower", "tree")
    passes = ("beauty", "depth", "diffuse", "normal", "specular")
    shot: Tree = {
        "shot.usd": None,
        "cache/": _numbered("smoke", "bgeo.sc", 10),
        "plates/": _numbered("plate", "exr", 5),
        "render/": {f"{name}/": _numbered(name, "exr", 14) for name in passes},
    }
    textures: Tree = {f"{name}/": _numbered(f"{name}_diffuse", "tx", 5) for name in assets}
    return {"assets/": textures, **{f"sh{10 * number:03}/": shot for number in range(1, 11)}}


class Item(NamedTuple):
    """An entry, and the text of what is below it."""

    mode: str
    time: str
    size: int
    name: str
    c4id: c4py.C4ID
    below: str = ""

    def line(self) -> str:
        return f"{self.mode} {self.time} {self.size} {self.name} {self.c4id}\n"


def _file(name: str, number: int, *, changed: bool) -> Iterator[Item]:
    """Give a file; in the changed copy one in 500 is edited, is gone, or has a new one beside it."""
    stamp = STAMPS[number % len(STAMPS)]
    size = 1_000_000 + number * 7919 % 9_000_000
    change = number // 500 % 3 if changed and number % 500 == 250 else None
    if change == 0:
        yield Item("-rw-r--r--", stamp, size + 1, name, c4py.identify_bytes(b"%d edited" % number))
    elif change != 1:
        yield Item("-rw-r--r--", stamp, size, name, c4py.identify_bytes(b"%d" % number))
    if change == 2:
        yield Item("-rw-r--r--", stamp, size, f"{name}.tmp", c4py.identify_bytes(b"%d new" % number))


def _directory(name: str, tree: Tree, depth: int, numbers: Iterator[int], *, changed: bool) -> Item:
    """Give a directory with the size and the ID that the format defines for it."""
    lines: list[str] = []
    text: list[str] = []
    newest, size = "", 0
    for member, below in tree.items():
        if below is None:
            items = _file(member, next(numbers), changed=changed)
        else:
            items = iter([_directory(member, below, depth + 1, numbers, changed=changed)])
        for item in items:
            line = item.line()
            lines.append(line)
            text += "  " * (depth + 1), line, item.below
            newest = max(newest, item.time)
            size += item.size
    one_level = "".join(lines).encode()
    c4id = c4py.identify_bytes(one_level)
    return Item("drwxr-xr-x", newest, size + len(one_level), name, c4id, "".join(text))


def sequence(number: int, *, changed: bool = False) -> str:
    """Give the text of a sequence, with every ID and size as a scan would find it."""
    numbers = itertools.count(number * SEQUENCE)
    item = _directory(f"sq{number:05}/", _sequence(), 0, numbers, changed=changed)
    return item.line() + item.below


def text(entries: int, *, changed: bool = False) -> str:
    """Give a manifest, or its changed copy."""
    return "".join(sequence(number, changed=changed) for number in range(entries // SEQUENCE))


def write(directory: Path, entries: int, *, changed: bool = False) -> Path:
    """Write one text, unless it is there already."""
    path = directory / f"{entries}{'-changed' if changed else ''}.c4m"
    if not path.exists():
        beside = path.with_suffix(".tmp")
        with multiprocessing.Pool() as pool, open(beside, "w") as file:
            one = functools.partial(sequence, changed=changed)
            file.writelines(pool.imap(one, range(entries // SEQUENCE), chunksize=16))
        beside.rename(path)
    return path


def texts(directory: Path, entries: int) -> tuple[Path, Path]:
    """Write a manifest and its changed copy, unless they are there already."""
    return write(directory, entries), write(directory, entries, changed=True)


def shuffled(manifest: c4py.Manifest) -> c4py.Manifest:
    """Give the same tree with all siblings in another order, directories still before what is in them."""
    draw = random.Random("siblings")
    paths = [path.split("/") for path, _ in itertools.islice(manifest.flat_entries(), SEQUENCE)]
    draws = {tuple(path): draw.random() for path in paths}
    keys = [[draws[tuple(path[: depth + 1])] for depth in range(len(path))] for path in paths]
    within = sorted(range(SEQUENCE), key=keys.__getitem__)
    starts = list(range(0, len(manifest), SEQUENCE))
    draw.shuffle(starts)
    order = [start + place for start in starts for place in within]
    if not hasattr(manifest, "to_arrow"):  # c4py 1.0.20, whose entries are a list
        return c4py.Manifest([manifest.entries[place] for place in order])
    table = manifest.to_arrow().select(["name", "type", "mode", "mtime", "size", "c4id", "depth"])
    return c4py.Manifest.from_arrow(table.take(order))


def forget(manifest: c4py.Manifest) -> None:
    """Drop what the manifest remembers of its tree from one call to the next."""
    manifest.entries[0].depth = manifest.entries[0].depth


def memory_bytes(field: str) -> int:
    """Give what this process has (VmRSS), or had at most (VmHWM): getrusage counts what its parent had, too."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))


def timed(call: Callable[[], object]) -> float:
    """Call once; seconds, what is returned not freed yet."""
    start = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - start
    del result
    return seconds


def measure_memory(path: Path) -> Figures:
    """Load once, in a process that has done little else; bytes an entry."""
    before = memory_bytes("VmRSS")
    manifest = c4py.load(str(path))
    entries = len(manifest)
    figures = {
        "text": os.path.getsize(path) / entries,
        "resident": (memory_bytes("VmRSS") - before) / entries,
        "peak": (memory_bytes("VmHWM") - before) / entries,
    }
    if hasattr(manifest, "to_arrow"):  # the size of c4py 1.0.20's is that of the object alone
        names = sum(len(entry.name) for entry in itertools.islice(manifest, SEQUENCE)) / SEQUENCE
        figures["columns"] = manifest.__sizeof__() / entries - names
    return figures


def measure_times(old_path: Path, new_path: Path) -> Figures:
    """Do everything once; seconds."""
    start = time.perf_counter()
    old = c4py.load(str(old_path))
    figures = {"load": time.perf_counter() - start}
    unsorted = shuffled(old)
    figures["sort"] = timed(unsorted.sort_entries)
    if list(itertools.islice(unsorted, SEQUENCE)) != list(itertools.islice(old, SEQUENCE)):
        raise SystemExit("sorting gave another order")
    del unsorted
    new = c4py.load(str(new_path))
    calls: dict[str, Callable[[], object]] = {
        "dump": lambda: c4py.dumps(old),
        "ID": old.compute_c4id,
        "diff": lambda: c4py.diff(old, new),
        "patch_diff": lambda: c4py.patch_diff(old, new),
        "merge": lambda: c4py.merge(old, old, new),
        "validate": lambda: c4py.validate(old),
    }
    if hasattr(old, "to_arrow"):  # not in c4py 1.0.20
        calls |= {"fold": old.with_sequences, "Arrow": old.to_arrow}
    for name, call in calls.items():
        forget(old)
        forget(new)
        figures[name] = timed(call)
    return figures


class Worker:
    """A process that measures one size."""

    def __init__(self, python: str, directory: Path, entries: int) -> None:
        command = [python, __file__, str(directory), "--sizes", str(entries), "--worker"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.memory = self._answer()
        self.runs: list[Figures] = []

    def _answer(self) -> Figures:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args!r}: exit code {self.process.wait()}")
        figures: Figures = json.loads(line)
        return figures

    def run(self) -> Figures:
        assert self.process.stdin is not None
        self.process.stdin.write("run\n")
        return self._answer()

    def finish(self) -> Figures:
        self.process.communicate()
        return self.memory | {name: statistics.median(run[name] for run in self.runs) for name in self.runs[0]}


def work(directory: Path, entries: int) -> None:
    """Be a worker: memory first, then a run for every line of the standard input."""
    small, full = texts(directory, SEQUENCE), texts(directory, entries)
    c4py.load(str(small[0]))
    print(json.dumps(measure_memory(full[0])), flush=True)
    measure_times(*small)
    for _ in sys.stdin:
        print(json.dumps(measure_times(*full)), flush=True)


def measure(pythons: list[str], directory: Path, entries: int, runs: int) -> list[Figures]:
    """Give the medians of interpreters that take turns."""
    workers = [Worker(python, directory, entries) for python in pythons]
    if entries < LARGE:
        for worker in workers:
            worker.run()
    for _ in range(runs if entries < LARGE else min(runs, 3)):
        for worker in workers:
            worker.runs.append(worker.run())
    return [worker.finish() for worker in workers]


def print_table(head: list[str], rows: list[list[str]]) -> None:
    print("\n| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def print_growth(results: dict[int, Figures]) -> None:
    """Print nanoseconds and bytes an entry at every size, and how they grow from the last size but one to the last."""
    sizes = list(results)
    head = [f"{size:,}" for size in sizes]
    growth = [f"{head[-1]} : {head[-2]}"] if len(sizes) > 1 else []
    times: list[list[str]] = []
    memory: list[list[str]] = []
    for name in results[sizes[0]]:
        each = [figures[name] if name in MEMORY else figures[name] / size * 1e9 for size, figures in results.items()]
        row = [MEMORY.get(name, name), *(f"{value:,.0f}" for value in each)]
        row += [f"{each[-1] / each[-2]:.2f}" if each[-2] else "" for _ in growth]
        (memory if name in MEMORY else times).append(row)
    print_table(["ns an entry", *head, *growth], times)
    print_table(["bytes an entry", *head, *growth], memory)


def print_go(results: dict[int, Figures]) -> None:
    """Print seconds beside the Go package's, which were measured on another machine."""
    ours = results.get(GO_ENTRIES)
    rows = [
        [name, *([f"{ours[name]:.3f}"] if ours else []), str(go), f"{go / goal:.3f}"]
        for name, (go, _, goal) in GO.items()
    ]
    head = [f"seconds, {GO_ENTRIES:,} entries", *(["c4py"] if ours else [])]
    print_table([*head, "Go, another machine", "goal on that machine"], rows)


def print_peer(ours: Figures, peer: Figures, entries: int) -> None:
    """Print seconds beside those of c4py 1.0.20 in this run, and the ratio that the goals against Go come to."""
    rows = []
    for name in (name for name in peer if name not in MEMORY):
        go, c4py_1, goal = GO.get(name, (1, 0, 0))
        wanted = f"{goal * c4py_1 / go:.0f}" if goal else ""
        rows.append([name, f"{ours[name]:.4f}", f"{peer[name]:.3f}", f"{peer[name] / ours[name]:.0f}", wanted])
    print_table([f"seconds, {entries:,} entries", "c4py", "c4py 1.0.20", "1.0.20 : c4py", "goal"], rows)


def plot(results: dict[int, Figures], path: str) -> None:
    """Draw the time of every operation over the count of entries."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panel = pyplot.subplots(figsize=(6.4, 4.6))
    sizes = list(results)
    last = results[sizes[-1]]
    for name in sorted((name for name in last if name not in MEMORY), key=last.__getitem__, reverse=True):
        panel.loglog(sizes, [results[size][name] for size in sizes], marker="o", markersize=3, label=name)
    panel.set_title("manifests", fontsize=10)
    panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
    panel.minorticks_off()
    panel.set_xlabel("entries", fontsize=8)
    panel.set_ylabel("seconds", fontsize=8)
    panel.tick_params(labelsize=8)
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def _sizes(text: str) -> list[int]:
    sizes = sorted({int(size) for size in text.split(",")})
    if sizes[0] < SEQUENCE or any(size % SEQUENCE for size in sizes):
        raise argparse.ArgumentTypeError(f"sizes must be multiples of {SEQUENCE}")
    return sizes


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="where the texts are")
    parser.add_argument(
        "--sizes", type=_sizes, default="100000,1000000,10000000", help="entries (default: %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=5, help="runs, at most 3 from ten million on (default: 5)")
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has c4py 1.0.20")
    parser.add_argument("--plot", metavar="PNG", help="draw the times; needs matplotlib")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.directory.mkdir(parents=True, exist_ok=True)
    for size in (SEQUENCE, *args.sizes):
        texts(args.directory, size)
    if args.worker:
        work(args.directory, args.sizes[0])
        return
    smallest, *larger = args.sizes
    first, *peer = measure([sys.executable, *([args.peer] if args.peer else [])], args.directory, smallest, args.runs)
    results = {smallest: first}
    for size in larger:
        (results[size],) = measure([sys.executable], args.directory, size, args.runs)
    print_growth(results)
    if peer:
        print_peer(first, peer[0], smallest)
    print_go(results)
    if args.plot:
        plot(results, args.plot)
        print(f"\n{args.plot}")


if __name__ == "__main__":
    main()

"""Time the command `c4py id` beside other tools that hash trees, in one run, and print ratios.

    python benches/peers.py DIRECTORY [--scale 0.1] [--runs 5] [--plot peers.png] [--c4py-1 ENV/bin/python]

DIRECTORY keeps the trees (benches/trees.py) from one call to the next; they need 12 GB at scale 1. A tool that is not
on the PATH is left out. The tools take turns, each with one unmeasured run before; a figure is the median of its runs,
with the files in the page cache, the manifest included where the tool writes one. Only ratios of one run mean anything.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import turns

#: A tool that takes longer than this, in seconds, runs once.
SLOW = 15.0

HASHLIB = """\
import concurrent.futures, hashlib, os, sys
def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
paths = [os.path.join(folder, file) for folder, _, files in os.walk(sys.argv[1]) for file in files]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    print(*pool.map(digest, paths), sep="\\n")
"""

C4PY_1 = "import c4py, sys; print(c4py.dumps(c4py.scan(sys.argv[1])))"


@dataclass
class Tool:
    """A command that hashes, or lists, the files of a tree."""

    name: str
    #: Its words; the path of the tree is added as the last one.
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def time(self, tree: Path) -> float:
        """Run the command once; seconds."""
        start = time.perf_counter()
        result = subprocess.run(
            [*self.command, str(tree)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **self.environment},
            check=False,
        )
        seconds = time.perf_counter() - start
        if result.returncode != 0:
            raise SystemExit(f"{self.name}: exit code {result.returncode}: {result.stderr.decode().strip()}")
        return seconds


def each_file(name: str, command: str, *, processes: int) -> Tool | None:
    """Give a tool that hashes the files it is given, several to a process."""
    if shutil.which(command.split()[0]) is None:
        return None
    at_once = 32 if processes > 1 else 5000
    script = f'find "$1" -type f -print0 | xargs -0 -P{processes} -n{at_once} {command}'
    return Tool(name, ["bash", "-c", script, "-"])


def ours(c4py: str, *arguments: str, kernel: str | None = None) -> Tool:
    """Give our command, with the fastest SHA-512 kernel or the one that is named."""
    name = " ".join(("c4py id", *arguments))
    if kernel is None:
        return Tool(name, [c4py, "id", *arguments])
    return Tool(f"{name} ({kernel})", [c4py, "id", *arguments], {"C4_SHA512_PLATFORM": kernel})


def hashers(c4py: str, c4py_1: str | None) -> Iterator[Tool]:
    """Give ours first, then every peer that is here."""
    yield ours(c4py)
    for kernel in ("avx512", "avx2", "portable"):
        tool = ours(c4py, kernel=kernel)
        if (
            subprocess.run([c4py, "version"], env={**os.environ, **tool.environment}, capture_output=True).returncode
            == 0
        ):
            yield tool
    cores = os.cpu_count() or 1
    for peer in (
        each_file("sha512sum", "sha512sum", processes=1),
        each_file(f"sha512sum x {cores}", "sha512sum", processes=cores),
        each_file(f"openssl x {cores}", "openssl dgst -sha512", processes=cores),
        each_file("b3sum (BLAKE3)", "b3sum", processes=1),
    ):
        if peer is not None:
            yield peer
    yield Tool("hashlib, threads", [sys.executable, "-c", HASHLIB])
    if shutil.which("snapdir"):
        yield Tool("snapdir (BLAKE3)", ["snapdir", "manifest"])
    if c4py_1:
        yield Tool("c4py 1.0.20", [c4py_1, "-c", C4PY_1])


def listers(c4py: str) -> Iterator[Tool]:
    """Give what reads names and metadata alone."""
    yield ours(c4py, "-m", "m")
    yield Tool("find -printf", ["bash", "-c", "find \"$1\" -printf '%m %T@ %s %p\\n'", "-"])


def measure(tools: list[Tool], tree: Path, runs: int) -> dict[str, float]:
    """Time the tools in turns; the median of each, in seconds."""
    times: dict[str, list[float]] = {tool.name: [] for tool in tools}
    first = {tool.name: tool.time(tree) for tool in tools}
    for _ in range(runs):
        for tool in tools:
            if first[tool.name] < SLOW:
                times[tool.name].append(tool.time(tree))
    return {name: statistics.median(seconds or [first[name]]) for name, seconds in times.items()}


def plot(results: dict[str, dict[str, float]], path: str) -> None:
    """Draw how many times as long as ours every tool takes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(results), figsize=(4.2 * len(results), 4.6), squeeze=False)
    for panel, (tree, seconds) in zip(panels[0], results.items(), strict=True):
        names = list(seconds)[::-1]
        base = next(iter(seconds.values()))
        ratios = [seconds[name] / base for name in names]
        colors = ["#c0392b" if name.startswith("c4py id") else "#7f8c8d" for name in names]
        bars = panel.barh(names, ratios, color=colors)
        panel.bar_label(bars, [f" {ratio:.2f}" for ratio in ratios], fontsize=8)
        if max(ratios) > 3 * min(ratios):
            panel.set_xscale("log")
        panel.margins(x=0.25)
        panel.set_title(f"{tree}: c4py {base:.2f} s", fontsize=10)
        panel.set_xlabel("times as long as c4py", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure what the command line asks for."""
    parser = turns.parser(__doc__, default_trees=["frames", "nested_frames", "small", "large"])
    parser.add_argument("--plot", metavar="PNG", help="draw the ratios; needs matplotlib")
    parser.add_argument(
        "--c4py", default=shutil.which("c4py", path=os.path.dirname(sys.executable)), help="our command"
    )
    parser.add_argument("--c4py-1", metavar="PYTHON", help="an interpreter that has c4py 1.0.20")
    args = parser.parse_args()
    if args.c4py is None:
        parser.error("no c4py beside this Python; name it with --c4py")
    results = {}
    for name, tree in turns.trees_of(args):
        for label, tools in (
            (name, list(hashers(args.c4py, args.c4py_1))),
            (f"{name}, metadata", list(listers(args.c4py))),
        ):
            if label != name and name != "small":
                continue
            results[label] = measure(tools, tree, args.runs)
            base = next(iter(results[label].values()))
            print(f"\n{label}\n{'':24} {'seconds':>9} {'ours x':>8}")
            for tool, seconds in results[label].items():
                print(f"{tool:24} {seconds:9.3f} {seconds / base:8.2f}", flush=True)
    if args.plot:
        plot(results, args.plot)
        print(f"\n{args.plot}")


if __name__ == "__main__":
    main()

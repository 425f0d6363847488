"""Time storing trees and files beside `cp`, in one run, and print ratios.

    python benches/store.py DIRECTORY [--scale 0.1] [--runs 5] [--large BYTES]

DIRECTORY keeps the trees (benches/trees.py) from one call to the next, and each copy for as long as it is measured.
`cp -r SRC DST; sync -f DST` and a scan into a store in the three durabilities take turns, each with one unmeasured run
before; a figure is the median of its runs, with the source in the page cache. Then one file is put, in a process of its
own that says how much memory it took at most (Linux). Only ratios of one run mean anything.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import c4py
import trees
import turns

DURABILITIES = ("full", "batch", "none")

#: The peak that getrusage gives is, after exec, at least that of the process that started this one.
PUT = """\
import sys, time, c4py
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
before = peak()
start = time.perf_counter()
with open(sys.argv[2], "rb") as file:
    c4py.FSStore(sys.argv[1], durability=sys.argv[3]).put(file)
print(time.perf_counter() - start, before / 1024, peak() / 1024)
"""


def copy(source: Path, target: Path) -> None:
    """Copy a tree and wait until the disk has it."""
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    subprocess.run(["sync", "-f", str(target)], check=True)


def scan_into(durability: str) -> Callable[[Path, Path], None]:
    """Give what scans a tree into a new store."""

    def store(source: Path, target: Path) -> None:
        c4py.scan(source, store=c4py.FSStore(target, durability=durability))  # type: ignore[arg-type]

    return store


def seconds_of_copy(action: Callable[[Path, Path], None], source: Path, target: Path) -> float:
    """Time one copy, which is removed before and after; what the disk has to do for others is done before."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["sync", "-f", str(target.parent)], check=True)
    seconds = turns.seconds_of(lambda: action(source, target))
    shutil.rmtree(target)
    return seconds


def read_back(source: Path, target: Path, runs: int) -> dict[str, float]:
    """Time reading all files of a tree, and all its objects from a store, verified and not."""
    store = c4py.FSStore(target, durability="none")
    manifest = c4py.scan(source, store=store)
    files = [
        (source / path, entry.c4id) for path, entry in manifest.flat_entries() if entry.c4id and not entry.is_dir()
    ]

    def plain() -> None:
        for path, _ in files:
            path.read_bytes()

    def objects(*, verify: bool) -> None:
        for _, c4id in files:
            with store.get(c4id, verify=verify) as file:
                while file.read(1 << 20):
                    pass

    actions: dict[str, Callable[[], None]] = {
        "files": plain,
        "get": lambda: objects(verify=False),
        "get, verify": lambda: objects(verify=True),
    }
    medians = turns.take_turns(actions, runs)
    shutil.rmtree(target)
    return medians


def report(title: str, results: dict[str, float], count: int, size: int) -> None:
    """Print figures beside the first of them."""
    base = next(iter(results.values()))
    print(f"\n{title}\n{'':24} {'seconds':>9} {'ratio':>7} {'files/s':>9} {'GB/s':>7}")
    for name, seconds in results.items():
        rates = f"{count / seconds:9.0f} {size / seconds / 1e9:7.3f}"
        print(f"{name:24} {seconds:9.3f} {seconds / base:7.2f} {rates}", flush=True)


def main() -> None:
    """Measure what the command line asks for."""
    parser = turns.parser(__doc__, default_trees=["small", "frames"])
    parser.add_argument(
        "--large", type=int, default=500_000_000, help="bytes of the file that is put (default: 500 MB)"
    )
    args = parser.parse_args()
    directory = Path(args.directory)
    target = directory / "copy"
    actions = {"cp -r; sync -f": copy} | {f"scan, {name}": scan_into(name) for name in DURABILITIES}
    for name, tree in turns.trees_of(args):
        sizes = [path.stat().st_size for path in tree.rglob("*") if path.is_file()]
        timers = {label: functools.partial(seconds_of_copy, action, tree, target) for label, action in actions.items()}
        report(f"{name}: storing", turns.medians(timers, args.runs), len(sizes), sum(sizes))
        report(f"{name}: reading back", read_back(tree, target, args.runs), len(sizes), sum(sizes))

    source = trees.write("large", directory / f"large-{args.large}", args.large / 3_000_000_000) / "plate.mov"
    gigabytes = args.large / 1e9
    print(f"\nputting one file of {gigabytes:.2f} GB")
    print(f"{'':24} {'seconds':>9} {'GB/s':>7} {'peak MiB':>9} {'added MiB':>9}")
    for durability in DURABILITIES:
        command = [sys.executable, "-c", PUT, str(target), str(source), durability]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        seconds, before, peak = map(float, said.split())
        print(f"{durability:24} {seconds:9.3f} {gigabytes / seconds:7.3f} {peak:9.1f} {peak - before:9.1f}")
        shutil.rmtree(target)


if __name__ == "__main__":
    main()

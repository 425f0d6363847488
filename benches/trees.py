"""Write the trees that benchmarks run on: the same names, sizes and bytes on every machine.

    python benches/trees.py frames DIRECTORY [--scale 0.1]

A scale of 1 is the size at which figures are quoted; with a smaller one there are fewer files, of the same sizes.
"""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

MIB = 1024 * 1024

#: Path below the root, and size in bytes.
Files = Iterator[tuple[str, int]]


def frames(scale: float) -> Files:
    """600 frames of 2 to 12 MB in one folder, 4.2 GB."""
    sizes = random.Random("frames")
    for number in range(_count(600, scale)):
        yield f"beauty.{1001 + number:04}.exr", sizes.randint(2_000_000, 12_000_000)


def nested_frames(scale: float) -> Files:
    """The same frames, four levels deep: shot, pass, eye."""
    for number, (name, size) in enumerate(frames(scale)):
        yield f"seq{number // 300:02}/shot{number // 60 % 5:03}/pass{number // 15 % 4}/eye{number % 2}/{name}", size


def small(scale: float) -> Files:
    """120,000 files of 0 to 16 KB, six levels deep, 30 to a folder: 1 GB."""
    sizes = random.Random("small")
    for number in range(_count(120_000, scale)):
        folder, digits = number // 30, []
        for base in (10, 10, 2, 4, 5):
            folder, digit = divmod(folder, base)
            digits.append(digit)
        a, b, c, d, e = digits
        yield f"{e}/{d}/{c}/{b}/{a}/f{number:06}.dat", sizes.randint(0, 16_384)


def large(scale: float) -> Files:
    """One file of 3 GB."""
    yield "plate.mov", round(3_000_000_000 * scale)


def chain(scale: float, depth: int = 12) -> Files:
    """200 files of 4 MiB at the end of a chain of 12 directories."""
    folder = "".join(f"level{level:02}/" for level in range(depth - 1))
    for number in range(_count(200, scale)):
        yield f"{folder}f{number:03}.bin", 4 * MIB


def flat_chain(scale: float) -> Files:
    """The files of the chain, in the root."""
    return chain(scale, depth=1)


def mixed(scale: float) -> Files:
    """A huge file, a hundred frames and 20,000 small files: 1.4 GB."""
    yield "plates/plate.mov", round(500_000_000 * scale)
    yield from ((f"render/{name}", size) for name, size in frames(scale / 6))
    yield from ((f"assets/{name}", size) for name, size in small(scale / 6))


TREES: dict[str, Callable[[float], Files]] = {
    "frames": frames,
    "nested_frames": nested_frames,
    "small": small,
    "large": large,
    "chain": chain,
    "flat_chain": flat_chain,
    "mixed": mixed,
}


def _count(count: int, scale: float) -> int:
    return max(1, round(count * scale))


def write(name: str, root: str | os.PathLike[str], scale: float = 1.0) -> Path:
    """Write a tree, unless it is there already, and return its root."""
    root = Path(root)
    done = root.with_name(f"{root.name}.{scale}.done")
    if done.exists():
        return root
    noise = random.Random("bytes").randbytes(13 * MIB)
    made = set()
    for number, (path, size) in enumerate(TREES[name](scale)):
        folder, _, file = path.rpartition("/")
        if folder not in made:
            (root / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        with open(root / folder / file, "wb", buffering=0) as out:
            out.write(number.to_bytes(8, "little")[: min(8, size)])
            for left in range(size - 8, 0, -12 * MIB):
                out.write(memoryview(noise)[number % 1000 :][: min(left, 12 * MIB)])
        os.utime(root / folder / file, (1_700_000_000, 1_700_000_000))
    done.touch()
    return root


def main() -> None:
    """Write the tree that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about = "; ".join(f"{name}: {tree.__doc__}" for name, tree in TREES.items())
    parser.add_argument("name", choices=TREES, help=about)
    parser.add_argument("directory", help="where the tree is written; made if it is not there")
    parser.add_argument("--scale", type=float, default=1.0, help="how many of the files (default: 1)")
    args = parser.parse_args()
    print(write(args.name, args.directory, args.scale))


if __name__ == "__main__":
    main()

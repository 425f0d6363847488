"""Paths that failed, folded into the numbered sequences that they belong to.

Which files are a sequence is what `Manifest.with_sequences` and `Manifest.missing_frames` say: those of one directory
whose names differ in the last number before the extension.
"""

from __future__ import annotations

from c4py._rust import Entry, Manifest, Sequence, identify_bytes
from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Fewer files are no sequence, as in a scan.
MIN_LENGTH = 3
#: Ranges of a list of frames that are shown.
SHOWN_RANGES = 12

#: A manifest folds no files without an ID; which one does not matter.
_ANY_ID = identify_bytes(b"")


class FrameSequence:
    """A numbered sequence: which frames the manifest has, and which of a sequence failed, by status."""

    __slots__ = ("directory", "expected", "found", "padding", "prefix", "suffix")

    def __init__(self, directory: str, pattern: Sequence, statuses: Mapping[int, str]) -> None:
        """Take the status of each frame, "" for one that did not fail; those that are "extra" the manifest has not."""
        self.directory = directory
        self.prefix = pattern.prefix
        self.suffix = pattern.suffix
        self.padding = pattern.padding
        self.expected = [number for number, status in statuses.items() if status != "extra"]
        self.found: dict[str, list[int]] = {}
        for number, status in statuses.items():
            if status:
                self.found.setdefault(status, []).append(number)

    def name(self) -> str:
        """Write the path with the range of frames that the manifest has; if none, with those that were found."""
        numbers = self.expected or sorted(number for found in self.found.values() for number in found)
        directory = f"{visible(self.directory)}/" if self.directory else ""
        frames = self.frames(numbers).replace(", ", ",")
        return f"{directory}{visible(self.prefix)}[{frames}]{visible(self.suffix)}"

    def frames(self, numbers: list[int]) -> str:
        """Write frames in ascending order as ranges, the first of them if there are many."""
        ranges = _ranges(numbers)
        shown = [
            f"{first:0{self.padding}}" + (f"-{last:0{self.padding}}" if last > first else "")
            for first, last in ranges[:SHOWN_RANGES]
        ]
        if len(ranges) > SHOWN_RANGES:
            more = sum(last - first + 1 for first, last in ranges[SHOWN_RANGES:])
            shown.append(f"… {more:,} more")
        return ", ".join(shown)

    def __str__(self) -> str:
        found = (f"{status.replace('_', ' ')} {self.frames(numbers)}" for status, numbers in self.found.items())
        return f"{self.name()}: {'; '.join(found)}"


def fold(failed: Mapping[str, Iterable[str]], others: Iterable[str]) -> tuple[list[FrameSequence], set[str]]:
    """Find the sequences of the paths that failed; give the sequences, and the paths that are in them.

    failed: paths by status; a path counts once, where it comes first. others: all other paths. Only
    directories in which something failed are looked at; the sequences come in their order.

    >>> from c4py.report.frames import fold
    >>> sequences, _ = fold({"missing": ["a/f.7.exr"]}, [f"a/f.{number}.exr" for number in range(1, 10) if number != 7])
    >>> print(*sequences)
    a/f.[1-9].exr: missing 7
    """
    directories: dict[str, dict[str, str]] = {}
    for status, paths in failed.items():
        for path in paths:
            directory, _, name = path.rpartition("/")
            directories.setdefault(directory, {}).setdefault(name, status)
    for path in others if directories else ():
        directory, _, name = path.rpartition("/")
        if directory in directories:
            directories[directory].setdefault(name, "")
    sequences = []
    members: set[str] = set()
    for directory, statuses in directories.items():
        if len(statuses) < MIN_LENGTH:
            continue
        for pattern, numbers in _sequences(statuses):
            sequence = FrameSequence(directory, pattern, {n: statuses[pattern.name(n)] for n in numbers})
            if sequence.found:
                sequences.append(sequence)
                start = f"{directory}/" if directory else ""
                members.update(start + pattern.name(n) for found in sequence.found.values() for n in found)
    return sequences, members


def _sequences(names: Mapping[str, str]) -> Iterator[tuple[Sequence, list[int]]]:
    """Find the sequences among the names of a directory, gaps included, and their numbers in ascending order."""
    manifest = Manifest(Entry(name, c4id=_ANY_ID) for name in names)
    runs: dict[tuple[str, str], list[Sequence]] = {}
    for entry in manifest.with_sequences(number="last", min_length=2):
        if entry.is_sequence:
            run = Sequence(entry.name)
            runs.setdefault((run.prefix, run.suffix), []).append(run)
    for gaps in manifest.missing_frames(number="last", min_length=2):
        # A gap lies between two frames, which may be in no run.
        numbers = set()
        for first, last, step in gaps.ranges:
            for missing in (first, last) if step == 1 else range(first, last + 1, step):
                numbers |= {missing - 1, missing + 1}
        yield from _long_enough(gaps, numbers, runs, names)
    for key in runs:
        while runs[key]:
            yield from _long_enough(min(runs[key], key=lambda run: run.padding), set(), runs, names)


def _long_enough(
    pattern: Sequence, numbers: set[int], runs: dict[tuple[str, str], list[Sequence]], names: Mapping[str, str]
) -> Iterator[tuple[Sequence, list[int]]]:
    """Take the runs of a pattern, whatever the width of their numbers, and give all its numbers if they are enough."""
    key = (pattern.prefix, pattern.suffix)
    others = []
    for run in runs.get(key, ()):
        if pattern.number_of(run[0]) is None:
            others.append(run)
        else:
            numbers.update(run.numbers())
    runs[key] = others
    there = sorted(number for number in numbers if number >= 0 and pattern.name(number) in names)
    if len(there) >= MIN_LENGTH:
        yield pattern, there


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Join ascending numbers that follow one another."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = ranges[-1][0], number
        else:
            ranges.append((number, number))
    return ranges

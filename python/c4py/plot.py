"""Pictures of where the bytes of a tree are, and of what changed; with matplotlib (`pip install 'c4py[plot]'`).

Each function draws into `ax`, or into a figure of its own, and returns the axes: `ax.figure.savefig("sizes.png")`.
Sizes are powers of 1024. What is too small for a row or box of its own is added up under "other", so that the whole
picture is the whole tree. Colours are those of Okabe and Ito, which do not depend on telling red from green. Names are
drawn as they are: where the font lacks a character matplotlib warns when the figure is drawn, unless
`matplotlib.rcParams["font.family"]` lists a font that has it.
"""

from __future__ import annotations

import sys
import warnings
from typing import NamedTuple

from c4py._rust import Manifest, change_totals, directory_totals, extension_totals, human_size
from c4py._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, TypeAlias

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from c4py._rust import Entry
    from c4py._types import Differences

    #: A box: left, bottom, width, height.
    Box: TypeAlias = tuple[float, float, float, float]

__all__ = ["changes", "size_by_directory", "size_by_extension"]

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#999999"
#: Colours of boxes side by side, all light enough for black text.
BOXES = ("#56B4E9", "#E69F00", "#66C2A5", "#F0E442", "#CC9EBD", "#C7D9F1")
LABEL_WIDTH = 32
#: The largest power of 1024 with a unit of its own: exabytes.
LARGEST_UNIT = 6


class Slice(NamedTuple):
    """A part of the whole, with a row or box of its own."""

    label: str
    files: int
    size: int
    is_other: bool = False


class Change(NamedTuple):
    """What changed in a directory: files and bytes."""

    label: str
    added: int
    added_size: int
    removed: int
    removed_size: int
    modified: int
    modified_size: int

    def size(self) -> int:
        """Bytes that changed in any way."""
        return self.added_size + self.removed_size + self.modified_size


def size_by_directory(
    manifest: Manifest,
    *,
    depth: int = 1,
    top: int = 20,
    kind: Literal["bars", "treemap"] = "bars",
    ax: Axes | None = None,
) -> Axes:
    """Draw the bytes of the files in each directory at a depth, 1 for those at the top.

    A file counts for its directory at that depth, or for the one it lies in if that is less deep; "." is the top. The
    largest `top` directories are drawn, the others are one. `kind` is "bars" or "treemap". Raises ImportError without
    matplotlib.
    """
    depth = _count("depth", depth)
    totals = directory_totals(_manifest("manifest", manifest), depth)
    slices = [Slice(path or ".", files, size) for path, files, size in totals]
    slices = _largest(slices, _count("top", top), "directories")
    return _draw(slices, kind, f"Size by directory, depth {depth}", ax)


def size_by_extension(
    manifest: Manifest,
    *,
    top: int = 20,
    kind: Literal["bars", "treemap"] = "bars",
    ax: Axes | None = None,
) -> Axes:
    """Draw the bytes of files by the extension of their names, in lower case; "no extension" is one of its own.

    The largest `top` extensions are drawn, the others are one. `kind` is "bars" or "treemap". Raises ImportError
    without matplotlib.
    """
    totals = extension_totals(_manifest("manifest", manifest))
    named = [Slice(f".{name}" if name else "no extension", files, size) for name, files, size in totals]
    return _draw(_largest(named, _count("top", top), "extensions"), kind, "Size by extension", ax)


def changes(
    before: Manifest | Differences,
    after: Manifest | None = None,
    *,
    depth: int = 1,
    top: int = 20,
    ax: Axes | None = None,
) -> Axes:
    """Draw the bytes of the files that were added, removed and modified, by directory at a depth, 1 for the top ones.

    What changed is what `diff` lists, of two manifests or in a DiffResult. What was added and modified (with the new
    sizes) goes to the right, what was removed to the left. The `top` directories with the most bytes are drawn, the
    others are one. Raises ImportError without matplotlib.
    """
    depth, top = _count("depth", depth), _count("top", top)
    if after is not None:
        rows = change_totals(_manifest("before", before), _manifest("after", after), depth)
    elif all(hasattr(before, name) for name in ("added", "removed", "modified")):
        rows = _result_totals(before, depth)  # type: ignore[arg-type]
    else:
        expected = "a DiffResult, or a Manifest with another after it"
        raise TypeError(f"before must be {expected}, not {type(before).__name__}")
    parts = [Change(path or ".", *numbers) for path, *numbers in rows]
    parts.sort(key=lambda part: (-part.size(), part.label))
    if len(parts) > top:
        rest = parts[top - 1 :]
        sums = [sum(column) for column in zip(*(part[1:] for part in rest), strict=True)]
        parts = [*parts[: top - 1], Change(f"other ({len(rest):,} directories)", *sums)]
    return _draw_changes(parts, depth, ax)


def _manifest(argument: str, value: object) -> Manifest:
    if not isinstance(value, Manifest):
        raise TypeError(f"{argument} must be a Manifest, not {type(value).__name__}")
    return value


def _count(argument: str, value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{argument} must be int, not {type(value).__name__}")
    if not 1 <= value <= sys.maxsize:
        raise ValueError(f"{argument} must be from 1 to {sys.maxsize}")
    return value


def _result_totals(result: Differences, depth: int) -> list[tuple[str, int, int, int, int, int, int]]:
    totals: dict[str, list[int]] = {}

    def add(entries: Iterable[Entry], column: int) -> None:
        for entry in entries:
            if not entry.is_dir():
                directory = "/".join(entry.path.split("/")[:-1][:depth])
                numbers = totals.setdefault(directory, [0] * 6)
                numbers[column] += 1
                numbers[column + 1] += max(entry.size, 0)

    for column, entries in ((0, result.added), (2, result.removed), (4, result.modified)):
        add(entries, column)
    return [(path, n[0], n[1], n[2], n[3], n[4], n[5]) for path, n in totals.items()]


def _largest(slices: list[Slice], top: int, noun: str) -> list[Slice]:
    slices = sorted((part for part in slices if part.files), key=lambda part: (-part.size, part.label))
    if len(slices) > top:
        rest = slices[top - 1 :]
        label = f"other ({len(rest):,} {noun})"
        other = Slice(label, sum(part.files for part in rest), sum(part.size for part in rest), is_other=True)
        slices = [*slices[: top - 1], other]
    return slices


def _label(text: str, width: int = LABEL_WIDTH) -> str:
    """Escape a name as `visible` does; of a long one the end is kept."""
    text = visible(text)
    return text if len(text) <= width else f"…{text[-(width - 1) :]}"


def _share(size: int, total: int) -> str:
    return "<0.1%" if 0 < size < total / 1000 else f"{size / total:.1%}"


def _files(count: int) -> str:
    return f"{count:,} file{'s' * (count != 1)}"


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    try:
        from matplotlib.axes import Axes
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'c4py[plot]'") from error
    if ax is not None:
        if not isinstance(ax, Axes):
            raise TypeError(f"ax must be matplotlib's Axes, not {type(ax).__name__}")
        return ax
    # A figure of its own and not one of pyplot's, which lives until it is closed: any thread may draw.
    figure: Figure = Figure(figsize=(width, height), layout="constrained")
    return figure.subplots()


def _draw(slices: list[Slice], kind: str, title: str, ax: Axes | None) -> Axes:
    if kind not in ("bars", "treemap"):
        raise ValueError(f'kind must be "bars" or "treemap", not {kind!r}')
    total, files = sum(part.size for part in slices), sum(part.files for part in slices)
    ax = _axes(ax, 9, 1.4 + 0.32 * max(len(slices), 3) if kind == "bars" else 6)
    ax.set_title(f"{title}: {human_size(total)} in {_files(files)}", loc="left")
    if total == 0:
        return _nothing(ax, "no bytes")
    if kind == "treemap":
        _draw_treemap(ax, slices, total)
    else:
        _draw_bars(ax, slices, total)
    return ax


def _nothing(ax: Axes, text: str) -> Axes:
    ax.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=ax.transAxes)
    ax.set_axis_off()
    return ax


def _size_axis(ax: Axes, largest: float, farthest: float) -> None:
    """Ticks at round numbers of the unit that the largest size has, up to the one past the farthest bar."""
    unit = 0
    while largest / 1024**unit >= 1024 and unit < LARGEST_UNIT:
        unit += 1
    scale = 1024**unit
    name = human_size(scale).partition(" ")[2]

    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = ax.get_xlim()
    steps = MaxNLocator(6, integer=unit == 0).tick_values(low / scale, high / scale)
    step = steps[1] - steps[0]
    # No ticks in the room that is left for texts.
    ax.set_xticks([at * scale for at in steps if low <= at * scale <= min(high, farthest + step * scale)])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{abs(size) / scale:g} {name}"))
    ax.grid(axis="x", color=GREY, alpha=0.3, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _draw_bars(ax: Axes, slices: list[Slice], total: int) -> None:
    places = range(len(slices))
    colors = [GREY if part.is_other else BLUE for part in slices]
    bars = ax.barh(places, [float(part.size) for part in slices], color=colors, height=0.72)
    texts = [f"{human_size(part.size)}  {_share(part.size, total)}  {_files(part.files)}" for part in slices]
    ax.bar_label(bars, texts, padding=4, fontsize=8)
    ax.set_yticks(places, [_label(part.label) for part in slices], parse_math=False)
    ax.set_ylim(len(slices) - 0.4, -0.6)
    largest = float(max(part.size for part in slices))
    # Room for the text after the longest bar.
    ax.set_xlim(0, largest * 1.42)
    _size_axis(ax, largest, largest)


def squarified(sizes: list[float], box: Box) -> list[Box]:
    """Divide a box into boxes of these areas, the largest first, each as square as it gets.

    Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000): rows are laid along the shorter side, and a row takes one
    more box as long as its worst proportion gets better.
    """
    left, bottom, width, height = box
    scale = width * height / sum(sizes)
    areas = [size * scale for size in sizes]
    boxes: list[Box] = []

    def worst(row: list[float], side: float) -> float:
        length = sum(row) / side
        return max(max(length * length / area, area / (length * length)) for area in (row[0], row[-1]))

    while areas:
        side = min(width, height)
        count = 1
        while count < len(areas) and worst(areas[: count + 1], side) <= worst(areas[:count], side):
            count += 1
        row, rest = areas[:count], areas[count:]
        # By shares of what is left, not by areas: so that rounding puts no box outside.
        depth = max(width, height) * (sum(row) / sum(areas))
        areas = rest
        along = 0.0
        for area in row:
            step = side * (area / sum(row))
            boxes.append(
                (left, bottom + along, depth, step) if width >= height else (left + along, bottom, step, depth)
            )
            along += step
        if width >= height:
            left, width = left + depth, width - depth
        else:
            bottom, height = bottom + depth, height - depth
    return boxes


def _draw_treemap(ax: Axes, slices: list[Slice], total: int) -> None:
    from matplotlib.patches import Rectangle

    # "other" may be larger than some that have a box.
    slices = sorted((part for part in slices if part.size), key=lambda part: -part.size)
    ax.set_axis_off()
    figure = ax.figure.canvas.figure
    figure.draw_without_rendering()  # the layout decides how large the axes are
    # In points, the unit of text.
    extent = ax.get_window_extent()
    width, height = extent.width * 72 / figure.dpi, extent.height * 72 / figure.dpi
    ax.set(xlim=(0, width), ylim=(height, 0))
    colors: dict[str, str] = {}
    boxes = squarified([float(part.size) for part in slices], (0, 0, width, height))
    for part, box in zip(slices, boxes, strict=True):
        # What lies in one directory at the top has one colour.
        top, _, _ = part.label.partition("/")
        color = "#CCCCCC" if part.is_other else colors.setdefault(top, BOXES[len(colors) % len(BOXES)])
        ax.add_patch(Rectangle(box[:2], *box[2:], facecolor=color, edgecolor="white", linewidth=1.5))
        _box_text(ax, box, part.label, [human_size(part.size), _share(part.size, total), _files(part.files)])


def _box_text(ax: Axes, box: Box, label: str, lines: list[str]) -> None:
    """Write as many lines as the box has room for; none where not even the label fits in part."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    x, y, width, height = box
    margin = 4.0
    for points in (11.0, 9.0, 7.0):
        font = FontProperties(size=points)

        def fits(text: str, font: FontProperties = font) -> bool:
            with warnings.catch_warnings():
                # Of glyphs that the font lacks matplotlib warns where it draws them; here they are only measured.
                warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
                return bool(text_to_path.get_text_width_height_descent(text, font, False)[0] <= width - 2 * margin)

        rows = int((height - margin) / (points * 1.3))
        name = next((text for text in (_label(label, n) for n in range(LABEL_WIDTH, 5, -1)) if fits(text)), None)
        whole = name is not None and not name.startswith("…")
        if rows and name is not None and (whole or points == 7.0):
            text = "\n".join([name, *(line for line in lines if fits(line))][:rows])
            ax.text(x + margin, y + margin, text, fontsize=points, va="top", linespacing=1.2, parse_math=False)
            return


def _draw_changes(parts: list[Change], depth: int, ax: Axes | None) -> Axes:
    ax = _axes(ax, 9, 1.8 + 0.34 * max(len(parts), 3))
    # The legend stands between title and bars.
    ax.set_title(f"Changes by directory, depth {depth}", loc="left", pad=24 if parts else 6)
    if not parts:
        return _nothing(ax, "no changes")
    places = list(range(len(parts)))
    # As floats: matplotlib takes no integers of more than 64 bits.
    added, modified = [float(part.added_size) for part in parts], [float(part.modified_size) for part in parts]
    removed = [-float(part.removed_size) for part in parts]

    def legend(word: str, counts: Iterable[int], sizes: Iterable[int]) -> str:
        return f"{word}: {_files(sum(counts))}, {human_size(sum(sizes))}"

    label = legend("added", (part.added for part in parts), (part.added_size for part in parts))
    ax.barh(places, added, color=BLUE, height=0.72, label=label)
    label = legend("modified", (part.modified for part in parts), (part.modified_size for part in parts))
    ax.barh(places, modified, left=added, color=ORANGE, height=0.72, label=label)
    label = legend("removed", (part.removed for part in parts), (part.removed_size for part in parts))
    ax.barh(places, removed, color="white", edgecolor=GREY, hatch="////", height=0.72, label=label)
    for place, part in enumerate(parts):
        counts = (("+", part.added), ("~", part.modified), ("−", part.removed))
        text = "  ".join(f"{sign}{count:,}" for sign, count in counts if count)
        end = (float(part.added_size + part.modified_size), place)
        ax.annotate(text, end, xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    right = float(max(part.added_size + part.modified_size for part in parts))
    left = -min(removed)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_yticks(places, [_label(part.label) for part in parts], parse_math=False)
    ax.set_ylim(len(parts) - 0.4, -0.6)
    # Room for the text after the longest bar.
    ax.set_xlim(-left * 1.05, right + 0.22 * (right + left or 1))
    _size_axis(ax, max(left, right), right)
    ax.set_xlabel(
        "left of the line: removed; right: added and modified (new sizes)\n+ added, ~ modified, − removed files"
    )
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=3, frameon=False, fontsize=8)
    return ax

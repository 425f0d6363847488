"""Plots: what they say, by the texts and bars that they have."""

from __future__ import annotations

import itertools
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from typing import Any

import c4py
import pytest
from c4py import DiffResult, Entry, Manifest
from c4py.plot import changes, size_by_directory, size_by_extension, squarified
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

TEXT = """\
- - 1024 top.txt -
- - - a/ -
  - - 3072 x.EXR -
  - - - sub/ -
    - - 2048 y.exr -
- - - b/ -
  - - 1048576 big -
- - - empty/ -
"""


@dataclass
class Result:
    added: list[Entry] = field(default_factory=list)
    removed: list[Entry] = field(default_factory=list)
    modified: list[Entry] = field(default_factory=list)


@pytest.fixture
def manifest() -> Manifest:
    return c4py.loads(TEXT)


def drawn(ax: Axes) -> list[str]:
    """Texts in the axes, once everything is laid out and drawn."""
    ax.figure.canvas.figure.draw_without_rendering()
    return [text.get_text() for text in ax.texts]


def labels(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_yticklabels()]


def widths(ax: Axes, number: int = 0) -> list[float]:
    container = ax.containers[number]
    assert isinstance(container, BarContainer)
    return [bar.get_width() for bar in container]


def test_bars_are_directories_by_size(manifest: Manifest) -> None:
    ax = size_by_directory(manifest)
    assert ax.get_title("left") == "Size by directory, depth 1: 1.0 MB in 4 files"
    assert labels(ax) == ["b", "a", "."]
    assert widths(ax) == [1048576, 5120, 1024]
    assert drawn(ax) == ["1.0 MB  99.4%  1 file", "5.0 KB  0.5%  2 files", "1.0 KB  <0.1%  1 file"]
    ticks = [text.get_text() for text in ax.get_xticklabels()]
    assert ticks[0] == "0 MB"
    assert len(ticks) == len(set(ticks)) > 3
    assert labels(size_by_directory(manifest, depth=2)) == ["b", "a", "a/sub", "."]


def test_bars_are_extensions_by_size(manifest: Manifest) -> None:
    ax = size_by_extension(manifest)
    assert labels(ax) == ["no extension", ".exr", ".txt"]
    assert widths(ax) == [1048576, 5120, 1024]


def test_what_is_not_drawn_is_added_up() -> None:
    manifest = Manifest(Entry(f"x.{number}", size=number) for number in range(1, 31))
    ax = size_by_extension(manifest, top=5)
    assert labels(ax) == [".30", ".29", ".28", ".27", "other (26 extensions)"]
    assert sum(widths(ax)) == sum(range(31))
    assert widths(ax)[-1] == sum(range(27))
    assert len(labels(size_by_extension(manifest, top=30))) == 30
    assert labels(size_by_extension(manifest, top=1)) == ["other (30 extensions)"]


def test_a_treemap_is_the_whole_tree(manifest: Manifest) -> None:
    ax = size_by_directory(manifest, kind="treemap")
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    areas = [box.get_width() * box.get_height() for box in boxes]
    whole = abs((ax.get_xlim()[1] - ax.get_xlim()[0]) * (ax.get_ylim()[1] - ax.get_ylim()[0]))
    assert sum(areas) == pytest.approx(whole)
    assert [area / whole for area in areas] == pytest.approx([size / 1054720 for size in (1048576, 5120, 1024)])
    assert drawn(ax)[0] == "b\n1.0 MB\n99.4%\n1 file"


def test_texts_of_a_treemap_stay_in_their_boxes() -> None:
    manifest = Manifest(Entry(f"name.extension_{number}", size=1000 // number) for number in range(1, 40))
    ax = size_by_extension(manifest, kind="treemap", top=40)
    assert len(drawn(ax)) > 3
    boxes = [patch.get_window_extent() for patch in ax.patches]
    for text in ax.texts:
        extent = text.get_window_extent()
        assert any(
            box.x0 <= extent.x0 and extent.x1 <= box.x1 + 1 and box.y0 <= extent.y0 + 1 and extent.y1 <= box.y1 + 1
            for box in boxes
        ), text.get_text()


@pytest.mark.parametrize("depth", [1, 2])
def test_texts_of_bars_do_not_meet(depth: int) -> None:
    manifest = c4py.loads("".join(f"- - - {'d' * number}/ -\n  - - {4**number} f -\n" for number in range(1, 31)))
    ax = size_by_directory(manifest, depth=depth, top=20)
    drawn(ax)
    right = ax.figure.bbox.x1
    extents = [text.get_window_extent() for text in [*ax.texts, *ax.get_yticklabels()]]
    assert all(extent.x1 <= right and extent.x0 >= 0 for extent in extents)
    assert not any(a.overlaps(b) for n, a in enumerate(extents) for b in extents[:n])
    ticks = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(ticks))


@given(st.lists(st.floats(1, 1e12), min_size=1, max_size=60), st.floats(1, 1000), st.floats(1, 1000))
def test_a_squarified_box_is_divided_by_area(sizes: list[float], width: float, height: float) -> None:
    sizes.sort(reverse=True)
    boxes = squarified(sizes, (0, 0, width, height))
    assert len(boxes) == len(sizes)
    for size, (x, y, w, h) in zip(sizes, boxes, strict=True):
        assert w * h / (width * height) == pytest.approx(size / sum(sizes), abs=1e-9)
        assert x >= 0
        assert y >= 0
        assert x + w <= width * (1 + 1e-9)
        assert y + h <= height * (1 + 1e-9)


def test_boxes_of_one_size_are_nearly_square() -> None:
    assert all(0.4 < w / h < 2.5 for _, _, w, h in squarified([1.0] * 17, (0, 0, 160, 90)))


def test_changes_are_by_directory() -> None:
    before = c4py.loads("- - 1 same -\n- - - a/ -\n  - - 10 gone -\n  - - 5 grows -\n- - - b/ -\n  - - 7 kept -\n")
    after = c4py.loads("- - 1 same -\n- - - a/ -\n  - - 50 grows -\n- - - c/ -\n  - - 100 new -\n")
    expected = (["c", "a", "b"], [100, 0, 0], [0, 50, 0], [0, -10, -7])
    result = Result([after["c/new"]], [before["a/gone"], before["b/kept"]], [after["a/grows"]])
    for ax in (changes(before, after), changes(result)):  # type: ignore[arg-type]
        assert (labels(ax), widths(ax, 0), widths(ax, 1), widths(ax, 2)) == expected
        assert drawn(ax) == ["+1", "~1  −1", "−1"]
        legend = ax.get_legend()
        assert legend is not None
        texts = [text.get_text() for text in legend.get_texts()]
        assert texts == ["added: 1 file, 100 B", "modified: 1 file, 50 B", "removed: 2 files, 17 B"]
    assert labels(changes(before, after, top=2)) == ["c", "other (2 directories)"]
    assert widths(changes(before, after, top=2), 2) == [0, -17]


def test_nothing_is_drawn_of_nothing(manifest: Manifest) -> None:
    assert drawn(size_by_directory(Manifest())) == ["no bytes"]
    assert drawn(size_by_extension(Manifest([Entry("a", size=0)]), kind="treemap")) == ["no bytes"]
    assert drawn(changes(manifest, manifest)) == ["no changes"]


def test_empty_files_that_come_are_changes() -> None:
    ax = changes(Manifest(), Manifest([Entry("a", size=0)]))
    assert drawn(ax) == ["+1"]


def test_it_draws_into_axes_that_are_there(manifest: Manifest) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert size_by_directory(manifest, ax=left) is left
    assert size_by_directory(manifest, ax=right, kind="treemap") is right
    part = figure.add_subfigure(figure.add_gridspec(2, 1)[1]).subplots()
    assert size_by_extension(manifest, ax=part, kind="treemap") is part


@pytest.mark.parametrize("kind", ["bars", "treemap"])
def test_hostile_names_are_shown_and_not_obeyed(kind: Any) -> None:
    names = ["$x^2$", "$unbalanced", "\u202egnp", "\udcff", "a\x1b[0m", "n" * 300]
    manifest = Manifest()
    for name in names:
        manifest.entries.extend([Entry(f"{name}/"), Entry("f", size=100, depth=1)])
    ax = size_by_directory(manifest, kind=kind)
    shown = drawn(ax) + labels(ax)
    for expected in ("$x^2$", "$unbalanced", "\\u202egnp", "\\udcff", "a\\x1b[0m"):
        assert any(text.splitlines()[0] == expected for text in shown if text), expected
    assert all(len(line) <= 40 for text in shown for line in text.splitlines())


@pytest.mark.parametrize("kind", ["bars", "treemap"])
def test_sums_of_more_than_64_bits_are_drawn(kind: Any) -> None:
    manifest = Manifest()
    for directory in "ab":
        manifest.entries.extend([Entry(f"{directory}/"), *(Entry(f"{n}.x", size=2**62, depth=1) for n in range(2))])
    by_directory = size_by_directory(manifest, kind=kind)
    assert "16.0 EB in 4 files" in by_directory.get_title(loc="left")
    drawn(by_directory)
    drawn(size_by_extension(manifest, kind=kind))
    entries = list(manifest)
    drawn(changes(DiffResult(entries, entries, entries)))


@pytest.mark.parametrize("kind", ["bars", "treemap"])
def test_glyphs_that_the_font_lacks_are_no_error_of_ours(kind: Any) -> None:
    manifest = Manifest([Entry("日本語/"), Entry("f", size=100, depth=1)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = size_by_directory(manifest, kind=kind)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        assert any("日本語" in text for text in drawn(ax) + labels(ax))


def test_wrong_arguments_are_named(manifest: Manifest) -> None:
    with pytest.raises(TypeError, match="ax must be matplotlib's Axes, not str"):
        size_by_directory(manifest, ax="x")  # type: ignore[arg-type]
    for draw in (size_by_directory, lambda m, depth: changes(m, m, depth=depth)):
        with pytest.raises(ValueError, match="depth must be from 1 to "):
            draw(manifest, depth=2**70)
        draw(manifest, depth=sys.maxsize)
    with pytest.raises(TypeError, match="manifest must be a Manifest, not str"):
        size_by_directory("x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="depth must be int, not float"):
        size_by_directory(manifest, depth=1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="top must be from 1 to "):
        size_by_extension(manifest, top=0)
    with pytest.raises(ValueError, match='kind must be "bars" or "treemap", not \'pie\''):
        size_by_directory(manifest, kind="pie")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a DiffResult, or a Manifest with another after it, not Manifest"):
        changes(manifest)
    with pytest.raises(TypeError, match="after must be a Manifest, not int"):
        changes(manifest, 1)  # type: ignore[arg-type]


def test_without_matplotlib_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None; import c4py, c4py.plot\n"
        "try: c4py.plot.size_by_directory(c4py.Manifest())\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "plots need matplotlib: pip install 'c4py[plot]'\n"

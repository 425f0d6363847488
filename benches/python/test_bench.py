"""Benchmarks of the public API; run once as tests, measured with `make bench`."""

from __future__ import annotations

from pathlib import Path

import c4py
import pytest
import trees
from pytest_benchmark.fixture import BenchmarkFixture


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.write("small", tmp_path_factory.mktemp("trees") / "small", scale=1000 / 120_000)


def test_identify_small_bytes(benchmark: BenchmarkFixture) -> None:
    assert benchmark(c4py.identify_bytes, b"hello world")


def test_id_to_text_and_back(benchmark: BenchmarkFixture) -> None:
    one = c4py.identify_bytes(b"hello world")
    assert benchmark(lambda: c4py.parse(str(one))) == one


def test_scan(benchmark: BenchmarkFixture, tree: Path) -> None:
    assert benchmark(c4py.scan, tree).file_count() == 1000


def test_scan_of_metadata(benchmark: BenchmarkFixture, tree: Path) -> None:
    assert benchmark(lambda: c4py.scan(tree, mode="metadata")).file_count() == 1000


def test_identify_files(benchmark: BenchmarkFixture, tree: Path) -> None:
    files = list(tree.rglob("*.dat"))
    assert None not in benchmark(c4py.identify_files, files).values()


def test_load_and_dump(benchmark: BenchmarkFixture, tree: Path) -> None:
    text = c4py.dumps(c4py.scan(tree))
    assert benchmark(lambda: c4py.dumps(c4py.loads(text))) == text


def test_iterate_over_paths(benchmark: BenchmarkFixture, tree: Path) -> None:
    manifest = c4py.scan(tree)
    assert benchmark(lambda: sum(len(path) for path, _ in manifest.flat_entries()))

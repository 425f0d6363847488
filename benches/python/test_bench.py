"""Benchmarks of the public API; run once as tests, measured with `make bench`."""

from __future__ import annotations

from pathlib import Path

import c4py
import pytest
from pytest_benchmark.fixture import BenchmarkFixture


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make 1,000 files of up to 16 KB in 100 folders, the same on every machine."""
    root = tmp_path_factory.mktemp("tree")
    state = 12345
    for number in range(1000):
        state = (state * 1664525 + 1013904223) % 2**32
        folder = root / f"a{number // 100}" / f"b{number // 10 % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number:06}.bin").write_bytes(bytes([number % 251]) * ((state >> 8) % 16385))
    return root


def test_identify_small_bytes(benchmark: BenchmarkFixture) -> None:
    assert benchmark(c4py.identify_bytes, b"hello world")


def test_id_to_text_and_back(benchmark: BenchmarkFixture) -> None:
    one = c4py.identify_bytes(b"hello world")
    assert benchmark(lambda: c4py.parse(str(one))) == one


def test_scan(benchmark: BenchmarkFixture, tree: Path) -> None:
    assert benchmark(c4py.scan, tree).file_count() == 1000


def test_load_and_dump(benchmark: BenchmarkFixture, tree: Path) -> None:
    text = c4py.dumps(c4py.scan(tree))
    assert benchmark(lambda: c4py.dumps(c4py.loads(text))) == text


def test_iterate_over_paths(benchmark: BenchmarkFixture, tree: Path) -> None:
    manifest = c4py.scan(tree)
    assert benchmark(lambda: sum(len(path) for path, _ in manifest.flat_entries()))

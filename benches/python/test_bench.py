"""Benchmarks of the public API; run once as tests, measured with `make bench`."""

from __future__ import annotations

import io
import itertools
import os
from pathlib import Path
from typing import Any

import c4py
import manifests
import pyarrow as pa
import pytest
import trees
from pytest_benchmark.fixture import BenchmarkFixture

#: Entries of the manifests, a multiple of 1,000.
ENTRIES = int(os.environ.get("C4_BENCH_ENTRIES", "2000"))


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


@pytest.mark.parametrize("durability", ["full", "batch", "none"])
def test_scan_into_a_store(benchmark: BenchmarkFixture, tree: Path, tmp_path: Path, durability: Any) -> None:
    stores = (c4py.FSStore(tmp_path / str(number), durability=durability) for number in itertools.count())
    assert benchmark(lambda: c4py.scan(tree, store=next(stores))).file_count() == 1000


def test_put_what_is_new(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path, durability="none")
    numbers = itertools.count()
    assert benchmark(lambda: store.put(io.BytesIO(b"%d" % next(numbers) * 1000)))


def test_put_what_is_there(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path, durability="none")
    assert benchmark(lambda: store.put(io.BytesIO(b"content"))) in store


def test_get(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    store = c4py.FSStore(tmp_path, durability="none")
    c4id = store.put(io.BytesIO(b"content"))

    def read() -> bytes:
        with store.get(c4id, verify=True) as file:
            return file.read()

    assert benchmark(read) == b"content"


def test_identify_files(benchmark: BenchmarkFixture, tree: Path) -> None:
    files = list(tree.rglob("*.dat"))
    assert None not in benchmark(c4py.identify_files, files).values()


def test_iterate_over_paths(benchmark: BenchmarkFixture, tree: Path) -> None:
    manifest = c4py.scan(tree)
    assert benchmark(lambda: sum(len(path) for path, _ in manifest.flat_entries()))


@pytest.fixture(scope="module")
def text() -> str:
    return manifests.text(ENTRIES)


@pytest.fixture
def old(text: str) -> c4py.Manifest:
    return c4py.loads(text)


@pytest.fixture(scope="module")
def new() -> c4py.Manifest:
    return c4py.loads(manifests.text(ENTRIES, changed=True))


def test_load(benchmark: BenchmarkFixture, text: str) -> None:
    assert len(benchmark(c4py.loads, text)) == ENTRIES


def test_dump(benchmark: BenchmarkFixture, old: c4py.Manifest, text: str) -> None:
    assert benchmark(c4py.dumps, old) == text


def test_id(benchmark: BenchmarkFixture, old: c4py.Manifest, new: c4py.Manifest) -> None:
    assert benchmark(old.compute_c4id) != new.compute_c4id()


def test_sort(benchmark: BenchmarkFixture, old: c4py.Manifest) -> None:
    shuffled = manifests.shuffled(old)

    def sort(manifest: c4py.Manifest) -> c4py.Manifest:
        manifest.sort_entries()
        return manifest

    assert shuffled != old

    def copy() -> tuple[tuple[c4py.Manifest], dict[str, object]]:
        return (shuffled.copy(),), {}

    assert benchmark.pedantic(sort, setup=copy, rounds=5) == old  # type: ignore[no-untyped-call]


def test_diff(benchmark: BenchmarkFixture, old: c4py.Manifest, new: c4py.Manifest) -> None:
    diff = benchmark(c4py.diff, old, new)
    assert len(diff.same) + len(diff.removed) + len(diff.modified) == ENTRIES
    assert len(diff.modified) > ENTRIES // 500


def test_patch_diff(benchmark: BenchmarkFixture, old: c4py.Manifest, new: c4py.Manifest) -> None:
    assert c4py.apply_patch(old, c4py.loads(benchmark(c4py.patch_diff, old, new))) == new


def test_validate(benchmark: BenchmarkFixture, old: c4py.Manifest) -> None:
    assert not benchmark(c4py.validate, old).issues


def test_validate_text(benchmark: BenchmarkFixture, text: str) -> None:
    assert not benchmark(c4py.validate, text.encode()).issues


def test_fold_sequences(benchmark: BenchmarkFixture, old: c4py.Manifest) -> None:
    assert benchmark(old.with_sequences).file_count() == ENTRIES // 1000 * 88


def test_arrow(benchmark: BenchmarkFixture, old: c4py.Manifest) -> None:
    assert benchmark(pa.table, old).num_rows == ENTRIES

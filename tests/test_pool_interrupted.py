"""Bundles that were interrupted, and go on where they were."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import c4py
import pytest
from bundles import CONTENTS, FILES, contents_of, listing
from dict_store import DictStore


class StopsAfter(DictStore):
    """A store that fails after so many objects, as one whose disk is pulled out."""

    left = 4

    def put(self, source: BinaryIO) -> c4py.C4ID:
        if not self.left:
            source.read(3)
            raise OSError(5, "Input/output error")
        self.left -= 1
        return super().put(source)


def test_a_pool_that_was_interrupted_goes_on(tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore) -> None:
    def stop(_path: str, done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        c4py.pool(stored, tmp_path / "out", store=store, progress=stop)
    assert os.listdir(tmp_path / "out") == ["store"]
    done = c4py.pool(stored, tmp_path / "out", store=store)
    # Four files were done, two of them with one content.
    assert (done.copied, done.skipped) == (CONTENTS - 3, 4)
    c4py.pool(stored, tmp_path / "whole", store=store)
    assert listing(tmp_path / "out") == listing(tmp_path / "whole")


def test_an_ingest_that_was_interrupted_goes_on(bundle: Path, here: Path) -> None:
    other = StopsAfter()
    with pytest.raises(OSError, match="Input/output error"):
        c4py.ingest(bundle, store=other, destination=here)
    assert os.listdir(here) == []
    other.left = 100
    done = c4py.ingest(bundle, store=other, destination=here)
    assert done.skipped == 4
    assert os.listdir(here) == ["shots.c4m"]


KILLED = """
import os, signal, sys, c4py
what, at, given, out, store, here = sys.argv[1:]

def stop(_name, done, _total):
    if done == int(at):
        os.kill(os.getpid(), signal.SIGKILL)

if what == "pool":
    c4py.pool(given, out, store=c4py.FSStore(store), progress=stop)
else:
    c4py.ingest(given, store=c4py.FSStore(store), destination=here, progress=stop)
"""


def killed(*arguments: str | Path | int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("at", [0, 3, FILES])
def test_a_pool_that_was_killed_goes_on(
    tmp_path: Path, here: Path, bundle: Path, stored: c4py.Manifest, store: c4py.FSStore, at: int
) -> None:
    out = tmp_path / "out"
    killed("pool", at, tmp_path / "shots.c4m", out, store.root, here)
    assert set(os.listdir(out)) <= {"store"}
    assert all(
        c4id in store or c4id == c4py.identify_file(tmp_path / "shots.c4m") for c4id in c4py.FSStore(out / "store")
    )
    c4py.pool(tmp_path / "shots.c4m", out, store=store)
    assert {name: data for name, data in listing(out).items() if "/." not in name} == listing(bundle)
    assert c4py.FSStore(out / "store").verify().is_ok
    assert contents_of(stored) <= set(c4py.FSStore(out / "store"))


@pytest.mark.parametrize("at", [0, 3, CONTENTS])
def test_an_ingest_that_was_killed_goes_on(tmp_path: Path, here: Path, bundle: Path, at: int) -> None:
    killed("ingest", at, bundle, "-", tmp_path / "other", here)
    assert not (here / "shots.c4m").exists()
    other = c4py.FSStore(tmp_path / "other")
    assert c4py.ingest(bundle, store=other, destination=here).missing == 0
    assert other.verify().is_ok
    assert (here / "shots.c4m").read_bytes() == (bundle / "shots.c4m").read_bytes()


def test_progress_tells_paths_and_ids(tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore) -> None:
    told: list[tuple[str, int, int]] = []
    c4py.pool(stored, tmp_path / "out", store=store, progress=lambda *values: told.append(values))
    assert [values[1:] for values in told] == [(number, FILES) for number in range(FILES + 1)]
    assert ("d/large.bin" in {path for path, _, _ in told}) is True
    told.clear()
    c4py.ingest(tmp_path / "out", store=DictStore(), destination=here, progress=lambda *values: told.append(values))
    assert str(c4py.identify_bytes(b"hello")) in {name for name, _, _ in told}

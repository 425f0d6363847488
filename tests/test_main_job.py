"""The main job on real input: trees that the machine has, compared with `simple_c4`."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Literal, get_args

import c4py
import pytest
from simple_c4 import c4, listing

Mode = Literal["structure", "metadata", "full"]

#: The standard library, and a folder of the system: thousands of files, links and deep folders.
TREES = [Path(sysconfig.get_path("stdlib")), Path("/usr/share/zoneinfo")]


@pytest.fixture(params=TREES, ids=lambda path: path.name)
def real_tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give a real tree that nothing writes to meanwhile: byte code of a library that is in use comes and goes."""
    source: Path = request.param
    if not source.is_dir():
        pytest.skip(f"this machine has no {source}")
    copy = tmp_path / source.name
    excluded = ["--exclude=site-packages", "--exclude=__pycache__"]
    tar = subprocess.run(
        ["tar", "-C", source.parent, *excluded, "-cf", "-", source.name], capture_output=True, check=True
    )
    subprocess.run(["tar", "-C", tmp_path, "-xf", "-"], input=tar.stdout, check=True)
    return copy


@pytest.mark.parametrize("mode", get_args(Mode))
def test_a_real_tree_is_described_as_by_the_simple_implementation(real_tree: Path, mode: Mode) -> None:
    manifests = [c4py.scan(real_tree, mode=mode, workers=workers) for workers in (1, 2, 5)]
    texts = {c4py.dumps(manifest) for manifest in manifests}
    assert len(texts) == 1, "the same bytes at any count of workers"
    text = texts.pop()
    lines, top, _ = listing(os.fsencode(real_tree), mode)
    assert text == "".join(line + "\n" for line in lines)
    assert str(manifests[0].compute_c4id()) == c4(top.encode())
    again = c4py.loads(text)
    assert c4py.dumps(again) == text
    assert again == manifests[0]
    assert again.compute_c4id() == manifests[0].compute_c4id()


def test_every_path_of_a_real_tree_verifies(real_tree: Path) -> None:
    manifest = c4py.scan(real_tree)
    for path, entry in manifest.flat_entries():
        assert entry.c4id is None or c4py.verify(real_tree / path, entry.c4id), path
        assert manifest[path] == entry
        assert entry.path == path


def test_the_command_prints_the_manifest_of_a_real_tree(real_tree: Path) -> None:
    result = subprocess.run([sys.executable, "-m", "c4py", "id", real_tree], capture_output=True, check=True, text=True)
    assert result.stdout == c4py.dumps(c4py.scan(real_tree))
    assert result.stderr == ""


def test_the_command_shows_a_hostile_path_once_escaped(tmp_path: Path) -> None:
    manifest = tmp_path / "a\x1b[31m.c4m"
    manifest.write_text("@\n")
    done = subprocess.run([sys.executable, "-m", "c4py", "id", manifest], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert r"/a\x1b[31m.c4m: line 1" in done.stderr
    assert done.stderr.rstrip("\n").isprintable()

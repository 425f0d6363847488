"""Lists of paths as manifests, and manifests as lists of paths."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import c4py
import pytest
from c4py._rust import PathBlocks
from hypothesis import given
from hypothesis import strategies as st

#: Names that a manifest holds: a backslash at the end of one escapes what follows it in its line.
names = st.binary(min_size=1, max_size=4).filter(
    lambda name: not set(name) & set(b"/\0") and name not in (b".", b"..") and not name.endswith(b"\\")
)
lists = st.lists(st.lists(names, min_size=1, max_size=4).map(b"/".join), max_size=30)


@given(lists)
def test_paths_with_nul_go_both_ways(paths: list[bytes]) -> None:
    manifest = c4py.loads_paths(b"\0".join(paths), null=True)
    assert {os.fsencode(path) for path, _ in manifest.flat_entries()} >= set(paths)
    text = c4py.dumps_paths(manifest, null=True)
    assert c4py.dumps(c4py.loads_paths(text, null=True)) == c4py.dumps(manifest)
    assert c4py.dumps_paths(c4py.loads(c4py.dumps(manifest)), null=True) == text


def test_paths_are_sorted_by_their_bytes() -> None:
    manifest = c4py.loads_paths("z/b\nz/a/c\n10\n9\nz.x\nZ\n\u65e5\u672c/\n")
    listed = "10\n9\nZ\nz.x\nz/\nz/a/\nz/a/c\nz/b\n\u65e5\u672c/\n"
    assert c4py.dumps_paths(manifest).decode() == listed
    paths = [f"{entry.path}/" if entry.is_dir() else entry.path for entry in manifest]
    assert listed.splitlines() == sorted(paths)


def test_what_find_prints_is_the_scanned_tree(tree: Path) -> None:
    done = subprocess.run(
        ["find", tree, "-mindepth", "1", "-printf", "%P\\0"], stdout=subprocess.PIPE, check=True, timeout=60
    )
    listed = c4py.loads_paths(done.stdout, null=True)
    scanned = c4py.scan(tree, mode="structure")
    assert c4py.dumps_paths(listed, null=True) == c4py.dumps_paths(scanned, null=True)


def test_entries_that_were_filtered_keep_their_paths() -> None:
    manifest = c4py.loads_paths("d/e/f\nd/g\nh\n").filter("*[fh]")
    assert sorted(c4py.dumps_paths(manifest).splitlines()) == [b"d/e/f", b"h"]


def test_names_of_every_kind_are_bytes_as_they_are() -> None:
    manifest = c4py.Manifest([c4py.Entry(name) for name in ("\x1b[31m", "\udcff", "<script>", "a\nb", "\u202e")])
    expected = {b"\x1b[31m", b"\xff", b"<script>", b"a\nb", "\u202e".encode()}
    assert set(c4py.dumps_paths(manifest, null=True).split(b"\0")) == expected | {b""}


def test_a_name_with_nul_is_never_two_paths() -> None:
    manifest = c4py.Manifest([c4py.Entry("a\0-rf")])
    with pytest.raises(ValueError, match=r"a name holds NUL: a\\0-rf"):
        c4py.dumps_paths(manifest, null=True)
    assert c4py.dumps_paths(manifest) == b"a\0-rf\n"


def test_components_that_are_no_names_are_reported_and_touch_nothing(tmp_path: Path) -> None:
    manifest = c4py.loads_paths("../out\n/abs\nd//e\n./f\n")
    assert c4py.dumps(c4py.loads(c4py.dumps(manifest))) == c4py.dumps(manifest)
    assert {issue.code for issue in c4py.validate(manifest).errors} == {"dot-name", "empty-name"}
    with pytest.raises(c4py.PathTraversal):
        c4py.verify_tree(manifest, tmp_path)


def test_texts_are_str_or_bytes() -> None:
    expected = c4py.dumps(c4py.loads_paths(b"a/\xff\n"))
    for text in ("a/\udcff\n", bytearray(b"a/\xff\n"), memoryview(b"a/\xff\n")):
        assert c4py.dumps(c4py.loads_paths(text)) == expected
    with pytest.raises(TypeError, match="text must be a bytes-like object, not list"):
        c4py.loads_paths(["a"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="null must be bool, not int"):
        c4py.loads_paths("a", null=0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="manifest must be a Manifest, not str"):
        c4py.dumps_paths("a")  # type: ignore[arg-type]


def test_what_is_written_is_the_manifest_as_it_was() -> None:
    names = [f"{number:07}" for number in range(150_000)]
    manifest = c4py.loads_paths("\n".join(names))
    blocks = PathBlocks(manifest, null=False)
    first = next(blocks)
    assert 1 << 20 <= len(first) < 1 << 21
    manifest.entries[149_999].name = "changed"
    assert (first + b"".join(blocks)).decode().splitlines() == names
    assert len(blocks) == 150_000


def test_a_manifest_without_entries_has_no_paths() -> None:
    assert c4py.dumps_paths(c4py.Manifest()) == b""
    assert len(c4py.loads_paths("\n \n")) == 0
    assert len(c4py.loads_paths(b"\0\0", null=True)) == 0

"""Manifests in any store: put in canonical form, and read back with what is in their directories."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from random import Random

import c4py
import pytest
from c4py._rust import ManifestDetector, identify_content
from c4py.store import manifests
from hypothesis import given, settings
from hypothesis import strategies as st
from random_trees import Tree, files, keyed, trees

LINES = st.sampled_from(
    [b"- - 1 a -\n", b"- - 2 b -\n", b"\n", b"  - - 3 c -\n", b"plain\n", b"-", b"\xff", b"- - 4 d"]
)


class Pieces(io.RawIOBase):
    """A stream that gives few bytes at once."""

    def __init__(self, content: bytes, size: int) -> None:
        self.content = io.BytesIO(content)
        self.size = size

    def read(self, size: int = -1, /) -> bytes:
        return self.content.read(min(size, self.size) if size > 0 else self.size)


@given(st.lists(LINES, max_size=8).map(b"".join), st.integers(1, 40))
def test_what_is_put_has_the_id_that_identification_gives_to_it(content: bytes, size: int) -> None:
    store = c4py.MemoryStore()
    c4id = manifests.put_content(store, Pieces(content, size))
    assert c4id == identify_content(io.BytesIO(content))
    assert list(store) == [c4id]
    stored = store.get(c4id).read()
    assert c4py.identify_bytes(stored) == c4id
    assert stored in (content, c4py.dumps(c4py.loads(content)).encode() if stored != content else content)


def test_a_stream_that_fails_leaves_nothing(tmp_path: Path) -> None:
    class Broken(Pieces):
        def read(self, size: int = -1, /) -> bytes:
            piece = super().read(size)
            if not piece:
                raise OSError(5, "Input/output error")
            return piece

    store = c4py.FSStore(tmp_path / "store")
    for content in (b"- - 1 a -\n", b"plain\n"):
        with pytest.raises(OSError, match="Input/output error"):
            manifests.put_content(store, Broken(content, 4))
    assert not [path for path in (tmp_path / "store").glob("*") if path.name.startswith("c4")]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")

    class Writing(c4py.MemoryStore):
        def put(self, source: object, /) -> c4py.C4ID:
            c4id = super().put(source)  # type: ignore[arg-type]
            with open(path, "ab") as file:
                file.write(b"more")
            return c4id

    with pytest.raises(c4py.ChangedDuringRead) as caught:
        manifests.put_file(Writing(), path)
    assert caught.value.filename == path
    assert path.read_bytes() == b"contentmoremore"


def test_only_listings_that_a_manifest_names_are_put() -> None:
    listing = b"-rw-r--r-- 2020-01-01T00:00:00Z 3 x -\n"
    known = c4py.identify_bytes(listing)
    wrong = c4py.identify_bytes(b"something else")
    text = "".join(
        f"drwxr-xr-x 2020-01-01T00:00:00Z 42 {name}/ {c4id}\n  {listing.decode()}"
        for name, c4id in (("known", known), ("unknown", "-"), ("wrong", wrong))
    )
    store = c4py.MemoryStore()
    manifest = c4py.loads(text)
    whole = manifests.put_manifest(store, manifest)
    assert set(store) == {whole, known, manifest.compute_c4id()}
    assert store.get(whole).read().decode() == text
    # Entries that have no parent are in no listing.
    orphans = c4py.loads("    - - 1 deep -\n  - - 1 x -\n- - 1 y -\n")
    assert manifests.put_manifest(store, orphans) in store


def test_a_detector_says_at_once_what_is_no_manifest() -> None:
    detector = ManifestDetector()
    assert detector.update(b"- - 1 a -\n- ")
    assert not detector.update(b"no entry\n")
    assert not detector.update(b"- - 1 a -\n")
    assert detector.finish() is None
    detector = ManifestDetector(named_manifest=True)
    assert detector.update(b"- - 2 b -\n- - 1 a -")
    assert detector.finish() == b"- - 1 a -\n- - 2 b -\n"
    with pytest.raises(TypeError):
        detector.update("text")  # type: ignore[arg-type]


def test_content_that_is_not_found_says_what_it_was_needed_for() -> None:
    c4id = c4py.identify_bytes(b"?")
    error = c4py.ContentNotFound(c4id, "d/\x1b[31m/")
    assert str(error) == f"d/\\x1b[31m/: content not found: {c4id}"
    again = pickle.loads(pickle.dumps(error))
    assert (again.c4id, again.path, str(again)) == (c4id, error.path, str(error))
    assert c4py.ContentNotFound(c4id).path is None


def test_the_manifest_of_an_empty_directory_is_stored_and_read_back(store: c4py.FSStore) -> None:
    c4id = manifests.put_manifest(store, c4py.Manifest())
    assert manifests.load_stored(store, c4id) == c4py.Manifest()


def sparse(tree: Tree, random: Random, *, with_ids: bool) -> c4py.Manifest:
    """List a tree whose entries lack some of their fields; directories have their IDs, or lack some as well."""
    manifest = c4py.Manifest()
    for name, value in tree.items():
        is_dir = not isinstance(value, int)
        entry = c4py.Entry(f"{name}/" if is_dir else name)
        if isinstance(value, int):
            entry.c4id = c4py.identify_bytes(bytes([value])) if value else None
            below = c4py.Manifest()
        else:
            below = sparse(value, random, with_ids=with_ids)
            # As a scan gives it, which hashes what it lists, or as others do, who fill in what is unknown.
            listing = c4py.Manifest([one for one in below if one.depth == 0])
            ids = [below.compute_c4id(), c4py.identify_bytes(c4py.dumps(listing).encode())]
            entry.c4id = random.choice(ids if with_ids else [*ids, None])
        if random.random() < 0.6:
            entry.mode = 0o40755 if is_dir else 0o644
        if random.random() < 0.6:
            entry.timestamp_s = random.randrange(2_000_000)
        if random.random() < 0.6:
            # One of 0 says that a directory is empty.
            entry.size = random.randrange(int(is_dir), 1000)
        manifest.entries.append(entry)
        for one in below:
            inside = one.__copy__()
            inside.depth += 1
            manifest.entries.append(inside)
    manifest.sort_entries()
    return manifest


@settings(max_examples=60)
@given(trees(), st.randoms(use_true_random=False))
def test_a_manifest_is_read_back_by_the_id_that_patches_name(tree: Tree, random: Random) -> None:
    manifest = sparse(tree, random, with_ids=True)
    store = c4py.MemoryStore()
    whole = manifests.put_manifest(store, manifest)
    assert store.get(whole).read() == c4py.dumps(manifest).encode()
    again = manifests.load_stored(store, manifest.compute_c4id())
    assert again.compute_c4id() == manifest.compute_c4id()
    assert keyed(again).keys() == keyed(manifest).keys()
    assert files(again) == files(manifest)
    # A patch of it is found its base.
    changed = manifest.copy()
    changed.entries.append(c4py.Entry("changed", 0o644, size=1))
    patch = c4py.loads(c4py.patch_diff(manifest, changed, closed=True))
    assert c4py.resolve_chain(patch, store=store).compute_c4id() == changed.compute_c4id()


@settings(max_examples=60)
@given(trees(), st.randoms(use_true_random=False))
def test_what_no_id_leads_to_is_told_and_not_taken_for_nothing(tree: Tree, random: Random) -> None:
    manifest = sparse(tree, random, with_ids=False)
    store = c4py.MemoryStore()
    manifests.put_manifest(store, manifest)
    again = manifests.load_stored(store, manifest.compute_c4id())
    assert [entry.canonical() for entry in again if entry.depth == 0] == store.get(
        manifest.compute_c4id()
    ).read().decode().splitlines()
    lost = keyed(manifest).keys() - keyed(again).keys()
    unknown = manifests.unknown_directory(again)
    patch = c4py.Manifest()
    patch.base = manifest.compute_c4id()
    if lost:
        assert unknown is not None
    if unknown is None:
        assert keyed(c4py.resolve_chain(patch, store=store)).keys() == keyed(manifest).keys()
    else:
        assert manifest[unknown].c4id is None
        with pytest.raises(c4py.PatchError, match="nothing says what is in it"):
            c4py.resolve_chain(patch, store=store)
        assert c4py.resolve_chain(patch, base=manifest).compute_c4id() == manifest.compute_c4id()


def test_sizes_that_are_filled_in_are_stored_under_the_id_of_that() -> None:
    manifest = c4py.loads("- - 3 a -\n- - - d/ -\n  - - 2 b -\n")
    store = c4py.MemoryStore()
    manifests.put_manifest(store, manifest)
    assert store.get(manifest.compute_c4id()).read() == b"- - 3 a -\n- - 12 d/ -\n"
    # An empty directory is known to hold nothing.
    assert manifests.unknown_directory(c4py.loads("- - 0 d/ -\n- - 0 e/ -\n  - - 1 x -\n")) is None
    assert manifests.unknown_directory(c4py.loads("- - 9 d/ -\n  - - - e/ -\n- - 1 x -\n")) == "d/e/"
    assert manifests.unknown_directory(c4py.loads("- - 9 d/ -\n  - - - e/ -\n    - - 8 f/ -\n")) == "d/e/f/"

"""Manifests in any store: put in canonical form, and read back with what is in their directories."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import c4py
import pytest
from c4py._rust import ManifestDetector, identify_content
from c4py.store import manifests
from hypothesis import given
from hypothesis import strategies as st

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

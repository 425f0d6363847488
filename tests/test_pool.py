"""Bundles in directories: what they hold, what is refused, and that they go on where they were interrupted."""

from __future__ import annotations

import copy
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import c4py
import pytest
from bundles import CONTENTS, DAMAGES, FILES, contents_of, damage, listing, make_tree, pool_without_hello
from dict_store import DictStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py.store.protocol import AnyStore


# What a bundle holds


def test_a_bundle_has_the_manifest_the_content_and_a_script(
    tmp_path: Path, bundle: Path, stored: c4py.Manifest
) -> None:
    assert sorted(os.listdir(bundle)) == ["extract.sh", "shots.c4m", "store", "store.ids"]
    text = (bundle / "shots.c4m").read_bytes()
    assert text == (tmp_path / "shots.c4m").read_bytes()
    bundled = c4py.FSStore(bundle / "store")
    assert contents_of(stored) <= set(bundled)
    assert c4py.identify_bytes(text) in bundled
    assert os.access(bundle / "extract.sh", os.X_OK)
    assert bundled.verify().is_ok
    lines = (bundle / "store.ids").read_text().splitlines()
    assert lines[0] == str(c4py.identify_bytes(text))
    assert lines[1:] == sorted(map(str, contents_of(stored)))


def test_listings_of_directories_are_taken_along_where_the_store_has_them(
    tmp_path: Path, bundle: Path, stored: c4py.Manifest
) -> None:
    bundled = c4py.FSStore(bundle / "store")
    assert stored.compute_c4id() in bundled
    assert stored["d"].c4id in bundled
    store = DictStore()
    for name in ("hello", "odd"):
        store.put(io.BytesIO(name.encode()))
    c4py.pool(stored, tmp_path / "other", store=store)
    assert stored["d"].c4id not in c4py.FSStore(tmp_path / "other" / "store")


def test_the_result_counts_objects_and_files(tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore) -> None:
    first = c4py.pool(stored, tmp_path / "out", store=store)
    assert first == c4py.PoolResult(copied=CONTENTS, skipped=FILES - CONTENTS)
    second = c4py.pool(stored, tmp_path / "out", store=store)
    assert second == c4py.PoolResult(skipped=FILES)
    assert repr(second) == f"PoolResult(copied=0, skipped={FILES}, missing=0, missing_paths=[])"
    assert copy.deepcopy(second) == pickle.loads(pickle.dumps(second)) == second != first
    assert (tmp_path / "out" / "manifest.c4m").read_text() == c4py.dumps(stored)


def test_a_link_needs_no_content(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not in the tree")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(elsewhere)
    manifest = c4py.scan(tmp_path / "tree")
    assert manifest["link"].c4id is not None
    assert c4py.pool(manifest, tmp_path / "out", store=c4py.MemoryStore()) == c4py.PoolResult()


def test_there_is_always_content_of_no_bytes(tmp_path: Path) -> None:
    manifest = c4py.Manifest([c4py.Entry("a", size=0, c4id=c4py.identify_bytes(b""))])
    assert c4py.pool(manifest, tmp_path / "out", store=DictStore()).copied == 1
    assert c4py.identify_bytes(b"") in c4py.FSStore(tmp_path / "out" / "store")


@pytest.mark.parametrize("kind", [DictStore, c4py.MemoryStore])
def test_any_store_can_be_pooled_from_and_taken_into(tmp_path: Path, here: Path, kind: Callable[[], AnyStore]) -> None:
    store, other = kind(), kind()
    manifest = c4py.scan(make_tree(tmp_path / "source"), store=store)
    assert c4py.pool(manifest, tmp_path / "out", store=store).missing == 0
    done = c4py.ingest(tmp_path / "out", store=other, destination=here)
    assert all(other.has(c4id) for c4id in contents_of(manifest))
    assert (done.skipped, done.missing, done.manifests) == (0, 0, ["manifest.c4m"])
    assert c4py.load(here / "manifest.c4m") == manifest
    again = c4py.ingest(tmp_path / "out", store=other, destination=here)
    assert again == c4py.IngestResult(0, done.copied, ["manifest.c4m"], 0)


def test_members_of_sequences_are_needed_whether_their_list_is_in_the_manifest_or_in_the_store(
    tmp_path: Path, store: c4py.FSStore
) -> None:
    manifest = c4py.scan(make_tree(tmp_path / "source"), store=store, sequences=True)
    text = c4py.dumps(manifest)
    without = "".join(line for line in text.splitlines(keepends=True) if " " in line)
    assert without != text
    (tmp_path / "without.c4m").write_text(without)
    frames = {c4py.identify_bytes(f"frame {number}".encode()) for number in range(5)}
    for given, name in ((manifest, "one"), (tmp_path / "without.c4m", "two")):
        assert c4py.pool(given, tmp_path / name, store=store).missing == 0
        assert frames <= set(c4py.FSStore(tmp_path / name / "store"))
    gone = manifest["d/seq/f.[0000-0004].exr"].c4id
    assert gone in c4py.FSStore(tmp_path / "two" / "store")
    assert gone is not None
    store.remove(gone)
    result = c4py.pool(tmp_path / "without.c4m", tmp_path / "three", store=store)
    assert result.missing_paths == [("d/seq/f.[0000-0004].exr", gone)]


def test_a_sequence_bomb_costs_nothing(tmp_path: Path) -> None:
    c4id = c4py.identify_bytes(b"x")
    manifest = c4py.loads(f"- - - f.[0-999999999].exr {c4id}\n")
    assert c4py.pool(manifest, tmp_path / "out", store=DictStore()).missing == 1


def test_of_a_chain_the_last_state_is_bundled_and_its_bytes_are_kept(tmp_path: Path) -> None:
    store = c4py.MemoryStore()
    old, new = (store.put(io.BytesIO(text)) for text in (b"old", b"new"))
    one = c4py.Manifest([c4py.Entry("a", 0o100644, size=3, c4id=old)])
    two = c4py.Manifest([c4py.Entry("a", 0o100644, size=3, c4id=new)])
    chain = c4py.dumps(one) + c4py.patch_diff(one, two)
    (tmp_path / "chain.c4m").write_text(chain)
    c4py.pool(tmp_path / "chain.c4m", tmp_path / "out", store=store)
    assert (tmp_path / "out" / "chain.c4m").read_text() == chain
    bundled = c4py.FSStore(tmp_path / "out" / "store")
    assert new in bundled
    assert old not in bundled


def test_a_chain_takes_along_the_manifest_that_it_continues_from(tmp_path: Path, here: Path) -> None:
    from c4py.store.manifests import put_manifest

    store = c4py.MemoryStore()
    old, new = (store.put(io.BytesIO(text)) for text in (b"old", b"new"))
    one = c4py.Manifest([c4py.Entry("a", 0o100644, size=3, c4id=old)])
    two = c4py.Manifest([*one, c4py.Entry("b", 0o100644, size=3, c4id=new)])
    put_manifest(store, one)
    (tmp_path / "patch.c4m").write_text(c4py.patch_diff(one, two))
    c4py.pool(tmp_path / "patch.c4m", tmp_path / "out", store=store)
    other = c4py.MemoryStore()
    c4py.ingest(tmp_path / "out", store=other, destination=here)
    assert c4py.resolve_chain(c4py.load(here / "patch.c4m"), store=other) == two
    assert old in other
    assert new in other


def test_a_manifest_without_the_extension_gets_it(tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore) -> None:
    c4py.dump(stored, tmp_path / "shots.txt")
    c4py.pool(tmp_path / "shots.txt", tmp_path / "out", store=store)
    assert (tmp_path / "out" / "shots.txt.c4m").exists()


@pytest.mark.parametrize(
    "name", ["-rf.c4m", "a b.c4m", 'it\'s\n$(x) `y` "z".c4m', "\x1b[31m\udcff.c4m", "@MANIFEST@.c4m"]
)
def test_hostile_names_of_manifests_are_kept(
    tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore, name: str
) -> None:
    c4py.dump(stored, tmp_path / name)
    c4py.pool(tmp_path / name, tmp_path / "out", store=store)
    assert c4py.ingest(tmp_path / "out", store=DictStore(), destination=here).manifests == [name]
    assert os.listdir(here) == [name]


# Missing and corrupt content


def test_missing_content_is_counted_and_named_and_the_rest_is_bundled(
    tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore
) -> None:
    pool_without_hello(stored, tmp_path / "out", store)
    other = c4py.MemoryStore()
    assert c4py.ingest(tmp_path / "out", store=other, destination=here).missing == 1
    store.put(io.BytesIO(b"hello"))
    assert c4py.pool(stored, tmp_path / "out", store=store).copied == 1
    assert c4py.ingest(tmp_path / "out", store=other, destination=here).missing == 0


@pytest.mark.parametrize("how", DAMAGES)
def test_corrupt_content_of_the_store_is_never_bundled(
    tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore, how: str
) -> None:
    hello = c4py.identify_bytes(b"hello")
    damage(store.path(hello), how)
    with pytest.raises(c4py.StoreCorrupt) as raised:
        c4py.pool(stored, tmp_path / "out", store=store)
    assert raised.value.c4id == hello
    assert raised.value.path == "a.txt"
    assert str(raised.value).startswith(f"a.txt: the store has other content under {hello}: that of c4")
    assert os.listdir(tmp_path / "out") == ["store"]
    assert hello not in c4py.FSStore(tmp_path / "out" / "store")


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("what", ["content", "listing", "manifest"])
def test_a_damaged_object_of_a_bundle_is_copied_again(
    tmp_path: Path, here: Path, bundle: Path, stored: c4py.Manifest, store: c4py.FSStore, what: str, how: str
) -> None:
    text_id = c4py.identify_file(tmp_path / "shots.c4m")
    c4id = {"content": c4py.identify_bytes(b"hello"), "listing": stored.compute_c4id(), "manifest": text_id}[what]
    before = listing(bundle)
    damage(c4py.FSStore(bundle / "store").path(c4id), how)
    done = c4py.pool(tmp_path / "shots.c4m", bundle, store=store)
    # Two files have the content.
    is_content = what == "content"
    assert done == c4py.PoolResult(copied=int(is_content), skipped=FILES - is_content)
    assert listing(bundle) == before
    assert c4py.ingest(bundle, store=DictStore(), destination=here).missing == 0


def test_a_damaged_object_that_the_store_does_not_have_is_missing(
    tmp_path: Path, bundle: Path, store: c4py.FSStore
) -> None:
    hello = c4py.identify_bytes(b"hello")
    damage(c4py.FSStore(bundle / "store").path(hello), "flipped")
    store.remove(hello)
    done = c4py.pool(tmp_path / "shots.c4m", bundle, store=store)
    assert done.missing_paths == [("a.txt", hello), ("copy of a.txt", hello)]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_corrupt_object_is_refused_by_name_and_the_sound_ones_are_taken(
    bundle: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore, how: str
) -> None:
    hello = c4py.identify_bytes(b"hello")
    path = c4py.FSStore(bundle / "store").path(hello)
    damage(path, how)
    other = c4py.MemoryStore()
    with pytest.raises(c4py.StoreCorrupt) as raised:
        c4py.ingest(bundle, store=other, destination=here)
    assert raised.value.c4id == hello
    assert raised.value.actual == c4py.identify_bytes(path.read_bytes())
    assert raised.value.path == str(path.relative_to(bundle))
    assert str(raised.value).startswith(f"{raised.value.path}: the bundle has other content under {hello}: that of ")
    copied = pickle.loads(pickle.dumps(raised.value))
    assert (str(copied), copied.path) == (str(raised.value), raised.value.path)
    assert os.listdir(here) == []
    assert contents_of(stored) - {hello} <= set(other)
    assert hello not in other
    assert raised.value.actual not in other
    path.unlink()
    c4py.pool(stored, bundle, store=store)
    assert c4py.ingest(bundle, store=other, destination=here).copied == 1


@pytest.mark.parametrize("how", DAMAGES)
def test_a_manifest_that_is_not_the_one_that_was_bundled_is_refused(bundle: Path, here: Path, how: str) -> None:
    damage(bundle / "shots.c4m", how)
    with pytest.raises(c4py.BundleError, match=r"^shots\.c4m: not the manifest that was bundled$") as raised:
        c4py.ingest(bundle, store=c4py.MemoryStore(), destination=here)
    assert raised.value.path == "shots.c4m"
    assert os.listdir(here) == []
    assert pickle.loads(pickle.dumps(raised.value)).path == "shots.c4m"


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_list_of_ids_is_found(bundle: Path, here: Path, how: str) -> None:
    damage(bundle / "store.ids", how)
    with pytest.raises(c4py.BundleError, match=r"^store\.ids: "):
        c4py.ingest(bundle, store=c4py.MemoryStore(), destination=here)
    assert os.listdir(here) == []


# What may be in a bundle


def test_a_bundle_of_1_0_20_is_taken_in(bundle: Path, here: Path) -> None:
    (bundle / "store.ids").unlink()
    done = c4py.ingest(bundle, store=DictStore(), destination=here)
    assert (done.missing, done.manifests) == (0, ["shots.c4m"])


def test_two_manifests_may_share_a_bundle(bundle: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore) -> None:
    c4py.pool(stored.subtree("d"), bundle, store=store)
    assert c4py.ingest(bundle, store=DictStore(), destination=here).manifests == ["manifest.c4m", "shots.c4m"]


def test_what_is_no_bundle_is_an_error(tmp_path: Path, here: Path) -> None:
    with pytest.raises(c4py.BundleError, match="no bundle"):
        c4py.ingest(here, store=DictStore(), destination=here)
    (tmp_path / "empty" / "store").mkdir(parents=True)
    with pytest.raises(c4py.BundleError, match="no bundle"):
        c4py.ingest(tmp_path / "empty", store=DictStore(), destination=here)
    with pytest.raises(FileNotFoundError):
        c4py.ingest(tmp_path / "nowhere", store=DictStore(), destination=here)


def replace_with_link(path: Path, target: Path) -> None:
    target.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(target)


def replace_with_pipe(path: Path, _target: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_with_directory(path: Path, _target: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("replace", [replace_with_link, replace_with_pipe, replace_with_directory])
@pytest.mark.parametrize("what", ["object", "shots.c4m", "store.ids"])
def test_links_pipes_and_directories_in_a_bundle_are_not_opened(
    tmp_path: Path, bundle: Path, here: Path, what: str, replace: Callable[[Path, Path], None]
) -> None:
    hello = c4py.identify_bytes(b"hello")
    path = c4py.FSStore(bundle / "store").path(hello) if what == "object" else bundle / what
    replace(path, tmp_path / "target")
    if what == "shots.c4m" and path.is_dir() and not path.is_symlink():
        assert c4py.ingest(bundle, store=DictStore(), destination=here).manifests == []
        return
    other = DictStore()
    with pytest.raises(c4py.BundleError, match="not a regular file") as raised:
        c4py.ingest(bundle, store=other, destination=here)
    assert raised.value.path == str(path.relative_to(bundle))
    assert hello not in other.contents or what != "object"
    assert os.listdir(here) == []


def test_links_to_directories_in_a_bundle_are_not_followed(tmp_path: Path, bundle: Path, here: Path) -> None:
    (bundle / "store").rename(tmp_path / "moved")
    (bundle / "store").symlink_to(tmp_path / "moved")
    with pytest.raises(c4py.BundleError, match="^store: not a directory$"):
        c4py.ingest(bundle, store=DictStore(), destination=here)
    (bundle / "store").unlink()
    (bundle / "store").mkdir()
    (bundle / "store" / "c4").symlink_to(tmp_path / "moved")
    with pytest.raises(c4py.BundleError, match="^store/c4: not a directory$"):
        c4py.ingest(bundle, store=DictStore(), destination=here)


def test_directories_that_never_end_cost_little(bundle: Path, here: Path) -> None:
    deep = os.open(bundle / "store", os.O_RDONLY)
    for _ in range(300):
        os.mkdir("c4", dir_fd=deep)
        below = os.open("c4", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    assert c4py.ingest(bundle, store=DictStore(), destination=here).missing == 0


def test_what_was_set_aside_as_corrupt_is_not_taken(bundle: Path, here: Path) -> None:
    bundled = c4py.FSStore(bundle / "store")
    damage(bundled.path(c4py.identify_bytes(b"hello")), "flipped")
    bundled.verify(quarantine=True)
    assert c4py.ingest(bundle, store=DictStore(), destination=here).missing == 1


# Where manifests go


@pytest.mark.parametrize("name", [".c4-workspace-manifest.c4m", ".c4-workspace.json.c4m", ".c4m", "..c4m"])
def test_a_manifest_whose_name_begins_with_a_dot_is_refused(
    tmp_path: Path, here: Path, bundle: Path, stored: c4py.Manifest, store: c4py.FSStore, name: str
) -> None:
    c4py.dump(stored, tmp_path / name)
    with pytest.raises(c4py.BundleError, match="does not begin with a dot"):
        c4py.pool(tmp_path / name, tmp_path / "other", store=store)
    assert not (tmp_path / "other").exists()
    (bundle / "shots.c4m").rename(bundle / name)
    with pytest.raises(c4py.BundleError, match="does not begin with a dot") as raised:
        c4py.ingest(bundle, store=DictStore(), destination=here)
    assert raised.value.path == name
    assert os.listdir(here) == []


def test_another_file_of_the_name_stays_and_nothing_is_taken(bundle: Path, here: Path) -> None:
    (here / "shots.c4m").write_text("mine")
    other = DictStore()
    with pytest.raises(FileExistsError, match=r"shots\.c4m"):
        c4py.ingest(bundle, store=other, destination=here)
    assert other.contents == {}
    assert listing(here) == {"shots.c4m": b"mine"}


def test_a_link_of_the_name_stays_a_link(tmp_path: Path, bundle: Path, here: Path) -> None:
    (here / "shots.c4m").symlink_to(tmp_path / "outside")
    with pytest.raises(FileExistsError):
        c4py.ingest(bundle, store=DictStore(), destination=here)
    assert not (tmp_path / "outside").exists()


def test_a_file_that_comes_meanwhile_is_not_replaced(bundle: Path, here: Path) -> None:
    class Racing(DictStore):
        def put(self, source: BinaryIO) -> c4py.C4ID:
            (here / "shots.c4m").write_text("mine")
            return super().put(source)

    with pytest.raises(FileExistsError):
        c4py.ingest(bundle, store=Racing(), destination=here)
    assert listing(here) == {"shots.c4m": b"mine"}


def test_by_default_manifests_go_into_the_current_directory(
    bundle: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    c4py.ingest(bundle, store=DictStore())
    assert os.listdir(here) == ["shots.c4m"]


def test_a_bundle_does_not_write_through_links(
    tmp_path: Path, bundle: Path, stored: c4py.Manifest, store: c4py.FSStore
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (bundle / "extract.sh").unlink()
    (bundle / "extract.sh").symlink_to(outside)
    c4py.pool(stored, bundle, store=store)
    assert not any(path.is_symlink() for path in bundle.iterdir())
    for name in ("manifest.c4m", "store.ids"):
        (bundle / name).unlink()
        (bundle / name).symlink_to(outside)
        with pytest.raises(FileExistsError):
            c4py.pool(stored, bundle, store=store)
        (bundle / name).unlink()
    assert outside.read_text() == "mine"


@pytest.mark.parametrize("name", ["manifest.c4m", "extract.sh", "store.ids"])
def test_a_file_of_the_users_is_not_replaced(
    tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore, name: str
) -> None:
    (tmp_path / "mine").mkdir()
    if name == "store.ids":
        (tmp_path / "mine" / name).mkdir()
    else:
        (tmp_path / "mine" / name).write_text("mine")
    before = listing(tmp_path / "mine")
    with pytest.raises(FileExistsError) as raised:
        c4py.pool(stored, tmp_path / "mine", store=store)
    assert raised.value.filename == str(tmp_path / "mine" / name)
    assert listing(tmp_path / "mine") == before


def test_another_manifest_of_the_name_in_a_bundle_is_not_replaced(
    tmp_path: Path, bundle: Path, stored: c4py.Manifest, store: c4py.FSStore
) -> None:
    before = listing(bundle)
    c4py.dump(stored.subtree("d"), tmp_path / "shots.c4m")
    with pytest.raises(FileExistsError, match="there is another file of this name"):
        c4py.pool(tmp_path / "shots.c4m", bundle, store=store)
    assert listing(bundle) == before


# Arguments


def test_the_configured_store_is_meant_where_none_is_given(
    tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C4_STORE", str(store.root))
    assert c4py.pool(stored, tmp_path / "out").missing == 0
    monkeypatch.setenv("C4_STORE", str(tmp_path / "other"))
    c4py.ingest(tmp_path / "out", destination=here)
    assert contents_of(stored) <= set(c4py.FSStore(tmp_path / "other"))


def test_paths_may_be_bytes(tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore) -> None:
    c4py.dump(stored, tmp_path / "m.c4m")
    out = os.fsencode(tmp_path / "out")
    c4py.pool(os.fsencode(tmp_path / "m.c4m"), out, store=store)
    assert c4py.ingest(out, store=DictStore(), destination=os.fsencode(here)).manifests == ["m.c4m"]


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    manifest = c4py.Manifest()
    with pytest.raises(TypeError, match="manifest_or_path must be"):
        c4py.pool(1, tmp_path, store=DictStore())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="output_dir must be"):
        c4py.pool(manifest, 1, store=DictStore())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bundle_dir must be"):
        c4py.ingest(None, store=DictStore())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="progress must be"):
        c4py.pool(manifest, tmp_path / "x", store=DictStore(), progress=1)  # type: ignore[arg-type]
    (tmp_path / "bad.c4m").write_text("no manifest\n")
    with pytest.raises(c4py.ParseError, match=r"bad\.c4m: line 1"):
        c4py.pool(tmp_path / "bad.c4m", tmp_path / "x", store=DictStore())

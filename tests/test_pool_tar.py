"""Bundles in one file: that any tar reads them, that the same bundle has the same bytes, and that no attack gets in."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import subprocess
import sys
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import c4py
import pytest
import zstandard
from bundles import CONTENTS, DAMAGES, damage, listing, pool_without_hello
from dict_store import DictStore

FORMS = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"]


@pytest.fixture
def bundle(tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore) -> Path:
    c4py.pool(stored, tmp_path / "bundle.tar", store=store)
    return tmp_path / "bundle.tar"


def plain(path: Path) -> bytes:
    """Give the tar file in a compressed one."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    return data


# What is written


@pytest.mark.parametrize("form", FORMS)
def test_a_bundle_in_one_file_is_that_of_the_directory(
    tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore, form: str
) -> None:
    one = c4py.pool(stored, tmp_path / f"b{form}", store=store)
    assert one == c4py.pool(stored, tmp_path / "directory", store=store)
    assert one.copied == CONTENTS
    with tarfile.open(fileobj=io.BytesIO(plain(tmp_path / f"b{form}"))) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert listing(tmp_path / "unpacked") == listing(tmp_path / "directory")
    assert os.access(tmp_path / "unpacked" / "extract.sh", os.X_OK)
    other = DictStore()
    done = c4py.ingest(tmp_path / f"b{form}", store=other, destination=here)
    assert (done.skipped, done.missing, done.manifests) == (0, 0, ["manifest.c4m"])
    assert c4py.load(here / "manifest.c4m") == stored
    assert done.copied == len(other.contents)
    again = c4py.ingest(tmp_path / f"b{form}", store=other, destination=here)
    assert (again.copied, again.skipped) == (0, done.copied)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bundle_has_the_same_bytes(
    tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore, form: str
) -> None:
    other = c4py.MemoryStore()
    for c4id in store:
        with store.get(c4id) as content:
            other.put(content)
    c4py.pool(stored, tmp_path / f"one{form}", store=store)
    c4py.pool(stored, tmp_path / f"two{form}", store=other)
    assert (tmp_path / f"one{form}").read_bytes() == (tmp_path / f"two{form}").read_bytes()


def test_members_have_no_owner_and_no_time_and_are_sorted(bundle: Path) -> None:
    with tarfile.open(bundle) as archive:
        found = archive.getmembers()
    assert {(member.uid, member.gid, member.mtime, member.uname) for member in found} == {(0, 0, 0, "")}
    names = [member.name for member in found]
    assert names[:3] == ["store.ids", "manifest.c4m", "extract.sh"]
    assert names[3:] == sorted(names[3:])


def test_many_objects_lie_where_a_store_that_was_split_has_them(tmp_path: Path, here: Path) -> None:
    store = c4py.MemoryStore()
    ids = [store.put(io.BytesIO(b"%d" % number)) for number in range(4200)]
    manifest = c4py.Manifest([c4py.Entry(f"f{number}", c4id=c4id) for number, c4id in enumerate(ids)])
    c4py.pool(manifest, tmp_path / "b.tar", store=store)
    with tarfile.open(tmp_path / "b.tar") as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    unpacked = c4py.FSStore(tmp_path / "unpacked" / "store")
    assert all(c4id in unpacked for c4id in ids)
    assert unpacked.verify().is_ok
    assert unpacked.put(io.BytesIO(b"one more")) in unpacked
    assert c4py.ingest(tmp_path / "b.tar", store=DictStore(), destination=here).copied == 4201


def test_other_tars_read_it_and_what_they_write_is_read(tmp_path: Path, here: Path, bundle: Path) -> None:
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "xf", bundle, "-C", tmp_path / "unpacked"], check=True)
    for form in ("gnu", "pax", "ustar"):
        subprocess.run(
            ["tar", "cf", tmp_path / f"{form}.tar", f"--format={form}", "-C", tmp_path / "unpacked", "."], check=True
        )
        other = DictStore()
        assert c4py.ingest(tmp_path / f"{form}.tar", store=other, destination=here).missing == 0
        assert c4py.identify_bytes(b"hello") in other.contents


@pytest.mark.parametrize("name", ["-rf.c4m", "a b.c4m", "it's\n$(x).c4m", "\udcff.c4m", "é" * 120 + ".c4m"])
def test_hostile_and_long_names_of_manifests_are_kept(
    tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore, name: str
) -> None:
    c4py.dump(stored, tmp_path / name)
    c4py.pool(tmp_path / name, tmp_path / "b.tar", store=store)
    assert c4py.ingest(tmp_path / "b.tar", store=DictStore(), destination=here).manifests == [name]


def test_missing_content_is_counted_by_file(
    tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore
) -> None:
    pool_without_hello(stored, tmp_path / "b.tar", store)
    assert c4py.ingest(tmp_path / "b.tar", store=DictStore(), destination=here).missing == 1


@pytest.mark.parametrize("how", DAMAGES)
def test_corrupt_content_of_the_store_leaves_no_file(
    tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore, how: str
) -> None:
    damage(store.path(c4py.identify_bytes(b"hello")), how)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.tar").write_text("the one before")
    with pytest.raises(c4py.StoreCorrupt, match=r"^a\.txt: the store has other content under c4"):
        c4py.pool(stored, tmp_path / "out" / "b.tar", store=store)
    assert listing(tmp_path / "out") == {"b.tar": b"the one before"}


def test_without_zstandard_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ImportError, match=r"pip install 'c4py\[zstd\]'"):
        c4py.pool(c4py.Manifest(), tmp_path / "b.tar.zst", store=DictStore())
    assert os.listdir(tmp_path) == []


# Damage


def test_a_bundle_with_any_byte_cut_off_or_changed_gives_nothing_that_is_wrong(tmp_path: Path, here: Path) -> None:
    store = c4py.MemoryStore()
    manifest = c4py.Manifest([c4py.Entry("a", 0o100644, size=5, c4id=store.put(io.BytesIO(b"hello")))])
    c4py.pool(manifest, tmp_path / "b.tar", store=store)
    whole = (tmp_path / "b.tar").read_bytes()
    sound = {c4py.identify_bytes(b"hello"), c4py.identify_bytes(c4py.dumps(manifest).encode())}

    def refused(data: bytes) -> bool:
        (tmp_path / "damaged.tar").write_bytes(data)
        other = DictStore()
        try:
            c4py.ingest(tmp_path / "damaged.tar", store=other, destination=here)
        except (c4py.BundleError, c4py.StoreCorrupt, c4py.InvalidC4ID):
            assert os.listdir(here) == []
            return True
        finally:
            assert set(other.contents) <= sound
        for path in here.iterdir():
            assert path.read_bytes() == c4py.dumps(manifest).encode()
            path.unlink()
        return False

    assert not refused(whole)
    assert refused(whole + b"x")
    for at in range(0, len(whole), 61):
        for bit in (0, 7):
            refused(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])


@pytest.mark.parametrize("form", [".tar", ".tar.gz", ".tar.zst"])
def test_a_bundle_that_was_cut_off_at_any_byte_is_refused(tmp_path: Path, here: Path, form: str) -> None:
    store = c4py.MemoryStore()
    manifest = c4py.Manifest([c4py.Entry("a", 0o100644, size=5, c4id=store.put(io.BytesIO(b"hello")))])
    c4py.pool(manifest, tmp_path / f"b{form}", store=store)
    whole = (tmp_path / f"b{form}").read_bytes()
    # Of what is not compressed, most bytes are like their neighbours.
    for size in range(0, len(whole), 13 if form == ".tar" else 1):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(c4py.BundleError):
            c4py.ingest(tmp_path / "cut", store=DictStore(), destination=here)
        assert os.listdir(here) == []
    (tmp_path / "cut").write_bytes(whole)
    assert c4py.ingest(tmp_path / "cut", store=DictStore(), destination=here).missing == 0


@pytest.mark.parametrize("form", [".tar", ".tar.gz", ".tar.zst"])
def test_a_truncated_bundle_is_refused_and_the_rest_is_taken_later(
    tmp_path: Path, here: Path, stored: c4py.Manifest, store: c4py.FSStore, form: str
) -> None:
    path = tmp_path / f"b{form}"
    c4py.pool(stored, path, store=store)
    whole = path.read_bytes()
    other = DictStore()
    for part in (0.3, 0.7, 0.95):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(c4py.BundleError, match="ends early|damaged"):
            c4py.ingest(path, store=other, destination=here)
        assert os.listdir(here) == []
    path.write_bytes(whole)
    assert c4py.ingest(path, store=other, destination=here).missing == 0


# Attacks


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, **fields: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: object) -> bytes:
    return header(name, len(data), kind, **fields) + data + bytes(-len(data) % 512)


def attacked(bundle: Path, *more: bytes) -> Path:
    """Put members before those of a bundle."""
    path = bundle.with_name("attack.tar")
    path.write_bytes(b"".join(more) + bundle.read_bytes())
    return path


X = str(c4py.identify_bytes(b"x"))


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../x.c4m",
        "a/x.c4m",
        "/x.c4m",
        "./../x.c4m",
        "store/../../x",
        f"../../{X}",
        f"store/../{X}",
        f"/store/{X}",
        f"store/abc/{X}",
        f"store/{X}/x",
        f"store/{X[:-1]}",
        f"store/{X}0",
        f"store/{'c4' + 'z' * 88}",
        f"store//{X}",
        X,
        "store",
        "store/",
        "extract.sh/",
        "README",
        "",
        ".",
        "..",
        "x.c4m/",
    ],
)
def test_a_file_that_no_bundle_has_is_refused(bundle: Path, here: Path, name: str) -> None:
    # tarfile takes a slash at the end away.
    raw = bytearray(header("x", 1))
    raw[:100] = name.encode().ljust(100, b"\0")
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    path = attacked(bundle, bytes(raw) + b"x".ljust(512, b"\0"))
    other = DictStore()
    with pytest.raises(c4py.BundleError, match="a bundle has no such file"):
        c4py.ingest(path, store=other, destination=here)
    assert other.contents == {}
    assert listing(here.parent).keys() >= {"here"}
    assert os.listdir(here) == []


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CONTTYPE,
        b"S",
        b"g",
        b"V",
    ],
)
@pytest.mark.parametrize("name", ["x.c4m", f"store/{X}"])
def test_links_devices_pipes_and_what_is_seldom_are_refused(bundle: Path, here: Path, kind: bytes, name: str) -> None:
    path = attacked(bundle, header(name, 0, kind, linkname="/etc/passwd"))
    with pytest.raises(c4py.BundleError, match="neither a regular file nor a directory"):
        c4py.ingest(path, store=DictStore(), destination=here)
    assert os.listdir(here) == []


@pytest.mark.parametrize("name", ["../", "/", "store/../x", "other", "store/abc", "x.c4m"])
def test_directories_that_no_bundle_has_are_refused(bundle: Path, here: Path, name: str) -> None:
    path = attacked(bundle, header(name, 0, tarfile.DIRTYPE))
    with pytest.raises(c4py.BundleError, match="a bundle has no such directory"):
        c4py.ingest(path, store=DictStore(), destination=here)


@pytest.mark.parametrize(
    ("first", "second"),
    [("x.c4m", "x.c4m"), ("x.c4m", "./x.c4m"), (f"store/{X}", f"store/c4/{X}"), ("store.ids", "./store.ids")],
)
def test_a_member_that_is_there_twice_is_refused(bundle: Path, here: Path, first: str, second: str) -> None:
    data = b"x" if first.startswith("store/") else f"{X}\n".encode()
    path = attacked(bundle, member(first, data), member(second, data))
    with pytest.raises(c4py.BundleError, match="twice"):
        c4py.ingest(path, store=DictStore(), destination=here)
    assert os.listdir(here) == []


def test_an_object_under_another_name_is_refused(bundle: Path, here: Path) -> None:
    path = attacked(bundle, member(f"store/{X}", b"y"))
    other = DictStore()
    with pytest.raises(c4py.StoreCorrupt) as raised:
        c4py.ingest(path, store=other, destination=here)
    assert (str(raised.value.c4id), raised.value.actual) == (X, c4py.identify_bytes(b"y"))
    assert c4py.identify_bytes(b"y") not in other.contents
    assert os.listdir(here) == []


def test_a_manifest_that_was_not_bundled_is_refused(bundle: Path, here: Path) -> None:
    path = attacked(bundle, member("x.c4m", b"- - 1 a -\n"))
    with pytest.raises(c4py.BundleError, match="not the manifest that was bundled"):
        c4py.ingest(path, store=DictStore(), destination=here)
    assert os.listdir(here) == []


def test_a_bundle_plants_no_state_of_a_workspace(bundle: Path, here: Path) -> None:
    (here / "file").write_text("mine")
    path = attacked(bundle, member(".c4-workspace-manifest.c4m"))
    with pytest.raises(c4py.BundleError, match="does not begin with a dot"):
        c4py.ingest(path, store=DictStore(), destination=here)
    assert listing(here) == {"file": b"mine"}


def pax(key: str, value: str, claimed: int | None = None) -> bytes:
    record = f" {key}={value}\n"
    length = next(n for n in itertools.count(len(record)) if len(str(n)) + len(record) == n)
    return member("pax", f"{length if claimed is None else claimed}{record}".encode(), b"x")


@pytest.mark.parametrize(
    "extension",
    [
        pax("path", "../../x.c4m"),
        pax("path", "/x.c4m"),
        pax("path", "store/../../x"),
        pax("path", "x.c4m", claimed=9999),
        pax("path", "x.c4m", claimed=1),
        pax("path", "x.c4m", claimed=0),
        pax("path", "x\0.c4m"),
        pax("size", "-1"),
        pax("size", "9" * 5000),
        pax("size", "1e9"),
        member("pax", b"no record", b"x"),
        member("pax", b"99999999999999999999 path=x\n", b"x"),
        member("././@LongLink", b"../x.c4m\0", b"L"),
        header("pax", 2**33, b"x"),
        header("././@LongLink", 2**60, b"L"),
    ],
)
def test_extended_headers_are_not_trusted(bundle: Path, here: Path, extension: bytes) -> None:
    path = attacked(bundle, extension, member(f"store/{X}", b"x"))
    with pytest.raises(c4py.BundleError):
        c4py.ingest(path, store=DictStore(), destination=here)
    assert os.listdir(here) == []
    assert not (here.parent / "x.c4m").exists()


@pytest.mark.parametrize("size", [2**33, 2**62, 2**63, 2**80])
def test_sizes_that_no_file_has_are_an_error_and_cost_nothing(bundle: Path, here: Path, size: int) -> None:
    for name in ("x.c4m", "store.ids", f"store/{X}"):
        path = attacked(bundle, header(name, size))
        tracemalloc.start()
        with pytest.raises(c4py.BundleError):
            c4py.ingest(path, store=c4py.FSStore(here.parent / "other"), destination=here)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
        tracemalloc.stop()
        assert os.listdir(here) == []


def test_a_negative_size_is_an_error(bundle: Path, here: Path) -> None:
    raw = bytearray(header("x.c4m", 0))
    raw[124:136] = b"\xff" * 12
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    with pytest.raises(c4py.BundleError, match="damaged"):
        c4py.ingest(attacked(bundle, bytes(raw)), store=DictStore(), destination=here)


def gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(9, wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def zstandardized(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zstandard.ZstdCompressor().compressobj()
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


@pytest.mark.parametrize("packed", [gzipped, zstandardized])
@pytest.mark.parametrize("name", ["x.c4m", "store.ids"])
def test_a_compressed_bomb_is_refused_before_it_is_written(
    tmp_path: Path, here: Path, packed: Callable[[Iterator[bytes]], Iterator[bytes]], name: str
) -> None:
    size = 64 * 1024 * 1024

    def bomb() -> Iterator[bytes]:
        yield header(name, size * 1000)
        for _ in range(size // 2**20):
            yield bytes(2**20)

    (tmp_path / "bomb").write_bytes(b"".join(packed(bomb())))
    with pytest.raises(c4py.BundleError, match="too many"):
        c4py.ingest(tmp_path / "bomb", store=DictStore(), destination=here)
    assert os.listdir(here) == []


def test_padding_without_end_is_refused(tmp_path: Path, here: Path) -> None:
    zeros = (bytes(2**20) for _ in range(16))
    (tmp_path / "bomb").write_bytes(b"".join(gzipped(zeros)))
    with pytest.raises(c4py.BundleError, match="something follows"):
        c4py.ingest(tmp_path / "bomb", store=DictStore(), destination=here)


def test_a_manifest_that_fills_the_disk_leaves_nothing(tmp_path: Path, here: Path, bundle: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    (tmp_path / "code.py").write_text(
        "import resource, sys, signal, c4py\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "c4py.ingest(sys.argv[1], store=c4py.MemoryStore(), destination=sys.argv[2])\n"
    )
    path = attacked(bundle, member("x.c4m", b"- - 1 a -\n" * 20_000))
    done = subprocess.run(
        [sys.executable, tmp_path / "code.py", path, here], capture_output=True, text=True, check=False
    )
    assert "File too large: 'x.c4m'" in done.stderr
    assert os.listdir(here) == []


def test_a_bundle_that_fills_the_disk_leaves_nothing_and_is_named(tmp_path: Path, here: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    (tmp_path / "code.py").write_text(
        "import io, resource, sys, signal, c4py\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "store = c4py.MemoryStore()\n"
        "c4id = store.put(io.BytesIO(bytes(100000)))\n"
        "manifest = c4py.Manifest([c4py.Entry('a', size=100000, c4id=c4id)])\n"
        "c4py.pool(manifest, sys.argv[1], store=store)\n"
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "code.py", here / "b.tar"], capture_output=True, text=True, check=False
    )
    assert "File too large: 'b.tar'" in done.stderr
    assert os.listdir(here) == []


@pytest.mark.usefixtures("here")
def test_memory_is_bounded_however_large_an_object_is(tmp_path: Path) -> None:
    size = 128 * 1024 * 1024
    with open(tmp_path / "zeros", "wb") as file:
        file.truncate(size)
    store = c4py.FSStore(tmp_path / "store")
    with open(tmp_path / "zeros", "rb") as file:
        c4id = store.put(file)
    manifest = c4py.Manifest([c4py.Entry("zeros", size=size, c4id=c4id)])
    code = (
        "import sys, c4py, resource; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "m, store, out, other, here = sys.argv[1:]\n"
        "c4py.pool(m, out, store=c4py.FSStore(store))\n"
        "c4py.ingest(out, store=c4py.FSStore(other), destination=here)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    c4py.dump(manifest, tmp_path / "m.c4m")
    arguments = [tmp_path / name for name in ("m.c4m", "store", "b.tar", "other", "here")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 64 * 1024
    assert c4id in c4py.FSStore(tmp_path / "other")


def test_what_is_no_tar_file_is_an_error(tmp_path: Path, here: Path) -> None:
    for text in (
        b"",
        b"x",
        b"\x1f\x8b",
        b"\x1f\x8bxx",
        b"\x28\xb5\x2f\xfd",
        b"\x28\xb5\x2f\xfdxxxxx",
        b"x" * 2000,
        bytes(1024),
    ):
        (tmp_path / "x.tar").write_bytes(text)
        with pytest.raises(c4py.BundleError):
            c4py.ingest(tmp_path / "x.tar", store=DictStore(), destination=here)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(c4py.NotARegularFile):
        c4py.ingest(tmp_path / "pipe", store=DictStore(), destination=here)
    with pytest.raises(FileNotFoundError):
        c4py.ingest(tmp_path / "nowhere.tar", store=DictStore(), destination=here)


def test_a_store_that_fails_says_so(bundle: Path, here: Path) -> None:
    class Full(DictStore):
        def put(self, source: BinaryIO) -> c4py.C4ID:
            source.read(3)
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        c4py.ingest(bundle, store=Full(), destination=here)
    assert os.listdir(here) == []

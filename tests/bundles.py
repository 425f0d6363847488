"""What the tests of bundles share: a tree that is stored, bundles that lack some of it, damage."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import c4py

#: A busybox, if there is one: its shell, awk, find and sha512sum are other ones.
BUSYBOX = os.environ.get("C4_TEST_BUSYBOX") or shutil.which("busybox")


def make_tree(root: Path) -> Path:
    """Make a tree with two files of one content, a sequence, an empty file, links, and names that are odd."""
    (root / "d" / "seq").mkdir(parents=True)
    (root / "a.txt").write_text("hello")
    (root / "copy of a.txt").write_text("hello")
    (root / "empty").touch()
    (root / "link").symlink_to("a.txt")
    (root / "dangling").symlink_to("nowhere")
    (root / "d" / "large.bin").write_bytes(bytes(range(256)) * 4096)
    (root / "d" / 'it\'s\n"odd" \x1b[31m').write_text("odd")
    for number in range(5):
        (root / "d" / "seq" / f"f.{number:04d}.exr").write_text(f"frame {number}")
    with open(os.path.join(os.fsencode(root), b"-not-utf8-\xff"), "wb") as file:
        file.write(b"bytes")
    return root


#: Contents of `make_tree`: hello, empty, large, odd, five frames, bytes.
CONTENTS = 10
#: Files of `make_tree`.
FILES = 11


def pool_without_hello(stored: c4py.Manifest, bundle: Path, store: c4py.FSStore) -> None:
    """Remove a content of `make_tree` from its store and bundle the rest, which says what is missing."""
    hello = c4py.identify_bytes(b"hello")
    store.remove(hello)
    result = c4py.pool(stored, bundle, store=store)
    assert (result.copied, result.skipped, result.missing) == (CONTENTS - 1, 0, 2)
    assert result.missing_paths == [("a.txt", hello), ("copy of a.txt", hello)]


#: What `damage` does.
DAMAGES = ["flipped", "truncated", "appended"]


def damage(path: Path, how: str) -> None:
    """Flip a bit of a file, cut its last byte off, or append one."""
    data = path.read_bytes()
    changed = {
        "flipped": data[:-1] + bytes([data[-1] ^ 1]) if data else b"",
        "truncated": data[:-1],
        "appended": data + b"x",
    }[how]
    assert changed != data
    path.chmod(0o600)
    path.write_bytes(changed)


def listing(root: Path) -> dict[str, bytes]:
    """Give the files below a directory with their bytes, and everything else with nothing."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        for path in root.rglob("*")
    }


def contents_of(manifest: c4py.Manifest) -> set[c4py.C4ID]:
    """Give the IDs of the files."""
    return {entry.c4id for entry in manifest if entry.c4id and not entry.is_dir() and not entry.is_symlink()}

"""What the tests of verification share: a tree, and the lists of a report that are not empty."""

from __future__ import annotations

import os
from pathlib import Path

from c4py import VerifyReport

LISTS = ("ok", "missing", "corrupt", "extra", "unreadable", "changed", "moved", "canonical_only", "unverified")


def findings(report: VerifyReport) -> dict[str, list[str]]:
    """Give the paths of the lists that are not empty, but for `ok`."""
    return {
        name: [getattr(item, "path", item) if name != "moved" else item.old.path for item in getattr(report, name)]
        for name in LISTS
        if name != "ok" and getattr(report, name)
    }


def write(path: Path, content: str | bytes = "", time: int = 1_700_000_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (time, time))
    return path


def make_tree(root: Path) -> Path:
    """Make a tree in which every file has content of its own."""
    write(root / "a", "content of a")
    write(root / ".hidden", "hidden")
    write(root / "d/b", "content of b")
    write(root / "d/e/c", "content of c, longer")
    (root / "empty").mkdir()
    (root / "link").symlink_to("a")
    os.mkfifo(root / "pipe")
    return root

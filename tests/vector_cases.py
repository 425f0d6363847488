"""Reads `vectors/*.jsonl` by the rules of its README, and runs a check on every case."""

from __future__ import annotations

import base64
import json
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent.parent / "vectors"

Case = dict[str, Any]


def cases(file: str) -> list[Case]:
    with open(VECTORS / f"{file}.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def raw(case: Case, key: str) -> bytes:
    """Give the bytes of a text field, which is base64 where it is no UTF-8."""
    if f"{key}_b64" in case:
        return base64.b64decode(case[f"{key}_b64"])
    return str(case.get(key, "")).encode()


def raws(case: Case, key: str) -> list[bytes]:
    if f"{key}_b64" in case:
        return [base64.b64decode(text) for text in case[f"{key}_b64"]]
    return [text.encode() for text in case[key]]


def name(case: Case, key: str) -> str:
    """Give a text field as Python sees names."""
    return os.fsdecode(raw(case, key))


def check_all(file: str, check: Callable[[Case], object], *, count: int | None = None) -> None:
    """Run a check on every case and report all that fail."""
    failed: list[str] = []
    checked = cases(file)
    assert checked
    assert count is None or len(checked) == count
    for case in checked:
        try:
            check(case)
        except Exception:
            failed.append(f"{case['case']}: {traceback.format_exc(limit=-2)}")
    assert not failed, f"{len(failed)} of {len(checked)} cases of {file} fail\n" + "\n".join(failed[:5])


def create(items: list[Case], root: bytes) -> None:
    """Create file system items: all, then hard links, modes and times of files, then of directories from below."""
    os.makedirs(root, exist_ok=True)

    def path(item: Case) -> bytes:
        return os.path.join(root, raw(item, "path"))

    for item in items:
        match item["type"]:
            case "dir":
                os.mkdir(path(item))
            case "file":
                content = base64.b64decode(item["content_b64"]) if "content_b64" in item else None
                with open(path(item), "wb") as file:
                    file.write(bytes([item["fill_byte"]]) * item["fill_len"] if content is None else content)
            case "symlink":
                os.symlink(raw(item, "target"), path(item))
            case "fifo":
                os.mkfifo(path(item))
    for item in items:
        if item["type"] == "hardlink":
            os.link(os.path.join(root, raw(item, "target")), path(item))
    for item in _directories_last(items):
        if "mode" in item:
            os.chmod(path(item), int(item["mode"], 8))
        if "mtime" in item:
            nanoseconds = item["mtime"] * 1_000_000_000 + item.get("mtime_nsec", 0)
            os.utime(path(item), ns=(nanoseconds, nanoseconds), follow_symlinks=False)


def _directories_last(items: list[Case]) -> Iterator[Case]:
    yield from (item for item in items if item["type"] != "dir")
    yield from sorted(
        (item for item in items if item["type"] == "dir"), key=lambda item: -raw(item, "path").count(b"/")
    )

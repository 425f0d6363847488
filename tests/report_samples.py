"""Reports of verifications that the tests of the renderers share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import c4py
from c4py import C4ID, Entry
from c4py.diff import Moved

HOSTILE = [
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "]]></testcase><!--",
    "&amp;",
    "\x1b[31mred",
    "\u202egnp.exe",
    "bytes\udcff",
    "a\nb\r\tc",
    "\x00\x7f\x85\ufffe",
    "back\\slash",
    "=cmd|' /C calc'!A0",
    " +1",
    "-1",
    "@SUM(A1)",
    "＝1",
    "\t=1",
    "\r=1",
    'a";=1',
    "'=1",
    "a,b",
    "¤",
]


def some_id(text: str) -> C4ID:
    return c4py.identify_bytes(text.encode("utf-8", "surrogateescape"))


@dataclass
class Corrupt:
    path: str
    expected: C4ID = field(default_factory=lambda: some_id("expected"))
    actual: C4ID = field(default_factory=lambda: some_id("actual"))


@dataclass
class Unreadable:
    path: str
    message: str = "Permission denied (os error 13)"


@dataclass
class Changed:
    path: str
    field: str = "mode"
    expected: str = "-rw-r--r--"
    actual: str = "-rwxrwxrwx"


START = datetime(2025, 6, 3, 14, 2, 11, tzinfo=UTC)


@dataclass
class Sample:
    """A VerifyReport, as the renderers see it."""

    ok: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    corrupt: list[Corrupt] = field(default_factory=list)
    canonical_only: list[Corrupt] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    mode: Literal["full", "quick", "sample"] = "full"
    sample: float | None = None
    metadata: bool = False
    accept_canonical: bool = False
    root: str = "/mnt/show"
    manifest_path: str | None = "/mnt/show.c4m"
    manifest_id: C4ID = field(default_factory=lambda: some_id("manifest"))
    started: datetime = START
    ended: datetime = START + timedelta(seconds=2)
    files_total: int = 0
    files_read: int = 0
    bytes_total: int = 0
    bytes_read: int = 0
    workers: int = 2
    cache_dropped: bool | None = None

    @property
    def is_ok(self) -> bool:
        failed = [self.missing, self.extra, self.corrupt, self.unreadable, self.changed]
        if not self.accept_canonical:
            failed.append(self.canonical_only)
        if self.mode == "full":
            failed.append(self.unverified)
        return not any(failed)


def of_every_kind() -> Sample:
    """Give a report with something in each list."""
    plates = [f"shots/plate.{number}.exr" for number in range(1001, 1241)]
    missing = [plates[6], *plates[99:101], "gone", "old.wav"]
    corrupt = [plates[49], "mix.wav"]
    return Sample(
        ok=["shots/", *(path for path in plates if path not in missing and path not in corrupt)],
        missing=missing,
        corrupt=[Corrupt(path) for path in corrupt],
        extra=["new.wav", "shots/plate.1241.exr"],
        unreadable=[Unreadable("secret/key"), Unreadable("")],
        changed=[
            Changed("readme"),
            Changed("readme", "time", "2025-01-01T00:00:00Z", "2025-05-30T09:12:44Z"),
            Changed("mix.wav", "size", "5", "7"),
        ],
        moved=[Moved(Entry("old.wav"), Entry("new.wav"))],
        canonical_only=[Corrupt("list.c4m")],
        unverified=["no_id"],
        metadata=True,
        files_total=249,
        files_read=240,
        bytes_total=5_000_000_000,
        bytes_read=4_000_000_000,
    )


def of_hostile_names() -> Sample:
    """Give a report with hostile names in each list."""
    return Sample(
        ok=[f"ok/{name}" for name in HOSTILE],
        missing=HOSTILE[:],
        extra=[f"extra/{name}" for name in HOSTILE],
        unverified=[f"unverified/{name}" for name in HOSTILE],
        corrupt=[Corrupt(f"corrupt/{name}") for name in HOSTILE],
        canonical_only=[Corrupt(f"canonical/{name}") for name in HOSTILE],
        unreadable=[Unreadable(f"unreadable/{name}", name) for name in HOSTILE],
        changed=[Changed(f"changed/{name}", "target", name, name) for name in HOSTILE],
        moved=[Moved(Entry(name), Entry(f"to{name}")) for name in HOSTILE if name.isprintable()],
        root=f"/{''.join(HOSTILE)}",
        manifest_path=f"/{''.join(HOSTILE)}",
    )


#: What counts as what in of_every_kind: each path once, as the worst it is.
EVERY_COUNT = {
    "corrupt": 2,
    "missing": 5,
    "unreadable": 2,
    "canonical_only": 1,
    "changed": 1,
    "extra": 2,
    "unverified": 1,
    "ok": 237,
}

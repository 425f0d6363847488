"""Frames of zstd that were cut off."""

from __future__ import annotations

import io
import random

import c4py
import pytest
import zstandard
from c4py.bundle.zstd import ZstdFrames

SIZES = [0, 1, 255, 256, 70_000, 400_000]

OPTIONS = [
    {"write_checksum": checksum, "write_content_size": size} for checksum in (True, False) for size in (True, False)
]

SKIPPED = b"\x5f\x2a\x4d\x18\x05\0\0\0abcde"


def read(data: bytes, size: int) -> bytes:
    frames = ZstdFrames(io.BytesIO(data))
    pieces = []
    while piece := frames.read(size):
        pieces.append(piece)
    return b"".join(pieces)


def content(size: int, kind: str) -> bytes:
    return {
        "zeros": bytes(size),
        "noise": random.Random(size).randbytes(size),
        "text": b"".join(b"%d " % number for number in range(size))[:size],
    }[kind]


def frames(kind: str, options: dict[str, bool]) -> list[bytes]:
    compressor = zstandard.ZstdCompressor(**options)  # type: ignore[arg-type]
    streams = [zstandard.ZstdCompressor(**options).compressobj() for _ in SIZES]  # type: ignore[arg-type]
    return [
        *(compressor.compress(content(size, kind)) for size in SIZES),
        *(stream.compress(content(size, kind)) + stream.flush() for size, stream in zip(SIZES, streams, strict=True)),
        SKIPPED,
    ]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", ["zeros", "noise", "text"])
def test_whole_frames_pass_and_those_that_were_cut_off_do_not(kind: str, options: dict[str, bool]) -> None:
    before = b""
    for frame in frames(kind, options):
        assert read(frame, 1000) == frame
        for cut in {*range(1, 12), len(frame) // 2, len(frame) - 5, len(frame) - 1}:
            if 0 < cut < len(frame):
                with pytest.raises(c4py.BundleError, match="ends early"):
                    read(before + frame[:-cut], 100_000)
        before += frame
    for size in (1 if len(before) < 10_000 else 97, 4096, len(before)):
        assert read(before, size) == before

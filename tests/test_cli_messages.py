"""JSON lines: what each is, and how often a status is sent."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py.cli.messages import Messages


def sent(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_message_is_a_line_of_ascii_that_is_written_out_at_once() -> None:
    class Stream(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream = Stream()
    messages = Messages(stream)
    messages.send("missing", path="é\n", c4id=None)
    messages.send("summary", created=2**63)
    assert stream.getvalue().isascii()
    assert sent(stream) == [
        {"message_type": "missing", "path": "é\n", "c4id": None},
        {"message_type": "summary", "created": 2**63},
    ]
    assert stream.flushed == 2


def test_a_scan_sends_a_status_at_once_and_then_one_an_interval(tree: Path) -> None:
    stream = io.StringIO()
    c4py.scan(tree, progress=Messages(stream, interval=3600).progress)
    (told,) = sent(stream)
    assert told["message_type"] == "status"
    stream = io.StringIO()
    c4py.scan(tree, progress=Messages(stream, interval=0).progress)
    *_, last = sent(stream)
    assert list(last) == ["message_type", "phase", "path", "done", "total", "bytes_done", "bytes_total", "seconds"]
    assert (last["phase"], last["done"], last["total"]) == ("done", 4, 4)
    assert last["bytes_done"] == last["bytes_total"] == 11 + 5120 + 5


def test_functions_of_three_and_of_four_values_are_told_alike() -> None:
    stream = io.StringIO()
    progress = Messages(stream, interval=0).progress
    progress("a\udcff", 1, 0)
    progress("create", "b", 0, 2)
    first, second = sent(stream)
    assert (first["phase"], first["done"], first["total"], first["bytes_done"]) == (None, 1, None, None)
    assert first["path"] == c4py._rust.utf8_name("a\udcff") != "a\udcff"
    assert (second["phase"], second["path"], second["done"], second["total"]) == ("apply", "b", 1, 2)
    with pytest.raises(TypeError, match="three or four values"):
        progress("a", 1)

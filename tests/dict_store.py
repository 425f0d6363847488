"""A store as a user may write one: a dictionary, and no base class."""

from __future__ import annotations

import io
from typing import BinaryIO

import c4py


class DictStore:
    """A store that inherits from nothing: a dictionary that can be damaged."""

    def __init__(self) -> None:
        self.contents: dict[c4py.C4ID, bytes] = {}

    def has(self, c4id: c4py.C4ID) -> bool:
        return c4id in self.contents

    def get(self, c4id: c4py.C4ID) -> BinaryIO:
        if c4id not in self.contents:
            raise c4py.ContentNotFound(c4id)
        return io.BytesIO(self.contents[c4id])

    def put(self, source: BinaryIO) -> c4py.C4ID:
        data = source.read()
        c4id = c4py.identify_bytes(data)
        self.contents[c4id] = data
        return c4id

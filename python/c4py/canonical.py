"""The canonical text of files that hold a manifest."""

from __future__ import annotations

from c4py._rust import canonical_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from c4py._types import ReadableBuffer

__all__ = ["try_canonicalize"]


def try_canonicalize(data: ReadableBuffer) -> bytes | None:
    """Give the canonical text of bytes that hold a c4m manifest with at least one entry, else None.

    Bytes hold a manifest when their first line that is not blank begins with a letter of a file type and all of them
    parse.
    """
    return canonical_text(data)

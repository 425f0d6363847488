"""C4 IDs of bytes, streams, files and sets."""

from __future__ import annotations

from c4py import _rust
from c4py._rust import C4ID, identify, identify_bytes, identify_file, parse, tree_id
from c4py.verify import verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic_core import CoreSchema

    from c4py._types import Progress, StrPath

__all__ = [
    "BASE58_ALPHABET",
    "BASE58_MAP",
    "C4ID",
    "C4_ID_LENGTH",
    "C4_PREFIX",
    "DIGEST_SIZE",
    "identify",
    "identify_bytes",
    "identify_file",
    "identify_files",
    "parse",
    "tree_id",
    "verify",
]

#: The digits of an ID's text in the order of their value.
BASE58_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
#: Value of each digit.
BASE58_MAP = {digit: value for value, digit in enumerate(BASE58_ALPHABET)}
#: Characters of an ID's text, prefix included.
C4_ID_LENGTH = 90
#: The characters that every ID begins with.
C4_PREFIX = "c4"
#: Bytes of a digest.
DIGEST_SIZE = 64


def identify_files(
    paths: Iterable[StrPath], *, workers: int | None = None, progress: Progress = None
) -> dict[Path, C4ID | None]:
    """Identify many files at once: their C4 IDs by their paths, None for a file that cannot be read.

    Files are read in parallel by `workers` threads (default: one a processor), each as by `identify_file`. progress: a
    function of (path, files done, files in all), called in this thread, now and then and at the end; or what else
    `c4py.progress` says.
    """
    from c4py.progress import Listener

    with Listener(progress) as listener:
        function = listener.function

        def call(stats: _rust.ScanStats) -> None:
            if function is not None and stats.files_total:
                function(stats.path, stats.files_done, stats.files_total)

        return _rust.identify_files(paths, workers, listener.observe if function is None else call)


def _pydantic_core_schema(cls: type[C4ID], _source: object, _handler: object) -> CoreSchema:
    """Give the schema for pydantic: an ID, or its text; serialized as its text."""
    from pydantic_core import core_schema

    from_text = core_schema.no_info_after_validator_function(parse, core_schema.str_schema())
    return core_schema.json_or_python_schema(
        json_schema=from_text,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_text]),
        serialization=core_schema.to_string_ser_schema(),
    )

"""Content stores: places that keep contents by their C4 IDs.

`open_store` opens the one that is meant. FSStore is a directory, which the tools of the family share; MemoryStore is
memory; MultiStore is several as one; ObjectStore is a bucket of S3, Google Cloud Storage or Azure. A class of one's own
that has `has`, `get` and `put` is a Store too.
"""

from __future__ import annotations

from c4py._rust import C4ID
from c4py.errors import ContentNotFound, StoreCorrupt, StoreError, StoreNotConfigured
from c4py.store.config import (
    Configuration,
    configured_stores,
    init_store,
    is_store_automatic,
    open_store,
    read_configuration,
)
from c4py.store.memory import MemoryStore
from c4py.store.multi import MultiStore
from c4py.store.protocol import Store
from c4py.store.report import GcReport, StoreFinding, StoreReport, StoreStats
from c4py.store.tree import FSStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from c4py.store.objects import ObjectStore

    CONFIG_DIR: Path
    CONFIG_FILE: Path

__all__ = [
    "C4ID",
    "CONFIG_DIR",
    "CONFIG_FILE",
    "SPLIT_THRESHOLD",
    "Configuration",
    "ContentNotFound",
    "FSStore",
    "GcReport",
    "MemoryStore",
    "MultiStore",
    "ObjectStore",
    "Store",
    "StoreCorrupt",
    "StoreError",
    "StoreFinding",
    "StoreNotConfigured",
    "StoreReport",
    "StoreStats",
    "configured_stores",
    "init_store",
    "is_store_automatic",
    "open_store",
    "read_configuration",
]

#: Objects that a directory of an FSStore holds before it is split.
SPLIT_THRESHOLD = 4096


def __getattr__(name: str) -> object:
    """Give what is seldom asked for: ObjectStore, and where the configuration lies for the HOME of now."""
    if name == "ObjectStore":
        from c4py.store.objects import ObjectStore

        return ObjectStore
    if name in ("CONFIG_DIR", "CONFIG_FILE"):
        from pathlib import Path

        directory = Path.home() / ".c4"
        return directory if name == "CONFIG_DIR" else directory / "config"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

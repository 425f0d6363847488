"""C4 identification (SMPTE ST 2114:2017) and c4m manifests.

A C4 ID names content: the SHA-512 digest of bytes as 90 characters. A c4m manifest describes a file tree in plain text.

>>> import c4py
>>> c4py.identify_bytes(b"hello world")
C4ID('c41yP4cqy7jmaRDzC2bmcGNZkuQb3VdftMk6YH7ynQ2Qw4zktKsyA9fk52xghNQNAdkpF9iFmFkKh2bNVG4kDWhsok')
>>> manifest = c4py.scan(".")                       # doctest: +SKIP
>>> print(manifest.summary())                       # doctest: +SKIP
1,247 files, 38 directories, 14.2 GB total, 1,201 unique C4 IDs
"""

from c4py.decoder import load, loads

# The modules whose functions have their names are loaded here: a later import does not take the functions' place.
from c4py.diff import (
    DiffResult,
    Moved,
    PatchInfo,
    apply_patch,
    diff,
    log_chain,
    patch_diff,
    resolve_chain,
    split_chain,
)
from c4py.duplicates import DuplicateCopy, DuplicateGroup, DuplicateReport, find_duplicates
from c4py.encoder import dump, dumps
from c4py.entry import Entry, FlowDirection
from c4py.errors import (
    BundleError,
    C4Error,
    ChangedDuringRead,
    ContentNotFound,
    EmptyPatch,
    InvalidC4ID,
    MissingContent,
    NotADirectory,
    NotARegularFile,
    ParseError,
    PatchError,
    PathTraversal,
    ReconcileError,
    ScanError,
    StoreCorrupt,
    StoreError,
    StoreNotConfigured,
    UnusableManifest,
    VerifyError,
    WorkspaceEmpty,
)
from c4py.id import C4ID, identify, identify_bytes, identify_file, identify_files, parse, tree_id
from c4py.manifest import Manifest
from c4py.merge import Conflict, difference, intersect, merge, union
from c4py.paths import dumps_paths, loads_paths
from c4py.pool import IngestResult, PoolResult, ingest, pool
from c4py.reconcile import ReconcileOp, ReconcilePlan, ReconcileResult, reconcile
from c4py.scanner import ScanIssue, ScanStats, scan
from c4py.store import FSStore, MemoryStore, MultiStore, Store, open_store
from c4py.validator import Issue, Severity, ValidationResult, validate
from c4py.verify import ChangedEntry, CorruptEntry, UnreadableEntry, VerifyReport, verify, verify_tree
from c4py.workspace import Workspace

from c4py._rust import __version__  # isort: skip

__all__ = [
    "C4ID",
    "BundleError",
    "C4Error",
    "ChangedDuringRead",
    "ChangedEntry",
    "Conflict",
    "ContentNotFound",
    "CorruptEntry",
    "DiffResult",
    "DuplicateCopy",
    "DuplicateGroup",
    "DuplicateReport",
    "EmptyPatch",
    "Entry",
    "FSStore",
    "FlowDirection",
    "IngestResult",
    "InvalidC4ID",
    "Issue",
    "Manifest",
    "MemoryStore",
    "MissingContent",
    "Moved",
    "MultiStore",
    "NotADirectory",
    "NotARegularFile",
    "ParseError",
    "PatchError",
    "PatchInfo",
    "PathTraversal",
    "PoolResult",
    "ReconcileError",
    "ReconcileOp",
    "ReconcilePlan",
    "ReconcileResult",
    "ScanError",
    "ScanIssue",
    "ScanStats",
    "Severity",
    "Store",
    "StoreCorrupt",
    "StoreError",
    "StoreNotConfigured",
    "UnreadableEntry",
    "UnusableManifest",
    "ValidationResult",
    "VerifyError",
    "VerifyReport",
    "Workspace",
    "WorkspaceEmpty",
    "__version__",
    "apply_patch",
    "diff",
    "difference",
    "dump",
    "dumps",
    "dumps_paths",
    "find_duplicates",
    "identify",
    "identify_bytes",
    "identify_file",
    "identify_files",
    "ingest",
    "intersect",
    "load",
    "loads",
    "loads_paths",
    "log_chain",
    "merge",
    "open_store",
    "parse",
    "patch_diff",
    "pool",
    "reconcile",
    "resolve_chain",
    "scan",
    "split_chain",
    "tree_id",
    "union",
    "validate",
    "verify",
    "verify_tree",
]

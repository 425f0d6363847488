"""What the tests of reconciliation share: trees from dictionaries, and what has to hold after each change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import c4py
from c4py import Manifest, ReconcilePlan, ReconcileResult


def build(root: Path, tree: dict[str, Any]) -> Path:
    """Make a tree: a name leads to the bytes of a file, the target of a link, or what is in a directory."""
    root.mkdir(parents=True, exist_ok=True)
    for name, value in tree.items():
        path = root / name
        if isinstance(value, dict):
            build(path, value)
        elif isinstance(value, str):
            path.symlink_to(value)
        else:
            path.write_bytes(value)
            os.utime(path, (1_600_000_000, 1_600_000_000 + len(value)))
    return root


def bring(manifest: Manifest | Path, directory: Path, **options: Any) -> ReconcileResult:
    """Reconcile, and see that everything was done."""
    result = c4py.reconcile(manifest, directory, **options)
    assert isinstance(result, ReconcileResult)
    assert result.errors == []
    assert result.is_ok
    result.raise_if_failed()
    return result


def plan(manifest: Manifest | Path, directory: Path, **options: Any) -> ReconcilePlan:
    result = c4py.reconcile(manifest, directory, dry_run=True, **options)
    assert isinstance(result, ReconcilePlan)
    return result


def assert_state(directory: Path, manifest: Manifest) -> None:
    """See by a scan that a directory is what a manifest of a scan says, and that there is nothing left to do."""
    assert c4py.dumps(c4py.scan(directory)) == c4py.dumps(manifest)
    assert plan(manifest, directory).is_empty


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything of a tree that a change would change."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [root, *root.rglob("*")]:
        status = path.lstat()
        found[str(path)] = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return found


def lines(found: ReconcilePlan) -> list[str]:
    return str(found).splitlines()

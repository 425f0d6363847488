"""What `keep_removed` keeps, and the records that reconciling gives."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import c4py
import pytest
from c4py import ReconcileOp, ReconcilePlan, ReconcileResult


def test_what_could_not_be_made_again_is_refused_before_anything_is_touched(
    tmp_path: Path, store: c4py.FSStore
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    os.mkfifo(root / "pipe")
    (root / "file").write_text("content")
    with pytest.raises(c4py.ReconcileError, match="pipe: a device, pipe or socket cannot be kept"):
        c4py.reconcile(c4py.Manifest(), root, store=store, keep_removed=True)
    assert sorted(os.listdir(root)) == ["file", "pipe"]
    # One that stays is no obstacle.
    kept = c4py.scan(root).filter("pipe")
    result = c4py.reconcile(kept, root, store=store, keep_removed=True)
    assert (result.removed, result.not_made) == (1, [])
    assert result.before is not None
    assert sorted(path for path, _ in result.before.flat_entries()) == ["file", "pipe"]
    assert c4py.reconcile(result.before, tmp_path / "other", store=store).not_made == ["pipe"]


def test_the_state_of_a_workspace_is_no_part_of_what_is_kept(tmp_path: Path, store: c4py.FSStore) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_text("content")
    for name in c4py.reconcile.__globals__["LEFT_ALONE"]:
        (root / name).write_text("{}")
    result = c4py.reconcile(c4py.Manifest(), root, store=store, keep_removed=True)
    assert result.before is not None
    assert [path for path, _ in result.before.flat_entries()] == ["file"]
    assert len(os.listdir(root)) == 2


def test_plans_and_results_are_values() -> None:
    one, two = c4py.identify_bytes(b"1"), c4py.identify_bytes(b"2")
    plan = ReconcilePlan([ReconcileOp("mkdir", "d")], [one])
    assert (plan.missing, plan.missing_paths, plan.is_empty) == ([one], [], False)
    assert ReconcilePlan(missing_paths=[("a", one), ("b", two), ("c", one)]).missing == [one, two]
    assert ReconcilePlan([], [one]).summary() == "nothing to do, 1 without content"
    for value in (plan, ReconcileResult(created=1, not_made=["pipe"], is_corrupt=True)):
        assert pickle.loads(pickle.dumps(value)) == value
    assert str(ReconcileResult(not_made=["pi\x1bpe"])).endswith("not made pi\\x1bpe")


@pytest.mark.parametrize(
    ("workers", "error"), [(-1, ValueError), (0, ValueError), (2**70, ValueError), ("2", TypeError)]
)
def test_a_wrong_count_of_workers_is_named(tmp_path: Path, workers: object, error: type[Exception]) -> None:
    calls = (
        lambda: c4py.reconcile(c4py.Manifest(), tmp_path, workers=workers),  # type: ignore[call-overload]
        lambda: c4py.verify_tree(c4py.Manifest(), tmp_path, workers=workers),  # type: ignore[arg-type]
        lambda: c4py.scan(tmp_path, workers=workers),  # type: ignore[arg-type]
        lambda: c4py.identify_files([], workers=workers),  # type: ignore[arg-type]
    )
    for call in calls:
        with pytest.raises(error, match="workers must be"):
            call()


def test_a_store_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="store must have methods has and get, not be int"):
        c4py.reconcile(c4py.Manifest(), tmp_path, store=3)  # type: ignore[call-overload]

"""The reference results for merges, intersections, directories and paths, through the public API."""

from __future__ import annotations

import os
from pathlib import Path

import c4py
import pytest
from c4py import Manifest
from vector_cases import Case, cases, check_all, create, name, raw, raws

#: The reference overwrites the entry that has the name of the loser; here the loser gets the next free name.
CONFLICT_NAME_TAKEN = {"conflict-name-taken", "conflict-name-added"}


def manifest(case: Case, key: str) -> Manifest:
    return c4py.loads(raw(case, key))


def test_merges() -> None:
    def check(case: Case) -> None:
        base = None if case["base"] is None else manifest(case, "base")
        local, remote = manifest(case, "local"), manifest(case, "remote")
        merged, conflicts = c4py.merge(base, local, remote)
        if case["case"] in CONFLICT_NAME_TAKEN:
            assert merged["a.conflict2"].c4id == local["a"].c4id
            merged.entries.remove(merged["a.conflict2"])
        assert c4py.dumps(merged) == case["merged"]
        assert str(merged.compute_c4id()) == case["id"]
        # Paths of directories have no slash here, and conflicts the order of the manifest.
        found = {
            conflict.path: tuple(e and e.canonical() for e in (conflict.local_entry, conflict.remote_entry))
            for conflict in conflicts
        }
        assert found == {name(c, "path").rstrip("/"): (c["local"], c["remote"]) for c in case["conflicts"]}
        assert len(found) == len(conflicts)
        for conflict in conflicts:
            for entry, side in ((conflict.local_entry, local), (conflict.remote_entry, remote)):
                assert entry is None or (entry.path == conflict.path and entry in side)

    check_all("merge", check, count=160)


def test_subtrees() -> None:
    def check(case: Case) -> None:
        whole, path = manifest(case, "text"), name(case, "path")

        def result() -> Manifest:
            return whole.subtree(path) if case["kind"] == "extract" else whole.with_subtree(path, manifest(case, "sub"))

        if case["case"] == "no-slash":
            assert result() == whole.subtree("a/"), "a path may lack the slash"
        elif case["case"] == "empty-path":
            assert result() == whole, "the empty path is the top"
        elif "error" not in case:
            assert c4py.dumps(result()) == case["result"]
            assert str(result().compute_c4id()) == case["id"]
        elif case["error"].startswith("entry not found"):
            with pytest.raises(KeyError, match=path):
                result()
        else:
            assert case["error"].startswith("entry is not a directory")
            with pytest.raises(c4py.NotADirectory, match=path):
                result()

    check_all("subtree", check, count=73)


def test_entry_paths() -> None:
    def check(case: Case) -> None:
        loaded = manifest(case, "text")
        paths = [path for path, _ in loaded.flat_entries()]
        assert paths == [entry.path for entry in loaded]
        if case["case"] == "mode-d-no-slash":
            assert paths == ["d", "d/k"], "a directory by its mode alone gets its slash"
            return
        in_order = [os.fsdecode(path) for path in raws(case, "in_order")]
        assert paths == [path.rstrip("/") for path in in_order]
        # The reference has a second rule for the path of an orphan.
        if not case["case"].startswith("orphan"):
            assert sorted(in_order) == sorted(os.fsdecode(path) for path in raws(case, "paths"))

    check_all("entry_paths", check, count=66)


def test_merges_and_intersections_of_the_command(tmp_path: Path) -> None:
    checked: dict[str, int] = {"merge": 0, "intersect": 0}
    wrong_usage: set[str] = set()
    for number, case in enumerate(cases("cli")):
        match case["argv"]:
            case ["merge", *_, last] if last.endswith(".c4m") or not case["exit_code"]:
                paths = [argument for argument in case["argv"][1:] if argument != "-e"]
            case ["intersect", "id" | "path", *paths]:
                pass
            case [("merge" | "intersect"), *_]:
                wrong_usage.add(case["case"])
                continue
            case _:
                continue
        if len(paths) < 2:
            wrong_usage.add(case["case"])
            continue
        root = tmp_path / str(number)
        create(case["files"], os.fsencode(root))
        sides = [c4py.scan(root / path) if (root / path).is_dir() else c4py.load(root / path) for path in paths]
        result, *others = sides
        conflicts: list[c4py.Conflict] = []
        if case["argv"][0] == "merge":
            for other in others:
                result, found = c4py.merge(None, result, other)
                conflicts += found
        else:
            result = c4py.intersect(result, others[0], by=case["argv"][1])
        checked[case["argv"][0]] += 1
        if conflicts:
            # The command says what is in conflict, and writes nothing.
            assert (case["exit_code"], case["stdout"]) == (1, ""), case["case"]
            assert case["stderr_first_line"] == f"conflict: {conflicts[0].path}"
        else:
            assert c4py.dumps(result, pretty="-e" in case["argv"]) == case["stdout"], case["case"]
            assert case["exit_code"] == 0
    assert checked == {"merge": 20, "intersect": 22}
    assert wrong_usage == {"merge-one-arg", "intersect-no-args", "intersect-unknown", "intersect-one-arg"}

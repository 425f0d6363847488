"""The trees of `vectors/scan.jsonl`, verified with the manifests that the reference has made of them."""

from __future__ import annotations

import os

import c4py
import pytest
from test_vectors_scan import directory
from vector_cases import Case, check_all, raw
from vector_cases import create as create_tree

#: Cases whose manifest is not that of the whole tree, or not as the reference should write it, and the lists that tell.
DEVIATIONS = {
    "name-ends-with-backslash": "a name that ends in a backslash does not read back from text",
    "seq-nested-plain-files": "the reference folds over directories: files move to other ones",
    "seq-same-names-in-two-dirs": "the reference folds over directories: files move to other ones",
}

#: Runs that leave something out.
PARTIAL = ("exclude", "exclude-file", "exclude-file-env", "guide")


def without_content(manifest: c4py.Manifest, tree: bytes) -> list[str]:
    """List what is no directory and no link, and has no ID or no type that there is."""
    return [
        path
        for path, entry in manifest.expand_sequences().flat_entries()
        if not entry.is_dir() and not entry.target and entry.c4id is None and entry.mode & 0o170_000 == 0
        if os.path.lexists(os.path.join(tree, os.fsencode(path)))
    ]


def test_a_tree_is_what_the_reference_says_of_it() -> None:
    counted = {"ok": 0, "unverified": 0, "deviation": 0, "partial": 0, "no manifest": 0, "not readable": 0}

    def check(case: Case) -> None:
        with directory() as cwd:
            tree = os.path.join(cwd, b"tree")
            create_tree(case["tree"], tree)
            create_tree(case.get("beside", []), cwd)
            for run in case["runs"]:
                check_run(case, run, tree)

    def check_run(case: Case, run: Case, tree: bytes) -> None:
        if "reference_does_not_finish" in run or run["exit_code"] != 0:
            counted["no manifest"] += 1
            return
        args = run["args"]
        if case["case"] == "symlink-names" and args == ["-m", "s"]:
            # A structure scan writes a target that reads as a flow link to no location.
            with pytest.raises(c4py.ParseError):
                c4py.loads(raw(run, "stdout"))
            counted["not readable"] += 1
            return
        manifest = c4py.loads(raw(run, "stdout"))
        report = c4py.verify_tree(manifest, tree, metadata=True)
        assert report.unverified == without_content(manifest, tree) or case["case"] in DEVIATIONS, (args, report)
        found = {name for name, count in report.counts.items() if count} - {"ok", "unverified"}
        if case["case"] in DEVIATIONS and (case["case"] == "name-ends-with-backslash" or "-S" in args):
            counted["deviation"] += 1
            assert found >= {"missing", "extra"} or not found, (args, found)
        elif case["case"] in PARTIAL:
            counted["partial"] += 1
            assert found <= {"extra"}, (args, found)
        else:
            counted["ok" if report.is_ok else "unverified"] += 1
            assert not found, (args, report)
            assert report.counts["ok"] + report.counts["unverified"] == len(case["tree"])

    check_all("scan", check, count=115)
    assert counted["ok"] > 80, counted
    assert counted["unverified"] > 180, counted
    assert counted == counted | {"deviation": 5, "not readable": 1}, counted

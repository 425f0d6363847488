"""`docs/differences.md`: each case of `vectors/` that is decided differently is told, and what is told is a case."""

from __future__ import annotations

import importlib
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from c4py.cli import VERBS
from vector_cases import VECTORS, cases

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "differences.md").read_text()

#: Names of tables of the tests whose keys are cases, or lists of cases by their reason.
TABLE = re.compile(r"^((?:\w+_)?DEVIATIONS)\b", re.MULTILINE)


def listed() -> list[tuple[str, str]]:
    """Give the cases and patterns that the page lists, each with the file of vectors in which it is."""
    items = re.findall(r"^- `(\w+)\.jsonl`: (.*?) –\s", PAGE, re.MULTILINE | re.DOTALL)
    return [(file, label) for file, labels in items for label in re.findall(r"`([^`]+)`", labels)]


def deviations() -> list[tuple[str, str]]:
    """Give the cases that tests name in tables of deviations, each with the module."""
    found = []
    for path in sorted(TESTS.glob("test_*.py")):
        for table in TABLE.findall(path.read_text()) if path != Path(__file__) else ():
            value = getattr(importlib.import_module(path.stem), table)
            assert isinstance(value, dict), f"{path.stem}.{table} is no dictionary from cases to reasons"
            for key, reason in value.items():
                found += [(path.stem, case) for case in (reason if isinstance(reason, list) else [key])]
    return found


LABELS = {path.stem: {case["case"] for case in cases(path.stem)} for path in VECTORS.glob("*.jsonl")}


def test_every_deviation_of_the_tests_is_told() -> None:
    patterns = listed()
    untold = {
        f"- `{'cli' if module.startswith('test_cli') else '???'}.jsonl`: `{case}` – why ({module})"
        for module, case in deviations()
        if not any(fnmatchcase(case, pattern) and case in LABELS[file] for file, pattern in patterns)
    }
    assert untold == set(), "docs/differences.md lacks these lines under Cases, and the words for users above them"


def test_there_are_tables_to_compare() -> None:
    modules = {module for module, _ in deviations()}
    assert modules >= {"test_cli_patch", "test_vectors_scan", "test_vectors_validate", "test_vectors_verify"}


@pytest.mark.parametrize(("file", "pattern"), listed())
def test_every_case_that_is_told_is_one(file: str, pattern: str) -> None:
    assert [label for label in LABELS[file] if fnmatchcase(label, pattern)], f"no case of {file}.jsonl: {pattern}"


def test_no_case_is_told_twice() -> None:
    told = [entry for entry in listed() if entry[0] != "validate"]
    assert len(told) == len(set(told))


def test_headings_are_verbs() -> None:
    headings = re.findall(r"^## (.*)", PAGE, re.MULTILINE)
    assert headings[0] == "Every verb"
    assert headings[-2:] == ["The library", "Cases"]
    assert set(headings[1:-2]) <= set(VERBS)
    assert len(set(headings)) == len(headings)

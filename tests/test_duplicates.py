"""`find_duplicates`: which files of directories and manifests have one content."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py import DuplicateCopy, DuplicateGroup, DuplicateReport, duplicates, find_duplicates


def of(content: str) -> c4py.C4ID:
    return c4py.identify_bytes(content.encode())


def paths(report: DuplicateReport) -> list[list[tuple[str, str]]]:
    return [[(copy.source, copy.path) for copy in group.copies] for group in report.groups]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a directory with three files of one content, one of which has two names, and two others of one size."""
    root = tmp_path / "tree"
    for path, content in {"a": "hello", "sub/b": "hello", "sub/c": "hello", "x": "12", "y": "34"}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    (root / "link").hardlink_to(root / "a")
    return root


def test_a_report_says_what_is_where_and_what_it_wastes(tree: Path) -> None:
    report = find_duplicates(tree)
    root = str(tree)
    copies = [
        DuplicateCopy(root, "a", f"{root}/a", 0),
        DuplicateCopy(root, "link", f"{root}/link", 0),
        DuplicateCopy(root, "sub/b", f"{root}/sub/b", 1),
        DuplicateCopy(root, "sub/c", f"{root}/sub/c", 2),
    ]
    group = DuplicateGroup(of("hello"), "file", 5, 10, copies)
    assert report == DuplicateReport([group], [])
    assert report.wasted == 10
    assert report != DuplicateReport([], [])
    assert repr(copies[0]) == f"DuplicateCopy(source={root!r}, path='a', location='{root}/a', file=0)"
    for made in (pickle.loads(pickle.dumps(report)), copy.deepcopy(report)):
        assert made == report


@pytest.mark.parametrize("given", [str, os.fsencode, Path, lambda path: [path], lambda path: [path, str(path)]])
def test_sources_are_a_path_or_many(tree: Path, given: Callable[[Path], Any]) -> None:
    assert find_duplicates(given(tree)) == find_duplicates(tree)


def test_sources_have_names_of_ones_own_in_a_mapping(tree: Path) -> None:
    c4py.dump(c4py.scan(tree / "sub"), tree.parent / "sub.c4m")
    listed = c4py.Manifest([c4py.Entry("z", size=5, c4id=of("hello"))])
    report = find_duplicates({"mine": tree / "sub", "theirs": tree.parent / "sub.c4m", "memory": listed})
    assert paths(report) == [[("mine", "b"), ("mine", "c"), ("theirs", "b"), ("theirs", "c"), ("memory", "z")]]
    assert [copy.location for copy in report.groups[0].copies][1:3] == [str(tree / "sub" / "c"), None]


def test_what_is_there_twice_is_looked_at_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = c4py.identify_files

    def watched(paths: Any, **options: Any) -> Any:
        read.extend(paths)
        return original(paths, **options)

    monkeypatch.setattr(duplicates, "identify_files", watched)
    report = find_duplicates({"one": tree, "two": tree / "sub", "three": tree / "sub" / ".."})
    assert paths(report) == [[("one", "a"), ("one", "link"), ("one", "sub/b"), ("one", "sub/c")]]
    assert sorted(map(os.path.basename, read)) == ["a", "b", "c", "x", "y"]


def test_small_files_empty_files_and_patterns(tree: Path) -> None:
    (tree / "empty").touch()
    (tree / "sub" / "empty").touch()
    assert not find_duplicates(tree, min_size=6).groups
    assert paths(find_duplicates(tree, min_size=6, empty=True)) == [[(str(tree), "empty"), (str(tree), "sub/empty")]]
    assert len(find_duplicates(tree, min_size=0).groups) == 1
    assert len(paths(find_duplicates(tree, exclude="sub/b"))[0]) == 3
    assert len(paths(find_duplicates(tree, exclude=["sub/b", b"link"]))[0]) == 2


def test_sizes_that_are_not_known_may_be_any(tree: Path) -> None:
    listed = c4py.Manifest([c4py.Entry("z", c4id=of("12"))])
    report = find_duplicates({"t": tree, "l": listed})
    assert [("t", "x"), ("l", "z")] in paths(report)
    alone = find_duplicates({"l": c4py.Manifest([c4py.Entry(name, c4id=of("12")) for name in "ab"])})
    assert [(group.size, group.wasted) for group in alone.groups] == [(None, 0)]
    assert json.loads(alone.to_json())["groups"][0]["size"] is None


def test_whole_directories_are_told_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("content")
        os.utime(tmp_path / name / "file", (1, 1))
        os.utime(tmp_path / name, (1, 1))
    (group,) = find_duplicates(tmp_path, directories=True).groups
    assert (group.type, [copy.path for copy in group.copies]) == ("directory", ["one", "two"])
    (group,) = find_duplicates(tmp_path).groups
    assert (group.type, [copy.path for copy in group.copies]) == ("file", ["one/file", "two/file"])


def test_what_goes_away_meanwhile_is_told_with_its_source(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = c4py.identify_files

    def slow(paths: Any, **options: Any) -> Any:
        (tree / "sub" / "b").unlink()
        return original(paths, **options)

    monkeypatch.setattr(duplicates, "identify_files", slow)
    report = find_duplicates(tree)
    (error,) = report.errors
    assert (error.path, error.code, error.is_error) == (str(tree / "sub" / "b"), "unreadable", True)
    assert error.message == "No such file or directory"
    assert [path for _, path in paths(report)[0]] == ["a", "link", "sub/c"]
    (told,) = json.loads(report.to_json())["errors"]
    assert told["path"] == error.path


def test_json_is_written_piece_by_piece_and_for_any_name(tree: Path) -> None:
    for name in (b"\xff", b"\x1b[31m", "\u202e".encode()):
        with open(os.path.join(os.fsencode(tree), name), "wb") as file:
            file.write(b"hello")
    report = find_duplicates(tree)
    text = report.to_json()
    written = io.StringIO()
    report.write_json(written)
    assert written.getvalue() == text + "\n"
    assert text.isascii()
    document = json.loads(text)
    json.dumps(document, ensure_ascii=False).encode()  # no lone surrogate
    assert document["wasted"] == report.wasted == 25
    assert list(document["groups"][0]) == ["c4id", "type", "size", "wasted", "copies"]
    assert [copy["file"] for copy in document["groups"][0]["copies"]] == [c.file for c in report.groups[0].copies]


def test_progress_is_that_of_the_scan_and_of_what_is_read(tree: Path) -> None:
    told: list[tuple[str, int, int]] = []
    find_duplicates(tree, progress=lambda *moment: told.append(moment))
    assert told[-1][1:] == (5, 5)

    def stop(*_: object) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        find_duplicates(tree, progress=stop)


def test_wrong_arguments_are_named(tree: Path) -> None:
    with pytest.raises(TypeError, match="sources"):
        find_duplicates(c4py.Manifest())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="min_size must be int, not str"):
        find_duplicates(tree, min_size="1K")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="min_size must be 0 or more, not -1"):
        find_duplicates(tree, min_size=-1)
    with pytest.raises(FileNotFoundError):
        find_duplicates(tree / "nowhere")
    with pytest.raises(c4py.NotADirectory):
        find_duplicates(tree / "a")
    (tree / "bad.c4m").write_text("no manifest\n")
    with pytest.raises(c4py.ParseError, match="bad.c4m"):
        find_duplicates([tree / "bad.c4m"])
    assert find_duplicates([]) == DuplicateReport([], [])

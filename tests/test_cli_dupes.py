"""`c4py dupes`: which files have the same content, and what that wastes."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py import duplicates
from c4py.cli import main
from command import c4py_run


def of(content: str) -> str:
    return str(c4py.identify_bytes(content.encode()))


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a tree with three copies of one content, two of a larger one, and files of the same size that differ."""
    root = tmp_path / "t"
    for path, content in {
        "a/one": "hello",
        "b/two": "hello",
        "b/three": "hello",
        "a/large": "x" * 5000,
        "large": "x" * 5000,
        "other": "world",
        "single": "of a size of its own",
        "empty": "",
        "b/empty": "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    monkeypatch.chdir(tmp_path)
    return root


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Run with --json; give the copies of each group as source/path."""
    code = main(["dupes", "--json", *arguments])
    document = json.loads(capsys.readouterr().out)
    assert code == (1 if document["groups"] else 0)
    assert document["wasted"] == sum(group["wasted"] for group in document["groups"])
    return [[os.path.join(copy["source"], copy["path"]) for copy in group["copies"]] for group in document["groups"]]


def test_copies_are_told_those_that_waste_most_first(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del copies
    assert main(["dupes", "t"]) == 1
    assert capsys.readouterr().out == (
        f"2 files, 4.9 KB (5,000 bytes) each, 4.9 KB (5,000 bytes) wasted: {of('x' * 5000)}\n"
        "  t/large\n"
        "  t/a/large\n"
        "\n"
        f"3 files, 5 bytes each, 10 bytes wasted: {of('hello')}\n"
        "  t/a/one\n"
        "  t/b/three\n"
        "  t/b/two\n"
        "\n"
        "2 groups, 4.9 KB (5,010 bytes) wasted\n"
    )


def test_no_copies_are_no_output_and_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert main(["dupes", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""


def test_only_files_of_a_size_that_occurs_twice_are_read(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = []
    original = c4py.identify_files
    (copies / "a" / "link").hardlink_to(copies / "a" / "one")

    def watched(paths: Any, **options: Any) -> Any:
        read.extend(paths)
        return original(paths, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "identify_files", watched)
        listed(capsys, "t")
    assert sorted(read) == ["t/a/large", "t/a/link", "t/b/three", "t/b/two", "t/large", "t/other"]


def test_hard_links_are_named_and_waste_nothing(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copies / "a" / "link").hardlink_to(copies / "a" / "one")
    (copies / "single link").hardlink_to(copies / "single")
    assert main(["dupes", "--min-size", "1", "t"]) == 1
    printed = capsys.readouterr().out
    assert "4 files, 5 bytes each, 10 bytes wasted" in printed
    assert "  t/a/one (hard link to t/a/link)\n" in printed
    assert "single" not in printed
    main(["dupes", "--json", "t"])
    (_, group) = json.loads(capsys.readouterr().out)["groups"]
    assert [copy["file"] for copy in group["copies"]] == [0, 0, 1, 2]
    assert group["type"] == "file"
    assert (group["c4id"], group["size"], group["wasted"]) == (of("hello"), 5, 10)


def test_small_and_empty_files_can_be_left_out_or_taken(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del copies
    assert listed(capsys, "--min-size", "1K", "t") == [["t/large", "t/a/large"]]
    assert listed(capsys, "--min-size", "5K", "t") == []
    assert listed(capsys, "--empty", "--min-size", "1M", "t") == [["t/empty", "t/b/empty"]]
    assert listed(capsys, "--exclude", "large", "t") == [["t/a/one", "t/b/three", "t/b/two"]]


def test_directories_that_overlap_are_looked_at_once(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del copies
    assert listed(capsys, "t", "t/a", "t/./b", "t") == listed(capsys, "t")


def test_a_manifest_says_what_was_there_before(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    c4py.dump(c4py.scan(copies), copies.parent / "t.c4m")
    assert listed(capsys, "t/a", "t.c4m") == [
        ["t/a/large", "t.c4m/large", "t.c4m/a/large"],
        ["t/a/one", "t.c4m/a/one", "t.c4m/b/three", "t.c4m/b/two"],
    ]
    assert main(["dupes", "t.c4m"]) == 1
    assert "  t.c4m: a/one\n" in capsys.readouterr().out


def test_a_manifest_on_stdin_and_one_without_sizes(copies: Path, home: Path) -> None:
    text = f"- - - known {of('of a size of its own')}\n- - - unknown -\n".encode()
    done = c4py_run("dupes", copies, "-", home=home, piped=text)
    assert done.returncode == 1
    assert b"/single\n  -: known\n" in done.stdout
    alone = c4py_run("dupes", "-", home=home, piped=f"- - - a {of('a')}\n- - - b {of('a')}\n".encode())
    assert alone.stdout.startswith(b"2 files, size not known: c4")


def test_hard_links_and_sequences_of_a_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.c4m"
    frames = [c4py.Entry(f"f.{n}.exr", c4id=of("same"), size=4) for n in range(3)]
    folded = c4py.Manifest([*frames, c4py.Entry("copy", c4id=of("same"), size=4)]).with_sequences()
    c4py.dump(folded, path)
    assert [sorted(map(os.path.basename, group)) for group in listed(capsys, str(path))] == [
        ["copy", "f.0.exr", "f.1.exr", "f.2.exr"]
    ]
    linked = [c4py.Entry(name, c4id=of("x"), size=1, hard_link=1) for name in "ab"]
    c4py.dump(c4py.Manifest(linked), path)
    assert listed(capsys, str(path)) == []
    c4py.dump(c4py.Manifest([*linked, c4py.Entry("c", c4id=of("x"), size=1)]), path)
    assert len(listed(capsys, str(path))[0]) == 3


def test_whole_directories_are_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_text("content")
        for path in ("sub/file", "sub", "."):
            os.utime(tmp_path / name / path, (1, 1))
    (tmp_path / "file").write_text("content")
    groups = listed(capsys, "--directories", str(tmp_path))
    names = [[os.path.relpath(path, tmp_path) for path in group] for group in groups]
    assert sorted(names) == [["file", "one/sub/file", "two/sub/file"], ["one", "two"]]
    (tmp_path / "file").unlink()
    assert len(listed(capsys, "--directories", str(tmp_path))) == 1
    main(["dupes", "--directories", str(tmp_path)])
    assert capsys.readouterr().out.startswith("2 directories, ")


def test_manifests_are_copies_by_their_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["- - 1 a -\n", "- - 2 b -\n"]
    (tmp_path / "a").write_text("".join(lines))
    (tmp_path / "b").write_text("".join(reversed(lines)))
    assert c4py.identify_file(tmp_path / "a") == c4py.identify_file(tmp_path / "b")
    assert listed(capsys, str(tmp_path)) == []
    (tmp_path / "c").write_text("".join(reversed(lines)))
    (group,) = listed(capsys, str(tmp_path))
    assert [os.path.basename(path) for path in group] == ["b", "c"]


def test_links_pipes_and_what_they_point_at_are_no_copies(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copies / "symlink").symlink_to("large")
    os.mkfifo(copies / "pipe")
    assert len(listed(capsys, "t")[0]) == 2


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_is_named_and_the_rest_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    # pytest's directories belong to the user who started it.
    with tempfile.TemporaryDirectory() as folder:
        for name in "abc":
            Path(folder, name).write_text("same")
        Path(folder, "b").chmod(0)
        assert main(["dupes", folder]) == 3
        printed = capsys.readouterr()
        assert printed.err == f"c4py dupes: {folder}/b: Permission denied\n"
        assert printed.out.startswith("2 files, 4 bytes each")


def test_hostile_names_are_seen_and_do_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (b"\x1b[31m", b"\xff", "\u202e".encode(), b"a\nb"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(b"same")
    assert main(["dupes", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable()
    assert "\\x1b[31m" in printed
    main(["dupes", "--json", str(tmp_path)])
    assert capsys.readouterr().out.rstrip("\n").isascii()


def test_wrong_usage_and_errors_end_with_2(home: Path) -> None:
    (home / "bad.c4m").write_text("not a manifest\n")
    (home / "file").write_text("x")
    for arguments in (
        [],
        ["--min-size", "x", "."],
        ["--min-size", "-1", "."],
        ["nope"],
        ["bad.c4m"],
        ["file"],
        ["--x"],
    ):
        done = c4py_run("dupes", *arguments, home=home)
        assert (done.returncode, done.stdout) == (2, b""), (arguments, done.stderr)
        assert b"Traceback" not in done.stderr


def test_help_tells_the_exit_codes(home: Path) -> None:
    done = c4py_run("dupes", "--help", home=home)
    assert done.returncode == 0
    assert b"exit codes:\n  0    no duplicates\n  1    duplicates\n  2    an error" in done.stdout
    assert b"dupes" in c4py_run("--help", home=home).stdout

"""`c4py diff`: what changed between manifests and directories, as a patch, a summary or JSON."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import c4py
import c4py._unread  # before a test is somebody who cannot read the interpreter's own files
import pytest
from c4py.cli import main, terminal
from command import COMMAND, c4py_run, environment
from hypothesis import given, settings
from hypothesis import strategies as st
from random_trees import Tree, trees
from vector_cases import Case, check_all, create, raw

_TWICE = "a directory whose own line is the same is named in two sections: the reference's patch removes it"
_IDS = "a directory that is scanned has the IDs of its directories: what did not change is not printed"

#: `diff` cases of cli.jsonl that c4py decides differently.
DEVIATIONS = {
    **dict.fromkeys(("diff-2", "diff-back-2", "diff-r-2", "diff-e-2", "diff-stdin-2"), _TWICE),
    **dict.fromkeys(("diff-5", "diff-back-5", "diff-8", "diff-back-8", "diff-14", "diff-back-14"), _TWICE),
    "diff-chain-closed-input": "a chain that ends with an ID, as diff prints it, is read",
    "diff-c4m-dir-added": _IDS,
    "diff-dir-c4m-added": _IDS,
}


def output(*arguments: str | Path, code: int = 0) -> bytes:
    """Run the command in this process; give what it prints."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(printed):
        assert main(list(map(str, arguments))) == code
    printed.flush()
    return printed.buffer.getvalue()


def shell(line: str, home: Path, store: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a line of a shell, where c4py is the command."""
    command = " ".join(COMMAND)
    return subprocess.run(
        ["bash", "-c", f'c4py() {{ {command} "$@"; }}; {line}'],
        cwd=home,
        env=environment(home, store),
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_diff_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["diff"]:
            return
        seen.add(case["case"])
        piped = base64.b64decode(case["stdin_b64"]) if "stdin_b64" in case else None
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            done = c4py_run(*case["argv"], home=Path(directory), piped=piped)
            if case["case"] in DEVIATIONS:
                check_deviation(case, Path(directory), done, piped)
                return
        assert done.returncode == case["exit_code"], done.stderr
        assert done.stdout == raw(case, "stdout"), done.stderr
        assert bool(done.stderr) == bool(case["exit_code"])
        if case["exit_code"]:
            assert done.stderr.startswith(b"c4py diff: ")

    def check_deviation(
        case: Case, directory: Path, done: subprocess.CompletedProcess[bytes], piped: bytes | None
    ) -> None:
        assert (done.returncode, done.stderr) == (0, b"")
        old, new = (
            c4py.loads(piped or b"") if name == "-" else c4py.scan(path) if path.is_dir() else c4py.load(path)
            for name in case["argv"][-2:]
            for path in [directory / name]
        )
        if "-r" in case["argv"]:
            old, new = new, old
        lines = done.stdout.decode().splitlines()
        expected = raw(case, "stdout").decode().splitlines()
        assert (lines[0], lines[-1]) == (str(old.compute_c4id()), str(new.compute_c4id()))
        assert c4py.apply_patch(old, c4py.loads(done.stdout)) == new
        if "dir" in case["case"]:
            assert lines[1:-1] == [line for line in expected[1:-1] if " s/ " not in line]
        elif expected:
            assert expected[0] == lines[0]
            assert c4py.apply_patch(old, c4py.loads("\n".join(expected[:-1]) + "\n")) != new
        else:
            assert case["exit_code"] == 1

    check_all("cli", check, count=393)
    assert len(seen) == 51
    assert set(DEVIATIONS) <= seen


def _link(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


def _file(mode: int, seconds: float) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        path.write_text("special")
        os.utime(path, (seconds, seconds))
        path.chmod(mode)

    return make


#: What a tree may hold besides files and directories.
SPECIAL = {
    "pipe": os.mkfifo,
    "to-file": _link("a"),
    "to-nothing": _link("nowhere"),
    "to-outside": _link("../outside"),
    "to-outside-directory": _link("../others"),
    "to-itself": _link("to-itself"),
    "to-above": _link("."),
    "to-link": _link("to-file"),
    "to-\\": _link("a\\"),
    "ends in \\": _file(0o644, 1_700_000_000.5),
    "without rights": _file(0, 1_700_000_000),
    "of 1970": _file(0o644, 0),
    "before 1970": _file(0o644, -0.5),
    "f[1].[2-3].x": _file(0o4755, 1_700_000_000),
    "a -> b": _file(0o644, 1_700_000_000),
}


def build(root: Path, tree: Tree, special: set[str]) -> Path:
    """Make a tree on disk; equal content has equal times, with a part of a second."""
    root.mkdir()
    for name, value in tree.items():
        path = root / name
        if isinstance(value, int):
            path.write_text(str(value))
            os.utime(path, ns=(0, (1_700_000_000 + value) * 10**9 + 987_654_321))
        else:
            build(path, value, set())
    for name in special:
        SPECIAL[name](root / name)
    os.utime(root, (1_700_000_000, 1_700_000_000.25))
    return root


def surroundings() -> tempfile.TemporaryDirectory[str]:
    """Make a directory with what links lead to."""
    directory = tempfile.TemporaryDirectory()
    (Path(directory.name) / "outside").write_text("outside")
    (Path(directory.name) / "others").mkdir()
    (Path(directory.name) / "others" / "file").write_text("file")
    return directory


@settings(max_examples=40)
@given(trees(), st.sets(st.sampled_from(sorted(SPECIAL))))
def test_a_tree_that_did_not_change_is_no_difference(tree: Tree, special: set[str]) -> None:
    with surroundings() as directory:
        root, listed = build(Path(directory) / "tree", tree, special), Path(directory) / "tree.c4m"
        for mode in ("s", "m", "f"):
            listed.write_bytes(output("id", "-m", mode, root))
            assert output("diff", "-m", mode, listed, root) == b""
            assert output("diff", "-m", mode, root, listed) == b""
            assert output("diff", "-m", mode, root, root) == b""
        assert output("diff", "--quick", listed, root) == b""
        assert output("diff", "--summary", listed, root) == b"nothing differs\n"
        assert c4py.diff(c4py.load(listed), c4py.load(listed)).is_empty


@settings(max_examples=40)
@given(trees(), trees(), st.sets(st.sampled_from(sorted(SPECIAL))), st.sets(st.sampled_from(sorted(SPECIAL))))
def test_a_directory_counts_as_the_manifest_that_id_prints(
    one: Tree, two: Tree, first: set[str], then: set[str]
) -> None:
    with surroundings() as directory:
        here = Path(directory)
        old, new, chain = here / "old.c4m", here / "new.c4m", here / "chain.c4m"
        old.write_bytes(output("id", build(here / "one", one, first)))
        new.write_bytes(output("id", build(here / "two", two, then)))
        patch = output("diff", old, here / "two")
        assert patch == output("diff", old, new) == output("diff", "-r", new, old)
        assert output("diff", here / "one", new) == output("diff", "-r", here / "two", old)
        chain.write_bytes(old.read_bytes() + patch)
        assert output("id", chain) == output("id", new)
        if chain.read_bytes():
            assert output("patch", chain) == output("id", new)
        assert output("diff", chain, here / "two") == b""
        # And on, from the last state: the chain has two equal IDs in a row.
        chain.write_bytes(chain.read_bytes() + output("diff", chain, here / "one"))
        assert output("id", chain) == output("id", old)
        assert output("diff", chain, old) == b""


def test_a_chain_that_begins_with_nothing_needs_no_store(home: Path, tree: Path) -> None:
    home.joinpath("empty.c4m").touch()
    home.joinpath("chain.c4m").write_bytes(c4py_run("diff", "empty.c4m", tree, home=home).stdout)
    done = c4py_run("diff", "chain.c4m", tree, home=home)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr


def test_the_documented_history_of_a_directory(home: Path, tree: Path) -> None:
    assert shell(f"c4py id {tree} > project.c4m", home).returncode == 0
    states = [(home / "project.c4m").read_bytes()]
    for number in range(3):
        (tree / "a.txt").write_text(f"changed {number}")
        (tree / f"new {number}").write_text("new")
        done = shell(f"c4py diff project.c4m <(c4py id {tree}) >> project.c4m", home)
        assert (done.returncode, done.stderr) == (0, b"")
        states.append(c4py_run("id", tree, home=home).stdout)
        assert c4py_run("id", "project.c4m", home=home).stdout == states[-1]
        assert c4py_run("diff", "project.c4m", tree, home=home).stdout == b""
    for number, state in enumerate(states, 1):
        assert c4py_run("patch", "-n", str(number), "project.c4m", home=home).stdout == state
    assert len(c4py.log_chain(c4py.load(home / "project.c4m"))) == 4
    # Nothing changed, nothing is written.
    size = (home / "project.c4m").stat().st_size
    assert shell(f"c4py diff project.c4m {tree} >> project.c4m", home).returncode == 0
    assert (home / "project.c4m").stat().st_size == size


def test_a_patch_behind_its_manifest_gives_the_new_one(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "old.c4m")
    (tree / "d" / "x.bin").unlink()
    (tree / "d" / "y.bin").write_text("y")
    c4py.dump(c4py.scan(tree), home / "new.c4m")
    done = shell("c4py diff old.c4m new.c4m > p; cat old.c4m p > chain; c4py patch chain", home)
    assert (done.returncode, done.stdout) == (0, (home / "new.c4m").read_bytes())
    assert shell("cat old.c4m p | c4py diff - new.c4m", home).stdout == b""


def test_sub_second_times_are_no_difference(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "tree.c4m")
    (tree / "new").write_text("new")
    os.utime(tree / "new", ns=(0, 1_700_000_000_999_999_999))
    first, *lines, last = c4py_run("diff", "tree.c4m", tree, home=home).stdout.decode().splitlines()
    assert [line.split()[3] for line in lines] == ["new"]
    assert first == str(c4py.load(home / "tree.c4m").compute_c4id())
    assert last == str(c4py.scan(tree).compute_c4id())


def test_the_form_for_people_is_read_back(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "old.c4m")
    (tree / "a.txt").write_text("changed")
    patch = c4py_run("diff", "-e", "old.c4m", tree, home=home).stdout
    assert b" UTC " in patch
    assert c4py.apply_patch(c4py.load(home / "old.c4m"), c4py.loads(patch)) == c4py.scan(tree)


def test_a_change_is_compared_with_the_state_before(home: Path, store: c4py.FSStore, tree: Path) -> None:
    (tree / "pipe").unlink()  # what could not be kept is not removed
    (home / "target").mkdir()
    (home / "target" / "other").write_text("other")
    change = c4py_run("patch", "-s", "target", tree, home=home, store=store.root)
    assert change.returncode == 0, change.stderr
    (home / "change.c4m").write_bytes(change.stdout)
    preview = c4py_run("diff", "-r", "change.c4m", tree, home=home, store=store.root)
    assert (preview.returncode, preview.stderr) == (0, b"")
    assert preview.stdout
    with_dash = c4py_run("diff", "-r", "-", tree, home=home, store=store.root, piped=change.stdout)
    assert with_dash.stdout == preview.stdout
    # It says what going back does.
    back = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert back.returncode == 0, back.stderr
    assert back.stdout == preview.stdout
    assert c4py_run("diff", "-r", "change.c4m", tree, home=home, store=store.root).stdout == b""
    refused = c4py_run("diff", "-r", "-m", "m", "change.c4m", tree, home=home, store=store.root)
    assert (refused.returncode, refused.stdout) == (1, b"")


def test_a_state_before_that_nobody_kept_is_an_error(home: Path, store: c4py.FSStore, tree: Path) -> None:
    old = c4py.loads("- - 1 gone -\n")
    (home / "change.c4m").write_text(c4py.patch_diff(old, c4py.scan(tree)))
    for chosen in (None, store.root):
        done = c4py_run("diff", "-r", "change.c4m", tree, home=home, store=chosen)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"c4py diff: ")


def test_a_patch_alone_is_no_tree_but_where_its_manifest_is_stored(home: Path, store: c4py.FSStore, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "old.c4m")
    assert c4py_run("id", "-s", "old.c4m", home=home, store=store.root).returncode == 0
    (tree / "a.txt").write_text("changed")
    (home / "p.c4m").write_bytes(c4py_run("diff", "old.c4m", tree, home=home).stdout)
    for arguments in (["p.c4m", tree], [tree, "p.c4m"], ["p.c4m", "old.c4m"]):
        refused = c4py_run("diff", *arguments, home=home)
        assert (refused.returncode, refused.stdout) == (1, b"")
        assert b"p.c4m is a patch of c4" in refused.stderr
    done = c4py_run("diff", "p.c4m", tree, home=home, store=store.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_content_of_directories_is_stored(home: Path, store: c4py.FSStore, tree: Path) -> None:
    (home / "old.c4m").write_text("")
    done = c4py_run("diff", "-s", "old.c4m", tree, home=home, store=store.root)
    assert done.returncode == 0
    manifest = c4py.scan(tree)
    assert all(entry.c4id in store for entry in manifest if entry.c4id)
    assert manifest.compute_c4id() in store
    none = c4py_run("diff", "-s", "old.c4m", tree, home=home)
    assert (none.returncode, none.stdout) == (1, b"")
    assert b"C4_STORE" in none.stderr
    for flags in (["-m", "m"], ["-m", "s"]):
        assert c4py_run("diff", "-s", *flags, "old.c4m", tree, home=home, store=store.root).returncode == 1


def test_quiet_prints_nothing(home: Path, store: c4py.FSStore, tree: Path) -> None:
    (home / "old.c4m").write_text("- - 1 a -\n")
    for flags in ([], ["--json"], ["--summary"], ["-e"]):
        done = c4py_run("diff", "-q", *flags, "old.c4m", tree, home=home)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert c4py_run("diff", "-q", "-s", "old.c4m", tree, home=home, store=store.root).returncode == 0
    assert len(store) > 0
    assert c4py_run("diff", "-q", "no.c4m", tree, home=home).returncode == 1


@pytest.fixture
def changed(home: Path, tree: Path) -> Path:
    """Have a manifest of a tree, and then change one thing of every kind."""
    c4py.dump(c4py.scan(tree), home / "old.c4m")
    (tree / "a.txt").write_text("changed")
    (tree / "d" / "x.bin").rename(tree / "moved.bin")
    (tree / "link").unlink()
    (tree / "new\x1b[31m").mkdir()
    (tree / "new\x1b[31m" / "file").write_text("12345")
    os.utime(tree / "d" / "e" / "empty", (1, 1))
    (tree / "d" / "e").chmod(0o700)
    return tree


def test_a_summary_tells_paths_and_totals(home: Path, changed: Path) -> None:
    done = c4py_run("diff", "--summary", "old.c4m", changed, home=home)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "- link",
        "+ new\\x1b[31m/",
        "+ new\\x1b[31m/file",
        "~ a.txt",
        "~ d/e/",
        "~ d/e/empty (not its content)",
        "> d/x.bin is moved.bin",
        "1 removed (5 B), 2 added (5 B), 3 changed (7 B), 1 moved",
    ]


def test_a_summary_has_colours_on_a_screen(
    home: Path, changed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "is_screen", lambda _: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    arguments = ["diff", "-q", "--summary", str(home / "old.c4m"), str(changed)]
    assert main(arguments) == 0
    assert capsys.readouterr().out == ""
    arguments.remove("-q")
    assert main(arguments) == 0
    assert "\x1b[31m- link\x1b[0m\n\x1b[32m+ new\\x1b[31m/\x1b[0m\n" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(arguments) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_json_is_that_of_the_library(home: Path, changed: Path) -> None:
    done = c4py_run("diff", "--json", "old.c4m", changed, home=home)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert done.stdout.endswith(b"}\n")
    document = json.loads(done.stdout)
    assert document == json.loads(c4py.diff(c4py.load(home / "old.c4m"), c4py.scan(changed)).to_json())
    assert [move["new"]["path"] for move in document["moved"]] == ["moved.bin"]
    assert document["errors"] == []


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_is_neither_changed_nor_unchanged(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tree, old = Path(directory) / "tree", Path(directory) / "old.c4m"
        for name in ("closed", "d"):
            (tree / name).mkdir(parents=True)
            (tree / name / "file").write_text(name)
        (tree / "d" / "secret").write_text("x")
        (tree / "open").write_text("x")
        c4py.dump(c4py.scan(tree), old)
        (tree / "d" / "secret").chmod(0)
        (tree / "closed").chmod(0)
        (tree / "open").write_text("changed")
        (tree / "d" / "file").rename(tree / "d" / "other")
        for flags in ([], ["-e"], ["-r"], ["-q"]):
            assert main(["diff", *flags, str(old), str(tree)]) == 3
            printed = capfd.readouterr()
            assert printed.out == ""
            assert f"c4py diff: {tree}/d/secret: cannot open the file: Permission denied\n" in printed.err
            assert ("no patch" in printed.err) == (flags != ["-q"])
        assert main(["diff", "--summary", str(old), str(tree)]) == 3
        lines = capfd.readouterr().out.splitlines()
        assert lines[:-1] == ["~ open", "> d/file is d/other", "? closed", "? d/secret"]
        assert lines[-1] == "1 changed (7 B), 1 moved, 2 unreadable"
        assert main(["diff", "--json", str(old), str(tree)]) == 3
        document = json.loads(capfd.readouterr().out)
        told = [entry["path"] for kind in ("added", "removed", "modified") for entry in document[kind]]
        assert told == ["d/other", "d/file", "open"]
        assert document["same"] == 0
        assert [error["path"] for error in document["errors"]] == ["closed", "d/secret"]
        assert main(["diff", "--exclude", "closed", "--exclude", "secret", str(old), str(tree)]) == 0
        (tree / "closed").chmod(0o700)


def test_quick_reads_only_what_size_or_time_tell(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "old.c4m")
    times = (tree / "a.txt").stat()
    (tree / "a.txt").write_text("HELLO WORLD")
    os.utime(tree / "a.txt", ns=(times.st_atime_ns, times.st_mtime_ns))
    (tree / "d" / "x.bin").write_text("other")
    full = c4py_run("diff", "old.c4m", tree, home=home).stdout
    quick = c4py_run("diff", "--quick", "old.c4m", tree, home=home).stdout
    assert b" a.txt " in full
    assert b" a.txt " not in quick
    assert b" x.bin " in quick
    for arguments in (["old.c4m", "old.c4m"], [tree, tree], ["-m", "m", "old.c4m", tree]):
        refused = c4py_run("diff", "--quick", *arguments, home=home)
        assert (refused.returncode, refused.stdout) == (1, b"")
        assert b"--quick" in refused.stderr


def test_another_mode_than_that_of_the_manifest_is_noted(home: Path, tree: Path) -> None:
    for made, compared, hint in (("m", "f", b"; -m m or -m s may"), ("f", "m", b"; no -m m, or --quick")):
        (home / "old.c4m").write_bytes(c4py_run("id", "-m", made, tree, home=home).stdout)
        done = c4py_run("diff", "-m", compared, "old.c4m", tree, home=home)
        assert done.returncode == 0
        assert b"c4py diff: note: old.c4m has " in done.stderr
        assert hint in done.stderr
        same = c4py_run("diff", "-m", made, "old.c4m", tree, home=home)
        assert (same.returncode, same.stdout, same.stderr) == (0, b"", b"")


def test_what_is_excluded_is_not_compared(home: Path, tree: Path) -> None:
    (home / "old.c4m").write_bytes(c4py_run("id", "--exclude", "*.bin", tree, home=home).stdout)
    done = c4py_run("diff", "--exclude", "*.bin", "--workers", "2", "old.c4m", tree, home=home)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert b"x.bin" in c4py_run("diff", "old.c4m", tree, home=home).stdout


def test_output_that_the_directory_lists_is_refused(home: Path, tree: Path) -> None:
    (tree / "tree.c4m").write_bytes(c4py_run("id", tree, home=home).stdout)
    before = (tree / "tree.c4m").read_bytes()
    done = shell(f"cd {tree}; c4py diff tree.c4m . >> tree.c4m", home)
    assert done.returncode == 1
    assert b"lies in the directory that is read" in done.stderr
    assert (tree / "tree.c4m").read_bytes() == before
    # Once more where patterns leave out something else, or the output itself.
    assert shell(f"cd {tree}; c4py diff --exclude '*.txt' tree.c4m . >> tree.c4m", home).returncode == 1
    assert (tree / "tree.c4m").read_bytes() == before
    (tree / "new").write_text("new")
    done = shell(f"cd {tree}; c4py diff --exclude tree.c4m tree.c4m . >> tree.c4m", home)
    assert (done.returncode, done.stderr) == (0, b"")
    assert c4py.load(tree / "tree.c4m") == c4py.scan(tree, exclude="tree.c4m")
    assert shell(f"cd {tree}; c4py diff -q tree.c4m . >> tree.c4m", home).returncode == 0


def test_output_over_an_argument_is_refused(home: Path, tree: Path) -> None:
    (home / "old.c4m").write_bytes(c4py_run("id", tree, home=home).stdout)
    done = shell(f"c4py diff old.c4m {tree} > old.c4m", home)
    assert done.returncode == 1
    assert b"old.c4m is an argument, and the output would replace it: use '>>'" in done.stderr


@pytest.mark.parametrize("form", ["-e", "--summary", "--json"])
def test_what_is_for_people_or_programs_is_not_appended_to_a_chain(home: Path, tree: Path, form: str) -> None:
    (home / "old.c4m").write_bytes(before := c4py_run("id", tree, home=home).stdout)
    (tree / "new").touch()
    done = shell(f"c4py diff {form} old.c4m {tree} >> old.c4m", home)
    assert done.returncode == 1
    assert b"old.c4m is an argument, and the output would be written behind what it holds" in done.stderr
    assert (home / "old.c4m").read_bytes() == before
    done = shell(f"c4py diff {form} - {tree} < old.c4m >> old.c4m", home)
    assert b"standard input is an argument" in done.stderr
    assert (home / "old.c4m").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), b"two trees are expected"),
        (("a.c4m",), b"1 given"),
        (("a.c4m", "a.c4m", "a.c4m"), b"3 given"),
        (("-", "-"), b"standard input (-) can be one of the arguments"),
        (("a.c4m", "no.c4m"), b"no.c4m"),
        (("a.c4m", "bad.txt"), b"bad.txt: line 2"),
        (("a.c4m", "-"), b"standard input: line 1"),
        (("--json", "--summary", "a.c4m", "a.c4m"), b"not allowed with"),
        (("-m", "x", "a.c4m", "a.c4m"), b"unknown scan mode"),
        (("--sumary", "a.c4m", "a.c4m"), b"did you mean '--summary'"),
    ],
)
def test_wrong_arguments_are_refused(home: Path, arguments: tuple[str, ...], said: bytes) -> None:
    (home / "a.c4m").write_text("- - 1 a -\n")
    (home / "bad.txt").write_text("- - 1 a -\nnonsense\n")
    done = c4py_run("diff", *arguments, home=home, piped=b"nonsense")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py diff: ")
    assert said in done.stderr

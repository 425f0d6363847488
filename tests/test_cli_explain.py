"""`c4py explain`: the words of the family's command, and that nothing is changed."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py.cli import main
from c4py.cli.explain import SHOWN, USAGE
from command import c4py_run
from reconciled_trees import build, snapshot
from vector_cases import Case, check_all, create, raw

#: `explain` cases of cli.jsonl that c4py decides differently, but for the name of the command, which is its own.
DEVIATIONS = dict.fromkeys(
    ("explain-diff-many", "explain-diff-long-name"),
    "entries are listed in the order of their manifest, not in a random one",
)


def own(text: str) -> str:
    """Name our command where the reference names its own."""
    return re.sub(r"\bc4 ", "c4py ", text)


def test_explain_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["explain"]:
            return
        seen.add(case["case"])
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            before = snapshot(Path(directory))
            done = c4py_run(*case["argv"], home=Path(directory))
            assert snapshot(Path(directory)) == before
        printed = done.stdout.decode()
        assert done.returncode == case["exit_code"], done.stderr
        if case["case"] in DEVIATIONS:
            assert sorted(printed.splitlines()) == list(map(own, case["stdout_sorted_lines"]))
            listed = re.findall(r"^    (\S+) ", printed, re.MULTILINE)
            assert listed == (["d", "e", "f", "a", "b", "c"] if len(listed) == 6 else ["n" * 40, "dd/é"])
        else:
            assert printed == own(raw(case, "stdout").decode())
        said = case.get("stderr_first_line", "")
        if said.startswith("Usage: "):
            assert done.stderr.decode().startswith(own(said[: said.index("<")]).replace("Usage", "usage"))
        elif case["exit_code"]:
            assert done.stderr.decode() == own(said).replace('"', "'") + "\n"

    check_all("cli", check, count=393)
    assert len(seen) == 25
    assert set(DEVIATIONS) <= seen


@pytest.fixture
def trees(home: Path) -> Path:
    """Make `old.c4m`, a manifest of a tree, and `tree`, the tree after some changes."""
    tree = build(
        home / "tree",
        {"a": b"aa", "b": b"b", "same": b"1", "link": "a", "d": {"e": {"x": b"xxx"}}, "o": {"m": b"moved"}},
    )
    c4py.dump(c4py.scan(tree), home / "old.c4m")
    (tree / "a").write_bytes(b"a" * 1000)
    (tree / "b").chmod(0o755)
    (tree / "d" / "e" / "x").unlink()
    (tree / "o" / "m").rename(tree / "d" / "n")
    (tree / "o").rmdir()
    (tree / "empty" / "in").mkdir(parents=True)
    return home


def explain(home: Path, *arguments: str | Path, store: Path | str | None = None, code: int = 0) -> tuple[str, str]:
    done = c4py_run("explain", *arguments, home=home, store=store)
    assert done.returncode == code, done.stderr
    return done.stdout.decode(), done.stderr.decode()


def explained(home: Path, *arguments: str | Path, store: Path | str | None = None) -> dict[str, Any]:
    printed, _ = explain(home, *arguments, "--json", store=store)
    assert printed.isascii()
    assert printed.count("\n") == 1
    document: dict[str, Any] = json.loads(printed)
    return document


def test_a_difference_tells_directories_that_no_file_speaks_for_and_modes(trees: Path) -> None:
    printed, said = explain(trees, "diff", "old.c4m", "tree")
    assert said == ""
    assert printed == (
        "Comparing old.c4m (6 files) against tree (5 files):\n\n"
        "  3 files modified\n"
        "    a                              2 bytes -> 1,000 bytes\n"
        "    b                              1 bytes -> 1 bytes, -rw-r--r-- -> -rwxr-xr-x\n"
        "    link                           what it points at changed\n"
        "  1 file added\n"
        "    d/n                            5 bytes\n"
        "  1 directory added\n"
        "    empty/in/\n"
        "  2 files removed\n"
        "    d/e/x                          3 bytes\n"
        "    o/m                            5 bytes\n\n"
        "1 file unchanged.\n"
    )


def test_a_link_that_changed_tells_where_it_points(home: Path) -> None:
    one, two = (c4py.identify_bytes(content) for content in (b"1", b"2"))
    home.joinpath("old.c4m").write_text(
        f"lrwxrwxrwx 2020-01-01T00:00:00Z 1 content -> a {one}\n"
        f"lrwxrwxrwx 2020-01-01T00:00:00Z 1 elsewhere -> a {one}\n"
        f"lrwxrwxrwx 2020-01-01T00:00:00Z 1 file -> a {one}\n"
        "lrwxrwxrwx 2020-01-01T00:00:00Z 1 mode -> a -\n"
        "lrwxrwxrwx 2020-01-01T00:00:00Z 1 time -> a -\n"
    )
    home.joinpath("new.c4m").write_text(
        f"lrwxrwxrwx 2020-01-01T00:00:00Z 1 content -> a {two}\n"
        f"lrwxrwxrwx 2020-01-01T00:00:00Z 1 elsewhere -> b\u202e {two}\n"
        f"-rw-r--r-- 2020-01-01T00:00:00Z 2 file {two}\n"
        "lrwxr-xr-x 2020-01-01T00:00:00Z 1 mode -> a -\n"
        "lrwxrwxrwx 2021-01-01T00:00:00Z 1 time -> a -\n"
    )
    printed, _ = explain(home, "diff", "old.c4m", "new.c4m")
    assert printed.splitlines()[3:] == [
        "    content                        what it points at changed",
        "    elsewhere                      points at b\\u202e, not at a",
        "    file                           1 bytes -> 2 bytes",
        "    mode                           lrwxrwxrwx -> lrwxr-xr-x",
        "    time                           its time changed",
    ]


def test_a_difference_as_json(trees: Path) -> None:
    told = explained(trees, "diff", "old.c4m", "tree")
    assert told["old"] == {"path": "old.c4m", "files": 6}
    assert told["new"] == {"path": "tree", "files": 5}
    assert told["modified"] == [
        {"path": "a", "type": "file", "sizes": [2, 1000], "modes": []},
        {"path": "b", "type": "file", "sizes": [1, 1], "modes": [0o644, 0o755]},
        {"path": "link", "type": "symlink", "sizes": [1, 1], "modes": []},
    ]
    assert told["added"] == [
        {"path": "d/n", "type": "file", "sizes": [5], "modes": []},
        {"path": "empty/in", "type": "directory", "sizes": [], "modes": []},
    ]
    assert [item["path"] for item in told["removed"]] == ["d/e/x", "o/m"]
    assert told["unchanged"] == 1
    (trees / "unknown.c4m").write_text("- - - a -\n")
    assert explained(trees, "diff", "old.c4m", "unknown.c4m")["modified"][0]["sizes"] == [2, None]


def test_a_listing_of_metadata_agrees_with_its_directory_whatever_the_fractions_of_seconds(trees: Path) -> None:
    os.utime(trees / "tree" / "a", ns=(1_700_000_000_999_999_999, 1_700_000_000_999_999_999))
    c4py.dump(c4py.scan(trees / "tree", mode="metadata"), trees / "now.c4m")
    printed, _ = explain(trees, "diff", "now.c4m", "tree")
    assert printed.splitlines()[2:] == ["  No differences.", "", "5 files unchanged."]


def test_a_plan_counts_what_people_count(trees: Path) -> None:
    before = snapshot(trees / "tree")
    printed, said = explain(trees, "patch", "old.c4m", "tree")
    assert printed == (
        "Reconciling tree to match old.c4m:\n\n"
        "  1 file to create (3 bytes)\n"
        "  1 file to update (2 bytes)\n"
        "  1 file to move\n"
        "  1 directory to remove\n"
        "  1 mode or time to set\n"
        "  2 files already correct — skipping\n\n"
        "Store: not configured\n\n"
        "Run without 'explain' to apply.\n"
    )
    first, *listed, last = said.splitlines()
    assert first == "Missing content for 2 entries:"
    assert [line.split()[0] for line in listed] == ["a", "d/e/x"]
    assert last.startswith("c4py patch would touch nothing. Name a directory that has it with --source")
    assert snapshot(trees / "tree") == before


def test_a_plan_as_json(trees: Path) -> None:
    told = explained(trees, "patch", "old.c4m", "tree", store="/nowhere/one,/nowhere/two")
    missing = told.pop("missing")
    assert [item["path"] for item in missing] == ["a", "d/e/x"]
    assert missing[0]["c4id"] == str(c4py.identify_bytes(b"aa"))
    assert told == {
        "target": "old.c4m",
        "destination": "tree",
        "create": 1,
        "update": 1,
        "move": 1,
        "remove": 0,
        "link": 0,
        "make_directory": 0,
        "remove_directory": 1,
        "set": 1,
        "bytes": 5,
        "unchanged": 2,
        "not_made": [],
        "stores": ["/nowhere/one", "/nowhere/two"],
        "errors": [],
    }
    assert not Path("/nowhere").exists()


def test_the_stores_that_are_configured_are_printed(trees: Path, store: c4py.FSStore) -> None:
    stores = f"{store.root},{trees / 'other'}"
    printed, said = explain(trees, "patch", "old.c4m", "tree", store=stores)
    assert f"\n\nStore: {store.root}, {trees / 'other'}\nMissing: 2 files (5 bytes) — not in store\n\n" in printed
    assert said.startswith("Missing content for 2 entries:\n")
    for content in (b"aa", b"xxx"):
        store.put(io.BytesIO(content))
    printed, said = explain(trees, "patch", "old.c4m", "tree", store=stores)
    assert f"\n\nStore: {store.root}, {trees / 'other'} (all content available)\n\n" in printed
    assert said == ""
    assert not (trees / "other").exists()


def test_a_directory_is_a_target_and_a_source_of_its_content(trees: Path, store: c4py.FSStore) -> None:
    printed, said = explain(trees, "patch", "tree", "copy", store=store.root)
    assert printed.startswith(
        "Reconciling copy to match tree:\n\n"
        "  4 files to create (1,007 bytes)\n"
        "  1 symbolic link to make\n"
        "  2 directories to make\n\n"
        f"Store: {store.root} (all content available)\n"
    )
    assert said == ""
    assert not (trees / "copy").exists()
    assert len(store) == 0


def test_a_source_has_what_the_store_has_not(trees: Path) -> None:
    build(trees / "source", {"1": b"aa", "2": b"xxx"})
    _, said = explain(trees, "patch", "--source", "source", "old.c4m", "tree")
    assert said == ""


def test_times_of_directories_alone_are_something_to_do(trees: Path) -> None:
    c4py.dump(c4py.scan(trees / "tree"), trees / "now.c4m")
    os.utime(trees / "tree" / "d", (1, 1))
    printed, _ = explain(trees, "patch", "now.c4m", "tree")
    assert "  1 mode or time to set\n" in printed
    assert "nothing to do" not in printed


def test_a_chain_is_the_state_after_the_section_that_is_named(home: Path) -> None:
    old, new = c4py.loads("- - 1 a -\n"), c4py.loads("- - 1 a -\n- - 2 b -\n")
    (home / "chain.c4m").write_text(c4py.dumps(old) + c4py.patch_diff(old, new))
    assert explain(home, "patch", "chain.c4m")[0].startswith("Target: chain.c4m (2 files, 3 bytes)\n")
    assert explain(home, "patch", "-n", "1", "chain.c4m")[0].startswith("Target: chain.c4m (1 file, 1 bytes)\n")
    assert explain(home, "id", "chain.c4m")[0].startswith("Scanning chain.c4m: 2 files in 0 directories (3 bytes)\n")
    told = explained(home, "patch", "chain.c4m")
    assert told == {"target": "chain.c4m", "destination": None, "files": 2, "bytes": 3, "errors": []}


def test_going_back_is_explained(trees: Path, store: c4py.FSStore) -> None:
    c4py.dump(c4py.scan(trees / "tree", store=store), trees / "now.c4m")
    (trees / "tree" / "a").write_bytes(b"mine")
    done = c4py_run("patch", "-s", "now.c4m", "tree", home=trees, store=store.root)
    (trees / "change.c4m").write_bytes(done.stdout)
    printed, said = explain(trees, "patch", "-r", "change.c4m", "tree", store=store.root)
    assert "\n  1 file to update (4 bytes)\n" in printed
    assert said == ""
    assert (trees / "tree" / "a").stat().st_size == 1000


def test_a_manifest_as_a_destination_is_written(trees: Path) -> None:
    printed, _ = explain(trees, "patch", "tree", "out.c4m")
    assert printed == "Target: tree (5 files, 1,008 bytes)\n\nIt would be written to out.c4m.\n\n" + (
        "Run without 'explain' to apply.\n"
    )
    assert not (trees / "out.c4m").exists()


def test_what_patch_refuses_is_told(trees: Path) -> None:
    c4py.dump(c4py.load(trees / "old.c4m"), trees / "tree" / "tree.c4m")
    _, said = explain(trees, "patch", "tree/tree.c4m", "tree", code=1)
    assert "it would be removed" in said
    _, said = explain(trees, "patch", "tree", "tree/a", code=1)
    assert "neither a directory nor the name of a manifest" in said
    (trees / "1.c4m").write_text(c4py.patch_diff(c4py.loads("- - 1 gone -\n"), c4py.loads("- - 1 a -\n")))
    _, said = explain(trees, "patch", "1.c4m", "tree", code=1)
    assert "continues from c4" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("id", "a", "b"), "usage: c4py explain id"),
        (("diff", "a", "b", "c"), "usage: c4py explain diff"),
        (("diff", "-", "-"), "c4py explain diff: standard input (-) can be one of the arguments, not two"),
        (("patch", "a", "b", "c"), "usage: c4py explain patch"),
        (("patch", "-r", "a"), "c4py explain patch: -r and --source are for a directory that is changed"),
        (("id", "nowhere"), "c4py explain id: nowhere: No such file or directory"),
        (("diff", "nowhere", "x"), "c4py explain diff: nowhere: No such file or directory"),
        (("patch", "--quite", "x"), "c4py explain patch: unrecognized arguments: --quite; did you mean '--quiet'?"),
    ],
)
def test_wrong_arguments_end_with_1(home: Path, arguments: tuple[str, ...], said: str) -> None:
    printed, message = explain(home, *arguments, code=1)
    assert printed == ""
    assert message.startswith(said)


def test_a_word_that_is_nearly_a_command_is_guessed(home: Path) -> None:
    printed, said = explain(home, "pach", code=1)
    assert printed == USAGE
    assert said == "c4py explain: unknown command 'pach'; did you mean 'patch'?\n"


def test_files_of_a_directory_are_not_read(home: Path) -> None:
    (home / "d").mkdir()
    # A file that is all hole: to read it would take minutes.
    with open(home / "d" / "huge", "wb") as file:
        file.truncate(1 << 43)
    told = explained(home, "id", "d")
    assert told == {"path": "d", "files": 1, "directories": 0, "bytes": 1 << 43, "errors": []}
    assert "(8,796,093,022,208 bytes)" in explain(home, "id", "d")[0]


def test_a_file_and_a_stream_are_explained(home: Path) -> None:
    (home / "plate.exr").write_bytes(b"12345")
    printed, _ = explain(home, "id", "plate.exr")
    assert printed.splitlines()[0] == "Scanning plate.exr: 1 file in 0 directories (5 bytes)"
    assert printed.splitlines()[-1] == "Diff it:  c4py diff plate.exr.c4m plate.exr"
    done = c4py_run("explain", "id", "-", home=home, piped=b"- - 7 a -\n")
    assert done.stdout.splitlines()[0] == b"Scanning -: 1 file in 0 directories (7 bytes)"
    assert b"Save it" not in done.stdout


@pytest.mark.parametrize("name", ["with space", "-x", "it's", "\x1b[31m\u202e\udcff\\", "é", "$HOME"])
def test_the_commands_that_are_shown_work_whatever_the_name(home: Path, name: str) -> None:
    (home / name).mkdir()
    (home / name / "file").write_text("x")
    done = c4py_run("explain", "id", "--", name, home=home)
    text = done.stdout.decode()
    assert text.replace("\n", "").isprintable()
    command = text.splitlines()[-2].removeprefix("Save it:  c4py id ")
    shown = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {command.replace(' > ', ' ')}"], stdout=subprocess.PIPE, check=True
    )
    path, output, _ = map(os.fsdecode, shown.stdout.split(b"\0"))
    assert os.path.normpath(path) == name
    assert not path.startswith("-")
    assert os.path.normpath(output) == f"{name}.c4m"


def test_hostile_names_are_seen_and_not_obeyed(home: Path) -> None:
    names = ["\x1b[31mred", "\u202egnp", "back\\slash", "\udcff"]
    c4py.dump(c4py.Manifest(), home / "none.c4m")
    c4py.dump(c4py.Manifest([c4py.Entry(name, size=1) for name in names]), home / "some.c4m")
    printed, _ = explain(home, "diff", "none.c4m", "some.c4m")
    assert printed.replace("\n", "").isprintable()
    assert {r"\x1b[31mred", r"\u202egnp", r"back\\slash", r"\udcff"} <= set(printed.split())
    printed, said = explain(home, "patch", "some.c4m", "dest\x1b", code=1)
    assert (printed + said).replace("\n", "").isprintable()


@pytest.mark.usefixtures("unprivileged")
@pytest.mark.parametrize("is_directory", [False, True])
@pytest.mark.parametrize("target", ["tree", "tree.c4m"])
def test_a_destination_that_cannot_be_read_ends_patch_its_dry_run_and_explain_alike(
    capfd: pytest.CaptureFixture[str], target: str, is_directory: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tree, dest = Path(directory) / "tree", Path(directory) / "dest"
        for place in (tree, dest):
            place.mkdir()
            (place / "closed").write_text(place.name)
        c4py.dump(c4py.scan(tree), Path(directory) / "tree.c4m")
        if is_directory:
            (dest / "closed").unlink()
            (dest / "closed").mkdir()
        (dest / "closed").chmod(0)
        said = []
        for command in ("patch", "patch --dry-run", "explain patch"):
            assert main([*command.split(), "-q", "--source", str(tree), f"{directory}/{target}", str(dest)]) == 3
            printed = capfd.readouterr()
            assert printed.out == ""
            said.append(printed.err.replace("explain ", "").splitlines()[0])
        assert "closed: " in said[0]
        assert said == said[:1] * 3
        assert main(["explain", "patch", "--json", "-q", f"{directory}/{target}", str(dest)]) == 3
        (error,) = json.loads(capfd.readouterr().out)["errors"]
        assert error["path"] == "closed"
        (dest / "closed").chmod(0o700)


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_is_told_and_ends_with_3(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        (tree / "closed").mkdir(parents=True)
        (tree / "closed").chmod(0)
        for arguments in (["id", tree], ["diff", tree, tree], ["patch", tree, Path(directory) / "copy"]):
            assert main(["explain", *map(str, arguments)]) == 3
            assert "closed: " in capfd.readouterr().err
        assert main(["explain", "diff", str(tree), str(tree)]) == 3
        printed = capfd.readouterr()
        said = "  No differences in what could be read.\n  1 path could not be read\n    closed\n"
        assert said in printed.out
        assert printed.err.count("closed: ") == 1
        assert main(["explain", "id", "--json", str(tree)]) == 3
        (error,) = json.loads(capfd.readouterr().out)["errors"]
        assert (error["path"], error["is_error"]) == ("closed", True)
        (tree / "closed").chmod(0o700)


def test_a_screen_shows_the_first_of_many_and_a_pipe_all(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    c4py.dump(c4py.Manifest(), home / "none.c4m")
    c4py.dump(c4py.Manifest([c4py.Entry(f"{n:04}", size=n) for n in range(SHOWN + 5)]), home / "many.c4m")
    arguments = ["explain", "diff", str(home / "none.c4m"), str(home / "many.c4m")]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "    0104                           104 bytes"
    monkeypatch.setattr("c4py.cli.explain.is_screen", lambda _stream: True)
    assert main(arguments) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:-1] == lines[:-5]
    assert shown[-1] == "    and 5 more"

"""What `patch` and `workspace` tell of a directory that is brought to a state, as JSON and for people."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import c4py
import pytest
from bundles import damage
from c4py.cli import main
from c4py.cli.outcome import SHOWN
from command import c4py_run
from reconciled_trees import build, snapshot

CONTENT = {"a": b"aa", "d": {"b": b"bbb", "same": b"same"}}

NOTHING = {
    "created": 0,
    "updated": 0,
    "moved": 0,
    "removed": 0,
    "unchanged": 0,
    "not_made": 0,
    "failed": 0,
    "missing": 0,
}


@pytest.fixture
def tree(home: Path, store: c4py.FSStore) -> Path:
    """Make `old.c4m`, whose content is in the store, and the tree that it describes, with a file changed."""
    tree = build(home / "tree", CONTENT)
    c4py.dump(c4py.scan(tree, store=store), home / "old.c4m")
    (tree / "a").write_bytes(b"changed")
    return tree


def told(home: Path, *arguments: str | Path, store: c4py.FSStore | None = None, code: int = 0) -> list[dict[str, Any]]:
    """Run the command, which prints nothing for people, and give its JSON lines."""
    done = c4py_run(*arguments, home=home, store=None if store is None else store.root)
    assert (done.returncode, done.stderr) == (code, b"")
    assert done.stdout.isascii()
    return [json.loads(line) for line in done.stdout.splitlines()]


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["message_type"] for message in messages if message["message_type"] != "status"]


def test_a_patched_directory_is_told_as_lines_the_change_before_anything_else(
    home: Path, tree: Path, store: c4py.FSStore
) -> None:
    before, target = c4py.scan(tree), c4py.load(home / "old.c4m")
    messages = told(home, "patch", "--json", "old.c4m", "tree", store=store)
    assert messages[0]["message_type"] == "status"
    assert kinds(messages) == ["change", "summary"]
    change, summary = (message for message in messages if message["message_type"] != "status")
    assert change["patch"] == f"{c4py.patch_diff(before, target)}{target.compute_c4id()}\n"
    assert summary == {"message_type": "summary", **NOTHING, "updated": 1, "unchanged": 2}
    assert c4py.scan(tree) == target
    (again,) = told(home, "patch", "--json", "-q", "old.c4m", "tree", store=store)
    assert again == {"message_type": "summary", **NOTHING, "unchanged": 3}


def test_missing_content_is_told_as_lines_and_nothing_is_touched(home: Path, tree: Path) -> None:
    before = snapshot(tree)
    messages = told(home, "patch", "--json", "-q", "old.c4m", "tree", code=1)
    assert kinds(messages) == ["change", "missing", "summary"]
    assert messages[1] == {"message_type": "missing", "path": "a", "c4id": str(c4py.identify_bytes(b"aa"))}
    assert messages[2] == {"message_type": "summary", **NOTHING, "missing": 1}
    assert snapshot(tree) == before


def test_what_could_not_be_done_is_told_as_lines(home: Path, tree: Path, store: c4py.FSStore) -> None:
    damage(store.path(c4py.identify_bytes(b"aa")), "flipped")
    os.mkfifo(tree / "pipe")
    manifest = c4py.load(home / "old.c4m")
    manifest.entries.append(c4py.Entry("pipe", mode=0o010644))
    c4py.dump(manifest, home / "piped.c4m")
    messages = told(home, "patch", "--json", "-q", "piped.c4m", "copy", store=store, code=4)
    assert kinds(messages) == ["change", "error", "not_made", "summary"]
    assert messages[1]["message"].startswith("create a: the content of c4")
    assert messages[2] == {"message_type": "not_made", "path": "pipe"}
    assert messages[3] == {"message_type": "summary", **NOTHING, "created": 3, "not_made": 1, "failed": 1}


def test_a_dry_run_is_one_document(home: Path, tree: Path, store: c4py.FSStore) -> None:
    (tree / "d" / "b").rename(tree / "moved")
    before = snapshot(tree)
    for action in (
        ["patch", "--dry-run", "--json", "old.c4m", "tree"],
        ["workspace", "checkout", "-n", "--json", "-C", "tree", "old.c4m"],
    ):
        (plan,) = told(home, *action, store=store)
        assert {tuple(done.values()) for done in plan.pop("operations")} == {
            ("move", "d/b", "moved"),
            ("update", "a", None),
            ("times", "d", None),
        }
        assert plan == {"missing": [], "not_made": [], "unchanged": 1, "bytes": 2, "errors": []}
    store.remove(c4py.identify_bytes(b"aa"))
    (plan,) = told(home, "patch", "--dry-run", "--json", "old.c4m", "tree", store=store, code=1)
    assert plan["missing"] == [{"path": "a", "c4id": str(c4py.identify_bytes(b"aa"))}]
    assert snapshot(tree) == before


def test_a_plan_of_many_operations_is_still_one_document(home: Path) -> None:
    names = [f"{number:05}" for number in range(10_000)]
    c4py.dump(c4py.Manifest([c4py.Entry(name, size=0) for name in names]), home / "many.c4m")
    (plan,) = told(home, "patch", "--dry-run", "--json", "many.c4m", "new")
    assert [done["path"] for done in plan["operations"]] == names


def test_manifests_are_one_document(home: Path, tree: Path, store: c4py.FSStore) -> None:
    expected = c4py.scan(tree)
    for arguments in (["patch", "--json", "tree"], ["workspace", "snapshot", "--no-store", "--json", "-C", "tree"]):
        (document,) = told(home, *arguments, store=store)
        assert document["c4id"] == str(expected.compute_c4id())
        assert [entry["path"] for entry in document["entries"]] == [entry.path for entry in expected]
        assert document["errors"] == []
    (document,) = told(home, "patch", "--json", "old.c4m")
    assert document["c4id"] == str(c4py.load(home / "old.c4m").compute_c4id())
    (document,) = told(home, "patch", "--json", "tree", "out.c4m")
    assert document == {"written": "out.c4m", "c4id": str(expected.compute_c4id()), "errors": []}
    assert c4py.load(home / "out.c4m") == expected


def test_a_workspace_tells_its_checkout_and_its_reset_as_lines(home: Path, tree: Path, store: c4py.FSStore) -> None:
    assert tree
    messages = told(home, "workspace", "checkout", "--json", "-C", "ws", "old.c4m", store=store)
    assert kinds(messages) == ["summary"]
    assert messages[-1] == {"message_type": "summary", **NOTHING, "created": 4}
    (home / "ws" / "a").write_bytes(b"mine")
    (home / "ws" / "more").write_bytes(b"mine")
    messages = told(home, "workspace", "reset", "--json", "-C", "ws", store=store)
    assert messages[-1] == {"message_type": "summary", **NOTHING, "updated": 1, "removed": 1, "unchanged": 2}
    store.remove(c4py.identify_bytes(b"aa"))
    (home / "ws" / "a").write_bytes(b"mine")
    messages = told(home, "workspace", "reset", "--json", "-C", "ws", store=store, code=1)
    assert kinds(messages) == ["missing", "summary"]


def test_a_checkout_takes_content_from_a_source(home: Path, tree: Path, tmp_path: Path) -> None:
    build(home / "source", CONTENT)
    empty = c4py.FSStore(tmp_path / "empty")
    done = c4py_run("workspace", "checkout", "-C", "ws", "old.c4m", home=home, store=empty.root)
    assert done.returncode == 1
    assert b"Name a directory that has it with --source" in done.stderr
    done = c4py_run("workspace", "checkout", "-C", "ws", "--source", "source", "old.c4m", home=home, store=empty.root)
    assert (done.returncode, done.stdout) == (0, b"4 created\n")
    assert (home / "ws" / "a").read_bytes() == b"aa"
    assert tree


def test_people_are_shown_the_first_of_much_missing_content(home: Path) -> None:
    count = SHOWN + 3
    entries = [c4py.Entry(f"{n:03}", size=1, c4id=c4py.identify_bytes(str(n).encode())) for n in range(count)]
    c4py.dump(c4py.Manifest(entries), home / "many.c4m")
    for arguments in (["--dry-run"], []):
        done = c4py_run("patch", *arguments, "many.c4m", "new", home=home)
        assert done.returncode == 1
        lines = done.stderr.decode().splitlines()
        first = lines.index(f"Missing content for {count} entries:")
        assert [line.split()[0] for line in lines[first + 1 : first + 1 + SHOWN]] == [f"{n:03}" for n in range(SHOWN)]
        assert lines[first + 1 + SHOWN] == "  and 3 more; --json lists all"
    assert len(told(home, "patch", "--json", "-q", "many.c4m", "new", code=1)) == 1 + count + 1


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_is_told_in_the_form_that_was_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tree, copy = Path(directory) / "tree", Path(directory) / "copy"
        tree.mkdir()
        (tree / "closed").touch(mode=0)
        assert main(["patch", "--json", "-q", str(tree), str(copy)]) == 3
        printed = capfd.readouterr()
        assert printed.err == ""
        error, summary = map(json.loads, printed.out.splitlines())
        assert error["message"].startswith(f"{tree}/closed: cannot open the file")
        assert summary == {"message_type": "summary", **NOTHING, "failed": 1}
        assert main(["patch", "--json", str(tree)]) == 3
        printed = capfd.readouterr()
        assert printed.err.startswith(f"c4py patch: {tree}/closed: cannot open the file")
        assert [error["path"] for error in json.loads(printed.out)["errors"]] == ["closed"]
        assert not copy.exists()


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Record what functions of the library are given as `progress`, on a screen."""
    given: list[object] = []

    def recording(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            given.append(options.get("progress"))
            return function(*arguments, **options | {"progress": None})

        return call

    monkeypatch.setattr("c4py.cli.terminal.is_screen", lambda _stream: True)
    monkeypatch.setattr(c4py, "scan", recording(c4py.scan))
    monkeypatch.setattr(c4py, "reconcile", recording(c4py.reconcile))
    for method in ("checkout", "reset", "snapshot", "diff_from_current"):
        monkeypatch.setattr(c4py.Workspace, method, recording(getattr(c4py.Workspace, method)))
    return given


@pytest.mark.parametrize(
    "arguments",
    [
        ["patch", "tree"],
        ["patch", "tree", "copy"],
        ["patch", "--dry-run", "old.c4m", "tree"],
        ["workspace", "checkout", "-f", "-C", "tree", "old.c4m"],
        ["workspace", "snapshot", "-C", "tree"],
        ["explain", "id", "tree"],
        ["explain", "diff", "old.c4m", "tree"],
        ["explain", "patch", "old.c4m", "tree"],
    ],
)
def test_progress_is_shown_unless_quiet_is_given(
    home: Path,
    tree: Path,
    store: c4py.FSStore,
    progress: list[object],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    assert tree
    monkeypatch.chdir(home)
    monkeypatch.setenv("C4_STORE", str(store.root))
    assert main([*arguments, "--quiet"]) == 0
    assert progress
    assert set(progress) == {False}
    progress.clear()
    assert main(arguments) == 0
    assert progress
    assert set(progress) == {True}

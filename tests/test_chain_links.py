"""A chain of patches that contradicts itself: it can be looked at, and nothing is brought to what it says."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import c4py
import pytest
from command import c4py_run

if TYPE_CHECKING:
    from collections.abc import Callable

#: States of one directory: files and what they hold.
STATES = ({"a": "1"}, {"a": "2", "b": "2"}, {"a": "3", "b": "2", "c": "3"}, {"b": "2", "c": "4"})


def content(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir() if not path.name.startswith(".c4-")}


@pytest.fixture
def states(tmp_path: Path, store: c4py.FSStore) -> list[c4py.Manifest]:
    """Make directories of all states, and store what is in them."""
    manifests = []
    for number, files in enumerate(STATES):
        directory = tmp_path / f"state-{number}"
        directory.mkdir()
        for name, text in files.items():
            (directory / name).write_text(text)
        manifests.append(c4py.scan(directory, store=store))
    return manifests


@pytest.fixture
def patches(states: list[c4py.Manifest]) -> list[str]:
    """Give the patches between the states, as `c4py diff` prints them."""
    return [c4py.patch_diff(old, new, closed=True) for old, new in pairwise(states)]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Make the directory that must stay as it is."""
    directory = tmp_path / "d"
    directory.mkdir()
    (directory / "mine").write_text("mine")
    return directory


def twice(first: str, patches: list[str]) -> str:
    return first + patches[0] + patches[0]


def without_the_second(first: str, patches: list[str]) -> str:
    return first + patches[0] + patches[2]


def not_closed(first: str, patches: list[str]) -> str:
    """Append one patch twice as `patch_diff` writes it, without the closing ID."""
    text = "".join(line for line in patches[0].splitlines(keepends=True)[:-1])
    return first + text + text


def another_closing_id(first: str, patches: list[str]) -> str:
    return first + patches[0].rpartition("c4")[0] + f"{c4py.identify_bytes(b'')}\n"


CONTRADICTIONS = [twice, without_the_second, not_closed, another_closing_id]


@pytest.mark.parametrize("make", CONTRADICTIONS)
@pytest.mark.parametrize("is_external", [False, True])
def test_no_verb_acts_on_a_chain_that_contradicts_itself(
    home: Path,
    directory: Path,
    store: c4py.FSStore,
    states: list[c4py.Manifest],
    patches: list[str],
    make: Callable[[str, list[str]], str],
    is_external: bool,
) -> None:
    from c4py.store.manifests import put_manifest

    put_manifest(store, states[0])
    text = make("" if is_external else c4py.dumps(states[0]), patches)
    (home / "chain.c4m").write_text(text)
    (home / "out.c4m").write_text("")
    section = (2 if make is another_closing_id else 3) - is_external
    for arguments in (
        ("patch", "chain.c4m", directory),
        ("patch", "-s", "chain.c4m", directory),
        ("patch", "--dry-run", "chain.c4m", directory),
        ("patch", "chain.c4m", "out.c4m"),
        ("explain", "patch", "chain.c4m", directory),
        ("explain", "patch", "chain.c4m", "out.c4m"),
    ):
        for source, piped in (("chain.c4m", None), ("-", text.encode())):
            named = [source if argument == "chain.c4m" else argument for argument in arguments]
            done = c4py_run(*named, home=home, store=store.root, piped=piped)
            assert (done.returncode, done.stdout) == (1, b""), arguments
            assert b"the chain contradicts itself" in done.stderr
            assert f"section {section}".encode() in done.stderr
    for flags in ([], ["-n"]):
        done = c4py_run(
            "workspace", "checkout", "-f", "-C", directory, *flags, "chain.c4m", home=home, store=store.root
        )
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"contradicts itself" in done.stderr or b"follows a different one" in done.stderr
    assert os.listdir(directory) == ["mine"]
    assert (home / "out.c4m").read_text() == ""


@pytest.mark.parametrize("make", CONTRADICTIONS)
def test_the_library_does_not_act_on_it_either(
    tmp_path: Path,
    directory: Path,
    store: c4py.FSStore,
    states: list[c4py.Manifest],
    patches: list[str],
    make: Callable[[str, list[str]], str],
) -> None:
    path = tmp_path / "chain.c4m"
    path.write_text(make(c4py.dumps(states[0]), patches))
    workspace = c4py.Workspace(directory, store=store)
    given: list[c4py.Manifest | Path] = [path]
    # A closing ID is no part of a Manifest, and `load` refuses one that another one follows.
    if make is not_closed:
        given.append(c4py.load(path))
    for manifest in given:
        for is_dry in (False, True):
            with pytest.raises((c4py.PatchError, c4py.EmptyPatch)):
                c4py.reconcile(manifest, directory, store=store, dry_run=is_dry)
            with pytest.raises((c4py.PatchError, c4py.EmptyPatch)):
                workspace.checkout(manifest, dry_run=is_dry)
        with pytest.raises((c4py.PatchError, c4py.EmptyPatch)):
            c4py.verify_tree(manifest, directory)
    assert os.listdir(directory) == ["mine"]


@pytest.mark.parametrize("is_external", [False, True])
def test_a_sound_chain_is_acted_on(
    home: Path,
    directory: Path,
    store: c4py.FSStore,
    states: list[c4py.Manifest],
    patches: list[str],
    is_external: bool,
) -> None:
    from c4py.store.manifests import put_manifest

    put_manifest(store, states[0])
    text = "".join([*([] if is_external else [c4py.dumps(states[0])]), *patches])
    (home / "chain.c4m").write_text(text)
    for number in (0, 2, 1):
        done = c4py_run("patch", "-n", str(number), "chain.c4m", directory, home=home, store=store.root)
        assert done.returncode == 0, done.stderr
        assert content(directory) == STATES[number + is_external - 1 if number else -1]
    done = c4py_run("workspace", "checkout", "-f", "-C", directory, "chain.c4m", home=home, store=store.root)
    assert done.returncode == 0, done.stderr
    assert content(directory) == STATES[-1]


def test_what_stands_above_a_contradiction_can_be_gone_back_to(
    home: Path, directory: Path, store: c4py.FSStore, states: list[c4py.Manifest], patches: list[str]
) -> None:
    (home / "chain.c4m").write_text(twice(c4py.dumps(states[0]), patches))
    refused = c4py_run("patch", "chain.c4m", directory, home=home, store=store.root)
    assert b"up to section 2 it is sound (-n 2, stop_at=2)" in refused.stderr
    assert c4py_run("patch", "-n", "2", "chain.c4m", directory, home=home, store=store.root).returncode == 0
    assert content(directory) == STATES[1]


def test_what_only_shows_it_says_so(home: Path, states: list[c4py.Manifest], patches: list[str]) -> None:
    sound = c4py.dumps(states[0]) + patches[0]
    (home / "one.c4m").write_text(c4py.dumps(states[0]))
    for name, text in (("sound.c4m", sound), ("chain.c4m", not_closed(c4py.dumps(states[0]), patches))):
        (home / name).write_text(text)
        for arguments in (
            ("patch", name),
            ("explain", "patch", name),
            ("log", name),
            ("split", name, "1", "before.c4m", "after.c4m"),
            ("diff", name, "one.c4m"),
            ("merge", name, name),
            ("intersect", "path", name, "one.c4m"),
            ("paths", name),
        ):
            done = c4py_run(*arguments, home=home)
            assert done.returncode == 0, done.stderr
            note = f"note: {name}: the chain contradicts itself: the ID above section 3".encode()
            assert (note in done.stderr) == (name == "chain.c4m"), arguments
    assert c4py_run("patch", "-n", "2", "chain.c4m", home=home).stderr == b""


@pytest.mark.parametrize("has_store", [False, True])
def test_the_empty_state_needs_no_store(home: Path, tmp_path: Path, has_store: bool) -> None:
    store = c4py.FSStore(tmp_path / "other").root if has_store else None
    new = home / "z"
    new.mkdir()
    (new / "a").touch()
    expected = c4py.dumps(c4py.scan(new)).encode()
    (home / "ch.c4m").write_text(c4py.patch_diff(c4py.Manifest(), c4py.scan(new), closed=True))

    def run(*arguments: str) -> bytes:
        done = c4py_run(*arguments, home=home, store=store)
        assert (done.returncode, b"note:" in done.stderr) == (0, False), (arguments, done.stderr)
        return done.stdout

    assert run("patch", "ch.c4m") == expected
    assert run("diff", "ch.c4m", "z") == b""
    assert b" +1 -0 ~0\n" in run("log", "ch.c4m")
    run("split", "ch.c4m", "1", "before.c4m", "after.c4m")
    assert (home / "before.c4m").read_bytes() == expected
    run("patch", "ch.c4m", "out.c4m")
    assert (home / "out.c4m").read_bytes() == expected
    run("verify", "ch.c4m", "z")
    run("explain", "patch", "ch.c4m", "z")
    run("patch", "ch.c4m", "made")
    assert os.listdir(home / "made") == ["a"]
    chain = c4py.load(home / "ch.c4m")
    assert len(c4py.reconcile(chain, home / "again").errors) == 0
    assert os.listdir(home / "again") == ["a"]


def write_two_files(home: Path, states: list[c4py.Manifest], patches: list[str]) -> None:
    """Make a chain in two files: v1.c4m, and patch1.c4m that continues from it."""
    (home / "v1.c4m").write_text(c4py.dumps(states[0]))
    (home / "patch1.c4m").write_text(patches[0])


def test_the_second_file_of_a_chain_is_not_overwritten_with_the_first(
    home: Path, states: list[c4py.Manifest], patches: list[str]
) -> None:
    write_two_files(home, states, patches)
    for verb in (("patch",), ("patch", "-e"), ("explain", "patch")):
        done = c4py_run(*verb, "v1.c4m", "patch1.c4m", home=home)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"'cat v1.c4m patch1.c4m | c4py patch -'" in done.stderr
        assert (home / "patch1.c4m").read_text() == patches[0]
    piped = (home / "v1.c4m").read_bytes() + (home / "patch1.c4m").read_bytes()
    assert c4py_run("patch", "-", home=home, piped=piped).stdout == c4py.dumps(states[1]).encode()


def test_a_patch_of_something_else_is_overwritten_as_asked(
    home: Path, states: list[c4py.Manifest], patches: list[str]
) -> None:
    write_two_files(home, states, patches)
    (home / "patch1.c4m").write_text(patches[1])
    assert c4py_run("patch", "v1.c4m", "patch1.c4m", home=home).returncode == 0
    assert (home / "patch1.c4m").read_text() == c4py.dumps(states[0])


@pytest.mark.parametrize("name", ["chain.c4m", "./chain.c4m", "link.c4m", "hard.c4m"])
def test_a_state_is_not_written_over_its_own_chain(
    home: Path, states: list[c4py.Manifest], patches: list[str], name: str
) -> None:
    text = c4py.dumps(states[0]) + patches[0]
    (home / "chain.c4m").write_text(text)
    (home / "link.c4m").symlink_to("chain.c4m")
    (home / "hard.c4m").hardlink_to(home / "chain.c4m")
    done = c4py_run("patch", "-n", "1", "chain.c4m", name, home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"{name} is the manifest that is read".encode() in done.stderr
    assert (home / "chain.c4m").read_text() == text
    assert (home / "link.c4m").is_symlink()


@pytest.mark.parametrize("name", ["tree.json", "link.json"])
def test_a_report_is_not_written_over_the_manifest(home: Path, states: list[c4py.Manifest], name: str) -> None:
    text = c4py.dumps(states[0])
    (home / "tree.json").write_text(text)
    (home / "link.json").symlink_to("tree.json")
    done = c4py_run("verify", "tree.json", ".", "--report", "new.json", "--report", name, home=home)
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"{name} is the manifest that is compared".encode() in done.stderr
    assert (home / "tree.json").read_text() == text
    assert not (home / "new.json").exists()


def test_the_state_of_a_bare_patch_comes_from_the_store_or_not_at_all(
    home: Path, store: c4py.FSStore, states: list[c4py.Manifest], patches: list[str]
) -> None:
    from c4py.store.manifests import put_manifest

    (home / "bare.c4m").write_text(patches[0] + patches[1])
    for at in (None, home.parent / "nothing"):
        for arguments in (("split", "bare.c4m", "1", "before.c4m", "after.c4m"), ("patch", "bare.c4m", "before.c4m")):
            done = c4py_run(*arguments, home=home, store=at)
            assert (done.returncode, done.stdout) == (1, b"")
            assert str(states[0].compute_c4id()).encode() in done.stderr
    assert os.listdir(home) == ["bare.c4m"]
    put_manifest(store, states[0])
    assert states[0].compute_c4id() in store
    done = c4py_run("split", "bare.c4m", "1", "before.c4m", "after.c4m", home=home, store=store.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (home / "before.c4m").read_text() == c4py.dumps(states[1])
    joined = (home / "before.c4m").read_bytes() + (home / "after.c4m").read_bytes()
    assert c4py_run("patch", "-", home=home, piped=joined).stdout == c4py.dumps(states[2]).encode()

"""`c4py patch`: chains resolved, directories scanned, and directories brought to a state."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import c4py
import pytest
from c4py.cli import main
from command import COMMAND, c4py_run, environment
from vector_cases import Case, check_all, create, raw

#: `patch` cases of cli.jsonl that c4py decides differently.
DEVIATIONS = {
    "patch-dir-missing-content": "the state before has the IDs of its directories: what did not change is not printed",
}


@pytest.fixture
def tree(tree: Path) -> Path:
    """Make a tree of what can be made again: no pipe."""
    (tree / "pipe").unlink()
    return tree


#: First lines of stderr that are the reference's, word for word.
SAME_MESSAGES = ("Wrote ", "0 operations planned", "Missing content for")


def test_patch_cases_of_the_command() -> None:
    seen = set()

    def check(case: Case) -> None:
        if case["argv"][:1] != ["patch"]:
            return
        seen.add(case["case"])
        with tempfile.TemporaryDirectory() as directory:
            create(case["files"], directory.encode())
            done = c4py_run(*case["argv"], home=Path(directory))
            files = {item["path"]: item["content"] for item in case.get("files_written", [])}
            written = {path: (Path(directory) / path).read_text() for path in files}
        assert done.returncode == case["exit_code"], done.stderr
        assert written == files
        said = done.stderr.decode().splitlines()
        if case.get("stderr_first_line", "").startswith(SAME_MESSAGES):
            assert said[0] == case["stderr_first_line"]
        elif case["exit_code"]:
            assert said[0].startswith(("c4py patch: ", "usage: c4py patch"))
        if case["case"] not in DEVIATIONS:
            assert done.stdout == raw(case, "stdout"), done.stderr
            return
        # The patch is one from the directory, whole, to the target.
        first, *lines, last = done.stdout.decode().splitlines()
        expected = raw(case, "stdout").decode().splitlines()
        assert lines == [line for line in expected[1:-1] if not line.endswith("/") and " zz " in line]
        assert c4py.parse(first) != c4py.parse(expected[0])
        assert last == expected[-1]

    check_all("cli", check, count=393)
    assert len(seen) == 65
    assert set(DEVIATIONS) <= seen


def two_files(home: Path) -> None:
    """Make a chain in two files: the second continues from the first."""
    old, new = c4py.loads("- - 1 a -\n"), c4py.loads("- - 1 a -\n- - 2 b -\n")
    c4py.dump(old, home / "base.c4m")
    (home / "1.c4m").write_text(c4py.patch_diff(old, new))


def test_a_patch_whose_base_is_in_the_store_is_resolved(home: Path, store: c4py.FSStore) -> None:
    two_files(home)
    alone = c4py_run("patch", "1.c4m", home=home)
    assert alone.stdout == b"- - 2 b -\n"
    assert b"note: section 1 continues from c4" in alone.stderr
    assert c4py_run("id", "-s", "base.c4m", home=home, store=store.root).returncode == 0
    assert c4py_run("patch", "1.c4m", home=home, store=store.root).stdout == b"- - 1 a -\n- - 2 b -\n"


def test_standard_input_is_a_manifest(home: Path) -> None:
    two_files(home)
    chain = (home / "base.c4m").read_bytes() + (home / "1.c4m").read_bytes()
    done = c4py_run("patch", "-", "out.c4m", home=home, piped=chain)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"Wrote out.c4m\n")
    assert (home / "out.c4m").read_bytes() == b"- - 1 a -\n- - 2 b -\n"


def test_an_error_in_several_files_names_the_file_and_its_line(home: Path) -> None:
    two_files(home)
    (home / "bad.c4m").write_text("- - 1 c -\nnonsense\n")
    done = c4py_run("patch", "base.c4m", "1.c4m", "bad.c4m", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"c4py patch: bad.c4m: in its line 2: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dry-run", "TREE"), b"for a directory that is changed"),
        (("--source", "TREE", "base.c4m"), b"for a directory that is changed"),
        (("-r", "base.c4m"), b"-r takes a change and a directory"),
        (("base.c4m", "TREE", "1.c4m"), b"all are manifests"),
        (("base.c4m", "1.txt"), b"neither a directory nor the name of a manifest"),
        (("-m", "m", "base.c4m", "TREE"), b"by the content of its files"),
        (("nothing.c4m",), b"nothing.c4m"),
    ],
)
def test_wrong_arguments_are_refused(home: Path, tree: Path, arguments: tuple[str, ...], said: bytes) -> None:
    two_files(home)
    (home / "1.txt").write_text("")
    before = sorted(tree.rglob("*"))
    done = c4py_run("patch", *(argument.replace("TREE", str(tree)) for argument in arguments), home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert said in done.stderr
    assert sorted(tree.rglob("*")) == before


def test_a_directory_is_printed_or_written_and_stored(home: Path, store: c4py.FSStore, tree: Path) -> None:
    expected = c4py.dumps(c4py.scan(tree)).encode()
    assert c4py_run("patch", "--no-store", tree, home=home, store=store.root).stdout == expected
    assert len(store) == 0
    assert c4py_run("patch", tree, home=home).stdout == expected
    done = c4py_run("patch", tree, "out.c4m", home=home, store=store.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"Wrote out.c4m\n")
    assert (home / "out.c4m").read_bytes() == expected
    assert all(entry.c4id in store for entry in c4py.loads(expected) if entry.c4id)


def test_a_directory_becomes_what_a_manifest_says_and_goes_back(home: Path, store: c4py.FSStore, tree: Path) -> None:
    before = c4py.scan(tree)
    other = home / "other"
    other.mkdir()
    (other / "new").write_text("new")
    target = c4py.scan(other, store=store)
    c4py.dump(target, home / "target.c4m")
    plan = c4py_run("patch", "--dry-run", "target.c4m", tree, home=home, store=store.root)
    assert plan.returncode == 0
    assert plan.stdout.splitlines()[0] == b"create new"
    assert c4py.scan(tree) == before
    done = c4py_run("patch", "-s", "target.c4m", tree, home=home, store=store.root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == f"{c4py.patch_diff(before, target)}{target.compute_c4id()}\n"
    assert c4py.scan(tree) == target
    (home / "change.c4m").write_bytes(done.stdout)
    back = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert back.returncode == 0, back.stderr
    assert c4py.scan(tree) == before
    again = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert (again.returncode, again.stdout, again.stderr) == (0, b"", b"6 unchanged\n")


def test_a_directory_becomes_what_another_is(home: Path, tree: Path) -> None:
    done = c4py_run("patch", tree, "copy", home=home)
    assert done.returncode == 0, done.stderr
    assert c4py.scan(home / "copy") == c4py.scan(tree)
    state = c4py.loads(b"".join(line + b"\n" for line in done.stdout.splitlines()[1:-1]))
    assert c4py.dumps(state) == c4py.dumps(c4py.scan(tree))


def test_content_comes_from_a_source(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "target.c4m")
    missing = c4py_run("patch", "target.c4m", "copy", home=home)
    assert missing.returncode == 1
    assert missing.stderr.startswith(b"Missing content for ")
    assert not (home / "copy").exists()
    assert c4py_run("patch", "--source", tree, "target.c4m", "copy", home=home).returncode == 0
    assert c4py.scan(home / "copy") == c4py.scan(tree)


def test_output_into_the_directory_that_is_changed_is_refused(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), home / "target.c4m")
    with open(tree / "change.c4m", "wb") as printed:
        done = subprocess.run(
            [*COMMAND, "patch", "target.c4m", tree],
            cwd=home,
            env=environment(home),
            stdout=printed,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert b"lies in the directory that is worked on" in done.stderr
    assert os.path.exists(tree / "change.c4m")


def test_a_change_without_a_state_before_is_refused(home: Path, store: c4py.FSStore, tree: Path) -> None:
    (home / "change.c4m").write_text("- - 1 a -\n")
    done = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"does not begin with the ID of the state before" in done.stderr


def test_what_dash_s_did_not_keep_cannot_be_reversed(home: Path, store: c4py.FSStore, tree: Path) -> None:
    (home / "change.c4m").write_text(c4py.patch_diff(c4py.loads("- - 1 gone -\n"), c4py.scan(tree)))
    before = c4py.scan(tree)
    done = c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"content not found" in done.stderr
    assert c4py.scan(tree) == before


def test_a_patch_whose_base_is_not_at_hand_is_no_state_of_a_directory(home: Path, tree: Path) -> None:
    old = c4py.scan(tree)
    new = old.filter(lambda path, _: path != "a.txt")
    (home / "change.c4m").write_text(c4py.patch_diff(old, new))
    assert c4py_run("patch", "change.c4m", home=home).returncode == 0
    for flags in ([], ["--source", tree], ["--dry-run"]):
        done = c4py_run("patch", *flags, "change.c4m", tree, home=home)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"continues from c4" in done.stderr
    assert c4py.scan(tree) == old


def test_a_manifest_in_the_directory_is_not_removed_by_itself(home: Path, tree: Path) -> None:
    c4py.dump(c4py.scan(tree), tree / "tree.c4m")
    for path in (tree / "tree.c4m", tree / "d" / ".." / "tree.c4m"):
        done = c4py_run("patch", path, tree, home=home)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"it would be removed" in done.stderr
        with pytest.raises(c4py.UnusableManifest, match="it would be removed"):
            c4py.reconcile(path, tree)
    assert (tree / "tree.c4m").exists()


def test_a_change_in_the_directory_is_not_removed_by_going_back(home: Path, store: c4py.FSStore, tree: Path) -> None:
    c4py.dump(c4py.scan(tree, store=store), home / "tree.c4m")
    (tree / "a.txt").write_text("changed")
    done = c4py_run("patch", "-s", "tree.c4m", tree, home=home, store=store.root)
    (tree / "change.c4m").write_bytes(done.stdout)
    back = c4py_run("patch", "-r", tree / "change.c4m", tree, home=home, store=store.root)
    assert (back.returncode, back.stdout) == (1, b"")
    assert b"it would be removed" in back.stderr
    assert (tree / "change.c4m").exists()
    (tree / "change.c4m").rename(home / "change.c4m")
    assert c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root).returncode == 0
    assert (tree / "a.txt").read_text() == "changed"


def test_what_a_link_leads_to_is_not_read(home: Path, tree: Path) -> None:
    (home / "outside").write_text("secret")
    (home / "outside").chmod(0)
    (tree / "out").symlink_to("../home/outside")
    c4py.dump(c4py.scan(tree, link_ids="inside"), home / "tree.c4m")
    # Nobody may read it, root included: it would be an error of the scan.
    (home / "outside").unlink()
    os.mkfifo(home / "outside")
    done = c4py_run("patch", "tree.c4m", tree, home=home)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr


@pytest.mark.parametrize("kind", ["file", "directory", "nothing"])
def test_a_directory_with_links_to_outside_is_what_its_manifest_says(
    home: Path, store: c4py.FSStore, tree: Path, kind: str
) -> None:
    outside = home / "outside"
    if kind == "directory":
        outside.mkdir()
        (outside / "x").write_text("x")
    else:
        outside.write_text("x")
    for link in (tree / "out", tree / "d" / "out", tree / "d" / "e" / "out"):
        link.symlink_to(outside)
    (tree / "d" / "e" / "inside").symlink_to("../x.bin")
    (tree / "d" / "dangling").symlink_to("nowhere")
    manifest = c4py.scan(tree, store=store)
    c4py.dump(manifest, home / "tree.c4m")
    if kind == "nothing":
        outside.unlink()
    done = c4py_run("patch", "tree.c4m", tree, home=home)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    # Nor does what changes tell more than that.
    (tree / "d" / "e" / "empty").write_text("full")
    done = c4py_run("patch", "-s", "tree.c4m", tree, home=home, store=store.root)
    assert done.returncode == 0, done.stderr
    change = c4py.loads(done.stdout)
    assert [path for path, _ in change.flat_entries()] == ["d", "d/e", "d/e/empty"]
    assert done.stdout.decode().splitlines()[-1] == str(manifest.compute_c4id())
    (home / "change.c4m").write_bytes(done.stdout)
    assert c4py_run("patch", "-r", "change.c4m", tree, home=home, store=store.root).returncode == 0
    assert (tree / "d" / "e" / "empty").read_text() == "full"
    done = c4py_run("diff", "-r", "-s", "change.c4m", tree, home=home, store=store.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_state_before_without_ids_of_its_directories_is_not_gone_back_to(
    home: Path, store: c4py.FSStore, tree: Path
) -> None:
    from c4py.store.manifests import put_manifest

    before = c4py.scan(tree, mode="metadata")
    put_manifest(store, before)
    (tree / "a.txt").write_text("changed")
    change = c4py.patch_diff(before, c4py.scan(tree, mode="metadata"), closed=True)
    (home / "change.c4m").write_text(change)
    for verb in ("patch", "diff"):
        done = c4py_run(verb, "-r", "change.c4m", tree, home=home, store=store.root)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"has no ID for d/" in done.stderr
    done = c4py_run("patch", "change.c4m", tree, home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"has no ID for d/" in done.stderr
    assert (tree / "d" / "x.bin").exists()


def test_corrupt_content_of_the_store_ends_with_4(home: Path, store: c4py.FSStore, tree: Path) -> None:
    manifest = c4py.scan(tree, store=store)
    c4py.dump(manifest, home / "tree.c4m")
    c4id = manifest["a.txt"].c4id
    assert c4id is not None
    store.path(c4id).chmod(0o600)
    store.path(c4id).write_bytes(b"HELLO WORLD")
    done = c4py_run("patch", "tree.c4m", "copy", home=home, store=store.root)
    assert done.returncode == 4
    assert b"create a.txt: the content of c4" in done.stderr
    assert not (home / "copy" / "a.txt").exists()


@pytest.mark.usefixtures("unprivileged")
def test_a_directory_that_cannot_be_read_whole_ends_with_3_and_stays(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        tree.mkdir()
        (tree / "closed").touch(mode=0)
        one = Path(directory) / "one.c4m"
        c4py.dump(c4py.Manifest([c4py.Entry("empty", size=0)]), one)
        for arguments in ([one, tree], [tree, Path(directory) / "copy"]):
            assert main(["patch", *map(str, arguments)]) == 3
            printed = capfd.readouterr()
            assert printed.out == ""
            assert printed.err.splitlines() == [
                f"c4py patch: {tree}/closed: cannot open the file: Permission denied",
                "c4py patch: nothing was changed",
            ]
        assert sorted(os.listdir(directory)) == ["one.c4m", "tree"]
        assert os.listdir(tree) == ["closed"]


def test_what_is_never_made_is_told(home: Path, tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    done = c4py_run("patch", tree, "copy", home=home)
    assert done.returncode == 0
    assert b"pipe: a device, pipe or socket is not made" in done.stderr
    refused = c4py_run("patch", tree, "-", home=home)
    assert refused.returncode == 1
    assert not (home / "-").exists()

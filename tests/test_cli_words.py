"""What the command says where something is wrong, left out or not there: what it is, and what to do about it."""

from __future__ import annotations

import os
from pathlib import Path

import c4py
import pytest
from c4py.cli.dupes import build_parser
from command import COMMAND, c4py_run, environment

ID = str(c4py.identify_bytes(b"content"))


@pytest.fixture
def files(home: Path) -> Path:
    """Make two directories with a file of one name, their manifests, a chain, and an empty manifest."""
    manifests = []
    for name in ("old", "new"):
        (home / name).mkdir()
        (home / name / "x").write_text(name)
        manifests.append(c4py.scan(home / name))
        c4py.dump(manifests[-1], home / f"{name}.c4m")
    (home / "chain.c4m").write_text(c4py.dumps(manifests[0]) + c4py.patch_diff(*manifests))
    (home / "empty.c4m").touch()
    (home / "empty").mkdir()
    return home


@pytest.mark.parametrize("verb", ["patch", "explain patch"])
def test_a_section_beyond_the_chain_is_told_and_nothing_is_made_of_it(files: Path, verb: str) -> None:
    beyond = f"c4py {verb}: "
    shown = c4py_run(*verb.split(), "-n", "3", "chain.c4m", home=files)
    assert shown.returncode == 0
    assert shown.stderr.decode() == f"{beyond}note: no section 3: the chain has 2 sections; this is its last state\n"
    assert shown.stdout == c4py_run(*verb.split(), "chain.c4m", home=files).stdout
    for destination in ("out.c4m", "empty"):
        done = c4py_run(*verb.split(), "-n", "2", "old.c4m", destination, home=files)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == f"{beyond}no section 2: the chain has 1 section\n"
    assert not (files / "out.c4m").exists()
    assert os.listdir(files / "empty") == []


@pytest.mark.parametrize(
    ("arguments", "left_out", "why"),
    [
        (("old", "new"), "new", "old is printed alone"),
        (("old/x", "new.c4m", "empty"), "old/x, empty", "new.c4m is printed alone"),
        (("old/x", "new/x"), "old/x", "of several files of one name"),
        (("--json", "old/x", "new/x"), "old/x", "of several files of one name"),
    ],
)
def test_id_names_what_it_does_not_print(files: Path, arguments: tuple[str, ...], left_out: str, why: str) -> None:
    done = c4py_run("id", *arguments, home=files)
    assert done.returncode == 0
    assert done.stderr.decode().startswith(f"c4py id: note: not printed: {left_out}: {why}")
    assert c4py_run("id", "-q", *arguments, home=files).stderr == b""
    if "--json" in arguments:
        assert done.stdout.count(b'"path"') == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "old", "old.c4m"), "c4py verify: the manifest comes first: c4py verify old.c4m old\n"),
        *(
            (
                (verb, "old", *more),
                f"c4py {verb}: old is a directory, and a manifest is expected: make a manifest of it",
            )
            for verb, *more in (
                ("verify", "new"),
                ("validate",),
                ("paths",),
                ("log",),
                ("pool", "bundle"),
                ("split", "1", "a", "b"),
            )
        ),
        (("id", "nope.c4m"), "c4py id: nope.c4m: No such file or directory\n"),
        (("id", "~/x"), "c4py id: ~/x: No such file or directory; the shell did not expand ~"),
        (("~/x",), "c4py: neither a verb nor a file: '~/x'; the shell did not expand ~"),
        (("cat", ID + "x"), "c4py cat: a C4 ID is 90 characters long, this is 91\n"),
        (("ingest", "nope"), "c4py ingest: nope: No such file or directory"),
        (("pool", "nope", "bundle"), "c4py pool: nope: No such file or directory"),
        (("pool", "old.c4m", "old.zip"), "c4py pool: old.zip: a bundle is a directory, a .tar"),
        (("pool", "old.c4m", "old.tar.xz"), "c4py pool: old.tar.xz: a bundle is a directory, a .tar"),
        (("store", "init", "old.c4m"), "c4py store init: old.c4m is a file, and a store is a directory"),
    ],
)
def test_an_error_says_what_to_do(files: Path, arguments: tuple[str, ...], said: str) -> None:
    before = sorted(os.listdir(files))
    done = c4py_run(*arguments, home=files)
    assert done.returncode in (1, 2)
    assert done.stdout == b""
    assert done.stderr.decode().startswith(said)
    assert sorted(os.listdir(files)) == before


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (("cat",), "one C4ID or FILE is expected"),
        (("split", "old.c4m", "1"), "a MANIFEST, N, BEFORE and AFTER are expected"),
        (("intersect", "id", "old"), "two trees are expected, A and B"),
        (("explain", "diff", "old"), "two trees are expected, OLD and NEW"),
        (("log",), "at least one MANIFEST is expected"),
        (("patch",), "a TREE is expected"),
    ],
)
def test_usage_ends_with_what_is_missing(files: Path, arguments: tuple[str, ...], missing: str) -> None:
    done = c4py_run(*arguments, home=files)
    assert done.returncode == 1
    first, *_, last = done.stderr.decode().splitlines()
    assert first.startswith("usage: c4py ")
    assert last.endswith(f": {missing}")


def test_a_store_that_is_not_there_is_told(files: Path) -> None:
    for arguments in (("cat", ID), ("patch", "old.c4m", "empty")):
        done = c4py_run(*arguments, home=files, store=files / "gone")
        assert done.returncode == 1
        assert f"; no store is there: {files / 'gone'}" in done.stderr.decode()


def test_a_damaged_bundle_is_named(files: Path) -> None:
    done = c4py_run("ingest", "empty.c4m", home=files, store=files / "store")
    assert (done.returncode, done.stderr) == (1, b"c4py ingest: empty.c4m: the file ends early\n")


@pytest.mark.parametrize("arguments", [("id", "old"), ("cat", "large")])
def test_a_full_disk_below_the_output_is_told(files: Path, arguments: tuple[str, ...]) -> None:
    import subprocess

    (files / "large").write_bytes(bytes(1_000_000))
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=files,
            env=environment(files),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == f"c4py {arguments[0]}: standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (("verify", "empty.c4m", "empty"), b"c4py verify: note: the manifest has no entries\n"),
        (("validate", "empty.c4m"), b"c4py validate: note: empty.c4m is empty: a manifest without entries\n"),
    ],
)
def test_a_manifest_without_entries_is_noted(files: Path, arguments: tuple[str, ...], note: bytes) -> None:
    done = c4py_run(*arguments, home=files)
    assert (done.returncode, done.stderr) == (0, note)
    assert c4py_run(*arguments, "--quiet", home=files).stderr == b""


def test_a_list_of_paths_with_nul_is_one_with_the_flag_alone(home: Path) -> None:
    done = c4py_run("paths", home=home, piped=b"a\0b\0")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"standard input: neither a manifest nor a list of paths" in done.stderr
    assert len(c4py.loads(c4py_run("paths", "-0", home=home, piped=b"a\0b\0").stdout)) == 2


@pytest.mark.parametrize(
    ("text", "size"),
    [("4096", 4096), ("2K", 2048), ("2kb", 2048), ("2KiB", 2048), ("1.5MiB", 3 << 19), ("1GB", 1 << 30)],
)
def test_units_of_a_size_are_powers_of_1024(text: str, size: int) -> None:
    assert build_parser().parse_args(["--min-size", text, "x"]).min_size == size


@pytest.mark.parametrize("flag", ["-V", "-v", "--version"])
def test_a_flag_prints_the_version(home: Path, flag: str) -> None:
    assert c4py_run(flag, home=home).stdout == c4py_run("version", home=home).stdout


def test_one_operation_is_one(files: Path) -> None:
    done = c4py_run("patch", "--dry-run", "old", "new", home=files)
    assert done.stderr == b"1 operation planned\n"

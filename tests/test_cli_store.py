"""`c4py store`: which store is meant, what it holds, whether it is sound, and what may go."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import c4py
import pytest
from c4py.cli import main
from command import c4py_run
from object_servers import ACCESS_KEY, BUCKET, SECRET_KEY, moto


@pytest.fixture
def store(tmp_path: Path) -> c4py.FSStore:
    """Make a store that was split, with ten objects of 1 to 10 bytes."""
    store = c4py.FSStore(tmp_path / "store", split_threshold=4)
    for size in range(1, 11):
        store.put(io.BytesIO(b"x" * size))
    return store


def damage(store: c4py.FSStore, c4id: c4py.C4ID) -> None:
    path = store.path(c4id)
    path.chmod(0o600)
    path.write_bytes(b"damaged")


def age(store: c4py.FSStore) -> None:
    """Let a week pass for all objects."""
    for c4id in store:
        then = time.time() - 7 * 86_400
        os.utime(store.path(c4id), (then, then))


# Usage


def test_wrong_usage_ends_with_2(home: Path) -> None:
    for arguments in (
        [],
        ["nothing"],
        ["info", "x"],
        ["ls", "--no-such-flag"],
        ["init", "a", "b"],
        ["gc"],
        ["verify", "--time-limit", "1y"],
        ["verify", "--resume", "x"],
        ["gc", "--grace", "-1", "x"],
        ["gc", "--grace", "nan", "x"],
    ):
        done = c4py_run("store", *arguments, home=home, store=home / "store")
        assert (done.returncode, done.stdout) == (2, b""), (arguments, done.stderr)
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("part", ["x", "200%", "-1", "nan", "nan%", "inf", "1.5", "", "%", "1e400", "\x1b[31m"])
def test_a_sample_that_is_none_is_wrong_usage(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "verify", "--store", str(tmp_path), "--sample", part]) == 2
    said = capsys.readouterr().err
    assert f"argument --sample: neither a part (0.05, 5%) nor a number of objects: {part!r}" in said
    assert "\x1b" not in said


def test_every_action_has_help_with_examples(home: Path) -> None:
    listed = c4py_run("store", "--help", home=home)
    assert listed.returncode == 0
    for action in ("init", "info", "ls", "verify", "gc"):
        assert f"\n  {action} ".encode() in listed.stdout
        done = c4py_run("store", action, "--help", home=home)
        assert done.returncode == 0
        assert f"examples:\n  c4py store {action}".encode() in done.stdout
        assert b"exit codes:\n  0    " in done.stdout


def test_without_a_store_it_is_said_how_to_have_one(home: Path) -> None:
    for arguments in (["info"], ["ls"], ["verify"], ["gc", "x.c4m"]):
        done = c4py_run("store", *arguments, home=home)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(f"c4py store {arguments[0]}: no content store is configured: ".encode())


def test_what_an_action_does_to_one_store_needs_one_to_be_named(home: Path, store: c4py.FSStore) -> None:
    for arguments in (["verify"], ["gc", "x.c4m"]):
        done = c4py_run("store", *arguments, home=home, store=f"{store.root},{home}/other")
        assert done.returncode == 2
        assert b"name one with --store" in done.stderr
    done = c4py_run("store", "verify", "--store", store.root, home=home, store="a,b")
    assert done.returncode == 0


# init


def test_init_names_a_store_that_is_used_from_then_on(home: Path) -> None:
    done = c4py_run("store", "init", home=home)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, b"", f"the store is {home}/.c4/store\n")
    (home / "x").write_bytes(b"x")
    assert c4py_run("id", "-s", "x", home=home).returncode == 0
    assert c4py.identify_bytes(b"x") in c4py.FSStore(home / ".c4" / "store")
    # Once more changes nothing; another one has to be asked for.
    assert c4py_run("store", "init", home=home).returncode == 0
    done = c4py_run("store", "init", "other", home=home)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"names another store" in done.stderr
    done = c4py_run("store", "init", "--replace", "other", home=home)
    assert (done.returncode, done.stderr.decode()) == (0, f"the store is {home}/other\n")
    assert (home / ".c4" / "config").read_text() == f"store = {home}/other\n"


def test_init_says_that_the_environment_goes_before_the_file(home: Path) -> None:
    done = c4py_run("store", "init", home=home, store="elsewhere")
    assert done.returncode == 0
    assert done.stderr.endswith(b"\nc4py store init: C4_STORE is set, and goes before the file\n")


def test_init_refuses_what_the_file_cannot_express(home: Path) -> None:
    for place in ("a,b", "a\nb", "nfs://host/path"):
        done = c4py_run("store", "init", "--", place, home=home)
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1
    assert not (home / ".c4").exists()
    done = c4py_run("store", "init", "--", "--yes", home=home)
    assert done.stderr.decode() == f"the store is {home}/--yes\n"


# info


def test_info_tells_what_is_configured_and_what_it_holds(home: Path, store: c4py.FSStore) -> None:
    (home / "empty").mkdir()
    done = c4py_run("store", "info", "--json", home=home, store=f"{store.root},{home}/empty")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["source"], told["store_auto"]) == ("C4_STORE", False)
    first, second = told["stores"]
    assert (first["store"], first["written"], first["objects"], first["bytes"]) == (str(store.root), True, 10, 55)
    assert (second["store"], second["written"], second["objects"]) == (f"{home}/empty", False, 0)
    text = c4py_run("store", "info", "--store", store.root, home=home)
    assert text.returncode == 0
    assert text.stdout.startswith(f"configured by --store\n\n{store.root} (written and read)\n".encode())
    assert b"55 (55 B)" in text.stdout
    assert c4py_run("store", "init", store.root, home=home).returncode == 0
    text = c4py_run("store", "info", home=home)
    assert text.stdout.startswith(f"configured by {home}/.c4/config\n".encode())


def test_info_of_a_store_that_cannot_be_asked_is_an_error_beside_the_others(home: Path, store: c4py.FSStore) -> None:
    (home / "file").touch()
    done = c4py_run("store", "info", home=home, store=f"{home}/file,{store.root}")
    assert done.returncode == 1
    assert b"error" in done.stdout
    assert b"55 (55 B)" in done.stdout


# ls


def test_ls_lists_each_id_once(home: Path, store: c4py.FSStore, tmp_path: Path) -> None:
    other = c4py.FSStore(tmp_path / "other")
    c4id = other.put(io.BytesIO(b"only here"))
    other.put(io.BytesIO(b"x"))
    done = c4py_run("store", "ls", home=home, store=f"{store.root},{other.root}")
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.decode().split()) == sorted(map(str, [*store, c4id]))


def test_ls_tells_sizes_and_paths(home: Path, store: c4py.FSStore) -> None:
    done = c4py_run("store", "ls", "-l", home=home, store=store.root)
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 2) for line in done.stdout.decode().splitlines()]
    assert sorted(int(size) for size, _, _ in lines) == list(range(1, 11))
    for size, c4id, path in lines:
        assert path == str(store.path(c4id))
        assert c4py.identify_file(path) == c4py.identify_bytes(b"x" * int(size)) == c4py.parse(c4id)


def test_a_directory_that_is_not_there_yet_is_told(home: Path, store: c4py.FSStore) -> None:
    absent = home / "none"
    for arguments, configured in (([], f"{absent},{store.root}"), (["--store", str(absent)], "")):
        done = c4py_run("store", "ls", *arguments, home=home, store=configured or None)
        assert done.returncode == 1
        assert done.stderr.decode() == f"c4py store ls: {absent}: the store is not made yet\n"
        assert done.stdout.count(b"\n") == (10 if configured else 0)
        done = c4py_run("store", "info", *arguments, home=home, store=configured or None)
        assert done.returncode == 0
        assert f"{absent} (written and read, not made yet)\n  objects           0\n" in done.stdout.decode()
        assert done.stdout.count(b"not made") == 1
    done = c4py_run("store", "info", "--json", home=home, store=f"{absent},{store.root}")
    assert [(one["objects"], one["made"]) for one in json.loads(done.stdout)["stores"]] == [(0, False), (10, True)]
    # The disk that it lies on may not be mounted.
    done = c4py_run("store", "verify", home=home, store=home / "none")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"c4py store verify: {home}/none: No such file or directory\n"


# verify


def test_a_sound_store_ends_with_0(home: Path, store: c4py.FSStore) -> None:
    done = c4py_run("store", "verify", home=home, store=store.root)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"10 objects checked, 55 B")


def test_corrupt_objects_end_with_4_and_move_only_when_asked(home: Path, store: c4py.FSStore) -> None:
    c4id = c4py.identify_bytes(b"xxx")
    damage(store, c4id)
    done = c4py_run("store", "verify", "--json", home=home, store=store.root)
    assert done.returncode == 4
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["ok"], told["checked"], [found["c4id"] for found in told["corrupt"]]) == (False, 10, [str(c4id)])
    assert store.path(c4id).read_bytes() == b"damaged"
    done = c4py_run("store", "verify", "--quarantine", home=home, store=store.root)
    assert done.returncode == 4
    assert str(c4id).encode() in done.stdout
    assert c4id not in store
    assert c4py_run("store", "verify", home=home, store=store.root).returncode == 0


def test_an_object_that_no_reader_finds_is_a_finding(home: Path, store: c4py.FSStore) -> None:
    c4id = c4py.identify_bytes(b"xxx")
    (store.root / "zz").mkdir()
    store.path(c4id).rename(store.root / "zz" / str(c4id))
    assert c4py_run("store", "verify", home=home, store=store.root).returncode == 1


def test_a_part_can_be_checked(home: Path, store: c4py.FSStore) -> None:
    done = c4py_run("store", "verify", "--sample", "3", "--json", home=home, store=store.root)
    assert json.loads(done.stdout.splitlines()[-1])["checked"] == 3
    for part, checked in (("100%", 10), ("1.0", 10), ("0%", 0)):
        done = c4py_run("store", "verify", "--sample", part, "--json", home=home, store=store.root)
        assert json.loads(done.stdout.splitlines()[-1])["checked"] == checked


def test_a_verification_goes_on_where_it_ended(home: Path, store: c4py.FSStore) -> None:
    checked = 0
    resume: list[str] = []
    for _ in range(100):
        arguments = ["--time-limit", "0s", "--json", *resume]
        told = json.loads(c4py_run("store", "verify", *arguments, home=home, store=store.root).stdout.splitlines()[-1])
        checked += told["checked"]
        if told["complete"]:
            break
        resume = ["--resume", told["cursor"]]
    assert checked == 10


# gc


@pytest.fixture
def kept(store: c4py.FSStore, tmp_path: Path) -> list[c4py.C4ID]:
    """Store a tree and let all objects age; the IDs of what is in the tree, its own last."""
    root = tmp_path / "tree"
    (root / "d").mkdir(parents=True)
    (root / "a").write_bytes(b"a")
    (root / "d" / "b").write_bytes(b"b")
    manifest = c4py.scan(root, store=store)
    age(store)
    return [entry.c4id for entry in manifest if entry.c4id] + [manifest.compute_c4id()]


def test_gc_changes_nothing_unless_told_to(home: Path, store: c4py.FSStore, kept: list[c4py.C4ID]) -> None:
    before = set(store)
    done = c4py_run("store", "gc", str(kept[-1]), home=home, store=store.root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"10 objects would be removed, 55 B")
    assert done.stderr == b"c4py store gc: nothing was removed; --yes removes\n"
    assert set(store) == before
    done = c4py_run("store", "gc", "--yes", str(kept[-1]), home=home, store=store.root)
    assert (done.returncode, done.stderr) == (0, b"")
    assert set(store) == set(kept)


def test_gc_keeps_what_a_manifest_refers_to(
    home: Path, store: c4py.FSStore, kept: list[c4py.C4ID], tmp_path: Path
) -> None:
    c4py.dump(c4py.scan(tmp_path / "tree"), home / "-odd name.c4m")
    done = c4py_run("store", "gc", "--yes", "--json", "--", "-odd name.c4m", home=home, store=store.root)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["removed_count"] == 10
    assert set(store) == set(kept)


def test_gc_keeps_what_is_young(home: Path, store: c4py.FSStore, kept: list[c4py.C4ID]) -> None:
    done = c4py_run("store", "gc", "--yes", "--grace", "2w", str(kept[-1]), home=home, store=store.root)
    assert done.returncode == 0
    assert len(store) == 10 + len(set(kept))


def test_gc_removes_nothing_when_a_root_cannot_be_read(home: Path, store: c4py.FSStore, kept: list[c4py.C4ID]) -> None:
    before = set(store)
    (home / "broken.c4m").write_text("no manifest\n")
    for root in ("missing.c4m", "broken.c4m", str(c4py.identify_bytes(b"nowhere"))):
        done = c4py_run("store", "gc", "--yes", str(kept[-1]), root, home=home, store=store.root)
        assert (done.returncode, done.stdout) == (1, b""), root
        assert done.stderr.startswith(b"c4py store gc: ")
    damage(store, kept[-1])
    assert c4py_run("store", "gc", "--yes", str(kept[-1]), home=home, store=store.root).returncode == 4
    assert set(store) == before


def test_gc_of_a_file_says_that_it_is_no_directory(home: Path) -> None:
    (home / "file").touch()
    for more in ([], ["--yes"]):
        done = c4py_run("store", "gc", *more, str(c4py.identify_bytes(b"x")), home=home, store=home / "file")
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == f"c4py store gc: {home}/file: Not a directory\n"


# A bucket


def test_a_bucket_is_a_store_that_only_gc_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with moto(tmp_path) as server:
        uri = f"s3://{BUCKET}/c4/?region=us-east-1&endpoint={server.url}"
        for variable, value in (("ACCESS_KEY_ID", ACCESS_KEY), ("SECRET_ACCESS_KEY", SECRET_KEY)):
            monkeypatch.setenv(f"AWS_{variable}", value)
        monkeypatch.setenv("C4_STORE", uri)
        (tmp_path / "x").write_bytes(b"content")
        c4id = c4py.identify_bytes(b"content")

        def said(*arguments: str, code: int = 0) -> str:
            assert main(arguments) == code
            return capfd.readouterr().out

        assert said("id", "-s", "-i", str(tmp_path / "x")) == f"{c4id}\n"
        assert said("cat", str(c4id)) == "content"
        assert said("store", "ls") == f"{c4id}\n"
        assert said("store", "ls", "-l") == f"7 {c4id} {uri}\n"
        assert json.loads(said("store", "info", "--json"))["stores"][0]["objects"] == 1
        assert said("store", "verify").startswith("1 object checked, 7 B")
        server.replace(f"c4/{c4id}", b"damaged")
        said("store", "verify", code=4)
        said("store", "verify", "--quarantine", code=2)
        assert said("cat", str(c4id), code=4) == ""
        said("store", "gc", str(c4id), code=2)

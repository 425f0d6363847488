"""`c4py pool`, `c4py ingest` and `c4py workspace`, run as users do."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import c4py
import pytest
from bundles import CONTENTS, FILES, damage, listing, make_tree
from c4py._rust import utf8_name
from c4py.cli import main
from command import COMMAND, c4py_run, environment


@pytest.fixture
def shots(tmp_path: Path, home: Path, store: c4py.FSStore) -> Path:
    manifest = c4py.scan(make_tree(tmp_path / "source"), store=store)
    c4py.dump(manifest, home / "shots.c4m")
    return home / "shots.c4m"


def content(path: Path) -> dict[str, bytes]:
    return {name: data for name, data in listing(path).items() if not name.startswith(".c4-workspace")}


def test_wrong_usage_ends_with_2(home: Path) -> None:
    for arguments in (
        ["pool"],
        ["pool", "a"],
        ["pool", "a", "b", "c"],
        ["pool", "--no-such-flag", "a", "b"],
        ["ingest"],
        ["ingest", "a", "b"],
        ["workspace"],
        ["workspace", "nothing"],
        ["workspace", "checkout"],
        ["workspace", "checkout", "a", "b"],
        ["workspace", "reset", "x"],
        ["workspace", "status", "--no-such-flag"],
    ):
        done = c4py_run(*arguments, home=home, store=home / "store")
        assert (done.returncode, done.stdout) == (2, b""), (arguments, done.stderr)
        assert b"Traceback" not in done.stderr


def test_every_verb_has_help(home: Path) -> None:
    for arguments in (["pool"], ["ingest"], ["workspace"], ["workspace", "checkout"], ["workspace", "diff"]):
        done = c4py_run(*arguments, "--help", home=home)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith(b"usage: c4py ")


@pytest.mark.parametrize("name", ["bundle", "bundle.tar", "bundle.tar.gz", "bundle.tar.zst"])
def test_pool_and_ingest(tmp_path: Path, home: Path, store: c4py.FSStore, shots: Path, name: str) -> None:
    done = c4py_run("pool", shots, name, home=home, store=store.root)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"{CONTENTS} copied, {FILES - CONTENTS} skipped, 0 missing\n"
    (home / "in").mkdir()
    done = c4py_run("ingest", "-C", "in", name, home=home, store=tmp_path / "other")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[1:] == ["shots.c4m"]
    assert (home / "in" / "shots.c4m").read_bytes() == shots.read_bytes()
    done = c4py_run("ingest", "--json", "-C", "in", name, "--store", tmp_path / "other", home=home)
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["copied"], told["missing"], told["manifests"]) == (0, 0, ["shots.c4m"])


def test_missing_content_is_named_and_ends_with_1(home: Path, store: c4py.FSStore, shots: Path, tmp_path: Path) -> None:
    odd = c4py.identify_bytes(b"odd")
    store.remove(odd)
    done = c4py_run("pool", shots, "bundle", home=home, store=store.root)
    assert done.returncode == 1
    assert done.stderr.decode() == f'c4py pool: missing: d/it\'s\\n"odd" \\x1b[31m {odd}\n'
    done = c4py_run("pool", "--json", shots, "bundle", home=home, store=store.root)
    assert (done.returncode, done.stderr) == (1, b"")
    *_, missing, summary = map(json.loads, done.stdout.splitlines())
    assert missing == {"message_type": "missing", "path": 'd/it\'s\n"odd" \x1b[31m', "c4id": str(odd)}
    assert (summary["message_type"], summary["missing"]) == ("summary", 1)
    done = c4py_run("ingest", "bundle", home=home, store=tmp_path / "other")
    assert done.returncode == 1
    assert b"1 objects are in neither the bundle nor the store" in done.stderr


def test_corrupt_content_ends_with_4(home: Path, store: c4py.FSStore, shots: Path, tmp_path: Path) -> None:
    hello = c4py.identify_bytes(b"hello")
    assert c4py_run("pool", shots, "bundle", home=home, store=store.root).returncode == 0
    damage(store.path(hello), "flipped")
    done = c4py_run("pool", shots, "other", home=home, store=store.root)
    assert (done.returncode, str(hello).encode() in done.stderr) == (4, True)
    damage(c4py.FSStore(home / "bundle" / "store").path(hello), "flipped")
    done = c4py_run("ingest", "bundle", home=home, store=tmp_path / "other")
    assert (done.returncode, str(hello).encode() in done.stderr) == (4, True)


def test_errors_are_a_line(home: Path, store: c4py.FSStore) -> None:
    (home / "empty").mkdir()
    (home / "x.tar").write_text("x")
    for arguments, message in (
        (["pool", "nowhere.c4m", "x"], "c4py pool: nowhere.c4m: No such file or directory"),
        (["ingest", "nowhere"], "c4py ingest: "),
        (["ingest", "empty"], "c4py ingest: empty: no bundle: it has neither a store nor a manifest"),
        (["ingest", "x.tar"], "c4py ingest: x.tar: the file ends early"),
        (["workspace", "reset"], "c4py workspace reset: .: no manifest was checked out"),
        (["workspace", "diff", "-C", "nowhere"], "c4py workspace diff: nowhere: no manifest was checked out"),
    ):
        done = c4py_run(*arguments, home=home, store=store.root)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode().startswith(message)
        assert done.stderr.count(b"\n") == 1


def test_without_zstandard_the_error_names_the_extra(
    home: Path, store: c4py.FSStore, shots: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert main(["pool", "--store", str(store.root), str(shots), str(home / "b.tar.zst")]) == 1
    (home / "b").write_bytes(b"\x28\xb5\x2f\xfd")
    assert main(["ingest", "--store", str(store.root), str(home / "b")]) == 1
    told = "bundles with zstd need zstandard: pip install 'c4py[zstd]'\n"
    assert capsys.readouterr().err == f"c4py pool: {told}c4py ingest: {told}"


def test_a_manifest_in_the_way_stays(home: Path, store: c4py.FSStore, shots: Path) -> None:
    c4py_run("pool", shots, "bundle", home=home, store=store.root)
    shots.write_text("mine")
    done = c4py_run("ingest", "bundle", home=home, store=store.root)
    assert (done.returncode, done.stderr) == (1, b"c4py ingest: shots.c4m: there is another file of this name\n")
    assert shots.read_text() == "mine"


def test_a_workspace_from_the_first_checkout_to_a_reset(
    tmp_path: Path, home: Path, store: c4py.FSStore, shots: Path
) -> None:
    def run(action: str, *arguments: str | Path, said: bytes = b"") -> tuple[int, list[str]]:
        done = c4py_run("workspace", action, "-C", home / "ws", *arguments, home=home, store=store.root)
        assert done.stderr == said
        return done.returncode, done.stdout.decode().splitlines()

    no_workspace = f"c4py workspace status: {home / 'ws'}: no workspace: nothing was checked out here\n"
    assert run("status", said=no_workspace.encode())[0] == 1
    code, lines = run("checkout", "-n", shots, said=b"%d operations planned\n" % len(c4py.load(shots)))
    assert (code, "create a.txt" in lines, (home / "ws").exists()) == (0, True, False)
    code, lines = run("checkout", shots)
    assert (code, content(home / "ws")) == (0, listing(tmp_path / "source"))
    assert lines == [f"{len(c4py.load(shots))} created"]
    assert run("diff") == (0, [])
    code, lines = run("status")
    assert (code, f"manifest_path  {shots}" in lines, "has_manifest   yes" in lines) == (0, True, True)
    (home / "ws" / "a.txt").write_text("mine")
    (home / "ws" / "mo\x1bre").write_text("mine")
    code, lines = run("diff")
    assert (code, "+ mo\\x1bre" in lines, "~ a.txt" in lines) == (1, True, True)
    code, lines = run("diff", "--json")
    assert (code, isinstance(json.loads("\n".join(lines)), dict)) == (1, True)
    code, lines = run("snapshot")
    snapshot = c4py.loads("".join(f"{line}\n" for line in lines))
    assert snapshot["a.txt"].c4id == c4py.identify_bytes(b"mine")
    assert c4py.identify_bytes(b"mine") in store
    code, lines = run("reset", "--keep-removed")
    assert (code, content(home / "ws")) == (0, listing(tmp_path / "source"))
    code, lines = run("status", "--json")
    assert json.loads("\n".join(lines))["interrupted"] is None


def test_a_directory_with_files_is_not_taken_for_a_workspace(home: Path, store: c4py.FSStore, shots: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "file").write_text("mine")
    done = c4py_run("workspace", "checkout", shots, "-C", "mine", home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"mine is no workspace, and not empty; -f removes what is in it" in done.stderr
    assert os.listdir(home / "mine") == ["file"]
    done = c4py_run("workspace", "checkout", "-f", shots, "-C", "mine", home=home, store=store.root)
    assert done.returncode == 0
    assert "file" not in os.listdir(home / "mine")


def test_a_manifest_of_a_state_alone_makes_no_workspace(home: Path, store: c4py.FSStore, shots: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "file").write_text("mine")
    (home / "mine" / ".c4-workspace-manifest.c4m").write_text("")
    done = c4py_run("workspace", "checkout", shots, "-C", "mine", home=home, store=store.root)
    assert (done.returncode, b"is no workspace" in done.stderr) == (1, True)
    done = c4py_run("workspace", "reset", "-C", "mine", home=home, store=store.root)
    assert done.returncode == 1
    assert (home / "mine" / "file").read_text() == "mine"


def test_a_manifest_in_the_workspace_is_not_checked_out(home: Path, store: c4py.FSStore, shots: Path) -> None:
    done = c4py_run("workspace", "checkout", "-f", shots, home=home, store=store.root)
    assert done.returncode == 1
    assert b"lies in the directory, and is not among what it names: it would be removed" in done.stderr
    assert shots.exists()


def test_corrupt_content_ends_a_checkout_with_4(home: Path, store: c4py.FSStore, shots: Path) -> None:
    damage(store.path(c4py.identify_bytes(b"hello")), "flipped")
    done = c4py_run("workspace", "checkout", shots, "-C", "ws", home=home, store=store.root)
    assert (done.returncode, b"a.txt" in done.stderr) == (4, True)
    store.remove(c4py.identify_bytes(b"hello"))
    store.put(io.BytesIO(b"hello"))
    assert c4py_run("workspace", "reset", "-C", "ws", home=home, store=store.root).returncode == 1
    assert c4py_run("workspace", "checkout", shots, "-C", "ws", home=home, store=store.root).returncode == 0


def test_a_directory_in_place_of_the_state_is_named(home: Path, store: c4py.FSStore, shots: Path) -> None:
    (home / "ws" / ".c4-workspace.json").mkdir(parents=True)
    done = c4py_run("workspace", "checkout", "-f", shots, "-C", "ws", home=home, store=store.root)
    assert done.stderr == b"c4py workspace checkout: ws/.c4-workspace.json: Is a directory\n"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not say what the output is")
def test_nothing_is_printed_into_the_workspace(home: Path, store: c4py.FSStore) -> None:
    (home / "ws").mkdir()
    (home / "empty.c4m").touch()
    for name, code, arguments in (
        ("ws/today.c4m", 1, ["snapshot"]),
        ("today.c4m", 0, ["snapshot"]),
        ("ws/log", 1, ["checkout", "-f", "empty.c4m"]),
        ("ws/log", 1, ["reset"]),
        ("ws/log", 1, ["diff"]),
    ):
        with open(home / name, "wb") as output:
            done = subprocess.run(
                [*COMMAND, "workspace", *arguments, "-C", "ws"],
                cwd=home,
                env=environment(home, store.root),
                stdout=output,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert (done.returncode, b"lies in the directory that is worked on" in done.stderr) == (code, bool(code))
    assert [entry.path for entry in c4py.load(home / "today.c4m")] == ["today.c4m"]
    assert sorted(os.listdir(home / "ws")) == ["log", "today.c4m"]


def test_a_snapshot_is_printed_byte_for_byte(home: Path, store: c4py.FSStore) -> None:
    (home / "ws").mkdir()
    Path(os.fsdecode(os.fsencode(home / "ws") + b"/\xff\xe9")).write_text("x")
    expected = c4py.dumps(c4py.scan(home / "ws")).encode("utf-8", "surrogateescape")
    for encoding in ("latin-1", "utf-16", "ascii"):
        done = subprocess.run(
            [*COMMAND, "workspace", "snapshot", "-C", "ws"],
            cwd=home,
            env=environment(home, store.root) | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, expected)


def test_json_has_no_lone_surrogates(tmp_path: Path, home: Path, store: c4py.FSStore) -> None:
    name = "\udcff.c4m"
    manifest = c4py.Manifest([c4py.Entry("\udcfe", 0o100644, size=1, c4id=c4py.identify_bytes(b"not there"))])
    c4py.dump(manifest, home / name)
    told = []
    for arguments in (
        ["pool", "--json", name, "bundle"],
        ["ingest", "--json", "-C", tmp_path, "bundle"],
        ["workspace", "status", "--json", "-C", "ws\udcfd"],
    ):
        done = c4py_run(*arguments, home=home, store=store.root)
        text = done.stdout.decode("ascii")
        assert "\\ud" not in text
        told.append([json.loads(line) for line in text.splitlines()])
    pooled, (*_, taken), (status,) = told
    assert pooled[-2]["path"] == utf8_name("\udcfe")
    assert taken["manifests"] == [utf8_name(name)]
    assert status["path"] == utf8_name("ws\udcfd")


def test_missing_content_stops_a_checkout(home: Path, store: c4py.FSStore, shots: Path) -> None:
    store.remove(c4py.identify_bytes(b"hello"))
    done = c4py_run("workspace", "checkout", shots, "-C", "ws", home=home, store=store.root)
    assert (done.returncode, done.stdout) == (1, b"")
    assert str(c4py.identify_bytes(b"hello")).encode() in done.stderr
    assert not (home / "ws").exists()
    done = c4py_run("workspace", "checkout", "-n", shots, "-C", "ws", home=home, store=store.root)
    assert (done.returncode, b"\n  a.txt c4" in done.stderr) == (1, True)


@pytest.mark.usefixtures("unprivileged")
def test_what_cannot_be_read_ends_with_3(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        secret = Path(directory, "secret")
        secret.write_text("x")
        secret.chmod(0)
        assert main(["workspace", "snapshot", "--no-store", "-C", directory]) == 3
    out, err = capfd.readouterr()
    assert (out, "secret" in err) == ("", True)


@pytest.mark.usefixtures("unprivileged")
def test_changes_that_are_known_are_told_beside_what_cannot_be_read(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory, "ws")
        workspace = c4py.Workspace(place, store=c4py.MemoryStore())
        workspace.checkout(c4py.Manifest([c4py.Entry("gone", size=0, c4id=c4py.identify_bytes(b""))]), sources=[])
        (place / "gone").rename(place / "new")
        (place / "secret").touch(mode=0)
        assert main(["workspace", "diff", "-C", str(place)]) == 3
    out, err = capfd.readouterr()
    assert out == "+ new\n- gone\n"
    assert err.startswith(f"c4py workspace diff: {place}/secret: cannot open the file")

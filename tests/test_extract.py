"""`extract.sh` of a bundle, really run by the shells that are here, with the tools of each."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import c4py
import pytest
from bundles import BUSYBOX, DAMAGES, damage, listing, make_tree
from c4py.bundle import script
from dict_store import DictStore

#: Tools that are no C4 tools; a directory with them alone is the PATH.
STANDARD = "awk cat find head ls mkdir printf tr sha512sum"

#: A C4 tool that says how it was called.
SPY = '#!/bin/sh\nprintf \'%s\\n\' "$0" "$@" "$C4_STORE" "$(pwd)" >>"$SPY"\n'


def shells() -> Iterator[object]:
    for name in ("dash", "bash", "ksh", "mksh", "yash", "zsh"):
        path = shutil.which(name)
        if path is not None:
            yield pytest.param([path], id=name)
    if BUSYBOX is not None:
        yield pytest.param([BUSYBOX, "sh"], id="busybox")


@pytest.fixture(params=list(shells()))
def shell(request: pytest.FixtureRequest) -> list[str]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Make a bundle whose directory and manifest have odd names."""
    store = c4py.MemoryStore()
    manifest = c4py.scan(make_tree(tmp_path / "source"), store=store)
    c4py.dump(manifest, tmp_path / '-it\'s\n$(touch HACKED) `touch HACKED` "*".c4m')
    out = tmp_path / "a, b's\n"
    c4py.pool(tmp_path / '-it\'s\n$(touch HACKED) `touch HACKED` "*".c4m', out, store=store)
    return out


def tools(directory: Path, shell: list[str], *, spies: tuple[str, ...] = ("c4",), hashing: str = "sha512sum") -> Path:
    """Make a directory for PATH: the standard tools, those of busybox for its shell, and spies for C4 tools."""
    directory.mkdir()
    for name in [*STANDARD.replace("sha512sum", hashing).split(), "sh"]:
        found = shutil.which(name)
        if shell[0] == BUSYBOX:
            found = BUSYBOX
        if found is not None:
            (directory / name).symlink_to(os.path.realpath(found))
    for name in spies:
        (directory / name).write_text(SPY)
        (directory / name).chmod(0o755)
    return directory


def extract(
    shell: list[str], bundle: Path, *arguments: str | Path, cwd: Path, path: Path | str, script: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*shell, script or bundle / "extract.sh", *arguments],
        cwd=cwd,
        env={"PATH": str(path), "SPY": str(bundle.parent / "spied"), "TZ": "UTC", "HOME": str(bundle.parent)},
        capture_output=True,
        timeout=120,
        check=False,
    )


def called(bundle: Path) -> str:
    spied = bundle.parent / "spied"
    return spied.read_text() if spied.exists() else ""


def first_object(bundle: Path, content: bytes = b"hello") -> Path:
    return c4py.FSStore(bundle / "store").path(c4py.identify_bytes(content))


# A sound bundle


def test_a_sound_bundle_is_handed_to_the_tool_once_all_was_checked(
    tmp_path: Path, bundle: Path, shell: list[str]
) -> None:
    path = tools(tmp_path / "bin", shell)
    done = extract(shell, bundle, "out dir", cwd=tmp_path, path=path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    name = next(name for name in os.listdir(bundle) if name.endswith(".c4m"))
    expected = ["patch", f"./{name}", f"{tmp_path}/out dir", "store", os.path.realpath(bundle)]
    assert called(bundle).split("\n", 1)[1].rstrip("\n") == "\n".join(expected).rstrip("\n")
    assert (tmp_path / "out dir").is_dir()
    assert not list(tmp_path.rglob("HACKED"))


@pytest.mark.parametrize("hashing", ["shasum", "openssl"])
def test_another_tool_that_hashes_will_do(tmp_path: Path, bundle: Path, hashing: str) -> None:
    if shutil.which(hashing) is None:
        pytest.skip(f"no {hashing} here")
    shell = [shutil.which("sh") or "/bin/sh"]
    path = tools(tmp_path / "bin", shell, hashing=hashing)
    if hashing == "shasum":
        # It is a script that finds its interpreter.
        (path / "perl").symlink_to(os.path.realpath(shutil.which("perl") or ""))
    assert extract(shell, bundle, "out", cwd=tmp_path, path=path).returncode == 0
    damage(first_object(bundle), "flipped")
    assert extract(shell, bundle, "-f", "out", cwd=tmp_path, path=path).returncode == 4


def test_it_works_from_any_directory_however_it_is_called(tmp_path: Path, bundle: Path, shell: list[str]) -> None:
    path = tools(tmp_path / "bin", shell)
    (tmp_path / "empty").mkdir()
    for cwd, called_as, argument in (
        (bundle, "extract.sh", str(tmp_path / "one")),
        (bundle, "./extract.sh", "../two"),
        (tmp_path, f"{bundle.name}/extract.sh", "./-three"),
        (tmp_path / "empty", f"../{bundle.name}/extract.sh", ""),
    ):
        arguments = [argument] if argument else []
        done = extract(shell, bundle, *arguments, cwd=cwd, path=path, script=called_as)
        assert (done.returncode, done.stderr) == (0, b"")
    assert {"one", "two", "-three"} <= set(os.listdir(tmp_path))
    assert f"\n{tmp_path}/empty\n" in called(bundle)


@pytest.mark.parametrize("name", ["awk", "gawk", "mawk", "original-awk"])
def test_every_awk_computes_the_same_ids(tmp_path: Path, bundle: Path, name: str) -> None:
    found = shutil.which(name)
    if found is None or subprocess.run([found, "BEGIN { exit 0 }"], capture_output=True, check=False).returncode:
        pytest.skip(f"no {name} here")
    shell = [shutil.which("sh") or "/bin/sh"]
    path = tools(tmp_path / "bin", shell)
    (path / "awk").unlink()
    (path / "awk").symlink_to(os.path.realpath(found))
    assert extract(shell, bundle, "out", cwd=tmp_path, path=path).returncode == 0
    damage(first_object(bundle), "appended")
    assert extract(shell, bundle, "-f", "out", cwd=tmp_path, path=path).returncode == 4


def test_ids_are_computed_for_many_contents(tmp_path: Path, shell: list[str]) -> None:
    store = DictStore()
    entries = [c4py.Entry(f"f{n}", c4id=store.put(io.BytesIO(b"%d" % n))) for n in range(300)]
    c4py.pool(c4py.Manifest(entries), tmp_path / "bundle", store=store)
    done = extract(shell, tmp_path / "bundle", "out", cwd=tmp_path, path=tools(tmp_path / "bin", shell))
    assert (done.returncode, done.stderr) == (0, b"")


# What is refused, before anything is written


def refused(shell: list[str], bundle: Path, path: Path, message: str, code: int = 4) -> None:
    before = listing(bundle.parent)
    done = extract(shell, bundle, "out", cwd=bundle.parent, path=path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert message in done.stderr.decode()
    assert listing(bundle.parent) == before
    assert not (bundle.parent / "out").exists()
    assert called(bundle) == ""


@pytest.mark.parametrize("how", DAMAGES)
def test_a_corrupt_object_stops_it(tmp_path: Path, bundle: Path, shell: list[str], how: str) -> None:
    damage(first_object(bundle), how)
    refused(shell, bundle, tools(tmp_path / "bin", shell), f"corrupt content: {c4py.identify_bytes(b'hello')}\n")


@pytest.mark.parametrize("how", DAMAGES)
def test_a_manifest_that_is_not_the_one_stops_it(tmp_path: Path, bundle: Path, shell: list[str], how: str) -> None:
    damage(next(path for path in bundle.iterdir() if path.name.endswith(".c4m")), how)
    refused(shell, bundle, tools(tmp_path / "bin", shell), "the manifest is not the one that was bundled")


def test_a_missing_object_stops_it(tmp_path: Path, bundle: Path, shell: list[str]) -> None:
    first_object(bundle).unlink()
    refused(shell, bundle, tools(tmp_path / "bin", shell), f"missing content: {c4py.identify_bytes(b'hello')}\n")


def test_content_that_was_missing_when_it_was_bundled_stops_it(tmp_path: Path, shell: list[str]) -> None:
    missing = c4py.identify_bytes(b"missing")
    c4py.pool(c4py.Manifest([c4py.Entry("a", c4id=missing)]), tmp_path / "bundle", store=DictStore())
    refused(shell, tmp_path / "bundle", tools(tmp_path / "bin", shell), f"missing content: {missing}")


def test_an_empty_object_that_has_lost_its_content_stops_it(tmp_path: Path, bundle: Path, shell: list[str]) -> None:
    path = first_object(bundle)
    path.chmod(0o600)
    path.write_bytes(b"")
    refused(shell, bundle, tools(tmp_path / "bin", shell), "corrupt content")


@pytest.mark.parametrize("what", ["object", "directory", "pipe", "store"])
def test_links_and_pipes_in_the_store_stop_it(tmp_path: Path, bundle: Path, shell: list[str], what: str) -> None:
    path = first_object(bundle)
    if what == "object":
        (tmp_path / "elsewhere").write_bytes(b"hello")
        path.unlink()
        path.symlink_to(tmp_path / "elsewhere")
    elif what == "directory":
        (bundle / "store" / "c4").symlink_to(tmp_path / "source")
    elif what == "pipe":
        os.mkfifo(bundle / "store" / "pipe")
    else:
        (bundle / "store").rename(tmp_path / "elsewhere")
        (bundle / "store").symlink_to(tmp_path / "elsewhere")
        refused(shell, bundle, tools(tmp_path / "bin", shell), "store is missing", 1)
        return
    refused(shell, bundle, tools(tmp_path / "bin", shell), "neither a file nor a directory", 1)


@pytest.mark.parametrize("name", ["manifest", "store.ids", "store"])
def test_a_bundle_that_lacks_a_part_stops_it(tmp_path: Path, bundle: Path, shell: list[str], name: str) -> None:
    path = next(iter(bundle.glob("*.c4m"))) if name == "manifest" else bundle / name
    path.rename(tmp_path / "gone")
    refused(shell, bundle, tools(tmp_path / "bin", shell), f"{name} is missing", 1)


@pytest.mark.parametrize("how", ["flipped first", "emptied"])
def test_a_damaged_list_stops_it(tmp_path: Path, bundle: Path, shell: list[str], how: str) -> None:
    text = (bundle / "store.ids").read_bytes()
    (bundle / "store.ids").write_bytes(b"" if how == "emptied" else text[:50] + bytes([text[50] ^ 1]) + text[51:])
    refused(shell, bundle, tools(tmp_path / "bin", shell), "store.ids is damaged")


def test_hostile_names_in_the_store_are_not_shown(tmp_path: Path, bundle: Path, shell: list[str]) -> None:
    for hostile in ("c4\x1b[31m" + "x" * 83, "c4\n" + "x" * 87, "c4\\" + "x" * 87):
        assert len(hostile) == 90
        (bundle / "store" / hostile).write_text("x")
    done = extract(shell, bundle, "out", cwd=tmp_path, path=tools(tmp_path / "bin", shell))
    assert done.returncode == 4
    assert b"\x1b" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_without_a_c4_tool_nothing_is_done(tmp_path: Path, bundle: Path, shell: list[str]) -> None:
    refused(shell, bundle, tools(tmp_path / "bin", shell, spies=()), "a C4 tool is needed", 1)


def test_the_directory_must_be_empty_or_not_there(tmp_path: Path, bundle: Path, shell: list[str]) -> None:
    path = tools(tmp_path / "bin", shell)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".hidden").write_text("mine")
    for cwd, arguments, message in (
        (tmp_path, ["out"], b"not empty"),
        (tmp_path / "out", [], b"not empty"),
        (tmp_path, ["out/.hidden"], b"no directory"),
        (tmp_path, ["-f", "."], b"holds the bundle"),
        (tmp_path, ["-f", "/"], b"holds the bundle"),
        (bundle, ["-f"], b"holds the bundle"),
        (tmp_path, ["-f", bundle / "store"], b"lies in the store"),
    ):
        done = extract(shell, bundle, *arguments, cwd=cwd, path=path)
        assert (done.returncode, message in done.stderr) == (1, True), done.stderr
        assert called(bundle) == ""
    assert extract(shell, bundle, "-f", "out", cwd=tmp_path, path=path).returncode == 0
    assert called(bundle) != ""


def test_wrong_usage(tmp_path: Path, bundle: Path, shell: list[str]) -> None:
    path = tools(tmp_path / "bin", shell)
    for arguments in (["-x"], ["a", "b"], ["--force"]):
        done = extract(shell, bundle, *arguments, cwd=tmp_path, path=path)
        assert (done.returncode, done.stderr.startswith(b"usage: ")) == (2, True)
    done = extract(shell, bundle, "--help", cwd=tmp_path, path=path)
    assert (done.returncode, done.stdout.startswith(b"usage: ")) == (0, True)
    assert called(bundle) == ""


# With c4py


@pytest.fixture
def own_python(tmp_path: Path) -> Path:
    """Give a directory with a python3 that has c4py, for PATH."""
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "python" / "python3").chmod(0o755)
    return tmp_path / "python"


def test_c4py_makes_the_tree(tmp_path: Path, bundle: Path, shell: list[str], own_python: Path) -> None:
    path = f"{own_python}:{tools(tmp_path / 'bin', shell)}"
    done = extract(shell, bundle, "out", cwd=tmp_path, path=path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert called(bundle) == ""
    manifest = c4py.load(next(iter(bundle.glob("*.c4m"))))
    assert c4py.scan(tmp_path / "out") == manifest
    assert listing(tmp_path / "out") == listing(tmp_path / "source")
    (tmp_path / "out" / "more").write_text("not in the manifest")
    assert extract(shell, bundle, "-f", "out", cwd=tmp_path, path=path).returncode == 0
    assert listing(tmp_path / "out") == listing(tmp_path / "source")


def test_a_module_in_the_bundle_is_not_imported(tmp_path: Path, bundle: Path, own_python: Path) -> None:
    for name in ("c4py.py", "hashlib.py", "os.py", "io.py"):
        (bundle / name).write_text("open('HACKED', 'w')")
    shell = [shutil.which("sh") or "/bin/sh"]
    extract(shell, bundle, tmp_path / "out", cwd=bundle, path=f"{own_python}:{tools(tmp_path / 'bin', shell)}")
    assert not list(tmp_path.rglob("HACKED"))


@pytest.mark.parametrize("line", ["- - 1 ../x c4\n", "- - 1 /x c4\n", "lrwxrwxrwx - - a -> .. -\n- - 1 a/x c4\n"])
def test_a_manifest_that_would_leave_the_directory_is_refused(tmp_path: Path, own_python: Path, line: str) -> None:
    store = DictStore()
    c4id = store.put(io.BytesIO(b"x"))
    (tmp_path / "m.c4m").write_text(line.replace("c4", str(c4id)))
    try:
        c4py.pool(tmp_path / "m.c4m", tmp_path / "bundle", store=store)
    except c4py.ParseError:
        return  # no manifest at all
    shell = [shutil.which("sh") or "/bin/sh"]
    path = f"{own_python}:{tools(tmp_path / 'bin', shell)}"
    (tmp_path / "out").mkdir()
    done = extract(shell, tmp_path / "bundle", "out", cwd=tmp_path, path=path)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "x").exists()
    assert os.listdir(tmp_path / "out") == []


# The text


def test_names_become_one_word_of_a_shell() -> None:
    for name in ("a", "", "it's", "''", "\n", "$(x)", "\\", "\udcff", "-n", "*"):
        word = script.quoted(name)
        done = subprocess.run([b"/bin/sh", b"-c", b"printf '%s' " + word + b" x"], capture_output=True, check=True)
        assert done.stdout == os.fsencode(name) + b"x"


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    shellcheck = shutil.which("shellcheck") or shutil.which("shellcheck", path=os.path.dirname(sys.executable))
    if shellcheck is None:
        pytest.skip("no shellcheck here")
    (tmp_path / "extract.sh").write_bytes(script.extract_script("it's\n.c4m", c4py.identify_bytes(b"x")))
    done = subprocess.run(
        [shellcheck, "--shell=sh", tmp_path / "extract.sh"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")

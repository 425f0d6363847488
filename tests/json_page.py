"""The page `docs/json.md` and the files that its commands are run on.

`python tests/json_page.py` runs each command of the page and writes what it prints below it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import c4py
from command import c4py_run

PAGE = Path(__file__).parent.parent / "docs" / "json.md"

#: A command of the page, and the form and the text of what it prints there, if that is there yet.
EXAMPLE = re.compile(r"^```console\n\$ (c4py [^\n]+)\n```\n(?:\n```(jsonl?)\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)

#: Longest line of a document on the page, where it can be broken.
WIDTH = 110


def make_world(home: Path) -> None:
    """Make what the commands of the page are run on; its store lacks the content of one file."""
    shots = home / "shots"
    (shots / "a").mkdir(parents=True)
    (shots / "a" / "plate.exr").write_bytes(b"plate" * 1000)
    (shots / "copy.exr").write_bytes(b"plate" * 1000)
    (shots / "latest").symlink_to("a/plate.exr")
    (shots / "late.exr").write_bytes(b"late")
    (home / "odd").mkdir()
    (home / "odd" / "name\\").touch()
    (home / "note.txt").write_text("to whom it may concern\n")
    for path in [*shots.rglob("*"), shots, home / "odd" / "name\\"]:
        os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    store = c4py.FSStore(home / "store")
    c4py.dump(c4py.scan(shots, store=store), home / "shots.c4m")
    store.remove(c4py.identify_bytes(b"late"))
    workspace = c4py.Workspace(home / "ws", store=store)
    plates = c4py.load(home / "shots.c4m").filter(lambda path, _: path != "late.exr")
    c4py.dump(plates, home / "plates.c4m")
    workspace.checkout(plates)
    (home / "ws" / "copy.exr").write_bytes(b"blank" * 1000)
    (home / "ws" / "a" / "plate.exr").rename(home / "ws" / "a" / "plate.2.exr")
    with open(home / "note.txt", "rb") as note:
        store.put(note)
    Path(store.tree.root, "stray").write_text("nothing that a store has")
    damaged = home / "damaged"
    shutil.copytree(shots, damaged, symlinks=True)
    (damaged / "copy.exr").write_bytes(b"blank" * 1000)
    (damaged / "late.exr").unlink()
    (damaged / "latest").unlink()
    (damaged / "latest").symlink_to("copy.exr")
    (damaged / "new").touch()
    make_manifests(home)


def make_manifests(home: Path) -> None:
    """Make two manifests that are in conflict, a chain of three sections, and a text with mistakes."""

    def entry(name: str, content: bytes) -> c4py.Entry:
        made = c4py.Entry(name, mode=0o100644, size=len(content), c4id=c4py.identify_bytes(content))
        made.timestamp_s = 1_700_000_000
        return made

    mine = c4py.Manifest([entry("cut.edl", b"my cut"), entry("notes.txt", b"notes")])
    theirs = c4py.Manifest([entry("cut.edl", b"their cut"), entry("memo.txt", b"notes")])
    c4py.dump(mine, home / "mine.c4m")
    c4py.dump(theirs, home / "theirs.c4m")
    later = c4py.Manifest([*theirs, entry("notes.txt", b"notes, and more")])
    chain = c4py.dumps(mine) + c4py.patch_diff(mine, theirs) + c4py.patch_diff(theirs, later)
    (home / "chain.c4m").write_text(chain)
    (home / "written.c4m").write_text("-rw-r--r-- 2023-11-14T22:13:20Z 5 notes.txt\n- - - ../ -\n")


def run(world: Path, command: str) -> tuple[int, str, str]:
    """Run a command of the page; give its exit code and what it prints."""
    _, *arguments = shlex.split(command)
    if "ingest" in arguments:
        c4py_run("pool", "shots.c4m", "bundle", home=world, store=world / "store")
        (world / "shots.c4m").unlink()
    store = None if arguments[:2] == ["store", "init"] else world / "store"
    done = c4py_run(*arguments, home=world, store=store)
    return done.returncode, done.stdout.decode("ascii"), done.stderr.decode()


def laid_out(value: object, indent: int = 0) -> str:
    """Write a document in lines that can be read."""
    text = json.dumps(value)
    if not value or not isinstance(value, (dict, list)) or len(text) + indent <= WIDTH:
        return text
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        items = [f"{inner}{json.dumps(key)}: {laid_out(item, indent + 2)}" for key, item in value.items()]
    else:
        items = [inner + laid_out(item, indent + 2) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n" + ",\n".join(items) + f"\n{' ' * indent}{end}"


def example(found: re.Match[str]) -> str:
    """Run the command of an example, and write the example anew."""
    command = found[1]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "vera")
        home.mkdir()
        make_world(home)
        code, out, err = run(home, command)
        out = out.replace(str(home), "/home/vera")
    if not out:
        sys.exit(f"{command}: exit code {code}: {err}")
    if '"message_type"' in out:
        form, text = "jsonl", out
    else:
        form, text = "json", laid_out(json.loads(out)) + "\n"
    return f"```console\n$ {command}\n```\n\n```{form}\n{text}```\n"


if __name__ == "__main__":
    PAGE.write_text(EXAMPLE.sub(example, PAGE.read_text()))

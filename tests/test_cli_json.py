"""What `--json` prints: what `docs/json.md` says, for every verb, and for any name."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import c4py
import pytest
from c4py._rust import utf8_name
from c4py.cli import VERBS
from c4py.safename import unsafe_name
from command import c4py_run
from json_page import EXAMPLE, PAGE, make_world, run

#: The commands of the page, each with the form of what it prints there, and that.
EXAMPLES = {command: (form, text) for command, form, text in EXAMPLE.findall(PAGE.read_text()) if form}

#: Names that no output may stumble over.
HOSTILE = [b"\xff\xfe", b"\x1b[31m", "\u202egnp.exe".encode(), b'"\\n', b"a\nb", "¤".encode(), b"odd\\"]


@pytest.fixture
def world(home: Path) -> Path:
    """Make what the commands of the page are run on."""
    make_world(home)
    return home


def strict(text: str) -> Any:
    """Read one document as a parser does that takes nothing but JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"no JSON: {constant}")

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    document = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    json.dumps(document, ensure_ascii=False).encode()  # no lone surrogate
    return document


def shape(value: object) -> object:
    """Give what a value is made of: the keys of objects, what lists hold, and the types of all else."""
    match value:
        case dict():
            return {key: shape(item) for key, item in value.items()}
        case list():
            found: list[object] = []
            for item in map(shape, value):
                if item not in found:
                    found.append(item)
            return found
        case _:
            return type(value).__name__


def messages(text: str) -> dict[str, object]:
    """Give the shapes of JSON lines by their message types; of a status the keys, since any value may be unknown."""
    found: dict[str, object] = {}
    for line in text.splitlines():
        message = strict(line)
        kind = message["message_type"]
        told = sorted(message) if kind == "status" else shape(message)
        assert found.setdefault(kind, told) == told
    return found


@pytest.mark.parametrize("command", EXAMPLES)
def test_a_verb_prints_what_the_page_says(world: Path, command: str) -> None:
    form, example = EXAMPLES[command]
    code, out, err = run(world, command)
    assert code in (0, 1), err
    assert out.endswith("\n")
    if form == "jsonl":
        assert messages(out) == messages(example)
        assert strict(out.splitlines()[-1])["message_type"] == "summary"
    else:
        assert out.count("\n") == 1
        assert shape(strict(out)) == shape(strict(example))


def test_every_verb_with_the_flag_is_on_the_page() -> None:
    missing = [
        words
        for words in with_the_flag()
        if not any(command.startswith(f"c4py {words} ") and "--json" in command for command in EXAMPLES)
    ]
    assert not missing


def with_the_flag() -> Iterator[str]:
    """Give the verbs, and the actions below one, that take `--json`."""
    for verb in VERBS:
        if importlib.util.find_spec(f"c4py.cli.{verb}") is None:
            continue
        module = importlib.import_module(f"c4py.cli.{verb}")
        if hasattr(module, "build_actions"):
            parsers = {f"{verb} {name}": build() for name, (_, build, _) in module.build_actions().items()}
        else:
            parsers = {verb: module.build_parser()}
        for words, parser in parsers.items():
            flags = [action for action in parser._actions if "--json" in action.option_strings]
            assert all(action.nargs == 0 for action in flags), words
            if flags:
                yield words


@pytest.fixture
def hostile(home: Path) -> Path:
    """Make a directory of files with one content and hostile names, with its manifest, in a store."""
    root = os.fsencode(home) + b"/d\xfd"
    os.mkdir(root)
    for name in HOSTILE:
        with open(os.path.join(root, name), "wb") as file:
            file.write(b"content")
    manifest = c4py.scan(root, store=c4py.FSStore(home / "store"))
    c4py.dump(manifest, os.fsencode(home) + b"/m\xfd.c4m")
    for entry in manifest:
        entry.c4id = c4py.identify_bytes(b"others")
    c4py.dump(manifest, home / "other.c4m")
    with open(os.fsencode(home) + b"/b\xfd.c4m", "wb") as file:
        file.write(b"- - 1 a\xff\x1b -\n- - 1 ../\xff -\n- \xff\n")
    (home / "none").mkdir()
    return home


@pytest.mark.parametrize(
    "arguments",
    [
        ["id", "--json", b"d\xfd"],
        ["id", "--json", "-i", b"d\xfd", b"m\xfd.c4m"],
        ["verify", "--json", b"m\xfd.c4m", b"d\xfd"],
        ["verify", "--json", b"m\xfd.c4m", "store"],
        ["dupes", "--json", b"d\xfd"],
        ["diff", "--json", b"m\xfd.c4m", b"d\xfd"],
        ["diff", "--json", "none", b"d\xfd"],
        ["merge", "--json", b"m\xfd.c4m", "other.c4m"],
        ["intersect", "id", "--json", b"m\xfd.c4m", b"d\xfd"],
        ["intersect", "path", "--json", b"d\xfd", b"m\xfd.c4m"],
        ["explain", "id", "--json", b"d\xfd"],
        ["explain", "diff", "--json", b"d\xfd", "none"],
        ["explain", "patch", "--json", b"d\xfd", "none"],
        ["patch", "--json", b"d\xfd"],
        ["patch", "--json", b"d\xfd", b"o\xfd.c4m"],
        ["patch", "--json", "--dry-run", b"d\xfd", "none"],
        ["paths", "--json", b"m\xfd.c4m"],
        ["paths", "--json", "--from", "paths", b"m\xfd.c4m"],
        ["log", "--json", b"m\xfd.c4m"],
        ["split", "--json", b"m\xfd.c4m", "1", b"o\xfd.c4m", "rest.c4m"],
        ["validate", "--json", b"m\xfd.c4m", "other.c4m", b"b\xfd.c4m"],
        ["workspace", "snapshot", "--json", "--no-store", "-C", b"d\xfd"],
        ["workspace", "status", "--json", "-C", b"d\xfd"],
        ["pool", "--json", b"m\xfd.c4m", b"bundle\xfd"],
        ["pool", "--json", b"m\xfd.c4m", b"bundle\xfd", "--store", b"none\xfd"],
        ["store", "info", "--json", "--store", b"none\xfd"],
        ["store", "init", "--json", b"store\xfd"],
        ["store", "ls", "--json", "--store", b"none\xfd"],
        ["store", "verify", "--json"],
        ["store", "gc", "--json", b"m\xfd.c4m"],
    ],
    ids=lambda arguments: b" ".join(map(os.fsencode, arguments)).decode(errors="replace"),
)
def test_any_name_is_json_for_strict_parsers(hostile: Path, arguments: list[str | bytes]) -> None:
    done = c4py_run(*arguments, home=hostile, store=hostile / "store")
    assert done.returncode in (0, 1), done.stderr
    text = done.stdout.decode("ascii")
    assert text
    for line in text.splitlines():
        assert isinstance(strict(line), dict)


def test_names_come_back_from_json(hostile: Path) -> None:
    done = c4py_run("id", "--json", b"d\xfd", home=hostile)
    document = strict(done.stdout.decode("ascii"))
    names = [unsafe_name(entry["path"]) for entry in document["entries"] if "¤" in entry["path"]]
    names += [entry["path"] for entry in document["entries"] if "¤" not in entry["path"]]
    assert sorted(map(os.fsencode, names)) == sorted(HOSTILE)
    assert document["c4id"] == str(c4py.scan(os.fsencode(hostile) + b"/d\xfd").compute_c4id())
    assert [error["path"] for error in document["errors"]] == ["odd\\"]
    assert b"odd" in done.stderr


def test_the_document_of_the_command_is_that_of_the_library(world: Path) -> None:
    _, out, _ = run(world, "c4py id --json shots")
    manifest = c4py.scan(world / "shots")
    assert out == manifest.to_json() + "\n"
    _, out, _ = run(world, "c4py id --json shots.c4m")
    assert out == c4py.load(world / "shots.c4m").to_json() + "\n"
    _, out, _ = run(world, "c4py verify --json shots.c4m damaged")
    report = strict(c4py.verify_tree(world / "shots.c4m", world / "damaged").to_json())
    times = ("started", "ended", "seconds", "throughput")
    told = strict(out)
    assert {key: told[key] for key in told if key not in times} == {
        key: report[key] for key in report if key not in times
    }


#: Verbs that scan the directory d, which nothing of m.c4m can be read in, and print one document.
DOCUMENTS = [
    "id d",
    "id -i d",
    "dupes d",
    "diff m.c4m d",
    "merge m.c4m d",
    "intersect id m.c4m d",
    "intersect path d m.c4m",
    "explain id d",
    "explain diff d m.c4m",
    "explain patch d",
    "explain patch d new",
    "patch d",
    "patch d new.c4m",
    "patch --dry-run d new",
    "workspace snapshot --no-store -C d",
    "workspace diff -C d",
]


@pytest.mark.usefixtures("unprivileged")
@pytest.mark.parametrize("command", DOCUMENTS)
def test_what_cannot_be_read_is_in_the_document_and_on_stderr(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    from c4py.cli import main

    # pytest's directories belong to the user who started it.
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        root = Path("d")
        (root / "a").mkdir(parents=True)
        for path in ("a/file", "b"):
            (root / path).write_text("the same")
        store = c4py.FSStore("store")
        c4py.dump(c4py.scan(root, store=store), "m.c4m")
        c4py.Workspace(root, store=store).checkout("m.c4m")
        (root / "a").chmod(0)
        words = command.split()
        verb = [words.pop(0) for _ in range(2 if words[0] in ("explain", "intersect", "workspace") else 1)]
        code = main([*verb, "--json", *words])
        (root / "a").chmod(0o700)
        assert code == 3
        out, err = capsys.readouterr()
        document = strict(out)
        (error,) = document["ids"][0]["errors"] if "-i" in words else document["errors"]
        assert list(error) == ["path", "code", "message", "is_error"]
        assert error["path"] == ("d/a" if verb == ["dupes"] else "a")
        assert (error["code"], error["is_error"]) == ("unreadable", True)
        # For people the path begins with the argument, and the message has no number.
        assert err.startswith(f"c4py {' '.join(verb)}: d/a: {error['message'].split(' (os error')[0]}\n")
        # What is worth knowing and no error is told alike, but where two trees are compared: it does not matter there.
        (root / "odd\\").touch()
        assert main([*verb, "--json", *words]) in (0, 1)
        out, err = capsys.readouterr()
        document = strict(out)
        told = document["ids"][0]["errors"] if "-i" in words else document["errors"]
        is_compared = "diff" in verb
        assert [(error["code"], error["is_error"]) for error in told] == (
            [] if is_compared else [("trailing-backslash", False)]
        )
        assert ("odd" in err) == (verb != ["workspace", "diff"])


def test_nothing_but_json_is_printed(world: Path) -> None:
    assert run(world, "c4py id --json -q shots")[:2] == (0, "")
    code, out, err = run(world, "c4py id --json -e shots")
    assert (code, out) == (1, "")
    assert "not allowed with" in err
    code, out, err = run(world, "c4py pool --json shots.c4m bundle")
    assert (code, err) == (1, "")
    done = c4py_run("id", "--json", home=world, piped=b"to whom it may concern\n")
    (told,) = strict(done.stdout.decode())["ids"]
    assert told == {"path": None, "c4id": str(c4py.identify_file(world / "note.txt")), "errors": []}


def test_work_that_fails_prints_no_summary(world: Path) -> None:
    store = c4py.FSStore(world / "store")
    plate = store.path(c4py.identify_file(world / "shots" / "copy.exr"))
    plate.chmod(0o644)
    plate.write_bytes(b"blank" * 1000)
    code, out, err = run(world, "c4py pool --json shots.c4m bundle")
    assert code == 4
    assert "summary" not in messages(out)
    assert err.startswith("c4py pool: ")


def test_an_object_of_the_list_is_written_whatever_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    from c4py import _json

    monkeypatch.setattr(_json, "BATCH", 3)
    for number in range(10):
        pieces: list[str] = []
        _json.write_objects(map(str, range(number)), pieces.append)
        assert json.loads(f"[{''.join(pieces)}]") == list(map(str, range(number)))
        assert len(pieces) == -(-number // 3)


def test_a_name_on_the_page_is_as_a_table_has_it(hostile: Path) -> None:
    done = c4py_run("store", "info", "--json", "--store", b"none\xfd", home=hostile)
    (store,) = strict(done.stdout.decode("ascii"))["stores"]
    assert Path(store["store"]).name == utf8_name(b"none\xfd")
    assert (store["made"], store["error"], store["objects"]) == (False, None, 0)

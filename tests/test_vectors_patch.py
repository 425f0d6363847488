"""The reference results about diffs, patches and chains; deviations are those of the Rust tests."""

from __future__ import annotations

import base64
import os
import re

import c4py
import pytest
from c4py import Entry, Manifest
from vector_cases import Case, cases, check_all, raw, raws


def paths(entries: list[Entry]) -> list[str]:
    """Give paths with the slash of directories, as the reference does."""
    return sorted(entry.path + ("/" if entry.name.endswith("/") else "") for entry in entries)


def test_diff() -> None:
    def check(case: Case) -> None:
        result = c4py.diff(c4py.loads(raw(case, "old")), c4py.loads(raw(case, "new")))
        for kind in ("added", "removed", "modified", "same"):
            known = kind in case or f"{kind}_b64" in case
            expected = sorted(os.fsdecode(path) for path in raws(case, kind)) if known else []
            assert paths(list(getattr(result, kind))) == expected

    check_all("diff", check, count=127)


def test_patch() -> None:
    def check(case: Case) -> None:
        old, new = c4py.loads(raw(case, "old")), c4py.loads(raw(case, "new"))
        patch = c4py.patch_diff(old, new)
        is_orphan = case["case"].startswith("orphan-")
        # Where the reference loses a directory the text is another one, which does not.
        loses = not case["roundtrip"] and not is_orphan and case["case"] != "range-data-new"
        assert (patch.encode() == raw(case, "patch")) is not loses
        assert patch.splitlines()[0] == case["old_id"]
        if not is_orphan:
            lists = re.compile(r"^(c4\w{88}){2,}\n", re.MULTILINE)
            assert c4py.dumps(c4py.loads(c4py.dumps(old) + patch)) == lists.sub("", c4py.dumps(new))

    check_all("patch", check, count=194)


def test_chain() -> None:
    def check(case: Case) -> None:
        states = case.get("resolve", [])
        for n, state in enumerate(states, 1):
            before, after = c4py.split_chain(case["text"], n)
            assert before == state
            assert bool(after) is (n < len(states))
        with pytest.raises(ValueError, match=r"cannot split|line \d+"):
            c4py.split_chain(case["text"], len(states) + 1)

    check_all("chain", check, count=94)


def loaded(case: Case) -> list[Manifest] | None:
    """Load the c4m files of a case's arguments; None where one is no manifest."""
    files = {item["path"]: base64.b64decode(item.get("content_b64", "")) for item in case["files"]}
    try:
        return [c4py.loads(files[argument]) for argument in case["argv"] if argument in files]
    except c4py.ParseError:
        return None


def test_log_of_the_command() -> None:
    """The figures that `c4 log` prints."""
    checked = 0
    for case in cases("cli"):
        if case["argv"][:1] != ["log"] or case["exit_code"] or len(case["argv"]) != 2:
            continue
        (manifest,) = loaded(case) or (None,)
        assert manifest is not None
        lines = []
        for info in c4py.log_chain(manifest):
            if info.is_base:
                first = c4py.resolve_chain(manifest, stop_at=1) if manifest.base is None else manifest
                what = f"(base)  {first.file_count()} files, {first.dir_count()} dirs"
            else:
                what = f"+{info.added} -{info.removed} ~{info.modified}"
            lines.append(f"{info.index}  {info.c4id}  {what}\n")
        assert "".join(lines) == case["stdout"], case["case"]
        checked += 1
    assert checked == 19


def test_split_of_the_command() -> None:
    """The files that `c4 split` writes."""
    checked = 0
    for case in cases("cli"):
        argv = case["argv"]
        if argv[:1] != ["split"] or len(argv) != 5 or not argv[2].lstrip("-").isdigit():
            continue
        (text,) = (base64.b64decode(f.get("content_b64", "")) for f in case["files"] if f["path"] == argv[1])
        written = {f["path"]: f["content"] for f in case.get("files_written", ())}
        if case["exit_code"]:
            with pytest.raises(ValueError, match="cannot split|n must be"):
                c4py.split_chain(text, int(argv[2]))
        else:
            before, after = c4py.split_chain(text, int(argv[2]))
            assert written == ({argv[3]: before, argv[4]: after} if after else {argv[3]: before}), case["case"]
        checked += 1
    assert checked == 48


def test_patch_of_the_command() -> None:
    """What `c4 patch` prints for a chain, whole or its first sections."""
    checked = 0
    for case in cases("cli"):
        argv = case["argv"]
        stop = int(argv[2]) if argv[1:2] == ["-n"] and argv[2].lstrip("-").isdigit() else 0
        is_one_chain = len(argv) == 2 or (len(argv) == 4 and argv[1] == "-n")
        if argv[:1] != ["patch"] or not is_one_chain or case["exit_code"] or case["case"] == "patch-diff-file-only":
            continue
        (manifest,) = loaded(case) or (None,)
        assert manifest is not None
        assert c4py.dumps(c4py.resolve_chain(manifest, stop_at=stop)) == case["stdout"], case["case"]
        checked += 1
    assert checked == 45


def test_diff_of_the_command() -> None:
    """What `c4 diff` prints for two manifests: the patch, and the ID of the second.

    The command fills in directories first, which the library does not.
    """
    checked = two_sections = 0
    for case in cases("cli"):
        argv = case["argv"]
        is_plain = argv[:1] == ["diff"] and not {"-e", "-q"} & {*argv} and not case["exit_code"]
        if not is_plain or not all(argument.endswith(".c4m") for argument in argv[-2:]):
            continue
        pair = loaded(case)
        if pair is None or len(pair) != 2 or any(entry.c4id is None for m in pair for _, entry in m.directories()):
            continue
        old, new = reversed(pair) if "-r" in argv else pair
        text = f"{c4py.patch_diff(old, new)}{new.compute_c4id()}\n"
        if len(c4py.loads(text).patch_sections) > 1:
            # The line of a directory with changed children is unchanged: the reference's patch would remove it.
            assert c4py.dumps(c4py.loads(c4py.dumps(old) + text)) == c4py.dumps(new) != case["stdout"], case["case"]
            two_sections += 1
        else:
            # Nothing is printed where nothing differs.
            assert text == case["stdout"] or (c4py.diff(old, new).is_empty and not case["stdout"]), case["case"]
        checked += 1
    assert (checked, two_sections) == (34, 9)

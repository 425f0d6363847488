"""Validation: every code with what shows it, where issues stand, what may be validated."""

from __future__ import annotations

import copy
import io
import json
import mmap
import os
import pickle
import re
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import c4py
import c4py.validator
import pytest
from c4py import C4ID, Entry, FlowDirection, Issue, Manifest, Severity, ValidationResult, validate
from c4py._rust import validation_codes
from c4py.safename import safe_name
from c4py.validator import validate_c4id_string, validate_mode_string
from hypothesis import given, settings
from hypothesis import strategies as st

X = str(c4py.identify_bytes(b"x"))
Y = str(c4py.identify_bytes(b"y"))
TIME = datetime(2025, 1, 1, tzinfo=UTC)
LIST = str(c4py.identify_bytes((X + Y).encode()))


def chain(first: str, patch: str, after: str = "") -> str:
    """Put a patch below the ID of the first state."""
    return f"{first}{c4py.loads(first).compute_c4id()}\n{patch}{after}"


def far_time() -> Entry:
    entry = Entry("a")
    entry.timestamp_s = 10**12
    return entry


#: What shows each code: a text or a manifest, and the issues of that code as (line, column, path).
SHOWN: dict[str, tuple[str | bytes | Manifest, list[tuple[int, int | None, str | None]]]] = {
    "not-utf8": (b"- - - a -\n- - - \xff -\n", [(2, 7, None)]),
    "byte-order-mark": ("\ufeff- - - a -\n", [(1, 1, None)]),
    "carriage-return": ("- - - a -\r\n", [(1, 10, None)]),
    "control-character": ("- - - a\tb -\n", [(1, 8, None)]),
    "directive": ("@base x\n", [(1, None, None)]),
    "syntax": ("hello\n- - - a -\n- - x a -\n", [(1, 1, None), (3, 5, None)]),
    "size-range": ("- - 9223372036854775808 a -\n", [(1, 5, None)]),
    "bad-id": ("- - - a c4x\n", [(1, 9, None)]),
    "empty-patch": (f"- - - a -\n{X}\n{Y}\n", [(3, None, None)]),
    "empty-name": ("- - - / -\n", [(1, 7, "/")]),
    "dot-name": ("- - - ../ -\n- - - . -\n", [(1, 7, "../"), (2, 7, ".")]),
    "slash-in-name": ("- - - a/b -\n- - - ..¤⠯¤x -\n- - - b¤⠯¤ -\n", [(1, 9, None), (2, 7, "../x"), (3, 7, None)]),
    "nul-in-name": ("- - - a\\0b -\nlrwxrwxrwx - - l -> x\\0 -\n", [(1, 7, "a\0b"), (2, None, "l")]),
    "bad-mode": (Manifest([Entry("a", mode=0o030644)]), [(1, None, "a")]),
    "time-range": (Manifest([far_time()]), [(1, None, "a")]),
    "depth-range": (Manifest([Entry("a", depth=2**30)]), [(1, None, "a")]),
    "no-round-trip": (Manifest([Entry("a", target="b", hard_link=3)]), [(1, None, "a")]),
    "duplicate-name": ("- - - d/ -\n  - - - a -\n  - - - a -\n", [(3, 9, "d/a")]),
    "file-and-directory": ("- - - x -\n- - - x/ -\n", [(2, 7, "x/")]),
    "through-symlink": (
        "lrwxrwxrwx - - x -> / -\ndrwxr-xr-x - - x/ -\n  - - - etc -\nlrwxrwxrwx - - y/ -> z -\n",
        [(2, 16, "x/"), (4, None, "y/")],
    ),
    "orphan": ("- - - a -\n  - - - b -\n", [(2, None, "b")]),
    "misplaced-entry": ("- - - d/ -\n- - - x -\n  - - - y -\n", [(3, None, "d/y")]),
    "hard-link-mismatch": ("- - 1 a ->1 -\n- - 2 b ->1 -\n", [(2, None, "b")]),
    "flow-path": ("- - - d/ <- nas:a/../b -\n", [(1, None, "d/")]),
    "flow-symlink": ("lrwxrwxrwx - - d <> nas:a -\n", [(1, None, "d")]),
    "sequence-range": (
        "- - - a.[3-1].x -\n- - - b.[1-9:0].x -\n- - - c.[1,].x -\n",
        [(1, 7, "a.[3-1].x"), (2, 7, "b.[1-9:0].x"), (3, 7, "c.[1,].x")],
    ),
    "list-length": (f"- - - a.[1-2].x {LIST}\n- - - a.[1-3].y {LIST}\n{X}{Y}\n", [(2, None, "a.[1-3].y")]),
    "chain-link": (f"- - - a -\n{X}\n- - - b -\n", [(2, None, None)]),
    "patch-below-removal": (chain("- - - d/ -\n  - - - a -\n", "- - - d/ -\n  - - - a -\n"), [(5, None, None)]),
    "unchecked-link": (f"{X}\n- - - a -\n{Y}\n- - - b -\n{X}\n", [(3, None, None)]),
    "non-canonical": (
        "- - 1,000 a -\n\n- - - b\n- - - d/ -\n   - - - c -\n",
        [(1, None, None), (2, None, None), (3, None, None), (5, None, None)],
    ),
    "pretty-form": ("-rw-r--r-- Jan  2 03:04:05 2020 UTC 1,000 a      -\n", [(1, None, None)]),
    "offset-time": ("- 2020-01-01T00:00:00+01:00 - a -\n", [(1, 3, None)]),
    "mode-zero": ("- - - a -\n---------- - - b -\n", [(2, 1, None)]),
    "unsorted": ("- - - f10 -\n- - - f9 -\n- - - d/ -\n- - - a -\n", [(2, None, "f9"), (4, None, "a")]),
    "no-final-newline": ("- - - a -\n- - - b -", [(2, None, None)]),
    "sequence-name": ("- - - f\\[1\\].[2-3].x -\n", [(1, 7, None)]),
    "control-in-name": ("- - - a\\nb -\n- - - c¤⠛¤ -\n", [(1, 7, "a\nb"), (2, 7, "c\x1b")]),
    "invisible-in-name": ("- - - a\u202egpj.exe -\n", [(1, 7, "a\u202egpj.exe")]),
    "not-utf8-name": ("- - - a¤⣿¤ -\n", [(1, 7, "a\udcff")]),
    "trailing-backslash": (Manifest([Entry("a\\"), Entry("b", target="c\\")]), [(1, None, "a\\"), (2, None, "b")]),
    "long-name": (f"- - - {'n' * 255} -\n- - - {'n' * 256}/ -\n", [(2, 7, "n" * 256 + "/")]),
    "long-path": (
        "".join(f"{'  ' * depth}- - - {'n' * 255}/ -\n" for depth in range(17)),
        [(17, None, (("n" * 255 + "/") * 17)[-4096:])],
    ),
    "case-twins": ("- - - A -\n- - - a/ -\n- - - ß -\n- - - SS -\n", [(2, 7, "a/"), (4, 7, "SS")]),
    "unicode-twins": ("- - - e\u0301 -\n- - - \u00e9 -\n", [(2, 7, "\u00e9")]),
    "special-bits": ("-rwsr-xr-x - - a -\ndrwxr-sr-t - - d/ -\n", [(1, None, "a"), (2, None, "d/")]),
    "special-file": (
        "prw-r--r-- - - a -\nsrw-r--r-- - - b -\nbrw-r--r-- - - c -\ncrw-r--r-- - - d -\n",
        [(1, None, "a"), (2, None, "b"), (3, None, "c"), (4, None, "d")],
    ),
    "directory-without-slash": ("drwxr-xr-x - - a -\n", [(1, None, "a")]),
    "slash-without-directory": ("-rw-r--r-- - - a/ -\n", [(1, None, "a/")]),
    "year-zero": ("- 0000-12-31T23:59:59Z - a -\n- 0001-01-01T00:00:00Z - b -\n", [(1, None, "a")]),
    "directory-id": (f"- - - d/ {X}\n  - - 1 a -\n", [(1, None, "d/")]),
    "empty-target": ("lrwxrwxrwx - - a -\n", [(1, None, "a")]),
    "absolute-target": ("lrwxrwxrwx - - a -> /etc -\n", [(1, None, "a")]),
    "outside-target": (
        "lrwxrwxrwx - - a -> ../x -\n- - - d/ -\n  lrwxrwxrwx - - b -> ../x -\n  lrwxrwxrwx - - c -> x/../../../y -\n",
        [(1, None, "a"), (4, None, "d/c")],
    ),
    "target-without-symlink": ("-rw-r--r-- - - a -> b -\n", [(1, None, "a")]),
    "flow-label": ("- - - d/ <- 9nas:x -\n", [(1, None, "d/")]),
    "hard-link-alone": ("- - - a ->1 -\n- - - b ->2 -\n- - - c ->2 -\n", [(1, None, "a")]),
    "hard-link-directory": ("- - - d/ ->1 -\n- - - e ->1 -\n", [(1, None, "d/")]),
    "huge-sequence": ("- - - a.[0-999999999].x -\n", [(1, 7, "a.[0-999999999].x")]),
    "unused-list": (f"- - - a -\n{X}{Y}\n", [(2, None, None)]),
}

SEVERITIES = {name: Severity.ERROR if is_error else Severity.WARNING for name, is_error, _ in validation_codes()}


def codes(result: ValidationResult) -> list[tuple[int, str]]:
    return [(issue.line, issue.code) for issue in result.issues]


def as_text(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("code", SHOWN)
def test_each_code_stands_where_it_should(code: str) -> None:
    shown, places = SHOWN[code]
    result = validate(as_text(shown) if isinstance(shown, str) else shown)
    found = [issue for issue in result.issues if issue.code == code]
    assert [(issue.line, issue.column, issue.path) for issue in found] == places
    assert {issue.severity for issue in found} == {SEVERITIES[code]}
    for issue in found:
        assert str(issue).isprintable()
        assert str(issue).isascii() or issue.path is not None
        assert str(issue).endswith(f"[{code}]")


def test_every_code_is_shown_and_in_the_table_of_the_module() -> None:
    listed = {name: (is_error, meaning) for name, is_error, meaning in validation_codes()}
    assert set(SHOWN) == set(listed)
    rows = re.findall(r"^    ([a-z0-9-]+) +(error|warning) +(.+)$", c4py.validator.__doc__ or "", re.MULTILINE)
    assert {name: (severity == "error", meaning) for name, severity, meaning in rows} == listed
    assert len(rows) == len(listed)
    for name in listed:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)


@pytest.mark.parametrize(
    "code",
    [
        "dot-name",
        "duplicate-name",
        "through-symlink",
        "case-twins",
        "outside-target",
        "directory-id",
        "hard-link-alone",
    ],
)
def test_a_manifest_in_memory_is_checked_as_its_text_is(code: str) -> None:
    shown, places = SHOWN[code]
    assert isinstance(shown, str)
    # Read line by line: a whole text would lose the first of two siblings with one name.
    entries = []
    for line in shown.splitlines():
        (entry,) = [copy.copy(entry) for entry in c4py.loads(line.lstrip() + "\n")]
        entry.depth = (len(line) - len(line.lstrip())) // 2
        entries.append(entry)
    result = validate(Manifest(entries))
    found = [(issue.line, issue.column, issue.path) for issue in result.issues if issue.code == code]
    assert found == [(line, None, path) for line, _, path in places]


def test_all_lines_are_reported_whatever_stands_before() -> None:
    result = validate("@x\n- - - a -\nbad\n- - - a -\n- - - b c4z\n")
    assert codes(result) == [(1, "directive"), (3, "syntax"), (4, "duplicate-name"), (5, "bad-id")]
    assert not result.is_valid


def test_an_empty_text_and_one_of_good_lines_are_valid() -> None:
    for text in ("", "- - 1 a -\n", b"", b"- - 1 a -\n", f"- - 1 a {X}\n"):
        assert validate(text).issues == []
        assert validate(text)


def test_names_are_checked_after_decoding_in_every_tier() -> None:
    for field in ("..", "../", ".¤⠮¤", "¤⠮⠮¤", "¤⠮¤¤⠮¤/"):
        assert ("dot-name") in {issue.code for issue in validate(f"- - - {field} -\n").errors}, field
    for field in ("a¤⠯¤b", "¤⠯¤b", "a¤⠯⠯¤"):
        assert "slash-in-name" in {issue.code for issue in validate(f"- - - {field} -\n").errors}, field
    for field in ("a\\0", "a¤⠀¤"):
        assert "nul-in-name" in {issue.code for issue in validate(f"- - - {field} -\n").errors}, field
    assert "duplicate-name" in {issue.code for issue in validate("- - - a -\n- - - ¤⡡¤ -\n").errors}


def test_a_chain_is_checked_by_section_and_by_its_last_state() -> None:
    first = "- - - a -\n- - - d/ -\n  - - - x -\n"
    good = chain(first, "- - - b -\n")
    assert validate(good).issues == []
    closed = f"{good}{c4py.loads(good).compute_c4id()}\n"
    assert validate(closed).issues == []
    assert codes(validate(f"{good}{X}\n")) == [(6, "chain-link")]
    assert codes(validate(c4py.loads(f"- - - a -\n{X}\n- - - b -\n"))) == [(0, "chain-link")]
    assert codes(validate(chain(first, "- - - A -\n- - - a/ -\n"))) == [
        (5, "case-twins"),
        (6, "file-and-directory"),
    ]
    assert codes(validate(chain(first, "  - - - x -\n"))) == [(5, "orphan")]
    assert codes(validate(chain(first, "- - - q -\n- - - q -\n"))) == [(6, "duplicate-name")]


def test_links_are_not_judged_when_lines_above_them_do_not_parse() -> None:
    assert codes(validate(f"- - - a -\nbad\n{X}\n- - - b -\n")) == [(2, "syntax")]


def test_sums_of_sizes_that_overflow_are_reported_where_they_do() -> None:
    big = 2**63 - 1
    result = validate(f"- - {big} a -\n- - - d/ -\n  - - - e/ -\n    - - {big} b -\n    - - {big} c -\n")
    assert codes(result) == [(3, "size-range")]
    assert codes(validate(f"- - {big} a -\n- - {big} b -\n")) == [(0, "size-range")]
    assert codes(validate(Manifest([Entry("a", size=-7)]))) == [(1, "size-range")]


def test_directory_ids_are_compared_only_where_the_entries_are_all_there() -> None:
    inner = str(c4py.loads("- - 1 a -\n").compute_c4id())
    assert validate(f"- - - d/ {inner}\n  - - 1 a -\n").issues == []
    assert validate(f"- - - d/ {X}\n").issues == []
    assert validate(f"- - - d/ {X}\n  - - 1 a.[1-3] -\n").issues == []
    assert validate(f"- - - d/ {X}\n  - - - e/ {inner}\n    - - 1 a -\n").issues == []
    assert codes(validate(f"- - - d/ {X}\n  - - 9 e/ {inner}\n    - - 1 a -\n")) == [(1, "directory-id")]


def test_spelling_is_not_reported_of_a_text_in_the_pretty_form() -> None:
    manifest = Manifest([Entry("a", timestamp=TIME, size=1000), Entry("b"), Entry("c", timestamp=TIME)])
    assert codes(validate(c4py.dumps(manifest, pretty=True))) == [(1, "pretty-form"), (3, "pretty-form")]


def test_a_filtered_manifest_has_orphans_unless_parents_are_kept() -> None:
    manifest = c4py.loads("- - - d/ -\n  - - - a.exr -\n")
    assert codes(validate(manifest.filter("*.exr"))) == [(1, "orphan")]
    assert validate(manifest.filter("*.exr")).issues[0].path == "d/a.exr"
    assert validate(manifest.filter("*.exr", parents=True)).issues == []


def test_a_text_is_told_from_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.c4m"
    path.write_text("- - - ../ -\n")
    monkeypatch.chdir(tmp_path)
    with open(path, "rb") as binary, open(path) as text, open(path, "rb") as mapped:
        view = mmap.mmap(mapped.fileno(), 0, access=mmap.ACCESS_READ)
        sources: list[Any] = [
            path,
            str(path),
            "m.c4m",
            binary,
            text,
            io.StringIO("- - - ../ -\n"),
            io.BytesIO(b"- - - ../ -"),
            "- - - ../ -\n",
            b"- - - ../ -",
            bytearray(b"- - - ../ -"),
            memoryview(b"- - - ../ -"),
            view,
        ]
        for source in sources:
            assert [issue.code for issue in validate(source).errors] == ["dot-name"], source
        view.close()
    # Bytes are no path, and a str without a line end is no text.
    assert [issue.code for issue in validate(b"m.c4m").errors] == ["syntax"]
    with pytest.raises(FileNotFoundError) as raised:
        validate("- - - ../ -")
    assert raised.value.filename == "- - - ../ -"


def test_a_path_that_cannot_be_read_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        validate(tmp_path / "none")
    assert missing.value.filename == tmp_path / "none"
    with pytest.raises(IsADirectoryError):
        validate(tmp_path)
    with pytest.raises(ValueError, match="manifest holds a NUL byte"):
        validate("a\0b")
    if os.geteuid() != 0:
        (tmp_path / "secret").touch(mode=0)
        with pytest.raises(PermissionError):
            validate(tmp_path / "secret")


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("- - - ../ -\n",))
    writer.start()
    assert codes(validate(tmp_path / "pipe")) == [(1, "dot-name")]
    writer.join()


@pytest.mark.parametrize("value", [None, 3, 1.5, [], {}, object(), Entry("a")])
def test_what_is_no_manifest_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match=f"manifest must be .* not {type(value).__name__}"):
        validate(value)


def test_the_limit_is_for_each_code_and_the_others_are_counted() -> None:
    text = "- - - ../ -\nbad\n" * 20
    result = validate(text, limit=2)
    assert [issue.line for issue in result.issues if issue.code == "syntax"] == [2, 4]
    assert result.omitted == {"syntax": 18, "dot-name": 18, "duplicate-name": 17}
    assert "53 more not listed" in str(result)
    assert validate(text, limit=2**80).omitted == {}
    for limit in (0, -1):
        with pytest.raises(ValueError, match="limit must be at least 1"):
            validate(text, limit=limit)
    with pytest.raises(TypeError, match="limit must be int, not str"):
        validate(text, limit="2")  # type: ignore[arg-type]


def test_a_lone_surrogate_in_a_text_is_reported_not_raised() -> None:
    assert codes(validate("- - - a\udcff -\n")) == [(1, "not-utf8")]


def test_results_say_what_they_are() -> None:
    result = validate("- - 1 a -\n- - 2 b\n- - 3 ../ -\n")
    assert [issue.code for issue in result.errors] == ["dot-name"]
    assert [issue.code for issue in result.warnings] == ["non-canonical"]
    assert not result
    assert not result.is_valid
    assert repr(result) == "<c4py.ValidationResult: not valid, 1 error, 1 warning>"
    assert str(result).splitlines()[0] == "line 2: warning: the line would be written differently [non-canonical]"
    assert result == validate("- - 1 a -\n- - 2 b\n- - 3 ../ -\n")
    assert result != validate("")
    assert result != "x"
    assert pickle.loads(pickle.dumps(result)) == copy.deepcopy(result) == result
    assert json.loads(result.to_json()) == {
        "valid": False,
        "issues": [
            {
                "severity": "warning",
                "code": "non-canonical",
                "message": "the line would be written differently",
                "line": 2,
                "column": None,
                "path": None,
            },
            {
                "severity": "error",
                "code": "dot-name",
                "message": "the name is that of a directory itself or of the one above",
                "line": 3,
                "column": 7,
                "path": "../",
            },
        ],
        "omitted": {},
    }
    assert ValidationResult().issues == []
    assert ValidationResult().is_valid
    assert ValidationResult([Issue(Severity.ERROR, "m")]).errors == [Issue(Severity.ERROR, "m")]


def test_an_issue_is_a_value() -> None:
    issue = Issue(Severity.ERROR, "message", 3, "code", 4, "a\x1b[31m\u202e\udcff<script>")
    assert str(issue) == "line 3, column 4 (a\\x1b[31m\\u202e\\udcff<script>): error: message [code]"
    assert str(Issue(Severity.WARNING, "m\n", path="")) == "'': warning: m\\n"
    assert repr(Issue(Severity.WARNING, "m")) == "Issue(Severity.WARNING, 'm', line=0, code='', column=None, path=None)"
    assert pickle.loads(pickle.dumps(issue)) == copy.copy(issue) == issue
    assert len({issue, copy.deepcopy(issue)}) == 1
    assert issue != Issue(Severity.WARNING, "message", 3, "code", 4)
    assert issue != "x"
    with pytest.raises(AttributeError, match="cannot be changed"):
        issue.line = 4
    with pytest.raises(AttributeError, match="cannot be changed"):
        del issue.line
    (written,) = json.loads(ValidationResult([issue]).to_json())["issues"]
    assert written["path"] == safe_name("a\x1b[31m\u202e\udcff<script>")
    assert str(Issue(Severity.ERROR, r"a\n")) == r"error: a\n"


def test_names_that_existing_scripts_use() -> None:
    # The members of 1.0.20 and the order of its arguments.
    assert (Severity.ERROR.value, Severity.WARNING.value) == ("error", "warning")
    issue = c4py.validator.Issue(severity=Severity.ERROR, message="m", line=2)
    assert (issue.severity, issue.message, issue.line) == (Severity.ERROR, "m", 2)
    assert c4py.validator.ValidationResult(issues=[issue]).issues == [issue]
    assert validate(manifest=Manifest()).is_valid


@pytest.mark.parametrize("mode", ["-", "----------", "-rw-r--r--", "drwxr-xr-t", "lrwxrwxrwx", "crw-rw-rw-"])
def test_a_mode_that_a_line_may_have_has_no_errors(mode: str) -> None:
    assert validate_mode_string(mode) == []


@pytest.mark.parametrize("mode", ["", "rwx", "xrw-r--r--", "-rwzr--r--", "-rw-r--r--x", "-wrxwrxwrx", "é" * 10])
def test_a_mode_that_no_line_may_have_has_an_error(mode: str) -> None:
    assert len(validate_mode_string(mode)) == 1


def test_ids_as_lines_have_them() -> None:
    assert validate_c4id_string(X) == validate_c4id_string("-") == []
    for text in ("", "c4", "c5" + X[2:], X + "1", "c4" + "0" * 88, "c4" + "z" * 88):
        assert len(validate_c4id_string(text)) == 1
    with pytest.raises(TypeError):
        validate_c4id_string(3)  # type: ignore[arg-type]


names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..") and "/" not in name and not name.endswith("\\") and len(name.encode()) <= 255
)
trees: st.SearchStrategy[Any] = st.recursive(
    st.binary(max_size=9), lambda node: st.dictionaries(names, node, max_size=4), max_leaves=9
).filter(lambda tree: isinstance(tree, dict))


def write(tree: dict[str, Any], path: str) -> None:
    os.mkdir(path)
    for name, node in tree.items():
        if isinstance(node, dict):
            write(node, os.path.join(path, name))
        else:
            with open(os.path.join(path, name), "wb") as file:
                file.write(node)


#: What random names may have, and no other code.
TWINS = {"case-twins", "unicode-twins"}


@given(trees, st.sampled_from(["full", "metadata", "structure"]))
@settings(max_examples=60)
def test_a_scan_of_a_clean_tree_and_its_text_have_no_issue(tree: dict[str, Any], mode: Any) -> None:
    with tempfile.TemporaryDirectory() as directory:
        write(tree, os.path.join(directory, "tree"))
        manifest = c4py.scan(os.path.join(directory, "tree"), mode=mode)
        text = c4py.dumps(manifest)
        for source in (manifest, text.encode(), c4py.loads(text)):
            assert {issue.code for issue in validate(source).issues} <= TWINS


def test_folded_frames_have_no_issue(tmp_path: Path) -> None:
    for frame in range(1, 6):
        (tmp_path / f"f.{frame:04}.exr").write_bytes(b"%d" % frame)
    manifest = c4py.scan(tmp_path, sequences=True)
    assert validate(manifest).issues == []
    assert validate(c4py.dumps(manifest)).issues == []


values = st.fixed_dictionaries(
    {
        "name": st.binary(min_size=0, max_size=6) | st.sampled_from([b"a", b"A", b"a/", b"..", b"f.[1-2]", b"x\\"]),
        "mode": st.integers(0, 0o177777),
        "size": st.integers(-3, 2**63 - 1),
        "depth": st.integers(0, 3) | st.integers(0, 2**32 - 1),
        "target": st.binary(max_size=5),
        "hard_link": st.integers(-2, 3),
        "flow_direction": st.sampled_from(FlowDirection),
        "flow_target": st.text("aZ9:/. -", max_size=5),
        "is_sequence": st.booleans(),
        "c4id": st.none() | st.just(C4ID(X)),
    }
)


@given(st.lists(values, max_size=8))
@settings(max_examples=300)
def test_a_list_that_is_valid_reads_back_from_its_text(entries: list[dict[str, Any]]) -> None:
    manifest = Manifest([Entry(**entry) for entry in entries])
    result = validate(manifest)
    for issue in result.issues:
        assert str(issue).isprintable()
    assert json.loads(result.to_json())["valid"] == result.is_valid
    if result.is_valid and not any(issue.code == "trailing-backslash" for issue in result.issues):
        manifest.sort_entries()
        assert c4py.loads(c4py.dumps(manifest)).entries == manifest.entries


def test_ranges_that_interleave_share_one_budget() -> None:
    text = "".join(f"- - - f{number}.[0-999998:2,1-999999:2].x -\n" for number in range(200))
    found = {issue.code for issue in c4py.validate(text, limit=5).errors}
    assert found == {"sequence-range"}


def errors_of(text: str) -> list[tuple[int, str]]:
    return [(issue.line, issue.code) for issue in c4py.validate(text).errors]


def test_what_a_sequence_stands_for_is_not_listed_beside_it() -> None:
    assert errors_of("lrwxrwxrwx - 1 d[1-2] -> /etc -\n- - - d1/ -\n  - - 1 passwd -\n") == [(2, "through-symlink")]
    assert errors_of("- - 1 f.02.x -\n- - 1 f.2.x -\n- - 1 f.4.x -\n- - 3 f.[01-03].x -\n") == [(1, "duplicate-name")]
    assert errors_of("- - 1 v1.-2 -\n- - 3 v1.[-3-1] -\n") == [(1, "duplicate-name")]
    assert errors_of("- - - d/ -\n  - - 1 f.1 -\n- - 3 f.[1-3] -\n") == []
    assert errors_of("- - 3 f.[1-3] -\n" + "- - 1 " + "7f" * 200_000 + " -\n") == []

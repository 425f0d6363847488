"""Manifests and differences as HTML, as tables of rich and as JSON."""

from __future__ import annotations

import html.parser
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import c4py
import duckdb
import polars as pl
import pytest
import rich.console
from c4py import Entry, Manifest, ScanIssue
from c4py._cells import cells, short
from c4py._html import diff_html, manifest_html
from c4py._json import diff_json, entry_object
from c4py._rich import diff_table
from c4py._rust import EntryObjects
from c4py._visible import visible
from c4py.safename import safe_name, unsafe_name
from hypothesis import given
from hypothesis import strategies as st

HOSTILE = [
    "<script>x</script>",
    "\x1b[31mred",
    "\u202egnp.exe",
    "\udcff",
    "[red]x[/red]",
    "a\nb",
    "&amp;",
    "\\x1b",
]
ID = c4py.identify_bytes(b"x")


@dataclass
class Moved:
    old: Entry
    new: Entry


@dataclass
class Result:
    """A DiffResult, as the views see it."""

    added: Sequence[Entry] = ()
    removed: Sequence[Entry] = ()
    modified: Sequence[Entry] = ()
    same: Sequence[Entry] = ()
    moved: Sequence[Moved] = field(default_factory=list)
    errors: Sequence[ScanIssue] = ()

    def summary(self) -> str:
        return f"{len(self.added)} added <&>"


class Watched(Sequence[Entry]):
    """A long list that knows how many of its entries were looked at."""

    def __init__(self, count: int) -> None:
        self.length = count
        self.seen: set[int] = set()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: object) -> Entry:  # type: ignore[override]
        place = range(self.length)[cast("int", index)]
        self.seen.add(place)
        return Entry(f"f{place}")

    def __iter__(self) -> Iterator[Entry]:
        raise AssertionError("the whole list is looked at")


class Balanced(html.parser.HTMLParser):
    """Reads HTML and holds that every element is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(text: str) -> Balanced:
    parser = Balanced()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def printed(table: object, width: int = 200) -> str:
    file = io.StringIO()
    rich.console.Console(file=file, width=width, force_terminal=True, color_system="truecolor").print(table)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain é 日本", "plain é 日本"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202ex", "\\u202ex"),
        ("\udcff", "\\udcff"),
        ("a\nb\t", "a\\nb\\t"),
        ("\\x1b", "\\\\x1b"),
        ("\U000e0001", "\\U000e0001"),
        ("\xa0\u3000", "\\xa0\\u3000"),
    ],
)
def test_every_character_of_a_name_is_seen(name: str, expected: str) -> None:
    assert visible(name) == expected
    assert visible(name).isprintable()


def test_a_long_name_loses_its_middle() -> None:
    assert short("a" * 120) == "a" * 120
    assert short("a" * 500 + "b" * 500) == "a" * 60 + "…" + "b" * 59


def test_cells_of_an_entry() -> None:
    entry = c4py.loads(f"lrwxrwxrwx 2025-01-01T00:00:00Z 2048 l -> t {ID}\n")[0]
    assert cells(entry) == ("l → t", "symlink", "lrwxrwxrwx", "2025-01-01 00:00:00", "2.0 KB", f"{str(ID)[:12]}…")
    assert cells(Entry("d/")) == ("d/", "directory", "-", "-", "-", "-")
    entry.timestamp_s = 2**60
    assert cells(entry)[3] == f"{2**60} s"


def test_a_manifest_is_html() -> None:
    manifest = c4py.loads(f"-rw-r--r-- 2025-01-01T00:00:00Z 3 a.txt {ID}\n- - - d/ -\n  - - 4 b -\n")
    text = manifest._repr_html_()
    assert text == manifest_html(manifest)
    page = parsed(text)
    assert page.tags.count("tr") == 4
    assert "2 files, 1 directories, 7 B total, 1 unique C4 IDs" in page.text
    for part in ("a.txt", "d/b", "-rw-r--r--", "2025-01-01 00:00:00"):
        assert part in page.text
    assert f'title="{ID}"' in text
    assert 'title="3 bytes"' in text
    assert "color" not in text
    assert "<table>" not in Manifest()._repr_html_()


def test_a_long_manifest_shows_its_first_and_last_entries() -> None:
    manifest = Manifest(Entry(f"f{number:04}") for number in range(1000))
    page = parsed(manifest._repr_html_())
    assert page.tags.count("tr") == 1 + 20 + 1 + 5
    assert "… 975 more …" in page.text
    assert "f0019" in page.text
    assert "f0020" not in page.text
    assert "f0995" in page.text
    rows = Manifest(Entry(f"f{number:04}") for number in range(25))
    assert "more" not in rows._repr_html_()


def test_hostile_names_do_nothing_in_html() -> None:
    manifest = Manifest(Entry(name, target=name) for name in HOSTILE)
    result = Result(added=list(manifest), moved=[Moved(entry, entry) for entry in manifest])
    for text in (manifest._repr_html_(), diff_html(result)):
        assert text.isprintable()
        assert text.encode()
        page = parsed(text)
        assert set(page.tags) <= {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td"}
        for name in HOSTILE:
            assert f"{visible(name)} → {visible(name)}" in page.text


def test_a_difference_is_html_and_only_what_is_shown_is_looked_at() -> None:
    added = Watched(10_000_000)
    result = Result(
        added=added,
        removed=[Entry("gone")],
        same=Watched(5),
        moved=[Moved(Entry(f"from{n}"), Entry(f"to{n}")) for n in range(22)],
    )
    page = parsed(diff_html(result))
    assert "10000000 added <&>" in page.text
    assert "added (10,000,000)" in page.text
    assert "… 9,999,975 more …" in page.text
    assert "modified" not in page.text
    assert "from19" in page.text
    assert "from20" not in page.text
    assert "… 2 more" in page.text
    table = printed(diff_table(result))
    assert "… 9,999,975 more …" in table
    assert "from19 ⇒ to19" in table
    assert added.seen == {*range(20), *range(9_999_995, 10_000_000)}


def test_rich_prints_a_manifest_as_a_table() -> None:
    manifest = c4py.loads(f"-rw-r--r-- 2025-01-01T00:00:00Z 3 a.txt {ID}\n")
    text = printed(manifest)
    for part in ("path", "a.txt", "-rw-r--r--", "3 B", str(ID)[:12], "1 files, 0 directories, 3 B total"):
        assert part in text
    assert "… 75 more …" in printed(Manifest(Entry(f"f{number}") for number in range(100)))


def test_hostile_names_do_nothing_on_a_terminal() -> None:
    manifest = Manifest(Entry(name, target=name) for name in HOSTILE)
    harmless = Manifest(Entry("x" * len(visible(name)), target="x" * len(visible(name))) for name in HOSTILE)
    for text, plain in (
        (printed(manifest), printed(harmless)),
        (printed(diff_table(Result(added=list(manifest)))), printed(diff_table(Result(added=list(harmless))))),
    ):
        for name in HOSTILE:
            assert visible(name) in text
        assert "\x1b[31mred" not in text
        assert "\u202e" not in text
        assert text.count("\x1b") == plain.count("\x1b")


def test_a_narrow_terminal_shows_whole_paths() -> None:
    text = printed(Manifest([Entry("x" * 100)]), width=90)
    assert text.count("x") >= 100


def test_a_difference_is_json() -> None:
    entry = c4py.loads(f"lrwxrwxrwx 2025-01-01T00:00:00Z 3 l -> t {ID}\n")[0]
    result = Result(
        added=[entry], modified=[Entry("d/")], same=Watched(7), moved=[Moved(Entry("a", size=0), Entry("b", depth=1))]
    )
    nothing = {"type": "file", "mode": None, "mtime": None, "size": None, "c4id": None, "target": None}
    assert json.loads(diff_json(result)) == {
        "added": [
            {
                "path": "l",
                "type": "symlink",
                "mode": 0o120777,
                "mtime": 1735689600,
                "size": 3,
                "c4id": str(ID),
                "target": "t",
            }
        ],
        "removed": [],
        "modified": [nothing | {"path": "d", "type": "directory"}],
        "moved": [{"old": nothing | {"path": "a", "size": 0}, "new": nothing | {"path": "b"}}],
        "same": 7,
        "errors": [],
    }


def test_any_name_makes_valid_json() -> None:
    text = diff_json(Result(added=[Entry(name) for name in HOSTILE]))
    assert text.isascii()
    shown = [entry["path"] for entry in json.loads(text)["added"]]
    assert [unsafe_name(path) if "¤" in path else path for path in shown] == HOSTILE


def test_a_manifest_is_json(tree: Path) -> None:
    manifest = c4py.scan(tree)
    document = json.loads(manifest.to_json())
    assert list(document) == ["c4id", "entries", "errors"]
    assert document["c4id"] == str(manifest.compute_c4id())
    assert document["entries"] == [entry_object(entry) for entry in manifest]
    assert {entry["type"] for entry in document["entries"]} == {"file", "directory", "symlink", "pipe"}
    file = io.StringIO()
    manifest.write_json(file)
    assert file.getvalue() == manifest.to_json() + "\n"
    assert json.loads(Manifest().to_json())["entries"] == []


NAMES = st.binary(min_size=1, max_size=8).filter(lambda name: not {0, 47} & set(name) and name not in (b".", b".."))


@given(
    st.lists(
        st.tuples(
            NAMES | st.text('aé\U0001f600¤\\"\b\f\n\r\t\x7f\u2028', min_size=1),
            st.sampled_from([0, 0o100644, 0o120777, 0o170000, 0o40755]),
            st.integers(-(2**40), 2**40),
            st.integers(-1, 2**63 - 1),
            st.sampled_from([None, ID]),
            st.integers(0, 2),
            NAMES | st.none(),
        ),
        max_size=8,
    )
)
def test_entries_of_the_core_are_those_of_python(
    rows: list[tuple[str | bytes, int, int, int, c4py.C4ID | None, int, bytes | None]],
) -> None:
    manifest = Manifest()
    for name, mode, seconds, size, c4id, depth, target in rows:
        entry = Entry(name, mode, size=size, c4id=c4id, depth=depth, target=target)
        entry.timestamp_s = seconds
        manifest.entries.append(entry)
    text = "".join(EntryObjects(manifest))
    assert f"[{text}]" == json.dumps([entry_object(entry) for entry in manifest])


def test_entries_are_written_as_they_were_when_writing_began() -> None:
    manifest = Manifest([Entry(f"{number}", size=number, c4id=ID) for number in range(5000)])
    objects = EntryObjects(manifest)
    first = next(objects)
    assert 100_000 < len(first) < 1_000_000
    manifest.entries.clear()
    entries = json.loads(f"[{first}{''.join(objects)}]")
    assert [entry["size"] for entry in entries] == list(range(5000))


def test_a_manifest_is_written_into_nothing_but_a_file() -> None:
    with pytest.raises(TypeError, match="file must be an open text file, not str"):
        Manifest().write_json("manifest.json")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Manifest().write_json(io.BytesIO())  # type: ignore[arg-type]


def test_names_that_are_no_utf8_are_in_their_safe_form_in_json(tmp_path: Path) -> None:
    old, new = Manifest(), Manifest([Entry("d/"), Entry(b"\xff", target=b"a/\xfe", depth=1)])
    text = c4py.diff(old, new).to_json()
    (entry,) = [entry for entry in json.loads(text)["added"] if entry["type"] != "directory"]
    assert (entry["path"], entry["target"]) == ("d/" + safe_name(b"\xff"), "a/" + safe_name(b"\xfe"))
    assert entry["path"] == pl.DataFrame(new)["path"][1]
    (tmp_path / "diff.json").write_text(text)
    # Parsers that take no lone surrogate.
    counts = duckdb.connect().execute(f"select len(added) from read_json('{tmp_path / 'diff.json'}')")
    assert counts.fetchall() == [(2,)]
    assert pl.read_json(tmp_path / "diff.json")["added"].list.len()[0] == 2


def test_the_hint_of_a_long_path_has_all_of_it() -> None:
    name = "<b>" + "x" * 300 + "\x1b"
    whole = "&lt;b&gt;" + "x" * 300 + "\\x1b"
    old, new = Manifest([Entry(name, c4id=c4py.identify_bytes(b"x"))]), Manifest([Entry("n" + name)])
    assert f'title="{whole}"' in old._repr_html_()
    new[0].c4id = old[0].c4id
    assert f'<td style="text-align:left;white-space:pre" title="n{whole}">' in c4py.diff(old, new)._repr_html_()


def test_views_are_not_imported_before_they_are_used() -> None:
    code = (
        "import sys, c4py\n"
        "views = {'c4py.plot', 'c4py._html', 'c4py._rich', 'c4py._json', 'c4py._cells', 'rich', 'matplotlib', "
        "'pyarrow', 'polars', 'pandas', 'numpy', 'html', 'json'}\n"
        "assert not views & set(sys.modules), views & set(sys.modules)\n"
        "import c4py.plot\n"
        "c4py.Manifest()._repr_html_()\n"
        "assert not {'rich', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)

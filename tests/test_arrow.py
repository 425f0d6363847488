"""Manifests as Arrow tables, and back."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import c4py
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from c4py import C4ID, Entry, FlowDirection, Manifest
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = ["path", "name", "type", "mode", "mtime", "size", "c4id", "depth", "target"]
ID = c4py.identify_bytes(b"x")
TEXT = f"""\
-rw-r--r-- 2025-01-01T00:00:00Z 3 a.txt {ID}
lrwxrwxrwx 2025-01-01T00:00:00Z 5 link -> a.txt {ID}
drwxr-xr-x - - d/ -
  -rw-r--r-- 2024-02-29T12:00:00Z 5 b.txt -
  - - - e/ -
    - - - deep -
"""


@pytest.fixture
def manifest() -> Manifest:
    return c4py.loads(TEXT)


def paths(manifest: Manifest) -> list[str]:
    return [entry.path for entry in manifest]


def test_the_columns_are_those_documented(manifest: Manifest) -> None:
    table = manifest.to_arrow()
    assert isinstance(table, pa.Table)
    assert table.column_names[:9] == COLUMNS
    assert table.column_names[9:] == ["hard_link", "flow", "flow_target", "is_sequence", "pattern"]
    assert table.schema == pa.schema(manifest)
    types = [table.schema.field(name).type for name in COLUMNS]
    text = pa.string()
    assert types == [text, text, text, pa.uint32(), pa.timestamp("s", "UTC"), pa.int64(), text, pa.uint32(), text]
    assert table["path"].to_pylist() == ["a.txt", "link", "d", "d/b.txt", "d/e", "d/e/deep"]
    assert table["name"].to_pylist() == ["a.txt", "link", "d/", "b.txt", "e/", "deep"]
    assert table["type"].to_pylist() == ["file", "symlink", "directory", "file", "directory", "file"]
    assert table["mode"].to_pylist() == [0o644, 0o120777, 0o040755, 0o644, None, None]
    assert table["mtime"].cast(pa.int64()).to_pylist() == [1735689600, 1735689600, None, 1709208000, None, None]
    assert table["size"].to_pylist() == [3, 5, None, 5, None, None]
    assert table["c4id"].to_pylist() == [str(ID), str(ID), None, None, None, None]
    assert table["depth"].to_pylist() == [0, 0, 0, 1, 1, 2]
    assert table["target"].to_pylist() == [None, "a.txt", None, None, None, None]


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (0o010644, "pipe"),
        (0o140644, "socket"),
        (0o060644, "block device"),
        (0o020644, "char device"),
        (0o030644, None),
    ],
)
def test_special_files_have_a_type(mode: int, kind: str | None) -> None:
    manifest = Manifest([Entry("x", mode=mode)])
    assert manifest.to_arrow()["type"].to_pylist() == [kind]
    assert Manifest.from_arrow(manifest) == manifest


def test_every_library_reads_the_manifest_itself(manifest: Manifest) -> None:
    assert pl.DataFrame(manifest)["path"].to_list() == paths(manifest)
    assert list(pd.DataFrame.from_arrow(manifest)["path"]) == paths(manifest)
    assert pa.table(manifest) == manifest.to_arrow()
    assert pa.RecordBatchReader.from_stream(manifest).read_all() == manifest.to_arrow()
    # DuckDB finds the variable by its name.
    assert duckdb.execute("select path from manifest").fetchall() == [(path,) for path in paths(manifest)]
    query = "select type, count(*), sum(size) from manifest group by type order by type"
    assert duckdb.execute(query).fetchall() == [("directory", 2, None), ("file", 3, 8), ("symlink", 1, 5)]


LIBRARIES: list[Callable[[Manifest], Any]] = [
    lambda manifest: manifest,
    lambda manifest: manifest.to_arrow(),
    lambda manifest: pa.RecordBatchReader.from_stream(manifest),
    lambda manifest: pa.record_batch(manifest.to_arrow().combine_chunks().to_batches()[0]),
    pl.DataFrame,
    lambda manifest: pl.DataFrame(manifest).with_columns(pl.col("type").cast(pl.Categorical)),
    pd.DataFrame.from_arrow,
    lambda manifest: manifest.to_arrow().to_pandas(),
    lambda manifest: duckdb.from_arrow(manifest.to_arrow()),
]


@pytest.mark.parametrize("convert", LIBRARIES)
def test_every_library_gives_the_manifest_back(manifest: Manifest, convert: Callable[[Manifest], Any]) -> None:
    assert Manifest.from_arrow(convert(manifest)) == manifest


def test_column_types_of_other_libraries_are_taken(manifest: Manifest) -> None:
    table = manifest.to_arrow()
    for name, kind in [
        ("path", pa.large_string()),
        ("name", pa.string_view()),
        ("type", pa.dictionary(pa.int8(), pa.string())),
        ("mode", pa.float64()),
        ("size", pa.int32()),
        ("size", pa.float32()),
        ("depth", pa.uint8()),
        ("mtime", pa.timestamp("us", "America/New_York")),
        ("mtime", pa.timestamp("ns")),
    ]:
        index = table.column_names.index(name)
        other = table.set_column(index, pa.field(name, kind), table[name].cast(kind))
        assert Manifest.from_arrow(other) == manifest, name
    index = table.column_names.index("hard_link")
    assert Manifest.from_arrow(table.set_column(index, "hard_link", pa.nulls(len(table)))) == manifest
    assert Manifest.from_arrow(table.select(sorted(table.column_names))) == manifest
    assert Manifest.from_arrow(table.append_column("note", pa.array([b"?"] * 6))) == manifest


def test_times_are_floored_to_seconds() -> None:
    for time, expected in [(-1, -1), (1999, 1), (-1001, -2)]:
        table = pa.table({"path": ["a"], "mtime": pa.array([time], pa.timestamp("ms"))})
        assert Manifest.from_arrow(table)[0].timestamp_s == expected


name_bytes = st.binary(max_size=6) | st.sampled_from(
    [b"a/", "¤".encode(), "¤⣿¤".encode(), b"\xff/\xc2", b"\\n\xff", b"\0", b"x\n", b"..", b"/", "\u202e<b>".encode()]
)
sizes = st.integers(-1, 2**63 - 1)
entries = st.builds(
    Entry,
    name=name_bytes,
    mode=st.sampled_from([0, 0o644, 0o040755, 0o120777, 0o010600, 0o030000]) | st.integers(0, 0o177777),
    size=sizes,
    c4id=st.none() | st.binary(min_size=64, max_size=64).map(C4ID),
    depth=st.integers(0, 4) | st.integers(0, 2**32 - 1),
    target=name_bytes,
    hard_link=st.integers(-(2**63), 2**63 - 1) | st.just(0),
    flow_direction=st.sampled_from(FlowDirection),
    flow_target=st.sampled_from(["", "nas:/x y", "ü:¤"]),
    is_sequence=st.booleans(),
    pattern=name_bytes,
)


@given(st.lists(entries, max_size=12), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=12), st.booleans())
def test_any_manifest_comes_back(listed: list[Entry], times: list[int], has_base: bool) -> None:
    for entry, time in zip(listed, times, strict=False):
        entry.timestamp_s = time
    manifest = Manifest(listed)
    if has_base:
        manifest.base = ID
    table = pa.table(manifest)
    assert table["path"].to_pylist() == pa.table(Manifest.from_arrow(table))["path"].to_pylist()
    for source in (manifest, table):
        back = Manifest.from_arrow(source)
        assert back == manifest
        assert paths(back) == paths(manifest)


def test_an_unknown_size_comes_back_as_minus_one() -> None:
    manifest = Manifest([Entry("a", size=-3)])
    assert manifest.to_arrow()["size"].to_pylist() == [None]
    assert Manifest.from_arrow(manifest)[0].size == -1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"plain \x1b\n\\ \xc3\xa9", "plain \x1b\n\\ é"),
        (b"caf\xe9", "caf¤⣩¤"),
        ("5¤".encode(), "5¤⣂⢤¤"),
        (b"a\\b\xff", "a\\\\b¤⣿¤"),
    ],
)
def test_what_is_no_utf8_stands_in_its_safe_form(name: bytes, text: str) -> None:
    manifest = Manifest([Entry("d\\/", mode=0o040755), Entry(name, depth=1, target=name)])
    table = manifest.to_arrow()
    assert table["name"][1].as_py() == text
    assert table["target"][1].as_py() == text
    assert table["path"][1].as_py() == f"d\\/{text}"
    assert Manifest.from_arrow(table) == manifest
    assert paths(Manifest.from_arrow(table.select(["path", "size"]))) == paths(manifest)


def test_base_and_id_lists_are_metadata_of_the_schema(tmp_path: Path) -> None:
    for number in range(1, 5):
        (tmp_path / f"f.{number:04}.exr").write_bytes(bytes([number]))
    manifest = c4py.scan(tmp_path, sequences=True)
    manifest.base = ID
    table = manifest.to_arrow()
    assert table["is_sequence"].to_pylist() == [True]
    assert set(table.schema.metadata) == {b"c4m.base", b"c4m.id_lists"}
    back = Manifest.from_arrow(table)
    assert back == manifest
    assert c4py.dumps(back) == c4py.dumps(manifest)
    assert Manifest.from_arrow(pl.DataFrame(manifest)).base is None
    for key in (b"c4m.base", b"c4m.id_lists"):
        with pytest.raises(ValueError, match=f"the schema's metadata {key.decode()} holds what is no ID"):
            Manifest.from_arrow(table.replace_schema_metadata({key: b"c4"}))


def test_rows_that_were_filtered_or_sorted_keep_their_paths(manifest: Manifest) -> None:
    frame = pl.DataFrame(manifest)
    files = Manifest.from_arrow(frame.filter(pl.col("type") == "file"))
    assert files == manifest.filter(lambda _, entry: not entry.is_dir() and not entry.is_symlink())
    assert paths(files) == ["a.txt", "d/b.txt", "d/e/deep"]
    assert files["d/e/deep"].name == "deep"
    backwards = Manifest.from_arrow(frame.reverse())
    assert paths(backwards) == list(reversed(paths(manifest)))
    assert paths(Manifest.from_arrow(backwards)) == paths(backwards)
    # What lies below a directory that kept its path is found below it.
    below = Manifest.from_arrow(frame.filter(pl.col("path").str.starts_with("d/e")))
    assert paths(below) == ["d/e", "d/e/deep"]
    below["d/e"].name = "f/"
    assert Manifest.from_arrow(pa.table(manifest).slice(3, 1))[0].path == "d/b.txt"


def test_paths_alone_make_the_tree() -> None:
    frame = pl.DataFrame({"size": [1, 2, None, 4], "path": ["d/e/x", "top", "empty/", "d/y"]})
    manifest = Manifest.from_arrow(frame)
    assert c4py.dumps(manifest) == (
        "- - 2 top -\n- - - d/ -\n  - - 4 y -\n  - - - e/ -\n    - - 1 x -\n- - - empty/ -\n"
    )
    kinds = pl.DataFrame({"path": ["d", "l", "f"], "type": ["directory", "symlink", "file"]})
    assert [(entry.name, entry.mode) for entry in Manifest.from_arrow(kinds)] == [("d/", 0), ("l", 0o120000), ("f", 0)]


@given(st.lists(st.from_regex(r"\A[ab]{1,2}(/[ab]{1,2}){0,3}\Z"), unique=True, max_size=12))
def test_paths_of_a_tree_make_the_same_tree(wanted: list[str]) -> None:
    listed = Manifest.from_arrow(pa.table({"path": pa.array(wanted, pa.string())}))
    found = paths(listed)
    implied = {path[:at] for path in wanted for at, c in enumerate(path) if c == "/"}
    assert sorted(found) == sorted({*wanted, *implied})
    listed.sort_entries()
    again = Manifest.from_arrow(listed.to_arrow().select(["path", "type"]))
    again.sort_entries()
    assert again == listed


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"size": [1]}, ValueError, "must have the columns name and depth, or path; it has: size"),
        ({"name": ["a"]}, ValueError, "name and depth, or path; it has: name"),
        ({"path": [1]}, TypeError, "column path must hold text, not Int64"),
        ({"path": ["a"], "size": ["1"]}, TypeError, "column size must hold integers, not Utf8"),
        ({"path": ["a"], "mtime": [1]}, TypeError, "column mtime must hold timestamps, not Int64"),
        ({"path": ["a"], "is_sequence": [1]}, TypeError, "column is_sequence must hold bool, not Int64"),
        ({"path": ["a", "b"], "size": [1, 1.5]}, ValueError, "column size, row 1: must be a whole number, not 1.5"),
        ({"path": ["a"], "size": [1e300]}, ValueError, "column size, row 0: is out of range"),
        ({"path": ["a"], "mode": [-1]}, ValueError, "column mode, row 0: is out of range"),
        ({"path": ["a", "b"], "c4id": [None, "c4"]}, c4py.InvalidC4ID, "column c4id, row 1: a C4 ID is 90 characters"),
        ({"path": ["a"], "type": ["folder"]}, ValueError, 'column type, row 0: has no meaning: "folder"'),
        ({"path": ["a"], "flow": ["=>"]}, ValueError, 'column flow, row 0: has no meaning: "=>"'),
        ({"path": ["a"], "flow_target": ["x\ny"]}, ValueError, "column flow_target, row 0: must be UTF-8 without"),
        ({"path": ["a", None]}, ValueError, "column path, row 1: must not be null"),
        ({"name": [None], "depth": [0]}, ValueError, r"column name must|column name, row 0: must not be null"),
        ({"name": ["a"], "depth": [-1]}, ValueError, "column depth, row 0: is out of range"),
        ({"path": ["a", "../b"]}, ValueError, "column path, row 1: not a relative path"),
        ({"path": ["/a"]}, ValueError, "column path, row 0: not a relative path"),
        ({"path": ["a", "b", "a"]}, ValueError, "column path, row 2: the path is that of row 0 too"),
        ({"path": ["a"], "flow_target": ["x\x1b"]}, ValueError, "column flow_target, row 0: must be UTF-8 without"),
        ({"path": ["a"], "flow_target": ["¤⣿¤"]}, ValueError, "column flow_target, row 0: must be UTF-8 without"),
        ({"path": ["a", "a/b"], "type": ["file"] * 2}, ValueError, "row 0: no directory by its type, and row 1 lies"),
        ({"path": ["b", "a/"], "type": ["file"] * 2}, ValueError, 'column type, row 1: is "file" and the name ends'),
        ({"name": ["a/"], "depth": [0], "type": ["pipe"]}, ValueError, 'column type, row 0: is "pipe" and the name'),
        ({"path": [None, None]}, ValueError, "column path, row 0: must not be null"),
        ({"path": [None], "name": ["a"], "depth": [0]}, ValueError, "column path, row 0: must not be null"),
        ({"a\x1b[31m\n": [1], "b": [1]}, ValueError, r"it has: a¤.*¤\[31m\\n, b$"),
        (
            {"path": ["a", "a/b"], "mode": [0o644, 0]},
            ValueError,
            "row 0: no directory by its type, and row 1 lies",
        ),
    ],
)
def test_a_bad_table_is_told_by_column_and_row(columns: dict[str, list[Any]], error: type, message: str) -> None:
    table = pa.table(columns)
    if columns.get("name") == [None]:
        table = table.set_column(0, "name", pa.array([None], pa.string()))
    with pytest.raises(error, match=message):
        Manifest.from_arrow(table)


def test_two_columns_of_one_name_are_an_error() -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["path", "path"])
    with pytest.raises(ValueError, match="two columns of the name path"):
        Manifest.from_arrow(table)
    others = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([2])], names=["path", "x", "x"])
    assert paths(Manifest.from_arrow(others)) == ["a"]


def test_a_column_alone_is_no_table() -> None:
    for column in (pl.Series(["a"]), pa.chunked_array([["a"]]), pa.array(["a"])):
        with pytest.raises(TypeError, match="data must be a table with __arrow_c_stream__ or __arrow_c_array__, not "):
            Manifest.from_arrow(column)
    assert paths(Manifest.from_arrow(pl.Series([{"path": "a"}]))) == ["a"]


def test_a_known_type_counts_where_the_mode_is_unknown() -> None:
    table = pa.table({"path": ["d", "d/f", "e/"], "type": ["directory", "file", None]})
    assert [entry.name for entry in Manifest.from_arrow(table)] == ["d/", "f", "e/"]


def test_rows_are_counted_over_all_batches() -> None:
    batches = [pa.record_batch({"path": ["a", "b"], "depth": [0, 0]}), pa.record_batch({"path": ["c"], "depth": [-1]})]
    table = pa.Table.from_batches([batch.rename_columns(["name", "depth"]) for batch in batches])
    with pytest.raises(ValueError, match="column depth, row 2"):
        Manifest.from_arrow(table)


@pytest.mark.parametrize("data", [None, 1, [("a", 1)], {"path": ["a"]}])
def test_what_is_no_table_is_refused(data: Any) -> None:
    with pytest.raises(TypeError, match="data must be a table with __arrow_c_stream__ or __arrow_c_array__, not"):
        Manifest.from_arrow(data)
    with pytest.raises((TypeError, ValueError)):
        Manifest.from_arrow(pa.array([1]))


def test_a_long_manifest_is_a_stream_of_bounded_batches() -> None:
    count = 150_000
    text = "- - - d/ -\n" + "".join(f"  - - {n} f{n} -\n" for n in range(count - 1))
    manifest = c4py.loads(text)
    batches = list(pa.RecordBatchReader.from_stream(manifest))
    assert [batch.num_rows for batch in batches] == [65_536, 65_536, 18_928]
    assert batches[2]["path"][-1].as_py() == f"d/f{count - 2}"
    assert Manifest.from_arrow(pa.Table.from_batches(batches)) == manifest


def test_a_batch_ends_before_its_texts_are_too_long() -> None:
    # 64 MiB of paths and names end a batch.
    manifest = Manifest([Entry("d" * 9_000_000 + "/", depth=depth) for depth in range(4)])
    manifest.entries.extend(Entry(f"f{number}", depth=4) for number in range(3))
    batches = list(pa.RecordBatchReader.from_stream(manifest))
    assert [batch.num_rows for batch in batches] == [3, 2, 2]
    assert batches[2]["path"][1].as_py().endswith("d/f2")


def test_no_entries_make_a_table_without_rows() -> None:
    table = Manifest().to_arrow()
    assert (table.num_rows, table.column_names[:9]) == (0, COLUMNS)
    assert Manifest.from_arrow(table) == Manifest()
    assert Manifest.from_arrow(pa.table({"path": pa.array([], pa.string())})) == Manifest()


def test_a_stream_has_the_manifest_as_it_was(manifest: Manifest) -> None:
    before = manifest.to_arrow()
    reader = pa.RecordBatchReader.from_stream(manifest)
    manifest[0].name = "changed"
    manifest.entries.append(Entry("new"))
    manifest.sort_entries()
    assert reader.read_all() == before
    assert manifest.to_arrow()["name"].to_pylist() == ["changed", "link", "new", "d/", "b.txt", "e/", "deep"]


def test_entries_stay_valid_when_a_stream_makes_a_change_copy() -> None:
    manifest = c4py.loads(TEXT)
    entry = manifest["d/b.txt"]
    reader = pa.RecordBatchReader.from_stream(manifest)
    entry.size = 99
    assert manifest["d/b.txt"].size == entry.size == 99
    assert manifest["d/b.txt"] in manifest
    assert reader.read_all()["size"].to_pylist()[3] == 5


def test_threads_read_while_one_writes() -> None:
    manifest = c4py.loads("".join(f"- - 1 f{n} -\n" for n in range(5_000)))
    sums: list[set[Any]] = []

    def read() -> None:
        sums.append({pa.table(manifest)["size"].to_pylist()[0] for _ in range(20)})

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for size in range(2, 40):
        manifest[0].size = size
    for thread in threads:
        thread.join()
    assert len(sums) == 4
    assert all(seen <= set(range(1, 40)) for seen in sums)


def test_the_columns_have_their_types_whatever_schema_is_asked_for(manifest: Manifest) -> None:
    wanted = pa.schema(
        [field.with_type(pa.large_string()) if field.type == pa.string() else field for field in pa.schema(manifest)]
    )
    reader = pa.RecordBatchReader.from_stream(manifest, schema=wanted)
    assert reader.schema.field("path").type == pa.string()
    assert reader.read_all()["path"].to_pylist() == paths(manifest)


def test_without_pyarrow_the_error_says_what_to_do() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None; import c4py\n"
        "try: c4py.Manifest().to_arrow()\n"
        "except ImportError as error: print(error)\n"
        "manifest = c4py.Manifest([c4py.Entry('a', size=3)])\n"
        "import duckdb, polars\n"
        "print(polars.DataFrame(manifest).shape, duckdb.execute('select sum(size) from manifest').fetchall())\n"
        "assert c4py.Manifest.from_arrow(duckdb.sql('select * from manifest')) == manifest"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert "pip install pyarrow, or hand the manifest itself to polars or DuckDB" in done.stdout
    assert "(1, 14) [(3,)]" in done.stdout

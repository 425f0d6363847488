//! Manifests as Arrow tables, through the Arrow PyCapsule interface: no Python object is made for an entry.
//!
//! Unknown values are nulls. Text columns hold names as they are; Arrow text is UTF-8 and names need not be, so a
//! component of a path that is no UTF-8, or that holds the mark `¤` of the safe form itself, stands in its safe form
//! (FORMAT: safe names). That is lossless: a component is in its safe form exactly if it holds a `¤`.

mod capsule;
mod columns;
mod export;
mod import;

use std::borrow::Cow;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use c4::c4m::{safe_name, unsafe_name};
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::from_table;
use crate::manifest::Manifest;
use crate::names::to_bytes;
pub(crate) use import::{TableError, Value};

/// Key of the schema's metadata for the ID of an external base, as text.
const BASE_KEY: &str = "c4m.base";
/// Key for the ID lists of sequences: one a line, 90 characters an ID.
const ID_LISTS_KEY: &str = "c4m.id_lists";
/// Starts and ends the safe form of a component.
const MARK: char = '¤';

/// The columns. What a table has beside the first nine is there so that it makes the same manifest again.
fn schema() -> Schema {
    let text = DataType::Utf8;
    let time = DataType::Timestamp(TimeUnit::Second, Some(Arc::from("UTC")));
    Schema::new(vec![
        Field::new("path", text.clone(), false),
        Field::new("name", text.clone(), false),
        Field::new("type", text.clone(), true),
        Field::new("mode", DataType::UInt32, true),
        Field::new("mtime", time, true),
        Field::new("size", DataType::Int64, true),
        Field::new("c4id", text.clone(), true),
        Field::new("depth", DataType::UInt32, false),
        Field::new("target", text.clone(), true),
        Field::new("hard_link", DataType::Int64, true),
        Field::new("flow", text.clone(), true),
        Field::new("flow_target", text.clone(), true),
        Field::new("is_sequence", DataType::Boolean, false),
        Field::new("pattern", text, true),
    ])
}

/// A name, path or target as a column has it.
pub(crate) fn to_text(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(name)
        && !text.contains(MARK)
    {
        return Cow::Borrowed(text);
    }
    let mut safe = Vec::with_capacity(name.len() * 2);
    for (number, component) in name.split(|byte| *byte == b'/').enumerate() {
        if number > 0 {
            safe.push(b'/');
        }
        match std::str::from_utf8(component) {
            Ok(text) if !text.contains(MARK) => safe.extend_from_slice(component),
            _ => safe_name(component, &mut safe),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&safe).into_owned())
}

/// A name, path or target as text that is UTF-8, as the columns of a table have it: a component that is none, or that
/// holds a "¤", is in its safe form.
#[pyfunction]
pub(crate) fn utf8_name(name: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(to_text(&to_bytes("name", name)?).into_owned())
}

/// The name, path or target that a column's text stands for.
fn from_text(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(MARK) {
        return Cow::Borrowed(text.as_bytes());
    }
    let components = text.split('/').map(|component| {
        if component.contains(MARK) { unsafe_name(component.as_bytes()) } else { component.as_bytes().to_vec() }
    });
    Cow::Owned(components.collect::<Vec<_>>().join(&b'/'))
}

#[pymethods]
impl Manifest {
    /// The entries as a `pyarrow.Table`, a row each, in the order of the list.
    ///
    /// Columns: path (no slash at its end), name (with the slash of a directory), type ("file", "directory", "symlink",
    /// "pipe", "socket", "block device", "char device"), mode (uint32, as Entry.mode), mtime (timestamp in seconds,
    /// UTC), size (int64, bytes), c4id (text), depth (uint32, 0 at the top), target; then hard_link, flow, flow_target,
    /// is_sequence and pattern as Entry has them. What is unknown or not there is null. A name of unknown mode is a
    /// "file". A component of a path, name or target that is no UTF-8 or holds a "¤" is in its safe form
    /// (c4py.safename). `base` and the ID lists of sequences are in the schema's metadata; `patch_sections` and `errors`
    /// are not in the table.
    ///
    /// polars and DuckDB take the manifest itself and need no pyarrow: `polars.DataFrame(manifest)`,
    /// `duckdb.sql("select sum(size) from manifest")`; so does pandas, with pyarrow:
    /// `pandas.DataFrame.from_arrow(manifest)`.
    ///
    /// Raises ImportError without pyarrow.
    fn to_arrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let pyarrow = py.import("pyarrow").map_err(|error| {
            let hint = "to_arrow makes a pyarrow.Table: pip install pyarrow, or hand the manifest itself to polars or \
                        DuckDB, which need no pyarrow";
            let raised = PyImportError::new_err(hint);
            raised.set_cause(py, Some(error));
            raised
        })?;
        pyarrow.call_method1("table", (slf,))
    }

    /// The entries as an Arrow stream (the PyCapsule interface): batches of at most 65,536 rows with the columns of
    /// to_arrow, built as they are asked for and without the GIL.
    ///
    /// The stream has the manifest as it was when it began, whatever is done to it meanwhile: the first change while a
    /// stream is read copies the manifest. The columns have the types of to_arrow, whatever is requested.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        capsule::from_reader(py, Box::new(export::Batches::new(self.shared.snapshot(py))))
    }

    /// The columns of the stream (the PyCapsule interface).
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::from_schema(py, &export::schema_of(&self.shared.snapshot(py)))
    }

    /// A manifest from a table: a pyarrow, polars or pandas table, a DuckDB relation, or any object with
    /// `__arrow_c_stream__` or `__arrow_c_array__`.
    ///
    /// The columns are those of to_arrow, by name and in any order; others are ignored. Integers may have any width and
    /// may be whole floats, as pandas makes of integers with nulls; text may be a dictionary; times may have any unit
    /// (fractions of a second are dropped) and are UTC when they have no zone.
    ///
    /// With `name` and `depth`, the entries are the rows in their order: a table of to_arrow makes an equal manifest,
    /// but that a negative size comes back as -1. Where `path` says something else than the order does, as in a table
    /// that was filtered or sorted, the entry keeps that path, as in Manifest.filter.
    /// Without, `path` alone makes the tree, of rows in any order: a directory that paths lead through and that has no
    /// row becomes an entry of which only the name is known. Of `type` and `mode`, `mode` counts where it is known; what
    /// is no directory by its type can neither end in a slash nor have paths below it.
    ///
    /// Raises TypeError for what is no table and for a column of a wrong type, ValueError for a column that is missing
    /// or there twice and for a value, both with the name of the column, values with the row, from 0.
    #[staticmethod]
    fn from_arrow(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = data.py();
        let reader = capsule::to_reader(data)?;
        py.detach(|| import::manifest(reader)).map(Self::from).map_err(from_table)
    }
}

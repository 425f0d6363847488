//! What views of a manifest need from the core: totals for plots, words for tables. The views themselves are made in
//! `python/c4py/{_html,_rich,_json,plot}.py`.

use c4::c4m::{self, Totals};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::arguments::to_int;
use crate::entry::Entry;
use crate::errors::wrong_type;
use crate::manifest::Manifest;
use crate::names::to_str;

#[pymethods]
impl Manifest {
    /// The first and last entries as an HTML table, for notebooks.
    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("c4py._html")?.call_method1("manifest_html", (slf,))
    }

    /// The manifest as one JSON object, in ASCII: "c4id", its ID; "entries", in the order of the list; "errors", of a scan.
    ///
    /// An entry has a path (no slash at its end), type (as in to_arrow), mode (st_mode as a number, without the bit of a
    /// regular file), mtime (seconds since 1970-01-01T00:00:00Z), size (bytes), c4id and target (of a link); what is
    /// unknown or not there is null. An error has path, code, message and is_error, as ScanIssue. A component of a path
    /// or target that is no UTF-8 or holds a "¤" is in its safe form (c4py.safename).
    ///
    /// Raises ValueError for an entry whose time is outside the years 0 to 9999: the manifest has no ID.
    ///
    /// >>> import c4py, json
    /// >>> text = c4py.Manifest([c4py.Entry("a", size=1)]).to_json()
    /// >>> json.loads(text)["entries"][0]["size"]
    /// 1
    fn to_json<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("c4py._json")?.call_method1("manifest_json", (slf,))
    }

    /// Write what `to_json` gives into an open text file, and the end of the line, piece by piece: however many entries
    /// there are, the text is never held as a whole.
    ///
    /// >>> import c4py, io
    /// >>> file = io.StringIO()
    /// >>> c4py.Manifest().write_json(file)
    /// >>> file.getvalue().endswith(', "entries": [], "errors": []}\n')
    /// True
    fn write_json(slf: &Bound<'_, Self>, file: &Bound<'_, PyAny>) -> PyResult<()> {
        if !file.hasattr("write")? {
            return Err(wrong_type("file", "an open text file", file));
        }
        slf.py().import("c4py._json")?.call_method1("write_manifest", (slf, file.getattr("write")?)).map(|_| ())
    }

    /// The first and last entries as a table of rich, which calls this.
    fn __rich__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("c4py._rich")?.call_method1("manifest_table", (slf,))
    }
}

fn named(py: Python<'_>, groups: Vec<(Vec<u8>, Totals)>) -> PyResult<Vec<(Bound<'_, PyString>, u64, u64)>> {
    groups.into_iter().map(|(name, totals)| Ok((to_str(py, &name)?, totals.files, totals.bytes))).collect()
}

/// (path, files, bytes) of each directory at a depth, 1 for those at the top; what lies less deep counts for the
/// directory that it lies in, "" is the top.
#[pyfunction]
pub(crate) fn directory_totals<'py>(
    py: Python<'py>,
    manifest: &Bound<'py, Manifest>,
    depth: usize,
) -> PyResult<Vec<(Bound<'py, PyString>, u64, u64)>> {
    named(py, manifest.get().shared.detached(py, |manifest| manifest.directory_totals(depth)))
}

/// (extension, files, bytes) of each extension, in lower case without its dot; "" for names that have none.
#[pyfunction]
pub(crate) fn extension_totals<'py>(
    py: Python<'py>,
    manifest: &Bound<'py, Manifest>,
) -> PyResult<Vec<(Bound<'py, PyString>, u64, u64)>> {
    named(py, manifest.get().shared.detached(py, c4m::Manifest::extension_totals))
}

/// (path, files and bytes added, files and bytes removed, files and bytes modified) of each directory at a depth in
/// which files changed.
#[pyfunction]
pub(crate) fn change_totals<'py>(
    py: Python<'py>,
    before: &Bound<'py, Manifest>,
    after: &Bound<'py, Manifest>,
    depth: usize,
) -> PyResult<Vec<Bound<'py, PyTuple>>> {
    let after = after.get().shared.snapshot(py);
    let groups = before.get().shared.detached(py, |before| before.change_totals(&after, depth));
    let tuple = |(name, c4m::Changes { added, removed, modified }): (Vec<u8>, c4m::Changes)| {
        let name = to_str(py, &name)?;
        (name, added.files, added.bytes, removed.files, removed.bytes, modified.files, modified.bytes).into_pyobject(py)
    };
    groups.into_iter().map(tuple).collect()
}

/// What an entry is: "file", "directory", "symlink", "pipe", "socket", "block device" or "char device"; None for a type
/// that no system has. A name of unknown mode is a directory if it ends in "/", else a file.
#[pyfunction]
pub(crate) fn entry_type(py: Python<'_>, entry: &Bound<'_, Entry>) -> Option<&'static str> {
    entry.get().with(py, |row| row.type_name())
}

/// A size for people: powers of 1024, one decimal from kilobytes on.
#[pyfunction]
pub(crate) fn human_size(size: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(c4m::human_size(to_int::<u128>("size", size)?))
}

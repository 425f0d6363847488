//! One directory of a manifest.

use c4::c4m::RowId;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::arguments::Argument;
use crate::entry::Entry;
use crate::errors::{from_directory, wrong_type};
use crate::manifest::Manifest;
use crate::manifest::to_manifest;
use crate::names::to_bytes;

/// A path in a manifest, from `str`, `bytes` or a path object.
fn to_manifest_path(path: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if path.is_instance_of::<PyString>() || path.is_instance_of::<PyBytes>() {
        return to_bytes("path", path);
    }
    let fspath = path.py().import("os")?.call_method1("fspath", (path,));
    to_bytes("path", &fspath.map_err(|_| wrong_type("path", "str, bytes or os.PathLike", path))?)
}

#[pymethods]
impl Manifest {
    /// The entries of one directory, those below its directories not among them, in the order of the list.
    ///
    /// The path is with or without the slash, "" is the top. A path that is not there raises KeyError, one of a file
    /// NotADirectory.
    ///
    /// >>> from c4py import loads
    /// >>> manifest = loads("- - - a/ -\n  - - - b/ -\n    - - - x -\n  - - - y -\n")
    /// >>> [entry.path for entry in manifest.children("a")]
    /// ['a/y', 'a/b']
    #[pyo3(signature = (path=Argument::Default("")), text_signature = "($self, path='')")]
    fn children<'py>(&self, py: Python<'py>, path: Argument<'py, &'static str>) -> PyResult<Vec<Entry>> {
        let path = match path {
            Argument::Default(path) => PyString::new(py, path).into_any(),
            Argument::Given(path) => path,
        };
        let bytes = to_manifest_path(&path)?;
        let rows = self.shared.detached(py, |manifest| {
            let directory = manifest.find_directory(&bytes)?;
            let places = manifest.outline().children(directory).iter();
            Ok(places.filter_map(|place| manifest.row_at(*place as usize)).collect::<Vec<RowId>>())
        });
        let rows = rows.map_err(|error| from_directory(error, &path))?;
        Ok(rows.into_iter().map(|row| Entry::in_manifest(&self.shared, row)).collect())
    }

    /// What is in a directory, as a manifest of its own: depths and paths begin there.
    ///
    /// The path is with or without the slash, that of "" is everything. The ID lists of sequences are kept. A path that is
    /// not there raises KeyError, one of a file NotADirectory.
    ///
    /// >>> from c4py import loads
    /// >>> manifest = loads("- - - a/ -\n  - - - b/ -\n    - - - x -\n  - - - y -\n")
    /// >>> [entry.path for entry in manifest.subtree("a")]
    /// ['y', 'b', 'b/x']
    fn subtree(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bytes = to_manifest_path(path)?;
        let subtree = self.shared.detached(py, |manifest| manifest.subtree(&bytes));
        subtree.map(Self::from).map_err(|error| from_directory(error, path))
    }

    /// A manifest in which a directory has the entries of another manifest, and no others, in it.
    ///
    /// This manifest stays as it is. The entry of the directory and those above it are taken over as they are, with IDs
    /// and sizes that are those of the old contents. A path that is not there raises KeyError, one of a file NotADirectory.
    ///
    /// >>> from c4py import loads
    /// >>> manifest = loads("- - - a/ -\n  - - - b/ -\n    - - - x -\n  - - - y -\n")
    /// >>> [entry.path for entry in manifest.with_subtree("a/b", loads("- - - new -"))]
    /// ['a', 'a/y', 'a/b', 'a/b/new']
    fn with_subtree(&self, py: Python<'_>, path: &Bound<'_, PyAny>, subtree: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bytes = to_manifest_path(path)?;
        let other = to_manifest("subtree", subtree)?;
        let result = self.shared.detached_two(other, py, |own, other| own.with_subtree(&bytes, other));
        result.map(Self::from).map_err(|error| from_directory(error, path))
    }
}

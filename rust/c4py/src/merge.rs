//! Three-way merge.

use c4::c4m;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::entries::to_entry;
use crate::entry::Entry;
use crate::manifest::{Manifest, to_manifest};
use crate::names::{to_bytes, to_str};
use crate::shared::Shared;

/// A path that both sides of a merge changed, each in its way.
///
/// path: without the slash of a directory. local_entry, remote_entry: the entries as they are in the two manifests; None
/// on the side that deleted the entry.
#[pyclass(frozen, module = "c4py")]
pub(crate) struct Conflict {
    path: Vec<u8>,
    #[pyo3(get)]
    local_entry: Option<Py<Entry>>,
    #[pyo3(get)]
    remote_entry: Option<Py<Entry>>,
}

#[pymethods]
impl Conflict {
    #[new]
    fn new(
        path: &Bound<'_, PyAny>,
        local_entry: Option<&Bound<'_, PyAny>>,
        remote_entry: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let entry = |argument, value: Option<&Bound<'_, PyAny>>| {
            value.map(|value| Ok::<_, PyErr>(to_entry(argument, value)?.clone().unbind())).transpose()
        };
        Ok(Self {
            path: to_bytes("path", path)?,
            local_entry: entry("local_entry", local_entry)?,
            remote_entry: entry("remote_entry", remote_entry)?,
        })
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str) {
        ("path", "local_entry", "remote_entry")
    }

    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, &self.path)
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> Py<PyAny> {
        let Ok(other) = other.cast::<Self>() else { return py.NotImplemented() };
        let other = other.get();
        let values = |entry: &Option<Py<Entry>>| entry.as_ref().map(|entry| entry.get().to_entry(py));
        let equal = self.path == other.path
            && values(&self.local_entry) == values(&other.local_entry)
            && values(&self.remote_entry) == values(&other.remote_entry);
        equal.into_pyobject(py).map_or_else(|e| match e {}, |b| b.to_owned().into_any().unbind())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let entry = |entry: &Option<Py<Entry>>| match entry {
            Some(entry) => Ok::<_, PyErr>(entry.bind(py).repr()?.to_string_lossy().into_owned()),
            None => Ok("None".to_owned()),
        };
        Ok(format!(
            "Conflict(path={}, local_entry={}, remote_entry={})",
            self.path(py)?.repr()?.to_string_lossy(),
            entry(&self.local_entry)?,
            entry(&self.remote_entry)?
        ))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        Ok((py.get_type::<Self>(), (self.path(py)?, &self.local_entry, &self.remote_entry).into_pyobject(py)?))
    }
}

/// Merge two manifests that come from a common one.
///
/// Entries are compared by path. Files are the same when their IDs are, symbolic links when their targets are,
/// directories always: a change of metadata alone is none, and directories keep the metadata of the base. Two files that
/// both have no ID are the same, whatever their sizes: merge manifests that have IDs. What one side
/// changed is taken from it; what one side deleted and the other left alone is deleted. With `base` None everything
/// counts as added, and nothing is deleted.
///
/// Returns the merged manifest, in canonical order, and a list of Conflict. Where both sides changed an entry, each in its
/// way, both are listed: the newer one under its name (the local one if they are of one date), the other beside it as
/// NAME.conflict, NAME.conflict2, ... the first that neither side has. What one side changed and the other deleted is
/// kept. A directory that was deleted and is needed for what is kept has the date 0001-01-01. IDs and sizes of
/// directories are those of the entries that were taken; they are not computed anew.
///
/// >>> from c4py import loads, merge
/// >>> base = loads("-rw-r--r-- 2025-01-01T00:00:00Z 1 a -")
/// >>> theirs = loads("-rw-r--r-- 2025-01-01T00:00:00Z 1 a -\n-rw-r--r-- 2025-01-02T00:00:00Z 2 b -")
/// >>> merged, conflicts = merge(base, base, theirs)
/// >>> [entry.path for entry in merged], conflicts
/// (['a', 'b'], [])
#[pyfunction]
pub(crate) fn merge<'py>(
    py: Python<'py>,
    base: Option<&Bound<'py, PyAny>>,
    local: &Bound<'py, PyAny>,
    remote: &Bound<'py, PyAny>,
) -> PyResult<(Manifest, Vec<Conflict>)> {
    let empty = Shared::new(c4m::Manifest::default());
    let base = base.map_or(Ok(&empty), |base| to_manifest("base", base))?;
    let (local, remote) = (to_manifest("local", local)?, to_manifest("remote", remote)?);
    let merged =
        Shared::detached_all([base, local, remote], py, |[base, local, remote]| c4::merge(base, local, remote));
    let entry = |manifest: &Shared, row: Option<c4m::RowId>| {
        row.map(|row| Py::new(py, Entry::in_manifest(manifest, row))).transpose()
    };
    let conflicts = merged.conflicts.into_iter().map(|mut conflict| {
        if conflict.path.ends_with(b"/") {
            conflict.path.pop();
        }
        let (local_entry, remote_entry) = (entry(local, conflict.local)?, entry(remote, conflict.remote)?);
        Ok(Conflict { path: conflict.path, local_entry, remote_entry })
    });
    let conflicts = conflicts.collect::<PyResult<_>>()?;
    Ok((merged.manifest.into(), conflicts))
}

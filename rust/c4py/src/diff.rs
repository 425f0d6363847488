//! What differs between two manifests.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::entry_view::EntryView;
use crate::manifest::to_manifest;

/// Compare two manifests; the entries by what became of them, those that moved as two sequences of one length.
#[pyfunction]
pub(crate) fn diff<'py>(py: Python<'py>, a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let (a, b) = (to_manifest("a", a)?, to_manifest("b", b)?);
    let found = a.detached_two(b, py, c4::diff::diff);
    let (moved_from, moved_to) = found.moved.into_iter().unzip();
    let result = PyDict::new(py);
    for (key, manifest, rows) in [
        ("added", b, found.added),
        ("removed", a, found.removed),
        ("modified", b, found.modified.iter().map(|(_, row)| *row).collect()),
        ("modified_from", a, found.modified.into_iter().map(|(row, _)| row).collect()),
        ("same", a, found.same.into_iter().map(|(row, _)| row).collect()),
        ("moved_from", a, moved_from),
        ("moved_to", b, moved_to),
    ] {
        result.set_item(key, Bound::new(py, EntryView::new(manifest, rows))?)?;
    }
    Ok(result)
}

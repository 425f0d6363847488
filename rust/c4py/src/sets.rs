//! What is in both of two manifests, in either, in one alone.

use c4::MatchBy;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::errors::wrong_type;
use crate::manifest::{Manifest, to_manifest};

fn to_match_by(by: &Bound<'_, PyAny>) -> PyResult<MatchBy> {
    let text = by.cast::<PyString>().map_err(|_| wrong_type("by", "'id' or 'path'", by))?;
    match text.to_str() {
        Ok("id") => Ok(MatchBy::Id),
        Ok("path") => Ok(MatchBy::Path),
        _ => Err(PyValueError::new_err(format!("by must be 'id' or 'path', not {}", text.repr()?.to_string_lossy()))),
    }
}

fn matched(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    by: Option<&Bound<'_, PyAny>>,
    work: fn(&c4::c4m::Manifest, &c4::c4m::Manifest, MatchBy) -> c4::c4m::Manifest,
) -> PyResult<Manifest> {
    let by = by.map_or(Ok(MatchBy::Id), to_match_by)?;
    let (a, b) = (to_manifest("a", a)?, to_manifest("b", b)?);
    Ok(a.detached_two(b, py, |a, b| work(a, b, by)).into())
}

/// The files of `b` that are in `a` as well, as a manifest.
///
/// `by` is "id" for files whose content is anywhere in the other (a file without an ID is in neither), "path" for files
/// at the same path, whatever they hold. The entries are those of `b`. Everything that is no directory counts as a file;
/// of the directories above what is kept only the names are listed.
///
/// >>> from c4py import Entry, Manifest, intersect
/// >>> a, b = Manifest([Entry("x", size=1), Entry("y")]), Manifest([Entry("x", size=2)])
/// >>> [(entry.path, entry.size) for entry in intersect(a, b, by="path")]
/// [('x', 2)]
#[pyfunction]
#[pyo3(signature = (a, b, by=None), text_signature = "(a, b, by='id')")]
pub(crate) fn intersect(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    by: Option<&Bound<'_, PyAny>>,
) -> PyResult<Manifest> {
    matched(py, a, b, by, c4::intersect)
}

/// What is in `a` and not in `b`, as a manifest.
///
/// `by` is "id" for the files whose content is nowhere in `b`: what has still to be copied; a file without an ID is one of
/// them. It is "path" for the files and directories at whose path `b` has nothing. The directories above what is kept are
/// kept; one that lacks something of what `a` has in it has neither ID nor size.
///
/// >>> from c4py import Entry, Manifest, difference
/// >>> a, b = Manifest([Entry("x", size=1), Entry("y")]), Manifest([Entry("x", size=2)])
/// >>> [entry.path for entry in difference(a, b, by="path")]
/// ['y']
#[pyfunction]
#[pyo3(signature = (a, b, by=None), text_signature = "(a, b, by='id')")]
pub(crate) fn difference(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    by: Option<&Bound<'_, PyAny>>,
) -> PyResult<Manifest> {
    matched(py, a, b, by, c4::difference)
}

/// Every path of `a` and of `b`, as a manifest.
///
/// Where both have an entry it is that of `a`; to keep different contents of one path, see `merge(None, a, b)`. A file "x"
/// and a directory "x/" are two paths. A directory of `a` in which `b` has more has neither ID nor size.
///
/// >>> from c4py import Entry, Manifest, union
/// >>> a, b = Manifest([Entry("x", size=1)]), Manifest([Entry("x", size=2), Entry("y")])
/// >>> [(entry.path, entry.size) for entry in union(a, b)]
/// [('x', 1), ('y', -1)]
#[pyfunction]
pub(crate) fn union(py: Python<'_>, a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<Manifest> {
    let (a, b) = (to_manifest("a", a)?, to_manifest("b", b)?);
    Ok(a.detached_two(b, py, c4::union).into())
}

//! Whether a manifest is sound.

use c4::c4m::validator::{Code, Severity, Validation, validate, validate_text as validate_bytes};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::decoder::with_text;
use crate::errors::{from_io, wrong_type};
use crate::manifest::Manifest;
use crate::names::{to_path, to_str};

/// What `validate` takes.
const SUBJECT: (&str, &str) = ("manifest", "a Manifest, a text, a path or an open file");

/// An issue as `c4py.validator` takes it: whether it is an error, message, line, code, column, path.
type Issue<'py> = (bool, String, usize, &'static str, Option<usize>, Option<Bound<'py, PyString>>);

/// Issues, and how many more there are of each code.
type Found<'py> = (Bound<'py, PyList>, Bound<'py, PyDict>);

/// Check a manifest in memory; at most `limit` issues of each code are listed.
#[pyfunction]
pub(crate) fn validate_manifest<'py>(
    py: Python<'py>,
    manifest: &Bound<'py, Manifest>,
    limit: usize,
) -> PyResult<Found<'py>> {
    found(py, &manifest.get().shared.detached(py, |manifest| validate(manifest, limit)))
}

/// Check a text.
#[pyfunction]
pub(crate) fn validate_text<'py>(py: Python<'py>, text: &Bound<'py, PyAny>, limit: usize) -> PyResult<Found<'py>> {
    let (argument, expected) = SUBJECT;
    let validation = with_text(text, |text| validate_bytes(text, limit))
        .map_err(|error| error.unwrap_or_else(|| wrong_type(argument, expected, text)))?;
    found(py, &validation)
}

/// Check the text of the file at a path.
#[pyfunction]
pub(crate) fn validate_path<'py>(py: Python<'py>, path: &Bound<'py, PyAny>, limit: usize) -> PyResult<Found<'py>> {
    let native = to_path(SUBJECT.0, path)?;
    let validation = py.detach(|| std::fs::read(&native).map(|text| validate_bytes(&text, limit)));
    found(py, &validation.map_err(|error| from_io(py, &error, Some(path)))?)
}

/// All codes of issues: name, whether it is an error, meaning.
#[pyfunction]
pub(crate) fn validation_codes() -> Vec<(&'static str, bool, &'static str)> {
    Code::ALL.iter().map(|code| (code.name(), is_error(*code), code.meaning())).collect()
}

fn is_error(code: Code) -> bool {
    code.severity() == Severity::Error
}

fn found<'py>(py: Python<'py>, validation: &Validation) -> PyResult<Found<'py>> {
    let issues = PyList::empty(py);
    for issue in &validation.issues {
        let path = issue.path.as_deref().map(|path| to_str(py, path)).transpose()?;
        let code = issue.code;
        let item: Issue<'_> = (is_error(code), issue.message.clone(), issue.line, code.name(), issue.column, path);
        issues.append(item)?;
    }
    let omitted = PyDict::new(py);
    for (code, count) in &validation.omitted {
        omitted.set_item(code.name(), count)?;
    }
    Ok((issues, omitted))
}

//! The one place where an error of the core becomes a Python exception.
//!
//! The classes are those of `c4py.errors`; what a builtin exception says already is raised as that builtin.

use std::io;
use std::os::unix::ffi::OsStrExt as _;

use arrow_schema::ArrowError;
use c4::ParseIdError;
use c4::c4m::{self, DirectoryError, EncodeError, NulInPath, ParseError, ParseErrorKind, SequenceError};
use c4::identify::IdentifyError;
use c4::patch::PatchError;
use c4::reconcile::{ApplyError, PlanError, RefusalKind};
use c4::scan::ScanError;
use c4::store::{CheckError, MarkError, RootError, StoreError};
use c4::verify::{Refusal, VerifyError};
use pyo3::exceptions::{PyKeyError, PyKeyboardInterrupt, PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyString, PyTuple};

use crate::arrow::{TableError, Value};
use crate::id::C4ID;
use crate::manifest::Manifest;
use crate::names::to_str;

mod python {
    pyo3::import_exception!(c4py.errors, ChangedDuringRead);
    pyo3::import_exception!(c4py.errors, ContentNotFound);
    pyo3::import_exception!(c4py.errors, EmptyPatch);
    pyo3::import_exception!(c4py.errors, InvalidC4ID);
    pyo3::import_exception!(c4py.errors, NotADirectory);
    pyo3::import_exception!(c4py.errors, NotARegularFile);
    pyo3::import_exception!(c4py.errors, ParseError);
    pyo3::import_exception!(c4py.errors, PatchError);
    pyo3::import_exception!(c4py.errors, PathTraversal);
    pyo3::import_exception!(c4py.errors, ReconcileError);
    pyo3::import_exception!(c4py.errors, StoreCorrupt);
    pyo3::import_exception!(c4py.errors, StoreError);
    pyo3::import_exception!(c4py.errors, UnusableManifest);
}

/// An `OSError`, as the subclass that its number asks for, with the path as the caller gave it.
pub(crate) fn from_io(py: Python<'_>, error: &io::Error, path: Option<&Bound<'_, PyAny>>) -> PyErr {
    os_error::<PyOSError>(py, error, path)
}

fn os_error<E: pyo3::PyTypeInfo>(py: Python<'_>, error: &io::Error, path: Option<&Bound<'_, PyAny>>) -> PyErr {
    let class = py.get_type::<E>();
    let result = match error.raw_os_error() {
        None => class.call1((error.to_string(),)),
        Some(number) => {
            let text = py.import("os").and_then(|os| os.call_method1("strerror", (number,)));
            text.and_then(|text| class.call1((number, text, path)))
        }
    };
    result.map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn from_id(error: ParseIdError) -> PyErr {
    python::InvalidC4ID::new_err(error.to_string())
}

pub(crate) fn from_parse(py: Python<'_>, error: &ParseError, path: Option<&Bound<'_, PyAny>>) -> PyErr {
    let class = if matches!(error.kind, ParseErrorKind::EmptyPatch { .. }) {
        py.get_type::<python::EmptyPatch>()
    } else {
        py.get_type::<python::ParseError>()
    };
    let values = [
        ("path", path.cloned().unwrap_or_else(|| py.None().into_bound(py))),
        ("line", error.line.into_pyobject(py).map_or_else(|e| match e {}, Bound::into_any)),
        ("column", error.column.into_pyobject(py).map_or_else(|e| match e {}, Bound::into_any)),
    ];
    let result = values.into_py_dict(py).and_then(|values| class.call((error.kind.to_string(),), Some(&values)));
    result.map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn from_encode(error: &EncodeError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn from_nul_in_path(error: &NulInPath) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn from_patch(py: Python<'_>, error: &PatchError) -> PyErr {
    let section = match error {
        PatchError::Parse(error) => return from_parse(py, error, None),
        PatchError::Encode(error) => return from_encode(error),
        PatchError::TooFewSections { .. } => return PyValueError::new_err(error.to_string()),
        PatchError::NoBase { section, .. }
        | PatchError::OtherBase { section, .. }
        | PatchError::Orphan { section, .. } => *section,
    };
    python::PatchError::new_err((error.to_string(), section))
}

/// A path of a manifest at which there is no directory.
pub(crate) fn from_directory(error: DirectoryError, path: &Bound<'_, PyAny>) -> PyErr {
    match error {
        DirectoryError::NotFound => PyKeyError::new_err(path.clone().unbind()),
        DirectoryError::NotADirectory => {
            let number = path.py().import("errno").and_then(|errno| errno.getattr("ENOTDIR")).map(Bound::unbind);
            number.map_or_else(
                |error| error,
                |number| python::NotADirectory::new_err((number, error.to_string(), path.clone().unbind())),
            )
        }
    }
}

pub(crate) fn from_sequence(error: &SequenceError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn from_identify(py: Python<'_>, error: &IdentifyError, path: &Bound<'_, PyAny>) -> PyErr {
    match error {
        IdentifyError::Io(error) => from_io(py, error, Some(path)),
        IdentifyError::Changed => {
            python::ChangedDuringRead::new_err((None::<i32>, error.to_string(), path.clone().unbind()))
        }
        IdentifyError::NotRegular => {
            python::NotARegularFile::new_err((None::<i32>, error.to_string(), path.clone().unbind()))
        }
        IdentifyError::Cancelled => PyKeyboardInterrupt::new_err(()),
    }
}

pub(crate) fn from_scan(py: Python<'_>, error: &ScanError, path: &Bound<'_, PyAny>) -> PyErr {
    match error {
        ScanError::Root(error) if error.kind() == io::ErrorKind::NotADirectory => {
            os_error::<python::NotADirectory>(py, error, Some(path))
        }
        ScanError::Root(error) => from_io(py, error, Some(path)),
        ScanError::Store { source, path } => with_file(py, from_store(py, source), path.as_deref()),
        ScanError::Workers(..) => PyRuntimeError::new_err(error.to_string()),
        ScanError::Cancelled => PyKeyboardInterrupt::new_err(()),
    }
}

/// Why a directory was not verified; a manifest that describes no tree is a `ValueError`.
pub(crate) fn from_verify(py: Python<'_>, error: &VerifyError, directory: &Bound<'_, PyAny>) -> PyErr {
    match error {
        VerifyError::Scan(error) => from_scan(py, error, directory),
        VerifyError::Refused(Refusal::Tree(fault)) => unusable(py, error, Some(&fault.path), Some(fault.kind)),
        VerifyError::Refused(_) => unusable(py, error, None, None),
    }
}

/// A manifest that no directory can be; one whose name leads out of its directory is a `PathTraversal`.
fn unusable(
    py: Python<'_>,
    error: &dyn std::error::Error,
    path: Option<&[u8]>,
    fault: Option<c4m::TreeFaultKind>,
) -> PyErr {
    let path = match path.map(|path| to_str(py, path)).transpose() {
        Ok(path) => path.map(Bound::unbind),
        Err(error) => return error,
    };
    match fault {
        Some(c4m::TreeFaultKind::Name(_)) => python::PathTraversal::new_err((error.to_string(), path)),
        _ => python::UnusableManifest::new_err((error.to_string(), path)),
    }
}

/// The same exception, with a note of the file that was being stored.
pub(crate) fn with_file(py: Python<'_>, error: PyErr, path: Option<&[u8]>) -> PyErr {
    if let Some(path) = path {
        let mut shown = Vec::new();
        c4m::safe_name(path, &mut shown);
        let note = format!("while {} was being stored", String::from_utf8_lossy(&shown));
        // Without the note the exception says what it said.
        let _ = error.value(py).call_method1("add_note", (note,));
    }
    error
}

/// A `StoreError` with the number that the system gave, and the path.
pub(crate) fn from_store(py: Python<'_>, error: &StoreError) -> PyErr {
    let path = error.path().and_then(|path| to_str(py, path.as_os_str().as_bytes()).ok());
    let number = if let StoreError::Io { source, .. } = error { source.raw_os_error() } else { None };
    match (path, number) {
        (Some(path), Some(number)) => {
            let text = py.import("os").and_then(|os| os.call_method1("strerror", (number,))?.extract::<String>());
            let StoreError::Io { action, .. } = error else { return python::StoreError::new_err(error.to_string()) };
            let message = text.map_or_else(|_| error.to_string(), |text| format!("cannot {action}: {text}"));
            python::StoreError::new_err((number, message, path.unbind()))
        }
        (Some(path), None) => {
            let shown = py.import("c4py._visible").and_then(|module| module.call_method1("visible", (path,)));
            let shown = shown.and_then(|shown| shown.extract::<String>()).unwrap_or_default();
            python::StoreError::new_err(format!("{error}: {shown}"))
        }
        (None, _) => python::StoreError::new_err(error.to_string()),
    }
}

/// Why a directory cannot be brought to a state.
pub(crate) fn from_plan(py: Python<'_>, error: &PlanError, directory: &Bound<'_, PyAny>) -> PyErr {
    match error {
        PlanError::Refused(refusal) => {
            let fault = if let RefusalKind::Tree(fault) = refusal.kind { Some(fault) } else { None };
            unusable(py, error, Some(&refusal.path), fault)
        }
        PlanError::Patch(_) | PlanError::Sequence(_) => unusable(py, error, None, None),
        PlanError::RootIsLink => {
            let number = py.import("errno").and_then(|errno| errno.getattr("ENOTDIR")).map(Bound::unbind);
            let of = |number| python::NotADirectory::new_err((number, error.to_string(), directory.clone().unbind()));
            number.map_or_else(|error| error, of)
        }
        PlanError::Unreadable { path, source, .. } => {
            let path = to_str(py, path).and_then(|path| {
                let os = py.import("os")?;
                os.getattr("path")?.call_method1("join", (os.call_method1("fsdecode", (directory,))?, path))
            });
            path.map_or_else(|error| error, |path| from_io(py, source, Some(&path)))
        }
        PlanError::Store(error) => from_store(py, error),
        PlanError::Scan(error) => from_scan(py, error, directory),
    }
}

/// Why nothing of a plan was done, or not all.
pub(crate) fn from_apply(py: Python<'_>, error: &ApplyError) -> PyErr {
    match error {
        ApplyError::Cancelled => PyKeyboardInterrupt::new_err(()),
        ApplyError::Root { path, source } => match to_str(py, path.as_os_str().as_bytes()) {
            Ok(path) => from_io(py, source, Some(&path)),
            Err(error) => error,
        },
        ApplyError::Twins(path, _) => match to_str(py, path) {
            Ok(path) => python::UnusableManifest::new_err((error.to_string(), path.unbind())),
            Err(error) => error,
        },
        _ => python::ReconcileError::new_err(error.to_string()),
    }
}

/// Whether an exception says that a store does not have content.
pub(crate) fn is_content_not_found(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<python::ContentNotFound>(py)
}

/// What keeps a store from being listed, counted, verified or cleaned: a `StoreError`, as all that fails in a store.
pub(crate) fn from_check(py: Python<'_>, error: &CheckError) -> PyErr {
    match error {
        CheckError::Io { path, source } => match to_str(py, path.as_os_str().as_bytes()) {
            Ok(path) => os_error::<python::StoreError>(py, source, Some(path.as_any())),
            Err(error) => error,
        },
        CheckError::Cancelled => PyKeyboardInterrupt::new_err(()),
    }
}

/// What keeps garbage from being collected. `labels` name the roots, `roots` are what the caller gave.
pub(crate) fn from_mark(py: Python<'_>, error: MarkError, roots: &[Bound<'_, PyAny>], labels: &[String]) -> PyErr {
    let (place, error) = match error {
        MarkError::Check(error) => return from_check(py, &error),
        MarkError::Root(place, error) => (place, error),
    };
    let number = place + 1;
    let label = labels.get(place).map_or("", String::as_str);
    let path = roots.get(place).filter(|root| !root.is_instance_of::<PyBytes>());
    let path = path.filter(|root| root.cast::<Manifest>().is_err());
    match &error {
        RootError::Io(error) => from_io(py, error, path),
        RootError::Parse(error) => from_parse(py, error, path),
        RootError::Corrupt(needed, actual) => {
            let ids: PyResult<Bound<'_, PyTuple>> = (C4ID(needed.id), C4ID(**actual)).into_pyobject(py);
            let error = ids.map_or_else(|error| error, |ids| python::StoreCorrupt::new_err(ids.unbind()));
            let note = format!("so it is not known what root {number} ({label}) refers to");
            error.value(py).call_method1("add_note", (note,)).map_or_else(|failure| failure, |_| error)
        }
        _ => python::StoreError::new_err(format!("it is not known what root {number} ({label}) refers to: {error}")),
    }
}

/// A `TypeError` that names the argument, what it must be and what it is.
pub(crate) fn wrong_type(argument: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let name = value.get_type().qualname().unwrap_or_else(|_| PyString::new(value.py(), "?"));
    PyTypeError::new_err(format!("{argument} must be {expected}, not {name}"))
}

/// An ID made from bytes that are no digest.
pub(crate) fn from_digest_length(length: usize) -> PyErr {
    python::InvalidC4ID::new_err(format!("a digest has 64 bytes, this has {length}"))
}

/// What a producer of tables, or its C interface, says.
pub(crate) fn from_arrow(error: &ArrowError) -> PyErr {
    let mut text = Vec::new();
    c4m::safe_name(error.to_string().as_bytes(), &mut text);
    PyValueError::new_err(String::from_utf8_lossy(&text).into_owned())
}

/// What is wrong with a table, by column and row.
pub(crate) fn from_table(error: TableError) -> PyErr {
    match error {
        TableError::Arrow(error) => from_arrow(&error),
        TableError::Missing(columns) => PyValueError::new_err(format!(
            "the table must have the columns name and depth, or path; it has: {}",
            columns.iter().map(|name| c4m::shown_name(name.as_bytes())).collect::<Vec<_>>().join(", ")
        )),
        TableError::Twice(column) => PyValueError::new_err(format!("the table has two columns of the name {column}")),
        TableError::Type { column, expected, found } => {
            PyTypeError::new_err(format!("column {column} must hold {expected}, not {found}"))
        }
        TableError::Value { column, row, problem } => {
            let problem = match problem {
                Value::Null => "must not be null".to_owned(),
                Value::OutOfRange => "is out of range".to_owned(),
                Value::Fraction(float) => format!("must be a whole number, not {float}"),
                Value::Unknown(text) => format!("has no meaning: {text:?}"),
                Value::Slash(kind) => format!("is {kind:?} and the name ends in a slash, as that of a directory"),
                Value::FlowTarget => "must be UTF-8 without control characters".to_owned(),
                Value::Id(error) => return from_id_at(&format!("column {column}, row {row}"), error),
                Value::Path(error) => error.to_string(),
            };
            PyValueError::new_err(format!("column {column}, row {row}: {problem}"))
        }
        TableError::Metadata(key) => PyValueError::new_err(format!("the schema's metadata {key} holds what is no ID")),
    }
}

fn from_id_at(place: &str, error: ParseIdError) -> PyErr {
    python::InvalidC4ID::new_err(format!("{place}: {error}"))
}

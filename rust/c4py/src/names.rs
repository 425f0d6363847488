//! Names and paths: bytes in the core, `str` with surrogate escapes in Python, as `os.fsdecode` gives them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use c4::c4m::{self, Mode};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::arguments::{Argument, to_int};
use crate::errors::wrong_type;

/// A name as Python sees it.
pub(crate) fn to_str<'py>(py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyString>> {
    match std::str::from_utf8(name) {
        Ok(name) => Ok(PyString::new(py, name)),
        Err(_) => Ok(PyBytes::new(py, name).call_method1("decode", ("utf-8", "surrogateescape"))?.cast_into()?),
    }
}

/// The bytes of a name that is `str` or `bytes`.
pub(crate) fn to_bytes(argument: &str, name: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = name.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let Ok(text) = name.cast::<PyString>() else { return Err(wrong_type(argument, "str or bytes", name)) };
    match text.to_str() {
        Ok(text) => Ok(text.as_bytes().to_vec()),
        Err(_) => Ok(text.call_method1("encode", ("utf-8", "surrogateescape"))?.cast::<PyBytes>()?.as_bytes().to_vec()),
    }
}

/// The path that a `str`, `bytes` or path object stands for.
pub(crate) fn to_path(argument: &str, path: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let py = path.py();
    let fspath = py.import("os")?.call_method1("fspath", (path,)).map_err(|error| {
        if error.is_instance_of::<PyTypeError>(py) {
            wrong_type(argument, "str, bytes or os.PathLike", path)
        } else {
            error
        }
    })?;
    let bytes = to_bytes(argument, &fspath)?;
    if bytes.contains(&0) {
        return Err(PyValueError::new_err(format!("{argument} holds a NUL byte")));
    }
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

/// The safe form of a name (FORMAT: safe names): any bytes as printable text.
#[pyfunction]
pub(crate) fn safe_name<'py>(py: Python<'py>, raw: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let mut text = Vec::new();
    c4m::safe_name(&to_bytes("raw", raw)?, &mut text);
    to_str(py, &text)
}

/// The name that a safe form stands for.
#[pyfunction]
pub(crate) fn unsafe_name<'py>(py: Python<'py>, encoded: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    to_str(py, &c4m::unsafe_name(&to_bytes("encoded", encoded)?))
}

/// A name with a backslash before each character that would end a field; brackets stay bare in a sequence.
#[pyfunction]
#[pyo3(signature = (name, is_sequence=Argument::Default(false)), text_signature = "(name, is_sequence=False)")]
pub(crate) fn escape_field<'py>(
    py: Python<'py>,
    name: &Bound<'py, PyAny>,
    is_sequence: Argument<'py, bool>,
) -> PyResult<Bound<'py, PyString>> {
    let mut text = Vec::new();
    c4m::escape_field(&to_bytes("name", name)?, !is_sequence.to_bool("is_sequence")?, &mut text);
    to_str(py, &text)
}

/// A field without the backslashes before space, quote and brackets.
#[pyfunction]
pub(crate) fn unescape_field<'py>(py: Python<'py>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let mut text = Vec::new();
    c4m::unescape_field(&to_bytes("name", name)?, &mut text);
    to_str(py, &text)
}

/// A name as an entry line has it: its safe form with field escapes; the range of a sequence stays bare.
#[pyfunction]
#[pyo3(signature = (name, is_sequence=Argument::Default(false)), text_signature = "(name, is_sequence=False)")]
pub(crate) fn format_name<'py>(
    py: Python<'py>,
    name: &Bound<'py, PyAny>,
    is_sequence: Argument<'py, bool>,
) -> PyResult<Bound<'py, PyString>> {
    let is_sequence = is_sequence.to_bool("is_sequence")?;
    let entry = c4m::Entry { is_sequence, ..c4m::Entry::new(to_bytes("name", name)?) };
    let mut text = Vec::new();
    c4m::write_entry_name(&entry.as_row(), &mut text);
    to_str(py, &text)
}

/// A key for `sorted` that puts names in natural order.
///
/// A list of `(0, text)` and `(1, value, count of digits)` for the runs of the name, then `(-1, bytes)`, so that names
/// that tie in all runs are ordered by their bytes.
///
/// >>> from c4py.naturalsort import natural_sort_key
/// >>> sorted(["f10", "f9", "f"], key=natural_sort_key)
/// ['f', 'f9', 'f10']
#[pyfunction]
pub(crate) fn natural_sort_key<'py>(py: Python<'py>, name: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
    let name = to_bytes("name", name)?;
    let mut key = Vec::new();
    for (run, value) in c4m::natural_runs(&name) {
        key.push(match value {
            None => (0, replaced(run)).into_pyobject(py)?,
            Some(value) => (1, value, run.len()).into_pyobject(py)?,
        });
    }
    key.push((-1, PyBytes::new(py, &name)).into_pyobject(py)?);
    Ok(key)
}

/// A text in which each byte that is no UTF-8 has become U+FFFD.
fn replaced(text: &[u8]) -> String {
    text.utf8_chunks().fold(String::new(), |mut result, chunk| {
        result.push_str(chunk.valid());
        result.extend(std::iter::repeat_n('\u{fffd}', chunk.invalid().len()));
        result
    })
}

/// Ten characters for a mode, as `ls -l` writes them.
#[pyfunction]
pub(crate) fn format_mode(mode: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = Mode::from_bits(to_int("mode", mode)?).to_text();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The mode that ten characters, or a lone `-`, stand for.
#[pyfunction]
pub(crate) fn parse_mode(text: &Bound<'_, PyAny>) -> PyResult<u32> {
    let text = text.cast::<PyString>().map_err(|_| wrong_type("text", "str", text))?.to_string_lossy();
    if text == "-" {
        return Ok(0);
    }
    let mode = <&[u8; 10]>::try_from(text.as_bytes()).ok().and_then(Mode::parse);
    mode.map(Mode::bits).ok_or_else(|| PyValueError::new_err(format!("not a mode of ten characters: {text:?}")))
}

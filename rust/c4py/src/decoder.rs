//! Text becomes a manifest.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::buffer::with_still_bytes;
use crate::errors::{from_io, from_parse, wrong_type};
use crate::manifest::Manifest;
use crate::names::to_path;

/// Read a manifest from text or bytes; `path` is what errors name. Of boundaries in a row in a text that is joined from
/// several the last counts.
#[pyfunction]
#[pyo3(signature = (text, path=None, *, is_joined=false))]
pub(crate) fn loads(
    py: Python<'_>,
    text: &Bound<'_, PyAny>,
    path: Option<&Bound<'_, PyAny>>,
    is_joined: bool,
) -> PyResult<Manifest> {
    let decode = if is_joined { c4::c4m::decode_joined } else { c4::c4m::decode };
    let result =
        with_text(text, decode).map_err(|error| error.unwrap_or_else(|| wrong_type("text", "str or bytes", text)))?;
    result.map(Manifest::from).map_err(|error| from_parse(py, &error, path))
}

/// Calls a function with the bytes of a text, detached. The error is `None` for an object that is no text.
pub(crate) fn with_text<T: Send>(
    text: &Bound<'_, PyAny>,
    function: impl FnOnce(&[u8]) -> T + Send,
) -> Result<T, Option<PyErr>> {
    let py = text.py();
    if let Ok(text) = text.cast::<PyString>() {
        if let Ok(text) = text.to_str() {
            return Ok(py.detach(|| function(text.as_bytes())));
        }
        // Lone surrogates become bytes that are no UTF-8, which the reader reports with their line.
        let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
        let bytes = bytes.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
        return Ok(py.detach(|| function(bytes)));
    }
    with_still_bytes("text", text, function)
        .map_err(|error| Some(error).filter(|e| !e.is_instance_of::<PyTypeError>(py)))
}

/// Read a manifest from the file at a path.
#[pyfunction]
pub(crate) fn load_path(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Manifest> {
    let native = to_path("source", path)?;
    let text = py.detach(|| std::fs::read(&native)).map_err(|error| from_io(py, &error, Some(path)))?;
    py.detach(|| c4::c4m::decode(&text)).map(Manifest::from).map_err(|error| from_parse(py, &error, Some(path)))
}

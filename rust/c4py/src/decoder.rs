//! Text becomes a manifest.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::buffer::with_still_bytes;
use crate::errors::{from_io, from_parse};
use crate::manifest::Manifest;
use crate::names::to_path;

/// Read a manifest from text or bytes; `path` is what errors name.
#[pyfunction]
#[pyo3(signature = (text, path=None))]
pub(crate) fn loads(py: Python<'_>, text: &Bound<'_, PyAny>, path: Option<&Bound<'_, PyAny>>) -> PyResult<Manifest> {
    let result = if let Ok(text) = text.cast::<PyString>() {
        if let Ok(text) = text.to_str() {
            py.detach(|| c4::c4m::decode(text.as_bytes()))
        } else {
            // Lone surrogates become bytes that are no UTF-8, which the reader reports with their line.
            let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
            let bytes = bytes.cast::<PyBytes>()?.as_bytes();
            py.detach(|| c4::c4m::decode(bytes))
        }
    } else {
        with_still_bytes("text", text, c4::c4m::decode).map_err(|error| {
            if error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) {
                crate::errors::wrong_type("text", "str or bytes", text)
            } else {
                error
            }
        })?
    };
    result.map(Manifest::from).map_err(|error| from_parse(py, &error, path))
}

/// Read a manifest from the file at a path.
#[pyfunction]
pub(crate) fn load_path(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Manifest> {
    let native = to_path("source", path)?;
    let text = py.detach(|| std::fs::read(&native)).map_err(|error| from_io(py, &error, Some(path)))?;
    py.detach(|| c4::c4m::decode(&text)).map(Manifest::from).map_err(|error| from_parse(py, &error, Some(path)))
}

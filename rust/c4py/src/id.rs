//! `C4ID`, and IDs of sets.

use c4::C4Id;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyType};

use crate::errors::{from_id, wrong_type};

/// An immutable C4 ID (SMPTE ST 2114:2017): the SHA-512 digest of some content.
///
/// Made from the 90 characters of its text, or from the 64 bytes of its digest. Ordered as the digests are; usable as
/// a key of a dict; false when it is the nil ID, 64 zero bytes.
///
/// Raises InvalidC4ID, a ValueError, for any other value.
///
/// >>> import c4py
/// >>> one = c4py.identify_bytes(b"hello world")
/// >>> one == c4py.C4ID(str(one)) == c4py.C4ID(one.digest)
/// True
#[pyclass(frozen, eq, ord, module = "c4py", name = "C4ID")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct C4ID(pub(crate) C4Id);

#[pymethods]
impl C4ID {
    #[new]
    fn new(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return match <[u8; 64]>::try_from(bytes.as_bytes()) {
                Ok(digest) => Ok(Self(C4Id(digest))),
                Err(_) if bytes.as_bytes().len() == c4::ID_TEXT_BYTES => {
                    C4Id::parse(bytes.as_bytes()).map(Self).map_err(from_id)
                }
                Err(_) => Err(crate::errors::from_digest_length(bytes.as_bytes().len())),
            };
        }
        if let Ok(text) = value.cast::<PyString>() {
            return parse_text(text);
        }
        Err(wrong_type("value", "str or bytes", value))
    }

    /// The 64 bytes of the digest.
    #[getter]
    fn digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.0)
    }

    /// The digest as 128 hexadecimal digits.
    fn hex(&self) -> String {
        use std::fmt::Write as _;
        self.0.0.iter().fold(String::with_capacity(128), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether this is the nil ID, which stands for "no content known".
    fn is_nil(&self) -> bool {
        self.0.is_nil()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("C4ID('{}')", self.0)
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        self.digest(py)
    }

    fn __bool__(&self) -> bool {
        !self.0.is_nil()
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.digest(py).hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (Bound<'py, PyBytes>,)) {
        (py.get_type::<Self>(), (self.digest(py),))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// How pydantic validates and serializes an ID: as its text.
    #[classmethod]
    fn __get_pydantic_core_schema__<'py>(
        cls: &Bound<'py, PyType>,
        source: &Bound<'py, PyAny>,
        handler: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        cls.py().import("c4py.id")?.call_method1("_pydantic_core_schema", (cls, source, handler))
    }
}

impl C4ID {
    /// The ID, or `None` for nil.
    pub(crate) fn or_none(id: C4Id) -> Option<Self> {
        (!id.is_nil()).then_some(Self(id))
    }
}

/// An argument that is an ID, its text, or `None` for nil.
pub(crate) fn to_id(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<C4Id> {
    if value.is_none() {
        return Ok(C4Id::NIL);
    }
    if let Ok(id) = value.cast::<C4ID>() {
        return Ok(id.get().0);
    }
    let Ok(text) = value.cast::<PyString>() else { return Err(wrong_type(argument, "C4ID or str", value)) };
    Ok(parse_text(text)?.0)
}

fn parse_text(text: &Bound<'_, PyString>) -> PyResult<C4ID> {
    // A text with surrogates is no ID, whatever its length.
    let text = text.to_str().unwrap_or("");
    C4Id::parse(text.as_bytes()).map(C4ID).map_err(from_id)
}

/// Read the text of a C4 ID: exactly its 90 characters.
///
/// Raises InvalidC4ID, a ValueError, for any other length, prefix or digit, and for values of 2^512 and more.
#[pyfunction]
pub(crate) fn parse(s: &Bound<'_, PyAny>) -> PyResult<C4ID> {
    if let Ok(text) = s.cast::<PyString>() {
        return parse_text(text);
    }
    let Ok(bytes) = s.cast::<PyBytes>() else { return Err(wrong_type("s", "str", s)) };
    C4Id::parse(bytes.as_bytes()).map(C4ID).map_err(from_id)
}

/// The ID of a set of IDs: the same whatever their order, and however often each is listed.
///
/// One ID is its own tree ID; no ID at all gives the nil ID.
#[pyfunction]
pub(crate) fn tree_id(ids: &Bound<'_, PyAny>) -> PyResult<C4ID> {
    let mut list = Vec::new();
    let iterator = ids.try_iter().map_err(|_| wrong_type("ids", "an iterable of C4ID", ids))?;
    for (number, id) in iterator.enumerate() {
        let id = id?;
        let id = id.cast::<C4ID>().map_err(|_| wrong_type(&format!("ids[{number}]"), "a C4ID", &id))?;
        list.push(id.get().0);
    }
    Ok(C4ID(ids.py().detach(|| c4::tree_id(list))))
}

/// For pickling: the arguments that make an ID again.
pub(crate) fn state<'py>(py: Python<'py>, id: &C4Id) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &id.0)
}

//! Bytes of Python objects, without a copy.

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

/// Fewest bytes for which other threads get to run meanwhile: below about two microseconds of hashing, giving the
/// interpreter away and taking it back costs more than it gives (CPython's `hashlib` has the same bound).
pub(crate) const DETACH_BYTES: usize = 2048;

/// Calls a function with the bytes of any C-contiguous buffer; detached when they are many.
pub(crate) fn with_bytes<T: Send>(
    argument: &str,
    object: &Bound<'_, PyAny>,
    function: impl FnOnce(&[u8]) -> T + Send,
) -> PyResult<T> {
    let py = object.py();
    // Some objects, as arrays of ctypes, leave it to a memoryview to work out their strides.
    let buffer = PyUntypedBuffer::get(object)
        .or_else(|_| PyUntypedBuffer::get(PyMemoryView::from(object)?.as_any()))
        .map_err(|_| crate::errors::wrong_type(argument, "a bytes-like object", object))?;
    if !buffer.is_c_contiguous() {
        return Err(PyBufferError::new_err(format!("{argument} must be C-contiguous")));
    }
    let length = buffer.len_bytes();
    if length == 0 {
        return Ok(function(&[]));
    }
    // SAFETY: the buffer is C-contiguous, so `length` bytes from `buf_ptr` are one initialized allocation; the view that
    // `buffer` holds keeps it alive and in place until after the call. Another thread may write to a mutable buffer
    // meanwhile, as it may during `hashlib.sha512(buffer)`: the bytes are only read, once each, and whatever mixture is
    // seen only decides which digest comes out.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>().cast_const(), length) };
    Ok(if length < DETACH_BYTES { function(bytes) } else { py.detach(|| function(bytes)) })
}

/// As `with_bytes`, for a function that looks at bytes more than once: those of an object that another thread can write
/// to are copied first.
pub(crate) fn with_still_bytes<T: Send>(
    argument: &str,
    object: &Bound<'_, PyAny>,
    function: impl FnOnce(&[u8]) -> T + Send,
) -> PyResult<T> {
    if object.is_instance_of::<PyBytes>() {
        return with_bytes(argument, object, function);
    }
    let copy = with_bytes(argument, object, <[u8]>::to_vec)?;
    Ok(object.py().detach(|| function(&copy)))
}

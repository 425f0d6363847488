//! The Arrow PyCapsule interface: tables change hands as C structures in capsules.
//!
//! <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>

use std::ffi::CStr;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchIterator, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, DataType, Schema};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::errors::{from_arrow, wrong_type};

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// Hands batches over.
pub(super) fn from_reader(py: Python<'_>, reader: Box<dyn RecordBatchReader + Send>) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), STREAM)
}

/// Hands the columns over.
pub(super) fn from_schema<'py>(py: Python<'py>, schema: &Schema) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(|error| from_arrow(&error))?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// Takes the batches of an object that has a stream of them or, as a batch alone has, an array.
pub(super) fn to_reader(data: &Bound<'_, PyAny>) -> PyResult<Box<dyn RecordBatchReader + Send>> {
    let wrong = || wrong_type("data", "a table with __arrow_c_stream__ or __arrow_c_array__", data);
    if data.hasattr("__arrow_c_stream__")? {
        let capsule = data.call_method0("__arrow_c_stream__")?;
        let mut stream: FFI_ArrowArrayStream = take(&capsule, STREAM)?;
        if is_column(&mut stream) {
            return Err(wrong());
        }
        let reader = RecordBatchStreamReader::try_new(stream).map_err(|error| from_arrow(&error))?;
        return Ok(Box::new(reader));
    }
    if !data.hasattr("__arrow_c_array__")? {
        return Err(wrong());
    }
    let pair = data.call_method0("__arrow_c_array__")?;
    let pair = pair.cast::<PyTuple>()?;
    let schema: FFI_ArrowSchema = take(&pair.get_item(0)?, SCHEMA)?;
    let array: FFI_ArrowArray = take(&pair.get_item(1)?, ARRAY)?;
    // SAFETY: the two structures were exported together, for this call, by an object that speaks the interface: it
    // guarantees that they describe each other and valid memory. Nothing else has them, `take` saw to it.
    let array = unsafe { from_ffi(array, &schema) }.map_err(|error| from_arrow(&error))?;
    if !matches!(array.data_type(), DataType::Struct(_)) || array.null_count() > 0 {
        return Err(wrong());
    }
    let batch = RecordBatch::from(StructArray::from(array));
    let schema = batch.schema();
    Ok(Box::new(RecordBatchIterator::new(std::iter::once(Ok::<_, ArrowError>(batch)), schema)))
}

/// Whether a stream is one of a single column, as that of a series, not one of tables. What cannot be asked is told by
/// whoever reads it.
fn is_column(stream: &mut FFI_ArrowArrayStream) -> bool {
    let Some(get_schema) = stream.get_schema().filter(|_| stream.release().is_some()) else { return false };
    let mut schema = FFI_ArrowSchema::empty();
    // SAFETY: the stream is valid, as it has not been released, and the function is its own; it fills the schema, which
    // is empty, and may be called as often as one likes.
    let code = unsafe { get_schema(stream, &raw mut schema) };
    code == 0 && DataType::try_from(&schema).is_ok_and(|kind| !matches!(kind, DataType::Struct(_)))
}

/// A structure of the interface that can be moved out of its place.
trait Movable: Sized {
    /// Moves it out; what is left says that it was released.
    ///
    /// # Safety
    /// The pointer is to a valid structure of this kind.
    unsafe fn take_from(pointer: *mut Self) -> Self;
}

impl Movable for FFI_ArrowArrayStream {
    unsafe fn take_from(pointer: *mut Self) -> Self {
        // SAFETY: the caller's.
        unsafe { Self::from_raw(pointer) }
    }
}

impl Movable for FFI_ArrowSchema {
    unsafe fn take_from(pointer: *mut Self) -> Self {
        // SAFETY: the caller's.
        unsafe { Self::from_raw(pointer) }
    }
}

impl Movable for FFI_ArrowArray {
    unsafe fn take_from(pointer: *mut Self) -> Self {
        // SAFETY: the caller's.
        unsafe { Self::from_raw(pointer) }
    }
}

/// Moves the structure out of a capsule of this name.
fn take<T: Movable>(capsule: &Bound<'_, PyAny>, name: &CStr) -> PyResult<T> {
    let pointer = capsule.cast::<PyCapsule>()?.pointer_checked(Some(name))?;
    // SAFETY: a capsule of this name holds a pointer to this structure, as the interface says, and no one else has it
    // while the interpreter is held. What is left in the capsule is a structure that was released, which its destructor
    // looks for.
    Ok(unsafe { T::take_from(pointer.cast::<T>().as_ptr()) })
}

//! The content store in a directory, as `c4py.FSStore` has it.

use std::os::fd::{IntoRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use c4::store::{Durability, StoreError};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::errors::{from_store, wrong_type};
use crate::id::{C4ID, to_id};
use crate::identify::read_stream;
use crate::names::{to_path, to_str};

/// A content store in a directory; c4py.FSStore gives it its Python form.
///
/// durability is "full", "batch" or "none". Every function may be called by several threads at once.
#[pyclass(frozen, module = "c4py._rust")]
pub(crate) struct TreeStore(Arc<c4::store::TreeStore>);

impl TreeStore {
    pub(crate) fn inner(&self) -> &Arc<c4::store::TreeStore> {
        &self.0
    }

    fn detached<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&c4::store::TreeStore) -> Result<T, StoreError> + Send,
    ) -> PyResult<T> {
        py.detach(|| work(&self.0)).map_err(|error| from_store(py, &error))
    }
}

#[pymethods]
impl TreeStore {
    #[new]
    fn new(root: &Bound<'_, PyAny>, split_threshold: usize, durability: &str) -> PyResult<Self> {
        let durability = match durability {
            "full" => Durability::Full,
            "batch" => Durability::Batch,
            "none" => Durability::None,
            other => {
                return Err(PyValueError::new_err(format!(
                    "durability must be 'full', 'batch' or 'none', not {other:?}"
                )));
            }
        };
        let root = to_path("root", root)?;
        Ok(Self(Arc::new(c4::store::TreeStore::new(&root, split_threshold, durability)?)))
    }

    /// The directory, as an absolute path.
    #[getter]
    fn root<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, self.0.root().as_os_str().as_bytes())
    }

    /// Store what is left in a binary stream; its ID.
    fn put(&self, source: &Bound<'_, PyAny>) -> PyResult<C4ID> {
        let py = source.py();
        let mut put = self.0.begin();
        let taken = read_stream("source", source, c4::identify::READ_BYTES, |bytes| put.write(bytes))?;
        let stored = taken.and_then(|()| py.detach(|| put.finish()));
        stored.map(C4ID).map_err(|error| from_store(py, &error))
    }

    /// Where an object lies, or None.
    fn find<'py>(&self, py: Python<'py>, c4id: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyString>>> {
        let id = named("c4id", c4id)?;
        let found = self.detached(py, |store| store.find(&id))?;
        found.map(|(path, _)| to_str(py, path.as_os_str().as_bytes())).transpose()
    }

    /// A descriptor of an object, open for reading, and the object's path; or None.
    fn open<'py>(&self, py: Python<'py>, c4id: &Bound<'py, PyAny>) -> PyResult<Option<(i32, Bound<'py, PyString>)>> {
        let id = named("c4id", c4id)?;
        let Some(object) = self.detached(py, |store| store.open(&id))? else { return Ok(None) };
        let path = to_str(py, object.path.as_os_str().as_bytes())?;
        Ok(Some((OwnedFd::from(object.file).into_raw_fd(), path)))
    }

    /// Remove an object; whether there was one.
    fn remove(&self, py: Python<'_>, c4id: &Bound<'_, PyAny>) -> PyResult<bool> {
        let id = named("c4id", c4id)?;
        self.detached(py, |store| store.remove(&id))
    }

    /// Make what was put with durability "batch" durable, and give it its names.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        self.detached(py, c4::store::TreeStore::flush)
    }
}

/// The ID of an object, which `None` is not.
pub(crate) fn named(argument: &str, c4id: &Bound<'_, PyAny>) -> PyResult<c4::C4Id> {
    if c4id.is_none() { Err(wrong_type(argument, "C4ID or str", c4id)) } else { to_id(argument, c4id) }
}

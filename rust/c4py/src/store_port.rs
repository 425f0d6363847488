//! Stores written in Python, as a scan puts content into them.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use c4::C4Id;
use c4::scan::ScanProgress;
use c4::store::{Content, Store, StoreError};
use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::wrong_type;
use crate::id::C4ID;
use crate::store::named;
use crate::watch::Caller;

/// Bytes that there is room for at first, however many are asked for.
const READ_BYTES: u64 = 256 * 1024;

/// Content that a store is to read: a binary stream without places to seek to.
#[pyclass(frozen, module = "c4py._rust")]
pub(crate) struct ContentReader {
    content: Mutex<Option<Content>>,
    progress: Arc<ScanProgress>,
}

impl ContentReader {
    /// Reads up to so many bytes; none once the store has returned.
    fn take(&self, limit: u64) -> io::Result<Vec<u8>> {
        let mut content = self.content.lock().map_err(|_| io::Error::other("a reader panicked"))?;
        let mut bytes = Vec::with_capacity(limit.min(READ_BYTES) as usize);
        if let Some(content) = content.as_mut() {
            content.by_ref().take(limit).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }
}

#[pymethods]
impl ContentReader {
    /// Read up to `size` bytes, or all that are left.
    #[pyo3(signature = (size=None, /))]
    fn read<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let limit = size.and_then(|size| u64::try_from(size).ok()).unwrap_or(u64::MAX);
        let bytes = py.detach(|| self.take(limit));
        // The content tells the scan itself why it cannot be read; the store only needs to stop.
        let bytes = bytes.map_err(|error| PyOSError::new_err(error.to_string()))?;
        py.check_signals()?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Read into a buffer; how many bytes.
    fn readinto(&self, buffer: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = buffer.py();
        let view = py.import("builtins")?.getattr("memoryview")?.call1((buffer,))?.call_method1("cast", ("B",))?;
        let bytes = self.read(py, Some(view.len()? as isize))?;
        let count = bytes.as_bytes().len();
        view.set_item(pyo3::types::PySlice::new(py, 0, count as isize, 1), bytes)?;
        Ok(count)
    }

    /// Whether the scan was asked to stop: a store that waits for something else need not wait any longer.
    #[getter]
    fn cancelled(&self) -> bool {
        self.progress.is_cancelled()
    }

    #[allow(clippy::unused_self, reason = "a stream is asked")]
    fn readable(&self) -> bool {
        true
    }

    #[allow(clippy::unused_self, reason = "a stream is asked")]
    fn writable(&self) -> bool {
        false
    }

    #[allow(clippy::unused_self, reason = "a stream is asked")]
    fn seekable(&self) -> bool {
        false
    }

    /// Whether the store has returned, or closed it.
    #[getter]
    fn closed(&self) -> bool {
        self.content.lock().map_or(true, |content| content.is_none())
    }

    /// End the reading.
    fn close(&self) {
        if let Ok(mut content) = self.content.lock() {
            *content = None;
        }
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyAny>) {
        self.close();
    }
}

/// A store of the user's, which any thread may call, or only the one that called the scan.
pub(crate) struct PythonStore {
    store: Py<PyAny>,
    concurrency: usize,
    caller: Option<Caller>,
    progress: Arc<ScanProgress>,
    failure: Mutex<Option<PyErr>>,
}

impl PythonStore {
    /// Looks at a store. One that says nothing else is called by one thread only, the caller of the scan.
    pub(crate) fn new(store: &Bound<'_, PyAny>, progress: &Arc<ScanProgress>) -> PyResult<Self> {
        if !store.getattr_opt("put")?.is_some_and(|put| put.is_callable()) {
            return Err(PyTypeError::new_err("store must have a method put"));
        }
        let concurrency = match store.getattr_opt("concurrency")? {
            Some(value) => value.extract().map_err(|_| wrong_type("a store's concurrency", "a small int", &value))?,
            None => 1_usize,
        };
        if !(1..=1024).contains(&concurrency) {
            return Err(PyValueError::new_err("a store's concurrency must be between 1 and 1024"));
        }
        let progress = Arc::clone(progress);
        Ok(Self { store: store.clone().unbind(), concurrency, caller: None, progress, failure: Mutex::default() })
    }

    /// The same store for the work of one call.
    pub(crate) fn called_by(mut self, caller: Caller) -> Self {
        self.caller = (self.concurrency == 1).then_some(caller);
        self
    }

    /// What the store raised, if it did.
    pub(crate) fn into_failure(self) -> Option<PyErr> {
        self.failure.into_inner().unwrap_or_default()
    }

    fn call<T: Send + 'static>(
        &self,
        function: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = match &self.caller {
            None => Python::attach(|py| function(self.store.bind(py))),
            Some(caller) => {
                let store = Python::attach(|py| self.store.clone_ref(py));
                caller.call(move |py| function(store.bind(py))).ok_or(StoreError::Port)?
            }
        };
        result.map_err(|error| {
            if let Ok(mut failure) = self.failure.lock() {
                // The last one: what a file's change made the store raise before is no failure of the store.
                *failure = Some(error);
            }
            StoreError::Port
        })
    }
}

impl Store for PythonStore {
    fn put(&self, content: Content) -> Result<C4Id, StoreError> {
        let progress = Arc::clone(&self.progress);
        self.call(move |store| {
            let reader = Bound::new(store.py(), ContentReader { content: Mutex::new(Some(content)), progress })?;
            let id = store.call_method1("put", (&reader,));
            reader.get().close();
            named("what put() returns", &id?)
        })
    }

    fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
        let id = *id;
        self.call(move |store| match store.getattr_opt("has")? {
            Some(has) => has.call1((C4ID(id),))?.is_truthy(),
            None => Ok(false),
        })
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.call(|store| match store.getattr_opt("flush")? {
            Some(flush) => flush.call0().map(drop),
            None => Ok(()),
        })
    }
}

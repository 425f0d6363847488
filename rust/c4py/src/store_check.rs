//! Store directories: what they hold, whether it is sound, and what may go.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use c4::C4Id;
use c4::scan::ScanProgress;
use c4::store::{Census, CheckError, Found, stats};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::from_check;
use crate::id::C4ID;
use crate::names::to_path;
use crate::scanner::PyScanStats;
use crate::watch::watch;

/// IDs that are fetched at once, with other threads running.
const FETCHED: usize = 1000;

/// The IDs of a store's objects, each once and in order; made by `store_ids`.
#[pyclass(frozen, module = "c4py._rust")]
pub(crate) struct StoreIds {
    root: PathBuf,
    rest: Mutex<(Census, VecDeque<C4Id>)>,
}

#[pymethods]
impl StoreIds {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<C4ID>> {
        let next = py.detach(|| {
            let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
            let (census, fetched) = &mut *rest;
            if fetched.is_empty() {
                for found in census {
                    match found {
                        Found::Object(object) if !object.is_copy => fetched.push_back(object.id),
                        Found::Unreadable(path, source) => {
                            return Err(CheckError::Io { path: self.root.join(path), source });
                        }
                        _ => {}
                    }
                    if fetched.len() == FETCHED {
                        break;
                    }
                }
            }
            Ok(fetched.pop_front())
        });
        Ok(next.map_err(|error| from_check(py, &error))?.map(C4ID))
    }
}

/// The IDs of the objects in a store directory, each once and in order.
///
/// Raises OSError for a directory that cannot be listed; the others can still be taken then.
#[pyfunction]
pub(crate) fn store_ids(py: Python<'_>, root: &Bound<'_, PyAny>) -> PyResult<StoreIds> {
    let root = to_path("root", root)?;
    let census = py.detach(|| Census::new(&root)).map_err(|source| CheckError::Io { path: root.clone(), source });
    let census = census.map_err(|error| from_check(py, &error))?;
    Ok(StoreIds { root, rest: Mutex::new((census, VecDeque::new())) })
}

/// Runs work on a store, with progress reported and Ctrl-C heard.
fn watched<T: Send>(
    py: Python<'_>,
    tick: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&ScanProgress) -> T + Send,
) -> PyResult<T> {
    let progress = ScanProgress::default();
    let report = || match tick {
        Some(tick) => tick.call1((PyScanStats(progress.stats()),)).map(|_| ()),
        None => Ok(()),
    };
    let result = watch(py, || work(&progress), report, || progress.cancel())?;
    report()?;
    Ok(result)
}

/// Counts of a store directory, by the names that StoreStats gives them.
#[pyfunction]
pub(crate) fn store_stats<'py>(
    py: Python<'py>,
    root: &Bound<'py, PyAny>,
    tick: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let root = to_path("root", root)?;
    let stats = watched(py, tick, |progress| stats(&root, progress))?.map_err(|error| from_check(py, &error))?;
    let values = PyDict::new(py);
    values.set_item("objects", stats.objects)?;
    values.set_item("bytes", stats.bytes)?;
    values.set_item("depths", stats.depths)?;
    values.set_item("misplaced", stats.misplaced)?;
    values.set_item("stray", stats.stray)?;
    values.set_item("temporary", stats.temporary)?;
    values.set_item("quarantined", stats.quarantined)?;
    values.set_item("quarantined_bytes", stats.quarantined_bytes)?;
    Ok(values)
}

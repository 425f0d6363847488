//! Store directories: what they hold, whether it is sound, and what may go.

use std::collections::VecDeque;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use c4::C4Id;
use c4::scan::ScanProgress;
use c4::store::{Census, CheckError, Found, GcOptions, Listed, Root, Sample, VerifyOptions, gc, stats, verify};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};

use crate::errors::{from_check, from_mark, wrong_type};
use crate::id::{C4ID, to_id};
use crate::identify::check_workers;
use crate::manifest::Manifest;
use crate::names::{to_path, to_str};
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
/// Raises StoreError for a directory that cannot be listed; the others can still be taken then.
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

/// Options of `store_verify`, as `c4py.store.check` gives them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options<'py> {
    sample: Bound<'py, PyAny>,
    seed: u64,
    time_limit: Option<f64>,
    workers: Option<Bound<'py, PyAny>>,
    resume: Option<Bound<'py, PyAny>>,
    quarantine: bool,
    drop_cache: bool,
}

fn to_sample(value: &Bound<'_, PyAny>) -> PyResult<Sample> {
    if value.is_none() {
        return Ok(Sample::All);
    }
    if let Ok(part) = value.cast::<PyFloat>() {
        let part: f64 = part.extract()?;
        return if (0.0..=1.0).contains(&part) {
            Ok(Sample::Fraction(part))
        } else {
            Err(PyValueError::new_err(format!(
                "sample must be a float from 0 to 1, or an int of 0 or more, not {part}"
            )))
        };
    }
    if value.is_instance_of::<PyBool>() || !value.is_instance_of::<PyInt>() {
        return Err(wrong_type("sample", "float, int or None", value));
    }
    // More than there are numbers for are all.
    match value.extract::<u64>() {
        Ok(count) => Ok(Sample::Count(count)),
        Err(_) if value.gt(0)? => Ok(Sample::All),
        Err(_) => Err(PyValueError::new_err("sample must be a float from 0 to 1, or an int of 0 or more")),
    }
}

/// Seconds as a duration; what is longer than all times is for ever.
fn to_duration(argument: &str, seconds: f64) -> PyResult<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return Err(PyValueError::new_err(format!("{argument} must be 0 seconds or more, not {seconds}")));
    }
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn path_str<'py>(py: Python<'py>, path: &Path) -> PyResult<Bound<'py, PyString>> {
    to_str(py, path.as_os_str().as_bytes())
}

/// A list, and how many it would have if all were listed.
fn listed<'py, T, V: IntoPyObject<'py>>(
    py: Python<'py>,
    listed: &Listed<T>,
    mut convert: impl FnMut(&T) -> PyResult<V>,
) -> PyResult<(Bound<'py, PyList>, u64)> {
    let list = PyList::empty(py);
    for item in &listed.items {
        list.append(convert(item)?)?;
    }
    Ok((list, listed.count))
}

/// Verify the objects of a store directory; gives what is in a StoreReport, by its names.
#[pyfunction]
pub(crate) fn store_verify<'py>(
    py: Python<'py>,
    root: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
    tick: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let root = to_path("root", root)?;
    let given: Options<'_> = options.extract()?;
    let options = VerifyOptions {
        workers: check_workers(given.workers.as_ref())?,
        sample: to_sample(&given.sample)?,
        seed: given.seed,
        time_limit: given.time_limit.map(|seconds| to_duration("time_limit", seconds)).transpose()?,
        resume_after: given.resume.map(|id| to_id("resume", &id)).transpose()?,
        quarantine: given.quarantine,
        drop_cache: given.drop_cache,
        count_first: tick.is_some(),
    };
    let report = watched(py, tick, |progress| verify(&root, &options, progress))?;
    let report = report.map_err(|error| from_check(py, &error))?;
    let values = PyDict::new(py);
    values.set_item("checked", report.checked)?;
    values.set_item("bytes", report.bytes)?;
    values.set_item("complete", report.is_complete)?;
    values.set_item("cursor", report.cursor.map(C4ID))?;
    let corrupt = listed(py, &report.corrupt, |found| {
        let moved = match &found.moved {
            Some(Ok(path)) => (Some(path_str(py, path)?), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        Ok((C4ID(found.id), C4ID(found.actual), path_str(py, &found.path)?, found.size, moved.0, moved.1))
    })?;
    values.set_item("corrupt", corrupt)?;
    values.set_item("unreadable", failures(py, &report.unreadable)?)?;
    let misplaced =
        listed(py, &report.misplaced, |(path, id, kind)| Ok((path_str(py, path)?, C4ID(*id), kind.code())))?;
    values.set_item("misplaced", misplaced)?;
    values.set_item("stray", listed(py, &report.stray, |(path, kind)| Ok((path_str(py, path)?, kind.code())))?)?;
    let temporary = listed(py, &report.temporary, |(path, kind)| Ok((path_str(py, path)?, kind.code())))?;
    values.set_item("temporary", temporary)?;
    values.set_item("quarantined", listed(py, &report.quarantined, |path| path_str(py, path))?)?;
    Ok(values)
}

fn failures<'py>(py: Python<'py>, list: &Listed<(PathBuf, io::Error)>) -> PyResult<(Bound<'py, PyList>, u64)> {
    listed(py, list, |(path, error)| Ok((path_str(py, path)?, error.to_string())))
}

/// A root of garbage collection, and what to call it in an error.
fn to_root(value: &Bound<'_, PyAny>) -> PyResult<(Root, String)> {
    let py = value.py();
    if let Ok(manifest) = value.cast::<Manifest>() {
        return Ok((Root::Manifest(manifest.get().shared.snapshot(py)), "a Manifest".to_owned()));
    }
    if let Ok(id) = value.cast::<C4ID>() {
        let id = id.get().0;
        return Ok((Root::Id(id), id.to_string()));
    }
    if let Ok(text) = value.cast::<PyBytes>() {
        return Ok((Root::Text(text.as_bytes().to_vec()), "a text".to_owned()));
    }
    if let Ok(text) = value.cast::<PyString>()
        && let Ok(id) = C4Id::parse(text.to_str().unwrap_or_default().as_bytes())
    {
        return Ok((Root::Id(id), id.to_string()));
    }
    let path = to_path("roots", value).map_err(|error| {
        if error.is_instance_of::<PyTypeError>(py) {
            wrong_type("roots", "Manifest, C4ID, path or bytes, or an iterable of these", value)
        } else {
            error
        }
    })?;
    let label = py.import("c4py._visible")?.call_method1("visible", (path_str(py, &path)?,))?.extract()?;
    Ok((Root::Path(path), label))
}

/// Remove what no root refers to from a store directory; gives what is in a GcReport, by its names.
#[pyfunction]
pub(crate) fn store_gc<'py>(
    py: Python<'py>,
    root: &Bound<'py, PyAny>,
    roots: Vec<Bound<'py, PyAny>>,
    dry_run: bool,
    grace: f64,
    tick: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let root = to_path("root", root)?;
    let (marked, labels): (Vec<Root>, Vec<String>) =
        roots.iter().map(to_root).collect::<PyResult<Vec<_>>>()?.into_iter().unzip();
    let options = GcOptions { dry_run, grace: to_duration("grace", grace)? };
    let report = watched(py, tick, |progress| gc(&root, &marked, options, progress))?;
    let report = report.map_err(|error| from_mark(py, error, &roots, &labels))?;
    let values = PyDict::new(py);
    values.set_item("dry_run", dry_run)?;
    values.set_item("marked", report.marked)?;
    values.set_item("kept", report.kept)?;
    values.set_item("young", report.young)?;
    values.set_item("removed", listed(py, &report.removed, |id| Ok(C4ID(*id)))?)?;
    values.set_item("removed_bytes", report.removed_bytes)?;
    values.set_item("temporary", report.temporary)?;
    values.set_item("put_back", report.put_back)?;
    values.set_item("unidentified", report.unidentified)?;
    values.set_item("unresolved", listed(py, &report.unresolved, |id| Ok(C4ID(*id)))?)?;
    values.set_item("failed", failures(py, &report.failed)?)?;
    Ok(values)
}

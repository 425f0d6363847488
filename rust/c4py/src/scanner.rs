//! A directory tree becomes a manifest.

use std::sync::Arc;

use c4::c4m::{self, DEFAULT_EXPANSION_LIMIT};
use c4::scan::{LinkIds, Patterns, Reuse, ScanError, ScanMode, ScanOptions, ScanProgress, ScanStats, Sink};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::errors::{from_scan, from_sequence, with_file};
use crate::identify::check_workers;
use crate::manifest::Manifest;
use crate::names::{to_bytes, to_path, to_str};
use crate::store::TreeStore;
use crate::store_port::PythonStore;
use crate::watch::{watch, watch_and_call};

/// Options of `scan`, as `c4py.scanner` gives them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options<'py> {
    mode: String,
    hidden: bool,
    exclude: Vec<Bound<'py, PyAny>>,
    exclude_file_name: Option<Bound<'py, PyAny>>,
    follow_symlinks: bool,
    link_ids: String,
    link_guide: Option<Bound<'py, Manifest>>,
    sequences: bool,
    workers: Option<Bound<'py, PyAny>>,
    only: Option<Bound<'py, Manifest>>,
    guide: Option<Bound<'py, Manifest>>,
    cache: Option<Bound<'py, PyAny>>,
}

fn options(given: &Options<'_>) -> PyResult<ScanOptions> {
    let mode = match given.mode.as_str() {
        "structure" => ScanMode::Structure,
        "metadata" => ScanMode::Metadata,
        "full" => ScanMode::Full,
        other => {
            return Err(PyValueError::new_err(format!(
                "mode must be 'structure', 'metadata' or 'full', not {other:?}"
            )));
        }
    };
    let link_ids = match given.link_ids.as_str() {
        "follow" => LinkIds::Follow,
        "inside" => LinkIds::Inside,
        "none" => LinkIds::None,
        other => {
            return Err(PyValueError::new_err(format!("link_ids must be 'follow', 'inside' or 'none', not {other:?}")));
        }
    };
    let exclude: Vec<Vec<u8>> =
        given.exclude.iter().map(|pattern| to_bytes("exclude", pattern)).collect::<PyResult<_>>()?;
    Ok(ScanOptions {
        mode,
        hidden: given.hidden,
        exclude: Patterns::new(exclude),
        exclude_file_name: given
            .exclude_file_name
            .as_ref()
            .map(|name| to_bytes("C4_EXCLUDE_FILE", name))
            .transpose()?,
        follow_symlinks: given.follow_symlinks,
        link_ids,
        link_guide: given.link_guide.as_ref().map(|guide| guide.get().shared.snapshot(guide.py())),
        sequences: given.sequences,
        workers: Some(check_workers(given.workers.as_ref())?),
        drop_cache: false,
        only: given.only.as_ref().map(listed).transpose()?,
    })
}

/// What to take: for a sequence the files that it stands for.
fn listed(only: &Bound<'_, Manifest>) -> PyResult<Arc<c4m::Manifest>> {
    let py = only.py();
    let only = only.get().shared.snapshot(py);
    let expanded = py.detach(|| {
        let has_sequences = only.iter().any(|row| only.get(row).is_sequence);
        has_sequences.then(|| only.expand_sequences(DEFAULT_EXPANSION_LIMIT)).transpose()
    });
    Ok(expanded.map_err(|error| from_sequence(&error))?.map_or(only, Arc::new))
}

/// The phases of the core, and that of work which copies objects.
const PHASES: [&str; 7] = ["walk", "hash", "assemble", "sweep", "apply", "copy", "done"];

/// How far a scan, or other long work, is.
///
/// phase: "walk", "hash", "assemble" or "done"; "sweep" while garbage is removed from a store, "apply" while a directory
/// is changed, "copy" while objects are copied. entries: found so far. files_done, files_total, bytes_done, bytes_total:
/// read or written, and to be; the totals are known when the walk has ended, and 0 where they are not known. files_known,
/// bytes_known: not read, since their IDs are known from a guide or a cache. path: one that was finished lately, relative
/// to the root.
///
/// Work of one's own may make one, and tell of it as this package does. Raises ValueError for a phase that is none.
#[pyclass(frozen, eq, module = "c4py", name = "ScanStats")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PyScanStats(pub(crate) ScanStats);

#[pymethods]
impl PyScanStats {
    #[new]
    #[pyo3(signature = (phase, *, entries=0, files_done=0, files_total=0, bytes_done=0, bytes_total=0, files_known=0,
                        bytes_known=0, path=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the attributes, given by name")]
    fn new(
        phase: &str,
        entries: u64,
        files_done: u64,
        files_total: u64,
        bytes_done: u64,
        bytes_total: u64,
        files_known: u64,
        bytes_known: u64,
        path: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let known = PHASES.into_iter().find(|known| *known == phase);
        let phase =
            known.ok_or_else(|| PyValueError::new_err(format!("phase must be one of {PHASES:?}, not {phase:?}")))?;
        let path = path.map(|path| to_bytes("path", path)).transpose()?.unwrap_or_default();
        Ok(Self(ScanStats {
            phase,
            entries,
            files_done,
            files_total,
            bytes_done,
            bytes_total,
            files_known,
            bytes_known,
            path,
        }))
    }

    #[getter]
    fn phase(&self) -> &'static str {
        self.0.phase
    }

    #[getter]
    fn entries(&self) -> u64 {
        self.0.entries
    }

    #[getter]
    fn files_done(&self) -> u64 {
        self.0.files_done
    }

    #[getter]
    fn files_total(&self) -> u64 {
        self.0.files_total
    }

    #[getter]
    fn bytes_done(&self) -> u64 {
        self.0.bytes_done
    }

    #[getter]
    fn bytes_total(&self) -> u64 {
        self.0.bytes_total
    }

    #[getter]
    fn files_known(&self) -> u64 {
        self.0.files_known
    }

    #[getter]
    fn bytes_known(&self) -> u64 {
        self.0.bytes_known
    }

    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, &self.0.path)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let ScanStats {
            phase,
            entries,
            files_done,
            files_total,
            bytes_done,
            bytes_total,
            files_known,
            bytes_known,
            path: _,
        } = &self.0;
        let path = self.path(py)?.repr()?.to_string_lossy().into_owned();
        Ok(format!(
            "ScanStats(phase='{phase}', entries={entries}, files_done={files_done}, files_total={files_total}, \
             bytes_done={bytes_done}, bytes_total={bytes_total}, \
             files_known={files_known}, bytes_known={bytes_known}, path={path})"
        ))
    }
}

/// An entry that is not what it should be.
///
/// path: relative to the root, "" for the root itself; absolute for what only a link leads to. code: "unreadable",
/// "changed", "time", "link-cycle", "cache" or "trailing-backslash". is_error: whether content or metadata is missing from the
/// manifest; otherwise the issue is only worth knowing.
#[pyclass(frozen, eq, hash, module = "c4py")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ScanIssue {
    path: Vec<u8>,
    code: String,
    message: String,
    is_error: bool,
}

#[pymethods]
impl ScanIssue {
    #[new]
    fn new(path: &Bound<'_, PyAny>, code: String, message: String, is_error: bool) -> PyResult<Self> {
        Ok(Self { path: to_bytes("path", path)?, code, message, is_error })
    }

    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, &self.path)
    }

    #[getter]
    fn code(&self) -> &str {
        &self.code
    }

    #[getter]
    fn message(&self) -> &str {
        &self.message
    }

    #[getter]
    fn is_error(&self) -> bool {
        self.is_error
    }

    /// The path, with what a terminal would obey escaped, and the message.
    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        let path = self.path(py)?;
        let path = match self.path.as_slice() {
            [] => ".".to_owned(),
            _ => py.import("c4py._visible")?.call_method1("visible", (path,))?.extract()?,
        };
        Ok(format!("{path}: {}", self.message))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = |value: &str| PyString::new(py, value).repr().map(|text| text.to_string_lossy().into_owned());
        let is_error = if self.is_error { "True" } else { "False" };
        Ok(format!(
            "ScanIssue(path={}, code={}, message={}, is_error={is_error})",
            self.path(py)?.repr()?.to_string_lossy(),
            text(&self.code)?,
            text(&self.message)?
        ))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let values = (self.path(py)?, &self.code, &self.message, self.is_error).into_pyobject(py)?;
        Ok((py.get_type::<Self>(), values))
    }
}

/// Scan a directory; `tick` is called with a ScanStats now and then and at the end. What is read goes into `store`, a
/// TreeStore or any object with `put`.
#[pyfunction]
pub(crate) fn scan<'py>(
    py: Python<'py>,
    path: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
    tick: Option<&Bound<'py, PyAny>>,
    store: Option<&Bound<'py, PyAny>>,
) -> PyResult<Manifest> {
    let native = to_path("path", path)?;
    let given: Options<'_> = options.extract()?;
    let options = self::options(&given)?;
    // It may be changed while the scan uses it.
    let guide = given.guide.as_ref().map(|guide| guide.get().shared.snapshot(py));
    let cache = given.cache.as_ref().map(|cache| to_path("cache", cache)).transpose()?;
    let reuse = Reuse { guide: guide.as_deref(), cache: cache.as_deref() };
    let progress = Arc::new(ScanProgress::default());
    let report = || match tick {
        Some(tick) => tick.call1((PyScanStats(progress.stats()),)).map(|_| ()),
        None => Ok(()),
    };
    let scan = |sink: Option<Sink<'_>>| c4::scan::scan_reusing(&native, &options, &progress, reuse, sink);
    let cancel = || progress.cancel();
    let tree = store.and_then(|store| store.cast::<TreeStore>().ok()).map(|store| Arc::clone(store.get().inner()));
    let result = match (tree, store) {
        (Some(tree), _) => watch(py, || scan(Some(Sink::Tree(&tree))), report, cancel)?,
        (None, None) => watch(py, || scan(None), report, cancel)?,
        (None, Some(store)) => {
            let port = PythonStore::new(store, &progress)?;
            let work = |caller| {
                let port = port.called_by(caller);
                let result = scan(Some(Sink::Port(&port)));
                (result, port.into_failure())
            };
            let (result, failure) = watch_and_call(py, work, report, cancel)?;
            // What the store raised says more than that it failed.
            match (failure, &result) {
                (Some(failure), Err(ScanError::Store { path, .. })) => {
                    return Err(with_file(py, failure, path.as_deref()));
                }
                (Some(failure), Err(_)) => return Err(failure),
                _ => result,
            }
        }
    };
    let scan = result.map_err(|error| from_scan(py, &error, path))?;
    report()?;
    let issues = scan.issues.into_iter().map(|issue| ScanIssue {
        code: issue.kind.code().to_owned(),
        message: issue.kind.to_string(),
        is_error: issue.kind.is_error(),
        path: issue.path,
    });
    Ok(Manifest::new(scan.manifest, issues.collect()))
}

//! A directory is brought to the state that a manifest describes.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use c4::C4Id;
use c4::c4m::{self, RowId};
use c4::reconcile::{ApplyError, Content, ContentSource, DirectorySource, Kind, LinkMode, Options, Origin, Plan};
use c4::scan::ScanProgress;
use c4::store::StoreError;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyDict, PyList, PyString};

use crate::errors::{from_apply, from_io, from_plan, is_content_not_found, wrong_type};
use crate::id::C4ID;
use crate::identify::check_workers;
use crate::manifest::to_manifest;
use crate::names::{to_path, to_str};
use crate::scanner::PyScanStats;
use crate::store::TreeStore;
use crate::watch::{Caller, watch_and_call};

/// Bytes that a store of the user's is asked for at once.
const READ_BYTES: usize = 1024 * 1024;

/// The kinds of operations, in the order in which the core counts them.
const KINDS: [Kind; 9] = [
    Kind::Mkdir,
    Kind::Create,
    Kind::Move,
    Kind::Update,
    Kind::Symlink,
    Kind::Chmod,
    Kind::Times,
    Kind::Remove,
    Kind::Rmdir,
];

/// What content comes from, from the plan to its end.
enum Source {
    Tree(Arc<c4::store::TreeStore>),
    Directory(DirectorySource),
    /// A store of the user's, and how many threads may call it at once.
    Python(Py<PyAny>, usize),
}

/// A source for the work of one call.
enum Called<'s> {
    Tree(&'s c4::store::TreeStore),
    Directory(&'s DirectorySource),
    Python(PythonSource),
}

impl Source {
    /// What a caller gives: a TreeStore, an object with `has` and `get`, or the path of a directory.
    fn new(source: &Bound<'_, PyAny>, directory: &Path, workers: usize) -> PyResult<Self> {
        let py = source.py();
        if let Ok(store) = source.cast::<TreeStore>() {
            let store = store.get().inner();
            if let (Ok(root), Ok(directory)) = (store.root().canonicalize(), directory.canonicalize())
                && root.starts_with(directory)
            {
                return Err(PyValueError::new_err(
                    "the store lies in the directory, and would be removed with the rest",
                ));
            }
            return Ok(Self::Tree(Arc::clone(store)));
        }
        if source.hasattr("has")? && source.hasattr("get")? {
            let concurrency = match source.getattr_opt("concurrency")? {
                Some(value) => {
                    value.extract().map_err(|_| wrong_type("a store's concurrency", "a small int", &value))?
                }
                None => 1_usize,
            };
            if !(1..=1024).contains(&concurrency) {
                return Err(PyValueError::new_err("a store's concurrency must be between 1 and 1024"));
            }
            return Ok(Self::Python(source.clone().unbind(), concurrency));
        }
        let path = to_path("sources", source)?;
        let found = py.detach(|| DirectorySource::new(&path, directory, Some(workers)));
        found.map(Self::Directory).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => PyValueError::new_err(error.to_string()),
            io::ErrorKind::NotADirectory if error.raw_os_error().is_none() => {
                PyErr::from(io::Error::from(io::ErrorKind::NotADirectory))
            }
            _ => from_io(py, &error, Some(source)),
        })
    }

    fn called_by(&self, caller: &Caller, progress: &Arc<ScanProgress>) -> Called<'_> {
        match self {
            Self::Tree(store) => Called::Tree(store),
            Self::Directory(source) => Called::Directory(source),
            Self::Python(store, concurrency) => Called::Python(PythonSource {
                object: PythonObject {
                    object: Python::attach(|py| store.clone_ref(py)),
                    caller: (*concurrency == 1).then(|| caller.clone()),
                    failure: Arc::default(),
                    progress: Arc::clone(progress),
                },
                concurrency: *concurrency,
            }),
        }
    }
}

impl Called<'_> {
    fn source(&self) -> &dyn ContentSource {
        match self {
            Self::Tree(store) => *store,
            Self::Directory(source) => *source,
            Self::Python(source) => source,
        }
    }

    /// What a store of the user's raised, if it did.
    fn failure(&self) -> Option<PyErr> {
        match self {
            Self::Python(source) => source.object.failure.lock().unwrap_or_else(PoisonError::into_inner).take(),
            _ => None,
        }
    }
}

/// A Python object that any thread may call, or only the one that waits for the work.
struct PythonObject {
    object: Py<PyAny>,
    caller: Option<Caller>,
    /// The first exception.
    failure: Arc<Mutex<Option<PyErr>>>,
    progress: Arc<ScanProgress>,
}

impl PythonObject {
    fn call<T: Send + 'static>(
        &self,
        function: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = match &self.caller {
            None => Python::attach(|py| function(self.object.bind(py))),
            Some(caller) => {
                let object = Python::attach(|py| self.object.clone_ref(py));
                caller.call(move |py| function(object.bind(py))).ok_or(StoreError::Port)?
            }
        };
        result.map_err(|error| {
            // What is no error, such as Ctrl-C, ends everything.
            if Python::attach(|py| !error.is_instance_of::<PyException>(py)) {
                self.progress.cancel();
            }
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            StoreError::Port
        })
    }

    /// Another object of the same store.
    fn with(&self, object: Py<PyAny>) -> Self {
        let (failure, progress) = (Arc::clone(&self.failure), Arc::clone(&self.progress));
        Self { object, caller: self.caller.clone(), failure, progress }
    }
}

/// A store of the user's.
struct PythonSource {
    object: PythonObject,
    concurrency: usize,
}

impl ContentSource for PythonSource {
    fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
        let id = *id;
        self.object.call(move |store| store.call_method1("has", (C4ID(id),))?.is_truthy())
    }

    fn open(&self, id: &C4Id) -> Result<Option<Content>, StoreError> {
        let id = *id;
        let opened = self.object.call(move |store| match store.call_method1("get", (C4ID(id),)) {
            Ok(file) => Ok(Some(file.unbind())),
            Err(error) if is_content_not_found(store.py(), &error) => Ok(None),
            Err(error) => Err(error),
        })?;
        Ok(opened.map(|file| {
            let file = self.object.with(file);
            Content::Stream(Box::new(PythonReader { file, piece: None, given: 0 }))
        }))
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }
}

/// A binary stream of Python's.
struct PythonReader {
    file: PythonObject,
    /// What was read, and how much of it was given on.
    piece: Option<PyBackedBytes>,
    given: usize,
}

impl io::Read for PythonReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.piece.as_ref().is_none_or(|piece| self.given == piece.len()) {
            let read = self.file.call(|file| {
                let piece = file.call_method1("read", (READ_BYTES,))?;
                piece.extract::<PyBackedBytes>().map_err(|_| wrong_type("what read() returns", "bytes", &piece))
            });
            self.piece = Some(read.map_err(|_| io::Error::other("the store failed"))?);
            self.given = 0;
        }
        let Some(piece) = &self.piece else { return Ok(0) };
        let rest = &piece[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

impl Drop for PythonReader {
    fn drop(&mut self) {
        // What is wrong with the end of a stream is no matter: its content was verified, or is not used.
        let close = |file: &Bound<'_, PyAny>| match file.getattr_opt("close")? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        };
        let ignored = self.file.with(Python::attach(|py| self.file.object.clone_ref(py)));
        let ignored = PythonObject { failure: Arc::default(), ..ignored };
        let _ = ignored.call(close);
    }
}

/// What is to be done to a directory; `c4py.reconcile` gives it its Python form.
#[pyclass(frozen, module = "c4py._rust")]
pub(crate) struct Reconciliation {
    plan: Plan,
    sources: Vec<Source>,
    options: Options,
}

impl Reconciliation {
    fn target<'py>(&self, py: Python<'py>, row: RowId) -> PyResult<Bound<'py, PyString>> {
        to_str(py, &path_in(&self.plan.target, row))
    }

    /// Kind, path, and where a file is moved from.
    fn operation<'py>(&self, py: Python<'py>, number: usize) -> PyResult<OperationValues<'py>> {
        let operation = &self.plan.operations[number];
        let path = match (operation.target, operation.found) {
            (Some(row), _) => self.target(py, row)?,
            (None, Some(row)) => to_str(py, &path_in(&self.plan.found, row))?,
            (None, None) => to_str(py, b"")?,
        };
        let source = match operation.origin {
            Origin::Tree(row) if operation.kind == Kind::Move => Some(to_str(py, &path_in(&self.plan.found, row))?),
            _ => None,
        };
        Ok((operation.kind.name(), path, source))
    }
}

type OperationValues<'py> = (&'static str, Bound<'py, PyString>, Option<Bound<'py, PyString>>);

/// Path of a row of a list in the order of rows; that of a directory without slash.
fn path_in(manifest: &c4m::Manifest, row: RowId) -> Vec<u8> {
    let mut path = manifest.outline().path(manifest, row as usize);
    if path.ends_with(b"/") {
        path.pop();
    }
    path
}

#[pymethods]
impl Reconciliation {
    fn __len__(&self) -> usize {
        self.plan.operations.len()
    }

    /// Each operation: its type, its path, and where a file is moved from.
    fn operations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let operations = PyList::empty(py);
        for number in 0..self.plan.operations.len() {
            operations.append(self.operation(py, number)?)?;
        }
        Ok(operations)
    }

    /// How many operations there are of each type.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut counts = [0_u64; KINDS.len()];
        for operation in &self.plan.operations {
            counts[operation.kind as usize] += 1;
        }
        named_counts(py, &counts)
    }

    /// Content that is nowhere to be had: the path that needs it, and its ID.
    fn missing<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyString>, C4ID)>> {
        self.plan.missing.iter().map(|(id, row)| Ok((self.target(py, *row)?, C4ID(*id)))).collect()
    }

    /// Paths of devices, pipes and sockets, which are never made.
    fn not_made<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyString>>> {
        self.plan.not_made.iter().map(|row| self.target(py, *row)).collect()
    }

    #[getter]
    fn skipped(&self) -> u64 {
        self.plan.skipped
    }

    #[getter]
    fn bytes(&self) -> u64 {
        self.plan.bytes
    }

    /// Do what is planned: how many operations of each type were done, those that failed with the reason, and
    /// whether content was not that of its ID. Now and then and at the end `tick` is called with a ScanStats, and
    /// `on_done` with what was done since: type and path.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        tick: Option<&Bound<'py, PyAny>>,
        on_done: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyDict>, Vec<String>, bool)> {
        let progress = Arc::new(ScanProgress::default());
        let done: Mutex<Vec<usize>> = Mutex::default();
        let report = || {
            if let Some(tick) = tick {
                tick.call1((PyScanStats(progress.stats()),))?;
            }
            let Some(on_done) = on_done else { return Ok(()) };
            let numbers = std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
            for number in numbers {
                let (kind, path, _) = self.operation(py, number)?;
                on_done.call1((kind, path))?;
            }
            Ok(())
        };
        let is_listed = on_done.is_some();
        let work = |caller: Caller| {
            let called: Vec<Called<'_>> =
                self.sources.iter().map(|source| source.called_by(&caller, &progress)).collect();
            let sources: Vec<&dyn ContentSource> = called.iter().map(Called::source).collect();
            let result = c4::reconcile::apply(&self.plan, &sources, &self.options, &progress, &|number, _| {
                if is_listed {
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(number);
                }
            });
            (result, called.iter().find_map(Called::failure))
        };
        let (result, failure) = watch_and_call(py, work, report, || progress.cancel())?;
        report()?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let applied = result.map_err(|error| from_apply(py, &error))?;
        let errors = applied.errors.iter().map(|(number, error)| {
            let (kind, ..) = self.operation(py, *number)?;
            let operation = &self.plan.operations[*number];
            let path = match (operation.target, operation.found) {
                (Some(row), _) => path_in(&self.plan.target, row),
                (None, Some(row)) => path_in(&self.plan.found, row),
                (None, None) => Vec::new(),
            };
            let (shown, text) = (c4m::shown_name(&path), error.to_string());
            // Most errors begin with the path.
            let text = text.strip_prefix(&format!("{shown}: ")).unwrap_or(&text);
            Ok(format!("{kind} {shown}: {text}"))
        });
        let is_corrupt =
            |(_, error): &(usize, ApplyError)| matches!(error, ApplyError::Corrupt { .. } | ApplyError::Length { .. });
        let is_any_corrupt = applied.errors.iter().any(is_corrupt);
        Ok((named_counts(py, &applied.done)?, errors.collect::<PyResult<_>>()?, is_any_corrupt))
    }
}

fn named_counts<'py>(py: Python<'py>, counts: &[u64; KINDS.len()]) -> PyResult<Bound<'py, PyDict>> {
    let named = PyDict::new(py);
    for kind in KINDS {
        named.set_item(kind.name(), counts[kind as usize])?;
    }
    Ok(named)
}

/// Plan how a directory becomes what a manifest describes; nothing is written. `sources` are asked for content in their
/// order; `tick` is called with a ScanStats now and then.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "it is called in one place")]
pub(crate) fn plan_reconciliation<'py>(
    py: Python<'py>,
    manifest: &Bound<'py, PyAny>,
    directory: &Bound<'py, PyAny>,
    sources: Vec<Bound<'py, PyAny>>,
    link: &str,
    special_bits: bool,
    workers: Option<&Bound<'_, PyAny>>,
    tick: Option<&Bound<'py, PyAny>>,
) -> PyResult<Reconciliation> {
    let link = match link {
        "auto" => LinkMode::Auto,
        "copy" => LinkMode::Copy,
        "reflink" => LinkMode::Reflink,
        "hardlink" => LinkMode::Hardlink,
        other => {
            return Err(PyValueError::new_err(format!(
                "link must be 'auto', 'copy', 'reflink' or 'hardlink', not {other:?}"
            )));
        }
    };
    let workers = check_workers(workers)?;
    let options = Options { link, special_bits, workers: Some(workers) };
    let native = to_path("directory", directory)?;
    let target = to_manifest("manifest", manifest)?.snapshot(py);
    let sources: Vec<Source> =
        sources.iter().map(|source| Source::new(source, &native, workers)).collect::<PyResult<_>>()?;
    let progress = Arc::new(ScanProgress::default());
    let report = || match tick {
        Some(tick) => tick.call1((PyScanStats(progress.stats()),)).map(drop),
        None => Ok(()),
    };
    let work = |caller: Caller| {
        let called: Vec<Called<'_>> = sources.iter().map(|source| source.called_by(&caller, &progress)).collect();
        let asked: Vec<&dyn ContentSource> = called.iter().map(Called::source).collect();
        let result = c4::reconcile::plan(&target, &native, &asked, &options, &progress);
        (result, called.iter().find_map(Called::failure))
    };
    let (result, failure) = watch_and_call(py, work, report, || progress.cancel())?;
    match (result, failure) {
        (Ok(plan), _) => Ok(Reconciliation { plan, sources, options }),
        // What the store raised says more than that it failed.
        (Err(_), Some(failure)) => Err(failure),
        (Err(error), None) => Err(from_plan(py, &error, directory)),
    }
}

//! IDs of buffers, streams and files.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use c4::C4Id;
use c4::identify::{FileIds, IdentifyError};
use c4::scan::ScanProgress;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::buffer::{DETACH_BYTES, with_bytes, with_still_bytes};
use crate::errors::{from_identify, wrong_type};
use crate::id::{C4ID, to_id};
use crate::names::to_path;
use crate::scanner::PyScanStats;
use crate::watch::watch;

/// The C4 ID of a bytes-like object.
///
/// Takes any C-contiguous buffer (bytes, bytearray, memoryview, mmap, an array) without copying it. From 2048 bytes on,
/// other threads run meanwhile.
#[pyfunction]
pub(crate) fn identify_bytes(buffer: &Bound<'_, PyAny>) -> PyResult<C4ID> {
    with_bytes("buffer", buffer, |bytes| C4ID(C4Id::of(bytes)))
}

/// Gives each piece of a binary stream to a function, which may fail.
pub(crate) fn read_stream<E: Send>(
    argument: &str,
    stream: &Bound<'_, PyAny>,
    buf_size: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), E> + Send,
) -> PyResult<Result<(), E>> {
    let py = stream.py();
    if buf_size == 0 {
        return Err(PyValueError::new_err("buf_size must be at least 1"));
    }
    let read = stream.getattr("read").map_err(|_| wrong_type(argument, "a binary stream", stream))?;
    loop {
        let piece = read.call1((buf_size,))?;
        if piece.is_none() {
            return Err(std::io::Error::from(std::io::ErrorKind::WouldBlock).into());
        }
        let (length, taken) = if let Ok(bytes) = piece.cast::<PyBytes>() {
            let bytes = bytes.as_bytes();
            let taken = if bytes.len() < DETACH_BYTES { take(bytes) } else { py.detach(|| take(bytes)) };
            (bytes.len(), taken)
        } else {
            with_bytes(argument, &piece, |bytes| (bytes.len(), take(bytes))).map_err(|_| {
                PyTypeError::new_err(format!("{argument} must be a binary stream: its read() gives no bytes"))
            })?
        };
        if length == 0 || taken.is_err() {
            return Ok(taken);
        }
        py.check_signals()?;
    }
}

/// The C4 ID of what is left in a binary stream, in constant memory.
///
/// `buf_size` is the count of bytes asked for in each read. Raises TypeError for a text stream.
#[pyfunction]
#[pyo3(signature = (stream, *, buf_size=262_144))]
pub(crate) fn identify(stream: &Bound<'_, PyAny>, buf_size: usize) -> PyResult<C4ID> {
    let mut hasher = c4_sha512::Sha512::new();
    let Ok(()) = read_stream("stream", stream, buf_size, |bytes| {
        hasher.update(bytes);
        Ok::<_, Infallible>(())
    })?;
    Ok(C4ID(C4Id(hasher.finalize())))
}

/// The C4 ID of what is left in a binary stream, as `identify_file` has it: by its canonical text, if it is a manifest.
#[pyfunction]
pub(crate) fn identify_content(stream: &Bound<'_, PyAny>) -> PyResult<C4ID> {
    let mut hasher = c4::identify::ContentHasher::default();
    let take = |bytes: &[u8]| {
        let _: () = hasher.update(bytes);
        Ok::<_, Infallible>(())
    };
    let Ok(()) = read_stream("stream", stream, c4::identify::READ_BYTES, take)?;
    Ok(C4ID(stream.py().detach(|| hasher.finish()).id()))
}

/// Finds out whether content that arrives in pieces is a c4m manifest.
///
/// named_manifest: whether the content has a name that says so. The content is kept for as long as every line of it
/// parses, and no longer.
#[pyclass(frozen, module = "c4py._rust")]
pub(crate) struct ManifestDetector(Mutex<c4::identify::ManifestDetector>);

impl ManifestDetector {
    fn with<T>(&self, work: impl FnOnce(&mut c4::identify::ManifestDetector) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl ManifestDetector {
    #[new]
    #[pyo3(signature = (*, named_manifest=false))]
    fn new(named_manifest: bool) -> Self {
        Self(Mutex::new(c4::identify::ManifestDetector::of(named_manifest)))
    }

    /// Take the next bytes in, and say whether all so far may be those of a manifest.
    fn update(&self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> bool {
        let bytes = data.as_bytes();
        py.detach(|| self.with(|detector| detector.update(bytes)))
    }

    /// Give the canonical text of the whole if it is a manifest with at least one entry, else None; called once.
    fn finish<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let text = py.detach(|| self.with(std::mem::take).finish());
        text.map(|text| PyBytes::new(py, &text))
    }
}

/// The canonical text of bytes that hold a c4m manifest with at least one entry, else None.
#[pyfunction]
pub(crate) fn canonical_text<'py>(py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let text = with_still_bytes("data", data, c4::identify::canonical_text)?;
    Ok(text.map(|text| PyBytes::new(py, &text)))
}

/// Both IDs of a file, with Ctrl-C heard.
fn ids_of_file(argument: &str, path: &Bound<'_, PyAny>) -> PyResult<FileIds> {
    let py = path.py();
    let native = to_path(argument, path)?;
    let cancelled = AtomicBool::new(false);
    let is_cancelled = || cancelled.load(Ordering::Relaxed);
    let small = std::fs::metadata(&native).is_ok_and(|metadata| metadata.len() < 4 * 1024 * 1024);
    let result = if small {
        py.detach(|| c4::identify::identify_file(&native, &is_cancelled))
    } else {
        let cancel = || cancelled.store(true, Ordering::Relaxed);
        watch(py, || c4::identify::identify_file(&native, &is_cancelled), || Ok(()), cancel)?
    };
    result.map_err(|error| from_identify(py, &error, path))
}

/// The C4 ID of a file, in constant memory; a symbolic link is followed.
///
/// A file that holds a c4m manifest has the ID of its canonical text, so that its layout does not matter (`verify`
/// accepts that of its bytes as well; for that of its bytes alone use `identify`).
/// `buf_size` is accepted for compatibility; reads have the size that measures fastest.
///
/// Raises FileNotFoundError, PermissionError, IsADirectoryError; NotARegularFile for a pipe, socket or device, which is
/// never read; ChangedDuringRead for a file that was written to while it was read, twice in a row.
#[pyfunction]
#[pyo3(signature = (path, *, buf_size=262_144))]
pub(crate) fn identify_file(path: &Bound<'_, PyAny>, buf_size: usize) -> PyResult<C4ID> {
    if buf_size == 0 {
        return Err(PyValueError::new_err("buf_size must be at least 1"));
    }
    Ok(C4ID(ids_of_file("path", path)?.id()))
}

/// Whether a file has an ID, by its bytes or, if it is a manifest, by its canonical text.
#[pyfunction]
pub(crate) fn verify_file(path: &Bound<'_, PyAny>, expected: &Bound<'_, PyAny>) -> PyResult<bool> {
    let expected = to_id("expected", expected)?;
    let ids = ids_of_file("path", path)?;
    Ok(ids.raw == expected || ids.canonical == Some(expected))
}

/// The C4 IDs of many files; `tick` is called with a ScanStats now and then and at the end. See `c4py.identify_files`.
#[pyfunction]
pub(crate) fn identify_files<'py>(
    py: Python<'py>,
    paths: &Bound<'py, PyAny>,
    workers: Option<&Bound<'_, PyAny>>,
    tick: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let pathlib = py.import("pathlib")?.getattr("Path")?;
    let os = py.import("os")?;
    let mut objects = Vec::new();
    let mut natives: Vec<PathBuf> = Vec::new();
    let is_path = paths.is_instance_of::<PyString>() || paths.is_instance_of::<PyBytes>();
    let iterator = (!is_path).then(|| paths.try_iter().ok()).flatten();
    for path in iterator.ok_or_else(|| wrong_type("paths", "an iterable of paths", paths))? {
        let path = path?;
        natives.push(to_path("paths", &path)?);
        objects.push(pathlib.call1((os.call_method1("fsdecode", (path,))?,))?);
    }
    let workers = check_workers(workers)?;
    let progress = ScanProgress::default();
    let ids = Mutex::new(vec![None; natives.len()]);
    let take = |at: usize, result: Result<FileIds, IdentifyError>| {
        if let Ok(mut ids) = ids.lock() {
            ids[at] = result.ok().map(|ids| ids.id());
        }
    };
    let report = || match tick {
        Some(tick) => tick.call1((PyScanStats(progress.stats()),)).map(drop),
        None => Ok(()),
    };
    let work = || c4::identify::identify_files(&natives, workers, &progress, &take);
    watch(py, work, report, || progress.cancel())?;
    report()?;
    let result = PyDict::new(py);
    for (object, id) in objects.into_iter().zip(ids.into_inner().unwrap_or_default()) {
        result.set_item(object, id.map(C4ID))?;
    }
    Ok(result)
}

/// A count of threads as given, or that of processors.
pub(crate) fn check_workers(workers: Option<&Bound<'_, PyAny>>) -> PyResult<usize> {
    let Some(given) = workers else { return Ok(std::thread::available_parallelism().map_or(1, usize::from)) };
    match given.extract::<i64>() {
        Ok(workers @ 1..=1024) => Ok(workers as usize),
        Err(error) if !error.is_instance_of::<PyOverflowError>(given.py()) => Err(wrong_type("workers", "int", given)),
        _ => Err(PyValueError::new_err("workers must be between 1 and 1024")),
    }
}

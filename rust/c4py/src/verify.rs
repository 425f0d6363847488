//! Whether a directory is what a manifest describes.

use std::sync::{Mutex, PoisonError};

use c4::c4m::{self, PathWalk, RowId};
use c4::scan::ScanProgress;
use c4::verify::{Extent, OnFinding, Options, Verdict, Verification, verify};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::entry_view::EntryView;
use crate::errors::from_verify;
use crate::id::C4ID;
use crate::identify::check_workers;
use crate::manifest::to_manifest;
use crate::names::{to_path, to_str};
use crate::scanner::PyScanStats;
use crate::shared::Shared;
use crate::watch::watch;

/// What a verification found out, by the names of the lists of a VerifyReport; each is made when it is asked for.
#[pyclass(frozen, module = "c4py._rust")]
pub(crate) struct Findings(Verification);

#[pymethods]
impl Findings {
    /// How long each list is.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = &self.0;
        let counts = PyDict::new(py);
        for verdict in [Verdict::Ok, Verdict::Missing, Verdict::Corrupt, Verdict::CanonicalOnly, Verdict::Unverified] {
            counts.set_item(verdict.name(), py.detach(|| found.count(verdict)))?;
        }
        counts.set_item("extra", found.extra.len())?;
        counts.set_item("changed", found.changed.len())?;
        counts.set_item("unreadable", found.unreadable.len())?;
        counts.set_item("moved", found.moved.len())?;
        Ok(counts)
    }

    /// How much was looked at.
    fn totals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = &self.0;
        let totals = PyDict::new(py);
        totals.set_item("files_total", found.files_total)?;
        totals.set_item("files_read", found.files_read)?;
        totals.set_item("bytes_total", found.bytes_total)?;
        totals.set_item("bytes_read", found.bytes_read)?;
        totals.set_item("cache_dropped", found.cache_dropped)?;
        Ok(totals)
    }

    /// The values of a list: paths, or tuples of the values of its records.
    fn values<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyList>> {
        let found = &self.0;
        let list = PyList::empty(py);
        match name {
            "ok" => each_path(py, &found.expected, found.rows(Verdict::Ok), |_, path| list.append(path))?,
            "missing" => each_path(py, &found.expected, found.rows(Verdict::Missing), |_, path| list.append(path))?,
            "unverified" => {
                each_path(py, &found.expected, found.rows(Verdict::Unverified), |_, path| list.append(path))?;
            }
            "extra" => each_path(py, &found.found, found.extra.iter().copied(), |_, path| list.append(path))?,
            "corrupt" => self.add_mismatches(&list, Verdict::Corrupt)?,
            "canonical_only" => self.add_mismatches(&list, Verdict::CanonicalOnly)?,
            "changed" => {
                each_path(py, &found.expected, found.changed.iter().map(|change| change.row), |at, path| {
                    let change = &found.changed[at];
                    list.append((path, change.field.name(), &change.expected, &change.actual))
                })?;
            }
            "unreadable" => {
                for unreadable in &found.unreadable {
                    list.append((to_path_str(py, &unreadable.path)?, &unreadable.message))?;
                }
            }
            other => return Err(PyKeyError::new_err(other.to_owned())),
        }
        Ok(list)
    }

    /// The entries that are missing and were found elsewhere, and those that were found: two sequences of one length.
    fn moved(&self) -> (EntryView, EntryView) {
        let (old, new) = self.0.moved.iter().copied().unzip();
        let view = |manifest, rows| EntryView::new(&Shared::of(std::sync::Arc::clone(manifest)), rows);
        (view(&self.0.expected, old), view(&self.0.found, new))
    }
}

impl Findings {
    fn add_mismatches(&self, list: &Bound<'_, PyList>, verdict: Verdict) -> PyResult<()> {
        let found = &self.0;
        let rows: Vec<RowId> = found.rows(verdict).collect();
        each_path(list.py(), &found.expected, rows.iter().copied(), |at, path| {
            let expected = *found.expected.rows().id(rows[at]);
            let actual = found.actual(rows[at]).copied().unwrap_or(c4::C4Id::NIL);
            list.append((path, C4ID(expected), C4ID(actual)))
        })
    }
}

/// A path as everywhere in Python: that of a directory has no slash at its end.
fn to_path_str<'py>(py: Python<'py>, path: &[u8]) -> PyResult<Bound<'py, PyString>> {
    to_str(py, path.strip_suffix(b"/").unwrap_or(path))
}

/// Gives the paths of rows, which ascend, with the number of each.
fn each_path<'py>(
    py: Python<'py>,
    manifest: &c4m::Manifest,
    rows: impl Iterator<Item = RowId>,
    mut take: impl FnMut(usize, Bound<'py, PyString>) -> PyResult<()>,
) -> PyResult<()> {
    let mut walk = PathWalk::default();
    for (number, row) in rows.enumerate() {
        take(number, to_path_str(py, walk.path(manifest, row as usize))?)?;
    }
    Ok(())
}

/// Options of `verify_tree`, as `c4py.verify` gives them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct VerifyTreeOptions<'py> {
    quick: bool,
    sample: Option<f64>,
    metadata: bool,
    drop_cache: bool,
    workers: Option<Bound<'py, PyAny>>,
}

/// Compare a directory with a manifest; `tick` is called with a ScanStats now and then and at the end, and `on_result`
/// with the kind and the path of each finding, in this thread.
#[pyfunction]
pub(crate) fn verify_tree<'py>(
    py: Python<'py>,
    manifest: &Bound<'py, PyAny>,
    directory: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
    tick: Option<&Bound<'py, PyAny>>,
    on_result: Option<&Bound<'py, PyAny>>,
) -> PyResult<Findings> {
    let manifest = to_manifest("manifest", manifest)?.snapshot(py);
    let native = to_path("directory", directory)?;
    let given: VerifyTreeOptions<'_> = options.extract()?;
    let options = Options {
        extent: match given.sample {
            Some(share) => Extent::Sample(share),
            None if given.quick => Extent::Quick,
            None => Extent::Full,
        },
        metadata: given.metadata,
        drop_cache: given.drop_cache,
        workers: Some(check_workers(given.workers.as_ref())?),
    };
    let progress = ScanProgress::default();
    let told: Mutex<Vec<(&'static str, Vec<u8>)>> = Mutex::default();
    let tell = |kind: &'static str, path: &[u8]| {
        told.lock().unwrap_or_else(PoisonError::into_inner).push((kind, path.to_vec()));
    };
    let on_finding: OnFinding<'_> = if on_result.is_some() { Some(&tell) } else { None };
    let report = || {
        if let Some(on_result) = on_result {
            let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
            for (kind, path) in told {
                on_result.call1((kind, to_path_str(py, &path)?))?;
            }
        }
        match tick {
            Some(tick) => tick.call1((PyScanStats(progress.stats()),)).map(|_| ()),
            None => Ok(()),
        }
    };
    let work = || verify(&manifest, &native, &options, &progress, on_finding);
    let result = watch(py, work, report, || progress.cancel())?;
    let verification = result.map_err(|error| from_verify(py, &error, directory))?;
    report()?;
    Ok(Findings(verification))
}

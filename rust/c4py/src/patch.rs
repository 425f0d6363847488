//! Patches and chains of them.

use c4::c4m::{self, Zone};
use c4::patch::{PatchForm, patch_diff_as};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::arguments::Argument;
use crate::buffer::with_still_bytes;
use crate::entry::Entry;
use crate::errors::{from_encode, from_patch, wrong_type};
use crate::id::C4ID;
use crate::manifest::{Manifest, to_manifest};
use crate::shared::Shared;

/// The patch that turns one manifest into another, as UTF-8.
#[pyfunction]
#[pyo3(
    signature = (old, new, *, pretty=Argument::Default(false), closed=Argument::Default(false)),
    text_signature = "(old, new, *, pretty=False, closed=False)"
)]
pub(crate) fn patch_diff<'py>(
    py: Python<'py>,
    old: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
    pretty: Argument<'py, bool>,
    closed: Argument<'py, bool>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (old, new) = (to_manifest("old", old)?, to_manifest("new", new)?);
    let (pretty, is_closed) = (pretty.to_bool("pretty")?, closed.to_bool("closed")?);
    let text = old.detached_two(new, py, |old, new| {
        let zone = pretty.then(Zone::local);
        patch_diff_as(old, new, PatchForm { pretty: zone.as_ref(), is_closed })
    });
    Ok(PyBytes::new(py, &text.map_err(|error| from_encode(&error))?))
}

/// A manifest with a patch applied: a manifest that was loaded from the patch's text, or its entries.
#[pyfunction]
pub(crate) fn apply_patch(
    py: Python<'_>,
    base: &Bound<'_, PyAny>,
    patch_entries: &Bound<'_, PyAny>,
) -> PyResult<Manifest> {
    let base = to_manifest("base", base)?;
    let patch = match patch_entries.cast::<Manifest>() {
        Ok(patch) => patch.get().shared.clone(),
        Err(_) => Shared::new(from_entries(patch_entries)?),
    };
    let result = base.detached_two(&patch, py, c4::patch::apply);
    result.map(Manifest::from).map_err(|error| from_patch(py, &error))
}

fn from_entries(entries: &Bound<'_, PyAny>) -> PyResult<c4m::Manifest> {
    fn wrong(value: &Bound<'_, PyAny>) -> PyErr {
        wrong_type("patch_entries", "a Manifest or an iterable of Entry", value)
    }
    let mut manifest = c4m::Manifest::default();
    for entry in entries.try_iter().map_err(|_| wrong(entries))? {
        let entry = entry?;
        let values = entry.cast::<Entry>().map_err(|_| wrong(&entry))?.get().to_entry(entries.py());
        manifest.push(&values.as_row());
    }
    Ok(manifest)
}

/// The state of a chain after its first `stop_at` sections, or after all with 0.
#[pyfunction]
#[pyo3(
    signature = (manifest, base=None, stop_at=Argument::Default(0)),
    text_signature = "(manifest, base=None, stop_at=0)"
)]
pub(crate) fn resolve_chain(
    py: Python<'_>,
    manifest: &Bound<'_, PyAny>,
    base: Option<&Bound<'_, PyAny>>,
    stop_at: Argument<'_, i64>,
) -> PyResult<Manifest> {
    let stop_at = stop_at.to_int("stop_at")?;
    let manifest = to_manifest("manifest", manifest)?;
    let result = match base.map(|base| to_manifest("base", base)).transpose()? {
        None => manifest.detached(py, |manifest| c4::patch::resolve(manifest, None, stop_at)),
        Some(base) => {
            manifest.detached_two(base, py, |manifest, base| c4::patch::resolve(manifest, Some(base), stop_at))
        }
    };
    result.map(Manifest::from).map_err(|error| from_patch(py, &error))
}

/// Number, ID, counts of added, removed and modified, whether a first state, counts of entries and of directories.
type SectionValues = (usize, Option<C4ID>, usize, usize, usize, bool, usize, usize);

/// What each section of a chain changed.
#[pyfunction]
#[pyo3(signature = (manifest, base=None))]
pub(crate) fn log_chain(
    py: Python<'_>,
    manifest: &Bound<'_, PyAny>,
    base: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<SectionValues>> {
    let manifest = to_manifest("manifest", manifest)?;
    let infos = match base.map(|base| to_manifest("base", base)).transpose()? {
        None => manifest.detached(py, |manifest| c4::patch::log(manifest, None)),
        Some(base) => manifest.detached_two(base, py, |manifest, base| c4::patch::log(manifest, Some(base))),
    };
    let infos = infos.map_err(|error| from_patch(py, &error))?;
    let values = |info: c4::patch::SectionInfo| {
        let c4::diff::Counts { added, removed, modified } = info.changed;
        let id = C4ID::or_none(info.id);
        (info.index, id, added, removed, modified, info.is_base, info.entries, info.directories)
    };
    Ok(infos.into_iter().map(values).collect())
}

/// A chain's text cut after a section: two texts as UTF-8.
#[pyfunction]
pub(crate) fn split_chain<'py>(
    py: Python<'py>,
    text: &Bound<'py, PyAny>,
    n: usize,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let result = match text.cast::<PyString>() {
        Ok(text) => {
            let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
            let bytes = bytes.cast::<PyBytes>()?.as_bytes();
            py.detach(|| c4::patch::split(bytes, n))
        }
        Err(_) => with_still_bytes("text", text, |text| c4::patch::split(text, n))?,
    };
    let (before, after) = result.map_err(|error| from_patch(py, &error))?;
    Ok((PyBytes::new(py, &before), PyBytes::new(py, &after)))
}

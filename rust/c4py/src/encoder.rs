//! A manifest becomes text.

use c4::c4m::{Zone, encode, encode_pretty};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::arguments::Argument;
use crate::errors::from_encode;
use crate::manifest::to_manifest;
use crate::names::to_str;

/// The text of a manifest as UTF-8, with or without the ID lists of its sequences.
#[pyfunction]
#[pyo3(
    signature = (manifest, *, pretty=Argument::Default(false), id_lists=Argument::Default(true)),
    text_signature = "(manifest, *, pretty=False, id_lists=True)"
)]
pub(crate) fn dumps_bytes<'py>(
    py: Python<'py>,
    manifest: &Bound<'py, PyAny>,
    pretty: Argument<'py, bool>,
    id_lists: Argument<'py, bool>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (pretty, id_lists) = (pretty.to_bool("pretty")?, id_lists.to_bool("id_lists")?);
    Ok(PyBytes::new(py, &text_of(py, manifest, pretty, id_lists)?))
}

/// The one-level texts that a manifest's directories, and its top level, are known by, as UTF-8.
#[pyfunction]
pub(crate) fn listings<'py>(py: Python<'py>, manifest: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let texts = to_manifest("manifest", manifest)?.detached(py, c4::c4m::Manifest::listings);
    let texts = texts.map_err(|error| from_encode(&error))?;
    Ok(texts.into_iter().map(|text| PyBytes::new(py, &text)).collect())
}

/// The text of a manifest.
#[pyfunction]
#[pyo3(
    signature = (manifest, *, pretty=Argument::Default(false)),
    text_signature = "(manifest, *, pretty=False)"
)]
pub(crate) fn dumps<'py>(
    py: Python<'py>,
    manifest: &Bound<'py, PyAny>,
    pretty: Argument<'py, bool>,
) -> PyResult<Bound<'py, PyString>> {
    to_str(py, &text_of(py, manifest, pretty.to_bool("pretty")?, true)?)
}

fn text_of(py: Python<'_>, manifest: &Bound<'_, PyAny>, pretty: bool, id_lists: bool) -> PyResult<Vec<u8>> {
    let text = to_manifest("manifest", manifest)?.detached(py, |manifest| {
        let without_lists;
        let manifest = if id_lists || manifest.range_data().is_empty() {
            manifest
        } else {
            without_lists = {
                let mut copy = manifest.clone();
                copy.clear_range_data();
                copy
            };
            &without_lists
        };
        if pretty { encode_pretty(manifest, &Zone::local()) } else { encode(manifest) }
    });
    text.map_err(|error| from_encode(&error))
}

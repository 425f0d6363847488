//! A manifest becomes text.

use c4::c4m::{Zone, encode, encode_pretty};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{from_encode, wrong_type};
use crate::manifest::Manifest;

/// The text of a manifest as UTF-8, with or without the ID lists of its sequences.
#[pyfunction]
#[pyo3(signature = (manifest, *, pretty=false, id_lists=true))]
pub(crate) fn dumps_bytes<'py>(
    py: Python<'py>,
    manifest: &Bound<'py, PyAny>,
    pretty: bool,
    id_lists: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let shared = &manifest.cast::<Manifest>().map_err(|_| wrong_type("manifest", "a Manifest", manifest))?.get().shared;
    let text = shared.detached(py, |manifest| {
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
    Ok(PyBytes::new(py, &text.map_err(|error| from_encode(&error))?))
}

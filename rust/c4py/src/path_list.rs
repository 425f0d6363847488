//! Lists of paths, as texts.

use std::sync::{Arc, Mutex, PoisonError};

use c4::c4m::{self, PathEnd, PathWriter};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::arguments::to_bool;
use crate::buffer::with_still_bytes;
use crate::errors::from_nul_in_path;
use crate::manifest::{Manifest, to_manifest};
use crate::names::to_bytes;

/// Least bytes of a piece of a list: large enough that writing costs more than asking for the next.
const BLOCK_BYTES: usize = 1 << 20;

fn to_end(null: &Bound<'_, PyAny>) -> PyResult<PathEnd> {
    Ok(if to_bool("null", null)? { PathEnd::Nul } else { PathEnd::Line })
}

/// A manifest of the paths that a text lists.
#[pyfunction]
#[pyo3(signature = (text, *, null))]
pub(crate) fn decode_paths(text: &Bound<'_, PyAny>, null: &Bound<'_, PyAny>) -> PyResult<Manifest> {
    let end = to_end(null)?;
    let manifest = if text.is_instance_of::<PyString>() {
        let bytes = to_bytes("text", text)?;
        text.py().detach(|| c4m::decode_paths(&bytes, end))
    } else {
        with_still_bytes("text", text, |text| c4m::decode_paths(text, end))?
    };
    Ok(manifest.into())
}

/// The paths of a manifest as pieces of a text, each a whole number of paths: those that it has when this is made.
#[pyclass(frozen, module = "c4py._rust")]
pub(crate) struct PathBlocks {
    manifest: Arc<c4m::Manifest>,
    writer: Mutex<PathWriter>,
    end: PathEnd,
}

#[pymethods]
impl PathBlocks {
    #[new]
    #[pyo3(signature = (manifest, *, null))]
    fn new(py: Python<'_>, manifest: &Bound<'_, PyAny>, null: &Bound<'_, PyAny>) -> PyResult<Self> {
        let end = to_end(null)?;
        let manifest = to_manifest("manifest", manifest)?.snapshot(py);
        let writer = Mutex::new(py.detach(|| PathWriter::new(&manifest)));
        Ok(Self { manifest, writer, end })
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let block = py.detach(|| {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.next_block(&self.manifest, self.end, BLOCK_BYTES)
        });
        let block = block.map_err(|error| from_nul_in_path(&error))?;
        Ok((!block.is_empty()).then(|| PyBytes::new(py, &block)))
    }

    /// Count of the paths.
    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| self.writer.lock().unwrap_or_else(PoisonError::into_inner).count())
    }
}

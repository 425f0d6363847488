//! Entries of a manifest that something has found: a sequence of handles, made when they are asked for.

use c4::c4m::{Manifest, RowId};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice, PyType};

use crate::entry::Entry;
use crate::entry_sequence::{EntrySequence, places_of};
use crate::shared::Shared;

/// Entries of a manifest: a sequence that cannot be changed, as long as millions of them. Each entry reads and writes its
/// manifest.
#[pyclass(frozen, module = "c4py.manifest", sequence)]
pub(crate) struct EntryView {
    manifest: Shared,
    rows: Vec<RowId>,
}

impl EntryView {
    pub(crate) fn new(manifest: &Shared, rows: Vec<RowId>) -> Self {
        Self { manifest: manifest.clone(), rows }
    }
}

impl EntrySequence for EntryView {
    fn shared(&self) -> &Shared {
        &self.manifest
    }

    fn length(&self, _manifest: &Manifest) -> usize {
        self.rows.len()
    }

    fn row(&self, _manifest: &Manifest, place: usize) -> Option<RowId> {
        self.rows.get(place).copied()
    }
}

#[pymethods]
impl EntryView {
    fn __len__(&self) -> usize {
        self.rows.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = index.cast::<PySlice>() {
            let rows = places_of(slice, self.rows.len())?.map(|place| self.rows[place]).collect();
            return Ok(Bound::new(py, Self::new(&self.manifest, rows))?.into_any());
        }
        Ok(Bound::new(py, self.at(py, index)?)?.into_any())
    }

    fn __iter__(slf: Py<Self>) -> EntryViewIterator {
        EntryViewIterator { view: slf, done: 0, reverse: false }
    }

    fn __reversed__(slf: Py<Self>) -> EntryViewIterator {
        EntryViewIterator { view: slf, done: 0, reverse: true }
    }

    fn __contains__(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> bool {
        self.has(py, value)
    }

    /// A plain list of these entries and those of another list.
    fn __add__<'py>(&self, py: Python<'py>, entries: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.sum(py, entries)
    }

    fn __radd__<'py>(&self, py: Python<'py>, entries: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        entries.add(self.to_list(py)?)
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.equals(py, other)
    }

    /// Index of the first entry that is equal to a value, between two indexes.
    #[pyo3(signature = (value, start=0, stop=isize::MAX, /), text_signature = "($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(&self, py: Python<'_>, value: &Bound<'_, PyAny>, start: isize, stop: isize) -> PyResult<usize> {
        self.first_index(py, value, start, stop)
    }

    /// How many entries are equal to a value.
    fn count(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> usize {
        self.occurrences(py, value)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.text(py)
    }

    /// Pickled as a list of the entries of a manifest that holds them alone, where they keep their paths.
    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (crate::manifest::Manifest,)) {
        let kept = self.manifest.detached(py, |manifest| {
            let outline = manifest.outline();
            let mut kept = Manifest::default();
            for row in &self.rows {
                let new = kept.push(&manifest.get(*row));
                if let Some(place) = outline.place_of(manifest, *row).filter(|place| outline.parent(*place).is_some()) {
                    kept.set_detached_path(new, outline.path(manifest, place));
                }
            }
            kept
        });
        (py.get_type::<PyList>(), (kept.into(),))
    }
}

/// Entries of a view one by one.
#[pyclass(module = "c4py")]
pub(crate) struct EntryViewIterator {
    view: Py<EntryView>,
    done: usize,
    reverse: bool,
}

#[pymethods]
impl EntryViewIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&mut self) -> Option<Entry> {
        let view = self.view.get();
        let place = if self.reverse { view.rows.len().checked_sub(self.done + 1)? } else { self.done };
        let row = *view.rows.get(place)?;
        self.done += 1;
        Some(Entry::in_manifest(&view.manifest, row))
    }
}

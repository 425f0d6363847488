//! Entries of a manifest that something has found: a sequence of handles, made when they are asked for.

use c4::c4m::RowId;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

use crate::entries::{place_of, to_index};
use crate::entry::Entry;
use crate::manifest::Manifest;
use crate::shared::Shared;

/// Entries of a manifest: a sequence that cannot be changed, as long as millions of them. Each entry reads and writes its
/// manifest.
#[pyclass(frozen, module = "c4py", sequence)]
pub(crate) struct EntryView {
    manifest: Shared,
    rows: Vec<RowId>,
}

impl EntryView {
    pub(crate) fn new(manifest: &Shared, rows: Vec<RowId>) -> Self {
        Self { manifest: manifest.clone(), rows }
    }

    fn entry(&self, row: RowId) -> Entry {
        Entry::in_manifest(&self.manifest, row)
    }

    fn to_list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let entries: Vec<Bound<'py, Entry>> =
            self.rows.iter().map(|row| Bound::new(py, self.entry(*row))).collect::<PyResult<_>>()?;
        PyList::new(py, entries)
    }

    fn places(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> Vec<usize> {
        let Ok(wanted) = value.cast::<Entry>() else { return Vec::new() };
        let wanted = wanted.get().to_entry(py);
        let manifest = self.manifest.read(py);
        let is_wanted = |row: &RowId| {
            let row = manifest.get(*row);
            row.name == wanted.name && row.to_entry() == wanted
        };
        (0..self.rows.len()).filter(|place| is_wanted(&self.rows[*place])).collect()
    }
}

#[pymethods]
impl EntryView {
    fn __len__(&self) -> usize {
        self.rows.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = index.cast::<PySlice>() {
            let range = slice.indices(self.rows.len() as isize)?;
            let rows = (0..range.slicelength)
                .filter_map(|step| range.start.checked_add_unsigned(0)?.checked_add(range.step * step as isize))
                .filter_map(|place| self.rows.get(usize::try_from(place).ok()?).copied())
                .collect();
            return Ok(Bound::new(py, Self::new(&self.manifest, rows))?.into_any());
        }
        let place = place_of(to_index(index)?, self.rows.len())?;
        let row = self.rows.get(place).ok_or_else(|| PyIndexError::new_err("list index out of range"))?;
        Ok(Bound::new(py, self.entry(*row))?.into_any())
    }

    fn __iter__(slf: Py<Self>) -> EntryViewIterator {
        EntryViewIterator { view: slf, next: 0 }
    }

    fn __contains__(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> bool {
        !self.places(py, value).is_empty()
    }

    fn __add__<'py>(&self, py: Python<'py>, entries: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let entries = match entries.cast::<Self>() {
            Ok(entries) => entries.get().to_list(py)?.into_any(),
            Err(_) => entries.clone(),
        };
        self.to_list(py)?.as_any().add(entries)
    }

    fn __radd__<'py>(&self, py: Python<'py>, entries: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        entries.add(self.to_list(py)?)
    }

    fn __eq__<'py>(&self, py: Python<'py>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let other = match other.cast::<Self>() {
            Ok(other) => other.get().to_list(py)?.into_any(),
            Err(_) => other.clone(),
        };
        self.to_list(py)?.as_any().rich_compare(other, pyo3::pyclass::CompareOp::Eq)
    }

    /// Index of the first entry that is equal to a value.
    fn index(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<usize> {
        let first = self.places(py, value).first().copied();
        first.ok_or_else(|| pyo3::exceptions::PyValueError::new_err("the entry is not in the sequence"))
    }

    /// How many entries are equal to a value.
    fn count(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> usize {
        self.places(py, value).len()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        const SHOWN: usize = 5;
        let first = Self::new(&self.manifest, self.rows.iter().take(SHOWN).copied().collect()).to_list(py)?;
        let text = first.repr()?.to_string_lossy().into_owned();
        let more = self.rows.len().saturating_sub(SHOWN);
        Ok(if more == 0 { text } else { format!("{}, ... {more} more]", &text[..text.len() - 1]) })
    }

    /// Pickled as a list of the entries of a manifest that holds them alone, where they keep their paths.
    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, (Manifest,)) {
        let kept = self.manifest.detached(py, |manifest| {
            let outline = manifest.outline();
            let mut kept = c4::c4m::Manifest::default();
            for row in &self.rows {
                let new = kept.push(&manifest.get(*row));
                if let Some(place) = outline.place_of(manifest, *row).filter(|place| outline.parent(*place).is_some()) {
                    kept.set_detached_path(new, outline.path(manifest, place));
                }
            }
            kept
        });
        (py.get_type::<PyList>().into_any(), (Manifest::from(kept),))
    }
}

/// Entries of a view one by one.
#[pyclass(module = "c4py")]
pub(crate) struct EntryViewIterator {
    view: Py<EntryView>,
    next: usize,
}

#[pymethods]
impl EntryViewIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&mut self) -> Option<Entry> {
        let view = self.view.get();
        let row = *view.rows.get(self.next)?;
        self.next += 1;
        Some(view.entry(row))
    }
}

//! `Manifest.entries`: a list of entries that reads and writes the manifest.

use std::collections::HashSet;

use c4::c4m::{Manifest, RowId};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySlice, PyType};

use crate::entry::Entry;
use crate::entry_sequence::{EntrySequence, place_of, places_of, to_index};
use crate::errors::wrong_type;
use crate::shared::Shared;

/// The entries of a manifest, as a list: what is done to it is done to the manifest.
///
/// An entry that is put in becomes part of the manifest; one that is in a manifest already is copied, unless it was
/// taken out of this one.
#[pyclass(frozen, module = "c4py.manifest", sequence)]
pub(crate) struct EntryList(pub(crate) Shared);

/// Makes a row of an entry: that of an entry that was taken out of this manifest, or a new one.
pub(crate) fn row_for(manifest: &Shared, entry: &Bound<'_, Entry>) -> RowId {
    let py = entry.py();
    if let Some(row) = entry.get().row_in(manifest).filter(|row| !manifest.read(py).is_listed(*row)) {
        return row;
    }
    let values = entry.get().to_entry(py);
    let row = manifest.write(py).add_row(&values.as_row());
    entry.get().settle(py, manifest, row);
    row
}

pub(crate) fn to_entry<'a, 'py>(argument: &str, value: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, Entry>> {
    value.cast::<Entry>().map_err(|_| wrong_type(argument, "an Entry", value))
}

/// Replaces the whole list. Entries of this manifest keep their rows.
pub(crate) fn replace_all(manifest: &Shared, entries: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = entries.py();
    let mut order = Vec::new();
    let mut seen = HashSet::new();
    let iterator = entries.try_iter().map_err(|_| wrong_type("entries", "an iterable of Entry", entries))?;
    let entries: Vec<Bound<'_, PyAny>> = iterator.collect::<PyResult<_>>()?;
    let entries = (entries.iter().enumerate())
        .map(|(number, entry)| to_entry(&format!("entries[{number}]"), entry))
        .collect::<PyResult<Vec<_>>>()?;
    for entry in entries {
        let row = match entry.get().row_in(manifest) {
            Some(row) if seen.insert(row) => row,
            // The same entry once more: a list would hold it twice, here it is copied.
            Some(row) => {
                let values = manifest.read(py).get(row).to_entry();
                manifest.write(py).add_row(&values.as_row())
            }
            None => row_for(manifest, entry),
        };
        seen.insert(row);
        order.push(row);
    }
    manifest.write(py).replace_order(order);
    Ok(())
}

impl EntrySequence for EntryList {
    fn shared(&self) -> &Shared {
        &self.0
    }

    fn length(&self, manifest: &Manifest) -> usize {
        manifest.len()
    }

    fn row(&self, manifest: &Manifest, place: usize) -> Option<RowId> {
        manifest.row_at(place)
    }
}

impl EntryList {
    /// Does to a plain list of the entries what the caller asks for, then takes its order over.
    fn through_list(&self, py: Python<'_>, change: impl FnOnce(&Bound<'_, PyList>) -> PyResult<()>) -> PyResult<()> {
        let list = self.to_list(py)?;
        change(&list)?;
        replace_all(&self.0, &list)
    }
}

#[pymethods]
impl EntryList {
    fn __len__(&self, py: Python<'_>) -> usize {
        self.len(py)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = index.cast::<PySlice>() {
            return Ok(self.handles(py, places_of(slice, self.len(py))?)?.into_any());
        }
        Ok(Bound::new(py, self.at(py, index)?)?.into_any())
    }

    fn __setitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if index.is_instance_of::<PySlice>() {
            return self.through_list(py, |list| list.as_any().set_item(index, value));
        }
        let index = to_index(index)?;
        let entry = to_entry("value", value)?;
        {
            let manifest = self.0.read(py);
            let place = place_of(index, manifest.len())?;
            if entry.get().row_in(&self.0).is_some_and(|row| manifest.row_at(place) == Some(row)) {
                return Ok(());
            }
        }
        let row = row_for(&self.0, entry);
        let mut manifest = self.0.write(py);
        let place = place_of(index, manifest.len())?;
        manifest.remove(place);
        manifest.insert(place, row);
        Ok(())
    }

    fn __delitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(slice) = index.cast::<PySlice>() {
            let mut manifest = self.0.write(py);
            let mut keep = vec![true; manifest.len()];
            places_of(slice, manifest.len())?.for_each(|place| keep[place] = false);
            let order = manifest.iter().zip(keep).filter_map(|(row, kept)| kept.then_some(row)).collect();
            manifest.replace_order(order);
            return Ok(());
        }
        let index = to_index(index)?;
        let mut manifest = self.0.write(py);
        let place = place_of(index, manifest.len())?;
        manifest.remove(place);
        Ok(())
    }

    fn __iter__(&self) -> EntryIterator {
        EntryIterator::new(&self.0, false)
    }

    fn __reversed__(&self) -> EntryIterator {
        EntryIterator::new(&self.0, true)
    }

    fn __contains__(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> bool {
        self.has(py, value)
    }

    /// Add an entry at the end.
    fn append(&self, py: Python<'_>, entry: &Bound<'_, PyAny>) -> PyResult<()> {
        let entry = to_entry("entry", entry)?;
        let row = row_for(&self.0, entry);
        let mut manifest = self.0.write(py);
        let end = manifest.len();
        manifest.insert(end, row);
        Ok(())
    }

    /// Add all entries of an iterable at the end.
    fn extend(&self, entries: &Bound<'_, PyAny>) -> PyResult<()> {
        let iterator = entries.try_iter().map_err(|_| wrong_type("entries", "an iterable of Entry", entries))?;
        let entries: Vec<Bound<'_, PyAny>> = iterator.collect::<PyResult<_>>()?;
        for (number, entry) in entries.iter().enumerate() {
            to_entry(&format!("entries[{number}]"), entry)?;
        }
        entries.iter().try_for_each(|entry| self.append(entry.py(), entry))
    }

    fn __iadd__(&self, entries: &Bound<'_, PyAny>) -> PyResult<()> {
        self.extend(entries)
    }

    /// A plain list of these entries and those of another list.
    fn __add__<'py>(&self, py: Python<'py>, entries: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.sum(py, entries)
    }

    fn __radd__<'py>(&self, py: Python<'py>, entries: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        entries.add(self.to_list(py)?)
    }

    /// Add an entry before the one at an index.
    fn insert(&self, py: Python<'_>, index: isize, entry: &Bound<'_, PyAny>) -> PyResult<()> {
        let entry = to_entry("entry", entry)?;
        let row = row_for(&self.0, entry);
        let mut manifest = self.0.write(py);
        let length = manifest.len() as isize;
        let place = if index < 0 { (index + length).max(0) } else { index.min(length) };
        manifest.insert(place as usize, row);
        Ok(())
    }

    /// Take the entry at an index out, and return it.
    #[pyo3(signature = (index=-1), text_signature = "($self, /, index=-1)")]
    fn pop(&self, py: Python<'_>, index: isize) -> PyResult<Entry> {
        let row = {
            let mut manifest = self.0.write(py);
            let place = place_of(index, manifest.len())?;
            manifest.remove(place)
        };
        Ok(Entry::in_manifest(&self.0, row))
    }

    /// Take the first entry that is equal to a value out.
    fn remove(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let place = self.first_index(py, value, 0, isize::MAX)?;
        self.0.write(py).remove(place);
        Ok(())
    }

    /// Take all entries out.
    fn clear(&self, py: Python<'_>) {
        self.0.write(py).replace_order(Vec::new());
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

    /// Reverse the order.
    fn reverse(&self, py: Python<'_>) {
        let mut manifest = self.0.write(py);
        let mut order: Vec<RowId> = manifest.iter().collect();
        order.reverse();
        manifest.replace_order(order);
    }

    /// Sort by a key, as a list does. For canonical order see Manifest.sort_entries.
    #[pyo3(signature = (*, key=None, reverse=false))]
    fn sort(&self, py: Python<'_>, key: Option<&Bound<'_, PyAny>>, reverse: bool) -> PyResult<()> {
        self.through_list(py, |list| {
            let arguments = PyDict::new(py);
            arguments.set_item("key", key)?;
            arguments.set_item("reverse", reverse)?;
            list.call_method("sort", (), Some(&arguments)).map(|_| ())
        })
    }

    /// A plain list of the entries.
    fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.to_list(py)
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.equals(py, other)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.text(py)
    }

    fn __copy__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.to_list(py)
    }

    /// Pickled as a list of the entries of a copy of the manifest, where they keep their paths.
    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (crate::manifest::Manifest,)) {
        let copy = self.0.detached(py, |manifest| {
            let mut copy = manifest.clone();
            copy.compact();
            copy
        });
        (py.get_type::<PyList>(), (copy.into(),))
    }
}

/// Entries one by one; the list may grow meanwhile.
#[pyclass(module = "c4py")]
pub(crate) struct EntryIterator {
    manifest: Shared,
    done: usize,
    reverse: bool,
}

impl EntryIterator {
    pub(crate) fn new(manifest: &Shared, reverse: bool) -> Self {
        Self { manifest: manifest.clone(), done: 0, reverse }
    }
}

#[pymethods]
impl EntryIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> Option<Entry> {
        let row = {
            let manifest = self.manifest.read(py);
            let place = if self.reverse { manifest.len().checked_sub(self.done + 1)? } else { self.done };
            manifest.row_at(place)?
        };
        self.done += 1;
        Some(Entry::in_manifest(&self.manifest, row))
    }
}

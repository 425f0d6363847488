//! What a list and a view of entries have in common: they are rows of one manifest, and make handles when asked.

use std::fmt::Write as _;

use c4::c4m::{self, RowId};
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

use crate::entries::EntryList;
use crate::entry::Entry;
use crate::entry_view::EntryView;
use crate::errors::wrong_type;
use crate::shared::Shared;

/// Entries that a `repr` shows.
const SHOWN: usize = 5;

/// Rows of one manifest, in an order. Work is in proportion to the entries that are asked for, not to all of them.
pub(crate) trait EntrySequence {
    fn shared(&self) -> &Shared;
    fn length(&self, manifest: &c4m::Manifest) -> usize;
    fn row(&self, manifest: &c4m::Manifest, place: usize) -> Option<RowId>;

    fn len(&self, py: Python<'_>) -> usize {
        self.length(&self.shared().read(py))
    }

    /// The rows at places, those that are there.
    fn rows(&self, py: Python<'_>, places: impl Iterator<Item = usize>) -> Vec<RowId> {
        let manifest = self.shared().read(py);
        places.filter_map(|place| self.row(&manifest, place)).collect()
    }

    fn handles<'py>(&self, py: Python<'py>, places: impl Iterator<Item = usize>) -> PyResult<Bound<'py, PyList>> {
        let rows = self.rows(py, places).into_iter();
        let handles = rows.map(|row| Bound::new(py, Entry::in_manifest(self.shared(), row)));
        PyList::new(py, handles.collect::<PyResult<Vec<_>>>()?)
    }

    fn to_list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.handles(py, 0..self.len(py))
    }

    fn at(&self, py: Python<'_>, index: &Bound<'_, PyAny>) -> PyResult<Entry> {
        let index = to_index(index)?;
        let manifest = self.shared().read(py);
        let row = self.row(&manifest, place_of(index, self.length(&manifest))?);
        Ok(Entry::in_manifest(self.shared(), row.ok_or_else(out_of_range)?))
    }

    /// The place of the first entry that is equal to a value, from a place on and before another.
    fn position(&self, py: Python<'_>, value: &Bound<'_, PyAny>, start: isize, stop: isize) -> Option<usize> {
        self.with_equal(py, value, start, stop, |places| places.next()).flatten()
    }

    fn has(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> bool {
        self.position(py, value, 0, isize::MAX).is_some()
    }

    fn first_index(&self, py: Python<'_>, value: &Bound<'_, PyAny>, start: isize, stop: isize) -> PyResult<usize> {
        self.position(py, value, start, stop).ok_or_else(not_in_list)
    }

    fn occurrences(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> usize {
        self.with_equal(py, value, 0, isize::MAX, |places| places.count()).unwrap_or(0)
    }

    /// Calls a function with the places of entries that are equal to a value; `None` for a value that is no entry.
    fn with_equal<T>(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        start: isize,
        stop: isize,
        function: impl FnOnce(&mut dyn Iterator<Item = usize>) -> T,
    ) -> Option<T> {
        let wanted = value.cast::<Entry>().ok()?.get().to_entry(py);
        let manifest = self.shared().read(py);
        let length = self.length(&manifest);
        let bound = |index: isize| match usize::try_from(index) {
            Ok(place) => place.min(length),
            Err(_) => length.saturating_sub(index.unsigned_abs()),
        };
        let is_equal = |place: &usize| {
            self.row(&manifest, *place).is_some_and(|row| {
                let row = manifest.get(row);
                row.name == wanted.name && row.to_entry() == wanted
            })
        };
        Some(function(&mut (bound(start)..bound(stop)).filter(is_equal)))
    }

    /// A plain list of these entries and those of another sequence.
    fn sum<'py>(&self, py: Python<'py>, others: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let others = plain(others)?.map_or_else(|| others.clone(), Bound::into_any);
        self.to_list(py)?.as_any().add(others)
    }

    /// Whether another list has equal entries. Lists of different lengths are not looked at.
    fn equals(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let length = match (other.cast::<EntryList>(), other.cast::<EntryView>(), other.cast::<PyList>()) {
            (Ok(list), ..) => list.get().len(py),
            (_, Ok(view), _) => view.get().len(py),
            (_, _, Ok(list)) => list.len(),
            _ => return Ok(py.NotImplemented()),
        };
        let equal = length == self.len(py) && {
            let other = plain(other)?.map_or_else(|| other.clone(), Bound::into_any);
            self.to_list(py)?.as_any().eq(other)?
        };
        Ok(equal.into_pyobject(py)?.to_owned().into_any().unbind())
    }

    fn text(&self, py: Python<'_>) -> PyResult<String> {
        let length = self.len(py);
        let mut text = self.handles(py, 0..length.min(SHOWN))?.repr()?.to_string_lossy().into_owned();
        if length > SHOWN {
            text.pop();
            let _ = write!(text, ", ... {} more]", length - SHOWN);
        }
        Ok(text)
    }
}

/// The handles of a list or view of entries; `None` for anything else.
fn plain<'py>(entries: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyList>>> {
    let py = entries.py();
    if let Ok(list) = entries.cast::<EntryList>() {
        return list.get().to_list(py).map(Some);
    }
    entries.cast::<EntryView>().ok().map(|view| view.get().to_list(py)).transpose()
}

/// The place that an index means in a list of this length.
pub(crate) fn place_of(index: isize, length: usize) -> PyResult<usize> {
    let place = if index < 0 { index.checked_add_unsigned(length) } else { Some(index) };
    place.and_then(|place| usize::try_from(place).ok()).filter(|place| *place < length).ok_or_else(out_of_range)
}

/// The places that a slice means in a list of this length.
pub(crate) fn places_of(slice: &Bound<'_, PySlice>, length: usize) -> PyResult<impl Iterator<Item = usize> + use<>> {
    let range = slice.indices(isize::try_from(length)?)?;
    Ok((0..range.slicelength as isize).map(move |step| (range.start + range.step * step) as usize))
}

pub(crate) fn to_index(index: &Bound<'_, PyAny>) -> PyResult<isize> {
    index.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyTypeError>(index.py()) {
            wrong_type("index", "int or slice", index)
        } else {
            out_of_range()
        }
    })
}

fn out_of_range() -> PyErr {
    PyIndexError::new_err("list index out of range")
}

pub(crate) fn not_in_list() -> PyErr {
    PyValueError::new_err("the entry is not in the list")
}

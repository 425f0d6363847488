//! `Manifest`: a file tree, as a list of entries.

use std::collections::HashMap;

use c4::C4Id;
use c4::c4m::{self, RowId};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PySlice, PyString, PyTuple};

use crate::entries::{EntryIterator, EntryList, replace_all};
use crate::entry::Entry;
use crate::entry_sequence::EntrySequence;
use crate::errors::{from_encode, wrong_type};
use crate::id::{C4ID, to_id};
use crate::names::{to_bytes, to_str};
use crate::scanner::ScanIssue;
use crate::shared::Shared;
use crate::state::{manifest_from, manifest_state};

/// A file tree: a list of entries, each of which knows its name and depth.
///
/// `m.entries` is the list; `m[0]` and iteration give entries, `m["dir/file"]` the entry of a path (with or without the
/// slash of a directory) in constant time, `"dir/file" in m` whether there is one. Several threads may read one manifest.
///
/// >>> import c4py
/// >>> m = c4py.Manifest([c4py.Entry("b", size=2), c4py.Entry("a", size=1)])
/// >>> print(c4py.dumps(m), end="")
/// - - 1 a -
/// - - 2 b -
#[pyclass(frozen, module = "c4py", weakref)]
pub(crate) struct Manifest {
    pub(crate) shared: Shared,
    /// What a scan reports.
    pub(crate) errors: Vec<ScanIssue>,
}

impl From<c4m::Manifest> for Manifest {
    fn from(manifest: c4m::Manifest) -> Self {
        Self::new(manifest, Vec::new())
    }
}

impl Manifest {
    pub(crate) fn new(manifest: c4m::Manifest, errors: Vec<ScanIssue>) -> Self {
        Self { shared: Shared::new(manifest), errors }
    }

    /// Entries with the paths that a kind of iteration gives.
    fn pairs(&self, kind: Kind) -> PathIterator {
        PathIterator { manifest: self.shared.clone(), next: 0, kind }
    }

    fn find(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Option<RowId>> {
        let path = if key.is_instance_of::<PyString>() || key.is_instance_of::<PyBytes>() {
            to_bytes("key", key)?
        } else {
            to_bytes("key", &py.import("os")?.call_method1("fspath", (key,))?)?
        };
        let manifest = self.shared.read(py);
        Ok(manifest.outline().find(&manifest, &path).and_then(|place| manifest.row_at(place)))
    }

    fn summary_of(&self, py: Python<'_>) -> c4m::Summary {
        self.shared.detached(py, c4m::Manifest::summary)
    }
}

/// A number with a comma between groups of three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[pymethods]
impl Manifest {
    #[new]
    #[pyo3(signature = (entries=None))]
    fn py_new(entries: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let manifest = Self::from(c4m::Manifest::default());
        if let Some(entries) = entries {
            replace_all(&manifest.shared, entries)?;
        }
        Ok(manifest)
    }

    /// The entries, as a list that writes through.
    #[getter]
    fn entries(&self) -> EntryList {
        EntryList(self.shared.clone())
    }

    #[setter]
    fn set_entries(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        replace_all(&self.shared, value)
    }

    /// ID of the external manifest that this is a patch of, from the first line of a text; None without one.
    #[getter]
    fn base(&self, py: Python<'_>) -> Option<C4ID> {
        self.shared.read(py).base.map(C4ID)
    }

    #[setter]
    fn set_base(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let id = to_id("base", value)?;
        self.shared.write(py).base = Some(id).filter(|id| !id.is_nil());
        Ok(())
    }

    /// The sections of the patch chain that the manifest was loaded from, the first state first, each a tuple of
    /// entries; empty when the text was no chain.
    #[getter]
    fn patch_sections<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let sections: Vec<Shared> = {
            let manifest = self.shared.read(py);
            manifest.sections().iter().map(|section| Shared::new(c4m::Manifest::from(section.rows.clone()))).collect()
        };
        let tuples: Vec<Bound<'py, PyTuple>> = sections
            .iter()
            .map(|section| {
                let rows: Vec<RowId> = section.read(py).iter().collect();
                let entries: PyResult<Vec<Bound<'py, Entry>>> =
                    rows.into_iter().map(|row| Bound::new(py, Entry::in_manifest(section, row))).collect();
                PyTuple::new(py, entries?)
            })
            .collect::<PyResult<_>>()?;
        PyTuple::new(py, tuples)
    }

    /// What a scan could not read or finds worth knowing: a list of ScanIssue.
    #[getter]
    fn errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.errors.iter().cloned().map(|error| Bound::new(py, error)).collect::<PyResult<Vec<_>>>()?)
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.shared.read(py).len()
    }

    fn __iter__(&self) -> EntryIterator {
        EntryIterator::new(&self.shared, false)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if key.is_instance_of::<PySlice>() {
            return Bound::new(py, self.entries())?.as_any().get_item(key);
        }
        if key.hasattr("__index__")? {
            return Ok(Bound::new(py, self.entries().at(py, key)?)?.into_any());
        }
        let row = self.find(py, key).map_err(|_| wrong_type("key", "int, slice or path", key))?;
        let row = row.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))?;
        Ok(Bound::new(py, Entry::in_manifest(&self.shared, row))?.into_any())
    }

    fn __contains__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<bool> {
        if key.is_instance_of::<Entry>() {
            return Bound::new(py, self.entries())?.as_any().contains(key);
        }
        Ok(self.find(py, key).is_ok_and(|row| row.is_some()))
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> Py<PyAny> {
        let Ok(other) = other.cast::<Self>() else { return py.NotImplemented() };
        let other = &other.get().shared;
        let equal = self.shared.is(other)
            || self.shared.detached_two(other, py, |own, other| {
                own.len() == other.len()
                    && own.base == other.base
                    && own.range_data() == other.range_data()
                    && own.iter().zip(other.iter()).all(|(a, b)| {
                        own.get(a).same_entry(&other.get(b)) && own.detached_path(a) == other.detached_path(b)
                    })
            });
        equal.into_pyobject(py).map_or_else(|e| match e {}, |b| b.to_owned().into_any().unbind())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<c4py.Manifest: {}>", self.summary(py))
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        self.copy(py)
    }

    fn __deepcopy__(&self, py: Python<'_>, _memo: &Bound<'_, PyAny>) -> Self {
        self.copy(py)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        let make = py.import("c4py._rust")?.getattr("manifest_from_state")?;
        let state = manifest_state(py, &self.shared.read(py))?;
        state.set_item("errors", self.errors(py)?)?;
        Ok((make, (state,)))
    }

    /// A manifest of its own with the same entries.
    fn copy(&self, py: Python<'_>) -> Self {
        let copy = self.shared.detached(py, |manifest| {
            let mut copy = manifest.clone();
            copy.compact();
            copy
        });
        Self::new(copy, self.errors.clone())
    }

    /// All entries with their paths, in the order of the list: an iterator of (path, entry). Paths have no slash at
    /// their end.
    fn flat_entries(&self) -> PathIterator {
        self.pairs(Kind::All)
    }

    /// Entries that are not directories, with their paths: an iterator of (path, entry).
    fn files(&self) -> PathIterator {
        self.pairs(Kind::Files)
    }

    /// Directories with their paths: an iterator of (path, entry).
    fn directories(&self) -> PathIterator {
        self.pairs(Kind::Directories)
    }

    /// How many entries are not directories.
    fn file_count(&self, py: Python<'_>) -> usize {
        self.summary_of(py).files
    }

    /// How many entries are directories.
    fn dir_count(&self, py: Python<'_>) -> usize {
        self.summary_of(py).directories
    }

    /// Sum of the known sizes of entries that are not directories, in bytes.
    fn total_size(&self, py: Python<'_>) -> u128 {
        self.summary_of(py).bytes
    }

    /// The total size for people, as "14.2 GB".
    fn human_total(&self, py: Python<'_>) -> String {
        c4m::human_size(self.summary_of(py).bytes)
    }

    /// One line: "1,247 files, 38 directories, 14.2 GB total, 1,201 unique C4 IDs".
    fn summary(&self, py: Python<'_>) -> String {
        let summary = self.summary_of(py);
        format!(
            "{} files, {} directories, {} total, {} unique C4 IDs",
            grouped(summary.files),
            grouped(summary.directories),
            c4m::human_size(summary.bytes),
            grouped(summary.unique_ids)
        )
    }

    /// Files that have the same content: a dict of ID to the paths that have it, where those are two or more; in the
    /// order of the list. With `directories`, directories with the same listing as well.
    #[pyo3(signature = (*, directories=false))]
    fn duplicates<'py>(&self, py: Python<'py>, directories: bool) -> PyResult<Bound<'py, PyDict>> {
        let groups = self.shared.detached(py, |manifest| {
            let mut places: HashMap<C4Id, Vec<usize>> = HashMap::new();
            for (place, row) in manifest.iter().enumerate() {
                let entry = manifest.get(row);
                let counts = if entry.is_dir() { directories } else { entry.mode.is_regular() };
                if counts && !entry.id.is_nil() {
                    places.entry(*entry.id).or_default().push(place);
                }
            }
            let mut groups: Vec<(C4Id, Vec<usize>)> =
                places.into_iter().filter(|(_, places)| places.len() > 1).collect();
            groups.sort_unstable_by_key(|(_, places)| places[0]);
            let outline = manifest.outline();
            let path = |place: usize| outline.path(manifest, place);
            groups
                .into_iter()
                .map(|(id, places)| (id, places.into_iter().map(path).collect()))
                .collect::<Vec<(C4Id, Vec<Vec<u8>>)>>()
        });
        let result = PyDict::new(py);
        for (id, paths) in groups {
            let paths: Vec<_> = paths
                .iter()
                .map(|path| to_str(py, path.strip_suffix(b"/").unwrap_or(path)))
                .collect::<PyResult<_>>()?;
            result.set_item(C4ID(id), paths)?;
        }
        Ok(result)
    }

    /// The entries that match, as a manifest of their own in which they keep their paths.
    ///
    /// `pattern_or_func` is a function of (path, entry), or a glob as in fnmatch that is matched with the whole path,
    /// its "*" with slashes too. With `parents`, the directories above what matches are kept as well: only then the text
    /// of the result says where its entries are, and patches can be made of it. The entries are copies.
    #[pyo3(signature = (pattern_or_func, *, parents=false))]
    fn filter(&self, py: Python<'_>, pattern_or_func: &Bound<'_, PyAny>, parents: bool) -> PyResult<Self> {
        let matches: Box<Matcher> = if pattern_or_func.is_instance_of::<PyString>() {
            let pattern = py.import("fnmatch")?.call_method1("translate", (pattern_or_func,))?;
            let pattern = py.import("re")?.call_method1("compile", (pattern,))?.getattr("match")?.unbind();
            Box::new(move |path, _| Ok(!pattern.bind(path.py()).call1((path,))?.is_none()))
        } else if pattern_or_func.is_callable() {
            let function = pattern_or_func.clone().unbind();
            Box::new(move |path, entry| function.bind(path.py()).call1((path, entry))?.is_truthy())
        } else {
            return Err(wrong_type("pattern_or_func", "a glob or a function", pattern_or_func));
        };
        let mut kept = Vec::new();
        let mut pairs = self.pairs(Kind::All);
        while let Some((path, entry)) = pairs.next_pair(py)? {
            let row = entry.row_in(&self.shared);
            if matches(&path, entry)? {
                kept.extend(row);
            }
        }
        Ok(Self::from(self.shared.detached(py, |manifest| filtered(manifest, &kept, parents))))
    }

    /// Put the entries in canonical order; of siblings with one name the last is kept.
    fn sort_entries(&self, py: Python<'_>) {
        self.shared.detached_mut(py, c4m::Manifest::sort);
    }

    /// The manifest's ID: that of the canonical text of its top level, after unknown sizes and times of directories are
    /// filled in (FORMAT: IDs). The same for a scanned tree and for any text of it.
    ///
    /// Raises ValueError for a time outside the years 0 to 9999.
    fn compute_c4id(&self, py: Python<'_>) -> PyResult<C4ID> {
        self.shared.detached(py, c4m::Manifest::compute_id).map(C4ID).map_err(|error| from_encode(&error))
    }

    fn __sizeof__(&self, py: Python<'_>) -> usize {
        size_of::<Self>() + self.shared.read(py).rows().memory_bytes()
    }
}

fn filtered(manifest: &c4m::Manifest, kept: &[RowId], parents: bool) -> c4m::Manifest {
    let outline = manifest.outline();
    let mut keep = vec![false; manifest.len()];
    for row in kept {
        let mut next = outline.place_of(manifest, *row);
        while let Some(place) = next.filter(|place| !keep[*place]) {
            keep[place] = true;
            next = if parents { outline.parent(place) } else { None };
        }
    }
    let mut result = c4m::Manifest::default();
    result.base = manifest.base;
    for (place, row) in manifest.iter().enumerate().filter(|(place, _)| keep[*place]) {
        let entry = manifest.get(row);
        let new = result.push(&entry);
        if let Some(ids) = manifest.range_data().get(entry.id) {
            result.add_range(ids.clone());
        }
        if manifest.detached_path(row).is_some() || outline.parent(place).is_some_and(|parent| !keep[parent]) {
            result.set_detached_path(new, outline.path(manifest, place));
        }
    }
    result
}

/// Makes a manifest from its pickled state.
#[pyfunction]
pub(crate) fn manifest_from_state(state: &Bound<'_, PyAny>) -> PyResult<Manifest> {
    let errors = state.get_item("errors")?.try_iter()?.map(|error| Ok(error?.cast::<ScanIssue>()?.get().clone()));
    Ok(Manifest::new(manifest_from(state)?, errors.collect::<PyResult<_>>()?))
}

/// Decides whether an entry is kept, by its path.
type Matcher = dyn Fn(&Bound<'_, PyString>, Entry) -> PyResult<bool>;

/// Which entries an iteration gives.
#[derive(Clone, Copy)]
enum Kind {
    All,
    Files,
    Directories,
}

/// Entries with their paths, one by one.
#[pyclass(module = "c4py")]
pub(crate) struct PathIterator {
    manifest: Shared,
    next: usize,
    kind: Kind,
}

impl PathIterator {
    fn next_pair<'py>(&mut self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyString>, Entry)>> {
        let manifest = self.manifest.read(py);
        loop {
            let Some(row) = manifest.row_at(self.next) else { return Ok(None) };
            let place = self.next;
            self.next += 1;
            let wanted = match self.kind {
                Kind::All => true,
                Kind::Files => !manifest.get(row).is_dir(),
                Kind::Directories => manifest.get(row).is_dir(),
            };
            if wanted {
                let path = manifest.outline().path(&manifest, place);
                let path = to_str(py, path.strip_suffix(b"/").unwrap_or(&path))?;
                return Ok(Some((path, Entry::in_manifest(&self.manifest, row))));
            }
        }
    }
}

#[pymethods]
impl PathIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyString>, Entry)>> {
        self.next_pair(py)
    }
}

/// The manifest that an argument must be.
pub(crate) fn to_manifest<'a>(argument: &str, value: &'a Bound<'_, PyAny>) -> PyResult<&'a Shared> {
    Ok(&value.cast::<Manifest>().map_err(|_| wrong_type(argument, "a Manifest", value))?.get().shared)
}

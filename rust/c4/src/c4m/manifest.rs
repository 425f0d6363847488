//! A manifest in memory: a list of entries, held as columns.
//!
//! Ten million entries are ordinary, so an entry is a *row* in a few parallel vectors, about 100 bytes and its name, and
//! never an allocation of its own. The list is an *order* of rows: rows are only ever added, sorting, inserting and
//! deleting change the order alone, and so a row's number stays valid for as long as the manifest lives. A row taken out
//! of the list keeps its values, as an object removed from a Python list does; [`Manifest::compact`] drops such rows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use hashbrown::{HashMap, HashSet};

use super::entry::{Entry, Row};
use super::outline::Outline;
use super::rows::{Field, RowId, Rows};
use crate::C4Id;

/// A section of a patch chain: the ID line before it, and its entries in file order.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The ID that stands before the section: an external base for the first, what stands above for the others.
    pub boundary: Option<C4Id>,
    /// The entries as written.
    pub rows: Rows,
}

/// Rows in an order.
pub struct Order<'m> {
    count: usize,
    /// `None` where that is the order of their numbers.
    rows: Option<Cow<'m, [RowId]>>,
}

impl Order<'_> {
    /// Count of rows.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The row at a place.
    pub fn row(&self, place: usize) -> RowId {
        self.rows.as_ref().map_or(place as RowId, |rows| rows[place])
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RowId> + Clone + '_ {
        (0..self.count).map(|place| self.row(place))
    }
}

/// A manifest.
#[derive(Debug, Default)]
pub struct Manifest {
    rows: Rows,
    /// Rows in list order; `None` while that is the order of their numbers and none was taken out.
    order: Option<Vec<RowId>>,
    /// Rows that are not in the list.
    removed: HashSet<RowId>,
    /// Paths of rows whose directories are not in the list.
    detached_paths: HashMap<RowId, Vec<u8>>,
    /// The ID of an external base, from the first line of the text.
    pub base: Option<C4Id>,
    range_data: BTreeMap<C4Id, Vec<C4Id>>,
    sections: Arc<Vec<Section>>,
    outline: OnceLock<Outline>,
}

impl Clone for Manifest {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            order: self.order.clone(),
            removed: self.removed.clone(),
            detached_paths: self.detached_paths.clone(),
            base: self.base,
            range_data: self.range_data.clone(),
            sections: Arc::clone(&self.sections),
            outline: OnceLock::new(),
        }
    }
}

impl From<Rows> for Manifest {
    fn from(rows: Rows) -> Self {
        Self { rows, ..Self::default() }
    }
}

impl FromIterator<Entry> for Manifest {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut manifest = Self::default();
        for entry in entries {
            manifest.push(&entry.as_row());
        }
        manifest
    }
}

impl Manifest {
    /// Count of entries in the list.
    pub fn len(&self) -> usize {
        self.order.as_ref().map_or(self.rows.len(), Vec::len)
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns, taken-out rows included.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The columns alone.
    pub(crate) fn into_rows(self) -> Rows {
        self.rows
    }

    /// The row at a place in the list.
    pub fn row_at(&self, place: usize) -> Option<RowId> {
        match &self.order {
            Some(order) => order.get(place).copied(),
            None => (place < self.rows.len()).then_some(place as RowId),
        }
    }

    /// Whether the list is that of all rows in the order of their numbers.
    pub(crate) fn is_in_row_order(&self) -> bool {
        self.order.is_none()
    }

    /// The rows in list order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RowId> + Clone + '_ {
        let order = self.order.as_deref();
        (0..self.len()).map(move |place| order.map_or(place as RowId, |order| order[place]))
    }

    /// The values of a row.
    pub fn get(&self, row: RowId) -> Row<'_> {
        self.rows.get(row)
    }

    /// Appends an entry.
    pub fn push(&mut self, row: &Row<'_>) -> RowId {
        let id = self.rows.push(row);
        if let Some(order) = &mut self.order {
            order.push(id);
        }
        self.extend_outline();
        id
    }

    /// Takes note of the entry that was put at the end.
    fn extend_outline(&mut self) {
        if let Some(mut outline) = self.outline.take() {
            outline.extend(self);
            let _ = self.outline.set(outline);
        }
    }

    /// Adds a row that is not in the list.
    pub fn add_row(&mut self, row: &Row<'_>) -> RowId {
        self.own_order();
        let id = self.rows.push(row);
        self.removed.insert(id);
        id
    }

    /// Whether a row is in the list.
    pub fn is_listed(&self, row: RowId) -> bool {
        !self.removed.contains(&row)
    }

    /// Puts a row that is not in the list at a place of it.
    pub fn insert(&mut self, place: usize, row: RowId) {
        if place == self.len() {
            self.own_order().push(row);
            self.removed.remove(&row);
            self.extend_outline();
        } else {
            self.order_mut().insert(place, row);
            self.removed.remove(&row);
        }
    }

    /// Takes the row at a place out of the list; it keeps its values.
    pub fn remove(&mut self, place: usize) -> RowId {
        let row = self.order_mut().remove(place);
        self.removed.insert(row);
        row
    }

    /// Sets one value of a row.
    pub fn set(&mut self, row: RowId, field: Field) {
        let is_name = matches!(field, Field::Name(_));
        let is_depth = matches!(field, Field::Depth(_));
        let was_dir = self.rows.is_dir(row);
        self.rows.set(row, field);
        if is_depth || self.rows.is_dir(row) != was_dir {
            self.outline.take();
        } else if is_name && let Some(outline) = self.outline.get_mut() {
            outline.forget_paths();
        }
    }

    /// Sets which rows are in the list, and in what order. Each occurs once.
    pub fn replace_order(&mut self, order: Vec<RowId>) {
        self.outline.take();
        if order.len() == self.rows.len() {
            self.removed.clear();
        } else {
            let mut listed = vec![false; self.rows.len()];
            for row in &order {
                listed[*row as usize] = true;
            }
            self.removed = (0..self.rows.len() as RowId).filter(|row| !listed[*row as usize]).collect();
        }
        self.order = Some(order);
    }

    /// The path of a row whose directories are not in the list, as it was where they are.
    pub fn detached_path(&self, row: RowId) -> Option<&[u8]> {
        self.detached_paths.get(&row).map(Vec::as_slice)
    }

    /// Whether there is a row that has such a path.
    pub fn has_detached_paths(&self) -> bool {
        !self.detached_paths.is_empty()
    }

    /// Keeps the path that a row has in a manifest that it was taken from.
    pub fn set_detached_path(&mut self, row: RowId, path: Vec<u8>) {
        self.outline.take();
        self.detached_paths.insert(row, path);
    }

    /// The order, to change it in place.
    fn order_mut(&mut self) -> &mut Vec<RowId> {
        self.outline.take();
        self.own_order()
    }

    /// The order, as numbers.
    fn own_order(&mut self) -> &mut Vec<RowId> {
        let count = self.rows.len() as RowId;
        self.order.get_or_insert_with(|| (0..count).collect())
    }

    /// ID lists of sequences, by the ID that names each.
    pub fn range_data(&self) -> &BTreeMap<C4Id, Vec<C4Id>> {
        &self.range_data
    }

    /// Keeps an ID list under the ID of its text.
    pub fn add_range(&mut self, ids: Vec<C4Id>) -> C4Id {
        let id = range_id(&ids);
        self.range_data.insert(id, ids);
        id
    }

    /// Keeps those ID lists of another manifest that name the content of an entry.
    pub(crate) fn take_ranges_of(&mut self, source: &Self) {
        if source.range_data.is_empty() {
            return;
        }
        for id in self.rows.ids() {
            if let Some((id, ids)) = source.range_data.get_key_value(id) {
                self.range_data.entry(*id).or_insert_with(|| ids.clone());
            }
        }
    }

    /// The ID lists, to add or drop some; each under the ID of its text.
    pub(crate) fn range_data_mut(&mut self) -> &mut BTreeMap<C4Id, Vec<C4Id>> {
        &mut self.range_data
    }

    /// Forgets every ID list.
    pub fn clear_range_data(&mut self) {
        self.range_data.clear();
    }

    /// The sections of the chain that the manifest was read from; empty when it was none.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Keeps the sections that the list was resolved from.
    pub fn set_sections(&mut self, sections: Vec<Section>) {
        self.sections = Arc::new(sections);
    }

    /// The tree that the list describes. Built on first use, dropped when a name, a depth or the order changes.
    pub fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| Outline::new(self))
    }

    /// Puts the list in canonical order and drops all but the last of siblings with one name.
    pub fn sort(&mut self) {
        if !Outline::is_sorted(self) {
            self.replace_order(self.outline().sorted(self));
        }
    }

    /// The rows in canonical order, without changing the list.
    pub fn canonical_order(&self) -> Order<'_> {
        if Outline::is_sorted(self) {
            return Order { count: self.len(), rows: self.order.as_deref().map(Cow::Borrowed) };
        }
        let rows = self.outline().sorted(self);
        Order { count: rows.len(), rows: Some(Cow::Owned(rows)) }
    }

    /// Drops rows that are not in the list and puts the others in its order. Numbers of rows change.
    pub fn compact(&mut self) {
        if self.order.is_none() {
            self.rows.shrink();
            return;
        }
        let mut rows = Rows::default();
        rows.reserve(self.len(), self.rows.name_bytes());
        let mut detached_paths = HashMap::new();
        for row in self.iter() {
            let new = rows.push(&self.get(row));
            if let Some(path) = self.detached_paths.get(&row) {
                detached_paths.insert(new, path.clone());
            }
        }
        rows.shrink();
        self.rows = rows;
        self.detached_paths = detached_paths;
        self.removed.clear();
        self.order = None;
        self.outline.take();
    }

    /// A manifest with the base, the sections and the ID lists of this one, and rows and detached paths of its own.
    pub(crate) fn with_other_rows(&self, rows: Rows, detached_paths: HashMap<RowId, Vec<u8>>) -> Self {
        Self {
            rows,
            detached_paths,
            base: self.base,
            range_data: self.range_data.clone(),
            sections: Arc::clone(&self.sections),
            ..Self::default()
        }
    }

    /// The same manifest with other rows, all of them in the list.
    pub(crate) fn with_rows(self, rows: Rows) -> Self {
        Self { rows, order: None, outline: OnceLock::new(), ..self }
    }
}

/// The ID of a list of IDs: that of their texts, one after the other.
pub(crate) fn range_id(ids: &[C4Id]) -> C4Id {
    let mut hasher = c4_sha512::Sha512::new();
    for id in ids {
        hasher.update(&id.to_text());
    }
    C4Id(hasher.finalize())
}

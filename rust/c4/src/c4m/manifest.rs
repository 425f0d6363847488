//! A manifest in memory: a list of entries, held as columns.
//!
//! Ten million entries are ordinary, so an entry is a *row* in a few parallel vectors, about 100 bytes and its name, and
//! never an allocation of its own. The list is an *order* of rows: rows are only ever added, sorting, inserting and
//! deleting change the order alone, and so a row's number stays valid for as long as the manifest lives. A row taken out
//! of the list keeps its values, as an object removed from a Python list does; [`Manifest::compact`] drops such rows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::entry::{Entry, Link, Row};
use super::mode::Mode;
use super::outline::Outline;
use super::timestamp::Timestamp;
use crate::C4Id;

/// Number of a row; stable, and not its place in the list.
pub type RowId = u32;

/// Columns of rows.
#[derive(Clone, Default, Debug)]
pub struct Rows {
    modes: Vec<Mode>,
    times: Vec<Timestamp>,
    sizes: Vec<i64>,
    depths: Vec<u32>,
    ids: Vec<C4Id>,
    sequences: Vec<bool>,
    /// Start of each name in `arena`, and its length in bytes.
    names: Vec<(u64, u32)>,
    arena: Vec<u8>,
    links: HashMap<RowId, Link>,
}

impl Rows {
    /// Count of rows.
    pub fn len(&self) -> usize {
        self.modes.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.modes.is_empty()
    }

    /// Makes room for rows and for the bytes of their names.
    pub fn reserve(&mut self, rows: usize, name_bytes: usize) {
        self.modes.reserve(rows);
        self.times.reserve(rows);
        self.sizes.reserve(rows);
        self.depths.reserve(rows);
        self.ids.reserve(rows);
        self.sequences.reserve(rows);
        self.names.reserve(rows);
        self.arena.reserve(name_bytes);
    }

    /// Gives back memory that was reserved and not used.
    pub fn shrink(&mut self) {
        self.modes.shrink_to_fit();
        self.times.shrink_to_fit();
        self.sizes.shrink_to_fit();
        self.depths.shrink_to_fit();
        self.ids.shrink_to_fit();
        self.sequences.shrink_to_fit();
        self.names.shrink_to_fit();
        self.arena.shrink_to_fit();
    }

    /// Forgets all rows and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.truncate(0);
        self.arena.clear();
    }

    /// Keeps the first rows only.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.modes.truncate(count);
        self.times.truncate(count);
        self.sizes.truncate(count);
        self.depths.truncate(count);
        self.ids.truncate(count);
        self.sequences.truncate(count);
        self.names.truncate(count);
        self.links.retain(|row, _| (*row as usize) < count);
    }

    /// Adds a row.
    pub fn push(&mut self, row: &Row<'_>) -> RowId {
        let link = row.link.filter(|link| !link.is_empty()).cloned();
        let start = self.arena.len();
        self.arena.extend_from_slice(row.name);
        self.push_named(start, row, link)
    }

    /// Adds a row whose name is what was appended to the arena since it had `start` bytes; `row.name` is ignored.
    pub(crate) fn push_named(&mut self, start: usize, row: &Row<'_>, link: Option<Link>) -> RowId {
        let id = self.len() as RowId;
        self.names.push((start as u64, (self.arena.len() - start) as u32));
        self.modes.push(row.mode);
        self.times.push(row.time);
        self.sizes.push(row.size);
        self.depths.push(row.depth);
        self.ids.push(*row.id);
        self.sequences.push(row.is_sequence);
        if let Some(link) = link {
            self.links.insert(id, link);
        }
        id
    }

    /// The bytes of all names, to decode a name into; see [`Rows::push_named`].
    pub(crate) fn arena_mut(&mut self) -> &mut Vec<u8> {
        &mut self.arena
    }

    /// The row of this number.
    pub fn get(&self, row: RowId) -> Row<'_> {
        let at = row as usize;
        Row {
            name: self.name(row),
            mode: self.modes[at],
            time: self.times[at],
            size: self.sizes[at],
            id: &self.ids[at],
            depth: self.depths[at],
            link: if self.links.is_empty() { None } else { self.links.get(&row) },
            is_sequence: self.sequences[at],
        }
    }

    /// A row's name.
    pub fn name(&self, row: RowId) -> &[u8] {
        let (start, length) = self.names[row as usize];
        &self.arena[start as usize..start as usize + length as usize]
    }

    /// A row's depth.
    pub fn depth(&self, row: RowId) -> u32 {
        self.depths[row as usize]
    }

    /// A row's mode.
    pub fn mode(&self, row: RowId) -> Mode {
        self.modes[row as usize]
    }

    /// A row's time.
    pub fn time(&self, row: RowId) -> Timestamp {
        self.times[row as usize]
    }

    /// A row's size in bytes; negative when it is not known.
    pub fn size(&self, row: RowId) -> i64 {
        self.sizes[row as usize]
    }

    /// Takes the IDs of all rows out, to write them by several threads; until [`Rows::put_ids`] no row can be read whole.
    pub(crate) fn take_ids(&mut self) -> Vec<C4Id> {
        std::mem::take(&mut self.ids)
    }

    /// Gives the rows their IDs.
    pub(crate) fn put_ids(&mut self, ids: Vec<C4Id>) {
        assert_eq!(ids.len(), self.len(), "every row has an ID");
        self.ids = ids;
    }

    /// A row's ID.
    pub fn id(&self, row: RowId) -> &C4Id {
        &self.ids[row as usize]
    }

    /// Whether a row is a directory.
    pub fn is_dir(&self, row: RowId) -> bool {
        self.name(row).ends_with(b"/") || self.modes[row as usize].is_dir()
    }

    /// Whether every time has a text form; else the row of the first that has none.
    pub(crate) fn first_unwritable_time(&self) -> Option<RowId> {
        self.times.iter().position(|time| !time.is_writable()).map(|at| at as RowId)
    }

    /// Sets one value of a row.
    pub fn set(&mut self, row: RowId, field: Field) {
        let at = row as usize;
        match field {
            Field::Name(name) => {
                self.names[at] = (self.arena.len() as u64, name.len() as u32);
                self.arena.extend_from_slice(&name);
            }
            Field::Mode(mode) => self.modes[at] = mode,
            Field::Time(time) => self.times[at] = time,
            Field::Size(size) => self.sizes[at] = size,
            Field::Id(id) => self.ids[at] = id,
            Field::Depth(depth) => self.depths[at] = depth,
            Field::IsSequence(is_sequence) => self.sequences[at] = is_sequence,
            Field::Link(link) if link.is_empty() => {
                self.links.remove(&row);
            }
            Field::Link(link) => {
                self.links.insert(row, link);
            }
        }
    }

    /// Bytes that the columns occupy.
    pub fn memory_bytes(&self) -> usize {
        let column = size_of::<Mode>()
            + size_of::<Timestamp>()
            + size_of::<i64>()
            + size_of::<u32>()
            + size_of::<C4Id>()
            + size_of::<bool>()
            + size_of::<(u64, u32)>();
        self.modes.capacity() * column
            + self.arena.capacity()
            + self.links.capacity() * (size_of::<(RowId, Link)>() + 1)
    }
}

/// A new value for one field of a row.
#[derive(Clone, Debug)]
pub enum Field {
    /// The name.
    Name(Vec<u8>),
    /// Type and permissions.
    Mode(Mode),
    /// Modification time.
    Time(Timestamp),
    /// Size in bytes.
    Size(i64),
    /// ID of the content.
    Id(C4Id),
    /// Nesting level.
    Depth(u32),
    /// Whether the name stands for several files.
    IsSequence(bool),
    /// All links at once.
    Link(Link),
}

/// A section of a patch chain: the ID line before it, and its entries in file order.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The ID that stands before the section: an external base for the first, what stands above for the others.
    pub boundary: Option<C4Id>,
    /// The entries as written.
    pub rows: Rows,
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
        self.outline.take();
        id
    }

    /// Adds a row that is not in the list.
    pub fn add_row(&mut self, row: &Row<'_>) -> RowId {
        self.order_mut();
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
        self.order_mut().insert(place, row);
        self.removed.remove(&row);
    }

    /// Takes the row at a place out of the list; it keeps its values.
    pub fn remove(&mut self, place: usize) -> RowId {
        let row = self.order_mut().remove(place);
        self.removed.insert(row);
        row
    }

    /// Sets one value of a row.
    pub fn set(&mut self, row: RowId, field: Field) {
        if matches!(field, Field::Name(_) | Field::Depth(_) | Field::Mode(_)) {
            self.outline.take();
        }
        self.rows.set(row, field);
    }

    /// Sets which rows are in the list, and in what order. Each occurs once.
    pub fn replace_order(&mut self, order: Vec<RowId>) {
        self.outline.take();
        if order.len() == self.rows.len() {
            self.removed.clear();
        } else {
            let listed: HashSet<RowId> = order.iter().copied().collect();
            self.removed = (0..self.rows.len() as RowId).filter(|row| !listed.contains(row)).collect();
        }
        self.order = Some(order);
    }

    /// The path of a row whose directories are not in the list, as it was where they are.
    pub fn detached_path(&self, row: RowId) -> Option<&[u8]> {
        self.detached_paths.get(&row).map(Vec::as_slice)
    }

    /// Whether there is a row that has such a path.
    pub(crate) fn has_detached_paths(&self) -> bool {
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
        for id in &self.rows.ids {
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
        if let Some(order) = self.outline().sorted(self) {
            self.replace_order(order);
        }
    }

    /// The rows in canonical order, without changing the list.
    pub fn sorted_order(&self) -> Vec<RowId> {
        self.outline().sorted(self).unwrap_or_else(|| self.iter().collect())
    }

    /// Drops rows that are not in the list and puts the others in its order. Numbers of rows change.
    pub fn compact(&mut self) {
        if self.order.is_none() {
            self.rows.shrink();
            return;
        }
        let mut rows = Rows::default();
        rows.reserve(self.len(), self.rows.arena.len());
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

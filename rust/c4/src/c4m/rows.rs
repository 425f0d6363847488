//! The columns that entries are held in.

use hashbrown::HashMap;

use super::entry::{Link, Row};
use super::mode::Mode;
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

    /// Adds all rows of others, in their order.
    pub(crate) fn append(&mut self, other: Self) {
        let (first, name_start) = (self.len() as RowId, self.arena.len() as u64);
        self.modes.extend_from_slice(&other.modes);
        self.times.extend_from_slice(&other.times);
        self.sizes.extend_from_slice(&other.sizes);
        self.depths.extend_from_slice(&other.depths);
        self.ids.extend_from_slice(&other.ids);
        self.sequences.extend_from_slice(&other.sequences);
        self.names.extend(other.names.iter().map(|(start, length)| (name_start + start, *length)));
        self.arena.extend_from_slice(&other.arena);
        self.links.extend(other.links.into_iter().map(|(row, link)| (first + row, link)));
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

    /// The IDs of all rows.
    pub(crate) fn ids(&self) -> &[C4Id] {
        &self.ids
    }

    /// Bytes of all names, those of rows that were renamed included.
    pub(crate) fn name_bytes(&self) -> usize {
        self.arena.len()
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

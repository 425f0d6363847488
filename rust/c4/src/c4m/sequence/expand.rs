//! Sequences become the files that they stand for.

use hashbrown::{HashMap, HashSet};
use std::borrow::Cow;
use std::iter;

use super::super::entry::{Link, NULL_SIZE, Row};
use super::super::manifest::Manifest;
use super::super::rows::{RowId, Rows};
use super::MIXED_TARGETS;
use super::error::SequenceError;
use super::family::Directory;
use super::find_range;
use super::numbers::Budget;
use super::pattern::Sequence;
use crate::C4Id;

/// Most names that sequences expand to unless the caller says otherwise: some 200 MB as entries.
pub const DEFAULT_EXPANSION_LIMIT: u64 = 1_000_000;

/// Bytes of a name, with the target of its link, that the limit takes as usual; names of file systems have up to 255.
const NAME_BYTES: u64 = 1024;

/// How many names there may still be.
pub(super) struct Allowance {
    limit: u64,
    names: u64,
    bytes: u64,
}

impl Allowance {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, names: limit, bytes: limit.saturating_mul(NAME_BYTES) }
    }

    /// Allows for names of a length, or refuses a sequence whose name the closure gives.
    pub(super) fn take(
        &mut self,
        count: u64,
        length: usize,
        name: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), SequenceError> {
        let Some(names) = self.names.checked_sub(count) else {
            return Err(SequenceError::TooMany { name: name(), count, left: self.names, limit: self.limit });
        };
        let Some(bytes) = count.checked_mul(length as u64).and_then(|bytes| self.bytes.checked_sub(bytes)) else {
            return Err(SequenceError::TooLong { name: name(), count, length, limit: self.limit });
        };
        (self.names, self.bytes) = (names, bytes);
        Ok(())
    }
}

impl Manifest {
    /// The manifest with the members of its sequences in their place, in canonical order.
    ///
    /// A member has the mode and time of its sequence, and no size. Its ID is that of the ID list that the sequence's ID
    /// names; without such a list, or when its length is not the count of members, no ID: never a guess. A link's target is
    /// the member of a target with a range of as many numbers, or the one name that the target stands for. An entry of a
    /// member's name that is there already stays instead of it.
    ///
    /// Not expanded are a name whose range cannot be read, and a directory that has entries below it: which of its members
    /// they are in is not known. More members than `limit` are an error, before anything is made.
    pub fn expand_sequences(&self, limit: u64) -> Result<Self, SequenceError> {
        let mut result = self.with_members(limit, false)?;
        result.sort();
        result.compact();
        Ok(result)
    }

    /// The same before it is put in order: an entry of a member's name stands after the member, in the same directory.
    /// Members that are marked count as sequences still: their mode and time are those of the whole, not their own.
    pub(crate) fn with_members(&self, limit: u64, are_marked: bool) -> Result<Self, SequenceError> {
        let expansions = self.expansions(limit)?;
        let expanded: HashSet<usize> = expansions.iter().map(|expansion| expansion.place).collect();
        let mut rows = Rows::default();
        rows.reserve(self.len(), 0);
        let mut detached_paths = HashMap::new();
        let mut next = expansions.iter().peekable();
        for place in 0..=self.len() {
            while let Some(expansion) = next.next_if(|expansion| expansion.before == place) {
                self.push_members(expansion, are_marked, &mut rows, &mut detached_paths);
            }
            if let Some(row) = self.row_at(place).filter(|_| !expanded.contains(&place)) {
                let new = rows.push(&self.get(row));
                if let Some(path) = self.detached_path(row) {
                    detached_paths.insert(new, path.to_vec());
                }
            }
        }
        let mut result = self.with_other_rows(rows, detached_paths);
        result.forget_lists(
            expansions.iter().filter_map(|expansion| Some(*self.rows().id(self.row_at(expansion.place)?))),
        );
        Ok(result)
    }

    fn expansions(&self, limit: u64) -> Result<Vec<Expansion<'_>>, SequenceError> {
        let outline = self.outline();
        let mut allowance = Allowance::new(limit);
        let mut budget = Budget::default();
        let mut expansions = Vec::new();
        let is_sequence = |place: usize| self.row_at(place).is_some_and(|row| self.get(row).is_sequence);
        let mut with_entries_below: Option<HashSet<usize>> = None;
        for (place, row) in self.iter().enumerate() {
            let entry = self.get(row);
            if !entry.is_sequence {
                continue;
            }
            if entry.is_dir() {
                let with_entries_below = with_entries_below.get_or_insert_with(|| {
                    (0..self.len()).filter_map(|place| outline.parent(place)).filter(|at| is_sequence(*at)).collect()
                });
                if with_entries_below.contains(&place) {
                    continue;
                }
            }
            let sequence = match Sequence::parse_within(entry.name, &mut budget) {
                Ok(sequence) => sequence,
                Err(SequenceError::Interleaved { .. }) => return Err(Budget::exceeded(outline.path(self, place))),
                Err(_) => continue,
            };
            let target = Target::of(&entry, &sequence, &mut budget);
            let length = sequence.name_length() + target.length();
            allowance.take(sequence.count(), length, || outline.path(self, place))?;
            // First in the directory: an entry of the same name comes later and is the one that a sort keeps.
            let before = match outline.parent(place) {
                Some(parent) => parent + 1,
                None if outline.is_orphan(place) => place,
                None => 0,
            };
            expansions.push(Expansion { place, before, sequence, target });
        }
        expansions.sort_by_key(|expansion| expansion.before);
        Ok(expansions)
    }

    fn push_members(
        &self,
        expansion: &Expansion<'_>,
        are_marked: bool,
        rows: &mut Rows,
        paths: &mut HashMap<RowId, Vec<u8>>,
    ) {
        let Some(row) = self.row_at(expansion.place) else { return };
        let entry = self.get(row);
        let sequence = &expansion.sequence;
        let ids = self.range_data().get(entry.id).filter(|ids| ids.len() as u64 == sequence.count());
        let directory = self.detached_path(row).and_then(|_| Directory::of(self, expansion.place, row));
        let flow =
            entry.link.map(|link| Link { flow: link.flow, flow_target: link.flow_target.clone(), ..Link::default() });
        for ((index, number), target) in sequence.numbers().enumerate().zip(expansion.target.of_members()) {
            let start = rows.arena_mut().len();
            sequence.write_name(number, rows.arena_mut());
            let link = Link { target: target.into_owned(), ..flow.clone().unwrap_or_default() };
            let member = Row {
                name: b"",
                size: NULL_SIZE,
                id: ids.map_or(&C4Id::NIL, |ids| &ids[index]),
                is_sequence: are_marked,
                link: None,
                ..entry
            };
            let new = rows.push_named(start, &member, Some(link).filter(|link| !link.is_empty()));
            if let Some(directory) = directory {
                paths.insert(new, directory.join(self, rows.name(new)));
            }
        }
    }

    /// Drops ID lists that named sequences, unless another sequence has the same.
    fn forget_lists(&mut self, ids: impl Iterator<Item = C4Id>) {
        let mut unused: HashSet<C4Id> = ids.collect();
        if !unused.is_empty() {
            for row in self.iter().filter(|row| self.get(*row).is_sequence) {
                unused.remove(self.rows().id(row));
            }
            self.range_data_mut().retain(|id, _| !unused.contains(id));
        }
    }
}

/// A sequence of a manifest and where its members go.
struct Expansion<'m> {
    place: usize,
    /// The place before which the members are put.
    before: usize,
    sequence: Sequence,
    target: Target<'m>,
}

/// Where the members of a sequence of links point.
enum Target<'m> {
    Unknown,
    /// All at one name.
    One(Cow<'m, [u8]>),
    /// Each at another one.
    Each(Sequence),
}

impl<'m> Target<'m> {
    fn of(entry: &Row<'m>, links: &Sequence, budget: &mut Budget) -> Self {
        let target: &[u8] = entry.link.map_or(b"", |link| &link.target);
        if target.is_empty() || target == MIXED_TARGETS {
            return Self::Unknown;
        }
        if find_range(target).is_none() {
            return Self::One(Cow::Borrowed(target));
        }
        match Sequence::parse_within(target, budget) {
            Ok(targets) if targets.count() == links.count() => Self::Each(targets),
            Ok(targets) if targets.count() == 1 => Self::One(Cow::Owned(targets.name(targets.ranges()[0].start()))),
            _ => Self::Unknown,
        }
    }

    /// The most bytes that one has.
    fn length(&self) -> usize {
        match self {
            Self::Unknown => 0,
            Self::One(target) => target.len(),
            Self::Each(targets) => targets.name_length(),
        }
    }

    /// That of each member in turn.
    fn of_members(&self) -> Box<dyn Iterator<Item = Cow<'_, [u8]>> + '_> {
        match self {
            Self::Unknown => Box::new(iter::repeat(Cow::Borrowed(&b""[..]))),
            Self::One(target) => Box::new(iter::repeat(Cow::Borrowed(&target[..]))),
            Self::Each(targets) => Box::new(targets.numbers().map(|number| Cow::Owned(targets.name(number)))),
        }
    }
}

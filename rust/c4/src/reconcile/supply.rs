//! Where the content comes from that is to be written.
//!
//! A file that goes is moved: the one of the same name first, each once. Else a file of the tree is copied, one that
//! stays before one that goes. Else the sources are asked, in their order, once for each ID.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use super::compare::{Fate, Sides, Type};
use super::{ContentSource, Origin, PlanError, Sizes};
use crate::C4Id;
use crate::c4m::{Manifest, RowId};
use crate::scan::{ScanProgress, Survey};
use crate::store::StoreError;

/// The size of a file that a manifest gives, where it says something of the content: that of a manifest's file may be the
/// size of another form than the one that its ID is of.
pub(super) fn telling_size(target: &Manifest, row: RowId) -> Option<i64> {
    let entry = target.get(row);
    (entry.size >= 0 && !entry.name.ends_with(b".c4m")).then_some(entry.size)
}

/// The content that is needed: by ID, and each with the rows that need it.
pub(super) struct Supply<'p> {
    target: &'p Manifest,
    /// Rows that need content, by ID and then in their order.
    needs: Vec<RowId>,
    /// Needs of one ID each.
    groups: Vec<Group>,
    /// How many of the sources know the sizes.
    prepared: usize,
}

/// Where the content of a row comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivery {
    pub(super) origin: Origin,
    /// Whether a file of the tree is moved, not copied.
    pub(super) is_move: bool,
}

/// What is known of all content that is needed.
pub(super) struct Supplied {
    /// By the row that needs it.
    pub(super) deliveries: HashMap<RowId, Delivery>,
    /// Content that is nowhere, and the row that needs it, in the order of rows.
    pub(super) missing: Vec<(C4Id, RowId)>,
}

struct Group {
    needs: Range<usize>,
    /// What is known of the sources.
    source: Asked,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    NotYet,
    Nowhere,
    At(u32),
}

impl<'p> Supply<'p> {
    pub(super) fn new(target: &'p Manifest, mut needs: Vec<RowId>) -> Self {
        let id = |row: &RowId| target.rows().id(*row);
        needs.sort_by(|a, b| id(a).cmp(id(b)).then(a.cmp(b)));
        let mut start = 0;
        let groups = needs
            .chunk_by(|a, b| id(a) == id(b))
            .map(|group| {
                start += group.len();
                Group { needs: start - group.len()..start, source: Asked::NotYet }
            })
            .collect();
        Self { target, needs, groups, prepared: 0 }
    }

    /// The ID of a group.
    fn id(&self, group: &Group) -> &'p C4Id {
        self.target.rows().id(self.needs[group.needs.start])
    }

    /// The places of all groups.
    fn all(&self) -> Vec<usize> {
        (0..self.groups.len()).collect()
    }

    fn needs_of(&self, group: usize) -> &[RowId] {
        &self.needs[self.groups[group].needs.clone()]
    }

    fn sizes_of(&self, groups: &[usize]) -> Sizes {
        let mut sizes = Sizes { known: HashSet::new(), others: false };
        for row in groups.iter().flat_map(|group| self.needs_of(*group)) {
            match telling_size(self.target, *row).and_then(|size| u64::try_from(size).ok()) {
                Some(size) => {
                    sizes.known.insert(size);
                }
                None => sizes.others = true,
            }
        }
        sizes
    }

    /// Says where each row's content comes from; the rows of those that is nowhere to be had.
    pub(super) fn find(
        mut self,
        survey: Option<&mut Survey<'_>>,
        sides: &Sides,
        sources: &[&dyn ContentSource],
        progress: &ScanProgress,
    ) -> Result<Supplied, PlanError> {
        let sizes = self.sizes_of(&self.all());
        let mut hash_all = false;
        if sizes.others {
            // Files that go are read for the sake of a size that is not known only if nobody else has the content.
            let mut open = self.all();
            open.retain(|at| self.needs_of(*at).iter().any(|row| telling_size(self.target, *row).is_none()));
            self.ask(&open, &sizes, sources, progress)?;
            hash_all = open.iter().any(|at| self.groups[*at].source == Asked::Nowhere);
        }
        let mut deliveries = HashMap::new();
        if let Some(survey) = survey.filter(|_| !self.groups.is_empty()) {
            let listing = survey.listing();
            let mut candidates: Vec<RowId> = listing.iter().collect();
            candidates.retain(|row| {
                let entry = listing.get(*row);
                let has_size = || u64::try_from(entry.size).is_ok_and(|size| sizes.known.contains(&size));
                matches!(sides.fate(*row), Fate::Goes | Fate::Staged)
                    && Type::of(&entry) == Type::File
                    && (hash_all || has_size())
            });
            survey.hash(&candidates, &|_, _| ())?;
            deliveries = self.find_in_tree(survey, sides);
        }
        let mut open = self.all();
        open.retain(|at| {
            let is_open = self.needs_of(*at).iter().any(|row| !deliveries.contains_key(row));
            is_open && self.groups[*at].source == Asked::NotYet
        });
        let sizes = self.sizes_of(&open);
        self.ask(&open, &sizes, sources, progress)?;
        let mut missing = Vec::new();
        for group in &self.groups {
            for row in &self.needs[group.needs.clone()] {
                match group.source {
                    _ if deliveries.contains_key(row) => {}
                    Asked::At(source) => {
                        deliveries.insert(*row, Delivery { origin: Origin::Source(source), is_move: false });
                    }
                    _ => missing.push((*self.id(group), *row)),
                }
            }
        }
        missing.sort_unstable_by_key(|(_, row)| *row);
        Ok(Supplied { deliveries, missing })
    }

    /// Content of the tree: files that go, and for further copies any.
    fn find_in_tree(&self, survey: &Survey<'_>, sides: &Sides) -> HashMap<RowId, Delivery> {
        let listing = survey.listing();
        let id = |row: RowId| listing.rows().id(row);
        let stays = |row: &RowId| sides.fate(*row) == Fate::Stays;
        // Files of which the content is known, and needed, by ID: those that stay first.
        let mut holders: Vec<RowId> = listing
            .iter()
            .filter(|row| {
                !id(*row).is_nil()
                    && sides.fate(*row) != Fate::LeftAlone
                    && self.group_of(id(*row)).is_some()
                    && survey.version(*row).is_some()
            })
            .collect();
        holders.sort_by(|a, b| id(*a).cmp(id(*b)).then_with(|| stays(b).cmp(&stays(a))).then(a.cmp(b)));
        let mut deliveries = HashMap::new();
        for holders in holders.chunk_by(|a, b| id(*a) == id(*b)) {
            let Some(group) = self.group_of(id(holders[0])) else { continue };
            let leaving = &holders[holders.partition_point(stays)..];
            let mut pairs =
                Pairs { needs: self.needs[group.needs.clone()].to_vec(), leaving: leaving.to_vec(), deliveries };
            if pairs.needs.len() > 1 || leaving.len() > 1 {
                pairs.by_name(self.target, listing);
            }
            pairs.in_order();
            deliveries = pairs.deliveries;
            let copy = Delivery { origin: Origin::Tree(holders[0]), is_move: false };
            deliveries.extend(pairs.needs.into_iter().map(|need| (need, copy)));
        }
        deliveries
    }

    fn group_of(&self, id: &C4Id) -> Option<&Group> {
        let at = self.groups.binary_search_by(|group| self.id(group).cmp(id)).ok()?;
        Some(&self.groups[at])
    }

    /// Asks the sources for content.
    fn ask(
        &mut self,
        groups: &[usize],
        sizes: &Sizes,
        sources: &[&dyn ContentSource],
        progress: &ScanProgress,
    ) -> Result<(), PlanError> {
        let mut open = groups.to_vec();
        let mut failure: Option<StoreError> = None;
        for (number, source) in sources.iter().enumerate() {
            if open.is_empty() {
                break;
            }
            if number == self.prepared {
                source.prepare(sizes, progress)?;
                self.prepared += 1;
            }
            let mut still_open = Vec::new();
            for at in open {
                if progress.is_cancelled() {
                    return Err(PlanError::Scan(crate::scan::ScanError::Cancelled));
                }
                match source.has(self.id(&self.groups[at])) {
                    Ok(true) => self.groups[at].source = Asked::At(number as u32),
                    Ok(false) => still_open.push(at),
                    // A source that fails hides nothing that a later one has.
                    Err(error) => {
                        failure.get_or_insert(error);
                        still_open.push(at);
                    }
                }
            }
            open = still_open;
        }
        match failure.filter(|_| !open.is_empty()) {
            Some(failure) => Err(failure.into()),
            None => {
                open.iter().for_each(|at| self.groups[*at].source = Asked::Nowhere);
                Ok(())
            }
        }
    }
}

/// Needs and files of one content, which are paired one by one.
struct Pairs {
    needs: Vec<RowId>,
    leaving: Vec<RowId>,
    deliveries: HashMap<RowId, Delivery>,
}

impl Pairs {
    /// Pairs those that have one name in their directories.
    fn by_name(&mut self, target: &Manifest, listing: &Manifest) {
        let mut by_name: HashMap<&[u8], VecDeque<RowId>> = HashMap::new();
        for row in &self.leaving {
            by_name.entry(listing.rows().name(*row)).or_default().push_back(*row);
        }
        let deliveries = &mut self.deliveries;
        let mut moved = HashSet::new();
        self.needs.retain(|need| {
            let Some(row) = by_name.get_mut(target.rows().name(*need)).and_then(VecDeque::pop_front) else {
                return true;
            };
            deliveries.insert(*need, Delivery { origin: Origin::Tree(row), is_move: true });
            moved.insert(row);
            false
        });
        self.leaving.retain(|row| !moved.contains(row));
    }

    /// Pairs the others in their order.
    fn in_order(&mut self) {
        let count = self.needs.len().min(self.leaving.len());
        for (need, row) in self.needs.drain(..count).zip(self.leaving.drain(..count)) {
            self.deliveries.insert(need, Delivery { origin: Origin::Tree(row), is_move: true });
        }
    }
}

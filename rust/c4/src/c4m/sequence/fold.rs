//! Numbered files of one directory become sequences.

use hashbrown::{HashMap, HashSet};
use std::ops::Range;

use super::super::entry::{Entry, Link, NULL_SIZE, Row};
use super::super::manifest::Manifest;
use super::super::manifest::range_id;
use super::super::mode::Mode;
use super::super::rows::{RowId, Rows};
use super::super::timestamp::Timestamp;
use super::MIXED_TARGETS;
use super::family::{Directory, Families, Family, FrameNumber, Numbered};
use super::find_range;
use super::numbers::write_number;
use crate::C4Id;

/// Fewest members that fold into a sequence by default.
pub const MIN_SEQUENCE: usize = 3;

impl Manifest {
    /// Folds numbered files of one directory into sequences of at least `min_length` (and 2) consecutive members, and
    /// puts the list in canonical order.
    ///
    /// Members agree in the text around the number and in its count of digits, and none is a directory. A sequence has the
    /// sum of the sizes, the newest time, the least permissions; hard-link groups and flow links are dropped. The members'
    /// IDs are kept as range data. These stay as they are: runs with a member that has no ID, unless they are links; runs
    /// whose pattern is the name of another entry, or would be read in another way than it is meant; entries whose
    /// directory is missing. Directories keep their IDs and sizes.
    pub fn fold_sequences(&mut self, number: FrameNumber, min_length: usize) {
        self.sort();
        let folds = Folds::find(self, number, min_length.max(2));
        if !folds.sequences.is_empty() {
            *self = folds.apply(self);
        }
    }
}

/// A file that may belong to a sequence.
struct Candidate {
    family: u32,
    digits: u32,
    number: i64,
    place: u32,
    is_symlink: bool,
}

/// A sequence and the places of its members.
struct Fold {
    entry: Entry,
    path: Option<Vec<u8>>,
    ids: Vec<C4Id>,
}

/// What is folded in a manifest.
struct Folds {
    sequences: Vec<Fold>,
    /// For each place which sequence stands there or has swallowed the entry.
    by_place: Vec<Folded>,
}

#[derive(Clone, Copy)]
enum Folded {
    No,
    Into,
    At(u32),
}

impl Folds {
    fn find(manifest: &Manifest, which: FrameNumber, min_length: usize) -> Self {
        let rows: Vec<RowId> = manifest.iter().collect();
        let mut families = Families::default();
        let mut candidates = Vec::new();
        // Names that a pattern could have.
        let mut taken = HashSet::new();
        for (place, row) in rows.iter().enumerate() {
            let entry = manifest.get(*row);
            let Some(directory) = Directory::of(manifest, place, *row) else { continue };
            if entry.name.contains(&b'[') {
                taken.insert((directory, entry.name.to_vec()));
            }
            if entry.is_dir() || entry.is_sequence {
                continue;
            }
            if let Some(Numbered { prefix, suffix, digits, number }) = Numbered::find(entry.name, which) {
                let family = families.number_of(Family { directory, prefix, suffix });
                candidates.push(Candidate {
                    family,
                    digits: digits as u32,
                    number,
                    place: place as u32,
                    is_symlink: entry.is_symlink(),
                });
            }
        }
        candidates.sort_unstable_by_key(|one| (one.family, one.is_symlink, one.digits, one.number, one.place));
        let mut folds = Self { sequences: Vec::new(), by_place: Vec::new() };
        let alike = |one: &Candidate| (one.family, one.is_symlink, one.digits);
        for run in candidates.chunk_by(|a, b| alike(a) == alike(b) && a.number + 1 == b.number) {
            if run.len() < min_length {
                continue;
            }
            let family = families.get(run[0].family);
            let members: Vec<RowId> = run.iter().map(|one| rows[one.place as usize]).collect();
            let has_ids = run[0].is_symlink || members.iter().all(|row| !manifest.rows().id(*row).is_nil());
            let pattern = Pattern {
                prefix: family.prefix,
                suffix: family.suffix,
                digits: run[0].digits as usize,
                numbers: (run[0].number, run[run.len() - 1].number),
            };
            let Some(name) = pattern.name().filter(|_| has_ids) else { continue };
            let taken_name = (family.directory, name);
            if taken.contains(&taken_name) {
                continue;
            }
            let at = folds.sequences.len() as u32;
            folds.by_place.resize(rows.len(), Folded::No);
            for one in run {
                folds.by_place[one.place as usize] = Folded::Into;
            }
            folds.by_place[run[0].place as usize] = Folded::At(at);
            folds.sequences.push(fold(manifest, &members, family.directory, taken_name.1, which));
        }
        folds
    }

    fn apply(mut self, manifest: &Manifest) -> Manifest {
        let mut rows = Rows::default();
        let mut detached_paths = HashMap::new();
        for (place, row) in manifest.iter().enumerate() {
            let (new, path) = match self.by_place[place] {
                Folded::Into => continue,
                Folded::No => (rows.push(&manifest.get(row)), manifest.detached_path(row).map(<[u8]>::to_vec)),
                Folded::At(sequence) => {
                    let sequence = &mut self.sequences[sequence as usize];
                    (rows.push(&sequence.entry.as_row()), sequence.path.take())
                }
            };
            if let Some(path) = path {
                detached_paths.insert(new, path);
            }
        }
        rows.shrink();
        let lists = self.sequences.into_iter().map(|sequence| (sequence.entry.id, sequence.ids));
        let mut folded = manifest.with_other_rows(rows, detached_paths);
        folded.range_data_mut().extend(lists);
        folded.sort();
        folded.compact();
        folded
    }
}

/// The sequence of some members.
fn fold(manifest: &Manifest, members: &[RowId], directory: Directory<'_>, name: Vec<u8>, which: FrameNumber) -> Fold {
    let rows = manifest.rows();
    let first = manifest.get(members[0]);
    let ids: Vec<C4Id> = members.iter().map(|row| *rows.id(*row)).collect();
    let permissions = members.iter().map(|row| rows.mode(*row).bits() & 0o777).min().unwrap_or(0);
    let target = if first.is_symlink() {
        folded_target(members.iter().map(|row| target_of(&manifest.get(*row))), which)
    } else {
        Vec::new()
    };
    let size = members.iter().try_fold(0, |sum: i64, row| sum.checked_add(rows.size(*row).max(NULL_SIZE)));
    Fold {
        path: matches!(directory, Directory::Detached(_)).then(|| directory.join(manifest, &name)),
        entry: Entry {
            mode: Mode::from_bits(first.mode.bits() & 0o170_000 | permissions),
            time: members.iter().map(|row| rows.time(*row)).max().unwrap_or(Timestamp::NULL),
            // As in the reference an unknown size counts as -1. A sum that overflows is unknown.
            size: size.unwrap_or(NULL_SIZE).max(NULL_SIZE),
            id: range_id(&ids),
            depth: first.depth,
            link: Link { target, ..Link::default() },
            is_sequence: true,
            ..Entry::new(name)
        },
        ids,
    }
}

fn target_of<'m>(row: &Row<'m>) -> &'m [u8] {
    row.link.map_or(b"", |link| &link.target)
}

/// The targets of links as one: a range where their numbers count up or are all the same, and nothing else differs.
fn folded_target<'m>(mut targets: impl Iterator<Item = &'m [u8]>, which: FrameNumber) -> Vec<u8> {
    let number = |target| Numbered::find(target, which);
    let Some(first) = targets.next().and_then(number) else { return MIXED_TARGETS.to_vec() };
    let (mut counts_up, mut stays, mut last) = (true, true, first.number);
    for target in targets {
        match number(target).filter(|next| next.is_like(&first)) {
            Some(next) => {
                counts_up &= next.number == last + 1;
                stays &= next.number == last;
                last = next.number;
            }
            None => return MIXED_TARGETS.to_vec(),
        }
    }
    let Numbered { prefix, suffix, digits, number } = first;
    let pattern = Pattern { prefix, suffix, digits, numbers: (number, last) };
    pattern.name().filter(|_| counts_up || stays).unwrap_or_else(|| MIXED_TARGETS.to_vec())
}

/// Names that differ in one number of a fixed width.
struct Pattern<'n> {
    prefix: &'n [u8],
    suffix: &'n [u8],
    digits: usize,
    numbers: (i64, i64),
}

impl Pattern<'_> {
    /// The name with a range, unless something else in it would be read as the range.
    fn name(&self) -> Option<Vec<u8>> {
        let mut name = self.prefix.to_vec();
        name.push(b'[');
        write_number(self.numbers.0, self.digits, &mut name);
        name.push(b'-');
        write_number(self.numbers.1, self.digits, &mut name);
        name.push(b']');
        let range: Range<usize> = self.prefix.len()..name.len();
        name.extend_from_slice(self.suffix);
        (find_range(&name) == Some(range)).then_some(name)
    }
}

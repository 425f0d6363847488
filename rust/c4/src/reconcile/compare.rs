//! What is found, beside what is to be.

use std::collections::HashMap;

use super::{LEFT_ALONE, STAGING};
use crate::c4m::{Manifest, Orphans, Outline, Preorder, Row, RowId, without_slash};
use crate::diff::{Step, compare};

/// No row.
const NONE: RowId = RowId::MAX;

/// What an entry is, as far as it is made differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Type {
    Directory,
    File,
    Symlink,
    /// A device, pipe or socket, which is never made.
    Special,
}

impl Type {
    /// An entry of unknown mode is a link if it has a target, and else a file unless its name says otherwise.
    pub(super) fn of(entry: &Row<'_>) -> Self {
        if entry.is_dir() {
            Self::Directory
        } else if entry.is_symlink() || (entry.mode.is_null() && is_link_target(entry)) {
            Self::Symlink
        } else if entry.mode.is_regular() {
            Self::File
        } else {
            Self::Special
        }
    }
}

/// Hard links may have a target as well: the first name of their group.
fn is_link_target(entry: &Row<'_>) -> bool {
    entry.link.is_some_and(|link| !link.target.is_empty() && link.hard_link == 0)
}

/// What becomes of an entry that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It is not to be there, or not as it is.
    Goes,
    /// It is in its place, as far as its content is concerned.
    Stays,
    /// It waits in the staging directory of a run that did not end.
    Staged,
    /// It is none of the state's.
    LeftAlone,
}

/// Two lists in canonical order, side by side.
pub(super) struct Sides {
    /// By row of the target: what was found at its path, of whatever type.
    found: Vec<RowId>,
    /// By row of what was found.
    fates: Vec<Fate>,
}

impl Sides {
    /// Pairs entries by their paths; what becomes of those that were found is for others to say.
    pub(super) fn new(found: &Manifest, target: &Manifest) -> Self {
        let mut sides = Self { found: vec![NONE; target.len()], fates: vec![Fate::Goes; found.len()] };
        // Entries of one side alone whose directory is in both.
        let (mut old, mut new) = (Vec::new(), Vec::new());
        let (walk_found, walk_target) = Preorder::of_two(found, target, Orphans::LeftOut);
        compare(&walk_found, &walk_target, |step| match step {
            Step::Same { a, b, count } => {
                for next in 0..count {
                    sides.found[walk_target.id(b + next) as usize] = walk_found.id(a + next);
                }
            }
            Step::Both { a, b } => sides.found[walk_target.id(b) as usize] = walk_found.id(a),
            Step::OnlyA { from, to } => {
                let top = found.get(walk_found.id(from));
                let fate = match top.bare_name() {
                    name if top.depth == 0 && !top.is_dir() && LEFT_ALONE.contains(&name) => Fate::LeftAlone,
                    STAGING if top.depth == 0 => Fate::Staged,
                    _ => Fate::Goes,
                };
                (from..to).for_each(|at| sides.fates[walk_found.id(at) as usize] = fate);
                if fate == Fate::Goes {
                    old.push(walk_found.id(from));
                }
            }
            Step::OnlyB { from, .. } => new.push(walk_target.id(from)),
        });
        sides.pair_other_types(found, target, &old, &new);
        sides
    }

    /// A file and a directory of one name do not meet in a walk.
    fn pair_other_types<'m>(&mut self, found: &'m Manifest, target: &'m Manifest, old: &[RowId], new: &[RowId]) {
        if old.is_empty() || new.is_empty() {
            return;
        }
        let parent = |outline: &Outline, row: RowId| outline.parent(row as usize).map(|row| row as RowId);
        let name = |manifest: &'m Manifest, row: RowId| without_slash(manifest.rows().name(row));
        let by_name: HashMap<(Option<RowId>, &[u8]), RowId> =
            old.iter().map(|row| ((parent(found.outline(), *row), name(found, *row)), *row)).collect();
        for row in new {
            let above = parent(target.outline(), *row).and_then(|above| self.found(above));
            if let Some(other) = by_name.get(&(above, name(target, *row))) {
                self.found[*row as usize] = *other;
            }
        }
    }

    /// What was found at the path of a row of the target.
    pub(super) fn found(&self, target: RowId) -> Option<RowId> {
        Some(self.found[target as usize]).filter(|row| *row != NONE)
    }

    /// What was found and stays in the place of a row of the target.
    pub(super) fn in_place(&self, target: RowId) -> Option<RowId> {
        self.found(target).filter(|found| self.fate(*found) == Fate::Stays)
    }

    /// What becomes of an entry that was found.
    pub(super) fn fate(&self, found: RowId) -> Fate {
        self.fates[found as usize]
    }

    /// Says that an entry is in its place.
    pub(super) fn keep(&mut self, found: RowId) {
        self.fates[found as usize] = Fate::Stays;
    }
}

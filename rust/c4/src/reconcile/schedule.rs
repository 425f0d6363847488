//! In what order the operations of a plan can be done.

use std::collections::{HashMap, HashSet};

use super::place::is_staged;
use super::{Kind, Origin, Plan};
use crate::c4m::RowId;

/// The operations of a plan by what must come before what, as their numbers.
#[derive(Default)]
pub(super) struct Schedule {
    /// Files whose content is needed elsewhere and whose place is taken or left: they are set aside before anything else,
    /// each with the first operation that needs it.
    pub(super) aside: Vec<(RowId, usize)>,
    /// Directories that are made, from the top down.
    pub(super) directories: Vec<usize>,
    /// Files that are written, and links.
    pub(super) made: Vec<usize>,
    /// Files that are moved: after those that are written, which may be copies of them.
    pub(super) moved: Vec<usize>,
    /// Permissions and times of files and links that stay; those of one are together.
    pub(super) changed: Vec<usize>,
    /// Permissions and times of directories that stay, by path.
    pub(super) changed_directories: HashMap<Vec<u8>, Vec<usize>>,
    /// What is removed at the end, from the bottom up.
    pub(super) removed: Vec<usize>,
    /// What is removed when something else takes its place, from the bottom up; by what was found in the place.
    pub(super) in_the_way: HashMap<RowId, Vec<usize>>,
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut schedule = Self::default();
        let is_made = |kind| !matches!(kind, Kind::Chmod | Kind::Times | Kind::Remove | Kind::Rmdir);
        let made = plan.operations.iter().filter(|operation| is_made(operation.kind));
        let replaced = made.filter_map(|operation| operation.found).collect();
        let mut places = Places { replaced, taken: HashMap::new() };
        for (number, operation) in plan.operations.iter().enumerate() {
            match operation.kind {
                Kind::Mkdir => schedule.directories.push(number),
                Kind::Create | Kind::Update | Kind::Symlink => schedule.made.push(number),
                Kind::Move => schedule.moved.push(number),
                Kind::Chmod | Kind::Times => match plan.directory_path(number) {
                    Some(path) => schedule.changed_directories.entry(path).or_default().push(number),
                    None => schedule.changed.push(number),
                },
                Kind::Remove | Kind::Rmdir => schedule.remove(plan, number, &mut places),
            }
        }
        schedule.changed.sort_by_key(|number| plan.operations[*number].target);
        let early = schedule.in_the_way.values().flatten();
        let mut replaced = places.replaced;
        replaced.extend(early.filter_map(|number| plan.operations[*number].found));
        let mut seen = HashSet::new();
        for (number, operation) in plan.operations.iter().enumerate() {
            if let Origin::Tree(row) = operation.origin
                && (operation.kind == Kind::Move || replaced.contains(&row) || plan.is_row_staged(row))
                && seen.insert(row)
            {
                schedule.aside.push((row, number));
            }
        }
        schedule
    }

    /// A removal comes early where the target has something else in the place, or in that of a directory above.
    fn remove(&mut self, plan: &Plan, number: usize, places: &mut Places) {
        match plan.operations[number].found.and_then(|found| places.taken(plan, found)) {
            Some(place) => self.in_the_way.entry(place).or_default().push(number),
            None => self.removed.push(number),
        }
    }
}

/// What was found where something new comes.
struct Places {
    replaced: HashSet<RowId>,
    /// By the row of a directory: itself or the one above it that is replaced.
    taken: HashMap<RowId, Option<RowId>>,
}

impl Places {
    /// The row itself, or the one above it, that is replaced. Each directory is looked at once.
    fn taken(&mut self, plan: &Plan, row: RowId) -> Option<RowId> {
        let mut passed = Vec::new();
        let mut at = Some(row);
        let taken = loop {
            let Some(row) = at else { break None };
            if self.replaced.contains(&row) {
                break Some(row);
            }
            if let Some(taken) = self.taken.get(&row) {
                break *taken;
            }
            passed.push(row);
            at = plan.found.outline().parent(row as usize).map(|row| row as RowId);
        };
        passed.retain(|row| plan.found.rows().is_dir(*row));
        self.taken.extend(passed.into_iter().map(|row| (row, taken)));
        taken
    }
}

impl Plan {
    /// Path of an operation's entry, that of a directory without slash.
    pub(super) fn path_of(&self, number: usize) -> Option<Vec<u8>> {
        let operation = &self.operations[number];
        let (manifest, row) = match operation.kind {
            Kind::Remove | Kind::Rmdir => (&self.found, operation.found?),
            _ => (&self.target, operation.target?),
        };
        path_in(manifest, row)
    }

    /// Path of a row of the target.
    pub(super) fn target_path(&self, row: RowId) -> Vec<u8> {
        path_in(&self.target, row).unwrap_or_default()
    }

    /// Path of a row that was found.
    pub(super) fn found_path(&self, row: RowId) -> Vec<u8> {
        path_in(&self.found, row).unwrap_or_default()
    }

    fn is_row_staged(&self, row: RowId) -> bool {
        is_staged(&self.found_path(row))
    }

    /// The path, if the operation's entry of the target is a directory.
    fn directory_path(&self, number: usize) -> Option<Vec<u8>> {
        let row = self.operations[number].target.filter(|row| self.target.rows().is_dir(*row));
        row.and_then(|_| self.path_of(number))
    }
}

fn path_in(manifest: &crate::c4m::Manifest, row: RowId) -> Option<Vec<u8>> {
    let outline = manifest.outline();
    let mut path = outline.path(manifest, outline.place_of(manifest, row)?);
    if path.ends_with(b"/") {
        path.pop();
    }
    Some(path)
}

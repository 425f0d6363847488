//! What is to be done.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::check::{Refusal, RefusalKind, prepare, twins};
use super::compare::{Fate, Sides, Type};
use super::supply::{Supplied, Supply, telling_size};
use super::{ContentSource, Kind, LinkMode, Operation, Options, Origin, Plan};
use crate::C4Id;
use crate::c4m::{Manifest, Mode, Row, RowId, SequenceError, shown_name};
use crate::scan::{IssueKind, ScanError, ScanIssue, ScanOptions, ScanProgress, Survey, survey};
use crate::store::StoreError;

/// The ID of no bytes.
static EMPTY: LazyLock<C4Id> = LazyLock::new(|| C4Id::of(b""));

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// An entry of the manifest cannot be made.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The manifest says what changes, and not what is to be.
    #[error("the manifest is a patch of {0}, and not a state: it has to be applied to that first")]
    Patch(C4Id),
    /// A sequence of the manifest stands for too many files.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The directory is named by a symbolic link.
    #[error("the directory is a symbolic link: name what it points at")]
    RootIsLink,
    /// What lies in the directory is not known whole.
    #[error("{}: {action}: {source}", shown_name(.path))]
    Unreadable {
        /// Path relative to the directory.
        path: Vec<u8>,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A source cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory cannot be listed.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

impl From<Refusal> for PlanError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// Plans how a directory becomes what a manifest describes; it is read, and nothing is written. A directory that does not
/// exist is planned as an empty one.
///
/// A null mode or time is not compared, nor is the mode of a link; times count in whole seconds. Files without an ID that
/// are there stay as they are. Where files become hard links of a store's objects, theirs are the modes and times.
pub fn plan(
    target: &Manifest,
    directory: &Path,
    sources: &[&dyn ContentSource],
    options: &Options,
    progress: &ScanProgress,
) -> Result<Plan, PlanError> {
    let target = prepare(target, sources)?;
    let twins = twins(&target);
    let mut plan = Plan {
        directory: directory.to_owned(),
        target,
        found: Manifest::default(),
        versions: HashMap::new(),
        operations: Vec::new(),
        missing: Vec::new(),
        twins,
        not_made: Vec::new(),
        skipped: 0,
        bytes: 0,
    };
    // Without what may follow the last name: a slash would lead through a link.
    let root: PathBuf = directory.components().collect();
    match std::fs::symlink_metadata(&root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => plan.fill(None, sources, options, progress)?,
        Err(error) => return Err(ScanError::Root(error).into()),
        Ok(metadata) if metadata.is_symlink() => return Err(PlanError::RootIsLink),
        Ok(_) => {
            let listing = ScanOptions { workers: options.workers, ..ScanOptions::default() };
            survey(&root, &listing, progress, |survey| plan.fill(Some(survey), sources, options, progress))??;
        }
    }
    Ok(plan)
}

impl Plan {
    /// Compares, looks for content, and says what to do. Without a survey there is no directory.
    fn fill(
        &mut self,
        mut survey: Option<&mut Survey<'_>>,
        sources: &[&dyn ContentSource],
        options: &Options,
        progress: &ScanProgress,
    ) -> Result<(), PlanError> {
        let nothing = Manifest::default();
        if let Some(survey) = &survey {
            check_whole(survey.issues())?;
        }
        let mut sides = Sides::new(survey.as_ref().map_or(&nothing, |survey| survey.listing()), &self.target);
        let same_size = self.compare(survey.as_ref().map_or(&nothing, |survey| survey.listing()), &mut sides)?;
        if let Some(survey) = &mut survey {
            let rows: Vec<RowId> = same_size.iter().map(|(_, found)| *found).collect();
            survey.hash(&rows, &|_, _| ())?;
            for (row, found) in same_size {
                if survey.listing().rows().id(found) == self.target.rows().id(row) {
                    sides.keep(found);
                }
            }
        }
        let needs = self.target.iter().filter(|row| {
            let entry = self.target.get(*row);
            Type::of(&entry) == Type::File && !is_empty(&entry) && sides.in_place(*row).is_none()
        });
        let supply = Supply::new(&self.target, needs.collect());
        let supplied = supply.find(survey.as_deref_mut(), &sides, sources, progress)?;
        if let Some(survey) = &survey {
            for delivery in supplied.deliveries.values() {
                if let Origin::Tree(row) = delivery.origin
                    && let Some(version) = survey.version(row)
                {
                    self.versions.insert(row, version);
                }
            }
        }
        self.list(survey.as_ref().map_or(&nothing, |survey| survey.listing()), &sides, &supplied, options);
        if let Some(survey) = survey {
            self.note_versions(survey).map_err(ScanError::Root)?;
            self.found = survey.take_listing();
        }
        self.missing = supplied.missing;
        Ok(())
    }

    /// Says what is in its place without being read. The files of which only the content will tell, with what is found
    /// there.
    fn compare(&mut self, listing: &Manifest, sides: &mut Sides) -> Result<Vec<(RowId, RowId)>, Refusal> {
        let mut same_size = Vec::new();
        for row in self.target.iter() {
            let entry = self.target.get(row);
            let own_type = Type::of(&entry);
            let found = sides.found(row);
            let same = found.filter(|found| Type::of(&listing.get(*found)) == own_type);
            let refuse = |kind| {
                let path = self.target.outline().path(&self.target, row as usize);
                Err(Refusal { path, kind })
            };
            let in_place = match (own_type, same) {
                (Type::Directory, same) => same,
                (Type::Symlink, same) => {
                    let has_target =
                        |found: &RowId| entry.target().is_empty() || listing.get(*found).target() == entry.target();
                    let same = same.filter(has_target);
                    if same.is_none() && entry.target().is_empty() {
                        return refuse(RefusalKind::NoTarget);
                    }
                    same
                }
                (Type::Special, same) => {
                    let same = same.filter(|found| listing.get(*found).mode.type_name() == entry.mode.type_name());
                    if same.is_none() {
                        self.not_made.push(row);
                    }
                    same
                }
                (Type::File, same) if is_empty(&entry) => same.filter(|found| listing.rows().size(*found) == 0),
                (Type::File, None) if entry.id.is_nil() => return refuse(RefusalKind::NoId),
                (Type::File, same) if entry.id.is_nil() => same,
                (Type::File, same) => {
                    let telling = telling_size(&self.target, row);
                    let may_be = same.filter(|found| telling.is_none_or(|size| size == listing.rows().size(*found)));
                    same_size.extend(may_be.map(|found| (row, found)));
                    None
                }
            };
            if let Some(found) = in_place {
                sides.keep(found);
            }
        }
        Ok(same_size)
    }

    /// Lists the operations.
    fn list(&mut self, listing: &Manifest, sides: &Sides, supplied: &Supplied, options: &Options) {
        let target = &self.target;
        let (mut made_directories, mut made, mut set, mut removed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        // Files that are no longer where they were when all is done: they are not removed.
        let mut is_taken = vec![false; listing.len()];
        // Directories whose own time changes by what is done in them.
        let mut is_touched = vec![false; listing.len()];
        let parent = |manifest: &Manifest, row: RowId| manifest.outline().parent(row as usize).map(|row| row as RowId);
        for row in target.iter() {
            let entry = target.get(row);
            let own_type = Type::of(&entry);
            if own_type == Type::Special || sides.in_place(row).is_some() {
                continue;
            }
            let found = sides.found(row);
            let found_type = found.map(|found| Type::of(&listing.get(found)));
            if let Some(found) = found
                && own_type != Type::Directory
                && found_type != Some(Type::Directory)
            {
                // One takes the name of the other.
                is_taken[found as usize] = true;
            }
            if let Some(above) = parent(target, row).and_then(|above| sides.in_place(above)) {
                is_touched[above as usize] = true;
            }
            let written = if found_type == Some(Type::File) { Kind::Update } else { Kind::Create };
            let (kind, origin) = match own_type {
                Type::Directory => (Kind::Mkdir, Origin::None),
                Type::Symlink => (Kind::Symlink, Origin::None),
                _ if is_empty(&entry) => (written, Origin::Empty),
                _ => match supplied.deliveries.get(&row) {
                    Some(delivery) if delivery.is_move => (Kind::Move, delivery.origin),
                    Some(delivery) => (written, delivery.origin),
                    None => continue,
                },
            };
            if kind == Kind::Move
                && let Origin::Tree(source) = origin
            {
                is_taken[source as usize] = true;
                if let Some(above) = parent(listing, source) {
                    is_touched[above as usize] = true;
                }
            }
            if matches!(origin, Origin::Source(_) | Origin::Tree(_)) && kind != Kind::Move {
                let size = match origin {
                    Origin::Tree(source) => listing.rows().size(source),
                    _ => entry.size,
                };
                self.bytes = self.bytes.saturating_add(u64::try_from(size).unwrap_or(0));
            }
            let operations = if kind == Kind::Mkdir { &mut made_directories } else { &mut made };
            operations.push(Operation { kind, target: Some(row), found, origin });
        }
        for row in (0..listing.len() as RowId).rev() {
            if sides.fate(row) != Fate::Goes || is_taken[row as usize] {
                continue;
            }
            if let Some(above) = parent(listing, row) {
                is_touched[above as usize] = true;
            }
            let kind = if listing.rows().is_dir(row) { Kind::Rmdir } else { Kind::Remove };
            removed.push(Operation { kind, target: None, found: Some(row), origin: Origin::None });
        }
        for row in target.iter() {
            let Some(found) = sides.in_place(row) else { continue };
            let (entry, there) = (target.get(row), listing.get(found));
            let before = set.len();
            for kind in attributes(&entry, &there, is_touched[found as usize], options).into_iter().flatten() {
                set.push(Operation { kind, target: Some(row), found: Some(found), origin: Origin::None });
            }
            let counts = matches!(Type::of(&entry), Type::File | Type::Symlink);
            self.skipped += u64::from(counts && set.len() == before);
        }
        made_directories.append(&mut made);
        made_directories.append(&mut set);
        made_directories.append(&mut removed);
        self.operations = made_directories;
    }
}

/// What of an entry that stays is not as it is to be.
fn attributes(entry: &Row<'_>, there: &Row<'_>, is_touched: bool, options: &Options) -> [Option<Kind>; 2] {
    let own_type = Type::of(entry);
    if own_type == Type::Special || (own_type == Type::File && options.link == LinkMode::Hardlink) {
        return [None; 2];
    }
    let bits = |mode: Mode| mode.bits() & if options.special_bits { 0o7777 } else { 0o777 };
    let chmod = own_type != Type::Symlink && !entry.mode.is_null() && bits(entry.mode) != bits(there.mode);
    let times = !entry.time.is_null() && (entry.time != there.time || is_touched);
    [chmod.then_some(Kind::Chmod), times.then_some(Kind::Times)]
}

/// Whether a file is known to hold no byte.
fn is_empty(entry: &Row<'_>) -> bool {
    if entry.id.is_nil() { entry.size == 0 } else { *entry.id == *EMPTY }
}

/// What could not be listed may hold anything.
fn check_whole(issues: &[ScanIssue]) -> Result<(), PlanError> {
    let unread = issues.iter().filter_map(|issue| match &issue.kind {
        IssueKind::Io(action, source) => Some((&issue.path, *action, source)),
        _ => None,
    });
    match unread.min_by_key(|(path, ..)| *path) {
        Some((path, action, source)) => {
            let source = source.raw_os_error().map_or_else(|| source.kind().into(), io::Error::from_raw_os_error);
            Err(PlanError::Unreadable { path: path.clone(), action, source })
        }
        None => Ok(()),
    }
}

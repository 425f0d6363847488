//! Whether a manifest can be the state of a directory, and the manifest as one that can be compared with it.
//!
//! Names are looked at as the bytes that they stand for, whatever they were escaped as in a text.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::content::read_id_list;
use super::{ContentSource, LEFT_ALONE, PlanError, STAGING};
use crate::C4Id;
use crate::c4m::validator::fold_name;
use crate::c4m::{
    Budget, DEFAULT_EXPANSION_LIMIT, Field, Manifest, Row, RowId, Sequence, SequenceError, TreeFault, TreeFaultKind,
    shown_name, without_slash,
};

/// An entry that keeps a manifest from being the state of a directory.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", shown_name(.path))]
pub struct Refusal {
    /// Its path.
    pub path: Vec<u8>,
    /// What is wrong with it.
    pub kind: RefusalKind,
}

/// Bytes of the longest name that can be made.
const MAX_NAME_BYTES: usize = 255;

/// Why an entry cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RefusalKind {
    /// Its name, its place or its path.
    #[error(transparent)]
    Tree(TreeFaultKind),
    /// A name that no file system takes.
    #[error("the name has {0} bytes, and no file system takes more than {MAX_NAME_BYTES}")]
    NameTooLong(usize),
    /// The name of the directory in which content waits.
    #[error("the name is that of the directory in which content waits")]
    Staging,
    /// A name that ends in a slash, and a mode that is not that of a directory.
    #[error("the name is that of a directory, and the mode is not")]
    Type,
    /// A sequence whose members are not known.
    #[error("the sequence cannot be expanded: {0}")]
    Sequence(SequenceError),
    /// A sequence of directories with entries below: in which of them these are is not known.
    #[error("the sequence of directories cannot be expanded, for it has entries below it")]
    SequenceOfDirectories,
    /// A sequence whose members' IDs are nowhere to be had.
    #[error("the IDs of the sequence's members are not with the manifest, nor is their list {0} to be had")]
    IdList(C4Id),
    /// A file whose content nobody knows.
    #[error("the file has no ID, and is not in the directory: nobody knows its content")]
    NoId,
    /// A link that points nowhere known.
    #[error("the target of the symbolic link is not known")]
    NoTarget,
    /// A directory that has entries, in a manifest that lists none of any directory: a listing of one level, as a store
    /// keeps it. Everything in its directories would be removed.
    #[error("the manifest lists one level alone, and the directory's ID is not that of an empty one")]
    NotListed,
    /// A link target that no system takes.
    #[error("the target of the symbolic link holds a NUL byte")]
    TargetNul,
}

impl From<TreeFault> for Refusal {
    fn from(fault: TreeFault) -> Self {
        Self { path: fault.path, kind: RefusalKind::Tree(fault.kind) }
    }
}

/// The manifest as a state to reach: every entry can be made, sequences are expanded, the list is in canonical order and
/// that of all rows; what is never touched is not in it.
pub(super) fn prepare(target: &Manifest, sources: &[&dyn ContentSource]) -> Result<Manifest, PlanError> {
    if let Some(base) = target.base {
        return Err(PlanError::Patch(base));
    }
    target.check_tree().map_err(Refusal::from)?;
    check_entries(target)?;
    check_levels(target)?;
    let mut state = target.clone();
    take_left_alone_out(&mut state);
    for row in state.iter().collect::<Vec<_>>() {
        let entry = state.get(row);
        if entry.is_dir() && !entry.name.ends_with(b"/") {
            let name = [entry.name, b"/"].concat();
            state.set(row, Field::Name(name));
        }
    }
    if state.iter().any(|row| state.get(row).is_sequence) {
        state = expand(state, sources)?;
        check_names(&state)?;
        return Ok(state);
    }
    check_names(&state)?;
    state.sort();
    state.compact();
    Ok(state)
}

fn check_entries(target: &Manifest) -> Result<(), Refusal> {
    for (place, row) in target.iter().enumerate() {
        let entry = target.get(row);
        let kind = if entry.depth == 0 && entry.bare_name().eq_ignore_ascii_case(STAGING) {
            // In any case: some file systems take those for one name.
            RefusalKind::Staging
        } else if entry.is_dir() && !entry.mode.is_dir() && !entry.mode.is_null() {
            RefusalKind::Type
        } else if entry.target().contains(&0) {
            RefusalKind::TargetNul
        } else {
            continue;
        };
        return Err(Refusal { path: target.outline().path(target, place), kind });
    }
    Ok(())
}

/// Only whole listings are looked at: a manifest that was edited or filtered keeps the IDs of directories that it emptied.
fn check_levels(target: &Manifest) -> Result<(), Refusal> {
    if target.iter().any(|row| target.get(row).depth > 0) {
        return Ok(());
    }
    let empty = C4Id::of(b"");
    match target.iter().enumerate().find(|(_, row)| {
        let entry = target.get(*row);
        entry.is_dir() && !entry.id.is_nil() && *entry.id != empty
    }) {
        Some((place, _)) => Err(Refusal { path: target.outline().path(target, place), kind: RefusalKind::NotListed }),
        None => Ok(()),
    }
}

fn check_names(state: &Manifest) -> Result<(), Refusal> {
    let length = |row| state.get(row).bare_name().len();
    match state.iter().enumerate().find(|(_, row)| length(*row) > MAX_NAME_BYTES) {
        Some((place, row)) => {
            let path = state.outline().path(state, place);
            Err(Refusal { path, kind: RefusalKind::NameTooLong(length(row)) })
        }
        None => Ok(()),
    }
}

/// So many names that differ in case or normalization only are compared with a further one of theirs.
const MAX_TWINS: usize = 64;

/// Rows of a state whose names differ from that of a sibling before them in case or normalization only: with each such
/// sibling, for a file system may take some of them for one, and not others.
pub(super) fn twins(state: &Manifest) -> Vec<(RowId, RowId)> {
    let outline = state.outline();
    let hasher = RandomState::new();
    let folded = |row: RowId| {
        let mut fold = Vec::new();
        fold_name(without_slash(state.rows().name(row)), &mut fold);
        (outline.parent(row as usize), fold)
    };
    let mut names: HashTable<RowId> = HashTable::with_capacity(state.len());
    let mut twins = Vec::new();
    let mut groups: HashMap<RowId, Vec<RowId>> = HashMap::new();
    for row in state.iter() {
        let key = folded(row);
        let hash = hasher.hash_one(&key);
        match names.find(hash, |other| folded(*other) == key) {
            Some(first) => {
                let group = groups.entry(*first).or_insert_with(|| vec![*first]);
                twins.extend(group.iter().map(|other| (*other, row)));
                if group.len() < MAX_TWINS {
                    group.push(row);
                }
            }
            None => {
                names.insert_unique(hash, row, |row| hasher.hash_one(folded(*row)));
            }
        }
    }
    twins
}

/// Takes out of the list what is never touched.
fn take_left_alone_out(state: &mut Manifest) {
    let is_left_alone =
        |entry: &Row<'_>| entry.depth == 0 && !entry.is_dir() && LEFT_ALONE.contains(&entry.bare_name());
    if state.iter().any(|row| is_left_alone(&state.get(row))) {
        let kept = state.iter().filter(|row| !is_left_alone(&state.get(*row))).collect();
        state.replace_order(kept);
    }
}

/// The state with the members of its sequences, each with its ID.
fn expand(mut state: Manifest, sources: &[&dyn ContentSource]) -> Result<Manifest, PlanError> {
    let refuse = |state: &Manifest, place, kind| {
        PlanError::Refused(Box::new(Refusal { path: state.outline().path(state, place), kind }))
    };
    let mut expected = state.len() as u64;
    let mut lists = Vec::new();
    let mut budget = Budget::default();
    for (place, row) in state.iter().enumerate() {
        let entry = state.get(row);
        if !entry.is_sequence {
            continue;
        }
        let count = match Sequence::parse_within(entry.name, &mut budget) {
            Ok(sequence) => sequence.count(),
            Err(error) => return Err(refuse(&state, place, RefusalKind::Sequence(error))),
        };
        expected = expected.saturating_add(count) - 1;
        let is_file = !entry.is_dir() && !entry.is_symlink();
        if is_file && !entry.id.is_nil() && state.range_data().get(entry.id).is_none_or(|ids| ids.len() as u64 != count)
        {
            lists.push((place, *entry.id, count));
        }
    }
    for (place, id, count) in lists {
        if count > DEFAULT_EXPANSION_LIMIT {
            break;
        }
        match read_id_list(sources, &id, count)? {
            Some(ids) => state.add_range(ids),
            None => return Err(refuse(&state, place, RefusalKind::IdList(id))),
        };
    }
    let expanded = state.expand_sequences(DEFAULT_EXPANSION_LIMIT).map_err(PlanError::Sequence)?;
    if let Some(place) = expanded.iter().position(|row| expanded.get(row).is_sequence) {
        return Err(refuse(&expanded, place, RefusalKind::SequenceOfDirectories));
    }
    match overlap(&state).filter(|_| expanded.len() as u64 != expected) {
        Some(place) => Err(refuse(&state, place, RefusalKind::Tree(TreeFaultKind::Duplicate))),
        None => Ok(expanded),
    }
}

/// Place of an entry that stands for a name that another one of its directory has or stands for.
fn overlap(state: &Manifest) -> Option<usize> {
    let mut names: HashSet<(Option<usize>, Vec<u8>)> = HashSet::new();
    for (place, row) in state.iter().enumerate() {
        let (parent, entry) = (state.outline().parent(place), state.get(row));
        let is_new = match Sequence::parse(entry.name).ok().filter(|_| entry.is_sequence) {
            Some(sequence) => sequence.numbers().all(|number| {
                let name = sequence.name(number);
                names.insert((parent, without_slash(&name).to_vec()))
            }),
            None => names.insert((parent, entry.bare_name().to_vec())),
        };
        if !is_new {
            return Some(place);
        }
    }
    None
}

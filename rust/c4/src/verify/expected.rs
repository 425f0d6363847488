//! What a tree must hold: every path once, with the members of sequences in their place.

use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

use crate::C4Id;
use crate::c4m::{
    DEFAULT_EXPANSION_LIMIT, Field, Manifest, Outline, RowId, SequenceError, is_plain_directory, shown_name,
    without_slash,
};

/// Why a manifest describes no tree that a directory could be.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A name that is no name of one entry of a directory, once it is decoded.
    #[error("{}: {problem}", shown_name(path))]
    Name {
        /// The entry.
        path: Vec<u8>,
        /// What is wrong with the name.
        problem: &'static str,
    },
    /// Two entries at one path, members of sequences included; a directory and a file are at one path as well.
    #[error("{}: two entries have this path", shown_name(.0))]
    Duplicate(Vec<u8>),
    /// An entry that is in no directory of the list, though its depth says so.
    #[error("{}: the entry is in no directory of the manifest", shown_name(.0))]
    Orphan(Vec<u8>),
    /// A sequence that stands for more names than can be looked for.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The manifest says what differs from another one.
    #[error("the manifest is a patch on {0}, which has to be applied first")]
    Patch(C4Id),
}

/// The manifest with its sequences expanded, in canonical order: the number of a row is its place in the list.
///
/// One that is so already is not copied.
pub(super) fn prepare(manifest: &Arc<Manifest>) -> Result<Arc<Manifest>, Refusal> {
    if let Some(base) = manifest.base {
        return Err(Refusal::Patch(base));
    }
    check(manifest)?;
    let has_sequences = manifest.iter().any(|row| manifest.get(row).is_sequence);
    if !has_sequences && manifest.is_in_row_order() && Outline::is_sorted(manifest) {
        return Ok(Arc::clone(manifest));
    }
    let mut expected = if has_sequences {
        // An ID list is as long as its text: only names that nothing in the manifest accounts for are limited.
        let listed: usize = manifest.range_data().values().map(Vec::len).sum();
        let expanded = manifest.with_members(DEFAULT_EXPANSION_LIMIT.saturating_add(listed as u64), true)?;
        check(&expanded)?;
        expanded
    } else {
        Manifest::clone(manifest)
    };
    // A directory by its mode alone is found under its name with a slash.
    let plain: Vec<RowId> = expected.iter().filter(|row| is_plain_directory(expected.rows(), *row)).collect();
    for row in plain {
        let name = [expected.rows().name(row), b"/"].concat();
        expected.set(row, Field::Name(name));
    }
    expected.sort();
    expected.compact();
    Ok(Arc::new(expected))
}

fn check(manifest: &Manifest) -> Result<(), Refusal> {
    let outline = manifest.outline();
    for (place, row) in manifest.iter().enumerate() {
        if let Some(problem) = problem_of(without_slash(manifest.rows().name(row))) {
            return Err(Refusal::Name { path: outline.path(manifest, place), problem });
        }
        if outline.is_orphan(place) {
            return Err(Refusal::Orphan(outline.path(manifest, place)));
        }
    }
    match first_duplicate(manifest) {
        Some(place) => Err(Refusal::Duplicate(outline.path(manifest, place))),
        None => Ok(()),
    }
}

/// What is wrong with the name of an entry, without the slash of a directory.
fn problem_of(name: &[u8]) -> Option<&'static str> {
    match name {
        b"" => Some("the name is empty"),
        b"." | b".." => Some("the name leads to another directory"),
        name if memchr::memchr(b'/', name).is_some() => Some("the name holds a slash"),
        name if memchr::memchr(0, name).is_some() => Some("the name holds a NUL byte"),
        _ => None,
    }
}

/// Place of the first entry whose path another one before it has, with or without a slash.
fn first_duplicate(manifest: &Manifest) -> Option<usize> {
    let (outline, rows) = (manifest.outline(), manifest.rows());
    let key = |place: usize| {
        let row = manifest.row_at(place).unwrap_or(RowId::MAX);
        (outline.parent(place), without_slash(rows.name(row)))
    };
    let is_dir = |place: usize| manifest.row_at(place).is_some_and(|row| rows.is_dir(row));
    // In canonical order no name is there twice, and only a directory may have that of a file.
    let is_sorted = Outline::is_sorted(manifest);
    let mut has_directories = vec![!is_sorted; manifest.len() + 1];
    let slot = |place: usize| outline.parent(place).map_or(manifest.len(), |parent| parent);
    if is_sorted {
        (0..manifest.len()).filter(|place| is_dir(*place)).for_each(|place| has_directories[slot(place)] = true);
    }
    let hasher = DefaultHashBuilder::default();
    let mut seen: HashTable<u32> = HashTable::new();
    for place in (0..manifest.len()).filter(|place| has_directories[slot(*place)]) {
        let own = key(place);
        let entry = seen.entry(
            hasher.hash_one(own),
            |other| key(*other as usize) == own,
            |other| hasher.hash_one(key(*other as usize)),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(_) => return Some(place),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                entry.insert(place as u32);
            }
        }
    }
    None
}

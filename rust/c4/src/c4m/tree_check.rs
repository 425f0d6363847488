//! Whether a list of entries describes a tree that a directory can be.
//!
//! A text may say anything, and is read so that it can be looked at. What touches a file system checks here first: names,
//! as the bytes that they stand for, whatever they were escaped as; every path once; every entry in a directory.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable, hash_table};

use super::entry::without_slash;
use super::manifest::Manifest;
use super::outline::Outline;
use super::rows::RowId;
use super::safe_name::shown_name;

/// An entry that no directory can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {kind}", shown_name(path))]
pub struct TreeFault {
    /// Its path.
    pub path: Vec<u8>,
    /// What is wrong with it.
    pub kind: TreeFaultKind,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeFaultKind {
    /// A name that leads elsewhere, or to nothing.
    #[error("the name {0}, and would lead out of its directory")]
    Name(&'static str),
    /// No directory right above, though the depth asks for one.
    #[error("the entry has no directory above it")]
    Orphan,
    /// A second entry of one name, be it of another type.
    #[error("two entries have this name")]
    Duplicate,
}

impl Manifest {
    /// Finds the first entry that no directory can have, if there is one.
    pub fn check_tree(&self) -> Result<(), TreeFault> {
        let outline = self.outline();
        let fault = |place, kind| TreeFault { path: outline.path(self, place), kind };
        // The open path: depth and place of the last entry at each level.
        let mut open: Vec<(u32, usize)> = Vec::new();
        for (place, row) in self.iter().enumerate() {
            let depth = self.rows().depth(row);
            while open.pop_if(|(above, _)| *above >= depth).is_some() {}
            // An entry below a file would be taken for one of a directory further up.
            if outline.is_orphan(place) || outline.parent(place) != open.last().map(|(_, above)| *above) {
                return Err(fault(place, TreeFaultKind::Orphan));
            }
            open.push((depth, place));
            if let Some(problem) = name_problem(without_slash(self.rows().name(row))) {
                return Err(fault(place, TreeFaultKind::Name(problem)));
            }
        }
        first_duplicate(self).map_or(Ok(()), |place| Err(fault(place, TreeFaultKind::Duplicate)))
    }
}

/// Why a name, without the slash of a directory, is none of an entry in a directory, if it is not.
fn name_problem(name: &[u8]) -> Option<&'static str> {
    match name {
        b"" => Some("is empty"),
        b"." => Some("is '.'"),
        b".." => Some("is '..'"),
        _ if memchr::memchr(b'/', name).is_some() => Some("holds a slash"),
        _ if memchr::memchr(0, name).is_some() => Some("holds a NUL byte"),
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
            hash_table::Entry::Occupied(_) => return Some(place),
            hash_table::Entry::Vacant(entry) => {
                entry.insert(place as u32);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c4m::{Entry, decode};

    fn fault(text: &str) -> Option<(String, TreeFaultKind)> {
        let fault = decode(text.as_bytes()).unwrap().check_tree().err()?;
        Some((String::from_utf8(fault.path).unwrap(), fault.kind))
    }

    #[test]
    fn names_are_looked_at_as_they_are_decoded() {
        for (text, problem) in [
            ("- - 1 .. -\n", "is '..'"),
            ("- - 1 ¤⠮¤¤⠮¤ -\n", "is '..'"),
            ("- - - ../ -\n", "is '..'"),
            ("- - 1 . -\n", "is '.'"),
            ("- - 1 ..¤⠯¤name -\n", "holds a slash"),
            ("- - 1 a\\0b -\n", "holds a NUL byte"),
        ] {
            assert_eq!(fault(text).map(|(_, kind)| kind), Some(TreeFaultKind::Name(problem)), "{text}");
        }
        let empty: Manifest = [Entry::new("")].into_iter().collect();
        assert_eq!(empty.check_tree().unwrap_err().kind, TreeFaultKind::Name("is empty"));
    }

    #[test]
    fn every_path_is_there_once() {
        let twins: Manifest = ["x", "x/"].map(Entry::new).into_iter().collect();
        assert_eq!(twins.check_tree().unwrap_err().kind, TreeFaultKind::Duplicate);
        let unsorted: Manifest = ["b", "a", "b"].map(Entry::new).into_iter().collect();
        assert_eq!(unsorted.check_tree().unwrap_err().kind, TreeFaultKind::Duplicate);
        assert_eq!(fault("- - - d/ -\n  - - 1 x -\n- - - e/ -\n  - - 1 x -\n"), None);
    }

    #[test]
    fn every_entry_is_in_a_directory() {
        assert_eq!(fault("- - 1 a -\n  - - 1 x -\n"), Some(("x".into(), TreeFaultKind::Orphan)));
        // The reader would put it into d.
        let mut below_file: Manifest = ["d/", "f", "x"].map(Entry::new).into_iter().collect();
        below_file.set(2, crate::c4m::Field::Depth(1));
        assert_eq!(below_file.check_tree().unwrap_err().kind, TreeFaultKind::Orphan);
    }
}

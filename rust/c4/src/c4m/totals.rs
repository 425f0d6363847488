//! Counts and bytes of files, by directory, by extension, and of what changed between two manifests.

use std::collections::HashMap;

use super::manifest::Manifest;
use super::paths::PathWalk;
use super::rows::RowId;

/// Files and their bytes. Whatever is no directory counts as a file; an unknown size counts as 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Count of files.
    pub files: u64,
    /// Sum of their known sizes.
    pub bytes: u64,
}

impl Totals {
    /// Counts one file; a negative size is unknown.
    pub fn add(&mut self, size: i64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(size).unwrap_or(0));
    }
}

/// What changed below a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Files that only the second manifest has.
    pub added: Totals,
    /// Files that only the first has.
    pub removed: Totals,
    /// Files that are not the same, with their sizes in the second.
    pub modified: Totals,
}

/// Values by name, in the order in which the names came up.
#[derive(Default)]
struct Groups<T> {
    names: HashMap<Vec<u8>, u32>,
    values: Vec<(Vec<u8>, T)>,
}

impl<T: Default> Groups<T> {
    fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.names.insert(name.to_vec(), number);
        self.values.push((name.to_vec(), T::default()));
        number
    }

    fn value(&mut self, number: u32) -> &mut T {
        &mut self.values[number as usize].1
    }
}

impl Manifest {
    /// Totals of the directories at a depth, 1 for those at the top; a file counts for its directory at that depth, or
    /// for the one that it lies in if that is less deep. Paths are without a slash at the end, that of the top is empty.
    pub fn directory_totals(&self, depth: usize) -> Vec<(Vec<u8>, Totals)> {
        let mut groups: Groups<Totals> = Groups::default();
        self.for_files(depth, &mut groups, |groups, number, row| groups.value(number).add(self.rows().size(row)));
        groups.values
    }

    /// Totals by extension, in lower case without its dot; empty for names that have none.
    pub fn extension_totals(&self) -> Vec<(Vec<u8>, Totals)> {
        let mut groups: Groups<Totals> = Groups::default();
        let mut lower = Vec::new();
        for row in self.iter().filter(|row| !self.rows().is_dir(*row)) {
            lower.clear();
            lower.extend_from_slice(extension(self.rows().name(row)));
            lower.make_ascii_lowercase();
            let number = groups.number(&lower);
            groups.value(number).add(self.rows().size(row));
        }
        groups.values
    }

    /// What changed from this manifest to another, by directory as in [`Manifest::directory_totals`]: the files among what
    /// [`diff`](crate::diff::diff) lists.
    pub fn change_totals(&self, after: &Self, depth: usize) -> Vec<(Vec<u8>, Changes)> {
        let diff = crate::diff::diff(self, after);
        let mut groups: Groups<Changes> = Groups::default();
        let mut add =
            |manifest: &Self, rows: &mut dyn Iterator<Item = RowId>, part: fn(&mut Changes) -> &mut Totals| {
                let mut listed = vec![false; manifest.rows().len()];
                rows.for_each(|row| listed[row as usize] = true);
                manifest.for_files(depth, &mut groups, |groups, number, row| {
                    if listed[row as usize] {
                        part(groups.value(number)).add(manifest.rows().size(row));
                    }
                });
            };
        add(after, &mut diff.added.into_iter(), |changes| &mut changes.added);
        add(after, &mut diff.modified.into_iter().map(|(_, row)| row), |changes| &mut changes.modified);
        add(self, &mut diff.removed.into_iter(), |changes| &mut changes.removed);
        groups.values.retain(|(_, changes)| *changes != Changes::default());
        groups.values
    }

    /// Calls a function with each file: the number of its directory's group, and its row.
    fn for_files<T: Default>(
        &self,
        depth: usize,
        groups: &mut Groups<T>,
        mut function: impl FnMut(&mut Groups<T>, u32, RowId),
    ) {
        let outline = self.outline();
        let top = groups.number(b"");
        // Of each place: how many directories lead into it, itself included, and the group of what lies in it.
        let mut inside: Vec<(u32, u32)> = Vec::with_capacity(self.len());
        let mut walk = PathWalk::default();
        for (place, row) in self.iter().enumerate() {
            let is_dir = self.rows().is_dir(row);
            let (level, group) = match (self.detached_path(row), outline.parent(place)) {
                (Some(path), _) => {
                    let path = path.strip_suffix(b"/").unwrap_or(path);
                    let slashes: Vec<usize> = memchr::memchr_iter(b'/', path).collect();
                    let end = depth.min(slashes.len()).checked_sub(1).map_or(0, |last| slashes[last]);
                    (slashes.len() as u32, groups.number(&path[..end]))
                }
                (None, Some(parent)) => inside[parent],
                (None, None) => (0, top),
            };
            if !is_dir {
                function(groups, group, row);
                inside.push((level, group));
            } else if (level as usize) < depth {
                let path = walk.path(self, place);
                inside.push((level + 1, groups.number(path.strip_suffix(b"/").unwrap_or(path))));
            } else {
                inside.push((level + 1, group));
            }
        }
    }
}

/// What follows the last dot of a name that has something else before it.
fn extension(name: &[u8]) -> &[u8] {
    let stem = name.iter().position(|byte| *byte != b'.').unwrap_or(name.len());
    memchr::memrchr(b'.', &name[stem..]).map_or(&[], |dot| &name[stem + dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::*;

    fn totals(found: &[(Vec<u8>, Totals)]) -> Vec<(&str, u64, u64)> {
        found.iter().map(|(name, total)| (std::str::from_utf8(name).unwrap(), total.files, total.bytes)).collect()
    }

    const TEXT: &[u8] = b"- - 1 top.TXT -\n- - - d/ -\n  - - 2 a.txt -\n  - - - e/ -\n    - - 4 .bashrc -\n    - - - x.tar.gz -\n- - - f/ -\n";

    #[test]
    fn a_file_counts_for_its_directory_at_the_depth() {
        let manifest = decode(TEXT).unwrap();
        assert_eq!(totals(&manifest.directory_totals(0)), [("", 4, 7)]);
        assert_eq!(totals(&manifest.directory_totals(1)), [("", 1, 1), ("d", 3, 6), ("f", 0, 0)]);
        assert_eq!(totals(&manifest.directory_totals(2)), [("", 1, 1), ("d", 1, 2), ("d/e", 2, 4), ("f", 0, 0)]);
        assert_eq!(manifest.directory_totals(usize::MAX), manifest.directory_totals(2));
    }

    #[test]
    fn an_entry_whose_directories_are_missing_counts_by_its_path() {
        let mut manifest = decode(b"- - 5 f -\n- - - g/ -\n  - - 6 h -\n").unwrap();
        manifest.set_detached_path(0, b"d/e/f".to_vec());
        manifest.set_detached_path(1, b"d/g/".to_vec());
        assert_eq!(totals(&manifest.directory_totals(1)), [("", 0, 0), ("d", 2, 11)]);
        assert_eq!(totals(&manifest.directory_totals(2)), [("", 0, 0), ("d/e", 1, 5), ("d", 0, 0), ("d/g", 1, 6)]);
    }

    #[test]
    fn an_extension_follows_the_last_dot_and_has_no_case() {
        assert_eq!(totals(&decode(TEXT).unwrap().extension_totals()), [("txt", 2, 3), ("", 1, 4), ("gz", 1, 0)]);
        for (name, expected) in [("a", ""), ("a.", ""), (".a", ""), ("..a.b", "b"), ("a.b.c", "c"), ("...", "")] {
            assert_eq!(extension(name.as_bytes()), expected.as_bytes(), "{name}");
        }
    }

    #[test]
    fn changes_are_of_files_by_path() {
        let before =
            decode(b"- - 1 same -\n- - 2 gone -\n- - - d/ -\n  - - 3 changed -\n  - - 4 was_file -\n").unwrap();
        let after =
            decode(b"- - 1 same -\n- - - d/ -\n  - - 30 changed -\n  - - - was_file/ -\n    - - 5 new -\n").unwrap();
        let found = before.change_totals(&after, 1);
        let one = |files, bytes| Totals { files, bytes };
        let expected = [
            (b"".to_vec(), Changes { removed: one(1, 2), ..Changes::default() }),
            (b"d".to_vec(), Changes { added: one(1, 5), removed: one(1, 4), modified: one(1, 30) }),
        ];
        assert_eq!(found, expected);
        assert_eq!(before.change_totals(&before, 3), []);
    }
}

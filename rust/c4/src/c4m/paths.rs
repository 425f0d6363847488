//! Paths of a whole list: written one after the other, and kept where the list does not lead to them.

use std::collections::HashMap;

use super::entry::without_slash;
use super::manifest::Manifest;
use super::outline::Outline;
use super::rows::RowId;

/// The paths of a list's entries, place by place.
///
/// An entry's path is that of its directory and its name. The path of the open directory is kept, so that a list in the
/// order of its tree costs no more than the bytes of the names; in any other order each path costs its own length.
#[derive(Clone, Debug, Default)]
pub struct PathWalk {
    path: Vec<u8>,
    /// Places of the open directories, from the top, and where the path of each ends.
    open: Vec<(usize, usize)>,
}

impl PathWalk {
    /// Path of the entry at a place, as [`Outline::path`] gives it. Places are asked for in ascending order.
    pub fn path(&mut self, manifest: &Manifest, place: usize) -> &[u8] {
        self.step(manifest, manifest.outline(), place, &HashMap::new())
    }

    /// The path at a place; `kept` has the paths of rows that the list does not lead to, besides the manifest's own.
    fn step(&mut self, manifest: &Manifest, outline: &Outline, place: usize, kept: &HashMap<RowId, Vec<u8>>) -> &[u8] {
        let parent = outline.parent(place);
        while self.open.last().is_some_and(|(open, _)| Some(*open) != parent) {
            self.open.pop();
        }
        if self.open.is_empty() {
            let mut above: Vec<usize> = Vec::new();
            let mut next = parent;
            while let Some(directory) = next {
                above.push(directory);
                let known = manifest.row_at(directory).is_some_and(|row| kept.contains_key(&row));
                next = outline.parent(directory).filter(|_| !known);
            }
            while let Some(directory) = above.pop() {
                self.descend(manifest, directory, kept);
            }
        }
        self.descend(manifest, place, kept);
        &self.path
    }

    /// Adds an entry's name to the path of the open directory, and opens the entry.
    fn descend(&mut self, manifest: &Manifest, place: usize, kept: &HashMap<RowId, Vec<u8>>) {
        let Some(row) = manifest.row_at(place) else { return };
        self.path.truncate(self.open.last().map_or(0, |(_, end)| *end));
        if !self.open.is_empty() && !self.path.ends_with(b"/") {
            self.path.push(b'/');
        }
        let whole = kept.get(&row).map(Vec::as_slice).or_else(|| manifest.detached_path(row));
        self.path.extend_from_slice(whole.unwrap_or_else(|| manifest.rows().name(row)));
        self.open.push((place, self.path.len()));
    }
}

impl Manifest {
    /// Keeps the paths that the list does not lead to, as those of entries whose directories are missing.
    ///
    /// `path_of` gives the path of the entry at a place, with or without the slash of a directory.
    pub fn keep_paths<P: AsRef<[u8]>>(&mut self, mut path_of: impl FnMut(usize) -> P) {
        let mut walk = PathWalk::default();
        let mut kept: HashMap<RowId, Vec<u8>> = HashMap::new();
        for (place, row) in self.iter().enumerate() {
            let given = path_of(place);
            let path = without_slash(given.as_ref());
            let found = without_slash(walk.step(self, self.outline(), place, &kept));
            // Of a name that is a slash alone the path ends in one, also without that of a directory.
            if found != path && found != given.as_ref() {
                let slash: &[u8] = if self.rows().name(row).ends_with(b"/") { b"/" } else { b"" };
                kept.insert(row, [path, slash].concat());
                if self.rows().is_dir(row) {
                    // What lies below it starts from its path; what lies below a directory above it does not.
                    walk = PathWalk::default();
                }
            }
        }
        for (row, path) in kept {
            self.set_detached_path(row, path);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Entry, Mode};
    use super::*;

    fn any_entry() -> impl Strategy<Value = Entry> {
        ("[ab]{0,2}/?", 0..5_u32, any::<bool>()).prop_map(|(name, depth, is_dir)| Entry {
            depth,
            mode: if is_dir { Mode::from_bits(0o040_755) } else { Mode::NULL },
            ..Entry::new(name)
        })
    }

    proptest! {
        #[test]
        fn a_walk_gives_the_paths_of_the_outline(
            entries in proptest::collection::vec(any_entry(), 0..40),
            detached in proptest::collection::vec((0..40_u32, "[xy]/[xy]/?"), 0..4),
        ) {
            let count = entries.len() as u32;
            let mut manifest: Manifest = entries.into_iter().collect();
            for (row, path) in detached.into_iter().filter(|(row, _)| *row < count) {
                manifest.set_detached_path(row, path.into_bytes());
            }
            let mut walk = PathWalk::default();
            for place in 0..manifest.len() {
                prop_assert_eq!(walk.path(&manifest, place), manifest.outline().path(&manifest, place));
            }
            // Some places only, as batches that are skipped.
            let mut walk = PathWalk::default();
            for place in (0..manifest.len()).step_by(3) {
                prop_assert_eq!(walk.path(&manifest, place), manifest.outline().path(&manifest, place));
            }
        }

        #[test]
        fn kept_paths_are_those_asked_for(
            entries in proptest::collection::vec((any_entry(), "[xy]/[xyz]|[ab]"), 0..40),
        ) {
            let (entries, paths): (Vec<Entry>, Vec<String>) = entries.into_iter().unzip();
            let mut manifest: Manifest = entries.into_iter().collect();
            manifest.keep_paths(|place| &paths[place]);
            for (place, path) in paths.iter().enumerate() {
                let found = manifest.outline().path(&manifest, place);
                prop_assert_eq!(without_slash(&found), path.as_bytes());
            }
        }
    }

    #[test]
    fn paths_that_the_list_leads_to_are_not_kept() {
        let entry = |name: &str, depth| Entry { depth, ..Entry::new(name) };
        let mut manifest: Manifest = [entry("d/", 0), entry("e/", 1), entry("f", 2)].into_iter().collect();
        manifest.keep_paths(|place| ["top/d", "top/d/e", "top/d/e/f"][place]);
        assert_eq!(manifest.detached_path(0), Some(&b"top/d/"[..]));
        assert_eq!((manifest.detached_path(1), manifest.detached_path(2)), (None, None));
        assert_eq!(manifest.outline().path(&manifest, 2), b"top/d/e/f");
    }
}

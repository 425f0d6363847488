//! One directory of a manifest: its contents as a manifest, and a manifest with other contents of it.

use super::entry::Row;
use super::manifest::Manifest;

/// Why there is no directory at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No entry.
    #[error("there is no entry of this path")]
    NotFound,
    /// An entry that is no directory.
    #[error("the entry is not a directory")]
    NotADirectory,
}

impl Manifest {
    /// Place of the directory at a path, with or without its slash; `None` is the top, which the empty path names.
    pub fn find_directory(&self, path: &[u8]) -> Result<Option<usize>, DirectoryError> {
        if path.is_empty() {
            return Ok(None);
        }
        let with_slash = [path.strip_suffix(b"/").unwrap_or(path), b"/"].concat();
        // A file of the same name is found before the directory when the slash is missing.
        let place = self.outline().find(self, &with_slash);
        match place.or_else(|| self.outline().find(self, path)) {
            Some(place) if self.row_at(place).is_some_and(|row| self.rows().is_dir(row)) => Ok(Some(place)),
            Some(_) => Err(DirectoryError::NotADirectory),
            None => Err(DirectoryError::NotFound),
        }
    }

    /// The contents of a directory as a manifest of their own, in the order of the list, with the ID lists of its
    /// sequences. Those of the top are all entries.
    pub fn subtree(&self, path: &[u8]) -> Result<Self, DirectoryError> {
        let directory = self.find_directory(path)?;
        let prefix = self.prefix(directory);
        let depth = self.depth_below(directory);
        let mut result = Self::default();
        for place in self.places_below(directory) {
            let Some(row) = self.row_at(place) else { continue };
            let entry = self.get(row);
            let new = result.push(&Row { depth: entry.depth.saturating_sub(depth), ..entry });
            if let Some(path) = self.detached_path(row) {
                result.set_detached_path(new, path[prefix.len()..].to_vec());
            }
        }
        result.take_ranges_of(self);
        result.compact();
        Ok(result)
    }

    /// A manifest in which a directory has the entries of another manifest and no others, in canonical order. The entry
    /// of the directory and those above it stay as they are, and so do their IDs and sizes.
    pub fn with_subtree(&self, path: &[u8], subtree: &Self) -> Result<Self, DirectoryError> {
        let directory = self.find_directory(path)?;
        let mut is_replaced = vec![false; self.len()];
        for place in self.places_below(directory) {
            is_replaced[place] = true;
        }
        let mut result = Self::default();
        result.base = self.base;
        if directory.is_none() {
            result.append(subtree, 0, b"");
        }
        for (place, row) in self.iter().enumerate().filter(|(place, _)| !is_replaced[*place]) {
            let new = result.push(&self.get(row));
            if let Some(path) = self.detached_path(row) {
                result.set_detached_path(new, path.to_vec());
            }
            if directory == Some(place) {
                result.append(subtree, self.depth_below(directory), &self.prefix(directory));
            }
        }
        result.take_ranges_of(self);
        result.take_ranges_of(subtree);
        result.sort();
        result.compact();
        Ok(result)
    }

    /// Appends all entries of a manifest, so many levels deeper, below the directory whose path is `prefix`.
    fn append(&mut self, manifest: &Self, depth: u32, prefix: &[u8]) {
        for row in manifest.iter() {
            let entry = manifest.get(row);
            let new = self.push(&Row { depth: entry.depth.saturating_add(depth), ..entry });
            if let Some(path) = manifest.detached_path(row) {
                self.set_detached_path(new, [prefix, path].concat());
            }
        }
    }

    /// Depth of the entries in a directory.
    fn depth_below(&self, directory: Option<usize>) -> u32 {
        let row = directory.and_then(|place| self.row_at(place));
        row.map_or(0, |row| self.rows().depth(row).saturating_add(1))
    }

    /// What paths below a directory begin with.
    fn prefix(&self, directory: Option<usize>) -> Vec<u8> {
        let mut prefix = directory.map_or_else(Vec::new, |place| self.outline().path(self, place));
        if directory.is_some() && !prefix.ends_with(b"/") {
            prefix.push(b'/');
        }
        prefix
    }

    /// Places of everything below a directory, parents before their children.
    fn places_below(&self, directory: Option<usize>) -> Vec<usize> {
        let Some(top) = directory else { return (0..self.len()).collect() };
        let outline = self.outline();
        let mut stack: Vec<usize> = Vec::new();
        if self.has_detached_paths() {
            let prefix = self.prefix(directory);
            let is_below = |row| {
                self.detached_path(row).is_some_and(|path| path.len() > prefix.len() && path.starts_with(&prefix))
            };
            stack.extend((0..self.len()).rev().filter(|place| self.row_at(*place).is_some_and(is_below)));
        }
        let push_children = |stack: &mut Vec<usize>, place| {
            stack.extend(outline.children(Some(place)).iter().rev().map(|place| *place as usize));
        };
        push_children(&mut stack, top);
        let mut places = Vec::new();
        while let Some(place) = stack.pop() {
            places.push(place);
            push_children(&mut stack, place);
        }
        places
    }
}

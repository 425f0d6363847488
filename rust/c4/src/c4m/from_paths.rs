//! A manifest from a list of paths, in any order: the tree that they name.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::entry::{Entry, Row, without_slash};
use super::manifest::Manifest;
use super::rows::Rows;

/// Why paths make no tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathsError {
    /// Empty, absolute, or with a component that names no member of a directory.
    #[error("not a relative path without empty, \".\" and \"..\" components")]
    NotRelative,
    /// Another row has the path.
    #[error("the path is that of row {0} too")]
    Twice(usize),
    /// What is no directory by its type has members.
    #[error("no directory by its type, and row {0} lies below it")]
    NotADirectory(usize),
}

/// Nothing above, or no row of its own.
const NONE: u32 = u32::MAX;

/// Makes the tree of rows whose names are whole paths, with or without the slash of a directory.
///
/// Members of a directory stand together, in the order of the rows. A directory that paths lead through and no row
/// describes becomes an entry of which only the name is known. `is_file` tells whether a row of unknown mode is known to
/// be no directory. An error comes with the number of its row.
pub fn from_paths(paths: &Rows, is_file: impl Fn(usize) -> bool) -> Result<Manifest, (usize, PathsError)> {
    let mut tree = PathTree::default();
    // Rows that describe a node, by its number.
    let mut row_of: Vec<u32> = Vec::new();
    for row in 0..paths.len() as u32 {
        let path = without_slash(paths.name(row));
        if path.split(|byte| *byte == b'/').any(|component| matches!(component, b"" | b"." | b"..")) {
            return Err((row as usize, PathsError::NotRelative));
        }
        let node = tree.add(path, row);
        row_of.resize(tree.nodes.len(), NONE);
        let other = std::mem::replace(&mut row_of[node as usize], row);
        if other != NONE {
            return Err((row as usize, PathsError::Twice(other as usize)));
        }
    }
    let mut rows = Rows::default();
    rows.reserve(tree.nodes.len(), 0);
    let unknown = Entry::new(Vec::new());
    let mut name = Vec::new();
    tree.walk(|number, node, depth| {
        let row = row_of[number as usize];
        let described = (row != NONE).then(|| paths.get(row));
        let is_dir = described.is_some_and(|row| row.is_dir());
        if let Some(member) = tree.first_child(node)
            && !is_dir
            && described.is_some_and(|described| !described.mode.is_null() || is_file(row as usize))
        {
            return Err((row as usize, PathsError::NotADirectory(member.named_by as usize)));
        }
        node.write_name(is_dir, &mut name);
        rows.push(&Row { name: &name, depth, ..described.unwrap_or_else(|| unknown.as_row()) });
        Ok(())
    })?;
    Ok(Manifest::from(rows))
}

/// The tree that paths lead through, in the order in which they name its nodes first.
#[derive(Default)]
pub(super) struct PathTree<'a> {
    nodes: Vec<PathNode<'a>>,
    by_name: HashTable<u32>,
    hasher: RandomState,
    last_at_top: Option<u32>,
}

/// A component of paths.
pub(super) struct PathNode<'a> {
    name: &'a [u8],
    parent: u32,
    /// Number of the first path that has it.
    named_by: u32,
    first_child: u32,
    last_child: u32,
    next_sibling: u32,
}

impl PathNode<'_> {
    /// Writes the name, with the slash of a directory for what has members or is one.
    pub(super) fn write_name(&self, is_dir: bool, name: &mut Vec<u8>) {
        name.clear();
        name.extend_from_slice(self.name);
        if is_dir || self.first_child != NONE {
            name.push(b'/');
        }
    }
}

impl<'a> PathTree<'a> {
    /// Adds a path, whatever its components are, and gives the number of its node. `named_by` is kept with what is new.
    pub(super) fn add(&mut self, path: &'a [u8], named_by: u32) -> u32 {
        let mut parent = NONE;
        for name in path.split(|byte| *byte == b'/') {
            parent = self.child(parent, name, named_by);
        }
        parent
    }

    /// The number of a node's child; one that is not there is made.
    fn child(&mut self, parent: u32, name: &'a [u8], named_by: u32) -> u32 {
        let Self { nodes, by_name, hasher, last_at_top } = self;
        let hash = hasher.hash_one((parent, name));
        let is_it = |node: &u32| nodes[*node as usize].parent == parent && nodes[*node as usize].name == name;
        if let Some(node) = by_name.find(hash, is_it) {
            return *node;
        }
        let new = nodes.len() as u32;
        by_name.insert_unique(hash, new, |node| {
            let node = &nodes[*node as usize];
            hasher.hash_one((node.parent, node.name))
        });
        let before = match parent {
            NONE => last_at_top.replace(new).unwrap_or(NONE),
            parent => std::mem::replace(&mut nodes[parent as usize].last_child, new),
        };
        match (before, parent) {
            (NONE, NONE) => {}
            (NONE, parent) => nodes[parent as usize].first_child = new,
            (before, _) => nodes[before as usize].next_sibling = new,
        }
        nodes.push(PathNode { name, parent, named_by, first_child: NONE, last_child: NONE, next_sibling: NONE });
        new
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn first_child(&self, node: &PathNode<'_>) -> Option<&PathNode<'a>> {
        self.nodes.get(node.first_child as usize)
    }

    /// Visits every node with its number and depth, members after their directory.
    pub(super) fn walk<E>(&self, mut visit: impl FnMut(u32, &PathNode<'a>, u32) -> Result<(), E>) -> Result<(), E> {
        let mut depth = 0;
        let mut next = if self.nodes.is_empty() { NONE } else { 0 };
        while next != NONE {
            let node = &self.nodes[next as usize];
            visit(next, node, depth)?;
            if node.first_child != NONE {
                depth += 1;
                next = node.first_child;
                continue;
            }
            while next != NONE && self.nodes[next as usize].next_sibling == NONE {
                next = self.nodes[next as usize].parent;
                depth = depth.saturating_sub(1);
            }
            if next != NONE {
                next = self.nodes[next as usize].next_sibling;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Mode, encode};
    use super::*;

    fn made(paths: &[(&str, u32)]) -> Result<String, (usize, PathsError)> {
        let mut rows = Rows::default();
        for (path, mode) in paths {
            rows.push(&Entry { mode: Mode::from_bits(*mode), ..Entry::new(*path) }.as_row());
        }
        let manifest = from_paths(&rows, |_| false)?;
        Ok(String::from_utf8_lossy(&encode(&manifest).unwrap()).into_owned())
    }

    #[test]
    fn unlisted_directories_are_named_and_members_stand_together() {
        let text = made(&[("b/x/1", 0), ("a", 0), ("b/y", 0), ("b/x/2", 0), ("e/", 0), ("f", 0o040_755)]).unwrap();
        assert_eq!(
            text,
            "- - - a -\n- - - b/ -\n  - - - y -\n  - - - x/ -\n    - - - 1 -\n    - - - 2 -\n- - - e/ -\ndrwxr-xr-x - - f/ -\n"
        );
    }

    #[test]
    fn a_directory_may_come_after_its_members() {
        assert_eq!(made(&[("d/a", 0), ("d", 0o040_700)]).unwrap(), "drwx------ - - d/ -\n  - - - a -\n");
        assert_eq!(made(&[]).unwrap(), "");
    }

    #[test]
    fn what_makes_no_tree_is_told_with_its_row() {
        for path in ["", "/", "/a", "a//b", "a/./b", "..", "a/.."] {
            assert_eq!(made(&[("ok", 0), (path, 0)]), Err((1, PathsError::NotRelative)), "{path}");
        }
        assert_eq!(made(&[("a", 0), ("b", 0), ("a/", 0)]), Err((2, PathsError::Twice(0))));
        assert_eq!(made(&[("a/b", 0), ("a", 0o644)]), Err((1, PathsError::NotADirectory(0))));
    }

    #[test]
    fn a_file_of_unknown_mode_has_no_members() {
        let mut rows = Rows::default();
        rows.push(&Entry::new("a").as_row());
        rows.push(&Entry::new("a/b").as_row());
        assert_eq!(from_paths(&rows, |row| row == 0).unwrap_err(), (0, PathsError::NotADirectory(1)));
        assert_eq!(from_paths(&rows, |row| row == 1).unwrap().len(), 2);
    }

    #[test]
    fn depth_takes_no_recursion() {
        let deep = "d/".repeat(100_000);
        let mut rows = Rows::default();
        rows.push(&Entry::new(deep).as_row());
        assert_eq!(from_paths(&rows, |_| false).unwrap().len(), 100_000);
    }
}

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

/// An entry of the tree.
struct Node {
    parent: u32,
    /// Number of the row that says more than the name; `NONE` for a directory that is only named in paths.
    row: u32,
    /// The first row that named it, and where the name lies in the path of that row.
    named_by: u32,
    name: (u32, u32),
    first_child: u32,
    last_child: u32,
    next_sibling: u32,
}

/// Makes the tree of rows whose names are whole paths, with or without the slash of a directory.
///
/// Members of a directory stand together, in the order of the rows. A directory that paths lead through and no row
/// describes becomes an entry of which only the name is known. `is_file` tells whether a row of unknown mode is known to
/// be no directory. An error comes with the number of its row.
pub fn from_paths(paths: &Rows, is_file: impl Fn(usize) -> bool) -> Result<Manifest, (usize, PathsError)> {
    let nodes = tree(paths)?;
    let mut rows = Rows::default();
    rows.reserve(nodes.len(), 0);
    let mut name = Vec::new();
    let mut depth = 0;
    let mut next = nodes.first().map_or(NONE, |_| 0);
    while next != NONE {
        let node = &nodes[next as usize];
        let named_by = paths.name(node.named_by);
        name.clear();
        name.extend_from_slice(&named_by[node.name.0 as usize..node.name.1 as usize]);
        let described = (node.row != NONE).then(|| paths.get(node.row));
        let has_members = node.first_child != NONE;
        if has_members
            && described.is_some_and(|row| !row.is_dir() && (!row.mode.is_null() || is_file(node.row as usize)))
        {
            let member = nodes[node.first_child as usize].named_by;
            return Err((node.row as usize, PathsError::NotADirectory(member as usize)));
        }
        if has_members || described.is_some_and(|row| row.is_dir()) {
            name.push(b'/');
        }
        let unknown = Entry::new(Vec::new());
        rows.push(&Row { name: &name, depth, ..described.unwrap_or_else(|| unknown.as_row()) });
        if has_members {
            depth += 1;
            next = node.first_child;
            continue;
        }
        while next != NONE && nodes[next as usize].next_sibling == NONE {
            next = nodes[next as usize].parent;
            depth = depth.saturating_sub(1);
        }
        if next != NONE {
            next = nodes[next as usize].next_sibling;
        }
    }
    Ok(Manifest::from(rows))
}

fn tree(paths: &Rows) -> Result<Vec<Node>, (usize, PathsError)> {
    let hasher = RandomState::new();
    let mut nodes: Vec<Node> = Vec::new();
    let mut by_name: HashTable<u32> = HashTable::new();
    let mut last_at_top = NONE;
    for row in 0..paths.len() as u32 {
        let path = paths.name(row);
        let path = without_slash(path);
        let mut parent = NONE;
        let mut start = 0;
        loop {
            let end = memchr::memchr(b'/', &path[start..]).map_or(path.len(), |slash| start + slash);
            let component = &path[start..end];
            if matches!(component, b"" | b"." | b"..") {
                return Err((row as usize, PathsError::NotRelative));
            }
            let name_of = |node: &Node| &paths.name(node.named_by)[node.name.0 as usize..node.name.1 as usize];
            let hash = hasher.hash_one((parent, component));
            let found = by_name.find(hash, |node| {
                let node = &nodes[*node as usize];
                node.parent == parent && name_of(node) == component
            });
            let node = if let Some(node) = found {
                *node
            } else {
                let new = nodes.len() as u32;
                by_name.insert_unique(hash, new, |node| {
                    let node = &nodes[*node as usize];
                    hasher.hash_one((node.parent, name_of(node)))
                });
                let before = match parent {
                    NONE => std::mem::replace(&mut last_at_top, new),
                    parent => std::mem::replace(&mut nodes[parent as usize].last_child, new),
                };
                match (before, parent) {
                    (NONE, NONE) => {}
                    (NONE, parent) => nodes[parent as usize].first_child = new,
                    (before, _) => nodes[before as usize].next_sibling = new,
                }
                nodes.push(Node {
                    parent,
                    row: NONE,
                    named_by: row,
                    name: (start as u32, end as u32),
                    first_child: NONE,
                    last_child: NONE,
                    next_sibling: NONE,
                });
                new
            };
            if end == path.len() {
                let other = std::mem::replace(&mut nodes[node as usize].row, row);
                if other != NONE {
                    return Err((row as usize, PathsError::Twice(other as usize)));
                }
                break;
            }
            parent = node;
            start = end + 1;
        }
    }
    Ok(nodes)
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

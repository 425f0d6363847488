//! The tree of a manifest as sorted siblings, to walk several manifests side by side.
//!
//! Entries of several manifests are one when their directories are and their names agree byte for byte; no path is ever
//! put together to find that out. Siblings are in the order of their names, directories (names that end in `/`) last,
//! and each name occurs once: of several entries with one path the one that [`Outline::find`](super::Outline::find)
//! gives, so that an orphan stands at the top unless an entry of its name does.
//!
//! A manifest that was filtered may hold entries whose directories it does not list. Their paths name those directories,
//! which are here as nodes without an entry.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::entry::Row;
use super::manifest::Manifest;
use super::natural_sort::natural_cmp;
use super::outline::{Children, TOP};
use super::rows::RowId;

/// What a manifest has at a path.
#[derive(Clone, Copy)]
pub(crate) enum Node<'m> {
    /// Nothing.
    Absent,
    /// A directory that is not listed and that paths of entries lead through.
    Implied,
    /// An entry.
    Listed(RowId, Row<'m>),
}

impl<'m> Node<'m> {
    /// The entry, if one is listed.
    pub(crate) fn row(&self) -> Option<Row<'m>> {
        match self {
            Self::Listed(_, row) => Some(*row),
            _ => None,
        }
    }

    /// Number of the entry's row, if one is listed.
    pub(crate) fn number(&self) -> Option<RowId> {
        match self {
            Self::Listed(number, _) => Some(*number),
            _ => None,
        }
    }

    /// Whether the manifest has nothing at the path.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// A manifest as sorted siblings.
pub(crate) struct Hierarchy<'m> {
    manifest: &'m Manifest,
    children: Children,
    /// Names of directories that are not listed; their nodes have the numbers after those of the entries.
    implied: Vec<&'m [u8]>,
}

impl<'m> Hierarchy<'m> {
    pub(crate) fn new(manifest: &'m Manifest) -> Self {
        let outline = manifest.outline();
        let count = manifest.len();
        let mut parents: Vec<u32> =
            (0..count).map(|place| outline.parent(place).map_or(TOP, |parent| parent as u32)).collect();
        let implied = imply_directories(manifest, &mut parents);
        let mut hierarchy = Self { manifest, children: Children::new(&parents, false), implied };
        let mut children = std::mem::take(&mut hierarchy.children);
        // Of one name the last stays: an orphan comes before an entry that is where its path says.
        let orphan = |node: u32| (node as usize) < count && outline.is_orphan(node as usize);
        children.arrange(
            |a, b| {
                name_cmp(hierarchy.name(a), hierarchy.name(b))
                    .then_with(|| orphan(b).cmp(&orphan(a)))
                    .then_with(|| a.cmp(&b))
            },
            |a, b| hierarchy.name(a) == hierarchy.name(b),
        );
        hierarchy.children = children;
        hierarchy
    }

    fn name(&self, node: u32) -> &'m [u8] {
        match self.manifest.row_at(node as usize) {
            Some(row) => self.manifest.rows().name(row),
            None => self.implied[node as usize - self.manifest.len()],
        }
    }

    fn node(&self, node: u32) -> Node<'m> {
        match self.manifest.row_at(node as usize) {
            Some(row) => Node::Listed(row, self.manifest.get(row)),
            None => Node::Implied,
        }
    }
}

/// Order of siblings in a walk. Directories by their mode alone stand among the files: what an entry is must not decide
/// whether it is met together with one of its name.
fn name_cmp(a: &[u8], b: &[u8]) -> Ordering {
    a.ends_with(b"/").cmp(&b.ends_with(b"/")).then_with(|| natural_cmp(a, b))
}

/// The part of a path that leads to its last component, with its slash; empty at the top.
fn directory_of(path: &[u8]) -> &[u8] {
    let bare = path.strip_suffix(b"/").unwrap_or(path);
    &bare[..memchr::memrchr(b'/', bare).map_or(0, |slash| slash + 1)]
}

/// Gives entries whose directories are not listed their parents, and adds the directories that no entry stands for.
fn imply_directories<'m>(manifest: &'m Manifest, parents: &mut Vec<u32>) -> Vec<&'m [u8]> {
    let mut implied = Vec::new();
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    for (place, row) in manifest.iter().enumerate() {
        let Some(path) = manifest.detached_path(row) else { continue };
        let mut missing = Vec::new();
        let mut directory = directory_of(path);
        let mut node = loop {
            if directory.is_empty() {
                break TOP;
            }
            if let Some(node) = known.get(directory) {
                break *node;
            }
            missing.push(directory);
            directory = directory_of(directory);
        };
        for directory in missing.into_iter().rev() {
            let name = &directory[directory_of(directory).len()..];
            node = manifest.outline().find_directory(manifest, node, name, directory).unwrap_or_else(|| {
                implied.push(name);
                parents.push(node);
                (parents.len() - 1) as u32
            });
            known.insert(directory, node);
        }
        known.insert(directory_of(path), node);
        parents[place] = node;
    }
    implied
}

/// What is told of each path of a walk.
pub(crate) trait Visitor<'m, const N: usize> {
    /// A path that one of the manifests has at least. What is below follows, then [`Visitor::leave`].
    fn enter(&mut self, name: &'m [u8], nodes: [Node<'m>; N], siblings: &Siblings<'_, 'm, N>);

    /// Everything below the path that was entered last, and not left, has been visited.
    fn leave(&mut self);
}

/// The names of one directory in all manifests.
pub(crate) struct Siblings<'t, 'm, const N: usize> {
    hierarchies: &'t [Hierarchy<'m>; N],
    runs: [&'t [u32]; N],
    next: [usize; N],
}

impl<'t, 'm, const N: usize> Siblings<'t, 'm, N> {
    fn new(hierarchies: &'t [Hierarchy<'m>; N], runs: [&'t [u32]; N]) -> Self {
        Self { hierarchies, runs, next: [0; N] }
    }

    /// All names, those that several manifests have several times.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'m [u8]> {
        self.hierarchies.iter().zip(self.runs).flat_map(|(hierarchy, run)| run.iter().map(|node| hierarchy.name(*node)))
    }

    fn head(&self, side: usize) -> Option<u32> {
        self.runs[side].get(self.next[side]).copied()
    }

    /// The next name, and the nodes that have it.
    fn advance(&mut self) -> Option<(&'m [u8], [Option<u32>; N])> {
        let hierarchies = self.hierarchies;
        let heads = (0..N).filter_map(|side| Some(hierarchies[side].name(self.head(side)?)));
        let name = heads.min_by(|a, b| name_cmp(a, b))?;
        let nodes = std::array::from_fn(|side| {
            let node = self.head(side).filter(|node| hierarchies[side].name(*node) == name)?;
            self.next[side] += 1;
            Some(node)
        });
        Some((name, nodes))
    }
}

/// Visits every path of several manifests once, a directory before what is in it, siblings in order.
pub(crate) fn walk<'m, const N: usize>(hierarchies: &[Hierarchy<'m>; N], visitor: &mut impl Visitor<'m, N>) {
    let mut open = vec![Siblings::new(hierarchies, hierarchies.each_ref().map(|h| h.children.of_top()))];
    while let Some(siblings) = open.last_mut() {
        let Some((name, nodes)) = siblings.advance() else {
            open.pop();
            if !open.is_empty() {
                visitor.leave();
            }
            continue;
        };
        let of_side = std::array::from_fn(|side| nodes[side].map_or(Node::Absent, |node| hierarchies[side].node(node)));
        visitor.enter(name, of_side, siblings);
        let runs: [&[u32]; N] =
            std::array::from_fn(|side| nodes[side].map_or(&[][..], |node| hierarchies[side].children.of(node)));
        if runs.iter().all(|run| run.is_empty()) {
            visitor.leave();
        } else {
            open.push(Siblings::new(hierarchies, runs));
        }
    }
}

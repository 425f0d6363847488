//! The state of a patch chain: a first section, then sections that each change what is there.
//!
//! An entry of a patch that equals the current one in every field of its line removes it, with all below it; one that
//! differs replaces it; a new name adds. The children of a directory's line are applied to that directory; what was below
//! a directory that a file replaces is gone.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::manifest::{Manifest, Section};
use super::outline::Outline;
use super::rows::{RowId, Rows};

/// The state after all sections, in no particular order of siblings.
pub(crate) fn resolve(sections: &[Section]) -> Rows {
    let mut state = ChainState::new();
    if let Some((first, patches)) = sections.split_first() {
        state.load(&first.rows);
        for patch in patches {
            state.apply(&patch.rows);
        }
    }
    state.to_rows()
}

/// The entries at places of the sections.
pub(super) fn rows_at(sections: &[Section], places: &[Place]) -> Rows {
    let mut rows = Rows::default();
    for place in places {
        rows.push(&sections[place.source as usize].rows.get(place.row));
    }
    rows.shrink();
    rows
}

/// Where an entry of the state stands: in what was loaded or applied, in that order, from 0.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) source: u32,
    pub(super) row: RowId,
}

/// An entry of the state; siblings are a list in both directions.
struct Node {
    place: Place,
    parent: u32,
    first_child: u32,
    last_child: u32,
    next: u32,
    before: u32,
}

/// The current state as a tree.
pub(crate) struct ChainState<'s> {
    sources: Vec<&'s Rows>,
    nodes: Vec<Node>,
    by_name: HashTable<u32>,
    hasher: RandomState,
}

/// The node above all entries, and the one that holds the orphans of the first section.
const ROOT: u32 = 0;
const ORPHANS: u32 = 1;
const NONE: u32 = u32::MAX;

impl<'s> ChainState<'s> {
    pub(crate) fn new() -> Self {
        let node = || Node {
            place: Place { source: 0, row: 0 },
            parent: NONE,
            first_child: NONE,
            last_child: NONE,
            next: NONE,
            before: NONE,
        };
        Self { sources: Vec::new(), nodes: vec![node(), node()], by_name: HashTable::new(), hasher: RandomState::new() }
    }

    /// Takes the entries of a manifest for the first state.
    pub(crate) fn load_manifest(&mut self, manifest: &'s Manifest) {
        self.load_tree(manifest.rows(), manifest.iter(), manifest.outline());
    }

    /// Takes the entries of a section for the first state.
    pub(crate) fn load(&mut self, rows: &'s Rows) {
        let order = 0..rows.len() as RowId;
        self.load_tree(rows, order.clone(), &Outline::of_rows(rows, order, |_| false));
    }

    fn load_tree(&mut self, rows: &'s Rows, order: impl ExactSizeIterator<Item = RowId>, outline: &Outline) {
        let source = self.add_source(rows);
        let mut node_of: Vec<u32> = Vec::with_capacity(order.len());
        for (index, row) in order.enumerate() {
            let parent = match outline.parent(index) {
                Some(parent) => node_of[parent],
                None if outline.is_orphan(index) => ORPHANS,
                None => ROOT,
            };
            // The last of siblings with one name stays, without the children of the others.
            if let Some(node) = self.find(parent, rows.name(row)).filter(|_| parent != ORPHANS) {
                self.take(node);
            }
            node_of.push(self.add(parent, Place { source, row }));
        }
    }

    /// Applies a patch. Each entry has a directory above it.
    pub(crate) fn apply(&mut self, patch: &'s Rows) {
        self.apply_and_tell(patch, |_| ());
    }

    /// As [`ChainState::apply`]; tells of entries below a directory that the patch removes, which change nothing.
    pub(super) fn apply_and_tell(&mut self, patch: &'s Rows, mut ineffective: impl FnMut(RowId)) {
        let source = self.add_source(patch);
        // Nodes of the open path; `None` below a directory that the patch removed.
        let mut open: Vec<Option<u32>> = vec![Some(ROOT)];
        for row in 0..patch.len() as RowId {
            let new = patch.get(row);
            open.truncate(new.depth as usize + 1);
            let Some(parent) = open.last().copied().flatten() else {
                open.push(None);
                ineffective(row);
                continue;
            };
            let place = Place { source, row };
            open.push(match self.find(parent, new.name) {
                None => Some(self.add(parent, place)),
                Some(node) => {
                    let old = self.nodes[node as usize].place;
                    if self.sources[old.source as usize].get(old.row).same_line(&new) {
                        self.take(node);
                        None
                    } else {
                        self.nodes[node as usize].place = place;
                        while !new.is_dir() && self.nodes[node as usize].first_child != NONE {
                            self.take(self.nodes[node as usize].first_child);
                        }
                        Some(node)
                    }
                }
            });
        }
    }

    fn add_source(&mut self, rows: &'s Rows) -> u32 {
        self.sources.push(rows);
        (self.sources.len() - 1) as u32
    }

    fn name(&self, node: u32) -> &'s [u8] {
        let place = self.nodes[node as usize].place;
        self.sources[place.source as usize].name(place.row)
    }

    fn hash(&self, parent: u32, name: &[u8]) -> u64 {
        self.hasher.hash_one((parent, name))
    }

    fn add(&mut self, parent: u32, place: Place) -> u32 {
        let node = self.nodes.len() as u32;
        let before = self.nodes[parent as usize].last_child;
        self.nodes.push(Node { place, parent, first_child: NONE, last_child: NONE, next: NONE, before });
        match before {
            NONE => self.nodes[parent as usize].first_child = node,
            before => self.nodes[before as usize].next = node,
        }
        self.nodes[parent as usize].last_child = node;
        let hash = self.hash(parent, self.name(node));
        let (nodes, sources, hasher) = (&self.nodes, &self.sources, &self.hasher);
        self.by_name.insert_unique(hash, node, |node| {
            let node = &nodes[*node as usize];
            hasher.hash_one((node.parent, sources[node.place.source as usize].name(node.place.row)))
        });
        node
    }

    fn find(&self, parent: u32, name: &[u8]) -> Option<u32> {
        let same = |node: &u32| self.nodes[*node as usize].parent == parent && self.name(*node) == name;
        self.by_name.find(self.hash(parent, name), same).copied()
    }

    /// Removes a node from its parent. What is below it can no longer be reached.
    fn take(&mut self, node: u32) {
        let Node { parent, next, before, .. } = self.nodes[node as usize];
        let hash = self.hash(parent, self.name(node));
        if let Ok(entry) = self.by_name.find_entry(hash, |other| *other == node) {
            entry.remove();
        }
        match before {
            NONE => self.nodes[parent as usize].first_child = next,
            before => self.nodes[before as usize].next = next,
        }
        match next {
            NONE => self.nodes[parent as usize].last_child = before,
            next => self.nodes[next as usize].before = before,
        }
    }

    /// The entries, parents before their children; orphans of the first section come last.
    pub(crate) fn to_rows(&self) -> Rows {
        let mut rows = Rows::default();
        for place in self.places() {
            rows.push(&self.sources[place.source as usize].get(place.row));
        }
        rows.shrink();
        rows
    }

    /// Where the entries stand, parents before their children; orphans of the first section come last.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        let mut stack = Vec::new();
        for root in [ROOT, ORPHANS] {
            stack.push(self.nodes[root as usize].first_child);
            while let Some(node) = stack.pop() {
                if node == NONE {
                    continue;
                }
                let Node { place, first_child, next, .. } = self.nodes[node as usize];
                places.push(place);
                stack.extend([next, first_child]);
            }
        }
        places
    }

    /// Where the entries at the top stand.
    pub(super) fn top_places(&self) -> Vec<Place> {
        let listed = |node: u32| Some(node).filter(|node| *node != NONE);
        std::iter::successors(listed(self.nodes[ROOT as usize].first_child), |node| {
            listed(self.nodes[*node as usize].next)
        })
        .map(|node| self.nodes[node as usize].place)
        .collect()
    }
}

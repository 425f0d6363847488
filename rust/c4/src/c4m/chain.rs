//! Patch chains: a first state, then sections that each change the state before them.
//!
//! An entry of a patch that equals the current one in every field of its line removes it, with all below it; one that
//! differs replaces it; a new name adds. The children of a directory's line are applied to that directory.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::manifest::{Manifest, RowId, Rows, Section};

/// The state after all sections, in no particular order of siblings.
pub(crate) fn resolve(sections: &[Section]) -> Rows {
    let mut state = State::new(sections);
    if let Some((first, patches)) = sections.split_first() {
        state.load(first);
        (1..).zip(patches).for_each(|(index, patch)| state.apply(index, patch, |_| ()));
    }
    rows_at(sections, &state.places())
}

/// The entries at places of the sections.
pub(super) fn rows_at(sections: &[Section], places: &[Place]) -> Rows {
    let mut rows = Rows::default();
    for place in places {
        rows.push(&sections[place.section as usize].rows.get(place.row));
    }
    rows.shrink();
    rows
}

/// Where an entry of the state stands in the sections.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) section: u32,
    pub(super) row: RowId,
}

struct Node {
    parent: u32,
    place: Place,
    children: Vec<u32>,
}

/// The current state as a tree. Nodes are only ever added; one that was removed is not found by its name any more.
pub(super) struct State<'s> {
    sections: &'s [Section],
    nodes: Vec<Node>,
    by_name: HashTable<u32>,
    hasher: RandomState,
}

/// The node above all entries, and the one that holds the orphans of the first section.
const ROOT: u32 = 0;
const ORPHANS: u32 = 1;

impl<'s> State<'s> {
    /// The state before the first section.
    pub(super) fn new(sections: &'s [Section]) -> Self {
        let place = Place { section: 0, row: 0 };
        let nodes = vec![
            Node { parent: ROOT, place, children: Vec::new() },
            Node { parent: ROOT, place, children: Vec::new() },
        ];
        Self { sections, nodes, by_name: HashTable::new(), hasher: RandomState::new() }
    }

    fn name(&self, node: u32) -> &'s [u8] {
        let place = self.nodes[node as usize].place;
        self.sections[place.section as usize].rows.name(place.row)
    }

    /// Takes the entries of the first section.
    pub(super) fn load(&mut self, section: &Section) {
        let manifest = Manifest::from(section.rows.clone());
        let outline = manifest.outline();
        let mut node_of: Vec<u32> = Vec::with_capacity(manifest.len());
        for (index, row) in manifest.iter().enumerate() {
            let parent = match outline.parent(index) {
                Some(parent) => node_of[parent],
                None if outline.is_orphan(index) => ORPHANS,
                None => ROOT,
            };
            let place = Place { section: 0, row };
            if parent != ORPHANS {
                self.take(parent, manifest.rows().name(row));
            }
            node_of.push(self.add(parent, place));
        }
    }

    /// Applies the section of this number; tells of entries below a directory that it removes, which change nothing.
    pub(super) fn apply(&mut self, section: u32, patch: &Section, mut ineffective: impl FnMut(RowId)) {
        // Nodes of the open path; `None` below a directory that the patch removed.
        let mut open: Vec<Option<u32>> = vec![Some(ROOT)];
        for row in 0..patch.rows.len() as RowId {
            let new = patch.rows.get(row);
            open.truncate(new.depth as usize + 1);
            let Some(parent) = open.last().copied().flatten() else {
                open.push(None);
                ineffective(row);
                continue;
            };
            let place = Place { section, row };
            open.push(match self.find(parent, new.name) {
                None => Some(self.add(parent, place)),
                Some(node) => {
                    let old = self.nodes[node as usize].place;
                    if self.sections[old.section as usize].rows.get(old.row).same_line(&new) {
                        self.take(parent, new.name);
                        None
                    } else {
                        self.nodes[node as usize].place = place;
                        Some(node)
                    }
                }
            });
        }
    }

    fn hash(&self, parent: u32, name: &[u8]) -> u64 {
        self.hasher.hash_one((parent, name))
    }

    fn add(&mut self, parent: u32, place: Place) -> u32 {
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { parent, place, children: Vec::new() });
        self.nodes[parent as usize].children.push(node);
        let hash = self.hash(parent, self.name(node));
        let (nodes, sections, hasher) = (&self.nodes, self.sections, &self.hasher);
        self.by_name.insert_unique(hash, node, |node| {
            let node = &nodes[*node as usize];
            hasher.hash_one((node.parent, sections[node.place.section as usize].rows.name(node.place.row)))
        });
        node
    }

    fn find(&self, parent: u32, name: &[u8]) -> Option<u32> {
        let same = |node: &u32| self.nodes[*node as usize].parent == parent && self.name(*node) == name;
        self.by_name.find(self.hash(parent, name), same).copied()
    }

    /// Removes a child, with all below it.
    fn take(&mut self, parent: u32, name: &[u8]) {
        let Some(node) = self.find(parent, name) else { return };
        let hash = self.hash(parent, name);
        if let Ok(entry) = self.by_name.find_entry(hash, |other| *other == node) {
            entry.remove();
        }
        // The list of children keeps it; a root that is its own parent's child nowhere marks it as gone.
        self.nodes[node as usize].parent = node;
    }

    /// Where the entries of the state stand, as a walk of it; orphans of the first section come last.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        let mut stack = Vec::new();
        for root in [ROOT, ORPHANS] {
            stack.push(root);
            while let Some(node) = stack.pop() {
                if node != root {
                    places.push(self.nodes[node as usize].place);
                }
                stack.extend(self.children(node).rev());
            }
        }
        places
    }

    /// How many nodes [`State::places`], or [`State::top_places`], looks at; removed ones are among them.
    pub(super) fn reach(&self, top_only: bool) -> usize {
        if top_only { self.nodes[ROOT as usize].children.len() } else { self.nodes.len() }
    }

    /// Where the entries at the top stand.
    pub(super) fn top_places(&self) -> Vec<Place> {
        self.children(ROOT).map(|node| self.nodes[node as usize].place).collect()
    }

    fn children(&self, node: u32) -> impl DoubleEndedIterator<Item = u32> + '_ {
        let children = self.nodes[node as usize].children.iter().copied();
        children.filter(move |child| self.nodes[*child as usize].parent == node)
    }
}

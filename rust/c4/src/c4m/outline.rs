//! The tree that a list of entries describes: parents, canonical order, paths.
//!
//! A list says only names and depths. An entry's parent is the nearest directory above it whose depth is one less; an
//! entry of depth 0 has none, one that finds none is an orphan. Nothing here recurses, whatever the depth.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use hashbrown::HashTable;

use super::entry::without_slash;
use super::manifest::Manifest;
use super::natural_sort::natural_cmp;
use super::rows::{RowId, Rows};

/// No parent: the entry is at the top.
pub(crate) const TOP: u32 = u32::MAX;
/// No parent though the depth asks for one.
const ORPHAN: u32 = u32::MAX - 1;

/// Where a walk of the tree lists entries that have no parent though their depth asks for one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orphans {
    /// After everything else, in the order of the list.
    AtEnd,
    /// At the top, unless an entry of that name stands there.
    AtTop,
    /// Nowhere, as in the reference's patches.
    LeftOut,
}

/// Parents of the entries of a list, by place.
#[derive(Debug)]
pub struct Outline {
    parents: Vec<u32>,
    paths: OnceLock<PathIndex>,
    places: OnceLock<HashMap<RowId, u32>>,
    children: OnceLock<Children>,
    open: OpenDirectories,
}

/// The last directory at each depth. Depths past the count of entries, which only orphans have, lie apart: a number out of
/// the text must not decide how much is stored.
#[derive(Debug, Default)]
struct OpenDirectories {
    near: Vec<u32>,
    far: HashMap<usize, u32>,
}

impl OpenDirectories {
    /// The parent of an entry at a place, which comes after all that were asked for; a directory is open from then on.
    fn parent_of(&mut self, place: usize, depth: usize, is_dir: bool, is_detached: bool) -> u32 {
        let parent = match depth.checked_sub(1) {
            _ if is_detached => ORPHAN,
            None => TOP,
            Some(above) => {
                let near = self.near.get(above).filter(|place| **place != ORPHAN);
                near.or_else(|| self.far.get(&above)).copied().unwrap_or(ORPHAN)
            }
        };
        if !is_dir {
        } else if depth < self.near.len() {
            self.near[depth] = place as u32;
        } else if depth <= place {
            self.near.resize(depth, ORPHAN);
            self.near.push(place as u32);
        } else {
            self.far.insert(depth, place as u32);
        }
        parent
    }
}

impl Outline {
    pub(crate) fn new(manifest: &Manifest) -> Self {
        let is_detached = |row| manifest.detached_path(row).is_some();
        Self::of_rows(manifest.rows(), manifest.iter(), is_detached)
    }

    /// The tree that rows in some order describe. A row that is detached has no parent, whatever stands above it: its
    /// directory is not in the list.
    pub(crate) fn of_rows(
        rows: &Rows,
        order: impl ExactSizeIterator<Item = RowId>,
        is_detached: impl Fn(RowId) -> bool,
    ) -> Self {
        let mut open = OpenDirectories::default();
        let parents = order
            .enumerate()
            .map(|(place, row)| open.parent_of(place, rows.depth(row) as usize, rows.is_dir(row), is_detached(row)))
            .collect();
        Self { parents, paths: OnceLock::new(), places: OnceLock::new(), children: OnceLock::new(), open }
    }

    /// Takes note of the entry that was put at the end of the list.
    pub(crate) fn extend(&mut self, manifest: &Manifest) {
        let place = self.parents.len();
        let Some(row) = manifest.row_at(place) else { return };
        let rows = manifest.rows();
        let is_detached = manifest.detached_path(row).is_some();
        self.parents.push(self.open.parent_of(place, rows.depth(row) as usize, rows.is_dir(row), is_detached));
        self.children.take();
        if let Some(places) = self.places.get_mut() {
            places.insert(row, place as u32);
        }
        if let Some(mut index) = self.paths.take() {
            index.insert(self, manifest, place as u32);
            let _ = self.paths.set(index);
        }
    }

    /// Takes note that a name changed, and not whether its entry is a directory.
    pub(crate) fn forget_paths(&mut self) {
        self.paths.take();
    }

    /// Place of an entry's parent in the list; `None` at the top and for orphans.
    pub fn parent(&self, place: usize) -> Option<usize> {
        Some(self.parents[place]).filter(|parent| *parent < ORPHAN).map(|parent| parent as usize)
    }

    /// Whether an entry's depth asks for a parent that is not there.
    pub fn is_orphan(&self, place: usize) -> bool {
        self.parents[place] == ORPHAN
    }

    /// Places of the entries whose parent is that at a place, or of those at the top, in list order. Orphans are no one's
    /// children.
    pub fn children(&self, place: Option<usize>) -> &[u32] {
        let children = self.children.get_or_init(|| Children::new(&self.parents, false));
        place.map_or_else(|| children.of_top(), |place| children.of(place as u32))
    }

    /// The parent that a path leads through.
    fn found_below(&self, place: u32) -> u32 {
        match self.parents[place as usize] {
            ORPHAN => TOP,
            parent => parent,
        }
    }

    /// Place of a row in the list.
    pub fn place_of(&self, manifest: &Manifest, row: RowId) -> Option<usize> {
        if manifest.is_in_row_order() {
            return Some(row as usize).filter(|place| *place < manifest.len());
        }
        let places = self.places.get_or_init(|| manifest.iter().zip(0..).collect());
        places.get(&row).map(|place| *place as usize)
    }

    /// Path of the entry at a place, from the top; a directory's ends in `/`.
    pub fn path(&self, manifest: &Manifest, place: usize) -> Vec<u8> {
        let mut places = vec![place];
        while let Some(parent) = self.parent(*places.last().unwrap_or(&place)) {
            places.push(parent);
        }
        let mut path = Vec::new();
        for (step, place) in places.iter().rev().enumerate() {
            let Some(row) = manifest.row_at(*place) else { continue };
            if step > 0 && !path.ends_with(b"/") {
                path.push(b'/');
            }
            path.extend_from_slice(manifest.detached_path(row).unwrap_or_else(|| manifest.rows().name(row)));
        }
        path
    }

    /// Place of the entry with this path; of several the last. A directory is found with and without its slash, a file
    /// before a directory of the same name.
    pub fn find(&self, manifest: &Manifest, path: &[u8]) -> Option<usize> {
        let index = self.paths.get_or_init(|| PathIndex::new(self, manifest));
        index.find(self, manifest, path).map(|place| place as usize)
    }

    /// The canonical order of the rows of a list that does not have it.
    pub(crate) fn sorted(&self, manifest: &Manifest) -> Vec<RowId> {
        self.preorder(manifest, Orphans::AtEnd, |row| manifest.rows().is_dir(row)).0
    }

    /// Place of a listed directory: by its name, with its slash, below the one at a place or at the top, or by its path
    /// where its own directories are not in the list.
    pub(crate) fn find_directory(&self, manifest: &Manifest, parent: u32, name: &[u8], path: &[u8]) -> Option<u32> {
        let index = self.paths.get_or_init(|| PathIndex::new(self, manifest));
        let by_mode = || {
            let found = index.child(self, manifest, parent, without_slash(name));
            found.filter(|place| is_directory_at(manifest, *place))
        };
        let child = index.child(self, manifest, parent, name).or_else(by_mode);
        child.or_else(|| index.detached_directory(manifest, path))
    }

    /// The rows as a walk of the tree, with their depths in it: siblings that are `last` after the others and each kind in
    /// natural order, of several with one name the last.
    pub(crate) fn preorder(
        &self,
        manifest: &Manifest,
        orphans: Orphans,
        last: impl Fn(RowId) -> bool,
    ) -> (Vec<RowId>, Vec<u32>) {
        let rows = manifest.rows();
        let compare = |a, b| last(a).cmp(&last(b)).then_with(|| natural_cmp(rows.name(a), rows.name(b)));
        self.preorder_by(manifest, orphans, compare)
    }

    /// As `preorder`, with siblings in an order in which those of one name stand together.
    pub(crate) fn preorder_by(
        &self,
        manifest: &Manifest,
        orphans: Orphans,
        compare_rows: impl Fn(RowId, RowId) -> Ordering,
    ) -> (Vec<RowId>, Vec<u32>) {
        let rows = manifest.rows();
        let place_rows: Vec<RowId> = manifest.iter().collect();
        let name = |place: u32| rows.name(place_rows[place as usize]);
        let children = Children::new(&self.parents, orphans == Orphans::AtTop);
        let compare = |a: u32, b: u32| compare_rows(place_rows[a as usize], place_rows[b as usize]);
        let mut order = Vec::with_capacity(place_rows.len());
        let mut depths = Vec::with_capacity(place_rows.len());
        // What is still to be listed, the next one last, with its depth.
        let mut stack: Vec<(u32, u32)> = Vec::new();
        let push_sorted = |stack: &mut Vec<(u32, u32)>, siblings: &[u32], depth: u32| {
            let first = stack.len();
            stack.extend(siblings.iter().map(|place| (*place, depth)));
            // Stable and by place: of equal names the last one of the list is the last one here, after orphans.
            stack[first..].sort_by(|(a, _), (b, _)| {
                compare(*a, *b).then_with(|| self.is_orphan(*b as usize).cmp(&self.is_orphan(*a as usize)))
            });
            // A directory by its mode alone may have the name of a file, which does not stand beside it.
            let mut places: HashMap<&[u8], u32> = HashMap::new();
            if stack[first..].iter().any(|(place, _)| is_plain_directory(rows, place_rows[*place as usize])) {
                for (place, _) in &stack[first..] {
                    places.entry(name(*place)).and_modify(|last| *last = (*last).max(*place)).or_insert(*place);
                }
            }
            let mut kept = first;
            for at in first..stack.len() {
                let last_of_its_name = if places.is_empty() {
                    at + 1 == stack.len() || name(stack[at].0) != name(stack[at + 1].0)
                } else {
                    places.get(name(stack[at].0)) == Some(&stack[at].0)
                };
                if last_of_its_name {
                    stack[kept] = stack[at];
                    kept += 1;
                }
            }
            stack.truncate(kept);
            stack[first..].reverse();
        };
        push_sorted(&mut stack, children.of_top(), 0);
        let mut list_all = |stack: &mut Vec<(u32, u32)>| {
            while let Some((place, depth)) = stack.pop() {
                order.push(place_rows[place as usize]);
                depths.push(depth);
                push_sorted(stack, children.of(place), depth + 1);
            }
        };
        list_all(&mut stack);
        if orphans == Orphans::AtEnd {
            for place in 0..self.parents.len() as u32 {
                if self.parents[place as usize] == ORPHAN {
                    stack.push((place, 0));
                    list_all(&mut stack);
                }
            }
        }
        (order, depths)
    }

    /// Whether the list is a walk of its tree with siblings in order, no name twice and no orphan.
    pub(crate) fn is_sorted(manifest: &Manifest) -> bool {
        let rows = manifest.rows();
        // The last row seen at each depth of the open path.
        let mut path: Vec<RowId> = Vec::new();
        manifest.iter().all(|row| {
            let depth = rows.depth(row) as usize;
            let is_misplaced = depth > path.len() || (depth > 0 && !rows.is_dir(path[depth - 1]));
            if is_misplaced || is_plain_directory(rows, row) {
                return false;
            }
            let in_order = path.get(depth).is_none_or(|before| sibling_cmp(manifest, *before, row).is_lt());
            path.truncate(depth);
            path.push(row);
            in_order
        })
    }
}

/// Whether a row is a directory by its mode alone. Siblings have to be looked at for another of its name.
pub(crate) fn is_plain_directory(rows: &Rows, row: RowId) -> bool {
    rows.mode(row).is_dir() && !rows.name(row).ends_with(b"/")
}

/// Files before directories, then natural order.
pub(crate) fn sibling_cmp(manifest: &Manifest, a: RowId, b: RowId) -> Ordering {
    let rows = manifest.rows();
    rows.is_dir(a).cmp(&rows.is_dir(b)).then_with(|| natural_cmp(rows.name(a), rows.name(b)))
}

/// Places of the children of each place, in list order.
#[derive(Debug, Default)]
pub(crate) struct Children {
    /// End of each parent's run in `places`; the top's comes last.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Children {
    pub(crate) fn new(parents: &[u32], orphans_at_top: bool) -> Self {
        let top = parents.len();
        let slot = |parent: u32| match parent {
            TOP => Some(top),
            ORPHAN => orphans_at_top.then_some(top),
            parent => Some(parent as usize),
        };
        let mut starts = vec![0_u32; top + 2];
        parents.iter().filter_map(|p| slot(*p)).for_each(|slot| starts[slot + 1] += 1);
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut places = vec![0; starts[top + 1] as usize];
        for (place, parent) in parents.iter().enumerate() {
            if let Some(slot) = slot(*parent) {
                places[next[slot] as usize] = place as u32;
                next[slot] += 1;
            }
        }
        Self { starts, places }
    }

    pub(crate) fn of(&self, place: u32) -> &[u32] {
        &self.places[self.starts[place as usize] as usize..self.starts[place as usize + 1] as usize]
    }

    pub(crate) fn of_top(&self) -> &[u32] {
        self.of((self.starts.len() - 2) as u32)
    }

    /// Sorts each run of siblings, and keeps the last of those that are the same.
    pub(crate) fn arrange(&mut self, compare: impl Fn(u32, u32) -> Ordering, same: impl Fn(u32, u32) -> bool) {
        let mut kept = 0;
        let mut start = 0;
        for slot in 0..self.starts.len() - 1 {
            let run = start..self.starts[slot + 1] as usize;
            start = run.end;
            self.places[run.clone()].sort_by(|a, b| compare(*a, *b));
            self.starts[slot] = kept as u32;
            for at in run.clone() {
                if at + 1 == run.end || !same(self.places[at], self.places[at + 1]) {
                    self.places[kept] = self.places[at];
                    kept += 1;
                }
            }
        }
        if let Some(end) = self.starts.last_mut() {
            *end = kept as u32;
        }
        self.places.truncate(kept);
    }
}

fn is_directory_at(manifest: &Manifest, place: u32) -> bool {
    manifest.row_at(place as usize).is_some_and(|row| manifest.rows().is_dir(row))
}

/// Places by parent and name: a path is found component by component. An orphan is found as if it stood at the top,
/// unless an entry of its name does.
#[derive(Debug)]
struct PathIndex {
    table: HashTable<u32>,
    hasher: RandomState,
    /// Places by whole path, a directory's with its slash, of rows whose directories are not in the list.
    detached: HashMap<Vec<u8>, u32>,
}

impl PathIndex {
    fn new(outline: &Outline, manifest: &Manifest) -> Self {
        let table = HashTable::with_capacity(manifest.len());
        let mut index = Self { table, hasher: RandomState::new(), detached: HashMap::new() };
        for place in 0..manifest.len() as u32 {
            index.insert(outline, manifest, place);
        }
        index
    }

    fn insert(&mut self, outline: &Outline, manifest: &Manifest, place: u32) {
        let Some(row) = manifest.row_at(place as usize) else { return };
        if let Some(path) = manifest.detached_path(row) {
            self.detached.insert(path.to_vec(), place);
            return;
        }
        let name_of = |place: u32| manifest.row_at(place as usize).map_or(&[][..], |row| manifest.rows().name(row));
        let hasher = &self.hasher;
        let key = |place: u32| hasher.hash_one((outline.found_below(place), name_of(place)));
        let same = |other: &u32| {
            outline.found_below(*other) == outline.found_below(place) && name_of(*other) == name_of(place)
        };
        match self.table.entry(key(place), same, |other| key(*other)) {
            hashbrown::hash_table::Entry::Occupied(mut entry) => {
                if outline.is_orphan(*entry.get() as usize) || !outline.is_orphan(place as usize) {
                    *entry.get_mut() = place;
                }
            }
            hashbrown::hash_table::Entry::Vacant(entry) => {
                entry.insert(place);
            }
        }
    }

    /// An entry from the top, or below one whose directories are not in the list.
    fn find(&self, outline: &Outline, manifest: &Manifest, path: &[u8]) -> Option<u32> {
        self.find_below(outline, manifest, TOP, path).or_else(|| {
            let whole = match path.strip_suffix(b"/") {
                Some(_) => self.detached_directory(manifest, path),
                None => self
                    .detached
                    .get(path)
                    .copied()
                    .or_else(|| self.detached_directory(manifest, &[path, b"/"].concat())),
            };
            whole.or_else(|| {
                memchr::memrchr_iter(b'/', path.strip_suffix(b"/").unwrap_or(path)).find_map(|slash| {
                    let directory = self.detached_directory(manifest, &path[..=slash])?;
                    self.find_below(outline, manifest, directory, &path[slash + 1..])
                })
            })
        })
    }

    /// A directory whose own directories are not in the list, by its path with a slash.
    fn detached_directory(&self, manifest: &Manifest, path: &[u8]) -> Option<u32> {
        let by_mode =
            || self.detached.get(without_slash(path)).copied().filter(|place| is_directory_at(manifest, *place));
        self.detached.get(path).copied().or_else(by_mode)
    }

    fn child(&self, outline: &Outline, manifest: &Manifest, parent: u32, name: &[u8]) -> Option<u32> {
        let same = |place: &u32| {
            outline.found_below(*place) == parent
                && manifest.row_at(*place as usize).is_some_and(|row| manifest.rows().name(row) == name)
        };
        self.table.find(self.hasher.hash_one((parent, name)), same).copied()
    }

    fn find_below(&self, outline: &Outline, manifest: &Manifest, top: u32, path: &[u8]) -> Option<u32> {
        let with_slash = path.ends_with(b"/");
        let mut parts = path.strip_suffix(b"/").unwrap_or(path).split(|byte| *byte == b'/').peekable();
        let mut parent = top;
        let mut directory_name = Vec::new();
        while let Some(part) = parts.next() {
            directory_name.clear();
            directory_name.extend_from_slice(part);
            directory_name.push(b'/');
            let directory = || self.child(outline, manifest, parent, &directory_name);
            let plain = || self.child(outline, manifest, parent, part);
            let last = parts.peek().is_none();
            // A directory by its mode alone has no slash in its name.
            let found = if last && !with_slash { plain().or_else(directory) } else { directory().or_else(plain) }?;
            if last {
                return Some(found).filter(|_| !with_slash || is_directory_at(manifest, found));
            }
            parent = found;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Field, Mode};
    use super::*;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let names = prop::sample::select(vec!["a", "b", "a/", "b/", "c/"]);
        (names, prop_oneof![9 => 0..4_u32, 1 => 5..40_u32], any::<bool>()).prop_map(|(name, depth, is_dir)| Entry {
            depth,
            mode: if is_dir { Mode::from_bits(0o040_755) } else { Mode::NULL },
            ..Entry::new(name)
        })
    }

    #[derive(Clone, Debug)]
    enum Change {
        Push(Entry),
        Append(Entry),
        Rename(usize, &'static str),
        SetMode(usize, u32),
        Remove(usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => entry().prop_map(Change::Push),
            4 => entry().prop_map(Change::Append),
            2 => (0..20_usize, prop::sample::select(vec!["a", "x", "b/", "y/"])).prop_map(|(at, name)| Change::Rename(at, name)),
            1 => (0..20_usize, prop::sample::select(vec![0, 0o644, 0o040_755])).prop_map(|(at, mode)| Change::SetMode(at, mode)),
            1 => (0..20_usize).prop_map(Change::Remove),
        ]
    }

    proptest! {
        #[test]
        fn a_tree_that_is_kept_through_changes_is_the_one_of_the_list(changes in prop::collection::vec(change(), 0..30)) {
            let mut manifest = Manifest::default();
            for change in changes {
                let row_at = |manifest: &Manifest, at: usize| manifest.row_at(at % manifest.len().max(1));
                // What is remembered is there before each change.
                manifest.outline().find(&manifest, b"a");
                if !manifest.is_empty() {
                    manifest.outline().place_of(&manifest, manifest.row_at(0).unwrap());
                }
                match change {
                    Change::Push(entry) => {
                        manifest.push(&entry.as_row());
                    }
                    Change::Append(entry) => {
                        let row = manifest.add_row(&entry.as_row());
                        manifest.insert(manifest.len(), row);
                    }
                    Change::Rename(at, name) => {
                        if let Some(row) = row_at(&manifest, at) {
                            manifest.set(row, Field::Name(name.into()));
                        }
                    }
                    Change::SetMode(at, mode) => {
                        if let Some(row) = row_at(&manifest, at) {
                            manifest.set(row, Field::Mode(Mode::from_bits(mode)));
                        }
                    }
                    Change::Remove(at) => {
                        if !manifest.is_empty() {
                            manifest.remove(at % manifest.len());
                        }
                    }
                }
                let fresh = Outline::new(&manifest);
                prop_assert_eq!(&manifest.outline().parents, &fresh.parents);
                for (place, row) in manifest.iter().enumerate() {
                    prop_assert_eq!(manifest.outline().place_of(&manifest, row), Some(place));
                    let path = fresh.path(&manifest, place);
                    prop_assert_eq!(manifest.outline().find(&manifest, &path), fresh.find(&manifest, &path));
                    prop_assert_eq!(manifest.outline().children(Some(place)), fresh.children(Some(place)));
                }
            }
        }
    }
}

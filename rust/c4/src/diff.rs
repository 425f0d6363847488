//! What differs between two manifests, by full path.
//!
//! Both are walked side by side in canonical order: one pass, no table of paths. An orphan counts as an entry of the top,
//! as its path says.

mod steps;

use std::collections::HashMap;

use crate::C4Id;
use crate::c4m::{Hierarchy, Manifest, NULL_SIZE, Node, Orphans, Preorder, Row, RowId, Siblings, Visitor, walk};
pub(crate) use steps::{Step, compare};

/// Entries of two manifests, `a` and `b`, sorted by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Rows of `b` whose path is not in `a`, in the order of `b`.
    pub added: Vec<RowId>,
    /// Rows of `a` whose path is not in `b`, in the order of `a`.
    pub removed: Vec<RowId>,
    /// Rows of `a` and `b` at one path that are not the same, in the order of `b`.
    pub modified: Vec<(RowId, RowId)>,
    /// Rows of `a` and `b` at one path that are the same, in the order of `a`.
    pub same: Vec<(RowId, RowId)>,
    /// Rows of `removed` and `added` with one content: what moved. Where several have it, they pair in canonical order.
    pub moved: Vec<(RowId, RowId)>,
}

/// How many paths differ between two manifests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Paths of the second alone.
    pub added: usize,
    /// Paths of the first alone.
    pub removed: usize,
    /// Paths of both where the IDs differ.
    pub modified: usize,
}

/// Compares two manifests.
///
/// Two entries at one path are the same when both have an ID and IDs and modes are equal, or else when mode, size, time
/// and link target are (as in the reference: with IDs, a changed time or link target alone is no change).
///
/// ```
/// use c4::{c4m, diff};
/// let old = c4m::decode(b"- - 1 a -\n- - 2 b -\n").unwrap();
/// let new = c4m::decode(b"- - 1 a -\n- - 3 b -\n").unwrap();
/// let diff = diff::diff(&old, &new);
/// assert_eq!((diff.same.len(), diff.modified.len()), (1, 1));
/// ```
pub fn diff(a: &Manifest, b: &Manifest) -> Diff {
    let mut sorter = Sorter { a, b, diff: Diff::default() };
    let (mut a_in_order, mut b_in_order) = (false, false);
    if a.has_detached_paths() || b.has_detached_paths() {
        // Paths lead through directories that are not listed.
        walk(&[Hierarchy::new(a), Hierarchy::new(b)], &mut sorter);
    } else {
        let (walk_a, walk_b) = Preorder::of_two(a, b, Orphans::AtTop);
        compare(&walk_a, &walk_b, |step| match step {
            Step::Same { a, b, count } => {
                sorter.diff.same.extend((0..count).map(|next| (walk_a.id(a + next), walk_b.id(b + next))));
            }
            Step::Both { a, b } => sorter.both(walk_a.id(a), walk_b.id(b)),
            Step::OnlyA { from, to } => sorter.diff.removed.extend((from..to).map(|at| walk_a.id(at))),
            Step::OnlyB { from, to } => sorter.diff.added.extend((from..to).map(|at| walk_b.id(at))),
        });
        (a_in_order, b_in_order) = (walk_a.is_list(), walk_b.is_list());
    }
    let mut diff = sorter.diff;
    diff.moved = moved(a, &diff.removed, b, &diff.added);
    // The walks went in canonical order, the lists are in that of the manifests.
    if !a_in_order {
        in_list_order(a, &mut diff.removed, |row| *row);
        in_list_order(a, &mut diff.same, |(row, _)| *row);
    }
    if !b_in_order {
        in_list_order(b, &mut diff.added, |row| *row);
        in_list_order(b, &mut diff.modified, |(_, row)| *row);
    }
    diff
}

/// Puts what two manifests have at a path where it belongs.
struct Sorter<'m> {
    a: &'m Manifest,
    b: &'m Manifest,
    diff: Diff,
}

impl Sorter<'_> {
    fn both(&mut self, a: RowId, b: RowId) {
        let is_same = is_same(&self.a.get(a), &self.b.get(b));
        let list = if is_same { &mut self.diff.same } else { &mut self.diff.modified };
        list.push((a, b));
    }
}

impl<'m> Visitor<'m, 2> for Sorter<'m> {
    fn enter(&mut self, _name: &'m [u8], nodes: [Node<'m>; 2], _siblings: &Siblings<'_, 'm, 2>) {
        match (nodes[0].number(), nodes[1].number()) {
            (Some(a), Some(b)) => self.both(a, b),
            (Some(a), None) => self.diff.removed.push(a),
            (None, Some(b)) => self.diff.added.push(b),
            (None, None) => {}
        }
    }

    fn leave(&mut self) {}
}

/// Counts paths. Of two entries at one path only the IDs count, as in the reference's log of a chain.
pub fn count(a: &Manifest, b: &Manifest) -> Counts {
    let (walk_a, walk_b) = Preorder::of_two(a, b, Orphans::AtTop);
    let mut counts = Counts::default();
    compare(&walk_a, &walk_b, |step| match step {
        Step::Same { .. } => {}
        Step::Both { a, b } => counts.modified += usize::from(walk_a.row(a).id != walk_b.row(b).id),
        Step::OnlyA { from, to } => counts.removed += to - from,
        Step::OnlyB { from, to } => counts.added += to - from,
    });
    counts
}

fn is_same(a: &Row<'_>, b: &Row<'_>) -> bool {
    if !a.id.is_nil() && !b.id.is_nil() {
        return a.id == b.id && a.mode == b.mode;
    }
    a.mode == b.mode && a.size.max(NULL_SIZE) == b.size.max(NULL_SIZE) && a.time == b.time && a.target() == b.target()
}

/// Pairs of entries, not directories, that have one ID and type.
fn moved(a: &Manifest, removed: &[RowId], b: &Manifest, added: &[RowId]) -> Vec<(RowId, RowId)> {
    if removed.is_empty() || added.is_empty() {
        return Vec::new();
    }
    let content = |manifest: &Manifest, row: RowId| -> Option<(C4Id, u32)> {
        let row = manifest.get(row);
        (!row.is_dir() && !row.id.is_nil()).then_some((*row.id, row.mode.bits() & 0o170_000))
    };
    // The first of each content that is still to be paired, and for each the next one.
    let mut first: HashMap<(C4Id, u32), usize> = HashMap::new();
    let mut next = vec![usize::MAX; removed.len()];
    for (at, row) in removed.iter().enumerate().rev() {
        if let Some(key) = content(a, *row) {
            next[at] = first.insert(key, at).unwrap_or(usize::MAX);
        }
    }
    let mut pairs = Vec::new();
    for row in added {
        let Some(waiting) = content(b, *row).and_then(|key| first.get_mut(&key)) else { continue };
        if *waiting != usize::MAX {
            pairs.push((removed[*waiting], *row));
            *waiting = next[*waiting];
        }
    }
    pairs
}

fn in_list_order<T>(manifest: &Manifest, items: &mut [T], row: impl Fn(&T) -> RowId) {
    let outline = manifest.outline();
    items.sort_by_cached_key(|item| outline.place_of(manifest, row(item)));
}

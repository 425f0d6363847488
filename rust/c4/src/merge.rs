//! Three-way merge: what two manifests made of a common one becomes one manifest.
//!
//! Entries are compared by path. Two are the same when both are directories with one flow link, symbolic links with one
//! target, or other files with one ID: metadata alone is no change, and where nobody changed an entry the base has the
//! say. What one side changed is taken from it; what one side deleted and the other left alone is deleted; a directory
//! that is needed and was deleted comes back, with a date of year 1.
//!
//! Two different changes are a *conflict*, and nothing is lost: the newer entry, or the local one of two of one date,
//! keeps the name, the other is listed beside it under the next free name of `NAME.conflict`, `NAME.conflict2`, ... that
//! neither side has. An entry that one side changed and the other deleted stays, and is a conflict as well.
//!
//! IDs and sizes of directories are not computed anew.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::C4Id;
use crate::c4m::{
    Flow, Hierarchy, Listing, Manifest, Mode, NULL_SIZE, Node, Row, RowId, Siblings, Timestamp, Visitor, walk,
};

/// A path that both sides changed, each in its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// The path; a directory's ends in `/`.
    pub path: Vec<u8>,
    /// Row of the entry in the local manifest; `None` where it was deleted.
    pub local: Option<RowId>,
    /// Row of the entry in the remote manifest; `None` where it was deleted.
    pub remote: Option<RowId>,
}

/// What a merge gives.
#[derive(Debug)]
pub struct Merge {
    /// The merged manifest, in canonical order.
    pub manifest: Manifest,
    /// The conflicts, in the order of the manifest.
    pub conflicts: Vec<Conflict>,
}

/// Merges two manifests that come from a common one; an empty base is none.
pub fn merge(base: &Manifest, local: &Manifest, remote: &Manifest) -> Merge {
    let sources = [base, local, remote];
    let mut merging = Merging { listing: Listing::default(), conflicts: Vec::new(), taken: vec![None] };
    walk(&sources.map(Hierarchy::new), &mut merging);
    Merge { manifest: merging.listing.finish(&sources), conflicts: merging.conflicts }
}

/// Names of one directory, without the slash of directories: a file system has one entry of a name.
type Names<'m> = HashSet<Cow<'m, [u8]>>;

struct Merging<'m> {
    listing: Listing<'m>,
    conflicts: Vec<Conflict>,
    /// Names of each open directory from the top down, where a conflict asked for them.
    taken: Vec<Option<Names<'m>>>,
}

/// What becomes of a path.
enum Outcome<'m> {
    Keep(Row<'m>),
    Delete,
    /// One that both sides changed; what keeps the name, and what is listed beside it.
    Conflict(Row<'m>, Option<Row<'m>>),
}

impl<'m> Visitor<'m, 3> for Merging<'m> {
    fn enter(&mut self, name: &'m [u8], nodes: [Node<'m>; 3], siblings: &Siblings<'_, 'm, 3>) {
        let kept = match outcome(&nodes) {
            Outcome::Keep(row) => Some(row),
            Outcome::Delete => None,
            Outcome::Conflict(winner, loser) => {
                let [_, local, remote] = nodes.map(|node| node.number());
                self.conflicts.push(Conflict { path: self.listing.path(name), local, remote });
                if let Some(loser) = loser {
                    let name = self.free_name(loser.name, siblings);
                    self.listing.add(&Row { name: &name, ..loser });
                }
                Some(winner)
            }
        };
        self.listing.enter(kept.unwrap_or(invented_directory(name)));
        self.taken.push(None);
        if kept.is_some() {
            self.listing.keep();
        }
    }

    fn leave(&mut self) {
        self.taken.pop();
        self.listing.leave();
    }
}

impl<'m> Merging<'m> {
    /// The first of `NAME.conflict`, `NAME.conflict2`, ... that is no name of the open directory.
    fn free_name(&mut self, name: &[u8], siblings: &Siblings<'_, 'm, 3>) -> Vec<u8> {
        let taken = self.taken.last_mut().expect("the top is always open");
        let taken = taken.get_or_insert_with(|| siblings.names().map(|name| Cow::Borrowed(bare(name))).collect());
        let mut free = [bare(name), b".conflict"].concat();
        let length = free.len();
        let mut number = 2_u64;
        while taken.contains(free.as_slice()) {
            free.truncate(length);
            free.extend_from_slice(number.to_string().as_bytes());
            number += 1;
        }
        taken.insert(Cow::Owned(free.clone()));
        if name.ends_with(b"/") {
            free.push(b'/');
        }
        free
    }
}

fn bare(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"/").unwrap_or(name)
}

/// A directory that something stays in though it was deleted, as the reference writes it.
fn invented_directory(name: &[u8]) -> Row<'_> {
    Row {
        name,
        mode: Mode::from_bits(0o040_755),
        time: Timestamp::YEAR_1,
        size: NULL_SIZE,
        id: &C4Id::NIL,
        depth: 0,
        link: None,
        is_sequence: false,
    }
}

fn outcome<'m>(nodes: &[Node<'m>; 3]) -> Outcome<'m> {
    let [base, local, remote] = nodes.each_ref().map(Node::row);
    // A directory that a filtered manifest does not list is no deleted one.
    let unchanged = |node: &Node<'m>, other| if matches!(node, Node::Implied) { base.or(other) } else { None };
    let (local, remote) =
        (local.or_else(|| unchanged(&nodes[1], remote)), remote.or_else(|| unchanged(&nodes[2], local)));
    let changed = |side: &Row<'m>| base.is_none_or(|base| !same_content(&base, side));
    match (base, local, remote) {
        // A file and a directory by its mode alone: their names are one, and what is in the directory has to stay there.
        (_, Some(local), Some(remote)) if local.is_dir() && !remote.is_dir() => Outcome::Conflict(local, Some(remote)),
        (_, Some(local), Some(remote)) if remote.is_dir() && !local.is_dir() => Outcome::Conflict(remote, Some(local)),
        (_, Some(local), Some(remote)) => match (base, changed(&local), changed(&remote)) {
            (Some(base), false, false) => Outcome::Keep(base),
            (_, true, false) => Outcome::Keep(local),
            (_, false, true) => Outcome::Keep(remote),
            _ if same_content(&local, &remote) => Outcome::Keep(local),
            _ if remote.time > local.time => Outcome::Conflict(remote, Some(local)),
            _ => Outcome::Conflict(local, Some(remote)),
        },
        (None, Some(side), None) | (None, None, Some(side)) => Outcome::Keep(side),
        (Some(_), Some(side), None) | (Some(_), None, Some(side)) if changed(&side) => Outcome::Conflict(side, None),
        _ => Outcome::Delete,
    }
}

fn same_content(a: &Row<'_>, b: &Row<'_>) -> bool {
    if a.is_dir() || b.is_dir() {
        a.is_dir() == b.is_dir() && flow(a) == flow(b)
    } else if a.is_symlink() || b.is_symlink() {
        a.is_symlink() == b.is_symlink() && target(a) == target(b)
    } else {
        a.id == b.id
    }
}

fn flow<'m>(row: &Row<'m>) -> (Flow, &'m [u8]) {
    row.link.map_or((Flow::None, &[]), |link| (link.flow, &link.flow_target))
}

fn target<'m>(row: &Row<'m>) -> &'m [u8] {
    row.link.map_or(&[], |link| &link.target)
}

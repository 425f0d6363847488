//! A manifest as a walk of its tree: parents before their children, siblings in order, no name twice.
//!
//! A list in canonical order is such a walk already and is taken as it is; any other is ordered aside, the manifest
//! stays as it was. Depths are those of the tree: an orphan that is taken to the top has depth 0, whatever its line says.

use super::Row;
use super::manifest::Manifest;
use super::natural_sort::natural_cmp;
use super::outline::{Orphans, Outline, is_plain_directory};
use super::rows::RowId;

/// Positions `0..len` of the walk.
pub(crate) struct Preorder<'m> {
    manifest: &'m Manifest,
    /// Rows and depths by position, where they are not those of the list.
    own: Option<(Vec<RowId>, Vec<u32>)>,
    by_name_alone: bool,
}

impl<'m> Preorder<'m> {
    /// The walks of two manifests, with siblings in one order: entries of one name are met at the same time.
    ///
    /// A directory by its mode alone stands among the directories in a listing. Where there is one, siblings are ordered
    /// by their slash instead: the other manifest may have a file of that name.
    pub(crate) fn of_two(a: &'m Manifest, b: &'m Manifest, orphans: Orphans) -> (Self, Self) {
        let by_name_alone = has_plain_directory(a) || has_plain_directory(b);
        (Self::new(a, orphans, by_name_alone), Self::new(b, orphans, by_name_alone))
    }

    fn new(manifest: &'m Manifest, orphans: Orphans, by_name_alone: bool) -> Self {
        let own = (by_name_alone || !Outline::is_sorted(manifest))
            .then(|| manifest.outline().preorder(manifest, orphans, |row| is_last(manifest, row, by_name_alone)));
        Self { manifest, own, by_name_alone }
    }

    pub(crate) fn len(&self) -> usize {
        self.own.as_ref().map_or(self.manifest.len(), |(rows, _)| rows.len())
    }

    /// Whether positions are places in the list.
    pub(crate) fn is_list(&self) -> bool {
        self.own.is_none()
    }

    /// The row at a position.
    pub(crate) fn id(&self, at: usize) -> RowId {
        match &self.own {
            Some((rows, _)) => rows[at],
            None => self.manifest.row_at(at).unwrap_or(RowId::MAX),
        }
    }

    pub(crate) fn row(&self, at: usize) -> Row<'m> {
        self.manifest.get(self.id(at))
    }

    /// Levels above the position; of the end 0.
    pub(crate) fn depth(&self, at: usize) -> u32 {
        match &self.own {
            Some((_, depths)) => depths.get(at).copied().unwrap_or(0),
            None if at < self.manifest.len() => self.manifest.rows().depth(self.id(at)),
            None => 0,
        }
    }

    pub(crate) fn is_dir(&self, at: usize) -> bool {
        self.manifest.rows().is_dir(self.id(at))
    }

    /// The position after an entry and all below it.
    pub(crate) fn end_of(&self, at: usize) -> usize {
        let depth = self.depth(at);
        (at + 1..self.len()).find(|next| self.depth(*next) <= depth).unwrap_or(self.len())
    }

    /// Order of two siblings of different manifests; equal for one name.
    pub(crate) fn cmp(&self, at: usize, other: &Self, other_at: usize) -> std::cmp::Ordering {
        let (a, b) = (self.id(at), other.id(other_at));
        let kinds = is_last(self.manifest, a, self.by_name_alone).cmp(&is_last(other.manifest, b, self.by_name_alone));
        kinds.then_with(|| natural_cmp(self.manifest.rows().name(a), other.manifest.rows().name(b)))
    }
}

/// Whether an entry stands among the later of its siblings: those with a slash, or all directories.
fn is_last(manifest: &Manifest, row: RowId, by_name_alone: bool) -> bool {
    let rows = manifest.rows();
    if by_name_alone { rows.name(row).ends_with(b"/") } else { rows.is_dir(row) }
}

/// Whether a directory's name has no slash.
fn has_plain_directory(manifest: &Manifest) -> bool {
    manifest.iter().any(|row| is_plain_directory(manifest.rows(), row))
}

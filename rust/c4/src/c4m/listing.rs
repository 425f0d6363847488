//! A manifest under construction, entry by entry in the order of a walk.
//!
//! A directory is written when something in it is, or when it is to be kept itself. It does not decide what is kept.

use super::entry::{NULL_SIZE, Row};
use super::manifest::Manifest;
use super::rows::{Field, RowId, Rows};
use crate::C4Id;

/// Entries that were written, and the ones that lead to the place of the walk.
#[derive(Default)]
pub(crate) struct Listing<'m> {
    rows: Rows,
    open: Vec<Open<'m>>,
    /// How many of the open entries are written, from the top.
    written: usize,
}

struct Open<'m> {
    row: Row<'m>,
    number: RowId,
    /// Whether what is listed below is not what the entry's ID and size stand for.
    is_partial: bool,
}

impl<'m> Listing<'m> {
    /// Goes down to an entry, which is not written yet.
    pub(crate) fn enter(&mut self, row: Row<'m>) {
        self.open.push(Open { row, number: 0, is_partial: false });
    }

    /// Writes the entry that was entered last, after those above it.
    pub(crate) fn keep(&mut self) {
        for (depth, open) in self.open.iter_mut().enumerate().skip(self.written) {
            open.number = self.rows.push(&Row { depth: depth as u32, ..open.row });
        }
        self.written = self.open.len();
    }

    /// Whether the entry that was entered last is written.
    pub(crate) fn is_kept(&self) -> bool {
        self.written == self.open.len()
    }

    /// Writes a sibling of the next entry that is entered.
    pub(crate) fn add(&mut self, row: &Row<'_>) {
        self.keep();
        self.rows.push(&Row { depth: self.open.len() as u32, ..*row });
    }

    /// The directory around the entry that was entered last is listed otherwise than its ID and size say.
    pub(crate) fn mark_partial(&mut self) {
        if let [.., directory, _] = self.open.as_mut_slice() {
            directory.is_partial = true;
        }
    }

    /// Goes up again. A directory that is partial loses its ID and size, and makes the one around it partial.
    pub(crate) fn leave(&mut self) {
        let is_kept = self.is_kept();
        if self.open.last().is_some_and(|open| open.is_partial) {
            self.mark_partial();
        }
        if let Some(open) = self.open.pop()
            && open.is_partial
            && is_kept
        {
            self.rows.set(open.number, Field::Id(C4Id::NIL));
            self.rows.set(open.number, Field::Size(NULL_SIZE));
        }
        self.written = self.written.min(self.open.len());
    }

    /// The path of a sibling of the next entry that is entered; a directory's ends in `/`.
    pub(crate) fn path(&self, name: &[u8]) -> Vec<u8> {
        let mut path = Vec::new();
        for open in &self.open {
            path.extend_from_slice(open.row.bare_name());
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    /// The manifest, in canonical order, with the ID lists that its sequences have in the manifests they come from.
    pub(crate) fn finish(self, sources: &[&Manifest]) -> Manifest {
        let mut manifest = Manifest::from(self.rows);
        for source in sources {
            manifest.take_ranges_of(source);
        }
        manifest.sort();
        manifest.compact();
        manifest
    }
}

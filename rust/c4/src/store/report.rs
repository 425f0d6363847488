//! What was found in a store.

use std::io;
use std::path::PathBuf;

use super::census::{Misplacement, StrayKind, TemporaryKind};
use crate::C4Id;

/// How many things of a kind a report lists; all are counted.
pub const LISTED: usize = 10_000;

/// Things of a kind: the first [`LISTED`], and how many there are.
#[derive(Debug)]
pub struct Listed<T> {
    /// The first.
    pub items: Vec<T>,
    /// How many there are.
    pub count: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { items: Vec::new(), count: 0 }
    }
}

impl<T> Listed<T> {
    pub(super) fn push(&mut self, item: T) {
        self.count += 1;
        if self.items.len() < LISTED {
            self.items.push(item);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// An object whose content is not that of its ID.
#[derive(Debug)]
pub struct Corrupt {
    /// What its name says.
    pub id: C4Id,
    /// The ID of its content.
    pub actual: C4Id,
    /// Where it was found.
    pub path: PathBuf,
    /// Its bytes.
    pub size: u64,
    /// Where in the quarantine it is now, or why it could not be moved; `None` when that was not asked for.
    pub moved: Option<io::Result<PathBuf>>,
}

/// What was found in a store; paths are relative to its root.
#[derive(Debug, Default)]
pub struct StoreReport {
    /// Objects that were read to their end.
    pub checked: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects whose content is not that of their ID.
    pub corrupt: Listed<Corrupt>,
    /// Objects and directories that cannot be read, and why.
    pub unreadable: Listed<(PathBuf, io::Error)>,
    /// Objects that are not where they would be put now.
    pub misplaced: Listed<(PathBuf, C4Id, Misplacement)>,
    /// Things that do not belong there.
    pub stray: Listed<(PathBuf, StrayKind)>,
    /// Temporary files, and directories of writers.
    pub temporary: Listed<(PathBuf, TemporaryKind)>,
    /// Files in quarantine.
    pub quarantined: Listed<PathBuf>,
    /// Whether all objects were considered; else time ran out.
    pub is_complete: bool,
    /// The last object such that all up to it were considered, when there are others.
    pub cursor: Option<C4Id>,
}

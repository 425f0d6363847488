//! What a verification found out.

use std::borrow::Cow;
use std::sync::Arc;

use crate::C4Id;
use crate::c4m::{Manifest, RowId};

/// What is known of an entry of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// A directory that is not there, with files below it, which are [`Verdict::Missing`].
    Implied,
    /// All that was to be compared agrees, and of a file every byte was read.
    Ok,
    /// Nothing of that name is there.
    Missing,
    /// A file whose content is not that of its ID.
    Corrupt,
    /// It is there, or may be, and could not be read or looked up.
    Unreadable,
    /// Its content is right, or was not read, and something else is not: see [`Verification::changed`].
    Changed,
    /// A manifest file whose bytes are not those of its ID, and whose canonical text is.
    CanonicalOnly,
    /// It is there and agrees as far as was looked; its content was not compared.
    Unverified,
}

impl Verdict {
    const ALL: [Self; 8] = [
        Self::Implied,
        Self::Ok,
        Self::Missing,
        Self::Corrupt,
        Self::Unreadable,
        Self::Changed,
        Self::CanonicalOnly,
        Self::Unverified,
    ];

    /// A stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Implied => "implied",
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Corrupt => "corrupt",
            Self::Unreadable => "unreadable",
            Self::Changed => "changed",
            Self::CanonicalOnly => "canonical_only",
            Self::Unverified => "unverified",
        }
    }

    /// The verdict of a number; the inverse of `as u8`.
    pub(super) const fn of_number(number: u8) -> Self {
        Self::ALL[number as usize]
    }
}

/// What else than content differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedField {
    /// Permissions.
    Mode,
    /// Modification time.
    Time,
    /// Size in bytes.
    Size,
    /// A directory where a file is expected, and so on.
    Type,
    /// Target of a symbolic link.
    Target,
}

impl ChangedField {
    /// A stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::Time => "time",
            Self::Size => "size",
            Self::Type => "type",
            Self::Target => "target",
        }
    }
}

/// A value that is not the expected one; both as a line of a manifest writes them, a type in a word or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entry of the manifest.
    pub row: RowId,
    /// Which value.
    pub field: ChangedField,
    /// What the manifest says.
    pub expected: String,
    /// What was found.
    pub actual: String,
}

/// A path that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Path relative to the root, empty for the root itself; a directory's ends in a slash.
    pub path: Vec<u8>,
    /// Why.
    pub message: Cow<'static, str>,
}

/// What a verification found out. Rows of the manifest are those of [`Verification::expected`], and all lists are in
/// canonical order.
#[derive(Debug)]
pub struct Verification {
    /// The manifest as it was compared, with the members of its sequences.
    pub expected: Arc<Manifest>,
    /// What lies in the directory, with the IDs of what was read.
    pub found: Arc<Manifest>,
    pub(super) verdicts: Vec<Verdict>,
    /// Of entries that are [`Verdict::Corrupt`] or [`Verdict::CanonicalOnly`], the ID of the bytes that are there.
    pub actual: Vec<(RowId, C4Id)>,
    /// Rows of `found` that the manifest does not have: all files, and the directories with no file below.
    pub extra: Vec<RowId>,
    /// What differs besides content. A corrupt file may be here as well.
    pub changed: Vec<Change>,
    /// What could not be read: entries of the manifest first, then directories that it does not have.
    pub unreadable: Vec<Unreadable>,
    /// Missing rows of `expected` and extra rows of `found` with one content.
    pub moved: Vec<(RowId, RowId)>,
    /// Entries expected that are no directories.
    pub files_total: u64,
    /// Files that were read whole; one with several names counts once.
    pub files_read: u64,
    /// Bytes of what is expected, as far as sizes are known.
    pub bytes_total: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Whether the system took the advice to read each file from the disk; `None` if it was not given.
    pub cache_dropped: Option<bool>,
}

impl Verification {
    /// The verdict of every row of `expected`.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// The rows that have a verdict.
    pub fn rows(&self, verdict: Verdict) -> impl Iterator<Item = RowId> + '_ {
        (0..).zip(&self.verdicts).filter(move |(_, own)| **own == verdict).map(|(row, _)| row)
    }

    /// How many rows have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.verdicts.iter().filter(|own| **own == verdict).count()
    }

    /// The ID of the bytes of a row that is not as it should be.
    pub fn actual(&self, row: RowId) -> Option<&C4Id> {
        self.actual.binary_search_by_key(&row, |(row, _)| *row).ok().map(|at| &self.actual[at].1)
    }
}

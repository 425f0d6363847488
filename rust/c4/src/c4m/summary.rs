//! Counts of a manifest, and how they are told to people.

use std::collections::HashSet;

use super::manifest::Manifest;
use crate::C4Id;

/// What a manifest holds, in numbers. Links and special files count as files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Entries that are not directories.
    pub files: usize,
    /// Entries that are directories.
    pub directories: usize,
    /// Sum of the known sizes of files, in bytes.
    pub bytes: u128,
    /// Different IDs of files.
    pub unique_ids: usize,
}

impl Manifest {
    /// Counts the entries.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        let mut ids: HashSet<&C4Id> = HashSet::new();
        for row in self.iter() {
            let entry = self.get(row);
            if entry.is_dir() {
                summary.directories += 1;
                continue;
            }
            summary.files += 1;
            summary.bytes += u128::try_from(entry.size).unwrap_or(0);
            if !entry.id.is_nil() {
                ids.insert(entry.id);
            }
        }
        summary.unique_ids = ids.len();
        summary
    }
}

/// A size for people: powers of 1024, one decimal from kilobytes on.
///
/// ```
/// assert_eq!(c4::c4m::human_size(1536), "1.5 KB");
/// ```
#[allow(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn human_size(bytes: u128) -> String {
    let mut size = bytes as f64;
    if size < 1024.0 {
        return format!("{bytes} B");
    }
    let mut unit = "";
    for next in ["KB", "MB", "GB", "TB", "PB", "EB"] {
        unit = next;
        size /= 1024.0;
        if size < 1024.0 {
            break;
        }
    }
    format!("{size:.1} {unit}")
}

//! What was there when the plan was made, and whether it still is.
//!
//! A regular file is known by its inode, size and time to the nanosecond, a link by its target, anything else by its type.
//! What is written to without its time being changed is not told apart.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{self, FileType, Stat};

use super::attributes::{mode_of, time_of};
use super::staging::{patiently, status};
use super::{Kind, Operation, Plan, STAGING, Version};
use crate::c4m::{Manifest, Row, RowId, Timestamp};
use crate::scan::{Survey, below};

/// What has a name, compared with what was found there.
pub(super) enum There {
    Nothing,
    AsFound(FileType),
    Changed,
}

impl Plan {
    /// Remembers the regular files that are replaced, removed or copied, and those that wait: what they were when they were
    /// hashed, or else what they are now, if that is what was listed.
    pub(super) fn note_versions(&mut self, survey: &Survey<'_>) -> io::Result<()> {
        let listing = survey.listing();
        let goes = |operation: &&Operation| !matches!(operation.kind, Kind::Chmod | Kind::Times);
        let rows = self.operations.iter().filter(goes).filter_map(|operation| operation.found);
        let mut rows: Vec<RowId> = rows.chain(waiting(listing)).collect();
        rows.retain(|row| listing.get(*row).mode.is_regular());
        rows.sort_unstable();
        rows.dedup();
        // The directory of the row before: its files follow one another.
        let mut open: Option<(Option<usize>, io::Result<OwnedFd>)> = None;
        for row in rows {
            if let Some(version) = survey.version(row) {
                self.versions.insert(row, version);
                continue;
            }
            let parent = listing.outline().parent(row as usize);
            if open.as_ref().is_none_or(|(before, _)| *before != parent) {
                let path = parent.map_or_else(Vec::new, |parent| listing.outline().path(listing, parent));
                let root = survey.directory()?;
                open = Some((parent, patiently(|| below::open_directory(root, &path, false))));
            }
            if let Some((_, Ok(directory))) = &open
                && let Ok(Some(stat)) = status(directory.as_fd(), listing.rows().name(row))
                && is_as_listed(&listing.get(row), &stat)
            {
                self.versions.insert(row, version_of(&stat));
            }
        }
        Ok(())
    }

    /// Compares what has a name in a directory with what was found.
    pub(super) fn look(&self, row: RowId, directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<There> {
        let Some(stat) = status(directory, name)? else { return Ok(There::Nothing) };
        let (found, mode) = (self.found.get(row), mode_of(&stat));
        let is_same = if mode.is_symlink() && found.is_symlink() {
            fs::readlinkat(directory, OsStr::from_bytes(name), Vec::new())?.as_bytes() == found.target()
        } else if let Some(version) = self.versions.get(&row).filter(|_| mode.is_regular()) {
            version_of(&stat) == *version
        } else {
            is_as_listed(&found, &stat)
        };
        Ok(if is_same { There::AsFound(FileType::from_raw_mode(stat.st_mode)) } else { There::Changed })
    }

    /// What waited when the plan was made, by name.
    pub(super) fn waiting(&self) -> HashMap<&[u8], RowId> {
        waiting(&self.found).map(|row| (self.found.rows().name(row), row)).collect()
    }
}

/// The rows of a listing in canonical order that are below the directory in which content waits.
fn waiting(listing: &Manifest) -> impl Iterator<Item = RowId> {
    let is_staging = |row: &RowId| {
        let entry = listing.get(*row);
        entry.depth == 0 && entry.is_dir() && entry.bare_name() == STAGING
    };
    let top = listing.iter().find(is_staging);
    let below = top.into_iter().flat_map(|top| top + 1..listing.len() as RowId);
    below.take_while(|row| listing.get(*row).depth > 0)
}

/// Whether the status is that of what was listed, as far as a listing tells.
fn is_as_listed(found: &Row<'_>, stat: &Stat) -> bool {
    let mode = mode_of(stat);
    let time = Timestamp(stat.st_mtime);
    let is_same_time = found.time == time || found.time.is_null() || !time.is_writable();
    let is_same_size = found.size == stat.st_size || found.size < 0;
    mode.type_name() == found.type_name() && (!mode.is_regular() || is_same_time && is_same_size)
}

#[allow(clippy::unnecessary_cast, reason = "the widths of stat fields differ between platforms")]
fn version_of(stat: &Stat) -> Version {
    let (seconds, nanoseconds) = time_of(stat);
    Version {
        file: (stat.st_dev as u64, stat.st_ino as u64),
        size: stat.st_size as u64,
        modified: (seconds, nanoseconds as u32),
    }
}

//! How much a store holds.

use std::fs;
use std::io;
use std::path::Path;

use super::CheckError;
use super::census::{Census, Found, Object, locate};
use crate::scan::ScanProgress;

/// Counts of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Objects that readers find; one that lies in two places counts once.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects by the count of two-character directories that they lie in.
    pub depths: Vec<u64>,
    /// Objects that no reader finds, or that lie in two places.
    pub misplaced: u64,
    /// Things that do not belong there.
    pub stray: u64,
    /// Temporary files, and directories of writers.
    pub temporary: u64,
    /// Files in quarantine.
    pub quarantined: u64,
    /// Bytes of the files in quarantine.
    pub quarantined_bytes: u64,
}

/// Counts what a store holds.
pub fn stats(root: &Path, progress: &ScanProgress) -> Result<StoreStats, CheckError> {
    let size = |path: &Path| match fs::symlink_metadata(root.join(path)) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CheckError::at(root.join(path))(error)),
    };
    let mut stats = StoreStats::default();
    for found in Census::new(root).map_err(CheckError::at(root))? {
        if progress.is_cancelled() {
            return Err(CheckError::Cancelled);
        }
        match found {
            Found::Object(Object { is_copy: true, .. }) | Found::Lost(..) => stats.misplaced += 1,
            Found::Object(object) => {
                // One that has moved down since is counted where it was.
                let path = object.path();
                let size = match size(&path)? {
                    Some(size) => Some(size),
                    None => match locate(root, &object.id).map_err(CheckError::at(root.join(&path)))? {
                        Some(path) => size(&path)?,
                        None => None,
                    },
                };
                let Some(size) = size else { continue };
                let depth = usize::from(object.depth);
                if stats.depths.len() <= depth {
                    stats.depths.resize(depth + 1, 0);
                }
                stats.depths[depth] += 1;
                stats.objects += 1;
                stats.bytes += size;
                ScanProgress::add(&progress.entries, 1);
            }
            Found::Stray(..) => stats.stray += 1,
            Found::Temporary(..) => stats.temporary += 1,
            Found::Quarantined(path) => {
                stats.quarantined += 1;
                stats.quarantined_bytes += size(&path)?.unwrap_or(0);
            }
            Found::Unreadable(path, error) => return Err(CheckError::at(root.join(path))(error)),
        }
    }
    Ok(stats)
}

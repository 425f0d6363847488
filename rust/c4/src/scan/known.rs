//! IDs that are known before a file is opened: from a cache, or from a guide.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;

use super::cache::Cache;
use crate::C4Id;
use crate::c4m::{Manifest, RowId, Timestamp};

/// What a scan takes IDs from, instead of reading the files. Only a scan is given it: what is verified is always read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reuse<'r> {
    /// A manifest of the tree as it was. A regular file of its path with the same size and time, in whole seconds, has its
    /// ID. A sequence says neither of each of its files: they are read.
    pub guide: Option<&'r Manifest>,
    /// The directory of a cache.
    pub cache: Option<&'r Path>,
}

/// Where an ID is.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Cache(u32),
    Guide(RowId),
}

/// The guide and the cache of a scan.
pub(super) struct Known<'r> {
    guide: Option<&'r Manifest>,
    pub(super) cache: Option<Cache>,
}

impl<'r> Known<'r> {
    pub(super) fn load(reuse: Reuse<'r>, root: &Path) -> Self {
        Self { guide: reuse.guide, cache: reuse.cache.map(|directory| Cache::load(directory, root)) }
    }

    /// Where the ID of a regular file is, if it is known. `path` is that in the tree of the guide; `None` outside.
    ///
    /// The cache is asked first: it knows what would have to be forged.
    pub(super) fn find(&self, stat: &Stat, path: Option<&[u8]>) -> Option<Place> {
        let cached = self.cache.as_ref().and_then(|cache| cache.find(stat)).map(Place::Cache);
        cached.or_else(|| self.find_in_guide(stat, path?).map(Place::Guide))
    }

    fn find_in_guide(&self, stat: &Stat, path: &[u8]) -> Option<RowId> {
        let guide = self.guide?;
        let row = guide.row_at(guide.outline().find(guide, path)?)?;
        let entry = guide.get(row);
        let is_file = entry.mode.is_regular() && !entry.is_dir() && !entry.is_symlink() && !entry.is_sequence;
        let agrees = entry.size == stat.st_size && entry.time == Timestamp(stat.st_mtime) && !entry.time.is_null();
        (is_file && agrees && !entry.id.is_nil()).then_some(row)
    }

    /// The ID at a place that was found; it is used.
    pub(super) fn take(&self, place: Place) -> C4Id {
        match (place, &self.cache, self.guide) {
            (Place::Cache(number), Some(cache), _) => cache.take(number),
            (Place::Guide(row), _, Some(guide)) => *guide.get(row).id,
            _ => C4Id::NIL,
        }
    }

    /// Writes what the cache learned. Why it could not, if it could not.
    pub(super) fn finish(self, is_complete: bool) -> Option<(PathBuf, io::Error)> {
        self.cache?.finish(is_complete)
    }
}

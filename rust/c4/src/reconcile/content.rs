//! Where content comes from: stores, and other directories.

use std::fs::File;
use std::io;

use crate::C4Id;
use crate::store::{StoreError, TreeStore};

/// Content that was found; it is verified by whoever takes it.
pub enum Content {
    /// A file, whose blocks may be shared.
    File(File),
    /// The file of a directory store's object, which may get one more name.
    Object(File),
    /// A stream.
    Stream(Box<dyn io::Read + Send>),
}

/// What has content by ID.
pub trait ContentSource: Sync {
    /// Whether it has content; asked once for every ID that is needed, in their order.
    fn has(&self, id: &C4Id) -> Result<bool, StoreError>;

    /// Opens content; `None` when it is not there any longer.
    fn open(&self, id: &C4Id) -> Result<Option<Content>, StoreError>;

    /// How many threads may open and read at once; at least 1.
    fn concurrency(&self) -> usize;
}

impl ContentSource for TreeStore {
    fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
        Ok(self.find(id)?.is_some())
    }

    fn open(&self, id: &C4Id) -> Result<Option<Content>, StoreError> {
        Ok(Self::open(self, id)?.map(|object| Content::Object(object.file)))
    }

    fn concurrency(&self) -> usize {
        usize::MAX
    }
}

//! Content on its way into a store in a directory.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd;

use super::session::Temporary;
use super::{Context as _, StoreError, TreeStore};
use crate::C4Id;
use crate::identify::READ_BYTES;

/// Content that arrives in pieces, and is hashed on its way. Dropped before [`Put::finish`], it leaves nothing.
///
/// What is short waits in memory: of what the store has already nothing is written then.
pub struct Put<'s> {
    store: &'s TreeStore,
    hasher: c4_sha512::Sha512,
    held: Vec<u8>,
    ingest: Option<Ingest<'s>>,
}

impl<'s> Put<'s> {
    pub(super) fn new(store: &'s TreeStore) -> Self {
        Self { store, hasher: c4_sha512::Sha512::new(), held: Vec::new(), ingest: None }
    }
}

impl Put<'_> {
    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hasher.update(bytes);
        if let Some(ingest) = &mut self.ingest {
            return ingest.write(bytes);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > READ_BYTES {
            let mut ingest = self.store.ingest()?;
            ingest.write(&self.held)?;
            self.held = Vec::new();
            self.ingest = Some(ingest);
        }
        Ok(())
    }

    /// Ends the content; its ID.
    pub fn finish(self) -> Result<C4Id, StoreError> {
        let id = C4Id(self.hasher.finalize());
        match self.ingest {
            Some(ingest) => ingest.commit(&id)?,
            None => self.store.put_bytes(&id, &self.held)?,
        }
        Ok(id)
    }
}

/// Content on its way into a store, which the caller hashes. Dropped without [`Ingest::commit`], it leaves nothing.
pub struct Ingest<'s> {
    store: &'s TreeStore,
    temporary: Temporary,
    file: File,
    bytes: u64,
}

impl<'s> Ingest<'s> {
    pub(super) fn new(store: &'s TreeStore, file: File, temporary: Temporary) -> Self {
        Self { store, temporary, file, bytes: 0 }
    }
}

impl Ingest<'_> {
    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        // Counted first: after a failure the count is not that of the file, which then is not stored.
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).context("write to the store", self.temporary.path())
    }

    /// Shares the blocks of a file of so many bytes, where the file system can, instead of writing them. What is then to
    /// be hashed is this copy, which nobody changes: see [`Ingest::reader`].
    #[cfg(target_os = "linux")]
    pub fn share(&mut self, source: impl AsFd, bytes: u64) -> bool {
        let is_shared = rustix::fs::ioctl_ficlone(&self.file, source).is_ok();
        if is_shared {
            self.bytes = bytes;
        }
        is_shared
    }

    /// Elsewhere nothing is shared.
    #[cfg(not(target_os = "linux"))]
    pub fn share(&mut self, _source: impl AsFd, _bytes: u64) -> bool {
        false
    }

    /// What was stored so far, from its start.
    pub fn reader(&self) -> Result<File, StoreError> {
        self.file.try_clone().context("read from the store", self.temporary.path())
    }

    /// Ends the content, whose ID the caller has computed. Of what the store has nothing is kept, nor made durable again.
    pub fn commit(self, id: &C4Id) -> Result<(), StoreError> {
        if self.store.has_already(id, self.bytes)? { Ok(()) } else { self.commit_new(id) }
    }

    /// The same, of content that the store was asked for before it was written.
    pub(super) fn commit_new(self, id: &C4Id) -> Result<(), StoreError> {
        let Self { store, temporary, file, bytes } = self;
        let found = file.metadata().context("look at what was written to the store", temporary.path())?.len();
        if found != bytes {
            return Err(StoreError::Length { path: temporary.path().to_owned(), written: bytes, found });
        }
        store.take(id, file, temporary, bytes)
    }
}

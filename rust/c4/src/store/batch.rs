//! Objects that become durable together.
//!
//! An object keeps its temporary name until its bytes are on the disk: one sync of the file system serves thousands of
//! objects, then they get their names, then one more sync serves the names. So a crash at any moment leaves no name
//! without its content, which a later put would take for an object that it need not write.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::io::Errno;

use super::session::{Session, Temporary};
use super::tree::lock;
use super::{Context as _, StoreError, TreeStore};
use crate::C4Id;

/// Objects, and bytes, that wait at most; then the put that adds the last one flushes.
const MAX_PENDING: usize = 8192;
const MAX_PENDING_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Objects that are written and have no name.
#[derive(Default)]
pub(super) struct Batch {
    pending: Mutex<HashMap<C4Id, Arc<Pending>>>,
    /// Whether there were objects that others had put, and perhaps not made durable.
    is_unsynchronized: AtomicBool,
    flushing: Mutex<()>,
    /// The bytes of the objects that were added since the last flush.
    bytes: AtomicU64,
    /// The number of the error of a sync that failed: what others have put may be lost with what this one was for.
    failed: AtomicI32,
}

struct Pending {
    temporary: Temporary,
    size: u64,
}

impl Batch {
    /// Where an object waits, and its size.
    pub(super) fn find(&self, id: &C4Id) -> Option<(PathBuf, u64)> {
        let pending = lock(&self.pending);
        let found = pending.get(id)?;
        // What a parent process wrote before it forked is not ours, and may be gone.
        let is_there = found.temporary.session().is_ours() && found.temporary.path().exists();
        is_there.then(|| (found.temporary.path().to_owned(), found.size))
    }

    /// Takes an object out.
    pub(super) fn remove(&self, id: &C4Id) -> bool {
        lock(&self.pending).remove(id).is_some()
    }

    /// Notes that an object was found that may not be durable.
    pub(super) fn note_unsynchronized(&self) {
        self.is_unsynchronized.store(true, Ordering::Relaxed);
    }

    /// Keeps flushes away as long as what it returns lives.
    pub(super) fn stop_flushing(&self) -> MutexGuard<'_, ()> {
        lock(&self.flushing)
    }

    /// Fails once a sync has failed, for good: the system tells that once, to one of those who are concerned.
    fn check(&self, store: &TreeStore) -> Result<(), StoreError> {
        match self.failed.load(Ordering::Relaxed) {
            0 => Ok(()),
            number => Err(io::Error::from_raw_os_error(number))
                .context("make the store durable: an earlier attempt failed, open the store again", store.root()),
        }
    }

    /// Adds an object, and flushes when there are many.
    pub(super) fn add(&self, store: &TreeStore, id: &C4Id, temporary: Temporary, size: u64) -> Result<(), StoreError> {
        self.check(store)?;
        let mut pending = lock(&self.pending);
        pending.insert(*id, Arc::new(Pending { temporary, size }));
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed) + size;
        let is_full = pending.len() >= MAX_PENDING || bytes >= MAX_PENDING_BYTES;
        drop(pending);
        if is_full { self.flush(store) } else { Ok(()) }
    }

    /// Gives all objects that wait their names, durably. What the disk refused is lost; after another failure objects
    /// wait on.
    pub(super) fn flush(&self, store: &TreeStore) -> Result<(), StoreError> {
        let _one_at_a_time = lock(&self.flushing);
        self.check(store)?;
        self.bytes.store(0, Ordering::Relaxed);
        let was_unsynchronized = self.is_unsynchronized.swap(false, Ordering::Relaxed);
        let result = self.flush_pending(store, was_unsynchronized);
        if result.is_err() && was_unsynchronized {
            self.note_unsynchronized();
        }
        result
    }

    fn flush_pending(&self, store: &TreeStore, was_unsynchronized: bool) -> Result<(), StoreError> {
        let mut pending = lock(&self.pending);
        pending.retain(|_, waiting| waiting.temporary.session().is_ours());
        let waiting: Vec<_> = pending.iter().map(|(id, waiting)| (*id, Arc::clone(waiting))).collect();
        drop(pending);
        if waiting.is_empty() && !was_unsynchronized {
            return Ok(());
        }
        // One for both: failures to write since it was made are told through it.
        let session = store.session()?;
        if !waiting.is_empty() {
            let temporaries = waiting.iter().map(|(_, waiting)| &waiting.temporary);
            if let Err(error) = synchronize(&session, temporaries.filter(|temporary| !temporary.is_kept())) {
                if self.note_failure(&error) {
                    self.forget(&waiting);
                }
                return Err(error);
            }
            for (id, waiting) in &waiting {
                if waiting.temporary.is_kept() {
                    // It got its name in a flush that failed after that.
                    store.synchronize_place(id)?;
                } else {
                    store.place(id, &waiting.temporary, waiting.size)?;
                }
            }
        }
        synchronize(&session, std::iter::empty()).inspect_err(|error| {
            self.note_failure(error);
        })?;
        self.forget(&waiting);
        Ok(())
    }

    /// Notes an error of the disk, and says whether it is one. The system may have dropped what it could not write: that
    /// a second sync succeeds would say nothing about it.
    fn note_failure(&self, error: &StoreError) -> bool {
        let number = if let StoreError::Io { source, .. } = error { source.raw_os_error() } else { None };
        let is_of_the_disk =
            [Errno::IO, Errno::NOSPC, Errno::DQUOT].iter().any(|errno| Some(errno.raw_os_error()) == number);
        if is_of_the_disk {
            self.failed.store(number.unwrap_or_default(), Ordering::Relaxed);
        }
        is_of_the_disk
    }

    fn forget(&self, waiting: &[(C4Id, Arc<Pending>)]) {
        let mut pending = lock(&self.pending);
        for (id, waiting) in waiting {
            if pending.get(id).is_some_and(|now| Arc::ptr_eq(now, waiting)) {
                pending.remove(id);
            }
        }
    }
}

/// Makes temporaries, and names, durable: all at once where the file system can, else one by one. In that case names are
/// made durable as they are given.
fn synchronize<'t>(session: &Session, temporaries: impl Iterator<Item = &'t Temporary>) -> Result<(), StoreError> {
    if session.is_synced_together() {
        return session.synchronize();
    }
    for temporary in temporaries {
        let file = File::open(temporary.path());
        file.and_then(|file| file.sync_all()).context("make an object durable", temporary.path())?;
    }
    Ok(())
}

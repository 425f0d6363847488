//! Content that is put into a store while a scan reads it.
//!
//! A directory store takes the bytes as they pass through the lanes: a file is read once, for its ID and for its copy.
//! What fits a lane's buffer waits in memory until its ID is known, so that nothing is written of what the store has.
//! Where the file system can share blocks between files, a larger file is shared first and the store's copy is what is
//! hashed. Other stores read the file themselves, through a reader that hashes what it gives.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use c4_engine::{BUFFER_BYTES, FileRead, FileReader, is_descriptor_exhaustion};
use c4_sha512::Sha512;

use super::{ScanError, ScanProgress};
use crate::C4Id;
use crate::c4m::Manifest;
use crate::store::{Ingest, Store, StoreError, TreeStore, WriterSession, WrongId};

/// How often a file is opened again when the process has no descriptor left.
pub(crate) const PATIENCE: u32 = 200;
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

/// Where a scan puts the content that it reads.
#[derive(Clone, Copy)]
pub enum Sink<'s> {
    /// A store in a directory.
    Tree(&'s TreeStore),
    /// A store of another kind.
    Port(&'s dyn Store),
}

/// The store of a scan.
pub(super) struct Keeper<'s> {
    sink: Sink<'s>,
    progress: &'s Arc<ScanProgress>,
    failure: Mutex<Option<ScanError>>,
    /// Keeps the writer's directory of a store in place from the first object to the last.
    session: OnceLock<WriterSession>,
    gate: Gate,
}

/// What a file leaves for the store while it is read.
pub(super) enum Kept<'s> {
    /// Nothing: the scan has no store, or the store reads the file itself.
    Nothing,
    /// Its bytes so far.
    Bytes(Vec<u8>),
    /// It is written as it is read.
    Written(Ingest<'s>),
    /// It was shared, and what is to be read is this, the store's copy.
    Shared(Ingest<'s>, Option<FileReader>),
}

impl<'s> Keeper<'s> {
    pub(super) fn new(sink: Sink<'s>, progress: &'s Arc<ScanProgress>) -> Self {
        let room = match sink {
            Sink::Tree(_) => usize::MAX,
            Sink::Port(store) => store.concurrency().max(1),
        };
        Self { sink, progress, failure: Mutex::default(), session: OnceLock::new(), gate: Gate::new(room) }
    }

    /// Makes the store ready. Not before the tree is walked: the store may lie in it.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        if let Sink::Tree(store) = self.sink {
            let session = store.hold_session()?;
            self.session.get_or_init(|| session);
        }
        Ok(())
    }

    /// Which of so many objects, given by ID, size and the path of their file, the store does not have, by number. What
    /// it has is as good as stored now.
    pub(super) fn find_missing(
        &self,
        count: usize,
        workers: usize,
        object: impl Fn(usize) -> (C4Id, u64, Vec<u8>) + Sync,
    ) -> Vec<bool> {
        let threads = match self.sink {
            Sink::Tree(_) => workers,
            Sink::Port(store) => store.concurrency().max(1),
        };
        let is_missing: Vec<AtomicBool> = (0..count).map(|_| AtomicBool::new(true)).collect();
        by_threads(
            count,
            threads,
            || self.progress.is_cancelled(),
            |index| {
                let (id, size, path) = object(index);
                let has = match self.sink {
                    Sink::Tree(store) => patiently(|| store.has_already(&id, size)),
                    Sink::Port(store) => self.gate.pass(|| store.has(&id)),
                };
                match has {
                    Ok(has) => is_missing[index].store(!has, Ordering::Relaxed),
                    Err(error) => self.note(Err(error), || Some(path)),
                }
            },
        );
        is_missing.into_iter().map(AtomicBool::into_inner).collect()
    }

    /// The store that reads files itself, if it is one.
    pub(super) fn port(&self) -> Option<&'s dyn Store> {
        match self.sink {
            Sink::Tree(_) => None,
            Sink::Port(store) => Some(store),
        }
    }

    /// Begins with a file of so many bytes, before its first byte is read.
    pub(super) fn begin(&self, file: &FileReader, size: u64) -> Result<Kept<'s>, StoreError> {
        let Sink::Tree(store) = self.sink else { return Ok(Kept::Nothing) };
        if size <= BUFFER_BYTES as u64 {
            return Ok(Kept::Bytes(Vec::with_capacity(size as usize)));
        }
        let mut ingest = store.ingest()?;
        if !ingest.share(file, size) {
            return Ok(Kept::Written(ingest));
        }
        // A file that changed while it was shared is read, and found out, as any other.
        if let Ok(Ok(copy)) = FileReader::new(ingest.reader()?.into())
            && copy.stat().st_size as u64 == size
            && file.is_unchanged().unwrap_or(false)
        {
            return Ok(Kept::Shared(ingest, Some(copy)));
        }
        Ok(Kept::Written(store.ingest()?))
    }

    /// Takes the next bytes of a file.
    pub(super) fn take(&self, kept: &mut Kept<'s>, bytes: &[u8]) -> Result<(), StoreError> {
        match kept {
            Kept::Nothing | Kept::Shared(..) => Ok(()),
            Kept::Written(ingest) => ingest.write(bytes),
            Kept::Bytes(held) if held.len() + bytes.len() <= BUFFER_BYTES => {
                held.extend_from_slice(bytes);
                Ok(())
            }
            Kept::Bytes(held) => {
                // It has grown, or is one of the system's that do not know their size.
                let Sink::Tree(store) = self.sink else { return Ok(()) };
                let mut ingest = patiently(|| store.ingest())?;
                ingest.write(held)?;
                ingest.write(bytes)?;
                *kept = Kept::Written(ingest);
                Ok(())
            }
        }
    }

    /// Stores a file that was read to its end. A failure stops the scan.
    pub(super) fn commit(&self, kept: Kept<'s>, id: &C4Id, path: impl FnOnce() -> Vec<u8>) {
        let result = match (kept, self.sink) {
            (Kept::Bytes(bytes), Sink::Tree(store)) => patiently(|| store.put_bytes(id, &bytes)),
            (Kept::Written(ingest) | Kept::Shared(ingest, _), _) => ingest.commit(id),
            _ => Ok(()),
        };
        self.note(result, || Some(path()));
    }

    /// Stores a text that the scan has made. A failure stops the scan.
    pub(super) fn put_text(&self, id: &C4Id, text: Vec<u8>) {
        if self.progress.is_cancelled() {
            return;
        }
        let result = match self.sink {
            Sink::Tree(store) => patiently(|| store.put_bytes(id, &text)),
            Sink::Port(store) => {
                let found = self.gate.pass(|| store.put(Box::new(io::Cursor::new(text))));
                found.and_then(|found| check_id(*id, found))
            }
        };
        self.note(result, || None);
    }

    /// Stores the ID lists of sequences, which their IDs name.
    pub(super) fn put_id_lists(&self, manifest: &Manifest) {
        for (id, members) in manifest.range_data() {
            self.put_text(id, members.iter().flat_map(C4Id::to_text).collect());
        }
    }

    /// Notes a failure, if it is one, which stops the scan.
    pub(super) fn note(&self, result: Result<(), StoreError>, path: impl FnOnce() -> Option<Vec<u8>>) {
        if let Err(source) = result {
            let error = ScanError::Store { source, path: path() };
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.progress.cancel();
        }
    }

    /// Makes durable what was stored. The failure of the store, if there was one.
    pub(super) fn finish(self) -> Result<(), ScanError> {
        if let Some(error) = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        if self.progress.is_cancelled() {
            return Ok(());
        }
        match self.sink {
            Sink::Tree(store) => Ok(store.flush()?),
            Sink::Port(store) => Ok(store.flush()?),
        }
    }

    /// Lets another store read a file; what came of the reading, and of the store.
    pub(super) fn put_file(&self, store: &dyn Store, file: FileReader) -> Result<(C4Id, FileReader), PortFault> {
        let outcome = Arc::new(Mutex::new(Outcome::Unread));
        let content = HashedFile {
            file: Some(file),
            hasher: Sha512::new(),
            outcome: Arc::clone(&outcome),
            progress: Arc::clone(self.progress),
        };
        let found = self.gate.pass(|| store.put(Box::new(content)));
        let outcome = std::mem::replace(&mut *outcome.lock().unwrap_or_else(PoisonError::into_inner), Outcome::Unread);
        match (outcome, found) {
            (Outcome::Changed, _) => Err(PortFault::Changed),
            (Outcome::Failed(error), _) => Err(PortFault::Unreadable(error)),
            (_, Err(error)) => Err(PortFault::Store(error)),
            (Outcome::Unread, Ok(_)) => Err(PortFault::Store(StoreError::Unread)),
            (Outcome::Read(read), Ok(found)) => match check_id(read.0, found) {
                Ok(()) => Ok(*read),
                Err(error) => Err(PortFault::Store(error)),
            },
        }
    }
}

fn check_id(expected: C4Id, found: C4Id) -> Result<(), StoreError> {
    if expected == found { Ok(()) } else { Err(StoreError::WrongId(Box::new(WrongId { expected, found }))) }
}

/// Why a file is not in another store.
pub(super) enum PortFault {
    Changed,
    Unreadable(io::Error),
    Store(StoreError),
}

enum Outcome {
    /// Not to its end.
    Unread,
    Read(Box<(C4Id, FileReader)>),
    Changed,
    Failed(io::Error),
}

/// A file that hashes what it gives.
struct HashedFile {
    /// Until its end.
    file: Option<FileReader>,
    hasher: Sha512,
    outcome: Arc<Mutex<Outcome>>,
    progress: Arc<ScanProgress>,
}

impl HashedFile {
    fn end(&mut self, outcome: Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }
}

impl io::Read for HashedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.progress.is_cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        let Some(file) = self.file.as_mut().filter(|_| !buffer.is_empty()) else { return Ok(0) };
        match file.read(buffer) {
            Ok(FileRead::More(count)) => {
                self.hasher.update(&buffer[..count]);
                Ok(count)
            }
            Ok(FileRead::End(count)) => {
                self.hasher.update(&buffer[..count]);
                let id = C4Id(std::mem::take(&mut self.hasher).finalize());
                if let Some(file) = self.file.take() {
                    self.end(Outcome::Read(Box::new((id, file))));
                }
                Ok(count)
            }
            Ok(FileRead::Changed) => {
                self.end(Outcome::Changed);
                Err(io::Error::other("the file changed while it was read"))
            }
            Err(error) => {
                let told = io::Error::from(error.kind());
                self.end(Outcome::Failed(error));
                Err(told)
            }
        }
    }
}

/// Repeats what fails because the process has no descriptor left, for a while: others are about to close theirs.
fn patiently<T>(mut open: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 0..PATIENCE {
        match open() {
            Err(StoreError::Io { source, .. }) if is_descriptor_exhaustion(&source) => std::thread::sleep(PAUSE),
            result => return result,
        }
    }
    open()
}

/// Lets so many pass at once.
pub(crate) struct Gate {
    room: Mutex<usize>,
    left: Condvar,
}

impl Gate {
    pub(crate) fn new(room: usize) -> Self {
        Self { room: Mutex::new(room), left: Condvar::new() }
    }

    pub(crate) fn pass<T>(&self, action: impl FnOnce() -> T) -> T {
        let room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = self.left.wait_while(room, |room| *room == 0).unwrap_or_else(PoisonError::into_inner);
        *room -= 1;
        drop(room);
        let _place = Place(self);
        action()
    }
}

/// A place in a gate, given back also when what was done there panics.
struct Place<'g>(&'g Gate);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.room.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.left.notify_one();
    }
}

/// Does `count` jobs by so many threads, each job once, as long as `is_cancelled` does not say to stop.
pub(super) fn by_threads(
    count: usize,
    threads: usize,
    is_cancelled: impl Fn() -> bool + Sync,
    job: impl Fn(usize) + Sync,
) {
    crate::parallel::each(count, threads, is_cancelled, || (), |(), number| job(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_others_pass_after_a_panic() {
        let gate = Gate::new(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| gate.pass(|| panic!("in the gate"))));
        assert!(panicked.is_err());
        assert_eq!(*gate.room.lock().unwrap(), 1);
        assert_eq!(gate.pass(|| 7), 7);
    }
}

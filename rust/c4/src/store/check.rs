//! Whether the objects of a store are what their names say.
//!
//! Objects are read in the order of their IDs, a chunk of them at a time in the lanes of several workers. One whose
//! content does not fit its name, or that cannot be read, is looked at once more, alone: looked for from the top, since
//! others may have moved or removed it, and read from the disk again. Only what is wrong then, and stayed as it was while
//! it was read, is reported, and moved to the quarantine when that was asked for.
//!
//! Nothing is mapped into memory, no link is followed to an object, and what is no regular file is never read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use c4_engine::{Batch, Limits, Message, Read, is_descriptor_exhaustion, open_file_budget};
use c4_sha512::Digest;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::CheckError;
use super::census::{Census, Found, Misplacement, Object, StrayKind, locate};
use super::quarantine::take_out;
use super::report::{Corrupt, StoreReport};
use super::sample::{Sample, Window};
use crate::identify::READ_BYTES;
use crate::scan::ScanProgress;
use crate::{C4Id, parallel};

/// Objects of a chunk; about 1.5 MB.
const CHUNK_OBJECTS: usize = 10_000;

/// Bytes after which a chunk ends, so that a limit of time loses little work, if it has [`CHUNK_LEAST`] a worker.
const CHUNK_BYTES: u64 = 4 << 30;

/// Objects that keep the lanes of a worker busy.
const CHUNK_LEAST: usize = 16;

/// How often an object is looked at that others change meanwhile.
const LOOKS: u32 = 5;

/// How to verify a store.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Threads, at least 1.
    pub workers: usize,
    /// Which objects.
    pub sample: Sample,
    /// Which of the samples of a size: others for another seed.
    pub seed: u64,
    /// When to stop; objects that are being read are read to their end, and at least one object is.
    pub time_limit: Option<Duration>,
    /// Leaves out the objects up to this one: the cursor of an earlier report.
    pub resume_after: Option<C4Id>,
    /// Whether corrupt objects are moved to the quarantine.
    pub quarantine: bool,
    /// Whether the system is told to forget what it read, so that the disk is read the next time.
    pub drop_cache: bool,
    /// Whether to count the objects first, so that the progress has totals.
    pub count_first: bool,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            workers: parallel::workers(),
            sample: Sample::All,
            seed: 0,
            time_limit: None,
            resume_after: None,
            quarantine: false,
            drop_cache: false,
            count_first: false,
        }
    }
}

/// Reads objects of a store and compares them with their names.
pub fn verify(root: &Path, options: &VerifyOptions, progress: &ScanProgress) -> Result<StoreReport, CheckError> {
    let deadline = options.time_limit.and_then(|limit| Instant::now().checked_add(limit));
    let window = Window::of(root, options.sample, options.seed, progress)?;
    if options.count_first {
        for object in objects(root, options.resume_after)? {
            if progress.is_cancelled() {
                return Err(CheckError::Cancelled);
            }
            if window.contains(&object.id) {
                ScanProgress::add(&progress.files_total, 1);
                ScanProgress::add(&progress.entries, 1);
            }
        }
    }
    progress.enter_hash();
    let census = Census::after(root, options.resume_after).map_err(CheckError::at(root))?;
    let report = StoreReport { cursor: options.resume_after, ..StoreReport::default() };
    Verifier { root, options, progress, deadline, window, report }.run(census)
}

/// The objects of a store after an ID; what is none is left out.
pub(super) fn objects(root: &Path, after: Option<C4Id>) -> Result<impl Iterator<Item = Object>, CheckError> {
    let census = Census::after(root, after).map_err(CheckError::at(root))?;
    Ok(census.filter_map(|found| match found {
        Found::Object(object) => Some(object),
        _ => None,
    }))
}

struct Verifier<'v> {
    root: &'v Path,
    options: &'v VerifyOptions,
    progress: &'v ScanProgress,
    deadline: Option<Instant>,
    window: Window,
    report: StoreReport,
}

/// Objects that are read together.
#[derive(Default)]
struct Chunk {
    /// With their sizes as of now.
    objects: Vec<(Object, u64)>,
    /// The last object that was considered, whether or not it is in the sample.
    last: Option<C4Id>,
    /// Whether there is nothing after it.
    is_last: bool,
    /// Whether time ran out before there was.
    is_late: bool,
}

impl Verifier<'_> {
    fn run(mut self, mut census: Census) -> Result<StoreReport, CheckError> {
        loop {
            let chunk = self.next_chunk(&mut census);
            let first_skipped = self.check(&chunk);
            if self.progress.is_cancelled() {
                return Err(CheckError::Cancelled);
            }
            if let Some(skipped) = first_skipped {
                let (before, after) = chunk.objects.split_at(skipped);
                let is_before = |(object, _): &&(Object, u64)| object.id != after[0].0.id;
                let last = before.iter().rev().find(is_before);
                self.report.cursor = last.map(|(object, _)| object.id).or(self.report.cursor);
                return Ok(self.report);
            }
            if chunk.is_last {
                self.report.is_complete = true;
                self.report.cursor = None;
                return Ok(self.report);
            }
            self.report.cursor = chunk.last.or(self.report.cursor);
            if chunk.is_late {
                return Ok(self.report);
            }
        }
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn next_chunk(&mut self, census: &mut Census) -> Chunk {
        let mut chunk = Chunk::default();
        let mut bytes = 0;
        for found in census {
            if self.progress.is_cancelled() {
                return chunk;
            }
            let Found::Object(object) = found else {
                self.note(found);
                continue;
            };
            let is_first = self.report.cursor == self.options.resume_after && chunk.last.is_none();
            if !object.is_copy && !is_first && self.is_late() {
                chunk.is_late = true;
                return chunk;
            }
            chunk.last = Some(object.id);
            if object.is_shadowed {
                self.report.misplaced.push((object.path(), object.id, Misplacement::Shadowed));
            }
            if !self.window.contains(&object.id) {
                continue;
            }
            // One that is gone is looked for when it is read.
            let size = fs::symlink_metadata(self.root.join(object.path())).map_or(0, |metadata| metadata.len());
            chunk.objects.push((object, size));
            bytes += size;
            let is_enough = bytes >= CHUNK_BYTES && chunk.objects.len() >= CHUNK_LEAST * self.options.workers;
            if is_enough || chunk.objects.len() == CHUNK_OBJECTS {
                return chunk;
            }
        }
        chunk.is_last = true;
        chunk
    }

    fn note(&mut self, found: Found) {
        match found {
            Found::Object(_) => {}
            Found::Lost(path, id, kind) => self.report.misplaced.push((path, id, kind)),
            Found::Stray(path, kind) => self.report.stray.push((path, kind)),
            Found::Temporary(path, kind) => self.report.temporary.push((path, kind)),
            Found::Quarantined(path) => self.report.quarantined.push(path),
            Found::Unreadable(path, error) => self.report.unreadable.push((path, error)),
        }
    }

    /// Reads the objects of a chunk; returns the first that there was no time for.
    fn check(&mut self, chunk: &Chunk) -> Option<usize> {
        let reading = Reading { verifier: self, objects: &chunk.objects, results: Mutex::default() };
        let limits = Limits { workers: self.options.workers, open: open_file_budget() };
        c4_engine::run(&reading, limits);
        let results = reading.results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Results { checked, bytes, mut suspects, first_skipped } = results;
        suspects.sort_unstable();
        let look = |at: usize| self.look_again(&chunk.objects[suspects[at]].0);
        let looks: Vec<Look> = if self.options.workers > 1 {
            parallel::in_order(suspects.len(), look)
        } else {
            (0..suspects.len()).map(look).collect()
        };
        self.report.checked += checked;
        self.report.bytes += bytes;
        for look in looks {
            let size = match look {
                Look::Gone => continue,
                Look::Good(size) => size,
                Look::Corrupt(corrupt) => {
                    let size = corrupt.size;
                    if let Some(Ok(path)) = &corrupt.moved {
                        self.report.quarantined.push(path.clone());
                    }
                    self.report.corrupt.push(corrupt);
                    size
                }
                Look::Stray(path, kind) => {
                    self.report.stray.push((path, kind));
                    continue;
                }
                Look::Unreadable(path, error) => {
                    self.report.unreadable.push((path, error));
                    continue;
                }
            };
            self.report.checked += 1;
            self.report.bytes += size;
        }
        first_skipped
    }

    /// Looks at an object that seemed wrong, by itself.
    fn look_again(&self, object: &Object) -> Look {
        let mut path = object.path();
        for _ in 0..LOOKS {
            if self.progress.is_cancelled() {
                return Look::Gone;
            }
            match self.look_at(&path, &object.id) {
                Ok(Some(look)) => return look,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Look::Unreadable(path, error),
                _ => {}
            }
            match locate(self.root, &object.id) {
                Ok(Some(found)) => path = found,
                Ok(None) => return Look::Gone,
                Err(error) => return Look::Unreadable(path, error),
            }
        }
        Look::Unreadable(path, io::Error::other("changed each time while it was read"))
    }

    /// Reads the object at a path; `None` when it changed meanwhile.
    fn look_at(&self, path: &Path, id: &C4Id) -> io::Result<Option<Look>> {
        let full_path = self.root.join(path);
        let mut file = match open(&full_path)? {
            Ok(file) => file,
            Err(kind) => return Ok(Some(Look::Stray(path.to_owned(), kind))),
        };
        forget(&file);
        let before = file.metadata()?;
        let mut hasher = c4_sha512::Sha512::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut size = 0;
        loop {
            if self.progress.is_cancelled() {
                return Ok(Some(Look::Gone));
            }
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    size += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let actual = C4Id(hasher.finalize());
        if actual == *id {
            return Ok(Some(Look::Good(size)));
        }
        let version = |metadata: &fs::Metadata| {
            (metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec())
        };
        if version(&file.metadata()?) != version(&before) {
            return Ok(None);
        }
        let moved = match self.options.quarantine.then(|| take_out(self.root, path, id, &before)) {
            None => None,
            Some(Ok(None)) => return Ok(None),
            Some(Ok(Some(path))) => Some(Ok(path)),
            Some(Err(error)) => Some(Err(error)),
        };
        Ok(Some(Look::Corrupt(Corrupt { id: *id, actual, path: path.to_owned(), size, moved })))
    }
}

/// What a second look at an object shows.
enum Look {
    /// It was removed.
    Gone,
    /// It is what it should be, so many bytes.
    Good(u64),
    Corrupt(Corrupt),
    Stray(PathBuf, StrayKind),
    Unreadable(PathBuf, io::Error),
}

/// Opens an object; gives the kind of what is no regular file, which is not read.
pub(super) fn open(path: &Path) -> io::Result<Result<File, StrayKind>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    match OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path) {
        Ok(file) => {
            let kind = file.metadata()?.file_type();
            Ok(if kind.is_file() { Ok(file) } else { Err(StrayKind::of(kind)) })
        }
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Ok(Err(StrayKind::Symlink)),
        // A socket.
        Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => Ok(Err(StrayKind::Special)),
        Err(error) => Err(error),
    }
}

/// Tells the system that what it holds of a file in memory is not needed.
fn forget(file: &File) {
    // Only advice: without it what is in memory is checked.
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// A chunk, as the engine takes it.
struct Reading<'r, 'v> {
    verifier: &'r Verifier<'v>,
    objects: &'r [(Object, u64)],
    results: Mutex<Results>,
}

#[derive(Default)]
struct Results {
    checked: u64,
    bytes: u64,
    /// Objects to look at once more, by their numbers.
    suspects: Vec<usize>,
    first_skipped: Option<usize>,
}

/// Why an object was not read to its end.
enum Fault {
    Late,
    NotRegular,
    Io(io::Error),
}

struct ObjectFile<'r> {
    file: File,
    size: u64,
    position: u64,
    drop_cache: bool,
    progress: &'r ScanProgress,
}

impl Message for ObjectFile<'_> {
    type Error = Fault;

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Fault> {
        let count = loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result.map_err(Fault::Io)?,
            }
        };
        self.position += count as u64;
        ScanProgress::add(&self.progress.bytes_done, count as u64);
        // As in a scan: a short read that reaches the size was the last.
        if count > 0 && (count == buffer.len() || self.position != self.size) {
            return Ok(Read::More(count));
        }
        if self.drop_cache {
            forget(&self.file);
        }
        Ok(Read::End(count))
    }
}

impl<'r> Batch for Reading<'r, '_> {
    type Message = ObjectFile<'r>;
    type Keep = ();

    fn count(&self) -> usize {
        self.objects.len()
    }

    fn size(&self, index: usize) -> u64 {
        self.objects[index].1
    }

    fn open(&self, index: usize, _: u32, (): &mut ()) -> Result<ObjectFile<'r>, Fault> {
        let object = &self.objects[index].0;
        // The first is read in any case, so that a run with the least time gets on.
        if object.id != self.objects[0].0.id && self.verifier.is_late() {
            return Err(Fault::Late);
        }
        let file = open(&self.verifier.root.join(object.path())).map_err(Fault::Io)?;
        let file = file.map_err(|_| Fault::NotRegular)?;
        let size = file.metadata().map_err(Fault::Io)?.len();
        let Verifier { options, progress, .. } = self.verifier;
        Ok(ObjectFile { file, size, position: 0, drop_cache: options.drop_cache, progress })
    }

    fn done(&self, index: usize, result: Result<(Digest, ObjectFile<'r>), Fault>) {
        let object = &self.objects[index].0;
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok((digest, file)) if digest == object.id.0 => {
                results.checked += 1;
                results.bytes += file.position;
            }
            Err(Fault::Late) => {
                results.first_skipped = Some(results.first_skipped.map_or(index, |first| first.min(index)));
                return;
            }
            _ => results.suspects.push(index),
        }
        drop(results);
        let progress = self.verifier.progress;
        ScanProgress::add(&progress.files_done, 1);
        progress.note(|| object.path().into_os_string().into_encoded_bytes());
    }

    fn is_exhaustion(fault: &Fault) -> bool {
        matches!(fault, Fault::Io(error) if is_descriptor_exhaustion(error))
    }

    fn is_cancelled(&self) -> bool {
        self.verifier.progress.is_cancelled()
    }
}

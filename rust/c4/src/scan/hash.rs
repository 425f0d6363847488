//! Hashes files, many at once.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use c4_engine::{Batch, FileRead, FileReader, Limits, Message, Read, is_descriptor_exhaustion, open_file_budget};
use c4_sha512::Digest;
use rustix::fs::Stat;
use rustix::io::Errno;

use super::cache::now;
use super::keep::{Keeper, Kept, PATIENCE, PAUSE, PortFault, by_threads};
use super::layout::{Forest, Job, Source};
use super::record::Version;
use super::survey::OnFile;
use super::walk::{Inode, inode_of, mode_of};
use super::{IssueKind, ScanProgress, Scanner, below};
use crate::C4Id;
use crate::c4m::{Field, Mode, RowId, Timestamp};
use crate::store::{Store, StoreError};

/// Where it is not known when a file was written to, to the nanosecond.
pub(super) const UNKNOWN_NANOSECONDS: u32 = u32::MAX;

/// Why the ID of a row is not that of the file that was listed there.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// The name led to another file, or to one that changed all the time.
    Replaced,
    Unreadable(io::ErrorKind),
}

/// Metadata of the file that was read, which may not be the one that was listed.
#[derive(Clone, Copy)]
struct Metadata {
    mode: Mode,
    time: Timestamp,
    size: i64,
    inode: Inode,
    nanoseconds: u32,
    version: Option<Version>,
}

impl Metadata {
    fn of(stat: &Stat) -> Self {
        Self {
            mode: mode_of(stat),
            time: Timestamp(stat.st_mtime),
            size: stat.st_size,
            inode: inode_of(stat),
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(UNKNOWN_NANOSECONDS),
            version: Version::of(stat),
        }
    }
}

impl Forest {
    /// Hashes the files that are to be hashed, and gives their rows IDs; `on_file` is told of each.
    ///
    /// A file with several names is read by the first. Where that name led to another file in the meantime, or could not
    /// be read, the others are read by themselves.
    pub(super) fn hash_files(&mut self, scanner: &Scanner<'_>, on_file: Option<OnFile<'_>>) {
        let faults = self.hash_jobs(scanner, on_file);
        if faults.is_empty() || scanner.progress.is_cancelled() {
            return;
        }
        for alias in std::mem::take(&mut self.aliases) {
            match alias.source {
                Source::Row(row) if faults.contains_key(&row) => self.find_again(scanner, &alias, faults[&row]),
                _ => self.aliases.push(alias),
            }
        }
        self.hash_jobs(scanner, on_file);
    }

    /// Does the jobs; returns the rows whose ID is not that of the file that was listed there, or that have none.
    fn hash_jobs(&mut self, scanner: &Scanner<'_>, on_file: Option<OnFile<'_>>) -> HashMap<RowId, Fault> {
        let jobs = std::mem::take(&mut self.jobs);
        // Each worker keeps a directory open as well, and what is stored has a file of its own.
        let open = open_file_budget().saturating_sub(scanner.workers) / if scanner.keeper.is_some() { 2 } else { 1 };
        let limits = Limits { workers: scanner.workers, open };
        let results = Mutex::new(Results {
            ids: self.rows.take_ids(),
            surprises: Vec::new(),
            nanoseconds: self.nanoseconds.take(),
        });
        let files = Files { forest: self, scanner, jobs: &jobs, results: &results, on_file };
        match scanner.keeper.and_then(|keeper| Some((keeper, keeper.port()?))) {
            Some((keeper, store)) => files.put_all(keeper, store),
            None => c4_engine::run(&files, limits),
        }
        let Results { ids, mut surprises, nanoseconds } = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.rows.put_ids(ids);
        self.nanoseconds = nanoseconds;
        let mut faults = HashMap::new();
        surprises.sort_by_key(|(index, _)| jobs[*index].row);
        for (index, surprise) in surprises {
            let Job { row, directory, inode, .. } = jobs[index];
            match surprise {
                Ok(metadata) => {
                    if metadata.inode != inode {
                        faults.insert(row, Fault::Replaced);
                    }
                    self.rows.set(row, Field::Mode(metadata.mode));
                    self.rows.set(row, Field::Size(metadata.size));
                    if metadata.time.is_writable() {
                        self.rows.set(row, Field::Time(metadata.time));
                    }
                }
                Err(kind) => {
                    let fault = match &kind {
                        IssueKind::Io(_, error) => Fault::Unreadable(error.kind()),
                        _ => Fault::Replaced,
                    };
                    faults.insert(row, fault);
                    self.report(row, directory, kind);
                }
            }
        }
        faults
    }
}

/// What hashing found out.
struct Results {
    /// The rows' IDs: that of a file is written as soon as it is known.
    ids: Vec<C4Id>,
    /// By the number of the job: files that are not as they were listed, or have no ID.
    surprises: Vec<(usize, Result<Metadata, IssueKind>)>,
    /// As in the forest.
    nanoseconds: Option<Vec<u32>>,
}

/// The files of a scan, as the engine takes them.
struct Files<'f> {
    forest: &'f Forest,
    scanner: &'f Scanner<'f>,
    jobs: &'f [Job],
    results: &'f Mutex<Results>,
    on_file: Option<OnFile<'f>>,
}

/// A file of a scan. It is closed as soon as its last byte was read.
struct OpenFile<'f> {
    file: State,
    /// The file that was listed, where what is read is the store's copy of it.
    shared_from: Option<FileReader>,
    keeper: Option<&'f Keeper<'f>>,
    kept: Kept<'f>,
    first_attempt: bool,
    /// From before it was opened, in nanoseconds since 1970.
    began: i64,
    /// Bytes that were announced and have not been counted.
    uncounted: u64,
    progress: &'f ScanProgress,
}

enum State {
    Open(FileReader),
    Read(Metadata),
}

impl OpenFile<'_> {
    fn count(&mut self, bytes: u64) {
        let new = bytes.min(self.uncounted);
        self.uncounted -= new;
        ScanProgress::add(&self.progress.bytes_done, new);
    }
}

impl OpenFile<'_> {
    /// Gives bytes to the store.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), IssueKind> {
        let Some(keeper) = self.keeper else { return Ok(()) };
        keeper.take(&mut self.kept, bytes).map_err(|error| stopped(keeper, error, None))
    }

    /// Begins to store the file, before its first byte is read.
    fn begin_to_keep(&mut self, size: u64) -> Result<(), IssueKind> {
        let (Some(keeper), State::Open(file)) = (self.keeper, &self.file) else { return Ok(()) };
        match keeper.begin(file, size) {
            Ok(kept) => self.kept = kept,
            Err(StoreError::Io { source, .. }) if is_descriptor_exhaustion(&source) => {
                return Err(IssueKind::Io("cannot open a file of the store", source));
            }
            Err(error) => return Err(stopped(keeper, error, None)),
        }
        if let Kept::Shared(_, copy) = &mut self.kept
            && let Some(copy) = copy.take()
            && let State::Open(listed) = std::mem::replace(&mut self.file, State::Open(copy))
        {
            self.shared_from = Some(listed);
        }
        Ok(())
    }
}

/// What a file reports when the store has failed, which stops the scan.
fn stopped(keeper: &Keeper<'_>, error: StoreError, path: Option<Vec<u8>>) -> IssueKind {
    keeper.note(Err(error), || path);
    IssueKind::Io("cannot store the file", io::Error::other("the store failed"))
}

impl Message for OpenFile<'_> {
    type Error = IssueKind;

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read, IssueKind> {
        let State::Open(file) = &mut self.file else { return Ok(Read::End(0)) };
        match file.read(buffer).map_err(|error| IssueKind::Io("cannot read the file", error))? {
            FileRead::More(count) => {
                self.count(count as u64);
                self.keep(&buffer[..count])?;
                Ok(Read::More(count))
            }
            FileRead::End(count) => {
                let listed = self.shared_from.take();
                self.file = State::Read(Metadata::of(listed.as_ref().unwrap_or(file).stat()));
                self.keep(&buffer[..count])?;
                // Whatever was read of the file, it counts as done.
                self.count(u64::MAX);
                Ok(Read::End(count))
            }
            FileRead::Changed if self.first_attempt => {
                self.count(u64::MAX);
                Ok(Read::Again)
            }
            FileRead::Changed => Err(IssueKind::Changed),
        }
    }
}

/// Tells the system that what it holds of a file in memory is not needed; whether it took the advice.
fn drop_cache(file: &FileReader) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed).is_ok();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        false
    }
}

impl<'f> Batch for Files<'f> {
    type Message = OpenFile<'f>;

    /// The directory of the last file, by its number: the next one is likely to lie there as well.
    type Keep = Option<(u32, OwnedFd)>;

    fn count(&self) -> usize {
        self.jobs.len()
    }

    fn size(&self, index: usize) -> u64 {
        self.jobs[index].size
    }

    fn open(&self, index: usize, attempt: u32, keep: &mut Self::Keep) -> Result<OpenFile<'f>, IssueKind> {
        let job = &self.jobs[index];
        if attempt > 0 {
            // Where the name led to something else, the way to it may have as well.
            *keep = None;
        }
        let began = now();
        let file = self.open_file(job, keep).map_err(|error| IssueKind::Io("cannot open the file", error))?;
        let file = FileReader::new(file).map_err(|error| IssueKind::Io("cannot read the file", error))?;
        let file = file.map_err(|_| IssueKind::Changed)?;
        let size = u64::try_from(file.stat().st_size).unwrap_or(0);
        if self.scanner.options.drop_cache && !drop_cache(&file) {
            ScanProgress::add(&self.scanner.progress.kept_in_cache, 1);
        }
        let mut file = OpenFile {
            file: State::Open(file),
            shared_from: None,
            keeper: self.scanner.keeper,
            kept: Kept::Nothing,
            first_attempt: attempt == 0,
            began,
            uncounted: if attempt == 0 { job.size } else { 0 },
            progress: self.scanner.progress,
        };
        file.begin_to_keep(size)?;
        Ok(file)
    }

    fn done(&self, index: usize, result: Result<(Digest, OpenFile<'f>), IssueKind>) {
        let result = result.and_then(|(digest, file)| match file.file {
            State::Read(metadata) => {
                let id = C4Id(digest);
                if let Some(keeper) = file.keeper {
                    keeper.commit(file.kept, &id, || self.path_of(index));
                }
                self.note_in_cache(&id, &metadata, file.began);
                Ok((id, metadata))
            }
            State::Open(_) => Err(IssueKind::Changed),
        });
        self.take_result(index, result);
    }

    fn is_exhaustion(error: &IssueKind) -> bool {
        matches!(error, IssueKind::Io(_, error) if is_descriptor_exhaustion(error))
    }

    fn is_cancelled(&self) -> bool {
        self.scanner.progress.is_cancelled()
    }
}

impl Files<'_> {
    fn note_in_cache(&self, id: &C4Id, metadata: &Metadata, began: i64) {
        if let Some(cache) = self.scanner.known.and_then(|known| known.cache.as_ref()) {
            cache.note(metadata.version, began, id, u64::try_from(metadata.size).unwrap_or(0));
        }
    }

    /// Notes what came of a file.
    fn take_result(&self, index: usize, result: Result<(C4Id, Metadata), IssueKind>) {
        let job = &self.jobs[index];
        if let Some(on_file) = self.on_file {
            on_file(job.row, result.as_ref().map(|(id, _)| id));
        }
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok((id, metadata)) => {
                results.ids[job.row as usize] = id;
                if let Some(nanoseconds) = &mut results.nanoseconds
                    && metadata.inode == job.inode
                    && metadata.time.is_writable()
                {
                    nanoseconds[job.row as usize] = metadata.nanoseconds;
                }
                if !self.is_as_listed(job, &metadata) {
                    results.surprises.push((index, Ok(metadata)));
                }
            }
            Err(kind) => results.surprises.push((index, Err(kind))),
        }
        drop(results);
        ScanProgress::add(&self.scanner.progress.files_done, 1);
        self.scanner.progress.note(|| self.path_of(index));
    }

    /// Lets a store that is no directory read all files; it hashes none itself, the files do as they are read.
    fn put_all(&self, keeper: &Keeper<'_>, store: &dyn Store) {
        by_threads(
            self.jobs.len(),
            // A file has a descriptor, and the store may need some for it.
            store.concurrency().min(open_file_budget() / 4).max(1),
            || self.scanner.progress.is_cancelled(),
            |index| {
                let result = self.put_one(keeper, store, index, 0).or_else(|kind| match kind {
                    IssueKind::Changed => self.put_one(keeper, store, index, 1),
                    kind => Err(kind),
                });
                ScanProgress::add(&self.scanner.progress.bytes_done, self.jobs[index].size);
                self.take_result(index, result);
            },
        );
    }

    fn put_one(
        &self,
        keeper: &Keeper<'_>,
        store: &dyn Store,
        index: usize,
        attempt: u32,
    ) -> Result<(C4Id, Metadata), IssueKind> {
        let mut patience = PATIENCE;
        let opened = loop {
            match self.open(index, attempt, &mut None) {
                Err(error) if patience > 0 && Self::is_exhaustion(&error) => std::thread::sleep(PAUSE),
                result => break result?,
            }
            patience -= 1;
        };
        let State::Open(file) = opened.file else { return Err(IssueKind::Changed) };
        match keeper.put_file(store, file) {
            Ok((id, file)) => {
                let metadata = Metadata::of(file.stat());
                self.note_in_cache(&id, &metadata, opened.began);
                Ok((id, metadata))
            }
            Err(PortFault::Changed) => Err(IssueKind::Changed),
            Err(PortFault::Unreadable(error)) => Err(IssueKind::Io("cannot read the file", error)),
            Err(PortFault::Store(error)) => Err(stopped(keeper, error, Some(self.path_of(index)))),
        }
    }

    fn path_of(&self, index: usize) -> Vec<u8> {
        self.forest.full_path(self.jobs[index].row, self.jobs[index].directory)
    }

    fn is_as_listed(&self, job: &Job, metadata: &Metadata) -> bool {
        let rows = &self.forest.rows;
        metadata.inode == job.inode
            && metadata.mode == rows.mode(job.row)
            && metadata.size == rows.size(job.row)
            && (metadata.time == rows.time(job.row) || !metadata.time.is_writable())
    }

    /// Opens a file by its name in its directory, which is kept; by its path, where no descriptor is left for both.
    fn open_file(&self, job: &Job, keep: &mut Option<(u32, OwnedFd)>) -> io::Result<OwnedFd> {
        let follow = self.scanner.options.follow_symlinks;
        let directory = &self.forest.directories[job.directory as usize];
        let tree = &self.forest.trees[directory.tree as usize];
        let mut open = || {
            if keep.as_ref().is_none_or(|(kept, _)| *kept != job.directory) {
                *keep = None;
                let path = directory.row.map_or(Vec::new(), |row| self.forest.path(row, directory.parent));
                let opened = tree.open_below(|root| below::open_for_search(root, &path, follow))?;
                *keep = Some((job.directory, opened));
            }
            let (_, directory) = keep.as_ref().ok_or(Errno::NOENT)?;
            below::open_child_file(directory, self.forest.rows.name(job.row), follow)
        };
        match open() {
            Err(error) if is_descriptor_exhaustion(&error) => {
                *keep = None;
                let path = self.forest.path(job.row, job.directory);
                tree.open_below(|root| below::open_file(root, &path, follow))
            }
            result => result,
        }
    }
}

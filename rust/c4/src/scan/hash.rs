//! Hashes files, in parallel, the largest first.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{self, FileType};

use super::layout::{Forest, Job, Source};
use super::walk::{Inode, inode_of, mode_of};
use super::{IssueKind, ScanProgress, Scanner};
use crate::C4Id;
use crate::c4m::{Field, Mode, RowId, Timestamp};
use crate::identify::{READ_BYTES, Version};

/// Small files that a worker takes at once: few enough that the last ones are shared out evenly.
const JOBS_AT_ONCE: usize = 16;

/// Size from which a file is taken alone, in bytes.
const LARGE_FILE: u64 = 1024 * 1024;

/// What hashing a file found out.
struct Hashed {
    row: RowId,
    directory: u32,
    result: Result<(C4Id, Metadata), IssueKind>,
}

/// Why the ID of a row is not that of the file that was listed there.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// The name led to another file, or to one that changed all the time.
    Replaced,
    Unreadable(io::ErrorKind),
}

impl Hashed {
    /// Why other names of the file cannot have this ID; `None` when they can.
    fn fault(&self, job: &Job) -> Option<Fault> {
        match &self.result {
            Ok((_, metadata)) => (metadata.inode != job.inode).then_some(Fault::Replaced),
            Err(IssueKind::Io(_, error)) => Some(Fault::Unreadable(error.kind())),
            Err(_) => Some(Fault::Replaced),
        }
    }
}

/// Metadata of the file that was read, which may not be the one that was listed.
struct Metadata {
    mode: Mode,
    time: Timestamp,
    size: i64,
    inode: Inode,
}

impl Forest {
    /// Hashes all files that were listed, and gives their rows IDs.
    ///
    /// A file with several names is read by the first. Where that name led to another file in the meantime, or could not
    /// be read, the others are read by themselves.
    pub(super) fn hash_files(&mut self, scanner: &Scanner<'_>) {
        let faults = self.hash_jobs(scanner);
        if faults.is_empty() || scanner.progress.is_cancelled() {
            return;
        }
        for alias in std::mem::take(&mut self.aliases) {
            match alias.source {
                Source::Row(row) if faults.contains_key(&row) => self.find_again(scanner, &alias, faults[&row]),
                _ => self.aliases.push(alias),
            }
        }
        self.hash_jobs(scanner);
    }

    /// Does the jobs; returns the rows whose ID is not that of the file that was listed there, or that have none.
    fn hash_jobs(&mut self, scanner: &Scanner<'_>) -> HashMap<RowId, Fault> {
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.sort_by_key(|job| (std::cmp::Reverse(job.size), job.row));
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(jobs.len()));
        let mut faults = HashMap::new();
        let forest = &*self;
        scanner.pool.broadcast(|_| {
            let mut buffer = vec![0; READ_BYTES];
            let mut hashed = Vec::new();
            let end_of_batch = |first: usize| {
                let count = if jobs.get(first)?.size >= LARGE_FILE { 1 } else { JOBS_AT_ONCE };
                Some(jobs.len().min(first + count))
            };
            while !scanner.progress.is_cancelled() {
                let Ok(first) = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, end_of_batch) else { break };
                for job in &jobs[first..end_of_batch(first).unwrap_or(first)] {
                    if let Some(result) = forest.hash_file(scanner, job, &mut buffer).transpose() {
                        let result = Hashed { row: job.row, directory: job.directory, result };
                        hashed.push((result.fault(job), result));
                        ScanProgress::add(&scanner.progress.files_done, 1);
                    }
                }
                scanner.progress.note(|| forest.full_path(jobs[first].row, jobs[first].directory));
            }
            if let Ok(mut done) = done.lock() {
                done.append(&mut hashed);
            }
        });
        let mut done = done.into_inner().unwrap_or_default();
        done.sort_by_key(|(_, hashed)| hashed.row);
        for (fault, Hashed { row, directory, result }) in done {
            if let Some(fault) = fault {
                faults.insert(row, fault);
            }
            match result {
                Ok((id, metadata)) => {
                    self.rows.set(row, Field::Id(id));
                    self.rows.set(row, Field::Mode(metadata.mode));
                    self.rows.set(row, Field::Size(metadata.size));
                    if metadata.time.is_writable() {
                        self.rows.set(row, Field::Time(metadata.time));
                    }
                }
                Err(kind) => self.report(row, directory, kind),
            }
        }
        faults
    }

    /// Hashes a file; `None` when the scan was stopped meanwhile. One that changes while it is read is read once more.
    fn hash_file(
        &self,
        scanner: &Scanner<'_>,
        job: &Job,
        buffer: &mut [u8],
    ) -> Result<Option<(C4Id, Metadata)>, IssueKind> {
        let unreadable = |error: io::Error| IssueKind::Io("cannot read the file", error);
        let directory = &self.directories[job.directory as usize];
        let path = self.path(job.row, job.directory);
        let mut counted = 0;
        for _ in 0..2 {
            let root = &self.trees[directory.tree as usize];
            let file = root
                .open_file(&path, scanner.options.follow_symlinks)
                .map_err(|error| IssueKind::Io("cannot open the file", error))?;
            let stat = fs::fstat(&file).map_err(|error| unreadable(error.into()))?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Err(IssueKind::Changed);
            }
            let Some(id) =
                hash_open_file(&file, scanner.progress, job.size, &mut counted, buffer).map_err(unreadable)?
            else {
                return Ok(None);
            };
            // Whatever was read of the file, it counts as done.
            if Version::of(&file).map_err(unreadable)? == Version::of_stat(&stat) {
                ScanProgress::add(&scanner.progress.bytes_done, job.size.saturating_sub(counted));
                let metadata = Metadata {
                    mode: mode_of(&stat),
                    time: Timestamp(stat.st_mtime),
                    size: stat.st_size,
                    inode: inode_of(&stat),
                };
                return Ok(Some((id, metadata)));
            }
        }
        Err(IssueKind::Changed)
    }
}

/// Hashes an open file to its end; `None` when the scan was stopped. Progress counts no more bytes than were announced.
fn hash_open_file(
    file: &OwnedFd,
    progress: &ScanProgress,
    announced: u64,
    counted: &mut u64,
    buffer: &mut [u8],
) -> io::Result<Option<C4Id>> {
    #[cfg(target_os = "linux")]
    if announced > buffer.len() as u64 {
        // Only advice: a file system that knows none reads as well without.
        let _ = fs::fadvise(file, 0, None, fs::Advice::Sequential);
    }
    let mut hasher = c4_sha512::Sha512::new();
    loop {
        match rustix::io::read(file, &mut *buffer) {
            Ok(0) => return Ok(Some(C4Id(hasher.finalize()))),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                let new = (count as u64).min(announced.saturating_sub(*counted));
                *counted += new;
                ScanProgress::add(&progress.bytes_done, new);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if progress.is_cancelled() {
            return Ok(None);
        }
    }
}

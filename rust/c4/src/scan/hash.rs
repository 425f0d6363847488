//! Hashes files, in parallel, the largest first.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{self, FileType};

use super::layout::{Forest, Job};
use super::{IssueKind, ScanProgress, Scanner, below};
use crate::C4Id;
use crate::c4m::{Field, Mode, RowId, Timestamp};
use crate::identify::{READ_BYTES, Version};

/// Jobs that a worker takes at once: few enough that the last ones are shared out evenly.
const JOBS_AT_ONCE: usize = 16;

/// What hashing a file found out.
struct Hashed {
    row: RowId,
    directory: u32,
    result: Result<(C4Id, Metadata), IssueKind>,
}

/// Metadata of the file that was read, which may not be the one that was listed.
struct Metadata {
    mode: Mode,
    time: Timestamp,
    size: i64,
}

impl Forest {
    /// Hashes all files that were listed, and gives their rows IDs.
    pub(super) fn hash_files(&mut self, scanner: &Scanner<'_>) {
        self.jobs.sort_by_key(|job| (std::cmp::Reverse(job.size), job.row));
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(self.jobs.len()));
        let forest = &*self;
        scanner.pool.broadcast(|_| {
            let mut buffer = vec![0; READ_BYTES];
            let mut hashed = Vec::new();
            while !scanner.progress.is_cancelled() {
                let first = next.fetch_add(JOBS_AT_ONCE, Ordering::Relaxed);
                let Some(jobs) = forest.jobs.get(first..).filter(|jobs| !jobs.is_empty()) else { break };
                for job in &jobs[..jobs.len().min(JOBS_AT_ONCE)] {
                    if let Some(result) = forest.hash_file(scanner, job, &mut buffer).transpose() {
                        hashed.push(Hashed { row: job.row, directory: job.directory, result });
                        ScanProgress::add(&scanner.progress.files_done, 1);
                    }
                }
                if let Some(job) = jobs.first() {
                    scanner.progress.note(|| forest.path(job.row, job.directory));
                }
            }
            if let Ok(mut done) = done.lock() {
                done.append(&mut hashed);
            }
        });
        let mut done = done.into_inner().unwrap_or_default();
        done.sort_by_key(|hashed| hashed.row);
        for Hashed { row, directory, result } in done {
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
            let root = &self.trees[directory.tree as usize].directory;
            let file = below::open_file(root, &path, scanner.options.follow_symlinks)
                .map_err(|error| IssueKind::Io("cannot open the file", error))?;
            let stat = fs::fstat(&file).map_err(|error| unreadable(error.into()))?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Err(IssueKind::Changed);
            }
            let before = Version::of(&file).map_err(unreadable)?;
            let Some(id) = hash_open_file(&file, scanner.progress, job.size, &mut counted, buffer).map_err(unreadable)? else {
                return Ok(None);
            };
            // Whatever was read of the file, it counts as done.
            if Version::of(&file).map_err(unreadable)? == before {
                ScanProgress::add(&scanner.progress.bytes_done, job.size.saturating_sub(counted));
                let metadata =
                    Metadata { mode: Mode::from_bits(stat.st_mode), time: Timestamp(stat.st_mtime), size: stat.st_size };
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

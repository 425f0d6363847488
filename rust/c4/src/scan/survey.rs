//! A directory tree is listed, and of its files those are hashed that are asked for.
//!
//! What a scan does in one go, for work that needs to look before it reads: a verification, or a plan of what to change.
//! The root stays open, so that everything refers to one directory whatever becomes of its name.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;

use super::hash::UNKNOWN_NANOSECONDS;
use super::layout::{Alias, Forest, Job, Source};
use super::{IssueKind, Root, ScanError, ScanIssue, ScanMode, ScanOptions, ScanProgress, Scanner, below, with_pool};
use crate::C4Id;
use crate::c4m::{Field, Manifest, RowId, Rows};

/// Is told what came of a file as soon as it is known, by the thread that read it.
pub type OnFile<'f> = &'f (dyn Fn(RowId, Result<&C4Id, &IssueKind>) + Sync);

/// Lists a directory, and gives what it found to `work`; a root that is a symbolic link is followed.
///
/// The mode among the options is not looked at. Symbolic links have no IDs.
pub fn survey<T>(
    root: &Path,
    options: &ScanOptions,
    progress: &ScanProgress,
    work: impl FnOnce(&mut Survey<'_>) -> T,
) -> Result<T, ScanError> {
    let root = Root::open(root)?;
    let options = ScanOptions { mode: ScanMode::Full, ..options.clone() };
    let result = with_pool(&options, progress, None, |scanner| Ok(work(&mut Survey::of(scanner, root)?)))?;
    if progress.is_cancelled() {
        return Err(ScanError::Cancelled);
    }
    progress.enter(3);
    Ok(result)
}

/// Opens a file by a path relative to a directory, for reading; a pipe does not block. No symbolic link is followed.
pub fn open_below(directory: impl AsFd, path: &[u8]) -> io::Result<OwnedFd> {
    below::open_file(directory, path, false)
}

/// What a file was when it was hashed: another one has its name, or it was written to, when this differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Device and inode.
    pub file: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// Time of the last change of its content: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
}

/// What lies in a directory.
pub struct Survey<'s> {
    scanner: &'s Scanner<'s>,
    /// Its rows are in the listing, except while files are hashed.
    forest: Forest,
    listing: Manifest,
    /// The regular files, in the order of their rows; of one with several names in the tree only the first.
    files: Vec<Job>,
    /// The other names of files, in the order of their rows.
    names: Vec<Alias>,
}

impl<'s> Survey<'s> {
    fn of(scanner: &'s Scanner<'s>, root: Root) -> Result<Self, ScanError> {
        scanner.progress.enter(0);
        let mut forest = Forest::default();
        forest.add_tree(scanner, root)?;
        // Only what is asked for is work.
        scanner.progress.files_total.store(0, Ordering::Relaxed);
        scanner.progress.bytes_total.store(0, Ordering::Relaxed);
        let listing = Manifest::from(std::mem::take(&mut forest.rows));
        let (files, names) = (std::mem::take(&mut forest.jobs), std::mem::take(&mut forest.aliases));
        forest.nanoseconds = Some(vec![UNKNOWN_NANOSECONDS; listing.len()]);
        Ok(Self { scanner, forest, listing, files, names })
    }

    /// The entries in canonical order, with modes, times, sizes and targets, and with the IDs that are known by now. The
    /// size of a directory is not known.
    pub fn listing(&self) -> &Manifest {
        &self.listing
    }

    /// Takes the listing out; there is none afterwards.
    pub fn take_listing(&mut self) -> Manifest {
        self.files.clear();
        self.names.clear();
        std::mem::take(&mut self.listing)
    }

    /// What could not be read, in no order. An error of a directory means that what lies in it is not known.
    pub fn issues(&self) -> &[ScanIssue] {
        &self.forest.issues
    }

    /// The directory itself.
    pub fn directory(&self) -> io::Result<BorrowedFd<'_>> {
        let directory = self.forest.trees[0].directory.as_ref();
        directory.map(|directory| directory.as_fd()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Opens what a row names, for reading; a pipe does not block. No symbolic link is followed.
    pub fn open(&self, row: RowId) -> io::Result<OwnedFd> {
        let place = self.listing.outline().place_of(&self.listing, row).ok_or(io::ErrorKind::NotFound)?;
        below::open_file(self.directory()?, &self.listing.outline().path(&self.listing, place), false)
    }

    /// What a file was when it was hashed; `None` for one that was not, or that was replaced before it was.
    pub fn version(&self, row: RowId) -> Option<Version> {
        let nanoseconds = |row: RowId| {
            let known = self.forest.nanoseconds.as_ref()?[row as usize];
            Some(known).filter(|known| *known != UNKNOWN_NANOSECONDS)
        };
        let first = match self.names.binary_search_by_key(&row, |name| name.row) {
            Err(_) => row,
            // One that was read by itself is not the file that was listed.
            Ok(at) if nanoseconds(row).is_none() => match self.names[at].source {
                Source::Row(first) => first,
                Source::Directory(_) => return None,
            },
            Ok(_) => return None,
        };
        let inode = self.files[self.files.binary_search_by_key(&first, |job| job.row).ok()?].inode;
        let entry = self.listing.get(row);
        let modified = (entry.time.0, nanoseconds(first)?);
        let size = u64::try_from(entry.size).ok()?;
        (!entry.id.is_nil()).then_some(Version { file: (inode.device, inode.number), size, modified })
    }

    /// Hashes files and gives their rows IDs; rows that name no regular file are passed over.
    ///
    /// A file with several names is read once. Where a file is no longer as it was listed, its row is brought up to date;
    /// one that cannot be read, or changes all the time, has no ID and is among the issues. `on_file` is called once for
    /// every file among the rows whose ID was not known.
    pub fn hash(&mut self, rows: &[RowId], on_file: OnFile<'_>) -> Result<(), ScanError> {
        let mut asked = rows.to_vec();
        asked.sort_unstable();
        asked.dedup();
        let mut firsts = Vec::with_capacity(asked.len());
        let mut others = Vec::new();
        for row in &asked {
            if let Ok(at) = self.files.binary_search_by_key(row, |job| job.row) {
                firsts.push(at);
            } else if let Ok(at) = self.names.binary_search_by_key(row, |name| name.row)
                && let Source::Row(first) = self.names[at].source
                && let Ok(first) = self.files.binary_search_by_key(&first, |job| job.row)
            {
                firsts.push(first);
                others.push(self.names[at]);
            }
        }
        firsts.sort_unstable();
        firsts.dedup();
        self.forest.jobs = firsts.iter().map(|at| self.files[*at]).filter(|job| self.is_unknown(job.row)).collect();
        self.forest.aliases = others.iter().filter(|name| self.is_unknown(name.row)).copied().collect();
        let (files, bytes) = (self.forest.jobs.len(), self.forest.jobs.iter().map(|job| job.size).sum());
        ScanProgress::add(&self.scanner.progress.files_total, files as u64);
        ScanProgress::add(&self.scanner.progress.bytes_total, bytes);
        self.scanner.progress.enter(1);
        // The first name of a file is read for the others, whether it was asked for or not.
        let tell = |row: RowId, result: Result<&C4Id, &IssueKind>| {
            if asked.binary_search(&row).is_ok() {
                on_file(row, result);
            }
        };
        self.with_rows(|forest, scanner| {
            forest.hash_files(scanner, Some(&tell));
            forest.name_again(&tell);
        });
        if self.scanner.progress.is_cancelled() { Err(ScanError::Cancelled) } else { Ok(()) }
    }

    fn is_unknown(&self, row: RowId) -> bool {
        self.listing.rows().id(row).is_nil()
    }

    /// Lends the forest its rows.
    fn with_rows(&mut self, work: impl FnOnce(&mut Forest, &Scanner<'_>)) {
        let listing = std::mem::take(&mut self.listing);
        self.forest.rows = listing.into_rows();
        work(&mut self.forest, self.scanner);
        self.listing = Manifest::from(std::mem::take::<Rows>(&mut self.forest.rows));
    }
}

impl Forest {
    /// Gives the other names of files what the first has.
    fn name_again(&mut self, on_file: OnFile<'_>) {
        for name in std::mem::take(&mut self.aliases) {
            let Source::Row(first) = name.source else { continue };
            let row = self.rows.get(first);
            let (id, mode, time, size) = (*row.id, row.mode, row.time, row.size);
            if id.is_nil() {
                // It was not read again by this name: its file cannot be read.
                let kind = IssueKind::Io("cannot read the file", io::ErrorKind::Other.into());
                on_file(name.row, Err(&kind));
                self.report(name.row, name.directory, kind);
                continue;
            }
            for field in [Field::Id(id), Field::Mode(mode), Field::Time(time), Field::Size(size)] {
                self.rows.set(name.row, field);
            }
            on_file(name.row, Ok(&id));
        }
    }
}

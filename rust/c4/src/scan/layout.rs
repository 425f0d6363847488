//! Listings become one list of rows, and the work on it.
//!
//! The rows of a tree are a walk of it: a directory's row, then all that is below. Trees that only links lead to come
//! after the one that was asked for, and are cut off at the end.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::Ordering;

use super::known::Place;
use super::walk::{Inode, Kind, Listing, walk};
use super::{IssueKind, Root, ScanError, ScanIssue, ScanMode, ScanProgress, Scanner};
use crate::C4Id;
use crate::c4m::{Field, Link, Manifest, NULL_SIZE, Row, RowId, Rows};

/// A directory of the forest.
pub(super) struct Directory {
    /// Its row; `None` for the root of a tree.
    pub(super) row: Option<RowId>,
    /// Rows below it: the first, and the one after the last.
    pub(super) rows: (RowId, RowId),
    /// The directory that holds it; itself for the root of a tree.
    pub(super) parent: u32,
    pub(super) tree: u32,
    /// Whether all of its entries are known; else it has no ID and no size.
    pub(super) complete: bool,
    /// The directory that this is another occurrence of, found again in a tree that only a link leads to.
    pub(super) same_as: Option<u32>,
}

/// A file to hash.
#[derive(Clone, Copy)]
pub(super) struct Job {
    /// Where its ID goes.
    pub(super) row: RowId,
    /// The directory that holds it.
    pub(super) directory: u32,
    pub(super) size: u64,
    pub(super) inode: Inode,
}

/// Where a row's ID comes from, when it is not hashed itself.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Row(RowId),
    Directory(u32),
}

/// A row that takes its ID from elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Alias {
    pub(super) row: RowId,
    pub(super) directory: u32,
    pub(super) source: Source,
}

/// A symbolic link whose target has not been looked at.
pub(super) struct PendingLink {
    pub(super) row: RowId,
    pub(super) directory: u32,
}

#[derive(Default)]
pub(super) struct Forest {
    pub(super) rows: Rows,
    pub(super) trees: Vec<Root>,
    /// Every directory after the one that holds it.
    pub(super) directories: Vec<Directory>,
    /// The directory that a row stands for.
    pub(super) directory_of_row: HashMap<RowId, u32>,
    pub(super) directory_of_inode: HashMap<Inode, u32>,
    pub(super) jobs: Vec<Job>,
    pub(super) aliases: Vec<Alias>,
    pub(super) links: Vec<PendingLink>,
    /// Files by inode: those with hard links, or all.
    pub(super) row_of_inode: HashMap<Inode, RowId>,
    /// Whether all files are known by inode, since several paths may lead to one.
    pub(super) index_all: bool,
    pub(super) issues: Vec<ScanIssue>,
    /// By row, where that is asked for: the nanoseconds of the time of a file that was hashed, as it was then.
    pub(super) nanoseconds: Option<Vec<u32>>,
}

impl Forest {
    /// Walks a tree and appends its rows; returns the directory of its root.
    pub(super) fn add_tree(&mut self, scanner: &Scanner<'_>, root: Root) -> Result<u32, ScanError> {
        let tree = self.trees.len() as u32;
        let walked = walk(scanner, &root, tree == 0)?;
        for issue in walked.issues {
            let path = self.issue_path(&root, issue.path);
            self.issues.push(ScanIssue { path, ..issue });
        }
        // Trees outside may be many: their descriptors are not kept.
        self.trees.push(Root { directory: root.directory.filter(|_| tree == 0), ..root });
        let top = self.directories.len() as u32;
        let jobs_before = self.jobs.len();
        self.lay_out(scanner, &walked.listings, tree)?;
        self.count_jobs(scanner, jobs_before);
        Ok(top)
    }

    /// Counts the files from a job on as work, or as known.
    pub(super) fn count_jobs(&self, scanner: &Scanner<'_>, first: usize) {
        let (mut files, mut bytes, mut known_files, mut known_bytes) = (0, 0, 0, 0);
        for job in &self.jobs[first..] {
            let (files, bytes) =
                if self.is_known(job) { (&mut known_files, &mut known_bytes) } else { (&mut files, &mut bytes) };
            *files += 1;
            *bytes += job.size;
        }
        let progress = scanner.progress;
        ScanProgress::add(&progress.files_total, files);
        ScanProgress::add(&progress.bytes_total, bytes);
        ScanProgress::add(&progress.files_known, known_files);
        ScanProgress::add(&progress.bytes_known, known_bytes);
    }

    fn is_known(&self, job: &Job) -> bool {
        !self.rows.id(job.row).is_nil()
    }

    /// Leaves the files out of the work whose IDs are known. With a store, what it does not have is read again.
    pub(super) fn leave_out_known(&mut self, scanner: &Scanner<'_>) {
        let Self { rows, jobs, .. } = self;
        let is_known = |job: &Job| !rows.id(job.row).is_nil();
        let Some(keeper) = scanner.keeper else {
            jobs.retain(|job| !is_known(job));
            return;
        };
        let known: Vec<Job> = jobs.extract_if(.., |job| is_known(job)).collect();
        let is_missing = keeper.find_missing(known.len(), scanner.workers, |index| {
            let job = &known[index];
            (*self.rows.id(job.row), job.size, self.full_path(job.row, job.directory))
        });
        let progress = scanner.progress;
        for (job, _) in known.into_iter().zip(is_missing).filter(|(_, is_missing)| *is_missing) {
            self.rows.set(job.row, Field::Id(C4Id::NIL));
            self.jobs.push(job);
            progress.files_known.fetch_sub(1, Ordering::Relaxed);
            progress.bytes_known.fetch_sub(job.size, Ordering::Relaxed);
            ScanProgress::add(&progress.files_total, 1);
            ScanProgress::add(&progress.bytes_total, job.size);
        }
    }

    /// An issue below a tree that only a link leads to is named by its absolute path.
    fn issue_path(&self, root: &Root, path: Vec<u8>) -> Vec<u8> {
        if self.trees.is_empty() {
            return path;
        }
        let root = root.path.as_os_str().as_bytes();
        if path.is_empty() { root.to_vec() } else { [root, b"/", &path].concat() }
    }

    fn lay_out(&mut self, scanner: &Scanner<'_>, listings: &[Listing], tree: u32) -> Result<(), ScanError> {
        let mode = scanner.options.mode;
        self.rows.reserve(listings.iter().map(|listing| listing.entries.len()).sum(), 0);
        // Open directories: their number, their listing, and the next entry of it.
        let mut open = vec![(self.open_directory(None, None, &listings[0], tree), 0_usize, 0_usize)];
        let mut name = Vec::new();
        while let Some((directory, number, next)) = open.last_mut() {
            let (directory, listing) = (*directory, &listings[*number]);
            let Some(found) = listing.entries.get(*next) else {
                self.directories[directory as usize].rows.1 = self.rows.len() as RowId;
                open.pop();
                if scanner.progress.is_cancelled() {
                    return Err(ScanError::Cancelled);
                }
                continue;
            };
            *next += 1;
            name.clear();
            name.extend_from_slice(listing.name(found));
            if found.kind == Kind::Directory {
                name.push(b'/');
            }
            let link = Link { target: listing.target(found).to_vec(), ..Link::default() };
            let row = self.rows.push(&Row {
                name: &name,
                mode: found.mode,
                time: found.time,
                size: if mode == ScanMode::Structure { NULL_SIZE } else { found.size },
                id: &C4Id::NIL,
                depth: open.len() as u32 - 1,
                link: Some(&link),
                is_sequence: false,
            });
            match found.kind {
                Kind::Directory => {
                    if let Some(number) = found.listing {
                        let child = self.open_directory(Some(row), Some(directory), &listings[number as usize], tree);
                        open.push((child, number as usize, 0));
                    }
                }
                Kind::File if mode == ScanMode::Full => {
                    let is_first = self.add_file(row, directory, found.size, found.inode, found.has_hard_links);
                    if is_first {
                        self.take_known(scanner, row, found.known);
                    }
                }
                Kind::Symlink if mode == ScanMode::Full => self.links.push(PendingLink { row, directory }),
                _ => {}
            }
        }
        Ok(())
    }

    fn open_directory(&mut self, row: Option<RowId>, parent: Option<u32>, listing: &Listing, tree: u32) -> u32 {
        let directory = self.directories.len() as u32;
        let first = self.rows.len() as RowId;
        // What is found a second time has the ID of the first: else a directory's ID could depend on where a scan began.
        let same_as = listing.inode.filter(|_| tree > 0).and_then(|inode| self.directory_of_inode.get(&inode).copied());
        self.directories.push(Directory {
            row,
            rows: (first, first),
            parent: parent.unwrap_or(directory),
            tree,
            complete: listing.complete,
            same_as,
        });
        if let Some(row) = row {
            self.directory_of_row.insert(row, directory);
        }
        if let Some(inode) = listing.inode {
            self.directory_of_inode.entry(inode).or_insert(directory);
        }
        directory
    }

    /// Gives a row the ID that is known of its file.
    pub(super) fn take_known(&mut self, scanner: &Scanner<'_>, row: RowId, place: Option<Place>) {
        if let Some((known, place)) = scanner.known.zip(place) {
            self.rows.set(row, Field::Id(known.take(place)));
        }
    }

    /// Adds a file to the work, unless it is there by another name.
    fn add_file(&mut self, row: RowId, directory: u32, size: i64, inode: Inode, has_hard_links: bool) -> bool {
        if has_hard_links || self.index_all {
            match self.row_of_inode.entry(inode) {
                std::collections::hash_map::Entry::Occupied(first) => {
                    self.aliases.push(Alias { row, directory, source: Source::Row(*first.get()) });
                    return false;
                }
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(row);
                }
            }
        }
        self.jobs.push(Job { row, directory, size: u64::try_from(size).unwrap_or(0), inode });
        true
    }

    /// Path of a row relative to the root of its tree, without the slash of a directory.
    pub(super) fn path(&self, row: RowId, directory: u32) -> Vec<u8> {
        let mut names = vec![self.rows.name(row)];
        let mut at = directory;
        while let Some(row) = self.directories[at as usize].row {
            names.push(self.rows.name(row));
            at = self.directories[at as usize].parent;
        }
        let path: Vec<u8> = names.into_iter().rev().flatten().copied().collect();
        path.strip_suffix(b"/").map(<[u8]>::to_vec).unwrap_or(path)
    }

    pub(super) fn report(&mut self, row: RowId, directory: u32, kind: IssueKind) {
        let path = self.full_path(row, directory);
        self.issues.push(ScanIssue { path, kind });
    }

    /// Path of a row relative to the root; absolute, if it lies outside.
    pub(super) fn full_path(&self, row: RowId, directory: u32) -> Vec<u8> {
        let tree = self.directories[directory as usize].tree as usize;
        let path = self.path(row, directory);
        if tree == 0 { path } else { [self.trees[tree].path.as_os_str().as_bytes(), b"/", &path].concat() }
    }

    /// The manifest of the first tree.
    pub(super) fn into_manifest(self, listed_rows: usize) -> (Manifest, Vec<ScanIssue>) {
        let mut rows = self.rows;
        rows.truncate(listed_rows);
        rows.shrink();
        (Manifest::from(rows), self.issues)
    }
}

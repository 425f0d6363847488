//! Reads directories, in parallel, one task a directory.
//!
//! A directory is opened by its name in its parent, whose descriptor is shared with the tasks of its children and closed
//! with the last of them. Where too many would be open at once, a child is opened by its path from the root instead.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustix::fs::{self, AtFlags, FileType};

use super::exclude::Patterns;
use super::known::Place;
use super::{IssueKind, Root, ScanError, ScanIssue, ScanMode, ScanProgress, Scanner, below};
use crate::c4m::{Manifest, Mode, Timestamp, natural_cmp};

/// Descriptors that the walk keeps open, when the limit of the process is not lower.
const MAX_OPEN: usize = 512;

/// Largest file of patterns that is read, in bytes.
const MAX_PATTERN_FILE: u64 = 1024 * 1024;

/// A file system object, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Inode {
    pub(super) device: u64,
    pub(super) number: u64,
}

/// What an entry is, as far as the scan treats it differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    Other,
    /// The system did not say.
    Unknown,
}

impl Kind {
    const fn of(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Symlink,
            FileType::Unknown => Self::Unknown,
            _ => Self::Other,
        }
    }
}

/// An entry of a directory.
pub(super) struct Found {
    /// Place of the name in the listing's bytes.
    name: (u32, u32),
    pub(super) kind: Kind,
    pub(super) mode: Mode,
    pub(super) time: Timestamp,
    pub(super) size: i64,
    pub(super) inode: Inode,
    /// Whether other names may lead to the same file.
    pub(super) has_hard_links: bool,
    /// Number of the listing of a directory; `None` when it could not be read or has not been.
    pub(super) listing: Option<u32>,
    /// Where the ID of a file is, if it is known.
    pub(super) known: Option<Place>,
}

/// The entries of one directory, files before directories and in natural order.
#[derive(Default)]
pub(super) struct Listing {
    names: Vec<u8>,
    pub(super) entries: Vec<Found>,
    pub(super) targets: HashMap<u32, Vec<u8>>,
    pub(super) inode: Option<Inode>,
    /// Whether the directory was read to its end.
    pub(super) complete: bool,
}

impl Listing {
    pub(super) fn name(&self, entry: &Found) -> &[u8] {
        &self.names[entry.name.0 as usize..(entry.name.0 + entry.name.1) as usize]
    }
}

/// The listings of a tree by number; the root's is 0.
pub(super) struct Walked {
    pub(super) listings: Vec<Listing>,
    pub(super) issues: Vec<ScanIssue>,
}

/// Directories from the root to one: their inodes, to find loops.
struct Ancestors {
    inode: Inode,
    above: Option<Arc<Ancestors>>,
}

impl Drop for Ancestors {
    fn drop(&mut self) {
        // By hand: dropping a long chain would recurse.
        let mut above = self.above.take();
        while let Some(ancestors) = above {
            above = Arc::into_inner(ancestors).and_then(|mut ancestors| ancestors.above.take());
        }
    }
}

/// A directory to read.
struct Task {
    number: u32,
    /// Path relative to the root, with a slash at its end; empty for the root.
    path: Arc<[u8]>,
    /// The parent's descriptor, and where the name starts in the path; `None` to open by the path.
    parent: Option<(Arc<Directory>, usize)>,
    patterns: Patterns,
    ancestors: Option<Arc<Ancestors>>,
}

/// An open directory that counts against the limit.
struct Directory {
    descriptor: OwnedFd,
    open: Arc<AtomicUsize>,
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Walk<'w> {
    scanner: &'w Scanner<'w>,
    root: &'w Root,
    /// Whether this is the tree that was asked for, and not one that only links lead to.
    is_first: bool,
    next_number: AtomicU32,
    open: Arc<AtomicUsize>,
    max_open: usize,
    done: Mutex<Vec<(u32, Listing)>>,
    issues: Mutex<Vec<ScanIssue>>,
}

/// Reads the tree below a root: the one that was asked for, or one that only links lead to.
pub(super) fn walk(scanner: &Scanner<'_>, root: &Root, is_first: bool) -> Result<Walked, ScanError> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let walk = Walk {
        scanner,
        root,
        is_first,
        next_number: AtomicU32::new(1),
        open: Arc::new(AtomicUsize::new(0)),
        max_open: MAX_OPEN.min(limit as usize / 2).saturating_sub(scanner.workers),
        done: Mutex::default(),
        issues: Mutex::default(),
    };
    let first = Task {
        number: 0,
        path: Arc::from([]),
        parent: None,
        patterns: scanner.options.exclude.clone(),
        ancestors: None,
    };
    scanner.pool.scope(|scope| walk.visit(scope, &first));
    if scanner.progress.is_cancelled() {
        return Err(ScanError::Cancelled);
    }
    let mut listings = Vec::new();
    listings.resize_with(walk.next_number.into_inner() as usize, Listing::default);
    for (number, listing) in walk.done.into_inner().unwrap_or_default() {
        listings[number as usize] = listing;
    }
    let issues = walk.issues.into_inner().unwrap_or_default();
    Ok(Walked { listings, issues })
}

impl<'w> Walk<'w> {
    fn visit<'scope>(&'scope self, scope: &rayon::Scope<'scope>, task: &Task)
    where
        'w: 'scope,
    {
        if self.scanner.progress.is_cancelled() {
            return;
        }
        let mut listing = Listing::default();
        let mut children = Vec::new();
        if let Err((what, error)) = self.read(task, &mut listing, &mut children) {
            self.report(task.path.strip_suffix(b"/").unwrap_or(&task.path).to_vec(), IssueKind::Io(what, error));
        }
        ScanProgress::add(&self.scanner.progress.entries, listing.entries.len() as u64);
        if let Ok(mut done) = self.done.lock() {
            done.push((task.number, listing));
        }
        // The last one first: a worker takes its own newest task, so directories are read in order and depth first.
        for child in children.into_iter().rev() {
            scope.spawn(move |scope| self.visit(scope, &child));
        }
    }

    fn report(&self, path: Vec<u8>, kind: IssueKind) {
        if let Ok(mut issues) = self.issues.lock() {
            issues.push(ScanIssue { path, kind });
        }
    }

    fn open(&self, task: &Task) -> io::Result<Arc<Directory>> {
        let follow = self.scanner.options.follow_symlinks;
        let descriptor = match &task.parent {
            Some((parent, name)) => {
                below::open_child_directory(&parent.descriptor, &task.path[*name..task.path.len() - 1], follow)
            }
            None => match &self.root.directory {
                Some(root) => below::open_directory(root, task.path.strip_suffix(b"/").unwrap_or(&[]), follow),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }?;
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Directory { descriptor, open: Arc::clone(&self.open) }))
    }

    /// Fills a listing; directories in it become tasks.
    fn read(
        &self,
        task: &Task,
        listing: &mut Listing,
        children: &mut Vec<Task>,
    ) -> Result<(), (&'static str, io::Error)> {
        let directory = self.open(task).map_err(|error| ("cannot open the directory", error))?;
        let own = fs::fstat(&directory.descriptor).map_err(|error| ("cannot stat the directory", error.into()))?;
        let inode = inode_of(&own);
        listing.inode = Some(inode);
        let patterns = self.patterns(task, &directory);
        let ancestors = Arc::new(Ancestors { inode, above: task.ancestors.clone() });
        let mut path = task.path.to_vec();
        let end = below::read_directory(&directory.descriptor, |name, file_type| {
            path.truncate(task.path.len());
            path.extend_from_slice(name);
            if self.scanner.progress.is_cancelled() {
                return;
            }
            let hidden = !self.scanner.options.hidden && name.starts_with(b".");
            if !hidden && !patterns.exclude(&path, task.path.len()) && self.is_wanted(&path) {
                self.add(&directory, &path, task.path.len(), Kind::of(file_type), &ancestors, listing);
            }
        })
        .map_err(|error| ("cannot read the directory", error));
        listing.sort();
        listing.complete = end.is_ok();
        for at in 0..listing.entries.len() {
            if listing.entries[at].kind == Kind::Directory {
                let name = listing.name(&listing.entries[at]);
                let child_path: Arc<[u8]> = [&task.path, name, b"/"].concat().into();
                let number = self.next_number.fetch_add(1, Ordering::Relaxed);
                let may_keep = self.open.load(Ordering::Relaxed) < self.max_open;
                children.push(Task {
                    number,
                    path: child_path,
                    parent: may_keep.then(|| (Arc::clone(&directory), task.path.len())),
                    patterns: patterns.clone(),
                    ancestors: self.scanner.options.follow_symlinks.then(|| Arc::clone(&ancestors)),
                });
                listing.entries[at].listing = Some(number);
            }
        }
        end
    }

    /// The patterns that hold in a directory: those from above, and those of its own file.
    fn patterns(&self, task: &Task, directory: &Directory) -> Patterns {
        let Some(name) = &self.scanner.options.exclude_file_name else { return task.patterns.clone() };
        let read = || -> io::Result<Vec<u8>> {
            use std::io::Read as _;
            // The user named the file: where it is a link, that is followed.
            let file = below::open_child_file(&directory.descriptor, name, true)?;
            let mut text = Vec::new();
            if FileType::from_raw_mode(fs::fstat(&file)?.st_mode) != FileType::RegularFile {
                return Ok(text);
            }
            std::fs::File::from(file).take(MAX_PATTERN_FILE + 1).read_to_end(&mut text)?;
            if text.len() as u64 > MAX_PATTERN_FILE {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            Ok(text)
        };
        match read() {
            Ok(text) => task.patterns.with_file(&text, task.path.len()),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    let path = [&task.path, &name[..]].concat();
                    self.report(path, IssueKind::Io("cannot read the file of patterns", error));
                }
                task.patterns.clone()
            }
        }
    }

    /// Adds one entry to a listing; `path[name..]` is its name.
    fn add(
        &self,
        directory: &Directory,
        path: &[u8],
        name: usize,
        kind: Kind,
        ancestors: &Arc<Ancestors>,
        listing: &mut Listing,
    ) {
        let structure = self.scanner.options.mode == ScanMode::Structure;
        let start = listing.names.len() as u32;
        let mut found = Found {
            name: (start, (path.len() - name) as u32),
            kind,
            mode: Mode::NULL,
            time: if structure { Timestamp::YEAR_1 } else { Timestamp::NULL },
            size: -1,
            inode: Inode { device: 0, number: 0 },
            has_hard_links: false,
            listing: None,
            known: None,
        };
        let base = OsStr::from_bytes(&path[name..]);
        let follow = self.scanner.options.follow_symlinks && matches!(kind, Kind::Symlink | Kind::Unknown);
        if !structure || kind == Kind::Unknown || follow {
            match self.stat(directory, base, follow, path, ancestors) {
                Ok(status) => {
                    let file_type = FileType::from_raw_mode(status.st_mode);
                    found.kind = Kind::of(file_type);
                    found.inode = inode_of(&status);
                    found.has_hard_links = status.st_nlink > 1;
                    if found.kind == Kind::File
                        && let Some(known) = self.scanner.known
                    {
                        found.known = known.find(&status, self.is_first.then_some(path));
                    }
                    if !structure {
                        found.mode = mode_of(&status);
                        found.size = if file_type == FileType::Directory { -1 } else { status.st_size };
                        found.time = Timestamp(status.st_mtime);
                        if !found.time.is_writable() {
                            found.time = Timestamp::NULL;
                            self.report(path.to_vec(), IssueKind::Time);
                        }
                    }
                }
                Err(error) => {
                    if found.kind == Kind::File {
                        // Which file it is is not known: it has no ID.
                        found.kind = Kind::Other;
                    }
                    self.report(path.to_vec(), IssueKind::Io("cannot stat the entry", error));
                }
            }
        }
        if !self.is_listed(path, found.kind) {
            return;
        }
        if found.kind == Kind::Symlink {
            match fs::readlinkat(&directory.descriptor, base, Vec::new()) {
                Ok(target) => {
                    let target = target.into_bytes();
                    if target.ends_with(b"\\") {
                        self.report(path.to_vec(), IssueKind::TrailingBackslash);
                    }
                    listing.targets.insert(start, target);
                }
                Err(error) => self.report(path.to_vec(), IssueKind::Io("cannot read the link", error.into())),
            }
        }
        if path.ends_with(b"\\") && found.kind != Kind::Directory {
            self.report(path.to_vec(), IssueKind::TrailingBackslash);
        }
        listing.names.extend_from_slice(&path[name..]);
        listing.entries.push(found);
    }

    /// The list of what to take, if there is one.
    fn only(&self) -> Option<&Manifest> {
        self.scanner.options.only.as_deref().filter(|_| self.is_first)
    }

    /// Whether a path, of a directory or not, is among those to take.
    fn is_wanted(&self, path: &[u8]) -> bool {
        self.only().is_none_or(|only| only.outline().find(only, path).is_some())
    }

    /// Whether an entry of its kind is among those to take.
    fn is_listed(&self, path: &[u8], kind: Kind) -> bool {
        self.only().is_none_or(|only| {
            let is_there = |path: &[u8]| {
                let row = only.outline().find(only, path).and_then(|place| only.row_at(place));
                row.is_some_and(|row| only.rows().is_dir(row) == (kind == Kind::Directory))
            };
            // Without its slash a directory is found after a file of the name.
            is_there(path) || (kind == Kind::Directory && is_there(&[path, b"/"].concat()))
        })
    }

    /// Stats an entry; a link that is followed gives what it points at, unless that is nothing or a directory above.
    fn stat(
        &self,
        directory: &Directory,
        name: &OsStr,
        follow: bool,
        path: &[u8],
        ancestors: &Arc<Ancestors>,
    ) -> io::Result<fs::Stat> {
        let own = || Ok(fs::statat(&directory.descriptor, name, AtFlags::SYMLINK_NOFOLLOW)?);
        if !follow {
            return own();
        }
        let Ok(stat) = fs::statat(&directory.descriptor, name, AtFlags::empty()) else { return own() };
        let mut above = Some(ancestors);
        while let Some(ancestor) = above {
            if ancestor.inode == inode_of(&stat) {
                self.report(path.to_vec(), IssueKind::LinkCycle);
                return own();
            }
            above = ancestor.above.as_ref();
        }
        Ok(stat)
    }
}

impl Listing {
    fn sort(&mut self) {
        let names = &self.names;
        let name = |found: &Found| &names[found.name.0 as usize..(found.name.0 + found.name.1) as usize];
        self.entries.sort_unstable_by(|a, b| {
            let is_directory = |found: &Found| found.kind == Kind::Directory;
            is_directory(a).cmp(&is_directory(b)).then_with(|| {
                if is_directory(a) {
                    // The slash is part of a directory's name, also where names are compared.
                    natural_cmp(&[name(a), b"/"].concat(), &[name(b), b"/"].concat())
                } else {
                    natural_cmp(name(a), name(b))
                }
            })
        });
        // A directory that is written to while it is read may give a name twice.
        self.entries.dedup_by(|a, b| name(a) == name(b));
    }

    /// Target of a symbolic link.
    pub(super) fn target(&self, entry: &Found) -> &[u8] {
        self.targets.get(&entry.name.0).map_or(&[], Vec::as_slice)
    }
}

#[allow(clippy::useless_conversion, reason = "the widths of stat fields differ between platforms")]
pub(super) fn mode_of(stat: &fs::Stat) -> Mode {
    Mode::from_bits(u32::from(stat.st_mode))
}

#[allow(clippy::unnecessary_cast, reason = "the widths of stat fields differ between platforms")]
pub(super) fn inode_of(stat: &fs::Stat) -> Inode {
    Inode { device: stat.st_dev as u64, number: stat.st_ino as u64 }
}

//! A directory tree becomes a manifest.
//!
//! ```text
//! walk      directories in parallel, one read and one stat an entry     -> listings, in canonical order
//! layout    listings joined to one list; the counts of the work known   -> rows, files to hash, links to follow
//! hash      files in the lanes of several workers (c4-engine)            -> IDs of files
//! assemble  directories from the deepest up, their texts in lanes       -> sizes and IDs of directories
//! ```
//!
//! The result does not depend on the count of workers. Each file is read once. What cannot be read is in the manifest
//! with a nil ID, and reported; nothing is dropped. Entries are opened relative to the root, component by component or
//! with the kernel's own refusal of symbolic links, so that a directory exchanged for a link during the scan leads nowhere.

mod assemble;
pub(crate) mod below;
mod cache;
mod cache_file;
mod exclude;
mod hash;
mod keep;
mod known;
mod layout;
mod links;
mod record;
mod survey;
mod walk;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

pub use exclude::{Patterns, glob_match};
pub use keep::Sink;
pub(crate) use keep::{Gate, PATIENCE, PAUSE};
pub use known::Reuse;
pub use survey::{OnFile, Survey, Version, open_below, survey};

use self::keep::Keeper;
use self::known::Known;
use crate::C4Id;
use crate::c4m::{FrameNumber, MIN_SEQUENCE, Manifest};
use crate::store::StoreError;

/// How much a scan finds out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ScanMode {
    /// Names only; times are written as year 1, as the reference does.
    Structure,
    /// Names, modes, times and sizes.
    Metadata,
    /// IDs as well.
    #[default]
    Full,
}

/// Whose content gives a symbolic link its ID.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LinkIds {
    /// What the link points at, wherever that is.
    #[default]
    Follow,
    /// What the link points at, if that lies in the scanned tree.
    Inside,
    /// Links have no ID.
    None,
}

/// What to scan, and how.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct ScanOptions {
    /// How much to find out.
    pub mode: ScanMode,
    /// Whether names that begin with a dot are included.
    pub hidden: bool,
    /// What to leave out.
    pub exclude: Patterns,
    /// Name of a file of patterns that is looked for in every directory, and holds for it and below.
    pub exclude_file_name: Option<Vec<u8>>,
    /// A manifest that lists what to take: what has no entry in it is left out, whatever else the entries say. A name
    /// with a slash is a directory's, one without is not.
    pub only: Option<Arc<Manifest>>,
    /// Whether symbolic links are replaced by what they point at.
    pub follow_symlinks: bool,
    /// Whose content gives a symbolic link its ID.
    pub link_ids: LinkIds,
    /// A manifest of the tree. A link that nothing is read for, as `link_ids` says, and that does not point into the tree
    /// has the ID of the link there with the same path and target.
    pub link_guide: Option<Arc<Manifest>>,
    /// Whether numbered files fold into sequences.
    pub sequences: bool,
    /// Threads; the count of processors when `None`.
    pub workers: Option<usize>,
    /// Whether the system is asked to forget what it holds of a file in memory before the file is read, so that it reads
    /// from the disk. What was written lately and is not on the disk stays.
    pub drop_cache: bool,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            mode: ScanMode::Full,
            hidden: true,
            exclude: Patterns::default(),
            exclude_file_name: None,
            only: None,
            follow_symlinks: false,
            link_ids: LinkIds::Follow,
            link_guide: None,
            sequences: false,
            workers: None,
            drop_cache: false,
        }
    }
}

/// What a scan is doing, and how far it is. Shared with the threads that do it; also the way to stop them.
#[derive(Debug, Default)]
pub struct ScanProgress {
    phase: AtomicU8,
    pub(crate) entries: AtomicU64,
    pub(crate) files_done: AtomicU64,
    pub(crate) files_total: AtomicU64,
    pub(crate) bytes_done: AtomicU64,
    pub(crate) bytes_total: AtomicU64,
    /// Files that the system was asked to forget, and did not take the advice.
    pub(crate) kept_in_cache: AtomicU64,
    files_known: AtomicU64,
    bytes_known: AtomicU64,
    cancelled: AtomicBool,
    current: std::sync::Mutex<Vec<u8>>,
    /// Whether nobody has looked at `current` since it was written.
    current_is_new: AtomicBool,
}

/// A moment of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanStats {
    /// `walk`, `hash`, `assemble` or `done`; `sweep` while garbage is removed from a store, `apply` while a directory is
    /// changed.
    pub phase: &'static str,
    /// Entries found.
    pub entries: u64,
    /// Files hashed.
    pub files_done: u64,
    /// Files to hash; known when the walk has ended.
    pub files_total: u64,
    /// Bytes hashed.
    pub bytes_done: u64,
    /// Bytes to hash; known when the walk has ended.
    pub bytes_total: u64,
    /// Files whose IDs were known from a guide or a cache, and that are not read.
    pub files_known: u64,
    /// Bytes of these files.
    pub bytes_known: u64,
    /// A path that was finished lately, relative to the root.
    pub path: Vec<u8>,
}

const PHASES: [&str; 6] = ["walk", "hash", "assemble", "done", "sweep", "apply"];

impl ScanProgress {
    /// Asks the scan to stop; it does within one read.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the scan was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// This moment.
    pub fn stats(&self) -> ScanStats {
        self.current_is_new.store(false, Ordering::Relaxed);
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ScanStats {
            phase: PHASES[usize::from(self.phase.load(Ordering::Relaxed))],
            entries: get(&self.entries),
            files_done: get(&self.files_done),
            files_total: get(&self.files_total),
            bytes_done: get(&self.bytes_done),
            bytes_total: get(&self.bytes_total),
            files_known: get(&self.files_known),
            bytes_known: get(&self.bytes_known),
            path: self.current.lock().map(|path| path.clone()).unwrap_or_default(),
        }
    }

    fn enter(&self, phase: u8) {
        self.phase.store(phase, Ordering::Relaxed);
    }

    /// Enters the phase in which content is hashed.
    pub(crate) fn enter_hash(&self) {
        self.enter(1);
    }

    /// Has all done.
    pub(crate) fn enter_done(&self) {
        self.enter(3);
    }

    /// Enters the phase in which garbage is removed.
    pub(crate) fn enter_sweep(&self) {
        self.enter(4);
    }

    /// Enters the phase in which a directory is changed: so many files and bytes are to be written.
    pub(crate) fn enter_apply(&self, files: u64, bytes: u64) {
        for counter in [&self.files_done, &self.bytes_done] {
            counter.store(0, Ordering::Relaxed);
        }
        self.files_total.store(files, Ordering::Relaxed);
        self.bytes_total.store(bytes, Ordering::Relaxed);
        self.enter(5);
    }

    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    /// Notes a path, when the last one was looked at and no other thread is noting one.
    pub(crate) fn note(&self, path: impl FnOnce() -> Vec<u8>) {
        if !self.current_is_new.load(Ordering::Relaxed)
            && let Ok(mut current) = self.current.try_lock()
        {
            *current = path();
            self.current_is_new.store(true, Ordering::Relaxed);
        }
    }
}

/// Why an entry is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum IssueKind {
    /// The system refused; the text says what was tried.
    #[error("{0}: {1}")]
    Io(&'static str, #[source] io::Error),
    /// The file was written to, or replaced, while it was read.
    #[error("changed while it was read")]
    Changed,
    /// A symbolic link leads back to a directory that holds it: it has no ID of its own.
    #[error("the link leads back to a directory above it")]
    LinkCycle,
    /// The time of the file has no text form.
    #[error("the time is outside the years 0 to 9999")]
    Time,
    /// The cache cannot be written, or is not trusted; the manifest is as it would be without.
    #[error("cannot use the cache {}: {error}", crate::c4m::shown_name(.directory.as_os_str().as_bytes()))]
    Cache {
        /// The directory of the cache.
        directory: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The name ends in a backslash: its line does not read back as the same name.
    #[error("a name that ends in a backslash does not read back from text")]
    TrailingBackslash,
}

impl IssueKind {
    /// A stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io(..) => "unreadable",
            Self::Changed => "changed",
            Self::LinkCycle => "link-cycle",
            Self::Time => "time",
            Self::Cache { .. } => "cache",
            Self::TrailingBackslash => "trailing-backslash",
        }
    }

    /// Whether content or metadata is missing from the manifest; otherwise the issue is only worth knowing.
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Io(..) | Self::Changed | Self::Time)
    }
}

/// An entry that is not what it should be.
#[derive(Debug)]
pub struct ScanIssue {
    /// Path relative to the root; empty for the root itself. For a file outside that a link points at, its own path.
    pub path: Vec<u8>,
    /// What is wrong.
    pub kind: IssueKind,
}

/// What a scan gives.
#[derive(Debug)]
pub struct Scan {
    /// The manifest, in canonical order.
    pub manifest: Manifest,
    /// What could not be read or is worth knowing, ordered by path.
    pub issues: Vec<ScanIssue>,
}

/// Why there is no manifest at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The root cannot be opened, or is no directory.
    #[error(transparent)]
    Root(#[from] io::Error),
    /// The threads cannot be started.
    #[error("cannot start {0} worker threads: {1}")]
    Workers(usize, String),
    /// The store cannot take what was read; there is no manifest of what is not stored.
    #[error("{source}")]
    Store {
        /// What the store said.
        source: StoreError,
        /// The file that it was to take, if it was one; relative to the root.
        path: Option<Vec<u8>>,
    },
    /// The scan was asked to stop.
    #[error("interrupted")]
    Cancelled,
}

impl From<StoreError> for ScanError {
    fn from(source: StoreError) -> Self {
        Self::Store { source, path: None }
    }
}

/// Scans a directory; a root that is a symbolic link is followed.
///
/// ```
/// # let directory = tempfile::tempdir().unwrap();
/// # std::fs::write(directory.path().join("a.txt"), "hello world").unwrap();
/// use c4::scan::{ScanOptions, ScanProgress, scan};
/// let scan = scan(directory.path(), &ScanOptions::default(), &ScanProgress::default()).unwrap();
/// assert_eq!(scan.manifest.get(0).id, &c4::C4Id::of(b"hello world"));
/// ```
pub fn scan(root: &Path, options: &ScanOptions, progress: &ScanProgress) -> Result<Scan, ScanError> {
    scan_with(root, options, progress, Reuse::default(), None)
}

/// Scans a directory, and does not read the files whose IDs are known.
///
/// All else is as in [`scan`], or with a sink as in [`scan_into`]: a file whose content the store does not have is read.
/// A scan that finds out no IDs neither looks at what is known nor adds to it.
pub fn scan_reusing(
    root: &Path,
    options: &ScanOptions,
    progress: &Arc<ScanProgress>,
    reuse: Reuse<'_>,
    sink: Option<Sink<'_>>,
) -> Result<Scan, ScanError> {
    let reuse = if options.mode == ScanMode::Full { reuse } else { Reuse::default() };
    let Some(sink) = sink.filter(|_| options.mode == ScanMode::Full) else {
        return scan_with(root, options, progress, reuse, None);
    };
    let keeper = Keeper::new(sink, progress);
    let result = scan_with(root, options, progress, reuse, Some(&keeper));
    // What the store says comes first: it is why the scan was stopped.
    keeper.finish()?;
    result
}

/// Scans a directory and stores what it reads: the content of files, and the one-level texts of directories, that of the
/// root included. Each file is read once. When it returns, everything that the manifest names is in the store, durable
/// as the store has it.
///
/// A scan that finds out no IDs reads nothing, and stores nothing.
pub fn scan_into(
    root: &Path,
    options: &ScanOptions,
    progress: &Arc<ScanProgress>,
    sink: Sink<'_>,
) -> Result<Scan, ScanError> {
    scan_reusing(root, options, progress, Reuse::default(), Some(sink))
}

fn scan_with(
    root: &Path,
    options: &ScanOptions,
    progress: &ScanProgress,
    reuse: Reuse<'_>,
    keeper: Option<&Keeper<'_>>,
) -> Result<Scan, ScanError> {
    let root = Root::open(root)?;
    let result = with_pool(options, progress, keeper, |scanner| {
        let known = scanner.pool.install(|| Known::load(reuse, &root.path));
        let result = Scanner { known: Some(&known), ..*scanner }.run(root);
        let failure = known.finish(result.is_ok());
        result.map(|mut scan| {
            if let Some((directory, error)) = failure {
                scan.issues.insert(0, ScanIssue { path: Vec::new(), kind: IssueKind::Cache { directory, error } });
            }
            scan
        })
    });
    if progress.is_cancelled() { Err(ScanError::Cancelled) } else { result }
}

/// Starts the threads of a scan, and ends them.
fn with_pool<T>(
    options: &ScanOptions,
    progress: &ScanProgress,
    keeper: Option<&Keeper<'_>>,
    work: impl FnOnce(&Scanner<'_>) -> Result<T, ScanError>,
) -> Result<T, ScanError> {
    let workers = options.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    // Threads belong to this call: they have ended when it returns, and none is inherited by a fork.
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|index| format!("c4-scan-{index}"))
        .build_scoped(rayon::ThreadBuilder::run, |pool| {
            work(&Scanner { options, progress, pool, workers, keeper, known: None })
        })
        .map_err(|error| ScanError::Workers(workers, error.to_string()))?
}

/// A directory that is scanned: the one asked for, or one outside it that a link points at.
struct Root {
    /// Absolute path, cleaned of `.` and `..` as text.
    path: PathBuf,
    /// The open directory; `None` for one outside the tree, which is opened again when it is needed.
    directory: Option<OwnedFd>,
}

impl Root {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: below::clean(&std::path::absolute(path)?), directory: Some(below::open_root(path)?) })
    }

    /// Opens something below the directory, which is given open.
    fn open_below<T>(&self, open: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T> {
        match &self.directory {
            Some(directory) => open(directory.as_fd()),
            None => open(below::open_root_for_search(&self.path)?.as_fd()),
        }
    }
}

struct Scanner<'s> {
    options: &'s ScanOptions,
    progress: &'s ScanProgress,
    pool: &'s rayon::ThreadPool,
    workers: usize,
    keeper: Option<&'s Keeper<'s>>,
    known: Option<&'s Known<'s>>,
}

impl Scanner<'_> {
    fn run(&self, root: Root) -> Result<Scan, ScanError> {
        self.progress.enter(0);
        let mut forest = layout::Forest { index_all: self.options.follow_symlinks, ..layout::Forest::default() };
        forest.add_tree(self, root)?;
        let listed_rows = forest.rows.len();
        if self.options.mode == ScanMode::Full {
            forest.resolve_links(self);
            self.progress.enter(1);
            if let Some(keeper) = self.keeper {
                keeper.prepare()?;
            }
            forest.leave_out_known(self);
            forest.hash_files(self, None);
        }
        if self.progress.is_cancelled() {
            return Err(ScanError::Cancelled);
        }
        self.progress.enter(2);
        forest.assemble(self);
        let (mut manifest, mut issues) = forest.into_manifest(listed_rows);
        if self.options.sequences {
            manifest.fold_sequences(FrameNumber::First, MIN_SEQUENCE);
        }
        if let Some(keeper) = self.keeper {
            keeper.put_id_lists(&manifest);
            // Not always the text of the root as listed: directories whose time is unknown take one here.
            if let Ok(text) = manifest.canonical_text() {
                keeper.put_text(&C4Id::of(&text), text);
            }
        }
        issues.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| a.kind.code().cmp(b.kind.code())));
        self.progress.enter(3);
        Ok(Scan { manifest, issues })
    }
}

//! The content store: a directory in which each object is a file named by its ID.
//!
//! The directory is shared, also at the same time, with the ecosystem's other tools. Objects lie in the root until it
//! holds more than a threshold of them, then in two-character directories of the ID's next characters, which are split in
//! their turn: one level a put, only the directory that was put into. An existing directory attracts the objects that it
//! could hold. So where an object lies depends on history; it is always somewhere along the pairs of its ID.
//!
//! ```text
//! ROOT/c4…                       objects, as long as they are few
//! ROOT/c4/1o/c41o…               after two splits
//! ROOT/.ingest.<hex>/.lock       a writer of ours, alive as long as it holds the lock,
//! ROOT/.ingest.<hex>/.<number>   and what it is writing
//! ROOT/quarantine/               what a check took out
//! ```
//!
//! **Invariants.** A name that is an ID holds the bytes of that ID: content is written under a temporary name, hashed on
//! the way, made durable, and only then renamed. Objects move down only, so a reader that looks from the top finds what
//! is there while others split ([`TreeStore::find`]). What is no regular file is never opened. A failure leaves no
//! object under a wrong ID and nothing that was acknowledged missing; temporaries of a writer that died are swept by the
//! next one.
//!
//! Content is stored as it is: a c4m file is not brought to its canonical form here.

mod batch;
mod census;
mod check;
mod gc;
mod ingest;
mod layout;
mod marks;
mod quarantine;
mod report;
mod sample;
mod session;
mod stats;
mod tree;

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::C4Id;

pub use census::{Census, Found, Misplacement, Object, StrayKind, TemporaryKind};
pub use check::{VerifyOptions, verify};
pub use gc::{DEFAULT_GRACE, GcOptions, GcReport, gc};
pub use ingest::{Ingest, Put};
pub use marks::{MarkError, Marks, Needed, Root, RootError};
pub use report::{Corrupt, LISTED, Listed, StoreReport};
pub use sample::Sample;
pub use stats::{StoreStats, stats};
pub(crate) use tree::WriterSession;
pub use tree::{OpenObject, PutError, TreeStore};

/// How many objects a directory holds before it is split, in the ecosystem's tools.
pub const SPLIT_THRESHOLD: usize = 4096;

/// When an object that was put survives a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// As soon as the put returns: every object and its directory are synchronized.
    #[default]
    Full,
    /// When [`TreeStore::flush`] returns: many objects are synchronized together, and have their names only after it. A
    /// crash before loses them, and nothing else.
    Batch,
    /// Whenever the system writes it: for scratch.
    None,
}

/// Why a store cannot do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused; says what was tried.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A link, pipe, device or directory has the place of an object.
    #[error("what lies under an ID is not a regular file")]
    NotRegular(PathBuf),
    /// The file system holds another count of bytes than was written.
    #[error("{written} bytes were written, and the file has {found}")]
    Length {
        /// The temporary file.
        path: PathBuf,
        /// Bytes that were written.
        written: u64,
        /// Bytes that the file has.
        found: u64,
    },
    /// The place of an object changed at every look.
    #[error("the object's place changed at every look")]
    Unsettled(PathBuf),
    /// Another store than this one, reached through [`Store`], failed; it keeps the reason.
    #[error("the store failed")]
    Port,
    /// Another store returned an ID that is not that of the content it was given.
    #[error("the store returned {} for content whose ID is {}", .0.found, .0.expected)]
    WrongId(Box<WrongId>),
    /// Another store returned before it had read its content.
    #[error("the store returned before it had read all content")]
    Unread,
}

/// An ID that a store returned for content, and the content's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongId {
    /// The ID of the content.
    pub expected: C4Id,
    /// What the store returned.
    pub found: C4Id,
}

impl StoreError {
    /// The path that the error is about.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. } | Self::NotRegular(path) | Self::Length { path, .. } | Self::Unsettled(path) => {
                Some(path)
            }
            Self::Port | Self::WrongId(_) | Self::Unread => None,
        }
    }
}

/// Says what was tried on which path.
trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::Io { action, path: path.to_owned(), source: error.into() })
    }
}

/// Why a store cannot be counted, verified or cleaned.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A directory cannot be listed, or a file not be looked at.
    #[error("{}: {source}", crate::c4m::shown_name(.path.as_os_str().as_bytes()))]
    Io {
        /// What was looked at.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Cancelled,
}

impl CheckError {
    fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// Content that another store reads to its end.
pub type Content = Box<dyn io::Read + Send>;

/// A store of another kind that a scan puts content into.
///
/// It reads all content that it is given and returns its ID; content that fails to be read is not stored.
pub trait Store: Sync {
    /// Stores content; called by up to [`Store::concurrency`] threads at once.
    fn put(&self, content: Content) -> Result<C4Id, StoreError>;

    /// Whether the store has an object, and will have it as it would what is put now. One that cannot tell has none:
    /// then it is put.
    fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
        let _ = id;
        Ok(false)
    }

    /// How many threads may put at once; at least 1.
    fn concurrency(&self) -> usize;

    /// Makes what was put durable, where that was left for later.
    fn flush(&self) -> Result<(), StoreError>;
}

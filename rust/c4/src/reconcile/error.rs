//! Why an operation, or the whole, could not be done.

use std::io;
use std::path::PathBuf;

use crate::C4Id;
use crate::c4m::shown_name;
use crate::store::StoreError;

/// Why an operation, or the whole, could not be done. Paths are relative to the root, those of directories without slash.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The caller asked to stop.
    #[error("interrupted")]
    Cancelled,
    /// The plan lacks so much content: nothing was touched.
    #[error("the plan lacks the content of {0} entries")]
    Incomplete(usize),
    /// Another process is at work there.
    #[error("{}: another process is changing this directory", .0.display())]
    Busy(PathBuf),
    /// What has the place of [`STAGING`](super::STAGING) is not what this software makes.
    #[error("{}: {reason}", path.display())]
    Staging {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The directory itself cannot be opened or made.
    #[error("{}: {source}", path.display())]
    Root {
        /// The directory, as the caller named it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system takes two names for one.
    #[error("{} and {}: the file system takes these names for one", shown_name(.0), shown_name(.1))]
    Twins(Vec<u8>, Vec<u8>),
    /// A name that would lead elsewhere.
    #[error("{}: no name of a file in this directory", shown_name(.0))]
    Name(Vec<u8>),
    /// The system refused.
    #[error("{}: cannot {action}: {source}", shown_name(path))]
    Io {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// What it was tried on.
        path: Vec<u8>,
        /// What the system said.
        source: io::Error,
    },
    /// A source of content failed.
    #[error("{}: {source}", shown_name(path))]
    Source {
        /// What was to be made.
        path: Vec<u8>,
        /// What the source said.
        source: StoreError,
    },
    /// Content is not there any longer.
    #[error("{}: the content {id} is not there any longer", shown_name(path))]
    Gone {
        /// What was to be made.
        path: Vec<u8>,
        /// The ID of its content.
        id: C4Id,
    },
    /// Content is not that of its ID. It was not given a name.
    #[error("{}: the content of {expected} has the ID {actual}", shown_name(path))]
    Corrupt {
        /// What was to be made.
        path: Vec<u8>,
        /// The ID that it should have.
        expected: C4Id,
        /// The ID of what was read.
        actual: C4Id,
    },
    /// Content has another length than the entry says. It was not given a name.
    #[error("{}: the content has {actual} bytes, and should have {expected}", shown_name(path))]
    Length {
        /// What was to be made.
        path: Vec<u8>,
        /// Bytes that the entry names.
        expected: u64,
        /// Bytes that were read.
        actual: u64,
    },
    /// What is there is not what was found when the plan was made.
    #[error("{}: changed since the plan was made", shown_name(.0))]
    Changed(Vec<u8>),
    /// The content was to come from a file of the tree that could not be taken.
    #[error("{}: its content was to come from {}, which could not be set aside", shown_name(path), shown_name(from))]
    NotSetAside {
        /// What was to be made, or to be replaced.
        path: Vec<u8>,
        /// The file that has the content.
        from: Vec<u8>,
    },
    /// So many removals were not done, since something before them failed.
    #[error("{0} entries were not removed, since not everything else was done")]
    NotRemoved(usize),
}

impl ApplyError {
    pub(super) fn at<E: Into<io::Error>>(action: &'static str, path: &[u8]) -> impl FnOnce(E) -> Self {
        move |source| Self::Io { action, path: path.to_vec(), source: source.into() }
    }
}

//! The content store: a directory of objects, each a file named by its ID.

mod census;
mod check;
mod gc;
mod marks;
mod quarantine;
mod report;
mod sample;
mod stats;

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

pub use census::{Census, Found, Misplacement, Object, StrayKind, TemporaryKind};
pub use check::{VerifyOptions, verify};
pub use gc::{DEFAULT_GRACE, GcOptions, GcReport, gc};
pub use marks::{MarkError, Marks, Needed, Root, RootError};
pub use report::{Corrupt, LISTED, Listed, StoreReport};
pub use sample::Sample;
pub use stats::{StoreStats, stats};

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

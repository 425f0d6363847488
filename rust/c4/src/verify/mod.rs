//! Whether a directory is what a manifest describes.
//!
//! ```text
//! expected  names checked, sequences expanded, canonical order        -> one entry a path, or a refusal
//! compare   two listings side by side, nothing read                   -> a verdict, or a file to read, for each path
//! reading   files in the lanes of several workers                     -> the verdicts of what was read; what moved
//! result    verdicts by path, and what was found besides
//! ```
//!
//! A directory is compared by presence and type, never by its ID: its members are. A symbolic link is compared by its
//! target, never by the ID of what it points at; a device, pipe or socket by its type. What the manifest does not say (a
//! null mode, time, size or ID; the year 1 of a structure scan) is not compared. A file is [`Verdict::Ok`] only when all
//! of its bytes were read.

mod compare;
mod expected;
mod reading;
mod result;

use std::path::Path;
use std::sync::Arc;

use crate::c4m::Manifest;
use crate::scan::{ScanError, ScanOptions, ScanProgress, Survey, survey};

pub use expected::Refusal;
pub use result::{Change, ChangedField, Unreadable, Verdict, Verification};

/// Names in the root that are no part of what is compared, unless the manifest has them.
const LEFT_ALONE: [&[u8]; 2] = crate::reconcile::LEFT_ALONE;

/// Whose content is read.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Extent {
    /// That of every file with an ID.
    #[default]
    Full,
    /// None: presence, type, size and time are compared.
    Quick,
    /// That of a share of the files with an ID, above 0 and up to 1, rounded up to whole files. Which ones they are
    /// depends on the manifest's paths alone. The others are compared as with [`Extent::Quick`].
    Sample(f64),
}

/// How to verify.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whose content is read.
    pub extent: Extent,
    /// Whether modes, times and sizes are compared as well.
    pub metadata: bool,
    /// Whether the system is asked to read from the disk; see [`ScanOptions::drop_cache`].
    pub drop_cache: bool,
    /// Threads; the count of processors when `None`.
    pub workers: Option<usize>,
}

/// What became of a path, as soon as it is known: a stable name, that of a [`Verdict`] or `extra` or `moved`, and the path.
pub type OnFinding<'f> = Option<&'f (dyn Fn(&'static str, &[u8]) + Sync)>;

/// Why a directory is not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The manifest does not describe one tree.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The directory cannot be opened, or the caller asked to stop.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// Compares a directory with a manifest; a directory that is a symbolic link is followed, nothing below it is.
///
/// Nothing is opened before the manifest was looked through. `on_finding` is called by the threads that do the work.
///
/// ```
/// # let directory = tempfile::tempdir().unwrap();
/// # std::fs::write(directory.path().join("a"), "hello world").unwrap();
/// use c4::scan::{ScanOptions, ScanProgress, scan};
/// use c4::verify::{Options, Verdict, verify};
/// let manifest = scan(directory.path(), &ScanOptions::default(), &ScanProgress::default()).unwrap().manifest;
/// let result = verify(&manifest.into(), directory.path(), &Options::default(), &ScanProgress::default(), None).unwrap();
/// assert_eq!(result.verdicts(), [Verdict::Ok]);
/// ```
pub fn verify(
    manifest: &Arc<Manifest>,
    directory: &Path,
    options: &Options,
    progress: &ScanProgress,
    on_finding: OnFinding<'_>,
) -> Result<Verification, VerifyError> {
    let expected = expected::prepare(manifest)?;
    let scan = ScanOptions { workers: options.workers, drop_cache: options.drop_cache, ..ScanOptions::default() };
    let work = |survey: &mut Survey<'_>| reading::run(survey, expected, options, progress, on_finding);
    Ok(survey(directory, &scan, progress, work)??)
}

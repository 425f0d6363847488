//! What is to be done.

use std::path::Path;

use super::{ContentSource, Options, Plan};
use crate::c4m::Manifest;
use crate::scan::{ScanError, ScanProgress};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The directory cannot be surveyed.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// Plans how a directory becomes what a manifest describes; it is read, and nothing is written. A directory that does not
/// exist is planned as an empty one.
pub fn plan(
    _target: &Manifest,
    _directory: &Path,
    _sources: &[&dyn ContentSource],
    _options: &Options,
    _progress: &ScanProgress,
) -> Result<Plan, PlanError> {
    todo!()
}

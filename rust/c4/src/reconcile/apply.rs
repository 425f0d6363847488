//! Doing what was planned.

use super::{ContentSource, Kind, Options, Plan};
use crate::scan::ScanProgress;

/// What was done.
#[derive(Debug, Default)]
pub struct Applied {
    /// Operations done, by kind.
    pub done: [u64; 9],
    /// What could not be done: the operation's number in the plan, and why.
    pub errors: Vec<(usize, ApplyError)>,
}

/// Why an operation, or the whole, could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The caller asked to stop.
    #[error("interrupted")]
    Cancelled,
}

/// Does what was planned; `on_done` is told the number of each operation as it is done, or failed, by any thread.
pub fn apply(
    _plan: &Plan,
    _sources: &[&dyn ContentSource],
    _options: &Options,
    _progress: &ScanProgress,
    _on_done: &(dyn Fn(usize, Kind) + Sync),
) -> Result<Applied, ApplyError> {
    todo!()
}

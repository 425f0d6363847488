//! A directory is brought to the state that a manifest describes.
//!
//! ```text
//! plan    survey of the directory, compared with the target   -> operations, or every ID that is nowhere to be had
//! apply   relative to the open root, no link followed         -> the tree, each file verified before it has its name
//! ```
//!
//! **Nothing is touched** before the plan is whole: every name is good, no two entries meet in one place, and all content
//! was found. **It can be interrupted** after any system call, and run again: content that only the tree itself has is
//! never let go of before it lies where it belongs; what is half done lies in [`STAGING`], and the next run takes it from
//! there as from the rest of the tree. **Nothing outside is touched**: paths are opened component by component, or with the
//! kernel's own refusal of symbolic links; what is written to is never a file that has another name.
//!
//! ```text
//! STAGING/.lock        held by the process at work; another one is refused
//! STAGING/<number>     content on its way to its place
//! ```

mod apply;
mod attributes;
mod check;
mod compare;
mod content;
mod error;
mod finish;
mod operation;
mod place;
mod plan;
mod replace;
mod schedule;
mod staging;
mod supply;
mod version;
mod write;

pub use crate::scan::Version;
pub use apply::{Applied, OnDone, apply};
pub use check::{Refusal, RefusalKind};
pub use content::{Content, ContentSource, DirectorySource, Sizes};
pub use error::ApplyError;
pub use plan::{PlanError, plan};

use std::path::PathBuf;

use crate::C4Id;
use crate::c4m::{Manifest, RowId};

/// The directory in the root of a tree in which content waits. No manifest can name it.
pub const STAGING: &[u8] = b".c4-reconcile";

/// Names of files in the root that are neither compared nor touched: the state of a workspace. Directories of these names
/// are as any other.
pub const LEFT_ALONE: [&[u8]; 2] = [b".c4-workspace.json", b".c4-workspace-manifest.c4m"];

/// How content from a store or another directory comes into the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LinkMode {
    /// Shared by the file system where it can (reflink), else copied.
    #[default]
    Auto,
    /// Copied.
    Copy,
    /// Shared by the file system; it is an error where it cannot.
    Reflink,
    /// One more name of the store's read-only object, with the object's mode and times; it is an error where the file
    /// system cannot. Only for content of a directory store; other content comes as by [`LinkMode::Auto`].
    Hardlink,
}

/// How to plan and apply.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How content comes into the tree.
    pub link: LinkMode,
    /// Whether set-user-ID, set-group-ID and sticky bits are given to files and directories.
    pub special_bits: bool,
    /// Threads; the count of processors when `None`.
    pub workers: Option<usize>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Makes a directory.
    Mkdir,
    /// Makes a file that is not there, or where something else is.
    Create,
    /// Gives a file of the tree another name, in place of a file that is there or not.
    Move,
    /// Gives a file other content.
    Update,
    /// Makes a symbolic link, in place of a link or file that is there or not.
    Symlink,
    /// Sets the permissions of what stays.
    Chmod,
    /// Sets the time of what stays.
    Times,
    /// Removes what is no directory.
    Remove,
    /// Removes a directory, empty by then.
    Rmdir,
}

impl Kind {
    /// A stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mkdir => "mkdir",
            Self::Create => "create",
            Self::Move => "move",
            Self::Update => "update",
            Self::Symlink => "symlink",
            Self::Chmod => "chmod",
            Self::Times => "times",
            Self::Remove => "remove",
            Self::Rmdir => "rmdir",
        }
    }
}

/// Where the content of a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operation has no content.
    None,
    /// No byte.
    Empty,
    /// One of the [`ContentSource`]s, by its place among them.
    Source(u32),
    /// A file of the tree, by its row in [`Plan::found`], which is copied; for [`Kind::Move`] it is moved.
    Tree(RowId),
}

/// One step.
///
/// What is no directory takes the place of another such in one step. Where a directory comes or goes in the place of
/// something else, that has a removal of its own, and the step that makes the new one has it as `found`. Every operation but `Remove` and `Rmdir` has a row of the target, these have one of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it does.
    pub kind: Kind,
    /// The entry of [`Plan::target`] that it brings about.
    pub target: Option<RowId>,
    /// The entry of [`Plan::found`] that it changes, replaces or removes.
    pub found: Option<RowId>,
    /// Where its content comes from.
    pub origin: Origin,
}

/// What is to be done, whole or not at all.
///
/// The operations are in the order in which they are shown: directories that are made, from the top down; files and links;
/// permissions and times of what stays; what is removed, from the bottom up. Attributes of what is made belong to the
/// operation that makes it.
#[derive(Debug)]
pub struct Plan {
    /// The directory as the caller named it.
    pub directory: PathBuf,
    /// The state to reach: sequences expanded, in canonical order.
    pub target: Manifest,
    /// The state that was found, in canonical order, with the IDs of the files that were hashed.
    pub found: Manifest,
    /// Files of the tree that content is taken from, that are replaced or removed, and that wait: what they were.
    pub versions: std::collections::HashMap<RowId, Version>,
    /// What to do.
    pub operations: Vec<Operation>,
    /// Content that is nowhere to be had: the ID, and the row of the target that needs it. Empty in a plan that can be
    /// applied.
    pub missing: Vec<(C4Id, RowId)>,
    /// Rows of the target whose names a file system may take for one: they differ in case or normalization only.
    pub twins: Vec<(RowId, RowId)>,
    /// Rows of the target that are never made: devices, pipes and sockets.
    pub not_made: Vec<RowId>,
    /// Files and links of the target that are in place as they are to be.
    pub skipped: u64,
    /// Bytes that are to be written or shared.
    pub bytes: u64,
}

//! C4 identification (SMPTE ST 2114:2017) and the c4m manifest format.
//!
//! - [`C4Id`], [`tree_id`]: IDs of bytes and of sets.
//! - [`identify`]: IDs of streams and files.
//! - [`c4m`]: manifests in memory and as text.
//! - [`diff`], [`patch`]: what differs between two manifests; patches, and chains of them.
//! - [`merge()`], [`intersect`], [`union`], [`difference`]: manifests become one.
//! - [`scan`]: a directory tree becomes a manifest.
//! - [`store`]: content kept by its ID.
//! - [`verify`]: whether a directory is what a manifest describes.
//!
//! The crate has no unsafe code, prints nothing and knows nothing of Python.

#![forbid(unsafe_code)]

pub mod base58;
pub mod c4m;
pub mod diff;
mod id;
pub mod identify;
mod merge;
mod parallel;
pub mod patch;
pub mod reconcile;
pub mod scan;
mod sets;
pub mod store;
mod tree;
pub mod verify;

pub use id::{C4Id, ID_TEXT_BYTES, ParseIdError};
pub use merge::{Conflict, Merge, merge};
pub use sets::{MatchBy, difference, intersect, union};
pub use tree::{sum, tree_id};

//! What a tree must hold: every path once, with the members of sequences in their place.

use std::sync::Arc;

use crate::C4Id;
use crate::c4m::{
    DEFAULT_EXPANSION_LIMIT, Field, Manifest, Outline, RowId, SequenceError, TreeFault, is_plain_directory,
};

/// Why a manifest describes no tree that a directory could be.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// An entry that no directory can have.
    #[error(transparent)]
    Tree(#[from] TreeFault),
    /// A sequence that stands for more names than can be looked for.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The manifest says what differs from another one.
    #[error("the manifest is a patch on {0}, which has to be applied first")]
    Patch(C4Id),
}

/// The manifest with its sequences expanded, in canonical order: the number of a row is its place in the list.
///
/// One that is so already is not copied.
pub(super) fn prepare(manifest: &Arc<Manifest>) -> Result<Arc<Manifest>, Refusal> {
    if let Some(base) = manifest.base {
        return Err(Refusal::Patch(base));
    }
    manifest.check_tree()?;
    let has_sequences = manifest.iter().any(|row| manifest.get(row).is_sequence);
    if !has_sequences && manifest.is_in_row_order() && Outline::is_sorted(manifest) {
        return Ok(Arc::clone(manifest));
    }
    let mut expected = if has_sequences {
        // An ID list is as long as its text: only names that nothing in the manifest accounts for are limited.
        let listed: usize = manifest.range_data().values().map(Vec::len).sum();
        let expanded = manifest.with_members(DEFAULT_EXPANSION_LIMIT.saturating_add(listed as u64), true)?;
        expanded.check_tree()?;
        expanded
    } else {
        Manifest::clone(manifest)
    };
    // A directory by its mode alone is found under its name with a slash.
    let plain: Vec<RowId> = expected.iter().filter(|row| is_plain_directory(expected.rows(), *row)).collect();
    for row in plain {
        let name = [expected.rows().name(row), b"/"].concat();
        expected.set(row, Field::Name(name));
    }
    expected.sort();
    expected.compact();
    Ok(Arc::new(expected))
}

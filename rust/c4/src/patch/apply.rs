//! A patch applied to a manifest; a chain resolved.

use std::borrow::Cow;

use super::{PatchError, check_directories};
use crate::C4Id;
use crate::c4m::{ChainState, Manifest, RowId, Rows, Section, encode, resolve_sections};

/// A manifest with the sections of a patch applied to it, one after the other, in canonical order. The base is kept, and
/// so are the ID lists of both.
///
/// A patch that names what it is for applies to nothing else. Sections that do not apply are found before anything is
/// done.
pub fn apply(base: &Manifest, patch: &Manifest) -> Result<Manifest, PatchError> {
    apply_first(base, patch, None)
}

/// As [`apply`], the first `count` sections of a patch alone.
fn apply_first(base: &Manifest, patch: &Manifest, count: Option<usize>) -> Result<Manifest, PatchError> {
    let sections = sections_of(patch)?;
    let sections = &sections[..count.unwrap_or(sections.len())];
    check(base, sections)?;
    let mut state = ChainState::new();
    state.load_manifest(base);
    for section in sections {
        state.apply(&section.rows);
    }
    let mut result = finished(state.to_rows());
    result.base = base.base;
    add_ranges(&mut result, base);
    add_ranges(&mut result, patch);
    Ok(result)
}

/// The sections of a patch; of one that was no chain its entries.
pub(super) fn sections_of(patch: &Manifest) -> Result<Cow<'_, [Section]>, PatchError> {
    check_directories(patch)?;
    if !patch.sections().is_empty() {
        return Ok(Cow::Borrowed(patch.sections()));
    }
    let mut rows = Rows::default();
    for row in patch.iter() {
        rows.push(&patch.get(row));
    }
    Ok(Cow::Owned(vec![Section { boundary: patch.base, rows }]))
}

/// Whether sections apply to a base.
pub(super) fn check(base: &Manifest, sections: &[Section]) -> Result<(), PatchError> {
    check_directories(base)?;
    for (section, patch) in (1..).zip(sections) {
        check_depths(section, &patch.rows)?;
    }
    if let Some(expected) = sections.first().and_then(|section| section.boundary) {
        let actual = base.compute_id()?;
        // A manifest has two honest IDs: that of its listing, which a patch is written with, and that of its whole text.
        if actual != expected && C4Id::of(&encode(base)?) != expected {
            return Err(PatchError::OtherBase { section: 1, ids: Box::new([expected, actual]) });
        }
    }
    Ok(())
}

fn add_ranges(result: &mut Manifest, of: &Manifest) {
    for ids in of.range_data().values() {
        result.add_range(ids.clone());
    }
}

/// The state of a chain after its first `stop_at` sections; after all of them with zero, a negative number or one that
/// there is no section of (as the reference's command does). A manifest that was no chain is its own only state.
///
/// A chain that continues from an external manifest needs it as `base`, whose ID must be the one that the chain names;
/// only the empty manifest need not be given.
pub fn resolve(manifest: &Manifest, base: Option<&Manifest>, stop_at: i64) -> Result<Manifest, PatchError> {
    let sections = manifest.sections();
    let count = usize::try_from(stop_at).ok().filter(|count| (1..sections.len()).contains(count));
    if let Some(expected) = manifest.base {
        let empty = Manifest::default();
        // Nothing is needed to continue from the empty manifest.
        let base = base.or_else(|| (expected == C4Id::of(b"")).then_some(&empty));
        let Some(base) = base else { return Err(PatchError::NoBase { section: 1, base: Box::new(expected) }) };
        return apply_first(base, manifest, count);
    }
    let Some(count) = count else {
        let mut result = manifest.clone();
        result.set_sections(Vec::new());
        result.compact();
        return Ok(result);
    };
    let mut result = finished(resolve_sections(&sections[..count]));
    add_ranges(&mut result, manifest);
    Ok(result)
}

pub(super) fn finished(rows: Rows) -> Manifest {
    let mut manifest = Manifest::from(rows);
    manifest.sort();
    manifest.compact();
    manifest
}

/// Every entry of a patch has a directory above it, or stands at the top.
fn check_depths(section: usize, rows: &Rows) -> Result<(), PatchError> {
    // How deep an entry may stand after the one before it.
    let mut deepest = 0;
    for row in 0..rows.len() as RowId {
        let depth = rows.depth(row);
        if depth > deepest {
            let name = rows.name(row).to_vec();
            return Err(PatchError::Orphan { section, entry: row as usize + 1, name });
        }
        deepest = depth + u32::from(rows.is_dir(row));
    }
    Ok(())
}

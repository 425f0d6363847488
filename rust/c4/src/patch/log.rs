//! What each section of a chain changed.

use std::borrow::Cow;

use super::PatchError;
use super::apply::{check, finished, sections_of};
use crate::C4Id;
use crate::c4m::{ChainState, Manifest};
use crate::diff::{self, Counts};

/// A section of a chain, and the state after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionInfo {
    /// Number of the section, from 1.
    pub index: usize,
    /// ID of the state after the section.
    pub id: C4Id,
    /// What the section changed; nothing for a first state.
    pub changed: Counts,
    /// Whether the section is a first state rather than a patch.
    pub is_base: bool,
    /// Entries of the state after the section.
    pub entries: usize,
    /// Those of them that are directories.
    pub directories: usize,
}

/// The sections of a chain. A manifest that was no chain is one section; an empty one is none.
///
/// The first section of a chain that continues from an external manifest is taken for a first state (as in the reference),
/// unless that manifest is given as `base`. Time and memory are those of the state for each section.
pub fn log(manifest: &Manifest, base: Option<&Manifest>) -> Result<Vec<SectionInfo>, PatchError> {
    let info = |index, state: &Manifest, changed: Option<Counts>| {
        let (is_base, changed) = (changed.is_none(), changed.unwrap_or_default());
        let directories = state.iter().filter(|row| state.rows().is_dir(*row)).count();
        let (id, entries) = (state.compute_id()?, state.len());
        Ok::<_, PatchError>(SectionInfo { index, id, changed, is_base, entries, directories })
    };
    let base = base.filter(|_| manifest.base.is_some());
    if manifest.sections().is_empty() && base.is_none() {
        return if manifest.is_empty() { Ok(Vec::new()) } else { Ok(vec![info(1, manifest, None)?]) };
    }
    let sections = sections_of(manifest)?;
    let mut chain = ChainState::new();
    let mut before: Option<Cow<'_, Manifest>> = None;
    if let Some(base) = base {
        check(base, &sections)?;
        chain.load_manifest(base);
        before = Some(Cow::Borrowed(base));
    }
    let mut infos = Vec::with_capacity(sections.len());
    for (index, section) in (1..).zip(sections.iter()) {
        match before {
            None => chain.load(&section.rows),
            Some(_) => chain.apply(&section.rows),
        }
        let state = finished(chain.to_rows());
        infos.push(info(index, &state, before.as_ref().map(|before| diff::count(before, &state)))?);
        before = Some(Cow::Owned(state));
    }
    Ok(infos)
}

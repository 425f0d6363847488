//! Patches (FORMAT section 9): what turns one manifest into another, as text; and chains of them.
//!
//! | module | what it does |
//! |---|---|
//! | `write` | the patch from one manifest to another |
//! | `apply` | a patch applied; a chain resolved to the state after some section |
//! | `log` | what each section of a chain changed |
//! | `split` | a chain's text cut after a section |

mod apply;
mod log;
mod split;
mod write;

use crate::C4Id;
use crate::c4m::{EncodeError, Manifest, ParseError, shown_name};

pub use apply::{apply, resolve};
pub use log::{SectionInfo, log};
pub use split::split;
pub use write::{PatchForm, patch_diff, patch_diff_as};

/// Whether the directories of all entries are in the manifest: a patch names an entry below them.
fn check_directories(manifest: &Manifest) -> Result<(), EncodeError> {
    let detached = || manifest.iter().find_map(|row| manifest.detached_path(row));
    match manifest.has_detached_paths().then(detached).flatten() {
        Some(path) => Err(EncodeError::Detached(path.to_vec())),
        None => Ok(()),
    }
}

/// Why a patch or a chain gives no manifest. Sections count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The chain continues from a manifest that is not part of it.
    #[error("section {section} continues from {base}, which is not in the text: give that manifest as the base")]
    NoBase {
        /// Number of the section.
        section: usize,
        /// What the text starts from.
        base: Box<C4Id>,
    },
    /// The patch is one of another manifest.
    #[error("section {section} is a patch of {}, the base is {}", ids[0], ids[1])]
    OtherBase {
        /// Number of the section.
        section: usize,
        /// What the patch is for, and the ID of what it was to be applied to.
        ids: Box<[C4Id; 2]>,
    },
    /// An entry stands deeper than any directory above it in the patch.
    #[error("section {section} does not apply: entry {entry}, {}, has no directory above it", shown_name(name))]
    Orphan {
        /// Number of the section.
        section: usize,
        /// Number of the entry in its section, from 1.
        entry: usize,
        /// Its name.
        name: Vec<u8>,
    },
    /// There are fewer sections.
    #[error("cannot split after section {wanted}: the chain has {sections}")]
    TooFewSections {
        /// Section that was asked for.
        wanted: usize,
        /// Sections that there are.
        sections: usize,
    },
    /// The text is no chain.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// An entry has no text form.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

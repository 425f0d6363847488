//! The c4m manifest format: a plain text that describes a file tree, one entry a line.
//!
//! | module | what it holds |
//! |---|---|
//! | `entry`, `mode`, `timestamp` | the values of a line |
//! | `manifest`, `outline` | entries as columns; the tree they describe, its order and paths |
//! | `decoder`, `chain` | text to manifest; patch chains |
//! | `paths`, `from_paths` | the paths of a list; the tree of a list of paths |
//! | `totals` | files and bytes by directory and extension |
//! | `encoder`, `canonical`, `summary` | manifest to text; IDs of manifests and directories; counts |
//! | `safe_name`, `is_print`, `natural_sort`, `sequence`, `zone` | names, order, ranges of numbers, local time |

mod canonical;
mod chain;
mod decoder;
mod encoder;
mod entry;
mod error;
mod from_paths;
mod is_print;
mod manifest;
mod mode;
mod natural_sort;
mod outline;
mod paths;
mod safe_name;
mod sequence;
mod summary;
mod timestamp;
mod totals;
mod zone;

pub(crate) use canonical::one_level_text;
pub use decoder::{LineCheck, decode, decode_in};
pub use encoder::{
    INDENT_WIDTH, encode, encode_pretty, entry_line, indented_entry_line, pretty_entry_line, write_entry_name,
};
pub use entry::{Entry, Flow, Link, NULL_SIZE, Row};
pub use error::{EncodeError, ParseError, ParseErrorKind};
pub use from_paths::{PathsError, from_paths};
pub use manifest::{Field, Manifest, RowId, Rows, Section};
pub use mode::Mode;
pub use natural_sort::{natural_cmp, natural_runs};
pub use outline::Outline;
pub use paths::PathWalk;
pub use safe_name::{escape_field, safe_name, unescape_field, unsafe_name};
pub use sequence::MIN_SEQUENCE;
pub use summary::{Summary, human_size};
pub use timestamp::Timestamp;
pub use totals::{Changes, Totals};
pub use zone::Zone;

//! The c4m manifest format: a plain text that describes a file tree, one entry a line.
//!
//! | module | what it holds |
//! |---|---|
//! | `entry`, `mode`, `timestamp` | the values of a line |
//! | `rows`, `manifest` | entries as columns; a list of them |
//! | `outline`, `preorder` | the tree that a list describes, its order and paths |
//! | `hierarchy`, `listing`, `subtree` | several trees walked side by side; a tree written on such a walk; one directory |
//! | `decoder`, `chain` | text to manifest; patch chains |
//! | `paths`, `from_paths` | the paths of a list; the tree of rows whose names are paths |
//! | `path_list` | texts of paths alone, read and written |
//! | `totals` | files and bytes by directory and extension |
//! | `encoder`, `canonical`, `summary` | manifest to text; IDs of manifests and directories; counts |
//! | `tree_check` | whether a list of entries describes a tree that a directory can be |
//! | `validator` | whether a manifest is sound |
//! | `safe_name`, `is_print`, `natural_sort`, `sequence`, `zone` | names, order, ranges of numbers, local time |

mod canonical;
mod chain;
mod decoder;
mod encoder;
mod entry;
mod error;
mod from_paths;
mod hierarchy;
mod is_print;
mod listing;
mod manifest;
mod mode;
mod natural_sort;
mod outline;
mod path_list;
mod paths;
mod preorder;
mod rows;
mod safe_name;
mod sequence;
mod subtree;
mod summary;
mod timestamp;
mod totals;
mod tree_check;
pub mod validator;
mod zone;

pub(crate) use canonical::one_level_text;
pub(crate) use chain::{ChainState, resolve as resolve_sections};
pub(crate) use decoder::decode_sections;
pub use decoder::{LineCheck, decode, decode_chain, decode_in, decode_joined};
pub use encoder::{
    INDENT_WIDTH, encode, encode_pretty, entry_line, indented_entry_line, pretty_entry_line, write_entry_name,
};
pub(crate) use entry::without_slash;
pub use entry::{Entry, Flow, Link, NULL_SIZE, Row};
pub use error::{EncodeError, ParseError, ParseErrorKind};
pub use from_paths::{PathsError, from_paths};
pub(crate) use hierarchy::{Hierarchy, Node, Siblings, Visitor, walk};
pub(crate) use listing::Listing;
pub use manifest::{Manifest, Order, Section};
pub use mode::Mode;
pub use natural_sort::{natural_cmp, natural_runs};
pub use outline::Outline;
pub(crate) use outline::{Orphans, is_plain_directory};
pub use path_list::{NulInPath, PathEnd, PathWriter, decode_paths};
pub use paths::PathWalk;
pub(crate) use preorder::Preorder;
pub use rows::{Field, RowId, Rows};
pub use safe_name::{escape_field, safe_name, shown_name, unescape_field, unsafe_name};
pub(crate) use sequence::Budget;
pub use sequence::{
    DEFAULT_EXPANSION_LIMIT, FrameNumber, MAX_NUMBER, MIN_SEQUENCE, NumberRange, Sequence, SequenceError,
    is_sequence_name,
};
pub use subtree::DirectoryError;
pub use summary::{Summary, human_size};
pub use timestamp::Timestamp;
pub use totals::{Changes, Totals};
pub use tree_check::{TreeFault, TreeFaultKind};
pub use zone::Zone;

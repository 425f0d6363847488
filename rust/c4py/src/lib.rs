//! `c4py._rust`: the core crate as a Python extension module.
//!
//! Every function here has one shape: convert the arguments, detach from the interpreter, wrap the result. What the
//! package exports is decided in `python/c4py/`; errors become Python's in `errors` alone.

#![allow(clippy::doc_markdown, reason = "the docs of this crate are Python docstrings")]
#![allow(clippy::doc_link_with_quotes, reason = "the docs of this crate are Python docstrings")]
#![allow(clippy::needless_pass_by_value, reason = "Python hands its arguments over")]
#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of a borrowed row names one lifetime, a closure any"
)]

mod arguments;
mod arrow;
mod buffer;
mod decoder;
mod diff;
mod encoder;
mod entries;
mod entry;
mod entry_sequence;
mod entry_view;
mod errors;
mod id;
mod identify;
mod json;
mod manifest;
mod merge;
mod names;
mod patch;
mod path_list;
mod reconcile;
mod scanner;
mod sequence;
mod sets;
mod shared;
mod state;
mod store;
mod store_check;
mod store_port;
mod subtree;
mod validator;
mod verify;
mod views;
mod watch;

use pyo3::prelude::*;

#[pymodule]
mod _rust {
    #[pymodule_export]
    use super::arrow::utf8_name;
    #[pymodule_export]
    use super::decoder::{load_path, loads};
    #[pymodule_export]
    use super::diff::diff;
    #[pymodule_export]
    use super::encoder::{dumps, dumps_bytes, listings};
    #[pymodule_export]
    use super::entries::EntryList;
    #[pymodule_export]
    use super::entry::{Entry, entry_from_state};
    #[pymodule_export]
    use super::entry_view::EntryView;
    #[pymodule_export]
    use super::id::{C4ID, parse, tree_id};
    #[pymodule_export]
    use super::identify::{
        ManifestDetector, canonical_text, identify, identify_bytes, identify_content, identify_file, identify_files,
        verify_file,
    };
    #[pymodule_export]
    use super::json::EntryObjects;
    #[pymodule_export]
    use super::manifest::{Manifest, manifest_from_state};
    #[pymodule_export]
    use super::merge::{Conflict, merge};
    #[pymodule_export]
    use super::names::{
        escape_field, format_mode, format_name, natural_sort_key, parse_mode, safe_name, unescape_field, unsafe_name,
    };
    #[pymodule_export]
    use super::patch::{apply_patch, log_chain, patch_diff, resolve_chain, split_chain};
    #[pymodule_export]
    use super::path_list::{PathBlocks, decode_paths};
    #[pymodule_export]
    use super::reconcile::{Reconciliation, plan_reconciliation};
    #[pymodule_export]
    use super::scanner::{PyScanStats, ScanIssue, scan};
    #[pymodule_export]
    use super::sequence::{Sequence, is_sequence, sequence_from_state};
    #[pymodule_export]
    use super::sets::{difference, intersect, union};
    #[pymodule_export]
    use super::store::TreeStore;
    #[pymodule_export]
    use super::store_check::{StoreIds, store_gc, store_ids, store_stats, store_verify};
    #[pymodule_export]
    use super::store_port::ContentReader;
    #[pymodule_export]
    use super::validator::{validate_manifest, validate_path, validate_text, validation_codes};
    #[pymodule_export]
    use super::verify::{Findings, verify_tree};
    #[pymodule_export]
    use super::views::{change_totals, directory_totals, entry_type, extension_totals, human_size};

    use super::{PyModule, PyModuleMethods as _, PyResult};
    use pyo3::Bound;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let platform = c4_sha512::Platform::forced();
        platform.map_err(|error| pyo3::exceptions::PyImportError::new_err(error.to_string()))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("sha512_platform", c4_sha512::Platform::current().name())
    }
}

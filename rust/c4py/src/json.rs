//! The entries of a manifest as JSON, batch by batch. The document around them is written in `python/c4py/_json.py`,
//! which has the same object of a single entry.
//!
//! All of it is ASCII: what is not is written as `\u` escapes, pairs of them past U+FFFF, and no lone surrogate can occur,
//! since names that are no UTF-8 are in their safe form.

use std::fmt::Write as _;
use std::sync::Arc;

use c4::c4m::{self, PathWalk, Row};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arrow::to_text;
use crate::manifest::Manifest;

/// A batch ends at this many bytes: enough that a call for each costs nothing.
const BATCH_BYTES: usize = 256 << 10;

/// The objects of a manifest's entries with commas between them, as texts that are made when they are asked for.
///
/// They are those of the manifest as it was when this was made, whatever is done to it meanwhile.
#[pyclass(module = "c4py._rust")]
pub(crate) struct EntryObjects {
    manifest: Arc<c4m::Manifest>,
    walk: PathWalk,
    next: usize,
}

#[pymethods]
impl EntryObjects {
    #[new]
    fn new(py: Python<'_>, manifest: &Bound<'_, Manifest>) -> Self {
        Self { manifest: manifest.get().shared.snapshot(py), walk: PathWalk::default(), next: 0 }
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        let text = py.detach(|| self.batch());
        (!text.is_empty()).then(|| PyString::new(py, &text))
    }
}

impl EntryObjects {
    fn batch(&mut self) -> String {
        let mut out = String::new();
        while out.len() < BATCH_BYTES
            && let Some(row) = self.manifest.row_at(self.next)
        {
            if self.next > 0 {
                out.push_str(", ");
            }
            let path = self.walk.path(&self.manifest, self.next);
            push_entry(path.strip_suffix(b"/").unwrap_or(path), &self.manifest.get(row), &mut out);
            self.next += 1;
        }
        out
    }
}

fn push_entry(path: &[u8], entry: &Row<'_>, out: &mut String) {
    out.push_str("{\"path\": ");
    push_text(&to_text(path), out);
    out.push_str(", \"type\": ");
    match entry.type_name() {
        Some(name) => push_text(name, out),
        None => out.push_str("null"),
    }
    push_number("mode", (!entry.mode.is_null()).then(|| entry.mode.bits().into()), out);
    push_number("mtime", (!entry.time.is_null()).then_some(entry.time.0), out);
    push_number("size", (entry.size >= 0).then_some(entry.size), out);
    out.push_str(", \"c4id\": ");
    if entry.id.is_nil() {
        out.push_str("null");
    } else {
        out.push('"');
        out.extend(entry.id.to_text().map(char::from));
        out.push('"');
    }
    out.push_str(", \"target\": ");
    match entry.link.filter(|link| !link.target.is_empty()) {
        Some(link) => push_text(&to_text(&link.target), out),
        None => out.push_str("null"),
    }
    out.push('}');
}

fn push_number(name: &str, value: Option<i64>, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match value {
        Some(value) => write!(out, ", \"{name}\": {value}"),
        None => write!(out, ", \"{name}\": null"),
    };
}

/// Appends a text as `json.dumps` writes it.
fn push_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| !matches!(c, ' '..='~') || matches!(c, '"' | '\\')) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some(c @ ('"' | '\\')) => out.extend(['\\', c]),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

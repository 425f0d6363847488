//! A list of entries that is checked: a manifest's, a section of a text, the last state of a chain.

use std::fmt::Display;

use super::code::Code;
use super::report::{Issue, Report};
use crate::c4m::{Manifest, RowId, without_slash};

/// Most bytes of a path in an issue; there may be as many levels as lines.
const MAX_SHOWN_PATH: usize = 4096;

/// Where the entries of a section stand in a text.
#[derive(Default)]
pub(super) struct Lines {
    /// The line of each entry.
    pub(super) numbers: Vec<usize>,
    /// The column of each name; 0 where it is not known.
    pub(super) columns: Vec<u32>,
    /// The line of the boundary ID above them; 0 without one.
    pub(super) boundary: usize,
}

/// Entries and where they stand.
pub(super) struct Located<'m> {
    pub(super) manifest: &'m Manifest,
    /// `None` for a list in memory: its lines are its places.
    pub(super) lines: Option<&'m Lines>,
}

impl Located<'_> {
    pub(super) fn line(&self, place: usize) -> usize {
        self.lines.map_or(place + 1, |lines| lines.numbers[place])
    }

    /// The place of an entry in words.
    pub(super) fn place_of(&self, place: usize) -> String {
        let what = if self.lines.is_some() { "line" } else { "entry" };
        format!("{what} {}", self.line(place))
    }

    /// Adds an issue of the entry at a place.
    pub(super) fn add(&self, report: &mut Report, code: Code, place: usize, message: impl Display) {
        report.add(code, || Issue {
            code,
            message: message.to_string(),
            line: self.line(place),
            column: None,
            path: Some(self.path(place)),
        });
    }

    /// Adds an issue of the name of the entry at a place.
    pub(super) fn add_name(&self, report: &mut Report, code: Code, place: usize, message: impl Display) {
        let column = self.lines.map(|lines| lines.columns[place] as usize).filter(|column| *column > 0);
        report.add(code, || Issue {
            code,
            message: message.to_string(),
            line: self.line(place),
            column,
            path: Some(self.path(place)),
        });
    }

    /// The end of the path that fits, in steps that the bound limits too.
    fn path(&self, place: usize) -> Vec<u8> {
        let outline = self.manifest.outline();
        let mut parts: Vec<&[u8]> = Vec::new();
        let (mut bytes, mut next) = (0, Some(place));
        while let Some(place) = next.filter(|_| bytes <= MAX_SHOWN_PATH) {
            let Some(row) = self.manifest.row_at(place) else { break };
            let name = self.manifest.detached_path(row).unwrap_or_else(|| self.manifest.rows().name(row));
            let part = if parts.is_empty() { name } else { without_slash(name) };
            bytes += part.len() + 1;
            parts.push(part);
            next = outline.parent(place);
        }
        parts.reverse();
        let mut path = parts.join(&b'/');
        path.drain(..path.len().saturating_sub(MAX_SHOWN_PATH));
        path
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, RowId)> + '_ {
        self.manifest.iter().enumerate()
    }
}

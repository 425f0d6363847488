//! What a validation found.

use std::fmt::Display;

use super::code::{Code, Severity};

/// One thing that is wrong or worth knowing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issue {
    /// Its kind.
    pub code: Code,
    /// What it is, in words; names in it are escaped.
    pub message: String,
    /// Line of the text, or place in the list, from 1; 0 for the manifest as a whole.
    pub line: usize,
    /// Character of the line, from 1, where it is known.
    pub column: Option<usize>,
    /// Path of the entry; one of more than 4,096 bytes is cut off at its start.
    pub path: Option<Vec<u8>>,
}

/// The issues of a manifest, by line.
#[derive(Clone, Default, Debug)]
pub struct Validation {
    /// At most as many of each code as was asked for.
    pub issues: Vec<Issue>,
    /// How many more there are of each code; codes without any are left out.
    pub omitted: Vec<(Code, u64)>,
}

impl Validation {
    /// Whether there is no error.
    pub fn is_valid(&self) -> bool {
        self.issues.iter().all(|issue| issue.code.severity() != Severity::Error)
    }
}

/// Issues as they are found, so many of each code.
pub(super) struct Report {
    limit: usize,
    found: Vec<u64>,
    issues: Vec<Issue>,
}

impl Report {
    /// The first issue of each code is kept in any case.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), found: vec![0; Code::ALL.len()], issues: Vec::new() }
    }

    /// Adds an issue, which is only made if it is kept.
    pub(super) fn add(&mut self, code: Code, issue: impl FnOnce() -> Issue) {
        let found = &mut self.found[code as usize];
        *found += 1;
        if *found <= self.limit as u64 {
            self.issues.push(issue());
        }
    }

    /// Adds an issue of a line, without a path.
    pub(super) fn add_line(&mut self, code: Code, line: usize, column: Option<usize>, message: impl Display) {
        self.add(code, || Issue { code, message: message.to_string(), line, column, path: None });
    }

    /// Whether there is an issue of this code.
    pub(super) fn has(&self, code: Code) -> bool {
        self.found[code as usize] > 0
    }

    /// Takes all issues of a code back.
    pub(super) fn withdraw(&mut self, code: Code) {
        self.found[code as usize] = 0;
        self.issues.retain(|issue| issue.code != code);
    }

    pub(super) fn finish(mut self) -> Validation {
        self.issues.sort_by_key(|issue| (issue.line, issue.column, issue.code));
        let limit = self.limit as u64;
        let omitted = Code::ALL.iter().zip(&self.found).filter(|(_, found)| **found > limit);
        Validation { issues: self.issues, omitted: omitted.map(|(code, found)| (*code, found - limit)).collect() }
    }
}

//! Whether a manifest is sound: everything that can be said of it without a file system.
//!
//! A text is read to its end, whatever its lines are; what a manifest in memory can hold and a text cannot is reported
//! as well. *Errors* are what cannot be read, contradicts itself, or must not touch a file system (FORMAT section 10);
//! *warnings* are what can be used and may surprise: spelling, names that other systems take for one, special modes.
//! [`Code`] lists all of them.
//!
//! Work is in proportion to the text, but for sorting; nothing recurses. Of each code a bounded number of issues is
//! kept and the others are counted. What is not checked: whether IDs are those of any content.

mod code;
mod directories;
mod fields;
mod located;
mod ranges;
mod report;
mod sections;
mod structure;
mod text;

pub use code::{Code, Severity};
pub use report::{Issue, Validation};
pub(crate) use structure::fold_name;

use self::located::{Lines, Located};
use self::ranges::Seen;
use self::report::Report;
use self::sections::{Chain, max_work};
use self::text::Reading;
use super::chain::rows_at;
use super::{Manifest, RowId, Rows};

/// Checks a manifest in memory: its list, its ID lists, and the chain that it was read from.
///
/// Lines are places in the list, from 1; those of a chain are 0, as what was read is not kept as lines. At most `limit`
/// issues of each code are kept, and at least one.
///
/// ```
/// use c4::c4m::validator::{Code, validate};
/// use c4::c4m::{Entry, Manifest};
/// let manifest: Manifest = [Entry::new("../")].into_iter().collect();
/// assert_eq!(validate(&manifest, 1000).issues[0].code, Code::DotName);
/// ```
pub fn validate(manifest: &Manifest, limit: usize) -> Validation {
    let mut report = Report::new(limit);
    let sections = manifest.sections();
    if !sections.is_empty() {
        let chain = Chain {
            sections,
            lines: None,
            external_base: manifest.base.is_some(),
            is_complete: true,
            max_work: max_work(sections),
        };
        sections::check(&chain, &mut report);
    }
    let located = Located { manifest, lines: None };
    let mut seen = Seen::default();
    check_list(&located, manifest, &mut seen, &mut report);
    check_state(&located, &mut report);
    for section in sections {
        seen.used.extend((0..section.rows.len() as RowId).map(|row| *section.rows.id(row)));
    }
    ranges::check_unused(manifest.range_data().keys().map(|id| (id, 0)), &seen.used, &mut report);
    report.finish()
}

/// Checks a text: lines that do not parse, how lines are spelled, and then what they say.
///
/// ```
/// use c4::c4m::validator::{Code, validate_text};
/// let found = validate_text(b"- - - a -\n- - - a/b -\n- - - a -\n", 1000);
/// let codes: Vec<(usize, Code)> = found.issues.iter().map(|issue| (issue.line, issue.code)).collect();
/// assert_eq!(codes, [(2, Code::SlashInName), (3, Code::DuplicateName)]);
/// ```
pub fn validate_text(text: &[u8], limit: usize) -> Validation {
    let mut report = Report::new(limit);
    let mut reading = text::read(text, &mut report);
    let is_chain = reading.sections.len() > 1;
    let last_state = is_chain.then(|| check_chain(&reading, &mut report));
    let mut seen = Seen::default();
    for (section, lines) in reading.sections.drain(..).zip(&reading.lines) {
        let manifest = with_base(section.rows, &reading.head);
        let located = Located { manifest: &manifest, lines: Some(lines) };
        check_list(&located, &reading.head, &mut seen, &mut report);
        if is_chain {
            structure::check_names(&located, false, &mut report);
        } else {
            check_state(&located, &mut report);
        }
    }
    if let Some((manifest, lines)) = last_state {
        check_state(&Located { manifest: &manifest, lines: Some(&lines) }, &mut report);
    }
    ranges::check_unused(reading.lists.iter().map(|(id, line)| (id, *line)), &seen.used, &mut report);
    report.finish()
}

/// Checks the chain of a text; returns its last state and where the entries of that stand.
fn check_chain(reading: &Reading, report: &mut Report) -> (Manifest, Lines) {
    let sections = &reading.sections;
    let chain = Chain {
        sections,
        lines: Some(&reading.lines),
        external_base: reading.head.base.is_some(),
        is_complete: reading.is_complete,
        max_work: max_work(sections),
    };
    let places = sections::check(&chain, report);
    let mut lines = Lines::default();
    for place in &places {
        let section = &reading.lines[place.source as usize];
        lines.numbers.push(section.numbers[place.row as usize]);
        lines.columns.push(section.columns[place.row as usize]);
    }
    (with_base(rows_at(sections, &places), &reading.head), lines)
}

fn with_base(rows: Rows, head: &Manifest) -> Manifest {
    let mut manifest = Manifest::from(rows);
    manifest.base = head.base;
    manifest
}

/// Checks that hold for any list of entries, a patch as well.
fn check_list(located: &Located<'_>, head: &Manifest, seen: &mut Seen, report: &mut Report) {
    fields::check(located, report);
    structure::check_order(located, report);
    ranges::check(located, head.range_data(), seen, report);
}

/// Checks of a list that is a whole state.
fn check_state(located: &Located<'_>, report: &mut Report) {
    structure::check_names(located, true, report);
    ranges::check_members(located, report);
    directories::check(located, report);
}

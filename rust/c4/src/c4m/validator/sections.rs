//! Checks of a patch chain: what its boundary IDs say, and what its entries change.

use super::code::Code;
use super::located::Lines;
use super::report::Report;
use crate::C4Id;
use crate::c4m::chain::{ChainState, Place, rows_at};
use crate::c4m::{Manifest, Section};

/// Entries that may be read to compute the IDs between sections, whatever the text is, and for each entry of the text.
/// Ten thousand sections over a top level of a thousand entries are within it, a hundred thousand are not: the later
/// links are not checked then, and this is said.
const LINK_WORK: usize = 1 << 23;
const LINK_WORK_PER_ENTRY: usize = 16;
/// Bytes of names that are as much work as an entry.
const NAME_BYTES: usize = 256;

/// A chain, and where its lines stand; without lines for one in memory.
pub(super) struct Chain<'c> {
    pub(super) sections: &'c [Section],
    pub(super) lines: Option<&'c [Lines]>,
    /// Whether the first state lies elsewhere.
    pub(super) external_base: bool,
    /// Whether all lines of the text were read, so that the states between sections are known.
    pub(super) is_complete: bool,
    /// Entries that may be read to compute the IDs between sections.
    pub(super) max_work: usize,
}

/// The work that a chain may take.
pub(super) fn max_work(sections: &[Section]) -> usize {
    let entries: usize = sections.iter().map(|section| section.rows.len()).sum();
    LINK_WORK + LINK_WORK_PER_ENTRY * entries
}

/// Checks a chain; returns where the entries of its last state stand.
pub(super) fn check(chain: &Chain<'_>, report: &mut Report) -> Vec<Place> {
    let sections = chain.sections;
    let mut state = ChainState::new();
    // With all sizes and times of directories known, only the top decides an ID.
    let top_only = sections.iter().all(|section| {
        let rows = &section.rows;
        (0..rows.len() as u32).all(|row| !rows.is_dir(row) || (rows.size(row) >= 0 && !rows.time(row).is_null()))
    });
    let (mut work, mut unchecked) = (0, Unchecked::default());
    for (index, section) in sections.iter().enumerate() {
        let line = |row: Option<u32>| {
            chain.lines.map_or(0, |lines| row.map_or(lines[index].boundary, |row| lines[index].numbers[row as usize]))
        };
        if index == 0 {
            state.load(&section.rows);
            continue;
        }
        if let Some(boundary) = section.boundary.filter(|_| chain.is_complete) {
            if chain.external_base || work > chain.max_work {
                unchecked.add(line(None));
            } else if let Some(id) = state_id(&state, sections, top_only, &mut work)
                && id != boundary
            {
                let message = format_args!("the ID above section {} is not that of what stands above, {id}", index + 1);
                report.add_line(Code::ChainLink, line(None), None, message);
            }
        }
        state.apply_and_tell(&section.rows, |row| {
            let message = format_args!("section {} removes the directory above this entry", index + 1);
            report.add_line(Code::PatchBelowRemoval, line(Some(row)), None, message);
        });
    }
    unchecked.report(chain.external_base, report);
    state.places()
}

/// Links that were not checked, as one issue.
#[derive(Default)]
struct Unchecked {
    count: usize,
    first_line: usize,
}

impl Unchecked {
    fn add(&mut self, line: usize) {
        if self.count == 0 {
            self.first_line = line;
        }
        self.count += 1;
    }

    fn report(&self, external_base: bool, report: &mut Report) {
        if self.count > 0 {
            let reason = if external_base { "the base is external" } else { "the chain is too long" };
            let message = format_args!("boundary IDs not checked, from here on: {}; {reason}", self.count);
            report.add_line(Code::UncheckedLink, self.first_line, None, message);
        }
    }
}

/// The ID of a state; `None` if it has none.
fn state_id(state: &ChainState<'_>, sections: &[Section], top_only: bool, work: &mut usize) -> Option<C4Id> {
    // Without anything at the top the ID is that of orphans.
    let top_places = if top_only { state.top_places() } else { Vec::new() };
    let places = if top_places.is_empty() { state.places() } else { top_places };
    // Names are copied: long ones count by their length.
    let rows = rows_at(sections, &places);
    *work += places.len() + rows.name_bytes() / NAME_BYTES;
    Manifest::from(rows).compute_id().ok()
}

#[cfg(test)]
mod tests {
    use super::super::report::Validation;
    use super::*;
    use crate::c4m::decode;

    #[test]
    fn links_beyond_the_allowed_work_are_reported_as_not_checked() {
        let id = C4Id::of(b"other");
        let section = format!("{id}\n- - 1 a -\n{id}\n- - 2 a -\n");
        let chain = decode(format!("- - 0 a -\n- - 0 b -\n{}", section.repeat(10)).as_bytes()).unwrap();
        let found = |max_work| -> Validation {
            let mut report = Report::new(100);
            let sections = chain.sections();
            check(&Chain { sections, lines: None, external_base: false, is_complete: true, max_work }, &mut report);
            report.finish()
        };
        let count = |found: &Validation, code| found.issues.iter().filter(|issue| issue.code == code).count();
        let (all, some) = (found(max_work(chain.sections())), found(9));
        assert_eq!((count(&all, Code::ChainLink), count(&all, Code::UncheckedLink)), (20, 0));
        // Five states of two entries each were read.
        assert_eq!((count(&some, Code::ChainLink), count(&some, Code::UncheckedLink)), (5, 1));
        assert!(some.issues.iter().any(|issue| issue.message.contains(": 15; the chain is too long")), "{some:?}");
    }
}

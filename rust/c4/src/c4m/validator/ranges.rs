//! Checks of sequences and their ID lists. A range is counted, never expanded.

use std::collections::{BTreeMap, HashSet};

use super::code::Code;
use super::located::Located;
use super::report::Report;
use crate::C4Id;
use crate::c4m::sequence::Budget;
use crate::c4m::{Sequence, is_sequence_name};

/// Members above which a sequence is reported: more than a directory of frames ever has.
const MANY_MEMBERS: u64 = 10_000_000;

/// What the checks of all lists have in common.
#[derive(Default)]
pub(super) struct Seen {
    /// ID lists that entries refer to.
    pub(super) used: HashSet<C4Id>,
    /// What may be spent on ranges that interleave, of all lines together.
    budget: Budget,
}

/// Checks the sequences of a list; adds the ID lists that its entries refer to.
pub(super) fn check(located: &Located<'_>, lists: &BTreeMap<C4Id, Vec<C4Id>>, seen: &mut Seen, report: &mut Report) {
    for (place, row) in located.rows() {
        let entry = located.manifest.get(row);
        let list = lists.get(entry.id);
        if list.is_some() {
            seen.used.insert(*entry.id);
        }
        if !entry.is_sequence || !is_sequence_name(entry.name) {
            continue;
        }
        let sequence = match Sequence::parse_within(entry.name, &mut seen.budget) {
            Ok(sequence) => sequence,
            Err(problem) => {
                located.add_name(report, Code::SequenceRange, place, problem);
                continue;
            }
        };
        let count = sequence.count();
        if count > MANY_MEMBERS {
            located.add_name(report, Code::HugeSequence, place, format_args!("the sequence has {count} members"));
        }
        if let Some(list) = list
            && list.len() as u64 != count
        {
            let message = format_args!("the sequence has {count} members, its ID list {} IDs", list.len());
            located.add(report, Code::ListLength, place, message);
        }
    }
}

/// Reports lists that no entry refers to, with their line where there is one.
pub(super) fn check_unused<'i>(
    lists: impl Iterator<Item = (&'i C4Id, usize)>,
    used: &HashSet<C4Id>,
    report: &mut Report,
) {
    for (id, line) in lists.filter(|(id, _)| !used.contains(*id)) {
        report.add_line(Code::UnusedList, line, None, format_args!("no entry refers to the ID list {id}"));
    }
}

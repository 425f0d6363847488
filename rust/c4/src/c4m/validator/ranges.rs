//! Checks of sequences and their ID lists. A range is counted, never expanded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::code::Code;
use super::fields::MAX_NAME_BYTES;
use super::located::Located;
use super::report::Report;
use crate::C4Id;
use crate::c4m::sequence::Budget;
use crate::c4m::{Sequence, is_sequence_name, without_slash};

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

/// The directory of names, and what is before and after the number in them.
type AroundNumber = (Option<usize>, Vec<u8>, Vec<u8>);

/// Entries of a state that a sequence beside them stands for as well. Two sequences are not compared.
pub(super) fn check_members(located: &Located<'_>, report: &mut Report) {
    let manifest = located.manifest;
    let outline = manifest.outline();
    let mut budget = Budget::default();
    let mut sequences: HashMap<AroundNumber, Vec<(usize, Sequence)>> = HashMap::new();
    for (place, row) in located.rows() {
        let entry = manifest.get(row);
        if entry.is_sequence
            && let Ok(sequence) = Sequence::parse_within(without_slash(entry.name), &mut budget)
        {
            let key = (outline.parent(place), sequence.prefix().to_vec(), sequence.suffix().to_vec());
            sequences.entry(key).or_default().push((place, sequence));
        }
    }
    if sequences.is_empty() {
        return;
    }
    for (place, row) in located.rows() {
        let entry = manifest.get(row);
        let name = without_slash(entry.name);
        if entry.is_sequence || name.len() > MAX_NAME_BYTES {
            continue;
        }
        let found = numbers_in(name).find_map(|number| {
            let key = (outline.parent(place), name[..number.start].to_vec(), name[number.end..].to_vec());
            let is_member = |(_, sequence): &&(usize, Sequence)| {
                sequence.number_of(name).is_some_and(|number| sequence.contains(number))
            };
            sequences.get(&key)?.iter().find(is_member).map(|(place, _)| *place)
        });
        if let Some(other) = found {
            let is_link = manifest.row_at(other).is_some_and(|row| manifest.get(row).is_symlink());
            let code = if is_link && entry.is_dir() { Code::ThroughSymlink } else { Code::DuplicateName };
            let message = format_args!("the sequence of {} stands for this name as well", located.place_of(other));
            located.add_name(report, code, place, message);
        }
    }
}

/// Where numbers stand in a name, each with and without a sign before it.
fn numbers_in(name: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let starts =
        (0..name.len()).filter(|at| name[*at].is_ascii_digit() && (*at == 0 || !name[at - 1].is_ascii_digit()));
    starts.flat_map(|start| {
        let end = start + name[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let signed = (start > 0 && name[start - 1] == b'-').then(|| start - 1..end);
        [Some(start..end), signed].into_iter().flatten()
    })
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

//! Checks of sequences and their ID lists. A range is counted, never expanded.

use std::collections::{BTreeMap, HashSet};

use super::code::Code;
use super::listing::Listing;
use super::report::Report;
use crate::C4Id;
use crate::c4m::sequence::find_range;

/// Members above which a sequence is reported: more than a directory of frames ever has.
const MANY_MEMBERS: u128 = 10_000_000;

/// Checks the sequences of a list; adds the ID lists that its entries refer to.
pub(super) fn check(
    listing: &Listing<'_>,
    lists: &BTreeMap<C4Id, Vec<C4Id>>,
    used: &mut HashSet<C4Id>,
    report: &mut Report,
) {
    for (place, row) in listing.rows() {
        let entry = listing.manifest.get(row);
        let list = lists.get(entry.id);
        if list.is_some() {
            used.insert(*entry.id);
        }
        let Some(range) = find_range(entry.name).filter(|_| entry.is_sequence) else { continue };
        let parts = match parse_range(&entry.name[range.start + 1..range.end - 1]) {
            Ok(parts) => parts,
            Err(problem) => {
                listing.add_name(report, Code::SequenceRange, place, problem);
                continue;
            }
        };
        let count: u128 = parts.iter().map(Part::count).sum();
        if count > MANY_MEMBERS {
            listing.add_name(report, Code::HugeSequence, place, format_args!("the sequence has {count} members"));
        }
        // Of parts that overlap the members are not counted.
        if let Some(list) = list
            && parts.is_sorted_by(|a, b| a.end < b.start)
            && list.len() as u128 != count
        {
            let message = format_args!("the sequence has {count} members, its ID list {} IDs", list.len());
            listing.add(report, Code::ListLength, place, message);
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

/// `start-end:step`; one number is a range of its own.
struct Part {
    start: i64,
    end: i64,
    step: i64,
}

impl Part {
    fn count(&self) -> u128 {
        u128::from(self.start.abs_diff(self.end) / self.step.unsigned_abs()) + 1
    }
}

/// The parts of a range, by their first number.
fn parse_range(text: &[u8]) -> Result<Vec<Part>, &'static str> {
    let mut parts = text.split(|byte| *byte == b',').map(parse_part).collect::<Result<Vec<Part>, _>>()?;
    parts.sort_by_key(|part| part.start);
    Ok(parts)
}

fn parse_part(text: &[u8]) -> Result<Part, &'static str> {
    let number = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        text.ok_or("a part of the range is not a number below 2^63")
    };
    let (range, step) = match memchr::memchr(b':', text) {
        Some(colon) => (&text[..colon], number(&text[colon + 1..])?),
        None => (text, 1),
    };
    // A dash at the start is a sign.
    let dash = range.iter().skip(1).position(|byte| *byte == b'-');
    let (start, end) = match dash {
        Some(dash) => (number(&range[..=dash])?, number(&range[dash + 2..])?),
        None => (number(range)?, number(range)?),
    };
    if step < 1 {
        return Err("the step of the range is below 1");
    }
    if start > end {
        return Err("the range is reversed");
    }
    Ok(Part { start, end, step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_counted_whatever_their_numbers() {
        for (text, count) in [
            ("1", 1),
            ("-5", 1),
            ("-5--3", 3),
            ("0001-0100", 100),
            ("1-10:3", 4),
            ("1-10:20", 1),
            ("1,3,5-6", 4),
            ("-9223372036854775808-9223372036854775807", 1 << 64),
        ] {
            let parts = parse_range(text.as_bytes()).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(parts.iter().map(Part::count).sum::<u128>(), count, "{text}");
        }
    }

    #[test]
    fn ranges_that_name_nothing_are_refused() {
        for text in ["", ",", "-", "1-", "1,", ":2", "1-3:", "1-3:0", "1-3:-1", "5-3", "1--3", "9223372036854775808"] {
            assert!(parse_range(text.as_bytes()).is_err(), "{text}");
        }
    }
}

//! Sequences: names that hold a range of numbers and stand for several files, as `frame.[0001-0100].exr`.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::entry::{Entry, Link};
use super::manifest::{Manifest, RowId};
use super::mode::Mode;
use super::timestamp::Timestamp;
use crate::C4Id;

/// Where the first range stands in a decoded name: a bracket, digits and `-`, `,` or `:`, a bracket.
pub(crate) fn find_range(name: &[u8]) -> Option<Range<usize>> {
    memchr::memchr_iter(b'[', name).find_map(|open| range_at(name, open))
}

/// Whether a name as written holds a range whose brackets are not escaped.
pub(crate) fn is_sequence_field(field: &[u8]) -> bool {
    memchr::memchr_iter(b'[', field).any(|open| {
        let backslashes = field[..open].iter().rev().take_while(|byte| **byte == b'\\').count();
        backslashes % 2 == 0 && range_at(field, open).is_some()
    })
}

fn range_at(name: &[u8], open: usize) -> Option<Range<usize>> {
    let inside = name[open + 1..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b',' | b':')).count();
    let close = open + 1 + inside;
    (inside > 0 && name.get(close) == Some(&b']')).then_some(open..close + 1)
}

/// Fewest members that fold into a sequence by default.
pub const MIN_SEQUENCE: usize = 3;

/// Target of a sequence of links whose targets are no sequence themselves.
const MIXED_TARGETS: &[u8] = b"...";

impl Manifest {
    /// Folds numbered files of one directory into sequences of at least `min_length` (and 2) consecutive members.
    ///
    /// The first number of a name counts; members agree in the text around it and in its count of digits. A run with a
    /// member that has no ID stays as it is, unless it is one of links. The IDs of the members are kept as range data.
    /// So does one whose range is the name of another entry. Directories keep their IDs and sizes. The list is put in canonical order.
    pub fn fold_sequences(&mut self, min_length: usize) {
        let mut groups: HashMap<GroupKey, Vec<(i64, usize)>> = HashMap::new();
        for (place, row) in self.iter().enumerate() {
            let entry = self.get(row);
            if entry.is_dir() || entry.is_sequence {
                continue;
            }
            if let Some(number) = Number::first_in(entry.name) {
                let key = GroupKey {
                    parent: self.outline().parent(place),
                    is_symlink: entry.is_symlink(),
                    prefix: number.prefix.to_vec(),
                    suffix: number.suffix.to_vec(),
                    digits: number.digits.len(),
                };
                groups.entry(key).or_default().push((number.value, place));
            }
        }
        // Names that a range could have already.
        let taken: HashSet<(Option<usize>, Vec<u8>)> = (0..)
            .zip(self.iter())
            .filter(|(_, row)| self.get(*row).name.contains(&b'['))
            .map(|(place, row)| (self.outline().parent(place), self.get(row).name.to_vec()))
            .collect();
        let mut groups: Vec<(GroupKey, Vec<(i64, usize)>)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, members)| members[0].1);
        let rows: Vec<RowId> = self.iter().collect();
        // The sequence that stands in the place of its first member; the other members are left out.
        let mut folded: HashMap<RowId, Option<RowId>> = HashMap::new();
        for (key, mut members) in groups {
            members.sort_unstable();
            for run in members.chunk_by(|(a, _), (b, _)| a + 1 == *b) {
                let run_rows: Vec<RowId> = run.iter().map(|(_, place)| rows[*place]).collect();
                let has_ids = key.is_symlink || run_rows.iter().all(|row| !self.rows().id(*row).is_nil());
                let name = range_name(&key.prefix, run[0].0, run[run.len() - 1].0, key.digits, &key.suffix);
                if run.len() >= min_length.max(2) && has_ids && !taken.contains(&(key.parent, name)) {
                    let sequence = self.fold(&key, run[0].0, run[run.len() - 1].0, &run_rows);
                    folded.extend(run_rows.iter().map(|row| (*row, None)));
                    folded.insert(run_rows[0], Some(sequence));
                }
            }
        }
        if !folded.is_empty() {
            let order = rows.into_iter().filter_map(|row| folded.get(&row).copied().unwrap_or(Some(row))).collect();
            self.replace_order(order);
            self.sort();
            self.compact();
        }
    }

    fn fold(&mut self, key: &GroupKey, first: i64, last: i64, members: &[RowId]) -> RowId {
        let rows = self.rows();
        let ids: Vec<C4Id> = members.iter().map(|row| *rows.id(*row)).collect();
        let members: Vec<Entry> = members.iter().map(|row| rows.get(*row).to_entry()).collect();
        let permissions = members.iter().map(|member| member.mode.bits() & 0o777).min().unwrap_or(0);
        let target = if key.is_symlink { folded_target(&members) } else { Vec::new() };
        let entry = Entry {
            mode: Mode::from_bits(members[0].mode.bits() & 0o170_000 | permissions),
            time: members.iter().map(|member| member.time).max().unwrap_or(Timestamp::NULL),
            // As in the reference an unknown size counts as -1.
            size: members.iter().fold(0, |sum: i64, member| sum.wrapping_add(member.size)),
            id: self.add_range(ids),
            depth: members[0].depth,
            link: Link { target, ..Link::default() },
            is_sequence: true,
            ..Entry::new(range_name(&key.prefix, first, last, key.digits, &key.suffix))
        };
        self.add_row(&entry.as_row())
    }
}

/// What members of one sequence have in common.
#[derive(PartialEq, Eq, Hash)]
struct GroupKey {
    parent: Option<usize>,
    is_symlink: bool,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    digits: usize,
}

/// The first number of a name, and what is around it.
struct Number<'n> {
    prefix: &'n [u8],
    digits: &'n [u8],
    suffix: &'n [u8],
    value: i64,
}

impl<'n> Number<'n> {
    fn first_in(name: &'n [u8]) -> Option<Self> {
        let start = name.iter().position(u8::is_ascii_digit)?;
        let length = name[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (prefix, rest) = name.split_at(start);
        let (digits, suffix) = rest.split_at(length);
        let value = std::str::from_utf8(digits).ok()?.parse().ok()?;
        // The reference looks for numbers with a pattern that no line end matches.
        (!name.contains(&b'\n')).then_some(Self { prefix, digits, suffix, value })
    }
}

fn range_name(prefix: &[u8], first: i64, last: i64, digits: usize, suffix: &[u8]) -> Vec<u8> {
    [prefix, format!("[{first:0digits$}-{last:0digits$}]").as_bytes(), suffix].concat()
}

/// The targets of links as one: a range where they differ in their first number alone.
fn folded_target(members: &[Entry]) -> Vec<u8> {
    let numbers: Option<Vec<Number<'_>>> = members.iter().map(|member| Number::first_in(&member.link.target)).collect();
    match numbers.as_deref() {
        Some([first, .., last]) => {
            let alike = |number: &Number<'_>| {
                (number.prefix, number.suffix, number.digits.len()) == (first.prefix, first.suffix, first.digits.len())
            };
            if numbers.iter().flatten().all(alike) {
                range_name(first.prefix, first.value, last.value, first.digits.len(), first.suffix)
            } else {
                MIXED_TARGETS.to_vec()
            }
        }
        _ => MIXED_TARGETS.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_bracket_opens_no_range() {
        for (field, is_sequence) in [
            ("f.[1-2]", true),
            (r"f.\[1-2]", false),
            (r"f.\[1-2\]", false),
            (r"f.[1-2\]", false),
            (r"f\\[1-2]", true),
            ("f.[]", false),
            ("f.[a].[,]", true),
            ("f[[1]", true),
        ] {
            assert_eq!(is_sequence_field(field.as_bytes()), is_sequence, "{field}");
        }
    }
}

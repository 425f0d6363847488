//! Sequences: names that hold a range of numbers and stand for several files, as `frame.[0001-0100].exr` (FORMAT:
//! sequences).
//!
//! | module | what it does |
//! |---|---|
//! | `numbers` | sets of numbers as ranges with steps: read, unite, write, find what is missing |
//! | `pattern` | [`Sequence`], one name with a range |
//! | `notation` | the forms of other tools: `%04d`, `####`, `@@@@`, `$F4` |
//! | `family` | which files of a manifest are numbered alike |
//! | `fold`, `expand`, `missing` | what is done to a manifest |
//!
//! A range may say any number, so nothing here takes memory or time in proportion to one: what stands for many names is
//! counted first, and refused beyond a limit.

mod error;
mod expand;
mod family;
mod fold;
mod missing;
mod notation;
mod numbers;
mod pattern;

use std::ops::Range;

pub use error::SequenceError;
pub use expand::DEFAULT_EXPANSION_LIMIT;
pub use family::FrameNumber;
pub use fold::MIN_SEQUENCE;
pub(crate) use numbers::Budget;
pub use numbers::{MAX_NUMBER, NumberRange};
pub use pattern::Sequence;

/// Where the first range stands in a decoded name: a bracket, digits and `-`, `,` or `:`, a bracket.
pub(crate) fn find_range(name: &[u8]) -> Option<Range<usize>> {
    memchr::memchr_iter(b'[', name).find_map(|open| range_at(name, open))
}

/// Whether a decoded name holds something in brackets that is read as a range.
pub fn is_sequence_name(name: &[u8]) -> bool {
    find_range(name).is_some()
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

/// Target of a sequence of links whose targets are no sequence themselves.
const MIXED_TARGETS: &[u8] = b"...";

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

    #[test]
    fn many_opening_brackets_are_looked_at_once_each() {
        assert_eq!(find_range(&vec![b'['; 1 << 20]), None);
    }
}

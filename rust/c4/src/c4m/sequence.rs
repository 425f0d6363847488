//! Sequences: names that hold a range of numbers and stand for several files, as `frame.[0001-0100].exr`.

use std::ops::Range;

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

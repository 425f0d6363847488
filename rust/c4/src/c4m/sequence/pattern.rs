//! One name with a range: what it stands for.

use std::fmt;

use super::error::SequenceError;
use super::expand::Allowance;
use super::find_range;
use super::numbers::{Budget, NumberRange, parse_list, parse_number, unite, write_list, write_number};

/// A pattern such as `frame.[0001-0100:2].exr`: the text around a number, and the numbers.
///
/// The first brackets that can be a range are it. Numbers are padded with zeros to the width of the first one that is
/// written. No number occurs twice; the ranges are in the order of their starts, the numbers in the order of the ranges.
///
/// ```
/// use c4::c4m::Sequence;
/// let sequence = Sequence::parse(b"f.[008-010,20].exr").unwrap();
/// assert_eq!(sequence.count(), 4);
/// assert_eq!(sequence.name(10), b"f.010.exr");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Sequence {
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    padding: usize,
    ranges: Vec<NumberRange>,
}

impl Sequence {
    /// Reads a decoded name.
    pub fn parse(name: &[u8]) -> Result<Self, SequenceError> {
        Self::parse_within(name, &mut Budget::default())
    }

    /// As [`Sequence::parse`], with what is left of a budget for ranges that interleave.
    pub(crate) fn parse_within(name: &[u8], budget: &mut Budget) -> Result<Self, SequenceError> {
        let range = find_range(name).ok_or_else(|| SequenceError::NoRange(name.to_vec()))?;
        let list = &name[range.start + 1..range.end - 1];
        let ranges = parse_list(list, b':')?;
        Ok(Self {
            prefix: name[..range.start].to_vec(),
            suffix: name[range.end..].to_vec(),
            padding: first_number_length(list),
            ranges: unite(ranges, budget).ok_or_else(|| Budget::exceeded(name.to_vec()))?,
        })
    }

    /// A sequence of numbers padded to a width, which may lie in any order and overlap.
    pub fn new(
        prefix: impl Into<Vec<u8>>,
        suffix: impl Into<Vec<u8>>,
        padding: usize,
        ranges: Vec<NumberRange>,
    ) -> Result<Self, SequenceError> {
        let (prefix, suffix) = (prefix.into(), suffix.into());
        let name = || [&prefix[..], b"[]", &suffix].concat();
        if ranges.is_empty() {
            return Err(SequenceError::NoFrames(name()));
        }
        let ranges = unite(ranges, &mut Budget::default()).ok_or_else(|| Budget::exceeded(name()))?;
        Ok(Self::of_united(prefix, suffix, padding, ranges))
    }

    /// A sequence of ranges that are united already, and at least one.
    pub(super) fn of_united(prefix: Vec<u8>, suffix: Vec<u8>, padding: usize, ranges: Vec<NumberRange>) -> Self {
        Self { prefix, suffix, padding: padding.max(1), ranges }
    }

    /// The text before the number.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The text after the number.
    pub fn suffix(&self) -> &[u8] {
        &self.suffix
    }

    /// How many characters a number has at least.
    pub fn padding(&self) -> usize {
        self.padding
    }

    /// The numbers, at least one.
    pub fn ranges(&self) -> &[NumberRange] {
        &self.ranges
    }

    /// How many names there are.
    pub fn count(&self) -> u64 {
        // No number is twice in the ranges, and there are no more numbers than these.
        self.ranges.iter().map(NumberRange::count).sum()
    }

    /// Whether a number is one of the sequence.
    pub fn contains(&self, number: i64) -> bool {
        self.ranges.iter().any(|range| range.contains(number))
    }

    /// The numbers, range by range.
    pub fn numbers(&self) -> impl Iterator<Item = i64> + '_ {
        self.ranges.iter().flat_map(|range| range.iter())
    }

    /// The number at an index.
    pub fn nth(&self, mut index: u64) -> Option<i64> {
        for range in &self.ranges {
            match index.checked_sub(range.count()) {
                Some(rest) => index = rest,
                None => return Some(range.nth(index)),
            }
        }
        None
    }

    /// The name with a number, one of the sequence or not.
    pub fn name(&self, number: i64) -> Vec<u8> {
        let mut name = Vec::with_capacity(self.name_length());
        self.write_name(number, &mut name);
        name
    }

    /// Appends the name with a number.
    pub(super) fn write_name(&self, number: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.prefix);
        write_number(number, self.padding, out);
        out.extend_from_slice(&self.suffix);
    }

    /// The number in a name of this form, whether the sequence has that number or not.
    pub fn number_of(&self, name: &[u8]) -> Option<i64> {
        let number = parse_number(name.strip_prefix(&self.prefix[..])?.strip_suffix(&self.suffix[..])?).ok()?;
        // One number has one name: `1` is not `0001`, and `-0` nothing.
        (self.name(number) == name).then_some(number)
    }

    /// The most bytes that a name has.
    pub(super) fn name_length(&self) -> usize {
        const LONGEST_NUMBER: usize = "-9223372036854775808".len();
        self.prefix.len() + self.padding.max(LONGEST_NUMBER) + self.suffix.len()
    }

    /// All names, unless there are more than a limit.
    pub fn expand(&self, limit: u64) -> Result<Vec<Vec<u8>>, SequenceError> {
        Allowance::new(limit).take(self.count(), self.name_length(), || self.to_name())?;
        Ok(self.numbers().map(|number| self.name(number)).collect())
    }

    /// The pattern as a name.
    pub fn to_name(&self) -> Vec<u8> {
        let mut name = self.prefix.clone();
        name.push(b'[');
        write_list(&self.ranges, self.padding, ":", &mut name);
        name.push(b']');
        name.extend_from_slice(&self.suffix);
        name
    }

    /// The numbers as artists write them: `1001-1010x2,1015`.
    pub fn frames(&self) -> String {
        let mut text = Vec::new();
        write_list(&self.ranges, 1, "x", &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_name()))
    }
}

/// Characters of the first number of a list, with its sign.
fn first_number_length(list: &[u8]) -> usize {
    let after_sign = list.iter().skip(1).position(|byte| !byte.is_ascii_digit());
    after_sign.map_or(list.len(), |length| length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> Sequence {
        Sequence::parse(name.as_bytes()).unwrap()
    }

    #[test]
    fn a_name_is_a_member_by_its_number_and_its_padding() {
        let sequence = parse("f.[0098-0102:2].exr");
        let number = |name: &str| sequence.number_of(name.as_bytes());
        assert_eq!(number("f.0100.exr"), Some(100));
        assert_eq!(number("f.0099.exr"), Some(99));
        assert_eq!(number("f.10000.exr"), Some(10000));
        for other in ["f.100.exr", "f.00100.exr", "f.+100.exr", "f..exr", "f.-.exr", "f.exr", "g.0100.exr", ""] {
            assert_eq!(number(other), None, "{other}");
        }
        assert_eq!(parse("[1-3]1").number_of(b"1"), None);
    }

    #[test]
    fn what_is_no_range_is_refused_and_shown_safely() {
        for (name, message) in [
            ("f.exr", "f.exr holds no range such as [0001-0100]"),
            ("\u{1b}[2J", "¤⠛¤[2J holds no range such as [0001-0100]"),
            ("f[5-3]", "the range 5-3 is reversed"),
            ("f[1-10:0]", "a step is a number from 1 on, not \"0\""),
            ("f[1-10:0,20]", "a step is a number from 1 on, not \"0\""),
            ("f[1-10:-2]", "a step is a number from 1 on, not \"-2\""),
            ("f[1-9223372036854775807]", "not a number up to 9223372036854775806: \"9223372036854775807\""),
            ("f[1,,2]", "not a number up to 9223372036854775806: \"\""),
        ] {
            assert_eq!(Sequence::parse(name.as_bytes()).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn indexes_count_through_the_ranges() {
        let sequence = parse("f[1-5:2,10,20-21]");
        assert_eq!((0..7).map(|index| sequence.nth(index)).collect::<Vec<_>>(), {
            [Some(1), Some(3), Some(5), Some(10), Some(20), Some(21), None]
        });
        assert_eq!(parse("f[0-9223372036854775806]").nth(i64::MAX as u64 - 1), Some(i64::MAX - 1));
    }

    #[test]
    fn a_short_text_never_expands_to_more_than_the_limit() {
        let bomb = parse("f[0-999999999]");
        assert_eq!(
            bomb.expand(1000).unwrap_err().to_string(),
            "f[0-999999999] stands for 1000000000 names, more than the limit of 1000"
        );
        let wide = Sequence::parse(format!("f[{}1-9]", "0".repeat(1 << 20)).as_bytes()).unwrap();
        assert!(matches!(wide.expand(9), Err(SequenceError::TooLong { count: 9, .. })));
        assert_eq!(parse("f[1-1000]").expand(1000).unwrap().len(), 1000);
    }
}

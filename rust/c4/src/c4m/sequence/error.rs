//! What can be wrong with a sequence.

use super::super::safe_name::shown_name;
use super::numbers::MAX_NUMBER;

/// Why a text is no sequence, or why one is not expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// No brackets with a range.
    #[error("{} holds no range such as [0001-0100]", shown_name(.0))]
    NoRange(Vec<u8>),
    /// A pattern of another tool without a place for the number.
    #[error("{} has no place for the number, such as %04d, ####, @@@@ or $F4", shown_name(.0))]
    NoPlaceholder(Vec<u8>),
    /// A pattern of another tool without a range of numbers.
    #[error("{} comes without frames, such as 1001-1100", shown_name(.0))]
    NoFrames(Vec<u8>),
    /// A place for more digits than a file name has.
    #[error("a number cannot be padded to more than 255 digits")]
    Padding,
    /// Something else where a number should be.
    #[error("not a number up to {MAX_NUMBER}: {:?}", shown_name(.0))]
    Number(Vec<u8>),
    /// A range whose start is above its end.
    #[error("the range {0}-{1} is reversed")]
    Reversed(i64, i64),
    /// A step that is not a positive number.
    #[error("a step is a number from 1 on, not {:?}", shown_name(.0))]
    Step(Vec<u8>),
    /// Ranges with steps that overlap, too long to be united number by number.
    #[error("{}: ranges with steps overlap or leave gaps, and hold more than {limit} numbers", shown_name(.name))]
    Interleaved {
        /// The sequence.
        name: Vec<u8>,
        /// How many numbers are looked at one by one.
        limit: u64,
    },
    /// More names than the caller allows.
    #[error("{} stands for {count} names, more than {}", shown_name(.name), allowed(*left, *limit))]
    TooMany {
        /// The sequence, with its path where it has one.
        name: Vec<u8>,
        /// How many names it stands for.
        count: u64,
        /// How many more there may be.
        left: u64,
        /// How many there may be in all.
        limit: u64,
    },
    /// Names so long that they would fill the memory though they are not too many.
    #[error("{} stands for {count} names of {length} bytes, more than {limit} names may have", shown_name(.name))]
    TooLong {
        /// The sequence, with its path where it has one.
        name: Vec<u8>,
        /// How many names it stands for.
        count: u64,
        /// Length of one name, with the target of its link.
        length: usize,
        /// How many names there may be in all.
        limit: u64,
    },
}

fn allowed(left: u64, limit: u64) -> String {
    if left == limit { format!("the limit of {limit}") } else { format!("the {left} that the limit of {limit} leaves") }
}

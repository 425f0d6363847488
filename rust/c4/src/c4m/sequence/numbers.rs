//! Sets of numbers as ranges with steps.
//!
//! The list of a pattern holds no number twice: several ranges are united as the reference does it. Numbers that stand
//! side by side are a range; of those that stand alone, three and more with one distance are a range with a step; ranges
//! are ordered by their start, so that one with a step may reach over later ones. A lone range stays as it was written.

use std::io::Write as _;

use super::error::SequenceError;

/// The largest number of a sequence. One more and the number after it would have no 64-bit form.
pub const MAX_NUMBER: i64 = i64::MAX - 1;

/// Numbers of ranges with a step that one operation looks at one by one.
const MAX_INTERLEAVED: u64 = 1_000_000;

/// Fewest lone numbers that become a range with a step.
const MIN_STEPPED: u64 = 3;

/// The numbers from `start` to `end`, `step` apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NumberRange {
    start: i64,
    end: i64,
    step: u64,
}

impl NumberRange {
    /// The range, where `start <= end <= MAX_NUMBER` and the step is positive.
    pub fn new(start: i64, end: i64, step: u64) -> Result<Self, SequenceError> {
        match (start, end, step) {
            (_, i64::MAX, _) => Err(SequenceError::Number(end.to_string().into_bytes())),
            (_, _, 0) => Err(SequenceError::Step(b"0".to_vec())),
            _ if start > end => Err(SequenceError::Reversed(start, end)),
            _ => Ok(Self { start, end, step }),
        }
    }

    /// One number.
    pub(super) const fn one(number: i64) -> Self {
        Self { start: number, end: number, step: 1 }
    }

    /// The first number.
    pub const fn start(&self) -> i64 {
        self.start
    }

    /// The end as written; the last number is at most a step below it.
    pub const fn end(&self) -> i64 {
        self.end
    }

    /// The distance of two numbers, at least 1.
    pub const fn step(&self) -> u64 {
        self.step
    }

    /// How many numbers there are, at least 1.
    pub const fn count(&self) -> u64 {
        self.end.abs_diff(self.start) / self.step + 1
    }

    /// The number at an index, which is below the count.
    pub const fn nth(&self, index: u64) -> i64 {
        self.start.wrapping_add_unsigned(index * self.step)
    }

    /// The last number.
    pub(super) const fn last(&self) -> i64 {
        self.nth(self.count() - 1)
    }

    /// Whether a number is one of them.
    pub const fn contains(&self, number: i64) -> bool {
        self.start <= number && number <= self.end && number.abs_diff(self.start).is_multiple_of(self.step)
    }

    /// The numbers in order.
    pub(super) fn iter(self) -> impl Iterator<Item = i64> {
        (0..self.count()).map(move |index| self.nth(index))
    }

    /// Whether each number stands alone.
    const fn is_lone(&self) -> bool {
        self.step > 1 || self.start == self.end
    }
}

/// How many more numbers may be looked at one by one.
pub(crate) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_INTERLEAVED)
    }
}

impl Budget {
    fn spend(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.checked_sub(count)?;
        Some(())
    }

    /// The error for a sequence that the budget does not suffice for.
    pub(super) fn exceeded(name: Vec<u8>) -> SequenceError {
        SequenceError::Interleaved { name, limit: MAX_INTERLEAVED }
    }
}

/// Reads a list as `1-10:2,15`, where a byte stands before the step; gives its ranges as written.
pub(super) fn parse_list(list: &[u8], step_mark: u8) -> Result<Vec<NumberRange>, SequenceError> {
    list.split(|byte| *byte == b',').map(|part| parse_range(part, step_mark)).collect()
}

fn parse_range(part: &[u8], step_mark: u8) -> Result<NumberRange, SequenceError> {
    // A dash at the start is the sign of the number.
    let Some(dash) = part.iter().skip(1).position(|byte| *byte == b'-') else {
        let number = parse_number(part)?;
        return NumberRange::new(number, number, 1);
    };
    let (start, end) = (&part[..=dash], &part[dash + 2..]);
    let (end, step) = match end.iter().position(|byte| *byte == step_mark) {
        Some(mark) => (&end[..mark], Some(&end[mark + 1..])),
        None => (end, None),
    };
    let step = match step {
        None => 1,
        Some(text) => parse_number(text)
            .ok()
            .and_then(|step| u64::try_from(step).ok())
            .filter(|step| *step > 0)
            .ok_or_else(|| SequenceError::Step(text.to_vec()))?,
    };
    NumberRange::new(parse_number(start)?, parse_number(end)?, step)
}

/// Reads decimal digits, with a dash before those of a negative number.
pub(super) fn parse_number(text: &[u8]) -> Result<i64, SequenceError> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let number = std::str::from_utf8(text).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
    number.and_then(|text| text.parse().ok()).ok_or_else(|| SequenceError::Number(text.to_vec()))
}

/// Unites the ranges of a list; `None` when the budget does not suffice.
pub(super) fn unite(ranges: Vec<NumberRange>, budget: &mut Budget) -> Option<Vec<NumberRange>> {
    if ranges.len() == 1 { Some(ranges) } else { Some(grouped(&apart(ranges, budget)?)) }
}

/// The same numbers as ranges that follow one another: none begins before, or right after, the end of the one before it.
///
/// Only ranges that reach into each other are looked at number by number, and only those with a step.
pub(super) fn apart(mut ranges: Vec<NumberRange>, budget: &mut Budget) -> Option<Vec<NumberRange>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut result = Vec::with_capacity(ranges.len());
    let mut rest = &ranges[..];
    while let Some(first) = rest.first() {
        let mut last = first.last();
        let reached = rest.iter().take_while(|range| {
            let touches = range.start <= last.saturating_add(1);
            last = if touches { last.max(range.last()) } else { last };
            touches
        });
        let (cluster, after) = rest.split_at(reached.count());
        rest = after;
        if cluster.len() == 1 {
            let last = first.last();
            result.push(NumberRange { end: last, step: if last == first.start { 1 } else { first.step }, ..*first });
        } else {
            result.extend(runs(cluster, budget)?);
        }
    }
    Some(result)
}

/// The numbers of some ranges as runs of consecutive numbers.
fn runs(ranges: &[NumberRange], budget: &mut Budget) -> Option<Vec<NumberRange>> {
    let mut pieces = Vec::with_capacity(ranges.len());
    for range in ranges {
        if range.step == 1 {
            pieces.push((range.start, range.end));
        } else {
            budget.spend(range.count())?;
            pieces.extend(range.iter().map(|number| (number, number)));
        }
    }
    pieces.sort_unstable();
    let mut runs: Vec<NumberRange> = Vec::new();
    for (start, end) in pieces {
        match runs.last_mut() {
            Some(run) if start <= run.end.saturating_add(1) => run.end = run.end.max(end),
            _ => runs.push(NumberRange { start, end, step: 1 }),
        }
    }
    Some(runs)
}

/// The numbers that are not there between the first and the last of ranges that follow one another; `None` when the
/// budget does not suffice.
pub(super) fn gaps(ranges: &[NumberRange], budget: &mut Budget) -> Option<Vec<NumberRange>> {
    let mut gaps = Vec::new();
    let mut before: Option<i64> = None;
    for range in ranges {
        if let Some(before) = before {
            gaps.push(NumberRange { start: before + 1, end: range.start - 1, step: 1 });
        }
        before = Some(range.last());
        match range.step {
            1 => {}
            2 => gaps.push(NumberRange { start: range.start + 1, end: range.last() - 1, step: 2 }),
            _ => {
                budget.spend(range.count())?;
                let between =
                    |index| NumberRange { start: range.nth(index) + 1, end: range.nth(index + 1) - 1, step: 1 };
                gaps.extend((0..range.count() - 1).map(between));
            }
        }
    }
    Some(grouped(&gaps))
}

/// Makes ranges with a step of lone numbers that are equally far apart. The ranges follow one another.
fn grouped(ranges: &[NumberRange]) -> Vec<NumberRange> {
    let mut lone = Stepper::default();
    for range in ranges {
        if range.is_lone() {
            lone.push_all(range);
        } else {
            lone.done.push(*range);
        }
    }
    let mut done = lone.finish();
    done.sort_unstable_by_key(|range| range.start);
    done
}

/// Finds steps among ascending numbers, from the first on: each number belongs to one range.
#[derive(Default)]
struct Stepper {
    done: Vec<NumberRange>,
    /// What may become a range: start, step and count. The step of one number says nothing.
    open: Option<(i64, u64, u64)>,
}

impl Stepper {
    fn push(&mut self, number: i64) {
        self.open = Some(match self.open {
            None => (number, 1, 1),
            Some((start, _, 1)) => (start, number.abs_diff(start), 2),
            Some((start, step, count)) => {
                let range = NumberRange { start, end: start.wrapping_add_unsigned(step * (count - 1)), step };
                if number.abs_diff(range.end) == step {
                    (start, step, count + 1)
                } else if count >= MIN_STEPPED {
                    self.done.push(range);
                    (number, 1, 1)
                } else {
                    self.done.push(NumberRange::one(start));
                    (range.end, number.abs_diff(range.end), 2)
                }
            }
        });
    }

    fn push_all(&mut self, range: &NumberRange) {
        // After three numbers the open range has the step of this one, whatever came before.
        const ONE_BY_ONE: u64 = 3;
        range.iter().take(ONE_BY_ONE as usize).for_each(|number| self.push(number));
        if let Some((_, _, count)) = &mut self.open {
            *count += range.count().saturating_sub(ONE_BY_ONE);
        }
    }

    fn finish(mut self) -> Vec<NumberRange> {
        match self.open {
            None => {}
            Some((start, step, count)) if count >= MIN_STEPPED => {
                self.done.push(NumberRange { start, end: start.wrapping_add_unsigned(step * (count - 1)), step });
            }
            Some((start, step, count)) => {
                let numbers = NumberRange { start, end: start.wrapping_add_unsigned(step * (count - 1)), step };
                self.done.extend(numbers.iter().map(NumberRange::one));
            }
        }
        self.done
    }
}

/// Appends a number with zeros before it, at least `padding` characters with its sign.
pub(super) fn write_number(number: i64, padding: usize, out: &mut Vec<u8>) {
    let digits = number.unsigned_abs();
    let sign = usize::from(number < 0);
    let length = sign + digits.checked_ilog10().unwrap_or(0) as usize + 1;
    if sign == 1 {
        out.push(b'-');
    }
    // Not by the width of a format, which has 16 bits.
    out.resize(out.len() + padding.saturating_sub(length), b'0');
    write!(out, "{digits}").unwrap_or_else(|_| unreachable!("a vector takes what is written"));
}

/// Appends a list that reads back as these ranges, with this text before a step.
pub(super) fn write_list(ranges: &[NumberRange], padding: usize, step_mark: &str, out: &mut Vec<u8>) {
    // A reader takes the padding from the first number: it is one without a sign, or the shortest.
    let length = |range: &NumberRange| {
        let mut text = Vec::new();
        write_number(range.start, padding, &mut text);
        text.len()
    };
    let negative = ranges.iter().take_while(|range| range.start < 0).count();
    let first = (0..ranges.len().min(negative + 1)).min_by_key(|at| length(&ranges[*at])).unwrap_or(0);
    let others = ranges.iter().enumerate().filter(|(at, _)| *at != first).map(|(_, range)| range);
    for (at, range) in ranges.get(first).into_iter().chain(others).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_number(range.start, padding, out);
        if range.end > range.start || range.step > 1 {
            out.push(b'-');
            write_number(range.end, padding, out);
            if range.step > 1 {
                write!(out, "{step_mark}{}", range.step).unwrap_or_else(|_| unreachable!("a vector takes it"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges(text: &str) -> Vec<NumberRange> {
        unite(parse_list(text.as_bytes(), b':').unwrap(), &mut Budget::default()).unwrap()
    }

    fn text(ranges: &[NumberRange]) -> String {
        let mut out = Vec::new();
        write_list(ranges, 1, ":", &mut out);
        String::from_utf8(out).unwrap()
    }

    fn any_range() -> impl Strategy<Value = NumberRange> {
        (-30_i64..60, 0_i64..40, 1_u64..7)
            .prop_map(|(start, length, step)| NumberRange::new(start, start + length, step).unwrap())
    }

    proptest! {
        #[test]
        fn united_ranges_hold_the_same_numbers_once_each(list in prop::collection::vec(any_range(), 2..8)) {
            let expected: BTreeSet<i64> = list.iter().flat_map(|range| range.iter()).collect();
            let united = unite(list, &mut Budget::default()).unwrap();
            let numbers: Vec<i64> = united.iter().flat_map(|range| range.iter()).collect();
            prop_assert_eq!(numbers.len(), expected.len());
            prop_assert_eq!(numbers.iter().copied().collect::<BTreeSet<_>>(), expected);
            prop_assert!(united.is_sorted_by_key(|range| range.start));
        }

        #[test]
        fn uniting_by_range_is_uniting_by_number(list in prop::collection::vec(any_range(), 2..8)) {
            let one_by_one = list.iter().flat_map(|range| range.iter()).map(NumberRange::one).collect();
            prop_assert_eq!(unite(list, &mut Budget::default()), unite(one_by_one, &mut Budget::default()));
        }

        #[test]
        fn gaps_are_what_is_not_there(list in prop::collection::vec(any_range(), 1..8)) {
            let there: BTreeSet<i64> = list.iter().flat_map(|range| range.iter()).collect();
            let expected: BTreeSet<i64> =
                (*there.first().unwrap()..=*there.last().unwrap()).filter(|number| !there.contains(number)).collect();
            let missing = gaps(&apart(list, &mut Budget::default()).unwrap(), &mut Budget::default()).unwrap();
            let numbers: Vec<i64> = missing.iter().flat_map(|range| range.iter()).collect();
            prop_assert_eq!(numbers.len(), expected.len());
            prop_assert_eq!(numbers.into_iter().collect::<BTreeSet<_>>(), expected);
        }

        #[test]
        fn a_written_list_reads_back(list in prop::collection::vec(any_range(), 1..8)) {
            let united = unite(list, &mut Budget::default()).unwrap();
            prop_assert_eq!(ranges(&text(&united)), united);
        }

        #[test]
        fn a_number_is_written_as_a_format_would(number in any::<i64>(), padding in 0_usize..30) {
            let mut out = Vec::new();
            write_number(number, padding, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{number:0padding$}"));
        }
    }

    #[test]
    fn huge_ranges_are_united_without_counting() {
        assert_eq!(text(&ranges("0-999999999999,5,1000000000000")), "0-1000000000000");
        assert_eq!(text(&ranges("0-999999999998:2,1000000000000,9000000000000-9000000000001")), {
            "0-1000000000000:2,9000000000000-9000000000001"
        });
        let huge = apart(ranges("0-9000000000000000000:2"), &mut Budget::default()).unwrap();
        assert_eq!(text(&gaps(&huge, &mut Budget::default()).unwrap()), "1-8999999999999999999:2");
    }

    #[test]
    fn numbers_reach_from_one_end_to_the_other() {
        let all = NumberRange::new(i64::MIN, MAX_NUMBER, 1).unwrap();
        assert_eq!((all.count(), all.last()), (u64::MAX, MAX_NUMBER));
        assert!(matches!(NumberRange::new(0, i64::MAX, 1), Err(SequenceError::Number(_))));
        let ends = vec![NumberRange::one(i64::MIN), NumberRange::one(MAX_NUMBER)];
        assert_eq!(unite(ends.clone(), &mut Budget::default()).unwrap(), ends);
        let between = gaps(&ends, &mut Budget::default()).unwrap();
        assert_eq!(between, [NumberRange { start: i64::MIN + 1, end: MAX_NUMBER - 1, step: 1 }]);
    }

    #[test]
    fn overlapping_steps_beyond_the_budget_are_refused() {
        let list = parse_list(b"0-999999999:2,0-999999999:3", b':').unwrap();
        assert_eq!(unite(list, &mut Budget::default()), None);
    }
}

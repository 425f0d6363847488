//! The order of names: numbers as numbers, everything else as text.
//!
//! A name is cut into runs of ASCII digits and runs of anything else, which are compared pairwise: text before a number;
//! numbers as 64-bit integers that wrap, equal ones by their count of digits; text by its UTF-8 bytes, each invalid byte
//! taken as U+FFFD. The shorter sequence of runs comes first. Names that still tie are ordered by their raw bytes, so that
//! the order is total (two names are equal only if their bytes are).

use std::cmp::Ordering;
use std::iter;

/// Compares two names in natural order.
///
/// ```
/// use std::cmp::Ordering;
/// assert_eq!(c4::c4m::natural_cmp(b"frame9", b"frame10"), Ordering::Less);
/// ```
pub fn natural_cmp(a: &[u8], b: &[u8]) -> Ordering {
    // Names of one directory mostly differ late: runs that end before the first difference need no comparison.
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    if same == a.len() && same == b.len() {
        return Ordering::Equal;
    }
    let start = run_start(a, same).min(run_start(b, same));
    let (mut x, mut y) = (runs(&a[start..]), runs(&b[start..]));
    let order = loop {
        match (x.next(), y.next()) {
            (None, None) => break Ordering::Equal,
            (None, Some(_)) => break Ordering::Less,
            (Some(_), None) => break Ordering::Greater,
            (Some(x), Some(y)) => match x.cmp(&y) {
                Ordering::Equal => {}
                order => break order,
            },
        }
    };
    order.then_with(|| a.cmp(b))
}

/// The runs of a name in order: `(text, None)` or `(digits, Some(value))`.
pub fn natural_runs(name: &[u8]) -> impl Iterator<Item = (&[u8], Option<i64>)> {
    runs(name).map(|run| match run {
        Run::Text(text) => (text, None),
        Run::Number { digits, value } => (digits, Some(value)),
    })
}

#[derive(Clone, PartialEq, Eq)]
enum Run<'a> {
    Text(&'a [u8]),
    Number { digits: &'a [u8], value: i64 },
}

impl Run<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => text_cmp(a, b),
            (Self::Text(_), Self::Number { .. }) => Ordering::Less,
            (Self::Number { .. }, Self::Text(_)) => Ordering::Greater,
            (Self::Number { digits: a, value: x }, Self::Number { digits: b, value: y }) => {
                x.cmp(y).then_with(|| a.len().cmp(&b.len()))
            }
        }
    }
}

/// Start of the run that position `at` belongs to or follows, seen from the left.
fn run_start(name: &[u8], at: usize) -> usize {
    let Some(before) = at.checked_sub(1) else { return 0 };
    let digit = name[before].is_ascii_digit();
    name[..at].iter().rposition(|byte| byte.is_ascii_digit() != digit).map_or(0, |end| end + 1)
}

fn runs(name: &[u8]) -> impl Iterator<Item = Run<'_>> {
    name.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).map(|run| {
        if run[0].is_ascii_digit() {
            let value = run.iter().fold(0_i64, |v, digit| v.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')));
            Run::Number { digits: run, value }
        } else {
            Run::Text(run)
        }
    })
}

fn text_cmp(a: &[u8], b: &[u8]) -> Ordering {
    if std::str::from_utf8(a).is_ok() && std::str::from_utf8(b).is_ok() {
        return a.cmp(b);
    }
    replaced(a).cmp(replaced(b))
}

/// The bytes of a text after each invalid byte has become U+FFFD.
fn replaced(text: &[u8]) -> impl Iterator<Item = u8> {
    text.utf8_chunks().flat_map(|chunk| {
        let invalid = iter::repeat_n("\u{fffd}", chunk.invalid().len()).flat_map(str::bytes);
        chunk.valid().bytes().chain(invalid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_common_prefix_that_ends_inside_a_number_is_compared_as_that_number() {
        assert_eq!(natural_cmp(b"a19", b"a1b"), Ordering::Greater);
        assert_eq!(natural_cmp(b"a2", b"a19"), Ordering::Less);
        assert_eq!(natural_cmp(b"a1", b"a01"), Ordering::Less);
        assert_eq!(natural_cmp(b"file", b"1"), Ordering::Less);
        assert_eq!(natural_cmp(b"f9223372036854775808", b"f1"), Ordering::Less);
    }

    fn plain(a: &[u8], b: &[u8]) -> Ordering {
        let (x, y): (Vec<_>, Vec<_>) = (runs(a).collect(), runs(b).collect());
        for (r, s) in x.iter().zip(&y) {
            if r.cmp(s).is_ne() {
                return r.cmp(s);
            }
        }
        x.len().cmp(&y.len()).then_with(|| a.cmp(b))
    }

    proptest! {
        #[test]
        fn skipping_the_common_prefix_changes_nothing(a in "[a0-2é\u{e0}/]{0,9}", b in "[a0-2é\u{e0}/]{0,9}", cut in 0_usize..12) {
            let (mut a, mut b) = (a.into_bytes(), b.into_bytes());
            a.truncate(cut);
            b.truncate(12 - cut);
            prop_assert_eq!(natural_cmp(&a, &b), plain(&a, &b));
            prop_assert_eq!(natural_cmp(&b, &a), plain(&a, &b).reverse());
        }
    }
}

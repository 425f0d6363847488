//! Patterns as other tools write them, with the frames beside them: `beauty.%04d.exr 1001-1100x2`.
//!
//! A place for the number is printf's `%04d` (Nuke, ffmpeg), `$F4` (Houdini), `####` or `@@@@`. One character stands for
//! one digit, as in Nuke; where a lone `#` is four digits (fileseq, RV), the sequences of this form are written `####`.
//! Frames are `1-10`, `1-10x2` and comma lists of these; the orders `1-10y2` and `1-10:2` of fileseq are not read.

use std::ops::Range;

use super::error::SequenceError;
use super::numbers::parse_list;
use super::pattern::Sequence;

/// The most digits of a number that a pattern may ask for: more than a file name can have.
const MAX_PADDING: usize = 255;

impl Sequence {
    /// Reads a pattern, and its frames, which may stand behind it after a space.
    ///
    /// Of several places for a number the last one counts, printf's before Houdini's before `#` before `@`.
    pub fn from_text(text: &[u8], frames: Option<&[u8]>) -> Result<Self, SequenceError> {
        let (pattern, frames) = match frames {
            Some(frames) => (text, frames),
            None => split_frames(text).ok_or_else(|| SequenceError::NoFrames(text.to_vec()))?,
        };
        let place = Place::find(pattern).ok_or_else(|| SequenceError::NoPlaceholder(pattern.to_vec()))?;
        if place.padding > MAX_PADDING {
            return Err(SequenceError::Padding);
        }
        let (mut prefix, mut suffix) = (pattern[..place.at.start].to_vec(), pattern[place.at.end..].to_vec());
        if place.is_printf {
            (prefix, suffix) = (without_doubled_percents(&prefix), without_doubled_percents(&suffix));
        }
        let list: Vec<u8> = frames.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        Self::new(prefix, suffix, place.padding, parse_list(&list, b'x')?)
    }

    /// The pattern with `%04d`; a percent sign of the name is doubled.
    pub fn to_printf(&self) -> Vec<u8> {
        let place = if self.padding() > 1 { format!("%0{}d", self.padding()) } else { "%d".to_owned() };
        let doubled = |text: &[u8]| text.split(|byte| *byte == b'%').collect::<Vec<_>>().join(&b"%%"[..]);
        [doubled(self.prefix()), place.into_bytes(), doubled(self.suffix())].concat()
    }

    /// The pattern with one `#` a digit.
    pub fn to_hashes(&self) -> Vec<u8> {
        [self.prefix(), &vec![b'#'; self.padding()], self.suffix()].concat()
    }
}

/// The pattern and the frames behind it: the longest end after a space that has nothing else in it.
fn split_frames(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_of_frames = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b',' | b'x') || byte.is_ascii_whitespace();
    let tail = text.iter().rposition(|byte| !is_of_frames(byte))? + 1;
    let space = tail + text[tail..].iter().position(u8::is_ascii_whitespace)?;
    let frames = text[space..].trim_ascii();
    (!frames.is_empty()).then_some((&text[..space], frames))
}

/// Where the number of a pattern goes.
struct Place {
    at: Range<usize>,
    padding: usize,
    is_printf: bool,
}

impl Place {
    fn find(pattern: &[u8]) -> Option<Self> {
        Self::printf(pattern)
            .or_else(|| Self::houdini(pattern))
            .or_else(|| Self::run_of(pattern, b'#'))
            .or_else(|| Self::run_of(pattern, b'@'))
    }

    /// `%d` or `%04d`, not after a percent sign of its own.
    fn printf(pattern: &[u8]) -> Option<Self> {
        let mut found = None;
        let mut start = 0;
        while let Some(percent) = memchr::memchr(b'%', &pattern[start..]).map(|at| start + at) {
            let digits = digits_at(&pattern[percent + 1..]);
            let end = percent + 1 + digits.len();
            // A width without a zero before it pads with spaces, which no sequence does.
            let is_padded = digits.is_empty() || digits[0] == b'0';
            if is_padded && pattern.get(end) == Some(&b'd') {
                found = Some(Self { at: percent..end + 1, padding: padding(digits), is_printf: true });
            }
            start = if pattern.get(percent + 1) == Some(&b'%') { percent + 2 } else { end };
        }
        found
    }

    /// `$F` or `$F4`.
    fn houdini(pattern: &[u8]) -> Option<Self> {
        let start = memchr::memmem::rfind(pattern, b"$F")?;
        let digits = digits_at(&pattern[start + 2..]);
        Some(Self { at: start..start + 2 + digits.len(), padding: padding(digits), is_printf: false })
    }

    fn run_of(pattern: &[u8], mark: u8) -> Option<Self> {
        let end = memchr::memrchr(mark, pattern)? + 1;
        let start = pattern[..end].iter().rposition(|byte| *byte != mark).map_or(0, |before| before + 1);
        Some(Self { at: start..end, padding: end - start, is_printf: false })
    }
}

fn digits_at(text: &[u8]) -> &[u8] {
    &text[..text.iter().take_while(|byte| byte.is_ascii_digit()).count()]
}

/// The padding that digits ask for; without any, one. What is too long to be a number is too much as well.
fn padding(digits: &[u8]) -> usize {
    if digits.is_empty() {
        return 1;
    }
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX)
}

fn without_doubled_percents(text: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte == b'%' {
            rest.next_if_eq(&&b'%');
        }
        result.push(*byte);
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> String {
        Sequence::from_text(text.as_bytes(), None).unwrap().to_string()
    }

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("beauty.%04d.exr 1001-1100", "beauty.[1001-1100].exr"),
            ("beauty.%d.exr 8-12", "beauty.[8-12].exr"),
            ("beauty.####.exr 1-10x2", "beauty.[0001-0010:2].exr"),
            ("beauty.####.exr 1-10x2,15, 20-30", "beauty.[0001-0009:2,0015,0020-0030].exr"),
            ("beauty.@@@.exr 7", "beauty.[007].exr"),
            ("beauty.$F4.exr 1-3", "beauty.[0001-0003].exr"),
            ("beauty.$F 1-3", "beauty.[1-3]"),
            ("beauty.$F4 1-3", "beauty.[0001-0003]"),
            ("#1/beauty.##.mp4 1-3", "#1/beauty.[01-03].mp4"),
            ("beauty v2.#.my take.exr 1-3", "beauty v2.[1-3].my take.exr"),
            ("100%%.%02d.exr 1-3", "100%.[01-03].exr"),
            ("f.#### -2", "f.[-002]"),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, message) in [
            ("beauty.####.exr", "beauty.####.exr comes without frames, such as 1001-1100"),
            ("beauty.exr 1-3", "beauty.exr has no place for the number, such as %04d, ####, @@@@ or $F4"),
            ("%4d.exr 1-3", "%4d.exr has no place for the number, such as %04d, ####, @@@@ or $F4"),
            ("%%04d.exr 1-3", "%%04d.exr has no place for the number, such as %04d, ####, @@@@ or $F4"),
            ("%099999999999999999999d 1-3", "a number cannot be padded to more than 255 digits"),
            ("#.exr 3-1", "the range 3-1 is reversed"),
            ("#.exr 1-3x0", "a step is a number from 1 on, not \"0\""),
            ("#.exr 1-3,", "not a number up to 9223372036854775806: \"\""),
        ] {
            assert_eq!(Sequence::from_text(text.as_bytes(), None).unwrap_err().to_string(), message);
        }
        assert!(Sequence::from_text(b"#.exr", Some(b"1-10:2")).is_err());
        assert!(Sequence::from_text(b"#.exr", Some(b"")).is_err());
    }

    proptest! {
        #[test]
        fn printf_forms_read_back(prefix in "[a%#.]{0,6}", suffix in "[a%#.]{0,6}", padding in 1_usize..6, last in 0_i64..99) {
            let ranges = vec![super::super::NumberRange::new(0, last, 1).unwrap()];
            let sequence = Sequence::new(prefix, suffix, padding, ranges).unwrap();
            let again = Sequence::from_text(&sequence.to_printf(), Some(sequence.frames().as_bytes())).unwrap();
            prop_assert_eq!(again, sequence);
        }
    }
}

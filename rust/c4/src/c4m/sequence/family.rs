//! Files of a manifest that are numbered alike: those of one directory whose names differ in one number.

use std::collections::HashMap;

use super::super::manifest::Manifest;
use super::super::rows::RowId;
use super::numbers::MAX_NUMBER;

/// Which number of a name counts the frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FrameNumber {
    /// The first one, as in the reference: `a_v001.0001.exr` is version 1 of one frame.
    #[default]
    First,
    /// The last one before the extension, or the last of all: `a_v001.0001.mp4` is frame 1 of one version.
    Last,
}

/// A number of a name, and what is around it.
#[derive(Clone, Copy)]
pub(super) struct Numbered<'n> {
    pub(super) prefix: &'n [u8],
    pub(super) suffix: &'n [u8],
    /// Count of digits, zeros before the number included.
    pub(super) digits: usize,
    pub(super) number: i64,
}

impl<'n> Numbered<'n> {
    /// The number of a name that counts the frames; numbers too large for a sequence are none.
    pub(super) fn find(name: &'n [u8], which: FrameNumber) -> Option<Self> {
        let (start, length) = match which {
            FrameNumber::First => {
                let start = name.iter().position(u8::is_ascii_digit)?;
                (start, name[start..].iter().take_while(|byte| byte.is_ascii_digit()).count())
            }
            FrameNumber::Last => {
                let last = last_digit(without_extension(name)).or_else(|| last_digit(name))?;
                let length = name[..=last].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
                (last + 1 - length, length)
            }
        };
        // The reference looks for numbers with a pattern that no line end matches.
        if name.contains(&b'\n') {
            return None;
        }
        let (prefix, rest) = name.split_at(start);
        let (digits, suffix) = rest.split_at(length);
        let number = std::str::from_utf8(digits).ok()?.parse().ok().filter(|number| *number <= MAX_NUMBER)?;
        Some(Self { prefix, suffix, digits: length, number })
    }

    /// Whether two names differ in their number at most.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.prefix, self.suffix, self.digits) == (other.prefix, other.suffix, other.digits)
    }
}

fn last_digit(text: &[u8]) -> Option<usize> {
    text.iter().rposition(u8::is_ascii_digit)
}

/// A name up to its extension, which is what follows the last dot unless that is a number itself.
fn without_extension(name: &[u8]) -> &[u8] {
    match memchr::memrchr(b'.', name) {
        Some(dot) if !name[dot + 1..].iter().all(u8::is_ascii_digit) => &name[..dot],
        _ => name,
    }
}

/// A directory, as far as files of one are told from those of another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Directory<'m> {
    Top,
    /// A place in the list.
    At(usize),
    /// The path of one that is not in the list.
    Detached(&'m [u8]),
}

impl<'m> Directory<'m> {
    /// The directory of the entry at a place; `None` when its depth asks for one that is not there.
    pub(super) fn of(manifest: &'m Manifest, place: usize, row: RowId) -> Option<Self> {
        if let Some(path) = manifest.detached_path(row) {
            let path = path.strip_suffix(b"/").unwrap_or(path);
            return Some(Self::Detached(memchr::memrchr(b'/', path).map_or(b"", |slash| &path[..slash])));
        }
        match manifest.outline().parent(place) {
            Some(parent) => Some(Self::At(parent)),
            None if manifest.outline().is_orphan(place) => None,
            None => Some(Self::Top),
        }
    }

    /// The path of a name in the directory.
    pub(super) fn join(self, manifest: &Manifest, name: &[u8]) -> Vec<u8> {
        let mut path = match self {
            Self::Top => Vec::new(),
            Self::At(place) => manifest.outline().path(manifest, place),
            Self::Detached(path) => path.to_vec(),
        };
        if !path.is_empty() && !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }
}

/// What the names of a family have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Family<'m> {
    pub(super) directory: Directory<'m>,
    pub(super) prefix: &'m [u8],
    pub(super) suffix: &'m [u8],
}

/// Families by number, in the order in which they are met.
///
/// The text around numbers is borrowed from the manifest: nothing is allocated for each entry.
#[derive(Default)]
pub(super) struct Families<'m> {
    numbers: HashMap<Family<'m>, u32>,
    list: Vec<Family<'m>>,
}

impl<'m> Families<'m> {
    pub(super) fn number_of(&mut self, family: Family<'m>) -> u32 {
        // Siblings mostly follow one another.
        if self.list.last() == Some(&family) {
            return self.list.len() as u32 - 1;
        }
        *self.numbers.entry(family).or_insert_with(|| {
            self.list.push(family);
            self.list.len() as u32 - 1
        })
    }

    pub(super) fn get(&self, number: u32) -> &Family<'m> {
        &self.list[number as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_number_is_the_first_or_the_last() {
        for (name, first, last) in [
            ("shot_010_v002.0001.exr", ("shot_", 10), ("shot_010_v002.", 1)),
            ("take3.0007.mp4", ("take", 3), ("take3.", 7)),
            ("part.z01", ("part.z", 1), ("part.z", 1)),
            ("plate.0001", ("plate.", 1), ("plate.", 1)),
            ("0042", ("", 42), ("", 42)),
            ("a.1.tar.gz", ("a.", 1), ("a.", 1)),
        ] {
            for (which, (prefix, number)) in [(FrameNumber::First, first), (FrameNumber::Last, last)] {
                let found = Numbered::find(name.as_bytes(), which).unwrap();
                assert_eq!((found.prefix, found.number), (prefix.as_bytes(), number), "{name}");
                let around = found.prefix.len() + found.digits + found.suffix.len();
                assert_eq!(around, name.len());
            }
        }
        for none in ["", "a.exr", "9223372036854775807", "a\n1"] {
            assert!(Numbered::find(none.as_bytes(), FrameNumber::First).is_none(), "{none}");
            assert!(Numbered::find(none.as_bytes(), FrameNumber::Last).is_none(), "{none}");
        }
    }
}

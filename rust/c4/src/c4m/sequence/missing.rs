//! What is missing between the first and the last number of numbered files.

use super::super::manifest::Manifest;
use super::error::SequenceError;
use super::family::{Directory, Families, Family, FrameNumber, Numbered};
use super::find_range;
use super::numbers::{Budget, NumberRange, apart, gaps};
use super::pattern::Sequence;

/// Numbers of one family: a file's, or a range of a sequence.
struct Found {
    family: u32,
    /// Digits of a file's number, or the padding of a sequence.
    digits: u32,
    range: NumberRange,
}

impl Found {
    /// Whether a file of a width padded with zeros to `digits` would have this name.
    fn is_padded_to(&self, digits: u32) -> bool {
        self.digits == digits || (self.digits > digits && self.range.start() >= 10_i64.saturating_pow(self.digits - 1))
    }
}

impl Manifest {
    /// The files that are missing: for each directory and pattern the numbers between the first and the last one that are
    /// not there, as a sequence of paths.
    ///
    /// Numbered files count, and the members of sequences; directories do not. Files belong together as in
    /// [`Manifest::fold_sequences`], but for the width of their numbers: 9 and 10 follow one another, 09 and 10 as well.
    /// Families with fewer than `min_length` numbers are no sequences. The order is that of the list.
    pub fn missing_frames(&self, number: FrameNumber, min_length: u64) -> Result<Vec<Sequence>, SequenceError> {
        let mut budget = Budget::default();
        let (families, mut found) = self.numbered_files(number, &mut budget)?;
        found.sort_unstable_by_key(|one| (one.family, one.digits, one.range.start()));
        let mut missing = Vec::new();
        for family in found.chunk_by(|a, b| a.family == b.family) {
            let least = family[0].digits;
            let is_one = family.iter().all(|one| one.is_padded_to(least));
            for alike in family.chunk_by(|a, b| is_one || a.digits == b.digits) {
                let count = alike.iter().fold(0, |sum: u64, one| sum.saturating_add(one.range.count()));
                if count < min_length {
                    continue;
                }
                let Family { directory, prefix, suffix } = *families.get(alike[0].family);
                let path = || directory.join(self, prefix);
                let ranges = alike.iter().map(|one| one.range).collect();
                let ranges = apart(ranges, &mut budget).and_then(|there| gaps(&there, &mut budget));
                let ranges = ranges.ok_or_else(|| Budget::exceeded([&path(), &b"[]"[..], suffix].concat()))?;
                if !ranges.is_empty() {
                    let padding = alike[0].digits as usize;
                    missing.push(Sequence::of_united(path(), suffix.to_vec(), padding, ranges));
                }
            }
        }
        Ok(missing)
    }

    /// The numbers of files and sequences by family. Of a sequence whose range cannot be read nothing is known.
    fn numbered_files(
        &self,
        which: FrameNumber,
        budget: &mut Budget,
    ) -> Result<(Families<'_>, Vec<Found>), SequenceError> {
        let mut families = Families::default();
        let mut found = Vec::new();
        for (place, row) in self.iter().enumerate() {
            let entry = self.get(row);
            let Some(directory) = Directory::of(self, place, row).filter(|_| !entry.is_dir()) else { continue };
            if !entry.is_sequence {
                if let Some(Numbered { prefix, suffix, digits, number }) = Numbered::find(entry.name, which) {
                    let family = families.number_of(Family { directory, prefix, suffix });
                    found.push(Found { family, digits: digits as u32, range: NumberRange::one(number) });
                }
                continue;
            }
            let Some(range) = find_range(entry.name) else { continue };
            match Sequence::parse_within(entry.name, budget) {
                Ok(sequence) => {
                    let (prefix, suffix) = (&entry.name[..range.start], &entry.name[range.end..]);
                    let family = families.number_of(Family { directory, prefix, suffix });
                    let digits = sequence.padding() as u32;
                    found.extend(sequence.ranges().iter().map(|range| Found { family, digits, range: *range }));
                }
                Err(SequenceError::Interleaved { .. }) => {
                    return Err(Budget::exceeded(directory.join(self, entry.name)));
                }
                Err(_) => {}
            }
        }
        Ok((families, found))
    }
}

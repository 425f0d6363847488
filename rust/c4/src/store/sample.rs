//! Which objects of a store are checked, when not all are.

use std::collections::BinaryHeap;
use std::path::Path;

use super::CheckError;
use super::check::objects;
use crate::C4Id;
use crate::scan::ScanProgress;

/// How many objects are checked.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Sample {
    /// All of them.
    #[default]
    All,
    /// About this part of them, from 0 to 1. With a part of 1/n, n successive seeds check everything.
    Fraction(f64),
    /// So many, or all if there are fewer.
    Count(u64),
}

/// Objects whose digests begin with a number from an interval; the numbers wrap around. Digests are spread evenly, so
/// its width is the part of the objects that are in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    start: u64,
    width: u128,
}

/// How many numbers there are.
const NUMBERS: u128 = 1 << 64;

/// 2^64 divided by the golden ratio: the starts of successive seeds are spread evenly, however many there are.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Window {
    /// The window of a sample; to find so many objects takes a walk over the store.
    pub(super) fn of(root: &Path, sample: Sample, seed: u64, progress: &ScanProgress) -> Result<Self, CheckError> {
        match sample {
            Sample::All => Ok(Self { start: 0, width: NUMBERS }),
            Sample::Fraction(part) => {
                let width = ((part.clamp(0.0, 1.0) * 2_f64.powi(64)).ceil() as u128).min(NUMBERS);
                Ok(Self { start: seed.wrapping_mul(width as u64), width })
            }
            Sample::Count(0) => Ok(Self { start: 0, width: 0 }),
            Sample::Count(count) => {
                let start = seed.wrapping_mul(GOLDEN);
                let mut nearest = BinaryHeap::new();
                for object in objects(root, None)? {
                    if progress.is_cancelled() {
                        return Err(CheckError::Cancelled);
                    }
                    if object.is_copy {
                        continue;
                    }
                    nearest.push(number_of(&object.id).wrapping_sub(start));
                    if nearest.len() as u64 > count {
                        nearest.pop();
                    }
                }
                let width = nearest.peek().map_or(NUMBERS, |farthest| u128::from(*farthest) + 1);
                Ok(Self { start, width })
            }
        }
    }

    pub(super) fn contains(&self, id: &C4Id) -> bool {
        u128::from(number_of(id).wrapping_sub(self.start)) < self.width
    }
}

fn number_of(id: &C4Id) -> u64 {
    id.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successive_seeds_of_a_fraction_cover_everything_in_equal_parts() {
        let ids: Vec<C4Id> = (0..2000_u32).map(|number| C4Id::of(&number.to_le_bytes())).collect();
        let mut times = vec![0; ids.len()];
        for seed in 7..17 {
            let window = Window::of(Path::new("/"), Sample::Fraction(0.1), seed, &ScanProgress::default()).unwrap();
            let chosen: Vec<usize> = (0..ids.len()).filter(|at| window.contains(&ids[*at])).collect();
            assert!((120..280).contains(&chosen.len()), "{}", chosen.len());
            for at in chosen {
                times[at] += 1;
            }
        }
        assert!(times.iter().all(|times| *times >= 1));
        assert!(times.iter().filter(|times| **times > 1).count() < 5);
    }

    #[test]
    fn the_ends_of_the_range_are_nothing_and_everything() {
        let progress = ScanProgress::default();
        for (part, expected) in [(0.0, false), (1.0, true)] {
            for seed in [0, 1, u64::MAX] {
                let window = Window::of(Path::new("/"), Sample::Fraction(part), seed, &progress).unwrap();
                assert!([0, 1, 255].into_iter().all(|byte| window.contains(&C4Id([byte; 64])) == expected));
            }
        }
    }
}

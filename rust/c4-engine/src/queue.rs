//! In which order messages are hashed, and which of them by a worker that does nothing else.

use std::cmp::Reverse;
use std::ops::Range;

/// Size from which a message counts as large, in bytes.
const LARGE_BYTES: u64 = 1024 * 1024;

/// Most small messages that are taken at once.
const BATCH: usize = 16;

/// Messages that no worker has taken.
pub(crate) struct Queue {
    /// Large messages, the next one at the end.
    large: Vec<usize>,
    /// The messages from which on small ones have not been taken.
    small: Range<usize>,
    /// How many small messages are left.
    small_left: usize,
    workers: u64,
    speedup: u64,
}

/// What a worker is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Messages to hash beside others.
    Together(Vec<usize>),
    /// A message to hash with no other beside it.
    Alone(usize),
    /// There is no more.
    None,
}

impl Queue {
    /// `speedup` is how many times as fast the lanes of a worker are as one stream, all together.
    pub(crate) fn new(count: usize, size: impl Fn(usize) -> u64, workers: usize, speedup: u64) -> Self {
        let mut large: Vec<usize> = (0..count).filter(|index| size(*index) >= LARGE_BYTES).collect();
        large.sort_by_key(|index| (size(*index), Reverse(*index)));
        let small_left = count - large.len();
        Self { large, small: 0..count, small_left, workers: workers as u64, speedup }
    }

    /// Takes up to `wanted` messages; `may_be_alone` says whether the worker has no other. `unfinished` is the bytes of all
    /// messages that have no result, those being hashed included; `size` is that of `new`.
    pub(crate) fn take(
        &mut self,
        wanted: usize,
        may_be_alone: bool,
        unfinished: u64,
        size: impl Fn(usize) -> u64,
    ) -> Work {
        if let Some(index) = self.large.pop() {
            let size = size(index);
            // All the other workers would be done with the rest before this one with a single stream.
            let rest_of_others = unfinished.saturating_sub(size) / (self.workers - 1).max(1);
            let outlasts_all = self.workers > 1 && size.saturating_mul(self.speedup) > rest_of_others;
            return if outlasts_all && may_be_alone { Work::Alone(index) } else { Work::Together(vec![index]) };
        }
        // The last ones are shared out evenly.
        let share = (self.small_left / (2 * self.workers as usize)).max(1);
        let next = self.small.by_ref().filter(|index| size(*index) < LARGE_BYTES);
        let taken: Vec<usize> = next.take(wanted.max(BATCH).min(share)).collect();
        self.small_left -= taken.len();
        if taken.is_empty() { Work::None } else { Work::Together(taken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn queue(sizes: &[u64], workers: usize) -> Queue {
        Queue::new(sizes.len(), |index| sizes[index], workers, 4)
    }

    fn order(sizes: &[u64], workers: usize) -> Vec<usize> {
        let mut queue = queue(sizes, workers);
        let mut order = Vec::new();
        loop {
            match queue.take(1, false, 0, |index| sizes[index]) {
                Work::Together(taken) => order.extend(taken),
                Work::Alone(index) => order.push(index),
                Work::None => return order,
            }
        }
    }

    #[test]
    fn large_messages_come_first_and_small_ones_keep_their_order() {
        let sizes = [5, MIB, 0, 3 * MIB, 7, 2 * MIB, 3 * MIB];
        assert_eq!(order(&sizes, 2), [3, 6, 5, 1, 0, 2, 4]);
    }

    #[test]
    fn every_message_is_taken_once() {
        let sizes: Vec<u64> = (0..1000).map(|i| i * 7919 % (2 * MIB)).collect();
        let mut taken = order(&sizes, 3);
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..1000));
    }

    #[test]
    fn a_message_that_outlasts_the_rest_is_hashed_alone() {
        let sizes = [MIB, 100 * MIB, 3 * MIB];
        let take =
            |workers, may_be_alone| queue(&sizes, workers).take(4, may_be_alone, 104 * MIB, |index| sizes[index]);
        assert_eq!(take(2, true), Work::Alone(1));
        assert_eq!(take(2, false), Work::Together(vec![1]));
        // A single worker gains by what rides along in the other lanes.
        assert_eq!(take(1, true), Work::Together(vec![1]));
        assert_eq!(queue(&[10 * MIB; 100], 2).take(4, true, 1000 * MIB, |_| 10 * MIB), Work::Together(vec![0]));
        // What others are hashing counts as well: six equal ones, of which some are taken, are shared out.
        assert_eq!(queue(&[MIB; 2], 2).take(4, true, 6 * MIB, |_| MIB), Work::Together(vec![0]));
    }

    #[test]
    fn sizes_that_overflow_do_no_harm() {
        assert_eq!(order(&[u64::MAX, 1, u64::MAX], 2), [0, 2, 1]);
    }
}

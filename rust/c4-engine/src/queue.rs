//! In which order messages are hashed, and which of them by a worker that does nothing else.

use std::collections::VecDeque;

/// Size from which a message counts as large, in bytes.
const LARGE_BYTES: u64 = 1024 * 1024;

/// Most small messages that are taken at once.
const BATCH: usize = 16;

/// Messages that no worker has taken.
pub(crate) struct Queue {
    /// Index and size; large messages first, by size, then small ones in the order given.
    jobs: VecDeque<(usize, u64)>,
    /// Bytes of all of them.
    bytes: u64,
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
    pub(crate) fn new(sizes: &[u64], workers: usize, speedup: u64) -> Self {
        let (mut large, small): (Vec<_>, Vec<_>) =
            sizes.iter().copied().enumerate().partition(|(_, size)| *size >= LARGE_BYTES);
        large.sort_by_key(|(index, size)| (std::cmp::Reverse(*size), *index));
        let bytes = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(*size));
        large.extend(small);
        Self { jobs: large.into(), bytes, workers: workers as u64, speedup }
    }

    /// Takes up to `wanted` messages; `may_be_alone` says whether the worker has no other.
    pub(crate) fn take(&mut self, wanted: usize, may_be_alone: bool) -> Work {
        let Some((index, size)) = self.jobs.pop_front() else { return Work::None };
        self.bytes = self.bytes.saturating_sub(size);
        if size >= LARGE_BYTES {
            // All the other workers would be done with the rest before this one with a single stream.
            let rest_of_others = self.bytes / (self.workers - 1).max(1);
            let outlasts_all = self.workers > 1 && size.saturating_mul(self.speedup) > rest_of_others;
            return if outlasts_all && may_be_alone { Work::Alone(index) } else { Work::Together(vec![index]) };
        }
        let mut taken = vec![index];
        // The last ones are shared out evenly.
        let share = self.jobs.len() / (2 * self.workers as usize);
        for _ in 1..wanted.max(BATCH).min(share) {
            let Some((index, size)) = self.jobs.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(size);
            taken.push(index);
        }
        Work::Together(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn order(mut queue: Queue) -> Vec<usize> {
        let mut order = Vec::new();
        loop {
            match queue.take(1, false) {
                Work::Together(taken) => order.extend(taken),
                Work::Alone(index) => order.push(index),
                Work::None => return order,
            }
        }
    }

    #[test]
    fn large_messages_come_first_and_small_ones_keep_their_order() {
        let sizes = [5, MIB, 0, 3 * MIB, 7, 2 * MIB, 3 * MIB];
        assert_eq!(order(Queue::new(&sizes, 2, 4)), [3, 6, 5, 1, 0, 2, 4]);
    }

    #[test]
    fn every_message_is_taken_once() {
        let sizes: Vec<u64> = (0..1000).map(|i| i * 7919 % (2 * MIB)).collect();
        let mut taken = order(Queue::new(&sizes, 3, 4));
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..1000));
    }

    #[test]
    fn a_message_that_outlasts_the_rest_is_hashed_alone() {
        let sizes = [MIB, 100 * MIB, 3 * MIB];
        assert_eq!(Queue::new(&sizes, 2, 4).take(4, true), Work::Alone(1));
        assert_eq!(Queue::new(&sizes, 2, 4).take(4, false), Work::Together(vec![1]));
        // A single worker gains by what rides along in the other lanes.
        assert_eq!(Queue::new(&sizes, 1, 4).take(4, true), Work::Together(vec![1]));
        assert_eq!(Queue::new(&[10 * MIB; 100], 2, 4).take(4, true), Work::Together(vec![0]));
    }

    #[test]
    fn sizes_that_overflow_do_no_harm() {
        assert_eq!(order(Queue::new(&[u64::MAX, 1, u64::MAX], 2, 4)), [0, 2, 1]);
    }
}

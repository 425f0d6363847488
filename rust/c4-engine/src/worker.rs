//! What one thread does: see the drawing of a slot's states in the crate's documentation.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use c4_sha512::{BLOCK_BYTES, Digest, INITIAL_STATE, Lane, State, padding, state_bytes};

use crate::queue::Work;
use crate::{BUFFER_BYTES, Batch, Message, Read, Shared};

/// Room for the padding that ends a message.
const PADDING_BYTES: usize = 2 * BLOCK_BYTES;

/// Buffers start at a multiple of this, so that no word of a block lies in two cache lines.
const ALIGNMENT: usize = 64;

/// How often a message is tried again when the process has no descriptor left and this call holds none.
const PATIENCE: u32 = 100;
const PAUSE: Duration = Duration::from_millis(1);

type Error<B> = <<B as Batch>::Message as Message>::Error;

/// A lane's message.
struct Job<M> {
    index: usize,
    attempt: u32,
    message: M,
}

struct Slot<M> {
    job: Option<Job<M>>,
    state: State,
    message_bytes: u128,
    buffer: Vec<u8>,
    /// Where the buffer's first aligned byte is.
    start: usize,
    /// Whole blocks that are ready, as a range of the aligned part of the buffer.
    ready: Range<usize>,
    /// Where the bytes end that were read: those after `ready` are an unfinished block.
    filled: usize,
    ended: bool,
}

impl<M: Message> Slot<M> {
    fn new() -> Self {
        let buffer = vec![0; BUFFER_BYTES + ALIGNMENT];
        let start = buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self { job: None, state: INITIAL_STATE, message_bytes: 0, buffer, start, ready: 0..0, filled: 0, ended: false }
    }

    fn begin(&mut self, job: Job<M>) {
        self.job = Some(job);
        self.state = INITIAL_STATE;
        self.message_bytes = 0;
        self.ready = 0..0;
        self.filled = 0;
        self.ended = false;
    }

    fn is_dry(&self) -> bool {
        self.job.is_some() && self.ready.is_empty()
    }

    fn blocks_ready(&self) -> usize {
        self.ready.len() / BLOCK_BYTES
    }

    /// Reads until a block is ready or the message has ended; `None` when it is to be opened again.
    fn fill(&mut self) -> Option<Result<(), M::Error>> {
        let buffer = &mut self.buffer[self.start..self.start + BUFFER_BYTES];
        buffer.copy_within(self.ready.end..self.filled, 0);
        self.filled -= self.ready.end;
        self.ready = 0..0;
        let message = &mut self.job.as_mut()?.message;
        while self.ready.is_empty() {
            match message.read(&mut buffer[self.filled..BUFFER_BYTES - PADDING_BYTES]) {
                Ok(Read::More(count)) => {
                    self.filled += count;
                    self.message_bytes += count as u128;
                    self.ready = 0..self.filled - self.filled % BLOCK_BYTES;
                }
                Ok(Read::End(count)) => {
                    self.filled += count;
                    self.message_bytes += count as u128;
                    let whole = self.filled - self.filled % BLOCK_BYTES;
                    let (blocks, count) = padding(&buffer[whole..self.filled], self.message_bytes);
                    self.filled = whole + count * BLOCK_BYTES;
                    buffer[whole..self.filled].copy_from_slice(blocks[..count].as_flattened());
                    self.ready = 0..self.filled;
                    self.ended = true;
                }
                Ok(Read::Again) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(()))
    }

    fn lane(&mut self) -> Lane<'_> {
        let aligned = &self.buffer[self.start..];
        Lane { state: &mut self.state, blocks: aligned[self.ready.clone()].as_chunks().0 }
    }

    /// Takes note of a step; the digest, if that was the message's last.
    fn advance(&mut self, blocks: usize) -> Option<(Digest, Job<M>)> {
        self.ready.start += blocks * BLOCK_BYTES;
        if self.ready.is_empty() && self.ended {
            return self.job.take().map(|job| (state_bytes(&self.state), job));
        }
        None
    }
}

/// Does a worker's part of the work.
pub(crate) fn work<B: Batch>(shared: &Shared<'_, B>) {
    let mut worker = Worker {
        shared,
        slots: Vec::new(),
        taken: VecDeque::new(),
        alone: false,
        exhausted: false,
        patience: PATIENCE,
        drained: false,
        keep: B::Keep::default(),
    };
    worker.run();
}

struct Worker<'s, 'b, B: Batch> {
    shared: &'s Shared<'b, B>,
    slots: Vec<Slot<B::Message>>,
    /// Messages that were taken from the queue and are to be opened, and at which attempt.
    taken: VecDeque<(usize, u32)>,
    /// Whether the message in the only slot in use is to have no neighbours.
    alone: bool,
    /// Whether the process had no descriptor left; to be tried again when a message has ended.
    exhausted: bool,
    /// How often it may be tried again while nobody here has a message open.
    patience: u32,
    /// Whether the queue is empty.
    drained: bool,
    keep: B::Keep,
}

impl<B: Batch> Worker<'_, '_, B> {
    fn run(&mut self) {
        while !self.shared.is_cancelled() {
            self.fill();
            let in_use = || self.slots.iter().filter(|slot| slot.job.is_some());
            let Some(count) = in_use().map(Slot::blocks_ready).min() else {
                if self.taken.is_empty() {
                    return;
                }
                continue;
            };
            let mut lanes: Vec<Lane<'_>> =
                self.slots.iter_mut().filter(|slot| slot.job.is_some()).map(Slot::lane).collect();
            self.shared.platform.compress_lanes(&mut lanes, count);
            for slot in self.slots.iter_mut().filter(|slot| slot.job.is_some()) {
                if let Some((digest, Job { index, message, .. })) = slot.advance(count) {
                    self.shared.open.fetch_sub(1, Ordering::Relaxed);
                    self.exhausted = false;
                    self.shared.deliver(index, Ok((digest, message)));
                }
            }
        }
    }

    /// Gives every slot a message, as long as there are some, and every message a block.
    fn fill(&mut self) {
        for at in 0..self.shared.slots {
            if self.slots.len() == at {
                self.slots.push(Slot::new());
            }
            // Asked for every read: on a slow disk each may take long.
            while !self.shared.is_cancelled() {
                if self.slots[at].job.is_none() {
                    match self.next(at) {
                        Some(job) => self.slots[at].begin(job),
                        None => break,
                    }
                }
                if !self.slots[at].is_dry() || self.read(at) {
                    break;
                }
            }
            if self.slots[at].job.is_none() && self.slots[at..].iter().all(|slot| slot.job.is_none()) {
                // No message for this slot, and so none for those that follow.
                return;
            }
        }
    }

    /// Fills a slot's buffer; `false` when the slot is empty afterwards.
    fn read(&mut self, at: usize) -> bool {
        let filled = self.slots[at].fill();
        if matches!(filled, Some(Ok(()))) {
            return true;
        }
        let Some(Job { index, attempt, message }) = self.slots[at].job.take() else { return false };
        drop(message);
        if let Some(Err(error)) = filled {
            self.fail(index, error);
        } else {
            self.shared.open.fetch_sub(1, Ordering::Relaxed);
            self.exhausted = false;
            self.taken.push_front((index, attempt + 1));
        }
        false
    }

    fn fail(&mut self, index: usize, error: Error<B>) {
        self.exhausted = false;
        self.shared.open.fetch_sub(1, Ordering::Relaxed);
        self.shared.deliver(index, Err(error));
    }

    /// Opens the next message for a slot.
    fn next(&mut self, at: usize) -> Option<Job<B::Message>> {
        if self.exhausted || (self.drained && self.taken.is_empty()) {
            return None;
        }
        let has_others = self.slots.iter().any(|slot| slot.job.is_some());
        if self.alone && has_others {
            return None;
        }
        while !self.shared.is_cancelled() {
            if self.taken.is_empty() {
                let wanted = self.shared.slots - at;
                let size = |index| self.shared.batch.size(index);
                let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
                let work = queue.take(wanted, !has_others, self.shared.unfinished.load(Ordering::Relaxed), size);
                drop(queue);
                self.alone = matches!(work, Work::Alone(_));
                match work {
                    Work::Together(taken) => self.taken.extend(taken.into_iter().map(|index| (index, 0))),
                    Work::Alone(index) => self.taken.push_back((index, 0)),
                    Work::None => {
                        self.drained = true;
                        return None;
                    }
                }
            }
            let (index, attempt) = *self.taken.front()?;
            match self.shared.batch.open(index, attempt, &mut self.keep) {
                Ok(message) => {
                    self.taken.pop_front();
                    self.patience = PATIENCE;
                    self.shared.open.fetch_add(1, Ordering::Relaxed);
                    return Some(Job { index, attempt, message });
                }
                Err(error) if B::is_exhaustion(&error) => {
                    self.keep = B::Keep::default();
                    if has_others {
                        self.exhausted = true;
                        return None;
                    }
                    if self.patience == 0 {
                        self.taken.pop_front();
                        self.shared.deliver(index, Err(error));
                        continue;
                    }
                    self.patience -= u32::from(!self.shared.others_are_open());
                    std::thread::sleep(PAUSE);
                }
                Err(error) => {
                    self.taken.pop_front();
                    self.shared.deliver(index, Err(error));
                }
            }
        }
        None
    }
}

impl<B: Batch> Drop for Worker<'_, '_, B> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The panic is the call's result: the others need not do the rest first.
            self.shared.stopped.store(true, Ordering::Relaxed);
        }
        let open = self.slots.iter().filter(|slot| slot.job.is_some()).count();
        self.shared.open.fetch_sub(open, Ordering::Relaxed);
    }
}

//! Hashes many messages at once: workers times lanes.
//!
//! One SHA-512 stream is serial, so a worker (a thread) advances several messages together, one in each lane of the
//! processor's vector registers. A lane has a slot: a message, its chaining value, and a buffer that the message is read
//! into. Each step advances all slots by the blocks that every one of them has ready; then those that have run out are
//! filled again.
//!
//! ```text
//!             take a job, open it                   read
//!    ┌───────┐ ───────────────────► ┌──────┐ ──────────────────► ┌───────┐ ◄─┐ step: some
//!    │ empty │                      │ dry  │                     │ ready │   │ blocks left
//!    └───────┘ ◄─────────────────── └──────┘ ◄────────────────── └───────┘ ──┘
//!        ▲      error: delivered     ▲    │    step: none left       │
//!        │                           └────┘                          │ step: none left, and the
//!        │               changed: opened and read again              │ message has ended
//!        └───────────────────────────────────────────────────────────┘ digest delivered
//! ```
//!
//! **Order** (`queue.rs`). Large messages are taken first, the largest of all first, so that no worker is left with one at
//! the end; small ones follow in the order given, several at a time, as they lie together in directories. A message so
//! large that it would outlast everything else has a worker for itself: one stream is faster than one lane.
//!
//! **Few messages.** The fewer are left, the emptier the registers; [`Platform::compress_lanes`] then takes smaller ones,
//! and for the last ones the single-stream path.
//!
//! **Memory** is [`BUFFER_BYTES`] a lane, whatever the count and size of the messages. **Descriptors**: a worker never
//! has more messages open than lanes, nor all workers together more than [`Limits::open`], or one each; when the process
//! has no descriptor left, a worker makes do with those that it has.
//!
//! **Faults.** An error in one message is delivered for it and leaves its slot empty; the neighbours' chaining values and
//! buffers are their own.

mod file;
mod queue;
mod worker;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use c4_sha512::{Digest, Platform};

pub use file::{FileRead, FileReader, is_descriptor_exhaustion, open_file_budget};

/// Bytes of a lane's buffer. From 16 to 256 KiB all measure alike, on large files and on small ones; this is what still
/// lets the four or sixteen buffers of a worker lie in a second-level cache.
pub const BUFFER_BYTES: usize = 64 * 1024;

/// What a message gave into a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes, at least one; more may follow.
    More(usize),
    /// So many bytes, and they are the last.
    End(usize),
    /// What was read of the message is void: it is to be opened again and read from its start.
    Again,
}

/// A message that is being read.
pub trait Message {
    /// Why it cannot be read.
    type Error;

    /// Reads the next bytes into a buffer, which is not empty.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Self::Error>;
}

/// Messages to hash, and what becomes of their digests. Its functions are called by several threads.
pub trait Batch: Sync {
    /// A message once it is open.
    type Message: Message;

    /// What a worker keeps from one call of `open` to the next.
    type Keep: Default;

    /// How many messages there are.
    fn count(&self) -> usize;

    /// About how many bytes a message has; only the order of the work depends on it.
    fn size(&self, index: usize) -> u64;

    /// Opens a message; `attempt` is 0, or 1 after [`Read::Again`] and so on.
    fn open(
        &self,
        index: usize,
        attempt: u32,
        keep: &mut Self::Keep,
    ) -> Result<Self::Message, <Self::Message as Message>::Error>;

    /// Takes the result of a message: one for each, in no order. What is open when the batch is cancelled gets none.
    fn done(&self, index: usize, result: Result<(Digest, Self::Message), <Self::Message as Message>::Error>);

    /// Whether an error of `open` only says that too many files are open: the message is then opened later.
    fn is_exhaustion(_error: &<Self::Message as Message>::Error) -> bool {
        false
    }

    /// Whether to stop; asked before any read.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// How many threads, and how many messages may be open at once in all of them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads, at least 1; the calling one is among them.
    pub workers: usize,
    /// Messages that are open at once; every worker has at least one.
    pub open: usize,
}

/// Hashes the messages of a batch.
///
/// Returns when each message has a result, or soon after the batch is cancelled. No thread outlives the call.
///
/// ```
/// use std::sync::Mutex;
/// use c4_engine::{Batch, Limits, Message, Read};
///
/// struct Text<'a>(&'a [u8]);
/// impl Message for Text<'_> {
///     type Error = std::convert::Infallible;
///     fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Self::Error> {
///         let count = self.0.len().min(buffer.len());
///         let (now, later) = self.0.split_at(count);
///         buffer[..count].copy_from_slice(now);
///         self.0 = later;
///         Ok(if later.is_empty() { Read::End(count) } else { Read::More(count) })
///     }
/// }
/// struct Texts<'a>(&'a [&'a [u8]], Mutex<Vec<Option<c4_sha512::Digest>>>);
/// impl<'a> Batch for Texts<'a> {
///     type Message = Text<'a>;
///     type Keep = ();
///     fn count(&self) -> usize {
///         self.0.len()
///     }
///     fn size(&self, index: usize) -> u64 {
///         self.0[index].len() as u64
///     }
///     fn open(&self, index: usize, _: u32, (): &mut ()) -> Result<Text<'a>, std::convert::Infallible> {
///         Ok(Text(self.0[index]))
///     }
///     fn done(&self, index: usize, result: Result<(c4_sha512::Digest, Text<'a>), std::convert::Infallible>) {
///         self.1.lock().unwrap()[index] = result.ok().map(|(digest, _)| digest);
///     }
/// }
/// let texts = Texts(&[b"a", b"bc"], Mutex::new(vec![None; 2]));
/// c4_engine::run(&texts, Limits { workers: 2, open: 8 });
/// assert_eq!(texts.1.into_inner().unwrap(), [Some(c4_sha512::digest(b"a")), Some(c4_sha512::digest(b"bc"))]);
/// ```
pub fn run<B: Batch>(batch: &B, limits: Limits) {
    run_on(Platform::current(), batch, limits);
}

fn run_on<B: Batch>(platform: Platform, batch: &B, limits: Limits) {
    let workers = limits.workers.clamp(1, batch.count().max(1));
    let slots = platform.lanes().min(batch.count().div_ceil(workers)).min((limits.open / workers).max(1));
    let shared = Shared {
        platform,
        batch,
        slots,
        queue: Mutex::new(queue::Queue::new(batch.count(), |index| batch.size(index), workers, platform.speedup())),
        open: AtomicUsize::new(0),
        unfinished: AtomicU64::new((0..batch.count()).map(|index| batch.size(index)).fold(0, u64::wrapping_add)),
        stopped: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        for number in 1..workers {
            let builder = std::thread::Builder::new().name(format!("c4-hash-{number}"));
            // Where the system gives no more threads, those that are there do the work.
            if builder.spawn_scoped(scope, || worker::work(&shared)).is_err() {
                break;
            }
        }
        worker::work(&shared);
    });
}

/// What the workers of a call have in common.
struct Shared<'b, B> {
    platform: Platform,
    batch: &'b B,
    /// Slots a worker.
    slots: usize,
    queue: Mutex<queue::Queue>,
    /// Messages that are open now.
    open: AtomicUsize,
    /// Bytes of the messages that have no result.
    unfinished: AtomicU64,
    /// Whether a worker has panicked.
    stopped: AtomicBool,
}

impl<B: Batch> Shared<'_, B> {
    fn is_cancelled(&self) -> bool {
        self.batch.is_cancelled() || self.stopped.load(Ordering::Relaxed)
    }

    fn deliver(&self, index: usize, result: Result<(Digest, B::Message), <B::Message as Message>::Error>) {
        self.unfinished.fetch_sub(self.batch.size(index), Ordering::Relaxed);
        self.batch.done(index, result);
    }

    fn others_are_open(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests;

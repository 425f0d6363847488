use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use c4_sha512::{Digest, Platform};
use proptest::prelude::*;

use crate::{Batch, Limits, Message, Read, run_on};

/// What goes wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Open,
    /// At the first byte from this place on.
    Read(usize),
    /// The first attempt is void from this place on; what it gave until then is garbage.
    Again(usize),
}

#[derive(Debug, PartialEq, Eq)]
enum Error {
    Fault,
    TooManyOpen,
}

/// Messages made of their number, without a file.
struct Made {
    sizes: Vec<u64>,
    faults: Vec<Fault>,
    /// Bytes that one read gives at most.
    piece: usize,
    max_open: usize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    cancelled: AtomicBool,
    cancel_after: usize,
    results: Mutex<HashMap<usize, Result<Digest, Error>>>,
}

struct MadeMessage<'m> {
    made: &'m Made,
    index: usize,
    attempt: u32,
    position: usize,
}

fn byte(index: usize, position: usize) -> u8 {
    ((index * 31 + position) as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]
}

impl Message for MadeMessage<'_> {
    type Error = Error;

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Error> {
        assert!(!buffer.is_empty());
        let size = self.made.sizes[self.index] as usize;
        let garbage = match self.made.faults[self.index] {
            Fault::Read(at) if self.position >= at => return Err(Error::Fault),
            Fault::Again(at) if self.attempt == 0 && self.position >= at => return Ok(Read::Again),
            Fault::Again(_) if self.attempt == 0 => 0xff,
            _ => 0,
        };
        let until = match self.made.faults[self.index] {
            Fault::Read(at) => at,
            _ => usize::MAX,
        };
        let count = buffer.len().min(self.made.piece).min(size - self.position).min(until - self.position);
        for (i, place) in buffer[..count].iter_mut().enumerate() {
            *place = byte(self.index, self.position + i) ^ garbage;
        }
        self.position += count;
        let is_void = self.attempt == 0 && matches!(self.made.faults[self.index], Fault::Again(_));
        match count {
            0 if is_void => Ok(Read::Again),
            _ if is_void || self.position < size || self.position == until => Ok(Read::More(count)),
            _ => Ok(Read::End(count)),
        }
    }
}

impl Drop for MadeMessage<'_> {
    fn drop(&mut self) {
        self.made.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<'m> Batch for &'m Made {
    type Message = MadeMessage<'m>;
    type Keep = ();

    fn count(&self) -> usize {
        self.sizes.len()
    }

    fn size(&self, index: usize) -> u64 {
        self.sizes[index]
    }

    fn open(&self, index: usize, attempt: u32, (): &mut ()) -> Result<MadeMessage<'m>, Error> {
        if self.faults[index] == Fault::Open {
            return Err(Error::Fault);
        }
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        if open > self.max_open {
            self.open.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::TooManyOpen);
        }
        self.most_open.fetch_max(open, Ordering::SeqCst);
        Ok(MadeMessage { made: self, index, attempt, position: 0 })
    }

    fn done(&self, index: usize, result: Result<(Digest, MadeMessage<'m>), Error>) {
        let mut results = self.results.lock().unwrap();
        assert!(results.insert(index, result.map(|(digest, _)| digest)).is_none(), "{index} was delivered twice");
        if results.len() >= self.cancel_after {
            self.cancelled.store(true, Ordering::SeqCst);
        }
    }

    fn is_exhaustion(error: &Error) -> bool {
        *error == Error::TooManyOpen
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

impl Made {
    fn new(sizes: impl IntoIterator<Item = u64>) -> Self {
        let sizes: Vec<u64> = sizes.into_iter().collect();
        Self {
            faults: vec![Fault::None; sizes.len()],
            sizes,
            piece: usize::MAX,
            max_open: usize::MAX,
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
            cancel_after: usize::MAX,
            results: Mutex::default(),
        }
    }

    fn hash(&self, platform: Platform, workers: usize, open: usize) {
        run_on(platform, &self, Limits { workers, open });
        assert_eq!(self.open.load(Ordering::SeqCst), 0, "messages were left open");
    }

    /// Compares every result with that of the message alone.
    fn check(&self) {
        let mut results = self.results.lock().unwrap();
        for (index, size) in self.sizes.iter().enumerate() {
            let expected = match self.faults[index] {
                Fault::Open => Err(Error::Fault),
                Fault::Read(at) if at <= *size as usize => Err(Error::Fault),
                _ => {
                    let bytes: Vec<u8> = (0..*size as usize).map(|position| byte(index, position)).collect();
                    Ok(c4_sha512::digest(&bytes))
                }
            };
            assert_eq!(results.remove(&index), Some(expected), "message {index} of {size} bytes");
        }
        assert!(results.is_empty());
    }
}

#[test]
fn an_empty_batch_is_done() {
    for platform in Platform::all_available() {
        let made = Made::new([]);
        made.hash(platform, 4, 4);
        made.check();
    }
}

#[test]
fn lengths_around_the_edges_of_blocks_and_buffers() {
    let buffer = crate::BUFFER_BYTES as u64;
    let edges =
        [0, 1, 111, 112, 127, 128, 129, 239, 240, 256, buffer - 257, buffer - 256, buffer - 255, buffer, buffer + 1];
    for platform in Platform::all_available() {
        for workers in [1, 2, 5] {
            let made = Made::new(edges.into_iter().chain(edges.map(|size| size + 2 * buffer)).cycle().take(100));
            made.hash(platform, workers, 1000);
            made.check();
        }
    }
}

#[test]
fn a_huge_message_beside_many_small_ones() {
    for platform in Platform::all_available() {
        for workers in [1, 2, 3] {
            let made = Made::new((0..300).map(|i| if i == 150 { 9_000_001 } else { i * 37 }));
            made.hash(platform, workers, 1000);
            made.check();
        }
    }
}

#[test]
fn when_no_more_may_be_open_fewer_lanes_do_the_work() {
    for platform in Platform::all_available() {
        for max_open in [1, 2, 3, 7] {
            let made = Made { max_open, ..Made::new((0..200).map(|i| i * 1000)) };
            made.hash(platform, 2, 1000);
            made.check();
            assert!(made.most_open.load(Ordering::SeqCst) <= max_open);
        }
    }
}

#[test]
fn a_process_that_can_open_nothing_gets_errors_and_no_hang() {
    let made = Made { max_open: 0, ..Made::new([5, 6]) };
    made.hash(Platform::current(), 2, 1000);
    let results = made.results.into_inner().unwrap();
    assert_eq!(results, HashMap::from([(0, Err(Error::TooManyOpen)), (1, Err(Error::TooManyOpen))]));
}

#[test]
fn no_more_are_open_than_the_limit_says() {
    for platform in Platform::all_available() {
        let made = Made::new((0..200).map(|i| i * 1000));
        made.hash(platform, 3, 6);
        made.check();
        assert!(made.most_open.load(Ordering::SeqCst) <= 6);
    }
}

#[test]
fn a_cancelled_batch_stops_and_closes_what_it_had_open() {
    for platform in Platform::all_available() {
        let made = Made { cancel_after: 20, ..Made::new((0..5000).map(|i| i * 10)) };
        made.hash(platform, 2, 1000);
        assert!(made.results.lock().unwrap().len() < 1000);
    }
}

#[test]
fn a_batch_whose_messages_all_fail_to_open_can_be_cancelled() {
    let mut made = Made { cancel_after: 20, ..Made::new(vec![10; 5000]) };
    made.faults.fill(Fault::Open);
    made.hash(Platform::current(), 2, 1000);
    assert!(made.results.lock().unwrap().len() < 100);
}

#[test]
fn equal_large_messages_are_shared_out() {
    for platform in Platform::all_available() {
        let made = Made::new([2_000_000; 6]);
        made.hash(platform, 2, 1000);
        made.check();
    }
}

/// A batch whose second message is a bug.
struct Broken(AtomicUsize);

impl Message for u8 {
    type Error = ();

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read, ()> {
        buffer[0] = *self;
        Ok(Read::End(1))
    }
}

impl Batch for Broken {
    type Message = u8;
    type Keep = ();

    fn count(&self) -> usize {
        1_000_000
    }

    fn size(&self, _index: usize) -> u64 {
        1
    }

    fn open(&self, index: usize, _attempt: u32, (): &mut ()) -> Result<u8, ()> {
        assert!(index != 1, "a bug");
        Ok(0)
    }

    fn done(&self, _index: usize, _result: Result<(Digest, u8), ()>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_panic_in_a_worker_ends_the_call_before_the_rest_is_done() {
    let broken = Broken(AtomicUsize::new(0));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run_on(Platform::current(), &broken, Limits { workers: 3, open: 100 });
    }));
    assert!(result.is_err());
    assert!(broken.0.into_inner() < 1_000_000);
}

fn faults() -> impl Strategy<Value = (u64, Fault)> {
    let size = prop_oneof![4 => 0..600_u64, 3 => 0..20_000_u64, 1 => 0..300_000_u64];
    let fault = prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Open),
        1 => (0..20_000_usize).prop_map(Fault::Read),
        1 => (0..20_000_usize).prop_map(Fault::Again),
    ];
    (size, fault)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever happens to some messages, the others' digests are theirs, and everything is delivered once.
    #[test]
    fn a_fault_in_one_message_disturbs_no_other(
        messages in prop::collection::vec(faults(), 0..80),
        workers in 1..4_usize,
        piece in prop_oneof![1..300_usize, Just(usize::MAX)],
        max_open in prop_oneof![1..5_usize, Just(usize::MAX)],
    ) {
        let (sizes, faults): (Vec<u64>, Vec<Fault>) = messages.into_iter().unzip();
        for platform in Platform::all_available() {
            let made = Made { faults: faults.clone(), piece, max_open, ..Made::new(sizes.clone()) };
            made.hash(platform, workers, 100);
            made.check();
        }
    }
}

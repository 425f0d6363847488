//! Many messages at once.

use crate::{Block, Digest, INITIAL_STATE, Platform, State, padding, state_bytes};

/// One of several states that advance together, with the whole blocks it advances over.
pub struct Lane<'a> {
    /// The chaining value, read and written.
    pub state: &'a mut State,
    /// The blocks to take in; others may follow those that a call takes.
    pub blocks: &'a [Block],
}

/// Hashes messages held in memory, in the order given.
///
/// Gives for each what [`crate::digest`] gives. A lane whose message ends takes the next one up.
///
/// ```
/// let digests = c4_sha512::digest_many(&[b"", b"abc"]);
/// assert_eq!(digests, [c4_sha512::digest(b""), c4_sha512::digest(b"abc")]);
/// ```
pub fn digest_many(messages: &[&[u8]]) -> Vec<Digest> {
    digest_many_on(Platform::current(), messages)
}

/// A message on its way.
struct Slot<'m> {
    index: usize,
    state: State,
    /// Whole blocks that are left.
    blocks: &'m [Block],
    /// The message's end with its padding.
    last: [Block; 2],
    /// Which blocks of `last` are left; they come after `blocks`.
    last_left: std::ops::Range<usize>,
}

impl<'m> Slot<'m> {
    fn new(index: usize, message: &'m [u8]) -> Self {
        let (blocks, rest) = message.as_chunks();
        let (last, count) = padding(rest, message.len() as u128);
        Self { index, state: INITIAL_STATE, blocks, last, last_left: 0..count }
    }

    fn ready(&self) -> usize {
        if self.blocks.is_empty() { self.last_left.len() } else { self.blocks.len() }
    }

    fn lane(&mut self) -> Lane<'_> {
        let blocks = if self.blocks.is_empty() { &self.last[self.last_left.clone()] } else { self.blocks };
        Lane { state: &mut self.state, blocks }
    }

    fn advance(&mut self, count: usize) {
        if self.blocks.is_empty() {
            self.last_left.start += count;
        } else {
            self.blocks = &self.blocks[count..];
        }
    }
}

fn digest_many_on(platform: Platform, messages: &[&[u8]]) -> Vec<Digest> {
    let mut digests = vec![[0; crate::DIGEST_BYTES]; messages.len()];
    let mut waiting = messages.iter().enumerate();
    let mut slots: Vec<Slot<'_>> = Vec::with_capacity(platform.lanes());
    loop {
        slots.retain(|slot| {
            let ended = slot.ready() == 0;
            if ended {
                digests[slot.index] = state_bytes(&slot.state);
            }
            !ended
        });
        let free = platform.lanes() - slots.len();
        slots.extend(waiting.by_ref().take(free).map(|(index, message)| Slot::new(index, message)));
        let Some(count) = slots.iter().map(Slot::ready).min() else { return digests };
        let mut lanes: Vec<Lane<'_>> = slots.iter_mut().map(Slot::lane).collect();
        platform.compress_lanes(&mut lanes, count);
        for slot in &mut slots {
            slot.advance(count);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::PlatformError;
    use sha2::Digest as _;

    /// Lengths around every boundary: of the padding, of a block, of the blocks that one call takes.
    const LENGTHS: [usize; 30] = [
        0, 1, 2, 63, 64, 110, 111, 112, 113, 126, 127, 128, 129, 239, 240, 241, 255, 256, 257, 383, 384, 385, 511, 512,
        513, 639, 1000, 4096, 4097, 70_000,
    ];

    fn data(length: usize) -> Vec<u8> {
        (0..length as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    /// Compares a kernel with the `sha2` crate's own hasher. A kernel that this processor lacks is passed over, unless it
    /// is the one that the environment asks for.
    pub(crate) fn check_platform(platform: Result<Platform, PlatformError>) {
        let platform = match platform {
            Ok(platform) => platform,
            Err(PlatformError::Unsupported(name)) if std::env::var(crate::PLATFORM_VARIABLE).as_deref() != Ok(name) => {
                eprintln!("not run: this processor lacks {name}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        check_digests(platform);
        check_lanes(platform);
    }

    /// Messages of every length, in every set of neighbours and at every offset from an alignment.
    fn check_digests(platform: Platform) {
        let data = data(70_064);
        let expected = |messages: &[&[u8]]| -> Vec<Digest> {
            messages.iter().map(|message| sha2::Sha512::digest(message).into()).collect()
        };
        let messages: Vec<&[u8]> = LENGTHS.iter().map(|length| &data[length % 64..][..*length]).collect();
        let whole = expected(&messages);
        for start in 0..messages.len() {
            assert_eq!(digest_many_on(platform, &messages[start..]), whole[start..], "{platform:?} from {start}");
        }
        for message in &messages {
            let mut hasher = crate::Sha512::on(platform);
            hasher.update(message);
            assert_eq!([hasher.finalize()][..], expected(&[message]), "{platform:?}, {} bytes", message.len());
        }
        // As many lanes as there can be and some more, with one that is much longer, and with empty ones.
        for count in 0..=2 * platform.lanes() + 1 {
            for length in [0, 111, 112, 128, 1000] {
                let mut messages = vec![&data[..length]; count];
                assert_eq!(
                    digest_many_on(platform, &messages),
                    expected(&messages),
                    "{platform:?}, {count} x {length}"
                );
                if count > 2 {
                    messages[1] = &data;
                    messages[2] = b"";
                    assert_eq!(digest_many_on(platform, &messages), expected(&messages), "{platform:?}, {count} mixed");
                }
            }
        }
    }

    /// Every number of lanes and of blocks, each lane from its own state; a lane's further blocks are left alone.
    fn check_lanes(platform: Platform) {
        let data = data(64 * 128);
        let (blocks, _) = data.as_chunks::<128>();
        for lane_count in 0..=2 * platform.lanes() + 1 {
            for count in [0, 1, 2, 3, 4, 5, 7, 8, 9, 16] {
                let mut states: Vec<State> = (0..lane_count).map(|i| [i as u64 * 0x0123_4567_89ab_cdef; 8]).collect();
                let mut expected = states.clone();
                let of_lane = |i: usize| &blocks[i % 40..][..count + i % 3];
                for (i, state) in expected.iter_mut().enumerate() {
                    sha2::block_api::compress512(state, &of_lane(i)[..count]);
                }
                let mut lanes: Vec<Lane<'_>> =
                    states.iter_mut().enumerate().map(|(i, state)| Lane { state, blocks: of_lane(i) }).collect();
                platform.compress_lanes(&mut lanes, count);
                assert_eq!(states, expected, "{platform:?}, {lane_count} lanes, {count} blocks");
                for state in &mut states {
                    platform.compress(state, &blocks[..count]);
                }
                for state in &mut expected {
                    sha2::block_api::compress512(state, &blocks[..count]);
                }
                assert_eq!(states, expected, "{platform:?}, one stream, {count} blocks");
            }
        }
    }

    #[test]
    #[should_panic(expected = "range end index 3 out of range")]
    fn a_lane_with_too_few_blocks_is_refused() {
        let mut state = INITIAL_STATE;
        let mut lanes = [Lane { state: &mut state, blocks: &[[0; 128]; 2] }];
        Platform::PORTABLE.compress_lanes(&mut lanes, 3);
    }

    #[test]
    fn no_message_gives_no_digest() {
        assert_eq!(digest_many(&[]), Vec::<Digest>::new());
    }

    #[test]
    fn pieces_of_any_length_give_the_digest_of_the_whole() {
        let data = data(1500);
        for piece in [1, 7, 127, 128, 129, 300, 1500] {
            let mut hasher = crate::Sha512::new();
            data.chunks(piece).for_each(|chunk| hasher.update(chunk));
            assert_eq!(hasher.finalize(), crate::digest(&data), "pieces of {piece}");
        }
    }
}

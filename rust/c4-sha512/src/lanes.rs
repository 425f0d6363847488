//! Many messages at once.

use crate::{Block, Digest, INITIAL_STATE, Platform, State, padding, state_bytes};

/// One of several states that advance together, with the whole blocks it advances over.
pub struct Lane<'a> {
    /// The chaining value, read and written.
    pub state: &'a mut State,
    /// The blocks to take in; lanes of one call may differ in length.
    pub blocks: &'a [Block],
}

/// Hashes messages held in memory, in the order given.
///
/// Gives for each what [`crate::digest`] gives; groups of messages share the vector registers where the platform has
/// lanes.
///
/// ```
/// let digests = c4_sha512::digest_many(&[b"", b"abc"]);
/// assert_eq!(digests, [c4_sha512::digest(b""), c4_sha512::digest(b"abc")]);
/// ```
pub fn digest_many(messages: &[&[u8]]) -> Vec<Digest> {
    digest_many_on(Platform::current(), messages)
}

fn digest_many_on(platform: Platform, messages: &[&[u8]]) -> Vec<Digest> {
    let mut states: Vec<State> = vec![INITIAL_STATE; messages.len()];
    let mut tails = Vec::with_capacity(messages.len());
    let mut lanes = Vec::with_capacity(messages.len());
    for (state, message) in states.iter_mut().zip(messages) {
        let (blocks, rest) = message.as_chunks();
        tails.push(padding(rest, message.len() as u128));
        lanes.push(Lane { state, blocks });
    }
    platform.compress_lanes(&mut lanes);
    for (lane, (blocks, count)) in lanes.iter_mut().zip(&tails) {
        lane.blocks = &blocks[..*count];
    }
    platform.compress_lanes(&mut lanes);
    states.iter().map(state_bytes).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Compares a platform with the `sha2` crate's own hasher, over lengths around every boundary of the padding.
    pub(crate) fn check_platform(platform: Platform) {
        use sha2::Digest as _;
        let lengths =
            [0, 1, 2, 63, 64, 110, 111, 112, 113, 127, 128, 129, 239, 240, 241, 255, 256, 257, 1000, 4096, 70_000];
        let data: Vec<u8> = (0..70_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let messages: Vec<&[u8]> = lengths.iter().map(|length| &data[..*length]).collect();
        let expected: Vec<Digest> = messages.iter().map(|message| sha2::Sha512::digest(message).into()).collect();
        assert_eq!(digest_many_on(platform, &messages), expected);
        for start in 0..messages.len() {
            assert_eq!(digest_many_on(platform, &messages[start..]), expected[start..], "lanes from {start}");
        }
    }

    #[test]
    fn no_message_gives_no_digest() {
        assert_eq!(digest_many(&[]), Vec::<Digest>::new());
    }

    #[test]
    fn pieces_of_any_length_give_the_digest_of_the_whole() {
        let data: Vec<u8> = (0..1500_u32).map(|i| i as u8).collect();
        for piece in [1, 7, 127, 128, 129, 300, 1500] {
            let mut hasher = crate::Sha512::new();
            data.chunks(piece).for_each(|chunk| hasher.update(chunk));
            assert_eq!(hasher.finalize(), crate::digest(&data), "pieces of {piece}");
        }
    }
}

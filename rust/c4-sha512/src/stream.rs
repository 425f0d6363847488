//! One message that arrives in pieces.

use crate::{BLOCK_BYTES, Block, Digest, INITIAL_STATE, Platform, State, padding, state_bytes};

/// A SHA-512 computation over one stream, in constant memory.
///
/// ```
/// let mut hasher = c4_sha512::Sha512::new();
/// hasher.update(b"a");
/// hasher.update(b"bc");
/// assert_eq!(hasher.finalize(), c4_sha512::digest(b"abc"));
/// ```
#[derive(Clone)]
pub struct Sha512 {
    platform: Platform,
    state: State,
    message_bytes: u128,
    /// The bytes of the unfinished block; `message_bytes % BLOCK_BYTES` of them count.
    rest: Block,
}

impl Default for Sha512 {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha512 {
    /// An empty message on the current platform.
    pub fn new() -> Self {
        Self::on(Platform::current())
    }

    /// An empty message on a platform.
    pub(crate) fn on(platform: Platform) -> Self {
        Self { platform, state: INITIAL_STATE, message_bytes: 0, rest: [0; BLOCK_BYTES] }
    }

    /// Appends bytes to the message.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let held = (self.message_bytes % BLOCK_BYTES as u128) as usize;
        self.message_bytes += bytes.len() as u128;
        if held > 0 {
            let taken = bytes.len().min(BLOCK_BYTES - held);
            self.rest[held..held + taken].copy_from_slice(&bytes[..taken]);
            if held + taken < BLOCK_BYTES {
                return;
            }
            bytes = &bytes[taken..];
            self.platform.compress(&mut self.state, &[self.rest]);
        }
        let (blocks, rest) = bytes.as_chunks();
        self.platform.compress(&mut self.state, blocks);
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    /// Ends the message and returns its digest.
    pub fn finalize(mut self) -> Digest {
        let held = (self.message_bytes % BLOCK_BYTES as u128) as usize;
        let (blocks, count) = padding(&self.rest[..held], self.message_bytes);
        self.platform.compress(&mut self.state, &blocks[..count]);
        state_bytes(&self.state)
    }
}

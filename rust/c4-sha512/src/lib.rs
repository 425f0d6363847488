//! SHA-512 (FIPS 180-4) for many messages at once.
//!
//! A single SHA-512 stream is serial, but streams are independent of each other: a kernel may advance several of them
//! in one set of vector registers. This crate is where such kernels live, and the only crate of the workspace that may
//! hold unsafe code. It knows nothing of files, C4 or Python.
//!
//! - [`Platform`] is the one dispatcher: it names a kernel, is detected once, and can be forced with the environment
//!   variable [`PLATFORM_VARIABLE`].
//! - `portable` is the kernel that works everywhere; its block function is that of the `sha2` crate.
//! - [`Sha512`] hashes one stream in constant memory.
//! - [`digest_many`] hashes a batch of messages held in memory, in lanes.
//!
//! A kernel exposes two functions of fixed signature, `compress` (one state over whole blocks) and `compress_lanes`
//! (many states, each over as many blocks of its own); padding and buffering are done here, once for all of them. Before
//! a kernel is used it has to agree with `portable` on a few blocks.

mod constants;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod lockstep;
mod platform;
mod portable;
mod stream;
#[cfg(target_arch = "x86_64")]
mod x86_avx2;
#[cfg(target_arch = "x86_64")]
mod x86_avx512;

pub use constants::INITIAL_STATE;
pub use lanes::{Lane, digest_many};
pub use platform::{PLATFORM_VARIABLE, Platform, PlatformError};
pub use stream::Sha512;

/// Length of a SHA-512 block in bytes (FIPS 180-4, section 1).
pub const BLOCK_BYTES: usize = 128;

/// Length of a SHA-512 digest in bytes.
pub const DIGEST_BYTES: usize = 64;

/// One message block.
pub type Block = [u8; BLOCK_BYTES];

/// One digest, in the big-endian byte order of the standard.
pub type Digest = [u8; DIGEST_BYTES];

/// The chaining value between two blocks.
pub type State = [u64; 8];

/// Hashes one message held in memory.
///
/// ```
/// assert_eq!(c4_sha512::digest(b"abc")[..4], [0xdd, 0xaf, 0x35, 0xa1]);
/// ```
pub fn digest(message: &[u8]) -> Digest {
    let mut hasher = Sha512::new();
    hasher.update(message);
    hasher.finalize()
}

/// Writes a finished state in the byte order of the standard.
pub fn state_bytes(state: &State) -> Digest {
    let mut out = [0; DIGEST_BYTES];
    for (bytes, word) in out.chunks_exact_mut(8).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    out
}

/// The last one or two blocks of a message: its unfinished block, the `1` bit, zeros, and the length in bits.
///
/// Returns the blocks and how many of them count. `rest` is shorter than a block.
pub fn padding(rest: &[u8], message_bytes: u128) -> ([Block; 2], usize) {
    let mut blocks = [[0; BLOCK_BYTES]; 2];
    blocks[0][..rest.len()].copy_from_slice(rest);
    blocks[0][rest.len()] = 0x80;
    let count = if rest.len() < BLOCK_BYTES - 16 { 1 } else { 2 };
    blocks[count - 1][BLOCK_BYTES - 16..].copy_from_slice(&(message_bytes << 3).to_be_bytes());
    (blocks, count)
}

//! Messages that end, or begin, where memory ends: a kernel that reads beyond a buffer is killed here.

use std::ptr;

use c4_sha512::{BLOCK_BYTES, INITIAL_STATE, Lane, Platform};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use sha2::Digest as _;

/// Pages that may be used, between two that may not be touched.
struct Guarded {
    start: *mut u8,
}

/// A multiple of every page size.
const PAGE: usize = 64 * 1024;

/// All bytes: those that may be used, and a page on either side.
const MAPPED: usize = 3 * PAGE;

impl Guarded {
    fn new() -> Self {
        // SAFETY: a new mapping at a place that the system chooses.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), MAPPED, ProtFlags::empty(), MapFlags::PRIVATE) }.unwrap();
        // SAFETY: the pages lie inside the mapping, and nothing refers to them yet.
        unsafe { mprotect(start.byte_add(PAGE), PAGE, MprotectFlags::READ | MprotectFlags::WRITE) }.unwrap();
        let mut pages = Self { start: start.cast() };
        for (i, byte) in pages.bytes().iter_mut().enumerate() {
            *byte = ((i as u32).wrapping_mul(2_654_435_761) >> 24) as u8;
        }
        pages
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: these pages were made readable and writable, they are initialised (zeros), and `self` owns them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(PAGE), PAGE) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made, in its length; nothing borrows it any more.
        unsafe { munmap(self.start.cast(), MAPPED) }.unwrap();
    }
}

#[test]
fn messages_at_the_edges_of_memory() {
    let mut pages = Guarded::new();
    let bytes = &*pages.bytes();
    for length in [0, 1, 111, 112, 127, 128, 129, 239, 240, 255, 256, 257, 1000, 4095, bytes.len()] {
        for message in [&bytes[..length], &bytes[bytes.len() - length..]] {
            let expected: [u8; 64] = sha2::Sha512::digest(message).into();
            assert_eq!(c4_sha512::digest(message), expected, "{length} bytes");
            let counts = if length > 4096 { &[1, 5][..] } else { &[1, 3, 4, 8, 16, 17] };
            for count in counts.iter().copied() {
                assert_eq!(c4_sha512::digest_many(&vec![message; count]), vec![expected; count], "{count} x {length}");
            }
        }
    }
}

#[test]
fn blocks_at_the_edges_of_memory() {
    let mut pages = Guarded::new();
    let (blocks, _) = pages.bytes().as_chunks::<BLOCK_BYTES>();
    for platform in Platform::all_available() {
        for count in [1, 2, 3, 4, 5, 7, 8, 9, blocks.len()] {
            for blocks in [&blocks[..count], &blocks[blocks.len() - count..]] {
                let mut expected = INITIAL_STATE;
                sha2::block_api::compress512(&mut expected, blocks);
                for lane_count in [1, 3, 4, 5, 8, 13, 16] {
                    let mut states = vec![INITIAL_STATE; lane_count];
                    let mut lanes: Vec<Lane<'_>> = states.iter_mut().map(|state| Lane { state, blocks }).collect();
                    platform.compress_lanes(&mut lanes, count);
                    assert_eq!(states, vec![expected; lane_count], "{platform:?}, {lane_count} lanes, {count} blocks");
                }
                let mut state = INITIAL_STATE;
                platform.compress(&mut state, blocks);
                assert_eq!(state, expected, "{platform:?}, one stream, {count} blocks");
            }
        }
    }
}

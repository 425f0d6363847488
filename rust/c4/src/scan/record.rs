//! What a cache file is made of: a file's version, its ID, and a checksum.
//!
//! ```text
//! file    header (128 bytes: a text that names the form and its version, then zeros), records
//! record  device, inode, size (u64), mtime, ctime (i64, ns since 1970), day seen (u32, since 1970)   44 bytes
//!         the file's ID                                                                               64 bytes
//!         the first bytes of the SHA-512 of what is before                                            20 bytes
//! ```
//!
//! Numbers are little-endian. Every record stands for itself: one that is damaged, or was not written to its end, hurts no
//! other. What a checksum covers fits one block of SHA-512, so that many are checked side by side at little cost.

use c4_sha512::digest_many;
use rustix::fs::Stat;

use super::walk::{Inode, inode_of};
use crate::C4Id;

/// Bytes of a record, and of the header of a file.
pub(super) const RECORD_BYTES: usize = 128;

/// Bytes that the checksum covers; at most 111 fit one block with its padding.
const COVERED_BYTES: usize = 108;

/// How many records are checked together.
const RECORDS_AT_ONCE: usize = 256;

const NS: i64 = 1_000_000_000;

/// How much older than the moment of reading the times of a file must be, in nanoseconds.
///
/// A write in the same tick of the file system's clock as the one before leaves no trace in the times. Ticks are at most
/// 10 ms where fractions of a second are kept at all; the rest is for clocks that are not quite the same.
const MARGIN: i64 = 2 * NS;

/// A file in the state that it had at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Version {
    pub(super) inode: Inode,
    size: u64,
    mtime: i64,
    ctime: i64,
}

impl Version {
    /// `None` where a time does not fit; such a file is hashed at each scan.
    #[allow(clippy::unnecessary_cast, reason = "the widths of stat fields differ between platforms")]
    pub(super) fn of(stat: &Stat) -> Option<Self> {
        let ns = |seconds: i64, fraction: i64| seconds.checked_mul(NS)?.checked_add(fraction);
        Some(Self {
            inode: inode_of(stat),
            size: u64::try_from(stat.st_size).ok()?,
            mtime: ns(stat.st_mtime as i64, stat.st_mtime_nsec as i64)?,
            ctime: ns(stat.st_ctime as i64, stat.st_ctime_nsec as i64)?,
        })
    }

    /// Whether any change after a moment shows in the times. Not so when they are too young, or in the future; nor where
    /// the time of change has no fraction of a second: then the file system's clock is coarse (HFS+, FAT, which has no
    /// time of change, and makes up its inode numbers), or the file is one in a thousand million.
    pub(super) fn is_settled(&self, moment: i64) -> bool {
        self.ctime % NS != 0 && self.mtime.max(self.ctime) < moment.saturating_sub(MARGIN)
    }

    #[cfg(test)]
    pub(super) fn sample(number: u64, ctime: i64) -> Self {
        Self { inode: Inode { device: 1, number }, size: 3, mtime: 5, ctime }
    }

    pub(super) fn is_later_than(&self, other: &Self) -> bool {
        self.ctime > other.ctime
    }
}

/// The ID that a version of a file had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub(super) version: Version,
    pub(super) id: C4Id,
    /// When a scan last found the file in this version, in days since 1970.
    pub(super) day: u32,
}

impl Record {
    pub(super) fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let Version { inode, size, mtime, ctime } = self.version;
        let mut bytes = [0; RECORD_BYTES];
        let fields: [&[u8]; 7] = [
            &inode.device.to_le_bytes(),
            &inode.number.to_le_bytes(),
            &size.to_le_bytes(),
            &mtime.to_le_bytes(),
            &ctime.to_le_bytes(),
            &self.day.to_le_bytes(),
            &self.id.0,
        ];
        let mut at = 0;
        for field in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        let checksum = c4_sha512::digest(&bytes[..COVERED_BYTES]);
        bytes[COVERED_BYTES..].copy_from_slice(&checksum[..RECORD_BYTES - COVERED_BYTES]);
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Self {
        let field = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[at..at + 8]);
            field
        };
        let number = |at: usize| u64::from_le_bytes(field(at));
        let mut day = [0; 4];
        day.copy_from_slice(&bytes[40..44]);
        let mut id = [0; 64];
        id.copy_from_slice(&bytes[44..COVERED_BYTES]);
        Self {
            version: Version {
                inode: Inode { device: number(0), number: number(8) },
                size: number(16),
                mtime: i64::from_le_bytes(field(24)),
                ctime: i64::from_le_bytes(field(32)),
            },
            id: C4Id(id),
            day: u32::from_le_bytes(day),
        }
    }
}

/// The sound records among the bytes of a file after its header; what is left over at the end is none.
pub(super) fn records(bytes: &[u8]) -> Vec<Record> {
    let (blocks, _) = bytes.as_chunks::<RECORD_BYTES>();
    let mut records = Vec::with_capacity(blocks.len());
    for blocks in blocks.chunks(RECORDS_AT_ONCE) {
        let covered: Vec<&[u8]> = blocks.iter().map(|block| &block[..COVERED_BYTES]).collect();
        let sound = blocks
            .iter()
            .zip(digest_many(&covered))
            .filter(|(block, digest)| block[COVERED_BYTES..] == digest[..RECORD_BYTES - COVERED_BYTES]);
        records.extend(sound.map(|(block, _)| Record::from_bytes(block)));
    }
    records
}

/// The first bytes of a cache file.
pub(super) fn header() -> [u8; RECORD_BYTES] {
    const TEXT: &[u8] = b"c4 scan cache, version 1\n";
    let mut header = [0; RECORD_BYTES];
    header[..TEXT.len()].copy_from_slice(TEXT);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(mtime: i64, ctime: i64) -> Version {
        Version { inode: Inode { device: 1, number: 2 }, size: 3, mtime, ctime }
    }

    fn any_record() -> impl Strategy<Value = Record> {
        (any::<[u64; 3]>(), any::<[i64; 2]>(), any::<u32>(), any::<u8>()).prop_map(|(numbers, times, day, seed)| {
            Record {
                version: Version {
                    inode: Inode { device: numbers[0], number: numbers[1] },
                    size: numbers[2],
                    mtime: times[0],
                    ctime: times[1],
                },
                id: C4Id::of(&[seed]),
                day,
            }
        })
    }

    proptest! {
        #[test]
        fn records_read_back_and_what_is_left_over_is_none(all in prop::collection::vec(any_record(), 0..600), rest in 0..RECORD_BYTES) {
            let mut bytes: Vec<u8> = all.iter().flat_map(|record| record.to_bytes()).collect();
            bytes.extend(vec![7; rest]);
            prop_assert_eq!(records(&bytes), all);
        }

        #[test]
        fn a_damaged_record_is_none(record in any_record(), others in any::<u8>()) {
            let bytes = record.to_bytes();
            for at in 0..RECORD_BYTES {
                for change in [1, 0x80, others.max(1)] {
                    let mut damaged = bytes;
                    damaged[at] ^= change;
                    prop_assert_eq!(records(&[damaged, bytes].concat()), [record]);
                }
            }
        }
    }

    #[test]
    fn times_are_settled_when_they_are_old_enough_and_have_fractions() {
        let now = 1_000 * NS + 5;
        let old = now - MARGIN - 1;
        assert!(version(old, old).is_settled(now));
        assert!(version(7 * NS, old).is_settled(now), "others set the time of modification");
        assert!(!version(old + 1, old).is_settled(now));
        assert!(!version(old, old + 1).is_settled(now));
        assert!(!version(now + NS, old).is_settled(now), "the future");
        assert!(!version(old, 900 * NS).is_settled(now), "whole seconds");
    }
}

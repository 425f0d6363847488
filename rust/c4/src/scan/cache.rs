//! IDs that are known from scans before, by device, inode, size, and the times of modification and of change in
//! nanoseconds. What a file's ID was in that version is its ID still, and the file is not opened.
//!
//! **Advice only.** A cache that is damaged, cut off, of another form or not there costs hashing, and never gives a wrong
//! ID: every record has a checksum, and records that contradict each other are not believed. Trusted are only files of
//! this user that no other may write. A record is made only of a file whose times were older, when its reading began, than
//! a file system's clock is coarse (`Version::is_settled`); so a file that is written to later has other times. What no
//! times show, nothing here does: a store through a memory map into a page that has not been written back since an
//! earlier one, an administrator who sets the clock back and then writes.
//!
//! **Files.** A cache is a directory, one for many trees; the names of its files begin with a key of the root's path, so
//! that a small tree does not read what is known of a large one. A scan writes a file of its own, `KEY-RANDOM.part`, which
//! is `.ids` when the scan has ended, however it did; it reads all of both. Nothing is changed in place, mapped or locked:
//! that is safe on NFS and with any count of processes, which lose records at worst. Since records are written as files
//! are hashed, a scan that was interrupted or killed goes on where it was.
//!
//! **Size.** When too many files or too many outdated records have come together, a scan writes what holds into one new
//! file, renames it into place and removes those that it read. A record is dropped when no scan has found its file for
//! [`KEPT_DAYS`], and a cache file that old is removed, whatever tree it is of. So that records in use stay, one that is
//! used is written again when its note is [`RENEWED_DAYS`] old. While a scan runs a record takes about 120 bytes of
//! memory.

use std::fs;
use std::hash::BuildHasher as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hashbrown::{DefaultHashBuilder, HashTable};
use rustix::fs::Stat;

use super::cache_file::{Writer, files_of, key_of, read_file, remove_older, trusted_directory};
use super::record::{RECORD_BYTES, Record, Version};
use super::walk::Inode;
use crate::C4Id;

/// How long a record is kept whose file is not found any more, in days.
const KEPT_DAYS: u32 = 60;
/// How old the day of a record becomes before it is written again.
const RENEWED_DAYS: u32 = 7;
/// From how many files on, and how many outdated records beyond those that hold, a cache is written anew.
const MANY_FILES: usize = 8;
const MANY_OUTDATED: usize = 1024;

/// Most records that room is made for at once: the length of a damaged file says nothing.
const MOST_RESERVED: usize = 1 << 22;

const DAY: u64 = 24 * 60 * 60;

/// The time, in nanoseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn today() -> u32 {
    (now() as u64 / 1_000_000_000 / DAY) as u32
}

/// What is known of the files of a tree, and what a scan adds to it.
pub(super) struct Cache {
    index: Index,
    /// Files that were read, and are finished.
    read: Vec<PathBuf>,
    /// Records that were read, whether they hold or not.
    read_records: usize,
    started: i64,
    today: u32,
    writer: Mutex<Writer>,
}

impl Cache {
    /// Reads what there is in a directory for a root. What cannot be read is not known.
    pub(super) fn load(directory: &Path, root: &Path) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let mut writer = Writer::new(directory, key_of(&root));
        let mut index = Index::default();
        let (mut read, mut read_records) = (Vec::new(), 0);
        match trusted_directory(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => writer.fail(error),
            Ok(()) => {
                // What another scan has joined to one file in the meantime is there under its new name.
                for _ in 0..3 {
                    let mut has_vanished = false;
                    for path in files_of(directory, &writer.key) {
                        if read.iter().any(|(other, _)| *other == path) {
                            continue;
                        }
                        match read_file(&path, &mut index) {
                            Ok((count, is_finished)) => {
                                read_records += count;
                                read.push((path, is_finished));
                            }
                            Err(error) => has_vanished |= error.kind() == io::ErrorKind::NotFound,
                        }
                    }
                    if !has_vanished {
                        break;
                    }
                }
            }
        }
        let read = read.into_iter().filter_map(|(path, is_finished)| is_finished.then_some(path)).collect();
        Self { index, read, read_records, started: now(), today: today(), writer: Mutex::new(writer) }
    }

    /// The number of the record of a file, if its ID is known in the version that it has.
    pub(super) fn find(&self, stat: &Stat) -> Option<u32> {
        let version = Version::of(stat).filter(|version| version.is_settled(self.started))?;
        self.index.find(&version)
    }

    /// The ID in a record, which is used.
    pub(super) fn take(&self, number: u32) -> C4Id {
        let record = &self.index.records[number as usize];
        if record.day.saturating_add(RENEWED_DAYS) <= self.today {
            self.writer().add(&Record { day: self.today, ..*record }, 0);
        }
        record.id
    }

    /// Notes the ID of a file that was hashed, and was the same before and after; `began` is from before it was opened.
    pub(super) fn note(&self, version: Option<Version>, began: i64, id: &C4Id, bytes: u64) {
        if let Some(version) = version.filter(|version| version.is_settled(began)) {
            self.writer().add(&Record { version, id: *id, day: self.today }, bytes);
        }
    }

    /// Writes what is left to write. Why the cache could not be written, if it could not.
    pub(super) fn finish(self, is_complete: bool) -> Option<(PathBuf, io::Error)> {
        let mut writer = self.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        writer.finish();
        let outdated = self.read_records.saturating_sub(self.index.records.len());
        let is_due = self.read.len() >= MANY_FILES || outdated > self.index.records.len() + MANY_OUTDATED;
        if is_complete && is_due && writer.failure.is_none() {
            let mut joined = Writer::new(&writer.directory, std::mem::take(&mut writer.key));
            for record in &self.index.records {
                if !record.id.is_nil() && record.day.saturating_add(KEPT_DAYS) > self.today {
                    joined.add(record, 0);
                }
            }
            joined.write();
            if joined.failure.is_some() {
                joined.discard();
            } else {
                joined.finish();
                for path in &self.read {
                    let _ = fs::remove_file(path);
                }
            }
            writer.failure = joined.failure;
        }
        if writer.has_written {
            // No record in them would be kept.
            remove_older(&writer.directory, Duration::from_secs(u64::from(KEPT_DAYS) * DAY));
        }
        writer.failure.map(|error| (writer.directory, error))
    }

    fn writer(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records by inode.
#[derive(Default)]
pub(super) struct Index {
    records: Vec<Record>,
    /// Numbers of records.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Index {
    fn hash(hasher: &DefaultHashBuilder, inode: Inode) -> u64 {
        hasher.hash_one((inode.device, inode.number))
    }

    /// Makes room for the records of a file of so many bytes.
    pub(super) fn reserve(&mut self, file_bytes: u64) {
        let count = (file_bytes as usize / RECORD_BYTES).min(MOST_RESERVED);
        let Self { records, table, hasher } = self;
        records.reserve(count);
        table.reserve(count, |number| Self::hash(hasher, records[*number as usize].version.inode));
    }

    pub(super) fn insert(&mut self, record: Record) {
        let Self { records, table, hasher } = self;
        let inode = record.version.inode;
        let Ok(next) = u32::try_from(records.len()) else { return };
        let is_it = |number: &u32| records[*number as usize].version.inode == inode;
        let rehash = |number: &u32| Self::hash(hasher, records[*number as usize].version.inode);
        match table.entry(Self::hash(hasher, inode), is_it, rehash) {
            hashbrown::hash_table::Entry::Vacant(entry) => {
                entry.insert(next);
                records.push(record);
            }
            hashbrown::hash_table::Entry::Occupied(entry) => {
                let other = &mut records[*entry.get() as usize];
                if other.version != record.version {
                    if record.version.is_later_than(&other.version) {
                        *other = record;
                    }
                    return;
                }
                other.day = other.day.max(record.day);
                if other.id != record.id {
                    // One of them is wrong.
                    other.id = C4Id::NIL;
                }
            }
        }
    }

    fn find(&self, version: &Version) -> Option<u32> {
        let hash = Self::hash(&self.hasher, version.inode);
        let is_it = |number: &u32| self.records[*number as usize].version.inode == version.inode;
        let number = *self.table.find(hash, is_it)?;
        let record = &self.records[number as usize];
        (record.version == *version && !record.id.is_nil()).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64, ctime: i64, content: &str, age_days: u32) -> Record {
        let day = today() - age_days;
        Record { version: Version::sample(number, ctime), id: C4Id::of(content.as_bytes()), day }
    }

    fn write(directory: &Path, root: &Path, records: &[Record]) {
        let mut writer = Writer::new(directory, key_of(root));
        for record in records {
            writer.add(record, 0);
        }
        writer.finish();
        assert!(writer.failure.is_none(), "{:?}", writer.failure);
    }

    fn load(directory: &Path, root: &Path) -> Cache {
        Cache::load(directory, root)
    }

    #[test]
    fn of_records_of_one_file_the_latest_holds_and_contradictions_are_not_believed() {
        let place = tempfile::tempdir().unwrap();
        let (directory, root) = (place.path().join("cache"), Path::new("/"));
        write(&directory, root, &[record(1, 10, "new", 0), record(2, 10, "a", 0), record(3, 10, "same", 3)]);
        write(&directory, root, &[record(1, 9, "old", 0), record(2, 10, "b", 0), record(3, 10, "same", 1)]);
        let cache = load(&directory, root);
        let found = |number, ctime| {
            let number = cache.index.find(&Version::sample(number, ctime))?;
            Some(cache.index.records[number as usize])
        };
        assert_eq!(found(1, 10), Some(record(1, 10, "new", 0)));
        assert_eq!(found(1, 9), None);
        assert_eq!(found(2, 10), None);
        assert_eq!(found(3, 10), Some(record(3, 10, "same", 1)));
        assert_eq!(found(4, 10), None);
    }

    #[test]
    fn each_root_has_records_of_its_own() {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), Path::new("/usr"), &[record(1, 10, "a", 0)]);
        assert_eq!(load(place.path(), Path::new("/usr")).index.records.len(), 1);
        assert_eq!(load(place.path(), Path::new("/usr/../usr/.")).index.records.len(), 1);
        assert_eq!(load(place.path(), Path::new("/")).index.records.len(), 0);
    }

    #[test]
    fn what_was_not_found_for_long_is_dropped_and_what_is_used_is_written_again() {
        let place = tempfile::tempdir().unwrap();
        let (directory, root) = (place.path(), Path::new("/"));
        let all = [
            record(1, 10, "unused for long", KEPT_DAYS),
            record(2, 10, "unused", KEPT_DAYS - 1),
            record(3, 10, "used", RENEWED_DAYS),
            record(4, 10, "used lately", RENEWED_DAYS - 1),
        ];
        for number in 0..MANY_FILES {
            write(directory, root, &all[number % 4..=number % 4]);
        }
        let cache = load(directory, root);
        for number in [3, 4] {
            let found = cache.index.find(&Version::sample(number, 10)).unwrap();
            assert_eq!(cache.take(found), all[number as usize - 1].id);
        }
        assert!(cache.finish(true).is_none());
        assert_eq!(files_of(directory, &key_of(root)).len(), 2);
        let mut left = load(directory, root).index.records;
        left.sort_by_key(|record| record.version.inode.number);
        assert_eq!(left, [all[1], record(3, 10, "used", 0), all[3]]);
    }

    #[test]
    fn a_scan_that_did_not_end_joins_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (directory, root) = (place.path(), Path::new("/"));
        for number in 0..MANY_FILES as u64 {
            write(directory, root, &[record(number, 10, "a", 0)]);
        }
        assert!(load(directory, root).finish(false).is_none());
        assert_eq!(files_of(directory, &key_of(root)).len(), MANY_FILES);
        assert!(load(directory, root).finish(true).is_none());
        assert_eq!(files_of(directory, &key_of(root)).len(), 1);
        assert_eq!(load(directory, root).index.records.len(), MANY_FILES);
    }
}

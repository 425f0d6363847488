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

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;
use rustix::fs::{Mode, OFlags, Stat};

use super::record::{RECORD_BYTES, Record, Version, header, records};
use super::walk::Inode;
use crate::C4Id;

/// How long a record is kept whose file is not found any more, in days.
const KEPT_DAYS: u32 = 60;
/// How old the day of a record becomes before it is written again.
const RENEWED_DAYS: u32 = 7;
/// A file that a scan is writing is taken for one that was left behind when nothing was added for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// From how many files on, and how many outdated records beyond those that hold, a cache is written anew.
const MANY_FILES: usize = 8;
const MANY_OUTDATED: usize = 1024;

/// How long what was hashed waits to be written, and how much of it: what a kill can cost.
const PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes that are read at once; a whole piece without a sound record ends the reading of a file.
const PIECE_BYTES: usize = 8192 * RECORD_BYTES;

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
        let outdated = self.read_records - self.index.records.len();
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
            sweep(&writer.directory);
        }
        writer.failure.map(|error| (writer.directory, error))
    }

    fn writer(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records by inode.
#[derive(Default)]
struct Index {
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
    fn reserve(&mut self, file_bytes: u64) {
        let count = (file_bytes as usize / RECORD_BYTES).min(MOST_RESERVED);
        let Self { records, table, hasher } = self;
        records.reserve(count);
        table.reserve(count, |number| Self::hash(hasher, records[*number as usize].version.inode));
    }

    fn insert(&mut self, record: Record) {
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

/// A cache file that is being written; it is made with its first record.
struct Writer {
    directory: PathBuf,
    key: OsString,
    file: Option<(File, PathBuf)>,
    buffer: Vec<u8>,
    /// Bytes of the files that the records in the buffer are of.
    waiting_bytes: u64,
    written_at: Instant,
    has_written: bool,
    /// After a failure nothing more is written.
    failure: Option<io::Error>,
}

impl Writer {
    fn new(directory: &Path, key: OsString) -> Self {
        Self {
            directory: directory.to_owned(),
            key,
            file: None,
            buffer: Vec::new(),
            waiting_bytes: 0,
            written_at: Instant::now(),
            has_written: false,
            failure: None,
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert(error);
        self.buffer = Vec::new();
    }

    fn add(&mut self, record: &Record, bytes: u64) {
        if self.failure.is_some() {
            return;
        }
        self.buffer.extend_from_slice(&record.to_bytes());
        self.waiting_bytes += bytes;
        let is_due = self.buffer.len() >= PIECE_BYTES || self.waiting_bytes >= PATIENCE_BYTES;
        if is_due || self.written_at.elapsed() >= PATIENCE {
            self.write();
        }
    }

    fn write(&mut self) {
        if let Err(error) = self.try_write() {
            self.fail(error);
        }
        self.buffer.clear();
        self.waiting_bytes = 0;
        self.written_at = Instant::now();
    }

    fn try_write(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
            trusted_directory(&self.directory)?;
            let (mut file, path) = create(&self.directory, &self.key)?;
            if let Err(error) = file.write_all(&header()) {
                let _ = fs::remove_file(path);
                return Err(error);
            }
            self.file = Some((file, path));
        }
        let Some((file, _)) = &mut self.file else { return Ok(()) };
        file.write_all(&self.buffer)?;
        self.has_written = true;
        Ok(())
    }

    /// Removes the file.
    fn discard(&mut self) {
        if let Some((_, path)) = self.file.take() {
            let _ = fs::remove_file(path);
        }
    }

    /// Writes what waits, and gives the file the name of a finished one.
    fn finish(&mut self) {
        self.write();
        if let Some((_, path)) = self.file.take() {
            // After a failure as well: every record that was written to its end holds.
            if let Err(error) = fs::rename(&path, path.with_extension(FINISHED)) {
                self.fail(error);
            }
        }
    }
}

const FINISHED: &str = "ids";
const UNFINISHED: &str = "part";

const KEY_DIGITS: usize = 32;

/// What the names of the files of a root begin with.
fn key_of(root: &Path) -> OsString {
    let digest = c4_sha512::digest(root.as_os_str().as_bytes());
    let mut key = String::new();
    for byte in &digest[..KEY_DIGITS / 2] {
        let _ = write!(key, "{byte:02x}");
    }
    key.into()
}

/// Makes a file of a name that there was not.
fn create(directory: &Path, key: &OsString) -> io::Result<(File, PathBuf)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        let random = RandomState::new().build_hasher().finish();
        let mut name = key.clone().into_vec();
        name.extend_from_slice(format!("-{random:016x}.{UNFINISHED}").as_bytes());
        let path = directory.join(OsString::from_vec(name));
        match rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR) {
            Err(rustix::io::Errno::EXIST) => {}
            result => return Ok((result?.into(), path)),
        }
    }
}

/// The cache files among those of a directory, of one key, or of all when it is empty.
fn files_of(directory: &Path, key: &OsString) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let is_cache = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().as_bytes();
        let extension = path.extension().unwrap_or_default();
        name.starts_with(key.as_bytes()) && is_name(name) && (extension == FINISHED || extension == UNFINISHED)
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_cache).collect();
    paths.sort();
    paths
}

/// Whether a name before its extension is that of a cache file: the directory may hold what others put there.
fn is_name(name: &[u8]) -> bool {
    let is_hex = |text: &[u8]| text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    name.len() == KEY_DIGITS + 17
        && is_hex(&name[..KEY_DIGITS])
        && name[KEY_DIGITS] == b'-'
        && is_hex(&name[KEY_DIGITS + 1..])
}

/// Refuses a directory in which others put files.
fn trusted_directory(directory: &Path) -> io::Result<()> {
    let metadata = fs::metadata(directory)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o002 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may write to it"));
    }
    Ok(())
}

/// Reads the sound records of a cache file: how many, and whether the file will not grow any more.
fn read_file(path: &Path, index: &mut Index) -> io::Result<(usize, bool)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    if !metadata.is_file() || !is_ours {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let is_abandoned = || age_of(&metadata) >= ABANDONED;
    let is_finished = path.extension().is_some_and(|extension| extension == FINISHED) || is_abandoned();
    let mut first = [0; RECORD_BYTES];
    file.read_exact(&mut first)?;
    if first != header() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    index.reserve(metadata.len());
    let mut count = 0;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    let mut before: Vec<Vec<Record>> = Vec::new();
    loop {
        let next = || -> io::Result<Vec<Vec<Record>>> {
            piece.clear();
            (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            Ok(piece.par_chunks(PIECE_BYTES / 8).map(records).collect())
        };
        let insert = || before.into_iter().flatten().for_each(|record| index.insert(record));
        before = rayon::join(next, insert).0?;
        let found = before.iter().map(Vec::len).sum::<usize>();
        count += found;
        if piece.len() < PIECE_BYTES || found == 0 {
            before.into_iter().flatten().for_each(|record| index.insert(record));
            return Ok((count, is_finished));
        }
    }
}

/// Time since a file was written to; none when that lies in the future.
fn age_of(metadata: &fs::Metadata) -> Duration {
    let modified = metadata.modified().unwrap_or_else(|_| SystemTime::now());
    SystemTime::now().duration_since(modified).unwrap_or_default()
}

/// Removes cache files so old that no record in them would be kept.
fn sweep(directory: &Path) {
    let limit = Duration::from_secs(u64::from(KEPT_DAYS) * DAY);
    for path in files_of(directory, &OsString::new()) {
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file() && age_of(&metadata) > limit) {
            let _ = fs::remove_file(path);
        }
    }
}

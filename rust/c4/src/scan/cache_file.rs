//! The files of a cache: their names, who may have written them, and how they are written and read (`cache.rs`).

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rayon::prelude::*;
use rustix::fs::{Mode, OFlags};

use super::cache::Index;
use super::record::{RECORD_BYTES, Record, header, records};

/// A file that a scan is writing is taken for one that was left behind when nothing was added for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what was hashed waits to be written, and how much of it: what a kill can cost.
const PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes that are read at once; a whole piece without a sound record ends the reading of a file.
const PIECE_BYTES: usize = 8192 * RECORD_BYTES;

/// A cache file that is being written; it is made with its first record.
pub(super) struct Writer {
    pub(super) directory: PathBuf,
    pub(super) key: OsString,
    file: Option<(File, PathBuf)>,
    buffer: Vec<u8>,
    /// Bytes of the files that the records in the buffer are of.
    waiting_bytes: u64,
    written_at: Instant,
    /// Whether the file has records.
    pub(super) has_written: bool,
    /// After a failure nothing more is written.
    pub(super) failure: Option<io::Error>,
}

impl Writer {
    pub(super) fn new(directory: &Path, key: OsString) -> Self {
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

    pub(super) fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert(error);
        self.buffer = Vec::new();
    }

    pub(super) fn add(&mut self, record: &Record, bytes: u64) {
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

    pub(super) fn write(&mut self) {
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
    pub(super) fn discard(&mut self) {
        if let Some((_, path)) = self.file.take() {
            let _ = fs::remove_file(path);
        }
    }

    /// Writes what waits, and gives the file the name of a finished one.
    pub(super) fn finish(&mut self) {
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
pub(super) fn key_of(root: &Path) -> OsString {
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
pub(super) fn files_of(directory: &Path, key: &OsString) -> Vec<PathBuf> {
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
pub(super) fn trusted_directory(directory: &Path) -> io::Result<()> {
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
pub(super) fn read_file(path: &Path, index: &mut Index) -> io::Result<(usize, bool)> {
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

/// Removes the cache files of a directory, whatever root they are of, that were last written to so long ago.
pub(super) fn remove_older(directory: &Path, age: Duration) {
    for path in files_of(directory, &OsString::new()) {
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file() && age_of(&metadata) > age) {
            let _ = fs::remove_file(path);
        }
    }
}

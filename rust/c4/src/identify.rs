//! IDs of streams and files.
//!
//! A file that holds a c4m manifest has two honest IDs: that of its bytes, and that of its canonical text, which does not
//! depend on how the text was laid out. [`identify_file`] finds both in one read, or in two for a file that is one.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use c4_engine::{Batch, FileRead, FileReader, Limits, Message, Read, open_file_budget};
use c4_sha512::Digest;
use rustix::fs::{self, FileType, OFlags};
use rustix::io::Errno;

use crate::C4Id;
use crate::c4m::{self, LineCheck};
use crate::scan::ScanProgress;

/// Bytes of one read; larger reads are no faster.
pub const READ_BYTES: usize = 256 * 1024;

/// Longest line that is kept to find out whether a file is a manifest, in bytes. An ID list of 700,000 frames fits.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// Longest line that is kept while several files are read side by side, in bytes.
const LONG_LINE_BYTES: usize = 1024 * 1024;

/// Why a file has no ID.
#[derive(Debug, thiserror::Error)]
pub enum IdentifyError {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file was written to while it was read, twice in a row.
    #[error("the file changed while it was read")]
    Changed,
    /// A pipe, a socket or a device: reading it could block, or never end.
    #[error("not a regular file")]
    NotRegular,
    /// The caller asked to stop.
    #[error("interrupted")]
    Cancelled,
}

impl IdentifyError {
    fn not_regular(file_type: FileType) -> Self {
        match file_type {
            FileType::Directory => io::Error::from(Errno::ISDIR).into(),
            _ => Self::NotRegular,
        }
    }
}

/// The IDs of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIds {
    /// ID of the bytes.
    pub raw: C4Id,
    /// ID of the canonical text, when the file holds a manifest with at least one entry.
    pub canonical: Option<C4Id>,
}

impl FileIds {
    /// The ID that names the file: that of its canonical text, if it has one.
    pub fn id(&self) -> C4Id {
        self.canonical.unwrap_or(self.raw)
    }
}

/// Hashes a stream to its end, in constant memory.
pub fn identify(mut stream: impl io::Read) -> io::Result<C4Id> {
    let mut buffer = vec![0; READ_BYTES];
    let mut hasher = c4_sha512::Sha512::new();
    read_all(&mut stream, &mut buffer, |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(C4Id(hasher.finalize()))
}

/// Hashes content that arrives in pieces, and finds out whether it is a manifest.
#[derive(Default)]
pub struct ContentHasher {
    hasher: c4_sha512::Sha512,
    detector: ManifestDetector,
}

impl ContentHasher {
    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.detector.update(bytes);
    }

    /// The IDs of the whole.
    pub fn finish(self) -> FileIds {
        let canonical = self.detector.finish().map(|text| C4Id::of(&text));
        FileIds { raw: C4Id(self.hasher.finalize()), canonical }
    }
}

/// Finds out whether content that arrives in pieces is a manifest.
///
/// The content is kept for as long as every line of it parses, and no longer.
#[derive(Default)]
pub struct ManifestDetector {
    not_a_manifest: bool,
    lines: Lines,
    kept: Vec<u8>,
}

impl ManifestDetector {
    /// Nothing so far, of content whose name says that it is a manifest or does not.
    pub fn of(named_manifest: bool) -> Self {
        Self { lines: Lines::of(named_manifest), ..Self::default() }
    }

    /// Takes the next bytes in; whether all so far may be those of a manifest.
    pub fn update(&mut self, bytes: &[u8]) -> bool {
        if !self.not_a_manifest {
            self.kept.extend_from_slice(bytes);
            if !self.lines.accept(bytes) {
                self.not_a_manifest = true;
                self.kept = Vec::new();
            }
        }
        !self.not_a_manifest
    }

    /// The canonical text of the whole, when it is a manifest with at least one entry.
    pub fn finish(self) -> Option<Vec<u8>> {
        let is_manifest = !self.not_a_manifest && self.lines.accept_end();
        if is_manifest { decode_entries(&self.kept) } else { None }
    }
}

/// The canonical text of bytes that hold a manifest with at least one entry.
///
/// Bytes hold a manifest when their first line that is not blank begins with a letter of a file type and all of them
/// parse.
pub fn canonical_text(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut check = LineCheck::default();
    if !bytes.split(|byte| *byte == b'\n').all(|line| check.accepts(line)) {
        return None;
    }
    decode_entries(bytes)
}

fn decode_entries(bytes: &[u8]) -> Option<Vec<u8>> {
    let manifest = c4m::decode(bytes).ok().filter(|manifest| !manifest.is_empty())?;
    c4m::encode(&manifest).ok()
}

/// The IDs of a regular file; a symbolic link is followed.
///
/// Whether the file is a manifest is found out line by line; the first line that does not parse settles it, and a file
/// that is none is read once, in constant memory. A file that changes while it is read is opened by its name once more.
/// `is_cancelled` is asked after each read and may stop the call.
pub fn identify_file(path: &Path, is_cancelled: &dyn Fn() -> bool) -> Result<FileIds, IdentifyError> {
    let mut buffer = vec![0; READ_BYTES];
    'attempts: for attempt in 0..ATTEMPTS {
        let mut file = ContentFile::open(path, attempt)?;
        let mut hasher = c4_sha512::Sha512::new();
        loop {
            match file.read(&mut buffer)? {
                Read::More(count) => hasher.update(&buffer[..count]),
                Read::End(count) => {
                    hasher.update(&buffer[..count]);
                    return Ok(FileIds { raw: C4Id(hasher.finalize()), canonical: file.canonical });
                }
                Read::Again => continue 'attempts,
            }
            if is_cancelled() {
                return Err(IdentifyError::Cancelled);
            }
        }
    }
    Err(IdentifyError::Changed)
}

/// The IDs of many files, as [`identify_file`] has them, by `workers` threads.
///
/// `done` is called by them with the index of a path and its result, in no order, once for each path, or for fewer when
/// the work was cancelled. In `progress` the path is one as it was given.
pub fn identify_files<P: AsRef<Path> + Sync>(
    paths: &[P],
    workers: usize,
    progress: &ScanProgress,
    done: &(dyn Fn(usize, Result<FileIds, IdentifyError>) + Sync),
) {
    let workers = workers.max(1);
    ScanProgress::add(&progress.entries, paths.len() as u64);
    ScanProgress::add(&progress.files_total, paths.len() as u64);
    let mut sizes = vec![0; paths.len()];
    let share = paths.len().div_ceil(workers).max(SIZES_AT_ONCE);
    std::thread::scope(|scope| {
        for (sizes, paths) in sizes.chunks_mut(share).zip(paths.chunks(share)) {
            let fill = move || {
                for (size, path) in sizes.iter_mut().zip(paths) {
                    if progress.is_cancelled() {
                        return;
                    }
                    *size = size_of(path.as_ref());
                    ScanProgress::add(&progress.bytes_total, *size);
                }
            };
            // Where the system gives no thread, sizes stay unknown: only the order of the work depends on them.
            let _ = std::thread::Builder::new().name("c4-stat".into()).spawn_scoped(scope, fill);
        }
    });
    progress.enter_hash();
    let limits = Limits { workers, open: open_file_budget() };
    c4_engine::run(&Files { paths, sizes: &sizes, progress, done }, limits);
    progress.enter_done();
}

/// How often a file is read that changes meanwhile.
const ATTEMPTS: u32 = 2;

/// Fewest sizes that a thread finds out.
const SIZES_AT_ONCE: usize = 1000;

fn size_of(path: &Path) -> u64 {
    fs::stat(path).map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0))
}

struct Files<'f, P> {
    paths: &'f [P],
    sizes: &'f [u64],
    progress: &'f ScanProgress,
    done: &'f (dyn Fn(usize, Result<FileIds, IdentifyError>) + Sync),
}

impl<'f, P: AsRef<Path> + Sync> Batch for Files<'f, P> {
    type Message = Counted<'f>;
    type Keep = ();

    fn count(&self) -> usize {
        self.paths.len()
    }

    fn size(&self, index: usize) -> u64 {
        self.sizes[index]
    }

    fn open(&self, index: usize, attempt: u32, (): &mut ()) -> Result<Counted<'f>, IdentifyError> {
        let file = ContentFile::open(self.paths[index].as_ref(), attempt)?;
        Ok(Counted { file, bytes: 0, progress: self.progress })
    }

    fn done(&self, index: usize, result: Result<(Digest, Counted<'f>), IdentifyError>) {
        let ids = result.map(|(digest, read)| FileIds { raw: C4Id(digest), canonical: read.file.canonical });
        (self.done)(index, ids);
        ScanProgress::add(&self.progress.files_done, 1);
        self.progress.note(|| self.paths[index].as_ref().as_os_str().as_encoded_bytes().to_vec());
    }

    fn is_exhaustion(error: &IdentifyError) -> bool {
        matches!(error, IdentifyError::Io(error) if c4_engine::is_descriptor_exhaustion(error))
    }

    fn is_cancelled(&self) -> bool {
        self.progress.is_cancelled()
    }
}

/// One of many files, whose bytes count once even if it is read again.
struct Counted<'f> {
    file: ContentFile,
    bytes: u64,
    progress: &'f ScanProgress,
}

impl Message for Counted<'_> {
    type Error = IdentifyError;

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read, IdentifyError> {
        let read = self.file.read(buffer)?;
        match read {
            Read::More(count) | Read::End(count) => {
                self.bytes += count as u64;
                ScanProgress::add(&self.progress.bytes_done, count as u64);
            }
            Read::Again => {
                self.progress.bytes_done.fetch_sub(self.bytes, Ordering::Relaxed);
                self.bytes = 0;
            }
        }
        Ok(read)
    }
}

/// A file that may be a manifest, while it is read. It is closed as soon as its last byte was read.
struct ContentFile {
    file: Option<FileReader>,
    is_last_attempt: bool,
    /// The check of the lines so far, as long as all of them may be those of a manifest.
    lines: Option<Lines>,
    /// Whether its name says that it is a manifest.
    named_manifest: bool,
    /// Whether a line is so long that it is checked at the end, one file at a time.
    has_long_line: bool,
    canonical: Option<C4Id>,
}

impl ContentFile {
    fn open(path: &Path, attempt: u32) -> Result<Self, IdentifyError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = fs::open(path, flags, fs::Mode::empty()).map_err(io::Error::from)?;
        let named_manifest = path.as_os_str().as_encoded_bytes().ends_with(b".c4m");
        Ok(Self {
            file: Some(FileReader::new(file)?.map_err(IdentifyError::not_regular)?),
            is_last_attempt: attempt + 1 >= ATTEMPTS,
            lines: Some(Lines::of(named_manifest)),
            named_manifest,
            has_long_line: false,
            canonical: None,
        })
    }
}

impl Message for ContentFile {
    type Error = IdentifyError;

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read, IdentifyError> {
        let Some(file) = &mut self.file else { return Ok(Read::End(0)) };
        let read = file.read(buffer)?;
        let (FileRead::More(count) | FileRead::End(count)) = read else {
            return if self.is_last_attempt { Err(IdentifyError::Changed) } else { Ok(Read::Again) };
        };
        if let Some(lines) = &mut self.lines {
            let accepted = lines.accept(&buffer[..count]);
            self.has_long_line = accepted && lines.unfinished.len() > LONG_LINE_BYTES;
            if !accepted || self.has_long_line {
                self.lines = None;
            }
        }
        if matches!(read, FileRead::More(_)) {
            return Ok(Read::More(count));
        }
        let is_manifest = match self.lines.take() {
            Some(lines) => lines.accept_end(),
            None => self.has_long_line && has_accepted_lines(file, Lines::of(self.named_manifest))?,
        };
        if is_manifest {
            let text = file.read_again()?;
            if !file.is_unchanged()? {
                return if self.is_last_attempt { Err(IdentifyError::Changed) } else { Ok(Read::Again) };
            }
            self.canonical = decode_entries(&text).map(|text| C4Id::of(&text));
        }
        self.file = None;
        Ok(Read::End(count))
    }
}

/// Checks all lines of a file; of files with long lines, which have to be held, one at a time.
fn has_accepted_lines(file: &FileReader, mut lines: Lines) -> io::Result<bool> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut buffer = vec![0; READ_BYTES];
    let mut position = 0;
    loop {
        let count = file.pread(&mut buffer, position)?;
        if count == 0 {
            return Ok(lines.accept_end());
        }
        if !lines.accept(&buffer[..count]) {
            return Ok(false);
        }
        position += count as u64;
    }
}

/// Cuts bytes that arrive in pieces into lines and checks each.
#[derive(Default)]
pub(crate) struct Lines {
    check: LineCheck,
    unfinished: Vec<u8>,
}

impl Lines {
    /// Nothing so far, of a file whose name says that it is a manifest or does not.
    pub(crate) fn of(named_manifest: bool) -> Self {
        let check = if named_manifest { LineCheck::of_named() } else { LineCheck::default() };
        Self { check, unfinished: Vec::new() }
    }

    pub(crate) fn accept(&mut self, bytes: &[u8]) -> bool {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let last = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            self.unfinished.extend_from_slice(piece);
            if !self.check.accepts(&self.unfinished) {
                return false;
            }
            self.unfinished.clear();
        }
        self.unfinished.extend_from_slice(last);
        self.unfinished.len() <= MAX_LINE_BYTES
            && (self.unfinished.len() < READ_BYTES || self.check.may_begin(&self.unfinished))
    }

    pub(crate) fn accept_end(mut self) -> bool {
        self.check.accepts(&self.unfinished)
    }
}

/// Reads to the end; a read that a signal interrupted is repeated.
fn read_all(
    stream: &mut impl io::Read,
    buffer: &mut [u8],
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

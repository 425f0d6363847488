//! IDs of streams and files.
//!
//! A file that holds a c4m manifest has two honest IDs: that of its bytes, and that of its canonical text, which does not
//! depend on how the text was laid out. [`identify_file`] finds both in one read, or in two for a file that is one.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{self, FileType, OFlags};

use crate::C4Id;
use crate::c4m::{self, LineCheck};

/// Bytes of one read; larger reads are no faster.
pub const READ_BYTES: usize = 256 * 1024;

/// Longest line that is kept to find out whether a file is a manifest, in bytes. An ID list of 700,000 frames fits.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

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
pub fn identify(mut stream: impl Read) -> io::Result<C4Id> {
    let mut buffer = vec![0; READ_BYTES];
    let mut hasher = c4_sha512::Sha512::new();
    read_all(&mut stream, &mut buffer, |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(C4Id(hasher.finalize()))
}

/// Hashes content that arrives in pieces, and finds out whether it is a manifest.
///
/// The content is kept for as long as every line of it parses, and no longer.
#[derive(Default)]
pub struct ContentHasher {
    hasher: c4_sha512::Sha512,
    not_a_manifest: bool,
    lines: Lines,
    kept: Vec<u8>,
}

impl ContentHasher {
    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if !self.not_a_manifest {
            self.kept.extend_from_slice(bytes);
            if !self.lines.accept(bytes) {
                self.not_a_manifest = true;
                self.kept = Vec::new();
            }
        }
    }

    /// The IDs of the whole.
    pub fn finish(self) -> FileIds {
        let is_manifest = !self.not_a_manifest && self.lines.accept_end();
        let canonical = if is_manifest { decode_entries(&self.kept) } else { None };
        FileIds { raw: C4Id(self.hasher.finalize()), canonical: canonical.map(|text| C4Id::of(&text)) }
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
/// that is none is read once, in constant memory. `progress` gets the count of bytes of each read and may stop the call.
pub fn identify_file(path: &Path, progress: &dyn Fn(usize) -> bool) -> Result<FileIds, IdentifyError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut file = File::from(fs::open(path, flags, fs::Mode::empty()).map_err(io::Error::from)?);
    match FileType::from_raw_mode(fs::fstat(&file).map_err(io::Error::from)?.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(io::Error::from(rustix::io::Errno::ISDIR).into()),
        _ => return Err(IdentifyError::NotRegular),
    }
    let named_manifest = path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(b".c4m"));
    let mut buffer = vec![0; READ_BYTES];
    for _ in 0..2 {
        let before = Version::of(&file)?;
        let ids = read_ids(&mut file, named_manifest, &mut buffer, progress)?;
        if Version::of(&file)? == before {
            return Ok(ids);
        }
        file.rewind()?;
    }
    Err(IdentifyError::Changed)
}

/// What changes when a file is written to.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub(crate) struct Version {
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Version {
    pub(crate) fn of(file: impl AsFd) -> io::Result<Self> {
        Ok(Self::of_stat(&fs::fstat(file)?))
    }

    #[allow(clippy::unnecessary_cast, reason = "the widths of stat fields differ between platforms")]
    pub(crate) fn of_stat(stat: &fs::Stat) -> Self {
        Self {
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime, stat.st_ctime_nsec as i64),
        }
    }
}

fn read_ids(
    file: &mut File,
    named_manifest: bool,
    buffer: &mut [u8],
    progress: &dyn Fn(usize) -> bool,
) -> Result<FileIds, IdentifyError> {
    let mut hasher = c4_sha512::Sha512::new();
    let check = if named_manifest { LineCheck::of_named() } else { LineCheck::default() };
    let mut lines = Some(Lines { check, unfinished: Vec::new() });
    let mut stopped = false;
    read_all(file, buffer, |bytes| {
        hasher.update(bytes);
        if lines.as_mut().is_some_and(|lines| !lines.accept(bytes)) {
            lines = None;
        }
        stopped = !progress(bytes.len());
        if stopped { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    })
    .map_err(|error| if stopped { IdentifyError::Cancelled } else { error.into() })?;
    let raw = C4Id(hasher.finalize());
    let canonical = if lines.is_some_and(Lines::accept_end) {
        let mut text = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut text)?;
        decode_entries(&text).map(|text| C4Id::of(&text))
    } else {
        None
    };
    Ok(FileIds { raw, canonical })
}

/// Cuts bytes that arrive in pieces into lines and checks each.
#[derive(Default)]
struct Lines {
    check: LineCheck,
    unfinished: Vec<u8>,
}

impl Lines {
    fn accept(&mut self, bytes: &[u8]) -> bool {
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

    fn accept_end(mut self) -> bool {
        self.check.accepts(&self.unfinished)
    }
}

/// Reads to the end; a read that a signal interrupted is repeated.
fn read_all(
    stream: &mut impl Read,
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

//! Content becomes a temporary file, and is verified before anybody can give it a name.

use std::fs::File;
use std::io::{self, Read, Write as _};

use c4_sha512::Sha512;

use super::staging::{Staging, Temporary};
use super::{ApplyError, Content, LinkMode};
use crate::C4Id;
use crate::scan::ScanProgress;
use crate::store::WrongId;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// What content is to be.
pub(super) struct Wanted<'w> {
    /// Path of the entry, for errors.
    pub(super) path: &'w [u8],
    /// Its ID; `None` when nobody knows it.
    pub(super) id: Option<C4Id>,
    /// Its bytes; `None` when nobody knows.
    pub(super) size: Option<u64>,
    /// Whether the mode is set afterwards.
    pub(super) is_mode_known: bool,
}

/// A file that has the content, and is open.
pub(super) struct Written<'s> {
    pub(super) temporary: Temporary<'s>,
    pub(super) file: File,
    /// Whether it is a store's object by another name, whose attributes are the store's.
    pub(super) is_object: bool,
}

/// Writes content to temporaries.
pub(super) struct Writer<'s> {
    pub(super) staging: &'s Staging,
    pub(super) progress: &'s ScanProgress,
    pub(super) link: LinkMode,
}

impl<'s> Writer<'s> {
    /// Makes a file of content; `buffer` is used again and again.
    pub(super) fn write(
        &self,
        content: Content,
        wanted: &Wanted<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<Written<'s>, ApplyError> {
        buffer.resize(CHUNK_BYTES, 0);
        let mut content: Box<dyn Read> = match content {
            Content::Object(object) if self.link == LinkMode::Hardlink => {
                return self.name_object(object, wanted, buffer);
            }
            Content::File(file) | Content::Object(file) if self.link != LinkMode::Copy => {
                let (mut copy, temporary) = self.temporary(wanted)?;
                match share(&copy, &file) {
                    // What is verified is the copy, which nobody else can change.
                    Ok(()) => self.verify(&mut copy, wanted, buffer, |_| Ok(()))?,
                    Err(error) if self.link == LinkMode::Reflink => {
                        return Err(ApplyError::at("share the content", wanted.path)(error));
                    }
                    Err(_) => self.copy(file, &mut copy, wanted, buffer)?,
                }
                return Ok(Written { temporary, file: copy, is_object: false });
            }
            Content::Stream(_) if self.link == LinkMode::Reflink => {
                let error = io::Error::new(io::ErrorKind::Unsupported, "the store has no files that could be shared");
                return Err(ApplyError::at("share the content", wanted.path)(error));
            }
            Content::File(file) | Content::Object(file) => Box::new(file),
            Content::Stream(stream) => stream,
        };
        let (mut file, temporary) = self.temporary(wanted)?;
        self.copy(&mut content, &mut file, wanted, buffer)?;
        Ok(Written { temporary, file, is_object: false })
    }

    fn copy(
        &self,
        mut content: impl Read,
        file: &mut File,
        wanted: &Wanted<'_>,
        buffer: &mut [u8],
    ) -> Result<(), ApplyError> {
        self.verify(&mut content, wanted, buffer, |bytes| {
            file.write_all(bytes).map_err(ApplyError::at("write", wanted.path))
        })
    }

    /// An empty file.
    pub(super) fn empty(&self, wanted: &Wanted<'_>) -> Result<Written<'s>, ApplyError> {
        self.verify(&mut io::empty(), wanted, &mut [0], |_| Ok(()))?;
        let (file, temporary) = self.temporary(wanted)?;
        Ok(Written { temporary, file, is_object: false })
    }

    fn temporary(&self, wanted: &Wanted<'_>) -> Result<(File, Temporary<'s>), ApplyError> {
        self.staging.file(wanted.is_mode_known).map_err(ApplyError::at("make a temporary file", wanted.path))
    }

    /// Gives a store's object one more name, after it was verified. The name is given to what was read, wherever the
    /// object lies by then.
    fn name_object(&self, mut object: File, wanted: &Wanted<'_>, buffer: &mut [u8]) -> Result<Written<'s>, ApplyError> {
        self.verify(&mut object, wanted, buffer, |_| Ok(()))?;
        let linked = self.staging.name(&object);
        let temporary = linked.map_err(ApplyError::at("link to the store's object", wanted.path))?;
        Ok(Written { temporary, file: object, is_object: true })
    }

    /// Reads content to its end, and gives it to `take`; it must be what is wanted.
    fn verify(
        &self,
        content: &mut dyn Read,
        wanted: &Wanted<'_>,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8]) -> Result<(), ApplyError>,
    ) -> Result<(), ApplyError> {
        let mut hasher = Sha512::new();
        let mut actual = 0;
        loop {
            if self.progress.is_cancelled() {
                return Err(ApplyError::Cancelled);
            }
            let count = match content.read(buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ApplyError::at("read its content", wanted.path)(error)),
            };
            // What is longer would fill the disk before its ID tells.
            if let Some(expected) = wanted.size.filter(|size| actual + count as u64 > *size) {
                let actual = actual + count as u64;
                return Err(ApplyError::Length { path: wanted.path.to_vec(), expected, actual });
            }
            hasher.update(&buffer[..count]);
            take(&buffer[..count])?;
            actual += count as u64;
            ScanProgress::add(&self.progress.bytes_done, count as u64);
        }
        let id = C4Id(hasher.finalize());
        if let Some(expected) = wanted.id.filter(|expected| *expected != id) {
            let ids = Box::new(WrongId { expected, found: id });
            return Err(ApplyError::Corrupt { path: wanted.path.to_vec(), ids });
        }
        match wanted.size.filter(|expected| *expected != actual) {
            Some(expected) => Err(ApplyError::Length { path: wanted.path.to_vec(), expected, actual }),
            None => Ok(()),
        }
    }
}

/// Shares the blocks of a file with one that is empty.
#[cfg(target_os = "linux")]
fn share(copy: &File, source: &File) -> io::Result<()> {
    Ok(rustix::io::retry_on_intr(|| rustix::fs::ioctl_ficlone(copy, source))?)
}

/// Elsewhere nothing is shared.
#[cfg(not(target_os = "linux"))]
fn share(_copy: &File, _source: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

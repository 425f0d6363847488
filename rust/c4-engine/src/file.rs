//! A file that must stay as it is while it is read.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self, FileType, Stat};
use rustix::io::Errno;

use crate::BUFFER_BYTES;

/// Descriptors that all files together may have, however many the process is allowed.
const MAX_OPEN: u64 = 4096;

/// How many files may be open at once: half of what the process may open, since others need some as well.
pub fn open_file_budget() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(MAX_OPEN);
    (limit / 2).min(MAX_OPEN) as usize
}

/// Whether an error says that the process, or the system, has no descriptor left.
pub fn is_descriptor_exhaustion(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// What a file gave into a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRead {
    /// So many bytes; more may follow.
    More(usize),
    /// So many bytes, and they are the last of a file that is as it was when it was opened.
    End(usize),
    /// The file was written to, or a name of it came or went, since it was opened.
    Changed,
}

/// A file, with its metadata from before the first read.
#[derive(Debug)]
pub struct FileReader {
    file: OwnedFd,
    before: Stat,
    position: u64,
}

impl FileReader {
    /// Stats an open file. Gives the type of what is no regular file: reading that could block, or never end.
    pub fn new(file: OwnedFd) -> io::Result<Result<Self, FileType>> {
        let before = fs::fstat(&file)?;
        let file_type = FileType::from_raw_mode(before.st_mode);
        if file_type != FileType::RegularFile {
            return Ok(Err(file_type));
        }
        #[cfg(target_os = "linux")]
        if before.st_size > BUFFER_BYTES as i64 {
            // Only advice: a file system that knows none reads as well without.
            let _ = fs::fadvise(&file, 0, None, fs::Advice::Sequential);
        }
        Ok(Ok(Self { file, before, position: 0 }))
    }

    /// The metadata from before the first read; after [`FileRead::End`] also that from after the last.
    pub fn stat(&self) -> &Stat {
        &self.before
    }

    /// Reads the next bytes into a buffer, which is not empty.
    ///
    /// A read that gives less than was asked for, up to the size that the file has, was the last: the system is not asked
    /// again for nothing. At the end the metadata is compared with that from the start.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<FileRead> {
        let count = loop {
            match rustix::io::read(&self.file, &mut *buffer) {
                Ok(count) => break count,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        };
        self.position += count as u64;
        let is_last = count == 0 || (count < buffer.len() && self.position == self.before.st_size as u64);
        if !is_last {
            return Ok(FileRead::More(count));
        }
        if !self.is_unchanged()? {
            return Ok(FileRead::Changed);
        }
        // An end at another place than the size says: a file of the system that does not know its size, or one that was
        // short for a moment within a tick of its clock. The latter goes on here.
        let is_elsewhere = self.position != self.before.st_size as u64;
        if is_elsewhere && self.pread(&mut [0], self.position)? > 0 {
            return Ok(FileRead::Changed);
        }
        Ok(FileRead::End(count))
    }

    /// The whole content, once more.
    pub fn read_again(&self) -> io::Result<Vec<u8>> {
        let mut content = vec![0; BUFFER_BYTES.max(self.position as usize + 1)];
        let mut length = 0;
        loop {
            let count = self.pread(&mut content[length..], length as u64)?;
            if count == 0 {
                content.truncate(length);
                return Ok(content);
            }
            length += count;
            if length == content.len() {
                content.resize(length * 2, 0);
            }
        }
    }

    /// Reads the bytes at a place into a buffer, whatever was read before.
    pub fn pread(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        loop {
            match rustix::io::pread(&self.file, &mut *buffer, position) {
                Err(Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }

    /// Whether the metadata is still that from before the first read.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        Ok(version(&fs::fstat(&self.file)?) == version(&self.before))
    }
}

impl AsFd for FileReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// What changes when a file is written to.
#[allow(clippy::unnecessary_cast, reason = "the widths of stat fields differ between platforms")]
fn version(stat: &Stat) -> [i64; 5] {
    [stat.st_size, stat.st_mtime, stat.st_mtime_nsec as i64, stat.st_ctime, stat.st_ctime_nsec as i64]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek as _, Write as _};

    fn reader(file: &std::fs::File) -> FileReader {
        FileReader::new(file.try_clone().unwrap().into()).unwrap().unwrap()
    }

    #[test]
    fn a_short_read_ends_a_file_and_a_full_one_does_not() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abcdef").unwrap();
        file.rewind().unwrap();
        assert_eq!(reader(&file).read(&mut [0; 7]).unwrap(), FileRead::End(6));
        file.rewind().unwrap();
        let mut whole = reader(&file);
        assert_eq!(whole.read(&mut [0; 6]).unwrap(), FileRead::More(6));
        assert_eq!(whole.read(&mut [0; 6]).unwrap(), FileRead::End(0));
    }

    #[test]
    fn a_file_that_grows_shrinks_or_is_written_to_has_changed() {
        type Change = fn(&mut std::fs::File) -> io::Result<()>;
        let changes: [Change; 3] = [|file| file.write_all(b"x"), |file| file.set_len(2), |file| file.set_len(0)];
        for change in changes {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"abcdef").unwrap();
            file.rewind().unwrap();
            let mut reader = reader(&file);
            assert_eq!(reader.read(&mut [0; 3]).unwrap(), FileRead::More(3));
            // A clock tick between the write above and that of the change.
            std::thread::sleep(std::time::Duration::from_millis(20));
            change(&mut file).unwrap();
            let end = loop {
                match reader.read(&mut [0; 100]).unwrap() {
                    FileRead::More(_) => {}
                    end => break end,
                }
            };
            assert_eq!(end, FileRead::Changed);
        }
    }

    #[test]
    fn a_file_that_was_short_for_a_moment_has_changed() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abcdef").unwrap();
        file.rewind().unwrap();
        let mut reader = reader(&file);
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), FileRead::More(4));
        file.set_len(4).unwrap();
        let mut buffer = [0; 4];
        assert_eq!(rustix::io::read(&reader.file, &mut buffer).unwrap(), 0);
        file.set_len(6).unwrap();
        // As if the clock had not moved since it was opened.
        reader.before = fs::fstat(&reader.file).unwrap();
        rustix::fs::seek(&reader.file, fs::SeekFrom::End(0)).unwrap();
        assert_eq!(reader.read(&mut buffer).unwrap(), FileRead::Changed);
    }

    #[test]
    fn the_content_is_read_again_from_its_start() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..200_000_u32).map(|i| i as u8).collect();
        file.write_all(&content).unwrap();
        file.rewind().unwrap();
        let mut reader = reader(&file);
        assert_eq!(reader.read(&mut [0; 10]).unwrap(), FileRead::More(10));
        assert!(reader.read_again().unwrap() == content);
    }

    #[test]
    fn a_pipe_is_no_file() {
        let (reader, _writer) = std::io::pipe().unwrap();
        assert_eq!(FileReader::new(reader.into()).unwrap().err(), Some(FileType::Fifo));
    }

    #[test]
    fn files_of_the_system_that_lie_about_their_size_are_read_to_the_end() {
        let Ok(expected) = std::fs::read("/proc/filesystems") else { return };
        let mut reader = reader(&std::fs::File::open("/proc/filesystems").unwrap());
        let (mut text, mut buffer) = (Vec::new(), [0; 50]);
        while let FileRead::More(count) = reader.read(&mut buffer).unwrap() {
            text.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(text, expected);
    }
}

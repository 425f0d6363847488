//! Permissions and times, given to what is open, or to a name that is not followed.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{self, AtFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::{Errno, retry_on_intr};

use super::staging::patiently;
use crate::c4m::{Mode, Timestamp};
use crate::scan::below;

/// Permissions and, where they are asked for, set-ID and sticky bits.
const PERMISSIONS: u32 = 0o777;
const ALL_BITS: u32 = 0o7777;
pub(super) const SPECIAL_BITS: u32 = ALL_BITS & !PERMISSIONS;

/// What a file or directory is to have; `None` is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Permission bits.
    pub(super) mode: Option<u32>,
    /// Seconds, and nanoseconds, since 1970.
    pub(super) time: Option<(i64, i64)>,
}

impl Attributes {
    /// Those of an entry; unknown ones are left.
    pub(super) fn of(mode: Mode, time: Timestamp, special_bits: bool) -> Self {
        Self {
            mode: (!mode.is_null()).then(|| masked(mode.bits(), special_bits)),
            time: (!time.is_null()).then_some((time.0, 0)),
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether something has them.
    pub(super) fn are_those_of(self, stat: &fs::Stat) -> bool {
        self.mode.is_none_or(|mode| mode == mode_of(stat).bits() & ALL_BITS)
            && self.time.is_none_or(|time| time == time_of(stat))
    }

    /// Gives them to what is open. The mode last: it may forbid what comes before.
    pub(super) fn set(self, file: impl AsFd) -> io::Result<()> {
        if let Some(time) = self.time {
            retry_on_intr(|| fs::futimens(&file, &modified(time)))?;
        }
        if let Some(mode) = self.mode {
            retry_on_intr(|| fs::fchmod(&file, fs::Mode::from_raw_mode(mode as _)))?;
        }
        Ok(())
    }

    /// Gives a symbolic link its time; it has no mode of its own.
    pub(super) fn set_link(self, directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
        let Some(time) = self.time else { return Ok(()) };
        let name = OsStr::from_bytes(name);
        Ok(retry_on_intr(|| fs::utimensat(directory, name, &modified(time), AtFlags::SYMLINK_NOFOLLOW))?)
    }
}

/// The bits of a mode that are set.
pub(super) fn masked(bits: u32, special_bits: bool) -> u32 {
    bits & if special_bits { ALL_BITS } else { PERMISSIONS }
}

pub(super) fn mode_of(stat: &fs::Stat) -> Mode {
    Mode::from_bits(u32::from(stat.st_mode))
}

/// Seconds and nanoseconds of the last change of content.
#[allow(clippy::unnecessary_cast, reason = "the widths of stat fields differ between platforms")]
pub(super) fn time_of(stat: &fs::Stat) -> (i64, i64) {
    (stat.st_mtime as i64, stat.st_mtime_nsec as i64)
}

fn modified((seconds, nanoseconds): (i64, i64)) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT as _ },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: nanoseconds as _ },
    }
}

/// A file or directory whose attributes are to be set.
pub(super) struct Pinned {
    file: OwnedFd,
    /// Whether the descriptor only stands for it: who owns it may not read it.
    is_path: bool,
}

impl Pinned {
    /// What is open.
    pub(super) fn of(file: OwnedFd) -> Self {
        Self { file, is_path: false }
    }

    /// Opens a regular file or a directory by its name.
    pub(super) fn open(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Self> {
        match patiently(|| below::open_child_file(directory, name, false)) {
            Ok(file) => Ok(Self { file, is_path: false }),
            Err(error) if error.raw_os_error() == Some(Errno::ACCESS.raw_os_error()) => {
                Self::open_path(directory, name).ok_or(error)?
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(target_os = "linux")]
    fn open_path(directory: BorrowedFd<'_>, name: &[u8]) -> Option<io::Result<Self>> {
        use fs::OFlags;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || Ok(fs::openat(directory, OsStr::from_bytes(name), flags, fs::Mode::empty())?);
        Some(patiently(open).map(|file| Self { file, is_path: true }))
    }

    #[cfg(not(target_os = "linux"))]
    fn open_path(_directory: BorrowedFd<'_>, _name: &[u8]) -> Option<io::Result<Self>> {
        None
    }

    pub(super) fn stat(&self) -> io::Result<fs::Stat> {
        Ok(fs::fstat(&self.file)?)
    }

    /// The file, to read it; what only stands for it gives an error then.
    pub(super) fn into_file(self) -> std::fs::File {
        self.file.into()
    }

    pub(super) fn set(&self, attributes: Attributes) -> io::Result<()> {
        use std::os::fd::AsRawFd as _;
        if !self.is_path {
            return attributes.set(&self.file);
        }
        // The name of the descriptor leads to the file itself, whatever has the file's name by now.
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        if let Some(time) = attributes.time {
            retry_on_intr(|| fs::utimensat(fs::CWD, &*path, &modified(time), AtFlags::empty()))?;
        }
        if let Some(mode) = attributes.mode {
            retry_on_intr(|| fs::chmodat(fs::CWD, &*path, fs::Mode::from_raw_mode(mode as _), AtFlags::empty()))?;
        }
        Ok(())
    }
}

//! The tree that is changed: its directories, opened below the root and never through a symbolic link.
//!
//! A directory that its owner may not write to, or search, is lent these permissions as long as the work lasts.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::attributes::{Attributes, Pinned, mode_of};
use super::staging::{patiently, status};
use super::{ApplyError, STAGING};
use crate::scan::below;

/// What the owner of a directory needs to change it.
const OWNER_ALL: u32 = 0o700;

/// The tree. Paths are relative to the root, those of directories without slash; the root's is empty.
pub(super) struct Tree {
    root: OwnedFd,
    changed: Mutex<HashMap<Vec<u8>, Changed>>,
}

/// What was done to a directory besides what it is to have.
#[derive(Clone, Copy, Default)]
pub(super) struct Changed {
    /// The mode that it had before it was lent another.
    pub(super) lent: Option<u32>,
    /// The operation that made it.
    pub(super) made: Option<usize>,
    /// The operation that first changed what is in it, and thereby its time.
    pub(super) touched: Option<usize>,
}

/// The directory that a thread works in, open from one operation to the next.
#[derive(Default)]
pub(super) struct Kept {
    path: Vec<u8>,
    directory: Option<OwnedFd>,
    is_touched: bool,
}

impl Tree {
    /// Opens the root, which is made if it does not exist, with all above it. It must not be a symbolic link itself.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // Without what may follow the last name: a slash would lead through a link.
        let path: std::path::PathBuf = path.components().collect();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || patiently(|| Ok(fs::open(&path, flags, Mode::empty())?));
        let root = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound && std::fs::symlink_metadata(&path).is_err() => {
                std::fs::create_dir_all(&path)?;
                open()?
            }
            result => result?,
        };
        Ok(Self { root, changed: Mutex::default() })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The directory of a path and the name in it, to change what has the name. The directory's time is taken to be
    /// changed by the operation of this number.
    pub(super) fn enter<'k, 'p>(
        &self,
        kept: &'k mut Kept,
        path: &'p [u8],
        number: usize,
    ) -> Result<(BorrowedFd<'k>, &'p [u8]), ApplyError> {
        let (parent, name) = split(path);
        self.keep(kept, parent, path)?;
        if !kept.is_touched {
            self.change(parent, |changed| _ = changed.touched.get_or_insert(number));
            kept.is_touched = true;
        }
        Ok((directory_of(kept, path)?, name))
    }

    /// The same, to change the attributes of what has the name.
    pub(super) fn reach<'k, 'p>(
        &self,
        kept: &'k mut Kept,
        path: &'p [u8],
    ) -> Result<(BorrowedFd<'k>, &'p [u8]), ApplyError> {
        let (parent, name) = split(path);
        self.keep(kept, parent, path)?;
        Ok((directory_of(kept, path)?, name))
    }

    fn keep(&self, kept: &mut Kept, parent: &[u8], path: &[u8]) -> Result<(), ApplyError> {
        if kept.directory.is_none() || kept.path != parent {
            *kept = Kept::default();
            check_names(path)?;
            let opened = self.open_to_change(parent).map_err(ApplyError::at("open its directory", path))?;
            *kept = Kept { path: parent.to_vec(), directory: Some(opened), is_touched: false };
        } else {
            check_names(split(path).1)?;
        }
        Ok(())
    }

    /// Opens a directory in which its owner can do everything.
    pub(super) fn open_to_change(&self, path: &[u8]) -> io::Result<OwnedFd> {
        match patiently(|| below::open_directory(&self.root, path, false)) {
            Ok(directory) => {
                self.lend(path, &directory);
                Ok(directory)
            }
            Err(error) if is_refused(&error) => self.open_step_by_step(path),
            Err(error) => Err(error),
        }
    }

    /// Opens a directory, giving permission on the way to it.
    fn open_step_by_step(&self, path: &[u8]) -> io::Result<OwnedFd> {
        let mut directory = patiently(|| below::open_directory(&self.root, b"", false))?;
        self.lend(b"", &directory);
        let mut end = 0;
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            end += name.len();
            let open = || patiently(|| below::open_child_directory(&directory, name, false));
            let child = match open() {
                Err(error) if is_refused(&error) => {
                    let pinned = Pinned::open(directory.as_fd(), name)?;
                    let stat = pinned.stat()?;
                    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                        return Err(error);
                    }
                    let mode = permissions(&stat);
                    self.change(&path[..end], |changed| _ = changed.lent.get_or_insert(mode));
                    pinned.set(Attributes { mode: Some(mode | OWNER_ALL), time: None })?;
                    open()?
                }
                result => result?,
            };
            self.lend(&path[..end], &child);
            directory = child;
            end += 1;
        }
        Ok(directory)
    }

    /// Gives the owner of an open directory all permissions; where that cannot be, what needs them will say so.
    fn lend(&self, path: &[u8], directory: &OwnedFd) {
        let Ok(stat) = fs::fstat(directory) else { return };
        let mode = permissions(&stat);
        if mode & OWNER_ALL != OWNER_ALL {
            self.change(path, |changed| _ = changed.lent.get_or_insert(mode));
            let _ = Attributes { mode: Some(mode | OWNER_ALL), time: None }.set(directory);
        }
    }

    /// Takes note that an operation has made a directory.
    pub(super) fn note_made(&self, path: &[u8], number: usize) {
        self.change(path, |changed| changed.made = Some(number));
    }

    /// Takes note that a directory is gone.
    pub(super) fn forget(&self, path: &[u8]) {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    fn change(&self, path: &[u8], change: impl FnOnce(&mut Changed)) {
        change(self.changed.lock().unwrap_or_else(PoisonError::into_inner).entry(path.to_vec()).or_default());
    }

    /// The directories that were changed; nothing is noted any more.
    pub(super) fn take_changed(&self) -> HashMap<Vec<u8>, Changed> {
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn directory_of<'k>(kept: &'k Kept, path: &[u8]) -> Result<BorrowedFd<'k>, ApplyError> {
    let directory = kept.directory.as_ref().map(|directory| directory.as_fd());
    directory.ok_or_else(|| ApplyError::at::<Errno>("open its directory", path)(Errno::NOENT))
}

/// Removes what is no directory, or a directory that is empty; it is no fault when it is gone.
pub(super) fn remove(directory: BorrowedFd<'_>, name: &[u8], flags: AtFlags) -> io::Result<()> {
    match fs::unlinkat(directory, OsStr::from_bytes(name), flags) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The type of what has a name in a directory.
pub(super) fn type_at(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<FileType>> {
    Ok(status(directory, name)?.map(|stat| FileType::from_raw_mode(stat.st_mode)))
}

/// Directory and name of a path.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// Names were checked when the plan was made; one that slipped through must not lead out of the tree.
fn check_names(path: &[u8]) -> Result<(), ApplyError> {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
    if path.split(|byte| *byte == b'/').all(is_name) { Ok(()) } else { Err(ApplyError::Name(path.to_vec())) }
}

/// Whether a path is that of what waits, or waited, to have its place.
pub(super) fn is_staged(path: &[u8]) -> bool {
    path.strip_prefix(STAGING).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn permissions(stat: &fs::Stat) -> u32 {
    mode_of(stat).bits() & 0o7777
}

fn is_refused(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ACCESS.raw_os_error())
}

//! The directory in which content waits: who works there, temporaries, what a killed run left.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use c4_engine::is_descriptor_exhaustion;
use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::{Errno, retry_on_intr};

use super::{ApplyError, STAGING};
use crate::scan::{PATIENCE, PAUSE, below};

/// The file that the process at work holds locked.
const LOCK: &str = ".lock";

/// How often the directory is made anew while others, who have done their work, remove it.
const MAX_ATTEMPTS: u32 = 100;

/// Tells whether something in the directory, under a name, is what the plan knows of.
type IsPlanned<'f> = &'f dyn Fn(BorrowedFd<'_>, &[u8]) -> io::Result<bool>;

/// The directory, locked by this process.
pub(super) struct Staging {
    directory: OwnedFd,
    lock: OwnedFd,
    /// What was there when the work began.
    found: Vec<Vec<u8>>,
    /// The first number that was free then.
    first: u64,
    next: AtomicU64,
}

impl Staging {
    /// Makes the directory in a root, or takes it over from a process that was killed.
    ///
    /// What lies there may be the only copy of something that came after the plan was made: what is not planned is
    /// refused.
    pub(super) fn enter(root: BorrowedFd<'_>, shown: &Path, is_planned: IsPlanned<'_>) -> Result<Self, ApplyError> {
        for _ in 0..MAX_ATTEMPTS {
            let refused = ApplyError::at::<io::Error>("make the directory of temporaries", STAGING);
            match fs::mkdirat(root, OsStr::from_bytes(STAGING), Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(refused(error.into())),
            }
            let directory = match patiently(|| below::open_child_directory(root, STAGING, false)) {
                Ok(directory) => directory,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => match status(root, STAGING) {
                    Ok(Some(stat)) if FileType::from_raw_mode(stat.st_mode) != FileType::Directory => {
                        return Err(not_ours(shown, "it is no directory"));
                    }
                    _ => return Err(refused(error)),
                },
            };
            if fs::fstat(&directory).map_err(|error| refused_to_look(error.into()))?.st_uid
                != rustix::process::geteuid().as_raw()
            {
                return Err(not_ours(shown, "it belongs to another user"));
            }
            let Some(lock) = lock(root, &directory, shown)? else { continue };
            let found = names_in(&directory).map_err(refused_to_look)?;
            for name in &found {
                let stat = status(directory.as_fd(), name).map_err(refused_to_look)?;
                let is_directory =
                    stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
                if is_directory || !is_planned(directory.as_fd(), name).map_err(refused_to_look)? {
                    let path = shown.join(OsStr::from_bytes(STAGING)).join(OsStr::from_bytes(name));
                    let reason = if is_directory {
                        "it is a directory, and content waits in files"
                    } else {
                        "it came after the plan was made: plan again"
                    };
                    return Err(ApplyError::Staging { path, reason });
                }
            }
            let first = found.iter().filter_map(|name| number_of(name)).max().map_or(0, |last| last + 1);
            return Ok(Self { directory, lock, found, first, next: AtomicU64::new(first) });
        }
        Err(ApplyError::Busy(shown.to_owned()))
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// A name that nothing has.
    fn next_name(&self) -> String {
        self.next.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// A new file, open for reading and writing, for this user alone until it has its mode; one of a mode that nobody knows
    /// is made as files are made.
    pub(super) fn file(&self, is_mode_known: bool) -> io::Result<(File, Temporary<'_>)> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(if is_mode_known { 0o600 } else { 0o666 });
        let (file, temporary) =
            self.make(|name| patiently(|| Ok(retry_on_intr(|| fs::openat(&self.directory, name, flags, mode))?)))?;
        Ok((file.into(), temporary))
    }

    /// A new symbolic link.
    pub(super) fn link(&self, target: &[u8]) -> io::Result<Temporary<'_>> {
        let make = |name: &str| Ok(fs::symlinkat(OsStr::from_bytes(target), &self.directory, name)?);
        Ok(self.make(make)?.1)
    }

    /// One more name of an open file.
    #[cfg(target_os = "linux")]
    pub(super) fn name(&self, file: &File) -> io::Result<Temporary<'_>> {
        use std::os::fd::AsRawFd as _;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let make = |name: &str| Ok(fs::linkat(fs::CWD, &*path, &self.directory, name, AtFlags::SYMLINK_FOLLOW)?);
        Ok(self.make(make)?.1)
    }

    /// Elsewhere there is no such call.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, reason = "the shape is that of Linux")]
    pub(super) fn name(&self, _file: &File) -> io::Result<Temporary<'_>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Moves a file of the tree here; its name.
    pub(super) fn take(&self, directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<String> {
        let ((), temporary) = self.make(|new| rename_new(directory, name, self.directory.as_fd(), new.as_bytes()))?;
        Ok(temporary.keep())
    }

    fn make<T>(&self, make: impl Fn(&str) -> io::Result<T>) -> io::Result<(T, Temporary<'_>)> {
        loop {
            let name = self.next_name();
            match make(&name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return Ok((result?, Temporary { staging: self, name: Some(name) })),
            }
        }
    }

    /// Removes what was found and what was made; the lock is the last. What somebody else put there stays, and is an error.
    pub(super) fn remove(&self, root: BorrowedFd<'_>) -> io::Result<()> {
        let (known, foreign): (Vec<_>, Vec<_>) = self.names()?.into_iter().partition(|name| self.is_known(name));
        for name in known {
            fs::unlinkat(&self.directory, OsStr::from_bytes(&name), AtFlags::empty())?;
        }
        if !foreign.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        fs::unlinkat(&self.directory, LOCK, AtFlags::empty())?;
        match fs::unlinkat(root, OsStr::from_bytes(STAGING), AtFlags::REMOVEDIR) {
            // Without its lock it is anybody's: the next process is in it, or has removed it.
            Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a name was found, or handed out.
    fn is_known(&self, name: &[u8]) -> bool {
        let handed_out = self.first..self.next.load(Ordering::Relaxed);
        number_of(name).is_some_and(|number| handed_out.contains(&number))
            || self.found.binary_search_by(|found| found.as_slice().cmp(name)).is_ok()
    }

    /// Leaves what waits for the next run; where nothing does the directory goes.
    pub(super) fn leave(&self, root: BorrowedFd<'_>) {
        if self.names().is_ok_and(|names| names.is_empty()) {
            let _ = self.remove(root);
        }
    }

    fn names(&self) -> io::Result<Vec<Vec<u8>>> {
        // Opened again: this one was read to its end.
        names_in(&patiently(|| below::open_directory(&self.directory, b"", false))?)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // A child that a fork made meanwhile has the lock as well, and may live for long.
        let _ = fs::flock(&self.lock, FlockOperation::Unlock);
    }
}

fn not_ours(shown: &Path, reason: &'static str) -> ApplyError {
    ApplyError::Staging { path: shown.join(OsStr::from_bytes(STAGING)), reason }
}

fn refused_to_look(error: io::Error) -> ApplyError {
    ApplyError::at("look at the directory of temporaries", STAGING)(error)
}

/// Makes the lock file and takes the lock; `None` when whoever had it has removed the directory.
fn lock(root: BorrowedFd<'_>, directory: &OwnedFd, shown: &Path) -> Result<Option<OwnedFd>, ApplyError> {
    let refused = || ApplyError::at::<io::Error>("lock the directory of temporaries", STAGING);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let open = || Ok(retry_on_intr(|| fs::openat(directory, LOCK, flags, Mode::RUSR | Mode::WUSR))?);
    let lock = match patiently(open) {
        Ok(lock) => lock,
        // It was just removed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused()(error)),
    };
    match retry_on_intr(|| fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => {}
        // A file that is there or not would do instead, and would outlive whoever was killed: somebody had to tell.
        Err(Errno::NOSYS | Errno::NOLCK | Errno::NOTSUP) => {
            let _ = fs::unlinkat(directory, LOCK, AtFlags::empty());
            let _ = fs::unlinkat(root, OsStr::from_bytes(STAGING), AtFlags::REMOVEDIR);
            return Err(not_ours(shown, "the file system has no locks, which keep others from changing the directory"));
        }
        Err(Errno::WOULDBLOCK) => return Err(ApplyError::Busy(shown.to_owned())),
        Err(error) => return Err(refused()(error.into())),
    }
    let is_same = |name: io::Result<Option<fs::Stat>>, open: &OwnedFd| -> io::Result<bool> {
        let open = fs::fstat(open)?;
        Ok(name?.is_some_and(|name| (name.st_dev, name.st_ino) == (open.st_dev, open.st_ino)))
    };
    let is_in_place = is_same(status(directory.as_fd(), LOCK.as_bytes()), &lock)
        .and_then(|lock_is| Ok(lock_is && is_same(status(root, STAGING), directory)?))
        .map_err(refused_to_look)?;
    Ok(is_in_place.then_some(lock))
}

/// What lies in the directory, without the lock.
fn names_in(directory: &OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    below::read_directory(directory, |name, _| names.push(name.to_vec()))?;
    names.retain(|name| name != LOCK.as_bytes());
    names.sort_unstable();
    Ok(names)
}

/// The number that is a temporary's name.
fn number_of(name: &[u8]) -> Option<u64> {
    std::str::from_utf8(name).ok()?.parse().ok().filter(|number| *number < u64::MAX)
}

/// Something in the directory, removed unless it is kept.
pub(super) struct Temporary<'s> {
    staging: &'s Staging,
    name: Option<String>,
}

impl<'s> Temporary<'s> {
    /// What lies in the directory under a name.
    pub(super) fn named(staging: &'s Staging, name: String) -> Self {
        Self { staging, name: Some(name) }
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Leaves it where it is by now; the name that it had here.
    pub(super) fn keep(mut self) -> String {
        self.name.take().unwrap_or_default()
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            // What stays is removed by the run that succeeds.
            let _ = fs::unlinkat(&self.staging.directory, name, AtFlags::empty());
        }
    }
}

/// What has a name in a directory, itself and not what it points at.
pub(super) fn status(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<fs::Stat>> {
    match fs::statat(directory, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Moves what is no directory to a name that must be free.
pub(super) fn rename_new(from: BorrowedFd<'_>, name: &[u8], to: BorrowedFd<'_>, new: &[u8]) -> io::Result<()> {
    let (name, new) = (OsStr::from_bytes(name), OsStr::from_bytes(new));
    match fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        // Not known to the file system: a second name, and the first one goes.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match fs::linkat(from, name, to, new, AtFlags::empty()) {
            Ok(()) => Ok(fs::unlinkat(from, name, AtFlags::empty())?),
            Err(Errno::EXIST) => Err(Errno::EXIST.into()),
            // That neither: what comes between the look and the renaming is not seen.
            Err(_) if status(to, new.as_bytes())?.is_none() => Ok(fs::renameat(from, name, to, new)?),
            Err(error) => Err(error.into()),
        },
        result => Ok(result?),
    }
}

/// Whether a directory's file system takes two names for one.
pub(crate) fn merges_names(directory: BorrowedFd<'_>, a: &[u8], b: &[u8]) -> io::Result<bool> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let name = OsStr::from_bytes(a);
    let made = patiently(|| match fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR) {
        Ok(_) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    })?;
    let found = status(directory, b);
    if made {
        fs::unlinkat(directory, name, AtFlags::empty())?;
    }
    Ok(found?.is_some())
}

/// Repeats what fails because the process has no descriptor left, for a while: others are about to close theirs.
pub(super) fn patiently<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..PATIENCE {
        match open() {
            Err(error) if is_descriptor_exhaustion(&error) => std::thread::sleep(PAUSE),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
    open()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tried_and_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let directory = OwnedFd::from(std::fs::File::open(root.path()).unwrap());
        assert!(!merges_names(directory.as_fd(), b"name", b"NAME").unwrap());
        assert!(merges_names(directory.as_fd(), b"name", b"name").unwrap());
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
        std::fs::write(root.path().join("name"), "stays").unwrap();
        assert!(merges_names(directory.as_fd(), b"name", b"name").unwrap());
        assert_eq!(std::fs::read(root.path().join("name")).unwrap(), b"stays");
    }

    #[test]
    fn temporaries_are_numbered_after_those_that_are_there() {
        let root = tempfile::tempdir().unwrap();
        let directory = OwnedFd::from(std::fs::File::open(root.path()).unwrap());
        let left = root.path().join(OsStr::from_bytes(STAGING));
        std::fs::create_dir(&left).unwrap();
        for name in ["41", "7", "x", "18446744073709551615"] {
            std::fs::write(left.join(name), "").unwrap();
        }
        let refused = Staging::enter(directory.as_fd(), root.path(), &|_, name| Ok(name != b"7"));
        assert!(matches!(refused, Err(ApplyError::Staging { path, .. }) if path == left.join("7")));
        let enter = || Staging::enter(directory.as_fd(), root.path(), &|_, _| Ok(true));
        let staging = enter().unwrap();
        let (_, temporary) = staging.file(true).unwrap();
        assert_eq!(temporary.name(), "42");
        assert!(matches!(enter(), Err(ApplyError::Busy(_))));
        drop(temporary);
        assert!(!left.join("42").exists());
        staging.leave(directory.as_fd());
        assert!(left.join("41").exists());
        std::fs::write(left.join("44"), "of nobody here").unwrap();
        assert_eq!(staging.remove(directory.as_fd()).unwrap_err().kind(), io::ErrorKind::DirectoryNotEmpty);
        assert!(left.join("44").exists() && !left.join("41").exists());
        std::fs::remove_file(left.join("44")).unwrap();
        staging.remove(directory.as_fd()).unwrap();
        assert!(!left.exists());
    }
}

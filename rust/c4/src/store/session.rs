//! Temporary files of a writer, in a directory of its own that tells whether the writer lives.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher as _};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::{Context, StoreError};

/// What the names of temporaries begin with, in all tools.
pub(super) const PREFIX: &str = ".ingest.";

/// The file that a living writer holds locked.
pub(super) const LOCK: &str = ".lock";

/// How old a writer's directory must be to be taken for abandoned when it has no lock file: its writer makes that right
/// after the directory.
const UNLOCKED_GRACE: Duration = Duration::from_secs(3600);

/// The same where the file system has no locks: nothing was written there for so long.
const ABANDONED: Duration = Duration::from_secs(3 * 24 * 3600);

/// How often a writer tries to make its directory while others sweep it.
const MAX_ATTEMPTS: u32 = 100;

/// A writer's directory. It goes when the last temporary does.
pub(super) struct Session {
    directory: PathBuf,
    /// Locked as long as this writer lives, and open since before the first byte was written: what fails to be written
    /// later is told through it.
    lock: File,
    next: AtomicU64,
    /// Whether one call makes everything durable that is written here.
    is_synced_together: bool,
    /// A child that a fork made has a copy of this value, and must not remove what its parent writes.
    process: u32,
    /// Whether a temporary could not be removed.
    has_leftovers: AtomicBool,
}

impl Session {
    /// Makes a directory in the root of a store.
    pub(super) fn begin(root: &Path) -> Result<Arc<Self>, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            let directory = root.join(format!("{PREFIX}{:016x}", random()));
            match fs::create_dir(&directory) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                result => result.context("make a temporary directory in the store", &directory)?,
            }
            let path = directory.join(LOCK);
            match lock_new(&path) {
                Ok(Some(lock)) => {
                    let process = std::process::id();
                    let is_synced_together = is_synced_together(&lock);
                    return Ok(Arc::new(Self {
                        directory,
                        lock,
                        next: AtomicU64::new(0),
                        is_synced_together,
                        process,
                        has_leftovers: AtomicBool::new(false),
                    }));
                }
                // Somebody sweeps it.
                Ok(None) => {}
                Err(error) => {
                    let _ = fs::remove_file(&path);
                    let _ = fs::remove_dir(&directory);
                    return Err(error).context("make a temporary file in the store", &path);
                }
            }
        }
        Err(io::Error::from(io::ErrorKind::ResourceBusy)).context("make a temporary directory in the store", root)
    }

    /// Whether it is this process's own, and not inherited by a fork.
    pub(super) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// A new temporary file, open for writing and, by all others, read-only.
    pub(super) fn temporary(self: &Arc<Self>) -> Result<(File, Temporary), StoreError> {
        let path = self.directory.join(format!(".{}", self.next.fetch_add(1, Ordering::Relaxed)));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o444);
        let file = options.open(&path).context("make a temporary file in the store", &path)?;
        Ok((file, Temporary { path, session: Arc::clone(self), kept: AtomicBool::new(false) }))
    }

    /// Whether [`Session::synchronize`] does it, for all that is written here.
    pub(super) fn is_synced_together(&self) -> bool {
        self.is_synced_together
    }

    /// Makes everything durable that was written to the file system of the store.
    #[cfg(target_os = "linux")]
    pub(super) fn synchronize(&self) -> Result<(), StoreError> {
        retry_on_intr(|| rustix::fs::syncfs(&self.lock)).context("make the store durable", &self.directory)
    }

    /// Elsewhere there is no such call.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the shape is that of Linux")]
    pub(super) fn synchronize(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Whether the file system hears when it is asked to write everything. One in user space does not.
#[cfg(target_os = "linux")]
fn is_synced_together(file: &File) -> bool {
    const FUSE: u64 = 0x6573_5546;
    #[allow(clippy::unnecessary_cast, reason = "the width differs between platforms")]
    let hears = rustix::fs::fstatfs(file).is_ok_and(|status| status.f_type as u64 != FUSE);
    hears && tells_failed_writes(rustix::system::uname().release().to_bytes())
}

/// Whether a sync of a file system tells that a write failed: Linux does since 5.8.
#[cfg(target_os = "linux")]
fn tells_failed_writes(release: &[u8]) -> bool {
    let mut numbers =
        release.split(|byte| !byte.is_ascii_digit()).map(|digits| String::from_utf8_lossy(digits).parse());
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0_u32);
    (next(), next()) >= (5, 8)
}

#[cfg(not(target_os = "linux"))]
fn is_synced_together(_file: &File) -> bool {
    false
}

impl Drop for Session {
    fn drop(&mut self) {
        // With the lock file, which nobody holds then, the next writer finds what is left.
        if self.is_ours() && !*self.has_leftovers.get_mut() {
            let _ = fs::remove_file(self.directory.join(LOCK));
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// A temporary file, removed unless it is kept.
pub(super) struct Temporary {
    path: PathBuf,
    session: Arc<Session>,
    kept: AtomicBool,
}

impl Temporary {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether it was given another name.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Relaxed)
    }

    /// Leaves the file to the name that it was given.
    pub(super) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !*self.kept.get_mut()
            && self.session.is_ours()
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            self.session.has_leftovers.store(true, Ordering::Relaxed);
        }
    }
}

/// Makes the lock file of a new directory and takes the lock; `None` when somebody who sweeps was faster.
fn lock_new(path: &Path) -> io::Result<Option<File>> {
    let lock = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(lock) => lock,
        // The directory was empty, and was taken for that of a writer that had died.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Where the file system has no locks, nobody can take one either: nothing is swept there but by age.
    let locked = retry_on_intr(|| rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive));
    if locked == Err(Errno::WOULDBLOCK) {
        // It is about to be removed.
        return Ok(None);
    }
    // Whoever sweeps may have had the lock for a moment, and removed everything.
    match fs::metadata(path) {
        Ok(named) => Ok((named.ino() == lock.metadata()?.ino()).then_some(lock)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A number that no two writers are likely to have, on whatever machine they are.
fn random() -> u64 {
    // The standard library seeds its hash maps from the system; a fork repeats the seed, not the process and the time.
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    if let Ok(time) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        hasher.write_u128(time.as_nanos());
    }
    hasher.finish()
}

/// The lock of a dead writer, taken, if it has one; as long as it is held nobody else sweeps the writer's directory.
pub(super) struct Inherited {
    _lock: Option<File>,
}

/// Takes over the directory of a writer that is gone; `None` when it lives, or when nothing can be said.
pub(super) fn take_over(directory: &Path) -> Option<Inherited> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let open = OpenOptions::new().write(true).custom_flags(flags.bits() as i32).open(directory.join(LOCK));
    match open {
        Ok(lock) => match retry_on_intr(|| rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Some(Inherited { _lock: Some(lock) }),
            // The file system knows no locks.
            Err(Errno::NOSYS | Errno::NOLCK | Errno::NOTSUP) if is_abandoned(directory) => {
                Some(Inherited { _lock: Some(lock) })
            }
            Err(_) => None,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            is_older(directory, UNLOCKED_GRACE).then_some(Inherited { _lock: None })
        }
        Err(_) => None,
    }
}

fn is_older(path: &Path, age: Duration) -> bool {
    let time = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    time.is_ok_and(|time| time.elapsed().is_ok_and(|elapsed| elapsed > age))
}

/// Whether nobody has written to a directory, nor to what is in it, for so long that its writer must be gone.
fn is_abandoned(directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    is_older(directory, ABANDONED) && entries.flatten().all(|entry| is_older(&entry.path(), ABANDONED))
}

/// Whether a name is that of a writer's directory.
pub(super) fn is_session(name: &[u8]) -> bool {
    let digits = name.strip_prefix(PREFIX.as_bytes()).unwrap_or_default();
    digits.len() == 16 && digits.iter().all(u8::is_ascii_hexdigit)
}

/// Removes what writers left that died. What cannot be removed stays, for another time.
pub(super) fn sweep(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let is_session =
            is_session(entry.file_name().as_encoded_bytes()) && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_session {
            continue;
        }
        if let Some(_inherited) = take_over(&entry.path()) {
            let _ = remove_session(&entry.path());
        } else {
            // An empty one goes whatever its age: a writer that has just made it makes another.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Removes a directory of temporaries, the lock last: what is left after a failure is found again.
pub(super) fn remove_session(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes() != LOCK.as_bytes() {
            fs::remove_file(entry.path())?;
        }
    }
    match fs::remove_file(directory.join(LOCK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::remove_dir(directory)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_known_by_its_release() {
        for (release, tells) in
            [("6.18.44-fc", true), ("5.8.0", true), ("5.4.0-200-generic", false), ("4.18", false), ("", false)]
        {
            assert_eq!(tells_failed_writes(release.as_bytes()), tells, "{release}");
        }
    }
}

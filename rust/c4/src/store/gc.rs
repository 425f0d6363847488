//! Removing objects that nothing refers to.
//!
//! First everything that the roots refer to is marked ([`Marks`]), then the store is walked, and what is not marked and
//! older than a grace is removed. Writers may put at the same time: a put that finds its object there makes it young and
//! looks once more whether it is still there. So an object is first renamed; if it is young by then, it gets its name
//! back. Whichever comes first, either the put sees that the object is gone and writes it again, or it stays.
//!
//! Other tools do not make an object young that they find there: the grace must cover whatever they are doing.
//!
//! One that was killed leaves at most an object under its other name; the next gives that its name back. Objects that no
//! reader finds are left alone, since the directories that hold them may belong to others, and so are all directories:
//! they decide where objects lie.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::CheckError;
use super::census::{Census, Found, Misplacement, Object, TAKEN_OUT, TemporaryKind};
use super::layout::rename_new;
use super::marks::{MarkError, Marks, Root};
use super::report::Listed;
use super::session;
use crate::C4Id;
use crate::scan::ScanProgress;

/// Files have the time of the system's last tick; it may be so much before the time of the clock.
const TICK: Duration = Duration::from_millis(50);

/// How long to wait before looking again whether another run has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How old garbage must be unless something else is said.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// How to collect garbage.
#[derive(Clone, Copy, Debug)]
pub struct GcOptions {
    /// Whether only to find out what would be removed; nothing at all is changed then.
    pub dry_run: bool,
    /// What was written, or put again, so lately is kept.
    pub grace: Duration,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { dry_run: true, grace: DEFAULT_GRACE }
    }
}

/// What was removed, or would be, and what was not.
#[derive(Debug, Default)]
pub struct GcReport {
    /// IDs that the roots refer to, whether or not the store has them.
    pub marked: u64,
    /// Objects that are marked.
    pub kept: u64,
    /// Objects that are not, and are too young.
    pub young: u64,
    /// Objects that were removed.
    pub removed: Listed<C4Id>,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Temporary files, and directories of writers, that were removed.
    pub temporary: u64,
    /// Objects that got their names back, which an earlier run had taken out when it was killed.
    pub put_back: u64,
    /// Files of the roots that have no ID: what they hold is not marked.
    pub unidentified: u64,
    /// What manifests among the files refer to, and the store does not have, so that what it lists is not marked.
    pub unresolved: Listed<C4Id>,
    /// Directories that cannot be listed, and files that cannot be removed.
    pub failed: Listed<(PathBuf, io::Error)>,
}

/// Removes what no root refers to and what is older than the grace.
///
/// Fails, before anything is removed, when it cannot be found out what a root refers to.
pub fn gc(root: &Path, roots: &[Root], options: GcOptions, progress: &ScanProgress) -> Result<GcReport, MarkError> {
    if !fs::metadata(root).map_err(CheckError::at(root))?.is_dir() {
        return Err(CheckError::at(root)(Errno::NOTDIR.into()).into());
    }
    // What is put while the roots are read is young.
    let oldest_young = SystemTime::now().checked_sub(options.grace).and_then(|time| time.checked_sub(TICK));
    // One at a time: two would take the same objects out under the same names.
    let _alone = (!options.dry_run).then(|| alone(root, progress)).transpose()?;
    let marks = Marks::of(root, roots, progress)?;
    let census = Census::new(root).map_err(CheckError::at(root))?;
    progress.enter_sweep();
    let mut sweep = Sweep { root, options, oldest_young, progress, report: GcReport::default() };
    for found in census {
        if progress.is_cancelled() {
            return Err(CheckError::Cancelled.into());
        }
        sweep.take(found, &marks);
    }
    let Marks { unidentified, .. } = marks;
    Ok(GcReport { marked: marks.len() as u64, unidentified, unresolved: marks.unresolved, ..sweep.report })
}

/// Waits until no other run is at work on a store, and keeps others away as long as what it returns lives.
fn alone(root: &Path, progress: &ScanProgress) -> Result<fs::File, CheckError> {
    let directory = fs::File::open(root).map_err(CheckError::at(root))?;
    loop {
        match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) if progress.is_cancelled() => return Err(CheckError::Cancelled),
            Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(LOOK_AGAIN),
            // Where the file system has no locks there is no way to tell.
            Ok(()) | Err(_) => return Ok(directory),
        }
    }
}

struct Sweep<'s> {
    root: &'s Path,
    options: GcOptions,
    /// `None` when the grace reaches back to before all times.
    oldest_young: Option<SystemTime>,
    progress: &'s ScanProgress,
    report: GcReport,
}

/// What became of an object.
enum Fate {
    Removed,
    Young,
    /// Somebody else moved or removed it.
    Gone,
}

impl Sweep<'_> {
    fn take(&mut self, found: Found, marks: &Marks) {
        let result = match found {
            Found::Object(object) if marks.contains(&object.id) => {
                self.report.kept += u64::from(!object.is_copy);
                Ok(())
            }
            Found::Object(object) => self.sweep(&object).map_err(|error| (object.path(), error)),
            Found::Lost(path, _, Misplacement::TakenOut) => self.put_back(&path).map_err(|error| (path, error)),
            Found::Temporary(path, TemporaryKind::Dead) => self.remove_session(&path).map_err(|error| (path, error)),
            Found::Temporary(path, TemporaryKind::Foreign) => self.remove_file(&path).map_err(|error| (path, error)),
            Found::Unreadable(path, error) => Err((path, error)),
            Found::Lost(..) | Found::Stray(..) | Found::Temporary(..) | Found::Quarantined(_) => Ok(()),
        };
        match result {
            Err((_, error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(failure) => self.report.failed.push(failure),
            Ok(()) => {}
        }
    }

    fn is_young(&self, metadata: &Metadata) -> io::Result<bool> {
        let time = metadata.modified()?;
        Ok(self.oldest_young.is_none_or(|oldest| time >= oldest))
    }

    fn sweep(&mut self, object: &Object) -> io::Result<()> {
        ScanProgress::add(&self.progress.files_done, 1);
        let path = object.path();
        self.progress.note(|| path.clone().into_os_string().into_encoded_bytes());
        let path = self.root.join(path);
        let metadata = fs::symlink_metadata(&path)?;
        let fate = match (self.is_young(&metadata)?, self.options.dry_run) {
            (true, _) => Fate::Young,
            (false, true) => Fate::Removed,
            (false, false) => self.remove(&path, &object.id)?,
        };
        match fate {
            Fate::Removed => {
                self.report.removed.push(object.id);
                self.report.removed_bytes += metadata.len();
                ScanProgress::add(&self.progress.bytes_done, metadata.len());
            }
            Fate::Young => self.report.young += 1,
            Fate::Gone => {}
        }
        Ok(())
    }

    /// Removes an object that was old; see the module for the order.
    fn remove(&self, path: &Path, id: &C4Id) -> io::Result<Fate> {
        let taken_out = path.with_file_name(format!("{TAKEN_OUT}{id}"));
        match rename_new(path, &taken_out) {
            // Another run is at it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Fate::Gone),
            result => result?,
        }
        if self.is_young(&fs::symlink_metadata(&taken_out)?)? {
            give_back(&taken_out, path)?;
            return Ok(Fate::Young);
        }
        fs::remove_file(&taken_out)?;
        Ok(Fate::Removed)
    }

    fn put_back(&mut self, path: &Path) -> io::Result<()> {
        self.report.put_back += 1;
        if self.options.dry_run {
            return Ok(());
        }
        let path = self.root.join(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.strip_prefix(TAKEN_OUT).unwrap_or_default();
        give_back(&path, &path.with_file_name(name))
    }

    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        let path = self.root.join(path);
        if self.is_young(&fs::symlink_metadata(&path)?)? {
            return Ok(());
        }
        if !self.options.dry_run {
            fs::remove_file(path)?;
        }
        self.report.temporary += 1;
        Ok(())
    }

    /// Removes the directory of a writer that died.
    fn remove_session(&mut self, path: &Path) -> io::Result<()> {
        let path = self.root.join(path);
        if self.is_young(&fs::symlink_metadata(&path)?)? {
            return Ok(());
        }
        if !self.options.dry_run {
            let Some(_inherited) = session::take_over(&path) else { return Ok(()) };
            session::remove_session(&path)?;
        }
        self.report.temporary += 1;
        Ok(())
    }
}

/// Gives an object that was taken out its name back, unless it was put again meanwhile.
fn give_back(taken_out: &Path, path: &Path) -> io::Result<()> {
    match rename_new(taken_out, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(taken_out),
        result => result,
    }
}

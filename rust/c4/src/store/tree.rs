//! A store in a directory: content goes in, is found, comes out.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::{Errno, retry_on_intr};

use super::batch::Batch;
use super::census::TAKEN_OUT;
use super::ingest::{Ingest, Put};
use super::layout::{self, Known, Name, Place, Places};
use super::session::{self, Session, Temporary};
use super::{Context, Durability, StoreError};
use crate::C4Id;
use crate::identify::READ_BYTES;

/// How often an object's place is looked for while others change it.
const MAX_LOOKS: u32 = 1000;

/// How old an object of another user is at most to be as good as put, though it cannot be touched: half of the grace of a
/// collection of garbage.
const YOUNG: Duration = Duration::from_secs(12 * 3600);

/// Directories whose count of objects is remembered.
const MAX_COUNTED: usize = 65_536;

/// A content store in a directory of the file system.
///
/// Its functions may be called by several threads at once, and by several processes for one directory.
///
/// ```
/// use std::io::Read as _;
/// use c4::store::{Durability, SPLIT_THRESHOLD, TreeStore};
/// # let directory = tempfile::tempdir().unwrap();
/// let store = TreeStore::new(&directory.path().join("store"), SPLIT_THRESHOLD, Durability::Full).unwrap();
/// let id = store.put(&mut &b"hello"[..]).unwrap();
/// let mut content = Vec::new();
/// store.open(&id).unwrap().unwrap().file.read_to_end(&mut content).unwrap();
/// assert_eq!(content, b"hello");
/// ```
pub struct TreeStore {
    root: PathBuf,
    threshold: usize,
    durability: Durability,
    /// The writer's directory, as long as there are temporaries in it.
    session: Mutex<Weak<Session>>,
    /// Whether what dead writers left was looked for.
    is_swept: AtomicBool,
    known: Known,
    /// Directories of which it is known that what is above names them durably.
    synchronized: Mutex<HashSet<PathBuf>>,
    is_root_synchronized: AtomicBool,
    counts: Mutex<HashMap<PathBuf, Count>>,
    batch: Batch,
}

/// What is found where an object should be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Nothing,
    /// A regular file of the right size.
    Whole,
    /// Something that a new file is to replace.
    Other,
}

/// How many objects a directory has, as far as this process knows.
#[derive(Clone, Copy)]
struct Count {
    objects: usize,
    /// Objects that were added since they were last counted: others may have added some as well.
    since: usize,
}

/// An object that is open.
#[derive(Debug)]
pub struct OpenObject {
    /// Its content: a regular file, at its start.
    pub file: File,
    /// Its bytes.
    pub size: u64,
    /// Where it lies.
    pub path: PathBuf,
}

/// Why content was not stored.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The content cannot be read.
    #[error(transparent)]
    Source(io::Error),
    /// The store cannot take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TreeStore {
    /// A store in a directory, which is made by the first put. A relative path is that of now, whatever the process's
    /// directory is later.
    pub fn new(root: &Path, threshold: usize, durability: Durability) -> io::Result<Self> {
        Ok(Self {
            root: std::path::absolute(root)?,
            threshold,
            durability,
            session: Mutex::default(),
            is_swept: AtomicBool::new(false),
            known: Known::default(),
            synchronized: Mutex::default(),
            is_root_synchronized: AtomicBool::new(false),
            counts: Mutex::default(),
            batch: Batch::default(),
        })
    }

    /// The directory, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Stores content that is read to its end, in bounded memory.
    pub fn put(&self, content: &mut dyn Read) -> Result<C4Id, PutError> {
        let mut put = self.begin();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(put.finish()?),
                Ok(count) => put.write(&buffer[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(PutError::Source(error)),
            }
        }
    }

    /// Begins to store content that arrives in pieces.
    pub fn begin(&self) -> Put<'_> {
        Put::new(self)
    }

    /// Stores bytes whose ID is known. Nothing is written when the store has them.
    pub fn put_bytes(&self, id: &C4Id, content: &[u8]) -> Result<(), StoreError> {
        if self.has_already(id, content.len() as u64)? {
            return Ok(());
        }
        let mut ingest = self.ingest()?;
        ingest.write(content)?;
        ingest.commit_new(id)
    }

    /// Begins to store content that the caller hashes.
    pub fn ingest(&self) -> Result<Ingest<'_>, StoreError> {
        let (file, temporary) = self.session()?.temporary()?;
        Ok(Ingest::new(self, file, temporary))
    }

    /// Keeps the writer's directory in place: worth while for who writes many objects, one by one.
    pub(crate) fn hold_session(&self) -> Result<WriterSession, StoreError> {
        Ok(WriterSession { _session: self.session()? })
    }

    pub(super) fn session(&self) -> Result<Arc<Session>, StoreError> {
        let mut current = lock(&self.session);
        if let Some(session) = current.upgrade()
            && session.is_ours()
        {
            return Ok(session);
        }
        self.make_root()?;
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            session::sweep(&self.root);
        }
        let session = Session::begin(&self.root)?;
        *current = Arc::downgrade(&session);
        Ok(session)
    }

    fn make_root(&self) -> Result<(), StoreError> {
        let is_there = self.root.is_dir();
        if !is_there {
            fs::create_dir_all(&self.root).context("make the store", &self.root)?;
        }
        if self.durability == Durability::None || self.is_root_synchronized.load(Ordering::Relaxed) && is_there {
            return Ok(());
        }
        // Which of the directories above are new is not known: to synchronize one in vain costs little.
        for above in self.root.ancestors().skip(1) {
            match sync_directory(above) {
                // What belongs to others is not ours to synchronize, nor is what cannot be written to.
                Err(error) if is_refused(&error) => {}
                result => result.context("make the store durable", above)?,
            }
        }
        self.is_root_synchronized.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Where an object lies and how many bytes it has.
    ///
    /// Looks where it should be, then from the root down, so that it finds what another process moves down meanwhile.
    pub fn find(&self, id: &C4Id) -> Result<Option<(PathBuf, u64)>, StoreError> {
        if let Some(found) = self.batch.find(id) {
            return Ok(Some(found));
        }
        let name = Name::of(id);
        let path = self.known.deepest(&self.root, &name)?.directory.join(name.as_str());
        if let Some(stat) = layout::status(&path)?
            && layout::is_regular(&stat)
        {
            return Ok(Some((path, stat.st_size as u64)));
        }
        let mut refused = None;
        let mut places = Places::of(&self.root, &name);
        while let Some(directory) = places.next()? {
            // A collection of garbage takes an object out, looks once more, and may put it back.
            let taken_out = format!("{TAKEN_OUT}{}", name.as_str());
            for name in [name.as_str(), &taken_out, name.as_str()] {
                let path = directory.join(name);
                match layout::status(&path)? {
                    Some(stat) if layout::is_regular(&stat) => return Ok(Some((path, stat.st_size as u64))),
                    Some(_) => refused = Some(path),
                    None => {}
                }
            }
        }
        refused.map_or(Ok(None), |path| Err(StoreError::NotRegular(path)))
    }

    /// Opens an object. What is no regular file is refused, and never waited for.
    pub fn open(&self, id: &C4Id) -> Result<Option<OpenObject>, StoreError> {
        for _ in 0..MAX_LOOKS {
            let Some((path, _)) = self.find(id)? else { return Ok(None) };
            // Else it was moved or removed since it was found.
            if let Some(object) = open_object(&path)? {
                return Ok(Some(object));
            }
        }
        Err(StoreError::Unsettled(self.root.join(id.to_string())))
    }

    /// Removes an object; whether there was one.
    pub fn remove(&self, id: &C4Id) -> Result<bool, StoreError> {
        // Not while a flush gives names: it would give this one its name afterwards.
        let _no_flush = self.batch.stop_flushing();
        let mut is_removed = self.batch.remove(id);
        for _ in 0..MAX_LOOKS {
            let Some((path, _)) = self.find(id)? else { return Ok(is_removed) };
            match fs::remove_file(&path) {
                Ok(()) => is_removed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).context("remove an object", &path),
            }
        }
        Err(StoreError::Unsettled(self.root.join(id.to_string())))
    }

    /// Makes durable, and gives its name to, everything that was put with [`Durability::Batch`].
    pub fn flush(&self) -> Result<(), StoreError> {
        if self.durability == Durability::Batch { self.batch.flush(self) } else { Ok(()) }
    }

    /// Whether the store has an object of this ID and size, which then is as good as put: durable, and younger than
    /// what a collection of garbage removes.
    pub(crate) fn has_already(&self, id: &C4Id, size: u64) -> Result<bool, StoreError> {
        if self.batch.find(id).is_some_and(|(_, found)| found == size) {
            return Ok(true);
        }
        let name = Name::of(id);
        let place = self.known.deepest(&self.root, &name)?;
        let path = place.directory.join(name.as_str());
        match self.look(&path, size)? {
            Look::Whole => Ok(true),
            Look::Nothing => {
                // Left above by a split that was interrupted, or by another tool.
                let mut is_moved = false;
                for above in place.above(&self.root) {
                    let path = above.directory.join(name.as_str());
                    if layout::status(&path)?.is_none() {
                        continue;
                    }
                    match layout::settle(above, &name, &mut Vec::new(), layout::move_new) {
                        // Who may not move it finds it where it is.
                        Err(StoreError::Io { source, .. }) if is_refused(&source) => {
                            return Ok(self.look(&path, size)? == Look::Whole);
                        }
                        result => {
                            result?;
                            is_moved = true;
                        }
                    }
                }
                Ok(is_moved && self.look(&path, size)? == Look::Whole)
            }
            Look::Other => Ok(false),
        }
    }

    /// What is at the path of an object of so many bytes; one that is whole is made as good as put.
    fn look(&self, path: &Path, size: u64) -> Result<Look, StoreError> {
        let at = || -> Result<Option<Stat>, StoreError> {
            Ok(layout::status(path)?.filter(|stat| layout::is_regular(stat) && stat.st_size as u64 == size))
        };
        let Some(stat) = at()? else {
            return Ok(if layout::status(path)?.is_some() { Look::Other } else { Look::Nothing });
        };
        if !touch(path)? && !is_young(&stat) {
            // What is another user's cannot be touched: it is replaced by a file of our own.
            return Ok(Look::Other);
        }
        // A collection of garbage that took it away before it was touched has not seen the new time.
        if at()?.is_none() {
            return Ok(Look::Nothing);
        }
        if self.durability == Durability::Full || self.is_synced_one_by_one()? {
            // Its writer may not have come to that yet, or not have cared.
            let Some(object) = open_object(path)? else { return Ok(Look::Nothing) };
            if object.file.sync_all().is_err() {
                // What of it is on the disk nobody knows.
                return Ok(Look::Other);
            }
            self.synchronize(path.parent().into_iter())?;
        } else if self.durability == Durability::Batch {
            self.batch.note_unsynchronized();
        }
        Ok(Look::Whole)
    }

    /// Takes a temporary file that holds the content of an ID.
    pub(super) fn take(&self, id: &C4Id, file: File, temporary: Temporary, size: u64) -> Result<(), StoreError> {
        match self.durability {
            Durability::Batch => {
                start_writing(&file);
                return self.batch.add(self, id, temporary, size);
            }
            Durability::Full => file.sync_all().context("make an object durable", temporary.path())?,
            Durability::None => {}
        }
        drop(file);
        self.place(id, &temporary, size)
    }

    /// Gives a temporary file, which holds the content of an ID, its name.
    pub(super) fn place(&self, id: &C4Id, temporary: &Temporary, size: u64) -> Result<(), StoreError> {
        let name = Name::of(id);
        // It may have waited for long: its time is that of now, so that a collection of garbage spares it.
        touch(temporary.path())?;
        for _ in 0..MAX_LOOKS {
            // The deepest directory was looked for before the content was written; whether there is a deeper one by now
            // is looked at once it has its name, and must be then.
            let place = self.known.remembered(&self.root, &name);
            let path = place.directory.join(name.as_str());
            match layout::rename_new(temporary.path(), &path) {
                Ok(()) => {
                    temporary.keep();
                    return self.settle(place, &name);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match self.look(&path, size)? {
                    Look::Whole => return Ok(()),
                    Look::Nothing => {}
                    // Of another size, or no file at all, or a file that is another user's: ours takes its place.
                    Look::Other => match fs::rename(temporary.path(), &path) {
                        Ok(()) => {
                            temporary.keep();
                            return self.settle(place, &name);
                        }
                        // Whoever may not replace a file cannot have it collected either.
                        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_whole(&path, size)? => {
                            return Ok(());
                        }
                        Err(error) => return Err(error).context("replace what is no whole object", &path),
                    },
                },
                // Somebody has removed the directory.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !place.directory.is_dir() => {
                    self.known.forget();
                    self.make_root()?;
                }
                Err(error) => return Err(error).context("give an object its name", &path),
            }
        }
        Err(StoreError::Unsettled(self.root.join(name.as_str())))
    }

    /// Makes the directories of an object durable that has its name.
    pub(super) fn synchronize_place(&self, id: &C4Id) -> Result<(), StoreError> {
        match self.find(id)? {
            Some((path, _)) => self.synchronize(path.parent().into_iter()),
            None => Ok(()),
        }
    }

    /// What follows when an object has its name: it goes down where its directory was split meanwhile, and its directory
    /// is split if it holds too many.
    fn settle(&self, place: Place, name: &Name) -> Result<(), StoreError> {
        let mut touched = vec![place.directory.clone()];
        let place = layout::settle(place, name, &mut touched, |from, to| fs::rename(from, to))?;
        self.synchronize(touched.iter().map(PathBuf::as_path))?;
        if self.is_full(&place.directory)? {
            let mut touched = Vec::new();
            let result = layout::split(&place, &mut touched);
            touched.push(place.directory);
            self.synchronize(touched.iter().map(PathBuf::as_path))?;
            match result {
                // The object is in its place. Who may not split leaves it to those who may; what is in the way stays.
                Err(StoreError::Io { source, .. })
                    if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::AlreadyExists) => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// Counts an object that was added to a directory; whether the directory has too many.
    ///
    /// A directory is not listed for each object: that would be quadratic. Others add as well, so it is listed again
    /// after a share of the threshold.
    fn is_full(&self, directory: &Path) -> Result<bool, StoreError> {
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(directory) {
            count.objects += 1;
            count.since += 1;
            if count.objects <= self.threshold && count.since <= self.threshold / 8 {
                return Ok(false);
            }
        }
        drop(counts);
        let objects = layout::objects_in(directory)?.len();
        let mut counts = lock(&self.counts);
        if objects > self.threshold {
            counts.remove(directory);
            return Ok(true);
        }
        if counts.len() >= MAX_COUNTED {
            counts.clear();
        }
        counts.insert(directory.to_owned(), Count { objects, since: 0 });
        Ok(false)
    }

    /// Whether what is put by batch is synchronized one by one: its file system knows no other way.
    fn is_synced_one_by_one(&self) -> Result<bool, StoreError> {
        Ok(self.durability == Durability::Batch && !self.session()?.is_synced_together())
    }

    /// Makes what directories name durable, and the directories themselves: the deepest first, so that nothing is gone
    /// from above before it is below.
    fn synchronize<'p>(&self, directories: impl Iterator<Item = &'p Path>) -> Result<(), StoreError> {
        if self.durability != Durability::Full && !self.is_synced_one_by_one()? {
            return Ok(());
        }
        let mut directories: Vec<&Path> = directories.collect();
        directories.sort_unstable_by_key(|directory| std::cmp::Reverse((directory.components().count(), *directory)));
        directories.dedup();
        for directory in directories {
            sync_directory(directory).context("make a directory of the store durable", directory)?;
            for (below, above) in directory.ancestors().zip(directory.ancestors().skip(1)) {
                if !above.starts_with(&self.root) || lock(&self.synchronized).contains(below) {
                    break;
                }
                sync_directory(above).context("make a directory of the store durable", above)?;
                let mut synchronized = lock(&self.synchronized);
                if synchronized.len() >= MAX_COUNTED {
                    synchronized.clear();
                }
                synchronized.insert(below.to_owned());
            }
        }
        Ok(())
    }
}

/// The writer's directory of a store, which stays until this is dropped.
pub(crate) struct WriterSession {
    _session: Arc<Session>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the file of an object; `None` when there is nothing at the path.
fn open_object(path: &Path) -> Result<Option<OpenObject>, StoreError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty())) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(Errno::LOOP) => return Err(StoreError::NotRegular(path.to_owned())),
        Err(error) => return Err(error).context("open an object", path),
    };
    let stat = rustix::fs::fstat(&file).context("open an object", path)?;
    if !layout::is_regular(&stat) {
        return Err(StoreError::NotRegular(path.to_owned()));
    }
    Ok(Some(OpenObject { file, size: stat.st_size as u64, path: path.to_owned() }))
}

/// Makes a file young; `false` when it is not there any more, or may not be touched.
fn touch(path: &Path) -> Result<bool, StoreError> {
    let now = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT as _ },
        last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW as _ },
    };
    match rustix::fs::utimensat(CWD, path, &now, AtFlags::SYMLINK_NOFOLLOW) {
        // Where nothing can be written nothing can be collected either.
        Ok(()) | Err(Errno::ROFS) => Ok(true),
        Err(Errno::NOENT | Errno::ACCESS | Errno::PERM) => Ok(false),
        Err(error) => Err(error).context("touch an object", path),
    }
}

/// Whether a file was written so lately that a collection of garbage would have to be told a short grace to take it.
fn is_young(stat: &Stat) -> bool {
    let age =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64) - stat.st_mtime;
    age < YOUNG.as_secs() as i64
}

/// Whether an error says that this user, or anybody, may not write there.
fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn is_whole(path: &Path, size: u64) -> Result<bool, StoreError> {
    Ok(layout::status(path)?.is_some_and(|stat| layout::is_regular(&stat) && stat.st_size as u64 == size))
}

/// Has the system begin to write a file, so that the flush finds it written. It is only advice.
#[cfg(target_os = "linux")]
fn start_writing(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn start_writing(_file: &File) {}

fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        // A file system that keeps no directories apart from files knows nothing to synchronize.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        result => result,
    }
}

//! What lies in a store directory: every file, and what it is.
//!
//! An object lies in the root or in the two-character directories along its ID (`c4/`, `c4/1o/`, …). It is *in place* in
//! the deepest of them that exists. One above is *shadowed*: readers that look from the top find it. One in any other
//! directory is *unreachable*: no reader does. What else is there is a stray, a temporary file, or in quarantine.
//!
//! Objects come in the order of their IDs, wherever they lie, so that a walk can be taken up again after any of them,
//! also when directories were split meanwhile; what is no object comes as the directories are listed, sorted by path.
//! Held in memory is the listing of one directory of each level. An object that others move down during the walk is not
//! missed: it may come twice, and then the second is a copy.
//!
//! No file is opened but the locks of writers. A two-character directory that is a symbolic link is followed, as other
//! tools do, where an ID can lead to it.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hashbrown::HashSet;

use super::session;
use crate::{C4Id, ID_TEXT_BYTES, base58};

/// What holds corrupt objects that were taken out; in the root.
pub(super) const QUARANTINE: &str = "quarantine";

/// What the name of an object begins with while garbage collection takes it out.
pub(super) const TAKEN_OUT: &str = ".gc.";

/// Deepest level of a directory that can hold an object: below it, no character of the ID is left.
const MAX_DEPTH: usize = ID_TEXT_BYTES / 2 - 1;

/// A directory that was written to so lately is listed twice: see [`list`].
const SETTLED: Duration = Duration::from_secs(2);

/// An object that readers find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its ID.
    pub id: C4Id,
    /// How many two-character directories it lies in.
    pub depth: u8,
    /// Whether a deeper directory of its ID exists: new objects go there.
    pub is_shadowed: bool,
    /// Whether the same object was found above, or was there before others moved it.
    pub is_copy: bool,
}

impl Object {
    /// Its path below the root of the store.
    pub fn path(&self) -> PathBuf {
        let text = self.id.to_text();
        let mut path = directory_path(&text[..2 * usize::from(self.depth)]);
        path.push(OsStr::from_bytes(&text));
        path
    }
}

/// Why no reader finds an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplacement {
    /// Readers find it, though a deeper directory exists: harmless.
    Shadowed,
    /// It lies in a directory that its ID does not lead to.
    Unreachable,
    /// Garbage collection had renamed it when it was killed; the next one puts it back.
    TakenOut,
}

impl Misplacement {
    /// A stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Shadowed => "shadowed",
            Self::Unreachable => "unreachable",
            Self::TakenOut => "taken-out",
        }
    }
}

/// Why a thing does not belong into a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrayKind {
    /// A file whose name is no ID.
    Name,
    /// A directory that no ID leads to.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A pipe, a socket or a device.
    Special,
    /// A link to a directory that was listed already.
    Loop,
}

impl StrayKind {
    /// A stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Special => "special",
            Self::Loop => "loop",
        }
    }

    pub(super) fn of(kind: FileType) -> Self {
        match kind {
            kind if kind.is_symlink() => Self::Symlink,
            kind if kind.is_dir() => Self::Directory,
            kind if kind.is_file() => Self::Name,
            _ => Self::Special,
        }
    }
}

/// Whose a temporary file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemporaryKind {
    /// The directory of a writer that lives.
    Live,
    /// The directory of a writer that died.
    Dead,
    /// A file of another tool, which does not say whether it lives.
    Foreign,
    /// Any other file whose name begins with a dot.
    Hidden,
}

impl TemporaryKind {
    /// A stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Dead => "dead",
            Self::Foreign => "foreign",
            Self::Hidden => "hidden",
        }
    }
}

/// One thing in a store; paths are relative to its root.
#[derive(Debug)]
pub enum Found {
    /// An object that readers find.
    Object(Object),
    /// An object that no reader finds.
    Lost(PathBuf, C4Id, Misplacement),
    /// What does not belong there.
    Stray(PathBuf, StrayKind),
    /// A temporary file, or the directory of a writer.
    Temporary(PathBuf, TemporaryKind),
    /// A file in quarantine.
    Quarantined(PathBuf),
    /// A directory that cannot be listed.
    Unreadable(PathBuf, io::Error),
}

impl Found {
    fn path(&self) -> PathBuf {
        match self {
            Self::Object(object) => object.path(),
            Self::Lost(path, ..)
            | Self::Stray(path, _)
            | Self::Temporary(path, _)
            | Self::Quarantined(path)
            | Self::Unreadable(path, _) => path.clone(),
        }
    }
}

/// A walk over a store.
///
/// ```
/// # let directory = tempfile::tempdir().unwrap();
/// use c4::store::{Census, Found};
/// let id = c4::C4Id::of(b"hello world");
/// std::fs::write(directory.path().join(id.to_string()), "hello world").unwrap();
/// let found: Vec<Found> = Census::new(directory.path()).unwrap().collect();
/// assert!(matches!(&found[..], [Found::Object(object)] if object.id == id && !object.is_shadowed));
/// ```
pub struct Census {
    root: PathBuf,
    /// Objects up to this one are left out.
    after: Option<C4Id>,
    /// Listings from the root down.
    levels: Vec<Level>,
    /// What is no object, of the directory that was listed last.
    others: VecDeque<Found>,
    /// Directories that were reached through links, by device and inode.
    seen: HashSet<(u64, u64)>,
    last: Option<C4Id>,
}

/// A directory whose objects and directories are being taken, in order.
struct Level {
    /// The names of the directories that lead to it, one after the other.
    prefix: Vec<u8>,
    objects: std::vec::IntoIter<C4Id>,
    /// Names of its two-character directories, sorted, and how many of them were taken.
    pairs: Vec<[u8; 2]>,
    taken: usize,
    inode: (u64, u64),
    is_below_link: bool,
}

impl Level {
    fn head(&self) -> Option<&C4Id> {
        self.objects.as_slice().first()
    }

    /// The path of the next directory, as the names that lead to it.
    fn next_prefix(&self) -> Option<Vec<u8>> {
        self.pairs.get(self.taken).map(|pair| [&self.prefix[..], pair].concat())
    }
}

impl Census {
    /// Begins with the first object. Fails when the root cannot be listed.
    pub fn new(root: &Path) -> io::Result<Self> {
        Self::after(root, None)
    }

    /// Begins after an ID, whether or not there is such an object.
    ///
    /// Directories that hold no later ones are not listed: what is no object in them is left out as well.
    pub fn after(root: &Path, after: Option<C4Id>) -> io::Result<Self> {
        let mut census = Self {
            root: root.to_owned(),
            after,
            levels: Vec::new(),
            others: VecDeque::new(),
            seen: HashSet::new(),
            last: None,
        };
        census.enter(Vec::new(), &fs::metadata(root)?, false)?;
        Ok(census)
    }

    /// Lists a directory.
    fn enter(&mut self, prefix: Vec<u8>, metadata: &Metadata, is_below_link: bool) -> io::Result<()> {
        let Listing { mut objects, mut pairs, others } = list(&self.root, &prefix)?;
        self.others.extend(others);
        if let Some(after) = &self.after {
            let after_text = after.to_text();
            objects.retain(|id| id > after);
            let is_done = |pair: &[u8; 2]| [&prefix[..], pair].concat()[..] < after_text[..prefix.len() + 2];
            pairs.retain(|pair| !is_done(pair));
        }
        let inode = (metadata.dev(), metadata.ino());
        self.levels.push(Level { prefix, objects: objects.into_iter(), pairs, taken: 0, inode, is_below_link });
        Ok(())
    }

    /// Lists the next directory of the deepest level.
    fn descend(&mut self, prefix: Vec<u8>) {
        let Some(level) = self.levels.last_mut() else { return };
        level.taken += 1;
        let is_below_link = level.is_below_link;
        let path = directory_path(&prefix);
        let enter = || {
            let full_path = self.root.join(&path);
            let is_below_link = is_below_link || fs::symlink_metadata(&full_path)?.is_symlink();
            let metadata = fs::metadata(&full_path)?;
            let inode = (metadata.dev(), metadata.ino());
            let is_loop = || self.levels.iter().any(|level| level.inode == inode);
            // Without links a directory is met once; with them, in the worst case, as often as there are paths to it.
            if is_below_link && (is_loop() || !self.seen.insert(inode)) {
                self.others.push_back(Found::Stray(path.clone(), StrayKind::Loop));
                return Ok(());
            }
            self.enter(prefix, &metadata, is_below_link)
        };
        match enter() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.others.push_back(Found::Unreadable(path, error)),
            Ok(()) => {}
        }
    }

    /// Takes the first object of a level.
    fn take(&mut self, depth: usize) -> Option<Object> {
        let level = self.levels.get_mut(depth)?;
        let id = level.objects.next()?;
        let is_next = |pair: &[u8; 2]| level.pairs.binary_search(pair).is_ok();
        let is_shadowed = !level.pairs.is_empty()
            && id.to_text().get(level.prefix.len()..).and_then(|rest| rest.first_chunk()).is_some_and(is_next);
        let is_copy = self.last.replace(id) == Some(id);
        Some(Object { id, depth: depth as u8, is_shadowed, is_copy })
    }
}

impl Iterator for Census {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.others.pop_front() {
                return Some(found);
            }
            let first = self.levels.iter().enumerate().filter_map(|(depth, level)| Some((*level.head()?, depth))).min();
            let deepest = self.levels.last()?;
            match (deepest.next_prefix(), first) {
                (Some(prefix), Some((id, _))) if prefix[..] <= id.to_text()[..prefix.len()] => self.descend(prefix),
                (Some(prefix), None) => self.descend(prefix),
                (None, _) if deepest.head().is_none() => {
                    self.levels.pop();
                }
                (_, Some((_, depth))) => return self.take(depth).map(Found::Object),
                (None, None) => return None,
            }
        }
    }
}

/// What a directory holds, sorted.
#[derive(Default)]
struct Listing {
    objects: Vec<C4Id>,
    pairs: Vec<[u8; 2]>,
    others: Vec<Found>,
}

/// Lists a directory.
///
/// One that is being written to is listed twice. What moved down before the first listing came to it, moved into
/// directories that were there before the second began; so nothing is in neither.
fn list(root: &Path, prefix: &[u8]) -> io::Result<Listing> {
    let path = directory_path(prefix);
    let full_path = root.join(&path);
    let mut listing = Listing::default();
    let before = fs::metadata(&full_path)?.modified()?;
    listing.add(root, &path, prefix)?;
    let after = fs::metadata(&full_path)?.modified()?;
    let is_settled = SystemTime::now().duration_since(after).is_ok_and(|age| age > SETTLED);
    if before != after || !is_settled {
        listing.add(root, &path, prefix)?;
    }
    listing.objects.sort_unstable();
    listing.objects.dedup();
    listing.pairs.sort_unstable();
    listing.pairs.dedup();
    listing.others.sort_by_cached_key(Found::path);
    listing.others.dedup_by(|a, b| a.path() == b.path());
    Ok(listing)
}

impl Listing {
    fn add(&mut self, root: &Path, path: &Path, prefix: &[u8]) -> io::Result<()> {
        for entry in fs::read_dir(root.join(path))? {
            let entry = entry?;
            let kind = match entry.file_type() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                kind => kind?,
            };
            let name = entry.file_name();
            self.add_entry(root, path.join(&name), prefix, name.as_bytes(), kind);
        }
        Ok(())
    }

    fn add_entry(&mut self, root: &Path, path: PathBuf, prefix: &[u8], name: &[u8], kind: FileType) {
        let is_root = prefix.is_empty();
        if let [b'.', ..] = name {
            return self.others.push(hidden(root, path, is_root, name, kind));
        }
        if let Ok(pair) = <[u8; 2]>::try_from(name)
            && prefix.len() < 2 * MAX_DEPTH
            && (kind.is_dir() || kind.is_symlink() && is_on_a_path(prefix, pair) && root.join(&path).is_dir())
        {
            return self.pairs.push(pair);
        }
        if is_root && name == QUARANTINE.as_bytes() && kind.is_dir() {
            return quarantined(root, &mut self.others);
        }
        match C4Id::parse(name) {
            Ok(id) if kind.is_file() && name.starts_with(prefix) => self.objects.push(id),
            Ok(id) if kind.is_file() => self.others.push(Found::Lost(path, id, Misplacement::Unreachable)),
            _ => self.others.push(Found::Stray(path, StrayKind::of(kind))),
        }
    }
}

/// Whether there are IDs that lead to a directory.
fn is_on_a_path(prefix: &[u8], pair: [u8; 2]) -> bool {
    let digits = [prefix, &pair].concat();
    digits.strip_prefix(b"c4").is_some_and(|digits| digits.iter().all(|digit| base58::ALPHABET.contains(digit)))
}

fn directory_path(prefix: &[u8]) -> PathBuf {
    prefix.chunks(2).map(OsStr::from_bytes).collect()
}

/// What a name with a dot is.
fn hidden(root: &Path, path: PathBuf, is_root: bool, name: &[u8], kind: FileType) -> Found {
    let taken_out = name.strip_prefix(TAKEN_OUT.as_bytes()).and_then(|text| C4Id::parse(text).ok());
    match taken_out {
        Some(id) if kind.is_file() => Found::Lost(path, id, Misplacement::TakenOut),
        _ if kind.is_dir() && is_root && session::is_session(name) => {
            let kind =
                if session::take_over(&root.join(&path)).is_some() { TemporaryKind::Dead } else { TemporaryKind::Live };
            Found::Temporary(path, kind)
        }
        _ if kind.is_file() && name.starts_with(session::PREFIX.as_bytes()) => {
            Found::Temporary(path, TemporaryKind::Foreign)
        }
        _ if kind.is_file() => Found::Temporary(path, TemporaryKind::Hidden),
        _ => Found::Stray(path, StrayKind::of(kind)),
    }
}

fn quarantined(root: &Path, found: &mut Vec<Found>) {
    let path = PathBuf::from(QUARANTINE);
    match fs::read_dir(root.join(&path)) {
        Ok(entries) => {
            found.extend(entries.flatten().map(|entry| Found::Quarantined(path.join(entry.file_name()))));
        }
        Err(error) => found.push(Found::Unreadable(path, error)),
    }
}

/// The path of an object below the root, whatever lies there; looked for from the top, since objects only move down. One
/// that garbage collection has taken out is found as well.
pub(super) fn locate(root: &Path, id: &C4Id) -> io::Result<Option<PathBuf>> {
    let text = id.to_string();
    let taken_out = format!("{TAKEN_OUT}{text}");
    let mut directory = PathBuf::new();
    for pair in text.as_bytes().chunks_exact(2) {
        // It may be put back between two looks.
        for name in [&text, &taken_out, &text] {
            let path = directory.join(name);
            match fs::symlink_metadata(root.join(&path)) {
                Ok(_) => return Ok(Some(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        directory.push(OsStr::from_bytes(pair));
        if !root.join(&directory).is_dir() {
            break;
        }
    }
    Ok(None)
}

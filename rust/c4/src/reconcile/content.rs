//! Where content comes from: stores, and other directories.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use rustix::fs::FileType;

use super::compare::Type;
use crate::C4Id;
use crate::ID_TEXT_BYTES;
use crate::c4m::{RowId, without_slash};
use crate::scan::{ScanError, ScanOptions, ScanProgress, open_below, survey};
use crate::store::{StoreError, TreeStore};

/// Content that was found; it is verified by whoever takes it.
pub enum Content {
    /// A file, whose blocks may be shared.
    File(File),
    /// The file of a directory store's object, which may get one more name.
    Object(File),
    /// A stream.
    Stream(Box<dyn io::Read + Send>),
}

/// Sizes of the content that is needed.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    /// Those that are known.
    pub known: HashSet<u64>,
    /// Whether there is content of which the size is not known.
    pub others: bool,
}

impl Sizes {
    /// Whether content of a size may be needed.
    pub fn may_have(&self, size: u64) -> bool {
        self.others || self.known.contains(&size)
    }
}

/// What has content by ID.
pub trait ContentSource: Sync {
    /// Finds out what it has, of the sizes that are needed, before it is asked; for one that does not know it by itself.
    fn prepare(&self, _sizes: &Sizes, _progress: &ScanProgress) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether it has content; asked once for every ID that is needed, in the order of IDs.
    fn has(&self, id: &C4Id) -> Result<bool, StoreError>;

    /// Opens content; `None` when it is not there any longer.
    fn open(&self, id: &C4Id) -> Result<Option<Content>, StoreError>;

    /// How many threads may open and read at once; at least 1.
    fn concurrency(&self) -> usize;
}

impl ContentSource for TreeStore {
    fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
        Ok(self.find(id)?.is_some())
    }

    fn open(&self, id: &C4Id) -> Result<Option<Content>, StoreError> {
        Ok(Self::open(self, id)?.map(|object| Content::Object(object.file)))
    }

    fn concurrency(&self) -> usize {
        usize::MAX
    }
}

/// A directory whose files are content. It is surveyed when it is needed, and only files of a size that is needed are
/// read.
pub struct DirectorySource {
    path: PathBuf,
    /// The directory that is to change, if it lies in this one: its files are no source.
    apart: Option<Vec<u8>>,
    workers: Option<usize>,
    found: RwLock<Option<Files>>,
}

/// The files of a directory, by ID.
struct Files {
    directory: OwnedFd,
    paths: HashMap<C4Id, Box<[u8]>>,
}

impl DirectorySource {
    /// The files of a directory, as content for another one, which may lie in this one but not the other way round.
    pub fn new(path: &Path, changing: &Path, workers: Option<usize>) -> io::Result<Self> {
        use std::os::unix::ffi::OsStrExt as _;
        let whole = fs::canonicalize(path)?;
        let mut apart = None;
        if let Ok(changing) = fs::canonicalize(changing) {
            if whole.starts_with(&changing) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the source lies in the directory"));
            }
            apart = changing.strip_prefix(&whole).ok().map(|inside| inside.as_os_str().as_bytes().to_vec());
        }
        if !whole.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { path: whole, apart, workers, found: RwLock::default() })
    }

    fn survey(&self, sizes: &Sizes, progress: &ScanProgress) -> Result<Result<Files, io::Error>, ScanError> {
        let options = ScanOptions { workers: self.workers, ..ScanOptions::default() };
        survey(&self.path, &options, progress, |survey| {
            let listing = survey.listing();
            let apart = self.apart.as_ref().and_then(|apart| listing.outline().find(listing, apart));
            let below = apart.map_or(0..0, |place| {
                let depth = listing.rows().depth(place as RowId);
                let end = (place + 1..listing.len()).find(|next| listing.rows().depth(*next as RowId) <= depth);
                place..end.unwrap_or(listing.len())
            });
            let rows: Vec<RowId> = listing
                .iter()
                .filter(|row| {
                    let entry = listing.get(*row);
                    let is_needed = u64::try_from(entry.size).is_ok_and(|size| sizes.may_have(size));
                    is_needed && Type::of(&entry) == Type::File && !below.contains(&(*row as usize))
                })
                .collect();
            survey.hash(&rows, &|_, _| ())?;
            let listing = survey.listing();
            let mut paths = HashMap::new();
            for row in rows {
                let id = listing.rows().id(row);
                if !id.is_nil() {
                    // Of several files with one content the first.
                    let path = || without_slash(&listing.outline().path(listing, row as usize)).into();
                    paths.entry(*id).or_insert_with(path);
                }
            }
            Ok(survey.directory().and_then(|directory| Ok(Files { directory: directory.try_clone_to_owned()?, paths })))
        })?
    }
}

impl ContentSource for DirectorySource {
    fn prepare(&self, sizes: &Sizes, progress: &ScanProgress) -> Result<(), StoreError> {
        let failed = |source| StoreError::Io { action: "list the source", path: self.path.clone(), source };
        let found = match self.survey(sizes, progress) {
            Ok(found) => found.map_err(failed)?,
            Err(ScanError::Root(error)) => return Err(failed(error)),
            // Whoever asked to stop sees to it.
            Err(ScanError::Cancelled) => return Ok(()),
            Err(error) => return Err(failed(io::Error::other(error.to_string()))),
        };
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(())
    }

    fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        Ok(found.as_ref().is_some_and(|found| found.paths.contains_key(id)))
    }

    fn open(&self, id: &C4Id) -> Result<Option<Content>, StoreError> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = found.as_ref() else { return Ok(None) };
        let Some(path) = found.paths.get(id) else { return Ok(None) };
        let open = || -> io::Result<Option<File>> {
            let file = open_below(&found.directory, path)?;
            let is_file = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) == FileType::RegularFile;
            Ok(is_file.then(|| file.into()))
        };
        match open() {
            Ok(file) => Ok(file.map(Content::File)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => {
                use std::os::unix::ffi::OsStrExt as _;
                let path = self.path.join(std::ffi::OsStr::from_bytes(path));
                Err(StoreError::Io { action: "open a file of the source", path, source })
            }
        }
    }

    fn concurrency(&self) -> usize {
        usize::MAX
    }
}

/// The ID list of a sequence, which stands under the sequence's ID in a source; `None` where none has it.
pub(super) fn read_id_list(
    sources: &[&dyn ContentSource],
    id: &C4Id,
    count: u64,
) -> Result<Option<Vec<C4Id>>, StoreError> {
    let length = count.saturating_mul(ID_TEXT_BYTES as u64);
    for source in sources {
        if !source.has(id)? {
            continue;
        }
        let stream: Box<dyn io::Read> = match source.open(id)? {
            None => continue,
            Some(Content::File(file) | Content::Object(file)) => Box::new(file),
            Some(Content::Stream(stream)) => stream,
        };
        let mut text = Vec::new();
        stream.take(length.saturating_add(1)).read_to_end(&mut text).map_err(|source| StoreError::Io {
            action: "read the ID list of a sequence",
            path: PathBuf::from(id.to_string()),
            source,
        })?;
        if text.len() as u64 == length && C4Id::of(&text) == *id {
            let ids = text.chunks(ID_TEXT_BYTES).map(C4Id::parse).collect::<Result<_, _>>();
            if let Ok(ids) = ids {
                return Ok(Some(ids));
            }
        }
    }
    Ok(None)
}

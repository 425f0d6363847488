//! Where an object lies: the two-character directories along its ID.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use rustix::fs::{CWD, FileType, RenameFlags, Stat};
use rustix::io::Errno;

use super::{Context, StoreError};
use crate::{C4Id, ID_TEXT_BYTES};

/// Directories whose existence is remembered; then all are forgotten, and found again.
const MAX_KNOWN: usize = 262_144;

/// The name of an object's file, which is its ID, and of the directories that it can lie in.
pub(super) struct Name([u8; ID_TEXT_BYTES]);

impl Name {
    pub(super) fn of(id: &C4Id) -> Self {
        Self(id.to_text())
    }

    pub(super) fn as_str(&self) -> &str {
        as_text(&self.0)
    }

    /// The two-character directory so many directories below the root.
    fn pair(&self, depth: usize) -> Option<&str> {
        self.0.get(2 * depth..2 * depth + 2).map(as_text)
    }
}

fn as_text(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).unwrap_or_default()
}

/// A directory of a store, and how many directories it is below the root.
pub(super) struct Place {
    pub(super) directory: PathBuf,
    depth: usize,
}

impl Place {
    /// The directories above, up to the root.
    pub(super) fn above(&self, root: &Path) -> Vec<Self> {
        let above = self.directory.ancestors().skip(1).take_while(|directory| directory.starts_with(root));
        above
            .zip((0..self.depth).rev())
            .map(|(directory, depth)| Self { directory: directory.to_owned(), depth })
            .collect()
    }

    /// Whether the directory is one that an object can lie in.
    fn is_along(&self, name: &Name) -> bool {
        let pairs: PathBuf = (0..self.depth).filter_map(|depth| name.pair(depth)).collect();
        self.directory.ends_with(pairs)
    }

    /// The two-character directory below that an object could lie in.
    fn below(&self, name: &Name) -> Option<Self> {
        let directory = self.directory.join(name.pair(self.depth)?);
        Some(Self { directory, depth: self.depth + 1 })
    }
}

/// Directories of a store that are known to exist: nobody removes one, but who removes the store.
#[derive(Default)]
pub(super) struct Known(RwLock<HashSet<Box<[u8]>>>);

impl Known {
    pub(super) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The deepest directory along an ID that is known. There may be deeper ones.
    pub(super) fn remembered(&self, root: &Path, name: &Name) -> Place {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_known = |depth: &usize| known.contains(&name.0[..2 * depth]);
        let depth = (1..=ID_TEXT_BYTES / 2).take_while(is_known).count();
        let pairs = (0..depth).filter_map(|depth| name.pair(depth));
        Place { directory: pairs.fold(root.to_owned(), |path, pair| path.join(pair)), depth }
    }

    /// The deepest existing directory along an ID: where an object is put.
    pub(super) fn deepest(&self, root: &Path, name: &Name) -> Result<Place, StoreError> {
        let mut place = self.remembered(root, name);
        while let Some(below) = place.below(name) {
            if !is_directory(&below.directory)? {
                break;
            }
            place = below;
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
            known.insert(name.0[..2 * place.depth].into());
        }
        Ok(place)
    }
}

/// The directories that an object can lie in, from the root down, as long as they exist.
///
/// Each must be looked into before the next is asked for, and only then is it asked whether there is a next: objects move
/// down only, so none slips by. A directory that was looked for earlier may be made, and get the object, in between.
pub(super) struct Places<'n> {
    name: &'n Name,
    /// The one that was given last; at first none.
    place: Option<Place>,
    root: &'n Path,
}

impl<'n> Places<'n> {
    pub(super) fn of(root: &'n Path, name: &'n Name) -> Self {
        Self { name, place: None, root }
    }

    /// The next directory; `None` after the deepest.
    pub(super) fn next(&mut self) -> Result<Option<PathBuf>, StoreError> {
        let next = match &self.place {
            None => Place { directory: self.root.to_owned(), depth: 0 },
            Some(above) => match above.below(self.name) {
                Some(below) if is_directory(&below.directory)? => below,
                _ => return Ok(None),
            },
        };
        let directory = next.directory.clone();
        self.place = Some(next);
        Ok(Some(directory))
    }
}

/// Whether a path is a directory, or leads to one, as other tools have it.
fn is_directory(path: &Path) -> Result<bool, StoreError> {
    match rustix::fs::stat(path) {
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(error) => Err(error).context("look into the store", path),
    }
}

/// What is found at a path, links not followed; `None` when there is nothing.
pub(super) fn status(path: &Path) -> Result<Option<Stat>, StoreError> {
    match rustix::fs::lstat(path) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error).context("look into the store", path),
    }
}

pub(super) fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// Files in a directory that are named by IDs.
pub(super) fn objects_in(directory: &Path) -> Result<Vec<C4Id>, StoreError> {
    let list = || -> io::Result<Vec<C4Id>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if let Ok(id) = C4Id::parse(name.as_encoded_bytes())
                && !entry.file_type()?.is_dir()
            {
                ids.push(id);
            }
        }
        Ok(ids)
    };
    loop {
        match list() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.context("list a directory of the store", directory),
        }
    }
}

/// Moves the objects of a directory into two-character directories below it, each to the deepest that there is for it.
/// `touched` gets the directories that were moved into.
///
/// Safe beside others that split the same directory or put into it: an object that another has moved is left to it, and
/// one that arrives meanwhile is seen by the next look, since its writer looks again after its rename and a directory
/// that it did not see was made before that look begins. An object of another size that lies deeper already stays, and so
/// does the one above: which of them is damaged is not known here.
pub(super) fn split(place: &Place, touched: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    loop {
        let ids = objects_in(&place.directory)?;
        let mut is_moved = false;
        for id in ids {
            let name = Name::of(&id);
            // What lies in a directory of other IDs was put there by hand: it stays.
            let Some(below) = place.below(&name).filter(|_| place.is_along(&name)) else { continue };
            match fs::create_dir(&below.directory) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_directory(&below.directory)? => {}
                result => result.context("make a directory of the store", &below.directory)?,
            }
            let from = Place { directory: place.directory.clone(), depth: place.depth };
            is_moved |= settle(from, &name, touched, move_new)?.depth > place.depth;
        }
        if !is_moved {
            return Ok(());
        }
    }
}

/// Moves an object from a directory to the deepest that there is for it, and again while that is split, as long as
/// `rename` does. Returns where it was seen last.
pub(super) fn settle(
    mut place: Place,
    name: &Name,
    touched: &mut Vec<PathBuf>,
    rename: fn(&Path, &Path) -> io::Result<()>,
) -> Result<Place, StoreError> {
    while let Some(below) = place.below(name)
        && is_directory(&below.directory)?
    {
        let from = place.directory.join(name.as_str());
        match rename(&from, &below.directory.join(name.as_str())) {
            Ok(()) => touched.push(below.directory.clone()),
            // Whoever else splits the directory has moved it, perhaps not far enough.
            Err(error) if error.kind() == io::ErrorKind::NotFound => touched.push(below.directory.clone()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(place),
            Err(error) => return Err(error).context("move an object", &from),
        }
        place = below;
    }
    Ok(place)
}

/// Renames a file; fails with `AlreadyExists` where there is one of the new name.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not known to the file system: a second name, and the first one goes.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match fs::hard_link(from, to) {
            // That neither. What has the name by then, if anything, holds the same content.
            Err(error)
                if error.kind() != io::ErrorKind::AlreadyExists && status(to).is_ok_and(|found| found.is_none()) =>
            {
                fs::rename(from, to)
            }
            Err(error) => Err(error),
            Ok(()) => fs::remove_file(from),
        },
        result => Ok(result?),
    }
}

/// Moves an object to where it may lie already: then one goes. Renaming alone would not do for that: it leaves both where
/// they are links to one file.
pub(super) fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let (upper, lower) = (fs::symlink_metadata(from)?, fs::symlink_metadata(to)?);
            if !(upper.is_file() && lower.is_file() && upper.len() == lower.len()) {
                return Err(error);
            }
            // Whether the lower one is whole, and on the disk, is found out before the upper one goes.
            let mut file = fs::File::open(to)?;
            let is_whole = to.file_name().is_some_and(|name| {
                let id = C4Id::parse(name.as_encoded_bytes());
                id.is_ok_and(|id| crate::identify::identify(&mut file).is_ok_and(|found| found == id))
            });
            if is_whole {
                file.sync_all()?;
                fs::remove_file(from)
            } else {
                fs::rename(from, to)
            }
        }
        result => result,
    }
}

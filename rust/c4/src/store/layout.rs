//! Where an object lies: the two-character directories along its ID.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::{Context, StoreError};
use crate::{C4Id, ID_TEXT_BYTES};

/// The directories that an object can lie in, from the root down, as long as they exist.
///
/// Each must be looked into before the next is asked for, and only then is it asked whether there is a next: objects move
/// down only, so none slips by. A directory that was looked for earlier may be made, and get the object, in between.
pub(super) struct Places {
    text: [u8; ID_TEXT_BYTES],
    /// The one that was given last.
    directory: PathBuf,
    /// Characters of the ID that the next is found by, the root by none.
    used: Option<usize>,
}

impl Places {
    pub(super) fn of(root: &Path, id: &C4Id) -> Self {
        Self { text: id.to_text(), directory: root.to_owned(), used: None }
    }

    /// The next directory; `None` after the deepest.
    pub(super) fn next(&mut self) -> Result<Option<&Path>, StoreError> {
        let Some(used) = self.used else {
            self.used = Some(0);
            return Ok(Some(&self.directory));
        };
        let Some(pair) = self.text.get(used..used + 2) else { return Ok(None) };
        let below = self.directory.join(as_name(pair));
        if !is_directory(&below)? {
            return Ok(None);
        }
        self.directory = below;
        self.used = Some(used + 2);
        Ok(Some(&self.directory))
    }
}

/// The name of an object's file.
pub(super) fn name(id: &C4Id) -> String {
    id.to_string()
}

fn as_name(pair: &[u8]) -> &str {
    std::str::from_utf8(pair).unwrap_or_default()
}

/// Whether a path is a directory, or leads to one: a store may keep a part of itself on another disk.
fn is_directory(path: &Path) -> Result<bool, StoreError> {
    match rustix::fs::stat(path) {
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(error) => Err(error).context("look into the store", path),
    }
}

/// The deepest existing directory along an ID: where an object is put.
pub(super) fn deepest(root: &Path, id: &C4Id) -> Result<PathBuf, StoreError> {
    let text = id.to_text();
    let mut directory = root.to_owned();
    for pair in text.chunks_exact(2) {
        let below = directory.join(as_name(pair));
        if !is_directory(&below)? {
            break;
        }
        directory = below;
    }
    Ok(directory)
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
    list().context("list a directory of the store", directory)
}

/// Moves the objects of a directory into two-character directories below it, each to the deepest that there is for it.
/// Returns the directories that were moved into.
///
/// Safe beside others that split the same directory or put into it: an object that another has moved is left to it, and
/// one that arrives meanwhile is seen by the next look, since its writer looks again after its rename and a directory
/// that it did not see was made before that look begins.
pub(super) fn split(root: &Path, directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let depth = directory.strip_prefix(root).map_or(0, |below| below.components().count());
    let mut touched = Vec::new();
    loop {
        let ids = objects_in(directory)?;
        if ids.is_empty() {
            touched.sort_unstable();
            touched.dedup();
            return Ok(touched);
        }
        for id in ids {
            let text = name(&id);
            let Some(pair) = text.get(2 * depth..2 * depth + 2) else { return Ok(touched) };
            let below = directory.join(pair);
            match fs::create_dir(&below) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error).context("make a directory of the store", &below);
                }
                _ => {}
            }
            settle(root, directory, &id, &mut touched)?;
        }
    }
}

/// Moves an object from a directory to the deepest that there is for it, and again while that is split.
/// Returns where it was seen last.
pub(super) fn settle(
    root: &Path,
    directory: &Path,
    id: &C4Id,
    touched: &mut Vec<PathBuf>,
) -> Result<PathBuf, StoreError> {
    let file = name(id);
    let mut directory = directory.to_owned();
    loop {
        let below = deepest(root, id)?;
        if below == directory {
            return Ok(directory);
        }
        match fs::rename(directory.join(&file), below.join(&file)) {
            Ok(()) => touched.push(below.clone()),
            // Whoever else splits the directory has moved it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(below),
            Err(error) => return Err(error).context("move an object", &directory.join(&file)),
        }
        directory = below;
    }
}

//! The directory where corrupt objects go.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::census::QUARANTINE;
use super::layout::rename_new;
use crate::C4Id;

/// Moves a corrupt object to the quarantine, under its ID and, where that is taken, a number; both directories are made
/// durable. Returns its new path; `None`, and leaves everything in place, when the object is not the file that was read.
pub(super) fn take_out(root: &Path, path: &Path, id: &C4Id, read: &Metadata) -> io::Result<Option<PathBuf>> {
    let quarantine = root.join(QUARANTINE);
    match fs::create_dir(&quarantine) {
        Ok(()) => File::open(root)?.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !fs::symlink_metadata(&quarantine)?.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        Err(error) => return Err(error),
    }
    let object = root.join(path);
    let mut name = id.to_string();
    let mut number = 0_u64;
    let moved = loop {
        let moved = quarantine.join(&name);
        match rename_new(&object, &moved) {
            Ok(()) => break moved,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                number += 1;
                name = format!("{id}.{number}");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
    };
    let found = fs::symlink_metadata(&moved)?;
    if (found.dev(), found.ino()) != (read.dev(), read.ino()) {
        // A put has healed the object in between. Where yet another has put it again, this one is one too many.
        match rename_new(&moved, &object) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => result?,
        }
        return Ok(None);
    }
    if let Some(directory) = object.parent() {
        File::open(directory)?.sync_all()?;
    }
    File::open(&quarantine)?.sync_all()?;
    Ok(Some(Path::new(QUARANTINE).join(name)))
}

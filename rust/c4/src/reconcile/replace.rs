//! What is in the way of something new, and what is removed: both must be what was found.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::PoisonError;

use rustix::fs::{self, AtFlags, FileType};

use super::operation::{Aside, Work, Worker};
use super::place::{is_staged, remove};
use super::staging::rename_new;
use super::version::There;
use super::{ApplyError, Kind, Operation};

impl Work<'_> {
    /// Gives what waits under a name its place: where nothing is, or in place of what the operation replaces.
    pub(super) fn put(&self, worker: &mut Worker, number: usize, path: &[u8], from: &str) -> Result<(), ApplyError> {
        let operation = &self.plan.operations[number];
        self.clear_the_way(operation);
        let (directory, name) = self.tree.enter(&mut worker.kept, path, number)?;
        let staging = self.staging.directory();
        let renamed = match self.occupant(operation, directory, name, path)? {
            Some(FileType::Directory) => remove(directory, name, AtFlags::REMOVEDIR)
                .and_then(|()| rename_new(staging, from.as_bytes(), directory, name)),
            Some(_) => fs::renameat(staging, from, directory, OsStr::from_bytes(name)).map_err(Into::into),
            None => rename_new(staging, from.as_bytes(), directory, name),
        };
        renamed.map_err(ApplyError::at("put it in its place", path))
    }

    /// The type of what an operation replaces, if that is still there.
    pub(super) fn occupant(
        &self,
        operation: &Operation,
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
    ) -> Result<Option<FileType>, ApplyError> {
        let Some(found) = operation.found.filter(|found| self.plan.found_path(*found) == path) else { return Ok(None) };
        match self.aside.get(&found) {
            None => {}
            Some(Aside::Here(_)) => return Ok(None),
            // Its content is needed, and it is the only one to have it.
            Some(Aside::Failed(_)) => {
                return Err(ApplyError::NotSetAside { path: path.to_vec(), from: path.to_vec() });
            }
        }
        match self.plan.look(found, directory, name).map_err(ApplyError::at("look at what is there", path))? {
            There::Nothing => Ok(None),
            There::AsFound(file_type) => Ok(Some(file_type)),
            There::Changed => Err(ApplyError::Changed(path.to_vec())),
        }
    }

    /// Removes what is in the way of a place and below it. What cannot be removed stays in the way, and is an error of its
    /// own.
    pub(super) fn clear_the_way(&self, operation: &Operation) {
        let removals = operation
            .found
            .and_then(|found| self.in_the_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&found));
        let mut worker = Worker::default();
        for number in removals.into_iter().flatten() {
            self.record.note(number, self.remove(&mut worker, number));
        }
    }

    /// Removes what was found, or a directory that is empty by now.
    pub(super) fn remove(&self, worker: &mut Worker, number: usize) -> Result<(), ApplyError> {
        let operation = &self.plan.operations[number];
        let path = self.plan.path_of(number).unwrap_or_default();
        // What waited there goes with the directory.
        if is_staged(&path) {
            return Ok(());
        }
        let Some(found) = operation.found else { return Err(ApplyError::Name(path)) };
        let (directory, name) = match self.tree.enter(&mut worker.kept, &path, number) {
            Err(ApplyError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entered => entered?,
        };
        let there = self.plan.look(found, directory, name);
        match there.map_err(ApplyError::at("look at what is to be removed", &path))? {
            There::Nothing => return Ok(()),
            There::AsFound(_) if !matches!(self.aside.get(&found), Some(Aside::Failed(_))) => {}
            _ => return Err(ApplyError::Changed(path)),
        }
        if operation.kind == Kind::Rmdir {
            remove(directory, name, AtFlags::REMOVEDIR).map_err(ApplyError::at("remove the directory", &path))?;
            self.tree.forget(&path);
        } else {
            remove(directory, name, AtFlags::empty()).map_err(ApplyError::at("remove it", &path))?;
        }
        Ok(())
    }
}

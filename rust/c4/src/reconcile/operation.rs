//! What each kind of operation does.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Mutex, PoisonError};

use c4_engine::is_descriptor_exhaustion;
use rustix::fs::{self, AtFlags, FileType};
use rustix::io::Errno;

use super::apply::Record;
use super::attributes::{Attributes, Pinned, masked, mode_of, time_of};
use super::place::{Kept, Tree, is_staged, remove, type_at};
use super::staging::{Staging, Temporary, patiently, rename_new, status};
use super::supply::telling_size;
use super::version::There;
use super::write::{Wanted, Writer, Written};
use super::{ApplyError, Content, ContentSource, Kind, LinkMode, Operation, Options, Origin, Plan, STAGING};
use crate::C4Id;
use crate::c4m::{Row, RowId};
use crate::scan::{Gate, PATIENCE, PAUSE, ScanProgress, below};
use crate::store::StoreError;

/// What all threads share.
pub(super) struct Work<'w> {
    pub(super) plan: &'w Plan,
    /// Each with the count of threads that may use it at once.
    pub(super) sources: Vec<(&'w dyn ContentSource, Gate)>,
    pub(super) options: &'w Options,
    pub(super) progress: &'w ScanProgress,
    pub(super) tree: &'w Tree,
    pub(super) staging: &'w Staging,
    /// What is still to be removed where something else comes, by what was found in the place.
    pub(super) in_the_way: Mutex<HashMap<RowId, Vec<usize>>>,
    pub(super) aside: HashMap<RowId, Aside>,
    pub(super) record: &'w Record<'w>,
}

/// What became of a file that was to be set aside.
pub(super) enum Aside {
    /// Its name in the directory of temporaries.
    Here(String),
    /// It stays where it is; the first operation that needs it says why.
    Failed(Mutex<Option<ApplyError>>),
}

/// What a thread keeps from one operation to the next.
#[derive(Default)]
pub(super) struct Worker {
    pub(super) kept: Kept,
    buffer: Vec<u8>,
}

impl Work<'_> {
    fn operation(&self, number: usize) -> (&Operation, Vec<u8>) {
        let path = self.plan.path_of(number).unwrap_or_default();
        self.progress.note(|| path.clone());
        (&self.plan.operations[number], path)
    }

    fn target(&self, operation: &Operation, path: &[u8]) -> Result<Row<'_>, ApplyError> {
        let row = operation.target.ok_or_else(|| ApplyError::Name(path.to_vec()))?;
        Ok(self.plan.target.get(row))
    }

    /// Makes a directory, in which its owner can do everything as long as the work lasts.
    pub(super) fn make_directory(&self, worker: &mut Worker, number: usize) -> Result<(), ApplyError> {
        let (operation, path) = self.operation(number);
        self.clear_the_way(operation);
        let (directory, name) = self.tree.enter(&mut worker.kept, &path, number)?;
        match self.occupant(operation, directory, name, &path)? {
            None | Some(FileType::Directory) => {}
            Some(_) => {
                let removed = remove(directory, name, AtFlags::empty());
                removed.map_err(ApplyError::at("remove what is in the way", &path))?;
            }
        }
        let mode = if self.target(operation, &path)?.mode.is_null() { 0o777 } else { 0o700 };
        fs::mkdirat(directory, OsStr::from_bytes(name), fs::Mode::from_raw_mode(mode))
            .map_err(ApplyError::at("make the directory", &path))?;
        self.tree.note_made(&path, number);
        Ok(())
    }

    /// Makes a file or a symbolic link.
    pub(super) fn make(&self, worker: &mut Worker, number: usize) -> Result<(), ApplyError> {
        let (operation, path) = self.operation(number);
        let row = self.target(operation, &path)?;
        let attributes = Attributes::of(row.mode, row.time, self.options.special_bits);
        let temporary = if operation.kind == Kind::Symlink {
            self.make_link(row.target(), attributes, &path)?
        } else {
            let attributes = self.kept_mode(worker, operation, attributes, &path)?;
            self.make_file(worker, operation, &row, attributes, &path)?.temporary
        };
        self.put(worker, number, &path, temporary.name())?;
        temporary.keep();
        ScanProgress::add(&self.progress.files_done, 1);
        Ok(())
    }

    fn make_link(&self, target: &[u8], attributes: Attributes, path: &[u8]) -> Result<Temporary<'_>, ApplyError> {
        let temporary = self.staging.link(target).map_err(ApplyError::at("make the link", path))?;
        let set = attributes.set_link(self.staging.directory(), temporary.name().as_bytes());
        set.map_err(ApplyError::at("set the time", path))?;
        Ok(temporary)
    }

    /// An updated file of which no mode is known keeps the one that it has.
    fn kept_mode(
        &self,
        worker: &mut Worker,
        operation: &Operation,
        attributes: Attributes,
        path: &[u8],
    ) -> Result<Attributes, ApplyError> {
        if operation.kind != Kind::Update || attributes.mode.is_some() {
            return Ok(attributes);
        }
        let (directory, name) = self.tree.reach(&mut worker.kept, path)?;
        let stat = status(directory, name).map_err(ApplyError::at("look at the file", path))?;
        let mode = stat.map(|stat| masked(mode_of(&stat).bits(), self.options.special_bits));
        Ok(Attributes { mode, ..attributes })
    }

    /// Writes the content of a file, verified and with its attributes.
    fn make_file(
        &self,
        worker: &mut Worker,
        operation: &Operation,
        row: &Row<'_>,
        attributes: Attributes,
        path: &[u8],
    ) -> Result<Written<'_>, ApplyError> {
        let wanted = Wanted {
            path,
            id: Some(*row.id).filter(|id| !id.is_nil()),
            size: operation.target.and_then(|row| telling_size(&self.plan.target, row)).map(|size| size as u64),
            is_mode_known: attributes.mode.is_some(),
        };
        let written = match operation.origin {
            Origin::Empty => self.writer().empty(&wanted)?,
            Origin::Tree(from) => {
                let content = Content::File(self.open_found(from, path)?);
                self.writer().write(content, &wanted, &mut worker.buffer)?
            }
            Origin::Source(source) => {
                let (source, gate) = self.sources.get(source as usize).ok_or_else(|| gone(path, *row.id))?;
                gate.pass(|| {
                    let content = open_content(*source, row.id, path)?;
                    self.writer().write(content, &wanted, &mut worker.buffer)
                })?
            }
            Origin::None => return Err(gone(path, *row.id)),
        };
        give(written, attributes, path)
    }

    fn writer(&self) -> Writer<'_> {
        Writer { staging: self.staging, progress: self.progress, link: self.options.link }
    }

    /// Opens a file of the tree whose content is needed, where it is by now.
    fn open_found(&self, row: RowId, path: &[u8]) -> Result<File, ApplyError> {
        let from = self.plan.found_path(row);
        let opened = match self.name_aside(row, path)? {
            Some(name) => patiently(|| below::open_child_file(self.staging.directory(), name.as_bytes(), false)),
            None => patiently(|| below::open_file(self.tree.root(), &from, false)),
        };
        let file = opened.map_err(ApplyError::at("open the file that has its content", &from))?;
        let stat = fs::fstat(&file).map_err(ApplyError::at("look at the file that has its content", &from))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            Ok(file.into())
        } else {
            Err(ApplyError::Changed(from))
        }
    }

    /// The name that a file has where it was set aside; `None` for one that stays where it is.
    fn name_aside(&self, row: RowId, path: &[u8]) -> Result<Option<&str>, ApplyError> {
        match self.aside.get(&row) {
            None => Ok(None),
            Some(Aside::Here(name)) => Ok(Some(name)),
            Some(Aside::Failed(error)) => {
                let error = error.lock().unwrap_or_else(PoisonError::into_inner).take();
                let from = self.plan.found_path(row);
                Err(error.unwrap_or_else(|| ApplyError::NotSetAside { path: path.to_vec(), from }))
            }
        }
    }

    /// Moves a file to the directory of temporaries, if it is what was found; its name there.
    pub(super) fn take_aside(&self, worker: &mut Worker, row: RowId, number: usize) -> Result<String, ApplyError> {
        let path = self.plan.found_path(row);
        let look = ApplyError::at("look at the file", &path);
        let staging = self.staging.directory();
        if is_staged(&path) {
            let name = path.get(STAGING.len() + 1..).and_then(|name| std::str::from_utf8(name).ok());
            let name = name.ok_or_else(|| ApplyError::Name(path.clone()))?;
            return match self.plan.look(row, staging, name.as_bytes()).map_err(look)? {
                There::AsFound(_) => Ok(name.to_owned()),
                _ => Err(ApplyError::Changed(path)),
            };
        }
        let (directory, name) = self.tree.enter(&mut worker.kept, &path, number)?;
        if !matches!(self.plan.look(row, directory, name).map_err(look)?, There::AsFound(_)) {
            return Err(ApplyError::Changed(path));
        }
        let new = self.staging.take(directory, name).map_err(ApplyError::at("set the file aside", &path))?;
        // Between the look and the renaming another file may have come there.
        if matches!(self.plan.look(row, staging, new.as_bytes()), Ok(There::AsFound(_))) {
            return Ok(new);
        }
        rename_new(staging, new.as_bytes(), directory, name).map_err(ApplyError::at("move the file back", &path))?;
        Err(ApplyError::Changed(path))
    }

    /// Gives a file that was set aside its new place.
    pub(super) fn move_file(&self, worker: &mut Worker, number: usize) -> Result<(), ApplyError> {
        let (operation, path) = self.operation(number);
        let row = self.target(operation, &path)?;
        let Origin::Tree(from) = operation.origin else { return Err(gone(&path, *row.id)) };
        let Some(name) = self.name_aside(from, &path)? else { return Err(gone(&path, *row.id)) };
        let attributes = Attributes::of(row.mode, row.time, self.options.special_bits);
        let staging = self.staging.directory();
        let copy = self.set_alone(&mut worker.buffer, staging, name.as_bytes(), attributes, &row, &path)?;
        if let Some(copy) = &copy {
            // What it was copied from may go for good: a crash must not take both.
            copy.file.sync_data().map_err(ApplyError::at("synchronize", &path))?;
        }
        self.put(worker, number, &path, copy.as_ref().map_or(name, |copy| copy.temporary.name()))?;
        if let Some(copy) = copy {
            copy.temporary.keep();
            drop(Temporary::named(self.staging, name.to_owned()));
        }
        ScanProgress::add(&self.progress.files_done, 1);
        Ok(())
    }

    /// Sets the permissions, the time, or both, of a file or link that stays.
    pub(super) fn change(&self, worker: &mut Worker, numbers: &[usize]) -> Result<(), ApplyError> {
        let number = numbers[0];
        let (operation, path) = self.operation(number);
        let row = self.target(operation, &path)?;
        let mut attributes = Attributes::of(row.mode, row.time, self.options.special_bits);
        let is_asked = |kind| numbers.iter().any(|number| self.plan.operations[*number].kind == kind);
        attributes.mode = attributes.mode.filter(|_| is_asked(Kind::Chmod));
        attributes.time = attributes.time.filter(|_| is_asked(Kind::Times));
        let Worker { kept, buffer } = worker;
        let (directory, name) = self.tree.reach(kept, &path)?;
        let found_type = type_at(directory, name).map_err(ApplyError::at("look at the file", &path))?;
        let was_link = operation.found.is_some_and(|found| self.plan.found.get(found).is_symlink());
        let copy = match found_type {
            Some(FileType::RegularFile) if !was_link => {
                self.set_alone(buffer, directory, name, attributes, &row, &path)?.map(|copy| copy.temporary)
            }
            Some(FileType::Symlink) if was_link => self.set_link_alone(directory, name, attributes, &path)?,
            _ => return Err(ApplyError::Changed(path)),
        };
        if let Some(copy) = copy {
            let (directory, name) = self.tree.enter(kept, &path, number)?;
            let renamed = fs::renameat(self.staging.directory(), copy.name(), directory, OsStr::from_bytes(name));
            renamed.map_err(ApplyError::at("replace the file", &path))?;
            copy.keep();
        }
        Ok(())
    }

    /// Gives a file its attributes. One that has other names as well, or that is another user's, is copied instead, and the
    /// copy, which is to take its place, has them: the other name may be a store's object.
    fn set_alone(
        &self,
        buffer: &mut Vec<u8>,
        directory: BorrowedFd<'_>,
        name: &[u8],
        attributes: Attributes,
        row: &Row<'_>,
        path: &[u8],
    ) -> Result<Option<Written<'_>>, ApplyError> {
        let look = |error| ApplyError::at("look at the file", path)(error);
        let Some(stat) = status(directory, name).map_err(look)? else {
            return Err(ApplyError::Changed(path.to_vec()));
        };
        if attributes.are_those_of(&stat) {
            return Ok(None);
        }
        // What hard links are asked for makes is read-only, and has the store's mode and time.
        let is_object =
            self.options.link == LinkMode::Hardlink && stat.st_nlink > 1 && mode_of(&stat).bits() & 0o222 == 0;
        if is_object {
            return Ok(None);
        }
        let pinned = Pinned::open(directory, name).map_err(ApplyError::at("open the file", path))?;
        let stat = pinned.stat().map_err(look)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(ApplyError::Changed(path.to_vec()));
        }
        if stat.st_nlink <= 1 {
            match pinned.set(attributes) {
                // Another user's, in a directory that is shared: it can be replaced, and not changed.
                Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {}
                set => return set.map(|()| None).map_err(ApplyError::at("set the mode and the time", path)),
            }
        }
        let id = Some(*row.id).filter(|id| !id.is_nil());
        let wanted = Wanted { path, id, size: None, is_mode_known: true };
        let writer = Writer { link: LinkMode::Auto, ..self.writer() };
        let written = writer.write(Content::File(pinned.into_file()), &wanted, buffer)?;
        let attributes = Attributes {
            mode: attributes.mode.or(Some(masked(mode_of(&stat).bits(), self.options.special_bits))),
            time: attributes.time.or(Some(time_of(&stat))),
        };
        Ok(Some(give(written, attributes, path)?))
    }

    /// The same of a symbolic link.
    fn set_link_alone(
        &self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        attributes: Attributes,
        path: &[u8],
    ) -> Result<Option<Temporary<'_>>, ApplyError> {
        let look = |error| ApplyError::at("look at the link", path)(error);
        if status(directory, name).map_err(look)?.is_some_and(|stat| stat.st_nlink > 1) {
            let target = fs::readlinkat(directory, OsStr::from_bytes(name), Vec::new());
            let target = target.map_err(|error| look(error.into()))?;
            return Ok(Some(self.make_link(target.as_bytes(), attributes, path)?));
        }
        let set = attributes.set_link(directory, name);
        set.map_err(ApplyError::at("set the time", path))?;
        Ok(None)
    }
}

/// Gives a file its attributes; those of a store's object are the store's.
fn give<'s>(written: Written<'s>, attributes: Attributes, path: &[u8]) -> Result<Written<'s>, ApplyError> {
    if !written.is_object {
        attributes.set(&written.file).map_err(ApplyError::at("set the mode and the time", path))?;
    }
    Ok(written)
}

/// Opens content; where no descriptor is left, after others were closed.
fn open_content(source: &dyn ContentSource, id: &C4Id, path: &[u8]) -> Result<Content, ApplyError> {
    let mut patience = PATIENCE;
    loop {
        match source.open(id) {
            Err(StoreError::Io { source, .. }) if patience > 0 && is_descriptor_exhaustion(&source) => {
                patience -= 1;
                std::thread::sleep(PAUSE);
            }
            Err(source) => return Err(ApplyError::Source { path: path.to_vec(), source }),
            Ok(None) => return Err(gone(path, *id)),
            Ok(Some(content)) => return Ok(content),
        }
    }
}

fn gone(path: &[u8], id: C4Id) -> ApplyError {
    ApplyError::Gone { path: path.to_vec(), id }
}

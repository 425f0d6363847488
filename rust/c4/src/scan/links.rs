//! What symbolic links point at.
//!
//! A link has the ID of its target: a file's content, a directory's listing, also outside the tree; nothing for a target
//! that is not there, is a link itself, or is neither file nor directory. Targets are found as the reference finds them:
//! the text of the target is joined to the directory's path and cleaned of `..` before anything is looked up.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, FileType};
use rustix::io::Errno;

use super::hash::Fault;
use super::layout::{Alias, Forest, Job, Source};
use super::walk::{Inode, inode_of};
use super::{IssueKind, LinkIds, Root, ScanError, ScanIssue, ScanProgress, Scanner, below};
use crate::c4m::{Entry, Field, Manifest, RowId};

/// Longest name that a file can have; a longer one is that of nothing.
const MAX_NAME_BYTES: usize = 255;

impl Forest {
    /// Finds the targets of all links; files and directories outside the tree are added to the forest.
    pub(super) fn resolve_links(&mut self, scanner: &Scanner<'_>) {
        let guide = scanner.options.link_guide.as_deref();
        let inside = match scanner.options.link_ids {
            LinkIds::Follow => None,
            LinkIds::None if guide.is_none() => return,
            LinkIds::Inside | LinkIds::None => std::fs::canonicalize(&self.trees[0].path).ok(),
        };
        if !self.links.is_empty() {
            self.index_all = true;
            self.row_of_inode.extend(self.jobs.iter().map(|job| (job.inode, job.row)));
        }
        // Trees that are added hold links of their own.
        while let Some(link) = self.links.pop() {
            if scanner.progress.is_cancelled() {
                return;
            }
            let path = self.target_path(link.row, link.directory);
            if let Some(root) = &inside {
                let place = std::fs::canonicalize(&path);
                let is_inside = place.as_ref().map_or(path.starts_with(&self.trees[0].path), |at| at.starts_with(root));
                if !is_inside {
                    self.take_from_guide(guide, link.row, link.directory);
                }
                if !is_inside || place.is_err() || scanner.options.link_ids == LinkIds::None {
                    continue;
                }
            }
            match self.source(scanner, &path) {
                Ok(Some(source)) => self.aliases.push(Alias { row: link.row, directory: link.directory, source }),
                Ok(None) => {}
                Err(error) => {
                    self.report(link.row, link.directory, IssueKind::Io("cannot read what the link points at", error));
                }
            }
        }
    }

    /// Gives a link the ID that it has in a manifest of the tree, if it points at the same there.
    fn take_from_guide(&mut self, guide: Option<&Manifest>, row: RowId, directory: u32) {
        let Some(guide) = guide.filter(|_| self.directories[directory as usize].tree == 0) else { return };
        let listed = guide.outline().find(guide, &self.path(row, directory)).and_then(|place| guide.row_at(place));
        if let Some(listed) = listed.map(|row| guide.get(row))
            && listed.is_symlink()
            && listed.target() == self.rows.get(row).target()
        {
            self.rows.set(row, Field::Id(*listed.id));
        }
    }

    /// Absolute path of a link's target, cleaned as text.
    fn target_path(&self, row: RowId, directory: u32) -> PathBuf {
        let entry = self.rows.get(row);
        let target = entry.link.map_or(&[][..], |link| &link.target);
        let directory = &self.directories[directory as usize];
        let mut path = self.trees[directory.tree as usize].path.clone();
        if let Some(row) = directory.row {
            path.push(Path::new(std::ffi::OsStr::from_bytes(&self.path(row, directory.parent))));
        }
        below::clean(&path.join(std::ffi::OsStr::from_bytes(target)))
    }

    fn source(&mut self, scanner: &Scanner<'_>, path: &Path) -> io::Result<Option<Source>> {
        let stat = match fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(Errno::NAMETOOLONG) if path.components().any(|part| part.as_os_str().len() > MAX_NAME_BYTES) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let inode = inode_of(&stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                if let Some(row) = self.row_of_inode.get(&inode) {
                    return Ok(Some(Source::Row(*row)));
                }
                let row = self.add_outside_file(path, stat.st_size, inode)?;
                self.take_known(scanner, row, scanner.known.and_then(|known| known.find(&stat, None)));
                self.count_jobs(scanner, self.jobs.len() - 1);
                self.row_of_inode.insert(inode, row);
                Ok(Some(Source::Row(row)))
            }
            FileType::Directory => {
                if let Some(directory) = self.directory_of_inode.get(&inode) {
                    return Ok(Some(Source::Directory(*directory)));
                }
                match Root::open(path).map_err(ScanError::from).and_then(|root| self.add_tree(scanner, root)) {
                    Ok(directory) => Ok(Some(Source::Directory(directory))),
                    Err(ScanError::Root(error)) => Err(error),
                    Err(_) => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// What is to be done for a row whose ID was to come from a file that turned out to be another, or unreadable.
    pub(super) fn find_again(&mut self, scanner: &Scanner<'_>, alias: &Alias, fault: Fault) {
        if !self.rows.get(alias.row).is_symlink() {
            let size = u64::try_from(self.rows.get(alias.row).size).unwrap_or(0);
            // Its own name may still lead to the file that was listed.
            let inode = Inode { device: 0, number: 0 };
            self.jobs.push(Job { row: alias.row, directory: alias.directory, size, inode });
            ScanProgress::add(&scanner.progress.files_total, 1);
            ScanProgress::add(&scanner.progress.bytes_total, size);
            return;
        }
        let path = self.target_path(alias.row, alias.directory);
        let source = match fault {
            Fault::Unreadable(error) => Err(error.into()),
            Fault::Replaced => self.add_outside_file(&path, 0, Inode { device: 0, number: 0 }),
        };
        match source {
            Ok(row) => {
                self.count_jobs(scanner, self.jobs.len() - 1);
                self.aliases.push(Alias { row: alias.row, directory: alias.directory, source: Source::Row(row) });
            }
            Err(error) => {
                self.report(alias.row, alias.directory, IssueKind::Io("cannot read what the link points at", error));
            }
        }
    }

    /// A file that only a link leads to: a tree of one file, whose directory is not read.
    fn add_outside_file(&mut self, path: &Path, size: i64, inode: Inode) -> io::Result<RowId> {
        let parent = path.parent().ok_or(Errno::ISDIR)?;
        let name = path.file_name().ok_or(Errno::ISDIR)?;
        let tree = self.trees.len() as u32;
        self.trees.push(Root { path: parent.to_owned(), directory: None });
        let directory = self.directories.len() as u32;
        let first = self.rows.len() as RowId;
        let row = self.rows.push(&Entry::new(name.as_bytes()).as_row());
        self.directories.push(super::layout::Directory {
            row: None,
            rows: (first, row + 1),
            parent: directory,
            tree,
            complete: false,
            same_as: None,
        });
        let size = u64::try_from(size).unwrap_or(0);
        self.jobs.push(Job { row, directory, size, inode });
        Ok(row)
    }

    /// Notes that a link has no ID because its target's ID would depend on it.
    pub(super) fn report_cycle(&mut self, alias: &Alias) {
        let path = self.path(alias.row, alias.directory);
        if self.directories[alias.directory as usize].tree == 0 {
            self.issues.push(ScanIssue { path, kind: IssueKind::LinkCycle });
        }
    }
}

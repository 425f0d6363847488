//! States of a directory, made on disk and described.

#![allow(dead_code, unreachable_pub, reason = "every test crate uses a part of this module")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use c4::C4Id;
use c4::c4m::Manifest;
use c4::scan::{LinkIds, ScanOptions, Sink, scan_into};
use c4::store::TreeStore;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

/// What lies at a path.
#[derive(Clone, Debug)]
pub enum Item {
    File { content: String, mode: u32, time: i64 },
    Link { target: String },
    Directory { mode: u32, time: i64 },
}

/// A file of ordinary mode and some time.
pub fn plain(content: &str) -> Item {
    Item::File { content: content.to_owned(), mode: 0o644, time: 1_500_000_000 }
}

pub fn link(target: &str) -> Item {
    Item::Link { target: target.to_owned() }
}

impl Item {
    pub fn mode(self, mode: u32) -> Self {
        match self {
            Self::File { content, time, .. } => Self::File { content, mode, time },
            other => other,
        }
    }

    pub fn time(self, time: i64) -> Self {
        match self {
            Self::File { content, mode, .. } => Self::File { content, mode, time },
            other => other,
        }
    }
}

fn set_time(path: &Path, time: i64) {
    let time = Timespec { tv_sec: time, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

pub fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Makes a directory with items; directories that are not named have an ordinary mode.
pub fn make(root: &Path, items: &[(&str, Item)]) {
    fs::create_dir_all(root).unwrap();
    for (path, item) in items {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match item {
            Item::File { content, mode, time } => {
                fs::write(&path, content).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
                set_time(&path, *time);
            }
            Item::Link { target } => {
                symlink(target, &path).unwrap();
                set_time(&path, 1_400_000_000);
            }
            Item::Directory { .. } => fs::create_dir_all(&path).unwrap(),
        }
    }
    for (path, item) in items.iter().rev() {
        if let Item::Directory { mode, time } = item {
            fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode)).unwrap();
            set_time(&root.join(path), *time);
        }
    }
}

/// The manifest of a directory, whose content goes to a store.
pub fn manifest_of(root: &Path, store: &TreeStore) -> Manifest {
    let options = ScanOptions { link_ids: LinkIds::None, workers: Some(2), ..ScanOptions::default() };
    let scan = scan_into(root, &options, &Arc::default(), Sink::Tree(store)).unwrap();
    assert!(scan.issues.is_empty(), "{:?}", scan.issues);
    scan.manifest
}

/// Everything below a directory, line by line: path, type and mode, time, and content or target.
pub fn describe(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_symlink() {
                String::from_utf8_lossy(fs::read_link(&path).unwrap().as_os_str().as_bytes()).into_owned()
            } else if metadata.is_file() {
                C4Id::of(&fs::read(&path).unwrap()).to_string()
            } else {
                String::new()
            };
            if metadata.is_dir() {
                open.push(path.clone());
            }
            let name = path.strip_prefix(root).unwrap().display();
            lines.push(format!("{name} {:o} {} {content}", metadata.mode(), metadata.mtime()));
        }
    }
    lines.sort();
    lines
}

//! Store directories that tests lay out by themselves, without the store.

#![allow(dead_code, unreachable_pub, reason = "every test crate uses a part of this module")]

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use c4::C4Id;
use c4::scan::ScanProgress;
use c4::store::{Census, Found, StoreReport, VerifyOptions, verify};
use tempfile::{TempDir, tempdir};

/// The directory that attracts an object.
pub fn place(root: &Path, id: &C4Id) -> PathBuf {
    let text = id.to_string();
    let mut directory = root.to_owned();
    for pair in text.as_bytes().chunks(2) {
        let below = directory.join(std::str::from_utf8(pair).unwrap());
        if !below.is_dir() {
            break;
        }
        directory = below;
    }
    directory
}

/// Where a reader that looks from the top finds an object.
pub fn find(root: &Path, id: &C4Id) -> Option<PathBuf> {
    let text = id.to_string();
    let mut directory = root.to_owned();
    for pair in text.as_bytes().chunks(2) {
        let path = directory.join(&text);
        if path.symlink_metadata().is_ok() {
            return Some(path);
        }
        directory.push(std::str::from_utf8(pair).unwrap());
        if !directory.is_dir() {
            break;
        }
    }
    None
}

pub fn put(root: &Path, content: &[u8]) -> C4Id {
    let id = C4Id::of(content);
    fs::write(place(root, &id).join(id.to_string()), content).unwrap();
    id
}

/// Makes the directories of an ID, so many levels.
pub fn attract(root: &Path, id: &C4Id, levels: usize) {
    let text = id.to_string();
    let path: PathBuf = (0..levels).map(|level| &text[2 * level..2 * level + 2]).collect();
    fs::create_dir_all(root.join(path)).unwrap();
}

pub fn numbered(number: u32) -> Vec<u8> {
    format!("object {number}").into_bytes()
}

/// A store of so many objects in directories two levels deep, some in the root.
pub fn split_store(count: u32) -> (TempDir, Vec<C4Id>) {
    let root = tempdir().unwrap();
    let mut ids = Vec::new();
    for number in 0..count {
        let id = C4Id::of(&numbered(number));
        match number % 5 {
            0 => {}
            1 => attract(root.path(), &id, 3),
            _ => attract(root.path(), &id, 2),
        }
        ids.push(put(root.path(), &numbered(number)));
    }
    ids.sort();
    (root, ids)
}

pub fn set_age(path: &Path, age: Duration) {
    let time = SystemTime::now() - age;
    let file = File::open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

pub fn census(root: &Path) -> Vec<Found> {
    Census::new(root).unwrap().collect()
}

pub fn objects(root: &Path) -> Vec<C4Id> {
    let ids = census(root).into_iter().filter_map(|found| match found {
        Found::Object(object) if !object.is_copy => Some(object.id),
        _ => None,
    });
    ids.collect()
}

pub fn check(root: &Path, options: &VerifyOptions) -> StoreReport {
    verify(root, options, &ScanProgress::default()).unwrap()
}

pub fn is_sound(report: &StoreReport) -> bool {
    report.is_complete && report.corrupt.is_empty() && report.unreadable.is_empty()
}

/// Overwrites an object, which may be read-only.
pub fn damage(root: &Path, id: &C4Id, content: &[u8]) {
    let path = find(root, id).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(path, content).unwrap();
}

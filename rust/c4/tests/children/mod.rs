//! Processes that a test starts: its own program once more, which then does another work than to test.

#![allow(dead_code, unreachable_pub, reason = "every test crate uses a part of this module")]

#[cfg(target_os = "linux")]
pub mod traced;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use c4::C4Id;
use c4::store::{Durability, TreeStore};
use tempfile::TempDir;

/// The environment variable that makes a process a child, and says what it does.
const WORK: &str = "C4_TEST_WORK";

/// A process of this program that runs one test, which asks [`work`] what to do.
pub fn child(test: &str, work: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(WORK, work.join("\n"));
    command
}

/// What this process is to do, if it is a child.
pub fn work() -> Option<Vec<String>> {
    Some(std::env::var(WORK).ok()?.split('\n').map(str::to_owned).collect())
}

pub fn durability(name: &str) -> Durability {
    match name {
        "full" => Durability::Full,
        "batch" => Durability::Batch,
        "none" => Durability::None,
        other => panic!("no durability {other}"),
    }
}

/// A directory in memory where there is one: what others write to the disk is not waited for.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// All files of a directory, and of those below, that are named by IDs.
pub fn objects(directory: &Path) -> Vec<(C4Id, PathBuf)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(objects(&entry.path()));
        } else if let Ok(id) = C4Id::parse(entry.file_name().as_encoded_bytes()) {
            found.push((id, entry.path()));
        }
    }
    found
}

/// Names in a store that are not those of objects and their directories.
pub fn temporaries(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.file_name().as_encoded_bytes()[0] == b'.').map(|entry| entry.path()).collect()
}

/// The content of an object, if the store has it.
pub fn content(store: &TreeStore, id: &C4Id) -> Option<Vec<u8>> {
    let mut object = store.open(id).unwrap()?;
    let mut bytes = Vec::new();
    object.file.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

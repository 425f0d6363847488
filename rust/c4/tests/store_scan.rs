//! Scans that store what they read: the manifest is that of a scan that stores nothing, and all it names is in the store.

mod common;
mod trees;

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use c4::C4Id;
use c4::c4m;
use c4::scan::{Scan, ScanError, ScanOptions, ScanProgress, Sink, scan, scan_into};
use c4::store::{Content, Durability, Store, StoreError, TreeStore};
use common::check;
use tempfile::tempdir;
use trees::create;

/// A store in memory, as a user would write one.
struct Memory {
    contents: Mutex<HashMap<C4Id, Vec<u8>>>,
    concurrency: usize,
}

impl Memory {
    fn new(concurrency: usize) -> Self {
        Self { contents: Mutex::default(), concurrency }
    }
}

impl Store for Memory {
    fn put(&self, mut content: Content) -> Result<C4Id, StoreError> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(|_| StoreError::Port)?;
        let id = C4Id::of(&bytes);
        self.contents.lock().unwrap().insert(id, bytes);
        Ok(id)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn into(root: &Path, options: &ScanOptions, sink: Sink<'_>) -> Result<Scan, ScanError> {
    scan_into(root, options, &Arc::default(), sink)
}

fn text(scan: &Scan) -> Vec<u8> {
    c4m::encode(&scan.manifest).unwrap()
}

/// IDs that a manifest names, that of its top level included.
fn named(scan: &mut Scan) -> Vec<C4Id> {
    let mut ids: Vec<C4Id> = scan.manifest.iter().map(|row| *scan.manifest.get(row).id).collect();
    ids.retain(|id| !id.is_nil());
    ids.push(scan.manifest.compute_id().unwrap());
    ids
}

#[test]
fn all_that_a_manifest_names_is_stored() {
    check("scan", |case| {
        let directory = tempdir().unwrap();
        let root = directory.path().join("tree");
        create(&case.objects("tree"), &root);
        create(&case.objects("beside"), directory.path());
        for sequences in [false, true] {
            let options = ScanOptions { sequences, workers: Some(2), ..ScanOptions::default() };
            let mut plain = scan(&root, &options, &ScanProgress::default()).unwrap();
            for durability in [Durability::Batch, Durability::None] {
                let store = TreeStore::new(&directory.path().join("store"), 8, durability).unwrap();
                let stored = into(&root, &options, Sink::Tree(&store)).unwrap();
                assert_eq!(text(&stored), text(&plain));
                for id in named(&mut plain) {
                    let object = store.open(&id).unwrap().unwrap();
                    assert_eq!(C4Id::of(&fs::read(object.path).unwrap()), id);
                }
                fs::remove_dir_all(directory.path().join("store")).unwrap();
            }
            for concurrency in [1, 3] {
                let store = Memory::new(concurrency);
                let stored = into(&root, &options, Sink::Port(&store)).unwrap();
                assert_eq!(text(&stored), text(&plain));
                let contents = store.contents.into_inner().unwrap();
                assert!(named(&mut plain).iter().all(|id| contents.contains_key(id)));
            }
        }
    });
}

/// Content of many sizes, around those at which it is written as it is read.
fn write_files(root: &Path) {
    fs::create_dir_all(root.join("d")).unwrap();
    for (number, size) in [0, 1, 65_535, 65_536, 65_537, 200_000, 1_000_000, 3_000_000].into_iter().enumerate() {
        let content: Vec<u8> = (0..size).map(|at| (at * 31 + number * 7) as u8).collect();
        fs::write(root.join(format!("d/f{number}")), &content).unwrap();
        fs::write(root.join(format!("d/again{number}")), &content).unwrap();
    }
}

#[test]
fn large_and_small_files_are_stored_as_they_are() {
    let directory = tempdir().unwrap();
    let root = directory.path().join("tree");
    write_files(&root);
    for durability in [Durability::Full, Durability::Batch, Durability::None] {
        for workers in [1, 4] {
            let store = TreeStore::new(&directory.path().join("store"), 4, durability).unwrap();
            let options = ScanOptions { workers: Some(workers), ..ScanOptions::default() };
            let scan = into(&root, &options, Sink::Tree(&store)).unwrap();
            for row in scan.manifest.iter().filter(|row| !scan.manifest.get(*row).is_dir()) {
                let entry = scan.manifest.get(row);
                let name = String::from_utf8(entry.name.to_vec()).unwrap();
                let object = store.open(entry.id).unwrap().unwrap();
                assert_eq!(fs::read(&object.path).unwrap(), fs::read(root.join("d").join(name)).unwrap());
                assert!(fs::metadata(&object.path).unwrap().permissions().readonly());
            }
            drop(store);
            let left: Vec<_> = fs::read_dir(directory.path().join("store")).unwrap().flatten().collect();
            assert!(left.iter().all(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".")), "{left:?}");
            fs::remove_dir_all(directory.path().join("store")).unwrap();
        }
    }
}

#[test]
fn a_scan_that_is_repeated_writes_nothing_again() {
    let directory = tempdir().unwrap();
    let root = directory.path().join("tree");
    write_files(&root);
    let store = TreeStore::new(&directory.path().join("store"), 4096, Durability::None).unwrap();
    let first = into(&root, &ScanOptions::default(), Sink::Tree(&store)).unwrap();
    let inodes = || {
        use std::os::unix::fs::MetadataExt as _;
        let entries = fs::read_dir(store.root()).unwrap().flatten();
        let mut inodes: Vec<_> = entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().ino())).collect();
        inodes.sort_unstable();
        inodes
    };
    let before = inodes();
    let second = into(&root, &ScanOptions::default(), Sink::Tree(&store)).unwrap();
    assert_eq!(text(&first), text(&second));
    assert_eq!(before, inodes());
}

#[test]
fn a_store_that_fails_fails_the_scan() {
    let directory = tempdir().unwrap();
    let root = directory.path().join("tree");
    write_files(&root);
    fs::write(directory.path().join("file"), "in the way").unwrap();
    let store = TreeStore::new(&directory.path().join("file/store"), 4096, Durability::Full).unwrap();
    let error = into(&root, &ScanOptions::default(), Sink::Tree(&store)).unwrap_err();
    assert!(matches!(error, ScanError::Store { source: StoreError::Io { .. }, .. }), "{error:?}");
}

/// Stores that do not do what a store must.
enum Bad {
    Lies,
    ReadsLittle,
    Fails,
}

impl Store for Bad {
    fn put(&self, mut content: Content) -> Result<C4Id, StoreError> {
        match self {
            Self::Lies => {
                content.read_to_end(&mut Vec::new()).unwrap();
                Ok(C4Id::of(b"something else"))
            }
            Self::ReadsLittle => {
                let mut byte = [0];
                let count = content.read(&mut byte).unwrap();
                Ok(C4Id::of(&byte[..count]))
            }
            Self::Fails => Err(StoreError::Port),
        }
    }

    fn concurrency(&self) -> usize {
        1
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[test]
fn a_store_that_does_not_do_what_it_must_is_found_out() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("f"), "content").unwrap();
    let failure = |store: Bad| match into(directory.path(), &ScanOptions::default(), Sink::Port(&store)) {
        Err(ScanError::Store { source, path: Some(path) }) if path == b"f" => source,
        other => panic!("{other:?}"),
    };
    assert!(matches!(failure(Bad::Lies), StoreError::WrongId(_)));
    assert!(matches!(failure(Bad::ReadsLittle), StoreError::Unread));
    assert!(matches!(failure(Bad::Fails), StoreError::Port));
}

#[test]
fn a_store_inside_the_tree_is_listed_as_it_was() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("f"), "content").unwrap();
    let store = TreeStore::new(&directory.path().join("store"), 4096, Durability::Batch).unwrap();
    let first = into(directory.path(), &ScanOptions::default(), Sink::Tree(&store)).unwrap();
    assert_eq!(first.manifest.len(), 1);
    let second = into(directory.path(), &ScanOptions::default(), Sink::Tree(&store)).unwrap();
    assert_eq!(second.manifest.len(), 4);
    assert!(second.issues.is_empty());
}

//! Where objects lie, after each put, as the reference has it.

mod common;

use std::fs;
use std::path::Path;

use c4::store::{Durability, TreeStore};
use common::{Case, check};

fn files_below(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else {
                files.push(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort_unstable();
    files
}

fn run(case: &Case, durability: Durability) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    for existing in case.strings("existing_dirs") {
        fs::create_dir_all(root.join(existing)).unwrap();
    }
    let store = TreeStore::new(&root, case.int("threshold").unwrap() as usize, durability).unwrap();
    let (contents, ids) = (case.byte_strings("contents"), case.strings("ids"));
    assert_eq!(contents.len(), ids.len());
    for (number, (content, id)) in (1..).zip(contents.iter().zip(&ids)) {
        assert_eq!(store.put(&mut content.as_slice()).unwrap().to_string(), *id);
        store.flush().unwrap();
        for snapshot in case.objects("snapshots").iter().filter(|snapshot| snapshot.int("after") == Some(number)) {
            assert_eq!(files_below(&root), snapshot.strings("files"), "after {number}, {durability:?}");
        }
    }
    assert_eq!(files_below(&root), case.strings("files"), "{durability:?}");
    for (content, id) in contents.iter().zip(&ids) {
        let object = store.open(&id.parse().unwrap()).unwrap().unwrap();
        assert_eq!(fs::read(&object.path).unwrap(), *content);
        assert_eq!(object.size, content.len() as u64);
    }
}

#[test]
fn objects_lie_where_the_reference_puts_them() {
    check("store", |case| {
        for durability in [Durability::Full, Durability::Batch, Durability::None] {
            run(case, durability);
        }
    });
}

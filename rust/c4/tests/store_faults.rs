//! Faults at every system call of a put, a flush and a scan into a store.
//!
//! strace makes them in a child process: it kills it at its Nth call, lets the call fail, or stops the child there while
//! another writer splits the directory, for each N until the child comes to its end. After each: no object has other bytes
//! than its ID says, what was there is there, what was acknowledged is there, the same content can be put again, and the
//! next writer sweeps what is left.

#![cfg(target_os = "linux")]

mod children;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use c4::C4Id;
use c4::scan::{ScanError, ScanOptions, Sink, scan_into};
use c4::store::{Durability, PutError, StoreError, TreeStore};
use children::traced::{self, Ended, Traced, await_strace, say};
use children::{child, content, durability, objects, scratch, temporaries, work};

const DURABILITIES: [&str; 3] = ["full", "batch", "none"];

/// Levels that others split a directory by while a child works.
const MAX_LEVELS: usize = 3;

/// What the work of a child is, and on what.
struct Scenario {
    name: &'static str,
    /// Contents that the child puts.
    contents: fn() -> Vec<Vec<u8>>,
    /// Contents that the store has before.
    before: fn() -> Vec<Vec<u8>>,
    threshold: usize,
    /// Whether the objects of `contents` are there before, one byte short.
    is_damaged: bool,
}

fn small() -> Vec<Vec<u8>> {
    vec![b"small ".repeat(100)]
}

/// Longer than what waits in memory.
fn large() -> Vec<Vec<u8>> {
    vec![b"large ".repeat(200_000)]
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    numbers.map(|number| format!("object {number}").into_bytes()).collect()
}

fn some() -> Vec<Vec<u8>> {
    numbered(0..2)
}

fn several() -> Vec<Vec<u8>> {
    [numbered(1..5), vec![vec![7; 300_000]]].concat()
}

fn three() -> Vec<Vec<u8>> {
    numbered(0..3)
}

fn fourth() -> Vec<Vec<u8>> {
    numbered(3..4)
}

fn fifth() -> Vec<Vec<u8>> {
    numbered(4..5)
}

fn four() -> Vec<Vec<u8>> {
    numbered(0..4)
}

const SCENARIOS: [Scenario; 11] = [
    Scenario { name: "small", contents: small, before: some, threshold: 9, is_damaged: false },
    Scenario { name: "large", contents: large, before: some, threshold: 9, is_damaged: false },
    Scenario { name: "small that exists", contents: small, before: small, threshold: 9, is_damaged: false },
    Scenario { name: "large that exists", contents: large, before: large, threshold: 9, is_damaged: false },
    Scenario { name: "small that is damaged", contents: small, before: some, threshold: 9, is_damaged: true },
    Scenario { name: "large that is damaged", contents: large, before: some, threshold: 9, is_damaged: true },
    Scenario { name: "split of the root", contents: fourth, before: three, threshold: 3, is_damaged: false },
    Scenario { name: "split of a directory", contents: fifth, before: four, threshold: 3, is_damaged: false },
    Scenario { name: "several", contents: several, before: some, threshold: 9, is_damaged: false },
    Scenario { name: "reading", contents: some, before: some, threshold: 9, is_damaged: false },
    Scenario { name: "scan", contents: scanned, before: some, threshold: 3, is_damaged: false },
];

/// What a scan stores of the files of [`write_tree`], but for directories.
fn scanned() -> Vec<Vec<u8>> {
    vec![b"a file".to_vec(), vec![9; 150_000]]
}

fn write_tree(root: &Path) {
    fs::create_dir_all(root.join("d")).unwrap();
    for (name, content) in ["d/small", "large"].iter().zip(scanned()) {
        fs::write(root.join(name), content).unwrap();
    }
}

/// Fills a store as it is before the fault; damaged objects with their bytes.
fn prepare(scenario: &Scenario, directory: &Path) -> Vec<(C4Id, Vec<u8>)> {
    let root = directory.join("store");
    let store = TreeStore::new(&root, scenario.threshold, Durability::None).unwrap();
    for content in (scenario.before)() {
        store.put(&mut &content[..]).unwrap();
    }
    if scenario.name == "scan" {
        write_tree(&directory.join("tree"));
    }
    let mut damaged = Vec::new();
    if scenario.is_damaged {
        for content in (scenario.contents)() {
            let (id, short) = (C4Id::of(&content), content[1..].to_vec());
            fs::write(root.join(id.to_string()), &short).unwrap();
            damaged.push((id, short));
        }
    }
    damaged
}

/// An error names the path that it is about, a store's at least.
fn say_error(error: &StoreError) {
    match error.path() {
        Some(path) if !path.as_os_str().is_empty() => say(&format!("failed {error}: {}", path.display())),
        _ => say(&format!("nameless {error}")),
    }
}

/// Does the work of a scenario once; whether it went well.
fn attempt(scenario: &Scenario, store: &TreeStore, directory: &Path) -> bool {
    let mut ids = Vec::new();
    if scenario.name == "scan" {
        let options = ScanOptions { workers: Some(2), ..ScanOptions::default() };
        match scan_into(&directory.join("tree"), &options, &Arc::default(), Sink::Tree(store)) {
            Ok(scan) if scan.issues.is_empty() => {
                ids.extend(scan.manifest.iter().map(|row| *scan.manifest.get(row).id));
            }
            Ok(scan) => {
                say(&format!("failed {:?}", scan.issues));
                return false;
            }
            Err(ScanError::Store { source: error, .. }) => {
                say_error(&error);
                return false;
            }
            Err(error) => {
                say(&format!("failed {error}"));
                return false;
            }
        }
    } else if scenario.name == "reading" {
        for id in (scenario.contents)().iter().map(|content| C4Id::of(content)) {
            match store.open(&id) {
                Ok(Some(_)) => ids.push(id),
                Ok(None) => say(&format!("missing {id}")),
                Err(error) => {
                    say_error(&error);
                    return false;
                }
            }
        }
    } else {
        for content in (scenario.contents)() {
            match store.put(&mut &content[..]) {
                Ok(id) => ids.push(id),
                Err(PutError::Store(error)) => {
                    say_error(&error);
                    return false;
                }
                Err(PutError::Source(error)) => unreachable!("{error}"),
            }
        }
        if let Err(error) = store.flush() {
            say_error(&error);
            return false;
        }
    }
    for id in ids {
        say(&format!("stored {id}"));
    }
    true
}

/// What a child does: number of the scenario, durability, directory. A failure is tried again, as by a user.
#[test]
fn work_of_a_child() {
    let Some(work) = work() else { return };
    let scenario = &SCENARIOS[work[0].parse::<usize>().unwrap()];
    let directory = Path::new(&work[2]);
    let open = || TreeStore::new(&directory.join("store"), scenario.threshold, durability(&work[1])).unwrap();
    let store = open();
    await_strace();
    // After a failure of the disk a store takes nothing more until it is opened again.
    let is_done = (0..2).any(|_| attempt(scenario, &store, directory));
    drop(store);
    let is_done = is_done || (0..2).any(|_| attempt(scenario, &open(), directory));
    std::process::exit(if is_done { 0 } else { 3 });
}

/// What a child said that it has stored.
fn stored(ended: &Ended) -> Vec<C4Id> {
    let ids = ended.output.lines().filter_map(|line| line.strip_prefix("stored "));
    // The last line may be cut off.
    ids.filter_map(|id| C4Id::parse(id.as_bytes()).ok()).collect()
}

/// Runs a child to its end. Each time that it is stopped others split the directory, one level each time.
fn run(scenario: usize, durability: &str, directory: &Path, inject: Option<&str>) -> Ended {
    let work = [&scenario.to_string(), durability, directory.to_str().unwrap()];
    let mut traced = Traced::start(child("work_of_a_child", &work), &directory.join("strace.log"), inject);
    traced.begin();
    let mut stops = 0;
    while inject.is_some_and(|inject| inject.contains("STOP")) && traced.is_stopped(stops) {
        if stops < MAX_LEVELS {
            split_by_others(&directory.join("store"));
        }
        traced.go_on();
        stops += 1;
    }
    traced.end()
}

/// Moves all objects one level down, as other tools do.
fn split_by_others(root: &Path) {
    for (id, path) in objects(root) {
        let directory = path.parent().unwrap();
        let depth = directory.strip_prefix(root).unwrap().components().count();
        let below = directory.join(&id.to_string()[2 * depth..2 * depth + 2]);
        fs::create_dir_all(&below).unwrap();
        fs::rename(&path, below.join(id.to_string())).unwrap();
    }
}

/// How often a thread of the child makes each call, at most.
fn calls(scenario: usize, durability: &str) -> BTreeMap<String, usize> {
    let directory = scratch();
    prepare(&SCENARIOS[scenario], directory.path());
    let ended = run(scenario, durability, directory.path(), None);
    assert!(ended.status.success(), "{}", ended.output);
    ended.calls()
}

/// What must be true of a store after a fault, then after the next writer.
fn check(scenario: &Scenario, directory: &Path, damaged: &[(C4Id, Vec<u8>)], ended: &Ended, fault: &str) {
    let root = directory.join("store");
    let told = |what: &str| format!("{what}\n{fault}\n{}\n{}\n{}", ended.status, ended.output, ended.log);
    for (id, path) in objects(&root) {
        let bytes = fs::read(&path).unwrap();
        let is_as_before = damaged.contains(&(id, bytes.clone())) && !stored(ended).contains(&id);
        assert!(C4Id::of(&bytes) == id || is_as_before, "{}", told(&format!("wrong bytes in {}", path.display())));
    }
    let store = TreeStore::new(&root, scenario.threshold, Durability::None).unwrap();
    let before = (scenario.before)().into_iter().map(|content| C4Id::of(&content));
    for id in before.chain(stored(ended)) {
        let found = content(&store, &id);
        assert!(found.is_some_and(|bytes| C4Id::of(&bytes) == id), "{}", told(&format!("{id} is missing")));
    }
    // What was put last is new: it has a writer made, which sweeps.
    for content in (scenario.contents)().iter().chain([&b"what comes after".to_vec()]) {
        assert_eq!(store.put(&mut &content[..]).unwrap(), C4Id::of(content));
        assert_eq!(children::content(&store, &C4Id::of(content)).as_ref(), Some(content));
    }
    let left = temporaries(&root);
    assert!(left.is_empty(), "{}", told(&format!("left: {left:?}")));
    assert!(!ended.output.contains("nameless"), "{}", told("an error names no path"));
    assert!(!ended.output.contains("missing"), "{}", told("an object was reported missing"));
}

/// Makes each fault of a list; how many did happen.
fn sweep(faults: &[(usize, &str, String)], outcome: impl Fn(&Ended, &str) + Sync) -> usize {
    traced::sweep(
        faults,
        |(scenario, ..), directory| prepare(&SCENARIOS[*scenario], directory),
        |(scenario, durability, inject), directory| run(*scenario, durability, directory, Some(inject)),
        |(scenario, durability, inject), directory, damaged, ended| {
            let fault = format!("{}, durability {durability}, {inject}", SCENARIOS[*scenario].name);
            outcome(ended, &fault);
            check(&SCENARIOS[*scenario], directory, damaged, ended, &fault);
        },
    )
}

#[test]
fn a_kill_at_any_call_loses_nothing_that_was_acknowledged() {
    let mut faults = Vec::new();
    for scenario in 0..SCENARIOS.len() {
        for durability in DURABILITIES {
            for (call, count) in calls(scenario, durability) {
                faults.extend(
                    (1..=count).map(|number| (scenario, durability, format!("{call}:signal=KILL:when={number}"))),
                );
            }
        }
    }
    let kills = sweep(&faults, |ended, fault| {
        assert!(ended.status.code().is_none_or(|code| code == 0), "{fault}: {}", ended.output);
    });
    println!("{kills} kills at {} calls", faults.len());
    assert!(kills > faults.len() / 2, "{kills} kills at {} calls", faults.len());
}

/// What each call can fail with.
const ERRORS: [(&str, &[&str]); 23] = [
    ("openat", &["EMFILE", "EACCES", "EINTR"]),
    ("open", &["EMFILE", "EACCES", "EINTR"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT", "EINTR"]),
    ("read", &["EIO", "EINTR"]),
    ("fsync", &["EIO", "ENOSPC", "EINTR"]),
    ("syncfs", &["EIO", "ENOSPC", "EINTR"]),
    ("fstatfs", &["EIO"]),
    ("flock", &["EAGAIN", "ENOLCK", "EINTR"]),
    ("rename", &["EIO", "EACCES", "ENOSPC"]),
    ("renameat2", &["EIO", "ENOSPC", "EINVAL", "ESTALE"]),
    ("mkdir", &["ENOSPC", "EROFS", "EACCES"]),
    ("mkdirat", &["ENOSPC", "EROFS"]),
    ("unlink", &["EIO", "ESTALE"]),
    ("unlinkat", &["EIO"]),
    ("rmdir", &["EIO", "ESTALE"]),
    ("utimensat", &["EACCES", "EIO", "EROFS", "ESTALE"]),
    ("stat", &["EIO", "ESTALE"]),
    ("lstat", &["EIO", "EACCES"]),
    ("newfstatat", &["EIO", "EACCES"]),
    ("statx", &["EIO", "ESTALE"]),
    ("fstat", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("ioctl", &["EIO", "EXDEV"]),
];

#[test]
fn an_error_at_any_call_is_told_and_loses_nothing() {
    let mut faults = Vec::new();
    for scenario in 0..SCENARIOS.len() {
        for (turn, durability) in DURABILITIES.into_iter().enumerate() {
            let calls = calls(scenario, durability);
            for (call, errors) in ERRORS {
                // One error at each call; the next scenario, durability and call have the next of the list.
                faults.extend((1..=calls.get(call).copied().unwrap_or(0)).map(|number| {
                    let error = errors[(scenario + turn + number) % errors.len()];
                    (scenario, durability, format!("{call}:error={error}:when={number}"))
                }));
            }
        }
    }
    let errors = sweep(&faults, |ended, fault| {
        // A scan has threads, each with a count of calls of its own: what fails once fails in the next scan too.
        let is_scan = fault.starts_with("scan");
        let code = ended.status.code();
        assert!(code == Some(0) || is_scan && code == Some(3), "{fault}: {}\n{}", ended.output, ended.log);
        let is_survived = !ended.output.contains("failed");
        // Directories and files of the tree are opened by the scan, which reports it.
        let must_be = fault.contains("EINTR") && !(is_scan && fault.contains("open"));
        assert!(is_survived || !must_be, "{fault}: {}\n{}", ended.output, ended.log);
    });
    println!("{errors} errors at {} calls", faults.len());
    assert!(errors > faults.len() / 2, "{errors} errors at {} calls", faults.len());
}

#[test]
fn splits_by_others_at_any_call_are_no_fault() {
    let mut faults = Vec::new();
    for scenario in (0..SCENARIOS.len()).filter(|scenario| SCENARIOS[*scenario].name != "scan") {
        // At each call, and at each and all that follow.
        for (durability, and_on) in [("none", ""), ("batch", "+")] {
            for (call, count) in calls(scenario, durability) {
                let stop = |number| (scenario, durability, format!("{call}:signal=STOP:when={number}{and_on}"));
                faults.extend((1..=count).map(stop));
            }
        }
    }
    let stops = sweep(&faults, |ended, fault| {
        assert_eq!(ended.status.code(), Some(0), "{fault}: {}\n{}", ended.output, ended.log);
        assert!(!ended.output.contains("failed"), "{fault}: {}\n{}", ended.output, ended.log);
    });
    println!("{stops} splits at {} calls", faults.len());
    assert!(stops > faults.len() / 2, "{stops} splits at {} calls", faults.len());
}

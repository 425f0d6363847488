//! Faults at every system call that changes a directory, or looks at it, while a plan is applied.
//!
//! strace makes them in a child process: it kills it at its Nth call, or lets the call fail, for each N until the child
//! comes to its end. After each: every file of the tree is whole, as it was or as it is to be, and the next plan reaches the
//! state with nothing but what the tree has and what was in the store before, so that nothing was lost; no temporary is left.

#![cfg(target_os = "linux")]

mod children;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use c4::C4Id;
use c4::reconcile::{Applied, LinkMode, Options, Plan, STAGING, apply, plan};
use c4::scan::ScanProgress;
use c4::store::{Durability, SPLIT_THRESHOLD, TreeStore};
use children::traced::{self, Ended, Traced, await_strace, say};
use children::{child, scratch, work};
use states::{Item, describe, link, make, manifest_of, plain};

/// Calls that change a directory.
const CHANGING: [&str; 15] = [
    "fdatasync",
    "mkdirat",
    "openat",
    "write",
    "renameat2",
    "renameat",
    "rename",
    "unlinkat",
    "linkat",
    "symlinkat",
    "fchmod",
    "fchmodat",
    "utimensat",
    "ioctl",
    "flock",
];

/// Those that differ where files become hard links.
const LINKING: [&str; 4] = ["linkat", "renameat2", "renameat", "read"];

fn large(text: &str) -> String {
    text.repeat(50_000)
}

fn before() -> Vec<(&'static str, Item)> {
    vec![
        ("a", plain("swapped one")),
        ("b", plain("swapped two")),
        ("moved", plain("moved")),
        ("twice", plain("copied and moved").mode(0o600)),
        ("updated", plain("old")),
        ("mode", plain("mode").mode(0o644)),
        ("time", plain("time").time(5)),
        ("linked", plain("linked").mode(0o644)),
        ("gone/below", plain("gone")),
        ("file", plain("in the way")),
        ("directory/inside", plain("needed elsewhere")),
        ("directory/other", plain("unneeded")),
        ("link", link("old")),
        ("closed/x", plain("old x")),
        ("closed/", Item::Directory { mode: 0o555, time: 9 }),
    ]
}

fn after() -> Vec<(&'static str, Item)> {
    vec![
        ("a", plain("swapped two")),
        ("b", plain("swapped one")),
        ("new/moved", plain("moved").mode(0o400)),
        ("new/large", plain(&large("from the store"))),
        ("once", plain("copied and moved")),
        ("once more", plain("copied and moved")),
        ("updated", plain("new")),
        ("mode", plain("mode").mode(0o600)),
        ("time", plain("time").time(6)),
        ("linked", plain("linked").mode(0o640)),
        ("file/now a directory", plain("in the way")),
        ("directory", plain("needed elsewhere")),
        ("link", link("new")),
        ("empty", plain("")),
        ("closed/x", plain("new x")),
        ("closed/", Item::Directory { mode: 0o555, time: 9 }),
    ]
}

/// Makes the tree, and a store that has only what the tree has not; the manifest lies beside them.
fn prepare(directory: &Path) {
    make(&directory.join("tree"), &before());
    fs::hard_link(directory.join("tree/linked"), directory.join("other name")).unwrap();
    fs::hard_link(directory.join("tree/moved"), directory.join("name of what moves")).unwrap();
    make(&directory.join("state"), &after());
    let store = open_store(directory);
    let manifest = manifest_of(&directory.join("state"), &store);
    fs::write(directory.join("target.c4m"), c4::c4m::encode(&manifest).unwrap()).unwrap();
    for (_, item) in before() {
        if let Item::File { content, .. } = item {
            store.remove(&C4Id::of(content.as_bytes())).unwrap();
        }
    }
}

fn open_store(directory: &Path) -> TreeStore {
    TreeStore::new(&directory.join("store"), SPLIT_THRESHOLD, Durability::None).unwrap()
}

fn options(link: &str) -> Options {
    let link = if link == "hardlink" { LinkMode::Hardlink } else { LinkMode::Auto };
    // One thread, whose calls come in one order.
    Options { workers: Some(1), link, ..Options::default() }
}

fn planned(directory: &Path, store: &TreeStore, options: &Options) -> Plan {
    let target = c4::c4m::decode(&fs::read(directory.join("target.c4m")).unwrap()).unwrap();
    plan(&target, &directory.join("tree"), &[store], options, &ScanProgress::default()).unwrap()
}

/// What a child does: how to link, directory.
#[test]
fn work_of_a_child() {
    let Some(work) = work() else { return };
    let (options, directory) = (options(&work[0]), Path::new(&work[1]));
    let store = open_store(directory);
    let plan = planned(directory, &store, &options);
    await_strace();
    match apply(&plan, &[&store], &options, &ScanProgress::default(), &|_, _| ()) {
        Ok(Applied { errors, .. }) => errors.iter().for_each(|(_, error)| say(&format!("failed {error}"))),
        Err(error) => say(&format!("failed {error}")),
    }
    std::process::exit(0);
}

fn run(link: &str, directory: &Path, inject: Option<&str>) -> Ended {
    let work = [link, directory.to_str().unwrap()];
    let mut traced = Traced::start(child("work_of_a_child", &work), &directory.join("strace.log"), inject);
    traced.begin();
    traced.end()
}

/// How often the child makes each call.
fn calls(link: &str) -> BTreeMap<String, usize> {
    let directory = scratch();
    prepare(directory.path());
    let ended = run(link, directory.path(), None);
    assert!(ended.status.success() && !ended.output.contains("failed"), "{}", ended.output);
    ended.calls()
}

/// Every file below a directory and what it holds, but for what waits.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if name.as_bytes() == STAGING || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// What must be true of a tree after a fault, then after the next run.
fn check(link: &str, directory: &Path, ended: &Ended, fault: &str) {
    let tree = directory.join("tree");
    let told = |what: &str| format!("{what}\n{fault}\n{}\n{}\n{}", ended.status, ended.output, ended.log);
    let whole: BTreeSet<(String, Vec<u8>)> = before()
        .into_iter()
        .chain(after())
        .filter_map(|(path, item)| match item {
            Item::File { content, .. } => Some((path.to_owned(), content.into_bytes())),
            _ => None,
        })
        .collect();
    let there = files(&tree);
    for path in ["updated", "closed/x", "mode", "time", "linked"] {
        assert!(there.contains_key(path), "{}", told(&format!("{path} is gone")));
    }
    for (path, content) in there {
        assert!(whole.contains(&(path.clone(), content)), "{}", told(&format!("{path} is not whole")));
    }
    for line in ended.output.lines().filter_map(|line| line.strip_prefix("failed ")) {
        // The tree itself, what waits in it, or an entry.
        let path = line.rsplit_once(": cannot ").or_else(|| line.split_once(": ")).map_or(line, |(path, _)| path);
        let waiting = tree.join(std::str::from_utf8(STAGING).unwrap());
        let is_known = [&tree, &waiting].iter().any(|known| path == known.to_str().unwrap())
            || path.as_bytes() == STAGING
            || line.contains("entries were not removed")
            || whole.iter().any(|(known, _)| known == path || known.starts_with(&format!("{path}/")))
            || ["link", "gone", "closed"].contains(&path);
        assert!(is_known, "{}", told(&format!("an error names no path: {line}")));
    }
    let store = open_store(directory);
    let options = options(link);
    let again = planned(directory, &store, &options);
    assert!(again.missing.is_empty(), "{}", told(&format!("lost: {:?}", again.missing)));
    let applied = apply(&again, &[&store], &options, &ScanProgress::default(), &|_, _| ()).unwrap();
    assert!(applied.errors.is_empty(), "{}", told(&format!("{:?}", applied.errors)));
    let state = describe(&directory.join("state"));
    if link == "hardlink" {
        assert_eq!(files(&tree), files(&directory.join("state")), "{}", told("another state"));
    } else {
        assert_eq!(describe(&tree), state, "{}", told("another state"));
    }
    assert!(!tree.join(std::str::from_utf8(STAGING).unwrap()).exists(), "{}", told("temporaries are left"));
    let other = describe(directory).into_iter().find(|line| line.starts_with("other name ")).unwrap();
    assert!(other.starts_with("other name 100644 1500000000 "), "{}", told("the other name of a file was changed"));
    for (id, path) in children::objects(&directory.join("store")) {
        assert_eq!(C4Id::of(&fs::read(&path).unwrap()), id, "{}", told("an object was changed"));
    }
}

/// Makes each fault of a list; how many did happen.
fn sweep(faults: &[(&str, String)], outcome: impl Fn(&Ended, &str) + Sync) -> usize {
    traced::sweep(
        faults,
        |_, directory| prepare(directory),
        |(link, inject), directory| run(link, directory, Some(inject)),
        |(link, inject), directory, (), ended| {
            let fault = format!("{link}, {inject}");
            outcome(ended, &fault);
            check(link, directory, ended, &fault);
        },
    )
}

#[test]
fn a_kill_at_any_call_loses_nothing_and_the_next_run_reaches_the_state() {
    let mut faults = Vec::new();
    for link in ["auto", "hardlink"] {
        let calls = calls(link);
        for call in CHANGING.into_iter().filter(|call| link == "auto" || LINKING.contains(call)) {
            let count = calls.get(call).copied().unwrap_or(0);
            faults.extend((1..=count).map(|number| (link, format!("{call}:signal=KILL:when={number}"))));
        }
    }
    let kills = sweep(&faults, |ended, fault| {
        assert!(ended.status.code().is_none_or(|code| code == 0), "{fault}: {}", ended.output);
    });
    println!("{kills} kills at {} calls", faults.len());
    assert!(kills > faults.len() / 2, "{kills} kills at {} calls", faults.len());
}

#[test]
fn a_copy_that_takes_the_place_of_a_moved_file_is_on_the_disk_before_that_goes() {
    let directory = scratch();
    prepare(directory.path());
    let ended = run("auto", directory.path(), None);
    let at = |call: &str| ended.log.lines().position(|line| line.contains(call)).unwrap();
    assert!(at("fdatasync(") < at("\"moved\", RENAME_NOREPLACE) = 0"), "{}", ended.log);
}

/// What each call can fail with.
const ERRORS: [(&str, &[&str]); 20] = [
    ("fdatasync", &["EIO"]),
    ("openat", &["EMFILE", "EACCES", "ENOSPC", "EINTR"]),
    ("openat2", &["EMFILE", "EACCES", "EIO", "EINTR", "ENOSYS"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT", "EINTR"]),
    ("read", &["EIO", "EINTR"]),
    ("flock", &["EAGAIN", "ENOLCK", "EINTR"]),
    ("renameat2", &["EIO", "ENOSPC", "EINVAL", "EROFS", "EDQUOT"]),
    ("renameat", &["EIO", "EACCES", "ENOSPC"]),
    ("mkdirat", &["ENOSPC", "EROFS", "EACCES", "EDQUOT"]),
    ("unlinkat", &["EIO", "EACCES", "EROFS"]),
    ("linkat", &["EMLINK", "EXDEV", "ENOSPC"]),
    ("symlinkat", &["ENOSPC", "EROFS"]),
    ("fchmod", &["EIO", "EACCES", "EROFS", "EINTR"]),
    ("fchmodat", &["EIO", "EACCES", "EROFS"]),
    ("utimensat", &["EACCES", "EPERM", "EIO", "EROFS", "EINTR"]),
    ("ioctl", &["EIO", "EXDEV", "ENOSPC", "EINTR"]),
    ("newfstatat", &["EIO", "EACCES"]),
    ("statx", &["EIO", "ESTALE"]),
    ("fstat", &["EIO"]),
    ("getdents64", &["EIO"]),
];

#[test]
fn an_error_at_any_call_is_told_and_loses_nothing() {
    let mut faults = Vec::new();
    for (turn, link) in ["auto", "hardlink"].into_iter().enumerate() {
        let calls = calls(link);
        for (call, errors) in ERRORS.into_iter().filter(|(call, _)| link == "auto" || LINKING.contains(call)) {
            // One error at each call; the next call has the next of the list.
            faults.extend((1..=calls.get(call).copied().unwrap_or(0)).map(|number| {
                let error = errors[(turn + number) % errors.len()];
                (link, format!("{call}:error={error}:when={number}"))
            }));
        }
    }
    let errors = sweep(&faults, |ended, fault| {
        assert_eq!(ended.status.code(), Some(0), "{fault}: {}\n{}", ended.output, ended.log);
        let must_be_survived = fault.contains("EINTR") || fault.contains("EMFILE");
        let is_survived = !ended.output.contains("failed");
        assert!(is_survived || !must_be_survived, "{fault}: {}\n{}", ended.output, ended.log);
    });
    println!("{errors} errors at {} calls", faults.len());
    assert!(errors > faults.len() / 2, "{errors} errors at {} calls", faults.len());
}

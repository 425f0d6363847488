//! A directory becomes what a manifest describes: what comes of it, what is refused, and what is left alone.

#![cfg(target_os = "linux")]

mod children;
mod states;

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use c4::C4Id;
use c4::c4m::Manifest;
use c4::reconcile::{Applied, ApplyError, Content, ContentSource, Kind, LinkMode, Options, Plan, STAGING, apply, plan};
use c4::scan::ScanProgress;
use c4::store::{Durability, SPLIT_THRESHOLD, StoreError, TreeStore};
use children::{child, scratch, work};
use proptest::prelude::*;
use states::{Item, describe, link, make, manifest_of, mkfifo, plain};

fn options() -> Options {
    Options { workers: Some(2), ..Options::default() }
}

fn planned(target: &Manifest, directory: &Path, store: &dyn ContentSource, options: &Options) -> Plan {
    plan(target, directory, &[store], options, &ScanProgress::default()).unwrap()
}

fn applied(plan: &Plan, store: &dyn ContentSource, options: &Options) -> Result<Applied, ApplyError> {
    let told = AtomicUsize::new(0);
    let on_done = |_: usize, _: Kind| _ = told.fetch_add(1, Ordering::Relaxed);
    let result = apply(plan, &[store], options, &ScanProgress::default(), &on_done);
    if let Ok(applied) = &result {
        let done: u64 = applied.done.iter().sum();
        assert!(done as usize + applied.errors.len() >= told.into_inner(), "each is told of once");
    }
    result
}

/// Brings a directory to a state, which it then has.
fn bring(target: &Manifest, directory: &Path, store: &dyn ContentSource, options: &Options) -> Applied {
    let plan = planned(target, directory, store, options);
    let applied = applied(&plan, store, options).unwrap();
    assert!(applied.errors.is_empty(), "{:?}", applied.errors);
    assert_eq!(applied.done.iter().sum::<u64>(), plan.operations.len() as u64);
    assert!(!directory.join(staging()).exists());
    applied
}

fn staging() -> &'static Path {
    Path::new(std::ffi::OsStr::from_bytes(STAGING))
}

/// A directory to change, one that shows the state to reach, its manifest, and a store with all content of it.
struct Case {
    root: tempfile::TempDir,
    target: Manifest,
    store: TreeStore,
}

impl Case {
    fn new(before: &[(&str, Item)], after: &[(&str, Item)]) -> Self {
        Self::in_directory(scratch(), before, after)
    }

    fn in_directory(root: tempfile::TempDir, before: &[(&str, Item)], after: &[(&str, Item)]) -> Self {
        make(&root.path().join("tree"), before);
        make(&root.path().join("state"), after);
        let store = TreeStore::new(&root.path().join("store"), SPLIT_THRESHOLD, Durability::None).unwrap();
        let target = manifest_of(&root.path().join("state"), &store);
        Self { root, target, store }
    }

    fn tree(&self) -> std::path::PathBuf {
        self.root.path().join("tree")
    }

    fn plan(&self) -> Plan {
        planned(&self.target, &self.tree(), &self.store, &options())
    }

    fn apply(&self, plan: &Plan) -> Result<Applied, ApplyError> {
        applied(plan, &self.store, &options())
    }

    fn bring(&self) -> Applied {
        bring(&self.target, &self.tree(), &self.store, &options())
    }

    fn check(&self) {
        assert_eq!(describe(&self.tree()), describe(&self.root.path().join("state")));
        let again = self.plan();
        assert!(again.operations.is_empty(), "{:?}", again.operations);
    }

    /// What lies beside the tree, and must never change.
    fn outside(&self, content: &str) -> std::path::PathBuf {
        let outside = self.root.path().join("outside");
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("precious"), content).unwrap();
        outside
    }
}

fn errors(applied: &Applied) -> Vec<String> {
    applied.errors.iter().map(|(_, error)| error.to_string()).collect()
}

#[test]
fn a_directory_becomes_what_the_manifest_describes() {
    let case = Case::new(
        &[
            ("same", plain("same")),
            ("changed", plain("old")),
            ("gone", plain("gone")),
            ("old name", plain("moved")),
            ("a", plain("swapped one")),
            ("b", plain("swapped two")),
            ("d/1", plain("rotated 1")),
            ("d/2", plain("rotated 2")),
            ("d/3", plain("rotated 3")),
            ("file that becomes a directory", plain("needed elsewhere")),
            ("directory that becomes a file/below/x", plain("deep")),
            ("directory that becomes a file/y", plain("unneeded")),
            ("directory that becomes a link/z", plain("z")),
            ("link that becomes a file", link("a")),
            ("link that becomes a directory", link("d")),
            ("link", link("here")),
            ("mode", plain("mode").mode(0o644)),
            ("time", plain("time").time(1_000_000_000)),
            ("emptied", plain("not empty")),
            ("left/behind/", Item::Directory { mode: 0o755, time: 5 }),
            ("source of two", plain("twice")),
        ],
        &[
            ("same", plain("same")),
            ("changed", plain("new")),
            ("new name", plain("moved")),
            ("a", plain("swapped two")),
            ("b", plain("swapped one")),
            ("d/1", plain("rotated 3")),
            ("d/2", plain("rotated 1")),
            ("d/3", plain("rotated 2")),
            ("file that becomes a directory/inside", plain("needed elsewhere")),
            ("directory that becomes a file", plain("deep")),
            ("directory that becomes a link", link("a")),
            ("link that becomes a file", plain("from the store")),
            ("link that becomes a directory/e", plain("")),
            ("link", link("../../there")),
            ("mode", plain("mode").mode(0o400)),
            ("time", plain("time").time(-5)),
            ("emptied", plain("")),
            ("new/and/deep", plain("deep and new")),
            ("closed/", Item::Directory { mode: 0o500, time: 1_234_567_890 }),
            ("closed/inside", plain("inside")),
            ("one", plain("twice")),
            ("two", plain("twice")),
        ],
    );
    case.bring();
    case.check();
}

#[test]
fn a_directory_that_does_not_exist_is_made_with_all_above_it() {
    let case = Case::new(&[], &[("x/y", plain("z"))]);
    let tree = case.root.path().join("not/there/yet");
    bring(&case.target, &tree, &case.store, &options());
    assert_eq!(describe(&tree), describe(&case.root.path().join("state")));
}

#[test]
fn what_is_already_in_the_tree_needs_no_store() {
    let case = Case::new(&[("a", plain("one")), ("b/c", plain("two"))], &[("b/a", plain("two")), ("c", plain("one"))]);
    let plan = plan(&case.target, &case.tree(), &[], &options(), &ScanProgress::default()).unwrap();
    assert!(apply(&plan, &[], &options(), &ScanProgress::default(), &|_, _| ()).unwrap().errors.is_empty());
    case.check();
}

#[test]
fn a_plan_that_lacks_content_is_refused_before_anything_is_touched() {
    let case = Case::new(&[("gone", plain("gone"))], &[("a", plain("nowhere"))]);
    let plan = plan(&case.target, &case.tree(), &[], &options(), &ScanProgress::default()).unwrap();
    let result = apply(&plan, &[], &options(), &ScanProgress::default(), &|_, _| ());
    assert!(matches!(result, Err(ApplyError::Incomplete(1))));
    assert_eq!(fs::read(case.tree().join("gone")).unwrap(), b"gone");
    assert!(!case.tree().join(staging()).exists());
}

#[test]
fn directories_without_permission_for_their_owner_are_changed_and_closed_again() {
    let closed = |mode| Item::Directory { mode, time: 1_000_000 };
    let case = Case::new(
        &[
            ("d/", closed(0o555)),
            ("d/x", plain("old")),
            ("d/e/", closed(0o000)),
            ("d/e/f", plain("gone")),
            ("open/y", plain("y")),
        ],
        &[
            ("d/", closed(0o555)),
            ("d/x", plain("new")),
            ("d/e/", closed(0o000)),
            ("open/", closed(0o311)),
            ("open/y", plain("y")),
        ],
    );
    case.bring();
    case.check();
}

/// What the next test has another user do: a plan and its work.
#[test]
fn work_of_another_user() {
    let Some(work) = work() else { return };
    let directory = Path::new(&work[0]);
    let store = TreeStore::new(&directory.join("store"), SPLIT_THRESHOLD, Durability::None).unwrap();
    let target = c4::c4m::decode(&fs::read(directory.join("target.c4m")).unwrap()).unwrap();
    let plan = planned(&target, &directory.join("tree"), &store, &options());
    let applied = applied(&plan, &store, &options()).unwrap();
    println!("errors {:?}", errors(&applied));
}

#[test]
fn an_ordinary_user_needs_no_write_permission_where_he_is_the_owner() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let closed = |mode| Item::Directory { mode, time: 1_000_000 };
    let case = Case::new(
        &[("d/", closed(0o555)), ("d/x", plain("old").mode(0o444)), ("d/e/", closed(0o555)), ("d/e/f", plain("gone"))],
        &[("d/", closed(0o555)), ("d/x", plain("new").mode(0o400)), ("d/e/", closed(0o555)), ("d/e/g/", closed(0o500))],
    );
    let root = case.root.path();
    fs::write(root.join("target.c4m"), c4::c4m::encode(&case.target).unwrap()).unwrap();
    let chown = |path: &str| {
        let status = Command::new("chown").args(["-R", "65534:65534"]).arg(root.join(path)).status();
        assert!(status.unwrap().success());
    };
    for path in ["tree", "store", "."] {
        chown(path);
    }
    let copy = root.join("test");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let template = child("work_of_another_user", &[root.to_str().unwrap()]);
    let mut command = Command::new(&copy);
    command.args(template.get_args()).envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.uid(65534).gid(65534).current_dir("/").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("errors []"), "{text}");
    case.check();
}

/// Content that is not what its ID says.
struct Liar<'s>(&'s TreeStore, Vec<u8>);

impl ContentSource for Liar<'_> {
    fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
        ContentSource::has(self.0, id)
    }

    fn open(&self, _: &C4Id) -> Result<Option<Content>, StoreError> {
        Ok(Some(Content::Stream(Box::new(io::Cursor::new(self.1.clone())))))
    }

    fn concurrency(&self) -> usize {
        1
    }
}

#[test]
fn content_that_is_not_that_of_its_id_gets_no_name_and_nothing_is_removed() {
    let case =
        Case::new(&[("old", plain("old")), ("gone", plain("gone"))], &[("old", plain("new")), ("made", plain("made"))]);
    for wrong in ["", "nex", "new and more"] {
        let liar = Liar(&case.store, wrong.into());
        let plan = planned(&case.target, &case.tree(), &liar, &options());
        let applied = applied(&plan, &liar, &options()).unwrap();
        let told = errors(&applied).join("\n");
        for (path, content) in [("old", "new"), ("made", "made")] {
            assert!(
                told.contains(&format!("{path}: the content of {} has the ID", C4Id::of(content.as_bytes()))),
                "{told}"
            );
        }
        assert!(told.contains("1 entries were not removed"), "{told}");
        assert_eq!(fs::read(case.tree().join("old")).unwrap(), b"old");
        assert!(!case.tree().join("made").exists() && case.tree().join("gone").exists());
        assert!(!case.tree().join(staging()).exists());
    }
    case.bring();
    case.check();
}

#[test]
fn a_file_that_changed_after_the_plan_was_made_stays() {
    let before =
        [("updated", plain("old 1")), ("moved", plain("here")), ("removed", plain("old 3")), ("d/x", plain("x"))];
    let after = [("updated", plain("new 1")), ("to/moved", plain("here")), ("e", plain("from the store"))];
    let case = Case::new(&before, &after);
    let plan = case.plan();
    for name in ["updated", "moved", "removed"] {
        // Another file of the same name.
        fs::write(case.tree().join("new"), format!("precious {name}")).unwrap();
        fs::rename(case.tree().join("new"), case.tree().join(name)).unwrap();
    }
    fs::write(case.tree().join("e"), "came meanwhile").unwrap();
    let applied = case.apply(&plan).unwrap();
    let told = errors(&applied);
    assert!(told.contains(&"updated: changed since the plan was made".to_owned()), "{told:?}");
    assert!(told.contains(&"moved: changed since the plan was made".to_owned()), "{told:?}");
    assert!(told.iter().any(|error| error.starts_with("e: cannot put it in its place")), "{told:?}");
    for name in ["updated", "moved", "removed"] {
        assert_eq!(fs::read_to_string(case.tree().join(name)).unwrap(), format!("precious {name}"));
    }
    assert_eq!(fs::read_to_string(case.tree().join("e")).unwrap(), "came meanwhile");
    assert_eq!(fs::read_to_string(case.tree().join("d/x")).unwrap(), "x");
}

#[test]
fn a_directory_that_is_not_empty_by_then_stays() {
    let case = Case::new(&[("d/x", plain("x"))], &[]);
    let plan = case.plan();
    fs::write(case.tree().join("d/new"), "new").unwrap();
    let applied = case.apply(&plan).unwrap();
    assert_eq!(applied.errors.len(), 1, "{:?}", applied.errors);
    assert!(errors(&applied)[0].starts_with("d: cannot remove the directory: "), "{:?}", applied.errors);
    assert_eq!(fs::read_to_string(case.tree().join("d/new")).unwrap(), "new");
}

#[test]
fn a_directory_that_became_a_link_after_the_plan_was_made_is_not_entered() {
    let before =
        [("d/old", plain("old")), ("d/gone", plain("gone")), ("d/moved", plain("moved")), ("d/e/f", plain("f"))];
    let after = [
        ("d/old", plain("new")),
        ("d/new", plain("new file")),
        ("moved", plain("moved")),
        ("d/l", link("x")),
        ("d/g/h", plain("h")),
    ];
    let case = Case::new(&before, &after);
    let plan = case.plan();
    let outside = case.outside("outside");
    fs::rename(case.tree().join("d"), outside.join("d")).unwrap();
    symlink(outside.join("d"), case.tree().join("d")).unwrap();
    let untouched = describe(&outside);
    let applied = case.apply(&plan).unwrap();
    assert!(applied.errors.len() >= 5, "{:?}", applied.errors);
    assert_eq!(describe(&outside), untouched);
    assert!(case.tree().join("d").is_symlink());
}

#[test]
fn a_link_on_disk_gives_way_to_a_directory_and_is_not_followed() {
    let case = Case::new(&[], &[("d/e/x", plain("x")), ("d/moved", plain("inside"))]);
    let outside = case.outside("outside");
    fs::create_dir(outside.join("e")).unwrap();
    symlink(&outside, case.tree().join("d")).unwrap();
    fs::write(case.tree().join("y"), "inside").unwrap();
    let untouched = describe(&outside);
    case.bring();
    case.check();
    assert_eq!(describe(&outside), untouched);
}

#[test]
fn targets_that_lead_out_are_recorded_and_not_followed() {
    let case = Case::new(
        &[("loop", plain("a file"))],
        &[("absolute", link("/")), ("up", link("../outside")), ("loop", link("loop")), ("none", link("nothing"))],
    );
    let outside = case.outside("outside");
    let untouched = describe(&outside);
    case.bring();
    assert_eq!(fs::read_link(case.tree().join("absolute")).unwrap(), Path::new("/"));
    case.check();
    // Their times change, and what they point at stays.
    let time = |name: &str| {
        let touch = Command::new("touch").args(["-h", "-d", "@99"]).arg(case.tree().join(name)).status();
        assert!(touch.unwrap().success());
    };
    for name in ["absolute", "up", "loop", "none"] {
        time(name);
    }
    case.bring();
    case.check();
    assert_eq!(describe(&outside), untouched);
}

#[test]
fn a_root_that_is_a_symbolic_link_is_refused() {
    let case = Case::new(&[], &[("x", plain("x"))]);
    let plan = case.plan();
    let elsewhere = case.root.path().join("elsewhere");
    fs::rename(case.tree(), &elsewhere).unwrap();
    symlink(&elsewhere, case.tree()).unwrap();
    for directory in [case.tree(), case.tree().join("")] {
        let plan = Plan { directory, ..case_plan(&case, &plan) };
        assert!(matches!(case.apply(&plan), Err(ApplyError::Root { .. })));
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

/// The same plan once more.
fn case_plan(case: &Case, plan: &Plan) -> Plan {
    Plan {
        directory: plan.directory.clone(),
        target: case.target.clone(),
        found: Manifest::default(),
        versions: std::collections::HashMap::default(),
        operations: plan.operations.clone(),
        missing: Vec::new(),
        twins: Vec::new(),
        not_made: Vec::new(),
        skipped: 0,
        bytes: plan.bytes,
    }
}

#[test]
fn a_pipe_in_the_way_is_never_opened() {
    let case = Case::new(
        &[("gone/", Item::Directory { mode: 0o755, time: 1 })],
        &[("p", plain("file")), ("q/r", plain("r")), ("s", link("p"))],
    );
    for name in ["p", "q", "s", "gone/pipe"] {
        mkfifo(&case.tree().join(name));
    }
    case.bring();
    case.check();
}

#[test]
fn a_pipe_that_takes_the_place_of_a_file_after_the_plan_is_not_opened() {
    let case = Case::new(
        &[("a", plain("a").mode(0o600)), ("b", plain("b"))],
        &[("a", plain("a").mode(0o640)), ("c", plain("b"))],
    );
    let plan = case.plan();
    for name in ["a", "b"] {
        fs::remove_file(case.tree().join(name)).unwrap();
        mkfifo(&case.tree().join(name));
    }
    let applied = case.apply(&plan).unwrap();
    assert_eq!(errors(&applied), ["b: changed since the plan was made", "a: changed since the plan was made"]);
}

#[test]
fn special_bits_are_given_only_when_asked_for() {
    let items = [("suid", plain("suid").mode(0o4755)), ("d/", Item::Directory { mode: 0o1777, time: 77 })];
    let case = Case::new(&[("suid", plain("suid").mode(0o600))], &items);
    let mode = |name: &str| fs::metadata(case.tree().join(name)).unwrap().mode() & 0o7777;
    case.bring();
    assert_eq!((mode("suid"), mode("d")), (0o755, 0o777));
    bring(&case.target, &case.tree(), &case.store, &Options { special_bits: true, ..options() });
    assert_eq!((mode("suid"), mode("d")), (0o4755, 0o1777));
}

#[test]
fn a_file_with_a_name_outside_is_never_changed_through_the_name_inside() {
    let before = [
        ("chmod", plain("1").mode(0o644)),
        ("times", plain("2").time(1)),
        ("update", plain("3")),
        ("old", plain("4").mode(0o644)),
        ("removed", plain("5")),
    ];
    let after = [
        ("chmod", plain("1").mode(0o600)),
        ("times", plain("2").time(2)),
        ("update", plain("new")),
        ("moved", plain("4").mode(0o640)),
    ];
    let case = Case::new(&before, &after);
    let outside = case.outside("outside");
    for (name, _) in &before {
        fs::hard_link(case.tree().join(name), outside.join(name)).unwrap();
    }
    let untouched = describe(&outside);
    case.bring();
    case.check();
    assert_eq!(describe(&outside), untouched);
}

#[test]
fn hard_links_share_the_objects_of_the_store_which_stay_as_they_are() {
    let case =
        Case::new(&[("a", plain("old"))], &[("a", plain("object").mode(0o644)), ("b", plain("object").mode(0o755))]);
    let (object, _) = case.store.find(&C4Id::of(b"object")).unwrap().unwrap();
    let status = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.ino(), metadata.mode(), metadata.mtime(), metadata.mtime_nsec())
    };
    let before = status(&object);
    let hardlink = Options { link: LinkMode::Hardlink, ..options() };
    bring(&case.target, &case.tree(), &case.store, &hardlink);
    assert_eq!(status(&case.tree().join("a")), before);
    assert_eq!(status(&case.tree().join("b")), before);
    // Without hard links the files get their own modes and times, and the object keeps its own.
    case.bring();
    case.check();
    assert_eq!(status(&object), before);
    assert_eq!(fs::metadata(&object).unwrap().nlink(), 1);
}

#[test]
fn a_damaged_object_is_not_linked() {
    let case = Case::new(&[], &[("a", plain("object"))]);
    let (object, _) = case.store.find(&C4Id::of(b"object")).unwrap().unwrap();
    fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&object, "Object").unwrap();
    for link in [LinkMode::Hardlink, LinkMode::Auto, LinkMode::Copy] {
        let options = Options { link, ..options() };
        let plan = planned(&case.target, &case.tree(), &case.store, &options);
        let applied = applied(&plan, &case.store, &options).unwrap();
        assert!(matches!(applied.errors[..], [(0, ApplyError::Corrupt { .. })]), "{:?}", applied.errors);
        assert!(!case.tree().join("a").exists());
    }
}

#[test]
fn blocks_that_cannot_be_shared_are_an_error_only_where_that_is_asked_for() {
    let case = Case::new(&[], &[("a", plain("object"))]);
    let options = Options { link: LinkMode::Reflink, ..options() };
    let plan = planned(&case.target, &case.tree(), &case.store, &options);
    let applied = applied(&plan, &case.store, &options).unwrap();
    assert!(errors(&applied)[0].starts_with("a: cannot share the content: "), "{:?}", applied.errors);
    case.bring();
    case.check();
}

/// A file system of its own, if this process may mount one.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn xfs(arguments: &[&str]) -> Option<Self> {
        let root = tempfile::tempdir().unwrap();
        let image = root.path().join("image");
        fs::File::create(&image).unwrap().set_len(320 << 20).unwrap();
        fs::create_dir(root.path().join("mount")).unwrap();
        let made = Command::new("mkfs.xfs").arg("-q").args(arguments).arg(&image).output();
        let mounted = made.is_ok_and(|output| output.status.success())
            && Command::new("mount")
                .args(["-o", "loop"])
                .arg(&image)
                .arg(root.path().join("mount"))
                .output()
                .is_ok_and(|output| output.status.success());
        mounted.then(|| Self(root))
    }

    fn scratch(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(self.0.path().join("mount")).unwrap()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path().join("mount")).status();
    }
}

#[test]
fn blocks_are_shared_where_the_file_system_can() {
    let Some(mounted) = Mounted::xfs(&["-m", "reflink=1"]) else { return };
    let large = "shared ".repeat(100_000);
    let case = Case::in_directory(
        mounted.scratch(),
        &[("b", plain("old"))],
        &[("a", plain(&large)), ("b", plain(&large)), ("c", plain("small"))],
    );
    bring(&case.target, &case.tree(), &case.store, &Options { link: LinkMode::Reflink, ..options() });
    case.check();
    let (object, _) = case.store.find(&C4Id::of(large.as_bytes())).unwrap().unwrap();
    let map = Command::new("xfs_io").args(["-r", "-c", "fiemap -v"]).arg(case.tree().join("a")).output();
    if let Ok(map) = map {
        // FIEMAP_EXTENT_SHARED
        assert!(String::from_utf8_lossy(&map.stdout).contains("0x200"), "{map:?}");
    }
    assert_ne!(fs::metadata(&object).unwrap().ino(), fs::metadata(case.tree().join("a")).unwrap().ino());
    // What was shared is verified as well.
    fs::remove_file(case.tree().join("a")).unwrap();
    let mut file = fs::File::create(&object).unwrap();
    file.write_all(&large.replace('s', "S").into_bytes()).unwrap();
    drop(file);
    fs::remove_file(case.tree().join("b")).unwrap();
    let applied = case.apply(&case.plan()).unwrap();
    assert!(
        applied.errors.iter().all(|(_, error)| matches!(error, ApplyError::Corrupt { .. })),
        "{:?}",
        applied.errors
    );
    assert_eq!(applied.errors.len(), 2);
}

#[test]
fn names_that_the_file_system_takes_for_one_are_refused_before_the_first_write() {
    let items = [("Readme", plain("1")), ("README", plain("2"))];
    let case = Case::new(&[], &items);
    case.bring();
    case.check();
    let Some(mounted) = Mounted::xfs(&["-n", "version=ci"]) else { return };
    let directory = mounted.scratch();
    fs::write(directory.path().join("there"), "stays").unwrap();
    let plan = planned(&case.target, directory.path(), &case.store, &options());
    let result = case.apply(&plan);
    assert!(matches!(&result, Err(ApplyError::Twins(..))), "{result:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn only_one_process_changes_a_directory_at_a_time() {
    let case = Case::new(&[], &[("x", plain("x"))]);
    let plan = case.plan();
    fs::create_dir(case.tree().join(staging())).unwrap();
    let lock = fs::File::create(case.tree().join(staging()).join(".lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert!(matches!(case.apply(&plan), Err(ApplyError::Busy(_))));
    assert!(!case.tree().join("x").exists());
    drop(lock);
    case.bring();
    case.check();
}

#[test]
fn a_link_or_a_file_in_place_of_the_directory_of_temporaries_is_refused() {
    let case = Case::new(&[], &[("x", plain("x"))]);
    let plan = case.plan();
    let outside = case.outside("outside");
    let untouched = describe(&outside);
    symlink(&outside, case.tree().join(staging())).unwrap();
    assert!(matches!(case.apply(&plan), Err(ApplyError::Staging { .. })));
    fs::remove_file(case.tree().join(staging())).unwrap();
    fs::write(case.tree().join(staging()), "a file").unwrap();
    assert!(matches!(case.apply(&plan), Err(ApplyError::Staging { .. })));
    assert_eq!(describe(&outside), untouched);
    assert!(!case.tree().join("x").exists());
}

#[test]
fn what_a_killed_run_left_is_used_and_goes() {
    let case = Case::new(&[("gone", plain("gone"))], &[("x", plain("only in the tree"))]);
    case.store.remove(&C4Id::of(b"only in the tree")).unwrap();
    let left = case.tree().join(staging());
    fs::create_dir(&left).unwrap();
    fs::write(left.join("7"), "only in the tree").unwrap();
    fs::write(left.join("8"), "half of someth").unwrap();
    fs::write(left.join(".lock"), "").unwrap();
    case.bring();
    case.check();
}

#[test]
fn a_run_that_is_cancelled_loses_nothing_and_can_be_run_again() {
    let names: Vec<String> = (0..40).map(|number| format!("d/{number}")).collect();
    let item = |number: usize| plain(&format!("content {number}"));
    let state = |shift: usize| {
        let files = names.iter().enumerate().map(|(number, name)| (&**name, item((number + shift) % names.len())));
        files.chain([("d/", Item::Directory { mode: 0o555, time: 7 })]).collect::<Vec<(&str, Item)>>()
    };
    let (before, after) = (state(0), state(1));
    for cancel_at in [0, 1, 7, 39] {
        let case = Case::new(&before, &after);
        let plan = plan(&case.target, &case.tree(), &[], &options(), &ScanProgress::default()).unwrap();
        let progress = ScanProgress::default();
        if cancel_at == 0 {
            progress.cancel();
        }
        let count = AtomicUsize::new(0);
        let on_done = |_: usize, _: Kind| {
            if count.fetch_add(1, Ordering::Relaxed) + 1 == cancel_at {
                progress.cancel();
            }
        };
        assert!(matches!(apply(&plan, &[], &options(), &progress, &on_done), Err(ApplyError::Cancelled)));
        let mode = fs::metadata(case.tree().join("d")).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o555, "what it was lent is taken back");
        let store = TreeStore::new(&case.root.path().join("empty"), SPLIT_THRESHOLD, Durability::None).unwrap();
        bring(&case.target, &case.tree(), &store, &options());
        case.check();
    }
}

#[test]
fn a_link_that_a_racing_process_swaps_in_leads_nowhere() {
    let names: Vec<String> = (0..30).flat_map(|number| [format!("d/e/{number}"), format!("d/{number}")]).collect();
    let items = |content: &str| -> Vec<(String, Item)> {
        names.iter().map(|name| (name.clone(), plain(&format!("{content} {name}")))).collect()
    };
    fn borrowed(items: &[(String, Item)]) -> Vec<(&str, Item)> {
        items.iter().map(|(name, item)| (&**name, item.clone())).collect()
    }
    let (one, two) = (items("one"), items("two"));
    let case = Case::new(&borrowed(&one), &borrowed(&one));
    make(&case.root.path().join("other state"), &borrowed(&two));
    let other = manifest_of(&case.root.path().join("other state"), &case.store);
    let outside = case.outside("outside");
    make(
        &outside.join("d"),
        &borrowed(&items("outside")).iter().map(|(name, item)| (&name[2..], item.clone())).collect::<Vec<_>>(),
    );
    let untouched = describe(&outside);
    let end = Instant::now() + Duration::from_secs(2);
    let is_over = AtomicBool::new(false);
    let (swaps, runs) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (tree, real) = (case.tree(), case.tree().join("d.real"));
            while !is_over.load(Ordering::Relaxed) {
                // A directory, then a link to the directory outside, in one place.
                if fs::rename(tree.join("d"), &real).is_ok() {
                    let _ = symlink(outside.join("d"), tree.join("d"));
                    std::thread::yield_now();
                    let _ = fs::remove_file(tree.join("d"));
                    let _ = fs::rename(&real, tree.join("d"));
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        while Instant::now() < end {
            for target in [&other, &case.target] {
                if let Ok(plan) = plan(target, &case.tree(), &[&case.store], &options(), &ScanProgress::default()) {
                    let _ = case_apply(&case, &plan);
                    runs.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    println!("{} swaps during {} runs", swaps.load(Ordering::Relaxed), runs.load(Ordering::Relaxed));
    assert!(swaps.into_inner() > 100 && runs.into_inner() > 2);
    assert_eq!(describe(&outside), untouched);
}

fn case_apply(case: &Case, plan: &Plan) -> Result<Applied, ApplyError> {
    apply(plan, &[&case.store], &options(), &ScanProgress::default(), &|_, _| ())
}

/// Trees of a few names and contents: moves, swaps and changes of type come by themselves.
fn any_state() -> impl Strategy<Value = Vec<(String, Item)>> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let path = prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
    let item = (0..6_u32, 0..3_usize, 0..3_i64).prop_map(|(content, mode, time)| match content {
        0 => link("a"),
        1 => link("/elsewhere"),
        content => plain(&format!("content {content}")).mode([0o644, 0o600, 0o755][mode]).time(1_000_000 + time),
    });
    prop::collection::vec((path, item), 0..12).prop_map(|items| {
        // A name is a file or a directory, whichever comes first.
        let mut kept: Vec<(String, Item)> = Vec::new();
        for (path, item) in items {
            let meets = |other: &str| {
                other == path || other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
            };
            if !kept.iter().any(|(other, _)| meets(other)) {
                kept.push((path, item));
            }
        }
        kept
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_becomes_any_other(before in any_state(), after in any_state(), workers in 1..4_usize) {
        let borrow = |items: &[(String, Item)]| items.iter().map(|(path, item)| (path.clone(), item.clone())).collect::<Vec<_>>();
        let (before, after) = (borrow(&before), borrow(&after));
        let before: Vec<(&str, Item)> = before.iter().map(|(path, item)| (&**path, item.clone())).collect();
        let after: Vec<(&str, Item)> = after.iter().map(|(path, item)| (&**path, item.clone())).collect();
        let case = Case::new(&before, &after);
        bring(&case.target, &case.tree(), &case.store, &Options { workers: Some(workers), ..Options::default() });
        case.check();
    }
}

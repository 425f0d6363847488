//! A directory becomes what a manifest describes: what comes of it, and of work that fails or stops half way.

#![cfg(target_os = "linux")]

mod children;
mod states;

use std::fs;
use std::io::{self};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use c4::C4Id;
use c4::c4m::{Entry, Field, Manifest, Mode, Timestamp};
use c4::reconcile::{ApplyError, Content, ContentSource, Kind, Options, apply, plan};
use c4::scan::ScanProgress;
use c4::store::{Durability, SPLIT_THRESHOLD, StoreError, TreeStore};
use children::{child, work};
use proptest::prelude::*;
use states::case::{Case, applied, bring, errors, options, planned, staging};
use states::{Item, borrowed, describe, link, plain};

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
            let expected = if wrong.len() > content.len() {
                format!("{path}: the content has {} bytes, and should have {}", wrong.len(), content.len())
            } else {
                format!("{path}: the content of {} has the ID", C4Id::of(content.as_bytes()))
            };
            assert!(told.contains(&expected), "{told}");
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
fn paths_longer_than_one_call_takes_are_made_and_removed() {
    let mut target = Manifest::default();
    for depth in 0..40 {
        let entry = Entry {
            depth,
            mode: Mode::from_bits(0o040_755),
            time: Timestamp(99),
            ..Entry::new(format!("{}/", "n".repeat(200)))
        };
        target.push(&entry.as_row());
    }
    let file = Entry {
        depth: 40,
        mode: Mode::from_bits(0o600),
        time: Timestamp(100),
        size: 0,
        id: C4Id::of(b""),
        ..Entry::new("file")
    };
    target.push(&file.as_row());
    let case = Case::new(&[], &[]);
    bring(&target, &case.tree(), &case.store, &options());
    let again = planned(&target, &case.tree(), &case.store, &options());
    assert!(again.operations.is_empty(), "{:?}", again.operations);
    bring(&Manifest::default(), &case.tree(), &case.store, &options());
    assert_eq!(fs::read_dir(case.tree()).unwrap().count(), 0);
}

#[test]
fn a_root_without_permission_for_its_owner_keeps_its_mode() {
    let case = Case::new(&[("gone", plain("gone"))], &[("x", plain("x"))]);
    fs::set_permissions(case.tree(), fs::Permissions::from_mode(0o555)).unwrap();
    case.bring();
    case.check();
    assert_eq!(fs::metadata(case.tree()).unwrap().mode() & 0o7777, 0o555);
}

#[test]
fn a_manifest_among_the_files_may_have_the_size_of_another_form() {
    let case = Case::new(&[], &[("m.c4m", plain("canonical"))]);
    let mut target = case.target.clone();
    target.set(target.row_at(0).unwrap(), Field::Size(1234));
    bring(&target, &case.tree(), &case.store, &options());
    case.check();
}

#[test]
fn a_source_that_takes_one_at_a_time_is_asked_by_one_at_a_time() {
    struct Single<'s>(&'s TreeStore, AtomicUsize);
    impl ContentSource for Single<'_> {
        fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
            ContentSource::has(self.0, id)
        }
        fn open(&self, id: &C4Id) -> Result<Option<Content>, StoreError> {
            assert_eq!(self.1.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
            std::thread::sleep(Duration::from_millis(1));
            let content = ContentSource::open(self.0, id);
            self.1.fetch_sub(1, Ordering::SeqCst);
            content
        }
        fn concurrency(&self) -> usize {
            1
        }
    }
    let names: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let after: Vec<(&str, Item)> = names.iter().map(|name| (&**name, plain(name))).collect();
    let case = Case::new(&[], &after);
    let single = Single(&case.store, AtomicUsize::new(0));
    bring(&case.target, &case.tree(), &single, &Options { workers: Some(8), ..Options::default() });
    case.check();
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
        let case = Case::new(&borrowed(&before), &borrowed(&after));
        bring(&case.target, &case.tree(), &case.store, &Options { workers: Some(workers), ..Options::default() });
        case.check();
    }
}

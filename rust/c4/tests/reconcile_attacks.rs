//! What would lead the work out of its directory, or have it lose what others put there: links, names, pipes, other names of
//! a file, special bits, and what changes between the plan and the work.

#![cfg(target_os = "linux")]

mod children;
mod states;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use c4::c4m::Field;
use c4::reconcile::{Applied, ApplyError, Options, Plan, apply, plan};
use c4::scan::ScanProgress;
use children::{child, work};
use states::case::{Case, Mounted, bring, errors, options, planned, staging};
use states::{Item, borrowed, describe, link, make, manifest_of, mkfifo, plain};

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
    let mut plan = case.plan();
    let elsewhere = case.root.path().join("elsewhere");
    fs::rename(case.tree(), &elsewhere).unwrap();
    symlink(&elsewhere, case.tree()).unwrap();
    for directory in [case.tree(), case.tree().join("")] {
        plan.directory = directory;
        assert!(matches!(case.apply(&plan), Err(ApplyError::Root { .. })));
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
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
fn a_name_that_would_lead_out_is_refused_also_when_a_plan_has_it() {
    let case = Case::new(&[("gone", plain("gone"))], &[("d/x", plain("x")), ("y", plain("y"))]);
    let outside = case.outside("outside");
    let untouched = describe(&outside);
    for name in ["..", ".", "", "../outside/precious", "/", "a\0b"] {
        let mut plan = case.plan();
        let row = plan.operations.iter().filter_map(|operation| operation.target).next_back().unwrap();
        plan.target.set(row, Field::Name(name.into()));
        let applied = case.apply(&plan).unwrap();
        assert!(applied.errors.iter().any(|(_, error)| matches!(error, ApplyError::Name(_))), "{name}: {applied:?}");
        assert!(case.tree().join("gone").exists());
        assert_eq!(describe(&outside), untouched);
    }
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
fn a_link_that_a_racing_process_swaps_in_leads_nowhere() {
    // Each in a directory of its own, which is opened for it.
    let names: Vec<String> = (0..60).map(|number| format!("d/{number}/file")).collect();
    let items = |content: &str| -> Vec<(String, Item)> {
        names.iter().map(|name| (name.clone(), plain(&format!("{content} {name}")))).collect()
    };
    let (one, two) = (items("one"), items("two"));
    let case = Case::new(&borrowed(&one), &borrowed(&one));
    make(&case.root.path().join("other state"), &borrowed(&two));
    let other = manifest_of(&case.root.path().join("other state"), &case.store);
    let outside = case.outside("outside");
    make(
        &outside.join("d"),
        &borrowed(&items("out")).iter().map(|(name, item)| (&name[2..], item.clone())).collect::<Vec<_>>(),
    );
    // Of one size and time with those inside: nothing but the way tells them apart.
    let untouched = describe(&outside);
    let work = [case.tree(), outside.join("d")].map(|path| path.to_str().unwrap().to_owned());
    let racer =
        child("work_of_a_racer", &[&*work[0], &*work[1]]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (end, mut runs) = (Instant::now() + RACE, 0);
    while Instant::now() < end {
        for target in [&other, &case.target] {
            if let Ok(plan) = plan(target, &case.tree(), &[&case.store], &options(), &ScanProgress::default()) {
                let _ = case_apply(&case, &plan);
                runs += 1;
            }
        }
    }
    let said = String::from_utf8(racer.wait_with_output().unwrap().stdout).unwrap();
    let swaps: usize = said.lines().find_map(|line| line.strip_prefix("swaps ")).unwrap().parse().unwrap();
    println!("{swaps} swaps during {runs} runs");
    assert!(swaps > 100 && runs > 2, "{swaps} swaps during {runs} runs");
    assert_eq!(describe(&outside), untouched);
}

/// How long another process races with the work.
const RACE: Duration = Duration::from_secs(2);

/// What the other process does: a directory of the tree, then a link to one outside, in one place, again and again.
#[test]
fn work_of_a_racer() {
    let Some(work) = work() else { return };
    let (tree, outside) = (Path::new(&work[0]), Path::new(&work[1]));
    let (end, mut swaps) = (Instant::now() + RACE, 0);
    while Instant::now() < end {
        if fs::rename(tree.join("d"), tree.join("d.real")).is_ok() {
            let _ = symlink(outside, tree.join("d"));
            std::thread::yield_now();
            let _ = fs::remove_file(tree.join("d"));
            let _ = fs::rename(tree.join("d.real"), tree.join("d"));
            swaps += 1;
        }
    }
    println!("\nswaps {swaps}");
}

fn case_apply(case: &Case, plan: &Plan) -> Result<Applied, ApplyError> {
    apply(plan, &[&case.store], &options(), &ScanProgress::default(), &|_, _| ())
}

//! What came into a directory between the plan and the work is neither lost nor changed.

#![cfg(target_os = "linux")]

mod children;
mod states;

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use c4::C4Id;
use c4::reconcile::{ApplyError, Content, ContentSource};
use c4::store::StoreError;
use states::case::{Case, applied, errors, options, planned, staging};
use states::{Item, describe, link, plain};

/// Makes the directory in which content waits, as a run leaves it that was killed.
fn staged(case: &Case) -> std::path::PathBuf {
    let staged = case.tree().join(staging());
    fs::create_dir(&staged).unwrap();
    fs::write(staged.join(".lock"), "").unwrap();
    staged
}

#[test]
fn what_another_run_set_aside_after_the_plan_was_made_is_not_removed() {
    let case = Case::new(&[("only", plain("precious")), ("z", plain("old"))], &[("only", plain("precious"))]);
    let plan = case.plan();
    fs::rename(case.tree().join("only"), staged(&case).join("0")).unwrap();
    let before = describe(&case.tree());
    let error = case.apply(&plan).unwrap_err();
    assert!(matches!(&error, ApplyError::Staging { path, .. } if path.ends_with(staging().join("0"))), "{error}");
    assert_eq!(describe(&case.tree()), before);
    // A new plan knows of it.
    case.bring();
    case.check();
}

#[test]
fn what_has_the_name_of_something_that_waited_is_not_removed() {
    let case = Case::new(&[("only", plain("precious"))], &[("only", plain("precious"))]);
    let waits = staged(&case).join("0");
    fs::write(&waits, "precarious").unwrap();
    let plan = case.plan();
    let time = fs::metadata(&waits).unwrap().modified().unwrap();
    fs::write(&waits, "preciouses").unwrap();
    fs::File::open(&waits).unwrap().set_modified(time + Duration::from_nanos(1)).unwrap();
    assert!(matches!(case.apply(&plan), Err(ApplyError::Staging { .. })));
    assert_eq!(fs::read(&waits).unwrap(), b"preciouses");
    case.bring();
    case.check();
}

#[test]
fn a_directory_among_what_waits_is_refused_by_its_path() {
    let case = Case::new(&[], &[("x", plain("x"))]);
    fs::create_dir(staged(&case).join("sub")).unwrap();
    let error = case.apply(&case.plan()).unwrap_err();
    assert!(matches!(&error, ApplyError::Staging { path, .. } if path.ends_with(staging().join("sub"))), "{error}");
    assert!(!case.tree().join("x").exists());
}

#[test]
fn a_run_that_is_refused_leaves_directories_as_they_are() {
    let directory = |mode| Item::Directory { mode, time: 77 };
    let case = Case::new(&[("d/", directory(0o700))], &[("d/", directory(0o755))]);
    let plan = case.plan();
    let lock = fs::File::open(staged(&case).join(".lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert!(matches!(case.apply(&plan), Err(ApplyError::Busy(_))));
    assert_eq!(fs::metadata(case.tree().join("d")).unwrap().mode() & 0o777, 0o700);
    drop(lock);
    case.bring();
    case.check();
}

#[test]
fn a_file_that_was_written_to_within_the_second_is_neither_replaced_nor_removed() {
    let before = [("hashed", plain("AAA")), ("replaced", plain("of another size")), ("removed", plain("BBBBB"))];
    let case = Case::new(&before, &[("hashed", plain("CCC")), ("replaced", plain("DDDD"))]);
    let plan = case.plan();
    for (name, _) in &before {
        let path = case.tree().join(name);
        let (length, time) = (fs::metadata(&path).unwrap().len(), fs::metadata(&path).unwrap().modified().unwrap());
        fs::write(&path, "!".repeat(length as usize)).unwrap();
        fs::File::open(&path).unwrap().set_modified(time + Duration::from_nanos(900)).unwrap();
    }
    let told = errors(&case.apply(&plan).unwrap());
    for name in ["hashed", "replaced"] {
        assert!(told.contains(&format!("{name}: changed since the plan was made")), "{told:?}");
    }
    for (name, _) in &before {
        assert!(fs::read(case.tree().join(name)).unwrap().starts_with(b"!!!"), "{name}");
    }
}

#[test]
fn another_file_of_the_same_size_and_time_is_not_removed() {
    let case = Case::new(&[("removed", plain("old"))], &[]);
    let plan = case.plan();
    let path = case.tree().join("removed");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(case.tree().join("new"), "new").unwrap();
    fs::rename(case.tree().join("new"), &path).unwrap();
    fs::File::open(&path).unwrap().set_modified(time).unwrap();
    assert_eq!(errors(&case.apply(&plan).unwrap()), ["removed: changed since the plan was made"]);
    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[test]
fn a_link_that_points_elsewhere_by_then_is_neither_replaced_nor_removed() {
    let before = [("removed", link("one")), ("replaced", link("one"))];
    let case = Case::new(&before, &[("replaced", link("two"))]);
    for removed_too in [true, false] {
        let plan = case.plan();
        let changed = if removed_too { "replaced" } else { "removed" };
        fs::remove_file(case.tree().join(changed)).unwrap();
        symlink("precious", case.tree().join(changed)).unwrap();
        let told = errors(&case.apply(&plan).unwrap());
        assert!(told.contains(&format!("{changed}: changed since the plan was made")), "{told:?}");
        assert_eq!(fs::read_link(case.tree().join(changed)).unwrap(), Path::new("precious"));
    }
}

/// A source whose content has no end, as far as it is read.
struct Endless;

impl ContentSource for Endless {
    fn has(&self, _: &C4Id) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn open(&self, _: &C4Id) -> Result<Option<Content>, StoreError> {
        Ok(Some(Content::Stream(Box::new(io::repeat(0).take(64 << 20)))))
    }

    fn concurrency(&self) -> usize {
        1
    }
}

#[test]
fn no_more_is_read_of_a_source_than_shows_that_it_is_too_long() {
    let case = Case::new(&[], &[("x", plain("abc"))]);
    let plan = planned(&case.target, &case.tree(), &Endless, &options());
    let applied = applied(&plan, &Endless, &options()).unwrap();
    let [(_, ApplyError::Length { expected: 3, actual, .. })] = &applied.errors[..] else {
        panic!("{:?}", applied.errors)
    };
    assert!(*actual < 1 << 20, "{actual} bytes were read");
    assert_eq!(fs::read_dir(case.tree()).unwrap().count(), 0);
}

#[test]
fn what_lies_deep_below_a_directory_that_a_file_replaces_makes_way_for_it() {
    let depth = 200;
    let deep = "d/".repeat(depth);
    let names: Vec<String> = (0..50).map(|number| format!("{deep}{number}")).collect();
    let before: Vec<(&str, Item)> = names.iter().map(|name| (name.as_str(), plain("gone"))).collect();
    let case = Case::new(&before, &[("d/d/d", plain("a file")), ("e", plain("e"))]);
    case.bring();
    case.check();
}

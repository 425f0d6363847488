//! How content comes into a directory: shared blocks, hard links of the store's objects.

#![cfg(target_os = "linux")]

mod children;
mod states;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use c4::C4Id;
use c4::reconcile::{ApplyError, DirectorySource, LinkMode, Options};
use children::{child, work};
use states::case::{Case, Mounted, applied, bring, errors, options, planned};
use states::plain;

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
fn files_of_another_user_in_a_directory_that_is_shared_are_replaced() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let before = [("moved", plain("moved").mode(0o644)), ("mode", plain("mode").mode(0o644)), ("time", plain("time"))];
    let after =
        [("to", plain("moved").mode(0o640)), ("mode", plain("mode").mode(0o640)), ("time", plain("time").time(9))];
    let case = Case::new(&before, &after);
    let text = c4::c4m::encode(&case.target).unwrap();
    fs::write(case.root.path().join("target.c4m"), text).unwrap();
    for shared in [case.root.path().to_owned(), case.tree()] {
        fs::set_permissions(shared, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let ended = child("work_of_another_user", &[case.root.path().to_str().unwrap()]).uid(65_534).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    fs::set_permissions(case.tree(), fs::metadata(case.root.path().join("state")).unwrap().permissions()).unwrap();
    case.check();
}

/// What the other user's process does: it brings the tree to the state.
#[test]
fn work_of_another_user() {
    let Some(work) = work() else { return };
    let root = Path::new(&work[0]);
    let target = c4::c4m::decode(&fs::read(root.join("target.c4m")).unwrap()).unwrap();
    let source = DirectorySource::new(&root.join("state"), &root.join("tree"), Some(1)).unwrap();
    bring(&target, &root.join("tree"), &source, &options());
}

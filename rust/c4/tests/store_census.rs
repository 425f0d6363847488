//! What a store directory holds: every file, and what it is.

mod layout;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use c4::C4Id;
use c4::scan::ScanProgress;
use c4::store::{Census, Found, Misplacement, StrayKind, TemporaryKind, stats};
use proptest::prelude::*;
use rustix::fs::FlockOperation;
use tempfile::tempdir;

use layout::*;

#[test]
fn an_empty_store_holds_nothing_and_a_missing_one_is_an_error() {
    let root = tempdir().unwrap();
    assert!(census(root.path()).is_empty());
    assert_eq!(stats(root.path(), &ScanProgress::default()).unwrap().objects, 0);
    assert!(Census::new(&root.path().join("no")).is_err());
}

#[test]
fn objects_come_in_the_order_of_their_ids_wherever_they_lie() {
    let (root, ids) = split_store(5000);
    assert_eq!(objects(root.path()), ids);
    let stats = stats(root.path(), &ScanProgress::default()).unwrap();
    assert_eq!(stats.objects, 5000);
    assert_eq!(stats.bytes, (0..5000).map(|number| numbered(number).len() as u64).sum::<u64>());
    assert_eq!(stats.depths.iter().sum::<u64>(), 5000);
    assert!(stats.depths[3] > 900, "{:?}", stats.depths);
    for at in [0, 1, 777, 4998, 4999] {
        let rest: Vec<C4Id> = Census::after(root.path(), Some(ids[at]))
            .unwrap()
            .filter_map(|found| match found {
                Found::Object(object) => Some(object.id),
                _ => None,
            })
            .collect();
        assert_eq!(rest, ids[at + 1..]);
    }
}

#[test]
fn every_kind_of_file_is_told_apart() {
    let root = tempdir().unwrap();
    let root = root.path();
    let (shadowed, lost, taken_out) = (C4Id::of(b"shadowed"), C4Id::of(b"lost"), C4Id::of(b"taken out"));
    put(root, b"shadowed");
    let in_place = C4Id::of(b"in place");
    attract(root, &in_place, 2);
    put(root, b"in place");
    fs::create_dir(root.join("ab")).unwrap();
    fs::write(root.join("ab").join(lost.to_string()), "lost").unwrap();
    fs::write(root.join(format!(".gc.{taken_out}")), "taken out").unwrap();
    let name = |letter: u8| C4Id::of(&[letter]).to_string();
    symlink("/etc/passwd", root.join(name(1))).unwrap();
    assert!(Command::new("mkfifo").arg(root.join(name(2))).status().unwrap().success());
    fs::create_dir(root.join(name(3))).unwrap();
    fs::write(root.join("esc\u{1b}[31m\nname"), "").unwrap();
    let wrong_digit = name(4).replace(&name(4)[40..41], "0");
    fs::write(root.join(&wrong_digit), "").unwrap();
    fs::write(root.join(&name(5)[..89]), "").unwrap();
    fs::create_dir(root.join("objects")).unwrap();
    symlink("/etc", root.join("et")).unwrap();
    symlink("..", root.join("c4/zz")).unwrap();
    fs::write(root.join("xy"), "a file of two characters").unwrap();
    fs::create_dir(root.join("quarantine")).unwrap();
    fs::write(root.join("quarantine").join(name(6)), "four").unwrap();
    fs::write(root.join(".ingest.123"), "").unwrap();
    fs::write(root.join("c4/.ingest.456"), "").unwrap();
    fs::write(root.join(".DS_Store"), "").unwrap();
    for (session, age) in [("0", 0), ("1", 3700), ("2", 0), ("3", 3700)] {
        let directory = root.join(".ingest.".to_owned() + &session.repeat(16));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join(".7"), "").unwrap();
        if session == "1" || session == "2" {
            File::create(directory.join(".lock")).unwrap();
            set_age(&directory.join(".lock"), Duration::from_secs(age));
        }
        set_age(&directory, Duration::from_secs(age));
    }
    let held = File::open(root.join(".ingest.1111111111111111/.lock")).unwrap();
    rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();

    let mut found: Vec<String> = census(root)
        .into_iter()
        .map(|found| match found {
            Found::Object(object) if object.id == shadowed && object.is_shadowed => "shadowed".into(),
            Found::Object(object) if object.id == in_place && !object.is_shadowed && object.depth == 2 => {
                assert!(root.join(object.path()).is_file());
                "in place".into()
            }
            Found::Lost(path, id, Misplacement::Unreachable) if id == lost && path.starts_with("ab") => "lost".into(),
            Found::Lost(_, id, Misplacement::TakenOut) if id == taken_out => "taken out".into(),
            Found::Stray(path, kind) if path.as_os_str().len() == 90 && kind != StrayKind::Name => format!("{kind:?}"),
            Found::Quarantined(path) if path.parent() == Some(Path::new("quarantine")) => "quarantined".into(),
            other => format!("{other:?}"),
        })
        .collect();
    let mut expected: Vec<String> =
        ["shadowed", "in place", "lost", "taken out", "Symlink", "Special", "Directory", "quarantined"]
            .map(str::to_owned)
            .to_vec();
    for (path, kind) in [
        ("esc\u{1b}[31m\nname", StrayKind::Name),
        (&wrong_digit, StrayKind::Name),
        (&name(5)[..89], StrayKind::Name),
        ("objects", StrayKind::Directory),
        ("et", StrayKind::Symlink),
        ("c4/zz", StrayKind::Loop),
        ("xy", StrayKind::Name),
    ] {
        expected.push(format!("{:?}", Found::Stray(path.into(), kind)));
    }
    for (path, kind) in [
        (".ingest.123", TemporaryKind::Foreign),
        ("c4/.ingest.456", TemporaryKind::Foreign),
        (".DS_Store", TemporaryKind::Hidden),
        (".ingest.0000000000000000", TemporaryKind::Live),
        (".ingest.1111111111111111", TemporaryKind::Live),
        (".ingest.2222222222222222", TemporaryKind::Dead),
        (".ingest.3333333333333333", TemporaryKind::Dead),
    ] {
        expected.push(format!("{:?}", Found::Temporary(path.into(), kind)));
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let stats = stats(root, &ScanProgress::default()).unwrap();
    assert_eq!((stats.objects, stats.bytes, stats.depths), (2, 16, vec![1, 0, 1]));
    assert_eq!((stats.misplaced, stats.stray, stats.temporary), (2, 10, 7));
    assert_eq!((stats.quarantined, stats.quarantined_bytes), (1, 4));
}

#[test]
fn a_directory_that_is_a_link_is_followed_where_an_id_leads_to_it() {
    let (root, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
    let id = C4Id::of(b"x");
    symlink(elsewhere.path(), root.path().join("c4")).unwrap();
    put(root.path(), b"x");
    assert!(elsewhere.path().join(id.to_string()).is_file());
    assert_eq!(objects(root.path()), [id]);
}

#[test]
fn links_between_directories_do_not_multiply_the_work() {
    let root = tempdir().unwrap();
    let mut directory = root.path().join("c4");
    for _ in 0..40 {
        fs::create_dir(&directory).unwrap();
        // Two ways to the next level: 2^40 paths.
        symlink("11", directory.join("12")).unwrap();
        symlink("11", directory.join("13")).unwrap();
        directory.push("11");
    }
    assert!(census(root.path()).len() <= 40 * 40);
}

#[test]
fn directories_deeper_than_ids_are_long_are_strays() {
    let root = tempdir().unwrap();
    let id = C4Id::of(b"deep");
    attract(root.path(), &id, 44);
    put(root.path(), b"deep");
    let text = id.to_string();
    let deepest = place(root.path(), &id);
    fs::create_dir_all(deepest.join(&text[88..]).join("aa")).unwrap();
    let found = census(root.path());
    assert!(matches!(&found[0], Found::Stray(path, StrayKind::Directory) if path.ends_with(&text[88..])));
    assert!(matches!(&found[1], Found::Object(object) if object.id == id && object.depth == 44));
    assert_eq!(found.len(), 2);
}

#[test]
fn an_object_in_two_places_is_listed_once_and_its_copy_is_told() {
    let root = tempdir().unwrap();
    let id = put(root.path(), b"twice");
    attract(root.path(), &id, 2);
    put(root.path(), b"twice");
    let found: Vec<(u8, bool)> = census(root.path())
        .into_iter()
        .map(|found| match found {
            Found::Object(object) => (object.depth, object.is_copy),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [(0, false), (2, true)]);
    assert_eq!(stats(root.path(), &ScanProgress::default()).unwrap().objects, 1);
}

#[test]
fn no_object_is_missed_while_directories_split() {
    let root = tempdir().unwrap();
    let root = root.path();
    let mut ids: Vec<C4Id> = (0..1500).map(|number| put(root, &numbered(number))).collect();
    ids.sort();
    std::thread::scope(|scope| {
        let splitter = scope.spawn(|| {
            for levels in 1..=3 {
                for id in &ids {
                    attract(root, id, levels);
                    fs::rename(find(root, id).unwrap(), place(root, id).join(id.to_string())).unwrap();
                }
            }
        });
        let mut walks = 0;
        while !splitter.is_finished() || walks < 3 {
            assert!(objects(root) == ids, "an object was missed or came twice");
            walks += 1;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever levels exist, each object comes once, in order, and a walk can be taken up after any.
    #[test]
    fn any_layout_is_walked_in_order(levels in prop::collection::vec(0_usize..6, 1..60), at in any::<prop::sample::Index>()) {
        let root = tempdir().unwrap();
        let mut ids = Vec::new();
        for (number, levels) in levels.iter().enumerate() {
            let content = numbered(number as u32);
            attract(root.path(), &C4Id::of(&content), *levels);
            ids.push(put(root.path(), &content));
        }
        ids.sort();
        prop_assert_eq!(objects(root.path()), ids.clone());
        let at = at.index(ids.len());
        let rest = Census::after(root.path(), Some(ids[at])).unwrap().count();
        prop_assert_eq!(rest, ids.len() - at - 1);
    }
}

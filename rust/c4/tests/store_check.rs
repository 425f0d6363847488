//! What a store directory holds, whether its objects are what their names say, and which of them may go.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use c4::C4Id;
use c4::c4m::decode;
use c4::scan::ScanProgress;
use c4::store::{
    Census, CheckError, Corrupt, Found, GcOptions, GcReport, MarkError, Misplacement, Root, Sample, StoreReport,
    StrayKind, TemporaryKind, VerifyOptions, gc, stats, verify,
};
use proptest::prelude::*;
use rustix::fs::FlockOperation;
use tempfile::{TempDir, tempdir};

/// The directory that attracts an object.
fn place(root: &Path, id: &C4Id) -> PathBuf {
    let text = id.to_string();
    let mut directory = root.to_owned();
    for pair in text.as_bytes().chunks(2) {
        let below = directory.join(std::str::from_utf8(pair).unwrap());
        if !below.is_dir() {
            break;
        }
        directory = below;
    }
    directory
}

/// Where a reader that looks from the top finds an object.
fn find(root: &Path, id: &C4Id) -> Option<PathBuf> {
    let text = id.to_string();
    let mut directory = root.to_owned();
    for pair in text.as_bytes().chunks(2) {
        let path = directory.join(&text);
        if path.symlink_metadata().is_ok() {
            return Some(path);
        }
        directory.push(std::str::from_utf8(pair).unwrap());
        if !directory.is_dir() {
            break;
        }
    }
    None
}

fn put(root: &Path, content: &[u8]) -> C4Id {
    let id = C4Id::of(content);
    fs::write(place(root, &id).join(id.to_string()), content).unwrap();
    id
}

/// Makes the directories of an ID, so many levels.
fn attract(root: &Path, id: &C4Id, levels: usize) {
    let text = id.to_string();
    let path: PathBuf = (0..levels).map(|level| &text[2 * level..2 * level + 2]).collect();
    fs::create_dir_all(root.join(path)).unwrap();
}

fn numbered(number: u32) -> Vec<u8> {
    format!("object {number}").into_bytes()
}

/// A store of so many objects in directories two levels deep, some in the root.
fn split_store(count: u32) -> (TempDir, Vec<C4Id>) {
    let root = tempdir().unwrap();
    let mut ids = Vec::new();
    for number in 0..count {
        let id = C4Id::of(&numbered(number));
        match number % 5 {
            0 => {}
            1 => attract(root.path(), &id, 3),
            _ => attract(root.path(), &id, 2),
        }
        ids.push(put(root.path(), &numbered(number)));
    }
    ids.sort();
    (root, ids)
}

fn set_age(path: &Path, age: Duration) {
    let time = SystemTime::now() - age;
    let file = File::open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

fn census(root: &Path) -> Vec<Found> {
    Census::new(root).unwrap().collect()
}

fn objects(root: &Path) -> Vec<C4Id> {
    let ids = census(root).into_iter().filter_map(|found| match found {
        Found::Object(object) if !object.is_copy => Some(object.id),
        _ => None,
    });
    ids.collect()
}

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

fn check(root: &Path, options: &VerifyOptions) -> StoreReport {
    verify(root, options, &ScanProgress::default()).unwrap()
}

fn is_sound(report: &StoreReport) -> bool {
    report.is_complete && report.corrupt.is_empty() && report.unreadable.is_empty()
}

#[test]
fn a_sound_store_is_reported_sound_whatever_the_count_of_workers() {
    let (root, ids) = split_store(1000);
    put(root.path(), b"");
    let large = vec![7; 3_000_000];
    put(root.path(), &large);
    for workers in [1, 2, 5] {
        for drop_cache in [false, true] {
            let progress = ScanProgress::default();
            let options = VerifyOptions { workers, drop_cache, count_first: true, ..VerifyOptions::default() };
            let report = verify(root.path(), &options, &progress).unwrap();
            assert!(is_sound(&report) && report.cursor.is_none());
            assert_eq!(report.checked, ids.len() as u64 + 2);
            let bytes = (0..1000).map(|number| numbered(number).len() as u64).sum::<u64>() + large.len() as u64;
            assert_eq!(report.bytes, bytes);
            let stats = progress.stats();
            assert_eq!((stats.files_done, stats.files_total, stats.bytes_done), (1002, 1002, bytes));
        }
    }
}

/// Overwrites an object, which may be read-only.
fn damage(root: &Path, id: &C4Id, content: &[u8]) {
    let path = find(root, id).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn damage_of_any_kind_is_found_and_names_what_is_there_instead() {
    let (root, _) = split_store(200);
    let root = root.path();
    let content = vec![1; 100_000];
    let mut flipped = content.clone();
    flipped[99_999] ^= 1;
    let flipped_of = put(root, &content);
    damage(root, &flipped_of, &flipped);
    let truncated = put(root, b"truncated");
    damage(root, &truncated, b"truncate");
    let appended = put(root, b"appended");
    damage(root, &appended, b"appended\0");
    let emptied = put(root, b"emptied");
    damage(root, &emptied, b"");
    let filled = put(root, b"");
    damage(root, &filled, b"x");
    let report = check(root, &VerifyOptions::default());
    let mut expected: Vec<(C4Id, C4Id, u64)> = [
        (flipped_of, &flipped[..]),
        (truncated, b"truncate"),
        (appended, b"appended\0"),
        (emptied, b""),
        (filled, b"x"),
    ]
    .map(|(id, content)| (id, C4Id::of(content), content.len() as u64))
    .to_vec();
    expected.sort();
    let found: Vec<(C4Id, C4Id, u64)> =
        report.corrupt.items.iter().map(|corrupt| (corrupt.id, corrupt.actual, corrupt.size)).collect();
    assert_eq!(found, expected);
    assert_eq!(report.corrupt.count, 5);
    assert_eq!(report.checked, 205);
    assert!(report.corrupt.items.iter().all(|corrupt| corrupt.moved.is_none()));
    assert!(report.corrupt.items.iter().all(|corrupt| find(root, &corrupt.id) == Some(root.join(&corrupt.path))));
    assert!(!root.join("quarantine").exists());
}

#[test]
fn what_is_no_file_under_an_id_is_never_read() {
    let root = tempdir().unwrap();
    let root = root.path();
    let name = |letter: u8| root.join(C4Id::of(&[letter]).to_string());
    symlink("/etc/passwd", name(1)).unwrap();
    assert!(Command::new("mkfifo").arg(name(2)).status().unwrap().success());
    fs::create_dir(name(3)).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("s")).unwrap();
    fs::rename(root.join("s"), name(4)).unwrap();
    let report = check(root, &VerifyOptions::default());
    assert_eq!((report.checked, report.stray.count), (0, 4));
    assert!(is_sound(&report));
}

#[test]
fn corrupt_objects_go_to_the_quarantine_when_asked_and_nothing_is_replaced_there() {
    let (root, _) = split_store(50);
    let root = root.path();
    let id = put(root, b"good");
    for round in 0..3_u8 {
        if find(root, &id).is_none() {
            put(root, b"good");
        }
        damage(root, &id, &[round]);
        let report = check(root, &VerifyOptions { quarantine: true, ..VerifyOptions::default() });
        let [Corrupt { moved: Some(Ok(moved)), .. }] = &report.corrupt.items[..] else { panic!("{report:?}") };
        let name = if round == 0 { id.to_string() } else { format!("{id}.{round}") };
        assert_eq!(*moved, Path::new("quarantine").join(name));
        assert_eq!(fs::read(root.join(moved)).unwrap(), [round]);
        assert_eq!(find(root, &id), None);
        assert_eq!(report.quarantined.count, u64::from(round) + 1);
    }
    assert!(is_sound(&check(root, &VerifyOptions::default())));
    assert_eq!(stats(root, &ScanProgress::default()).unwrap().quarantined, 3);
}

#[test]
fn a_quarantine_that_is_no_directory_is_left_alone_and_told() {
    let (root, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
    symlink(elsewhere.path(), root.path().join("quarantine")).unwrap();
    let id = put(root.path(), b"good");
    damage(root.path(), &id, b"bad");
    let report = check(root.path(), &VerifyOptions { quarantine: true, ..VerifyOptions::default() });
    assert!(matches!(&report.corrupt.items[..], [Corrupt { moved: Some(Err(_)), .. }]));
    assert!(find(root.path(), &id).is_some());
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_sample_has_the_size_that_was_asked_for_and_depends_on_the_seed() {
    let (root, ids) = split_store(1000);
    for id in &ids {
        damage(root.path(), id, b"damaged");
    }
    let sample = |sample, seed| -> Vec<C4Id> {
        let report = check(root.path(), &VerifyOptions { sample, seed, ..VerifyOptions::default() });
        assert!(report.is_complete);
        assert_eq!(report.checked, report.corrupt.count);
        report.corrupt.items.iter().map(|corrupt| corrupt.id).collect()
    };
    assert_eq!(sample(Sample::Count(100), 1).len(), 100);
    assert_eq!(sample(Sample::Count(100), 1), sample(Sample::Count(100), 1));
    assert_ne!(sample(Sample::Count(100), 1), sample(Sample::Count(100), 2));
    assert_eq!(sample(Sample::Count(5000), 3), ids);
    assert!(sample(Sample::Count(0), 3).is_empty());
    assert!(sample(Sample::Fraction(0.0), 3).is_empty());
    assert_eq!(sample(Sample::Fraction(1.0), 3), ids);
    let mut all: Vec<C4Id> = (0..4).flat_map(|seed| sample(Sample::Fraction(0.25), seed)).collect();
    all.sort();
    all.dedup();
    assert_eq!(all, ids);
}

#[test]
fn runs_that_stop_for_lack_of_time_are_resumed_until_all_was_checked() {
    let (root, ids) = split_store(60);
    let root = root.path();
    let twice = C4Id::of(b"in two places");
    put(root, b"in two places");
    attract(root, &twice, 2);
    put(root, b"in two places");
    for id in ids.iter().step_by(7) {
        damage(root, id, b"damaged");
    }
    let (mut found, mut resume_after, mut runs, mut checked) = (Vec::new(), None, 0, 0);
    loop {
        let time_limit = Some(Duration::ZERO);
        let report = check(root, &VerifyOptions { resume_after, time_limit, ..VerifyOptions::default() });
        found.extend(report.corrupt.items.iter().map(|corrupt| corrupt.id));
        checked += report.checked;
        runs += 1;
        if report.is_complete {
            assert_eq!(report.cursor, None);
            break;
        }
        assert!(report.cursor > resume_after, "no progress");
        resume_after = report.cursor;
    }
    assert_eq!(found, ids.iter().copied().step_by(7).collect::<Vec<_>>());
    assert_eq!(checked, 62);
    assert!(runs >= 61);
    let whole = check(root, &VerifyOptions { time_limit: Some(Duration::from_secs(600)), ..VerifyOptions::default() });
    assert!(whole.is_complete && whole.checked == 62);
}

#[test]
fn verification_stops_when_it_is_cancelled() {
    let (root, _) = split_store(100);
    let progress = ScanProgress::default();
    progress.cancel();
    assert!(matches!(verify(root.path(), &VerifyOptions::default(), &progress), Err(CheckError::Cancelled)));
    assert!(matches!(stats(root.path(), &progress), Err(CheckError::Cancelled)));
    let result = gc(root.path(), &[], GcOptions::default(), &progress);
    assert!(matches!(result, Err(MarkError::Check(CheckError::Cancelled))));
}

#[test]
fn objects_that_move_or_go_while_they_are_checked_are_not_reported() {
    let root = tempdir().unwrap();
    let root = root.path();
    let ids: Vec<C4Id> = (0..500).map(|number| put(root, &numbered(number))).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for levels in 1..=4 {
                for (number, id) in ids.iter().enumerate() {
                    if number % 10 == 0 && levels == 2 {
                        fs::remove_file(find(root, id).unwrap()).unwrap();
                    } else if let Some(path) = find(root, id) {
                        attract(root, id, levels);
                        fs::rename(path, place(root, id).join(id.to_string())).unwrap();
                    }
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            let report = check(root, &VerifyOptions::default());
            assert!(is_sound(&report), "{report:?}");
            assert!(report.checked >= 450, "{}", report.checked);
        }
    });
}

const OLD: Duration = Duration::from_secs(48 * 3600);
const TIME: &str = "2025-01-01T00:00:00Z";

fn file_line(name: &str, content: &[u8]) -> String {
    format!("-rw-r--r-- {TIME} {} {name} {}\n", content.len(), C4Id::of(content))
}

fn directory_line(name: &str, id: &C4Id) -> String {
    format!("drwxr-xr-x {TIME} 4096 {name}/ {id}\n")
}

/// Makes all objects old.
fn age_all(root: &Path) {
    for found in census(root) {
        match found {
            Found::Object(object) => set_age(&root.join(object.path()), OLD),
            Found::Lost(path, ..) | Found::Temporary(path, _) => set_age(&root.join(path), OLD),
            _ => {}
        }
    }
}

fn collect(root: &Path, roots: &[Root]) -> Result<GcReport, String> {
    let options = GcOptions { dry_run: false, ..GcOptions::default() };
    gc(root, roots, options, &ScanProgress::default()).map_err(|error| error.to_string())
}

fn text(text: &str) -> Root {
    Root::Text(text.into())
}

#[test]
fn what_a_manifest_refers_to_is_kept_and_the_rest_removed() {
    let (root, ids) = split_store(500);
    let root = root.path();
    age_all(root);
    let listed: String = (0..100).map(|number| file_line(&format!("f{number}"), &numbered(number))).collect();
    let kept: Vec<C4Id> = ids.iter().copied().filter(|id| listed.contains(&id.to_string())).collect();
    let layout = |root: &Path| Command::new("find").arg(root).arg("-type").arg("d").output().unwrap().stdout;
    let before = layout(root);

    let dry = gc(root, &[text(&listed)], GcOptions::default(), &ScanProgress::default()).unwrap();
    assert_eq!(objects(root), ids);
    let report = collect(root, &[text(&listed)]).unwrap();
    assert_eq!(objects(root), kept);
    assert_eq!((report.kept, report.removed.count, report.young, report.marked), (100, 400, 0, 100));
    assert_eq!(report.removed.items, dry.removed.items);
    assert_eq!(report.removed_bytes, (100..500).map(|number| numbered(number).len() as u64).sum::<u64>());
    assert_eq!(dry.removed_bytes, report.removed_bytes);
    assert_eq!(layout(root), before, "directories stay");
    assert_eq!(collect(root, &[text(&listed)]).unwrap().removed.count, 0);
}

#[test]
fn every_form_of_a_root_is_followed() {
    let root = tempdir().unwrap();
    let root = root.path();
    let listing = file_line("a", b"a");
    let path = root.join("root.c4m");
    fs::write(&path, &listing).unwrap();
    let forms = [
        text(&listing),
        Root::Path(path),
        Root::Manifest(Arc::new(decode(listing.as_bytes()).unwrap())),
        Root::Id(C4Id::of(listing.as_bytes())),
        Root::Id(C4Id::of(b"a")),
    ];
    for form in &forms {
        let id = put(root, b"a");
        put(root, b"garbage");
        put(root, listing.as_bytes());
        age_all(root);
        let report = collect(root, std::slice::from_ref(form)).unwrap();
        assert!(find(root, &id).is_some(), "{form:?}");
        assert!(find(root, &C4Id::of(b"garbage")).is_none());
        let keeps_text = matches!(form, Root::Id(id) if *id == C4Id::of(listing.as_bytes()));
        assert_eq!(find(root, &C4Id::of(listing.as_bytes())).is_some(), keeps_text);
        assert_eq!(report.removed.count, if keeps_text { 1 } else { 2 });
    }
}

#[test]
fn directories_chains_bases_sequences_and_manifests_among_the_files_are_followed() {
    let root = tempdir().unwrap();
    let root = root.path();
    let mut expected = Vec::new();
    let mut keep = |content: &[u8]| {
        let id = put(root, content);
        expected.push(id);
        id
    };
    // A directory of a directory, by their texts alone.
    keep(b"deep file");
    let inner = keep(file_line("deep", b"deep file").as_bytes());
    let outer = keep(directory_line("inner", &inner).as_bytes());
    // A base that is a chain on a base.
    keep(b"oldest");
    let oldest = keep(file_line("f", b"oldest").as_bytes());
    keep(b"older");
    let older = keep(format!("{oldest}\n{}", file_line("g", b"older")).as_bytes());
    // A chain in the root, of which a patch replaces a file and another removes one.
    keep(b"first version");
    keep(b"second version");
    keep(b"removed");
    // A manifest among the files, named so, and one that no name tells.
    keep(b"in a manifest");
    let nested = file_line("n", b"in a manifest");
    keep(nested.as_bytes());
    keep(b"plain text");
    // Sequences, their lists inline and in the store.
    let frames: Vec<C4Id> = (1..=3_u8).map(|frame| keep(&[frame])).collect();
    let list: String = frames.iter().map(C4Id::to_string).collect();
    let stored: Vec<C4Id> = (4..=6_u8).map(|frame| keep(&[frame])).collect();
    let stored_list = keep(stored.iter().map(C4Id::to_string).collect::<String>().as_bytes());
    // What links lead to: a directory, and a file.
    keep(b"behind a link");
    let target = keep(file_line("t", b"behind a link").as_bytes());
    let file_target = keep(b"linked file");
    put(root, b"garbage");
    put(root, file_line("x", b"garbage").as_bytes());
    age_all(root);

    let first = format!(
        "{}{}{}{}-rw-r--r-- {TIME} 3 frame.[1-3].exr {}\n-rw-r--r-- {TIME} 3 other.[4-6].exr {stored_list}\n{}\
         lrwxrwxrwx {TIME} 5 link -> /there {target}\nlrwxrwxrwx {TIME} 5 link2 -> /there {file_target}\n",
        file_line("v", b"first version"),
        file_line("gone", b"removed"),
        file_line("sub.c4m", nested.as_bytes()),
        file_line("no.c4m", b"plain text"),
        C4Id::of(list.as_bytes()),
        directory_line("outer", &outer),
    );
    let whole = format!(
        "{older}\n{first}{list}\n{older}\n{}{}",
        file_line("gone", b"removed"),
        file_line("v", b"second version")
    );
    for form in [text(&whole), Root::Manifest(Arc::new(decode(whole.as_bytes()).unwrap()))] {
        let report = gc(root, &[form], GcOptions::default(), &ScanProgress::default()).unwrap();
        assert_eq!(report.removed.count, 2, "{report:?}");
    }
    collect(root, &[text(&whole)]).unwrap();
    expected.sort();
    assert_eq!(objects(root), expected);
}

#[test]
fn a_root_that_cannot_be_followed_is_refused_and_nothing_is_removed() {
    let root = tempdir().unwrap();
    let root = root.path();
    let (absent, garbage) = (C4Id::of(b"absent"), put(root, b"garbage"));
    let corrupt = put(root, file_line("f", b"f").as_bytes());
    damage(root, &corrupt, file_line("f", b"g").as_bytes());
    let linked = C4Id::of(b"linked");
    symlink("/etc/passwd", root.join(linked.to_string())).unwrap();
    let no_text = put(root, b"no text at all");
    age_all(root);
    let fifo = root.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let sequence = format!("-rw-r--r-- {TIME} 3 f.[1-3].exr {absent}\n");
    let good = || text("");
    for (roots, expected) in [
        (vec![good(), text("not a manifest\n")], "root 1: it is no manifest: line 1".to_owned()),
        (vec![Root::Path(root.join("no.c4m"))], "root 0: it cannot be read: No such file".into()),
        (vec![Root::Path(root.into())], "root 0: it cannot be read: Is a directory".into()),
        (vec![Root::Path(fifo)], "root 0: it cannot be read: not a regular file".into()),
        (vec![Root::Id(absent)], format!("root 0: the store does not have the object {absent}")),
        (vec![Root::Id(corrupt)], format!("root 0: the object {corrupt} has other content in the store")),
        (vec![Root::Id(linked)], format!("root 0: the object {linked} is no regular file")),
        (
            vec![text(&format!("{absent}\n{}", file_line("f", b"f")))],
            format!("root 0: the store does not have the base {absent}"),
        ),
        (
            vec![text(&format!("{no_text}\n{}", file_line("f", b"f")))],
            format!("root 0: the base {no_text} is not what it"),
        ),
        (
            vec![good(), good(), text(&directory_line("d", &absent))],
            format!("root 2: the store does not have the list of the directory {absent}"),
        ),
        (
            vec![text(&directory_line("d", &corrupt))],
            format!("root 0: the list of the directory {corrupt} has other content"),
        ),
        (
            vec![text(&directory_line("d", &no_text))],
            format!("root 0: the list of the directory {no_text} is not what it"),
        ),
        (vec![text(&sequence)], format!("root 0: the store does not have the list of the sequence {absent}")),
        (
            vec![text(&file_line("sub.c4m", file_line("f", b"f").as_bytes()))],
            format!("root 0: the object {corrupt} has other content"),
        ),
        // What is no text as a file is not one as a directory either.
        (
            vec![text(&(file_line("x.c4m", b"no text at all") + &directory_line("d", &no_text)))],
            format!("root 0: the list of the directory {no_text} is not"),
        ),
    ] {
        let error = collect(root, &roots).unwrap_err();
        assert!(error.starts_with(&expected), "{error}");
        assert!(find(root, &garbage).is_some());
    }
}

#[test]
fn what_a_manifest_among_the_files_names_and_nobody_has_is_listed() {
    let root = tempdir().unwrap();
    let root = root.path();
    let absent = C4Id::of(b"absent");
    let patch = format!("{absent}\n{}", directory_line("d", &absent));
    put(root, patch.as_bytes());
    let report = collect(root, &[text(&file_line("patch.c4m", patch.as_bytes()))]).unwrap();
    assert_eq!(report.unresolved.items, [absent]);
    // As a root of its own it must be whole, whatever was allowed before.
    let roots = [text(&file_line("patch.c4m", patch.as_bytes())), Root::Id(C4Id::of(patch.as_bytes()))];
    assert!(collect(root, &roots).unwrap_err().starts_with("root 1: the store does not have the"));
}

#[test]
fn files_without_an_id_and_empty_directories_do_not_stop_the_work() {
    let root = tempdir().unwrap();
    let nil = format!("drwxr-xr-x {TIME} 0 d/ -\n-rw-r--r-- {TIME} 5 f -\n-rw-r--r-- {TIME} 0 e -\n");
    let nil = nil + &directory_line("empty", &C4Id::of(b""));
    assert_eq!(collect(root.path(), &[text(&nil)]).unwrap().unidentified, 1);
}

#[test]
fn what_is_young_is_spared_and_the_grace_counts_back_from_the_start() {
    let root = tempdir().unwrap();
    let root = root.path();
    let (young, old) = (put(root, b"young"), put(root, b"old"));
    set_age(&find(root, &old).unwrap(), Duration::from_secs(1000));
    let run = |seconds| {
        let grace = Duration::from_secs(seconds);
        gc(root, &[], GcOptions { dry_run: false, grace }, &ScanProgress::default()).unwrap()
    };
    for grace in [1010, u64::MAX, u64::MAX / 4] {
        let report = run(grace);
        assert_eq!((report.young, report.removed.count), (2, 0), "{grace}");
    }
    assert_eq!(run(990).removed.items, [old]);
    set_age(&find(root, &young).unwrap(), Duration::from_secs(1));
    assert_eq!(run(0).removed.items, [young]);
    assert!(census(root).is_empty());
}

#[test]
fn temporaries_of_the_dead_go_and_those_of_the_living_stay() {
    let root = tempdir().unwrap();
    let root = root.path();
    for session in ["a", "b", "c"] {
        let directory = root.join(".ingest.".to_owned() + &session.repeat(16));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join(".1"), "").unwrap();
        fs::write(directory.join(".lock"), "").unwrap();
        set_age(&directory.join(".lock"), OLD);
        set_age(&directory, if session == "c" { Duration::from_secs(3600) } else { OLD });
    }
    let live = root.join(".ingest.aaaaaaaaaaaaaaaa");
    let held = File::open(live.join(".lock")).unwrap();
    rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    for (name, age) in [(".ingest.1", OLD), (".ingest.2", Duration::ZERO), (".hidden", OLD)] {
        fs::write(root.join(name), "").unwrap();
        set_age(&root.join(name), age);
    }
    let dry = gc(root, &[], GcOptions::default(), &ScanProgress::default()).unwrap();
    assert_eq!((dry.temporary, census(root).len()), (2, 6));
    assert_eq!(collect(root, &[]).unwrap().temporary, 2);
    let mut left: Vec<String> =
        fs::read_dir(root).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, [".hidden", ".ingest.2", ".ingest.aaaaaaaaaaaaaaaa", ".ingest.cccccccccccccccc"]);
    assert!(live.join(".1").exists());
}

#[test]
fn what_a_killed_run_had_taken_out_gets_its_name_back() {
    let (root, _) = split_store(20);
    let root = root.path();
    let (alone, twice) = (C4Id::of(&numbered(1)), C4Id::of(&numbered(2)));
    let take_out = |id: &C4Id| {
        let path = find(root, id).unwrap();
        let hidden = path.with_file_name(format!(".gc.{id}"));
        fs::rename(path, &hidden).unwrap();
        hidden
    };
    let hidden = [take_out(&alone), take_out(&twice)];
    put(root, &numbered(2));
    let report = check(root, &VerifyOptions::default());
    assert_eq!(report.misplaced.items.iter().filter(|item| item.2 == Misplacement::TakenOut).count(), 2);
    let dry = gc(root, &[], GcOptions::default(), &ScanProgress::default()).unwrap();
    assert_eq!(dry.put_back, 2);
    assert!(find(root, &alone).is_none());
    assert_eq!(collect(root, &[]).unwrap().put_back, 2);
    assert_eq!(fs::read(find(root, &alone).unwrap()).unwrap(), numbered(1));
    assert!(hidden.iter().all(|path| !path.exists()));
    assert_eq!(objects(root).len(), 20);
}

#[test]
fn objects_that_no_reader_finds_are_not_removed() {
    let (root, other_store) = (tempdir().unwrap(), tempdir().unwrap());
    let id = put(other_store.path(), b"of another store");
    symlink(other_store.path(), root.path().join("ab")).unwrap();
    fs::create_dir(root.path().join("cd")).unwrap();
    let lost = root.path().join("cd").join(id.to_string());
    fs::write(&lost, "of another store").unwrap();
    age_all(other_store.path());
    age_all(root.path());
    collect(root.path(), &[]).unwrap();
    assert!(find(other_store.path(), &id).is_some() && lost.exists());
}

/// Puts as the store does: an object that is there becomes young, and is looked for once more.
fn put_as_the_store_does(root: &Path, content: &[u8], number: u64) {
    let id = C4Id::of(content);
    if let Some(path) = find(root, &id)
        && let Ok(file) = File::open(path)
        && file.set_times(FileTimes::new().set_modified(SystemTime::now())).is_ok()
        && find(root, &id).is_some()
    {
        return;
    }
    let temporary = root.join(format!(".ingest.{number}"));
    fs::write(&temporary, content).unwrap();
    let _ = fs::hard_link(&temporary, place(root, &id).join(id.to_string()));
    fs::remove_file(&temporary).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever threads put while garbage is removed, over and over, is there at the end.
    #[test]
    fn nothing_is_lost_that_is_put_beside_garbage_collection(
        contents in prop::collection::vec(0_u32..60, 30..120), levels in 0_usize..3, collectors in 1_usize..3,
    ) {
        let root = tempdir().unwrap();
        let root = root.path();
        for number in 0..60 {
            attract(root, &C4Id::of(&numbered(number)), levels);
            put(root, &numbered(number));
        }
        age_all(root);
        let (temporaries, done) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..collectors {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let report = collect(root, &[]).unwrap();
                        assert!(report.failed.is_empty(), "{report:?}");
                    }
                });
            }
            let putters: Vec<_> = contents.chunks(contents.len().div_ceil(3)).map(|contents| {
                let temporaries = &temporaries;
                scope.spawn(move || {
                    for number in contents {
                        let temporary = temporaries.fetch_add(1, Ordering::Relaxed);
                        put_as_the_store_does(root, &numbered(*number), temporary);
                    }
                })
            }).collect();
            for putter in putters {
                putter.join().unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        collect(root, &[]).unwrap();
        let mut expected: Vec<C4Id> = contents.iter().map(|number| C4Id::of(&numbered(*number))).collect();
        expected.sort();
        expected.dedup();
        let found = objects(root);
        prop_assert!(expected.iter().all(|id| found.contains(id)));
        let report = check(root, &VerifyOptions::default());
        prop_assert!(is_sound(&report));
    }
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

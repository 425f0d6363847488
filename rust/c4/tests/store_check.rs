//! Whether the objects of a store are what their names say.

mod layout;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use c4::C4Id;
use c4::scan::ScanProgress;
use c4::store::{CheckError, Corrupt, GcOptions, MarkError, Sample, VerifyOptions, gc, stats, verify};
use tempfile::tempdir;

use layout::*;

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

//! Verifications of real directories.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};

use c4::C4Id;
use c4::c4m::{Entry, Field, Manifest, Mode, TreeFault, TreeFaultKind};
use c4::scan::{ScanError, ScanOptions, ScanProgress, scan};
use c4::verify::{Change, ChangedField, Extent, Options, Refusal, Verdict, Verification, VerifyError, verify};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

fn scanned(root: &Path) -> Arc<Manifest> {
    scan(root, &ScanOptions::default(), &ScanProgress::default()).unwrap().manifest.into()
}

fn verified(manifest: &Arc<Manifest>, root: &Path, options: &Options) -> Verification {
    verify(manifest, root, options, &ScanProgress::default(), None).unwrap()
}

/// Paths of the rows that have a verdict.
fn paths(result: &Verification, verdict: Verdict) -> Vec<String> {
    let path = |row| result.expected.outline().path(&result.expected, row as usize);
    result.rows(verdict).map(|row| String::from_utf8(path(row)).unwrap()).collect()
}

fn extra(result: &Verification) -> Vec<String> {
    let path = |row: &u32| result.found.outline().path(&result.found, *row as usize);
    result.extra.iter().map(|row| String::from_utf8(path(row)).unwrap()).collect()
}

fn tree() -> TempDir {
    let root = tempdir().unwrap();
    for (path, content) in [("a", "1"), ("b", "22"), ("d/c", "333"), ("d/e/f", "4444")] {
        fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
        fs::write(root.path().join(path), content).unwrap();
    }
    fs::create_dir(root.path().join("empty")).unwrap();
    symlink("a", root.path().join("link")).unwrap();
    root
}

#[test]
fn a_tree_is_what_a_scan_says_with_any_count_of_workers() {
    let root = tree();
    let manifest = scanned(root.path());
    for workers in [1, 2, 7] {
        let options = Options { workers: Some(workers), metadata: true, ..Options::default() };
        let result = verified(&manifest, root.path(), &options);
        assert!(result.verdicts().iter().all(|verdict| *verdict == Verdict::Ok));
        assert_eq!((result.files_total, result.files_read, result.bytes_read), (5, 4, 10));
        assert!(result.extra.is_empty() && result.changed.is_empty() && result.unreadable.is_empty());
        assert!(Arc::ptr_eq(&result.expected, &manifest), "a manifest in order is not copied");
    }
}

#[test]
fn every_difference_has_its_verdict() {
    let root = tree();
    let manifest = scanned(root.path());
    fs::write(root.path().join("a"), "x").unwrap();
    fs::rename(root.path().join("d/e/f"), root.path().join("g")).unwrap();
    fs::remove_dir(root.path().join("d/e")).unwrap();
    fs::remove_file(root.path().join("b")).unwrap();
    fs::create_dir(root.path().join("b")).unwrap();
    let result = verified(&manifest, root.path(), &Options::default());
    assert_eq!(paths(&result, Verdict::Corrupt), ["a"]);
    assert_eq!(result.actual(0), Some(&C4Id::of(b"x")));
    assert_eq!(paths(&result, Verdict::Missing), ["d/e/f"]);
    assert_eq!(paths(&result, Verdict::Implied), ["d/e/"]);
    assert_eq!(paths(&result, Verdict::Changed), ["b"]);
    assert_eq!(paths(&result, Verdict::Ok), ["link", "d/", "d/c", "empty/"]);
    assert_eq!(extra(&result), ["g"]);
    let change =
        Change { row: 1, field: ChangedField::Type, expected: "file".to_owned(), actual: "directory".to_owned() };
    assert_eq!(result.changed, [change]);
    assert_eq!(result.moved.len(), 1);
}

#[test]
fn nothing_is_read_that_need_not_be() {
    let root = tree();
    let mut manifest = Manifest::clone(&scanned(root.path()));
    fs::write(root.path().join("large and new"), "of no size that is missing").unwrap();
    fs::remove_file(root.path().join("b")).unwrap();
    manifest.set(0, Field::Id(C4Id::NIL));
    let manifest = Arc::new(manifest);
    let result = verified(&manifest, root.path(), &Options::default());
    assert_eq!((result.files_read, result.bytes_read), (2, 7));
    assert_eq!(paths(&result, Verdict::Unverified), ["a"]);
    let quick = verified(&manifest, root.path(), &Options { extent: Extent::Quick, ..Options::default() });
    assert_eq!((quick.files_read, quick.bytes_read), (0, 0));
    assert_eq!(paths(&quick, Verdict::Unverified), ["a", "d/c", "d/e/f"]);
}

#[test]
fn a_file_that_vanishes_after_it_was_listed_is_unreadable() {
    let root = tree();
    let manifest = scanned(root.path());
    // The first finding is told of when the directory was listed and no file was opened.
    let remove = |_: &'static str, _: &[u8]| {
        let _ = fs::remove_file(root.path().join("b"));
        let _ = fs::rename(root.path().join("d"), root.path().join("x"));
        let _ = symlink("x", root.path().join("d"));
    };
    let result = verify(&manifest, root.path(), &Options::default(), &ScanProgress::default(), Some(&remove)).unwrap();
    assert_eq!(paths(&result, Verdict::Unreadable), ["b", "d/c", "d/e/f"]);
    assert!(result.unreadable.iter().all(|found| found.message.starts_with("cannot open the file: ")));
    assert_eq!(result.files_read, 1);
}

#[test]
fn findings_are_told_once_each() {
    let root = tree();
    let manifest = scanned(root.path());
    fs::write(root.path().join("a"), "x").unwrap();
    fs::rename(root.path().join("d/e/f"), root.path().join("g")).unwrap();
    let told = Mutex::new(Vec::new());
    let tell = |kind: &'static str, path: &[u8]| {
        told.lock().unwrap().push((kind, String::from_utf8(path.to_vec()).unwrap()));
    };
    verify(&manifest, root.path(), &Options::default(), &ScanProgress::default(), Some(&tell)).unwrap();
    let told = told.into_inner().unwrap();
    let expected = [
        ("corrupt", "a"),
        ("extra", "g"),
        ("missing", "d/e/f"),
        ("moved", "d/e/f"),
        ("ok", "b"),
        ("ok", "d/"),
        ("ok", "d/c"),
        ("ok", "d/e/"),
        ("ok", "empty/"),
        ("ok", "link"),
    ];
    assert_eq!(told.len(), expected.len());
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), expected.map(|(kind, path)| (kind, path.to_owned())).into());
}

#[test]
fn a_manifest_that_describes_no_tree_is_refused_before_the_directory_is_opened() {
    let entry = |name: &str, depth| Entry { depth, ..Entry::new(name) };
    let refusal = |entries: Vec<Entry>| {
        let manifest = Arc::new(entries.into_iter().collect::<Manifest>());
        match verify(&manifest, Path::new("/nonexistent"), &Options::default(), &ScanProgress::default(), None) {
            Err(VerifyError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    };
    for name in ["..", ".", "", "a/b", "/", "..//", "x\0"] {
        assert!(
            matches!(
                refusal(vec![entry("d/", 0), entry(name, 1)]),
                Refusal::Tree(TreeFault { kind: TreeFaultKind::Name(_), .. })
            ),
            "{name:?}"
        );
    }
    assert!(
        matches!(refusal(vec![entry("a", 0), entry("a", 0)]), Refusal::Tree(TreeFault { kind: TreeFaultKind::Duplicate, path }) if path == b"a")
    );
    assert!(
        matches!(refusal(vec![entry("a", 0), entry("a/", 0)]), Refusal::Tree(TreeFault { kind: TreeFaultKind::Duplicate, path }) if path == b"a/")
    );
    let plain = Entry { mode: Mode::from_bits(0o040_755), ..entry("a", 0) };
    assert!(matches!(
        refusal(vec![plain, entry("a/", 0)]),
        Refusal::Tree(TreeFault { kind: TreeFaultKind::Duplicate, .. })
    ));
    assert!(
        matches!(refusal(vec![entry("a", 0), entry("b", 1)]), Refusal::Tree(TreeFault { kind: TreeFaultKind::Orphan, path }) if path == b"b")
    );
    let bomb = Entry { is_sequence: true, ..entry("f.[0-999999999].x", 0) };
    assert!(matches!(refusal(vec![bomb]), Refusal::Sequence(_)));
    let frames = Entry { is_sequence: true, ..entry("f.[1-3].x", 0) };
    assert!(
        matches!(refusal(vec![frames, entry("f.2.x", 0)]), Refusal::Tree(TreeFault { kind: TreeFaultKind::Duplicate, path }) if path == b"f.2.x")
    );
    let mut patch = Manifest::default();
    patch.base = Some(C4Id::of(b"x"));
    let result = verify(&patch.into(), Path::new("/nonexistent"), &Options::default(), &ScanProgress::default(), None);
    assert!(matches!(result, Err(VerifyError::Refused(Refusal::Patch(_)))));
}

#[test]
fn a_verification_can_be_stopped() {
    let root = tree();
    let manifest = scanned(root.path());
    let progress = ScanProgress::default();
    let stop = |_: &'static str, _: &[u8]| progress.cancel();
    let result = verify(&manifest, root.path(), &Options::default(), &progress, Some(&stop));
    assert!(matches!(result, Err(VerifyError::Scan(ScanError::Cancelled))));
}

#[test]
fn deep_and_wide_trees_need_no_stack() {
    let depth = 3000;
    let entries: Vec<Entry> = (0..depth).map(|depth| Entry { depth, ..Entry::new("d/") }).collect();
    let manifest = Arc::new(entries.into_iter().collect::<Manifest>());
    let root = tempdir().unwrap();
    let result = verified(&manifest, root.path(), &Options::default());
    assert_eq!(result.count(Verdict::Missing), depth as usize);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_sample_is_of_the_share_and_grows_with_it(count in 1_usize..40, share in 0.001..1.0_f64) {
        let root = tempdir().unwrap();
        for number in 0..count {
            fs::write(root.path().join(format!("f{number}")), number.to_string()).unwrap();
        }
        let manifest = scanned(root.path());
        let of = |share| verified(&manifest, root.path(), &Options { extent: Extent::Sample(share), ..Options::default() });
        let result = of(share);
        // Up to the error of the product.
        let (exact, taken) = (f64::from(count as u32) * share, f64::from(result.count(Verdict::Ok) as u32));
        prop_assert!(taken > exact - 1e-9 && taken < exact + 1.0);
        prop_assert_eq!(result.count(Verdict::Ok) + result.count(Verdict::Unverified), count);
        prop_assert_eq!(result.files_read as usize, result.count(Verdict::Ok));
        let larger: BTreeSet<_> = of((share * 1.5).min(1.0)).rows(Verdict::Ok).collect();
        prop_assert!(result.rows(Verdict::Ok).all(|row| larger.contains(&row)));
    }

    #[test]
    fn the_verdicts_of_two_trees_are_those_of_their_names_and_content(
        a in prop::collection::btree_map("[abc]", "[xy]{1,2}", 0..4),
        b in prop::collection::btree_map("[abc]", "[xy]{1,2}", 0..4),
    ) {
        let (old, new) = (tempdir().unwrap(), tempdir().unwrap());
        for (root, files) in [(&old, &a), (&new, &b)] {
            for (name, content) in files {
                fs::write(root.path().join(name), content).unwrap();
            }
        }
        let result = verified(&scanned(old.path()), new.path(), &Options::default());
        let names = |keep: &dyn Fn(&str) -> bool| a.keys().filter(|name| keep(name)).cloned().collect::<Vec<_>>();
        prop_assert_eq!(paths(&result, Verdict::Ok), names(&|name| b.get(name) == a.get(name)));
        prop_assert_eq!(paths(&result, Verdict::Missing), names(&|name| !b.contains_key(name)));
        prop_assert_eq!(paths(&result, Verdict::Corrupt), names(&|name| b.get(name).is_some_and(|own| *own != a[name])));
        prop_assert_eq!(extra(&result), b.keys().filter(|name| !a.contains_key(*name)).cloned().collect::<Vec<_>>());
        // A content moved as often as it is both missing and extra.
        let pairs: usize = a.values().collect::<BTreeSet<_>>().into_iter().map(|content| {
            let missing = a.iter().filter(|(name, own)| *own == content && !b.contains_key(*name)).count();
            missing.min(b.iter().filter(|(name, own)| *own == content && !a.contains_key(*name)).count())
        }).sum();
        prop_assert_eq!(result.moved.len(), pairs);
    }
}

//! Which objects of a store may go.

mod layout;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use c4::C4Id;
use c4::c4m::{decode, encode};
use c4::scan::ScanProgress;
use c4::store::{
    Durability, Found, GcOptions, GcReport, Misplacement, Root, SPLIT_THRESHOLD, TreeStore, VerifyOptions, gc,
};
use proptest::prelude::*;
use rustix::fs::FlockOperation;
use tempfile::tempdir;

use layout::*;

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
    assert_eq!((report.kept, report.removed.count, report.young, report.marked), (100, 400, 0, 101));
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
        let keeps_text = !matches!(form, Root::Id(id) if *id == C4Id::of(b"a"));
        assert_eq!(find(root, &C4Id::of(listing.as_bytes())).is_some(), keeps_text);
        assert_eq!(report.removed.count, if keeps_text { 1 } else { 2 });
    }
}

#[test]
fn the_texts_that_a_manifest_is_stored_as_are_kept_with_it() {
    let root = tempdir().unwrap();
    let root = root.path();
    let base = format!("{}- - 4 b -\n- - 1 a -\n", directory_line("d", &C4Id::of(b"")));
    let whole = format!("- - 1 a -\n- - 4 b -\n{}", directory_line("d", &C4Id::of(b"")));
    let base_id = put(root, base.as_bytes());
    let forms = |text: &str| {
        let manifest = decode(text.as_bytes()).unwrap();
        [manifest.canonical_text().unwrap(), encode(&manifest).unwrap(), text.into()]
    };
    // Out of order, with a directory whose entries are listed; a patch that stands on another manifest; a chain.
    let listed = format!("drwxr-xr-x {TIME} - d/ -\n  - - 3 c -\n- - 1 a -\n");
    let patch = format!("{base_id}\n- - 5 e -\n");
    let chain = format!("{whole}{}\n- - 5 e -\n", C4Id::of(whole.as_bytes()));
    for text in [&listed, &patch, &chain] {
        for form in [
            Root::Text(text.clone().into()),
            Root::Manifest(Arc::new(decode(text.as_bytes()).unwrap())),
            Root::Id(C4Id::of(text.as_bytes())),
        ] {
            let mut kept = forms(text).to_vec();
            if text == &patch {
                kept.extend(forms(&base));
            } else if text == &chain {
                kept.push(whole.clone().into());
            }
            // What a manifest in memory was read from is not known.
            if matches!(form, Root::Manifest(_)) {
                kept.retain(|kept| kept != text.as_bytes());
            }
            let mut kept: Vec<C4Id> = kept.iter().map(|text| put(root, text)).collect();
            kept.sort();
            kept.dedup();
            put(root, text.as_bytes());
            put(root, base.as_bytes());
            put(root, b"garbage");
            age_all(root);
            collect(root, std::slice::from_ref(&form)).unwrap();
            assert_eq!(objects(root), kept, "{form:?}");
        }
    }
}

#[test]
fn a_store_that_is_a_file_is_no_directory() {
    let root = tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for options in [GcOptions::default(), GcOptions { dry_run: false, ..GcOptions::default() }] {
        let error = gc(&file, &[Root::Id(C4Id::of(b"x"))], options, &ScanProgress::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: Not a directory (os error 20)", file.display()));
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
        (vec![good(), text("not a manifest\n")], "root 2: it is no manifest: line 1".to_owned()),
        (vec![Root::Path(root.join("no.c4m"))], "root 1: it cannot be read: No such file".into()),
        (vec![Root::Path(root.into())], "root 1: it cannot be read: Is a directory".into()),
        (vec![Root::Path(fifo)], "root 1: it cannot be read: not a regular file".into()),
        (vec![Root::Id(absent)], format!("root 1: the store does not have the object {absent}")),
        (vec![Root::Id(corrupt)], format!("root 1: the object {corrupt} has other content in the store")),
        (vec![Root::Id(linked)], format!("root 1: the object {linked} is no regular file")),
        (
            vec![text(&format!("{absent}\n{}", file_line("f", b"f")))],
            format!("root 1: the store does not have the base {absent}"),
        ),
        (
            vec![text(&format!("{no_text}\n{}", file_line("f", b"f")))],
            format!("root 1: the base {no_text} is not what it"),
        ),
        (
            vec![good(), good(), text(&directory_line("d", &absent))],
            format!("root 3: the store does not have the list of the directory {absent}"),
        ),
        (
            vec![text(&directory_line("d", &corrupt))],
            format!("root 1: the list of the directory {corrupt} has other content"),
        ),
        (
            vec![text(&directory_line("d", &no_text))],
            format!("root 1: the list of the directory {no_text} is not what it"),
        ),
        (vec![text(&sequence)], format!("root 1: the store does not have the list of the sequence {absent}")),
        (
            vec![text(&file_line("sub.c4m", file_line("f", b"f").as_bytes()))],
            format!("root 1: the object {corrupt} has other content"),
        ),
        // What is no text as a file is not one as a directory either.
        (
            vec![text(&(file_line("x.c4m", b"no text at all") + &directory_line("d", &no_text)))],
            format!("root 1: the list of the directory {no_text} is not"),
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
    assert!(collect(root, &roots).unwrap_err().starts_with("root 2: the store does not have the"));
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
        let done = AtomicBool::new(false);
        let store = TreeStore::new(root, SPLIT_THRESHOLD, Durability::None).unwrap();
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
                let store = &store;
                scope.spawn(move || {
                    for number in contents {
                        store.put(&mut numbered(*number).as_slice()).unwrap();
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

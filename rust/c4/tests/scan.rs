//! Scans of real directories: the reference results of `vectors/scan.jsonl`, and what must hold for any tree.

mod common;
mod trees;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};

use c4::C4Id;
use c4::c4m;
use c4::scan::{IssueKind, LinkIds, Patterns, Scan, ScanMode, ScanOptions, ScanProgress, Survey, scan, survey};
use common::{Case, check};
use rustix::fs::Mode;
use tempfile::tempdir;
use trees::create;

/// The options that the arguments of the reference's command stand for; `None` for those that it refuses.
fn options(case: &Case, directory: &Path) -> Option<ScanOptions> {
    let mut options = ScanOptions::default();
    let mut patterns = Vec::new();
    let mut arguments = case.strings("args").into_iter();
    while let Some(argument) = arguments.next() {
        let (flag, value) = match argument.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None if argument.starts_with("-m") && argument.len() > 2 => {
                ("-m".to_owned(), Some(argument[2..].to_owned()))
            }
            None => (argument, None),
        };
        let mut value = || value.clone().or_else(|| arguments.next()).unwrap();
        match flag.as_str() {
            "-S" => options.sequences = true,
            "-m" | "--mode" => {
                options.mode = match value().to_lowercase().as_str() {
                    "s" | "1" | "structure" => ScanMode::Structure,
                    "m" | "2" | "metadata" => ScanMode::Metadata,
                    "" | "f" | "3" | "full" => ScanMode::Full,
                    _ => return None,
                }
            }
            "-c" | "--continue" => {
                let guide = c4m::decode(&fs::read(directory.join(value())).unwrap()).unwrap();
                options.only = Some(Arc::new(guide));
            }
            "--exclude" => patterns.push(value().into_bytes()),
            "--exclude-file" => {
                patterns.extend(Patterns::lines(&fs::read(directory.join(value())).unwrap_or_default()));
            }
            flag => panic!("flag {flag}"),
        }
    }
    for variable in case.strings("env") {
        options.exclude_file_name = variable.strip_prefix("C4_EXCLUDE_FILE=").map(|name| name.as_bytes().to_vec());
    }
    options.exclude = Patterns::new(patterns);
    Some(options)
}

/// Why a run's output is not that of the reference, if it is not.
fn deviation(name: &str, args: &[String]) -> Option<&'static str> {
    let has = |argument: &str| args.iter().any(|arg| arg.ends_with(argument));
    match name {
        "mtime-epoch-fraction" | "mtime-epoch-fraction-nested" if !has("s") => {
            Some("half a second after the epoch is the epoch, in text and in memory alike")
        }
        "seq-nested-plain-files" | "seq-same-names-in-two-dirs" => Some("files fold within their own directory"),
        "exclude" if has("**/x.tmp") => Some("`**` spans directories"),
        "exclude" if has("sub/keep.txt") || has("sub/deep") => Some("what is excluded counts in no ID either"),
        "guide" if has("g2.c4m") => Some("directories have the IDs of what is listed"),
        "exclude" if has("deep/*") && !has("-m") => Some("a pattern is matched with paths from the root, in IDs too"),
        _ => None,
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn vectors() {
    check("scan", |case| {
        if is_root() && case.strings("requires").contains(&"nonroot".to_owned()) {
            return; // the Python suite runs these as another user
        }
        let directory = tempdir().unwrap();
        create(&case.objects("tree"), &directory.path().join("tree"));
        create(&case.objects("beside"), directory.path());
        let mut problems = Vec::new();
        for run in case.objects("runs") {
            let args = run.strings("args");
            if run.get("reference_does_not_finish").is_some() {
                continue;
            }
            let Some(options) = options(&run, directory.path()) else {
                assert_eq!(run.int("exit_code"), Some(1));
                continue;
            };
            for workers in [1, 3] {
                let options = ScanOptions { workers: Some(workers), ..options.clone() };
                let mut found = scan(&directory.path().join("tree"), &options, &ScanProgress::default()).unwrap();
                let text = {
                    let mut manifest = found.manifest.clone();
                    manifest.clear_range_data(); // the command prints no ID lists
                    c4m::encode(&manifest).unwrap()
                };
                let same = text == run.bytes("stdout");
                match deviation(case.name(), &args) {
                    Some(reason) if same => problems.push(format!("{args:?} is no deviation: {reason}")),
                    None if !same => {
                        problems.push(format!(
                            "{args:?}\n{}instead of\n{}",
                            String::from_utf8_lossy(&text),
                            run.str("stdout")
                        ));
                    }
                    None => {
                        if let Some(id) = run.opt_str("manifest_id") {
                            found.manifest.clear_range_data();
                            assert_eq!(found.manifest.compute_id().unwrap().to_string(), id, "{args:?}");
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    });
}

fn scanned(root: &Path, options: &ScanOptions) -> Scan {
    scan(root, options, &ScanProgress::default()).unwrap()
}

fn text(scan: &Scan) -> String {
    String::from_utf8(c4m::encode(&scan.manifest).unwrap()).unwrap()
}

fn id_of(scan: &Scan, path: &str) -> C4Id {
    let place = scan.manifest.outline().find(&scan.manifest, path.as_bytes()).unwrap();
    *scan.manifest.get(scan.manifest.row_at(place).unwrap()).id
}

fn issues(scan: &Scan) -> Vec<String> {
    scan.issues.iter().map(|issue| format!("{} {}", String::from_utf8_lossy(&issue.path), issue.kind.code())).collect()
}

#[test]
fn links_that_close_a_circle_have_no_id_and_are_reported() {
    let root = tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    for directory in ["a", "b", "c/d"] {
        fs::create_dir_all(at(directory)).unwrap();
    }
    fs::write(at("a/x"), "x").unwrap();
    symlink("../b", at("a/to-b")).unwrap();
    symlink("../a", at("b/to-a")).unwrap();
    symlink("..", at("c/d/up")).unwrap();
    symlink(".", at("here")).unwrap();
    symlink("c", at("to-c")).unwrap();
    let scan = scanned(root.path(), &ScanOptions::default());
    assert_eq!(issues(&scan), ["a/to-b link-cycle", "b/to-a link-cycle", "c/d/up link-cycle", "here link-cycle"]);
    assert!(id_of(&scan, "a/to-b").is_nil() && id_of(&scan, "here").is_nil());
    assert_eq!(id_of(&scan, "to-c"), id_of(&scan, "c/"));
    assert!(!id_of(&scan, "a/").is_nil());
}

#[test]
fn a_directory_has_the_same_id_wherever_a_scan_begins() {
    let root = tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("a/d/e")).unwrap();
    fs::create_dir(at("b")).unwrap();
    fs::write(at("a/d/x"), "x").unwrap();
    symlink("..", at("a/d/up")).unwrap();
    symlink("../../../b", at("a/d/e/b")).unwrap();
    symlink("../a/d", at("b/to-d")).unwrap();
    symlink("d/e", at("a/to-e")).unwrap();
    let whole = scanned(root.path(), &ScanOptions::default());
    for path in ["a", "a/d", "a/d/e", "b"] {
        let part = scanned(&at(path), &ScanOptions::default());
        assert_eq!(
            part.manifest.compute_id().unwrap(),
            id_of(&whole, &format!("{path}/")),
            "{path}\n{}\n{}",
            text(&whole),
            text(&part)
        );
    }
}

#[test]
fn whether_a_directory_has_an_id_depends_on_no_link_beside_it() {
    // `b` leads to a directory whose link leads to the directory that holds it: a circle through two occurrences of `x`.
    let id_of_a = |with_a_link_beside: bool| {
        let base = tempfile::tempdir().unwrap();
        let at = |path: &str| base.path().join(path);
        for path in ["root", "out/x", "deep/sub"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        symlink(at("out"), at("root/a")).unwrap();
        symlink(at("out/x"), at("root/b")).unwrap();
        symlink("..", at("out/x/up")).unwrap();
        if with_a_link_beside {
            symlink(at("deep"), at("out/x/l")).unwrap();
        }
        let time = std::time::SystemTime::UNIX_EPOCH;
        fs::File::open(at("out/x")).unwrap().set_modified(time).unwrap();
        id_of(&scanned(&at("root"), &ScanOptions::default()), "a")
    };
    assert!(!id_of_a(false).is_nil());
    assert_eq!(id_of_a(false), id_of_a(true));
}

#[test]
fn following_links_stops_at_a_directory_above() {
    let root = tempdir().unwrap();
    fs::create_dir(root.path().join("d")).unwrap();
    fs::write(root.path().join("d/f"), "f").unwrap();
    symlink("..", root.path().join("d/up")).unwrap();
    symlink("d", root.path().join("l")).unwrap();
    symlink("d/f", root.path().join("lf")).unwrap();
    let scan = scanned(root.path(), &ScanOptions { follow_symlinks: true, ..ScanOptions::default() });
    let paths: Vec<_> = (0..scan.manifest.len())
        .map(|place| String::from_utf8(scan.manifest.outline().path(&scan.manifest, place)).unwrap())
        .collect();
    assert_eq!(paths, ["lf", "d/", "d/f", "d/up", "l/", "l/f", "l/up"]);
    assert_eq!(id_of(&scan, "lf"), C4Id::of(b"f"));
    assert!(issues(&scan).contains(&"d/up link-cycle".to_owned()));
}

#[test]
fn links_take_ids_from_inside_or_not_at_all_when_asked() {
    let outside = tempdir().unwrap();
    fs::write(outside.path().join("o"), "outside").unwrap();
    let root = tempdir().unwrap();
    fs::write(root.path().join("f"), "f").unwrap();
    symlink("f", root.path().join("in")).unwrap();
    symlink(outside.path().join("o"), root.path().join("out")).unwrap();
    for (link_ids, inside, out) in [
        (LinkIds::Follow, C4Id::of(b"f"), C4Id::of(b"outside")),
        (LinkIds::Inside, C4Id::of(b"f"), C4Id::NIL),
        (LinkIds::None, C4Id::NIL, C4Id::NIL),
    ] {
        let scan = scanned(root.path(), &ScanOptions { link_ids, ..ScanOptions::default() });
        assert_eq!((id_of(&scan, "in"), id_of(&scan, "out")), (inside, out));
    }
}

#[test]
fn a_tree_deeper_than_any_path_is_scanned() {
    let root = tempdir().unwrap();
    let depth = 1500;
    let mut directory = rustix::fs::open(root.path(), rustix::fs::OFlags::RDONLY, Mode::empty()).unwrap();
    for _ in 0..depth {
        rustix::fs::mkdirat(&directory, "directory", Mode::from(0o755)).unwrap();
        directory = rustix::fs::openat(&directory, "directory", rustix::fs::OFlags::RDONLY, Mode::empty()).unwrap();
    }
    rustix::fs::symlinkat("leaf", &directory, "link").unwrap();
    let file = rustix::fs::openat(
        &directory,
        "leaf",
        rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY,
        Mode::from(0o644),
    )
    .unwrap();
    rustix::io::write(&file, b"deep").unwrap();
    let scan = scanned(root.path(), &ScanOptions::default());
    assert_eq!(scan.manifest.len(), depth + 2);
    let leaf = scan.manifest.iter().find(|row| scan.manifest.get(*row).name == b"leaf").unwrap();
    assert_eq!(*scan.manifest.get(leaf).id, C4Id::of(b"deep"));
    // The link's target is named by a path that no system call takes: it has no ID, and that is told.
    assert_eq!(scan.issues.iter().map(|issue| issue.kind.code()).collect::<Vec<_>>(), ["unreadable"]);
    assert!(scan.issues[0].path.ends_with(b"/link"));
    let again = c4m::decode(text(&scan).as_bytes()).unwrap();
    assert_eq!(again.compute_id(), scan.manifest.compute_id());
}

#[test]
fn progress_knows_the_whole_and_reaches_it() {
    let root = tempdir().unwrap();
    for i in 0..40 {
        fs::create_dir(root.path().join(format!("d{i}"))).unwrap();
        fs::write(root.path().join(format!("d{i}/f")), vec![1; 1000 * i]).unwrap();
    }
    let progress = ScanProgress::default();
    scan(root.path(), &ScanOptions::default(), &progress).unwrap();
    let stats = progress.stats();
    assert_eq!((stats.phase, stats.entries, stats.files_done, stats.files_total), ("done", 80, 40, 40));
    assert_eq!((stats.bytes_done, stats.bytes_total), (780_000, 780_000));
}

#[test]
fn a_scan_that_was_stopped_gives_no_manifest() {
    let root = tempdir().unwrap();
    fs::write(root.path().join("f"), "f").unwrap();
    let progress = ScanProgress::default();
    progress.cancel();
    assert!(matches!(scan(root.path(), &ScanOptions::default(), &progress), Err(c4::scan::ScanError::Cancelled)));
}

#[test]
fn what_is_no_directory_is_refused() {
    let root = tempdir().unwrap();
    let file = root.path().join("f");
    fs::write(&file, "f").unwrap();
    let error = |path: &Path| match scan(path, &ScanOptions::default(), &ScanProgress::default()) {
        Err(c4::scan::ScanError::Root(error)) => error.kind(),
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&file), std::io::ErrorKind::NotADirectory);
    assert_eq!(error(&root.path().join("none")), std::io::ErrorKind::NotFound);
}

#[test]
fn a_survey_hashes_what_it_is_asked_for_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::create_dir(root.join("d")).unwrap();
    for (name, content) in [("a", "one"), ("b", "two"), ("d/c", "three")] {
        std::fs::write(root.join(name), content).unwrap();
    }
    std::fs::hard_link(root.join("a"), root.join("d/again")).unwrap();
    let progress = ScanProgress::default();
    let told = Mutex::new(Vec::new());
    let found = survey(root, &ScanOptions::default(), &progress, |survey| {
        let row = |survey: &Survey<'_>, path: &str| {
            survey.listing().outline().find(survey.listing(), path.as_bytes()).unwrap() as u32
        };
        let (again, c, b) = (row(survey, "d/again"), row(survey, "d/c"), row(survey, "b"));
        let note = |row: u32, result: Result<&C4Id, &IssueKind>| told.lock().unwrap().push((row, result.ok().copied()));
        survey.hash(&[c, again, row(survey, "d/")], &note).unwrap();
        assert_eq!(survey.listing().get(c).id, &C4Id::of(b"three"));
        assert_eq!(survey.listing().get(again).id, &C4Id::of(b"one"));
        assert!(survey.listing().get(b).id.is_nil());
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::fs::File::from(survey.open(b).unwrap()), &mut text).unwrap();
        assert_eq!(text, "two");
        (again, c)
    })
    .unwrap();
    let mut told = told.into_inner().unwrap();
    told.sort_by_key(|(row, _)| *row);
    let mut expected = [(found.0, Some(C4Id::of(b"one"))), (found.1, Some(C4Id::of(b"three")))];
    expected.sort_by_key(|(row, _)| *row);
    assert_eq!(told, expected);
    assert_eq!(progress.stats().files_done, 2, "the file with two names was read once");
}

#[test]
fn a_file_that_a_survey_cannot_read_is_told_by_each_of_its_names() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::write(root.join("a"), "one").unwrap();
    std::fs::hard_link(root.join("a"), root.join("b")).unwrap();
    let told = Mutex::new(Vec::new());
    survey(root, &ScanOptions::default(), &ScanProgress::default(), |survey| {
        std::fs::remove_file(root.join("a")).unwrap();
        std::fs::remove_file(root.join("b")).unwrap();
        survey.hash(&[0, 1], &|row, result| told.lock().unwrap().push((row, result.is_ok()))).unwrap();
        assert_eq!(survey.issues().len(), 2);
    })
    .unwrap();
    let mut told = told.into_inner().unwrap();
    told.sort_unstable();
    assert_eq!(told, [(0, false), (1, false)]);
}

//! What is planned, and what is read for it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::sync::Mutex;

use c4::C4Id;
use c4::c4m::{Entry, Manifest, Mode, RowId, TreeFaultKind, decode};
use c4::reconcile::{
    Content, ContentSource, DirectorySource, Kind, Options, Origin, Plan, PlanError, RefusalKind, plan,
};
use c4::scan::{ScanOptions, ScanProgress, scan};
use c4::store::StoreError;

fn scanned(root: &Path) -> Manifest {
    scan(root, &ScanOptions::default(), &ScanProgress::default()).unwrap().manifest
}

fn planned(target: &Manifest, directory: &Path, sources: &[&dyn ContentSource]) -> Result<Plan, PlanError> {
    plan(target, directory, sources, &Options { workers: Some(2), ..Options::default() }, &ScanProgress::default())
}

fn path(manifest: &Manifest, row: RowId) -> String {
    String::from_utf8(manifest.outline().path(manifest, row as usize)).unwrap()
}

/// Kind, path, and the origin of content.
fn shown(plan: &Plan) -> Vec<String> {
    plan.operations
        .iter()
        .map(|operation| {
            let path_of = |row| path(&plan.found, row);
            let name =
                operation.target.map_or_else(|| path_of(operation.found.unwrap()), |row| path(&plan.target, row));
            let origin = match operation.origin {
                Origin::None => String::new(),
                Origin::Empty => " empty".to_owned(),
                Origin::Source(number) => format!(" source {number}"),
                Origin::Tree(row) => format!(" tree {}", path_of(row)),
            };
            format!("{} {name}{origin}", operation.kind.name())
        })
        .collect()
}

fn without_times(plan: &Plan) -> Vec<String> {
    shown(plan).into_iter().filter(|line| !line.starts_with("times")).collect()
}

/// Makes files by path and content.
fn make(root: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(root).unwrap();
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// A source that says what it was asked for.
#[derive(Default)]
struct Asked {
    has: Vec<C4Id>,
    questions: Mutex<Vec<C4Id>>,
    fails: bool,
}

impl ContentSource for Asked {
    fn has(&self, id: &C4Id) -> Result<bool, StoreError> {
        self.questions.lock().unwrap().push(*id);
        if self.fails { Err(StoreError::Port) } else { Ok(self.has.contains(id)) }
    }

    fn open(&self, _: &C4Id) -> Result<Option<Content>, StoreError> {
        Ok(None)
    }

    fn concurrency(&self) -> usize {
        1
    }
}

#[test]
fn content_moves_before_it_is_copied_and_is_copied_before_a_source_is_asked() {
    let root = tempfile::tempdir().unwrap();
    let (state, work) = (root.path().join("state"), root.path().join("work"));
    make(&state, &[("a", "one"), ("b", "one"), ("c", "two"), ("d", "two"), ("e", "three"), ("f", "three"), ("g", "")]);
    make(&work, &[("a", "two"), ("c", "two"), ("old/b", "one"), ("old/x", "three")]);
    let source = Asked { has: vec![C4Id::of(b"one")], ..Asked::default() };
    let plan = planned(&scanned(&state), &work, &[&source]).unwrap();
    assert_eq!(
        without_times(&plan),
        [
            "update a tree old/b",
            "move b tree old/b",
            "move d tree a",
            "move e tree old/x",
            "create f tree old/x",
            "create g empty",
            "rmdir old/",
        ]
    );
    assert!(source.questions.lock().unwrap().is_empty(), "the tree has all");
    for operation in &plan.operations {
        if let Origin::Tree(row) = operation.origin {
            let version = plan.versions[&row];
            let metadata = fs::metadata(work.join(path(&plan.found, row))).unwrap();
            assert_eq!(version.file, (metadata.dev(), metadata.ino()));
            assert_eq!(version.size, metadata.len());
            assert_eq!(version.modified, (metadata.mtime(), metadata.mtime_nsec() as u32));
        }
    }
}

#[test]
fn sources_are_asked_in_their_order_and_once_for_each_id() {
    let root = tempfile::tempdir().unwrap();
    let (state, work) = (root.path().join("state"), root.path().join("work"));
    make(&state, &[("a", "one"), ("b", "one"), ("c", "two"), ("d", "three"), ("e", "four")]);
    make(&work, &[("e", "four")]);
    let broken = Asked { fails: true, ..Asked::default() };
    let first = Asked { has: vec![C4Id::of(b"one")], ..Asked::default() };
    let second = Asked { has: vec![C4Id::of(b"one"), C4Id::of(b"two"), C4Id::of(b"three")], ..Asked::default() };
    let plan = planned(&scanned(&state), &work, &[&broken, &first, &second]).unwrap();
    assert_eq!(
        without_times(&plan),
        ["create a source 1", "create b source 1", "create c source 2", "create d source 2"]
    );
    assert_eq!(plan.bytes, 3 + 3 + 3 + 5);
    assert_eq!(plan.skipped, 1);
    assert_eq!(first.questions.lock().unwrap().len(), 3);
    assert_eq!(second.questions.lock().unwrap().len(), 2);
    let error = planned(&scanned(&state), &work, &[&first, &broken]).unwrap_err();
    assert!(matches!(error, PlanError::Store(StoreError::Port)), "a source that fails might have had it");
    let plan = planned(&scanned(&state), &work, &[&first]).unwrap();
    let missing: Vec<String> = plan.missing.iter().map(|(_, row)| path(&plan.target, *row)).collect();
    assert_eq!(missing, ["c", "d"]);
    assert_eq!(without_times(&plan), ["create a source 1".replace('1', "0"), "create b source 0".to_owned()]);
}

#[test]
fn only_files_whose_size_is_needed_are_read() {
    let root = tempfile::tempdir().unwrap();
    let (state, work, other) = (root.path().join("state"), root.path().join("work"), root.path().join("other"));
    make(&state, &[("same", "1"), ("size", "22"), ("new", "333"), ("d/copy", "4444")]);
    make(&work, &[("same", "1"), ("size", "2"), ("gone", "55555"), ("moved", "333")]);
    make(&other, &[("x", "4444"), ("y", "666666"), ("z", "22"), ("w", "1")]);
    symlink("x", other.join("link")).unwrap();
    let target = scanned(&state);
    let progress = ScanProgress::default();
    let source = DirectorySource::new(&other, &work, Some(1)).unwrap();
    let plan = plan(&target, &work, &[&source], &Options::default(), &progress).unwrap();
    assert!(plan.missing.is_empty());
    // `same` and `moved` of the directory, `x` and `z` of the source.
    assert_eq!(progress.stats().files_done, 4);
    assert_eq!(
        without_times(&plan),
        ["mkdir d/", "move new tree moved", "update size source 0", "create d/copy source 0", "remove gone"]
    );
}

#[test]
fn what_a_killed_run_left_is_a_source_and_no_concern_of_the_plan() {
    let root = tempfile::tempdir().unwrap();
    let (state, work) = (root.path().join("state"), root.path().join("work"));
    make(&state, &[("a", "one")]);
    make(&work, &[(".c4-reconcile/3", "one"), (".c4-reconcile/4", "half"), (".c4-reconcile/.lock", "")]);
    let plan = planned(&scanned(&state), &work, &[]).unwrap();
    assert_eq!(shown(&plan), ["move a tree .c4-reconcile/3"]);
}

#[test]
fn names_that_some_file_system_merges_are_told() {
    let names = ["Straße", "STRASSE", "é", "e\u{301}", "b", "B", "c"];
    let mut target: Manifest = names.iter().map(|name| Entry { size: 0, ..Entry::new(*name) }).collect();
    target.push(&Entry { mode: Mode::from_bits(0o040_755), ..Entry::new("C/") }.as_row());
    let root = tempfile::tempdir().unwrap();
    let plan = planned(&target, &root.path().join("none"), &[]).unwrap();
    let mut twins: Vec<[String; 2]> = plan
        .twins
        .iter()
        .map(|(a, b)| {
            let mut pair = [path(&plan.target, *a), path(&plan.target, *b)];
            pair.sort();
            pair
        })
        .collect();
    twins.sort();
    assert_eq!(twins, [["B", "b"], ["C/", "c"], ["STRASSE", "Straße"], ["e\u{301}", "é"]]);
    let kinds: Vec<Kind> = plan.operations.iter().map(|operation| operation.kind).collect();
    assert_eq!(kinds.len(), 8);
    assert_eq!(kinds[0], Kind::Mkdir);
}

#[test]
fn each_two_names_of_which_some_file_system_makes_one_are_told() {
    let names = ["\u{c5}", "\u{e5}", "a\u{30a}"];
    let target: Manifest = names.iter().map(|name| Entry { size: 0, ..Entry::new(*name) }).collect();
    let root = tempfile::tempdir().unwrap();
    assert_eq!(planned(&target, &root.path().join("none"), &[]).unwrap().twins.len(), 3);
    // A manifest made of nothing else is no more work than others.
    let cases = |number: u32| -> String { (0..12).map(|bit| if number >> bit & 1 == 0 { 'x' } else { 'X' }).collect() };
    let target: Manifest = (0..4096).map(|number| Entry { size: 0, ..Entry::new(cases(number)) }).collect();
    let twins = planned(&target, &root.path().join("none"), &[]).unwrap().twins;
    assert!((4095..=4096 * 64).contains(&twins.len()), "{}", twins.len());
}

#[test]
fn a_name_that_is_too_long_is_refused_and_no_directory_is_made() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("none");
    let named = |name: String| -> Manifest { [Entry { size: 0, ..Entry::new(name) }].into_iter().collect() };
    assert!(planned(&named("n".repeat(255)), &directory, &[]).is_ok());
    assert!(planned(&named("n".repeat(255) + "/"), &directory, &[]).is_ok());
    let member = format!("{}.[0001-0002]", "n".repeat(251));
    let sequence: Manifest = [Entry { size: 0, is_sequence: true, ..Entry::new(member) }].into_iter().collect();
    for target in [named("n".repeat(256)), named("n".repeat(256) + "/"), sequence] {
        let Err(PlanError::Refused(refusal)) = planned(&target, &directory, &[]) else { panic!("it is refused") };
        assert!(matches!(refusal.kind, RefusalKind::NameTooLong(256)), "{refusal}");
        assert!(refusal.path.starts_with(b"nnn"));
    }
}

#[test]
fn files_of_a_workspace_are_left_alone_and_directories_of_their_names_are_not() {
    let root = tempfile::tempdir().unwrap();
    let (state, work) = (root.path().join("state"), root.path().join("work"));
    make(&state, &[]);
    make(&work, &[(".c4-workspace.json/x", ""), (".c4-workspace-manifest.c4m", "")]);
    let removed = planned(&scanned(&state), &work, &[]).unwrap();
    assert_eq!(shown(&removed), ["remove .c4-workspace.json/x", "rmdir .c4-workspace.json/"]);
    let made = planned(&scanned(&work), &state, &[]).unwrap();
    assert_eq!(without_times(&made), ["mkdir .c4-workspace.json/", "create .c4-workspace.json/x empty"]);
}

#[test]
fn an_entry_that_cannot_be_made_is_named() {
    let root = tempfile::tempdir().unwrap();
    for (text, expected) in [
        ("-rw-r--r-- - 0 .. -\n", ".."),
        ("drwxr-xr-x - 0 d/ -\n  -rw-r--r-- - 0 a\\0b -\n", "d/a\\0b"),
        ("-rw-r--r-- - 5 x -\n", "x"),
        ("drwxr-xr-x - 0 d/ -\n  -rw-r--r-- - 0 .c4-reconcile -\n-rw-r--r-- - 0 .c4-reconcile -\n", ".c4-reconcile"),
    ] {
        let error = planned(&decode(text.as_bytes()).unwrap(), root.path(), &[]).unwrap_err();
        assert!(matches!(error, PlanError::Refused(_)), "{error}");
        assert!(error.to_string().starts_with(&format!("{expected}: ")), "{error}");
    }
    let deep: Manifest = (0..200_000)
        .map(|depth| Entry { depth, ..Entry::new("d/") })
        .chain([Entry { depth: 200_000, ..Entry::new("..") }])
        .collect();
    let Err(PlanError::Refused(refusal)) = planned(&deep, root.path(), &[]) else { panic!("it is refused") };
    assert!(matches!(refusal.kind, RefusalKind::Tree(TreeFaultKind::Name("is '..'"))));
}

#[test]
fn a_cancelled_plan_ends() {
    let root = tempfile::tempdir().unwrap();
    make(root.path(), &[("a", "one")]);
    let progress = ScanProgress::default();
    progress.cancel();
    let target = scanned(root.path());
    let result = plan(&target, root.path(), &[], &Options::default(), &progress);
    assert!(matches!(result, Err(PlanError::Scan(c4::scan::ScanError::Cancelled))));
}

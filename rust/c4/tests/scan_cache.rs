//! Scans that take IDs from a cache or a guide: what is read, and that the result is that of a scan that reads all.

mod children;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use c4::C4Id;
use c4::c4m::{self, Entry, Field, Manifest};
use c4::scan::{
    Reuse, Scan, ScanError, ScanMode, ScanOptions, ScanProgress, ScanStats, Sink, scan, scan_reusing, survey,
};
use c4::store::{Durability, TreeStore};
use children::{child, scratch, work};
use proptest::prelude::*;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use tempfile::TempDir;

/// Longer than the times of a file are too young to be trusted.
const YOUTH: Duration = Duration::from_millis(2_050);

fn age() {
    std::thread::sleep(YOUTH);
}

/// A tree beside a place for a cache and for a store.
struct Place(TempDir);

impl Place {
    /// A tree of ten files in three directories, with a hard link and symbolic links, old enough to be trusted.
    fn new() -> Self {
        let place = Self::young();
        age();
        place
    }

    fn young() -> Self {
        let place = Self(scratch());
        let tree = place.tree();
        fs::create_dir_all(tree.join("d/e")).unwrap();
        for number in 0..8 {
            fs::write(
                tree.join(["", "d", "d/e"][number % 3]).join(format!("f{number}")),
                vec![number as u8; number * 50_000],
            )
            .unwrap();
        }
        fs::hard_link(tree.join("f3"), tree.join("d/name")).unwrap();
        std::os::unix::fs::symlink("d/f1", tree.join("link")).unwrap();
        std::os::unix::fs::symlink("d", tree.join("links")).unwrap();
        fs::write(place.0.path().join("outside"), "outside").unwrap();
        std::os::unix::fs::symlink("../outside", tree.join("out")).unwrap();
        place
    }

    fn tree(&self) -> PathBuf {
        self.0.path().join("tree")
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.tree().join(path)
    }

    fn cached(&self) -> (Scan, ScanStats) {
        let cache = self.cache();
        run(&self.tree(), Reuse { cache: Some(&cache), ..Reuse::default() }, None)
    }

    /// Scans with the cache, and compares with a scan without; how many files were hashed.
    fn hashed(&self) -> u64 {
        let (found, stats) = self.cached();
        assert_eq!(text(&found), text(&plain(&self.tree())));
        assert_eq!(codes(&found), Vec::<&str>::new());
        assert_eq!((stats.files_done, stats.bytes_done), (stats.files_total, stats.bytes_total));
        stats.files_done
    }

    fn cache_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache()).map(|entries| entries.map(|entry| entry.unwrap().path()));
        let mut paths: Vec<PathBuf> = entries.map(Iterator::collect).unwrap_or_default();
        paths.sort();
        paths
    }
}

/// Files that a scan of such a tree hashes: those by their first name, and that which only a link leads to.
const FILES: u64 = 9;

fn plain(root: &Path) -> Scan {
    scan(root, &ScanOptions::default(), &ScanProgress::default()).unwrap()
}

fn run(root: &Path, reuse: Reuse<'_>, sink: Option<Sink<'_>>) -> (Scan, ScanStats) {
    let progress = Arc::new(ScanProgress::default());
    let options = ScanOptions { workers: Some(2), ..ScanOptions::default() };
    let found = scan_reusing(root, &options, &progress, reuse, sink).unwrap();
    (found, progress.stats())
}

fn text(scan: &Scan) -> String {
    String::from_utf8(c4m::encode(&scan.manifest).unwrap()).unwrap()
}

fn codes(scan: &Scan) -> Vec<&'static str> {
    scan.issues.iter().map(|issue| issue.kind.code()).collect()
}

/// Gives a file the times of modification and access that another moment had.
fn set_mtime(path: &Path, seconds: i64, ns: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: ns as _ };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn row(scan: &Scan, path: &str) -> Entry {
    let manifest = &scan.manifest;
    manifest.get(manifest.row_at(manifest.outline().find(manifest, path.as_bytes()).unwrap()).unwrap()).to_entry()
}

#[test]
fn an_unchanged_tree_is_hashed_once() {
    let place = Place::new();
    assert_eq!(place.hashed(), FILES);
    assert_eq!(place.hashed(), 0);
    let (_, stats) = place.cached();
    assert_eq!((stats.files_known, stats.bytes_known), (FILES, (0..8).sum::<u64>() * 50_000 + 7));
    let files = place.cache_files();
    assert_eq!(files.len(), 1, "a scan that learns nothing writes nothing");
    assert_eq!(fs::metadata(&files[0]).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(place.cache()).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn whatever_is_done_to_a_file_is_seen() {
    let place = Place::new();
    place.hashed();
    let content_with_its_time_restored = |path: &Path| {
        let before = fs::metadata(path).unwrap();
        fs::write(path, vec![99; before.len() as usize]).unwrap();
        set_mtime(path, before.mtime(), before.mtime_nsec());
    };
    let replaced = |path: &Path| {
        let new = path.with_extension("new");
        let before = fs::metadata(path).unwrap();
        fs::write(&new, vec![98; before.len() as usize]).unwrap();
        set_mtime(&new, before.mtime(), before.mtime_nsec());
        fs::rename(new, path).unwrap();
    };
    let touched = |path: &Path| set_mtime(path, 1_000_000_000, 5);
    let grown = |path: &Path| fs::write(path, [97; 10]).unwrap();
    let changes: [&dyn Fn(&Path); 4] = [&content_with_its_time_restored, &replaced, &touched, &grown];
    for change in changes {
        change(&place.at("d/f4"));
        assert_eq!(place.hashed(), 1);
        assert_eq!(place.hashed(), 1, "its times are too young to be trusted");
    }
    age();
    assert_eq!(place.hashed(), 1);
    assert_eq!(place.hashed(), 0);
    // A name more changes the time of change; the others of the file see it as well.
    fs::hard_link(place.at("d/f4"), place.at("d/e/again")).unwrap();
    assert_eq!(place.hashed(), 1);
    fs::rename(place.at("d/e"), place.at("d/moved")).unwrap();
    assert_eq!(place.hashed(), 1, "a file is known by its inode, wherever its directory goes");
}

#[test]
fn young_files_and_those_from_the_future_are_hashed_again() {
    let place = Place::young();
    assert_eq!(place.hashed(), FILES);
    assert_eq!(place.cache_files(), Vec::<PathBuf>::new());
    let later = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 100_000;
    set_mtime(&place.at("f3"), later as i64, 0);
    age();
    assert_eq!(place.hashed(), FILES);
    assert_eq!(place.hashed(), 1);
    assert_eq!(place.hashed(), 1);
}

#[test]
fn any_count_of_workers_and_any_options_give_one_result() {
    let place = Place::new();
    let cache = place.cache();
    for follow_symlinks in [false, true] {
        for sequences in [false, true] {
            for workers in [1, 2, 5] {
                let options =
                    ScanOptions { workers: Some(workers), follow_symlinks, sequences, ..ScanOptions::default() };
                let whole = scan(&place.tree(), &options, &ScanProgress::default()).unwrap();
                let guide = plain(&place.tree()).manifest;
                for guide in [None, Some(&guide)] {
                    let reuse = Reuse { guide, cache: Some(&cache) };
                    let found = scan_reusing(&place.tree(), &options, &Arc::default(), reuse, None).unwrap();
                    assert_eq!(text(&found), text(&whole));
                }
            }
        }
    }
    let options = ScanOptions { mode: ScanMode::Metadata, ..ScanOptions::default() };
    let progress = Arc::default();
    let found = scan_reusing(&place.tree(), &options, &progress, Reuse { cache: Some(&cache), guide: None }, None);
    assert_eq!(text(&found.unwrap()), text(&scan(&place.tree(), &options, &ScanProgress::default()).unwrap()));
    assert_eq!(progress.stats().files_known, progress.stats().files_done);
}

#[test]
fn a_survey_reads_what_a_cache_knows() {
    let place = Place::new();
    place.hashed();
    let progress = ScanProgress::default();
    survey(&place.tree(), &ScanOptions::default(), &progress, |survey| {
        let rows: Vec<u32> = survey.listing().iter().collect();
        survey.hash(&rows, &|_, _| {}).unwrap();
    })
    .unwrap();
    assert_eq!(progress.stats().files_done, FILES - 1);
    assert_eq!(progress.stats().files_known, 0);
}

#[test]
fn a_guide_gives_ids_where_size_and_time_agree() {
    let place = Place::young();
    let whole = plain(&place.tree());
    let guided = |guide: &Manifest| run(&place.tree(), Reuse { guide: Some(guide), ..Reuse::default() }, None);
    let (found, stats) = guided(&whole.manifest);
    assert_eq!(text(&found), text(&whole));
    assert_eq!((stats.files_known, stats.files_done), (8, 1), "the one outside is not in the guide");

    // What the guide says is believed, and covered by the IDs of directories.
    let known = C4Id::of(b"as the guide has it");
    let change = |path: &str, field: Field| {
        let mut guide = whole.manifest.clone();
        let row = guide.row_at(guide.outline().find(&guide, path.as_bytes()).unwrap()).unwrap();
        guide.set(row, Field::Id(known));
        guide.set(row, field);
        guided(&guide)
    };
    let size = row(&whole, "d/f1").size;
    let (believed, _) = change("d/f1", Field::Size(size));
    assert_eq!(row(&believed, "d/f1").id, known);
    assert_eq!(row(&believed, "link").id, known, "a link has the ID of the file");
    assert_ne!(row(&believed, "d/").id, row(&whole, "d/").id);
    assert_eq!(row(&believed, "d/e/").id, row(&whole, "d/e/").id);
    let doubts = [
        Field::Size(size + 1),
        Field::Size(c4m::NULL_SIZE),
        Field::Time(c4m::Timestamp(row(&whole, "d/f1").time.0 + 1)),
        Field::Time(c4m::Timestamp::NULL),
        Field::Id(C4Id::NIL),
        Field::Mode(c4m::Mode::from_bits(0o120_777)),
    ];
    for field in doubts {
        let (found, stats) = change("d/f1", field);
        assert_eq!(text(&found), text(&whole));
        assert_eq!(stats.files_known, 7);
    }
    let (found, stats) = guided(&Manifest::default());
    assert_eq!((text(&found), stats.files_known), (text(&whole), 0));
}

#[test]
fn files_of_a_sequence_in_a_guide_are_read() {
    let place = scratch();
    for number in 1..6 {
        fs::write(place.path().join(format!("f.{number}.exr")), format!("{number}")).unwrap();
    }
    let options = ScanOptions { sequences: true, ..ScanOptions::default() };
    let guide = scan(place.path(), &options, &ScanProgress::default()).unwrap().manifest;
    assert_eq!(guide.len(), 1);
    let (found, stats) = run(place.path(), Reuse { guide: Some(&guide), ..Reuse::default() }, None);
    assert_eq!(text(&found), text(&plain(place.path())));
    assert_eq!((stats.files_known, stats.files_done), (0, 5));
}

#[test]
fn a_cache_is_asked_before_a_guide_and_learns_nothing_from_it() {
    let place = Place::new();
    let cache = place.cache();
    let mut guide = plain(&place.tree()).manifest;
    let row_of = guide.row_at(guide.outline().find(&guide, b"d/f1").unwrap()).unwrap();
    guide.set(row_of, Field::Id(C4Id::of(b"wrong")));
    let reuse = Reuse { guide: Some(&guide), cache: Some(&cache) };
    let (misled, stats) = run(&place.tree(), reuse, None);
    assert_eq!(row(&misled, "d/f1").id, C4Id::of(b"wrong"));
    assert_eq!(stats.files_done, 1);
    assert_eq!(place.hashed(), FILES - 1);
    let (found, _) = run(&place.tree(), reuse, None);
    assert_eq!(text(&found), text(&plain(&place.tree())));
}

#[test]
fn with_a_store_all_that_is_named_is_in_it() {
    let place = Place::new();
    let cache = place.cache();
    let guide = plain(&place.tree()).manifest;
    place.hashed();
    let store = TreeStore::new(&place.0.path().join("store"), 4, Durability::None).unwrap();
    let named = |scan: &Scan| -> BTreeSet<C4Id> {
        scan.manifest.iter().map(|row| *scan.manifest.get(row).id).filter(|id| !id.is_nil()).collect()
    };
    for reuse in [Reuse { cache: Some(&cache), guide: None }, Reuse { guide: Some(&guide), cache: None }] {
        let (found, stats) = run(&place.tree(), reuse, Some(Sink::Tree(&store)));
        assert_eq!(text(&found), text(&plain(&place.tree())));
        assert!(named(&found).iter().all(|id| store.find(id).unwrap().is_some()));
        if reuse.cache.is_some() {
            assert_eq!((stats.files_done, stats.files_known), (FILES, 0), "the store had nothing");
        } else {
            assert_eq!((stats.files_done, stats.files_known), (1, FILES - 1));
        }
    }
    let lost = row(&plain(&place.tree()), "d/f4").id;
    store.remove(&lost).unwrap();
    let (found, stats) = run(&place.tree(), Reuse { cache: Some(&cache), guide: None }, Some(Sink::Tree(&store)));
    assert_eq!((stats.files_done, stats.files_known), (1, FILES - 1));
    assert!(named(&found).iter().all(|id| store.find(id).unwrap().is_some()));
}

#[test]
fn a_cache_that_cannot_be_used_is_an_issue_and_no_error() {
    let place = Place::new();
    let in_the_way = place.0.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    let open = place.0.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    for directory in [in_the_way.clone(), in_the_way.join("below"), open] {
        let (found, stats) = run(&place.tree(), Reuse { cache: Some(&directory), guide: None }, None);
        assert_eq!(codes(&found), ["cache"]);
        assert!(!found.issues[0].kind.is_error());
        assert!(found.issues[0].kind.to_string().contains(directory.to_str().unwrap()));
        assert_eq!(text(&found), text(&plain(&place.tree())));
        assert_eq!(stats.files_done, FILES);
    }
}

#[test]
fn files_that_others_may_write_or_that_are_links_are_not_trusted() {
    let place = Place::new();
    place.hashed();
    let path = place.cache_files().remove(0);
    for mode in [0o620, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(place.hashed(), FILES);
        place
            .cache_files()
            .into_iter()
            .filter(|other| *other != path)
            .for_each(|other| fs::remove_file(other).unwrap());
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(place.hashed(), 0);
    let elsewhere = place.0.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(place.hashed(), FILES);
}

#[test]
fn a_damaged_cache_never_gives_a_wrong_id() {
    let place = Place::new();
    place.hashed();
    let whole = text(&plain(&place.tree()));
    let path = place.cache_files().remove(0);
    let sound = fs::read(&path).unwrap();
    let check = |bytes: &[u8], least_known: u64| {
        place.cache_files().iter().for_each(|path| fs::remove_file(path).unwrap());
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let (found, stats) = place.cached();
        assert_eq!(text(&found), whole);
        assert!((least_known..=FILES).contains(&stats.files_known), "{stats:?}");
        place.hashed()
    };
    for at in (0..sound.len()).step_by(3) {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        let known = if at < 128 { 0 } else { FILES - 1 };
        assert_eq!(check(&bytes, known), 0, "what was damaged is replaced");
    }
    for length in (0..=sound.len()).step_by(50) {
        let records = (length / 128).saturating_sub(1) as u64;
        assert_eq!(check(&sound[..length], records), 0);
    }
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40);
    runner
        .run(&(changes, any::<prop::sample::Index>()), |(changes, cut)| {
            let mut bytes = sound.clone();
            for (at, value) in changes {
                bytes[at.index(sound.len())] = value;
            }
            bytes.rotate_left(cut.index(sound.len()));
            check(&bytes, 0);
            Ok(())
        })
        .unwrap();
}

#[test]
fn scans_at_one_time_agree_and_lose_nothing_but_time() {
    let place = Place::new();
    let whole = text(&plain(&place.tree()));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..4 {
                    assert_eq!(text(&place.cached().0), whole);
                }
            });
        }
    });
    assert_eq!(place.hashed(), 0);
}

#[test]
fn many_files_become_one_and_records_in_use_stay() {
    let place = Place::new();
    place.hashed();
    // Each touched file is hashed by the next scan, which then has a file of the cache for it.
    for number in 0..7 {
        set_mtime(&place.at("f3"), 1_000_000_000 + number, 7);
        age();
        assert_eq!(place.hashed(), 1);
    }
    assert_eq!(place.cache_files().len(), 8);
    assert_eq!(place.hashed(), 0);
    assert_eq!(place.cache_files().len(), 1);
    assert_eq!(fs::metadata(&place.cache_files()[0]).unwrap().len(), 128 * (1 + FILES));
    assert_eq!(place.hashed(), 0);
}

#[test]
fn old_files_of_a_cache_are_removed_and_nothing_else() {
    let place = Place::new();
    fs::create_dir(place.cache()).unwrap();
    let names = ["0123456789abcdef0123456789abcdef-0123456789abcdef.ids", "film.part", "x.ids", "notes"];
    for name in names {
        fs::write(place.cache().join(name), "x").unwrap();
        set_mtime(&place.cache().join(name), 1_000_000_000, 0);
    }
    place.hashed();
    let left: Vec<bool> = names.iter().map(|name| place.cache().join(name).exists()).collect();
    assert_eq!(left, [false, true, true, true]);
}

#[test]
fn a_scan_that_is_stopped_keeps_what_it_hashed() {
    let place = Place::new();
    let cache = place.cache();
    let progress = Arc::new(ScanProgress::default());
    // Large enough that the scan is stopped in the middle of it.
    fs::File::create(place.at("large")).unwrap().set_len(1 << 40).unwrap();
    let stopped = std::thread::scope(|scope| {
        let scan = scope.spawn(|| {
            let options = ScanOptions { workers: Some(2), ..ScanOptions::default() };
            let reuse = Reuse { cache: Some(&cache), guide: None };
            scan_reusing(&place.tree(), &options, &progress, reuse, None)
        });
        while progress.stats().files_done < FILES {
            std::thread::sleep(Duration::from_millis(5));
        }
        progress.cancel();
        scan.join().unwrap()
    });
    assert!(matches!(stopped, Err(ScanError::Cancelled)));
    fs::remove_file(place.at("large")).unwrap();
    assert_eq!(place.hashed(), 0);
}

/// What a child ends with when its cache could not be used.
const NO_CACHE: i32 = 42;

/// What a child does: scan with one cache, or with one after the other.
fn scan_in_a_child(arguments: &[String]) -> ! {
    let [root, caches @ ..] = arguments else { panic!("{arguments:?}") };
    let mut code = 0;
    for cache in caches {
        let (found, _) = run(Path::new(root), Reuse { cache: Some(Path::new(cache)), guide: None }, None);
        code = if codes(&found) == ["cache"] { NO_CACHE } else { 0 };
    }
    std::process::exit(code);
}

#[cfg(target_os = "linux")]
mod traced {
    use super::*;
    use std::process::{Command, ExitStatus, Stdio};

    /// Runs a scan in a child under strace; what was traced, and how the child ended.
    fn trace(place: &Place, options: &[&str]) -> (String, ExitStatus) {
        trace_all(place, &[&place.cache()], options)
    }

    fn trace_all(place: &Place, caches: &[&Path], options: &[&str]) -> (String, ExitStatus) {
        let log = place.0.path().join("trace");
        let tree = place.tree();
        let paths: Vec<&str> =
            std::iter::once(tree.as_path()).chain(caches.iter().copied()).map(|path| path.to_str().unwrap()).collect();
        let scan = child("traced::an_unchanged_tree_is_scanned_without_opening_a_file", &paths);
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-s", "1", "-o"]).arg(&log).args(options).arg(scan.get_program());
        command.args(scan.get_args()).envs(scan.get_envs().map(|(name, value)| (name, value.unwrap())));
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        (String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned(), status)
    }

    /// Calls that name a regular file of the tree, or have it open.
    fn calls_on_files<'t>(place: &Place, trace: &'t str) -> Vec<&'t str> {
        let tree = place.tree();
        let tree = tree.to_str().unwrap();
        let names = ["f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "name"];
        let is_on_file = |line: &&str| {
            let opened = format!("<{tree}/");
            let by_descriptor = names.iter().any(|name| line.contains(&opened) && line.contains(&format!("/{name}>")));
            by_descriptor || names.iter().any(|name| line.contains(&format!("\"{name}\"")))
        };
        trace.lines().filter(is_on_file).collect()
    }

    #[test]
    fn an_unchanged_tree_is_scanned_without_opening_a_file() {
        if let Some(arguments) = work() {
            scan_in_a_child(&arguments);
        }
        let place = Place::new();
        let calls =
            "trace=read,pread64,readv,preadv,mmap,open,openat,openat2,copy_file_range,sendfile,splice,io_uring_enter";
        let (first, _) = trace(&place, &["-e", calls, "-s", "300"]);
        let opened = calls_on_files(&place, &first);
        assert!(opened.iter().filter(|line| line.contains("openat(")).count() >= 8, "{first}");
        assert!(opened.iter().filter(|line| line.contains("read(")).count() >= 8, "{first}");
        let (second, _) = trace(&place, &["-e", calls, "-s", "300"]);
        assert!(second.contains(&format!("<{}>", place.tree().display())), "it looked at the tree");
        assert_eq!(calls_on_files(&place, &second), Vec::<&str>::new());
        assert_eq!(place.hashed(), 0);
    }

    #[test]
    fn a_scan_that_was_killed_at_any_write_goes_on_where_it_was() {
        let place = Place::new();
        let mut kept = BTreeSet::new();
        for number in 1.. {
            place.cache_files().iter().for_each(|path| fs::remove_file(path).unwrap());
            // The write that writes a file of the cache, or gives it its name.
            let fault = format!("inject=write,rename,renameat,renameat2,openat,mkdir:signal=KILL:when={number}");
            let (log, _) = trace(&place, &["-e", "trace=write,rename,renameat,renameat2,openat,mkdir", "-e", &fault]);
            let is_killed = log.contains("killed by SIGKILL");
            let (found, stats) = place.cached();
            assert_eq!(text(&found), text(&plain(&place.tree())));
            kept.insert(stats.files_known);
            assert_eq!(place.hashed(), 0);
            if !is_killed {
                break;
            }
        }
        assert!(kept.contains(&0) && kept.contains(&FILES), "{kept:?}");
    }

    #[test]
    fn a_cache_on_a_full_disk_is_an_issue_and_no_error() {
        let place = Place::new();
        let first = place.0.path().join("first");
        for errno in ["ENOSPC", "EIO"] {
            // Of each thread the first two writes go well: what the test program says, and the whole of another cache.
            for (call, failed) in
                [("mkdir:when=2", true), ("write:when=3+", true), ("write:when=4", true), ("write:when=5", false)]
            {
                let fault = format!("inject={}", call.replace(':', &format!(":error={errno}:")));
                let (_, status) =
                    trace_all(&place, &[&first, &place.cache()], &["-e", "trace=write,mkdir", "-e", &fault]);
                assert_eq!(status.code(), Some(if failed { NO_CACHE } else { 0 }), "{fault}");
                assert_eq!(place.hashed(), if failed { FILES } else { 0 }, "{fault}");
                assert_eq!(place.hashed(), 0);
                for cache in [&first, &place.cache()] {
                    fs::remove_dir_all(cache).unwrap();
                }
            }
        }
    }
}

#[test]
fn what_is_killed_between_two_files_is_kept() {
    if let Some(arguments) = work() {
        scan_in_a_child(&arguments);
    }
    let place = Place::young();
    for number in 0..3 {
        fs::File::create(place.at(&format!("large{number}"))).unwrap().set_len(40 << 20).unwrap();
    }
    age();
    // It is hashed last by none: the largest are hashed first, and this one outlasts the test.
    fs::File::create(place.at("endless")).unwrap().set_len(1 << 40).unwrap();
    let mut scan = child(
        "what_is_killed_between_two_files_is_kept",
        &[place.tree().to_str().unwrap(), place.cache().to_str().unwrap()],
    )
    .stdout(std::process::Stdio::null())
    .spawn()
    .unwrap();
    while place
        .cache_files()
        .first()
        .and_then(|path| fs::metadata(path).ok())
        .is_none_or(|metadata| metadata.len() < 4 * 128)
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    scan.kill().unwrap();
    scan.wait().unwrap();
    fs::remove_file(place.at("endless")).unwrap();
    let (found, stats) = place.cached();
    assert_eq!(text(&found), text(&plain(&place.tree())));
    assert!(stats.bytes_known >= 3 * (40 << 20), "{stats:?}");
}

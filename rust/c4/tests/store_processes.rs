//! Many processes and threads on one directory that is split all the time: what was announced is never missing.

mod children;

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use c4::C4Id;
use c4::store::TreeStore;
use children::{child, content, durability, objects, scratch, temporaries, work};

/// Objects that a directory holds before it is split.
const THRESHOLD: usize = 8;

/// Different objects of one round.
const OBJECTS: u64 = 30_000;

/// Objects that are put and made durable together.
const TOGETHER: usize = 20;

/// The bytes of an object: of one or more writes, and of many sizes.
fn bytes_of(number: u64) -> Vec<u8> {
    format!("object {number} ").repeat(1 + (number % 40) as usize).into_bytes()
}

fn id_of(number: u64) -> C4Id {
    C4Id::of(&bytes_of(number))
}

/// Numbers as a writer draws them: with growing time from a growing range, so that writers overlap.
struct Draw {
    state: u64,
    drawn: u64,
}

impl Draw {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.drawn += 1;
        // All writers begin with the same objects.
        if self.drawn <= 30 { self.drawn } else { (self.state >> 33) % OBJECTS.min(64 + self.drawn * 20) }
    }
}

/// The file in which writers say what they have put.
struct Announcements {
    file: File,
    rest: Vec<u8>,
}

impl Announcements {
    fn open(path: &Path) -> Self {
        Self { file: OpenOptions::new().read(true).append(true).create(true).open(path).unwrap(), rest: Vec::new() }
    }

    fn announce(&mut self, numbers: &[u64]) {
        let lines: Vec<String> = numbers.iter().map(u64::to_string).collect();
        self.file.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    }

    /// What was announced since the last call.
    fn news(&mut self) -> Vec<u64> {
        self.file.read_to_end(&mut self.rest).unwrap();
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let lines: Vec<u8> = self.rest.drain(..=end).collect();
        String::from_utf8(lines).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }
}

/// Puts, flushes, announces.
fn write(store: &TreeStore, announcements: &Path, seed: u64, end: Instant) {
    let mut announcements = Announcements::open(announcements);
    let mut draw = Draw { state: seed, drawn: 0 };
    while Instant::now() < end {
        let numbers: Vec<u64> = (0..TOGETHER).map(|_| draw.next()).collect();
        for number in &numbers {
            assert_eq!(store.put(&mut &bytes_of(*number)[..]).unwrap(), id_of(*number));
        }
        store.flush().unwrap();
        announcements.announce(&numbers);
    }
}

/// Reads what was announced, each at once and some again.
fn read(store: &TreeStore, announcements: &Path, seed: u64, end: Instant) {
    let mut announcements = Announcements::open(announcements);
    let mut draw = Draw { state: seed, drawn: 30 };
    let mut known = Vec::new();
    while Instant::now() < end {
        let news = announcements.news();
        known.extend_from_slice(&news);
        // What is young is what is moved.
        let again = (0..40).filter_map(|turn| {
            let among = if turn % 4 == 0 { known.len() } else { known.len().min(100) };
            known.iter().rev().nth(draw.next() as usize % among.max(1)).copied()
        });
        for number in news.into_iter().chain(again.collect::<Vec<_>>()) {
            let found = content(store, &id_of(number));
            assert!(found.is_some(), "object {number}, {}, was announced and is missing", id_of(number));
            assert_eq!(found.unwrap(), bytes_of(number));
        }
        if known.is_empty() {
            std::thread::yield_now();
        }
    }
}

/// A writer as the other tools are: it knows nothing of ours, and does not look again after its rename.
fn imitate(root: &Path, announcements: &Path, seed: u64, end: Instant) {
    let mut announcements = Announcements::open(announcements);
    let mut draw = Draw { state: seed, drawn: 0 };
    let mut temporaries = 0;
    while Instant::now() < end {
        let number = draw.next();
        let name = id_of(number).to_string();
        let mut directory = root.to_owned();
        let mut depth = 0;
        while directory.join(&name[2 * depth..2 * depth + 2]).is_dir() {
            directory.push(&name[2 * depth..2 * depth + 2]);
            depth += 1;
        }
        if !directory.join(&name).exists() {
            temporaries += 1;
            let temporary = root.join(format!(".ingest.{}.{seed}.{temporaries}", std::process::id()));
            fs::write(&temporary, bytes_of(number)).unwrap();
            fs::rename(&temporary, directory.join(&name)).unwrap();
            let list = || -> Vec<String> {
                let entries = fs::read_dir(&directory).unwrap().flatten();
                let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
                let names = files.map(|entry| entry.file_name().into_string().unwrap());
                names.filter(|name| !name.starts_with('.')).collect()
            };
            let names = list();
            if names.len() > THRESHOLD {
                for name in names {
                    let below = directory.join(&name[2 * depth..2 * depth + 2]);
                    fs::create_dir_all(&below).unwrap();
                    let _ = fs::rename(directory.join(&name), below.join(&name));
                }
            }
        }
        announcements.announce(&[number]);
    }
}

/// What a child does: `role`, durability, root, file of announcements, seed, milliseconds.
#[test]
fn work_of_a_child() {
    let Some(work) = work() else { return };
    let [role, how, root, announcements, seed, time] = &work[..] else { panic!("{work:?}") };
    let (root, announcements) = (Path::new(root), Path::new(announcements));
    let seed: u64 = seed.parse().unwrap();
    let end = Instant::now() + Duration::from_millis(time.parse().unwrap());
    let store = TreeStore::new(root, THRESHOLD, durability(how)).unwrap();
    std::thread::scope(|scope| match role.as_str() {
        "ours" => {
            scope.spawn(|| write(&store, announcements, seed, end));
            scope.spawn(|| write(&store, announcements, seed + 1, end));
            scope.spawn(|| read(&store, announcements, seed + 2, end));
        }
        "reader" => {
            scope.spawn(|| read(&store, announcements, seed, end));
            scope.spawn(|| read(&store, announcements, seed + 1, end));
        }
        "imitator" => imitate(root, announcements, seed, end),
        other => panic!("no role {other}"),
    });
}

/// Runs children for a time, then looks at what they left; how many different objects there are.
fn run(roles: &[&str], durability: &str, time: Duration, round: u64) -> usize {
    let directory = scratch();
    let root = directory.path().join("store");
    fs::create_dir(&root).unwrap();
    let announcements = directory.path().join("announcements");
    let children = roles.iter().enumerate().map(|(number, role)| {
        let seed = (round * 1000 + number as u64 * 10).to_string();
        let time = time.as_millis().to_string();
        let (root, announcements) = (root.to_str().unwrap(), announcements.to_str().unwrap());
        let mut command = child("work_of_a_child", &[role, durability, root, announcements, &seed, &time]);
        (role, command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    });
    for (role, child) in children.collect::<Vec<_>>() {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{role}: {}", String::from_utf8_lossy(&output.stderr));
    }

    let store = TreeStore::new(&root, THRESHOLD, children::durability(durability)).unwrap();
    let announced: HashSet<u64> = Announcements::open(&announcements).news().into_iter().collect();
    assert!(announced.len() > 30, "too little was done");
    for number in &announced {
        assert_eq!(content(&store, &id_of(*number)).as_ref(), Some(&bytes_of(*number)));
    }
    for (id, path) in objects(&root) {
        assert_eq!(C4Id::of(&fs::read(&path).unwrap()), id);
        if !roles.contains(&"imitator") {
            let depth = path.strip_prefix(&root).unwrap().components().count() - 1;
            let name = id.to_string();
            let below: PathBuf = path.parent().unwrap().join(&name[2 * depth..2 * depth + 2]);
            assert!(!below.is_dir(), "{} lies above where it belongs", path.display());
        }
    }
    assert_eq!(temporaries(&root), <Vec<PathBuf>>::new());
    announced.len()
}

fn rounds(roles: &[&str], durability: &str, times: u64, time: Duration) {
    let objects: usize = (0..times).map(|round| run(roles, durability, time, round)).sum();
    println!("{} processes, durability {durability}: {objects} objects in {times} rounds", roles.len());
}

#[test]
fn nothing_is_missing_while_others_split_in_their_way() {
    let roles = ["ours", "ours", "reader", "imitator", "imitator"];
    rounds(&roles, "none", 3, Duration::from_millis(800));
    rounds(&roles, "batch", 2, Duration::from_millis(800));
    rounds(&roles, "full", 1, Duration::from_millis(500));
}

#[test]
fn nothing_is_missing_or_misplaced_while_ours_split() {
    let roles = ["ours", "ours", "ours", "reader"];
    rounds(&roles, "none", 3, Duration::from_millis(800));
    rounds(&roles, "batch", 2, Duration::from_millis(800));
    rounds(&roles, "full", 1, Duration::from_millis(500));
}

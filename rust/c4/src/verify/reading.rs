//! Files are read, and what moved is found.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use c4_engine::{BUFFER_BYTES, FileRead, FileReader};
use hashbrown::{HashMap, HashSet};

use super::compare::{Comparison, ToRead, compare_listings};
use super::result::{Unreadable, Verdict, Verification};
use super::{Extent, OnFinding, Options};
use crate::C4Id;
use crate::c4m::{Manifest, PathWalk, RowId};
use crate::identify::ManifestDetector;
use crate::scan::{IssueKind, ScanError, ScanProgress, Survey, open_below};

const NOT_READ: &str = "it was not read";

/// Compares a surveyed directory with a manifest, and reads what has to be read.
pub(super) fn run(
    survey: &mut Survey<'_>,
    expected: Arc<Manifest>,
    options: &Options,
    progress: &ScanProgress,
    on_finding: OnFinding<'_>,
) -> Result<Verification, ScanError> {
    let Comparison { verdicts, reads, changed, extra, unreadable, unreadable_besides, bytes_total } =
        compare_listings(&expected, survey.listing(), survey.issues(), options, progress);
    if progress.is_cancelled() {
        return Err(ScanError::Cancelled);
    }
    if let Some(tell) = on_finding {
        let is_read: HashSet<RowId> = reads.iter().map(|read| read.expected).collect();
        let known = |row: &RowId| verdicts[*row as usize] != Verdict::Implied && !is_read.contains(row);
        tell_all(&expected, (0..expected.len() as RowId).filter(known), |row| verdicts[row as usize].name(), tell);
        tell_all(survey.listing(), extra.iter().copied(), |_| "extra", tell);
        for (row, _) in &unreadable_besides {
            tell(Verdict::Unreadable.name(), &path_of(survey.listing(), *row));
        }
    }
    let candidates = match options.extent {
        Extent::Full => candidates(&expected, &verdicts, survey.listing(), &extra),
        // What moved is known by its content.
        Extent::Quick | Extent::Sample(_) => Vec::new(),
    };
    let directory = survey.directory().and_then(|directory| directory.try_clone_to_owned())?;
    let mut cache_dropped = options.drop_cache.then(|| write_back(directory.as_fd()));
    let reading = Reading {
        expected: &expected,
        reads: &reads,
        directory: &directory,
        progress,
        verdicts: verdicts.into_iter().map(|verdict| AtomicU8::new(verdict as u8)).collect(),
        actual: Mutex::default(),
        unreadable: Mutex::new(unreadable),
        failed: AtomicU64::new(0),
        on_finding,
    };
    let rows: Vec<RowId> = reads.iter().map(|read| read.found).chain(candidates.iter().copied()).collect();
    survey.hash(&rows, &|row, result| reading.take(row, result))?;
    let Reading { verdicts, actual, unreadable, failed, .. } = reading;
    let verdicts: Vec<Verdict> = verdicts.into_iter().map(|verdict| Verdict::of_number(verdict.into_inner())).collect();
    let stats = progress.stats();
    if let Some(dropped) = &mut cache_dropped {
        *dropped &= progress.kept_in_cache.load(Ordering::Relaxed) == 0;
    }
    let mut actual = actual.into_inner().unwrap_or_else(PoisonError::into_inner);
    actual.sort_unstable_by_key(|(row, _)| *row);
    let found = Arc::new(survey.take_listing());
    let moved = moved(&expected, &verdicts, &found, &candidates);
    if let Some(tell) = on_finding {
        tell_all(&expected, moved.iter().map(|(row, _)| *row), |_| "moved", tell);
    }
    let messages = unreadable.into_inner().unwrap_or_else(PoisonError::into_inner);
    let unreadable = unreadable_paths(&expected, &verdicts, messages, &found, unreadable_besides);
    let files_total = expected.iter().filter(|row| !expected.rows().is_dir(*row)).count() as u64;
    Ok(Verification {
        files_total,
        files_read: stats.files_done.saturating_sub(failed.into_inner()),
        bytes_total,
        bytes_read: stats.bytes_done,
        cache_dropped,
        expected,
        found,
        verdicts,
        actual,
        extra,
        changed,
        unreadable,
        moved,
    })
}

/// What the threads that read share.
struct Reading<'r> {
    expected: &'r Manifest,
    /// Ordered by their row in the listing.
    reads: &'r [ToRead],
    directory: &'r OwnedFd,
    progress: &'r ScanProgress,
    verdicts: Vec<AtomicU8>,
    actual: Mutex<Vec<(RowId, C4Id)>>,
    unreadable: Mutex<HashMap<RowId, Cow<'static, str>>>,
    /// Files that could not be read.
    failed: AtomicU64,
    on_finding: OnFinding<'r>,
}

impl Reading<'_> {
    /// Notes what came of a file.
    fn take(&self, found: RowId, result: Result<&C4Id, &IssueKind>) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        let Ok(at) = self.reads.binary_search_by_key(&found, |read| read.found) else { return };
        let ToRead { expected: row, otherwise, .. } = self.reads[at];
        let verdict = match result {
            Ok(id) if id == self.expected.rows().id(row) => otherwise,
            Ok(id) => {
                self.actual.lock().unwrap_or_else(PoisonError::into_inner).push((row, *id));
                if self.is_canonically(row, id) { Verdict::CanonicalOnly } else { Verdict::Corrupt }
            }
            Err(kind) => {
                let message = Cow::Owned(kind.to_string());
                self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).insert(row, message);
                Verdict::Unreadable
            }
        };
        self.verdicts[row as usize].store(verdict as u8, Ordering::Relaxed);
        if let Some(tell) = self.on_finding {
            tell(verdict.name(), &self.expected.outline().path(self.expected, row as usize));
        }
    }

    /// Whether a file whose bytes have another ID is a manifest whose canonical text has that of an entry.
    fn is_canonically(&self, row: RowId, bytes_id: &C4Id) -> bool {
        let path = self.expected.outline().path(self.expected, row as usize);
        let text = self.canonical_text(&path, bytes_id);
        text.ok().flatten().is_some_and(|text| C4Id::of(&text) == *self.expected.rows().id(row))
    }

    /// The canonical text of a file that has these bytes still; the first line that no manifest has ends the reading.
    fn canonical_text(&self, path: &[u8], bytes_id: &C4Id) -> io::Result<Option<Vec<u8>>> {
        let Ok(mut file) = FileReader::new(open_below(self.directory, path)?)? else { return Ok(None) };
        let mut detector = ManifestDetector::of(path.ends_with(b".c4m"));
        let mut hasher = c4_sha512::Sha512::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let (count, is_last) = match file.read(&mut buffer)? {
                FileRead::More(count) => (count, false),
                FileRead::End(count) => (count, true),
                FileRead::Changed => return Ok(None),
            };
            if self.progress.is_cancelled() || !detector.update(&buffer[..count]) {
                return Ok(None);
            }
            hasher.update(&buffer[..count]);
            if is_last {
                let is_same = C4Id(hasher.finalize()) == *bytes_id;
                return Ok(detector.finish().filter(|_| is_same));
            }
        }
    }
}

/// Has the system write what it has not written yet: what waits for that stays in memory. Whether it did.
fn write_back(directory: BorrowedFd<'_>) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::syncfs(directory).is_ok();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = directory;
        false
    }
}

/// Extra files that may be missing ones: those of a size that one has.
fn candidates(expected: &Manifest, verdicts: &[Verdict], found: &Manifest, extra: &[RowId]) -> Vec<RowId> {
    if extra.is_empty() {
        return Vec::new();
    }
    let sizes: HashSet<i64> =
        missing_files(expected, verdicts).map(|row| expected.rows().size(row)).filter(|size| *size >= 0).collect();
    let may_be = |row: &RowId| {
        let row = found.get(*row);
        !row.is_dir() && row.mode.is_regular() && sizes.contains(&row.size)
    };
    extra.iter().copied().filter(may_be).collect()
}

/// Entries with an ID that are files, and are missing.
fn missing_files<'m>(expected: &'m Manifest, verdicts: &'m [Verdict]) -> impl Iterator<Item = RowId> + 'm {
    (0..).zip(verdicts).filter(|(_, verdict)| **verdict == Verdict::Missing).map(|(row, _)| row).filter(|row| {
        let row = expected.get(*row);
        !row.is_dir() && row.mode.is_regular() && !row.id.is_nil()
    })
}

/// Pairs of missing entries and extra files with one content: those of one name first, then in their order.
fn moved(expected: &Manifest, verdicts: &[Verdict], found: &Manifest, candidates: &[RowId]) -> Vec<(RowId, RowId)> {
    let mut by_id: HashMap<C4Id, VecDeque<RowId>> = HashMap::new();
    for row in candidates {
        let id = found.rows().id(*row);
        if !id.is_nil() {
            by_id.entry(*id).or_default().push_back(*row);
        }
    }
    if by_id.is_empty() {
        return Vec::new();
    }
    let missing: Vec<RowId> =
        missing_files(expected, verdicts).filter(|row| by_id.contains_key(expected.rows().id(*row))).collect();
    let mut by_name: HashMap<(&C4Id, &[u8]), VecDeque<RowId>> = HashMap::new();
    for row in by_id.values().flatten() {
        by_name.entry((found.rows().id(*row), found.rows().name(*row))).or_default().push_back(*row);
    }
    let mut pairs = Vec::new();
    let mut taken = HashSet::new();
    let (mut rest, rows) = (Vec::new(), expected.rows());
    for row in missing {
        match by_name.get_mut(&(rows.id(row), rows.name(row))).and_then(VecDeque::pop_front) {
            Some(new) => {
                taken.insert(new);
                pairs.push((row, new));
            }
            None => rest.push(row),
        }
    }
    for row in rest {
        let Some(waiting) = by_id.get_mut(rows.id(row)) else { continue };
        while let Some(new) = waiting.pop_front() {
            if taken.insert(new) {
                pairs.push((row, new));
                break;
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

fn unreadable_paths(
    expected: &Manifest,
    verdicts: &[Verdict],
    mut messages: HashMap<RowId, Cow<'static, str>>,
    found: &Manifest,
    besides: Vec<(Option<RowId>, String)>,
) -> Vec<Unreadable> {
    let mut walk = PathWalk::default();
    let rows = (0..).zip(verdicts).filter(|(_, verdict)| **verdict == Verdict::Unreadable).map(|(row, _)| row);
    let mut unreadable: Vec<Unreadable> = rows
        .map(|row: RowId| Unreadable {
            path: walk.path(expected, row as usize).to_vec(),
            message: messages.remove(&row).unwrap_or(Cow::Borrowed(NOT_READ)),
        })
        .collect();
    for (row, message) in besides {
        unreadable.push(Unreadable { path: path_of(found, row), message: Cow::Owned(message) });
    }
    unreadable
}

/// Path of a row; that of the root is empty.
fn path_of(found: &Manifest, row: Option<RowId>) -> Vec<u8> {
    let place = row.and_then(|row| found.outline().place_of(found, row));
    place.map(|place| found.outline().path(found, place)).unwrap_or_default()
}

/// Tells of rows, which ascend.
fn tell_all(
    manifest: &Manifest,
    rows: impl Iterator<Item = RowId>,
    name: impl Fn(RowId) -> &'static str,
    tell: &(dyn Fn(&'static str, &[u8]) + Sync),
) {
    let mut walk = PathWalk::default();
    for row in rows {
        tell(name(row), walk.path(manifest, row as usize));
    }
}

//! Two listings side by side; no file is opened.

use std::borrow::Cow;

use hashbrown::{HashMap, HashSet};

use super::result::{Change, ChangedField, Verdict};
use super::{Extent, LEFT_ALONE, Options};
use crate::C4Id;
use crate::c4m::{Manifest, Mode, Orphans, Preorder, Row, RowId, Timestamp, safe_name, without_slash};
use crate::diff::{Step, compare};
use crate::scan::{IssueKind, ScanIssue, ScanProgress};

/// The type bits of a mode that says nothing but the type.
const TYPE_MASK: u32 = 0o170_000;

const IN_UNREADABLE: &str = "it is in a directory that cannot be read";

/// A file of the directory whose bytes are needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToRead {
    /// Its row in the listing.
    pub(super) found: RowId,
    /// The entry whose ID it must have.
    pub(super) expected: RowId,
    /// What it is if its content is right.
    pub(super) otherwise: Verdict,
}

/// What two listings tell.
#[derive(Default)]
pub(super) struct Comparison {
    /// By row of the manifest; of what is to be read [`Verdict::Unreadable`], until it was.
    pub(super) verdicts: Vec<Verdict>,
    /// Ordered by their row in the listing.
    pub(super) reads: Vec<ToRead>,
    pub(super) changed: Vec<Change>,
    /// Rows of the listing.
    pub(super) extra: Vec<RowId>,
    /// By row of the manifest.
    pub(super) unreadable: HashMap<RowId, Cow<'static, str>>,
    /// Directories that the manifest does not have, by row of the listing, and the root itself.
    pub(super) unreadable_besides: Vec<(Option<RowId>, String)>,
    pub(super) bytes_total: u64,
}

/// Entries that only one side has: where they are, and the rows of the first and after the last.
#[derive(Clone, Copy)]
struct Alone {
    /// The directory of both that holds the first, by row of the manifest; `None` for the root.
    parent: Option<RowId>,
    from: usize,
    to: usize,
    /// Whether what lies in that directory is not all known.
    in_unreadable: bool,
}

/// Compares what a manifest and a listing say; rows of both are in canonical order, by number. Once the work is to stop,
/// what comes out is not whole.
pub(super) fn compare_listings(
    expected: &Manifest,
    found: &Manifest,
    issues: &[ScanIssue],
    options: &Options,
    progress: &ScanProgress,
) -> Comparison {
    let mut comparer = Comparer::new(expected, found, issues, options);
    comparer.walk(progress);
    let mut comparison = comparer.comparison;
    comparison.extra.sort_unstable();
    comparison.changed.sort_by_key(|change| change.row);
    comparison.reads.sort_unstable_by_key(|read| read.found);
    comparison
}

struct Comparer<'m> {
    expected: &'m Manifest,
    found: &'m Manifest,
    metadata: bool,
    is_full: bool,
    sample: Option<HashSet<RowId>>,
    /// What could not be looked up or listed, by row of the listing.
    issues: HashMap<RowId, String>,
    is_root_unreadable: bool,
    comparison: Comparison,
}

impl<'m> Comparer<'m> {
    fn new(expected: &'m Manifest, found: &'m Manifest, issues: &[ScanIssue], options: &Options) -> Self {
        let mut comparison = Comparison { verdicts: vec![Verdict::Ok; expected.len()], ..Comparison::default() };
        let mut by_row = HashMap::new();
        for issue in issues.iter().filter(|issue| matches!(issue.kind, IssueKind::Io(..))) {
            if issue.path.is_empty() {
                comparison.unreadable_besides.push((None, issue.kind.to_string()));
            } else if let Some(row) = found.outline().find(found, &issue.path).and_then(|place| found.row_at(place)) {
                by_row.insert(row, issue.kind.to_string());
            }
        }
        Self {
            expected,
            found,
            metadata: options.metadata,
            is_full: options.extent == Extent::Full,
            sample: if let Extent::Sample(share) = options.extent { Some(sample(expected, share)) } else { None },
            issues: by_row,
            is_root_unreadable: !comparison.unreadable_besides.is_empty(),
            comparison,
        }
    }

    fn walk(&mut self, progress: &ScanProgress) {
        let (walk_a, walk_b) = Preorder::of_two(self.expected, self.found, Orphans::AtTop);
        // The directories of both that are open, by depth, and whether they could not be listed.
        let mut open: Vec<(RowId, bool)> = Vec::new();
        let (mut only_a, mut only_b): (Vec<Alone>, Vec<Alone>) = (Vec::new(), Vec::new());
        let alone = |open: &mut Vec<(RowId, bool)>, depth: u32, root: bool, from, to| {
            open.truncate(depth as usize);
            let parent = open.last().copied();
            let in_unreadable = parent.map_or(root, |(_, is_unreadable)| is_unreadable);
            Alone { parent: parent.map(|(row, _)| row), from, to, in_unreadable }
        };
        compare(&walk_a, &walk_b, |step| match step {
            // Nobody waits for the rest.
            _ if progress.is_cancelled() => {}
            Step::Same { a, b, count } => {
                (0..count).for_each(|next| {
                    self.both(&mut open, walk_a.depth(a + next), walk_a.id(a + next), walk_b.id(b + next));
                });
            }
            Step::Both { a, b } => self.both(&mut open, walk_a.depth(a), walk_a.id(a), walk_b.id(b)),
            Step::OnlyA { from, to } => {
                only_a.push(alone(&mut open, walk_a.depth(from), self.is_root_unreadable, from, to));
            }
            Step::OnlyB { from, to } => {
                only_b.push(alone(&mut open, walk_b.depth(from), self.is_root_unreadable, from, to));
            }
        });
        let of_other_type = self.pair_by_bare_name(&walk_a, &mut only_a, &walk_b, &mut only_b);
        for (a, b) in of_other_type {
            self.of_other_type(a, b);
        }
        for range in only_a {
            self.missing(&walk_a, range);
        }
        for range in only_b {
            self.extra(&walk_b, range);
        }
    }

    /// A file where a directory is expected, or the other way round: each such pair is taken out of the rest.
    fn pair_by_bare_name(
        &self,
        walk_a: &Preorder<'_>,
        only_a: &mut [Alone],
        walk_b: &Preorder<'_>,
        only_b: &mut [Alone],
    ) -> Vec<(RowId, RowId)> {
        let mut pairs = Vec::new();
        if only_a.is_empty() || only_b.is_empty() {
            return pairs;
        }
        let key = |manifest: &'m Manifest, alone: &Alone, row: RowId| {
            (alone.parent, without_slash(manifest.rows().name(row)))
        };
        let waiting: HashMap<_, usize> =
            only_b.iter().enumerate().map(|(at, alone)| (key(self.found, alone, walk_b.id(alone.from)), at)).collect();
        for alone in only_a {
            let row = walk_a.id(alone.from);
            if let Some(at) = waiting.get(&key(self.expected, alone, row)) {
                let other = &mut only_b[*at];
                let found = walk_b.id(other.from);
                // What cannot be looked up may be what is expected.
                alone.in_unreadable |= self.issues.contains_key(&found);
                (alone.from, other.from) = (alone.from + 1, other.from + 1);
                pairs.push((row, found));
            }
        }
        pairs
    }

    fn of_other_type(&mut self, row: RowId, found: RowId) {
        if let Some(message) = self.issues.remove(&found) {
            self.unreadable(row, Cow::Owned(message));
            return;
        }
        let (a, b) = (self.expected.get(row), self.found.get(found));
        self.change(row, ChangedField::Type, type_word(&a), type_word(&b));
        self.set(row, Verdict::Changed);
    }

    fn missing(&mut self, walk: &Preorder<'_>, range: Alone) {
        if range.in_unreadable {
            for at in range.from..range.to {
                self.unreadable(walk.id(at), Cow::Borrowed(IN_UNREADABLE));
            }
            return;
        }
        for at in range.from..range.to {
            self.set(walk.id(at), Verdict::Implied);
        }
        files_and_childless(walk, &range, |at| self.set(walk.id(at), Verdict::Missing));
        for at in range.from..range.to {
            self.count_bytes(self.expected.rows().size(walk.id(at)), walk.is_dir(at));
        }
    }

    fn extra(&mut self, walk: &Preorder<'_>, range: Alone) {
        let name = |at: usize| self.found.rows().name(walk.id(at));
        if range.parent.is_none()
            && range.from < range.to
            && walk.depth(range.from) == 0
            && LEFT_ALONE.contains(&name(range.from))
        {
            return;
        }
        files_and_childless(walk, &range, |at| self.comparison.extra.push(walk.id(at)));
        if !self.issues.is_empty() {
            for row in (range.from..range.to).map(|at| walk.id(at)) {
                if let Some(message) = self.issues.remove(&row) {
                    self.comparison.unreadable_besides.push((Some(row), message));
                }
            }
        }
    }

    fn both(&mut self, open: &mut Vec<(RowId, bool)>, depth: u32, row: RowId, found: RowId) {
        let (a, b) = (self.expected.get(row), self.found.get(found));
        let message = if self.issues.is_empty() { None } else { self.issues.remove(&found) };
        if a.is_dir() {
            open.truncate(depth as usize);
            open.push((row, message.is_some()));
        }
        self.count_bytes(if a.size < 0 { b.size } else { a.size }, a.is_dir());
        let verdict = match message {
            Some(message) => return self.unreadable(row, Cow::Owned(message)),
            None => self.compare(row, found, &a, &b),
        };
        self.set(row, verdict);
    }

    /// The verdict of an entry that is there; one that is to be read has none yet.
    fn compare(&mut self, row: RowId, found: RowId, a: &Row<'_>, b: &Row<'_>) -> Verdict {
        let changes = self.comparison.changed.len();
        let actual = b.mode.bits() & TYPE_MASK;
        let wanted = type_of(a);
        // Only of a file the content is known.
        if wanted.is_some_and(|wanted| wanted != actual) || (wanted.is_none() && !a.id.is_nil() && actual != 0) {
            self.change(row, ChangedField::Type, type_word(a), type_word(b));
            return Verdict::Changed;
        }
        let is_read = actual == 0 && self.is_to_be_read(row, a.id);
        let is_file = actual == 0;
        // Instead of content: an ID that is not compared leaves size and time, none at all the size.
        let instead = is_file && !is_read;
        // A member of a sequence has no mode and no time of its own.
        if self.metadata && !a.mode.is_null() && !a.is_sequence && a.mode != b.mode {
            self.change(row, ChangedField::Mode, text_of_mode(a.mode), text_of_mode(b.mode));
        }
        if (self.metadata || (instead && !self.is_full)) && is_known(a.time) && !a.is_sequence && a.time != b.time {
            self.change(row, ChangedField::Time, text_of_time(a.time), text_of_time(b.time));
        }
        if (self.metadata || instead) && a.size >= 0 && b.size >= 0 && a.size != b.size && !a.is_dir() {
            self.change(row, ChangedField::Size, a.size.to_string(), b.size.to_string());
        }
        let mut is_compared = !is_file && wanted.is_some();
        if b.is_symlink() {
            is_compared &= !a.target().is_empty();
            if !a.target().is_empty() && a.target() != b.target() {
                self.change(row, ChangedField::Target, text_of_name(a.target()), text_of_name(b.target()));
            }
        }
        let otherwise = if self.comparison.changed.len() > changes { Verdict::Changed } else { Verdict::Ok };
        if is_read {
            self.comparison.reads.push(ToRead { found, expected: row, otherwise });
            return Verdict::Unreadable;
        }
        if is_compared || otherwise == Verdict::Changed { otherwise } else { Verdict::Unverified }
    }

    fn is_to_be_read(&self, row: RowId, id: &C4Id) -> bool {
        !id.is_nil() && (self.is_full || self.sample.as_ref().is_some_and(|sample| sample.contains(&row)))
    }

    fn change(&mut self, row: RowId, field: ChangedField, expected: impl Into<String>, actual: impl Into<String>) {
        self.comparison.changed.push(Change { row, field, expected: expected.into(), actual: actual.into() });
    }

    fn unreadable(&mut self, row: RowId, message: Cow<'static, str>) {
        self.set(row, Verdict::Unreadable);
        self.comparison.unreadable.insert(row, message);
    }

    fn set(&mut self, row: RowId, verdict: Verdict) {
        self.comparison.verdicts[row as usize] = verdict;
    }

    fn count_bytes(&mut self, size: i64, is_dir: bool) {
        let size = if is_dir { 0 } else { u64::try_from(size).unwrap_or(0) };
        self.comparison.bytes_total = self.comparison.bytes_total.saturating_add(size);
    }
}

/// The files of a range, and the directories that have none below them, from the last to the first.
fn files_and_childless(walk: &Preorder<'_>, range: &Alone, mut each: impl FnMut(usize)) {
    // Whatever stands above this depth next is a directory that holds a file.
    let mut below = 0;
    for at in (range.from..range.to).rev() {
        let depth = walk.depth(at);
        if !walk.is_dir(at) {
            below = below.max(depth);
            each(at);
        } else if depth < below {
            below = depth;
        } else {
            each(at);
        }
    }
}

/// The entries whose content is read of a share: as many as it asks for, rounded up, by the digest of their paths.
fn sample(expected: &Manifest, share: f64) -> HashSet<RowId> {
    let mut walk = crate::c4m::PathWalk::default();
    let mut numbers: Vec<(u64, RowId)> = Vec::new();
    for (place, row) in expected.iter().enumerate() {
        let entry = expected.get(row);
        if !entry.id.is_nil() && type_of(&entry).is_none_or(|bits| bits == 0) {
            let digest = C4Id::of(walk.path(expected, place));
            numbers.push((digest.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)), row));
        }
    }
    let count = sample_size(numbers.len(), share);
    if count < numbers.len() && count > 0 {
        numbers.select_nth_unstable(count - 1);
    }
    numbers.into_iter().take(count).map(|(_, row)| row).collect()
}

/// How many of so many are a share, rounded up. What a product of floats is too large by is no entry more: 0.07 of 100 is 7.
fn sample_size(count: usize, share: f64) -> usize {
    // Row numbers have 32 bits, a float holds more; the error of the product is one of its last of 53.
    let exact = f64::from(count as u32) * share;
    (exact * (1.0 - 2.0 * f64::EPSILON)).ceil() as usize
}

/// The type bits that an entry must have; `None` when it does not say.
fn type_of(entry: &Row<'_>) -> Option<u32> {
    if entry.is_dir() {
        Some(0o040_000)
    } else if entry.mode.is_null() {
        // A structure scan writes no modes, and the targets of links.
        (!entry.target().is_empty()).then_some(0o120_000)
    } else {
        Some(entry.mode.bits() & TYPE_MASK)
    }
}

fn type_word(entry: &Row<'_>) -> &'static str {
    let bits = type_of(entry).unwrap_or(0);
    Mode::from_bits(bits).type_name().unwrap_or("unknown")
}

/// Whether the manifest knows a time: not that of a structure scan.
fn is_known(time: Timestamp) -> bool {
    !time.is_null() && time != Timestamp::YEAR_1
}

fn text_of_mode(mode: Mode) -> String {
    String::from_utf8_lossy(&mode.to_text()).into_owned()
}

fn text_of_time(time: Timestamp) -> String {
    if time.is_null() || !time.is_writable() {
        return "-".to_owned();
    }
    let mut text = Vec::new();
    time.write(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn text_of_name(name: &[u8]) -> String {
    let mut text = Vec::new();
    safe_name(name, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_as_large_as_the_share_says() {
        for (count, share, expected) in
            [(100, 0.07, 7), (100, 0.071, 8), (10, 0.3, 3), (3, 0.001, 1), (1000, 0.029, 29), (7, 1.0, 7), (0, 0.5, 0)]
        {
            assert_eq!(sample_size(count, share), expected, "{share} of {count}");
        }
        for percent in 1..=100_u32 {
            assert_eq!(sample_size(100, f64::from(percent) / 100.0), percent as usize);
        }
        assert_eq!(sample_size(u32::MAX as usize, 1.0), u32::MAX as usize);
    }
}

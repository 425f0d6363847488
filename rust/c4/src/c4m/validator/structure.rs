//! Checks of a list as a list: what an entry is read as a child of, order, names that occur twice.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use unicode_normalization::UnicodeNormalization;

use super::code::Code;
use super::located::Located;
use super::report::Report;
use crate::c4m::outline::sibling_cmp;
use crate::c4m::without_slash;

/// Orphans, entries that stand elsewhere than they are read; order, if the list is that of a text.
pub(super) fn check_order(located: &Located<'_>, report: &mut Report) {
    let manifest = located.manifest;
    let (rows, outline) = (manifest.rows(), manifest.outline());
    // The open path: depth and place of the last entry at each level.
    let mut open: Vec<(u32, usize)> = Vec::new();
    for (place, row) in located.rows() {
        let depth = rows.depth(row);
        let mut before = None;
        while let Some(last) = open.pop_if(|(open_depth, _)| *open_depth >= depth) {
            before = Some(last).filter(|(open_depth, _)| *open_depth == depth);
        }
        if outline.is_orphan(place) {
            located.add(report, Code::Orphan, place, "the entry has no directory above it");
        } else if outline.parent(place) != open.last().map(|(_, above)| *above) {
            let message =
                "the entry is indented below a file or a gap; it is read as a child of a directory further up";
            located.add(report, Code::MisplacedEntry, place, message);
        } else if let Some((_, before)) = before
            && located.lines.is_some()
            && manifest.row_at(before).is_some_and(|before| sibling_cmp(manifest, before, row).is_gt())
        {
            located.add(report, Code::Unsorted, place, format_args!("belongs above line {}", located.line(before)));
        }
        open.push((depth, place));
    }
}

/// Siblings of one name; with `twins`, also those that some file system takes for one.
pub(super) fn check_names(located: &Located<'_>, twins: bool, report: &mut Report) {
    let names = Names::new(located);
    let count = names.rows.len();
    let mut exact: HashTable<u32> = HashTable::with_capacity(count);
    let mut folded: HashTable<u32> = HashTable::with_capacity(if twins { count } else { 0 });
    let mut fold = Vec::new();
    for place in (0..count as u32).filter(|place| !located.manifest.outline().is_orphan(*place as usize)) {
        let (parent, name) = names.key(place);
        let at = place as usize;
        let hash = names.hash(parent, without_slash(name));
        if let Some(other) = exact.find(hash, |other| names.key(*other) == (parent, name)) {
            let message = format_args!("the name is that of {}", located.place_of(*other as usize));
            located.add_name(report, Code::DuplicateName, at, message);
            continue;
        }
        let same_bare = |other: &u32| {
            let (other_parent, other_name) = names.key(*other);
            other_parent == parent && without_slash(other_name) == without_slash(name)
        };
        let other_form = exact.find(hash, same_bare).copied();
        exact.insert_unique(hash, place, |place| {
            let (parent, name) = names.key(*place);
            names.hash(parent, without_slash(name))
        });
        if !twins {
            continue;
        }
        if let Some(other) = other_form {
            let symlink = [place, other].iter().any(|place| names.mode(*place).is_symlink());
            let (code, what) = if symlink {
                (Code::ThroughSymlink, "a symbolic link and a directory")
            } else {
                (Code::FileAndDirectory, "a file and a directory")
            };
            let message = format_args!("{what} have one name: this and {}", located.place_of(other as usize));
            located.add_name(report, code, at, message);
            continue;
        }
        fold_name(without_slash(name), &mut fold);
        let hash = names.hash(parent, &fold);
        let same_fold = |other: &u32| {
            let (other_parent, other_name) = names.key(*other);
            let mut other_fold = Vec::new();
            other_parent == parent && {
                fold_name(without_slash(other_name), &mut other_fold);
                other_fold == fold
            }
        };
        if let Some(other) = folded.find(hash, same_fold).copied() {
            let normalized = normalized(without_slash(name)) == normalized(without_slash(names.key(other).1));
            let (code, how) =
                if normalized { (Code::UnicodeTwins, "Unicode normalization") } else { (Code::CaseTwins, "case") };
            let message =
                format_args!("the name differs from that of {} only in {how}", located.place_of(other as usize));
            located.add_name(report, code, at, message);
        } else {
            folded.insert_unique(hash, place, |place| {
                let (parent, name) = names.key(*place);
                let mut fold = Vec::new();
                fold_name(without_slash(name), &mut fold);
                names.hash(parent, &fold)
            });
        }
    }
}

/// Names of a list with the places of their parents.
struct Names<'l, 'm> {
    located: &'l Located<'m>,
    rows: Vec<u32>,
    hasher: RandomState,
}

impl<'l, 'm> Names<'l, 'm> {
    fn new(located: &'l Located<'m>) -> Self {
        Self { located, rows: located.manifest.iter().collect(), hasher: RandomState::new() }
    }

    fn key(&self, place: u32) -> (Option<usize>, &'m [u8]) {
        let name = self.located.manifest.rows().name(self.rows[place as usize]);
        (self.located.manifest.outline().parent(place as usize), name)
    }

    fn mode(&self, place: u32) -> crate::c4m::Mode {
        self.located.manifest.rows().mode(self.rows[place as usize])
    }

    fn hash(&self, parent: Option<usize>, name: &[u8]) -> u64 {
        self.hasher.hash_one((parent, name))
    }
}

/// What names have in common that differ in case or normalization only; bytes that are not UTF-8 as they are.
pub(crate) fn fold_name(name: &[u8], out: &mut Vec<u8>) {
    out.clear();
    if name.is_ascii() {
        out.extend(name.iter().map(u8::to_ascii_lowercase));
        return;
    }
    let Ok(text) = std::str::from_utf8(name) else { return out.extend_from_slice(name) };
    // By way of the upper case, so that the forms of one letter (ß and ss, ς and σ) meet.
    let lower = text.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let mut buffer = [0; 4];
    lower.nfd().for_each(|c| out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()));
}

fn normalized(name: &[u8]) -> Option<String> {
    std::str::from_utf8(name).ok().map(|text| text.nfc().collect())
}

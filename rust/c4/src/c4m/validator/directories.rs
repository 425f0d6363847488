//! Checks of a whole state: what directories say of their entries, path lengths, hard links.

use std::collections::HashMap;

use super::code::Code;
use super::located::Located;
use super::report::Report;
use crate::C4Id;
use crate::c4m::RowId;
use crate::c4m::entry::Row;
use crate::c4m::one_level_text;
use crate::c4m::outline::sibling_cmp;
use crate::c4m::without_slash;

/// Most bytes of a path that the system calls of common systems take.
const MAX_PATH_BYTES: u32 = 4095;

pub(super) fn check(located: &Located<'_>, report: &mut Report) {
    check_sums(located, report);
    check_path_lengths(located, report);
    check_hard_links(located, report);
    if located.manifest.base.is_none() {
        check_ids(located, report);
    }
}

/// Sums of sizes, from the last entry up: a parent stands before its children.
fn check_sums(located: &Located<'_>, report: &mut Report) {
    let (manifest, outline) = (located.manifest, located.manifest.outline());
    let mut sums = vec![0_i64; manifest.len()];
    let mut total = Some(0_i64);
    for place in (0..manifest.len()).rev() {
        let Some(row) = manifest.row_at(place) else { continue };
        let size = match manifest.rows().size(row) {
            size if size < 0 && manifest.rows().is_dir(row) => sums[place],
            size => size.max(0),
        };
        let Some(parent) = outline.parent(place) else {
            total = total.and_then(|total| total.checked_add(size));
            continue;
        };
        // A directory whose sum is too large is reported once and counts no more.
        if let Some(sum) = sums[parent].checked_add(size) {
            sums[parent] = sum;
        } else {
            located.add(report, Code::SizeRange, parent, "the sizes in the directory add up to 2^63 or more");
            sums[parent] = 0;
        }
    }
    if total.is_none() {
        report.add_line(Code::SizeRange, 0, None, "the sizes at the top add up to 2^63 or more");
    }
}

/// Only the first entry on the way down is reported.
fn check_path_lengths(located: &Located<'_>, report: &mut Report) {
    let outline = located.manifest.outline();
    let mut lengths: Vec<u32> = Vec::with_capacity(located.manifest.len());
    for (place, row) in located.rows() {
        let own = without_slash(located.manifest.rows().name(row)).len() as u32;
        let above = outline.parent(place).map(|parent| lengths[parent]);
        let length = above.map_or(own, |above| above.saturating_add(1).saturating_add(own));
        if length > MAX_PATH_BYTES && above.is_none_or(|above| above <= MAX_PATH_BYTES) {
            let message = format_args!("the path has {length} bytes, more than {MAX_PATH_BYTES}");
            located.add(report, Code::LongPath, place, message);
        }
        lengths.push(length);
    }
}

fn check_hard_links(located: &Located<'_>, report: &mut Report) {
    let manifest = located.manifest;
    // The first member of each group, and whether there are more.
    let mut groups: HashMap<i64, (usize, RowId, bool)> = HashMap::new();
    for (place, row) in located.rows() {
        let entry = manifest.get(row);
        let Some(group) = entry.link.map(|link| link.hard_link).filter(|group| *group > 0) else { continue };
        let (_, first, more) = groups.entry(group).or_insert((place, row, false));
        if *first == row {
            continue;
        }
        *more = true;
        let first = manifest.get(*first);
        let ids_differ = !first.id.is_nil() && !entry.id.is_nil() && first.id != entry.id;
        let sizes_differ = first.size >= 0 && entry.size >= 0 && first.size != entry.size;
        if ids_differ || sizes_differ {
            let what = if ids_differ { "ID" } else { "size" };
            let message = format_args!("members of hard-link group {group} differ in their {what}");
            located.add(report, Code::HardLinkMismatch, place, message);
        }
    }
    let mut alone: Vec<(usize, i64)> =
        groups.into_iter().filter(|(_, (.., more))| !more).map(|(group, (place, ..))| (place, group)).collect();
    alone.sort_unstable();
    for (place, group) in alone {
        located.add(report, Code::HardLinkAlone, place, format_args!("no other entry is in hard-link group {group}"));
    }
}

/// Compares the ID of a directory with its one-level text, where the list has all that the text is made of: not that of
/// a directory without entries, which may have been left out, nor where members were folded into a sequence or a
/// directory's size is still to be filled in.
fn check_ids(located: &Located<'_>, report: &mut Report) {
    let manifest = located.manifest;
    let rows = manifest.rows();
    let place_rows: Vec<RowId> = manifest.iter().collect();
    let outline = manifest.outline();
    for (place, row) in located.rows() {
        if !rows.is_dir(row) || rows.id(row).is_nil() {
            continue;
        }
        let mut child_rows: Vec<RowId> =
            outline.children(Some(place)).iter().map(|child| place_rows[*child as usize]).collect();
        child_rows.sort_by(|a, b| sibling_cmp(manifest, *a, *b));
        let entries: Vec<Row<'_>> = child_rows.iter().map(|row| manifest.get(*row)).collect();
        let unknowable =
            |entry: &Row<'_>| entry.is_sequence || !entry.time.is_writable() || (entry.is_dir() && entry.size < 0);
        if !entries.is_empty()
            && !entries.iter().any(unknowable)
            && C4Id::of(&one_level_text(&entries)) != *rows.id(row)
        {
            located.add(report, Code::DirectoryId, place, "the directory's ID is not that of its entries");
        }
    }
}

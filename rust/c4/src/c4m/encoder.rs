//! A manifest becomes text: indented, pretty, or one line.
//!
//! The indented form is what files hold: every entry in canonical order, two spaces a level, then the ID lists of
//! sequences. The pretty form is for people: local time, sizes with commas, IDs in a column; [`super::decode`] reads it
//! back in the same time zone.

use super::entry::{Flow, Link, Row};
use super::error::EncodeError;
use super::manifest::Manifest;
use super::safe_name::{safe_name, write_name, write_target};
use super::sequence::find_range;
use super::timestamp::Timestamp;
use super::zone::Zone;
use crate::parallel;

/// Spaces a level in the indented and the pretty form.
pub const INDENT_WIDTH: usize = 2;

/// Entries that a thread writes at a time.
const BLOCK_ROWS: usize = 8192;
/// Bytes that are reserved for a line: an ID, a time, a mode, a size, and a name of some 30 bytes.
const LINE_BYTES: usize = 160;

/// Most spaces before an entry.
pub(super) const MAX_INDENT: usize = 1 << 24;

/// First column that IDs of the pretty form may stand in, and the step to the next.
const FIRST_ID_COLUMN: usize = 80;
const ID_COLUMN_STEP: usize = 10;
/// Spaces that stand at least between an entry and its ID in the pretty form.
const ID_GAP: usize = 10;
/// Width of a pretty date with a zone of three letters, as the column of IDs is computed from.
const DATE_WIDTH: usize = 24;
/// Width of the field of a date that is unknown.
const NULL_DATE_WIDTH: usize = 24;

/// The manifest as text in the indented form.
///
/// ```
/// let text = b"- - 2 b -\n- - 1 a -\n";
/// let manifest = c4::c4m::decode(text).unwrap();
/// assert_eq!(c4::c4m::encode(&manifest).unwrap(), b"- - 1 a -\n- - 2 b -\n");
/// ```
pub fn encode(manifest: &Manifest) -> Result<Vec<u8>, EncodeError> {
    check_times(manifest)?;
    let order = manifest.canonical_order();
    let mut out = Vec::with_capacity(order.len() * LINE_BYTES);
    let encode_rows = |block: usize| {
        let places = block * BLOCK_ROWS..order.len().min((block + 1) * BLOCK_ROWS);
        let mut lines = Vec::with_capacity(places.len() * LINE_BYTES);
        for place in places {
            let row = manifest.get(order.row(place));
            push_spaces(indent(&row, INDENT_WIDTH)?, &mut lines);
            write_entry(&row, &mut lines);
            lines.push(b'\n');
        }
        Ok(lines)
    };
    let blocks = order.len().div_ceil(BLOCK_ROWS);
    let blocks_at_once = 4 * parallel::workers();
    for first in (0..blocks).step_by(blocks_at_once) {
        let count = blocks_at_once.min(blocks - first);
        for lines in parallel::in_order(count, |block| encode_rows(first + block)) {
            out.extend_from_slice(&lines?);
        }
    }
    write_range_data(manifest, &mut out);
    Ok(out)
}

/// The manifest as text in the pretty form, with dates in a zone.
pub fn encode_pretty(manifest: &Manifest, zone: &Zone) -> Result<Vec<u8>, EncodeError> {
    check_times(manifest)?;
    let columns = PrettyColumns::of(manifest);
    let mut out = Vec::with_capacity(manifest.len() * 180);
    let order = manifest.canonical_order();
    for row in order.iter() {
        indent(&manifest.get(row), INDENT_WIDTH)?;
        write_pretty_entry(&manifest.get(row), INDENT_WIDTH, &columns, zone, &mut out);
        out.push(b'\n');
    }
    write_range_data(manifest, &mut out);
    Ok(out)
}

/// One entry as a line without its end, without indentation: what IDs are computed from.
pub fn entry_line(row: &Row<'_>) -> Result<Vec<u8>, EncodeError> {
    check_time(row)?;
    let mut out = Vec::new();
    write_entry(row, &mut out);
    Ok(out)
}

/// One entry as a line without its end, indented by its depth.
pub fn indented_entry_line(row: &Row<'_>, indent_width: usize) -> Result<Vec<u8>, EncodeError> {
    check_time(row)?;
    let mut out = vec![b' '; indent(row, indent_width)?];
    write_entry(row, &mut out);
    Ok(out)
}

/// One entry as a line of the pretty form, as if it stood alone in its manifest.
pub fn pretty_entry_line(row: &Row<'_>, indent_width: usize, zone: &Zone) -> Result<Vec<u8>, EncodeError> {
    check_time(row)?;
    indent(row, indent_width)?;
    let mut columns = PrettyColumns::default();
    columns.include(row, indent_width);
    let mut out = Vec::new();
    write_pretty_entry(row, indent_width, &columns, zone, &mut out);
    Ok(out)
}

/// Appends a line without indentation and end. The time is writable.
pub(crate) fn write_entry(row: &Row<'_>, out: &mut Vec<u8>) {
    if row.mode.is_null() {
        out.push(b'-');
    } else {
        out.extend_from_slice(&row.mode.to_text());
    }
    out.push(b' ');
    if row.time.is_null() {
        out.push(b'-');
    } else {
        row.time.write(out);
    }
    out.push(b' ');
    write_size(row.size, out);
    out.push(b' ');
    write_entry_name(row, out);
    write_link(row.link, out);
    out.push(b' ');
    write_id(row, out);
}

/// Appends a name as a line has it; the first range of a sequence stays as it is.
pub fn write_entry_name(row: &Row<'_>, out: &mut Vec<u8>) {
    match row.is_sequence.then(|| find_range(row.name)) {
        None => write_name(row.name, out),
        Some(Some(range)) => {
            write_name(&row.name[..range.start], out);
            out.extend_from_slice(&row.name[range.clone()]);
            write_name(&row.name[range.end..], out);
        }
        Some(None) => safe_name(row.name, out),
    }
}

fn write_link(link: Option<&Link>, out: &mut Vec<u8>) {
    let Some(link) = link else { return };
    if !link.target.is_empty() {
        out.extend_from_slice(b" -> ");
        write_target(&link.target, out);
    } else if link.hard_link < 0 {
        out.extend_from_slice(b" ->");
    } else if link.hard_link > 0 {
        out.extend_from_slice(b" ->");
        write_decimal(link.hard_link.unsigned_abs(), out);
    } else if link.flow != Flow::None {
        out.push(b' ');
        out.extend_from_slice(link.flow.operator().as_bytes());
        out.push(b' ');
        out.extend_from_slice(&link.flow_target);
    }
}

fn write_id(row: &Row<'_>, out: &mut Vec<u8>) {
    if row.id.is_nil() {
        out.push(b'-');
    } else {
        out.extend_from_slice(&row.id.to_text());
    }
}

fn write_size(size: i64, out: &mut Vec<u8>) {
    match u64::try_from(size) {
        Ok(size) => write_decimal(size, out),
        Err(_) => out.push(b'-'),
    }
}

fn write_decimal(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// A size with a comma between groups of three digits.
fn size_with_commas(size: i64) -> Vec<u8> {
    let mut plain = Vec::new();
    write_size(size, &mut plain);
    let mut out = Vec::with_capacity(plain.len() * 4 / 3);
    for (at, digit) in plain.iter().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            out.push(b',');
        }
        out.push(*digit);
    }
    out
}

fn write_range_data(manifest: &Manifest, out: &mut Vec<u8>) {
    for ids in manifest.range_data().values() {
        for id in ids {
            out.extend_from_slice(&id.to_text());
        }
        out.push(b'\n');
    }
}

fn push_spaces(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}

/// Spaces before an entry.
fn indent(row: &Row<'_>, width: usize) -> Result<usize, EncodeError> {
    let spaces = (row.depth as usize).checked_mul(width).filter(|spaces| *spaces <= MAX_INDENT);
    spaces.ok_or_else(|| EncodeError::Depth(row.name.to_vec()))
}

fn check_time(row: &Row<'_>) -> Result<(), EncodeError> {
    if row.time.is_writable() { Ok(()) } else { Err(EncodeError::Time(row.name.to_vec())) }
}

/// Only entries of the list count: the time of a row that was taken out is not written.
fn check_times(manifest: &Manifest) -> Result<(), EncodeError> {
    match manifest.rows().first_unwritable_time() {
        None => Ok(()),
        Some(_) => manifest.iter().try_for_each(|row| check_time(&manifest.get(row))),
    }
}

/// What the pretty lines of one manifest have in common.
#[derive(Default)]
struct PrettyColumns {
    size_width: usize,
    /// Length of the longest entry but for its size; lengths in bytes, a target counted before it is escaped.
    entry_bytes: usize,
}

impl PrettyColumns {
    fn of(manifest: &Manifest) -> Self {
        let mut columns = Self::default();
        manifest.iter().for_each(|row| columns.include(&manifest.get(row), INDENT_WIDTH));
        columns
    }

    fn include(&mut self, row: &Row<'_>, indent_width: usize) {
        let mut name = Vec::new();
        write_entry_name(row, &mut name);
        let link = row.link.map_or(0, |link| match link {
            Link { target, .. } if !target.is_empty() => 4 + target.len(),
            Link { flow, flow_target, .. } if *flow != Flow::None => 4 + flow_target.len(),
            _ => 0,
        });
        self.size_width = self.size_width.max(size_with_commas(row.size).len());
        self.entry_bytes = self.entry_bytes.max(
            (row.depth as usize).saturating_mul(indent_width).min(MAX_INDENT) + 11 + DATE_WIDTH + 2 + name.len() + link,
        );
    }

    fn id_column(&self) -> usize {
        let needed = self.entry_bytes + self.size_width + ID_GAP;
        FIRST_ID_COLUMN + needed.saturating_sub(FIRST_ID_COLUMN).div_ceil(ID_COLUMN_STEP) * ID_COLUMN_STEP
    }
}

fn write_pretty_entry(row: &Row<'_>, indent_width: usize, columns: &PrettyColumns, zone: &Zone, out: &mut Vec<u8>) {
    let start = out.len();
    push_spaces(row.depth as usize * indent_width, out);
    out.extend_from_slice(&row.mode.to_text());
    out.push(b' ');
    if row.time == Timestamp::NULL {
        out.push(b'-');
        push_spaces(NULL_DATE_WIDTH, out);
    } else {
        row.time.write_pretty(zone, out);
    }
    out.push(b' ');
    let size = size_with_commas(row.size);
    push_spaces(columns.size_width - size.len(), out);
    out.extend_from_slice(&size);
    out.push(b' ');
    write_entry_name(row, out);
    write_link(row.link, out);
    let length = out.len() - start;
    push_spaces(columns.id_column().saturating_sub(length).max(ID_GAP), out);
    write_id(row, out);
}

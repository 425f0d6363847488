//! IDs of manifests and directories: canonical text, and the sizes and times that directories take from their children.

use std::borrow::Cow;

use super::encoder::write_entry;
use super::entry::{NULL_SIZE, Row};
use super::error::EncodeError;
use super::manifest::{Manifest, Order};
use super::natural_sort::natural_cmp;
use super::rows::{Field, RowId};
use super::timestamp::Timestamp;
use crate::C4Id;

impl Manifest {
    /// The manifest's ID: that of its top level's one-level text, after unknown sizes and times of directories are
    /// filled in. The manifest itself is left as it is.
    pub fn compute_id(&self) -> Result<C4Id, EncodeError> {
        Ok(C4Id::of(&self.canonical_text()?))
    }

    /// The one-level text of the top level, with unknown sizes and times of directories filled in.
    pub fn canonical_text(&self) -> Result<Vec<u8>, EncodeError> {
        let order = self.canonical_order();
        let filled = self.filled(&order);
        let mut rows: Vec<Row<'_>> = Vec::new();
        let mut next = filled.iter().peekable();
        let top = order.iter().map(|row| self.rows().depth(row)).min().unwrap_or(0);
        for row in order.iter() {
            let fill = next.next_if(|(filled, ..)| *filled == row);
            if self.rows().depth(row) == top {
                let row = self.get(row);
                rows.push(fill.map_or(row, |(_, size, time)| Row { size: *size, time: *time, ..row }));
            }
        }
        if top > 0 {
            // A list of orphans has for its top level the highest of them, unless those are directories only.
            if rows.iter().all(Row::is_dir) {
                rows.clear();
            }
            rows.sort_by(|a, b| a.is_dir().cmp(&b.is_dir()).then_with(|| natural_cmp(a.name, b.name)));
        }
        for row in &rows {
            if !row.time.is_writable() {
                return Err(EncodeError::Time(row.name.to_vec()));
            }
        }
        Ok(one_level_text(&rows))
    }

    /// The one-level texts that directories are known by, the top level's last: those of which an ID is that of what is
    /// listed below its directory, as it is or with unknown sizes and times of directories filled in.
    pub fn listings(&self) -> Result<Vec<Vec<u8>>, EncodeError> {
        let order = self.canonical_order();
        let filled = self.filled(&order);
        let mut next = filled.iter().peekable();
        let mut open: Vec<Listed<'_>> = Vec::new();
        let mut texts = Vec::new();
        for row in order.iter() {
            let entry = self.get(row);
            if !entry.time.is_writable() {
                return Err(EncodeError::Time(entry.name.to_vec()));
            }
            let fill = next.next_if(|(filled, ..)| *filled == row);
            while let Some(directory) = open.pop_if(|directory| directory.depth >= entry.depth) {
                texts.extend(directory.text());
            }
            // An orphan is in no listing.
            if let Some(directory) = open.last_mut().filter(|directory| directory.depth + 1 == entry.depth) {
                directory.add(&entry, fill.map(|(_, size, time)| Row { size: *size, time: *time, ..entry }));
            }
            if entry.is_dir() {
                open.push(Listed { id: *entry.id, depth: entry.depth, rows: Vec::new(), filled: None });
            }
        }
        while let Some(directory) = open.pop() {
            texts.extend(directory.text());
        }
        texts.push(self.canonical_text()?);
        Ok(texts)
    }

    /// Fills in unknown sizes and times of directories, from the deepest up; the list is put in canonical order.
    pub fn canonicalize(&mut self) {
        self.sort();
        for (row, size, time) in self.filled(&self.canonical_order()) {
            self.set(row, Field::Size(size));
            self.set(row, Field::Time(time));
        }
    }

    /// Directories of a sorted list that gain a size or a time, in the order of the list.
    fn filled(&self, order: &Order<'_>) -> Vec<(RowId, i64, Timestamp)> {
        let rows = self.rows();
        let lacks = |row: RowId| {
            let row = rows.get(row);
            row.is_dir() && (row.size < 0 || row.time.is_null())
        };
        let mut filled = Vec::new();
        if !order.iter().any(&lacks) {
            return filled;
        }
        let mut open: Vec<OpenDirectory> = Vec::new();
        let mut line = Vec::new();
        for row in order.iter() {
            let depth = rows.depth(row);
            while open.last().is_some_and(|directory| directory.depth >= depth) {
                close(self, &mut open, &mut filled, &mut line);
            }
            if rows.is_dir(row) {
                // Places are kept while directories close from the inside out.
                open.push(OpenDirectory::new(row, depth, filled.len()));
                filled.push((row, NULL_SIZE, Timestamp::NULL));
            } else if let Some(directory) = open.last_mut() {
                directory.add(self, &rows.get(row), &mut line);
            }
        }
        while !open.is_empty() {
            close(self, &mut open, &mut filled, &mut line);
        }
        filled.retain(|(row, ..)| lacks(*row));
        filled
    }
}

/// A directory whose children are being listed.
struct Listed<'m> {
    id: C4Id,
    depth: u32,
    rows: Vec<Row<'m>>,
    /// The children with sizes and times that were filled in, once there is such a one.
    filled: Option<Vec<Row<'m>>>,
}

impl<'m> Listed<'m> {
    fn add(&mut self, entry: &Row<'m>, filled: Option<Row<'m>>) {
        if self.id.is_nil() {
            return;
        }
        if filled.is_some() && self.filled.is_none() {
            self.filled = Some(self.rows.clone());
        }
        if let Some(rows) = &mut self.filled {
            rows.push(filled.unwrap_or(*entry));
        }
        self.rows.push(*entry);
    }

    /// The text that the directory's ID is that of.
    fn text(self) -> Option<Vec<u8>> {
        let lists = [Some(self.rows), self.filled].into_iter().flatten();
        lists.map(|rows| one_level_text(&rows)).find(|text| C4Id::of(text) == self.id)
    }
}

/// A directory whose children are being summed up. Whatever stands deeper counts as a child, also an orphan.
struct OpenDirectory {
    row: RowId,
    depth: u32,
    place: usize,
    /// Bytes of the children and of the one-level text; `None` once a child is unknown or the sum overflows.
    size: Option<i64>,
    /// The newest child; `None` once a child is unknown.
    newest: Option<Timestamp>,
    has_children: bool,
}

impl OpenDirectory {
    fn new(row: RowId, depth: u32, place: usize) -> Self {
        // The reference starts from its zero time, year 1: no child counts as older than that.
        Self { row, depth, place, size: Some(0), newest: Some(Timestamp::YEAR_1), has_children: false }
    }

    fn add(&mut self, manifest: &Manifest, child: &Row<'_>, line: &mut Vec<u8>) {
        self.has_children = true;
        self.newest = self.newest.filter(|_| !child.time.is_null()).map(|newest| newest.max(child.time));
        if manifest.rows().get(self.row).size >= 0 {
            return;
        }
        self.size = self.size.filter(|_| child.size >= 0).and_then(|size| {
            line.clear();
            // A time that has no text form is reported when text is made; its line is as long as any other.
            let time = if child.time.is_writable() { child.time } else { Timestamp::YEAR_1 };
            write_entry(&Row { time, ..*child }, line);
            size.checked_add(child.size)?.checked_add(line.len() as i64 + 1)
        });
    }
}

/// Ends the innermost directory: it gets its size and time, and counts as a child of the one around it.
fn close(
    manifest: &Manifest,
    open: &mut Vec<OpenDirectory>,
    filled: &mut [(RowId, i64, Timestamp)],
    line: &mut Vec<u8>,
) {
    let Some(directory) = open.pop() else { return };
    let mut row = manifest.get(directory.row);
    if row.size < 0 {
        row.size = directory.size.unwrap_or(NULL_SIZE);
    }
    if row.time.is_null() && directory.has_children {
        row.time = directory.newest.unwrap_or(Timestamp::NULL);
    }
    filled[directory.place] = (directory.row, row.size, row.time);
    if let Some(parent) = open.last_mut() {
        parent.add(manifest, &row, line);
    }
}

/// The one-level text of siblings that are in the order of a listing.
pub(crate) fn one_level_text(siblings: &[Row<'_>]) -> Vec<u8> {
    let mut siblings = Cow::Borrowed(siblings);
    // Here only the slash makes a directory: one by its mode alone stands among the files.
    if siblings.iter().any(|row| row.mode.is_dir() && !row.name.ends_with(b"/")) {
        siblings.to_mut().sort_by(|a, b| {
            let slash = |row: &Row<'_>| row.name.ends_with(b"/");
            slash(a).cmp(&slash(b)).then_with(|| natural_cmp(a.name, b.name))
        });
    }
    let mut text = Vec::with_capacity(siblings.len() * 160);
    for row in siblings.iter() {
        write_entry(row, &mut text);
        text.push(b'\n');
    }
    text
}

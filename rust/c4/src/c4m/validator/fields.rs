//! Checks of one entry, whatever stands around it.

use std::fmt::Display;

use super::code::Code;
use super::located::Located;
use super::report::Report;
use crate::c4m::decoder::{LineCheck, has_label};
use crate::c4m::encoder::{MAX_INDENT, write_entry};
use crate::c4m::entry::{Flow, Link, Row};
use crate::c4m::timestamp::Timestamp;
use crate::c4m::without_slash;
use crate::c4m::{INDENT_WIDTH, NULL_SIZE};

/// Most bytes of a name that common file systems take.
pub(super) const MAX_NAME_BYTES: usize = 255;

pub(super) fn check(located: &Located<'_>, report: &mut Report) {
    let mut round_trip = RoundTrip { reader: LineCheck::of_named(), line: Vec::new() };
    for (place, row) in located.rows() {
        let row = located.manifest.get(row);
        let mut entry = Entry { located, place, row, report };
        entry.check_name();
        entry.check_values();
        if let Some(link) = row.link.filter(|link| !link.is_empty()) {
            entry.check_link(link);
        } else if row.is_symlink() && !row.is_dir() {
            entry.add(Code::EmptyTarget, "the link has no target");
        }
        entry.check_round_trip(&mut round_trip);
    }
}

/// The entry that is checked.
struct Entry<'e, 'm> {
    located: &'e Located<'m>,
    place: usize,
    row: Row<'e>,
    report: &'e mut Report,
}

impl Entry<'_, '_> {
    fn add(&mut self, code: Code, message: impl Display) {
        self.located.add(self.report, code, self.place, message);
    }

    fn add_name(&mut self, code: Code, message: impl Display) {
        self.located.add_name(self.report, code, self.place, message);
    }

    fn check_name(&mut self) {
        let bare = without_slash(self.row.name);
        match bare {
            b"" => self.add_name(Code::EmptyName, "the name is empty"),
            b"." | b".." => self.add_name(Code::DotName, "the name is that of a directory itself or of the one above"),
            _ => {}
        }
        if bare.contains(&b'/') {
            self.add_name(Code::SlashInName, "the name holds a '/': it is a path");
        }
        if bare.contains(&0) {
            self.add_name(Code::NulInName, "the name holds NUL");
        }
        if bare.len() > MAX_NAME_BYTES {
            self.add_name(
                Code::LongName,
                format_args!("the name has {} bytes, more than {MAX_NAME_BYTES}", bare.len()),
            );
        }
        if self.row.name.ends_with(b"\\") {
            self.add_name(
                Code::TrailingBackslash,
                "the name ends with a backslash: its line reads back as another name",
            );
        }
        if bare.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return;
        }
        let Ok(text) = std::str::from_utf8(bare) else {
            self.add_name(Code::NotUtf8Name, "the name is not UTF-8");
            return;
        };
        if let Some(c) = text.chars().find(|c| c.is_control() && *c != '\0') {
            self.add_name(
                Code::ControlInName,
                format_args!("the name holds U+{:04X}, a control character", u32::from(c)),
            );
        }
        if let Some(c) = text.chars().find(|c| is_invisible(*c)) {
            let message = format_args!("the name holds U+{:04X}: invisible, or turning text around", u32::from(c));
            self.add_name(Code::InvisibleInName, message);
        }
    }

    fn check_values(&mut self) {
        let mode = self.row.mode;
        let kind = mode.to_text()[0];
        match kind {
            b'?' => {
                let message = format_args!("the mode 0o{:o} has a file type that does not exist", mode.bits());
                self.add(Code::BadMode, message);
            }
            b'p' | b's' | b'b' | b'c' => {
                let what = match kind {
                    b'p' => "a pipe",
                    b's' => "a socket",
                    _ => "a device",
                };
                self.add(Code::SpecialFile, format_args!("the entry is {what}"));
            }
            _ => {}
        }
        if mode.bits() & 0o7000 != 0 {
            let bits = [(0o4000, "set-user-ID"), (0o2000, "set-group-ID"), (0o1000, "sticky")];
            let names: Vec<&str> =
                bits.iter().filter(|(bit, _)| mode.bits() & bit != 0).map(|(_, name)| *name).collect();
            self.add(Code::SpecialBits, format_args!("the mode has special bits: {}", names.join(", ")));
        }
        if self.row.name.ends_with(b"/") {
            if mode.is_symlink() {
                self.add(Code::ThroughSymlink, "a directory by its slash is a symbolic link by its mode");
            } else if !mode.is_null() && !mode.is_dir() {
                self.add(Code::SlashWithoutDirectory, "the name ends with '/', the mode is not that of a directory");
            }
        } else if mode.is_dir() {
            self.add(Code::DirectoryWithoutSlash, "the mode is that of a directory, the name has no '/' at its end");
        }
        let size = self.row.size;
        if size < NULL_SIZE {
            self.add(Code::SizeRange, format_args!("the size is {size}, below -1"));
        }
        if Timestamp::FIRST <= self.row.time && self.row.time < Timestamp::YEAR_1 {
            self.add(Code::YearZero, "the time lies in the year 0");
        }
    }

    fn check_link(&mut self, link: &Link) {
        if link.flow != Flow::None {
            if self.row.is_symlink() {
                self.add(Code::FlowSymlink, "a flow link has the mode of a symbolic link");
            }
            if !has_label(&link.flow_target) {
                self.add(Code::FlowLabel, "the location of the flow link has no label and colon");
            }
            let path = memchr::memchr(b':', &link.flow_target).map_or(&[][..], |colon| &link.flow_target[colon + 1..]);
            if path.split(|byte| *byte == b'/').any(|part| part == b"..") {
                self.add(Code::FlowPath, "the path of the flow link holds '..'");
            }
        }
        if link.hard_link != 0 && self.row.is_dir() {
            self.add(Code::HardLinkDirectory, "a directory is a hard link");
        }
        if !link.target.is_empty() {
            self.check_target(&link.target);
        } else if self.row.is_symlink() && link.flow == Flow::None {
            self.add(Code::EmptyTarget, "the link has no target");
        }
    }

    fn check_target(&mut self, target: &[u8]) {
        if target.contains(&0) {
            self.add(Code::NulInName, "the link's target holds NUL");
        }
        if target.ends_with(b"\\") {
            self.add(
                Code::TrailingBackslash,
                "the target ends with a backslash: its line reads back as another target",
            );
        }
        if !self.row.is_symlink() {
            if !self.row.mode.is_null() {
                self.add(
                    Code::TargetWithoutSymlink,
                    "an entry with a target does not have the mode of a symbolic link",
                );
            }
        } else if target.starts_with(b"/") {
            self.add(Code::AbsoluteTarget, "the link's target is absolute");
        } else if leads_out(target, self.row.depth) {
            self.add(Code::OutsideTarget, "the link's target lies outside the tree");
        }
    }

    /// Writes the line and reads it. What a name or target that ends with a backslash does is reported as such.
    fn check_round_trip(&mut self, round_trip: &mut RoundTrip) {
        let row = self.row;
        if !row.time.is_writable() {
            return self.add(Code::TimeRange, "the time is outside the years 0 to 9999");
        }
        if row.depth as usize > MAX_INDENT / INDENT_WIDTH {
            self.add(Code::DepthRange, format_args!("the depth {} is too large to indent the line", row.depth));
        }
        let target_ends_with_backslash = row.link.is_some_and(|link| link.target.ends_with(b"\\"));
        let is_reported = row.name.ends_with(b"\\") || target_ends_with_backslash || row.mode.to_text()[0] == b'?';
        if !is_reported && !round_trip.holds(&row) {
            self.add(Code::NoRoundTrip, "the entry does not read back from the line that it is written as");
        }
    }
}

/// Writes lines and reads them.
struct RoundTrip {
    reader: LineCheck,
    line: Vec<u8>,
}

impl RoundTrip {
    /// Whether a row whose time is writable reads back from its line.
    fn holds(&mut self, row: &Row<'_>) -> bool {
        self.line.clear();
        write_entry(row, &mut self.line);
        // The pattern of a sequence is not part of its line.
        let without_pattern = row.link.filter(|link| !link.pattern.is_empty());
        let without_pattern = without_pattern.map(|link| Link { pattern: Vec::new(), ..link.clone() });
        let written = Row { link: without_pattern.as_ref().or(row.link), ..*row };
        let read = self.reader.entry_of(&self.line);
        read.is_some_and(|read| read.same_line(&written) && read.is_sequence == written.is_sequence)
    }
}

/// Whether a character has no shape of its own and changes what is around it: marks and overrides of direction, spaces
/// of no width. Joiners (U+200C, U+200D) are not among them, scripts and emoji need them.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether a relative target, taken by its words alone, leaves the tree from a directory so many levels below the root.
fn leads_out(target: &[u8], depth: u32) -> bool {
    let mut level = i64::from(depth);
    target.split(|byte| *byte == b'/').any(|part| {
        match part {
            b"" | b"." => {}
            b".." => level -= 1,
            _ => level += 1,
        }
        level < 0
    })
}

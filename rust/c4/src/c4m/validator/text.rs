//! A text, line by line: the lines that do not parse, and those that are not written as `encode` writes them.

use super::code::Code;
use super::located::Lines;
use super::report::Report;
use crate::c4m::decoder::{Decoder, column};
use crate::c4m::encoder::{INDENT_WIDTH, write_entry, write_entry_name};
use crate::c4m::error::ParseErrorKind;
use crate::c4m::sequence::find_range;
use crate::c4m::{Manifest, Section};
use crate::{C4Id, ID_TEXT_BYTES};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Bytes of a time in UTC, up to its `Z`.
const UTC_TIME_BYTES: usize = 20;

/// What a text says, with the lines that say it.
pub(super) struct Reading {
    /// At least one.
    pub(super) sections: Vec<Section>,
    /// As many as sections.
    pub(super) lines: Vec<Lines>,
    /// Holds the base and the ID lists; no entries.
    pub(super) head: Manifest,
    /// Lines of ID lists, by their ID.
    pub(super) lists: Vec<(C4Id, usize)>,
    /// Whether every line parses.
    pub(super) is_complete: bool,
}

pub(super) fn read(text: &[u8], report: &mut Report) -> Reading {
    let mut reader =
        Reader { decoder: Decoder::default(), lines: vec![Lines::default()], lists: Vec::new(), canonical: Vec::new() };
    let mut is_complete = true;
    let unmarked = text.strip_prefix(BYTE_ORDER_MARK);
    if unmarked.is_some() {
        report.add_line(Code::ByteOrderMark, 1, Some(1), "the text starts with a byte order mark");
    }
    let body = unmarked.unwrap_or(text);
    if body.last().is_some_and(|byte| *byte != b'\n') {
        let last = memchr::memchr_iter(b'\n', body).count() + 1;
        report.add_line(Code::NoFinalNewline, last, None, "there is no line end: the text may be cut off");
    }
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    if !body.is_empty() || text.ends_with(b"\n") {
        for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
            is_complete &= reader.line(index + 1, line, report);
        }
    }
    if report.has(Code::PrettyForm) {
        // They are part of that form.
        report.withdraw(Code::NonCanonical);
        report.withdraw(Code::ModeZero);
    }
    let Reader { decoder, lines, lists, .. } = reader;
    let mut sections = decoder.sections;
    sections.push(decoder.current);
    Reading { sections, lines, head: decoder.manifest, lists, is_complete }
}

struct Reader {
    decoder: Decoder<'static>,
    lines: Vec<Lines>,
    lists: Vec<(C4Id, usize)>,
    /// The line that would be written.
    canonical: Vec<u8>,
}

impl Reader {
    /// Reads a line; returns whether it parses.
    fn line(&mut self, number: usize, line: &[u8], report: &mut Report) -> bool {
        let (sections, rows) = (self.decoder.sections.len(), self.decoder.current.rows.len());
        if let Err(fault) = self.decoder.text_line(line) {
            // What does not parse may have been an entry: the ID below it starts a section all the same.
            self.decoder.has_entries = true;
            let code = code_of(&fault.kind);
            report.add(code, || {
                let error = fault.in_line(number, line);
                super::Issue { code, message: error.kind.to_string(), line: number, column: error.column, path: None }
            });
            return false;
        }
        if self.decoder.sections.len() == sections && self.decoder.current.rows.len() > rows {
            self.entry(number, line, report);
            return true;
        }
        let content = std::str::from_utf8(line).unwrap_or_default().trim().as_bytes();
        if content.len() == ID_TEXT_BYTES {
            self.lines.resize_with(self.decoder.sections.len() + 1, Lines::default);
            self.lines[self.decoder.sections.len()].boundary = number;
        } else if !content.is_empty() {
            // The ID of a list is that of its text.
            self.lists.push((C4Id::of(content), number));
        }
        if content.is_empty() {
            report.add_line(Code::NonCanonical, number, None, "the line is blank");
        } else if content.len() != line.len() {
            report.add_line(Code::NonCanonical, number, None, "there are spaces around the ID");
        }
        true
    }

    /// Notes where the entry that was just read stands, and compares its line with the one that would be written.
    fn entry(&mut self, number: usize, line: &[u8], report: &mut Report) {
        let Some(lines) = self.lines.last_mut() else { return };
        let fields = &self.decoder.fields;
        lines.numbers.push(number);
        lines.columns.push(fields.name.as_ref().map_or(0, |name| column(line, name.start) as u32));
        let rows = &self.decoder.current.rows;
        let row = rows.get(rows.len() as u32 - 1);
        self.canonical.clear();
        self.canonical.resize(row.depth as usize * INDENT_WIDTH, b' ');
        write_entry(&row, &mut self.canonical);
        if self.canonical == line {
            return;
        }
        let Some(name) = fields.name.clone() else {
            report.add_line(Code::PrettyForm, number, None, "the line is in the pretty form");
            return;
        };
        let name_column = Some(column(line, name.start));
        let name = &line[name];
        if row.name.ends_with(b"/") && !name.ends_with(b"/") {
            report.add_line(Code::SlashInName, number, name_column, "an escape hides the '/' at the name's end");
        }
        if row.is_sequence && has_two_ranges(row.name) {
            self.canonical.clear();
            write_entry_name(&row, &mut self.canonical);
            if self.canonical != name {
                let message = "the first bracketed number of the name becomes the range when the line is written";
                report.add_line(Code::SequenceName, number, name_column, message);
            }
        }
        let time = &line[fields.time..];
        let ten_dashes = line[fields.mode..].starts_with(b"----------");
        if ten_dashes {
            let message = "ten dashes are read as an unknown mode, which is written '-'";
            report.add_line(Code::ModeZero, number, Some(column(line, fields.mode)), message);
        }
        if time.get(10) == Some(&b'T') && time.get(UTC_TIME_BYTES - 1) != Some(&b'Z') {
            let message = "the offset of the time is not kept: it is written in UTC";
            report.add_line(Code::OffsetTime, number, Some(column(line, fields.time)), message);
        } else if !ten_dashes {
            report.add_line(Code::NonCanonical, number, None, "the line would be written differently");
        }
    }
}

fn has_two_ranges(name: &[u8]) -> bool {
    find_range(name).is_some_and(|range| find_range(&name[range.end..]).is_some())
}

fn code_of(kind: &ParseErrorKind) -> Code {
    match kind {
        ParseErrorKind::CarriageReturn => Code::CarriageReturn,
        ParseErrorKind::Control(_) => Code::ControlCharacter,
        ParseErrorKind::Utf8 => Code::NotUtf8,
        ParseErrorKind::Directive => Code::Directive,
        ParseErrorKind::Expected(_) | ParseErrorKind::AfterDirectory => Code::Syntax,
        ParseErrorKind::SizeOverflow => Code::SizeRange,
        ParseErrorKind::PathInName => Code::SlashInName,
        ParseErrorKind::Id(_) => Code::BadId,
        ParseErrorKind::EmptyPatch { .. } => Code::EmptyPatch,
        ParseErrorKind::OrphanInPatch { .. } => Code::Orphan,
    }
}

//! Text becomes a manifest: the reader of FORMAT sections 2 to 4, 8 and 9.
//!
//! One pass over the bytes; a line is read with no allocation of its own, its name decoded straight into the manifest's
//! columns. Only dates of the pretty form, which are words between any spaces, take a copy of their line.
//!
//! Stricter than the reference where a line would lose or change what it says without a word: control characters and
//! invalid UTF-8, letters that are no permissions, text glued to a size, a path in the place of a name, IDs that are
//! none. What only a file system cannot hold (`..`, two entries of one name) is read as it stands.

mod blocks;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use super::chain;
use super::entry::{Flow, Link, NULL_SIZE, Row};
use super::error::{ParseError, ParseErrorKind};
use super::manifest::{Manifest, Section};
use super::mode::Mode;
use super::rows::Rows;
use super::safe_name::read_field;
use super::sequence::is_sequence_field;
use super::timestamp::Timestamp;
use super::zone::Zone;
use crate::{C4Id, ID_TEXT_BYTES};
use blocks::BLOCK_BYTES;

use ParseErrorKind::Expected;

/// Length of `2006-01-02T15:04:05Z`, and of the form with an offset.
const UTC_TIME_BYTES: usize = 20;
const OFFSET_TIME_BYTES: usize = 25;

/// Reads a manifest; dates of the pretty form are in local time.
///
/// The list is in canonical order. A patch chain is resolved: the list is its last state, its sections are kept.
///
/// ```
/// let manifest = c4::c4m::decode(b"-rw-r--r-- 2025-01-01T00:00:00Z 5 a.txt -\n").unwrap();
/// assert_eq!(manifest.len(), 1);
/// ```
pub fn decode(text: &[u8]) -> Result<Manifest, ParseError> {
    Decoder::default().decode(text)
}

/// Reads a manifest whose pretty dates are those of a zone.
pub fn decode_in(text: &[u8], zone: &Zone) -> Result<Manifest, ParseError> {
    Decoder::new(LocalZone::Given(zone)).decode(text)
}

/// Reads a manifest from a text that may be joined from several: of boundaries with no entry between them the last counts,
/// as in [`decode_chain`].
pub fn decode_joined(text: &[u8]) -> Result<Manifest, ParseError> {
    Decoder { boundaries_supersede: true, ..Decoder::default() }.decode(text)
}

/// Reads the sections of a chain without resolving them; dates of the pretty form are in local time.
///
/// Of boundaries with no entry between them the last counts, as in the reference's reader of chains; [`decode`] takes two
/// only where they are equal.
pub fn decode_chain(text: &[u8]) -> Result<Vec<Section>, ParseError> {
    let mut decoder = Decoder::new(LocalZone::Unread(OnceCell::new()));
    decoder.boundaries_supersede = true;
    decoder.read(text)?;
    if !decoder.current.rows.is_empty() {
        decoder.sections.push(decoder.current);
    }
    Ok(decoder.sections)
}

/// Reads the sections of a text as they stand, twins included; with them comes a manifest that holds the base and the ID
/// lists, and no entry. A text that is no chain has one section.
pub(crate) fn decode_sections(text: &[u8]) -> Result<(Vec<Section>, Manifest), ParseError> {
    let mut decoder = Decoder::default();
    decoder.read(text)?;
    decoder.sections.push(decoder.current);
    Ok((decoder.sections, decoder.manifest))
}

/// Finds out whether a text that arrives in pieces could be a manifest, without keeping it.
///
/// Lines are checked as they end; the first that does not parse settles it.
#[derive(Default)]
pub struct LineCheck {
    decoder: Decoder<'static>,
    seen_line: bool,
}

impl LineCheck {
    /// A check that takes any first line that parses: that of a file whose name says that it is a manifest.
    pub fn of_named() -> Self {
        Self { seen_line: true, ..Self::default() }
    }

    /// Checks one line, without its end. Also refuses a first line that does not begin with a letter of a file type.
    pub fn accepts(&mut self, line: &[u8]) -> bool {
        let blank = std::str::from_utf8(line).is_ok_and(|line| line.trim().is_empty());
        if !blank && !self.seen_line {
            self.seen_line = true;
            let first = line.trim_ascii_start().first();
            if !first.is_some_and(|byte| b"-dlpsbc".contains(byte)) {
                return false;
            }
        }
        // Rows pile up only to be forgotten: what is checked is the line.
        self.decoder.current.rows.clear();
        self.decoder.text_line(line).is_ok()
    }

    /// What a line says, read for itself; `None` when it does not parse or is no entry.
    pub(super) fn entry_of(&mut self, line: &[u8]) -> Option<Row<'_>> {
        self.decoder.current.rows.clear();
        self.decoder.text_line(line).ok()?;
        (!self.decoder.current.rows.is_empty()).then(|| self.decoder.current.rows.get(0))
    }

    /// Whether a line may begin like this: with a mode, or with an ID.
    pub fn may_begin(&self, line: &[u8]) -> bool {
        let content = line.trim_ascii_start();
        content.starts_with(b"- ")
            || content.starts_with(b"c4")
            || content.first_chunk().is_some_and(|c| Mode::parse(c).is_some())
    }
}

enum LocalZone<'z> {
    Given(&'z Zone),
    Unread(OnceCell<Zone>),
}

impl<'z> LocalZone<'z> {
    fn given(&self) -> Option<&'z Zone> {
        match self {
            Self::Given(zone) => Some(zone),
            Self::Unread(_) => None,
        }
    }

    fn get(&self) -> &Zone {
        match self {
            Self::Given(zone) => zone,
            Self::Unread(cell) => cell.get_or_init(Zone::local),
        }
    }
}

/// What is wrong, and at which byte of the line where that is known.
pub(super) struct Fault {
    at: Option<usize>,
    pub(super) kind: ParseErrorKind,
}

impl Fault {
    fn at(at: usize, kind: ParseErrorKind) -> Self {
        Self { at: Some(at), kind }
    }

    /// The error of a line of this number.
    pub(super) fn in_line(self, number: usize, line: &[u8]) -> ParseError {
        ParseError { line: number, column: self.at.map(|at| column(line, at)), kind: self.kind }
    }
}

/// Character of a line, from 1, that a byte of it belongs to.
pub(super) fn column(line: &[u8], at: usize) -> usize {
    1 + line[..at.min(line.len())].utf8_chunks().map(|chunk| chunk.valid().chars().count()).sum::<usize>()
}

/// Where the fields of the last entry line stood, as bytes of the line.
#[derive(Clone, Default)]
pub(super) struct FieldPlaces {
    pub(super) mode: usize,
    pub(super) time: usize,
    /// The name as written; `None` after a pretty date, whose line is put together anew.
    pub(super) name: Option<Range<usize>>,
}

pub(super) struct Decoder<'z> {
    zone: LocalZone<'z>,
    pub(super) manifest: Manifest,
    /// Sections that have ended.
    pub(super) sections: Vec<Section>,
    pub(super) current: Section,
    /// Whether the current section has an entry.
    pub(super) has_entries: bool,
    /// Spaces a level, from the first indented line.
    indent_width: Option<usize>,
    /// In a patch, for each depth of the open path whether its entry is a directory.
    open_path: Vec<bool>,
    /// Whether of two boundaries with no entry between them the second counts.
    boundaries_supersede: bool,
    pub(super) fields: FieldPlaces,
}

impl Default for Decoder<'static> {
    fn default() -> Self {
        Self::new(LocalZone::Unread(OnceCell::new()))
    }
}

impl<'z> Decoder<'z> {
    fn new(zone: LocalZone<'z>) -> Self {
        Self {
            zone,
            manifest: Manifest::default(),
            sections: Vec::new(),
            current: Section::default(),
            has_entries: false,
            indent_width: None,
            open_path: Vec::new(),
            boundaries_supersede: false,
            fields: FieldPlaces::default(),
        }
    }

    fn decode(mut self, text: &[u8]) -> Result<Manifest, ParseError> {
        self.read(text)?;
        Ok(self.finish())
    }

    fn read(&mut self, text: &[u8]) -> Result<(), ParseError> {
        let from = self.read_blocks(text, BLOCK_BYTES)?;
        self.read_lines(text, from)
    }

    /// Reads the lines of a text from a byte on, which a line starts at.
    fn read_lines(&mut self, text: &[u8], from: usize) -> Result<(), ParseError> {
        let rest = &text[from..];
        let valid_bytes = match std::str::from_utf8(rest) {
            Ok(rest) => rest.len(),
            Err(error) => error.valid_up_to(),
        };
        let mut start = 0;
        while start <= rest.len() {
            let end = memchr::memchr(b'\n', &rest[start..]).map_or(rest.len(), |length| start + length);
            let line = &rest[start..end];
            let fault = if end > valid_bytes {
                Err(Fault::at(valid_bytes.saturating_sub(start), ParseErrorKind::Utf8))
            } else {
                self.line(line)
            };
            fault.map_err(|fault| {
                let number = memchr::memchr_iter(b'\n', &text[..from + start]).count() + 1;
                fault.in_line(number, line)
            })?;
            start = end + 1;
        }
        Ok(())
    }

    fn finish(mut self) -> Manifest {
        let mut manifest = self.manifest;
        if self.sections.is_empty() {
            manifest = manifest.with_rows(self.current.rows);
        } else {
            if !self.current.rows.is_empty() {
                self.sections.push(self.current);
            }
            manifest = manifest.with_rows(chain::resolve(&self.sections));
            manifest.set_sections(self.sections);
        }
        manifest.sort();
        manifest.compact();
        manifest
    }

    /// Reads one line of a text that is not known to be UTF-8.
    pub(super) fn text_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        match std::str::from_utf8(line) {
            Ok(_) => self.line(line),
            Err(error) => Err(Fault::at(error.valid_up_to(), ParseErrorKind::Utf8)),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        // Looking at all bytes without a branch is faster than looking for the first.
        let controls = line.iter().fold(0, |found, byte| found | u8::from(*byte < b' '));
        let control = if controls > 0 { line.iter().position(|byte| *byte < b' ') } else { None };
        let content = match line {
            [b'!'..=b'~', .., b'!'..=b'~'] => line,
            // Any other white space than the plain space can only stand around the content of a valid line.
            line => std::str::from_utf8(line).map_or(line, |line| line.trim().as_bytes()),
        };
        if let Some(at) = control {
            return match line[at] {
                b'\r' => Err(Fault::at(at, ParseErrorKind::CarriageReturn)),
                _ if content.is_empty() => Ok(()),
                byte => Err(Fault::at(at, ParseErrorKind::Control(byte))),
            };
        }
        match content {
            [] => Ok(()),
            [b'@', ..] => Err(Fault { at: None, kind: ParseErrorKind::Directive }),
            [b'c', b'4', ..] if content.len() == ID_TEXT_BYTES => {
                let id = C4Id::parse(content).map_err(|error| Fault { at: None, kind: error.into() })?;
                self.boundary(id)
            }
            [b'c', b'4', ..] if content.len().is_multiple_of(ID_TEXT_BYTES) && self.inline_list(content) => Ok(()),
            _ => self.entry(line),
        }
    }

    /// An ID alone on its line: an external base, a link to what stands above, or a closing ID.
    fn boundary(&mut self, id: C4Id) -> Result<(), Fault> {
        if self.has_entries {
            let mut ended = std::mem::replace(&mut self.current, Section { boundary: Some(id), rows: Rows::default() });
            ended.rows.shrink();
            self.sections.push(ended);
            self.has_entries = false;
        } else {
            if !self.boundaries_supersede && self.current.boundary.is_some_and(|boundary| boundary != id) {
                return Err(Fault { at: None, kind: ParseErrorKind::EmptyPatch { section: self.sections.len() + 1 } });
            }
            if self.sections.is_empty() {
                self.manifest.base = Some(id);
            }
            self.current.boundary = Some(id);
        }
        self.open_path.clear();
        Ok(())
    }

    /// Several IDs with nothing between them; false when it is none.
    fn inline_list(&mut self, content: &[u8]) -> bool {
        let ids: Result<Vec<C4Id>, _> = content.chunks(ID_TEXT_BYTES).map(C4Id::parse).collect();
        ids.map(|ids| self.manifest.add_range(ids)).is_ok()
    }

    fn entry(&mut self, line: &[u8]) -> Result<(), Fault> {
        let indent = line.iter().take_while(|byte| **byte == b' ').count();
        let depth = if indent == 0 { 0 } else { indent / *self.indent_width.get_or_insert(indent) };
        let mut at = indent;
        let mode = read_mode(line, &mut at)?;
        let time_at = at;
        let (time, rest) = self.read_time(line, at)?;
        let fields = match &rest {
            // The words after a pretty date were joined anew: their places in the line are not known.
            Cow::Owned(text) => {
                read_fields(text, mode, &mut self.current.rows).map_err(|fault| Fault { at: None, ..fault })
            }
            Cow::Borrowed(text) => read_fields(text, mode, &mut self.current.rows)
                .map_err(|fault| Fault { at: fault.at.map(|at| at + line.len() - text.len()), ..fault }),
        }?;
        let row = Row {
            name: &[],
            mode,
            time,
            size: fields.size,
            id: &fields.id,
            depth: depth as u32,
            link: None,
            is_sequence: fields.is_sequence,
        };
        let in_patch = !self.sections.is_empty();
        if in_patch && depth > 0 && self.open_path.get(depth - 1) != Some(&true) {
            return Err(Fault::at(indent, ParseErrorKind::OrphanInPatch { section: self.sections.len() + 1 }));
        }
        self.fields = FieldPlaces {
            mode: indent,
            time: time_at,
            name: match &rest {
                Cow::Owned(_) => None,
                Cow::Borrowed(text) => {
                    let start = line.len() - text.len();
                    Some(start + fields.name.start..start + fields.name.end)
                }
            },
        };
        let row = self.current.rows.push_named(fields.name_start, &row, fields.link);
        self.has_entries = true;
        if in_patch {
            self.open_path.truncate(depth);
            self.open_path.push(self.current.rows.is_dir(row));
        }
        Ok(())
    }

    /// Reads the time at a byte of the line; returns it and what follows it, from the size on.
    fn read_time<'l>(&self, line: &'l [u8], at: usize) -> Result<(Timestamp, Cow<'l, [u8]>), Fault> {
        let text = &line[at..];
        if let Some(rest) = text.strip_prefix(b"- ").or_else(|| text.strip_prefix(b"0 ")) {
            return Ok((Timestamp::NULL, Cow::Borrowed(rest.trim_ascii_start())));
        }
        if text.len() >= UTC_TIME_BYTES && text[4] == b'-' && text[10] == b'T' {
            let length = if text[19] == b'Z' { UTC_TIME_BYTES } else { OFFSET_TIME_BYTES };
            let time = text.get(..length).and_then(Timestamp::parse_rfc3339);
            let time = time.ok_or(Fault::at(at, Expected("a time YYYY-MM-DDTHH:MM:SSZ")))?;
            return match &text[length..] {
                [b' ', rest @ ..] => Ok((time, Cow::Borrowed(rest.trim_ascii_start()))),
                _ => Err(Fault::at(at + length, Expected("a space after the time"))),
            };
        }
        let expected = || Fault::at(at, Expected("a time, '-' or '0'"));
        let words = std::str::from_utf8(text).map_err(|_| expected())?;
        let mut words = words.split_whitespace();
        let date: Vec<&str> = words.by_ref().take(5).collect();
        let time = Timestamp::parse_pretty(date.join(" ").as_bytes(), self.zone.get()).ok_or_else(expected)?;
        Ok((time, Cow::Owned(words.collect::<Vec<&str>>().join(" ").into_bytes())))
    }
}

/// Reads the mode and the space after it.
fn read_mode(line: &[u8], at: &mut usize) -> Result<Mode, Fault> {
    let text = &line[*at..];
    let (mode, length) = match text {
        [b'-', b' ', ..] => (Mode::NULL, 1),
        text => {
            let mode = text.first_chunk().and_then(Mode::parse);
            (mode.ok_or(Fault::at(*at, Expected("a mode of ten characters, or '-'")))?, 10)
        }
    };
    if text.get(length) != Some(&b' ') {
        return Err(Fault::at(*at + length, Expected("a space after the mode")));
    }
    *at += length + 1;
    Ok(mode)
}

/// What an entry line says from the size on.
struct Fields {
    size: i64,
    /// The bytes of the name as written.
    name: Range<usize>,
    /// Where the name starts in the arena, which it was appended to.
    name_start: usize,
    is_sequence: bool,
    link: Option<Link>,
    id: C4Id,
}

fn read_fields(text: &[u8], mode: Mode, rows: &mut Rows) -> Result<Fields, Fault> {
    let (size, size_bytes) = read_size(text)?;
    let rest = text[size_bytes..].trim_ascii_start();
    if rest.is_empty() {
        return Err(Fault::at(text.len(), Expected("a name")));
    }
    let position = |rest: &[u8]| text.len() - rest.len();
    let name_bytes = name_length(rest);
    let (name, after) = rest.split_at(name_bytes);
    let is_directory = name.ends_with(b"/");
    let (link, after_link) = read_link(after.trim_ascii_start(), mode)
        .map_err(|(expected, rest)| Fault::at(position(rest), Expected(expected)))?;
    if is_directory && link.is_none() {
        check_after_directory(after).map_err(|kind| Fault::at(position(after), kind))?;
    }
    let id_text = after_link.trim_ascii_start();
    let id = match id_text {
        [b'c', b'4', ..] => {
            C4Id::parse(id_text.trim_ascii_end()).map_err(|error| Fault::at(position(id_text), error.into()))?
        }
        _ => C4Id::NIL,
    };
    let arena = rows.arena_mut();
    let name_start = arena.len();
    read_field(name, arena);
    Ok(Fields {
        size,
        name: position(rest)..position(after),
        name_start,
        is_sequence: is_sequence_field(name),
        link: link.filter(|link| !link.is_empty()),
        id,
    })
}

/// Reads a size: digits, perhaps with commas after the first, or `-`; then a space. Returns it and its length.
fn read_size(text: &[u8]) -> Result<(i64, usize), Fault> {
    const EXPECTED: ParseErrorKind = Expected("a size in bytes, or '-'");
    let (size, length) = match text {
        [b'-', ..] => (NULL_SIZE, 1),
        [b'1'..=b'9', ..] => {
            let length = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b',').count();
            let mut digits = text[..length].iter().filter(|byte| **byte != b',');
            let size = digits.try_fold(0_i64, |size, digit| size.checked_mul(10)?.checked_add(i64::from(digit - b'0')));
            (size.ok_or(Fault::at(0, ParseErrorKind::SizeOverflow))?, length)
        }
        [b'0', ..] => (0, 1),
        _ => return Err(Fault::at(0, EXPECTED)),
    };
    match text.get(length) {
        Some(b' ') => Ok((size, length)),
        None => Err(Fault::at(length, Expected("a name"))),
        Some(_) => Err(Fault::at(0, EXPECTED)),
    }
}

/// Length of the name at the start of a text: to the slash that ends a directory's, or to the space before a link, an ID
/// or a dash. A space after a backslash belongs to the name, whatever is before the backslash.
fn name_length(text: &[u8]) -> usize {
    memchr::memchr2_iter(b' ', b'/', text)
        .find_map(|at| match text[at] {
            b'/' => Some(at + 1),
            _ => (text[..at].last() != Some(&b'\\') && (ends_field(&text[at + 1..]) || starts_link(&text[at + 1..])))
                .then_some(at),
        })
        .unwrap_or(text.len())
}

/// Whether what follows a space is an ID or a dash, which end a name and a target.
fn ends_field(text: &[u8]) -> bool {
    matches!(text, [b'c', b'4', ..] | [b'-'] | [b'-', b' ', ..])
}

fn starts_link(text: &[u8]) -> bool {
    matches!(text, [b'-', b'>', b' ' | b'1'..=b'9', ..] | [b'<', b'-' | b'>', b' ', ..])
}

/// Length of a target: to the space before an ID or a dash.
fn target_length(text: &[u8]) -> usize {
    memchr::memchr_iter(b' ', text)
        .find(|at| text[..*at].last() != Some(&b'\\') && ends_field(&text[at + 1..]))
        .unwrap_or(text.len())
}

type LinkAndRest<'t> = (Option<Link>, &'t [u8]);

/// Reads the link at the start of a text, if there is one; returns what follows it. The error says what was expected, and
/// before what.
fn read_link(text: &[u8], mode: Mode) -> Result<LinkAndRest<'_>, (&'static str, &[u8])> {
    let (flow, after) = match text {
        [b'-', b'>', after @ ..] => (Flow::Outbound, after),
        [b'<', b'-', after @ ..] => (Flow::Inbound, after),
        [b'<', b'>', after @ ..] => (Flow::Bidirectional, after),
        _ => return Ok((None, text)),
    };
    let operand = after.trim_ascii_start();
    let (target, rest) = operand.split_at(target_length(operand));
    let decoded = || {
        let mut bytes = Vec::new();
        read_field(target, &mut bytes);
        Link { target: bytes, ..Link::default() }
    };
    let flow_link = || Link { flow, flow_target: target.to_vec(), ..Link::default() };
    match flow {
        Flow::Outbound if mode.is_symlink() => Ok((Some(decoded()), rest)),
        Flow::Outbound => match (after, operand) {
            ([b'1'..=b'9', ..], _) => {
                let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let group = std::str::from_utf8(&after[..digits]).ok().and_then(|digits| digits.parse().ok());
                let hard_link = group.ok_or(("a hard-link group below 2^63", after))?;
                Ok((Some(Link { hard_link, ..Link::default() }), &after[digits..]))
            }
            (_, []) => Ok((Some(Link::default()), operand)),
            _ if has_label(operand) => Ok((Some(flow_link()), rest)),
            _ if operand.starts_with(b"c4") || operand.trim_ascii_end() == b"-" => {
                Ok((Some(Link { hard_link: -1, ..Link::default() }), operand))
            }
            _ => Ok((Some(decoded()), rest)),
        },
        _ if operand.is_empty() => Err(("a location after '<-' or '<>'", operand)),
        _ => Ok((Some(flow_link()), rest)),
    }
}

/// Whether a text starts with a location's label and colon: `[A-Za-z][A-Za-z0-9_-]*:`.
pub(super) fn has_label(text: &[u8]) -> bool {
    let label = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
    text.first().is_some_and(u8::is_ascii_alphabetic) && text.get(label) == Some(&b':')
}

/// A directory's name ends at its slash: what follows must not be more of a path, or words that would be lost.
fn check_after_directory(after: &[u8]) -> Result<(), ParseErrorKind> {
    match after {
        [] => Ok(()),
        [b' ', ..] => match after.trim_ascii() {
            [] | [b'-'] | [b'-', b' ', ..] | [b'c', b'4', ..] => Ok(()),
            _ => Err(ParseErrorKind::AfterDirectory),
        },
        _ => Err(ParseErrorKind::PathInName),
    }
}

//! Large texts: blocks of whole lines are read side by side, as long as there is nothing but entries and ID lists in them.

use std::cell::OnceCell;

use super::{Decoder, LocalZone};
use crate::c4m::error::ParseError;
use crate::c4m::manifest::Manifest;
use crate::c4m::rows::Rows;
use crate::parallel;

/// Bytes of text that a thread reads at a time: some thousand lines, so that starting it costs nothing beside them.
pub(super) const BLOCK_BYTES: usize = 1 << 20;

/// What a block of lines held.
struct BlockRead {
    has_boundary: bool,
    rows: Rows,
    /// A manifest without entries, for its ID lists.
    lists: Manifest,
}

/// Spaces before the first line that is indented and holds an entry.
fn first_indent(text: &[u8]) -> Option<usize> {
    let starts = memchr::memmem::find_iter(text, b"\n ").map(|at| at + 1);
    let first = text.starts_with(b" ").then_some(0);
    first.into_iter().chain(starts).find_map(|start| {
        let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |length| start + length);
        let line = std::str::from_utf8(&text[start..end]).ok()?;
        let content = line.trim();
        let is_entry = !content.is_empty() && !content.starts_with("c4");
        is_entry.then(|| line.bytes().take_while(|byte| *byte == b' ').count())
    })
}

impl Decoder<'_> {
    /// Reads blocks of whole lines side by side, as long as there is nothing but entries and ID lists in them. Returns the
    /// byte that is to be read on from: the end, or the start of a block with a boundary.
    pub(super) fn read_blocks(&mut self, text: &[u8], block_bytes: usize) -> Result<usize, ParseError> {
        if text.len() < 2 * block_bytes {
            return Ok(0);
        }
        self.indent_width = first_indent(text);
        let blocks_at_once = 4 * parallel::workers();
        let mut from = 0;
        while from < text.len() {
            let mut ends = Vec::with_capacity(blocks_at_once);
            while ends.len() < blocks_at_once && *ends.last().unwrap_or(&from) < text.len() {
                let least = (*ends.last().unwrap_or(&from) + block_bytes).min(text.len());
                ends.push(memchr::memchr(b'\n', &text[least..]).map_or(text.len(), |length| least + length + 1));
            }
            let start_of = |block: usize| if block == 0 { from } else { ends[block - 1] };
            let (zone, indent_width) = (self.zone.given(), self.indent_width);
            let read = parallel::in_order(ends.len(), |block| {
                let zone = zone.map_or_else(|| LocalZone::Unread(OnceCell::new()), LocalZone::Given);
                let mut decoder = Decoder { indent_width, ..Decoder::new(zone) };
                // Without the end of the last line, which would be a line of its own.
                let end = ends[block] - usize::from(text[..ends[block]].ends_with(b"\n"));
                let result = decoder.read_lines(&text[..end], start_of(block));
                (
                    BlockRead {
                        has_boundary: decoder.has_boundary(),
                        rows: decoder.current.rows,
                        lists: decoder.manifest,
                    },
                    result,
                )
            });
            for (block, (read, result)) in read.into_iter().enumerate() {
                if read.has_boundary {
                    return Ok(start_of(block));
                }
                result?;
                self.take(read, text.len(), start_of(block));
            }
            from = ends[ends.len() - 1];
        }
        Ok(text.len())
    }

    /// Adds what a block holds.
    fn take(&mut self, read: BlockRead, text_bytes: usize, block_start: usize) {
        if block_start == 0 {
            // As if all of the text were like its first block; a text of short lines must not reserve too much by that.
            let rows = (text_bytes / BLOCK_BYTES + 1).saturating_mul(read.rows.len()).min(text_bytes / 64);
            self.current.rows.reserve(rows, 0);
        }
        self.has_entries |= !read.rows.is_empty();
        self.current.rows.append(read.rows);
        for ids in read.lists.range_data().values() {
            self.manifest.add_range(ids.clone());
        }
    }

    /// Whether a line was an ID alone.
    fn has_boundary(&self) -> bool {
        !self.sections.is_empty() || self.current.boundary.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::C4Id;
    use crate::c4m::encode;
    use proptest::prelude::*;

    /// Lines of every kind: entries, indented by two or three, blank ones, boundaries, ID lists, and some that are wrong.
    fn line() -> impl Strategy<Value = String> {
        let (one, two) = (C4Id::of(b"1"), C4Id::of(b"2"));
        prop_oneof![
            8 => (0_usize..4, 0_usize..30).prop_map(|(depth, name)| format!("{}- - {name} f{name} -", "  ".repeat(depth))),
            4 => (0_usize..3, 0_usize..9).prop_map(|(depth, name)| format!("{}drwxr-xr-x - - d{name}/ -", "  ".repeat(depth))),
            2 => Just(String::new()),
            1 => Just("  \u{a0}".to_owned()),
            1 => Just(format!("{one}")),
            1 => Just(format!("  {two}")),
            1 => Just(format!("{one}{two}")),
            1 => Just("   - - 1 three -".to_owned()),
            1 => Just("lrwxrwxrwx - 1 link -> a\\ target -".to_owned()),
            1 => Just("\tx".to_owned()),
            1 => Just("-rw-r--r-- Jan  2 15:04:05 2006 UTC 5 pretty -".to_owned()),
        ]
    }

    fn outcome(read: impl FnOnce(&mut Decoder<'_>) -> Result<(), ParseError>) -> Result<(Vec<u8>, usize), ParseError> {
        let mut decoder = Decoder::default();
        read(&mut decoder)?;
        let manifest = decoder.finish();
        Ok((encode(&manifest).unwrap(), manifest.sections().len()))
    }

    proptest! {
        #[test]
        fn blocks_of_any_length_give_what_one_reading_gives(
            lines in prop::collection::vec(line(), 0..60),
            block_bytes in 1_usize..400,
            ends_with_line_end in any::<bool>(),
            invalid_at in prop::option::weighted(0.1, 0_usize..2000),
        ) {
            let mut text = (lines.join("\n") + if ends_with_line_end { "\n" } else { "" }).into_bytes();
            if let Some(byte) = invalid_at.and_then(|at| text.get_mut(at)) {
                *byte = 0xff;
            }
            let whole = outcome(|decoder| decoder.read_lines(&text, 0));
            let in_blocks = outcome(|decoder| {
                let from = decoder.read_blocks(&text, block_bytes)?;
                decoder.read_lines(&text, from)
            });
            prop_assert_eq!(in_blocks, whole);
        }
    }
}

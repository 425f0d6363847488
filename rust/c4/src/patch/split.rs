//! A chain's text cut in two.

use super::PatchError;
use super::apply::finished;
use crate::c4m::{Rows, decode_chain, encode, indented_entry_line, resolve_sections};

/// Cuts a chain after a section, counted from 1: the state after the first `count` sections as the text of a manifest, and
/// the other sections as a chain that continues from it; empty when there are none.
pub fn split(text: &[u8], count: usize) -> Result<(Vec<u8>, Vec<u8>), PatchError> {
    let sections = decode_chain(text)?;
    if !(1..=sections.len()).contains(&count) {
        return Err(PatchError::TooFewSections { wanted: count, sections: sections.len() });
    }
    let (first, rest) = sections.split_at(count);
    let before = encode(&finished(resolve_sections(first)))?;
    let mut after = Vec::new();
    for section in rest {
        if let Some(id) = section.boundary {
            after.extend_from_slice(format!("{id}\n").as_bytes());
        }
        write_section(&section.rows, &mut after)?;
    }
    Ok((before, after))
}

/// The entries of a section, in the order that they have in it.
fn write_section(rows: &Rows, out: &mut Vec<u8>) -> Result<(), PatchError> {
    for row in 0..rows.len() as u32 {
        out.extend_from_slice(&indented_entry_line(&rows.get(row), crate::c4m::INDENT_WIDTH)?);
        out.push(b'\n');
    }
    Ok(())
}

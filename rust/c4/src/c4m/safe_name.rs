//! Names as text: any bytes without NUL become printable text and come back unchanged.
//!
//! Three tiers: printable characters stand for themselves; NUL, tab, LF, CR and the backslash are `\0 \t \n \r \\`; any
//! other byte `b` is the Braille pattern U+2800 + `b`, a run of them between two `¤`. On top of that an entry line puts a
//! backslash before the characters that would end a field.

use super::is_print::is_print;

/// The character around a run of Braille patterns: U+00A4.
const MARK: &str = "¤";

/// Appends a name's safe form.
pub fn safe_name(name: &[u8], out: &mut Vec<u8>) {
    write_safe(name, out, |_| false);
}

/// Characters of a name that a message shows.
const SHOWN_CHARACTERS: usize = 200;

/// A name for a message: its safe form, which is printable, and not without end.
pub fn shown_name(name: &[u8]) -> String {
    let mut text = Vec::new();
    safe_name(name, &mut text);
    let text = String::from_utf8_lossy(&text);
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// The bytes that a safe name stands for; escapes that mean nothing stand for themselves.
pub fn unsafe_name(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    decode_safe(text, &mut out);
    out
}

/// Appends a name as an entry line has it: its safe form, with a backslash before space, quote and brackets.
pub(crate) fn write_name(name: &[u8], out: &mut Vec<u8>) {
    write_safe(name, out, |byte| matches!(byte, b' ' | b'"' | b'[' | b']'));
}

/// Appends a link target as an entry line has it: as a name, but with bare brackets.
pub(crate) fn write_target(target: &[u8], out: &mut Vec<u8>) {
    write_safe(target, out, |byte| matches!(byte, b' ' | b'"'));
}

/// Appends the bytes that a name or target field stands for.
pub(crate) fn read_field(field: &[u8], out: &mut Vec<u8>) {
    if !field.iter().any(|byte| matches!(byte, b'\\' | 0xc2)) {
        out.extend_from_slice(field);
        return;
    }
    // The two layers are two passes: `\\ ` is a backslash and an escaped space, not an escaped backslash.
    let mut plain = Vec::with_capacity(field.len());
    unescape_field(field, &mut plain);
    decode_safe(&plain, out);
}

/// Removes the backslash before space, quote and brackets, in one pass.
pub fn unescape_field(field: &[u8], out: &mut Vec<u8>) {
    let mut bytes = field.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escaped = bytes.next_if(|next| byte == b'\\' && matches!(next, b' ' | b'"' | b'[' | b']'));
        out.push(escaped.unwrap_or(byte));
    }
}

/// Adds a backslash before space, quote and, unless `brackets` is false, brackets.
pub fn escape_field(text: &[u8], brackets: bool, out: &mut Vec<u8>) {
    for byte in text {
        if matches!(byte, b' ' | b'"') || (brackets && matches!(byte, b'[' | b']')) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
}

fn write_safe(name: &[u8], out: &mut Vec<u8>, escaped: impl Fn(u8) -> bool) {
    if name.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\' && !escaped(*byte)) {
        out.extend_from_slice(name);
        return;
    }
    let mut in_run = false;
    let mut run = |open: bool, out: &mut Vec<u8>| {
        if in_run != open {
            out.extend_from_slice(MARK.as_bytes());
            in_run = open;
        }
    };
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            if let Some(letter) = escape_letter(c) {
                run(false, out);
                out.extend_from_slice(&[b'\\', letter]);
            } else if c != '¤' && is_print(c) {
                run(false, out);
                if escaped(bytes[0]) {
                    out.push(b'\\');
                }
                out.extend_from_slice(bytes);
            } else {
                run(true, out);
                for byte in bytes {
                    push_braille(*byte, out);
                }
            }
        }
        for byte in chunk.invalid() {
            run(true, out);
            push_braille(*byte, out);
        }
    }
    run(false, out);
}

fn push_braille(byte: u8, out: &mut Vec<u8>) {
    // U+2800 + byte in UTF-8: e2, a0 + the top two bits, 80 + the low six.
    out.extend_from_slice(&[0xe2, 0xa0 | byte >> 6, 0x80 | byte & 0x3f]);
}

const fn escape_letter(c: char) -> Option<u8> {
    match c {
        '\0' => Some(b'0'),
        '\t' => Some(b't'),
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\\' => Some(b'\\'),
        _ => None,
    }
}

const fn escaped_byte(letter: u8) -> Option<u8> {
    match letter {
        b'0' => Some(0),
        b't' => Some(b'\t'),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b'\\' => Some(b'\\'),
        _ => None,
    }
}

fn decode_safe(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | 0xc2)) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        if let Some(byte) = rest.get(1).copied().filter(|_| rest[0] == b'\\').and_then(escaped_byte) {
            out.push(byte);
            rest = &rest[2..];
        } else if let Some(after) = rest.strip_prefix(MARK.as_bytes()) {
            let (run, end) = braille_run(after);
            // A run that does not end in a mark keeps what it decoded, and its mark and patterns stand for themselves.
            out.extend(run.as_chunks::<3>().0.iter().copied().map(braille_byte));
            if run.is_empty() || !end {
                out.extend_from_slice(MARK.as_bytes());
                rest = after;
            } else {
                rest = &after[run.len() + MARK.len()..];
            }
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest);
}

/// The Braille patterns of bytes at the start of a text, and whether a mark follows them.
fn braille_run(text: &[u8]) -> (&[u8], bool) {
    let patterns = text.as_chunks::<3>().0.iter().take_while(|bytes| is_braille(**bytes)).count();
    let (run, after) = text.split_at(patterns * 3);
    (run, after.starts_with(MARK.as_bytes()))
}

const fn is_braille(bytes: [u8; 3]) -> bool {
    bytes[0] == 0xe2 && bytes[1] & 0xfc == 0xa0 && bytes[2] & 0xc0 == 0x80
}

const fn braille_byte(bytes: [u8; 3]) -> u8 {
    (bytes[1] & 3) << 6 | bytes[2] & 0x3f
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_name_without_nul_comes_back(name in proptest::collection::vec(1_u8.., 0..40)) {
            let mut text = Vec::new();
            safe_name(&name, &mut text);
            prop_assert!(std::str::from_utf8(&text).is_ok());
            prop_assert_eq!(unsafe_name(&text), name);
        }

        #[test]
        fn any_field_comes_back(name in "[a \\\\\"\\[\\]¤é\u{1}\t]{0,12}[a-z]") {
            let mut text = Vec::new();
            write_name(name.as_bytes(), &mut text);
            let mut back = Vec::new();
            read_field(&text, &mut back);
            prop_assert_eq!(back, name.as_bytes());
        }
    }
}

//! What a scan leaves out: patterns that match names or paths.
//!
//! The language is that of the reference (Go's `filepath.Match`) and `**`: `*` is any text without a slash, `?` one
//! character other than a slash, `[a-z]` and `[^a-z]` one of a class, a backslash takes the next character as it is, `**`
//! stands for any text, slashes included, and `**/` also for nothing. A malformed pattern matches nothing.

use std::sync::Arc;

/// Patterns of one place, and those of the places above it.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    scopes: Vec<Scope>,
}

/// Patterns that hold below one directory.
#[derive(Clone, Debug)]
struct Scope {
    patterns: Arc<[Vec<u8>]>,
    /// Length of the path of the scope's directory, with its slash: where paths relative to it begin.
    base: usize,
}

impl Patterns {
    /// Patterns that are matched with names and with paths relative to the root.
    pub fn new(patterns: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let patterns: Arc<[Vec<u8>]> = patterns.into_iter().collect();
        Self { scopes: if patterns.is_empty() { Vec::new() } else { vec![Scope { patterns, base: 0 }] } }
    }

    /// The patterns of a file: one a line; blank lines and lines that begin with `#` do not count.
    pub fn lines(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty() && !line.starts_with(b"#")).map(<[u8]>::to_vec)
    }

    /// These patterns and those of a file found in a directory, whose path (with its slash) has `base` bytes.
    pub(super) fn with_file(&self, text: &[u8], base: usize) -> Self {
        let patterns: Arc<[Vec<u8>]> = Self::lines(text).collect();
        let mut scopes = self.scopes.clone();
        if !patterns.is_empty() {
            scopes.push(Scope { patterns, base });
        }
        Self { scopes }
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Whether an entry is left out, by its path relative to the root, whose last component begins at `name`.
    pub(super) fn exclude(&self, path: &[u8], name: usize) -> bool {
        self.scopes.iter().any(|scope| {
            scope.patterns.iter().any(|pattern| {
                glob_match(pattern, &path[name..]) || (scope.base < name && glob_match(pattern, &path[scope.base..]))
            })
        })
    }
}

/// Whether a pattern matches the whole of a text.
///
/// ```
/// use c4::scan::glob_match;
/// assert!(glob_match(b"*.tmp", b"a.tmp") && !glob_match(b"*.tmp", b"d/a.tmp"));
/// assert!(glob_match(b"**/x", b"x") && glob_match(b"**/x", b"a/b/x"));
/// ```
pub fn glob_match(pattern: &[u8], text: &[u8]) -> bool {
    Token::parse(pattern).is_some_and(|tokens| tokens_match(&tokens, text))
}

enum Token {
    /// One character, as bytes.
    Literal(Vec<u8>),
    /// `?`.
    One,
    /// `*`.
    Some,
    /// `**`.
    Any,
    /// `**/`: nothing, or any text that ends in a slash.
    AnyDirectories,
    /// `[...]`: ranges, and whether they are those that do not match.
    Class(Vec<(char, char)>, bool),
}

impl Token {
    fn parse(pattern: &[u8]) -> Option<Vec<Self>> {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let Some(byte) = rest.first() {
            let (token, length) = match byte {
                b'*' if rest.starts_with(b"**/")
                    && !matches!(tokens.last(), Some(Self::Literal(last)) if last != b"/") =>
                {
                    (Self::AnyDirectories, 3)
                }
                b'*' if rest.starts_with(b"**") => (Self::Any, 2),
                b'*' => (Self::Some, 1),
                b'?' => (Self::One, 1),
                b'[' => Self::parse_class(rest)?,
                b'\\' => {
                    let length = char_length(rest.get(1..).filter(|rest| !rest.is_empty())?);
                    (Self::Literal(rest[1..=length].to_vec()), length + 1)
                }
                _ => {
                    let length = char_length(rest);
                    (Self::Literal(rest[..length].to_vec()), length)
                }
            };
            tokens.push(token);
            rest = &rest[length..];
        }
        Some(tokens)
    }

    /// `[` and its ranges up to `]`; the first character after `[` or `[^` may be no `]` and no range may be empty.
    fn parse_class(text: &[u8]) -> Option<(Self, usize)> {
        let negated = text.get(1) == Some(&b'^');
        let mut at = 1 + usize::from(negated);
        let mut ranges = Vec::new();
        loop {
            if text.get(at) == Some(&b']') && !ranges.is_empty() {
                return Some((Self::Class(ranges, negated), at + 1));
            }
            let low = class_char(text, &mut at)?;
            let high = if text.get(at) == Some(&b'-') {
                at += 1;
                class_char(text, &mut at)?
            } else {
                low
            };
            ranges.push((low, high));
        }
    }
}

/// One end of a range: a character that is not `-` or `]`, or any after a backslash.
fn class_char(text: &[u8], at: &mut usize) -> Option<char> {
    match text.get(*at)? {
        b'-' | b']' => return None,
        b'\\' => *at += 1,
        _ => {}
    }
    let rest = text.get(*at..).filter(|rest| !rest.is_empty())?;
    let length = char_length(rest);
    *at += length;
    std::str::from_utf8(&rest[..length]).ok()?.chars().next()
}

/// Length of the character at the start of a text that is not empty; a byte that is no UTF-8 is one of its own.
fn char_length(text: &[u8]) -> usize {
    let longest = &text[..text.len().min(4)];
    longest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()).map_or(1, char::len_utf8)
}

fn tokens_match(tokens: &[Token], text: &[u8]) -> bool {
    // `reached[i]`: the tokens so far match the first `i` bytes. Linear in pattern times text, whatever the stars.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        let mut open = false;
        for at in 0..=text.len() {
            match token {
                Token::Some | Token::Any => {
                    open |= reached[at];
                    next[at] = open;
                    open &= matches!(token, Token::Any) || text.get(at) != Some(&b'/');
                }
                Token::AnyDirectories => {
                    next[at] |= reached[at] || (open && text[at - 1] == b'/');
                    open |= reached[at];
                }
                Token::Literal(bytes) if reached[at] && text[at..].starts_with(bytes) => next[at + bytes.len()] = true,
                Token::One | Token::Class(..) if reached[at] && at < text.len() && text[at] != b'/' => {
                    let length = char_length(&text[at..]);
                    let c = std::str::from_utf8(&text[at..at + length])
                        .ok()
                        .and_then(|c| c.chars().next())
                        .unwrap_or('\u{fffd}');
                    next[at + length] = match token {
                        Token::Class(ranges, negated) => {
                            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
                        }
                        _ => true,
                    };
                }
                _ => {}
            }
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches() {
        for (pattern, text) in [
            ("*.tmp", ".hid.tmp"),
            ("*", ""),
            ("a*b*c", "axxbyyc"),
            ("?", "é"),
            ("[^a].x", "b.x"),
            ("[a-c]", "b"),
            (r"\*.x", "*.x"),
            (r"[\]]", "]"),
            ("**", "a/b/c"),
            ("a/**", "a/b/c"),
            ("a/**/c", "a/c"),
            ("a/**/c", "a/b/b/c"),
            ("**/x.tmp", "sub/deep/x.tmp"),
            ("sub/*", "sub/x"),
            ("x{a,b}", "x{a,b}"),
        ] {
            assert!(glob_match(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }

    #[test]
    fn does_not_match() {
        for (pattern, text) in [
            ("*", "a/b"),
            ("?", "/"),
            ("[", "["),
            ("[]a]", "]"),
            ("[a", "a"),
            ("a\\", "a\\"),
            ("*.TMP", "a.tmp"),
            ("./sub", "sub"),
            ("sub/", "sub"),
            ("a/**/c", "axc"),
            ("", "a"),
        ] {
            assert!(!glob_match(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!glob_match("*a".repeat(60).as_bytes(), "a".repeat(50).as_bytes()));
    }

    #[test]
    fn a_scope_matches_below_its_directory_only() {
        let root = Patterns::new([b"sub/keep".to_vec()]);
        assert!(root.exclude(b"sub/keep", 4) && !root.exclude(b"x/sub/keep", 6));
        let nested = root.with_file(b"# comment\n\n deep/*.x \n*.tmp\n", 4);
        assert!(
            nested.exclude(b"sub/deep/a.x", 9) && nested.exclude(b"sub/a.tmp", 4) && !nested.exclude(b"sub/a.x", 4)
        );
    }
}

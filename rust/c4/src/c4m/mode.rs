//! File type and permissions, as `ls -l` writes them.

use std::fmt;

/// The type bits of `st_mode`.
const TYPE_MASK: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// File types by their bits.
const TYPE_NAMES: [(u32, &str); 7] = [
    (0, "file"),
    (0o040_000, "directory"),
    (0o120_000, "symlink"),
    (0o010_000, "pipe"),
    (0o140_000, "socket"),
    (0o060_000, "block device"),
    (0o020_000, "char device"),
];

/// A Unix `st_mode` without the bit that marks a regular file; zero is unknown.
///
/// So a regular file is its permission bits alone, and a file whose permissions are all zero is one of unknown mode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mode(u32);

impl Mode {
    /// Unknown.
    pub const NULL: Self = Self(0);

    /// From `st_mode`, or from permission bits alone.
    pub const fn from_bits(st_mode: u32) -> Self {
        let bits = st_mode & 0o177_777;
        Self(if bits & TYPE_MASK == REGULAR { bits & !REGULAR } else { bits })
    }

    /// The bits: type, set-ID and sticky bits, permissions.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether the mode is unknown.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// Whether the mode is that of a directory.
    pub const fn is_dir(self) -> bool {
        self.0 & TYPE_MASK == 0o040_000
    }

    /// Whether the mode is that of a symbolic link.
    pub const fn is_symlink(self) -> bool {
        self.0 & TYPE_MASK == 0o120_000
    }

    /// Whether the mode is unknown or that of a regular file.
    pub const fn is_regular(self) -> bool {
        self.0 & TYPE_MASK == 0
    }

    /// The file type in a word or two, "file" when the mode is unknown; `None` for a type that no system has.
    pub fn type_name(self) -> Option<&'static str> {
        TYPE_NAMES.iter().find(|(bits, _)| *bits == self.0 & TYPE_MASK).map(|(_, name)| *name)
    }

    /// The mode of a file type and no permissions; that of a file is unknown.
    pub fn from_type_name(name: &str) -> Option<Self> {
        TYPE_NAMES.iter().find(|(_, known)| *known == name).map(|(bits, _)| Self(*bits))
    }

    /// Ten characters; an unknown mode is ten dashes.
    pub fn to_text(self) -> [u8; 10] {
        let mut text = *b"-rwxrwxrwx";
        text[0] = match (self.0 & TYPE_MASK) >> 12 {
            0o04 => b'd',
            0o12 => b'l',
            0o01 => b'p',
            0o14 => b's',
            0o06 => b'b',
            0o02 => b'c',
            0 => b'-',
            _ => b'?',
        };
        for (bit, place) in text[1..].iter_mut().enumerate() {
            if self.0 & (0o400 >> bit) == 0 {
                *place = b'-';
            }
        }
        for (bit, at, set, bare) in [(0o4000, 3, b's', b'S'), (0o2000, 6, b's', b'S'), (0o1000, 9, b't', b'T')] {
            if self.0 & bit != 0 {
                text[at] = if text[at] == b'x' { set } else { bare };
            }
        }
        text
    }

    /// Reads ten characters; each place takes only the letters that belong there.
    pub fn parse(text: &[u8; 10]) -> Option<Self> {
        let mut bits = match text[0] {
            b'd' => 0o040_000,
            b'l' => 0o120_000,
            b'p' => 0o010_000,
            b's' => 0o140_000,
            b'b' => 0o060_000,
            b'c' => 0o020_000,
            b'-' => 0,
            _ => return None,
        };
        for (at, letter) in text.iter().enumerate().skip(1) {
            let bit = 0o400 >> (at - 1);
            let special = 0o10_000 >> (at / 3);
            bits |= match (letter, b"xrw"[at % 3]) {
                (b'-', _) => 0,
                (letter, place) if *letter == place => bit,
                (b's', b'x') if at < 9 => bit | special,
                (b'S', b'x') if at < 9 => special,
                (b't', b'x') if at == 9 => bit | special,
                (b'T', b'x') if at == 9 => special,
                _ => return None,
            };
        }
        Some(Self(bits))
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mode({:o})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_of_every_type_reads_back() {
        for kind in [0, 0o040_000, 0o120_000, 0o010_000, 0o140_000, 0o060_000, 0o020_000] {
            for bits in 0..0o10_000 {
                let mode = Mode::from_bits(kind | bits);
                assert_eq!(Mode::parse(&mode.to_text()), Some(mode), "{mode:?}");
            }
        }
    }

    #[test]
    fn letters_out_of_place_are_refused() {
        for text in [b"-zzzzzzzzz", b"-rwxr-tr-x", b"-rwxr-xr-S", b"-xxxxxxxxx", b"?rw-r--r--", b"-rw-r--r-@"] {
            assert_eq!(Mode::parse(text), None, "{}", text.escape_ascii());
        }
    }
}

//! What can be wrong with a manifest's text, or with a manifest that is to become text.

use std::fmt;

use super::safe_name::shown_name;

/// Why a text is no manifest, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Character of the line, from 1, where it is known.
    pub column: Option<usize>,
    /// What was found or expected.
    pub kind: ParseErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// A carriage return.
    #[error("CR is not allowed, a c4m file has LF line endings")]
    CarriageReturn,
    /// A control character other than the line's end.
    #[error("control character 0x{0:02x} is not allowed, a name holds it escaped")]
    Control(u8),
    /// Bytes that are not UTF-8.
    #[error("the text is not UTF-8")]
    Utf8,
    /// A line that starts with `@`.
    #[error("a line cannot start with '@'")]
    Directive,
    /// A field that is missing or not what it must be.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A size of 2^63 or more.
    #[error("the size does not fit 63 bits")]
    SizeOverflow,
    /// A slash inside a name.
    #[error("a name is one path component and holds no '/'")]
    PathInName,
    /// Something after a directory's name that is neither a link nor an ID.
    #[error("expected a link, an ID or '-' after the directory's name")]
    AfterDirectory,
    /// An ID that is none.
    #[error("not a C4 ID: {0}")]
    Id(#[from] crate::ParseIdError),
    /// Two different boundary IDs with no entry between them.
    #[error("section {section} is empty: this ID follows a different one, with no entry between them")]
    EmptyPatch {
        /// Number of the section, from 1.
        section: usize,
    },
    /// An entry of a patch whose depth has no directory above it.
    #[error("section {section} does not apply: this entry has no directory above it")]
    OrphanInPatch {
        /// Number of the section, from 1.
        section: usize,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl std::error::Error for ParseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.kind)
    }
}

/// Why an entry has no text form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The year has more than four digits or is negative.
    #[error("the time of {} is outside the years 0 to 9999", shown_name(.0))]
    Time(Vec<u8>),
    /// The directories of an entry are not in the manifest, as in one that was filtered.
    #[error("the directories of {} are not in the manifest, so a patch cannot name it", String::from_utf8_lossy(.0))]
    Detached(Vec<u8>),
    /// The depth is one that no file system reaches, and the indentation would fill the memory.
    #[error("the depth of {} is too large to indent its line", shown_name(.0))]
    Depth(Vec<u8>),
}

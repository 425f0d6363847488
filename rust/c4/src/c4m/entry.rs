//! One entry: what a line of a manifest says.

use super::mode::Mode;
use super::timestamp::Timestamp;
use crate::C4Id;

/// The size of an entry whose size is unknown.
pub const NULL_SIZE: i64 = -1;

/// Direction of a flow link: where content comes from or goes to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Flow {
    /// No flow link.
    #[default]
    None,
    /// `->`: content goes to the location.
    Outbound,
    /// `<-`: content comes from the location.
    Inbound,
    /// `<>`: both.
    Bidirectional,
}

impl Flow {
    /// The operator in an entry line; empty for none.
    pub const fn operator(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Outbound => "->",
            Self::Inbound => "<-",
            Self::Bidirectional => "<>",
        }
    }

    /// The direction that an operator stands for.
    pub fn from_operator(operator: &str) -> Option<Self> {
        [Self::None, Self::Outbound, Self::Inbound, Self::Bidirectional].into_iter().find(|f| f.operator() == operator)
    }
}

/// What few entries have: links, and a sequence pattern that differs from the name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// Target of a symbolic link, or what another entry points at; empty for none.
    pub target: Vec<u8>,
    /// Hard-link group: 0 none, negative ungrouped, positive the group's number.
    pub hard_link: i64,
    /// Direction of a flow link.
    pub flow: Flow,
    /// Location of a flow link, as `label:path`.
    pub flow_target: Vec<u8>,
    /// Pattern of a sequence where it is not the name itself.
    pub pattern: Vec<u8>,
}

impl Link {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.target.is_empty()
            && self.hard_link == 0
            && self.flow == Flow::None
            && self.flow_target.is_empty()
            && self.pattern.is_empty()
    }
}

/// An entry that owns its values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Name of one path component, as bytes; a directory's ends in `/`.
    pub name: Vec<u8>,
    /// Type and permissions.
    pub mode: Mode,
    /// Modification time.
    pub time: Timestamp,
    /// Size in bytes; negative is unknown.
    pub size: i64,
    /// ID of the content, or nil.
    pub id: C4Id,
    /// Nesting level; 0 at the top.
    pub depth: u32,
    /// Links.
    pub link: Link,
    /// Whether the name holds a range of numbers and stands for several files.
    pub is_sequence: bool,
}

impl Entry {
    /// An entry of which only the name is known.
    pub fn new(name: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            mode: Mode::NULL,
            time: Timestamp::NULL,
            size: NULL_SIZE,
            id: C4Id::NIL,
            depth: 0,
            link: Link::default(),
            is_sequence: false,
        }
    }

    /// The entry as a borrowed row.
    pub fn as_row(&self) -> Row<'_> {
        Row {
            name: &self.name,
            mode: self.mode,
            time: self.time,
            size: self.size,
            id: &self.id,
            depth: self.depth,
            link: Some(&self.link),
            is_sequence: self.is_sequence,
        }
    }
}

/// An entry that borrows its values, from an [`Entry`] or from the columns of a manifest.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// As [`Entry::name`].
    pub name: &'a [u8],
    /// As [`Entry::mode`].
    pub mode: Mode,
    /// As [`Entry::time`].
    pub time: Timestamp,
    /// As [`Entry::size`].
    pub size: i64,
    /// As [`Entry::id`].
    pub id: &'a C4Id,
    /// As [`Entry::depth`].
    pub depth: u32,
    /// As [`Entry::link`]; `None` is the empty link.
    pub link: Option<&'a Link>,
    /// As [`Entry::is_sequence`].
    pub is_sequence: bool,
}

impl Row<'_> {
    /// Whether the entry is a directory: its name ends in `/`, or its mode says so.
    pub fn is_dir(&self) -> bool {
        self.name.ends_with(b"/") || self.mode.is_dir()
    }

    /// Whether the entry is a symbolic link by its mode.
    pub fn is_symlink(&self) -> bool {
        self.mode.is_symlink()
    }

    /// What the entry is, in a word or two; `None` for a type that no system has. An entry of unknown mode is a directory
    /// if its name ends in `/`, else a file.
    pub fn type_name(&self) -> Option<&'static str> {
        if self.is_dir() { Some("directory") } else { self.mode.type_name() }
    }

    /// The name without the slash of a directory.
    pub fn bare_name(&self) -> &[u8] {
        without_slash(self.name)
    }

    /// Target of a link; empty for none.
    pub fn target(&self) -> &[u8] {
        self.link.map_or(&[], |link| &link.target)
    }

    /// Copies the values.
    pub fn to_entry(&self) -> Entry {
        Entry {
            name: self.name.to_vec(),
            mode: self.mode,
            time: self.time,
            size: self.size,
            id: *self.id,
            depth: self.depth,
            link: self.link.cloned().unwrap_or_default(),
            is_sequence: self.is_sequence,
        }
    }

    /// Whether two entries are equal in every field; sizes below zero are one.
    pub fn same_entry(&self, other: &Row<'_>) -> bool {
        self.depth == other.depth && self.same_line(other)
    }

    /// Whether two entries agree in every field that a line writes, whatever their depth.
    pub fn same_line(&self, other: &Row<'_>) -> bool {
        fn non_empty(link: Option<&Link>) -> Option<&Link> {
            link.filter(|link| !link.is_empty())
        }
        self.name == other.name
            && self.mode == other.mode
            && self.time == other.time
            && self.size.max(NULL_SIZE) == other.size.max(NULL_SIZE)
            && self.id == other.id
            && self.is_sequence == other.is_sequence
            && non_empty(self.link) == non_empty(other.link)
    }
}

/// A name or path without the slash of a directory.
pub(crate) fn without_slash(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"/").unwrap_or(name)
}

//! Kinds of issues: stable names, how grave each is, what it means.

/// How grave an issue is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Severity {
    /// The manifest cannot be read, says two things at once, or must not touch a file system.
    Error,
    /// It can be used, and may surprise.
    Warning,
}

macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $meaning:literal)*) => {
        /// Kind of an issue.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name, which stays the same in all versions.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How grave an issue of this kind is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What it means, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

codes! {
    // Lines of a text that are none.
    NotUtf8 "not-utf8" Error "a line is not UTF-8"
    ByteOrderMark "byte-order-mark" Error "the text starts with a byte order mark"
    CarriageReturn "carriage-return" Error "a line holds a CR"
    ControlCharacter "control-character" Error "a line holds a raw control character"
    Directive "directive" Error "a line starts with @"
    Syntax "syntax" Error "a field is missing or not what it must be"
    SizeRange "size-range" Error "a size or a sum of sizes is 2^63 or more, or a size is below -1"
    BadId "bad-id" Error "an ID is none"
    EmptyPatch "empty-patch" Error "two different boundary IDs with no entry between them"

    // Entries that no file system can hold, or that a line cannot.
    EmptyName "empty-name" Error "a name is empty or a slash alone"
    DotName "dot-name" Error "a name is . or .."
    SlashInName "slash-in-name" Error "a name is a path, or an escape hides its slash"
    NulInName "nul-in-name" Error "a name or link target holds NUL"
    BadMode "bad-mode" Error "a mode has a file type that does not exist"
    TimeRange "time-range" Error "a time is outside the years 0 to 9999"
    DepthRange "depth-range" Error "a depth is too large to indent its line"
    NoRoundTrip "no-round-trip" Error "an entry that is written reads back as another one"

    // Entries that contradict each other.
    DuplicateName "duplicate-name" Error "siblings have one name; the last one wins"
    FileAndDirectory "file-and-directory" Error "a file and a directory have one name"
    ThroughSymlink "through-symlink" Error "a directory is a symbolic link too: its entries would lie elsewhere"
    Orphan "orphan" Error "an entry has no directory above it"
    MisplacedEntry "misplaced-entry" Error "an entry does not follow the directory that it is read as a child of"
    HardLinkMismatch "hard-link-mismatch" Error "members of a hard-link group differ in ID or size"
    FlowPath "flow-path" Error "the path of a flow link holds .."
    FlowSymlink "flow-symlink" Error "a flow link has the mode of a symbolic link"
    SequenceRange "sequence-range" Error "a range is reversed, has step 0 or a part that is no number"
    ListLength "list-length" Error "an ID list has another length than its sequence"

    // Patch chains.
    ChainLink "chain-link" Error "a boundary ID is not the ID of what stands above it"
    PatchBelowRemoval "patch-below-removal" Error "a patch changes entries below a directory that it removes"
    UncheckedLink "unchecked-link" Warning "boundary IDs below an external base, or in a very long chain"

    // Spelling of a text.
    NonCanonical "non-canonical" Warning "a line is not written as dumps writes it"
    PrettyForm "pretty-form" Warning "the text is in the pretty form"
    OffsetTime "offset-time" Warning "a time has an offset, which is not kept"
    ModeZero "mode-zero" Warning "a mode of ten dashes is read as unknown"
    Unsorted "unsorted" Warning "an entry is not in canonical order"
    NoFinalNewline "no-final-newline" Warning "the text does not end with a line end: it may be cut off"
    SequenceName "sequence-name" Warning "the range of a sequence becomes another one on rewriting"

    // Names that confuse people, programs or other file systems.
    ControlInName "control-in-name" Warning "a name holds control characters"
    InvisibleInName "invisible-in-name" Warning "a name holds invisible characters or turns text around"
    NotUtf8Name "not-utf8-name" Warning "a name is not UTF-8"
    TrailingBackslash "trailing-backslash" Warning "a name or target ends with a backslash: its line does not read back"
    LongName "long-name" Warning "a name has more than 255 bytes"
    LongPath "long-path" Warning "a path has more than 4,095 bytes"
    CaseTwins "case-twins" Warning "siblings differ only in case"
    UnicodeTwins "unicode-twins" Warning "siblings differ only in Unicode normalization"

    // Metadata.
    SpecialBits "special-bits" Warning "a mode has set-user-ID, set-group-ID or sticky bits"
    SpecialFile "special-file" Warning "an entry is a device, pipe or socket"
    DirectoryWithoutSlash "directory-without-slash" Warning "a directory by its mode has no slash"
    SlashWithoutDirectory "slash-without-directory" Warning "a directory by its slash has another mode"
    YearZero "year-zero" Warning "a time lies in the year 0, which many programs do not know"
    DirectoryId "directory-id" Warning "a directory's ID is not that of its entries"

    // Links and sequences.
    EmptyTarget "empty-target" Warning "a symbolic link has no target"
    AbsoluteTarget "absolute-target" Warning "a symbolic link has an absolute target"
    OutsideTarget "outside-target" Warning "a symbolic link leads out of the tree"
    TargetWithoutSymlink "target-without-symlink" Warning "an entry with a target is no symbolic link"
    FlowLabel "flow-label" Warning "the location of a flow link has no valid label"
    HardLinkAlone "hard-link-alone" Warning "a hard-link group has one member"
    HardLinkDirectory "hard-link-directory" Warning "a directory is a hard link"
    HugeSequence "huge-sequence" Warning "a sequence has more than 10,000,000 members"
    UnusedList "unused-list" Warning "no entry refers to an ID list"
}

//! Which objects of a store are needed: everything that manifests refer to, directly and through other manifests.
//!
//! A directory's ID is that of its one-level text, which lists what is in it; a patch chain begins with the ID of its
//! base; a file whose name ends in `.c4m` may be a manifest of its own; the ID of a sequence is that of the list of its
//! members. All of these texts are read from the store, each once, and only believed when they are what their ID says.
//!
//! A whole manifest, as a root is one, is known by several IDs: of the one-level text of its top level, which is the
//! directory's that was scanned, of its canonical text, and of its bytes as they are. Whatever lies under them is kept.
//!
//! Where it cannot be found out what a root refers to, marking fails: nothing may then be taken for garbage. Only the
//! manifests that are files among others may name what is in no store; what is missing of it is listed.
//!
//! An ID takes 75 to 149 bytes, as the table of them grows. No text is followed by recursion.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rustix::fs::OFlags;

use super::CheckError;
use super::census::locate;
use super::check::open;
use super::report::Listed;
use crate::c4m::{Manifest, ParseError, Row, RowId, Rows, decode, decode_sections, encode};
use crate::identify::{Lines, READ_BYTES};
use crate::scan::ScanProgress;
use crate::{C4Id, ID_TEXT_BYTES};

/// What must be kept, with all that it refers to.
#[derive(Clone, Debug)]
pub enum Root {
    /// A manifest, with the sections, the ID lists and the base that it was read with.
    Manifest(Arc<Manifest>),
    /// The text of a manifest.
    Text(Vec<u8>),
    /// The file of a manifest.
    Path(PathBuf),
    /// An object; what it refers to as well, if it is the text of a manifest.
    Id(C4Id),
}

/// What was found out about a root, or about something that it refers to.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[source] io::Error),
    /// It is no manifest.
    #[error("it is no manifest: {0}")]
    Parse(#[source] ParseError),
    /// The store has no such object.
    #[error("the store does not have {0}")]
    Missing(Needed),
    /// The store has it, and what it says cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(Needed, #[source] io::Error),
    /// What lies under its ID is no file.
    #[error("{0} is no regular file")]
    NotRegular(Needed),
    /// The store has other content under the ID: that of the second.
    #[error("{0} has other content in the store: that of {1}")]
    Corrupt(Needed, Box<C4Id>),
    /// It is not of the kind that it should be.
    #[error("{0} is not what it should be in the store")]
    NotAText(Needed),
}

/// Something that a root refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Its ID.
    pub id: C4Id,
    kind: Kind,
}

impl std::fmt::Display for Needed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.kind {
            Kind::Base => "the base",
            Kind::Directory { .. } => "the list of the directory",
            Kind::Sequence => "the list of the sequence",
            Kind::Object | Kind::File | Kind::Target => "the object",
        };
        write!(f, "{what} {}", self.id)
    }
}

/// What an ID is thought to be the ID of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The text of a manifest that another one starts from.
    Base,
    /// The one-level text of a directory.
    Directory {
        /// Whether the entries of the directory are known without it.
        is_listed: bool,
    },
    /// The list of a sequence's members.
    Sequence,
    /// A root.
    Object,
    /// A file that may be a manifest.
    File,
    /// What a symbolic link leads to.
    Target,
}

impl Kind {
    fn reading(self) -> Reading {
        match self {
            Self::Sequence => Reading::List,
            Self::Base | Self::Object => Reading::Manifest,
            Self::Directory { .. } | Self::File | Self::Target => Reading::Entries,
        }
    }
}

/// What is marked of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reading {
    /// The IDs that it is a list of.
    List,
    /// What its entries refer to.
    Entries,
    /// That, and the other texts of the manifest that it is.
    Manifest,
}

/// Why nothing can be said about what is needed.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// It is not known all that a root refers to; the first value is its place, which is told as a number from 1.
    #[error("root {number}: {1}", number = .0 + 1)]
    Root(usize, #[source] RootError),
    /// The store failed, or the caller asked to stop.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// IDs that are needed.
#[derive(Debug, Default)]
pub struct Marks {
    ids: HashSet<C4Id>,
    /// What was followed, and whether all that it refers to may be missing.
    followed: HashMap<(C4Id, Reading), bool>,
    /// What was read and is no text.
    no_texts: HashSet<C4Id>,
    /// What is counted as unresolved.
    missing: HashSet<C4Id>,
    /// What is still to be read, and whether it may be missing.
    pending: Vec<(Needed, bool)>,
    /// Files without an ID: what they hold is not marked.
    pub unidentified: u64,
    /// Lists and bases that manifests among the files refer to, and that the store does not have.
    pub unresolved: Listed<C4Id>,
}

impl Marks {
    /// Marks what roots refer to.
    pub fn of(root: &Path, roots: &[Root], progress: &ScanProgress) -> Result<Self, MarkError> {
        let mut marks = Self::default();
        for (place, given) in roots.iter().enumerate() {
            marks.add(root, given, progress).map_err(|error| match error {
                Failure::Root(error) => MarkError::Root(place, error),
                Failure::Cancelled => CheckError::Cancelled.into(),
            })?;
        }
        Ok(marks)
    }

    /// Whether an ID is needed.
    pub fn contains(&self, id: &C4Id) -> bool {
        self.ids.contains(id)
    }

    /// How many IDs are needed.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none is needed.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn add(&mut self, root: &Path, given: &Root, progress: &ScanProgress) -> Result<(), Failure> {
        match given {
            Root::Manifest(manifest) => {
                self.mark_manifest(manifest, false);
                self.mark_texts_of(manifest);
            }
            Root::Text(text) => self.mark_whole(text, false)?,
            Root::Path(path) => self.mark_whole(&read_file(path).map_err(RootError::Io)?, false)?,
            Root::Id(id) => self.need(*id, Kind::Object, false),
        }
        while let Some((needed, may_be_missing)) = self.pending.pop() {
            if progress.is_cancelled() {
                return Err(Failure::Cancelled);
            }
            match self.follow(root, needed, may_be_missing, progress) {
                Err(Failure::Root(RootError::Missing(_) | RootError::NotAText(_))) if may_be_missing => {
                    self.followed.entry((needed.id, needed.kind.reading())).or_insert(true);
                    if self.missing.insert(needed.id) {
                        self.unresolved.push(needed.id);
                    }
                }
                result => result?,
            }
            ScanProgress::add(&progress.entries, 1);
        }
        Ok(())
    }

    /// Reads what is needed from the store, and marks what it refers to.
    fn follow(
        &mut self,
        root: &Path,
        needed: Needed,
        may_be_missing: bool,
        progress: &ScanProgress,
    ) -> Result<(), Failure> {
        let reading = needed.kind.reading();
        let key = (needed.id, reading);
        if self.followed.get(&key).is_some_and(|was_lenient| may_be_missing || !was_lenient) {
            return Ok(());
        }
        let must_be_text = match needed.kind {
            Kind::Base | Kind::Sequence => true,
            Kind::Directory { is_listed } => !is_listed,
            Kind::Object | Kind::File | Kind::Target => false,
        };
        let text = if self.no_texts.contains(&needed.id) { Content::Other } else { read_text(root, needed, progress)? };
        let text = match text {
            Content::Text(text) => text,
            Content::Missing if must_be_text || needed.kind == Kind::Object => {
                return Err(RootError::Missing(needed).into());
            }
            Content::Missing => return Ok(()),
            Content::Other => return self.not_a_text(needed, must_be_text),
        };
        if reading == Reading::List {
            let Some(members) = ids_of_list(&text) else { return Err(RootError::NotAText(needed).into()) };
            self.ids.extend(members);
            self.followed.insert(key, may_be_missing);
            return Ok(());
        }
        // What a manifest among the files refers to may be in another store, or nowhere.
        let may_be_missing = may_be_missing || needed.kind == Kind::File || needed.kind == Kind::Target;
        let marked = match reading {
            Reading::Manifest => self.mark_whole(&text, may_be_missing),
            Reading::Entries | Reading::List => self.mark_text(&text, may_be_missing),
        };
        match marked {
            Err(Failure::Root(RootError::Parse(_))) => self.not_a_text(needed, must_be_text),
            result => {
                self.followed.insert(key, may_be_missing);
                result
            }
        }
    }

    fn not_a_text(&mut self, needed: Needed, must_be_text: bool) -> Result<(), Failure> {
        // Only the first lines of what a link leads to were looked at.
        if needed.kind != Kind::Target {
            self.no_texts.insert(needed.id);
        }
        if must_be_text { Err(RootError::NotAText(needed).into()) } else { Ok(()) }
    }

    /// Marks a text, all that it refers to, and the other texts of the manifest that it is.
    fn mark_whole(&mut self, text: &[u8], may_be_missing: bool) -> Result<(), Failure> {
        self.mark_text(text, may_be_missing)?;
        self.ids.insert(C4Id::of(text));
        self.mark_texts_of(&decode(text).map_err(RootError::Parse)?);
        Ok(())
    }

    /// Marks the texts that a manifest is stored as; one that cannot be written is not in a store. Of a chain these are
    /// of the last state: what the others are known by stands between the sections.
    fn mark_texts_of(&mut self, manifest: &Manifest) {
        self.ids.extend(manifest.compute_id().ok());
        self.ids.extend(encode(manifest).ok().map(|text| C4Id::of(&text)));
    }

    /// Marks all that a text refers to. Of a chain that is every state, of twins every one.
    fn mark_text(&mut self, text: &[u8], may_be_missing: bool) -> Result<(), Failure> {
        let (sections, manifest) = decode_sections(text).map_err(RootError::Parse)?;
        for section in &sections {
            self.ids.extend(section.boundary);
            let rows = 0..section.rows.len() as RowId;
            self.mark_rows(&section.rows, rows, &manifest, may_be_missing);
        }
        self.mark_lists(&manifest, may_be_missing);
        Ok(())
    }

    fn mark_manifest(&mut self, manifest: &Manifest, may_be_missing: bool) {
        self.mark_rows(manifest.rows(), manifest.iter(), manifest, may_be_missing);
        for section in manifest.sections() {
            self.ids.extend(section.boundary);
            let rows = 0..section.rows.len() as RowId;
            self.mark_rows(&section.rows, rows, manifest, may_be_missing);
        }
        self.mark_lists(manifest, may_be_missing);
    }

    /// Marks the base of a manifest and the members of its sequences.
    fn mark_lists(&mut self, manifest: &Manifest, may_be_missing: bool) {
        if let Some(base) = manifest.base {
            self.need(base, Kind::Base, may_be_missing);
        }
        for (id, members) in manifest.range_data() {
            self.ids.insert(*id);
            self.ids.extend(members);
        }
    }

    fn mark_rows(
        &mut self,
        rows: &Rows,
        order: impl Iterator<Item = RowId>,
        manifest: &Manifest,
        may_be_missing: bool,
    ) {
        let mut order = order.peekable();
        while let Some(number) = order.next() {
            let row = rows.get(number);
            let is_listed = order.peek().is_some_and(|next| u64::from(rows.depth(*next)) == u64::from(row.depth) + 1);
            self.mark_row(&row, is_listed, manifest, may_be_missing);
        }
    }

    fn mark_row(&mut self, row: &Row<'_>, is_listed: bool, manifest: &Manifest, may_be_missing: bool) {
        let is_file = !row.is_dir() && (row.mode.is_null() || row.mode.is_regular());
        if row.id.is_nil() {
            self.unidentified += u64::from(is_file && row.size != 0);
            return;
        }
        let names_manifest = row.name.ends_with(b".c4m") && is_file;
        if row.is_dir() {
            self.need(*row.id, Kind::Directory { is_listed }, may_be_missing);
        } else if row.is_sequence {
            match manifest.range_data().get(row.id) {
                None => self.need(*row.id, Kind::Sequence, may_be_missing),
                Some(members) if names_manifest => {
                    for member in members {
                        self.need(*member, Kind::File, may_be_missing);
                    }
                }
                Some(_) => {}
            }
        } else if names_manifest {
            self.need(*row.id, Kind::File, may_be_missing);
        } else if row.is_symlink() {
            self.need(*row.id, Kind::Target, may_be_missing);
        }
        self.ids.insert(*row.id);
    }

    /// Marks an ID whose content refers to others.
    fn need(&mut self, id: C4Id, kind: Kind, may_be_missing: bool) {
        self.ids.insert(id);
        // Nothing, as the text of an empty directory, refers to nothing.
        if id != C4Id::of(b"") || kind == Kind::Object {
            self.pending.push((Needed { id, kind }, may_be_missing));
        }
    }
}

/// Why a root is not marked.
enum Failure {
    Root(RootError),
    Cancelled,
}

impl From<RootError> for Failure {
    fn from(error: RootError) -> Self {
        Self::Root(error)
    }
}

/// What a store has under an ID.
enum Content {
    Missing,
    /// Something that is no text.
    Other,
    Text(Vec<u8>),
}

/// Reads a text from a store.
///
/// Content is held only as long as all of its lines parse. Whether it is a text is said of what its ID names: it is
/// hashed to its end, but for what links lead to, of which only the first lines are looked at when those are none.
fn read_text(root: &Path, needed: Needed, progress: &ScanProgress) -> Result<Content, Failure> {
    let unreadable = |error| RootError::Unreadable(needed, error);
    let mut file = loop {
        let Some(path) = locate(root, &needed.id).map_err(unreadable)? else { return Ok(Content::Missing) };
        match open(&root.join(path)) {
            Ok(file) => break file.map_err(|_| RootError::NotRegular(needed))?,
            // It has moved down, or is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(error).into()),
        }
    };
    let mut hasher = c4_sha512::Sha512::new();
    let mut lines = Some(Lines::of(true));
    let mut text = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        if progress.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error).into()),
        };
        let bytes = &buffer[..count];
        hasher.update(bytes);
        if let Some(checked) = &mut lines {
            if checked.accept(bytes) {
                text.extend_from_slice(bytes);
            } else if needed.kind == Kind::Target {
                return Ok(Content::Other);
            } else {
                (lines, text) = (None, Vec::new());
            }
        }
    }
    let actual = C4Id(hasher.finalize());
    if actual != needed.id {
        return Err(RootError::Corrupt(needed, Box::new(actual)).into());
    }
    Ok(if lines.is_some_and(Lines::accept_end) { Content::Text(text) } else { Content::Other })
}

/// Reads the file of a root; a link is followed, and what could block is not read.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

/// The IDs of a list, one after the other.
fn ids_of_list(text: &[u8]) -> Option<Vec<C4Id>> {
    text.chunks(ID_TEXT_BYTES).map(|id| C4Id::parse(id).ok()).collect()
}

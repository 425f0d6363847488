//! The patch from one manifest to another.

use super::check_directories;
use crate::C4Id;
use crate::c4m::{EncodeError, Manifest, NULL_SIZE, Orphans, Preorder, Row, Timestamp, Zone, encode, encode_pretty};
use crate::diff::{Step, compare};

/// The patch that turns one manifest into another, as text: the ID of the old one, then the entries that changed, each
/// below the directories that lead to it. An entry of the new manifest is added or replaces the old; an old entry as it
/// was removes it, with all below it. Nothing but the ID when no line differs.
///
/// A directory whose own line is the same while something below it changed cannot be named: its line would remove it. The
/// reference writes that line all the same and loses the directory. Here such a patch has two sections. The first names
/// the directory with another line (no time, no ID, and a size that is neither the old nor the new one) and makes the
/// changes below it; the second gives it its line. Where that is longer, the first removes the directory and the second
/// adds it as it is in the new manifest. Both are ordinary sections to any reader.
///
/// Entries that have no parent, and ID lists of sequences, are not part of a patch (as in the reference). A manifest that
/// was filtered without its directories has no patch.
///
/// ```
/// use c4::{c4m, patch};
/// let old = c4m::decode(b"- - 1 a -\n- - 2 b -\n").unwrap();
/// let new = c4m::decode(b"- - 1 a -\n- - 3 c -\n").unwrap();
/// let text = String::from_utf8(patch::patch_diff(&old, &new).unwrap()).unwrap();
/// assert_eq!(text, format!("{}\n- - 2 b -\n- - 3 c -\n", old.compute_id().unwrap()));
/// ```
pub fn patch_diff(old: &Manifest, new: &Manifest) -> Result<Vec<u8>, EncodeError> {
    patch_diff_as(old, new, PatchForm::default())
}

/// How a patch is written.
#[derive(Clone, Copy, Default)]
pub struct PatchForm<'z> {
    /// The zone of the dates, where the entries are written in the pretty form.
    pub pretty: Option<&'z Zone>,
    /// Whether the ID of the new manifest is the last line, and a patch without entries no text at all.
    pub is_closed: bool,
}

/// The patch from one manifest to another, as [`patch_diff`] gives it, in another form.
pub fn patch_diff_as(old: &Manifest, new: &Manifest, form: PatchForm<'_>) -> Result<Vec<u8>, EncodeError> {
    let encode = |section: &Manifest| match form.pretty {
        Some(zone) => encode_pretty(section, zone),
        None => encode(section),
    };
    check_directories(old)?;
    check_directories(new)?;
    let (a, b) = Preorder::of_two(old, new, Orphans::LeftOut);
    let mut changes = Changes::new(&a, &b);
    compare(&a, &b, |step| changes.take(step));
    let mut lines = changes.lines;
    if lines.is_empty() && form.is_closed {
        return Ok(Vec::new());
    }
    let mut text = boundary(old.compute_id()?);
    if lines.iter().any(|line| line.kind == Kind::Unchanged) {
        choose_replaced(&mut lines, &b);
        let first = section(&a, &b, &lines, false);
        let between = state_between(&a, &b, &lines);
        text.extend(encode(&first)?);
        text.extend(boundary(between.compute_id()?));
        text.extend(encode(&section(&a, &b, &lines, true))?);
    } else {
        text.extend(encode(&section(&a, &b, &lines, false))?);
    }
    if form.is_closed {
        text.extend(boundary(new.compute_id()?));
    }
    Ok(text)
}

fn boundary(id: C4Id) -> Vec<u8> {
    format!("{id}\n").into_bytes()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The entry goes, with all below it; at a position of the old walk.
    Removed,
    /// The entry comes; at a position of the new walk, as for all that follow.
    Added,
    /// The entry's line differs.
    Modified,
    /// A directory whose line is the same, named for what is below it.
    Unchanged,
    /// An unchanged directory that is removed first and then added whole.
    Replaced,
    /// A line below a replaced directory, which is not written.
    Covered,
}

/// A line of the patch.
#[derive(Clone, Copy)]
struct Line {
    kind: Kind,
    at: usize,
    /// Position in the old walk, of what is in both.
    old_at: usize,
    depth: u32,
    /// Whether the line is written in both sections: first another one in its place, then its own.
    twice: bool,
}

/// The lines of a patch, as they come up in canonical order.
struct Changes<'w, 'm> {
    a: &'w Preorder<'m>,
    b: &'w Preorder<'m>,
    lines: Vec<Line>,
    /// The directories that lead to the place: position in both walks, and the line that names it.
    path: Vec<(usize, usize, Option<usize>)>,
}

impl<'w, 'm> Changes<'w, 'm> {
    fn new(a: &'w Preorder<'m>, b: &'w Preorder<'m>) -> Self {
        Self { a, b, lines: Vec::new(), path: Vec::new() }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Same { a, b, count } => self.pass(a, b, count),
            Step::Both { a, b } => {
                let depth = self.b.depth(b);
                self.name_path(depth);
                self.push(Kind::Modified, b, a, depth);
                if self.b.is_dir(b) {
                    self.path.push((a, b, Some(self.lines.len() - 1)));
                }
            }
            // What was below a directory that is a file now is gone without a line.
            Step::OnlyA { from, .. } if !self.is_below_file(from) => {
                let depth = self.a.depth(from);
                self.name_path(depth);
                self.push(Kind::Removed, from, from, depth);
            }
            Step::OnlyA { .. } => {}
            Step::OnlyB { from, to } => {
                self.name_path(self.b.depth(from));
                for at in from..to {
                    self.push(Kind::Added, at, usize::MAX, self.b.depth(at));
                }
            }
        }
    }

    /// Whether the last line turned the directory around an entry of the old walk into something else.
    fn is_below_file(&self, at: usize) -> bool {
        self.lines.last().is_some_and(|line| {
            line.kind == Kind::Modified
                && self.a.is_dir(line.old_at)
                && !self.b.is_dir(line.at)
                && at < self.a.end_of(line.old_at)
        })
    }

    fn push(&mut self, kind: Kind, at: usize, old_at: usize, depth: u32) {
        self.lines.push(Line { kind, at, old_at, depth, twice: false });
    }

    /// Opens the directories that a run of equal lines ends in.
    fn pass(&mut self, a: usize, b: usize, count: usize) {
        self.path.truncate(self.b.depth(b) as usize);
        let last = b + count - 1;
        let mut wanted = self.b.depth(last) + u32::from(self.b.is_dir(last));
        let mut opened = Vec::new();
        for next in (0..count).rev() {
            if wanted == 0 {
                break;
            }
            if self.b.depth(b + next) + 1 == wanted {
                opened.push((a + next, b + next, None));
                wanted -= 1;
            }
        }
        self.path.truncate(wanted as usize);
        self.path.extend(opened.into_iter().rev());
    }

    /// Names the directories above a depth that no line names yet. To be named in the second section as well, those above
    /// such a directory must differ there from their last line too.
    fn name_path(&mut self, depth: u32) {
        self.path.truncate(depth as usize);
        if self.path.iter().all(|(.., line)| line.is_some()) {
            return;
        }
        for at in 0..self.path.len() {
            let (a, b, line) = self.path[at];
            let line = line.unwrap_or_else(|| {
                self.push(Kind::Unchanged, b, a, at as u32);
                self.lines.len() - 1
            });
            self.path[at].2 = Some(line);
            self.lines[line].twice = true;
        }
    }
}

/// Decides for each topmost unchanged directory what is shorter: to name it twice, or to remove it and add it.
fn choose_replaced(lines: &mut [Line], b: &Preorder<'_>) {
    let mut at = 0;
    while at < lines.len() {
        let Line { kind, depth, at: position, .. } = lines[at];
        if kind != Kind::Unchanged {
            at += 1;
            continue;
        }
        let end = lines[at + 1..].iter().position(|line| line.depth <= depth).map_or(lines.len(), |next| at + 1 + next);
        let named_twice = (end - at) + lines[at..end].iter().filter(|line| line.twice).count();
        if 1 + b.end_of(position) - position < named_twice {
            lines[at].kind = Kind::Replaced;
            lines[at + 1..end].iter_mut().for_each(|line| line.kind = Kind::Covered);
        }
        at = end;
    }
}

/// The entries of the first or the second section.
fn section(a: &Preorder<'_>, b: &Preorder<'_>, lines: &[Line], second: bool) -> Manifest {
    let mut manifest = Manifest::default();
    for line in lines {
        let row = match line.kind {
            Kind::Covered => continue,
            Kind::Replaced if second => {
                for at in line.at..b.end_of(line.at) {
                    manifest.push(&Row { depth: b.depth(at), ..b.row(at) });
                }
                continue;
            }
            Kind::Replaced => b.row(line.at),
            _ if second && !line.twice => continue,
            Kind::Removed => a.row(line.at),
            _ if line.twice && !second => other_line(&a.row(line.old_at), &b.row(line.at)),
            _ => b.row(line.at),
        };
        manifest.push(&Row { depth: line.depth, ..row });
    }
    manifest
}

/// A directory's line that is neither the old nor the new one.
fn other_line<'r>(old: &Row<'r>, new: &Row<'r>) -> Row<'r> {
    let blank = Row { time: Timestamp::NULL, id: &C4Id::NIL, link: None, ..*new };
    [NULL_SIZE, 0, 1]
        .map(|size| Row { size, ..blank })
        .into_iter()
        .find(|row| !row.same_line(old) && !row.same_line(new))
        .unwrap_or(blank)
}

/// What the first section leaves, without entries that have no parent.
fn state_between(a: &Preorder<'_>, b: &Preorder<'_>, lines: &[Line]) -> Manifest {
    let mut state = Manifest::default();
    let written_again = |line: &&Line| line.twice && line.kind != Kind::Covered;
    let mut twice = lines.iter().filter(written_again).peekable();
    let mut at = 0;
    while at < b.len() {
        let row = Row { depth: b.depth(at), ..b.row(at) };
        match twice.next_if(|line| line.at == at) {
            Some(line) if line.kind == Kind::Replaced => {
                at = b.end_of(at);
                continue;
            }
            Some(line) => state.push(&Row { depth: row.depth, ..other_line(&a.row(line.old_at), &row) }),
            None => state.push(&row),
        };
        at += 1;
    }
    state
}

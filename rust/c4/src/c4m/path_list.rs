//! Lists of paths, as `find` prints them and `xargs` reads them: a manifest as one, and one as a manifest.
//!
//! A path is the bytes of the names that lead to an entry with a slash after each directory, that of the entry itself too:
//! no escapes and no safe names. Each ends with a line feed, or with NUL: a name may hold the one and never the other.
//! Of what a list names nothing but names is known.
//!
//! A list is taken as it is: `.`, `..` and empty components become entries of those names, which the validator reports
//! and nothing that touches a file system accepts.

use std::cmp::Ordering;
use std::convert::Infallible;

use super::entry::{Entry, Row};
use super::from_paths::PathTree;
use super::manifest::Manifest;
use super::outline::{Orphans, is_plain_directory};
use super::rows::{RowId, Rows};

/// What stands after each path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathEnd {
    /// A line feed. White space around a path is not part of it, and blank lines are no paths.
    Line,
    /// NUL. Everything before it is the path.
    Nul,
}

impl PathEnd {
    fn byte(self) -> u8 {
        match self {
            Self::Line => b'\n',
            Self::Nul => 0,
        }
    }
}

/// A path with a NUL, which no list of paths that end in NUL can hold: it would be read as two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name holds NUL: {}", String::from_utf8_lossy(.0).escape_debug())]
pub struct NulInPath(pub Vec<u8>);

/// Reads a list of paths.
///
/// A path that ends in a slash is a directory, and so is one that another leads through. A path that is there twice is
/// one entry. Entries are in the order in which they are first named, members of a directory together.
///
/// ```
/// use c4::c4m::{PathEnd, decode_paths, encode};
///
/// let manifest = decode_paths(b"shots/a.exr\nnotes.txt\n", PathEnd::Line);
/// assert_eq!(encode(&manifest).unwrap(), b"- - - notes.txt -\n- - - shots/ -\n  - - - a.exr -\n");
/// ```
pub fn decode_paths(text: &[u8], end: PathEnd) -> Manifest {
    let mut tree = PathTree::default();
    let mut is_dir: Vec<bool> = Vec::new();
    for item in text.split(|byte| *byte == end.byte()) {
        let path = if end == PathEnd::Line { trimmed(item) } else { item };
        if path.is_empty() {
            continue;
        }
        let bare = path.strip_suffix(b"/");
        let node = tree.add(bare.unwrap_or(path), 0) as usize;
        is_dir.resize(tree.len(), false);
        is_dir[node] |= bare.is_some();
    }
    let mut rows = Rows::default();
    rows.reserve(tree.len(), 0);
    let unknown = Entry::new(Vec::new());
    let mut name = Vec::new();
    let Ok(()) = tree.walk(|number, node, depth| {
        node.write_name(is_dir[number as usize], &mut name);
        rows.push(&Row { name: &name, depth, ..unknown.as_row() });
        Ok::<_, Infallible>(())
    });
    Manifest::from(rows)
}

/// A line without the white space around it, as the reference takes it: what Unicode calls so, where the line is text.
fn trimmed(line: &[u8]) -> &[u8] {
    match std::str::from_utf8(line) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => line.trim_ascii(),
    }
}

/// The paths of a manifest in the order of their bytes, written block by block: a deep tree has more bytes of paths than of names.
#[derive(Debug)]
pub struct PathWriter {
    rows: Vec<RowId>,
    depths: Vec<u32>,
    /// Rows that are written.
    done: usize,
    path: Vec<u8>,
    /// Where the paths of the open directories end, from the top.
    ends: Vec<usize>,
}

impl PathWriter {
    /// All paths of a manifest. Entries whose directories are not there come last, with the paths that are known of them.
    pub fn new(manifest: &Manifest) -> Self {
        // Of paths that are sorted those below a directory stand together, so that its members can be sorted alone.
        let compare = |a, b| path_cmp(manifest.rows(), a, b);
        let (rows, depths) = manifest.outline().preorder_by(manifest, Orphans::AtEnd, compare);
        Self { rows, depths, done: 0, path: Vec::new(), ends: Vec::new() }
    }

    /// The next paths, at least so many bytes of them as long as there are more; nothing at the end. The manifest is the
    /// one that the writer was made of, unchanged.
    pub fn next_block(&mut self, manifest: &Manifest, end: PathEnd, at_least: usize) -> Result<Vec<u8>, NulInPath> {
        let mut block = Vec::new();
        while block.len() < at_least && self.done < self.rows.len() {
            self.step(manifest);
            if end == PathEnd::Nul && memchr::memchr(0, &self.path).is_some() {
                return Err(NulInPath(self.path.clone()));
            }
            block.extend_from_slice(&self.path);
            block.push(end.byte());
        }
        Ok(block)
    }

    /// Count of all paths.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    fn step(&mut self, manifest: &Manifest) {
        let (row, depth) = (self.rows[self.done], self.depths[self.done] as usize);
        self.done += 1;
        self.ends.truncate(depth);
        self.path.truncate(self.ends.last().copied().unwrap_or(0));
        let rows = manifest.rows();
        self.path.extend_from_slice(manifest.detached_path(row).unwrap_or_else(|| rows.name(row)));
        if rows.is_dir(row) && !self.path.ends_with(b"/") {
            self.path.push(b'/');
        }
        self.ends.push(self.path.len());
    }
}

/// The order of the paths of siblings, which is that of their names with the slash of a directory.
fn path_cmp(rows: &Rows, a: RowId, b: RowId) -> Ordering {
    let slash = |row| if is_plain_directory(rows, row) { "/" } else { "" }.as_bytes();
    match (slash(a), slash(b)) {
        (b"", b"") => rows.name(a).cmp(rows.name(b)),
        (slash_a, slash_b) => rows.name(a).iter().chain(slash_a).cmp(rows.name(b).iter().chain(slash_b)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Mode, decode, encode};
    use super::*;

    fn made(text: &str) -> String {
        String::from_utf8_lossy(&encode(&decode_paths(text.as_bytes(), PathEnd::Line)).unwrap()).into_owned()
    }

    fn written(manifest: &Manifest, end: PathEnd, at_least: usize) -> Vec<u8> {
        let mut writer = PathWriter::new(manifest);
        let mut text = Vec::new();
        loop {
            let block = writer.next_block(manifest, end, at_least).unwrap();
            if block.is_empty() {
                return text;
            }
            text.extend_from_slice(&block);
        }
    }

    #[test]
    fn what_find_prints_is_a_tree() {
        assert_eq!(made("a\na/b\na/b/c\nd\n"), "- - - d -\n- - - a/ -\n  - - - b/ -\n    - - - c -\n");
    }

    #[test]
    fn a_path_that_is_there_twice_is_one_entry() {
        assert_eq!(made("a/b\na/b\na/\na"), "- - - a/ -\n  - - - b -\n");
        assert_eq!(made("x\nx/\nx"), "- - - x/ -\n");
    }

    #[test]
    fn components_that_are_no_names_are_kept_as_they_are() {
        let text = made("../../etc/passwd\n/abs\na//b\n.\n");
        let manifest = decode(text.as_bytes()).unwrap();
        assert_eq!(encode(&manifest).unwrap(), text.as_bytes());
        assert_eq!(
            written(&manifest, PathEnd::Line, 1),
            b".\n../\n../../\n../../etc/\n../../etc/passwd\n/\n/abs\na/\na//\na//b\n"
        );
    }

    #[test]
    fn white_space_around_lines_is_left_out_and_kept_before_nul() {
        assert_eq!(made(" a \r\n\u{a0}b\u{2003}\n\t\n"), "- - - a -\n- - - b -\n");
        let manifest = decode_paths(b" a\r\n\0\xff b \0\0", PathEnd::Nul);
        assert_eq!(written(&manifest, PathEnd::Nul, 1), b" a\r\n\0\xff b \0");
        assert_eq!(written(&decode_paths(b" \xff \n", PathEnd::Line), PathEnd::Line, 1), b"\xff\n");
    }

    #[test]
    fn depth_takes_no_recursion_and_no_more_than_a_block() {
        let deep = "d/".repeat(100_000);
        let manifest = decode_paths(deep.as_bytes(), PathEnd::Line);
        assert_eq!(manifest.len(), 100_000);
        let mut writer = PathWriter::new(&manifest);
        assert_eq!(writer.next_block(&manifest, PathEnd::Line, 5).unwrap(), b"d/\nd/d/\n");
    }

    #[test]
    fn a_name_with_nul_is_no_two_paths() {
        let manifest: Manifest = [Entry::new("a\0/etc/passwd")].into_iter().collect();
        let mut writer = PathWriter::new(&manifest);
        let error = writer.next_block(&manifest, PathEnd::Nul, 1).unwrap_err();
        assert_eq!(error.to_string(), "a name holds NUL: a\\0/etc/passwd");
        assert_eq!(written(&manifest, PathEnd::Line, 1), b"a\0/etc/passwd\n");
    }

    #[test]
    fn a_directory_by_its_mode_alone_has_its_slash() {
        let entry = |name: &str, depth, mode| Entry { depth, mode: Mode::from_bits(mode), ..Entry::new(name) };
        let manifest: Manifest = [entry("d", 0, 0o040_755), entry("x", 1, 0)].into_iter().collect();
        assert_eq!(written(&manifest, PathEnd::Line, 1), b"d/\nd/x\n");
    }

    #[test]
    fn paths_whose_directories_are_missing_are_whole() {
        let entry = |name: &str, depth| Entry { depth, ..Entry::new(name) };
        let mut manifest: Manifest =
            [entry("lost", 3), entry("a/", 0), entry("b/", 1), entry("c", 2), entry("kept", 1)].into_iter().collect();
        manifest.set_detached_path(4, b"elsewhere/kept".to_vec());
        assert_eq!(written(&manifest, PathEnd::Line, 1), b"a/\na/b/\na/b/c\nlost\nelsewhere/kept\n");
    }

    proptest! {
        #[test]
        fn a_list_becomes_a_manifest_and_the_same_list(
            paths in proptest::collection::btree_set("[ab\u{e9}]{1,2}(/[ab \n]{1,2}){0,3}/?", 0..30),
            block in 1..40_usize,
        ) {
            let mut list: Vec<u8> = Vec::new();
            for path in &paths {
                list.extend_from_slice(path.as_bytes());
                list.push(0);
            }
            let manifest = decode_paths(&list, PathEnd::Nul);
            let text = written(&manifest, PathEnd::Nul, block);
            let again = decode_paths(&text, PathEnd::Nul);
            prop_assert_eq!(encode(&again).unwrap(), encode(&manifest).unwrap());
            prop_assert_eq!(written(&again, PathEnd::Nul, block), text.clone());
            let written: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
            for path in &paths {
                let bare = path.trim_end_matches('/');
                let slashed = format!("{bare}/");
                prop_assert!(written.contains(&bare.as_bytes()) || written.contains(&slashed.as_bytes()));
            }
        }

        #[test]
        fn written_paths_are_those_of_the_outline_in_order(
            entries in proptest::collection::vec(("[ab.]{1,2}/?|[ab.]m", 0..5_u32), 0..40),
        ) {
            // A directory by its mode alone has no sibling of its path.
            let entry = |(name, depth): (String, u32)| Entry {
                depth,
                mode: if name.ends_with('m') { Mode::from_bits(0o040_755) } else { Mode::NULL },
                ..Entry::new(name)
            };
            let manifest: Manifest = entries.into_iter().map(entry).collect();
            let text = written(&manifest, PathEnd::Line, 16);
            let written: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|path| !path.is_empty()).collect();
            let (mut whole, mut orphans) = (Vec::new(), 0);
            for row in manifest.canonical_order().iter() {
                let outline = manifest.outline();
                let mut above = Some(row as usize);
                let is_below_orphan = std::iter::from_fn(|| {
                    let place = above?;
                    above = outline.parent(place);
                    Some(outline.is_orphan(place))
                });
                if is_below_orphan.into_iter().any(|is_orphan| is_orphan) {
                    orphans += 1;
                    continue;
                }
                let mut path = outline.path(&manifest, row as usize);
                if manifest.rows().is_dir(row) && !path.ends_with(b"/") {
                    path.push(b'/');
                }
                whole.push(path);
            }
            whole.sort();
            prop_assert_eq!(written.len(), whole.len() + orphans);
            prop_assert_eq!(&written[..whole.len()], &whole[..]);
        }
    }
}

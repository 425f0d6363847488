//! Manifests as sets: what is in both, in one alone, in either.
//!
//! By ID, files are the same when their content is, wherever they are, and a file without an ID is like no other; by
//! path, when their paths agree, whatever they hold. A file here is what is no directory: links and special files count.
//! Directories are listed as far as they lead to what is kept. One whose listing is not that of the manifest it comes
//! from has neither ID nor size, for those would be of something else.

use std::collections::HashSet;

use crate::C4Id;
use crate::c4m::{Hierarchy, Listing, Manifest, Mode, NULL_SIZE, Node, Row, Siblings, Timestamp, Visitor, walk};

/// What makes files of two manifests the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MatchBy {
    /// Their content.
    Id,
    /// Their path.
    Path,
}

/// The files of `b` that are in `a` as well, as `c4 intersect` gives them: of directories only the names.
pub fn intersect(a: &Manifest, b: &Manifest, by: MatchBy) -> Manifest {
    match by {
        MatchBy::Id => {
            let ids = file_ids(a);
            select([b], |[node]| file(node).is_some_and(|row| ids.contains(row.id)), |name, _| bare_directory(name))
        }
        MatchBy::Path => {
            let in_both = |[of_b, of_a]: &[Node<'_>; 2]| file(of_b).is_some() && file(of_a).is_some();
            select([b, a], in_both, |name, _| bare_directory(name))
        }
    }
}

/// What is in `a` and not in `b`: by ID its files, by path its files and its directories.
pub fn difference(a: &Manifest, b: &Manifest, by: MatchBy) -> Manifest {
    match by {
        MatchBy::Id => {
            let ids = file_ids(b);
            select([a], |[node]| file(node).is_some_and(|row| !ids.contains(row.id)), own_directory)
        }
        MatchBy::Path => select([a, b], |[of_a, of_b]| of_a.row().is_some() && of_b.is_absent(), own_directory),
    }
}

/// Every path of `a` and `b`; the entry of `a` where both have one.
pub fn union(a: &Manifest, b: &Manifest) -> Manifest {
    let mut union = Union { listing: Listing::default(), in_a: Vec::new() };
    walk(&[a, b].map(Hierarchy::new), &mut union);
    union.listing.finish(&[a, b])
}

/// The entry, if it is one of a file.
fn file<'m>(node: &Node<'m>) -> Option<Row<'m>> {
    node.row().filter(|row| !row.is_dir())
}

fn file_ids(manifest: &Manifest) -> HashSet<&C4Id> {
    let rows = manifest.rows();
    manifest.iter().filter(|row| !rows.is_dir(*row)).map(|row| rows.id(row)).filter(|id| !id.is_nil()).collect()
}

/// A directory of which only the name is known.
fn bare_directory(name: &[u8]) -> Row<'_> {
    Row {
        name,
        // What has no slash is a directory by its mode alone.
        mode: if name.ends_with(b"/") { Mode::NULL } else { Mode::from_bits(0o040_000) },
        time: Timestamp::NULL,
        size: NULL_SIZE,
        id: &C4Id::NIL,
        depth: 0,
        link: None,
        is_sequence: false,
    }
}

fn own_directory<'m>(name: &'m [u8], row: Option<Row<'m>>) -> Row<'m> {
    row.unwrap_or(bare_directory(name))
}

/// Entries of the first manifest that a rule keeps, and the directories above them.
fn select<'m, const N: usize>(
    manifests: [&'m Manifest; N],
    rule: impl Fn(&[Node<'m>; N]) -> bool,
    directory: impl Fn(&'m [u8], Option<Row<'m>>) -> Row<'m>,
) -> Manifest {
    let mut selection = Selection { listing: Listing::default(), rule, directory };
    walk(&manifests.map(Hierarchy::new), &mut selection);
    selection.listing.finish(&manifests[..1])
}

struct Selection<'m, K, D> {
    listing: Listing<'m>,
    rule: K,
    directory: D,
}

impl<'m, const N: usize, K, D> Visitor<'m, N> for Selection<'m, K, D>
where
    K: Fn(&[Node<'m>; N]) -> bool,
    D: Fn(&'m [u8], Option<Row<'m>>) -> Row<'m>,
{
    fn enter(&mut self, name: &'m [u8], nodes: [Node<'m>; N], _: &Siblings<'_, 'm, N>) {
        let is_kept = (self.rule)(&nodes);
        let row = nodes[0].row();
        self.listing.enter(match row {
            Some(row) if is_kept => row,
            _ => (self.directory)(name, row),
        });
        if is_kept {
            self.listing.keep();
        }
    }

    fn leave(&mut self) {
        if !self.listing.is_kept() {
            self.listing.mark_partial();
        }
        self.listing.leave();
    }
}

struct Union<'m> {
    listing: Listing<'m>,
    /// Whether each open entry is in the first manifest.
    in_a: Vec<bool>,
}

impl<'m> Visitor<'m, 2> for Union<'m> {
    fn enter(&mut self, name: &'m [u8], nodes: [Node<'m>; 2], _: &Siblings<'_, 'm, 2>) {
        let [of_a, of_b] = nodes.map(|node| node.row());
        // Of a file and a directory of one name the directory stays: there is something in it.
        let row = of_a.filter(|row| row.is_dir() || !of_b.is_some_and(|row| row.is_dir())).or(of_b);
        self.listing.enter(own_directory(name, row));
        if row.is_some() {
            self.listing.keep();
        }
        let in_a = !nodes[0].is_absent();
        if !in_a && self.in_a.last() == Some(&true) {
            self.listing.mark_partial();
        }
        self.in_a.push(in_a);
    }

    fn leave(&mut self) {
        self.in_a.pop();
        self.listing.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c4m::{decode, encode};

    /// Writes IDs as `#1`, `#2`, ...
    fn read(text: &str) -> Manifest {
        let text =
            (1..=9_u8).fold(text.to_owned(), |text, n| text.replace(&format!("#{n}"), &C4Id::of(&[n]).to_string()));
        decode(text.as_bytes()).unwrap()
    }

    fn write(manifest: &Manifest) -> String {
        let text = String::from_utf8(encode(manifest).unwrap()).unwrap();
        (1..=9_u8).fold(text, |text, n| text.replace(&C4Id::of(&[n]).to_string(), &format!("#{n}")))
    }

    #[test]
    fn a_directory_that_is_not_listed_whole_has_no_id_and_no_size() {
        let a = read("- - 1 x #1\n- - 9 d/ #9\n  - - 1 y #2\n  - - 5 e/ #8\n    - - 1 z #3\n");
        let b = read("- - 9 d/ #7\n  - - 2 y #4\n- - 2 w #3\n");
        assert_eq!(write(&difference(&a, &b, MatchBy::Id)), "- - 1 x #1\n- - - d/ -\n  - - 1 y #2\n");
        let by_path = "- - 1 x #1\n- - - d/ -\n  - - 5 e/ #8\n    - - 1 z #3\n";
        assert_eq!(write(&difference(&a, &b, MatchBy::Path)), by_path);
        assert_eq!(
            write(&union(&a, &b)),
            "- - 2 w #3\n- - 1 x #1\n- - 9 d/ #9\n  - - 1 y #2\n  - - 5 e/ #8\n    - - 1 z #3\n"
        );
        let whole = "- - 2 w #3\n- - 1 x #1\n- - - d/ -\n  - - 2 y #4\n  - - 5 e/ #8\n    - - 1 z #3\n";
        assert_eq!(write(&union(&b, &a)), whole);
    }
}

//! The tree ID: one ID for a set of IDs.

use crate::C4Id;

/// The ID of a set, whatever the order and however often an ID is listed.
///
/// The distinct IDs, sorted, are paired from the left; a pair becomes the ID of its 128 bytes, smaller first, an odd
/// one at the end moves up as it is; so on until one is left. One ID is its own tree ID; no ID gives the nil ID.
///
/// ```
/// use c4::{C4Id, tree_id};
/// let (a, b) = (C4Id::of(b"a"), C4Id::of(b"b"));
/// assert_eq!(tree_id([a, b]), tree_id([b, a, b]));
/// assert_eq!(tree_id([]), C4Id::NIL);
/// ```
pub fn tree_id(ids: impl IntoIterator<Item = C4Id>) -> C4Id {
    let mut level: Vec<C4Id> = ids.into_iter().collect();
    level.sort_unstable();
    level.dedup();
    while level.len() > 1 {
        let pairs: Vec<[u8; 128]> = level.chunks_exact(2).map(|pair| joined(pair[0], pair[1])).collect();
        let odd = if level.len() % 2 == 1 { level.last().copied() } else { None };
        let messages: Vec<&[u8]> = pairs.iter().map(<[u8; 128]>::as_slice).collect();
        level = c4_sha512::digest_many(&messages).into_iter().map(C4Id).chain(odd).collect();
    }
    level.first().copied().unwrap_or(C4Id::NIL)
}

/// The ID of two IDs: that of their bytes, the smaller first. Two equal ones are their own sum.
pub fn sum(a: C4Id, b: C4Id) -> C4Id {
    if a == b { a } else { C4Id::of(&joined(a, b)) }
}

fn joined(a: C4Id, b: C4Id) -> [u8; 128] {
    let mut bytes = [0; 128];
    bytes[..64].copy_from_slice(&a.min(b).0);
    bytes[64..].copy_from_slice(&a.max(b).0);
    bytes
}

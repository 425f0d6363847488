//! Two trees side by side.

use std::cmp::Ordering;

use crate::c4m::Preorder;

/// What two walks have at a path. Positions are those of the walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `count` entries from `a` and from `b` on have the same paths, and lines equal in every field.
    Same { a: usize, b: usize, count: usize },
    /// The entries at `a` and `b` have one path, and lines that differ.
    Both { a: usize, b: usize },
    /// An entry of the first alone, with all below it.
    OnlyA { from: usize, to: usize },
    /// An entry of the second alone, with all below it.
    OnlyB { from: usize, to: usize },
}

/// Walks two trees, in canonical order. Each entry of either is in exactly one step.
pub(crate) fn compare(a: &Preorder<'_>, b: &Preorder<'_>, mut each: impl FnMut(Step)) {
    let (mut at_a, mut at_b) = (0, 0);
    // How deep the children are of the directory that is open in both.
    let mut level = 0;
    loop {
        let has_a = at_a < a.len() && a.depth(at_a) >= level;
        let has_b = at_b < b.len() && b.depth(at_b) >= level;
        let order = match (has_a, has_b) {
            (false, false) if level == 0 => return,
            (false, false) => {
                level -= 1;
                continue;
            }
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => {
                let count = equal_run(a, at_a, b, at_b);
                if count > 0 {
                    each(Step::Same { a: at_a, b: at_b, count });
                    (at_a, at_b) = (at_a + count, at_b + count);
                    level = a.depth(at_a - 1) + u32::from(a.is_dir(at_a - 1));
                    continue;
                }
                a.cmp(at_a, b, at_b)
            }
        };
        match order {
            Ordering::Less => {
                let to = a.end_of(at_a);
                each(Step::OnlyA { from: at_a, to });
                at_a = to;
            }
            Ordering::Greater => {
                let to = b.end_of(at_b);
                each(Step::OnlyB { from: at_b, to });
                at_b = to;
            }
            Ordering::Equal => {
                each(Step::Both { a: at_a, b: at_b });
                // A file that became a directory by its mode alone has nothing to compare its children with: they are
                // deeper than `level`, and the other side has no such entry there.
                level += u32::from(a.is_dir(at_a) || b.is_dir(at_b));
                (at_a, at_b) = (at_a + 1, at_b + 1);
            }
        }
    }
}

/// How many entries from two positions on have equal lines at equal depths. The positions are at one depth below one
/// directory: then so are all that follow, path by path.
fn equal_run(a: &Preorder<'_>, at_a: usize, b: &Preorder<'_>, at_b: usize) -> usize {
    let longest = (a.len() - at_a).min(b.len() - at_b);
    (0..longest)
        .take_while(|next| {
            a.depth(at_a + next) == b.depth(at_b + next) && a.row(at_a + next).same_line(&b.row(at_b + next))
        })
        .count()
}

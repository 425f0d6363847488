//! Permissions and times of directories: last, since they may forbid what comes before, and the deepest first.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::os::fd::AsFd as _;

use super::apply::Record;
use super::attributes::{Attributes, Pinned, SPECIAL_BITS, mode_of};
use super::place::{Changed, Tree, split};
use super::staging::patiently;
use super::{ApplyError, Kind, Options, Plan};
use crate::scan::below;

/// Gives directories that were made or changed what the target says, and takes back what they were lent; also when the
/// rest was not done. `asked` has the operations on directories that stay, by path.
pub(super) fn finish_directories(
    plan: &Plan,
    tree: &Tree,
    asked: &HashMap<Vec<u8>, Vec<usize>>,
    options: &Options,
    record: &Record<'_>,
) {
    let mut changed = tree.take_changed();
    for path in asked.keys() {
        changed.entry(path.clone()).or_default();
    }
    // What lies in a directory has a longer path.
    let mut order: BTreeSet<(usize, Vec<u8>)> = changed.keys().map(|path| (path.len(), path.clone())).collect();
    while let Some((_, path)) = order.pop_last() {
        let operations = asked.get(&path).map_or(&[][..], Vec::as_slice);
        let change = changed.remove(&path).unwrap_or_default();
        let result = set(tree, &path, wanted(plan, &path, change, operations, options), options);
        match result {
            Err(error) if operations.is_empty() => {
                let number = change.made.or(change.touched).unwrap_or(0);
                // Gone, with what it was to have.
                if error.kind() != io::ErrorKind::NotFound && number < plan.operations.len() {
                    record.fail(number, refused(&path, error));
                }
            }
            result => record.note_all(operations, result.map_err(|error| refused(&path, error))),
        }
        // To reach one, others above may have been lent permissions.
        for (path, change) in tree.take_changed() {
            order.insert((path.len(), path.clone()));
            changed.entry(path).or_default().lent = change.lent;
        }
    }
}

/// What a directory is to have.
fn wanted(plan: &Plan, path: &[u8], change: Changed, operations: &[usize], options: &Options) -> Attributes {
    let place = plan.target.outline().find(&plan.target, &[path, b"/"].concat());
    let row = place.and_then(|place| plan.target.row_at(place)).map(|row| plan.target.get(row));
    let target = row
        .filter(|row| row.is_dir())
        .map_or_else(Attributes::default, |row| Attributes::of(row.mode, row.time, options.special_bits));
    let is_asked = |kind| operations.iter().any(|number| plan.operations[*number].kind == kind);
    let takes_mode = change.made.is_some() || is_asked(Kind::Chmod);
    let takes_time = change.made.is_some() || change.touched.is_some() || is_asked(Kind::Times);
    Attributes { mode: target.mode.filter(|_| takes_mode).or(change.lent), time: target.time.filter(|_| takes_time) }
}

fn set(tree: &Tree, path: &[u8], mut attributes: Attributes, options: &Options) -> io::Result<()> {
    if attributes.is_empty() {
        return Ok(());
    }
    let directory = match patiently(|| below::open_directory(tree.root(), path, false)) {
        Ok(directory) => Pinned::of(directory),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !path.is_empty() => {
            let (parent, name) = split(path);
            Pinned::open(tree.open_to_change(parent)?.as_fd(), name)?
        }
        Err(error) => return Err(error),
    };
    if !options.special_bits {
        // A directory passes its group on to what is made in it, by a bit that these have as well.
        let own = mode_of(&directory.stat()?).bits() & SPECIAL_BITS;
        attributes.mode = attributes.mode.map(|mode| mode | own);
    }
    directory.set(attributes)
}

fn refused(path: &[u8], error: io::Error) -> ApplyError {
    ApplyError::at("set the mode and the time of the directory", path)(error)
}

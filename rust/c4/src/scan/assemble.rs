//! IDs and sizes of directories, from the deepest up.
//!
//! A directory needs its children, and a child that is a link to a directory needs that one. The links can close a
//! circle; directories are taken in the order of the strongly connected components of what needs what, and a link inside
//! a component has no ID. So which links those are does not depend on the order of anything.

use std::collections::HashMap;

use rayon::prelude::*;

use super::layout::{Alias, Directory, Forest, Source};
use super::{ScanMode, ScanOptions, Scanner};
use crate::C4Id;
use crate::c4m::{Field, FrameNumber, MIN_SEQUENCE, Manifest, NULL_SIZE, Row, RowId, Rows, one_level_text};

/// Most directories whose texts are held together, and most rows in and below them.
const DIRECTORIES_AT_ONCE: usize = 32;
const ROWS_AT_ONCE: u32 = 20_000;

impl Forest {
    /// Gives directories their size and, in a full scan, their ID, and links the ID of what they point at.
    pub(super) fn assemble(&mut self, scanner: &Scanner<'_>) {
        let mut directory_links: HashMap<u32, Vec<Alias>> = HashMap::new();
        for alias in std::mem::take(&mut self.aliases) {
            match alias.source {
                Source::Row(source) => {
                    let entry = self.rows.get(source);
                    let (id, mode, time, size) = (*entry.id, entry.mode, entry.time, entry.size);
                    self.rows.set(alias.row, Field::Id(id));
                    if !self.rows.get(alias.row).is_symlink() && !id.is_nil() {
                        // Another name of the file: it may have changed since this one was listed.
                        self.rows.set(alias.row, Field::Mode(mode));
                        self.rows.set(alias.row, Field::Time(time));
                        self.rows.set(alias.row, Field::Size(size));
                    }
                }
                Source::Directory(_) => directory_links.entry(alias.directory).or_default().push(alias),
            }
        }
        let mut done: Vec<(C4Id, i64)> = vec![(C4Id::NIL, NULL_SIZE); self.directories.len()];
        for level in self.levels(&mut directory_links) {
            for alias in level.iter().filter_map(|directory| directory_links.remove(directory)).flatten() {
                if let Source::Directory(target) = alias.source {
                    self.rows.set(alias.row, Field::Id(done[target as usize].0));
                }
            }
            let batches = self.batches(&level);
            let finish = |directories: &&[u32]| self.finish(directories, scanner, &done);
            let finished: Vec<_> = scanner.pool.install(|| batches.par_iter().map(finish).collect());
            if scanner.progress.is_cancelled() {
                return;
            }
            for (directory, (id, size)) in level.iter().zip(finished.into_iter().flatten()) {
                done[*directory as usize] = (id, size);
                if let Some(row) = self.directories[*directory as usize].row {
                    self.rows.set(row, Field::Size(size));
                    self.rows.set(row, Field::Id(id));
                }
            }
        }
    }

    /// Cuts a group of directories into pieces whose texts are made, hashed and dropped together.
    fn batches<'d>(&self, mut directories: &'d [u32]) -> Vec<&'d [u32]> {
        let mut batches = Vec::new();
        while !directories.is_empty() {
            let mut rows = 0;
            let fits = |directory: &&u32| {
                let (first, end) = self.directories[**directory as usize].rows;
                rows += end - first;
                rows <= ROWS_AT_ONCE
            };
            let count = directories.iter().take(DIRECTORIES_AT_ONCE).take_while(fits).count().max(1);
            let (batch, rest) = directories.split_at(count);
            batches.push(batch);
            directories = rest;
        }
        batches
    }

    /// Directories in groups that do not need each other, every group after those that it needs. Links that would have
    /// the ID of a directory that needs their own are taken out, and reported.
    fn levels(&mut self, links: &mut HashMap<u32, Vec<Alias>>) -> Vec<Vec<u32>> {
        let mut level_of = vec![0_usize; self.directories.len()];
        let mut is_placed = vec![false; self.directories.len()];
        let mut levels: Vec<Vec<u32>> = Vec::new();
        for component in self.components(links) {
            for number in component.iter().rev() {
                if let Some(aliases) = links.get_mut(number) {
                    let is_cycle = |alias: &mut Alias| matches!(alias.source, Source::Directory(target) if component.binary_search(&target).is_ok());
                    let cycles: Vec<Alias> = aliases.extract_if(.., is_cycle).collect();
                    for alias in &cycles {
                        self.report_cycle(alias);
                    }
                }
                let directory = &mut self.directories[*number as usize];
                if directory.same_as.is_some_and(|first| !is_placed[first as usize]) {
                    // Another occurrence of a directory that needs this one, by way of a link: it has no ID.
                    directory.same_as = None;
                    directory.complete = false;
                }
                is_placed[*number as usize] = true;
                let Directory { parent, same_as, .. } = self.directories[*number as usize];
                let targets = links.get(number).into_iter().flatten().filter_map(|alias| match alias.source {
                    Source::Directory(target) => Some(target),
                    Source::Row(_) => None,
                });
                let above = targets.chain(same_as).map(|needed| level_of[needed as usize] + 1).max().unwrap_or(0);
                // What it holds has raised it already.
                let level = level_of[*number as usize].max(above);
                level_of[*number as usize] = level;
                if parent != *number {
                    level_of[parent as usize] = level_of[parent as usize].max(level + 1);
                }
                if levels.len() <= level {
                    levels.resize_with(level + 1, Vec::new);
                }
                levels[level].push(*number);
            }
        }
        levels
    }

    /// Computes directories, whose children are done; their texts are hashed side by side.
    fn finish(&self, directories: &[u32], scanner: &Scanner<'_>, done: &[(C4Id, i64)]) -> Vec<(C4Id, i64)> {
        let full = scanner.options.mode == ScanMode::Full;
        let mut finished = Vec::with_capacity(directories.len());
        let mut texts = Vec::new();
        for number in directories {
            if scanner.progress.is_cancelled() {
                return finished;
            }
            let Directory { complete, same_as, .. } = self.directories[*number as usize];
            finished.push(match same_as {
                Some(first) => done[first as usize],
                None if complete => {
                    let (text, size) = self.text_and_size(*number, scanner.options);
                    if full {
                        texts.push((finished.len(), text));
                    }
                    (C4Id::NIL, size)
                }
                None => (C4Id::NIL, NULL_SIZE),
            });
        }
        let messages: Vec<&[u8]> = texts.iter().map(|(_, text)| text.as_slice()).collect();
        let digests = c4_sha512::digest_many(&messages);
        for ((at, text), digest) in texts.into_iter().zip(digests) {
            finished[at].0 = C4Id(digest);
            if let Some(keeper) = scanner.keeper {
                keeper.put_text(&finished[at].0, text);
            }
        }
        finished
    }

    /// The text whose ID is that of a directory, in a full scan, and the directory's size.
    fn text_and_size(&self, directory: u32, options: &ScanOptions) -> (Vec<u8>, i64) {
        let children: Vec<Row<'_>> = self.children(directory).map(|row| self.rows.get(row)).collect();
        let sizes =
            children.iter().try_fold(0_i64, |sum, child| sum.checked_add(child.size).filter(|_| child.size >= 0));
        let full = options.mode == ScanMode::Full;
        let text = if full || sizes.is_some() { one_level_text(&children) } else { Vec::new() };
        let size = sizes.and_then(|sum| sum.checked_add(text.len() as i64)).unwrap_or(NULL_SIZE);
        // With sequences the listing that has an ID is the folded one; the size stays that of the files and their lines.
        if full && options.sequences { (folded_text(&children), size) } else { (text, size) }
    }

    /// Rows of the children of a directory, without what is below them.
    fn children(&self, directory: u32) -> impl Iterator<Item = RowId> + '_ {
        let (first, end) = self.directories[directory as usize].rows;
        let mut next = first;
        std::iter::from_fn(move || {
            let row = (next < end).then_some(next)?;
            next = match self.directory_of_row.get(&row) {
                Some(directory) if self.rows.is_dir(row) => self.directories[*directory as usize].rows.1,
                _ => row + 1,
            };
            Some(row)
        })
    }

    /// Directories in groups of those that need each other, every group after those that it needs; numbers ascend.
    fn components(&self, links: &HashMap<u32, Vec<Alias>>) -> Vec<Vec<u32>> {
        let count = self.directories.len() as u32;
        if links.is_empty() {
            // Every directory comes after the one that holds it.
            return (0..count).rev().map(|directory| vec![directory]).collect();
        }
        let mut needs: Vec<Vec<u32>> = vec![Vec::new(); count as usize];
        for (number, directory) in (0..).zip(&self.directories) {
            if directory.parent != number {
                needs[directory.parent as usize].push(number);
            }
            needs[number as usize].extend(directory.same_as);
        }
        for alias in links.values().flatten() {
            if let Source::Directory(target) = alias.source {
                needs[alias.directory as usize].push(target);
            }
        }
        tarjan(&needs)
    }
}

/// The one-level text of a directory after its files are folded into sequences.
fn folded_text(children: &[Row<'_>]) -> Vec<u8> {
    let mut rows = Rows::default();
    for child in children {
        rows.push(&Row { depth: 0, ..*child });
    }
    let mut listing = Manifest::from(rows);
    listing.fold_sequences(FrameNumber::First, MIN_SEQUENCE);
    let folded: Vec<Row<'_>> = listing.iter().map(|row| listing.get(row)).collect();
    one_level_text(&folded)
}

/// Strongly connected components (Tarjan 1972), with a stack of its own instead of recursion.
fn tarjan(needs: &[Vec<u32>]) -> Vec<Vec<u32>> {
    const UNSEEN: u32 = u32::MAX;
    let count = needs.len();
    let (mut index, mut low, mut on_stack) = (vec![UNSEEN; count], vec![0; count], vec![false; count]);
    let (mut stack, mut components) = (Vec::new(), Vec::new());
    let mut next_index = 0;
    for start in 0..count {
        if index[start] != UNSEEN {
            continue;
        }
        // Nodes of the search and the next edge of each.
        let mut path = vec![(start, 0)];
        while let Some((node, edge)) = path.last_mut() {
            let node = *node;
            if *edge == 0 {
                index[node] = next_index;
                low[node] = next_index;
                next_index += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(target) = needs[node].get(*edge) {
                let target = *target as usize;
                *edge += 1;
                if index[target] == UNSEEN {
                    path.push((target, 0));
                } else if on_stack[target] {
                    low[node] = low[node].min(index[target]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                let mut component = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    component.push(member as u32);
                    if member == node {
                        break;
                    }
                }
                component.sort_unstable();
                components.push(component);
            }
        }
    }
    components
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_after_what_they_need() {
        // 0 holds 1 and 2; 1 needs 2; 3 and 4 need each other; 2 needs 3.
        let needs = [vec![1, 2], vec![2], vec![3], vec![4], vec![3]];
        assert_eq!(tarjan(&needs), [vec![3, 4], vec![2], vec![1], vec![0]]);
    }
}

//! Doing what was planned.
//!
//! ```text
//! set aside     files whose content is needed elsewhere and whose place is taken or left  -> STAGING
//! make          directories, from the top; files and links, in parallel; files that move
//! change        permissions and times of files and links that stay
//! remove        from the bottom up, if nothing failed
//! finish        permissions and times of directories, the deepest first; STAGING goes if nothing failed
//! ```
//!
//! A file is written to a temporary, verified there, given its mode and time, and renamed into place: nobody sees half of
//! it, and no file that is there is ever written to, nor is the mode or time of one that has other names changed. What is
//! replaced or removed must be what was found when the plan was made. Files are not synchronized to the disk: after a crash
//! of the machine the directory is planned and applied again.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::operation::{Aside, Work, Worker};
use super::place::{Tree, is_staged};
use super::schedule::Schedule;
use super::staging::{Staging, merges_names, rename_new, status};
use super::version::There;
use super::{ApplyError, ContentSource, Kind, Options, Plan, STAGING};
use crate::c4m::RowId;
use crate::parallel;
use crate::scan::{Gate, ScanProgress};

/// Descriptors that a thread has open at once: its directory, what it writes, what it reads, and one to spare.
const OPEN_PER_WORKER: usize = 4;

/// What was done.
#[derive(Debug, Default)]
pub struct Applied {
    /// Operations done, by kind.
    pub done: [u64; 9],
    /// What could not be done: the operation's number in the plan, and why. In the order of the plan.
    pub errors: Vec<(usize, ApplyError)>,
}

/// Is told the number of each operation as it is done, or failed, by any thread.
pub type OnDone<'f> = &'f (dyn Fn(usize, Kind) + Sync);

/// Does what was planned. An operation that fails leaves the others to go on, but for removals: these are not done then.
///
/// What was set aside and could not be given its new place is moved back, or waits in [`STAGING`] for the next run.
pub fn apply(
    plan: &Plan,
    sources: &[&dyn ContentSource],
    options: &Options,
    progress: &ScanProgress,
    on_done: OnDone<'_>,
) -> Result<Applied, ApplyError> {
    if !plan.missing.is_empty() {
        return Err(ApplyError::Incomplete(plan.missing.len()));
    }
    let at_root = |source: io::Error| ApplyError::Root { path: plan.directory.clone(), source };
    let tree = Tree::open(&plan.directory).map_err(at_root)?;
    if plan.operations.is_empty() && status(tree.root(), STAGING).map_err(at_root)?.is_none() {
        return Ok(Applied::default());
    }
    let record = Record { plan, on_done, done: Default::default(), errors: Mutex::default() };
    let mut schedule = Schedule::new(plan);
    progress.enter_apply((schedule.made.len() + schedule.moved.len()) as u64, plan.bytes);
    // Makes a root that cannot be written to one that can.
    let opened = tree.open_to_change(b"").map_err(at_root);
    let mut has_begun = false;
    let result = opened.and_then(|_| {
        let waiting = plan.waiting();
        let staging = Staging::enter(tree.root(), &plan.directory, &|directory, name| match waiting.get(name) {
            Some(row) => Ok(!matches!(plan.look(*row, directory, name)?, There::Changed)),
            None => Ok(false),
        })?;
        let workers = options.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let mut work = Work {
            plan,
            sources: sources.iter().map(|source| (*source, Gate::new(source.concurrency().max(1)))).collect(),
            options,
            progress,
            tree: &tree,
            staging: &staging,
            in_the_way: Mutex::new(std::mem::take(&mut schedule.in_the_way)),
            aside: HashMap::new(),
            record: &record,
        };
        let workers = workers.min(c4_engine::open_file_budget() / OPEN_PER_WORKER).max(1);
        let result = work.refuse_twins().and_then(|()| {
            has_begun = true;
            work.run(&schedule, workers)
        });
        if result.is_ok() && !record.has_errors() {
            let removed = staging.remove(tree.root());
            let removed = removed.map_err(ApplyError::at("remove the directory of temporaries", STAGING));
            return match (removed, plan.operations.len().checked_sub(1)) {
                (Err(error), Some(last)) => {
                    record.fail(last, error);
                    Ok(())
                }
                (removed, _) => removed,
            };
        }
        work.put_back();
        staging.leave(tree.root());
        result
    });
    // What is refused changes nothing; what was lent is returned.
    let asked = if has_begun { schedule.changed_directories } else { HashMap::new() };
    super::finish::finish_directories(plan, &tree, &asked, options, &record);
    result.map(|()| record.into_applied())
}

/// What became of the operations.
pub(super) struct Record<'r> {
    plan: &'r Plan,
    on_done: OnDone<'r>,
    done: [AtomicU64; 9],
    errors: Mutex<Vec<(usize, ApplyError)>>,
}

impl Record<'_> {
    pub(super) fn note(&self, number: usize, result: Result<(), ApplyError>) {
        self.note_all(&[number], result);
    }

    /// Notes what became of operations that were done together; their error is that of the first.
    pub(super) fn note_all(&self, numbers: &[usize], result: Result<(), ApplyError>) {
        let is_done = result.is_ok();
        match (result, numbers.first()) {
            // It was begun, and nothing of it is left.
            (Err(ApplyError::Cancelled), _) => return,
            (Err(error), Some(first)) => self.fail(*first, error),
            _ => {}
        }
        for number in numbers {
            let kind = self.plan.operations[*number].kind;
            if is_done {
                self.done[kind as usize].fetch_add(1, Ordering::Relaxed);
            }
            (self.on_done)(*number, kind);
        }
    }

    /// Adds an error that belongs to an operation which was noted.
    pub(super) fn fail(&self, number: usize, error: ApplyError) {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).push((number, error));
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn into_applied(self) -> Applied {
        let mut errors = self.errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        errors.sort_by_key(|(number, _)| *number);
        Applied { done: self.done.map(AtomicU64::into_inner), errors }
    }
}

impl Work<'_> {
    fn run(&mut self, schedule: &Schedule, workers: usize) -> Result<(), ApplyError> {
        self.set_aside(schedule)?;
        self.all(&schedule.directories, 1, Self::make_directory)?;
        self.all(&schedule.made, workers, Self::make)?;
        self.all(&schedule.moved, workers, Self::move_file)?;
        let changed: Vec<&[usize]> =
            schedule.changed.chunk_by(|a, b| self.target_of(*a) == self.target_of(*b)).collect();
        self.all_of(&changed, workers, |worker, numbers| self.change(worker, numbers))?;
        let in_the_way = std::mem::take(&mut *self.in_the_way.lock().unwrap_or_else(PoisonError::into_inner));
        let mut removed: Vec<usize> =
            in_the_way.into_values().flatten().chain(schedule.removed.iter().copied()).collect();
        removed.sort_unstable();
        if let Some(first) = removed.first()
            && self.record.has_errors()
        {
            self.record.fail(*first, ApplyError::NotRemoved(removed.len()));
            return Ok(());
        }
        self.all(&removed, 1, Self::remove)
    }

    /// Does some operations, in their order or by several threads.
    fn all(
        &self,
        numbers: &[usize],
        workers: usize,
        operate: impl Fn(&Self, &mut Worker, usize) -> Result<(), ApplyError> + Sync,
    ) -> Result<(), ApplyError> {
        let numbers: Vec<&[usize]> = numbers.chunks(1).collect();
        self.all_of(&numbers, workers, |worker, numbers| operate(self, worker, numbers[0]))
    }

    /// The same, of operations some of which are done together.
    fn all_of(
        &self,
        groups: &[&[usize]],
        workers: usize,
        operate: impl Fn(&mut Worker, &[usize]) -> Result<(), ApplyError> + Sync,
    ) -> Result<(), ApplyError> {
        let is_cancelled = || self.progress.is_cancelled();
        parallel::each(groups.len(), workers, is_cancelled, Worker::default, |worker, at| {
            self.record.note_all(groups[at], operate(worker, groups[at]));
        });
        if self.progress.is_cancelled() { Err(ApplyError::Cancelled) } else { Ok(()) }
    }

    fn target_of(&self, number: usize) -> Option<RowId> {
        self.plan.operations[number].target
    }

    /// Tries in the directory of temporaries: a directory of the tree that folds names by itself refuses the second one.
    fn refuse_twins(&self) -> Result<(), ApplyError> {
        for (first, second) in &self.plan.twins {
            let [first_row, second_row] = [first, second].map(|row| self.plan.target.get(*row));
            let merged = merges_names(self.staging.directory(), first_row.bare_name(), second_row.bare_name());
            let [first, second] = [first, second].map(|row| self.plan.target_path(*row));
            if merged.map_err(ApplyError::at("try the name", &first))? {
                return Err(ApplyError::Twins(first, second));
            }
        }
        Ok(())
    }

    fn set_aside(&mut self, schedule: &Schedule) -> Result<(), ApplyError> {
        let mut worker = Worker::default();
        for (row, number) in &schedule.aside {
            if self.progress.is_cancelled() {
                return Err(ApplyError::Cancelled);
            }
            let aside = match self.take_aside(&mut worker, *row, *number) {
                Ok(name) => Aside::Here(name),
                Err(error) => Aside::Failed(Mutex::new(Some(error))),
            };
            self.aside.insert(*row, aside);
        }
        Ok(())
    }

    /// Moves what was set aside, and still waits, back to where it was; what cannot go back waits for the next run.
    fn put_back(&self) {
        let mut worker = Worker::default();
        for (row, aside) in &self.aside {
            let path = self.plan.found_path(*row);
            if let Aside::Here(name) = aside
                && !is_staged(&path)
                && status(self.staging.directory(), name.as_bytes()).is_ok_and(|stat| stat.is_some())
                && let Ok((directory, old)) = self.tree.enter(&mut worker.kept, &path, 0)
            {
                let _ = rename_new(self.staging.directory(), name.as_bytes(), directory, old);
            }
        }
    }
}

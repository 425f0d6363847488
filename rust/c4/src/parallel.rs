//! Work that is done by threads of one call: none outlives it, so that a process may fork before and after.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Threads that are worth their start.
const MAX_WORKERS: usize = 16;

/// How many threads a call may use.
pub(crate) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS)
}

/// Does `count` jobs, each once, by several threads; the results are in the order of the jobs.
pub(crate) fn in_order<T: Send>(count: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let workers = workers().min(count);
    if workers <= 1 {
        return (0..count).map(job).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(count));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            let result = job(number);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            // Where no thread can be started the others do its share.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Does `count` jobs, each once, by so many threads, as long as `is_cancelled` does not say to stop; every thread has a
/// `state` of its own.
pub(crate) fn each<S>(
    count: usize,
    threads: usize,
    is_cancelled: impl Fn() -> bool + Sync,
    state: impl Fn() -> S + Sync,
    job: impl Fn(&mut S, usize) + Sync,
) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut state = state();
        while !is_cancelled() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            job(&mut state, number);
        }
    };
    std::thread::scope(|scope| {
        for number in 1..threads.min(count) {
            // Where the system gives no more threads, those that are there do the work.
            if std::thread::Builder::new().name(format!("c4-{number}")).spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_jobs() {
        for count in [0, 1, 2, 1000] {
            assert_eq!(in_order(count, |number| number * 2), (0..count).map(|number| number * 2).collect::<Vec<_>>());
        }
    }
}

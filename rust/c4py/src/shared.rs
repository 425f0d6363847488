//! A manifest that several Python objects and threads share.

use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

use c4::c4m::Manifest;
use pyo3::prelude::*;

/// A manifest behind a lock. Many may read it; whoever waits lets other Python threads run.
#[derive(Clone)]
pub(crate) struct Shared(Arc<RwLock<Manifest>>);

impl Shared {
    pub(crate) fn new(manifest: Manifest) -> Self {
        Self(Arc::new(RwLock::new(manifest)))
    }

    /// Whether two handles are of one manifest.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn read(&self, py: Python<'_>) -> RwLockReadGuard<'_, Manifest> {
        loop {
            match self.0.try_read() {
                Ok(guard) => return guard,
                Err(TryLockError::Poisoned(error)) => return error.into_inner(),
                Err(TryLockError::WouldBlock) => wait(py),
            }
        }
    }

    pub(crate) fn write(&self, py: Python<'_>) -> RwLockWriteGuard<'_, Manifest> {
        loop {
            match self.0.try_write() {
                Ok(guard) => return guard,
                Err(TryLockError::Poisoned(error)) => return error.into_inner(),
                Err(TryLockError::WouldBlock) => wait(py),
            }
        }
    }

    /// Long work on the manifest, detached.
    pub(crate) fn detached<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&Manifest) -> T + Send) -> T {
        py.detach(|| work(&self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)))
    }

    /// Long work on two manifests, detached; they may be one. Locks are taken in the order of their addresses, and only one
    /// of one manifest: a writer that waits between two readings would stop the second.
    pub(crate) fn detached_two<T: Send>(
        &self,
        other: &Self,
        py: Python<'_>,
        work: impl FnOnce(&Manifest, &Manifest) -> T + Send,
    ) -> T {
        fn lock(shared: &Shared) -> RwLockReadGuard<'_, Manifest> {
            shared.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
        }
        py.detach(|| {
            if self.is(other) {
                let manifest = lock(self);
                work(&manifest, &manifest)
            } else if Arc::as_ptr(&self.0) < Arc::as_ptr(&other.0) {
                let own = lock(self);
                let other = lock(other);
                work(&own, &other)
            } else {
                let other = lock(other);
                let own = lock(self);
                work(&own, &other)
            }
        })
    }

    /// Long work that changes the manifest, detached.
    pub(crate) fn detached_mut<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Manifest) -> T + Send) -> T {
        py.detach(|| work(&mut self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)))
    }
}

/// The lock is held by a thread that may be waiting for the interpreter.
fn wait(py: Python<'_>) {
    py.detach(|| std::thread::sleep(Duration::from_micros(50)));
}

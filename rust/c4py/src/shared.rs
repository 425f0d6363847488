//! A manifest that several Python objects and threads share.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

use c4::c4m::Manifest;
use pyo3::prelude::*;

/// A manifest behind a lock. Many may read it; whoever waits lets other Python threads run.
///
/// Whoever needs the manifest as it is now for a long time takes a snapshot: that costs nothing until the next change,
/// which then copies the manifest.
#[derive(Clone)]
pub(crate) struct Shared(Arc<RwLock<Arc<Manifest>>>);

/// The manifest, to change it.
pub(crate) struct Writer<'a>(RwLockWriteGuard<'a, Arc<Manifest>>);

impl Deref for Writer<'_> {
    type Target = Manifest;

    fn deref(&self) -> &Manifest {
        &self.0
    }
}

impl DerefMut for Writer<'_> {
    fn deref_mut(&mut self) -> &mut Manifest {
        Arc::make_mut(&mut self.0)
    }
}

impl Shared {
    pub(crate) fn new(manifest: Manifest) -> Self {
        Self::of(Arc::new(manifest))
    }

    /// A manifest that others read as it is; the first change copies it.
    pub(crate) fn of(manifest: Arc<Manifest>) -> Self {
        Self(Arc::new(RwLock::new(manifest)))
    }

    /// Whether two handles are of one manifest.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn read(&self, py: Python<'_>) -> RwLockReadGuard<'_, Arc<Manifest>> {
        loop {
            match self.0.try_read() {
                Ok(guard) => return guard,
                Err(TryLockError::Poisoned(error)) => return error.into_inner(),
                Err(TryLockError::WouldBlock) => wait(py),
            }
        }
    }

    pub(crate) fn write(&self, py: Python<'_>) -> Writer<'_> {
        loop {
            match self.0.try_write() {
                Ok(guard) => return Writer(guard),
                Err(TryLockError::Poisoned(error)) => return Writer(error.into_inner()),
                Err(TryLockError::WouldBlock) => wait(py),
            }
        }
    }

    /// The manifest as it is now, whatever is done to it later.
    pub(crate) fn snapshot(&self, py: Python<'_>) -> Arc<Manifest> {
        Arc::clone(&self.read(py))
    }

    /// Long work on the manifest, detached.
    pub(crate) fn detached<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&Manifest) -> T + Send) -> T {
        py.detach(|| work(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Long work on two manifests, detached; they may be one.
    pub(crate) fn detached_two<T: Send>(
        &self,
        other: &Self,
        py: Python<'_>,
        work: impl FnOnce(&Manifest, &Manifest) -> T + Send,
    ) -> T {
        Self::detached_all([self, other], py, |[own, other]| work(own, other))
    }

    /// Long work on several manifests, detached; some of them may be one.
    ///
    /// Each lock is taken once and in the order of addresses: a thread that held one and waited for another behind a
    /// writer could wait for ever on a thread that took them the other way round.
    pub(crate) fn detached_all<const N: usize, T: Send>(
        manifests: [&Self; N],
        py: Python<'_>,
        work: impl FnOnce([&Manifest; N]) -> T + Send,
    ) -> T {
        py.detach(|| {
            let mut locks = manifests.map(|manifest| &manifest.0).to_vec();
            locks.sort_by_key(|lock| Arc::as_ptr(lock));
            locks.dedup_by(|a, b| Arc::ptr_eq(a, b));
            let guards: Vec<RwLockReadGuard<'_, Arc<Manifest>>> =
                locks.iter().map(|lock| lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)).collect();
            work(manifests.map(|manifest| {
                let guard = locks.iter().position(|lock| Arc::ptr_eq(lock, &manifest.0));
                &**guards[guard.expect("every manifest is locked")]
            }))
        })
    }

    /// Long work that changes the manifest, detached.
    pub(crate) fn detached_mut<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Manifest) -> T + Send) -> T {
        py.detach(|| work(Arc::make_mut(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))))
    }
}

/// The lock is held by a thread that may be waiting for the interpreter.
fn wait(py: Python<'_>) {
    py.detach(|| std::thread::sleep(Duration::from_micros(50)));
}

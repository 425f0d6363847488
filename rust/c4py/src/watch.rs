//! Long work in a thread of its own, while the calling thread listens for Ctrl-C and reports progress.

use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often the calling thread looks up; an interrupt is noticed within it, and the work stops within one read.
const INTERVAL: Duration = Duration::from_millis(40);

/// Runs `work` to its end. `tick` is called now and then; when it fails, or a signal handler does, `cancel` is called,
/// the work is waited for, and the failure is the result.
pub(crate) fn watch<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send,
    mut tick: impl FnMut() -> PyResult<()>,
    cancel: impl Fn(),
) -> PyResult<T> {
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        let receiver = Mutex::new(receiver);
        let thread = std::thread::Builder::new().name("c4-work".into()).spawn_scoped(scope, move || {
            let result = work();
            let _ = sender.send(());
            result
        })?;
        let mut failure = None;
        loop {
            let waited = py.detach(|| {
                receiver.lock().map_or(Err(RecvTimeoutError::Disconnected), |receiver| receiver.recv_timeout(INTERVAL))
            });
            match waited {
                Err(RecvTimeoutError::Timeout) if failure.is_none() => {
                    if let Err(error) = py.check_signals().and_then(|()| tick()) {
                        cancel();
                        failure = Some(error);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                _ => break,
            }
        }
        let result = py.detach(|| thread.join());
        match failure {
            Some(error) => Err(error),
            None => result.map_err(|_| PyRuntimeError::new_err("a worker thread panicked")),
        }
    })
}

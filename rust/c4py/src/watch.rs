//! Long work in a thread of its own, while the calling thread listens for Ctrl-C, reports progress, and calls the
//! Python code that the work asks for.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often the calling thread looks up; an interrupt is noticed within it, and the work stops within one read.
const INTERVAL: Duration = Duration::from_millis(40);

/// What the work tells the calling thread.
enum Told {
    Call(Box<dyn FnOnce(Python<'_>) + Send>),
    Done,
}

/// The way for work to have Python code called in the thread that waits for it: code that expects to be there, such as
/// that of a database connection.
#[derive(Clone)]
pub(crate) struct Caller(SyncSender<Told>);

impl Caller {
    /// Has a function called, and waits for its result; `None` when nobody listens any more.
    pub(crate) fn call<T: Send + 'static>(&self, function: impl FnOnce(Python<'_>) -> T + Send + 'static) -> Option<T> {
        let (sender, receiver) = channel();
        let call = Box::new(move |py: Python<'_>| {
            let _ = sender.send(function(py));
        });
        self.0.send(Told::Call(call)).ok()?;
        receiver.recv().ok()
    }
}

/// Runs `work` to its end. `tick` is called now and then; when it fails, or a signal handler does, `cancel` is called,
/// the work is waited for, and the failure is the result.
pub(crate) fn watch<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send,
    tick: impl FnMut() -> PyResult<()>,
    cancel: impl Fn(),
) -> PyResult<T> {
    watch_and_call(py, |_| work(), tick, cancel)
}

/// The same for work that has Python code called.
pub(crate) fn watch_and_call<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(Caller) -> T + Send,
    mut tick: impl FnMut() -> PyResult<()>,
    cancel: impl Fn(),
) -> PyResult<T> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(1);
        let receiver: Mutex<Receiver<Told>> = Mutex::new(receiver);
        let thread = std::thread::Builder::new().name("c4-work".into()).spawn_scoped(scope, move || {
            let result = work(Caller(sender.clone()));
            let _ = sender.send(Told::Done);
            result
        })?;
        let mut failure = None;
        let mut look = |failure: &mut Option<PyErr>| {
            if failure.is_none()
                && let Err(error) = py.check_signals().and_then(|()| tick())
            {
                cancel();
                *failure = Some(error);
            }
        };
        loop {
            let waited = py.detach(|| {
                receiver.lock().map_or(Err(RecvTimeoutError::Disconnected), |receiver| receiver.recv_timeout(INTERVAL))
            });
            match waited {
                Ok(Told::Call(call)) => {
                    call(py);
                    look(&mut failure);
                }
                Err(RecvTimeoutError::Timeout) => look(&mut failure),
                Ok(Told::Done) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let result = py.detach(|| thread.join());
        match failure {
            Some(error) => Err(error),
            None => result.map_err(|_| PyRuntimeError::new_err("a worker thread panicked")),
        }
    })
}

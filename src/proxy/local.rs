//! Where the HTTP/2 engine runs its streams: on the worker's own thread.

use std::future::Future;

use hyper::rt::Executor;

/// Runs tasks on the current thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local;

impl<F> Executor<F> for Local
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

//! Where the HTTP/2 engine of a backend's connection runs its streams: on the worker's own thread, and
//! an upload only for as long as somebody wants its answer. The engine itself looks at an upload no
//! more while the backend takes nothing of it, so the stream would never be reset.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use hyper::rt::Executor;

use crate::wire::{Starting, Upload};

/// Runs tasks on the current thread; that of an upload ends when it is given up.
#[derive(Debug, Clone, Default)]
pub(super) struct Pipes(pub(super) Starting);

impl<F> Executor<F> for Pipes
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, task: F) {
        match self.0.take() {
            Some(upload) => tokio::task::spawn_local(until_given_up(upload, task)),
            None => tokio::task::spawn_local(task),
        };
    }
}

/// Runs what sends an upload. Dropping it drops its end of the stream, and the last one resets that.
pub(super) async fn until_given_up(upload: Rc<Upload>, task: impl Future<Output = ()>) {
    let mut task = pin!(task);
    let turn = upload.turn();
    poll_fn(|cx| {
        if upload.is_given_up(turn) {
            return Poll::Ready(());
        }
        upload.wait(cx);
        task.as_mut().poll(cx)
    })
    .await;
}

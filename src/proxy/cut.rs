//! Hard rollbacks: what still runs on a candidate that was cut off comes to an end. Requests that
//! wait for it wake and look for themselves, and go to the primary if they may; streams end with
//! the connection of their client, who must see that they are not whole.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::walk::Walk;
use super::worker::Worker;

/// Looks for a hard rollback that this worker does not know of yet, and cuts what it reaches.
pub(super) fn look(worker: &Worker) {
    let pin = worker.pin();
    if worker.learn_of_cut(pin.cuts.latest()) {
        let streams = worker.clients.cut(&pin.cuts);
        worker.deadlines.wake_all();
        if streams > 0 {
            tracing::info!(streams, worker = worker.index, "Streams were cut");
        }
    }
}

/// Awaits what belongs to the running try; `None` when the try is cut first.
///
/// # Cancel safety
///
/// That of what is awaited.
pub(super) async fn unless_cut<T>(walk: &Walk, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    // Never due: it is there to be woken.
    let slot = walk.worker().deadlines.arm(Duration::MAX);
    poll_fn(|cx| {
        if walk.is_cut() {
            return Poll::Ready(None);
        }
        let done = work.as_mut().poll(cx).map(Some);
        if done.is_pending() {
            slot.poll_fired(cx);
        }
        done
    })
    .await
}

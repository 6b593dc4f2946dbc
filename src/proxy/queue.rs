//! Waiting for a turn at a backend that has as many tries on their way as it may have.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::forward::FailureKind;
use super::walk::Walk;
use super::worker::TICK;
use crate::snapshot::Seat;
use crate::stats::Side;

/// Waits for a seat at the backend of a side.
///
/// # Errors
///
/// Too many wait already, it has waited for too long, or a hard rollback came first.
///
/// # Cancel safety
///
/// Dropped when the client leaves, it leaves the queue.
pub(super) async fn wait(walk: &Walk, side: Side) -> Result<Option<Seat>, FailureKind> {
    let Some(limit) = &walk.arm(side).backend.limit else {
        return Ok(None);
    };
    let mut waiting = limit.line_up().ok_or(FailureKind::QueueFull)?;
    let worker = walk.worker();
    let slot = (worker.deadlines).arm(worker.coarse_now() + TICK + limit.queue_time);
    let seated = {
        let mut seat = pin!(waiting.seat());
        poll_fn(|cx| {
            if walk.is_cut_off(side) {
                return Poll::Ready(Err(FailureKind::Cut));
            }
            if let Poll::Ready(seat) = seat.as_mut().poll(cx) {
                return Poll::Ready(Ok(Some(seat)));
            }
            if slot.poll_fired(cx) {
                return Poll::Ready(Err(FailureKind::QueueLate));
            }
            Poll::Pending
        })
        .await
    };
    if matches!(seated, Err(FailureKind::QueueLate)) {
        waiting.is_late();
    }
    seated
}

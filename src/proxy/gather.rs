//! A response is read whole before anything of it is with the client, up to a size.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body as _;

use super::answer::{Answer, Whole};
use super::arrival::Arrival;
use super::forward::FailureKind;
use super::walk::Walk;
use crate::stats::Trouble;

/// What was read.
#[derive(Debug)]
pub(super) enum Gathered {
    /// All of it.
    Whole(Bytes),
    /// More than was wanted, and there is more.
    Begun(Bytes),
}

/// Reads a response to its end, or up to `most` bytes.
///
/// # Errors
///
/// It broke, was waited for in vain, or was cut.
///
/// # Cancel safety
///
/// Dropping it loses what was read: to be done only with the response.
pub(super) async fn gather(
    walk: &Walk,
    arrival: &mut Arrival,
    most: usize,
) -> Result<Gathered, FailureKind> {
    let length = arrival.response.body().size_hint().exact();
    if length.is_some_and(|length| length > most as u64) {
        return Ok(Gathered::Begun(Bytes::new()));
    }
    let mut held = Vec::with_capacity(length.unwrap_or_default() as usize);
    let mut watch = arrival.watch.as_deref_mut();
    let body = arrival.response.body_mut();
    let worker = walk.worker();
    poll_fn(|cx| {
        loop {
            if walk.is_cut() {
                return Poll::Ready(Err(FailureKind::Cut));
            }
            let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
                let late = watch.as_mut();
                let late = late.and_then(|w| w.poll_late(worker, cx).then(|| w.lateness()));
                return match late {
                    Some(trouble) => Poll::Ready(Err(FailureKind::Stream(trouble))),
                    None => Poll::Pending,
                };
            };
            match frame {
                None => {
                    let held = std::mem::take(&mut held);
                    return Poll::Ready(Ok(Gathered::Whole(held.into())));
                }
                Some(Err(_)) => return Poll::Ready(Err(FailureKind::Stream(Trouble::Broken))),
                Some(Ok(frame)) => {
                    if let Some(watch) = &mut watch {
                        watch.sees(&frame, worker.coarse_now());
                    }
                    held.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
                }
            }
            if held.len() > most {
                let held = std::mem::take(&mut held);
                return Poll::Ready(Ok(Gathered::Begun(held.into())));
            }
        }
    })
    .await
}

impl Arrival {
    /// Puts a whole body in the place of what was read to its end.
    pub(super) fn has_body(&mut self, body: Bytes) {
        let idle = self.response.body_mut().leave();
        *self.response.body_mut() = Answer::Whole(Box::new(Whole { body, idle }));
        self.watch = None;
        self.is_held = false;
    }

    /// Puts what was read back in front of what is left.
    pub(super) fn goes_on_after(&mut self, read: Bytes) {
        if !read.is_empty() {
            let rest = std::mem::replace(self.response.body_mut(), Answer::Gone);
            *self.response.body_mut() = Answer::Begun(Box::new((read, rest)));
        }
    }
}

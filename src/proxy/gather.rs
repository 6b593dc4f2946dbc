//! A response is read whole before anything of it is with the client, up to a size.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;

use super::answer::{Ahead, Answer};
use super::arrival::Arrival;
use super::deadline::{Deadline, Deadlines};
use super::forward::FailureKind;
use super::walk::Walk;
use super::worker::{TICK, Worker};
use crate::stats::{Class, Trouble};
use crate::wire::Upload;

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
    gather_for(walk, arrival, most, None).await
}

/// The same for a client whose body may still be on its way: one that breaks it off has broken the response itself.
///
/// # Errors
///
/// As [`gather`].
///
/// # Cancel safety
///
/// As [`gather`].
pub(super) async fn gather_for(
    walk: &Walk,
    arrival: &mut Arrival,
    most: usize,
    upload: Option<&Upload>,
) -> Result<Gathered, FailureKind> {
    let length = arrival.response.body().size_hint().exact();
    if length.is_some_and(|length| length > most as u64) {
        return Ok(Gathered::Begun(Bytes::new()));
    }
    let mut held = Vec::with_capacity(length.unwrap_or_default() as usize);
    let read = read(walk, arrival, most, &mut held).await;
    match read {
        Ok(true) => Ok(Gathered::Whole(held.into())),
        Ok(false) => Ok(Gathered::Begun(held.into())),
        Err(kind) => {
            if kind.class() == Class::Timeout {
                arrival.lease.timed_out();
            }
            Err(match kind {
                FailureKind::Stream(Trouble::Broken) => broken_by(upload),
                kind => kind,
            })
        }
    }
}

/// Why a response broke: by the backend, unless the client has broken it.
fn broken_by(upload: Option<&Upload>) -> FailureKind {
    match upload {
        Some(upload) if upload.is_too_large() => FailureKind::BodyTooLarge,
        Some(upload) if upload.is_broken() => FailureKind::ClientBroke,
        _ => FailureKind::Stream(Trouble::Broken),
    }
}

/// Reads up to the end, or until it is more than `most` bytes; whether that was the end.
async fn read(
    walk: &Walk,
    arrival: &mut Arrival,
    most: usize,
    held: &mut Vec<u8>,
) -> Result<bool, FailureKind> {
    let mut watch = arrival.watch.as_deref_mut();
    let body = arrival.response.body_mut();
    let worker = walk.worker();
    let silence = Silence::begin(walk);
    poll_fn(|cx| {
        loop {
            if walk.is_cut() {
                return Poll::Ready(Err(FailureKind::Cut));
            }
            let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
                // Either wakes it at a hard rollback, too.
                let late = match &mut watch {
                    Some(watch) => watch.poll_late(worker, cx).then(|| watch.lateness()),
                    None => silence.poll_late(cx).then_some(Trouble::Gap),
                };
                return match late {
                    Some(trouble) => Poll::Ready(Err(FailureKind::Stream(trouble))),
                    None => Poll::Pending,
                };
            };
            match frame {
                None => return Poll::Ready(Ok(true)),
                Some(Err(_)) => return Poll::Ready(Err(FailureKind::Stream(Trouble::Broken))),
                Some(Ok(frame)) => {
                    match &mut watch {
                        Some(watch) => drop(watch.sees(&frame, worker.coarse_now())),
                        None => silence.ends(),
                    }
                    held.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
                }
            }
            if held.len() > most {
                return Poll::Ready(Ok(false));
            }
        }
    })
    .await
}

/// How long nothing has come of a response that nobody else watches. A client that gets it piece by piece sees itself
/// that it stands still; here it would wait for ever.
struct Silence<'a> {
    worker: &'a Worker,
    limit: Duration,
    deadline: Deadline<&'a Deadlines>,
}

impl<'a> Silence<'a> {
    /// After the head, for which the backend had as long.
    fn begin(walk: &'a Walk) -> Self {
        let (worker, backend) = (walk.worker(), walk.backend());
        let silence = Self {
            worker,
            limit: backend.body_gap.unwrap_or(backend.head_timeout),
            deadline: worker.deadlines.arm(Duration::MAX),
        };
        silence.ends();
        silence
    }

    /// Something has come.
    fn ends(&self) {
        // Never early: the coarse clock may be late by a tick.
        let now = self.worker.coarse_now();
        self.deadline.rearm(now.saturating_add(TICK + self.limit));
    }

    /// Whether it is too long; else the task is woken when it is, or when there is something else to look at.
    fn poll_late(&self, cx: &Context<'_>) -> bool {
        self.deadline.poll_fired(cx)
    }
}

impl Arrival {
    /// Puts a whole body in the place of what was read to its end.
    pub(super) fn has_body(&mut self, body: Bytes) {
        let idle = self.response.body_mut().leave();
        *self.response.body_mut() = Answer::Ahead(Box::new(Ahead {
            first: body,
            rest: None,
            idle,
        }));
        self.watch = None;
        self.is_held = false;
    }

    /// Puts what was read back in front of what is left.
    pub(super) fn goes_on_after(&mut self, read: Bytes) {
        if !read.is_empty() {
            let rest = std::mem::replace(self.response.body_mut(), Answer::Gone);
            *self.response.body_mut() = Answer::Ahead(Box::new(Ahead {
                first: read,
                rest: Some(rest),
                idle: None,
            }));
        }
    }
}

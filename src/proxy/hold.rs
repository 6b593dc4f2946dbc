//! Until an event stream has had its first event, nothing of it goes to the client: an answer of 200
//! that stays silent, breaks, ends or begins with an error is as good as none, and the request may
//! still go elsewhere.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;

use super::forward::FailureKind;
use super::respond::dress;
use super::walk::Walk;
use super::watch::Watch;
use crate::stats::{Class, Trouble};
use crate::wire::{Event, Upload};

/// So much may come before the first event; what is over it goes to the client as it is.
const MOST_BYTES: usize = 64 * 1024;
const MOST_FRAMES: usize = 256;

/// Waits for the first event of the running try's response, and writes it into the books.
///
/// # Errors
///
/// What came instead. After an error event, all that was read is in the watch and may go to the client.
pub(super) async fn first_event<B>(
    walk: &mut Walk,
    response: &mut Response<B>,
    watch: &mut Watch,
    id: &HeaderValue,
    upload: Option<&Upload>,
) -> Result<(), FailureKind>
where
    B: Body<Data = Bytes> + Unpin,
{
    show_head(walk, response, watch, id);
    let end = match hold(walk, response.body_mut(), watch).await {
        // The client itself has broken it.
        Err(FailureKind::Stream(Trouble::Broken)) if upload.is_some_and(Upload::is_too_large) => {
            Err(FailureKind::BodyTooLarge)
        }
        Err(FailureKind::Stream(Trouble::Broken)) if upload.is_some_and(Upload::is_broken) => {
            Err(FailureKind::ClientBroke)
        }
        end => end,
    };
    match end {
        Ok(()) => {
            walk.answers(StatusCode::OK.as_u16(), Class::Ok);
            if watch.begun {
                walk.first_byte();
            }
        }
        Err(FailureKind::Stream(trouble)) if !walk.has_left() => {
            walk.goes_wrong(trouble);
            if let (Some(status), Some(class)) = (watch.sickness(), watch.sick_class()) {
                walk.answers(status, class);
            }
        }
        Err(_) => {}
    }
    end
}

/// Whoever keeps the client's connection warm may begin its answer.
fn show_head<B>(walk: &Walk, response: &Response<B>, watch: &Watch, id: &HeaderValue) {
    if let Some(aside) = walk.aside()
        && walk.route().keep_alive.is_some()
        && watch.is_readable()
    {
        let (mut head, ()) = Response::new(()).into_parts();
        head.headers.clone_from(response.headers());
        head.version = response.version();
        dress(walk, &mut head, id.clone());
        aside.shows(head);
    }
}

/// Reads up to the first event of a stream, into the watch. How long that may take is the watch's
/// clock.
///
/// # Errors
///
/// What came instead.
///
/// # Cancel safety
///
/// What was read is in the watch.
async fn hold<B>(walk: &Walk, body: &mut B, watch: &mut Watch) -> Result<(), FailureKind>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut bytes = 0;
    poll_fn(|cx| {
        loop {
            // Looked at first: what came after a cut is not begun.
            if walk.is_cut() {
                return Poll::Ready(Err(FailureKind::Cut));
            }
            if let Some(end) = std::task::ready!(step(walk, body, watch, &mut bytes, cx)) {
                return Poll::Ready(end.map_err(FailureKind::Stream));
            }
        }
    })
    .await
}

/// One frame; `None`: another one is needed.
fn step<B>(
    walk: &Walk,
    body: &mut B,
    watch: &mut Watch,
    bytes: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<(), Trouble>>>
where
    B: Body<Data = Bytes> + Unpin,
{
    let worker = walk.worker();
    let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
        let late = watch.poll_late(worker, cx);
        return match late {
            true => Poll::Ready(Some(Err(watch.lateness()))),
            false => Poll::Pending,
        };
    };
    Poll::Ready(match frame {
        Some(Ok(frame)) => {
            let first = watch.sees(&frame, worker.coarse_now());
            *bytes += frame.data_ref().map_or(0, Bytes::len);
            watch.held.push_back(frame);
            match first {
                Some(Event::Error(_)) => Some(Err(Trouble::ErrorEvent)),
                Some(Event::Data | Event::Done) => Some(Ok(())),
                // An event that goes on in further lines may never have the empty one.
                None if watch.begun => Some(Ok(())),
                None if *bytes > MOST_BYTES || watch.held.len() >= MOST_FRAMES => Some(Ok(())),
                None => None,
            }
        }
        Some(Err(_)) => Some(Err(Trouble::Broken)),
        None if watch.ends_empty() => Some(Err(Trouble::Empty)),
        None => Some(Ok(())),
    })
}

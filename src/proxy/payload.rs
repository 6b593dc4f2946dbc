//! A request for a Serverless worker is wrapped, so its body is read whole before anybody is asked for one.
//! What is not one JSON object cannot be wrapped, and goes to the other side with all that was read of it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, Method};
use http_body::Body as _;

use super::failure::Unfit;
use super::forward::{FailureKind, Outgoing, OutgoingBody};
use super::lookout::{Floor, Lookout};
use super::walk::Walk;
use crate::snapshot::{Cost, Serverless};
use crate::stats::Side;
use crate::vast::{cost_of, is_object};
use crate::wire::Upload;

/// Room for a body that does not say how long it is.
const FIRST: usize = 4096;

/// A body that can be wrapped.
#[derive(Debug)]
pub(super) struct Payload {
    /// One JSON object, as the client has written it.
    pub(super) json: Bytes,
    /// What it costs, in the units of the workers of a side.
    pub(super) cost: f64,
    side: Side,
}

/// Whether the request has to be read, or looked at, before it can go to the Serverless backend of a side.
pub(super) fn is_wanted(walk: &Walk, outgoing: &Outgoing, side: Side) -> bool {
    let terms = walk.arm(side).backend.serverless.as_ref();
    let wraps = terms.is_some_and(|terms| terms.front.is_none());
    wraps && (outgoing.payload.as_ref()).is_none_or(|payload| payload.side != side)
}

/// Reads the request as the Serverless backend of a side needs it. A second time, it is only looked at by the terms
/// of that side.
///
/// # Errors
///
/// It cannot be served there, or its client does not send it. What was read of it is sent first wherever it
/// goes then.
///
/// # Cancel safety
///
/// Dropping it leaves the request in the middle of its body: to be done only with the request.
pub(super) async fn read(
    walk: &Walk,
    outgoing: &mut Outgoing,
    side: Side,
) -> Result<(), FailureKind> {
    let terms = &walk.arm(side).backend.serverless;
    let Some(terms) = terms.as_ref().filter(|terms| terms.front.is_none()) else {
        return Ok(());
    };
    if let Some(known) = outgoing.payload.as_ref() {
        if known.json.len() > terms.max_body {
            return Err(FailureKind::Unfit(Unfit::Large));
        }
        let json = known.json.clone();
        return wrap(outgoing, json, terms, side);
    }
    let length = judge(outgoing, terms.max_body).map_err(FailureKind::Unfit)?;
    let mut held = Vec::with_capacity(length.unwrap_or(FIRST));
    let ended = whole(walk, outgoing, side, terms.max_body, &mut held).await;
    let json = Bytes::from(held);
    outgoing.hold(json.clone());
    ended?;
    wrap(outgoing, json, terms, side)
}

/// Takes a whole body for what a worker gets.
fn wrap(
    outgoing: &mut Outgoing,
    json: Bytes,
    terms: &Serverless,
    side: Side,
) -> Result<(), FailureKind> {
    let unfit = |_| FailureKind::Unfit(Unfit::Body);
    let cost = match &terms.cost {
        Cost::Fixed(cost) => is_object(&json).map(|()| *cost),
        Cost::Field { name, default } => {
            cost_of(&json, name).map(|found| found.unwrap_or(*default))
        }
    };
    let cost = cost.map_err(unfit)?;
    outgoing.payload = Some(Box::new(Payload { json, cost, side }));
    Ok(())
}

/// Looks at the head: how long the body is, if it says so.
fn judge(outgoing: &Outgoing, most: usize) -> Result<Option<usize>, Unfit> {
    let head = &outgoing.head;
    if head.method != Method::POST || outgoing.asked.is_some() {
        return Err(Unfit::Method);
    }
    let kind = head.headers.get(CONTENT_TYPE);
    if kind.is_some_and(|kind| !is_json(kind)) || is_encoded(&head.headers) {
        return Err(Unfit::Type);
    }
    if matches!(outgoing.body, OutgoingBody::Empty) {
        return Err(Unfit::Body);
    }
    let length = head.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match length.map(usize::try_from) {
        Some(Ok(length)) if length <= most => Ok(Some(length)),
        Some(_) => Err(Unfit::Large),
        None => Ok(None),
    }
}

/// `application/json`, or what is written in it: `application/problem+json`.
fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Reads to the end of the body, by the clocks that hold for any other upload.
async fn whole(
    walk: &Walk,
    outgoing: &mut Outgoing,
    side: Side,
    most: usize,
    held: &mut Vec<u8>,
) -> Result<(), FailureKind> {
    let mut body = outgoing.next_body();
    let upload = outgoing.upload.as_deref();
    let floor = Floor::of(walk, &outgoing.head.headers, true);
    let limit = walk.arm(side).backend.head_timeout;
    let mut watch = Lookout::new(walk, limit, upload, floor);
    let deadline = walk.worker().deadlines.arm(watch.next());
    poll_fn(|cx| {
        if walk.is_cut_off(side) {
            return Poll::Ready(Err(FailureKind::Cut));
        }
        while let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(cx) {
            match frame {
                None => return Poll::Ready(Ok(())),
                Some(Ok(frame)) => held.extend_from_slice(frame.data_ref().map_or(&[], |d| d)),
                Some(Err(_)) if upload.is_some_and(Upload::is_too_large) => {
                    return Poll::Ready(Err(FailureKind::BodyTooLarge));
                }
                Some(Err(_)) => return Poll::Ready(Err(FailureKind::ClientBroke)),
            }
            if held.len() > most {
                return Poll::Ready(Err(FailureKind::Unfit(Unfit::Large)));
            }
        }
        if !deadline.poll_fired(cx) {
            return Poll::Pending;
        }
        if let Some(late) = watch.look() {
            return Poll::Ready(Err(late));
        }
        deadline.rearm(watch.next());
        deadline.poll_fired(cx);
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_many_names() {
        let is = |kind: &'static str| is_json(&HeaderValue::from_static(kind));
        for kind in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.api+json",
        ] {
            assert!(is(kind), "{kind}");
        }
        for kind in [
            "",
            "text/json",
            "application/jsonl",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "text/plain;application/json",
        ] {
            assert!(!is(kind), "{kind}");
        }
    }
}

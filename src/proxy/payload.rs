//! A request for a Serverless worker is wrapped, so its body is read whole before anybody is asked for one.
//! What is not one JSON object cannot be wrapped, and goes to the other side with all that was read of it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http_body::Body as _;

use super::failure::Unfit;
use super::forward::{FailureKind, Outgoing, OutgoingBody};
use super::lookout::{Floor, Lookout};
use super::walk::Walk;
use crate::adapt::decoded;
use crate::snapshot::{Cost, Serverless};
use crate::stats::Side;
use crate::vast::{cost_of, is_object};
use crate::wire::{Upload, is_json};

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
    if !wraps {
        return terms.is_some() && leads_astray(outgoing.head.uri.path());
    }
    (outgoing.payload.as_ref()).is_none_or(|payload| payload.side != side)
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
    let Some(terms) = terms else {
        return Ok(());
    };
    if terms.front.is_some() {
        return match leads_astray(outgoing.head.uri.path()) {
            true => Err(FailureKind::Unfit(Unfit::Path)),
            false => Ok(()),
        };
    }
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
    if leads_astray(head.uri.path()) {
        return Err(Unfit::Path);
    }
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

/// The first part of the paths that are no model's: sessions, and what a worker's own master asks.
const CONTROLS: [&[u8]; 2] = [b"session", b"pyworker"];
/// A path that is still encoded after so many turns is meant to lead astray.
const MOST_TURNS: usize = 3;

/// Whether a path leads to the controls of a worker, or by dots to where it does not seem to lead: however it is
/// read by whoever is there.
fn leads_astray(path: &str) -> bool {
    let mut path = path.as_bytes().to_vec();
    for _ in 0..MOST_TURNS {
        if has_dots(&path) || is_control(&path) {
            return true;
        }
        if !path.contains(&b'%') {
            return false;
        }
        let decoded = decoded(&path);
        if decoded == path {
            return false;
        }
        path = decoded;
    }
    true
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let parts = path.split(|byte| matches!(byte, b'/' | b'\\'));
    // Some leave out what stands behind a semicolon.
    parts.map(|part| {
        part.split(|byte| *byte == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii()
    })
}

fn has_dots(path: &[u8]) -> bool {
    parts(path).any(|part| part == b"." || part == b"..")
}

fn is_control(path: &[u8]) -> bool {
    let first = parts(path)
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    CONTROLS
        .iter()
        .any(|control| first.eq_ignore_ascii_case(control))
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Reads to the end of the body, by the clocks that hold for any other upload.
pub(super) async fn whole(
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
    fn a_path_is_looked_at_however_it_is_written() {
        for path in [
            "/session",
            "//session/x",
            "/%73ession",
            "/%2573ession",
            "/Session;a",
            "/a/../b",
            "/a/%2e%2e/b",
            "/.",
            "/a%2f..%2fb",
            "/a\\..\\b",
            "/pyworker/update",
            "/%25252525",
            "/%20session",
        ] {
            assert!(leads_astray(path), "{path}");
        }
        for path in [
            "",
            "/",
            "/v1/session",
            "/sessions",
            "/a%20b",
            "/a%",
            "/a%zz",
            "/v1/...",
            "*",
            "/100%25",
        ] {
            assert!(!leads_astray(path), "{path}");
        }
    }
}

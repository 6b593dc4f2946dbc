//! What comes back from a side with another API is made what the client expects: its head, and its body either
//! whole or event by event.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION};
use http_body::Frame;

use super::events::EventAdapter;
use super::fit::text;
use super::run::{count, run};
use super::wear::Fit;
use crate::proxy::answer::Answer;
use crate::proxy::arrival::Arrival;
use crate::proxy::forward::{FailureKind, Outgoing};
use crate::proxy::gather::{Gathered, gather_for};
use crate::proxy::walk::Walk;
use crate::proxy::watch::is_of_events;
use crate::snapshot::{EventStream, Job, Operation};
use crate::stats::{Adapted, Direction, Trouble};

/// How a response is adapted.
enum Way {
    /// Its head only.
    Head,
    /// Event by event.
    Events,
    /// Whole.
    Whole(Direction),
}

fn way(operation: &Operation, response: &Response<Answer>, bare: bool) -> Way {
    let status = response.status();
    let whole = match status {
        _ if bare => None,
        _ if status.is_success() && operation.response.is_some() => Some(Direction::Response),
        _ if status.as_u16() >= 400 && operation.error.is_some() => Some(Direction::Error),
        _ => None,
    };
    match whole {
        None => Way::Head,
        Some(Direction::Response) if operation.of_events && is_of_events(response.headers()) => {
            Way::Events
        }
        Some(direction) => Way::Whole(direction),
    }
}

/// Adapts the response of the running try.
///
/// # Errors
///
/// It cannot be adapted, or broke on its way.
///
/// # Cancel safety
///
/// Dropping it drops the response.
pub(in crate::proxy) async fn adapt(
    walk: &Walk,
    outgoing: &Outgoing,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    let Some(fit) = outgoing.worn() else {
        return Ok(());
    };
    let (operation, at) = (fit.operation(), fit.at);
    let bare = outgoing.gets_no_body(&arrival.response);
    match way(operation, &arrival.response, bare) {
        Way::Head => {
            // What a body would be is not known, if it would be adapted.
            let changed = bare && operation.response.is_some();
            dress(fit, operation, &mut arrival.response, changed);
            Ok(())
        }
        Way::Events
            if arrival
                .watch
                .as_ref()
                .is_some_and(|watch| watch.is_readable()) =>
        {
            let values = fit.asked.values(Some(arrival.response.status()));
            let worker = Rc::clone(walk.worker());
            let events = EventAdapter::new(
                EventStream::new(Arc::clone(&fit.adapter), at, values),
                worker,
            );
            if let Some(watch) = &mut arrival.watch {
                watch.adapter = Some(Box::new(events));
            }
            dress(fit, operation, &mut arrival.response, true);
            Ok(())
        }
        Way::Events => whole_stream(walk, outgoing, fit, arrival).await,
        Way::Whole(direction) => whole(walk, outgoing, fit, direction, arrival).await,
    }
}

fn dress(fit: &Fit, operation: &Operation, response: &mut Response<Answer>, changed: bool) {
    let location = response.headers().get(LOCATION);
    let location = location.and_then(|location| location.to_str().ok());
    let location = location.and_then(|location| fit.adapter.relocate(location));
    if let Some(Ok(location)) = location.map(HeaderValue::try_from) {
        response.headers_mut().insert(LOCATION, location);
    }
    let mut status = response.status();
    operation.dress_response(&mut status, response.headers_mut(), changed);
    *response.status_mut() = status;
}

/// A response in one piece.
async fn whole(
    walk: &Walk,
    outgoing: &Outgoing,
    fit: &Fit,
    direction: Direction,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    let (operation, upload) = (fit.operation(), outgoing.upload.as_deref());
    let most = fit.adapter.max_body;
    let status = arrival.response.status();
    let read = gather_for(walk, arrival, most, upload).await?;
    let is_error = direction == Direction::Error;
    let filter = match direction {
        Direction::Error => &operation.error,
        _ => &operation.response,
    };
    let made = match read {
        Gathered::Begun(_) => {
            return Err(misfit(walk, operation, direction, Adapted::TooLarge));
        }
        Gathered::Whole(body) => {
            let coding = arrival.response.headers().get(CONTENT_ENCODING);
            let job = Job {
                filter: filter.clone(),
                body: body.clone(),
                coding: coding.map(text),
                values: fit.asked.values(Some(status)),
                most,
                lenient: is_error,
            };
            let made = run(
                walk.worker(),
                operation,
                direction,
                job,
                fit.adapter.deadline,
            )
            .await;
            match made {
                Ok(made) => Some(Bytes::from(made.json)),
                // What the backend says of its failure is more than we could.
                Err(_) if is_error => {
                    arrival.has_body(body);
                    None
                }
                Err(_) => return Err(FailureKind::Stream(Trouble::Adapter)),
            }
        }
    };
    let changed = made.is_some();
    dress(fit, operation, &mut arrival.response, changed);
    if let Some(json) = made {
        Operation::tell_body(arrival.response.headers_mut(), json.len());
        arrival.has_body(json);
    }
    Ok(())
}

/// An event stream that is a document: it has a length.
async fn whole_stream(
    walk: &Walk,
    outgoing: &Outgoing,
    fit: &Fit,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    let (operation, at, most) = (fit.operation(), fit.at, fit.adapter.max_body);
    let upload = outgoing.upload.as_deref();
    let unfit = |_| FailureKind::Stream(Trouble::Adapter);
    let values = fit.asked.values(Some(arrival.response.status()));
    let is_plain = (arrival.response.headers()).get(CONTENT_ENCODING);
    if is_plain.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(misfit(walk, operation, Direction::Event, Adapted::Coding));
    }
    let Gathered::Whole(read) = gather_for(walk, arrival, most, upload).await? else {
        return Err(misfit(walk, operation, Direction::Event, Adapted::TooLarge));
    };
    let worker = Rc::clone(walk.worker());
    let mut events = EventAdapter::new(
        EventStream::new(Arc::clone(&fit.adapter), at, values),
        worker,
    );
    let made = events.take(Some(Frame::data(read)), true).map_err(unfit)?;
    if events.has_failed() {
        return Err(FailureKind::Stream(Trouble::Adapter));
    }
    let out = made.and_then(|made| made.into_data().ok());
    let out = out.unwrap_or_default();
    let kind = arrival.response.headers().get(CONTENT_TYPE).cloned();
    dress(fit, operation, &mut arrival.response, true);
    let headers = arrival.response.headers_mut();
    Operation::tell_body(headers, out.len());
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, kind);
    }
    arrival.has_body(out);
    Ok(())
}

/// A response that no program could be run on.
fn misfit(walk: &Walk, operation: &Operation, direction: Direction, fault: Adapted) -> FailureKind {
    count(
        walk.worker(),
        operation,
        direction,
        Duration::ZERO,
        Some(fault),
    );
    FailureKind::Stream(Trouble::Adapter)
}

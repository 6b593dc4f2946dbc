//! A question of our own to a side, on the way of a request: whether it has a thing, or which ones it has.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::adapt::{Val, decode};
use crate::proxy::adapt;
use crate::proxy::answer::Answer;
use crate::proxy::arrival::Arrival;
use crate::proxy::fallback::{Next, Plan};
use crate::proxy::forward::{Outgoing, forward};
use crate::proxy::gather::{Gathered, gather};
use crate::proxy::lease::Lease;
use crate::proxy::queue::wait;
use crate::proxy::walk::Walk;
use crate::proxy::watch::Watch;
use crate::stats::{Class, Side};

/// So much is read of an answer.
pub(super) const MOST: usize = 1024 * 1024;
/// And of one whose status is all that is wanted.
const FEW: usize = 16 * 1024;

/// What a side has said, in the words of clients.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    /// Its body, if that is JSON.
    pub(super) body: Option<Val>,
}

/// Asks a side; `reads`: for more than a status.
///
/// # Errors
///
/// It has not answered, or cannot be asked so.
///
/// # Cancel safety
///
/// As for any try: to be dropped only with the request.
pub(super) async fn ask(
    walk: &mut Walk,
    question: &mut Outgoing,
    side: Side,
    reads: bool,
) -> Result<Said, ()> {
    if walk.arm(side).backend.serverless.is_some() {
        // It takes no such questions.
        return Err(());
    }
    if adapt::is_wanted(walk, question, side) {
        adapt::fit(walk, question, side).await.map_err(drop)?;
    }
    question.wear(Some(side));
    if !walk.sits_at(side) {
        let seat = wait(walk, side).await.map_err(drop)?;
        walk.sits(seat);
    }
    let mut plan = Plan::default();
    let Next::Try(side, picked, reason) = plan.asks(walk, side) else {
        return Err(());
    };
    loop {
        walk.attempt_begins(side, picked, reason);
        match forward(walk, question, plan.fresh).await {
            Ok(head) => return hear(walk, question, side, reads, head).await,
            Err(failure) if plan.again_after_stale(question, failure) => {
                // The same endpoint, now on a fresh connection.
                walk.attempt_was_stale();
            }
            Err(failure) => {
                walk.attempt_ends(failure.kind.class());
                return Err(());
            }
        }
    }
}

/// What a response says; with it the try ends.
async fn hear(
    walk: &mut Walk,
    question: &Outgoing,
    side: Side,
    reads: bool,
    (response, lease): (Response<Answer>, Lease),
) -> Result<Said, ()> {
    let raw = response.status();
    let class = Class::of_status(raw.as_u16(), || {
        response.headers().contains_key(RETRY_AFTER)
    });
    let mut arrival = Arrival {
        watch: Watch::of(walk, &response),
        response,
        lease,
        class,
        is_held: false,
        untold: false,
    };
    walk.answers(raw.as_u16(), class);
    let said = match reads {
        true => read(walk, question, &mut arrival).await,
        false => {
            // A short rest is read, so that the connection can serve again.
            if let Ok(Gathered::Whole(_)) = gather(walk, &mut arrival, FEW).await {
                arrival.has_body(Bytes::new());
            }
            Ok(Said {
                status: question.client_status(raw),
                body: None,
            })
        }
    };
    walk.attempt_ends(class);
    leave(walk, arrival, side);
    said
}

/// Reads the answer.
async fn read(walk: &Walk, question: &Outgoing, arrival: &mut Arrival) -> Result<Said, ()> {
    let adapted = adapt::adapt(walk, question, arrival).await;
    adapted.map_err(drop)?;
    let status = arrival.response.status();
    let body = match gather(walk, arrival, MOST).await.map_err(drop)? {
        Gathered::Whole(body) => {
            let val = parsed(arrival, &body);
            arrival.has_body(Bytes::new());
            val
        }
        Gathered::Begun(_) => None,
    };
    Ok(Said { status, body })
}

/// The body of a response as JSON, if it is that.
pub(super) fn parsed(arrival: &Arrival, body: &Bytes) -> Option<Val> {
    parsed_by(arrival.response.headers(), body)
}

/// A body as JSON, if it is that, by what stands in its head.
pub(super) fn parsed_by(headers: &HeaderMap, body: &Bytes) -> Option<Val> {
    let coding = headers.get(CONTENT_ENCODING);
    let coding = coding.and_then(|coding| coding.to_str().ok());
    let plain = match coding {
        Some(coding) => decode(coding, body, MOST).ok()?,
        None => None,
    };
    Val::parse(plain.as_deref().unwrap_or(body)).ok()
}

/// What is left of it goes back where it came from.
fn leave(walk: &Walk, arrival: Arrival, side: Side) {
    let Arrival {
        mut response,
        lease,
        ..
    } = arrival;
    let idle = response.body_mut().leave();
    let now = walk.worker().coarse_now();
    lease.give_back(idle, now, &walk.arm(side).backend);
}

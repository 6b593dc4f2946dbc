//! A question of our own to a side, on the way of a request: whether it has a thing, or which ones it has.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, RETRY_AFTER};

use crate::adapt::{Val, decode};
use crate::proxy::adapt;
use crate::proxy::arrival::Arrival;
use crate::proxy::fallback::{Next, Plan};
use crate::proxy::forward::{Outgoing, forward};
use crate::proxy::gather::{Gathered, gather};
use crate::proxy::walk::Walk;
use crate::proxy::watch::Watch;
use crate::stats::{Class, Side};

/// So much is read of an answer.
pub(super) const MOST: usize = 1024 * 1024;

/// What a side has said, in the words of clients.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    /// Its body, if that is JSON.
    pub(super) body: Option<Val>,
}

/// Asks a side.
///
/// # Errors
///
/// It has not answered, or cannot be asked so.
///
/// # Cancel safety
///
/// As for any try: to be dropped only with the request.
pub(super) async fn ask(walk: &mut Walk, question: &mut Outgoing, side: Side) -> Result<Said, ()> {
    if walk.arm(side).backend.serverless.is_some() {
        // It takes no such questions.
        return Err(());
    }
    if adapt::is_wanted(walk, question, side) {
        adapt::fit(walk, question, side).await.map_err(drop)?;
    }
    question.wear(Some(side));
    let mut plan = Plan::default();
    loop {
        let Next::Try(side, picked, reason) = plan.asks(walk, side) else {
            return Err(());
        };
        walk.attempt_begins(side, picked, reason);
        match forward(walk, question, plan.fresh).await {
            Ok((response, lease)) => {
                let status = response.status().as_u16();
                let class =
                    Class::of_status(status, || response.headers().contains_key(RETRY_AFTER));
                let mut arrival = Arrival {
                    watch: Watch::of(walk, &response),
                    response,
                    lease,
                    class,
                    is_held: false,
                    untold: false,
                };
                walk.answers(status, class);
                let said = hear(walk, question, &mut arrival).await;
                walk.attempt_ends(class);
                leave(walk, arrival, side);
                return said;
            }
            Err(failure) if plan.again_after_stale(question, failure) => {
                walk.attempt_was_stale();
                plan.steps_back();
            }
            Err(failure) => {
                walk.attempt_ends(failure.kind.class());
                return Err(());
            }
        }
    }
}

/// Reads the answer.
async fn hear(walk: &Walk, question: &Outgoing, arrival: &mut Arrival) -> Result<Said, ()> {
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
    let coding = arrival.response.headers().get(CONTENT_ENCODING);
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

//! The response to a request that makes something: its id, and who has it.

use std::sync::Arc;

use super::learn::{count, from_body, from_head, is_readable, learn_id, made, origin, read};
use super::outward::{Outward, rename};
use super::stream::Learner;
use crate::proxy::arrival::Arrival;
use crate::proxy::forward::{FailureKind, Outgoing};
use crate::proxy::walk::Walk;
use crate::snapshot::Ownership;
use crate::stats::{Made, Side};

/// The response to a request that makes something.
pub(super) async fn created(
    walk: &Walk,
    outgoing: &Outgoing,
    side: Side,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    let Some(claim) = walk.claim() else {
        return Ok(());
    };
    let rule = Arc::clone(&claim.rule);
    let backend = walk.arm(side).backend.name.clone();
    let prefix = rule.prefix_of(&backend).map(str::to_owned);
    let head = from_head(&rule, arrival.response.headers());
    if prefix.is_none()
        && let Some(id) = head.clone()
    {
        note_made(walk, outgoing, &rule, &backend, &id);
        return Ok(());
    }
    let is_stream = (arrival.watch.as_ref()).is_some_and(|watch| watch.is_readable());
    if is_stream && prefix.is_none() {
        let origin = origin(outgoing);
        let learner = Learner::new(
            Arc::clone(walk.owners()),
            rule,
            backend,
            origin,
            walk.worker(),
        );
        if let Some(watch) = &mut arrival.watch {
            watch.learner = Some(Box::new(learner));
        }
        return Ok(());
    }
    let body = match is_readable(outgoing, arrival) {
        true => read(walk, outgoing, arrival).await?,
        false => None,
    };
    let named = body.as_ref().and_then(|(_, val)| from_body(&rule, val));
    let made = match (&body, &named) {
        (_, Some(_)) => Made::Learned,
        (Some(_), None) => Made::NoId,
        (None, None) if prefix.is_some() && head.is_some() => Made::Learned,
        (None, None) if outgoing.gets_no_body(&arrival.response) => Made::NoId,
        (None, None) => Made::Unread,
    };
    match (prefix, named) {
        (Some(prefix), _) => {
            let outward = Outward::Prefix(&prefix);
            rename(&rule, &outward, arrival, body.as_ref().map(|(_, val)| val));
            count(walk, &rule, made);
        }
        (None, Some(id)) => note_made(walk, outgoing, &rule, &backend, &id),
        (None, None) => count(walk, &rule, made),
    }
    Ok(())
}

fn note_made(walk: &Walk, outgoing: &Outgoing, rule: &Ownership, backend: &str, id: &str) {
    let learnt = learn_id(walk, rule, backend, id, &origin(outgoing));
    count(walk, rule, made(&learnt));
}

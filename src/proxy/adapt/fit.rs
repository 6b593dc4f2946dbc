//! A request is made one of a side with another API. Nothing of it has been sent then: what cannot be adapted may
//! still go to the other side, with all that was read of it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_ENCODING;

use super::run::{count, run};
use super::wear::{Fit, Form};
use crate::proxy::dialect::Dialect;
use crate::proxy::failure::Unfit;
use crate::proxy::fallback::is_repeatable;
use crate::proxy::forward::{FailureKind, Outgoing, OutgoingBody};
use crate::proxy::payload::whole;
use crate::proxy::walk::Walk;
use crate::snapshot::{Adapter, Asked, Job, Made, Operation};
use crate::stats::{Adapted, Direction, Side};
use crate::wire::Upload;

/// Whether it is not known yet what a request is for a side with another API.
pub(in crate::proxy) fn is_wanted(walk: &Walk, outgoing: &Outgoing, side: Side) -> bool {
    walk.arm(side).adapter.is_some() && !outgoing.is_fitted(side)
}

/// Finds out what a request is for a side.
///
/// # Errors
///
/// It is nothing there, or its client does not send it. What was read of it is sent first wherever it goes then.
///
/// # Cancel safety
///
/// Dropping it leaves the request in the middle of its body: to be done only with the request.
pub(in crate::proxy) async fn fit(
    walk: &Walk,
    outgoing: &mut Outgoing,
    side: Side,
) -> Result<(), FailureKind> {
    let Some(adapter) = walk.arm(side).adapter.clone() else {
        return Ok(());
    };
    outgoing.wear(None);
    let worker = walk.worker();
    let path = outgoing.head.uri.path();
    let Some((at, taken)) = adapter.find(&outgoing.head.method, path) else {
        adapter.cells.of(worker.index).unmatched.add(1);
        if adapter.passes {
            outgoing.passes(side);
            return Ok(());
        }
        return Err(FailureKind::Unfit(Unfit::Operation));
    };
    let operation = &adapter.operations[at];
    let adapts = operation.reads_request() || operation.response.is_some();
    if adapts && (outgoing.asked.is_some() || outgoing.dialect == Dialect::Grpc) {
        // Neither a tunnel nor a call has a body that could be JSON.
        return Err(FailureKind::Unfit(Unfit::Operation));
    }
    let id = outgoing.id().and_then(|id| id.to_str().ok());
    let query = outgoing.head.uri.query();
    let mut asked = Asked::new(&taken, query, id.unwrap_or_default(), unix_time());
    let made = match operation.reads_request() {
        true => {
            let body = read(walk, outgoing, side, &adapter).await?;
            let job = job(operation, outgoing, body, &asked, adapter.max_body);
            let made = run(worker, operation, Direction::Request, job, adapter.deadline).await;
            Some(made.map_err(|fault| misfit(&adapter, unfit_by(fault)))?)
        }
        false => None,
    };
    let made = made.map(|Made { json, input }| {
        if operation.replies_with_request() {
            asked.request = input;
        }
        json
    });
    let target = operation.target(&outgoing.head.method, &taken, query_of(outgoing).as_deref());
    let Some((method, target)) = target else {
        let fault = Some(Adapted::Head);
        count(worker, operation, Direction::Request, Duration::ZERO, fault);
        return Err(misfit(&adapter, Unfit::Untranslated));
    };
    let body = made.filter(|_| operation.makes_body()).map(Bytes::from);
    let mut headers = outgoing.head.headers.clone();
    operation.dress_request(&mut headers, body.as_ref().map(Bytes::len));
    let body = body.map(|body| match body.is_empty() {
        true => (OutgoingBody::Empty, None),
        false => (OutgoingBody::Whole(body), Some(Rc::new(Upload::new(None)))),
    });
    operation.cells.of(worker.index).requests.add(1);
    let declared = walk.route().idempotent;
    let repeatable = outgoing.repeatable && is_repeatable(&method, &headers, declared);
    let form = Form {
        repeatable,
        method,
        target,
        headers,
        body,
    };
    outgoing.fits(side, Fit::new(Arc::clone(&adapter), at, asked, form));
    Ok(())
}

fn query_of(outgoing: &Outgoing) -> Option<String> {
    outgoing.head.uri.query().map(str::to_owned)
}

/// What a request is that cannot be adapted: one for the other side, or none at all.
fn misfit(adapter: &Adapter, unfit: Unfit) -> FailureKind {
    match adapter.fails {
        true => FailureKind::Unadapted(unfit),
        false => FailureKind::Unfit(unfit),
    }
}

fn unfit_by(fault: Adapted) -> Unfit {
    match fault {
        Adapted::NotJson | Adapted::TooDeep => Unfit::NotJson,
        Adapted::TooLarge => Unfit::Long,
        _ => Unfit::Untranslated,
    }
}

/// All of the client's body.
async fn read(
    walk: &Walk,
    outgoing: &mut Outgoing,
    side: Side,
    adapter: &Adapter,
) -> Result<Bytes, FailureKind> {
    if matches!(outgoing.body, OutgoingBody::Empty) {
        return Ok(Bytes::new());
    }
    let mut held = Vec::new();
    let ended = whole(walk, outgoing, side, adapter.max_body, &mut held).await;
    let held = Bytes::from(held);
    outgoing.hold(held.clone());
    match ended {
        Ok(()) => Ok(held),
        Err(FailureKind::Unfit(_)) => Err(misfit(adapter, Unfit::Long)),
        Err(kind) => Err(kind),
    }
}

fn job(operation: &Operation, outgoing: &Outgoing, body: Bytes, asked: &Asked, most: usize) -> Job {
    let coding = outgoing.head.headers.get(CONTENT_ENCODING);
    Job {
        // What no program changes may be anything.
        lenient: operation.request.is_none(),
        filter: operation.request.clone(),
        body,
        coding: coding.map(text),
        values: asked.values(None),
        most,
    }
}

pub(super) fn text(value: &HeaderValue) -> String {
    value.to_str().unwrap_or_default().to_owned()
}

fn unix_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

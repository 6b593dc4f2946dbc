//! One try at a Serverless worker. Its machine belongs to a stranger, so it gets what the model needs and
//! nothing else of the client: no credentials, no cookies, no addresses.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use http::uri::Uri;
use http::{Method, Response};
use rustls::pki_types::ServerName;

use super::answer::Answer;
use super::connect::Way;
use super::forward::{Failure, FailureKind, HeadWait, Outgoing, fresh_lease, via_line};
use super::greet::Spoken;
use super::lease::Lease;
use super::payload::Payload;
use super::walk::Walk;
use crate::http1;
use crate::snapshot::Target;
use crate::vast::{Ready, WorkerUrl, envelope};
use crate::wire::{Parts, REQUEST_ID, RequestBody, Upload};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What the client says that a worker gets to read.
static PASSED: [HeaderName; 5] = [
    ACCEPT,
    ACCEPT_ENCODING,
    USER_AGENT,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// Sends the request to a worker and waits for the head of its answer. `fresh`: by a connection that nobody
/// has used.
///
/// # Errors
///
/// There is none; the failure says whether the worker may have begun.
///
/// # Cancel safety
///
/// Dropping it closes the connection, which tells the worker to stop.
pub(super) async fn engage(
    walk: &Walk,
    outgoing: &Outgoing,
    payload: &Payload,
    ready: &Ready,
    fresh: bool,
) -> Result<(Response<Answer>, Lease), Failure> {
    let unsent = |kind| Failure {
        kind,
        unprocessed: true,
    };
    let mut lease = lease(walk, outgoing, ready.worker, fresh)
        .await
        .map_err(unsent)?;
    if walk.has_left() {
        // Nobody would read the answer.
        return Err(unsent(FailureKind::ClientBroke));
    }
    walk.is_sent();
    let parts = envelope(&ready.auth_data, &payload.json);
    let upload = Rc::new(Upload::new(None));
    let body = Parts::new(parts);
    let headers = headers(outgoing, body.len());
    let host = authority(ready.worker);
    // The query is left out: a worker has no use for it, and some put their keys there.
    let path: Uri = (outgoing.head.uri.path().parse()).unwrap_or_else(|_| Uri::from_static("/"));
    let request = http1::Request {
        method: &Method::POST,
        target: &path,
        host: &host,
        authorization: http1::Authorization::Kept,
        headers: &headers,
        ready: &[via_line(outgoing.head.version)],
    };
    lease.begin(
        &request,
        RequestBody::Parts(Box::new(body), Rc::clone(&upload)),
    );
    let wait = HeadWait {
        walk,
        limit: walk.backend().head_timeout,
        upload: None,
        floor: None,
    };
    let waited = wait.head(|cx| lease.poll_single(cx, Some(&upload))).await;
    match waited {
        Ok(response) if outgoing.may_come(&response) => Ok((response, lease)),
        Ok(_) => Err(Failure {
            kind: FailureKind::Reset,
            unprocessed: false,
        }),
        Err(waited) => Err(Failure {
            kind: match waited.kind {
                // An idle connection that was closed meanwhile says nothing of the worker.
                FailureKind::Reset if lease.reused => FailureKind::Stale,
                kind => kind,
            },
            unprocessed: waited.unprocessed,
        }),
    }
}

/// A connection to a worker. PyWorkers speak HTTP/1.1 only.
async fn lease(
    walk: &Walk,
    outgoing: &Outgoing,
    hired: WorkerUrl,
    fresh: bool,
) -> Result<Lease, FailureKind> {
    let (worker, backend) = (walk.worker(), walk.backend());
    let endpoint = walk.endpoint().ok_or(FailureKind::Connect)?;
    let (now, limit) = (worker.coarse_now(), backend.pool_idle);
    let pools = &worker.pools;
    let pool = pools.of_hired(endpoint.id, hired, backend.connector_id(), now);
    let spoken = Some(Spoken::Http1);
    let taken = poll_fn(|cx| Poll::Ready(pool.take(spoken, now, limit, !fresh, cx))).await;
    if let Some(lease) = taken {
        endpoint.cells.of(worker.index).reused.add(1);
        return Ok(lease);
    }
    let address = hired.address;
    let name = hired
        .https
        .then(|| ServerName::IpAddress(address.ip().into()));
    let way = Way {
        url: &address.to_string(),
        target: &Target::Address(address),
        server_name: name.as_ref(),
        endpoint,
    };
    fresh_lease(walk, way, &pool, spoken, outgoing).await
}

fn headers(outgoing: &Outgoing, length: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in &PASSED {
        for value in outgoing.head.headers.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CONTENT_LENGTH, length.into());
    if let Some(id) = outgoing.id() {
        headers.insert(REQUEST_ID, id.clone());
    }
    headers
}

fn authority(worker: WorkerUrl) -> HeaderValue {
    let text = worker.address.to_string();
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("worker"))
}

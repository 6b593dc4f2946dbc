//! One try: lease a connection, send the request, wait for the response head.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderValue, TRANSFER_ENCODING, VIA};
use http::request::Parts;
use http::uri::{self, Uri};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use rustix::io::Errno;

use super::adapt::Fitting;
use super::answer::Answer;
use super::connect::{Way, connect};
use super::cut::unless_cut;
use super::deadline::Deadlines;
use super::dialect::Dialect;
pub(super) use super::failure::{Failure, FailureKind};
use super::greet::Spoken;
use super::handshake::is_of_tls;
use super::lease::{Lease, NoAnswer};
use super::lookout::{Floor, Lookout};
use super::payload::Payload;
use super::pool::Pool;
use super::upgrade::Asked;
use super::walk::Walk;
use crate::http1;
use crate::snapshot::{Authorization, Backend, Endpoint, HostRule, Member, Protocol};
use crate::wire::{
    Parts as WholeBody, REQUEST_ID, Replay, RequestBody, Upload, response_is_framed,
};

/// What is sent: a head that each try gets a copy of, and a body.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) head: Parts,
    said: Said,
    pub(super) body: OutgoingBody,
    pub(super) upload: Option<Rc<Upload>>,
    /// A second try does no harm, as far as method and declaration go.
    pub(super) repeatable: bool,
    pub(super) dialect: Dialect,
    /// What a 101 is the answer to.
    pub(super) asked: Option<Box<Asked>>,
    /// What it is for sides with another API.
    pub(super) fitting: Option<Box<Fitting>>,
    /// The body as it is wrapped for a Serverless worker, when it was found fit for that.
    pub(super) payload: Option<Box<Payload>>,
}

/// What we say beside the client's headers, in the way that the protocol has for it. Kept apart, so that
/// with HTTP/1.1 it is written without ever being put among them.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// The `Host`, as it came.
    pub(super) host: Option<HeaderValue>,
    /// Where the request comes from, in lines; `None` if it stands among the headers.
    pub(super) forwarded: Option<Bytes>,
    /// Its id, if it is ours.
    pub(super) id: Option<HeaderValue>,
}

/// The body, by how often it can be sent.
#[derive(Debug)]
pub(super) enum OutgoingBody {
    /// None: any number of times.
    Empty,
    /// Once; gone when taken.
    Once(Option<Incoming>),
    /// Again, up to a size.
    Replay(Replay<Incoming>),
    /// Made here: any number of times.
    Whole(Bytes),
}

impl Outgoing {
    /// Takes over a request.
    pub(super) fn new(
        head: Parts,
        said: Said,
        body: OutgoingBody,
        repeatable: bool,
        dialect: Dialect,
        asked: Option<Box<Asked>>,
        most: Option<u64>,
    ) -> Self {
        let has_body = !matches!(body, OutgoingBody::Empty);
        Self {
            head,
            said,
            body,
            upload: has_body.then(|| Rc::new(Upload::new(most))),
            repeatable,
            dialect,
            asked,
            fitting: None,
            payload: None,
        }
    }

    /// What we say beside its headers.
    pub(super) fn said(&self) -> Said {
        self.said.clone()
    }

    /// What we say of where the request comes from, taken away for a try that shall not say it, or given back.
    pub(super) fn origin(&mut self) -> &mut Option<Bytes> {
        &mut self.said.forwarded
    }

    /// What the request is called.
    pub(super) fn id(&self) -> Option<&HeaderValue> {
        let said = self.said.id.as_ref();
        said.or_else(|| self.head.headers.get(REQUEST_ID))
    }

    /// Whether this can be the response to it.
    pub(super) fn may_come(&self, response: &Response<Answer>) -> bool {
        match &self.asked {
            Some(asked) => asked.may_get(response),
            None => response.status() != StatusCode::SWITCHING_PROTOCOLS,
        }
    }

    /// Whether the response has no body by what it answers. With HTTP/2 its end may come later than its
    /// head, and nobody waits for that.
    pub(super) fn gets_no_body(&self, response: &Response<Answer>) -> bool {
        let status = response.status();
        self.head.method == Method::HEAD
            || (self.fitting.is_some() && self.own_method() == Method::HEAD)
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
    }

    /// Whether a further try would send the same request.
    pub(super) fn is_replayable(&self) -> bool {
        match &self.body {
            OutgoingBody::Empty | OutgoingBody::Whole(_) => true,
            OutgoingBody::Once(body) => body.is_some(),
            OutgoingBody::Replay(replay) => replay.is_replayable(),
        }
    }

    /// Whether the body was longer than what is held for a second try.
    pub(super) fn overflowed(&self) -> bool {
        matches!(&self.body, OutgoingBody::Replay(replay) if !replay.is_replayable())
    }

    pub(super) fn next_body(&mut self) -> RequestBody {
        if let Some(upload) = &self.upload {
            upload.begin();
        }
        match (&mut self.body, &self.upload) {
            (OutgoingBody::Empty, _) | (_, None) => RequestBody::Empty,
            (OutgoingBody::Once(body), Some(upload)) => match body.take() {
                Some(body) => RequestBody::Once(body, Rc::clone(upload)),
                None => RequestBody::Empty,
            },
            (OutgoingBody::Whole(body), Some(upload)) => {
                let parts = WholeBody::new([body.clone()]);
                RequestBody::Parts(Box::new(parts), Rc::clone(upload))
            }
            (OutgoingBody::Replay(replay), Some(upload)) => {
                RequestBody::Replay(replay.next_try(), Rc::clone(upload))
            }
        }
    }

    /// So much of the body was read by somebody else than a try: further ones begin with it.
    pub(super) fn hold(&self, read: Bytes) {
        if let OutgoingBody::Replay(replay) = &self.body {
            replay.hold(read);
        }
    }

    /// The `Host` that an endpoint of a backend gets.
    fn host<'a>(&'a self, backend: &'a Backend, endpoint: &'a Endpoint) -> &'a HeaderValue {
        match &backend.host {
            HostRule::Fixed(host) => host,
            HostRule::Endpoint => &endpoint.authority,
            // HTTP/1.1 needs one, and an HTTP/1.0 client may not have sent it.
            HostRule::Preserve => self.said.host.as_ref().unwrap_or(&endpoint.authority),
        }
    }

    /// The request as HTTP/1.1, written from the head that is kept for all tries.
    fn next_try(&mut self, lease: &mut Lease, backend: &Backend, member: &Member) {
        let body = self.next_body();
        let id = self.said.id.as_ref().map(HeaderValue::as_bytes);
        let id = id.map_or([&b""[..]; 3], |id| [b"x-request-id: ", id, b"\r\n"]);
        let request = http1::Request {
            method: &self.head.method,
            target: &self.head.uri,
            host: self.host(backend, &member.endpoint),
            authorization: match &member.authorization {
                Authorization::Theirs => http1::Authorization::Kept,
                Authorization::Nothing => http1::Authorization::Removed,
                Authorization::Ours(own) => http1::Authorization::Replaced(own),
            },
            headers: &self.head.headers,
            ready: &[
                id[0],
                id[1],
                id[2],
                self.said.forwarded.as_deref().unwrap_or_default(),
                via_line(self.head.version),
            ],
        };
        lease.begin(&request, body);
    }

    /// The request as HTTP/2, which has no `Host` and no framing among its headers. Its head is a copy,
    /// since a stream that the backend refuses does not give it back.
    fn next_stream(
        &mut self,
        walk: &Walk,
        backend: &Backend,
        member: &Member,
    ) -> Request<RequestBody> {
        let endpoint = &member.endpoint;
        let host = self.host(backend, endpoint);
        let target = absolute(&self.head.uri, endpoint, host);
        let mut headers = self.head.headers.clone();
        headers.remove(TRANSFER_ENCODING);
        if self.said.forwarded.is_some() {
            let peer = &walk.client().peer;
            peer.set_forwarded(&mut headers, self.said.host.clone(), false);
        }
        if let Some(id) = &self.said.id {
            headers.insert(REQUEST_ID, id.clone());
        }
        headers.append(VIA, via(self.head.version));
        match &member.authorization {
            Authorization::Theirs => None,
            Authorization::Nothing => headers.remove(AUTHORIZATION),
            Authorization::Ours(own) => headers.insert(AUTHORIZATION, own.clone()),
        };
        match target {
            Some(_) => headers.remove(HOST),
            // No authority that HTTP/2 could carry; as a header it may be anything.
            None => headers.insert(HOST, host.clone()),
        };
        let mut request = Request::new(self.next_body());
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = target.unwrap_or_else(|| self.head.uri.clone());
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = headers;
        request
    }

    /// A request that came back without a byte of it sent.
    fn put_back(&mut self, request: Request<RequestBody>) {
        let body = request.into_body();
        if let (OutgoingBody::Once(place), RequestBody::Once(body, _)) = (&mut self.body, body) {
            *place = Some(body);
        }
    }
}

/// The target with scheme and authority; `None` if there is no such URI.
fn absolute(target: &Uri, endpoint: &Endpoint, host: &HeaderValue) -> Option<Uri> {
    let mut parts = uri::Parts::default();
    parts.scheme = Some(match endpoint.server_name {
        Some(_) => uri::Scheme::HTTPS,
        None => uri::Scheme::HTTP,
    });
    parts.authority = Some(uri::Authority::try_from(host.as_bytes()).ok()?);
    parts.path_and_query = target.path_and_query().cloned();
    Uri::from_parts(parts).ok()
}

/// Sends the request to the endpoint of the walk's running try, if asked on a fresh connection.
///
/// # Errors
///
/// No response head came; the failure says whether the backend may have begun.
///
/// # Cancel safety
///
/// Dropping it closes the connection, which tells the backend to stop.
pub(super) async fn forward(
    walk: &Walk,
    outgoing: &mut Outgoing,
    fresh: bool,
) -> Result<(Response<Answer>, Lease), Failure> {
    let unsent = |kind| Failure {
        kind,
        unprocessed: true,
    };
    let mut lease = lease(walk, outgoing, fresh).await.map_err(unsent)?;
    let backend = walk.backend();
    let Some(member) = walk.member() else {
        return Err(unsent(FailureKind::Connect));
    };
    if walk.has_left() {
        // Nobody would read the answer.
        return Err(unsent(FailureKind::ClientBroke));
    }
    walk.is_sent();
    let upload = outgoing.upload.clone();
    let has_body = !matches!(outgoing.body, OutgoingBody::Empty);
    let wait = HeadWait {
        walk,
        limit: backend.head_timeout,
        upload: upload.as_deref(),
        floor: Floor::of(walk, &outgoing.head.headers, has_body),
    };
    let waited = match lease.spoken() {
        Spoken::Http1 => {
            outgoing.next_try(&mut lease, backend, member);
            let upload = upload.as_ref();
            wait.head(|cx| lease.poll_single(cx, upload)).await
        }
        Spoken::Http2 => {
            let request = outgoing.next_stream(walk, backend, member);
            let mut answer = lease.stream(request, upload.clone());
            wait.head(|cx| {
                let answer = answer.as_mut().poll(cx);
                let answer = answer.map_ok(|response| response.map(Answer::Shared));
                answer.map_err(|failed| NoAnswer::Shared(Box::new(failed)))
            })
            .await
        }
    };
    match waited {
        Ok(response) if outgoing.may_come(&response) && is_framed(&response) => {
            Ok((response, lease))
        }
        Ok(_) => Err(Failure {
            kind: FailureKind::Reset,
            unprocessed: false,
        }),
        Err(waited) => Err(failed(waited, outgoing, &lease, fresh)),
    }
}

/// Whether a response says in one way only where it ends. With HTTP/1.1 there is no other.
fn is_framed(response: &Response<Answer>) -> bool {
    matches!(response.body(), Answer::Single(_)) || response_is_framed(response.headers())
}

/// What a failure means, and whether the backend may have begun.
fn failed(waited: Waited, outgoing: &mut Outgoing, lease: &Lease, fresh: bool) -> Failure {
    let Waited {
        kind,
        unsent,
        unprocessed,
        refused,
    } = waited;
    if let Some(request) = unsent {
        outgoing.put_back(*request);
    }
    match (kind, refused) {
        (FailureKind::Timeout, _) => lease.timed_out(),
        (FailureKind::Reset, Refused::ByConnection) => lease.retire(),
        _ => {}
    }
    let kind = match kind {
        // A stream that is refused says that the endpoint is busy, not that its connection was closed.
        FailureKind::Reset if lease.reused && !fresh && refused != Refused::Stream => {
            FailureKind::Stale
        }
        kind => kind,
    };
    Failure { kind, unprocessed }
}

/// What is to be spoken for this request; `None` where the endpoint may choose.
fn spoken(backend: &Backend, endpoint: &Endpoint, outgoing: &Outgoing) -> Option<Spoken> {
    match backend.protocol {
        _ if outgoing.asked.is_some() => Some(Spoken::Http1),
        Protocol::Auto if endpoint.server_name.is_some() => None,
        Protocol::H1 => Some(Spoken::Http1),
        Protocol::H2 => Some(Spoken::Http2),
        Protocol::Auto if outgoing.dialect == Dialect::Grpc => Some(Spoken::Http2),
        Protocol::Auto => Some(Spoken::Http1),
    }
}

async fn lease(walk: &Walk, outgoing: &Outgoing, fresh: bool) -> Result<Lease, FailureKind> {
    let (worker, backend) = (walk.worker(), walk.backend());
    let endpoint = walk.endpoint().ok_or(FailureKind::Connect)?;
    let pool = worker.pools.of(endpoint.id, backend.connector_id());
    let spoken = spoken(backend, endpoint, outgoing);
    let (now, limit) = (worker.coarse_now(), backend.pool_idle);
    let taken = poll_fn(|cx| Poll::Ready(pool.take(spoken, now, limit, !fresh, cx))).await;
    if let Some(lease) = taken {
        endpoint.cells.of(worker.index).reused.add(1);
        return Ok(lease);
    }
    fresh_lease(walk, Way::to(endpoint), &pool, spoken, outgoing).await
}

/// A fresh connection on loan.
///
/// # Errors
///
/// There is none.
pub(super) async fn fresh_lease(
    walk: &Walk,
    way: Way<'_>,
    pool: &Rc<Pool>,
    spoken: Option<Spoken>,
    outgoing: &Outgoing,
) -> Result<Lease, FailureKind> {
    let (worker, backend, endpoint) = (walk.worker(), walk.backend(), way.url);
    // Boxed, since it is rare and large: what is inline makes every request's future larger.
    let connecting = connect(backend, way, pool, spoken, worker);
    match Box::pin(unless_cut(walk, connecting)).await {
        Some(Ok(lease)) => Ok(lease),
        Some(Err(error)) => {
            if is_of_tls(&error) && worker.may_complain() {
                let backend = &*backend.name;
                tracing::warn!(%error, backend, endpoint, "An endpoint is not whom it has to be");
            }
            let request_id = outgoing.id();
            tracing::debug!(%error, endpoint, ?request_id, "Cannot connect");
            Err(kind_of_connect(&error))
        }
        None => Err(FailureKind::Cut),
    }
}

fn kind_of_connect(error: &io::Error) -> FailureKind {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE) => FailureKind::NoDescriptor,
        _ => FailureKind::Connect,
    }
}

/// Waiting for a response head.
pub(super) struct HeadWait<'a> {
    pub(super) walk: &'a Walk,
    pub(super) limit: Duration,
    pub(super) upload: Option<&'a Upload>,
    pub(super) floor: Option<Floor>,
}

/// Why there was none.
pub(super) struct Waited {
    pub(super) kind: FailureKind,
    /// What came back.
    unsent: Option<Box<Request<RequestBody>>>,
    pub(super) unprocessed: bool,
    refused: Refused,
}

/// Whether an HTTP/2 backend has said that it did not process the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// It has not.
    No,
    /// This stream only.
    Stream,
    /// The connection ends before it.
    ByConnection,
}

impl Refused {
    /// By RFC 9113, 8.7: a stream reset with REFUSED_STREAM, or one above the last that a GOAWAY names.
    /// For the others, the engine reports the end of the connection as an I/O error.
    fn of(error: &hyper::Error) -> Self {
        let source = std::error::Error::source(error);
        match source.and_then(|source| source.downcast_ref::<h2::Error>()) {
            Some(error) if error.is_remote() && error.is_go_away() => Self::ByConnection,
            Some(error)
                if error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM) =>
            {
                Self::Stream
            }
            _ => Self::No,
        }
    }
}

impl HeadWait<'_> {
    pub(super) async fn head(
        &self,
        mut answer: impl FnMut(&mut Context<'_>) -> Poll<Result<Response<Answer>, NoAnswer>>,
    ) -> Result<Response<Answer>, Waited> {
        let deadlines: &Deadlines = &self.walk.worker().deadlines;
        let mut watch = Lookout::new(self.walk, self.limit, self.upload, self.floor);
        let deadline = deadlines.arm(watch.next());
        let fail = |kind| {
            Poll::Ready(Err(Waited {
                kind,
                unsent: None,
                unprocessed: false,
                refused: Refused::No,
            }))
        };
        poll_fn(|cx| {
            // Looked at first: an answer that came after the cut is not begun.
            if self.walk.is_cut() {
                return fail(FailureKind::Cut);
            }
            if let Poll::Ready(answer) = answer(cx) {
                return Poll::Ready(answer.map_err(|failed| self.waited(failed)));
            }
            if !deadline.poll_fired(cx) {
                return Poll::Pending;
            }
            if let Some(late) = watch.look() {
                return fail(late);
            }
            deadline.rearm(watch.next());
            deadline.poll_fired(cx);
            Poll::Pending
        })
        .await
    }

    fn waited(&self, failed: NoAnswer) -> Waited {
        match failed {
            NoAnswer::Single { error, sent } => Waited {
                kind: self.kind_of(matches!(error, http1::Error::Upload)),
                unsent: None,
                unprocessed: !sent,
                refused: Refused::No,
            },
            NoAnswer::Shared(mut failed) => {
                let kind = self.kind_of(failed.error().is_user());
                let refused = Refused::of(failed.error());
                let unsent = failed.take_message().map(Box::new);
                Waited {
                    kind,
                    unprocessed: unsent.is_some() || refused != Refused::No,
                    unsent,
                    refused,
                }
            }
        }
    }

    fn kind_of(&self, of_upload: bool) -> FailureKind {
        if self.upload.is_some_and(Upload::is_too_large) {
            FailureKind::BodyTooLarge
        } else if of_upload || self.upload.is_some_and(Upload::is_broken) {
            // An engine of HTTP/2 tells only that the stream was reset, which it was by itself.
            FailureKind::ClientBroke
        } else {
            FailureKind::Reset
        }
    }
}

/// What we add to `Via`: the version in which the message came, and our name.
pub(super) fn via(version: Version) -> HeaderValue {
    const V10: HeaderValue = HeaderValue::from_static("1.0 figshift");
    const V11: HeaderValue = HeaderValue::from_static("1.1 figshift");
    const V20: HeaderValue = HeaderValue::from_static("2.0 figshift");
    match version {
        Version::HTTP_10 => V10,
        Version::HTTP_2 => V20,
        _ => V11,
    }
}

/// The same as a line.
pub(super) fn via_line(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_10 => b"via: 1.0 figshift\r\n",
        Version::HTTP_2 => b"via: 2.0 figshift\r\n",
        _ => b"via: 1.1 figshift\r\n",
    }
}

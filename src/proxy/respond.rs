//! Answers: a backend's response on its way to the client, and the problem documents that
//! figshift writes by itself.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, VIA};
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::dialect::Dialect;
use super::forward::{FailureKind, via};
use super::lease::Lease;
use super::walk::Walk;
use super::worker::Worker;
use crate::stats::{Class, Fault};
use crate::wire::{
    GRPC, GRPC_MESSAGE, GRPC_STATUS, REQUEST_ID, grpc_code, grpc_message, grpc_status,
    problem_json, remove_from_response,
};

const REASON: HeaderName = HeaderName::from_static("x-figshift-reason");
const BACKEND: HeaderName = HeaderName::from_static("x-figshift-backend");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A backend's response goes to the client as it comes.
pub(super) fn relay(
    walk: Walk,
    lease: Lease,
    response: Response<Incoming>,
    class: Class,
    dialect: Dialect,
    id: HeaderValue,
) -> Response<ResponseBody> {
    let (mut head, body) = response.into_parts();
    let untold = dialect.waits_for_trailers(head.status, &head.headers);
    dress(&walk, &mut head, id);
    let relayed = Relayed {
        body,
        books: Some(Books {
            walk,
            lease,
            class,
            untold,
        }),
        begun: false,
    };
    Response::from_parts(head, ResponseBody::Relayed(relayed.settle_if_ended()))
}

/// Makes the head of a backend's response one of ours.
pub(super) fn dress(walk: &Walk, head: &mut Parts, id: HeaderValue) {
    remove_from_response(&mut head.headers);
    head.headers.append(VIA, via(head.version));
    head.version = Version::HTTP_11;
    head.headers.insert(REQUEST_ID, id);
    if walk.route().backend_header {
        head.headers.insert(BACKEND, walk.backend().header.clone());
    }
}

/// The body of an answer.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are relayed")]
pub(super) enum ResponseBody {
    /// From a backend.
    Relayed(Relayed),
    /// From us.
    Own(Option<Bytes>),
}

/// A backend's body with the books of its request, which are closed when it ends.
#[derive(Debug)]
pub(super) struct Relayed {
    body: Incoming,
    books: Option<Books>,
    begun: bool,
}

#[derive(Debug)]
struct Books {
    walk: Walk,
    lease: Lease,
    class: Class,
    /// Only the trailers will tell how a gRPC call ended.
    untold: bool,
}

impl Books {
    fn read_trailers(&mut self, trailers: &HeaderMap) {
        if let (true, Some(status)) = (self.untold, grpc_status(trailers)) {
            self.untold = false;
            self.class = Class::of_status(status, || false);
            self.walk.told_late(status, self.class);
        }
    }

    /// The class of a response that came to its end. A call that does not say how it ended has failed.
    fn class_at_end(&self) -> Class {
        if self.untold {
            Class::ServerError
        } else {
            self.class
        }
    }
}

impl Relayed {
    fn settle_if_ended(mut self) -> Self {
        if self.body.is_end_stream() {
            self.settle(None, true);
        } else if let Some(books) = &mut self.books {
            books.walk.streams();
        }
        self
    }

    /// Closes the books: as the head said, or with the class of what went wrong.
    fn settle(&mut self, wrong: Option<Class>, just_looked: bool) {
        let Some(books) = self.books.take() else {
            return;
        };
        let class = wrong.unwrap_or_else(|| books.class_at_end());
        let Books { walk, lease, .. } = books;
        if wrong.is_none() {
            lease.give_back(walk.worker().coarse_now(), walk.backend());
        }
        walk.ends(class, just_looked);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(books) = &self.books
            && books.walk.is_cut()
        {
            self.settle(Some(Class::Cancelled), false);
            return Poll::Ready(Some(Err(Broken::Cut)));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            if let Some(books) = &self.books {
                books.walk.wake_when_cut(cx);
            }
            return Poll::Pending;
        };
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(trailers), Some(books)) = (frame.trailers_ref(), &mut self.books) {
                    books.read_trailers(trailers);
                }
                let first = !std::mem::replace(&mut self.begun, true);
                if let (true, Some(books)) = (first, &mut self.books) {
                    books.walk.first_byte();
                }
                if self.body.is_end_stream() {
                    self.settle(None, first);
                }
            }
            Some(Err(error)) => {
                if let Some(books) = &self.books
                    && books.walk.worker().may_complain()
                {
                    let backend = &*books.walk.backend().name;
                    tracing::warn!(%error, backend, "A response broke after its head");
                }
                self.settle(Some(Class::Broken), false);
            }
            None => self.settle(None, false),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Broken::Upstream)))
    }
}

/// Why the body of an answer has no proper end. The engine passes it on as the protocol's own
/// abort: a closed connection, or a reset stream.
#[derive(Debug)]
pub(super) enum Broken {
    /// The backend's connection or stream broke.
    Upstream(hyper::Error),
    /// A hard rollback.
    Cut,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream(error) => error.fmt(f),
            Self::Cut => f.write_str("cut by a hard rollback"),
        }
    }
}

impl std::error::Error for Broken {}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Relayed(relayed) => relayed.poll(cx),
            Self::Own(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Relayed(relayed) => relayed.body.is_end_stream(),
            Self::Own(body) => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Relayed(relayed) => relayed.body.size_hint(),
            Self::Own(body) => SizeHint::with_exact(body.as_ref().map_or(0, |b| b.len() as u64)),
        }
    }
}

/// What a client reads when figshift answers by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) fault: Fault,
    pub(super) detail: &'static str,
}

impl Problem {
    /// For a request whose last try failed.
    pub(super) fn of_failure(kind: FailureKind) -> Self {
        let (status, fault, detail) = match kind {
            FailureKind::Connect => (
                StatusCode::BAD_GATEWAY,
                Fault::Connect,
                "No connection to the backend could be made",
            ),
            FailureKind::Reset | FailureKind::Stale => (
                StatusCode::BAD_GATEWAY,
                Fault::Reset,
                "The backend closed the connection or sent something that is no HTTP response; \
                 it may have begun to process the request",
            ),
            FailureKind::Timeout => (
                StatusCode::GATEWAY_TIMEOUT,
                Fault::Timeout,
                "The backend sent no response head in time; it may still process the request",
            ),
            FailureKind::Cut => (
                StatusCode::BAD_GATEWAY,
                Fault::Cut,
                "An operator took all requests from the backend before it had answered this one; \
                 it may have begun to process it",
            ),
            FailureKind::ClientSlow => (
                StatusCode::REQUEST_TIMEOUT,
                Fault::BadRequest,
                "The request body did not arrive in time",
            ),
            FailureKind::ClientBroke => (
                StatusCode::BAD_REQUEST,
                Fault::BadRequest,
                "The request body could not be read",
            ),
        };
        Self {
            status,
            fault,
            detail,
        }
    }

    /// For a request that was never tried.
    pub(super) fn of_fault(fault: Fault, detail: &'static str) -> Self {
        let status = match fault {
            Fault::NoRoute => StatusCode::NOT_FOUND,
            Fault::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Fault::NoEndpoint => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Connect | Fault::Reset | Fault::Cut => StatusCode::BAD_GATEWAY,
            Fault::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Fault::BadRequest => StatusCode::BAD_REQUEST,
            Fault::Redirect => super::redirect::STATUS,
        };
        Self {
            status,
            fault,
            detail,
        }
    }

    /// Writes, counts and logs it. `at` names the route or the target, for the log.
    pub(super) fn answer(
        self,
        worker: &Worker,
        at: &str,
        id: &HeaderValue,
        dialect: Dialect,
    ) -> Response<ResponseBody> {
        let reason = self.fault.as_str();
        let id_text = id.to_str().unwrap_or_default();
        worker.cell().faults[self.fault as usize].add(1);
        if self.fault != Fault::Redirect && worker.may_complain() {
            let status = self.status.as_u16();
            tracing::warn!(
                reason,
                status,
                at,
                request_id = id_text,
                "Answered for a backend"
            );
        }
        let mut response = match dialect {
            Dialect::Http => self.document(id_text),
            Dialect::Grpc => self.call_status(),
        };
        let headers = response.headers_mut();
        headers.insert(REASON, HeaderValue::from_static(reason));
        headers.insert(REQUEST_ID, id.clone());
        response
    }

    fn document(self, id: &str) -> Response<ResponseBody> {
        let reason = self.fault.as_str();
        let title = self.status.canonical_reason().unwrap_or(reason);
        let body = problem_json(self.status.as_u16(), title, reason, self.detail, id);
        let mut response = Response::new(ResponseBody::Own(Some(body.into())));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM);
        response
    }

    /// The end of a gRPC call, all in the head.
    fn call_status(self) -> Response<ResponseBody> {
        let mut response = Response::new(ResponseBody::Own(None));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, GRPC);
        headers.insert(GRPC_STATUS, grpc_code(self.status.as_u16()));
        headers.insert(GRPC_MESSAGE, grpc_message(self.detail));
        response
    }
}

//! Answers: a backend's response on its way to the client, and the problem documents that
//! figshift writes by itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, VIA};
use http::response::Parts;
use http::{Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::forward::{FailureKind, via};
use super::pool::Lease;
use super::walk::Walk;
use super::worker::Worker;
use crate::stats::{Class, Fault};
use crate::wire::{REQUEST_ID, problem_json, remove_from_response};

const REASON: HeaderName = HeaderName::from_static("x-figshift-reason");
const BACKEND: HeaderName = HeaderName::from_static("x-figshift-backend");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A backend's response goes to the client as it comes.
pub(super) fn relay(
    walk: Walk,
    lease: Lease,
    response: Response<Incoming>,
    class: Class,
    id: HeaderValue,
) -> Response<ResponseBody> {
    let (mut head, body) = response.into_parts();
    dress(&walk, &mut head, id);
    let relayed = Relayed {
        body,
        books: Some(Books { walk, lease, class }),
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
}

impl Relayed {
    fn settle_if_ended(mut self) -> Self {
        if self.body.is_end_stream() {
            self.settle(None, true);
        } else if let Some(books) = &self.books {
            books.walk.streams();
        }
        self
    }

    /// Closes the books: as the head said, or with the class of what went wrong.
    fn settle(&mut self, wrong: Option<Class>, just_looked: bool) {
        let Some(Books { walk, lease, class }) = self.books.take() else {
            return;
        };
        if wrong.is_none() {
            lease.give_back(walk.worker().coarse_now(), walk.backend());
        }
        walk.ends(wrong.unwrap_or(class), just_looked);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(_)) => {
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
        Poll::Ready(frame)
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

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
    ) -> Response<ResponseBody> {
        let reason = self.fault.as_str();
        let id_text = id.to_str().unwrap_or_default();
        worker.cell().faults[self.fault as usize].add(1);
        if worker.may_complain() {
            let status = self.status.as_u16();
            tracing::warn!(
                reason,
                status,
                at,
                request_id = id_text,
                "Answered for a backend"
            );
        }
        let body = problem_json(
            self.status.as_u16(),
            self.status.canonical_reason().unwrap_or(reason),
            reason,
            self.detail,
            id_text,
        );
        let mut response = Response::new(ResponseBody::Own(Some(body.into())));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM);
        headers.insert(REASON, HeaderValue::from_static(reason));
        headers.insert(REQUEST_ID, id.clone());
        response
    }
}

//! What figshift answers by itself: problem documents, and the ends of gRPC calls.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use super::dialect::Dialect;
use super::failure::{Lost, Unfit};
use super::forward::FailureKind;
use super::respond::ResponseBody;
use super::worker::Worker;
use crate::stats::{Fault, Trouble};
use crate::wire::{
    GRPC, GRPC_MESSAGE, GRPC_STATUS, REQUEST_ID, grpc_code, grpc_message, problem_json,
};

pub(super) const REASON: HeaderName = HeaderName::from_static("x-figshift-reason");
/// Names the only backend that may serve a request.
const OWNER: HeaderName = HeaderName::from_static("x-figshift-owner");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What a client reads whose body is larger than its route allows.
pub(super) const BODY_TOO_LARGE: &str = "The request body is larger than this route allows";

/// What a client reads when figshift answers by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) fault: Fault,
    pub(super) detail: &'static str,
    /// In seconds.
    retry_after: Option<u32>,
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
            FailureKind::NoDescriptor => (
                StatusCode::BAD_GATEWAY,
                Fault::Connect,
                "figshift has no file descriptor left for a connection to the backend",
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
            FailureKind::Stream(trouble) => return Self::of_trouble(trouble),
            FailureKind::Cut => (
                StatusCode::BAD_GATEWAY,
                Fault::Cut,
                "An operator took all requests from the backend before it had answered this one; \
                 it may have begun to process it",
            ),
            FailureKind::QueueFull => (
                StatusCode::SERVICE_UNAVAILABLE,
                Fault::QueueFull,
                "The backend is busy, and too many requests wait for it already",
            ),
            FailureKind::QueueLate => (
                StatusCode::SERVICE_UNAVAILABLE,
                Fault::QueueTimeout,
                "The backend was busy for too long; the request was not sent to it",
            ),
            FailureKind::ClientSlow => (
                StatusCode::REQUEST_TIMEOUT,
                Fault::SlowBody,
                "The request body did not arrive in time",
            ),
            FailureKind::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                Fault::BodyTooLarge,
                BODY_TOO_LARGE,
            ),
            FailureKind::Unfit(unfit) | FailureKind::Unadapted(unfit) => {
                return Self::of_unfit(unfit);
            }
            FailureKind::Lost(lost) => return Self::of_lost(lost),
            FailureKind::Engine => (
                StatusCode::BAD_GATEWAY,
                Fault::Connect,
                "The engine of the Serverless endpoint could not be asked for a worker; the request was not \
                 sent to one",
            ),
            FailureKind::Refused => (
                StatusCode::BAD_GATEWAY,
                Fault::Refused,
                "Serverless did not let the request in; it was not processed",
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
            retry_after: None,
        }
    }

    /// For a request for something that was made before.
    fn of_lost(lost: Lost) -> Self {
        let detail = match lost {
            Lost::Gone => {
                "What you ask for was made by a backend that is no side of this route any more; the request was \
                 not sent"
            }
            Lost::Unsure => {
                "What you ask for was not found on one side, and the other one, which may have it, did not answer"
            }
            Lost::Unnamed => {
                "What you ask for has another id where it is now, which could not be put into this request; it \
                 was not sent"
            }
            Lost::Nowhere => "Neither side has what you ask for",
            Lost::List => {
                "One side has not told what it has, and half a list would read as if things were lost"
            }
        };
        let problem = Self::of_fault(Fault::Owner, detail);
        match lost {
            Lost::Unsure | Lost::List => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                ..problem
            },
            Lost::Nowhere => Self {
                status: StatusCode::NOT_FOUND,
                ..problem
            },
            Lost::Gone | Lost::Unnamed => problem,
        }
    }

    /// For a request that only one backend could have been sent, and that cannot be.
    fn of_unfit(unfit: Unfit) -> Self {
        let (fault, detail) = match unfit {
            Unfit::Method => (
                Fault::Unsupported,
                "This service takes POST requests only, and no upgrades: its backend is Serverless",
            ),
            Unfit::Type => (
                Fault::Unfit,
                "This service takes application/json only, without a Content-Encoding: its backend is Serverless",
            ),
            Unfit::Body => (
                Fault::Unfit,
                "The request body is not exactly one JSON object of a sensible depth, which a Serverless backend needs",
            ),
            Unfit::Path => (
                Fault::NoRoute,
                "This path leads to what controls a Serverless worker, and not to its model",
            ),
            Unfit::Large => (
                Fault::BodyTooLarge,
                "The request body is larger than `max_body` of the Serverless backend",
            ),
            Unfit::Operation => (
                Fault::NoRoute,
                "The adapter of this route has no operation for this request",
            ),
            Unfit::NotJson => (
                Fault::BadRequest,
                "The request body is not JSON of a sensible depth, which this operation needs",
            ),
            Unfit::Long => (
                Fault::BodyTooLarge,
                "The request body is larger than `max_body` of the adapter of this route",
            ),
            Unfit::Untranslated => (
                Fault::Adapter,
                "The request could not be adapted to what the backend expects; it was not sent",
            ),
        };
        Self::of_fault(fault, detail)
    }

    /// For an event stream that had no event.
    fn of_trouble(trouble: Trouble) -> Self {
        let (fault, detail) = match trouble {
            Trouble::FirstEvent | Trouble::Gap => (
                Fault::Stalled,
                "The backend answered and then sent no event in time; it may still process the request",
            ),
            Trouble::Broken | Trouble::ErrorEvent => (
                Fault::Broken,
                "The backend answered, and its connection broke before the first event",
            ),
            Trouble::Empty => (
                Fault::Empty,
                "The backend answered with an event stream that has no event",
            ),
            Trouble::Adapter => (
                Fault::Adapter,
                "The backend answered, and that could not be adapted to what you expect; it may have processed \
                 the request",
            ),
        };
        Self::of_fault(fault, detail)
    }

    /// For a request that was never tried.
    pub(super) fn of_fault(fault: Fault, detail: &'static str) -> Self {
        let status = match fault {
            Fault::NoRoute => StatusCode::NOT_FOUND,
            Fault::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Fault::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Fault::NoEndpoint | Fault::QueueFull | Fault::QueueTimeout => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Fault::Connect
            | Fault::Reset
            | Fault::Refused
            | Fault::Cut
            | Fault::Empty
            | Fault::Adapter
            | Fault::Owner
            | Fault::Broken => StatusCode::BAD_GATEWAY,
            Fault::Unfit => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Fault::Timeout | Fault::Stalled => StatusCode::GATEWAY_TIMEOUT,
            Fault::BadRequest => StatusCode::BAD_REQUEST,
            Fault::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Fault::UriTooLong => StatusCode::URI_TOO_LONG,
            Fault::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::SlowHead | Fault::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Fault::Redirect => super::redirect::STATUS,
        };
        Self {
            status,
            fault,
            detail,
            retry_after: None,
        }
    }

    /// Tells after which time to come again, in whole seconds and not at once.
    pub(super) fn after(self, wait: Duration) -> Self {
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        Self {
            retry_after: Some(seconds.max(1)),
            ..self
        }
    }

    /// The same, if there is such a time.
    pub(super) fn after_some(self, wait: Option<Duration>) -> Self {
        wait.map_or(self, |wait| self.after(wait))
    }

    /// Writes, counts and logs it. `at` names the route or the target, for the log.
    pub(super) fn answer(
        self,
        worker: &Worker,
        at: &str,
        id: &HeaderValue,
        dialect: Dialect,
    ) -> Response<ResponseBody> {
        self.answer_for(worker, at, id, dialect, None)
    }

    /// The same for a request that only one backend may serve, which is named.
    pub(super) fn answer_for(
        self,
        worker: &Worker,
        at: &str,
        id: &HeaderValue,
        dialect: Dialect,
        owner: Option<&HeaderValue>,
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
            Dialect::Http => self.document(id_text, owner),
            Dialect::Grpc => self.call_status(),
        };
        let headers = response.headers_mut();
        headers.insert(REASON, HeaderValue::from_static(reason));
        headers.insert(REQUEST_ID, id.clone());
        if let Some(owner) = owner {
            headers.insert(OWNER, owner.clone());
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }

    fn document(self, id: &str, owner: Option<&HeaderValue>) -> Response<ResponseBody> {
        let reason = self.fault.as_str();
        let title = self.status.canonical_reason().unwrap_or(reason);
        let owner = owner.and_then(|owner| owner.to_str().ok());
        let detail = match owner {
            Some(owner) => format!(
                "{}. What it is for belongs to the backend {owner}",
                self.detail
            ),
            None => self.detail.to_owned(),
        };
        let body = problem_json(self.status.as_u16(), title, reason, &detail, id);
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

//! One operation: what clients ask and what a backend gets, in heads and by programs.

use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, IF_RANGE, RANGE,
};
use http::uri::{PathAndQuery, Uri};
use http::{Method, StatusCode};

use super::rules::{HeaderRules, QueryRules};
use crate::adapt::{Filter, Pattern, Taken, Val, query_pairs, unescaped};
use crate::config::model::{DoneMark, VARIABLES};
use crate::stats::{Cells, OperationCell};
use crate::wire::forget_body;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// `[adapters.NAME.operations.NAME]`, as it is in force.
#[derive(Debug)]
pub struct Operation {
    /// As in the file.
    pub name: Box<str>,
    /// What clients send.
    pub client: Pattern,
    /// What the backend gets.
    pub backend: Pattern,
    /// From the client's body to the backend's.
    pub request: Option<Arc<Filter>>,
    /// From a good response to what the client gets.
    pub response: Option<Arc<Filter>>,
    /// From a bad one.
    pub error: Option<Arc<Filter>>,
    /// `response` is for each event of a stream.
    pub of_events: bool,
    /// `[DONE]` of a stream.
    pub done: DoneMark,
    pub(super) statuses: Box<[(u16, StatusCode)]>,
    pub(super) query: QueryRules,
    pub(super) headers: HeaderRules,
    pub(super) response_headers: HeaderRules,
    /// What the workers have counted.
    pub cells: Arc<Cells<OperationCell>>,
}

/// What is known of a request by the programs of its operation.
#[derive(Debug, Clone)]
pub struct Asked {
    path: Val,
    query: Val,
    /// Its body; null where no program wants it.
    pub request: Val,
    id: Val,
    time: Val,
}

impl Asked {
    /// Of a request with this query and these names in its path; `time`: seconds of Unix time.
    pub fn new(taken: &Taken, query: Option<&str>, id: &str, time: u64) -> Self {
        let path = taken.iter();
        let path = path.map(|(name, value)| (name.to_owned(), Val::from(unescaped(value))));
        let query = query_pairs(query.unwrap_or_default());
        Self {
            path: Val::object(path),
            query: Val::object(query.map(|(name, value)| (name, Val::from(value)))),
            request: Val::null(),
            id: Val::from(id.to_owned()),
            time: Val::from(i64::try_from(time).unwrap_or(i64::MAX)),
        }
    }

    /// The values of [`VARIABLES`].
    pub fn values(&self, status: Option<StatusCode>) -> [Val; VARIABLES.len()] {
        let status = status.map_or_else(Val::null, |status| Val::from(i64::from(status.as_u16())));
        [
            self.path.clone(),
            self.query.clone(),
            self.request.clone(),
            status,
            self.id.clone(),
            self.time.clone(),
        ]
    }
}

impl Operation {
    /// Whether the body of a request has to be read before it can be sent: a program wants it, or it is left out.
    pub fn reads_request(&self) -> bool {
        self.request.is_some() || self.replies_with_request() || self.leaves_body()
    }

    /// Whether a program for a response wants the body of the request.
    pub fn replies_with_request(&self) -> bool {
        let replies = [&self.response, &self.error];
        let mut replies = replies.into_iter().flatten();
        replies.any(|filter| filter.uses("request"))
    }

    /// Whether the backend's method has no body although the client's may have one.
    fn leaves_body(&self) -> bool {
        let bare = |pattern: &Pattern| {
            let bare = [Method::GET, Method::HEAD, Method::DELETE];
            pattern.method().is_some_and(|method| bare.contains(method))
        };
        self.request.is_none() && bare(&self.backend) && !bare(&self.client)
    }

    /// Whether its requests have a body of its own: JSON by its program, or none at all.
    pub fn makes_body(&self) -> bool {
        self.request.is_some() || self.leaves_body()
    }

    /// The method and the target that a request gets. `None`: no target that could be sent.
    pub fn target(
        &self,
        method: &Method,
        taken: &Taken,
        query: Option<&str>,
    ) -> Option<(Method, Uri)> {
        let path = self.backend.fill(taken);
        let query = self.query.apply(query, self.backend.query());
        let target = match query.is_empty() {
            true => path,
            false => format!("{path}?{query}"),
        };
        let target = PathAndQuery::try_from(target).ok()?;
        let method = match self.backend.method() {
            // Asked for without its body.
            Some(own) if own == Method::GET && method == Method::HEAD => Method::HEAD,
            Some(own) => own.clone(),
            None => method.clone(),
        };
        Some((method, Uri::from(target)))
    }

    /// Makes the header lines of a request those that the backend gets. `length`: of the body, if it is one that was
    /// made here.
    pub fn dress_request(&self, headers: &mut HeaderMap, length: Option<usize>) {
        if let Some(length) = length {
            forget_body(headers);
            headers.remove(CONTENT_TYPE);
            if self.request.is_some() {
                headers.insert(CONTENT_TYPE, JSON);
            }
            if length > 0 || self.request.is_some() {
                headers.insert(CONTENT_LENGTH, length.into());
            }
        }
        if self.response.is_some() || self.error.is_some() {
            // A part of a body, or a body that cannot be read, could not be adapted.
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
            headers.insert(ACCEPT_ENCODING, IDENTITY);
        }
        self.headers.apply(headers);
    }

    /// A status of the backend, as clients get it.
    pub fn status(&self, status: StatusCode) -> StatusCode {
        let mut statuses = self.statuses.iter();
        let own = statuses.find(|(from, _)| *from == status.as_u16());
        own.map_or(status, |(_, to)| *to)
    }

    /// Makes the head of a response that of the client's. `changed`: its body becomes another one.
    pub fn dress_response(&self, status: &mut StatusCode, headers: &mut HeaderMap, changed: bool) {
        if changed {
            forget_body(headers);
        }
        *status = self.status(*status);
        self.response_headers.apply(headers);
    }

    /// The type and length of a body that was made by a program.
    pub fn tell_body(headers: &mut HeaderMap, length: usize) {
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(CONTENT_LENGTH, length.into());
    }
}

//! A compiled route: its conditions, its split and its two arms.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{HeaderMap as Headers, Method};

use super::adapter::Adapter;
use super::backend::Backend;
use super::ownership::Ownership;
use super::rate::RateLimit;
use super::status::Statuses;
use crate::policy::{Salt, Split};
use crate::stats::{Cells, Cohorts, Side, SideCell};

/// One side of a route.
#[derive(Debug, Clone)]
pub struct Arm {
    /// Who serves.
    pub backend: Arc<Backend>,
    /// What stands before it, where its API is another one.
    pub adapter: Option<Arc<Adapter>>,
    /// What the workers have counted of this side.
    pub cells: Arc<Cells<SideCell>>,
}

/// Where a sticky key is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sticky {
    /// A request header.
    Header(HeaderName),
    /// A cookie.
    Cookie(Box<str>),
    /// A query parameter.
    Query(Box<str>),
    /// The client's address.
    ClientIp,
}

/// As it stands in the file.
impl fmt::Display for Sticky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::ClientIp => f.write_str("client_ip"),
        }
    }
}

/// Conditions beside host and path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// One of these; none means any.
    pub methods: Box<[Method]>,
    /// All of these; without a value, being there is enough.
    pub headers: Box<[(HeaderName, Option<HeaderValue>)]>,
}

impl Match {
    /// Whether a request fulfils them.
    pub fn holds(&self, method: &Method, headers: &HeaderMap) -> bool {
        (self.methods.is_empty() || self.methods.contains(method))
            && self
                .headers
                .iter()
                .all(|(name, value)| header_holds(headers, name, value.as_ref()))
    }
}

fn header_holds(headers: &Headers, name: &HeaderName, value: Option<&HeaderValue>) -> bool {
    match value {
        None => headers.contains_key(name),
        Some(value) => headers.get_all(name).iter().any(|given| given == value),
    }
}

/// A route.
#[derive(Debug)]
pub struct Route {
    /// As in the file.
    pub name: Box<str>,
    /// Conditions beside host and path.
    pub matches: Match,
    /// The share of the candidate.
    pub split: Split,
    /// Why it is that, for people: what decides first, the file last.
    pub why: Box<str>,
    /// The key of the sticky hash.
    pub salt: Salt,
    /// Where sticky keys are, in order.
    pub sticky: Box<[Sticky]>,
    /// The legacy side.
    pub primary: Arm,
    /// The new side.
    pub candidate: Option<Arm>,
    /// What the guard is fed with; `None` where nobody compares.
    pub cohorts: Option<Arc<Cohorts>>,
    /// What of its requests stays where it was made.
    pub ownership: Box<[Arc<Ownership>]>,
    /// Its requests pass as they are, and belong to no side: it has neither adapters nor rules.
    pub is_plain: bool,
    /// Statuses that send a request elsewhere.
    pub fallback_on: Statuses,
    /// Bytes of a body held for a second try.
    pub replay_bytes: usize,
    /// How often a client may ask.
    pub rate: Option<Arc<RateLimit>>,
    /// Bytes that a body may have.
    pub max_body: Option<u64>,
    /// Every method may be repeated.
    pub idempotent: bool,
    /// An event stream goes to the client from its first event on.
    pub hold: bool,
    /// How often a comment is sent meanwhile.
    pub keep_alive: Option<std::time::Duration>,
    /// Its requests may have to be carried on apart: comments are sent, or a backend has to be drained.
    pub may_outlive: bool,
    /// Upgrades are carried.
    pub upgrade: bool,
    /// `x-figshift-side` is obeyed from trusted peers.
    pub side_header: bool,
    /// `x-figshift-backend` is set on responses.
    pub backend_header: bool,
}

impl Route {
    /// The arm of a side.
    pub fn arm(&self, side: Side) -> Option<&Arm> {
        match side {
            Side::Primary => Some(&self.primary),
            Side::Candidate => self.candidate.as_ref(),
        }
    }

    /// Whether a backend may refuse a request of this route although its body was begun.
    pub fn may_refuse(&self, grpc: bool) -> bool {
        let mut arms = [Some(&self.primary), self.candidate.as_ref()]
            .into_iter()
            .flatten();
        // What says in its body whom it belongs to is read before it is known where it goes.
        if self.ownership.iter().any(|rule| rule.reads_bodies()) {
            return true;
        }
        // What is adapted is read before it is known whether it can be.
        arms.any(|arm| arm.adapter.is_some() || arm.backend.may_refuse(grpc))
    }

    /// The arm that may take over from the given side. At 0 % the candidate gets no user request,
    /// not even one that fails on the primary.
    pub fn alternative(&self, side: Side) -> Option<&Arm> {
        match side {
            Side::Candidate => Some(&self.primary),
            Side::Primary if self.split.is_open() => self.candidate.as_ref(),
            Side::Primary => None,
        }
    }
}

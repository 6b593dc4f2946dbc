//! Backends and their endpoints, and the choice among them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use rand::{RngExt, rngs::SmallRng};
use rustls::pki_types::ServerName;

use super::fitness::Fitness;
use super::seats::Limit;
use super::serverless::Serverless;
use super::status::Statuses;
use crate::config::model::{Health, Protocol, Ready};
use crate::policy::{Ticket, Weights, lighter};
use crate::stats::{Cells, EndpointCell};
use crate::tls::Connector;

/// Where to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Known.
    Address(SocketAddr),
    /// To be resolved at each connect.
    Name(Box<str>, u16),
}

/// One address. It outlives the snapshots that name it, so what is known of it survives reloads.
#[derive(Debug)]
pub struct Endpoint {
    /// Unique in this process; never used again.
    pub id: u64,
    /// What it is called in metrics and logs, and known by when its address changes: its URL, or what its
    /// source calls it.
    pub key: Box<str>,
    /// As written, without a trailing slash.
    pub url: Box<str>,
    /// Where to connect.
    pub target: Target,
    /// Who has to answer, if it speaks TLS.
    pub server_name: Option<ServerName<'static>>,
    /// `host:port` for the `Host` header.
    pub authority: HeaderValue,
    /// Whether it can serve.
    pub fitness: Fitness,
    /// It has to prove itself before it gets traffic, and after its breaker has tripped.
    pub proves: bool,
    /// What the workers have counted, at all addresses that it has had.
    pub cells: Arc<Cells<EndpointCell>>,
}

impl Endpoint {
    /// Tries on their way, over all workers and routes.
    pub fn in_flight(&self) -> i64 {
        self.cells.iter().map(|cell| cell.in_flight.get()).sum()
    }

    /// The same as one worker knows it: its own, and the others' as of its last look. To look at all
    /// cells for each request would cost a line of the cache for each worker.
    fn load(&self, worker: usize) -> i64 {
        let cell = self.cells.of(worker);
        cell.in_flight.get() + cell.elsewhere.get()
    }

    /// One worker looks at what the others have on their way.
    pub fn look_elsewhere(&self, worker: usize) {
        if let Some(cell) = self.cells.known(worker) {
            cell.elsewhere.set(self.in_flight() - cell.in_flight.get());
        }
    }
}

/// An endpoint in its backend.
#[derive(Debug)]
pub struct Member {
    /// Which.
    pub endpoint: Arc<Endpoint>,
    /// Relative share.
    pub weight: u32,
    /// What it gets to read in `Authorization`.
    pub authorization: Authorization,
}

/// What an endpoint gets to read in `Authorization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// What the client has written there.
    Theirs,
    /// Nothing: the file says that it is not the client's, and what else it may be is not known here.
    Nothing,
    /// This.
    Ours(HeaderValue),
}

impl Authorization {
    /// What figshift itself shows, where it asks.
    pub fn own(&self) -> Option<&HeaderValue> {
        match self {
            Self::Ours(own) => Some(own),
            Self::Theirs | Self::Nothing => None,
        }
    }
}

/// What the `Host` header becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRule {
    /// The client's.
    Preserve,
    /// The endpoint's authority.
    Endpoint,
    /// This.
    Fixed(HeaderValue),
}

impl HostRule {
    /// What figshift itself says, where it asks an endpoint.
    pub fn own(&self) -> Option<&HeaderValue> {
        match self {
            Self::Fixed(host) => Some(host),
            Self::Preserve | Self::Endpoint => None,
        }
    }
}

/// A logical service.
#[derive(Debug)]
pub struct Backend {
    /// As in the file.
    pub name: Box<str>,
    /// The name as a header value, for `x-figshift-backend`.
    pub header: HeaderValue,
    /// Its endpoints; may be none.
    pub members: Box<[Member]>,
    pub(super) weights: Weights,
    /// Endpoints that were discovered once and are gone now: they may come back.
    pub away: Box<[Arc<Endpoint>]>,
    /// Where its endpoints are learned from, if they are: `vastai`, `dns`, `file`, `http`.
    pub source: Option<&'static str>,
    /// How they prove themselves.
    pub ready: Ready,
    /// How its endpoints with TLS are connected to.
    pub connector: Option<Arc<Connector>>,
    /// What is spoken with it.
    pub protocol: Protocol,
    /// `Host` policy.
    pub host: HostRule,
    /// Limit of a connect.
    pub connect_timeout: Duration,
    /// Limit from the sent request to the response head.
    pub head_timeout: Duration,
    /// Limit from the head of an event stream to its first event.
    pub first_event: Duration,
    /// Limit of the silence between two events of an event stream.
    pub gap: Duration,
    /// The same between the bytes of any other body.
    pub body_gap: Option<Duration>,
    /// For how long an answer is read whose client has left; `None`: not at all.
    pub drain: Option<Duration>,
    /// Limit of a tunnel's silence, if any.
    pub tunnel_idle: Option<Duration>,
    /// Idle connections older than this are closed.
    pub pool_idle: Duration,
    /// Idle connections kept per endpoint and worker.
    pub pool_max_idle: usize,
    /// After this long without a sign of life, a busy HTTP/2 connection is asked for one.
    pub pool_ping: Option<Duration>,
    /// Statuses that are hard failures.
    pub breaker_statuses: Statuses,
    /// How long traffic rises after a recovery.
    pub slow_start: Duration,
    /// Active checks, if any.
    pub health: Option<Health>,
    /// How much may be on its way to it, if that has an end.
    pub limit: Option<Limit>,
    /// Where it is another address for each request.
    pub serverless: Option<Box<Serverless>>,
}

/// Endpoints that a request has already tried. A request never tries more than a few.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried {
    ids: [u64; Self::MOST],
    len: u8,
}

impl Tried {
    /// As many tries as a request may have.
    pub const MOST: usize = 4;

    /// Notes one. Past [`Tried::MOST`] the last is overwritten.
    pub fn push(&mut self, id: u64) {
        let slot = usize::from(self.len).min(Self::MOST - 1);
        self.ids[slot] = id;
        self.len = slot as u8 + 1;
    }

    /// Forgets the last one.
    pub fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether none has been tried.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn has(&self, id: u64) -> bool {
        self.ids[..self.len()].contains(&id)
    }
}

/// An endpoint that was chosen.
#[derive(Debug, Clone, Copy)]
pub struct Picked {
    /// Its place among the members.
    pub member: usize,
    /// To be handed back with the result.
    pub ticket: Ticket,
    /// Whether breakers and health checks were not asked.
    pub in_panic: bool,
}

impl Backend {
    /// What connections to it by TLS have been checked by.
    pub fn connector_id(&self) -> u64 {
        self.connector.as_ref().map_or(0, |connector| connector.id)
    }

    /// How long a request waits for its turn there, if it ever has to.
    pub fn patience(&self) -> Option<Duration> {
        let of_limit = self.limit.as_ref().map(|limit| limit.queue_time);
        let of_workers = self.serverless.as_ref().map(|terms| terms.wait);
        of_limit.max(of_workers)
    }

    /// Whether it may refuse a request unprocessed although its body was begun: one by HTTP/2 may, and
    /// a Serverless one.
    pub fn may_refuse(&self, grpc: bool) -> bool {
        match self.protocol {
            // Its body is read before it is known whether the request can be served there.
            _ if self.serverless.is_some() => true,
            Protocol::H1 => false,
            Protocol::H2 => true,
            Protocol::Auto => grpc || self.connector.is_some(),
        }
    }

    /// Chooses an endpoint that can serve and was not tried yet: the less loaded of two drawn by
    /// weight, else any other.
    pub fn pick(
        &self,
        now: Duration,
        tried: &Tried,
        worker: usize,
        rng: &mut SmallRng,
    ) -> Option<Picked> {
        self.pick_by(tried, worker, rng, |endpoint, draw| {
            endpoint.fitness.admit(now, draw)
        })
    }

    /// The same when everything is out: breakers and health checks are not asked.
    pub fn pick_in_panic(
        &self,
        tried: &Tried,
        worker: usize,
        rng: &mut SmallRng,
    ) -> Option<Picked> {
        let picked = self.pick_by(tried, worker, rng, |endpoint, _| {
            endpoint.fitness.admit_in_panic()
        })?;
        Some(Picked {
            in_panic: true,
            ..picked
        })
    }

    fn pick_by(
        &self,
        tried: &Tried,
        worker: usize,
        rng: &mut SmallRng,
        admit: impl Fn(&Endpoint, u32) -> Option<Ticket>,
    ) -> Option<Picked> {
        let try_member = |member: usize, draw: u32| {
            let endpoint = &self.members[member].endpoint;
            if tried.has(endpoint.id) {
                return None;
            }
            admit(endpoint, draw).map(|ticket| Picked {
                member,
                ticket,
                in_panic: false,
            })
        };
        if self.members.len() <= 1 {
            return (!self.members.is_empty())
                .then(|| try_member(0, rng.random()))
                .flatten();
        }
        let (one, two) = (
            self.weights.pick(rng.random())?,
            self.weights.pick(rng.random())?,
        );
        let (first, second) = if self.is_lighter(one, two, worker) {
            (one, two)
        } else {
            (two, one)
        };
        let start = rng.random_range(0..self.members.len());
        let others = (0..self.members.len()).map(|step| (start + step) % self.members.len());
        [first, second]
            .into_iter()
            .chain(others)
            .find_map(|member| try_member(member, rng.random()))
    }

    fn is_lighter(&self, one: usize, two: usize, worker: usize) -> bool {
        let load = |index: usize| {
            let member = &self.members[index];
            (member.endpoint.load(worker), member.weight)
        };
        one == two || lighter(load(one), load(two))
    }
}

//! The snapshot itself: one state of the house. `compile` makes it, `publish` hands it out; nobody
//! changes one that has been published.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::adapter::Adapter;
use super::backend::{Backend, Endpoint};
use super::cut::Cuts;
use super::limits::ClientLimits;
use super::ownership::Ownership;
use super::route::Route;
use super::router::Router;
use crate::config::model;
use crate::config::scalar::Net;
use crate::owners::Owners;
use crate::tls::Material;
use crate::wire::Trust;

/// One state of the house.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts the published states.
    pub epoch: u64,
    /// In the order of the file.
    pub routes: Box<[Route]>,
    /// By name.
    pub backends: Box<[Arc<Backend>]>,
    /// What stands before a side with another API, by name.
    pub adapters: Box<[Arc<Adapter>]>,
    /// Rules of what stays where it was made.
    pub ownership: Box<[Arc<Ownership>]>,
    /// What was learned by them.
    pub owners: Arc<Owners>,
    /// Finds the route of a request.
    pub router: Router,
    /// A client connection without a request for this long is closed.
    pub client_idle: Duration,
    /// What a client may ask of figshift.
    pub limits: ClientLimits,
    /// What hard rollbacks have cut.
    pub cuts: Cuts,
    /// What TLS needs.
    pub material: Arc<Material>,
    /// To which port of TLS plain requests are sent, if they are.
    pub redirect: Option<u16>,
    /// `Strict-Transport-Security`, if it is said.
    pub hsts: Option<HeaderValue>,
    /// How long a connection may take for its PROXY header and its TLS handshake.
    pub handshake: Duration,
    pub(super) announcing: Box<[Net]>,
    pub(super) trusted: Box<[Net]>,
    pub(super) next_endpoint: u64,
}

impl Snapshot {
    /// Nothing at all: what is published before the first configuration.
    pub fn empty() -> Self {
        Self {
            epoch: 0,
            routes: Box::default(),
            backends: Box::default(),
            adapters: Box::default(),
            ownership: Box::default(),
            owners: Owners::memory(0),
            router: Router::default(),
            client_idle: Duration::MAX,
            limits: (&model::ClientLimits::default()).into(),
            cuts: Cuts::default(),
            material: Arc::default(),
            redirect: None,
            hsts: None,
            handshake: Duration::MAX,
            announcing: Box::default(),
            trusted: Box::default(),
            next_endpoint: 0,
        }
    }
}

impl Snapshot {
    /// Cuts candidates off from all requests that have pinned an earlier snapshot: the candidate of
    /// a route, or all of them. To be said before it is published.
    pub fn cut(&mut self, route: Option<&str>) {
        self.cuts.add(route, self.epoch);
    }

    /// Whether connections from this address begin with a PROXY header.
    pub fn is_announced_by(&self, address: IpAddr) -> bool {
        self.announcing.iter().any(|net| net.contains(address))
    }

    /// Endpoints of `before` that have to prove themselves, and are not there any more: requests that have pinned
    /// an older state must not go there.
    pub fn doubt_the_gone(&self, before: &Self) {
        for old in &before.backends {
            let new = self.backends.iter().find(|new| new.name == old.name);
            let stays = |endpoint: &Arc<Endpoint>| {
                let mut members = new.into_iter().flat_map(|new| &new.members);
                members.any(|member| Arc::ptr_eq(&member.endpoint, endpoint))
            };
            let members = old.members.iter().map(|member| &member.endpoint);
            for endpoint in members.filter(|endpoint| endpoint.proves && !stays(endpoint)) {
                endpoint.fitness.doubt();
            }
        }
    }

    /// Tells endpoints that were taken over what is new for them. Not the compiler's work: what is
    /// compiled may still be refused.
    pub(super) fn settle(&self) {
        for backend in &self.backends {
            for member in &backend.members {
                let fitness = &member.endpoint.fitness;
                fitness.set_slow_start(backend.slow_start);
            }
            if let Some(limit) = &backend.limit {
                limit.seats.resize(limit.in_flight);
            }
        }
    }
}

impl Trust for Snapshot {
    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(address))
    }
}

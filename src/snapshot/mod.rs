//! Everything that a request may consult, immutable and complete. The control plane compiles and
//! publishes snapshots, workers pin and read them; the two meet here and nowhere else.

mod backend;
mod compile;
mod effective;
mod fitness;
mod publish;
mod route;
mod router;
mod status;

pub use backend::{Backend, Endpoint, HostRule, Member, Picked, Target, Tried};
pub use compile::{Unsound, compile};
pub use fitness::{Fitness, Sight};
pub use publish::{Pin, Publisher, Reader};
pub use route::{Arm, Match, Route, Sticky};
pub use router::{Ask, Router};
pub use status::Statuses;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::scalar::Net;
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
    /// Finds the route of a request.
    pub router: Router,
    /// A client connection without a request for this long is closed.
    pub client_idle: Duration,
    trusted: Box<[Net]>,
    next_endpoint: u64,
}

impl Snapshot {
    /// Nothing at all: what is published before the first configuration.
    pub fn empty() -> Self {
        Self {
            epoch: 0,
            routes: Box::default(),
            backends: Box::default(),
            router: Router::default(),
            client_idle: Duration::MAX,
            trusted: Box::default(),
            next_endpoint: 0,
        }
    }
}

impl Trust for Snapshot {
    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(address))
    }
}

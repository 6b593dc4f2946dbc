//! Idle connections of one worker, by endpoint. The one used last is taken first, so surplus ones
//! grow old and are closed. A connection comes back at the end of a response's body: before it,
//! hyper would not take another request on it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::task::AbortHandle;

use crate::snapshot::{Backend, Snapshot};
use crate::wire::RequestBody;

/// A connection to an endpoint: the end that takes requests, and the task that drives it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) driver: AbortHandle,
}

/// By endpoint id.
#[derive(Debug, Default)]
pub(super) struct Pools(RefCell<HashMap<u64, Rc<Pool>, BuildHasherDefault<IdHasher>>>);

/// Endpoint ids are small running numbers: spread enough as they are.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, id: u64) {
        // The table takes its place from the low bits and its tag from the high ones.
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The idle connections to one endpoint.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: RefCell<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Duration,
}

impl Pools {
    /// The pool of an endpoint.
    pub(super) fn of(&self, endpoint: u64) -> Rc<Pool> {
        Rc::clone(self.0.borrow_mut().entry(endpoint).or_default())
    }

    /// Closes what has been idle for too long, and what no backend names any more.
    pub(super) fn sweep(&self, now: Duration, snapshot: &Snapshot) {
        let mut pools = self.0.borrow_mut();
        let mut limits: HashMap<u64, Duration> = HashMap::new();
        for backend in &snapshot.backends {
            for member in &backend.members {
                limits.insert(member.endpoint.id, backend.pool_idle);
            }
        }
        pools.retain(|id, pool| match limits.get(id) {
            Some(limit) => {
                pool.drop_older(now, *limit);
                true
            }
            None => false,
        });
    }
}

impl Pool {
    /// Takes a connection that is ready for a request.
    pub(super) fn take(&self, now: Duration, limit: Duration) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        while let Some(last) = idle.pop() {
            if now.saturating_sub(last.since) > limit {
                // All others are older.
                idle.clear();
            } else if last.connection.sender.is_ready() {
                return Some(last.connection);
            }
        }
        None
    }

    fn give(&self, connection: Connection, now: Duration, most: usize) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < most {
            idle.push(Idle {
                connection,
                since: now,
            });
        }
    }

    fn drop_older(&self, now: Duration, limit: Duration) {
        self.idle.borrow_mut().retain(|idle| {
            now.saturating_sub(idle.since) <= limit && !idle.connection.sender.is_closed()
        });
    }
}

/// A connection on loan for one try. Dropped before the end of the response, it is closed at once:
/// its driver alone would first send what is left of the request, which a backend that reads no
/// more never lets it do.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Option<Connection>,
    pub(super) reused: bool,
    pool: Rc<Pool>,
}

impl Lease {
    pub(super) fn new(connection: Connection, pool: Rc<Pool>, reused: bool) -> Self {
        Self {
            connection: Some(connection),
            reused,
            pool,
        }
    }

    /// Where the request goes; there until the lease is given back.
    pub(super) fn sender(&mut self) -> Option<&mut SendRequest<RequestBody>> {
        Some(&mut self.connection.as_mut()?.sender)
    }

    /// Gives it back after the end of the response. One that is still busy, because the upload
    /// goes on or the backend wants it closed, is let go.
    pub(super) fn give_back(mut self, now: Duration, backend: &Backend) {
        if let Some(connection) = self.connection.take()
            && connection.sender.is_ready()
        {
            self.pool.give(connection, now, backend.pool_max_idle);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.driver.abort();
        }
    }
}

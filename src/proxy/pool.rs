//! Connections of one worker to its endpoints. Of those that take one request at a time, idle ones
//! are kept, and the one used last is taken first, so surplus ones grow old and are closed. One comes
//! back at the end of a response's body, and nobody looks at it but who takes it, and the sweep.
//! HTTP/2 connections are shared by as many tries as the endpoint takes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::greet::Spoken;
use super::lease::Lease;
use super::shared::Shared;
use super::stream::Stream;
use crate::http1::{self, Buffers};
use crate::snapshot::Snapshot;
use crate::vast::WorkerUrl;
use crate::wire::RequestBody;

/// A connection to an endpoint for one request at a time.
pub(super) type Single = http1::Connection<Stream, RequestBody>;

/// A connection to an endpoint.
#[derive(Debug)]
pub(super) enum Connection {
    /// HTTP/1.1.
    Single(Single),
    /// HTTP/2.
    Shared(Rc<Shared>),
}

/// The pools of one worker.
#[derive(Debug, Default)]
pub(super) struct Pools {
    /// By endpoint id.
    pools: RefCell<HashMap<u64, Rc<Pool>, BuildHasherDefault<IdHasher>>>,
    /// To Serverless workers, which come and go.
    hired: RefCell<HashMap<(u64, WorkerUrl), Hired>>,
    /// Of all connections for one request at a time.
    pub(super) buffers: Rc<Buffers>,
}

/// The connections to a Serverless worker.
#[derive(Debug)]
struct Hired {
    pool: Rc<Pool>,
    /// When it was last asked for.
    since: Duration,
}

/// So many Serverless workers are remembered; each comes out of a remote answer.
const MOST_HIRED: usize = 256;

/// Of an endpoint: how long its connections may be idle, how many stay so, and by which connector they
/// are made.
type Terms = (Duration, usize, u64);
/// So long more of them stay than may: as many as were just in use are needed again in a moment.
const GRACE: Duration = Duration::from_secs(1);

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

/// The connections to one endpoint that can be used.
#[derive(Debug)]
pub(super) struct Pool {
    /// By which connector all of them were made.
    connector: u64,
    idle: RefCell<Vec<Idle>>,
    shared: RefCell<Vec<Rc<Shared>>>,
    /// What the endpoint has chosen, where it may choose.
    chosen: Cell<Option<Spoken>>,
    /// One place, for who makes a connection that others can share; the others wait in a row.
    making: Semaphore,
    /// Counts the connections that could not be made while that was held.
    failures: Cell<u64>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            connector: 0,
            idle: RefCell::default(),
            shared: RefCell::default(),
            chosen: Cell::new(None),
            making: Semaphore::new(1),
            failures: Cell::new(0),
        }
    }
}

#[derive(Debug)]
struct Idle {
    connection: Single,
    since: Duration,
}

impl Pools {
    /// The pool of an endpoint. What another connector has made was checked in another way and is left
    /// to those who use it.
    pub(super) fn of(&self, endpoint: u64, connector: u64) -> Rc<Pool> {
        let mut pools = self.pools.borrow_mut();
        let pool = pools.entry(endpoint).or_default();
        if pool.connector != connector {
            *pool = Rc::new(Pool {
                connector,
                ..Pool::default()
            });
        }
        Rc::clone(pool)
    }

    /// The pool of a worker of a Serverless backend, of which this is the endpoint.
    pub(super) fn of_hired(
        &self,
        endpoint: u64,
        worker: WorkerUrl,
        connector: u64,
        now: Duration,
    ) -> Rc<Pool> {
        let mut hired = self.hired.borrow_mut();
        let key = (endpoint, worker);
        if hired.len() >= MOST_HIRED && !hired.contains_key(&key) {
            let oldest = hired.iter().min_by_key(|(_, hired)| hired.since);
            let oldest = oldest.map(|(key, _)| *key);
            oldest.map(|key| hired.remove(&key));
        }
        let fresh = || Hired {
            pool: Rc::new(Pool {
                connector,
                ..Pool::default()
            }),
            since: now,
        };
        let known = hired.entry(key).or_insert_with(fresh);
        if known.pool.connector != connector {
            *known = fresh();
        }
        known.since = now;
        Rc::clone(&known.pool)
    }

    /// Closes what has been idle for too long, and what no backend names any more.
    pub(super) fn sweep(&self, now: Duration, snapshot: &Snapshot) {
        let mut pools = self.pools.borrow_mut();
        let mut limits: HashMap<u64, Terms> = HashMap::new();
        for backend in &snapshot.backends {
            for member in &backend.members {
                let most = backend.pool_max_idle;
                let terms = (backend.pool_idle, most, backend.connector_id());
                limits.insert(member.endpoint.id, terms);
            }
        }
        pools.retain(|id, pool| match limits.get(id) {
            Some((limit, most, connector)) if pool.connector == *connector => {
                pool.drop_older(now, *limit, *most);
                true
            }
            Some(_) | None => false,
        });
        let mut hired = self.hired.borrow_mut();
        hired.retain(|(id, _), hired| match limits.get(id) {
            Some((limit, most, connector)) if hired.pool.connector == *connector => {
                hired.pool.drop_older(now, *limit, *most);
                now.saturating_sub(hired.since) <= *limit
            }
            Some(_) | None => false,
        });
    }
}

impl Pool {
    /// Takes a connection that is ready for a request; of the idle ones only if asked, since where one
    /// turned out closed, all may be. The task that asks is the one that waits for the answer.
    pub(super) fn take(
        self: &Rc<Self>,
        spoken: Option<Spoken>,
        now: Duration,
        limit: Duration,
        idle_too: bool,
        cx: &mut Context<'_>,
    ) -> Option<Lease> {
        if spoken != Some(Spoken::Http1)
            && let Some(lease) = self.take_shared()
        {
            return Some(lease);
        }
        if !idle_too || spoken == Some(Spoken::Http2) {
            return None;
        }
        let single = Connection::Single(self.take_idle(now, limit, cx)?);
        Some(Lease::new(single, Rc::clone(self), true))
    }

    /// Takes a place on a shared connection that has room.
    pub(super) fn take_shared(self: &Rc<Self>) -> Option<Lease> {
        let shared = self.shared.borrow();
        let roomy = shared.iter().find(|shared| shared.has_room())?;
        let connection = Connection::Shared(Rc::clone(roomy));
        Some(Lease::new(connection, Rc::clone(self), true))
    }

    fn take_idle(&self, now: Duration, limit: Duration, cx: &mut Context<'_>) -> Option<Single> {
        let mut idle = self.idle.borrow_mut();
        while let Some(mut last) = idle.pop() {
            if now.saturating_sub(last.since) > limit {
                // All others are older.
                idle.clear();
            } else if last.connection.is_ready(cx) {
                return Some(last.connection);
            }
        }
        None
    }

    /// Keeps an idle connection, where any is kept; the sweep closes what is too many.
    pub(super) fn give(&self, connection: Single, now: Duration, most: usize) {
        if most > 0 {
            self.idle.borrow_mut().push(Idle {
                connection,
                since: now,
            });
        }
    }

    /// Takes over a connection that was just made to speak this, or what the endpoint chose.
    pub(super) fn add(self: &Rc<Self>, connection: Connection, spoken: Option<Spoken>) -> Lease {
        let speaks = match &connection {
            Connection::Single(_) => Spoken::Http1,
            Connection::Shared(shared) => {
                self.shared.borrow_mut().push(Rc::clone(shared));
                Spoken::Http2
            }
        };
        if spoken.is_none() {
            self.chosen.set(Some(speaks));
        }
        Lease::new(connection, Rc::clone(self), false)
    }

    /// Waits until nobody makes a connection that could be shared; `None` where none will be. The rest
    /// of those who wait fail with the one who tried: each would only wait for the same.
    ///
    /// # Errors
    ///
    /// Who was waited for could not make one.
    pub(super) async fn turn(&self, spoken: Option<Spoken>) -> io::Result<Option<Making<'_>>> {
        if spoken.or(self.chosen.get()) == Some(Spoken::Http1) {
            return Ok(None);
        }
        let known = self.failures.get();
        let held = self.making.acquire().await.ok();
        if self.failures.get() != known {
            return Err(io::Error::other(
                "the connection that others wait for failed",
            ));
        }
        if spoken.or(self.chosen.get()) == Some(Spoken::Http1) {
            // Found out by who was waited for: nobody has to wait for each other.
            return Ok(None);
        }
        Ok(Some(Making {
            pool: self,
            _held: held,
        }))
    }

    fn drop_older(&self, now: Duration, limit: Duration, most: usize) {
        let mut surplus = self.idle.borrow().len().saturating_sub(most);
        let mut cx = Context::from_waker(Waker::noop());
        self.idle.borrow_mut().retain_mut(|idle| {
            // The oldest stand first.
            let limit = if surplus > 0 { limit.min(GRACE) } else { limit };
            surplus = surplus.saturating_sub(1);
            now.saturating_sub(idle.since) <= limit && idle.connection.is_ready(&mut cx)
        });
        let mut shared = self.shared.borrow_mut();
        shared.retain(|shared| shared.is_usable() && !shared.is_idle_for(limit, now));
    }
}

/// The right to make a connection that others can share.
#[derive(Debug)]
pub(super) struct Making<'a> {
    pool: &'a Pool,
    _held: Option<SemaphorePermit<'a>>,
}

impl Making<'_> {
    /// It could not be made.
    pub(super) fn failed(&self) {
        self.pool.failures.set(self.pool.failures.get() + 1);
    }
}

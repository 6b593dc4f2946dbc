//! The client connections of one worker: who is at the other end, whether a request is running,
//! and how a connection is told to end. Idle ones are found by the worker's sweep, so an idle
//! connection has no timer of its own.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use slab::Slab;

use crate::snapshot::{Cuts, Pin};
use crate::wire::Peer;

/// So many times the idle limit may a client take for reading what is left of its last answer.
const READING_PATIENCE: u32 = 10;

/// How a connection shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Not yet.
    None,
    /// After the running request.
    Gently,
    /// At once.
    Now,
}

/// One client connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) peer: Peer,
    running: Cell<u32>,
    /// Has had a request.
    used: Cell<bool>,
    idle_since: Cell<Duration>,
    /// The candidate of which route streams to it: the snapshot, and its place in that.
    streaming: RefCell<Option<(Pin, usize)>>,
    ending: Cell<Ending>,
    waker: RefCell<Option<Waker>>,
}

impl Client {
    fn new(address: IpAddr, now: Duration) -> Self {
        Self {
            peer: Peer::new(address),
            running: Cell::new(0),
            used: Cell::new(false),
            idle_since: Cell::new(now),
            streaming: RefCell::new(None),
            ending: Cell::new(Ending::None),
            waker: RefCell::new(None),
        }
    }

    pub(super) fn request_began(&self) {
        self.running.set(self.running.get() + 1);
        self.used.set(true);
    }

    pub(super) fn request_ended(&self, now: Duration) {
        self.running.set(self.running.get().saturating_sub(1));
        self.idle_since.set(now);
        *self.streaming.borrow_mut() = None;
    }

    /// The candidate of a route has begun to stream to it, until the request ends.
    pub(super) fn streams(&self, pin: Pin, route: usize) {
        *self.streaming.borrow_mut() = Some((pin, route));
    }

    fn is_reached(&self, cuts: &Cuts) -> bool {
        self.streaming
            .borrow()
            .as_ref()
            .is_some_and(|(pin, route)| cuts.reach(&pin.routes[*route].name, pin.epoch))
    }

    /// How to end; the task is woken when this changes.
    pub(super) fn poll_ending(&self, cx: &Context<'_>) -> Ending {
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        self.ending.get()
    }

    fn end(&self, how: Ending) {
        if self.ending.replace(how) == how {
            return;
        }
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

/// All open client connections of one worker.
#[derive(Debug, Default)]
pub(super) struct Clients(RefCell<Slab<Rc<Client>>>);

impl Clients {
    pub(super) fn open(&self, address: IpAddr, now: Duration) -> (usize, Rc<Client>) {
        let client = Rc::new(Client::new(address, now));
        let key = self.0.borrow_mut().insert(Rc::clone(&client));
        (key, client)
    }

    pub(super) fn closed(&self, key: usize) {
        self.0.borrow_mut().try_remove(key);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Ends connections that have had no request for longer than the limit. A slow reader may still
    /// be waiting for the end of its last answer, and gets more time for it.
    pub(super) fn end_idle(&self, now: Duration, limit: Duration) {
        for (_, client) in self.0.borrow().iter() {
            let idle = now.saturating_sub(client.idle_since.get());
            if client.running.get() == 0 && idle > limit {
                let late = idle > limit.saturating_mul(READING_PATIENCE);
                client.end(if client.used.get() && !late {
                    Ending::Gently
                } else {
                    Ending::Now
                });
            }
        }
    }

    /// Ends connections that have had no request for longer than `quiet`, when the last bytes of their
    /// last answer are out; and those that never had one and are there for longer than `fresh`.
    pub(super) fn end_quiet(&self, now: Duration, quiet: Duration, fresh: Duration) {
        for (_, client) in self.0.borrow().iter() {
            let idle = now.saturating_sub(client.idle_since.get());
            match (client.running.get(), client.used.get()) {
                (0, true) if idle >= quiet => client.end(Ending::Gently),
                (0, false) if idle >= fresh => client.end(Ending::Now),
                _ => {}
            }
        }
    }

    /// Answers that are not out yet. An open connection without a running request has one that its
    /// client has not read.
    pub(super) fn unfinished(&self) -> u64 {
        let all = self.0.borrow();
        let used = all.iter().filter(|(_, client)| client.used.get());
        used.map(|(_, client)| u64::from(client.running.get().max(1)))
            .sum()
    }

    /// Ends every connection to which a candidate streams that was cut off, and says how many. The
    /// connection, since a stream to a client that reads slowly is not asked for its next part.
    pub(super) fn cut(&self, cuts: &Cuts) -> usize {
        let all = self.0.borrow();
        let reached = all.iter().filter(|(_, client)| client.is_reached(cuts));
        reached.map(|(_, client)| client.end(Ending::Now)).count()
    }

    /// Ends every connection at once.
    pub(super) fn end_now(&self) {
        for (_, client) in self.0.borrow().iter() {
            client.end(Ending::Now);
        }
    }
}

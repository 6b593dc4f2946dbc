//! The client connections of one worker: who is at the other end, whether a request is running,
//! and how a connection is told to end. Idle ones are found by the worker's sweep, so an idle
//! connection has no timer of its own.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use slab::Slab;

use super::pace::Pace;
use super::tunnel::Tunnel;
use crate::snapshot::{ClientLimits, Cuts, Pin};
use crate::stats::Lapse;
use crate::wire::Peer;

/// So many times the idle limit may a client take for reading what is left of its last answer.
const READING_PATIENCE: u32 = 10;

/// The longest frame of HTTP/2, unless both ends agree on longer ones.
const FRAME: u64 = 16 * 1024;

/// How a connection shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Not yet.
    None,
    /// After the running request.
    Gently,
    /// Its head is late: after saying so.
    SlowHead,
    /// At once.
    Now,
}

/// One client connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) peer: Peer,
    pub(super) pace: Pace,
    seen: Cell<Seen>,
    running: Cell<u32>,
    /// Has had a request.
    used: Cell<bool>,
    idle_since: Cell<Duration>,
    /// What candidates stream to it.
    streams: RefCell<Slab<Candidate>>,
    /// Parts of answers that were handed on, and answers of which the last part is not taken yet: of
    /// HTTP/2, where a client can take nothing though its socket does.
    handed: Cell<u64>,
    held: Cell<u32>,
    /// Requests that it gave up since the last look.
    given_up: Cell<u32>,
    /// It speaks HTTP/2: a stream can end without the others.
    multiplexed: Cell<bool>,
    /// What is carried on the connection after its last answer, a 101.
    tunnel: RefCell<Option<Box<Tunnel>>>,
    ending: Cell<Ending>,
    waker: RefCell<Option<Waker>>,
}

/// What the sweep has seen of a connection.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Bytes read when the last request had ended.
    read: u64,
    /// Since when the next head is on its way.
    head: Option<Duration>,
    /// How much of an answer was taken, while more waits, and since when that has not changed.
    stuck: Option<(u64, Duration)>,
}

/// A candidate that streams to a client: of which route, in which snapshot.
#[derive(Debug)]
struct Candidate {
    pin: Pin,
    route: usize,
    /// Who passes the stream on.
    waker: Option<Waker>,
}

impl Candidate {
    fn is_reached(&self, cuts: &Cuts) -> bool {
        cuts.reach(&self.pin.routes[self.route].name, self.pin.epoch)
    }
}

impl Client {
    fn new(address: IpAddr, now: Duration) -> Self {
        Self {
            peer: Peer::new(address),
            pace: Pace::default(),
            // The first head is awaited from the start.
            seen: Cell::new(Seen {
                head: Some(now),
                ..Seen::default()
            }),
            running: Cell::new(0),
            used: Cell::new(false),
            idle_since: Cell::new(now),
            streams: RefCell::default(),
            handed: Cell::new(0),
            held: Cell::new(0),
            given_up: Cell::new(0),
            multiplexed: Cell::new(false),
            tunnel: RefCell::new(None),
            ending: Cell::new(Ending::None),
            waker: RefCell::new(None),
        }
    }

    pub(super) fn request_began(&self) {
        self.running.set(self.running.get() + 1);
        self.used.set(true);
        self.pace.request_began();
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.get() > 0
    }

    pub(super) fn request_ended(&self, now: Duration) {
        self.running.set(self.running.get().saturating_sub(1));
        self.idle_since.set(now);
        self.seen.set(Seen {
            read: self.pace.bytes_read(),
            head: None,
            ..self.seen.get()
        });
    }

    /// It turned out to speak HTTP/2.
    pub(super) fn multiplexes(&self) {
        self.multiplexed.set(true);
        self.pace.is_shared();
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.get()
    }

    /// A part of an answer was handed on, and the next one is not asked for yet.
    pub(super) fn holds(&self) {
        self.handed.set(self.handed.get() + 1);
        self.held.set(self.held.get() + 1);
    }

    /// It is asked for.
    pub(super) fn holds_no_more(&self) {
        self.held.set(self.held.get().saturating_sub(1));
    }

    /// How much was taken of answers, if it takes nothing more of any. An engine of HTTP/2 has bytes in
    /// its own buffers, so what goes through the socket counts too, but not for pings and the like.
    fn stuck_at(&self) -> Option<u64> {
        let all_held = self.is_running() && self.held.get() >= self.running.get();
        let taken = || self.handed.get() + self.pace.bytes_written() / FRAME;
        (self.pace.stuck_at()).or_else(|| all_held.then(taken))
    }

    /// It has given up a request. When that is one too many for a second, its connection ends: each
    /// has cost a backend something. Whether it ends by this one.
    pub(super) fn gives_up(&self, most: u32) -> bool {
        if !self.multiplexed.get() {
            return false;
        }
        self.given_up.set(self.given_up.get() + 1);
        let floods = self.given_up.get() == most + 1;
        if floods {
            self.end(Ending::Now);
        }
        floods
    }

    /// When HTTP ends on the connection, this tunnel goes on.
    pub(super) fn leave_http(&self, tunnel: Box<Tunnel>) {
        *self.tunnel.borrow_mut() = Some(tunnel);
    }

    /// What goes on; taken however the connection ends, since it knows the client in its turn.
    pub(super) fn take_tunnel(&self) -> Option<Box<Tunnel>> {
        self.tunnel.borrow_mut().take()
    }

    /// The candidate of a route has begun to stream to it, until [`Client::streamed`].
    pub(super) fn streams(&self, pin: Pin, route: usize) -> usize {
        let waker = None;
        self.streams
            .borrow_mut()
            .insert(Candidate { pin, route, waker })
    }

    /// That stream has ended.
    pub(super) fn streamed(&self, stream: usize) {
        self.streams.borrow_mut().try_remove(stream);
    }

    /// Wakes this task when the stream is cut.
    pub(super) fn wake_when_cut(&self, stream: usize, cx: &Context<'_>) {
        if !self.multiplexed.get() {
            // Its connection is ended, and this with it.
            return;
        }
        if let Some(candidate) = self.streams.borrow_mut().get_mut(stream) {
            match &mut candidate.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
    }

    /// How many of its streams are reached by these cuts.
    fn reached(&self, cuts: &Cuts) -> usize {
        let streams = self.streams.borrow();
        streams
            .iter()
            .filter(|(_, candidate)| candidate.is_reached(cuts))
            .count()
    }

    /// Cuts what is reached, and says how many streams that was. With HTTP/1 the connection, since
    /// the body of a client that reads slowly is not asked for its next part.
    fn cut(&self, cuts: &Cuts) -> usize {
        let reached = self.reached(cuts);
        if reached > 0 && !self.multiplexed.get() {
            self.end(Ending::Now);
        }
        for (_, candidate) in self.streams.borrow().iter() {
            if let (true, Some(waker)) = (candidate.is_reached(cuts), &candidate.waker) {
                waker.wake_by_ref();
            }
        }
        reached
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

    /// What it neglects, as far as can be told from how it was at the last look.
    fn lapse(&self, now: Duration, limits: &ClientLimits) -> Option<Lapse> {
        let mut seen = self.seen.get();
        self.given_up.set(0);
        // What comes on an HTTP/2 connection without a request may be anything.
        if self.is_running() || self.multiplexed.get() && self.used.get() {
            seen.head = None;
        } else if seen.head.is_none() && self.pace.bytes_read() > seen.read {
            seen.head = Some(now);
        }
        seen.stuck = self.stuck_at().map(|at| match seen.stuck {
            Some((before, since)) if before == at => (at, since),
            _ => (at, now),
        });
        self.seen.set(seen);
        let late = |since: Duration, limit| now.saturating_sub(since) > limit;
        if seen.head.is_some_and(|since| late(since, limits.head_time)) {
            return Some(Lapse::SlowHead);
        }
        let stuck = seen
            .stuck
            .is_some_and(|(_, since)| late(since, limits.read_time));
        stuck.then_some(Lapse::Unread)
    }

    /// How it is told of that. Who has not said a word gets none either.
    fn end_for(&self, lapse: Lapse) {
        let silent = self.pace.bytes_read() == 0;
        self.end(match lapse {
            Lapse::SlowHead if !silent && !self.multiplexed.get() => Ending::SlowHead,
            _ => Ending::Now,
        });
    }

    /// Whether it has had no request for longer than the limit, and sends none.
    fn is_idle(&self, now: Duration, limit: Duration) -> bool {
        let sends = self.used.get() && self.seen.get().head.is_some();
        !self.is_running() && !sends && now.saturating_sub(self.idle_since.get()) > limit
    }

    fn is_ending_now(&self) -> bool {
        matches!(self.ending.get(), Ending::Now | Ending::SlowHead)
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

    /// Ends connections that are late with their head, that take nothing of their answer, or that
    /// have had no request for longer than the limit. A slow reader may still be waiting for the
    /// end of its last answer, and gets more time for it. Tells what was neglected.
    pub(super) fn sweep(
        &self,
        now: Duration,
        idle: Duration,
        limits: &ClientLimits,
        tell: impl Fn(Lapse),
    ) {
        for (_, client) in self.0.borrow().iter() {
            if let Some(lapse) = client.lapse(now, limits) {
                if !client.is_ending_now() {
                    tell(lapse);
                }
                client.end_for(lapse);
            } else if client.is_idle(now, idle) {
                let since = now.saturating_sub(client.idle_since.get());
                let late = since > idle.saturating_mul(READING_PATIENCE);
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

    /// Tells HTTP/2 clients to go elsewhere with their next request. Others are told with an answer.
    pub(super) fn send_away(&self) {
        let all = self.0.borrow();
        for (_, client) in all.iter().filter(|(_, client)| client.is_multiplexed()) {
            client.end(Ending::Gently);
        }
    }

    /// Answers that are not out yet. An open HTTP/1 connection without a running request has one that
    /// its client has not read.
    pub(super) fn unfinished(&self) -> u64 {
        let all = self.0.borrow();
        let used = all.iter().filter(|(_, client)| client.used.get());
        used.map(|(_, client)| {
            let least = u32::from(!client.is_multiplexed());
            u64::from(client.running.get().max(least))
        })
        .sum()
    }

    /// Cuts every stream of a candidate that was cut off, and says how many there were.
    pub(super) fn cut(&self, cuts: &Cuts) -> usize {
        self.0
            .borrow()
            .iter()
            .map(|(_, client)| client.cut(cuts))
            .sum()
    }

    /// Ends every connection with a stream that was cut and is still there: its client does not read.
    pub(super) fn end_cut(&self, cuts: &Cuts) {
        for (_, client) in self.0.borrow().iter() {
            if client.reached(cuts) > 0 {
                client.end(Ending::Now);
            }
        }
    }

    /// Ends every connection at once.
    pub(super) fn end_now(&self) {
        for (_, client) in self.0.borrow().iter() {
            client.end(Ending::Now);
        }
    }
}

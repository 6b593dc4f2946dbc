//! The client connections of one worker: who is at the other end, whether a request is running,
//! and how a connection is told to end. Idle ones are found by the worker's sweep, so an idle
//! connection has no timer of its own.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use slab::Slab;

use super::conduct::Conduct;
use super::pace::Pace;
use super::tunnel::Tunnel;
use crate::snapshot::{ClientLimits, Cuts, Pin};
use crate::stats::Lapse;
use crate::wire::{Flaw, Peer};

/// So many times the idle limit may a client take for reading what is left of its last answer.
const READING_PATIENCE: u32 = 10;

/// A connection that is silent for so long gives its engine back. Looked for each second, and told once
/// or twice.
const REST_AFTER: Duration = Duration::from_millis(500);
const REST_WITHIN: Duration = Duration::from_secs(2);

/// How a connection shall end; what comes later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(super) conduct: Conduct,
    running: Cell<u32>,
    /// Has had a request.
    used: Cell<bool>,
    idle_since: Cell<Duration>,
    /// What candidates stream to it.
    streams: RefCell<Slab<Candidate>>,
    /// It speaks HTTP/2: a stream can end without the others.
    multiplexed: Cell<bool>,
    /// What is carried on the connection after its last answer, a 101.
    tunnel: RefCell<Option<Box<Tunnel>>>,
    ending: Cell<Ending>,
    /// It may rest.
    rests: Cell<bool>,
    /// All that it has sent is whole requests.
    sent_whole: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Requests so far.
    requests: Cell<u32>,
    /// What is wrong with the request after so many.
    flaw: Cell<Option<(u32, Flaw)>>,
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
    fn new(peer: Peer, now: Duration) -> Self {
        Self {
            peer,
            pace: Pace::default(),
            conduct: Conduct::new(now),
            running: Cell::new(0),
            used: Cell::new(false),
            idle_since: Cell::new(now),
            streams: RefCell::default(),
            multiplexed: Cell::new(false),
            tunnel: RefCell::new(None),
            ending: Cell::new(Ending::None),
            rests: Cell::new(false),
            sent_whole: Cell::new(false),
            waker: RefCell::new(None),
            requests: Cell::new(0),
            flaw: Cell::new(None),
        }
    }

    pub(super) fn request_began(&self) {
        self.requests.set(self.requests.get().saturating_add(1));
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
        self.conduct.request_ended(&self.pace);
    }

    /// It turned out to speak HTTP/2.
    pub(super) fn multiplexes(&self) {
        self.multiplexed.set(true);
        self.pace.is_shared();
    }

    /// After so many requests comes one that cannot be trusted.
    pub(super) fn is_flawed_after(&self, requests: u32, flaw: Flaw) {
        self.flaw.set(Some((requests, flaw)));
    }

    /// What is wrong with the request that came last.
    pub(super) fn flaw(&self) -> Option<Flaw> {
        let (sound, flaw) = self.flaw.get()?;
        (self.requests.get() > sound).then_some(flaw)
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.get()
    }

    /// It has given up a request. When that is one too many for a second, its connection ends: each
    /// has cost a backend something. Whether it ends by this one.
    pub(super) fn gives_up(&self, most: u32) -> bool {
        if !self.multiplexed.get() {
            return false;
        }
        let floods = self.conduct.gives_up(most);
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

    /// What it neglects.
    fn lapse(&self, now: Duration, limits: &ClientLimits) -> Option<Lapse> {
        // What comes on an HTTP/2 connection without a request may be anything.
        let expects_head = !(self.is_running() || self.multiplexed.get() && self.used.get());
        let running = self.running.get();
        self.conduct
            .look(now, &self.pace, running, expects_head, limits)
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
        let sends = self.used.get() && self.conduct.sends_head();
        !self.is_running() && !sends && now.saturating_sub(self.idle_since.get()) > limit
    }

    /// What it has sent so far ends with the end of a request, or does not.
    pub(super) fn has_sent_whole(&self, whole: bool) {
        self.sent_whole.set(whole);
    }

    /// Whether it is between two requests, with nothing on its way in either direction, and nothing left
    /// in its engine: neither the beginning of a next head, nor the rest of a body that was answered early.
    fn is_silent(&self) -> bool {
        let engine_is_empty = self.sent_whole.get() && !self.pace.is_left_unread();
        let quiet = self.pace.owes_nothing() && !self.conduct.has_begun(&self.pace);
        !self.is_running() && quiet && engine_is_empty
    }

    /// Whether it has been silent for so long that it can do without an engine, and still is.
    pub(super) fn may_rest(&self) -> bool {
        self.rests.take() && self.is_silent()
    }

    /// Wakes its task when it has been silent for long.
    fn tell_to_rest(&self, now: Duration) {
        let idle = now.saturating_sub(self.idle_since.get());
        let used = self.used.get() && !self.multiplexed.get();
        if used && (REST_AFTER..REST_AFTER + REST_WITHIN).contains(&idle) && self.is_silent() {
            self.rests.set(true);
            if let Some(waker) = &*self.waker.borrow() {
                waker.wake_by_ref();
            }
        }
    }

    fn is_ending_now(&self) -> bool {
        matches!(self.ending.get(), Ending::Now | Ending::SlowHead)
    }

    /// Whoever has been told of a worse end is not told of a better one.
    fn end(&self, how: Ending) {
        if self.ending.get() >= how {
            return;
        }
        self.ending.set(how);
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
        let client = Rc::new(Client::new(Peer::new(address), now));
        let key = self.0.borrow_mut().insert(Rc::clone(&client));
        (key, client)
    }

    /// Who it is has become known, before its first request.
    pub(super) fn is_from(&self, key: usize, peer: Peer, now: Duration) -> Rc<Client> {
        let client = Rc::new(Client::new(peer, now));
        if let Some(place) = self.0.borrow_mut().get_mut(key) {
            // Its end may have been asked for in the meantime.
            client.ending.set(place.ending.get());
            *place = Rc::clone(&client);
        }
        client
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
            } else {
                client.tell_to_rest(now);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_at_once_is_not_told_to_end_gently_after_that() {
        let clients = Clients::default();
        let (_, client) = clients.open(IpAddr::from([127, 0, 0, 1]), Duration::ZERO);
        client.multiplexes();
        client.end(Ending::Gently);
        client.end(Ending::Now);
        // The worker is leaving meanwhile, and says so at each tick.
        clients.send_away();
        let cx = Context::from_waker(Waker::noop());
        assert_eq!(client.poll_ending(&cx), Ending::Now);
    }
}

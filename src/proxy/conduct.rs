//! What the client of a connection neglects, told by what the worker's sweep saw of it the last time.

use std::cell::Cell;
use std::time::Duration;

use super::pace::Pace;
use crate::snapshot::ClientLimits;
use crate::stats::Lapse;

/// The longest frame of HTTP/2, unless both ends agree on longer ones.
const FRAME: u64 = 16 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Conduct {
    seen: Cell<Seen>,
    /// Parts of answers that were handed on, and answers of which the last part is not taken yet: of
    /// HTTP/2, where a client can take nothing though its socket does.
    handed: Cell<u64>,
    held: Cell<u32>,
    /// Requests that it gave up since the last look.
    given_up: Cell<u32>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Bytes read when the last request had ended.
    read: u64,
    /// Since when the next head is on its way.
    head: Option<Duration>,
    /// How much of an answer was taken, while more waits, and since when that has not changed.
    stuck: Option<(u64, Duration)>,
}

impl Conduct {
    /// Of a new connection, whose first head is awaited from the start.
    pub(super) fn new(now: Duration) -> Self {
        let seen = Seen {
            head: Some(now),
            ..Seen::default()
        };
        Self {
            seen: Cell::new(seen),
            handed: Cell::new(0),
            held: Cell::new(0),
            given_up: Cell::new(0),
        }
    }

    pub(super) fn request_ended(&self, pace: &Pace) {
        self.seen.set(Seen {
            read: pace.bytes_read(),
            head: None,
            ..self.seen.get()
        });
    }

    /// Whether anything has come since the last request ended.
    pub(super) fn has_begun(&self, pace: &Pace) -> bool {
        pace.bytes_read() > self.seen.get().read
    }

    /// Whether the next head is on its way, as far as is known.
    pub(super) fn sends_head(&self) -> bool {
        self.seen.get().head.is_some()
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

    /// A request was given up: whether that was the one too many for a second.
    pub(super) fn gives_up(&self, most: u32) -> bool {
        self.given_up.set(self.given_up.get() + 1);
        self.given_up.get() == most + 1
    }

    /// How much was taken of answers, if nothing more is taken of any. An engine of HTTP/2 has bytes in
    /// its own buffers, so what goes through the socket counts too, but not pings and the like.
    fn stuck_at(&self, pace: &Pace, running: u32) -> Option<u64> {
        let all_held = running > 0 && self.held.get() >= running;
        let taken = || self.handed.get() + pace.bytes_written() / FRAME;
        pace.stuck_at().or_else(|| all_held.then(taken))
    }

    /// Looks, and tells what is neglected. Where no head is expected, bytes begin none.
    pub(super) fn look(
        &self,
        now: Duration,
        pace: &Pace,
        running: u32,
        expects_head: bool,
        limits: &ClientLimits,
    ) -> Option<Lapse> {
        self.given_up.set(0);
        let mut seen = self.seen.get();
        if !expects_head {
            seen.head = None;
        } else if seen.head.is_none() && pace.bytes_read() > seen.read {
            seen.head = Some(now);
        }
        seen.stuck = self.stuck_at(pace, running).map(|at| match seen.stuck {
            Some((before, since)) if before == at => (at, since),
            _ => (at, now),
        });
        self.seen.set(seen);
        let late = |since: Duration, limit| now.saturating_sub(since) > limit;
        if seen.head.is_some_and(|since| late(since, limits.head_time)) {
            return Some(Lapse::SlowHead);
        }
        let stuck = seen.stuck;
        let stuck = stuck.is_some_and(|(_, since)| late(since, limits.read_time));
        stuck.then_some(Lapse::Unread)
    }
}

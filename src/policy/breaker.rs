//! The breaker of one endpoint, for hard failures only. A failure adds 2 to the score and a
//! success takes 1 off; at 10 it trips, so five failures in a row trip it at once and half of the
//! answers failing trips it within some 15. Open for 1 s, doubled at each trip up to 60 s, plus up
//! to half of that as jitter; then one probe at a time, three good ones in a row close it, one bad
//! re-opens it. After that traffic rises from a tenth to all over the slow-start time. Answers to
//! requests from before a trip are ignored. The trip figures come from a simulation: a steady
//! failure rate of 2 % never trips it, 5 % in one of twenty runs of 100 000 requests.

use std::time::Duration;

const FAILURE: u8 = 2;
const TRIP: u8 = 10;
const BASE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
const PROBES: u8 = 3;
/// A probe that has not come back by then no longer blocks the next one.
const PROBE_PATIENCE: Duration = Duration::from_secs(30);
/// Closed for this long, the next trip begins again with the shortest wait.
const FORGIVEN_AFTER: Duration = Duration::from_secs(300);

/// What the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One probe at a time.
    Probing,
    /// A rising share.
    Warming,
}

impl Phase {
    /// All, in the order of their indexes.
    pub const ALL: [Self; 4] = [Self::Closed, Self::Open, Self::Probing, Self::Warming];

    /// As it stands in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Probing => "probing",
            Self::Warming => "warming",
        }
    }
}

/// Whether a request may go to the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admit {
    /// Yes; hand the ticket back with the result.
    Yes(Ticket),
    /// Not now; ask again after this time.
    No {
        /// Before it, the answer is the same.
        until: Duration,
    },
}

/// Ties a result to the breaker's state at the time of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Counts the changes of phase.
    pub generation: u32,
    /// Whether the request is a probe.
    pub probe: bool,
    /// Whether the endpoint has only just come, and is not warm yet.
    pub cold: bool,
}

/// The state machine. Times are since any fixed moment.
#[derive(Debug, Clone)]
pub struct Breaker {
    phase: Phase,
    generation: u32,
    score: u8,
    trips: u32,
    /// Open: the end of the wait. Warming: its start. Closed: since when.
    at: Duration,
    good_probes: u8,
    probe_since: Option<Duration>,
    slow_start: Duration,
    /// Warming since it came, not since it failed.
    cold: bool,
}

impl Breaker {
    /// Closed, with the given slow-start time.
    pub fn new(slow_start: Duration) -> Self {
        Self {
            phase: Phase::Closed,
            generation: 0,
            score: 0,
            trips: 0,
            at: Duration::ZERO,
            good_probes: 0,
            probe_since: None,
            slow_start,
            cold: false,
        }
    }

    /// The endpoint has shown that it is well, and its traffic rises from now on. One that has tripped has
    /// waited before; how often is not forgotten, so it waits longer if it trips again. One that has only
    /// just come is cold.
    pub fn warm_up(&mut self, now: Duration) {
        let is_new = self.phase == Phase::Closed;
        if self.slow_start.is_zero() {
            self.enter(Phase::Closed, now);
        } else {
            self.enter(Phase::Warming, now);
            self.cold = is_new;
        }
    }

    /// Until when it lets nothing through; `None` unless it is open.
    pub fn opens_at(&self) -> Option<Duration> {
        (self.phase == Phase::Open).then_some(self.at)
    }

    /// Whether it is warming since it came.
    pub fn is_cold(&self) -> bool {
        self.cold
    }

    /// Another slow-start time.
    pub fn set_slow_start(&mut self, slow_start: Duration) {
        self.slow_start = slow_start;
    }

    /// The present phase.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The present generation.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether a success would change nothing: closed and without failures on record.
    pub fn is_spotless(&self) -> bool {
        self.phase == Phase::Closed && self.score == 0
    }

    /// Asks for a request at `now`; `draw` is uniform over all 32-bit numbers.
    pub fn admit(&mut self, now: Duration, draw: u32) -> Admit {
        match self.phase {
            Phase::Closed => self.pass(false),
            Phase::Warming => self.admit_warming(now, draw),
            Phase::Open if now < self.at => Admit::No { until: self.at },
            Phase::Open => {
                self.enter(Phase::Probing, now);
                self.probe(now)
            }
            Phase::Probing => match self.probe_since {
                Some(since) if now < since + PROBE_PATIENCE => Admit::No {
                    until: since + PROBE_PATIENCE,
                },
                _ => self.probe(now),
            },
        }
    }

    /// A request that was admitted went well.
    pub fn succeed(&mut self, now: Duration, ticket: Ticket) {
        if ticket.generation != self.generation {
            return;
        }
        self.score = self.score.saturating_sub(1);
        if self.phase == Phase::Probing && ticket.probe {
            self.probe_since = None;
            self.good_probes += 1;
            if self.good_probes >= PROBES {
                let next = if self.slow_start.is_zero() {
                    Phase::Closed
                } else {
                    Phase::Warming
                };
                self.enter(next, now);
            }
        }
    }

    /// A request that was admitted failed hard; `draw` sets the jitter. Returns whether this
    /// tripped the breaker.
    pub fn fail(&mut self, now: Duration, ticket: Ticket, draw: u32) -> bool {
        if ticket.generation != self.generation {
            return false;
        }
        match self.phase {
            Phase::Open => false,
            Phase::Probing => {
                self.trip(now, draw);
                true
            }
            Phase::Closed | Phase::Warming => {
                self.score = self.score.saturating_add(FAILURE);
                let tripped = self.score >= TRIP;
                if tripped {
                    if self.phase == Phase::Closed && now.saturating_sub(self.at) >= FORGIVEN_AFTER
                    {
                        self.trips = 0;
                    }
                    self.trip(now, draw);
                }
                tripped
            }
        }
    }

    /// A request that was admitted ended without telling anything of the endpoint.
    pub fn abandon(&mut self, ticket: Ticket) {
        if ticket.probe && ticket.generation == self.generation {
            self.probe_since = None;
        }
    }

    fn admit_warming(&mut self, now: Duration, draw: u32) -> Admit {
        let gone = now.saturating_sub(self.at);
        if gone >= self.slow_start {
            self.enter(Phase::Closed, now);
            return self.pass(false);
        }
        let share = (gone.as_secs_f64() / self.slow_start.as_secs_f64()).max(0.1);
        if f64::from(draw) < share * f64::from(u32::MAX) {
            self.pass(false)
        } else {
            Admit::No { until: now }
        }
    }

    fn probe(&mut self, now: Duration) -> Admit {
        self.probe_since = Some(now);
        self.pass(true)
    }

    fn pass(&self, probe: bool) -> Admit {
        Admit::Yes(Ticket {
            generation: self.generation,
            probe,
            cold: self.cold,
        })
    }

    fn trip(&mut self, now: Duration, draw: u32) {
        let wait = BASE.saturating_mul(1 << self.trips.min(16)).min(LONGEST);
        self.trips = self.trips.saturating_add(1);
        let jitter = wait.mul_f64(0.5 * f64::from(draw) / f64::from(u32::MAX));
        self.enter(Phase::Open, now + wait + jitter);
    }

    fn enter(&mut self, phase: Phase, at: Duration) {
        self.phase = phase;
        self.at = at;
        self.generation = self.generation.wrapping_add(1);
        self.score = 0;
        self.good_probes = 0;
        self.probe_since = None;
        self.cold = false;
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;

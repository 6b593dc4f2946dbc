//! Whether an endpoint can serve: what all workers share of its breaker, and the word of the
//! active health checks. The success path reads one word and writes nothing; the state machine
//! behind the lock is touched only while something is wrong.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::policy::{Admit, Breaker, Phase, Ticket};

/// The breaker's state in one word: generation, whether failures are on record, phase.
#[derive(Debug, Clone, Copy)]
struct Word(u64);

impl Word {
    fn of(breaker: &Breaker) -> Self {
        let spots = u64::from(!breaker.is_spotless());
        Self(u64::from(breaker.generation()) << 3 | spots << 2 | breaker.phase() as u64)
    }

    fn phase(self) -> Phase {
        Phase::ALL[(self.0 & 3) as usize]
    }

    fn is_spotless(self) -> bool {
        self.0 >> 2 & 1 == 0
    }

    fn ticket(self) -> Ticket {
        Ticket {
            generation: (self.0 >> 3) as u32,
            probe: false,
            cold: false,
        }
    }
}

/// Why it is out whatever its breaker says: each is a bit of one word.
const UNHEALTHY: u8 = 1;
const UNPROVEN: u8 = 2;

/// What an operator may see of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Of the breaker.
    pub phase: Phase,
    /// By the active health checks; true where there are none.
    pub healthy: bool,
    /// It has answered what it has to before it gets traffic; true where nothing is asked.
    pub proven: bool,
    /// How often the breaker has tripped.
    pub trips: u64,
}

/// Shared by all workers, and kept across snapshots.
#[derive(Debug)]
pub struct Fitness {
    word: AtomicU64,
    /// While open or probing: milliseconds before which the answer is no.
    not_before: AtomicU64,
    out: AtomicU8,
    /// It has to prove itself before it gets traffic, and again after a trip.
    proves: bool,
    trips: AtomicU64,
    breaker: Mutex<Breaker>,
}

impl Fitness {
    /// Fit, with the given slow-start time.
    pub fn new(slow_start: Duration) -> Self {
        Self::with(slow_start, false)
    }

    /// Out until it has proven itself, and again whenever its breaker trips.
    pub fn unproven(slow_start: Duration) -> Self {
        Self::with(slow_start, true)
    }

    /// Out until it is trusted, once.
    pub fn untrusted(slow_start: Duration) -> Self {
        let fitness = Self::with(slow_start, false);
        fitness.doubt();
        fitness
    }

    fn with(slow_start: Duration, proves: bool) -> Self {
        let breaker = Breaker::new(slow_start);
        Self {
            word: AtomicU64::new(Word::of(&breaker).0),
            not_before: AtomicU64::new(0),
            out: AtomicU8::new(if proves { UNPROVEN } else { 0 }),
            proves,
            trips: AtomicU64::new(0),
            breaker: Mutex::new(breaker),
        }
    }

    /// Asks for a request at `now`; `draw` is uniform over all 32-bit numbers.
    pub fn admit(&self, now: Duration, draw: u32) -> Option<Ticket> {
        if self.out.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let word = self.load();
        match word.phase() {
            Phase::Closed => return Some(word.ticket()),
            Phase::Open | Phase::Probing
                if (now.as_millis() as u64) < self.not_before.load(Ordering::Relaxed) =>
            {
                return None;
            }
            _ => {}
        }
        let mut breaker = self.lock();
        let answer = breaker.admit(now, draw);
        let until = match (breaker.phase(), answer) {
            (_, Admit::No { until }) => until,
            // The one probe is out: nobody else needs to ask before its patience is over.
            (Phase::Probing, Admit::Yes(_)) => match breaker.admit(now, draw) {
                Admit::No { until } => until,
                Admit::Yes(_) => now,
            },
            (_, Admit::Yes(_)) => now,
        };
        self.publish(&breaker, until);
        match answer {
            Admit::Yes(ticket) => Some(ticket),
            Admit::No { .. } => None,
        }
    }

    /// Whether a request at `now` could be admitted, without asking for one. True also for a
    /// breaker whose wait is over: it closes by nothing but a request.
    pub fn could_admit(&self, now: Duration) -> bool {
        self.out.load(Ordering::Relaxed) == 0
            && (self.load().phase() != Phase::Open
                || now.as_millis() as u64 >= self.not_before.load(Ordering::Relaxed))
    }

    /// A ticket whatever the breaker and the health checks say, for when everything is out and something
    /// must be tried. None where nobody knows whether it is the right one that would answer.
    pub fn admit_in_panic(&self) -> Option<Ticket> {
        let proven = self.out.load(Ordering::Relaxed) & UNPROVEN == 0;
        let word = self.load();
        proven.then(|| Ticket {
            cold: word.phase() == Phase::Warming && self.lock().is_cold(),
            ..word.ticket()
        })
    }

    /// A request that was admitted went well.
    pub fn succeed(&self, now: Duration, ticket: Ticket) {
        if self.load().is_spotless() {
            return;
        }
        let mut breaker = self.lock();
        breaker.succeed(now, ticket);
        self.publish(&breaker, now);
    }

    /// A request that was admitted failed hard. Returns whether this tripped the breaker.
    pub fn fail(&self, now: Duration, ticket: Ticket, draw: u32) -> bool {
        let mut breaker = self.lock();
        let tripped = breaker.fail(now, ticket, draw);
        if tripped {
            self.trips.fetch_add(1, Ordering::Relaxed);
            if self.proves {
                // Before anybody can ask again: who answers there may be somebody else by now.
                self.doubt();
            }
        }
        if breaker.generation() != ticket.generation && !tripped {
            return false;
        }
        let until = match breaker.phase() {
            Phase::Open => match breaker.admit(now, 0) {
                Admit::No { until } => until,
                Admit::Yes(_) => now,
            },
            _ => now,
        };
        self.publish(&breaker, until);
        tripped
    }

    /// A request that was admitted ended without telling anything of the endpoint.
    pub fn abandon(&self, now: Duration, ticket: Ticket) {
        if ticket.probe {
            let mut breaker = self.lock();
            breaker.abandon(ticket);
            self.publish(&breaker, now);
        }
    }

    /// The word of the active health checks.
    pub fn set_healthy(&self, healthy: bool) {
        match healthy {
            true => self.out.fetch_and(!UNHEALTHY, Ordering::Relaxed),
            false => self.out.fetch_or(UNHEALTHY, Ordering::Relaxed),
        };
    }

    /// It has proven itself: what was on record is over, and traffic rises from now on.
    pub fn enter(&self, now: Duration) {
        let mut breaker = self.lock();
        breaker.warm_up(now);
        self.publish(&breaker, now);
        self.out.fetch_and(!UNPROVEN, Ordering::Relaxed);
    }

    /// What was proven elsewhere holds here too, and nothing has to rise.
    pub fn trust(&self) {
        self.out.fetch_and(!UNPROVEN, Ordering::Relaxed);
    }

    /// Until when its breaker lets nobody try; `None` unless it has tripped.
    pub fn waits_until(&self) -> Option<Duration> {
        self.lock().opens_at()
    }

    /// It gets nothing more before it has proven itself.
    pub fn doubt(&self) {
        self.out.fetch_or(UNPROVEN, Ordering::Relaxed);
    }

    /// A new slow-start time, from a reload.
    pub fn set_slow_start(&self, slow_start: Duration) {
        self.lock().set_slow_start(slow_start);
    }

    /// For status pages and metrics.
    pub fn sight(&self) -> Sight {
        let out = self.out.load(Ordering::Relaxed);
        Sight {
            phase: self.load().phase(),
            healthy: out & UNHEALTHY == 0,
            proven: out & UNPROVEN == 0,
            trips: self.trips.load(Ordering::Relaxed),
        }
    }

    fn load(&self) -> Word {
        Word(self.word.load(Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        // Its methods do not panic half-way; a poisoned lock guards a whole state.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, breaker: &Breaker, not_before: Duration) {
        self.not_before
            .store(not_before.as_millis() as u64, Ordering::Relaxed);
        self.word.store(Word::of(breaker).0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::from_secs(50);

    #[test]
    fn trips_probes_and_closes_as_the_breaker_does() {
        let fitness = Fitness::new(Duration::ZERO);
        for n in 0..5 {
            let ticket = fitness.admit(T0, 0).unwrap();
            assert_eq!(fitness.fail(T0, ticket, 0), n == 4);
        }
        assert_eq!(fitness.sight().phase, Phase::Open);
        assert_eq!(fitness.sight().trips, 1);
        assert!(!fitness.could_admit(T0 + Duration::from_millis(999)));
        assert!(fitness.could_admit(T0 + Duration::from_secs(1)));
        assert_eq!(fitness.admit(T0 + Duration::from_millis(999), 0), None);
        let now = T0 + Duration::from_secs(1);
        for _ in 0..3 {
            let probe = fitness.admit(now, 0).unwrap();
            assert!(probe.probe);
            assert_eq!(fitness.admit(now, 0), None);
            fitness.succeed(now, probe);
        }
        assert_eq!(fitness.sight().phase, Phase::Closed);
        assert!(fitness.admit(now, 0).is_some());
    }

    #[test]
    fn a_lost_probe_makes_room_for_the_next() {
        let fitness = Fitness::new(Duration::ZERO);
        let ticket = fitness.admit(T0, 0).unwrap();
        for _ in 0..5 {
            fitness.fail(T0, ticket, 0);
        }
        let now = T0 + Duration::from_secs(1);
        let probe = fitness.admit(now, 0).unwrap();
        fitness.abandon(now, probe);
        assert!(fitness.admit(now, 0).is_some_and(|next| next.probe));
    }

    #[test]
    fn health_checks_have_the_last_word() {
        let fitness = Fitness::new(Duration::ZERO);
        fitness.set_healthy(false);
        assert_eq!(fitness.admit(T0, 0), None);
        assert!(!fitness.could_admit(T0));
        assert!(fitness.admit_in_panic().is_some_and(|ticket| !ticket.probe));
        fitness.set_healthy(true);
        assert!(fitness.could_admit(T0));
        assert!(fitness.admit(T0, 0).is_some());
    }

    #[test]
    fn who_has_to_prove_itself_gets_nothing_before() {
        let fitness = Fitness::unproven(Duration::from_secs(10));
        assert_eq!(fitness.admit(T0, 0), None);
        assert_eq!(fitness.admit_in_panic(), None);
        assert!(!fitness.could_admit(T0) && !fitness.sight().proven);
        fitness.enter(T0);
        assert_eq!(fitness.sight().phase, Phase::Warming);
        assert!(fitness.admit(T0, 0).is_some_and(|ticket| ticket.cold));
        assert_eq!(fitness.admit(T0, u32::MAX), None);
        let warm = T0 + Duration::from_secs(10);
        assert!(
            fitness
                .admit(warm, u32::MAX)
                .is_some_and(|ticket| !ticket.cold)
        );
        // A trip is a doubt, at once and whatever the breaker says later.
        let ticket = fitness.admit(warm, 0).unwrap();
        while !fitness.fail(warm, ticket, 0) {}
        let later = warm + Duration::from_secs(60);
        assert_eq!(fitness.waits_until(), Some(warm + Duration::from_secs(1)));
        assert_eq!(fitness.admit(later, 0), None);
        assert_eq!(fitness.admit_in_panic(), None);
        fitness.enter(later);
        // It is not new, and the next wait is longer.
        let ticket = fitness.admit(later, 0).unwrap();
        assert!(!ticket.cold);
        while !fitness.fail(later, ticket, 0) {}
        assert_eq!(fitness.waits_until(), Some(later + Duration::from_secs(2)));
        let warm = later;
        // What was out for another reason stays so.
        fitness.set_healthy(false);
        fitness.enter(warm);
        assert_eq!(fitness.admit(warm, 0), None);
        assert!(fitness.admit_in_panic().is_some());
    }

    #[test]
    fn a_success_that_changes_nothing_takes_no_lock() {
        let fitness = Fitness::new(Duration::ZERO);
        let ticket = fitness.admit(T0, 0).unwrap();
        let held = fitness.lock();
        fitness.succeed(T0, ticket);
        assert!(fitness.admit(T0, 0).is_some());
        drop(held);
    }
}

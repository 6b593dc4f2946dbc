//! The counts of one second, by one worker.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use super::limits::Limits;
use crate::stats::counter::Tally;

/// One side of a slot.
#[derive(Debug, Default)]
pub(super) struct SideSlot {
    pub(super) drawn: Tally,
    pub(super) n: Tally,
    pub(super) answered: Tally,
    pub(super) ended: Tally,
    pub(super) bad: Tally,
    pub(super) ok: [Tally; 3],
    pub(super) slow: [Tally; 3],
    pub(super) slow_to_promote: [Tally; 3],
}

impl SideSlot {
    fn clear(&self) {
        let ones = [&self.drawn, &self.n, &self.answered, &self.ended, &self.bad];
        let threes = [&self.ok, &self.slow, &self.slow_to_promote];
        ones.into_iter()
            .chain(threes.into_iter().flatten())
            .for_each(Tally::clear);
    }
}

/// A slot of the ring. Its worker fills it for one second and then for another one; a reader looks at
/// the second before and after, and takes nothing from a slot that has changed under its eyes.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// The second plus one; 0 is none.
    second: AtomicU64,
    pub(super) sides: [SideSlot; 2],
    /// The limits in force when the second began, so that all units of it are measured alike; 0 is none.
    limits: [[AtomicU64; 3]; 3],
}

impl Slot {
    pub(super) fn is_of(&self, second: u64) -> bool {
        self.second.load(Relaxed) == second + 1
    }

    /// Begins a second; only its worker may.
    pub(super) fn begin(&self, second: u64, limits: Option<&Limits>) {
        self.second.store(0, Relaxed);
        fence(Release);
        self.sides.iter().for_each(SideSlot::clear);
        let rows = limits.map_or([[0; 3]; 3], |limits| {
            [limits.primary, limits.rollback, limits.promotion]
        });
        for (places, row) in self.limits.iter().zip(rows) {
            for (place, limit) in places.iter().zip(row) {
                place.store(limit, Relaxed);
            }
        }
        self.second.store(second + 1, Release);
    }

    /// One of the rows of limits: the primary's, the candidate's, the candidate's to promote.
    pub(super) fn limit(&self, row: usize, quantile: usize) -> u64 {
        self.limits[row][quantile].load(Relaxed)
    }

    /// Adds the counts of a second, if it is this one.
    pub(super) fn read(&self, second: u64, sums: &mut [SideCounts; 2]) {
        if self.second.load(Acquire) != second + 1 {
            return;
        }
        let read = [
            SideCounts::of(&self.sides[0]),
            SideCounts::of(&self.sides[1]),
        ];
        fence(Acquire);
        if self.is_of(second) {
            for (sum, part) in sums.iter_mut().zip(&read) {
                sum.add(part);
            }
        }
    }
}

/// What one side did with the units of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SideCounts {
    /// What the split gave to the side, served there or not; of a user only the first in a session.
    pub drawn: u64,
    /// Units: those whose first try began there.
    pub n: u64,
    /// Of these, those that have had an answer, or have ended without one.
    pub answered: u64,
    /// Of these, those that have ended.
    pub ended: u64,
    /// Of these, those that went badly.
    pub bad: u64,
    /// Of these, those whose latency was compared with the limits for p50, p95, p99.
    pub ok: [u64; 3],
    /// Of these, those that were slower; the candidate's by the rollback margin.
    pub slow: [u64; 3],
    /// The candidate's, by the promotion margin.
    pub slow_to_promote: [u64; 3],
}

impl SideCounts {
    fn of(slot: &SideSlot) -> Self {
        let three = |tallies: &[Tally; 3]| [0, 1, 2].map(|u: usize| tallies[u].get());
        let ended = slot.ended.get_first();
        Self {
            drawn: slot.drawn.get(),
            n: slot.n.get(),
            answered: slot.answered.get(),
            ended,
            bad: slot.bad.get(),
            ok: three(&slot.ok),
            slow: three(&slot.slow),
            slow_to_promote: three(&slot.slow_to_promote),
        }
    }

    fn add(&mut self, part: &Self) {
        self.drawn += part.drawn;
        self.n += part.n;
        self.answered += part.answered;
        self.ended += part.ended;
        self.bad += part.bad;
        for u in 0..3 {
            self.ok[u] += part.ok[u];
            self.slow[u] += part.slow[u];
            self.slow_to_promote[u] += part.slow_to_promote[u];
        }
    }

    /// Bad units, when nothing more is waited for: who has no answer by now will not get a good one.
    pub fn bad_in_the_end(&self) -> u64 {
        self.bad + self.n.saturating_sub(self.answered)
    }
}

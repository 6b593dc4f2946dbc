//! Reads the books that the workers keep, summed over the workers.

use figshift::snapshot::Snapshot;
use figshift::stats::{Class, Reason, Side};

/// What was counted of one side of one route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    attempts: [u64; Class::COUNT],
    here: [u64; Class::COUNT],
    elsewhere: [u64; Class::COUNT],
    fallbacks: [u64; Reason::COUNT],
    retries: [u64; Reason::COUNT],
    pub(crate) not_replayable: u64,
    pub(crate) unsafe_to_repeat: u64,
    pub(crate) over_budget: u64,
    pub(crate) cut: u64,
    pub(crate) in_flight: i64,
    pub(crate) tunnels: u64,
    pub(crate) tunnels_open: i64,
    /// To the backend, to the client.
    pub(crate) tunnel_bytes: [u64; 2],
}

impl Counts {
    pub(crate) fn of(snapshot: &Snapshot, route: usize, side: Side) -> Self {
        let mut counts = Self::default();
        let Some(arm) = snapshot.routes[route].arm(side) else {
            return counts;
        };
        for cell in arm.cells.iter() {
            for class in 0..Class::COUNT {
                counts.attempts[class] += cell.attempts[class].get();
                counts.here[class] += cell.requests[0][class].get();
                counts.elsewhere[class] += cell.requests[1][class].get();
            }
            for reason in 0..Reason::COUNT {
                counts.fallbacks[reason] += cell.fallbacks[reason].get();
                counts.retries[reason] += cell.retries[reason].get();
            }
            counts.not_replayable += cell.not_replayable.get();
            counts.unsafe_to_repeat += cell.unsafe_to_repeat.get();
            counts.cut += cell.cut.get();
            counts.over_budget += cell.over_budget.get();
            counts.in_flight += cell.in_flight.get();
            counts.tunnels += cell.tunnels.get();
            counts.tunnels_open += cell.tunnels_open.get();
            for (sum, count) in counts.tunnel_bytes.iter_mut().zip(&cell.tunnel_bytes) {
                *sum += count.get();
            }
        }
        counts
    }

    /// Tries on this side's backend that ended so.
    pub(crate) fn attempts(&self, class: Class) -> u64 {
        self.attempts[class as usize]
    }
    /// Requests of this side that ended so and were served by it.
    pub(crate) fn here(&self, class: Class) -> u64 {
        self.here[class as usize]
    }
    /// Requests of this side that ended so and were served by the other one.
    pub(crate) fn elsewhere(&self, class: Class) -> u64 {
        self.elsewhere[class as usize]
    }
    pub(crate) fn fallbacks(&self, reason: Reason) -> u64 {
        self.fallbacks[reason as usize]
    }
    pub(crate) fn retries(&self, reason: Reason) -> u64 {
        self.retries[reason as usize]
    }
    pub(crate) fn all_attempts(&self) -> u64 {
        self.attempts.iter().sum()
    }
    /// All requests of this side that have ended.
    pub(crate) fn all_requests(&self) -> u64 {
        self.here.iter().chain(&self.elsewhere).sum()
    }
}

//! The cells: one per worker and thing that is counted. A cell is made when its worker first
//! touches it, so a thousand routes on sixty-four workers cost memory only where there is traffic.

use std::sync::OnceLock;

use super::class::{Class, Fault, Reason, Trouble};
use super::client::{Lapse, Refused};
use super::counter::{Counter, Gauge};
use super::histogram::Histogram;
use super::purpose::Purpose;

/// One cell per worker. Each cell is allocated by itself, so two workers never share a cache line.
#[derive(Debug)]
pub struct Cells<T> {
    slots: Box<[OnceLock<Box<Padded<T>>>]>,
}

/// Two cache lines, because the prefetcher of current x86 fetches lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded<T>(T);

impl<T: Default> Cells<T> {
    /// For this many workers.
    pub fn new(workers: usize) -> Self {
        Self {
            slots: (0..workers).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The cell of one worker. Only that worker may write to it.
    pub fn of(&self, worker: usize) -> &T {
        &self.slots[worker].get_or_init(Box::default).0
    }

    /// The same, if there is one yet.
    pub fn known(&self, worker: usize) -> Option<&T> {
        self.slots[worker].get().map(|cell| &cell.0)
    }

    /// How many workers there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// All cells that exist so far, for reading.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots
            .iter()
            .filter_map(|slot| slot.get().map(|cell| &cell.0))
    }

    /// One entry per worker, in the order of their indexes; `None` where the cell does not exist yet.
    pub fn by_worker(&self) -> impl Iterator<Item = Option<&T>> {
        self.slots.iter().map(|slot| slot.get().map(|cell| &cell.0))
    }
}

/// What one worker has seen of one side of one route.
#[derive(Debug, Default)]
pub struct SideCell {
    /// Requests that the split gave to this side, by how they ended for the client,
    /// served by this side (`[0]`) or by the other one (`[1]`).
    pub requests: [[Counter; Class::COUNT]; 2],
    /// Tries sent to this side's backend, by how they ended.
    pub attempts: [Counter; Class::COUNT],
    /// Requests that left this side, by reason.
    pub fallbacks: [Counter; Reason::COUNT],
    /// Second tries on another endpoint or connection of this side, by reason.
    pub retries: [Counter; Reason::COUNT],
    /// Requests whose body was longer than what is held for a second try, each counted once.
    pub not_replayable: Counter,
    /// Failed tries that were not repeated because a repetition could do harm.
    pub unsafe_to_repeat: Counter,
    /// Second tries that the retry budget refused; the other side may have served the request.
    pub over_budget: Counter,
    /// Tries that a hard rollback cut.
    pub cut: Counter,
    /// Responses that went wrong after their head, by what it was.
    pub troubles: [Counter; Trouble::COUNT],
    /// Answers read to their end after their client had left.
    pub drained: Counter,
    /// Connections that became a tunnel.
    pub tunnels: Counter,
    /// Tunnels open.
    pub tunnels_open: Gauge,
    /// Bytes that went through tunnels: to the backend (`[0]`), and to the client (`[1]`).
    pub tunnel_bytes: [Counter; 2],
    /// Tries on their way.
    pub in_flight: Gauge,
    /// Nanoseconds that ended tries took, by what they were for.
    pub busy: [Counter; Purpose::COUNT],
    /// From the start of the exchange to the response head, where the endpoint has only just come; made
    /// by the first of those.
    cold_head: OnceLock<Box<Histogram>>,
    /// From the start of the exchange to the response head; without those above, as the next one.
    pub head: Histogram,
    /// From the start of the exchange to the first byte of the body.
    pub first_byte: Histogram,
    /// From the start of the exchange to the end of the body.
    pub total: Histogram,
}

impl SideCell {
    /// Where the times of those requests go whose endpoint has only just come.
    pub fn cold_head(&self) -> &Histogram {
        self.cold_head.get_or_init(Box::default)
    }

    /// The same, if there were any.
    pub fn known_cold_head(&self) -> Option<&Histogram> {
        self.cold_head.get().map(|times| &**times)
    }
}

/// What one worker has seen of one endpoint.
#[derive(Debug, Default)]
pub struct EndpointCell {
    /// Connections made.
    pub connects: Counter,
    /// Connections that could not be made.
    pub connect_failures: Counter,
    /// Requests that took a connection already there.
    pub reused: Counter,
    /// Responses that counted as good for the breaker.
    pub good: Counter,
    /// Connections open, idle or in use.
    pub open: Gauge,
    /// Tries on their way.
    pub in_flight: Gauge,
    /// Those of all other workers, when this one last looked.
    pub elsewhere: Gauge,
}

/// What one worker has seen of clients, whatever the route.
#[derive(Debug, Default)]
pub struct WorkerCell {
    /// Connections accepted.
    pub accepted: Counter,
    /// Client connections open.
    pub open: Gauge,
    /// Requests being served.
    pub in_flight: Gauge,
    /// Answers that figshift gave by itself, by reason.
    pub faults: [Counter; Fault::COUNT],
    /// Connections that were closed at once, by reason.
    pub refused: [Counter; Refused::COUNT],
    /// Connections that were ended for what their clients neglected.
    pub lapses: [Counter; Lapse::COUNT],
    /// Accepts that failed.
    pub accept_errors: Counter,
    /// TLS handshakes with clients that went well.
    pub tls_handshakes: Counter,
    /// Of those, the ones that resumed an earlier session.
    pub tls_resumed: Counter,
    /// TLS handshakes with clients that failed, or took too long.
    pub tls_handshake_failures: Counter,
    /// Connections that were closed because they did not begin with their PROXY header.
    pub proxy_header_failures: Counter,
    /// Connections that ended in a panic.
    pub panics: Counter,
    /// A sign of life, ten times a second.
    pub ticks: Counter,
    /// Answers that the end of the house has cut.
    pub cut_at_end: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_exist_from_first_use() {
        let cells: Cells<SideCell> = Cells::new(3);
        assert_eq!(cells.iter().count(), 0);
        cells.of(1).attempts[Class::Ok as usize].add(2);
        cells.of(1).in_flight.up();
        assert_eq!(cells.iter().count(), 1);
        let made: Vec<bool> = cells.by_worker().map(|cell| cell.is_some()).collect();
        assert_eq!(made, [false, true, false]);
        assert_eq!(cells.of(1).attempts[0].get(), 2);
        assert_eq!(cells.of(1).in_flight.get(), 1);
    }
}

//! The families of routes and their sides. All series of a route exist from its first snapshot on,
//! at zero, so that a rate over the first request is not lost.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::snapshot::{Route, Snapshot};
use crate::stats::{Cells, Class, Counter, HistogramTotals, Reason, Side, SideCell, Trouble};

const REQUESTS: Spec<4> = Spec {
    name: "requests_total",
    help: "Client requests that ended, each once: side is the one that the split chose, backend the one that served.",
    labels: ["route", "side", "backend", "class"],
};
const ATTEMPTS: Spec<4> = Spec {
    name: "attempts_total",
    help: "Tries sent to a backend that ended; a request has several when it is retried or falls back.",
    labels: ["route", "side", "backend", "class"],
};
const FALLBACKS: Spec<3> = Spec {
    name: "fallbacks_total",
    help: "Requests that left this side for the other one, by the reason for leaving.",
    labels: ["route", "side", "reason"],
};
const RETRIES: Spec<3> = Spec {
    name: "retries_total",
    help: "Further tries on another endpoint or connection of the same side, by the reason.",
    labels: ["route", "side", "reason"],
};
const NOT_REPLAYABLE: Spec<2> = Spec {
    name: "not_replayable_total",
    help: "Requests whose body grew longer than what is held for a second try.",
    labels: ["route", "side"],
};
const UNSAFE_TO_REPEAT: Spec<2> = Spec {
    name: "unsafe_to_repeat_total",
    help: "Failed tries that were not repeated because a repetition could do harm.",
    labels: ["route", "side"],
};
const OVER_BUDGET: Spec<2> = Spec {
    name: "retry_over_budget_total",
    help: "Second tries that the retry budget refused; the other side may have served the request.",
    labels: ["route", "side"],
};
const CUT: Spec<1> = Spec {
    name: "cut_total",
    help: "Tries on the candidate that a hard rollback cut, streams among them.",
    labels: ["route"],
};
const TROUBLES: Spec<3> = Spec {
    name: "response_trouble_total",
    help: "Responses of this side that went wrong after their head, by cause: no first event in time, a gap, broken, an error event, empty.",
    labels: ["route", "side", "cause"],
};
const DRAINED: Spec<2> = Spec {
    name: "drained_total",
    help: "Responses that were read to their end after their client had left.",
    labels: ["route", "side"],
};
const TUNNELS: Spec<3> = Spec {
    name: "tunnels_total",
    help: "Connections that became a tunnel: WebSocket and other upgrades that a backend agreed to.",
    labels: ["route", "side", "backend"],
};
const TUNNELS_OPEN: Spec<3> = Spec {
    name: "tunnels_open",
    help: "Tunnels that are open.",
    labels: ["route", "side", "backend"],
};
const TUNNEL_BYTES: Spec<4> = Spec {
    name: "tunnel_bytes_total",
    help: "Bytes that went through tunnels, by where they went to.",
    labels: ["route", "side", "backend", "to"],
};
const IN_FLIGHT: Spec<3> = Spec {
    name: "requests_in_flight",
    help: "Tries on their way to the backend of this side.",
    labels: ["route", "side", "backend"],
};
const HEAD: Spec<3> = Spec {
    name: "response_head_seconds",
    help: "Time from the arrival of a request to the response head of a try on this side.",
    labels: ["route", "side", "backend"],
};
const FIRST_BYTE: Spec<3> = Spec {
    name: "first_byte_seconds",
    help: "Time from the arrival of a request to the first byte of the response body from this side; of an event stream, to its first event.",
    labels: ["route", "side", "backend"],
};
const TOTAL: Spec<3> = Spec {
    name: "response_seconds",
    help: "Time from the arrival of a request to the end of the response body from this side.",
    labels: ["route", "side", "backend"],
};
const COLD_HEAD: Spec<3> = Spec {
    name: "cold_head_seconds",
    help: "The same for tries at endpoints that had only just come and were in their slow start: these are left out of figshift_response_head_seconds and figshift_first_byte_seconds.",
    labels: ["route", "side", "backend"],
};
pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [
        REQUESTS.desc(),
        ATTEMPTS.desc(),
        FALLBACKS.desc(),
        RETRIES.desc(),
        NOT_REPLAYABLE.desc(),
        UNSAFE_TO_REPEAT.desc(),
        OVER_BUDGET.desc(),
        CUT.desc(),
        TROUBLES.desc(),
        DRAINED.desc(),
        TUNNELS.desc(),
        TUNNELS_OPEN.desc(),
        TUNNEL_BYTES.desc(),
        IN_FLIGHT.desc(),
        HEAD.desc(),
        COLD_HEAD.desc(),
        FIRST_BYTE.desc(),
        TOTAL.desc(),
    ]
    .into_iter()
    .collect()
}

pub(super) fn collect(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let sides = sides(snapshot);
    let sides = sides.as_slice();
    let places = |figure: fn(&Totals) -> u64| {
        sides
            .iter()
            .map(move |side| ([side.route, side.side], figure(&side.totals)))
    };
    let times = |pick: fn(&Totals) -> &HistogramTotals| {
        sides
            .iter()
            .map(move |side| (side.place(), pick(&side.totals)))
    };
    let candidate = Side::Candidate.as_str();
    let cut = sides.iter().filter(|side| side.side == candidate);
    vec![
        REQUESTS.counters(sides.iter().flat_map(Reading::requests)),
        ATTEMPTS.counters(sides.iter().flat_map(|side| {
            by_class([side.route, side.side, side.backend], &side.totals.attempts)
        })),
        FALLBACKS.counters(
            sides
                .iter()
                .flat_map(|side| side.by_reason(&side.totals.fallbacks)),
        ),
        RETRIES.counters(
            sides
                .iter()
                .flat_map(|side| side.by_reason(&side.totals.retries)),
        ),
        NOT_REPLAYABLE.counters(places(|totals| totals.not_replayable)),
        UNSAFE_TO_REPEAT.counters(places(|totals| totals.unsafe_to_repeat)),
        OVER_BUDGET.counters(places(|totals| totals.over_budget)),
        CUT.counters(cut.map(|side| ([side.route], side.totals.cut))),
        TROUBLES.counters(sides.iter().flat_map(Reading::by_cause)),
        DRAINED.counters(places(|totals| totals.drained)),
        TUNNELS.counters(sides.iter().map(|side| (side.place(), side.totals.tunnels))),
        TUNNELS_OPEN.gauges(
            sides
                .iter()
                .map(|side| (side.place(), side.totals.tunnels_open as f64)),
        ),
        TUNNEL_BYTES.counters(sides.iter().flat_map(Reading::tunnel_bytes)),
        IN_FLIGHT.gauges(
            sides
                .iter()
                .map(|side| (side.place(), side.totals.in_flight as f64)),
        ),
        HEAD.histograms(times(|totals| &totals.head)),
        COLD_HEAD.histograms(times(|totals| &totals.cold_head)),
        FIRST_BYTE.histograms(times(|totals| &totals.first_byte)),
        TOTAL.histograms(times(|totals| &totals.total)),
    ]
}

/// One side of one route: its labels and its figures.
struct Reading<'a> {
    route: &'a str,
    side: &'static str,
    backend: &'a str,
    /// The backend of the other side.
    elsewhere: Option<&'a str>,
    totals: Totals,
}

fn sides(snapshot: &Snapshot) -> Vec<Reading<'_>> {
    let both = |route| {
        Side::ALL
            .into_iter()
            .filter_map(move |side| Reading::of(route, side))
    };
    snapshot.routes.iter().flat_map(both).collect()
}

impl<'a> Reading<'a> {
    fn of(route: &'a Route, side: Side) -> Option<Self> {
        let arm = route.arm(side)?;
        Some(Self {
            route: &route.name,
            side: side.as_str(),
            backend: &arm.backend.name,
            elsewhere: route.arm(side.other()).map(|other| &*other.backend.name),
            totals: Totals::of(&arm.cells),
        })
    }

    fn place(&self) -> [&'a str; 3] {
        [self.route, self.side, self.backend]
    }

    fn requests(&self) -> impl Iterator<Item = ([&'a str; 4], u64)> {
        let [here, there] = &self.totals.requests;
        let elsewhere = self
            .elsewhere
            .map(|backend| by_class([self.route, self.side, backend], there));
        by_class(self.place(), here).chain(elsewhere.into_iter().flatten())
    }

    fn tunnel_bytes(&self) -> impl Iterator<Item = ([&'a str; 4], u64)> {
        let [route, side, backend] = self.place();
        let ways = ["backend", "client"].into_iter();
        let bytes = ways.zip(self.totals.tunnel_bytes);
        bytes.map(move |(to, n)| ([route, side, backend, to], n))
    }

    fn by_reason(
        &self,
        counts: &[u64; Reason::COUNT],
    ) -> impl Iterator<Item = ([&'a str; 3], u64)> {
        let place = [self.route, self.side];
        let reasons = Reason::ALL.into_iter().zip(*counts);
        reasons.map(move |(reason, n)| ([place[0], place[1], reason.as_str()], n))
    }

    fn by_cause(&self) -> impl Iterator<Item = ([&'a str; 3], u64)> + use<'a> {
        let place = [self.route, self.side];
        let causes = Trouble::ALL.into_iter().zip(self.totals.troubles);
        causes.map(move |(cause, n)| ([place[0], place[1], cause.as_str()], n))
    }
}

fn by_class<'a>(
    [route, side, backend]: [&'a str; 3],
    counts: &[u64; Class::COUNT],
) -> impl Iterator<Item = ([&'a str; 4], u64)> + use<'a> {
    let classes = Class::ALL.into_iter().zip(*counts);
    classes.map(move |(class, n)| ([route, side, backend, class.as_str()], n))
}

/// The cells of one side, summed over workers.
#[derive(Default)]
struct Totals {
    requests: [[u64; Class::COUNT]; 2],
    attempts: [u64; Class::COUNT],
    fallbacks: [u64; Reason::COUNT],
    retries: [u64; Reason::COUNT],
    not_replayable: u64,
    unsafe_to_repeat: u64,
    over_budget: u64,
    cut: u64,
    troubles: [u64; Trouble::COUNT],
    drained: u64,
    tunnels: u64,
    tunnels_open: i64,
    tunnel_bytes: [u64; 2],
    in_flight: i64,
    head: HistogramTotals,
    cold_head: HistogramTotals,
    first_byte: HistogramTotals,
    total: HistogramTotals,
}

impl Totals {
    fn of(cells: &Cells<SideCell>) -> Self {
        let mut sum = Self::default();
        for cell in cells.iter() {
            for (sum, counts) in sum.requests.iter_mut().zip(&cell.requests) {
                add(sum, counts);
            }
            add(&mut sum.attempts, &cell.attempts);
            add(&mut sum.fallbacks, &cell.fallbacks);
            add(&mut sum.retries, &cell.retries);
            sum.not_replayable += cell.not_replayable.get();
            sum.unsafe_to_repeat += cell.unsafe_to_repeat.get();
            sum.over_budget += cell.over_budget.get();
            sum.cut += cell.cut.get();
            add(&mut sum.troubles, &cell.troubles);
            sum.drained += cell.drained.get();
            sum.tunnels += cell.tunnels.get();
            sum.tunnels_open += cell.tunnels_open.get();
            add(&mut sum.tunnel_bytes, &cell.tunnel_bytes);
            sum.in_flight += cell.in_flight.get();
            sum.head.add(&cell.head);
            if let Some(times) = cell.known_cold_head() {
                sum.cold_head.add(times);
            }
            sum.first_byte.add(&cell.first_byte);
            sum.total.add(&cell.total);
        }
        sum
    }
}

fn add<const N: usize>(sums: &mut [u64; N], counts: &[Counter; N]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count.get();
    }
}

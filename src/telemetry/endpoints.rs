//! The families of endpoints.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::policy::Phase;
use crate::snapshot::{Endpoint, Sight, Snapshot};
use crate::stats::EndpointCell;

const CONNECTS: Spec<2> = Spec {
    name: "upstream_connects_total",
    help: "Connections made to the endpoint.",
    labels: ["backend", "endpoint"],
};
const CONNECT_FAILURES: Spec<2> = Spec {
    name: "upstream_connect_failures_total",
    help: "Connections to the endpoint that could not be made.",
    labels: ["backend", "endpoint"],
};
const REUSED: Spec<2> = Spec {
    name: "upstream_reused_total",
    help: "Tries that took a connection to the endpoint that was already there.",
    labels: ["backend", "endpoint"],
};
const CONNECTIONS: Spec<2> = Spec {
    name: "upstream_connections",
    help: "Connections open to the endpoint, idle or in use.",
    labels: ["backend", "endpoint"],
};
const IN_FLIGHT: Spec<2> = Spec {
    name: "endpoint_in_flight",
    help: "Tries on their way to the endpoint.",
    labels: ["backend", "endpoint"],
};
const HEALTHY: Spec<2> = Spec {
    name: "endpoint_healthy",
    help: "1 unless active health checks have taken the endpoint out, then 0.",
    labels: ["backend", "endpoint"],
};
const PROVEN: Spec<2> = Spec {
    name: "endpoint_proven",
    help: "0 while the endpoint has still to answer what it must before it gets traffic, then 1; 1 where nothing is asked.",
    labels: ["backend", "endpoint"],
};
const PRESENT: Spec<2> = Spec {
    name: "endpoint_present",
    help: "0 for an endpoint that was discovered once and is not there now, 1 for all others.",
    labels: ["backend", "endpoint"],
};
const BREAKER_STATE: Spec<3> = Spec {
    name: "breaker_state",
    help: "1 for the present state of the endpoint's breaker, 0 for the others.",
    labels: ["backend", "endpoint", "state"],
};
const BREAKER_TRIPS: Spec<2> = Spec {
    name: "breaker_trips_total",
    help: "How often the breaker of the endpoint has tripped.",
    labels: ["backend", "endpoint"],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [
        CONNECTS.desc(),
        CONNECT_FAILURES.desc(),
        REUSED.desc(),
        CONNECTIONS.desc(),
        IN_FLIGHT.desc(),
        HEALTHY.desc(),
        PROVEN.desc(),
        PRESENT.desc(),
        BREAKER_STATE.desc(),
        BREAKER_TRIPS.desc(),
    ]
    .into_iter()
    .collect()
}

pub(super) fn collect(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let all = readings(snapshot);
    let all = all.as_slice();
    let counters =
        |figure: fn(&Reading<'_>) -> u64| all.iter().map(move |one| (one.labels, figure(one)));
    let gauges =
        |figure: fn(&Reading<'_>) -> f64| all.iter().map(move |one| (one.labels, figure(one)));
    vec![
        CONNECTS.counters(counters(|one| one.connects)),
        CONNECT_FAILURES.counters(counters(|one| one.connect_failures)),
        REUSED.counters(counters(|one| one.reused)),
        CONNECTIONS.gauges(gauges(|one| one.open as f64)),
        IN_FLIGHT.gauges(gauges(|one| one.in_flight as f64)),
        HEALTHY.gauges(gauges(|one| f64::from(u8::from(one.sight.healthy)))),
        PROVEN.gauges(gauges(|one| f64::from(u8::from(one.sight.proven)))),
        PRESENT.gauges(gauges(|one| f64::from(u8::from(one.present)))),
        BREAKER_STATE.gauges(all.iter().flat_map(Reading::states)),
        BREAKER_TRIPS.counters(counters(|one| one.sight.trips)),
    ]
}

fn readings(snapshot: &Snapshot) -> Vec<Reading<'_>> {
    let backends = snapshot.backends.iter();
    backends
        .flat_map(|backend| {
            let members = backend.members.iter().map(|member| &member.endpoint);
            let present = members.map(|endpoint| Reading::of(&backend.name, endpoint, true));
            let away = backend.away.iter();
            present.chain(away.map(|endpoint| Reading::of(&backend.name, endpoint, false)))
        })
        .collect()
}

/// One endpoint: its labels and its figures, summed over workers.
struct Reading<'a> {
    labels: [&'a str; 2],
    present: bool,
    sight: Sight,
    connects: u64,
    connect_failures: u64,
    reused: u64,
    open: i64,
    in_flight: i64,
}

impl<'a> Reading<'a> {
    fn of(backend: &'a str, endpoint: &'a Endpoint, present: bool) -> Self {
        let cells = || endpoint.cells.iter();
        let count = |figure: fn(&EndpointCell) -> u64| cells().map(figure).sum();
        Self {
            labels: [backend, &endpoint.key],
            present,
            sight: endpoint.fitness.sight(),
            connects: count(|cell| cell.connects.get()),
            connect_failures: count(|cell| cell.connect_failures.get()),
            reused: count(|cell| cell.reused.get()),
            open: cells().map(|cell| cell.open.get()).sum(),
            in_flight: endpoint.in_flight(),
        }
    }

    fn states(&self) -> impl Iterator<Item = ([&'a str; 3], f64)> {
        let ([backend, endpoint], present) = (self.labels, self.sight.phase);
        Phase::ALL.into_iter().map(move |phase| {
            let labels = [backend, endpoint, phase.as_str()];
            (labels, f64::from(u8::from(phase == present)))
        })
    }
}

//! The families of the house as a whole: its workers and its configuration.

use std::time::UNIX_EPOCH;

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::control::{Outcome, Standing};
use crate::snapshot::Snapshot;
use crate::stats::{Cells, Fault, Lapse, Refused, WorkerCell};

const ACCEPTED: Spec<1> = Spec {
    name: "client_connections_accepted_total",
    help: "Client connections accepted.",
    labels: ["worker"],
};
const CONNECTIONS: Spec<1> = Spec {
    name: "client_connections",
    help: "Client connections open.",
    labels: ["worker"],
};
const REFUSED: Spec<1> = Spec {
    name: "client_connections_refused_total",
    help: "Client connections that were closed at once, by the limit that they would have exceeded.",
    labels: ["limit"],
};
const LAPSES: Spec<1> = Spec {
    name: "client_connections_ended_total",
    help: "Client connections that were ended for what their clients neglected: a head that was late, an answer that was not taken.",
    labels: ["reason"],
};
const IN_FLIGHT: Spec<1> = Spec {
    name: "client_requests_in_flight",
    help: "Client requests being served.",
    labels: ["worker"],
};
const ACCEPT_ERRORS: Spec<1> = Spec {
    name: "accept_errors_total",
    help: "Client connections that could not be accepted.",
    labels: ["worker"],
};
const PANICS: Spec<1> = Spec {
    name: "panics_total",
    help: "Client connections that ended in a panic, each a fault of figshift.",
    labels: ["worker"],
};
const TLS_HANDSHAKES: Spec<1> = Spec {
    name: "tls_handshakes_total",
    help: "TLS handshakes with clients that went well.",
    labels: ["worker"],
};
const TLS_RESUMED: Spec<1> = Spec {
    name: "tls_handshakes_resumed_total",
    help: "TLS handshakes with clients that resumed an earlier session.",
    labels: ["worker"],
};
const TLS_FAILURES: Spec<1> = Spec {
    name: "tls_handshake_failures_total",
    help: "TLS handshakes with clients that failed or took too long.",
    labels: ["worker"],
};
const PROXY_HEADER_FAILURES: Spec<1> = Spec {
    name: "proxy_header_failures_total",
    help: "Client connections closed because they did not begin with their PROXY header.",
    labels: ["worker"],
};
const OWN_ANSWERS: Spec<1> = Spec {
    name: "own_answers_total",
    help: "Answers that figshift gave by itself, by reason.",
    labels: ["reason"],
};
const EPOCH: Spec<0> = Spec {
    name: "config_epoch",
    help: "Number of the state in force; it rises with each change.",
    labels: [],
};
const RELOAD_SUCCESSFUL: Spec<0> = Spec {
    name: "config_last_reload_successful",
    help: "1 if the last attempt to load the configuration was applied, 0 if it was refused.",
    labels: [],
};
const RELOAD_TIMESTAMP: Spec<0> = Spec {
    name: "config_last_reload_timestamp_seconds",
    help: "Unix time of the last attempt to load the configuration.",
    labels: [],
};
const RELOADS: Spec<1> = Spec {
    name: "config_reloads_total",
    help: "Attempts to load the configuration, the first load included, by result.",
    labels: ["result"],
};
const FROM_LAST_GOOD: Spec<0> = Spec {
    name: "config_from_last_good",
    help: "1 while the last good configuration is in force because the file was broken at the start.",
    labels: [],
};
const RESTART_NEEDED: Spec<0> = Spec {
    name: "config_restart_needed",
    help: "1 while new values in the file wait for a restart.",
    labels: [],
};
const BUILD: Spec<1> = Spec {
    name: "build_info",
    help: "Always 1; the version of figshift is in the label.",
    labels: ["version"],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [
        ACCEPTED.desc(),
        CONNECTIONS.desc(),
        REFUSED.desc(),
        LAPSES.desc(),
        IN_FLIGHT.desc(),
        ACCEPT_ERRORS.desc(),
        TLS_HANDSHAKES.desc(),
        TLS_RESUMED.desc(),
        TLS_FAILURES.desc(),
        PROXY_HEADER_FAILURES.desc(),
        PANICS.desc(),
        OWN_ANSWERS.desc(),
        EPOCH.desc(),
        RELOAD_SUCCESSFUL.desc(),
        RELOAD_TIMESTAMP.desc(),
        RELOADS.desc(),
        FROM_LAST_GOOD.desc(),
        RESTART_NEEDED.desc(),
        BUILD.desc(),
    ]
    .into_iter()
    .collect()
}

pub(super) fn of_workers(cells: &Cells<WorkerCell>) -> [MetricFamily; 12] {
    let names: Vec<String> = (0..cells.by_worker().count())
        .map(|index| index.to_string())
        .collect();
    let workers = || names.iter().map(String::as_str).zip(cells.by_worker());
    // A worker that has served nobody yet has no cell, and its figures are zero.
    let counters = |figure: fn(&WorkerCell) -> u64| {
        workers().map(move |(worker, cell)| ([worker], cell.map_or(0, figure)))
    };
    let gauges = |figure: fn(&WorkerCell) -> i64| {
        workers().map(move |(worker, cell)| ([worker], cell.map_or(0, figure) as f64))
    };
    let answers = Fault::ALL.into_iter().map(|fault| {
        let count = cells.iter().map(|cell| cell.faults[fault as usize].get());
        ([fault.as_str()], count.sum())
    });
    let refused = Refused::ALL.into_iter().map(|limit| {
        let count = cells.iter().map(|cell| cell.refused[limit as usize].get());
        ([limit.as_str()], count.sum())
    });
    let lapses = Lapse::ALL.into_iter().map(|lapse| {
        let count = cells.iter().map(|cell| cell.lapses[lapse as usize].get());
        ([lapse.as_str()], count.sum())
    });
    [
        ACCEPTED.counters(counters(|cell| cell.accepted.get())),
        CONNECTIONS.gauges(gauges(|cell| cell.open.get())),
        REFUSED.counters(refused),
        LAPSES.counters(lapses),
        IN_FLIGHT.gauges(gauges(|cell| cell.in_flight.get())),
        ACCEPT_ERRORS.counters(counters(|cell| cell.accept_errors.get())),
        TLS_HANDSHAKES.counters(counters(|cell| cell.tls_handshakes.get())),
        TLS_RESUMED.counters(counters(|cell| cell.tls_resumed.get())),
        TLS_FAILURES.counters(counters(|cell| cell.tls_handshake_failures.get())),
        PROXY_HEADER_FAILURES.counters(counters(|cell| cell.proxy_header_failures.get())),
        PANICS.counters(counters(|cell| cell.panics.get())),
        OWN_ANSWERS.counters(answers),
    ]
}

pub(super) fn of_config(snapshot: &Snapshot, standing: &Standing) -> [MetricFamily; 7] {
    let one = |spec: &Spec<0>, value: f64| spec.gauges([([], value)]);
    let flag = |spec: &Spec<0>, is: bool| one(spec, f64::from(u8::from(is)));
    let attempted = standing.attempted_at.duration_since(UNIX_EPOCH);
    [
        one(&EPOCH, snapshot.epoch as f64),
        flag(&RELOAD_SUCCESSFUL, standing.last == Outcome::Applied),
        one(
            &RELOAD_TIMESTAMP,
            attempted.map_or(0.0, |since| since.as_secs_f64()),
        ),
        RELOADS.counters([
            (["applied"], standing.applied),
            (["refused"], standing.refused),
        ]),
        flag(&FROM_LAST_GOOD, standing.from_last_good),
        flag(&RESTART_NEEDED, !standing.needs_restart.is_empty()),
        BUILD.gauges([([env!("CARGO_PKG_VERSION")], 1.0)]),
    ]
}

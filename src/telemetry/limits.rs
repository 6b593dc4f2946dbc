//! The families of limits: seats at a backend, rates of clients. There are series only for what the
//! file limits.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::snapshot::{Limit, RateLimit, Snapshot, Turn};

const LIMIT: Spec<1> = Spec {
    name: "backend_limit",
    help: "Tries that may be on their way to the backend at a time.",
    labels: ["backend"],
};
const SEATED: Spec<1> = Spec {
    name: "backend_limit_in_flight",
    help: "Tries on their way to the backend, as its limit counts them.",
    labels: ["backend"],
};
const WAITING: Spec<1> = Spec {
    name: "backend_queue_waiting",
    help: "Requests that wait for their turn at the backend.",
    labels: ["backend"],
};
const TURNS: Spec<2> = Spec {
    name: "backend_queue_total",
    help: "Requests that wanted a turn at the backend, by how that ended.",
    labels: ["backend", "outcome"],
};
const RATE_LIMITED: Spec<1> = Spec {
    name: "rate_limited_total",
    help: "Requests that were one too many for the rate limit of the route.",
    labels: ["route"],
};
const RATE_CLIENTS: Spec<1> = Spec {
    name: "rate_limit_clients",
    help: "Clients that the rate limit of the route remembers.",
    labels: ["route"],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [
        LIMIT.desc(),
        SEATED.desc(),
        WAITING.desc(),
        TURNS.desc(),
        RATE_LIMITED.desc(),
        RATE_CLIENTS.desc(),
    ]
    .into_iter()
    .collect()
}

pub(super) fn collect(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let backends = || {
        let backends = snapshot.backends.iter();
        backends.filter_map(|backend| Some((&*backend.name, backend.limit.as_ref()?)))
    };
    let gauges = |figure: fn(&Limit) -> u32| {
        backends().map(move |(name, limit)| ([name], f64::from(figure(limit))))
    };
    let turns = backends().flat_map(|(name, limit)| {
        let turns = Turn::ALL.into_iter();
        turns.map(move |turn| ([name, turn.as_str()], limit.seats.turns(turn)))
    });
    let rates = || {
        let routes = snapshot.routes.iter();
        routes.filter_map(|route| Some((&*route.name, route.rate.as_deref()?)))
    };
    let refused = rates().map(|(name, rate)| ([name], RateLimit::refused(rate)));
    let clients = rates().map(|(name, rate)| ([name], rate.clients() as f64));
    let families = vec![
        LIMIT.gauges(gauges(|limit| limit.in_flight)),
        SEATED.gauges(gauges(|limit| limit.seats.taken())),
        WAITING.gauges(gauges(|limit| limit.seats.waiting())),
        TURNS.counters(turns),
        RATE_LIMITED.counters(refused),
        RATE_CLIENTS.gauges(clients),
    ];
    // A family without a series would be a fault of the exposition.
    let families = families.into_iter();
    families
        .filter(|family| !family.get_metric().is_empty())
        .collect()
}

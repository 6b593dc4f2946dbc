//! The families of endpoints that are learned: whether what was found is still fresh, and what it is.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::control::{Discovered, Discovery, FoundState};

const STALE: Spec<1> = Spec {
    name: "discovery_stale",
    help: "1 while the backend's endpoints have not been looked for with success for six intervals, at least a minute; those that were found last are kept.",
    labels: ["backend"],
};
const AGE: Spec<1> = Spec {
    name: "discovery_last_success_age_seconds",
    help: "Time since the backend's endpoints were looked for with success; without that, since they were first looked for.",
    labels: ["backend"],
};
const FAILING: Spec<1> = Spec {
    name: "discovery_failing",
    help: "1 while the last look for the backend's endpoints found out nothing.",
    labels: ["backend"],
};
const LOOKS: Spec<2> = Spec {
    name: "discovery_looks_total",
    help: "Looks for the backend's endpoints, by result.",
    labels: ["backend", "result"],
};
const FOUND: Spec<2> = Spec {
    name: "discovery_found",
    help: "What the last good look has found for the backend, by how it stands. That it runs says not yet that it is ready.",
    labels: ["backend", "state"],
};

/// Over what is known.
#[derive(Debug)]
pub(super) struct DiscoveryCollector {
    known: Arc<ArcSwap<Discovered>>,
    descs: Vec<Desc>,
}

impl DiscoveryCollector {
    pub(super) fn new(known: Arc<ArcSwap<Discovered>>) -> prometheus::Result<Self> {
        let descs = vec![
            STALE.desc()?,
            AGE.desc()?,
            FAILING.desc()?,
            LOOKS.desc()?,
            FOUND.desc()?,
        ];
        Ok(Self { known, descs })
    }
}

impl Collector for DiscoveryCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (known, now) = (self.known.load(), Instant::now());
        let rows = |figure: fn(&Discovery, Instant) -> f64| {
            let known = known.iter();
            known.map(move |(backend, one)| ([&**backend], figure(one, now)))
        };
        let looks = known.iter().flat_map(|(backend, one)| {
            let good = one.looks.saturating_sub(one.failed);
            [("ok", good), ("failed", one.failed)].map(|(result, n)| ([&**backend, result], n))
        });
        let found = known.iter().flat_map(|(backend, one)| {
            FoundState::ALL.map(|state| {
                let found = one.found.iter().filter(|found| found.state == state);
                ([&**backend, state.as_str()], found.count() as f64)
            })
        });
        vec![
            STALE.gauges(rows(|one, now| f64::from(u8::from(one.is_stale(now))))),
            AGE.gauges(rows(|one, now| one.age(now).as_secs_f64())),
            FAILING.gauges(rows(|one, _| f64::from(u8::from(one.error.is_some())))),
            LOOKS.counters(looks),
            FOUND.gauges(found),
        ]
    }
}

//! The families of the feature flags: whether what they said is still fresh.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::control::FlagSights;

const STALE: Spec<1> = Spec {
    name: "flag_stale",
    help: "1 while the route's feature flag has not been read for longer than its stale_after; its last value holds.",
    labels: ["route"],
};
const AGE: Spec<1> = Spec {
    name: "flag_last_success_age_seconds",
    help: "Time since the route's feature flag was read with success; without one, since it was first asked.",
    labels: ["route"],
};

/// Over what is known of the flags.
#[derive(Debug)]
pub(super) struct FlagCollector {
    sights: Arc<ArcSwap<FlagSights>>,
    descs: Vec<Desc>,
}

impl FlagCollector {
    pub(super) fn new(sights: Arc<ArcSwap<FlagSights>>) -> prometheus::Result<Self> {
        let descs = vec![STALE.desc()?, AGE.desc()?];
        Ok(Self { sights, descs })
    }
}

impl Collector for FlagCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (sights, now) = (self.sights.load(), Instant::now());
        let rows = || sights.iter().map(|(route, sight)| ([&**route], sight));
        let stale = rows().map(|(labels, sight)| {
            let is = f64::from(u8::from(sight.is_stale(now)));
            (labels, is)
        });
        let ages = rows().map(|(labels, sight)| (labels, sight.age(now).as_secs_f64()));
        vec![STALE.gauges(stale), AGE.gauges(ages)]
    }
}

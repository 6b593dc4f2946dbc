//! Reads the cells when somebody scrapes. Nothing is kept between scrapes: a route that leaves the
//! configuration takes its series along.

use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::{
    adapters, endpoints, guards, house, limits, owners, ramps, routes, serverless, shares,
};
use crate::config::Config;
use crate::control::{Findings, Standing};
use crate::snapshot::Publisher;
use crate::stats::{Cells, WorkerCell};

/// What is read at each scrape.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The snapshot in force.
    pub publisher: Publisher,
    /// What the workers have counted of clients.
    pub workers: Arc<Cells<WorkerCell>>,
    /// Where the configuration stands.
    pub standing: Arc<ArcSwap<Standing>>,
    /// What is known of the candidates.
    pub findings: Arc<ArcSwap<Findings>>,
    /// The configuration in force.
    pub config: Arc<ArcSwap<Config>>,
}

/// All of figshift's own families.
#[derive(Debug)]
pub(super) struct HouseCollector {
    sources: Sources,
    descs: Vec<Desc>,
}

impl HouseCollector {
    pub(super) fn new(sources: Sources) -> prometheus::Result<Self> {
        let mut descs = routes::descs()?;
        descs.extend(shares::descs()?);
        descs.extend(guards::descs()?);
        descs.extend(ramps::descs()?);
        descs.extend(endpoints::descs()?);
        descs.extend(limits::descs()?);
        descs.extend(serverless::descs()?);
        descs.extend(adapters::descs()?);
        descs.extend(owners::descs()?);
        descs.extend(house::descs()?);
        Ok(Self { sources, descs })
    }
}

impl Collector for HouseCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let sources = &self.sources;
        let snapshot = sources.publisher.current();
        let standing = sources.standing.load();
        let findings = sources.findings.load();
        let mut families = routes::collect(&snapshot);
        families.extend(shares::collect(&snapshot, &standing));
        families.extend(guards::collect(&snapshot, &standing, &findings));
        families.extend(ramps::collect(
            &snapshot,
            &standing,
            &findings,
            &sources.config.load(),
        ));
        families.extend(endpoints::collect(&snapshot));
        families.extend(limits::collect(&snapshot));
        families.extend(serverless::collect(&snapshot));
        families.extend(adapters::collect(&snapshot));
        families.extend(owners::collect(&snapshot));
        families.extend(house::of_workers(&sources.workers));
        families.extend(house::of_config(&snapshot, &standing));
        families
    }
}

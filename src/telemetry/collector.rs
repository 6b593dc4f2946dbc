//! Reads the cells when somebody scrapes. Nothing is kept between scrapes: a route that leaves the
//! configuration takes its series along.

use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::{endpoints, house, routes, shares};
use crate::control::Standing;
use crate::snapshot::Publisher;
use crate::stats::{Cells, WorkerCell};

/// All of figshift's own families.
#[derive(Debug)]
pub(super) struct HouseCollector {
    publisher: Publisher,
    workers: Arc<Cells<WorkerCell>>,
    standing: Arc<ArcSwap<Standing>>,
    descs: Vec<Desc>,
}

impl HouseCollector {
    pub(super) fn new(
        publisher: Publisher,
        workers: Arc<Cells<WorkerCell>>,
        standing: Arc<ArcSwap<Standing>>,
    ) -> prometheus::Result<Self> {
        let mut descs = routes::descs()?;
        descs.extend(shares::descs()?);
        descs.extend(endpoints::descs()?);
        descs.extend(house::descs()?);
        Ok(Self {
            publisher,
            workers,
            standing,
            descs,
        })
    }
}

impl Collector for HouseCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let snapshot = self.publisher.current();
        let standing = self.standing.load();
        let mut families = routes::collect(&snapshot);
        families.extend(shares::collect(&snapshot, &standing));
        families.extend(endpoints::collect(&snapshot));
        families.extend(house::of_workers(&self.workers));
        families.extend(house::of_config(&snapshot, &standing));
        families
    }
}

//! The registry behind `/metrics`.

use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus::{Registry, TextEncoder};

use super::collector::{HouseCollector, Sources};
use super::costs::CostCollector;
use super::discoveries::DiscoveryCollector;
use super::flags::FlagCollector;
use crate::control::{Costs, Discovered, FlagSights};

/// Everything that can be scraped: figshift's own families and those of its process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// The content type of [`Metrics::text`].
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Over what is read at each scrape.
    ///
    /// # Errors
    ///
    /// Two families of the same name: a fault of ours.
    pub fn new(sources: Sources) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let house = HouseCollector::new(sources)?;
        registry.register(Box::new(house))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        Ok(Self { registry })
    }

    /// Tells of the feature flags too.
    ///
    /// # Errors
    ///
    /// They are told already: a fault of ours.
    pub fn with_flags(self, sights: Arc<ArcSwap<FlagSights>>) -> prometheus::Result<Self> {
        let flags = FlagCollector::new(sights)?;
        self.registry.register(Box::new(flags))?;
        Ok(self)
    }

    /// Tells of endpoints that are learned too.
    ///
    /// # Errors
    ///
    /// They are told already: a fault of ours.
    pub fn with_discovered(self, known: Arc<ArcSwap<Discovered>>) -> prometheus::Result<Self> {
        let collector = DiscoveryCollector::new(known)?;
        self.registry.register(Box::new(collector))?;
        Ok(self)
    }

    /// Tells of costs too.
    ///
    /// # Errors
    ///
    /// They are told already: a fault of ours.
    pub fn with_costs(self, costs: Arc<ArcSwap<Costs>>) -> prometheus::Result<Self> {
        let collector = CostCollector::new(costs)?;
        self.registry.register(Box::new(collector))?;
        Ok(self)
    }

    /// All families at this moment, in the text format.
    ///
    /// # Errors
    ///
    /// A family that cannot be written: a fault of ours.
    pub fn text(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

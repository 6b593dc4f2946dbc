//! Evidence that the candidate is not worse, anew at each step: a backend that is good with 1 % of
//! the traffic may fail with half of it. Each required metric has to convince by itself, so no
//! correction for their number is needed; once convinced, it stays so for the step.

use serde::{Deserialize, Serialize};

use super::bet::{NOT_WORSE, log_factor};
use super::counts::{CohortCounts, Pair};
use super::metric::Metric;
use super::rate::Rate;
use super::settings::Settings;
use super::stake::Mixture;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Promotion {
    mixtures: [Mixture; Metric::COUNT],
    passed: [bool; Metric::COUNT],
    counts: [Pair; Metric::COUNT],
    /// Units of the candidate at this step.
    pub(super) units: u64,
}

impl Promotion {
    pub(super) fn new() -> Self {
        Self {
            mixtures: std::array::from_fn(|_| Mixture::new(1.0, NOT_WORSE.len())),
            passed: [false; Metric::COUNT],
            counts: [Pair::default(); Metric::COUNT],
            units: 0,
        }
    }

    pub(super) fn feed(&mut self, batch: &CohortCounts, rates: &[Rate], settings: &Settings) {
        self.units = self.units.saturating_add(batch.candidate.n);
        let enough = settings.evidence_to_promote().ln();
        for metric in settings.require.iter() {
            let m = metric as usize;
            let pair = batch.promotion_pair(metric);
            let rate = rates[m].estimate();
            let margin = settings.error_margins(metric).promotion;
            self.mixtures[m].grow(&NOT_WORSE, f64::INFINITY, |odds| {
                log_factor(pair, rate, margin, odds)
            });
            self.counts[m].add(pair);
            self.passed[m] |= self.mixtures[m].ln_total() >= enough;
        }
    }

    pub(super) fn ln_evidence(&self, metric: Metric) -> f64 {
        self.mixtures[metric as usize].ln_total()
    }

    pub(super) fn has_passed(&self, metric: Metric) -> bool {
        self.passed[metric as usize]
    }

    pub(super) fn counts(&self, metric: Metric) -> Pair {
        self.counts[metric as usize]
    }

    pub(super) fn is_complete(&self, settings: &Settings) -> bool {
        self.units >= settings.min_new
            && settings
                .require
                .iter()
                .all(|metric| self.has_passed(metric))
    }
}

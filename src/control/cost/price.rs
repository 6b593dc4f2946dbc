//! What a backend costs in an hour.

use std::time::{Duration, Instant};

use crate::config::model::Backend;
use crate::config::scalar::Dollars;
use crate::control::discovered::{Discovery, FoundState};

/// What a backend costs in an hour, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Dollars.
    pub per_hour: f64,
    /// Who says so.
    pub source: PriceSource,
    /// How old the word is, if the last look for a newer one has failed.
    pub age: Option<Duration>,
    /// Stopped instances whose storage has no known price: they count as nothing.
    pub unpriced: usize,
}

/// Who says what a backend costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSource {
    /// `dollars_per_hour` in the file.
    File,
    /// The sum over its instances.
    Instances,
}

impl PriceSource {
    /// As it stands in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Instances => "instances",
        }
    }
}

impl Price {
    /// Of a backend. `None` where nobody knows: no price in the file, and an instance that runs, or shall
    /// run, without one.
    pub(super) fn of(written: &Backend, found: Option<&Discovery>, now: Instant) -> Option<Self> {
        if let Some(per_hour) = written.dollars_per_hour {
            return Some(Self {
                per_hour: per_hour.get(),
                source: PriceSource::File,
                age: None,
                unpriced: 0,
            });
        }
        let found = found?;
        // Of the others nobody knows what nothing costs. Without a good look there may be some.
        if found.source != "vastai" || found.good_at.is_none() {
            return None;
        }
        let (mut per_hour, mut unpriced) = (0.0, 0);
        for one in &found.found {
            let price = one.dollars_per_hour;
            let price = price.filter(|price| (0.0..=Dollars::MOST).contains(price));
            match (price, one.state) {
                (Some(price), _) => per_hour += price,
                (_, FoundState::Preempted | FoundState::Out) => unpriced += 1,
                (_, FoundState::Running | FoundState::Starting | FoundState::Unsure) => {
                    return None;
                }
            }
        }
        Some(Self {
            per_hour,
            source: PriceSource::Instances,
            age: found.error.as_ref().map(|_| found.age(now)),
            unpriced,
        })
    }
}

//! What a backend costs in an hour.

use std::fmt;
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

/// Why nobody knows what a backend costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// Neither the file nor what finds its endpoints says it.
    Unsaid,
    /// Its instances have not been listed since the start.
    Unlisted,
    /// This one runs or shall run, and the list does not say for how much.
    Instance(String),
}

/// `vastai:41000101 has none`.
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => f.write_str("the file says none"),
            Self::Unlisted => f.write_str("its instances have not been listed yet"),
            Self::Instance(key) => write!(f, "{key} has none in the list"),
        }
    }
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
    /// Of a backend.
    ///
    /// # Errors
    ///
    /// Nobody knows: no price in the file, and an instance that runs, or shall run, without one.
    pub(super) fn of(
        written: &Backend,
        found: Option<&Discovery>,
        now: Instant,
    ) -> Result<Self, Unknown> {
        if let Some(per_hour) = written.dollars_per_hour {
            return Ok(Self {
                per_hour: per_hour.get(),
                source: PriceSource::File,
                age: None,
                unpriced: 0,
            });
        }
        let discover = written.discover.as_ref();
        // Of the others nobody knows what nothing costs. Without a good look there may be some.
        if discover.is_none_or(|discover| discover.vastai.is_none()) {
            return Err(Unknown::Unsaid);
        }
        let found = found.filter(|found| found.source == "vastai" && found.good_at.is_some());
        let found = found.ok_or(Unknown::Unlisted)?;
        let (mut per_hour, mut unpriced) = (0.0, 0);
        for one in &found.found {
            let price = one.dollars_per_hour;
            let price = price.filter(|price| (0.0..=Dollars::MOST).contains(price));
            match (price, one.state) {
                (Some(price), _) => per_hour += price,
                (_, FoundState::Preempted | FoundState::Out) => unpriced += 1,
                (_, FoundState::Running | FoundState::Starting | FoundState::Unsure) => {
                    return Err(Unknown::Instance(one.key.clone()));
                }
            }
        }
        Ok(Self {
            per_hour,
            source: PriceSource::Instances,
            age: found.error.as_ref().map(|_| found.age(now)),
            unpriced,
        })
    }
}

//! What is known of the backends that learn their endpoints, for everybody to read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;

use super::discover::Look;
use super::prove::Doubts;
use crate::snapshot::Address;

/// By the backend's name: those that have `discover` in the file.
pub type Discovered = BTreeMap<String, Discovery>;

/// All that is known of what is discovered, shared between who finds it and who reads it. Copies share it.
#[derive(Debug, Clone, Default)]
pub struct Finds {
    /// What was found.
    pub known: Arc<ArcSwap<Discovered>>,
    /// Which endpoints are not ready, and why.
    pub doubts: Arc<ArcSwap<Doubts>>,
    /// Reasons to look at once.
    pub look: Look,
}

/// What is known of the endpoints of one backend.
#[derive(Debug, Clone, PartialEq)]
pub struct Discovery {
    /// Where they are learned from: `vastai`, `dns`, `file`, `http`.
    pub source: &'static str,
    /// The same with all that says which ones are meant.
    pub place: String,
    /// What was found when it was looked last with success.
    pub found: Vec<Found>,
    /// When that was, on the wall's clock; `None` while there was none since the start.
    pub good_at: Option<SystemTime>,
    /// The same moment, or else when it was looked for the first time.
    pub since: Instant,
    /// Why the last look found out nothing; `None` if it did.
    pub error: Option<String>,
    /// From this age on, what was found is called old.
    pub stale_after: Duration,
    /// Looks since the start, and those of them that found out nothing.
    pub looks: u64,
    /// See `looks`.
    pub failed: u64,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What its source calls it, whatever its address: `vastai:41000101`, or its URL.
    pub key: String,
    /// `http://host:port`, if it has an address by now.
    pub url: Option<String>,
    /// Relative share, 1 to 1000.
    pub weight: u32,
    /// How it stands.
    pub state: FoundState,
    /// Why, in a few words; may be empty.
    pub note: String,
    /// What it costs in an hour, in dollars, if its source says so: while it runs the whole, while it is stopped its
    /// storage.
    pub dollars_per_hour: Option<f64>,
}

/// How something that was found stands, by what its source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundState {
    /// It can be connected to.
    Running,
    /// It will be, as it seems.
    Starting,
    /// Its source has not heard of it for a while; what it has had, it keeps for now.
    Unsure,
    /// Somebody else has outbid it.
    Preempted,
    /// Stopped, gone, or broken.
    Out,
}

impl FoundState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Starting,
        Self::Unsure,
        Self::Preempted,
        Self::Out,
    ];

    /// As it stands in answers, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Unsure => "unsure",
            Self::Preempted => "preempted",
            Self::Out => "out",
        }
    }
}

impl Discovery {
    pub(super) fn new(source: &'static str, place: &str, stale_after: Duration) -> Self {
        Self {
            source,
            place: place.to_owned(),
            found: Vec::new(),
            good_at: None,
            since: tokio::time::Instant::now().into_std(),
            error: None,
            stale_after,
            looks: 0,
            failed: 0,
        }
    }

    /// How long ago it was found out; without that, for how long it has been looked for.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Whether that is too long ago. What was found holds all the same.
    pub fn is_stale(&self, now: Instant) -> bool {
        self.age(now) >= self.stale_after
    }
}

/// What of it traffic can go to.
pub fn addresses(found: &[Found]) -> Vec<Address> {
    let usable = |found: &&Found| matches!(found.state, FoundState::Running | FoundState::Unsure);
    let addresses = found.iter().filter(usable).filter_map(|found| {
        Some(Address {
            key: found.key.clone(),
            url: found.url.clone()?,
            weight: found.weight,
        })
    });
    addresses.collect()
}

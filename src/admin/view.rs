//! What the handlers look at.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::config::model::Admin;
use crate::control::{Door, FlagSights, Standing};
use crate::snapshot::Publisher;
use crate::telemetry::{Metrics, Window};

/// Shared by all handlers; cheap to copy.
#[derive(Debug, Clone)]
pub struct View {
    /// The snapshot in force.
    pub publisher: Publisher,
    /// Where the configuration stands.
    pub standing: Arc<ArcSwap<Standing>>,
    /// What is known of the feature flags.
    pub flags: Arc<ArcSwap<FlagSights>>,
    /// Who may use the API.
    pub access: Arc<ArcSwap<Admin>>,
    /// Where changes are handed in.
    pub door: Door,
    /// The journal.
    pub journal: Arc<Path>,
    /// For `/metrics`.
    pub metrics: Arc<Metrics>,
    /// The last minute, for `/health`. Somebody must tick it.
    pub window: Arc<Window>,
    /// The moment from which the workers count their times.
    pub born: Instant,
}

impl View {
    /// The time on the clock of the workers.
    pub(super) fn now(&self) -> Duration {
        self.born.elapsed()
    }
}

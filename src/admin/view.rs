//! What the handlers look at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::control::Standing;
use crate::snapshot::Publisher;
use crate::telemetry::{Metrics, Window};

/// Shared by all handlers; cheap to copy.
#[derive(Debug, Clone)]
pub struct View {
    /// The snapshot in force.
    pub publisher: Publisher,
    /// Where the configuration stands.
    pub standing: Arc<ArcSwap<Standing>>,
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

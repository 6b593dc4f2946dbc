//! What the handlers look at.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use super::inquirer::Inquirer;
use super::patience::Patience;
use crate::config::Config;
use crate::config::model::Admin;
use crate::control::{Costs, Door, Events, Findings, Finds, FlagSights, Standing};
use crate::snapshot::Publisher;
use crate::telemetry::{Metrics, Window};

/// Streams of events at once. Each is a connection that stays.
pub const MOST_STREAMS: usize = 64;

/// Shared by all handlers; cheap to copy.
#[derive(Debug, Clone)]
pub struct View {
    /// The snapshot in force.
    pub publisher: Publisher,
    /// Where the configuration stands.
    pub standing: Arc<ArcSwap<Standing>>,
    /// What is known of the candidates.
    pub findings: Arc<ArcSwap<Findings>>,
    /// The configuration in force.
    pub config: Arc<ArcSwap<Config>>,
    /// The text that it was read from, as it was written.
    pub text: Arc<ArcSwap<String>>,
    /// The file, as `serve` was told.
    pub file: Arc<Path>,
    /// What is known of the feature flags.
    pub flags: Arc<ArcSwap<FlagSights>>,
    /// What is known of the endpoints that are discovered.
    pub finds: Finds,
    /// What is known of costs.
    pub costs: Arc<ArcSwap<Costs>>,
    /// Who may use the API.
    pub access: Arc<ArcSwap<Admin>>,
    /// Where changes are handed in.
    pub door: Door,
    /// The journal.
    pub journal: Arc<Path>,
    /// What is written into it from now on.
    pub events: Events,
    /// Places for those who follow the events: [`MOST_STREAMS`].
    pub streams: Arc<Semaphore>,
    /// Asks the workers what became of a request.
    pub inquirer: Arc<Inquirer>,
    /// For `/metrics`.
    pub metrics: Arc<Metrics>,
    /// The last minute, for `/health`. Somebody must tick it.
    pub window: Arc<Window>,
    /// The house is ending.
    pub leaving: Arc<AtomicBool>,
    /// How long a client is waited for.
    pub patience: Patience,
    /// The moment from which the workers count their times.
    pub born: Instant,
}

impl View {
    /// The time on the clock of the workers.
    pub(super) fn now(&self) -> Duration {
        self.born.elapsed()
    }
}

//! The one door. The controller alone owns the configuration in force; every change goes through
//! [`Controller::apply`]: read, validate, compile, publish. The next snapshot is whole before it
//! is published, so there is no half-applied state and nothing to restore.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::change::{Actor, Change, What};
use super::last_good;
use super::standing::{Outcome, Standing};
use crate::config::{self, Config, Loaded, Problems};
use crate::snapshot::{Publisher, Snapshot, compile};

/// Changes that may wait. They are rare; a sender waits for room.
const WAITING: usize = 64;

/// Owns the configuration in force.
#[derive(Debug)]
pub struct Controller {
    path: PathBuf,
    config: Config,
    workers: usize,
    publisher: Publisher,
    standing: Arc<ArcSwap<Standing>>,
    changes: mpsc::Receiver<Change>,
}

/// Where changes are handed in.
#[derive(Debug, Clone)]
pub struct Door(mpsc::Sender<Change>);

impl Door {
    /// Hands a change in, waiting for room.
    ///
    /// # Errors
    ///
    /// The controller is gone.
    pub async fn send(&self, what: What, actor: Actor) -> Result<(), Gone> {
        let change = Change { what, actor };
        self.0.send(change).await.map_err(|_| Gone)
    }
}

/// The controller is gone: the house is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// Why there is nothing to start with.
#[derive(Debug)]
pub enum OpenError {
    /// The file is broken, and there is no last good one that could be used.
    Config(Problems),
    /// A value that passed validation cannot be compiled.
    Compile(crate::snapshot::Unsound),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => problems.fmt(f),
            Self::Compile(unsound) => unsound.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl Controller {
    /// Reads the file, or the last good one when it is broken, and compiles the first snapshot.
    ///
    /// # Errors
    ///
    /// Neither can be used.
    pub fn open(path: &Path, cores: usize) -> Result<(Self, Door), OpenError> {
        let (loaded, outcome) = read_or_last_good(path)?;
        let workers = loaded.config.listen.workers.unwrap_or(cores).max(1);
        let snapshot =
            compile(&loaded.config, &Snapshot::empty(), workers).map_err(OpenError::Compile)?;
        let now = SystemTime::now();
        let refused = u64::from(outcome != Outcome::Applied);
        let standing = Standing {
            epoch: snapshot.epoch,
            from_last_good: refused > 0,
            last: outcome,
            applied_at: now,
            attempted_at: now,
            applied: 1 - refused,
            refused,
            needs_restart: Vec::new(),
        };
        let (sender, changes) = mpsc::channel(WAITING);
        let controller = Self {
            path: path.to_owned(),
            config: loaded.config,
            workers,
            publisher: Publisher::new(snapshot),
            standing: Arc::new(ArcSwap::from_pointee(standing)),
            changes,
        };
        if refused == 0 {
            controller.keep(&loaded.text);
        }
        Ok((controller, Door(sender)))
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many workers the snapshots are compiled for.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Where snapshots are published.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Where the configuration stands, for everybody to read.
    pub fn standing(&self) -> Arc<ArcSwap<Standing>> {
        Arc::clone(&self.standing)
    }

    /// Takes changes until every door is closed. `on_config` is told of each new configuration.
    pub async fn run(mut self, on_config: impl Fn(&Config)) {
        while let Some(change) = self.changes.recv().await {
            if self.apply(change) {
                on_config(&self.config);
            }
        }
    }

    /// Applies one change; says whether the configuration is a new one.
    pub fn apply(&mut self, change: Change) -> bool {
        match change.what {
            What::File => match config::load(&self.path) {
                Ok(loaded) => self.apply_file(loaded, change.actor),
                Err(problems) => {
                    self.refuse(problems.to_string(), change.actor);
                    false
                }
            },
            What::Health {
                endpoint,
                backend,
                healthy,
            } => {
                endpoint.fitness.set_healthy(healthy);
                let (backend, endpoint) = (&*backend, &*endpoint.url);
                if healthy {
                    tracing::info!(
                        backend,
                        endpoint,
                        "An endpoint passes its health checks again"
                    );
                } else {
                    tracing::warn!(backend, endpoint, "An endpoint fails its health checks");
                }
                false
            }
        }
    }

    fn apply_file(&mut self, loaded: Loaded, actor: Actor) -> bool {
        let Loaded { mut config, text } = loaded;
        let needs_restart = config::needs_restart(&self.config, &config);
        config::keep_running_values(&self.config, &mut config);
        let snapshot = match compile(&config, &self.publisher.current(), self.workers) {
            Ok(snapshot) => snapshot,
            Err(unsound) => {
                self.refuse(unsound.to_string(), actor);
                return false;
            }
        };
        let epoch = snapshot.epoch;
        self.publisher.publish(snapshot);
        log_moves(&self.config, &config, actor);
        self.config = config;
        self.keep(&text);
        if !needs_restart.is_empty() {
            let keys = needs_restart.join(", ");
            tracing::warn!(keys, "These keys keep their old values until a restart");
        }
        tracing::info!(epoch, %actor, "The file is in force");
        let now = SystemTime::now();
        self.stand(|standing| {
            standing.epoch = epoch;
            standing.last = Outcome::Applied;
            standing.applied_at = now;
            standing.attempted_at = now;
            standing.applied += 1;
            standing.from_last_good = false;
            standing.needs_restart = needs_restart;
        });
        true
    }

    fn refuse(&self, problems: String, actor: Actor) {
        tracing::error!(%actor, "The file is refused and nothing has changed:\n{problems}");
        self.stand(|standing| {
            standing.last = Outcome::Refused(problems);
            standing.attempted_at = SystemTime::now();
            standing.refused += 1;
        });
    }

    fn stand(&self, change: impl FnOnce(&mut Standing)) {
        let mut standing = (**self.standing.load()).clone();
        change(&mut standing);
        self.standing.store(Arc::new(standing));
    }

    fn keep(&self, text: &str) {
        let folder = &self.config.state_dir;
        if let Err(error) = last_good::keep(folder, text) {
            let folder = folder.display();
            tracing::warn!(%error, %folder, "Cannot keep the last good file; a restart will need a good one");
        }
    }
}

/// What a save does to the split is what its reader wants to know first.
fn log_moves(before: &Config, after: &Config, actor: Actor) {
    for route in &after.routes {
        let old = before.routes.iter().find(|old| old.name == route.name);
        let from = old.map_or_else(Default::default, |old| old.percent);
        if from != route.percent {
            let (route, to) = (&*route.name, route.percent);
            tracing::info!(route, %from, %to, %actor, "The percent of a route has changed");
        }
    }
}

fn read_or_last_good(path: &Path) -> Result<(Loaded, Outcome), OpenError> {
    let problems = match config::load(path) {
        Ok(loaded) => return Ok((loaded, Outcome::Applied)),
        Err(problems) => problems,
    };
    let text = fs::read_to_string(path).unwrap_or_default();
    let state_dir = last_good::state_dir_of(&text).unwrap_or_else(config::default_state_dir);
    let kept = last_good::place(&state_dir);
    match config::load(&kept) {
        Ok(loaded) => {
            let kept = kept.display();
            tracing::error!("The file is refused:\n{problems}");
            tracing::error!(%kept, "Starting from the last good file instead");
            Ok((loaded, Outcome::Refused(problems.to_string())))
        }
        Err(_) => Err(OpenError::Config(problems)),
    }
}

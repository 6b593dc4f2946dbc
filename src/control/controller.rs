//! The one door. The controller alone owns the configuration in force and what is laid over it;
//! every change goes through [`Controller::apply`]: decide, compile, write down, publish. The next
//! snapshot is whole before it is published, so there is no half-applied state and nothing to restore.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::apply::apply_health;
use super::change::{Answer, Change, Done, Refused, What};
use super::events::Events;
use super::force::Switches;
use super::journal::{Entry, Journal};
use super::last_good;
use super::overrides::{Overrides, Stamp};
use super::plan::{self, Plan};
use super::standing::Standing;
use crate::config::Config;
use crate::snapshot::Publisher;

/// Owns the configuration in force.
#[derive(Debug)]
pub struct Controller {
    pub(super) path: PathBuf,
    pub(super) config: Config,
    pub(super) overrides: Overrides,
    pub(super) switches: Switches,
    pub(super) journal: Journal,
    pub(super) events: Events,
    pub(super) workers: usize,
    pub(super) publisher: Publisher,
    pub(super) standing: Arc<ArcSwap<Standing>>,
    pub(super) changes: mpsc::Receiver<Change>,
}

impl Controller {
    /// The configuration in force, with the percents of the file.
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

    /// Where to listen for what it writes into the journal.
    pub fn events(&self) -> Events {
        self.events.clone()
    }

    /// Takes changes until every door is closed. `on_config` is told of each new configuration.
    pub async fn run(mut self, on_config: impl Fn(&Config)) {
        while let Some(mut change) = self.changes.recv().await {
            let reply = change.reply.take();
            let is_file = matches!(change.what, What::File);
            let answer = self.apply(change);
            if is_file && answer.is_ok() {
                on_config(&self.config);
            }
            if let Some(reply) = reply {
                // Whoever asked may have left; the change stands all the same.
                drop(reply.send(answer));
            }
        }
    }

    /// Applies one change.
    ///
    /// # Errors
    ///
    /// It is refused, and nothing has changed.
    pub fn apply(&mut self, change: Change) -> Answer {
        let epoch = self.publisher.current().epoch;
        if change.if_epoch.is_some_and(|wanted| wanted != epoch) {
            return Err(Refused::Stale { epoch });
        }
        let stamp = Stamp::now(change.actor, change.reason);
        match change.what {
            What::File => self.apply_file(change.actor, stamp),
            What::Health {
                endpoint,
                backend,
                healthy,
            } => {
                apply_health(&endpoint, &backend, healthy);
                Ok(self.nothing_moved())
            }
            What::KillFile => self.apply_kill_file(stamp),
            What::Rollback { route } => self.apply_rollback(route, stamp),
            What::Resume { route } => self.apply_resume(route, stamp),
            What::Shift { route, hundredths } => self.apply_shift(&route, hundredths, stamp),
        }
    }

    /// Compiles a plan, writes it down, publishes it.
    pub(super) fn put_in_force(&mut self, plan: Plan) -> Answer {
        let forces = plan.forces();
        let previous = self.publisher.current();
        let snapshot = plan::compile_in_force(&plan.config, &forces, &previous, self.workers)
            .map_err(|unsound| Refused::File(unsound.to_string()))?;
        let moves = plan::moves(&self.standing.load().forces, &forces);
        let raises = moves.iter().any(|moved| moved.to > moved.from);
        let epoch = snapshot.epoch;
        let mut entry = Entry {
            seq: 0,
            epoch,
            what: plan.what.to_owned(),
            route: plan.route.clone(),
            stamp: plan.stamp.clone(),
            moves: moves.clone(),
            overrides: plan.overrides.clone(),
        };
        let written = self.journal.append(&mut entry);
        if let Err(error) = &written {
            tracing::error!(%error, "A transition is not in the journal");
        }
        let persisted = written.is_ok();
        if let (Err(error), true, true) = (written, raises, plan.needs_journal) {
            return Err(Refused::Journal(error));
        }
        self.publisher.publish(snapshot);
        plan::log(&moves, &forces, &plan.stamp);
        self.config = plan.config;
        self.overrides = plan.overrides;
        self.switches = plan.switches;
        self.stand(|standing| {
            standing.epoch = epoch;
            standing.forces = forces;
            standing.journal_sound = persisted;
        });
        if persisted {
            self.events.tell(entry);
        }
        Ok(Done {
            epoch,
            moves,
            persisted,
        })
    }

    pub(super) fn nothing_moved(&self) -> Done {
        Done {
            epoch: self.publisher.current().epoch,
            moves: Vec::new(),
            persisted: true,
        }
    }

    pub(super) fn stand(&self, change: impl FnOnce(&mut Standing)) {
        let mut standing = (**self.standing.load()).clone();
        change(&mut standing);
        self.standing.store(Arc::new(standing));
    }

    pub(super) fn keep(&self, text: &str) {
        let folder = &self.config.state_dir;
        if let Err(error) = last_good::keep(folder, text) {
            let folder = folder.display();
            tracing::warn!(%error, %folder, "Cannot keep the last good file; a restart will need a good one");
        }
    }
}

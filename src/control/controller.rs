//! The one door. The controller alone owns the configuration in force and what is laid over it;
//! every change goes through [`Controller::apply`]: decide, compile, write down, publish. The next
//! snapshot is whole before it is published, so there is no half-applied state and nothing to restore.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::apply::apply_health;
use super::change::{Answer, Change, Done, Refused, What};
use super::cost::Purse;
use super::discovered::Discovered;
use super::events::Events;
use super::force::Switches;
use super::journal::{Entry, Journal};
use super::judge::Bench;
use super::judging::Findings;
use super::last_found::LastFound;
use super::last_good;
use super::overrides::{Overrides, Stamp};
use super::owners::OwnersTable;
use super::plan::{self, Plan};
use super::standing::Standing;
use super::succession::{LetGo, Succession};
use super::watched::Watched;
use crate::config::Config;
use crate::snapshot::Publisher;
use crate::tls::Material;

/// Between two looks at the candidates.
const LOOK: Duration = Duration::from_secs(1);

/// Owns the configuration in force.
#[derive(Debug)]
pub struct Controller {
    pub(super) path: PathBuf,
    pub(super) config: Config,
    /// Made of the files that it names.
    pub(super) material: Arc<Material>,
    /// What was discovered last, kept in the state folder.
    pub(super) found: Arc<LastFound>,
    pub(super) owners: OwnersTable,
    pub(super) overrides: Overrides,
    pub(super) switches: Switches,
    pub(super) journal: Journal,
    pub(super) events: Events,
    pub(super) workers: usize,
    pub(super) publisher: Publisher,
    pub(super) standing: Arc<ArcSwap<Standing>>,
    pub(super) changes: mpsc::Receiver<Change>,
    pub(super) succession: Succession,
    pub(super) successors: mpsc::Receiver<LetGo>,
    pub(super) bench: Bench,
    pub(super) watched: Watched,
    pub(super) purse: Purse,
    /// Backends whose caps could not be put on (`true`) or taken off, and when that is tried again, on the
    /// workers' clock.
    pub(super) budgets_after: BTreeMap<(String, bool), Duration>,
    pub(super) discovered: Arc<ArcSwap<Discovered>>,
    /// The moment from which the workers count their times, once it is told.
    pub(super) born: Option<Instant>,
    /// Routes whose ramps shall start at the next look.
    pub(super) starts: BTreeSet<String>,
    pub(super) findings: Arc<ArcSwap<Findings>>,
    pub(super) config_in_force: Arc<ArcSwap<Config>>,
    /// The text of the file that is in force, as it was written.
    pub(super) text_in_force: Arc<ArcSwap<String>>,
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

    /// Where it is asked to make room for a successor.
    pub fn succession(&self) -> Succession {
        self.succession.clone()
    }

    /// Where to listen for what it writes into the journal.
    pub fn events(&self) -> Events {
        self.events.clone()
    }

    /// What is known of the candidates, renewed each second.
    pub fn findings(&self) -> Arc<ArcSwap<Findings>> {
        Arc::clone(&self.findings)
    }

    /// The configuration in force, with the percents of the file, for everybody to read.
    pub fn config_in_force(&self) -> Arc<ArcSwap<Config>> {
        Arc::clone(&self.config_in_force)
    }

    /// The text of the file that is in force, as it was written: `${...}` is not filled in. Secrets that
    /// somebody wrote into it stand there.
    pub fn text_in_force(&self) -> Arc<ArcSwap<String>> {
        Arc::clone(&self.text_in_force)
    }

    /// Takes changes until every door is closed or a successor has taken its place, and looks at the candidates each second. The workers count
    /// their times from `born`. `on_config` is told of each new configuration.
    pub async fn run(mut self, born: Instant, on_config: impl Fn(&Config)) {
        self.born = Some(born);
        let mut second = tokio::time::interval(LOOK);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut change = tokio::select! {
                change = self.changes.recv() => match change {
                    Some(change) => change,
                    None => return,
                },
                Some(asked) = self.successors.recv() => {
                    if self.hold_still(asked).await {
                        return;
                    }
                    continue;
                }
                _ = second.tick() => {
                    self.look(born.elapsed(), SystemTime::now());
                    continue;
                }
            };
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
            What::Proof { endpoint, backend } => {
                self.apply_proof(&endpoint, &backend);
                Ok(self.nothing_moved())
            }
            What::Addresses {
                backend,
                place,
                addresses,
            } => self.apply_addresses(&backend, &place, addresses, stamp),
            What::KillFile => self.apply_kill_file(stamp),
            What::Rollback { route, hard } => self.apply_rollback(route, hard, stamp),
            What::Resume { route } => self.apply_resume(route, &stamp),
            What::Shift {
                route,
                hundredths,
                force,
            } => self.apply_shift(&route, hundredths, force, stamp),
            What::Ramp { route, order } => self.apply_order(&route, order, stamp),
            What::Gate { route, step, yes } => {
                self.watched.gate_answered(&route, step, yes);
                Ok(self.nothing_moved())
            }
            What::Flag { route, hundredths } => self.apply_flag(&route, hundredths, stamp),
            What::Budget {
                routes,
                backend,
                over,
            } => self.apply_budget(&routes, &backend, over, &stamp),
        }
    }

    /// Compiles a plan, writes it down, publishes it.
    pub(super) fn put_in_force(&mut self, plan: Plan) -> Answer {
        let forces = plan.forces();
        let previous = self.publisher.current();
        let compiled = plan::compile_in_force(
            &plan.config,
            &plan.material,
            &plan.found.addresses,
            &forces,
            &previous,
            self.workers,
        );
        let mut snapshot = compiled.map_err(|unsound| Refused::File(unsound.to_string()))?;
        if let Some(owners) = self.owners.for_file(&plan.config) {
            snapshot.owners = owners;
        }
        if plan.hard {
            snapshot.cut(plan.route.as_deref());
        }
        let moves = plan::moves(&self.standing.load().forces, &forces);
        let raises = moves.iter().any(|moved| moved.to > moved.from);
        let epoch = snapshot.epoch;
        let mut entry = Entry {
            seq: 0,
            epoch,
            what: plan.what.to_owned(),
            route: plan.route.clone(),
            hard: plan.hard,
            stamp: plan.stamp.clone(),
            moves: moves.clone(),
            overrides: plan.overrides.clone(),
        };
        let quiet = plan.is_quiet && moves.is_empty();
        let written = match quiet {
            true => Ok(()),
            false => self.journal.append(&mut entry),
        };
        if let Err(error) = &written {
            tracing::error!(%error, "A transition is not in the journal");
        }
        let persisted = written.is_ok();
        if let (Err(error), true, true) = (written, raises, plan.needs_journal) {
            return Err(Refused::Journal(error));
        }
        snapshot.doubt_the_gone(&previous);
        self.publisher.publish(snapshot);
        plan::log(&plan, &moves, &forces);
        self.config = plan.config;
        self.material = plan.material;
        self.found = plan.found;
        self.overrides = plan.overrides;
        self.switches = plan.switches;
        self.stand(|standing| {
            standing.epoch = epoch;
            standing.forces = forces;
            standing.journal_sound = (quiet && standing.journal_sound) || (!quiet && persisted);
        });
        self.follow(plan.what, &moves);
        self.tell_climbs();
        if persisted && !quiet {
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

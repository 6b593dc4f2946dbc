//! The one door. The controller alone owns the configuration in force and what is laid over it;
//! every change goes through [`Controller::apply`]: decide, compile, write down, publish. The next
//! snapshot is whole before it is published, so there is no half-applied state and nothing to restore.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};

use super::change::{Actor, Answer, Change, Done, Refused, What};
use super::force::Switches;
use super::journal::{Entry, Journal};
use super::last_good;
use super::overrides::{Overrides, Shifted, Stamp};
use super::plan::{Plan, forces_of};
use super::standing::{Outcome, Standing};
use super::{kill, plan};
use crate::config::{self, Config, Loaded, Problems};
use crate::snapshot::{Endpoint, Publisher, Snapshot};

/// Changes that may wait. They are rare; a sender waits for room.
const WAITING: usize = 64;

/// Owns the configuration in force.
#[derive(Debug)]
pub struct Controller {
    path: PathBuf,
    config: Config,
    overrides: Overrides,
    switches: Switches,
    journal: Journal,
    workers: usize,
    publisher: Publisher,
    standing: Arc<ArcSwap<Standing>>,
    changes: mpsc::Receiver<Change>,
}

/// Where changes are handed in.
#[derive(Debug, Clone)]
pub struct Door(mpsc::Sender<Change>);

impl Door {
    /// To a house that has ended.
    #[cfg(test)]
    pub(crate) fn to_nobody() -> Self {
        Self(mpsc::channel(1).0)
    }

    /// Hands a change in, waiting for room and for nothing else.
    ///
    /// # Errors
    ///
    /// [`Refused::Gone`].
    pub async fn send(&self, what: What, actor: Actor) -> Result<(), Refused> {
        let change = Change::new(what, actor);
        self.0.send(change).await.map_err(|_| Refused::Gone)
    }

    /// Hands a change in and waits until it is in force or refused.
    ///
    /// # Errors
    ///
    /// It is refused.
    pub async fn ask(&self, mut change: Change) -> Answer {
        let (reply, answer) = oneshot::channel();
        change.reply = Some(reply);
        self.0.send(change).await.map_err(|_| Refused::Gone)?;
        answer.await.map_err(|_| Refused::Gone)?
    }
}

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
    /// Reads the file, or the last good one when it is broken, lays over it what the journal and the
    /// kill switches say, and compiles the first snapshot.
    ///
    /// # Errors
    ///
    /// Neither file can be used.
    pub fn open(path: &Path, cores: usize) -> Result<(Self, Door), OpenError> {
        let (loaded, outcome) = read_or_last_good(path)?;
        let Loaded { config, text } = loaded;
        let workers = config.listen.workers.unwrap_or(cores).max(1);
        let (mut journal, written, mut opened) = Journal::open(&config.state_dir);
        let mut overrides = written.clone();
        overrides.forget_older_than_file(|route| plan::file_percent(&config, route));
        if opened.is_ok() && overrides != written {
            // What is forgotten must stay so, even if a later file says again what the old one did.
            opened = journal.append(&mut Entry::of_start(&overrides));
        }
        if let Err(error) = &opened {
            tracing::error!(%error, "The journal cannot be written: a restart would forget rollbacks");
        }
        let switches = kill::switches(&config.state_dir, |name| std::env::var(name).ok());
        let forces = forces_of(&config, &overrides, &switches);
        for (route, force) in forces.iter().filter(|(_, force)| force.is_capped()) {
            tracing::warn!(%route, %force, "A kill switch is on");
        }
        let snapshot = plan::compile_in_force(&config, &forces, &Snapshot::empty(), workers)
            .map_err(OpenError::Compile)?;
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
            forces,
            journal_sound: opened.is_ok(),
        };
        let (sender, changes) = mpsc::channel(WAITING);
        let controller = Self {
            path: path.to_owned(),
            config,
            overrides,
            switches,
            journal,
            workers,
            publisher: Publisher::new(snapshot),
            standing: Arc::new(ArcSwap::from_pointee(standing)),
            changes,
        };
        if refused == 0 {
            controller.keep(&text);
        }
        Ok((controller, Door(sender)))
    }

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

    fn apply_file(&mut self, actor: Actor, stamp: Stamp) -> Answer {
        let Loaded { mut config, text } = match config::load(&self.path) {
            Ok(loaded) => loaded,
            Err(problems) => return Err(self.refuse_file(problems.to_string(), actor)),
        };
        let needs_restart = config::needs_restart(&self.config, &config);
        config::keep_running_values(&self.config, &mut config);
        let mut overrides = self.overrides.clone();
        overrides.forget_older_than_file(|route| plan::file_percent(&config, route));
        let plan = Plan {
            what: "file",
            route: None,
            stamp,
            config,
            overrides,
            switches: self.switches.clone(),
            // The file itself is what a restart reads.
            needs_journal: false,
        };
        let done = match self.put_in_force(plan) {
            Ok(done) => done,
            Err(refused) => return Err(self.refuse_file(refused.to_string(), actor)),
        };
        self.keep(&text);
        if !needs_restart.is_empty() {
            let keys = needs_restart.join(", ");
            tracing::warn!(keys, "These keys keep their old values until a restart");
        }
        tracing::info!(epoch = done.epoch, %actor, "The file is in force");
        let now = SystemTime::now();
        self.stand(|standing| {
            standing.last = Outcome::Applied;
            standing.applied_at = now;
            standing.attempted_at = now;
            standing.applied += 1;
            standing.from_last_good = false;
            standing.needs_restart = needs_restart;
        });
        Ok(done)
    }

    fn apply_kill_file(&mut self, stamp: Stamp) -> Answer {
        // The word may be older than a resume that has removed the file.
        let there = kill::kill_path(&self.config.state_dir).exists();
        if there == self.switches.kill_file.is_some() {
            return Ok(self.nothing_moved());
        }
        let switches = Switches {
            kill_file: there.then(|| stamp.clone()),
            ..self.switches.clone()
        };
        self.put_in_force(Plan {
            what: if there { "kill" } else { "unkill" },
            switches,
            // The file KILL is what a restart looks at.
            needs_journal: false,
            ..self.plan(None, stamp)
        })
    }

    fn apply_rollback(&mut self, route: Option<String>, stamp: Stamp) -> Answer {
        self.know_candidate(route.as_deref())?;
        let mut plan = Plan {
            what: "rollback",
            // Taking traffic back must work on a full disk too.
            needs_journal: false,
            ..self.plan(route, stamp.clone())
        };
        let route = plan.route.clone();
        plan.overrides.roll_back(route.as_deref(), stamp);
        self.put_in_force(plan)
    }

    fn apply_resume(&mut self, route: Option<String>, stamp: Stamp) -> Answer {
        if self.switches.disabled {
            return Err(Refused::Disabled);
        }
        let all = self.overrides.rollback.is_some() || self.switches.kill_file.is_some();
        if route.is_some() {
            self.know_candidate(route.as_deref())?;
            if all {
                return Err(Refused::AllRolledBack);
            }
        }
        let mut plan = Plan {
            what: "resume",
            ..self.plan(route, stamp)
        };
        let route = plan.route.clone();
        plan.overrides.resume(route.as_deref());
        plan.switches.kill_file = None;
        let killed = self.switches.kill_file.is_some();
        let path = kill::kill_path(&self.config.state_dir);
        if killed {
            remove_if_there(&path).map_err(Refused::KillFile)?;
        }
        let answer = self.put_in_force(plan);
        if killed && answer.is_err() {
            // Refused is refused: what kept the traffic back must go on doing so.
            if let Err(error) = fs::write(&path, "") {
                tracing::error!(%error, "The file KILL cannot be put back");
            }
        }
        answer
    }

    fn apply_shift(&mut self, route: &str, hundredths: u16, stamp: Stamp) -> Answer {
        self.know_candidate(Some(route))?;
        let standing = self.standing.load();
        if let Some(force) = standing.forces.get(route).filter(|force| force.is_capped()) {
            return Err(Refused::Capped(force.to_string()));
        }
        let over = standing.file_percent(route);
        let set = Shifted {
            hundredths: hundredths.min(10_000),
            over,
            stamp: stamp.clone(),
        };
        let mut plan = Plan {
            what: "shift",
            ..self.plan(Some(route.to_owned()), stamp)
        };
        plan.overrides.alter(route, |laid| {
            laid.shifted = (hundredths != over).then_some(set)
        });
        self.put_in_force(plan)
    }

    /// A plan that changes nothing yet, and that has to be written down.
    fn plan(&self, route: Option<String>, stamp: Stamp) -> Plan {
        Plan {
            what: "",
            route,
            stamp,
            config: self.config.clone(),
            overrides: self.overrides.clone(),
            switches: self.switches.clone(),
            needs_journal: true,
        }
    }

    /// Compiles a plan, writes it down, publishes it.
    fn put_in_force(&mut self, plan: Plan) -> Answer {
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
        Ok(Done {
            epoch,
            moves,
            persisted,
        })
    }

    fn nothing_moved(&self) -> Done {
        Done {
            epoch: self.publisher.current().epoch,
            moves: Vec::new(),
            persisted: true,
        }
    }

    /// A route that is named must be there and have a candidate.
    fn know_candidate(&self, route: Option<&str>) -> Result<(), Refused> {
        let Some(name) = route else { return Ok(()) };
        let known = self.config.routes.iter().find(|route| route.name == name);
        match known {
            None => Err(Refused::NoRoute(name.to_owned())),
            Some(route) if route.candidate.is_none() => Err(Refused::NoCandidate(name.to_owned())),
            Some(_) => Ok(()),
        }
    }

    fn refuse_file(&self, problems: String, actor: Actor) -> Refused {
        tracing::error!(%actor, "The file is refused and nothing has changed:\n{problems}");
        self.stand(|standing| {
            standing.last = Outcome::Refused(problems.clone());
            standing.attempted_at = SystemTime::now();
            standing.refused += 1;
        });
        Refused::File(problems)
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

fn apply_health(endpoint: &Endpoint, backend: &str, healthy: bool) {
    endpoint.fitness.set_healthy(healthy);
    let endpoint = &*endpoint.url;
    if healthy {
        tracing::info!(
            backend,
            endpoint,
            "An endpoint passes its health checks again"
        );
    } else {
        tracing::warn!(backend, endpoint, "An endpoint fails its health checks");
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
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

//! The first state of the controller: from the file, or the last good one, and what is laid over it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::budget::cap_at_start;
use super::controller::Controller;
use super::cost::Purse;
use super::door::{Door, door};
use super::events::Events;
use super::journal::{Entry, Journal};
use super::judge::Bench;
use super::last_found::{LastFound, Proven};
use super::owners::OwnersTable;
use super::plan::{self, forces_of};
use super::standing::{Outcome, Standing};
use super::succession::succession;
use super::watched::Watched;
use super::{kill, last_good, material};
use crate::config::{self, Loaded, Problems};
use crate::snapshot::{Publisher, Snapshot};
use crate::tls::Material;

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
        let (loaded, material, outcome) = read_or_last_good(path)?;
        let Loaded { config, text } = loaded;
        let workers = config.listen.workers.unwrap_or(cores).max(1);
        let (mut journal, written, mut opened) = Journal::open(&config.state_dir);
        let mut overrides = written.clone();
        overrides.forget_older_than_file(|route| plan::file_words(&config, route));
        let purse = Purse::open(&config, SystemTime::now());
        cap_at_start(&mut overrides, &config, &purse);
        if opened.is_ok() && overrides != written {
            // What is forgotten must stay so, even if a later file says again what the old one did, and what
            // is capped too.
            opened = journal.append(&mut Entry::of_start(&overrides));
        }
        if let Err(error) = &opened {
            tracing::error!(%error, "The journal cannot be written: a restart would forget rollbacks");
        }
        let switches = kill::switches(&config.state_dir, |name| std::env::var(name).ok());
        let forces = forces_of(&config, &overrides, &switches);
        for (route, force) in forces.iter().filter(|(_, force)| force.is_capped()) {
            tracing::warn!(%route, %force, "Traffic is kept back");
        }
        let mut none = Snapshot::empty();
        let mut owners = OwnersTable::default();
        if let Some(table) = owners.for_file(&config) {
            none.owners = table;
        }
        let (found, proven) = LastFound::read(&config, SystemTime::now());
        let snapshot = plan::compile_in_force(
            &config,
            &material,
            &found.addresses,
            &forces,
            &none,
            workers,
        )
        .map_err(OpenError::Compile)?;
        trust(&snapshot, &proven);
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
        let (door, changes) = door();
        let (succession, successors) = succession();
        // What a step has shown does not outlive the process, and so its time does not.
        overrides.steps_anew();
        let starts = config
            .routes
            .iter()
            .filter(|route| route.ramp.as_ref().is_some_and(|ramp| ramp.auto_start))
            .filter(|route| !overrides.of(&route.name).ramp_has_run)
            .map(|route| route.name.clone())
            .collect();
        let mut controller = Self {
            path: path.to_owned(),
            config_in_force: Arc::new(ArcSwap::from_pointee(config.clone())),
            text_in_force: Arc::new(ArcSwap::from_pointee(text.clone())),
            bench: Bench::default(),
            watched: Watched::default(),
            purse,
            budgets_after: BTreeMap::new(),
            discovered: Arc::default(),
            starts,
            born: None,
            findings: Arc::default(),
            config,
            material,
            found: Arc::new(found),
            owners,
            overrides,
            switches,
            journal,
            events: Events::new(),
            workers,
            publisher: Publisher::new(snapshot),
            standing: Arc::new(ArcSwap::from_pointee(standing)),
            changes,
            succession,
            successors,
        };
        controller.follow("start", &[]);
        controller.tell_attempts();
        if refused == 0 {
            controller.keep(&text);
        }
        Ok((controller, door))
    }
}

/// What the predecessor had proven need not be proven again while its traffic comes here.
fn trust(snapshot: &Snapshot, proven: &Proven) {
    for backend in &snapshot.backends {
        for member in &backend.members {
            let place = (backend.name.to_string(), member.endpoint.key.to_string());
            if proven.contains(&place) {
                member.endpoint.fitness.trust();
            }
        }
    }
}

fn read_or_last_good(path: &Path) -> Result<(Loaded, Arc<Material>, Outcome), OpenError> {
    let problems = match read(path) {
        Ok((loaded, material)) => return Ok((loaded, material, Outcome::Applied)),
        Err(problems) => problems,
    };
    let text = fs::read_to_string(path).unwrap_or_default();
    let state_dir = last_good::state_dir_of(&text).unwrap_or_else(config::default_state_dir);
    let kept = last_good::place(&state_dir);
    match read(&kept) {
        Ok((loaded, material)) => {
            let kept = kept.display();
            tracing::error!("The file is refused:\n{problems}");
            tracing::error!(%kept, "Starting from the last good file instead");
            Ok((loaded, material, Outcome::Refused(problems.to_string())))
        }
        Err(_) => Err(OpenError::Config(problems)),
    }
}

/// A file, and what the files that it names are made into.
fn read(path: &Path) -> Result<(Loaded, Arc<Material>), Problems> {
    let loaded = config::load(path)?;
    match material::load(&loaded.config, &Material::default()) {
        Ok(material) => {
            material::remark(&material);
            Ok((loaded, material))
        }
        Err(bad) => Err(material::problems(path, &loaded.text, &bad)),
    }
}

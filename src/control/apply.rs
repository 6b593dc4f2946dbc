//! What each change means: it makes a plan, and the controller puts it in force.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::budget::tell_renamed;
use super::change::{Actor, Answer, Refused};
use super::controller::Controller;
use super::force::Switches;
use super::overrides::{Shifted, Stamp};
use super::plan::{self, Plan};
use super::standing::Outcome;
use super::{kill, material};
use crate::config::{self, Config, Loaded};
use crate::snapshot::Endpoint;

impl Controller {
    pub(super) fn apply_file(&mut self, actor: Actor, stamp: Stamp) -> Answer {
        let Loaded { mut config, text } = match config::load(&self.path) {
            Ok(loaded) => loaded,
            Err(problems) => return Err(self.refuse_file(problems.to_string(), actor)),
        };
        let needs_restart = config::needs_restart(&self.config, &config);
        config::keep_running_values(&self.config, &mut config);
        let material = match material::load(&config, &self.material) {
            Ok(material) => {
                material::remark(&material);
                material
            }
            Err(bad) => {
                let problems = material::problems(&self.path, &text, &bad);
                return Err(self.refuse_file(problems.to_string(), actor));
            }
        };
        let mut overrides = self.overrides.clone();
        overrides.forget_older_than_file(|route| plan::file_words(&config, route));
        let renamed = self.renamed(&config);
        self.pass_books_on(&mut overrides, &renamed);
        self.cap_by_file(&mut overrides, &config, &renamed);
        let starts = auto_starts(&self.config, &config);
        let mut found = (*self.found).clone();
        found.keep_for(&config);
        let plan = Plan {
            what: "file",
            route: None,
            hard: false,
            stamp,
            config,
            material,
            found: Arc::new(found),
            overrides,
            switches: self.switches.clone(),
            // The file itself is what a restart reads.
            needs_journal: false,
            is_quiet: false,
        };
        let done = match self.put_in_force(plan) {
            Ok(done) => done,
            Err(refused) => {
                self.take_books_back(&renamed);
                return Err(self.refuse_file(refused.to_string(), actor));
            }
        };
        tell_renamed(&renamed);
        self.starts.extend(starts);
        self.keep(&text);
        self.text_in_force.store(Arc::new(text));
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

    pub(super) fn apply_kill_file(&mut self, stamp: Stamp) -> Answer {
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

    pub(super) fn apply_rollback(
        &mut self,
        route: Option<String>,
        hard: bool,
        stamp: Stamp,
    ) -> Answer {
        self.know_candidate(route.as_deref())?;
        let mut plan = Plan {
            what: "rollback",
            hard,
            // Taking traffic back must work on a full disk too.
            needs_journal: false,
            ..self.plan(route, stamp.clone())
        };
        let route = plan.route.clone();
        plan.overrides.roll_back(route.as_deref(), stamp);
        self.put_in_force(plan)
    }

    pub(super) fn apply_resume(&mut self, route: Option<String>, stamp: &Stamp) -> Answer {
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
            ..self.plan(route, stamp.clone())
        };
        let route = plan.route.clone();
        let begin_anew = self.overrides.held(route.as_deref());
        plan.overrides.resume(route.as_deref(), stamp);
        plan.switches.kill_file = None;
        let killed = self.switches.kill_file.is_some();
        let path = kill::kill_path(&self.config.state_dir);
        if killed {
            remove_if_there(&path).map_err(Refused::KillFile)?;
        }
        let answer = self.put_in_force(plan);
        if answer.is_ok() {
            // What was found then is over, also where the share has not moved yet.
            begin_anew
                .iter()
                .for_each(|route| self.bench.restart(route, 0));
        }
        if killed && answer.is_err() {
            // Refused is refused: what kept the traffic back must go on doing so.
            if let Err(error) = fs::write(&path, "") {
                tracing::error!(%error, "The file KILL cannot be put back");
            }
        }
        answer
    }

    /// Ends the route's ramp: two cannot set one share.
    pub(super) fn apply_shift(
        &mut self,
        route: &str,
        hundredths: u16,
        by_force: bool,
        stamp: Stamp,
    ) -> Answer {
        self.know_candidate(Some(route))?;
        self.not_killed(route)?;
        let standing = self.standing.load();
        let held = self.overrides.of(route).hold.map(|hold| hold.hundredths);
        // Less than the guard leaves is no risk.
        if held.is_some_and(|held| hundredths > held) && !by_force {
            let force = standing.forces.get(route);
            let force = force.map(ToString::to_string).unwrap_or_default();
            return Err(Refused::Held(force));
        }
        if !by_force {
            self.not_over_budget(route, hundredths)?;
        }
        let over = standing.file_percent(route);
        let set = Shifted {
            hundredths: hundredths.min(10_000),
            over,
            between: self.between(route),
            stamp: stamp.clone(),
        };
        let mut plan = Plan {
            what: "shift",
            ..self.plan(Some(route.to_owned()), stamp)
        };
        plan.overrides.alter(route, |laid| {
            laid.shifted = (hundredths != over || laid.flagged.is_some()).then_some(set);
            laid.climb = None;
            laid.hold.take_if(|_| by_force);
            if let Some(capped) = &mut laid.budget
                && by_force
            {
                capped.hundredths = capped.hundredths.max(hundredths.min(10_000));
            }
        });
        self.put_in_force(plan)
    }

    /// Under a kill switch nothing gives a share.
    pub(super) fn not_killed(&self, route: &str) -> Result<(), Refused> {
        let standing = self.standing.load();
        let force = standing.forces.get(route);
        match force.filter(|force| force.is_killed()) {
            Some(force) => Err(Refused::Capped(force.to_string())),
            None => Ok(()),
        }
    }

    /// A plan that changes nothing yet, and that has to be written down.
    pub(super) fn plan(&self, route: Option<String>, stamp: Stamp) -> Plan {
        Plan {
            what: "",
            route,
            hard: false,
            stamp,
            config: self.config.clone(),
            material: Arc::clone(&self.material),
            found: Arc::clone(&self.found),
            overrides: self.overrides.clone(),
            switches: self.switches.clone(),
            needs_journal: true,
            is_quiet: false,
        }
    }

    /// A route that is named must be there and have a candidate.
    pub(super) fn know_candidate(&self, route: Option<&str>) -> Result<(), Refused> {
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
}

/// The routes whose ramps shall start by themselves and are new, or other ones than before.
fn auto_starts(before: &Config, after: &Config) -> Vec<String> {
    let old = |name: &str| before.routes.iter().find(|route| route.name == name);
    let routes = after.routes.iter();
    routes
        .filter(|route| route.ramp.as_ref().is_some_and(|ramp| ramp.auto_start))
        .filter(|route| old(&route.name).is_none_or(|old| old.ramp != route.ramp))
        .map(|route| route.name.clone())
        .collect()
}

/// A health check has a new word: no snapshot changes by it.
pub(super) fn apply_health(endpoint: &Endpoint, backend: &str, healthy: bool) {
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

//! Budgets before the door: a percent whose candidate has spent too much does not rise. Nothing is taken
//! away, and no request is refused.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use super::change::{Actor, Answer, Change, Refused, What};
use super::controller::Controller;
use super::cost::{Costs, Purse};
use super::discovered::Discovered;
use super::journal::{journal_path, read_journal};
use super::overrides::{Capped, Overrides, RouteOverride, Stamp};
use super::plan::Plan;
use crate::config::Config;
use crate::policy::cost::dollars;
use crate::snapshot::Snapshot;

/// After a cap that could not be taken off, the next try.
const PAUSE: Duration = Duration::from_secs(30);
/// So many lines of the journal are asked for the last percent of a route.
const LINES: usize = 1_000;

/// What a look at the costs wants of a route.
struct Wish {
    route: String,
    backend: String,
    over: bool,
    why: String,
}

impl Controller {
    /// What is known of costs, renewed each second.
    pub fn costs(&self) -> Arc<ArcSwap<Costs>> {
        self.purse.costs()
    }

    /// Where prices of instances are read: whoever looks for endpoints writes what it has found there.
    pub fn discovered(&self) -> Arc<ArcSwap<Discovered>> {
        Arc::clone(&self.discovered)
    }

    /// One look at what backends cost, and what follows. `now` is on the workers' clock.
    pub(super) fn look_at_costs(&mut self, now: Duration, wall: SystemTime) {
        let snapshot = self.publisher.current();
        let (discovered, standing) = (self.discovered.load(), self.standing.load());
        self.purse
            .look(now, &self.config, &snapshot, &discovered, &standing.forces);
        let costs = self.purse.costs().load_full();
        for wish in wishes(&self.overrides, &costs, &snapshot) {
            let route = wish.route.clone();
            let waits = self.watched.of(&route).budget_after;
            if waits.is_some_and(|after| wall < after) {
                continue;
            }
            let what = What::Budget {
                route: wish.route,
                backend: wish.backend,
                over: wish.over,
            };
            let mut change = Change::new(what, Actor::Budget);
            change.reason = wish.why;
            let answer = self.apply(change);
            self.watched.of(&route).budget_after = match answer {
                Ok(_) => None,
                Err(refused) => {
                    tracing::error!(route, %refused, "What the budget wants is not in force");
                    wall.checked_add(PAUSE)
                }
            };
        }
    }

    /// The budget of a route's candidate is used up, or is not any more.
    pub(super) fn apply_budget(
        &mut self,
        route: &str,
        backend: String,
        over: bool,
        stamp: Stamp,
    ) -> Answer {
        if over {
            self.know_candidate(Some(route))?;
        }
        let standing = self.standing.load();
        let force = standing.forces.get(route);
        let hundredths = force.map_or(0, |force| force.hundredths);
        let mut plan = Plan {
            what: if over { "budget_cap" } else { "budget_free" },
            ..self.plan(Some(route.to_owned()), stamp.clone())
        };
        plan.overrides.alter(route, |laid| {
            laid.budget = over.then_some(Capped {
                hundredths,
                backend,
                stamp,
            });
        });
        self.put_in_force(plan)
    }

    /// Whether a used up budget leaves this much, in hundredths of a percent.
    ///
    /// # Errors
    ///
    /// It does not.
    pub(super) fn not_over_budget(&self, route: &str, hundredths: u16) -> Result<(), Refused> {
        let standing = self.standing.load();
        let force = standing.forces.get(route);
        let cap = force.and_then(|force| Some((force, force.budget()?)));
        match cap.filter(|(_, cap)| hundredths > cap.hundredths) {
            Some((force, _)) => Err(Refused::OverBudget(force.to_string())),
            None => Ok(()),
        }
    }
}

/// The routes of which a cap has to be put on or taken off.
fn wishes(overrides: &Overrides, costs: &Costs, snapshot: &Snapshot) -> Vec<Wish> {
    let mut wishes = Vec::new();
    let candidate = |name: &str| {
        let mut routes = snapshot.routes.iter();
        let route = routes.find(|route| &*route.name == name)?;
        Some(&*route.candidate.as_ref()?.backend.name)
    };
    for route in &snapshot.routes {
        let backend = route.candidate.as_ref().map(|arm| &*arm.backend.name);
        let cost = backend.and_then(|backend| Some((backend, costs.backends.get(backend)?)));
        let Some((backend, over)) = cost.and_then(|(backend, cost)| Some((backend, cost.over?)))
        else {
            continue;
        };
        let laid = overrides.routes.get(&*route.name);
        let capped = laid.and_then(|laid| laid.budget.as_ref());
        if capped.is_none_or(|capped| *capped.backend != *backend) {
            wishes.push(Wish {
                route: route.name.to_string(),
                backend: backend.to_owned(),
                over: true,
                why: over.to_string(),
            });
        }
    }
    for (name, laid) in &overrides.routes {
        let Some(capped) = &laid.budget else {
            continue;
        };
        let is_of = candidate(name).is_some_and(|backend| *backend == *capped.backend);
        let cost = costs.backends.get(&capped.backend).filter(|_| is_of);
        let bound = cost.and_then(|cost| Some((cost, cost.budget?)));
        let why = match bound {
            // Another candidate that has used up its own budget gets its own cap.
            None if wishes.iter().any(|wish| wish.route == *name) => continue,
            None => "there is no such budget any more".to_owned(),
            Some((cost, budget)) if budget.is_back(&cost.spent) => format!(
                "{} in the last hour, {} in the last 24",
                dollars(cost.spent.hour),
                dollars(cost.spent.day)
            ),
            Some(_) => continue,
        };
        wishes.push(Wish {
            route: name.clone(),
            backend: capped.backend.clone(),
            over: false,
            why,
        });
    }
    wishes
}

/// Caps that a start finds missing: by what was kept, a budget is used up, and the percent must not rise
/// by a restart. The cap is the percent that was in force before.
pub(super) fn cap_at_start(overrides: &mut Overrides, config: &Config, purse: &Purse) {
    for route in &config.routes {
        let Some(backend) = &route.candidate else {
            continue;
        };
        let written = config.backends.get(backend);
        let over = written.and_then(|written| purse.over_at_start(backend, written));
        let is_capped = |laid: &RouteOverride| {
            let capped = laid.budget.as_ref();
            capped.is_some_and(|capped| capped.backend == *backend)
        };
        let Some(over) = over.filter(|_| !is_capped(&overrides.of(&route.name))) else {
            continue;
        };
        // Without one it is the first percent, and nothing has risen.
        let Some(hundredths) = share_before(&route.name, config, purse) else {
            continue;
        };
        let capped = Capped {
            hundredths,
            backend: backend.clone(),
            stamp: Stamp::now(Actor::Budget, over.to_string()),
        };
        overrides.alter(&route.name, |laid| laid.budget = Some(capped));
    }
}

/// The percent of a route before the start: by the journal, if that is newer than what was kept with the
/// books, else by those.
fn share_before(route: &str, config: &Config, purse: &Purse) -> Option<u16> {
    let entries = read_journal(&journal_path(&config.state_dir), LINES).unwrap_or_default();
    let moved = entries.iter().rev().find_map(|entry| {
        let mut moves = entry.moves.iter();
        let moved = moves.find(|moved| moved.route == route)?;
        Some((moved.to, Duration::from_millis(entry.stamp.at)))
    });
    let newest = [moved, purse.share_before(route)].into_iter().flatten();
    newest.max_by_key(|(_, at)| *at).map(|(share, _)| share)
}

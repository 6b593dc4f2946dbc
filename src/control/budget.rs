//! Budgets before the door: a percent whose candidate has spent too much does not rise. Nothing is taken
//! away, and no request is refused.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::change::{Actor, Answer, Change, Refused, What};
use super::controller::Controller;
use super::cost::{Costs, Purse};
use super::discovered::Discovered;
use super::force::Force;
use super::journal::{journal_path, read_journal};
use super::overrides::{Capped, Overrides, Stamp};
use super::plan::Plan;
use crate::config::Config;
use crate::config::model::{Backend, Route};
use crate::policy::cost::dollars;
use crate::snapshot::Snapshot;

/// After a cap that could not be taken off, the next try.
const PAUSE: Duration = Duration::from_secs(30);
/// So many lines of the journal are asked for the last percents.
const LINES: usize = 1_000;

/// What a look at the costs wants of the routes with a candidate.
struct Wish {
    routes: Vec<String>,
    backend: String,
    over: bool,
    why: String,
}

/// A backend that has another name in another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Renamed {
    from: String,
    to: String,
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
    pub(super) fn look_at_costs(&mut self, now: Duration) {
        let snapshot = self.publisher.current();
        let (discovered, standing) = (self.discovered.load(), self.standing.load());
        self.purse
            .look(now, &self.config, &snapshot, &discovered, &standing.forces);
        let costs = self.purse.costs().load_full();
        for wish in wishes(&self.overrides, &costs, &snapshot) {
            let backend = wish.backend.clone();
            let key = (backend.clone(), wish.over);
            let waits = self.budgets_after.get(&key);
            if waits.is_some_and(|after| now < *after) {
                continue;
            }
            let what = What::Budget {
                routes: wish.routes,
                backend: wish.backend,
                over: wish.over,
            };
            let mut change = Change::new(what, Actor::Budget);
            change.reason = wish.why;
            match self.apply(change) {
                Ok(_) => {
                    self.budgets_after.remove(&key);
                }
                Err(refused) => {
                    tracing::error!(backend, %refused, "What the budget wants is not in force");
                    self.budgets_after.insert(key, now + PAUSE);
                }
            }
        }
    }

    /// The budget of a candidate is used up, or is not any more.
    pub(super) fn apply_budget(
        &mut self,
        routes: &[String],
        backend: &str,
        over: bool,
        stamp: &Stamp,
    ) -> Answer {
        let standing = self.standing.load();
        let one = match routes {
            [one] => Some(one.clone()),
            _ => None,
        };
        let mut plan = Plan {
            what: if over { "budget_cap" } else { "budget_free" },
            ..self.plan(one, stamp.clone())
        };
        for route in routes {
            let force = standing.forces.get(route);
            // What a kill switch or the guard takes for a while is not what the budget is about: a cap at
            // nothing would outlast it.
            let capped = force.filter(|_| over).map(|force| Capped {
                hundredths: force.without_stops(),
                backend: backend.to_owned(),
                stamp: stamp.clone(),
            });
            plan.overrides.alter(route, |laid| laid.budget = capped);
        }
        let done = self.put_in_force(plan)?;
        let (why, routes) = (&stamp.reason, routes.join(", "));
        if over {
            tracing::warn!(
                backend,
                routes,
                why,
                "A budget is used up: no percent rises to this backend"
            );
        } else {
            tracing::info!(
                backend,
                routes,
                why,
                "There is a budget again: percents may rise to this backend"
            );
        }
        Ok(done)
    }

    /// A file gives no more to a candidate whose budget is used up: what it had before, and nothing where it
    /// was not the candidate.
    pub(super) fn cap_by_file(
        &self,
        overrides: &mut Overrides,
        config: &Config,
        renamed: &[Renamed],
    ) {
        let standing = self.standing.load();
        let share = |route: &Route| {
            let before = self.between(&route.name).map(|before| before.candidate);
            let before = before.map(|before| {
                let renamed = renamed.iter().find(|renamed| renamed.from == before);
                renamed.map_or(before, |renamed| renamed.to.clone())
            });
            let same = before.is_some() && before == route.candidate;
            let force = standing.forces.get(&route.name).filter(|_| same);
            Some(force.map_or(0, Force::without_stops))
        };
        cap(overrides, config, &self.purse, share);
    }

    /// The books of renamed backends go on under their new names, and so do their caps: what was spent is
    /// spent.
    pub(super) fn pass_books_on(&mut self, overrides: &mut Overrides, renamed: &[Renamed]) {
        for Renamed { from, to } in renamed {
            self.purse.rename(from, to);
            let caps = overrides.routes.values_mut();
            let caps = caps.filter_map(|laid| laid.budget.as_mut());
            for capped in caps.filter(|capped| capped.backend == *from) {
                capped.backend.clone_from(to);
            }
        }
    }

    /// The file that renames them is refused.
    pub(super) fn take_books_back(&mut self, renamed: &[Renamed]) {
        for Renamed { from, to } in renamed {
            self.purse.rename(to, from);
        }
    }

    /// The backends of which something was spent and that another file has under other names: the same place,
    /// and no doubt who is who.
    pub(super) fn renamed(&self, config: &Config) -> Vec<Renamed> {
        let has_place = |one: &Backend| one.discover.is_some() || !one.endpoints.is_empty();
        let is_same = |one: &Backend, other: &Backend| {
            one.discover == other.discover && one.endpoints == other.endpoints
        };
        let gone = self.config.backends.iter();
        let gone = gone.filter(|(name, one)| {
            !config.backends.contains_key(*name) && has_place(one) && self.purse.knows(name)
        });
        let come = || {
            let come = config.backends.iter();
            come.filter(|(name, _)| {
                !self.config.backends.contains_key(*name) && !self.purse.knows(name)
            })
        };
        let mut renamed: Vec<Renamed> = Vec::new();
        for (from, one) in gone {
            let mut same = come().filter(|(_, other)| is_same(one, other));
            if let (Some((to, _)), None) = (same.next(), same.next())
                && renamed.iter().all(|renamed| renamed.to != *to)
            {
                let (from, to) = (from.clone(), to.clone());
                renamed.push(Renamed { from, to });
            }
        }
        renamed
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
            Some((force, _)) => {
                let (costs, between) = (self.purse.costs().load_full(), self.between(route));
                let still = between.and_then(|between| costs.still(&between.candidate));
                let now = still.map(|still| format!("; the budget now: {still}"));
                let now = now.unwrap_or_default();
                Err(Refused::OverBudget(format!("{force}{now}")))
            }
            None => Ok(()),
        }
    }
}

/// Budgets that are used up from the start: in order, and hardly what is meant.
pub(super) fn remarks(config: &Config) -> Vec<String> {
    let backends = config.backends.iter();
    let odd = backends.filter_map(|(name, backend)| {
        let (price, bound) = (backend.dollars_per_hour?, backend.budget?.per_hour?);
        (price > bound).then(|| {
            format!(
                "backend `{name}`: `dollars_per_hour` is {price} and `budget.per_hour` is {bound}: no percent \
                 with this candidate will ever rise"
            )
        })
    });
    odd.collect()
}

/// What is told of the books is told under their new names.
pub(super) fn tell_renamed(renamed: &[Renamed]) {
    for Renamed { from, to } in renamed {
        tracing::warn!(
            from,
            to,
            "A backend has another name: what it has cost counts for that one. At a start nobody would know"
        );
    }
}

/// The caps that have to be put on or taken off.
fn wishes(overrides: &Overrides, costs: &Costs, snapshot: &Snapshot) -> Vec<Wish> {
    let routes = snapshot.routes.iter();
    let candidates = routes.filter_map(|route| {
        let backend = &route.candidate.as_ref()?.backend.name;
        Some((&*route.name, &**backend))
    });
    let candidates: BTreeMap<&str, &str> = candidates.collect();
    let capped = |route: &str| overrides.routes.get(route)?.budget.as_ref();
    let mut wishes = Vec::new();
    for (backend, cost) in &costs.backends {
        let Some(over) = cost.over else { continue };
        let mut routes = Vec::new();
        for (route, _) in candidates.iter().filter(|(_, of)| *of == backend) {
            if capped(route).is_none_or(|capped| capped.backend != *backend) {
                routes.push((*route).to_owned());
            }
        }
        wishes.push(Wish {
            routes,
            backend: backend.clone(),
            over: true,
            why: over.to_string(),
        });
    }
    // By the backend, and why.
    let mut free: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for (route, laid) in &overrides.routes {
        let Some(capped) = &laid.budget else { continue };
        let is_capped_anew = wishes.iter().any(|wish| wish.routes.contains(route));
        let is_of = candidates.get(&**route) == Some(&&*capped.backend);
        let cost = costs.backends.get(&capped.backend).filter(|_| is_of);
        let bound = cost.filter(|cost| cost.budget.is_some());
        let why = match bound {
            _ if is_capped_anew => continue,
            None => "there is no such budget any more".to_owned(),
            Some(cost) if cost.still.is_none() => format!(
                "{} in the last hour, {} in the last 24",
                dollars(cost.spent.hour),
                dollars(cost.spent.day)
            ),
            Some(_) => continue,
        };
        let routes = free.entry((&*capped.backend, why)).or_default();
        routes.push(route.clone());
    }
    wishes.extend(free.into_iter().map(|((backend, why), routes)| Wish {
        routes,
        backend: backend.to_owned(),
        over: false,
        why,
    }));
    wishes.retain(|wish| !wish.routes.is_empty());
    wishes
}

/// Caps that a start finds missing: by what was kept, a budget is used up, and no percent must rise by a
/// restart. The cap is what the candidate had before, as with a reload. Without any books this is the first start, and
/// nothing has risen.
pub(super) fn cap_at_start(overrides: &mut Overrides, config: &Config, purse: &Purse) {
    let moved = OnceCell::new();
    cap(overrides, config, purse, |route| {
        let moved = moved.get_or_init(|| last_moves(config));
        share_before(route, moved.get(&route.name).copied(), purse)
    });
}

/// Caps the routes whose candidate has used up its budget and that are not capped for that yet, at this
/// share in hundredths of a percent.
fn cap(
    overrides: &mut Overrides,
    config: &Config,
    purse: &Purse,
    share: impl Fn(&Route) -> Option<u16>,
) {
    for route in &config.routes {
        let Some(backend) = &route.candidate else {
            continue;
        };
        let laid = overrides.of(&route.name);
        let capped = laid.budget.as_ref();
        if capped.is_some_and(|capped| capped.backend == *backend) {
            continue;
        }
        let written = config.backends.get(backend);
        let over = written.and_then(|written| purse.over(backend, written));
        let capped = over.and_then(|over| {
            Some(Capped {
                hundredths: share(route)?,
                backend: backend.clone(),
                stamp: Stamp::now(Actor::Budget, over.to_string()),
            })
        });
        if capped.is_some() {
            overrides.alter(&route.name, |laid| laid.budget = capped);
        }
    }
}

/// The share of a route's candidate before the start: what it had by the books, or by a newer move of the
/// journal. A candidate that is not in them had nothing.
fn share_before(route: &Route, moved: Option<(u16, Duration)>, purse: &Purse) -> Option<u16> {
    if !purse.had_books() {
        return moved.map(|(share, _)| share);
    }
    let kept = purse.share_before(&route.name, route.candidate.as_ref()?);
    let moved = moved.filter(|_| kept.is_some());
    let newest = [moved, kept].into_iter().flatten();
    let newest = newest.max_by_key(|(_, at)| *at);
    Some(newest.map_or(0, |(share, _)| share))
}

/// Where the journal says that each route was moved last, kill switches and holds aside, and when.
fn last_moves(config: &Config) -> BTreeMap<String, (u16, Duration)> {
    let entries = read_journal(&journal_path(&config.state_dir), LINES).unwrap_or_default();
    let mut last = BTreeMap::new();
    // What was taken for a while is not what was there.
    let is_stop = |what: &str| matches!(what, "rollback" | "kill" | "guard_hold");
    for entry in entries.into_iter().filter(|entry| !is_stop(&entry.what)) {
        let at = Duration::from_millis(entry.stamp.at);
        for moved in entry.moves {
            last.insert(moved.route, (moved.to, at));
        }
    }
    last
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "budget_price_tests.rs"]
mod price_tests;

//! What shall be in force next: a file, what is laid over it and the switches, and what comes of
//! them. Pure, but for the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::force::{Force, Switches};
use super::journal::Move;
use super::judge::ramp_plan;
use super::last_found::LastFound;
use super::overrides::{Between, FileWords, Overrides, Stamp};
use crate::config::Config;
use crate::config::model::Route;
use crate::config::scalar::Percent;
use crate::snapshot::{Addresses, Snapshot, Unsound, compile};
use crate::tls::Material;

/// What shall be in force, and how it came about.
#[derive(Debug)]
pub(super) struct Plan {
    /// For the journal.
    pub(super) what: &'static str,
    pub(super) route: Option<String>,
    pub(super) stamp: Stamp,
    pub(super) config: Config,
    pub(super) material: Arc<Material>,
    /// What was discovered last.
    pub(super) found: Arc<LastFound>,
    pub(super) overrides: Overrides,
    pub(super) switches: Switches,
    /// What runs on the candidates of the route, or of all, is cut.
    pub(super) hard: bool,
    /// Without the journal, a restart would undo it.
    pub(super) needs_journal: bool,
    /// It is no transition of anybody's share, and may come often: the journal does not hear of it.
    pub(super) is_quiet: bool,
}

impl Plan {
    pub(super) fn forces(&self) -> BTreeMap<String, Force> {
        forces_of(&self.config, &self.overrides, &self.switches)
    }
}

/// What is in force on each route.
pub(super) fn forces_of(
    config: &Config,
    overrides: &Overrides,
    switches: &Switches,
) -> BTreeMap<String, Force> {
    config
        .routes
        .iter()
        .map(|route| {
            let file = file_percent(config, &route.name).unwrap_or(0);
            let laid = overrides.of(&route.name);
            let force = Force::of(file, &laid, overrides, switches);
            (route.name.clone(), force)
        })
        .collect()
}

/// What the file says of a route.
pub(super) fn file_words(config: &Config, route: &str) -> FileWords {
    let Some(written) = config.routes.iter().find(|known| known.name == route) else {
        return FileWords::default();
    };
    FileWords {
        percent: file_percent(config, route),
        between: between(written),
        plan: written.ramp.as_ref().map(ramp_plan),
        flag: written.flag.as_ref().map(|flag| flag.max.hundredths()),
    }
}

/// The backends of a route, if there are two.
pub(super) fn between(written: &Route) -> Option<Between> {
    Some(Between {
        primary: written.primary.clone(),
        candidate: written.candidate.clone()?,
    })
}

/// What the file says of a route's candidate; `None` without the route.
pub(super) fn file_percent(config: &Config, route: &str) -> Option<u16> {
    let route = config.routes.iter().find(|known| known.name == route)?;
    Some(match route.candidate {
        Some(_) => route.percent.hundredths(),
        None => 0,
    })
}

/// The snapshot of a configuration with the percents that are in force.
pub(super) fn compile_in_force(
    config: &Config,
    material: &Arc<Material>,
    addresses: &Addresses,
    forces: &BTreeMap<String, Force>,
    previous: &Snapshot,
    workers: usize,
) -> Result<Snapshot, Unsound> {
    let mut forced = config.clone();
    for route in &mut forced.routes {
        if let Some(force) = forces.get(&route.name) {
            route.percent = Percent::from_hundredths(force.hundredths);
            // Under a kill switch nobody reaches the candidate, by name neither.
            route.side_header &= !force.is_killed();
        }
    }
    let mut snapshot = compile(&forced, material, addresses, previous, workers)?;
    for route in &mut snapshot.routes {
        if let Some(force) = forces.get(&*route.name) {
            route.why = force.to_string().into();
        }
    }
    Ok(snapshot)
}

/// What a change does to the traffic. A route that comes or goes counts from or to 0.
pub(super) fn moves(
    before: &BTreeMap<String, Force>,
    after: &BTreeMap<String, Force>,
) -> Vec<Move> {
    let percent = |forces: &BTreeMap<String, Force>, route: &str| {
        forces.get(route).map_or(0, |force| force.hundredths)
    };
    let gone = before.keys().filter(|route| !after.contains_key(*route));
    after
        .keys()
        .chain(gone)
        .map(|route| Move {
            route: route.clone(),
            from: percent(before, route),
            to: percent(after, route),
        })
        .filter(|moved| moved.from != moved.to)
        .collect()
}

/// What a change does to the traffic is what its reader wants to know first.
pub(super) fn log(plan: &Plan, moves: &[Move], forces: &BTreeMap<String, Force>) {
    let actor = &*plan.stamp.actor;
    for moved in moves {
        let route = &*moved.route;
        let (from, to) = (
            Percent::from_hundredths(moved.from),
            Percent::from_hundredths(moved.to),
        );
        let why = forces
            .get(route)
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::info!(route, %from, %to, actor, why, "The percent of a route has changed");
    }
    if plan.hard {
        let route = plan.route.as_deref().unwrap_or("all");
        tracing::warn!(route, actor, "What runs on the candidate is cut");
    }
}

//! What is known of each backend: its routes, what is on its way to it, what it owns, and which rules would know.

use super::judge::judge;
use super::survey::Survey;
use crate::owners::Tally;
use crate::snapshot::{Arm, Backend, Ownership, Route, Snapshot};
use crate::stats::SideCell;

/// How far a backend is from being free of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrainState {
    /// A route gives it new requests.
    Serving,
    /// It gets none, and has something: live things of its own, requests on their way, or tunnels.
    Draining,
    /// Nothing is known to be there, but that may be for want of knowledge.
    Unknown,
    /// It gets nothing new, and has nothing that is known or could be missed.
    Drained,
}

impl DrainState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Serving, Self::Draining, Self::Unknown, Self::Drained];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Draining => "draining",
            Self::Unknown => "unknown",
            Self::Drained => "drained",
        }
    }
}

/// What is found of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Its name.
    pub backend: Box<str>,
    /// How far it is.
    pub state: DrainState,
    /// It may be stopped: it is drained, nothing new comes, and nothing falls back to it.
    pub safe_to_stop: bool,
    /// Why not, and what to do; where it may be, what else there is to know. A sentence each.
    pub because: Vec<String>,
    /// What it owns, by rule.
    pub owned: Vec<Tally>,
    /// Requests on their way to it.
    pub in_flight: u64,
    /// Tunnels open to it.
    pub tunnels: u64,
}

impl Drain {
    /// Live things that it owns.
    pub fn live(&self) -> usize {
        self.owned.iter().map(|tally| tally.live).sum()
    }
}

/// A route that has the backend as a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) route: Box<str>,
    pub(super) is_primary: bool,
    /// The other side, if there is one.
    pub(super) other: Option<Box<str>>,
    /// What it gets of the new requests, in hundredths of a percent.
    pub(super) share: u16,
    /// Trusted peers may send requests there by name.
    pub(super) by_name: bool,
}

/// A rule of ownership, as far as it tells of the backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RuleSight {
    pub(super) name: Box<str>,
    /// Seconds after its last use for which an owner is remembered.
    pub(super) ttl: u32,
    /// Since when the table learns by it, in unix seconds; `None`: not yet.
    pub(super) since: Option<u32>,
    /// The ids say whose they are, and nothing is remembered.
    pub(super) keeps_nothing: bool,
    /// Responses whose ids could not be learned, at whichever side, since the start.
    pub(super) missed: u64,
}

/// All that is known of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) backend: Box<str>,
    pub(super) in_file: bool,
    /// None of its endpoints takes requests.
    pub(super) is_out: bool,
    pub(super) roles: Vec<Role>,
    /// Rules by which it has, or may have had, something.
    pub(super) rules: Vec<RuleSight>,
    pub(super) owned: Vec<Tally>,
    pub(super) in_flight: u64,
    pub(super) tunnels: u64,
}

/// What is found of each backend: those of the file, then those that are not in it and own something live.
pub fn drains(snapshot: &Snapshot, survey: &Survey) -> Vec<Drain> {
    let of_file = snapshot.backends.iter().map(|backend| &*backend.name);
    let mut names: Vec<&str> = of_file.collect();
    for tally in survey.tallies.iter().filter(|tally| tally.live > 0) {
        if !names.contains(&&*tally.backend) {
            names.push(&tally.backend);
        }
    }
    let names = names.into_iter();
    names
        .map(|name| judge(facts(snapshot, survey, name), survey))
        .collect()
}

pub(super) fn facts(snapshot: &Snapshot, survey: &Survey, name: &str) -> Facts {
    let mut backends = snapshot.backends.iter();
    let backend = backends.find(|backend| *backend.name == *name);
    let routes = snapshot.routes.iter();
    let roles: Vec<Role> = routes.flat_map(|route| roles(route, name)).collect();
    let owned = survey.tallies.iter();
    let owned: Vec<Tally> = owned
        .filter(|tally| *tally.backend == *name)
        .cloned()
        .collect();
    let rules = snapshot.ownership.iter();
    let rules = rules.filter(|rule| may_tell(snapshot, rule, name, roles.is_empty(), &owned));
    let arms = || arms(snapshot, name);
    let by_arms = sum(arms(), |cell| cell.in_flight.get());
    // A side that was taken away takes its counters along; those of endpoints stay.
    let by_endpoints = backend.map_or(0, |backend| endpoints_in_flight(backend));
    Facts {
        backend: name.into(),
        in_file: backend.is_some(),
        is_out: backend.is_some_and(|backend| !backend.carries()),
        rules: rules.map(|rule| sight(snapshot, rule)).collect(),
        owned,
        in_flight: by_arms.max(by_endpoints),
        tunnels: sum(arms(), |cell| cell.tunnels_open.get()),
        roles,
    }
}

fn roles(route: &Route, name: &str) -> impl Iterator<Item = Role> {
    let is = |arm: &Arm| *arm.backend.name == *name;
    let candidate = route.candidate.as_ref();
    let percent = route.split.hundredths();
    let role = |is_primary, share| Role {
        route: route.name.clone(),
        is_primary,
        other: match is_primary {
            true => candidate.map(|arm| arm.backend.name.clone()),
            false => Some(route.primary.backend.name.clone()),
        },
        share,
        by_name: route.side_header,
    };
    let primary = is(&route.primary).then(|| role(true, 10_000 - percent));
    let candidate = candidate
        .filter(|arm| is(arm))
        .map(|_| role(false, percent));
    primary.into_iter().chain(candidate)
}

/// Whether a rule may know of something at a backend: it concerns a route of it, has found something there, or
/// names it. What is no side of any route now may have been one of any, and so may what once got something.
fn may_tell(
    snapshot: &Snapshot,
    rule: &Ownership,
    name: &str,
    is_nowhere: bool,
    owned: &[Tally],
) -> bool {
    let mut routes = snapshot.routes.iter();
    let by_route = routes.any(|route| {
        let concerned = route.ownership.iter().any(|known| known.name == rule.name);
        // Of a route with one side it is not known which rules concern it.
        (concerned || route.candidate.is_none()) && roles(route, name).next().is_some()
    });
    by_route
        || is_nowhere
        || rule.prefix_of(name).is_some()
        || owned.iter().any(|tally| *tally.rule == *rule.name)
        || snapshot.owners.has_any(name)
}

fn sight(snapshot: &Snapshot, rule: &Ownership) -> RuleSight {
    use crate::stats::Made;
    let missed = [Made::NoId, Made::Unread, Made::Refused].map(|made| {
        let cells = rule.cells.iter();
        cells
            .map(|cell| cell.made[made as usize].get())
            .sum::<u64>()
    });
    RuleSight {
        name: rule.name.clone(),
        ttl: rule.ttl,
        since: snapshot.owners.since(&rule.name),
        keeps_nothing: rule.prefixes.is_some(),
        missed: missed.into_iter().sum(),
    }
}

fn arms<'s>(snapshot: &'s Snapshot, name: &'s str) -> impl Iterator<Item = &'s Arm> {
    let routes = snapshot.routes.iter();
    let arms = routes.flat_map(|route| std::iter::once(&route.primary).chain(&route.candidate));
    arms.filter(move |arm| *arm.backend.name == *name)
}

fn sum<'s>(arms: impl Iterator<Item = &'s Arm>, figure: impl Fn(&SideCell) -> i64) -> u64 {
    let sum: i64 = arms.flat_map(|arm| arm.cells.iter()).map(figure).sum();
    // Cells that go on counting may be off by one, never shown as less than none.
    u64::try_from(sum).unwrap_or(0)
}

fn endpoints_in_flight(backend: &Backend) -> u64 {
    let members = backend.members.iter().map(|member| &member.endpoint);
    let sum: i64 = members
        .chain(&backend.away)
        .map(|endpoint| endpoint.in_flight())
        .sum();
    u64::try_from(sum).unwrap_or(0)
}

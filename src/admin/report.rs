//! What `/health` and the state of the API have in common, from one look at the house.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::costing;
use super::discovering;
use super::moment::rfc3339;
use super::view::View;
use super::words::percent;
use crate::api::{
    BreakerState, ConfigHealth, ConfigStatus, EndpointHealth, Health, HouseStatus, KeyState,
    RouteHealth, ServerlessState, ServiceHealth, ServiceStatus,
};
use crate::config::Config;
use crate::control::{Findings, Force, Judged, Outcome, Standing};
use crate::policy::Phase;
use crate::policy::ramp::State;
use crate::snapshot::{Backend, Endpoint, Route, Serverless, Snapshot};

/// So many looks at most for two that belong together.
const LOOKS: usize = 1_000;

/// One look.
pub(super) struct Report<'v> {
    pub(super) view: &'v View,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) standing: Arc<Standing>,
    pub(super) findings: Arc<Findings>,
    pub(super) config: Arc<Config>,
    /// On the clock of the workers.
    pub(super) now: Duration,
}

impl<'v> Report<'v> {
    pub(super) fn of(view: &'v View) -> Self {
        let (mut snapshot, mut standing) = (view.publisher.current(), view.standing.load_full());
        // A change makes one after the other: a look in between is taken again.
        for _ in 0..LOOKS {
            if snapshot.epoch == standing.epoch {
                break;
            }
            std::thread::yield_now();
            (snapshot, standing) = (view.publisher.current(), view.standing.load_full());
        }
        Self {
            view,
            snapshot,
            standing,
            findings: view.findings.load_full(),
            config: view.config.load_full(),
            now: view.now(),
        }
    }

    pub(super) fn health(&self) -> Health {
        let config = of_config(&self.standing);
        let routes: BTreeMap<_, _> = self
            .snapshot
            .routes
            .iter()
            .map(|route| (route.name.to_string(), self.of_route(route)))
            .collect();
        let services: BTreeMap<_, _> = self
            .snapshot
            .backends
            .iter()
            .map(|backend| (backend.name.to_string(), self.of_backend(backend)))
            .collect();
        let (status, because) = self.overall(&config, &routes, &services);
        Health {
            status,
            because,
            epoch: self.snapshot.epoch,
            config,
            routes,
            services,
        }
    }

    fn overall(
        &self,
        config: &ConfigHealth,
        routes: &BTreeMap<String, RouteHealth>,
        services: &BTreeMap<String, ServiceHealth>,
    ) -> (HouseStatus, Vec<String>) {
        let unserved = routes.iter().filter(|(_, route)| !route.can_serve);
        let mut because: Vec<String> = unserved
            .map(|(name, _)| format!("nobody can serve route `{name}`"))
            .collect();
        let status = match because.is_empty() {
            true => HouseStatus::Degraded,
            false => HouseStatus::Down,
        };
        if config.status != ConfigStatus::Applied {
            because.push("the file is not in force".to_owned());
        }
        if !self.standing.journal_sound {
            because.push("the journal cannot be written".to_owned());
        }
        let stale = discovering::stale(self.view);
        because.extend(
            stale.map(|name| {
                format!("the endpoints of `{name}` could not be looked for for too long")
            }),
        );
        because.extend(self.not_up(routes, services));
        let kept_back = routes.keys().filter(|name| self.is_kept_back(name));
        because.extend(kept_back.map(|name| format!("traffic of route `{name}` is kept back")));
        match because.is_empty() {
            true => (HouseStatus::Ok, because),
            false => (status, because),
        }
    }

    /// Backends that are not wholly up, as far as they matter: by the share that is in force, so a candidate at
    /// 0 % may be empty. A kill switch or a hold of the guard that keeps a share back is told until somebody
    /// resumes, or until nobody wants that share any more.
    fn not_up(
        &self,
        routes: &BTreeMap<String, RouteHealth>,
        services: &BTreeMap<String, ServiceHealth>,
    ) -> Vec<String> {
        let needed = routes.values().flat_map(|route| {
            let primary = Some(&route.primary).filter(|_| route.percent_in_force < 100.0);
            let candidate = route
                .candidate
                .as_ref()
                .filter(|_| route.percent_in_force > 0.0);
            primary.into_iter().chain(candidate)
        });
        let needed: BTreeSet<&String> = needed.collect();
        let needed = needed
            .into_iter()
            .filter_map(|name| Some((name, services.get(name)?)));
        let told = needed.filter_map(|(name, service)| {
            let all = service.endpoints.len();
            let out = self
                .snapshot
                .backends
                .iter()
                .find(|backend| *backend.name == **name);
            let out = out.into_iter().flat_map(|backend| &backend.members);
            let out = out.filter(|member| !member.endpoint.carries()).count();
            match service.status {
                ServiceStatus::Up => None,
                ServiceStatus::Empty => Some(format!("backend `{name}` has no endpoint")),
                ServiceStatus::Degraded | ServiceStatus::Down => Some(format!(
                    "{out} of {all} endpoints of backend `{name}` are out"
                )),
            }
        });
        told.collect()
    }

    pub(super) fn force(&self, route: &str) -> Option<&Force> {
        self.standing.forces.get(route)
    }

    pub(super) fn judged(&self, route: &str) -> Option<&Judged> {
        self.findings.get(route)
    }

    fn is_killed(&self, route: &str) -> bool {
        self.force(route).is_some_and(Force::is_killed)
    }

    /// A ramp that was rolled back wants nothing for now, and is bad news all the same.
    fn is_kept_back(&self, route: &str) -> bool {
        let climb = self.judged(route).and_then(|judged| judged.climb.as_ref());
        let state = climb.map(|climb| climb.ramp.state());
        let is_rolled_back = matches!(state, Some(State::RolledBack { .. }));
        self.force(route).is_some_and(|force| {
            let wants = force.desired().max(force.file()) > force.hundredths;
            force.is_capped() && wants || force.is_held() && is_rolled_back
        })
    }

    fn of_route(&self, route: &Route) -> RouteHealth {
        let candidate = route.candidate.as_ref();
        let force = self.force(&route.name);
        RouteHealth {
            can_serve: route.can_serve(self.now),
            percent_configured: percent(self.standing.file_percent(&route.name)),
            percent_in_force: percent(route.split.hundredths()),
            killed: force.is_some_and(Force::is_killed),
            held: force.is_some_and(Force::is_held),
            why: force.map(ToString::to_string).unwrap_or_default(),
            percent_effective: percent(route.effective_hundredths()),
            primary: route.primary.backend.name.to_string(),
            candidate: candidate.map(|arm| arm.backend.name.to_string()),
        }
    }

    fn of_backend(&self, backend: &Backend) -> ServiceHealth {
        let recent = self.view.window.of_backend(&self.snapshot, &backend.name);
        let members = backend.members.iter();
        ServiceHealth {
            status: status(backend, self.now),
            enabled: self.is_enabled(backend),
            percent: shares(&self.snapshot, &backend.name),
            endpoints: members
                .map(|member| of_endpoint(&member.endpoint))
                .collect(),
            requests: recent.requests,
            error_rate: recent.error_rate,
            p50_ms: recent.p50.map(milliseconds),
            p95_ms: recent.p95.map(milliseconds),
            discovery: discovering::state(self.view, backend),
            serverless: backend.serverless.as_deref().map(of_serverless),
            cost: costing::of_backend(self.view, &backend.name),
        }
    }

    /// A backend that is nobody's candidate cannot be switched off.
    fn is_enabled(&self, backend: &Backend) -> bool {
        let mut of_it = self.snapshot.routes.iter().filter(|route| {
            let candidate = route.candidate.as_ref();
            candidate.is_some_and(|arm| arm.backend.name == backend.name)
        });
        let Some(first) = of_it.next() else {
            return true;
        };
        !(self.is_killed(&first.name) && of_it.all(|route| self.is_killed(&route.name)))
    }
}

pub(super) fn of_config(standing: &Standing) -> ConfigHealth {
    let problems = match &standing.last {
        Outcome::Applied => Vec::new(),
        Outcome::Refused(problems) => one_a_line(problems),
    };
    let status = match &standing.last {
        _ if standing.from_last_good => ConfigStatus::LastGood,
        Outcome::Applied => ConfigStatus::Applied,
        Outcome::Refused(_) => ConfigStatus::Refused,
    };
    let keys = standing.needs_restart.iter();
    ConfigHealth {
        status,
        applied_at: rfc3339(standing.applied_at),
        problems,
        needs_restart: keys.map(|key| (*key).to_owned()).collect(),
    }
}

/// The problems as they are told on a terminal, with each hint behind its problem and without the
/// count.
fn one_a_line(told: &str) -> Vec<String> {
    let mut problems: Vec<String> = Vec::new();
    for line in told.lines() {
        match (
            line.trim_start().strip_prefix("hint: "),
            problems.last_mut(),
        ) {
            (Some(hint), Some(problem)) => problem.push_str(&format!(" ({hint})")),
            _ if line.ends_with(" problem") || line.ends_with(" problems") => {}
            _ => problems.push(line.to_owned()),
        }
    }
    problems
}

fn status(backend: &Backend, now: Duration) -> ServiceStatus {
    let mut members = backend.members.iter();
    if backend.members.is_empty() {
        ServiceStatus::Empty
    } else if members.all(|member| member.endpoint.carries()) {
        ServiceStatus::Up
    } else if backend.can_serve(now) {
        ServiceStatus::Degraded
    } else {
        ServiceStatus::Down
    }
}

/// The present share of a backend in each route that names it.
fn shares(snapshot: &Snapshot, backend: &str) -> BTreeMap<String, f64> {
    let mut shares = BTreeMap::new();
    for route in &snapshot.routes {
        let effective = route.effective_hundredths();
        let candidate = route.candidate.as_ref();
        if &*route.primary.backend.name == backend {
            shares.insert(route.name.to_string(), percent(10_000 - effective));
        } else if candidate.is_some_and(|arm| &*arm.backend.name == backend) {
            shares.insert(route.name.to_string(), percent(effective));
        }
    }
    shares
}

fn of_serverless(terms: &Serverless) -> ServerlessState {
    let key = match terms.key.get() {
        None => KeyState::Missing,
        Some(_) if terms.key.is_refused() => KeyState::Refused,
        Some(_) => KeyState::Ready,
    };
    ServerlessState {
        endpoint: terms.endpoint.to_string(),
        key,
        waiting: terms.line.waiting(),
    }
}

fn of_endpoint(endpoint: &Endpoint) -> EndpointHealth {
    let sight = endpoint.fitness.sight();
    EndpointHealth {
        key: endpoint.key.to_string(),
        url: endpoint.url.to_string(),
        breaker: match sight.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open => BreakerState::Open,
            Phase::Probing => BreakerState::Probing,
            Phase::Warming => BreakerState::Warming,
        },
        healthy: sight.healthy,
        proven: sight.proven,
        // Sums over workers that go on counting may be off by one, never shown as less than none.
        in_flight: u64::try_from(endpoint.in_flight()).unwrap_or(0),
    }
}

/// To the microsecond: further digits would be those of an interpolation.
pub(super) fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_one_a_line() {
        let told = "f.toml:3:1: a.b: unknown key\n    hint: did you mean `c`?\nf.toml:4:1: broken\n2 problems\n";
        assert_eq!(
            one_a_line(told),
            [
                "f.toml:3:1: a.b: unknown key (did you mean `c`?)",
                "f.toml:4:1: broken"
            ]
        );
    }
}

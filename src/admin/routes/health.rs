//! `GET /health`: everything that an operator asks first, on one page. 503 only when some route
//! cannot be served at all.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::admin::moment::rfc3339;
use crate::admin::view::View;
use crate::api::{
    BreakerState, ConfigHealth, ConfigStatus, EndpointHealth, Health, HouseStatus, RouteHealth,
    ServiceHealth, ServiceStatus,
};
use crate::control::{Outcome, Standing};
use crate::policy::Phase;
use crate::snapshot::{Backend, Endpoint, Route, Snapshot};
use crate::telemetry::Window;

pub(in crate::admin) async fn health(State(view): State<View>) -> (StatusCode, Json<Health>) {
    let health = report(&view);
    let status = match health.status {
        HouseStatus::Ok | HouseStatus::Degraded => StatusCode::OK,
        HouseStatus::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health))
}

fn report(view: &View) -> Health {
    let (snapshot, now) = (view.publisher.current(), view.now());
    let config = of_config(&view.standing.load());
    let routes: BTreeMap<_, _> = snapshot
        .routes
        .iter()
        .map(|route| (route.name.to_string(), of_route(route, now)))
        .collect();
    let services: BTreeMap<_, _> = snapshot
        .backends
        .iter()
        .map(|backend| {
            let service = of_backend(&snapshot, backend, &view.window, now);
            (backend.name.to_string(), service)
        })
        .collect();
    Health {
        status: overall(&config, &routes, &services),
        epoch: snapshot.epoch,
        config,
        routes,
        services,
    }
}

/// A backend matters by the share that it is meant to have: a candidate at 0 % may be empty.
fn overall(
    config: &ConfigHealth,
    routes: &BTreeMap<String, RouteHealth>,
    services: &BTreeMap<String, ServiceHealth>,
) -> HouseStatus {
    if routes.values().any(|route| !route.can_serve) {
        return HouseStatus::Down;
    }
    let is_up = |backend: &str| {
        let service = services.get(backend);
        service.is_none_or(|service| service.status == ServiceStatus::Up)
    };
    let as_meant = |route: &RouteHealth| {
        let candidate = route.candidate.as_deref();
        (route.percent_configured >= 100.0 || is_up(&route.primary))
            && (route.percent_configured <= 0.0 || candidate.is_none_or(is_up))
    };
    if config.status == ConfigStatus::Applied && routes.values().all(as_meant) {
        HouseStatus::Ok
    } else {
        HouseStatus::Degraded
    }
}

fn of_config(standing: &Standing) -> ConfigHealth {
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

fn of_route(route: &Route, now: Duration) -> RouteHealth {
    let candidate = route.candidate.as_ref();
    RouteHealth {
        can_serve: route.can_serve(now),
        percent_configured: percent(route.split.hundredths()),
        percent_effective: percent(route.effective_hundredths()),
        primary: route.primary.backend.name.to_string(),
        candidate: candidate.map(|arm| arm.backend.name.to_string()),
    }
}

fn of_backend(
    snapshot: &Snapshot,
    backend: &Backend,
    window: &Window,
    now: Duration,
) -> ServiceHealth {
    let recent = window.of_backend(snapshot, &backend.name);
    let members = backend.members.iter();
    ServiceHealth {
        status: status(backend, now),
        percent: shares(snapshot, &backend.name),
        endpoints: members
            .map(|member| of_endpoint(&member.endpoint))
            .collect(),
        requests: recent.requests,
        error_rate: recent.error_rate,
        p50_ms: recent.p50.map(milliseconds),
        p95_ms: recent.p95.map(milliseconds),
    }
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

fn of_endpoint(endpoint: &Endpoint) -> EndpointHealth {
    let sight = endpoint.fitness.sight();
    EndpointHealth {
        url: endpoint.url.to_string(),
        breaker: match sight.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open => BreakerState::Open,
            Phase::Probing => BreakerState::Probing,
            Phase::Warming => BreakerState::Warming,
        },
        healthy: sight.healthy,
        // Sums over workers that go on counting may be off by one, never shown as less than none.
        in_flight: u64::try_from(endpoint.in_flight()).unwrap_or(0),
    }
}

fn percent(hundredths: u16) -> f64 {
    f64::from(hundredths) / 100.0
}

/// To the microsecond: further digits would be those of an interpolation.
fn milliseconds(seconds: f64) -> f64 {
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

//! `GET /api/v1/state`: everything that `figshift status` shows.

use axum::Json;
use axum::extract::State as Shared;

use crate::admin::climbing::{Sight, ramp};
use crate::admin::costing;
use crate::admin::flag;
use crate::admin::guarding::guard;
use crate::admin::report::{Report, milliseconds};
use crate::admin::view::View;
use crate::admin::words::{links, percent};
use crate::api::{Phase, RouteState, SideCost, SideState, State};
use crate::control::Force;
use crate::snapshot::{Arm, Route};
use crate::stats::Side;

pub(in crate::admin) async fn state(Shared(view): Shared<View>) -> Json<State> {
    let report = Report::of(&view);
    let health = report.health();
    let routes: Vec<_> = report
        .snapshot
        .routes
        .iter()
        .map(|route| of_route(&report, route))
        .collect();
    Json(State {
        status: health.status,
        because: health.because,
        phase: phase(&routes),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: health.epoch,
        config: health.config,
        journal_sound: report.standing.journal_sound,
        routes,
        backends: health.services,
    })
}

pub(super) fn of_route(report: &Report<'_>, route: &Route) -> RouteState {
    let force = report.force(&route.name);
    let judged = report.judged(&route.name);
    let mut written = report.config.routes.iter();
    let written = written.find(|written| *written.name == *route.name);
    let budget_now = costing::of_cap(report.view, route, force);
    let in_force = route.split.hundredths();
    let primary = of_side(
        report,
        route,
        Side::Primary,
        &route.primary,
        10_000 - in_force,
    );
    let candidate = route.candidate.as_ref();
    let candidate = candidate.map(|arm| of_side(report, route, Side::Candidate, arm, in_force));
    RouteState {
        name: route.name.to_string(),
        can_serve: route.can_serve(report.now),
        percent_configured: percent(report.standing.file_percent(&route.name)),
        percent_in_force: percent(in_force),
        percent_effective: percent(route.effective_hundredths()),
        killed: force.is_some_and(Force::is_killed),
        held: force.is_some_and(Force::is_held),
        chain: force.map(links).unwrap_or_default(),
        why: why(force, budget_now.as_deref()),
        over_budget: force.is_some_and(|force| force.budget().is_some()),
        budget_now: budget_now.clone(),
        cost_ratio: cost_ratio(primary.cost.as_ref(), candidate.as_ref()),
        primary,
        candidate,
        guard: route
            .candidate
            .as_ref()
            .map(|_| guard(judged, force, written.map(|written| &written.guard))),
        ramp: route.candidate.as_ref().and_then(|arm| {
            ramp(&Sight {
                judged,
                force,
                written: written.and_then(|written| written.ramp.as_ref()),
                is_out: !arm.backend.carries(),
                budget_now: budget_now.as_deref(),
            })
        }),
        flag: flag::of_route(report, &route.name),
    }
}

/// The chain as one line, and how the budget stands that is in it.
fn why(force: Option<&Force>, budget_now: Option<&str>) -> String {
    let why = force.map(ToString::to_string).unwrap_or_default();
    match budget_now {
        Some(now) => format!("{why}; the budget now: {now}"),
        None => why,
    }
}

fn cost_ratio(primary: Option<&SideCost>, candidate: Option<&SideState>) -> Option<f64> {
    let one = primary?.per_1000.filter(|cost| *cost > 0.0)?;
    let other = candidate?.cost.as_ref()?.per_1000?;
    Some((other / one * 1e4).round() / 1e4)
}

fn of_side(report: &Report<'_>, route: &Route, side: Side, arm: &Arm, share: u16) -> SideState {
    let recent = report.view.window.of_arm(arm);
    SideState {
        backend: arm.backend.name.to_string(),
        percent: percent(share),
        requests: recent.requests,
        error_rate: recent.error_rate,
        p50_ms: recent.p50.map(milliseconds),
        p95_ms: recent.p95.map(milliseconds),
        cost: costing::of_side(report.view, &route.name, side),
    }
}

fn is_taken_back(route: &RouteState) -> bool {
    route.killed || route.held && route.percent_in_force <= 0.0
}

fn phase(routes: &[RouteState]) -> Phase {
    let with_candidate = || routes.iter().filter(|route| route.candidate.is_some());
    if with_candidate().next().is_none() {
        Phase::Legacy
    } else if with_candidate().all(is_taken_back) {
        Phase::RolledBack
    } else if with_candidate().all(|route| route.percent_in_force <= 0.0) {
        Phase::Legacy
    } else if with_candidate().all(|route| route.percent_in_force >= 100.0) {
        Phase::Moved
    } else {
        Phase::Shift
    }
}

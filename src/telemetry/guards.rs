//! The families of the guard: what it has found of each candidate. Of a route that nobody watches only
//! the state is told.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::control::{Blame, Finding, Findings, Force, GuardPhase, Judged, Standing, Totals};
use crate::policy::guard::Metric;
use crate::snapshot::{Route, Snapshot};
use crate::stats::Side;

const STATE: Spec<2> = Spec {
    name: "guard_state",
    help: "1 for what the guard is at with the candidate of the route, 0 for the other states.",
    labels: ["route", "state"],
};
const DRY_RUN: Spec<1> = Spec {
    name: "guard_dry_run",
    help: "1 while the guard of the route only tells what it would do.",
    labels: ["route"],
};
const EVIDENCE: Spec<1> = Spec {
    name: "guard_evidence",
    help: "Evidence that the candidate is worse, all metrics together: 1 is none, figshift_guard_needed is enough.",
    labels: ["route"],
};
const NEEDED: Spec<1> = Spec {
    name: "guard_needed",
    help: "Evidence at which the candidate's traffic is taken back.",
    labels: ["route"],
};
const METRIC_EVIDENCE: Spec<2> = Spec {
    name: "guard_metric_evidence",
    help: "What one metric alone says against the candidate: it begins at 0.5, and clearly more is bad.",
    labels: ["route", "metric"],
};
const BATCHES: Spec<1> = Spec {
    name: "guard_batches_total",
    help: "Comparisons of both sides since the evidence began; it begins anew after a rollback.",
    labels: ["route"],
};
const UNITS: Spec<2> = Spec {
    name: "guard_units_total",
    help: "Requests (users, on a sticky route) that the guard has counted, by the side that the split chose.",
    labels: ["route", "side"],
};
const BAD: Spec<3> = Spec {
    name: "guard_bad_total",
    help: "Those of them that failed, or were slower than the primary's p50, p95 or p99 (the candidate: by more than the margin).",
    labels: ["route", "side", "metric"],
};
const ROLLBACKS: Spec<2> = Spec {
    name: "guard_rollbacks_total",
    help: "How often figshift has taken the candidate's traffic back by itself, by the reason.",
    labels: ["route", "reason"],
};
const RATIO_ALARM: Spec<1> = Spec {
    name: "ratio_alarm",
    help: "1 while the candidate does not get the share that it is meant to get; the ramp waits.",
    labels: ["route"],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [
        STATE.desc(),
        DRY_RUN.desc(),
        EVIDENCE.desc(),
        NEEDED.desc(),
        METRIC_EVIDENCE.desc(),
        BATCHES.desc(),
        UNITS.desc(),
        BAD.desc(),
        ROLLBACKS.desc(),
        RATIO_ALARM.desc(),
    ]
    .into_iter()
    .collect()
}

pub(super) fn collect(
    snapshot: &Snapshot,
    standing: &Standing,
    findings: &Findings,
) -> [MetricFamily; 10] {
    let all = readings(snapshot, standing, findings);
    let watched: Vec<(&str, &Finding)> = all
        .iter()
        .filter_map(|one| Some((one.route, one.judged?.finding.as_ref()?)))
        .collect();
    let gauges = |figure: fn(&Finding) -> f64| {
        let watched = watched.iter();
        watched.map(move |(route, finding)| ([*route], figure(finding)))
    };
    let flag = |is: bool| f64::from(u8::from(is));
    [
        STATE.gauges(all.iter().flat_map(Reading::states)),
        DRY_RUN.gauges(
            watched
                .iter()
                .map(|(route, it)| ([*route], flag(it.dry_run))),
        ),
        EVIDENCE.gauges(gauges(|finding| finding.evidence)),
        NEEDED.gauges(gauges(|finding| finding.needed)),
        METRIC_EVIDENCE.gauges(watched.iter().flat_map(|(route, finding)| {
            let parts = finding.parts.iter();
            parts.map(move |part| ([*route, part.metric.as_str()], part.evidence))
        })),
        BATCHES.counters(watched.iter().map(|(route, it)| ([*route], it.batches))),
        UNITS.counters(sides(&watched).map(|(route, side, totals)| {
            let labels = [route, side.as_str()];
            (labels, totals.units)
        })),
        BAD.counters(sides(&watched).flat_map(|(route, side, totals)| {
            let metrics = Metric::ALL.into_iter();
            metrics.map(move |metric| {
                let labels = [route, side.as_str(), metric.as_str()];
                (labels, bad(totals, metric))
            })
        })),
        ROLLBACKS.counters(all.iter().flat_map(Reading::rollbacks)),
        RATIO_ALARM.gauges(
            watched
                .iter()
                .map(|(route, it)| ([*route], flag(it.ratio_alarm))),
        ),
    ]
}

/// A route that has a candidate.
struct Reading<'a> {
    route: &'a str,
    force: Option<&'a Force>,
    judged: Option<&'a Judged>,
}

fn readings<'a>(
    snapshot: &'a Snapshot,
    standing: &'a Standing,
    findings: &'a Findings,
) -> Vec<Reading<'a>> {
    let routes = snapshot.routes.iter();
    routes
        .filter(|route: &&Route| route.candidate.is_some())
        .map(|route| Reading {
            route: &route.name,
            force: standing.forces.get(&*route.name),
            judged: findings.get(&*route.name),
        })
        .collect()
}

impl<'a> Reading<'a> {
    fn states(&self) -> impl Iterator<Item = ([&'a str; 2], f64)> + use<'a> {
        let finding = self.judged.and_then(|judged| judged.finding.as_ref());
        let (route, present) = (self.route, GuardPhase::of(finding, self.force));
        GuardPhase::ALL.into_iter().map(move |phase| {
            let labels = [route, phase.as_str()];
            (labels, f64::from(u8::from(phase == present)))
        })
    }

    fn rollbacks(&self) -> impl Iterator<Item = ([&'a str; 2], u64)> + use<'a> {
        let (route, counts) = (self.route, self.judged.map(|judged| judged.rollbacks));
        let counts = counts.unwrap_or_default();
        let blames = Blame::ALL.into_iter().zip(counts);
        blames.map(move |(blame, count)| ([route, blame.as_str()], count))
    }
}

fn sides<'a>(
    watched: &[(&'a str, &'a Finding)],
) -> impl Iterator<Item = (&'a str, Side, &'a Totals)> {
    watched.iter().flat_map(|(route, finding)| {
        let sides = Side::ALL.into_iter().zip(&finding.totals);
        sides.map(|(side, totals)| (*route, side, totals))
    })
}

fn bad(totals: &Totals, metric: Metric) -> u64 {
    let [p50, p95, p99] = totals.slow;
    match metric {
        Metric::Errors => totals.bad,
        Metric::P50 => p50,
        Metric::P95 => p95,
        Metric::P99 => p99,
    }
}

//! The families of what moves a share by itself: ramps and feature flags.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::config::Config;
use crate::control::{Cause, Findings, Standing};
use crate::policy::ramp::{Ramp, State};
use crate::snapshot::Snapshot;

const STATE: Spec<2> = Spec {
    name: "ramp_state",
    help: "1 for where the ramp of the route is, 0 for the other states.",
    labels: ["route", "state"],
};
const PERCENT: Spec<1> = Spec {
    name: "ramp_percent",
    help: "Share of the candidate by the ramp, 0 to 100; before it is started, the share in force.",
    labels: ["route"],
};
const AGE: Spec<1> = Spec {
    name: "ramp_step_age_seconds",
    help: "How long the present step has lasted, without the time that does not count.",
    labels: ["route"],
};
const FLAG: Spec<1> = Spec {
    name: "flag_percent",
    help: "Share of the candidate by the feature flag, 0 to 100; absent before its first value.",
    labels: ["route"],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [STATE.desc(), PERCENT.desc(), AGE.desc(), FLAG.desc()]
        .into_iter()
        .collect()
}

pub(super) fn collect(
    snapshot: &Snapshot,
    standing: &Standing,
    findings: &Findings,
    config: &Config,
) -> [MetricFamily; 4] {
    let all = readings(standing, findings, config);
    let flags = snapshot.routes.iter().filter_map(|route| {
        let mut links = standing.forces.get(&*route.name)?.chain.iter();
        let link = links.find(|link| link.what == Cause::Flag)?;
        Some(([&*route.name], share(link.hundredths)))
    });
    [
        STATE.gauges(all.iter().flat_map(Reading::states)),
        PERCENT.gauges(all.iter().map(|one| ([one.route], share(one.hundredths)))),
        AGE.gauges(all.iter().map(|one| ([one.route], one.age))),
        FLAG.gauges(flags),
    ]
}

/// A ramp that the file has.
struct Reading<'a> {
    route: &'a str,
    state: State,
    hundredths: u16,
    /// Seconds.
    age: f64,
}

fn readings<'a>(standing: &Standing, findings: &Findings, config: &'a Config) -> Vec<Reading<'a>> {
    let routes = config.routes.iter();
    routes
        .filter(|route| route.ramp.is_some() && route.candidate.is_some())
        .map(|route| {
            let judged = findings.get(&route.name);
            let climb = judged.and_then(|judged| judged.climb.as_ref());
            let ramp = climb.map(|climb| &climb.ramp);
            let force = standing.forces.get(&route.name);
            Reading {
                route: &route.name,
                state: ramp.map_or(State::Idle, Ramp::state),
                hundredths: ramp.map_or(force.map_or(0, |force| force.hundredths), Ramp::percent),
                age: ramp.map_or(0.0, |ramp| ramp.age().as_secs_f64()),
            }
        })
        .collect()
}

impl<'a> Reading<'a> {
    fn states(&self) -> impl Iterator<Item = ([&'a str; 2], f64)> + use<'a> {
        let (route, present) = (self.route, self.state.as_str());
        State::NAMES.into_iter().map(move |name| {
            let is = name == present;
            ([route, name], f64::from(u8::from(is)))
        })
    }
}

fn share(hundredths: u16) -> f64 {
    f64::from(hundredths) / 100.0
}

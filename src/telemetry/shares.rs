//! The families of what is in force: each candidate's share by the file, by what overrides it, and
//! in the present state of the endpoints.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::control::{Force, Standing};
use crate::snapshot::{Route, Snapshot};

const CONFIGURED: Spec<1> = Spec {
    name: "percent_configured",
    help: "Share of the candidate in the file, 0 to 100.",
    labels: ["route"],
};
const IN_FORCE: Spec<1> = Spec {
    name: "percent_in_force",
    help: "Share of the candidate by what is in force: the ramp's, an operator's, a flag's or the file's, less what a kill switch or the guard takes away, and no more than a used up budget leaves.",
    labels: ["route"],
};
const EFFECTIVE: Spec<1> = Spec {
    name: "percent_effective",
    help: "Share of the candidate that comes of it in the present state of the endpoints, 0 to 100.",
    labels: ["route"],
};
const KILL_SWITCH: Spec<1> = Spec {
    name: "kill_switch",
    help: "1 while a kill switch (VASTAI_ENABLED=false, the file KILL, a rollback) is on for the route.",
    labels: ["route"],
};
const OVER_BUDGET: Spec<1> = Spec {
    name: "route_over_budget",
    help: "1 while the budget of the candidate keeps the percent from rising: from when it is used up until enough of it is free. Nothing is taken away.",
    labels: ["route"],
};
const JOURNAL_SOUND: Spec<0> = Spec {
    name: "journal_sound",
    help: "1 if the last transition was written to the journal; while 0, a restart would not know of it.",
    labels: [],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [
        CONFIGURED.desc(),
        IN_FORCE.desc(),
        EFFECTIVE.desc(),
        KILL_SWITCH.desc(),
        OVER_BUDGET.desc(),
        JOURNAL_SOUND.desc(),
    ]
    .into_iter()
    .collect()
}

pub(super) fn collect(snapshot: &Snapshot, standing: &Standing) -> [MetricFamily; 6] {
    let with_candidate = || {
        let routes = snapshot.routes.iter();
        routes.filter(|route| route.candidate.is_some())
    };
    let percents = |hundredths: &dyn Fn(&Route) -> u16| {
        let rows = with_candidate().map(|route| ([&*route.name], hundredths(route)));
        let rows = rows.map(|(labels, share)| (labels, f64::from(share) / 100.0));
        rows.collect::<Vec<_>>()
    };
    let flags = |is: &dyn Fn(&Force) -> bool| {
        let rows = with_candidate().map(|route| {
            let force = standing.forces.get(&*route.name);
            ([&*route.name], f64::from(u8::from(force.is_some_and(is))))
        });
        rows.collect::<Vec<_>>()
    };
    let sound = f64::from(u8::from(standing.journal_sound));
    [
        CONFIGURED.gauges(percents(&|route| standing.file_percent(&route.name))),
        IN_FORCE.gauges(percents(&|route| route.split.hundredths())),
        EFFECTIVE.gauges(percents(&Route::effective_hundredths)),
        KILL_SWITCH.gauges(flags(&Force::is_killed)),
        OVER_BUDGET.gauges(flags(&|force| force.budget().is_some())),
        JOURNAL_SOUND.gauges([([], sound)]),
    ]
}

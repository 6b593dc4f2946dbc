//! The families of ownership: what each rule has found, what the table of owners holds, and how far each backend is
//! drained. There are none without a rule, unless the table still holds what an earlier rule has learned.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::drain::{DrainState, Survey, drains};
use super::family::Spec;
use crate::owners::Tally;
use crate::snapshot::{Ownership, Snapshot};
use crate::stats::{Looked, Made, OwnershipCell};

const ENTRIES: Spec<3> = Spec {
    name: "ownership_entries",
    help: "Ids of the rule that the backend owns: live, or done and still known.",
    labels: ["rule", "backend", "state"],
};
const OLDEST_LIVE: Spec<2> = Spec {
    name: "ownership_oldest_live_timestamp_seconds",
    help: "When the oldest live id of the rule at the backend was learned, in Unix time; absent without a live one.",
    labels: ["rule", "backend"],
};
const LOOKUPS: Spec<2> = Spec {
    name: "ownership_lookups_total",
    help: "Requests that named an id of the rule, by what was known of it, or found out.",
    labels: ["rule", "result"],
};
const CREATED: Spec<2> = Spec {
    name: "ownership_created_total",
    help: "Responses to requests that make something by the rule: its id was learned, or why not.",
    labels: ["rule", "result"],
};
const PROBES: Spec<1> = Spec {
    name: "ownership_probes_total",
    help: "Requests of figshift itself that asked a side whether it has an id of the rule.",
    labels: ["rule"],
};
const DONE: Spec<1> = Spec {
    name: "ownership_done_total",
    help: "Ids of the rule whose work was said to be over.",
    labels: ["rule"],
};
const TABLE: Spec<0> = Spec {
    name: "owners_entries",
    help: "Entries of the table of owners, over all rules, including those that have expired and are not swept yet.",
    labels: [],
};
const CAPACITY: Spec<0> = Spec {
    name: "owners_capacity",
    help: "The most entries that the table of owners holds; further ones take the place of others.",
    labels: [],
};
const SINCE: Spec<0> = Spec {
    name: "owners_since_timestamp_seconds",
    help: "When the table of owners began, in Unix time: what was made before is not known. It survives restarts.",
    labels: [],
};
const EVICTED: Spec<1> = Spec {
    name: "owners_evicted_total",
    help: "Entries of the table of owners that had to make room for others, by whether they were live.",
    labels: ["state"],
};
const REFUSED: Spec<0> = Spec {
    name: "owners_refused_total",
    help: "Owners that were not learned: an id was too long, or there was no room.",
    labels: [],
};
const WRITE_ERRORS: Spec<0> = Spec {
    name: "owners_write_errors_total",
    help: "Failures to write the table of owners to disk, or to open its file again.",
    labels: [],
};
const WAITING: Spec<0> = Spec {
    name: "owners_waiting",
    help: "Changes of the table of owners that are not on disk yet.",
    labels: [],
};
const ON_DISK: Spec<0> = Spec {
    name: "owners_on_disk",
    help: "1 when the table of owners is on disk; 0 when a restart would forget it.",
    labels: [],
};
const BLIND_UNTIL: Spec<0> = Spec {
    name: "owners_blind_until_timestamp_seconds",
    help: "Until when, in Unix time, ids may be live that the table of owners has lost or could not take; 0: none.",
    labels: [],
};
const DRAIN: Spec<2> = Spec {
    name: "drain_state",
    help: "1 for how far the backend is drained, 0 for the others: serving (it gets new requests), draining (it has live ids, requests or tunnels), unknown (it may have some), drained.",
    labels: ["backend", "state"],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [
        ENTRIES.desc(),
        OLDEST_LIVE.desc(),
        LOOKUPS.desc(),
        CREATED.desc(),
        PROBES.desc(),
        DONE.desc(),
        TABLE.desc(),
        CAPACITY.desc(),
        SINCE.desc(),
        EVICTED.desc(),
        REFUSED.desc(),
        WRITE_ERRORS.desc(),
        WAITING.desc(),
        ON_DISK.desc(),
        BLIND_UNTIL.desc(),
        DRAIN.desc(),
    ]
    .into_iter()
    .collect()
}

pub(super) fn collect(snapshot: &Snapshot) -> Vec<MetricFamily> {
    if snapshot.ownership.is_empty() && snapshot.owners.health().entries == 0 {
        return Vec::new();
    }
    let survey = Survey::of(&snapshot.owners);
    let mut families = of_entries(snapshot, &survey);
    families.extend(of_rules(snapshot));
    families.extend(of_table(&survey));
    families.push(of_drains(snapshot, &survey));
    // A family without a series would be a fault of the exposition.
    families.retain(|family| !family.get_metric().is_empty());
    families
}

/// A row for each side of a route that a rule concerns, and for whoever else owns something.
fn of_entries(snapshot: &Snapshot, survey: &Survey) -> Vec<MetricFamily> {
    let known = survey.tallies.iter().map(|tally| {
        let figures = (tally.live, tally.done);
        ([&*tally.rule, &*tally.backend], figures)
    });
    let mut rows: Vec<_> = known.collect();
    for route in &snapshot.routes {
        let rules = route.ownership.iter();
        for rule in rules.filter(|rule| rule.prefixes.is_none()) {
            let sides = [Some(&route.primary), route.candidate.as_ref()];
            for arm in sides.into_iter().flatten() {
                let labels = [&*rule.name, &*arm.backend.name];
                if rows.iter().all(|(known, _)| *known != labels) {
                    rows.push((labels, (0, 0)));
                }
            }
        }
    }
    let entries = rows.iter().flat_map(|([rule, backend], (live, done))| {
        [("live", live), ("done", done)].map(|(state, n)| ([*rule, *backend, state], *n as f64))
    });
    let oldest = survey.tallies.iter().filter_map(|tally: &Tally| {
        let oldest = f64::from(tally.oldest_live?);
        Some(([&*tally.rule, &*tally.backend], oldest))
    });
    vec![ENTRIES.gauges(entries), OLDEST_LIVE.gauges(oldest)]
}

fn of_rules(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let rules = || snapshot.ownership.iter();
    let lookups = rules().flat_map(|rule| {
        let results = Looked::ALL.into_iter();
        results.map(move |looked| {
            let count = sum(rule, |cell| cell.looked[looked as usize].get());
            ([&*rule.name, looked.as_str()], count)
        })
    });
    let created = rules().flat_map(|rule| {
        let results = Made::ALL.into_iter();
        results.map(move |made| {
            let count = sum(rule, |cell| cell.made[made as usize].get());
            ([&*rule.name, made.as_str()], count)
        })
    });
    let one = |figure: fn(&OwnershipCell) -> u64| {
        rules().map(move |rule| ([&*rule.name], sum(rule, figure)))
    };
    vec![
        LOOKUPS.counters(lookups),
        CREATED.counters(created),
        PROBES.counters(one(|cell| cell.asked.get())),
        DONE.counters(one(|cell| cell.done.get())),
    ]
}

fn of_table(survey: &Survey) -> Vec<MetricFamily> {
    let health = &survey.health;
    let evicted = [
        (["live"], health.evicted_live),
        (["done"], health.evicted.saturating_sub(health.evicted_live)),
    ];
    let gauge = |spec: &Spec<0>, value: f64| spec.gauges([([], value)]);
    vec![
        gauge(&TABLE, health.entries as f64),
        gauge(&CAPACITY, health.capacity as f64),
        gauge(&SINCE, f64::from(health.since)),
        EVICTED.counters(evicted),
        REFUSED.counters([([], health.refused)]),
        WRITE_ERRORS.counters([([], health.write_errors)]),
        gauge(&WAITING, health.behind as f64),
        gauge(&ON_DISK, f64::from(u8::from(health.on_disk))),
        gauge(&BLIND_UNTIL, f64::from(health.blind_until)),
    ]
}

fn of_drains(snapshot: &Snapshot, survey: &Survey) -> MetricFamily {
    let drains = drains(snapshot, survey);
    let rows = drains.iter().flat_map(|drain| {
        let states = DrainState::ALL.into_iter();
        states.map(|state| {
            let is_it = f64::from(u8::from(drain.state == state));
            ([&*drain.backend, state.as_str()], is_it)
        })
    });
    DRAIN.gauges(rows)
}

fn sum(rule: &Ownership, figure: impl Fn(&OwnershipCell) -> u64) -> u64 {
    rule.cells.iter().map(figure).sum()
}

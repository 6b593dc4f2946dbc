//! The families of Serverless backends. None has a label for a worker: those come and go by the hundred.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::snapshot::{Serverless, Snapshot, Turn};
use crate::stats::{Asked, HistogramTotals, ServerlessCell, Worked};

const ROUTE: Spec<2> = Spec {
    name: "serverless_route_total",
    help: "Answers of the engine that was asked for a worker: ready, none yet, or what else.",
    labels: ["backend", "result"],
};
const WORKER: Spec<2> = Spec {
    name: "serverless_worker_total",
    help: "Requests sent to a worker, by what became of them; all that went to the client count as answered.",
    labels: ["backend", "outcome"],
};
const RETRIES: Spec<2> = Spec {
    name: "serverless_retries_total",
    help: "Requests for which another worker was asked for, by what became of them at the one before.",
    labels: ["backend", "reason"],
};
const WAIT: Spec<1> = Spec {
    name: "serverless_wait_seconds",
    help: "Time from the first question to a worker, of requests that got one.",
    labels: ["backend"],
};
const QUEUE: Spec<2> = Spec {
    name: "serverless_queue_total",
    help: "Requests that wanted a worker, by how that ended; at_once: there was one.",
    labels: ["backend", "outcome"],
};
const WAITING: Spec<1> = Spec {
    name: "serverless_waiting",
    help: "Requests that wait for a worker.",
    labels: ["backend"],
};
const COST: Spec<1> = Spec {
    name: "serverless_cost_units_total",
    help: "Load of the requests that got a worker, in the units of the workers.",
    labels: ["backend"],
};
const KEY: Spec<1> = Spec {
    name: "serverless_key_ready",
    help: "1 when there is a key to ask with, and the engine takes it; else 0.",
    labels: ["backend"],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [
        ROUTE.desc(),
        WORKER.desc(),
        RETRIES.desc(),
        WAIT.desc(),
        QUEUE.desc(),
        WAITING.desc(),
        COST.desc(),
        KEY.desc(),
    ]
    .into_iter()
    .collect()
}

pub(super) fn collect(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let all = || {
        let backends = snapshot.backends.iter();
        backends.filter_map(|backend| Some((&*backend.name, backend.serverless.as_deref()?)))
    };
    // By the front, nobody asks for workers.
    let hiring = || all().filter(|(_, terms)| terms.front.is_none());
    let asked = hiring().flat_map(|(name, terms)| {
        let results = Asked::ALL.into_iter();
        results.map(move |asked| {
            let count = sum(terms, |cell| cell.asked[asked as usize].get());
            ([name, asked.as_str()], count)
        })
    });
    let worked = |figure: fn(&ServerlessCell, Worked) -> u64| {
        hiring().flat_map(move |(name, terms)| {
            let outcomes = Worked::ALL.into_iter();
            outcomes.map(move |worked| {
                let count = sum(terms, |cell| figure(cell, worked));
                ([name, worked.as_str()], count)
            })
        })
    };
    let waits: Vec<_> = hiring().map(|(name, terms)| (name, waits(terms))).collect();
    let turns = hiring().flat_map(|(name, terms)| {
        let turns = Turn::ALL.into_iter();
        turns.map(move |turn| ([name, turn.as_str()], terms.line.turns(turn)))
    });
    let families = vec![
        ROUTE.counters(asked),
        WORKER.counters(worked(|cell, worked| cell.worked[worked as usize].get())),
        RETRIES.counters(worked(|cell, worked| cell.again[worked as usize].get())),
        WAIT.histograms(waits.iter().map(|(name, totals)| ([*name], totals))),
        QUEUE.counters(turns),
        WAITING.gauges(hiring().map(|(name, terms)| ([name], f64::from(terms.line.waiting())))),
        COST.counters(hiring().map(|(name, terms)| ([name], sum(terms, |cell| cell.cost.get())))),
        KEY.gauges(all().map(|(name, terms)| ([name], has_key(terms)))),
    ];
    // A family without a series would be a fault of the exposition.
    let families = families.into_iter();
    families
        .filter(|family| !family.get_metric().is_empty())
        .collect()
}

fn sum(terms: &Serverless, figure: impl Fn(&ServerlessCell) -> u64) -> u64 {
    terms.cells.iter().map(figure).sum()
}

fn waits(terms: &Serverless) -> HistogramTotals {
    let mut totals = HistogramTotals::default();
    for cell in terms.cells.iter() {
        totals.add(&cell.waits);
    }
    totals
}

fn has_key(terms: &Serverless) -> f64 {
    let good = terms.key.get().is_some() && !terms.key.is_refused();
    f64::from(u8::from(good))
}

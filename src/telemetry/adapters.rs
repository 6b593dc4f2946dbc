//! The families of adapters. What never happened has no series, but for the good end of each program: most of the
//! other ends are never seen.

use prometheus::core::Desc;
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::snapshot::{Operation, Snapshot};
use crate::stats::{Adapted, Direction, OperationCell};

const REQUESTS: Spec<2> = Spec {
    name: "adapter_requests_total",
    help: "Tries that were sent to a backend as this operation of the adapter has them.",
    labels: ["adapter", "operation"],
};
const RUNS: Spec<4> = Spec {
    name: "adapter_runs_total",
    help: "Programs of the adapter that ran, by what was adapted and what came of it; ok, or what has been seen since the start.",
    labels: ["adapter", "operation", "direction", "result"],
};
const TIME: Spec<3> = Spec {
    name: "adapter_run_seconds_total",
    help: "Time that programs of the adapter took, by what was adapted.",
    labels: ["adapter", "operation", "direction"],
};
const UNMATCHED: Spec<1> = Spec {
    name: "adapter_unmatched_total",
    help: "Requests for which the adapter has no operation: they went to the other side, or as they were, as the file says.",
    labels: ["adapter"],
};

pub(super) fn descs() -> prometheus::Result<Vec<Desc>> {
    [REQUESTS.desc(), RUNS.desc(), TIME.desc(), UNMATCHED.desc()]
        .into_iter()
        .collect()
}

/// An operation, and a direction in which something is adapted by it.
struct Way<'s> {
    adapter: &'s str,
    operation: &'s Operation,
    direction: Direction,
}

pub(super) fn collect(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let operations = || {
        let adapters = snapshot.adapters.iter();
        adapters.flat_map(|adapter| {
            let operations = adapter.operations.iter();
            operations.map(|operation| (&*adapter.name, operation))
        })
    };
    let requests = operations().map(|(adapter, operation)| {
        let requests = sum(operation, |cell| cell.requests.get());
        ([adapter, &*operation.name], requests)
    });
    let ways = || {
        operations().flat_map(|(adapter, operation)| {
            let ways = Direction::ALL.into_iter().map(move |direction| Way {
                adapter,
                operation,
                direction,
            });
            ways.filter(Way::is_used)
        })
    };
    let runs = ways().flat_map(|way| {
        let results = Adapted::ALL.into_iter();
        results.filter_map(move |adapted| {
            let runs = way.runs(adapted);
            let labels = [
                way.adapter,
                &*way.operation.name,
                way.direction.as_str(),
                adapted.as_str(),
            ];
            (runs > 0 || adapted == Adapted::Ok).then_some((labels, runs))
        })
    });
    let times = ways().map(|way| {
        let nanoseconds = sum(way.operation, |cell| {
            cell.time[way.direction as usize].get()
        });
        let labels = [way.adapter, &*way.operation.name, way.direction.as_str()];
        (labels, nanoseconds as f64 / 1e9)
    });
    let unmatched = snapshot.adapters.iter().map(|adapter| {
        let cells = adapter.cells.iter();
        let unmatched = cells.map(|cell| cell.unmatched.get()).sum();
        ([&*adapter.name], unmatched)
    });
    let families = vec![
        REQUESTS.counters(requests),
        RUNS.counters(runs),
        TIME.sums(times),
        UNMATCHED.counters(unmatched),
    ];
    // A family without a series would be a fault of the exposition.
    let families = families.into_iter();
    families
        .filter(|family| !family.get_metric().is_empty())
        .collect()
}

impl Way<'_> {
    /// There is a program for it, or something has come of it although there is none.
    fn is_used(&self) -> bool {
        let operation = self.operation;
        let has_program = match self.direction {
            Direction::Request => operation.request.is_some(),
            Direction::Response => operation.response.is_some() && !operation.of_events,
            Direction::Error => operation.error.is_some(),
            Direction::Event => operation.response.is_some() && operation.of_events,
        };
        has_program
            || Adapted::ALL
                .into_iter()
                .any(|adapted| self.runs(adapted) > 0)
    }

    fn runs(&self, adapted: Adapted) -> u64 {
        sum(self.operation, |cell| {
            cell.runs[self.direction as usize][adapted as usize].get()
        })
    }
}

fn sum(operation: &Operation, figure: impl Fn(&OperationCell) -> u64) -> u64 {
    operation.cells.iter().map(figure).sum()
}

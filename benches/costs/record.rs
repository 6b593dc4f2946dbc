//! Keeping the books of a request.

use divan::{Bencher, black_box};
use figshift::stats::{
    Cells, Class, EndpointCell, Histogram, HistogramTotals, SideCell, WorkerCell,
};

/// Durations of a GPU service, from an overhead to a long answer.
const TIMES_US: [u64; 8] = [
    180, 900, 4_200, 35_000, 120_000, 800_000, 6_000_000, 45_000_000,
];

#[divan::bench]
fn histogram(bencher: Bencher<'_, '_>) {
    let histogram = Histogram::default();
    let mut times = TIMES_US.into_iter().cycle();
    bencher.bench_local(|| histogram.record(black_box(times.next().unwrap_or(0))));
}

/// All that is counted of one request that went well, in the order of its events.
#[divan::bench(sample_size = 10_000)]
fn whole_outcome(bencher: Bencher<'_, '_>) {
    let (workers, sides, endpoints) = (
        Cells::<WorkerCell>::new(1),
        Cells::<SideCell>::new(1),
        Cells::<EndpointCell>::new(1),
    );
    bencher.bench_local(|| {
        let index = black_box(0);
        let (worker, side, endpoint) = (workers.of(index), sides.of(index), endpoints.of(index));
        worker.in_flight.up();
        side.in_flight.up();
        endpoint.in_flight.up();
        endpoint.reused.add(1);
        side.head.record(black_box(35_000));
        endpoint.good.add(1);
        side.first_byte.record(black_box(36_000));
        side.attempts[Class::Ok as usize].add(1);
        endpoint.in_flight.down();
        side.in_flight.down();
        side.total.record(black_box(800_000));
        side.requests[0][Class::Ok as usize].add(1);
        worker.in_flight.down();
    });
}

/// What a scrape pays, for the scale: reading one histogram of one worker.
#[divan::bench]
fn read_back(bencher: Bencher<'_, '_>) {
    let histogram = Histogram::default();
    TIMES_US.into_iter().for_each(|us| histogram.record(us));
    bencher.bench_local(|| {
        let mut totals = HistogramTotals::default();
        totals.add(black_box(&histogram));
        totals.count()
    });
}

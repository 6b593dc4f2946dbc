//! Asking a healthy endpoint's breaker, and telling it of a success: no lock, no write, so two
//! threads cost no more than one.

use std::time::Duration;

use divan::{Bencher, black_box};
use figshift::snapshot::Fitness;

#[divan::bench(threads = [1, 2], sample_count = 50, sample_size = 1_000_000)]
fn admit_and_succeed(bencher: Bencher<'_, '_>) {
    let fitness = Fitness::new(Duration::from_secs(10));
    bencher.bench(|| {
        let now = black_box(Duration::from_secs(50));
        if let Some(ticket) = fitness.admit(now, black_box(7)) {
            fitness.succeed(now, ticket);
        }
    });
}

/// The same with one failure on record, where each success takes the lock to pay it off.
#[divan::bench]
fn fail_and_pay_off(bencher: Bencher<'_, '_>) {
    let fitness = Fitness::new(Duration::from_secs(10));
    bencher.bench_local(|| {
        let now = black_box(Duration::from_secs(50));
        if let Some(ticket) = fitness.admit(now, black_box(7)) {
            let tripped = fitness.fail(now, ticket, 7);
            fitness.succeed(now, ticket);
            fitness.succeed(now, ticket);
            assert!(!tripped);
        }
    });
}

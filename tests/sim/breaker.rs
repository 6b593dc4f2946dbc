//! G7: the breaker.

use std::time::Duration;

use figshift::policy::{Admit, Breaker};
use rand::{RngExt, rngs::SmallRng};

use super::report::{Often, Report};

/// Requests until it trips.
fn trips_after(mut rng: SmallRng, failures: f64, most: u64) -> Option<u64> {
    let mut breaker = Breaker::new(Duration::ZERO);
    let Admit::Yes(ticket) = breaker.admit(Duration::ZERO, 0) else {
        panic!("a new breaker lets requests through");
    };
    (1..=most).find(|_| {
        if rng.random::<f64>() < failures {
            return breaker.fail(Duration::ZERO, ticket, 0);
        }
        breaker.succeed(Duration::ZERO, ticket);
        false
    })
}

pub(crate) fn run(report: &mut Report) {
    report.delay(
        "G7",
        "requests to trip, all fail",
        (10, 10),
        (5.0, 5.0),
        |rng| trips_after(rng, 1.0, 10),
    );
    report.delay(
        "G7",
        "requests to trip, half fail",
        (1000, 200),
        (20.0, 49.0),
        |rng| trips_after(rng, 0.5, 10_000),
    );
    let what = "trips in 1e5 requests, 1 % fail";
    report.share("G7", what, (1000, 20), Often::AtMost(0.0), |rng| {
        trips_after(rng, 0.01, 100_000).is_some()
    });
}

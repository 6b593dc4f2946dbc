//! G11: one short incident of the candidate alone does not end a ramp; a lasting one does.

use std::time::Duration;

use figshift::policy::guard::{Metrics, Settings};
use rand::rngs::SmallRng;

use super::nulls::strict;
use super::report::{Often, Report};
use super::world::{Candidate, Drift, ERRORS, World};

const GOOD: u64 = 60;
const PER_SECOND: u64 = 100;

/// Seconds from the start of an incident that lasts so long to the breach.
fn taken_back_after(
    mut rng: SmallRng,
    settings: &Settings,
    (share, errors): (f64, f64),
    lasts: u64,
    most: u64,
) -> Option<u64> {
    let world = World::new(ERRORS, Drift::None, settings, &mut rng);
    let mut guard = world.guard(settings);
    (0..GOOD + most).find_map(|second| {
        let is_bad = (GOOD..GOOD + lasts).contains(&second);
        let candidate = Candidate::failing(if is_bad { errors } else { ERRORS });
        let requests = (second * PER_SECOND, PER_SECOND);
        let cohort = world.requests(&mut rng, requests, share, candidate);
        guard.feed(Duration::from_secs(second), &cohort);
        guard.detected().map(|_| (second + 1).saturating_sub(GOOD))
    })
}

pub(crate) fn run(report: &mut Report) {
    let settings = Settings {
        evidence_cap: Some(0.5),
        require: Metrics::NONE,
        horizon: Settings::default().horizon,
        ..strict()
    };
    let defaults = Settings {
        require: Metrics::NONE,
        ..Settings::default()
    };
    for (settings, name) in [(&settings, "no margins"), (&defaults, "defaults")] {
        let what = format!("rollback by 10 s of 100 % errors, 10 %, {name}");
        report.share("G11", &what, (1000, 40), Often::AtMost(0.10), |rng| {
            taken_back_after(rng, settings, (0.1, 1.0), 10, 240).is_some()
        });
        let what = format!("seconds to notice lasting 20 %, 10 %, {name}");
        let bound = (25.0, f64::INFINITY);
        report.delay("G11", &what, (300, 40), bound, |rng| {
            taken_back_after(rng, settings, (0.1, 0.2), u64::MAX / 2, 600)
        });
    }
}

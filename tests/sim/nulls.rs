//! G1: how often a candidate that is as good as the primary is taken back.

use std::time::Duration;

use figshift::policy::guard::{Margins, Metrics, Settings};
use rand::rngs::SmallRng;

use super::report::{Often, Report};
use super::world::{Candidate, Drift, ERRORS, REQUEST, World};

const REQUESTS: u64 = 100_000;

/// No margins, no cap: as sharp as the guard can be.
pub(crate) fn strict() -> Settings {
    let none = |margins: Margins| Margins {
        rollback: 0.0,
        ..margins
    };
    let settings = Settings::default();
    Settings {
        errors: none(settings.errors),
        latency: none(settings.latency),
        evidence_cap: None,
        require: Metrics::NONE,
        horizon: REQUEST * REQUESTS as u32,
        ..settings
    }
}

/// How many requests make a batch at a share: it is looked at after each.
pub(crate) fn batch(share: f64) -> u64 {
    match share {
        share if share < 0.02 => 150,
        share if share < 0.2 => 30,
        _ => 10,
    }
}

/// Whether the candidate is taken back within the run.
fn is_taken_back(
    mut rng: SmallRng,
    settings: &Settings,
    (errors, candidate): (f64, Candidate),
    drift: Drift,
    share: impl Fn(u64) -> (f64, u64),
) -> bool {
    let world = World::new(errors, drift, settings, &mut rng);
    let mut guard = world.guard(settings);
    let mut done = 0;
    while done < REQUESTS {
        let (share, batch) = share(done);
        let cohort = world.requests(&mut rng, (done, batch), share, candidate);
        done += batch;
        guard.feed(REQUEST * done as u32, &cohort);
        if guard.detected().is_some() {
            return true;
        }
    }
    false
}

pub(crate) fn run(report: &mut Report) {
    let settings = strict();
    let drifts = [
        (Drift::None, "stationary"),
        (Drift::Sinusoid, "shared sinusoid"),
        (Drift::Level, "shared level shift"),
        (Drift::Incidents, "shared incidents"),
    ];
    for (drift, name) in drifts {
        for share in [0.01, 0.1, 0.5] {
            let what = format!(
                "false rollback in 1e5 requests, {name}, {} %",
                share * 100.0
            );
            report.share("G1", &what, (1000, 24), Often::AtMost(0.01), |rng| {
                let equal = (ERRORS, Candidate::EQUAL);
                is_taken_back(rng, &settings, equal, drift, |_| (share, batch(share)))
            });
        }
        let what = format!("the same, {name}, during a ramp 1-5-25-50-95 %");
        report.share("G1", &what, (1000, 24), Often::AtMost(0.01), |rng| {
            let equal = (ERRORS, Candidate::EQUAL);
            is_taken_back(rng, &settings, equal, drift, |done| {
                let steps = [0.01, 0.05, 0.25, 0.50, 0.95];
                (steps[(done / 20_000).min(4) as usize], 60)
            })
        });
    }
    if report.scale.long {
        others(report, &settings);
    }
}

/// What else a candidate can be without being worse.
fn others(report: &mut Report, strict: &Settings) {
    let margins = Settings {
        errors: Settings::default().errors,
        latency: Settings::default().latency,
        ..strict.clone()
    };
    let on_the_margin = Candidate {
        errors: 0.006,
        slower: 1.05,
    };
    for share in [0.01, 0.1, 0.5] {
        let cases = [
            (&margins, ERRORS, on_the_margin, "exactly on the margins"),
            (strict, 0.05, Candidate::failing(0.05), "both 5 % errors"),
            (strict, 1e-4, Candidate::failing(1e-4), "both 0.01 % errors"),
        ];
        for (settings, errors, candidate, name) in cases {
            let what = format!("the same, {name}, {} %", share * 100.0);
            report.share("G1", &what, (1000, 0), Often::AtMost(0.01), |rng| {
                is_taken_back(rng, settings, (errors, candidate), Drift::None, |_| {
                    (share, batch(share))
                })
            });
        }
    }
}

/// A horizon in which a bit of the cash is put in after every so many requests.
pub(crate) fn horizon(requests_per_bit: u64) -> Duration {
    REQUEST * (256 * requests_per_bit) as u32
}

//! Guard and ramp together, with their defaults, at 100 requests a second: a good candidate gets to
//! the top by itself, a bad one gets nothing.

use std::time::Duration;

use figshift::policy::guard::Settings;
use figshift::policy::ramp::{Conditions, Move, Plan, Ramp, State};
use rand::rngs::SmallRng;

use super::report::{Often, Report};
use super::world::{Candidate, Drift, ERRORS, World};

const PER_SECOND: u64 = 100;
const HOURS: u64 = 6;

/// Where a ramp is when it has ended, and after how many minutes; at the latest after six hours.
fn climb(mut rng: SmallRng, candidate: Candidate) -> (State, u64) {
    let settings = Settings::default();
    let world = World::new(ERRORS, Drift::Sinusoid, &settings, &mut rng);
    let mut guard = world.guard(&settings);
    let mut ramp = Ramp::new(Plan::default(), 0);
    ramp.start().expect("an idle ramp starts");
    for second in 0..HOURS * 3600 {
        let share = f64::from(ramp.percent()) / 10_000.0;
        let requests = (second * PER_SECOND, PER_SECOND);
        let cohort = world.requests(&mut rng, requests, share, candidate);
        let now = Duration::from_secs(second);
        guard.feed(now, &cohort);
        let verdict = guard.verdict(ramp.is_overdue());
        if let Some(Move::Shift { .. }) = ramp.tick(now, &verdict, Conditions::default()) {
            guard.begin_step();
        }
        if matches!(ramp.state(), State::Finished | State::RolledBack { .. }) {
            return (ramp.state(), second / 60);
        }
    }
    (ramp.state(), HOURS * 60)
}

pub(crate) fn run(report: &mut Report) {
    let finished = |rng, candidate| climb(rng, candidate).0 == State::Finished;
    let back = |rng, candidate| matches!(climb(rng, candidate).0, State::RolledBack { .. });
    let good = Candidate::EQUAL;
    let what = "equal candidate at the top within 6 h, shared sinusoid";
    report.share("ramp", what, (200, 3), Often::AtLeast(0.90), |rng| {
        finished(rng, good)
    });
    let what = "minutes of a ramp of an equal candidate";
    report.delay("ramp", what, (200, 3), (120.0, 360.0), |rng| {
        let (state, minutes) = climb(rng, good);
        (state == State::Finished).then_some(minutes)
    });
    for (candidate, name) in [
        (Candidate::failing(0.02), "errors 2 %"),
        (Candidate::slower(1.25), "latency x1.25"),
    ] {
        let what = format!("{name}: taken back");
        report.share("ramp", &what, (200, 4), Often::AtLeast(0.95), |rng| {
            back(rng, candidate)
        });
    }
}

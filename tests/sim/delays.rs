//! G2 to G4: how many requests of the candidate it takes to notice that it is worse. The bounds at
//! 10 % are the goals; those at 1 % and 50 % are as far from the figures that the defaults were
//! chosen by.

use figshift::policy::guard::{Guard, Settings};
use rand::rngs::SmallRng;

use super::nulls::{batch, horizon, strict};
use super::report::Report;
use super::world::{Candidate, Drift, ERRORS, REQUEST, World};

struct Run<'a> {
    settings: &'a Settings,
    share: f64,
    /// So many requests of the candidate before it turns bad.
    good: u64,
    candidate: Candidate,
    /// Later than this many requests of the candidate is never.
    most: u64,
    /// Requests of both sides that are fed at once.
    batch: u64,
}

impl Run<'_> {
    /// Requests of the candidate from the change to the breach. Breaches before it do not count.
    fn delay(&self, mut rng: SmallRng) -> Option<u64> {
        let world = World::new(ERRORS, Drift::None, self.settings, &mut rng);
        let mut guard: Guard = world.guard(self.settings);
        let (mut done, mut new, batch) = (0, 0, self.batch);
        while new < self.good + self.most {
            let candidate = if new < self.good {
                Candidate::EQUAL
            } else {
                self.candidate
            };
            let was_good = new < self.good;
            let cohort = world.requests(&mut rng, (done, batch), self.share, candidate);
            done += batch;
            new += cohort.candidate.n;
            guard.feed(REQUEST * done as u32, &cohort);
            if guard.detected().is_some() {
                return (!was_good).then(|| new - self.good);
            }
        }
        None
    }
}

pub(crate) fn run(report: &mut Report) {
    let failing = Candidate::failing;
    let slower = Candidate::slower;
    #[rustfmt::skip]
    let cases = [
        ("G2", "errors 0.5 -> 5 %", failing(0.05), [(151.0, 376.0), (180.0, 420.0), (429.0, 849.0)]),
        ("G2", "errors 0.5 -> 20 %", failing(0.20), [(28.0, 50.0), (32.0, 70.0), (82.0, 151.0)]),
        ("G2", "errors 0.5 -> 100 %", failing(1.0), [(7.0, 11.0), (8.0, 12.0), (13.0, 24.0)]),
        ("G2", "errors 0.5 -> 1 %", failing(0.01), [(5274.0, 11765.0), (5200.0, 12000.0), (11800.0, 26065.0)]),
        ("G3", "latency x2", slower(2.0), [(19.0, 36.0), (22.0, 40.0), (45.0, 88.0)]),
        ("G3", "latency x1.25", slower(1.25), [(155.0, 338.0), (170.0, 370.0), (368.0, 745.0)]),
    ];
    for (goal, name, candidate, bounds) in cases {
        for (share, bound) in [0.01, 0.1, 0.5].into_iter().zip(bounds) {
            let is_goal = (share - 0.1f64).abs() < 1e-9;
            if is_goal || report.scale.long {
                let per_bit = if share < 0.05 { 2_000_000 } else { 20_000 };
                let settings = Settings {
                    horizon: horizon(per_bit),
                    ..strict()
                };
                let run = Run {
                    settings: &settings,
                    share,
                    good: 0,
                    candidate,
                    most: if share < 0.05 { 20_000 } else { 60_000 },
                    batch: batch(share),
                };
                let what = format!("requests to notice {name}, {} %", share * 100.0);
                report.delay(goal, &what, (300, 60), bound, |rng| run.delay(rng));
            }
        }
    }
    late(report);
    by_default(report);
}

/// What `docs/guard.md` tells: the settings of an empty file, 100 requests a second of both sides together.
/// The bounds are a quarter above what was found when the page was written.
fn by_default(report: &mut Report) {
    let settings = Settings::default();
    let (failing, slower) = (Candidate::failing, Candidate::slower);
    #[rustfmt::skip]
    let cases = [
        ("errors 0.5 -> 1 %", failing(0.01), [(13005.0, 24417.5), (24885.0, 38891.2), (37035.0, 57433.8)]),
        ("errors 0.5 -> 2 %", failing(0.02), [(2940.0, 4258.8), (5965.0, 8011.2), (9790.0, 13051.2)]),
        ("errors 0.5 -> 5 %", failing(0.05), [(890.0, 1331.2), (2177.5, 2833.8), (3656.2, 4687.5)]),
        ("errors 0.5 -> 20 %", failing(0.20), [(257.5, 343.8), (1117.5, 1361.2), (2313.8, 2810.0)]),
        ("errors 0.5 -> 100 %", failing(1.0), [(142.5, 181.2), (1085.0, 1291.2), (2316.2, 2907.5)]),
        ("latency x1.25", slower(1.25), [(1205.0, 1701.2), (4188.8, 4922.5), (7890.0, 9152.5)]),
        ("latency x2", slower(2.0), [(421.2, 513.8), (1630.0, 1971.2), (3351.2, 3986.2)]),
    ];
    for (name, candidate, bounds) in cases {
        for (share, bound) in [0.05, 0.25, 0.5].into_iter().zip(bounds) {
            let is_short = name.ends_with("20 %") && share > 0.2 && share < 0.3;
            if is_short || report.scale.long {
                let run = Run {
                    settings: &settings,
                    share,
                    good: (share * 60_000.0) as u64,
                    candidate,
                    most: (share * 600_000.0) as u64,
                    batch: 100,
                };
                let what = format!(
                    "by default, after 10 good minutes, {name}, {} %",
                    share * 100.0
                );
                report.delay("D1", &what, (200, 40), bound, |rng| run.delay(rng));
            }
        }
    }
}

fn late(report: &mut Report) {
    let settings = Settings {
        horizon: horizon(600_000 / 256),
        ..strict()
    };
    let cases = [
        (Candidate::failing(0.05), "errors -> 5 %", (350.0, 620.0)),
        (Candidate::failing(0.20), "errors -> 20 %", (69.0, 115.0)),
        (Candidate::slower(1.25), "latency x1.25", (409.0, 631.0)),
        (Candidate::slower(2.0), "latency x2", (73.0, 115.0)),
    ];
    let n = if report.scale.long { cases.len() } else { 1 };
    for (candidate, name, bound) in cases.into_iter().take(n) {
        let run = Run {
            settings: &settings,
            share: 0.1,
            good: 20_000,
            candidate,
            most: 40_000,
            batch: batch(0.1),
        };
        let what = format!("the same after 20 000 good ones, {name}, 10 %");
        report.delay("G4", &what, (200, 20), bound, |rng| run.delay(rng));
    }
}

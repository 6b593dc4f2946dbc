//! G5 and G6: how often a candidate passes that should not, and how soon one that should.

use figshift::policy::guard::{Metric, Metrics, Settings, Verdict};
use rand::rngs::SmallRng;

use super::report::{Often, Report};
use super::world::{Candidate, Drift, ERRORS, REQUEST, World};

/// Requests of the candidate until its step passes.
fn passes_after(
    mut rng: SmallRng,
    require: Metrics,
    share: f64,
    (errors, candidate): (f64, Candidate),
    most: u64,
) -> Option<u64> {
    let settings = Settings {
        watch: Metrics::NONE,
        require,
        ..Settings::default()
    };
    let world = World::new(errors, Drift::None, &settings, &mut rng);
    let mut guard = world.guard(&settings);
    let batch = match share {
        share if share < 0.02 => 200,
        share if share < 0.1 => 60,
        share if share < 0.3 => 40,
        _ => 20,
    };
    let (mut done, mut new) = (0, 0);
    while new < most {
        let cohort = world.requests(&mut rng, (done, batch), share, candidate);
        done += batch;
        new += cohort.candidate.n;
        guard.feed(REQUEST * done as u32, &cohort);
        if guard.verdict(false) == Verdict::Pass {
            return Some(new);
        }
    }
    None
}

pub(crate) fn run(report: &mut Report) {
    let errors = Metrics::NONE.with(Metric::Errors);
    let p95 = Metrics::NONE.with(Metric::P95);
    let both = errors.with(Metric::P95);
    let on_the_margin = Candidate {
        errors: ERRORS + 0.005,
        slower: 1.10,
    };
    let shares: &[f64] = if report.scale.long {
        &[0.01, 0.05, 0.25, 0.50]
    } else {
        &[0.25]
    };
    for (require, name) in [(errors, "errors"), (p95, "p95"), (both, "errors + p95")] {
        for share in shares {
            let what = format!("false step up on the margin, {name}, {} %", share * 100.0);
            let most = if *share < 0.05 { 5_000 } else { 20_000 };
            report.share("G5", &what, (400, 20), Often::AtMost(0.05), |rng| {
                passes_after(rng, require, *share, (ERRORS, on_the_margin), most).is_some()
            });
        }
    }
    let equal = |errors| (errors, Candidate::failing(errors));
    let better = Candidate {
        errors: 0.004,
        slower: 0.8,
    };
    #[rustfmt::skip]
    let cases = [
        ("both 0.5 %", 0.05, equal(0.005), (3000.0, f64::INFINITY)),
        ("both 0.5 %", 0.01, equal(0.005), (2980.0, 7085.0)),
        ("both 0.5 %", 0.25, equal(0.005), (3825.0, 8144.0)),
        ("both 0.5 %", 0.50, equal(0.005), (5343.0, 10893.0)),
        ("no errors at all", 0.05, equal(0.0), (1418.0, 3951.0)),
        ("both 0.1 %", 0.05, equal(0.001), (1927.0, 3904.0)),
        ("candidate better", 0.05, (0.005, better), (1643.0, 4414.0)),
    ];
    let n = if report.scale.long { cases.len() } else { 1 };
    for (name, share, sides, bound) in cases.into_iter().take(n) {
        let what = format!("requests to pass errors + p95, {name}, {} %", share * 100.0);
        report.delay("G6", &what, (400, 40), bound, |rng| {
            passes_after(rng, both, share, sides, 20_000)
        });
    }
}

//! Rules of thumb: about how many units it takes. On average each unit of the candidate adds to the
//! logarithm of the evidence what tells the two rates from the nearest pair that the claim allows
//! (a Kullback-Leibler divergence), so the number is what is missing divided by that. Medians in
//! the simulation are within a third of it.

use super::bet::{NOT_WORSE, WORSE};
use super::judge::Progress;
use super::metric::Metric;
use super::settings::Settings;
use super::stake::Purse;

/// How steeply the share of slow units falls with the limit, as a power, where nothing was
/// observed yet: about that of the 95th percentile of a log-normal latency with a spread of ½.
const TAIL: f64 = 4.0;
/// How many units a guess weighs against what was observed.
const GUESS: f64 = 50.0;

/// About how many units of the candidate it takes to notice that its rate is `candidate` while the
/// primary's is `primary` (parts of 1), at the candidate's `share` (0 to 1), by the metric alone.
/// `None` when the candidate is not worse than the rollback margin.
pub fn units_to_notice(
    settings: &Settings,
    metric: Metric,
    share: f64,
    primary: f64,
    candidate: f64,
) -> Option<u64> {
    let margin = settings.error_margins(metric).rollback;
    if candidate <= primary + margin || !settings.watch.contains(metric) {
        return None;
    }
    let stake = Purse::FIRST * settings.watch.weight(metric) / WORSE.len() as f64;
    let missing = settings.evidence_to_roll_back().ln() - stake.ln();
    units(missing, growth(share, primary, candidate, margin))
}

/// About how many more units of the candidate a metric needs to pass.
pub(super) fn more_to_pass(
    progress: &Progress,
    primary: f64,
    worse_by: f64,
    share: f64,
) -> Option<u64> {
    let (margin, guess) = match progress.metric {
        Metric::Errors => (worse_by, primary),
        _ => (0.0, primary / (1.0 + worse_by).powf(TAIL)),
    };
    let seen = progress.counts.candidate;
    let candidate = (seen.bad as f64 + guess * GUESS) / (seen.n as f64 + GUESS);
    if candidate >= primary + margin {
        return None;
    }
    // A wealth that has shrunk hides that one alternative out of five still does better.
    let floor = -(NOT_WORSE.len() as f64).ln();
    let missing = progress.needed.ln() - progress.evidence.ln().max(floor);
    units(missing, growth(share, primary, candidate, margin))
}

fn units(missing: f64, per_unit: f64) -> Option<u64> {
    let units = missing.max(0.0) / per_unit;
    units.is_finite().then(|| units.ceil() as u64)
}

/// What a unit of the candidate adds on average, with the primary's units that come with it.
fn growth(share: f64, primary: f64, candidate: f64, margin: f64) -> f64 {
    let share = share.clamp(1e-6, 1.0 - 1e-6);
    let q = share * (candidate - margin) + (1.0 - share) * primary;
    divergence(candidate, q + margin) + (1.0 - share) / share * divergence(primary, q)
}

/// Kullback-Leibler divergence of two rates, in nats.
fn divergence(p: f64, q: f64) -> f64 {
    let q = q.clamp(1e-9, 1.0 - 1e-9);
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    part(p, q) + part(1.0 - p, 1.0 - q)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::{Margins, Metrics};

    #[test]
    fn half_a_percent_to_one_takes_four_thousand() {
        let settings = Settings {
            errors: Margins {
                rollback: 0.0,
                promotion: 0.005,
            },
            ..Settings::default()
        };
        let units =
            |share, candidate| units_to_notice(&settings, Metric::Errors, share, 0.005, candidate);
        let slow = units(0.01, 0.01).unwrap();
        assert!((4_100..4_300).contains(&slow), "{slow}");
        assert!(units(0.5, 0.01).unwrap() > slow);
        assert!(units(0.1, 0.2).unwrap() < 50);
        assert_eq!(units(0.1, 0.005), None);
        let unwatched = Settings {
            watch: Metrics::NONE.with(Metric::P50),
            ..settings
        };
        assert_eq!(
            units_to_notice(&unwatched, Metric::Errors, 0.1, 0.005, 0.5),
            None
        );
    }
}

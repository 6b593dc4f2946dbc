//! What the guard of a route knows, in the words of the API.

use crate::api::{
    BadOf, GuardState, GuardWord, MetricState, MetricWord, ProgressState, Quantiles, SideUnits,
    SlowLimits, Yardstick,
};
use crate::config::model::{self, Compare};
use crate::control::{Cause, Finding, Force, GuardPhase, Judged, Totals};
use crate::policy::guard::{Metric, Progress, Tally, Verdict};
use crate::stats::Limits;

/// More evidence than this tells nobody more, and JSON knows no infinity.
const MOST: f64 = 1e12;
/// What a metric alone begins with; a little above that is chance.
const SPEAKS_UP: f64 = 0.55;

/// The guard of a route that has a candidate.
pub(super) fn guard(
    judged: Option<&Judged>,
    force: Option<&Force>,
    written: Option<&model::Guard>,
) -> GuardState {
    let finding = judged.and_then(|judged| judged.finding.as_ref());
    let phase = GuardPhase::of(finding, force);
    let guard = GuardState {
        state: word(phase),
        dry_run: written.is_some_and(|guard| guard.dry_run),
        compares_with: yardstick(force, written),
        evidence: 1.0,
        needed: written.map_or(0.0, |guard| figure(1.0 / guard.false_rollback.as_part())),
        most_against: None,
        why: why(phase, finding, force),
        metrics: Vec::new(),
        progress: Vec::new(),
        units_at_step: 0,
        more_requests_to_promote: None,
        batches: 0,
        ratio_alarm: false,
        limits: None,
        primary: units(&Totals::default()),
        candidate: units(&Totals::default()),
    };
    match finding {
        Some(finding) => with_finding(guard, finding),
        None => guard,
    }
}

fn with_finding(guard: GuardState, finding: &Finding) -> GuardState {
    let [primary, candidate] = &finding.totals;
    let parts = finding.parts.iter();
    GuardState {
        dry_run: finding.dry_run,
        evidence: figure(finding.evidence),
        needed: figure(finding.needed),
        most_against: most_against(finding),
        metrics: parts
            .map(|part| MetricState {
                metric: metric(part.metric),
                evidence: figure(part.evidence),
            })
            .collect(),
        progress: finding.progress.iter().map(progress).collect(),
        units_at_step: finding.units_at_step,
        more_requests_to_promote: finding.more_to_promote,
        batches: finding.batches,
        ratio_alarm: finding.ratio_alarm,
        limits: finding.limits.as_ref().map(limits),
        primary: units(primary),
        candidate: units(candidate),
        ..guard
    }
}

fn yardstick(force: Option<&Force>, written: Option<&model::Guard>) -> Yardstick {
    let by_limit = written.is_some_and(|guard| guard.compare == Compare::Limit);
    match force.is_some_and(|force| force.hundredths >= 10_000) || by_limit {
        true => Yardstick::Limit,
        false => Yardstick::Primary,
    }
}

/// The reason of a hold is in its stamp: what the guard knew then, it has forgotten since.
fn why(phase: GuardPhase, finding: Option<&Finding>, force: Option<&Force>) -> Option<String> {
    if phase == GuardPhase::Held {
        let mut links = force?.chain.iter();
        let hold = links.find(|link| link.what == Cause::Hold)?;
        return hold.stamp.as_ref().map(|stamp| stamp.reason.clone());
    }
    let finding = finding?;
    match (phase, &finding.verdict) {
        (GuardPhase::DryRunBreach, _) => finding.detected.as_ref().map(ToString::to_string),
        (
            GuardPhase::Breach | GuardPhase::Warning | GuardPhase::Stalled,
            Verdict::Breach(reason) | Verdict::Freeze(reason) | Verdict::Stalled(reason),
        ) => Some(reason.to_string()),
        _ => None,
    }
}

/// By its share of the whole, as the guard itself weighs it.
fn most_against(finding: &Finding) -> Option<MetricWord> {
    let parts = finding.parts.iter();
    let loudest = parts
        .filter(|part| part.evidence > SPEAKS_UP)
        .max_by(|a, b| {
            let weight = |part: &crate::control::Part| part.evidence * part.metric.weight();
            weight(a).total_cmp(&weight(b))
        });
    loudest.map(|part| metric(part.metric))
}

fn progress(progress: &Progress) -> ProgressState {
    ProgressState {
        metric: metric(progress.metric),
        passed: progress.passed,
        evidence: figure(progress.evidence),
        needed: figure(progress.needed),
        primary: tally(progress.counts.primary),
        candidate: tally(progress.counts.candidate),
    }
}

fn units(totals: &Totals) -> SideUnits {
    let of = |index: usize| BadOf {
        bad: totals.slow[index],
        n: totals.timed[index],
    };
    SideUnits {
        units: totals.units,
        errors: totals.bad,
        p50: of(0),
        p95: of(1),
        p99: of(2),
    }
}

fn limits(limits: &Limits) -> SlowLimits {
    let milliseconds = |us: &[u64; 3]| {
        let [p50, p95, p99] = us.map(|us| us as f64 / 1e3);
        Quantiles { p50, p95, p99 }
    };
    SlowLimits {
        primary_ms: milliseconds(&limits.primary),
        rollback_ms: milliseconds(&limits.rollback),
        promotion_ms: milliseconds(&limits.promotion),
    }
}

fn tally(tally: Tally) -> BadOf {
    let Tally { bad, n } = tally;
    BadOf { bad, n }
}

fn metric(metric: Metric) -> MetricWord {
    match metric {
        Metric::Errors => MetricWord::Errors,
        Metric::P50 => MetricWord::P50,
        Metric::P95 => MetricWord::P95,
        Metric::P99 => MetricWord::P99,
    }
}

fn word(phase: GuardPhase) -> GuardWord {
    match phase {
        GuardPhase::Off => GuardWord::Off,
        GuardPhase::Idle => GuardWord::Idle,
        GuardPhase::Learning => GuardWord::Learning,
        GuardPhase::Watching => GuardWord::Watching,
        GuardPhase::Warning => GuardWord::Warning,
        GuardPhase::Passed => GuardWord::Passed,
        GuardPhase::Stalled => GuardWord::Stalled,
        GuardPhase::Breach => GuardWord::Breach,
        GuardPhase::DryRunBreach => GuardWord::DryRunBreach,
        GuardPhase::Held => GuardWord::Held,
    }
}

/// Four digits tell enough, and JSON has no word for what is no number.
fn figure(x: f64) -> f64 {
    if x.is_nan() {
        return 0.0;
    }
    let x = x.clamp(0.0, MOST);
    if x == 0.0 {
        return 0.0;
    }
    let digits = 3 - x.log10().floor() as i32;
    // Beyond that it is nothing.
    if digits > 15 {
        return 0.0;
    }
    let scale = 10f64.powi(digits.max(0));
    (x * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_digits_and_an_end() {
        for (x, shown) in [
            (1.000_000_7, 1.0),
            (0.499_99, 0.5),
            (0.123_456, 0.1235),
            (143.27, 143.3),
            (98_765.4, 98_765.0),
            (0.0, 0.0),
            (1e-20, 0.0),
            (f64::MIN_POSITIVE, 0.0),
            (f64::NAN, 0.0),
            (f64::NEG_INFINITY, 0.0),
            (f64::INFINITY, 1e12),
            (f64::MAX, 1e12),
        ] {
            assert_eq!(figure(x), shown, "{x}");
        }
    }
}

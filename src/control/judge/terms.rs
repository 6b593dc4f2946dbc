//! What the file says of the guard and the ramp of a route, in the words of `policy`.

use std::time::Duration;

use crate::config::model::{self, Compare, LimitMethod, Quantile, WhenStalled};
use crate::policy::guard::{Margins, Metric, Metrics, Settings, Window};
use crate::policy::ramp;

/// The logarithm that the evidence has to gain before a rollback, at the default settings: that of
/// 1/`false_rollback`, and of the part of the stake that is on the right metric and alternative.
const LN_TO_GAIN: f64 = 8.0;

/// What holds for a route.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::control) struct Terms {
    pub(in crate::control) enabled: bool,
    pub(in crate::control) settings: Settings,
    /// Only the fixed limit counts.
    pub(in crate::control) limit_only: bool,
    pub(in crate::control) limit: Window,
    /// The limit is watched by evidence and not by the window.
    pub(in crate::control) limit_by_evidence: bool,
    pub(in crate::control) session: Duration,
    pub(in crate::control) bake: Duration,
}

impl Terms {
    pub(in crate::control) fn of(guard: &model::Guard) -> Self {
        let limit = &guard.limit;
        Self {
            enabled: guard.enabled,
            settings: settings(guard),
            limit_only: guard.compare == Compare::Limit,
            limit: Window {
                window: limit.window.get(),
                limit: limit.errors.as_part(),
                min_units: limit.min_requests,
                in_a_row: limit.in_a_row,
            },
            limit_by_evidence: limit.method == LimitMethod::Evidence,
            session: guard.session.get(),
            bake: guard.bake.get(),
        }
    }
}

fn settings(guard: &model::Guard) -> Settings {
    let ride_out = guard.ride_out.get().as_secs_f64();
    let errors = Metrics::NONE.with(Metric::Errors);
    Settings {
        false_rollback: guard.false_rollback.as_part(),
        false_promotion: guard.false_promotion.as_part(),
        errors: Margins {
            rollback: guard.errors.worse_by.as_part(),
            promotion: guard.errors.at_most.as_part(),
        },
        latency: Margins {
            rollback: guard.latency.worse_by.as_part(),
            promotion: guard.latency.at_most.as_part(),
        },
        watch: guard
            .latency
            .quantiles
            .iter()
            .map(metric)
            .fold(errors, Metrics::with),
        require: guard
            .latency
            .promote_on
            .iter()
            .map(metric)
            .fold(errors, Metrics::with),
        min_bad: guard.min_bad,
        min_new: guard.min_requests,
        evidence_cap: (ride_out > 0.0).then(|| LN_TO_GAIN / ride_out),
        horizon: guard.horizon.get(),
        dry_run: guard.dry_run,
        ..Settings::default()
    }
}

fn metric(quantile: &Quantile) -> Metric {
    match quantile {
        Quantile::P50 => Metric::P50,
        Quantile::P95 => Metric::P95,
        Quantile::P99 => Metric::P99,
    }
}

/// The plan of a ramp, as its policy wants it.
pub fn plan(ramp: &model::Ramp) -> ramp::Plan {
    ramp::Plan {
        steps: ramp.steps.iter().map(|step| step.hundredths()).collect(),
        hold_back: ramp.hold_back.hundredths(),
        min_step: ramp.min_step.get(),
        max_step: ramp.max_step.get(),
        when_stalled: match ramp.when_stalled {
            WhenStalled::Hold => ramp::WhenStalled::Hold,
            WhenStalled::PromoteIfNoEvidence => ramp::WhenStalled::PromoteIfNoEvidence,
            WhenStalled::Rollback => ramp::WhenStalled::Rollback,
        },
        gate: ramp.gate.is_some(),
        retries: ramp.retries,
        retry_after: ramp.retry_after.get(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_file_are_those_of_the_policy() {
        let terms = Terms::of(&model::Guard::default());
        assert_eq!(terms.settings, Settings::default());
        assert_eq!(terms.limit, Window::default());
        assert!(terms.enabled && !terms.limit_only && !terms.limit_by_evidence);
    }
}

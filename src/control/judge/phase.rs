//! What the guard is at with a candidate, in one word.

use super::finding::Finding;
use crate::control::force::Force;
use crate::policy::guard::{Metric, Verdict};

/// The whole, in hundredths of a percent.
const WHOLE: u16 = 10_000;

/// What the guard is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardPhase {
    /// Nobody watches.
    Off,
    /// The candidate has no share, so there is nothing to compare.
    Idle,
    /// Errors are compared; what counts as slow is not known yet.
    Learning,
    /// Both sides are compared.
    Watching,
    /// There is evidence against the candidate: no step up.
    Warning,
    /// The candidate has shown that it is not too bad for a step up.
    Passed,
    /// The step of the ramp has lasted its longest time without a result.
    Stalled,
    /// The candidate is worse, and its traffic is about to be taken back.
    Breach,
    /// The candidate is worse, and since it is a dry run nothing follows.
    DryRunBreach,
    /// The candidate was worse, and its traffic is held back.
    Held,
}

impl GuardPhase {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Off,
        Self::Idle,
        Self::Learning,
        Self::Watching,
        Self::Warning,
        Self::Passed,
        Self::Stalled,
        Self::Breach,
        Self::DryRunBreach,
        Self::Held,
    ];

    /// As it stands in metrics and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Idle => "idle",
            Self::Learning => "learning",
            Self::Watching => "watching",
            Self::Warning => "warning",
            Self::Passed => "passed",
            Self::Stalled => "stalled",
            Self::Breach => "breach",
            Self::DryRunBreach => "dry_run_breach",
            Self::Held => "held",
        }
    }

    /// Of a route, by what was found and what is in force.
    pub fn of(finding: Option<&Finding>, force: Option<&Force>) -> Self {
        if force.is_some_and(Force::is_held) {
            return Self::Held;
        }
        let Some(finding) = finding else {
            return Self::Off;
        };
        let share = force.map_or(0, |force| force.hundredths);
        if share == 0 {
            return Self::Idle;
        }
        if finding.dry_run && finding.detected.is_some() {
            return Self::DryRunBreach;
        }
        match finding.verdict {
            Verdict::Breach(_) => Self::Breach,
            Verdict::Freeze(_) => Self::Warning,
            Verdict::Stalled(_) => Self::Stalled,
            // With nothing to compare, passing shows nothing.
            Verdict::Pass if share >= WHOLE => Self::Watching,
            Verdict::Pass => Self::Passed,
            Verdict::Wait if share < WHOLE && lacks_limits(finding) => Self::Learning,
            Verdict::Wait => Self::Watching,
        }
    }
}

fn lacks_limits(finding: &Finding) -> bool {
    let mut parts = finding.parts.iter();
    finding.limits.is_none() && parts.any(|part| part.metric != Metric::Errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::force::Switches;
    use crate::control::judge::finding::{Part, Totals};
    use crate::control::overrides::{Hold, Overrides, RouteOverride, Stamp};
    use crate::policy::guard::{Against, Reason, Tally};
    use crate::stats::Limits;

    fn reason() -> Reason {
        Reason {
            metric: Metric::P95,
            evidence: 20.0,
            needed: 100.0,
            candidate: Tally::new(3, 10),
            against: Against::Primary(Tally::new(1, 20)),
        }
    }

    fn finding(verdict: Verdict) -> Finding {
        let part = |metric| Part {
            metric,
            evidence: 0.5,
        };
        Finding {
            verdict,
            detected: None,
            dry_run: false,
            evidence: 1.0,
            needed: 100.0,
            parts: vec![part(Metric::Errors), part(Metric::P95)],
            progress: Vec::new(),
            units_at_step: 0,
            more_to_promote: None,
            batches: 0,
            ratio_alarm: false,
            limits: None,
            totals: [Totals::default(); 2],
        }
    }

    fn force(hundredths: u16, is_held: bool) -> Force {
        let laid = RouteOverride {
            hold: is_held.then(|| Hold {
                hundredths: 0,
                stamp: Stamp::now("guard", ""),
            }),
            ..RouteOverride::default()
        };
        let switches = Switches::default();
        Force::of(hundredths, &laid, &Overrides::default(), &switches)
    }

    #[test]
    fn each_phase_has_its_signs() {
        let of =
            |finding: &Finding, share| GuardPhase::of(Some(finding), Some(&force(share, false)));
        let mut waiting = finding(Verdict::Wait);
        assert_eq!(
            GuardPhase::of(None, Some(&force(100, false))),
            GuardPhase::Off
        );
        assert_eq!(GuardPhase::of(Some(&waiting), None), GuardPhase::Idle);
        assert_eq!(of(&waiting, 0), GuardPhase::Idle);
        assert_eq!(of(&waiting, 100), GuardPhase::Learning);
        // The limit of errors needs no limits of latency.
        assert_eq!(of(&waiting, 10_000), GuardPhase::Watching);
        assert_eq!(of(&finding(Verdict::Pass), 10_000), GuardPhase::Watching);
        waiting.parts.pop();
        assert_eq!(of(&waiting, 100), GuardPhase::Watching);
        let limits = Limits {
            primary: [1; 3],
            rollback: [1; 3],
            promotion: [1; 3],
        };
        let mut waiting = finding(Verdict::Wait);
        waiting.limits = Some(limits);
        assert_eq!(of(&waiting, 100), GuardPhase::Watching);
        for (verdict, phase) in [
            (Verdict::Freeze(reason()), GuardPhase::Warning),
            (Verdict::Pass, GuardPhase::Passed),
            (Verdict::Stalled(reason()), GuardPhase::Stalled),
            (Verdict::Breach(reason()), GuardPhase::Breach),
        ] {
            assert_eq!(of(&finding(verdict), 100), phase);
        }
        let mut dry = finding(Verdict::Pass);
        dry.detected = Some(reason());
        assert_eq!(of(&dry, 100), GuardPhase::Passed);
        dry.dry_run = true;
        assert_eq!(of(&dry, 100), GuardPhase::DryRunBreach);
        for known in [None, Some(&dry)] {
            let held = GuardPhase::of(known, Some(&force(100, true)));
            assert_eq!(held, GuardPhase::Held);
        }
    }
}

//! What an operator plans: the steps and what it takes to go from one to the next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The whole, in hundredths of a percent.
pub(super) const WHOLE: u16 = 10_000;
/// More automatic retries than this are not made.
const MOST_RETRIES: u8 = 3;

/// What becomes of a step that has lasted its longest time without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenStalled {
    /// It stays, and says so.
    #[default]
    Hold,
    /// It goes on if nothing at all speaks against the candidate: for traffic too low to prove
    /// anything.
    PromoteIfNoEvidence,
    /// The traffic is taken back.
    Rollback,
}

/// The plan of a ramp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The candidate's shares, in hundredths of a percent. Their order does not matter.
    pub steps: Vec<u16>,
    /// What stays with the primary at the end, in hundredths of a percent, so that there is still
    /// something to compare with. 0 goes to the end.
    pub hold_back: u16,
    /// The shortest time of a step.
    pub min_step: Duration,
    /// The longest time of a step; then it is stalled.
    pub max_step: Duration,
    /// What a stalled step does.
    pub when_stalled: WhenStalled,
    /// Whether a gate is asked before each step.
    pub gate: bool,
    /// How often the ramp begins again by itself after a rollback; at most 3.
    pub retries: u8,
    /// The wait before the first retry; doubled each time.
    pub retry_after: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            steps: vec![100, 500, 2_500, 5_000, WHOLE],
            hold_back: 500,
            min_step: Duration::from_secs(120),
            max_step: Duration::from_secs(3600),
            when_stalled: WhenStalled::Hold,
            gate: false,
            // Users are not sent to a backend that was found worse unless somebody asked for it.
            retries: 0,
            retry_after: Duration::from_secs(600),
        }
    }
}

impl Plan {
    /// The share at which the ramp ends: the highest step, less what is held back.
    pub fn top(&self) -> u16 {
        let highest = self.steps.iter().copied().max().unwrap_or(0);
        highest.min(WHOLE - self.hold_back.min(WHOLE))
    }

    /// The first step above a share.
    pub fn step_above(&self, percent: u16) -> Option<u16> {
        let top = self.top();
        let steps = self.steps.iter().map(|step| (*step).min(top));
        steps.filter(|step| *step > percent).min()
    }

    /// The wait before the retry that follows `attempt` failed tries (0 is the first); `None`
    /// when there shall be none.
    pub(super) fn wait_after(&self, attempt: u8) -> Option<Duration> {
        let allowed = attempt < self.retries.min(MOST_RETRIES);
        allowed.then(|| self.retry_after.saturating_mul(1 << attempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_rise_to_what_is_not_held_back() {
        let climb = |plan: &Plan| {
            std::iter::successors(Some(0), |percent| plan.step_above(*percent)).collect::<Vec<_>>()
        };
        let mut plan = Plan::default();
        assert_eq!(climb(&plan), [0, 100, 500, 2_500, 5_000, 9_500]);
        plan.hold_back = 0;
        assert_eq!(climb(&plan), [0, 100, 500, 2_500, 5_000, 10_000]);
        plan.steps = vec![5_000, 1_000, 1_000, 0];
        assert_eq!(climb(&plan), [0, 1_000, 5_000]);
        plan.steps.clear();
        assert_eq!(climb(&plan), [0]);
        plan.hold_back = u16::MAX;
        assert_eq!(plan.top(), 0);
    }

    #[test]
    fn waits_double_and_end() {
        let plan = Plan {
            retries: 9,
            ..Plan::default()
        };
        let waits: Vec<_> = (0..=3)
            .map(|attempt| plan.wait_after(attempt).map(|wait| wait.as_secs() / 60))
            .collect();
        assert_eq!(waits, [Some(10), Some(20), Some(40), None]);
        assert_eq!(Plan::default().wait_after(0), None);
    }
}

//! The words of a ramp: its states, what it is told, what it decides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where a ramp is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not started: the share is what somebody set.
    Idle,
    /// Going up, step by step.
    Climbing,
    /// The next step waits for the gate's answer.
    AtGate,
    /// Stays at its share until resumed.
    Paused {
        /// Who paused it.
        by: PausedBy,
    },
    /// At its last step, which has passed.
    Finished,
    /// The traffic was taken back.
    RolledBack {
        /// When the ramp begins again by itself, if ever.
        retry_at: Option<Duration>,
    },
    /// An operator ended it and took the traffic back.
    Aborted,
}

impl State {
    /// All that [`State::as_str`] says.
    pub const NAMES: [&'static str; 7] = [
        "idle",
        "climbing",
        "at_gate",
        "paused",
        "finished",
        "rolled_back",
        "aborted",
    ];

    /// As it stands in metrics, logs and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Climbing => "climbing",
            Self::AtGate => "at_gate",
            Self::Paused { .. } => "paused",
            Self::Finished => "finished",
            Self::RolledBack { .. } => "rolled_back",
            Self::Aborted => "aborted",
        }
    }
}

/// Who paused a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PausedBy {
    /// An operator.
    Operator,
    /// The gate, by saying no.
    Gate,
}

/// What the ramp has to know beside the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    /// Whether the schedule allows a step now.
    pub may_step: bool,
    /// The gate's answer to the last [`Move::Ask`]; `None` while there is none.
    pub gate: Option<bool>,
    /// Whether all of the candidate's endpoints are out.
    pub breaker_open: bool,
    /// Whether all of the primary's endpoints are out: nothing is taken back to it, and no time counts.
    pub primary_out: bool,
    /// Whether the sample-ratio alarm is on.
    pub ratio_alarm: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            may_step: true,
            gate: None,
            breaker_open: false,
            primary_out: false,
            ratio_alarm: false,
        }
    }
}

/// What the ramp decided. The state has already followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// Started, from this share (hundredths of a percent). The guard has to begin anew.
    Start {
        /// The share at the start.
        percent: u16,
    },
    /// Ask the gate whether to go to this share.
    Ask {
        /// The share of the next step.
        percent: u16,
    },
    /// Set the candidate's share. Upwards the guard begins a step, downwards it is over.
    Shift {
        /// The share before.
        from: u16,
        /// The share from now on.
        to: u16,
        /// Why.
        cause: Cause,
    },
    /// The step has lasted its longest time; told once per step.
    Stall {
        /// The share at which it stays.
        percent: u16,
    },
    /// Paused, at its share.
    Pause {
        /// By whom.
        by: PausedBy,
    },
    /// Goes on after a pause.
    Resume,
    /// Begins again after a rollback. The guard has to begin anew too, with
    /// [`Settings::for_attempt`](crate::policy::guard::Settings::for_attempt).
    Retry {
        /// The number of the retry, from 1.
        attempt: u8,
    },
    /// The last step has passed.
    Finish {
        /// The share at which it stays.
        percent: u16,
    },
}

/// Why a share changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// There was nothing to prove: the candidate had no traffic.
    Begun,
    /// There is evidence that the candidate is not worse.
    Passed,
    /// There is no evidence against it, and the step has lasted its longest time.
    NoEvidence,
    /// The guard found it worse.
    Breach,
    /// The step has lasted its longest time, and the plan says to go back.
    Stalled,
    /// The breaker opened three times in ten minutes.
    Flapping,
    /// An operator wanted it.
    Operator,
}

impl Cause {
    /// As it stands in metrics, logs and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Passed => "passed",
            Self::NoEvidence => "no_evidence",
            Self::Breach => "breach",
            Self::Stalled => "stalled",
            Self::Flapping => "flapping",
            Self::Operator => "operator",
        }
    }
}

/// Why an operator's wish was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The ramp is already under way.
    UnderWay,
    /// The ramp is not under way.
    NotUnderWay,
    /// There is nothing to resume.
    NotPaused,
    /// All of the candidate's endpoints are out.
    BreakerOpen,
    /// There is no step above the present share.
    AtTheTop,
}

impl Refusal {
    /// For the operator.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnderWay => "the ramp is already under way",
            Self::NotUnderWay => "the ramp is not under way",
            Self::NotPaused => "the ramp is neither paused nor rolled back",
            Self::BreakerOpen => "all endpoints of the candidate are out",
            Self::AtTheTop => "the candidate has all of the traffic that the plan gives",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_listed_by_its_name() {
        let states = [
            State::Idle,
            State::Climbing,
            State::AtGate,
            State::Paused { by: PausedBy::Gate },
            State::Finished,
            State::RolledBack { retry_at: None },
            State::Aborted,
        ];
        assert_eq!(states.map(State::as_str), State::NAMES);
    }
}

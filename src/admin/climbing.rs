//! Where the ramp of a route is, in the words of the API, and what it waits for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::moment::rfc3339;
use super::words::{at, percent};
use crate::api::{PausedBy, RampState, RampWord};
use crate::config::model;
use crate::control::{Force, Judged, ramp_plan};
use crate::policy::guard::Verdict;
use crate::policy::ramp::{self, Ramp, State};

/// What a look at a route tells of its ramp.
pub(super) struct Sight<'s> {
    pub(super) judged: Option<&'s Judged>,
    pub(super) force: Option<&'s Force>,
    /// Of the file.
    pub(super) written: Option<&'s model::Ramp>,
    /// All endpoints of the candidate are out.
    pub(super) is_out: bool,
    /// How the budget stands that caps the route.
    pub(super) budget_now: Option<&'s str>,
}

/// The ramp of a route; `None` where the file has none.
pub(super) fn ramp(sight: &Sight<'_>) -> Option<RampState> {
    let climb = sight.judged.and_then(|judged| judged.climb.as_ref());
    let Some(climb) = climb else {
        let share = sight.force.map_or(0, |force| force.hundredths);
        let ramp = Ramp::new(ramp_plan(sight.written?), share);
        return Some(state(&ramp, sight));
    };
    let stamp = &climb.stamp;
    Some(RampState {
        actor: Some(stamp.actor.clone()),
        at: Some(at(stamp)),
        reason: (!stamp.reason.is_empty()).then(|| stamp.reason.clone()),
        ..state(&climb.ramp, sight)
    })
}

fn state(ramp: &Ramp, sight: &Sight<'_>) -> RampState {
    let plan = ramp.plan();
    let retry_at = match ramp.state() {
        State::RolledBack { retry_at } => retry_at,
        _ => None,
    };
    RampState {
        state: word(ramp.state()),
        paused_by: match ramp.state() {
            State::Paused { by } => Some(paused_by(by)),
            _ => None,
        },
        percent: percent(ramp.percent()),
        next_percent: ramp.next_step().map(percent),
        attempt: ramp.attempt(),
        age_seconds: ramp.age().as_secs(),
        min_step_seconds: plan.min_step.as_secs(),
        max_step_seconds: plan.max_step.as_secs(),
        waits_for: waits_for(ramp, sight),
        retry_at: retry_at.map(moment),
        actor: None,
        at: None,
        reason: None,
    }
}

/// Since 1970. A time that no clock can show is a line that somebody has edited.
fn moment(since: Duration) -> String {
    let time = UNIX_EPOCH.checked_add(since);
    rfc3339(time.unwrap_or(SystemTime::UNIX_EPOCH))
}

fn word(state: State) -> RampWord {
    match state {
        State::Idle => RampWord::Idle,
        State::Climbing => RampWord::Climbing,
        State::AtGate => RampWord::AtGate,
        State::Paused { .. } => RampWord::Paused,
        State::Finished => RampWord::Finished,
        State::RolledBack { .. } => RampWord::RolledBack,
        State::Aborted => RampWord::Aborted,
    }
}

fn paused_by(by: ramp::PausedBy) -> PausedBy {
    match by {
        ramp::PausedBy::Operator => PausedBy::Operator,
        ramp::PausedBy::Gate => PausedBy::Gate,
    }
}

/// What the next step waits for, in the order in which the ramp asks.
fn waits_for(ramp: &Ramp, sight: &Sight<'_>) -> Option<String> {
    let told = |text: &str| Some(text.to_owned());
    if sight.force.is_some_and(Force::is_killed) && ramp.state() != State::Aborted {
        return told("the kill switch to be lifted (resume)");
    }
    match ramp.state() {
        State::Idle | State::Aborted => told("an operator (start)"),
        State::Paused { .. } => told("an operator (resume)"),
        State::RolledBack { retry_at: Some(at) } => Some(format!("its next try at {}", moment(at))),
        State::RolledBack { retry_at: None } => told("an operator (resume or start)"),
        State::Finished if ramp.percent() < 10_000 => told("an operator (promote gives the rest)"),
        State::Finished => None,
        State::Climbing | State::AtGate => Some(under_way(ramp, sight)),
    }
}

fn under_way(ramp: &Ramp, sight: &Sight<'_>) -> String {
    if sight.is_out {
        return "the candidate: all its endpoints are out".to_owned();
    }
    let finding = sight.judged.and_then(|judged| judged.finding.as_ref());
    if finding.is_some_and(|finding| finding.ratio_alarm) {
        return "the end of the ratio alarm: the candidate does not get its share".to_owned();
    }
    if let Some(budget) = over_budget(ramp, sight) {
        return budget;
    }
    if ramp.percent() > 0 {
        let more_time = ramp.plan().min_step.saturating_sub(ramp.age());
        let more_time = more_time.as_secs() + u64::from(more_time.subsec_nanos() > 0);
        let verdict = finding.map(|finding| &finding.verdict);
        let missing = match verdict {
            Some(Verdict::Pass) => None,
            Some(Verdict::Freeze(_) | Verdict::Breach(_)) => {
                return "the end of the guard's warning".to_owned();
            }
            Some(Verdict::Stalled(_)) => {
                return "more traffic or an operator (promote or abort): the step is stalled"
                    .to_owned();
            }
            Some(Verdict::Wait) => {
                let more = finding.and_then(|finding| finding.more_to_promote);
                Some(more.map_or_else(
                    || "evidence: at this rate no end is in sight".to_owned(),
                    |more| format!("about {} more requests of the candidate", rounded(more)),
                ))
            }
            // It has not looked yet.
            None => Some("evidence".to_owned()),
        };
        match (missing, more_time) {
            (None, 0) => {}
            (None, time) => return format!("{time} s more at this step"),
            (Some(missing), 0) => return missing,
            (Some(missing), time) => return format!("{missing} and {time} s"),
        }
    }
    let judged = sight.judged;
    if judged.is_some_and(|judged| !judged.may_step) {
        return "its schedule".to_owned();
    }
    match (ramp.state(), judged.and_then(|judged| judged.gate)) {
        (State::AtGate, None) => "the answer of its gate".to_owned(),
        (State::AtGate, Some(false)) => "its gate, which has said no".to_owned(),
        _ => "nothing".to_owned(),
    }
}

/// The next step is more than the candidate's budget leaves.
fn over_budget(ramp: &Ramp, sight: &Sight<'_>) -> Option<String> {
    let (cap, next) = (sight.force?.budget()?, ramp.next_step()?);
    let spent = cap.stamp.as_ref().map(|stamp| &*stamp.reason);
    let spent = sight.budget_now.or(spent).unwrap_or_default();
    (next > cap.hundredths).then(|| format!("its budget: {spent}"))
}

/// Two digits: it is a forecast.
fn rounded(n: u64) -> u64 {
    let digits = n.checked_ilog10().unwrap_or(0);
    let unit = 10u64.saturating_pow(digits.saturating_sub(1));
    n.div_ceil(unit).saturating_mul(unit)
}

#[cfg(test)]
#[path = "climbing_tests.rs"]
mod tests;

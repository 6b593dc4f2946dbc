//! Why a share has changed by itself, for people.

use crate::policy::guard::{Progress, Reason, Verdict};
use crate::policy::ramp::{Cause, Move};

/// The guard has found the candidate worse at this share, in hundredths of a percent.
pub(super) fn of_breach(at: u16, reason: &Reason) -> String {
    format!("at {} %: {reason}", percent(at))
}

/// A ramp has made a move. `progress` is what the candidate has shown at the step.
pub(super) fn of_move(made: Move, verdict: &Verdict, progress: &[Progress]) -> String {
    match (made, verdict) {
        (Move::Shift { from, cause, .. }, verdict) => of_shift(from, cause, verdict, progress),
        (Move::Finish { .. }, _) => passed(progress),
        (Move::Ask { percent: to }, _) => format!("may it go to {} %?", percent(to)),
        (Move::Stall { percent: at }, Verdict::Stalled(reason)) => {
            format!("at {} %, most against it: {reason}", percent(at))
        }
        (Move::Retry { attempt }, _) => format!("retry {attempt}"),
        (Move::Pause { .. }, _) => "the gate has said no".to_owned(),
        _ => String::new(),
    }
}

fn of_shift(from: u16, cause: Cause, verdict: &Verdict, progress: &[Progress]) -> String {
    let at = percent(from);
    match (cause, verdict) {
        (Cause::Breach, Verdict::Breach(reason)) => of_breach(from, reason),
        (Cause::Passed, _) => passed(progress),
        (Cause::NoEvidence, _) => {
            "nothing speaks against it, and the step has lasted its time".to_owned()
        }
        (Cause::Stalled, _) => {
            format!("at {at} %: the step has lasted its time without a result")
        }
        (Cause::Flapping, _) => {
            format!("at {at} %: the breaker opened three times in ten minutes")
        }
        (Cause::Begun | Cause::Breach | Cause::Operator, _) => cause.as_str().to_owned(),
    }
}

/// `errors 3 of 2410 bad against 120 of 45790; p95 …`.
pub(super) fn passed(progress: &[Progress]) -> String {
    let each = progress.iter().map(|progress| {
        let (metric, counts) = (progress.metric, progress.counts);
        format!(
            "{} {} of {} {} against {} of {}",
            metric.as_str(),
            counts.candidate.bad,
            counts.candidate.n,
            metric.adjective(),
            counts.primary.bad,
            counts.primary.n
        )
    });
    each.collect::<Vec<_>>().join("; ")
}

fn percent(hundredths: u16) -> f64 {
    f64::from(hundredths) / 100.0
}

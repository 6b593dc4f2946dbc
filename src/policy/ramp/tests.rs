//! The transitions of a ramp, one by one.

use std::time::Duration;

use super::*;
use crate::policy::guard::{Against, Metric, Reason, Tally, Verdict};

pub(super) const WAIT: Verdict = Verdict::Wait;
pub(super) const PASS: Verdict = Verdict::Pass;

pub(super) fn reason(evidence: f64) -> Reason {
    Reason {
        metric: Metric::Errors,
        evidence,
        needed: 100.0,
        candidate: Tally::new(7, 20),
        against: Against::Primary(Tally::new(1, 200)),
    }
}

pub(super) fn breach() -> Verdict {
    Verdict::Breach(reason(120.0))
}

pub(super) fn conditions() -> Conditions {
    Conditions::default()
}

/// Ticks each second until a move, or for `limit` seconds.
pub(super) fn until_move(
    ramp: &mut Ramp,
    now: &mut u64,
    limit: u64,
    verdict: &Verdict,
    conditions: Conditions,
) -> Option<Move> {
    (0..limit).find_map(|_| {
        *now += 1;
        ramp.tick(Duration::from_secs(*now), verdict, conditions)
    })
}

pub(super) fn shift(from: u16, to: u16, cause: Cause) -> Option<Move> {
    Some(Move::Shift { from, to, cause })
}

/// A ramp at its first step.
pub(super) fn climbing(plan: Plan) -> (Ramp, u64) {
    let (mut ramp, mut now) = (Ramp::new(plan, 0), 1_000_000);
    assert_eq!(ramp.start(), Ok(Move::Start { percent: 0 }));
    let first = until_move(&mut ramp, &mut now, 5, &WAIT, conditions());
    assert_eq!(first, shift(0, 100, Cause::Begun));
    (ramp, now)
}

#[test]
fn a_good_candidate_climbs_to_the_top_alone() {
    let (mut ramp, mut now) = climbing(Plan::default());
    for (from, to) in [(100, 500), (500, 2_500), (2_500, 5_000), (5_000, 9_500)] {
        assert_eq!(
            until_move(&mut ramp, &mut now, 119, &PASS, conditions()),
            None
        );
        let step = until_move(&mut ramp, &mut now, 2, &PASS, conditions());
        assert_eq!(step, shift(from, to, Cause::Passed));
    }
    let end = until_move(&mut ramp, &mut now, 125, &PASS, conditions());
    assert_eq!(end, Some(Move::Finish { percent: 9_500 }));
    assert_eq!(ramp.state(), State::Finished);
    assert_eq!(
        until_move(&mut ramp, &mut now, 200, &PASS, conditions()),
        None
    );
    // What is held back is given by hand, and the guard still takes everything back.
    assert_eq!(
        ramp.promote(false).ok(),
        shift(9_500, 10_000, Cause::Operator)
    );
    assert_eq!(ramp.state(), State::Finished);
    assert_eq!(ramp.promote(false), Err(Refusal::AtTheTop));
    let back = until_move(&mut ramp, &mut now, 1, &breach(), conditions());
    assert_eq!(back, shift(10_000, 0, Cause::Breach));
    assert_eq!(ramp.state(), State::RolledBack { retry_at: None });
}

#[test]
fn nothing_steps_without_right() {
    let shut = Conditions {
        may_step: false,
        ..conditions()
    };
    let open = Conditions {
        breaker_open: true,
        ..conditions()
    };
    let alarm = Conditions {
        ratio_alarm: true,
        ..conditions()
    };
    let freeze = Verdict::Freeze(reason(20.0));
    for (verdict, conditions) in [
        (&WAIT, conditions()),
        (&freeze, conditions()),
        (&PASS, shut),
        (&PASS, open),
        (&PASS, alarm),
    ] {
        let (mut ramp, mut now) = climbing(Plan::default());
        assert_eq!(
            until_move(&mut ramp, &mut now, 500, verdict, conditions),
            None
        );
        assert_eq!(ramp.percent(), 100);
    }
    let mut ramp = Ramp::new(Plan::default(), 0);
    ramp.start().unwrap();
    for conditions in [shut, open, alarm] {
        assert_eq!(until_move(&mut ramp, &mut 0, 50, &PASS, conditions), None);
    }
}

#[test]
fn a_breach_takes_back_in_every_state() {
    let gate = Plan {
        gate: true,
        ..Plan::default()
    };
    let mut at_gate = Ramp::new(gate, 500);
    at_gate.start().unwrap();
    assert_eq!(
        until_move(&mut at_gate, &mut 0, 200, &PASS, conditions()),
        Some(Move::Ask { percent: 2_500 })
    );
    let (running, now) = climbing(Plan::default());
    let (mut paused, _) = climbing(Plan::default());
    paused.pause().unwrap();
    let idle = Ramp::new(Plan::default(), 2_500);
    for mut ramp in [at_gate, running, paused, idle] {
        let from = ramp.percent();
        let shut = Conditions {
            may_step: false,
            ..conditions()
        };
        let back = until_move(&mut ramp, &mut now.clone(), 1, &breach(), shut);
        assert_eq!(back, shift(from, 0, Cause::Breach));
        assert_eq!(
            until_move(&mut ramp, &mut now.clone(), 9_999, &breach(), conditions()),
            None
        );
    }
}

#[test]
fn retries_wait_longer_each_time_and_end() {
    let (mut ramp, mut now) = climbing(Plan {
        retries: 3,
        ..Plan::default()
    });
    for (attempt, minutes) in [(1, 10), (2, 20), (3, 40)] {
        let back = until_move(&mut ramp, &mut now, 1, &breach(), conditions());
        assert_eq!(back, shift(100, 0, Cause::Breach));
        assert_eq!(
            until_move(
                &mut ramp,
                &mut now,
                minutes * 60 - 1,
                &breach(),
                conditions()
            ),
            None
        );
        let again = until_move(&mut ramp, &mut now, 1, &breach(), conditions());
        assert_eq!(again, Some(Move::Retry { attempt }));
        assert_eq!(ramp.attempt(), attempt);
        let first = until_move(&mut ramp, &mut now, 2, &WAIT, conditions());
        assert_eq!(first, shift(0, 100, Cause::Begun));
    }
    until_move(&mut ramp, &mut now, 1, &breach(), conditions()).unwrap();
    assert_eq!(ramp.state(), State::RolledBack { retry_at: None });
    assert_eq!(ramp.resume(), Ok(Move::Start { percent: 0 }));
    assert_eq!(ramp.attempt(), 0);
}

#[test]
fn the_gate_is_asked_once_and_obeyed() {
    let plan = Plan {
        gate: true,
        ..Plan::default()
    };
    let (yes, no) = (
        Conditions {
            gate: Some(true),
            ..conditions()
        },
        Conditions {
            gate: Some(false),
            ..conditions()
        },
    );
    let (mut ramp, mut now) = (Ramp::new(plan, 0), 0);
    ramp.start().unwrap();
    let ask = until_move(&mut ramp, &mut now, 1, &WAIT, conditions());
    assert_eq!(ask, Some(Move::Ask { percent: 100 }));
    assert_eq!(
        until_move(&mut ramp, &mut now, 500, &WAIT, conditions()),
        None
    );
    assert_eq!(
        until_move(&mut ramp, &mut now, 1, &WAIT, yes),
        shift(0, 100, Cause::Begun)
    );
    let ask = until_move(&mut ramp, &mut now, 200, &PASS, conditions());
    assert_eq!(ask, Some(Move::Ask { percent: 500 }));
    // Yes is not enough while something speaks against it.
    let freeze = Verdict::Freeze(reason(11.0));
    assert_eq!(until_move(&mut ramp, &mut now, 5, &freeze, yes), None);
    let by = PausedBy::Gate;
    assert_eq!(
        until_move(&mut ramp, &mut now, 1, &PASS, no),
        Some(Move::Pause { by })
    );
    assert_eq!(ramp.resume(), Ok(Move::Resume));
    let ask = until_move(&mut ramp, &mut now, 1, &PASS, conditions());
    assert_eq!(ask, Some(Move::Ask { percent: 500 }));
}

#[test]
fn another_plan_does_not_leave_a_ramp_at_its_gate() {
    let gate = |gate, steps: &[u16]| Plan {
        gate,
        steps: steps.to_vec(),
        ..Plan::default()
    };
    let at_gate = || {
        let mut ramp = Ramp::new(gate(true, &[100, 500]), 100);
        ramp.start().unwrap();
        let ask = until_move(&mut ramp, &mut 0, 200, &PASS, conditions());
        assert_eq!(ask, Some(Move::Ask { percent: 500 }));
        ramp
    };
    let mut ungated = at_gate();
    ungated.set_plan(gate(false, &[100, 500]));
    let step = until_move(&mut ungated, &mut 200, 1, &PASS, conditions());
    assert_eq!(step, shift(100, 500, Cause::Passed));
    let mut shortened = at_gate();
    shortened.set_plan(gate(true, &[100]));
    let end = until_move(&mut shortened, &mut 200, 1, &PASS, conditions());
    assert_eq!(end, Some(Move::Finish { percent: 100 }));
}

#[test]
fn a_stalled_step_does_what_the_plan_says() {
    let stalled = |evidence| Verdict::Stalled(reason(evidence));
    for (when_stalled, evidence, expected) in [
        (WhenStalled::Hold, 0.5, None),
        (
            WhenStalled::PromoteIfNoEvidence,
            0.5,
            shift(100, 500, Cause::NoEvidence),
        ),
        (WhenStalled::PromoteIfNoEvidence, 1.5, None),
        (WhenStalled::Rollback, 0.5, shift(100, 0, Cause::Stalled)),
    ] {
        let (mut ramp, mut now) = climbing(Plan {
            when_stalled,
            ..Plan::default()
        });
        assert_eq!(
            until_move(&mut ramp, &mut now, 3600, &WAIT, conditions()),
            None
        );
        assert!(ramp.is_overdue());
        if when_stalled != WhenStalled::Rollback {
            let told = until_move(&mut ramp, &mut now, 1, &stalled(evidence), conditions());
            assert_eq!(told, Some(Move::Stall { percent: 100 }));
        }
        let then = until_move(&mut ramp, &mut now, 100, &stalled(evidence), conditions());
        assert_eq!(then, expected);
        assert_eq!(ramp.is_overdue(), expected.is_none());
    }
}

#[test]
fn a_stalled_step_without_evidence_passes_a_gate() {
    let when_stalled = WhenStalled::PromoteIfNoEvidence;
    let mut ramp = Ramp::new(
        Plan {
            when_stalled,
            gate: true,
            ..Plan::default()
        },
        100,
    );
    ramp.start().unwrap();
    let (mut now, stalled) = (0, Verdict::Stalled(reason(0.5)));
    until_move(&mut ramp, &mut now, 3700, &WAIT, conditions());
    until_move(&mut ramp, &mut now, 1, &stalled, conditions());
    let ask = until_move(&mut ramp, &mut now, 1, &stalled, conditions());
    assert_eq!(ask, Some(Move::Ask { percent: 500 }));
    assert!(ramp.is_overdue());
    let yes = Conditions {
        gate: Some(true),
        ..conditions()
    };
    let step = until_move(&mut ramp, &mut now, 1, &stalled, yes);
    assert_eq!(step, shift(100, 500, Cause::NoEvidence));
}

#[test]
fn operators_are_obeyed_or_told_why_not() {
    let mut ramp = Ramp::new(Plan::default(), 2_500);
    assert_eq!(ramp.pause(), Err(Refusal::NotUnderWay));
    assert_eq!(ramp.resume(), Err(Refusal::NotPaused));
    assert_eq!(ramp.promote(false), Err(Refusal::NotUnderWay));
    assert_eq!(ramp.start(), Ok(Move::Start { percent: 2_500 }));
    assert_eq!(ramp.start(), Err(Refusal::UnderWay));
    assert_eq!(ramp.promote(true), Err(Refusal::BreakerOpen));
    assert_eq!(
        ramp.promote(false).ok(),
        shift(2_500, 5_000, Cause::Operator)
    );
    let by = PausedBy::Operator;
    assert_eq!(ramp.pause(), Ok(Move::Pause { by }));
    assert_eq!(ramp.start(), Err(Refusal::UnderWay));
    assert_eq!(
        ramp.promote(false).ok(),
        shift(5_000, 9_500, Cause::Operator)
    );
    assert_eq!(ramp.state(), State::Climbing);
    assert_eq!(ramp.promote(false), Err(Refusal::AtTheTop));
    assert_eq!(ramp.abort().ok(), shift(9_500, 0, Cause::Operator));
    assert_eq!(ramp.abort(), Err(Refusal::NotUnderWay));
    assert_eq!(ramp.resume(), Ok(Move::Start { percent: 0 }));
    ramp.set_percent(700);
    assert_eq!((ramp.state(), ramp.percent()), (State::Idle, 700));
}

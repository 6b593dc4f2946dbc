//! What a ramp waits for, in words.

use super::*;
use crate::control::{Climb, Overrides, RouteOverride, Stamp, Switches};
use crate::policy::ramp::{Conditions, Plan};
use crate::telemetry::sample;

const PASSING: Conditions = Conditions {
    may_step: true,
    gate: None,
    breaker_open: false,
    primary_out: false,
    ratio_alarm: false,
};

fn plan(gate: bool) -> Plan {
    Plan {
        min_step: Duration::from_secs(60),
        retries: 1,
        gate,
        ..Plan::default()
    }
}

/// Climbing at 1 %, and so old.
fn climbing(gate: bool, seconds: u64) -> Ramp {
    let mut ramp = Ramp::new(plan(gate), 100);
    ramp.start().unwrap();
    (0..=seconds).for_each(|second| {
        let now = Duration::from_secs(second);
        ramp.tick(now, &Verdict::Wait, PASSING);
    });
    ramp
}

fn judged(ramp: Ramp, verdict: Verdict) -> Judged {
    Judged {
        finding: Some(crate::control::Finding {
            verdict,
            ..sample::finding()
        }),
        climb: Some(Climb {
            ramp,
            over: 0,
            between: None,
            stamp: Stamp {
                at: 1_500,
                actor: "ramp".to_owned(),
                reason: "begun".to_owned(),
            },
        }),
        may_step: true,
        ..Judged::default()
    }
}

fn sight(judged: &Judged) -> RampState {
    let sight = Sight {
        judged: Some(judged),
        force: None,
        written: None,
        is_out: false,
        budget_now: None,
    };
    ramp(&sight).unwrap()
}

fn waits(judged: &Judged) -> String {
    sight(judged).waits_for.unwrap()
}

#[test]
fn forecasts_are_round() {
    for (n, round) in [
        (0, 0),
        (7, 7),
        (99, 99),
        (101, 110),
        (1_873, 1_900),
        (u64::MAX, u64::MAX),
    ] {
        assert_eq!(rounded(n), round, "{n}");
    }
}

#[test]
fn a_climb_says_what_it_waits_for() {
    let young = judged(climbing(false, 20), Verdict::Wait);
    let state = sight(&young);
    assert_eq!(state.state, RampWord::Climbing);
    assert_eq!((state.percent, state.next_percent), (1.0, Some(5.0)));
    assert_eq!((state.age_seconds, state.min_step_seconds), (20, 60));
    assert_eq!(state.at.as_deref(), Some("1970-01-01T00:00:01Z"));
    assert_eq!(state.reason.as_deref(), Some("begun"));
    assert_eq!(
        waits(&young),
        "about 1900 more requests of the candidate and 40 s"
    );
    let old = || climbing(false, 70);
    let reason = sample::reason;
    for (verdict, told) in [
        (Verdict::Wait, "about 1900 more requests of the candidate"),
        (Verdict::Freeze(reason()), "the end of the guard's warning"),
        (
            Verdict::Stalled(reason()),
            "more traffic or an operator (promote or abort): the step is stalled",
        ),
        (Verdict::Pass, "nothing"),
    ] {
        assert_eq!(waits(&judged(old(), verdict)), told);
    }
    let passed = judged(climbing(false, 20), Verdict::Pass);
    assert_eq!(waits(&passed), "40 s more at this step");
    let mut closed = judged(old(), Verdict::Pass);
    closed.may_step = false;
    assert_eq!(waits(&closed), "its schedule");
    let mut endless = judged(old(), Verdict::Wait);
    endless.finding.as_mut().unwrap().more_to_promote = None;
    assert_eq!(waits(&endless), "evidence: at this rate no end is in sight");
    let mut alarmed = judged(old(), Verdict::Pass);
    alarmed.finding.as_mut().unwrap().ratio_alarm = true;
    assert!(waits(&alarmed).starts_with("the end of the ratio alarm"));
    let mut early = judged(old(), Verdict::Pass);
    early.finding = None;
    assert_eq!(waits(&early), "evidence");
}

#[test]
fn what_is_around_it_comes_first() {
    let waiting = judged(climbing(false, 70), Verdict::Pass);
    let house = Overrides::default();
    let laid = RouteOverride {
        rollback: Some(Stamp::now("operator", "")),
        ..RouteOverride::default()
    };
    let force = Force::of(0, &laid, &house, &Switches::default());
    let told = |force, is_out| {
        let sight = Sight {
            judged: Some(&waiting),
            force,
            written: None,
            is_out,
            budget_now: None,
        };
        ramp(&sight).unwrap().waits_for.unwrap()
    };
    assert_eq!(
        told(Some(&force), true),
        "the kill switch to be lifted (resume)"
    );
    assert_eq!(told(None, true), "the candidate: all its endpoints are out");
}

#[test]
fn gates_pauses_and_ends_are_told() {
    let mut ramp = climbing(true, 70);
    ramp.tick(Duration::from_secs(71), &Verdict::Pass, PASSING);
    let mut asking = judged(ramp.clone(), Verdict::Pass);
    assert_eq!(sight(&asking).state, RampWord::AtGate);
    assert_eq!(waits(&asking), "the answer of its gate");
    asking.gate = Some(true);
    assert_eq!(waits(&asking), "nothing");
    let refused = Conditions {
        gate: Some(false),
        ..PASSING
    };
    ramp.tick(Duration::from_secs(72), &Verdict::Pass, refused);
    let paused = judged(ramp.clone(), Verdict::Pass);
    let state = sight(&paused);
    assert_eq!(
        (state.state, state.paused_by),
        (RampWord::Paused, Some(PausedBy::Gate))
    );
    assert_eq!(waits(&paused), "an operator (resume)");
    let breach = Verdict::Breach(sample::reason());
    ramp.tick(Duration::from_secs(80), &breach, PASSING);
    let back = judged(ramp.clone(), Verdict::Wait);
    let state = sight(&back);
    assert_eq!((state.state, state.percent), (RampWord::RolledBack, 0.0));
    assert_eq!(state.retry_at.as_deref(), Some("1970-01-01T00:11:20Z"));
    assert_eq!(waits(&back), "its next try at 1970-01-01T00:11:20Z");
    ramp.abort().unwrap();
    let ended = judged(ramp, Verdict::Wait);
    assert_eq!(waits(&ended), "an operator (start)");
}

#[test]
fn a_ramp_that_was_not_started_is_idle() {
    let config = sample::config(1, "ramp.steps = [5, 25]");
    let sight = Sight {
        judged: None,
        force: Some(&sample::force(false)),
        written: config.routes[0].ramp.as_ref(),
        is_out: false,
        budget_now: None,
    };
    let state = ramp(&sight).unwrap();
    assert_eq!(state.state, RampWord::Idle);
    assert_eq!((state.percent, state.next_percent), (12.5, Some(25.0)));
    assert_eq!(state.at, None);
    let none = Sight {
        written: None,
        ..sight
    };
    assert!(ramp(&none).is_none());
}

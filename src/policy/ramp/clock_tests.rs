//! What the clock of a ramp counts, and what it leaves out.

use std::time::Duration;

use super::tests::{WAIT, climbing, conditions, shift, until_move};
use super::*;

#[test]
fn a_flapping_breaker_ends_it() {
    let open = Conditions {
        breaker_open: true,
        ..conditions()
    };
    for (pause, expected) in [(100, shift(100, 0, Cause::Flapping)), (400, None)] {
        let (mut ramp, mut now) = climbing(Plan::default());
        for _ in 0..2 {
            assert_eq!(until_move(&mut ramp, &mut now, 20, &WAIT, open), None);
            assert_eq!(
                until_move(&mut ramp, &mut now, pause, &WAIT, conditions()),
                None
            );
        }
        assert_eq!(until_move(&mut ramp, &mut now, 1, &WAIT, open), expected);
    }
}

#[test]
fn only_time_under_watch_counts() {
    let (mut ramp, mut now) = climbing(Plan::default());
    let shut = Conditions {
        may_step: false,
        ..conditions()
    };
    let open = Conditions {
        breaker_open: true,
        ..conditions()
    };
    until_move(&mut ramp, &mut now, 60, &WAIT, conditions());
    until_move(&mut ramp, &mut now, 60, &WAIT, shut);
    until_move(&mut ramp, &mut now, 60, &WAIT, open);
    assert_eq!(ramp.age(), Duration::from_secs(60));
    // The process was down for an hour, and the clock went back.
    now += 3600;
    until_move(&mut ramp, &mut now, 1, &WAIT, conditions());
    now -= 7200;
    until_move(&mut ramp, &mut now, 2, &WAIT, conditions());
    assert_eq!(ramp.age(), Duration::from_secs(71));
    ramp.pause().unwrap();
    until_move(&mut ramp, &mut now, 60, &WAIT, conditions());
    assert_eq!(ramp.age(), Duration::from_secs(71));
}

//! Whatever happens to a ramp, some things hold.

use std::time::Duration;

use proptest::prelude::*;

use super::tests::{PASS, WAIT, breach, reason};
use super::*;
use crate::policy::guard::Verdict;

#[derive(Debug, Clone)]
enum Doing {
    Tick(u8, Conditions),
    Operator(u8),
    Restart,
}

fn doing() -> impl Strategy<Value = Doing> {
    let conditions = (
        any::<bool>(),
        any::<Option<bool>>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(may_step, gate, breaker_open, primary_out, ratio_alarm)| Conditions {
                may_step,
                gate,
                breaker_open,
                primary_out,
                ratio_alarm,
            },
        );
    prop_oneof![
        8 => (0u8..5, conditions).prop_map(|(verdict, conditions)| Doing::Tick(verdict, conditions)),
        2 => (0u8..5).prop_map(Doing::Operator),
        1 => Just(Doing::Restart),
    ]
}

proptest! {
    /// Whatever happens in whatever order: a share only rises by a step of the plan, a rollback or
    /// an abort means nothing at all, and a restart changes nothing.
    #[test]
    fn shares_only_move_as_the_table_says(
        doings in proptest::collection::vec((doing(), 0u64..400), 1..80),
        gate in any::<bool>(), hold_back in 0u16..3_000, retries in 0u8..5, policy in 0usize..3,
    ) {
        let when_stalled = [
            WhenStalled::Hold, WhenStalled::PromoteIfNoEvidence, WhenStalled::Rollback,
        ][policy];
        let plan = Plan { gate, hold_back, retries, when_stalled, ..Plan::default() };
        let mut ramp = Ramp::new(plan, 0);
        let mut now = 0;
        for (doing, later) in doings {
            now += later;
            let before = ramp.clone();
            let made = match doing {
                Doing::Tick(verdict, conditions) => {
                    let verdict = [
                        WAIT, PASS, breach(), Verdict::Freeze(reason(20.0)), Verdict::Stalled(reason(0.4)),
                    ][verdict as usize].clone();
                    let made = ramp.tick(Duration::from_secs(now), &verdict, conditions);
                    if conditions.primary_out {
                        prop_assert_eq!(ramp.percent(), before.percent());
                    } else if matches!(verdict, Verdict::Breach(_)) {
                        prop_assert_eq!(ramp.percent(), 0);
                    }
                    if conditions.breaker_open || conditions.ratio_alarm || !conditions.may_step {
                        prop_assert!(ramp.percent() <= before.percent());
                    }
                    made
                }
                Doing::Operator(0) => ramp.start().ok(),
                Doing::Operator(1) => ramp.pause().ok(),
                Doing::Operator(2) => ramp.resume().ok(),
                Doing::Operator(3) => ramp.promote(false).ok(),
                Doing::Operator(_) => ramp.abort().ok(),
                Doing::Restart => {
                    let text = serde_json::to_string(&ramp).unwrap();
                    ramp = serde_json::from_str(&text).unwrap();
                    prop_assert_eq!(&ramp, &before);
                    None
                }
            };
            if ramp.percent() != before.percent() {
                let is_told = matches!(made, Some(Move::Shift { from, to, .. })
                    if from == before.percent() && to == ramp.percent());
                prop_assert!(is_told);
            }
            let (from, to) = (before.percent(), ramp.percent());
            prop_assert!(to == from || to == 0 || to == 10_000 || before.next_step() == Some(to));
            if matches!(ramp.state(), State::RolledBack { .. } | State::Aborted) {
                prop_assert_eq!(to, 0);
            }
            prop_assert!(ramp.attempt() <= 3);
        }
    }
}

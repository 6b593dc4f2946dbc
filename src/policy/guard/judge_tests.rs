//! The guard against hand-made cohorts: when it breaches, waits, passes and stalls.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A second with so many bad of so many units on each side, none of them timed.
fn errors(candidate: (u64, u64), primary: (u64, u64)) -> CohortCounts {
    let side = |(bad, n)| Units {
        n,
        bad,
        ..Units::default()
    };
    CohortCounts {
        candidate: side(candidate),
        primary: side(primary),
        ..CohortCounts::default()
    }
}

/// A second in which both sides were well, with so many slow ones at each quantile.
fn slow(candidate: (u64, u64), primary: (u64, u64)) -> CohortCounts {
    let side = |(slow, n)| Units {
        n,
        bad: 0,
        ok: [n; 3],
        slow: [slow; 3],
    };
    CohortCounts {
        candidate: side(candidate),
        primary: side(primary),
        candidate_slow_to_promote: [candidate.0; 3],
    }
}

fn run(guard: &mut Guard, from: u64, n: u64, cohort: &CohortCounts) {
    (from..from + n).for_each(|second| guard.feed(seconds(second), cohort));
}

#[test]
fn a_failing_candidate_is_named_with_counts() {
    let mut guard = Guard::new(Settings::default(), Duration::ZERO);
    run(&mut guard, 0, 600, &errors((0, 10), (0, 90)));
    assert_eq!(guard.verdict(false), Verdict::Wait);
    let mut second = 600;
    while guard.detected().is_none() {
        guard.feed(seconds(second), &errors((2, 10), (0, 90)));
        second += 1;
        assert!(second < 700);
    }
    let Verdict::Breach(reason) = guard.verdict(false) else {
        panic!("must be found");
    };
    assert_eq!(reason.metric, Metric::Errors);
    assert!(reason.evidence >= 100.0);
    // The good ten minutes before are no part of it.
    assert!(reason.candidate.n <= 10 * (second - 600));
    assert!(reason.candidate.bad >= 5);
    run(&mut guard, second, 600, &errors((0, 10), (0, 90)));
    assert_eq!(guard.verdict(true), Verdict::Breach(reason));
    guard.restart(Settings::default().for_attempt(1), seconds(2000));
    assert_eq!(guard.verdict(false), Verdict::Wait);
    assert!((guard.settings().evidence_to_roll_back() - 200.0).abs() < 1e-9);
}

#[test]
fn a_slow_candidate_is_named_by_its_quantile() {
    let mut guard = Guard::new(Settings::default(), Duration::ZERO);
    let mut cohort = slow((0, 10), (0, 90));
    cohort.primary.slow = [45, 5, 1];
    cohort.candidate.slow = [5, 4, 0];
    run(&mut guard, 0, 120, &cohort);
    assert_eq!(guard.detected().unwrap().metric, Metric::P95);
}

#[test]
fn the_cap_makes_evidence_last() {
    let strict = Settings {
        evidence_cap: None,
        ..Settings::default()
    };
    for (settings, low, high) in [(Settings::default(), 10, 30), (strict, 1, 2)] {
        let mut guard = Guard::new(settings, Duration::ZERO);
        let took = (1..)
            .find(|second| {
                guard.feed(seconds(*second), &errors((10, 10), (0, 90)));
                guard.detected().is_some()
            })
            .unwrap();
        assert!((low..=high).contains(&took), "{took}");
    }
}

#[test]
fn few_bad_units_are_not_enough() {
    let settings = Settings {
        evidence_cap: None,
        ..Settings::default()
    };
    let mut guard = Guard::new(settings, Duration::ZERO);
    guard.learn(&errors((0, 0), (1, 20_000)));
    guard.feed(seconds(1), &errors((4, 4), (0, 10_000)));
    assert!(guard.evidence() > 100.0);
    assert!(matches!(guard.verdict(false), Verdict::Freeze(_)));
    guard.feed(seconds(2), &errors((1, 1), (0, 100)));
    assert!(matches!(guard.verdict(false), Verdict::Breach(_)));
}

#[test]
fn a_dry_run_tells_and_lets_pass() {
    let settings = Settings {
        dry_run: true,
        ..Settings::default()
    };
    let mut guard = Guard::new(settings, Duration::ZERO);
    run(&mut guard, 0, 60, &errors((5, 10), (0, 90)));
    assert!(guard.detected().is_some());
    assert_eq!(guard.verdict(false), Verdict::Wait);
    assert!(matches!(guard.verdict(true), Verdict::Stalled(_)));
}

#[test]
fn a_good_candidate_passes_and_a_new_step_asks_again() {
    let mut guard = Guard::new(Settings::default(), Duration::ZERO);
    let mut cohort = slow((0, 50), (0, 50));
    cohort.primary.slow = [25, 3, 1];
    cohort.candidate.slow = [24, 2, 1];
    cohort.candidate_slow_to_promote = [20, 1, 0];
    run(&mut guard, 0, 10, &cohort);
    assert_eq!(guard.verdict(false), Verdict::Wait);
    assert_eq!(guard.verdict(true), Verdict::Stalled(guard.reason()));
    assert!(guard.more_to_promote(0.5).unwrap() > 0);
    run(&mut guard, 10, 170, &cohort);
    assert_eq!(guard.verdict(true), Verdict::Pass);
    assert_eq!(guard.more_to_promote(0.5), Some(0));
    // Latched: a worse minute does not undo it.
    cohort.candidate_slow_to_promote = [40, 10, 2];
    run(&mut guard, 180, 5, &cohort);
    assert_eq!(guard.verdict(false), Verdict::Pass);
    guard.begin_step();
    assert_eq!(guard.units_at_step(), 0);
    assert_eq!(guard.verdict(false), Verdict::Wait);
    assert!(guard.progress().all(|progress| !progress.passed));
}

#[test]
fn nothing_happens_without_traffic() {
    let mut guard = Guard::new(Settings::default(), Duration::ZERO);
    run(&mut guard, 0, 100, &errors((1, 10), (0, 90)));
    let before = guard.clone();
    run(&mut guard, 100, 3600, &CohortCounts::default());
    assert_eq!(guard, before);
    // The primary alone is no comparison either.
    run(&mut guard, 3700, 3600, &errors((0, 0), (3, 10)));
    assert!((guard.evidence() - before.evidence()).abs() <= 0.0);
    assert_eq!(guard.batches(), before.batches());
}

#[test]
fn units_far_apart_are_not_compared() {
    let mut guard = Guard::new(Settings::default(), Duration::ZERO);
    guard.feed(seconds(0), &errors((0, 0), (0, 1000)));
    guard.feed(seconds(400), &errors((0, 0), (0, 1)));
    guard.feed(seconds(401), &errors((5, 5), (0, 0)));
    assert_eq!(guard.batches(), 0);
    guard.feed(seconds(402), &errors((0, 0), (1, 1)));
    assert_eq!(guard.batches(), 1);
}

#[test]
fn a_new_horizon_begins_when_nothing_is_in_the_air() {
    let settings = Settings {
        horizon: seconds(100),
        ..Settings::default()
    };
    let mut guard = Guard::new(settings, Duration::ZERO);
    run(&mut guard, 0, 100, &errors((0, 50), (1, 50)));
    assert!(guard.evidence() < 0.7);
    guard.feed(seconds(100), &errors((0, 50), (1, 50)));
    assert!((guard.evidence() - 1.0).abs() < 1e-9);
}

#[test]
fn it_survives_being_written_down() {
    let mut guard = Guard::new(Settings::default(), Duration::ZERO);
    run(&mut guard, 0, 100, &errors((1, 10), (1, 90)));
    let text = serde_json::to_string(&guard).unwrap();
    let mut copy: Guard = serde_json::from_str(&text).unwrap();
    run(&mut guard, 100, 50, &errors((1, 10), (1, 90)));
    run(&mut copy, 100, 50, &errors((1, 10), (1, 90)));
    assert!((copy.evidence() / guard.evidence() - 1.0).abs() < 1e-9);
}

fn units() -> impl Strategy<Value = Units> {
    let n = prop_oneof![0u64..50, any::<u32>().prop_map(u64::from), Just(u64::MAX)];
    (n.clone(), n.clone(), n.clone(), [n.clone(), n.clone(), n]).prop_map(|(n, bad, ok, slow)| {
        Units {
            n,
            bad,
            slow,
            ok: [ok; 3],
        }
    })
}

fn cohort() -> impl Strategy<Value = CohortCounts> {
    (units(), units(), units()).prop_map(|(primary, candidate, other)| CohortCounts {
        primary,
        candidate,
        candidate_slow_to_promote: other.slow,
    })
}

proptest! {
    /// Whatever is fed, even what cannot be: numbers stay numbers, and the state can be read back.
    #[test]
    fn any_counts_leave_a_sane_guard(
        cohorts in proptest::collection::vec((cohort(), 0u64..200_000), 1..30),
        margin in -1.0f64..3.0, alpha in -1.0f64..2.0, cap in proptest::option::of(-1.0f64..2.0),
    ) {
        let margins = Margins { rollback: margin, promotion: margin };
        let settings = Settings {
            false_rollback: alpha, errors: margins, latency: margins, evidence_cap: cap,
            ..Settings::default()
        };
        let mut guard = Guard::new(settings, Duration::ZERO);
        for (cohort, at) in cohorts {
            guard.feed(seconds(at), &cohort);
            prop_assert!(guard.evidence().is_finite() && guard.evidence() >= 0.0);
            prop_assert!(guard.reason().evidence.is_finite());
            prop_assert!(guard.progress().all(|p| p.evidence.is_finite()));
            let _ = (guard.more_to_promote(0.1), guard.verdict(true));
        }
        let text = serde_json::to_string(&guard).unwrap();
        prop_assert!(serde_json::from_str::<Guard>(&text).is_ok());
    }

    /// Workers' parts of a second, and seconds that wait for the other side, can come in any order.
    #[test]
    fn parts_add_up_in_any_order(parts in proptest::collection::vec(cohort(), 1..6), turn in 0usize..6) {
        let sum = |parts: &[CohortCounts]| {
            parts.iter().fold(CohortCounts::default(), |mut sum, part| { sum.add(part); sum })
        };
        let mut turned = parts.clone();
        turned.rotate_left(turn % parts.len());
        prop_assert_eq!(sum(&parts), sum(&turned));
        let one_sided = |parts: &[CohortCounts]| {
            let mut guard = Guard::new(Settings::default(), Duration::ZERO);
            for part in parts {
                let only = CohortCounts { primary: part.primary, ..CohortCounts::default() };
                guard.feed(seconds(1), &only);
            }
            guard.feed(seconds(2), &errors((1, 3), (0, 0)));
            guard
        };
        prop_assert_eq!(one_sided(&parts), one_sided(&turned));
    }
}

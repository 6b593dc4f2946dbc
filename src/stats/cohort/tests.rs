//! The rules of the table in `mod.rs`.

use std::time::Duration;

use super::*;
use crate::stats::{Class, Side};

const LIMITS: Limits = Limits {
    primary: [100, 200, 300],
    rollback: [110, 220, 330],
    promotion: [120, 240, 360],
};

fn at(second: u64) -> Duration {
    Duration::from_secs(second)
}

fn cohorts(sticky: bool) -> Cohorts {
    let cohorts = Cohorts::new(2, sticky);
    cohorts.set_limits(LIMITS);
    cohorts
}

/// A request that enters its cohort.
fn enter(cohorts: &Cohorts, second: u64, side: Side, draw: Draw) -> Unit {
    let mut unit = cohorts.draw(0, at(second), side, draw).unwrap();
    cohorts.enter(0, &mut unit);
    unit
}

#[test]
fn each_class_counts_as_the_table_says() {
    for (class, us, bad, ok, slow) in [
        (Class::Ok, 50, 0, [1, 1, 1], [0, 0, 0]),
        (Class::Ok, 115, 0, [1, 1, 1], [1, 0, 0]),
        (Class::Ok, 1_000, 0, [1, 1, 1], [1, 1, 1]),
        (Class::ClientError, 1_000, 0, [0; 3], [0; 3]),
        (Class::Capacity, 1_000, 0, [0; 3], [0; 3]),
        (Class::ServerError, 1, 1, [0; 3], [0; 3]),
        (Class::Connect, 1, 1, [0; 3], [0; 3]),
        (Class::Timeout, 1_000, 1, [0; 3], [0; 3]),
        (Class::Reset, 1, 1, [0; 3], [0; 3]),
        (Class::Broken, 1, 1, [0; 3], [0; 3]),
        (Class::Cancelled, 115, 0, [0; 3], [0; 3]),
        (Class::Cancelled, 250, 0, [1, 1, 0], [1, 1, 0]),
    ] {
        let cohorts = cohorts(false);
        let unit = enter(&cohorts, 5, Side::Candidate, Draw::Request);
        assert!(!cohorts.read(5).is_settled());
        cohorts.end(0, unit, class, us);
        let cohort = cohorts.read(5);
        assert!(cohort.is_settled(), "{class:?}");
        let side = cohort.candidate;
        assert_eq!(
            (side.drawn, side.n, side.ended, side.answered),
            (1, 1, 1, 1)
        );
        assert_eq!(
            (side.bad, side.ok, side.slow),
            (bad, ok, slow),
            "{class:?} {us}"
        );
        assert_eq!(side.bad_in_the_end(), bad);
        assert_eq!(cohort.primary, SideCounts::default());
    }
}

#[test]
fn the_candidate_has_two_margins_and_the_primary_none() {
    let cohorts = cohorts(false);
    for (side, slow, to_promote) in [
        (Side::Primary, [1, 0, 0], [1, 0, 0]),
        (Side::Candidate, [1, 0, 0], [0, 0, 0]),
    ] {
        let unit = enter(&cohorts, 5, side, Draw::Request);
        cohorts.end(0, unit, Class::Ok, 115);
        let cohort = cohorts.read(5);
        let counts = [cohort.primary, cohort.candidate][side as usize];
        assert_eq!((counts.slow, counts.slow_to_promote), (slow, to_promote));
    }
    assert_eq!(cohorts.primary_latency().count(), 1);
}

#[test]
fn an_answer_that_breaks_later_is_bad_and_has_no_latency() {
    let cohorts = cohorts(false);
    let mut unit = enter(&cohorts, 5, Side::Candidate, Draw::Request);
    assert_eq!(cohorts.read(5).candidate.bad_in_the_end(), 1);
    cohorts.answer(0, &mut unit, 500);
    let streaming = cohorts.read(5).candidate;
    assert_eq!((streaming.ended, streaming.bad_in_the_end()), (0, 0));
    assert_eq!((streaming.ok, streaming.slow), ([1; 3], [1; 3]));
    cohorts.end(0, unit, Class::Broken, 900);
    let broken = cohorts.read(5).candidate;
    assert_eq!((broken.ended, broken.bad, broken.answered), (1, 1, 1));
    assert_eq!(
        (broken.ok, broken.slow, broken.slow_to_promote),
        ([0; 3], [0; 3], [0; 3])
    );
}

#[test]
fn without_limits_no_latency_counts() {
    let cohorts = Cohorts::new(1, false);
    let unit = enter(&cohorts, 5, Side::Primary, Draw::Request);
    cohorts.end(0, unit, Class::Ok, 7);
    assert_eq!(cohorts.read(5).primary.ok, [0; 3]);
    assert_eq!(cohorts.primary_latency().count(), 1);
    // Limits hold from the next second on: a cohort is measured alike throughout.
    cohorts.set_limits(LIMITS);
    for (second, ok) in [(5, [0; 3]), (6, [1; 3])] {
        let unit = enter(&cohorts, second, Side::Primary, Draw::Request);
        cohorts.end(0, unit, Class::Ok, 7);
        assert_eq!(cohorts.read(second).primary.ok, ok);
    }
}

#[test]
fn what_is_no_unit_is_drawn_at_most() {
    let cohorts = cohorts(false);
    assert!(cohorts.draw(0, at(5), Side::Primary, Draw::None).is_none());
    // Bypassed: drawn, and its try on the other side is nobody's.
    let unit = cohorts
        .draw(1, at(5), Side::Candidate, Draw::Request)
        .unwrap();
    cohorts.end(1, unit, Class::ServerError, 1);
    let cohort = cohorts.read(5);
    assert_eq!((cohort.candidate.drawn, cohort.candidate.n), (1, 0));
    assert!(cohort.is_settled());
}

#[test]
fn a_forgotten_second_takes_nothing_more() {
    let cohorts = cohorts(false);
    let old = enter(&cohorts, 5, Side::Primary, Draw::Request);
    let unit = enter(&cohorts, 5 + 64, Side::Primary, Draw::Request);
    assert_eq!(cohorts.read(5), Cohort::default());
    cohorts.end(0, old, Class::ServerError, 1);
    cohorts.end(0, unit, Class::Ok, 1);
    let cohort = cohorts.read(69);
    assert_eq!((cohort.primary.n, cohort.primary.bad), (1, 0));
    assert!(cohort.is_settled());
}

#[test]
fn workers_add_up() {
    let cohorts = cohorts(false);
    for worker in [0, 1, 1] {
        let mut unit = cohorts
            .draw(worker, at(9), Side::Primary, Draw::Request)
            .unwrap();
        cohorts.enter(worker, &mut unit);
        cohorts.end(worker, unit, Class::Ok, 1);
    }
    assert_eq!(cohorts.read(9).primary.n, 3);
}

#[test]
fn a_user_counts_once_in_a_session() {
    let cohorts = cohorts(true);
    let ends = |user, second, class| {
        let unit = enter(&cohorts, second, Side::Candidate, Draw::User(user));
        cohorts.end(0, unit, class, 1);
    };
    // Latency by the first request only, errors by each until one is bad.
    for (class, drawn, n, ok, bad) in [
        (Class::Ok, 1, 1, 1, 0),
        (Class::Ok, 1, 2, 1, 0),
        (Class::ServerError, 1, 3, 1, 1),
        (Class::ServerError, 1, 3, 1, 1),
        (Class::Ok, 1, 3, 1, 1),
    ] {
        ends(70, 5, class);
        let side = cohorts.read(5).candidate;
        assert_eq!(
            (side.drawn, side.n, side.ok[0], side.bad),
            (drawn, n, ok, bad)
        );
    }
    ends(71, 5, Class::Ok);
    assert_eq!(cohorts.read(5).candidate.drawn, 2);
    cohorts.begin_session();
    ends(70, 6, Class::ServerError);
    let side = cohorts.read(6).candidate;
    assert_eq!((side.drawn, side.n, side.bad), (1, 1, 1));
}

#[test]
fn of_requests_of_a_user_at_once_one_is_bad() {
    let cohorts = cohorts(true);
    let units = [1, 2, 3].map(|_| enter(&cohorts, 5, Side::Primary, Draw::User(9)));
    for unit in units {
        cohorts.end(0, unit, Class::Timeout, 1);
    }
    let cohort = cohorts.read(5);
    let side = cohort.primary;
    assert_eq!((side.n, side.ended, side.answered, side.bad), (1, 1, 1, 1));
    assert!(cohort.is_settled());
}

//! The breaker, transition by transition, and the figures that it was chosen by.

use super::*;

const T0: Duration = Duration::from_secs(1000);

fn admit(breaker: &mut Breaker, now: Duration) -> Option<Ticket> {
    match breaker.admit(now, 0) {
        Admit::Yes(ticket) => Some(ticket),
        Admit::No { .. } => None,
    }
}

fn tripped(slow_start: Duration) -> Breaker {
    let mut breaker = Breaker::new(slow_start);
    for _ in 0..5 {
        let ticket = admit(&mut breaker, T0).unwrap();
        breaker.fail(T0, ticket, 0);
    }
    breaker
}

#[test]
fn five_failures_in_a_row_trip_and_four_do_not() {
    let mut breaker = Breaker::new(Duration::ZERO);
    let ticket = admit(&mut breaker, T0).unwrap();
    for _ in 0..4 {
        assert!(!breaker.fail(T0, ticket, 0));
    }
    breaker.succeed(T0, ticket);
    assert!(!breaker.fail(T0, ticket, 0));
    assert!(breaker.fail(T0, ticket, 0));
    assert_eq!(breaker.phase(), Phase::Open);
}

#[test]
fn one_probe_at_a_time_and_three_good_close() {
    let mut breaker = tripped(Duration::ZERO);
    assert_eq!(
        admit(&mut breaker, T0 + BASE - Duration::from_millis(1)),
        None
    );
    let mut now = T0 + BASE;
    for _ in 0..3 {
        let probe = admit(&mut breaker, now).unwrap();
        assert!(probe.probe);
        assert_eq!(admit(&mut breaker, now), None);
        now += Duration::from_millis(5);
        breaker.succeed(now, probe);
    }
    assert_eq!(breaker.phase(), Phase::Closed);
    assert!(breaker.is_spotless());
}

#[test]
fn a_bad_probe_doubles_the_wait() {
    let mut breaker = tripped(Duration::ZERO);
    let mut now = T0;
    for expected in [1u64, 2, 4, 8, 16, 32, 60, 60] {
        let Admit::No { until } = breaker.admit(now, 0) else {
            panic!("must be open");
        };
        assert_eq!(until - now, Duration::from_secs(expected));
        now = until;
        let probe = admit(&mut breaker, now).unwrap();
        assert!(breaker.fail(now, probe, 0));
    }
}

#[test]
fn jitter_adds_up_to_half() {
    let mut breaker = Breaker::new(Duration::ZERO);
    let ticket = admit(&mut breaker, T0).unwrap();
    for _ in 0..5 {
        breaker.fail(T0, ticket, u32::MAX);
    }
    assert_eq!(
        breaker.admit(T0, 0),
        Admit::No {
            until: T0 + Duration::from_millis(1500)
        }
    );
}

#[test]
fn stragglers_are_ignored_and_lost_probes_replaced() {
    let mut breaker = Breaker::new(Duration::ZERO);
    let old = admit(&mut breaker, T0).unwrap();
    for _ in 0..5 {
        breaker.fail(T0, old, 0);
    }
    breaker.succeed(T0, old);
    assert!(!breaker.fail(T0, old, 0));
    let probe = admit(&mut breaker, T0 + BASE).unwrap();
    breaker.succeed(T0 + BASE, old);
    assert_eq!(admit(&mut breaker, T0 + BASE), None);
    breaker.abandon(probe);
    assert!(admit(&mut breaker, T0 + BASE).is_some());
    assert_eq!(admit(&mut breaker, T0 + BASE), None);
    assert!(admit(&mut breaker, T0 + BASE + PROBE_PATIENCE).is_some());
}

#[test]
fn warming_lets_a_rising_share_through() {
    let mut breaker = tripped(Duration::from_secs(10));
    let mut now = T0 + BASE;
    for _ in 0..3 {
        let probe = admit(&mut breaker, now).unwrap();
        breaker.succeed(now, probe);
    }
    assert_eq!(breaker.phase(), Phase::Warming);
    let share = |breaker: &mut Breaker, now| {
        (0..1000u32)
            .filter(|n| matches!(breaker.admit(now, n * 4_294_967), Admit::Yes(_)))
            .count()
    };
    assert!((95..=105).contains(&share(&mut breaker, now)));
    now += Duration::from_secs(5);
    assert!((495..=505).contains(&share(&mut breaker, now)));
    now += Duration::from_secs(5);
    assert_eq!(share(&mut breaker, now), 1000);
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn a_long_good_time_forgives() {
    let mut breaker = tripped(Duration::ZERO);
    let mut now = T0 + BASE;
    for _ in 0..3 {
        let probe = admit(&mut breaker, now).unwrap();
        breaker.succeed(now, probe);
    }
    now += FORGIVEN_AFTER;
    let ticket = admit(&mut breaker, now).unwrap();
    for _ in 0..5 {
        breaker.fail(now, ticket, 0);
    }
    assert_eq!(breaker.admit(now, 0), Admit::No { until: now + BASE });
}

/// The simulated trip figures that the defaults were chosen by: median requests to trip at a
/// failure rate of 100 %, 80 %, 50 % and 30 % are 5, 7, 15 and 66.
#[test]
fn trips_as_fast_as_simulated() {
    use rand::{RngExt, SeedableRng, rngs::SmallRng};
    for (rate, low, high) in [(1.0, 5, 5), (0.8, 6, 8), (0.5, 13, 18), (0.3, 50, 85)] {
        let mut rng = SmallRng::seed_from_u64(7);
        let mut needed: Vec<u32> = (0..401)
            .map(|_| {
                let mut breaker = Breaker::new(Duration::ZERO);
                let ticket = admit(&mut breaker, T0).unwrap();
                (1..)
                    .find(|_| {
                        if rng.random::<f64>() < rate {
                            breaker.fail(T0, ticket, 0)
                        } else {
                            breaker.succeed(T0, ticket);
                            false
                        }
                    })
                    .unwrap()
            })
            .collect();
        needed.sort_unstable();
        assert!(
            (low..=high).contains(&needed[200]),
            "{rate}: {}",
            needed[200]
        );
    }
}

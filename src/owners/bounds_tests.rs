//! How much a table holds, what it refuses, and many threads at once.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::words::{Learned, Learnt};
use super::Owners;

const BACKENDS: [&str; 3] = ["legacy", "vast", "third"];

#[derive(Debug, Clone)]
enum Step {
    Learn(u8, usize, u32),
    Find(u8),
    Finish(u8),
    Forget(u8),
    Sweep,
    Wait(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (any::<u8>(), 0..3usize, 0..300u32).prop_map(|(id, b, ttl)| Step::Learn(id, b, ttl)),
        2 => any::<u8>().prop_map(Step::Find),
        2 => any::<u8>().prop_map(Step::Finish),
        1 => any::<u8>().prop_map(Step::Forget),
        1 => Just(Step::Sweep),
        2 => (0..60u32).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..300)
}

fn learned<'a>(id: &'a [u8], backend: &'a str, ttl: u32) -> Learned<'a> {
    Learned {
        rule: "jobs",
        id,
        backend,
        ttl,
        origin: "POST /api/jobs",
        theirs: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn never_holds_more_than_its_capacity_and_counts_what_it_drops(
        steps in steps(),
        capacity in 1..40usize,
    ) {
        let owners = Owners::memory(capacity);
        let mut now = 1_000;
        let mut last: HashMap<u8, usize> = HashMap::new();
        let (mut added, mut forgotten) = (0u64, 0u64);
        for step in &steps {
            match *step {
                Step::Learn(id, backend, ttl) => {
                    let learnt = owners.learn(learned(&[id], BACKENDS[backend], ttl), now);
                    added += u64::from(learnt == Learnt::New);
                    last.insert(id, backend);
                    prop_assert!(owners.find("jobs", &[id], now).is_some());
                }
                Step::Find(id) => {
                    if let Some(found) = owners.find("jobs", &[id], now) {
                        prop_assert_eq!(&*found.backend, BACKENDS[last[&id]]);
                    }
                }
                Step::Finish(id) => drop(owners.finish("jobs", &[id], now)),
                Step::Forget(id) => {
                    forgotten += u64::from(owners.forget("jobs", &[id], now));
                }
                Step::Sweep => owners.sweep(now),
                Step::Wait(seconds) => now += seconds,
            }
            let health = owners.health();
            prop_assert!(health.entries <= capacity);
            let gone = health.evicted + health.expired + forgotten;
            prop_assert_eq!(health.entries as u64, added - gone);
            prop_assert!(health.evicted_live <= health.evicted);
            prop_assert_eq!(health.evicted_live > 0, health.blind_until > 0);
        }
    }
}

#[test]
fn what_is_too_long_or_has_no_number_is_refused_and_counted() {
    let owners = Owners::memory(10);
    let long = "x".repeat(257);
    let fine = learned(b"1", "vast", 100);
    let (id, theirs) = (long.as_bytes(), Some(&*long));
    assert_eq!(owners.learn(Learned { id, ..fine }, 5), Learnt::TooLong);
    assert_eq!(owners.learn(Learned { theirs, ..fine }, 5), Learnt::TooLong);
    let id = &long.as_bytes()[..256];
    assert_eq!(owners.learn(Learned { id, ..fine }, 5), Learnt::New);
    for rule in 0..=u16::MAX {
        owners.table.rules.number(&format!("rule-{rule}"));
    }
    let rule = "one more";
    assert_eq!(owners.learn(Learned { rule, ..fine }, 50), Learnt::NoRoom);
    assert_eq!(owners.health().refused, 3);
    assert_eq!(owners.health().blind_until, 150);
}

#[test]
fn eight_threads_leave_right_counts() {
    const EACH: u32 = 4_000;
    let owners = Owners::memory(100_000);
    let work = |owners: &Owners, thread: u32| {
        for n in 0..EACH {
            let id = format!("{thread}-{n}");
            let backend = if n % 2 == 0 { "legacy" } else { "vast" };
            let one = learned(id.as_bytes(), backend, 1_000);
            assert_eq!(owners.learn(one, 10 + thread), Learnt::New);
            // What all learn at once is learned once.
            let shared = format!("shared-{n}");
            let id = shared.as_bytes();
            owners.learn(
                Learned {
                    id,
                    backend: "both",
                    ..one
                },
                10,
            );
            let found = owners
                .find("jobs", id, 10 + thread)
                .map(|found| found.backend);
            assert_eq!(found, Some(Arc::from("both")));
            if n % 4 == 0 {
                assert!(owners.finish("jobs", one.id, 20));
            }
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let owners = &owners;
            scope.spawn(move || work(owners, thread));
        }
    });
    let tallies = owners.tallies(30);
    let counts: Vec<(&str, usize, usize)> = tallies
        .iter()
        .map(|tally| (&*tally.backend, tally.live, tally.done))
        .collect();
    let each = EACH as usize;
    assert_eq!(
        counts,
        [
            ("both", each, 0),
            ("legacy", each * 2, each * 2),
            ("vast", each * 4, 0)
        ]
    );
    assert_eq!(tallies[2].oldest_live, Some(10));
    assert_eq!(owners.health().entries, each * 9);
}

#[test]
fn a_panic_under_a_lock_does_not_take_the_table_down() {
    let owners = Owners::memory(10);
    owners.learn(learned(b"a", "vast", 100), 10);
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let _held = owners.table.shard(0);
            panic!("on purpose");
        });
        assert!(holder.join().is_err());
    });
    assert!(owners.find("jobs", b"a", 11).is_some());
    let learnt = owners.learn(learned(b"b", "vast", 100), 11);
    assert_eq!(learnt, Learnt::New);
}

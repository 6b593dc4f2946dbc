//! A docket fed by hand, second by second.

use std::sync::Arc;
use std::time::Duration;

use super::docket::Docket;
use super::terms::Terms;
use crate::config::model;
use crate::policy::guard::{Against, Verdict};
use crate::stats::{Class, Cohorts, Draw, Side};

const MS: u64 = 1_000;

/// One route: what the workers would write, and the docket that reads it.
struct Bench {
    cohorts: Arc<Cohorts>,
    docket: Docket,
    second: u64,
}

impl Bench {
    fn new(share: u16, alter: impl FnOnce(&mut model::Guard)) -> Self {
        let cohorts = Arc::new(Cohorts::new(1, false));
        let mut guard = model::Guard::default();
        alter(&mut guard);
        let docket = Docket::new(Arc::clone(&cohorts), Terms::of(&guard), share, 0);
        Self {
            cohorts,
            docket,
            second: 0,
        }
    }

    fn request(&self, side: Side, class: Class, us: u64) {
        let now = Duration::from_secs(self.second);
        let drawn = self.cohorts.draw(0, now, side, Draw::Request);
        let mut unit = drawn.unwrap();
        self.cohorts.enter(0, &mut unit);
        self.cohorts.end(0, unit, class, us);
    }

    /// One second: `good` and `bad` requests of each side, primary first.
    fn second(&mut self, requests: [(u64, u64); 2], us: [u64; 2]) {
        for ((side, (good, bad)), us) in Side::ALL.into_iter().zip(requests).zip(us) {
            (0..good).for_each(|n| self.request(side, Class::Ok, us + n * us / 50));
            (0..bad).for_each(|_| self.request(side, Class::ServerError, MS));
        }
        self.second += 1;
        self.docket.look(self.second);
    }

    fn run(&mut self, seconds: u64, requests: [(u64, u64); 2], us: [u64; 2]) {
        (0..seconds).for_each(|_| self.second(requests, us));
    }
}

#[test]
fn a_failing_candidate_is_found_and_named() {
    let mut bench = Bench::new(2_500, |_| {});
    bench.run(60, [(30, 0), (10, 0)], [10 * MS; 2]);
    assert_eq!(bench.docket.verdict(false), Verdict::Wait);
    bench.run(60, [(30, 0), (8, 2)], [10 * MS; 2]);
    let Verdict::Breach(reason) = bench.docket.verdict(false) else {
        panic!("{:?}", bench.docket.verdict(false));
    };
    assert!(matches!(reason.against, Against::Primary(_)), "{reason}");
    assert_eq!(reason.metric.as_str(), "errors", "{reason}");
}

#[test]
fn a_slow_candidate_is_found_and_a_common_slowdown_is_not() {
    let mut bench = Bench::new(2_500, |_| {});
    bench.run(60, [(30, 0), (10, 0)], [10 * MS; 2]);
    bench.run(60, [(30, 0), (10, 0)], [30 * MS; 2]);
    assert!(!matches!(bench.docket.verdict(false), Verdict::Breach(_)));
    bench.run(60, [(30, 0), (10, 0)], [30 * MS, 60 * MS]);
    let Verdict::Breach(reason) = bench.docket.verdict(false) else {
        panic!("{:?}", bench.docket.verdict(false));
    };
    assert_ne!(reason.metric.as_str(), "errors", "{reason}");
}

#[test]
fn a_dry_run_tells_and_does_nothing() {
    let mut bench = Bench::new(5_000, |guard| guard.dry_run = true);
    bench.run(60, [(10, 0), (5, 5)], [10 * MS; 2]);
    let verdict = bench.docket.verdict(false);
    assert_eq!(verdict, Verdict::Wait);
    assert!(bench.docket.finding(verdict).detected.is_some());
}

#[test]
fn a_restart_forgets_what_was_routed_before() {
    let mut bench = Bench::new(5_000, |_| {});
    bench.run(60, [(10, 0), (5, 5)], [10 * MS; 2]);
    bench.docket.restart(bench.second + 1, 1);
    assert_eq!(bench.docket.verdict(false), Verdict::Wait);
    bench.run(3, [(10, 0), (5, 5)], [10 * MS; 2]);
    assert_eq!(bench.docket.verdict(false), Verdict::Wait);
    let finding = bench.docket.finding(Verdict::Wait);
    assert!((finding.needed - 200.0).abs() < 1e-9, "half for the retry");
    assert_eq!(
        finding.totals[1].units,
        63 * 10 - 10,
        "the last second is not read"
    );
}

#[test]
fn a_cohort_waits_for_its_last_request_and_not_longer_than_the_deadline() {
    let mut bench = Bench::new(5_000, |_| {});
    let now = Duration::from_secs(bench.second);
    let mut hanging = bench
        .cohorts
        .draw(0, now, Side::Candidate, Draw::Request)
        .unwrap();
    bench.cohorts.enter(0, &mut hanging);
    bench.run(30, [(1, 0), (1, 0)], [10 * MS; 2]);
    assert_eq!(bench.docket.finding(Verdict::Wait).totals[1].units, 0);
    bench.run(3, [(1, 0), (1, 0)], [10 * MS; 2]);
    let totals = bench.docket.finding(Verdict::Wait).totals[1];
    assert_eq!((totals.units, totals.bad), (33, 1));
}

#[test]
fn what_one_step_has_shown_does_not_count_for_the_next() {
    let mut bench = Bench::new(2_500, |guard| guard.latency.promote_on.clear());
    bench.run(200, [(30, 0), (10, 0)], [10 * MS; 2]);
    assert_eq!(bench.docket.verdict(false), Verdict::Pass);
    bench.docket.shift(bench.second, 2_500, 5_000);
    for _ in 0..10 {
        assert_eq!(bench.docket.verdict(false), Verdict::Wait);
        bench.run(1, [(20, 0), (20, 0)], [10 * MS; 2]);
    }
    bench.run(200, [(20, 0), (20, 0)], [10 * MS; 2]);
    assert_eq!(bench.docket.verdict(false), Verdict::Pass);
    // At the end nothing is left to compare with.
    bench.docket.shift(bench.second, 5_000, 10_000);
    bench.run(3, [(0, 0), (40, 0)], [10 * MS; 2]);
    assert_eq!(bench.docket.verdict(false), Verdict::Pass);
}

#[test]
fn at_the_end_the_limit_is_watched_and_raised_to_what_is_usual() {
    let mut bench = Bench::new(10_000, |_| {});
    bench.run(65, [(0, 0), (94, 6)], [10 * MS; 2]);
    let Verdict::Breach(reason) = bench.docket.verdict(false) else {
        panic!("{:?}", bench.docket.verdict(false));
    };
    assert!(matches!(reason.against, Against::Window(_)));

    // The same rate is usual for a primary that fails as often.
    let mut bench = Bench::new(5_000, |_| {});
    bench.run(60, [(94, 6), (94, 6)], [10 * MS; 2]);
    bench.docket.shift(bench.second, 5_000, 10_000);
    bench.run(65, [(0, 0), (94, 6)], [10 * MS; 2]);
    assert!(!matches!(bench.docket.verdict(false), Verdict::Breach(_)));
}

#[test]
fn without_traffic_nothing_happens() {
    let mut bench = Bench::new(2_500, |_| {});
    bench.run(30, [(10, 0), (3, 0)], [10 * MS; 2]);
    let before = bench.docket.finding(Verdict::Wait);
    bench.run(600, [(0, 0), (0, 0)], [0; 2]);
    let after = bench.docket.finding(bench.docket.verdict(false));
    // The last second of the traffic was not over.
    assert!(after.batches <= before.batches + 2);
    assert_eq!(after.verdict, Verdict::Wait);
    assert!(!after.ratio_alarm);
}

#[test]
fn a_share_that_is_not_kept_raises_the_alarm() {
    let mut bench = Bench::new(5_000, |_| {});
    bench.run(60, [(10, 0), (10, 0)], [10 * MS; 2]);
    assert!(!bench.docket.ratio_alarm());
    bench.run(60, [(10, 0), (20, 0)], [10 * MS; 2]);
    assert!(bench.docket.ratio_alarm());
}

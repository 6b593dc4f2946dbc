//! G8 to G10: errors that come late, clients that fail together, and nobody at all.

use std::time::Duration;

use figshift::policy::guard::{CohortCounts, Guard, Metric, Metrics, Settings, Units};
use figshift::stats::{Class, Cohort, Cohorts, Draw, Side, SideCounts};
use rand::{RngExt, rngs::SmallRng};

use super::nulls::strict;
use super::report::{Often, Report};

const SECONDS: usize = 1_000;
const PER_SECOND: u64 = 100;
/// The primary's errors are timeouts of this many seconds, the candidate's come at once.
const LATE: usize = 30;

fn errors_only() -> Settings {
    Settings {
        watch: Metrics::NONE.with(Metric::Errors),
        ..strict()
    }
}

fn add(units: &mut Units, bad: bool) {
    units.n += 1;
    units.bad += u64::from(bad);
}

fn breaks(settings: &Settings, cohorts: &[CohortCounts]) -> bool {
    let mut guard = Guard::new(settings.clone(), Duration::ZERO);
    cohorts.iter().enumerate().any(|(second, cohort)| {
        guard.feed(Duration::from_secs(second as u64), cohort);
        guard.detected().is_some()
    })
}

/// Equal error rates, by the second of arrival or by that of completion.
fn late_errors(mut rng: SmallRng, share: f64, errors: f64, by_arrival: bool) -> bool {
    let mut cohorts = vec![CohortCounts::default(); SECONDS + LATE];
    for second in 0..SECONDS {
        for _ in 0..PER_SECOND {
            let bad = rng.random::<f64>() < errors;
            if rng.random::<f64>() < share {
                add(&mut cohorts[second].candidate, bad);
            } else {
                let late = if bad && !by_arrival { LATE } else { 0 };
                add(&mut cohorts[second + late].primary, bad);
            }
        }
    }
    breaks(&errors_only(), &cohorts[..SECONDS])
}

/// Which side a client is on, whether it is one that fails, and whether it has.
struct Client {
    candidate: bool,
    fails: bool,
    failed: bool,
}

impl Client {
    fn new(rng: &mut SmallRng, share: f64) -> Self {
        Self {
            candidate: rng.random::<f64>() < share,
            fails: rng.random::<f64>() < 0.01,
            failed: false,
        }
    }
}

/// A sticky split: 1 % of the clients fail half of their some twenty requests. Counted by session
/// (when it ends) or by request.
fn sessions(mut rng: SmallRng, share: f64, by_session: bool) -> bool {
    let mut clients: Vec<_> = (0..200).map(|_| Client::new(&mut rng, share)).collect();
    let mut cohorts = vec![CohortCounts::default(); SECONDS];
    for cohort in &mut cohorts {
        for _ in 0..PER_SECOND {
            let index = rng.random_range(0..clients.len());
            let client = &mut clients[index];
            let bad = client.fails && rng.random::<bool>();
            client.failed |= bad;
            let leaves = rng.random::<f64>() < 0.05;
            let units = if client.candidate {
                &mut cohort.candidate
            } else {
                &mut cohort.primary
            };
            if !by_session {
                add(units, bad);
            } else if leaves {
                add(units, client.failed);
            }
            if leaves {
                clients[index] = Client::new(&mut rng, share);
            }
        }
    }
    breaks(&errors_only(), &cohorts)
}

/// Users who stay, and come again and again, counted as the workers count them: one in a hundred fails half
/// of what it asks for, whichever side it is on. From `worse_at` on, `worse` of the candidate's requests
/// fail. The second of the rollback, if there is one.
fn users(mut rng: SmallRng, crowd: &Crowd) -> Option<u64> {
    let users: Vec<_> = (0..crowd.users)
        .map(|_| (rng.random::<u16>(), Client::new(&mut rng, crowd.share)))
        .collect();
    let cohorts = Cohorts::new(1, true);
    let mut guard = Guard::new(crowd.settings.clone(), Duration::ZERO);
    for second in 0..crowd.seconds {
        let now = Duration::from_secs(second);
        if second.is_multiple_of(SESSION) {
            cohorts.begin_session();
        }
        for _ in 0..PER_SECOND {
            let (name, user) = &users[rng.random_range(0..users.len())];
            let side = if user.candidate {
                Side::Candidate
            } else {
                Side::Primary
            };
            let is_worse = user.candidate && second >= crowd.worse_at;
            let bad =
                user.fails && rng.random::<bool>() || is_worse && rng.random::<f64>() < crowd.worse;
            let drawn = cohorts.draw(0, now, side, Draw::User(*name));
            let mut unit = drawn.expect("the split has drawn");
            cohorts.enter(0, &mut unit);
            let class = if bad { Class::ServerError } else { Class::Ok };
            cohorts.end(0, unit, class, 1);
        }
        guard.feed(now, &counts(&cohorts.read(second)));
        if guard.detected().is_some() {
            return Some(second);
        }
    }
    None
}

/// So many users, half an hour to a session.
struct Crowd {
    users: usize,
    share: f64,
    seconds: u64,
    worse_at: u64,
    worse: f64,
    settings: Settings,
}

const SESSION: u64 = 1_800;

fn counts(cohort: &Cohort) -> CohortCounts {
    let units = |side: &SideCounts| Units {
        n: side.n,
        bad: side.bad_in_the_end(),
        ..Units::default()
    };
    CohortCounts {
        primary: units(&cohort.primary),
        candidate: units(&cohort.candidate),
        ..CohortCounts::default()
    }
}

/// An hour without traffic after some evidence; whether anything changed.
fn silence(mut rng: SmallRng) -> bool {
    let mut guard = Guard::new(Settings::default(), Duration::ZERO);
    for second in 0..60 {
        let mut cohort = CohortCounts::default();
        for _ in 0..PER_SECOND {
            add(&mut cohort.candidate, rng.random::<f64>() < 0.01);
            add(&mut cohort.primary, rng.random::<f64>() < 0.01);
        }
        guard.feed(Duration::from_secs(second), &cohort);
    }
    let before = guard.clone();
    for second in 60..3_660 {
        guard.feed(Duration::from_secs(second), &CohortCounts::default());
    }
    guard != before
}

pub(crate) fn run(report: &mut Report) {
    for (share, errors) in [
        (0.1, 0.005),
        (0.5, 0.005),
        (0.1, 0.02),
        (0.5, 0.02),
        (0.5, 0.05),
    ] {
        let what = format!(
            "false rollback, errors of {} % late, by arrival, {} %",
            errors * 100.0,
            share * 100.0
        );
        report.share("G8", &what, (1000, 20), Often::AtMost(0.01), |rng| {
            late_errors(rng, share, errors, true)
        });
    }
    let what = "for contrast: errors of 2 % late, by completion, 10 %";
    report.share("G8", what, (1000, 20), Often::AtLeast(0.5), |rng| {
        late_errors(rng, 0.1, 0.02, false)
    });
    for share in [0.01, 0.1, 0.5] {
        let what = format!("false rollback, sticky, by session, {} %", share * 100.0);
        report.share("G9", &what, (500, 20), Often::AtMost(0.01), |rng| {
            sessions(rng, share, true)
        });
    }
    let what = "for contrast: sticky, by request, 50 %";
    report.share("G9", what, (500, 20), Often::AtLeast(0.3), |rng| {
        sessions(rng, 0.5, false)
    });
    for (share, seconds) in [(0.1, 1_000), (0.5, 1_000), (0.1, 14_400), (0.5, 14_400)] {
        let crowd = Crowd {
            users: 2_000,
            share,
            seconds,
            worse_at: u64::MAX,
            worse: 0.0,
            settings: errors_only(),
        };
        let what = format!(
            "false rollback, 2000 users, in {seconds} s, {} %",
            share * 100.0
        );
        report.share("G9", &what, (500, 20), Often::AtMost(0.01), |rng| {
            users(rng, &crowd).is_some()
        });
    }
    let crowd = Crowd {
        users: 2_000,
        share: 0.1,
        seconds: 1_200,
        worse_at: 900,
        worse: 0.05,
        settings: errors_only(),
    };
    let what = "2000 users, a quarter of an hour good, then 5 %: found within 5 min";
    report.share("G9", what, (200, 20), Often::AtLeast(0.95), |rng| {
        users(rng, &crowd).is_some()
    });
    let what = "anything changed by an hour without traffic";
    report.share("G10", what, (20, 5), Often::AtMost(0.0), silence);
}

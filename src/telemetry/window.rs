//! Figures of the last minute. Counters only rise, so every few seconds a reading is put aside,
//! and what has come since the one of a minute ago is the last minute. No clock inside.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::snapshot::{Arm, Publisher, Snapshot};
use crate::stats::{Cells, Class, HistogramTotals, Side, SideCell};

/// How far back the figures look, to within [`STEP`].
const SPAN: Duration = Duration::from_secs(60);
/// Between two readings.
const STEP: Duration = Duration::from_secs(5);

/// What a backend did for a route, or for all its routes, in the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Recent {
    /// Tries that ended, those left out that the client gave up.
    pub requests: u64,
    /// Those of them for which the backend is to blame.
    pub bad: u64,
    /// `bad` over `requests`, 0 to 1; `None` without requests.
    pub error_rate: Option<f64>,
    /// Median of the time to the end of the response, in seconds; `None` without data.
    pub p50: Option<f64>,
    /// 95th percentile of the same, in seconds.
    pub p95: Option<f64>,
}

/// Keeps readings of every side of every route. The control plane calls [`Window::tick`] once a
/// second; anyone may ask.
#[derive(Debug)]
pub struct Window {
    publisher: Publisher,
    past: Mutex<Past>,
}

#[derive(Debug, Default)]
struct Past {
    last: Option<Duration>,
    histories: Vec<History>,
}

/// The readings of one side, oldest first. At most `SPAN / STEP + 2` of some 3 kB each.
#[derive(Debug)]
struct History {
    cells: Arc<Cells<SideCell>>,
    readings: VecDeque<(Duration, Reading)>,
}

#[derive(Debug, Clone, Default)]
struct Reading {
    requests: u64,
    bad: u64,
    total: HistogramTotals,
}

impl Window {
    /// Over the snapshot in force.
    pub fn new(publisher: Publisher) -> Self {
        Self {
            publisher,
            past: Mutex::default(),
        }
    }

    /// Time has come to `now`, which is since any fixed moment.
    pub fn tick(&self, now: Duration) {
        let snapshot = self.publisher.current();
        let mut past = self.lock();
        let due = past.last.is_none_or(|last| now >= last + STEP);
        let old = std::mem::take(&mut past.histories);
        past.histories = follow(old, &snapshot, now);
        if due {
            past.last = Some(now);
            for history in &mut past.histories {
                history.read(now);
            }
        }
    }

    /// The last minute of one side of a route.
    pub fn of_arm(&self, arm: &Arm) -> Recent {
        self.of(std::iter::once(arm))
    }

    /// The last minute of a backend, over all routes of the snapshot that use it.
    pub fn of_backend(&self, snapshot: &Snapshot, backend: &str) -> Recent {
        self.of(arms(snapshot).filter(|arm| &*arm.backend.name == backend))
    }

    fn of<'a>(&self, arms: impl Iterator<Item = &'a Arm>) -> Recent {
        let past = self.lock();
        let (mut now, mut then) = (Reading::default(), Reading::default());
        for arm in arms {
            now.add(&arm.cells);
            let history = past.histories.iter().find(|history| history.is_of(arm));
            if let Some((_, oldest)) = history.and_then(|history| history.readings.front()) {
                then.merge(oldest);
            }
        }
        drop(past);
        Recent::between(&then, &now)
    }

    fn lock(&self) -> MutexGuard<'_, Past> {
        // Readings are whole or not there; a poisoned lock guards a whole state.
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn arms(snapshot: &Snapshot) -> impl Iterator<Item = &Arm> {
    let routes = snapshot.routes.iter();
    routes.flat_map(|route| Side::ALL.into_iter().filter_map(|side| route.arm(side)))
}

/// One history per side of the snapshot: the old ones that it still has, and new ones, whose cells
/// were made since the last tick and therefore began at zero.
fn follow(mut old: Vec<History>, snapshot: &Snapshot, now: Duration) -> Vec<History> {
    arms(snapshot)
        .map(
            |arm| match old.iter().position(|history| history.is_of(arm)) {
                Some(at) => old.swap_remove(at),
                None => History {
                    cells: Arc::clone(&arm.cells),
                    readings: VecDeque::from([(now, Reading::default())]),
                },
            },
        )
        .collect()
}

impl History {
    fn is_of(&self, arm: &Arm) -> bool {
        Arc::ptr_eq(&self.cells, &arm.cells)
    }

    fn read(&mut self, now: Duration) {
        let mut reading = Reading::default();
        reading.add(&self.cells);
        self.readings.push_back((now, reading));
        // Of those that are a minute old the youngest stays: it is where the minute begins.
        while self
            .readings
            .get(1)
            .is_some_and(|(then, _)| *then + SPAN <= now)
        {
            self.readings.pop_front();
        }
    }
}

impl Reading {
    fn add(&mut self, cells: &Cells<SideCell>) {
        for cell in cells.iter() {
            for (class, count) in Class::ALL.into_iter().zip(&cell.attempts) {
                if class != Class::Cancelled {
                    self.requests += count.get();
                }
                if class.is_bad() {
                    self.bad += count.get();
                }
            }
            self.total.add(&cell.total);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.bad += other.bad;
        self.total.merge(&other.total);
    }
}

impl Recent {
    fn between(then: &Reading, now: &Reading) -> Self {
        let requests = now.requests.saturating_sub(then.requests);
        let bad = now.bad.saturating_sub(then.bad);
        let total = now.total.since(&then.total);
        Self {
            requests,
            bad,
            error_rate: (requests > 0).then(|| bad as f64 / requests as f64),
            p50: total.quantile(0.5),
            p95: total.quantile(0.95),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{house, snapshot};
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn looks_back_a_minute_in_bounded_memory() {
        let house = house();
        let window = Window::new(house.publisher.clone());
        let current = house.publisher.current();
        let arm = current.routes[0].candidate.as_ref().unwrap();
        assert_eq!(window.of_arm(arm), Recent::default());
        for second in 0..300 {
            window.tick(at(second));
            // Four good tries a second, and one bad one in the first 200 seconds.
            let cell = arm.cells.of(1);
            cell.attempts[Class::Ok as usize].add(4);
            cell.attempts[Class::Reset as usize].add(u64::from(second < 200));
            cell.attempts[Class::Cancelled as usize].add(1);
            cell.total
                .record(if second < 200 { 80_000 } else { 400_000 });
            assert!(
                window
                    .lock()
                    .histories
                    .iter()
                    .all(|h| h.readings.len() <= 14)
            );
            if second == 199 {
                let recent = window.of_arm(arm);
                assert_eq!(recent.error_rate, Some(0.2));
                assert!((300..=325).contains(&recent.requests), "{recent:?}");
                assert!(recent.p95.unwrap() < 0.11);
            }
        }
        let recent = window.of_arm(arm);
        assert_eq!((recent.bad, recent.error_rate), (0, Some(0.0)));
        assert!(recent.p50.unwrap() > 0.3);
        assert_eq!(window.of_backend(&current, "vastai"), recent);
        assert_eq!(window.of_backend(&current, "legacy").requests, 0);
    }

    #[test]
    fn a_new_side_begins_at_zero_and_an_old_one_is_forgotten() {
        let house = house();
        let window = Window::new(house.publisher.clone());
        window.tick(at(0));
        let before = house.publisher.current();
        house.publisher.publish(snapshot(2, &before));
        window.tick(at(1));
        let after = house.publisher.current();
        let arm = &after.routes[1].primary;
        arm.cells.of(0).attempts[Class::Ok as usize].add(3);
        assert_eq!(window.of_arm(arm).requests, 3);
        assert_eq!(window.lock().histories.len(), 4);
        house.publisher.publish(snapshot(1, &after));
        window.tick(at(2));
        assert_eq!(window.lock().histories.len(), 2);
    }
}

//! From counters that only rise to figures of the last few seconds.

use std::collections::VecDeque;
use std::time::Duration;

use super::table::SideView;
use crate::policy::Phase;
use crate::stats::{Cells, Class, HistogramTotals, SideCell};

/// Rates and percentiles look back this far: long enough to be steady, short enough that a command shows.
const WINDOW: Duration = Duration::from_secs(5);

/// The counters of one side at one moment.
#[derive(Debug, Clone, Default)]
pub struct SideReading {
    /// Tries sent to the backend that have ended, those that the client gave up left out.
    pub tries: u64,
    /// Those of them for which the backend is to blame.
    pub bad: u64,
    /// Requests that left this side.
    pub fallbacks: u64,
    /// Tries on their way.
    pub in_flight: u64,
    /// From the start of an exchange to the end of its body.
    pub total: HistogramTotals,
}

impl SideReading {
    /// The sum over all workers.
    pub fn of(cells: &Cells<SideCell>) -> Self {
        let mut sum = Self::default();
        for cell in cells.iter() {
            for (class, count) in Class::ALL.iter().zip(&cell.attempts) {
                sum.tries += count.get();
                if class.is_bad() {
                    sum.bad += count.get();
                }
            }
            sum.fallbacks += cell.fallbacks.iter().map(|count| count.get()).sum::<u64>();
            sum.in_flight += u64::try_from(cell.in_flight.get()).unwrap_or(0);
            sum.total.add(&cell.total);
        }
        sum
    }
}

/// One side as the caller of the demo sees it now.
#[derive(Debug, Clone)]
pub struct SideObserved {
    /// Its backend.
    pub backend: String,
    /// Its counters since the start.
    pub reading: SideReading,
    /// The breaker of its (only) endpoint.
    pub breaker: Phase,
}

/// Remembers the readings of one side.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Oldest first, with the time since the start of the demo.
    past: VecDeque<(Duration, SideReading)>,
}

impl Meter {
    /// Takes a reading and gives the row of the table.
    pub(super) fn row(&mut self, now: Duration, side: SideObserved) -> SideView {
        let reading = side.reading;
        // Of those older than the window the newest one stays: it is the far end of the comparison.
        while self
            .past
            .get(1)
            .is_some_and(|(then, _)| *then + WINDOW <= now)
        {
            self.past.pop_front();
        }
        let (then, before) = match self.past.front() {
            Some((then, before)) => (*then, before.clone()),
            None => (Duration::ZERO, SideReading::default()),
        };
        let tries = reading.tries.saturating_sub(before.tries);
        let bad = reading.bad.saturating_sub(before.bad);
        let seconds = now.saturating_sub(then).as_secs_f64();
        let recent = reading.total.since(&before.total);
        let quantile = |q| recent.quantile(q).map(Duration::from_secs_f64);
        let row = SideView {
            backend: side.backend,
            requests: reading.tries,
            rate: if seconds > 0.0 {
                tries as f64 / seconds
            } else {
                0.0
            },
            error_percent: (tries > 0).then(|| 100.0 * bad as f64 / tries as f64),
            p50: quantile(0.5),
            p95: quantile(0.95),
            fallbacks: reading.fallbacks,
            in_flight: reading.in_flight,
            breaker: side.breaker,
        };
        self.past.push_back((now, reading));
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(reading: SideReading) -> SideObserved {
        SideObserved {
            backend: "legacy".to_owned(),
            reading,
            breaker: Phase::Closed,
        }
    }

    #[test]
    fn cells_of_all_workers_are_summed() {
        let cells: Cells<SideCell> = Cells::new(2);
        cells.of(0).attempts[0].add(3);
        cells.of(1).attempts[0].add(4);
        let blamed = Class::ALL.iter().position(|class| class.is_bad()).unwrap();
        cells.of(1).attempts[blamed].add(1);
        cells.of(0).fallbacks[0].add(2);
        cells.of(1).in_flight.up();
        cells.of(1).total.record(80_000);
        let sum = SideReading::of(&cells);
        assert_eq!(
            (sum.tries, sum.bad, sum.fallbacks, sum.in_flight),
            (8, 1, 2, 1)
        );
        assert_eq!(sum.total.count(), 1);
    }

    #[test]
    fn figures_are_those_of_the_window() {
        let mut meter = Meter::default();
        let at = Duration::from_secs;
        let reading = |tries, bad| SideReading {
            tries,
            bad,
            ..SideReading::default()
        };
        let row = meter.row(at(0), side(reading(0, 0)));
        assert_eq!((row.rate, row.error_percent, row.p50), (0.0, None, None));
        for second in 1..=20_u64 {
            // Twenty good ones a second, and from the tenth on only bad ones.
            let bad = 20 * u64::saturating_sub(second, 10);
            let row = meter.row(at(second), side(reading(20 * second, bad)));
            assert!((row.rate - 20.0).abs() < 1e-9, "{second}: {}", row.rate);
        }
        let row = meter.row(at(21), side(reading(420, 220)));
        assert_eq!(row.error_percent, Some(100.0));
        assert_eq!(row.requests, 420);
        assert!(meter.past.len() <= 7);
    }
}

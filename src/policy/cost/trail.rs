//! What has come in the last minutes, of counts that only rise: readings that are put aside.

use std::collections::VecDeque;
use std::time::Duration;

/// What can be told apart by subtraction.
pub trait Add: Copy {
    /// What has come since an earlier one.
    #[must_use]
    fn since(self, earlier: Self) -> Self;
}

impl Add for f64 {
    fn since(self, earlier: Self) -> Self {
        (self - earlier).max(0.0)
    }
}

/// Readings over a span, the oldest first, a step apart: at most `span / step + 2` of them.
#[derive(Debug, Clone)]
pub struct Trail<T> {
    span: Duration,
    step: Duration,
    readings: VecDeque<(Duration, T)>,
}

impl<T: Add> Trail<T> {
    /// Begins with a first reading.
    pub fn new(span: Duration, step: Duration, now: Duration, first: T) -> Self {
        Self {
            span,
            step,
            readings: VecDeque::from([(now, first)]),
        }
    }

    /// Puts a reading aside, if a step has begun since the last one: all trails with the same step do so at
    /// the same time.
    pub fn note(&mut self, now: Duration, reading: T) {
        let step = |time: Duration| time.as_nanos() / self.step.as_nanos().max(1);
        let last = self.readings.back();
        if last.is_some_and(|(then, _)| step(now) <= step(*then)) {
            return;
        }
        self.readings.push_back((now, reading));
        // Of those that are older than the span the youngest stays: it is where the span begins.
        while self
            .readings
            .get(1)
            .is_some_and(|(then, _)| *then + self.span <= now)
        {
            self.readings.pop_front();
        }
    }

    /// What has come in the span, to within a step; since the beginning, if that is shorter.
    pub fn come(&self, reading: T) -> T {
        let oldest = self.readings.front();
        oldest.map_or(reading, |(_, oldest)| reading.since(*oldest))
    }

    /// When what is told began.
    pub fn begins(&self) -> Option<Duration> {
        self.readings.front().map(|(then, _)| *then)
    }
}

/// Dollars for 1000 good requests of one side: what the whole backend has cost, times the side's part of
/// the time in which it was busy. Idle time is paid by those who used the rest. `None` if there was nothing good.
pub fn per_1000(cost: f64, busy: f64, busy_of_all: f64, good: u64) -> Option<f64> {
    if good == 0 || busy_of_all <= 0.0 {
        return None;
    }
    let part = (busy / busy_of_all).clamp(0.0, 1.0);
    Some(cost * part / good as f64 * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn looks_back_over_its_span_in_bounded_memory() {
        let mut trail = Trail::new(at(300), at(10), at(0), 0.0);
        assert_eq!(trail.come(7.0), 7.0);
        for second in 0..2_000 {
            trail.note(at(second), second as f64 * 2.0);
            assert!(trail.readings.len() <= 32);
        }
        let come = trail.come(2_000.0 * 2.0);
        assert!((600.0..=640.0).contains(&come), "{come}");
        // A count that was reset is no debt.
        assert_eq!(trail.come(0.0), 0.0);
    }

    #[test]
    fn by_hand() {
        // 3.2 $/h for five minutes, all of it for one side with 400 requests: 0.2666.. / 400 * 1000.
        let cost = 3.2 / 12.0;
        let near = |is: Option<f64>, meant: f64| {
            assert!((is.unwrap() - meant).abs() < 1e-9, "{is:?}");
        };
        near(per_1000(cost, 80.0, 80.0, 400), 2.0 / 3.0);
        // Busy for a second or for all the time: alone it pays all.
        near(per_1000(cost, 1.0, 1.0, 400), 2.0 / 3.0);
        // Two routes share it, 3 to 1.
        near(per_1000(cost, 60.0, 80.0, 400), 0.5);
        near(per_1000(cost, 20.0, 80.0, 400), 1.0 / 6.0);
        // A quarter was lost to retries: 60 of 80 for requests.
        near(per_1000(1.0, 60.0, 80.0, 1), 750.0);
        // Free is free, and nothing good is no figure.
        near(per_1000(0.0, 60.0, 80.0, 10), 0.0);
        assert_eq!(per_1000(1.0, 60.0, 80.0, 0), None);
        assert_eq!(per_1000(1.0, 0.0, 0.0, 10), None);
    }
}

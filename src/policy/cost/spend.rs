//! What was spent in the last hour and the last day: a bucket for each minute, in fixed memory.

use std::time::Duration;

/// The window of `per_hour`.
pub const HOUR: Duration = Duration::from_secs(3_600);
/// The window of `per_day`.
pub const DAY: Duration = Duration::from_secs(86_400);

const MINUTE: f64 = 60.0;
/// A day, and the minute in which it began.
const BUCKETS: usize = 24 * 60 + 1;

/// Dollars by the minute. Times are since 1970 on a clock that never goes back; what is older than a day
/// is forgotten. A window ends now and begins within a minute, of which the part counts that lies in
/// it: for money that flows evenly that is exact, else within what was spent in that minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Spend {
    /// By the minute's number, modulo [`BUCKETS`].
    buckets: Box<[f64]>,
    /// The number of the last minute that was written.
    newest: u64,
}

impl Default for Spend {
    fn default() -> Self {
        Self {
            buckets: vec![0.0; BUCKETS].into(),
            newest: 0,
        }
    }
}

impl Spend {
    /// From what was kept: the minutes from `first` on, without gaps. Those that are too old are left out.
    pub fn from_minutes(first: u64, dollars: &[f64]) -> Self {
        let mut spend = Self::default();
        for (minute, dollars) in (first..).zip(dollars) {
            spend.move_to(minute);
            spend.add(minute, *dollars);
        }
        spend
    }

    /// The minutes from the first in which something was spent to the last, for keeping.
    pub fn minutes(&self) -> (u64, Vec<f64>) {
        let all = self.oldest()..=self.newest;
        let first = all.clone().find(|minute| self.of(*minute) > 0.0);
        let first = first.unwrap_or(self.newest);
        let kept = all.skip_while(|minute| *minute < first);
        (first, kept.map(|minute| self.of(minute)).collect())
    }

    /// Money flows at this rate from one moment to another. What is older than the newest minute is taken
    /// for now.
    pub fn flow(&mut self, from: Duration, to: Duration, dollars_per_hour: f64) {
        let end = to.as_secs_f64();
        // Older than a day would be forgotten at once.
        let mut at = from.as_secs_f64().max(end - DAY.as_secs_f64());
        while at < end {
            let minute = (at / MINUTE).floor();
            let next = ((minute + 1.0) * MINUTE).min(end);
            if next <= at {
                // So far from 1970 that a minute is nothing.
                break;
            }
            self.move_to(minute as u64);
            self.add(minute as u64, dollars_per_hour * (next - at) / 3_600.0);
            at = next;
        }
        self.move_to((end / MINUTE) as u64);
    }

    /// What was spent in this time up to now, at most a day.
    pub fn within(&self, now: Duration, span: Duration) -> f64 {
        let end = now.as_secs_f64();
        let start = (end - span.as_secs_f64().min(DAY.as_secs_f64())).max(0.0);
        let first = (start / MINUTE).floor();
        let outside = start / MINUTE - first;
        let first = first as u64;
        let later = (first + 1).max(self.oldest())..=self.newest;
        let later = later.map(|minute| self.of(minute));
        later.sum::<f64>() + self.of(first) * (1.0 - outside)
    }

    /// The last minute that was written.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The first minute that is known.
    fn oldest(&self) -> u64 {
        self.newest.saturating_sub(BUCKETS as u64 - 1)
    }

    fn of(&self, minute: u64) -> f64 {
        if minute > self.newest || minute < self.oldest() {
            return 0.0;
        }
        let bucket = self.buckets.get((minute % BUCKETS as u64) as usize);
        bucket.copied().unwrap_or(0.0)
    }

    fn add(&mut self, minute: u64, dollars: f64) {
        let minute = minute.max(self.newest);
        if let Some(bucket) = self.buckets.get_mut((minute % BUCKETS as u64) as usize) {
            *bucket += dollars;
        }
    }

    /// Empties the buckets of the minutes that have begun since.
    fn move_to(&mut self, minute: u64) {
        if minute <= self.newest {
            return;
        }
        let begun = (minute - self.newest).min(BUCKETS as u64);
        for minute in minute + 1 - begun..=minute {
            if let Some(bucket) = self.buckets.get_mut((minute % BUCKETS as u64) as usize) {
                *bucket = 0.0;
            }
        }
        self.newest = minute;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(1_779_999_960.0 + seconds)
    }

    fn near(is: f64, meant: f64) {
        assert!((is - meant).abs() < 1e-6, "{is} is not {meant}");
    }

    #[test]
    fn an_even_flow_is_exact_in_both_windows() {
        let mut spend = Spend::default();
        for second in 0..3 * 86_400 {
            let second = f64::from(second);
            spend.flow(at(second), at(second + 1.0), 3.2);
        }
        let now = at(3.0 * 86_400.0);
        near(spend.within(now, HOUR), 3.2);
        near(spend.within(now, DAY), 76.8);
        near(spend.within(now, Duration::from_secs(300)), 3.2 / 12.0);
    }

    #[test]
    fn what_is_past_leaves_the_window() {
        let mut spend = Spend::default();
        // Half an hour at 6 dollars is 3 dollars.
        spend.flow(at(0.0), at(1_800.0), 6.0);
        near(spend.within(at(1_800.0), HOUR), 3.0);
        near(spend.within(at(3_600.0), HOUR), 3.0);
        near(spend.within(at(4_500.0), HOUR), 1.5);
        near(spend.within(at(5_460.0), HOUR), 0.0);
        near(spend.within(at(5_460.0), DAY), 3.0);
        // Time without money: the window moves all the same.
        spend.flow(at(1_800.0), at(90_000.0), 0.0);
        near(spend.within(at(90_000.0), DAY), 0.0);
    }

    #[test]
    fn one_long_flow_is_as_many_short_ones() {
        let (mut one, mut many) = (Spend::default(), Spend::default());
        one.flow(at(17.3), at(7_717.3), 0.9);
        for step in 0..770 {
            let from = 17.3 + 10.0 * f64::from(step);
            many.flow(at(from), at(from + 10.0), 0.9);
        }
        near(
            one.within(at(7_717.3), HOUR),
            many.within(at(7_717.3), HOUR),
        );
        near(one.within(at(7_717.3), DAY), 0.9 * 7_700.0 / 3_600.0);
    }

    #[test]
    fn a_time_beyond_a_day_costs_no_more_work_than_a_day() {
        let mut spend = Spend::default();
        spend.flow(Duration::ZERO, at(0.0), 1.0);
        near(spend.within(at(0.0), DAY), 24.0);
        // Backwards: nothing.
        spend.flow(at(0.0), at(-100.0), 1.0);
        near(spend.within(at(0.0), DAY), 24.0);
    }

    #[test]
    fn what_is_kept_is_what_was_spent() {
        let mut spend = Spend::default();
        assert_eq!(spend.minutes(), (0, vec![0.0]));
        spend.flow(at(0.0), at(500.0), 7.0);
        let (first, minutes) = spend.minutes();
        assert_eq!(minutes.len(), 9);
        let again = Spend::from_minutes(first, &minutes);
        near(again.within(at(500.0), DAY), spend.within(at(500.0), DAY));
        // Anything that a file can say.
        let many = vec![1.0; 5_000];
        near(
            Spend::from_minutes(0, &many).within(Duration::from_secs(5_000 * 60), DAY),
            1_440.0,
        );
        let far = Spend::from_minutes(u64::MAX / 2, &[1.0]);
        assert_eq!(far.newest(), u64::MAX / 2);
        near(far.within(at(0.0), DAY), 1.0);
    }

    proptest! {
        /// Against the plain sum of all flows, cut to the window: wrong by less than what came in the
        /// minute in which the window begins.
        #[test]
        fn a_window_is_the_sum_of_what_flowed_in_it(
            flows in prop::collection::vec((0.0..4_000.0f64, 0.0..50.0f64), 1..60),
            rest in 0.0..4_000.0f64,
        ) {
            let mut spend = Spend::default();
            let (mut now, mut pieces) = (0.0, Vec::new());
            for (span, rate) in flows {
                spend.flow(at(now), at(now + span), rate);
                pieces.push((now, now + span, rate));
                now += span;
            }
            now += rest;
            let sum = |from: f64, to: f64| -> f64 {
                let cut = pieces.iter().map(|(begin, end, rate)| {
                    (end.min(to) - begin.max(from)).max(0.0) * rate / 3_600.0
                });
                cut.sum()
            };
            for span in [HOUR, DAY] {
                let start = now - span.as_secs_f64();
                let is = spend.within(at(now), span);
                let meant = sum(start, now);
                let slack = sum(start - 60.0, start + 60.0) + 1e-6;
                prop_assert!((is - meant).abs() <= slack, "{is} is not {meant} by {slack}");
                prop_assert!(is >= 0.0);
            }
        }
    }
}

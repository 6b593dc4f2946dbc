//! Whether a price that is found out has been low for long enough to be believed.

use std::collections::VecDeque;
use std::time::Duration;

/// For so long a price must have been known and low before a cap goes. A row without its price, an empty
/// list, or an instance that is outbid and comes back is over by then, and a percent that has risen cannot
/// be called back by the budget. It also bounds how often caps come and go while a price swings.
pub const CALM: Duration = Duration::from_secs(300);

/// The most that a price was in the last minutes. Its memory is bounded by a reading for each look in
/// [`CALM`].
#[derive(Debug, Clone, Default)]
pub struct Calm {
    /// It is known without a break since then.
    since: Option<Duration>,
    /// What can still be the most, falling.
    peaks: VecDeque<(Duration, f64)>,
}

impl Calm {
    /// One look; `None` while nobody knows the price.
    pub fn look(&mut self, now: Duration, rate: Option<f64>) {
        let Some(rate) = rate else {
            *self = Self::default();
            return;
        };
        self.since.get_or_insert(now);
        while self.peaks.back().is_some_and(|(_, peak)| *peak <= rate) {
            self.peaks.pop_back();
        }
        self.peaks.push_back((now, rate));
        let is_past = |then: Duration| now.saturating_sub(then) > CALM;
        while self.peaks.front().is_some_and(|(then, _)| is_past(*then)) {
            self.peaks.pop_front();
        }
    }

    /// The most that it was in the last minutes; `None` unless it was known all the time.
    pub fn most(&self, now: Duration) -> Option<f64> {
        let known = now.saturating_sub(self.since?);
        let (_, most) = self.peaks.front()?;
        (known >= CALM).then_some(*most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_gap_or_peak_begins_the_time_anew() {
        let mut calm = Calm::default();
        assert_eq!(calm.most(at(0)), None);
        for second in 0..300 {
            calm.look(at(second), Some(4.0));
            assert_eq!(calm.most(at(second)), None, "{second}");
        }
        calm.look(at(300), Some(3.0));
        assert_eq!(calm.most(at(300)), Some(4.0));
        calm.look(at(301), Some(6.0));
        assert_eq!(calm.most(at(301)), Some(6.0));
        calm.look(at(601), Some(0.0));
        assert_eq!(calm.most(at(601)), Some(6.0));
        calm.look(at(602), Some(0.0));
        assert_eq!(calm.most(at(602)), Some(0.0));
        calm.look(at(603), None);
        assert_eq!(calm.most(at(603)), None);
        calm.look(at(604), Some(0.0));
        assert_eq!(calm.most(at(604)), None);
    }

    proptest! {
        #[test]
        fn it_is_the_most_of_the_last_minutes(rates in prop::collection::vec(prop::option::weighted(0.999, 0.0..9.0f64), 1..900)) {
            let mut calm = Calm::default();
            for (second, rate) in rates.iter().enumerate() {
                calm.look(at(second as u64), *rate);
                prop_assert!(calm.peaks.len() <= 301);
                let whole = second.checked_sub(300).and_then(|first| rates.get(first..=second));
                let meant = whole.and_then(|whole| whole.iter().copied().try_fold(0.0, |most: f64, rate| Some(most.max(rate?))));
                prop_assert_eq!(calm.most(at(second as u64)), meant);
            }
        }
    }
}

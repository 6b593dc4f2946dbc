//! How long a backend was kept busy, as it is seen from outside: tries that have ended have said how long
//! they took, and those that run are looked at once a second.

/// The busy time of one side of one route, in seconds of tries: two tries at a time make two in a second.
/// A long stream counts while it runs, and not again when it ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Busy {
    ended: f64,
    running: i64,
    /// Told already of tries that still run.
    ahead: f64,
}

impl Busy {
    /// Counting begins: what has ended before is left out.
    pub fn new(ended: f64, running: i64) -> Self {
        Self {
            ended,
            running: running.max(0),
            ahead: 0.0,
        }
    }

    /// One look, `span` seconds after the last one: the time of all tries that ended so far, and how many
    /// run. Gives the busy time that has come since the last look.
    pub fn look(&mut self, ended: f64, running: i64, span: f64) -> f64 {
        let running = running.max(0);
        let come = (ended - self.ended).max(0.0);
        // As many as were there at both looks may have run through. Short ones that were not the same are
        // set off against what ends.
        let through = self.running.min(running) as f64 * span;
        let ahead = match running {
            0 => 0.0,
            _ => (self.ahead + through - come).max(0.0),
        };
        let told = (come + ahead - self.ahead).max(0.0);
        *self = Self {
            ended,
            running,
            ahead,
        };
        told
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_tries_count_when_they_end() {
        let mut busy = Busy::new(100.0, 0);
        assert_eq!(busy.look(100.0, 0, 1.0), 0.0);
        assert_eq!(busy.look(102.5, 0, 1.0), 2.5);
        assert_eq!(busy.look(102.5, 0, 1.0), 0.0);
    }

    #[test]
    fn a_long_one_counts_while_it_runs_and_not_again() {
        let mut busy = Busy::new(0.0, 0);
        assert_eq!(busy.look(0.0, 1, 1.0), 0.0);
        for _ in 0..10 {
            assert_eq!(busy.look(0.0, 1, 1.0), 1.0);
        }
        // It ran for half a second before it was first seen, and half a one after it was last seen.
        assert_eq!(busy.look(11.0, 0, 1.0), 1.0);
    }

    #[test]
    fn many_at_once() {
        let mut busy = Busy::new(0.0, 4);
        assert_eq!(busy.look(0.0, 4, 2.0), 8.0);
        // Two end that took what was counted; the others run on, and what they did is counted once.
        assert_eq!(busy.look(2.0 * 2.0, 2, 2.0), 4.0);
        assert_eq!(busy.look(2.0 * 2.0, 2, 2.0), 4.0);
        assert_eq!(busy.look(2.0 * 2.0 + 2.0 * 6.5, 0, 2.0), 1.0);
    }

    proptest! {
        /// Whatever runs: all that has ended is told, and when nothing runs, no more than that and what ran
        /// through two looks.
        #[test]
        fn in_the_end_all_is_told(tries in prop::collection::vec((0.0..100.0f64, 0.0..30.0f64), 1..80)) {
            let mut busy = Busy::new(0.0, 0);
            let mut told = 0.0;
            for look in 0..140 {
                let now = f64::from(look);
                let ended: f64 = tries.iter().filter(|(at, took)| at + took <= now).map(|(_, took)| took).sum();
                let running = tries.iter().filter(|(at, took)| *at <= now && at + took > now).count();
                let true_time: f64 = tries.iter().map(|(at, took)| (now - at).clamp(0.0, *took)).sum();
                told += busy.look(ended, running as i64, 1.0);
                prop_assert!(told >= ended - 1e-6);
                // What short tries hide of each other is at most two seconds for each.
                prop_assert!((told - true_time).abs() <= 2.0 * tries.len() as f64);
            }
            let all: f64 = tries.iter().map(|(_, took)| took).sum();
            prop_assert!(told >= all - 1e-6);
        }
    }
}

//! Which share was in force in a second that is read half a minute later.

use std::collections::VecDeque;

/// The last changes, the oldest first. The first one holds for all time before it, too.
#[derive(Debug)]
pub(super) struct Timeline(VecDeque<(u64, u16)>);

impl Timeline {
    /// With this share from the beginning.
    pub(super) fn new(hundredths: u16) -> Self {
        Self(VecDeque::from([(0, hundredths)]))
    }

    /// From this second on, another share.
    pub(super) fn change(&mut self, second: u64, hundredths: u16) {
        self.0.push_back((second, hundredths));
    }

    /// The share of a whole second; `None` if it changed in the middle.
    pub(super) fn share_of(&self, second: u64) -> Option<u16> {
        if self.0.iter().any(|(at, _)| *at == second && *at > 0) {
            return None;
        }
        let before = self.0.iter().rev().find(|(at, _)| *at <= second);
        before.or(self.0.front()).map(|(_, share)| *share)
    }

    /// The share at present.
    pub(super) fn share(&self) -> u16 {
        self.0.back().map_or(0, |(_, share)| *share)
    }

    /// Seconds before this one will not be asked for again.
    pub(super) fn forget_before(&mut self, second: u64) {
        while self.0.len() > 1 && self.0[1].0 < second {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_the_share_that_it_had_throughout() {
        let mut timeline = Timeline::new(0);
        timeline.change(5, 100);
        timeline.change(7, 500);
        timeline.change(7, 2_500);
        let shares: Vec<_> = (3..10).map(|second| timeline.share_of(second)).collect();
        let (none, some) = (None, |share| Some(share));
        let expected = [0, 0].map(some);
        assert_eq!(shares[..2], expected);
        assert_eq!(
            shares[2..],
            [none, some(100), none, some(2_500), some(2_500)]
        );
        assert_eq!(timeline.share(), 2_500);
        timeline.forget_before(8);
        assert_eq!(timeline.share_of(9), Some(2_500));
        assert_eq!(timeline.0.len(), 1);
    }
}

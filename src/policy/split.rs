//! The split: one draw, one integer compare. A draw is either a keyed hash of a sticky key or an
//! independent random number; the candidate gets every draw below the threshold. Raising the
//! percent raises the threshold, so keys only ever move from primary to candidate, and lowering
//! it sends back those that moved last.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::stats::Side;

/// The share of the candidate, as a threshold for 64-bit draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    hundredths: u16,
    threshold: u64,
}

impl Split {
    /// From hundredths of a percent; more than 10 000 counts as 10 000.
    pub fn new(hundredths: u16) -> Self {
        let hundredths = hundredths.min(10_000);
        // Draws are compared without their lowest bit, so that 100 % is a number too.
        let threshold = ((u128::from(hundredths) << 63) / 10_000) as u64;
        Self {
            hundredths,
            threshold,
        }
    }

    /// The share in hundredths of a percent.
    pub fn hundredths(self) -> u16 {
        self.hundredths
    }

    /// Whether the candidate may serve at all.
    pub fn is_open(self) -> bool {
        self.hundredths > 0
    }

    /// Where a draw stands, in whole hundredths of a percent from 0 to 9999: every share above that
    /// gives it to the candidate.
    pub fn place(draw: u64) -> u16 {
        ((u128::from(draw >> 1) * 10_000) >> 63) as u16
    }

    /// The side for a draw, which is uniform over all 64-bit numbers.
    pub fn choose(self, draw: u64) -> Side {
        if draw >> 1 < self.threshold {
            Side::Candidate
        } else {
            Side::Primary
        }
    }
}

/// The key of the sticky hash. Routes with the same salt move the same keys together; with
/// different salts their choices are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(u64, u64);

impl Salt {
    /// Derived from a text by two `SipHash`-2-4 runs under fixed keys: the same on every machine
    /// and in every version, so replicas agree and a restart moves nobody.
    pub fn new(text: &str) -> Self {
        let half = |which: u64| {
            let mut hasher = SipHasher24::new_with_keys(0x6669_6773_6869_6674, which);
            hasher.write(text.as_bytes());
            hasher.finish()
        };
        Self(half(1), half(2))
    }

    /// The draw of a key: `SipHash`-2-4 of its bytes.
    pub fn draw(self, key: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.0, self.1);
        hasher.write(key);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_are_exact() {
        for draw in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            assert_eq!(Split::new(0).choose(draw), Side::Primary);
            assert_eq!(Split::new(10_000).choose(draw), Side::Candidate);
            assert_eq!(Split::new(u16::MAX).choose(draw), Side::Candidate);
        }
    }

    /// Replicas and later versions must agree on these, or a release would move users. The values
    /// come from an independent implementation, checked against `SipHash`'s published vector.
    #[test]
    fn the_hash_is_a_promise() {
        assert_eq!(Salt::new("chat").draw(b"user-1"), 4_877_819_999_258_139_190);
        assert_eq!(Salt::new("chat").draw(b""), 17_645_785_302_678_055_652);
        assert_eq!(Salt::new("").draw(b"user-1"), 9_393_920_666_175_175_881);
    }

    #[test]
    fn share_is_within_four_sigma() {
        let salt = Salt::new("share");
        for hundredths in [1, 100, 2_500, 5_000, 9_999] {
            let split = Split::new(hundredths);
            let n = 200_000u32;
            let p = f64::from(hundredths) / 10_000.0;
            let hits = (0..n)
                .filter(|key| split.choose(salt.draw(&key.to_le_bytes())) == Side::Candidate)
                .count() as f64;
            let sigma = (f64::from(n) * p * (1.0 - p)).sqrt();
            assert!(
                (hits - f64::from(n) * p).abs() <= 4.0 * sigma,
                "{hundredths}: {hits}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_place_of_a_draw_tells_its_side(hundredths in 0u16..=10_000, draw in any::<u64>()) {
            let place = Split::place(draw);
            prop_assert!(place < 10_000);
            let side = Split::new(hundredths).choose(draw);
            prop_assert_eq!(side == Side::Candidate, place < hundredths);
        }

        #[test]
        fn raising_only_moves_to_the_candidate(
            a in 0u16..=10_000, b in 0u16..=10_000,
            salt in ".{0,12}", keys in proptest::collection::vec(any::<Vec<u8>>(), 1..50),
        ) {
            let (low, high) = (Split::new(a.min(b)), Split::new(a.max(b)));
            let salt = Salt::new(&salt);
            for key in &keys {
                let draw = salt.draw(key);
                prop_assert_eq!(draw, salt.draw(key));
                if low.choose(draw) == Side::Candidate {
                    prop_assert_eq!(high.choose(draw), Side::Candidate);
                }
            }
        }

        #[test]
        fn lowering_sends_back_the_newest_first(
            steps in proptest::collection::vec(0u16..=10_000, 1..8), key in any::<u64>(),
        ) {
            // The lowest percent at which a draw is the candidate's decides alone: it depends on
            // the draw, never on the way by which a percent was reached.
            let entry = (0..=10_000).find(|p| Split::new(*p).choose(key) == Side::Candidate);
            for percent in steps {
                let side = Split::new(percent).choose(key);
                prop_assert_eq!(side == Side::Candidate, entry.is_some_and(|e| percent >= e));
            }
        }
    }
}

//! The one formula. It turns a batch of outcomes into a factor of evidence: what a stake of 1
//! becomes when it is bet, at fair or worse odds, against the claim that is tested. While the
//! claim is true no way of betting makes the stake grow on average, so a stake that has become a
//! hundredfold is evidence at 1 in 100, at whatever moment one looks (Ville's inequality).
//!
//! With `n1`, `n0` bad and good units of the candidate, `l1`, `l0` of the primary, `r = n/l`, a
//! margin `δ`, and any centre `q` and bet `λ` that are fixed before the outcomes are seen:
//!
//! ```text
//! e = (1 + λ(1−q−δ))^n1 · (1 − λ(q+δ))^n0 · (1 − λr(1−q))^l1 · (1 + λrq)^l0
//! ```
//!
//! From `1+x ≤ exp x` and outcomes that are independent given the split,
//! `E[e] ≤ exp(λ n (p_new − p_leg − δ))` with the mean rates *of this batch*. For `λ > 0` that is
//! at most 1 whenever the candidate is not worse by more than `δ`; for `λ < 0` whenever it is worse
//! by at least `δ`. Rates may move as they like between batches: only units from the same time
//! are compared. At `δ = 0` this is the two-sample safe test of Turner, Ly and Grünwald.

use super::counts::{Pair, Tally};

/// How much worse the candidate might be, as odds ratios that are bet on at once. They reach from
/// "half as many again" to "everything fails".
pub(super) const WORSE: [f64; 6] = [1.5, 2.5, 5.0, 12.0, 40.0, 250.0];
/// How far below the margin the candidate might be, as odds ratios against rate plus margin.
pub(super) const NOT_WORSE: [f64; 5] = [0.8, 0.6, 0.4, 0.15, 0.03];
/// No single unit may take more than this part of a stake.
const MOST: f64 = 0.95;
/// Keeps the centre away from 0 and 1, where logarithms end.
const EDGE: f64 = 1e-6;

/// The natural logarithm of a batch's factor against one alternative: the candidate's odds are
/// `odds` times those of the rate `primary_rate + margin`. Above 1 it bets on "worse", below 1 on
/// "not worse". `primary_rate` must come from earlier batches; it steers power, never validity.
/// Zero when a side is empty.
pub(super) fn log_factor(pair: Pair, primary_rate: f64, margin: f64, odds: f64) -> f64 {
    let Pair { candidate, primary } = pair;
    if candidate.n == 0 || primary.n == 0 {
        return 0.0;
    }
    let (n, l) = (candidate.n as f64, primary.n as f64);
    let ratio = n / l;
    let alternative = at_odds(primary_rate + margin, odds);
    // Close to the point of the claim that is hardest to tell from the alternative. Sizes of the
    // sides are known before the outcomes, so they may be used.
    let centre = (n * (alternative - margin) + l * primary_rate) / (n + l);
    let q = centre.min(1.0 - margin - EDGE).max(EDGE);
    let c = q + margin;
    let wish = (alternative - c) / (c * (1.0 - c));
    // The sign is what makes it fair, so it follows from the question and not from the estimate:
    // near a rate of 1 the clamped centre may lie on the other side of the alternative.
    let bet = if odds > 1.0 {
        wish.max(0.0).min(MOST / c).min(MOST / (ratio * (1.0 - q)))
    } else {
        wish.min(0.0)
            .max(-MOST / (1.0 - c))
            .max(-MOST / (ratio * q))
    };
    log_returns(candidate, bet * (1.0 - c), -bet * c)
        + log_returns(primary, -bet * ratio * (1.0 - q), bet * ratio * q)
}

/// The same against a fixed limit, without a primary: the claim is "the rate is at most `limit`".
pub(super) fn log_factor_against(limit: f64, tally: Tally, odds: f64) -> f64 {
    let limit = limit.clamp(EDGE, 1.0 - EDGE);
    let wish = (at_odds(limit, odds) - limit) / (limit * (1.0 - limit));
    let bet = wish.max(0.0).min(MOST / limit);
    log_returns(tally, bet * (1.0 - limit), -bet * limit)
}

/// The rate whose odds are `odds` times those of `rate`.
pub(super) fn at_odds(rate: f64, odds: f64) -> f64 {
    let rate = rate.clamp(1e-9, 1.0 - 1e-9);
    let odds = rate / (1.0 - rate) * odds;
    odds / (1.0 + odds)
}

/// The logarithm of what a stake becomes when each bad unit returns `1 + bad` and each good one
/// `1 + good`.
fn log_returns(tally: Tally, bad: f64, good: f64) -> f64 {
    let part = |n: u64, x: f64| if n == 0 { 0.0 } else { n as f64 * x.ln_1p() };
    part(tally.bad, bad) + part(tally.good(), good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(n1: u64, n0: u64, l1: u64, l0: u64) -> Pair {
        Pair {
            candidate: Tally::new(n1, n1 + n0),
            primary: Tally::new(l1, l1 + l0),
        }
    }

    /// Values of the formula from an independent implementation.
    #[test]
    fn golden_vectors() {
        for (counts, rate, margin, odds, expected) in [
            ([1, 9, 5, 985], 0.005, 0.0, 2.5, 0.827_336_924),
            ([0, 10, 5, 985], 0.005, 0.0, 2.5, -0.074_174_121),
            ([3, 7, 5, 985], 0.005, 0.0, 40.0, 8.655_586_005),
            ([1, 99, 1, 99], 0.01, 0.001, 5.0, -0.672_726_320),
            ([0, 200, 1, 199], 0.005, 0.005, 0.4, 0.785_461_704),
            ([2, 198, 1, 199], 0.005, 0.005, 0.4, -0.331_189_041),
            ([5, 0, 0, 5], 0.0099, 0.0, 250.0, 5.495_528_767),
            ([2, 3, 1, 0], 0.005, 0.0, 2.5, -0.598_151_032),
        ] {
            let [n1, n0, l1, l0] = counts;
            let got = log_factor(pair(n1, n0, l1, l0), rate, margin, odds);
            assert!((got - expected).abs() <= 1e-9, "{counts:?}: {got}");
        }
        for (n1, n0, l1, l0) in [(0, 0, 3, 4), (3, 4, 0, 0), (0, 0, 0, 0)] {
            assert!(log_factor(pair(n1, n0, l1, l0), 0.005, 0.0, 2.5).abs() <= 0.0);
        }
    }

    fn binomial(n: u64, p: f64) -> Vec<f64> {
        let mut row = vec![1.0];
        for _ in 0..n {
            let mut next = vec![0.0; row.len() + 1];
            for (k, x) in row.iter().enumerate() {
                next[k] += x * (1.0 - p);
                next[k + 1] += x * p;
            }
            row = next;
        }
        row
    }

    /// The exact mean of a factor when the candidate's rate is `new` and the primary's is `old`.
    fn mean(n: u64, l: u64, new: f64, old: f64, guess: f64, margin: f64, odds: f64) -> f64 {
        let (a, b) = (binomial(n, new), binomial(l, old));
        let mut sum = 0.0;
        for (n1, pa) in a.iter().enumerate() {
            for (l1, pb) in b.iter().enumerate() {
                let (n1, l1) = (n1 as u64, l1 as u64);
                sum +=
                    pa * pb * log_factor(pair(n1, n - n1, l1, l - l1), guess, margin, odds).exp();
            }
        }
        sum
    }

    proptest! {
        /// The promise behind every figure: on average a true claim never loses, however wrong
        /// the guess of the rate is.
        #[test]
        fn a_true_claim_gains_nothing_on_average(
            n in 1u64..14, l in 1u64..14, old in 0.0f64..0.9, guess in 0.0f64..1.0,
            margin in prop_oneof![Just(0.0), 0.0f64..0.1], better in 0.0f64..1.0, odds in 0usize..11,
        ) {
            let edge = old + margin;
            let (new, odds) = match WORSE.get(odds) {
                Some(odds) => (edge * better, *odds),
                None => (edge + (1.0 - edge) * better, NOT_WORSE[odds - WORSE.len()]),
            };
            prop_assert!(mean(n, l, new, old, guess, margin, odds) <= 1.0 + 1e-9);
            prop_assert!(mean(n, l, edge, old, guess, margin, odds) <= 1.0 + 1e-9);
        }

        #[test]
        fn a_kept_limit_gains_nothing_on_average(
            n in 1u64..30, limit in 0.0f64..1.0, part in 0.0f64..=1.0, odds in 0usize..6,
        ) {
            let limit = limit.clamp(EDGE, 1.0 - EDGE);
            let sum: f64 = binomial(n, limit * part).iter().enumerate()
                .map(|(k, p)| p * log_factor_against(limit, Tally::new(k as u64, n), WORSE[odds]).exp())
                .sum();
            prop_assert!(sum <= 1.0 + 1e-9);
        }

        #[test]
        fn any_counts_give_a_number(
            n1 in any::<u32>(), n0 in any::<u32>(), l1 in any::<u32>(), l0 in any::<u32>(),
            guess in 0.0f64..=1.0, margin in 0.0f64..=0.9, odds in 0usize..11,
        ) {
            let odds = WORSE.iter().chain(&NOT_WORSE).copied().nth(odds).unwrap();
            let pair = pair(n1.into(), n0.into(), l1.into(), l0.into());
            prop_assert!(log_factor(pair, guess, margin, odds).is_finite());
            prop_assert!(log_factor_against(guess, pair.candidate, odds).is_finite());
        }
    }
}

//! Which endpoint of a backend: two are drawn by weight, and the one with less in flight for its
//! weight is taken (power of two choices).

/// Weights as a running sum, so that a weighted draw is a binary search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights(Box<[u64]>);

impl Weights {
    /// From the weights in order.
    pub fn new(weights: impl Iterator<Item = u32>) -> Self {
        let mut sum = 0;
        Self(
            weights
                .map(|weight| {
                    sum += u64::from(weight);
                    sum
                })
                .collect(),
        )
    }

    /// The index for a draw, which is uniform over all 32-bit numbers. `None` when there is nothing.
    pub fn pick(&self, draw: u32) -> Option<usize> {
        let total = *self.0.last()?;
        let point = ((u128::from(draw) * u128::from(total)) >> 32) as u64;
        Some(self.0.partition_point(|end| *end <= point))
    }
}

/// Whether the first of two has less in flight for its weight; the first also wins a tie.
pub fn lighter(first: (i64, u32), second: (i64, u32)) -> bool {
    (first.0.max(0) + 1) as u128 * u128::from(second.1)
        <= (second.0.max(0) + 1) as u128 * u128::from(first.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let weights = Weights::new([1u32, 0, 3].into_iter());
        let mut hits = [0; 3];
        for step in 0..4000u32 {
            hits[weights.pick(step * (u32::MAX / 4000)).unwrap()] += 1;
        }
        assert_eq!(hits[1], 0);
        assert!((999..=1001).contains(&hits[0]), "{hits:?}");
        assert_eq!(weights.pick(u32::MAX), Some(2));
        assert_eq!(Weights::new(std::iter::empty()).pick(7), None);
    }

    #[test]
    fn load_is_measured_by_weight() {
        assert!(lighter((0, 1), (0, 1)));
        assert!(lighter((3, 2), (2, 1)));
        assert!(!lighter((4, 2), (1, 1)));
    }
}

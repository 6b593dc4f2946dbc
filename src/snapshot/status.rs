//! A set of statuses as bits, for one look per response.

use crate::config::scalar::StatusSet;

const WORDS: usize = 16;

/// Statuses 0 to 1023.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statuses([u64; WORDS]);

impl Statuses {
    /// From the set as written.
    pub fn new(set: &StatusSet) -> Self {
        let mut bits = Self::default();
        for (first, last) in set.ranges() {
            for status in *first..=*last {
                if let Some(word) = bits.0.get_mut(usize::from(status >> 6)) {
                    *word |= 1 << (status & 63);
                }
            }
        }
        bits
    }

    /// Whether the status is in the set.
    pub fn contains(&self, status: u16) -> bool {
        self.0
            .get(usize::from(status >> 6))
            .is_some_and(|word| word >> (status & 63) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_written() {
        let bits = Statuses::new(&StatusSet::range(500, 504));
        assert_eq!(
            (0..2000)
                .filter(|status| bits.contains(*status))
                .collect::<Vec<_>>(),
            [500, 501, 502, 503, 504]
        );
    }
}

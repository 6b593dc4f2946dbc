//! Times within a request, in half of the room that a clock needs.

/// A time since the arrival of a request, in steps of 10 µs; longer than 11.9 h counts as that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u32);

impl Moment {
    /// It has not come.
    pub const NEVER: Self = Self(u32::MAX);

    /// So many microseconds after the arrival.
    pub fn after(micros: u64) -> Self {
        Self((micros / 10).min(u64::from(u32::MAX) - 1) as u32)
    }

    /// In milliseconds with two decimals; `None` if it has not come.
    pub fn milliseconds(self) -> Option<f64> {
        (self != Self::NEVER).then(|| f64::from(self.0) / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_decimals_of_a_millisecond_and_half_a_day() {
        assert_eq!(Moment::after(0).milliseconds(), Some(0.0));
        assert_eq!(Moment::after(12_345).milliseconds(), Some(12.34));
        assert_eq!(Moment::NEVER.milliseconds(), None);
        let longest = Moment::after(u64::MAX).milliseconds().unwrap();
        assert!(longest > 11.9 * 3_600_000.0, "{longest}");
    }
}

//! Money in words.

use std::fmt;

use super::cap::Over;

/// `$5.02`; with as many digits as it takes to tell something.
pub fn dollars(amount: f64) -> String {
    let digits = match amount.abs() {
        0.0 => 2,
        small if small < 0.000_01 => 8,
        small if small < 0.001 => 6,
        small if small < 0.1 => 4,
        _ => 2,
    };
    format!("${amount:.digits$}")
}

/// `$5.02 of $5.00 in the last hour`.
impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spent, of, when) = match *self {
            Self::Hour { spent, of } => (spent, of, "the last hour"),
            Self::Day { spent, of } => (spent, of, "the last 24 hours"),
            Self::Rate { rate, of } => (rate, of, "an hour at the present price"),
        };
        write!(f, "{} of {} in {when}", dollars(spent), dollars(of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_with_as_many_digits_as_it_takes() {
        for (amount, told) in [
            (0.0, "$0.00"),
            (5.0, "$5.00"),
            (5.019, "$5.02"),
            (0.7552, "$0.76"),
            (0.0512, "$0.0512"),
            (0.000_42, "$0.000420"),
            (0.000_000_7, "$0.00000070"),
        ] {
            assert_eq!(dollars(amount), told);
        }
        let over = Over::Rate { rate: 6.4, of: 5.0 };
        assert_eq!(
            over.to_string(),
            "$6.40 of $5.00 in an hour at the present price"
        );
    }
}

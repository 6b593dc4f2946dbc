//! Money in words.

use std::fmt;

use super::calm::CALM;
use super::cap::{Over, Still};

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

/// `$4.90 of $5.00 in the last hour, ends below $4.75`.
impl fmt::Display for Still {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = CALM.as_secs() / 60;
        let of = |of: f64| (dollars(of), dollars(Self::end(of)));
        let (spent, (of, end), when) = match *self {
            Self::Hour { spent, of: bound } => (spent, of(bound), "in the last hour, ends below"),
            Self::Day { spent, of: bound } => {
                (spent, of(bound), "in the last 24 hours, ends below")
            }
            Self::Rate { rate, of: bound } => (rate, of(bound), "an hour now, ends below"),
            Self::Young {
                rate,
                of: Some(bound),
            } => {
                let (now, (of, end)) = (dollars(rate), of(bound));
                let rule = format!("ends after {minutes} minutes below {end}");
                return write!(f, "{now} of {of} an hour now, {rule}");
            }
            Self::Young { rate, of: None } => {
                let now = dollars(rate);
                let rule = format!("ends when that is known for {minutes} minutes");
                return write!(f, "{now} an hour now, {rule}");
            }
            Self::Unknown => return f.write_str("nobody knows its price, ends when that is known"),
        };
        write!(f, "{} of {of} {when} {end}", dollars(spent))
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
        for (still, told) in [
            (
                Still::Hour {
                    spent: 4.9,
                    of: 5.0,
                },
                "$4.90 of $5.00 in the last hour, ends below $4.75",
            ),
            (
                Still::Rate { rate: 6.4, of: 5.0 },
                "$6.40 of $5.00 an hour now, ends below $4.75",
            ),
            (
                Still::Young {
                    rate: 4.0,
                    of: Some(5.0),
                },
                "$4.00 of $5.00 an hour now, ends after 5 minutes below $4.75",
            ),
        ] {
            assert_eq!(still.to_string(), told);
        }
    }
}

//! Money in words.

use crate::policy::cost::Over;

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
pub(in crate::control) fn over_words(over: Over) -> String {
    match over {
        Over::Hour { spent, of } => {
            format!("{} of {} in the last hour", dollars(spent), dollars(of))
        }
        Over::Day { spent, of } => {
            format!("{} of {} in the last 24 hours", dollars(spent), dollars(of))
        }
        Over::Rate { rate, of } => format!(
            "it costs {} in an hour, of {} that it may",
            dollars(rate),
            dollars(of)
        ),
    }
}

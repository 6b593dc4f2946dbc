//! Numbers: whole ones stay exact from -2^63 to 2^64 - 1, all others are doubles.

use std::cmp::Ordering;
use std::io::Write;

/// Up to here a double holds every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number.
#[derive(Debug, Clone, Copy)]
pub enum Num {
    /// A whole number.
    Int(i64),
    /// A whole number beyond `i64::MAX`.
    Big(u64),
    /// Any other.
    Float(f64),
}

impl From<i64> for Num {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Num {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Big(value), Self::Int)
    }
}

impl From<f64> for Num {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl Num {
    /// As a double, the nearest one.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Big(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// As a whole number, if it is exact as one.
    pub fn as_i128(self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(value.into()),
            Self::Big(value) => Some(value.into()),
            Self::Float(_) => None,
        }
    }

    /// A whole number; a double if it is too large to be exact.
    pub(in crate::adapt) fn whole(value: i128) -> Self {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => Self::Int(value),
            (_, Ok(value)) => Self::Big(value),
            _ => Self::Float(value as f64),
        }
    }

    /// The result of a calculation: whole if it is, as jq prints it.
    pub(in crate::adapt) fn result(value: f64) -> Self {
        if value.fract() == 0.0 && value.abs() < EXACT {
            Self::Int(value as i64)
        } else {
            Self::Float(value)
        }
    }

    /// As an index: the part before the point, saturating; `None` if it is no number.
    pub(in crate::adapt) fn as_index(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value),
            Self::Big(_) => Some(i64::MAX),
            Self::Float(value) if value.is_nan() => None,
            Self::Float(value) => Some(value.floor() as i64),
        }
    }

    /// As jq writes a number in a program or in a string.
    pub(in crate::adapt) fn read(text: &str) -> Option<Self> {
        if let Ok(value) = text.parse::<i64>() {
            return (!text.starts_with('+')).then_some(Self::Int(value));
        }
        if let Ok(value) = text.parse::<u64>() {
            return (!text.starts_with('+')).then_some(Self::Big(value));
        }
        let is_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        if !text.bytes().all(is_number) || text.starts_with('+') {
            return None;
        }
        text.parse::<f64>().ok().map(Self::Float)
    }

    /// Not a number is less than any number, as in jq.
    pub(in crate::adapt) fn compare(self, other: Self) -> Ordering {
        if let (Some(left), Some(right)) = (self.as_i128(), other.as_i128()) {
            return left.cmp(&right);
        }
        let (left, right) = (self.as_f64(), other.as_f64());
        left.partial_cmp(&right).unwrap_or_else(|| {
            let by_nan = right.is_nan().cmp(&left.is_nan());
            if left.is_nan() {
                Ordering::Less
            } else {
                by_nan
            }
        })
    }

    pub(super) fn write(self, into: &mut Vec<u8>) {
        let written = match self {
            Self::Int(value) => write!(into, "{value}"),
            Self::Big(value) => write!(into, "{value}"),
            Self::Float(value) if value.is_nan() => write!(into, "null"),
            Self::Float(value) => {
                write!(into, "{:?}", value.clamp(f64::MIN, f64::MAX))
            }
        };
        debug_assert!(written.is_ok(), "a vector takes all");
    }
}
